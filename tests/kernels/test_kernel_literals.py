"""Kernels as text: what is read, exactly as what, and what is refused in which words."""

from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from convmatrix.errors import KernelError
from convmatrix.kernels import kernel
from convmatrix.kernels.literal import MAX_CHARACTERS, parse_number

SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]

INTEGERS: dict[str, Any] = {
    "1 2 1": [1, 2, 1],
    "1,2,1": [1, 2, 1],
    " 1 , 2 ,1 ": [1, 2, 1],
    "3": [3],
    "-3": [-3],
    "+3": [3],
    "1 2 1;": [[1, 2, 1]],
    "1;2;1": [[1], [2], [1]],
    "-1 0 1; -2 0 2; -1 0 1": SOBEL,
    "-1,0,1;-2,0,2;-1,0,1": SOBEL,
    "-1 0 1\n-2 0 2\n-1 0 1\n": SOBEL,
    "-1 0 1;\n-2 0 2;\r\n\n-1 0 1;": SOBEL,
    "\u22121 0 1; \u22122 0 2; \u22121 0 1": SOBEL,
    "[-1 0 1; -2 0 2; -1 0 1]": SOBEL,
    "[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]": SOBEL,
    "[[-1 0 1]\n [-2 0 2]\n [-1 0 1]]": SOBEL,
    "[[-1 0 1]; [-2 0 2]; [-1 0 1]]": SOBEL,
    "[[-1 0\n 1]\n [-2 0\n 2]\n [-1 0\n 1]]": SOBEL,
    "[1 2 1]": [1, 2, 1],
    "[1 2 1;]": [[1, 2, 1]],
    "[ 1 2\n3 4\n]": [[1, 2], [3, 4]],
    "[[1, 2, 1]]": [[1, 2, 1]],
    "[[1], [2]]": [[1], [2]],
    "1 2; 3 4 | 5 6; 7 8": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
    "1 2\n3 4\n|\n5 6\n7 8": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
    "1 2; 3 4; | 5 6; 7 8;": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
    "[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
    "[[1 2; 3 4], [5 6; 7 8]]": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
    "1 2 | 3 4": [[[1, 2]], [[3, 4]]],
    "1 2 |": [[[1, 2]]],
    "[[[[1]]]]": [[[[1]]]],
    "1-2 3": [-1, 3],
    "1 -2 3": [1, -2, 3],
    "4/2 1.0 1e2": [2, 1, 100],
    "2*(1+2) (4)": [6, 4],
    "( 1 + 2 )*2 1": [6, 1],
    "9223372036854775807 -9223372036854775808": [2**63 - 1, -(2**63)],
}


@pytest.mark.parametrize(("text", "expected"), INTEGERS.items(), ids=map(repr, INTEGERS))
def test_integers_are_int64(text: str, expected: Any) -> None:
    found = kernel(text)
    assert found.dtype == np.int64
    assert found.tolist() == expected


FRACTIONS: dict[str, list[Any]] = {
    "1/4 1/2 1/4": [Fraction(1, 4), Fraction(1, 2), Fraction(1, 4)],
    "-1/16 1": [Fraction(-1, 16), 1],
    "0.1 1e-3": [Fraction(1, 10), Fraction(1, 1000)],
    ".5 5. 2.5E+1": [Fraction(1, 2), 5, 25],
    "1/-2 0.5/0.1": [Fraction(-1, 2), 5],
    "1/2/2 1-1/2": [Fraction(1, 4), Fraction(1, 2)],
    "1/3*2 1": [Fraction(2, 3), 1],
    "9223372036854775808 1": [2**63, 1],
    "1e-400 1": [Fraction(1, 10**400), 1],
}


@pytest.mark.parametrize(("text", "expected"), FRACTIONS.items(), ids=map(repr, FRACTIONS))
def test_fractions_are_exact(text: str, expected: list[Any]) -> None:
    found = kernel(text)
    assert found.dtype == object
    assert {type(cell) for cell in found} == {Fraction}
    assert found.tolist() == expected


