"""Sections 1 to 3: the convolution itself, turned or not, on one axis to three, with one channel or many."""

from __future__ import annotations

from typing import Any

import numpy as np

from convmatrix.kinds.numbers import ARTICLE, integers, sizes_on, with_channels
from convmatrix.kinds.registry import kind
from convmatrix.kinds.structures import Matrix, layer_matrix, steps_along
from convmatrix.operators import TensorOperator, conv

_GUIDE = "Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016, arXiv:1603.07285"
_SIGNALS = "Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd edition, 2010, chapter 2"
_GRADIENT = "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998"


def layer(weight: np.ndarray, input_size: Any, **options: Any) -> Matrix:
    """A block for every pair of channels: Kronecker products of the matrices of one axis, added up over the taps."""
    along = steps_along(weight, input_size, **options)
    return layer_matrix(with_channels(weight, len(along)), along)


def _turned(weight: np.ndarray, input_size: Any, padding: Any) -> Matrix:
    along = steps_along(weight, input_size, padding=padding)
    return layer_matrix(np.flip(with_channels(weight, len(along)), tuple(range(-len(along), 0))), along)


@kind(
    title="cross-correlation, deep learning's convolution",
    section="1",
    reference=_SIGNALS,
    structure="C[o, i] = w[i - o + p], p the padding before: Toeplitz on every axis, the taps along each row",
    example=lambda build: build([1, 2, 3], 6),
    expected=layer,
)
def cross_correlation(weight: Any, input_size: Any, *, padding: Any = 0, bias: Any = None) -> TensorOperator:
    """Slides the kernel over the input as it is and adds up products."""
    return conv(weight, input_size, padding=padding, bias=bias)


@kind(
    title="convolution, the kernel turned round",
    section="1",
    reference=_SIGNALS,
    structure="C[o, i] = w[o - i + k - 1 - p], with full padding w[o - i]: Toeplitz on every axis, the taps down each "
    "column",
    example=lambda build: build([1, 2, 3], 4),
    expected=_turned,
)
def convolution(weight: Any, input_size: Any, *, padding: Any = "full", bias: Any = None) -> TensorOperator:
    """Turns the kernel round before it slides: the convolution of signal processing, full by default."""
    return conv(weight, input_size, padding=padding, flip=True, bias=bias)


@kind(
    title="2-D convolution",
    section="2.1",
    reference=_GUIDE,
    structure="C = [sum over rows r of shift_r kron T(w[o, c, r])]: block Toeplitz with Toeplitz blocks, "
    "every s-th row at stride s",
    example=lambda build: build(ARTICLE, (5, 5)),
    expected=layer,
)
def conv2d(
    weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: Any = None
) -> TensorOperator:
    """Slides a kernel over a picture along both axes."""
    return conv(weight, sizes_on(2, input_size), stride=stride, padding=padding, dilation=dilation, bias=bias)


@kind(
    title="convolution of many channels",
    section="2.2",
    reference=_GRADIENT,
    structure="C = [C(w[o, c])]: a block for every output and input channel, the matrix of its kernel",
    example=lambda build: build(integers(1, 3, 3, 3), (5, 5)),
    expected=layer,
)
def multichannel(
    weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: Any = None
) -> TensorOperator:
    """Gives every pair of an output and an input channel its own kernel, and adds up over the input channels."""
    return conv(weight, input_size, stride=stride, padding=padding, dilation=dilation, bias=bias)


@kind(
    title="1-D convolution",
    section="3",
    reference="Waibel, Hanazawa, Hinton, Shikano and Lang, Phoneme recognition using time-delay neural networks, 1989",
    structure="C = [T(w[o, c])]: a banded Toeplitz block for every pair of channels, every s-th row at stride s",
    example=lambda build: build(integers(2, 2, 3), 8),
    expected=layer,
)
def conv1d(
    weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: Any = None
) -> TensorOperator:
    """Slides kernels along one axis, such as time."""
    return conv(weight, sizes_on(1, input_size), stride=stride, padding=padding, dilation=dilation, bias=bias)


@kind(
    title="3-D convolution",
    section="3",
    reference="Ji, Xu, Yang and Yu, 3D convolutional neural networks for human action recognition, 2013",
    structure="C = [sum over depths z of shift_z kron C(w[o, c, z])]: Toeplitz in blocks on three levels, "
    "every s-th row at stride s",
    example=lambda build: build(integers(2, 3, 3), (4, 5, 5)),
    expected=layer,
)
def conv3d(
    weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: Any = None
) -> TensorOperator:
    """Slides a kernel that is shallower than the volume along all three axes."""
    return conv(weight, sizes_on(3, input_size), stride=stride, padding=padding, dilation=dilation, bias=bias)
