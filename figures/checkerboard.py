"""Even counts and uneven gains: a random 4x4 kernel with stride 2, before and after the nearest fix."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "6.1"
STEP = 4
CAPTION = (
    "Four taps reach every output, so no count warns of it, and still a constant comes out as a checkerboard: the "
    "weights of the four phases add up to four different gains. The nearest weight whose gains agree turns a constant "
    "into a constant, and nothing is left of the spectrum."
)


def draw() -> Figure:
    weight = np.random.default_rng(69).normal(size=(4, 4))
    return cm.plot(cm.checkerboard(cm.conv_transpose(weight, (16, 16), stride=2)), fix=True)
