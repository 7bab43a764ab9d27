"""A stack of kernels or filters: bars for the ranks, a histogram of how far each is from rank one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convmatrix.plots import cells, style

_FEW = 4
"""Bars up to which the room is not filled: one is no wall."""
_BARS = 12
_BINS = 24
_INK = "#2a6f97"
_EXACT = 1e-12
"""Share of the norm below which an error counts as rounding."""


def draw_spread(
    ax: Any,
    title: str,
    ranks: tuple[Sequence[str], np.ndarray, str],
    errors: tuple[np.ndarray, np.ndarray],
    given: dict[str, Any],
) -> Any:
    """Draw the ranks of a stack as bars, and beside them the relative errors of the best rank-one parts.

    Parameters
    ----------
    ax : Axes or None
        Where the bars alone go.
    title : str
        The verdict on all.
    ranks : (names, counts, label)
        A bar a name.
    errors : (errors, norms)
        Of every kernel.
    given : dict
        The user's arguments of `bar`.
    """
    if ax is not None:
        _draw_bars(ax, *ranks, given)
        style.title(ax, title)
        return ax
    figure = style.new_figure(8, 3)
    _draw_bars(style.panel(figure, "ranks", 0.7, 0.5, 3.0, 2.0), *ranks, given)
    _draw_errors(style.panel(figure, "errors", 4.6, 0.5, 3.0, 2.0), *errors)
    head = figure.text(0.5, 0.98, title[:1].upper() + title[1:], ha="center", va="top", fontsize=style.LARGE)
    head.set_weight("bold")
    style.fit(figure, head)
    return figure


def _draw_bars(ax: Any, names: Sequence[str], counts: np.ndarray, label: str, given: dict[str, Any]) -> None:
    """The most frequent in their own order, each with its number above."""
    kept = sorted(np.argsort(-counts, kind="stable")[:_BARS].tolist())
    places = np.arange(len(kept))
    heights = counts[kept]
    style.drawn(ax.bar, places, heights, options={"color": _INK, "width": 0.7}, given=given)
    for place, height in enumerate(heights.tolist()):
        cells.note(ax, f"{height:,}", (place, height), shift=(0, 2), ha="center", va="bottom", fontsize=style.SMALL)
    shown = [names[number] for number in kept]
    turned = {"rotation": 90} if max(map(len, shown)) * len(shown) > 45 else {}
    ax.set_xticks(places, shown, fontsize=style.SMALL, **turned)
    ax.set_ylim(0, max(1.15 * float(heights.max()), 1))
    if len(kept) < _FEW:
        middle = (len(kept) - 1) / 2
        ax.set_xlim(middle - _FEW / 2, middle + _FEW / 2)
    more = f" (the {_BARS} most frequent)" if len(kept) < len(counts) else ""
    _finish(ax, f"{label}{more}", "how many")


def _draw_errors(ax: Any, errors: np.ndarray, norms: np.ndarray) -> None:
    """How many have which relative error; those of rounding alone as a bar of their own at the left."""
    flat, sizes = errors.reshape(-1).astype(float), norms.reshape(-1).astype(float)
    shares = np.divide(flat, sizes, out=np.zeros_like(flat), where=sizes > 0)
    exact = shares <= _EXACT
    top = max(float(shares.max(initial=0.0)), 0.05)
    counts, edges = np.histogram(shares[~exact], bins=_BINS, range=(0, top))
    ax.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=_INK, edgecolor="white", linewidth=0.4)
    if exact.any():
        at = -top / 12
        ax.bar([at], [int(exact.sum())], width=top / 16, color="white", edgecolor=_INK, hatch="////")
        cells.note(
            ax,
            f"{int(exact.sum()):,} of rank one",
            (at, int(exact.sum())),
            shift=(-2, 2),
            fontsize=style.SMALL,
            ha="left",
            va="bottom",
        )
    ax.set_ylim(0, max(1.18 * float(max(counts.max(initial=0), exact.sum())), 1))
    _finish(ax, "error of the nearest of rank one, share of the norm", "how many")


def _finish(ax: Any, across: str, up: str) -> None:
    ax.set_xlabel(across, fontsize=style.NORMAL)
    ax.set_ylabel(up, fontsize=style.NORMAL)
    ax.tick_params(labelsize=style.SMALL, length=2)
    ax.yaxis.get_major_locator().set_params(integer=True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
