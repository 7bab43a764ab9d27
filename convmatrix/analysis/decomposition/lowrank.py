"""Stacks of matrices as products of two thin ones: exactly, within a tolerance, or at a rank that was asked for."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix import exact

EXACT_WORK = 5e9
"""Multiplications of one elimination (`m * n * min(m, n)`, over the stack) up to which exact ranks are looked for."""
PROOF_WORK = 4e9
"""Those that the proof of a rank that is not full may take: a few seconds."""
UNPAID_WORK = 2e7
"""`m * n * rank` up to which factors are made that have no fewer entries than the matrix."""
_SMALL = 200
"""Sides up to which singular values are computed directly: there it takes no time."""
_GRAM = 1e-6
"""Singular values above this share of the largest are read reliably off the Gram matrix in float64."""


@dataclass(frozen=True)
class Rule:
    """What is asked: a relative tolerance, a rank, or neither (exactly, or up to rounding)."""

    tol: float | None = None
    rank: int | None = None


@dataclass(frozen=True, eq=False)
class LowRank:
    """`stack[b] = left[b] @ right[b]` over `rank` columns; the factors None where the rank is full or saves nothing.

    `holds` if equal, or within the tolerance; `tol` the tolerance used, None where the rank is proved.
    """

    rank: int
    full: int
    left: np.ndarray | None = None
    right: np.ndarray | None = None
    is_exact: bool = False
    holds: bool = False
    tol: float | None = None
    too_large: bool = False


def low_rank(stack: np.ndarray, rule: Rule) -> LowRank:
    """Factors of least rank of every matrix of `(b, m, n)`, zero-padded to the largest rank among them.

    Singular values count as 0 up to `tol` times the largest one of the whole stack, as those of a block diagonal matrix
    do; by default `max(m, n) * eps` of the entries' float type. A rank asked for below the least one gives the best
    approximation of that rank (Eckart and Young, The approximation of one matrix by another of lower rank, 1936).
    """
    if stack.dtype.kind not in "iO":
        return _numerical(stack, rule)
    count, rows, columns = stack.shape
    least = _proved_rank(stack) if stack.size * min(rows, columns) <= EXACT_WORK else None
    if least is None:
        found = _numerical(exact.as_numbers(stack, np.float64), rule)
        return dataclasses.replace(found, too_large=True)
    if (rule.tol is not None) if rule.rank is None else (rule.rank < least):
        found = _numerical(exact.as_numbers(stack, np.float64), rule)
        if found.rank < least:
            return found if rule.tol is not None else dataclasses.replace(found, holds=False)
    full = min(rows, columns)
    saves_nothing = least * (rows + columns) >= rows * columns and count * rows * columns * least > UNPAID_WORK
    if least == full or saves_nothing:
        return LowRank(least, full, is_exact=True, holds=True)
    left, right = _exact_factors(stack, max(least, 1))
    return LowRank(least, full, left, right, is_exact=True, holds=True)


def scaling(array: np.ndarray) -> int:
    """The power of two that brings the largest magnitude near 1."""
    largest = float(np.abs(array).max(initial=0))
    return math.frexp(largest)[1] if largest else 0


def shifted(array: np.ndarray, power: int) -> np.ndarray:
    """The array times `2**power`, which itself need not fit a float."""
    half = power // 2
    return array * 2.0**half * 2.0 ** (power - half)


def double(array: np.ndarray) -> np.ndarray:
    """Floats in double precision, in which everything here is computed."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def default_tol(sides: tuple[int, int], dtype: np.dtype[Any]) -> float:
    """`max(sides) * eps` of the float type, that of doubles for wider ones."""
    eps = float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0
    return max(sides) * max(eps, float(np.finfo(np.float64).eps))


def _proved_rank(stack: np.ndarray) -> int | None:
    """The largest rank of the stack, one that is full ending the search; None where the proof would take too long."""
    largest, full = 0, min(stack.shape[1:])
    for matrix in stack:
        found, proved = exact.integer_rank(_whole(matrix), PROOF_WORK / len(stack))
        if not proved:
            return None
        largest = max(largest, found)
        if largest == full:
            break
    return largest


