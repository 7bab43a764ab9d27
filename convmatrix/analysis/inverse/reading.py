"""What `deconvolve` is given, checked and in floats: tensors after any batch axes, plain pictures, ways to solve."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.operators import TensorOperator

METHODS = ("transpose", "least_squares", "tikhonov")
SOLVERS = ("auto", "direct", "lsqr")


@dataclass(frozen=True)
class Asked:
    """How to solve, checked.

    Attributes
    ----------
    method, solver : str
        Of `METHODS` and `SOLVERS`.
    alpha, noise, tol : float or None
        As given.
    most : int or None
        Steps of an iteration.
    """

    method: str
    solver: str
    alpha: float | None
    noise: float | None
    tol: float | None
    most: int | None

    @classmethod
    def read(cls, method: Any, solver: Any, alpha: Any, noise: Any, tol: Any, most: Any) -> Asked:
        """Check each, and that they go together.

        Raises
        ------
        ConvMatrixError
        """
        arguments.one_of(method, "method", METHODS)
        arguments.one_of(solver, "solver", SOLVERS)
        for value, name in ((alpha, "alpha"), (noise, "noise")):
            if value is not None and method != "tikhonov":
                raise ConvMatrixError(f"{name} must be None but for method 'tikhonov', got {value!r} with {method!r}")
        if method == "transpose":
            _check_idle(solver, tol, most)
        if alpha is not None and noise is not None:
            raise ConvMatrixError(f"noise must be None where alpha is given, got noise {noise!r} and alpha {alpha!r}")
        return cls(
            method,
            solver,
            _number(alpha, "alpha"),
            _number(noise, "noise", above=True),
            _number(tol, "tol", below=1),
            None if most is None else arguments.integer(most, "max_iterations", 1),
        )


def _check_idle(solver: Any, tol: Any, most: Any) -> None:
    """The transpose solves nothing."""
    idle = "for method 'transpose', which solves nothing, got"
    if solver != "auto":
        raise ConvMatrixError(f"solver must be 'auto' {idle} {solver!r}")
    for value, name in ((tol, "tol"), (most, "max_iterations")):
        if value is not None:
            raise ConvMatrixError(f"{name} must be None {idle} {value!r}")


def _number(value: Any, name: str, *, above: bool = False, below: float = math.inf) -> float | None:
    """A float of at least 0, or above it."""
    if value is None:
        return None
    lowest = "above 0" if above else "of at least 0"
    rule = f"{lowest} and below {below:g}" if below < math.inf else f"{lowest} and finite"
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    if not is_real or not 0 <= value < below or value > sys.float_info.max or (above and value == 0):
        raise ConvMatrixError(f"{name} must be a number {rule}, got {value!r}")
    return float(value)


def in_floats(values: Any, name: str) -> np.ndarray:
    """Numbers of any kind as float64 or complex128.

    Raises
    ------
    ConvMatrixError
        If there are symbols, NaN or infinity among them, or exact numbers beyond the range of floats.

    Examples
    --------
    >>> from fractions import Fraction
    >>> in_floats([Fraction(1, 4), 2], "y")
    array([0.25, 2.  ])
    """
    array = exact.as_array(values, name)
    if array.dtype == object:
        array = np.array([_as_float(value, name) for value in array.flat]).reshape(array.shape)
        array = array if array.imag.any() else array.real.copy()
    if not np.isfinite(array).all():
        raise ConvMatrixError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _as_float(value: Any, name: str) -> complex:
    try:
        return complex(value)
    except TypeError:
        raise ConvMatrixError(f"{name} must be made of numbers, got {value}") from None
    except OverflowError:
        raise ConvMatrixError(f"{name} must be within the range of floats, got a larger number") from None


@dataclass(frozen=True)
class Batch:
    """The axes before a tensor's own, and whether tensors came as plain pictures, without their one channel."""

    shape: tuple[int, ...]
    plain: bool

    @classmethod
    def of(cls, array: np.ndarray, name: str, shape: tuple[int, ...], op: TensorOperator) -> Batch:
        """That of an array which is to end in `shape`, on either side of `op`.

        Raises
        ------
        ConvMatrixError
            If it does not.
        """
        if array.shape[max(array.ndim - len(shape), 0) :] == shape:
            return cls(array.shape[: array.ndim - len(shape)], False)
        space = len(shape) - 1
        takes = op.in_shape[0] == 1 == op.out_shape[0] and len(op.in_shape) == len(op.out_shape) == len(shape) > 1
        if takes and array.ndim >= space and array.shape[array.ndim - space :] == shape[1:]:
            return cls(array.shape[: array.ndim - space], True)
        raise ConvMatrixError(f"{name} must have the shape {shape}, after any batch axes, got {array.shape}")

    @property
    def count(self) -> int:
        """How many tensors."""
        return math.prod(self.shape)

    def folded(self, tensors: np.ndarray) -> np.ndarray:
        """`(count, *tensor)` in the shape the tensors came in."""
        own = tensors.shape[2:] if self.plain else tensors.shape[1:]
        return tensors.reshape(*self.shape, *own)
