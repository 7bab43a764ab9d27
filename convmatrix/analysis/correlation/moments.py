"""Second moments of two sets of filters, and the correlation coefficients that they give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError


@dataclass(frozen=True, eq=False)
class Moments:
    """Centred second moments, each filter in a unit of its own: a correlation does not know of units.

    Parameters
    ----------
    cross : ndarray of shape (filters of the second, filters of the first)
        Of every pair.
    second, first : ndarray of shape (filters,)
        Of every filter with itself; exactly 0 for one that does not respond.
    exact : bool
        Whether these are integers and fractions.
    """

    cross: np.ndarray
    second: np.ndarray
    first: np.ndarray
    exact: bool

    @property
    def silent(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The filters of the second and of the first whose response never changes."""
        second, first = (tuple(np.flatnonzero(own == 0).tolist()) for own in (self.second, self.first))
        return second, first

    def squares(self) -> np.ndarray | None:
        """The squared coefficients as fractions where the moments are exact; 0 beside a silent filter."""
        if not self.exact:
            return None
        second, first = ([Fraction(value) for value in own.tolist()] for own in (self.second, self.first))
        found = np.empty(self.cross.shape, dtype=object)
        for j, row in enumerate(self.cross.tolist()):
            for i, value in enumerate(row):
                scale = second[j] * first[i]
                found[j, i] = Fraction(value) ** 2 / scale if scale else Fraction(0)
        return found

    def coefficients(self) -> np.ndarray:
        """The correlation coefficients as floats; 0 beside a silent filter."""
        squares = self.squares()
        if squares is not None:
            roots = np.array([[math.sqrt(value) for value in row] for row in squares])
            return np.where((self.cross < 0).astype(bool), -roots, roots)
        scale = np.multiply.outer(np.sqrt(self.second), np.sqrt(self.first))
        found = np.divide(self.cross, scale, out=np.zeros_like(self.cross), where=scale > 0)
        # Rounding may leave a little more than 1.
        size = np.abs(found)
        return np.divide(found, size, out=found, where=size > 1)


def times_power(values: np.ndarray, exponents: Any) -> np.ndarray:
    """`values * 2**exponents` without a power that over- or underflows on its own."""
    if values.dtype.kind != "c":
        return np.ldexp(values, exponents)
    return np.ldexp(values.real, exponents) + 1j * np.ldexp(values.imag, exponents)


def largest_part(values: np.ndarray) -> np.ndarray:
    """Magnitudes that do not overflow: of a complex number its larger part."""
    return np.maximum(np.abs(values.real), np.abs(values.imag)) if values.dtype.kind == "c" else np.abs(values)


def check_finite(values: np.ndarray, what: str) -> None:
    """Refuse NaN and infinity.

    Raises
    ------
    ConvMatrixError
    """
    if not np.isfinite(values).all():
        raise ConvMatrixError(f"{what} must be finite, got {values[~np.isfinite(values)][0]}")
