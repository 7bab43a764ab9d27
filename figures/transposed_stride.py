"""A transposed convolution is a convolution of a stretched input, and the transpose of a matrix: one result."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots import style

from ._sheet import TITLE, Sheet

SECTION = "6"
STEP = 4
CAPTION = (
    "Above, 2x2 becomes 4x4; below, with stride 2, it becomes 5x5. On the left the way that is usually drawn: zeros "
    "between the inputs and round them (hatched), and the turned kernel slides with stride 1. On the right C, the "
    "matrix of the convolution downwards with that stride, transposed. The outlined window is the framed row; both "
    "ways give the same numbers, and only the second multiplies no zeros."
)
KERNEL = np.arange(1, 10).reshape(3, 3)
X = np.array([[1, 2], [3, 4]])
# Stride, and the output traced.
CASES = ((1, (1, 1)), (2, (2, 2)))


def draw() -> Figure:
    sheet = Sheet(9, 7.45)
    turned = ListedColormap(style.tap_colors(9)[::-1])
    for (stride, traced), top in zip(CASES, (0.25, 3.4), strict=True):
        op = cm.conv_transpose(KERNEL, X.shape, stride=stride)
        y = op(X)
        size = y.shape[0]
        stretched = np.ma.masked_all((stride + 5, stride + 5), dtype=int)
        stretched[2:-2:stride, 2:-2:stride] = X
        sheet.say(f"stride {stride}: 2x2 to {size}x{size}", 0.25, top, ha="left", fontsize=TITLE, weight="bold")
        cell = max(2.7 / size**2, 0.142)
        middle = top + 0.2 + size**2 * cell / 2
        sheet.grid(X, 0.25, middle - 0.27, cell=0.27, title="x")
        sheet.say("\u2192", 1.0, middle, fontsize=14)
        window = tuple(slice(place, place + 3) for place in traced)
        tall = 0.235 * len(stretched)
        sheet.grid(stretched, 1.2, middle - tall / 2, cell=0.235, title="x with zeros (hatched)", mark=window)
        sheet.say("\u2217", 3.02, middle, fontsize=14)
        sheet.grid(KERNEL[::-1, ::-1], 3.2, middle - 0.4, cell=0.27, title="turned kernel", taps=True, cmap=turned)
        sheet.say("=", 4.2, middle, fontsize=14)
        sheet.grid(y, 4.4, middle - 0.14 * size, cell=0.28, title=f"output y, {size}x{size}", mark=traced)
        sheet.say("=", 5.98, middle, fontsize=14)
        row = int(np.ravel_multi_index(traced, y.shape))
        ax = sheet.matrix(op, 6.75, top + 0.2, cell=(0.27, cell), trace=row, title=f"C\u1d40, {size * size}x4")
        ax.set_xlabel("")
        sheet.grid(X.reshape(-1, 1), 8.4, middle - 0.5, cell=0.25, title="x, flattened")
        sheet.say("\u00b7", 8.15, middle, fontsize=18)
    return sheet.figure
