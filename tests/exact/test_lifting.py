"""Ranks and factors proved by lifting: against SymPy, against construction, and where a prime misleads."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import ZZ
from sympy.polys.matrices import DomainMatrix

from convmatrix.exact import lifting
from convmatrix.exact.lifting import integer_factors, integer_rank
from convmatrix.exact.modular import primes

FIRST = next(primes())


def low(rng: np.random.Generator, rows: int, columns: int, rank: int, largest: int = 3) -> np.ndarray:
    """A matrix of this rank, or less by accident where it is small."""
    left = rng.integers(-largest, largest + 1, (rows, rank))
    return left @ rng.integers(-3, 4, (rank, columns))


def expand(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sides of what `integer_factors` states, in Python integers."""
    pivots, numerators, denominators = integer_factors(matrix)
    whole = matrix.astype(object)
    assert all(denominator > 0 for denominator in denominators)
    return numerators @ whole[pivots], whole * denominators[:, None]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 9), st.integers(0, 2**16), st.sampled_from([1, 3, 10**6]))
def test_rank_and_factors_equal_sympys(rows: int, columns: int, inner: int, seed: int, largest: int) -> None:
    matrix = low(np.random.default_rng(seed), rows, columns, inner, largest)
    expected = DomainMatrix([[ZZ(v) for v in row] for row in matrix.tolist()], matrix.shape, ZZ).rank()
    assert integer_rank(matrix) == (expected, True)
    found, wanted = expand(matrix)
    assert np.array_equal(found, wanted)
    assert len(integer_factors(matrix)[0]) == expected


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, object])
def test_dtypes(dtype: Any) -> None:
    assert integer_rank(np.array([[1, 2, 3], [2, 4, 6]]).astype(dtype)) == (1, True)


LARGE = [(120, 120, 60, 3), (120, 120, 119, 3), (60, 300, 5, 3), (300, 60, 5, 3), (70, 80, 40, 10**9), (40, 50, 0, 3)]


@pytest.mark.parametrize("case", LARGE, ids="{0[0]}x{0[1]} of rank {0[2]} to {0[3]}".format)
def test_large_matrices(case: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    rows, columns, rank, largest = case
    matrix = low(rng, rows, columns, rank, largest)
    assert integer_rank(matrix) == (rank, True)
    assert integer_rank(matrix.astype(object)) == (rank, True)
    found, wanted = expand(matrix)
    assert np.array_equal(found, wanted)


def test_one_entry_decides(rng: np.random.Generator) -> None:
    matrix = low(rng, 60, 90, 20)
    matrix[-1, -1] += 1
    assert integer_rank(matrix) == (21, True)


EXTREMES: list[tuple[str, np.ndarray, int]] = [
    ("beyond int64", np.array([[10**30, 10**31], [10**31, 10**32]], dtype=object), 1),
    ("beyond int64 by 1", np.array([[10**30, 10**31], [10**31, 10**32 + 1]], dtype=object), 2),
    ("the least int64", np.full((3, 3), -(2**63)), 1),
    ("the least int64 and 1", np.array([[-(2**63), 1], [1, -(2**63)]]), 2),
    ("zeros", np.zeros((3, 5), dtype=np.int64), 0),
    ("no rows", np.zeros((0, 5), dtype=np.int64), 0),
    ("no columns", np.zeros((5, 0), dtype=np.int64), 0),
]


@pytest.mark.parametrize(("matrix", "rank"), [case[1:] for case in EXTREMES], ids=[case[0] for case in EXTREMES])
def test_extremes(matrix: np.ndarray, rank: int) -> None:
    assert integer_rank(matrix) == (rank, True)
    found, wanted = expand(matrix)
    assert np.array_equal(found, wanted)


MISLED = [
    ("all entries divisible", FIRST * np.eye(4, dtype=np.int64), 4),
    ("rank 1 modulo it", np.array([[1, 1], [1, 1 + FIRST]]), 2),
    ("rank 1 modulo its square", np.array([[1, 1, 1], [1, 1 + FIRST**2, 1], [1, 1, 1]]), 2),
    ("the square is zero", FIRST**2 * np.ones((2, 3), dtype=np.int64), 1),
]


@pytest.mark.parametrize(("matrix", "rank"), [case[1:] for case in MISLED], ids=[case[0] for case in MISLED])
def test_a_prime_that_misleads_is_found_out(matrix: np.ndarray, rank: int) -> None:
    assert integer_rank(matrix) == (rank, True)
    found, wanted = expand(matrix)
    assert np.array_equal(found, wanted)
    assert len(integer_factors(matrix)[0]) == rank


def test_tiny_primes_are_enough(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    # Hardly one of these primes leaves the rank as it is.
    monkeypatch.setattr(lifting, "primes", lambda: itertools.chain([2, 3, 5, 7, 11, 13], primes()))
    for _ in range(40):
        matrix = low(rng, 7, 9, int(rng.integers(0, 8)))
        expected = DomainMatrix([[ZZ(v) for v in row] for row in matrix.tolist()], matrix.shape, ZZ).rank()
        assert integer_rank(matrix) == (expected, True)
        found, wanted = expand(matrix)
        assert np.array_equal(found, wanted)


def test_without_the_work_a_deficient_rank_is_a_lower_bound() -> None:
    matrix = np.ones((30, 30), dtype=np.int64) + np.diag([1] * 20 + [0] * 10)
    assert integer_rank(matrix) == (21, True)
    assert integer_rank(matrix, work=1) == (21, False)
    assert integer_rank(np.eye(30, dtype=np.int64), work=1) == (30, True)


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 1), (1, 1), (-7, 3), (100, 7), (-1, 999)])
def test_fractions_are_read_off_residues(numerator: int, denominator: int) -> None:
    modulus = FIRST
    residue = numerator * pow(denominator, -1, modulus) % modulus
    assert lifting._common_fractions([residue], modulus) == ([numerator], denominator)


def test_what_is_no_small_fraction_is_not_read() -> None:
    values = [pow(3, 1000 + k, FIRST) for k in range(4)]
    assert lifting._common_fractions(values, FIRST) is None
