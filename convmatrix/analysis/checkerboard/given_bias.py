"""The bias a report is about: the layers' own, or one that was given, by phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.evenness import shifted
from convmatrix.analysis.phases import Interior, response_of_bias
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator


@dataclass(frozen=True, eq=False)
class Bias:
    """What is added to each phase, `(*period, c_out)`; and where one was given, at each output, `out_shape`."""

    phases: np.ndarray
    everywhere: np.ndarray | None = None


def bias_of_report(op: TensorOperator, place: Interior, given: Any) -> Bias | None:
    """The bias by phase, `(position + place.offset) mod period`; None if there is none.

    Parameters
    ----------
    op : TensorOperator
        The operator.
    place : Interior
        Of `op`: only there a bias that was given position by position has phases.
    given : array-like or None
        None for the biases of the layers; one value an output channel; or what broadcasts to `op.out_shape`.

    Raises
    ------
    ConvMatrixError
        If the shape fits neither, or an entry is NaN or infinite.
    """
    if given is None:
        found = response_of_bias(op)
        return None if found is None else Bias(shifted(found[..., 0], place.offset))
    values = exact.as_array(given, "bias")
    if not exact.is_finite(values):
        raise ConvMatrixError(f"bias must be finite, got {exact.first_not_finite(values)}")
    axes = len(op.out_shape) - 1
    values = values.astype(np.result_type(values, np.float64)) if values.dtype.kind in "fc" else values
    if values.shape == op.out_shape[:1]:
        return Bias(values.reshape(*[1] * axes, -1))
    try:
        everywhere = np.broadcast_to(values, op.out_shape)
    except ValueError:
        raise ConvMatrixError(
            f"bias must have one value for each of the {op.out_shape[0]} output channels, or broadcast to "
            f"{op.out_shape}, got shape {values.shape}"
        ) from None
    return Bias(shifted(_phases(everywhere, place), place.offset), everywhere)


def _phases(everywhere: np.ndarray, place: Interior) -> np.ndarray:
    """One repetition of a bias in the interior; the whole interior where the layers' own period is none of its."""
    ranges = place.ranges if place.slices else tuple((0, size) for size in everywhere.shape[1:])
    within = np.moveaxis(everywhere[(slice(None), *(slice(low, high) for low, high in ranges))], 0, -1)
    for axis, ((low, high), period) in enumerate(zip(ranges, place.period, strict=True)):
        own = next((n for n in range(1, period + 1) if period % n == 0 and _repeats(within, axis, n)), high - low)
        within = np.roll(np.take(within, range(own), axis=axis), low, axis=axis)
    return within


def _repeats(values: np.ndarray, axis: int, period: int) -> bool:
    size = values.shape[axis]
    if size <= period:
        return size == period
    later, earlier = (np.take(values, range(*ends), axis=axis) for ends in ((period, size), (0, size - period)))
    return bool((later == earlier).all())
