"""What each padding mode does to the matrix of one kernel."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

import convmatrix as cm

CAPTION = (
    "One kernel of five taps on eight inputs, padded by two on each side. Only the first and last rows differ: zeros "
    "are not stored, a wrapped input returns at the other end, a mirrored or repeated one adds its tap to another."
)
MODES = ("zeros", "circular", "reflect", "symmetric", "replicate")


def draw() -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(11, 8.0), layout="constrained")
    for ax, mode in zip(axes.flat, MODES, strict=False):
        cm.plot(cm.conv("a b c d e", 8, padding=2, padding_mode=mode), ax=ax)
        ax.set_title(mode)
    axes.flat[-1].axis("off")
    figure.get_layout_engine().set(h_pad=0.12)
    return figure
