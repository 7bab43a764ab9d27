"""Circular borders and zero padding: nearly the same singular values, and no bound in either direction."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "14"
STEP = 2
CAPTION = (
    "Left: all singular values of one 3x3 layer of four channels on 12x12, with circular borders, where they are known "
    "frequency by frequency, and with zero padding. Right: a Laplacian on n x n. The norm of the circular layer of the "
    "same size is often taken for that with zero padding: it is above for even n and below for odd n. A circular layer "
    "that the other is a part of is never below."
)
WEIGHT = np.random.default_rng(3).standard_normal((4, 4, 3, 3))
SIZES = tuple(range(3, 17))
AROUND = {"padding": 1, "padding_mode": "circular"}
SAME, EMBEDDING = "circular of the same size", "circular embedding"


def draw() -> Figure:
    figure, (values, gap) = plt.subplots(1, 2, figsize=(9, 3.9), layout="constrained")
    for name, options, look in (
        ("circular", AROUND, {"color": "#bd1f01", "linestyle": "--"}),
        ("zero padding", {"padding": 1}, {"color": "#3f90da", "linestyle": "-"}),
    ):
        found = cm.singular_values(cm.conv(WEIGHT, (12, 12), **options))
        values.plot(np.arange(1, len(found) + 1), found.values, label=name, linewidth=1.6, **look)
    values.set_title("one layer, two borders: all 576 singular values", fontsize=9.5, weight="bold")
    values.set_ylim(0, None)
    _name(values, "number of the value", "singular value")
    values.legend(frameon=False, fontsize=8)
    shares = gaps()
    gap.plot(
        SIZES,
        shares[EMBEDDING],
        color="#3f90da",
        marker="o",
        markersize=5,
        linewidth=1.3,
        label=f"{EMBEDDING}: a bound",
    )
    gap.plot(SIZES, shares[SAME], color="#bd1f01", marker="X", markersize=6, linewidth=1.3, linestyle="--",
             label=f"{SAME}: no bound")  # fmt: skip
    gap.axhline(0, color="black", linewidth=1.0)
    gap.set_title("Laplacian on n x n: far from the true norm?", fontsize=9.5, weight="bold")
    _name(gap, "n", "above (+) or below (-) the true norm, %")
    gap.set_xticks(SIZES[1::2])
    gap.legend(frameon=False, fontsize=8)
    return figure


def gaps() -> dict[str, list[float]]:
    """Percent above the norm with zero padding, of each size: of what is taken for it, and of what bounds it."""
    found: dict[str, list[float]] = {}
    for size in SIZES:
        table = cm.norm_bounds(cm.conv("laplacian4", (size, size), padding=1), (SAME, EMBEDDING))
        for row in table.rows:
            found.setdefault(row.name, []).append(100 * table.excess(row))
    return found


def _name(ax: Any, across: str, up: str) -> None:
    ax.set_xlabel(across, fontsize=8.5)
    ax.set_ylabel(up, fontsize=8.5)
    ax.tick_params(labelsize=8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
