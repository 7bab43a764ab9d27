"""The picture of a `RankProfile`: singular values and energy of every matrix, and the ranks of the kernels."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.plots import style
from convmatrix.plots.spectrum import name_axes, name_decades

if TYPE_CHECKING:
    from convmatrix.analysis.ranks.answer import RankProfile
    from convmatrix.analysis.ranks.kernels import KernelRanks
    from convmatrix.analysis.ranks.profile import Profile

_LINES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.2, 1.5)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "h")
_LEAST = 1e-17
_TOLERANCE = "#bd1f01"


def draw_rank_profile(result: RankProfile, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw the singular values of the operator and of the unfoldings, their energy, and the kernels' ranks.

    Values are shares of the largest on a logarithmic axis, against the share of their number, so that matrices of
    different sizes lie over each other. Where ranks are numerical the operator's tolerance is drawn, and in its own
    colour that of each unfolding without full rank. The names say the ranks.

    Parameters
    ----------
    result : RankProfile
        Of an operator or a weight.
    ax : matplotlib.axes.Axes, optional
        Draw the values alone into these axes. By default a figure is made.
    **kwargs
        To `Axes.plot` of every curve.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If an argument is unknown to `Axes.plot`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> import convmatrix as cm
    >>> from convmatrix.plots.ranks import draw_rank_profile
    >>> op = cm.conv("laplacian4", (6, 6), padding=1, padding_mode="circular")
    >>> figure = draw_rank_profile(cm.rank_profile(op))
    >>> [ax.get_title() for ax in figure.axes]
    ['singular values', 'energy', 'kernels']
    >>> plt.close(figure)
    """
    if ax is not None:
        _draw_values(ax, result, kwargs)
        return ax
    figure = style.new_figure(9, 4)
    left = style.panel(figure, "values", 0.8, 0.6, 2.9, 2.6)
    _draw_values(left, result, kwargs)
    _draw_energy(style.panel(figure, "energy", 4.5, 0.6, 2.2, 2.6), result)
    if result.kernels is not None:
        _draw_kernels(style.panel(figure, "kernels", 7.4, 0.6, 1.3, 2.6), result.kernels)
    handles = [line for line in left.lines if not line.get_label().startswith("_")]
    names = [textwrap.shorten(line.get_label(), 60) for line in handles]
    left.legend(handles, names, loc="upper left", bbox_to_anchor=(-0.02, -0.22), ncols=2, fontsize=style.SMALL,
                frameon=False, borderaxespad=0)  # fmt: skip
    said = _headline(result)
    style.fit(figure, figure.text(0.5, 0, said, ha="center", va="top", fontsize=style.LARGE, weight="bold"))
    legend = left.get_legend().get_window_extent()
    _grow_below(figure, legend.y0 / figure.dpi)
    return figure


def _grow_below(figure: Any, low: float) -> None:
    """Room below for what reaches under the figure's edge, in inches."""
    missing = max(0.12 - low, 0.0)
    wide, tall = figure.get_size_inches()
    places = [(ax, ax.get_position(original=True).bounds) for ax in figure.axes]
    figure.set_size_inches(wide, tall + missing)
    for ax, (x, y, w, h) in places:
        ax.set_position((x, (y * tall + missing) / (tall + missing), w, h * tall / (tall + missing)))
    for text in figure.texts:
        text.set_y((text.get_position()[1] * tall + missing) / (tall + missing))


def _headline(result: RankProfile) -> str:
    return "ranks of a weight" if result.operator is None else f"rank {result.operator.rank_text}"


