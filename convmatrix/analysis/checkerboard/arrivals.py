"""What arrives at a layer by phase, and which phases its taps read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.choosing import Place
from convmatrix.analysis.checkerboard.evenness import tiled
from convmatrix.analysis.checkerboard.rounding import default_tol, largest_of
from convmatrix.analysis.phases import axes_of, respond, response_of_bias


@dataclass(frozen=True, eq=False)
class Arrivals:
    """What a constant 1 in every input channel, and the biases, have become where a layer reads them.

    Attributes
    ----------
    periods : tuple of int
        Of the signals.
    signals : ndarray of shape (phases, groups, in, columns)
        One column an input channel of the whole; floats scaled to a largest entry of 1 a column.
    bias : ndarray of shape (phases, groups, in, 1), or None
        What the biases of the layers before have become; floats scaled likewise.
    bias_scale : float
        What `bias` was divided by.
    layer : Convolution or Transposed
    """

    periods: tuple[int, ...]
    signals: np.ndarray
    bias: np.ndarray | None
    bias_scale: Any
    layer: Any

    @cached_property
    def out_periods(self) -> tuple[int, ...]:
        """Phases of the layer's output an axis."""
        return tuple(own.period_of(period) for own, period in zip(axes_of(self.layer), self.periods, strict=True))

    @cached_property
    def reads(self) -> np.ndarray:
        """The phase that output phase `f` reads through tap `t`, `(phases, taps)`; -1 where it reads none."""
        tables = []
        for own, period, taps in zip(axes_of(self.layer), self.periods, self._kernel, strict=True):
            outputs, inputs, tap = own.entries_of(period)
            table = np.full((own.period_of(period), taps), -1, dtype=np.int64)
            table[outputs, tap] = inputs
            tables.append(table)
        phases, valid = tables[0], tables[0] >= 0
        for table, period in zip(tables[1:], self.periods[1:], strict=True):
            grid = (len(phases) * len(table), -1)
            valid = (valid[:, None, :, None] & (table >= 0)[None, :, None]).reshape(grid)
            phases = (phases[:, None, :, None] * period + table[None, :, None]).reshape(grid)
        return np.where(valid, phases, -1)

    @cached_property
    def phase_of_tap(self) -> np.ndarray:
        """Which output phase each tap reaches, where everything arrives in one phase."""
        phases = np.zeros(1, dtype=np.int64)
        for own, taps in zip(axes_of(self.layer), self._kernel, strict=True):
            outputs, _, tap = own.entries_of(1)
            along = np.empty(taps, dtype=np.int64)
            along[tap] = outputs
            phases = (phases[:, None] * own.period_of(1) + along).reshape(-1)
        return phases

    @property
    def is_constant(self) -> bool:
        """Whether everything arrives in one phase."""
        return math.prod(self.periods) == 1

    @property
    def _kernel(self) -> tuple[int, ...]:
        return tuple(self.layer.weight.shape[2:])


def arrivals(place: Place, may_round: bool, number: Any = np.int64) -> Arrivals:
    """What arrives at a layer, reckoned in `number`; `may_round`: differences that rounding explains are none."""
    groups, channels = place.layer.geometry.groups, place.layer.in_shape[0]
    axes = len(place.layer.in_shape) - 1
    if place.before is None:
        signals = np.eye(channels, dtype=number).reshape(*[1] * axes, channels, channels)
        bias = None
    else:
        ones = np.eye(place.before.in_shape[0], dtype=number)
        signals = respond(place.before, ones.reshape(*[1] * axes, *ones.shape))
        bias = response_of_bias(place.before)
        signals = _averaged(signals, axes, _tol(place, signals, may_round))
    if bias is not None:
        bias = _averaged(bias, axes, _tol(place, bias, may_round))
        periods = tuple(map(math.lcm, signals.shape[:axes], bias.shape[:axes]))
        signals, bias = tiled(signals, periods), tiled(bias, periods)
        signals, bias = exact.paired(signals, bias)
    periods = signals.shape[:axes]
    scale: Any = 1
    if signals.dtype.kind in "fc":
        largest = np.abs(signals).max(axis=tuple(range(axes + 1)))
        signals = signals / np.where(largest > 0, largest, 1)
    if bias is not None:
        if bias.dtype.kind in "fc":
            scale = float(np.abs(bias).max()) or 1.0
            bias = bias / scale
        bias = bias.reshape(math.prod(periods), groups, channels // groups, 1)
    signals = signals.reshape(math.prod(periods), groups, channels // groups, -1)
    return Arrivals(periods, signals, bias, scale, place.layer)


def _tol(place: Place, values: np.ndarray, may_round: bool) -> float:
    """What rounding may do to what the layers before make."""
    if not may_round or values.dtype.kind not in "fc" or place.before is None:
        return 0.0
    largest = largest_of(respond(place.before, magnitudes=True))
    return default_tol(place.before, max(largest, largest_of(values)))


def _averaged(values: np.ndarray, axes: int, tol: float) -> np.ndarray:
    """One phase where all are the same, within a tolerance their mean."""
    members = values.reshape(-1, *values.shape[axes:])
    if len(members) == 1 or exact.is_symbolic(values):
        return values
    same = (members == members[0]).all()
    if not same and not (tol and bool((np.abs(members - members[0]) <= tol).all())):
        return values
    one = members[0] if same else (members / len(members)).sum(axis=0)
    return np.asarray(one).reshape(*[1] * axes, *values.shape[axes:])
