"""The ways out for a convolution before a pixel shuffle: sub-pixel convolution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix.analysis.checkerboard import CheckerboardReport
from convmatrix.analysis.phases.reading import shuffle_of
from convmatrix.analysis.remedies import drafts
from convmatrix.analysis.remedies.averages import group_means, icnr
from convmatrix.analysis.remedies.distance import norm_of_change
from convmatrix.analysis.remedies.drafts import Draft, Proposals, sizes_text, unless_refused
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis
from convmatrix.operators import TensorOperator, resize
from convmatrix.operators.algebra import Product
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution


def factors_of(op: TensorOperator) -> tuple[int, ...] | None:
    """By which factors `op` enlarges, if it is a convolution and then a pixel shuffle; else None."""
    if not isinstance(op, Product) or not isinstance(op.right, Convolution) or not isinstance(op.left, Permutation):
        return None
    try:
        factors, enlarges = shuffle_of(op.left)
    except ConvMatrixError:
        return None
    return factors if enlarges and math.prod(factors) > 1 else None


def proposals(op: Product, factors: tuple[int, ...], report: CheckerboardReport) -> Proposals:
    """Every way, in the order of the table; a sentence for one that this layer has not."""
    layer = op.right
    assert isinstance(layer, Convolution)
    own = {"kernel_size": layer.geometry.kernel_size, "factor": factors}
    yield unless_refused("nearest free", drafts.nearest_free, report, "nearest free", own)
    if op.out_shape[0] % layer.geometry.groups:
        rest = f"{op.out_shape[0]} channels after the shuffle do not fall into {layer.geometry.groups} groups"
        yield f"resize nearest, resize linear, ICNR: the {rest}, so sub-kernels of one channel read different inputs"
    else:
        yield from _of_means(op, layer, factors)
    yield unless_refused("smoothing", drafts.smoothing, op, report)


def _of_means(op: Product, layer: Convolution, factors: tuple[int, ...]) -> Proposals:
    for mode in ("nearest", "linear"):
        if any(axis.stride > 1 for axis in layer.geometry.axes):
            yield f"resize {mode}: the convolution has a stride of its own"
        else:
            yield unless_refused(f"resize {mode}", _resized, op, layer, factors, mode)
    yield unless_refused("ICNR", _averaged, op, layer, factors)


def _averaged(op: Product, layer: Convolution, factors: tuple[int, ...]) -> Draft:
    weight = icnr(layer.weight, factors)
    weight.flags.writeable = False
    bias = None if layer.bias is None else icnr(_as_weight(layer.bias, factors), factors).reshape(layer.bias.shape)
    operator = Product(op.left, Convolution(layer.geometry, weight, bias))
    text = "the sub-kernels (and biases) that become one pixel replaced by their mean"
    change = norm_of_change(layer.weight, weight)
    return Draft("ICNR", text, (operator,), {"kernel_size": layer.geometry.kernel_size, "factor": factors}, change)


def _resized(op: Product, layer: Convolution, factors: tuple[int, ...], mode: str) -> Draft:
    """Interpolation by the factors, and then the mean of the sub-kernels on the fine grid."""
    together, geometry = math.prod(factors), layer.geometry
    larger = resize(layer.in_shape, factors, mode)
    weight = group_means(layer.weight, together)
    bias = None if layer.bias is None else group_means(layer.bias, together)
    operators = {}
    for spare in (0, 1):
        sizes = zip(geometry.axes, factors, op.out_shape[1:], larger.out_shape[1:], strict=True)
        axes = tuple(_aligned(axis, factor, outputs, n, spare) for axis, factor, outputs, n in sizes)
        operators[axes] = Product(drafts.centred_conv(weight, axes, bias, geometry.groups), larger)
    text = f"{mode} enlargement by {sizes_text(factors)}, then a convolution of the mean sub-kernel"
    setting: dict[str, Any] = {"kernel_size": geometry.kernel_size, "stride": (1,) * len(factors)}
    return Draft(f"resize {mode}", text, tuple(operators.values()), setting | {"scale": factors, "mode": mode})


def _aligned(axis: Axis, factor: int, outputs: int, input_size: int, spare: int) -> Axis:
    """The axis on the fine grid, whose kernel has its middle where it has it on the coarse one."""
    middle = axis.extent - 1
    before = (middle - factor * (middle - 2 * axis.pad_before) + spare) // 2
    kernel = axis.kernel_size, axis.dilation
    return drafts.filling_axis(input_size, outputs, before, kernel, axis.padding_mode)


def _as_weight(bias: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    return bias.reshape(-1, 1, *[1] * len(factors))
