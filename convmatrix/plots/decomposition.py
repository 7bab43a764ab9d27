"""The picture of a `Decomposition`: what each structure costs and how far it is from the layer, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.cost import multiplications
from convmatrix.plots import cells, style, wording

if TYPE_CHECKING:
    from convmatrix.analysis.decomposition import Decomposition, Structure

_INK, _OTHER, _REFERENCE = "#2a6f97", "#9bbccd", "#bd1f01"
# Inches.
_LINE, _COSTS, _ERRORS, _GAP, _LEFT = 0.34, 3.4, 2.6, 1.35, 2.6
_FLOOR = 1e-17
"""Relative errors below are drawn at the left end."""
# Told apart without colour: filled square, filled circle, hollow diamond.
_MARKS = {"exact": ("s", True), "within tol": ("o", True), "approximation": ("D", False)}


def draw_decomposition(result: Decomposition, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw the structures that `decompose` found, the cheapest first, the layer itself as the last line.

    At the left a bar for the multiplications, the layer's own as a dashed line; at the right the relative error of the
    matrix, exact structures on the line at 0. Filled squares are exact, filled circles hold within the tolerance,
    hollow diamonds are approximations; a star names the best.

    Parameters
    ----------
    result : Decomposition
        Of any layer.
    ax : matplotlib.axes.Axes, optional
        Draw the bars alone into these axes, the errors in words beside them; by default a figure is made.
    **kwargs
        To `Axes.barh` of the multiplications.

    Returns
    -------
    Figure, or the Axes given

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm, numpy as np
    >>> layer = cm.conv(np.multiply.outer([[1, 2], [3, 4]], [[1, 2, 1], [2, 4, 2], [1, 2, 1]]), (8, 8))
    >>> figure = cm.plot(cm.decompose(layer))
    >>> [axes.get_label() for axes in figure.axes]
    ['multiplications', 'errors']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    found = sorted(result.structures, key=lambda structure: (structure.multiplications[1], structure.error))
    if ax is not None:
        _draw_costs(ax, result, found, kwargs, in_words=True)
        ax.set_title(_verdict(result), fontsize=style.NORMAL)
        return ax
    height = _LINE * (len(found) + 1)
    figure = style.new_figure(_LEFT + _COSTS + _GAP + _ERRORS, height + 1.5)
    costs = style.panel(figure, "multiplications", _LEFT, 0.5, _COSTS, height)
    _draw_costs(costs, result, found, kwargs, in_words=False)
    if found:
        _draw_errors(style.panel(figure, "errors", _LEFT + _COSTS + _GAP, 0.5, _ERRORS, height), found)
    head = figure.text(0.5, 0.98, _verdict(result), ha="center", va="top", fontsize=style.LARGE, weight="bold")
    said = f"of the {wording.describe(result.layer)}, {result.layer.in_shape} -> {result.layer.out_shape}"
    foot = figure.text(0.5, 0.02, said, ha="center", va="bottom", fontsize=style.NORMAL, color="#404040")
    style.fit(figure, head, foot)
    return figure


def _verdict(result: Decomposition) -> str:
    best = result.best
    if best is not None:
        share = 100 * best.multiplications[1] / best.multiplications[0]
        how = "exactly" if best.is_exact else f"within {cells.short(best.relative_error)} relative"
        return f"Best: {name_of(best)}, {how}, with {share:.3g} % of the multiplications"
    if any(structure.holds for structure in result.structures):
        return "No structure that holds saves multiplications"
    return "No structure holds" + (f"; approximations of rank {result.rank}" if result.rank is not None else "")


def name_of(structure: Structure) -> str:
    """A structure's name with its settings.

    >>> from types import SimpleNamespace
    >>> name_of(SimpleNamespace(name="bottleneck", settings={"rank": 2, "of": 6}))
    'bottleneck, rank 2 of 6'
    """
    counts = {name: value for name, value in structure.settings.items() if isinstance(value, int)}
    of = f" of {counts.pop('of')}" if "of" in counts else ""
    said = [f"{name.replace('_', ' ')} {value}" for name, value in counts.items()]
    return ", ".join([structure.name, *said]) + of


def _kind(structure: Structure) -> str:
    return "exact" if structure.is_exact and structure.holds else "within tol" if structure.holds else "approximation"


def _draw_costs(
    ax: Any, result: Decomposition, found: Sequence[Structure], kwargs: dict[str, Any], *, in_words: bool
) -> None:
    """A bar a structure, with its number; filled where it holds, hatched where it is an approximation."""
    before = _before(result, found)
    counts = [*[structure.multiplications[1] for structure in found], before]
    names = [f"{name_of(structure)}{_star(result, structure)}" for structure in found]
    options = {"color": [*[_INK if s.holds else _OTHER for s in found], "#d9d9d9"], "height": 0.62}
    bars = style.drawn(ax.barh, np.arange(len(counts)), counts, options=options, given=kwargs)
    for bar, structure in zip(bars, found, strict=False):
        if not structure.holds:
            bar.set(hatch="////", edgecolor="white")
    longest = max(counts)
    for place, count in enumerate(counts):
        said = f"{count:,}"
        if place < len(found):
            said += f" ({100 * count / before:.0f} %)" if before else ""
            said += f", {_error(found[place])}" if in_words else ""
        cells.note(ax, said, (longest, place), shift=(6, 0), va="center")
    ax.axvline(before, color=_REFERENCE, linewidth=1, linestyle="--", zorder=0)
    ax.set_yticks(np.arange(len(counts)), [*names, "the layer itself"], fontsize=style.NORMAL)
    ax.set_ylim(len(counts) - 0.5, -0.5)
    ax.set_xlim(0, max(longest, 1) * (1.75 if in_words else 1.45))
    _finish(ax, "multiplications")


def _draw_errors(ax: Any, found: Sequence[Structure]) -> None:
    """A mark a structure on its line, at its relative error; 0 stands at the left."""
    shares = [float(structure.relative_error) for structure in found]
    positive = [share for share in shares if share > 0]
    logarithmic = bool(positive) and (min(positive) < 1e-3)
    least = max(min(positive) / 10, _FLOOR) if logarithmic else 0.0
    for kind, (marker, filled) in _MARKS.items():
        places = [place for place, structure in enumerate(found) if _kind(structure) == kind]
        if not places:
            continue
        at = [max(shares[place], least) for place in places]
        fill = _INK if filled else "white"
        options = {"marker": marker, "markersize": 7, "linestyle": "none", "color": _INK, "markerfacecolor": fill}
        ax.plot(at, places, clip_on=False, zorder=3, label=kind, **options)
    if logarithmic:
        ax.set_xscale("log")
        ax.set_xlim(least, max(1.0, 2 * max(positive)))
    else:
        ax.set_xlim(0, max(1.15 * max(shares, default=0.0), 0.05))
    for place, structure in enumerate(found):
        ax.axhline(place, color=style.FAINT, linewidth=0.7, zorder=0)
        cells.note(
            ax,
            _error(structure),
            (1, place),
            coords=("axes fraction", "data"),
            shift=(8, 0),
            va="center",
            fontsize=style.SMALL,
        )
    ax.set_yticks([])
    ax.set_ylim(len(found) + 0.5, -0.5)
    _finish(ax, "relative error of the matrix (Frobenius)")
    if found:
        ax.set_title(" ", fontsize=style.NORMAL)  # Room for the key.
        ax.legend(
            fontsize=style.SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, handletextpad=0.2,
            columnspacing=1.0, borderaxespad=0.1,
        )  # fmt: skip


def _error(structure: Structure) -> str:
    if structure.is_exact and structure.holds:
        return "exact"
    share = float(structure.relative_error)
    return "error 0" if share == 0 else f"{share:.1e}" if share < 1e-3 else f"{100 * share:.3g} %"


def _star(result: Decomposition, structure: Structure) -> str:
    best = result.best
    same = best is not None and (structure.name, structure.settings) == (best.name, best.settings)
    return " \u2605" if same else ""


def _before(result: Decomposition, found: Sequence[Structure]) -> int:
    return found[0].multiplications[0] if found else multiplications(result.layer)


def _finish(ax: Any, across: str) -> None:
    ax.set_xlabel(across, fontsize=style.NORMAL)
    ax.tick_params(axis="x", labelsize=style.SMALL, length=2)
    ax.tick_params(axis="y", length=0)
    ax.minorticks_off()
    if ax.get_xscale() == "linear":
        ax.locator_params(axis="x", nbins=4)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value / 1e6:,.6g} M" if value >= 1e6 else f"{value:,.6g}")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
