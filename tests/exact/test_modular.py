"""Linear algebra modulo primes against SymPy's and against definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy

from convmatrix.exact import modular
from convmatrix.exact.modular import inverse_modulo, pivots_modulo, primes, rank_modulo, reduced, residues

PRIME = 8388593


@pytest.mark.parametrize("shape", [(130, 130), (200, 70), (70, 200), (65, 64)], ids="{0[0]}x{0[1]}".format)
def test_ranks_across_panels(shape: tuple[int, int], rng: np.random.Generator) -> None:
    full = rng.integers(-3, 4, shape)
    assert rank_modulo(full, PRIME) == np.linalg.matrix_rank(full)
    low = rng.integers(-2, 3, (shape[0], 11)) @ rng.integers(-2, 3, (11, shape[1]))
    assert rank_modulo(low, PRIME) == 11


@pytest.mark.parametrize("shape", [(9, 9), (100, 130), (130, 100)], ids="{0[0]}x{0[1]}".format)
def test_pivots_make_leading_minors_that_are_not_zero(shape: tuple[int, int], rng: np.random.Generator) -> None:
    matrix = rng.integers(-2, 3, (shape[0], 7)) @ rng.integers(-2, 3, (7, shape[1]))
    # A column of zeros and a repeated one must be passed over.
    matrix[:, 0], matrix[:, 2] = 0, matrix[:, 1]
    rows, columns = pivots_modulo(matrix, PRIME)
    square = matrix[rows][:, columns]
    minors = [sympy.Matrix(square[:k, :k].tolist()).det() % PRIME for k in range(1, len(rows) + 1)]
    assert len(rows) == 7
    assert all(minors)


@pytest.mark.parametrize("size", [1, 2, 31, 33, 64, 150])
@pytest.mark.parametrize("prime", [101, PRIME])
def test_an_inverse_modulo_a_prime(size: int, prime: int, rng: np.random.Generator) -> None:
    # Triangular factors with ones make every leading minor 1.
    lower = np.tril(rng.integers(-50, 51, (size, size)), -1) + np.eye(size, dtype=np.int64)
    upper = np.triu(rng.integers(-50, 51, (size, size)), 1) + np.eye(size, dtype=np.int64)
    matrix = lower @ upper
    found = inverse_modulo(residues(matrix, prime), prime).astype(np.int64)
    assert np.array_equal((matrix.astype(object) @ found.astype(object)) % prime, np.eye(size, dtype=object))


@pytest.mark.parametrize("inner", [1, 256, 257, 900])
def test_products_of_the_largest_residues_are_exact(inner: int) -> None:
    left = np.full((2, inner), PRIME // 2, dtype=np.float64)
    right = np.full((inner, 3), -(PRIME // 2), dtype=np.float64)
    expected = -inner * (PRIME // 2) ** 2 % PRIME
    assert (modular.product(left, right, PRIME) % PRIME == expected).all()


def test_residues_are_balanced_and_zero_only_for_multiples(rng: np.random.Generator) -> None:
    values = np.concatenate([rng.integers(-(2**52), 2**52, 1000), PRIME * rng.integers(-(2**29), 2**29, 1000)])
    found = reduced(values.astype(np.float64), PRIME)
    assert (np.abs(found) <= PRIME // 2 + 1).all()
    assert np.array_equal(found.astype(np.int64) % PRIME, values % PRIME)
    assert not found[1000:].any()


def test_residues_of_huge_integers() -> None:
    huge = np.array([[10**40, -(10**40)]], dtype=object)
    assert (residues(huge, 101).astype(int) % 101).tolist() == [[10**40 % 101, -(10**40) % 101]]


def test_a_prime_divides_everything() -> None:
    assert rank_modulo(PRIME * np.eye(4, dtype=np.int64), PRIME) == 0


def test_primes_are_the_largest_below_2_to_the_23() -> None:
    found = list(itertools.islice(primes(), 20))
    expected = [2**23]
    while len(expected) < 21:
        expected.append(sympy.prevprime(expected[-1]))
    assert found == expected[1:]
