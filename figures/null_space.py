"""What a box of four loses: whole lines of frequencies, and pictures that it turns to 0."""

from __future__ import annotations

from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "14"
STEP = 5
CAPTION = (
    "A 4x4 box, wrapped round on 16x16, adds up four neighbours along each axis. Left, bright: the frequencies that "
    "this turns to 0, proved exactly, in three rows and three columns: 87 of 256 dimensions. Right, three of the "
    "pictures that nothing is left of, of frequencies far apart. No deconvolution brings them back."
)


def draw() -> Figure:
    wrapped = {"padding": ((1, 2), (1, 2)), "padding_mode": "circular"}
    return cm.plot(cm.null_space(cm.conv("1 1 1 1; 1 1 1 1; 1 1 1 1; 1 1 1 1", (16, 16), **wrapped)))
