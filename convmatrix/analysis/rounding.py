"""What an operator's numbers are, and what rounding makes of sums of their products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.analysis.phases import axes_of
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Transposed, layers_of
from convmatrix.operators.convolution import Convolution


def check_finite(op: TensorOperator) -> None:
    """Refuse NaN and infinity in weights, biases and factors of any layer.

    Raises
    ------
    ConvMatrixError
    """
    for values, name in numbers_of(op):
        if not exact.is_finite(values):
            raise ConvMatrixError(f"op must have finite {name}, got {exact.first_not_finite(values)}")
        if exact.is_symbolic(values):
            _check_expressions(values, name)


def terms(op: TensorOperator) -> int:
    """The most products of a weight and an input that one output adds up; the layers of a stack added.

    Examples
    --------
    >>> import convmatrix as cm
    >>> terms(cm.conv_transpose("1 2 3", 4, stride=2)), terms(cm.conv("1 2", 6) @ cm.conv_transpose("1 2 3", 4))
    (2, 5)
    """
    return sum(map(_terms_of, layers_of(op)))


def _terms_of(op: TensorOperator) -> int:
    if isinstance(op, Scaled):
        return 1
    taps = math.prod(int(axis.phase_counts.max()) for axis in axes_of(op))
    layer = op.of if isinstance(op, Transposed) else op
    return taps * (op.in_shape[0] // layer.geometry.groups) if isinstance(layer, Convolution) else taps


def eps_of(op: TensorOperator) -> float:
    """The coarsest precision among the float weights, biases and factors."""
    return max(float(np.finfo(kind).eps) for kind in float_types(op))


def float_types(op: TensorOperator) -> list[np.dtype[Any]]:
    """Those of the user's numbers, and float64."""
    kinds = [values.dtype for values, _ in numbers_of(op) if values.dtype.kind in "fc"]
    kinds += [leaf.dtype for leaf in leaves(op) if leaf.dtype.kind in "fc" and not leaf._yields]
    return [np.dtype(np.float64), *kinds]


def numbers_of(op: TensorOperator) -> list[tuple[np.ndarray, str]]:
    """Everything of the user's: weights, biases and factors, with what they are called."""
    return [pair for layer in layers_of(op) for pair in _own_numbers(layer)]


def _own_numbers(op: TensorOperator) -> list[tuple[np.ndarray, str]]:
    if isinstance(op, Scaled):
        return [(exact.as_array([op.factor], "the factor"), "factors")]
    layer: Any = op.of if isinstance(op, Transposed) else op
    own = [] if op.bias is None else [(op.bias, "biases")]
    return [*own, (layer.weight, "weights")] if isinstance(layer, Convolution) else own


def _check_expressions(values: np.ndarray, name: str) -> None:
    import sympy

    for value in values.flat:
        if value.has(sympy.Float):
            raise ConvMatrixError(f"op must have {name} without floats in expressions, got {value}: use fractions")
