"""Where the panels of an operator's picture stand: beside each other, or above a flat matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from convmatrix.operators.base import TensorOperator
from convmatrix.plots.matrix import cell_size
from convmatrix.plots.mosaic import Mosaic, grid_size

GRID_ROOM = (1.75, 3.8)
"""Inches for the grid of a tensor: width and height."""
_MATRIX_ROOM = (4.4, 4.2)
_WIDEST, _FLAT_ROOM = 9.0, (7.7, 3.0)
"""A page, and the room on it for a matrix that has the grids above it instead of beside it."""


@dataclass(frozen=True)
class Layout:
    """Sizes in inches: matrix, input grid, output grid, the key, and whether it lies under or beside a grid."""

    matrix: tuple[float, float]
    input: tuple[float, float]
    output: tuple[float, float]
    key: tuple[float, float]
    key_right: bool
    key_beside: bool = False
    left: float = 0.45
    top: float = 0.85
    to_matrix: float = 1.0
    to_output: float = 0.6

    @property
    def key_top(self) -> float:
        """Where the key begins, from the top."""
        if self.key_beside:
            return self.top
        return self.top + (self.output if self.key_right else self.input)[1] + 0.62

    @property
    def matrix_left(self) -> float:
        """Where the matrix begins, from the left; the left column is as wide as the wider of what it holds."""
        column = max(self.input[0], 0.9 if self.key_right else self.key[0])
        return self.left + column + self.to_matrix

    @property
    def output_left(self) -> float:
        """Where the right column begins."""
        return self.matrix_left + self.matrix[0] + self.to_output

    @property
    def key_left(self) -> float:
        """Where the key begins, from the left."""
        if self.key_beside:
            return self.output_left + max(self.output[0], 0.9) + self.to_output
        return self.output_left if self.key_right else self.left

    @property
    def matrix_top(self) -> float:
        """Where the matrix begins, from the top."""
        return self.top

    @property
    def input_left(self) -> float:
        """Where the input begins, from the left."""
        return self.left

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        column = max(self.output[0], self.key[0] if self.key_right and not self.key_beside else 0, 0.9)
        if self.key_beside:
            column += self.to_output + self.key[0]
        bottom = max(self.top + self.matrix[1] + 0.75, self.top + self.input[1] + 0.3, self.top + self.output[1] + 0.3)
        if self.key[1]:
            bottom = max(bottom, self.key_top + self.key[1] + 0.4)
        return self.output_left + column + 0.35, bottom + 0.15


class Stacked(Layout):
    """Input, output and key in a line above the matrix, which has the page's width for itself."""

    @property
    def matrix_left(self) -> float:
        """Where the matrix begins, from the left: after the names of its lines."""
        return self.left + 0.2

    @property
    def matrix_top(self) -> float:
        """Where the matrix begins, from the top."""
        return self.top + max(self.input[1], self.output[1], self.key[1]) + 0.35

    @property
    def key_top(self) -> float:
        """Where the key begins, from the top: beside the grids."""
        return self.top

    @property
    def input_left(self) -> float:
        """Where the line of grids begins, in the middle above the matrix."""
        return self.matrix_left + max(self.matrix[0] - self._line, 0.0) / 2

    @property
    def output_left(self) -> float:
        """Where the output begins, from the left."""
        return self.input_left + self.input[0] + self.to_matrix

    @property
    def key_left(self) -> float:
        """Where the key begins, from the left."""
        return self.output_left + max(self.output[0], 0.9) + self.to_matrix

    @property
    def _line(self) -> float:
        key = self.to_matrix + self.key[0] if self.key[1] else 0.0
        return self.input[0] + self.to_matrix + max(self.output[0], 0.9) + key

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        return self.matrix_left + max(self.matrix[0], self._line) + 0.5, self.matrix_top + self.matrix[1] + 0.9


def layout_of(op: TensorOperator, grids: list[Mosaic], key: tuple[float, float]) -> Layout:
    """The smaller of the layouts; where that is wider than a page and the matrix flat, the one that stacks."""
    (cell, flat_cell) = (cell_size(op.shape, room) for room in (_MATRIX_ROOM, _FLAT_ROOM))
    read, written = (grid_size(grid, GRID_ROOM) for grid in grids)
    rows, columns = op.shape
    below = Layout((columns * cell[0], rows * cell[1]), read, written, key, written[1] <= read[1])
    # Beside a flat matrix a key below the output would leave the middle blank.
    best = min(below, replace(below, key_right=True, key_beside=True), key=lambda each: math.prod(each.size))
    if best.size[0] > _WIDEST and columns > 2 * rows:
        return Stacked((columns * flat_cell[0], rows * flat_cell[1]), read, written, key, True, True)
    return best
