"""A transposed convolution spreads every input over the output, and every input is one column of the matrix."""

from __future__ import annotations

from matplotlib.animation import FuncAnimation

import convmatrix as cm

SECTION = "6"
STEP = 4
CAPTION = (
    "A 3x3 kernel with stride 2 takes 3x3 inputs to 7x7 outputs. Each input times the kernel is added to the window "
    "under it, as its column of the matrix says. Windows overlap, one position wide: there sums are reached "
    "by two inputs or by four."
)


def draw() -> FuncAnimation:
    return cm.animate(cm.conv_transpose("1 2 1; 2 4 2; 1 2 1", (3, 3), stride=2), x=[[1, 2, 0], [3, 1, 2], [0, 2, 1]])