def _looks(number: int, profile: Profile) -> dict[str, Any]:
    color = style.tap_colors(style.CATEGORIES)[number % style.CATEGORIES]
    is_whole = profile.name == "operator"
    return {
        "color": style.INK if is_whole else color,
        "linewidth": 2.2 if is_whole else 1.3,
        "linestyle": _LINES[number % len(_LINES)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "markersize": 4,
        "markevery": 0.13 + 0.011 * number,
        "zorder": 2 if is_whole else 3,
    }


def _draw_values(ax: Any, result: RankProfile, given: dict[str, Any]) -> None:
    lowest = 1.0
    ax.set_yscale("log")
    for number, profile in enumerate(result.profiles):
        label = f"{profile.name}: {profile.rank_text}"
        if profile.scaled is None or not profile.scaled.any():
            missing = " (values not computed)" if profile.scaled is None else ""
            ax.plot([], [], label=f"{label}{missing}", **{**_looks(number, profile), "markevery": None})
            continue
        values = profile.scaled / (profile.scaled[0] or 1.0)
        shown = np.maximum(values, _LEAST)
        lowest = min(lowest, float(shown[values > 0].min(initial=1.0)), 0.3 * (profile.tol or 1.0))
        shares = np.arange(1, len(values) + 1) / len(values)
        shown = np.where(values > 0, shown, np.nan)
        style.drawn(ax.plot, shares, shown, options={**_looks(number, profile), "label": label}, given=given)
    _draw_tolerances(ax, result)
    ax.set(xlim=(0, 1.02), ylim=(lowest / 3, 2))
    name_decades(ax)
    ax.set_title("singular values", fontsize=style.NORMAL)
    name_axes(ax, "share of the values", "share of the largest")


def _draw_tolerances(ax: Any, result: RankProfile) -> None:
    """The operator's, and those that decide of an unfolding that its rank is not full."""
    deficient = [
        (number, profile)
        for number, profile in enumerate(result.unfoldings.values())
        if profile.tol and not profile.is_full
    ]
    for number, profile in deficient:
        color = _looks(number, profile)["color"]
        ax.axhline(profile.tol, color=color, linewidth=1.0, linestyle="--", label=f"_tolerance of {profile.name}")
    shown = [(result.operator, "the operator's tolerance", _TOLERANCE, "bottom")]
    if deficient:
        number, lowest = min(deficient, key=lambda own: own[1].tol or 0.0)
        said = "its tolerance" if len(deficient) == 1 else "their tolerances"
        shown.append((lowest, said, _looks(number, lowest)["color"], "top"))
    for own, said, color, side in shown:
        if own is None or not own.tol:
            continue
        if own is result.operator:
            ax.axhline(own.tol, color=color, linewidth=1.0, linestyle="--", label="_tolerance")
        beside = (0, 1 if side == "bottom" else -2)
        ax.annotate(said, (0.02, own.tol), beside, ax.get_yaxis_transform(), "offset points",
                    color=color, fontsize=style.SMALL, va=side, clip_on=False, annotation_clip=False)  # fmt: skip


def _draw_energy(ax: Any, result: RankProfile) -> None:
    for number, profile in enumerate(result.profiles):
        if profile.energy is None:
            continue
        shares = np.arange(1, len(profile.energy) + 1) / len(profile.energy)
        ax.plot(shares, profile.energy, **_looks(number, profile), label=profile.name)
    ax.set(xlim=(0, 1.02), ylim=(0, 1.04))
    ax.set_title("energy", fontsize=style.NORMAL)
    name_axes(ax, "share of the values", "share of the sum of squares")


def _draw_kernels(ax: Any, kernels: KernelRanks) -> None:
    """How many kernels have each rank."""
    counts = kernels.counts
    most = min(kernels.matrix_shape)
    heights = [counts.get(rank, 0) for rank in range(most + 1)]
    ax.bar(range(most + 1), heights, color="#3f90da", width=0.7, label="kernels")
    for rank, height in enumerate(heights):
        if height:
            ax.text(rank, height, f"{height:,}", ha="center", va="bottom", fontsize=style.SMALL, clip_on=False)
    ax.set_ylim(0, 1.15 * max(heights))
    step = style.nice_step((most + 1) / 6)
    ax.set_xticks(range(0, most + 1, step))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_title("kernels", fontsize=style.NORMAL)
    name_axes(ax, f"rank, of {most}", "")
