"""Is a float kernel a simple rational one in disguise? The simplest fractions within a tolerance of its entries."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from convmatrix import exact

MAX_DENOMINATOR = 4096
"""The largest denominator of an entry."""
MAX_COMMON = 1 << 20
"""The largest common denominator of all entries."""
MAX_ENTRIES = 4096
"""The most entries of a kernel that is looked at."""


def nearest_rational_kernel(kernel: np.ndarray, tol: float) -> np.ndarray | None:
    """The simple rational kernel within `tol` of a real float kernel, or None.

    With w = `tol` times the largest magnitude M, and the *simplest* fraction of an interval the one of least
    denominator in it, it is the first of these that differs from the kernel by at most w in every entry:

    1. the simplest fraction within w of each entry, their denominators at most `MAX_DENOMINATOR` and their least common
       multiple at most `MAX_COMMON`; not tried where w is 1/4 or more, as then any number is near an integer;
    2. a multiple of such a kernel: the simplest fractions within `tol` of the ratios of the entries to M, under the
       same bounds, times `f * 10**k` near M, where f is the simplest fraction within `tol` of `M / 10**k` (at least 1
       and below 10, denominator at most `MAX_DENOMINATOR`), or else times M itself as the dyadic number it is.

    Returns
    -------
    ndarray of int or Fraction, or None

    References
    ----------
    Graham, Knuth, Patashnik: Concrete Mathematics, section 4.5 (the Stern-Brocot tree).

    Examples
    --------
    >>> nearest_rational_kernel(np.array([[0.1, 0.25]]), 1e-15)
    array([[Fraction(1, 10), Fraction(1, 4)]], dtype=object)
    """
    if kernel.dtype.kind != "f" or kernel.size > MAX_ENTRIES:
        return None
    entries = [Fraction(value) for value in kernel.ravel().tolist()]
    largest = max(map(abs, entries))
    window = Fraction(tol) * largest
    found = _simple(entries, window) if window < Fraction(1, 4) else None
    if found is None:
        found = _multiple(entries, largest, Fraction(tol))
    if found is None:
        return None
    rational = np.empty(kernel.size, dtype=object)
    rational[:] = found
    settled = exact.as_array(rational, "kernel").reshape(kernel.shape)
    settled.setflags(write=False)
    return settled


def simplest_fraction(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of least denominator from `low` to `high`, of those the one nearest 0.

    >>> simplest_fraction(Fraction(3, 10), Fraction(2, 5))
    Fraction(1, 3)
    """
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest_fraction(-high, -low)
    wholes: list[int] = []
    while True:
        whole = math.ceil(low)
        if whole <= high:
            value = Fraction(whole)
            for part in reversed(wholes):
                value = part + 1 / value
            return value
        # Both ends lie between the same two integers: what is left of them is turned over.
        wholes.append(whole - 1)
        low, high = 1 / (high - whole + 1), 1 / (low - whole + 1)


def _multiple(entries: list[Fraction], largest: Fraction, tol: Fraction) -> list[Fraction] | None:
    """The simple ratios to the largest entry, at its scale."""
    ratios = _simple([value / largest for value in entries], tol) if largest else None
    if ratios is None:
        return None
    power = Fraction(10) ** math.floor(math.log10(largest.numerator) - math.log10(largest.denominator))
    mantissa = largest / power
    near = simplest_fraction(mantissa - tol, mantissa + tol)
    for scale in (near * power, largest) if 0 < near.denominator <= MAX_DENOMINATOR else (largest,):
        trial = [scale * ratio for ratio in ratios]
        if all(abs(new - old) <= tol * largest for new, old in zip(trial, entries, strict=True)):
            return trial
    return None


def _simple(entries: list[Fraction], window: Fraction) -> list[Fraction] | None:
    """The simplest fraction within the window of each entry; None once a denominator is too large."""
    found, common = [], 1
    for value in entries:
        near = simplest_fraction(value - window, value + window)
        common = math.lcm(common, near.denominator)
        if near.denominator > MAX_DENOMINATOR or common > MAX_COMMON:
            return None
        found.append(near)
    return found
