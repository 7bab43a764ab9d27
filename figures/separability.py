"""A kernel that is not separable, as a sum of columns times rows, and how near fewer terms come."""

from __future__ import annotations

from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "8.1"
STEP = 4
CAPTION = (
    "A 5x5 Laplacian of Gaussian has rank 3, proved by a 2x2 minor that is not 0: three columns times rows add up to "
    "it exactly, 30 weights for 25. One pair, 10 weights, misses it by a seventh of its norm, two by less than a "
    "hundredth; the singular values say so beforehand."
)


def draw() -> Figure:
    return cm.plot(cm.separate("0 0 1 0 0; 0 1 2 1 0; 1 2 -16 2 1; 0 1 2 1 0; 0 0 1 0 0"))
