"""Many channels: a kernel for each, their answers added up; as a matrix, blocks side by side."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import Sheet

SECTION = "2.2"
STEP = 1
CAPTION = (
    "Three channels of 5x5 and one filter of three 3x3 kernels: each kernel slides over its own channel, and the three "
    "answers are added up to one 3x3 output. In the matrix the three kernels are three blocks side by side, below "
    "their channels. A second filter is a second row of blocks: D_out filters give D_out outputs."
)
RNG = np.random.default_rng(2)
INPUT = RNG.integers(0, 3, size=(3, 5, 5))
WEIGHT = RNG.integers(-1, 2, size=(2, 3, 3, 3))
WIDE = 0.092
"""Inches: a column of the matrix; 25 of them are a channel."""


def draw() -> Figure:
    sheet = Sheet(9, 7.25)
    first = 0.85
    parts = [cm.conv(WEIGHT[:1, [channel]], (5, 5))(INPUT[channel]) for channel in range(3)]
    shades = {"cmap": "RdBu_r", "vmin": -12, "vmax": 12}
    for channel, part in enumerate(parts):
        middle = first + (channel + 0.5) * 25 * WIDE
        sheet.grid(INPUT[channel], middle - 0.6, 0.4, cell=0.24, title=f"input, channel {channel}")
        sheet.say("\u2217", middle, 1.76, fontsize=13)
        sheet.grid(
            WEIGHT[0, channel], middle - 0.36, 2.1, cell=0.24, title=f"filter 0, its kernel {channel}", taps=True
        )
        sheet.say("=", middle, 2.97, fontsize=13)
        sheet.grid(part, middle - 0.36, 3.3, cell=0.24, title=f"answer of channel {channel}", **shades)
        if channel:
            sheet.say("+", middle - 12.5 * WIDE, 3.66, fontsize=14, weight="bold")
    C = cm.conv(WEIGHT, (5, 5))
    sheet.say("=", first + 75 * WIDE + 0.04, 3.66, fontsize=14, weight="bold")
    sheet.grid(C(INPUT)[0], first + 75 * WIDE + 0.3, 3.3, cell=0.24, title="sum: output 0", **shades)
    sheet.matrix(C, first, 4.75, cell=(WIDE, 0.115))
    for filter_, said in enumerate(("filter 0:\noutput 0", "filter 1:\noutput 1")):
        sheet.say(said, first + 75 * WIDE + 0.12, 4.75 + (filter_ + 0.5) * 9 * 0.115, ha="left")
    sheet.say("matrix C, 18x75: a block for each kernel", first + 37.5 * WIDE, 4.6)
    return sheet.figure
