"""A bound for any operator, from magnitudes alone, and often the norm itself where no entry is negative.

The norm of `C` is at most that of `|C|`, entry by entry. And for every positive vector `v`, by Collatz and Wielandt,

    norm(|C|)^2 <= max over i of (|C|^T |C| v)_i / v_i
"""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.norm.certificate import rounded_up
from convmatrix.analysis.norm.underflow import length, underflow
from convmatrix.analysis.spectrum.numbers import UNIT, growth, is_nonnegative, magnitudes, patterned
from convmatrix.operators import TensorOperator

_STEPS = 12


def bound_of_magnitudes(op: TensorOperator) -> float:
    """An upper bound of the norm of an operator in float64 or complex128.

    Examples
    --------
    >>> import convmatrix as cm
    >>> round(bound_of_magnitudes(cm.avg_pool((1, 6), 3)), 12) == round(3 ** -0.5, 12)
    True
    """
    sizes, (most, absolute) = magnitudes(op), underflow(op)
    transposed = sizes.T
    margin = (1 + growth(op)) ** 2 * (1 + 8 * UNIT)
    vector = np.ones(op.shape[1])
    # With signs the bound is far off whatever the vector is.
    best = math.inf
    for _ in range(_STEPS if is_nonnegative(op) else 1):
        middle = sizes @ vector
        image = transposed @ middle
        lost = 2 * absolute * (max(1.0, length(middle)) + most * max(1.0, length(vector)))
        if image.max() <= lost and is_zero(op):
            return 0.0
        best = min(best, float(((image + lost) / vector).max()))
        read = image > 0
        # Never 0: a bound asks for a vector that is positive everywhere.
        vector = np.maximum(np.where(read, image / (image.max() or 1.0), vector), 1e-8)
    return rounded_up(math.sqrt(best * margin))


def is_zero(op: TensorOperator) -> bool:
    """Whether no entry of the matrix adds up anything but zeros; decided by which numbers are 0, not by their size."""
    counts = patterned(op)
    return not (counts @ np.ones(op.shape[1])).any()
