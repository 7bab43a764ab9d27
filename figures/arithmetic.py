"""Convolution arithmetic: how padding and stride make the output size."""

from __future__ import annotations

import numpy as np
import sympy
from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import TITLE, Sheet

SECTION = "5"
STEP = 2
CAPTION = (
    "Relationships 1 to 7 between the sizes of input, kernel, stride, padding and output. Left the input, padding "
    "hatched, the first window outlined and a dot in the middle of every window; right the output, one cell for each "
    "dot. The two examples of relationship 6 have the same output size: with the stride, floor leaves a line unread."
)
# Relationship and the sizes of its example.
CASES = (
    (1, {"i": 4, "k": 3}),
    (2, {"i": 4, "k": 3, "p": 1}),
    (3, {"i": 5, "k": 3}),
    (4, {"i": 4, "k": 3}),
    (5, {"i": 5, "k": 3, "s": 2}),
    (6, {"i": 5, "k": 3, "s": 2, "p": 1}),
    (6, {"i": 6, "k": 3, "s": 2, "p": 1}),
    (7, {"i": 6, "k": 2, "s": 2}),
)
CELL = 0.145
SHADES = {"digits": False, "cmap": "Blues", "vmin": 0, "vmax": 3}


def draw() -> Figure:
    sheet = Sheet(9, 4.95)
    for place, (number, sizes) in enumerate(CASES):
        rule = cm.RELATIONSHIPS[number - 1]
        op = rule.operator(axes=2, **sizes)
        axis, o = op.geometry.axes[0], op.out_shape[-1]
        left, top = 0.13 + 2.2 * (place % 4), 0.25 + 2.5 * (place // 4)
        sheet.say(f"{number}. {rule.title}", left, top, ha="left", weight="bold")
        padded = np.ma.masked_all((axis.input_size + 2 * axis.pad_before,) * 2)
        inner = slice(axis.pad_before, axis.pad_before + axis.input_size)
        padded[inner, inner] = 1
        tall = len(padded) * CELL
        window = (slice(axis.kernel_size),) * 2
        ax = sheet.grid(padded, left, top + 0.8 - tall / 2, cell=CELL, mark=window, **SHADES)
        centres = np.arange(o) * axis.stride + (axis.kernel_size - 1) / 2
        ax.plot(*np.meshgrid(centres, centres), "o", color="black", markersize=3, zorder=6)
        output = np.full((o, o), 2)
        sheet.grid(output, left + tall + 0.18, top + 0.8 - o * CELL / 2, cell=CELL, mark=(0, 0), **SHADES)
        said = ", ".join(f"{letter} = {value}" for letter, value in sizes.items())
        sheet.say(f"$o = {sympy.latex(rule.output_size)}$", left, top + 1.64, ha="left", fontsize=TITLE)
        sheet.say(f"{said}:  o = {o}", left, top + 1.93, ha="left")
    return sheet.figure
