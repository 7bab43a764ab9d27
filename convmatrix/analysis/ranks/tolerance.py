"""From which size on a singular value counts, and which operators are zeros whatever the size is."""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.spectrum.answer import singular_values
from convmatrix.analysis.spectrum.numbers import UNIT
from convmatrix.analysis.spectrum.structure import stripped
from convmatrix.errors import MatrixTooLargeError
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Transposed, steps_of
from convmatrix.operators.convolution import Convolution

_ROUNDING = 8 * UNIT
"""What rounding may leave of sums, as a share of their magnitudes."""
ZEROS = "zeros"
"""The proof of a rank of 0."""


def values_and_tol(op: TensorOperator, tol: float | None, eps: float) -> tuple[np.ndarray | None, float]:
    """All singular values of an operator in floats, and the tolerance that its rank is counted with.

    Parameters
    ----------
    op : TensorOperator
        In float64 or complex128.
    tol : float or None
        What was asked for, which is the tolerance then.
    eps : float
        Of the type that its weights were given in.

    Returns
    -------
    values : ndarray or None
        Descending; None where they are too many. By default zeros where all of them are but rounding.
    tol : float
        Relative to the largest.

    Examples
    --------
    >>> import convmatrix as cm
    >>> values, tol = values_and_tol(cm.conv([3.0, 4.0], 2), None, 2.0**-52)
    >>> values.tolist(), tol == 2 * 2.0**-52
    ([5.0], True)
    """
    try:
        values = singular_values(op).values
    except MatrixTooLargeError:
        return None, max(op.shape) * eps if tol is None else tol
    if tol is not None:
        return values, tol
    if values[0] <= _ROUNDING * _magnitude(op):
        return np.zeros_like(values), max(op.shape) * eps
    return values, default_tol(op, float(values[0]), eps)


def default_tol(op: TensorOperator, largest: float, eps: float) -> float:
    """`max(shape) * eps`; or where taps cancel, what rounding may leave of them as a share of the largest value.

    Without that the magnitudes add up to no more than `max(shape)` times the largest.
    """
    tol, magnitude = max(op.shape) * eps, _magnitude(op)
    return max(tol, _ROUNDING * magnitude / largest) if 0 < largest * max(op.shape) < magnitude else tol


def is_zero(op: TensorOperator) -> bool:
    """Whether a factor or all weights of a layer are 0, so that the rank is 0 without rounding.

    Examples
    --------
    >>> import convmatrix as cm
    >>> is_zero(cm.conv([0.0, 0.0], 5).T), is_zero(cm.conv([1.0, -1.0], 5))
    (True, False)
    """
    for step in steps_of(op):
        layer = step.of if isinstance(step, Transposed) else step
        if isinstance(layer, Scaled) and layer.factor == 0:
            return True
        if isinstance(layer, Convolution) and not layer.weight.astype(bool).any():
            return True
    return False


def count_above(values: np.ndarray, tol: float) -> int:
    """How many descending singular values are above `tol` times the largest."""
    return int(np.count_nonzero(values > tol * values[0]))


def _magnitude(op: TensorOperator) -> float:
    """What the norm of a layer is at most without any cancelling; 0 of products and sums, and of single taps.

    That of a matrix is at most the geometric mean of the largest sum of magnitudes of a row and that of a column.
    """
    own = stripped(op)
    core = own.core.of if isinstance(own.core, Transposed) else own.core
    if not isinstance(core, Convolution) or math.prod(core.geometry.kernel_size) < 2:
        return 0.0
    weight, groups = core.weight, core.geometry.groups
    sizes = np.abs(weight).reshape(groups, weight.shape[0] // groups, weight.shape[1], -1).sum(axis=-1)
    rows, columns = (float(sizes.sum(axis=axis).max()) for axis in (2, 1))
    return math.sqrt(rows * columns) * abs(own.factor)
