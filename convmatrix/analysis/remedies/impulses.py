"""What single impulses become far from all borders: finite answers, carried through one layer after another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.phases import axes_of, respond
from convmatrix.analysis.phases.reading import resize_shares, shuffle_of
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import PeriodicAxis
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Sum, Transposed, steps_of
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

_MOST_PRODUCTS = 1 << 36
"""Multiplications for the answers of one layer at most: some ten seconds of floats."""


@dataclass(frozen=True, eq=False)
class Answer:
    """`scale` times values `(channels, columns, *size)` of an endless grid from `start` on; 0 everywhere else.

    Of exact weights the values are integers, which are faster than fractions.
    """

    start: tuple[int, ...]
    values: np.ndarray
    scale: Fraction = Fraction(1)


@dataclass(frozen=True, eq=False)
class _Reach:
    """Along one axis, which outputs the inputs of a window reach.

    Entry `e` of the axis leads from input `inputs[e]` of the window to output `outputs[e]` of the answer, and so
    `counts[e]` times, the steps of the axis apart.
    """

    own: PeriodicAxis
    start: int
    size: int
    taps: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, own: PeriodicAxis, start: int, size: int) -> _Reach:
        """Of the window of `size` inputs from `start` on."""
        first = -((own.inputs - start) // own.in_step)
        counts = (start + size - 1 - own.inputs) // own.in_step - first + 1
        hit = np.flatnonzero(counts > 0)
        first, counts = first[hit], counts[hit]
        outputs = own.outputs[hit] + first * own.out_step
        low = int(outputs.min(initial=np.iinfo(np.int64).max)) if hit.size else 0
        high = int((outputs + (counts - 1) * own.out_step).max(initial=low)) + 1 if hit.size else low
        inputs = own.inputs[hit] + first * own.in_step - start
        return cls(own, low, high - low, own.taps[hit], inputs, outputs - low, counts)

    def by_entry(self) -> list[tuple[int, slice, slice]]:
        """Each tap, with the inputs it reads and the outputs it reaches."""
        return [
            (tap, _steps(read, count, self.own.in_step), _steps(reached, count, self.own.out_step))
            for tap, read, reached, count in zip(
                self.taps.tolist(), self.inputs.tolist(), self.outputs.tolist(), self.counts.tolist(), strict=True
            )
        ]

    def by_input(self) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Each input that is read, with the taps that read it and the outputs they reach."""
        turns = np.arange(int(self.counts.sum())) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        inputs = np.repeat(self.inputs, self.counts) + turns * self.own.in_step
        outputs = np.repeat(self.outputs, self.counts) + turns * self.own.out_step
        order = np.argsort(inputs, kind="stable")
        places, cuts = np.unique(inputs[order], return_index=True)
        taps, reached = (np.split(of[order], cuts[1:]) for of in (np.repeat(self.taps, self.counts), outputs))
        return list(zip(places.tolist(), taps, reached, strict=True))


def impulse_answers(op: TensorOperator, channels: np.ndarray, turns: tuple[int, ...]) -> Answer:
    """The answers to an impulse at each place of a repetition of `turns`, its channels being `channels`.

    Parameters
    ----------
    op : TensorOperator
        Of layers with axes; biases have no share.
    channels : ndarray of shape (in_channels, n)
        A column an impulse.
    turns : tuple of int
        An axis.

    Returns
    -------
    Answer
        `n` columns a place. Exact for exact weights.

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = impulse_answers(cm.conv_transpose("1 2 3", 5, stride=2, padding=1), np.ones((1, 1), dtype=int), (1,))
    >>> found.start, found.values.tolist()
    ((-1,), [[[1, 2, 3]]])
    """
    # Shares of an interpolation are fractions, which are slow where the weights are floats anyway.
    kind = np.float64 if op.dtype.kind in "fc" else np.int64
    values = np.zeros((*channels.shape[:1], math.prod(turns), channels.shape[1], *turns), dtype=kind)
    for number, place in enumerate(product(*map(range, turns))):
        at: Any = (slice(None), number, slice(None), *place)
        values[at] = channels
    return _through(op, Answer((0,) * len(turns), values.reshape(channels.shape[0], -1, *turns)))


