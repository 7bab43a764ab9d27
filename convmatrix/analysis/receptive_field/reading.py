"""What a set of outputs reads along one axis of one layer: on its endless axis, and within its borders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convmatrix.analysis.phases import axes_of
from convmatrix.analysis.receptive_field.runs import WIDEST, Runs
from convmatrix.geometry import Axis, PeriodicAxis
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize


@dataclass(frozen=True, eq=False)
class AxisReader:
    """One axis of one layer.

    Parameters
    ----------
    leaf : TensorOperator
        A layer that is made of no others, or the transpose of one.
    axis : int
        Which axis of space.
    own : PeriodicAxis
        That axis without its borders.

    Examples
    --------
    >>> import convmatrix as cm
    >>> reader, = readers_of(cm.conv([1, 1, 1], 8, stride=2, padding=1))
    >>> reader.reads(Runs.between(0, 2), clipped=False).hull, reader.reads(Runs.between(0, 2), clipped=True).hull
    ((-1, 4), (0, 4))
    """

    leaf: TensorOperator
    axis: int
    own: PeriodicAxis

    @property
    def in_size(self) -> int:
        """Inputs along the axis."""
        return self.leaf.in_shape[1 + self.axis]

    @cached_property
    def ends(self) -> tuple[np.ndarray, np.ndarray] | None:
        """First and last input of each output of one repetition; None where one of these reads nothing."""
        found = self.own._ends
        if len(found) < self.own.out_step:
            return None
        table = np.array(found, dtype=np.int64)
        return table[:, 1], table[:, 2]

    @cached_property
    def is_monotone(self) -> bool:
        """Whether every output reads something, and later ones nothing that begins or ends earlier."""
        if self.ends is None:
            return False
        return all(bool((np.diff(end) >= 0).all()) and end[-1] <= end[0] + self.own.in_step for end in self.ends)

    @cached_property
    def is_solid(self) -> bool:
        """Whether neighbouring outputs read one run without a gap, however many they are."""
        if self.ends is None or not self.is_monotone:
            return False
        least, most = self.ends
        distinct = np.unique(np.stack([self.own.outputs, self.own.inputs]), axis=1).shape[1]
        joined = np.append(least[1:], least[0] + self.own.in_step) <= most + 1
        return distinct == int((most - least + 1).sum()) and bool(joined.all())

    @cached_property
    def transpose(self) -> AxisReader:
        """The endless axis read the other way: its outputs are the inputs of this one."""
        return AxisReader(self.leaf, self.axis, self.own.T)

    def reach(self, outputs: int) -> tuple[int, int]:
        """From the first input to behind the last that the first outputs read on the endless axis; `(0, 0)` if none."""
        phases, least, most = np.array(self.own._ends, dtype=np.int64).reshape(-1, 3).T
        there = phases < outputs
        if not there.any():
            return 0, 0
        turns = (outputs - 1 - phases[there]) // self.own.out_step
        return int(least[there].min()), int((most[there] + turns * self.own.in_step).max()) + 1

    def readers_of(self, inputs: Runs) -> Runs:
        """The outputs of the endless axis that read some of the inputs."""
        own = self.own
        if not inputs:
            return inputs
        if own.out_step > 1 or self.transpose.is_solid:
            return self.transpose._endless(inputs)
        # A run of inputs is read by a run of outputs through each tap, however long it is.
        check_size(f"the taps of {inputs.starts.size} runs", 64 * inputs.starts.size * own.inputs.size)
        starts, stops = (
            -(np.subtract.outer(own.inputs, ends) // own.in_step).reshape(-1) for ends in (inputs.starts, inputs.stops)
        )
        return Runs.of(starts[starts < stops], stops[starts < stops])

    def end(self, outputs: np.ndarray, last: bool) -> np.ndarray:
        """The first or last input of each output, of an axis that is monotone."""
        assert self.ends is not None
        ends = self.ends[int(last)]
        if self.own.out_step == 1:
            return outputs * self.own.in_step + int(ends[0])
        turns, phases = outputs // self.own.out_step, (outputs % self.own.out_step).astype(np.int64)
        return turns * self.own.in_step + ends[phases]

    def reads(self, outputs: Runs, clipped: bool) -> Runs:
        """The inputs that some outputs read; `clipped` within the input, by its border rule."""
        if not outputs:
            return outputs
        if not clipped:
            return self._endless(outputs)
        layer = self.leaf.of if isinstance(self.leaf, Transposed) else self.leaf
        if isinstance(layer, (Convolution, AvgPool)):
            geometry = layer.geometry.axes[self.axis]
            if layer is self.leaf:
                return folded(geometry, self._endless(outputs))
            return self._endless(unfolded(geometry, outputs)).clip(0, geometry.output_size)
        if isinstance(layer, Resize):
            return (
                _mixed_back(layer, self.axis, outputs) if layer is not self.leaf else _mixed(layer, self.axis, outputs)
            )
        return self._endless(outputs)

    def _endless(self, outputs: Runs) -> Runs:
        outputs = self._wide(outputs)
        if self.is_solid:
            return Runs.of(self.end(outputs.starts, False), self.end(outputs.stops - 1, True) + 1)
        own = self.own
        if own.out_step == own.in_step == 1:
            check_size(f"the taps of {outputs.starts.size} runs", 64 * outputs.starts.size * own.inputs.size)
            starts, stops = (np.add.outer(ends, own.inputs).reshape(-1) for ends in (outputs.starts, outputs.stops))
            return Runs.of(starts, stops)
        check_size(f"the taps of {outputs.count} positions", 64 * outputs.count * -(-own.inputs.size // own.out_step))
        points = outputs.points()
        turns, phases = points // own.out_step, points % own.out_step
        found = []
        for phase, inputs in self._by_phase:
            chosen = turns[phases == phase] if own.out_step > 1 else turns
            found.append(np.add.outer(chosen * own.in_step, inputs).reshape(-1))
        return Runs.of_points(np.concatenate(found))

    @cached_property
    def _by_phase(self) -> list[tuple[int, np.ndarray]]:
        return [(phase, self.own.inputs[self.own.outputs == phase]) for phase in np.unique(self.own.outputs).tolist()]

    def _wide(self, outputs: Runs) -> Runs:
        """Python's integers, where an int64 might not hold what is read."""
        if outputs.starts.dtype == object:
            return outputs
        farthest = max(map(abs, outputs.hull)) // self.own.out_step + 1
        reach = farthest * self.own.in_step + int(np.abs(self.own.inputs).max(initial=0))
        return outputs if reach < WIDEST else Runs(outputs.starts.astype(object), outputs.stops.astype(object))


