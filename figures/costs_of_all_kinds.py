"""What every kind of convolution costs on one layer, the dearest first."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.analysis.cost import blank_conv

from ._sheet import TEXT, TITLE, Sheet

SECTION = "13"
STEP = 2
CAPTION = (
    "A layer from 32 channels to 32, on 28x28 pixels with 3x3 kernels, in every kind of the catalogue. Both scales are "
    "logarithmic; the dashed lines are the ordinary convolution of many channels, and lines lead from them to what is "
    "saved (left) or added (right). Padding and dilation are free. What saves is to read fewer channels (groups), "
    "fewer pixels (1x1), or one axis after the other; what saves most does several of these. Rings are kinds whose "
    "input or output is smaller, 14x14."
)
CHANNELS, SIDE, GROUPS, INNER = 32, 28, 4, 8
BASELINE = "multichannel"
SAVED, ADDED = "#3f90da", "#bd1f01"
NOTES = {
    "conv1d": "3 taps on 784 pixels in a line",
    "conv3d": "one channel, 32 deep",
    "strided": "to 14x14",
    "transposed": "from 14x14",
    "resize_conv": "from 14x14",
    "sub_pixel": "from 14x14",
    "spatially_separable": "3x1, then 1x3",
    "grouped": f"{GROUPS} groups",
    "shuffled_grouped": f"2 layers, {GROUPS} groups",
    "pointwise_grouped": f"{GROUPS} groups",
    "shufflenet_unit": f"{INNER} inside, {GROUPS} groups",
}
"""What the layer is where its name does not say it."""


def layers() -> dict[str, cm.TensorOperator]:
    """The layer in every kind, by its name in the catalogue and in its order."""
    c, size, half = CHANNELS, (SIDE, SIDE), (SIDE // 2, SIDE // 2)
    build = {name: kind.build for name, kind in cm.KINDS.items()}
    ones, dense, grouped = np.ones, np.ones((c, c, 3, 3)), np.ones((c, c // GROUPS, 3, 3))
    plain = ("cross_correlation", "convolution", "conv2d", "multichannel", "padded", "strided")
    made = {name: build[name](dense, size, padding=1) for name in plain} | {
        "conv1d": build["conv1d"](ones((c, c, 3)), SIDE * SIDE, padding=1),
        "conv3d": build["conv3d"](ones((3, 3, 3)), (c, *size), padding=1),
        "pointwise": build["pointwise"](ones((c, c)), size),
        # Its weights would take gigabytes.
        "fully_connected": blank_conv((c, *size), c * SIDE * SIDE, size),
        "circulant": build["circulant"](dense, size),
        "dilated": build["dilated"](dense, size, padding=2),
        "transposed": build["transposed"](dense, half, stride=2, padding=1, output_padding=1),
        "resize_conv": build["resize_conv"](dense, half, scale=2),
        "sub_pixel": build["sub_pixel"](ones((4 * c, c, 3, 3)), half, factor=2),
        # The kind itself has one channel.
        "spatially_separable": cm.conv(ones((c, c, 1, 3)), size, padding="same")
        @ cm.conv(ones((c, c, 3, 1)), size, padding="same"),
        "depthwise": build["depthwise"](ones((c, 1, 3, 3)), size, padding=1),
        "depthwise_separable": build["depthwise_separable"](ones((c, 1, 3, 3)), ones((c, c)), size, padding=1),
        "flattened": build["flattened"](ones((c, c)), ones((c, 3)), ones((c, 3)), size, padding="same"),
        "grouped": build["grouped"](grouped, size, groups=GROUPS, padding=1),
        "shuffled_grouped": build["shuffled_grouped"](grouped, grouped, size, groups=GROUPS, padding=1),
        "pointwise_grouped": build["pointwise_grouped"](ones((c, c // GROUPS)), size, groups=GROUPS),
        "shufflenet_unit": build["shufflenet_unit"](
            ones((INNER, c // GROUPS)), ones((INNER, 1, 3, 3)), ones((c, INNER // GROUPS)), size, groups=GROUPS
        ),
    }
    return {name: made[name] for name in cm.KINDS if name in made}


def draw() -> Figure:
    found = cm.compare_costs(layers(), baseline=BASELINE)
    rows = sorted(found, key=lambda row: -row.cost.multiplications)
    sheet = Sheet(9, 7.4)
    said = f"one layer, {CHANNELS} channels to {CHANNELS} on {SIDE}x{SIDE} pixels, in {len(rows)} kinds"
    sheet.say(said, 0.25, 0.3, ha="left", fontsize=TITLE, weight="bold")
    said = f"\u25cf {SIDE}x{SIDE} in and out      \u25cb {SIDE // 2}x{SIDE // 2} in or out"
    sheet.say(said, 8.75, 0.3, ha="right")
    left = sheet.panel(2.6, 0.9, 3.6, 6.1, "multiplications")
    right = sheet.panel(6.5, 0.9, 2.3, 6.1, "parameters")
    for ax in (left, right):
        _draw_dots(ax, found, rows, ax.get_label(), shares=ax is left)
    names = [f"{row.name} ({NOTES[row.name]})" if row.name in NOTES else row.name for row in rows]
    left.set_yticks(range(len(rows)), names, fontsize=7.5)
    left.get_yticklabels()[names.index(BASELINE)].set_weight("bold")
    right.set_yticks(range(len(rows)), [""] * len(rows))
    return sheet.figure


def _draw_dots(ax: Axes, found: cm.CostComparison, rows: list[Any], quantity: str, shares: bool) -> None:
    """A dot a kind, a line to it from the baseline, its number beside it."""
    base = found[BASELINE].cost
    whole, full = getattr(base, quantity), prod(base.in_shape) * prod(base.out_shape)
    values = [getattr(row.cost, quantity) for row in rows]
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        color = SAVED if value <= whole else ADDED
        filling = color if prod(row.cost.in_shape) * prod(row.cost.out_shape) == full else "white"
        look = {"markerfacecolor": filling, "markeredgecolor": color, "markeredgewidth": 1.8, "markersize": 7}
        ax.plot([whole, value], [place, place], color=color, linewidth=2, label="difference")
        ax.plot(value, place, "o", label=row.name, **look)
        said = f"{value:,}"
        said += f" ({100 * float(found.ratio(row.name, quantity)):.2g} %)" if shares and value < whole else ""
        at = {"textcoords": "offset points", "va": "center", "fontsize": 7.5}
        if value > 100 * whole or (shares and value > whole):
            # Beside the dot there is no room.
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            ax.annotate(said, ((value * whole) ** 0.5, place), (0, 0), ha="center", bbox=ground, **at)
        else:
            side, shift = ("right", -7) if value < whole else ("left", 7)
            ax.annotate(said, (value, place), (shift, 0), ha=side, **at)
    ax.axvline(whole, color="#8a8a8a", linestyle="--", linewidth=1, zorder=0, label="baseline")
    ax.set_xscale("log")
    ax.set(xlim=(min(values) / (40 if shares else 10), max(values) * 2.5), ylim=(len(rows) - 0.4, -0.6))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value / 1e6:,.0f} M" if value >= 1e6 else f"{value:,.0f}")
    ax.minorticks_off()
    ax.set_title(quantity, fontsize=TEXT, weight="bold")
    ax.tick_params(axis="x", labelsize=7.5, length=2)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
