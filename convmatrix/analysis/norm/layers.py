"""The norm of a layer, approached by way of circular matrices that it is a part of, and at last by its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from convmatrix.analysis.norm.certificate import rounded_up
from convmatrix.analysis.norm.enclosing import DENSE, TRIES, Enclosing
from convmatrix.analysis.norm.own import MEMORY, MOST_WORK
from convmatrix.analysis.norm.proving import Proof, largest_of_blocks, largest_of_waves, proved
from convmatrix.analysis.norm.spaces import EMBEDDED, OWN, Space, embedding_size, spaces_of
from convmatrix.analysis.spectrum.circular import vectors_at
from convmatrix.analysis.spectrum.frequencies import Frequencies
from convmatrix.analysis.spectrum.solving import work
from convmatrix.memory import free_memory
from convmatrix.operators.convolution import Convolution

_WAVES = 1e10
"""Rows times columns times the smaller, of all blocks together, up to which their norm is computed as it is."""


class LayerEnclosing(Enclosing):
    """The norm of a convolution in float64 or complex128."""

    op: Convolution

    def _further_steps(self) -> Iterator[Callable[[], None]]:
        waves = self._waves()
        is_quick = waves is not None and _block_work(waves) <= _WAVES
        if waves is not None and is_quick:
            yield partial(self._by_waves, waves)
        yield self.search
        yield from self._proofs()
        if waves is not None and not is_quick:
            yield partial(self._by_waves, waves)

    def _wider_steps(self) -> Iterator[Callable[[], None]]:
        yield from self._proofs()

    def _proofs(self) -> list[Callable[[], None]]:
        """By way of every space that is affordable, and of the own matrix, the cheapest first."""
        spaces = [space for space in self._spaces() if self._is_affordable(space)]
        steps: list[tuple[float, Callable[[], None]]] = [(space.work, partial(self._prove, space)) for space in spaces]
        if work(self.op) > DENSE:
            steps.append((_own_work(self.op), self._own_matrix))
        return [step for _, step in sorted(steps, key=lambda found: found[0])]

    def _waves(self) -> Space | None:
        """All axes as waves, if each can be."""
        first = next(spaces_of(self.op, self._slack, (0,) * len(self.op.geometry.axes)))
        return first if not first.own_axes and self._is_affordable(first) else None

    @property
    def _slack(self) -> float:
        return float((1 + self.width / 3) ** (1 / len(self.op.geometry.axes)) - 1)

    def _spaces(self) -> list[Space]:
        return list(spaces_of(self.op, self._slack, self._halves()))

    def _halves(self) -> tuple[int, ...]:
        """Along each axis, 1 if the waves that change their sign are further from the vector's main frequency."""
        vector, found = self.attained.vector, []
        for number, axis in enumerate(self.op.geometry.axes, start=1):
            along = np.fft.fft(vector, 2 * embedding_size(axis), axis=number)
            power = (np.abs(along) ** 2).sum(axis=tuple(a for a in range(vector.ndim) if a != number))
            # Even places are the waves of the grid, odd ones those that change their sign where it wraps round.
            found.append(int(power[0::2].max() > power[1::2].max()))
        return tuple(found)

    def _is_affordable(self, space: Space) -> bool:
        table = 8 * space.meetings.outputs * space.meetings.taps
        needed = table + (3 * space.block_bytes if space.own_axes else 0)
        return space.work <= MOST_WORK and needed <= MEMORY * free_memory()

    def _by_waves(self, space: Space) -> None:
        """The norm of all blocks, which is the layer's own where nothing is embedded."""
        started = time.perf_counter()
        value, number = largest_of_waves(space)
        if space.is_exact:
            self._offer_wave(number)
        self.bounded(named(space), value, started)

    def _offer_wave(self, number: int) -> None:
        """The first vectors of one frequency of a circular layer."""
        values, _, right = vectors_at(self.op, Frequencies.of(self.op.geometry, self.op.weight), number)
        self.attained.offer(right[int(np.argmax(values))])

    def _prove(self, space: Space) -> None:
        """That the norm is at most the target, by way of one space; an exact one that fails is learnt from."""
        started = time.perf_counter()
        for _ in range(TRIES):
            target = self.target
            found = proved(space, target, self.attained.value)
            if found.holds:
                self.bounded(named(space), rounded_up(target), started)
                return
            if found.is_hopeless or not space.is_exact or not self._learn(space, found):
                return

    def _learn(self, space: Space, found: Proof) -> bool:
        """Whether a proof about the layer itself that failed has led to a better vector."""
        before = self.attained.value
        if not space.own_axes:
            frequencies = space.frequencies
            stop = min(found.place + found.width, frequencies.places.size)
            blocks = frequencies.blocks(frequencies.places[found.place : stop])
            self._offer_wave(found.place + int(np.argmax(largest_of_blocks(blocks))))
        elif found.witness is not None and not space.wave_axes:
            return self.improve(_in_tensor(space, found), space.by_rows)
        else:
            self.search(self.rng.standard_normal(self.op.in_shape))
        return self.attained.value > before


def named(space: Space) -> str:
    """What a bound by way of this space is called.

    Examples
    --------
    >>> import convmatrix as cm
    >>> [named(space) for space in spaces_of(cm.conv([[1.0, 2.0], [3.0, 5.0]], (4, 4)), 0.01, (0, 0))]
    ['circular embedding', 'circular embedding of one axis', 'circular embedding of one axis', 'own matrix']
    """
    embedded = space.ways.count(EMBEDDED)
    if not embedded:
        return "own matrix" if OWN in space.ways else "frequency blocks"
    few = "" if space.loss == 1 else ", fewer waves"
    some = "" if OWN not in space.ways else " of one axis" if embedded == 1 else f" of {embedded} axes"
    return f"circular embedding{some}{few}"


def _block_work(space: Space) -> float:
    groups, rows, columns = space.frequencies.block_shape
    return float(rows) * columns * min(rows, columns) * groups * space.frequencies.places.size


def _own_work(op: Convolution) -> float:
    """What a proof about the own matrix costs as a band, its rows taken position by position."""
    geometry = op.geometry
    channels = min(geometry.in_channels, geometry.out_channels)
    beyond, inner = 0, 1
    for axis in reversed(geometry.axes):
        beyond += (axis.extent - 1) * inner
        inner *= axis.input_size
    return 1e3 * op.nnz + 5.0 * min(op.shape) * float(channels * min(2 * beyond, inner)) ** 2


def _in_tensor(space: Space, found: Proof) -> np.ndarray:
    """The witness of a proof about the own matrix as a flat tensor of all channels, channels before positions."""
    assert found.witness is not None
    geometry = space.op.geometry
    channels = (geometry.out_channels if space.by_rows else geometry.in_channels) // geometry.groups
    own = found.witness.reshape(-1, channels).T
    whole = np.zeros((geometry.groups, *own.shape), dtype=own.dtype)
    whole[found.group] = own
    return whole.reshape(-1)
