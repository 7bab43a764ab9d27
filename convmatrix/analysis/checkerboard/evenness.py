"""How far the answers of the phases are apart: by `==` for exact values, by magnitude for floats.

Arrays here are `(*period, ...)`: as many axes of phases as are said, then channels.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.comparison import as_float, vanishes

_ROOMY = 2**61
_DIGITS = 60


def has_symbols(values: np.ndarray) -> bool:
    """Whether an entry is an expression in symbols, and not a number."""
    return values.dtype == object and any(exact.is_sympy(value) and value.free_symbols for value in values.flat)


def roomy(values: np.ndarray) -> np.ndarray:
    """Integers as Python's own where a difference or a sum of two might wrap."""
    return values.astype(object) if values.dtype.kind == "i" and largest_integer(values) >= _ROOMY else values


def largest_integer(values: np.ndarray) -> int:
    """The largest magnitude of integers of a fixed size, the most negative of them included."""
    return max(-int(values.min(initial=0)), int(values.max(initial=0)))


def spread(members: np.ndarray) -> np.ndarray:
    """Largest minus smallest down each column of `(members, columns)`; of complex numbers the largest distance.

    Of expressions in symbols 0 where they are identically equal, otherwise None.

    Examples
    --------
    >>> spread(np.array([[1, 5], [3, 5]]))
    array([2, 0])
    """
    if members.dtype == object and any(map(exact.is_sympy, members.flat)):
        spreads = np.empty(members.shape[1], dtype=object)
        spreads[:] = [_spread_of_expressions(column) for column in members.T]
        return spreads
    members = roomy(members)
    if members.dtype.kind != "c":
        return np.asarray(members.max(axis=0) - members.min(axis=0))
    widest = np.zeros(members.shape[1])
    for member in np.unique(members, axis=0):
        widest = np.maximum(widest, np.abs(members - member).max(axis=0))
    return widest


def is_even(members: np.ndarray, tol: float | Fraction) -> bool:
    """Whether the members agree in every column: by `==` where `tol` is 0."""
    if not tol and members.dtype != object:
        return bool((members == members[0]).all())
    if not tol:
        return all(_agree(column) for column in members.T)
    if members.dtype.kind == "c":
        # Nobody is further from another than twice from the first.
        reach = np.abs(members - members[0]).max(initial=0)
        if reach > tol or 2 * reach <= tol:
            return bool(reach <= tol)
    spreads = spread(members)
    if spreads.dtype != object:
        return bool((spreads <= tol).all())
    return all(value is not None and bool(value <= tol) for value in spreads.tolist())


def is_zero(values: np.ndarray, tol: float) -> bool:
    """Whether nothing is larger than `tol`: of expressions, whether they vanish identically."""
    if values.dtype == object and any(map(exact.is_sympy, values.flat)):
        return all(map(vanishes, values.flat))
    return bool((np.abs(values) <= tol).all())


def least_period(values: np.ndarray, axes: int, tol: float) -> tuple[int, ...]:
    """After how many phases an axis the values repeat, together; all 1 exactly if all phases agree.

    Examples
    --------
    >>> least_period(np.array([[1, 2], [1, 2], [1, 2]]), 2, 0)
    (1, 2)
    """
    whole = values.shape[:axes]
    period = list(whole)
    for axis, size in enumerate(whole):
        for shorter in _divisors(size):
            tried = (*period[:axis], shorter, *period[axis + 1 :])
            if shorter == size or is_even(in_classes(values, tried), tol):
                period[axis] = shorter
                break
    return tuple(period)


