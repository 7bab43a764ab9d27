"""Reading a figure's artists: its panels, the numbers written in grids, what matrices store, what is outlined."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def module(name: str) -> ModuleType:
    """The script of that name."""
    return import_module(f"figures.{name}")


def draw(name: str) -> Figure:
    """Its figure, laid out as it is seen."""
    figure = module(name).draw()
    figure.canvas.draw()
    return figure


def panels(figure: Figure, start: str) -> list[Axes]:
    """The axes whose label begins so, in the order they were made."""
    return [ax for ax in figure.axes if ax.get_label().startswith(start)]


def numbers(ax: Axes) -> np.ndarray:
    """What is written in a grid, by its place; NaN where nothing is."""
    found = np.full(ax.images[0].get_array().shape[:2], np.nan)
    for text in ax.texts:
        if text.get_text():
            column, row = text.get_position()
            found[int(row), int(column)] = float(text.get_text())
    return found


def stored(ax: Axes) -> np.ndarray:
    """What a matrix shows as stored."""
    return ~np.ma.getmaskarray(ax.images[0].get_array())


def marked(ax: Axes) -> tuple[int, int, int, int]:
    """The box `(left, right, top, bottom)` in cells of what is outlined."""
    (lines,) = [lines for lines in ax.collections if lines.get_label() == "mark"]
    points = np.concatenate([path.vertices for path in lines.get_paths()])
    (left, top), (right, bottom) = points.min(axis=0) + 0.5, points.max(axis=0) + 0.5
    return tuple(int(edge) for edge in (left, right, top, bottom))
