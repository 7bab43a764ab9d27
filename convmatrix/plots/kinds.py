"""Kinds of convolution: the matrix of one example, or of all on one sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.kinds import Kind, Kinds
from convmatrix.operators import TensorOperator
from convmatrix.plots import style
from convmatrix.plots.operator import draw_operator

_COLUMNS = 5
_WIDTH, _HEAD, _FOOT = 9.0, 0.4, 0.32
"""Inches: of the sheet, and of what is written above a matrix and below it."""
_WIDEST, _TALLEST = 1.58, 1.34
"""Inches of a matrix."""
_LEAST, _MOST = 0.5, 1.6
"""Height over width of a matrix; beyond, cells are no longer square."""
_COLORED = 120
"""Rows or columns beyond which cells are too small for colours."""
_SHOWN = 200
"""Rows or columns beyond which only the first channels are shown."""
_KEY = (
    "Coloured: stored entries, equal values alike. Light grey: stored zeros. Black: stored, where cells are small. "
    "White: nothing stored. Lines part channels."
)


def draw_kind(kind: Kind, *, ax: Any = None, **kwargs: Any) -> Any:
    """The matrix of the kind's example, as `plot` draws an operator, with the formula of its structure above.

    Parameters
    ----------
    kind : Kind
        What is drawn.
    ax : Axes, optional
        Draw the matrix alone into these.
    **kwargs
        Options of the drawing of an operator.

    Returns
    -------
    Axes if `ax` was given, else Figure
    """
    drawn = draw_operator(kind.example(), ax=ax, **kwargs)
    if ax is not None:
        style.title(ax, kind.structure)
        return drawn
    width, height = drawn.get_size_inches()
    sentence = f"{kind.title}\n{kind.structure}"
    head = drawn.text(0.5, 1, sentence, ha="center", va="top", fontsize=style.NORMAL, linespacing=1.4)
    needed = head.get_window_extent().height / drawn.dpi + 0.05
    _make_room(drawn, width, height, needed, head)
    return drawn


def _make_room(figure: Any, width: float, height: float, needed: float, head: Any) -> None:
    """A strip above all panels, which keep their sizes; as wide as the text."""
    wide = max(width, head.get_window_extent().width / figure.dpi + 0.3)
    tall = height + needed
    for ax in figure.axes:
        left, bottom, across, up = ax.get_position(original=True).bounds
        ax.set_position(
            (
                (left * width + (wide - width) / 2) / wide,
                bottom * height / tall,
                across * width / wide,
                up * height / tall,
            )
        )
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position(((x * width + (wide - width) / 2) / wide, y * height / tall))
    figure.set_size_inches(wide, tall)
    head.set_position((0.5, 1 - 0.12 / tall))


def draw_kinds(kinds: Kinds, *, ax: Any = None, **kwargs: Any) -> Any:
    """One sheet of all kinds: the matrix of each example, a colour a value, entries that are not stored left white.

    Lines part the channels. Matrices of more than 120 rows or columns are black and white; of more than 200 the first
    channels are shown.

    Parameters
    ----------
    kinds : Kinds
        The catalogue.
    ax : None
        A sheet has many axes: none can be given.
    **kwargs
        Arguments of `imshow`.

    Returns
    -------
    Figure

    Raises
    ------
    ConvMatrixError
        If `ax` was given, or an argument is unknown to `imshow`.
    """
    if ax is not None:
        raise ConvMatrixError(f"ax must be left out for a sheet of {len(kinds)} matrices, got {type(ax).__name__}")
    panels = {kind: _Panel.of(kind.example()) for kind in kinds.values()}
    rows = [list(panels)[start : start + _COLUMNS] for start in range(0, len(panels), _COLUMNS)]
    heights = [_HEAD + max(panels[kind].size[1] for kind in row) + _FOOT for row in rows]
    figure = style.new_figure(_WIDTH, round(sum(heights) + 0.3, 2))
    cell = (_WIDTH - 0.2) / _COLUMNS
    for row, top in zip(rows, accumulate([0.0, *heights]), strict=False):
        for column, kind in enumerate(row):
            width, height = panels[kind].size
            left = round(0.1 + column * cell + (cell - width) / 2, 2)
            place = style.panel(figure, kind.name, left, top + _HEAD, width, height)
            panels[kind].draw(place, kwargs)
            place.set_title(f"{kind.section}  {kind.name}", fontsize=style.SMALL, weight="bold", pad=4)
    figure.text(0.5, 0.12 / figure.get_size_inches()[1], _KEY, ha="center", va="bottom", fontsize=style.SMALL)
    return figure


@dataclass(frozen=True)
class _Panel:
    """A matrix, or the part of it that is shown, where it stores entries, and the lengths of its channels."""

    matrix: np.ndarray
    stored: np.ndarray
    channels: tuple[int, int]
    words: str

    @classmethod
    def of(cls, op: TensorOperator) -> _Panel:
        """The whole matrix, or whole channels from its upper left corner: no more rows than columns are needed."""
        channels = math.prod(op.out_shape[1:]), math.prod(op.in_shape[1:])
        rows, columns = (_part(size, channel) for size, channel in zip(op.shape, channels, strict=True))
        if rows < op.shape[0]:
            rows = min(rows, _part(rows, channels[0], columns))
        words = " x ".join(map(str, op.shape))
        if (rows, columns) != op.shape:
            words += f", here {rows} x {columns}"
        return cls(op.toarray()[:rows, :columns], _pattern(op)[:rows, :columns], channels, words)

    @property
    def size(self) -> tuple[float, float]:
        """Inches: as the matrix is shaped, within bounds."""
        rows, columns = self.matrix.shape
        shape = min(max(rows / columns, _LEAST), _MOST)
        width = min(_WIDEST, _TALLEST / shape)
        return _whole_pixels(width, columns), _whole_pixels(width * shape, rows)

    def draw(self, ax: Any, kwargs: dict[str, Any]) -> None:
        """In colours, or in black where cells are small."""
        from matplotlib.colors import to_rgb

        image = np.ones((*self.matrix.shape, 3))
        if max(self.matrix.shape) > _COLORED:
            image[self.stored] = to_rgb(style.INK)
        else:
            filled = self.matrix != 0
            values = np.unique(self.matrix[filled])
            colors = np.array([to_rgb(color) for color in style.tap_colors(len(values))])
            image[self.stored] = to_rgb(style.FAINT)
            image[filled] = colors[np.searchsorted(values, self.matrix[filled])]
        style.drawn(ax.imshow, image, options={"aspect": "auto", "interpolation": "nearest"}, given=kwargs)
        rows, columns = self.matrix.shape
        lines = {"color": "#8a8a8a", "linewidth": 0.5, "zorder": 2}
        if self.channels[1] > 1:
            ax.vlines(np.arange(self.channels[1], columns, self.channels[1]) - 0.5, -0.5, rows - 0.5, **lines)
        if self.channels[0] > 1:
            ax.hlines(np.arange(self.channels[0], rows, self.channels[0]) - 0.5, -0.5, columns - 0.5, **lines)
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel(self.words, fontsize=style.SMALL, labelpad=3)


def _whole_pixels(length: float, cells: int) -> float:
    """A length near this one whose cells are whole hundredths of an inch, as far as they are large or very small."""
    hundredths = int(100 * length / cells + 1e-9)
    if hundredths > 1 or cells > _COLORED:
        return cells * max(hundredths, 1) / 100
    return round(length, 2)


def _part(size: int, channel: int, most: int = _SHOWN) -> int:
    """All of `size`, or as many whole channels as are no more than `most`, or a part of one."""
    if size <= most:
        return size
    return most // channel * channel or most


def _pattern(op: TensorOperator) -> np.ndarray:
    """Where the matrix stores an entry, zeros among the weights too."""
    matrix = op.tosparse().copy()
    matrix.data = np.ones(matrix.data.size, dtype=np.int8)
    return np.asarray(matrix.toarray() != 0)
