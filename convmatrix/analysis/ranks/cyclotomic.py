"""Exact ranks of the blocks of a circular layer of integers, frequency by frequency.

The entries of a block are sums of roots of unity of order N, the least common multiple of the input sizes. Where a
prime p leaves the remainder 1 modulo N, there is such a root modulo p too, and with it every block has an image modulo
p, whose rank is a lower bound. That is mostly full, which proves it.

The units u modulo N map the block of frequency q to that of `u q` (Galois): these have one rank, the largest that an
image of one of them has. It is exact once the product of the primes tried exceeds Hadamard's bound of the next larger
minors: such a minor `a` is 0 in all images, so every prime divides it, `a = P b`, and the product of its conjugates,
an integer, is divisible by `P**phi`; but it is smaller. So of one channel one prime settles which frequencies a kernel
kills.

References
----------
Washington: Introduction to Cyclotomic Fields, theorem 2.13 (primes of remainder 1 split completely).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convmatrix.exact.batched import powers, primes_with_roots, product, ranks_modulo
from convmatrix.exact.modular import residues
from convmatrix.exact.sparse import IntegerMatrix
from convmatrix.geometry import Geometry

MOST_PLACES = 1 << 22
"""Frequencies that are looked at: some seconds."""
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
        That `is_circular`, with at most `MOST_PLACES` outputs a channel.
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
    images = _Images(geometry, weight)
    labels, members = orbits(geometry.output_size)
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
    return BlockRanks(ranks[labels].reshape(geometry.output_size), exact[labels].reshape(geometry.output_size), full)


@lru_cache(maxsize=16)
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
            labels[own] = len(members)
            members.append(own)
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

    def __init__(self, geometry: Geometry, weight: np.ndarray) -> None:
        self._axes, self._weight = geometry.axes, weight
        self._sizes = geometry.output_size
        self.order = math.lcm(*geometry.input_size)
        self._folds = math.prod(axis.stride for axis in geometry.axes)
        self.shape = (weight.shape[0], weight.shape[1] * self._folds)
        self.work = float(math.prod(self.shape) * (min(self.shape) + math.prod(weight.shape[2:])))

    def bits(self) -> np.ndarray:
        """By rank r, the logarithm of a bound on the minors of size r + 1 of a block and of all its conjugates."""
        sizes = np.abs(self._weight).astype(object) if self._weight.dtype == object else np.abs(self._weight)
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
        folds = np.indices([axis.stride for axis in self._axes]).reshape(len(self._axes), self._folds)
        kernel_size = self._weight.shape[2:]
        taps = np.indices(kernel_size).reshape(len(kernel_size), math.prod(kernel_size))
        total = np.zeros((len(places) * self._folds, taps.shape[1]), dtype=np.int64)
        index = np.unravel_index(places, self._sizes) if self._sizes else ()
        for axis, own, fold, tap in zip(self._axes, index, folds, taps, strict=True):
            n = axis.input_size
            frequencies = (own[:, None] + fold * axis.output_size).reshape(-1, 1)
            total += frequencies * (tap * axis.dilation % n) % n * (self.order // n)
        return total % self.order
