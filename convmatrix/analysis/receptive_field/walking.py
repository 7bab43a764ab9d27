"""From outputs back to the inputs they read, through the layers of a stack and the branches of its sums.

What one output of a layer reads is one set an axis; of a sum it is a union of such boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from math import lcm, prod

import numpy as np

from convmatrix.analysis.phases import branches_of, steps_of
from convmatrix.analysis.receptive_field.reading import AxisReader, back, bounded, readers_of
from convmatrix.analysis.receptive_field.runs import Runs
from convmatrix.errors import ConvMatrixError
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Sum

Box = tuple[Runs, ...]
Hull = tuple[tuple[int, int], ...]
_Sketch = tuple[int, int, int]
_MOST_BOXES, _FEW_BOXES = 256, 16
"""Boxes whose union is looked at, and as many where every position is soon looked at instead."""
_SOON = 1 << 27


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer by its axes."""

    op: TensorOperator
    readers: tuple[AxisReader, ...]


@dataclass(frozen=True, eq=False)
class Fork:
    """A sum by its branches."""

    op: TensorOperator
    branches: tuple[tuple[Step, ...], ...]

    @cached_property
    def may_miss(self) -> bool:
        """Whether some output of an endless branch may read nothing, of which the other axes then take notice."""
        return any(may_miss(branch) for branch in self.branches)


Step = Layer | Fork


class TooManyBoxesError(Exception):
    """The union of boxes has become too long."""


def tree_of(ops: Sequence[TensorOperator]) -> tuple[Step, ...]:
    """The layers and sums of a stack in the order they are applied, multiples left out."""
    steps: list[Step] = []
    for op in ops:
        for part in steps_of(op):
            if isinstance(part, Sum):
                steps.append(Fork(part, tuple(tree_of([branch]) for branch in branches_of(part))))
            elif not isinstance(part, Scaled):
                steps.append(Layer(part, readers_of(part)))
    return tuple(steps)


def readers(steps: Sequence[Step], axis: int) -> list[AxisReader]:
    """Those of every layer along one axis, of all branches."""
    found, todo = [], list(steps)
    while todo:
        step = todo.pop()
        if isinstance(step, Layer):
            found.append(step.readers[axis])
        else:
            todo += [part for branch in step.branches for part in branch]
    return found


def may_miss(steps: Sequence[Step]) -> bool:
    """Whether some output of an endless layer reads nothing."""
    return any(
        any(reader.ends is None for reader in step.readers) if isinstance(step, Layer) else step.may_miss
        for step in steps
    )


# -- rates ------------------------------------------------------------------------------------------------------------


def jump_of(steps: Sequence[Step], axis: int) -> Fraction | None:
    """By how many inputs the field moves from one output to the next, on average; None where branches disagree."""
    jump = Fraction(1)
    for step in steps:
        if isinstance(step, Layer):
            own = step.readers[axis].own
            jump *= Fraction(own.in_step, own.out_step)
        else:
            found = {jump_of(branch, axis) for branch in step.branches}
            own_jump = found.pop()
            if found or own_jump is None:
                return None
            jump *= own_jump
    return jump


def period_of(steps: Sequence[Step], axis: int, period: int = 1) -> int:
    """After how many outputs the fields repeat, moved by whole inputs."""
    for step in steps:
        if isinstance(step, Layer):
            period = step.readers[axis].own.period_of(period)
        else:
            period = reduce(lcm, [period_of(branch, axis, period) for branch in step.branches])
    return period


# -- ends along one axis ----------------------------------------------------------------------------------------------


