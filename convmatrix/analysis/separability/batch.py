"""Many kernels of one size at once."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.separability import numerical
from convmatrix.analysis.separability.answer import Separability

_BLOCK = 1 << 20
"""Entries brought to size 1 at a time, so that a batch needs little memory beside itself."""
_PRIME_BITS = 31


@dataclass(frozen=True, eq=False)
class SeparabilityBatch:
    """What `separate` found about an array of kernels.

    Attributes
    ----------
    kernels : ndarray of shape (*batch, kh, kw)
        Read-only.
    rank : ndarray of int of shape batch
    rank_kind : {"exact", "numerical"}
        Of all of them.
    tol : float or None
        Relative to each kernel's own largest singular value; None for exact ranks.

    Notes
    -----
    It is indexed as an array of shape batch is: an index for every axis of the batch gives the `Separability` of one
    kernel, with everything `separate` would say about it alone; anything less gives a smaller batch.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> batch = cm.separate(np.array([[[1, 2], [2, 4]], [[1, 0], [0, 1]]]), batch_axes=1)
    >>> batch.rank, batch.rank_kind
    (array([1, 2]), 'exact')
    >>> batch[1].certificate.value
    1
    """

    kernels: np.ndarray
    rank: np.ndarray
    rank_kind: str
    tol: float | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return self.kernels.shape[:-2]

    @property
    def size(self) -> int:
        """How many kernels there are."""
        return math.prod(self.shape)

    @property
    def is_separable(self) -> np.ndarray:
        """Of shape batch: whether the rank is at most 1."""
        return np.asarray(self.rank <= 1)

    @cached_property
    def singular_values(self) -> np.ndarray:
        """Float64 of shape `(*batch, min(kh, kw))`, descending; beyond an exact rank exactly 0."""
        values, exponents = _normalised_values(self.kernels)
        if self.rank_kind == "exact":
            values[np.arange(values.shape[-1]) >= self.rank[..., None]] = 0
        values = numerical.fitting(values, exponents[..., None])
        values.setflags(write=False)
        return values

    def error(self, r: int, norm: Any = "fro") -> np.ndarray:
        """Each kernel's distance from the nearest one of rank r at most, of shape batch; as `Separability.error`."""
        number, kind = numerical.check_rank(r, min(self.kernels.shape[-2:])), numerical.check_norm(norm)
        return numerical.tail_norm(self.singular_values, number, kind)

    def approximate(self, r: int) -> np.ndarray:
        """The nearest kernels of rank r at most, of the shape of `kernels`, as floats."""
        number = numerical.check_rank(r, min(self.kernels.shape[-2:]))
        kind = self.kernels.dtype if self.kernels.dtype.kind in "fc" else np.dtype(np.float64)
        flat = self.kernels.reshape(-1, *self.kernels.shape[-2:])
        best = np.empty(flat.shape, dtype=kind)
        for part, array, exponents in _blocks(self.kernels):
            left, values, right = np.linalg.svd(array, full_matrices=False)
            product = (left[..., :number] * values[..., None, :number]) @ right[..., :number, :]
            best[part] = numerical.restored(product, exponents[:, None, None], kind)
        return best.reshape(self.kernels.shape)

    def to_dict(self) -> dict[str, Any]:
        """The verdicts as plain JSON types."""
        return {
            "shape": list(self.shape),
            "kernel_size": list(self.kernels.shape[-2:]),
            "rank": self.rank.tolist(),
            "is_separable": self.is_separable.tolist(),
            "rank_kind": self.rank_kind,
            "tol": self.tol,
            "singular_values": self.singular_values.tolist(),
        }

    def __len__(self) -> int:
        return len(self.kernels)

    def __iter__(self) -> Iterator[Separability | SeparabilityBatch]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, index: Any) -> Separability | SeparabilityBatch:
        from convmatrix.analysis.separability.verdict import separate_array

        # By the places of whole kernels, so that an ellipsis stops where the batch does.
        places = np.arange(self.size).reshape(self.shape)[index]
        kernels = self.kernels.reshape(-1, *self.kernels.shape[-2:])[places]
        kernels.setflags(write=False)
        if kernels.ndim == 2:
            return separate_array(kernels, self.tol)
        return SeparabilityBatch(kernels, self.rank.reshape(-1)[places], self.rank_kind, self.tol)

    def __str__(self) -> str:
        sizes = "x".join(map(str, self.kernels.shape[-2:]))
        lines = [f"{self.size} {sizes} kernels, batch shape {self.shape}"]
        lines += [f"  {name:<18}{value}" for name, value in self._rows()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        sizes = "x".join(map(str, self.kernels.shape[-2:]))
        return f"SeparabilityBatch({self.size} {sizes} kernels, batch shape {self.shape}, {self.rank_kind})"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in self._rows())
        return f"<table><caption>{html.escape(repr(self))}</caption>{rows}</table>"

    def _rows(self) -> list[tuple[str, str]]:
        kind = "proved" if self.tol is None else f"numerical, tol {self.tol:.3g} of each largest singular value"
        found, counts = np.unique(self.rank, return_counts=True)
        rows = [("separable", f"{int(self.is_separable.sum())} of {self.size} ({kind})")]
        return rows + [
            (f"rank {rank}", str(count)) for rank, count in zip(found.tolist(), counts.tolist(), strict=True)
        ]


