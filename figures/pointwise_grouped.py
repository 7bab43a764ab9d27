"""1x1 in groups: a block diagonal W at every pixel, and the g-th part of weights and multiplications."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots.style import INK

from ._groups import COLORS, cells, name_channels
from ._sheet import TEXT, TITLE, Sheet

SECTION = "12"
STEP = 1
CAPTION = (
    "A 1x1 convolution from six channels to six in three groups, on 2x2 pixels. Groups leave of W its diagonal blocks, "
    "a colour each, and W acts on the channels of every pixel: the Kronecker product with I makes a diagonal of each "
    "weight. Below, what groups save: with g of them the g-th part of the weights and of the multiplications is left."
)
CHANNELS, GROUPS, SIZE = 6, 3, (2, 2)
WEIGHT = np.arange(1, 13).reshape(CHANNELS, CHANNELS // GROUPS)
COUNTS = (1, 2, 3, 6)


def draw() -> Figure:
    build = cm.KINDS["pointwise_grouped"].build
    C = build(WEIGHT, SIZE, groups=GROUPS)
    sheet = Sheet(9, 5.1)
    said = "a W for each group, the same at every pixel"
    sheet.say(said, 0.25, 0.3, ha="left", fontsize=TITLE, weight="bold")
    middle, each = 1.8, CHANNELS // GROUPS
    group = np.kron(np.diag(np.arange(GROUPS)), np.ones((each, each), dtype=int))
    outside = np.kron(np.eye(GROUPS), np.ones((each, each))) == 0
    weights = np.tile(WEIGHT, GROUPS)
    masked = np.ma.masked_array(group, mask=outside)
    cells(sheet, masked, weights, 0.35, middle - 0.87, cell=0.29, title="W: three blocks")
    sheet.say("\u2297", 2.4, middle, fontsize=18)
    ax = sheet.matrix(cm.identity(SIZE), 2.7, middle - 0.32, cell=0.16, title="I: the 4 pixels", cmap="Greys", vmax=3)
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    sheet.say("=", 3.85, middle, fontsize=16)
    colors = ListedColormap([COLORS[number // (WEIGHT.size // GROUPS)] for number in range(WEIGHT.size)])
    title = f"C = W \u2297 I, {'x'.join(map(str, C.shape))}"
    ax = sheet.matrix(C, 4.75, 0.6, cell=0.165, color="tap", cmap=colors, title=title)
    name_channels(ax, C)
    found = cm.compare_costs({str(g): build(np.ones((CHANNELS, CHANNELS // g)), SIZE, groups=g) for g in COUNTS})
    _draw_bars(sheet, found)
    return sheet.figure


def _draw_bars(sheet: Sheet, found: cm.CostComparison) -> None:
    """What each number of groups leaves."""
    sheet.say("what is left with g groups", 0.25, 3.2, ha="left", fontsize=TITLE, weight="bold")
    ax = sheet.panel(0.75, 3.4, 1.2, 1.4, "bars")
    shares = [float(found.ratio(row.name)) for row in found]
    ax.barh(range(len(shares)), shares, color="#3f90da", edgecolor=INK, height=0.62)
    ax.set(xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5), xticks=[])
    ax.set_yticks(range(len(shares)), [f"g = {row.name}" for row in found], fontsize=TEXT)
    ax.tick_params(length=0)
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)
    for place, (row, share) in enumerate(zip(found, shares, strict=True)):
        said = f" {row.cost.parameters} weights, {row.cost.multiplications} multiplications"
        ax.text(share, place, said, va="center", fontsize=TEXT)
