"""Gridding: rates with a common divisor read only a grid of their field."""

from __future__ import annotations

from math import gcd

from matplotlib.figure import Figure

import convmatrix as cm

from ._sheet import TEXT, TITLE, Sheet
from .overlap_cases_1d import UNEVEN
from .receptive_fields import field

SECTION = "7"
STEP = 5
CAPTION = (
    "Two stacks of three 3x3 layers of the same taps, cost and field, 13x13; the fields after the first and the second "
    "layer are framed within. With rates 2, 2 and 2 every path leads an even number of inputs away: what "
    "lies between is hatched, and no weights make it count. Rates 1, 2 and 3 have no common divisor above 1, and here "
    "every input is read. Below, the same along one axis."
)
STACKS = ((2, 2, 2), (1, 2, 3))
CELL, LEVEL = 0.23, 0.5
"""Inches: the side of an input's cell, the height of a layer."""


def draw() -> Figure:
    sheet = Sheet(9, 7.05)
    for rates, left in zip(STACKS, (0.73, 5.21), strict=True):
        plane, line = field(rates, 2), field(rates, 1)
        whole, read = plane.coverage().size, plane.read_count
        named = ", ".join(map(str, rates))
        size = plane.size[0]
        ax = sheet.panel(left, 0.75, size * CELL, size * CELL, "plane")
        cm.plot(plane, ax=ax)
        verdict = "reads ALL" if read == whole else "GRIDDING: reads"
        said = f"rates {named}: common divisor {gcd(*rates)}\n{verdict} {read} of {whole} inputs"
        ax.set_title(said, fontsize=TITLE, weight="bold", pad=8)
        if read < whole:
            ax.title.set_backgroundcolor(UNEVEN)
        ax = sheet.panel(left - CELL, 4.45, (size + 2) * CELL, LEVEL * (len(rates) + 1.1), "threads")
        cm.plot(line, ax=ax)
        ax.set_title("")
        ax.set_yticklabels(["input", *(f"l = {rate}" for rate in rates)], fontsize=TEXT)
    return sheet.figure
