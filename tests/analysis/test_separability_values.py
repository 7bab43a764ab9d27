"""Exact singular values and decompositions against mpmath, and the best approximations against what defines them."""

from __future__ import annotations

import itertools
import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.linalg
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix import exact
from convmatrix.analysis.separability.roots import ordered_roots
from convmatrix.analysis.separability.spectrum import characteristic, rational_root, surd_root, without_squares
from convmatrix.analysis.separability.surds import Surd, inner, null_space, orthogonal
from convmatrix.errors import ConvMatrixError

DIGITS = 30


def by_mpmath(kernel: np.ndarray, digits: int = DIGITS + 40) -> list[Any]:
    """Singular values at high precision, descending."""
    with mpmath.workdps(digits):
        rows = [[mpmath.mpf(v.numerator) / v.denominator for v in map(Fraction, row)] for row in kernel.tolist()]
        return list(mpmath.svd_r(mpmath.matrix(rows), compute_uv=False))


def assert_digits(values: Any, kernel: np.ndarray) -> None:
    """All values to 30 digits, those that are 0 exactly."""
    known = by_mpmath(kernel)
    assert len(values) == len(known) == min(kernel.shape)
    with mpmath.workdps(DIGITS + 10):
        for value, wanted in zip(values, known, strict=True):
            if value == 0:
                assert wanted < mpmath.mpf(10) ** -DIGITS * max(known[0], 1)
                continue
            found = mpmath.mpf(str(value.evalf(DIGITS + 5)))
            assert abs(found - wanted) <= mpmath.mpf(10) ** -DIGITS * wanted


def whole(*shape: int, size: int = 9, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([7, *shape, size, seed]).integers(-size, size + 1, shape)


def large(rows: int, columns: int) -> np.ndarray:
    """Entries of 20 digits."""
    return whole(rows, columns, size=10**9).astype(object) * 10**11 + whole(rows, columns, size=10**9, seed=1)


def symmetric(kernel: np.ndarray) -> np.ndarray:
    return kernel + kernel.T


SQUARE = whole(2, 2, size=3)
KERNELS: list[tuple[str, Any, str, bool]] = [
    ("laplacian", cm.kernel("laplacian4"), "radicals", True),
    ("emboss", cm.kernel("emboss"), "algebraic numbers", False),
    ("log", cm.kernel("mexican_hat"), "algebraic numbers", False),
    ("unsharp", cm.kernel("unsharp"), "radicals", True),
    ("kirsch", cm.kernel("kirsch"), "radicals", True),
    ("zeros", np.zeros((2, 3), dtype=int), "radicals", True),
    ("rank-one", np.outer(whole(5), whole(7)), "radicals", True),
    ("permutation", np.eye(7, dtype=int)[[3, 1, 4, 0, 5, 2, 6]], "radicals", True),
    ("repeated-quadratic", np.kron(np.eye(3, dtype=int), SQUARE), "radicals", True),
    ("hadamard", np.kron([[1, 1], [1, -1]], np.kron([[1, 1], [1, -1]], [[1, 1], [1, -1]])), "radicals", True),
    ("repeated-cubic", np.kron(np.eye(2, dtype=int), cm.kernel("emboss")), "algebraic numbers", False),
    ("mixed", scipy.linalg.block_diag(cm.kernel("emboss"), SQUARE), "algebraic numbers", False),
    ("wide", whole(2, 9), "radicals", True),
    ("tall", whole(9, 2), "radicals", True),
    ("three-of-seven", whole(7, 3).dot(whole(3, 7)), "algebraic numbers", False),
    ("two-of-twelve", whole(12, 2).dot(whole(2, 14)), "radicals", True),
    ("generic-5", whole(5, 5), "algebraic numbers", False),
    ("generic-7", whole(7, 7), "algebraic numbers", False),
    ("symmetric-7", symmetric(whole(7, 7)), "algebraic numbers", False),
    ("toeplitz-7", np.array([[whole(13)[i - j + 6] for j in range(7)] for i in range(7)]), "algebraic numbers", False),
    ("circulant-5", np.array([[whole(5)[(i - j) % 5] for j in range(5)] for i in range(5)]), "radicals", True),
    ("twenty-digits-2", large(2, 2), "radicals", True),
    ("twenty-digits-4", large(4, 4), "algebraic numbers", False),
    ("close-values", np.eye(3, dtype=int).astype(object) * 10**25 + np.diag([0, 1, 2]), "radicals", True),
    ("far-apart", np.diag([10**30, 1, 10**15]).astype(object), "radicals", True),
    ("fractions", np.array([[Fraction(1, 3), Fraction(2, 7)], [Fraction(1, 5), Fraction(-1, 2)]]), "radicals", True),
    ("tiny", np.array([[Fraction(1, 10**300), 0], [0, Fraction(2, 10**300)]]), "radicals", True),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "form", "has_svd"), [row[1:] for row in KERNELS], ids=[row[0] for row in KERNELS])
