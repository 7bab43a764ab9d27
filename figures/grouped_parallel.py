"""Two groups on two devices: each convolves its half of the channels, and nothing is exchanged between them."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots import style

from ._groups import LETTERS
from ._sheet import TITLE, Sheet, outline

SECTION = "10"
STEP = 2
CAPTION = (
    "Why AlexNet had groups: its layers were too large for one device. Four channels of 3x3 are split in two halves. "
    "Each device has two filters of two 2x2 kernels, adds up the answers of its own two channels, and keeps the sums. "
    "Laid behind each other, the four outputs are those of one layer with two groups: its matrix has a block for each "
    "device, outlined, and no entry where a device would need the channels of the other."
)
RNG = np.random.default_rng(10)
INPUT = RNG.integers(0, 4, size=(4, 3, 3))
WEIGHT = RNG.integers(1, 4, size=(4, 2, 2, 2))
GROUPS = 2
COLORS = ("#832db6", "#a96b59")
"""Of the devices; no tap has them."""
SHADES = {"cmap": "Greys", "vmin": 0}
CELL = 0.25
WIDE, TALL = 0.2, 0.18
"""Inches: a cell of the matrix."""


def draw() -> Figure:
    sheet = Sheet(9, 8.2)
    whole = cm.conv(WEIGHT, (3, 3), groups=GROUPS)
    parts = zip(np.split(INPUT, GROUPS), np.split(WEIGHT, GROUPS), strict=True)
    for number, (x, weight) in enumerate(parts):
        _draw_device(sheet, 0.9 + 3.65 * number, 0.2, number, x, weight)
    said = "the same as one layer in two groups: y = C x, and C is block diagonal"
    sheet.say(said, 0.25, 3.95, ha="left", fontsize=TITLE, weight="bold")
    left, top = 0.9, 4.75
    x = sheet.grid(INPUT.reshape(1, -1), left, top - 0.3, cell=WIDE, title="input x, flattened", vmax=8, **SHADES)
    ax = sheet.matrix(whole, left, top, cell=(WIDE, TALL))
    y = sheet.grid(whole(INPUT).reshape(-1, 1), 8.35, top, cell=TALL, title="output y", vmax=100, **SHADES)
    for number, color in enumerate(COLORS):
        rows, columns = [slice(number * size // GROUPS, (number + 1) * size // GROUPS) for size in whole.shape]
        outline(x, (0, columns), (1, whole.shape[1]), color)
        outline(ax, (rows, columns), whole.shape, color)
        outline(y, (rows, 0), (whole.shape[0], 1), color)
        beside = columns.start + whole.shape[1] // GROUPS * (1 if number == 0 else -1)
        across, down = left + (beside + 9) * WIDE, top + (rows.start + rows.stop) / 2 * TALL
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        sheet.say(f"device {LETTERS[number]} never reads these", across, down, bbox=ground)
    return sheet.figure


def _draw_device(sheet: Sheet, left: float, top: float, number: int, x: np.ndarray, weight: np.ndarray) -> None:
    """What one device holds and computes."""
    ground = sheet.panel(left, top, 3.55, 3.5, f"device {LETTERS[number]}")
    style.bare(ground)
    ground.set_facecolor([1 - 0.12 * (1 - part) for part in to_rgb(COLORS[number])])
    for spine in ground.spines.values():
        spine.set(visible=True, color=COLORS[number], linewidth=2.2)
    each = len(x)
    names = [number * each + channel for channel in range(each)]
    said = f"device {LETTERS[number]}: channels {' and '.join(map(str, names))}"
    sheet.say(said, left + 0.12, top + 0.2, ha="left", fontsize=TITLE, weight="bold")
    places = [left + 0.2 + 1.2 * channel for channel in range(each)]
    for place, channel, name in zip(places, x, names, strict=True):
        sheet.grid(channel, place, top + 0.6, cell=CELL, title=f"input {name}", vmax=8, **SHADES)
        sheet.say("\u2217", place + 1.5 * CELL, top + 1.5, fontsize=13)
    own = cm.conv(weight, x.shape[1:])
    for row, (kernels, y) in enumerate(zip(weight, own(x), strict=True)):
        filter_, height = number * len(weight) + row, top + 1.9 + 0.85 * row
        for place, kernel in zip(places, kernels, strict=True):
            sheet.grid(kernel, place + CELL / 2, height, cell=CELL, title=f"filter {filter_}", taps=True)
        sheet.say("+", (places[0] + places[1]) / 2 + 1.5 * CELL, height + CELL, fontsize=14, weight="bold")
        sheet.say("=", places[1] + 1.2, height + CELL, fontsize=14, weight="bold")
        sheet.grid(y, places[1] + 1.5, height, cell=CELL, title=f"output {filter_}", vmax=100, **SHADES)
