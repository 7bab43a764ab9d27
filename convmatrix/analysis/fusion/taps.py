"""A convolution by where its taps lie: forms that can be composed and added, whatever they were made of.

Along an axis output `o` reads, through tap `t`, position `o*stride + start + t*step` of the input. With a second layer
behind it, it reads `o*s1*s2 + (start1 + s1*start2) + (t1*step1 + s1*t2*step2)`: again such a form, whose step is the
greatest common divisor of the two. A sum of forms of equal stride lies on the common grid of their taps.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import PADDING_MODES, Axis, Geometry
from convmatrix.memory import check_size
from convmatrix.operators.convolution import Convolution

_MOST_EXACT_PRODUCTS = 3_000_000
"""Of integers beyond int64 or fractions: a few seconds; of symbols a tenth."""


class NotOneConvolution(Exception):
    """Why something is not one convolution, in words."""


@dataclass(frozen=True)
class TapAxis:
    """One axis: sizes, the stride, and the positions `start, start + step, ...` that output 0 reads."""

    input_size: int
    output_size: int
    stride: int
    start: int
    step: int
    taps: int

    @property
    def stop(self) -> int:
        """One beyond the last position that output 0 reads."""
        return self.start + (self.taps - 1) * self.step + 1

    @property
    def grid(self) -> int:
        """The step, 0 where a single tap has none."""
        return self.step if self.taps > 1 else 0

    @property
    def is_padded(self) -> bool:
        """Whether some output reads beyond the input."""
        return self.start < 0 or (self.output_size - 1) * self.stride + self.stop > self.input_size

    def axis(self, padding_mode: str) -> Axis:
        """The axis of a convolution with these taps, padded no more than its outputs need."""
        before, extent = -self.start, self.stop - self.start
        needed = (self.output_size - 1) * self.stride + extent - self.input_size - before
        fits = (self.input_size + before + max(needed, 0) - extent) // self.stride + 1 == self.output_size
        after = max(needed, 0) if fits else needed
        sizes = self.input_size, self.taps, self.output_size
        return Axis(*sizes, self.stride, self.step, before, after, padding_mode)


@dataclass(frozen=True, eq=False)
class TapForm:
    """Taps with their weight `(c_out, c_in/groups, *taps)`, a bias of `(c_out,)` or None, and the borders met."""

    axes: tuple[TapAxis, ...]
    weight: np.ndarray
    groups: int
    bias: np.ndarray | None = None
    modes: frozenset[str] = frozenset()

    @property
    def in_channels(self) -> int:
        """Channels read."""
        return self.weight.shape[1] * self.groups

    def candidates(self) -> list[str]:
        """The padding modes that one convolution with these taps may have."""
        return [mode for mode in PADDING_MODES if mode in self.modes] or ["zeros"]

    def operator(self, padding_mode: str, dtype: np.dtype[Any], bias: np.ndarray | None = None) -> Convolution:
        """The convolution, in as many groups as its zeros allow, in the float type of its layers.

        Raises
        ------
        NotOneConvolution
            If the padding mode does not reach so far.
        ConvMatrixError
            If a weight exceeds the float type.
        """
        expanded = replace(self, weight=_expanded(self.weight))
        groups = _most_groups(expanded)
        weight = _in_dtype(_regrouped(expanded, groups), dtype)
        try:
            axes = tuple(axis.axis(padding_mode) for axis in self.axes)
        except ConvMatrixError as error:
            raise NotOneConvolution(f"no convolution pads so far: {error}") from None
        if bias is not None:
            bias = _in_dtype(_expanded(bias), dtype).reshape(-1, *[1] * len(self.axes))
            bias.flags.writeable = False
        weight.flags.writeable = False
        return Convolution(Geometry(axes, self.in_channels, len(weight), groups), weight, bias)


def of_geometry(geometry: Geometry, weight: np.ndarray, bias: np.ndarray | None = None) -> TapForm:
    """The form of a convolution."""
    axes = tuple(
        TapAxis(a.input_size, a.output_size, a.stride, -a.pad_before, a.dilation, a.kernel_size) for a in geometry.axes
    )
    padded = any(axis.is_padded for axis in axes)
    modes = frozenset({geometry.axes[0].padding_mode} if padded else ())
    return TapForm(axes, weight, geometry.groups, None if bias is None else bias.reshape(-1), modes)


def of_transpose(geometry: Geometry, weight: np.ndarray) -> TapForm:
    """The form of the transpose of a convolution of stride 1: its taps turned round."""
    axes = tuple(
        TapAxis(a.output_size, a.input_size, 1, a.pad_before + 1 - a.extent, a.dilation, a.kernel_size)
        for a in geometry.axes
    )
    g = geometry.groups
    split = weight.reshape(g, weight.shape[0] // g, *weight.shape[1:]).swapaxes(1, 2)
    turned = np.flip(split, axis=tuple(range(3, split.ndim)))
    own = (
        {geometry.axes[0].padding_mode}
        if any(axis.interior != (0, axis.output_size) for axis in geometry.axes)
        else set()
    )
    modes = frozenset(own or {"zeros"} if any(axis.is_padded for axis in axes) else own)
    return TapForm(axes, turned.reshape(geometry.in_channels, -1, *weight.shape[2:]), g, None, modes)


def of_channels(sources: np.ndarray, size: tuple[int, ...]) -> TapForm:
    """The 1x1 convolution in which output channel `c` is input channel `sources[c]`."""
    count = sources.size
    axes = tuple(TapAxis(n, n, 1, 0, 1, 1) for n in size)
    if (sources == np.arange(count)).all():
        return TapForm(axes, np.ones((count, 1, *[1] * len(size)), dtype=np.int64), count)
    weight = np.zeros((count, count), dtype=np.int64)
    weight[np.arange(count), sources] = 1
    return TapForm(axes, weight.reshape(count, count, *[1] * len(size)), 1)


def scaled(form: TapForm, factor: Any) -> TapForm:
    """A multiple, bias and all."""
    values = exact.as_array([factor], "the factor")
    bias = None if form.bias is None else _times(form.bias, values)
    return replace(form, weight=_times(form.weight, values), bias=bias)


def composed(second: TapForm, first: TapForm) -> TapForm:
    """`second` behind `first`: positions add up, channels are contracted, block by block."""
    groups = math.gcd(first.groups, second.groups)
    axes = tuple(behind(a, b) for a, b in zip(first.axes, second.axes, strict=True))
    shape = (groups, len(second.weight) // groups, first.in_channels // groups, *(axis.taps for axis in axes))
    check_size("the weight of the fused convolution", math.prod(shape) * 8, None)
    met = first.weight.shape[0] // groups * min(math.prod(axis.taps for axis in form.axes) for form in (first, second))
    blocks = _products_ready(dense(second, groups), dense(first, groups), met)
    _check_work(blocks, math.prod(blocks[0].shape) * math.prod(blocks[1].shape[2:]))
    weight = np.zeros(shape, dtype=np.result_type(*blocks))
    flat = blocks[1].reshape(*blocks[1].shape[:2], -1)
    for tap in itertools.product(*(range(axis.taps) for axis in second.axes)):
        part = np.matmul(blocks[0][(slice(None),) * 3 + tap], flat).reshape(*shape[:3], *blocks[1].shape[3:])
        places = [
            _places(b.step * t * a.stride, a, axis)
            for t, a, b, axis in zip(tap, first.axes, second.axes, axes, strict=True)
        ]
        weight[(slice(None),) * 3 + tuple(places)] += part
    merged = _settled(weight, second.weight, first.weight)
    bias = _joint_bias(second, first.bias)
    return TapForm(axes, merged.reshape(-1, *shape[2:]), groups, bias, first.modes | second.modes)


def added(left: TapForm, right: TapForm) -> TapForm:
    """The sum of two branches, on the common grid of their taps."""
    groups = math.gcd(left.groups, right.groups)
    axes = tuple(beside(number, a, b) for number, (a, b) in enumerate(zip(left.axes, right.axes, strict=True)))
    parts = _sums_ready(dense(left, groups), dense(right, groups))
    shape = (*parts[0].shape[:3], *(axis.taps for axis in axes))
    check_size("the weight of the fused convolution", math.prod(shape) * 8, None)
    weight = np.zeros(shape, dtype=np.result_type(*parts))
    for part, form in zip(parts, (left, right), strict=True):
        places = [_places(own.start - axis.start, own, axis) for own, axis in zip(form.axes, axes, strict=True)]
        weight[(slice(None),) * 3 + tuple(places)] += part
    bias = right.bias if left.bias is None else left.bias
    if left.bias is not None and right.bias is not None:
        bias = _as_settled(np.add(*_sums_ready(left.bias, right.bias)))
    merged = _as_settled(weight).reshape(-1, *shape[2:])
    return TapForm(axes, merged, groups, bias, left.modes | right.modes)


def dense(form: TapForm, groups: int) -> np.ndarray:
    """The weight as `groups` blocks `(groups, c_out/groups, c_in/groups, *taps)`, zeros between finer groups."""
    weight, finer = form.weight, form.groups // groups
    rows, columns = len(weight) // form.groups, weight.shape[1]
    split = weight.reshape(groups, finer, rows, columns, *weight.shape[2:])
    blocks = np.zeros((groups, finer, rows, finer, columns, *weight.shape[2:]), dtype=weight.dtype)
    each = np.arange(finer)
    blocks[:, each, :, each] = split.swapaxes(0, 1)
    return blocks.reshape(groups, finer * rows, finer * columns, *weight.shape[2:])


def behind(first: TapAxis, second: TapAxis) -> TapAxis:
    """One axis of two layers in sequence."""
    step = math.gcd(first.grid, second.grid * first.stride) or 1
    span = (first.taps - 1) * first.step + (second.taps - 1) * second.step * first.stride
    start = first.start + first.stride * second.start
    return TapAxis(first.input_size, second.output_size, first.stride * second.stride, start, step, span // step + 1)


def beside(number: int, left: TapAxis, right: TapAxis) -> TapAxis:
    """One axis of two branches; its number is for the message."""
    if left.stride != right.stride and left.output_size > 1:
        raise NotOneConvolution(
            f"the branches step by {left.stride} and by {right.stride} inputs on axis {number}, and one convolution "
            "has one stride"
        )
    step = math.gcd(left.grid, right.grid, left.start - right.start) or 1
    start, stop = min(left.start, right.start), max(left.stop, right.stop)
    return replace(left, start=start, step=step, taps=(stop - 1 - start) // step + 1)


def _places(offset: int, own: TapAxis, whole: TapAxis) -> slice:
    """Where the taps of one part lie among those of the whole."""
    first, step = offset // whole.step, max(own.step // whole.step, 1)
    return slice(first, first + (own.taps - 1) * step + 1, step)


def _joint_bias(second: TapForm, inner: np.ndarray | None) -> np.ndarray | None:
    """What a constant per channel becomes where no tap reads padding, and the second layer's own."""
    if inner is None:
        return second.bias
    sums = _as_settled(second.weight.reshape(*second.weight.shape[:2], -1).astype(_wide(second.weight)).sum(axis=2))
    through, values = _products_ready(sums, inner, second.weight.shape[1])
    met = _columns(second, second.groups)[:, None] + np.arange(second.weight.shape[1])
    bias = _settled((through * values[met]).sum(axis=1), sums, inner)
    return bias if second.bias is None else _as_settled(np.add(*_sums_ready(bias, second.bias)))


