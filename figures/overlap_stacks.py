"""Unevenness compounds from layer to layer, evenness stays."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

CAPTION = (
    "Two and three transposed convolutions with stride 2 after each other; a number counts the paths from the inputs. "
    "With kernels of 3 taps the most and the least reached output of the interior are 2:1 apart after one layer, 3:1 "
    "after two, 5:1 after three, in a pattern of 4 and then 8 outputs. With 4 taps every layer doubles the count all "
    "over the interior. Shades go from 0 to the largest count of each panel."
)
# Kernel size, layers, inputs.
CASES = ((3, 2, 4), (4, 2, 4), (3, 3, 3), (4, 3, 3))


def stack(size: int, layers: int, inputs: int) -> cm.TensorOperator:
    """Layers of ones on top of each other."""
    whole = cm.conv_transpose(np.ones(size, dtype=int), inputs, stride=2)
    for _ in range(layers - 1):
        whole = cm.conv_transpose(np.ones(size, dtype=int), whole.out_shape[1], stride=2) @ whole
    return whole


def draw() -> Figure:
    figure, axes = plt.subplots(
        2, 2, figsize=(14.5, 8.2), layout="constrained", height_ratios=(2, 3), width_ratios=(31, 38)
    )
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)
    for ax, (size, layers, inputs) in zip(axes.flat, CASES, strict=True):
        cm.plot(cm.overlap(stack(size, layers, inputs)), ax=ax)
        ax.set_title(f"kernel size {size}, stride 2: {ax.get_title()}", fontsize=11, weight="bold")
    return figure
