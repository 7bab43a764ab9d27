"""Small matrices and kernels as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from convmatrix.analysis.facts import plain

MAX_COLUMNS = 20
MAX_ROWS = 40
MAX_ENTRIES = 10_000
"""Entries of a kernel up to which JSON holds them."""
_MAX_NUMBERS = 500
_EMPTY = "."


def entry(value: Any) -> str:
    """One number as it is read best: exact ones in full, floats to five digits.

    >>> from fractions import Fraction
    >>> entry(Fraction(1, 16)), entry(0.123456789), entry(-2)
    ('1/16', '0.12346', '-2')
    """
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.5g}"
    if isinstance(value, (complex, np.complexfloating)):
        return f"{complex(value):.4g}"
    return str(value)


def entries(array: np.ndarray) -> Any:
    """A kernel's entries as nested lists, None beyond `MAX_ENTRIES`."""
    return plain(array) if array.size <= MAX_ENTRIES else None


def left_out(array: np.ndarray) -> str | None:
    """The sentence for entries that are left out, or None."""
    if array.size <= MAX_ENTRIES:
        return None
    return f"entries are null: JSON holds those of kernels of at most {MAX_ENTRIES:,}, got {array.size:,}"


def table(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """Cells right-aligned under each other.

    >>> table([["-1", "0"], ["1/2", "10"]], "")
    [' -1   0', '1/2  10']
    """
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        indent + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]


def kernel_lines(array: np.ndarray) -> list[str]:
    """A kernel of one, two or three axes, planes under each other; larger ones in words."""
    spatial = array[0, 0] if array.ndim > 3 and array.shape[:2] == (1, 1) else array
    if spatial.ndim > 3 or spatial.size > _MAX_NUMBERS or spatial.shape[-1] > MAX_COLUMNS:
        return [f"  {array.size} numbers of shape {array.shape}"]
    planes = spatial.reshape((-1, *spatial.shape[-2:])) if spatial.ndim > 1 else spatial.reshape(1, 1, -1)
    lines: list[str] = []
    for number, plane in enumerate(planes):
        lines += ([""] if number else []) + table([[entry(value) for value in row] for row in plane])
    return lines


def matrix_lines(matrix: np.ndarray, stored: np.ndarray) -> list[str]:
    """A small matrix, with a dot wherever nothing is stored."""
    return table(
        [entry(value) if kept else _EMPTY for value, kept in zip(row, places, strict=True)]
        for row, places in zip(matrix, stored, strict=True)
    )


def sizes(numbers: Iterable[int]) -> str:
    """Sizes joined by x, as the command line takes them.

    >>> sizes((3, 3))
    '3x3'
    """
    return "x".join(map(str, numbers))
