"""A field of one dimension: its layers above each other, threads from the output down to the inputs it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.receptive_field.threads import Level, levels_of
from convmatrix.plots import counts as cells
from convmatrix.plots import style

if TYPE_CHECKING:
    from convmatrix.analysis.receptive_field import ReceptiveField

_MOST = 2000
"""Positions and threads up to which all are drawn; beyond, the paths alone are."""
_MOST_LEVELS = 12
_MOST_DOTS = 200
_THREAD, _IDLE = "#3f90da", "#c9c9c9"
_CELL = 0.62
"""Height of an input's cell, where layers are 1 apart."""
# Inches.
_WIDE, _INPUT, _LEVEL = 5.6, 0.3, 0.62


def draw_panel(figure: Any, result: ReceptiveField, given: dict[str, Any]) -> None:
    """The panel of a figure of its own."""
    levels = _levels(result)
    size = max(result.coverage_shape[0], 1)
    width = min(max(_INPUT * (size + 2), 2.2), _WIDE)
    height = 1.5 if levels is None else _LEVEL * len(levels)
    draw_threads(style.panel(figure, "threads", 1.2, 0.9, width, height), result, given)


def draw_threads(ax: Any, result: ReceptiveField, given: dict[str, Any]) -> None:
    """Draw into `ax`: threads, or of a very wide or deep field the paths from each input."""
    if not result.coverage_shape[0]:
        style.bare(ax)
        return
    (part,) = result.window(clipped=False)
    counts = np.asarray(result.coverage())
    levels = _levels(result)
    shades = cells.Shades(int(counts.max()), given)
    ends = part.start - 0.5, part.stop - 0.5
    if levels is None:
        _draw_bars(ax, counts, part.start, shades)
        return
    ax.set(xlim=(ends[0] - 1, ends[1] + 1), ylim=(-0.6, len(levels) - 0.55))
    image = shades.draw(ax, counts[None, :], (*ends, -_CELL / 2, _CELL / 2))
    ax.set(xlim=(ends[0] - 1, ends[1] + 1), ylim=(-0.6, len(levels) - 0.55))
    gaps = (np.flatnonzero(counts == 0) + part.start).tolist()
    cells.hatch_holes(ax, [(x - 0.5, x + 0.5, -_CELL / 2, _CELL / 2) for x in gaps])
    width = style.cell_points(ax, 1, ends[1] - ends[0] + 2)[0]
    tall = style.cell_points(ax, len(levels) + 0.05, 1)[1] * _CELL
    _outline_cells(ax, ends, width)
    _number(ax, image, shades, counts, part.start, (width, tall))
    _draw_levels(ax, levels, ends, width)
    _name_levels(ax, result)


def _levels(result: ReceptiveField) -> list[Level] | None:
    if len(result.layers) > _MOST_LEVELS or max(result.coverage_shape[0], 0) > _MOST // 8:
        return None
    return levels_of(result, _MOST)


def _outline_cells(ax: Any, ends: tuple[float, float], width: float) -> None:
    if width > 4:
        places = np.arange(ends[0], ends[1] + 0.5)
        ax.vlines(places, -_CELL / 2, _CELL / 2, color="#8a8a8a", linewidth=0.5)
        ax.hlines([-_CELL / 2, _CELL / 2], *ends, color="#8a8a8a", linewidth=0.5)


def _number(
    ax: Any, image: Any, shades: cells.Shades, counts: np.ndarray, first: int, room: tuple[float, float]
) -> None:
    read = np.flatnonzero(counts != 0)
    size = cells.readable([cells.label(count) for count in counts[read].tolist()], *room)
    if size is not None:
        places = np.stack([read + first, np.zeros(read.size)], axis=1)
        cells.number_cells(ax, image, shades, counts[read], places, size)


