"""Regular systems of rational equations, solved exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from convmatrix.errors import ConvMatrixError
from convmatrix.exact.clearing import integers, rational_entries


def solve(matrix: Any, right: Any) -> list[Fraction]:
    """The solution of a regular system of rational equations: `matrix @ solution == right`.

    Parameters
    ----------
    matrix : sequence of n sequences, or ndarray of shape (n, n)
        Integers and fractions.
    right : sequence of length n
        Likewise.

    Raises
    ------
    ConvMatrixError
        If the matrix is not square, is singular or holds anything else, or if `right` has another length.

    Examples
    --------
    >>> solve([[2, 0], [1, 1]], [1, 1])
    [Fraction(1, 2), Fraction(1, 2)]
    """
    rows = _square(matrix)
    values = rational_entries(list(right), "right")
    if len(values) != len(rows):
        raise ConvMatrixError(f"right must have one entry a row of the matrix, {len(rows)}, got {len(values)}")
    solved = _solved([[*row, value] for row, value in zip(rows, values, strict=True)])
    return [row[0] for row in solved]


def inverse(matrix: Any) -> list[list[Fraction]]:
    """The inverse of a regular rational matrix, row by row.

    Parameters
    ----------
    matrix : sequence of n sequences, or ndarray of shape (n, n)
        Integers and fractions.

    Raises
    ------
    ConvMatrixError
        If the matrix is not square, is singular or holds anything else.

    Examples
    --------
    >>> inverse([[2, 1], [1, 1]])
    [[Fraction(1, 1), Fraction(-1, 1)], [Fraction(-1, 1), Fraction(2, 1)]]
    """
    rows = _square(matrix)
    return _solved([[*row, *(int(r == c) for c in range(len(rows)))] for r, row in enumerate(rows)])


def _solved(rows: list[list[Any]]) -> list[list[Fraction]]:
    """The part right of the square one, after Jordan's elimination by Bareiss' rule, which needs no fractions."""
    size, last = len(rows), 1
    rest = [integers(row)[0] for row in rows]
    for k in range(size):
        pivot = next((i for i in range(k, size) if rest[i][k]), None)
        if pivot is None:
            raise ConvMatrixError(f"matrix must be regular, got one whose first {k + 1} columns have rank {k}")
        rest[k], rest[pivot] = rest[pivot], rest[k]
        row, lead = rest[k], rest[k][k]
        for i, line in enumerate(rest):
            factor = line[k]
            # Nothing changes where there is nothing to take away and the pivot is the last one, as of ones.
            if i != k and (factor or lead != last):
                rest[i] = [(lead * value - factor * over) // last for value, over in zip(line, row, strict=True)]
        last = lead
    return [[Fraction(value, last) for value in row[size:]] for row in rest]


def _square(matrix: Any) -> list[list[Any]]:
    rows = [rational_entries(list(row)) for row in matrix]
    widths = sorted({len(row) for row in rows})
    if widths not in ([], [len(rows)]):
        counts = f"{widths[0]} to {widths[-1]}" if len(widths) > 1 else str(widths[0])
        raise ConvMatrixError(f"matrix must be square, got {len(rows)} row{'s' * (len(rows) > 1)} of {counts} entries")
    return rows
