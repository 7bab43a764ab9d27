"""A tensor as tiles on one grid: its last two axes a tile, slices beside each other, channels below or wrapped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.plots import style

_LEAST_CELL = 0.03
"""Inches below which a cell is not seen: then only the surroundings of the traced ones are drawn."""
_LARGEST_CELL = 0.32
_SURROUNDINGS = 16


@dataclass(frozen=True)
class Mosaic:
    """`rows x columns` tiles of `height x width` cells, one cell apart; a tensor fills them in row-major order."""

    rows: int
    columns: int
    height: int
    width: int

    @classmethod
    def of(cls, shape: tuple[int, ...], room: tuple[float, float]) -> Mosaic:
        """The tiles of a tensor `(channels, *spatial)`, arranged so that they are largest in `room` (width, height)."""
        if len(shape) == 1:
            return cls(1, 1, shape[0], 1)
        height, width = (1, shape[1]) if len(shape) == 2 else shape[-2:]
        if len(shape) != 3:
            return cls(shape[0], math.prod(shape[1:-2]), height, width)
        choices = [cls(-(-shape[0] // columns), columns, height, width) for columns in range(1, shape[0] + 1)]
        return max(choices, key=lambda mosaic: round(mosaic.fit(room), 6))

    @property
    def size(self) -> tuple[int, int]:
        """Cells of the whole grid, gaps included: `(height, width)`."""
        return self.rows * (self.height + 1) - 1, self.columns * (self.width + 1) - 1

    def fit(self, room: tuple[float, float]) -> float:
        """Side of a cell, so that the whole fits."""
        height, width = self.size
        return min(room[0] / width, room[1] / height, _LARGEST_CELL)

    def place(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row and column on the grid of flat positions of the tensor."""
        tile, inside = np.divmod(np.asarray(flat, dtype=np.int64), self.height * self.width)
        down, across = np.divmod(tile, self.columns)
        row, column = np.divmod(inside, self.width)
        return down * (self.height + 1) + row, across * (self.width + 1) + column


def grid_size(mosaic: Mosaic, room: tuple[float, float]) -> tuple[float, float]:
    """Width and height in inches of a grid within `room`."""
    cell = mosaic.fit(room)
    height, width = mosaic.size
    if cell < _LEAST_CELL:
        height, width = min(height, _SURROUNDINGS), min(width, _SURROUNDINGS)
        cell = min(room[0] / width, room[1] / height, _LARGEST_CELL)
    return width * cell, height * cell


def draw_grid(
    ax: Any,
    mosaic: Mosaic,
    shape: tuple[int, ...],
    marked: np.ndarray,
    colors: Sequence[Any],
    labels: Sequence[str],
    room: tuple[float, float],
) -> Any:
    """Draw a tensor's cells; those at the flat positions `marked` get a colour, a label and an outline."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import ListedColormap

    data = np.full(mosaic.size, -1)
    data[mosaic.place(np.arange(math.prod(shape)))] = 0
    marked_rows, marked_columns = mosaic.place(marked)
    data[marked_rows, marked_columns] = np.arange(1, len(marked) + 1)
    image = ax.imshow(
        np.ma.masked_less(data, 0),
        cmap=ListedColormap([style.PLAIN, *colors]),
        vmin=-0.5,
        vmax=len(colors) + 0.5,
        interpolation="nearest",
    )
    style.bare(ax)
    height, width = _crop(ax, mosaic, marked_rows, marked_columns, room)
    cell = style.cell_points(ax, height, width)
    if cell[0] > 5:
        ax.add_collection(LineCollection(_lattice(data >= 0), colors="white", linewidths=0.8, zorder=2))
    ax.add_collection(LineCollection(style.cell_outline(data > 0), colors=style.INK, linewidths=1.4, zorder=4))
    size = style.common_size(labels, *cell)
    if size is not None:
        for row, column, label, color in zip(marked_rows, marked_columns, labels, colors, strict=True):
            ink = style.ink_on(color)
            ax.text(column, row, label, ha="center", va="center", fontsize=size, color=ink, zorder=3, clip_on=True)
    if (height, width) == mosaic.size:
        _name_tiles(ax, mosaic, shape, cell)
    return image


def is_cropped(mosaic: Mosaic, room: tuple[float, float]) -> bool:
    """Whether only a part of the grid is drawn."""
    return mosaic.fit(room) < _LEAST_CELL


def _crop(ax: Any, mosaic: Mosaic, rows: np.ndarray, columns: np.ndarray, room: tuple[float, float]) -> tuple[int, int]:
    """Where cells would be too small to be seen, show those round the marked ones. Returns the cells shown."""
    height, width = mosaic.size
    if not is_cropped(mosaic, room):
        return height, width
    shown = []
    for size, marked, limits in ((height, rows, "y"), (width, columns, "x")):
        part = min(size, _SURROUNDINGS)
        middle = int(marked[len(marked) // 2]) if len(marked) else size // 2
        first = min(max(middle - part // 2, 0), size - part) - 0.5
        ends = (first + part, first) if limits == "y" else (first, first + part)
        getattr(ax, f"set_{limits}lim")(*ends)
        shown.append(part)
    return shown[0], shown[1]


def _lattice(cells: np.ndarray) -> np.ndarray:
    """Segments between neighbouring cells."""
    rows, columns = np.nonzero(cells[:, 1:] & cells[:, :-1])
    upright = np.stack([np.stack([columns + 0.5, rows - 0.5], 1), np.stack([columns + 0.5, rows + 0.5], 1)], 1)
    rows, columns = np.nonzero(cells[1:] & cells[:-1])
    level = np.stack([np.stack([columns - 0.5, rows + 0.5], 1), np.stack([columns + 0.5, rows + 0.5], 1)], 1)
    return np.concatenate([upright, level])


def _name_tiles(ax: Any, mosaic: Mosaic, shape: tuple[int, ...], cell: tuple[float, float]) -> None:
    """Channels named at the left of their rows, or in the gap above each where they are wrapped; slices above."""
    wrapped = mosaic.columns > 1 and len(shape) == 3
    if len(shape) > 1 and shape[0] > 1 and not wrapped and cell[1] * (mosaic.height + 1) > style.SMALL:
        for channel in range(shape[0]):
            middle = channel * (mosaic.height + 1) + (mosaic.height - 1) / 2
            ax.text(-0.5 - 3 / cell[0], middle, f"c{channel}", ha="right", va="center", fontsize=style.SMALL)
    across = mosaic.columns if len(shape) > 3 else shape[0] if wrapped else 0
    if cell[0] * mosaic.width < 3.2 * style.SMALL or (wrapped and mosaic.rows > 1 and cell[1] < style.SMALL):
        return
    for tile in range(across if across > 1 else 0):
        row, column = mosaic.place(np.array([tile * mosaic.height * mosaic.width]))
        name = f"c{tile}" if wrapped else f"z{tile}" if len(shape) == 4 else str(tile)
        middle = column[0] + (mosaic.width - 1) / 2
        ax.text(middle, row[0] - 0.5 - 1 / cell[1], name, ha="center", va="bottom", fontsize=style.SMALL)
