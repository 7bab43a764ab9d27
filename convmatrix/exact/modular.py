"""The exact rank of an integer matrix, by elimination modulo primes.

The rank modulo a prime never exceeds the rank over the rationals. Of rank R, some R x R minor is not zero, and by
Hadamard's inequality at most the product of the largest row norms; primes whose product exceeds that cannot all divide
it, so the largest rank modulo enough primes is the rank itself. A full rank is proved by the first prime.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

_PANEL = 64
"""Columns eliminated before the rest is updated in one product: 64 products of residues still are exact in float64."""
_BITS = 23


def integer_rank(matrix: np.ndarray, work: float = math.inf) -> tuple[int, bool]:
    """The rank of a matrix of integers, and whether it is proved.

    Parameters
    ----------
    matrix : ndarray of shape (m, n), of an integer dtype or of Python integers
        Of any magnitude.
    work : float, default inf
        The most multiplications, `m * n * min(m, n)` a prime, that may be spent. Below the number needed the answer may
        be unproved.

    Returns
    -------
    rank : int
        Where it is not proved, a lower bound.
    proved : bool

    References
    ----------
    von zur Gathen, Gerhard: Modern Computer Algebra, chapter 5 (modular algorithms, Hadamard's bound).

    Examples
    --------
    >>> import numpy as np
    >>> integer_rank(np.array([[1, 2], [2, 4]])), integer_rank(np.array([[1, 2], [2, 5]]))
    ((1, True), (2, True))
    """
    rows, columns = matrix.shape
    full = min(rows, columns)
    bits = _minor_bits(matrix)
    spent, known, rank = 0.0, 0.0, 0
    for prime in _primes():
        rank = max(rank, rank_modulo(matrix, prime))
        known += math.log2(prime)
        spent += rows * columns * full
        if rank == full or known > bits:
            return rank, True
        if spent * max(bits / known, 1) > work:
            return rank, False
    raise AssertionError("the primes do not end")


def rank_modulo(matrix: np.ndarray, prime: int) -> int:
    """The rank modulo a prime below 2**23, a lower bound of the rank.

    Examples
    --------
    >>> import numpy as np
    >>> rank_modulo(np.array([[3, 0], [0, 1]]), 3)
    1
    """
    whole = matrix if matrix.dtype == object else matrix.astype(np.int64)
    rest = (whole % prime).astype(np.float64)
    if rest.shape[0] < rest.shape[1]:
        rest = np.ascontiguousarray(rest.T)
    rank = 0
    while rest.size:
        found, multipliers = _eliminate_panel(rest, min(_PANEL, rest.shape[1]), prime)
        rank += found
        upper, lower = rest[:found, _PANEL:], rest[found:, _PANEL:]
        for row in range(1, found):
            upper[row] = _reduced(upper[row] - multipliers[row, :row] @ upper[:row], prime)
        rest = _reduced(lower - multipliers[found:, :found] @ upper, prime)
    return rank


def _eliminate_panel(rest: np.ndarray, width: int, prime: int) -> tuple[int, np.ndarray]:
    """Eliminate the first columns by rows, swapping whole rows; the number of pivots, and each row's multipliers."""
    multipliers = np.zeros((rest.shape[0], width))
    found = 0
    for column in range(width):
        candidates = np.flatnonzero(rest[found:, column])
        if not candidates.size:
            continue
        pivot = found + int(candidates[0])
        if pivot != found:
            rest[[found, pivot]] = rest[[pivot, found]]
            multipliers[[found, pivot]] = multipliers[[pivot, found]]
        inverse = pow(int(rest[found, column]), -1, prime)
        below = found + 1 + np.flatnonzero(rest[found + 1 :, column])
        factors = _reduced(rest[below, column] * inverse, prime)
        multipliers[below, found] = factors
        change = np.outer(factors, rest[found, column:width])
        rest[below, column:width] = _reduced(rest[below, column:width] - change, prime)
        found += 1
    return found, multipliers


def _reduced(values: np.ndarray, prime: int) -> np.ndarray:
    """Integers in float64 brought to 0 .. prime - 1; several times faster than `%`."""
    values -= np.floor(values * (1 / prime)) * prime
    values[values < 0] += prime
    values[values >= prime] -= prime
    return values


def _minor_bits(matrix: np.ndarray) -> float:
    """The logarithm of the largest absolute value that a minor can have, with a margin for its own rounding."""
    size = min(matrix.shape)
    bounds = []
    for axis in (0, 1):
        squares = _squares(matrix, axis)
        logs = sorted((math.log2(square) / 2 for square in squares if square > 0), reverse=True)[:size]
        bounds.append(sum(logs))
    return min(bounds) + 1


def _squares(matrix: np.ndarray, axis: int) -> list[Any]:
    """The squared length of every column or row."""
    if matrix.dtype == object:
        return list((matrix * matrix).sum(axis=axis))
    return (matrix.astype(np.float64) ** 2).sum(axis=axis).tolist()


def _primes() -> Iterator[int]:
    """The primes below 2**23, the largest first."""
    for number in range(2**_BITS - 1, 2, -2):
        if (number % np.arange(3, math.isqrt(number) + 1, 2)).all():
            yield number
