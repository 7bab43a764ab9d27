"""Kinds of convolution: the matrix of one example, or of all on one sheet."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.kinds import Kind, Kinds
from convmatrix.operators import TensorOperator
from convmatrix.plots import style
from convmatrix.plots.operator import draw_operator

_COLUMNS = 5
_WIDTH, _PANEL, _HEAD = 9.0, 1.55, 0.52
"""Inches: of the sheet, of a matrix, and of what is written above one."""
_LEAST, _MOST = 0.45, 1.6
"""Height over width of a panel; beyond, cells are no longer square."""
_CELLS = 200
"""Rows and columns of a panel that are told apart."""


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
    examples = {kind: kind.example() for kind in kinds.values()}
    sizes = {kind: _panel_size(op) for kind, op in examples.items()}
    rows = [list(sizes)[start : start + _COLUMNS] for start in range(0, len(sizes), _COLUMNS)]
    heights = [_HEAD + max(sizes[kind][1] for kind in row) for row in rows]
    figure = style.new_figure(_WIDTH, sum(heights) + 0.15)
    cell = (_WIDTH - 0.2) / _COLUMNS
    for row, top in zip(rows, accumulate([0.0, *heights]), strict=False):
        for column, kind in enumerate(row):
            width, height = sizes[kind]
            left = 0.1 + column * cell + (cell - width) / 2
            panel = style.panel(figure, kind.name, left, top + _HEAD, width, height)
            _draw_small(panel, examples[kind], kwargs)
            words = f"{kind.section}  {kind.name}\n{' x '.join(map(str, examples[kind].shape))}"
            panel.set_title(words, fontsize=style.SMALL, linespacing=1.3, pad=4)
    return figure


def _panel_size(op: TensorOperator) -> tuple[float, float]:
    """Inches: as the matrix is shaped, within bounds."""
    shape = min(max(op.shape[0] / op.shape[1], _LEAST), _MOST)
    return (_PANEL / max(shape, 1), _PANEL * min(shape, 1))


def _draw_small(ax: Any, op: TensorOperator, kwargs: dict[str, Any]) -> None:
    """The matrix in colours, or how full it is in grey where cells would not be seen."""
    from matplotlib.colors import to_rgb

    matrix, stored = op.toarray(), _pattern(op)
    if max(matrix.shape) > _CELLS:
        image = 1 - _shares(stored)[..., None] * (1 - np.array(to_rgb(style.INK)))
    else:
        values = np.unique(matrix[matrix != 0])
        colors = np.array([to_rgb(color) for color in style.tap_colors(len(values))])
        image = np.ones((*matrix.shape, 3))
        image[stored] = to_rgb(style.FAINT)
        image[matrix != 0] = colors[np.searchsorted(values, matrix[matrix != 0])]
    options = {"aspect": "auto", "interpolation": "nearest"}
    style.drawn(ax.imshow, image, options=options, given=kwargs)
    ax.set_xticks([])
    ax.set_yticks([])


def _shares(stored: np.ndarray) -> np.ndarray:
    """Which share of each block of cells is stored, by the fullest one: blocks so large that few are left."""
    sides = [math.ceil(size / _CELLS) for size in stored.shape]
    padded = np.pad(stored, [(0, -size % side) for size, side in zip(stored.shape, sides, strict=True)])
    rows, columns = (size // side for size, side in zip(padded.shape, sides, strict=True))
    shares = padded.reshape(rows, sides[0], columns, sides[1]).mean((1, 3))
    return np.asarray(shares / shares.max())


def _pattern(op: TensorOperator) -> np.ndarray:
    """Where the matrix stores an entry, zeros among the weights too."""
    matrix = op.tosparse().copy()
    matrix.data = np.ones(matrix.data.size, dtype=np.int8)
    return np.asarray(matrix.toarray() != 0)
