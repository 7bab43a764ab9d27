"""Ranks of sparse integer matrices between two numbers that are proved, which mostly are one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import structural_rank

from convmatrix.errors import ConvMatrixError
from convmatrix.exact.elimination import rank as dense_rank
from convmatrix.exact.fronts import Eliminated, Order, eliminated, order_of
from convmatrix.exact.lifting import integer_rank
from convmatrix.exact.modular import PRIME_BITS, primes
from convmatrix.exact.nulls import NullLifting, expected_work, lift, primitive_columns
from convmatrix.exact.sparse import IntegerMatrix

_SMALL = 24 * 24
"""Entries up to which a block is left to elimination in Python's own integers."""
_DENSE, _MOST_DENSE = 0.25, 1500 * 1500
"""Share of entries from which, and size up to which, a block is taken for dense."""
_FIRST_DIGITS, _TRIAL = 4, 2e8
"""Digits, and multiplications beyond one digit, tried though a proof may turn out too long: short vectors show soon."""
ELIMINATION, FULL, STRUCTURE, VECTORS, LIFTING = (
    "elimination",
    "full modulo a prime",
    "the places of the entries allow no more",
    "as many exact null vectors",
    "lifting by powers of a prime",
)


class RankBounds(NamedTuple):
    """A rank, proved to be at least `lower` and at most `upper`.

    Attributes
    ----------
    lower, upper : int
    proof : str
        What proves the two.
    """

    lower: int
    upper: int
    proof: str

    @property
    def is_exact(self) -> bool:
        """Whether they are one number."""
        return self.lower == self.upper


@dataclass
class _Block:
    """A part of the matrix that no entry joins to the rest, with at least as many rows as columns, `count` times."""

    matrix: IntegerMatrix
    count: int = 1
    lower: int = 0
    upper: int = 0
    proof: str = FULL
    found: Eliminated | None = field(default=None, repr=False)
    order: Order | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        return self.lower < self.upper


def sparse_rank(
    matrix: IntegerMatrix,
    work: float = math.inf,
    upper: int | None = None,
    proof_work: float | None = None,
) -> RankBounds:
    """The rank of a sparse integer matrix.

    Modulo a prime it is proved where it is full. Else it is exact where something proves that it is no larger: the
    places of the entries, a bound of the caller's, as many exact null vectors, or lifting beyond Hadamard's bound.

    Parameters
    ----------
    matrix : IntegerMatrix
        Of any shape.
    work : float, default inf
        The most multiplications for an elimination; without it the rank is not bounded from below.
    upper : int, optional
        A bound that is known otherwise.
    proof_work : float, optional
        The most multiplications for the proof of a rank that is not full, by default `work`; without it the rank stays
        between bounds.

    Examples
    --------
    >>> sparse_rank(IntegerMatrix.of(np.array([[1, 2], [2, 4]])))
    RankBounds(lower=1, upper=1, proof='elimination')
    >>> sparse_rank(IntegerMatrix.of(np.eye(50, dtype=int) - np.roll(np.eye(50, dtype=int), 1, axis=0)))
    RankBounds(lower=49, upper=49, proof='as many exact null vectors')
    """
    limit = work if proof_work is None else proof_work
    blocks = _blocks_of(matrix)
    for block in blocks:
        _bound_below(block, work, limit)
    for block in _open(blocks):
        _bound_by_places(block)
    most = min(matrix.shape) if upper is None else min(*matrix.shape, upper)
    if _total(blocks, "lower") < most:
        for block in _open(blocks):
            _prove(block, work, limit)
    lower = _total(blocks, "lower")
    most = min(_total(blocks, "upper"), most)
    return RankBounds(lower, most, _proof(blocks, lower, most))


def null_basis(matrix: IntegerMatrix, work: float = math.inf) -> tuple[np.ndarray, np.ndarray]:
    """All null vectors of a sparse integer matrix `(m, n)` as primitive integers, and the columns that they leave.

    Returns
    -------
    vectors : ndarray of shape `(n, d)`
        Of int64 or, where they are larger, of Python integers; `matrix.kills(vectors)` has been verified. Each is the
        only one that is not 0 at one column of its own.
    pivots : ndarray of shape `(n - d,)`
        Columns that are independent, in ascending order.

    Raises
    ------
    ConvMatrixError
        If that takes more than `work` multiplications.

    Examples
    --------
    >>> vectors, pivots = null_basis(IntegerMatrix.of(np.array([[1, 2, 0], [2, 4, 0]])))
    >>> vectors.T.tolist(), pivots.tolist()
    ([[2, -1, 0], [0, 0, 1]], [0])
    """
    size = matrix.shape[1]
    pivots: list[np.ndarray] = []
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    known: dict[object, tuple[np.ndarray, np.ndarray]] = {}
    for block, _, columns in matrix.components():
        key = block.key()
        if key not in known:
            known[key] = _null_basis_of_block(block, work)
        vectors, own = known[key]
        parts.append((columns, vectors))
        pivots.append(columns[own])
    empty = np.setdiff1d(np.arange(size), matrix.indices)
    parts.append((empty, np.eye(empty.size, dtype=np.int64)))
    total = np.zeros((size, sum(own.shape[1] for _, own in parts)), dtype=np.result_type(*(own for _, own in parts)))
    start = 0
    for columns, vectors in parts:
        total[columns, start : start + vectors.shape[1]] = vectors
        start += vectors.shape[1]
    none = np.zeros(0, dtype=np.int64)
    return total, np.sort(np.concatenate([none, *pivots]))


