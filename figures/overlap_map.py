"""In two dimensions unevenness multiplies: 3x3 with stride 2 against 4x4."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

CAPTION = (
    "How many inputs reach each output of a transposed convolution with stride 2. A map is the product of the counts "
    "along its two axes, drawn as bars: with a 3x3 kernel 2:1 along each makes 4:1 in the plane. With a 4x4 kernel "
    "every output of the interior is reached 4 times; only the border differs."
)


def draw() -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(11, 6.2), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.2, h_pad=0.1)
    for ax, size, inputs in zip(axes, (3, 4), (6, 6), strict=True):
        layer = cm.conv_transpose(np.ones((size, size), dtype=int), (inputs, inputs), stride=2)
        cm.plot(cm.overlap(layer), ax=ax)
        ax.set_box_aspect(1)
        ax.title.set(fontsize=11, weight="bold")
    return figure
