"""The ways out of a checkerboard, compared for one layer: free or not, how far, and at what cost."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "6.1"
STEP = 6
CAPTION = (
    "A transposed 3x3 layer with stride 2, two channels to two. Padding the kernel with zeros to a size that the "
    "stride divides changes nothing; moving its weights a little does. Other remedies are further away, and some cost "
    "more; every row is computed and judged by the same prover."
)


def draw() -> Figure:
    smooth = np.multiply.outer(np.eye(2) + 0.25, np.outer([0.6, 1, 0.6], [0.6, 1, 0.6]))
    weight = smooth + np.random.default_rng(3).normal(0, 0.1, size=smooth.shape)
    return cm.plot(cm.remedies(cm.conv_transpose(weight, (8, 8), stride=2, padding=1, output_padding=1)))
