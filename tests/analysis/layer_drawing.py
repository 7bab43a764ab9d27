"""Layers with axes of space drawn at random, and their all-ones maps from the definition, one position at a time."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce

import numpy as np
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.channels import ChannelOrder, Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

MODES = ("zeros", "circular", "reflect", "replicate", "symmetric")
KINDS = ("conv", "transposed", "gradient", "resize", "resize back", "average", "average back", "channel shuffle",
         "pixel shuffle", "pixel unshuffle", "order", "identity")  # fmt: skip
_NUMPY_MODES = {"circular": "wrap", "reflect": "reflect", "replicate": "edge", "symmetric": "symmetric"}


# -- drawing ----------------------------------------------------------------------------------------------------------


def drawn_layer(rng, shape, kind=None):
    """One layer on tensors of `shape` with small integer weights, or None where the drawn sizes do not fit."""
    kind = kind or str(rng.choice(KINDS))
    try:
        return _BUILDERS[kind](rng, shape)
    except cm.ConvMatrixError:
        return None


def drawn_expression(rng, axes=None):
    """One to three layers in sequence, sometimes beside a multiple of another branch; None where sizes do not fit."""
    axes = axes or int(rng.integers(1, 3))
    shape = (int(rng.integers(1, 3)), *(int(n) for n in rng.integers(3, 11 if axes < 3 else 6, axes)))
    op = drawn_layer(rng, shape)
    for _ in range(int(rng.integers(0, 3))):
        layer = None if op is None else drawn_layer(rng, op.out_shape)
        op = op if layer is None else layer @ op
    if op is not None and rng.random() < 0.3:
        op = op + 3 * _sibling(rng, op)
    return None if op is None or math.prod(op.out_shape) > 4000 else op


def expressions(axes=None):
    """The same for Hypothesis, which tries seeds one after another."""
    return (
        st.integers(0, 10**6)
        .map(lambda seed: drawn_expression(np.random.default_rng(seed), axes))
        .filter(lambda op: op is not None)
    )


def _sibling(rng, op):
    """A branch that may be added to `op`: another layer of the same shapes, or itself."""
    for _ in range(20):
        other = drawn_layer(rng, op.in_shape)
        if other is not None and other.out_shape == op.out_shape:
            return other
    return op


def _steps(rng, shape, most):
    return tuple(int(n) for n in rng.integers(1, most + 1, len(shape) - 1))


def _values(rng, *shape):
    return rng.integers(-4, 5, shape)


def _bias(rng, channels):
    return _values(rng, channels) if rng.random() < 0.5 else None


def _conv(rng, shape):
    channels, *size = shape
    outputs, kernel = int(rng.integers(1, 4)), _steps(rng, shape, 4)
    pads = tuple((int(a), int(b)) for a, b in rng.integers(0, 4, (len(size), 2)))
    options = {"stride": _steps(rng, shape, 3), "dilation": _steps(rng, shape, 2), "padding": pads}
    mode, weight = str(rng.choice(MODES)), _values(rng, outputs, channels, *kernel)
    return cm.conv(weight, size, padding_mode=mode, bias=_bias(rng, outputs), **options)


def _transposed(rng, shape):
    channels, *size = shape
    groups = channels if rng.random() < 0.3 else 1
    outputs, kernel = int(rng.integers(1, 4)), _steps(rng, shape, 4)
    options = {"stride": _steps(rng, shape, 3), "dilation": _steps(rng, shape, 3)}
    options |= {"padding": int(rng.integers(0, 2)), "output_padding": int(rng.integers(0, 2)), "groups": groups}
    return cm.conv_transpose(
        _values(rng, channels, outputs, *kernel), size, bias=_bias(rng, outputs * groups), **options
    )


def _gradient(rng, shape):
    """The transpose of a strided convolution on the larger grid, whatever its border rule."""
    channels, *size = shape
    kernel, strides, dilations = _steps(rng, shape, 4), _steps(rng, shape, 3), _steps(rng, shape, 2)
    larger = [n * s for n, s in zip(size, strides, strict=True)]
    pads = [max(d * (k - 1) + 1 - s, 0) for k, s, d in zip(kernel, strides, dilations, strict=True)]
    options = {"stride": strides, "dilation": dilations, "padding": tuple((p // 2, p - p // 2) for p in pads)}
    forwards = cm.conv(
        _values(rng, channels, int(rng.integers(1, 3)), *kernel), larger, padding_mode=str(rng.choice(MODES)), **options
    )
    return forwards.T if forwards.out_shape == shape else None


def _scales(rng, shape):
    return [Fraction(int(a), int(b)) for a, b in zip(_steps(rng, shape, 4), _steps(rng, shape, 3), strict=True)]


def _resized(rng, shape):
    return cm.resize(shape, _scales(rng, shape), str(rng.choice(["nearest", "nearest-exact", "linear"])))


def _resized_back(rng, shape):
    scales = _scales(rng, shape)
    source = [math.ceil(n / scale) for n, scale in zip(shape[1:], scales, strict=True)]
    forwards = cm.resize((shape[0], *source), scales, str(rng.choice(["nearest", "nearest-exact", "linear"])))
    return forwards.T if forwards.out_shape == shape else None


def _average(rng, shape):
    kernel, dilations = _steps(rng, shape, 4), _steps(rng, shape, 2)
    pads = tuple(int(rng.integers(0, (d * (k - 1) + 1) // 2 + 1)) for k, d in zip(kernel, dilations, strict=True))
    options = {"stride": _steps(rng, shape, 3), "dilation": dilations, "padding": pads}
    rounding = {"ceil_mode": bool(rng.random() < 0.5), "count_include_pad": bool(rng.random() < 0.5)}
    return cm.avg_pool(shape, kernel, **options, **rounding)


def _average_back(rng, shape):
    kernel, strides = _steps(rng, shape, 4), _steps(rng, shape, 3)
    larger = [(n - 1) * s + k for n, s, k in zip(shape[1:], strides, kernel, strict=True)]
    return cm.avg_pool((shape[0], *larger), kernel, stride=strides).T


def _pixel_shuffle(rng, shape):
    factors = _steps(rng, shape, 3)
    channels = math.prod(factors) * int(rng.integers(1, 3))
    weight = _values(rng, channels, shape[0], *[1] * len(factors))
    return cm.pixel_shuffle((channels, *shape[1:]), factors) @ cm.conv(weight, shape[1:], bias=_bias(rng, channels))


def _pixel_unshuffle(rng, shape):
    factors = [int(rng.choice([f for f in (1, 2, 3) if n % f == 0])) for n in shape[1:]]
    smaller = [n // f for n, f in zip(shape[1:], factors, strict=True)]
    return cm.pixel_shuffle((shape[0] * math.prod(factors), *smaller), factors).T


_BUILDERS = {
    "conv": _conv,
    "transposed": _transposed,
    "gradient": _gradient,
    "resize": _resized,
    "resize back": _resized_back,
    "average": _average,
    "average back": _average_back,
    "channel shuffle": lambda rng, shape: cm.channel_shuffle(shape, shape[0]),
    "pixel shuffle": _pixel_shuffle,
    "pixel unshuffle": _pixel_unshuffle,
    "order": lambda rng, shape: ChannelOrder(shape, rng.permutation(shape[0])),
    "identity": lambda rng, shape: cm.identity(shape),
}


# -- the definition ---------------------------------------------------------------------------------------------------


def ones_matrix(op):
    """The spatial matrix of an expression whose every tap is 1 and whose channels are one, as integers."""
    if isinstance(op, Product):
        return ones_matrix(op.left) @ ones_matrix(op.right)
    if isinstance(op, Sum):
        return ones_matrix(op.left) + ones_matrix(op.right)
    if isinstance(op, Scaled):
        return ones_matrix(op.of)
    if isinstance(op, Transposed):
        return ones_matrix(op.of).T
    return reduce(np.kron, [_axis_matrix(op, axis) for axis in range(len(op.out_shape) - 1)])


def _axis_matrix(leaf, axis):
    if isinstance(leaf, (Convolution, AvgPool)):
        return _taps_matrix(leaf.geometry.axes[axis])
    rows, columns = leaf.out_shape[1 + axis], leaf.in_shape[1 + axis]
    matrix = np.zeros((rows, columns), dtype=np.int64)
    if isinstance(leaf, Resize):
        for o in range(rows):
            for i in _resize_reads(leaf, axis, o):
                matrix[o, i] += 1
        return matrix
    assert isinstance(leaf, Permutation)
    for o in range(rows):
        for i in range(columns):
            matrix[o, i] = int(i == o * columns // rows if rows >= columns else o == i * rows // columns)
    return matrix


def _taps_matrix(axis):
    """Which input each tap reads, from a padded ruler."""
    pads = (axis.pad_before, max(axis.pad_after, axis.extent + axis.output_size * axis.stride))
    ruler = np.arange(axis.input_size)
    if axis.padding_mode == "zeros":
        ruler = np.pad(ruler, pads, constant_values=-1)
    else:
        ruler = np.pad(ruler, (axis.pad_before, axis.pad_after), mode=_NUMPY_MODES[axis.padding_mode])
    matrix = np.zeros((axis.output_size, axis.input_size), dtype=np.int64)
    for o in range(axis.output_size):
        for t in range(axis.kernel_size):
            i = ruler[o * axis.stride + t * axis.dilation]
            if i >= 0:
                matrix[o, i] += 1
    return matrix


def _resize_reads(leaf, axis, o):
    scale, last = leaf.scales[axis], leaf.in_shape[1 + axis] - 1
    if leaf.mode == "nearest":
        return [min(math.floor(o / scale), last)]
    middle = (o + Fraction(1, 2)) / scale
    if leaf.mode == "nearest-exact":
        return [min(math.floor(middle), last)]
    place = max(middle - Fraction(1, 2), Fraction(0))
    first = math.floor(place)
    return [last] if first >= last else [first, first + 1] if place > first else [first]
