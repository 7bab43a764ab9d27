"""The frequencies of a ripple: the Fourier transform of what is left of the gains without their mean."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.analysis.checkerboard.evenness import as_real, roomy
from convmatrix.analysis.comparison import as_float
from convmatrix.memory import check_size

Frequency = tuple[Fraction, ...]
_NOISE = 1e-12
_ALIKE = 9


def components(values: np.ndarray, axes: int) -> np.ndarray:
    """Magnitude of each component of the ripple, in the unit of the values: `(*period, ...)`, index 0 the mean's.

    The coefficients of the Fourier series: the transform over the phases, divided by their number, the mean removed.

    Examples
    --------
    >>> components(np.array([[4], [2]]), 1).tolist()
    [[0.0], [1.0]]
    """
    check_size(f"the spectrum of {values.size} gains", 48 * values.size, None)
    values = roomy(values)
    start = (slice(0, 1),) * axes
    gaps = values - values[start]
    largest: Any = max((abs(gap) for gap in gaps.flat), key=as_real, default=0)
    size = as_real(largest)
    if not size and not largest:
        return np.zeros(values.shape)
    # Relative to the largest gap, exact values of any magnitude fit a float.
    relative = gaps / largest if gaps.dtype.kind in "fc" else _relative(gaps, largest)
    found = np.abs(np.fft.fftn(relative, axes=range(axes), norm="forward"))
    found[(0,) * axes] = 0
    found[found <= _NOISE * found.max()] = 0
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(found > 0, found * size, 0.0)


def listed(spectrum: np.ndarray, *, is_real: bool) -> tuple[tuple[Frequency, float], ...]:
    """Frequencies in cycles per output position an axis, in `(-1/2, 1/2]`, with magnitudes, the strongest first.

    Of real values a frequency and its negative are the same component, and stand here once; of equally strong ones the
    slower come first.

    Examples
    --------
    >>> listed(np.array([0.0, 1.0, 1.0]), is_real=True)
    (((Fraction(1, 3),), 1.0),)
    """
    found: dict[Frequency, float] = {}
    for index in np.argwhere(spectrum > 0).tolist():
        pairs = list(zip(index, spectrum.shape, strict=True))
        frequency, negative = _folded(pairs, 1), _folded(pairs, -1)
        found[max(frequency, negative) if is_real else frequency] = float(spectrum[tuple(index)])
    strongest = max(found.values(), default=1.0)

    def rank(item: tuple[Frequency, float]) -> tuple[Any, ...]:
        # Magnitudes that differ by rounding alone are alike.
        alike = round(item[1] / strongest, _ALIKE) if np.isfinite(strongest) else 0
        return -alike, sum(map(abs, item[0])), [-part for part in item[0]]

    return tuple(sorted(found.items(), key=rank))


def _folded(pairs: list[tuple[int, int]], sign: int) -> Frequency:
    """An index as a frequency in `(-1/2, 1/2]`."""
    half = Fraction(1, 2)
    parts = (Fraction(sign * place % period, period) for place, period in pairs)
    return tuple(part if part <= half else part - 1 for part in parts)


def _relative(gaps: np.ndarray, largest: Any) -> np.ndarray:
    """Exact gaps as floats, in parts of the largest."""
    known: dict[Any, Any] = {}
    for gap in gaps.flat:
        key = gap.item() if isinstance(gap, np.generic) else gap
        if key not in known:
            known[key] = as_float(_quotient(key, largest))
    flat = [known[gap.item() if isinstance(gap, np.generic) else gap] for gap in gaps.flat]
    return np.array(flat, dtype=complex if any(isinstance(value, complex) for value in flat) else float).reshape(
        gaps.shape
    )


def _quotient(gap: Any, largest: Any) -> Any:
    whole = largest.item() if isinstance(largest, np.generic) else largest
    return Fraction(gap) / Fraction(whole) if isinstance(gap, (int, Fraction)) else gap / whole
