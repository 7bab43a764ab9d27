"""Numbers of every kind: what an array becomes, and that exact values stay exact."""

from __future__ import annotations

import decimal
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import convmatrix as cm
from convmatrix import exact

sympy = pytest.importorskip("sympy")
a, b = sympy.symbols("a b")
HALF = Fraction(1, 2)

KEPT_AND_WIDENED: list[tuple[Any, str]] = [
    (np.array([True, False]), "int64"),
    ([True, False], "int64"),
    ([1, 2], "int64"),
    *[(np.array([1, 2], dtype), "int64") for dtype in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", ">i8")],
    (np.array([1, 2**64 - 1], np.uint64), "object"),
    (np.array([1, 2], np.float16), "float32"),
    (np.array([1, 2], np.float32), "float32"),
    (np.array([1, 2], ">f4"), "float32"),
    (np.array([1, 2], np.float64), "float64"),
    (np.array([1, 2], ">f8"), "float64"),
    (np.array([1, 2], np.complex64), "complex64"),
    (np.array([1, 2], np.complex128), "complex128"),
    ([1.5, 2], "float64"),
    ([1j, 2], "complex128"),
    (np.array([1, 2], object), "int64"),
    (np.array([1, True], object), "int64"),
    ([2**70, 1], "object"),
    ([HALF, 1], "object"),
    ([Fraction(4, 2), 1], "int64"),
    ([HALF, 0.25], "float64"),
    ([HALF, 1j], "complex128"),
    ([decimal.Decimal("0.1"), 1], "object"),
    ([decimal.Decimal("NaN"), 1], "float64"),
    ([sympy.Integer(2), 1], "int64"),
    ([sympy.Rational(1, 3), 1], "object"),
    ([sympy.Float(0.5), 1], "float64"),
    ([a, 1], "object"),
    ([sympy.sqrt(2), 1], "object"),
    (np.array([], np.float64), "float64"),
]


@pytest.mark.parametrize(("values", "dtype"), KEPT_AND_WIDENED, ids=lambda value: repr(value)[:50])
def test_what_numbers_become(values: Any, dtype: str) -> None:
    array = exact.as_array(values)
    assert array.dtype == np.dtype(dtype)
    assert array.dtype.isnative
    assert [complex(x) for x in array.tolist() if not _symbol(x) and x == x] == [
        complex(x) for x in np.asarray(values).tolist() if not _symbol(x) and x == x
    ]


def _symbol(value: Any) -> bool:
    return bool(getattr(value, "free_symbols", ()))


@pytest.mark.parametrize("dtype", ["bool", "i1", "i2", "i4", "u1", "u2", "u4"])
def test_small_integers_do_not_wrap_in_a_product(dtype: str) -> None:
    """127 * 127 * 9 wraps in int8 and 255 * 255 * 9 in uint16."""
    largest = 1 if dtype == "bool" else min(np.iinfo(dtype).max, 10**6)
    op = cm.conv(np.full(9, largest, dtype), 9)
    x = np.full(9, largest, dtype)
    for answer in (op @ x, op.tosparse() @ x, op(x[None])[0], op.tosparse() @ op.T.tosparse().toarray()):
        assert answer.ravel().tolist() == [9 * int(largest) ** 2]


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "int8", "bool"])
def test_tensors_of_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([1, 0, 1]).to(getattr(torch, name))
    wanted = {"float16": "float32", "bfloat16": "float32", "int8": "int64", "bool": "int64"}.get(name, name)
    op = cm.conv(tensor, 4)
    assert op.dtype == op.tosparse().dtype == np.dtype(wanted)
    assert op.toarray().tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]


def test_tensors_that_are_being_trained() -> None:
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    assert cm.conv(weight, 3).toarray().tolist() == [[1, 2, 0], [0, 1, 2]]


def test_arrays_that_speak_dlpack_alone() -> None:
    class Foreign:
        def __init__(self, array: np.ndarray) -> None:
            self.array = array

        def __dlpack__(self, **options: Any) -> Any:
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return self.array.__dlpack_device__()

    assert cm.conv(Foreign(np.array([1.0, 2.0])), 3).toarray().tolist() == [[1, 2, 0], [0, 1, 2]]


