"""Exact ranks of the blocks of a circular layer of integers, frequency by frequency.

The entries of a block are sums of roots of unity of order N, the least common multiple of the input sizes. Where a
prime p leaves the remainder 1 modulo N, there is such a root modulo p too, and with it every block has an image modulo
p, whose rank is a lower bound. That is mostly full, which proves it.

The units u modulo N map the block of frequency q to that of `u q` (Galois): these have one rank, the largest that an
image of one of them has. It is exact once the product of the primes tried exceeds Hadamard's bound of the next larger
minors: such a minor `a` is 0 in all images, so every prime divides it, `a = P b`, and the product of its conjugates,
an integer, is divisible by `P**phi`; but it is smaller. So of one channel one prime settles which frequencies a kernel
kills.

Along one axis a minor is a polynomial in the root of unity of the frequency's order d. If it is not 0 everywhere, it is
0 there only if a multiple of the cyclotomic polynomial, of degree `phi(d)`. So all frequencies with `phi(d)` above the
degree have one rank, whatever the input size is, and few others are to be looked at.

References
----------
Washington: Introduction to Cyclotomic Fields, theorem 2.13 (primes of remainder 1 split completely).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convmatrix.exact.batched import powers, prime_factors, primes_with_roots, product, ranks_modulo
from convmatrix.exact.modular import residues
from convmatrix.exact.sparse import IntegerMatrix
from convmatrix.geometry import Geometry

MOST_PLACES = 1 << 22
"""Frequencies of two axes or more, or of a strided layer, that are looked at: some seconds."""
_AT_ONCE = 1 << 20
"""Entries of blocks made at a time."""


@dataclass(frozen=True, eq=False)
class BlockRanks:
    """The rank of the block of each frequency.

    Attributes
    ----------
    ranks : ndarray of int of shape `output_size`
        Proved to be at least this.
    exact : ndarray of bool, of that shape
        Whether it is proved to be no more.
    full : int
        The most that the shape of the blocks allows.
    """

    ranks: np.ndarray
    exact: np.ndarray
    full: int

    @property
    def lower(self) -> int:
        """Their sum, which the rank of the layer is at least."""
        return int(self.ranks.sum())

    @property
    def upper(self) -> int:
        """What the rank of the layer is at most."""
        return int(np.where(self.exact, self.ranks, self.full).sum())


def block_ranks(geometry: Geometry, weight: np.ndarray, work: float = math.inf) -> BlockRanks:
    """The ranks of all blocks of a circular layer of one group.

    Parameters
    ----------
    geometry : Geometry
        That `is_circular`, and `within_reach`.
    weight : ndarray of shape `(c_out, c_in, *kernel_size)`
        Integers.
    work : float, default inf
        The most multiplications; beyond, some ranks are bounds only.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv("1 2 1", 4, padding=1, padding_mode="circular")
    >>> block_ranks(layer.geometry, layer.weight).ranks
    array([1, 1, 0, 1])
    """
    if _is_along_one_axis(geometry):
        return _along_one_axis(geometry, weight, work)
    axes = geometry.axes
    strides, dilations = tuple(axis.stride for axis in axes), tuple(axis.dilation for axis in axes)
    images = _Images(geometry.input_size, strides, dilations, weight)
    labels, members = orbits(geometry.output_size)
    ranks, exact, _ = _orbit_ranks(images, members, work)
    shape = geometry.output_size
    return BlockRanks(ranks[labels].reshape(shape), exact[labels].reshape(shape), min(images.shape))


def within_reach(geometry: Geometry) -> bool:
    """Whether a circular layer is small enough for `block_ranks`, which of one axis without stride is any."""
    return _is_along_one_axis(geometry) or math.prod(geometry.output_size) <= MOST_PLACES


def _is_along_one_axis(geometry: Geometry) -> bool:
    return len(geometry.axes) == 1 and geometry.axes[0].stride == 1


def _along_one_axis(geometry: Geometry, weight: np.ndarray, work: float) -> BlockRanks:
    """By the orders of frequencies: each that a minor may vanish at, and one that stands for all others."""
    axis, full = geometry.axes[0], min(weight.shape[:2])
    # With a common divisor g of size and dilation the frequency q does what q modulo size/g does.
    period = axis.input_size // math.gcd(axis.input_size, axis.dilation)
    used = np.flatnonzero(weight.astype(bool).any(axis=(0, 1)))
    taps = weight[:, :, used[0] : used[-1] + 1] if used.size else weight[:, :, :1]
    degree = full * (taps.shape[2] - 1)
    spent = 0.0

    def at(order: int) -> tuple[int, bool]:
        nonlocal spent
        images = _Images((order,), (1,), (1,), taps)
        units = np.flatnonzero(np.gcd(np.arange(order), order) == 1)
        ranks, exact, own = _orbit_ranks(images, (units,), work - spent)
        spent += own
        return int(ranks[0]), bool(exact[0])

    divisors = _divisors(period)
    special = [order for order, units in divisors if units <= degree]
    rank, is_exact = at(_prime_above(degree + 1)) if len(special) < len(divisors) else (0, False)
    ranks, exact = np.full(axis.input_size, rank), np.full(axis.input_size, is_exact)
    for order in special:
        units = np.flatnonzero(np.gcd(np.arange(order), order) == 1) * (period // order)
        places = (units[:, None] + np.arange(0, axis.input_size, period)).reshape(-1)
        ranks[places], exact[places] = at(order)
    return BlockRanks(ranks, exact, full)


def _divisors(number: int) -> list[tuple[int, int]]:
    """The divisors, each with how many numbers below it have none in common with it."""
    found = [(1, 1)]
    for prime, count in prime_factors(number).items():
        found += [
            (own * prime**power, units * (prime - 1) * prime ** (power - 1))
            for own, units in found
            for power in range(1, count + 1)
        ]
    return found


def _prime_above(number: int) -> int:
    return next(own for own in itertools.count(number + 1) if prime_factors(own) == {own: 1})


def _orbit_ranks(images: _Images, members: tuple[np.ndarray, ...], work: float) -> tuple[np.ndarray, np.ndarray, float]:
    """The rank of each orbit, whether it is proved, and the multiplications that took."""
    full = min(images.shape)
    ranks, exact = np.zeros(len(members), dtype=np.int64), np.zeros(len(members), dtype=bool)
    bits, known, spent = images.bits(), 0.0, images.work * len(members)
    for prime, root in primes_with_roots(images.order):
        if spent > work:
            break
        if not known:
            ranks = images.ranks(np.array([own[0] for own in members]), prime, root)
            exact = ranks == full
        open_ones = np.flatnonzero(~exact)
        places = np.concatenate([np.zeros(0, dtype=np.int64), *(members[number] for number in open_ones.tolist())])
        spent += images.work * len(places)
        if spent > work:
            break
        owners = np.repeat(open_ones, [len(members[number]) for number in open_ones.tolist()])
        np.maximum.at(ranks, owners, images.ranks(places, prime, root))
        known += math.log2(prime)
        exact = (ranks == full) | (known > bits[np.minimum(ranks, full - 1)])
        if exact.all():
            break
    return ranks, exact, spent


@lru_cache(maxsize=2)
def orbits(sizes: tuple[int, ...]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Which flat frequencies on a grid belong together: a label for each, and those of each label.

    Examples
    --------
    >>> orbits((6,))[1]
    (array([0]), array([1, 5]), array([2, 4]), array([3]))
    """
    common, count = math.lcm(*sizes), math.prod(sizes)
    units = np.flatnonzero(np.gcd(np.arange(common), common) == 1) if common > 1 else np.ones(1, dtype=np.int64)
    labels = np.full(count, -1, dtype=np.int64)
    members: list[np.ndarray] = []
    for place in range(count):
        if labels[place] < 0:
            index = [own * units % n for own, n in zip(np.unravel_index(place, sizes), sizes, strict=True)]
            own = np.unique(np.ravel_multi_index(tuple(index), sizes)) if sizes else np.zeros(1, dtype=np.int64)
            own.flags.writeable = False
            labels[own] = len(members)
            members.append(own)
    labels.flags.writeable = False
    return labels, tuple(members)


