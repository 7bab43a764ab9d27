"""The outputs no border reaches: there the answer to a constant repeats, and everything said of phases holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np

from convmatrix.analysis.phases.reading import axes_of, longest_run, regular_rows
from convmatrix.analysis.phases.sums import handed_back
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Sum, Transposed, branches_of, steps_of
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import Resize


@dataclass(frozen=True)
class Interior:
    """Where an operator obeys its endless axes, and after how many outputs they repeat.

    Attributes
    ----------
    ranges : tuple of (int, int)
        The outputs `[low, high)` of each axis that no border reaches; empty where `high <= low`.
    period : tuple of int
        After how many outputs the geometry repeats; the product of the strides, for transposed layers in a row.
    offset : tuple of int
        What is added to an output position before it is taken modulo `period`: its phase. Of a transposed layer the
        padding before.

    Examples
    --------
    >>> import convmatrix as cm
    >>> interior(cm.conv_transpose("1 2 3", 4, stride=2, padding=1))
    Interior(ranges=((0, 7),), period=(2,), offset=(1,))
    """

    ranges: tuple[tuple[int, int], ...]
    period: tuple[int, ...]
    offset: tuple[int, ...]

    @property
    def slices(self) -> tuple[slice, ...] | None:
        """The interior as an index of a spatial array, or None where there is none."""
        if any(high <= low for low, high in self.ranges):
            return None
        return tuple(slice(low, high) for low, high in self.ranges)


def interior(op: TensorOperator) -> Interior:
    """The interior of an operator whose layers have axes (see `check_layers`), by geometry alone.

    An output belongs to it if every path to it that an endless input would have is there: no tap of any layer falls
    into zero padding, behind a wrapped, mirrored or clamped border, or beyond the last input.
    """
    sizes = op.in_shape[1:]
    return _through(op, Interior(tuple((0, n) for n in sizes), (1,) * len(sizes), (0,) * len(sizes)))


def _through(op: TensorOperator, state: Interior) -> Interior:
    for step in steps_of(op):
        if isinstance(step, Sum):
            state = reduce(_joined, [_through(branch, state) for branch in branches_of(step)])
        elif not isinstance(step, Scaled):
            axes = axes_of(step)
            state = Interior(
                tuple(_range(step, axis, state.ranges[axis], state.period[axis]) for axis in range(len(axes))),
                tuple(own.period_of(period) for own, period in zip(axes, state.period, strict=True)),
                tuple(own.offset_of(offset) for own, offset in zip(axes, state.offset, strict=True)),
            )
    return state


def _joined(left: Interior, right: Interior) -> Interior:
    """Two branches added up: the outputs that both leave alone."""
    both = zip(left.ranges, right.ranges, strict=True)
    ranges = tuple((max(a[0], b[0]), min(a[1], b[1])) for a, b in both)
    return Interior(ranges, tuple(map(math.lcm, left.period, right.period)), left.offset)


def _range(leaf: TensorOperator, axis: int, inputs: tuple[int, int], period: int) -> tuple[int, int]:
    """The interior of one axis of one layer, whose input obeys its endless axis in `inputs` and repeats there."""
    size = leaf.out_shape[1 + axis]
    whole = inputs == (0, leaf.in_shape[1 + axis])
    if whole and _closes(leaf, axis, period):
        return 0, size
    low, high = inputs
    if isinstance(leaf, Transposed):
        first, stop = regular_rows(leaf.of, axis)
        low, high = max(low, first), min(high, stop)
    if high <= low:
        return 0, 0
    first, stop = axes_of(leaf)[axis].reach(low, high, size)
    if isinstance(leaf, Transposed):
        return _untouched(leaf.of, axis, (low, high), (first, stop))
    low, high = regular_rows(leaf, axis)
    return max(first, low), min(stop, high)


def _closes(leaf: TensorOperator, axis: int, period: int) -> bool:
    """Whether the border rule continues an input of that period as if it had no end."""
    layer = leaf.of if isinstance(leaf, Transposed) else leaf
    if not isinstance(layer, Convolution):
        return False
    own = layer.geometry.axes[axis]
    if own.padding_mode == "zeros":
        return False
    if own.padding_mode == "circular":
        turns = own.output_size * own.stride == own.input_size
        return (own.output_size % period == 0 and turns) if layer is not leaf else own.input_size % period == 0
    return layer is leaf and period == 1


def _untouched(of: TensorOperator, axis: int, rows: tuple[int, int], reached: tuple[int, int]) -> tuple[int, int]:
    """Of the outputs of a transpose, those that no border of the layer writes to, nor any row outside `rows`."""
    if isinstance(of, Convolution) and of.geometry.axes[axis].padding_mode == "zeros":
        return reached
    first, stop = reached
    longest = max(of.in_shape[1 + axis], of.out_shape[1 + axis])
    check_size(f"the interior of an axis of {longest} positions", 40 * longest)
    outside = np.ones(of.out_shape[1 + axis], dtype=bool)
    outside[rows[0] : rows[1]] = False
    if isinstance(of, Convolution):
        own = of.geometry.axes[axis]
        # Behind a border, or from a row outside.
        everywhere, beside = (handed_back(own, some.astype(np.int64)) > 0 for some in (np.ones_like(outside), outside))
        positions = np.arange(len(beside), dtype=np.int64) - own.pad_before
        beyond = (positions < 0) | (positions >= own.input_size)
        touched = own.source(positions[beside | (everywhere & beyond)])
    elif isinstance(of, Resize):
        mix = of._mixes[axis]
        touched = np.concatenate([mix.sources[outside], mix.sources[outside & (mix.shares > 0)] + 1])
    else:
        return reached
    free = np.ones(max(stop - first, 0), dtype=bool)
    free[touched[(touched >= first) & (touched < stop)] - first] = False
    low, high = longest_run(free)
    return first + low, first + high
