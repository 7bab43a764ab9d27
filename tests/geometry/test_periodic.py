"""Axes without borders, against the taps of a long finite axis and against loops over the definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmatrix.geometry import Axis, PeriodicAxis

STEPS = [(k, s, d, p) for k in (1, 2, 3, 5) for s in (1, 2, 3, 4) for d in (1, 2, 3) for p in (0, 1, 4)]


def axis_of(kernel, stride, dilation, pad, outputs=40):
    """A long axis and its endless one."""
    size = (outputs - 1) * stride + dilation * (kernel - 1) + 1 - pad
    own = Axis(size, kernel, outputs, stride, dilation, pad_before=pad)
    return own, PeriodicAxis.of(own)


def pairs(axis, period=None):
    """Output phase, input (as a phase where a period is given) and tap of every entry."""
    if period is None:
        return sorted(zip(axis.outputs.tolist(), axis.inputs.tolist(), axis.taps.tolist(), strict=True))
    return sorted(zip(*(part.tolist() for part in axis.entries_of(period)), strict=True))


@pytest.mark.parametrize(("kernel", "stride", "dilation", "pad"), STEPS, ids=str)
def test_a_convolution_reads_one_stride_further_with_every_output(kernel, stride, dilation, pad):
    own, endless = axis_of(kernel, stride, dilation, pad)
    assert (endless.out_step, endless.in_step, endless.origin) == (1, stride, -pad)
    low, high = own.interior
    reads = own.reads()
    for output in range(low, high):
        there = [(i + output * stride, t) for _, i, t in pairs(endless)]
        assert sorted(there) == sorted(zip(reads[output].tolist(), range(kernel), strict=True))


@pytest.mark.parametrize(("kernel", "stride", "dilation", "pad"), STEPS, ids=str)
def test_phase_counts_of_a_transpose_are_those_of_the_congruence(kernel, stride, dilation, pad):
    _, endless = axis_of(kernel, stride, dilation, pad)
    taps = dilation * np.arange(kernel) - pad
    want = [np.count_nonzero(taps % stride == phase) for phase in range(stride)]
    assert endless.T.phase_counts.tolist() == want
    assert endless.phase_counts.tolist() == [kernel]


@pytest.mark.parametrize(("kernel", "stride", "dilation", "pad"), STEPS[::5], ids=str)
def test_transposing_twice_changes_nothing(kernel, stride, dilation, pad):
    _, endless = axis_of(kernel, stride, dilation, pad)
    again = endless.T.T
    assert (again.out_step, again.in_step, again.origin) == (endless.out_step, endless.in_step, endless.origin)
    reads = [(i - o // again.out_step * again.in_step, t) for o, i, t in pairs(again)]
    assert sorted(reads) == sorted((i, t) for _, i, t in pairs(endless))


@pytest.mark.parametrize("period", [1, 2, 3, 4, 6])
@pytest.mark.parametrize(("kernel", "stride", "dilation", "pad"), STEPS[::7], ids=str)
def test_entries_of_a_periodic_input_repeat_after_the_period(kernel, stride, dilation, pad, period):
    _, endless = axis_of(kernel, stride, dilation, pad)
    for axis in (endless, endless.T):
        whole = axis.period_of(period)
        assert whole == axis.out_step * period // math.gcd(period, axis.in_step)
        want = []
        for turn in range(whole // axis.out_step):
            want += [(o + turn * axis.out_step, (i + turn * axis.in_step) % period, t) for o, i, t in pairs(axis)]
        assert pairs(axis, period) == sorted(want)
        # One period of outputs later every entry reads the same phase.
        assert whole // axis.out_step * axis.in_step % period == 0


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 4), st.integers(1, 25), st.data())
def test_reach_is_the_one_range_that_reads_nothing_outside(kernel, stride, dilation, pad, size, data):
    _, endless = axis_of(kernel, stride, dilation, pad)
    axis = data.draw(st.sampled_from([endless, endless.T]))
    low = data.draw(st.integers(0, 12))
    high = data.draw(st.integers(low, 30))
    inside = []
    for output in range(size):
        turn, order = divmod(output, axis.out_step)
        reads = [i + turn * axis.in_step for o, i, _ in pairs(axis) if o == order]
        inside.append(all(low <= i < high for i in reads))
    first, stop = axis.reach(low, high, size)
    assert 0 <= first <= stop
    assert all(inside[first:stop])
    # What reads nothing is within any range; of the others none is left out at either end.
    busy = [o for o in range(size) if axis.phase_counts[o % axis.out_step]]
    missed = [o for o in busy if inside[o] and not first <= o < stop]
    assert not missed or high - low < max(axis.in_step, 1) * 2 + np.ptp(axis.inputs)


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_an_enlarged_axis_gives_each_input_to_as_many_outputs(factor):
    axis = PeriodicAxis.enlarged(factor)
    assert axis.phase_counts.tolist() == [1] * factor
    assert axis.T.phase_counts.tolist() == [factor]
    assert (axis.period_of(1), axis.period_of(3), axis.T.period_of(factor)) == (factor, 3 * factor, 1)


@pytest.mark.parametrize(("stride", "pad", "offset"), [(2, 0, 0), (2, 1, 0), (3, 2, 1), (1, 4, 5)])
def test_offset_of_a_transpose_is_its_crop(stride, pad, offset):
    _, endless = axis_of(3, stride, 1, pad)
    assert endless.T.offset_of(offset) == stride * offset + pad


def test_the_same_axis_is_made_once():
    own, endless = axis_of(3, 2, 1, 1)
    assert PeriodicAxis.of(own) is endless
    assert endless.T is endless.T
