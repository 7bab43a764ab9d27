"""Rank and condition of an explicit matrix, where they are affordable; said so where they are not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.analysis.inspection.entries import Entries
from convmatrix.exact.bounded import sparse_rank
from convmatrix.exact.sparse import IntegerMatrix

DENSE_ENTRIES = 1500 * 1500
"""Entries of the dense matrix up to which singular values are computed: about a second."""
ELIMINATION_WORK = 4e10
"""Multiplications that the proof of a deficient rank may cost: some three seconds, rank 400 of 800 x 1000."""


@dataclass(frozen=True)
class Conditioning:
    """Rank and condition as `Inspection` reports them, with notes on what is missing."""

    rank: int | None = None
    rank_kind: str = "not computed"
    rank_tol: float | None = None
    condition: float | None = None
    notes: tuple[str, ...] = ()


def conditioning(entries: Entries, is_permutation: bool, max_bytes: float | None = None) -> Conditioning:
    """The rank, exact for integers and fractions, and the condition, from a dense decomposition.

    Parameters
    ----------
    entries : Entries
        The matrix.
    is_permutation : bool
        Whether that has been verified: then nothing needs to be computed.
    max_bytes : float, optional
        The most the dense matrix may take.
    """
    rows, columns = entries.matrix.shape
    if is_permutation:
        return Conditioning(rows, "exact", None, 1.0)
    if entries.values is not None and any(value.free_symbols for value in entries.values):
        return Conditioning(
            notes=("Rank and condition were not computed, because entries are symbols: insert numbers.",)
        )
    if rows * columns > DENSE_ENTRIES or (max_bytes is not None and 8 * rows * columns > max_bytes):
        limit = f"{DENSE_ENTRIES:,} entries (1500 x 1500)" if rows * columns > DENSE_ENTRIES else "max_bytes"
        advice = "rank_profile(op) proves ranks of larger ones, svds(op, k) gives the largest singular values"
        return Conditioning(
            notes=(f"Rank and condition were not computed, because the dense matrix exceeds {limit}: {advice}.",)
        )
    integers = _integers(entries)
    if integers is None:
        return _numerical(_dense_numbers(entries))
    bounds = sparse_rank(integers, proof_work=ELIMINATION_WORK)
    rank, proved, full = bounds.lower, bounds.is_exact, bounds.lower == min(rows, columns)
    if proved and not full:
        return Conditioning(rank, "exact", None, math.inf)
    numerical = _numerical(_dense_numbers(entries), full)
    if proved:
        return Conditioning(rank, "exact", None, numerical.condition)
    note = f"The rank is numerical, because the exact one would take too long; it is proved to be at least {rank}."
    within = min(max(numerical.rank or 0, rank), bounds.upper)
    return Conditioning(within, "numerical", numerical.rank_tol, numerical.condition, (note,))


def _numerical(dense: np.ndarray, is_full: bool = False) -> Conditioning:
    """From the singular values; `is_full`: the rank is known to be full, however small the smallest of them."""
    # The weights were rounded to their own type, so that type's eps counts; the decomposition itself is in double.
    eps = float(np.finfo(np.float64).eps)
    if dense.dtype.kind in "fc":
        eps = max(eps, float(np.finfo(dense.dtype).eps))
    tol = max(dense.shape) * eps
    # Scaled so that neither huge nor tiny entries leave the range of floats.
    scale = max(float(np.abs(part).max(initial=0)) for part in (dense.real, dense.imag)) or 1.0
    double = np.complex128 if dense.dtype.kind == "c" else np.float64
    values = np.linalg.svd(dense.astype(double) / scale, compute_uv=False)
    rank = int(np.count_nonzero(values > tol * values[0])) if values[0] > 0 else 0
    is_full = is_full or rank == values.size
    condition = float(values[0] / values[-1]) if is_full and values[-1] > 0 else math.inf
    return Conditioning(rank, "numerical", tol, condition)


def _integers(entries: Entries) -> IntegerMatrix | None:
    """An integer matrix of the same rank, or None for floats and irrational numbers."""
    if entries.values is None:
        return IntegerMatrix.of(entries.matrix) if entries.matrix.dtype.kind in "iu" else None
    fractions = entries.fractions()
    if fractions is None:
        return None
    common = math.lcm(*(fraction.denominator for fraction in fractions))
    integers = np.array([int(fraction * common) for fraction in fractions], dtype=object)
    labels = entries.matrix.tocoo()
    return IntegerMatrix.of_entries(labels.row, labels.col, integers[labels.data], entries.matrix.shape)


def _dense_numbers(entries: Entries) -> np.ndarray:
    """The dense matrix in numbers that a decomposition takes; exact ones as shares of the largest, which fit."""
    if entries.values is None:
        return entries.matrix.toarray()
    # The labels of 0 and 1 are there whether or not the matrix holds them.
    used = set(entries.matrix.data.tolist())
    fractions = entries.fractions()
    if fractions is not None:
        largest = max((abs(fractions[label]) for label in used), default=Fraction(0)) or Fraction(1)
        # What is not a float's reach below the largest is nothing beside it.
        shares = [float(fraction / largest) if label in used else 0.0 for label, fraction in enumerate(fractions)]
        return _looked_up(entries, shares, None)
    scale = max(abs(entries.values[label]).evalf() for label in used)
    numbers = [complex((value / scale).evalf()) if label in used else 0j for label, value in enumerate(entries.values)]
    is_real = all(number.imag == 0 for number in numbers)
    return _looked_up(entries, [number.real for number in numbers] if is_real else numbers, None)


def _looked_up(entries: Entries, table: list[Any], dtype: Any) -> np.ndarray:
    return np.array(table, dtype=dtype)[entries.matrix.toarray()]
