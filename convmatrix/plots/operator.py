"""The picture of an operator: its matrix, the tensors beside it, and one output traced back to what it reads."""

from __future__ import annotations

import math
import operator
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.operators.base import TensorOperator
from convmatrix.plots import style, wording
from convmatrix.plots.density import draw_density
from convmatrix.plots.entries import Entries, check_color, default_color, entries_of, leaf_of
from convmatrix.plots.layout import GRID_ROOM, layout_of
from convmatrix.plots.matrix import draw_cells, frame_row, paint, sum_notes
from convmatrix.plots.mosaic import Mosaic, draw_grid, grid_size, is_cropped

CELLS = 600
"""Rows or columns beyond which a matrix is drawn as a density."""
_KEY_ROOM = (1.4, 1.4)


def draw_operator(
    op: TensorOperator,
    *,
    ax: Any = None,
    trace: Any = None,
    color: str | None = None,
    legend: bool = True,
    **kwargs: Any,
) -> Any:
    """Draw an operator's matrix.

    Up to 600 rows and columns each stored entry is a cell, coloured by its tap (of one layer) or by its value (of
    products, sums and the rest), with its weight written in it where that can be read. Larger matrices are drawn as a
    density: the share of stored entries in each bin.

    Parameters
    ----------
    op : TensorOperator
        Any; the matrix of a large one is never built.
    ax : matplotlib.axes.Axes, optional
        Draw the matrix alone into these axes.
    trace : int, tuple of int or False, optional
        The output position to trace back to its window: a flat row, or an index `(channel, *spatial)`. By default one
        in the middle that reads most; none if `ax` is given.
    color : {"tap", "value"}, optional
        By default by tap where there are several; values on a diverging map with 0 in its middle.
    legend : bool, default True
        Explain the colours: the kernel in its colours, or a colour bar.
    **kwargs
        To `Axes.imshow` of the matrix.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If `trace` lies outside the output, or `color` is one this operator does not have.
    """
    row = _row_of(op, trace)
    if color not in (None, "tap", "value"):
        raise ConvMatrixError(f"color must be one of 'tap', 'value', got {color!r}")
    if max(op.shape) > CELLS:
        return draw_density(op, ax=ax, row=row, legend=legend, **kwargs)
    entries = entries_of(op)
    if color is None:
        color = default_color(entries)
    check_color(color, entries)
    if ax is not None:
        return _draw_alone(op, entries, color, ax, row, legend, kwargs)
    if row is None and trace is not False:
        row = _middle_row(op, entries)
    return _draw_figure(op, entries, color, row, legend, kwargs)


def _row_of(op: TensorOperator, trace: Any) -> int | None:
    """The flat row behind `trace`."""
    if trace is None or trace is False:
        return None
    rule = f"trace must be a row below {op.shape[0]} or an index into the output {op.out_shape}, got {trace!r}"
    try:
        if isinstance(trace, (tuple, list)):
            index = [operator.index(place) for place in trace]
            inside = len(index) == len(op.out_shape) and all(
                0 <= i < n for i, n in zip(index, op.out_shape, strict=True)
            )
            row = int(np.ravel_multi_index(index, op.out_shape)) if inside else -1
        else:
            row = -1 if isinstance(trace, bool) else operator.index(trace)
    except TypeError:
        raise ConvMatrixError(rule) from None
    if not 0 <= row < op.shape[0]:
        raise ConvMatrixError(rule)
    return row


def _middle_row(op: TensorOperator, entries: Entries) -> int:
    """Of the rows with most entries the one nearest to the middle of the output."""
    lengths = np.bincount(entries.rows, minlength=op.shape[0])
    fullest = np.flatnonzero(lengths == lengths.max())
    places = np.stack(np.unravel_index(fullest, op.out_shape), axis=1)
    middle = np.array(op.out_shape) // 2
    return int(fullest[np.argmin(np.abs(places - middle).sum(axis=1))])


def _draw_alone(
    op: TensorOperator, entries: Entries, color: str, ax: Any, row: int | None, legend: bool, kwargs: Any
) -> Any:
    rows, columns = op.shape
    # Square cells, unless the picture would be more than four times as long as wide.
    aspect = min(max(rows / columns, 1 / 4), 4) * columns / rows
    image, labelled = draw_cells(ax, op, entries, color, aspect, {}, **kwargs)
    ax.set_title(wording.title(op, len(entries.values), _letters(ax)), fontsize=style.NORMAL)
    if row is not None:
        frame_row(ax, op, row)
    if legend and not labelled and (color == "value" or len(entries.names) > 1):
        width, height = style.cell_points(ax, 1, 1)
        gap = max(0.03, 4 / width) if row is None else max(0.08, 13 / width)
        cax = ax.inset_axes((1 + gap, 0, max(0.035, 7 / width), 1))
        _color_bar(ax.get_figure(root=False), image, cax, entries, color, height)
    return ax


