"""Exact elimination: rank, rank factors, separable terms, minors, inverses of matrices of integers and fractions.

Everything is computed in integers: small matrices by Bareiss' elimination, whose divisions leave no remainder, large
ones modulo a prime with a proof by lifting (`lifting`). Ranks of small ones are left to FLINT where it is installed.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.exact.clearing import (
    as_objects,
    check_matrix,
    cleared,
    integers,
    plain,
    primitive_integers,
    whole_array,
)
from convmatrix.exact.lifting import integer_factors, integer_rank

Terms = list[tuple[Fraction, np.ndarray, np.ndarray]]
Minor = tuple[tuple[int, int], tuple[int, int], Any]

_SMALL = 24 * 24
"""Entries up to which Python's own integers are faster than arrays."""
_FLINT = 64 * 64
"""Entries up to which FLINT is faster still, by 4 for 7 x 7; at 200 x 200 lifting is up to 5 times faster than it."""


def rank(matrix: np.ndarray) -> int:
    """The rank of a matrix of integers or fractions, proved.

    Parameters
    ----------
    matrix : ndarray of shape (m, n)
        Of an integer dtype, or Python integers and fractions; of any magnitude.

    Raises
    ------
    ConvMatrixError
        If it is not two-dimensional or holds anything else: a float's rank is never exact.

    References
    ----------
    Bareiss (1968), Sylvester's identity and multistep integer-preserving Gaussian elimination.

    Examples
    --------
    >>> import numpy as np
    >>> rank(np.array([[1, 2], [2, 4]])), rank(np.array([[10**40, 1], [0, 1]], dtype=object))
    (1, 2)
    """
    if 0 < matrix.size <= _FLINT and (integer_matrix := flint_matrix()) is not None:
        return int(integer_matrix(cleared(matrix)[0]).rank())
    if matrix.size <= _SMALL:
        return _small_rank(cleared(matrix)[0])
    return integer_rank(whole_array(matrix)[0])[0]


