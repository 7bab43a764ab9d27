"""Many small matrices modulo a prime at once, and primes modulo which there are roots of unity.

Residues are balanced float64, of primes below `2**26`: one product of two and its sum with a third stay exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from convmatrix.exact.modular import reduced

_BITS = 26
_CHUNK = 1 << 20
"""Entries taken at a time: what the cache takes."""


def primes_with_roots(order: int) -> Iterator[tuple[int, int]]:
    """Primes below `2**26` modulo which there is a root of unity of an order, and that root; the largest first.

    These are the primes of the form `k * order + 1` (Dirichlet: there are such of any order).

    Examples
    --------
    >>> prime, root = next(primes_with_roots(8))
    >>> prime % 8, pow(root, 8, prime), pow(root, 4, prime) - prime
    (1, 1, -1)
    """
    factors = sorted(prime_factors(order))
    step = order if order % 2 == 0 else 2 * order
    for number in range((2**_BITS - 2) // step * step + 1, 2, -step):
        if (number % np.arange(3, math.isqrt(number) + 1, 2)).all():
            yield number, _root(order, factors, number)


def prime_factors(number: int) -> dict[int, int]:
    """The primes that divide a number from 1, and how often each does.

    Examples
    --------
    >>> prime_factors(360), prime_factors(1)
    ({2: 3, 3: 2, 5: 1}, {})
    """
    factors: dict[int, int] = {}
    divisor = 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            factors[divisor] = factors.get(divisor, 0) + 1
            number //= divisor
        divisor += 1
    if number > 1:
        factors[number] = 1
    return factors


def powers(root: int, order: int, prime: int) -> np.ndarray:
    """The powers `0, ..., order - 1` of a root, as balanced residues."""
    found = np.ones(1)
    while found.size < order:
        step = float(pow(root, found.size, prime))
        found = np.concatenate([found, reduced(found * reduced(np.array(step), prime), prime)])
    return found[:order]


def product(left: np.ndarray, right: np.ndarray, prime: int) -> np.ndarray:
    """The matrix product of balanced residues of a prime below `2**26`."""
    total = np.zeros((left.shape[0], right.shape[1]))
    # So many products of two residues that a float64 adds up exactly.
    inner = 1 << (54 - 2 * prime.bit_length())
    for start in range(0, left.shape[1], inner):
        total += reduced(left[:, start : start + inner] @ right[start : start + inner], prime)
        if start // inner % 64 == 63:
            reduced(total, prime)
    return reduced(total, prime)


def ranks_modulo(matrices: np.ndarray, prime: int) -> np.ndarray:
    """The rank of each of many matrices of balanced residues `(count, m, n)`, modulo the prime.

    Examples
    --------
    >>> ranks_modulo(np.array([[[1.0, 2], [2, 4]], [[1, 0], [0, 1]], [[0, 0], [0, 5]]]), 5)
    array([1, 2, 0])
    """
    ranks = np.empty(len(matrices), dtype=np.int64)
    if matrices.shape[1] < matrices.shape[2]:
        matrices = matrices.transpose(0, 2, 1)
    step = max(1, _CHUNK // max(1, matrices.shape[1] * matrices.shape[2]))
    for start in range(0, len(matrices), step):
        ranks[start : start + step] = _ranks(np.ascontiguousarray(matrices[start : start + step]).copy(), prime)
    return ranks


def _ranks(rest: np.ndarray, prime: int) -> np.ndarray:
    """Of tall matrices, which are overwritten."""
    every, ranks = np.arange(len(rest)), np.zeros(len(rest), dtype=np.int64)
    for _ in range(rest.shape[2]):
        column = rest[:, :, 0]
        pivot = (column != 0).argmax(axis=1)
        found = column[every, pivot] != 0
        ranks += found
        row = rest[every, pivot, 1:].copy()
        lead = _inverses(np.where(found, column[every, pivot], 1.0), prime)
        factors = reduced(column * np.where(found, lead, 0.0)[:, None], prime)
        if found.all():
            # The first row takes the pivot's place, and is left out.
            factors[every, pivot] = factors[:, 0]
            rest[every, pivot] = rest[:, 0]
            rest, factors = rest[:, 1:, 1:], factors[:, 1:]
        else:
            rest = rest[:, :, 1:]
        rest -= factors[:, :, None] * row[:, None, :]
        reduced(rest, prime)
    return ranks


def _inverses(values: np.ndarray, prime: int) -> np.ndarray:
    """By Fermat's theorem, all at once."""
    result, base, exponent = np.ones_like(values), values, prime - 2
    while exponent:
        if exponent & 1:
            result = reduced(result * base, prime)
        base = reduced(base * base, prime)
        exponent >>= 1
    return result


def _root(order: int, factors: list[int], prime: int) -> int:
    for base in range(2, prime):
        root = pow(base, (prime - 1) // order, prime)
        if all(pow(root, order // factor, prime) != 1 for factor in factors):
            return root
    return 1