def test_singular_values_to_thirty_digits(kernel: Any, form: str, has_svd: bool) -> None:
    answer = cm.separate(kernel)
    assert answer.form == form
    assert (answer.svd is not None) == has_svd
    assert_digits(answer.singular_values, answer.kernel)
    assert not any(value.has(sympy.Float) for value in answer.singular_values)
    known = answer._values.decimals
    assert known is not None
    for value, decimal in zip(answer.singular_values, known, strict=True):
        assert abs(Decimal(str(value.evalf(25))) - decimal) <= Decimal(10) ** -19 * decimal


@pytest.mark.parametrize("kernel", [row[1] for row in KERNELS if row[3]], ids=[row[0] for row in KERNELS if row[3]])
def test_decompositions_in_closed_form(kernel: Any) -> None:
    answer = cm.separate(kernel)
    svd = answer.svd
    assert svd is not None
    assert [sigma for sigma, _, _ in svd] == list(answer.singular_values[: answer.rank])
    with mpmath.workdps(50):
        numbers = [(to_mp(s), [to_mp(v) for v in u], [to_mp(x) for x in w]) for s, u, w in svd]
        small = mpmath.mpf(10) ** -35
        size = numbers[0][0] if numbers else 1
        for r, c in np.ndindex(*answer.kernel.shape):
            wanted = Fraction(answer.kernel.tolist()[r][c])
            total = mpmath.fsum(s * u[r] * v[c] for s, u, v in numbers)
            assert abs(total - mpmath.mpf(wanted.numerator) / wanted.denominator) <= small * size
        for left, right in itertools.combinations_with_replacement(numbers, 2):
            for part in (1, 2):
                dot = mpmath.fsum(x * y for x, y in zip(left[part], right[part], strict=True))
                assert abs(dot - (left is right)) <= small


def to_mp(value: Any) -> Any:
    return mpmath.mpf(str(value.evalf(45)))


@given(st.lists(st.lists(st.integers(-4, 4), min_size=3, max_size=3), min_size=1, max_size=4))
def test_small_kernels_against_numpy(rows: list[list[int]]) -> None:
    answer, numbers = cm.separate(rows), np.array(rows, dtype=float)
    known = np.linalg.svd(numbers, compute_uv=False)
    assert np.allclose([float(value) for value in answer.singular_values], known, atol=1e-9)
    assert [bool(value == 0) for value in answer.singular_values] == [i >= answer.rank for i in range(len(known))]
    for r in range(len(known) + 1):
        rest = known[r:]
        assert math.isclose(float(answer.error(r)), math.hypot(*rest), abs_tol=1e-9)
        assert math.isclose(float(answer.error(r, 2)), rest[0] if len(rest) else 0, abs_tol=1e-9)
        best = answer.approximate(r)
        as_floats = np.array([[float(value) for value in row] for row in best.tolist()])
        assert math.isclose(float(np.linalg.norm(as_floats - numbers)), math.hypot(*rest), abs_tol=1e-9)
        assert np.linalg.matrix_rank(as_floats, tol=1e-9) <= r


@given(st.lists(st.lists(st.integers(-5, 5), min_size=3, max_size=3), min_size=3, max_size=3))
def test_the_characteristic_polynomial_against_sympy(rows: list[list[int]]) -> None:
    matrix, x = sympy.Matrix(rows), sympy.Symbol("lambda")
    known = (matrix * matrix.T).charpoly(x).as_expr()
    assert sympy.expand(cm.separate(rows).characteristic - known) == 0
    halves = sympy.Matrix(rows) / 2
    fractions = [[Fraction(value, 2) for value in row] for row in rows]
    assert sympy.expand(cm.separate(fractions).characteristic - (halves * halves.T).charpoly(x).as_expr()) == 0


