"""Ranks and null vectors of sparse integer matrices: against FLINT, SymPy, construction, and where primes mislead."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import ZZ
from sympy.polys.matrices import DomainMatrix
from test_fronts import sparse_low

import convmatrix as cm
from convmatrix.errors import ConvMatrixError
from convmatrix.exact import bounded, lifting
from convmatrix.exact.bounded import RankBounds, null_basis, sparse_rank
from convmatrix.exact.modular import primes
from convmatrix.exact.nulls import primitive_columns
from convmatrix.exact.sparse import IntegerMatrix

FIRST = next(primes())


def sympys_rank(matrix: np.ndarray) -> int:
    return int(DomainMatrix([[ZZ(int(v)) for v in row] for row in matrix.tolist()], matrix.shape, ZZ).rank())


def flints_rank(matrix: np.ndarray) -> int:
    flint = pytest.importorskip("flint")
    return int(flint.fmpz_mat([[int(v) for v in row] for row in matrix.tolist()]).rank()) if matrix.size else 0


def misleading() -> Iterator[int]:
    """Primes modulo which hardly a rank is what it is, and then the good ones."""
    return itertools.chain([2, 3, 5, 7, 11, 13], primes())


def with_small_primes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "primes", misleading)
    monkeypatch.setattr(lifting, "primes", misleading)


def check_null_basis(matrix: np.ndarray, rank: int) -> None:
    vectors, pivots = null_basis(IntegerMatrix.of(matrix))
    columns = matrix.shape[1]
    assert vectors.shape == (columns, columns - rank)
    assert not (matrix.astype(object) @ vectors.astype(object)).any()
    assert sympys_rank(vectors) == columns - rank if vectors.size else rank == columns
    assert len(pivots) == rank
    assert sympys_rank(matrix[:, pivots]) == rank if rank else True
    for vector in vectors.T.tolist():
        assert np.gcd.reduce(np.array(vector, dtype=object)) == 1
        assert next(value for value in vector if value) > 0
    # Each is alone at a column of its own, none of which is a pivot.
    alone = np.flatnonzero((vectors != 0).sum(axis=1) == 1)
    assert len(set(alone.tolist()) - set(pivots.tolist())) >= columns - rank


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 12), st.integers(0, 2**16), st.booleans())
def test_small_matrices_against_sympy(rows: int, columns: int, inner: int, seed: int, huge: bool) -> None:
    matrix = sparse_low(np.random.default_rng(seed), rows, columns, inner)
    if huge:
        matrix = matrix.astype(object) * 10**30 + np.eye(rows, columns, dtype=np.int64) * (seed % 3)
    expected = sympys_rank(matrix)
    found = sparse_rank(IntegerMatrix.of(matrix))
    assert (found.lower, found.upper, found.is_exact) == (expected, expected, True)
    check_null_basis(matrix, expected)


@pytest.mark.parametrize("small_primes", [False, True], ids=["primes", "misleading primes"])
@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_matrices_against_flint(seed: int, small_primes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if small_primes:
        with_small_primes(monkeypatch)
    rng = np.random.default_rng(seed)
    for number in range(60):
        rows, columns = rng.integers(20, 80, 2)
        share = float(rng.choice([0.03, 0.1, 0.3]))
        matrix = sparse_low(rng, rows, columns, int(rng.integers(1, max(rows, columns) + 20)), share)
        if number % 5 == 0:
            matrix = matrix * 2**40
        expected = flints_rank(matrix)
        found = sparse_rank(IntegerMatrix.of(matrix))
        assert found[:2] == (expected, expected), found
        for work in (1.0, 1e5):
            for bounds in (
                sparse_rank(IntegerMatrix.of(matrix), work),
                sparse_rank(IntegerMatrix.of(matrix), proof_work=work),
            ):
                assert bounds.lower <= expected <= bounds.upper <= min(rows, columns)


def band(size: int, *values: int) -> np.ndarray:
    return cm.conv(list(values), size, padding=len(values) // 2).toarray()


# Sizes beyond what is left to elimination in Python's integers, and shares of entries below what counts as dense.
TRAPS: list[tuple[str, Any, int]] = [
    ("entries divisible", FIRST * np.eye(40, dtype=np.int64) + FIRST * np.eye(40, k=1, dtype=np.int64), 40),
    ("one row divisible", np.diag([1] * 39 + [FIRST]) + np.eye(40, k=1, dtype=np.int64), 40),
    ("its square", np.diag([1] * 39 + [FIRST**2]) + np.eye(40, k=-1, dtype=np.int64), 40),
]
_cyclic = np.eye(40, dtype=np.int64) - np.roll(np.eye(40, dtype=np.int64), 1, axis=1)
_almost = _cyclic.copy()
_almost[0, 0] += FIRST
TRAPS += [("singular", _cyclic, 39), ("singular modulo the prime only", _almost, 40)]


@pytest.mark.parametrize(("matrix", "rank"), [case[1:] for case in TRAPS], ids=[case[0] for case in TRAPS])
def test_a_prime_that_misleads_is_never_believed(matrix: np.ndarray, rank: int) -> None:
    assert sympys_rank(matrix) == rank
    found = sparse_rank(IntegerMatrix.of(matrix))
    assert found[:2] == (rank, rank)
    without = sparse_rank(IntegerMatrix.of(matrix), proof_work=0)
    assert without.lower <= rank <= without.upper
    if rank < 40:
        assert not without.is_exact
        assert "between" in without.proof


def test_the_traps_do_mislead() -> None:
    misled = [name for name, matrix, rank in TRAPS if len(lifting.pivots_modulo(matrix, FIRST)[0]) < rank]
    assert misled == ["entries divisible", "one row divisible", "its square", "singular modulo the prime only"]


PROOFS = {
    "full": (band(60, 1, 3, 1), bounded.FULL),
    "null vectors": (_cyclic, bounded.VECTORS),
    "small": (np.ones((4, 5), dtype=np.int64), bounded.ELIMINATION),
    "dense": (np.arange(900).reshape(30, 30), bounded.LIFTING),
    "dense and full": (np.tri(30, dtype=np.int64), bounded.FULL),
    "blocks": (np.kron(np.eye(2, dtype=np.int64), _cyclic), bounded.VECTORS),
}


@pytest.mark.parametrize(("matrix", "proof"), PROOFS.values(), ids=PROOFS)
def test_what_proves_it_is_said(matrix: np.ndarray, proof: str) -> None:
    rank = sympys_rank(matrix)
    assert sparse_rank(IntegerMatrix.of(matrix)) == RankBounds(rank, rank, proof)


def test_rows_without_enough_places(rng: np.random.Generator) -> None:
    """Forty rows in three columns, and one row more: no more than four entries are apart."""
    matrix = np.zeros((41, 40), dtype=np.int64)
    matrix[:40, :3] = rng.integers(1, 9, (40, 3))
    matrix[40] = rng.integers(1, 9, 40)
    found = sparse_rank(IntegerMatrix.of(matrix), proof_work=0)
    assert found == RankBounds(4, 4, bounded.STRUCTURE)


def test_long_fractions_are_proved_by_lifting(rng: np.random.Generator) -> None:
    matrix = sparse_low(rng, 100, 100, 80, 0.03)
    expected = flints_rank(matrix)
    found = sparse_rank(IntegerMatrix.of(matrix))
    assert found[:2] == (expected, expected)
    check_null_basis(matrix, expected)


def test_short_vectors_of_the_transpose_prove_it_too(rng: np.random.Generator) -> None:
    """Equal rows: no null vector is short, but every left one is."""
    rows = sparse_low(rng, 90, 100, 100, 0.02)
    matrix = rows[np.concatenate([np.arange(90), np.arange(10)])]
    found = sparse_rank(IntegerMatrix.of(matrix), proof_work=3e7)
    assert found[:2] == (flints_rank(matrix),) * 2


def test_a_bound_known_otherwise_settles_it(rng: np.random.Generator) -> None:
    matrix = sparse_low(rng, 120, 120, 60, 0.05)
    rank = flints_rank(matrix)
    open_bounds = sparse_rank(IntegerMatrix.of(matrix), proof_work=0)
    assert open_bounds.lower == rank < open_bounds.upper
    found = sparse_rank(IntegerMatrix.of(matrix), upper=rank, proof_work=0)
    assert found == RankBounds(rank, rank, "as large as its layers allow")


def test_equal_blocks_are_solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, original = [], bounded.eliminated

    def counted(matrix: IntegerMatrix, *others: Any) -> Any:
        seen.append(matrix.shape)
        return original(matrix, *others)

    monkeypatch.setattr(bounded, "eliminated", counted)
    matrix = np.kron(np.eye(5, dtype=np.int64), band(40, 1, 3, 1))
    assert sparse_rank(IntegerMatrix.of(matrix)) == RankBounds(200, 200, bounded.FULL)
    assert seen == [(40, 40)]


def test_small_primes_give_the_same_null_vectors(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    matrix = sparse_low(rng, 30, 40, 20)
    with_small_primes(monkeypatch)
    check_null_basis(matrix, sympys_rank(matrix))


def test_null_vectors_beyond_the_work_are_refused(rng: np.random.Generator) -> None:
    matrix = IntegerMatrix.of(sparse_low(rng, 60, 70, 50))
    with pytest.raises(ConvMatrixError, match=r"the exact null vectors would take more than 1e\+03 multiplications"):
        null_basis(matrix, 1e3)


def test_columns_become_primitive() -> None:
    huge = np.array([[2 * 10**30, 0], [-4 * 10**30, 0]], dtype=object)
    found = primitive_columns(huge)
    assert found.dtype == np.int64
    assert found.tolist() == [[1, 0], [-2, 0]]
    assert primitive_columns(np.array([[3], [10**40]], dtype=object)).dtype == object


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (4, 5)], ids=str)
def test_nothing_has_rank_0(shape: tuple[int, int]) -> None:
    matrix = IntegerMatrix.of(np.zeros(shape, dtype=np.int64))
    assert sparse_rank(matrix)[:2] == (0, 0)
    vectors, pivots = null_basis(matrix)
    assert np.array_equal(vectors, np.eye(shape[1]))
    assert not pivots.size
