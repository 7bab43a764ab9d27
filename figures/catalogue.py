"""The matrix of every kind of convolution, on one sheet."""

from __future__ import annotations

from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "13"
STEP = 1
CAPTION = (
    "A small example of every kind in the catalogue, with the article's section and the name it has in cm.KINDS. Rows "
    "are outputs, columns inputs; lines part the channels, so that kinds differ at a glance: full blocks where "
    "channels mix, a diagonal of blocks where they do not, diagonals in the blocks where a kernel slides, blocks that "
    "are one diagonal where it covers one pixel. Of the largest matrix the first five output channels are shown."
)


def draw() -> Figure:
    return cm.plot(cm.KINDS)