def test_the_characteristic_polynomial_of_oblong_kernels() -> None:
    x = sympy.Symbol("lambda")
    for kernel in (whole(2, 4), whole(4, 2), whole(3, 1).dot(whole(1, 3))):
        matrix = sympy.Matrix(kernel.tolist())
        assert sympy.expand(cm.separate(kernel).characteristic - (matrix * matrix.T).charpoly(x).as_expr()) == 0


def test_errors_are_exact() -> None:
    answer = cm.separate("laplacian4")
    root = sympy.sqrt(6)
    assert [answer.error(r) for r in range(4)] == [2 * sympy.sqrt(5), root - 2, 0, 0]
    assert [answer.error(r, "spectral") for r in range(4)] == [root + 2, root - 2, 0, 0]
    answer = cm.separate("emboss")
    assert answer.error(0) == sympy.sqrt(13)
    assert abs(answer.error(1).evalf(40) ** 2 + answer.singular_values[0].evalf(40) ** 2 - 13) < 1e-30
    assert cm.separate("motion").error(3) == sympy.sqrt(2) / 5


def test_approximations_are_exact_where_the_decomposition_is() -> None:
    answer = cm.separate([[1, 0], [0, 2]])
    assert answer.approximate(1).tolist() == [[0, 0], [0, 2]]
    assert answer.approximate(0).tolist() == [[0, 0], [0, 0]]
    assert answer.approximate(2) is not answer.kernel
    assert answer.approximate(2).flags.writeable
    best = cm.separate("laplacian4").approximate(1)
    assert exact.is_symbolic(best)
    assert sympy.simplify(sympy.Matrix(best.tolist()).det()) == 0
    assert cm.separate("emboss").approximate(2).dtype == np.float64


def test_kernels_too_large_for_exact_values_have_floats() -> None:
    kernel = whole(24, 24)
    answer = cm.separate(kernel)
    assert (answer.rank, answer.rank_kind, answer.form) == (24, "exact", "floats")
    assert np.allclose(answer.singular_values, np.linalg.svd(kernel.astype(float), compute_uv=False))
    assert answer.svd is answer.characteristic is None
    assert isinstance(answer.error(3), float)
    assert np.isclose(np.linalg.norm(kernel - answer.approximate(3)), answer.error(3))
    assert answer.error(24) == 0
    many = cm.separate(whole(30, 22).dot(whole(22, 30)))
    assert (many.rank, many.form) == (22, "floats")
    assert (many.singular_values[22:] == 0).all()


def test_kernels_beyond_floats_still_are_answered() -> None:
    kernel = np.random.default_rng(0).integers(2, 2**62, (9, 9)).astype(object) ** 20
    answer = cm.separate(kernel)
    assert (answer.rank, answer.form) == (9, "floats")
    assert "singular values (floats)" in str(answer)
    assert answer.to_dict()["singular_values"][0].endswith("e+373")
    with pytest.raises(ConvMatrixError, match="largest singular value must fit a float64, got about 1e373"):
        answer.singular_values  # noqa: B018


def test_more_digits_than_python_writes() -> None:
    for kernel in ([[10**5000, 0], [0, 1]], [[Fraction(1, 10**5000), 0], [0, 1]], [[10**5000, 10**5000]]):
        answer = cm.separate(kernel)
        assert "e+5000" in str(answer) or "e-5000" in str(answer)
        assert answer._repr_html_()
        json.dumps(answer.to_dict(), allow_nan=False)


@pytest.mark.parametrize("size", [12, 15])
def test_larger_kernels_still_are_exact(size: int) -> None:
    kernel = whole(size, size)
    answer = cm.separate(kernel)
    assert answer.form == "algebraic numbers"
    decimals = [float(value) for value in answer._values.decimals or ()]
    assert np.allclose(decimals, np.linalg.svd(kernel.astype(float), compute_uv=False))


