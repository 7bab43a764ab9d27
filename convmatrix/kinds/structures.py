"""Matrices put together from SciPy's own pieces, to check the operators by: nothing here uses the package's builder.

A kernel on one axis is a sum of diagonals, of which a stride keeps every s-th row; on several axes a sum of Kronecker
products of these; on several channels a block matrix; in groups a block diagonal one. Numbers make sparse matrices;
fractions and symbols, which SciPy's cannot hold, dense ones of exact objects.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse
from scipy.sparse import csr_array

from convmatrix.geometry import Axis, Geometry, arguments

Matrix: TypeAlias = csr_array | np.ndarray


@dataclass(frozen=True)
class Steps:
    """How a kernel moves along one axis: read off the arguments of a build, never off an operator."""

    size: int
    stride: int = 1
    pads: tuple[int, int] = (0, 0)
    dilation: int = 1
    outputs: int | None = None

    @classmethod
    def of(cls, axis: Axis) -> Steps:
        """The same of a geometry's axis."""
        pads = axis.pad_before, axis.pad_after
        return cls(axis.input_size, axis.stride, pads, axis.dilation, axis.output_size)

    def rows(self, taps: int) -> int:
        """Positions at which a kernel of so many taps may stand, with stride 1."""
        return self.size + sum(self.pads) - self.dilation * (taps - 1)


Along: TypeAlias = Callable[[np.ndarray, Steps], Matrix]


def steps_along(weight: np.ndarray, input_size: Any, **options: Any) -> tuple[Steps, ...]:
    """One entry an axis, from the arguments of a convolution in any of their spellings."""
    sizes = arguments.sizes(input_size)
    kernel_size = weight.shape[weight.ndim - len(sizes) :]
    return tuple(map(Steps.of, Geometry.conv(sizes, kernel_size, **options).axes))


# -- pieces of both sorts ----------------------------------------------------------------------------------------------


def dense(matrix: Matrix) -> np.ndarray:
    """As an array of objects."""
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray().astype(object)


def _is_exact(*matrices: Matrix) -> bool:
    return any(isinstance(matrix, np.ndarray) for matrix in matrices)


def kron(*factors: Matrix) -> Matrix:
    """The Kronecker product of all, from the left."""

    def both(left: Matrix, right: Matrix) -> Matrix:
        if _is_exact(left, right):
            return np.kron(dense(left), dense(right))
        return csr_array(sparse.kron(left, right, "csr"))

    return reduce(both, factors)


def product(*factors: Matrix) -> Matrix:
    """The product of all, the last applied first."""

    def both(left: Matrix, right: Matrix) -> Matrix:
        return dense(left) @ dense(right) if _is_exact(left, right) else csr_array(left @ right)

    return reduce(both, factors)


def total(terms: Sequence[Matrix]) -> Matrix:
    """The sum of all."""
    return reduce(lambda left, right: left + right, map(dense, terms) if _is_exact(*terms) else terms)


def blocks(table: Sequence[Sequence[Matrix]]) -> Matrix:
    """A matrix of blocks, given row by row."""
    if _is_exact(*(block for row in table for block in row)):
        return np.block([[dense(block) for block in row] for row in table])
    return csr_array(sparse.block_array(table))


def block_diag(parts: Sequence[Matrix]) -> Matrix:
    """Blocks along the diagonal, nothing beside them."""
    if not _is_exact(*parts):
        return csr_array(sparse.block_diag(parts, format="csr"))
    shapes = np.array([part.shape for part in parts])
    whole = np.zeros(shapes.sum(axis=0), dtype=object)
    for part, (row, column), (rows, columns) in zip(parts, shapes.cumsum(axis=0) - shapes, shapes, strict=True):
        whole[row : row + rows, column : column + columns] = dense(part)
    return whole


def stored(array: np.ndarray) -> Matrix:
    """A dense array as the piece it is."""
    return array if array.dtype == object else csr_array(array)


def eye(size: int) -> csr_array:
    """The identity."""
    return csr_array(sparse.eye_array(size, dtype=np.int8))


# -- one layer ---------------------------------------------------------------------------------------------------------


