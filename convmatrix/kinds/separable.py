"""Sections 8 and 9: one kernel as several cheaper ones after each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csr_array

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.kinds.numbers import as_weight, integers
from convmatrix.kinds.pixelwise import channel_weight, places
from convmatrix.kinds.registry import kind
from convmatrix.kinds.structures import band, kernel_matrix, mixing, steps_of
from convmatrix.operators import TensorOperator, conv
from convmatrix.operators.algebra import steps_of as layers_of


def depthwise_weight(weight: Any, axes: int) -> np.ndarray:
    """A weight `(channels * multiplier, 1, *kernel)`; the axis of size 1 may be left out."""
    array = exact.as_array(weight)
    array = array[:, None] if array.ndim == axes + 1 else as_weight(array, axes)
    if array.ndim != axes + 2 or array.shape[1] != 1:
        raise ConvMatrixError(f"weight must have the shape (channels, 1, *kernel) on {axes} axes, got {array.shape}")
    return array


def block_a_channel(op: TensorOperator) -> csr_array:
    """One block Toeplitz matrix a channel, along the diagonal; below each other where a channel has several."""
    along, each = steps_of(op), len(op.weight) // op.in_shape[0]
    blocks = [kernel_matrix(filter_[0], along) for filter_ in op.weight]
    columns = [sparse.vstack(blocks[start : start + each]) for start in range(0, len(blocks), each)]
    return csr_array(sparse.block_diag(columns, format="csr"))


def _kronecker_of_bands(op: TensorOperator) -> csr_array:
    first, second = layers_of(op)
    column, row = first.weight[0, 0, :, 0], second.weight[0, 0, 0]
    return csr_array(sparse.kron(band(column, steps_of(first)[0]), band(row, steps_of(second)[1]), "csr"))


def _mixed_depthwise(op: TensorOperator) -> csr_array:
    first, second = layers_of(op)
    return csr_array(mixing(second.weight.reshape(second.weight.shape[:2]), places(second)) @ block_a_channel(first))


def _outer_products(op: TensorOperator) -> csr_array:
    lateral, vertical, horizontal = layers_of(op)
    rows, columns = steps_of(vertical)[0], steps_of(horizontal)[1]
    filters = zip(lateral.weight[:, :, 0, 0], vertical.weight[:, 0, :, 0], horizontal.weight[:, 0, 0], strict=True)
    parts = [
        sparse.kron(across[None], sparse.kron(band(down, rows), band(along, columns)), "csr")
        for across, down, along in filters
    ]
    return csr_array(sparse.vstack(parts))


@kind(
    title="spatially separable convolution",
    section="8.1",
    reference="Jain, Fundamentals of Digital Image Processing, 1989; Mamalet and Garcia, Simplifying ConvNets for fast "
    "learning, 2012",
    structure="C = T(column) kron T(row) = (I kron T(row)) (T(column) kron I)",
    example=lambda build: build([1, 2, 1], [-1, 0, 1], (5, 5)),
    expected=_kronecker_of_bands,
)
def spatially_separable(column: Any, row: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0) -> TensorOperator:
    """Applies a column and then a row instead of their outer product."""
    vectors = [exact.as_array(vector) for vector in (column, row)]
    for name, vector in zip(("column", "row"), vectors, strict=True):
        if vector.ndim != 1 or not vector.size:
            raise ConvMatrixError(f"{name} must be one line of numbers, got shape {vector.shape}")
    steps = arguments.per_axis(stride, "stride", 2, 1)
    pads = _one_axis_each(padding)
    first = conv(vectors[0][:, None], input_size, stride=(steps[0], 1), padding=pads[0])
    return conv(vectors[1][None], first.out_shape[1:], stride=(1, steps[1]), padding=pads[1]) @ first


@kind(
    title="depthwise convolution",
    section="8.2",
    reference="Sifre, Rigid-motion scattering for image classification, PhD thesis, 2014",
    structure="C = block_diag(C(w_1), ..., C(w_c)): one block a channel",
    example=lambda build: build(integers(3, 1, 3, 3), (5, 5)),
    expected=block_a_channel,
)
def depthwise(
    weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: Any = None
) -> TensorOperator:
    """Gives every channel its own kernel and adds up over none: as many groups as channels."""
    sizes = arguments.sizes(input_size, "input_size")
    array = depthwise_weight(weight, len(sizes))
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    return conv(array, sizes, **options, groups=len(array), bias=bias)


@kind(
    title="depthwise separable convolution",
    section="8.2",
    reference="Howard et al., MobileNets, 2017, arXiv:1704.04861; Chollet, Xception, 2017, arXiv:1610.02357",
    structure="C = (W kron I) block_diag(C(w_1), ..., C(w_c))",
    example=lambda build: build(integers(3, 1, 3, 3), integers(128, 3), (7, 7)),
    expected=_mixed_depthwise,
)
def depthwise_separable(
    depthwise_weight: Any, pointwise_weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0
) -> TensorOperator:
    """Convolves every channel by itself and then mixes the channels of every position."""
    first = depthwise(depthwise_weight, input_size, stride=stride, padding=padding)
    axes = len(first.out_shape) - 1
    return conv(channel_weight(pointwise_weight, axes, "channels"), first.out_shape[1:]) @ first


@kind(
    title="flattened convolution",
    section="9",
    reference="Jin, Dundar and Culurciello, Flattened convolutional neural networks for feedforward acceleration, "
    "2015, arXiv:1412.5474",
    structure="a row of blocks a filter: channels^T kron T(column) kron T(row)",
    example=lambda build: build(integers(2, 3), integers(2, 3) - 4, integers(2, 3)[::-1], (5, 5)),
    expected=_outer_products,
)
def flattened(lateral: Any, vertical: Any, horizontal: Any, input_size: Any, *, padding: Any = 0) -> TensorOperator:
    """Mixes the channels, then convolves each filter's picture by a column, then by a row: filters of rank 1."""
    parts = {"lateral": lateral, "vertical": vertical, "horizontal": horizontal}
    arrays = {name: np.atleast_2d(exact.as_array(part)) for name, part in parts.items()}
    filters = len(arrays["lateral"])
    for name, array in arrays.items():
        if array.ndim != 2 or len(array) != filters:
            raise ConvMatrixError(f"{name} must have one line a filter, {filters} as in lateral, got {array.shape}")
    sizes = arguments.sizes(input_size, "input_size")
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
