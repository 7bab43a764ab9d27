"""Sections 10 to 12: channels in groups, and how the groups meet again."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csr_array

from convmatrix.geometry import arguments
from convmatrix.kinds.numbers import integers
from convmatrix.kinds.pixelwise import channel_weight, places
from convmatrix.kinds.registry import kind
from convmatrix.kinds.separable import block_a_channel, depthwise
from convmatrix.kinds.structures import layer_matrix, matrix_of_layer, mixing, shuffle, steps_of
from convmatrix.operators import TensorOperator, channel_shuffle, conv, identity
from convmatrix.operators.algebra import branches_of
from convmatrix.operators.algebra import steps_of as layers_of

_SHUFFLENET = (
    "Zhang, Zhou, Lin and Sun, ShuffleNet: an extremely efficient convolutional neural network for mobile devices, "
    "2018, arXiv:1707.01083"
)


def _block_a_group(op: TensorOperator) -> csr_array:
    parts = np.split(op.weight, op.geometry.groups)
    return csr_array(sparse.block_diag([layer_matrix(part, steps_of(op)) for part in parts], format="csr"))


def _groups_shuffled(op: TensorOperator) -> csr_array:
    first, _, second = layers_of(op)
    return csr_array(matrix_of_layer(second) @ shuffle(first.out_shape, first.geometry.groups) @ matrix_of_layer(first))


def _grouped_mixing(op: TensorOperator) -> csr_array:
    parts = np.split(op.weight.reshape(op.weight.shape[:2]), op.geometry.groups)
    return mixing(sparse.block_diag(parts).toarray(), places(op))


def _unit(op: TensorOperator) -> csr_array:
    branches = branches_of(op)
    first, _, middle, last = layers_of(branches[0])
    shuffled = shuffle(first.out_shape, first.geometry.groups) @ _grouped_mixing(first)
    whole = _grouped_mixing(last) @ block_a_channel(middle) @ shuffled
    return csr_array(whole + sparse.eye_array(op.shape[0], dtype=np.int8) if len(branches) > 1 else whole)


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
    """Convolves in groups, deals the channels out to all groups, and convolves in groups again."""
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
    sizes = arguments.sizes(input_size, "input_size")
    return conv(channel_weight(weight, len(sizes), "c_in/groups"), sizes, groups=groups, bias=bias)


@kind(
    title="the unit of ShuffleNet",
    section="12",
    reference=_SHUFFLENET,
    structure="C = I + (block_diag(B_j) kron I) block_diag(D_c) (P kron I) (block_diag(A_j) kron I)",
    example=lambda build: build(integers(6, 4), integers(6, 1, 3, 3), integers(12, 2), (4, 4), groups=3),
    expected=_unit,
)
def shufflenet_unit(
    reduce: Any, depthwise_weight: Any, expand: Any, input_size: Any, *, groups: int = 3, stride: Any = 1
) -> TensorOperator:
    """Mixes in groups, shuffles, convolves each channel, mixes in groups again, and adds its input if stride is 1."""
    first = pointwise_grouped(reduce, input_size, groups=groups)
    middle = depthwise(depthwise_weight, first.out_shape[1:], stride=stride, padding=1)
    last = pointwise_grouped(expand, middle.out_shape[1:], groups=groups)
    whole = last @ middle @ channel_shuffle(first.out_shape, groups) @ first
    return whole + identity(whole.in_shape) if whole.in_shape == whole.out_shape else whole
