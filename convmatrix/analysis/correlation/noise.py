"""The moments of responses to white noise, from the two matrices alone.

For `x` of mean 0 and unit variance in every entry, independent, a response `m^T x` and a response `n^T x` have the
covariance `m^T n`. So a filter is the rows of its matrix at all positions, laid end to end, and everything asked of two
filters is an inner product of two such long vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix import exact
from convmatrix.analysis.correlation.moments import Moments, check_finite, largest_part, times_power
from convmatrix.analysis.correlation.pairing import Pairing
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError, SymbolicError
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, common_dtype

_OBJECT_BYTES = 48
_MODERATE = 200
_ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""Share of what its terms could add up to, below which a sum is the rounding of 0."""


def noise_moments(first: TensorOperator, second: TensorOperator, pairing: Pairing) -> Moments:
    """Exact for exact weights, in integers and fractions; otherwise in double precision.

    Raises
    ------
    SymbolicError
        If a weight is a SymPy expression.
    MatrixTooLargeError
        If the matrices would not fit in memory.
    """
    kind = common_dtype(second, first)[0].kind
    rows = _integer_rows(first, second, pairing) if kind == "i" else None
    if rows is not None:
        upper, lower = rows
        return Moments((upper @ lower.T).toarray(), _lengths(upper), _lengths(lower), True)
    dense = _object_rows(first, second, pairing) if kind in "iO" else None
    if dense is not None:
        return _of_objects(*dense)
    return _of_floats(first, second, pairing)


def _laid_end_to_end(matrix: Any, channels: int, places: np.ndarray) -> Any:
    """The rows of every channel at some positions, one long row a channel."""
    positions = matrix.shape[0] // channels
    rows = (np.arange(channels)[:, None] * positions + places).reshape(-1)
    return matrix[rows].reshape((channels, places.size * matrix.shape[1]))


def _integer_rows(first: TensorOperator, second: TensorOperator, pairing: Pairing) -> tuple[Any, Any] | None:
    """Rows of the second's and the first's filters in int64, or None where a sum might wrap."""
    try:
        inner, outer = (op.tosparse().astype(np.int64) for op in (first, second))
    except MatrixTooLargeError:
        raise
    except ConvMatrixError:
        return None
    sizes = [int(np.abs(matrix.data).max(initial=0)) for matrix in (outer, inner)]
    longest = int(np.diff(outer.indptr).max(initial=0))
    most = sizes[0] * sizes[1] * longest
    entries = pairing.outputs.size * first.shape[1]
    if max(most, sizes[1]) ** 2 * entries >= 2**63:
        return None
    check_size("the matrix of both layers", Product(second, first).nbytes("csr", np.int64), None)
    upper = _laid_end_to_end((outer @ inner).tocsr(), second.out_shape[0], pairing.outputs).tocsr()
    return upper, _laid_end_to_end(inner, first.out_shape[0], pairing.inputs).tocsr()


def _object_rows(
    first: TensorOperator, second: TensorOperator, pairing: Pairing
) -> tuple[np.ndarray, np.ndarray] | None:
    """The same as dense arrays of Python integers and fractions, made by applying both layers to a basis.

    None where a fraction met a float.
    """
    needed = first.shape[1] * (first.shape[0] + second.shape[0]) * _OBJECT_BYTES
    check_size("the exact matrices of both layers", needed, None)
    inner = exact.as_array(first @ np.eye(first.shape[1], dtype=np.int64), "first")
    outer = exact.as_array(second @ inner, "second")
    for matrix, name in ((inner, "first"), (outer, "second")):
        if exact.is_symbolic(matrix):
            raise SymbolicError(f"{name} must have weights that are numbers, got SymPy expressions: substitute values")
        if matrix.dtype.kind in "fc":
            return None
    upper = _laid_end_to_end(outer.astype(object), second.out_shape[0], pairing.outputs)
    return upper, _laid_end_to_end(inner.astype(object), first.out_shape[0], pairing.inputs)


def _of_objects(upper: np.ndarray, lower: np.ndarray) -> Moments:
    second, first = (np.array([np.dot(row, row) for row in own], dtype=object) for own in (upper, lower))
    return Moments(np.dot(upper, lower.T), second, first, True)


def _of_floats(first: TensorOperator, second: TensorOperator, pairing: Pairing) -> Moments:
    is_complex = "c" in first.dtype.kind + second.dtype.kind
    kind = np.dtype(np.complex128 if is_complex else np.float64)
    inner, outer = first.tosparse(dtype=kind), second.tosparse(dtype=kind)
    for matrix, name in ((inner, "the weights of first"), (outer, "the weights of second")):
        check_finite(matrix.data, name)
    channels = second.out_shape[0], first.out_shape[0]
    outer, inner = _at_size_one(outer, inner, *channels)
    check_size("the matrix of both layers", Product(second, first).nbytes("csr", kind), None)
    upper = _laid_end_to_end((outer @ inner).tocsr(), channels[0], pairing.outputs).tocsr()
    lower = _laid_end_to_end(inner, channels[1], pairing.inputs).tocsr()
    # No row of the product is longer than its terms together; what is far shorter has cancelled.
    most = abs(outer) @ np.sqrt(_lengths(inner))
    bound = (most.reshape(channels[0], -1)[:, pairing.outputs] ** 2).sum(axis=1)
    lengths = _lengths(upper)
    lengths[lengths <= _ROUNDING**2 * bound] = 0
    return Moments((upper @ lower.conj().T).toarray(), lengths, _lengths(lower), False)


def _lengths(rows: csr_array) -> np.ndarray:
    """The squared length of every row."""
    return np.asarray(abs(rows).power(2).sum(axis=1)).reshape(-1)


def _at_size_one(outer: csr_array, inner: csr_array, second: int, first: int) -> tuple[csr_array, csr_array]:
    """Both matrices with every filter's largest entries near 1, by powers of 2, which round nothing.

    A unit given to a filter of the first layer is taken back where the second reads it.
    """
    if _is_moderate(outer.data) and _is_moderate(inner.data):
        return outer, inner
    inside = inner.shape[0] // first
    exponents = np.frexp(_largest(inner, first))[1].astype(np.int64)
    rows = np.repeat(np.arange(inner.shape[0]), np.diff(inner.indptr)) // inside
    own = csr_array((times_power(inner.data, -exponents[rows]), inner.indices, inner.indptr), shape=inner.shape)
    read = exponents[outer.indices // inside]
    size = largest_part(outer.data)
    powers = np.where(size > 0, np.frexp(size)[1] + read, np.iinfo(np.int32).min)
    channel = np.repeat(np.arange(outer.shape[0]), np.diff(outer.indptr)) // (outer.shape[0] // second)
    units = np.full(second, np.iinfo(np.int32).min, dtype=np.int64)
    np.maximum.at(units, channel, powers)
    data = times_power(outer.data, np.where(size > 0, read - units[channel], 0))
    return csr_array((data, outer.indices, outer.indptr), shape=outer.shape), own


def _is_moderate(values: np.ndarray) -> bool:
    """Whether neither products of such numbers nor their squares leave the range of floats."""
    sizes = largest_part(values)
    least = float(sizes.min(where=sizes > 0, initial=1.0))
    return least > 2.0**-_MODERATE and float(sizes.max(initial=0.0)) < 2.0**_MODERATE


def _largest(matrix: csr_array, channels: int) -> np.ndarray:
    """The largest entry of every channel's rows."""
    sizes = csr_array((largest_part(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
    return np.asarray(sizes.max(axis=1).toarray()).reshape(channels, -1).max(axis=1)
