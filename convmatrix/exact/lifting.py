"""Ranks and rank factors of large integer matrices, proved by lifting one elimination modulo a prime.

Modulo a prime p the elimination finds r rows and r columns whose square matrix A is regular, which proves a rank of at
least r. That the other rows depend on those r is shown p-adically: the digits of `X = M[others, columns] A^-1` come
one by one, and each must leave a remainder of `M[others] - X M[rows]` that p divides in every column. After k digits
every minor of size r + 1 that borders A is a multiple of p^k; once p^k exceeds Hadamard's bound of such minors, they
are 0 and the rank is r. X itself is read off its digits by rational reconstruction; it satisfies the equation modulo
p^k, and where both sides are smaller than p^k it satisfies it exactly.

References
----------
Dixon (1982), Exact solution of linear equations using p-adic expansions.
von zur Gathen, Gerhard: Modern Computer Algebra, chapter 5 (rational reconstruction, Hadamard's bound).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix.exact.modular import PRIME_BITS, inverse_modulo, pivots_modulo, primes, product, residues

_FLOAT_BITS = 53
_INT_BITS = 62


def integer_rank(matrix: np.ndarray, work: float = math.inf) -> tuple[int, bool]:
    """The rank of a matrix of integers, and whether it is proved.

    Parameters
    ----------
    matrix : ndarray of shape (m, n), of an integer dtype or of Python integers
        Of any magnitude.
    work : float, default inf
        The most multiplications that the proof may take beyond one elimination, which alone proves a full rank.

    Returns
    -------
    rank : int
        Where it is not proved, a lower bound.
    proved : bool

    Examples
    --------
    >>> import numpy as np
    >>> integer_rank(np.array([[1, 2], [2, 4]])), integer_rank(np.array([[1, 2], [2, 5]]))
    ((1, True), (2, True))
    """
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    rows, columns = wide.shape
    rank = 0
    for prime in primes():
        lifting = Lifting(wide, prime)
        rank = max(rank, lifting.rank)
        if rank == rows:
            return rank, True
        if lifting.rank < rank:
            continue
        bits = _minor_bits(wide, rank + 1)
        each = (rows - rank) * max(rank, 1) * (rank + columns)
        if rank**3 + each * bits / PRIME_BITS > work:
            return rank, False
        while lifting.modulus.bit_length() - 1 <= bits and not lifting.is_complete:
            if lifting.step() is None:
                break
        else:
            return rank, True
    raise AssertionError("the primes do not end")


def integer_factors(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Independent rows, and every row by them: `numerators / denominators[:, None] @ matrix[pivots] == matrix`, proved.

    Parameters
    ----------
    matrix : ndarray of shape (m, n)
        Of int64 or of Python integers.

    Returns
    -------
    pivots : ndarray of shape (r,), of int64
        Independent rows, r the rank.
    numerators : ndarray of shape (m, r), of Python integers
    denominators : ndarray of shape (m,), of positive Python integers
        In the rows of the pivots the quotients are the identity.
    """
    for prime in primes():
        lifting = Lifting(matrix, prime)
        solved = lifting.solution()
        if solved is None:
            continue
        numerators = np.zeros((len(matrix), lifting.rank), dtype=object)
        denominators = np.ones(len(matrix), dtype=object)
        numerators[lifting.pivots, np.arange(lifting.rank)] = 1
        numerators[lifting.others], denominators[lifting.others] = solved
        return lifting.pivots, numerators, denominators
    raise AssertionError("the primes do not end")


