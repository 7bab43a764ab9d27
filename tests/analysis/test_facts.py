"""A verdict with its facts, as text and as HTML; values as plain JSON."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from convmatrix.analysis.facts import as_html, as_text, exact_text, plain

FACTS = [("short", "1 < 2"), ("a longer name", "two\nlines")]


def test_values_stand_in_one_column_with_their_further_lines() -> None:
    assert as_text("yes", FACTS) == "yes\n  short          1 < 2\n  a longer name  two\n                 lines"


def test_a_verdict_may_stand_alone() -> None:
    assert as_text("yes", []) == "yes"
    assert as_html("yes", []) == "<table><caption>yes</caption></table>"


def test_html_is_escaped() -> None:
    page = as_html("a < b", FACTS[:1])
    assert page == "<table><caption>a &lt; b</caption><tr><th>short</th><td>1 &lt; 2</td></tr></table>"


PLAIN = {
    "nothing": (None, None),
    "a truth": (True, True),
    "text": ("nearest", "nearest"),
    "an integer": (3, 3),
    "a NumPy integer": (np.int64(3), 3),
    "a NumPy truth": (np.bool_(False), False),
    "a whole fraction": (Fraction(6, 2), 3),
    "a fraction": (Fraction(1, 16), "1/16"),
    "a float": (0.5, 0.5),
    "a float32": (np.float32(0.5), 0.5),
    "infinity": (-math.inf, "-inf"),
    "no number": (np.float64("nan"), "nan"),
    "a complex number": (1 + 2j, "(1+2j)"),
    "a NumPy complex number": (np.complex64(2j), "2j"),
    "an expression": (sympy.Symbol("a") + 1, "a + 1"),
    "a pair": ((1, Fraction(1, 2)), [1, "1/2"]),
    "an array": (np.array([[1, 2]], dtype=np.uint8), [[1, 2]]),
    "an array of no axis": (np.array(2.5), 2.5),
    "an array of objects": (np.array([Fraction(2), Fraction(1, 3)], dtype=object), [2, "1/3"]),
    "a mapping": ({"stride": (2, 2), 1: math.inf}, {"stride": [2, 2], "1": "inf"}),
    "an integer that no reader takes": (-(10**1000), f"-1{'0' * 1000}"),
    "an integer that Python does not write": (10**5000, f"1{'0' * 5000}"),
    "a fraction that Python does not write": (Fraction(10**5000, 3), f"1{'0' * 5000}/3"),
}


@pytest.mark.parametrize(("value", "wanted"), PLAIN.values(), ids=PLAIN)
def test_values_become_what_json_has(value: Any, wanted: Any) -> None:
    found = plain(value)
    assert (found, type(found)) == (wanted, type(wanted))
    assert json.loads(json.dumps(found, allow_nan=False)) == wanted


def test_an_expression_of_too_many_digits_is_named() -> None:
    assert exact_text(sympy.Symbol("a") * 10**5000) == "an expression of more than 4300 digits"
