"""A field as a picture shows it: what is read at every layer on the way down, and the frames of the stages."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from convmatrix.analysis.receptive_field.reading import AxisReader
from convmatrix.analysis.receptive_field.runs import Runs
from convmatrix.analysis.receptive_field.walking import Fork, Step, TooManyBoxesError, hull_of, set_along, walk

if TYPE_CHECKING:
    from convmatrix.analysis.receptive_field.answer import ReceptiveField

Line = tuple[Fraction, Fraction]


@dataclass(frozen=True, eq=False)
class Level:
    """One tensor of a stack along its one axis.

    Attributes
    ----------
    positions : ndarray of int
        Those on the way from the output to the inputs.
    edges : ndarray of int, (edges, 2)
        Pairs (position here, position that it reads in the level below).
    slope, offset : Fraction
        Position `p` stands above input `slope * p + offset`: in the middle of what it reads.
    """

    positions: np.ndarray
    edges: np.ndarray
    slope: Fraction
    offset: Fraction

    def place(self, positions: np.ndarray) -> np.ndarray:
        """Above which inputs some positions stand."""
        return positions * float(self.slope) + float(self.offset)


def levels_of(found: ReceptiveField, most: int) -> list[Level] | None:
    """The tensors from the input to the output of a stack of one axis; None of more than `most` positions or edges.

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = cm.receptive_field(cm.conv([1, 1, 1], 9, stride=2))
    >>> [(level.positions.tolist(), str(level.slope)) for level in levels_of(found, 100)]
    [([2, 3, 4], '1'), ([1], '2')]
    """
    steps = found._steps
    lines: list[Line] = [(Fraction(1), Fraction(0))]
    for step in steps:
        lines.append(_above(step, *lines[-1]))
    (place,) = found._widest
    reads, edges = [Runs.between(place, place + 1)], []
    for step in reversed(steps):
        if reads[-1].count > most:
            return None
        edges.append(_edges(step, reads[-1].points()))
        if len(edges[-1]) > most:
            return None
        reads.append(Runs.of_points(edges[-1][:, 1]))
    if sum(runs.count for runs in reads) > most or sum(map(len, edges)) > most:
        return None
    edges.append(np.zeros((0, 2), dtype=np.int64))
    parts = zip(reversed(reads), reversed(edges), lines, strict=True)
    return [Level(runs.points(), pairs, *line) for runs, pairs, line in parts]


def _edges(step: Step, positions: np.ndarray) -> np.ndarray:
    """Pairs of a position and what it reads through one step, without borders."""
    pairs = []
    for place in positions.tolist():
        reads = set_along([step], 0, Runs.between(place, place + 1)).points()
        pairs.append(np.stack([np.full(reads.size, place, dtype=np.int64), reads.astype(np.int64)], axis=1))
    return np.concatenate(pairs) if pairs else np.zeros((0, 2), dtype=np.int64)


def _above(step: Step, slope: Fraction, offset: Fraction) -> Line:
    """Where the outputs of a step stand, if its inputs stand on that line."""
    if isinstance(step, Fork):
        lines = []
        for branch in step.branches:
            line = slope, offset
            for part in branch:
                line = _above(part, *line)
            lines.append(line)
        return sum((own for own, _ in lines), Fraction(0)) / len(lines), sum(
            (own for _, own in lines), Fraction(0)
        ) / len(lines)
    middle, rate = _middle(step.readers[0])
    return slope * rate, slope * middle + offset


def _middle(reader: AxisReader) -> Line:
    """The line through the middles of what the outputs of one layer read."""
    own = reader.own
    rate = Fraction(own.in_step, own.out_step)
    total = Fraction(int(own.inputs.sum())) - rate * int(own.outputs.sum())
    return total / own.inputs.size, rate


def frame_of(found: ReceptiveField, number: int) -> tuple[tuple[int, int], ...] | None:
    """The window of one stage's output, of the one in the middle of those that the last layer's output reads.

    `number` counts the layers from 1. None where that output reads nothing.

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = cm.receptive_field([cm.conv([1, 1, 1], 9), cm.conv([1, 1, 1], 7)])
    >>> frame_of(found, 1), frame_of(found, 2)
    (((3, 6),), ((2, 7),))
    """
    steps = found._steps
    try:
        boxes = walk(steps[number:], [tuple(Runs.between(place, place + 1) for place in found._widest)], False)
        if not boxes:
            return None
        middle = [(low + high - 1) // 2 for low, high in hull_of(boxes)]
        boxes = walk(steps[:number], [tuple(Runs.between(place, place + 1) for place in middle)], False)
    except TooManyBoxesError:
        return None
    return hull_of(boxes) if boxes else None
