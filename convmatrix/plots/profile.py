"""The counts along one axis as bars; of a long axis both ends and the middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convmatrix.plots import counts as cells
from convmatrix.plots import style

MOST = 42
"""Positions drawn of a long axis."""
_GAP = 3
"""Cells left free where positions are left out."""
_STRIP = 0.16
"""Height of the shaded cells below the bars, as a share of the highest bar."""


def windows(size: int, most: int = MOST, middle: int | None = None) -> list[range]:
    """The positions drawn of an axis: all of a short one, else the ends and as many round the middle.

    >>> windows(5), windows(100, 12)
    ([range(0, 5)], [range(0, 4), range(48, 52), range(96, 100)])
    """
    if size <= most:
        return [range(size)]
    share = most // 3
    start = (size if middle is None else 2 * middle) // 2 - share // 2
    start = min(max(start, share), size - 2 * share)
    return [range(share), range(start, start + share), range(size - share, size)]


def draw_profile(
    ax: Any, vector: np.ndarray, shades: cells.Shades, *, interior: slice | None, name: str, ylabel: str
) -> None:
    """Bars over a strip of shaded cells, the numbers above the bars, the interior bracketed below.

    Parameters
    ----------
    ax : Axes
        To fill.
    vector : ndarray
        Counts of all positions.
    shades : Shades
        The colours.
    interior : slice or None
        The positions that no border reaches.
    name, ylabel : str
        What the positions and the counts are.
    """
    middle = None if interior is None else (interior.start + interior.stop) // 2
    shown = windows(len(vector), middle=middle)
    starts = np.concatenate([[0], np.cumsum([len(part) + _GAP for part in shown])]).tolist()
    parts = [np.asarray(vector[part.start : part.stop]) for part in shown]
    most = max(max(counts.tolist()) for counts in parts)
    top = float(shades.heights(np.array([most], dtype=object))[0]) or 1.0
    total = starts[-1] - _GAP
    ax.set_xlim(-0.6, total - 0.4)
    size = _size_of_numbers(ax, parts, total)
    for part, start, counts in zip(shown, starts, parts, strict=False):
        _draw_window(ax, start, counts, shades, top, size)
        if interior is not None:
            _underline(ax, part, start, interior, top)
    _leave_out(ax, shown, starts, top)
    _finish(ax, shown, starts, top, name)
    ax.set_ylabel(ylabel, fontsize=style.NORMAL, labelpad=2)
    if size is None:
        # Bars without numbers need a scale.
        ax.set_yticks([0, top], ["0", cells.label(most)])


def _draw_window(ax: Any, start: int, counts: np.ndarray, shades: cells.Shades, top: float, size: float | None) -> None:
    """Bars of neighbouring positions from `start` on, the strip of cells below them, the numbers above."""
    places, heights, foot = start + np.arange(len(counts)), shades.heights(counts), -_STRIP * top
    image = shades.draw(ax, counts[None], (start - 0.5, start + len(counts) - 0.5, foot, 0))
    colors = [cells.color_of(image, height) for height in heights.tolist()]
    ax.bar(places, heights, width=0.86, color=colors, edgecolor=style.INK, linewidth=0.5)
    cells.hatch_holes(ax, [(place - 0.5, place + 0.5, foot, 0) for place in places[counts == 0]])
    if size is not None:
        for place, count, height in zip(places, counts.tolist(), heights.tolist(), strict=True):
            ax.text(place, height + 0.03 * top, cells.label(count), ha="center", va="bottom", fontsize=size)


def _size_of_numbers(ax: Any, parts: Sequence[np.ndarray], total: int) -> float | None:
    width, _ = style.cell_points(ax, 1, total + 0.2)
    return cells.readable([cells.label(count) for part in parts for count in part.tolist()], width, 12)


def _underline(ax: Any, part: range, start: int, interior: slice, top: float) -> None:
    """A line below the positions of a window that belong to the interior, turned up where it ends."""
    low, high = max(part.start, interior.start), min(part.stop, interior.stop)
    if low >= high:
        return
    left, right, y = start + low - part.start - 0.45, start + high - part.start - 0.55, -(_STRIP + 0.12) * top
    end = -(_STRIP + 0.03) * top
    x, line = [left, right], [y, y]
    if low == interior.start:
        x, line = [left, *x], [end, *line]
    if high == interior.stop:
        x, line = [*x, right], [*line, end]
    ax.plot(x, line, label="interior", clip_on=False, **cells.INTERIOR_LINE)


def _leave_out(ax: Any, shown: Sequence[range], starts: Sequence[int], top: float) -> None:
    """Three dots where positions are not drawn."""
    for start in starts[1 : len(shown)]:
        ax.text(start - _GAP / 2 - 0.5, 0.4 * top, "\u22ef", ha="center", va="center", fontsize=1.4 * style.LARGE)


def _finish(ax: Any, shown: Sequence[range], starts: Sequence[int], top: float, name: str) -> None:
    """Limits, and the real positions as ticks."""
    total = starts[-1] - _GAP
    ax.set_xlim(-0.6, total - 0.4)
    ax.set_ylim(-(_STRIP + 0.2) * top, 1.22 * top)
    width, _ = style.cell_points(ax, 1, total)
    every = style.nice_step(max(16 / width, 1))
    places = [start + place for part, start in zip(shown, starts, strict=False) for place in range(0, len(part), every)]
    names = [f"{place}" for part in shown for place in part[::every]]
    if 5 * max(map(len, names)) > width * every:
        # Numbers of far positions are wide: the first of each window is named.
        places, names = list(starts[:-1]), [f"{part.start:,}" for part in shown]
    ax.set_xticks(places, names)
    ax.set_yticks([])
    ax.tick_params(axis="both", labelsize=style.SMALL, length=2, pad=2)
    ax.set_xlabel(name, fontsize=style.NORMAL, labelpad=2)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
