"""Section 4: kernels that cover one position, or all of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.kinds.numbers import integers
from convmatrix.kinds.registry import kind
from convmatrix.kinds.structures import Matrix, mixing, stored
from convmatrix.operators import TensorOperator, conv


def channel_weight(weight: np.ndarray, axes: int, second: str = "c_in", name: str = "weight") -> np.ndarray:
    """A weight of kernel size 1 with all its axes, from `(c_out, c_in)` or with the axes of size 1 written out."""
    if weight.ndim not in (2, axes + 2) or any(size != 1 for size in weight.shape[2:]):
        raise ConvMatrixError(f"{name} must have the shape (c_out, {second}) or kernel size 1, got {weight.shape}")
    return weight.reshape(*weight.shape[:2], *(1,) * axes)


def _mixed(weight: np.ndarray, input_size: Any, groups: int = 1) -> Matrix:
    return mixing(weight, math.prod(arguments.sizes(input_size)), groups)


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
    sizes = arguments.sizes(input_size)
    return conv(channel_weight(weight, len(sizes)), sizes, bias=bias)


@kind(
    title="fully connected layer, as a convolution that covers its input",
    section="4",
    reference="Long, Shelhamer and Darrell, Fully convolutional networks for semantic segmentation, 2015, "
    "arXiv:1411.4038",
    structure="C = W: dense, one row an output",
    example=lambda build: build(integers(4, 2 * 3 * 3), (2, 3, 3)),
    expected=lambda weight, in_shape: stored(weight),
)
def fully_connected(weight: Any, in_shape: Any, *, bias: Any = None) -> TensorOperator:
    """Gives every output a weight for every entry of the tensor: a kernel as large as the input."""
    shape = arguments.tensor_shape(in_shape, "in_shape")
    entries = math.prod(shape)
    if weight.ndim != 2 or weight.shape[1] != entries:
        raise ConvMatrixError(f"weight must have the shape (c_out, {entries}) for in_shape {shape}, got {weight.shape}")
    return conv(weight.reshape(-1, *shape), shape[1:], bias=bias)
