"""How many paths lead to each output: the all-ones layers applied to ones, an axis at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import numpy as np

from convmatrix.analysis.phases.reading import axes_of, shuffle_of
from convmatrix.geometry import Axis
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

_WIDEST = 2**62
_LARGEST_TABLE = 1 << 20

_Along = Callable[[TensorOperator, int, np.ndarray], np.ndarray]
_Counts = Callable[[np.ndarray], np.ndarray]


def axis_paths(op: TensorOperator) -> tuple[np.ndarray, ...] | None:
    """Per axis the paths to each output position, whose outer product the counts are; None where a sum has none.

    Examples
    --------
    >>> import convmatrix as cm
    >>> axis_paths(cm.conv_transpose("1 2 3", 4, stride=2))
    (array([1, 1, 2, 1, 2, 1, 2, 1, 1]),)
    """
    longest = max(*op.in_shape[1:], *op.out_shape[1:])
    check_size(f"the counts of an axis of {longest} positions", 32 * longest, None)
    ones = [np.ones(n, dtype=np.int64) for n in op.in_shape[1:]]
    return _vectors(op, tuple(ones), _along)


def paths(op: TensorOperator) -> np.ndarray:
    """The paths to each output position, of the spatial output shape, whatever the operator."""
    vectors = axis_paths(op)
    if vectors is not None:
        return _outer(vectors)
    check_size(f"the overlap map of {op.out_shape[1:]} positions", 16 * math.prod(op.out_shape[1:]), None)
    return _dense(op, np.ones(op.in_shape[1:], dtype=np.int64), _along)


def axis_phase_paths(op: TensorOperator) -> tuple[np.ndarray, ...] | None:
    """The same per axis and phase (output position modulo the period) of the endless layer.

    Examples
    --------
    >>> import convmatrix as cm
    >>> axis_phase_paths(cm.conv_transpose("1 2 3", 4, stride=2))
    (array([2, 1]),)
    """
    axes = len(op.out_shape) - 1
    return _vectors(op, (np.ones(1, dtype=np.int64),) * axes, _along_endless)


def phase_paths(op: TensorOperator) -> np.ndarray:
    """The paths to each phase of the endless layer, of the shape of the period, whatever the operator."""
    vectors = axis_phase_paths(op)
    if vectors is not None:
        return _outer(vectors)
    return _dense(op, np.ones((1,) * (len(op.out_shape) - 1), dtype=np.int64), _along_endless)


def axis_paths_at(op: TensorOperator, axis: int, outputs: np.ndarray) -> np.ndarray | None:
    """The paths to some output positions of one axis, however long it is; None where only the whole can be counted.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> axis_paths_at(cm.conv_transpose("1 2 3", 10**12, stride=2), 0, np.array([0, 2, 2 * 10**12]))
    array([1, 2, 1])
    """
    if not _is_listed(op):
        return None
    return _at(op, axis, outputs, None)


def _vectors(op: TensorOperator, vectors: tuple[np.ndarray, ...], along: _Along) -> tuple[np.ndarray, ...] | None:
    if isinstance(op, Product):
        inner = _vectors(op.right, vectors, along)
        return None if inner is None else _vectors(op.left, inner, along)
    if isinstance(op, Scaled):
        return _vectors(op.of, vectors, along)
    if isinstance(op, Sum):
        # Branches that differ along one axis at most are one outer product still.
        left, right = _vectors(op.left, vectors, along), _vectors(op.right, vectors, along)
        if left is None or right is None:
            return None
        pairs = [_repeated(a, b) for a, b in zip(left, right, strict=True)]
        other = [axis for axis, (a, b) in enumerate(pairs) if not np.array_equal(a, b)]
        if len(other) > 1:
            return None
        axis = other[0] if other else 0
        total = _bounded(pairs[axis][0]) + _bounded(pairs[axis][1])
        return tuple(total if place == axis else a for place, (a, _) in enumerate(pairs))
    return tuple(along(op, axis, vector) for axis, vector in enumerate(vectors))


def _dense(op: TensorOperator, counts: np.ndarray, along: _Along) -> np.ndarray:
    if isinstance(op, Product):
        return _dense(op.left, _dense(op.right, counts, along), along)
    if isinstance(op, Scaled):
        return _dense(op.of, counts, along)
    if isinstance(op, Sum):
        left, right = _repeated(_dense(op.left, counts, along), _dense(op.right, counts, along))
        return _bounded(left) + _bounded(right)
    for axis in range(counts.ndim):
        counts = np.moveaxis(along(op, axis, np.moveaxis(counts, axis, 0)), 0, axis)
    return counts


def _repeated(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both over their common period; of counts of the same positions both as they are."""
    period = tuple(map(math.lcm, left.shape, right.shape))
    check_size(f"the counts of {math.prod(period)} phases", 16 * math.prod(period), None)
    return _tiled(left, period), _tiled(right, period)