def _draw_levels(ax: Any, levels: list[Level], ends: tuple[float, float], width: float) -> None:
    """Every position as a dot, those on the way filled, and a thread for each read."""
    from matplotlib.collections import LineCollection

    dot = min(max(width, 2.5), 8.0) ** 2 * 0.55
    for height, level in enumerate(levels):
        if not height:
            continue
        below = levels[height - 1]
        foot = height - 1 + (_CELL / 2 if height == 1 else 0)
        upper, lower = level.place(level.edges[:, 0]), below.place(level.edges[:, 1])
        segments = np.stack(
            [np.stack([upper, np.full(upper.size, height)], 1), np.stack([lower, np.full(lower.size, foot)], 1)], 1
        )
        threads = LineCollection(segments.tolist(), colors=_THREAD, linewidths=1.1, zorder=2, label=f"threads {height}")
        ax.add_collection(threads, autolim=False)
        idle = _idle(level, ends)
        ax.scatter(
            idle, np.full(idle.size, height), s=0.6 * dot, facecolor="white", edgecolor=_IDLE, linewidth=0.8, zorder=3
        )
        here = level.place(level.positions)
        top = height == len(levels) - 1
        color, ink = ("#bd1f01" if top else _THREAD), style.INK
        marks = {"s": dot * (1.5 if top else 1), "facecolor": color, "edgecolor": ink, "linewidth": 0.6, "zorder": 4}
        ax.scatter(here, np.full(here.size, height), marker="s" if top else "o", label=f"level {height}", **marks)


def _idle(level: Level, ends: tuple[float, float]) -> np.ndarray:
    """The other positions of a level that stand above the inputs shown."""
    slope, offset = float(level.slope), float(level.offset)
    low, high = int(np.ceil((ends[0] - 0.5 - offset) / slope)), int(np.floor((ends[1] + 0.5 - offset) / slope))
    if high - low > _MOST_DOTS:
        return np.zeros(0)
    return level.place(np.setdiff1d(np.arange(low, high + 1), level.positions))


def _name_levels(ax: Any, result: ReceptiveField) -> None:
    """The layer on the left of each level, how many inputs its outputs see on the right."""
    layers = result.layers
    names = ["input", *(f"{number}: {_name(layer)}" for number, layer in enumerate(layers, 1))]
    ax.set_yticks(range(len(names)), names, fontsize=style.SMALL)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelsize=style.SMALL, length=2)
    edge = ax.get_xlim()[1]
    for height, stage in enumerate(result.stages, 1):
        ax.text(edge, height, f"sees {stage.size[0]:,}", va="center", ha="left", fontsize=style.NORMAL, clip_on=False)
    ax.text(edge, 0, "paths", va="center", ha="left", fontsize=style.SMALL, clip_on=False)
    ax.set_xlabel("input position", fontsize=style.NORMAL)
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)


def _name(layer: Any) -> str:
    """What a layer is, in few letters."""
    kind = type(layer).__name__
    if kind == "Sum":
        return "sum of branches"
    inner = layer.of if kind == "Transposed" else layer
    said = inner._label() or type(inner).__name__
    named = {"Convolution": f"kernel {said}", "AvgPool": f"average {said}", "Resize": f"resize {said}"}
    return ("transposed " if kind == "Transposed" else "") + named.get(type(inner).__name__, said)


def _draw_bars(ax: Any, counts: np.ndarray, first: int, shades: cells.Shades) -> None:
    """The paths from each input of a field too wide for threads, as one strip of colour."""
    ends = first - 0.5, first + len(counts) - 0.5
    image = shades.draw(ax, counts[None, :], (*ends, 0, 1))
    gaps = np.flatnonzero(counts == 0)
    if gaps.size <= _MOST:
        cells.hatch_holes(ax, [(x - 0.5, x + 0.5, 0.0, 1.0) for x in (gaps + first).tolist()])
    ax.set(xlim=ends, ylim=(0, 1), yticks=[])
    ax.set_xlabel("input position", fontsize=style.NORMAL)
    ax.tick_params(labelsize=style.SMALL, length=2)
    points = style.cell_points(ax, 1, 1)[0]
    bar = ax.inset_axes((1 + 8 / points, 0, 8 / points, 1), label="paths")
    ax.get_figure(root=False).colorbar(image, cax=bar)
    bar.set_ylabel("paths", fontsize=style.SMALL)
    bar.tick_params(labelsize=style.SMALL, length=2)
