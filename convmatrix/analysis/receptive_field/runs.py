"""Sets of positions along an axis as runs of neighbours: a field of a million positions is mostly one run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.memory import check_size

WIDEST = 2**62
"""Magnitudes from which positions are Python integers."""


@dataclass(frozen=True, eq=False, slots=True)
class Runs:
    """Positions `[starts[i], stops[i])` for every `i`, ascending and apart.

    Examples
    --------
    >>> runs = Runs.of(np.array([3, 4]), np.array([5, 7]))
    >>> runs.starts, runs.stops, runs.count
    (array([3]), array([7]), 4)
    """

    starts: np.ndarray
    stops: np.ndarray

    @classmethod
    def of(cls, starts: np.ndarray, stops: np.ndarray) -> Runs:
        """The union of intervals in any order."""
        if starts.size > 1:
            order = np.argsort(starts, kind="stable")
            starts, stops = starts[order], np.maximum.accumulate(stops[order])
            new = np.flatnonzero(starts[1:] > stops[:-1])
            starts = starts[np.concatenate([[0], new + 1])]
            stops = stops[np.concatenate([new, [stops.size - 1]])]
        return cls(starts, stops)

    @classmethod
    def of_points(cls, points: np.ndarray) -> Runs:
        """A set of positions in any order, with repetitions."""
        points = np.unique(points)
        if not points.size:
            return cls(points, points)
        new = np.flatnonzero(points[1:] != points[:-1] + 1)
        first = np.concatenate([[0], new + 1])
        return cls(points[first], points[np.concatenate([new, [points.size - 1]])] + 1)

    @classmethod
    def between(cls, start: int, stop: int) -> Runs:
        """One run, or none where `stop <= start`."""
        dtype: Any = object if max(abs(start), abs(stop)) >= WIDEST else np.int64
        ends = ([start], [stop]) if stop > start else ([], [])
        return cls(np.array(ends[0], dtype=dtype), np.array(ends[1], dtype=dtype))

    @classmethod
    def union(cls, several: Iterable[Runs]) -> Runs:
        """All positions of several sets."""
        parts = list(several)
        if len(parts) == 1:
            return parts[0]
        return cls.of(np.concatenate([part.starts for part in parts]), np.concatenate([part.stops for part in parts]))

    def __bool__(self) -> bool:
        return bool(self.starts.size)

    @property
    def hull(self) -> tuple[int, int]:
        """From the first position to behind the last; of a set that is not empty."""
        return int(self.starts[0]), int(self.stops[-1])

    @property
    def count(self) -> int:
        """How many positions."""
        return int((self.stops - self.starts).sum()) if self else 0

    def clip(self, low: int, high: int) -> Runs:
        """Those in `[low, high)`."""
        if not self or (self.starts[0] >= low and self.stops[-1] <= high):
            return self
        starts, stops = np.maximum(self.starts, low), np.minimum(self.stops, high)
        kept = np.flatnonzero(starts < stops)
        return Runs(starts[kept], stops[kept])

    def complement(self, low: int, high: int) -> Runs:
        """The positions of `[low, high)` that do not belong to it."""
        inside = self.clip(low, high)
        starts, stops = np.concatenate([[low], inside.stops]), np.concatenate([inside.starts, [high]])
        kept = np.flatnonzero(starts < stops)
        return Runs(starts[kept], stops[kept])

    def points(self) -> np.ndarray:
        """One by one, if they fit into memory."""
        count = self.count
        check_size(f"the list of {count} positions", 16 * count)
        lengths = (self.stops - self.starts).astype(np.int64)
        before = np.cumsum(lengths) - lengths
        return np.repeat(self.starts - before, lengths) + np.arange(count, dtype=np.int64)

    def has(self, points: np.ndarray) -> np.ndarray:
        """Which of some positions belong to it."""
        if not self:
            return np.zeros(points.shape, dtype=bool)
        place = np.searchsorted(self.starts, points, side="right") - 1
        return (place >= 0) & (points < self.stops[np.maximum(place, 0)])

    def covers(self, other: Runs) -> bool:
        """Whether every position of the other is one of this."""
        if not self or not other:
            return not other
        place = np.searchsorted(self.starts, other.starts, side="right") - 1
        return bool(((place >= 0) & (other.stops <= self.stops[np.maximum(place, 0)])).all())

    def mask(self, low: int, high: int) -> np.ndarray:
        """Which positions of `[low, high)` belong to it."""
        inside = self.clip(low, high)
        edges = np.zeros(high - low + 1, dtype=np.int8)
        edges[(inside.starts - low).astype(np.int64)] += 1
        edges[(inside.stops - low).astype(np.int64)] -= 1
        return np.cumsum(edges[:-1], dtype=np.int8) > 0