def _null_basis_of_block(block: IntegerMatrix, work: float) -> tuple[np.ndarray, np.ndarray]:
    order = order_of(block)
    _check_work(order.work, work)
    best = 0
    for prime in primes():
        found = eliminated(block, prime, order)
        if found.rank < best:
            continue
        best = found.rank
        lifting = NullLifting(block, found)
        done = lift(lifting, work, False)
        if done is None:
            continue
        _check_work(0 if done else math.inf, work)
        vectors = [lifting.vectors[column] for column in found.free.tolist()]
        stacked = np.stack(vectors, axis=1) if vectors else np.zeros((block.shape[1], 0), dtype=np.int64)
        return primitive_columns(stacked), np.sort(found.columns)
    raise AssertionError("the primes do not end")


def _check_work(needed: float, work: float) -> None:
    if needed > work:
        raise ConvMatrixError(f"the exact null vectors would take more than {work:.2g} multiplications")


def _blocks_of(matrix: IntegerMatrix) -> list[_Block]:
    """The blocks, equal ones once."""
    known: dict[object, _Block] = {}
    for own, _, _ in matrix.components():
        key = own.key()
        if key in known:
            known[key].count += 1
        else:
            tall = own if own.shape[0] >= own.shape[1] else own.T
            known[key] = _Block(tall, upper=min(own.shape))
    return list(known.values())


def _open(blocks: list[_Block]) -> list[_Block]:
    return [block for block in blocks if block.is_open]


def _total(blocks: list[_Block], end: str) -> int:
    return sum(block.count * int(getattr(block, end)) for block in blocks)


def _bound_below(block: _Block, work: float, proof_work: float) -> None:
    """By its rank modulo one prime, or its rank itself where it is small or dense."""
    rows, columns = block.matrix.shape
    if rows * columns <= _SMALL:
        block.lower = block.upper = dense_rank(block.matrix.toarray())
        block.proof = ELIMINATION
        return
    if block.matrix.nnz > _DENSE * rows * columns and rows * columns <= _MOST_DENSE:
        if rows * columns * columns <= work:
            block.lower, is_proved = integer_rank(block.matrix.toarray(), proof_work)
            block.upper = block.lower if is_proved else block.upper
            block.proof = FULL if block.lower == columns else LIFTING
        return
    block.order = order_of(block.matrix)
    if block.order.work <= work:
        _eliminate(block, next(primes()))


def _eliminate(block: _Block, prime: int) -> None:
    found = eliminated(block.matrix, prime, block.order)
    block.lower, block.found = max(block.lower, found.rank), None
    if block.lower == block.upper:
        block.proof = FULL if block.upper == block.matrix.shape[1] else STRUCTURE
    elif found.rank == block.lower:
        block.found = found


def _bound_by_places(block: _Block) -> None:
    """By the most entries of which no two share a row or column."""
    own = block.matrix
    pattern = csr_array((np.ones(own.nnz, dtype=np.int8), own.indices, own.indptr), shape=own.shape)
    block.upper = int(structural_rank(pattern))
    if not block.is_open:
        block.proof = STRUCTURE


def _prove(block: _Block, work: float, proof_work: float) -> None:
    """By null vectors or lifting; with other primes where the first one misled."""
    if block.order is None or block.order.work > work:
        return
    for prime in primes():
        if block.found is None:
            _eliminate(block, prime)
        if not block.is_open:
            return
        if block.found is None:
            continue
        lifting = NullLifting(block.matrix, block.found)
        done = lift(lifting, min(proof_work, _trial(lifting)), True)
        if done is False and _has_short_left_vectors(block, prime, work, proof_work):
            done, lifting.open = True, lifting.open[:0]
        if done is False and expected_work(lifting) <= proof_work:
            done = lift(lifting, proof_work, True)
        block.found = None
        if done is not None:
            if done:
                block.upper = block.lower
                block.proof = LIFTING if lifting.open.size else VECTORS
            return


def _trial(lifting: NullLifting) -> float:
    return max(lifting.work, min(_FIRST_DIGITS * lifting.work, _TRIAL))


def _has_short_left_vectors(block: _Block, prime: int, work: float, proof_work: float) -> bool:
    """Whether the rank is proved by null vectors of the transpose, which are short where rows are alike."""
    turned = block.matrix.T
    order = order_of(turned)
    if order.work > work:
        return False
    found = eliminated(turned, prime, order)
    lifting = NullLifting(turned, found)
    return found.rank == block.lower and bool(lift(lifting, min(proof_work, _trial(lifting)), True))


def _proof(blocks: list[_Block], lower: int, upper: int) -> str:
    if lower < upper:
        return f"between the rank modulo a prime below 2**{PRIME_BITS} and what is known otherwise"
    if _open(blocks):
        return "as large as its layers allow"
    names = dict.fromkeys(block.proof for block in blocks)
    return " and ".join(names) or "no entries"
