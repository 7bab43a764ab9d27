"""Depthwise separable: a kernel for each channel, then a mixture of the channels at each pixel."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._factors import arrow, factors
from ._sheet import TITLE, Sheet

SECTION = "8.2"
STEP = 1
CAPTION = (
    "Three channels of 4x4. First every channel has its own 3x3 kernel, and no sum is taken over channels; then a 4x3 "
    "matrix W mixes the three values of every pixel to four outputs. As matrices: one block a channel along the "
    "diagonal, then W kron I, the 1x1 convolution. Their product, below the one and beside the other, looks like a "
    "dense layer, every output reading every channel, but its twelve blocks are multiples of three kernels."
)
RNG = np.random.default_rng(3)
INPUT = RNG.integers(0, 2, size=(3, 4, 4))
KERNELS = RNG.integers(1, 4, size=(3, 1, 3, 3))
W = RNG.integers(1, 4, size=(4, 3))
CELL = 0.19
SHADES = {"cmap": "RdBu_r", "vmin": -W.max(), "vmax": W.max()}
"""As the matrix of W shows its values."""
ROW = 6


def draw() -> Figure:
    split = cm.KINDS["depthwise_separable"].build(KERNELS, W, INPUT.shape[1:])
    depthwise, pointwise = cm.receptive_field(split).layers
    sheet = Sheet(9, 8.95)
    _pictures(sheet, depthwise, pointwise)
    titles = (
        f"one block a channel, {_size(depthwise)}",
        f"W \u2297 I, {_size(pointwise)}",
        f"their product, {_size(split)}: looks dense",
    )
    entries = depthwise.nnz, pointwise.nnz
    said = f"as matrices: {entries[0]} + {entries[1]} = {sum(entries)} entries for {split.nnz}"
    sheet.say(said, 0.25, 3.7, ha="left", fontsize=TITLE, weight="bold")
    factors(sheet, depthwise, pointwise, split, 0.6, 4.05, (0.128, 0.145), ROW, titles)
    return sheet.figure


def _pictures(sheet: Sheet, depthwise: cm.TensorOperator, pointwise: cm.TensorOperator) -> None:
    """Channel by channel through both steps."""
    between = depthwise(INPUT)
    y = pointwise(between)
    costs = [cm.cost(op).multiplications for op in (depthwise, pointwise)]
    sheet.say(f"1. one kernel a channel: {costs[0]} multiplications", 2.2, 0.25, fontsize=TITLE, weight="bold")
    sheet.say(f"2. 1x1 mixes channels: {costs[1]} multiplications", 6.6, 0.25, fontsize=TITLE, weight="bold")
    for channel in range(3):
        middle = 1.0 + 1.03 * channel
        sheet.grid(INPUT[channel], 0.6, middle - 2 * CELL, cell=CELL, title=f"channel {channel}")
        sheet.say("\u2217", 1.65, middle, fontsize=14)
        sheet.grid(KERNELS[channel, 0], 1.9, middle - 1.5 * CELL, cell=CELL, title=f"kernel {channel}", taps=True)
        sheet.say("=", 2.75, middle, fontsize=14)
        sheet.grid(between[channel], 3.05, middle - CELL, cell=CELL, title=f"between {channel}")
        arrow(sheet, (3.7, middle), (4.6, 2.03 + 0.3 * (channel - 1)))
    sheet.grid(W, 4.8, 2.03 - 2 * 0.3, cell=0.3, title="W: 3 channels across,\n4 outputs down", **SHADES)
    for output in range(4):
        middle = 0.78 + 0.84 * output
        arrow(sheet, (5.9, 2.03 + 0.3 * (output - 1.5)), (6.8, middle))
        sheet.grid(y[output], 7.0, middle - CELL, cell=CELL, title=f"output {output}")


def _size(op: cm.TensorOperator) -> str:
    return f"{op.shape[0]}x{op.shape[1]}: {op.nnz} entries"
