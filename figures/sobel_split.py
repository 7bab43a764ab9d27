"""Sobel's kernel is a column times a row, and so its matrix is a product of two sparser ones."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._factors import arrow, factors
from ._sheet import TITLE, Sheet

SECTION = "8.1"
STEP = 1
CAPTION = (
    "A picture with an edge. Above, the column smooths it downwards and the row takes differences across; below, the "
    "3x3 kernel, their product, does both at once: the same nine numbers. As matrices, the column is a Kronecker "
    "product with I on its right and the row one with I on its left; multiplied they are the 9x25 matrix of the "
    "kernel. The framed row on the left times the matrix above it is the framed row of the product. On 5x5 the two "
    "have 45 + 27 entries for 81."
)
X = np.array([[0, 0, 0, 1, 2], [0, 0, 1, 2, 2], [0, 0, 2, 2, 2], [0, 1, 2, 2, 2], [1, 2, 2, 2, 2]])
ROW = 4
"""The output traced, in the middle."""
CELL = 0.26


def draw() -> Figure:
    scale, column, row = cm.separate("sobel_x").terms[0]
    kernel = scale * np.outer(column, row)
    split = cm.KINDS["spatially_separable"].build(column, row, X.shape)
    dense = cm.conv(kernel, X.shape)
    downwards, across = cm.receptive_field(split).layers
    sheet = Sheet(9, 8.45)
    _pictures(sheet, column, row, kernel, (downwards, across, dense))
    line = cm.conv(column, X.shape[0]), cm.conv(row, X.shape[1])
    sheet.say("as matrices: C = R D", 0.25, 3.65, ha="left", fontsize=TITLE, weight="bold")
    titles = (
        f"D = T(column) \u2297 I, {_size(downwards)}",
        f"R = I \u2297 T(row), {_size(across)}",
        f"C = T(column) \u2297 T(row), {_size(dense)}",
    )
    cell = (0.19, 0.152)
    factors(sheet, downwards, across, dense, 0.62, 3.95, cell, ROW, titles)
    for op, left, name in zip(line, (0.62, 2.2), ("T(column)", "T(row)"), strict=True):
        ax = sheet.matrix(op, left, 4.45, cell=cell, title=f"{name}, {op.shape[0]}x{op.shape[1]}")
        ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    sheet.say("\u2297", 1.88, 4.68, fontsize=14)
    sheet.say("= C: every entry of T(column)\ntimes all of T(row)", 0.62, 5.3, ha="left")
    return sheet.figure


def _pictures(sheet: Sheet, column: np.ndarray, row: np.ndarray, kernel: np.ndarray, ops: tuple) -> None:
    """The two steps above, the one below, from the same input to the same output."""
    downwards, across, _ = ops
    between = downwards(X)
    y = across(between)
    costs = [cm.cost(op).multiplications for op in ops]
    upper, lower, middle = 0.95, 2.45, 1.7
    sheet.grid(X, 0.4, middle - 2.5 * CELL, cell=CELL, title="input x, 5x5")
    arrow(sheet, (1.85, middle - 0.2), (2.5, upper + 0.1))
    arrow(sheet, (1.85, middle + 0.2), (2.5, lower - 0.1))
    said = f"column, then row: {costs[0]} + {costs[1]} = {costs[0] + costs[1]} multiplications"
    sheet.say(said, 4.8, 0.22, fontsize=TITLE, weight="bold")
    sheet.say("\u2217", 2.75, upper, fontsize=15)
    sheet.grid(column[:, None], 3.05, upper - 1.5 * CELL, cell=CELL, title="column", taps=True)
    sheet.say("=", 3.62, upper, fontsize=15)
    sheet.grid(between, 3.9, upper - 1.5 * CELL, cell=CELL, title="between, 3x5")
    sheet.say("\u2217", 5.5, upper, fontsize=15)
    sheet.grid(row[None], 5.8, upper - 0.5 * CELL, cell=CELL, title="row", taps=True)
    arrow(sheet, (6.8, upper + 0.1), (7.45, middle - 0.2))
    sheet.say(f"at once: {costs[2]} multiplications", 4.8, 3.2, fontsize=TITLE, weight="bold")
    left = 4.2
    sheet.say("\u2217", 3.62, lower, fontsize=15)
    sheet.grid(column[:, None], left - CELL - 0.07, lower - CELL, cell=CELL, taps=True)
    sheet.grid(row[None], left, lower - 2 * CELL - 0.07, cell=CELL, taps=True)
    sheet.grid(kernel, left, lower - CELL, cell=CELL, taps=True)
    sheet.say("kernel = column times row", left + 3 * CELL + 0.15, lower + CELL / 2, ha="left")
    arrow(sheet, (6.8, lower - 0.1), (7.45, middle + 0.2))
    sheet.grid(y, 7.65, middle - 1.5 * CELL, cell=CELL, title="output y, 3x3")


def _size(op: cm.TensorOperator) -> str:
    return f"{op.shape[0]}x{op.shape[1]}: {op.nnz} entries"
