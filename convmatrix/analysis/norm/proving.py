"""Whether all blocks of a space are proved to have a norm of at most some number; and what their norm is."""

from __future__ import annotations

import math
from contextlib import closing
from functools import partial
from typing import NamedTuple

import numpy as np

from convmatrix.analysis.norm.certificate import batch_is_proved, gram_is_proved, rounded_up, shift_for
from convmatrix.analysis.norm.gram import gram
from convmatrix.analysis.norm.spaces import Space
from convmatrix.analysis.norm.underflow import TINY
from convmatrix.analysis.spectrum.numbers import UNIT, gamma
from convmatrix.parallel import in_order, processors

_SMALL = 256
"""Rows of a Gram matrix up to which several are taken at a time."""
_ROOTS = 8
"""Roundings of a wave's value along one axis."""


class Proof(NamedTuple):
    """Whether a bound is proved; of an exact space that it is not, perhaps a vector that says why.

    Attributes
    ----------
    holds : bool
        Whether the norm is at most the target.
    place, group : int
        The block that failed, or the first of several that were taken together.
    width : int
        How many frequencies these are.
    witness : ndarray or None
        A vector of that block's rows or columns, see `Space.by_rows`.
    is_hopeless : bool
        Whether rounding lets nobody prove a number so near to what is attained.
    """

    holds: bool
    place: int = 0
    group: int = 0
    witness: np.ndarray | None = None
    width: int = 1
    is_hopeless: bool = False


def proved(space: Space, target: float, attained: float = 0.0) -> Proof:
    """Whether `target` bounds the norm of the layer, by way of this space; stops at the first block that fails.

    The norm is known to be at least `attained`.
    """
    goal = target / space.loss * (1 - 4 * UNIT) - rounding(space)
    if not goal > 0:
        return Proof(False, is_hopeless=True)
    if not space.own_axes:
        return _proved_in_batches(space, goal)
    prove = partial(_proved_at, space, goal, attained if space.is_exact else 0.0)
    numbers = range(space.frequencies.places.size)
    if space.size > _SMALL:
        return next((proof for proof in map(prove, numbers) if not proof.holds), Proof(True))
    with closing(in_order(prove, numbers)) as found:
        return next((proof for proof in found if not proof.holds), Proof(True))


def _proved_in_batches(space: Space, goal: float) -> Proof:
    frequencies = space.frequencies
    chunks = frequencies.chunks(processors())

    def prove(chunk: slice) -> bool:
        return batch_is_proved(frequencies.blocks(frequencies.places[chunk]), goal)

    with closing(in_order(prove, chunks)) as found:
        for chunk, holds in zip(chunks, found, strict=True):
            if not holds:
                return Proof(False, chunk.start, width=chunk.stop - chunk.start)
    return Proof(True)


def _proved_at(space: Space, goal: float, attained: float, number: int) -> Proof:
    """Of the blocks of one frequency, a group at a time."""
    place = space.frequencies.places[number : number + 1]
    meetings, by_rows = space.meetings, space.by_rows
    terms = meetings.terms(space.channels[1 if by_rows else 0], by_rows)
    for group, weight in enumerate(space.weights(place)[0]):
        spread = meetings.spread(weight)
        if attained and not shift_for(goal, space.size, spread, terms, space.is_complex) > attained**2:
            return Proof(False, number, group, is_hopeless=True)
        holds, witness = gram_is_proved(gram(meetings, weight, by_rows), goal, terms, spread)
        if not holds:
            return Proof(False, number, group, witness)
    return Proof(True)


def rounding(space: Space) -> float:
    """What the blocks, as computed, may differ in norm from those that are meant."""
    frequencies = space.frequencies
    weight = np.abs(frequencies.weight)
    taps = math.prod(weight.shape[3:])
    relative = 4 * gamma(taps + 4) + 2 * _ROOTS * UNIT * max(len(space.wave_axes), 1) + 4 * UNIT
    total = weight.reshape(*weight.shape[:3], -1).sum(axis=-1)
    largest = max(float(np.linalg.norm(own)) for own in total)
    meetings = space.meetings
    lost = 8 * TINY * weight.size * meetings.outputs * meetings.taps
    return rounded_up(relative * largest * math.sqrt(meetings.outputs * meetings.taps) + lost, 16)


def largest_of_waves(space: Space) -> tuple[float, int]:
    """A proved bound on the norm, which but for rounding is the norm of the blocks, and the frequency it belongs to.

    Of a space without own axes.
    """
    frequencies = space.frequencies
    chunks = frequencies.chunks(processors())

    def solve(chunk: slice) -> tuple[float, int]:
        blocks = frequencies.blocks(frequencies.places[chunk])
        values = largest_of_blocks(blocks)
        number = int(np.argmax(values))
        return proved_from(blocks, float(values[number])), chunk.start + number

    with closing(in_order(solve, chunks)) as found:
        value, number = max(found)
    return rounded_up((value + rounding(space)) * space.loss, 16), number


def largest_of_blocks(blocks: np.ndarray) -> np.ndarray:
    """The norm of each frequency's blocks, `(frequencies, groups, rows, columns)`, to about ten digits."""
    adjoint = np.conj(np.swapaxes(blocks, -1, -2))
    grams = blocks @ adjoint if blocks.shape[-2] <= blocks.shape[-1] else adjoint @ blocks
    found: np.ndarray = np.sqrt(np.maximum(np.linalg.eigvalsh(grams)[..., -1].max(axis=1), 0))
    return found


def proved_from(blocks: np.ndarray, most: float) -> float:
    """A number that is proved to bound the norms of blocks, from their norm as computed."""
    for digits in range(10, 0, -1):
        if most and batch_is_proved(blocks, most * (1 + 10.0**-digits)):
            return most * (1 + 10.0**-digits)
    return float(np.abs(blocks).reshape(len(blocks), -1).sum(axis=1).max())
