"""How many paths lead to each output: the all-ones layers applied to ones, an axis at a time."""

from __future__ import annotations

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


def axis_paths(op: TensorOperator) -> tuple[np.ndarray, ...] | None:
    """Per axis the paths to each output position, whose outer product the counts are; None where a sum has none.

    Examples
    --------
    >>> import convmatrix as cm
    >>> axis_paths(cm.conv_transpose("1 2 3", 4, stride=2))
    (array([1, 1, 2, 1, 2, 1, 2, 1, 1]),)
    """
    ones = [np.ones(n, dtype=np.int64) for n in op.in_shape[1:]]
    return _vectors(op, tuple(ones))


def paths(op: TensorOperator) -> np.ndarray:
    """The paths to each output position, of the spatial output shape, whatever the operator."""
    vectors = axis_paths(op)
    if vectors is not None:
        return reduce(np.multiply.outer, vectors)
    check_size(f"the overlap map of {op.out_shape[1:]} positions", 16 * int(np.prod(op.out_shape[1:])), None)
    return _dense(op, np.ones(op.in_shape[1:], dtype=np.int64))


def _vectors(op: TensorOperator, vectors: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...] | None:
    if isinstance(op, Product):
        inner = _vectors(op.right, vectors)
        return None if inner is None else _vectors(op.left, inner)
    if isinstance(op, Scaled):
        return _vectors(op.of, vectors)
    if isinstance(op, Sum):
        # Branches that differ along one axis at most are one outer product still.
        left, right = _vectors(op.left, vectors), _vectors(op.right, vectors)
        if left is None or right is None:
            return None
        other = [axis for axis, (a, b) in enumerate(zip(left, right, strict=True)) if not np.array_equal(a, b)]
        if len(other) > 1:
            return None
        axis = other[0] if other else 0
        return (*left[:axis], _bounded(left[axis]) + _bounded(right[axis]), *left[axis + 1 :])
    return tuple(_along(op, axis, vector) for axis, vector in enumerate(vectors))


def _dense(op: TensorOperator, counts: np.ndarray) -> np.ndarray:
    if isinstance(op, Product):
        return _dense(op.left, _dense(op.right, counts))
    if isinstance(op, Scaled):
        return _dense(op.of, counts)
    if isinstance(op, Sum):
        return _bounded(_dense(op.left, counts)) + _bounded(_dense(op.right, counts))
    for axis in range(counts.ndim):
        counts = np.moveaxis(_along(op, axis, np.moveaxis(counts, axis, 0)), 0, axis)
    return counts


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
    rows = leaf.in_shape[1 + axis] if isinstance(leaf, Transposed) else 1
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
