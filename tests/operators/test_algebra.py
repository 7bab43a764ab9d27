"""Operators made of operators: what they are, which dtype they have, and that structure survives cancellation."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import oracles
import pytest

import convmatrix as cm

sympy = pytest.importorskip("sympy")
a, b, c = sympy.symbols("a b c")
A = cm.conv([1, 2, 3], 5, padding=1)
B = cm.conv([4, 0, -1], 5, padding=1)
ID = cm.identity((1, 5))
POOL = cm.avg_pool((1, 10), 2)
F32 = cm.conv(np.array([1, 2, 1], "f4"), 5, padding=1)
C64 = cm.conv(np.array([1, 2j, 1], "c8"), 5, padding=1)
FRACTION = cm.conv([Fraction(1, 3), 1, 1], 5, padding=1)
SYMBOL = cm.conv([a, b, c], 5, padding=1)

VALUES: list[tuple[str, Any, Callable[[], np.ndarray]]] = [
    ("A @ B", A @ B, lambda: A.toarray() @ B.toarray()),
    ("A + B", A + B, lambda: A.toarray() + B.toarray()),
    ("A - B", A - B, lambda: A.toarray() - B.toarray()),
    ("-A", -A, lambda: -A.toarray()),
    ("3 * A", 3 * A, lambda: 3 * A.toarray()),
    ("A * 3", A * 3, lambda: 3 * A.toarray()),
    ("np.int64(3) * A", np.int64(3) * A, lambda: 3 * A.toarray()),
    ("np.float64(.5) * A", np.float64(0.5) * A, lambda: 0.5 * A.toarray()),
    ("True * A", True * A, lambda: A.toarray()),
    ("A / 2", A / 2, lambda: A.toarray() / 2),
    ("A ** 3", A**3, lambda: np.linalg.matrix_power(A.toarray(), 3)),
    ("A ** 0", A**0, lambda: np.eye(5, dtype=int)),
    ("A ** 1", A**1, lambda: A.toarray()),
    ("A ** np.int8(2)", A ** np.int8(2), lambda: np.linalg.matrix_power(A.toarray(), 2)),
    ("A.dot(3)", A.dot(3), lambda: 3 * A.toarray()),
    ("A.dot(B)", A.dot(B), lambda: A.toarray() @ B.toarray()),
    ("A * B", A * B, lambda: A.toarray() @ B.toarray()),
    ("2 * (A + B).T @ A / 4", 2 * (A + B).T @ A / 4, lambda: (A.toarray() + B.toarray()).T @ A.toarray() / 2),
    ("A.T ** 2", A.T**2, lambda: np.linalg.matrix_power(A.toarray().T, 2)),
]


@pytest.mark.parametrize(("text", "op", "dense"), VALUES, ids=[case[0] for case in VALUES])
def test_algebra_is_that_of_matrices(text: str, op: cm.TensorOperator, dense: Callable[[], np.ndarray]) -> None:
    assert isinstance(op, cm.TensorOperator)
    oracles.assert_same(op.toarray(), dense())
    oracles.assert_same(oracles.by_unit_vectors(op), dense())
    oracles.assert_same(op.T.toarray(), dense().T)
    oracles.assert_canonical(op.tosparse())


def test_an_array_without_axes_is_a_number() -> None:
    products: tuple[Any, ...] = (np.array(3) * A, A * np.array(3))
    for op in products:
        assert np.array_equal(op.toarray(), 3 * A.toarray())


DTYPES: list[tuple[str, Any, str]] = [
    ("ints", A @ B, "int64"),
    ("ints added", A + B, "int64"),
    ("ints and float32", A @ F32, "float64"),
    ("float32 and float32", F32 @ F32, "float32"),
    ("float32 and complex64", F32 + C64, "complex64"),
    ("permutation and ints", ID @ A, "int64"),
    ("permutation and float32", ID @ F32, "float32"),
    ("permutation and permutation", ID @ ID, "int8"),
    ("permutations added", ID + ID, "int64"),
    ("permutation of float64 and float32", cm.identity((1, 5), dtype=float) @ F32, "float64"),
    ("permutation and fractions", ID @ FRACTION, "object"),
    ("average and ints", cm.avg_pool((1, 5), 2) @ A, "float64"),
    ("average and float32", cm.avg_pool((1, 5), 2) @ F32, "float32"),
    ("average and complex64", cm.avg_pool((1, 5), 2) @ C64, "complex64"),
    ("average and permutation", cm.avg_pool((1, 5), 2) @ ID, "float64"),
    ("average, permutation and float32", cm.avg_pool((1, 5), 2) @ ID @ F32, "float32"),
    ("average and fractions", cm.avg_pool((1, 5), 2) @ FRACTION, "object"),
    ("average of float64 and float32", cm.avg_pool((1, 5), 2, dtype=float) @ F32, "float64"),
    ("resize and average", cm.resize((1, 5), 2) @ cm.avg_pool((1, 10), 2), "float64"),
    ("fractions and ints", FRACTION @ A, "object"),
    ("symbols and ints", SYMBOL + A, "object"),
    ("int times ints", 2 * A, "int64"),
    ("float times ints", 0.5 * A, "float64"),
    ("float times float32", 0.5 * F32, "float32"),
    ("int times permutation", 300 * ID, "int64"),
    ("complex times float32", 1j * F32, "complex64"),
    ("whole fraction times ints", Fraction(4, 2) * A, "int64"),
    ("fraction times ints", Fraction(1, 3) * A, "object"),
    ("fraction times float32", Fraction(1, 3) * F32, "float32"),
    ("symbol times ints", a * A, "object"),
    ("symbol times float32", a * F32, "object"),
    ("float times fractions", 0.5 * FRACTION, "float64"),
    ("int times fractions", 2 * FRACTION, "object"),
    ("ints divided", A / 2, "float64"),
    ("fractions divided", FRACTION / 2, "object"),
    ("ints divided by a fraction", A / Fraction(2, 3), "object"),
    ("float times average", 0.5 * POOL, "float64"),
    ("power of float32", F32**2, "float32"),
]


@pytest.mark.parametrize(("text", "op", "dtype"), DTYPES, ids=[case[0] for case in DTYPES])
def test_dtypes_of_combinations(text: str, op: cm.TensorOperator, dtype: str) -> None:
    assert op.dtype == op.T.dtype == np.dtype(dtype)
    if dtype != "object":
        assert op.tosparse().dtype == op.T.tosparse("coo").dtype == np.dtype(dtype)
        assert (op @ np.ones(op.shape[1], dtype=op.dtype)).dtype.kind == op.dtype.kind


@pytest.mark.parametrize("kind", ["int64", "float64", "complex128", "object"])
def test_entries_that_cancel_are_stored(kind: str) -> None:
    """The pattern of a product or sum is that of its paths, not of its numbers."""
    weight = np.array([1, -1], dtype=kind)
    both = cm.conv(np.array([1, 1], dtype=kind), 4) @ cm.conv(weight, 5)
    assert both.nnz == 3 * 3
    assert both.tosparse(dtype=None if kind != "object" else float).nnz == 9
    gone = cm.conv(weight, 5) - cm.conv(weight, 5)
    assert gone.nnz == 8
    matrix = gone.tosparse(dtype=None if kind != "object" else float)
    assert matrix.nnz == 8
    assert not matrix.data.any()
    oracles.assert_canonical(matrix)


def test_paths_are_counted_without_the_matrix() -> None:
    product = cm.conv(np.ones((3, 2, 3)), 9, padding=4) @ cm.conv(np.ones((2, 2, 2)), 9, padding=[(0, 1)])
    assert product.nnz == product.tosparse().nnz == np.count_nonzero(product.toarray())
    empty = cm.conv([1], 2, padding=3, stride=2) @ cm.conv([1], 2)
    assert empty.nnz == empty.tosparse().nnz == 1


def test_small_integers_are_widened_in_sums_of_permutations() -> None:
    many = ID
    for _ in range(9):
        many = many + many
    assert int(many.toarray()[0, 0]) == int((many @ np.ones(5, np.int8))[0]) == 2**9


BAD: list[tuple[str, Callable[[], Any], str]] = [
    ("A @ conv(6)", lambda: A @ cm.conv([1], 6), "A @ B needs A.in_shape == B.out_shape, got (1, 5) and (1, 6)"),
    ("A + conv(6)", lambda: A + cm.conv([1], 6), "A + B needs equal shapes, got (1, 5) -> (1, 5) and (1, 6) -> (1, 6)"),
    ("A - conv(6)", lambda: A - cm.conv([1], 6), "A + B needs equal shapes"),
    ("A + (5, 1)", lambda: A + cm.identity((5,)), "A + B needs equal shapes, got (1, 5) -> (1, 5) and (5,) -> (5,)"),
    ("A ** -1", lambda: A**-1, "A ** n needs an integer n of at least 0 and equal shapes, got n = -1"),
    ("A ** .5", lambda: A**0.5, "got n = 0.5"),
    ("A ** 'x'", lambda: A ** "x", "got n = 'x'"),
    ("narrow ** 2", lambda: cm.conv([1, 2], 5) ** 2, "and equal shapes, got n = 2, (1, 5) -> (1, 4)"),
    ("A / 0", lambda: A / 0, "an operator cannot be divided by 0"),
    ("A / 0.0", lambda: A / 0.0, "an operator cannot be divided by 0"),
    ("A * 'x'", lambda: A * "x", "the factor must be made of numbers or SymPy expressions, got 'x'"),
]


@pytest.mark.parametrize(("text", "ask", "message"), BAD, ids=[case[0] for case in BAD])
def test_combinations_that_cannot_be(text: str, ask: Callable[[], Any], message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=re.escape(message)):
        ask()


@pytest.mark.parametrize("other", [np.ones(5), "x", [1, 2]], ids=["array", "text", "list"])
def test_what_an_operator_cannot_be_added_to(other: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        A + other
    with pytest.raises((TypeError, ValueError)):
        A - other


def test_exact_factors_stay_exact() -> None:
    third: Any = Fraction(1, 3) * A
    assert third.toarray().tolist()[0] == [Fraction(2, 3), Fraction(1), 0, 0, 0]
    assert (third @ np.array([1, 1, 0, 0, 0])).tolist()[0] == Fraction(5, 3)
    assert (a * A).tosympy()[0, 0] == 2 * a
    assert (SYMBOL / 3).tosympy()[0, 0] == b / 3
    assert (A / a).tosympy()[0, 0] == 2 / a
    assert (FRACTION / 3).tosympy()[1, 0] == sympy.Rational(1, 9)


def test_symbolic_products_are_exact() -> None:
    product = cm.conv([a, b], 2) @ cm.conv([a, b], 3)
    assert product.tosympy() == sympy.Matrix([[a**2, 2 * a * b, b**2]])
    square = (cm.conv([a, b], 2).T @ cm.conv([a, b], 2)).tosympy()
    assert square == sympy.Matrix([[a**2, a * b], [a * b, b**2]])


BIASES: list[tuple[str, Callable[[], Any], list[Any]]] = [
    ("none", lambda: A @ B, []),
    ("inner", lambda: A @ cm.conv([1], 5, bias=[2]), (A @ np.full(5, 2)).tolist()),
    ("outer", lambda: cm.conv([1], 5, bias=[2]) @ A, [2] * 5),
    (
        "both",
        lambda: cm.conv([1, 2, 3], 5, padding=1, bias=[10]) @ cm.conv([1], 5, bias=[2]),
        (A @ np.full(5, 2) + 10).tolist(),
    ),
    ("sum", lambda: cm.conv([1], 5, bias=[2]) + cm.conv([1], 5, bias=[3]), [5] * 5),
    ("half a sum", lambda: A + cm.conv([1], 5, bias=[3]), [3] * 5),
    ("scaled", lambda: 4 * cm.conv([1], 5, bias=[2]), [8] * 5),
    ("negated", lambda: -cm.conv([1], 5, bias=[2]), [-2] * 5),
    ("transposed layer", lambda: cm.conv_transpose([1], 5, bias=[2]), [2] * 5),
    ("exact", lambda: Fraction(1, 2) * cm.conv([1], 5, bias=[1]), [Fraction(1, 2)] * 5),
]


@pytest.mark.parametrize(("text", "maker", "expected"), BIASES, ids=[case[0] for case in BIASES])
def test_biases_of_combinations(text: str, maker: Callable[[], Any], expected: list[Any]) -> None:
    op = maker()
    if not expected:
        assert op.bias is None
    else:
        assert np.broadcast_to(op.bias, op.out_shape).ravel().tolist() == expected


def test_a_transpose_has_no_bias() -> None:
    op = cm.conv([1], 5, bias=[2])
    assert op.T.bias is None
    assert op.T.T.bias is not None


def test_parts_are_reachable() -> None:
    product, total, across = A @ B, A + B, A.T
    scaled: Any = 2 * A
    assert (product.left, product.right) == (A, B)
    assert (total.left, total.right) == (A, B)
    assert (scaled.factor, scaled.of) == (2, A)
    assert across.of is A
    assert across.geometry is A.geometry
    assert across.weight is A.weight
