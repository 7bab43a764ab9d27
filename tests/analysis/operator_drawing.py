"""Operators of every sort drawn at random: layers of all borders, strides and groups, and what is made of them."""

from __future__ import annotations

from functools import reduce

import numpy as np
from layer_drawing import MODES, drawn_expression

import convmatrix as cm
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution

MOST_ENTRIES = 200_000
_LONGEST = {1: 12, 2: 6, 3: 4}


def drawn_operator(seed, most=MOST_ENTRIES):
    """One operator of at most so many entries of its dense matrix."""
    rng = np.random.default_rng(seed)
    while True:
        op = _layer(rng) if rng.random() < 0.75 else drawn_expression(rng)
        if op is not None and 0 < op.shape[0] * op.shape[1] <= most:
            return op


def dense(op):
    """The matrix in float64 or complex128; of whole numbers added up before they are rounded."""
    if op.dtype.kind in "iu":
        return op.toarray().astype(np.float64)
    return op.toarray(np.complex128 if op.dtype.kind == "c" else np.float64)


def _layer(rng):
    axes = int(rng.integers(1, 4))
    size, kernel_size, stride, dilation = (
        tuple(int(n) for n in rng.integers(1, most, axes)) for most in (_LONGEST[axes] + 1, 4, 4, 3)
    )
    mode = str(rng.choice([*MODES, "circular"]))
    if rng.random() < 0.2:
        # So short that taps meet in one input, or read nothing but padding.
        size = tuple(int(n) for n in rng.integers(1, 3, axes))
    pads = tuple((int(a), int(b)) for a, b in rng.integers(0, 3, (axes, 2)))
    if mode == "circular" and rng.random() < 0.8:
        size = tuple(s * int(m) for s, m in zip(stride, rng.integers(1, 5, axes), strict=True))
        pads = tuple(_closed(rng, *sizes) for sizes in zip(kernel_size, stride, dilation, strict=True))
    groups = int(rng.integers(1, 4))
    outputs, inputs = (groups * int(n) for n in rng.integers(1, 4, 2))
    weight = _harder(rng, _weight(rng, (outputs, inputs // groups, *kernel_size)))
    options = {"stride": stride, "dilation": dilation, "groups": groups}
    try:
        if rng.random() < 0.25:
            turned = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)
            op = cm.conv_transpose(turned.reshape(inputs, -1, *kernel_size), size, **options)
        else:
            op = cm.conv(weight, size, padding=pads, padding_mode=mode, **options)
    except cm.ConvMatrixError:
        return None
    return _nearly_equal(rng, op) if rng.random() < 0.05 else _between(rng, op)


def _harder(rng, weight):
    """Sometimes taps that cancel where a short axis lets them meet, or numbers of a large range, read or not."""
    drawn, axis = rng.random(), int(rng.integers(2, weight.ndim))
    if drawn < 0.15:
        return _cancelling(rng, weight.shape, axis)
    if drawn < 0.3:
        # Of the taps along one axis one is far larger than the rest; often it is read by none.
        scale = np.full(weight.shape[axis], 10.0 ** -rng.integers(3, 22))
        scale[rng.choice([0, -1])] = 1
        return weight * scale.reshape(-1, *(1,) * (weight.ndim - 1 - axis))
    return weight * 10.0 ** rng.integers(-6, 1, weight.shape) if drawn < 0.35 else weight


def _cancelling(rng, shape, axis):
    """Whole numbers whose sum along an axis is 0 or, exactly, small; half of the time each axis is a factor."""
    if rng.random() < 0.5:
        whole = rng.integers(-4, 5, shape)
        taps = np.moveaxis(whole, axis, 0)
        taps[0] -= taps.sum(axis=0)
        return whole + 2.0**-30 * rng.integers(0, 2, shape)
    factors = [rng.integers(1, 8, size).astype(float) for size in shape]
    taps = factors[axis]
    taps[0] -= taps.sum() - 2.0**-30 * rng.integers(0, 2)
    return reduce(np.multiply.outer, factors)


def _nearly_equal(rng, op):
    """The difference of two layers whose weights are equal but for a small part."""
    if isinstance(op, Transposed) or not hasattr(op, "geometry"):
        return op
    large = rng.integers(1, 2**20, op.weight.shape)
    large.reshape(len(large), -1)[:, 0] += 2**54
    return Convolution(op.geometry, large + rng.integers(-3, 4, large.shape)) - Convolution(op.geometry, large)


def _closed(rng, kernel_size, stride, dilation):
    """A padding with which a circular axis has exactly one output each stride."""
    total = dilation * (kernel_size - 1) + 1 - stride + int(rng.integers(0, stride))
    before = int(rng.integers(min(total, 0), max(total, 0) + 1))
    return before, total - before


def _weight(rng, shape):
    drawn = rng.random()
    if drawn < 0.25:
        return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    if drawn < 0.5:
        return rng.integers(-3, 4, shape)
    if drawn < 0.6:
        return rng.standard_normal(shape).astype(np.float32)
    if drawn < 0.75:
        axes = [rng.standard_normal(size) for size in shape[2:]]
        return np.multiply.outer(rng.standard_normal(shape[:2]), reduce(np.multiply.outer, axes))
    return rng.standard_normal(shape)


def _between(rng, op):
    """Sometimes a multiple, sometimes with a permutation before or after it."""
    if rng.random() < 0.2:
        op = -2.5 * op
    if rng.random() < 0.2:
        op = op @ cm.identity(op.in_shape)
    if rng.random() < 0.2 and op.out_shape[0] % 2 == 0:
        op = cm.channel_shuffle(op.out_shape, 2) @ op
    return op
