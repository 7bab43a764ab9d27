"""How most results are shown: a verdict with the facts below it as text and as HTML, and everything as plain JSON."""

from __future__ import annotations

import html
import math
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

Facts = Sequence[tuple[str, str]]
_WRITABLE_BITS = 2000
"""Bits up to which any Python writes an integer, whatever its limit is set to: at least 640 digits."""


def as_text(verdict: str, facts: Facts) -> str:
    r"""The verdict, and a line a fact below it, names and values in columns; further lines of a value stay in theirs.

    Examples
    --------
    >>> print(as_text("even, 4 everywhere", [("output", "(1, 8, 8)"), ("by phase", "4 4\n4 4")]))
    even, 4 everywhere
      output    (1, 8, 8)
      by phase  4 4
                4 4
    """
    width = max((len(name) for name, _ in facts), default=0)
    below = "\n" + " " * (width + 4)
    lines = [f"  {name:<{width}}  " + value.replace("\n", below) for name, value in facts]
    return "\n".join([verdict, *lines])


def as_html(verdict: str, facts: Facts) -> str:
    """The same as a table."""
    cells = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in facts]
    return f"<table><caption>{html.escape(verdict)}</caption>{''.join(cells)}</table>"


def plain(value: Any) -> Any:
    """A value in the types that JSON has; what none of them holds is text.

    Integers, whole fractions among them, are integers up to the length that every reader takes; other exact numbers,
    complex ones and expressions are text, as are NaN and infinities. Arrays, tuples and lists are (nested) lists, a
    mapping is a dict with names as text.

    >>> plain((Fraction(4, 2), Fraction(1, 3), 1 + 2j, math.inf, None))
    [2, '1/3', '(1+2j)', 'inf', None]
    >>> plain({"weight": np.ones((1, 2), dtype=np.float32)})
    {'weight': [[1.0, 1.0]]}
    """
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Fraction) and value.denominator == 1:
        value = value.numerator
    if isinstance(value, int):
        return value if value.bit_length() < _WRITABLE_BITS else exact_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, str) else exact_text(value)


def exact_text(value: Any) -> str:
    """A number or expression in full, also where Python refuses to write so many digits.

    >>> exact_text(Fraction(1, 16)), len(exact_text(10**5000))
    ('1/16', 5001)
    """
    try:
        return str(value)
    except ValueError:
        if not isinstance(value, (int, Fraction)):
            return f"an expression of more than {sys.get_int_max_str_digits()} digits"
        above, below = format(Decimal(value.numerator), "f"), format(Decimal(value.denominator), "f")
        return above if below == "1" else f"{above}/{below}"
