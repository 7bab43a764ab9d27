"""How many paths lead to each output: the all-ones layers applied to ones, an axis at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import numpy as np

from convmatrix.analysis.phases.interior import interior
from convmatrix.analysis.phases.reading import axes_of, shuffle_of
from convmatrix.analysis.phases.sums import gathered, scattered, zeros
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Sum, Transposed, branches_of, steps_of
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

_WIDEST = 2**62
_LARGEST_TABLE = 1 << 20
_SHORT = 1 << 22
"""Positions an axis up to which all may be counted."""

_Along = Callable[[TensorOperator, int, np.ndarray], np.ndarray]
_Vectors = tuple[np.ndarray, ...]


def axis_paths(op: TensorOperator) -> _Vectors | None:
    """Per axis the paths to each output position, whose outer product the counts are; None where a sum has none.

    Examples
    --------
    >>> import convmatrix as cm
    >>> axis_paths(cm.conv_transpose("1 2 3", 4, stride=2))
    (array([1, 1, 2, 1, 2, 1, 2, 1, 1]),)
    """
    longest = max(*op.in_shape[1:], *op.out_shape[1:])
    check_size(f"the counts of an axis of {longest} positions", 32 * longest)
    ones = [np.ones(n, dtype=np.int64) for n in op.in_shape[1:]]
    return _vectors(op, tuple(ones), _along)


def paths(op: TensorOperator) -> np.ndarray:
    """The paths to each output position, of the spatial output shape, whatever the operator."""
    vectors = axis_paths(op)
    if vectors is not None:
        return _outer(vectors)
    check_size(f"the overlap map of {op.out_shape[1:]} positions", 16 * math.prod(op.out_shape[1:]))
    return _dense(op, np.ones(op.in_shape[1:], dtype=np.int64), _along)


def axis_phase_paths(op: TensorOperator) -> _Vectors | None:
    """The same per axis and phase (output position modulo the period) of the endless layer.

    Examples
    --------
    >>> import convmatrix as cm
    >>> axis_phase_paths(cm.conv_transpose("1 2 3", 4, stride=2))
    (array([2, 1]),)
    """
    _check_phases(max(interior(op).period))
    axes = len(op.out_shape) - 1
    return _vectors(op, (np.ones(1, dtype=np.int64),) * axes, _along_endless)


def phase_paths(op: TensorOperator) -> np.ndarray:
    """The paths to each phase of the endless layer, of the shape of the period, whatever the operator."""
    _check_phases(math.prod(interior(op).period))
    vectors = axis_phase_paths(op)
    if vectors is not None:
        return _outer(vectors)
    return _dense(op, np.ones((1,) * (len(op.out_shape) - 1), dtype=np.int64), _along_endless)


def _check_phases(phases: int) -> None:
    """Refuse what an answer would take, before the first of its axes is counted."""
    check_size(f"the counts of {phases} phases", 40 * phases)


def axis_paths_at(op: TensorOperator, axis: int, outputs: np.ndarray) -> np.ndarray | None:
    """The paths to some output positions of one axis, however long it is.

    None where only the whole can be counted, or is counted sooner.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> axis_paths_at(cm.conv_transpose("1 2 3", 10**12, stride=2), 0, np.array([0, 2, 2 * 10**12]))
    array([1, 2, 1])
    """
    steps = _listed_steps(op)
    if steps is None:
        return None
    asked = [outputs]
    whole = all(max(step.in_shape[1 + axis], step.out_shape[1 + axis]) <= _SHORT for step in steps)
    for step in reversed(steps[1:]):
        if whole and asked[-1].size * axes_of(step)[axis].taps.size > _LARGEST_TABLE:
            return None
        asked.append(_needed(step, axis, asked[-1]))
    counts = _ones_at(steps[0], axis, asked[-1])
    for step, place in zip(steps[1:], range(len(asked) - 2, -1, -1), strict=True):
        counts = _added_up(step, axis, asked[place], asked[place + 1], counts)
    return counts


def _vectors(op: TensorOperator, vectors: _Vectors, along: _Along) -> _Vectors | None:
    found: _Vectors | None = vectors
    for step in steps_of(op):
        if found is None:
            return None
        if isinstance(step, Sum):
            found = _summed(step, found, along)
        elif not isinstance(step, Scaled):
            found = tuple(along(step, axis, vector) for axis, vector in enumerate(found))
    return found


def _summed(op: Sum, vectors: _Vectors, along: _Along) -> _Vectors | None:
    """Branches that differ along one axis at most are one outer product still."""
    total: _Vectors | None = None
    for branch in branches_of(op):
        own = _vectors(branch, vectors, along)
        if own is None:
            return None
        if total is None:
            total = own
            continue
        pairs = [_repeated(a, b) for a, b in zip(total, own, strict=True)]
        other = [axis for axis, (a, b) in enumerate(pairs) if not np.array_equal(a, b)]
        if len(other) > 1:
            return None
        axis = other[0] if other else 0
        both = _bounded(pairs[axis][0]) + _bounded(pairs[axis][1])
        total = tuple(both if place == axis else a for place, (a, _) in enumerate(pairs))
    return total


def _dense(op: TensorOperator, counts: np.ndarray, along: _Along) -> np.ndarray:
    for step in steps_of(op):
        if isinstance(step, Sum):
            counts = reduce(_total, (_dense(branch, counts, along) for branch in branches_of(step)))
        elif not isinstance(step, Scaled):
            for axis in range(counts.ndim):
                counts = np.moveaxis(along(step, axis, np.moveaxis(counts, axis, 0)), 0, axis)
    return counts


def _total(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = _repeated(left, right)
    return _bounded(left) + _bounded(right)


def _repeated(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both over their common period; of counts of the same positions both as they are."""
    period = tuple(map(math.lcm, left.shape, right.shape))
    check_size(f"the counts of {math.prod(period)} phases", 16 * math.prod(period))
    return _tiled(left, period), _tiled(right, period)


