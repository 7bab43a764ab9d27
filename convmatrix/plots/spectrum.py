"""Pictures of singular values: on a logarithmic axis with the tolerance, their energy, layers beside each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.spectrum.measures import energy_curves
from convmatrix.plots import style

if TYPE_CHECKING:
    from convmatrix.analysis.spectrum.answer import SingularValues
    from convmatrix.analysis.spectrum.comparison import SpectrumComparison

_LINES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.2, 1.5)))
_MARKERS = ("o", "s", "^", "D", "v", "P")
_DOTS = 60
"""Values up to which each has a mark."""
_EPS = float(np.finfo(np.float64).eps)
_LEAST = 1e-17
_TINY, _HUGE = 1e-100, 1e100
"""Largest values between which an axis takes all as they are: it multiplies and divides them."""
_FAR = 1e4
"""Times the tolerance from which all values are far above it."""


def draw_singular_values(result: SingularValues, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw singular values in their order on a logarithmic axis, the tolerance below which they are 0, and the energy.

    Parameters
    ----------
    result : SingularValues
        All of an operator, or some.
    ax : matplotlib.axes.Axes, optional
        Draw the values alone into these axes. By default a figure is made, with the energy beside them where all
        values are known.
    **kwargs
        To `Axes.plot` of the values.

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
    >>> from convmatrix.plots.spectrum import draw_singular_values
    >>> blur = cm.conv("1 2 1", 16, padding=1, padding_mode="circular")
    >>> figure = draw_singular_values(cm.singular_values(blur))
    >>> print(figure.axes[0].get_title())
    rank 15 of 16 at this tolerance
    >>> plt.close(figure)
    """
    if ax is not None:
        _draw_values(ax, result, kwargs)
        return ax
    figure = style.new_figure(8, 4)
    whole = result.which == "all"
    _draw_values(style.panel(figure, "values", 0.9, 0.6, 3.4 if whole else 4.6, 2.6), result, kwargs)
    if whole:
        _draw_energy(style.panel(figure, "energy", 5.2, 0.6, 2.4, 2.6), result.values)
    shapes = f"{result.op.in_shape} \u2192 {result.op.out_shape}"
    which = "all" if whole else f"the {len(result)} {result.which} of"
    said = f"{which} {result.count:,} singular values, {shapes}"
    style.fit(figure, figure.text(0.5, 0, said, ha="center", va="top", fontsize=style.LARGE, weight="bold"))
    return figure


def _draw_values(ax: Any, result: SingularValues, given: dict[str, Any]) -> None:
    unit, named = unit_of(result.values)
    values, count = result.values / unit, len(result.values)
    top = float(values.max(initial=0)) or 1.0
    tol = max(result.op.shape) * _EPS * top
    least = float(values[values > 0].min(initial=top))
    # A tolerance far below every value would leave most of the picture empty.
    is_far = bool(least > _FAR * tol and (values > 0).all())
    floor = least / 2 if is_far else max(min(least, tol) / 10, _LEAST * top)
    first = 1 if result.which != "smallest" else result.count - count + 1
    places = np.arange(first, first + count)
    options: dict[str, Any] = {"color": "#2a6f97", "linewidth": 1.4, "label": "values"}
    if count <= _DOTS:
        options |= {"marker": "o", "markersize": 4, "linewidth": 0.8}
    ax.set_yscale("log")
    style.drawn(ax.plot, places, np.maximum(values, floor), options=options, given=given)
    ax.set_ylim(floor / 1.5, top * 2.5)
    ax.set_xlim(first - 0.02 * count - 0.5, first + count - 1 + 0.02 * count + 0.5)
    name_decades(ax)
    _mark_tolerance(ax, tol, is_far, named)
    rank = int(np.count_nonzero(values > tol))
    all_ = result.which == "all"
    ax.set_title(f"rank {rank:,} of {count:,} at this tolerance" if all_ else result.method, fontsize=style.NORMAL)
    name_axes(ax, "number of the value", f"singular value{named}")


def _mark_tolerance(ax: Any, tol: float, is_far: bool, named: str) -> None:
    look: dict[str, Any] = {"fontsize": style.SMALL, "color": "#bd1f01", "va": "bottom", "clip_on": False}
    if is_far:
        ax.text(0.02, 0.02, f"all far above the tolerance of {tol:.2g}{named}", transform=ax.transAxes, **look)
        return
    ax.axhline(tol, color="#bd1f01", linewidth=1.0, linestyle="--", label="tolerance")
    at = {"xycoords": ("axes fraction", "data"), "xytext": (0, 3), "textcoords": "offset points"}
    ax.annotate("tolerance: below it, 0", (0.02, tol), **at, **look)


def _draw_energy(ax: Any, values: np.ndarray) -> None:
    """What share of the sum of squares the first values hold, with the numbers that hold 90 and 99 percent."""
    energy = energy_curves(values)
    ax.plot(np.arange(1, len(energy) + 1), energy, color="#2a6f97", linewidth=1.4, label="energy")
    for share in (0.9, 0.99):
        number = int(np.searchsorted(energy, share * (1 - 1e-12))) + 1
        if number > len(energy):
            continue
        ax.plot([number], [share], "o", color="#bd1f01", markersize=4.5, label=f"{share:.0%}", zorder=3)
        said = f"{share:.0%}: {number:,}"
        left = number < 0.75 * len(energy)
        at = {"xytext": (7 if left else 2, -6 if left else -9), "textcoords": "offset points"}
        look = {"fontsize": style.SMALL, "ha": "left" if left else "right", "va": "top", "clip_on": False}
        ax.annotate(said, (number, share), **at, **look)
    ax.set_ylim(0, 1.04)
    ax.set_title("energy of the first values", fontsize=style.NORMAL)
    name_axes(ax, "number of values", "share of the sum of squares")


