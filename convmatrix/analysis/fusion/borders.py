"""Where two layers agree: a box of output positions, and what lies around it, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Box = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class Border:
    """Which output positions differ, and the box in which none does, None if there is no such box."""

    differs: np.ndarray
    interior: Box | None

    def describe(self) -> str:
        """The places in words."""
        total, count = self.differs.size, int(np.count_nonzero(self.differs))
        tally = f"{count:,} of {total:,} output positions"
        if not count:
            return "nowhere"
        if self.interior is None:
            return tally
        sides = [(box.start, size - box.stop) for box, size in zip(self.interior, self.differs.shape, strict=True)]
        return f"{_sides(sides)}: {tally}"


def border_of(differs: np.ndarray) -> Border:
    """The border of a mask: faces that hold the most differences are cut away until none is left within."""
    low, high = [0] * differs.ndim, list(differs.shape)
    while min((b - a for a, b in zip(low, high, strict=True)), default=1) > 0:
        box = tuple(map(slice, low, high))
        part = differs[box]
        if not part.any():
            return Border(differs, box)
        if not differs.ndim:
            break
        shares = [_face_shares(part, axis) for axis in range(differs.ndim)]
        axis = max(range(differs.ndim), key=lambda a: max(shares[a]))
        if shares[axis][0] >= shares[axis][1]:
            low[axis] += 1
        if shares[axis][1] >= shares[axis][0]:
            high[axis] -= 1
    return Border(differs, None)


def stretched(mask: np.ndarray, shape: tuple[int, ...], periods: tuple[int, ...]) -> np.ndarray:
    """The mask of a smaller output on a larger one: both borders keep their width, a period between them is repeated.

    >>> stretched(np.array([1, 0, 1, 0, 0, 1]), (8,), (2,)).tolist()
    [1, 0, 1, 0, 1, 0, 0, 1]
    """
    for axis, (small, size, period) in enumerate(zip(mask.shape, shape, periods, strict=True)):
        if small == size:
            continue
        first = (small - period) // 2
        index = np.arange(size)
        middle = first + (index - first) % period
        kept = np.where(index < first, index, middle)
        kept = np.where(index >= size - (small - first - period), index - (size - small), kept)
        mask = mask.take(kept, axis=axis)
    return mask


def _face_shares(part: np.ndarray, axis: int) -> tuple[float, float]:
    """The share of differing positions on the first and the last face across an axis."""
    return float(part.take(0, axis=axis).mean()), float(part.take(-1, axis=axis).mean())


def _sides(sides: list[tuple[int, int]]) -> str:
    widths = {width for pair in sides for width in pair}
    if len(widths) == 1:
        width = widths.pop()
        axes = {1: "the axis", 2: "both axes"}.get(len(sides), f"all {len(sides)} axes")
        return f"the outermost {_positions(width)} at every side of {axes}"
    texts = []
    for axis, (before, after) in enumerate(sides):
        ends = [f"{word} {width}" for word, width in (("first", before), ("last", after)) if width]
        if ends:
            texts.append(
                f"the {' and '.join(ends)} {'position' if max(before, after) == 1 else 'positions'} of axis {axis}"
            )
    return ", ".join(texts)


def _positions(count: int) -> str:
    return f"{count} position" + ("" if count == 1 else "s")
