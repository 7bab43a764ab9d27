"""A filter as matrices: one unfolding a mode, and their singular values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def unfold(filters: np.ndarray, mode: int, axes: int) -> np.ndarray:
    """The unfolding of the last `axes` axes: axis `mode` as rows, the others in order, row-major, as columns.

    >>> unfold(np.arange(8).reshape(2, 2, 2), 1, 3)
    array([[0, 1, 4, 5],
           [2, 3, 6, 7]])
    """
    lead = filters.ndim - axes
    moved = np.moveaxis(filters, lead + mode, lead)
    return moved.reshape(*moved.shape[: lead + 1], math.prod(moved.shape[lead + 1 :]))


def largest_side(shape: tuple[int, ...]) -> int:
    """The most rows or columns of any unfolding of a filter of this shape."""
    return max((max(size, math.prod(shape) // size) for size in shape), default=1)


def scaled(filters: np.ndarray, axes: int) -> tuple[np.ndarray, np.ndarray]:
    """Every filter in double precision times a power of 2 that brings its largest magnitude to 1/2 ... 1.

    Returns the filters and the exponents taken out, of the shape of the batch. Nothing is rounded but what lies
    2**-1022 below the largest.
    """
    kind = np.complex128 if filters.dtype.kind == "c" else np.float64
    wide = np.ascontiguousarray(filters, dtype=kind)
    parts = wide.view(np.float64)
    exponents = np.frexp(np.abs(parts).max(axis=tuple(range(-axes, 0)), initial=0))[1]
    small = np.ldexp(parts, -exponents.reshape(*exponents.shape, *(1,) * axes))
    return small.view(kind), exponents


def compressed(filters: np.ndarray, axes: int) -> np.ndarray:
    """Filters with the same singular values of every unfolding, an axis longer than all others together cut to those.

    Of the tall unfolding `Q R` the triangle is kept: turning one axis by `Q` changes no other unfolding's values.
    """
    lead, shape = filters.shape[:-axes], filters.shape[-axes:]
    mode = int(np.argmax(shape))
    others = math.prod(shape) // max(shape[mode], 1)
    if shape[mode] <= others:
        return filters
    triangle = _triangle(unfold(filters, mode, axes))
    rest = [size for axis, size in enumerate(shape) if axis != mode]
    return np.moveaxis(triangle.reshape(*lead, others, *rest), len(lead), len(lead) + mode)


def spectra(filters: np.ndarray, axes: int) -> list[np.ndarray]:
    """Singular values of every unfolding, descending, one array of shape `(*batch, min(rows, columns))` a mode."""
    small = compressed(filters, axes)
    return [_singular_values(unfold(small, mode, axes)) for mode in range(axes)]


def _triangle(tall: np.ndarray) -> np.ndarray:
    """R of Q R."""
    factors: Any = np.linalg.qr(tall, mode="r")
    return np.asarray(factors)


def _singular_values(matrices: np.ndarray) -> np.ndarray:
    """By the triangle of a QR where one side is much longer: several times faster for a batch, and as accurate."""
    rows, columns = matrices.shape[-2:]
    tall = matrices if rows >= columns else np.swapaxes(matrices, -1, -2)
    if tall.shape[-2] > 2 * tall.shape[-1]:
        tall = _triangle(tall)
    return np.linalg.svd(tall, compute_uv=False)


def error_bounds(values: list[np.ndarray], side: int) -> np.ndarray:
    """The Frobenius error no rank-1 filter can undercut: the most that any unfolding's rank-1 approximation leaves.

    What the singular values may be rounded by, `side * eps` of the norm, is taken off.
    """
    rests = np.stack([np.linalg.norm(own[..., 1:], axis=-1) for own in values])
    rounding = side * float(np.finfo(np.float64).eps) * np.linalg.norm(values[0], axis=-1)
    return np.maximum(rests.max(axis=0) - rounding, 0.0)
