"""Exact elimination: rank, rank factors, separable terms, minors, inverses of matrices of integers and fractions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

Terms = list[tuple[Fraction, np.ndarray, np.ndarray]]
Minor = tuple[tuple[int, int], tuple[int, int], Any]


def rank(matrix: np.ndarray) -> int:
    """The rank of a matrix of integers or fractions, proved."""
    return len(separable_terms(matrix))


def rank_factors(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`left` of shape `(m, r)` and `right` of shape `(r, n)` with `left @ right == matrix`, r the rank."""
    terms = separable_terms(matrix)
    rows, columns = matrix.shape
    left = np.empty((rows, len(terms)), dtype=object)
    right = np.empty((len(terms), columns), dtype=object)
    for number, (scale, column, row) in enumerate(terms):
        left[:, number] = column
        right[number] = row * _plain(scale)
    return left, right


def separable_terms(matrix: np.ndarray) -> Terms:
    """`(scale, column, row)` triples, as many as the rank, that add up to the matrix: `sum of scale * column row^T`.

    Columns and rows are primitive integer vectors, a column's first nonzero entry and every scale positive.
    """
    whole, denominator = cleared(matrix)
    rest = [[Fraction(value) for value in row] for row in whole]
    terms: Terms = []
    while True:
        place = _pivot(rest)
        if place is None:
            return terms
        r, c = place
        column, row = [line[c] for line in rest], list(rest[r])
        terms.append(_term(column, row, Fraction(1, denominator) / rest[r][c]))
        share = [value / rest[r][c] for value in column]
        rest = [[v - s * w for v, w in zip(line, row, strict=True)] for line, s in zip(rest, share, strict=True)]


def _pivot(rest: Sequence[Sequence[Fraction]]) -> tuple[int, int] | None:
    """The first entry of least magnitude that is not 0."""
    places = [(abs(value), r, c) for r, line in enumerate(rest) for c, value in enumerate(line) if value]
    return min(places)[1:] if places else None


def _term(column: list[Fraction], row: list[Fraction], scale: Fraction) -> tuple[Fraction, np.ndarray, np.ndarray]:
    of_column, column_vector = primitive(column)
    of_row, row_vector = primitive(row)
    scale *= of_column * of_row
    if next(value for value in column_vector if value) < 0:
        column_vector, scale = -column_vector, -scale
    return (scale, column_vector, row_vector) if scale > 0 else (-scale, column_vector, -row_vector)


def primitive(vector: Sequence[Any] | np.ndarray) -> tuple[Fraction, np.ndarray]:
    """The content, a positive fraction, and the primitive integer vector: `vector == content * primitive`."""
    values = [Fraction(int(v)) if isinstance(v, np.integer) else Fraction(v) for v in vector]
    common = math.lcm(*(value.denominator for value in values))
    numerators = [int(value * common) for value in values]
    content = math.gcd(*numerators) or 1
    reduced = np.empty(len(values), dtype=object)
    reduced[:] = [value // content for value in numerators]
    return Fraction(content, common), reduced


def nonzero_minor(matrix: np.ndarray) -> Minor | None:
    """Rows, columns and value of a 2x2 minor that is not 0, which proves a rank of at least 2; None if all are 0."""
    places = [(r, c) for r, c in np.ndindex(matrix.shape) if matrix[r, c]]
    if not places:
        return None
    r, c = places[0]
    for i, j in np.ndindex(matrix.shape):
        value = _exactly(matrix[r, c]) * _exactly(matrix[i, j]) - _exactly(matrix[i, c]) * _exactly(matrix[r, j])
        if value:
            (r0, r1), (c0, c1) = sorted((r, i)), sorted((c, j))
            sign = 1 if (r < i) == (c < j) else -1
            return (r0, r1), (c0, c1), _plain(sign * value)
    return None


def solve(matrix: Any, right: Any) -> list[Fraction]:
    """The solution of a regular system of rational equations."""
    rows = _reduced([[*row, value] for row, value in zip(matrix, right, strict=True)])
    return [row[-1] for row in rows]


def inverse(matrix: Any) -> list[list[Fraction]]:
    """The inverse of a regular rational matrix."""
    size = len(matrix)
    rows = _reduced([[*row, *(int(r == c) for c in range(size))] for r, row in enumerate(matrix)])
    return [row[size:] for row in rows]


def cleared(matrix: np.ndarray) -> tuple[list[list[int]], int]:
    """Integers and their common denominator."""
    values = matrix.tolist()
    common = math.lcm(*(value.denominator for row in values for value in row))
    return [[int(value * common) for value in row] for row in values], common


def _reduced(matrix: list[list[Any]]) -> list[list[Fraction]]:
    """Gauss and Jordan's elimination of the square part on the left."""
    rows = [[Fraction(value) for value in row] for row in matrix]
    for k in range(len(rows)):
        pivot = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        lead = rows[k][k]
        rows[k] = [value / lead for value in rows[k]]
        for i, row in enumerate(rows):
            if i != k and row[k]:
                factor = row[k]
                rows[i] = [value - factor * own for value, own in zip(row, rows[k], strict=True)]
    return rows


def _exactly(value: Any) -> Any:
    return int(value) if isinstance(value, np.integer) else value


def _plain(value: Any) -> Any:
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value