def _tiled(counts: np.ndarray, period: tuple[int, ...]) -> np.ndarray:
    repeats = tuple(large // small for large, small in zip(period, counts.shape, strict=True))
    return np.tile(counts, repeats) if math.prod(repeats) > 1 else counts


def _outer(vectors: tuple[np.ndarray, ...]) -> np.ndarray:
    """The outer product, in Python integers where an int64 would wrap."""
    positions = math.prod(vector.size for vector in vectors)
    check_size(f"the counts of {positions} positions", 16 * positions, None)
    if math.prod(int(vector.max(initial=0)) for vector in vectors) >= 2**63:
        vectors = tuple(vector.astype(object) for vector in vectors)
    return reduce(np.multiply.outer, vectors)


def _along_endless(leaf: TensorOperator, axis: int, counts: np.ndarray) -> np.ndarray:
    """One axis of one endless layer of ones applied to the first axis of `counts`, one an input phase."""
    own = axes_of(leaf)[axis]
    counts = _bounded(counts, own.taps.size)
    period = own.period_of(len(counts))
    check_size(f"the counts of {period} phases", 16 * period * (counts.size // len(counts)), None)
    if counts.shape == (1,):
        return own.phase_counts * counts
    outputs, inputs, _ = own.entries_of(len(counts))
    total = _zeros(period, counts)
    np.add.at(total, outputs, counts[inputs])
    return total


def _is_listed(op: TensorOperator) -> bool:
    """Whether what one output of every layer reads is known without the others."""
    if isinstance(op, Product):
        return _is_listed(op.left) and _is_listed(op.right)
    if isinstance(op, Scaled):
        return _is_listed(op.of)
    if isinstance(op, Transposed):
        layer = op.of
        return isinstance(layer, (Convolution, AvgPool)) and all(
            own.padding_mode == "zeros" for own in layer.geometry.axes
        )
    return not isinstance(op, Sum)


def _at(op: TensorOperator, axis: int, outputs: np.ndarray, counts: _Counts | None) -> np.ndarray:
    """The paths to `outputs`, where `counts` gives those to some inputs; by default 1 each."""
    if isinstance(op, Product):
        return _at(op.left, axis, outputs, lambda inner: _at(op.right, axis, inner, counts))
    if isinstance(op, Scaled):
        return _at(op.of, axis, outputs, counts)
    part = max(1, _LARGEST_TABLE // axes_of(op)[axis].taps.size)
    parts = [outputs[first : first + part] for first in range(0, outputs.size, part)] or [outputs]
    found = [_added_up(_reads(op, axis, some), counts, op, axis) for some in parts]
    return found[0] if len(found) == 1 else np.concatenate(found)


def _added_up(reads: np.ndarray, counts: _Counts | None, leaf: TensorOperator, axis: int) -> np.ndarray:
    """For each row of input positions, -1 for none, what these count together."""
    if counts is None:
        return np.count_nonzero(reads >= 0, axis=1)
    places, which = np.unique(reads, return_inverse=True)
    own = _bounded(counts(places[places >= 0]), _most(leaf, axis))
    if places.size > own.size:
        own = np.concatenate([_zeros(1, own), own])
    return own[which.reshape(reads.shape)].sum(axis=1)


def _reads(leaf: TensorOperator, axis: int, outputs: np.ndarray) -> np.ndarray:
    """What some outputs of a layer read along an axis, -1 for nothing: `(len(outputs), taps)`."""
    layer = leaf.of if isinstance(leaf, Transposed) else leaf
    if isinstance(layer, (Convolution, AvgPool)):
        own = layer.geometry.axes[axis]
        if layer is leaf:
            return own.source(own.positions(outputs))
        taps = np.arange(own.kernel_size, dtype=np.int64) * own.dilation
        rows, rest = np.divmod(outputs[:, None] + own.pad_before - taps, own.stride)
        return np.where((rest == 0) & (rows >= 0) & (rows < own.output_size), rows, -1)
    if isinstance(layer, Resize):
        first, shares = layer._mixes[axis].sources[outputs], layer._mixes[axis].shares[outputs]
        return np.stack([first, np.where(shares > 0, first + 1, -1)], axis=1)
    assert isinstance(layer, Permutation)
    factors, enlarges = shuffle_of(layer)
    if enlarges:
        return outputs[:, None] // factors[axis]
    return outputs[:, None] * factors[axis] + np.arange(factors[axis], dtype=np.int64)


def _along(leaf: TensorOperator, axis: int, counts: np.ndarray) -> np.ndarray:
    """One axis of one layer of ones applied to the first axis of `counts`."""
    counts = _bounded(counts, _most(leaf, axis))
    transpose, layer = isinstance(leaf, Transposed), leaf.of if isinstance(leaf, Transposed) else leaf
    size = leaf.out_shape[1 + axis]
    if isinstance(layer, (Convolution, AvgPool)):
        own = layer.geometry.axes[axis]
        return _scattered(own, counts) if transpose else _gathered(own, counts)
    if isinstance(layer, Resize):
        mix = layer._mixes[axis]
        second = np.flatnonzero(mix.shares)
        if transpose:
            total = _zeros(size, counts)
            np.add.at(total, mix.sources, counts)
            np.add.at(total, mix.sources[second] + 1, counts[second])
            return total
        total = counts[mix.sources]
        total[second] += counts[mix.sources[second] + 1]
        return total
    assert isinstance(layer, Permutation)
    factors, enlarges = shuffle_of(layer)
    if enlarges:
        return np.repeat(counts, factors[axis], axis=0)
    return counts.reshape(size, factors[axis], *counts.shape[1:]).sum(axis=1)


def _most(leaf: TensorOperator, axis: int) -> int:
    """A bound on the paths to one position; an edge that is repeated may be read by any number of outputs."""
    rows = 1 if _is_listed(leaf) else leaf.in_shape[1 + axis]
    return axes_of(leaf)[axis].taps.size * rows


def _gathered(axis: Axis, counts: np.ndarray) -> np.ndarray:
    """What the outputs of an axis read, added up over the taps."""
    total = _zeros(axis.output_size, counts)
    starts = np.arange(axis.output_size, dtype=np.int64) * axis.stride - axis.pad_before
    for tap in range(axis.kernel_size):
        reads = axis.source(starts + tap * axis.dilation)
        inside = np.flatnonzero(reads >= 0)
        total[inside] += counts[reads[inside]]
    return total


def _scattered(axis: Axis, counts: np.ndarray) -> np.ndarray:
    """What the outputs of an axis hand back to the inputs they read, added up over the taps."""
    total = _zeros(axis.input_size, counts)
    starts = np.arange(axis.output_size, dtype=np.int64) * axis.stride - axis.pad_before
    for tap in range(axis.kernel_size):
        reads = axis.source(starts + tap * axis.dilation)
        inside = np.flatnonzero(reads >= 0)
        np.add.at(total, reads[inside], counts[inside])
    return total


def _zeros(size: int, like: np.ndarray) -> np.ndarray:
    return np.zeros((size, *like.shape[1:]), dtype=like.dtype)


def _bounded(counts: np.ndarray, factor: int = 2) -> np.ndarray:
    """The counts as Python integers where `factor` times the largest might not fit an int64."""
    if counts.dtype != object and int(counts.max(initial=0)) * factor >= _WIDEST:
        return counts.astype(object)
    return counts
