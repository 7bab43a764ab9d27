"""1x1: the same small matrix W at every pixel, which makes the large one W kron I."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import Sheet

SECTION = "4"
STEP = 1
SVG = True
CAPTION = (
    "A 1x1 convolution from three channels to two, on 3x3 pixels. Its six weights are a 2x3 matrix W, applied to the "
    "three values of each pixel. In the large matrix every weight becomes a diagonal block, itself times an identity: "
    "the Kronecker product of W and I. Nothing off these diagonals: no pixel sees its neighbours."
)
W = np.array([[1, 2, 3], [4, 5, 6]])
SIZE = (3, 3)


def draw() -> Figure:
    C = cm.conv(W[:, :, None, None], SIZE)
    pixels = cm.identity(SIZE)
    sheet = Sheet(8.9, 4.2)
    middle = 2.0
    sheet.say("=", 3.65, middle, fontsize=16)
    sheet.grid(W, 0.3, middle - 0.4, cell=0.4, title="W: input channels across,\noutput channels down", taps=True)
    sheet.say("\u2297", 1.75, middle, fontsize=18)
    ax = sheet.matrix(pixels, 2.05, middle - 0.68, cell=0.15, title="I: the 9 pixels")
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    sheet.matrix(C, 4.5, middle - 1.53, cell=(0.155, 0.17), color="tap", title="C = W \u2297 I, 18x27")
    return sheet.figure