def _wide(array: np.ndarray) -> Any:
    """Objects for integers: their sums may exceed int64."""
    return object if array.dtype.kind == "i" else array.dtype


def _times(values: np.ndarray, factor: np.ndarray) -> np.ndarray:
    a, b = _products_ready(values, factor, 1)
    return _settled(a * b[0], values, factor)


def _products_ready(left: np.ndarray, right: np.ndarray, terms: int) -> list[np.ndarray]:
    """Two factors of sums of so many products: floats in double; integers where no sum leaves double or int64."""
    left, right = exact.paired(left, right)
    if object in (left.dtype, right.dtype):
        return [left, right]
    if left.dtype.kind == right.dtype.kind == "i":
        bound = _largest(left) * _largest(right) * terms
        kind: Any = np.float64 if bound < 2**53 else np.int64 if bound < 2**63 else object
        return [left.astype(kind), right.astype(kind)]
    return [_double(left), _double(right)]


def _check_work(blocks: list[np.ndarray], products: int) -> None:
    most = _MOST_EXACT_PRODUCTS // (10 if any(map(exact.is_symbolic, blocks)) else 1)
    if object in (blocks[0].dtype, blocks[1].dtype) and products > most:
        raise ConvMatrixError(
            f"exact weights must need at most {most:,} products to be fused, got {products:,}: pass float weights"
        )


