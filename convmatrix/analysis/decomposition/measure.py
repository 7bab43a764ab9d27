"""Norms of the matrix of a convolution without the matrix: from its weight and its axes' tables."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from scipy.sparse.linalg import svds

from convmatrix.analysis.decomposition.lowrank import double, scaling, shifted
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators.convolution import Convolution

DENSE = 250_000
"""Entries up to which a spectral norm is taken from the dense matrix."""
APPLIED = 6_000_000
"""Entries of the largest matrix whose spectral norm is sought by applying it."""
_SPECTRAL_TOL = 1e-2


def frobenius(geometry: Geometry, weight: np.ndarray) -> float:
    """The Frobenius norm of the convolution's matrix.

    With `G_a[s, t]` the number of outputs of axis a whose taps s and t read the same input, the squared norm is the sum
    of `w_s w_t prod_a G_a[s_a, t_a]` over all channels and taps: taps that meet in one entry are added before squaring.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> op = cm.conv([1.0, 2.0, 3.0], 4, padding=1, padding_mode="replicate")
    >>> round(frobenius(op.geometry, op.weight), 12) == round(float(np.linalg.norm(op.toarray())), 12)
    True
    """
    power = scaling(weight)
    scaled = shifted(double(weight), -power)
    met = scaled
    for number, axis in enumerate(geometry.axes):
        met = np.moveaxis(np.tensordot(met, _meetings(axis), axes=(number + 2, 0)), -1, number + 2)
    return scaled_back(math.sqrt(max(float((scaled.conj() * met).real.sum()), 0.0)), power)


def spectral(geometry: Geometry, weight: np.ndarray) -> tuple[float, Geometry]:
    """The largest singular value of the matrix, from below to about 1 %, and the geometry it was found on.

    That is the layer's own, or where its matrix has too many entries the same layer on a smaller input, of whose matrix
    the large one's is at least the norm away from the borders.
    """
    smaller = shrunk(geometry, APPLIED)
    power = scaling(weight)
    op = Convolution(smaller, shifted(double(weight), -power))
    rows, columns = op.shape
    if not weight.any():
        return 0.0, smaller
    if rows * columns <= DENSE or min(rows, columns) <= 2:
        return scaled_back(float(np.linalg.norm(op.toarray(), 2)), power), smaller
    start = np.random.default_rng(0).standard_normal(min(rows, columns))
    found: Any = svds(op, k=1, tol=_SPECTRAL_TOL, v0=start, return_singular_vectors=False, maxiter=60)
    return scaled_back(float(found[0]), power), smaller


def shrunk(geometry: Geometry, entries: int) -> Geometry:
    """The same layer on an input small enough for so many entries, or as small as the kernel allows."""
    while geometry.nnz > entries:
        order = sorted(range(len(geometry.axes)), key=lambda number: -geometry.axes[number].output_size)
        halves = ((number, _halved(geometry.axes[number])) for number in order)
        number, axis = next(((n, half) for n, half in halves if half != geometry.axes[n]), (-1, None))
        if axis is None:
            break
        axes = (*geometry.axes[:number], axis, *geometry.axes[number + 1 :])
        geometry = dataclasses.replace(geometry, axes=axes)
    return geometry


def _halved(axis: Axis) -> Axis:
    """The axis on about half its outputs, and no less input than its border rule needs."""
    outputs = max(axis.output_size // 2, 1)
    reach = (outputs - 1) * axis.stride + axis.extent - axis.pad_before - axis.pad_after
    least = max(axis.pad_before, axis.pad_after) + 1 if axis.padding_mode != "zeros" else 1
    size = max(reach, least)
    if size >= axis.input_size:
        return axis
    rule = (size + axis.pad_before + axis.pad_after - axis.extent) // axis.stride + 1
    return Axis(
        size, axis.kernel_size, rule, axis.stride, axis.dilation, axis.pad_before, axis.pad_after, axis.padding_mode
    )


def _meetings(axis: Axis) -> np.ndarray:
    """`(kernel_size, kernel_size)`: outputs whose two taps read the same input."""
    reads = axis.reads()
    real = reads >= 0
    rows = [((reads == reads[:, tap : tap + 1]) & real).sum(axis=0) for tap in range(axis.kernel_size)]
    return np.array(rows, dtype=np.float64)


def scaled_back(value: float, power: int) -> float:
    """`value * 2**power`, infinite where that exceeds every float."""
    try:
        return math.ldexp(value, power)
    except OverflowError:
        return math.inf
