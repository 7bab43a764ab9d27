"""Null vectors of a sparse integer matrix, and its rank, proved.

An elimination modulo a prime p gives a lower bound r of the rank, and modulo p one null vector for each of the other
columns. These are lifted: digit by digit in powers of p, each solved for with the same elimination, they become the
vectors themselves, fractions read off their residues and then multiplied out exactly. As many as there are columns
beyond r prove that the rank is r.

Where fractions are long, lifting proves it sooner: all equations hold modulo `p**k` with right sides of the pivots'
columns, so `p**k` divides every minor of size r + 1 that borders the pivots'; once it exceeds Hadamard's bound of
these, they are 0 (as in `lifting`, here of sparse matrices). Where a digit does not exist, the rank is above r, and the
next prime is tried.

References
----------
Dixon (1982), Exact solution of linear equations using p-adic expansions.
von zur Gathen, Gerhard: Modern Computer Algebra, chapter 5 (rational reconstruction, Hadamard's bound).
"""

from __future__ import annotations

import math

import numpy as np

from convmatrix.exact.fronts import Eliminated
from convmatrix.exact.lifting import denominator
from convmatrix.exact.modular import PRIME_BITS, residues
from convmatrix.exact.sparse import IntegerMatrix

_SAMPLE = 16
"""Entries of a vector of which fractions are tried first."""


class NullLifting:
    """Null vectors modulo a growing power of a prime, and those found to be known exactly.

    Parameters
    ----------
    matrix : IntegerMatrix of shape `(m, n)`
    found : Eliminated
        Of it, with its panels.

    Attributes
    ----------
    vectors : dict of int to ndarray of shape `(n,)`
        By free column: those known, integers that the matrix is verified to send to 0.
    open : ndarray of int
        The free columns whose vectors are not known yet.
    bits : float
        The logarithm of the power reached.
    """

    def __init__(self, matrix: IntegerMatrix, found: Eliminated) -> None:
        self._matrix, self._found, self._prime = matrix, found, found.prime
        self.vectors: dict[int, np.ndarray] = {}
        self.open = found.free
        self._digits: list[np.ndarray] = []
        self._rest: np.ndarray | None = None

    @property
    def count(self) -> int:
        """Digits that are known."""
        return len(self._digits)

    @property
    def bits(self) -> float:
        """The logarithm to base 2 of the power of the prime that the equations hold modulo."""
        return self.count * math.log2(self._prime)

    @property
    def work(self) -> float:
        """Multiplications of one more digit."""
        return float((self._found.work + self._matrix.nnz) * self.open.size)

    @property
    def bound(self) -> float:
        """The logarithm of Hadamard's bound of the minors in question, with a margin for its own rounding."""
        found = self._found
        bounds = []
        for lengths, pivots in zip(self._matrix.lengths(), (found.rows, found.columns), strict=True):
            others = np.delete(lengths, pivots)
            bounds.append(float(lengths[pivots].sum()) + max(float(others.max(initial=0.0)), 0.0))
        return min(bounds) * (1 + 1e-9) + 1

    def step(self) -> bool:
        """One more digit; False if there is none, as then the rank is larger than modulo the prime."""
        if self._rest is None:
            digit = self._found.null_vectors()
            rest = self._matrix.times(digit.astype(np.int64))
        else:
            digit = self._found.solve(-residues(self._rest, self._prime))
            rest = self._rest + self._matrix.times(digit.astype(np.int64))
        quotient = rest // self._prime
        if (quotient * self._prime != rest).any():
            return False
        self._rest = quotient
        self._digits.append(digit.astype(np.int32))
        return True

    def settle(self) -> None:
        """Find the open vectors among their residues, as far as they can be verified."""
        assert self._rest is not None
        candidates = [self._candidate(number) for number in range(self.open.size)]
        numbers = [number for number, candidate in enumerate(candidates) if candidate is not None]
        if not numbers:
            return
        tried = np.stack([candidate for candidate in candidates if candidate is not None], axis=1)
        holds = self._matrix.kills(tried)
        for number, vector, is_null in zip(numbers, tried.T, holds.tolist(), strict=True):
            if is_null:
                self.vectors[int(self.open[number])] = vector
        kept = np.array([column not in self.vectors for column in self.open.tolist()], dtype=bool)
        self.open, self._rest = self.open[kept], self._rest[:, kept]
        self._digits = [digit[:, kept] for digit in self._digits]

    def _candidate(self, number: int) -> np.ndarray | None:
        """The vector of least numbers with these residues, made integers; None if there is none."""
        assert self._rest is not None
        digits = [digit[:, number] for digit in self._digits]
        modulus = self._prime ** len(digits)
        if not self._rest[:, number].any():
            # Nothing is left: the digits are the integers themselves.
            return _joined(digits, self._prime)
        filled = np.flatnonzero(digits[-1])
        sample = filled[:: max(1, filled.size // _SAMPLE)]
        if _common_fractions(_joined([digit[sample] for digit in digits], self._prime), modulus) is None:
            return None
        return _common_fractions(_joined(digits, self._prime), modulus)


def lift(lifting: NullLifting, work: float, prove_only: bool) -> bool | None:
    """Lift until all null vectors are known, or with `prove_only` until it is proved that they exist.

    Returns
    -------
    bool or None
        True if that was reached, False if it takes more than `work` multiplications, None if the rank is larger.
    """
    spent, wanted, bound = 0.0, 1, lifting.bound
    while lifting.open.size:
        spent += lifting.work
        if spent > work:
            return False
        if not lifting.step():
            return None
        if lifting.count >= wanted:
            lifting.settle()
            wanted += max(1, wanted // 2)
        if prove_only and lifting.bits > bound:
            return True
    return True


def expected_work(lifting: NullLifting) -> float:
    """Multiplications until Hadamard's bound is reached, if no vector is found before."""
    return lifting.work * lifting.bound / PRIME_BITS


def primitive_columns(vectors: np.ndarray) -> np.ndarray:
    """Integer columns without a common divisor, each one's first entry that is not 0 positive; int64 if they fit.

    Examples
    --------
    >>> primitive_columns(np.array([[0, -2], [4, 4]], dtype=object)).tolist()
    [[0, 1], [1, -2]]
    """
    divided = vectors.astype(object)
    for number, column in enumerate(vectors.T.tolist()):
        divisor = math.gcd(*column) or 1
        if next((value for value in column if value), 1) < 0:
            divisor = -divisor
        divided[:, number] = [value // divisor for value in column]
    largest = max(-int(divided.min(initial=0)), int(divided.max(initial=0)))
    return divided.astype(np.int64) if largest < 2**63 else divided


def _joined(digits: list[np.ndarray], prime: int) -> np.ndarray:
    """The numbers whose digits these are, the lowest first."""
    if len(digits) == 1:
        return digits[0].astype(np.int64)
    values = np.zeros(digits[0].shape, dtype=object)
    for digit in reversed(digits):
        values = values * prime + digit.astype(object)
    return values


def _common_fractions(values: np.ndarray, modulus: int) -> np.ndarray | None:
    """Numerators over one denominator that are the values modulo `modulus`; None if there are none of half its size."""
    limit = math.isqrt(modulus // 2)
    common, current = 1, _balanced(values, modulus)
    while (large := np.flatnonzero(abs(current) > limit)).size:
        common *= denominator(int(current[large[0]]), modulus, limit)
        if common > limit:
            return None
        current = _balanced(values * common, modulus)
    return current


def _balanced(values: np.ndarray, modulus: int) -> np.ndarray:
    half = modulus // 2
    return (values + half) % modulus - half
