"""A product of two matrices laid out so that its rows and columns are those of its factors, and arrows on a sheet."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

import convmatrix as cm
from convmatrix.plots import style

from ._sheet import Sheet

GAP = 0.42
"""Inches between the factors and their product."""


def factors(
    sheet: Sheet,
    first: cm.TensorOperator,
    second: cm.TensorOperator,
    product: cm.TensorOperator,
    left: float,
    top: float,
    cell: Any,
    trace: int,
    titles: tuple[str, str, str],
    **looks: Any,
) -> tuple[Axes, Axes, Axes]:
    """`second @ first`: the first step above the product, the second left of it, one row framed in both."""
    wide, tall = cell
    across, down = left + second.shape[1] * wide + GAP, top + first.shape[0] * tall + GAP
    above = sheet.matrix(first, across, top, cell=cell, title=titles[0], **looks)
    beside = sheet.matrix(second, left, down, cell=cell, trace=trace, title=titles[1], **looks)
    whole = sheet.matrix(product, across, down, cell=cell, trace=trace, title=titles[2], **looks)
    above.set(xticks=[], xlabel="", ylabel="between")
    beside.set(xticks=[], xlabel="between", ylabel="output")
    whole.set(yticks=[], ylabel="", xlabel="input position, flattened (c, y, x)")
    return above, beside, whole


def arrow(sheet: Sheet, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From a place to another, in inches."""
    ends = [(x / sheet.width, 1 - y / sheet.height) for x, y in (start, end)]
    look = {"arrowstyle": "-|>", "mutation_scale": 11, "linewidth": 1.1, "color": style.INK}
    sheet.figure.add_artist(FancyArrowPatch(*ends, **look))
