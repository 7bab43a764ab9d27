"""What a depthwise separable layer costs: 12 % of the article's dense one, and never less than one part in h^2."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import sympy
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

import convmatrix as cm
from convmatrix.plots import style

from ._sheet import TEXT, TITLE, Sheet

SECTION = "8.2"
STEP = 2
CAPTION = (
    "Above, the article's layer, from 7x7x3 to 5x5x128: multiplications of the dense layer, of the depthwise separable "
    "one, and of its two steps. Below, the share against the number of filters Nc, with its limit 1/h^2 dashed; rings "
    "are counted on real layers, the star is the article's. A triangle stands where Nc = h^2: there the share is "
    "still twice its limit, which needs far more filters than that."
)
CHANNELS, FILTERS, SIZE, KERNEL = 3, 128, 7, 3
COUNTED = (1, 4, 16, 64, 256, 1024)
CURVES = (3, 5, 7)
FIRST = "#ffa90e"


def layers(filters: int, h: int, size: int = SIZE) -> tuple[cm.TensorOperator, cm.TensorOperator]:
    """A dense layer and the depthwise separable one in its place."""
    dense = cm.conv(np.ones((filters, CHANNELS, h, h), dtype=int), (size, size))
    kernels, mixing = np.ones((CHANNELS, 1, h, h), dtype=int), np.ones((filters, CHANNELS), dtype=int)
    return dense, cm.KINDS["depthwise_separable"].build(kernels, mixing, (size, size))


def share(filters: int, h: int) -> Fraction:
    """Counted on both."""
    dense, split = (cm.cost(op).multiplications for op in layers(filters, h))
    return Fraction(split, dense)


def draw() -> Figure:
    sheet = Sheet(9, 7.0)
    _bars(sheet)
    _curves(sheet)
    return sheet.figure


def _bars(sheet: Sheet) -> None:
    dense, split = layers(FILTERS, KERNEL)
    ax = sheet.panel(1.75, 0.6, 5.55, 1.35, "bars")
    cm.plot(cm.compare_costs({"dense": dense, "depthwise separable": split}), ax=ax)
    steps = [cm.cost(layer).multiplications for layer in cm.receptive_field(split).layers]
    ax.barh(1, steps[0], height=0.62, color=FIRST, edgecolor=style.INK, linewidth=0.6, label="depthwise")
    names = (f"{CHANNELS} kernels {KERNEL}x{KERNEL}", f"{FILTERS} filters 1x1")
    for cost, name, at, away in zip(steps, names, (steps[0] / 2, sum(steps) / 2), (6, 120), strict=True):
        line = {"arrowstyle": "-", "color": style.INK, "linewidth": 0.8, "shrinkA": 1, "shrinkB": 0}
        where = {"xytext": (away, -22), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        ax.annotate(f"{cost:,}: {name}", (at, 1.31), fontsize=TEXT, arrowprops=line, **where)
    ax.set(ylim=(2.15, -0.55), xlabel="multiplications")
    said = f"{steps[0]:,} + {steps[1]:,} = {sum(steps):,} multiplications for {cm.cost(dense).multiplications:,}"
    ax.set_title(said, fontsize=TITLE, weight="bold", pad=8)
    ax.tick_params(axis="y", labelsize=TEXT)


def _curves(sheet: Sheet) -> None:
    formula = cm.cost_formula("depthwise_separable")
    ax = sheet.panel(1.0, 3.45, 6.3, 2.95, "curves")
    cm.plot(formula, ax=ax, across="Nc", sizes={"h": CURVES}, linewidth=1.6)
    for h, color, text in zip(CURVES, style.tap_colors(len(CURVES)), list(ax.texts), strict=True):
        ring = {"markersize": 9, "markerfacecolor": "none", "markeredgecolor": color, "clip_on": False}
        ax.plot(COUNTED, [float(share(n, h)) for n in COUNTED], "o", label=f"counted, h = {h}", **ring)
        corner = {"markersize": 8, "color": style.INK, "zorder": 5, "label": f"Nc = h^2, h = {h}"}
        ax.plot(h**2, float(share(h**2, h)), "^", **corner)
        # Its axis is logarithmic now.
        text.xy = (text.xy[0], 1 / h**2)
    own = float(share(FILTERS, KERNEL))
    ax.plot(FILTERS, own, "*", markersize=13, color=style.INK, zorder=6, label="the article's")
    ax.annotate(
        f"the article's: {100 * own:.1f} %", (FILTERS, own), xytext=(0, 14), textcoords="offset points", ha="center",
        fontsize=TEXT, weight="bold",
    )  # fmt: skip
    ax.annotate(
        "Nc = h\u00b2: still twice the limit", (49, float(share(49, 7))), xytext=(-12, -22), ha="right",
        textcoords="offset points", fontsize=TEXT, arrowprops={"arrowstyle": "-", "linewidth": 0.8},
    )  # fmt: skip
    latex = sympy.latex(formula.ratio).replace(r"\frac", r"\dfrac")
    ax.set_title(f"share of the dense layer:  ${latex}$", fontsize=TITLE, weight="bold", pad=13)
    ax.set(yscale="log", ylim=(1 / 70, 1.3), ylabel="", xlabel="Nc: filters, the channels of the output")
    ax.yaxis.set_major_locator(FixedLocator([1, 0.5, 0.2, 0.1, 0.05, 0.02]))
    ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    ax.yaxis.set_minor_locator(NullLocator())
