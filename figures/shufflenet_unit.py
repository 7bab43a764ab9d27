"""ShuffleNet's unit against ResNet's bottleneck: grouped 1x1 layers, and a 3x3 that costs next to nothing."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots.style import INK

from ._sheet import TEXT, TITLE, Sheet

SECTION = "12"
STEP = 2
CAPTION = (
    "Both units take 384 channels of 28x28 to 96 and back, and add the input. ShuffleNet's has its 1x1 layers in "
    "groups, a shuffle between, which costs nothing, and a 3x3 layer for each channel by itself. The bars count "
    "multiplications, layer by layer, as shares of ResNet's: its 3x3 layer, over half of them, all but vanishes, and "
    "the 1x1 layers that are left shrink with the number of groups."
)
CHANNELS, INNER, SIZE = 384, 96, (28, 28)
SHOWN = 3
"""Groups of the unit that is drawn as a row of boxes."""
COUNTS = (1, 2, 3, 4, 8)
BOTTLENECK = {0: "1x1", 2: "3x3", 3: "1x1"}
"""Its layers, at the places that those of the unit have."""
LOOKS = (
    {"facecolor": "#a8cdf0", "hatch": ""},
    {"facecolor": "#ffd793", "hatch": "////"},
    {"facecolor": "#cdabe1", "hatch": "...."},
)
"""Of the three layers that multiply: a colour and a hatching each."""


def draw() -> Figure:
    sheet = Sheet(9, 6.75)
    bottleneck, units = cm.cost(_bottleneck()), {groups: cm.cost(_unit(groups)) for groups in COUNTS}
    ax = sheet.panel(0, 0, 9, 3.4, "boxes")
    ax.set(xlim=(0, 9), ylim=(3.4, 0))
    ax.axis("off")
    grouped = f"1x1, {SHOWN} groups"
    _draw_boxes(ax, 1.05, f"ResNet's bottleneck: {_millions(bottleneck)} multiplications", bottleneck, BOTTLENECK)
    said = f"ShuffleNet's unit: {_millions(units[SHOWN])} multiplications"
    _draw_boxes(ax, 2.65, said, units[SHOWN], {0: grouped, 1: "channel shuffle", 2: "3x3, depthwise", 3: grouped})
    said = "what is left of ResNet's multiplications with g groups"
    sheet.say(said, 0.25, 3.75, ha="left", fontsize=TITLE, weight="bold")
    _draw_bars(sheet.panel(0.95, 4.0, 7.0, 2.3, "bars"), bottleneck, units)
    return sheet.figure


def _bottleneck() -> cm.TensorOperator:
    """1x1 to fewer channels, 3x3 on these, 1x1 back, and the input added."""
    c, m = CHANNELS, INNER
    reduce, expand = cm.conv(np.ones((m, c, 1, 1)), SIZE), cm.conv(np.ones((c, m, 1, 1)), SIZE)
    return expand @ cm.conv(np.ones((m, m, 3, 3)), SIZE, padding=1) @ reduce + cm.identity((c, *SIZE))


def _unit(groups: int) -> cm.TensorOperator:
    c, m = CHANNELS, INNER
    parts = np.ones((m, c // groups)), np.ones((m, 1, 3, 3)), np.ones((c, m // groups))
    return cm.KINDS["shufflenet_unit"].build(*parts, SIZE, groups=groups)


def _millions(cost: Any) -> str:
    return f"{cost.multiplications / 1e6:.1f} million"


def _draw_boxes(ax: Axes, y: float, title: str, cost: cm.Cost, names: dict[int, str]) -> None:
    """A unit's layers from left to right, each at its slot, and its input added at the end."""
    ax.text(0.25, y - 0.75, title, fontsize=TITLE, weight="bold", va="center")
    line = {"color": INK, "linewidth": 1.3}
    ax.plot([0.3, 8.75], [y, y], zorder=0, **line)
    ax.plot([0.45, 0.45, 8.45, 8.45], [y, y - 0.48, y - 0.48, y - 0.1], zorder=0, **line)
    ax.plot(8.45, y, "o", color="white", markeredgecolor=INK, markersize=13)
    ax.text(8.45, y, "+", ha="center", va="center", fontsize=12)
    stages = [stage for stage in cost.stages if stage.name not in ("identity", "sum")]
    looks = iter(LOOKS)
    for (slot, name), stage in zip(names.items(), stages, strict=True):
        left = 0.7 + 1.92 * slot
        look = next(looks) if stage.multiplications else {"facecolor": "white"}
        ax.add_patch(plt.Rectangle((left, y - 0.3), 1.6, 0.6, edgecolor="#8a8a8a", linewidth=1, label=name, **look))
        said = f"{name}\n{stage.in_shape[0]} \u2192 {stage.out_shape[0]} channels"
        ground = {"facecolor": look["facecolor"], "edgecolor": "none", "pad": 1.5}
        ax.text(left + 0.8, y, said, ha="center", va="center", fontsize=TEXT, linespacing=1.4, bbox=ground)
        count = _millions(stage) if stage.multiplications else "none"
        ax.text(left + 0.8, y + 0.45, count, ha="center", va="center", fontsize=TEXT)


def _draw_bars(ax: Axes, bottleneck: cm.Cost, units: dict[int, cm.Cost]) -> None:
    """Layers that multiply, end to end, as shares of all multiplications of the bottleneck."""
    rows = {"ResNet": bottleneck, **{f"g = {groups}": cost for groups, cost in units.items()}}
    for place, cost in enumerate(rows.values()):
        start = 0.0
        stages = [stage for stage in cost.stages if stage.multiplications]
        for stage, look in zip(stages, LOOKS, strict=True):
            share = 100 * stage.multiplications / bottleneck.multiplications
            ax.barh(place, share, left=start, height=0.66, edgecolor="#8a8a8a", linewidth=0.8, **look)
            if share > 8:
                ground = {"facecolor": look["facecolor"], "edgecolor": "none", "pad": 1}
                at = {"ha": "center", "va": "center", "fontsize": TEXT, "bbox": ground}
                ax.text(start + share / 2, place, f"{share:.1f} %", **at)
            start += share
        ax.text(start + 1, place, f"{start:.1f} %", va="center", fontsize=TEXT, weight="bold")
    ax.set_yticks(range(len(rows)), rows, fontsize=TEXT)
    ax.set(xlim=(0, 100), ylim=(len(rows) - 0.5, -0.5))
    ax.set_xlabel("multiplications, in percent of those of ResNet's bottleneck", fontsize=TEXT)
    ax.tick_params(labelsize=TEXT, length=2)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
