"""The picture of an `OverlapMap`: ribbons in one dimension, a map with its profiles in two, slices in more."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.plots import counts as cells
from convmatrix.plots import overlap_maps, profile, ribbons, style, wording

if TYPE_CHECKING:
    from convmatrix.analysis.overlap import OverlapMap

_LARGEST, _LARGEST_SLICE = 40, 20
"""Positions an axis of a map, and of a slice, up to which all are drawn."""
# Inches.
_ROOM, _SLICE_ROOM, _CELL = 6.0, 2.9, 0.34
_WIDE, _LEVEL = 8.2, 1.02
_BARS = 1.3


def draw_overlap(result: OverlapMap, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw what `overlap` counted.

    In one dimension the inputs stand above and the outputs below, an input and the outputs that it reaches joined by a
    fan of its colour; each output is shaded and numbered by its count, hatched where no input reaches, the interior
    bracketed. The layers of a product stand under each other. Of more than about 40 outputs the counts alone are drawn,
    as bars, at both ends and in the middle. In two dimensions the map has the counts along its axes as bars at its
    edges: it is their product; of a large map a corner is drawn. In three, the middle slices along each axis.

    Parameters
    ----------
    result : OverlapMap
        Of any operator.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes: in one dimension the same, in two the map with its edges, in more the middle slice along
        the last two axes. By default a figure is made.
    **kwargs
        To `Axes.imshow` of all cells, `cmap` or `vmax` for instance.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If an argument is unknown to `Axes.imshow`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> figure = cm.plot(cm.overlap(cm.conv_transpose("1 2 3", 4, stride=2)))
    >>> print(*[text.get_text() for text in figure.axes[0].texts])
    1 1 2 1 2 1 2 1 1 interior
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    shades = cells.Shades(overlap_maps.largest(result), kwargs)
    axes = len(result.output_size)
    if ax is None:
        return (_line_figure, _map_figure, _slices_figure)[min(axes, 3) - 1](result, shades)
    if axes == 1:
        _draw_line(ax, result, shades)
    else:
        plane = overlap_maps.plane_of(result, (axes - 2, axes - 1), _LARGEST if axes == 2 else _LARGEST_SLICE)
        overlap_maps.draw_plane(ax, result, plane, shades)
    _write_above(ax, *_said(result))
    return ax


def _said(result: OverlapMap) -> tuple[str, str]:
    layer, said = cells.spoken(result)
    return (layer, said) if len(result.output_size) < 3 else (f"{layer}, {_place(result, slice_axes(result)[0])}", said)


def slice_axes(result: OverlapMap) -> list[tuple[int, int]]:
    """The pairs of the last three axes that slices are drawn along, the last two first."""
    axes = len(result.output_size)
    return sorted(combinations(range(axes - 3, axes), 2), reverse=True)


def _place(result: OverlapMap, axes: tuple[int, int]) -> str:
    """Where a slice lies on the other axes, and the count there where each axis has its own."""
    names = wording.axis_names((1, *result.output_size))[1:]
    at, vectors = overlap_maps.middle(result), result.axis_counts
    parts = [
        f"{names[axis]} = {at[axis]:,}" + (f" (count {cells.label(vectors[axis][at[axis]])})" if vectors else "")
        for axis in range(len(names))
        if axis not in axes
    ]
    return ", ".join(parts)


def _write_above(ax: Any, *sentences: str) -> None:
    """The title, a line or more a sentence, above the bars at the upper edge where there are any."""
    letters = max(int(style.cell_points(ax, 1, 1)[0] / (0.55 * style.NORMAL)), 30)
    has_bars = any(panel.get_label() == "bars across" for panel in ax.child_axes)
    said = "\n".join(cells.in_lines(sentence, letters) for sentence in sentences)
    ax.set_title(said, fontsize=style.NORMAL, pad=overlap_maps.ABOVE if has_bars else 6)


def _line_figure(result: OverlapMap, shades: cells.Shades) -> Any:
    figure = style.new_figure(4, 3)
    figure.set_size_inches(12, 6)
    if ribbons.fits(result):
        width = min(max(_CELL * ribbons.span_of(result), 2.6), _WIDE)
        ax = style.panel(figure, "ribbons", 0.8, 0.6, width, _LEVEL * ribbons.height_of(result))
    else:
        shown = sum(map(len, profile.windows(result.output_size[0])))
        ax = style.panel(figure, "counts", 0.8, 0.6, min(max(0.24 * shown, 3.0), 9.0), 1.8)
    _draw_line(ax, result, shades)
    _frame(figure, result)
    return figure


def _draw_line(ax: Any, result: OverlapMap, shades: cells.Shades) -> None:
    """Ribbons, or bars where an axis is too long for ribbons or a cell too narrow for its number."""
    size = ribbons.text_of(result, ax) if ribbons.fits(result) else None
    if size is not None:
        ribbons.draw_ribbons(ax, result, shades, size)
        return
    inner = None if result.interior is None else result.interior[0]
    name = "output position (interior underlined)" if inner is not None else "output position (none is interior)"
    counts = np.asarray(result.counts)
    profile.draw_profile(ax, counts, shades, interior=inner, name=name, ylabel="paths to each")


def _map_figure(result: OverlapMap, shades: cells.Shades) -> Any:
    plane = overlap_maps.plane_of(result, (0, 1), _LARGEST)
    figure = style.new_figure(4, 4)
    figure.set_size_inches(12, 10)
    width, height = _size(plane, _ROOM)
    overlap_maps.draw_plane(style.panel(figure, "map", 1.0, 1.4, width, height), result, plane, shades)
    _frame(figure, result)
    return figure


def _slices_figure(result: OverlapMap, shades: cells.Shades) -> Any:
    """The middle slices beside each other, the counts along each axis below them."""
    figure = style.new_figure(6, 5)
    figure.set_size_inches(16, 10)
    planes = [overlap_maps.plane_of(result, axes, _LARGEST_SLICE) for axes in slice_axes(result)]
    sizes = [_size(plane, _SLICE_ROOM) for plane in planes]
    left, lowest = 1.0, 1.2 + max(height for _, height in sizes)
    for plane, (width, height) in zip(planes, sizes, strict=True):
        place = _place(result, plane.axes)
        ax = style.panel(figure, f"slice {place.split(' (')[0]}", left, lowest - height, width, height)
        overlap_maps.draw_plane(ax, result, plane, shades)
        _write_above(ax, place)
        left += max(width, 1.6) + 1.5
    _frame(figure, result)
    return figure


def _size(plane: overlap_maps.Plane, room: float) -> tuple[float, float]:
    rows, columns = plane.counts.shape
    cell = min(room / rows, room / columns, _CELL)
    # A plane of a few rows is still wide enough for its bars.
    return max(columns * cell, 0.5), max(rows * cell, 0.5)


def _frame(figure: Any, result: OverlapMap) -> None:
    boxes = [ax.get_position() for ax in figure.axes]
    wide = (max(box.x1 for box in boxes) - min(box.x0 for box in boxes)) * figure.get_size_inches()[0]
    letters = max(int(10.5 * wide), 44)
    said = "\n".join(cells.in_lines(sentence, letters) for sentence in cells.spoken(result))
    head = figure.text(0.5, 0.98, said, ha="center", va="top", fontsize=style.LARGE, weight="bold")
    style.fit(figure, head)
