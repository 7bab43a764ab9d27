"""One axis without its borders: what an endless input is read by, in which the same few entries repeat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from convmatrix.geometry.axis import Axis


@dataclass(frozen=True, eq=False)
class PeriodicAxis:
    """The table of an axis of endless length: `out_step` outputs on, everything reads `in_step` inputs further on.

    Parameters
    ----------
    out_step, in_step : int
        Outputs in one repetition, and by how many inputs it is shifted.
    outputs, inputs, taps : ndarray of int, one entry each
        Entry `e` says that output `outputs[e]`, one of `0 .. out_step - 1`, reads input `inputs[e]` through tap
        `taps[e]`; inputs may be negative.
    origin : int
        What is added to `out_step` times an input position to reach its first tap: the crop of a transposed axis.

    Examples
    --------
    A kernel of 3 with stride 2, and its transpose, in which outputs are read twice and once in turn:

    >>> from convmatrix.geometry import Axis, PeriodicAxis
    >>> axis = PeriodicAxis.of(Axis(input_size=9, kernel_size=3, output_size=4, stride=2))
    >>> axis.phase_counts, axis.T.phase_counts
    (array([3]), array([2, 1]))
    >>> axis.T.period_of(1), axis.period_of(2)
    (2, 1)
    """

    out_step: int
    in_step: int
    outputs: np.ndarray
    inputs: np.ndarray
    taps: np.ndarray
    origin: int = 0

    @classmethod
    def of(cls, axis: Axis) -> PeriodicAxis:
        """The axis of a convolution, whatever its border rule; the same one for the same axis."""
        return _of_axis(axis)

    @classmethod
    def enlarged(cls, factor: int) -> PeriodicAxis:
        """`factor` outputs for each input, tap `f` for the `f`-th: what a pixel shuffle does along an axis."""
        order = np.arange(factor, dtype=np.int64)
        return cls(factor, 1, order, np.zeros_like(order), order)

    @cached_property
    def T(self) -> PeriodicAxis:
        """Outputs and inputs change places."""
        turns = self.inputs // self.in_step
        entries = self.inputs - turns * self.in_step, self.outputs - turns * self.out_step
        return PeriodicAxis(self.in_step, self.out_step, *entries, self.taps, -self.origin)

    @cached_property
    def phase_counts(self) -> np.ndarray:
        """How many taps reach each output of one repetition: `(out_step,)`."""
        return np.bincount(self.outputs, minlength=self.out_step)

    def period_of(self, period: int) -> int:
        """After how many outputs everything repeats, where the input repeats after `period`."""
        return self.out_step * (period // math.gcd(period, self.in_step))

    def offset_of(self, offset: int) -> int:
        """The output's offset, where `offset` was added to an input position to tell its phase."""
        return (self.out_step * offset + self.origin) // self.in_step

    def entries_of(self, period: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Output phase, input phase and tap of all entries, where the input repeats after `period`."""
        turns = np.arange(self.period_of(period) // self.out_step, dtype=np.int64)[:, None]
        outputs = self.outputs + turns * self.out_step
        inputs = (self.inputs + turns * self.in_step) % period
        return outputs.reshape(-1), inputs.reshape(-1), np.tile(self.taps, turns.size)

    def reach(self, low: int, high: int, size: int) -> tuple[int, int]:
        """The outputs `[low, high)` of the first `size` that read nothing but inputs in `[low, high)`; one range."""
        first, stop = 0, size
        for output, least, most in self._ends:
            before = output + (-(-(low - least) // self.in_step) - 1) * self.out_step
            after = output + ((high - 1 - most) // self.in_step + 1) * self.out_step
            first, stop = max(first, before + 1), min(stop, after)
        return first, max(first, stop)

    @cached_property
    def _ends(self) -> list[tuple[int, int, int]]:
        """Each output of one repetition that reads anything, with the first and last input it reads."""
        outputs, which = np.unique(self.outputs, return_inverse=True)
        least, most = np.empty(outputs.size, dtype=np.int64), np.empty(outputs.size, dtype=np.int64)
        least[which] = most[which] = self.inputs
        np.minimum.at(least, which, self.inputs)
        np.maximum.at(most, which, self.inputs)
        return list(zip(outputs.tolist(), least.tolist(), most.tolist(), strict=True))


@lru_cache(maxsize=256)
def _of_axis(axis: Axis) -> PeriodicAxis:
    taps = np.arange(axis.kernel_size, dtype=np.int64)
    inputs = axis.positions(np.zeros(1, dtype=np.int64))[0]
    return PeriodicAxis(1, axis.stride, np.zeros_like(taps), inputs, taps, -axis.pad_before)
