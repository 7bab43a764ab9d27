"""How far apart the inputs are that an output really reads: looked up in the matrix, or in the tables of its axes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix.analysis.inspection.counting import leaves
from convmatrix.analysis.receptive_field.runs import Runs
from convmatrix.analysis.receptive_field.walking import Fork, Step, hull_of, walk
from convmatrix.operators import TensorOperator

_MOST_ENTRIES = 1 << 21
_MOST_OUTPUTS = 4096
_MOST_WALKS = 256


def measure(
    ops: Sequence[TensorOperator], steps: Sequence[Step], periods: tuple[int, ...]
) -> tuple[tuple[int, ...], bool, str]:
    """The widest row of the matrix per axis; whether of outputs that no border reaches; and what was looked at.

    The rows of an output position, one a channel, are taken together. They are rows of the matrix product itself
    ("matrix") where that is small, otherwise of the matrices of its axes ("axes"), of which channels know nothing.
    """
    out_size = ops[-1].out_shape[1:]
    chosen = [_middle(steps, axis, n, period) for axis, (n, period) in enumerate(zip(out_size, periods, strict=True))]
    inside = all(chosen)
    outputs = chosen if inside else [list(range(min(n, _MOST_OUTPUTS))) for n in out_size]
    if _is_small(ops, prod(map(len, outputs))):
        return _in_matrix(ops, outputs), inside, "matrix"
    return _in_axes(steps, outputs), inside, "axes"


def _middle(steps: Sequence[Step], axis: int, size: int, period: int) -> list[int]:
    """One repetition of outputs round the middle, as far as no border reaches them."""
    period = min(period, size, _MOST_OUTPUTS)
    first = (size - period) // 2
    return [
        place for place in range(first, first + period) if is_untouched(steps, axis, Runs.between(place, place + 1))
    ]


def is_untouched(steps: Sequence[Step], axis: int, outputs: Runs) -> bool:
    """Whether some outputs read along an axis what they would read of an endless input, layer by layer."""
    return _through(steps, axis, outputs) is not None


def _through(steps: Sequence[Step], axis: int, outputs: Runs) -> Runs | None:
    for step in reversed(steps):
        if isinstance(step, Fork):
            found = [_through(branch, axis, outputs) for branch in step.branches]
            whole = [part for part in found if part is not None]
            if len(whole) < len(found):
                return None
            outputs = Runs.union(whole)
            continue
        reader = step.readers[axis]
        reads, real = reader.reads(outputs, False), reader.reads(outputs, True)
        if reads and (reads.hull[0] < 0 or reads.hull[1] > reader.in_size):
            return None
        if not (reads.covers(real) and real.covers(reads)):
            return None
        outputs = reads
    return outputs


def _is_small(ops: Sequence[TensorOperator], outputs: int) -> bool:
    """Whether the rows of so many outputs, and the matrices they are multiplied with, are few entries."""
    rows = outputs * ops[-1].out_shape[0]
    if rows * max(op.shape[1] for op in ops) > 4 * _MOST_ENTRIES:
        return False
    return sum(leaf.nnz for op in ops for leaf in leaves(op)) <= _MOST_ENTRIES


def _in_matrix(ops: Sequence[TensorOperator], outputs: Sequence[Sequence[int]]) -> tuple[int, ...]:
    channels, *size = ops[-1].out_shape
    places = np.ravel_multi_index(np.meshgrid(*outputs, indexing="ij"), size).reshape(-1)
    rows = (np.arange(channels)[:, None] * prod(size) + places).reshape(-1)
    ones, ends = np.ones(rows.size, dtype=np.float32), np.arange(rows.size + 1)
    pattern = csr_array((ones, rows, ends), shape=(rows.size, ops[-1].shape[0]))
    for op in reversed(ops):
        pattern = pattern @ op._structure()
        # Paths are not counted here, and their number may be beyond any float.
        pattern.data[:] = 1
    entries = pattern.tocoo()
    where = np.unravel_index(entries.col % prod(ops[0].in_shape[1:]), ops[0].in_shape[1:])
    found = []
    for inputs in where:
        low, high = np.full(places.size, np.iinfo(np.int64).max), np.full(places.size, -1)
        np.minimum.at(low, entries.row % places.size, inputs)
        np.maximum.at(high, entries.row % places.size, inputs)
        found.append(int(np.where(high >= 0, high - low + 1, 0).max()))
    return tuple(found)


def _in_axes(steps: Sequence[Step], outputs: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Along each axis, the others in their middle where not all can be looked at."""
    middle = [places[len(places) // 2] for places in outputs]
    if prod(map(len, outputs)) <= _MOST_WALKS:
        looked: Any = product(*outputs)
    else:
        looked = (
            (*middle[:axis], place, *middle[axis + 1 :]) for axis in range(len(outputs)) for place in outputs[axis]
        )
    sizes = [0] * len(outputs)
    for at in looked:
        boxes = walk(steps, [tuple(Runs.between(place, place + 1) for place in at)], True)
        if boxes:
            sizes = [max(size, high - low) for size, (low, high) in zip(sizes, hull_of(boxes), strict=True)]
    return tuple(sizes)
