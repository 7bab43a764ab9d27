"""Rates that double: three layers see 15x15 inputs at the cost at which plain ones see 7x7."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import TEXT, TITLE, Sheet

SECTION = "7"
STEP = 4
CAPTION = (
    "Three 3x3 layers after each other on 31x31 inputs, above with rates 1, 2 and 4, below undilated. Left, along one "
    "axis: threads from one output down to the inputs it reads; the field after each layer stands beside it. Right, in "
    "the plane, the fields framed one within the other; a number counts the paths from an input to the output. Every "
    "layer takes the same multiplications in both, those with zeros of the padding counted."
)
SIZE = 31
STACKS = ((1, 2, 4), (1, 1, 1))
CELL, LEVEL = 0.215, 0.58
"""Inches: the side of an input's cell, the height of a layer."""


def field(rates: tuple[int, ...], axes: int) -> cm.ReceptiveField:
    """Of layers of three taps an axis, as many outputs as inputs."""
    ones = np.ones((3,) * axes, dtype=int)
    return cm.receptive_field([cm.conv(ones, (SIZE,) * axes, dilation=rate, padding=rate) for rate in rates])


def draw() -> Figure:
    sheet = Sheet(9, 7.95)
    top, most = 0.25, field(STACKS[0], 1).size[0]
    for rates in STACKS:
        line, plane = field(rates, 1), field(rates, 2)
        sizes = [stage.size[0] for stage in plane.stages]
        costs = {cm.cost(layer).multiplications for layer in plane.layers}
        each = " or ".join(f"{cost:,}" for cost in sorted(costs))
        said = f"rates {_list(rates)}: fields {_list(sizes)}; {each} multiplications a layer"
        sheet.say(said, 0.25, top, ha="left", fontsize=TITLE, weight="bold")
        across, tall = sizes[-1] * CELL, max(sizes[-1] * CELL, LEVEL * (len(rates) + 1))
        wide, inset = (sizes[-1] + 2) * CELL, (most - sizes[-1]) * CELL / 2
        ax = sheet.panel(0.75 + inset, top + 0.5 + (tall - LEVEL * 4.1) / 2, wide, LEVEL * 4.1, "threads")
        cm.plot(line, ax=ax)
        ax.set_yticklabels(["input", *(f"l = {rate}" for rate in rates)], fontsize=TEXT)
        ax.set_title("along one axis", fontsize=TEXT)
        ax = sheet.panel(5.5 + inset, top + 0.5 + (tall - across) / 2, across, across, "plane")
        cm.plot(plane, ax=ax)
        ax.set_title(f"in the plane: {', '.join(f'{size}x{size}' for size in sizes)} framed", fontsize=TEXT)
        top += tall + 1.15
    return sheet.figure


def _list(numbers: object) -> str:
    return ", ".join(map(str, numbers))
