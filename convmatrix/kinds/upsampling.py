"""Section 6: from a small grid to a larger one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Geometry, arguments
from convmatrix.kinds.numbers import integers, with_channels
from convmatrix.kinds.plain import layer
from convmatrix.kinds.registry import kind
from convmatrix.kinds.structures import (
    Matrix,
    Steps,
    depth_to_space,
    eye,
    interpolation,
    kron,
    layer_matrix,
    product,
    steps_along,
)
from convmatrix.operators import TensorOperator, conv, conv_transpose, pixel_shuffle, resize


def _transpose_of_the_way_back(weight: np.ndarray, input_size: Any, groups: int, **options: Any) -> Matrix:
    """The matrix of the convolution from the large grid to the small one, transposed."""
    sizes = arguments.sizes(input_size)
    array = with_channels(weight, len(sizes))
    along = tuple(map(Steps.of, Geometry.transposed(sizes, array.shape[2:], **options).axes))
    return layer_matrix(array, along, groups).T


def _resized_then_mixed(weight: np.ndarray, input_size: Any, scale: Any, mode: str, padding: Any) -> Matrix:
    sizes = arguments.sizes(input_size)
    array = with_channels(weight, len(sizes))
    read = resize((1, *sizes), scale, mode)
    is_exact = array.dtype == object
    shares = [interpolation(n, own, read.mode, is_exact) for n, own in zip(sizes, read.scales, strict=True)]
    return product(layer(array, read.out_shape[1:], padding=padding), kron(eye(array.shape[1]), *shares))


def _mixed_then_arranged(weight: np.ndarray, input_size: Any, factor: Any, padding: Any) -> Matrix:
    along = steps_along(weight, input_size, padding=padding)
    array = with_channels(weight, len(along))
    shape = len(array), *(each.rows(taps) for each, taps in zip(along, array.shape[2:], strict=True))
    factors = arguments.per_axis(factor, "factor", len(along), 1)
    return product(depth_to_space(shape, factors), layer_matrix(array, along))


@kind(
    title="transposed convolution",
    section="6",
    reference="Zeiler, Krishnan, Taylor and Fergus, Deconvolutional networks, 2010; Dumoulin and Visin, 2016, "
    "arXiv:1603.07285",
    structure="D = C^T: the transpose of the convolution that goes the other way",
    example=lambda build: build(integers(3, 3), (2, 2)),
    expected=_transpose_of_the_way_back,
)
def transposed(
    weight: Any,
    input_size: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    bias: Any = None,
) -> TensorOperator:
    """Lays a copy of the kernel, times the input, at every input position, and adds up where copies overlap."""
    options = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    return conv_transpose(weight, input_size, **options, groups=groups, bias=bias)


@kind(
    title="resize, then convolve",
    section="6.1",
    reference="Odena, Dumoulin and Olah, Deconvolution and checkerboard artifacts, Distill, 2016",
    structure="C = C(w) (I kron R_1 kron R_2), R[o, i] the share of input i in position o of the enlarged axis",
    example=lambda build: build(integers(3, 3), (3, 3), scale=2),
    expected=_resized_then_mixed,
)
def resize_conv(
    weight: Any, input_size: Any, *, scale: Any = 2, mode: str = "nearest", padding: Any = "same", bias: Any = None
) -> TensorOperator:
    """Enlarges the input by interpolation and convolves it on the large grid: upsampling without a checkerboard."""
    sizes = arguments.sizes(input_size)
    array = with_channels(weight, len(sizes))
    if array.ndim != len(sizes) + 2:
        raise ConvMatrixError(f"weight must have {len(sizes)} axes, or {len(sizes) + 2}, got shape {array.shape}")
    larger = resize((array.shape[1], *sizes), scale, mode)
    return conv(array, larger.out_shape[1:], padding=padding, bias=bias) @ larger


@kind(
    title="sub-pixel convolution",
    section="6.1",
    reference="Shi, Caballero, Huszar et al., Real-time single image and video super-resolution using an efficient "
    "sub-pixel convolutional neural network, 2016, arXiv:1609.05158",
    structure="C = P C(w), P the permutation that lays the channels of a position side by side",
    example=lambda build: build(integers(4, 1, 3, 3), (4, 4), factor=2),
    expected=_mixed_then_arranged,
)
def sub_pixel(
    weight: Any, input_size: Any, *, factor: Any = 2, padding: Any = "same", bias: Any = None
) -> TensorOperator:
    """Convolves on the small grid to many channels and arranges them as the positions of a larger grid."""
    sizes = arguments.sizes(input_size)
    factors = arguments.per_axis(factor, "factor", len(sizes), 1)
    array = with_channels(weight, len(sizes))
    if array.ndim != len(sizes) + 2 or array.shape[0] % math.prod(factors):
        raise ConvMatrixError(
            f"weight must have a multiple of {math.prod(factors)} output channels for factor {factor}, "
            f"got shape {array.shape}"
        )
    layer = conv(array, sizes, padding=padding, bias=bias)
    return pixel_shuffle(layer.out_shape, factors) @ layer
