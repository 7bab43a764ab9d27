"""The picture of a `Recognition`: the weight that was found, and what it leaves unexplained."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.plots import style, wording
from convmatrix.plots.mosaic import Mosaic

if TYPE_CHECKING:
    from convmatrix.analysis.recognition import Recognition

_ROOM = (3.6, 3.4)
_TEXT = 3.3
_LABELLED = 900
"""Weights up to which each may carry its number."""
_TILES = 1024
"""Pairs of channels beyond which only the first output channels are drawn."""


def draw_recognition(result: Recognition, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw the weight found as a heatmap with its numbers: a row of kernels an output channel.

    Parameters
    ----------
    result : Recognition
        Of any matrix.
    ax : matplotlib.axes.Axes, optional
        Draw the weight alone into these axes, the verdict as their title; by default a figure, the geometry and the
        residual beside the weight.
    **kwargs
        To `Axes.imshow` of the weight.

    Returns
    -------
    Figure, or the Axes given
    """
    weight = _drawn_part(np.asarray(result.weight))
    mosaic = _mosaic(weight.shape)
    if ax is not None:
        _draw_weight(ax, weight, mosaic, kwargs)
        _name_channels(ax, result, weight.shape, mosaic)
        style.title(ax, _verdict(result))
        return ax
    height, width = mosaic.size
    cell = min(_ROOM[0] / width, _ROOM[1] / height, 0.55)
    sides = max(width * cell, 1.0), height * cell
    tall = max(sides[1] + 1.25, 2.9)
    figure = style.new_figure(sides[0] + _TEXT + 1.6, tall)
    panel = style.panel(figure, "weight", 0.6, 0.8, width * cell, sides[1])
    image, labelled = _draw_weight(panel, weight, mosaic, kwargs)
    _name_channels(panel, result, weight.shape, mosaic)
    if not labelled:
        bar = figure.colorbar(image, cax=panel.inset_axes((1.04, 0, 0.05, 1)))
        bar.ax.tick_params(labelsize=style.SMALL)
    beside = style.panel(figure, "verdict", sides[0] + 1.45, 0.35, _TEXT, tall - 0.6)
    _write(beside, result)
    return figure


def _drawn_part(weight: np.ndarray) -> np.ndarray:
    """The weight, or of one with very many pairs of channels the first output channels."""
    return weight[: max(1, _TILES // max(weight.shape[1], 1)), :_TILES]


def _mosaic(shape: tuple[int, ...]) -> Mosaic:
    """A row of tiles an output channel, a column an input channel (and slice)."""
    taps = shape[2:]
    if not taps:
        return Mosaic(1, 1, shape[0], shape[1])
    height, width = (1, taps[0]) if len(taps) == 1 else taps[-2:]
    return Mosaic(shape[0], shape[1] * math.prod(taps[:-2]), height, width)


def _draw_weight(ax: Any, weight: np.ndarray, mosaic: Mosaic, kwargs: dict[str, Any]) -> tuple[Any, bool]:
    """The heatmap; returns the image and whether each weight is written."""
    values = _numbers(weight)
    data = np.ma.masked_array(np.zeros(mosaic.size), mask=True)
    rows, columns = mosaic.place(np.arange(values.size))
    data[rows, columns] = values
    largest = float(np.abs(values).max()) if values.any() else 1.0
    options = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest, "interpolation": "nearest"}
    if "norm" in kwargs:
        del options["vmin"], options["vmax"]
    image = style.drawn(ax.imshow, data, options=options, given=kwargs)
    style.bare(ax)
    labels = [style.number(value) for value in weight.reshape(-1).tolist()]
    size = style.common_size(labels, *style.cell_points(ax, *mosaic.size)) if len(labels) <= _LABELLED else None
    if size is not None:
        inks = [style.ink_on(color[:3]) for color in image.cmap(image.norm(values))]
        for row, column, label, ink in zip(rows, columns, labels, inks, strict=True):
            ax.text(column, row, label, ha="center", va="center", fontsize=size, color=ink)
    return image, size is not None


def _numbers(weight: np.ndarray) -> np.ndarray:
    """The weight as floats to colour by; magnitudes of complex ones, 0 for symbols, whose labels tell them apart."""
    if weight.dtype.kind == "c":
        weight = np.abs(weight)
    try:
        numbers: np.ndarray = weight.reshape(-1).astype(float)
    except TypeError:
        numbers = np.zeros(weight.size)
    return numbers


def _name_channels(ax: Any, result: Recognition, shape: tuple[int, ...], mosaic: Mosaic) -> None:
    """The weight's two axes of channels: along the side, and, within a group, along the top."""
    tile = (mosaic.height + 1, mosaic.width + 1) if len(shape) > 2 else (1, 1)
    per_channel = max(mosaic.columns // shape[1], 1) if len(shape) > 2 else 1
    cell = style.cell_points(ax, *mosaic.size)
    for axis, count, step, span, points in (
        (ax.yaxis, shape[0], tile[0], tile[0], cell[1]),
        (ax.xaxis, shape[1], tile[1] * per_channel, tile[1] * per_channel, cell[0]),
    ):
        every = style.nice_step(2.2 * style.SMALL / (step * points)) if step * points < 2.2 * style.SMALL else 1
        middle = (span - 2) / 2 if len(shape) > 2 else 0
        numbers = range(0, count, every)
        axis.set_ticks([n * step + middle for n in numbers], [f"c{n}" for n in numbers], fontsize=style.SMALL)
        axis.set_tick_params(length=0, pad=2)
    ax.xaxis.tick_top()
    side, top = ("input", "output") if result.transposed else ("output", "input")
    part = "" if shape[0] == len(result.weight) else f" (the first {shape[0]})"
    ax.set_ylabel(f"{side} channel{part}", fontsize=style.NORMAL)
    ax.xaxis.set_label_position("top")
    ax.set_xlabel(f"{top} channel{' of its group' if result.groups > 1 else ''}", fontsize=style.NORMAL)


def _verdict(result: Recognition) -> str:
    if result.is_convolution:
        return "A transposed convolution" if result.transposed else "A convolution"
    kind = "transposed convolution" if result.transposed else "convolution"
    return f"No convolution; the nearest {kind} is at distance {result.distance:.4g}"


def _write(ax: Any, result: Recognition) -> None:
    """Verdict, geometry and residual as aligned lines."""
    style.bare(ax)
    ax.set_xlim(0, _TEXT)
    ax.set_ylim(ax.bbox.height / ax.get_figure().dpi, 0)
    at = 0.12
    for line in textwrap.wrap(_verdict(result), 40):
        ax.text(0, at, line, fontsize=style.LARGE, weight="bold", va="center")
        at += 0.24
    rows = [
        ("operator", wording.describe(result.operator)),
        ("taps", f"{result.taps:,}"),
        ("residual", f"{result.distance:.4g} (Frobenius)"),
        ("relative", f"{result.relative_distance:.3g} of the matrix"),
        *[("note" if number == 0 else "", note) for number, note in enumerate(result.notes)],
    ]
    for label, value in rows:
        ax.text(0, at, label, fontsize=style.NORMAL, color="#404040", va="center")
        for line in textwrap.wrap(value, 40) or [""]:
            ax.text(0.75, at, line, fontsize=style.NORMAL, va="center")
            at += 0.2