def in_classes(values: np.ndarray, period: tuple[int, ...]) -> np.ndarray:
    """`(members, phases of the period * the rest)`: the phases that a shorter period makes one, under each other."""
    axes = len(period)
    sizes = [part for size, own in zip(values.shape, period, strict=False) for part in (size // own, own)]
    order = [*range(0, 2 * axes, 2), *range(1, 2 * axes, 2), *range(2 * axes, values.ndim + axes)]
    split = values.reshape(*sizes, *values.shape[axes:]).transpose(order)
    return split.reshape(math.prod(sizes[::2]), -1)


def merged(values: np.ndarray, period: tuple[int, ...], tol: float) -> np.ndarray:
    """One value for each phase of a shorter period: the one they share, or within a tolerance their mean."""
    members = in_classes(values, period)
    first = members[0] if len(members) == 1 or not tol else mean(members)
    return np.array(first.reshape(*period, *values.shape[len(period) :]))


def mean(members: np.ndarray) -> np.ndarray:
    """The mean down each column; a fraction of integers, and of floats without leaving their range.

    Examples
    --------
    >>> mean(np.array([[1, 4], [2, 4]]))
    array([Fraction(3, 2), Fraction(4, 1)], dtype=object)
    """
    if members.dtype.kind in "fc":
        return np.asarray((members / len(members)).sum(axis=0))
    return np.asarray(members.astype(object).sum(axis=0) * Fraction(1, len(members)))


def tiled(values: np.ndarray, period: tuple[int, ...]) -> np.ndarray:
    """The values over a longer period, a multiple of their own."""
    repeats = [long // short for long, short in zip(period, values.shape, strict=False)]
    return np.tile(values, (*repeats, *[1] * (values.ndim - len(period))))


def shifted(values: np.ndarray, offset: tuple[int, ...]) -> np.ndarray:
    """Of output positions modulo a period, those by phase: `(position + offset) mod period`."""
    return np.roll(values, offset, axis=tuple(range(len(offset))))


def largest(values: np.ndarray) -> Any:
    """The largest of exact or inexact numbers; None where one is an expression in symbols."""
    if values.dtype != object:
        return values.max().item()
    listed = values.tolist()
    if any(value is None for value in listed) or has_symbols(values):
        return None
    return max(listed, key=in_order)


def largest_mean(members: np.ndarray) -> Any:
    """The largest magnitude of a column's `mean`.

    Examples
    --------
    >>> largest_mean(np.array([[1, -4], [2, -5]]))
    Fraction(9, 2)
    """
    if members.dtype.kind == "i" and largest_integer(members) < 2**63 // len(members):
        return Fraction(int(np.abs(members.sum(axis=0)).max()), len(members))
    return largest(np.abs(mean(members)))


def in_order(value: Any) -> Any:
    """What numbers are sorted by: radicals by their value, of any scale."""
    return abs(value).evalf(_DIGITS) if exact.is_sympy(value) else value


def as_real(value: Any) -> float:
    """An exact or inexact magnitude as a float, infinite beyond their range."""
    return float(abs(as_float(value)))


def _divisors(size: int) -> list[int]:
    return [n for n in range(1, size + 1) if size % n == 0]


def _agree(column: np.ndarray) -> bool:
    first = column[0]
    return all(value == first or (_is_expression(value, first) and vanishes(value - first)) for value in column)


def _is_expression(value: Any, other: Any) -> bool:
    return exact.is_sympy(value) or exact.is_sympy(other)


def _spread_of_expressions(column: np.ndarray) -> Any:
    """Exactly, of numbers such as radicals; None where symbols leave it open."""
    if _agree(column):
        return 0
    distinct = list(dict.fromkeys(column.tolist()))
    if any(exact.is_sympy(value) and value.free_symbols for value in distinct):
        gaps = [first - second for first, second in combinations(distinct, 2)]
        if any(exact.is_sympy(gap) and gap.free_symbols for gap in gaps):
            return None
    import sympy

    if all(exact.to_sympy(value).is_real for value in distinct):
        ordered = sorted(distinct, key=lambda value: exact.to_sympy(value).evalf(_DIGITS))
        return sympy.expand(exact.to_sympy(ordered[-1] - ordered[0]))
    gaps = [sympy.expand(exact.to_sympy(first - second)) for first, second in combinations(distinct, 2)]
    return sympy.Abs(max(gaps, key=lambda gap: abs(as_float(gap))))