def test_arrays_that_speak_numpy() -> None:
    class Wrapped:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return np.array([3, 4], dtype=dtype)

    assert cm.conv(Wrapped(), 3).toarray().tolist() == [[3, 4, 0], [0, 3, 4]]


NOT_NUMBERS: list[tuple[Any, str]] = [
    ([[1, 2], [3]], "must be a rectangular array of numbers"),
    ("abc", "got text"),
    (["__import__('os')"], "got text"),
    (np.array(["__import__('os')"], object), "must be made of numbers or SymPy expressions, got \"__import__('os')\""),
    ([None], "must be made of numbers or SymPy expressions, got None"),
    (np.array([1], "m8[s]"), "got dtype timedelta64[s]"),
    ({"a": 1}, "must be made of numbers or SymPy expressions, got {'a': 1}"),
    ([sympy.Symbol("A", commutative=False), 1], "must be made of commuting SymPy expressions, got A"),
    ([sympy.true, 1], "must be made of commuting SymPy expressions"),
]


@pytest.mark.parametrize(("values", "message"), NOT_NUMBERS, ids=[repr(case[0])[:40] for case in NOT_NUMBERS])
def test_what_is_no_number(values: Any, message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match="weight .*" + re.escape(message)):
        exact.as_array(values)


REQUESTS: list[tuple[Any, Any, str | type[Exception], str]] = [
    ([1, 2], None, "int64", ""),
    ([1, 2], "int8", "int8", ""),
    ([1, 2], "float32", "float32", ""),
    ([1, 2], complex, "complex128", ""),
    ([1.0, 2.0], "float32", "float32", ""),
    ([HALF, 1], float, "float64", ""),
    ([HALF, 1], "float32", "float32", ""),
    ([HALF, 1], complex, "complex128", ""),
    ([sympy.sqrt(2), 1], float, "float64", ""),
    ([1, 300], "int8", cm.ConvMatrixError, "dtype must hold every entry of the weight, got int8"),
    ([-1, 3], "uint8", cm.ConvMatrixError, "dtype must hold every entry of the weight, got uint8"),
    ([1.5], int, cm.ConvMatrixError, "dtype must keep the kind of number of the weight (float64), got int64"),
    ([1j], float, cm.ConvMatrixError, "dtype must keep the kind of number of the weight (complex128), got float64"),
    ([1], "float16", cm.ConvMatrixError, "dtype must be one that scipy.sparse holds"),
    ([1], "U3", cm.ConvMatrixError, "dtype must be one that scipy.sparse holds"),
    ([HALF], None, cm.SymbolicError, "weight holds exact fractions, which SciPy cannot: pass dtype=float"),
    ([HALF], int, cm.SymbolicError, "dtype must be a float type for fractions and SymPy expressions, got int64"),
    ([a, b], None, cm.SymbolicError, "weight must be numeric for a SciPy matrix, got the symbols a, b: use tosympy()"),
    ([a, b], float, cm.SymbolicError, "got the symbols a, b: use tosympy() for the exact matrix"),
    (list(sympy.symbols("a:f")), None, cm.SymbolicError, "got the symbols a, b, c, d, ...: use tosympy()"),
]


@pytest.mark.parametrize(("values", "dtype", "answer", "message"), REQUESTS, ids=lambda value: repr(value)[:40])
def test_numbers_on_request(values: Any, dtype: Any, answer: str | type[Exception], message: str) -> None:
    array = exact.as_array(values)
    if isinstance(answer, str):
        numbers = exact.as_numbers(array, dtype)
        assert numbers.dtype == np.dtype(answer)
        np.testing.assert_allclose(numbers, [complex(value) for value in values], rtol=1e-6)
    else:
        with pytest.raises(answer, match=re.escape(message)):
            exact.as_numbers(array, dtype)


def test_dtype_names_nobody_knows() -> None:
    with pytest.raises((cm.ConvMatrixError, TypeError), match="floot"):
        cm.conv([1], 3).tosparse(dtype="floot")


EXACT_VALUES: list[tuple[Any, Any]] = [
    (3, 3),
    (HALF, sympy.Rational(1, 2)),
    (0.5, sympy.Rational(1, 2)),
    (0.1, sympy.Rational(3602879701896397, 36028797018963968)),
    (np.float32(0.1), sympy.Rational(13421773, 134217728)),
    (1 + 0.5j, 1 + sympy.I / 2),
    (a + 1, a + 1),
    (2**70, sympy.Integer(2) ** 70),
]


