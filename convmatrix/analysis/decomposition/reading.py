"""What `decompose` was given: a layer as it stands, or a weight that is to be placed on an input."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError, SymbolicError
from convmatrix.geometry import arguments
from convmatrix.kernels import kernel
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.convolution import Convolution, conv


@dataclass(frozen=True, eq=False)
class Subject:
    """The layer, and the convolution whose weight is looked at: itself, or what it is the transpose of."""

    layer: Convolution | Transposed
    conv: Convolution
    transposed: bool


def subject(layer: Any, input_size: Any) -> Subject:
    """The layer behind `decompose`'s first argument, its weight checked."""
    operator = _operator(layer, input_size)
    inner = operator.of if isinstance(operator, Transposed) else operator
    assert isinstance(inner, Convolution)
    weight = np.asarray(inner.weight)
    if exact.is_symbolic(weight):
        raise SymbolicError(
            "layer must have a weight of numbers, got SymPy expressions: separate(kernel) and flatten(filter) say when "
            "a kernel or a filter with symbols is separable"
        )
    if not exact.is_finite(weight):
        raise ConvMatrixError(f"layer must have a finite weight, got {exact.first_not_finite(weight)}")
    return Subject(operator, inner, isinstance(operator, Transposed))


def tolerance(tol: Any) -> float | None:
    """The relative tolerance, checked."""
    if tol is None:
        return None
    if isinstance(tol, bool) or not isinstance(tol, Real):
        raise ConvMatrixError(f"tol must be a number of at least 0, got {tol!r}")
    if not 0 <= float(tol) < math.inf:
        raise ConvMatrixError(f"tol must be at least 0 and finite, got {tol}")
    return float(tol)


def roomy_size(kernel_size: tuple[int, ...], dilation: Any = 1, padding: Any = 0) -> tuple[int, ...]:
    """Where a weight is placed that comes without a size: twice what its taps reach and its border, at least 4 an axis.

    So the interior outweighs the borders.

    >>> roomy_size((3, 1)), roomy_size((3, 1), dilation=2, padding=1)
    ((6, 4), (12, 4))
    """
    axes = len(kernel_size)
    dilations = arguments.per_axis(dilation, "dilation", axes, 1)
    pads = [(0, 0)] * axes if isinstance(padding, str) else arguments.padding_pairs(padding, axes)
    extents = (d * (k - 1) + 1 + max(pair) for k, d, pair in zip(kernel_size, dilations, pads, strict=True))
    return tuple(max(4, 2 * extent) for extent in extents)


def _operator(layer: Any, input_size: Any) -> Convolution | Transposed:
    if isinstance(layer, TensorOperator):
        if input_size is not None:
            raise ConvMatrixError(f"input_size must be None for an operator, which has its own, got {input_size!r}")
        if isinstance(layer, Convolution) or (isinstance(layer, Transposed) and isinstance(layer.of, Convolution)):
            return layer
        raise ConvMatrixError(
            f"layer must be a convolution or a transposed one, as conv and conv_transpose make them, got {layer!r}; "
            "fuse(op) makes one of a product or sum where that is possible"
        )
    if isinstance(layer, (str, os.PathLike)):
        layer = kernel(layer)
    weight = exact.as_array(layer, "layer")
    if weight.ndim < 3:
        raise ConvMatrixError(
            f"layer must be a weight (c_out, c_in, *kernel) of at least 3 axes or an operator, got shape "
            f"{weight.shape}: for a kernel of one channel use separate(kernel), or conv(kernel, input_size)"
        )
    if 0 in weight.shape:
        raise ConvMatrixError(f"layer must have no axis of length 0, got shape {weight.shape}")
    taps = weight.shape[2:]
    size = roomy_size(taps) if input_size is None else arguments.sizes(input_size)
    if len(size) != len(taps):
        raise ConvMatrixError(
            f"input_size must have one entry for each of the {len(taps)} axes of the weight, got {input_size!r}"
        )
    return conv(weight, size)
