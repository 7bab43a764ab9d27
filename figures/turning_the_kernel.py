"""Convolution and cross-correlation differ by turning the kernel round."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots import style

from ._sheet import TITLE, Sheet, outline

SECTION = "1"
STEP = 1
CAPTION = (
    "One 1 among zeros, and a kernel of the numbers 1 to 9. Cross-correlation, which deep learning calls convolution, "
    "lays the kernel over each window as it is, and the 1 comes out as the kernel turned round. Convolution as signal "
    "processing has it (flip=True) turns the kernel round first, and the 1 comes out as the kernel. The outlined "
    "column is what that 1 is multiplied with."
)
KERNEL = np.arange(1, 10).reshape(3, 3)
IMPULSE = np.zeros((5, 5), dtype=int)
IMPULSE[2, 2] = 1
CASES = (
    ("cross-correlation: the kernel as it is", "scipy.signal.correlate(x, k, 'valid')", False),
    ("convolution: the kernel turned round", "scipy.signal.convolve(x, k, 'valid')", True),
)


def draw() -> Figure:
    sheet = Sheet(8.9, 6.2)
    for number, (title, scipy_name, flip) in enumerate(CASES):
        C = cm.conv(KERNEL, IMPULSE.shape, flip=flip)
        # Every tap keeps its colour when the kernel is turned.
        colors = ListedColormap(style.tap_colors(KERNEL.size)[:: -1 if flip else 1])
        top = 0.3 + 3.0 * number
        sheet.say(title, 0.3, top, ha="left", fontsize=TITLE, weight="bold")
        middle = top + 1.35
        sheet.grid(KERNEL, 0.3, middle - (0.95 if flip else 0.42), title="kernel k", taps=True)
        if flip:
            sheet.grid(KERNEL[::-1, ::-1], 0.3, middle + 0.25, title="turned round", taps=True, cmap=colors)
        sheet.grid(IMPULSE, 1.5, middle - 0.65, cell=0.26, title="input x", mark=(2, 2))
        ax = sheet.matrix(C, 3.45, middle - 0.81, cell=(0.165, 0.18), title="matrix C, 9 x 25", cmap=colors)
        outline(ax, (slice(None), 12), C.shape)
        sheet.grid(C(IMPULSE), 7.8, middle - 0.42, title="output C x")
        sheet.say(f"C x = {scipy_name}", 8.64, middle + 1.3, ha="right")
    return sheet.figure
