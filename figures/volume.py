"""Three dimensions: a filter shallower than the volume moves along all three axes."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots import style

from ._cube import cube_panel, on_paper
from ._sheet import Sheet, outline

SECTION = "3"
STEP = 1
CAPTION = (
    "A 2x2x2 filter in a 4x4x4 volume: in 3-D it has room along the depth too, so the output is a volume of 3x3x3. "
    "The matrix nests its diagonals three deep: planes of the volume make the large blocks (outlined), lines within a "
    "plane the blocks in these, and each of those is a band of two taps. Blocks on one diagonal are equal."
)
VOLUME, FILTER = (4, 4, 4), np.arange(1, 9).reshape(2, 2, 2)
CELL = 0.118
MOVES = (("x", (0, 1, 2), (0, 1, 3.6)), ("y", (0, 2, 1), (0, 3.6, 1)), ("z", (2, 0, 1), (3.6, 0, 1)))


def draw() -> Figure:
    C = cm.conv(FILTER, VOLUME)
    sheet = Sheet(8.8, 7.15)
    ax = cube_panel(sheet, 0.9, 0.5, 4, 2, "volume 4x4x4, filter 2x2x2")
    for name, start, end in MOVES:
        arrow = {"arrowstyle": "-|>", "color": "black", "linewidth": 1.8, "mutation_scale": 13}
        ax.annotate("", on_paper(*end), on_paper(*start), arrowprops=arrow)
        ax.annotate(name, on_paper(*end), (3, -9), textcoords="offset points", fontsize=10, weight="bold")
    for plane in range(2):
        colors = ListedColormap(style.tap_colors(8)[4 * plane : 4 * plane + 4])
        title = f"filter, z = {plane}"
        sheet.grid(FILTER[plane], 4.2, 0.75 + 1.1 * plane, cell=0.34, title=title, taps=True, cmap=colors)
    cube_panel(sheet, 6.1, 0.86, 3, 1, "output 3x3x3")
    ax = sheet.matrix(C, 0.9, 3.35, cell=CELL, title="matrix C, 27x64")
    for plane, other in np.ndindex(3, 4):
        outline(ax, (slice(9 * plane, 9 * plane + 9), slice(16 * other, 16 * other + 16)), C.shape, "black")
    return sheet.figure