class _Images:
    """The images of blocks modulo primes.

    Attributes
    ----------
    order : int
        Of the roots of unity.
    shape : tuple of int
        Of a block.
    work : float
        Multiplications for the rank of one.
    """

    def __init__(
        self, sizes: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...], weight: np.ndarray
    ) -> None:
        self._sizes, self._strides, self._dilations, self._weight = sizes, strides, dilations, weight
        self.order = math.lcm(*sizes)
        self._folds = math.prod(strides)
        self.shape = (weight.shape[0], weight.shape[1] * self._folds)
        self.work = float(math.prod(self.shape) * (min(self.shape) + math.prod(weight.shape[2:])))

    def bits(self) -> np.ndarray:
        """By rank r, the logarithm of a bound on the minors of size r + 1 of a block and of all its conjugates."""
        # The least int64 has no counterpart among them.
        sizes = np.abs(self._weight) if self._weight.dtype == object else np.abs(self._weight).astype(np.uint64)
        total = sizes.reshape(*self._weight.shape[:2], -1).astype(object).sum(axis=-1)
        rows, columns = IntegerMatrix.of(total).lengths()
        rows, columns = rows + math.log2(self._folds) / 2, np.repeat(columns, self._folds)
        bounds = [np.cumsum(np.sort(np.maximum(own, 0.0))[::-1])[: min(self.shape)] for own in (rows, columns)]
        return np.minimum(*bounds) * (1 + 1e-9) + 1

    def ranks(self, places: np.ndarray, prime: int, root: int) -> np.ndarray:
        """Of the images of the blocks of some flat frequencies."""
        found = np.zeros(len(places), dtype=np.int64)
        step = max(1, _AT_ONCE // max(math.prod(self.shape), self._folds * math.prod(self._weight.shape[2:])))
        table = powers(root, self.order, prime)
        outer, inner = self._weight.shape[:2]
        weight = residues(self._weight.reshape(outer * inner, -1), prime).T
        for start in range(0, len(places), step):
            own = places[start : start + step]
            waves = table[self._exponents(own)]
            blocks = product(waves, weight, prime).reshape(len(own), self._folds, outer, inner)
            matrices = blocks.transpose(0, 2, 1, 3).reshape(len(own), *self.shape)
            found[start : start + step] = ranks_modulo(matrices, prime)
        return found

    def _exponents(self, places: np.ndarray) -> np.ndarray:
        """Of the root, by frequency with its aliases and by tap."""
        folds = np.indices(self._strides).reshape(len(self._strides), self._folds)
        kernel_size = self._weight.shape[2:]
        taps = np.indices(kernel_size).reshape(len(kernel_size), math.prod(kernel_size))
        total = np.zeros((len(places) * self._folds, taps.shape[1]), dtype=np.int64)
        outputs = tuple(n // s for n, s in zip(self._sizes, self._strides, strict=True))
        index = np.unravel_index(places, outputs) if outputs else ()
        steps = zip(self._sizes, outputs, self._dilations, index, folds, taps, strict=True)
        for n, m, dilation, own, fold, tap in steps:
            frequencies = (own[:, None] + fold * m).reshape(-1, 1)
            total += frequencies * (tap * dilation % n) % n * (self.order // n)
        return total % self.order