def toeplitz(taps: np.ndarray, along: Steps) -> Matrix:
    """`C[o, i] = taps[t]` where `i = o + t*dilation - pad_before`: a diagonal a tap, whatever the stride."""
    shape = along.rows(len(taps)), along.size
    offsets = along.dilation * np.arange(len(taps)) - along.pads[0]
    seen = (offsets > -shape[0]) & (offsets < shape[1])
    if taps.dtype == object:
        terms = [np.eye(*shape, k=k, dtype=np.int64) * tap for k, tap in zip(offsets[seen], taps[seen], strict=True)]
        return np.zeros(shape, dtype=object) + sum(terms)
    if not seen.any():
        return csr_array(shape, dtype=taps.dtype)
    # Diagonals of length 1 to 1 broadcast over their length.
    return csr_array(
        sparse.diags_array(taps[seen].reshape(-1, 1), offsets=offsets[seen], shape=shape, dtype=taps.dtype)
    )


def every(along: Steps, taps: int) -> csr_array:
    """The rows that a stride keeps of those of stride 1."""
    kept = eye(along.rows(taps))[:: along.stride]
    return csr_array(kept[: along.outputs])


def one_axis(taps: np.ndarray, along: Steps) -> Matrix:
    """The matrix of one axis: Toeplitz, of which the stride keeps every s-th row."""
    return product(every(along, len(taps)), toeplitz(taps, along))


def kernel_matrix(kernel: np.ndarray, along: Sequence[Steps], axis: Along = one_axis) -> Matrix:
    """The sum over the first axis of `shift kron (matrix of the rest)`, each shift the matrix of one tap."""
    if kernel.ndim == 0:
        return stored(kernel.reshape(1, 1))
    if kernel.ndim == 1:
        return axis(kernel, along[0])
    shifts = np.eye(len(kernel), dtype=np.int8)
    return total(
        [
            kron(axis(shift, along[0]), kernel_matrix(rest, along[1:], axis))
            for shift, rest in zip(shifts, kernel, strict=True)
        ]
    )


def layer_matrix(weight: np.ndarray, along: Sequence[Steps], groups: int = 1, axis: Along = one_axis) -> Matrix:
    """One block a pair of channels, one diagonal block a group."""
    return block_diag(
        [
            blocks([[kernel_matrix(kernel, along, axis) for kernel in filter_] for filter_ in part])
            for part in np.split(weight, groups)
        ]
    )


def block_a_channel(weight: np.ndarray, along: Sequence[Steps]) -> Matrix:
    """The matrix of each channel's own kernel, along the diagonal."""
    return block_diag([kernel_matrix(kernel[0], along) for kernel in weight])


def mixing(weight: np.ndarray, places: int, groups: int = 1) -> Matrix:
    """`W kron I`, W block diagonal in groups: a matrix between channels, the same at every place."""
    matrix = weight.reshape(weight.shape[:2])
    return kron(block_diag([stored(part) for part in np.split(matrix, groups)]), eye(places))


# -- permutations and interpolation ------------------------------------------------------------------------------------


def permutation(order: np.ndarray) -> csr_array:
    """Output `r` is input `order[r]`."""
    ones = np.ones(order.size, dtype=np.int8)
    return csr_array((ones, order, np.arange(order.size + 1)), (order.size, order.size))


def shuffle(channels: int, places: int, groups: int) -> Matrix:
    """`P kron I`: channels as a table of one row a group, read by columns."""
    return kron(permutation(np.arange(channels).reshape(groups, -1).T.ravel()), eye(places))


def depth_to_space(shape: Sequence[int], factor: Sequence[int]) -> csr_array:
    """The permutation of a pixel shuffle: each position's sub-channels side by side within it."""
    sizes, axes = tuple(shape[1:]), len(factor)
    table = np.arange(math.prod(shape)).reshape(shape[0] // math.prod(factor), *factor, *sizes)
    pairs = [axis for a in range(axes) for axis in (1 + axes + a, 1 + a)]
    return permutation(table.transpose(0, *pairs).ravel())


def interpolation(size: int, scale: Fraction, mode: str, is_exact: bool) -> Matrix:
    """`R[o, i]`, the share of input `i` in position `o` of the enlarged axis."""
    table = np.zeros((math.floor(size * scale), size), dtype=object)
    for output, row in enumerate(table):
        if mode == "linear":
            at = min(max((output + Fraction(1, 2)) / scale - Fraction(1, 2), Fraction(0)), Fraction(size - 1))
            row[:] = [max(1 - abs(at - place), Fraction(0)) for place in range(size)]
        else:
            row[math.floor((output + (Fraction(1, 2) if mode == "nearest-exact" else 0)) / scale)] = 1
    return table if is_exact else csr_array(table.astype(float))


def positions(weight: np.ndarray, along: Sequence[Steps]) -> int:
    """Positions at which a layer's kernel stands: the rows of a channel."""
    taps = weight.shape[weight.ndim - len(along) :]
    return math.prod(every(each, k).shape[0] for each, k in zip(along, taps, strict=True))
