"""What `overlap` answers about one operator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from itertools import accumulate, islice
from typing import Any

import numpy as np

from convmatrix.analysis.facts import as_html, as_text
from convmatrix.analysis.overlap.axes import AxisCounts, axis_counts
from convmatrix.analysis.phases import Interior, interior, paths, phase_paths, steps_of
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Scaled, Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool

_OBJECT_BYTES, _HOLE_BYTES = 48, 100


@dataclass(frozen=True, eq=False)
class OverlapMap:
    """What `overlap` found. Everything is computed when it is first asked for; the arrays are read-only.

    Attributes
    ----------
    op : TensorOperator
        The operator it is about.
    """

    op: TensorOperator

    @property
    def output_size(self) -> tuple[int, ...]:
        """The spatial sizes of the output."""
        return self.op.out_shape[1:]

    @cached_property
    def counts(self) -> np.ndarray:
        """The number of paths to each output position: an array of `output_size`.

        In the smallest unsigned type that holds them, or Python integers beyond uint64.

        Raises
        ------
        MatrixTooLargeError
            If the map would not fit in memory.
        """
        positions = math.prod(self.output_size)
        what = f"the overlap map of {positions} positions"
        if self._axes is None:
            check_size(what, positions)
            found = paths(self.op)
            return _frozen(found.astype(_smallest(int(found.max()))))
        dtype = _smallest(math.prod(axis.extremes[1] for axis in self._axes))
        check_size(what, positions * (_OBJECT_BYTES if dtype.hasobject else dtype.itemsize))
        rest = np.ones((), dtype=dtype)
        for axis in reversed(self._axes):
            rest = axis.times(rest)
        return _frozen(rest)

    @cached_property
    def axis_counts(self) -> tuple[np.ndarray, ...] | None:
        """One vector an axis, whose outer product the counts are; None for a sum of branches that has none."""
        if self._axes is None:
            return None
        longest = max(self.output_size)
        check_size(f"the counts of an axis of {longest} positions", 8 * longest)
        return tuple(_frozen(axis.along(_widest(axis.extremes[1]))) for axis in self._axes)

    @cached_property
    def phase_counts(self) -> np.ndarray:
        """The number of paths to each phase, of the shape of `period`, far from any border.

        Of the endless layer: an output too small to have an interior has them as well.
        """
        found = phase_paths(self.op)
        return _frozen(np.roll(found, self.offset, tuple(range(found.ndim))))

    @property
    def interior(self) -> tuple[slice, ...] | None:
        """The outputs that no border reaches; None where there are none."""
        return self._interior.slices

    @property
    def period(self) -> tuple[int, ...]:
        """After how many outputs an axis the geometry repeats."""
        return self._interior.period

    @property
    def offset(self) -> tuple[int, ...]:
        """Phase = (output position + offset) modulo period; of a transposed layer the padding before."""
        return self._interior.offset

    @property
    def is_uniform(self) -> bool:
        """Whether every phase is reached by equally many paths."""
        return self._extremes[0] == self._extremes[1]

    @property
    def ratio(self) -> Fraction | float:
        """The largest phase count by the smallest; `inf` where a phase is never written."""
        least, most = self._extremes
        return Fraction(most, least) if least else math.inf

    @cached_property
    def holes(self) -> tuple[tuple[int, ...], ...]:
        """The phases that are never written."""
        check_size(f"the list of {self._hole_count} holes", _HOLE_BYTES * self._hole_count)
        return tuple(self._first_holes(self._hole_count))

    @property
    def border(self) -> tuple[tuple[int, int], ...]:
        """Outputs (before, after) the interior of each axis; an axis without one is all before."""
        return tuple(
            (low, size - high) if high > low else (size, 0)
            for size, (low, high) in zip(self.output_size, self._interior.ranges, strict=True)
        )

    @cached_property
    def border_counts(self) -> tuple[int, int] | None:
        """The least and the most paths to an output outside the interior; None where nothing is outside."""
        ends = list(self._ends())
        return (min(least for least, _ in ends), max(most for _, most in ends)) if ends else None

    @cached_property
    def stages(self) -> tuple[OverlapMap, ...]:
        """The map after each layer of a product, the layer applied first first: how unevenness compounds."""
        layers = [step for step in steps_of(self.op) if not isinstance(step, Scaled)]
        done = accumulate(layers, lambda inner, layer: Product(layer, inner))
        return (*map(OverlapMap, islice(done, len(layers) - 1)), self)

    @property
    def formula(self) -> Any:
        """The count of a phase of one axis in closed form, in SymPy's symbols k, s, d and f.

        Of one convolution, average or their transposes, or a multiple of one; None for any other operator.
        Where d is 1, it is `ceiling((k - f)/s)` for `f` from 0 to `s - 1`.
        """
        from convmatrix.analysis.overlap.formula import overlap_formula

        # Forwards every output is reached by every tap.
        return self._closed_form(overlap_formula, partial(overlap_formula, stride=1, dilation=1))

    @property
    def formula_ratio(self) -> Any:
        """The largest count of an axis by the smallest in closed form, in k, s and d; None where `formula` is."""
        from convmatrix.analysis.overlap.formula import overlap_ratio

        return self._closed_form(overlap_ratio, partial(overlap_ratio, 1, 1, 1))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; lists of up to 4096 entries, otherwise None.

        Of the holes the first 4096; the stages of up to 100 layers.
        """
        from convmatrix.analysis.overlap.wording import as_dict

        return as_dict(self)

    def __str__(self) -> str:
        from convmatrix.analysis.overlap.wording import headline, rows

        return as_text(headline(self), rows(self))

    def __repr__(self) -> str:
        from convmatrix.analysis.overlap.wording import evenness

        return f"OverlapMap({self.op.in_shape} -> {self.op.out_shape}, {evenness(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A copied array is no longer read-only; what is cached is soon made again.
        return OverlapMap, (self.op,)

    def _repr_html_(self) -> str:
        from convmatrix.analysis.overlap.wording import headline, rows

        return as_html(headline(self), rows(self))

    def _repr_latex_(self) -> str | None:
        formula = self.formula
        if formula is None:
            return None
        import sympy

        from convmatrix.analysis.overlap.formula import overlap_formula

        if formula.has(sympy.Mod) and self._is_undilated:
            formula = overlap_formula(dilation=1)
        return rf"$\displaystyle N_f = {sympy.latex(formula)}$"

    @property
    def _is_undilated(self) -> bool:
        layer = self._layer
        return isinstance(layer, (Convolution, AvgPool)) and all(own.dilation == 1 for own in layer.geometry.axes)

    @cached_property
    def _interior(self) -> Interior:
        return interior(self.op)

    @cached_property
    def _axes(self) -> tuple[AxisCounts, ...] | None:
        return axis_counts(self.op, self._interior)

    @cached_property
    def _extremes(self) -> tuple[int, int]:
        return int(self.phase_counts.min()), int(self.phase_counts.max())

    @cached_property
    def _hole_count(self) -> int:
        return self.phase_counts.size - int(np.count_nonzero(self.phase_counts))

    def _first_holes(self, most: int) -> list[tuple[int, ...]]:
        """Some of the phases that are never written, of which there may be millions."""
        places = np.flatnonzero(self.phase_counts == 0)[:most]
        return list(zip(*(axis.tolist() for axis in np.unravel_index(places, self.period)), strict=True))

    def _ends(self) -> Iterator[tuple[int, int]]:
        """The least and the most of each slab of outputs beside the interior."""
        if self._axes is None:
            yield from self._slabs()
            return
        for place, axis in enumerate(self._axes):
            if axis.border is not None:
                others = [other.extremes for other in (*self._axes[:place], *self._axes[place + 1 :])]
                least, most = axis.border
                yield least * math.prod(low for low, _ in others), most * math.prod(high for _, high in others)

    def _slabs(self) -> Iterator[tuple[int, int]]:
        for axis, (before, after) in enumerate(self.border):
            along = np.moveaxis(self.counts, axis, 0)
            for slab in (along[:before], along[len(along) - after :]):
                if slab.size:
                    yield int(slab.min()), int(slab.max())

    @property
    def _layer(self) -> TensorOperator:
        """What is left of a single layer without its multiples and its transposition."""
        op = self.op
        while isinstance(op, (Scaled, Transposed)):
            op = op.of
        return op

    def _closed_form(self, transposed: Callable[[], Any], forwards: Callable[[], Any]) -> Any:
        if not isinstance(self._layer, (Convolution, AvgPool)):
            return None
        op = self.op
        while isinstance(op, Scaled):
            op = op.of
        return transposed() if isinstance(op, Transposed) else forwards()


def _smallest(most: int) -> np.dtype[Any]:
    """The smallest unsigned type that holds a count."""
    return np.dtype(object) if most >= 2**64 else np.min_scalar_type(most)


def _widest(most: int) -> np.dtype[Any]:
    return np.dtype(object) if most >= 2**63 else np.dtype(np.int64)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