def aligned(one: Answer, other: Answer) -> tuple[np.ndarray, np.ndarray, Fraction]:
    """The values of both from the same position on, and what scales the two alike."""
    low = tuple(map(min, one.start, other.start))
    high = tuple(
        max(start + size for start, size in ends)
        for ends in zip(*(zip(of.start, of.values.shape[2:], strict=True) for of in (one, other)), strict=True)
    )
    size = tuple(stop - first for first, stop in zip(low, high, strict=True))
    left, right = (
        _placed(of.values, tuple(first - begin for first, begin in zip(of.start, low, strict=True)), size)
        for of in (one, other)
    )
    if left.dtype.kind in "iO" and right.dtype.kind in "iO":
        scale = Fraction(
            math.gcd(one.scale.numerator * other.scale.denominator, other.scale.numerator * one.scale.denominator),
            one.scale.denominator * other.scale.denominator,
        )
        return _multiple(left, one.scale / scale), _multiple(right, other.scale / scale), scale
    return _multiple(left, one.scale), _multiple(right, other.scale), Fraction(1)


def _through(op: TensorOperator, answer: Answer) -> Answer:
    for step in steps_of(op):
        answer = _applied(step, answer)
    return answer


def _applied(op: TensorOperator, answer: Answer) -> Answer:
    """One step of a product; of a multiple the factor alone."""
    if isinstance(op, Scaled):
        factor, scale = _whole(exact.as_array([op.factor], "the factor"))
        factor, values = _safe(*exact.paired(factor, answer.values), 1)
        return Answer(answer.start, values * factor[0], answer.scale * scale)
    if isinstance(op, Sum):
        left, right = _through(op.left, answer), _through(op.right, answer)
        one, other, scale = aligned(left, right)
        one, other = (of.astype(object) if of.dtype.kind == "i" else of for of in exact.paired(one, other))
        return Answer(tuple(map(min, left.start, right.start)), one + other, scale)
    if isinstance(op, Permutation):
        return _shuffled(op, answer)
    layer = op.of if isinstance(op, Transposed) else op
    if isinstance(layer, Convolution):
        return _convolved(op, answer)
    for axis, own in enumerate(axes_of(op)):
        answer = _mixed(own, axis, answer, *_shares(layer, axis))
    return answer


