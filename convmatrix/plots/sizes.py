"""The picture of a `SizeSolutions`: a bar a solution, its padding before to the left and behind to the right."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.plots import cells, style

if TYPE_CHECKING:
    from convmatrix.analysis.arithmetic import AxisSolution, SizeSolutions

_SHOWN = 12
"""Solutions of an axis that are drawn."""
# Inches.
_ROW, _WIDTH, _BETWEEN = 0.27, 3.6, 0.75
_BEST, _OTHER, _ADDED = "#2a6f97", "#d5dde3", "#ffa90e"
_EDGE = "#8a8a8a"
_ROOM = 1.25
"""How much wider the axis is than its longest bar, for the numbers at the ends."""


def draw_sizes(result: SizeSolutions, *, ax: Any = None, axis: int = 0, **kwargs: Any) -> Any:
    """Draw what `solve_size` found: every solution's padding before and behind, and what is added at the end.

    The best stands at the top, dark; of many the first 12 are drawn. The output padding of a transposed layer is
    hatched, behind what its padding crops. Where there is no solution the reason is written.

    Parameters
    ----------
    result : SizeSolutions
        Of any question.
    ax : matplotlib.axes.Axes, optional
        Draw one axis into these axes; by default a figure is made, of a panel for each axis whose solutions differ.
    axis : int, default 0
        Which axis is drawn into `ax`.
    **kwargs
        To `Axes.barh` of the padding.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If there is no such axis, or an argument is unknown to `Axes.barh`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> figure = cm.plot(cm.solve_size(5, 3, kernel_size=3, stride=2))
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['stride 2, padding 1', 'stride 2, padding 1+2']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    axis = arguments.integer(axis, "axis", 0)
    if axis >= len(result.per_axis):
        raise ConvMatrixError(f"axis must be below {len(result.per_axis)}, got {axis}")
    if ax is not None:
        _draw(ax, result, axis, kwargs)
        style.title(ax, result._verdict())
        return ax
    shown = _unlike(result)
    figure = style.new_figure(8, 2 + sum(_ROW * _rows(result, number) + _BETWEEN for number in shown))
    top = 0.6
    for number in shown:
        height = _ROW * _rows(result, number) + 0.1
        panel = style.panel(figure, f"axis {number}", 2.6, top, _WIDTH, height)
        _draw(panel, result, number, kwargs)
        if len(shown) > 1:
            panel.set_title(f"axis {number}", fontsize=style.NORMAL, loc="left")
        top += height + _BETWEEN
    head = figure.text(0.5, 0.98, textwrap.fill(result._verdict(), 60), ha="center", va="top", fontsize=style.LARGE)
    head.set_weight("bold")
    style.fit(figure, head)
    return figure


def _unlike(result: SizeSolutions) -> list[int]:
    """The axes, of those that are alike the first."""
    said = [axis or reason for axis, reason in zip(result.per_axis, result.reachable, strict=True)]
    return [number for number, own in enumerate(said) if own not in said[:number]]


def _rows(result: SizeSolutions, axis: int) -> int:
    return max(min(len(result.per_axis[axis]), _SHOWN), 2)


def _draw(ax: Any, result: SizeSolutions, axis: int, given: dict[str, Any]) -> None:
    solutions = result.per_axis[axis][:_SHOWN]
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    if not solutions:
        style.bare(ax)
        said = textwrap.fill(f"no solution: {result.reachable[axis]}", 48)
        ax.text(0.5, 0.5, said, transform=ax.transAxes, ha="center", va="center", fontsize=style.NORMAL)
        return
    before, behind = np.array([each.padding for each in solutions], dtype=float).T
    added = np.array([each.output_padding for each in solutions], dtype=float)
    places = np.arange(len(solutions))
    colors = [_BEST, *[_OTHER] * (len(solutions) - 1)]
    options = {
        "left": -before,
        "height": 0.62,
        "color": colors,
        "edgecolor": _EDGE,
        "linewidth": 0.6,
        "label": "padding",
    }
    style.drawn(ax.barh, places, before + behind, options=options, given=given)
    some = np.flatnonzero(added)
    if some.size:
        look = {"color": "white", "edgecolor": _ADDED, "hatch": "////", "label": "output padding"}
        ax.barh(places[some], added[some], left=behind[some], height=0.62, **look)
    ax.axvline(0, color=style.INK, linewidth=0.8)
    for place, each in enumerate(solutions):
        _number(ax, place, each)
    ax.set_yticks(places, [result._said(each, True) for each in solutions], fontsize=style.SMALL)
    ax.set_ylim(len(solutions) - 0.45, -0.55)
    _scale(ax, before, behind + added)
    more = len(result.per_axis[axis]) - len(solutions)
    said = "cropped before | behind, then added (hatched)" if result.transpose else "padding before | behind"
    ax.set_xlabel(said + (f"; {more} more solutions" if more else ""), fontsize=style.NORMAL)
    ax.tick_params(axis="y", length=0)


def _number(ax: Any, place: int, each: AxisSolution) -> None:
    """The padding at both ends of a bar."""
    before, behind = each.padding
    added = f" + {each.output_padding}" if each.output_padding else ""
    cells.note(ax, f"{before:,}", (-before, place), shift=(-4, 0), ha="right", va="center")
    cells.note(ax, f"{behind:,}{added}", (behind + each.output_padding, place), shift=(4, 0), ha="left", va="center")


def _scale(ax: Any, before: np.ndarray, behind: np.ndarray) -> None:
    """Both sides in one scale, without numbers, which stand at the bars."""
    ax.set_xlim(-_ROOM * max(before.max(), 1), _ROOM * max(behind.max(), 1))
    ax.set_xticks([])
