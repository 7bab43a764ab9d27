"""A matrix of 200,704 rows and columns, seen as the density of its entries."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

SECTION = "2.2"
STEP = 4
SVG = True
CAPTION = (
    "Four channels to four, 3x3, on 224x224: sixteen blocks, a band in each. The matrix is never made for "
    "this picture; the geometry alone says how many entries each pixel covers."
)


def draw() -> Figure:
    return cm.plot(cm.conv(np.ones((4, 4, 3, 3)), (224, 224), padding=1))
