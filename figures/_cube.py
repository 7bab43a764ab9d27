"""Cubes of unit cubes on paper, the depth to the right and up."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from ._sheet import MARK, TEXT, Sheet

BACK = np.array([0.5, -0.36])
SIDE = 0.36
"""Inches."""


def on_paper(*point: float) -> np.ndarray:
    """Where (z, y, x) is drawn."""
    z, y, x = point
    return np.array([x, y]) + z * BACK


def draw_cube(ax: Axes, size: int, label: str, **look: Any) -> None:
    """The front, the top and the right side of a cube, cut into unit squares."""
    sides = ((0, 0), (1, 0), (2, size))
    for (axis, at), first, second in product(sides, range(size), range(size)):
        corners = [(first, second), (first + 1, second), (first + 1, second + 1), (first, second + 1)]
        square = [on_paper(*np.insert(corner, axis, at)) for corner in corners]
        ax.add_patch(Polygon(square, label=label, **look))


def cube_panel(sheet: Sheet, left: float, top: float, size: int, marked: int, title: str) -> Axes:
    """A cube, and in its near upper left corner a smaller one."""
    low, high = on_paper(size, 0, 0)[1], on_paper(size, 0, size)[0]
    ax = sheet.panel(left, top, (high + 0.2) * SIDE, (size - low + 0.2) * SIDE, title)
    ax.set(xlim=(-0.1, high + 0.1), ylim=(size + 0.1, low - 0.1))
    ax.axis("off")
    draw_cube(ax, size, "whole", facecolor="#eef3f8", edgecolor="#9db2c6", linewidth=0.8)
    draw_cube(ax, marked, "marked", facecolor="#f4c7bd", edgecolor=MARK, linewidth=1.8)
    ax.set_title(title, fontsize=TEXT, pad=4)
    return ax
