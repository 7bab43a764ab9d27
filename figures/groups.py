"""Channels as blocks: a dense layer, a grouped one, and the shuffle that lets groups meet."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

CAPTION = (
    "Four channels of six positions. Groups leave only the diagonal blocks; a channel shuffle between two grouped "
    "layers is a permutation, and their product reaches every block again."
)


def draw() -> Figure:
    taps = np.arange(1, 4)
    dense = cm.conv(np.broadcast_to(taps, (4, 4, 3)).copy(), 6, padding=1)
    grouped = cm.conv(np.broadcast_to(taps, (4, 2, 3)).copy(), 6, padding=1, groups=2)
    shuffle = cm.channel_shuffle((4, 6), 2)
    figure, axes = plt.subplots(2, 2, figsize=(9.5, 9.5), layout="constrained")
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
