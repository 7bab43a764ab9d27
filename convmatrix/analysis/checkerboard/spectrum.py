"""The frequencies of a ripple: the Fourier transform of what is left of the gains without their mean."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.analysis.checkerboard.evenness import as_real, in_order, roomy
from convmatrix.analysis.comparison import as_float
from convmatrix.memory import check_size

Frequency = tuple[Fraction, ...]
_NOISE = 1e-12
_LEAST = 5e-324
_ALIKE = 9


def components(values: np.ndarray, axes: int) -> np.ndarray:
    """Magnitude of each component of the ripple, in the unit of the values: `(*period, ...)`, index 0 the mean's.

    The coefficients of the Fourier series: the transform over the phases, divided by their number, the mean removed.

    Examples
    --------
    >>> components(np.array([[4], [2]]), 1).tolist()
    [[0.0], [1.0]]
    """
    return in_unit(*shares(values, axes))


def shares(values: np.ndarray, axes: int) -> tuple[np.ndarray, float]:
    """`components` in parts of a number, and that number: exact values of any magnitude have such parts."""
    check_size(f"the spectrum of {values.size} gains", 48 * values.size)
    values = roomy(values)
    gaps = values - values[(slice(0, 1),) * axes]
    largest: Any = _largest(gaps)
    if not largest:
        return np.zeros(values.shape), 0.0
    relative = _relative(gaps, largest) if gaps.dtype == object else gaps / largest
    found = np.abs(np.fft.fftn(relative, axes=range(axes), norm="forward"))
    found[(0,) * axes] = 0
    found[found <= _NOISE * found.max()] = 0
    return found, as_real(largest)


def in_unit(found: np.ndarray, unit: float) -> np.ndarray:
    """Parts of a number as floats: infinite, or the least there is, where these are beyond or below the range."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return np.where(found > 0, np.maximum(found * unit, _LEAST), 0.0)


def listed(found: np.ndarray, unit: float, *, is_real: bool) -> tuple[tuple[Frequency, float], ...]:
    """Frequencies in cycles per output position an axis, in `(-1/2, 1/2]`, with magnitudes, the strongest first.

    Of real values a frequency and its negative are the same component, and stand here once; of equally strong ones the
    slower come first.

    Parameters
    ----------
    found, unit : ndarray of shape `(*period)`, float
        What `shares` gives.
    is_real : bool
        Whether the values were.

    Examples
    --------
    >>> listed(np.array([0.0, 1.0, 1.0]), 2.0, is_real=True)
    (((Fraction(1, 3),), 2.0),)
    """
    strongest = float(found.max())
    parts: dict[Frequency, tuple[int, ...]] = {}
    for index in map(tuple, np.argwhere(found > 0).tolist()):
        pairs = list(zip(index, found.shape, strict=True))
        frequency, negative = _folded(pairs, 1), _folded(pairs, -1)
        parts[max(frequency, negative) if is_real else frequency] = index

    def rank(frequency: Frequency) -> tuple[Any, ...]:
        # Magnitudes that differ by rounding alone are alike.
        alike = round(float(found[parts[frequency]]) / strongest, _ALIKE)
        return -alike, sum(map(abs, frequency)), [-part for part in frequency]

    magnitudes = in_unit(found, unit)
    return tuple((frequency, float(magnitudes[parts[frequency]])) for frequency in sorted(parts, key=rank))


def _folded(pairs: list[tuple[int, int]], sign: int) -> Frequency:
    """An index as a frequency in `(-1/2, 1/2]`."""
    half = Fraction(1, 2)
    parts = (Fraction(sign * place % period, period) for place, period in pairs)
    return tuple(part if part <= half else part - 1 for part in parts)


def _relative(gaps: np.ndarray, largest: Any) -> np.ndarray:
    """Exact gaps as floats, in parts of the largest."""
    known = {gap: as_float(_quotient(gap, largest)) for gap in set(gaps.flat)}
    flat = [known[gap] for gap in gaps.flat]
    is_complex = any(isinstance(value, complex) for value in flat)
    return np.array(flat, dtype=complex if is_complex else float).reshape(gaps.shape)


def _quotient(gap: Any, largest: Any) -> Any:
    return Fraction(gap) / Fraction(largest) if isinstance(gap, (int, Fraction)) else gap / largest


def _largest(gaps: np.ndarray) -> Any:
    """The largest magnitude, of exact gaps exact."""
    sizes = np.abs(gaps)
    return sizes.max(initial=0).item() if gaps.dtype != object else max(sizes.flat, key=in_order, default=0)