def readers_of(leaf: TensorOperator) -> tuple[AxisReader, ...]:
    """The axes of a layer."""
    return tuple(AxisReader(leaf, axis, own) for axis, own in enumerate(axes_of(leaf)))


def folded(axis: Axis, reads: Runs) -> Runs:
    """Positions of the padded input brought back into it by the border rule."""
    inside = reads.clip(0, axis.input_size)
    if axis.padding_mode == "zeros" or inside is reads:
        return inside
    low, high = reads.hull
    beside = [reads.clip(low, 0), reads.clip(axis.input_size, high)]
    if axis.padding_mode == "replicate":
        # All that lies beyond an edge is that edge.
        edges = [
            Runs.between(edge, edge + 1) for edge, part in zip((0, axis.input_size - 1), beside, strict=True) if part
        ]
        return Runs.union([inside, *edges])
    if axis.padding_mode == "circular" and any(part.count and _longest(part) >= axis.input_size for part in beside):
        return Runs.between(0, axis.input_size)
    return Runs.union([inside, *(Runs.of_points(axis.source(part.points())) for part in beside if part)])


def unfolded(axis: Axis, inputs: Runs) -> Runs:
    """The positions of the padded input that stand for some positions of it."""
    if axis.padding_mode == "zeros":
        return inputs
    beside = border_of(axis)
    return Runs.union([inputs, Runs.of_points(beside[inputs.has(axis.source(beside))])])


def border_of(axis: Axis) -> np.ndarray:
    """The positions of the padding on both sides."""
    check_size("the border of an axis", 32 * max(axis.pad_before + axis.pad_after, 0))
    before = np.arange(-axis.pad_before, 0, dtype=np.int64)
    return np.concatenate([before, np.arange(axis.input_size, axis.input_size + axis.pad_after, dtype=np.int64)])


def _longest(runs: Runs) -> int:
    return int((runs.stops - runs.starts).max())


def _mixed(layer: Resize, axis: int, outputs: Runs) -> Runs:
    """The inputs that a resize mixes, by its own table: it clamps at its borders and may round."""
    mix, found = layer._mixes[axis], []
    for start, stop in zip(outputs.starts.tolist(), outputs.stops.tolist(), strict=True):
        sources = mix.sources[start:stop]
        found += [sources, sources[mix.shares[start:stop] > 0] + 1]
    return Runs.of_points(np.concatenate(found))


def _mixed_back(layer: Resize, axis: int, inputs: Runs) -> Runs:
    """The outputs of a resize that mix some inputs; its sources never fall."""
    mix, found = layer._mixes[axis], []
    for start, stop in zip(inputs.starts.tolist(), inputs.stops.tolist(), strict=True):
        first, high = np.searchsorted(mix.sources, [start, stop])
        low = int(np.searchsorted(mix.sources, start - 1))
        # Those before `first` mix the run's first input as their second one.
        found += [low + np.flatnonzero(mix.shares[low:first] > 0), np.arange(first, high)]
    return Runs.of_points(np.concatenate(found))


