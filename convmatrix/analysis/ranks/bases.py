"""Bases of null spaces: orthonormal from dense decompositions, Kronecker factors and integers; or the integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from convmatrix.analysis.ranks.integers import integer_matrix
from convmatrix.analysis.spectrum.solving import DENSE_WORK
from convmatrix.analysis.spectrum.structure import Factor, factors_of
from convmatrix.analysis.spectrum.triples import outer
from convmatrix.exact.bounded import null_basis
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed

INTEGERS_FIRST = 2e9
"""Work of a dense decomposition from which null vectors of exact operators are sought among integers first."""


class Way(NamedTuple):
    """A way to an orthonormal basis.

    Attributes
    ----------
    name : str
    make : callable
        Gives it, `(dimension, *in_shape)`, or of an array of places only the tensors there.
    """

    name: str
    make: Callable[[np.ndarray | None], np.ndarray]


def dense_cost(op: TensorOperator) -> float:
    """What all right singular vectors of a dense matrix cost, those of zeros too."""
    return float(op.shape[1]) ** 2 * max(min(op.shape), 1)


def ways(op: TensorOperator, exact: TensorOperator | None, rank: int, work: float) -> list[Way]:
    """The ways to a basis of the null space of an operator in floats, the one to be tried first first.

    Parameters
    ----------
    op : TensorOperator
        In float64 or complex128.
    exact : TensorOperator or None
        A multiple of it in integers and fractions, where it is exact.
    rank : int
        Of it.
    work : float
        The most multiplications for integers.
    """
    found = []
    factors = _factors(op)
    if len(factors) > 1 and sum(dense_cost(factor.op) for factor in factors) <= DENSE_WORK:
        found.append(Way("Kronecker product", lambda places: _of_factors(op, factors, rank, places)))
    dense = Way("dense", lambda places: _densely(op, rank, places))
    integers = Way("integer vectors", lambda places: orthonormal(chosen(integer_vectors(exact, work), places)))
    if exact is not None and dense_cost(op) > INTEGERS_FIRST:
        found.append(integers)
    if dense_cost(op) <= DENSE_WORK:
        found.append(dense)
    return found


def integer_vectors(op: TensorOperator | None, work: float = math.inf) -> np.ndarray:
    """A basis of the null space of an exact operator as primitive integers `(dimension, *in_shape)`, verified.

    Raises
    ------
    ConvMatrixError
        If it takes more than `work` multiplications.
    MatrixTooLargeError
        If the matrix or the basis does not fit.

    Examples
    --------
    >>> import convmatrix as cm
    >>> integer_vectors(cm.conv("1 2 1", 4, padding=1, padding_mode="circular")).tolist()
    [[[1, -1, 1, -1]]]
    """
    assert op is not None
    vectors, _ = null_basis(integer_matrix(op), work)
    return np.ascontiguousarray(vectors.T).reshape(-1, *op.in_shape)


def chosen(vectors: np.ndarray, places: np.ndarray | None) -> np.ndarray:
    """All of some vectors, or those at some places."""
    return vectors if places is None else vectors[places]


def _densely(op: TensorOperator, rank: int, places: np.ndarray | None) -> np.ndarray:
    right = np.linalg.svd(op.toarray(), full_matrices=True)[2]
    return np.conj(chosen(right[rank:], places)).reshape(-1, *op.in_shape)


def _factors(op: TensorOperator) -> tuple[Factor, ...]:
    if isinstance(op, Transposed):
        return tuple(Factor(factor.op.T, factor.axes) for factor in factors_of(op.of))
    return factors_of(op)


def _of_factors(op: TensorOperator, factors: tuple[Factor, ...], rank: int, places: np.ndarray | None) -> np.ndarray:
    """All products of right vectors but those with the `rank` largest products of singular values."""
    values, vectors = np.ones(()), []
    for factor in factors:
        _, own, right = np.linalg.svd(factor.op.toarray(), full_matrices=True)
        values = np.multiply.outer(values, np.concatenate([own, np.zeros(len(right) - len(own))]))
        vectors.append(np.conj(right).reshape(-1, *factor.op.in_shape))
    order = chosen(np.argsort(-values, axis=None, kind="stable")[rank:], places)
    check_size(f"a basis of dimension {order.size}", 24 * order.size * op.shape[1])
    picked = np.unravel_index(order, values.shape)
    parts = [own[numbers] for own, numbers in zip(vectors, picked, strict=True)]
    return outer(parts, [factor.axes for factor in factors]).reshape(-1, *op.in_shape)


def orthonormal(vectors: np.ndarray) -> np.ndarray:
    """The span of integer vectors `(count, *shape)` by orthonormal ones in floats."""
    flat = vectors.reshape(len(vectors), math.prod(vectors.shape[1:]))
    if flat.dtype == object:
        # As shares of each vector's largest entry, which may be beyond the range of floats.
        largest = [max(map(abs, own)) for own in flat.tolist()]
        flat = np.array([[value / most for value in own] for own, most in zip(flat.tolist(), largest, strict=True)])
    lengths = np.linalg.norm(flat.astype(np.float64), axis=1, keepdims=True)
    return np.linalg.qr((flat / lengths).T)[0].T.reshape(vectors.shape)
