"""Sparse matrices of integers of any size against dense ones of Python's own integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from convmatrix.exact.modular import primes
from convmatrix.exact.sparse import IntegerMatrix

FIRST = next(primes())
SIZES = [1, 10**6, 2**30 - 1, 2**31, 2**62, 2**63, 10**25, 10**400]


def drawn(rng: np.random.Generator, rows: int, columns: int, largest: int, share: float = 0.4) -> np.ndarray:
    """Python integers up to a size, with zeros."""
    numbers = np.empty((rows, columns), dtype=object)
    for place in np.ndindex(rows, columns):
        size = int(rng.integers(0, 2**62)) * largest // 2**62
        numbers[place] = 0 if rng.random() > share else int(rng.choice([-1, 1])) * (largest - size)
    return numbers


@pytest.mark.parametrize("largest", SIZES, ids=lambda size: f"to {float(size) if size < 10**300 else 1e300:.0e}")
def test_entries_products_and_residues(largest: int, rng: np.random.Generator) -> None:
    dense = drawn(rng, 7, 9, largest)
    matrix = IntegerMatrix.of(dense)
    assert np.array_equal(matrix.toarray(), dense)
    assert np.array_equal(matrix.T.toarray(), dense.T)
    assert matrix.nnz == np.count_nonzero(dense)
    for limit in SIZES:
        vectors = drawn(rng, 9, 3, limit)
        assert np.array_equal(matrix.times(vectors), dense @ vectors)
    small = matrix.times(np.ones((9, 1), dtype=np.int64))
    assert np.array_equal(small[:, 0], dense.sum(axis=1))
    found = np.zeros(dense.shape, dtype=object)
    found[np.repeat(np.arange(7), np.diff(matrix.indptr)), matrix.indices] = matrix.residues(FIRST).astype(np.int64)
    assert not ((found - dense) % FIRST).any()
    assert matrix.longest >= max(int(abs(row).sum()) for row in dense)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_dtypes_at_their_ends(dtype: Any) -> None:
    info = np.iinfo(dtype)
    dense = np.array([[info.max, 0], [info.min, 1]], dtype=dtype)
    assert np.array_equal(IntegerMatrix.of(dense).toarray().astype(object), dense.astype(object))
    assert np.array_equal(IntegerMatrix.of(csr_array(dense)).toarray().astype(object), dense.astype(object))


def test_stored_zeros_and_duplicates_are_gone() -> None:
    matrix = csr_array((np.array([1, 2, 0]), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    found = IntegerMatrix.of(matrix)
    assert found.nnz == 1
    assert found.toarray().tolist() == [[0, 3], [0, 0]]


@pytest.mark.parametrize("largest", SIZES, ids=lambda size: f"to {float(size) if size < 10**300 else 1e300:.0e}")
def test_lengths_are_bounds_and_near(largest: int, rng: np.random.Generator) -> None:
    dense = drawn(rng, 6, 8, largest)
    dense[0] = 0
    dense[1, 1] = 1
    for found, axis in zip(IntegerMatrix.of(dense).lengths(), (1, 0), strict=True):
        for bound, square in zip(found.tolist(), (dense * dense).sum(axis=axis).tolist(), strict=True):
            # The logarithm of the root, of integers beyond floats too.
            bits = square.bit_length()
            log = (np.log2(square / 2 ** max(bits - 60, 0)) + max(bits - 60, 0)) / 2 if square else -np.inf
            assert bound >= log - 1e-9
            assert not square or bound <= log + 1 + 1e-9


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.02, 0.5), st.integers(0, 2**16))
def test_components_make_up_the_matrix(rows: int, columns: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.integers(1, 9, (rows, columns)) * (rng.random((rows, columns)) < share)
    total = np.zeros_like(dense)
    seen_rows, seen_columns = [], []
    for block, own_rows, own_columns in IntegerMatrix.of(dense).components():
        total[np.ix_(own_rows, own_columns)] = block.toarray()
        seen_rows += own_rows.tolist()
        seen_columns += own_columns.tolist()
        if len(own_rows) < rows or len(own_columns) < columns:
            # Rows and columns of a block are all used, and no smaller block is closed.
            assert block.toarray().any(axis=0).all()
            assert block.toarray().any(axis=1).all()
    assert np.array_equal(total, dense)
    assert len(set(seen_rows)) == len(seen_rows)
    assert len(set(seen_columns)) == len(seen_columns)


def test_equal_matrices_have_one_key(rng: np.random.Generator) -> None:
    dense = drawn(rng, 5, 5, 10**20)
    other = dense.copy()
    assert IntegerMatrix.of(dense).key() == IntegerMatrix.of(other).key()
    other[tuple(np.argwhere(dense)[0])] += 1
    assert IntegerMatrix.of(dense).key() != IntegerMatrix.of(other).key()


def test_rows_and_columns_can_be_chosen(rng: np.random.Generator) -> None:
    dense = drawn(rng, 6, 7, 10**12)
    rows, columns = np.array([4, 0, 2]), np.array([6, 1])
    assert np.array_equal(IntegerMatrix.of(dense).chosen(rows, columns).toarray(), dense[np.ix_(rows, columns)])


def test_whether_columns_are_killed_is_exact() -> None:
    matrix = IntegerMatrix.of(np.array([[10**30, -1]], dtype=object))
    vectors = np.array([[1, 1, 0], [10**30, 10**30 + 1, 0]], dtype=object)
    assert matrix.kills(vectors).tolist() == [True, False, True]


def test_zeros_times_what_no_int64_holds() -> None:
    vectors = np.array([[10**30, -(2**63)], [1, 2**63]], dtype=object)
    for shape in ((3, 2), (0, 2)):
        product = IntegerMatrix.of(np.zeros(shape, dtype=np.int64)).times(vectors)
        assert product.shape == (shape[0], 2)
        assert not product.any()