def bounded(counts: np.ndarray, factor: int) -> np.ndarray:
    """Counts as Python integers where sums of `factor` of them might not fit an int64."""
    if counts.dtype != object and int(counts.max(initial=0)) * factor >= WIDEST:
        return counts.astype(object)
    return counts


def back(reader: AxisReader, counts: np.ndarray, offset: int, clipped: bool) -> tuple[np.ndarray, int]:
    """Counts of the outputs from `offset` on, along the first axis, handed on to the inputs they read through each tap.

    Returns
    -------
    (ndarray, int)
        The counts of a range of inputs, and its first.
    """
    layer = reader.leaf.of if isinstance(reader.leaf, Transposed) else reader.leaf
    if not clipped:
        return _back_endless(reader, counts, offset)
    if isinstance(layer, (Convolution, AvgPool)):
        geometry = layer.geometry.axes[reader.axis]
        if layer is not reader.leaf:
            counts, offset = _unfolded_counts(geometry, counts, offset)
            counts, offset = _back_endless(reader, counts, offset)
            return _cut(counts, offset, geometry.output_size)
        counts, offset = _back_endless(reader, counts, offset)
        return _folded_counts(geometry, counts, offset)
    if isinstance(layer, Resize):
        return _back_mixed(reader, layer, counts, offset)
    return _cut(*_back_endless(reader, counts, offset), reader.in_size)


def _back_endless(reader: AxisReader, counts: np.ndarray, offset: int) -> tuple[np.ndarray, int]:
    own = reader.own
    counts = bounded(counts, own.inputs.size)
    reach = reader.reads(Runs.between(offset, offset + len(counts)), False)
    if not reach:
        return _nothing(counts), 0
    low, high = reach.hull
    total = _zeros(high - low, counts)
    for phase, read in zip(own.outputs.tolist(), own.inputs.tolist(), strict=True):
        first = (phase - offset) % own.out_step
        part = counts[first :: own.out_step]
        if len(part):
            start = (offset + first) // own.out_step * own.in_step + read - low
            total[start : start + (len(part) - 1) * own.in_step + 1 : own.in_step] += part
    return total, low


def _folded_counts(axis: Axis, counts: np.ndarray, offset: int) -> tuple[np.ndarray, int]:
    if axis.padding_mode == "zeros" or (offset >= 0 and offset + len(counts) <= axis.input_size):
        return _cut(counts, offset, axis.input_size)
    sources = axis.source(offset + np.arange(len(counts), dtype=np.int64))
    total = _zeros(axis.input_size, counts)
    np.add.at(total, sources, bounded(counts, len(counts)))
    return total, 0


def _unfolded_counts(axis: Axis, counts: np.ndarray, offset: int) -> tuple[np.ndarray, int]:
    if axis.padding_mode == "zeros":
        return counts, offset
    positions = np.arange(-axis.pad_before, axis.input_size + axis.pad_after, dtype=np.int64)
    sources = axis.source(positions) - offset
    total = _zeros(positions.size, counts)
    known = (sources >= 0) & (sources < len(counts))
    total[known] = counts[sources[known]]
    return total, -axis.pad_before


def _back_mixed(reader: AxisReader, layer: Resize, counts: np.ndarray, offset: int) -> tuple[np.ndarray, int]:
    mix, counts = layer._mixes[reader.axis], bounded(counts, 4 * len(counts))
    reach = reader.reads(Runs.between(offset, offset + len(counts)), True)
    if not reach:
        return _nothing(counts), 0
    low, high = reach.hull
    total = _zeros(high - low, counts)
    if layer is reader.leaf:
        sources, shares = (table[offset : offset + len(counts)] for table in (mix.sources, mix.shares))
        np.add.at(total, sources - low, counts)
        np.add.at(total, sources[shares > 0] + 1 - low, counts[shares > 0])
        return total, low
    for step in (0, 1):
        sources = mix.sources[low:high] + step - offset
        known = (sources >= 0) & (sources < len(counts)) & ((mix.shares[low:high] > 0) if step else True)
        total[known] += counts[sources[known]]
    return total, low


def _cut(counts: np.ndarray, offset: int, size: int) -> tuple[np.ndarray, int]:
    """The part in `[0, size)`."""
    low, high = max(offset, 0), min(offset + len(counts), size)
    return (counts[low - offset : high - offset], low) if high > low else (_nothing(counts), 0)


def _zeros(size: int, like: np.ndarray) -> np.ndarray:
    check_size(f"the paths to {size} positions", size * 32 * (like.size // max(len(like), 1)))
    return np.zeros((size, *like.shape[1:]), dtype=like.dtype)


def _nothing(like: np.ndarray) -> np.ndarray:
    return np.zeros((0, *like.shape[1:]), dtype=like.dtype)