def _convolved(op: Any, answer: Answer) -> Answer:
    """Tap by tap, or input by input, whichever is the shorter way."""
    reaches = [_Reach.of(own, *window) for own, *window in zip(axes_of(op), answer.start, answer.values.shape[2:],
                                                                strict=True)]  # fmt: skip
    groups, (weight, scale) = op.geometry.groups, _whole(op.weight)
    split = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
    split = split.swapaxes(1, 2) if isinstance(op, Transposed) else split
    split, values = _safe(*exact.paired(split, answer.values), split[0, 0].size)
    shape, start = (op.out_shape[0], values.shape[1], *(one.size for one in reaches)), tuple(o.start for o in reaches)
    products = math.prod(int(one.counts.sum()) for one in reaches) * split.shape[0] * math.prod(split.shape[1:3])
    if products * shape[1] > _MOST_PRODUCTS:
        raise ConvMatrixError(
            f"op must take at most {_MOST_PRODUCTS} products for its answers to impulses, got {products * shape[1]}"
        )
    check_size("the answers to impulses", 8 * math.prod(shape))
    result = np.zeros((groups, -(-shape[0] // groups), *shape[1:]), dtype=np.result_type(split, values))
    values = values.reshape(groups, -1, *values.shape[1:])
    by_taps = math.prod(one.taps.size for one in reaches) <= math.prod(values.shape[3:])
    (_add_by_taps if by_taps else _add_by_inputs)(reaches, split, values, result)
    return Answer(start, result.reshape(shape), answer.scale * scale)


def _add_by_taps(reaches: list[_Reach], weight: np.ndarray, values: np.ndarray, result: np.ndarray) -> None:
    """`weight` is `(groups, out, in, *taps)`, `values` and `result` `(groups, in or out, columns, *size)`."""
    for entries in product(*(one.by_entry() for one in reaches)):
        taps, read, reached = zip(*entries, strict=True)
        part = values[(..., *read)]
        found = weight[(..., *taps)] @ part.reshape(*part.shape[:2], -1)
        result[(..., *reached)] += found.reshape(*found.shape[:2], *part.shape[2:])


def _add_by_inputs(reaches: list[_Reach], weight: np.ndarray, values: np.ndarray, result: np.ndarray) -> None:
    """The same, all taps that read an input at once."""
    weight = np.ascontiguousarray(np.moveaxis(weight, 2, -1))
    for entries in product(*(one.by_input() for one in reaches)):
        at, taps, reached = zip(*entries, strict=True)
        of_taps: Any = (slice(None), slice(None), *np.ix_(*taps))
        of_outputs: Any = (slice(None), slice(None), slice(None), *np.ix_(*reached))
        own = weight[of_taps]
        found = own.reshape(len(own), -1, own.shape[-1]) @ values[(..., *at)]
        found = np.moveaxis(found.reshape(*own.shape[:-1], -1), -1, 2)
        result[of_outputs] += found


def _mixed(own: PeriodicAxis, axis: int, answer: Answer, shares: np.ndarray, whole: int) -> Answer:
    """One axis of a layer that mixes positions and no channels: tap `t` has the weight `shares[t]/whole`."""
    reach = _Reach.of(own, answer.start[axis], answer.values.shape[2 + axis])
    scale = answer.scale
    if answer.values.dtype.kind in "fc":
        shares = shares / whole
    else:
        scale /= whole
    shares, values = _safe(*exact.paired(shares, answer.values), len(shares))
    values = np.moveaxis(values, 2 + axis, 0)
    result = np.zeros((reach.size, *values.shape[1:]), dtype=np.result_type(shares, values))
    for tap, read, reached in reach.by_entry():
        result[reached] += values[read] * shares[tap]
    start = (*answer.start[:axis], reach.start, *answer.start[axis + 1 :])
    return Answer(start, np.moveaxis(result, 0, 2 + axis), scale)


def _shares(layer: TensorOperator, axis: int) -> tuple[np.ndarray, int]:
    """The share of each tap of a resize or an average, in parts of a whole."""
    if isinstance(layer, Resize):
        return resize_shares(layer, axis)
    assert isinstance(layer, AvgPool)
    taps = layer.geometry.axes[axis].kernel_size
    return np.ones(taps, dtype=np.int64), taps


def _shuffled(op: Permutation, answer: Answer) -> Answer:
    """Channels reordered, or moved into space or out of it: a window of whole pixels is one repetition."""
    factors, enlarges = shuffle_of(op)
    start, values = answer.start, np.moveaxis(answer.values, (0, 1), (-2, -1))
    if enlarges:
        start = tuple(low * factor for low, factor in zip(start, factors, strict=True))
    else:
        before = [low % factor for low, factor in zip(start, factors, strict=True)]
        after = [-(n + a) % factor for n, a, factor in zip(values.shape, before, factors, strict=False)]
        size = (n + sum(ends) for n, *ends in zip(values.shape, before, after, strict=False))
        values = np.moveaxis(_placed(answer.values, tuple(before), tuple(size)), (0, 1), (-2, -1))
        start = tuple(low // factor for low, factor in zip(start, factors, strict=True))
    return Answer(start, np.moveaxis(respond(op, values), (-2, -1), (0, 1)), answer.scale)


def _placed(values: np.ndarray, offset: tuple[int, ...], size: tuple[int, ...]) -> np.ndarray:
    """The values from `offset` on in a larger window."""
    whole = np.zeros((*values.shape[:2], *size), dtype=values.dtype)
    inner = (slice(low, low + n) for low, n in zip(offset, values.shape[2:], strict=True))
    whole[(slice(None), slice(None), *inner)] = values
    return whole


def _safe(weight: np.ndarray, values: np.ndarray, terms: int) -> tuple[np.ndarray, np.ndarray]:
    """Both as Python integers where a sum of so many products might leave int64."""
    if weight.dtype.kind == values.dtype.kind == "i":
        largest = [max(-int(of.min(initial=0)), int(of.max(initial=0))) for of in (weight, values)]
        if math.prod(largest) * terms >= 2**62:
            return weight.astype(object), values.astype(object)
    return weight, values


def _whole(weight: np.ndarray) -> tuple[np.ndarray, Fraction]:
    """Fractions as integers and what scales them; floats in double precision."""
    if weight.dtype.kind in "fc":
        return weight.astype(np.result_type(weight, np.float64)), Fraction(1)
    if weight.dtype != object or exact.is_symbolic(weight):
        return weight, Fraction(1)
    scale, values = exact.primitive(weight.reshape(-1))
    small = max(-min(values, default=0), max(values, default=0)) < 2**62
    return (values.astype(np.int64) if small else values).reshape(weight.shape), scale


def _multiple(values: np.ndarray, scale: Fraction) -> np.ndarray:
    if scale == 1:
        return values
    if values.dtype.kind in "fc":
        return values * float(scale)
    factor = exact.to_sympy(scale) if exact.is_symbolic(values) else scale
    return values.astype(object) * (factor.numerator if scale.denominator == 1 and factor is scale else factor)


def _steps(first: int, count: int, step: int) -> slice:
    return slice(first, first + (count - 1) * step + 1, step)
