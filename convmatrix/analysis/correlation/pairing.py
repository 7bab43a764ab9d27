"""Which position of the first layer's output each position of the second's is compared with: the middle it reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from convmatrix.analysis.phases import axes_of, branches_of, steps_of
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Sum


@dataclass(frozen=True, eq=False)
class Pairing:
    """Flat output positions of an operator, and the flat input position in the middle of what each reads.

    Examples
    --------
    A kernel of 3 with stride 2 and padding 1: outputs 0, 1, 2 stand over inputs 0, 2, 4.

    >>> import convmatrix as cm
    >>> pairing = Pairing.of(cm.conv("1 2 3", 6, stride=2, padding=1))
    >>> pairing.outputs.tolist(), pairing.inputs.tolist()
    ([0, 1, 2], [0, 2, 4])
    """

    outputs: np.ndarray
    inputs: np.ndarray

    @classmethod
    def of(cls, op: TensorOperator) -> Pairing:
        """Of one layer or a stack; positions whose middle lies in the padding are left out.

        Raises
        ------
        ConvMatrixError
            If a layer mixes channels with space, or every middle lies in the padding.
        """
        axes = len(op.out_shape) - 1
        if len(op.in_shape) - 1 != axes:
            raise ConvMatrixError(f"second must keep the number of axes of space, got {op.in_shape} -> {op.out_shape}")
        outputs = inputs = np.zeros(1, dtype=np.int64)
        middles = _middles(op) if axes else []
        for (step, start), size_in, size_out in zip(middles, op.in_shape[1:], op.out_shape[1:], strict=True):
            along = _nearest(step, start, size_out)
            kept = np.flatnonzero((along >= 0) & (along < size_in))
            outputs = (outputs[:, None] * size_out + kept).reshape(-1)
            inputs = (inputs[:, None] * size_in + along[kept]).reshape(-1)
        if not outputs.size:
            raise ConvMatrixError(
                f"second must read around positions of its input, got {op!r}: the middle of every window is padding"
            )
        return cls(outputs, inputs)


def _nearest(step: Fraction, start: Fraction, size: int) -> np.ndarray:
    """`o*step + start` rounded to an integer for every output `o`, halves down."""
    whole = math.lcm(step.denominator, start.denominator, 2)
    at = np.arange(size, dtype=np.int64) * int(step * whole) + int(start * whole) - whole // 2
    return -(-at // whole)


def _middles(op: TensorOperator) -> list[tuple[Fraction, Fraction]]:
    """For each axis `step` and `start`: output `o` reads around input `o*step + start`."""
    found = [(Fraction(1), Fraction(0))] * (len(op.out_shape) - 1)
    # From the last layer back to the first, each where the one behind it reads.
    for part in reversed(steps_of(op)):
        if isinstance(part, Scaled):
            continue
        own = _of_sum(part) if isinstance(part, Sum) else _of_layer(part)
        found = [(step * a, start * a + b) for (step, start), (a, b) in zip(found, own, strict=True)]
    return found


def _of_layer(layer: TensorOperator) -> list[tuple[Fraction, Fraction]]:
    found = []
    for axis in axes_of(layer):
        step = Fraction(axis.in_step, axis.out_step)
        reads = int(axis.inputs.sum()) - step * int(axis.outputs.sum())
        found.append((step, reads / axis.inputs.size))
    return found


def _of_sum(op: Sum) -> list[tuple[Fraction, Fraction]]:
    """The mean of the middles of the branches, which move on alike."""
    branches = [_middles(branch) for branch in branches_of(op)]
    return [
        (own[0][0], sum((start for _, start in own), Fraction(0)) / len(own)) for own in zip(*branches, strict=True)
    ]
