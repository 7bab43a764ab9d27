"""`solve_size`: which padding and output padding give the size that is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from convmatrix.analysis.arithmetic.answer import AxisSolution, SizeSolutions
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Geometry, arguments

MAX_SOLUTIONS = 100
"""Solutions listed an axis."""


def solve_size(
    input_size: Any,
    output_size: Any,
    *,
    kernel_size: Any,
    stride: Any = 1,
    dilation: Any = 1,
    padding: Any = None,
    output_padding: Any = None,
    transpose: bool = False,
) -> SizeSolutions:
    """Which padding, and of a transposed layer which output padding, take the input size to the output size.

    With the extent `e = dilation*(kernel_size - 1) + 1`, a convolution needs a total padding `P` on each axis of ::

        stride*(output_size - 1) + e - input_size  <=  P  <=  the same + stride - 1

    and a transposed layer one of `P = stride*(input_size - 1) + e + output_padding - output_size`, where
    `output_padding` is below `max(stride, dilation)`. Equal padding on both sides comes first, the least before more;
    where `P` is odd the larger part stands behind, as in "same". Every solution is checked by building its geometry.

    Parameters
    ----------
    input_size, output_size : int or sequence of int
        Of the layer: one an axis. For a transposed layer its own, so that the output is the larger one.
    kernel_size, stride, dilation : int or sequence of int
        As in `conv`; `stride=None` asks for the stride too: one solution for each that needs less padding than the
        kernel's extent on each side, or that the given padding reaches.
    padding, output_padding : optional
        Kept as given; by default they are asked for.
    transpose : bool, default False
        Whether the layer is a `conv_transpose`.

    Returns
    -------
    SizeSolutions
        False where there is none, with the reason.

    Raises
    ------
    ConvMatrixError
        If a size is below 1, there is no axis, lengths differ, `transpose` is no bool, or `output_padding` is given for
        a convolution.

    Examples
    --------
    >>> import convmatrix as cm
    >>> cm.solve_size(224, 112, kernel_size=7, stride=2).options
    {'stride': 2, 'padding': 3}
    >>> up = cm.solve_size(7, 14, kernel_size=3, stride=2, transpose=True)
    >>> up.options
    {'stride': 2, 'padding': 1, 'output_padding': 1}
    >>> cm.conv_transpose([1, 2, 1], 7, **up.options).out_shape
    (1, 14)

    References
    ----------
    V. Dumoulin, F. Visin: A guide to convolution arithmetic for deep learning, arXiv:1603.07285.
    """
    sizes, wanted = arguments.sizes(input_size, "input_size"), arguments.sizes(output_size, "output_size")
    axes = len(sizes)
    if not axes:
        raise ConvMatrixError("input_size must have one or more axes, got none")
    if not isinstance(transpose, (bool, np.bool_)):
        raise ConvMatrixError(f"transpose must be True or False, got {transpose!r}")
    if len(sizes) != len(wanted):
        raise ConvMatrixError(f"output_size must have as many axes as input_size, {len(sizes)}, got {len(wanted)}")
    kernels = arguments.per_axis(kernel_size, "kernel_size", axes, 1)
    dilations = arguments.per_axis(dilation, "dilation", axes, 1)
    if output_padding is not None and not transpose:
        raise ConvMatrixError(f"output_padding must be left out unless transpose=True, got {output_padding!r}")
    if stride is None and transpose:
        raise ConvMatrixError("stride must be given for a transposed layer, got None")
    strides = (None,) * axes if stride is None else arguments.per_axis(stride, "stride", axes, 1)
    pads = (None,) * axes if padding is None else arguments.padding_pairs(padding, axes)
    extras = (None,) * axes if output_padding is None else arguments.per_axis(output_padding, "output_padding", axes, 0)
    given = zip(sizes, wanted, kernels, strides, dilations, pads, extras, strict=True)
    asked = tuple((_Up if transpose else _Down)(*each) for each in given)
    return SizeSolutions(
        sizes,
        wanted,
        bool(transpose),
        tuple(tuple(islice(axis.solutions(), MAX_SOLUTIONS)) for axis in asked),
        tuple(axis.rule() for axis in asked),
        tuple(axis.reachable() for axis in asked),
    )


@dataclass(frozen=True)
class _Axis:
    """What is asked of one axis; None is what is to be found."""

    input_size: int
    output_size: int
    kernel_size: int
    stride: int | None
    dilation: int
    padding: tuple[int, int] | None
    output_padding: int | None

    @property
    def extent(self) -> int:
        return self.dilation * (self.kernel_size - 1) + 1

    def total(self, least: int, most: int) -> Iterator[tuple[int, int]]:
        """Paddings with a total between these, equal sides first."""
        if self.padding is not None:
            if least <= sum(self.padding) <= most:
                yield self.padding
            return
        least = max(least, 0)
        yield from ((half, half) for half in range(-(-least // 2), most // 2 + 1))
        yield from ((odd // 2, odd // 2 + 1) for odd in range(least | 1, most + 1, 2))


class _Down(_Axis):
    """A convolution."""

    def solutions(self) -> Iterator[AxisSolution]:
        if self.stride is not None:
            yield from self._with_stride(self.stride)
            return
        for even in (True, False):
            for stride in self._strides():
                # Equal sides are the first of a stride, if it has any.
                yield from (found for found in islice(self._with_stride(stride), 1) if found.is_symmetric is even)

    def _with_stride(self, stride: int) -> Iterator[AxisSolution]:
        least = stride * (self.output_size - 1) + self.extent - self.input_size
        pairs = self.total(least, least + stride - 1)
        return (AxisSolution(stride, pair) for pair in pairs if self._reaches(stride, pair))

    def _strides(self) -> Iterable[int]:
        """Of an open stride those for which some padding below the extent will do; of one output the least."""
        pads = sum(self.padding) if self.padding is not None else None
        # The least padding of a stride is its first, so that the limit is one of strides.
        longest = self.input_size - self.extent + (2 * (self.extent - 1) if pads is None else pads)
        shortest = max(self.input_size - self.extent + (pads or 0), 0)
        first = shortest // self.output_size + 1
        return range(first, first + 1 if self.output_size == 1 else longest // (self.output_size - 1) + 1)

    def _reaches(self, stride: int, pair: tuple[int, int]) -> bool:
        options: dict[str, Any] = {"stride": stride, "dilation": self.dilation, "padding": [pair]}
        return Geometry.conv((self.input_size,), (self.kernel_size,), **options).output_size == (self.output_size,)

    def rule(self) -> str:
        """The interval of the total padding."""
        if self.stride is None:
            rest = self.extent - self.input_size
            sign = "-" if rest < 0 else "+"
            return f"stride*{self.output_size - 1} {sign} {abs(rest)} <= P <= the same + stride - 1"
        least = self.stride * (self.output_size - 1) + self.extent - self.input_size
        return f"P = {least}" if self.stride == 1 else f"{least} <= P <= {least + self.stride - 1}"

    def reachable(self) -> str:
        """What sizes there are, for where none is found."""
        if self.stride is None:
            if self.padding is not None:
                return f"no stride reaches it with padding {_side(self.padding)}"
            return "no stride reaches it with less padding than the kernel's extent on each side"
        if self.padding is not None:
            there = (self.input_size + sum(self.padding) - self.extent) // self.stride + 1
            return f"with padding {_side(self.padding)} it is {max(there, 0)}"
        there = (self.input_size - self.extent) // self.stride + 1
        return f"without padding it is {there} already, and padding makes it larger"


class _Up(_Axis):
    """A transposed convolution."""

    @property
    def step(self) -> int:
        return 1 if self.stride is None else self.stride

    def solutions(self) -> Iterator[AxisSolution]:
        least = self._total(0)
        extras = range(max(self.step, self.dilation)) if self.output_padding is None else (self.output_padding,)
        if isinstance(extras, range) and self.padding is not None:
            # The crop is fixed, and so is what is left to add.
            extra = sum(self.padding) - least
            extras = range(extra, extra + 1) if extra in extras else range(0)
        elif isinstance(extras, range):
            extras = range(min(max(-least, 0), extras.stop), extras.stop)
        for even in (True, False):
            for extra in extras:
                for pair in self.total(least + extra, least + extra):
                    if (pair[0] == pair[1]) is even and self._reaches(pair, extra):
                        yield AxisSolution(self.step, pair, extra)

    def _total(self, extra: int) -> int:
        return self.step * (self.input_size - 1) + self.extent + extra - self.output_size

    def _reaches(self, pair: tuple[int, int], extra: int) -> bool:
        options: dict[str, Any] = {
            "stride": self.step,
            "dilation": self.dilation,
            "padding": [pair],
            "output_padding": extra,
        }
        larger = Geometry.transposed((self.input_size,), (self.kernel_size,), **options).input_size
        return larger == (self.output_size,)

    def rule(self) -> str:
        """The total padding, which the output padding moves."""
        return f"P = {self._total(0)} + output_padding, output_padding < {max(self.step, self.dilation)}"

    def reachable(self) -> str:
        """What sizes there are, for where none is found."""
        most = max(self.step, self.dilation) - 1 if self.output_padding is None else self.output_padding
        pads = (0, 0) if self.padding is None else self.padding
        there = self.step * (self.input_size - 1) + self.extent - sum(pads)
        least = there + (self.output_padding or 0)
        between = f"it is {least}" if least == there + most else f"it is {least} to {there + most}"
        return f"with padding {_side(pads)} {between}" + (
            ", and padding makes it smaller" if self.padding is None else ""
        )


def _side(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}+{pair[1]}"
