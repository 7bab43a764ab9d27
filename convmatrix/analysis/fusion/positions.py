"""Where the taps of two layers meet, whatever their weights: the proof for matrices too large to be written out.

A layer's matrix is a sum over its taps of `channel matrix (x) position matrix`, and the position matrix of a tap is
itself one factor an axis. So an expression is a sum over choices of one tap a layer, and a fused convolution adds up
the same channel products, choice by choice. Both are the same matrix for all weights if, axis by axis, every choice has
the position matrix of the fused tap it was counted to. With one channel and powers of a large number as taps, every
product of taps is another power: the two matrices are then equal just when all choices are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np

from convmatrix.analysis.comparison import compare
from convmatrix.analysis.fusion.forms import form_of
from convmatrix.errors import MatrixTooLargeError
from convmatrix.geometry import Geometry
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import identity
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool

_BITS = 48
"""Of the large number: coefficients are fractions of smaller numerator and denominator."""
_MOST_CHOICES = 1 << 13


def differing_outputs(operator: Convolution | Transposed, expression: TensorOperator, axis: int) -> np.ndarray | None:
    """Which outputs along an axis read other positions than the expression does; None if there are too many choices.

    The mask is that of the output size compared, which may be smaller than the operator's own.
    """
    digits = _Digits()
    line = _line(expression, axis, digits)
    if digits.choices > _MOST_CHOICES:
        return None
    mode = operator.geometry.axes[0].padding_mode
    if isinstance(operator, Transposed):
        fused: TensorOperator = Transposed(form_of(line.T).operator(mode, line.dtype))
    else:
        fused = form_of(line).operator(mode, line.dtype)
    try:
        return np.asarray(compare(fused, line).differing().any(axis=0))
    except MatrixTooLargeError:
        return None


class _Digits:
    """Hands out taps such that every product of some of them is another power."""

    def __init__(self) -> None:
        self.choices = 1

    def taps(self, number: int) -> Iterator[int]:
        """So many taps of one layer."""
        place = self.choices
        self.choices *= number + 1
        if self.choices > _MOST_CHOICES:
            return iter([1] * number)
        return (1 << (_BITS * place * tap) for tap, _ in zip(count(1), range(number), strict=False))


def _line(op: TensorOperator, axis: int, digits: _Digits) -> TensorOperator:
    """One axis of an expression, with one channel and taps of its own in every layer."""
    if isinstance(op, Product):
        right = _line(op.right, axis, digits)
        return Product(_line(op.left, axis, digits), right)
    if isinstance(op, Sum):
        left = _line(op.left, axis, digits)
        return Sum(left, _line(op.right, axis, digits))
    if isinstance(op, Scaled):
        return _line(op.of, axis, digits)
    if isinstance(op, Transposed):
        return Transposed(_line(op.of, axis, digits))
    if isinstance(op, AvgPool):
        return op.along(axis)
    if isinstance(op, Convolution):
        geometry = Geometry((op.geometry.axes[axis],), 1, 1)
        weight = np.empty(geometry.weight_shape, dtype=object)
        weight.reshape(-1)[:] = list(digits.taps(weight.size))
        return Convolution(geometry, weight)
    return identity((1, op.in_shape[1 + axis]))
