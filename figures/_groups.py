"""Groups of channels as colours and letters, and cells that show them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_hex

import convmatrix as cm
from convmatrix.plots import style

from ._sheet import Sheet

COLORS = ("#3f90da", "#ffa90e", "#832db6")
LETTERS = "ABC"
"""A colour and a letter a group: the letter is seen without the colour."""
_LINES = "#808080"
"""The colour in which a matrix's lines between lines of a picture are drawn."""


def cells(
    sheet: Sheet, groups: Any, words: Any, left: float, top: float, *, cell: float, title: str = "", **grid: Any
) -> Axes:
    """A grid whose cells have the colours of their groups and a word each; masked ones are hatched."""
    shown = np.ma.atleast_2d(np.ma.asarray(groups))
    look = {"cmap": ListedColormap(COLORS), "vmin": -0.5, "vmax": len(COLORS) - 0.5, "digits": False}
    ax = sheet.grid(shown, left, top, cell=cell, title=title, **{**look, **grid})
    for (row, column), word in np.ndenumerate(np.atleast_2d(words)):
        if not np.ma.getmaskarray(shown)[row, column]:
            ink = style.ink_on(COLORS[shown[row, column]])
            ax.text(column, row, str(word), ha="center", va="center", fontsize=min(9, 40 * cell), color=ink)
    return ax


def channels_alone(ax: Axes) -> None:
    """Of a matrix's lines keep those between channels."""
    for lines in [lines for lines in ax.collections if to_hex(lines.get_edgecolor()[0]) == _LINES]:
        lines.remove()


def name_channels(ax: Axes, op: cm.TensorOperator) -> None:
    """Of a matrix's rows and columns name the channels alone."""
    for axis, (channels, *sizes) in ((ax.xaxis, op.in_shape), (ax.yaxis, op.out_shape)):
        step = prod(sizes)
        axis.set_ticks(np.arange(channels) * step + (step - 1) / 2, [f"c{number}" for number in range(channels)])
    ax.tick_params(rotation=0)