def ends_along(steps: Sequence[Step], axis: int, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last inputs of spans of outputs, where every axis is monotone: no border is looked at."""
    for step in reversed(steps):
        if isinstance(step, Layer):
            reader = step.readers[axis]
            low, high = reader.end(low, False), reader.end(high, True)
        else:
            ends = [ends_along(branch, axis, low, high) for branch in step.branches]
            low, high = reduce(np.minimum, [end[0] for end in ends]), reduce(np.maximum, [end[1] for end in ends])
    return low, high


def set_along(steps: Sequence[Step], axis: int, outputs: Runs, clipped: bool = False) -> Runs:
    """What some outputs read along one axis, if on the others every branch reads something."""
    for step in reversed(steps):
        if isinstance(step, Layer):
            outputs = step.readers[axis].reads(outputs, clipped)
        else:
            outputs = Runs.union([set_along(branch, axis, outputs, clipped) for branch in step.branches])
    return outputs


# -- boxes ------------------------------------------------------------------------------------------------------------


def most_boxes(steps: Sequence[Step], positions: int) -> int:
    """How many boxes are worth looking at, where an array of so many positions would do instead."""
    taps = sum(
        reader.own.inputs.size for axis in range(len(steps[0].op.in_shape) - 1) for reader in readers(steps, axis)
    )
    return min(_FEW_BOXES, _MOST_BOXES) if taps * positions <= _SOON else _MOST_BOXES


def walk(steps: Sequence[Step], boxes: list[Box], clipped: bool, most: int | None = None) -> list[Box]:
    """The boxes of inputs that boxes of outputs read; none where nothing is read.

    Raises
    ------
    TooManyBoxesError
        If the union of the branches of sums has more than `most` boxes, 256 by default.
    """
    most = _MOST_BOXES if most is None else most
    for step in reversed(steps):
        if isinstance(step, Layer):
            moved = [
                tuple(reader.reads(runs, clipped) for reader, runs in zip(step.readers, box, strict=True))
                for box in boxes
            ]
            boxes = [box for box in moved if all(box)]
        else:
            # Layers make no more of them.
            boxes = pruned([box for branch in step.branches for box in walk(branch, boxes, clipped, most)], most)
    return boxes


def pruned(boxes: list[Box], most: int) -> list[Box]:
    """The same union without boxes within others; those that differ along one axis only become one.

    Raises
    ------
    TooManyBoxesError
        As soon as more than `most` are left: each is compared with all before it.
    """
    kept: list[Box] = []
    sketches: list[list[_Sketch]] = []
    for box in boxes:
        sketch, place = _sketch(box), 0
        while place < len(kept):
            both = _joined(kept[place], box) if _may_join(sketches[place], sketch) else None
            if both is None:
                place += 1
                continue
            # What has grown may now join one that it did not join before.
            kept.pop(place)
            sketches.pop(place)
            box, sketch, place = both, _sketch(both), 0
        kept.append(box)
        sketches.append(sketch)
        if len(kept) > most:
            raise TooManyBoxesError
    return kept


def _sketch(box: Box) -> list[_Sketch]:
    """The ends and the number of positions along each axis, which are soon compared."""
    return [(*runs.hull, runs.count) for runs in box]


def _may_join(left: list[_Sketch], right: list[_Sketch]) -> bool:
    """Whether one of two boxes may hold the other, or they may be equal along all axes but one."""
    pairs = list(zip(left, right, strict=True))
    if sum(a != b for a, b in pairs) <= 1:
        return True
    return all(_may_hold(a, b) for a, b in pairs) or all(_may_hold(b, a) for a, b in pairs)


def _may_hold(one: _Sketch, other: _Sketch) -> bool:
    return one == other or (one[0] <= other[0] and other[1] <= one[1] and one[2] > other[2])


def _joined(left: Box, right: Box) -> Box | None:
    """The union of two boxes, if that is a box."""
    holds = [one.covers(other) for one, other in zip(left, right, strict=True)]
    if all(holds):
        return left
    held = [other.covers(one) for one, other in zip(left, right, strict=True)]
    if all(held):
        return right
    unlike = [axis for axis, (a, b) in enumerate(zip(holds, held, strict=True)) if not (a and b)]
    if len(unlike) > 1:
        return None
    axis = unlike[0]
    return (*left[:axis], Runs.union([left[axis], right[axis]]), *left[axis + 1 :])


def hull_of(boxes: list[Box]) -> Hull:
    """From the first to behind the last position of a union that is not empty, an axis each."""
    hulls = [[runs.hull for runs in box] for box in boxes]
    return tuple((min(low for low, _ in ends), max(high for _, high in ends)) for ends in zip(*hulls, strict=True))


def size_of(boxes: list[Box], mask: np.ndarray | None = None) -> int:
    """How many positions the union has."""
    if len(boxes) == 1:
        return prod(runs.count for runs in boxes[0])
    return int(np.count_nonzero(mask_of(boxes, hull_of(boxes)) if mask is None else mask))


def mask_of(boxes: list[Box], hull: Hull) -> np.ndarray:
    """The union as an array over a hull."""
    shape = tuple(high - low for low, high in hull)
    check_size(f"the map of {' x '.join(map(str, shape))} inputs", 2 * prod(shape))
    mask = np.zeros(shape, dtype=bool)
    for box in boxes:
        vectors = [runs.mask(*ends) for runs, ends in zip(box, hull, strict=True)]
        mask |= reduce(np.multiply.outer, vectors) if len(vectors) > 1 else vectors[0]
    return mask


# -- paths ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Counts:
    """Paths to inputs: an array over a box that begins at `corner`."""

    array: np.ndarray
    corner: tuple[int, ...]


def vectors_back(steps: Sequence[Step], at: tuple[int, ...], clipped: bool) -> list[Counts]:
    """Paths from each input to one output, a vector an axis, of a stack without sums."""
    found = []
    for axis, place in enumerate(at):
        counts, offset = np.ones(1, dtype=np.int64), place
        for step in reversed(steps):
            assert isinstance(step, Layer)
            counts, offset = back(step.readers[axis], counts, offset, clipped)
        found.append(_trimmed(Counts(counts, (offset,))))
    return found


def counts_back(steps: Sequence[Step], counts: Counts, clipped: bool) -> Counts:
    """The same for an array of outputs, through sums too."""
    for step in reversed(steps):
        if not counts.array.size:
            return counts
        if isinstance(step, Fork):
            counts = _total([counts_back(branch, counts, clipped) for branch in step.branches])
            continue
        array, corner = counts.array, list(counts.corner)
        for axis, reader in enumerate(step.readers):
            moved, corner[axis] = back(reader, np.moveaxis(array, axis, 0), corner[axis], clipped)
            array = np.moveaxis(moved, 0, axis)
        counts = _trimmed(Counts(array, tuple(corner)))
    return counts


def _total(parts: list[Counts]) -> Counts:
    parts = [part for part in parts if part.array.size] or parts[:1]
    axes = range(len(parts[0].corner))
    low = [min(part.corner[axis] for part in parts) for axis in axes]
    high = [max(part.corner[axis] + part.array.shape[axis] for part in parts) for axis in axes]
    shape = tuple(stop - start for start, stop in zip(low, high, strict=True))
    check_size(f"the paths to {' x '.join(map(str, shape))} inputs", 16 * prod(shape))
    arrays = [bounded(part.array, len(parts)) for part in parts]
    total = np.zeros(shape, dtype=object if any(array.dtype == object for array in arrays) else np.int64)
    for part, array in zip(parts, arrays, strict=True):
        place = tuple(
            slice(start - first, start - first + size)
            for start, first, size in zip(part.corner, low, array.shape, strict=True)
        )
        total[place] += array
    return Counts(total, tuple(low))


def _trimmed(counts: Counts) -> Counts:
    """Without empty rims."""
    array, corner = counts.array, list(counts.corner)
    for axis in range(array.ndim):
        others = tuple(other for other in range(array.ndim) if other != axis)
        kept = np.flatnonzero((array != 0).any(axis=others)) if array.size else np.zeros(0, dtype=np.int64)
        low, high = (int(kept[0]), int(kept[-1]) + 1) if kept.size else (0, 0)
        array = array[(slice(None),) * axis + (slice(low, high),)]
        corner[axis] += low
    return Counts(array, tuple(corner))


def hull_at(steps: Sequence[Step], at: tuple[int, ...], clipped: bool, most: int | None = None) -> Hull:
    """From the first to behind the last input that one output reads, an axis each; `(0, 0)` where it reads nothing."""
    try:
        boxes = walk(steps, [tuple(Runs.between(place, place + 1) for place in at)], clipped, most)
    except TooManyBoxesError:
        counts = counts_back(steps, single(at), clipped)
        return tuple((low, low + n) for low, n in zip(counts.corner, counts.array.shape, strict=True))
    return hull_of(boxes) if boxes else ((0, 0),) * len(at)


def single(at: tuple[int, ...]) -> Counts:
    """One path to one output."""
    return Counts(np.ones((1,) * len(at), dtype=np.int64), at)


def check_phases(count: int, most: int) -> None:
    """Refuse to look at more phases than can be told apart in time."""
    if count > most:
        raise ConvMatrixError(f"op must repeat after at most {most} outputs an axis, got {count}")
