"""Sections 5 and 7: how the kernel moves over the input, where it may stand, and how far its taps are apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix.kinds.numbers import integers, with_channels
from convmatrix.kinds.plain import layer
from convmatrix.kinds.registry import kind
from convmatrix.kinds.structures import (
    Matrix,
    Steps,
    eye,
    kron,
    layer_matrix,
    product,
    steps_along,
    stored,
    total,
)
from convmatrix.operators import TensorOperator, conv

_GUIDE = "Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016, arXiv:1603.07285"


def _selected_columns(weight: np.ndarray, input_size: Any, stride: Any, padding: Any) -> Matrix:
    """The columns of the padded input that are no padding."""
    along = steps_along(weight, input_size, stride=stride, padding=padding)
    array = with_channels(weight, len(along))
    wide = [replace(each, size=each.size + sum(each.pads), pads=(0, 0)) for each in along]
    inside = [eye(w.size)[:, each.pads[0] : each.pads[0] + each.size] for w, each in zip(wide, along, strict=True)]
    return product(layer_matrix(array, wide), kron(eye(array.shape[1]), *map(csr_array, inside)))


def _powers_of_the_shift(weight: np.ndarray, input_size: Any, dilation: Any) -> Matrix:
    """The sum over taps of Kronecker products of powers of the cyclic shift."""
    along = steps_along(weight, input_size, padding="same", dilation=dilation)
    return layer_matrix(with_channels(weight, len(along)), along, axis=_cyclic)


def _cyclic(taps: np.ndarray, along: Steps) -> Matrix:
    shift = np.eye(along.size, dtype=np.int8)
    powers = (np.roll(shift, along.dilation * t - along.pads[0], axis=1) for t in range(len(taps)))
    return total([stored(power * tap) for power, tap in zip(powers, taps, strict=True)])


def _spread(weight: np.ndarray, input_size: Any, dilation: Any, stride: Any, padding: Any) -> Matrix:
    """The matrix of the kernel with zeros written between its taps."""
    along = steps_along(weight, input_size, dilation=dilation, stride=stride, padding=padding)
    array = with_channels(weight, len(along))
    sizes = [each.dilation * (k - 1) + 1 for each, k in zip(along, array.shape[2:], strict=True)]
    wide = np.zeros((*array.shape[:2], *sizes), dtype=array.dtype)
    places: tuple[Any, ...] = (..., *(slice(None, None, each.dilation) for each in along))
    wide[places] = array
    return layer_matrix(wide, [replace(each, dilation=1) for each in along])


@kind(
    title="strided convolution",
    section="5",
    reference=_GUIDE,
    structure="C = S C_1: every s-th row of the matrix of stride 1",
    example=lambda build: build(integers(3, 3), (7, 7), stride=2),
    expected=layer,
)
def strided(weight: Any, input_size: Any, *, stride: Any = 2, padding: Any = 0, bias: Any = None) -> TensorOperator:
    """Moves the kernel `stride` positions at a time, so that the output shrinks by that factor."""
    return conv(weight, input_size, stride=stride, padding=padding, bias=bias)


@kind(
    title="zero-padded convolution",
    section="5",
    reference=_GUIDE,
    structure="C = C_valid E: the matrix of the padded input without the columns of the padding",
    example=lambda build: build(integers(3, 3), (5, 5), padding=1),
    expected=_selected_columns,
)
def padded(weight: Any, input_size: Any, *, padding: Any = "same", stride: Any = 1, bias: Any = None) -> TensorOperator:
    """Lets the kernel stand partly outside the input, where it reads zeros."""
    return conv(weight, input_size, stride=stride, padding=padding, bias=bias)


@kind(
    title="circular convolution",
    section="5",
    reference="Gray, Toeplitz and circulant matrices: a review, 2006",
    structure="C = sum over taps t of w[t] P^(l t1 - p1) kron P^(l t2 - p2), P the cyclic shift: doubly block "
    "circulant",
    example=lambda build: build(integers(3, 3), (5, 5)),
    expected=_powers_of_the_shift,
)
def circulant(weight: Any, input_size: Any, *, dilation: Any = 1, bias: Any = None) -> TensorOperator:
    """Reads the far side of the input beyond its border, so that every row is the first one shifted."""
    return conv(weight, input_size, padding="same", padding_mode="circular", dilation=dilation, bias=bias)


@kind(
    title="dilated convolution",
    section="7",
    reference="Yu and Koltun, Multi-scale context aggregation by dilated convolutions, 2016, arXiv:1511.07122",
    structure="C(w, l) = C(w with l - 1 zeros between its taps): the taps l columns apart",
    example=lambda build: build(integers(3, 3), (7, 7), dilation=2),
    expected=_spread,
)
def dilated(
    weight: Any, input_size: Any, *, dilation: Any = 2, stride: Any = 1, padding: Any = 0, bias: Any = None
) -> TensorOperator:
    """Spreads the taps `dilation` positions apart: a wider view at the same cost."""
    return conv(weight, input_size, stride=stride, padding=padding, dilation=dilation, bias=bias)
