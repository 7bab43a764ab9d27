"""Filters of integers and fractions: proofs of their multilinear rank, and nearby rank-1 filters in whole numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.flattening.nearest import nearest_rank_one
from convmatrix.analysis.flattening.unfolding import unfold
from convmatrix.analysis.separability.certificate import Certificate
from convmatrix.exact.clearing import integers

Vectors = tuple[np.ndarray, ...]

_SLACK = Fraction(1, 10**12)
"""By how much, relatively, the error of simple factors may exceed that of the ones they stand for."""
_HIGH_BITS, _HIGH_SWEEPS = 400, 12
_DENOMINATORS = (*range(1, 13), *(2**bits for bits in (*range(4, 53), *range(60, _HIGH_BITS, 20))))


def cleared(filter: np.ndarray) -> tuple[np.ndarray, int]:
    """Python integers, which never wrap, and their common denominator."""
    values, common = integers(filter.ravel().tolist())
    whole = np.empty(filter.shape, dtype=object)
    whole.reshape(-1)[:] = values
    return whole, common


def rank_one_factors(filter: np.ndarray) -> tuple[Fraction, Vectors] | None:
    """`(scale, vectors)` of a filter of rank at most 1, or None.

    Through an entry `p` that is not 0 the filter has one line along each axis. It is of rank 1 if and only if it equals
    their outer product divided by `p**(axes - 1)`.

    Examples
    --------
    >>> rank_one_factors(np.array([[[2, 4], [4, 8]], [[-1, -2], [-2, -4]]]))
    (Fraction(1, 1), (array([ 2, -1]), array([1, 2]), array([1, 2])))
    """
    whole, common = cleared(filter)
    places = np.flatnonzero(whole)
    if not places.size:
        return Fraction(0), tuple(np.eye(1, size, dtype=np.int64)[0] for size in filter.shape)
    place = np.unravel_index(places[0], whole.shape)
    lines = [whole[(*place[:axis], slice(None), *place[axis + 1 :])] for axis in range(whole.ndim)]
    power = int(whole[place]) ** (whole.ndim - 1)
    if not (whole * power == reduce(np.multiply.outer, lines)).all():
        return None
    return _readable(Fraction(1, common * power), lines)


def _readable(scale: Fraction, vectors: Sequence[np.ndarray]) -> tuple[Fraction, Vectors]:
    """The same outer product of primitive integer vectors: a positive scale, and only the last may start below 0."""
    parts = []
    for vector in vectors:
        content, primitive = exact.primitive(vector)
        if next(value for value in primitive if value) < 0:
            primitive, content = -primitive, -content
        parts.append(primitive)
        scale *= content
    if scale < 0:
        scale, parts[-1] = -scale, -parts[-1]
    return scale, tuple(exact.as_array(part) for part in parts)


def outer(scale: Any, factors: Sequence[np.ndarray]) -> np.ndarray:
    """`scale` times the outer product, as objects that never wrap."""
    return np.asarray(reduce(np.multiply.outer, [factor.astype(object) for factor in factors]) * scale)


def multilinear_rank(filter: np.ndarray) -> tuple[int, ...]:
    """The rank of every unfolding, proved."""
    return tuple(exact.rank(unfold(filter, mode, filter.ndim)) for mode in range(filter.ndim))


def certificate(filter: np.ndarray) -> Certificate | None:
    """A 2x2 minor of the first unfolding that has one, or None for a filter of rank at most 1."""
    for mode in range(filter.ndim):
        minor = exact.nonzero_minor(unfold(filter, mode, filter.ndim))
        if minor is not None:
            rows, columns, value = minor
            return Certificate(rows, columns, value, mode)
    return None


def as_floats(filter: np.ndarray) -> tuple[np.ndarray, Fraction]:
    """The filter divided by its largest magnitude, correctly rounded, and that magnitude; any size of number."""
    whole, common = cleared(filter)
    largest = max(abs(value) for value in whole.flat) or 1
    small = np.array([value / largest for value in whole.flat]).reshape(whole.shape)
    return small, Fraction(largest, common)


def squared_norm(filter: np.ndarray) -> Fraction:
    """The sum of the squares of all entries."""
    whole, common = cleared(filter)
    return Fraction(sum(value * value for value in whole.flat), common**2)


def nearest_in_whole_numbers(filter: np.ndarray) -> tuple[Fraction, Vectors, Fraction]:
    """A rank-1 filter of integer vectors as near as the nearest one found in floats, and its squared error, exact.

    The vectors are those of the float answer rounded to the coarsest grid on which the error stays within a relative
    1e-12; the scale is the best for them, `<filter, outer> / |outer|^2`.

    Examples
    --------
    >>> nearest_in_whole_numbers(np.array([[[3, 0], [0, 0]], [[0, 0], [0, 1]]]))
    (Fraction(3, 1), (array([1, 0]), array([1, 0]), array([1, 0])), Fraction(1, 1))
    """
    whole, common = cleared(filter)
    _, found = nearest_rank_one(as_floats(filter)[0][None])
    norm = sum(value * value for value in whole.flat)
    fine = _refined(whole, [_on_grid(vector[0], 2**52) for vector in found], norm)
    most = _squared_error(whole, fine, norm) * (1 + 2 * _SLACK)
    vectors = next((trial for trial in _coarser(fine) if _squared_error(whole, trial, norm) <= most), fine)
    product = outer(1, vectors)
    scale = Fraction((whole * product).sum(), (product * product).sum() * common)
    return *_readable(scale, vectors), _squared_error(whole, vectors, norm) / common**2


def _on_grid(vector: np.ndarray, denominator: int) -> np.ndarray:
    """The vector with its largest magnitude at `denominator`, rounded to Python integers."""
    values = [Fraction(value) for value in vector.tolist()]
    largest = max(abs(value) for value in values)
    rounded = np.empty(len(values), dtype=object)
    rounded[:] = [round(value * denominator / largest) for value in values]
    return rounded


def _coarser(fine: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
    for denominator in _DENOMINATORS:
        yield [_on_grid(vector, denominator) for vector in fine]


def _squared_error(whole: np.ndarray, vectors: Sequence[np.ndarray], norm: Any) -> Fraction:
    """What the best multiple of the outer product leaves: `|filter|^2 - <filter, outer>^2 / |outer|^2`."""
    product = int(_against(whole, vectors, len(vectors) - 1) @ vectors[-1])
    return norm - Fraction(product**2, math.prod(int(vector @ vector) for vector in vectors))


def _against(whole: np.ndarray, vectors: Sequence[np.ndarray], mode: int) -> Any:
    """The filter summed against all vectors but one."""
    rest = whole
    for axis in range(len(vectors) - 1, -1, -1):
        if axis != mode:
            rest = np.moveaxis(rest, axis, -1) @ vectors[axis]
    return rest


def _refined(whole: np.ndarray, vectors: list[np.ndarray], norm: Any) -> list[np.ndarray]:
    """Sweeps of the power iteration in long integers, where an error lies below what floats can see."""
    error = _squared_error(whole, vectors, norm)
    for _ in range(_HIGH_SWEEPS):
        if error > norm * Fraction(1, 10**16):
            break
        better = list(vectors)
        for mode in range(len(better)):
            better[mode] = _on_grid(_against(whole, better, mode), 2**_HIGH_BITS)
        reached = _squared_error(whole, better, norm)
        if reached >= error * (1 - _SLACK):
            break
        vectors, error = better, reached
    return vectors
