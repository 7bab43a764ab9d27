"""Bounds of a layer's norm: which is how tight, and what is none."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "14"
STEP = 3
CAPTION = (
    "Every upper bound known for the norm of a 3x3 layer of 16 channels on 16x16 with zero padding, as a multiple of "
    "what the norm certainly attains; the norm itself lies in the narrow band at 1. The bounds at the top are proofs "
    "within a percent. The crosses are no bounds: the reshaped weight, which PyTorch's spectral_norm normalises, is a "
    "third below."
)
WEIGHT = np.random.default_rng(0).standard_normal((16, 16, 3, 3))


def draw() -> Figure:
    figure = cm.plot(cm.norm_bounds(cm.conv(WEIGHT, (16, 16), padding=1)))
    for text in figure.axes[0].texts:
        # Times differ from run to run, and a picture that is kept should not.
        text.set_text(", ".join(part for part in text.get_text().split(", ") if not part.endswith(("ms", " s"))))
    return figure
