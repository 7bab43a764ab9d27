"""The article's example: a 3x3 kernel on a 4x4 input is a 4x16 matrix, and its transpose is the way back up."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "6"
STEP = 2
SVG = True
CAPTION = (
    "Each row of C is the kernel laid over one window of the flattened input. Read by columns, the same matrix is the "
    "transposed convolution: it takes 2x2 to 4x4, and restores the shape, not the values, as the numbers below C show."
)
CELL = 0.34
"""Inches: of both matrices and of the three grids."""
WIDTH, HEIGHT = 8.6, 6.6


def panel(figure: Figure, left: float, top: float, columns: int, rows: int) -> plt.Axes:
    """Axes of so many cells at a place in inches from the left and from the top."""
    width, height = columns * CELL, rows * CELL
    return figure.add_axes((left / WIDTH, 1 - (top + height) / HEIGHT, width / WIDTH, height / HEIGHT))


def draw_numbers(ax: plt.Axes, grid: np.ndarray, title: str) -> None:
    ax.imshow(grid, cmap="Blues", vmin=0, vmax=2 * grid.max())
    for (row, column), value in np.ndenumerate(grid):
        ax.text(column, row, str(value), ha="center", va="center", fontsize=9)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(title, fontsize=9)


def draw() -> Figure:
    C = cm.conv("a b c; d e f; g h i", (4, 4))
    figure = plt.figure(figsize=(WIDTH, HEIGHT))
    for operator, title, left in (
        (C, "C: a 3x3 kernel on a 4x4 input", 0.65),
        (C.T, "its transpose: 2x2 to 4x4", 6.95),
    ):
        rows, columns = operator.shape
        ax = cm.plot(operator, ax=panel(figure, left, 0.45, columns, rows))
        ax.set_title(title, fontsize=11)
    ones = cm.conv(np.ones((3, 3), dtype=int), (4, 4))
    x = np.arange(16).reshape(4, 4)
    y = ones(x)
    grids = ((x, "x, 4x4", 0.65), (y, "y = C x, all taps 1", 2.93), (ones.T(y), "C\u1d40 y, 4x4 again", 4.73))
    for grid, title, left in grids:
        size = len(grid)
        draw_numbers(panel(figure, left, 4.2 - size * CELL / 2, size, size), grid, title)
    return figure
