"""Orthogonal projections onto what a few linear conditions see, exactly for exact conditions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError

MOST_EXACT = 160
"""Independent exact conditions at most: the inverse of their Gram matrix takes some ten seconds then."""


class Space(Protocol):
    """A subspace that is taken away from a vector to make it meet conditions."""

    def part(self, values: np.ndarray) -> np.ndarray:
        """What has to be taken from each column of `values`, `(n, m)`."""
        ...


@dataclass(frozen=True, eq=False)
class Rows:
    """The span of some rows: `part` is `counts^-1` times the projection in the norm of `1/counts`.

    For entries that each stand for `counts` equal taps, `values` their sums: what each tap gives up.
    """

    basis: np.ndarray
    gram: np.ndarray | None
    below: int

    def part(self, values: np.ndarray) -> np.ndarray:
        """What has to be taken from each column of `values`."""
        seen = self.basis @ values
        if self.gram is None:
            return np.conj(self.basis).T @ seen
        return divided(self.basis.T @ (self.gram @ seen), self.below)


@dataclass(frozen=True, eq=False)
class Everything:
    """The whole space."""

    def part(self, values: np.ndarray) -> np.ndarray:
        """All of it."""
        return values


@dataclass(frozen=True, eq=False)
class Differences:
    """Conditions that all entries be equal, each the sum of `counts` taps: the closed form.

    Every tap of entry `f` gives up `(g_f - mean)/N_f` with `mean = sum(g_f/N_f) / sum(1/N_f)`, and the mean is 0 where
    some entry has no tap at all.
    """

    counts: tuple[int, ...]

    def part(self, values: np.ndarray) -> np.ndarray:
        """What every tap gives up."""
        if 0 in self.counts:
            ones = np.array([max(count, 1) for count in self.counts], dtype=object)
            return _over(values, ones, 1)
        # Whole numbers in the proportion 1/N keep exact values integers until the last step.
        common = math.lcm(*self.counts)
        shares = np.array([common // count for count in self.counts], dtype=object)
        total = int(shares.sum())
        if values.dtype != object:
            weights = (shares / total).astype(np.float64)
            return _over(values - weights @ values, np.array(self.counts, dtype=object), 1)
        return _over(values * total - shares @ values, np.array(self.counts, dtype=object), total)


def rows_space(conditions: np.ndarray, counts: np.ndarray, cutoff: float, is_real: bool) -> Space:
    """The span of the rows of `conditions`, `(q, n)`.

    Parameters
    ----------
    conditions : ndarray of shape (q, n)
        Exact objects, or floats of which 1 is the natural size.
    counts : ndarray of int, shape (n,)
        For how many taps each entry stands; an entry of none has no say.
    cutoff : float
        Floats: singular values up to that, relative to 1 and to the largest, are rounding.
    is_real : bool
        Whether only real vectors are to be considered.
    """
    if conditions.dtype == object:
        return _exact_space(conditions, counts)
    if is_real and conditions.dtype.kind == "c":
        conditions = np.concatenate([conditions.real, conditions.imag])
    roots = np.sqrt(counts.astype(np.float64))
    _, values, right = np.linalg.svd(conditions * roots, full_matrices=False)
    largest = max(float(values.max(initial=0)), float(roots.max(initial=1)))
    kept = right[values > cutoff * max(conditions.shape) * largest]
    with np.errstate(divide="ignore"):
        inverse = np.where(roots > 0, 1 / roots, 0)
    return Rows(kept * inverse, None, 1)


def _exact_space(conditions: np.ndarray, counts: np.ndarray) -> Space:
    conditions = np.where(counts > 0, conditions, 0)
    _, basis = exact.rank_factors(conditions)
    if len(basis) == conditions.shape[1] and (counts == 1).all():
        return Everything()
    check_exact_rank(len(basis))
    basis = np.array([exact.primitive(row)[1] for row in basis], dtype=object).reshape(basis.shape)
    gram, below = _integers(exact.inverse((basis * counts.astype(object)) @ basis.T))
    return Rows(basis, gram, below)


def check_exact_rank(rank: int) -> None:
    """Refuse what exact elimination would not finish."""
    if rank > MOST_EXACT:
        raise ConvMatrixError(
            f"op must give at most {MOST_EXACT} independent conditions on an exact weight, got {rank}: "
            "take its weights as floats"
        )


def solved(matrix: np.ndarray, right: np.ndarray, cutoff: float) -> np.ndarray:
    """The shortest `x` with `matrix @ x` nearest to `right`, both with columns; exact for exact arrays."""
    if matrix.dtype != object:
        return np.linalg.lstsq(matrix, right, rcond=cutoff * max(matrix.shape))[0]
    left, basis = exact.rank_factors(matrix)
    if not len(basis):
        return np.zeros((matrix.shape[1], right.shape[1]), dtype=object)
    check_exact_rank(len(basis))
    inner, below = _integers(exact.inverse(left.T @ left))
    outer, under = _integers(exact.inverse(basis @ basis.T))
    return divided(basis.T @ (outer @ (inner @ (left.T @ right))), below * under)


def annihilator(matrix: np.ndarray, cutoff: float) -> np.ndarray:
    """Rows that span what is orthogonal to every column of `matrix`, `(q, n)`: `rows @ matrix == 0`."""
    if matrix.dtype != object:
        left, values, _ = np.linalg.svd(matrix)
        rank = int((values > cutoff * max(matrix.shape) * max(1.0, float(values.max(initial=0)))).sum())
        return np.conj(left[:, rank:]).T
    left, _ = exact.rank_factors(matrix)
    unit = np.eye(len(matrix), dtype=int).astype(object)
    if not left.shape[1]:
        return unit
    check_exact_rank(left.shape[1])
    inner, below = _integers(exact.inverse(left.T @ left))
    return unit * below - left @ inner @ left.T


def whole_rows(values: np.ndarray) -> np.ndarray:
    """Each row of an exact matrix without denominators and common divisors, as int64 where these hold it."""
    rows = np.array([exact.primitive(row)[1] for row in values], dtype=object).reshape(values.shape)
    fits = max(-rows.min(initial=0), rows.max(initial=0)) < 2**63
    return rows.astype(np.int64) if fits else rows


def divided(values: np.ndarray, below: int) -> np.ndarray:
    """Exact values over an integer."""
    return _over(values, np.full(len(values), below, dtype=object), 1)


def _over(values: np.ndarray, rows: np.ndarray, below: int) -> np.ndarray:
    """Each row of `values` over its own integer and `below`."""
    if values.dtype != object:
        return values / (rows * below).astype(np.float64).reshape(-1, *[1] * (values.ndim - 1))
    result = np.empty(values.shape, dtype=object)
    for row, (line, under) in enumerate(zip(values, rows.tolist(), strict=True)):
        result[row] = np.array([_quotient(value, under * below) for value in line.flat], dtype=object).reshape(
            line.shape
        )
    return result


def _quotient(value: Any, below: int) -> Any:
    return value / below if exact.is_sympy(value) else Fraction(value) / below


def _integers(rows: list[list[Fraction]]) -> tuple[np.ndarray, int]:
    """A rational matrix as integers over a common denominator."""
    common = math.lcm(*(value.denominator for row in rows for value in row))
    whole = [[value.numerator * (common // value.denominator) for value in row] for row in rows]
    return np.array(whole, dtype=object).reshape(len(rows), -1), common
