"""In two dimensions unevenness is squared: the six cases of overlap as maps."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from .overlap_cases_1d import UNEVEN

SECTION = "6.1"
STEP = 2
CAPTION = (
    "How many inputs reach each output of a transposed convolution. A map is the product of the counts along its two "
    "axes, drawn as bars: what is 2:1 along each is 4:1 in the plane, and what is even along each is even in the "
    "plane. The interior, where no border takes part, is outlined."
)
# Stride, kernel size and inputs, so that all maps have about as many outputs.
CASES = ((1, 2, 7), (2, 2, 4), (2, 3, 4), (1, 3, 6), (2, 4, 4), (2, 5, 4))


def draw() -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(9, 7.2), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.1, wspace=0.02)
    for ax, (stride, size, inputs) in zip(axes.flat, CASES, strict=True):
        line = cm.overlap(cm.conv_transpose(np.ones(size, dtype=int), inputs, stride=stride))
        found = cm.overlap(cm.conv_transpose(np.ones((size, size), dtype=int), (inputs, inputs), stride=stride))
        cm.plot(found, ax=ax, vmax=9)
        most, least = found.phase_counts.max(), found.phase_counts.min()
        along = f"{line.phase_counts.max()}:{line.phase_counts.min()}"
        said = f"even: {most} everywhere" if found.is_uniform else f"UNEVEN: {most}:{least} = ({along})\u00b2"
        ax.title.set(text=f"stride {stride}, kernel {size}x{size}\n{said}", fontsize=10.5, weight="bold")
        ax.set(xlabel="", ylabel="", box_aspect=1)
        if not found.is_uniform:
            ax.title.set_backgroundcolor(UNEVEN)
    return figure
