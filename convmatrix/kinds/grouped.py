"""Sections 10 to 12: channels in groups, and how the groups meet again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.kinds.numbers import integers, with_channels
from convmatrix.kinds.pixelwise import channel_weight
from convmatrix.kinds.registry import kind
from convmatrix.kinds.separable import channel_kernels, depthwise
from convmatrix.kinds.structures import (
    Matrix,
    block_a_channel,
    block_diag,
    eye,
    layer_matrix,
    mixing,
    positions,
    product,
    shuffle,
    steps_along,
    total,
)
from convmatrix.operators import TensorOperator, channel_shuffle, conv, identity

_SHUFFLENET = (
    "Zhang, Zhou, Lin and Sun, ShuffleNet: an extremely efficient convolutional neural network for mobile devices, "
    "2018, arXiv:1707.01083"
)


def _block_a_group(weight: np.ndarray, input_size: Any, groups: int, **options: Any) -> Matrix:
    along = steps_along(weight, input_size, **options)
    array = with_channels(weight, len(along))
    return block_diag([layer_matrix(part, along) for part in np.split(array, groups)])


def _groups_shuffled(
    first: np.ndarray, second: np.ndarray, input_size: Any, groups: int, stride: Any, padding: Any
) -> Matrix:
    along = steps_along(first, input_size, padding=padding)
    between = [each.rows(taps) for each, taps in zip(along, first.shape[2:], strict=True)]
    return product(
        _block_a_group(second, between, groups, stride=stride, padding=padding),
        shuffle(len(first), math.prod(between), groups),
        _block_a_group(first, input_size, groups, padding=padding),
    )


def _grouped_mixing(weight: np.ndarray, input_size: Any, groups: int) -> Matrix:
    return mixing(weight, math.prod(arguments.sizes(input_size)), groups)


def _unit(
    reduce: np.ndarray, depthwise_weight: np.ndarray, expand: np.ndarray, input_size: Any, groups: int, stride: Any
) -> Matrix:
    sizes = arguments.sizes(input_size)
    along = steps_along(depthwise_weight, sizes, stride=stride, padding=1)
    branch = product(
        mixing(expand, positions(depthwise_weight, along), groups),
        block_a_channel(channel_kernels(depthwise_weight, len(sizes)), along),
        shuffle(len(reduce), math.prod(sizes), groups),
        mixing(reduce, math.prod(sizes), groups),
    )
    return total([branch, eye(branch.shape[0])]) if all(each.stride == 1 for each in along) else branch


@kind(
    title="grouped convolution",
    section="10",
    reference="Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, 2012",
    structure="C = block_diag(C_1, ..., C_g)",
    example=lambda build: build(integers(4, 2, 3, 3), (5, 5), groups=2),
    expected=_block_a_group,
)
def grouped(
    weight: Any,
    input_size: Any,
    *,
    groups: int = 2,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    bias: Any = None,
) -> TensorOperator:
    """Splits the channels into groups that are convolved apart from each other."""
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    return conv(weight, input_size, **options, groups=groups, bias=bias)


@kind(
    title="shuffled grouped convolution",
    section="11",
    reference=_SHUFFLENET,
    structure="C = block_diag(B_1, ..., B_g) (P kron I) block_diag(A_1, ..., A_g), P a permutation",
    example=lambda build: build(integers(9, 3, 3, 3), integers(9, 3, 3, 3), (4, 4), groups=3, padding=1),
    expected=_groups_shuffled,
)
def shuffled_grouped(
    first: Any, second: Any, input_size: Any, *, groups: int = 3, stride: Any = 1, padding: Any = 0
) -> TensorOperator:
    """Convolves in groups, deals the channels out to all groups, and convolves in groups again, there with `stride`."""
    before = conv(first, input_size, groups=groups, padding=padding)
    mixed = channel_shuffle(before.out_shape, groups)
    after = conv(second, before.out_shape[1:], groups=groups, stride=stride, padding=padding)
    return after @ mixed @ before


@kind(
    title="pointwise grouped convolution",
    section="12",
    reference=_SHUFFLENET,
    structure="C = block_diag(W_1, ..., W_g) kron I",
    example=lambda build: build(integers(6, 2), (3, 3), groups=3),
    expected=_grouped_mixing,
)
def pointwise_grouped(weight: Any, input_size: Any, *, groups: int = 2, bias: Any = None) -> TensorOperator:
    """Mixes the channels of every position, each group apart: a 1x1 convolution in groups."""
    sizes = arguments.sizes(input_size)
    return conv(channel_weight(weight, len(sizes), "c_in/groups"), sizes, groups=groups, bias=bias)


@kind(
    title="the unit of ShuffleNet",
    section="12",
    reference=_SHUFFLENET,
    structure="C = I + (block_diag(B_j) kron I) block_diag(D_c) (P kron I) (block_diag(A_j) kron I), "
    "I at stride 1 only",
    example=lambda build: build(integers(6, 4), integers(6, 1, 3, 3), integers(12, 2), (4, 4), groups=3),
    expected=_unit,
)
def shufflenet_unit(
    reduce: Any, depthwise_weight: Any, expand: Any, input_size: Any, *, groups: int = 3, stride: Any = 1
) -> TensorOperator:
    """Mixes in groups, shuffles, convolves each channel, mixes in groups again, and adds its input if stride is 1."""
    sizes = arguments.sizes(input_size)
    steps = arguments.per_axis(stride, "stride", len(sizes), 1)
    kernels = channel_kernels(depthwise_weight, len(sizes), "depthwise_weight")
    last_weight = channel_weight(expand, len(sizes), "c_in/groups", "expand")
    first_weight = channel_weight(reduce, len(sizes), "c_in/groups", "reduce")
    first = pointwise_grouped(first_weight, sizes, groups=groups)
    middle = depthwise(kernels, sizes, stride=steps, padding=1)
    last = pointwise_grouped(last_weight, middle.out_shape[1:], groups=groups)
    branch = last @ middle @ channel_shuffle(first.out_shape, groups) @ first
    if any(step > 1 for step in steps):
        return branch
    if branch.in_shape != branch.out_shape:
        raise ConvMatrixError(
            f"expand must bring back what stride 1 adds, {branch.in_shape} -> {branch.in_shape}, got {branch.out_shape}"
        )
    return branch + identity(branch.in_shape)
