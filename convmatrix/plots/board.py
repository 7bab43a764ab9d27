"""A tensor whose cells change from picture to picture: colours, values, a window over them, padding round them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convmatrix.plots import style
from convmatrix.plots.mosaic import Mosaic, _name_tiles, grid_size
from convmatrix.plots.steps import Margins

LEAST = 7.0
"""Points below which nothing is written."""
_VALUE, _WEIGHT = 9.5, 7.0
_ROOM_FOR_WEIGHTS = 19.0
"""Points of a cell from which a weight has room in its corner."""
_ASIDE = 0.14
"""Of a cell, by which a value makes way for the weight in its corner."""
_EMPTY = "#ffffff"


class Board:
    """One tensor on axes of its own.

    Artists are made once; `show` changes their colours and texts and nothing else, so that it may be called in any
    order. `cells` are those of the padded tensor, in its flat order.

    Parameters
    ----------
    ax : Axes
        As large as `size` said.
    margins : Margins
        The tensor and its padding.
    mosaic : Mosaic
        How it is laid out.
    longest : sequence of str
        The texts that will be written, for a size that fits them all.
    """

    def __init__(self, ax: Any, margins: Margins, mosaic: Mosaic, longest: Sequence[str]) -> None:
        from matplotlib.collections import LineCollection

        self.ax, self.mosaic = ax, mosaic
        self.inside = margins.inside()
        count = math.prod(margins.padded)
        self.rows, self.columns = mosaic.place(np.arange(count))
        self.image = ax.imshow(np.ones((*mosaic.size, 3)), interpolation="nearest")
        self.image.set_label("cells")
        style.bare(ax)
        cell = style.cell_points(ax, *mosaic.size)
        own = np.zeros(mosaic.size, dtype=bool)
        own[self.rows[self.inside], self.columns[self.inside]] = True
        every = np.zeros(mosaic.size, dtype=bool)
        every[self.rows, self.columns] = True
        dashes = LineCollection(
            _edges(every & ~own), colors="#9a9a9a", linewidths=0.7, linestyles=[(0, (2, 2))], zorder=2
        )
        dashes.set_label("padding")
        ax.add_collection(dashes)
        ax.add_collection(LineCollection(_edges(own), colors="#b5b5b5", linewidths=0.7, zorder=2.5))
        self.outline = LineCollection([], colors=style.INK, linewidths=1.8, zorder=4, label="window")
        ax.add_collection(self.outline)
        for line in ax.collections:
            line.set_clip_on(False)
        _name_tiles(ax, mosaic, margins.padded, cell)
        self.texts = self._write(cell, longest)
        self.weights = self._write_weights(cell, count) if self.texts else []

    def _write(self, cell: tuple[float, float], longest: Sequence[str]) -> list[Any]:
        """A text a cell, empty so far; none where they would not be read."""
        size = style.common_size([text for text in longest if text] or ["0"], *cell)
        if size is None or size < LEAST:
            return []
        return [
            self.ax.text(column, row, "", ha="center", va="center", fontsize=size, zorder=5)
            for row, column in zip(self.rows, self.columns, strict=True)
        ]

    def _write_weights(self, cell: tuple[float, float], count: int) -> list[Any]:
        if cell[0] < _ROOM_FOR_WEIGHTS:
            return []
        corner = 0.5 - 1.5 / cell[0]
        return [
            self.ax.text(
                self.columns[n] + corner, self.rows[n] + corner, "", ha="right", va="bottom", fontsize=_WEIGHT,
                style="italic", zorder=5,
            )
            for n in range(count)
        ]  # fmt: skip

    def show(
        self,
        colors: Mapping[int, Any],
        texts: Mapping[int, str],
        marked: Sequence[int],
        weights: Mapping[int, str],
    ) -> list[Any]:
        """Colour and write cells, outline those that are marked; cells not named are white and empty."""
        from matplotlib.colors import to_rgb

        data = np.ones((*self.mosaic.size, 3))
        for cell, color in colors.items():
            data[self.rows[cell], self.columns[cell]] = to_rgb(color)
        self.image.set_data(data)
        window = np.zeros(self.mosaic.size, dtype=bool)
        window[self.rows[list(marked)], self.columns[list(marked)]] = True
        self.outline.set_segments(style.cell_outline(window))
        changed = [self.image, self.outline]
        for cell, artist in enumerate(self.texts if self.weights else []):
            aside = _ASIDE if cell in weights else 0.0
            artist.set_position((self.columns[cell] - aside, self.rows[cell] - aside))
        for artists, labels in ((self.texts, texts), (self.weights, weights)):
            for cell, artist in enumerate(artists):
                text = labels.get(cell, "")
                if text:
                    artist.set_color(style.ink_on(colors.get(cell, _EMPTY)))
                if text != artist.get_text():
                    artist.set_text(text)
            changed += artists
        return changed


def board_size(margins: Margins, room: tuple[float, float]) -> tuple[Mosaic, tuple[float, float]]:
    """The layout of a tensor in a room, and its width and height in inches."""
    mosaic = Mosaic.of(margins.padded, room)
    return mosaic, grid_size(mosaic, room)


def pale(color: Any) -> tuple[float, ...]:
    """A colour three quarters of the way to white."""
    from matplotlib.colors import to_rgb

    return tuple(0.75 + 0.25 * part for part in to_rgb(color))


def _edges(cells: np.ndarray) -> np.ndarray:
    """The four sides of every cell, each side once."""
    padded = np.pad(cells, 1)
    rows, columns = np.nonzero(padded[:, 1:] | padded[:, :-1])
    upright = np.stack([np.stack([columns - 0.5, rows - 1.5], 1), np.stack([columns - 0.5, rows - 0.5], 1)], 1)
    rows, columns = np.nonzero(padded[1:] | padded[:-1])
    level = np.stack([np.stack([columns - 1.5, rows - 0.5], 1), np.stack([columns - 0.5, rows - 0.5], 1)], 1)
    return np.concatenate([upright, level])
