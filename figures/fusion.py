"""Two padded layers are one convolution everywhere but at the border."""

from __future__ import annotations

from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "2.2"
STEP = 5
CAPTION = (
    "A blur and then a Laplacian, both 3x3 with padding 1, have the taps of one 5x5 kernel with padding 2. At the "
    "border they differ: the second layer pads with zeros where the one kernel reads what the blur would have made "
    "outside."
)


def draw() -> Figure:
    blur = cm.conv("1 2 1; 2 4 2; 1 2 1", (8, 8), padding=1)
    return cm.plot(cm.fuse(blur, cm.conv("0 1 0; 1 -4 1; 0 1 0", (8, 8), padding=1)))
