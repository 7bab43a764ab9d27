"""How far apart the inputs are that any output of an axis really reads, borders included: a table, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np

from convmatrix.analysis.receptive_field.reading import AxisReader
from convmatrix.analysis.receptive_field.runs import Runs
from convmatrix.analysis.receptive_field.walking import Fork, Step, readers, set_along
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

_MOST_READS, _LONGEST = 1 << 27, 1 << 24
_SAMPLED, _MOST_WALKS = 64, 1 << 16
"""Outputs at either end and in the middle of an axis whose table would be too long, and layers walked through."""


def widest_really(steps: Sequence[Step], axis: int, in_size: int, out_size: int) -> int:
    """The largest extent of what any output reads along an axis, by itself; of a very long axis of some outputs.

    Examples
    --------
    >>> import convmatrix as cm
    >>> from convmatrix.analysis.receptive_field.walking import tree_of
    >>> widest_really(tree_of([cm.conv("1 1 1", 6, padding=1, padding_mode="circular")]), 0, 6, 6)
    6
    """
    layers = readers(steps, axis)
    longest = max(in_size, *(reader.leaf.out_shape[1 + axis] for reader in layers))
    if longest <= _LONGEST and sum(reader.own.inputs.size * _turns(reader) for reader in layers) <= _MOST_READS:
        first, last = _ends(steps, axis, np.arange(in_size), np.arange(in_size))
        return int((last - first + 1).max(where=last >= 0, initial=0))
    most = max(1, min(_SAMPLED, _MOST_WALKS // len(layers)))
    parts = (range(most), range((out_size - most) // 2, (out_size + most) // 2))
    looked = {place for part in (*parts, range(out_size - most, out_size)) for place in part}
    return widest_of(steps, axis, [place for place in sorted(looked) if 0 <= place < out_size])


def widest_of(steps: Sequence[Step], axis: int, outputs: Sequence[int]) -> int:
    """The largest extent of what some outputs read along an axis, within its borders."""
    found = [set_along(steps, axis, Runs.between(place, place + 1), True) for place in outputs]
    return max((reads.hull[1] - reads.hull[0] for reads in found if reads), default=0)


def _turns(reader: AxisReader) -> int:
    return -(-reader.leaf.out_shape[1 + reader.axis] // reader.own.out_step)


def _ends(steps: Sequence[Step], axis: int, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last input behind every output, where those behind every input of the steps are known; -1 if none."""
    for step in steps:
        if isinstance(step, Fork):
            ends = [_ends(branch, axis, first, last) for branch in step.branches]
            first, last = reduce(np.minimum, [end[0] for end in ends]), reduce(np.maximum, [end[1] for end in ends])
            continue
        reader = step.readers[axis]
        size = reader.leaf.out_shape[1 + axis]
        low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1, dtype=np.int64)
        for outputs, inputs in _reads(reader):
            np.minimum.at(low, outputs, first[inputs])
            np.maximum.at(high, outputs, last[inputs])
        first, last = low, high
    return first, last


def _reads(reader: AxisReader) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of an output and an input that it reads by the layer's own rule, a tap at a time."""
    layer = reader.leaf.of if isinstance(reader.leaf, Transposed) else reader.leaf
    if isinstance(layer, (Convolution, AvgPool, Resize)):
        for rows, columns in _rows(layer, reader.axis):
            yield (rows, columns) if layer is reader.leaf else (columns, rows)
        return
    own, turns = reader.own, np.arange(_turns(reader), dtype=np.int64)
    for phase, read in zip(own.outputs.tolist(), own.inputs.tolist(), strict=True):
        yield phase + turns * own.out_step, read + turns * own.in_step


def _rows(layer: Convolution | AvgPool | Resize, axis: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of the entries of an axis's matrix."""
    if isinstance(layer, Resize):
        mix = layer._mixes[axis]
        both = np.flatnonzero(mix.shares > 0)
        yield np.arange(mix.sources.size, dtype=np.int64), mix.sources
        yield both, mix.sources[both] + 1
        return
    geometry = layer.geometry.axes[axis]
    outputs = np.arange(geometry.output_size, dtype=np.int64)
    for tap in range(geometry.kernel_size):
        inputs = geometry.source(outputs * geometry.stride + tap * geometry.dilation - geometry.pad_before)
        yield outputs[inputs >= 0], inputs[inputs >= 0]