def _tiled(counts: np.ndarray, period: tuple[int, ...]) -> np.ndarray:
    repeats = tuple(large // small for large, small in zip(period, counts.shape, strict=True))
    return np.tile(counts, repeats) if math.prod(repeats) > 1 else counts


def _outer(vectors: tuple[np.ndarray, ...]) -> np.ndarray:
    """The outer product, in Python integers where an int64 would wrap."""
    positions = math.prod(vector.size for vector in vectors)
    check_size(f"the counts of {positions} positions", 16 * positions)
    if math.prod(int(vector.max(initial=0)) for vector in vectors) >= 2**63:
        vectors = tuple(vector.astype(object) for vector in vectors)
    return reduce(np.multiply.outer, vectors)


def _along_endless(leaf: TensorOperator, axis: int, counts: np.ndarray) -> np.ndarray:
    """One axis of one endless layer of ones applied to the first axis of `counts`, one an input phase."""
    own = axes_of(leaf)[axis]
    counts = _bounded(counts, own.taps.size)
    period = own.period_of(len(counts))
    _check_phases(period * (counts.size // len(counts)))
    if counts.shape == (1,):
        return own.phase_counts * counts
    outputs, inputs, _ = own.entries_of(len(counts))
    total = zeros(period, counts)
    np.add.at(total, outputs, counts[inputs])
    return total


def _listed_steps(op: TensorOperator) -> list[TensorOperator] | None:
    """The layers of an operator, if what one output of each reads is known without the others."""
    steps = [step for step in steps_of(op) if not isinstance(step, Scaled)]
    return steps if all(map(_is_listed, steps)) else None


def _is_listed(step: TensorOperator) -> bool:
    if isinstance(step, Transposed):
        layer = step.of
        return isinstance(layer, (Convolution, AvgPool)) and all(
            own.padding_mode == "zeros" for own in layer.geometry.axes
        )
    return not isinstance(step, Sum)


def _parts(step: TensorOperator, axis: int, outputs: np.ndarray) -> list[np.ndarray]:
    """The outputs in parts, the table of what each part reads small enough to be held."""
    size = max(1, _LARGEST_TABLE // axes_of(step)[axis].taps.size)
    return [outputs[first : first + size] for first in range(0, outputs.size, size)] or [outputs]


def _needed(step: TensorOperator, axis: int, outputs: np.ndarray) -> np.ndarray:
    """The inputs that some outputs read, each once, in order."""
    found = [np.unique(_reads(step, axis, part)) for part in _parts(step, axis, outputs)]
    inputs = np.unique(np.concatenate(found))
    return inputs[inputs >= 0]


def _added_up(
    step: TensorOperator, axis: int, outputs: np.ndarray, inputs: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """For each output what the inputs it reads count together; all of these are among `inputs`, which are in order."""
    counts = _bounded(counts, _most(step, axis))
    # Entry -1 stands for padding.
    counts = np.concatenate([counts, zeros(1, counts)])
    totals = []
    for part in _parts(step, axis, outputs):
        reads = _reads(step, axis, part)
        totals.append(counts[np.where(reads < 0, -1, np.searchsorted(inputs, reads))].sum(axis=1))
    return np.concatenate(totals)


def _ones_at(leaf: TensorOperator, axis: int, outputs: np.ndarray) -> np.ndarray:
    """Through how many taps some outputs of a layer read an input, for a long kernel without its table."""
    layer = leaf.of if isinstance(leaf, Transposed) else leaf
    if not isinstance(layer, (Convolution, AvgPool)):
        return np.count_nonzero(_reads(leaf, axis, outputs) >= 0, axis=1)
    own = layer.geometry.axes[axis]
    if own.padding_mode != "zeros":
        return np.full(outputs.shape, own.kernel_size, dtype=np.int64)
    if layer is leaf:
        start = outputs * own.stride - own.pad_before
        return _taps_between(-start, own.input_size - 1 - start, own.dilation, own.kernel_size)
    # Taps t with t*d = position (mod s), which are every (s/g)-th from some first one on.
    position, common = outputs + own.pad_before, math.gcd(own.dilation, own.stride)
    step = own.stride // common
    inverse = pow(own.dilation // common, -1, step)
    rest = position // common % step
    # Python's integers, where a product of two such numbers might wrap.
    first = (rest * inverse if step < 2**31 else rest.astype(object) * inverse) % step
    # Of a phase that no tap reaches the first tap is far away.
    found = position - np.minimum(first, own.kernel_size - 1).astype(np.int64) * own.dilation
    low, spread = found - (own.output_size - 1) * own.stride, min(step * own.dilation, _WIDEST)
    counts = _taps_between(low, found, spread, (own.kernel_size - 1 - first.astype(np.int64)) // step + 1)
    return np.where(position % common == 0, counts, 0)


def _taps_between(low: np.ndarray, high: np.ndarray, spread: int, taps: np.ndarray | int) -> np.ndarray:
    """How many of the first `taps` multiples of `spread` lie in `[low, high]`."""
    first, last = np.maximum(-(-low // spread), 0), np.minimum(high // spread, np.asarray(taps) - 1)
    return np.maximum(last - first + 1, 0)


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
        return scattered(own, counts) if transpose else gathered(own, counts)
    if isinstance(layer, Resize):
        mix = layer._mixes[axis]
        second = np.flatnonzero(mix.shares)
        if transpose:
            total = zeros(size, counts)
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


def _bounded(counts: np.ndarray, factor: int = 2) -> np.ndarray:
    """The counts as Python integers where `factor` times the largest might not fit an int64."""
    if counts.dtype != object and int(counts.max(initial=0)) * factor >= _WIDEST:
        return counts.astype(object)
    return counts
