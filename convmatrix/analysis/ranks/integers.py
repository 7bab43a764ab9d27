"""Operators of integers and fractions, and matrices of integers that have their ranks and null vectors."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, kron

from convmatrix import exact
from convmatrix.analysis.rounding import numbers_of
from convmatrix.assembly import assemble, exact_entries
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError
from convmatrix.exact.sparse import IntegerMatrix
from convmatrix.geometry import Geometry
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.composite import Composite
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.pattern import check_integers, largest
from convmatrix.operators.resampling import AvgPool, Resize

MOST_ENTRIES = 20_000_000
"""Entries of a matrix of integers that is made: some seconds."""
_MOST_SYMPY = 300_000
"""The same of entries beyond int64 in a product or sum, which SymPy multiplies."""


def is_exact(op: TensorOperator) -> bool:
    """Whether all numbers of an operator are integers or fractions.

    Examples
    --------
    >>> import convmatrix as cm
    >>> is_exact(cm.conv("1/3 2", 4)), is_exact(cm.conv([0.5], 4)), is_exact(cm.avg_pool((1, 4), 2))
    (True, False, True)
    """
    return all(
        values.dtype.kind in "iO" and not exact.is_symbolic(values)
        for values, name in numbers_of(op)
        if name != "biases"
    )


def exactly(op: TensorOperator) -> TensorOperator:
    """The operator with its floats as the binary fractions that they are.

    Raises
    ------
    ConvMatrixError
        If a number is no rational one.

    Examples
    --------
    >>> import convmatrix as cm
    >>> exactly(cm.conv([0.5, 1], 4)).weight.tolist()
    [[[Fraction(1, 2), Fraction(1, 1)]]]
    """
    for values, name in numbers_of(op):
        if name != "biases" and (values.dtype.kind == "c" or exact.is_symbolic(values)):
            shown = next((value for value in values.flat if exact.is_sympy(value)), values.flat[0])
            raise ConvMatrixError(f"op must have {name} that are rational numbers for an exact rank, got {shown}")

    def of_leaf(leaf: TensorOperator) -> TensorOperator:
        if isinstance(leaf, Transposed):
            return Transposed(of_leaf(leaf.of))
        return Convolution(leaf.geometry, _rational(leaf.weight)) if isinstance(leaf, Convolution) else leaf

    def of_parts(part: Composite, *own: TensorOperator) -> TensorOperator:
        if isinstance(part, Scaled):
            return Scaled(_rational(exact.as_array([part.factor], "the factor")).item(), own[0])
        return Product(*own) if isinstance(part, Product) else Sum(*own)

    found: TensorOperator = op.folded(of_leaf, of_parts) if isinstance(op, Composite) else of_leaf(op)
    return found


def whole(values: np.ndarray) -> np.ndarray:
    """Integers and fractions times what makes them integers without a common divisor; int64 where they fit.

    Examples
    --------
    >>> whole(np.array([[Fraction(1, 3), Fraction(1, 2)]])).tolist()
    [[2, 3]]
    """
    if values.dtype.kind == "i":
        divisor = int(np.gcd.reduce(values, axis=None))
        return values // divisor if divisor > 1 else values
    integers = exact.primitive(values.reshape(-1))[1].reshape(values.shape)
    return exact.as_array(integers)


def integer_matrix(op: TensorOperator) -> IntegerMatrix:
    """A multiple of the matrix of an operator that `is_exact`, which has integers.

    Raises
    ------
    MatrixTooLargeError
        If it has more entries than can be taken.
    """
    if op.nnz > MOST_ENTRIES:
        raise MatrixTooLargeError("the matrix of integers", op.nbytes(), 12 * MOST_ENTRIES)
    if isinstance(op, Transposed):
        return integer_matrix(op.of).T
    if isinstance(op, Convolution):
        return _of_layer(op.geometry, whole(op.weight))
    try:
        found = op.folded(_of_leaf, _of_parts) if isinstance(op, Composite) else _of_leaf(op)
    except _Beyond as error:
        if op.nnz > _MOST_SYMPY:
            raise MatrixTooLargeError("the matrix of integers beyond 2**63", op.nbytes(), 12 * _MOST_SYMPY) from error
        return _by_sympy(op)
    return IntegerMatrix.of(found.matrix)


class _Beyond(Exception):
    """Entries do not fit an int64."""


class _Whole(NamedTuple):
    """The operator meant is the matrix over `below`."""

    matrix: csr_array
    below: int


def _rational(values: np.ndarray) -> np.ndarray:
    return exact.as_array(exact.as_exact(values)) if values.dtype.kind == "f" else values


def _of_layer(geometry: Geometry, weight: np.ndarray) -> IntegerMatrix:
    if _fits(weight):
        return IntegerMatrix.of(assemble(geometry, weight))
    rows, columns, values = exact_entries(geometry, weight.astype(object))
    entries = np.empty(len(values), dtype=object)
    entries[:] = values
    return IntegerMatrix.of_entries(rows, columns, entries, geometry.shape)


def _fits(weight: np.ndarray) -> bool:
    """Whether sums of taps fit an int64 too."""
    return weight.dtype != object and float(np.abs(weight.astype(np.float64)).sum()) < 2.0**62


def _of_leaf(leaf: TensorOperator) -> _Whole:
    if isinstance(leaf, Transposed):
        matrix, below = _of_leaf(leaf.of)
        return _Whole(matrix.T.tocsr(), below)
    if isinstance(leaf, Convolution):
        integers, below = _cleared(leaf.weight)
        if not _fits(integers):
            raise _Beyond
        return _Whole(assemble(leaf.geometry, integers), below)
    if isinstance(leaf, AvgPool):
        divisors = np.tile(leaf.divisors.reshape(-1), leaf.geometry.out_channels)
        below = math.lcm(*set(divisors.tolist()))
        _check(below)
        matrix = assemble(leaf.geometry, leaf.weight)
        matrix.data = np.repeat(below // divisors, np.diff(matrix.indptr))
        return _Whole(matrix, below)
    if isinstance(leaf, Resize):
        return _of_resize(leaf)
    return _Whole(leaf.tosparse(dtype=np.int64), 1)


def _of_resize(leaf: Resize) -> _Whole:
    matrix, below = csr_array(np.eye(leaf.in_shape[0], dtype=np.int64)), 1
    for axis in range(len(leaf.in_shape) - 1):
        entries = leaf.along(axis).tosympy().todok()
        own = math.lcm(*(int(value.q) for value in entries.values()))
        below *= own
        _check(below)
        places = np.array(list(entries), dtype=np.int64).reshape(-1, 2).T
        shape = (leaf.out_shape[1 + axis], leaf.in_shape[1 + axis])
        values = [int(value * own) for value in entries.values()]
        matrix = csr_array(kron(matrix, csr_array((values, tuple(places)), shape=shape), format="csr"))
    return _Whole(matrix, below)


def _of_parts(part: Composite, *own: _Whole) -> _Whole:
    if isinstance(part, Scaled):
        (matrix, below), factor = own[0], Fraction(part.factor)
        _check(largest(matrix) * abs(factor.numerator))
        return _Whole(matrix * factor.numerator, below * factor.denominator)
    left, right = own
    if isinstance(part, Product):
        longest = int(np.diff(left.matrix.indptr).max(initial=0))
        _check(longest * largest(left.matrix) * largest(right.matrix))
        return _Whole(csr_array(left.matrix @ right.matrix), left.below * right.below)
    below = math.lcm(left.below, right.below)
    times = [below // side.below for side in own]
    _check(sum(largest(side.matrix) * factor for side, factor in zip(own, times, strict=True)))
    return _Whole(csr_array(left.matrix * times[0] + right.matrix * times[1]), below)


def _check(bound: int) -> None:
    try:
        check_integers(bound)
    except ConvMatrixError as error:
        raise _Beyond from error


def _cleared(weight: np.ndarray) -> tuple[np.ndarray, int]:
    if weight.dtype.kind == "i":
        return weight, 1
    below = math.lcm(*(value.denominator for value in weight.flat))
    integers = np.empty(weight.shape, dtype=object)
    integers.reshape(-1)[:] = [int(value * below) for value in weight.flat]
    return exact.as_array(integers), below


def _by_sympy(op: TensorOperator) -> IntegerMatrix:
    entries = op.tosympy().todok()
    below = math.lcm(*(int(value.q) for value in entries.values()))
    places = np.array(list(entries), dtype=np.int64).reshape(-1, 2)
    values = np.empty(len(entries), dtype=object)
    values[:] = [int(value * below) for value in entries.values()]
    return IntegerMatrix.of_entries(places[:, 0], places[:, 1], values, op.shape)
