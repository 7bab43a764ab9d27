"""The ranks of one layer: of its kernels, of its unfoldings, and of the whole matrix."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "14"
STEP = 4
CAPTION = (
    "A 3x3 layer of four channels to six, two of which are equal, on 8x8 with circular borders. Its matrix has full "
    "rank; the unfolding by outputs has not: its last singular value stands below its own tolerance, dashed in its "
    "colour. Middle: how much of the energy the first values hold. Right: all 24 kernels have rank 3, so that none is "
    "separable."
)


def draw() -> Figure:
    weight = np.random.default_rng(0).standard_normal((6, 4, 3, 3))
    weight[5] = weight[4]
    return cm.plot(cm.rank_profile(cm.conv(weight, (8, 8), padding=1, padding_mode="circular")))
