"""The matrix itself: coloured cells, their labels, the lines between blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.operators.base import TensorOperator
from convmatrix.plots import style, wording
from convmatrix.plots.entries import Entries

_LABELLED = 2500
"""Entries up to which each may carry its label."""
_LEAST_SUM = 7.0
"""Points below which a sum of taps is not written in its cell."""
_MOST_NOTES = 20
_LEAST_LINE = 4.5
"""Points between lines of a tensor below which only its channels are told apart."""
_LEAST_SIDE = 1.2
"""Inches below which the short side of a long matrix is stretched, its cells no longer square."""
_CELL = 0.34


@dataclass(frozen=True)
class Paint:
    """What the image shows: a number an entry, the map from numbers to colours, and each entry's own colour."""

    numbers: np.ndarray
    cmap: Any
    low: float
    high: float
    by_class: bool

    def colors(self) -> list[Any]:
        """A colour an entry."""
        span = self.high - self.low or 1.0
        return list(self.cmap((self.numbers - self.low) / span))


def paint(entries: Entries, color: str) -> Paint:
    """Colours by class (tap), those of merged taps grey; or by value, on a diverging map with 0 in its middle."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    if color == "tap":
        assert entries.classes is not None
        colors = [*style.tap_colors(entries.plain), *[style.MERGED] * (len(entries.names) - entries.plain)]
        return Paint(entries.classes, ListedColormap(colors), -0.5, len(colors) - 0.5, True)
    values = entries.numbers()
    assert values is not None
    finite = values[np.isfinite(values)]
    largest = float(np.abs(finite).max()) if finite.size and finite.any() else 1.0
    return Paint(values, colormaps["RdBu_r"], -largest, largest, False)


def cell_size(shape: tuple[int, int], room: tuple[float, float]) -> tuple[float, float]:
    """Width and height in inches of a cell, square unless the matrix is so long and thin that it would vanish."""
    rows, columns = shape
    square = min(room[0] / columns, room[1] / rows, _CELL)
    stretched = [min(max(square, _LEAST_SIDE / cells), _CELL) for cells in (columns, rows)]
    return stretched[0], stretched[1]


def draw_cells(
    ax: Any,
    op: TensorOperator,
    entries: Entries,
    color: str,
    ratio: float,
    notes: dict[str, int],
    **kwargs: Any,
) -> tuple[Any, bool]:
    """Draw every cell; `ratio` is a cell's height over its width. Returns the image and whether cells are labelled.

    A sum that is in `notes` is written as its number there.
    """
    painting = paint(entries, color)
    data = np.ma.masked_array(np.zeros(op.shape, dtype=painting.numbers.dtype), mask=True)
    data[entries.rows, entries.columns] = painting.numbers
    options = {
        "cmap": painting.cmap,
        "vmin": painting.low,
        "vmax": painting.high,
        "aspect": ratio,
        # Where cells are smaller than pixels their colours are mixed, never their numbers.
        "interpolation": "nearest" if min(style.cell_points(ax, *op.shape)) > 1 else "antialiased",
        "interpolation_stage": "rgba",
    }
    if "norm" in kwargs:
        del options["vmin"], options["vmax"]
    image = style.drawn(ax.imshow, data, options=options, given=kwargs)
    cell = style.cell_points(ax, *op.shape)
    draw_lines(ax, op, cell)
    name_positions(ax, op)
    if painting.by_class and entries.plain < len(entries.names):
        _hatch(ax, entries, cell)
    return image, _write_labels(ax, entries, image.cmap(image.norm(painting.numbers)), cell, notes)


def draw_lines(ax: Any, op: TensorOperator, cell: tuple[float, float], channels_only: bool = False) -> None:
    """Thin lines between lines of the tensors, thick ones between channels, a faint one between cells."""
    rows, columns = op.shape
    if min(cell) > 7:
        ax.vlines(np.arange(columns - 1) + 0.5, -0.5, rows - 0.5, color=style.FAINT, linewidth=0.4, zorder=1.5)
        ax.hlines(np.arange(rows - 1) + 0.5, -0.5, columns - 0.5, color=style.FAINT, linewidth=0.4, zorder=1.5)
    for shape, size, along, draw in (
        (op.in_shape, columns, rows, ax.vlines),
        (op.out_shape, rows, columns, ax.hlines),
    ):
        line, channel = wording.blocks(shape)
        points = cell[0 if shape is op.in_shape else 1]
        for step, width, ink in ((line, 0.6, "#808080"), (channel, 1.3, style.INK)):
            room = step * points
            if step > 1 and len(shape) > 1 and room > _LEAST_LINE and not (channels_only and step < channel):
                places = np.arange(step, size, step) - 0.5
                draw(places, -0.5, along - 0.5, color=ink, linewidth=min(width, room / 16), zorder=2)


def name_positions(ax: Any, op: TensorOperator) -> None:
    """Labels of both sides in tensor terms, each at the middle of its block."""
    for side, shape, axis, length in (
        ("input", op.in_shape, ax.xaxis, _points(ax)[0]),
        ("output", op.out_shape, ax.yaxis, _points(ax)[1]),
    ):
        places, names = _ticks(shape, length, upright=side == "input")
        axis.set_ticks(places, names, fontsize=style.SMALL)
        axis.set_tick_params(length=2 if names[0].isdigit() else 0, pad=3)
        label = wording.position_label(side, shape)
        if len(label) * 0.55 * style.NORMAL > length:
            label = label.replace(", f", ",\nf", 1)
        axis.set_label_text(label, fontsize=style.NORMAL)
    widest = max((len(text.get_text()) for text in ax.get_xticklabels()), default=0)
    room = _points(ax)[0] / max(len(ax.get_xticks()), 1)
    if widest * 0.6 * style.SMALL > room:
        ax.tick_params(axis="x", rotation=90)


def frame_row(ax: Any, op: TensorOperator, row: int) -> None:
    """Frame one row, and point at it from the right, where a thin frame would be missed."""
    from matplotlib.patches import Rectangle

    columns = op.shape[1]
    # Round the row and not over it, however thin it is.
    width, height = (1 / points for points in style.cell_points(ax, *op.shape))
    corner = (-0.5 - width, row - 0.5 - height)
    size = (columns + 2 * width, 1 + 2 * height)
    frame = Rectangle(corner, *size, fill=False, edgecolor=style.INK, linewidth=1.4, zorder=5)
    frame.set_clip_on(False)
    frame.set_label("traced row")
    ax.add_patch(frame)
    ax.annotate(
        "", (columns - 0.5, row), xytext=(9, 0), textcoords="offset points",
        arrowprops={"arrowstyle": "-|>", "color": style.INK, "linewidth": 1, "shrinkA": 0, "shrinkB": 1},
        annotation_clip=False,
    )  # fmt: skip


def _points(ax: Any) -> tuple[float, float]:
    return style.cell_points(ax, 1, 1)


def _ticks(shape: tuple[int, ...], length: float, upright: bool) -> tuple[list[float], list[str]]:
    """Places and names of blocks: lines while their names fit, else channels; positions where there is one line."""
    size = int(np.prod(shape))
    line, channel = wording.blocks(shape)
    names = wording.line_names(shape)
    if len(names) == 1:
        letters = 0.65 * len(f"{size:,}") + 1 if upright else 1.8
        step = style.nice_step(letters * style.SMALL * size / length)
        return [float(p) for p in range(0, size, step)], [f"{p:,}" for p in range(0, size, step)]
    if length / len(names) < 1.25 * style.SMALL and shape[0] > 1:
        line, names = channel, [f"c{number}" for number in range(shape[0])]
    step = style.nice_step(1.25 * style.SMALL * len(names) / length)
    return [number * line + (line - 1) / 2 for number in range(0, len(names), step)], names[::step]


def _hatch(ax: Any, entries: Entries, cell: tuple[float, float]) -> None:
    """Entries in which taps meet differ from single taps by more than their grey."""
    from matplotlib.collections import PolyCollection

    assert entries.classes is not None
    chosen = np.flatnonzero(entries.classes >= entries.plain)
    if len(chosen) > _LABELLED or min(cell) < 3:
        return
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    centres = np.stack([entries.columns[chosen], entries.rows[chosen]], axis=1)
    hatching = PolyCollection(
        centres[:, None] + corners, facecolors="none", edgecolors="#f4f4f4", linewidths=0, hatch="////", zorder=1.4
    )
    hatching.set_label("taps that meet")
    ax.add_collection(hatching)


def sum_notes(entries: Entries, cell: tuple[float, float]) -> dict[str, int]:
    """Sums of symbols too long for their cells, numbered from 1 for a legend; none if there are too many.

    `cell` is in points.
    """
    if entries.classes is None or len(entries.values) > _LABELLED or entries.numbers() is not None:
        return {}
    merged = [entries.values[place] for place in np.flatnonzero(entries.classes >= entries.plain)]
    sums = dict.fromkeys(style.number(value) for value in merged)
    long = [label for label in sums if _fitted_sum(label, cell)[1] is None]
    if len(long) > _MOST_NOTES or _fitted_sum(str(len(long)), cell)[1] is None:
        return {}
    return {label: number for number, label in enumerate(long, start=1)}


def _fitted_sum(label: str, cell: tuple[float, float]) -> tuple[str, float | None]:
    """A sum in one line or in two, and its size in points; None where it would be too small."""
    for text in (label, style.two_lines(label)):
        size = style.text_size(text, *cell)
        if size is not None and size >= _LEAST_SUM:
            return text, size
    return label, None


def _write_labels(
    ax: Any, entries: Entries, colors: np.ndarray, cell: tuple[float, float], notes: dict[str, int]
) -> bool:
    """The value of each entry in its cell, where all single ones fit; sums that do not fit are numbers or missing."""
    if not 0 < len(entries.values) <= _LABELLED:
        return False
    labels = [style.number(value) for value in entries.values]
    single = [True] * len(labels) if entries.classes is None else (entries.classes < entries.plain).tolist()
    size = style.common_size([label for label, alone in zip(labels, single, strict=True) if alone] or labels, *cell)
    if size is None:
        return False
    for row, column, label, color, alone in zip(entries.rows, entries.columns, labels, colors, single, strict=True):
        text, fitting = (label, size) if alone else _fitted_sum(str(notes.get(label, label)), cell)
        if fitting is None:
            continue
        if label in notes and not alone:
            # Numbers of neighbours are not to be read as one.
            fitting = min(0.8 * size, fitting)
        written = ax.text(
            column, row, text, ha="center", va="center", fontsize=min(size, fitting), linespacing=1,
            color=style.ink_on(color), zorder=3,
        )  # fmt: skip
        if not alone:
            # Letters are not read over hatching.
            written.set_bbox({"facecolor": color, "edgecolor": "none", "pad": 0.6})
    return True
