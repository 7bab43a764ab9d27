"""Linear algebra modulo a prime in float64, by panels: ranks, pivots, inverses.

Residues are balanced, at most half the prime in size, so that a product of 256 of them at a time stays exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

PRIME_BITS = 23
_PANEL = 64
"""Columns eliminated before the rest is updated in one product."""
_INNER = 256
"""Products of two residues that a float64 adds up exactly: 2 (PRIME_BITS - 1) + 8 bits are at most 53."""
_LEAF = 32


def primes() -> Iterator[int]:
    """The primes below `2**PRIME_BITS`, the largest first."""
    for number in range(2**PRIME_BITS - 1, 2, -2):
        if (number % np.arange(3, math.isqrt(number) + 1, 2)).all():
            yield number


def residues(matrix: np.ndarray, prime: int) -> np.ndarray:
    """Integers of any size as balanced residues in float64."""
    whole = matrix if matrix.dtype == object else matrix.astype(np.int64, copy=False)
    return reduced((whole % prime).astype(np.float64), prime)


def reduced(values: np.ndarray, prime: int) -> np.ndarray:
    """Integers in float64, below 2**53, brought to balanced residues in place; several times faster than `%`."""
    values -= np.rint(values * (1 / prime)) * prime
    return values


def product(left: np.ndarray, right: np.ndarray, prime: int) -> np.ndarray:
    """The matrix product of balanced residues."""
    total = np.zeros((left.shape[0], right.shape[1]))
    for start in range(0, left.shape[1], _INNER):
        stop = start + _INNER
        total += reduced(left[:, start:stop] @ right[start:stop], prime)
    return reduced(total, prime)


def rank_modulo(matrix: np.ndarray, prime: int) -> int:
    """The rank modulo a prime below 2**23, a lower bound of the rank.

    Examples
    --------
    >>> import numpy as np
    >>> rank_modulo(np.array([[3, 0], [0, 1]]), 3)
    1
    """
    return len(pivots_modulo(matrix, prime)[0])


def pivots_modulo(matrix: np.ndarray, prime: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pivots, as many as the rank modulo the prime.

    The square matrix `matrix[rows][:, columns]` has leading minors none of which is 0 modulo the prime.
    """
    rest = residues(matrix, prime)
    if rest.shape[0] < rest.shape[1]:
        columns, rows = _pivots(np.ascontiguousarray(rest.T), prime)
        return rows, columns
    return _pivots(rest, prime)


def inverse_modulo(matrix: np.ndarray, prime: int) -> np.ndarray:
    """The inverse of a matrix of residues with leading minors that are not 0, by halves and Schur complements."""
    half = len(matrix) // 2
    if len(matrix) <= _LEAF:
        return _small_inverse(matrix, prime)
    upper, lower = matrix[:half], matrix[half:]
    top = inverse_modulo(upper[:, :half], prime)
    left = product(lower[:, :half], top, prime)
    right = product(top, upper[:, half:], prime)
    corner = inverse_modulo(reduced(lower[:, half:] - product(left, upper[:, half:], prime), prime), prime)
    across = product(right, corner, prime)
    return np.block(
        [[reduced(top + product(across, left, prime), prime), -across], [-product(corner, left, prime), corner]]
    )


def _small_inverse(matrix: np.ndarray, prime: int) -> np.ndarray:
    """Gauss and Jordan's elimination without exchanges."""
    size = len(matrix)
    rows = np.hstack([matrix, np.eye(size)])
    for k in range(size):
        lead = _balanced(pow(int(rows[k, k]), -1, prime), prime)
        rows[k] = reduced(rows[k] * lead, prime)
        factors = rows[:, k].copy()
        factors[k] = 0
        rows = reduced(rows - np.outer(factors, rows[k]), prime)
    return np.ascontiguousarray(rows[:, size:])


def _pivots(rest: np.ndarray, prime: int) -> tuple[np.ndarray, np.ndarray]:
    """Elimination of a tall matrix of residues, which is overwritten."""
    order, start = np.arange(rest.shape[0]), 0
    rows, columns = [order[:0]], [order[:0]]
    while rest.size:
        found, multipliers = _eliminate_panel(rest, order, min(_PANEL, rest.shape[1]), prime)
        count = len(found)
        rows.append(order[:count])
        columns.append(start + np.array(found, dtype=np.int64))
        upper, lower = rest[:count, _PANEL:], rest[count:, _PANEL:]
        for row in range(1, count):
            upper[row] = reduced(upper[row] - multipliers[row, :row] @ upper[:row], prime)
        rest = reduced(lower - multipliers[count:, :count] @ upper, prime)
        order, start = order[count:], start + _PANEL
    return np.concatenate(rows), np.concatenate(columns)


def _eliminate_panel(rest: np.ndarray, order: np.ndarray, width: int, prime: int) -> tuple[list[int], np.ndarray]:
    """Eliminate the first columns by rows, swapping whole rows; the pivots' columns, and each row's multipliers."""
    multipliers = np.zeros((rest.shape[0], width))
    columns: list[int] = []
    for column in range(width):
        found = len(columns)
        candidates = np.flatnonzero(rest[found:, column])
        if not candidates.size:
            continue
        pivot = found + int(candidates[0])
        if pivot != found:
            for array in (rest, multipliers, order):
                array[[found, pivot]] = array[[pivot, found]]
        lead = _balanced(pow(int(rest[found, column]), -1, prime), prime)
        below = found + 1 + np.flatnonzero(rest[found + 1 :, column])
        factors = reduced(rest[below, column] * lead, prime)
        multipliers[below, found] = factors
        change = np.outer(factors, rest[found, column:width])
        rest[below, column:width] = reduced(rest[below, column:width] - change, prime)
        columns.append(column)
    return columns, multipliers


def _balanced(value: int, prime: int) -> int:
    return value - prime if 2 * value > prime else value
