"""Pictures of costs: bars a layer, bars an operator with their shares, and a ratio on its way to its limit."""

from __future__ import annotations

import math
import re
import textwrap
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.cost.wording import count_text, ratio_text
from convmatrix.plots import cells, style

if TYPE_CHECKING:
    from convmatrix.analysis.cost import Cost, CostComparison, CostFormula

_SHOWN = 30
"""Bars in one picture."""
_LOGARITHMIC = 40
"""Largest over smallest bar from which lengths are logarithms."""
# Inches.
_ROW, _WIDTH, _CURVES = 0.34, 4.2, (4.6, 3.0)
_TRUE, _USUAL, _BASE = "#2a6f97", "#d5dde3", "#8a8a8a"
_LETTERS = 44
_MARKERS, _GLYPHS = "osD^v", "\u25cf\u25a0\u25c6\u25b2\u25bc"
_PLAIN = {"m": 3, "h": 3, "w": 3, "k": 3, "g": 4, "s": 2, "d": 2, "N": 32, "H": 32, "W": 32, "c": 240}
_CHANNELS = 64
_FAMILY = {"m": (3, 5, 7), "h": (3, 5, 7), "k": (2, 3, 4), "g": (2, 4, 8), "s": (2, 3, 4), "d": (2, 3, 4)}
_LAST = {"N": 100, "m": 15, "h": 15, "k": 9, "g": 64, "s": 8, "d": 16}
_MANY = 1024


