"""The fields of all outputs along one axis: those of one repetition, of which the others are copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np

from convmatrix.analysis.receptive_field.free import free_along
from convmatrix.analysis.receptive_field.runs import WIDEST, Runs
from convmatrix.analysis.receptive_field.walking import (
    Fork,
    Step,
    check_phases,
    ends_along,
    hull_at,
    jump_of,
    period_of,
    readers,
    set_along,
)

_MOST_PHASES, _MOST_LISTED = 1 << 20, 1 << 14
_MOST_OUTPUTS, _FEW = 1 << 16, 4


@dataclass(frozen=True, eq=False)
class AxisField:
    """The fields of the outputs of one axis, on an endless input.

    Attributes
    ----------
    size : int
        The widest of them; 0 where nothing is read.
    jump : Fraction or None
        Inputs from one output to the next, on average; None where the branches of a sum step differently.
    start : int or None
        First input of output 0; None where it reads nothing.
    period : int
        After so many outputs the fields repeat, moved by `jump * period`.
    phase : int
        The first output, of one repetition, whose field is the widest.
    """

    size: int
    jump: Fraction | None
    start: int | None
    period: int
    phase: int


def axis_field(steps: Sequence[Step], axis: int, out_size: int) -> AxisField:
    """The field along one axis, by the recurrences of Araujo, Norris and Sim carried on for each phase.

    Examples
    --------
    >>> import convmatrix as cm
    >>> from convmatrix.analysis.receptive_field.walking import tree_of
    >>> axis_field(tree_of([cm.conv_transpose("1 1 1", 4, stride=2)]), 0, 9)
    AxisField(size=2, jump=Fraction(1, 2), start=-1, period=2, phase=0)
    """
    jump, period = jump_of(steps, axis), period_of(steps, axis)
    outputs = _looked_at(jump, period, out_size)
    size, start, best = widest_along(steps, axis, outputs)
    return AxisField(size, jump, start, period, int(outputs[best]))


def widest_along(steps: Sequence[Step], axis: int, outputs: np.ndarray) -> tuple[int, int | None, int]:
    """The largest field of some outputs, without borders; where that of the first begins; which is the largest."""
    if all(reader.is_monotone for reader in readers(steps, axis)):
        check_phases(outputs.size, _MOST_PHASES)
        low, high = _ends(steps, axis, outputs)
        widths = high - low + 1
        best = int(np.argmax(widths))
        return int(widths[best]), int(low[0]), best
    check_phases(outputs.size, _MOST_LISTED)
    best, size, start = 0, 0, None
    for number, output in enumerate(outputs.tolist()):
        reads = set_along(steps, axis, Runs.between(output, output + 1))
        if reads:
            low_end, high_end = reads.hull
            start = start if number else low_end
            if high_end - low_end > size:
                best, size = number, high_end - low_end
    return size, start, best


def joint_fields(
    steps: Sequence[Step], axes: tuple[AxisField, ...], out_sizes: tuple[int, ...]
) -> tuple[AxisField, ...]:
    """The same where a branch may read nothing along one axis, and then nothing at all: all phases together."""
    looked = [_looked_at(own.jump, own.period, size).tolist() for own, size in zip(axes, out_sizes, strict=True)]
    check_phases(prod(map(len, looked)), _MOST_LISTED)
    sizes, widest, phases = [0] * len(axes), 0, (0,) * len(axes)
    starts: list[int | None] = [None] * len(axes)
    for at in product(*looked):
        hull = hull_at(steps, at, False)
        whole = prod(high - low for low, high in hull)
        for axis, (low, high) in enumerate(hull if whole else ()):
            known = starts[axis]
            if at[axis] == 0:
                starts[axis] = low if known is None else min(low, known)
            sizes[axis] = max(sizes[axis], high - low)
        if whole > widest:
            widest, phases = whole, at
    found = zip(axes, sizes, starts, phases, strict=True)
    return tuple(AxisField(size, own.jump, start, own.period, phase) for own, size, start, phase in found)


def free_outputs(steps: Sequence[Step], axis: int, own: AxisField, out_size: int) -> np.ndarray:
    """The outputs that no border reaches along an axis, one of each phase; of branches that drift apart all."""
    free = free_along(steps, axis, out_size)
    if own.jump is None:
        looked = _looked_at(None, own.period, out_size)
        return looked[free.has(looked)]
    lengths = free.stops - free.starts
    if lengths.max(initial=0) >= own.period:
        longest = int(np.argmax(lengths))
        first = int(free.starts[longest]) + (int(lengths[longest]) - own.period) // 2
        return np.arange(first, first + own.period)
    points = free.points()
    return points[np.unique(points % own.period, return_index=True)[1]]


def _looked_at(jump: Fraction | None, period: int, out_size: int) -> np.ndarray:
    """The outputs whose fields are compared: one repetition, or where branches drift apart all or both ends."""
    if jump is not None:
        check_phases(period, _MOST_PHASES)
        return np.arange(period)
    if out_size <= _MOST_OUTPUTS or 2 * period >= out_size:
        check_phases(out_size, _MOST_PHASES)
        return np.arange(out_size)
    return np.concatenate([np.arange(period), np.arange(out_size - period, out_size)])


def _ends(steps: Sequence[Step], axis: int, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last inputs of some outputs, in Python's integers where an int64 might not hold what lies between."""
    wide = outputs.size <= _FEW or max(_farthest(steps, axis, int(outputs.max()))) >= WIDEST
    outputs = outputs.astype(object) if wide else outputs
    return ends_along(steps, axis, outputs, outputs)


def _farthest(steps: Sequence[Step], axis: int, place: int) -> tuple[int, int]:
    """Bounds on the magnitudes of positions at the input, and anywhere on the way."""
    most = place
    for step in reversed(steps):
        if isinstance(step, Fork):
            ends = [_farthest(branch, axis, place) for branch in step.branches]
            place, most = max(end for end, _ in ends), max(most, *(way for _, way in ends))
        else:
            own = step.readers[axis].own
            place = (place // own.out_step + 1) * own.in_step + int(np.abs(own.inputs).max())
            most = max(most, place)
    return place, most
