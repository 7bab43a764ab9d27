"""A filter over three channels, and the outer product of three vectors that is nearest to it."""

from __future__ import annotations

from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "9"
STEP = 3
CAPTION = (
    "Two channels are blurred alike, the third by a cross. A flattened convolution, three vectors for 27 weights, "
    "would need every slice to be a multiple of one outer product; the minor proves that it is not so, the residual "
    "shows where, and no three vectors come nearer than the bound."
)


def draw() -> Figure:
    return cm.plot(cm.flatten("1 2 1; 2 4 2; 1 2 1 | 1 2 1; 2 4 2; 1 2 1 | 0 2 0; 2 4 2; 0 2 0"))
