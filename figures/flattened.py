"""Flattened: a filter that is an outer product of three vectors makes a layer of three thin matrices."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import TITLE, Sheet, outline

SECTION = "9"
STEP = 1
CAPTION = (
    "Above, a filter over three channels whose 27 weights are products of three numbers each: one of its channel, one "
    "of its row, one of its column; the outlined weight is the product of the three that are outlined. Below, its "
    "matrix on three channels of 4x4 is the product of three matrices, each along one axis, in the colours of their "
    "vectors. They act from right to left: the channels are mixed at every pixel, then a column slides, then a row."
)
FILTER = np.einsum("c,y,x->cyx", [1, 2, 3], [1, 2, 1], [3, 1, 2])
SIZE = (4, 4)
TRACED = (2, 1, 0)
"""The weight whose factors are outlined: its channel, row and column."""
NAMES = ("channels", "column", "row")
COLORS = [ListedColormap(colormaps[hue]((0.35, 0.55, 0.75))) for hue in ("Blues", "Oranges", "Purples")]
"""A hue a vector, so that its matrix is found."""
SHADES = {"cmap": "Greys", "vmin": 0, "vmax": 2 * FILTER.max()}
WIDE, TALL = 0.105, 0.14
"""Inches: a cell of the three matrices."""


def draw() -> Figure:
    vectors = cm.flatten(FILTER).factors
    layer, dense = cm.KINDS["flattened"].build(*vectors, SIZE), cm.conv(FILTER[None], SIZE)
    few, many = cm.cost(layer), cm.cost(dense)
    sheet = Sheet(9, 7.05)
    counts = " + ".join(str(len(vector)) for vector in vectors)
    said = f"the filter is an outer product: {counts} = {few.parameters} weights make {many.parameters}"
    sheet.say(said, 0.25, 0.3, ha="left", fontsize=TITLE, weight="bold")
    _draw_filter(sheet, vectors, 1.3)
    said = f"the layer is a product: {few.multiplications} multiplications instead of {many.multiplications}"
    sheet.say(said, 0.25, 2.65, ha="left", fontsize=TITLE, weight="bold")
    _draw_layer(sheet, dense, [stage.layer for stage in few.stages])
    return sheet.figure


def _draw_filter(sheet: Sheet, vectors: Any, middle: float) -> None:
    """Three vectors, each laid along its axis, and the slices of the filter."""
    channels, column, row = vectors
    arrays = (channels[None], column[:, None], row[None])
    for name, values, left, cmap, place in zip(NAMES, arrays, (0.45, 2.0, 2.85), COLORS, TRACED, strict=True):
        mark, top = np.unravel_index(place, values.shape), middle - 0.17 * len(values)
        sheet.grid(values, left, top, cell=0.34, title=name, taps=True, cmap=cmap, mark=mark)
    for left, sign in ((1.73, "\u2297"), (2.59, "\u2297"), (4.2, "=")):
        sheet.say(sign, left, middle, fontsize=16)
    for channel, plane in enumerate(FILTER):
        mark = TRACED[1:] if channel == TRACED[0] else None
        title = f"filter, channel {channel}"
        sheet.grid(plane, 4.6 + 1.35 * channel, middle - 0.51, cell=0.34, title=title, mark=mark, **SHADES)
    factors = [int(vector[place]) for vector, place in zip(vectors, TRACED, strict=True)]
    product = " \u00b7 ".join(map(str, factors))
    sheet.say(f"{prod(factors)} = {product}", 7.81, middle + 0.75, fontsize=TITLE)


def _draw_layer(sheet: Sheet, dense: cm.TensorOperator, steps: list[cm.TensorOperator]) -> None:
    """The matrix of the filter, and below it those of the three vectors, the first that acts at the right."""
    ax = sheet.matrix(dense, 0.95, 3.2, cell=(0.16, 0.16), title=f"C, {_size(dense)}", color="value", **SHADES)
    ax.set(xlabel="", ylabel="")
    ax.set_xticks(np.arange(3) * 16 + 7.5, [f"channel {channel}" for channel in range(3)], rotation=0)
    outline(ax, (0, int(np.ravel_multi_index(TRACED, dense.in_shape))), dense.shape)
    left, middle = 0.55, 5.6
    sheet.say("=", 0.3, middle, fontsize=16)
    for place in (2, 1, 0):
        op = steps[place]
        top, title = middle - op.shape[0] * TALL / 2, f"{NAMES[place]}, {_size(op)}"
        ax = sheet.matrix(op, left, top, cell=(WIDE, TALL), title=title, color="tap", cmap=COLORS[place])
        ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
        left += op.shape[1] * WIDE + 0.36
        if place:
            sheet.say("\u00b7", left - 0.18, middle, fontsize=18)


def _size(op: cm.TensorOperator) -> str:
    return "x".join(map(str, op.shape))
