"""Matrices put together from SciPy's own pieces, to check the operators by: nothing here uses the package's builder.

A kernel on one axis is a band; on several axes a sum of Kronecker products of bands; on several channels a block
matrix of these; in groups a block diagonal one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csr_array

from convmatrix.operators import TensorOperator


@dataclass(frozen=True)
class Steps:
    """How a kernel moves along one axis."""

    size: int
    stride: int = 1
    pads: tuple[int, int] = (0, 0)
    dilation: int = 1
    wraps: bool = False


def steps_of(op: TensorOperator) -> tuple[Steps, ...]:
    """One entry an axis of a convolution."""
    return tuple(
        Steps(a.input_size, a.stride, (a.pad_before, a.pad_after), a.dilation, a.padding_mode == "circular")
        for a in op.geometry.axes
    )


def band(taps: np.ndarray, along: Steps) -> csr_array:
    """The matrix of one axis: diagonals of the padded axis, every `stride`-th row, padding folded back or dropped."""
    padded = along.size + sum(along.pads)
    rows = padded - along.dilation * (len(taps) - 1)
    offsets = along.dilation * np.arange(len(taps))
    # Diagonals of length 1 to 1 broadcast over their length.
    whole = sparse.diags_array(taps.reshape(-1, 1), offsets=offsets, shape=(rows, padded), dtype=taps.dtype)
    positions = np.arange(padded) - along.pads[0]
    kept = np.ones(padded, dtype=bool) if along.wraps else (positions >= 0) & (positions < along.size)
    ones = np.ones(int(kept.sum()), dtype=np.int8)
    border = sparse.coo_array((ones, (np.flatnonzero(kept), positions[kept] % along.size)), (padded, along.size))
    return csr_array(csr_array(whole)[:: along.stride] @ csr_array(border).astype(taps.dtype))


def kernel_matrix(kernel: np.ndarray, along: Sequence[Steps]) -> csr_array:
    """Block Toeplitz with Toeplitz blocks: the sum over the first axis of `shift kron (matrix of the rest)`."""
    if kernel.ndim == 0:
        return csr_array(kernel.reshape(1, 1))
    if kernel.ndim == 1:
        return band(kernel, along[0])
    shifts = np.eye(len(kernel), dtype=kernel.dtype)
    terms = [
        sparse.kron(band(shift, along[0]), kernel_matrix(rest, along[1:]), "csr")
        for shift, rest in zip(shifts, kernel, strict=True)
    ]
    return csr_array(sum(terms[1:], start=terms[0]))


def layer_matrix(weight: np.ndarray, along: Sequence[Steps], groups: int = 1) -> csr_array:
    """One block a pair of channels, one diagonal block a group."""
    diagonal = [
        sparse.block_array([[kernel_matrix(kernel, along) for kernel in filter_] for filter_ in part])
        for part in np.split(weight, groups)
    ]
    return csr_array(sparse.block_diag(diagonal, format="csr"))


def matrix_of_layer(op: TensorOperator) -> csr_array:
    """The same of a convolution, from its weight and its steps."""
    return layer_matrix(op.weight, steps_of(op), op.geometry.groups)


def mixing(weight: np.ndarray, places: int) -> csr_array:
    """`W kron I`: a matrix between channels, the same at every place."""
    return csr_array(sparse.kron(csr_array(weight), sparse.eye_array(places, dtype=weight.dtype), "csr"))


def permutation(order: np.ndarray, dtype: Any = np.int8) -> csr_array:
    """Output `r` is input `order[r]`."""
    ones = np.ones(order.size, dtype=dtype)
    return csr_array((ones, order, np.arange(order.size + 1)), (order.size, order.size))


def shuffle(shape: Sequence[int], groups: int) -> csr_array:
    """The permutation of a channel shuffle: channels as a table of one row a group, read by columns."""
    table = np.arange(math.prod(shape)).reshape(groups, shape[0] // groups, -1)
    return permutation(table.swapaxes(0, 1).ravel())


def depth_to_space(shape: Sequence[int], factor: Sequence[int]) -> csr_array:
    """The permutation of a pixel shuffle: each position's sub-channels side by side within it."""
    sizes, axes = tuple(shape[1:]), len(factor)
    table = np.arange(math.prod(shape)).reshape(shape[0] // math.prod(factor), *factor, *sizes)
    pairs = [axis for a in range(axes) for axis in (1 + axes + a, 1 + a)]
    return permutation(table.transpose(0, *pairs).ravel())


def repeated(shape: Sequence[int], factor: Sequence[int]) -> csr_array:
    """Each position copied `factor` times along its axis: `I kron (I kron ones) kron ...`."""
    whole = sparse.eye_array(shape[0], dtype=np.int8, format="csr")
    for size, times in zip(shape[1:], factor, strict=True):
        copies = sparse.kron(sparse.eye_array(size, dtype=np.int8), np.ones((times, 1), dtype=np.int8), "csr")
        whole = sparse.kron(whole, copies, "csr")
    return csr_array(whole)