@pytest.mark.parametrize(("value", "expected"), EXACT_VALUES, ids=lambda value: repr(value)[:30])
def test_entries_become_exact(value: Any, expected: Any) -> None:
    entry = exact.to_sympy(value)
    assert entry == expected
    assert not entry.has(sympy.Float)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_only_finite_floats_are_exact(value: float) -> None:
    with pytest.raises(cm.ConvMatrixError, match="exact values must be finite, got"):
        cm.conv([value, 1], 3).tosympy()


PAIRS: list[tuple[Any, Any, str, str]] = [
    ([1], [2], "int64", "int64"),
    ([1], [0.5], "int64", "float64"),
    ([HALF], [2], "object", "object"),
    ([HALF], [0.5], "float64", "float64"),
    ([HALF], np.array([0.5], np.float32), "float32", "float32"),
    ([HALF], [0.5j], "float64", "complex128"),
    ([0.5], [HALF], "float64", "float64"),
    ([a], [0.5], "object", "object"),
    ([1], [a], "object", "object"),
    ([HALF], [a], "object", "object"),
]


@pytest.mark.parametrize(("weight", "x", "left", "right"), PAIRS, ids=lambda value: repr(value)[:20])
def test_partners_in_a_product(weight: Any, x: Any, left: str, right: str) -> None:
    pair = exact.paired(exact.as_array(weight), exact.as_array(x))
    assert [part.dtype for part in pair] == [np.dtype(left), np.dtype(right)]
    assert not any(isinstance(entry, float) for part in pair if part.dtype == object for entry in part.flat)


@pytest.mark.parametrize(
    ("value", "finite", "symbolic"),
    [([1.0], True, False), ([np.nan], False, False), ([np.inf], False, False), ([1], True, False),
     ([HALF], True, False), ([a], True, True), ([sympy.pi], True, True), ([1, sympy.nan], False, True),
     ([-sympy.oo], False, True), ([sympy.zoo], False, True), ([a + sympy.oo], False, True)],
    ids=repr,
)  # fmt: skip
def test_questions_about_arrays(value: Any, finite: bool, symbolic: bool) -> None:
    array = exact.as_array(value)
    assert (exact.is_finite(array), exact.is_symbolic(array)) == (finite, symbolic)
    assert (exact.first_not_finite(array) is None) is finite


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(True, 1), (2, 2), (HALF, HALF), (0.5, 0.5), (a, a), (sympy.Integer(3), 3), (sympy.Rational(1, 2), HALF)],
    ids=repr,
)
def test_factors(factor: Any, expected: Any) -> None:
    scalar = exact.as_scalar(factor)
    assert scalar == expected
    assert not isinstance(scalar, bool)


BEYOND_FLOATS = [
    ([10**400, 1], float, "weight entries must fit a float64, got about 1e400"),
    ([-(10**5000), 1], complex, "weight entries must fit a complex128, got about -1e5000"),
    ([Fraction(10**400, 3), 1], float, "weight entries must fit a float64, got about 1e399"),
    ([Fraction(10**100, 3), 1], np.float32, "weight entries must fit a float32, got about 1e99"),
    ([sympy.sqrt(2) * 10**400, 1], float, r"weight entries must fit a float64, got 1\.41e\+400"),
]


@pytest.mark.parametrize(("entries", "dtype", "message"), BEYOND_FLOATS, ids=[m[-30:] for *_, m in BEYOND_FLOATS])
def test_entries_beyond_floats_are_refused(entries, dtype, message):
    op = cm.conv(entries, 5)
    with pytest.raises(cm.ConvMatrixError, match=message):
        op.tosparse(dtype=dtype)


def test_entries_beyond_floats_meet_no_floats():
    with pytest.raises(cm.ConvMatrixError, match="weight entries must fit a float64, got about 1e400"):
        cm.conv([10**400, 1], 5) @ np.ones(5)


def test_entries_below_floats_are_zero():
    assert exact.as_numbers(exact.as_array([Fraction(1, 10**400), 1]), float).tolist() == [0.0, 1.0]
