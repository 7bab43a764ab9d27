"""A bound for any operator, from magnitudes alone, and often the norm itself where no entry is negative.

The norm of `C` is at most that of `|C|`, entry by entry. And for every positive vector `v`, by Collatz and Wielandt,

    norm(|C|)^2 <= max over i of (|C|^T |C| v)_i / v_i
"""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.norm.certificate import rounded_up
from convmatrix.analysis.spectrum.numbers import UNIT, growth, is_nonnegative, magnitudes
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
    sizes = magnitudes(op)
    transposed = sizes.T
    margin = (1 + growth(op)) ** 2 * (1 + 8 * UNIT)
    vector = np.ones(op.shape[1])
    # With signs the bound is far off whatever the vector is.
    best = math.inf
    for _ in range(_STEPS if is_nonnegative(op) else 1):
        image = transposed @ (sizes @ vector)
        read = image > 0
        if not read.any():
            return 0.0
        best = min(best, float((image[read] / vector[read]).max()))
        vector = np.where(read, image / image.max(), vector)
        # Never 0: a bound asks for a vector that is positive wherever something is read.
        vector = np.maximum(vector, 1e-8)
    return rounded_up(math.sqrt(best * margin))
