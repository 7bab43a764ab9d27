"""With stride 2 the window takes two steps at a time, and every other row of the matrix is missing."""

from __future__ import annotations

from matplotlib.animation import FuncAnimation

import convmatrix as cm

from .animation_convolution import INPUT

SECTION = "5"
STEP = 2
CAPTION = (
    "The same kernel with stride 2 on the same input, padded by one on each side. Taps that fall into the padding, "
    "dashed, are not in the matrix: rows at the border are shorter. A new row begins two columns further on."
)


def draw() -> FuncAnimation:
    return cm.animate(cm.conv("0 1 2; 2 2 0; 0 1 2", (5, 5), stride=2, padding=1), x=INPUT)
