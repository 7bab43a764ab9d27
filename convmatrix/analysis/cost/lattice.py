"""Taps that read a real input, counted along one axis in whole numbers: no table, whatever the sizes."""

from __future__ import annotations

import math

import numpy as np

from convmatrix.geometry import Axis
from convmatrix.memory import check_size


def pairs_between(outputs: int, taps: int, stride: int, dilation: int, low: int, high: int) -> int:
    """Pairs (output `o`, tap `t`) with `low <= o*stride + t*dilation < high`.

    >>> pairs_between(3, 3, 2, 1, 1, 6)
    7
    """
    if outputs < 1 or taps < 1 or high <= low:
        return 0
    return _pairs_below(outputs, taps, stride, dilation, high) - _pairs_below(outputs, taps, stride, dilation, low)


def real_reads(axis: Axis) -> int:
    """Taps, over all outputs, that read an input and not a zero of the padding.

    >>> real_reads(Axis(5, 3, 5, pad_before=1, pad_after=1)), real_reads(Axis(10**18, 3, 10**18 - 2))
    (13, 2999999999999999994)
    """
    if axis.padding_mode != "zeros":
        return axis.output_size * axis.kernel_size
    return _within(axis, axis.output_size, axis.kernel_size)


def reached_outputs(axis: Axis) -> int:
    """Outputs with at least one tap on a real input.

    >>> reached_outputs(Axis(2, 2, 9, pad_before=4, pad_after=4))
    3
    """
    if axis.padding_mode != "zeros":
        return axis.output_size
    # The taps of an output that read inputs follow each other: one more than there are neighbours among them.
    neighbours = _within(axis, axis.output_size, axis.kernel_size - 1, end=axis.input_size - axis.dilation)
    return real_reads(axis) - neighbours


def read_inputs(axis: Axis) -> int:
    """Inputs that at least one tap reads, which are the outputs that the transposed layer writes.

    >>> read_inputs(Axis(8, 1, 4, stride=2)), read_inputs(Axis(9, 3, 4, stride=2))
    (4, 9)
    """
    # Pairs that meet at one input are a chain: d/g outputs further are s/g taps less.
    common = math.gcd(axis.stride, axis.dilation)
    outputs, taps = axis.dilation // common, axis.stride // common
    meetings = _within(
        axis, axis.output_size - outputs, axis.kernel_size - taps, shift=taps * axis.dilation, end=axis.input_size
    )
    direct = _within(axis, axis.output_size, axis.kernel_size) - meetings
    if axis.padding_mode == "zeros" or direct == axis.input_size:
        return direct
    return direct + _read_by_borders_alone(axis)


def spread_positions(axis: Axis) -> int:
    """Positions that the transposed layer writes before any is cropped.

    >>> spread_positions(Axis(9, 3, 4, stride=2)), spread_positions(Axis(7, 3, 4, stride=2, pad_before=1, pad_after=1))
    (9, 9)
    """
    if axis.padding_mode != "zeros":
        return read_inputs(axis)
    common = math.gcd(axis.stride, axis.dilation)
    outputs = max(axis.output_size - axis.dilation // common, 0)
    return axis.output_size * axis.kernel_size - outputs * max(axis.kernel_size - axis.stride // common, 0)


def _within(axis: Axis, outputs: int, taps: int, *, shift: int = 0, end: int | None = None) -> int:
    """Pairs that read an input before `end`, of so many outputs and taps, the taps shifted."""
    low = axis.pad_before - shift
    high = low + (axis.input_size if end is None else end)
    return pairs_between(outputs, taps, axis.stride, axis.dilation, low, high)


def _pairs_below(outputs: int, taps: int, stride: int, dilation: int, bound: int) -> int:
    most = bound - 1
    if most < 0:
        return 0
    # Taps that every output has below the bound, and taps that the first output has.
    all_of = min(max((most - (outputs - 1) * stride) // dilation + 1, 0), taps)
    some_of = min(most // dilation + 1, taps)
    left = some_of - all_of
    rest = most - (some_of - 1) * dilation
    return all_of * outputs + (_sum_of_floors(left, stride, dilation, rest) + left if left > 0 else 0)


def _sum_of_floors(count: int, divisor: int, step: int, start: int) -> int:
    """The sum of `floor((step*n + start) / divisor)` over `n < count`, by Euclid's steps."""
    total = 0
    while count > 0:
        total += count * (count - 1) // 2 * (step // divisor) + count * (start // divisor)
        step, start = step % divisor, start % divisor
        most = step * count + start
        count, start = divmod(most, divisor)
        divisor, step = step, divisor
    return total


def _read_by_borders_alone(axis: Axis) -> int:
    """Inputs that are read round, mirrored or repeated at a border and nowhere else."""
    low, high = axis.interior
    outside = low + axis.output_size - high
    check_size(f"the borders of an axis of {axis.output_size} outputs", 24 * outside * axis.kernel_size, None)
    outputs = np.concatenate([np.arange(low), np.arange(high, axis.output_size)])
    inputs = np.unique(axis.source(axis.positions(outputs)))
    direct = np.zeros(inputs.shape, dtype=bool)
    for tap in range(axis.kernel_size):
        steps = inputs + axis.pad_before - tap * axis.dilation
        places, left = np.divmod(steps, axis.stride)
        direct |= (left == 0) & (places >= 0) & (places < axis.output_size)
    return int(np.count_nonzero(~direct))
