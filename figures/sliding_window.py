"""One row of the matrix traced back to its window."""

from __future__ import annotations

from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "5"
STEP = 1
SVG = True
CAPTION = (
    "A 3x3 kernel with stride 2 on a padded 6x6 input. The framed row of the matrix holds the taps of one window; "
    "what falls into the padding is not stored."
)


def draw() -> Figure:
    return cm.plot(cm.conv("a b c; d e f; g h i", (6, 6), stride=2, padding=1))