def separate_batch(kernels: np.ndarray, tol: float | None) -> SeparabilityBatch:
    """The ranks of kernels `(*batch, kh, kw)`: exact without a tolerance, numerical with one."""
    if tol is None:
        return SeparabilityBatch(kernels, _exact_ranks(kernels), "exact", None)
    values, exponents = _normalised_values(kernels)
    answer = SeparabilityBatch(kernels, numerical.count_above(values, tol), "numerical", tol)
    full = numerical.fitting(values, exponents[..., None])
    full.setflags(write=False)
    answer.__dict__["singular_values"] = full
    return answer


def _normalised_values(kernels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Singular values of the kernels at size 1, and the powers of 2 that were taken out."""
    count = math.prod(kernels.shape[:-2])
    values, powers = np.empty((count, min(kernels.shape[-2:]))), np.zeros(count, dtype=np.int64)
    for part, array, exponents in _blocks(kernels):
        values[part], powers[part] = np.linalg.svd(array, compute_uv=False), exponents
    return values.reshape(*kernels.shape[:-2], -1), powers.reshape(kernels.shape[:-2])


def _blocks(kernels: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Slices of the flat batch, their kernels in double precision at size 1, and the powers of 2 taken out."""
    flat = kernels.reshape(-1, *kernels.shape[-2:])
    step = max(_BLOCK // math.prod(flat.shape[1:]), 1)
    for start in range(0, len(flat), step):
        part = slice(start, min(start + step, len(flat)))
        yield part, *_normalised(flat[part])


def _normalised(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if block.dtype == object:
        pairs = [numerical.normalised(kernel) for kernel in block]
        return np.stack([array for array, _ in pairs]), np.array([exponent for _, exponent in pairs], dtype=np.int64)
    wide = block.astype(np.complex128 if block.dtype.kind == "c" else np.float64)
    sizes = np.maximum(np.abs(wide.real), np.abs(wide.imag)) if wide.dtype.kind == "c" else np.abs(wide)
    _, exponents = np.frexp(sizes.max(axis=(1, 2)))
    if not np.abs(exponents).max(initial=0) > 100:
        # Far from under- and overflow nothing needs scaling, and the ranks are the same.
        return wide, np.zeros(len(block), dtype=np.int64)
    return numerical.times_power(wide, -exponents[:, None, None].astype(np.int64)), exponents.astype(np.int64)


def _exact_ranks(kernels: np.ndarray) -> np.ndarray:
    """The rank of every kernel of integers or fractions, proved."""
    flat = kernels.reshape(-1, *kernels.shape[-2:])
    if flat.dtype == object:
        ranks = np.array([exact.rank(kernel) for kernel in flat], dtype=np.int64)
    else:
        ranks = np.zeros(len(flat), dtype=np.int64)
        step = max(_BLOCK // math.prod(flat.shape[1:]), 1)
        for start in range(0, len(flat), step):
            ranks[start : start + step] = _integer_ranks(flat[start : start + step])
    return ranks.reshape(kernels.shape[:-2])


def _integer_ranks(kernels: np.ndarray) -> np.ndarray:
    """By elimination modulo primes, all kernels at once.

    A rank modulo a prime is a lower bound, and the largest of those modulo primes whose product exceeds every minor
    (Hadamard: the product of its rows' lengths) is the rank.
    """
    size = min(kernels.shape[1:])
    longest = float((kernels.astype(np.float64) ** 2).sum(axis=2).max(initial=0))
    bits = size * max(math.log2(longest) / 2, 0) + 1 if longest else 0.0
    ranks = np.zeros(len(kernels), dtype=np.int64)
    known = 0.0
    for prime in _primes():
        open_ones = np.flatnonzero(ranks < size)
        if known > bits or not open_ones.size:
            return ranks
        ranks[open_ones] = np.maximum(ranks[open_ones], _ranks_modulo(kernels[open_ones] % prime, prime))
        known += math.log2(prime)
    raise AssertionError("the primes do not end")


def _ranks_modulo(rest: np.ndarray, prime: int) -> np.ndarray:
    """The rank of every matrix modulo a prime below 2**31, whose products of residues fit an int64."""
    if rest.shape[1] < rest.shape[2]:
        rest = rest.transpose(0, 2, 1)
    rest, every = rest.copy(), np.arange(len(rest))
    ranks = np.zeros(len(rest), dtype=np.int64)
    places = np.arange(rest.shape[1])
    for column in range(rest.shape[2]):
        usable = (rest[:, :, column] != 0) & (places >= ranks[:, None])
        pivot = usable.argmax(axis=1)
        found = usable[every, pivot]
        row = rest[every, pivot]
        target = np.minimum(ranks, rest.shape[1] - 1)
        kept = np.where(found[:, None], rest[every, target], row)
        rest[every, pivot] = kept
        rest[every, target] = np.where(found[:, None], row, rest[every, target])
        ranks += found
        below = (places >= ranks[:, None]) & found[:, None]
        factors = np.where(below, rest[:, :, column], 0)
        lead = np.where(found, row[:, column], 1)
        rest = (rest * lead[:, None, None] % prime - factors[:, :, None] * row[:, None, :] % prime) % prime
    return ranks


def _primes() -> Iterator[int]:
    """The primes below 2**31, the largest first."""
    for number in range(2**_PRIME_BITS - 1, 2, -2):
        if (number % np.arange(3, math.isqrt(number) + 1, 2)).all():
            yield number