# -- the parts -------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=7, unique=True))
def test_roots_are_isolated_and_in_order(values: list[int]) -> None:
    factors = [((1, -value), 1) for value in values]
    assert [int(root.value.to_integral_value()) for root in ordered_roots(factors)] == sorted(values, reverse=True)
    coefficients = [1]
    for value in values:
        coefficients = [a - value * b for a, b in zip([*coefficients, 0], [0, *coefficients], strict=True)]
    found = ordered_roots([(tuple(coefficients), 1)])
    assert [int(root.value.to_integral_value()) for root in found] == sorted(values, reverse=True)
    assert [root.index for root in found] == list(range(len(values)))[::-1]


def test_roots_that_are_not_real_are_refused() -> None:
    with pytest.raises(ConvMatrixError, match="roots must differ within 2"):
        ordered_roots([((1, -2, 5), 1)])


def test_characteristic_polynomials() -> None:
    matrix = whole(6, 6).astype(object)
    known = sympy.Matrix(matrix.tolist()).charpoly().all_coeffs()
    assert list(characteristic(matrix)) == known
    assert characteristic(np.empty((0, 0), dtype=object)) == (1,)


@given(st.fractions(0, 50, max_denominator=20), st.fractions(-5, 5, max_denominator=20), st.integers(2, 30))
def test_roots_of_surds(a: Fraction, b: Fraction, d: int) -> None:
    outside, inside = without_squares(d)
    assume(inside > 1 and a * a > b * b * d)
    value = a + b * math.sqrt(d)
    assert math.isclose(float(surd_root(a, b * outside, inside)) ** 2, float(value), rel_tol=1e-9, abs_tol=1e-12)


def test_small_parts() -> None:
    assert rational_root(Fraction(4, 9)) == Fraction(2, 3)
    assert rational_root(Fraction(2)) is None
    assert rational_root(Fraction(-4)) is None
    assert surd_root(Fraction(5), Fraction(2), 6) == sympy.sqrt(2) + sympy.sqrt(3)
    assert surd_root(Fraction(5), Fraction(-2), 6) == sympy.sqrt(3) - sympy.sqrt(2)
    assert without_squares(2 * 47**2 * 9) == (141, 2)


def test_arithmetic_of_surds() -> None:
    x, y = Surd(Fraction(1), Fraction(2), 3), Surd(Fraction(-4), Fraction(1), 3)
    value = 1 + 2 * math.sqrt(3)
    other = -4 + math.sqrt(3)
    for found, wanted in [
        (x + y, value + other),
        (x - y, value - other),
        (x * y, value * other),
        (x / y, value / other),
        (-x, -value),
    ]:
        assert math.isclose(float(found.a) + float(found.b) * math.sqrt(3), wanted)
    assert not x.is_negative()
    assert y.is_negative()
    assert not Surd(Fraction(2), Fraction(-1), 3).is_negative()
    assert Surd(Fraction(-2), Fraction(1), 3).is_negative()
    assert not Surd(Fraction(0), Fraction(0), 3).is_negative()
    assert x.expression() == 1 + 2 * sympy.sqrt(3)
    rows = [[Surd(Fraction(v), Fraction(0), 1) for v in row] for row in ([1, 1, 1], [2, 2, 2], [3, 3, 3])]
    basis = orthogonal(null_space(rows))
    assert len(basis) == 2
    assert not inner(basis[0], basis[1])


@pytest.mark.parametrize("piece", range(3))
def test_drawn_kernels_to_thirty_digits(piece: int) -> None:
    rng = np.random.default_rng([30, piece])
    for _ in range(10):
        kernel = rng.integers(-9, 10, tuple(rng.integers(1, 7, 2)))
        assert_digits(cm.separate(kernel).singular_values, kernel)


@pytest.mark.parametrize("text", ["emboss", "0 0 1; 0 2 1; 1 2 -9", "a b; c d", "a b c; d e f; g h i"])
def test_what_may_take_for_ever_is_never_asked(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **options: Any) -> None:
        raise AssertionError("nothing bounds the time of this")

    for name in ("singular_value_decomposition", "singular_values", "eigenvects", "eigenvals", "diagonalize"):
        monkeypatch.setattr(sympy.MatrixBase, name, refused)
    for name in ("solve", "groebner", "nonlinsolve", "simplify"):
        monkeypatch.setattr(sympy, name, refused)
    answer = cm.separate(text)
    everything = (answer.singular_values, answer.svd, answer.characteristic, answer.to_dict(), str(answer))
    assert everything[-1].startswith("K =")
