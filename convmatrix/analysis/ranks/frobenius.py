"""The Frobenius norm of an operator without its matrix."""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.spectrum.structure import factors_of, stripped
from convmatrix.errors import MatrixTooLargeError
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

_MOST_ENTRIES = 20_000_000


def frobenius(op: TensorOperator) -> float | None:
    """The root of the sum of the squared entries of an operator in floats; None where only its matrix would tell.

    Of a layer, with `G_a[s, t]` the number of outputs along axis `a` whose taps s and t read one input: the root of
    the sum over pairs of channels of `w^H (G_1 kron G_2 ...) w`.

    Examples
    --------
    >>> import convmatrix as cm
    >>> frobenius(cm.conv([3.0, 4.0], 5, padding=((0, 1),), padding_mode="circular"))
    11.180339887498949
    """
    own = stripped(op)
    factor = abs(own.factor)
    if own.core is None:
        return math.sqrt(op.shape[0]) * factor
    found = _of_core(own.core)
    return None if found is None else found * factor


def _of_core(op: TensorOperator) -> float | None:
    if isinstance(op, Transposed):
        return _of_core(op.of)
    if isinstance(op, Convolution):
        return math.sqrt(_square(op.geometry, op.weight))
    if isinstance(op, (AvgPool, Resize)):
        return math.prod(float(np.linalg.norm(factor.op.tosparse().data)) for factor in factors_of(op))
    try:
        if op.nnz > _MOST_ENTRIES:
            return None
    except MatrixTooLargeError:
        return None
    return float(np.linalg.norm(op.tosparse().data))


def _square(geometry: Geometry, weight: np.ndarray) -> float:
    met = weight
    for place, axis in enumerate(geometry.axes, start=2):
        met = np.moveaxis(np.tensordot(met, _meetings(axis), axes=(place, 0)), -1, place)
    return max(float(np.vdot(weight, met).real), 0.0)


def _meetings(axis: Axis) -> np.ndarray:
    """How many outputs read one input through two taps, for every pair of taps."""
    reads = axis.reads()
    columns = [(own[:, None] == reads) & (own >= 0)[:, None] for own in reads.T]
    return np.array([column.sum(axis=0) for column in columns], dtype=np.float64)
