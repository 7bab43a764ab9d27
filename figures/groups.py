"""Channels as blocks: a dense layer, a grouped one, and the shuffle that lets groups meet."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "11"
STEP = 1
CAPTION = (
    "Four channels of six positions. Groups leave only the diagonal blocks; a channel shuffle between two grouped "
    "layers is a permutation, and their product reaches every block again."
)


def draw() -> Figure:
    taps = np.array([1, 2, 1])
    dense = cm.conv(np.broadcast_to(taps, (4, 4, 3)).copy(), 6, padding=1)
    grouped = cm.conv(np.broadcast_to(taps, (4, 2, 3)).copy(), 6, padding=1, groups=2)
    shuffle = cm.channel_shuffle((4, 6), 2)
    figure, axes = plt.subplots(2, 2, figsize=(9, 9.3))
    # At once, so that cells know their sizes when they are drawn.
    figure.subplots_adjust(0.05, 0.055, 0.99, 0.965, 0.14, 0.19)
    panels = {
        "dense: every channel reads every channel": dense,
        "two groups: block diagonal": grouped,
        "channel shuffle: a permutation": shuffle,
        "grouped, shuffled, grouped: all blocks meet": grouped @ shuffle @ grouped,
    }
    for ax, (title, operator) in zip(axes.flat, panels.items(), strict=True):
        cm.plot(operator, ax=ax)
        ax.set_title(title)
    return figure
