"""Elimination by fronts modulo a prime against dense elimination and against definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix.exact import fronts
from convmatrix.exact.fronts import eliminated, order_of
from convmatrix.exact.modular import pivots_modulo
from convmatrix.exact.sparse import IntegerMatrix

PRIME = 8388593


def sparse_low(rng: np.random.Generator, rows: int, columns: int, inner: int, share: float = 0.3) -> np.ndarray:
    """A product of sparse matrices, so that its rank is at most `inner`."""
    left = rng.integers(-3, 4, (rows, inner)) * (rng.random((rows, inner)) < share)
    return left @ (rng.integers(-3, 4, (inner, columns)) * (rng.random((inner, columns)) < share))


def check(matrix: np.ndarray, prime: int, rng: np.random.Generator) -> None:
    rows, columns = matrix.shape
    found = eliminated(IntegerMatrix.of(matrix), prime)
    assert found.rank == len(pivots_modulo(matrix, prime)[0])
    assert len(set(found.rows.tolist())) == found.rank == len(set(found.columns.tolist()))
    assert sorted([*found.free.tolist(), *found.columns.tolist()]) == list(range(columns))
    square = matrix[np.ix_(found.rows, found.columns)]
    assert len(pivots_modulo(square, prime)[0]) == found.rank
    vectors = found.null_vectors().astype(np.int64)
    assert not (matrix.astype(object) @ vectors % prime).any()
    assert np.array_equal(vectors[found.free], np.eye(len(found.free)))
    right = rng.integers(-(prime // 2), prime // 2 + 1, (rows, 2))
    unknowns = found.solve(right.astype(np.float64)).astype(np.int64)
    assert not unknowns[found.free].any()
    assert not ((matrix[found.rows].astype(object) @ unknowns - right[found.rows]) % prime).any()


@given(
    st.integers(1, 30), st.integers(1, 30), st.integers(0, 30), st.integers(0, 2**16), st.sampled_from([3, 7, PRIME])
)
def test_small_matrices(rows: int, columns: int, inner: int, seed: int, prime: int) -> None:
    rng = np.random.default_rng(seed)
    check(sparse_low(rng, rows, columns, inner), prime, rng)


SHAPES = [(150, 150, 150), (200, 90, 60), (90, 200, 80), (130, 130, 129), (300, 300, 40)]


@pytest.mark.parametrize("case", SHAPES, ids="{0[0]}x{0[1]} of rank at most {0[2]}".format)
def test_across_panels(case: tuple[int, int, int], rng: np.random.Generator) -> None:
    check(sparse_low(rng, *case, 0.05), PRIME, rng)
    check(sparse_low(rng, *case, 0.5), PRIME, rng)


@pytest.mark.parametrize("padding_mode", ["zeros", "circular", "reflect"])
def test_layers(padding_mode: str, rng: np.random.Generator) -> None:
    op = cm.conv(rng.integers(-2, 3, (2, 2, 3, 3)), (9, 11), padding=1, padding_mode=padding_mode)
    check(op.toarray(), PRIME, rng)


def test_in_several_threads(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fronts, "_PARALLEL", 0)
    check(sparse_low(rng, 600, 200, 190, 0.2), PRIME, rng)


def test_without_panels_there_are_rank_and_pivots_only(rng: np.random.Generator) -> None:
    matrix = IntegerMatrix.of(sparse_low(rng, 80, 80, 50))
    kept, bare = eliminated(matrix, PRIME), eliminated(matrix, PRIME, keep=False)
    assert bare.rank == kept.rank
    assert np.array_equal(bare.columns, kept.columns)
    assert bare.work == 0 < kept.work


def test_a_shuffled_band_is_found_again(rng: np.random.Generator) -> None:
    band = cm.conv(rng.integers(1, 4, (5, 5)), (40, 40), padding=2).tosparse()
    rows, columns = rng.permutation(1600), rng.permutation(1600)
    shuffled = IntegerMatrix.of(band[rows][:, columns])
    plain = order_of(IntegerMatrix.of(band))
    found = order_of(shuffled)
    assert found.front < 8 * plain.front < 1600
    assert eliminated(shuffled, PRIME, found).rank == eliminated(IntegerMatrix.of(band), PRIME, plain).rank


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 3)], ids=str)
def test_nothing(shape: tuple[int, int]) -> None:
    found = eliminated(IntegerMatrix.of(np.zeros(shape, dtype=np.int64)), PRIME)
    assert found.rank == 0
    assert np.array_equal(found.null_vectors(), np.eye(shape[1]))