def draw_comparison(result: SpectrumComparison, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw several spectra over each other: each value as a share of its largest, against the share of their number.

    Parameters
    ----------
    result : SpectrumComparison
        Of any operators.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes; by default a figure is made.
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
    >>> from convmatrix.plots.spectrum import draw_comparison
    >>> figure = draw_comparison(cm.compare_spectra({"a": cm.conv("1 2 1", 9), "b": cm.conv("1 -1", 9)}))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['a', 'b']
    >>> plt.close(figure)
    """
    figure = None
    if ax is None:
        figure = style.new_figure(7, 4)
        ax = style.panel(figure, "spectra", 0.9, 0.6, 4.6, 3.0)
    ax.set_yscale("log")
    lowest, ends = 1.0, []
    for number, row in enumerate(result):
        values = row.values.values / (row.values.largest or 1.0)
        shares = np.arange(1, len(values) + 1) / len(values)
        shown = np.maximum(values, _EPS)
        lowest = min(lowest, float(shown.min()))
        color = style.tap_colors(style.CATEGORIES)[number % style.CATEGORIES]
        look = {"color": color, "linewidth": 1.6, "linestyle": _LINES[number % len(_LINES)], "label": row.name}
        marks = {"marker": _MARKERS[number % len(_MARKERS)], "markersize": 4, "markevery": 0.11 + 0.013 * number}
        style.drawn(ax.plot, shares, shown, options={**look, **marks}, given=kwargs)
        ends.append((float(shown[-1]), row.name, color))
    ax.set(xlim=(0, 1.0), ylim=(lowest / 1.6, 1.6))
    name_decades(ax)
    name_axes(ax, "share of the values", "singular value, as a share of the largest")
    _name_ends(ax, ends)
    if figure is not None:
        head = figure.text(
            0.5, 0, "how fast singular values fall off", ha="center", va="top", fontsize=style.LARGE, weight="bold"
        )
        style.fit(figure, head)
        return figure
    return ax


def _name_ends(ax: Any, ends: list[tuple[float, str, Any]]) -> None:
    """Names at the ends of the curves, kept apart from each other, each led to its end."""
    height = style.cell_points(ax, 1, 1)[1]
    low, high = np.log(ax.get_ylim())
    step = 1.5 * style.SMALL * (high - low) / height
    wanted = sorted(range(len(ends)), key=lambda number: ends[number][0])
    at = low
    places: dict[int, float] = {}
    for number in wanted:
        at = max(at + step, math.log(ends[number][0])) if places else max(low + step / 2, math.log(ends[number][0]))
        places[number] = at
    over = max(at - high + step / 2, 0.0)
    for number, (value, name, color) in enumerate(ends):
        place = math.exp(places[number] - over)
        ax.annotate(
            name, (1, value), xytext=(1.04, place), textcoords=("axes fraction", "data"), fontsize=style.SMALL,
            va="center", arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False, clip_on=False,
        )  # fmt: skip


def unit_of(values: np.ndarray) -> tuple[float, str]:
    """A power of ten to draw values in, and how a label names it: 1 and nothing, where an axis holds them as they are.

    >>> unit_of(np.array([3.0, 0.0])), unit_of(np.array([1.7e308])), unit_of(np.array([5e-324]))
    ((1.0, ''), (1e+308, ', in 1e308'), (1e-307, ', in 1e-307'))
    """
    largest = float(values.max(initial=0))
    if not largest or _TINY <= largest <= _HUGE:
        return 1.0, ""
    power = max(math.floor(math.log10(largest)), -307)
    return 10.0**power, f", in 1e{power}"


def name_decades(ax: Any) -> None:
    """Powers of ten in plain numbers, whose indices would be too small to read; few enough to stand apart."""
    low, high = np.log10(ax.get_ylim())
    powers = range(math.ceil(low), math.floor(high) + 1)
    every = style.nice_step(len(powers) / 6)
    kept = [power for power in powers if power % every == 0]
    ax.set_yticks([10.0**power for power in kept], [decade(power) for power in kept])
    ax.minorticks_off()


def decade(power: int) -> str:
    """A power of ten: in full from 0.001 to 1000, else with an e.

    >>> [decade(power) for power in (-12, -2, 0, 3, 4)]
    ['1e-12', '0.01', '1', '1000', '1e4']
    """
    return f"{10.0**power:g}" if -4 < power < 4 else f"1e{power}"


def name_axes(ax: Any, across: str, up: str) -> None:
    """Labels of both axes, small ticks, no frame above and on the right."""
    ax.set_xlabel(across, fontsize=style.NORMAL)
    ax.set_ylabel(up, fontsize=style.NORMAL)
    ax.tick_params(labelsize=style.SMALL, length=2)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
