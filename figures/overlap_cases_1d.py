"""Which outputs each input reaches: the six cases of overlap, even and uneven."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "6.1"
STEP = 1
CAPTION = (
    "Transposed convolutions in one dimension. Every input (above) is spread over as many outputs (below) as the "
    "kernel has taps; an output's number says how many inputs reach it. With stride 1, and where the stride divides "
    "the kernel size, the count is the same all over the interior. Sizes 3 and 5 with stride 2 alternate: a "
    "checkerboard, unless the weights make up for it."
)
# Stride and kernel size; the inputs, so that all panels are about as wide.
CASES = (((1, 2, 9), (1, 3, 9)), ((2, 2, 5), (2, 4, 5)), ((2, 3, 5), (2, 5, 5)))
UNEVEN = "#fbe9e4"


def draw() -> Figure:
    figure, axes = plt.subplots(3, 2, figsize=(8.6, 8), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    for ax, (stride, size, inputs) in zip(axes.flat, sum(CASES, ()), strict=True):
        found = cm.overlap(cm.conv_transpose(np.ones(size, dtype=int), inputs, stride=stride))
        cm.plot(found, ax=ax, vmax=3)
        counts = " and ".join(map(str, sorted(set(found.phase_counts.tolist()))))
        said = f"even: {counts} everywhere" if found.is_uniform else f"UNEVEN: {counts} in turn"
        if not found.is_uniform:
            ax.set_facecolor(UNEVEN)
        ax.set_title(f"stride {stride}, kernel size {size}\n{said}", fontsize=10.5, weight="bold")
    return figure