A, B = sympy.symbols("a b")
SYMBOLS: dict[str, Any] = {
    "a b; c d": [[A, B], list(sympy.symbols("c d"))],
    "a;": [[A]],
    "-a": [-A],
    "w0 alpha w_1": list(sympy.symbols("w0 alpha w_1")),
    "2*a a/2 -3/2*b a*b": [2 * A, A / 2, -sympy.Rational(3, 2) * B, A * B],
    "a+b a-b": [A + B, A - B],
    "a -b": [A, -B],
    "(a+b)/2 1/a": [(A + B) / 2, 1 / A],
    "( a + b )*2 0.5": [(A + B) * 2, sympy.Rational(1, 2)],
    "1 a": [sympy.Integer(1), A],
    "1/2*(a-a) 1": [sympy.Integer(0), sympy.Integer(1)],
    "\u03b1 lambda": [sympy.Symbol("\u03b1"), sympy.Symbol("lambda")],
    "pi E": [sympy.Symbol("pi"), sympy.Symbol("E")],
}


@pytest.mark.parametrize(("text", "expected"), SYMBOLS.items(), ids=map(repr, SYMBOLS))
def test_symbols_are_sympy(text: str, expected: Any) -> None:
    found = kernel(text)
    assert found.dtype == object
    assert all(isinstance(cell, sympy.Expr) for cell in found.flat)
    assert found.tolist() == expected


REFUSED = {
    "": "text must not be empty, got ''",
    " \n ": "text must not be empty",
    "1 2; 3": "rows must all be as long as the first, got row 2 with 1 cell, not 2",
    "1 2; 3 4 5": "got row 2 with 3 cells, not 2",
    "[[1, 2], [3]]": "got row 2 with 1 cell, not 2",
    "1 2; 3 4 | 5 6": "planes must all be as long as the first, got plane 2 with 1 row, not 2",
    "1 2 | 3": "got row 1 of plane 2 with 1 cell, not 2",
    "[[[[1,2]]],[[[3]]]]": "got row 1 of block 2, 1 with 1 cell, not 2",
    "nan": r"must be finite, got 'nan' at character 1 of 'nan'",
    "1 -inf": "must be finite, got 'inf'",
    "1 Infinity": "must be finite, got 'Infinity'",
    "1/0 1": "must not divide by zero, got '0' at character 3",
    "1/(1-1) 1": "must not divide by zero",
    "1/0.0 1": "must not divide by zero",
    "1/(a-a) 1": "must not divide by zero",
    "1e999999999 1": "must have exponents from -400 to 400, got '1e999999999'",
    "1e-401 1": "must have exponents",
    "1,,2": "must have no empty rows or cells, got ',' at character 3",
    "1 2,": "must have no empty rows or cells, got 'the end'",
    ",1": "must have no empty rows or cells",
    ";": "must have no empty rows or cells",
    "1 2;;3 4": "must have no empty rows or cells",
    "[]": "must have no empty rows or cells",
    "[[1, 2], []]": "must have no empty rows or cells",
    "[1 2": "must close every bracket with ]",
    "[[1,2],3]": "must have a bracket on both sides of every separator, got '3'",
    "[[1,2] 3]": "must close every bracket with ] and not mix",
    "[1,[2]]": r"must have a number or a symbol in every place that needs one, got '\['",
    "[1 2] 3": "must end after its last row or bracket, got '3'",
    "1 2]": "must end after its last row or bracket, got ']'",
    "1 - 2": r"must have no blank around \+ - \* / inside a cell",
    "1 /16": "must have a number or a symbol in every place that needs one, got '/'",
    "1/ 16 1": "must have no blank around",
    "a+ b": "must have no blank around",
    "1 --2": "must have a number or a symbol in every place",
    "1 (2": "must close every parenthesis within its cell, got 'the end'",
    "1 (2,3)": "must close every parenthesis within its cell, got ','",
    "1 2)": r"must separate its cells by blanks or commas and write products with \*, got '\)'",
    "2a 1": r"write products with \*, got 'a' at character 2",
    "1.2.3 4": r"write products with \*",
    "1_000 2": r"write products with \*",
    "1 f(2)": "must not call functions",
    "gaussian(5)": "parameters of a named kernel are written gaussian:size=5",
    "__import__('os')": r"got the unknown name '__import__'",
    "1 __import__(os)": "must not call functions",
    "a.b c": r"must be made of numbers, symbols and .*, got '\.'",
    "a**2 1": "must have a number or a symbol in every place",
    "1 2 # 3": "must be made of numbers, symbols and .*, got '#'",
    "0x10 1": r"write products with \*",
    "\u0663 1": "must be made of numbers",
    "1 2\x00": "must be made of numbers",
    "[" * 9 + "1" + "]" * 9: "must have at most 8 brackets inside each other",
    "(" * 33 + "1" + ")" * 33: "must have at most 32 parentheses inside each other",
    "(" * 5000: "must have at most 32 parentheses",
    "1" * 1001 + " 1": "must have numbers of at most 1000 digits",
    "+".join("a" * 66) + " 1": "must have at most 64 operations in a cell",
    "weights.pt": "file must end in .npy, .npz, .csv or .txt, got 'weights.pt'",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items(), ids=[repr(text[:30]) for text in REFUSED])
