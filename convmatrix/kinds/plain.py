"""Sections 1 to 3: the convolution itself, turned or not, on one axis to three, with one channel or many."""

from __future__ import annotations

from typing import Any

from convmatrix.kinds.numbers import ARTICLE, integers
from convmatrix.kinds.registry import kind
from convmatrix.kinds.structures import matrix_of_layer
from convmatrix.operators import TensorOperator, conv

_GUIDE = "Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016, arXiv:1603.07285"
_SIGNALS = "Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd edition, 2010, chapter 2"
_GRADIENT = "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998"


@kind(
    title="cross-correlation, deep learning's convolution",
    section="1",
    reference=_SIGNALS,
    structure="C[o, i] = w[i - o]: Toeplitz, the taps along each row",
    example=lambda build: build([1, 2, 3], 6),
    expected=matrix_of_layer,
)
def cross_correlation(weight: Any, input_size: Any, *, padding: Any = 0, bias: Any = None) -> TensorOperator:
    """Slides the kernel over the input as it is and adds up products."""
    return conv(weight, input_size, padding=padding, bias=bias)


@kind(
    title="convolution, the kernel turned round",
    section="1",
    reference=_SIGNALS,
    structure="C[o, i] = w[o - i]: Toeplitz, the taps down each column",
    example=lambda build: build([1, 2, 3], 4),
    expected=matrix_of_layer,
)
def convolution(weight: Any, input_size: Any, *, padding: Any = "full", bias: Any = None) -> TensorOperator:
    """Turns the kernel round before it slides: the convolution of signal processing, full by default."""
    return conv(weight, input_size, padding=padding, flip=True, bias=bias)


@kind(
    title="2-D convolution of one channel",
    section="2.1",
    reference=_GUIDE,
    structure="C = sum over kernel rows r of shift_r kron T(w[r]): block Toeplitz with Toeplitz blocks",
    example=lambda build: build(ARTICLE, (5, 5)),
    expected=matrix_of_layer,
)
def conv2d(
    weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: Any = None
) -> TensorOperator:
    """Slides a kernel over a picture along both axes."""
    return conv(weight, input_size, stride=stride, padding=padding, dilation=dilation, bias=bias)


@kind(
    title="2-D convolution of many channels",
    section="2.2",
    reference=_GRADIENT,
    structure="C = [C(w[o, c])]: a block for every output and input channel, each block Toeplitz",
    example=lambda build: build(integers(1, 3, 3, 3), (5, 5)),
    expected=matrix_of_layer,
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
    structure="C = [T(w[o, c])]: a banded Toeplitz block for every pair of channels",
    example=lambda build: build(integers(2, 2, 3), 8),
    expected=matrix_of_layer,
)
def conv1d(
    weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: Any = None
) -> TensorOperator:
    """Slides kernels along one axis, such as time."""
    return conv(weight, input_size, stride=stride, padding=padding, dilation=dilation, bias=bias)


@kind(
    title="3-D convolution",
    section="3",
    reference="Ji, Xu, Yang and Yu, 3D convolutional neural networks for human action recognition, 2013",
    structure="C = sum over depths z of shift_z kron C(w[z]): Toeplitz in blocks on three levels",
    example=lambda build: build(integers(2, 3, 3), (4, 5, 5)),
    expected=matrix_of_layer,
)
def conv3d(
    weight: Any, input_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: Any = None
) -> TensorOperator:
    """Slides a kernel that is shallower than the volume along all three axes."""
    return conv(weight, input_size, stride=stride, padding=padding, dilation=dilation, bias=bias)
