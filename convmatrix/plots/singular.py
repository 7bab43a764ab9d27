"""Singular values as stems: those that count filled, the rest hollow, the rank and the tolerance marked."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.plots import cells, style

_SPREAD = 200.0
"""Largest over smallest value, beyond which the axis is logarithmic."""
_LABELLED, _LETTERS = 6, 30
"""Values up to which each is written, and letters of them all."""
_MARKUP = re.compile(r"\\\w+|[{}$ ]")
_INK = "#2a6f97"


def draw_singular_values(ax: Any, values: Any, rank: int, tol: float | None) -> None:
    """Draw descending singular values as shares of the largest, their own sizes beside them while they are few.

    Parameters
    ----------
    ax : Axes
        To fill.
    values : sequence of float or of SymPy numbers
        Descending, zeros included.
    rank : int
        How many of them count.
    tol : float or None
        Relative to the largest; drawn as a line where it is given.
    """
    sizes = cells.shares_of_largest(values)
    floor = floor_of(sizes, tol)
    heights = np.maximum(sizes, floor or 0.0)
    places = np.arange(1, len(sizes) + 1)
    if floor is not None:
        ax.set_yscale("log")
    ax.set_ylim(*((floor, floor**-0.2) if floor is not None else (-0.06, 1.25)))
    ax.set_xlim(0.4, len(sizes) + 0.6)
    ax.vlines(places, floor or 0.0, heights, color=_INK, linewidth=1.6 if len(sizes) < 20 else 0.9)
    if floor is None:
        ax.axhline(0, color="#8a8a8a", linewidth=0.7, zorder=0)
    size = 5.5 if len(sizes) < 20 else 3
    for chosen, fill, meaning in ((places <= rank, _INK, "counted"), (places > rank, "white", "not counted")):
        points = {"marker": "o", "markersize": size, "linestyle": "none", "color": _INK, "markerfacecolor": fill}
        ax.plot(places[chosen], heights[chosen], clip_on=False, zorder=3, label=meaning, **points)
    if 0 < rank < len(sizes):
        ax.axvline(rank + 0.5, color="#5a5a5a", linewidth=0.9, linestyle=(0, (2, 2)))
    if tol and floor is not None:
        _mark_tolerance(ax, tol)
    _name(ax, values, heights, rank, tol)


def floor_of(shares: np.ndarray, tol: float | None) -> float | None:
    """Where a logarithmic axis begins; None for an ordinary axis, on which all values are seen."""
    positive = shares[shares > 0]
    least = float(positive.min()) if positive.size else 1.0
    if least > 1 / _SPREAD and (not tol or least > tol):
        return None
    # A remainder of rounding, and a 0, stand at the foot of the axis.
    return max(min(least, tol or 1.0) / 10, 1e-20)


def _mark_tolerance(ax: Any, height: float) -> None:
    ax.axhline(height, color="#bd1f01", linewidth=1.0, linestyle="--")
    cells.note(
        ax,
        "tol",
        (1, height),
        coords=("axes fraction", "data"),
        shift=(2, 0),
        va="center",
        ha="left",
        fontsize=style.SMALL,
        color="#bd1f01",
    )


def _name(ax: Any, values: Any, heights: np.ndarray, rank: int, tol: float | None) -> None:
    """Ticks, title, and the values beside their marks while they are few."""
    count = len(heights)
    step = 1 if count <= 8 else style.nice_step(count / 6)
    ticks = [1, *range(step, count + 1, step)] if step > 1 else range(1, count + 1)
    ax.set_xticks(list(ticks), [str(tick) for tick in ticks])
    ax.tick_params(labelsize=style.SMALL, length=2, pad=2)
    ax.minorticks_off()
    if ax.get_yscale() == "log":
        powers = range(int(np.ceil(np.log10(ax.get_ylim()[0]))), 1)
        kept = [power for power in powers if power % style.nice_step(len(powers) / 5) == 0]
        ax.set_yticks([10.0**power for power in kept])
    else:
        ax.locator_params(axis="y", nbins=4)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.set_title("singular values", fontsize=style.NORMAL, pad=4)
    ax.set_ylabel("share of the largest", fontsize=style.SMALL, labelpad=2)
    limit = "not 0" if tol is None else f"above tol {tol:.2g}"
    ax.set_xlabel(f"{rank} of {count} {limit}", fontsize=style.NORMAL, labelpad=2)
    said = [value_label(value) if place < rank or value == 0 else "" for place, value in enumerate(values)]
    if count > _LABELLED or max(len(_MARKUP.sub("", text)) for text in said) * count > _LETTERS:
        return
    for place, (text, height) in enumerate(zip(said, heights, strict=True), start=1):
        if text:
            clear = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
            cells.note(ax, text, (place, height), shift=(0, 5), ha="center", va="bottom", bbox=clear)


def value_label(value: Any) -> str:
    r"""A singular value: in radicals where that is short, else to three digits.

    >>> import sympy
    >>> value_label(sympy.sqrt(12)), value_label(2.5), value_label(sympy.sqrt(sympy.sqrt(7) + 31))
    ('$2 \\sqrt{3}$', '2.5', '5.8')
    """
    if not exact.is_sympy(value):
        return cells.short(float(value))
    if value.is_Rational and len(str(value)) <= 6:
        return str(value)
    import sympy

    if len(str(value)) <= 10 and not value.atoms(sympy.RootOf):
        return f"${sympy.latex(value)}$"
    return cells.short(value)
