"""The form of a whole expression: products composed, sums added, and a reason where there is none."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from convmatrix import exact
from convmatrix.analysis.fusion import taps
from convmatrix.analysis.fusion.taps import NotOneConvolution, TapForm
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize


def form_of(op: TensorOperator) -> TapForm:
    """Where the taps of an expression lie, borders left aside.

    Raises
    ------
    NotOneConvolution
        With the reason, in words.
    """
    if isinstance(op, Product):
        return taps.composed(form_of(op.left), form_of(op.right))
    if isinstance(op, Sum):
        return taps.added(form_of(op.left), form_of(op.right))
    if isinstance(op, Scaled):
        return taps.scaled(form_of(op.of), op.factor)
    if isinstance(op, Convolution):
        return taps.of_geometry(op.geometry, op.weight, op.bias)
    if isinstance(op, Permutation):
        return _of_permutation(op)
    if isinstance(op, AvgPool):
        return taps.of_geometry(op.geometry, _pool_weight(op))
    if isinstance(op, Transposed):
        return _of_transposed(op)
    if isinstance(op, Resize):
        raise NotOneConvolution("a resize reads other taps at every phase of its outputs, a convolution the same ones")
    raise NotOneConvolution(f"{type(op).__name__} is not made of convolutions")


def _of_transposed(op: Transposed) -> TapForm:
    of = op.of
    if not isinstance(of, (Convolution, AvgPool)):
        raise NotOneConvolution(f"the transpose of {type(of).__name__} is not made of convolutions")
    strides = [axis.stride for axis in of.geometry.axes]
    if any(stride > 1 for stride in strides):
        shown = "x".join(map(str, strides))
        raise NotOneConvolution(
            f"a transposed convolution of stride {shown} reads other taps at every phase of its outputs, a convolution "
            "the same ones"
        )
    weight = of.weight if isinstance(of, Convolution) else _pool_weight(of)
    form = taps.of_transpose(of.geometry, weight)
    bias = None if op.bias is None else op.bias.reshape(-1)
    return TapForm(form.axes, form.weight, form.groups, bias, form.modes)


def _of_permutation(op: Permutation) -> TapForm:
    """A permutation of channels as a convolution of one tap."""
    area = math.prod(op.in_shape[1:])
    sources = op._sources.reshape(op.out_shape[0], -1)
    channels = sources[:, 0] // area
    kept = op.in_shape == op.out_shape and (sources == channels[:, None] * area + np.arange(area)).all()
    if not kept:
        raise NotOneConvolution(f"a {op.name} moves entries between channels and positions, a convolution does not")
    return taps.of_channels(channels, op.in_shape[1:])


def _pool_weight(op: AvgPool) -> np.ndarray:
    """Ones over the largest count, that of the interior: exact where the pool is."""
    count = int(op.divisors.max())
    if not op._yields:
        return np.full(op.geometry.weight_shape, 1 / count, dtype=op.dtype)
    ones = np.empty(op.geometry.weight_shape, dtype=object)
    ones[...] = Fraction(1, count)
    return exact.as_array(ones)
