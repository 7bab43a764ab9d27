"""The picture of an `Inspection`: its findings as a table, each verdict with a mark and its word."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from convmatrix.plots import style

if TYPE_CHECKING:
    from convmatrix.analysis.inspection import Inspection

_SIZE = (7.6, 3.3)
_LINE = 0.21
"""Inches a line."""
# A filled, an empty and a half mark: told apart without colour.
_MARKS = {"yes": ("s", "full", "#2a6f97"), "no": ("s", "none", "#8a8a8a"), "not verified": ("D", "left", "#b08900")}
_COLUMNS = ((0.02, 0.16), (0.50, 0.90))
"""Where labels and values begin, in the left column and in the right one."""


def draw_inspection(result: Inspection, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw what `inspect` found: sizes, storage and rank on the left, the verified structures on the right.

    Parameters
    ----------
    result : Inspection
        Of any operator.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes, whose ticks are taken away; by default a figure is made.
    **kwargs
        To `Axes.text` of every line.

    Returns
    -------
    Figure, or the Axes given
    """
    groups = dict(result._groups())
    figure = None
    if ax is None:
        lines = max(sum(len(rows) + 1.5 for name, rows in groups.items() if name != "Structure"), 10.0)
        height = _LINE * (lines + 1.5 + len(_notes(result)))
        figure = style.new_figure(_SIZE[0], height)
        ax = style.panel(figure, "inspection", 0.2, 0.15, _SIZE[0] - 0.4, height - 0.3)
    style.bare(ax)
    ax.set_xlim(0, 1)
    lines = sum(len(rows) + 1.5 for name, rows in groups.items() if name != "Structure") + len(_notes(result))
    ax.set_ylim(lines, 0)
    scale = min(ax.get_window_extent().width / ax.get_figure(root=False).dpi / (_SIZE[0] - 0.4), 1.0)
    options = {"fontsize": style.NORMAL * scale, "va": "center", **kwargs}
    style.drawn(ax.text, 0, 0, "", options={}, given=kwargs).remove()
    end = 0.5
    for name in ("Shape", "Storage", "Rank"):
        end = _write(ax, name, groups[name], _COLUMNS[0], end, options)
    _write(ax, "Structure, verified on the matrix", groups["Structure"], _COLUMNS[1], 0.5, options)
    for number, note in enumerate(_notes(result)):
        ax.text(
            _COLUMNS[0][0], end + number, note, **{**options, "fontsize": 0.9 * options["fontsize"], "style": "italic"}
        )
    return ax if figure is None else figure


def _write(
    ax: Any, title: str, rows: list[tuple[str, str]], places: tuple[float, float], first: float, options: dict[str, Any]
) -> float:
    """One group from line `first` on; returns where the next begins."""
    ax.text(places[0], first, title, **{"weight": "bold", **options})
    for line, (label, value) in enumerate(rows, start=1):
        at = first + line
        verdict = next((word for word in _MARKS if value == word or value.startswith(f"{word},")), None)
        ax.text(places[0] + 0.01, at, label, **{"color": "#404040", **options})
        ax.text(places[1], at, value, **options)
        if verdict is not None and places is _COLUMNS[1]:
            shape, fill, color = _MARKS[verdict]
            mark = {
                "marker": shape,
                "fillstyle": fill,
                "color": color,
                "markersize": 0.7 * options["fontsize"],
                "clip_on": False,
            }
            (point,) = ax.plot([places[1] - 0.025], [at], linestyle="none", **mark)
            point.set_label(f"{label}: {verdict}")
    return first + len(rows) + 1.5


def _notes(result: Inspection) -> list[str]:
    """The notes in lines that fit the width."""
    return [line for note in result.notes for line in textwrap.wrap(note, 125)]
