"""Weights of layers made of known factors, by the structure that is to be found in them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

RNG = np.random.default_rng(7)


def whole(*shape):
    """Small integers, none of them 0, so that ranks are what the shapes say."""
    return RNG.integers(1, 6, shape) * RNG.choice([-1, 1], shape)


def normal(*shape):
    return RNG.standard_normal(shape)


def fractions(*shape):
    drawn = np.empty(shape, dtype=object)
    drawn.reshape(-1)[:] = [Fraction(int(n), int(d)) for n, d in zip(whole(drawn.size), whole(drawn.size), strict=True)]
    return drawn


def depthwise_separable(draw, kernel=(3, 3), multiplier=1, outputs=6, inputs=3):
    pairs = draw(inputs, outputs, multiplier), draw(inputs, multiplier, int(np.prod(kernel)))
    return (pairs[0] @ pairs[1]).reshape(inputs, outputs, *kernel).swapaxes(0, 1)


def blueprint_separable(draw, kernel=(3, 3), multiplier=1, outputs=4, inputs=5):
    pairs = draw(outputs, inputs, multiplier), draw(outputs, multiplier, int(np.prod(kernel)))
    return (pairs[0] @ pairs[1]).reshape(outputs, inputs, *kernel)


def last_bottleneck(draw, rank=2, outputs=6, inputs=4, kernel=(3, 3)):
    return (draw(outputs, rank) @ draw(rank, inputs * int(np.prod(kernel)))).reshape(outputs, inputs, *kernel)


def first_bottleneck(draw, rank=2, outputs=4, inputs=6, kernel=(3, 3)):
    return np.moveaxis(last_bottleneck(draw, rank, inputs, outputs, kernel), 0, 1)


def column_then_row(draw, rank=2, outputs=4, inputs=3):
    product = draw(outputs * 3, rank) @ draw(rank, inputs * 3)
    return product.reshape(outputs, 3, inputs, 3).transpose(0, 2, 3, 1)


def row_then_column(draw, rank=2):
    return column_then_row(draw, rank).swapaxes(2, 3)


def flat(draw, shape=(5, 4, 3, 3)):
    return np.array([outer(*(draw(size) for size in shape[1:])) for _ in range(shape[0])])


def outer(*vectors):
    result = np.array(1, dtype=vectors[0].dtype)
    for vector in vectors:
        result = np.multiply.outer(result, vector)
    return result


def split_of_three(draw, first, rank=2, outputs=4, inputs=3):
    """A 2x3x2 kernel whose axes of `first` are read by the first factor."""
    kernel = (2, 3, 2)
    second = [axis for axis in range(3) if axis not in first]
    sizes = [outputs, *(kernel[axis] for axis in second), inputs, *(kernel[axis] for axis in first)]
    rows = int(np.prod(sizes[: 1 + len(second)]))
    product = draw(rows, rank) @ draw(rank, int(np.prod(sizes)) // rows)
    order = np.argsort([0, *(2 + axis for axis in second), 1, *(2 + axis for axis in first)])
    return product.reshape(sizes).transpose(order)


CASES = {
    "depthwise separable, 2-D": (depthwise_separable, {}, "depthwise separable", {"multiplier": 1, "of": 6}),
    "depthwise separable, 1-D": (
        depthwise_separable, {"kernel": (4,), "multiplier": 2}, "depthwise separable", {"multiplier": 2, "of": 4}
    ),
    "depthwise separable, 3-D": (
        depthwise_separable, {"kernel": (2, 3, 2)}, "depthwise separable", {"multiplier": 1, "of": 6}
    ),
    "blueprint separable": (blueprint_separable, {}, "blueprint separable", {"multiplier": 1, "of": 5}),
    "blueprint separable, 1-D": (
        blueprint_separable, {"kernel": (4,), "multiplier": 2}, "blueprint separable", {"multiplier": 2, "of": 4}
    ),
    "bottleneck, last": (last_bottleneck, {}, "bottleneck, 1x1 last", {"rank": 2, "of": 6}),
    "bottleneck, first": (first_bottleneck, {}, "bottleneck, 1x1 first", {"rank": 2, "of": 6}),
    "bottleneck, pointwise": (
        last_bottleneck, {"kernel": (1, 1), "outputs": 5, "inputs": 7}, "bottleneck", {"rank": 2, "of": 5}
    ),
    "column then row": (column_then_row, {}, "column then row", {"rank": 2, "of": 9}),
    "row then column": (row_then_column, {}, "row then column", {"rank": 2, "of": 9}),
    "one kernel": (column_then_row, {"rank": 1, "outputs": 1, "inputs": 1}, "column then row", {"rank": 1, "of": 3}),
    "axis 0 first": (split_of_three, {"first": (0,)}, "axis 0 then axes 1+2", {"rank": 2, "of": 6}),
    "axis 2 last": (split_of_three, {"first": (0, 1)}, "axes 0+1 then axis 2", {"rank": 2, "of": 8}),
    "axis 1 first": (split_of_three, {"first": (1,)}, "axis 1 then axes 0+2", {"rank": 2, "of": 9}),
    "flattened, 2-D": (flat, {}, "flattened", {}),
    "flattened, 1-D": (flat, {"shape": (4, 3, 5)}, "flattened", {}),
    "flattened, 3-D": (flat, {"shape": (3, 2, 2, 3, 2)}, "flattened", {}),
}  # fmt: skip


def tight(weight):
    """The smallest input with a border: two outputs an axis."""
    return tuple(size + 1 for size in weight.shape[2:])
