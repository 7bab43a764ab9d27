"""Section 4: kernels that cover one position, or all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.kinds.numbers import as_weight, integers
from convmatrix.kinds.registry import kind
from convmatrix.kinds.structures import mixing
from convmatrix.operators import TensorOperator, conv


def places(op: TensorOperator) -> int:
    """Positions of a channel."""
    return int(np.prod(op.in_shape[1:], dtype=int))


def channel_weight(weight: Any, axes: int, second: str = "c_in") -> np.ndarray:
    """A weight of kernel size 1 with all its axes, from `(c_out, c_in)` or with the axes of size 1 written out."""
    array = as_weight(weight, 0)
    if array.ndim not in (2, axes + 2) or any(size != 1 for size in array.shape[2:]):
        raise ConvMatrixError(f"weight must have the shape (c_out, {second}) or kernel size 1, got {array.shape}")
    return array.reshape(*array.shape[:2], *(1,) * axes)


def _mixed(op: TensorOperator) -> csr_array:
    return mixing(op.weight.reshape(op.weight.shape[:2]), places(op))


@kind(
    title="1x1 convolution",
    section="4",
    reference="Lin, Chen and Yan, Network in network, 2013, arXiv:1312.4400",
    structure="C = W kron I",
    example=lambda build: build(integers(2, 4), (3, 3)),
    expected=_mixed,
)
def pointwise(weight: Any, input_size: Any, *, bias: Any = None) -> TensorOperator:
    """Mixes the channels of every position by one matrix W, and looks at no neighbour."""
    sizes = arguments.sizes(input_size, "input_size")
    return conv(channel_weight(weight, len(sizes)), sizes, bias=bias)


@kind(
    title="fully connected layer, as a convolution that covers its input",
    section="4",
    reference="Long, Shelhamer and Darrell, Fully convolutional networks for semantic segmentation, 2015, "
    "arXiv:1411.4038",
    structure="C = W: dense, one row an output",
    example=lambda build: build(integers(4, 2 * 3 * 3), (2, 3, 3)),
    expected=lambda op: csr_array(op.weight.reshape(len(op.weight), -1)),
)
def fully_connected(weight: Any, in_shape: Any, *, bias: Any = None) -> TensorOperator:
    """Gives every output a weight for every entry of the tensor: a kernel as large as the input."""
    shape = arguments.sizes(in_shape, "in_shape")
    matrix = as_weight(weight, 0)
    entries = int(np.prod(shape, dtype=object))
    if matrix.ndim != 2 or matrix.shape[1] != entries:
        raise ConvMatrixError(f"weight must have the shape (c_out, {entries}) for in_shape {shape}, got {matrix.shape}")
    return conv(matrix.reshape(-1, *shape), shape[1:], bias=bias)