def _whole(matrix: np.ndarray) -> np.ndarray:
    """A multiple of the matrix in integers."""
    if matrix.dtype != object:
        return matrix
    entries = matrix.ravel().tolist()
    common = math.lcm(*(entry.denominator for entry in entries))
    whole = np.empty(matrix.shape, dtype=object)
    whole.reshape(-1)[:] = [entry.numerator * (common // entry.denominator) for entry in entries]
    return whole


def _exact_factors(stack: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    count, rows, columns = stack.shape
    left = np.zeros((count, rows, rank), dtype=object)
    right = np.zeros((count, rank, columns), dtype=object)
    for number, matrix in enumerate(stack):
        thin, wide = exact.rank_factors(matrix)
        left[number, :, : thin.shape[1]], right[number, : thin.shape[1]] = thin, wide
    return _settled(left), _settled(right)


def _settled(array: np.ndarray) -> np.ndarray:
    """Objects as int64 where they are such integers, which needs no look at anything else."""
    entries = array.ravel().tolist()
    if all(type(entry) is int for entry in entries) and max(map(abs, entries), default=0) < 2**63:
        return np.array(entries, dtype=np.int64).reshape(array.shape)
    return array


def _numerical(stack: np.ndarray, rule: Rule) -> LowRank:
    sides = (stack.shape[1], stack.shape[2])
    full = min(sides)
    tol = default_tol(sides, stack.dtype) if rule.tol is None else rule.tol
    power = scaling(stack)
    scaled = shifted(double(stack), -power)
    values = _singular_values(scaled, tol)
    least = int((values > tol * values.max(initial=0)).sum(axis=1).max())
    rank = least if rule.rank is None else min(rule.rank, least)
    if rank == full:
        return LowRank(rank, full, holds=True, tol=tol)
    left, right = _truncated(scaled, max(rank, 1), values)
    kind = stack.dtype if stack.dtype.itemsize <= double(stack[:0]).dtype.itemsize else scaled.dtype
    left, right = shifted(left, power // 2).astype(kind), shifted(right, power - power // 2).astype(kind)
    return LowRank(rank, full, left, right, holds=least <= rank, tol=tol)


def _singular_values(stack: np.ndarray, tol: float) -> np.ndarray:
    """`(b, min(m, n))`, descending; small ones are exact only as far as `tol` needs."""
    if min(stack.shape[1:]) <= _SMALL:
        return np.linalg.svd(stack, compute_uv=False)
    values = np.sqrt(np.linalg.eigvalsh(_gram(stack))[:, ::-1].clip(0))
    if tol >= _GRAM or (values > _GRAM * values.max(initial=0)).all():
        return values
    return np.linalg.svd(stack, compute_uv=False)


def _truncated(stack: np.ndarray, rank: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The leading `rank` singular triples, the values shared equally between both sides."""
    if min(stack.shape[1:]) > _SMALL and values[:, rank - 1].min() > 10 * _GRAM * values.max():
        return _projected(stack, rank)
    left, sizes, right = np.linalg.svd(stack, full_matrices=False)
    root = np.sqrt(sizes[:, :rank])
    return left[:, :, :rank] * root[:, None, :], root[:, :, None] * right[:, :rank]


def _projected(stack: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The same from the eigenvectors of the smaller Gram matrix, many times faster: an orthogonal projection."""
    if stack.shape[1] > stack.shape[2]:
        right, left = _projected(stack.swapaxes(1, 2), rank)
        return left.swapaxes(1, 2), right.swapaxes(1, 2)
    squares, vectors = np.linalg.eigh(_gram(stack))
    basis = vectors[:, :, : -rank - 1 : -1]
    root = np.sqrt(np.sqrt(squares[:, : -rank - 1 : -1].clip(np.finfo(np.float64).tiny)))[:, None, :]
    return basis * root, (basis / root).conj().swapaxes(1, 2) @ stack


def _gram(stack: np.ndarray) -> np.ndarray:
    turned = stack.conj().swapaxes(1, 2)
    return stack @ turned if stack.shape[1] <= stack.shape[2] else turned @ stack
