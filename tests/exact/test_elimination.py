"""Exact ranks, terms, factors and minors: against SymPy, against construction, with FLINT and without."""

from __future__ import annotations

import builtins
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

import convmatrix as cm
from convmatrix import exact
from convmatrix.exact import elimination

HUGE = 10**40
WAYS = ["as installed", "without FLINT", "large way"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ways to a rank: FLINT where it is installed, Python's integers, and lifting at every size."""
    if request.param != "as installed":
        monkeypatch.setattr(elimination, "flint_matrix", lambda: None)
    if request.param == "large way":
        monkeypatch.setattr(elimination, "_SMALL", 0)
    return str(request.param)


def objects(rows: Any, shape: tuple[int, int]) -> np.ndarray:
    matrix = np.empty(shape, dtype=object)
    matrix.reshape(-1)[:] = [entry for row in rows for entry in row]
    return matrix


def drawn(rng: np.random.Generator, rows: int, columns: int, rank: int, denominators: int = 1) -> np.ndarray:
    """A matrix of exactly this rank: the factors hold identities; fractions where denominators are asked for."""
    left, right = rng.integers(-4, 5, (rows, rank)), rng.integers(-4, 5, (rank, columns))
    left[rng.permutation(rows)[:rank]] = np.diag(rng.choice([-2, -1, 1, 3], rank))
    right[:, rng.permutation(columns)[:rank]] = np.eye(rank, dtype=np.int64)
    matrix = left @ right
    if denominators == 1:
        return matrix
    above, below = rng.integers(1, denominators, (2, rows, 1)), rng.integers(1, denominators, (2, 1, columns))
    scales = [[Fraction(int(a * c), int(b * d)) for c, d in zip(*below[:, 0], strict=True)]
              for a, b in zip(*above[:, :, 0], strict=True)]  # fmt: skip
    return matrix.astype(object) * objects(scales, matrix.shape)


def domain_rank(matrix: np.ndarray) -> int:
    rows = [[QQ(int(v.numerator), int(v.denominator)) for v in row] for row in matrix.tolist()]
    return int(DomainMatrix(rows, matrix.shape, QQ).rank())


def summed(terms: Any, shape: tuple[int, int]) -> np.ndarray:
    total = np.full(shape, Fraction(0), dtype=object)
    for scale, column, row in terms:
        total = total + scale * np.outer(column, row)
    return total


def check_everything(matrix: np.ndarray, rank: int) -> None:
    """Rank, terms, factors and certificate of a matrix of known rank."""
    whole = matrix.astype(object)
    assert exact.rank(matrix) == rank
    terms = exact.separable_terms(matrix)
    assert len(terms) == rank
    assert np.array_equal(summed(terms, matrix.shape), whole)
    for scale, column, row in terms:
        assert isinstance(scale, Fraction)
        assert scale > 0
        assert next(value for value in column if value) > 0
        assert all(type(value) is int for value in (*column, *row))
        assert math.gcd(*column) == math.gcd(*row) == 1
    left, right = exact.rank_factors(matrix)
    assert (left.shape, right.shape) == ((len(matrix), rank), (rank, matrix.shape[1]))
    assert {type(value) for value in (*left.flat, *right.flat)} <= {int, Fraction}
    assert np.array_equal(left @ right if rank else np.zeros(matrix.shape, object), whole)
    check_minor(whole, rank)


def check_minor(matrix: np.ndarray, rank: int) -> None:
    minor = exact.nonzero_minor(matrix)
    assert (minor is None) == (rank < 2)
    if minor is not None:
        (r0, r1), (c0, c1), value = minor
        assert r0 < r1
        assert c0 < c1
        assert value == matrix[r0, c0] * matrix[r1, c1] - matrix[r0, c1] * matrix[r1, c0] != 0


@pytest.mark.parametrize("denominators", [1, 13], ids=["integers", "fractions"])
@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_matrices_of_known_rank(way: str, denominators: int, rng: np.random.Generator) -> None:
    for _ in range(500 if way == "without FLINT" else 150):
        rows, columns = rng.integers(1, 10, 2)
        rank = int(rng.integers(0, min(rows, columns) + 1))
        matrix = drawn(rng, rows, columns, rank, denominators)
        check_everything(matrix, rank)
        assert exact.rank(matrix.T) == rank
        assert domain_rank(matrix) == rank


LARGE = [(40, 30, 7, 1), (30, 64, 30, 1), (64, 30, 29, 1), (60, 90, 12, 9), (100, 196, 3, 1), (26, 26, 26, 9)]


@pytest.mark.parametrize("case", LARGE, ids="{0[0]}x{0[1]} of rank {0[2]} over {0[3]}".format)
def test_large_matrices(case: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    rows, columns, rank, denominators = case
    check_everything(drawn(rng, rows, columns, rank, denominators), rank)


entries = st.one_of(
    st.integers(-3, 3), st.integers(-HUGE, HUGE), st.fractions(max_denominator=50), st.sampled_from([0, 1, -1])
)
matrices = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(
    lambda shape: st.lists(
        st.lists(entries, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    ).map(lambda rows: objects(rows, shape))
)


@given(matrices)
def test_any_matrix_has_sympys_rank_and_its_transpose_too(matrix: np.ndarray) -> None:
    rank = domain_rank(matrix)
    check_everything(matrix, rank)
    check_everything(matrix.T, rank)
    assert exact.rank(-matrix) == exact.rank(matrix * Fraction(HUGE, 7)) == rank


SPECIAL: list[tuple[str, Any, int]] = [
    ("zeros", np.zeros((3, 4), dtype=np.int64), 0),
    ("no rows", np.zeros((0, 4), dtype=np.int64), 0),
    ("no columns", np.zeros((4, 0), dtype=np.int64), 0),
    ("one entry", np.array([[-7]]), 1),
    ("bool", np.array([[True, False], [True, True]]), 2),
    ("int8", np.array([[127, -128], [-128, 127]], dtype=np.int8), 2),
    ("uint8", np.array([[255, 255], [1, 1]], dtype=np.uint8), 1),
    ("uint64", np.array([[2**64 - 1, 1], [2**63, 1]], dtype=np.uint64), 2),
    ("least int64", np.full((2, 2), -(2**63)), 1),
    ("products beyond int64", np.array([[2**62, 2**62 - 1], [2**62 + 1, 2**62]]), 2),
    ("products equal modulo 2**64", np.array([[2**32, 1], [0, 2**32]]), 2),
    ("huge of rank 1", np.array([[HUGE, 2 * HUGE], [3 * HUGE, 6 * HUGE]], dtype=object), 1),
    ("huge of rank 2", np.array([[HUGE, 2 * HUGE], [3 * HUGE, 6 * HUGE + 1]], dtype=object), 2),
    ("huge fractions", np.array([[Fraction(1, HUGE), HUGE], [Fraction(1, HUGE**2), 1]], dtype=object), 1),
    ("NumPy integers among objects", np.array([[np.int64(2**62), np.int8(2)], [4, 8]], dtype=object), 2),
    ("read-only", np.broadcast_to(np.arange(4), (3, 4)), 1),
    ("not contiguous", np.arange(24).reshape(4, 6)[::-2, ::3], 2),
    ("big-endian", np.array([[1, 2], [2, 4]], dtype=">i4"), 1),
]


@pytest.mark.parametrize(("matrix", "rank"), [case[1:] for case in SPECIAL], ids=[case[0] for case in SPECIAL])
@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_special_matrices(way: str, matrix: np.ndarray, rank: int) -> None:
    whole = matrix.astype(object)
    if matrix.dtype == object:
        whole = objects([[v if isinstance(v, Fraction) else int(v) for v in row] for row in matrix], matrix.shape)
    check_everything(whole, rank)
    assert exact.rank(matrix) == rank
    assert np.array_equal(summed(exact.separable_terms(matrix), matrix.shape), whole)
    left, right = exact.rank_factors(matrix)
    assert np.array_equal(left @ right if rank else np.zeros(matrix.shape, object), whole)
    assert exact.nonzero_minor(matrix) == exact.nonzero_minor(whole)


KERNELS: list[tuple[str, Any, list[tuple[Any, list[int], list[int]]]]] = [
    ("sobel", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [(1, [1, 2, 1], [-1, 0, 1])]),
    ("minus gaussian", [[-1, -2, -1], [-2, -4, -2], [-1, -2, -1]], [(1, [1, 2, 1], [-1, -2, -1])]),
    ("laplacian", [[0, 1, 0], [1, -4, 1], [0, 1, 0]], [(1, [1, -4, 1], [0, 1, 0]), (1, [0, 1, 0], [1, 0, 1])]),
    ("laplacian of 8", [[1, 1, 1], [1, -8, 1], [1, 1, 1]], [(1, [1, 1, 1], [1, 1, 1]), (9, [0, 1, 0], [0, -1, 0])]),
    ("sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], [(1, [1, -5, 1], [0, -1, 0]), (1, [0, 1, 0], [-1, 0, -1])]),
    ("diagonal", [[2, 0], [0, 3]], [(2, [1, 0], [1, 0]), (3, [0, 1], [0, 1])]),
    ("multiple", [[6, 12], [-9, -18]], [(3, [2, -3], [1, 2])]),
    ("binomial", [[Fraction(1, 16), Fraction(1, 8)], [Fraction(1, 8), Fraction(1, 4)]],
     [(Fraction(1, 16), [1, 2], [1, 2])]),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), [case[1:] for case in KERNELS], ids=[case[0] for case in KERNELS])
def test_terms_are_readable(rows: Any, expected: Any) -> None:
    found = exact.separable_terms(exact.as_array(rows))
    assert [(scale, column.tolist(), row.tolist()) for scale, column, row in found] == expected


def test_factors_of_a_large_matrix_take_its_rows_or_columns(rng: np.random.Generator) -> None:
    for matrix in (drawn(rng, 30, 50, 4), drawn(rng, 50, 30, 4).T):
        assert all(row in matrix.tolist() for row in exact.rank_factors(matrix)[1].tolist())
        assert all(column in matrix.tolist() for column in exact.rank_factors(matrix.T)[0].T.tolist())


VECTORS: list[tuple[Any, Any, list[int]]] = [
    ([2, 4, -6], 2, [1, 2, -3]),
    ([0, 0], 1, [0, 0]),
    ([], 1, []),
    ([-5], 5, [-1]),
    ([Fraction(1, 2), Fraction(-3, 4), 0], Fraction(1, 4), [2, -3, 0]),
    ([Fraction(2, 3), Fraction(4, 3)], Fraction(2, 3), [1, 2]),
    (np.array([-(2**63), 2**62]), 2**62, [-2, 1]),
    (np.array([HUGE, 3 * HUGE], dtype=object), HUGE, [1, 3]),
    ((np.int8(-128), np.int8(64)), 64, [-2, 1]),
    (np.array([3.0, 6.0]).astype(np.uint8), 3, [1, 2]),
]


@pytest.mark.parametrize(("vector", "content", "expected"), VECTORS, ids=[str(case[0]) for case in VECTORS])
def test_contents(vector: Any, content: Any, expected: list[int]) -> None:
    found, reduced = exact.primitive(vector)
    assert isinstance(found, Fraction)
    assert (found, reduced.tolist()) == (content, expected)
    assert reduced.dtype == object


WRONG: list[tuple[Any, str]] = [
    (np.array([[1.0, 2.0]]), "matrix must be made of integers and fractions, got dtype float64"),
    (np.array([[1j]]), "matrix must be made of integers and fractions, got dtype complex128"),
    (np.array([["1"]]), "matrix must be made of integers and fractions, got dtype <U1"),
    (np.array([[1, 0.5]], dtype=object), "matrix must be made of integers and fractions, got 0.5"),
    (np.array([[None]]), "matrix must be made of integers and fractions, got None"),
    (np.arange(3), "matrix must have 2 dimensions, got 1"),
    (np.zeros((2, 2, 2), dtype=int), "matrix must have 2 dimensions, got 3"),
]
QUESTIONS = [exact.rank, exact.separable_terms, exact.rank_factors, exact.nonzero_minor]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda function: function.__name__)
@pytest.mark.parametrize(("matrix", "message"), WRONG, ids=[f"{case[0].dtype} {case[1][-12:]}" for case in WRONG])
@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_what_is_not_exact_is_refused(way: str, question: Any, matrix: np.ndarray, message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=message):
        question(matrix)


def test_symbols_are_refused() -> None:
    sympy = pytest.importorskip("sympy")
    with pytest.raises(cm.ConvMatrixError, match="matrix must be made of integers and fractions, got a"):
        exact.rank(np.array([[sympy.Symbol("a")]]))
    assert exact.rank(np.array([[sympy.Rational(1, 2), sympy.Integer(3)]])) == 1


def test_a_vector_of_floats_has_no_content() -> None:
    with pytest.raises(cm.ConvMatrixError, match=r"vector must be made of integers and fractions, got 0\.5"):
        exact.primitive([0.5, 1])


def test_without_flint_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def finder(name: str, *arguments: Any) -> Any:
        if name == "flint":
            raise ImportError(name)
        return found(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", finder)
    elimination.flint_matrix.cache_clear()
    assert elimination.flint_matrix() is None
    assert exact.rank(np.eye(3, dtype=np.int64)) == 3
    elimination.flint_matrix.cache_clear()


def test_flint_is_asked_where_it_is_installed() -> None:
    flint = pytest.importorskip("flint")
    assert elimination.flint_matrix() is flint.fmpz_mat
    assert type(exact.rank(np.eye(3, dtype=np.int64))) is int
