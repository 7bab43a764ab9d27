"""The 2x2 minor that proves a kernel is not separable."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

_WRITABLE_BITS = 2000
"""Bits up to which any Python writes an integer, whatever its limit is set to: at least 640 digits."""


@dataclass(frozen=True)
class Certificate:
    """A 2x2 minor that is not 0: whoever can multiply can check that the rank is at least 2.

    Attributes
    ----------
    rows, columns : pair of int
        Where the minor stands, each pair ascending.
    value : int, Fraction or SymPy expression
        `K[r0, c0] * K[r1, c1] - K[r0, c1] * K[r1, c0]`, never 0.
    mode : int or None
        Of a filter, the unfolding whose minor it is: axis `mode` as rows and the other axes, in order and row-major, as
        columns. None for a kernel.

    Examples
    --------
    >>> certificate = Certificate((0, 1), (0, 1), -2)
    >>> print(certificate)
    K[0,0] K[1,1] - K[0,1] K[1,0] = -2
    >>> certificate.minor([[1, 2], [3, 4]])
    -2
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    value: Any
    mode: int | None = None

    def minor(self, matrix: Any) -> Any:
        """The same minor of a 2-D array (of the unfolding, where there is a `mode`), computed afresh.

        Entries are multiplied as Python's own integers, which never wrap.
        """
        entries = np.asarray(matrix)
        a, b, c, d = (
            value.item() if isinstance(value, np.generic) else value
            for value in (entries[row, column] for row in self.rows for column in self.columns)
        )
        value = a * d - b * c
        return value.expand() if hasattr(value, "expand") else value

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; the value as text unless it is an integer."""
        return {
            "rows": list(self.rows),
            "columns": list(self.columns),
            "value": json_number(self.value),
            "mode": self.mode,
        }

    def __str__(self) -> str:
        name = "K" if self.mode is None else f"K_({self.mode})"
        (r0, r1), (c0, c1) = self.rows, self.columns
        return f"{name}[{r0},{c0}] {name}[{r1},{c1}] - {name}[{r0},{c1}] {name}[{r1},{c0}] = {number_text(self.value)}"


def number_text(value: Any) -> str:
    """An exact number or expression in full, also where Python refuses to write so many digits.

    >>> number_text(Fraction(1, 16)), len(number_text(10**5000))
    ('1/16', 5001)
    """
    try:
        return str(value)
    except ValueError:
        if not isinstance(value, (int, Fraction)):
            return f"an expression of more than {sys.get_int_max_str_digits()} digits"
        above, below = format(Decimal(value.numerator), "f"), format(Decimal(value.denominator), "f")
        return above if below == "1" else f"{above}/{below}"


def json_number(value: Any) -> Any:
    """A number as a JSON value: exact ones that are no integers, complex ones and expressions as text."""
    if isinstance(value, Fraction) and value.denominator == 1:
        value = value.numerator
    if isinstance(value, int):
        return value if value.bit_length() < _WRITABLE_BITS else number_text(value)
    return value if isinstance(value, float) else number_text(value)
