"""What `separate` and `flatten` are given: a kernel or filter, or a batch of them, and a tolerance."""

from __future__ import annotations

import math
import os
from numbers import Real
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError, SymbolicError
from convmatrix.geometry.arguments import integer
from convmatrix.kernels import kernel as read_kernel


def as_filter(values: Any, name: str, batch_axes: int = 0) -> np.ndarray:
    """A kernel or filter as a read-only array of its own: finite numbers, fractions or SymPy expressions.

    Parameters
    ----------
    values : array-like, str or path-like
        Text and paths are read by `convmatrix.kernel`.
    name : str
        What messages call it.
    batch_axes : int
        Axes in front that count filters; at least 2 come behind them.

    Raises
    ------
    ConvMatrixError
        If it is ragged, has too few axes, is empty, is not finite, or mixes SymPy expressions with floats.

    Examples
    --------
    >>> as_filter("1 2; 3 4", "kernel")
    array([[1, 2],
           [3, 4]])
    >>> as_filter([1, 2], "kernel")
    Traceback (most recent call last):
    ...
    convmatrix.errors.ConvMatrixError: kernel must have at least 2 axes, got shape (2,)
    """
    integer(batch_axes, "batch_axes", 0)
    if isinstance(values, (str, os.PathLike)):
        values = read_kernel(values)
    array = exact.as_array(values, name)
    _check_axes(array.shape, name, batch_axes)
    if array.dtype.itemsize > {"f": 8, "c": 16}.get(array.dtype.kind, math.inf):
        array = _to_double(array)
    if exact.is_symbolic(array):
        _check_symbolic(array, np.asarray(values, dtype=object), name)
    elif not exact.is_finite(array):
        place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ConvMatrixError(f"{name} must be finite, got {array[place]} at {place}")
    own = array.copy()
    own.setflags(write=False)
    return own


def check_tol(tol: Any) -> float | None:
    """A relative tolerance as a float, or None for the default.

    >>> check_tol(-1)
    Traceback (most recent call last):
    ...
    convmatrix.errors.ConvMatrixError: tol must be at least 0, got -1
    """
    if tol is None:
        return None
    if isinstance(tol, (bool, np.bool_)) or not isinstance(tol, Real):
        raise ConvMatrixError(f"tol must be a number of at least 0, got {tol!r}")
    value = float(tol)
    if not value >= 0:
        raise ConvMatrixError(f"tol must be at least 0, got {tol}")
    if not math.isfinite(value):
        raise ConvMatrixError(f"tol must be finite, got {tol}")
    return value


def check_for_symbols(array: np.ndarray, tol: Any, batch_axes: int, advice: str) -> None:
    """Refuse a tolerance and a batch where entries are SymPy expressions; `advice` ends what is said of the batch.

    Raises
    ------
    SymbolicError
    """
    if not exact.is_symbolic(array):
        return
    if tol is not None:
        raise SymbolicError(f"tol must not be given with symbols or radicals, which are exact, got {tol}")
    if batch_axes:
        raise SymbolicError(f"batch_axes must be 0 with symbols or radicals, got {batch_axes}: {advice} one by one")


def _check_axes(shape: tuple[int, ...], name: str, batch_axes: int) -> None:
    if len(shape) < batch_axes + 2:
        beside = f" beside the {batch_axes} of batch_axes" if batch_axes else ""
        raise ConvMatrixError(f"{name} must have at least 2 axes{beside}, got shape {shape}")
    if 0 in shape:
        raise ConvMatrixError(f"{name} must not be empty, got shape {shape}")


def _check_symbolic(array: np.ndarray, given: np.ndarray, name: str) -> None:
    """Refuse floats beside SymPy expressions, within them too, and expressions that are no finite number."""
    import sympy

    for value in given.flat:
        floats = value.atoms(sympy.Float) if exact.is_sympy(value) else ()
        if floats or isinstance(value, (float, complex, np.inexact)):
            shown = next(iter(floats), value)
            raise ConvMatrixError(
                f"{name} must not mix SymPy expressions with floats, got {shown}: write decimals as text or fractions"
            )
    bad = next((value for value in array.flat if value.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)), None)
    if bad is not None:
        raise ConvMatrixError(f"{name} must be finite, got {bad}")


def _to_double(array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
