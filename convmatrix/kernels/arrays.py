"""Cells to arrays: the narrowest exact kind that holds them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

_INT64 = np.iinfo(np.int64)


def exact_array(cells: Iterable[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Int64 if every cell is an integer that fits, else fractions, else SymPy expressions.

    Parameters
    ----------
    cells : iterable of int, Fraction or SymPy expression
        The entries in row-major order, `prod(shape)` of them.
    shape : tuple of int
        The shape wanted.

    Returns
    -------
    ndarray, shape `shape`
        Of int64, of `fractions.Fraction` or of SymPy expressions; never a mixture.

    Examples
    --------
    >>> exact_array([1, Fraction(4, 2)], (2,))
    array([1, 2])
    >>> exact_array([1, Fraction(1, 2)], (2,))
    array([Fraction(1, 1), Fraction(1, 2)], dtype=object)
    """
    values = [int(c) if isinstance(c, Fraction) and c.denominator == 1 else c for c in cells]
    kinds = set(map(type, values))
    if kinds <= {int} and _INT64.min <= min(values) and max(values) <= _INT64.max:
        return np.array(values, dtype=np.int64).reshape(shape)
    if kinds <= {int, Fraction}:
        return _objects([Fraction(value) for value in values], shape)
    import sympy  # a symbol is present, so SymPy is loaded already

    numbers = (int, Fraction)
    return _objects([sympy.Rational(*v.as_integer_ratio()) if isinstance(v, numbers) else v for v in values], shape)


def _objects(values: Sequence[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


def outer(*vectors: NDArray[Any]) -> NDArray[Any]:
    """Outer product over the axes of as many vectors; exact vectors stay exact.

    >>> outer(np.array([1, 2]), np.array([1, 3]))
    array([[1, 3],
           [2, 6]])
    """
    product = reduce(np.multiply.outer, vectors)
    return exact_array(product.flat, product.shape) if product.dtype == object else np.asarray(product)


def clip(text: str, length: int = 60) -> str:
    """The text quoted on one line, its middle left out if it is long.

    >>> clip("sobel_x"), clip("0" * 99, 9)
    ("'sobel_x'", "'0000...00'")
    """
    if len(text) > length:
        head = (length - 2) * 2 // 3
        text = f"{text[:head]}...{text[-(length - 3 - head) :]}"
    return repr(text)
