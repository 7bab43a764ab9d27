"""Planes of an overlap map, each with the counts along its two axes as bars at its edges."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.plots import counts as cells
from convmatrix.plots import style, wording

if TYPE_CHECKING:
    from convmatrix.analysis.overlap import OverlapMap

_PERIODS = 4
"""Repetitions drawn inside the border where not everything is."""
_EDGE, _GAP = 36, 5
"""Points: how high the bars at an edge are, and how far from the map."""
_OUTLINE = "#bd1f01"
ABOVE = _EDGE + _GAP + 4
"""Points above a map at which its title begins."""


@dataclass(frozen=True)
class Plane:
    """A window of a plane through the map: its counts, and along each of its axes (down, across) what else is known.

    `edges` holds the counts along each axis, or is None where the map is no outer product; `inside` the interior.
    """

    axes: tuple[int, int]
    shown: tuple[range, range]
    counts: np.ndarray
    edges: tuple[np.ndarray, np.ndarray] | None
    inside: tuple[slice, slice] | None


def plane_of(result: OverlapMap, axes: tuple[int, int], most: int) -> Plane:
    """The plane along two axes through the middle of all others; of more than `most` positions a corner's window."""
    first, second = axes
    shown = (_window(result, first, most), _window(result, second, most))
    inside = None if result.interior is None else (result.interior[first], result.interior[second])
    at, vectors = middle(result), result.axis_counts
    if vectors is None:
        index: list[Any] = list(at)
        for axis, part in zip(axes, shown, strict=True):
            index[axis] = slice(part.start, part.stop)
        return Plane(axes, shown, np.asarray(result.counts)[tuple(index)], None, inside)
    down, across = (
        np.asarray(vectors[axis])[part.start : part.stop].astype(object) for axis, part in zip(axes, shown, strict=True)
    )
    others = math.prod(int(vector[at[axis]]) for axis, vector in enumerate(vectors) if axis not in axes)
    return Plane(axes, shown, np.multiply.outer(down, across) * others, (down, across), inside)


