"""Colours, text sizes and numbers as text: what every drawing shares. No global setting is read or changed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError

SMALL, NORMAL, LARGE = 7.5, 8.5, 10.5
"""Text sizes in points: labels of ticks, labels of axes, titles."""
INK = "#1a1a1a"
FAINT = "#d9d9d9"
PLAIN = "#efefef"
"""A cell of a grid that is not traced."""
MERGED = "#cfcfcf"
"""An entry in which several taps meet; it is hatched too."""
# Petroff's ten colours (arXiv:2107.02270), told apart with any colour vision; in an order that keeps like ones apart.
_CATEGORIES = (
    "#3f90da", "#ffa90e", "#bd1f01", "#b9ac70", "#832db6",
    "#92dadd", "#a96b59", "#e76300", "#717581", "#94a4a2",
)  # fmt: skip
CATEGORIES = len(_CATEGORIES)
_MARGIN, _GAP = 0.15, 0.2
"""Inches round a figure, and between its title, its panels and its last line."""
_LEAST_TEXT, _MOST_TEXT = 7.0, 9.5
_WIDTH_OF_A_LETTER = 0.62
_BESIDE = 1.6
"""Points of a cell's width kept free, so that labels of neighbours are not read as one."""


def tap_colors(taps: int) -> list[Any]:
    """A colour a tap: categories while there are few, else a sequential map over the tap's number."""
    if taps <= CATEGORIES:
        return list(_CATEGORIES[:taps])
    from matplotlib import colormaps

    return list(colormaps["viridis"](np.linspace(0, 1, taps)))


