"""`separate` at its limits: divisors that vanish unseen, numbers of many digits, and what takes too long."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import convmatrix as cm

a, b, c, d = sympy.symbols("a b c d")
HUGE = 10**5000
GRID = (-2, -1, 0, 1, 2)

# Each has separable points at which something vanishes that a solution was divided by before that was cancelled.
CANCELLED: list[Any] = [
    [[0, c**2], [b * c, a * d], [d, b * c - 1]],
    [[a, b, a + b], [c, c, b]],
    [[b, c], [c**2, c**2], [a, d**2]],
    [[b**2, a - b], [a, 0], [a + c, b]],
    [[b, c, b], [2, a + c, b]],
]


def is_separable(rows: list[list[Any]]) -> bool:
    pairs = itertools.product(
        itertools.combinations(range(len(rows)), 2), itertools.combinations(range(len(rows[0])), 2)
    )
    return all(rows[i][k] * rows[j][m] == rows[i][m] * rows[j][k] for (i, j), (k, m) in pairs)


def holds(solution: dict[Any, Any], values: dict[Any, int]) -> bool:
    """Whether the point is one of the solution's, or makes 0 what it divides by."""
    for symbol, expression in solution.items():
        top, bottom = (part.subs(values) for part in sympy.fraction(sympy.together(expression)))
        if bottom == 0:
            return True
        if top / bottom != values[symbol]:
            return False
    return True


@pytest.mark.parametrize("rows", CANCELLED, ids=str)
def test_complete_solutions_hold_every_separable_point(rows: list[list[Any]]) -> None:
    answer = cm.separate(rows)
    assert isinstance(answer, cm.Separability)
    assert answer.solutions
    symbols = sorted({symbol for row in rows for value in row for symbol in sympy.sympify(value).free_symbols}, key=str)
    entries = sympy.lambdify(symbols, rows, "math")
    for point in itertools.product(GRID, repeat=len(symbols)):
        if answer.solutions_complete and is_separable(entries(*point)):
            values = dict(zip(symbols, point, strict=True))
            assert any(holds(solution, values) for solution in answer.solutions), values
    assert answer.solutions_complete


def test_a_cancelled_divisor_gets_a_solution_of_its_own() -> None:
    found = cm.separate(CANCELLED[0]).solutions
    assert {c: 0, a: 0} in found
    assert {c: 0, d: 0} in found
    assert cm.separate("a b; c d").solutions == ({d: b * c / a},)


@pytest.mark.parametrize(("kernel", "message"), [
    ([[1.5, HUGE]], "kernel entries must fit a float64, got about 1e5000"),
    ([[1.5, Fraction(-HUGE, 3)]], "kernel entries must fit a float64, got about -1e4999"),
    ([[1.5j, HUGE]], "kernel entries must fit a complex128, got about 1e5000"),
    ([[HUGE * a, 1], [1, 1]], "kernel must have numbers of at most 1000 bits beside symbols .* got one of 16610"),
    ([[sympy.sqrt(2), HUGE], [1, 1]], "kernel must have numbers of at most 1000 bits beside symbols"),
    ([[sympy.Symbol("z", zero=True), 0], [0, 1]], "kernel symbols must not be declared to be zero, got z"),
    ([[(1 + sympy.sqrt(2)) ** 1000, 1], [1, 2]], "kernel exponents must be at most 64, got 1000"),
], ids=["float", "fraction", "complex", "symbol", "radical", "zero", "power"])  # fmt: skip
def test_what_is_beyond_the_limits_is_refused(kernel: Any, message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.separate(kernel)


def test_large_numbers_beside_symbols_are_not_factored() -> None:
    rows = [[10**300 * a, 1, 3], [1, 10**300 + 1, b], [1, 2, 10**300 + 7]]
    answer = cm.separate(rows)
    assert (answer.rank, answer.form) == (3, "characteristic polynomial")
    root = sympy.sqrt(2)
    answer = cm.separate([[10**300 * root, 1, 3], [1, 10**300 + 1, root], [1, 2, 10**300 + 7]])
    assert (answer.rank, answer.form) == (3, "characteristic polynomial")


def test_products_that_would_take_too_long_leave_conditions_unreduced() -> None:
    long = sum(sympy.sqrt(2) * a**i * b**j for i in range(5) for j in range(4)) + 1
    answer = cm.separate([[long, a - b, c], [long + a * sympy.sqrt(2), 1, d], [c - d, long * 2 + c, c]])
    assert answer.rank == 3
    assert answer.solutions_complete is False


def test_numbers_without_a_closed_form_have_errors_in_floats() -> None:
    fifth, third = sympy.Pow(2, sympy.Rational(1, 5)), sympy.Pow(3, sympy.Rational(1, 3))
    answer = cm.separate([[fifth, 1, 0], [1, third, 2], [1, 1, 1]])
    known = np.linalg.svd([[2**0.2, 1, 0], [1, 3 ** (1 / 3), 2], [1, 1, 1]], compute_uv=False)
    assert (answer.rank_kind, answer.singular_values) == ("exact", None)
    assert [answer.error(r, 2) for r in range(3)] == pytest.approx(known, rel=1e-12)
    assert answer.error(1) == pytest.approx(np.hypot(known[1], known[2]), rel=1e-12)
    assert answer.to_dict()["singular_values_decimal"] == pytest.approx(known, rel=1e-12)
    assert "error of the best approximation" in str(answer)


def test_singular_values_whose_digits_cancel_are_ordered() -> None:
    root = sympy.sqrt(2)
    answer = cm.separate([[10**200 * root + 1, 1], [1, 1]])
    values = answer.to_dict()["singular_values_decimal"]
    assert values[0] == pytest.approx(2**0.5 * 1e200)
    assert values[1] == pytest.approx(1)


@pytest.mark.parametrize("rows", [
    [[HUGE, 1], [1, HUGE]],
    [[HUGE, 2 * HUGE], [HUGE, 2 * HUGE]],
    [[Fraction(1, HUGE), 1], [1, HUGE]],
], ids=["integers", "rank-one", "fractions"])  # fmt: skip
def test_more_digits_than_python_writes_are_shown(rows: Any) -> None:
    answer = cm.separate(rows)
    for text in (str(answer), answer._repr_html_(), answer.to_latex(), answer._repr_latex_()):
        assert text
    json.dumps(answer.to_dict(), allow_nan=False)
