"""How many separable kernels a kernel is the sum of: ranks of well-known ones."""

from __future__ import annotations

from math import lcm
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import TEXT, TITLE, Sheet

SECTION = "8.1"
STEP = 3
CAPTION = (
    "Kernels, whole numbers where they are fractions of one denominator, and below them their singular values as "
    "shares of the largest: filled ones count, hollow ones are 0. The rank is how many separable kernels add up to the "
    "kernel, each a column and a row of weights. Exact ranks are proved; that of the disk, made of floats, holds to "
    "rounding. Only the first two are separable; of the others unsharp alone, 5x5 of rank 2, takes fewer weights as "
    "such a sum than it has."
)
KERNELS = (
    "sobel_x", "gaussian5", "laplacian4", "article", "unsharp",
    "emboss", "mexican_hat", "disk", "motion", "random",
)  # fmt: skip
RANDOM = np.random.default_rng(8).integers(-3, 4, size=(5, 5))
SEPARABLE = "#dcebf9"
SIDE, MOST = 1.18, 7
"""Inches of a kernel's picture; singular values an axis has room for."""
INK = "#2a6f97"


def kernel(name: str) -> np.ndarray:
    """As it is named, times the denominator of its fractions."""
    taps = RANDOM if name == "random" else cm.kernel(name)
    if taps.dtype != object:
        return taps
    denominator = lcm(*(tap.denominator for tap in taps.flat))
    return (taps * denominator).astype(int)


def draw() -> Figure:
    sheet = Sheet(9, 7.85)
    said = "a kernel is the sum of as many separable ones as its rank"
    sheet.say(said, 0.25, 0.25, ha="left", fontsize=TITLE, weight="bold")
    for place, name in enumerate(KERNELS):
        left, top = 0.62 + 1.68 * (place % 5), 0.85 + 3.7 * (place // 5)
        found = cm.separate(kernel(name))
        rows, columns = found.kernel.shape
        ax = cm.plot(found, ax=sheet.panel(left, top, SIDE, SIDE, f"kernel {name}"))
        ax.set_title(f"{name}, {rows}x{columns}", fontsize=TEXT, pad=5)
        _singular_values(sheet, found, left, top + SIDE + 0.25, name, first=not place % 5)
        verdict = "separable" if found.is_separable else "not separable"
        proved = "proved" if found.rank_kind == "exact" else "numerically"
        look = {"backgroundcolor": SEPARABLE} if found.is_separable else {}
        sheet.say(f"rank {found.rank}", left + SIDE / 2, top + 2.66, fontsize=TITLE + 3, weight="bold", **look)
        said = f"{verdict}, {proved}\n{found.rank * (rows + columns)} weights for {rows * columns}"
        sheet.say(said, left + SIDE / 2, top + 3.01, linespacing=1.4)
    return sheet.figure


def _singular_values(sheet: Sheet, found: Any, left: float, top: float, name: str, *, first: bool) -> None:
    """Stems on one scale for all kernels."""
    ax = sheet.panel(left, top, SIDE, 0.85, f"values {name}")
    values = np.array(found.singular_values, dtype=float)
    shares, places = values / values[0], np.arange(1, len(values) + 1)
    ax.vlines(places, 0, shares, color=INK, linewidth=1.6)
    ax.axhline(0, color="#8a8a8a", linewidth=0.7, zorder=0)
    for chosen, fill in ((places <= found.rank, INK), (places > found.rank, "white")):
        marks = {"color": INK, "markerfacecolor": fill, "markersize": 5, "clip_on": False, "zorder": 3}
        ax.plot(places[chosen], shares[chosen], "o", label="counted" if fill == INK else "zero", **marks)
    ax.set(xlim=(0.3, MOST + 0.7), ylim=(-0.08, 1.1), xticks=range(1, MOST + 1), yticks=[0, 0.5, 1])
    ax.tick_params(labelsize=7.5, length=2, labelleft=first)
    if first:
        ax.set_ylabel("singular values", fontsize=TEXT)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
