"""Vectors that a layer makes long: each proves that the norm is at least so large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import eigh_tridiagonal

from convmatrix.analysis.norm.certificate import rounded_down
from convmatrix.analysis.norm.underflow import length, underflow
from convmatrix.analysis.spectrum.numbers import UNIT, growth, magnitudes
from convmatrix.operators import TensorOperator

_LONGEST, _SHORTEST = 60, 8
"""Vectors that Lanczos keeps."""
_BYTES = 1 << 30
"""What they may take, but for the shortest basis."""
_RESTARTS = 20


class Attained:
    """The longest vector found so far, and the norm that it proves.

    Parameters
    ----------
    op : TensorOperator
        In float64 or complex128.

    Attributes
    ----------
    vector : ndarray of shape `in_shape`
        Of length 1.
    value : float
        `norm(op @ vector)`, rounding taken off.
    """

    def __init__(self, op: TensorOperator) -> None:
        self.op = op
        self._sizes, self._growth, self._absolute = magnitudes(op), growth(op), underflow(op).absolute
        self.vector = np.zeros(op.in_shape)
        self.vector.reshape(-1)[0] = 1.0
        self.value = 0.0
        self.offer(self.vector)

    def offer(self, vector: np.ndarray) -> bool:
        """Take a vector if it is longer after the layer; of a complex one and a real layer, its better part."""
        flat = np.asarray(vector).reshape(-1)
        if flat.dtype.kind == "c" and self.op.dtype.kind != "c":
            return max(self.offer(flat.real), self.offer(flat.imag))
        size = length(flat)
        if not (0 < size < np.inf):
            return False
        flat = flat / np.abs(flat).max()
        flat = flat / np.linalg.norm(flat)
        value = self._proved(flat)
        if value <= self.value:
            return False
        self.value, self.vector = value, flat.reshape(self.op.in_shape)
        return True

    def _proved(self, flat: np.ndarray) -> float:
        """What the operator certainly makes of the vector: the length computed, less what rounding may have added."""
        image = self.op @ flat
        lost = self._growth * length(self._sizes @ np.abs(flat)) + 2 * self._absolute
        # Zeros add no rounding.
        sums = (np.count_nonzero(flat) + np.count_nonzero(image) + 16) * UNIT
        found = length(image) * (1 - sums) - lost * (1 + sums) * (1 + self._growth)
        return rounded_down(found / (length(flat) * (1 + sums))) if found > 0 else 0.0

    def search(self, enough: float, tol: float, rng: np.random.Generator, start: np.ndarray | None = None) -> None:
        """Lanczos on `A^H A` or `A A^H`, from a start or a random one: until it shows a value of `enough`, or settles.

        It settles when the residual is below `tol` times the value, which says that some singular value is so near, not
        that it is the largest.
        """
        by_rows = self.op.shape[0] < self.op.shape[1]
        adjoint = self.op.H
        first, second = (adjoint, self.op) if by_rows else (self.op, adjoint)
        size = min(self.op.shape)
        if start is None:
            vector = rng.standard_normal(size)
        else:
            vector = self.op @ start.reshape(-1) if by_rows else start.reshape(-1)
        for _ in range(_RESTARTS):
            dtype = np.result_type(vector, self.op.dtype)
            vector, is_done = _lanczos(lambda v: second @ (first @ v), vector, dtype, enough**2, tol)
            self.offer(adjoint @ vector if by_rows else vector)
            if is_done or self.value >= enough:
                return


def _lanczos(
    apply: Callable[[np.ndarray], np.ndarray], start: np.ndarray, dtype: Any, enough: float, tol: float
) -> tuple[np.ndarray, bool]:
    """The vector of the largest value that a basis grown from `start` shows; whether it is `enough` or settled."""
    most = int(min(start.size, _LONGEST, max(_SHORTEST, _BYTES // (16 * start.size))))
    basis = np.empty((most, start.size), dtype=dtype)
    diagonal, beside = np.zeros(most), np.zeros(most)
    basis[0] = start / np.linalg.norm(start)
    for count in range(1, most + 1):
        grown = basis[:count]
        image = apply(grown[-1])
        diagonal[count - 1] = np.vdot(grown[-1], image).real
        for _ in range(2):
            # Once leaves what rounding makes of it, which grows from step to step.
            image = image - np.conj(np.conj(image) @ grown.T) @ grown
        residual = float(np.linalg.norm(image))
        values, vectors = eigh_tridiagonal(diagonal[:count], beside[: count - 1])
        is_near = count > _SHORTEST and residual * abs(vectors[-1, -1]) <= tol * values[-1]
        is_done = bool(is_near or residual <= 1e-14 * values[-1] or values[-1] >= enough)
        if is_done or count == most:
            break
        beside[count - 1] = residual
        basis[count] = image / residual
    return vectors[:, -1] @ grown, is_done