@dataclass(frozen=True)
class _Traced:
    """One output and what it reads: flat input positions with their colours and labels, ascending."""

    row: int | None
    reads: np.ndarray
    colors: list[Any]
    labels: list[str]

    @classmethod
    def of(cls, entries: Entries, color: str, row: int | None) -> _Traced:
        """The entries of one row; none without a row."""
        places = np.flatnonzero(entries.rows == row) if row is not None else np.array([], dtype=np.int64)
        places = places[np.argsort(entries.columns[places])]
        colors = paint(entries, color).colors()
        return cls(
            row,
            entries.columns[places],
            [colors[place] for place in places],
            [style.number(entries.values[place]) for place in places],
        )


def _draw_figure(op: TensorOperator, entries: Entries, color: str, row: int | None, legend: bool, kwargs: Any) -> Any:
    """Input, matrix and output side by side, the key below the shorter of the grids; a flat matrix below all these."""
    grids = [Mosaic.of(shape, GRID_ROOM) for shape in (op.in_shape, op.out_shape)]
    layout = layout_of(op, grids, _key_size(op, entries, color, legend))
    cell = layout.matrix[0] / op.shape[1], layout.matrix[1] / op.shape[0]
    figure = style.new_figure(*layout.size)
    traced = _Traced.of(entries, color, row)
    ax = style.panel(figure, "input", layout.input_left, layout.top, *layout.input)
    draw_grid(ax, grids[0], op.in_shape, traced.reads, traced.colors, traced.labels, GRID_ROOM)
    _head(ax, "input", op.in_shape, is_cropped(grids[0], GRID_ROOM))
    ax = style.panel(figure, "matrix", layout.matrix_left, layout.matrix_top, *layout.matrix)
    notes = sum_notes(entries, (72 * cell[0], 72 * cell[1])) if layout.key[1] and color == "tap" else {}
    image, _ = draw_cells(ax, op, entries, color, cell[1] / cell[0], notes, **kwargs)
    if row is not None:
        frame_row(ax, op, row)
    ax = style.panel(figure, "output", layout.output_left, layout.top, *layout.output)
    marked = np.array([] if row is None else [row], dtype=np.int64)
    draw_grid(ax, grids[1], op.out_shape, marked, [style.INK] * len(marked), ["y"] * len(marked), GRID_ROOM)
    _head(ax, "output", op.out_shape, is_cropped(grids[1], GRID_ROOM))
    if layout.key[1]:
        _draw_key(
            style.panel(figure, "taps", layout.key_left, layout.key_top, *layout.key), op, entries, color, image, notes
        )
    _write_around(figure, op, len(entries.values), traced)
    return figure


def _write_around(figure: Any, op: TensorOperator, stored: int, traced: _Traced) -> None:
    """The title above, and below it all what the traced row says."""
    width = figure.get_size_inches()[0]
    head = wording.title(op, stored, int(width * 11))
    above = figure.text(0.5, 1, head, ha="center", va="top", fontsize=style.LARGE)
    if traced.row is None:
        style.fit(figure, above)
        return
    index = tuple(int(place) for place in np.unravel_index(traced.row, op.out_shape))
    reads = {0: "no input", 1: "the input outlined"}
    what = reads.get(len(traced.reads), f"the {len(traced.reads)} inputs outlined")
    said = f"Framed: row {traced.row}, output y at ({wording.index_text(op.out_shape, index)}), reads {what}."
    said = textwrap.fill(said, int(width * 15))
    style.fit(figure, above, figure.text(0.5, 0, said, ha="center", va="bottom", fontsize=style.NORMAL))


def _head(ax: Any, name: str, shape: tuple[int, ...], cropped: bool) -> None:
    """The grid's name above it."""
    text = f"{name} {' x '.join(map(str, shape))}" + ("\n(a part of it)" if cropped else "")
    ax.set_title(text, fontsize=style.NORMAL, pad=15 if (len(shape) > 2 and shape[0] > 1) or len(shape) > 3 else 6)


def _key_size(op: TensorOperator, entries: Entries, color: str, legend: bool) -> tuple[float, float]:
    """Room for the key: the kernel as a grid, or a colour bar; nothing where there is one colour."""
    if not legend or (color == "tap" and len(entries.names) < 2):
        return 0.0, 0.0
    if color == "value":
        return _KEY_ROOM[0], 0.14
    return grid_size(_kernel_mosaic(op, entries), _KEY_ROOM)


