"""Common denominators: rational matrices and vectors as integers, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError


def primitive(vector: Sequence[Any] | np.ndarray) -> tuple[Fraction, np.ndarray]:
    """The content of a vector and its primitive integer vector: `vector == content * primitive`.

    Parameters
    ----------
    vector : sequence or ndarray of shape (n,)
        Integers and fractions.

    Returns
    -------
    content : Fraction
        Positive; 1 for a vector of zeros.
    primitive : ndarray of shape (n,), of Python integers
        Without a common divisor.

    Raises
    ------
    ConvMatrixError
        If it holds anything else.

    Examples
    --------
    >>> primitive([Fraction(1, 2), Fraction(-3, 4), 0])
    (Fraction(1, 4), array([2, -3, 0], dtype=object))
    """
    entries = rational_entries(vector.tolist() if isinstance(vector, np.ndarray) else list(vector), "vector")
    common = math.lcm(*(entry.denominator for entry in entries))
    content, reduced = primitive_integers([entry.numerator * (common // entry.denominator) for entry in entries])
    return Fraction(content, common), as_objects(reduced)


def primitive_integers(values: list[int]) -> tuple[int, list[int]]:
    """The greatest common divisor, 1 for zeros, and the integers without it."""
    content = math.gcd(*values)
    return (content, [value // content for value in values]) if content > 1 else (1, values)


def as_objects(values: list[Any]) -> np.ndarray:
    """A vector of Python's own numbers, which never wrap."""
    vector = np.empty(len(values), dtype=object)
    vector[:] = values
    return vector


def cleared(matrix: np.ndarray) -> tuple[list[list[int]], int]:
    """Rows of Python integers, and the common denominator they were multiplied with."""
    check_matrix(matrix)
    rows = matrix.tolist()
    if matrix.dtype.kind in "iu":
        return rows, 1
    width = matrix.shape[1]
    values, common = integers([value for row in rows for value in row])
    return [values[start * width : (start + 1) * width] for start in range(len(rows))], common


def integers(values: list[Any]) -> tuple[list[int], int]:
    """Rational numbers times their common denominator, and that."""
    if all(type(value) is int for value in values):
        return values, 1
    entries = rational_entries(values)
    common = math.lcm(*(entry.denominator for entry in entries))
    return [entry.numerator * (common // entry.denominator) for entry in entries], common


def rational_entries(values: list[Any], name: str = "matrix") -> list[int | Fraction]:
    """The values as Python's own integers and fractions."""
    try:
        return [
            value if type(value) in (int, Fraction) else Fraction(int(value.numerator), int(value.denominator))
            for value in values
        ]
    except (AttributeError, TypeError):
        wrong = next((value for value in values if not hasattr(value, "denominator")), values)
        raise ConvMatrixError(f"{name} must be made of integers and fractions, got {wrong!r}") from None


def check_matrix(matrix: np.ndarray) -> None:
    """Refuse what has not two dimensions, or a dtype that holds no integers or fractions."""
    if matrix.ndim != 2:
        raise ConvMatrixError(f"matrix must have 2 dimensions, got {matrix.ndim}")
    if matrix.dtype.kind not in "biuO":
        raise ConvMatrixError(f"matrix must be made of integers and fractions, got dtype {matrix.dtype}")


def whole_array(matrix: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The matrix with each row times its common denominator, as int64 or Python integers, and the denominators."""
    check_matrix(matrix)
    if matrix.dtype.kind != "O":
        is_wide = matrix.dtype.kind == "u" and matrix.dtype.itemsize == 8
        return matrix.astype(object if is_wide else np.int64, copy=False), [1] * len(matrix)
    pairs = [integers(row) for row in matrix.tolist()]
    whole = np.empty(matrix.shape, dtype=object)
    for number, (row, _) in enumerate(pairs):
        whole[number] = row
    largest = max(abs(whole.max(initial=0)), abs(whole.min(initial=0)))
    return whole.astype(np.int64) if largest < 2**63 else whole, [below for _, below in pairs]


def plain(value: Fraction) -> Any:
    """A fraction, or the Python integer that it is."""
    return value.numerator if value.denominator == 1 else value
