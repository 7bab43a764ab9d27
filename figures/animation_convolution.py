"""A kernel slides over its input, and every position is one row of the matrix."""

from __future__ import annotations

from matplotlib.animation import FuncAnimation

import convmatrix as cm

SECTION = "2.1"
STEP = 2
CAPTION = (
    "The article's 3x3 kernel on a 5x5 input. The window on the left and the framed row of the 9 x 25 matrix hold the "
    "same nine taps, in the same colours; their sum is the output that is filled in."
)
INPUT = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]


def draw() -> FuncAnimation:
    return cm.animate(cm.conv("0 1 2; 2 2 0; 0 1 2", (5, 5)), x=INPUT)