class Lifting:
    """The rows of an integer matrix beyond the pivots, expressed by the pivots' rows modulo a growing power of a prime.

    Attributes
    ----------
    rank : int
        The rank modulo the prime.
    pivots, others : ndarray of int64
        The rows of the pivots and the rest.
    modulus : int
        The power of the prime reached.
    is_complete : bool
        Whether no remainder is left: the digits are the integers sought.
    """

    def __init__(self, matrix: np.ndarray, prime: int) -> None:
        self.pivots, self._columns = pivots_modulo(matrix, prime)
        self.rank = len(self.pivots)
        self.others = np.setdiff1d(np.arange(len(matrix)), self.pivots)
        self.modulus, self._prime = 1, prime
        self.is_complete = not self.others.size
        self._matrix = matrix
        self._rest: np.ndarray | None = None

    def step(self) -> np.ndarray | None:
        """The next digits; None if the prime does not divide what is left, as then the rank is larger."""
        if self._rest is None:
            self._start()
        assert self._rest is not None
        digit = product(residues(self._rest[:, self._columns], self._prime), self._inverse, self._prime)
        rest = self._rest - self._times_rows(digit)
        quotient = rest // self._prime
        if (quotient * self._prime != rest).any():
            return None
        self._rest = quotient
        self.modulus *= self._prime
        self.is_complete = not quotient.any()
        return digit

    def solution(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Numerators and a denominator a row of the other rows by the pivots'; None if the rank is larger."""
        digits: list[np.ndarray] = []
        wanted = 1
        while True:
            while len(digits) < wanted and not self.is_complete:
                digit = self.step()
                if digit is None:
                    return None
                digits.append(digit.astype(np.int32))
            solved = self._reconstructed(digits)
            if solved is not None:
                return solved
            wanted += max(1, wanted // 2)

    def _start(self) -> None:
        """The inverse modulo the prime, and the rows of the pivots in parts small enough for exact float products."""
        rows = self._matrix[self.pivots]
        self._inverse = inverse_modulo(residues(rows[:, self._columns], self._prime), self._prime)
        bits = _largest(self._matrix).bit_length()
        count = (self.rank + 2).bit_length()
        self._part_bits = _FLOAT_BITS - PRIME_BITS - count
        # A remainder is at most the largest entry times the rank plus one, times the prime before the division.
        fits = bits + count + PRIME_BITS < _INT_BITS
        self._dtype: Any = np.int64 if fits else object
        self._rest = self._matrix[self.others].astype(self._dtype)
        rows, self._parts = rows.astype(self._dtype), []
        for _ in range(bits // self._part_bits):
            self._parts.append((rows & (2**self._part_bits - 1)).astype(np.float64))
            rows = rows >> self._part_bits
        self._parts.append(rows.astype(np.float64))

    def _times_rows(self, digit: np.ndarray) -> np.ndarray:
        total = np.zeros((len(digit), self._matrix.shape[1]), dtype=self._dtype)
        for part in reversed(self._parts):
            total = total * 2**self._part_bits + (digit @ part).astype(np.int64)
        return total

    def _reconstructed(self, digits: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
        """The fractions of least size behind the digits, where they are proved to be the solution."""
        shape = (self.others.size, self.rank)
        numerators, denominators = np.zeros(shape, dtype=object), np.ones(shape[0], dtype=object)
        largest = _largest(self._matrix)
        for number in range(shape[0]):
            values = np.zeros(self.rank, dtype=object)
            for digit in reversed(digits):
                values = values * self._prime + digit[number].astype(object)
            if self.is_complete:
                numerators[number] = values
                continue
            row = _common_fractions(values.tolist(), self.modulus)
            if row is None or largest * (sum(map(abs, row[0])) + row[1]) >= self.modulus:
                return None
            numerators[number], denominators[number] = row
        return numerators, denominators


def _common_fractions(values: list[int], modulus: int) -> tuple[list[int], int] | None:
    """Numerators and one denominator that are the values modulo `modulus`; None if there are none of half its size."""
    limit = math.isqrt(modulus // 2)
    common = 1
    for value in values:
        common *= denominator(value * common, modulus, limit)
        if common > limit:
            return None
    half = modulus // 2
    return [(value * common + half) % modulus - half for value in values], common


def denominator(value: int, modulus: int, limit: int) -> int:
    """The denominator of the fraction with a numerator of at most `limit` that is the value modulo `modulus`."""
    last, rest, before, factor = modulus, value % modulus, 0, 1
    if modulus - rest <= limit:
        return 1
    while rest > limit:
        quotient = last // rest
        last, rest, before, factor = rest, last - quotient * rest, factor, before - quotient * factor
    return abs(factor)


def _largest(matrix: np.ndarray) -> int:
    """The largest magnitude, as a Python integer: that of the least int64 has no int64."""
    return max(abs(int(matrix.max(initial=0))), abs(int(matrix.min(initial=0)))) if matrix.size else 0


def _minor_bits(matrix: np.ndarray, size: int) -> float:
    """The logarithm of Hadamard's bound of the minors of a size, with a margin for its own rounding."""
    bounds = []
    for axis in (0, 1):
        logs = sorted((math.log2(square) / 2 for square in _squares(matrix, axis) if square > 0), reverse=True)
        bounds.append(sum(logs[:size]))
    return min(bounds) + 1


def _squares(matrix: np.ndarray, axis: int) -> list[Any]:
    """The squared length of every column or row."""
    if matrix.dtype == object:
        return list((matrix * matrix).sum(axis=axis))
    return (matrix.astype(np.float64) ** 2).sum(axis=axis).tolist()
