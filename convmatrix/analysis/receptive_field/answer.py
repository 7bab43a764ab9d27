"""What `receptive_field` answers about a stack of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, reduce
from math import prod
from typing import Any

import numpy as np

from convmatrix.analysis.facts import as_html, as_text
from convmatrix.analysis.phases import steps_of
from convmatrix.analysis.receptive_field.measured import Interior, interior_of, measure
from convmatrix.analysis.receptive_field.phases import AxisField, axis_field, joint_fields
from convmatrix.analysis.receptive_field.runs import Runs
from convmatrix.analysis.receptive_field.walking import (
    Box,
    Counts,
    Fork,
    Step,
    TooManyBoxesError,
    counts_back,
    hull_at,
    mask_of,
    may_miss,
    most_boxes,
    single,
    size_of,
    tree_of,
    vectors_back,
    walk,
)
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Scaled, Sum, branches_of


@dataclass(frozen=True, eq=False)
class ReceptiveField:
    """What `receptive_field` found. Everything is computed when it is first asked for; the arrays are read-only.

    Attributes
    ----------
    layers : tuple of TensorOperator
        The layers, and sums of branches, in the order they are applied.
    """

    layers: tuple[TensorOperator, ...]

    @cached_property
    def op(self) -> TensorOperator:
        """The layers as one operator."""
        return reduce(lambda inner, layer: Product(layer, inner), self.layers)

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Of the first layer's input."""
        return self.layers[0].in_shape

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Of the last layer's output."""
        return self.layers[-1].out_shape

    @property
    def size(self) -> tuple[int, ...]:
        """Inputs from the first to the last that an output reads, per axis, if the input had no end.

        Of transposed layers and resizes, whose outputs read more or less by their phases, the largest; of branches that
        step differently the largest of the outputs there are. 0 where nothing is read.
        """
        return tuple(axis.size for axis in self._axes)

    @property
    def jump(self) -> tuple[int | Fraction | None, ...]:
        """By how many inputs the field moves from one output to the next, per axis: `1/stride` for a transposed layer.

        Where it is no integer the field moves by `jump * period` after every `period` outputs. None where the branches
        of a sum step differently.
        """
        return tuple(
            own.jump.numerator if own.jump is not None and own.jump.denominator == 1 else own.jump for own in self._axes
        )

    @property
    def start(self) -> tuple[int | None, ...]:
        """The first input that output 0 reads, per axis; negative in the padding, None where it reads nothing."""
        return tuple(axis.start for axis in self._axes)

    @property
    def period(self) -> tuple[int, ...]:
        """After how many outputs an axis the fields repeat, moved by whole inputs; 1 without any enlargement."""
        return tuple(axis.period for axis in self._axes)

    @cached_property
    def empirical(self) -> tuple[int, ...]:
        """`size` measured: the widest extent of what an output position reads in the pattern of the matrix product.

        If `has_interior`, of the outputs that no border reaches, one of each phase: then it is `size`, or less where
        groups keep the channels of a pixel shuffle apart. Otherwise of all outputs, whose fields borders clip or fold.
        """
        return self._measured[0]

    @property
    def has_interior(self) -> bool:
        """Whether some outputs whose field is `size` are reached by no border, along any axis and through any layer.

        A border reaches an output if a tap of it, or of what it reads in any layer or branch, falls into padding,
        zeros or other, or beyond the first or last input.
        """
        return self._interior.best is not None

    @property
    def measured_in(self) -> str:
        """Where `empirical` was looked up: "matrix", the product itself, or, of a large one, "axes", its factors."""
        return self._measured[1]

    @cached_property
    def stages(self) -> tuple[ReceptiveField, ...]:
        """The field after each layer, as seen by the same input."""
        return (*(ReceptiveField(self.layers[:number]) for number in range(1, len(self.layers))), self)

    @cached_property
    def branches(self) -> tuple[ReceptiveField, ...]:
        """Of a single sum the field of each branch; otherwise none."""
        if len(self.layers) > 1 or not isinstance(self.layers[0], Sum):
            return ()
        return tuple(ReceptiveField(flat_layers([branch])) for branch in branches_of(self.layers[0]))

    def window(self, position: Any = None, *, clipped: bool = True) -> tuple[slice, ...]:
        """The inputs from the first to the last that an output position reads.

        Parameters
        ----------
        position : int or tuple of int, optional
            Spatial position of an output, one number for all axes or one each; by default one in the middle whose
            field is the widest.
        clipped : bool, default True
            What is really read: zero padding is not, and a mirrored, clamped or wrapped border leads to inputs that lie
            inside, so that a window wrapped round an end reaches from the first to the last input of the axis or nearly
            so. With False the same on an endless input, as the rows far from every border have it: then a slice may
            begin below 0 and, under circular padding, is meant modulo the input size.

        Returns
        -------
        tuple of slice
            One an axis, empty where nothing is read.

        Raises
        ------
        ConvMatrixError
            If there is no such output.
        """
        hull = self._hull(self._position(position), clipped)
        return tuple(slice(low, high) for low, high in hull)

    def coverage(self, position: Any = None) -> np.ndarray:
        """How many paths lead from each input of the field to an output: 0 is a gap.

        Parameters
        ----------
        position : int or tuple of int, optional
            Spatial position of an output, whose clipped window is shown: an array of the shape of `window(position)`.
            By default the field itself, without borders, of an output whose field is the widest: of the shape `size`.

        Returns
        -------
        ndarray of int64, or of Python integers where these are larger
            Channels are not counted, and a path is a tap a layer, as in `overlap`.

        Raises
        ------
        ConvMatrixError
            If there is no such output.
        MatrixTooLargeError
            If the array would not fit in memory.
        """
        if position is None:
            return self._field.array
        return _frozen(self._counts(self._position(position), True).array)

    @property
    def coverage_shape(self) -> tuple[int, ...]:
        """The shape of `coverage()`: `size`, unless no one phase is the widest along every axis."""
        return tuple(high - low for low, high in self._widest_hull)

    @cached_property
    def read_count(self) -> int:
        """How many inputs of the field are read; the rest are gaps."""
        boxes = self._boxes(self._widest, False)
        if boxes is None:
            return int(np.count_nonzero(self._field.array))
        return size_of(boxes) if boxes else 0

    @property
    def density(self) -> Fraction:
        """The share of the field's inputs that are read."""
        return Fraction(self.read_count, prod(self.coverage_shape) or 1)

    @property
    def has_gaps(self) -> bool:
        """Whether some input between those that an output reads is not read: gridding."""
        return self.density < 1

    @cached_property
    def unread(self) -> np.ndarray:
        """Which inputs no output ever reads: an array of bool over the whole input.

        Raises
        ------
        MatrixTooLargeError
            If the array would not fit in memory.
        """
        size = self.in_shape[1:]
        check_size(f"the map of {' x '.join(map(str, size))} inputs", 2 * prod(size))
        if self._all_read is None:
            return _frozen(self._dense_unread)
        return _frozen(~mask_of(self._all_read, tuple((0, n) for n in size)))

    @cached_property
    def unread_count(self) -> int:
        """How many inputs no output ever reads, channels not counted."""
        if self._all_read is None:
            return int(np.count_nonzero(self._dense_unread))
        return prod(self.in_shape[1:]) - (size_of(self._all_read) if self._all_read else 0)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; arrays of up to 4096 entries, otherwise None; stages of up to 100 layers."""
        from convmatrix.analysis.receptive_field.wording import as_dict

        return as_dict(self)

    def __str__(self) -> str:
        from convmatrix.analysis.receptive_field.wording import headline, rows

        return as_text(headline(self), rows(self))

    def __repr__(self) -> str:
        from convmatrix.analysis.receptive_field.wording import by_axis

        return f"ReceptiveField({self.in_shape} -> {self.out_shape}, size {by_axis(self.size)})"

    def _repr_html_(self) -> str:
        from convmatrix.analysis.receptive_field.wording import headline, rows

        return as_html(headline(self), rows(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # A copied array is no longer read-only; what is cached is soon made again.
        return ReceptiveField, (self.layers,)

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        return tree_of(self.layers)

    @cached_property
    def _has_sums(self) -> bool:
        return any(isinstance(step, Fork) for step in self._steps)

    @cached_property
    def _is_joint(self) -> bool:
        """Whether what is read along one axis depends on the place along the others."""
        return len(self.out_shape) > 2 and self._has_sums and may_miss(self._steps)

    @cached_property
    def _axes(self) -> tuple[AxisField, ...]:
        sizes = self.out_shape[1:]
        axes = tuple(axis_field(self._steps, axis, n) for axis, n in enumerate(sizes))
        if self._is_joint:
            axes = joint_fields(self._steps, axes, sizes)
        if all(own.size for own in axes):
            return axes
        # What reads nothing along one axis reads nothing.
        return tuple(replace(own, size=0, start=None) for own in axes)

    @cached_property
    def _interior(self) -> Interior:
        return interior_of(self._steps, self._axes, self.out_shape[1:], self._is_joint)

    @cached_property
    def _measured(self) -> tuple[tuple[int, ...], str]:
        return measure(self.layers, self._steps, self._interior, self._is_joint)

    @cached_property
    def _widest(self) -> tuple[int, ...]:
        """An output in the middle, of the phase whose field is the widest along each axis."""
        return tuple(_nearest(own, n) for own, n in zip(self._axes, self.out_shape[1:], strict=True))

    @cached_property
    def _widest_hull(self) -> Sequence[tuple[int, int]]:
        return self._hull(self._widest, False)

    @cached_property
    def _field(self) -> Counts:
        counts = self._counts(self._widest, False)
        return Counts(_frozen(counts.array), counts.corner)

    def _position(self, position: Any) -> tuple[int, ...]:
        """An output position as a tuple, if there is one."""
        if position is None:
            return self._widest
        sizes = self.out_shape[1:]
        place = arguments.per_axis(position, "position", len(sizes), 0)
        for axis, (at, n) in enumerate(zip(place, sizes, strict=True)):
            if at >= n:
                raise ConvMatrixError(f"position must be below the output size {n}, got {at} on axis {axis}")
        return place

    @cached_property
    def _most(self) -> tuple[int, int]:
        """How many boxes are looked at without the borders and, clipped, within them."""
        within = max(prod(self.in_shape[1:]), prod(self.out_shape[1:]))
        return most_boxes(self._steps, prod(self.size)), most_boxes(self._steps, within)

    def _boxes(self, at: tuple[int, ...], clipped: bool) -> list[Box] | None:
        """The boxes whose union an output reads; None where they are too many."""
        try:
            box = tuple(Runs.between(place, place + 1) for place in at)
            return walk(self._steps, [box], clipped, self._most[clipped])
        except TooManyBoxesError:
            return None

    def _hull(self, at: tuple[int, ...], clipped: bool) -> Sequence[tuple[int, int]]:
        return hull_at(self._steps, at, clipped, self._most[clipped])

    def _counts(self, at: tuple[int, ...], clipped: bool) -> Counts:
        hull = self._hull(at, clipped)
        shape = tuple(high - low for low, high in hull)
        if not prod(shape):
            return Counts(np.zeros(shape, dtype=np.int64), (0,) * len(shape))
        check_size(f"the paths from {' x '.join(map(str, shape))} inputs", 16 * prod(shape))
        if self._has_sums:
            return counts_back(self._steps, single(at), clipped)
        vectors = vectors_back(self._steps, at, clipped)
        if prod(int(vector.array.max(initial=0)) for vector in vectors) >= 2**63:
            vectors = [Counts(vector.array.astype(object), vector.corner) for vector in vectors]
        whole = reduce(np.multiply.outer, [vector.array for vector in vectors])
        return Counts(whole, tuple(vector.corner[0] for vector in vectors))

    @cached_property
    def _all_read(self) -> list[Box] | None:
        """The boxes whose union all outputs read; None where they are too many."""
        try:
            return walk(self._steps, [tuple(Runs.between(0, n) for n in self.out_shape[1:])], True, self._most[True])
        except TooManyBoxesError:
            return None

    @cached_property
    def _dense_unread(self) -> np.ndarray:
        size = self.out_shape[1:]
        check_size(f"the paths from {' x '.join(map(str, size))} outputs", 16 * prod(size))
        counts = counts_back(self._steps, Counts(np.ones(size, dtype=np.int64), (0,) * len(size)), True)
        unread = np.ones(self.in_shape[1:], dtype=bool)
        place = tuple(slice(low, low + n) for low, n in zip(counts.corner, counts.array.shape, strict=True))
        unread[place] = counts.array == 0
        return unread


def flat_layers(ops: Sequence[TensorOperator]) -> tuple[TensorOperator, ...]:
    """The layers and sums of several operators in the order they are applied, without the factors of multiples."""
    return tuple(step for op in ops for step in steps_of(op) if not isinstance(step, Scaled))


def _nearest(own: AxisField, outputs: int) -> int:
    """The output nearest to the middle among those that read like the widest."""
    if own.jump is None:
        return own.phase
    middle = (outputs - 1) // 2
    place = own.phase + (middle - own.phase) // own.period * own.period
    if place < 0:
        place += own.period
    # Of a phase that is not there, only the endless axis has an output.
    return place


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
