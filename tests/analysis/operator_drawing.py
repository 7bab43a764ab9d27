"""Operators of every sort drawn at random: layers of all borders, strides and groups, and what is made of them."""

from __future__ import annotations

from functools import reduce

import numpy as np
from layer_drawing import MODES, drawn_expression

import convmatrix as cm

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
    """The matrix in float64 or complex128."""
    return op.toarray(np.complex128 if op.dtype.kind == "c" else np.float64)


def _layer(rng):
    axes = int(rng.integers(1, 4))
    size, kernel_size, stride, dilation = (
        tuple(int(n) for n in rng.integers(1, most, axes)) for most in (_LONGEST[axes] + 1, 4, 4, 3)
    )
    mode = str(rng.choice([*MODES, "circular"]))
    pads = tuple((int(a), int(b)) for a, b in rng.integers(0, 3, (axes, 2)))
    if mode == "circular" and rng.random() < 0.8:
        size = tuple(s * int(m) for s, m in zip(stride, rng.integers(1, 5, axes), strict=True))
        pads = tuple(_closed(rng, *sizes) for sizes in zip(kernel_size, stride, dilation, strict=True))
    groups = int(rng.integers(1, 4))
    outputs, inputs = (groups * int(n) for n in rng.integers(1, 4, 2))
    weight = _weight(rng, (outputs, inputs // groups, *kernel_size))
    options = {"stride": stride, "dilation": dilation, "groups": groups}
    try:
        if rng.random() < 0.25:
            turned = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)
            op = cm.conv_transpose(turned.reshape(inputs, -1, *kernel_size), size, **options)
        else:
            op = cm.conv(weight, size, padding=pads, padding_mode=mode, **options)
    except cm.ConvMatrixError:
        return None
    return _between(rng, op)


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
