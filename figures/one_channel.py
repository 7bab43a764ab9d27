"""One channel: a kernel slides over the input, and every window is a row of the matrix."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import TITLE, Sheet, outline

SECTION = "2.1"
STEP = 1
CAPTION = (
    "The article's 3x3 kernel on a 5x5 input, stride 1 and no padding: nine windows, a 3x3 output. The outlined window "
    "times the kernel is the outlined output. Below, the same as a matrix: the input flattened above its columns, the "
    "output beside its rows; the outlined window is the outlined row."
)
KERNEL = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]
INPUT = np.array([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
ROW = 4
"""The output traced, in the middle."""


def draw() -> Figure:
    C = cm.conv(KERNEL, INPUT.shape)
    y = C(INPUT)
    down, right = divmod(ROW, y.shape[1])
    window = (slice(down, down + 3), slice(right, right + 3))
    sheet = Sheet(8.8, 6.2)
    sheet.say("one window", 0.3, 0.3, ha="left", fontsize=TITLE, weight="bold")
    sheet.grid(INPUT, 0.9, 0.75, cell=0.34, title="input x, 5x5", mark=window)
    sheet.say("\u2217", 2.95, 1.6, fontsize=16)
    sheet.grid(KERNEL, 3.3, 1.09, cell=0.34, title="kernel k, 3x3", taps=True)
    sheet.say("=", 4.67, 1.6, fontsize=16)
    sheet.grid(y, 5.05, 1.09, cell=0.34, title="output y, 3x3", mark=(down, right))
    products = [f"{x}\u00b7{w}" for x, w in zip(INPUT[window].flat, np.ravel(KERNEL), strict=True)]
    lines = [" + ".join(products[start : start + 3]) for start in (0, 3, 6)]
    sheet.say(f"{y[down, right]} = {lines[0]}\n   + {lines[1]}\n   + {lines[2]}", 6.4, 1.6, ha="left", fontsize=10)
    sheet.say("all windows: y = C x", 0.3, 2.95, ha="left", fontsize=TITLE, weight="bold")
    ax = sheet.grid(INPUT.reshape(1, -1), 0.9, 3.4, cell=0.26, title="input x, flattened")
    outline(ax, (0, C.tosparse()[[ROW]].indices), (1, INPUT.size))
    sheet.matrix(C, 0.9, 3.75, cell=(0.26, 0.2), trace=ROW)
    sheet.say("matrix C, 9x25", 4.15, 6.0)
    sheet.grid(y.reshape(-1, 1), 7.85, 3.75, cell=0.2, title="output y", mark=(ROW, 0))
    return sheet.figure