def middle(result: OverlapMap) -> tuple[int, ...]:
    """The position in the middle of the interior, or of the output where there is none."""
    inner = result.interior or tuple(slice(0, size) for size in result.output_size)
    return tuple((own.start + own.stop) // 2 for own in inner)


def largest(result: OverlapMap) -> int:
    """The largest count of all positions, without the whole map where it is an outer product."""
    if result.axis_counts is None:
        return int(np.asarray(result.counts).max())
    return math.prod(int(np.asarray(vector).max()) for vector in result.axis_counts)


def _window(result: OverlapMap, axis: int, most: int) -> range:
    """All positions of a short axis; else a border with some repetitions behind it, its far end if it is long."""
    size, period = result.output_size[axis], result.period[axis]
    if size <= most:
        return range(size)
    border = result.border[axis][0] if result.interior is not None else 0
    length = min(max(border + _PERIODS * period, most // 2), most)
    start = 0 if border + period <= length else max(border - length // 2, 0)
    return range(min(start, size - length), min(start, size - length) + length)


def draw_plane(ax: Any, result: OverlapMap, plane: Plane, shades: cells.Shades) -> None:
    """Draw a window into `ax`: cells with their counts, the interior outlined, bars along its upper and right edge."""
    rows, columns = plane.counts.shape
    image = shades.draw(ax, plane.counts, (-0.5, columns - 0.5, rows - 0.5, -0.5))
    empty = np.argwhere(plane.counts == 0).tolist()
    cells.hatch_holes(ax, [(column - 0.5, column + 0.5, row + 0.5, row - 0.5) for row, column in empty])
    width, height = style.cell_points(ax, rows, columns)
    if min(width, height) > 5:
        ax.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, color="white", linewidth=0.5)
        ax.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, color="white", linewidth=0.5)
    flat = plane.counts.reshape(-1)
    size = cells.readable([cells.label(count) for count in flat.tolist()], width, height)
    if size is not None:
        places = np.argwhere(np.ones(plane.counts.shape, dtype=bool))[:, ::-1]
        cells.number_cells(ax, image, shades, flat, places, size)
    _outline_interior(ax, plane)
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)
    beside = _draw_edges(ax, plane, image, shades) if plane.edges is not None else 0.0
    if size is None:
        _explain_colors(ax, image, shades, beside)
    _name_positions(ax, result, plane)


def _outline_interior(ax: Any, plane: Plane) -> None:
    """Lines where the interior begins and ends, as far as they are inside the window."""
    if plane.inside is None:
        return
    (top, bottom), (left, right) = (
        (own.start - part.start, own.stop - part.start) for own, part in zip(plane.inside, plane.shown, strict=True)
    )
    rows, columns = plane.counts.shape
    line = {"color": _OUTLINE, "linewidth": 2.0, "label": "interior", "clip_on": False, "zorder": 3}
    across = [max(left, 0) - 0.5, min(right, columns) - 0.5]
    down = [max(top, 0) - 0.5, min(bottom, rows) - 0.5]
    for place, most in ((top, rows), (bottom, rows)):
        if 0 <= place <= most:
            ax.plot(across, [place - 0.5] * 2, **line)
    for place, most in ((left, columns), (right, columns)):
        if 0 <= place <= most:
            ax.plot([place - 0.5] * 2, down, **line)


def _draw_edges(ax: Any, plane: Plane, image: Any, shades: cells.Shades) -> float:
    """Bars above the map for its columns and beside it for its rows; how many points they reach to the right."""
    assert plane.edges is not None
    width, height = style.cell_points(ax, 1, 1)
    above = ax.inset_axes((0, 1 + _GAP / height, 1, _EDGE / height), label="bars across")
    beside = ax.inset_axes((1 + _GAP / width, 0, _EDGE / width, 1), label="bars down")
    for panel, vector, across in ((above, plane.edges[1], True), (beside, plane.edges[0], False)):
        heights = shades.heights(vector)
        colors = [cells.color_of(image, one) for one in heights.tolist()]
        bars = {"color": colors, "edgecolor": style.INK, "linewidth": 0.5}
        places, top = np.arange(len(vector)), float(heights.max()) or 1.0
        style.bare(panel)
        if across:
            panel.bar(places, heights, width=0.86, **bars)
            panel.set(xlim=ax.get_xlim(), ylim=(0, 1.5 * top))
            panel.axhline(0, color=style.INK, linewidth=0.8, clip_on=False)
        else:
            panel.barh(places, heights, height=0.86, **bars)
            panel.set(ylim=ax.get_ylim(), xlim=(0, 1.5 * top))
            panel.axvline(0, color=style.INK, linewidth=0.8, clip_on=False)
        _number_bars(panel, vector, heights, across=across)
    return float(_EDGE + _GAP)


def _number_bars(panel: Any, vector: np.ndarray, heights: np.ndarray, *, across: bool) -> None:
    """The counts at the ends of their bars; where they do not fit, the largest as the axis's only tick."""
    labels = [cells.label(count) for count in vector.tolist()]
    width, height = style.cell_points(panel, 1 if across else len(vector), len(vector) if across else 1)
    size = cells.readable(labels, width - 1, 12) if across else cells.readable(labels, _EDGE / 2, 1.1 * height)
    top = float(heights.max())
    if size is None:
        (panel.set_yticks if across else panel.set_xticks)([0, top], ["0", cells.label(max(vector.tolist()))])
        panel.tick_params(labelsize=style.SMALL, length=2, pad=2)
        return
    for place, (said, at) in enumerate(zip(labels, heights.tolist(), strict=True)):
        if across:
            panel.text(place, at + 0.05 * top, said, ha="center", va="bottom", fontsize=size)
        else:
            panel.text(at + 0.07 * top, place, said, ha="left", va="center", fontsize=size)


def _explain_colors(ax: Any, image: Any, shades: cells.Shades, beside: float) -> None:
    """A colour bar at the right, where the cells have no numbers."""
    width, _ = style.cell_points(ax, 1, 1)
    strip = ax.inset_axes((1 + (beside + 9) / width, 0, 7 / width, 1), label="colours")
    bar = ax.get_figure().colorbar(image, cax=strip)
    bar.set_ticks([0, shades.top], labels=["0", cells.label(shades.most)])
    bar.ax.tick_params(labelsize=style.SMALL, length=2, pad=2)


def _name_positions(ax: Any, result: OverlapMap, plane: Plane) -> None:
    names = wording.axis_names((1, *result.output_size))[1:]
    rows, columns = plane.counts.shape
    width, height = style.cell_points(ax, rows, columns)
    down, across = plane.shown
    for axis, part, size, points in (("x", across, columns, width), ("y", down, rows, height)):
        letters = len(str(part.stop)) if axis == "x" else 1
        step = style.nice_step(max((5 * letters + 5) / points, 13 / points, 1))
        places = range(-part.start % step, size, step)
        getattr(ax, f"set_{axis}ticks")(places, [f"{part.start + place}" for place in places])
    ax.tick_params(labelsize=style.SMALL, length=2, pad=2)
    ax.set_ylabel(f"output position {names[plane.axes[0]]}", fontsize=style.NORMAL, labelpad=3)
    lines = [f"output position {names[plane.axes[1]]}", *_notes(ax, result, plane)]
    ax.set_xlabel("\n".join(lines), fontsize=style.NORMAL, labelpad=3)


def _notes(ax: Any, result: OverlapMap, plane: Plane) -> list[str]:
    """What is drawn and how, in lines as wide as the map."""
    sizes = tuple(result.output_size[axis] for axis in plane.axes)
    said = []
    if plane.counts.shape != sizes:
        shown, whole = ("x".join(f"{n:,}" for n in shape) for shape in (plane.counts.shape, sizes))
        corner = tuple(part.start for part in plane.shown)
        said.append(f"the first {shown} of {whole} outputs" if not any(corner) else f"{shown} of {whole} outputs")
    if plane.inside is None:
        said.append("no output is interior")
    else:
        said.append("interior outlined")
    if (plane.counts == 0).any():
        said.append(cells.HOLE)
    if plane.edges is not None and len(result.output_size) == 2:
        said.append("a cell is the product of its two bars")
    letters = max(int(style.cell_points(ax, 1, 1)[0] / (0.5 * style.NORMAL)), 26)
    return [line for part in said for line in textwrap.wrap(part, letters)]
