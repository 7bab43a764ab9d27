"""Unevenness compounds from layer to layer, evenness stays."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "6.1"
STEP = 3
CAPTION = (
    "Three transposed convolutions with stride 2 after each other; a number counts the paths from the inputs. With "
    "kernels of 3 taps the most and the least reached output of the interior are 2:1 apart after one layer, 3:1 after "
    "two, 5:1 after three, in a pattern of 2, 4 and then 8 outputs. With 4 taps every layer doubles the count all over "
    "the interior. Shades go from 0 to the largest count of each panel."
)
SIZES = (3, 4)
LAYERS, INPUTS = 3, 3


def stack(size: int, layers: int, inputs: int) -> cm.TensorOperator:
    """Layers of ones on top of each other."""
    whole = cm.conv_transpose(np.ones(size, dtype=int), inputs, stride=2)
    for _ in range(layers - 1):
        whole = cm.conv_transpose(np.ones(size, dtype=int), whole.out_shape[1], stride=2) @ whole
    return whole


def draw() -> Figure:
    figure, axes = plt.subplots(2, 1, figsize=(9, 8.4), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.14)
    for ax, size in zip(axes, SIZES, strict=True):
        found = cm.overlap(stack(size, LAYERS, INPUTS))
        cm.plot(found, ax=ax)
        # Above, the title wrote that these are three layers; here it says which.
        said = ax.get_title().replace("\n", " ").removeprefix(f"{LAYERS} layers").strip()
        ax.set_title(f"{LAYERS} layers, kernel size {size}, stride 2\n{said}", fontsize=10.5, weight="bold")
    return figure
