"""What each padding mode does to the matrix of one kernel."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "5"
STEP = 4
CAPTION = (
    "One kernel of five taps on eight inputs, padded by two on each side. Only the first and last rows differ: zeros "
    "are not stored, a wrapped input returns at the other end, a mirrored or repeated one adds its tap to another."
)
MODES = ("zeros", "circular", "reflect", "symmetric", "replicate")


def draw() -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(9, 7.1))
    # At once, so that cells know their sizes when they are drawn.
    figure.subplots_adjust(0.065, 0.1, 0.995, 0.95, 0.21, 0.3)
    for ax, mode in zip(axes.flat, MODES, strict=False):
        cm.plot(cm.conv("a b c d e", 8, padding=2, padding_mode=mode), ax=ax)
        ax.set_title(mode)
    axes.flat[-1].axis("off")
    return figure
