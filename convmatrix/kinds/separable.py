"""Sections 8 and 9: one kernel as several cheaper ones after each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.kinds.numbers import integers, sizes_on, with_channels
from convmatrix.kinds.pixelwise import channel_weight
from convmatrix.kinds.registry import kind
from convmatrix.kinds.structures import (
    Matrix,
    block_a_channel,
    blocks,
    kron,
    mixing,
    one_axis,
    positions,
    product,
    steps_along,
    stored,
)
from convmatrix.operators import TensorOperator, conv


def channel_kernels(weight: np.ndarray, axes: int, name: str = "weight") -> np.ndarray:
    """A weight `(channels, 1, *kernel)`; the axis of size 1 may be left out, and both of a bare kernel."""
    array = weight[:, None] if weight.ndim == axes + 1 else with_channels(weight, axes)
    if array.ndim != axes + 2 or array.shape[1] != 1:
        raise ConvMatrixError(f"{name} must have the shape (channels, 1, *kernel) on {axes} axes, got {weight.shape}")
    return array


def _channels_apart(weight: np.ndarray, input_size: Any, **options: Any) -> Matrix:
    along = steps_along(weight, input_size, **options)
    return block_a_channel(channel_kernels(weight, len(along)), along)


def _kronecker_of_axes(column: np.ndarray, row: np.ndarray, input_size: Any, stride: Any, padding: Any) -> Matrix:
    along = steps_along(column[:, None] * np.ones_like(row), input_size, stride=stride, padding=padding)
    return kron(one_axis(column, along[0]), one_axis(row, along[1]))


def _mixed_channels(
    depthwise_weight: np.ndarray, pointwise_weight: np.ndarray, input_size: Any, stride: Any, padding: Any
) -> Matrix:
    along = steps_along(depthwise_weight, input_size, stride=stride, padding=padding)
    each = block_a_channel(channel_kernels(depthwise_weight, len(along)), along)
    return product(mixing(pointwise_weight, positions(depthwise_weight, along)), each)


def _outer_products(
    lateral: np.ndarray, vertical: np.ndarray, horizontal: np.ndarray, input_size: Any, padding: Any
) -> Matrix:
    parts = [np.atleast_2d(part) for part in (lateral, vertical, horizontal)]
    steps = steps_along(np.empty((parts[1].shape[1], parts[2].shape[1])), input_size, padding=padding)
    return blocks(
        [
            [kron(stored(across[None]), one_axis(down, steps[0]), one_axis(along, steps[1]))]
            for across, down, along in zip(*parts, strict=True)
        ]
    )


@kind(
    title="spatially separable convolution",
    section="8.1",
    reference="Jain, Fundamentals of Digital Image Processing, 1989; Mamalet and Garcia, Simplifying ConvNets for fast "
    "learning, 2012",
    structure="C = C(column) kron C(row) = (I kron C(row)) (C(column) kron I)",
    example=lambda build: build([1, 2, 1], [-1, 0, 1], (5, 5)),
    expected=_kronecker_of_axes,
)
def spatially_separable(column: Any, row: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0) -> TensorOperator:
    """Applies a column and then a row instead of their outer product."""
    for name, vector in (("column", column), ("row", row)):
        if vector.ndim != 1 or not vector.size:
            raise ConvMatrixError(f"{name} must be one line of numbers, got shape {vector.shape}")
    steps = arguments.per_axis(stride, "stride", 2, 1)
    pads = _one_axis_each(padding)
    first = conv(column[:, None], sizes_on(2, input_size), stride=(steps[0], 1), padding=pads[0])
    return conv(row[None], first.out_shape[1:], stride=(1, steps[1]), padding=pads[1]) @ first


@kind(
    title="depthwise convolution",
    section="8.2",
    reference="Sifre, Rigid-motion scattering for image classification, PhD thesis, 2014",
    structure="C = block_diag(C(w_1), ..., C(w_c)): one block a channel",
    example=lambda build: build(integers(3, 1, 3, 3), (5, 5)),
    expected=_channels_apart,
)
def depthwise(
    weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: Any = None
) -> TensorOperator:
    """Gives every channel its own kernel and adds up over none: as many groups as channels."""
    sizes = arguments.sizes(input_size)
    array = channel_kernels(weight, len(sizes))
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    return conv(array, sizes, **options, groups=len(array), bias=bias)


@kind(
    title="depthwise separable convolution",
    section="8.2",
    reference="Howard et al., MobileNets, 2017, arXiv:1704.04861; Chollet, Xception, 2017, arXiv:1610.02357",
    structure="C = (W kron I) block_diag(C(w_1), ..., C(w_c))",
    example=lambda build: build(integers(3, 1, 3, 3), integers(128, 3), (7, 7)),
    expected=_mixed_channels,
)
def depthwise_separable(
    depthwise_weight: Any, pointwise_weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0
) -> TensorOperator:
    """Convolves every channel by itself and then mixes the channels of every position."""
    sizes = arguments.sizes(input_size)
    kernels = channel_kernels(depthwise_weight, len(sizes), "depthwise_weight")
    mixing = channel_weight(pointwise_weight, len(sizes), "channels", "pointwise_weight")
    first = depthwise(kernels, sizes, stride=stride, padding=padding)
    return conv(mixing, first.out_shape[1:]) @ first


@kind(
    title="flattened convolution",
    section="9",
    reference="Jin, Dundar and Culurciello, Flattened convolutional neural networks for feedforward acceleration, "
    "2015, arXiv:1412.5474",
    structure="a row of blocks a filter: channels^T kron C(column) kron C(row)",
    example=lambda build: build(integers(2, 3), integers(2, 3) - 4, integers(2, 3)[::-1], (5, 5)),
    expected=_outer_products,
)
def flattened(lateral: Any, vertical: Any, horizontal: Any, input_size: Any, *, padding: Any = 0) -> TensorOperator:
    """Mixes the channels, then convolves each filter's picture by a column, then by a row: filters of rank 1."""
    parts = {"lateral": lateral, "vertical": vertical, "horizontal": horizontal}
    arrays = {name: np.atleast_2d(part) for name, part in parts.items()}
    filters = len(arrays["lateral"])
    for name, array in arrays.items():
        if array.ndim != 2 or len(array) != filters:
            raise ConvMatrixError(f"{name} must have one line a filter, {filters} as in lateral, got {array.shape}")
    sizes = sizes_on(2, input_size)
    mixed = conv(channel_weight(arrays["lateral"], 2), sizes)
    pads = _one_axis_each(padding)
    down = conv(arrays["vertical"][:, None, :, None], sizes, padding=pads[0], groups=filters)
    across = arrays["horizontal"][:, None, None]
    return conv(across, down.out_shape[1:], padding=pads[1], groups=filters) @ down @ mixed


def _one_axis_each(padding: Any) -> list[Any]:
    """The padding of the first layer along rows and of the second along columns; a name means the same to both."""
    if isinstance(padding, str):
        return [padding, padding]
    rows, columns = arguments.padding_pairs(padding, 2)
    return [[rows, (0, 0)], [(0, 0), columns]]
