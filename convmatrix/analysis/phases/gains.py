"""What an endless constant becomes: the answer of each output phase and channel, exactly for exact weights.

A signal is an array `(*period, channels, columns)`: position `p` of the endless grid holds entry `p mod period`, and
every column is one signal.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.phases.reading import (
    axes_of,
    channel_sources,
    resize_shares,
    shuffle_of,
)
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import PeriodicAxis
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Sum, Transposed, branches_of, steps_of
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

_MOST_PHASES = 1 << 22
"""Phases whose gains are held; beyond them an answer would be long to make and no help to read."""
_LARGEST_TABLE = 1 << 20
"""Entries of a table of taps and phases up to which their sums are one product."""


def respond(op: TensorOperator, signal: np.ndarray | None = None, *, magnitudes: bool = False) -> np.ndarray:
    """The answer of an operator, its bias left out, to a periodic signal; far from any border.

    Parameters
    ----------
    op : TensorOperator
        Of layers with axes (see `check_layers`).
    signal : ndarray of shape `(*period, in_channels, columns)`, optional
        By default a constant 1 in one channel after another, so that the answer holds the DC gains
        `(*period, c_out, c_in)`.
    magnitudes : bool, default False
        Take the absolute value of every weight: a bound on what rounding can do.

    Returns
    -------
    ndarray of shape `(*period, out_channels, columns)`
        int64, float64, complex128, or exact objects. Position 0 of the output is phase 0.

    Raises
    ------
    ConvMatrixError
        If the answer repeats only after more than 4,194,304 outputs.
    MatrixTooLargeError
        If the answers of all phases do not fit into memory.

    Examples
    --------
    >>> import convmatrix as cm
    >>> respond(cm.conv_transpose("1 2 3", 4, stride=2)).reshape(-1)
    array([4, 2])
    """
    if signal is None:
        axes, channels = len(op.in_shape) - 1, op.in_shape[0]
        signal = np.eye(channels, dtype=np.int64).reshape(*[1] * axes, channels, channels)
    return _through(op, signal, magnitudes)


def response_of_bias(op: TensorOperator) -> np.ndarray | None:
    """What the biases of all layers add to each phase, `(*period, out_channels, 1)`, or None without any."""
    found = None
    for step in steps_of(op):
        if isinstance(step, Scaled):
            found = None if found is None else step._scale(found)
            continue
        own = _bias_of(step)
        found = _added(None if found is None else _applied(step, found, False), own)
    return found


def _bias_of(step: TensorOperator) -> np.ndarray | None:
    if isinstance(step, Sum):
        return reduce(_added, map(response_of_bias, branches_of(step)))
    return None if step.bias is None else _widened(step.bias.reshape(*[1] * (len(step.out_shape) - 1), -1, 1))


def _through(op: TensorOperator, signal: np.ndarray, magnitudes: bool) -> np.ndarray:
    for step in steps_of(op):
        signal = _applied(step, signal, magnitudes)
    return signal


def _applied(step: TensorOperator, signal: np.ndarray, magnitudes: bool) -> np.ndarray:
    """One of `steps_of`, of which a multiple is its factor alone."""
    if isinstance(step, Scaled):
        factor = exact.as_array([step.factor], "the factor")
        factor, answer = _safe(*exact.paired(np.abs(factor) if magnitudes else factor, signal))
        return answer * factor[0]
    if isinstance(step, Sum):
        return reduce(_sum, (_through(branch, signal, magnitudes) for branch in branches_of(step)))
    if isinstance(step, Permutation):
        return _shuffled(step, signal)
    layer = step.of if isinstance(step, Transposed) else step
    if isinstance(layer, Convolution):
        return _convolved(step, signal, magnitudes)
    for axis, own in enumerate(axes_of(step)):
        shares, whole = _shares(layer, axis)
        signal = _mixed(own, axis, signal, shares, whole)
    return signal


def _convolved(op: Any, signal: np.ndarray, magnitudes: bool) -> np.ndarray:
    """A convolution or its transpose: for each output phase, the taps that reach it times the phases they read."""
    groups, axes, columns = op.geometry.groups, axes_of(op), signal.shape[-1]
    whole = _repeats(axes, signal.shape)
    check_size(f"the gains of {math.prod(whole)} phases", 8 * math.prod(whole) * op.out_shape[0] * columns)
    signal = _shortened(signal)
    periods = signal.shape[: len(axes)]
    weight = _widened(np.abs(op.weight) if magnitudes else op.weight)
    weight, signal = _safe(*exact.paired(weight, signal))
    kind = np.result_type(weight, signal)
    inputs = signal.astype(kind, copy=False).reshape(*periods, groups, -1, columns)
    entries = [own.entries_of(period) for own, period in zip(axes, periods, strict=True)]
    grid = _repeats(axes, periods)
    turned = isinstance(op, Transposed)
    if math.prod(periods) == 1:
        sums = _by_group(_added_up(weight, entries, grid), groups, turned)
        sums = np.moveaxis(sums, (0, 1, 2), (-3, -2, -1))
        answer = _met(sums, inputs.reshape(groups, -1, columns)).reshape(*grid, op.out_shape[0], columns)
        return _tiled(answer, whole)
    weight = _by_group(weight, groups, turned)
    answer = np.zeros((*grid, op.out_shape[0], columns), dtype=kind)
    for phase in product(*(np.unique(own[0]).tolist() for own in entries)):
        part, reads = _reaching(weight, phase, entries, periods)
        answer[phase] = _contracted(part, inputs[np.ix_(*reads)]).reshape(op.out_shape[0], columns)
    return _tiled(answer, whole)


def _added_up(weight: np.ndarray, entries: list[Any], grid: tuple[int, ...]) -> np.ndarray:
    """The sums of the taps that reach each output phase, `(channels, channels, *grid)`, an axis after the other."""
    for axis in reversed(range(len(grid))):
        outputs, _, taps = entries[axis]
        if weight.dtype != object and weight.shape[-1] * grid[axis] <= _LARGEST_TABLE:
            reaches = np.zeros((weight.shape[-1], grid[axis]), dtype=weight.dtype)
            reaches[taps, outputs] = 1
            sums = weight @ reaches
        else:
            sums = np.zeros((*weight.shape[:-1], grid[axis]), dtype=weight.dtype)
            for output, tap in zip(outputs.tolist(), taps.tolist(), strict=True):
                sums[..., output] += weight[..., tap]
        # The axis done goes to the front of the kernel's axes, so that the next one is the last.
        weight = np.moveaxis(sums, -1, 2)
    return weight


def _met(sums: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """`(*grid, groups, out, in)` times what arrives everywhere, `(groups, in, columns)`: often one channel a column."""
    groups, channels, columns = inputs.shape
    if groups * channels != columns or not np.array_equal(inputs.reshape(columns, columns), np.eye(columns)):
        return np.matmul(sums, inputs)
    answer = np.zeros((*sums.shape[:-1], groups, channels), dtype=sums.dtype)
    for group in range(groups):
        answer[..., group, :, group, :] = sums[..., group, :, :]
    return answer


def _reaching(
    weight: np.ndarray, phase: tuple[int, ...], entries: list[Any], periods: tuple[int, ...]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The taps that reach one output phase, and the input phases they read along each axis."""
    reads = []
    for axis, ((outputs, sources, taps), f) in enumerate(zip(entries, phase, strict=True), start=3):
        chosen = np.flatnonzero(outputs == f)
        weight = weight.take(taps[chosen], axis=axis)
        if periods[axis - 3] == 1:
            # Whatever is read is the same, so the taps add up first.
            weight, chosen = weight.sum(axis=axis, keepdims=True), chosen[:1]
        reads.append(sources[chosen])
    return weight, reads


