"""Whether the outputs beside the interior continue it: decided by applying the operator to constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.evenness import has_symbols, is_even
from convmatrix.analysis.checkerboard.given_bias import Bias
from convmatrix.analysis.checkerboard.rounding import fits_int64
from convmatrix.analysis.comparison.entries import is_exact
from convmatrix.analysis.comparison.rebuilding import smaller_pair
from convmatrix.analysis.cost import multiplications
from convmatrix.analysis.fusion.bias import bias_of
from convmatrix.analysis.phases import interior
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import layers_of

MOST_WORK = 200_000_000
"""Multiplications that one question about a border may cost, about a second; of exact values a four-hundredth."""
_REBUILT = 200
"""Layers up to which an operator is built again on a smaller input."""


def border_differs(
    op: TensorOperator, phase_gain: np.ndarray, bias: Bias | None, tols: tuple[float, float]
) -> bool | None:
    """Whether some output outside the interior is not what the phases say; None where that is too large to be tried.

    The operator is applied to a constant 1 in one input channel after another, on the smallest input that shows its
    borders, until an output differs.

    Parameters
    ----------
    op : TensorOperator
        The operator.
    phase_gain : ndarray of shape `(*period, c_out, c_in)`
        Its gains, `(position + offset) mod period`.
    bias : Bias or None
        What is added; of the layers themselves unless it was given position by position.
    tols : (float, float)
        Absolute differences of gains and of biases that count as none, 0 for exact values.
    """
    place, (tol, bias_tol) = interior(op), tols
    if place.ranges == tuple((0, size) for size in op.out_shape[1:]):
        return False
    # On a smaller input the same is found sooner; a very deep stack is not built again for that.
    pair = smaller_pair(op, op) if sum(1 for _ in layers_of(op)) <= _REBUILT else None
    small = op if pair is None else pair[0]
    if bias is not None and _bias_differs(op, small, bias, bias_tol):
        return True
    # The same layers on a smaller input have the same gains.
    return _answer_differs(small, _by_position(phase_gain, place.offset), tol)


def _answer_differs(op: TensorOperator, gains: np.ndarray, tol: float) -> bool | None:
    numbers = _number_type(op, gains)
    slow = numbers == np.dtype(object)
    work = multiplications(op) + math.prod(op.in_shape) + math.prod(op.out_shape)
    affordable = MOST_WORK // (400 if slow else 1) // (10 if has_symbols(gains) else 1) // work
    for channel in range(min(op.in_shape[0], affordable)):
        if _differs(op, _applied(op, channel, numbers), gains[..., channel], tol):
            return True
    return False if affordable >= op.in_shape[0] else None


def _number_type(op: TensorOperator, gains: np.ndarray) -> np.dtype[Any]:
    """In which numbers a constant goes through the layers without being rounded where they are exact."""
    if not is_exact(op):
        return np.dtype(object if op.dtype == object else np.float64)
    return np.dtype(np.int64 if op.dtype.kind == gains.dtype.kind == "i" and fits_int64(op) else object)


def _applied(op: TensorOperator, channel: int, numbers: np.dtype[Any]) -> np.ndarray:
    """The answer to a constant 1 in one channel."""
    constant = np.zeros((1, *op.in_shape), dtype=numbers)
    constant[:, channel] = 1
    return np.asarray(op._apply(constant)[0])


def _bias_differs(op: TensorOperator, small: TensorOperator, bias: Bias, tol: float) -> bool:
    if bias.everywhere is not None:
        place = interior(op)
        return _differs(op, bias.everywhere, _by_position(bias.phases, place.offset), tol)
    own = bias_of(small)
    if own is None:
        return False
    return _differs(small, own, _by_position(bias.phases, interior(small).offset), tol)


def _by_position(phases: np.ndarray, offset: tuple[int, ...]) -> np.ndarray:
    return np.roll(phases, [-n for n in offset], axis=tuple(range(len(offset))))


def _differs(op: TensorOperator, answer: np.ndarray, phases: np.ndarray, tol: float) -> bool:
    """Whether an answer `(c_out, *positions)` is not that of the phases `(*period, c_out)`, outside the interior."""
    positions = [np.arange(size) % period for size, period in zip(answer.shape[1:], phases.shape, strict=False)]
    wanted = np.moveaxis(phases[np.ix_(*positions)], -1, 0)
    outside = np.ones(answer.shape[1:], dtype=bool)
    inside = interior(op).slices
    if inside is not None:
        outside[inside] = False
    pair = exact.paired(answer[:, outside].reshape(1, -1), wanted[:, outside].reshape(1, -1))
    if all(values.dtype.kind == "c" or values.dtype.kind == "f" for values in pair):
        return bool((np.abs(pair[0] - pair[1]) > tol).any())
    return not is_even(np.concatenate([values.astype(object) for values in pair]), tol)
