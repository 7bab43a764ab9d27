"""Kernels of symbols and radicals: against SymPy's own rank, against numbers put in, and against mpmath's digits."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix import exact
from convmatrix.analysis.separability.symbolic import SymbolicAnswer, symbolic_answer
from convmatrix.analysis.separability.symbolic_spectrum import (
    is_descending,
    symbolic_characteristic,
    symbolic_singular_values,
    symbolic_svd,
)

a, b, c, d, e, f, g, h, i, x, y, z, p = sympy.symbols("a b c d e f g h i x y z p")
root2, root3 = sympy.sqrt(2), sympy.sqrt(3)
POSITIVE = sympy.Symbol("s", positive=True)


def read(text: str) -> np.ndarray:
    return np.asarray(cm.kernel(text))


def array(*rows: Any) -> np.ndarray:
    return exact.as_array(np.array([list(row) for row in rows], dtype=object))


def all_different(rows: int, columns: int) -> np.ndarray:
    return exact.as_array(np.array(sympy.symbols(f"x0:{rows * columns}")).reshape(rows, columns))


def point(kernel: np.ndarray, rng: np.random.Generator) -> dict[Any, Any]:
    """Random rational values, none of them 0, for every symbol."""
    symbols = sorted({symbol for value in kernel.flat for symbol in value.free_symbols}, key=str)
    return {s: sympy.Rational(int(rng.choice([-1, 1])) * int(rng.integers(1, 40)), 7) for s in symbols}


def put_in(kernel: np.ndarray, *values: dict[Any, Any]) -> sympy.Matrix:
    matrix = sympy.Matrix(kernel.tolist())
    for step in values:
        matrix = matrix.subs(step)
    return matrix


def rank_of(matrix: sympy.Matrix) -> int:
    """Of a matrix of rationals, by the elimination that has its own tests."""
    return exact.rank(np.array([[Fraction(int(v.p), int(v.q)) for v in row] for row in matrix.tolist()], dtype=object))


def added_up(answer: SymbolicAnswer, shape: tuple[int, int]) -> np.ndarray:
    total = np.full(shape, sympy.Integer(0), dtype=object)
    for scale, column, row in answer.terms:
        total = total + scale * np.outer(column, row)
    return total


def is_zero(value: Any) -> bool:
    return bool(sympy.radsimp(sympy.expand(sympy.cancel(value))) == 0)


# -- what is answered -------------------------------------------------------------------------------------------------

CASES: dict[str, tuple[int, tuple[Any, ...], tuple[dict[Any, Any], ...]]] = {
    "a b; c d": (2, (a * d - b * c,), ({d: b * c / a},)),
    "1 x; y z": (2, (x * y - z,), ({z: x * y},)),
    "a b; b a": (2, ((a - b) * (a + b),), ({b: -a}, {b: a})),
    "a b; b c": (2, (a * c - b**2,), ({c: b**2 / a},)),
    "a b; -b a": (2, (a**2 + b**2,), ({a: 0, b: 0},)),
    "1 a; -a 1": (2, (1,), ()),
    "1 a; a 2": (2, (a**2 - 2,), ()),
    "0 1 a; 1 b 1; a 1 0": (3, (1,), ()),
    "a b c; d e 0": (2, (a * e - b * d, c * d, c * e), ({c: 0, e: b * d / a}, {d: 0, e: 0})),
    "p 0 -p; 2*p 0 -2*p; p 0 -p": (1, (), ({},)),
    "a/b 1; c d": (2, (a * d - b * c,), ({d: b * c / a},)),
    "a/(b+1) 2/(b+1); b 1": (2, (a - 2 * b,), ({b: a / 2},)),
    "a/(b+1) 0; 0 b+1": (2, (a,), ({a: 0},)),
    "1/(b+1) 0; 0 (b+1)*(b-a*a)": (2, (b - a**2,), ({b: a**2},)),
    "a 0; (b+1)*c 1/(b-a)": (2, (a,), ({a: 0},)),
    "a 0 a; 0 b 0; a 0 a": (2, (a * b,), ({a: 0}, {b: 0})),
    "0 a 0; a b a; 0 a 0": (2, (a,), ({a: 0},)),
    "x x+1; y y+2": (2, (2 * x - y,), ({y: 2 * x},)),
    "a*x a*y; b*x c*y": (2, (a * x * y * (b - c),), ({a: 0}, {x: 0}, {y: 0}, {c: b})),
    "x-1 0; 0 x": (2, (x * (x - 1),), ({x: 0}, {x: 1})),
    "a+b a-b; a-b a+b": (2, (a * b,), ({a: 0}, {b: 0})),
    "a 2*a; 3*a 6*a": (1, (), ({},)),
    "a b c; d e f; g h i": (
        3,
        (
            a * e - b * d, a * f - c * d, a * h - b * g, a * i - c * g, b * f - c * e,
            b * i - c * h, d * h - e * g, d * i - f * g, e * i - f * h,
        ),
        ({e: b * d / a, f: c * d / a, h: b * g / a, i: c * g / a},),
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_rank_conditions_and_solutions(text: str) -> None:
    answer = symbolic_answer(read(text))
    assert (answer.rank, answer.conditions, answer.solutions) == CASES[text]
    assert answer.has_symbols


@pytest.mark.parametrize("text", CASES)
def test_generic_rank_is_that_of_sympy(text: str) -> None:
    kernel = read(text)
    assert symbolic_answer(kernel).rank == sympy.Matrix(kernel.tolist()).rank()


@pytest.mark.parametrize("text", CASES)
def test_terms_add_up_to_the_kernel(text: str) -> None:
    kernel = read(text)
    answer = symbolic_answer(kernel)
    assert len(answer.terms) == answer.rank
    assert all(is_zero(value) for value in (added_up(answer, kernel.shape) - kernel).flat)


@pytest.mark.parametrize("text", [text for text in CASES if CASES[text][0] > 1])
def test_the_certificate_is_a_minor(text: str) -> None:
    kernel = read(text)
    certificate = symbolic_answer(kernel).certificate
    assert certificate is not None
    assert is_zero(certificate.value - certificate.minor(kernel))
    assert not is_zero(certificate.value)


@pytest.mark.parametrize("text", CASES)
def test_solutions_are_separable_and_other_points_are_not(text: str, rng: np.random.Generator) -> None:
    kernel = read(text)
    answer = symbolic_answer(kernel)
    assert answer.solutions is not None
    assert answer.conditions is not None
    for solution in answer.solutions:
        assert rank_of(put_in(kernel, solution, point(kernel, rng))) <= 1
    for _ in range(5):
        values = point(kernel, rng)
        hold = all(sympy.sympify(condition).subs(values) == 0 for condition in answer.conditions)
        assert hold == (rank_of(put_in(kernel, values)) <= 1)


@pytest.mark.parametrize(
    ("text", "complete"), [("a b; c d", True), ("a b; b a", True), ("1 a; a 2", False), ("1 a*a; b*b 2", False)]
)
def test_whether_a_solution_was_given_up_is_said(text: str, complete: bool) -> None:
    assert symbolic_answer(read(text)).solutions_complete is complete


def test_no_solution_makes_a_denominator_vanish() -> None:
    answer = symbolic_answer(read("-2 3*a*a; (2*c*f+c)/f 1; 3*c 3*d*e; 3*a*d 2*e"))
    assert answer.solutions
    assert all(solution.get(f) != 0 for solution in answer.solutions)


def test_a_constant_minor_is_the_certificate() -> None:
    answer = symbolic_answer(read("a b 1; c 1 2; 1 5 3"))
    assert answer.certificate is not None
    assert answer.certificate.value == -7
    assert (answer.certificate.rows, answer.certificate.columns) == ((1, 2), (1, 2))
    assert answer.conditions == (1,)
    assert answer.solutions == ()


def test_symbols_declared_positive_never_vanish() -> None:
    assert symbolic_answer(array([POSITIVE, 0], [0, a])).conditions == (a,)
    assert symbolic_answer(array([POSITIVE + 1, 0], [0, 2])).conditions == (1,)


# -- terms as they are read -------------------------------------------------------------------------------------------

U, V = sympy.symbols("u1:10"), sympy.symbols("v1:10")
SEPARABLE: dict[str, tuple[np.ndarray, Any, list[Any], list[Any]]] = {
    "outer product of symbols": (exact.as_array(np.outer(U, V)), 1, list(U), list(V)),
    "multiple of Sobel": (read("-p 0 p; -2*p 0 2*p; -p 0 p"), p, [1, 2, 1], [-1, 0, 1]),
    "negative multiple": (read("p 0; 2*p 0"), p, [1, 2], [1, 0]),
    "common factor": (array([a * (x + y), b * (x + y)], [2 * a * (x + y), 2 * b * (x + y)]), x + y, [1, 2], [a, b]),
    "root of 2": (array([root2, 2 * root2], [2, 4]), 1, [root2, 2], [1, 2]),
    "imaginary": (array([sympy.I, 2 * sympy.I], [1, 2]), 1, [sympy.I, 1], [1, 2]),
    "pi": (array([sympy.pi, 1], [sympy.pi**2, sympy.pi]), 1, [1, sympy.pi], [sympy.pi, 1]),
    "e": (array([sympy.E, 2], [3 * sympy.E, 6]), 1, [1, 3], [sympy.E, 2]),
    "row": (array([a, 2 * a]), a, [1], [1, 2]),
    "column": (array([a], [a * b]), a, [1, b], [1]),
}


@pytest.mark.parametrize("name", SEPARABLE)
def test_rank_one_has_clean_factors(name: str) -> None:
    kernel, scale, column, row = SEPARABLE[name]
    answer = symbolic_answer(kernel)
    assert answer.rank == 1
    ((own_scale, own_column, own_row),) = answer.terms
    assert (own_scale, list(own_column), list(own_row)) == (scale, column, row)


def test_symbols_that_cancel_leave_the_zero_kernel() -> None:
    answer = symbolic_answer(array([(a + 1) ** 2 - a**2 - 2 * a - 1, 0]))
    assert (answer.rank, answer.terms, answer.certificate, answer.conditions) == (0, (), None, ())


def test_terms_keep_the_pattern() -> None:
    answer = symbolic_answer(read("0 a 0; a b a; 0 a 0"))
    assert [[list(column), list(row)] for _, column, row in answer.terms] == [
        [[a, b, a], [0, 1, 0]],
        [[0, 1, 0], [1, 0, 1]],
    ]


@pytest.mark.parametrize(("rows", "columns"), [(1, 4), (2, 9), (4, 4), (5, 5), (3, 7), (9, 2)], ids=str)
def test_all_different_symbols(rows: int, columns: int, rng: np.random.Generator) -> None:
    kernel = all_different(rows, columns)
    answer = symbolic_answer(kernel)
    assert answer.rank == min(rows, columns)
    assert is_zero((added_up(answer, kernel.shape) - kernel).sum())
    if min(rows, columns) > 1:
        assert answer.solutions is not None
        (solution,) = answer.solutions
        assert len(solution) == (rows - 1) * (columns - 1)
        assert rank_of(put_in(kernel, solution, point(kernel, rng))) == 1


def test_two_outer_products_are_separable_when_a_pair_is_parallel(rng: np.random.Generator) -> None:
    w, t = sympy.symbols("w1:5"), sympy.symbols("t1:5")
    kernel = exact.as_array(np.outer(U[:4], V[:4]) + np.outer(w, t))
    answer = symbolic_answer(kernel)
    assert answer.rank == 2
    assert answer.solutions_complete
    assert answer.solutions is not None
    assert [len(solution) for solution in answer.solutions] == [3, 3]
    for solution in answer.solutions:
        assert rank_of(put_in(kernel, solution, point(kernel, rng))) == 1


MONOMIALS = st.sampled_from([sympy.Integer(0), sympy.Integer(1), sympy.Integer(-2), a, b, c, a * b, b * c, a**2, -c])


@given(st.integers(1, 3), st.integers(2, 3), st.data())
def test_conditions_hold_where_and_only_where_the_rank_is_one(rows: int, columns: int, data: st.DataObject) -> None:
    entries = data.draw(st.lists(MONOMIALS, min_size=rows * columns - 1, max_size=rows * columns - 1))
    kernel = exact.as_array(np.array([a, *entries], dtype=object)).reshape(rows, columns)
    answer = symbolic_answer(kernel)
    assert answer.rank == sympy.Matrix(kernel.tolist()).rank()
    assert answer.conditions is not None
    assert answer.solutions is not None
    values = {s: sympy.Integer(data.draw(st.sampled_from([-2, -1, 0, 1, 2]))) for s in (a, b, c)}
    hold = all(sympy.sympify(condition).subs(values) == 0 for condition in answer.conditions)
    assert hold == (rank_of(put_in(kernel, values)) <= 1)
    for solution in answer.solutions:
        away = {s: sympy.Rational(3 + k, 7) for k, s in enumerate((a, b, c))}
        assert rank_of(put_in(kernel, solution, away)) <= 1


# -- algebraic numbers ------------------------------------------------------------------------------------------------

NUMBERS: dict[str, tuple[np.ndarray, int]] = {
    "roots in proportion": (array([root2, 2], [1, root2]), 1),
    "roots not in proportion": (array([root2, 2], [1, 1]), 2),
    "nested root of one": (array([sympy.sqrt(3 + 2 * root2), 1 + root2], [1, 1]), 1),
    "hidden zero": (array([sympy.sqrt(3 + 2 * root2) - 1 - root2, 1], [0, root2]), 1),
    "two roots": (array([root2, sympy.sqrt(6)], [1, root3]), 1),
    "three by three": (array([root2, 2, 1], [1, 1, 0], [0, 1, root2]), 3),
    "imaginary of rank 1": (array([sympy.I, 2], [1, -2 * sympy.I]), 1),
    "imaginary of rank 2": (array([sympy.I, 2], [1, 2 * sympy.I]), 2),
    "imaginary of rank 3": (array([sympy.I, 2, 1], [1, 2 * sympy.I, 0], [0, 0, sympy.I]), 3),
    "golden ratio": (array([sympy.GoldenRatio, 1], [sympy.GoldenRatio + 1, sympy.GoldenRatio]), 1),
    "root of a cubic": (array([sympy.CRootOf(x**3 - x - 1, 0), 1], [1, 2]), 2),
    "pi on the diagonal": (array([sympy.pi, 1], [1, sympy.pi]), 2),
    "far apart": (array([root2 * 10**300, 1], [1, sympy.Rational(1, 10**300) / root2]), 1),
    "large under the root": (array([sympy.sqrt((2**89 - 1) * (2**107 - 1)), 1], [1, 2]), 2),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_ranks_of_radicals_are_exact(name: str) -> None:
    kernel, rank = NUMBERS[name]
    answer = symbolic_answer(kernel)
    assert (answer.rank, len(answer.terms)) == (rank, rank)
    assert (answer.has_symbols, answer.conditions, answer.solutions) == (False, None, None)
    gap = [abs(complex(value.evalf(30, maxn=1000))) for value in (added_up(answer, kernel.shape) - kernel).flat]
    assert max(gap) < 1e-20
    assert (answer.certificate is None) == (rank <= 1)


def numeric(value: Any, values: dict[Any, Any]) -> Any:
    return mpmath.mpmathify(sympy.sympify(value).subs(values).evalf(60, maxn=2000))


def spectrum_by_mpmath(kernel: np.ndarray, values: dict[Any, Any]) -> list[Any]:
    return sorted(mpmath.svd_c(mpmath.matrix([[numeric(v, values) for v in row] for row in kernel]), compute_uv=False))


SPECTRA: dict[str, np.ndarray] = {
    **{text: read(text) for text in CASES if text not in ("a b c; d e f; g h i", "0 1 a; 1 b 1; a 1 0")},
    **{name: kernel for name, (kernel, _) in NUMBERS.items() if name != "far apart"},
    "circulant": read("a b c; c a b; b c a"),
    "one value twice": read("a b b; b a b; b b a"),
    "tridiagonal": read("a b 0; b a b; 0 b a"),
    "blocks": read("a 0 0; 0 b c; 0 d e"),
    "denominators": read("1/a 0; 0 1/b"),
    "imaginary symbol": array([sympy.I * a, 1], [1, a]),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_singular_values_to_thirty_digits(name: str, rng: np.random.Generator) -> None:
    kernel = SPECTRA[name]
    answer = symbolic_answer(kernel)
    found = symbolic_singular_values(kernel, answer.rank, answer.terms)
    assert found is not None
    assert len(found) == min(kernel.shape)
    with mpmath.workdps(60):
        for _ in range(2):
            values = point(kernel, rng)
            numbers = [mpmath.re(numeric(value, values)) for value in found]
            if is_descending(kernel, answer.rank):
                assert numbers == sorted(numbers, reverse=True)
            wanted = spectrum_by_mpmath(kernel, values)
            scale = max(wanted)
            for own, other in zip(sorted(numbers), wanted, strict=True):
                assert abs(own - other) <= mpmath.mpf(10) ** -30 * scale


@pytest.mark.parametrize("name", SPECTRA)
def test_decompositions_add_up_and_are_orthonormal(name: str, rng: np.random.Generator) -> None:
    kernel = SPECTRA[name]
    answer = symbolic_answer(kernel)
    triples = symbolic_svd(kernel, answer.rank, answer.terms)
    assert triples is not None or answer.rank > 1
    if triples is None:
        return
    values = point(kernel, rng)

    def numbers(vector: Any) -> np.ndarray:
        return np.array([complex(sympy.sympify(value).subs(values).evalf(20)) for value in vector])

    left = np.array([numbers(u) for _, u, _ in triples]).reshape(-1, kernel.shape[0])
    right = np.array([numbers(v) for _, _, v in triples]).reshape(-1, kernel.shape[1])
    sigma = numbers([value for value, _, _ in triples])
    wanted = numbers(kernel.ravel()).reshape(kernel.shape)
    np.testing.assert_allclose((left.T * sigma) @ right.conj(), wanted, atol=1e-12 * abs(wanted).max())
    for vectors in (left, right):
        np.testing.assert_allclose(vectors.conj() @ vectors.T, np.eye(len(triples)), atol=1e-12)


@pytest.mark.parametrize("name", SPECTRA)
def test_characteristic_polynomials_vanish_at_the_squares(name: str, rng: np.random.Generator) -> None:
    kernel = SPECTRA[name]
    unknown = sympy.Symbol("t")
    polynomial = symbolic_characteristic(kernel, unknown)
    values = point(kernel, rng)
    with mpmath.workdps(60):
        own_values = spectrum_by_mpmath(kernel, values)
        largest = 1 + max(own_values) ** (2 * kernel.shape[0])
        for own in own_values:
            value = numeric(polynomial, {**values, unknown: sympy.Float(own**2, 60)})
            assert abs(value) <= mpmath.mpf(10) ** -30 * largest


def test_two_by_two_in_closed_form() -> None:
    large, small = symbolic_singular_values(read("a b; c d"), 2) or ()
    t, determinant = a**2 + b**2 + c**2 + d**2, a * d - b * c
    inner = sympy.sqrt(t**2 - 4 * determinant**2)
    assert sympy.expand(large**2 - (t + inner) / 2) == 0
    assert sympy.expand(small**2 - (t - inner) / 2) == 0
    x = sympy.Symbol("lambda")
    assert sympy.expand(symbolic_characteristic(read("a b; c d")) - (x**2 - t * x + determinant**2)) == 0


def test_what_has_no_closed_form() -> None:
    kernel = all_different(3, 3)
    assert symbolic_singular_values(kernel, 3) is None
    assert symbolic_svd(kernel, 3) is None
    polynomial = symbolic_characteristic(kernel)
    unknown = sympy.Symbol("lambda")
    values = {symbol: sympy.Integer(k * k + 1) for k, symbol in enumerate(kernel.flat)}
    matrix = put_in(kernel, values)
    assert sympy.expand(polynomial.subs(values) - (matrix * matrix.T).charpoly(unknown).as_expr()) == 0
    assert symbolic_characteristic(all_different(7, 7)) is None


def test_the_unknown_avoids_the_kernels_own_symbol() -> None:
    own = sympy.Symbol("lambda")
    other = sympy.Symbol("lambda_")
    assert symbolic_characteristic(array([own])) == other - own**2


@pytest.mark.parametrize(
    ("text", "known"), [("a b; c d", True), ("a b; b a", False), ("a 0; 0 b", False), ("a 2*a; b 2*b", True)]
)
def test_whether_the_order_is_known(text: str, known: bool) -> None:
    kernel = read(text)
    assert is_descending(kernel, symbolic_answer(kernel).rank) is known


# -- what is refused --------------------------------------------------------------------------------------------------

many, pairs = sympy.symbols("q0:9"), zip(sympy.symbols("q0:6"), sympy.symbols("r0:6"), strict=True)
REFUSED: dict[str, tuple[Any, str]] = {
    "function": (sympy.sin(a), "kernel entries must be rational functions of symbols with algebraic coefficients, got"),
    "root of a symbol": (sympy.sqrt(a), "rational functions of symbols with algebraic coefficients, got sqrt(a)"),
    "symbolic exponent": (2**a, "rational functions of symbols with algebraic coefficients, got 2**a"),
    "constant of unknown nature": (sympy.EulerGamma, "with algebraic coefficients, got EulerGamma"),
    "infinity": (sympy.oo, "with algebraic coefficients, got oo"),
    "a long one": (sympy.sin(sum(sympy.symbols("q0:60"))), "with algebraic coefficients, got sin(q0 + q1"),
    "pi and e": (sympy.pi + sympy.E, "kernel must have at most one of pi and E, whose independence is not proved"),
    "imaginary symbol": (sympy.Symbol("w", imaginary=True), "kernel symbols must stand for real numbers, got w"),
    "complex root": (sympy.CRootOf(x**3 - x - 1, 1), "kernel must have no complex numbers but those made of I, got CR"),
    "root of unity": (sympy.Pow(-1, sympy.Rational(1, 5)), "no complex numbers but those made of I, got (-1)**(1/5)"),
    "0 below": (a / (a**2 - a * (a + 1) + a), "kernel entries must not divide by 0, got a denominator that is 0"),
    "0 of radicals below": (1 / (sympy.sqrt(3 + 2 * root2) - 1 - root2), "kernel entries must not divide by 0"),
    "high power": ((a + b) ** 90, "kernel exponents must be at most 64, got 90"),
    "many terms": (sum(many) ** 9, "kernel entries must have at most 500 terms when multiplied out"),
    "many radicals": (sum(sympy.sqrt(n) for n in (2, 3, 5, 7, 11)), "degrees multiply to at most 16, got 32 of"),
    "high root": (sympy.root(2, 1000), "degrees multiply to at most 16, got 1000 of 2**(1/1000)"),
    "long denominator": (
        math.prod(1 / (s + t) for s, t in pairs),
        "kernel must have a common denominator of at most 40 terms, got more",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_entries_that_cannot_be_decided(name: str) -> None:
    entry, message = REFUSED[name]
    with pytest.raises(cm.ConvMatrixError, match=re.escape(message)):
        symbolic_answer(array([entry, 1], [1, a]))


def test_kernels_too_large_to_be_decided() -> None:
    with pytest.raises(
        cm.ConvMatrixError, match="kernel must have at most 3000 minors of 2x2 to be decided for symbols, got 3025 of"
    ):
        symbolic_answer(all_different(11, 11))
    long = (1 + sum(sympy.symbols("q0:4"))) ** 7
    with pytest.raises(cm.ConvMatrixError, match="kernel must have entries simple enough for 200000 products of terms"):
        symbolic_answer(array(*[[long + a ** (k * n) for k in range(3)] for n in range(1, 4)]))
    terms = [np.outer(sympy.symbols(f"m{k}_0:9"), sympy.symbols(f"n{k}_0:9")) for k in range(4)]
    with pytest.raises(cm.ConvMatrixError, match="simple enough to be eliminated with 300000 products of terms"):
        symbolic_answer(exact.as_array(sum(terms)))


def test_large_outer_products_are_not() -> None:
    kernel = exact.as_array(np.outer(sympy.symbols("m0:30"), sympy.symbols("n0:30")))
    assert symbolic_answer(kernel).rank == 1
