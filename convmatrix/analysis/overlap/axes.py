"""The counts of one axis, which repeat but for its borders, and their outer products at the memory's speed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix.analysis.phases import Interior, axis_paths, axis_paths_at, axis_phase_paths
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator

_LONG_ROW_BYTES = 1 << 10
_BLOCK_BYTES = 1 << 13
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class AxisCounts:
    """The counts along one axis: those before the interior, one period of it, those after.

    Parameters
    ----------
    size : int
        Output positions.
    before, cycle, after : ndarray of int, or of Python integers
        Position `before.size + i` of the interior has count `cycle[i % cycle.size]`.

    Examples
    --------
    >>> import numpy as np
    >>> AxisCounts(6, np.array([1]), np.array([2, 1]), np.array([1])).along(np.uint8)
    array([1, 2, 1, 2, 1, 1], dtype=uint8)
    """

    size: int
    before: np.ndarray
    cycle: np.ndarray
    after: np.ndarray

    @cached_property
    def border(self) -> tuple[int, int] | None:
        """The least and the most outside the interior, or None where nothing is."""
        values = [part for part in (self.before, self.after) if part.size]
        return (min(int(part.min()) for part in values), max(int(part.max()) for part in values)) if values else None

    @cached_property
    def extremes(self) -> tuple[int, int]:
        """The least and the most of the whole axis."""
        ends = [*(self.border or ()), *([int(self.cycle.min()), int(self.cycle.max())] if self.cycle.size else [])]
        return min(ends), max(ends)

    def along(self, dtype: Any) -> np.ndarray:
        """The count at every position: `(size,)`."""
        return self.times(np.ones((), dtype=dtype))

    def times(self, rest: np.ndarray) -> np.ndarray:
        """The outer product with the counts of the axes behind this one: `(size, *rest.shape)`, of their dtype."""
        if rest.nbytes >= _LONG_ROW_BYTES:
            return np.multiply.outer(self.along(rest.dtype), rest)
        out = np.empty((self.size, *rest.shape), dtype=rest.dtype)
        low, high = self.before.size, self.size - self.after.size
        out[:low] = np.multiply.outer(self.before.astype(rest.dtype), rest)
        out[high:] = np.multiply.outer(self.after.astype(rest.dtype), rest)
        if high > low:
            self._fill(out[low:high].reshape(-1), rest)
        return out

    def _fill(self, inside: np.ndarray, rest: np.ndarray) -> None:
        """The interior, one block of many short rows after another: NumPy is slow from row to row, not within one."""
        turn = self.cycle.size * rest.size
        turns = min(-(-_BLOCK_BYTES // (turn * rest.itemsize)), -(-inside.size // turn))
        block = np.multiply.outer(np.tile(self.cycle.astype(rest.dtype), turns), rest).reshape(-1)
        whole = inside.size // block.size
        inside[: whole * block.size].reshape(whole, block.size)[:] = block
        inside[whole * block.size :] = block[: inside.size - whole * block.size]


def axis_counts(op: TensorOperator, inside: Interior) -> tuple[AxisCounts, ...] | None:
    """The counts of every axis, or None for a sum whose counts are no outer product.

    Examples
    --------
    >>> import convmatrix as cm
    >>> from convmatrix.analysis.phases import interior
    >>> op = cm.conv_transpose("1 2 3", 10**15, stride=2)
    >>> axis, = axis_counts(op, interior(op))
    >>> axis.size, axis.before, axis.cycle, axis.after
    (2000000000000001, array([1]), array([1, 2]), array([1]))
    """
    sizes = op.out_shape[1:]
    ranges = [pair if pair[1] > pair[0] else (size, size) for size, pair in zip(sizes, inside.ranges, strict=True)]
    whole = all(pair == (0, size) for size, pair in zip(sizes, ranges, strict=True))
    ends = [_NONE if whole else _ends(op, axis, *pair) for axis, pair in enumerate(ranges)]
    vectors = axis_paths(op) if ends[0] is None else axis_phase_paths(op)
    if vectors is None:
        return None
    axes = []
    for size, (low, high), period, own, vector in zip(sizes, ranges, inside.period, ends, vectors, strict=True):
        turn = np.arange(low, low + min(period, high - low))
        if own is None:
            axes.append(AxisCounts(size, vector[:low], vector[turn], vector[high:]))
        else:
            axes.append(AxisCounts(size, own[:low], vector[turn % period], own[low:]))
    return tuple(axes)


def _ends(op: TensorOperator, axis: int, low: int, high: int) -> np.ndarray | None:
    """The counts before the interior and after it, one after the other; None where only the whole can be counted."""
    size = op.out_shape[1 + axis]
    outside = low + size - high
    check_size(f"the counts of {outside} border positions", 48 * outside)
    return axis_paths_at(op, axis, np.concatenate([np.arange(low), np.arange(high, size)]))
