"""The article's example: a 3x3 kernel on a 4x4 input is a 4x16 matrix, and its transpose is the way back up."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

import convmatrix as cm

CAPTION = (
    "Each row of C is the kernel laid over one window of the flattened input. Read by columns, the same matrix is the "
    "transposed convolution: it takes 2x2 to 4x4, and restores the shape, not the values."
)


def draw() -> Figure:
    C = cm.conv("a b c; d e f; g h i", (4, 4))
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), width_ratios=(3.2, 1), layout="constrained")
    cm.plot(C, ax=left)
    cm.plot(C.T, ax=right)
    left.set_title("C: a 3x3 kernel on a 4x4 input")
    right.set_title("its transpose: 2x2 to 4x4")
    return figure
