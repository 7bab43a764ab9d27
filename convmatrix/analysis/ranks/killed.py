"""The frequencies that a circular layer sends to 0, with the channel vectors at each, and the waves they stand for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from convmatrix.analysis.ranks.cyclotomic import block_ranks, within_reach
from convmatrix.analysis.ranks.integers import whole
from convmatrix.analysis.ranks.splitting import groups_apart
from convmatrix.analysis.ranks.tolerance import default_tol
from convmatrix.analysis.spectrum.circular import block_values
from convmatrix.analysis.spectrum.frequencies import CHUNK_BYTES, Frequencies
from convmatrix.memory import check_size
from convmatrix.operators.convolution import Convolution

_INDEPENDENT = 0.1
"""Singular value of tensors of length 1 below which they are dependent: of a whole space all are 1 or 0."""
Frequency = tuple[Fraction, ...]


class KilledFrequency(NamedTuple):
    """A frequency at which a layer has null vectors.

    Attributes
    ----------
    frequency : tuple of Fraction
        Cycles a position, from 0 to below 1, one an axis.
    multiplicity : int
        How many there are: all of the frequency is killed where this is the number of channels times the aliases.
    aliases : tuple of tuple of Fraction
        The frequencies that a strided layer sends to one, this one first; without stride this one alone.
    vectors : ndarray of shape `(multiplicity, len(aliases), channels)`
        Orthonormal. Each stands for the tensor `sum over a of vectors[a] exp(2 pi i aliases[a] . position)`.
    """

    frequency: Frequency
    multiplicity: int
    aliases: tuple[Frequency, ...]
    vectors: np.ndarray


@dataclass(frozen=True, eq=False)
class Killed:
    """What a circular layer, or its transpose, kills.

    Attributes
    ----------
    layer : Convolution
        In float64 or complex128.
    transposed : bool
        Whether it is the transpose whose null vectors are meant.
    ranks : ndarray of int of shape `(outputs, groups)`
        Of the blocks of all frequencies and groups.
    """

    layer: Convolution
    transposed: bool
    ranks: np.ndarray = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensors that the null vectors are."""
        return self.layer.out_shape if self.transposed else self.layer.in_shape

    @cached_property
    def _frequencies(self) -> Frequencies:
        return Frequencies.of(self.layer.geometry, self.layer.weight)

    @cached_property
    def _width(self) -> int:
        """Columns, or of the transpose rows, of each block."""
        return self._frequencies.block_shape[1 if self.transposed else 2]

    @cached_property
    def multiplicities(self) -> np.ndarray:
        """How many null vectors each frequency has, `(outputs,)`."""
        counts: np.ndarray = (self._width - self.ranks).sum(axis=1)
        return counts

    @property
    def dimension(self) -> int:
        """How many there are altogether."""
        return int(self.multiplicities.sum())

    @cached_property
    def frequencies(self) -> tuple[KilledFrequency, ...]:
        """Each frequency with null vectors, in ascending order."""
        folds = 1 if self.transposed else math.prod(self._frequencies.strides)
        check_size(
            f"the null vectors of {self.dimension} waves",
            16 * self.dimension * folds * self.shape[0],
            way_round="the dimension and the multiplicities are known without them",
        )
        found = [
            KilledFrequency(aliases[0], len(vectors), aliases, vectors)
            for place, vectors in self._vectors(np.flatnonzero(self.multiplicities))
            for aliases in (self._frequencies_at(place),)
        ]
        return tuple(sorted(found, key=lambda own: own.frequency))

    def listed(self, most: int) -> list[tuple[tuple[Frequency, ...], int]]:
        """Aliases and multiplicity of the first frequencies with null vectors, in ascending order, without vectors."""
        counts = self.multiplicities.reshape(self._frequencies.output_sizes)
        if self.transposed:
            # The wave of the negative frequency is what the transpose kills.
            counts = np.roll(np.flip(counts), 1, axis=tuple(range(counts.ndim)))
        places = np.flatnonzero(counts)[:most].tolist()
        return [
            (self._frequencies_at(self._mirrored(place) if self.transposed else place), int(counts.flat[place]))
            for place in places
        ]

    @cached_property
    def spectrum(self) -> np.ndarray:
        """The share of the null space at each frequency, of the spatial shape; it sums up to the dimension."""
        total = np.zeros(self.shape[1:])
        for place, vectors in self._vectors(np.flatnonzero(self.multiplicities)):
            powers = (np.abs(vectors) ** 2).sum(axis=(0, 2))
            total[tuple(self._aliases(place))] = powers
        return total

    def tensors(self) -> np.ndarray:
        """An orthonormal basis as tensors `(dimension, *shape)`; real for a real weight."""
        real = self.layer.dtype.kind != "c"
        parts = [
            self._tensors_at(place, vectors)
            for place, vectors in self._vectors(np.flatnonzero(self.multiplicities))
            if not real or self._mirrored(place) >= place
        ]
        empty = np.zeros((0, *self.shape), dtype=np.float64 if real else np.complex128)
        return np.concatenate([empty, *parts])

    def examples(self, count: int) -> np.ndarray:
        """Up to `count` orthonormal tensors `(count, *shape)`, of frequencies as far apart as there are."""
        empty = np.zeros((0, *self.shape), dtype=np.complex128 if self.layer.dtype.kind == "c" else np.float64)
        found = [
            self._tensors_at(place, vectors[:count])[:count] for place, vectors in self._vectors(self._far_apart(count))
        ]
        rounds = itertools.zip_longest(*found)
        chosen = [tensor[None] for own in rounds for tensor in own if tensor is not None]
        return np.concatenate([empty, *chosen[:count]])

    def _far_apart(self, count: int) -> np.ndarray:
        """Flat output frequencies with null vectors: the lowest, and then each time the one furthest from all those."""
        places, outputs = np.flatnonzero(self.multiplicities), self._frequencies.output_sizes
        index = np.array(np.unravel_index(places, outputs))
        if self.layer.dtype.kind != "c":
            # A frequency and its mirror image have their tensors in common.
            mirrored = tuple(-own % n for own, n in zip(index, outputs, strict=True))
            keep = places <= np.ravel_multi_index(mirrored, outputs)
            places, index = places[keep], index[:, keep]
        waves = index / np.array(outputs if self.transposed else self._frequencies.sizes)[:, None]
        waves = np.minimum(waves, 1 - waves)
        distance, found = -np.linalg.norm(waves, axis=0), np.zeros(0, dtype=np.int64)
        while found.size < min(count, places.size):
            own = int(distance.argmax())
            apart = np.linalg.norm(waves - waves[:, own : own + 1], axis=0)
            distance = np.minimum(distance, apart) if found.size else apart
            found = np.append(found, own)
            distance[found] = -1
        return places[found]

    def _tensors_at(self, place: int, vectors: np.ndarray) -> np.ndarray:
        """The tensors of some null vectors of a frequency, real ones of it and its mirror image for a real weight."""
        own = np.einsum("nac,ax->ncx", vectors, self._waves(place)).reshape(len(vectors), *self.shape)
        if self.layer.dtype.kind == "c":
            return own
        if self._mirrored(place) == place:
            return _real_basis(own)
        # Half of each is its mirror image's: together they have these.
        return math.sqrt(2) * np.concatenate([own.real, own.imag])

    def _vectors(self, places: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Some flat output frequencies and their null vectors, `(multiplicity, aliases, channels)`."""
        groups, rows, columns = self._frequencies.block_shape
        step = max(1, CHUNK_BYTES // (16 * groups * max(rows, columns) ** 2))
        for start in range(0, len(places), step):
            own = places[start : start + step]
            blocks = self._frequencies.blocks(own) * self._turns(own)[:, None, None, :]
            left, _, right = np.linalg.svd(blocks, full_matrices=True)
            # The transpose kills the conjugates of what the conjugate transpose kills.
            sides = np.conj(np.swapaxes(left, -1, -2)) if self.transposed else np.conj(right)
            for place, side in zip(own.tolist(), sides, strict=True):
                yield place, self._of_groups(side, self.ranks[place])

    def _of_groups(self, side: np.ndarray, ranks: np.ndarray) -> np.ndarray:
        """The last rows of each group's vectors, 0 in the channels of the others."""
        groups, width = side.shape[:2]
        folds = self._width * groups // self.shape[0]
        channels = self.shape[0] // groups
        parts = []
        for group, rank in enumerate(ranks.tolist()):
            own = side[group, rank:].reshape(width - rank, folds, channels)
            spread = np.zeros((len(own), folds, self.shape[0]), dtype=np.complex128)
            spread[:, :, group * channels : (group + 1) * channels] = own
            parts.append(spread)
        return np.concatenate(parts)

    def _turns(self, places: np.ndarray) -> np.ndarray:
        """What the padding multiplies each column of the blocks by: `(len(places), columns)`."""
        doubled = self._frequencies.aliases(places)
        turns = np.ones(doubled.shape[1:], dtype=np.complex128)
        for axis, own in zip(self.layer.geometry.axes, doubled, strict=True):
            n = axis.input_size
            turns *= np.exp(-1j * math.pi * ((own * axis.pad_before) % (2 * n)) / n)
        return np.repeat(turns, self._frequencies.weight.shape[2], axis=1)

    def _aliases(self, place: int) -> np.ndarray:
        """The frequencies of the waves at a flat output frequency, `(axes, aliases)`."""
        own = self._frequencies.aliases(np.array([place]))[:, 0] // 2
        if not self.transposed:
            return own
        sizes = np.array(self.shape[1:], dtype=np.int64)[:, None]
        return -own[:, :1] % sizes

    def _frequencies_at(self, place: int) -> tuple[Frequency, ...]:
        """The aliases as fractions of a cycle."""
        return tuple(
            tuple(Fraction(int(own), n) for own, n in zip(alias, self.shape[1:], strict=True))
            for alias in self._aliases(place).T
        )

    def _mirrored(self, place: int) -> int:
        sizes = self._frequencies.output_sizes
        index = np.unravel_index(place, sizes) if sizes else ()
        mirror = tuple(-own % n for own, n in zip(index, sizes, strict=True))
        return int(np.ravel_multi_index(mirror, sizes)) if sizes else place

    def _waves(self, place: int) -> np.ndarray:
        """Of length 1, `(aliases, positions)`."""
        aliases = self._aliases(place)
        waves = np.ones((aliases.shape[1], 1), dtype=np.complex128)
        for own, n in zip(aliases, self.shape[1:], strict=True):
            angles = (own[:, None] * np.arange(n)) % n * (2 * math.pi / n)
            axis = np.exp(1j * angles) / math.sqrt(n)
            waves = (waves[:, :, None] * axis[:, None, :]).reshape(len(waves), -1)
        return waves


def exact_block_ranks(layer: Convolution, work: float) -> np.ndarray | None:
    """Ranks `(outputs, groups)` of a circular layer of integers or fractions; None where they cannot be proved."""
    outputs = math.prod(layer.geometry.output_size)
    if not within_reach(layer.geometry):
        return None
    columns = []
    known: dict[object, np.ndarray] = {}
    for own, weight in groups_apart(layer.geometry, whole(layer.weight)):
        key = tuple(weight.flat) if weight.dtype == object else weight.tobytes()
        if key not in known:
            if weight.any():
                found = block_ranks(own, weight, work)
                if not found.exact.all():
                    return None
                known[key] = found.ranks.reshape(-1)
            else:
                known[key] = np.zeros(outputs, dtype=np.int64)
        columns.append(known[key])
    return np.stack(columns, axis=1)


def numerical_block_ranks(layer: Convolution, given: float | None, eps: float) -> tuple[np.ndarray, float]:
    """Ranks `(outputs, groups)`: singular values above a tolerance times the largest of all; and that tolerance."""
    frequencies = Frequencies.of(layer.geometry, layer.weight)
    values = block_values(frequencies).reshape(frequencies.places.size, frequencies.block_shape[0], -1)
    largest = float(values.max(initial=0))
    tol = default_tol(layer, largest, eps) if given is None else given
    ranks = (values > tol * largest).sum(axis=-1)
    total = np.empty((math.prod(frequencies.output_sizes), ranks.shape[1]), dtype=np.int64)
    sizes = frequencies.output_sizes
    index = np.unravel_index(frequencies.places, sizes) if sizes else ()
    mirrored = tuple(-own % n for own, n in zip(index, sizes, strict=True))
    total[np.ravel_multi_index(mirrored, sizes) if sizes else frequencies.places] = ranks
    total[frequencies.places] = ranks
    return total, tol


def _real_basis(tensors: np.ndarray) -> np.ndarray:
    """Of tensors and their conjugates: as many as these, if they come with theirs."""
    flat = tensors.reshape(len(tensors), -1)
    _, values, basis = np.linalg.svd(np.concatenate([flat.real, flat.imag]), full_matrices=False)
    return basis[values > _INDEPENDENT].reshape(-1, *tensors.shape[1:])