def draw_cost(result: Cost, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw what `cost` counted: for each layer the multiplications of the usual convention, the true ones within.

    The wide pale bar is the usual convention's, the narrow dark one in it the true count; the difference is what meets
    the zeros of the padding. Layers stand from the top in the order they are applied, those without multiplications
    left out; of many the first 30 are drawn.

    Parameters
    ----------
    result : Cost
        Of any operator.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes; by default a figure is made.
    **kwargs
        To `Axes.barh` of the true counts.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If an argument is unknown to `Axes.barh`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> figure = cm.plot(cm.cost(cm.conv("1 2 1", 5, padding=1)))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['15 (13 true)']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    counted = [stage for stage in result.stages if stage.multiplications]
    stages = counted[:_SHOWN] or list(result.stages[:1])
    names = [f"{stage.name}\n{'x'.join(map(str, stage.out_shape))}" for stage in stages]
    said = f"{count_text(result.multiplications)} multiplications, {count_text(result.true_multiplications)} true"
    left_out = len(counted) - len(stages)
    said += f"; the first {len(stages)} of {len(counted)} layers" if left_out > 0 else ""
    figure, panel = (None, ax) if ax is not None else _figure("layers", _WIDTH, 1.25 * _ROW * len(stages) + 0.2)
    usual = [stage.multiplications for stage in stages]
    true = [stage.true_multiplications for stage in stages]
    places = np.arange(len(stages))
    panel.barh(places, _lengths(usual), height=0.72, color=_USUAL, edgecolor=_BASE, linewidth=0.6, label="usual")
    options = {"height": 0.34, "color": _TRUE, "label": "true"}
    style.drawn(panel.barh, places, _lengths(true), options=options, given=kwargs)
    words = [count_text(a) + (f" ({count_text(b)} true)" if a != b else "") for a, b in zip(usual, true, strict=True)]
    _finish(panel, names, words, usual, logarithmic=False)
    _key(panel)
    return _titled(figure, panel, said)


def draw_costs(result: CostComparison, *, ax: Any = None, quantity: str = "multiplications", **kwargs: Any) -> Any:
    """Draw what `compare_costs` compared: a bar a row, the baseline hatched, each with its count and its share.

    Lengths are logarithms, and the axis says so, where the largest is more than 40 times the smallest.

    Parameters
    ----------
    result : CostComparison
        Of any operators.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes; by default a figure is made.
    quantity : str, default "multiplications"
        What is drawn: also "true_multiplications", "additions", "parameters", "activation_bytes", ...
    **kwargs
        To `Axes.barh`.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If the quantity is none, or an argument is unknown to `Axes.barh`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> square, row = cm.conv("1 1; 1 1", (5, 5)), cm.conv("1 1; 0 0", (5, 5))
    >>> figure = cm.plot(cm.compare_costs({"square": square, "twice": row @ cm.conv("1 0; 1 0", (6, 6))}))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['64', '164  = 41/16 (256 %)']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    from convmatrix.analysis.cost.answer import QUANTITIES
    from convmatrix.geometry.arguments import one_of

    one_of(quantity, "quantity", QUANTITIES)
    rows = result.rows[:_SHOWN]
    values = [getattr(row.cost, quantity) for row in rows]
    base = getattr(result[result.baseline].cost, quantity)
    figure, panel = (None, ax) if ax is not None else _figure("rows", _WIDTH, _ROW * len(rows) + 0.2)
    is_base = [row.name == result.baseline for row in rows]
    options = {
        "height": 0.62,
        "color": ["white" if one else _TRUE for one in is_base],
        "edgecolor": [_BASE if one else _TRUE for one in is_base],
        "hatch": ["////" if one else "" for one in is_base],
        "linewidth": 1.0,
    }
    style.drawn(panel.barh, np.arange(len(rows)), _lengths(values), options=options, given=kwargs)
    words = [
        count_text(value) if one or not base else f"{count_text(value)}  = {_share(Fraction(value, base))}"
        for value, one in zip(values, is_base, strict=True)
    ]
    positive = [value for value in values if value]
    logarithmic = bool(positive) and max(positive) > _LOGARITHMIC * min(positive)
    _finish(panel, [row.name for row in rows], words, values, logarithmic=logarithmic)
    if base:
        panel.axvline(min(float(base), 1e300), color=_BASE, linewidth=1, linestyle="--", zorder=0, label="baseline")
    name = quantity.replace("_", " ")
    panel.set_xlabel(f"{name}, logarithmic" if logarithmic else name, fontsize=style.NORMAL)
    return _titled(figure, panel, f"{name[:1].upper()}{name[1:]}, and their share of \u201c{result.baseline}\u201d")


def draw_cost_formula(
    result: CostFormula, *, ax: Any = None, across: str | None = None, sizes: Any = None, **kwargs: Any
) -> Any:
    """Draw the ratio of a `CostFormula` against one of its letters, each curve's limit as a dashed line.

    Parameters
    ----------
    result : CostFormula
        Of any kind.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes; by default a figure is made.
    across : str, optional
        The letter along the axis, by default the first whose limit is known.
    sizes : mapping, optional
        Numbers for other letters, or sequences of them: a curve each. By default kernels are 3, 5 and 7.
    **kwargs
        To `Axes.plot` of the curves.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If the ratio has no such letter, more than one is given several numbers, or an argument is unknown to
        `Axes.plot`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> figure = cm.plot(cm.cost_formula("spatially_separable"))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['● m = 3: limit 2/3', '■ m = 5: limit 2/5', '◆ m = 7: limit 2/7']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    from convmatrix.plots.cost_curves import curves_of

    letter, curves, fixed = curves_of(result, across, dict(sizes or {}), _Defaults)
    figure, panel = (None, ax) if ax is not None else _figure("ratio", *_CURVES)
    for number, curve in enumerate(curves):
        color = style.tap_colors(len(curves))[number]
        marker = _MARKERS[number % len(_MARKERS)]
        options = {"color": color, "marker": marker, "markersize": 3.2, "linewidth": 1.2, "clip_on": False}
        options["label"] = curve.name or "ratio"
        style.drawn(panel.plot, curve.at, curve.ratios, options=options, given=kwargs)
        if curve.limit is not None:
            panel.axhline(float(curve.limit), color=color, linewidth=1, linestyle="--", zorder=0, label="limit")
    _label_ends(panel, curves)
    panel.set_xlabel(f"{letter}: {result.letters[letter]}", fontsize=style.NORMAL)
    panel.set_ylabel(f"share of: {result.baseline_name}", fontsize=style.NORMAL)
    if curves[0].at[-1] >= _MANY:
        panel.set_xscale("log", base=2)
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    panel.set_xlim(right=curves[0].at[-1])
    panel.set_ylim(bottom=0)
    panel.tick_params(labelsize=style.SMALL, length=2)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    at = f", at {', '.join(f'{name} = {value}' for name, value in fixed.items())}" if fixed else ""
    return _titled(figure, panel, f"{result.kind.replace('_', ' ')}: ratio {_written(result.ratio)}{at}")


class _Defaults:
    """Numbers for letters that are not given."""

    @staticmethod
    def value(name: str) -> int:
        return _PLAIN.get(name, _CHANNELS)

    @staticmethod
    def family(name: str) -> tuple[int, ...]:
        return _FAMILY.get(name, (16, 64, 256))

    @staticmethod
    def last(name: str) -> int:
        return _LAST.get(name, _MANY)


def _figure(label: str, width: float, height: float) -> tuple[Any, Any]:
    figure = style.new_figure(12, height + 3)
    return figure, style.panel(figure, label, 4.0, 1.0, width, height)


def _lengths(values: list[int]) -> list[float]:
    """Counts as floats, which end before integers do."""
    return [float(value) if value < 10**300 else 1e300 for value in values]


def _finish(ax: Any, names: list[str], words: list[str], values: list[int], *, logarithmic: bool) -> None:
    """Names at the left, counts at the ends of the bars, the first row at the top."""
    lengths = _lengths(values)
    least = min((length for length in lengths if length), default=1.0)
    if logarithmic:
        ax.set_xscale("log")
        ax.set_xlim(10 ** (math.floor(math.log10(least)) - 0.3), max(lengths) * 1.02)
        ax.minorticks_off()
    else:
        ax.set_xlim(0, 1.02 * max(lengths) or 1)
        ax.locator_params(axis="x", nbins=4)
        ax.xaxis.set_major_formatter(lambda value, _: _axis_text(value))
    for place, (length, said) in enumerate(zip(lengths, words, strict=True)):
        at = max(length, ax.get_xlim()[0])
        # A line behind it is not to be read as a letter.
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        cells.note(ax, said, (at, place), shift=(5, 0), ha="left", va="center", fontsize=style.SMALL, bbox=ground)
    wrapped = ["\n".join(textwrap.fill(line, _LETTERS) for line in name.split("\n")) for name in names]
    ax.set_yticks(range(len(names)), wrapped, fontsize=style.SMALL)
    ax.set_ylim(len(names) - 0.45, -0.55)
    ax.set_xlabel("multiplications", fontsize=style.NORMAL)
    ax.tick_params(axis="x", labelsize=style.SMALL, length=2)
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _axis_text(value: float) -> str:
    """A number on an axis: in millions from there on.

    >>> _axis_text(20000.0), _axis_text(2.5e8)
    ('20,000', '250 M')
    """
    return f"{value / 1e6:,.4g} M" if 1e6 <= value < 1e12 else f"{value:,.4g}" if value >= 1e12 else f"{value:,.6g}"


def _key(ax: Any) -> None:
    ax.legend(
        fontsize=style.SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, handlelength=1.4,
        columnspacing=1.2, borderaxespad=0.1,
    )  # fmt: skip


def _share(ratio: Fraction) -> str:
    """A share as an exact fraction where that is short, and in percent."""
    percent = f"{float(100 * ratio):.3g} %" if ratio < 10**6 else ""
    written = str(ratio) if len(str(ratio)) <= 8 else ratio_text(ratio)
    return f"{written} ({percent})" if percent else written


def _written(expression: Any) -> str:
    said = str(expression).replace("**", "^").replace("*", " ")
    return re.sub(r"\b(\w+)\^\(-(\d+)\)", r"1/\1^\2", said)


def _label_ends(ax: Any, curves: Any) -> None:
    """Each curve's name and limit at its right end, pushed apart where they would touch."""
    ends = sorted(range(len(curves)), key=lambda number: curves[number].ratios[-1])
    highest = max(max(curve.ratios) for curve in curves) or 1.0
    step, floor = 0.062 * highest * 1.05, -math.inf
    heights = {}
    for number in ends:
        floor = heights[number] = max(curves[number].ratios[-1], floor + step)
    for number, curve in enumerate(curves):
        limit = "" if curve.limit is None else f"limit {curve.limit}"
        glyph = _GLYPHS[number % len(_GLYPHS)]
        said = f"{glyph} {': '.join(part for part in (curve.name, limit) if part)}".rstrip()
        cells.note(ax, said, (curve.at[-1], heights[number]), shift=(7, 0), ha="left", va="center")


def _titled(figure: Any, ax: Any, said: str) -> Any:
    if figure is None:
        style.title(ax, said)
        return ax
    head = figure.text(0.5, 0.98, textwrap.fill(said, 78), ha="center", va="top", fontsize=style.LARGE, weight="bold")
    style.fit(figure, head)
    return figure