def test_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(KernelError, match=message) as caught:
        kernel(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [None, 3, [1, 2, 1], np.ones(3), b"1 2 1"], ids=lambda value: type(value).__name__)
def test_only_text_and_paths(value: Any) -> None:
    with pytest.raises(KernelError, match=f"kernel must be text or a path, got {type(value).__name__}"):
        kernel(value)


@pytest.mark.parametrize("unit", ["1 ", "x", "[", "-", "(", "1e9", "a/"])
def test_too_much_text_is_refused_at_once(unit: str) -> None:
    start = time.perf_counter()
    with pytest.raises(KernelError, match=f"at most {MAX_CHARACTERS} characters, got 1[0-9]{{6}}"):
        kernel(unit * (1_000_009 // len(unit)) + "1" * 9)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("text", ["5", "-1/3", "2.5e-3"])
def test_parse_number_is_exact(text: str) -> None:
    assert parse_number(text) == Fraction(text)


@pytest.mark.parametrize("text", ["1 2", "a+1", "1;"])
def test_parse_number_wants_one_number(text: str) -> None:
    with pytest.raises(KernelError, match="number must be a single integer, fraction or decimal, got"):
        parse_number(text)


def test_results_are_fresh() -> None:
    first = kernel("sobel_x")
    first[0, 0] = 99
    assert kernel("sobel_x")[0, 0] == -1


numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.fractions(), st.decimals(allow_nan=False, allow_infinity=False, places=6)
)
separators = st.sampled_from([" ", ",", ", ", " , ", "  "])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), shape=st.tuples(*[st.integers(1, 4)] * 3), between=separators)
def test_what_is_written_comes_back(data: st.DataObject, shape: tuple[int, int, int], between: str) -> None:
    planes, rows, columns = shape
    cells = data.draw(st.lists(numbers, min_size=planes * rows * columns, max_size=planes * rows * columns))
    table = np.array([Fraction(cell) for cell in cells], dtype=object).reshape(shape)
    text = " | ".join("; ".join(between.join(map(str, row)) for row in plane) + ";" for plane in table)
    found = kernel(text)
    assert found.tolist() == (table if planes > 1 else table[0]).tolist()


PROGRAM = """
import sys
from convmatrix.kernels import kernel, kernel_names
[kernel(name) for name in kernel_names()]
kernel("-1 0 1; 1/2 0.1 1e-3"), kernel("gaussian:sigma=1/2")
assert "sympy" not in sys.modules
kernel("a b")
assert "sympy" in sys.modules
"""


def test_sympy_is_loaded_by_symbols_only() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=120)
