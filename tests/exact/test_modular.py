"""The exact rank against SymPy's and against construction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from convmatrix.exact import modular
from convmatrix.exact.modular import integer_rank, rank_modulo


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 9), st.integers(0, 2**16), st.sampled_from([1, 3, 10**6]))
def test_rank_equals_sympys(rows, columns, inner, seed, largest):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-largest, largest + 1, (rows, inner)) @ rng.integers(-3, 4, (inner, columns))
    assert integer_rank(matrix) == (sympy.Matrix(rows, columns, matrix.ravel().tolist()).rank(), True)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, object])
def test_dtypes(dtype):
    assert integer_rank(np.array([[1, 2, 3], [2, 4, 6]]).astype(dtype)) == (1, True)


@pytest.mark.parametrize("shape", [(130, 130), (200, 70), (70, 200), (65, 64)], ids="{0[0]}x{0[1]}".format)
def test_ranks_across_panels(shape):
    rng = np.random.default_rng(1)
    full = rng.integers(-3, 4, shape)
    assert rank_modulo(full, 8388593) == np.linalg.matrix_rank(full)
    low = rng.integers(-2, 3, (shape[0], 11)) @ rng.integers(-2, 3, (11, shape[1]))
    assert integer_rank(low) == (11, True)


def test_integers_beyond_int64():
    huge = np.array([[10**30, 10**31], [10**31, 10**32]], dtype=object)
    assert integer_rank(huge) == (1, True)
    huge[1, 1] += 1
    assert integer_rank(huge) == (2, True)


def test_a_prime_that_divides_everything_is_not_believed():
    first = next(modular._primes())
    assert rank_modulo(first * np.eye(4, dtype=np.int64), first) == 0
    assert integer_rank(first * np.eye(4, dtype=np.int64)) == (4, True)


def test_without_the_work_a_deficient_rank_is_a_lower_bound():
    matrix = np.ones((30, 30), dtype=np.int64) + np.diag([1] * 20 + [0] * 10)
    assert integer_rank(matrix) == (21, True)
    assert integer_rank(matrix, work=1) == (21, False)


def test_zero_matrix_has_rank_0():
    assert integer_rank(np.zeros((3, 5), dtype=np.int64)) == (0, True)


def test_primes_are_the_largest_below_2_to_the_23():
    found = list(itertools.islice(modular._primes(), 20))
    expected = [2**23]
    while len(expected) < 21:
        expected.append(sympy.prevprime(expected[-1]))
    assert found == expected[1:]
