"""The picture of a `ReceptiveField`: threads from an output down to its inputs, or a map of them with its stages."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.receptive_field.threads import frame_of
from convmatrix.plots import counts as cells
from convmatrix.plots import receptive_threads, style

if TYPE_CHECKING:
    from convmatrix.analysis.receptive_field import ReceptiveField

_MOST_SHOWN = 400
"""Inputs an axis of a map up to which all are drawn; of more the middle."""
_HATCHED = 10_000
_MOST_FRAMES = 6
_LINED = 5.0
"""Points of a cell from which cells are told apart by lines."""
_FRAME = "#bd1f01"
_FRAME_STYLES = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
_UNREAD = "#717581"
_TIMES = cells.TIMES
# Inches.
_ROOM, _CELL, _UNREAD_ROOM = 4.3, 0.34, 2.9


def draw_receptive_field(result: ReceptiveField, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw which inputs an output reads.

    In one dimension the layers lie above each other, the output on top, and threads run from it down to the inputs that
    it reads. In two the inputs of the field are a map of the paths from each of them, with the fields after the first
    layers framed within; in three or more its middle slice along the last two axes. Inputs between those that
    are read which are not read themselves, the gaps, are white and hatched, and counted in the title. Where some inputs
    of the whole are never read by any output, a map of these stands beside.

    Parameters
    ----------
    result : ReceptiveField
        Of any stack.
    ax : matplotlib.axes.Axes, optional
        Draw the field into these axes. By default a figure is made.
    **kwargs
        To `Axes.imshow` of the field's cells, `cmap` or `vmax` for instance.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If an argument is unknown to `Axes.imshow`, or no output reads anything.
    MatrixTooLargeError
        If the field would not fit in memory.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> from convmatrix.plots.receptive_field import draw_receptive_field
    >>> figure = draw_receptive_field(cm.receptive_field(cm.conv(np.ones((3, 3), int), (9, 9), dilation=2)))
    >>> print(figure.texts[0].get_text())
    field of 5 x 5 inputs: 9 read, 16 gaps (hatched)
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    if ax is not None:
        _draw_into(ax, result, kwargs, beside=False)
        # Beside axes of others there is no room for names.
        style.title(ax, spoken(result) + _framed(result))
        return ax
    figure = style.new_figure(4, 4)
    figure.set_size_inches(12, 12)
    if len(result.size) == 1:
        receptive_threads.draw_panel(figure, result, kwargs)
    else:
        rows, columns = (min(n, _MOST_SHOWN) for n in result.coverage_shape[-2:])
        cell = min(_ROOM / max(rows, columns, 1), _CELL)
        width, height = max(columns * cell, 0.8), max(rows * cell, 0.8)
        _draw_into(style.panel(figure, "field", 0.9, 0.9, width, height), result, kwargs, beside=True)
        if _has_unread_map(result):
            _unread_panel(figure, result, 0.9 + width + 1.9)
    boxes = [own.get_position() for own in figure.axes]
    wide = (max(box.x1 for box in boxes) - min(box.x0 for box in boxes)) * figure.get_size_inches()[0]
    said = cells.in_lines(spoken(result), max(int(10.5 * wide), 52))
    head = figure.text(0.5, 0.98, said, ha="center", va="top", fontsize=style.LARGE, weight="bold")
    style.fit(figure, head)
    return figure


def spoken(result: ReceptiveField) -> str:
    """The field and its gaps in one line."""
    size = " x ".join(f"{n:,}" for n in result.coverage_shape)
    whole, read = prod(result.coverage_shape), result.read_count
    if not whole:
        return "no input is read"
    said = "all read, no gaps" if read == whole else f"{read:,} read, {whole - read:,} gaps (hatched)"
    return f"field of {size} inputs: {said}"


def _framed(result: ReceptiveField) -> str:
    """Which fields are framed, of a map without names beside it."""
    if len(result.size) == 1 or len(result.stages) < 2 or not prod(result.coverage_shape):
        return ""
    sizes = [_TIMES.join(map(str, result.stages[number - 1].size)) for number in _shown_stages(result)]
    return f"; framed: {', '.join(sizes)}"


def _draw_into(ax: Any, result: ReceptiveField, given: dict[str, Any], *, beside: bool) -> None:
    if not prod(result.coverage_shape):
        style.bare(ax)
        return
    if len(result.size) == 1:
        receptive_threads.draw_threads(ax, result, given)
    else:
        _draw_map(ax, result, given, beside)


def _draw_map(ax: Any, result: ReceptiveField, given: dict[str, Any], beside: bool) -> None:
    """The paths from each input, the gaps hatched, the stages framed, in positions of the input."""
    counts = np.asarray(result.coverage())
    corner = [part.start for part in result.window(clipped=False)]
    while counts.ndim > 2:
        counts, corner = counts[len(counts) // 2], corner[1:]
    top, left = (_first(n) for n in counts.shape)
    shown = counts[top : top + _MOST_SHOWN, left : left + _MOST_SHOWN]
    rows, columns = shown.shape
    low, first = corner[0] + top, corner[1] + left
    shades = cells.Shades(int(counts.max()), given)
    extent = (first - 0.5, first + columns - 0.5, low + rows - 0.5, low - 0.5)
    ax.set_box_aspect(rows / columns)
    image = shades.draw(ax, shown, extent)
    width, height = style.cell_points(ax, rows, columns)
    gaps = np.add(np.argwhere(shown == 0), (low, first))
    if len(gaps) <= _HATCHED:
        cells.hatch_holes(ax, [(x - 0.5, x + 0.5, y + 0.5, y - 0.5) for y, x in gaps.tolist()])
    if min(width, height) > _LINED:
        ax.vlines(np.arange(first + 1, first + columns) - 0.5, low - 0.5, low + rows - 0.5, "white", linewidth=0.5)
        ax.hlines(np.arange(low + 1, low + rows) - 0.5, first - 0.5, first + columns - 0.5, "white", linewidth=0.5)
    number = shown[shown != 0].reshape(-1)
    size = cells.readable([cells.label(count) for count in number.tolist()], width, height)
    if size is not None:
        places = np.add(np.argwhere(shown != 0), (low, first))[:, ::-1]
        cells.number_cells(ax, image, shades, number, places, size)
    ax.set(xlim=extent[:2], ylim=extent[2:])
    _draw_frames(ax, result, extent, beside)
    _name_axes(ax, result)
    if size is None:
        _explain_colors(ax, image, beside)


def _first(size: int) -> int:
    """Where the middle begins of what is too long to be drawn whole."""
    return max(size - _MOST_SHOWN, 0) // 2


def _name_axes(ax: Any, result: ReceptiveField) -> None:
    from matplotlib.ticker import MaxNLocator

    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    ax.tick_params(labelsize=style.SMALL, length=2)
    names = ("input column", "input row") if len(result.size) == 2 else ("last axis", "axis before it, middle slice")
    ax.set_xlabel(names[0] + (f" (middle {_MOST_SHOWN})" if result.coverage_shape[-1] > _MOST_SHOWN else ""))
    ax.set_ylabel(names[1])
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_fontsize(style.NORMAL)


def _explain_colors(ax: Any, image: Any, beside: bool) -> None:
    """A colour bar: below a map that has names beside it, otherwise on its right."""
    from matplotlib.ticker import MaxNLocator

    width, height = style.cell_points(ax, 1, 1)
    place = (0, -46 / height, 1, 7 / height) if beside else (1 + 6 / width, 0, 7 / width, 1)
    bar = ax.inset_axes(place, label="paths")
    ticks, side = MaxNLocator(5, integer=True, min_n_ticks=1), "horizontal" if beside else "vertical"
    ax.get_figure(root=False).colorbar(image, cax=bar, orientation=side, ticks=ticks)
    bar.tick_params(labelsize=style.SMALL, length=2)
    (bar.set_xlabel if beside else bar.set_ylabel)("paths from each input", fontsize=style.SMALL)


def _shown_stages(result: ReceptiveField) -> list[int]:
    """The layers, counted from 1, whose fields are framed: those that widen it, the first and the last of many."""
    sizes = [(0,) * len(result.size), *(stage.size for stage in result.stages)]
    grown = [number for number in range(1, len(sizes)) if sizes[number] != sizes[number - 1]]
    if len(grown) <= _MOST_FRAMES:
        return grown
    places = np.unique(np.linspace(0, len(grown) - 1, _MOST_FRAMES).astype(int))
    return [grown[place] for place in places.tolist()]


def _draw_frames(ax: Any, result: ReceptiveField, extent: tuple[float, float, float, float], beside: bool) -> None:
    """The field after each layer round its middle; with `beside` its size beside the map, at the end of a thin line."""
    from matplotlib.patches import Rectangle

    if len(result.stages) < 2:
        return
    left, right, bottom, top = extent
    frames = [(number, frame_of(result, number)) for number in _shown_stages(result)]
    found = [(number, frame[-2:]) for number, frame in frames if frame is not None]
    width, height = style.cell_points(ax, bottom - top, right - left)
    step = 1.45 * style.SMALL / height
    at = top + 0.5 * step
    for place, (number, ((low, high), (first, stop))) in enumerate(reversed(found)):
        line = _FRAME_STYLES[place % len(_FRAME_STYLES)]
        corner = max(first, left + 0.5) - 0.5, max(low, top + 0.5) - 0.5
        box = (min(stop - 0.5, right) - corner[0], min(high - 0.5, bottom) - corner[1])
        outline = {"edgecolor": _FRAME, "facecolor": "none", "linewidth": 1.8, "linestyle": line, "clip_on": False}
        ax.add_patch(Rectangle(corner, *box, label=f"stage {number}", zorder=4, **outline))
        if not beside:
            continue
        size = _TIMES.join(map(str, result.stages[number - 1].size))
        at = max(at, corner[1] + 0.5 * step)
        edge = right + 14 / width
        thin = {"color": _FRAME, "linewidth": 0.7, "clip_on": False, "zorder": 4}
        ax.plot([corner[0] + box[0], edge], [corner[1] + 0.01, at], **thin)
        name = (
            f"{size} after layer {number}" if number < len(result.stages) else f"{size} after layer {number}, the last"
        )
        ax.text(
            edge + 2 / width, at, name, va="center", ha="left", fontsize=style.SMALL, color=style.INK, clip_on=False
        )
        at += step


def _has_unread_map(result: ReceptiveField) -> bool:
    return len(result.size) == 2 and bool(result.unread_count) and max(result.in_shape[1:]) <= _MOST_SHOWN


def _unread_panel(figure: Any, result: ReceptiveField, left: float) -> None:
    """All inputs, those that no output ever reads dark and crossed."""
    from matplotlib.colors import ListedColormap

    unread = np.asarray(result.unread)
    rows, columns = unread.shape
    cell = min(_UNREAD_ROOM / max(rows, columns), _CELL)
    ax = style.panel(figure, "unread", left, 0.9, max(columns * cell, 0.8), max(rows * cell, 0.8))
    colors = ListedColormap([style.PLAIN, _UNREAD])
    ax.imshow(unread, cmap=colors, vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    width, height = style.cell_points(ax, rows, columns)
    if min(width, height) > _LINED:
        ax.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, "white", linewidth=0.5)
        ax.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, "white", linewidth=0.5)
        y, x = np.nonzero(unread)
        ax.scatter(x, y, marker="x", s=min(width, height) ** 2 / 6, color="white", linewidth=0.8, label="never read")
    ax.tick_params(labelsize=style.SMALL, length=2)
    said = f"{result.unread_count:,} of {unread.size:,} inputs are never read (dark)"
    ax.set_title(cells.in_lines(said, 34), fontsize=style.NORMAL)