def _sums_ready(left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
    left, right = exact.paired(left, right)
    if object in (left.dtype, right.dtype):
        return [left, right]
    if left.dtype.kind == right.dtype.kind == "i":
        kind: Any = np.int64 if _largest(left) + _largest(right) < 2**63 else object
        return [left.astype(kind), right.astype(kind)]
    return [_double(left), _double(right)]


def _double(array: np.ndarray) -> np.ndarray:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _largest(array: np.ndarray) -> int:
    return max(-int(array.min(initial=0)), int(array.max(initial=0)))


def _settled(result: np.ndarray, *factors: np.ndarray) -> np.ndarray:
    """The product of integers as integers again, objects in their simplest kind."""
    if result.dtype.kind == "f" and all(factor.dtype.kind == "i" for factor in factors):
        return result.astype(np.int64)
    return _as_settled(result)


def _as_settled(array: np.ndarray) -> np.ndarray:
    return exact.as_array(array, "the fused weight") if array.dtype == object else array


def _expanded(array: np.ndarray) -> np.ndarray:
    """SymPy expressions multiplied out, which shows those that cancel."""
    if not exact.is_symbolic(array):
        return array
    expanded = np.empty(array.shape, dtype=object)
    expanded.reshape(-1)[:] = [entry.expand() if exact.is_sympy(entry) else entry for entry in array.flat]
    return _as_settled(expanded)


def _in_dtype(array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Floats in the type of the layers they come from; a copy in any case."""
    keep = array.dtype.kind not in "fc" or dtype.kind not in "fc"
    with np.errstate(over="ignore"):
        copy = np.array(array, dtype=array.dtype if keep else np.result_type(dtype, np.float32), order="C")
    if not exact.is_finite(copy):
        rule = "are finite" if copy.dtype == object else f"a {copy.dtype} holds"
        raise ConvMatrixError(f"ops must have weights whose products {rule}, got {exact.first_not_finite(copy)}")
    return copy


def _columns(form: TapForm, groups: int) -> np.ndarray:
    """The first input channel that each output channel meets, of so many groups."""
    own = np.arange(len(form.weight)) // (len(form.weight) // groups)
    return own * (form.in_channels // groups)


def _most_groups(form: TapForm) -> int:
    """The most groups outside whose blocks every entry is 0."""
    filled = (form.weight != 0).reshape(*form.weight.shape[:2], -1).any(axis=2)
    rows, columns = np.nonzero(filled)
    columns = columns + _columns(form, form.groups)[rows]
    common = math.gcd(len(form.weight), form.in_channels)
    for groups in range(common, form.groups, -1):
        if common % groups == 0 and groups % form.groups == 0:
            first = _columns(form, groups)[rows]
            if ((first <= columns) & (columns < first + form.in_channels // groups)).all():
                return groups
    return form.groups


def _regrouped(form: TapForm, groups: int) -> np.ndarray:
    """The weight without the zeros between finer groups."""
    first = _columns(form, groups) - _columns(form, form.groups)
    kept = first[:, None] + np.arange(form.in_channels // groups)
    return form.weight[np.arange(len(form.weight))[:, None], kept]
