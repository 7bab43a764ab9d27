"""Groups cut a layer into blocks: every doubling of their number halves weights and multiplications."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots.style import INK

from ._groups import channels_alone, name_channels
from ._sheet import TITLE, Sheet, outline

SECTION = "10"
STEP = 1
CAPTION = (
    "A 3x3 layer from eight channels to eight, on 4x4 pixels, in 1, 2, 4 and 8 groups. In the matrix (input channels "
    "across, output channels down) a group is a block on the diagonal, outlined, and nothing is stored beside the "
    "blocks. The bars compare what is left of the weights, and with them of the multiplications. As many groups as "
    "channels is a depthwise convolution."
)
CHANNELS, SIZE = 8, (4, 4)
COUNTS = (1, 2, 4, 8)
WIDE, TALL = 0.03, 0.065
"""Inches: a cell."""


def draw() -> Figure:
    sheet = Sheet(9, 7.2)
    layers = {groups: cm.conv(np.ones((CHANNELS, CHANNELS // groups, 3, 3)), SIZE, groups=groups) for groups in COUNTS}
    found = cm.compare_costs({str(groups): layer for groups, layer in layers.items()})
    for place, ((groups, layer), row) in enumerate(zip(layers.items(), found, strict=True)):
        left, top = 0.55 + 4.35 * (place % 2), 0.72 + 3.6 * (place // 2)
        sheet.say(_name(groups), left, top - 0.33, ha="left", fontsize=TITLE, weight="bold")
        ax = sheet.matrix(layer, left, top, cell=(WIDE, TALL))
        ax.set(xlabel="", ylabel="")
        channels_alone(ax)
        name_channels(ax, layer)
        blocks = np.kron(np.eye(groups), np.ones((layer.shape[0] // groups, layer.shape[1] // groups)))
        outline(ax, blocks > 0, layer.shape)
        below = top + layer.shape[0] * TALL + 0.32
        bar = sheet.panel(left, below, layer.shape[1] * WIDE, 0.16, "bar")
        bar.barh(0, 1, color="white", edgecolor="#8a8a8a", height=1)
        bar.barh(0, float(found.ratio(row.name, "parameters")), color="#3f90da", edgecolor=INK, height=1)
        bar.set(xlim=(0, 1), ylim=(-0.5, 0.5))
        bar.axis("off")
        said = f"{row.cost.parameters} weights, {row.cost.multiplications:,} multiplications"
        said += "" if groups == 1 else f": {found.ratio(row.name)} of a dense layer"
        sheet.say(said, left, below + 0.32, ha="left")
    return sheet.figure


def _name(groups: int) -> str:
    each = CHANNELS // groups
    name = "1 group" if groups == 1 else f"{groups} groups"
    kind = {1: ", dense", CHANNELS: ", depthwise"}.get(groups, "")
    return f"{name}{kind}: outputs read {each} channel{'s' * (each > 1)}"
