"""A fully connected layer is a convolution whose kernels cover the input."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import Sheet

SECTION = "4"
STEP = 2
CAPTION = (
    "Three kernels of 4x4 on a 4x4 input have one position each: the matrix is full, a kernel is a row, and the layer "
    "is fully connected. On a 5x5 input the same kernels slide over four positions: the layer has become a "
    "convolution, and answers with 2x2 for each of its three outputs."
)
WEIGHT = np.random.default_rng(6).integers(-3, 4, size=(3, 1, 4, 4))


def draw() -> Figure:
    sheet = Sheet(8.9, 6.6)
    shades = {"cmap": "RdBu_r", "vmin": -3, "vmax": 3}
    for place, kernel in enumerate(WEIGHT[:, 0]):
        sheet.grid(kernel, 1.7 + 2.5 * place, 0.4, cell=0.3, title=f"kernel {place} (4x4)", **shades)
    for size, top, cell, said in (
        (4, 2.15, (0.46, 0.28), "on 4x4: one position; each kernel is a row of a full 3x16 matrix"),
        (5, 3.9, (0.2944, 0.17), "on 5x5: four positions; each kernel has four rows of a 12x25 matrix"),
    ):
        sheet.matrix(cm.conv(WEIGHT, (size, size)), 1.1, top, cell=cell, color="value", title=said)
    return sheet.figure
