"""A page measured in inches from its upper left corner, with grids of numbers and matrices on it."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap

import convmatrix as cm
from convmatrix.plots import style

TITLE, TEXT, NUMBER = 10.5, 8.5, 9.0
"""Points: of a page's or a panel's title, of what is said beside a panel, of the numbers in grids."""
MARK = "#bd1f01"
"""Outlines of what is traced; drawn thick, so that it is seen without its colour."""


class Sheet:
    """A figure of so many inches."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = plt.figure(figsize=(width, height), facecolor="white")
        self.width, self.height = width, height

    def panel(self, left: float, top: float, width: float, height: float, label: str = "") -> Axes:
        """Axes at a place."""
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box, label=label)

    def grid(
        self,
        values: Any,
        left: float,
        top: float,
        *,
        cell: float = 0.28,
        title: str = "",
        taps: bool = False,
        mark: Any = None,
        digits: bool = True,
        **image: Any,
    ) -> Axes:
        """Draw an array's cells with their numbers; masked ones are hatched.

        `taps` colours each cell as its tap is coloured in matrices; else shades say how large a number is, light
        enough to be read on, red and blue where signs differ. `mark` outlines cells: a mask, or one index.
        """
        array = np.ma.atleast_2d(np.ma.asarray(values))
        rows, columns = array.shape
        ax = self.panel(left, top, columns * cell, rows * cell, title.split("\n")[0])
        shown, options = _paint(array, taps)
        picture = ax.imshow(shown, aspect="auto", **{**options, **image})
        style.bare(ax)
        hidden = np.ma.getmaskarray(array)
        for row, column in np.argwhere(hidden):
            own = {"hatch": "/////", "edgecolor": "#b0b0b0", "linewidth": 0.0, "fill": False}
            ax.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, **own))
        lines = {"color": "white", "linewidth": 0.8}
        ax.vlines(np.arange(columns - 1) + 0.5, -0.5, rows - 0.5, **lines)
        ax.hlines(np.arange(rows - 1) + 0.5, -0.5, columns - 0.5, **lines)
        for row, column in np.argwhere(~hidden) if digits else ():
            ink = style.ink_on(picture.cmap(picture.norm(shown[row, column]))[:3])
            said, at = style.number(array[row, column]), {"ha": "center", "va": "center"}
            ax.text(column, row, said, fontsize=min(NUMBER, 40 * cell), color=ink, **at)
        if mark is not None:
            outline(ax, mark, array.shape)
        ax.set_title(title, fontsize=TEXT, pad=5)
        return ax

    def matrix(
        self, op: cm.TensorOperator, left: float, top: float, *, cell: Any, title: str = "", **plot: Any
    ) -> Axes:
        """Draw an operator's matrix; `cell` is a cell's side, or its width and height."""
        wide, tall = np.broadcast_to(cell, 2)
        ax = self.panel(left, top, op.shape[1] * wide, op.shape[0] * tall, "matrix")
        cm.plot(op, ax=ax, **{"legend": False, "aspect": "auto", **plot})
        ax.set_title(title, fontsize=TEXT, pad=5)
        return ax

    def say(self, text: str, x: float, y: float, **how: Any) -> None:
        """Write at a place, by default in its middle."""
        at = {"ha": "center", "va": "center", "fontsize": TEXT, **how}
        self.figure.text(x / self.width, 1 - y / self.height, text, **at)


def outline(ax: Axes, mark: Any, shape: tuple[int, ...], color: str = MARK) -> None:
    """A thick line round the cells of a mask, or round one."""
    cells = np.zeros(shape, dtype=bool)
    cells[mark] = True
    line = LineCollection(style.cell_outline(cells), colors=color, linewidths=2.2, zorder=5, label="mark")
    line.set_clip_on(False)
    ax.add_collection(line)


def _paint(array: Any, taps: bool) -> tuple[Any, dict[str, Any]]:
    """What an image shows and how."""
    if taps:
        colors = style.tap_colors(array.size)
        return np.arange(array.size).reshape(array.shape), {
            "cmap": ListedColormap(colors),
            "vmin": -0.5,
            "vmax": array.size - 0.5,
        }
    shown = np.ma.filled(array, 0).astype(float)
    most = 2 * float(np.abs(shown).max()) or 1.0
    signed = bool((shown < 0).any())
    return np.ma.masked_array(shown, np.ma.getmaskarray(array)), {
        "cmap": "RdBu_r" if signed else "Blues",
        "vmin": -most if signed else 0,
        "vmax": most,
    }