def rank_factors(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two factors of full rank whose product is the matrix, exactly.

    Parameters
    ----------
    matrix : ndarray of shape (m, n)
        Integers and fractions, of any magnitude.

    Returns
    -------
    left : ndarray of shape (m, r), of Python integers and fractions
    right : ndarray of shape (r, n), likewise
        `left @ right == matrix`, r the rank, which may be 0. Of a large matrix one of them is a selection of its rows
        or columns.

    Raises
    ------
    ConvMatrixError
        If it is not two-dimensional or holds anything else.

    Examples
    --------
    >>> import numpy as np
    >>> left, right = rank_factors(np.array([[1, 2], [2, 4]]))
    >>> left.tolist(), right.tolist()
    ([[1], [2]], [[1, 2]])
    """
    if matrix.size > _SMALL:
        return _large_factors(matrix)
    terms = separable_terms(matrix)
    left = np.empty((matrix.shape[0], len(terms)), dtype=object)
    right = np.empty((len(terms), matrix.shape[1]), dtype=object)
    for number, (scale, column, row) in enumerate(terms):
        left[:, number] = column
        right[number] = row * plain(scale)
    return left, right


def separable_terms(matrix: np.ndarray) -> Terms:
    """`(scale, column, row)` triples, as many as the rank, that add up to the matrix: `sum of scale * column row^T`.

    Cross elimination (Wedderburn): each pivot takes its column and row away. In a small matrix the pivots are the
    smallest entries, of those the ones with fewest others beside them, so that the terms stay readable.

    Parameters
    ----------
    matrix : ndarray of shape (m, n)
        Integers and fractions, of any magnitude.

    Returns
    -------
    list of (Fraction, ndarray of shape (m,), ndarray of shape (n,))
        Columns and rows are primitive vectors of Python integers (their greatest common divisor is 1), a column's
        first nonzero entry and every scale are positive. Empty for a matrix of zeros.

    Raises
    ------
    ConvMatrixError
        If it is not two-dimensional or holds anything else.

    References
    ----------
    Wedderburn (1934), Lectures on Matrices.

    Examples
    --------
    >>> import numpy as np
    >>> for scale, column, row in separable_terms(np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])):
    ...     print(scale, column, row)
    1 [1 -4 1] [0 1 0]
    1 [0 1 0] [1 0 1]
    """
    if matrix.size > _SMALL:
        left, right = _large_factors(matrix)
        return [_fraction_term(column, row) for column, row in zip(left.T, right, strict=True)]
    rest, denominator = cleared(matrix)
    height, width = matrix.shape
    rows, columns = list(range(height)), list(range(width))
    terms: Terms = []
    # What is left is `rest / (last * denominator)`: Bareiss' integers stand for fractions over the last pivot.
    last = 1
    while (place := _pivot(rest)) is not None:
        r, c = place
        column, row = [line[c] for line in rest], rest.pop(r)
        pivot = row[c]
        terms.append(_term(_spread(column, rows, height), _spread(row, columns, width), last * pivot * denominator))
        # The pivot's row and column are zeros from now on, and are left out.
        del row[c], column[r], rows[r], columns[c]
        for line in rest:
            del line[c]
        rest = [
            [(pivot * value - factor * over) // last for value, over in zip(line, row, strict=True)]
            for line, factor in zip(rest, column, strict=True)
        ]
        last = pivot
    return terms


def _spread(values: list[int], places: list[int], size: int) -> list[int]:
    """The values at their places, zeros elsewhere: rows and columns that served as pivots have become zeros."""
    if len(values) == size:
        return values.copy()
    spread = [0] * size
    for place, value in zip(places, values, strict=True):
        spread[place] = value
    return spread


def nonzero_minor(matrix: np.ndarray) -> Minor | None:
    """A minor of two rows and two columns that is not 0, which proves a rank of at least 2.

    Parameters
    ----------
    matrix : ndarray of shape (m, n)
        Integers and fractions, of any magnitude.

    Returns
    -------
    tuple or None
        `(r0, r1), (c0, c1), value`, the indices ascending, with
        `value == M[r0, c0] * M[r1, c1] - M[r0, c1] * M[r1, c0]`; None if all such minors are 0, so for ranks 0 and 1.

    Raises
    ------
    ConvMatrixError
        If it is not two-dimensional or holds anything else.

    Examples
    --------
    >>> import numpy as np
    >>> nonzero_minor(np.array([[1, 2], [3, 4]]))
    ((0, 1), (0, 1), -2)
    """
    rows, denominator = cleared(matrix)
    place = next(((r, c) for r, row in enumerate(rows) for c, value in enumerate(row) if value), None)
    if place is None:
        return None
    # The pivot is the first entry of its row, which is the first that is not 0: rows before it have no minors.
    r, c = place
    row, pivot = rows[r], rows[r][c]
    for i in range(r + 1, len(rows)):
        factor = rows[i][c]
        for j, (value, over) in enumerate(zip(rows[i], row, strict=True)):
            minor = pivot * value - factor * over
            if minor:
                columns, sign = ((c, j), 1) if c < j else ((j, c), -1)
                return (r, i), columns, plain(Fraction(sign * minor, denominator**2))
    return None


@functools.cache
def flint_matrix() -> Any:
    """The integer matrices of python-flint, or None where it is not installed."""
    try:
        from flint import fmpz_mat
    except ImportError:
        return None
    return fmpz_mat


def _small_rank(rest: list[list[int]]) -> int:
    """Bareiss' elimination: every entry stays a minor of the matrix, so the divisions leave no remainder."""
    found, last = 0, 1
    while rest and rest[0]:
        line = rest.pop()
        c = next((c for c, value in enumerate(line) if value), None)
        if c is None:
            continue
        pivot = line.pop(c)
        rest = [
            [(pivot * value - factor * over) // last for value, over in zip(row, line, strict=True)]
            for row in rest
            for factor in (row.pop(c),)
        ]
        found, last = found + 1, pivot
    return found


def _pivot(rest: list[list[int]]) -> tuple[int, int] | None:
    """The smallest entry that is not 0; among equals the one with fewest others in its row and column, the first."""
    sizes = [abs(value) for line in rest for value in line]
    least = min(filter(None, sizes), default=0)
    if not least:
        return None
    width = len(rest[0])
    if sizes.count(least) == 1:
        return divmod(sizes.index(least), width)
    places = [divmod(place, width) for place, size in enumerate(sizes) if size == least]
    in_row = [sum(map(bool, line)) - 1 for line in rest]
    in_column = [sum(map(bool, line)) - 1 for line in zip(*rest, strict=True)]
    return min(places, key=lambda place: in_row[place[0]] * in_column[place[1]])


def _term(column: list[int], row: list[int], under: int) -> tuple[Fraction, np.ndarray, np.ndarray]:
    """The term `1 / under * column row^T` with primitive vectors, the signs in the row."""
    of_column, column = primitive_integers(column)
    of_row, row = primitive_integers(row)
    if next(filter(None, column)) < 0:
        column, under = [-value for value in column], -under
    if under < 0:
        row, under = [-value for value in row], -under
    return Fraction(of_column * of_row, under), as_objects(column), as_objects(row)


def _fraction_term(column: np.ndarray, row: np.ndarray) -> tuple[Fraction, np.ndarray, np.ndarray]:
    (column_values, below_column), (row_values, below_row) = integers(column.tolist()), integers(row.tolist())
    return _term(column_values, row_values, below_column * below_row)


def _large_factors(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rank factors, one of them rows or columns of the matrix; across the shorter side, as that leaves less to find."""
    check_matrix(matrix)
    if matrix.shape[0] > matrix.shape[1]:
        left, right = _large_factors(matrix.T)
        return right.T, left.T
    whole, below = whole_array(matrix)
    pivots, numerators, denominators = integer_factors(whole)
    left = np.empty(numerators.shape, dtype=object)
    for number, values in enumerate(numerators.tolist()):
        under = int(denominators[number]) * below[number]
        left[number] = [plain(Fraction(value, under)) if value else 0 for value in values]
    return left, whole[pivots].astype(object)