def _kernel_shape(op: TensorOperator, entries: Entries) -> tuple[int, ...]:
    """What the single taps number, seen as a tensor of one channel."""
    leaf = leaf_of(op)
    if leaf is None:
        return (1, entries.plain)
    return (1, *leaf.geometry.weight_shape[:2]) if entries.meaning == "weight" else (1, *leaf.geometry.kernel_size)


def _kernel_mosaic(op: TensorOperator, entries: Entries) -> Mosaic:
    return Mosaic.of(_kernel_shape(op, entries), _KEY_ROOM)


def _draw_key(ax: Any, op: TensorOperator, entries: Entries, color: str, image: Any, notes: dict[str, int]) -> None:
    """The kernel in its colours, each tap with its weight or, where channels differ, its place."""
    if color == "value":
        _color_bar(ax.get_figure(), image, ax, entries, color, 72 * _KEY_ROOM[0], orientation="horizontal")
        return
    leaf, count = leaf_of(op), entries.plain
    # The caption says what the numbers are; in brackets they would be too small.
    names = [name.strip("()").replace(" ", "") for name in entries.names[:count]]
    caption = {"tap": "tap (row, column)", "weight": "weight (c out, c in)"}.get(entries.meaning, "entry")
    if leaf is not None and leaf.layer.weight.size == count and entries.meaning == "tap":
        names, caption = [style.number(value) for value in leaf.layer.weight.reshape(-1).tolist()], "kernel"
    elif leaf is not None and len(leaf.geometry.axes) != 2 and entries.meaning == "tap":
        caption = f"tap ({', '.join(wording.axis_names((1, *leaf.geometry.kernel_size))[1:])})"
    shape = _kernel_shape(op, entries)
    colors = [image.cmap(image.norm(place)) for place in range(count)]
    draw_grid(ax, _kernel_mosaic(op, entries), shape, np.arange(count), colors, names, _KEY_ROOM)
    ax.set_title(caption, fontsize=style.NORMAL, pad=14 if len(shape) > 3 else 6)
    if count < len(entries.names):
        _explain_sums(ax, notes)


def _explain_sums(ax: Any, notes: dict[str, int]) -> None:
    """Below the key: what grey cells are, and the sums that numbers stand for, in two columns if there are many."""
    points = style.cell_points(ax, 1, 1)
    line = 1.25 * style.SMALL / points[1]
    lines = [f"{number}: {label}" for label, number in notes.items()]
    half = -(-len(lines) // 2) if len(lines) > 5 else len(lines)
    second = (0.6 * max((len(text) for text in lines[:half]), default=0) + 1.5) * style.SMALL / points[0]
    for left, top, text in (
        (0.0, 0, "grey: taps that meet,\nadded up"),
        (0.0, 2.4, "\n".join(lines[:half])),
        (second, 2.4, "\n".join(lines[half:])),
    ):
        if text:
            place = (left, -6 / points[1] - top * line)
            ax.text(*place, text, transform=ax.transAxes, ha="left", va="top", fontsize=style.SMALL)


def _color_bar(
    figure: Any,
    image: Any,
    cax: Any,
    entries: Entries,
    color: str,
    length: float,
    orientation: str = "vertical",
) -> None:
    """A colour bar `length` points long, with as many labels as fit beside it."""
    bar = figure.colorbar(image, cax=cax, orientation=orientation)
    bar.ax.tick_params(labelsize=style.SMALL)
    if color == "value":
        magnitudes = any(isinstance(value, complex) for value in entries.values)
        bar.set_label("magnitude of the entry" if magnitudes else "value of the entry", fontsize=style.NORMAL)
        return
    step = math.ceil(len(entries.names) / min(max(length / (1.4 * style.SMALL), 2), 16))
    bar.set_ticks(range(0, len(entries.names), step), labels=entries.names[::step])
    bar.minorticks_off()
    meanings = {"tap": "tap (row, column)", "weight": "weight (c out, c in)"}
    label = meanings.get(entries.meaning, entries.meaning)
    short = length < 0.55 * style.NORMAL * len(label)
    bar.set_label(label.replace(" (", "\n(") if short else label, fontsize=style.NORMAL)


def _letters(ax: Any) -> int:
    """About how many letters of a title fit above the axes."""
    return int(style.cell_points(ax, 1, 1)[0] / (0.5 * style.NORMAL))