def ink_on(color: Any) -> str:
    """Black or white, whichever is read on `color`."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(color)
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def number(value: Any) -> str:
    """A weight as short text: exact values as they are, floats to two digits.

    >>> from fractions import Fraction
    >>> [number(v) for v in (2, 2.0, 0.1234, Fraction(1, 16), -1e-9)]
    ['2', '2', '0.12', '1/16', '-1e-09']
    """
    if isinstance(value, (float, np.floating)):
        decimal = float(value)
        return f"{decimal:.0f}" if decimal.is_integer() and abs(decimal) < 1000 else f"{decimal:.2g}"
    if isinstance(value, (complex, np.complexfloating)):
        return f"{value:.2g}"
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}" if value.denominator != 1 else str(value.numerator)
    return str(value).replace(" ", "").replace("**", "^").replace("*", "")


def text_size(label: str, width: float, height: float) -> float | None:
    """The size in points at which `label` fits a cell of so many points, or None where it would not be read."""
    lines = label.split("\n")
    longest = max(1.0, max(len(line) + 0.4 * line.count("+") for line in lines))
    size = min(_MOST_TEXT, 0.7 * height / len(lines), (width - _BESIDE) / (_WIDTH_OF_A_LETTER * longest))
    return size if size >= _LEAST_TEXT else None


def common_size(labels: Sequence[str], width: float, height: float) -> float | None:
    """One size for all labels of a kind, so that a picture has one voice; None if the longest does not fit."""
    return text_size(max(labels, key=len), width, height) if labels else None


def title(ax: Any, sentence: str) -> None:
    """A sentence above axes, in lines that are no wider than they are."""
    letters = max(int(cell_points(ax, 1, 1)[0] / (0.5 * NORMAL)), 30)
    ax.set_title("\n".join(textwrap.wrap(sentence, letters)), fontsize=NORMAL)


def cell_points(ax: Any, rows: float, columns: float) -> tuple[float, float]:
    """Width and height in points of one cell of an image of that many cells in `ax`."""
    ax.apply_aspect()
    box = ax.get_window_extent()
    scale = 72 / ax.get_figure(root=False).dpi
    return box.width * scale / columns, box.height * scale / rows


def new_figure(width: float, height: float) -> Any:
    """A figure of that many inches, known to pyplot so that a notebook shows it."""
    from matplotlib import pyplot

    return pyplot.figure(figsize=(width, height), facecolor="white")


def panel(figure: Any, label: str, left: float, top: float, width: float, height: float) -> Any:
    """Axes at a place given in inches from the left and from the top."""
    whole, tall = figure.get_size_inches()
    return figure.add_axes((left / whole, 1 - (top + height) / tall, width / whole, height / tall), label=label)


def fit(figure: Any, head: Any = None, foot: Any = None) -> None:
    """Give a figure the size of its panels with all that is written round them, a title above and a line below.

    Panels keep their sizes, and their places to a hundredth of an inch, so that pixels stay pixels.
    """
    old = figure.get_size_inches()
    boxes = np.array([box for ax in figure.axes for box in _extents(ax)]) / figure.dpi
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    texts = [text.get_window_extent() if text is not None else None for text in (head, foot)]
    wide = max([box.width / figure.dpi for box in texts if box is not None], default=0.0)
    above, below = [_MARGIN + (box.height / figure.dpi + _GAP if box is not None else 0) for box in texts]
    left = _MARGIN + max(wide - (high[0] - low[0]), 0) / 2
    moved = np.round(np.array([left, below]) - low, 2)
    new = np.ceil(100 * (high + moved + (left, above))) / 100
    figure.set_size_inches(*new)
    for ax in figure.axes:
        place = np.array(ax.get_position(original=True).bounds)
        corner, size = (place[:2] * old + moved) / new, place[2:] * old / new
        ax.set_position((*corner, *size))
    for text, at in ((head, 1 - _MARGIN / new[1]), (foot, _MARGIN / new[1])):
        if text is not None:
            text.set_y(at)


def _extents(ax: Any) -> list[np.ndarray]:
    """What a panel and its colour bars cover, in pixels; texts inside a matrix are never beyond its frame."""
    ax.apply_aspect()
    written = [text for text in ax.texts if not text.get_clip_on()] if ax.get_label() != "matrix" else []
    parts = [ax.xaxis.get_tightbbox(), ax.yaxis.get_tightbbox(), ax.get_window_extent()]
    parts += [text.get_window_extent() for text in (ax.title, *written) if text.get_text()]
    parts += [child.get_tightbbox() for child in ax.child_axes]
    return [np.array(part.extents) for part in parts if part is not None]


def drawn(artist: Callable[..., Any], *what: Any, options: dict[str, Any], given: dict[str, Any]) -> Any:
    """Call a method of Axes with `options`, and with the arguments `given` by the user, which go before them.

    Raises
    ------
    ConvMatrixError
        If one of the arguments given is unknown to the method.
    """
    try:
        return artist(*what, **{**options, **given})
    except (AttributeError, TypeError) as error:
        said = str(error)
        unknown = next(
            (name for name in given if re.search("argument|property", said) and re.search(rf"\b{name}\b", said)), None
        )
        if unknown is None:
            raise
        raise ConvMatrixError(
            f"{unknown} must be an option of the drawing or an argument of Axes.{artist.__name__}, "
            f"which does not take it, got {given[unknown]!r}"
        ) from None


def bare(ax: Any) -> None:
    """No ticks and no frame."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)


def cell_outline(cells: np.ndarray) -> np.ndarray:
    """Line segments `(n, 2, 2)` round a set of cells: every edge between a cell that belongs and one that does not."""
    padded = np.pad(cells.astype(bool), 1)
    rows, columns = np.nonzero(padded[:, 1:] != padded[:, :-1])
    upright = np.stack([np.stack([columns - 0.5, rows - 1.5], 1), np.stack([columns - 0.5, rows - 0.5], 1)], 1)
    rows, columns = np.nonzero(padded[1:] != padded[:-1])
    level = np.stack([np.stack([columns - 1.5, rows - 0.5], 1), np.stack([columns - 0.5, rows - 0.5], 1)], 1)
    return np.concatenate([upright, level])


def nice_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, ... that is at least `least`."""
    power = 1
    while 5 * power < least:
        power *= 10
    return next(factor * power for factor in (1, 2, 5) if factor * power >= least)


def two_lines(label: str) -> str:
    r"""A sum broken before the sign nearest to its middle.

    >>> two_lines("a+c+g+i")
    'a+c\n+g+i'
    """
    signs = [place for place, letter in enumerate(label) if letter in "+-" and place]
    if not signs:
        return label
    place = min(signs, key=lambda sign: abs(sign - len(label) / 2))
    return f"{label[:place]}\n{label[place:]}"
