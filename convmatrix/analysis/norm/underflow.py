"""What underflow may take from products with an operator, where relative errors say nothing."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from convmatrix.analysis.spectrum.numbers import growth, magnitudes, products
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Scaled
from convmatrix.operators.composite import Composite

TINY = 2.0**-1022
"""The least normal float: what an operation below it may be off by, even where such results are flushed to 0."""


class Underflow(NamedTuple):
    """A bound of an operator in magnitudes, and what its products may be off by beside their relative error.

    Attributes
    ----------
    most : float
        The norm of `|op|` is at most this, by Schur's test layer by layer; 0 only if every entry is 0.
    absolute : float
        `|fl(op @ x) - op @ x| <= growth | |op| |x| | + absolute max(1, |x|)`.
    """

    most: float
    absolute: float


def underflow(op: TensorOperator) -> Underflow:
    """Of an operator in float64 or complex128, and of its transpose.

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = underflow(cm.conv([0.5, 0.25], 4))
    >>> round(found.most, 9), found.absolute < 1e-304
    (0.75, True)
    """
    found: Underflow = op.folded(_of_leaf, _of_parts) if isinstance(op, Composite) else _of_leaf(op)
    return found


def _of_leaf(leaf: TensorOperator) -> Underflow:
    sizes = magnitudes(leaf)
    rows, columns = (float((own @ np.ones(own.shape[1])).max(initial=0)) for own in (sizes, sizes.T))
    most = math.sqrt(rows) * math.sqrt(columns) * (1 + 4 * growth(leaf))
    roundings = products(leaf) + products(leaf.T)
    return Underflow(most, 8 * roundings * math.sqrt(max(leaf.shape)) * TINY if most else 0.0)


def _of_parts(part: Composite, *own: Underflow) -> Underflow:
    if isinstance(part, Scaled):
        factor = abs(part.factor)
        most = max(own[0].most * factor, TINY) if own[0].most and factor else 0.0
        return Underflow(most, own[0].absolute * max(1.0, factor) + 8 * math.sqrt(max(part.shape)) * TINY)
    left, right = own
    if isinstance(part, Product):
        most = max(left.most * right.most, TINY) if left.most and right.most else 0.0
        either = max(1.0, left.most) * right.absolute + max(1.0, right.most) * left.absolute
        return Underflow(most, 2 * either)
    return Underflow(left.most + right.most, left.absolute + right.absolute)


def length(vector: np.ndarray) -> float:
    """The Euclidean length, of entries whose squares are no floats too.

    Examples
    --------
    >>> length(np.array([3e-200, 4e-200]))
    5e-200
    """
    largest = float(np.abs(vector).max(initial=0))
    return float(np.linalg.norm(vector / largest)) * largest if 0 < largest < math.inf else largest
