"""Regular systems and inverses, multiplied back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix import exact

numbers = st.one_of(st.integers(-4, 4), st.fractions(-5, 5, max_denominator=9), st.integers(-(10**30), 10**30))
systems = st.integers(1, 6).flatmap(
    lambda size: st.tuples(
        st.lists(st.lists(numbers, min_size=size, max_size=size), min_size=size, max_size=size),
        st.lists(numbers, min_size=size, max_size=size),
    )
)


@given(systems)
def test_solutions_and_inverses_multiply_back(system: tuple[list[list[Any]], list[Any]]) -> None:
    rows, right = system
    size = len(rows)
    matrix = np.array(rows, dtype=object).reshape(size, size)
    if exact.rank(matrix) < size:
        for ask in (lambda: exact.inverse(rows), lambda: exact.solve(rows, right)):
            with pytest.raises(cm.ConvMatrixError, match="matrix must be regular, got one whose first"):
                ask()
        assume(False)
    inverse, solution = np.array(exact.inverse(rows), dtype=object), exact.solve(rows, right)
    assert np.array_equal(matrix @ inverse, np.eye(size, dtype=object))
    assert (inverse @ np.array(right, dtype=object)).tolist() == solution
    assert {type(value) for value in (*inverse.flat, *solution)} == {Fraction}


FORMS: list[Any] = [
    [[2, 0], [1, 1]],
    np.array([[2, 0], [1, 1]]),
    np.array([[2, 0], [1, 1]], dtype=np.int8),
    [[Fraction(2), 0], (np.int64(1), True)],
]


@pytest.mark.parametrize("matrix", FORMS, ids=[str(form)[:30].replace("\n", "") for form in FORMS])
def test_forms_of_a_matrix(matrix: Any) -> None:
    half = Fraction(1, 2)
    assert exact.solve(matrix, [1, np.int64(1)]) == [half, half]
    assert exact.inverse(matrix) == [[half, 0], [-half, 1]]


def test_a_pivot_of_zero_is_exchanged() -> None:
    assert exact.inverse([[0, 2], [3, 0]]) == [[0, Fraction(1, 3)], [Fraction(1, 2), 0]]


def test_nothing_to_solve() -> None:
    assert exact.inverse([]) == []
    assert exact.solve([], []) == []


def test_what_was_given_stays_as_it_is() -> None:
    matrix, right = [[1, 2], [3, 4]], [5, 6]
    exact.solve(matrix, right)
    exact.inverse(matrix)
    assert (matrix, right) == ([[1, 2], [3, 4]], [5, 6])


ERRORS: list[tuple[Any, Any, str]] = [
    ([[1, 2], [2, 4]], [0, 0], "matrix must be regular, got one whose first 2 columns have rank 1"),
    ([[0]], [1], "matrix must be regular, got one whose first 1 columns have rank 0"),
    ([[1, 2]], [1], r"matrix must be square, got 1 row of 2 entries"),
    ([[1, 2], [3]], [1, 1], r"matrix must be square, got 2 rows of 1 to 2 entries"),
    ([[1]], [1, 2], "right must have one entry a row of the matrix, 1, got 2"),
    ([[0.5]], [1], "matrix must be made of integers and fractions, got 0.5"),
    ([[1]], [0.5], "right must be made of integers and fractions, got 0.5"),
]


@pytest.mark.parametrize(("matrix", "right", "message"), ERRORS, ids=[case[-1][-28:] for case in ERRORS])
def test_errors(matrix: Any, right: Any, message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=message):
        exact.solve(matrix, right)
    if not message.startswith("right"):
        with pytest.raises(cm.ConvMatrixError, match=message):
            exact.inverse(matrix)
