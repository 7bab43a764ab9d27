"""Dilation: the same nine taps further apart, and in the matrix the same entries on wider diagonals."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots import style

from ._sheet import NUMBER, TEXT, TITLE, Sheet

SECTION = "7"
STEP = 1
CAPTION = (
    "One 3x3 kernel with rates l = 1, 2 and 4, each on the smallest input that leaves a 3x3 output. Left, the nine "
    "inputs that the middle output reads, the field they span outlined; right, the matrix, that output's row framed. "
    "Nine taps a row, 81 entries in all, whatever the rate: only the distance between the diagonals grows, and with it "
    "the input that an output reaches."
)
KERNEL = np.arange(1, 10).reshape(3, 3)
RATES = (1, 2, 4)
OUTPUT = 3
CELL, WIDE, TALL = 0.19, 0.048, 0.155
"""Inches: a cell of the input; width and height of an entry of the matrix."""


def draw() -> Figure:
    ops = [cm.conv(KERNEL, (2 * rate + OUTPUT,) * 2, dilation=rate) for rate in RATES]
    sheet = Sheet(9, 7.05)
    said = f"the same {KERNEL.size} taps and {ops[0].nnz} entries, further apart"
    sheet.say(said, 0.3, 0.25, ha="left", fontsize=TITLE, weight="bold")
    top, widest = 0.3, ops[-1].in_shape[1] * CELL
    for rate, op in zip(RATES, ops, strict=True):
        row, size = op.shape[0] // 2, op.in_shape[1]
        tall = max(size * CELL, op.shape[0] * TALL + 0.25)
        middle = top + 0.3 + tall / 2
        ax = _taps(sheet, op, row, 0.3 + (widest - size * CELL) / 2, middle - size * CELL / 2)
        reach = cm.receptive_field(op).size
        ax.set_title(f"l = {rate}: {KERNEL.size} taps reach {reach[0]}x{reach[1]}", fontsize=TEXT, weight="bold", pad=5)
        said = f"{op.shape[0]}x{op.shape[1]}, {op.nnz} entries; neighbouring diagonals {_apart(op, row)} apart"
        ax = sheet.matrix(op, 2.95, middle - op.shape[0] * TALL / 2 - 0.06, cell=(WIDE, TALL), trace=row)
        ax.set_title(said, fontsize=TEXT, pad=5, ha="left", x=0)
        ax.set(xlabel="input position, flattened (c, y, x)" if op is ops[-1] else "", ylabel="output position")
        top += tall + 0.5
    return sheet.figure


def _taps(sheet: Sheet, op: cm.TensorOperator, row: int, left: float, top: float) -> Axes:
    """The input, its cells that an output reads in the colours of their taps."""
    read = op.tosparse()[[row]]
    places = np.zeros(op.in_shape[1:], dtype=int)
    places.flat[read.indices] = np.arange(1, read.nnz + 1)
    field = tuple(slice(used.min(), used.max() + 1) for used in np.nonzero(places))
    colors = ListedColormap([style.PLAIN, *style.tap_colors(read.nnz)])
    look = {"digits": False, "cmap": colors, "vmin": -0.5, "vmax": read.nnz + 0.5}
    ax = sheet.grid(places, left, top, cell=CELL, title="input", mark=field, **look)
    for place, weight in zip(read.indices, read.data, strict=True):
        down, right = divmod(int(place), places.shape[1])
        ink = style.ink_on(colors(int(places[down, right])))
        ax.text(right, down, str(weight), ha="center", va="center", fontsize=NUMBER - 1, color=ink)
    return ax


def _apart(op: cm.TensorOperator, row: int) -> int:
    """Columns between the first two taps of a row."""
    first, second = op.tosparse()[[row]].indices[:2]
    return int(second - first)
