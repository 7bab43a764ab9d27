"""Many small matrices modulo a prime against one after the other, and roots of unity against their definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy

from convmatrix.exact.batched import powers, primes_with_roots, product, ranks_modulo
from convmatrix.exact.modular import pivots_modulo, reduced

LARGEST = 67108859


@pytest.mark.parametrize("prime", [3, 5, 101, 8388593])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (6, 3), (2, 7), (12, 12)], ids="{0[0]}x{0[1]}".format)
def test_ranks_equal_those_of_one_at_a_time(shape: tuple[int, int], prime: int, rng: np.random.Generator) -> None:
    inner = max(1, min(shape) - 1)
    left = rng.integers(-3, 4, (100, shape[0], inner)) * (rng.random((100, shape[0], inner)) < 0.6)
    matrices = left @ rng.integers(-3, 4, (100, inner, shape[1]))
    matrices[::3] += rng.integers(-3, 4, (34, *shape))
    found = ranks_modulo(reduced(matrices.astype(np.float64), prime), prime)
    assert found.tolist() == [len(pivots_modulo(matrix, prime)[0]) for matrix in matrices]


def test_the_largest_residues_stay_exact() -> None:
    half = LARGEST // 2
    # Of rank 1 modulo the prime: multiples of one row by the largest residues.
    rows = np.outer([half, -half, 1], [half, half - 1, -half, 2])
    residues = reduced((rows % LARGEST).astype(np.float64), LARGEST)
    assert ranks_modulo(np.stack([residues, -residues]), LARGEST).tolist() == [1, 1]
    left = np.full((2, 1000), half, dtype=np.float64)
    right = np.full((1000, 3), -half, dtype=np.float64)
    assert (product(left, right, LARGEST) % LARGEST == -1000 * half**2 % LARGEST).all()


@pytest.mark.parametrize("order", [1, 2, 3, 4, 12, 30, 49, 4032, 65536, 1000003])
def test_roots_have_their_order(order: int) -> None:
    found = list(itertools.islice(primes_with_roots(order), 3))
    assert found
    for prime, root in found:
        assert sympy.isprime(prime)
        assert (prime - 1) % order == 0
        assert prime < 2**26
        assert sympy.n_order(root, prime) == order
        if order < 10**5:
            table = powers(root, order, prime)
            assert (table % prime).tolist() == [pow(root, k, prime) for k in range(order)]


def test_the_primes_of_an_order_are_all_of_them() -> None:
    order = 2**16
    found = [prime for prime, _ in primes_with_roots(order)]
    assert found == [n for n in range(2**26 - 2**26 % order + 1, order, -order) if n < 2**26 and sympy.isprime(n)]


def test_no_matrices() -> None:
    assert ranks_modulo(np.zeros((0, 3, 3)), 101).size == 0
    assert ranks_modulo(np.zeros((4, 2, 3)), 101).tolist() == [0] * 4
