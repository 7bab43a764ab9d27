"""The axes of one layer, endless: what every analysis of phases starts from."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import PeriodicAxis
from convmatrix.operators import TensorOperator, pixel_shuffle
from convmatrix.operators.algebra import Scaled, Sum, Transposed, branches_of, steps_of
from convmatrix.operators.channels import ChannelOrder, Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.mixing import mix_of
from convmatrix.operators.resampling import AvgPool, Resize

_LONGEST_PERIOD = 1 << 20
_AT_ONCE = 1 << 15
"""Outputs of a long axis that are compared at once."""
_REGULAR: WeakKeyDictionary[Resize, dict[int, tuple[int, int]]] = WeakKeyDictionary()
"""What was found of the axes of a resize, each of whose outputs had to be looked at."""
_DEEPEST = 100
"""Sums within the branches of sums, each of which is followed by a call within a call."""


def axes_of(leaf: TensorOperator) -> tuple[PeriodicAxis, ...]:
    """The endless axes of a layer that is made of no others, or of the transpose of one.

    Raises
    ------
    ConvMatrixError
        If the layer does not keep channels apart from space.

    Examples
    --------
    >>> import convmatrix as cm
    >>> [axis.phase_counts.tolist() for axis in axes_of(cm.conv_transpose("1 2 3", 4, stride=2))]
    [[2, 1]]
    """
    if isinstance(leaf, Transposed):
        return tuple(axis.T for axis in axes_of(leaf.of))
    if isinstance(leaf, (Convolution, AvgPool)):
        return tuple(map(PeriodicAxis.of, leaf.geometry.axes))
    if isinstance(leaf, Resize):
        return tuple(_resized(scale.numerator, scale.denominator, leaf.mode) for scale in leaf.scales)
    if isinstance(leaf, Permutation):
        factors, enlarges = shuffle_of(leaf)
        axes = tuple(map(PeriodicAxis.enlarged, factors))
        return axes if enlarges else tuple(axis.T for axis in axes)
    raise ConvMatrixError(f"op must be made of convolutions, averages, resizes and shuffles, got {leaf!r}")


def check_layers(op: Any) -> TensorOperator:
    """`op`, if it is an operator whose every layer has axes.

    Raises
    ------
    ConvMatrixError
        If it is no operator, has no axis of space, a layer mixes channels with space, or sums are nested too deep.
    """
    if not isinstance(op, TensorOperator):
        raise ConvMatrixError(f"op must be a TensorOperator, such as conv(...) makes, got {type(op).__name__}")
    if len(op.out_shape) < 2 or len(op.in_shape) != len(op.out_shape):
        raise ConvMatrixError(
            "op must map tensors (channels, *spatial) with one or more axes of space, "
            f"got {op.in_shape} -> {op.out_shape}"
        )
    todo = [(op, 0)]
    while todo:
        part, depth = todo.pop()
        if depth > _DEEPEST:
            raise ConvMatrixError(f"op must hold sums within sums at most {_DEEPEST} deep, got more")
        for step in steps_of(part):
            if isinstance(step, Sum):
                todo += [(branch, depth + 1) for branch in branches_of(step)]
            elif not isinstance(step, Scaled):
                axes_of(step)
    return op


def shuffle_of(permutation: Permutation) -> tuple[tuple[int, ...], bool]:
    """By which factors a permutation enlarges (True) or reduces (False) the axes; 1 where it moves channels alone."""
    inner, outer = permutation.in_shape[1:], permutation.out_shape[1:]
    if len(inner) == len(outer):
        if inner == outer and permutation._factors() is not None:
            return (1,) * len(inner), True
        for small, large, enlarges in ((permutation.in_shape, outer, True), (permutation.out_shape, inner, False)):
            factors = tuple(big // n for big, n in zip(large, small[1:], strict=True))
            if min(factors, default=0) < 1 or small[0] % math.prod(factors):
                continue
            like = pixel_shuffle(small, factors)
            like = like if enlarges else like.T
            if isinstance(like, Permutation) and (like._split, like._order) == (permutation._split, permutation._order):
                return factors, enlarges
    raise ConvMatrixError(f"op must keep channels apart from space in every layer, got {permutation!r}")


def channel_sources(permutation: Permutation) -> np.ndarray:
    """Which input channel each output channel is, of a permutation that leaves space alone."""
    if isinstance(permutation, ChannelOrder):
        return permutation.sources
    factors = permutation._factors()
    # A pixel shuffle by 1 is written like one by 2, and moves nothing.
    return np.arange(permutation.in_shape[0]) if factors is None else np.asarray(factors[0].indices)


def resize_shares(leaf: Resize, axis: int) -> tuple[np.ndarray, int]:
    """The share of each tap of an endless resized axis, in parts of a whole."""
    scale = leaf.scales[axis]
    _, shares, whole = _ideal(scale.numerator, scale.denominator, leaf.mode)
    both = shares > 0
    return np.concatenate([whole - shares, shares[both]]), whole


def regular_rows(leaf: TensorOperator, axis: int) -> tuple[int, int]:
    """The outputs `[low, high)` of a layer that obey its endless axis as far as anything but padding goes.

    Averages divide by less at a border, linear interpolation is clamped there, and PyTorch rounds where a nearest input
    is sought.
    """
    if isinstance(leaf, AvgPool):
        taken = leaf.divisors_along(axis)
        return longest_run(taken == leaf.geometry.axes[axis].kernel_size)
    if isinstance(leaf, Resize):
        known = _REGULAR.setdefault(leaf, {})
        if axis not in known:
            known[axis] = longest_run(_as_ideal(leaf, axis))
        return known[axis]
    return 0, leaf.out_shape[1 + axis]


def _as_ideal(leaf: Resize, axis: int) -> np.ndarray:
    """Which outputs of a resize read what those of the endless axis do; some at a time, which stay in the cache."""
    mix, size, scale = leaf._mixes[axis], leaf.in_shape[1 + axis], leaf.scales[axis]
    sources, shares, whole = _ideal(scale.numerator, scale.denominator, leaf.mode)
    outputs, turn = mix.sources.size, scale.numerator
    same = np.empty(outputs, dtype=bool)
    turns = max(1, _AT_ONCE // turn)
    for first in range(0, outputs, turns * turn):
        part = slice(first, min(first + turns * turn, outputs))
        begun = np.arange(first // turn, -(-part.stop // turn), dtype=np.int64) * scale.denominator
        wanted = (begun[:, None] + sources).reshape(-1)[: part.stop - first]
        share = np.tile(shares, begun.size)[: part.stop - first]
        # A share is compared as a fraction; a clamped source has none.
        agrees = (mix.sources[part] == wanted) & (mix.shares[part] * whole == share * mix.whole)
        same[part] = agrees & (wanted + (share > 0) < size)
    return same


def _resized(up: int, down: int, mode: str) -> PeriodicAxis:
    """The endless axis of a resize: each output reads one input, or two in linear mode."""
    sources, shares, _ = _ideal(up, down, mode)
    both = np.flatnonzero(shares)
    order = np.arange(up, dtype=np.int64)
    outputs, inputs = np.concatenate([order, both]), np.concatenate([sources, sources[both] + 1])
    return PeriodicAxis(up, down, outputs, inputs, np.arange(outputs.size, dtype=np.int64))


def _ideal(up: int, down: int, mode: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Sources and shares of one repetition, far from any border."""
    if max(up, down) > _LONGEST_PERIOD:
        raise ConvMatrixError(
            f"scale must be a fraction of numbers up to {_LONGEST_PERIOD}, so that its phases can be told apart, "
            f"got {up}/{down}"
        )
    if mode != "linear":
        mix = mix_of(down, up, Fraction(up, down), mode)
        return np.asarray(mix.sources), np.zeros(up, dtype=np.int64), 1
    places = (2 * np.arange(up, dtype=np.int64) + 1) * down - up
    return places // (2 * up), places % (2 * up), 2 * up


def longest_run(regular: np.ndarray) -> tuple[int, int]:
    """The longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], regular.astype(np.int8), [0]])))
    if not edges.size:
        return 0, 0
    starts, stops = edges[::2], edges[1::2]
    best = int(np.argmax(stops - starts))
    return int(starts[best]), int(stops[best])
