"""What a split kernel costs: two m-ths of the whole one on large pictures, more than it on small ones."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import sympy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

import convmatrix as cm
from convmatrix.plots import style

from ._sheet import NUMBER, TEXT, TITLE, Sheet
from .overlap_cases_1d import UNEVEN

SECTION = "8.1"
STEP = 2
CAPTION = (
    "Multiplications of a column and then a row of m taps, as a share of the m x m kernel's, on an N x N picture "
    "without padding. Above, the formula, with its limit 2/m dashed; rings are counted on real operators. Below, "
    "counted for more sizes. Splitting costs more than the whole kernel with 2 x 2 kernels on every picture, and with "
    "larger ones on pictures hardly larger than they are."
)
KERNELS = (2, 3, 5, 7, 11)
PICTURES = (3, 4, 5, 6, 7, 8, 11, 16, 32, 64)
CURVES = (3, 5, 7)


def share(m: int, n: int) -> Fraction:
    """Counted on the operators."""
    split = cm.KINDS["spatially_separable"].build(np.ones(m, dtype=int), np.ones(m, dtype=int), (n, n))
    dense = cm.conv(np.ones((m, m), dtype=int), (n, n))
    return Fraction(cm.cost(split).multiplications, cm.cost(dense).multiplications)


def draw() -> Figure:
    formula = cm.cost_formula("spatially_separable")
    shares = np.ma.masked_all((len(KERNELS), len(PICTURES)))
    for (row, m), (column, n) in product(enumerate(KERNELS), enumerate(PICTURES)):
        if n >= m:
            shares[row, column] = float(share(m, n))
    sheet = Sheet(9, 7.6)
    _curves(sheet, formula, shares)
    _map(sheet, formula, shares)
    return sheet.figure


def _curves(sheet: Sheet, formula: cm.CostFormula, shares: np.ma.MaskedArray) -> None:
    ax = sheet.panel(0.95, 0.8, 6.6, 2.75, "curves")
    cm.plot(formula, ax=ax, across="N", sizes={"m": CURVES}, linewidth=1.6)
    for m, color in zip(CURVES, style.tap_colors(len(CURVES)), strict=True):
        known = [(n, own) for n, own in zip(PICTURES, shares[KERNELS.index(m)], strict=True) if n >= m]
        ring = {"markersize": 9, "markerfacecolor": "none", "markeredgecolor": color, "clip_on": False}
        ax.plot(*zip(*known, strict=True), "o", label=f"counted, m = {m}", **ring)
    top = 1.42
    ax.axhspan(1, top, facecolor=UNEVEN, hatch="//", edgecolor="white", zorder=-1, label="costs more")
    ax.text(25, (1 + top) / 2, "splitting costs MORE", ha="center", va="center", fontsize=TITLE, weight="bold")
    ax.set(ylim=(0, top), xlim=(2.5, 100), xscale="log", xlabel="N: the picture is N x N", ylabel="")
    ax.xaxis.set_major_locator(FixedLocator(PICTURES))
    ax.xaxis.set_major_formatter(lambda n, _: f"{n:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    latex = sympy.latex(formula.ratio).replace(r"\frac", r"\dfrac")
    said = f"share of the whole kernel's multiplications:  ${latex}$"
    ax.set_title(said, fontsize=TITLE, weight="bold", pad=13)


def _map(sheet: Sheet, formula: cm.CostFormula, shares: np.ma.MaskedArray) -> None:
    """Shares in percent, those above one outlined; the limits beside them."""
    left, top, cell = 0.95, 4.6, 0.48
    look = {"cell": cell, "digits": False, "cmap": "RdBu_r", "vmin": 0, "vmax": 2}
    more = np.ma.filled(shares > 1, False)
    title = "counted, in %; outlined where it costs MORE"
    ax = sheet.grid(shares, left, top, mark=more, **look)
    ax.set_title(title, fontsize=TITLE, weight="bold", pad=8)
    ax.set_xticks(range(len(PICTURES)), PICTURES, fontsize=TEXT)
    ax.set_xlabel("N: the picture is N x N", fontsize=TEXT)
    limits = [formula.at(m=m).limits[0][2] for m in KERNELS]
    beside = sheet.grid(np.array(limits, dtype=float)[:, None], left + cell * (len(PICTURES) + 0.5), top, **look)
    beside.set_title("limit", fontsize=TEXT)
    ax.set_yticks(range(len(KERNELS)), [f"m = {m}" for m in KERNELS], fontsize=TEXT)
    for axes in (ax, beside):
        axes.tick_params(length=0)
    for (row, column), ratio in np.ndenumerate(shares):
        if not shares.mask[row, column]:
            _write(ax, column, row, f"{100 * ratio:.0f}", ratio)
    for row, limit in enumerate(limits):
        _write(beside, 0, row, str(limit), float(limit))
    said = "hatched: the kernel\nis larger than\nthe picture"
    sheet.say(said, left + cell * (len(PICTURES) + 2), top + 3.5 * cell, ha="left")


def _write(ax: Axes, column: int, row: int, said: str, value: float) -> None:
    (image,) = ax.images
    ink = style.ink_on(image.cmap(image.norm(value))[:3])
    ax.text(column, row, said, ha="center", va="center", fontsize=NUMBER, color=ink)
