"""What the outputs of a stack would read of an endless input, and which of them no border reaches, one by one.

Written from the definitions of the layers, with sets of positions and no cleverness: the oracle of the interiors.
"""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
from layer_drawing import _axis_matrix

from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize


class Endless:
    """One expression: `reads(at)` of any integers, `is_free(axis, place)` of an output that is there."""

    def __init__(self, op):
        self.op = op
        self.axes = len(op.out_shape) - 1
        self.reads = cache(self._reads)
        self.is_free = cache(self._is_free)
        inner = {Product: ("left", "right"), Sum: ("left", "right"), Scaled: ("of",)}.get(type(op), ())
        self.parts = [Endless(getattr(op, name)) for name in inner]
        self.matrices = None if self.parts else [_own_matrix(op, axis) for axis in range(self.axes)]

    def _reads(self, at):
        if isinstance(self.op, Product):
            left, right = self.parts
            return frozenset().union(*(right.reads(place) for place in left.reads(at)))
        if self.parts:
            return frozenset().union(*(part.reads(at) for part in self.parts))
        return frozenset(product(*(taps_of(self.op, axis, place) for axis, place in enumerate(at))))

    def _is_free(self, axis, place):
        """Every path along the axis is there, and no other."""
        if isinstance(self.op, Product):
            left, right = self.parts
            return left.is_free(axis, place) and all(right.is_free(axis, read) for read in left.along(axis, place))
        if self.parts:
            return all(part.is_free(axis, place) for part in self.parts)
        row = self.matrices[axis][place]
        really = Counter({int(i): int(row[i]) for i in np.flatnonzero(row)})
        return really == taps_of(self.op, axis, place)

    def along(self, axis, place):
        """The same as `reads` on one axis, whatever the others hold."""
        if isinstance(self.op, Product):
            left, right = self.parts
            return frozenset().union(*(right.along(axis, read) for read in left.along(axis, place)))
        if self.parts:
            return frozenset().union(*(part.along(axis, place) for part in self.parts))
        return frozenset(taps_of(self.op, axis, place))


def widths(places):
    """From the first to the last of some positions, an axis each; None of none."""
    return tuple(max(along) - min(along) + 1 for along in zip(*places, strict=True)) if places else None


def taps_of(leaf, axis, place):
    """How often an output of the endless axis reads which inputs."""
    layer = leaf.of if isinstance(leaf, Transposed) else leaf
    if isinstance(layer, (Convolution, AvgPool)):
        own = layer.geometry.axes[axis]
        taps = [tap * own.dilation - own.pad_before for tap in range(own.kernel_size)]
        if layer is leaf:
            return Counter(place * own.stride + tap for tap in taps)
        return Counter((place - tap) // own.stride for tap in taps if (place - tap) % own.stride == 0)
    if isinstance(layer, Resize):
        scale = layer.scales[axis]
        if layer is leaf:
            return Counter(_resized(layer, scale, place))
        near = range(math.floor((place - 2) * scale) - 2, math.ceil((place + 3) * scale) + 2)
        return Counter(row for row in near if place in _resized(layer, scale, row))
    rows, columns = leaf.out_shape[1 + axis], leaf.in_shape[1 + axis]
    if rows >= columns:
        return Counter([place // (rows // columns)])
    return Counter(place * (columns // rows) + turn for turn in range(columns // rows))


def _resized(layer, scale, place):
    if layer.mode == "nearest":
        return [math.floor(place / scale)]
    middle = (place + Fraction(1, 2)) / scale
    if layer.mode == "nearest-exact":
        return [math.floor(middle)]
    first = math.floor(middle - Fraction(1, 2))
    return [first] if middle - Fraction(1, 2) == first else [first, first + 1]


def _own_matrix(leaf, axis):
    """The all-ones matrix of one axis of a leaf, or of the transpose of one."""
    return _axis_matrix(leaf.of, axis).T if isinstance(leaf, Transposed) else _axis_matrix(leaf, axis)