def _repeats(axes: tuple[PeriodicAxis, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """After how many outputs an answer repeats, refused where these are too many to be told apart."""
    grid = tuple(own.period_of(period) for own, period in zip(axes, shape, strict=False))
    if math.prod(grid) > _MOST_PHASES:
        raise ConvMatrixError(
            f"op must repeat after at most {_MOST_PHASES} outputs for its gains to be told apart, "
            f"got {' x '.join(map(str, grid))}"
        )
    return grid


def _shortened(signal: np.ndarray) -> np.ndarray:
    """The signal over the shortest period that equal entries allow: 1 along an axis where it does not change."""
    for axis in range(signal.ndim - 2):
        first = signal.take([0], axis=axis)
        if signal.shape[axis] > 1 and bool(np.all(signal == first)):
            signal = first
    return signal


def _contracted(weight: np.ndarray, reads: np.ndarray) -> np.ndarray:
    """`(groups, out, in, *taps)` times `(*taps, groups, in, columns)`: `(groups, out, columns)`."""
    groups, outputs = weight.shape[:2]
    axes = weight.ndim - 3
    columns = reads.shape[-1]
    by_group = np.moveaxis(reads, axes, 0)
    by_group = np.moveaxis(by_group, -2, 1).reshape(groups, -1, columns)
    return np.matmul(weight.reshape(groups, outputs, by_group.shape[1]), by_group)


def _by_group(weight: np.ndarray, groups: int, transpose: bool) -> np.ndarray:
    """The weight as `(groups, out, in, *kernel)` of what is applied."""
    split = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
    return split.swapaxes(1, 2) if transpose else split


def _mixed(own: PeriodicAxis, axis: int, signal: np.ndarray, shares: np.ndarray, whole: int) -> np.ndarray:
    """One axis of a layer that mixes positions and no channels: tap `t` has the weight `shares[t]/whole`."""
    period = signal.shape[axis]
    outputs, inputs, taps = own.entries_of(period)
    matrix = np.zeros((own.period_of(period), period), dtype=object)
    np.add.at(matrix, (outputs, inputs), shares[taps].astype(object))
    matrix = exact.as_array(matrix * Fraction(1, whole), "the shares")
    matrix, signal = _safe(*exact.paired(matrix, signal))
    moved = np.moveaxis(signal, axis, 0)
    flat = matrix @ moved.reshape(period, -1)
    return np.moveaxis(flat.reshape(len(matrix), *moved.shape[1:]), 0, axis)


def _shares(layer: TensorOperator, axis: int) -> tuple[np.ndarray, int]:
    if isinstance(layer, Resize):
        return resize_shares(layer, axis)
    assert isinstance(layer, AvgPool)
    taps = layer.geometry.axes[axis].kernel_size
    return np.ones(taps, dtype=np.int64), taps


def _shuffled(op: Permutation, signal: np.ndarray) -> np.ndarray:
    """Channels reordered, or moved into space or out of it."""
    factors, enlarges = shuffle_of(op)
    axes, columns = len(factors), signal.shape[-1]
    if op.in_shape[0] == op.out_shape[0]:
        return signal[..., channel_sources(op), :]
    if enlarges:
        split = signal.reshape(*signal.shape[:axes], op.out_shape[0], *factors, columns)
        order = [place for axis in range(axes) for place in (axis, axes + 1 + axis)]
        periods = [n * factor for n, factor in zip(signal.shape, factors, strict=False)]
        return split.transpose(*order, axes, 2 * axes + 1).reshape(*periods, op.out_shape[0], columns)
    signal = _tiled(signal, tuple(math.lcm(n, factor) for n, factor in zip(signal.shape, factors, strict=False)))
    periods = [n // factor for n, factor in zip(signal.shape, factors, strict=False)]
    parts = [size for pair in zip(periods, factors, strict=True) for size in pair]
    order = [*range(0, 2 * axes, 2), 2 * axes, *range(1, 2 * axes, 2), 2 * axes + 1]
    split = signal.reshape(*parts, op.in_shape[0], columns).transpose(order)
    return split.reshape(*periods, op.out_shape[0], columns)


def _added(left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray | None:
    """Two signals added up, either of which may be none."""
    if left is None or right is None:
        return right if left is None else left
    return _sum(left, right)


def _sum(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two signals added up over their common period."""
    period = tuple(map(math.lcm, left.shape[:-2], right.shape[:-2]))
    left, right = exact.paired(_tiled(left, period), _tiled(right, period))
    if left.dtype.kind == "i" and _largest(left) + _largest(right) >= 2**63:
        return left.astype(object) + right.astype(object)
    return left + right


def _tiled(signal: np.ndarray, period: tuple[int, ...]) -> np.ndarray:
    repeats = [large // small for large, small in zip(period, signal.shape, strict=False)]
    return np.tile(signal, (*repeats, 1, 1)) if any(n > 1 for n in repeats) else signal


def _widened(weight: np.ndarray) -> np.ndarray:
    """Single precision as double: the verdict is about the weights and not about this sum."""
    if weight.dtype.kind in "fc":
        return weight.astype(np.complex128 if weight.dtype.kind == "c" else np.float64)
    return weight


def _safe(weight: np.ndarray, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as Python integers where a sum of int64 might wrap."""
    if weight.dtype.kind == signal.dtype.kind == "i" and _largest(weight) * _largest(signal) * weight.size >= 2**63:
        return weight.astype(object), signal.astype(object)
    return weight, signal


def _largest(array: np.ndarray) -> int:
    return max(-int(array.min(initial=0)), int(array.max(initial=0)))
