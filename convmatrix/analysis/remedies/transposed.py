"""The ways out for one transposed layer, and for the gradient of a strided one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard import CheckerboardReport
from convmatrix.analysis.remedies import drafts
from convmatrix.analysis.remedies.averages import divided, mean, repeated
from convmatrix.analysis.remedies.distance import norm_of_change
from convmatrix.analysis.remedies.drafts import Draft, Proposals, sizes_text, unless_refused
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators import TensorOperator, resize
from convmatrix.operators.algebra import Product, Transposed
from convmatrix.operators.convolution import Convolution

_MOST_TAPS = 1024
"""Of a kernel whose taps are looked at one by one."""


def proposals(op: Transposed, report: CheckerboardReport, tol: float | None) -> Proposals:
    """Every way, in the order of the table; a sentence for one that this layer has not.

    Parameters
    ----------
    op : Transposed
        Of a convolution.
    report : CheckerboardReport
        Of the layer as it is.
    tol : float or None
        For the judgment of a longer kernel, whose nearest free weight is asked for.
    """
    own = {"kernel_size": op.geometry.kernel_size, "stride": _strides(op)}
    yield unless_refused("nearest free", drafts.nearest_free, report, "nearest free", own)
    yield from _longer(op, tol)
    yield unless_refused("stride 1", _unstrided, op)
    for mode in ("nearest", "linear"):
        yield unless_refused(f"resize {mode}", _measured_by_taps, _resized, op, mode)
    yield _equal_phases(op)
    yield unless_refused("smoothing", _measured_by_taps, drafts.smoothing, op, report)


def unit_layer(op: Transposed) -> Transposed:
    """The layer with one input channel and an output channel for each tap, which is 1 there."""
    own = op.geometry
    taps = math.prod(own.kernel_size)
    weight = np.eye(taps).reshape(1, taps, *own.kernel_size)
    return Transposed(Convolution(Geometry(own.axes, taps, 1), weight))


def _measured_by_taps(make: Callable[..., Draft], op: Transposed, *given: Any) -> Draft:
    """A draft that treats every pair of channels alike, with what it makes of single taps."""
    draft, taps = make(op, *given), math.prod(op.geometry.kernel_size)
    pairs = op.weight.size // taps
    if op.dtype.kind not in "fc" or not taps < pairs or taps > _MOST_TAPS:
        return draft
    unit = unit_layer(op)
    return dataclasses.replace(draft, units=(unit, *make(unit, *given).operators))


def whole_kernel_size(op: Transposed) -> tuple[int, ...]:
    """The next multiple of the stride, axis by axis."""
    return tuple(-(-axis.kernel_size // axis.stride) * axis.stride for axis in op.geometry.axes)


def lengthened(op: Transposed, kernel_size: tuple[int, ...]) -> Transposed:
    """The same map with zero taps at the end of each axis, its output cropped to the same size."""
    grown = [
        dataclasses.replace(
            axis, kernel_size=size, pad_after=axis.pad_after + axis.dilation * (size - axis.kernel_size)
        )
        for axis, size in zip(op.geometry.axes, kernel_size, strict=True)
    ]
    weight = np.zeros((*op.weight.shape[:2], *kernel_size), dtype=op.weight.dtype)
    weight[(slice(None), slice(None), *map(slice, op.weight.shape[2:]))] = op.weight
    return _with(op, tuple(grown), exact.as_array(weight))


def _longer(op: Transposed, tol: float | None) -> Proposals:
    size = whole_kernel_size(op)
    name = f"kernel size {sizes_text(size)}"
    if size == op.geometry.kernel_size:
        yield f"{name}: the stride divides the kernel size already"
        return
    setting = {"kernel_size": size, "stride": _strides(op)}
    try:
        longer = lengthened(op, size)
        report = drafts.judged(longer, tol)
    except ValueError as why:
        yield f"{name}: {why}"
        return
    text = "taps of 0 added, so that the stride divides the kernel size"
    yield Draft(name, text, (longer,), setting, 0.0, report)
    both = f"{name}, nearest free"
    yield unless_refused(both, drafts.nearest_free, report, both, setting)


def _unstrided(op: Transposed) -> Draft:
    """The same weight without enlargement, centred; its output is as large as its input."""
    axes = []
    for axis in op.geometry.axes:
        n, spare = axis.output_size, axis.extent - 1
        mode = axis.padding_mode if axis.padding_mode == "circular" else "zeros"
        axes.append(Axis(n, axis.kernel_size, n, 1, axis.dilation, spare // 2, spare - spare // 2, mode))
    text = "the same weight without enlargement: as many outputs as inputs"
    setting = {"kernel_size": op.geometry.kernel_size, "stride": (1,) * len(axes)}
    return Draft("stride 1", text, (_with(op, tuple(axes), op.weight),), setting, 0.0)


def _resized(op: Transposed, mode: str) -> Draft:
    """Interpolation by the stride, and then the kernel turned round, which keeps the mean gain."""
    strides = _strides(op)
    larger = resize(op.in_shape, strides, mode)
    weight = _turned(op)
    operators = []
    for spare in sorted({0, *(() if all(s % 2 for s in strides) else (1,))}):
        axes = tuple(_aligned(axis, n, spare) for axis, n in zip(op.geometry.axes, larger.out_shape[1:], strict=True))
        operators.append(Product(drafts.centred_conv(weight, axes, op.bias, op.geometry.groups), larger))
    share = math.prod(strides)
    text = f"{mode} enlargement by {sizes_text(strides)}, then a convolution of the kernel turned round"
    text += f", divided by {share} to keep the mean gain" if share > 1 else ""
    setting = {"kernel_size": op.geometry.kernel_size, "stride": (1,) * len(strides), "scale": strides, "mode": mode}
    return Draft(f"resize {mode}", text, tuple(operators), setting)


def _aligned(axis: Axis, input_size: int, spare: int) -> Axis:
    """The axis on the enlarged grid: input `n` stands in the middle of its `stride` copies."""
    shift = (axis.stride - 1 + spare) // 2
    before = axis.extent - 1 - axis.pad_before - shift
    return drafts.filling_axis(
        input_size, axis.input_size, before, (axis.kernel_size, axis.dilation), axis.padding_mode
    )


def _turned(op: Transposed) -> np.ndarray:
    """The weight as that of a convolution: channels exchanged within their groups, taps turned, a share of each."""
    groups, weight = op.geometry.groups, op.weight
    split = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)
    turned = np.flip(split, axis=tuple(range(3, split.ndim))).reshape(-1, split.shape[2], *weight.shape[2:])
    return divided(np.ascontiguousarray(turned), math.prod(_strides(op)))


def _equal_phases(op: Transposed) -> Draft | str:
    """All sub-kernels, one a phase, replaced by their mean: a nearest enlargement of one of them."""
    for number, axis in enumerate(op.geometry.axes):
        if math.gcd(axis.dilation, axis.stride) > 1:
            return (
                f"ICNR: dilation {axis.dilation} and stride {axis.stride} on axis {number} share a factor, so no tap "
                "reaches some phases and their sub-kernels cannot be equal"
            )
    return unless_refused("ICNR", _averaged, op)


def _averaged(op: Transposed) -> Draft:
    longer = lengthened(op, whole_kernel_size(op))
    weight = longer.weight
    for number, axis in enumerate(longer.geometry.axes, start=2):
        moved = np.moveaxis(weight, number, 0)
        # Of as many taps in a row as the stride has phases, each is of another phase, at any dilation without a
        # common factor.
        block = mean(moved.reshape(-1, axis.stride, *moved.shape[1:]), 1)
        weight = np.moveaxis(repeated(block, axis.stride), 0, number)
    size = longer.geometry.kernel_size
    text = "the sub-kernels of all phases replaced by their mean"
    operator = _with(longer, longer.geometry.axes, np.ascontiguousarray(weight))
    return Draft(
        "ICNR", text, (operator,), {"kernel_size": size, "stride": _strides(op)}, norm_of_change(longer.weight, weight)
    )


def _with(op: Transposed, axes: tuple[Axis, ...], weight: np.ndarray) -> Transposed:
    """The layer with other axes and another weight."""
    own = op.geometry
    weight = weight.copy()
    weight.flags.writeable = False
    return Transposed(Convolution(Geometry(axes, own.in_channels, own.out_channels, own.groups), weight), op.bias)


def _strides(op: Any) -> tuple[int, ...]:
    return tuple(axis.stride for axis in op.geometry.axes)


def is_one(op: TensorOperator) -> bool:
    """Whether this is a transposed convolution by itself."""
    return isinstance(op, Transposed) and isinstance(op.of, Convolution)
