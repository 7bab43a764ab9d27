"""Stride, dilation and transposition of one kernel, as matrices."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "7"
STEP = 3
SVG = True
CAPTION = (
    "A stride leaves out rows, a dilation spreads the taps of each row, and the transposed convolution with stride 2 "
    "turns the strided matrix on its side: its rows come in two kinds, one for each phase."
)


def draw() -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(9, 9), layout="constrained")
    panels = {
        "stride 1": cm.conv("a b c", 9),
        "stride 2": cm.conv("a b c", 9, stride=2),
        "dilation 2": cm.conv("a b c", 9, dilation=2),
        "transposed, stride 2": cm.conv_transpose("a b c", 4, stride=2),
    }
    for ax, (title, operator) in zip(axes.flat, panels.items(), strict=True):
        cm.plot(operator, ax=ax)
        ax.set_title(title)
    return figure
