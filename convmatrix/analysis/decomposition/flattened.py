"""Flattened layers: every filter the outer product of one vector a channel axis and one an axis of space.

References
----------
Jin, Dundar, Culurciello: Flattened convolutional neural networks for feedforward acceleration, arXiv:1412.5474.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.decomposition.lowrank import (
    EXACT_WORK,
    Rule,
    default_tol,
    double,
    scaling,
    shifted,
)
from convmatrix.analysis.decomposition.parts import Absent, Candidate, Part
from convmatrix.analysis.decomposition.splits import TOO_LARGE
from convmatrix.analysis.flattening.nearest import nearest_rank_one
from convmatrix.analysis.flattening.rational import rank_one_factors
from convmatrix.analysis.flattening.unfolding import largest_side, spectra
from convmatrix.operators.convolution import Convolution

NAME = "flattened"
_EXACT_WORK = EXACT_WORK / 1000
"""Entries that are multiplied out one by one, as Python's integers, up to which it is done exactly."""


def flattened(conv: Convolution, rule: Rule) -> Candidate | Absent | None:
    """1x1 to the output channels, then every channel filtered along one axis after the other.

    One filter an output channel, zeros included, must be of rank 1 over channels and axes; with one input channel a
    group the first step falls away. None where less than two of these axes are longer than 1.
    """
    weight = np.asarray(conv.weight)
    shape = [size for size in weight.shape[1:] if size > 1]
    if len(shape) < 2:
        return None
    filters = weight.reshape(weight.shape[0], *shape)
    too_large = weight.dtype.kind in "iO" and weight.size > _EXACT_WORK
    if weight.dtype.kind in "iO" and not too_large and rule.tol is None:
        found = _exact_vectors(filters)
        if isinstance(found, Absent):
            return found
        return Candidate(NAME, _settings(conv), _parts(conv, found), is_exact=True)
    numbers = exact.as_numbers(filters, np.float64) if weight.dtype.kind in "iO" else filters
    answer = _numerical(conv, numbers, rule)
    if isinstance(answer, Candidate) and too_large:
        return Candidate(**{**vars(answer), "notes": (TOO_LARGE.format(NAME),)})
    return answer


def _exact_vectors(filters: np.ndarray) -> list[np.ndarray] | Absent:
    """One stack of vectors an axis, the scale in the first; or the first filter that is none."""
    vectors = [np.zeros((len(filters), size), dtype=object) for size in filters.shape[1:]]
    for number, one in enumerate(filters):
        factors = rank_one_factors(one)
        if factors is None:
            return Absent(NAME, f"filter {number} is not of rank 1 (proved)")
        scale, lines = factors
        whole = scale.numerator if scale.denominator == 1 else Fraction(scale)
        for axis, line in enumerate(lines):
            vectors[axis][number] = line.astype(object) * whole if axis == 0 else line
    return [exact.as_array(stack) for stack in vectors]


def _numerical(conv: Convolution, filters: np.ndarray, rule: Rule) -> Candidate | Absent:
    axes = filters.ndim - 1
    side = largest_side(filters.shape[1:])
    tol = default_tol((side, side), filters.dtype) if rule.tol is None else rule.tol
    power = scaling(filters)
    scaled = shifted(double(filters), -power)
    for values in spectra(scaled, axes):
        second = values[:, 1] if values.shape[1] > 1 else np.zeros(len(values))
        if (second > tol * values.max()).any():
            number = int(np.argmax(second))
            return Absent(NAME, f"filter {number} is not of rank 1 (numerical, tolerance {tol:.2g})")
    scale, units = nearest_rank_one(scaled)
    root = (scale ** (1 / axes))[:, None]
    kind = filters.dtype if filters.dtype.itemsize <= scaled.dtype.itemsize else scaled.dtype
    shares = [power // axes] * (axes - 1) + [power - power // axes * (axes - 1)]
    vectors = [shifted(unit * root, share).astype(kind) for unit, share in zip(units, shares, strict=True)]
    product = reduce(_outer, [double(stack) for stack in vectors]).reshape(conv.weight.shape)
    return Candidate(NAME, _settings(conv), _parts(conv, vectors), product, tol=tol)


def _outer(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return left[..., None] * right.reshape(len(right), *[1] * (left.ndim - 1), right.shape[1])


def _settings(conv: Convolution) -> dict[str, Any]:
    groups = conv.geometry.groups
    return {"groups": groups} if groups > 1 else {}


def _parts(conv: Convolution, vectors: list[np.ndarray]) -> tuple[Part, ...]:
    """The 1x1 layer where there are channels to mix, and one depthwise layer an axis of more than one tap."""
    geometry = conv.geometry
    outputs, inputs, *kernel = conv.weight.shape
    ones = [1] * len(kernel)
    parts = [Part(vectors[0].reshape(outputs, inputs, *ones), (), geometry.groups)] if inputs > 1 else []
    wide = [axis for axis, size in enumerate(kernel) if size > 1]
    single = tuple(axis for axis, size in enumerate(kernel) if size == 1)
    for axis, stack in zip(wide, vectors[-len(wide) :], strict=True):
        shape = [kernel[axis] if other == axis else 1 for other in range(len(kernel))]
        # With one input channel a group, the first of them also spreads the inputs over the outputs.
        groups = outputs if parts else geometry.groups
        read = tuple(sorted((axis, *single))) if axis == wide[0] else (axis,)
        parts.append(Part(stack.reshape(outputs, 1, *shape), read, groups))
    return tuple(parts)
