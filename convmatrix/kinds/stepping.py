"""Sections 5 and 7: how the kernel moves over the input, where it may stand, and how far its taps are apart."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csr_array

from convmatrix.kinds.numbers import integers
from convmatrix.kinds.registry import kind
from convmatrix.kinds.structures import Steps, layer_matrix, steps_of
from convmatrix.operators import TensorOperator, conv

_GUIDE = "Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016, arXiv:1603.07285"


def _selected_rows(op: TensorOperator) -> csr_array:
    """The rows of stride 1 at every stride-th position."""
    along = steps_of(op)
    dense = layer_matrix(op.weight, [replace(each, stride=1) for each in along])
    outputs = [
        each.size + sum(each.pads) - each.dilation * (k - 1)
        for each, k in zip(along, op.geometry.kernel_size, strict=True)
    ]
    table = np.arange(dense.shape[0]).reshape(op.out_shape[0], *outputs)
    return csr_array(dense[table[(slice(None), *(slice(None, None, each.stride) for each in along))].ravel()])


def _selected_columns(op: TensorOperator) -> csr_array:
    """The columns of the padded input that are no padding."""
    along = steps_of(op)
    wide = [replace(each, size=each.size + sum(each.pads), pads=(0, 0)) for each in along]
    table = np.arange(op.in_shape[0] * int(np.prod([each.size for each in wide]))).reshape(-1, *(w.size for w in wide))
    inner = tuple(slice(each.pads[0], each.pads[0] + each.size) for each in along)
    return csr_array(layer_matrix(op.weight, wide)[:, table[(slice(None), *inner)].ravel()])


def _powers_of_the_shift(op: TensorOperator) -> csr_array:
    """The sum over taps of Kronecker products of powers of the cyclic shift."""
    blocks = [[_circulant(kernel, steps_of(op)) for kernel in filter_] for filter_ in op.weight]
    return csr_array(sparse.block_array(blocks))


def _circulant(kernel: np.ndarray, along: tuple[Steps, ...]) -> csr_array:
    terms = []
    for tap, value in np.ndenumerate(kernel):
        moves = [
            csr_array(np.roll(np.eye(each.size, dtype=kernel.dtype), each.dilation * t - each.pads[0], axis=1))
            for t, each in zip(tap, along, strict=True)
        ]
        terms.append(value * reduce(lambda left, right: sparse.kron(left, right, "csr"), moves))
    return csr_array(sum(terms[1:], start=terms[0]))


def _spread(op: TensorOperator) -> csr_array:
    """The matrix of the kernel with zeros written between its taps."""
    along = steps_of(op)
    sizes = [each.dilation * (k - 1) + 1 for each, k in zip(along, op.geometry.kernel_size, strict=True)]
    wide = np.zeros((*op.weight.shape[:2], *sizes), dtype=op.weight.dtype)
    places: tuple[Any, ...] = (..., *(slice(None, None, each.dilation) for each in along))
    wide[places] = op.weight
    return layer_matrix(wide, [replace(each, dilation=1) for each in along])


@kind(
    title="strided convolution",
    section="5",
    reference=_GUIDE,
    structure="C = S C_1: every s-th row of the matrix of stride 1",
    example=lambda build: build(integers(3, 3), (7, 7), stride=2),
    expected=_selected_rows,
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
    structure="C = sum over taps t of w[t] P^t1 kron P^t2, P the cyclic shift: doubly block circulant",
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
    structure="C(w, l) = C(w with l - 1 zeros between its taps): Toeplitz, the taps l columns apart",
    example=lambda build: build(integers(3, 3), (7, 7), dilation=2),
    expected=_spread,
)
def dilated(
    weight: Any, input_size: Any, *, dilation: Any = 2, stride: Any = 1, padding: Any = 0, bias: Any = None
) -> TensorOperator:
    """Spreads the taps `dilation` positions apart: a wider view at the same cost."""
    return conv(weight, input_size, stride=stride, padding=padding, dilation=dilation, bias=bias)
