"""How far one operator is from another: the answers to single impulses on an endless grid, compared."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.phases import axes_of, interior
from convmatrix.analysis.remedies.impulses import Answer, aligned, impulse_answers
from convmatrix.geometry import Geometry
from convmatrix.operators import TensorOperator, resize
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed, branches_of, steps_of
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import Resize

_AT_ONCE = 100_000
"""Output channels times the square of the input channels given impulses at once: what a phase's overhead is worth."""
_ENTRIES = 1 << 22
"""Answers held at once."""


def relative_distance(op: TensorOperator, other: TensorOperator) -> float | None:
    """The Frobenius norm of the change of the answers to impulses, over that of `op`'s own answers.

    One impulse in every input channel, at every input position of a repetition; far from all borders. None where the
    two are not maps between the same grids, or hold symbols.

    Examples
    --------
    >>> import convmatrix as cm
    >>> op = cm.conv_transpose("3 4", 5, stride=2)
    >>> relative_distance(op, cm.conv_transpose("3 3", 5, stride=2))
    0.2
    """
    if (op.in_shape, op.out_shape) != (other.in_shape, other.out_shape):
        return None
    axes = range(len(op.in_shape) - 1)
    if any(_growth(op, axis) != _growth(other, axis) for axis in axes):
        return None
    turns = tuple(map(math.lcm, interior(op.T).period, interior(other.T).period))
    changes, sizes = [], []
    few = max(8, math.isqrt(_AT_ONCE // op.out_shape[0]))
    for start in range(0, op.in_shape[0], few):
        part = slice(start, min(start + few, op.in_shape[0]))
        before, after, scale = aligned(_answers(op, part, turns), _answers(other, part, turns))
        before, after = alike(before, after)
        changes.append(_times(sum_of_squares(before - after), scale**2))
        sizes.append(_times(sum_of_squares(before), scale**2))
    return ratio_of_roots(changes, sizes)


def distance_by_taps(weight: np.ndarray, unit: TensorOperator, other: TensorOperator) -> float:
    """The same for layers of floats that treat every pair of channels alike, at the price of one pair.

    Parameters
    ----------
    weight : ndarray of shape `(c_in, c_out/groups, *kernel_size)`
        Of a transposed layer.
    unit, other : TensorOperator
        That layer and the changed one with one input channel, and an output channel for each tap of the kernel, whose
        weight there is 1.
    """
    turns = tuple(map(math.lcm, interior(unit.T).period, interior(other.T).period))
    before, after, _ = aligned(*(_answers(op, slice(0, 1), turns) for op in (unit, other)))
    taps = unit.out_shape[0]
    change, kernels = (after - before).astype(float).reshape(taps, -1).T, weight.reshape(-1, taps)
    step = max(1, _ENTRIES // len(change))
    parts = [kernels[start : start + step].T for start in range(0, len(kernels), step)]
    largest = float(np.abs(weight).max())
    scaled = [part.astype(np.result_type(part, np.float64)) / (largest or 1.0) for part in parts]
    return ratio_of_roots([sum_of_squares(change @ part) for part in scaled], list(map(sum_of_squares, scaled))) or 0.0


def norm_of_change(before: np.ndarray, after: np.ndarray) -> float | None:
    """The Frobenius norm of the difference of two weights; None for symbols."""
    left, right = alike(before, after)
    return ratio_of_roots([sum_of_squares(left - right)], [sum_of_squares(np.ones(1, dtype=left.dtype))])


def sum_of_squares(array: np.ndarray) -> Any:
    """Exactly for exact entries; of floats as `(norm,)`, whose square may fit no float; None for symbols."""
    if array.dtype.kind in "fc":
        largest = float(np.abs(array).max(initial=0.0))
        return (largest * math.sqrt(float((np.abs(array / largest) ** 2).sum())) if largest else 0.0,)
    if not exact.is_symbolic(array):
        return Fraction(sum(value * value for value in array.ravel().tolist()))
    import sympy

    if any(getattr(value, "free_symbols", ()) for value in array.flat):
        return None
    return sympy.Add(*(value * sympy.conjugate(value) for value in map(exact.to_sympy, array.flat)))


def ratio_of_roots(changes: list[Any], sizes: list[Any]) -> float | None:
    """The root of one sum of squares over that of another, as a float; 0/0 is 0, and None where there is a symbol."""
    if any(value is None for value in (*changes, *sizes)):
        return None
    if all(isinstance(value, tuple) for value in (*changes, *sizes)):
        change, size = math.hypot(*(norm for (norm,) in changes)), math.hypot(*(norm for (norm,) in sizes))
        return change / size if size else math.inf if change else 0.0
    change, size = sum(changes), sum(sizes)
    if not size:
        return math.inf if change else 0.0
    return root(change / size)


def root(square: Any) -> float:
    """The square root of an exact number, which may itself be beyond a float."""
    if exact.is_sympy(square):
        import sympy

        return float(sympy.sqrt(square).evalf(17))
    square = Fraction(square)
    if not square:
        return 0.0
    half = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    reduced = square / Fraction(4) ** half
    return math.ldexp(math.sqrt(reduced), half) if half < 1000 else math.inf


def alike(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both floats, or both objects: the difference of two int64 might wrap."""
    left, right = exact.paired(left, right)
    if "O" in (left.dtype.kind, right.dtype.kind) or left.dtype.kind == right.dtype.kind == "i":
        return left.astype(object), right.astype(object)
    common = np.result_type(left, right)
    return left.astype(common), right.astype(common)


def _answers(op: TensorOperator, part: slice, turns: tuple[int, ...]) -> Answer:
    """The answers to an impulse in each of some channels, at each place of a repetition."""
    few = restricted(op, part)
    if few is not None:
        return impulse_answers(few, np.eye(part.stop - part.start, dtype=np.int64), turns)
    return impulse_answers(op, np.eye(op.in_shape[0], dtype=np.int64)[:, part], turns)


def _times(square: Any, scale: Fraction) -> Any:
    """Of an exact square; that of floats, whose scale is 1, and that of symbols as it is."""
    return square if square is None or isinstance(square, tuple) or scale == 1 else square * scale


def restricted(op: TensorOperator, part: slice) -> TensorOperator | None:
    """The operator on some of its input channels alone, biases left out; None where no smaller one is known."""
    if isinstance(op, Scaled):
        of = restricted(op.of, part)
        return None if of is None else Scaled(op.factor, of)
    if isinstance(op, Product):
        right = restricted(op.right, part)
        if right is None or right.out_shape == op.left.in_shape:
            return None if right is None else Product(op.left, right)
        left = restricted(op.left, part)
        return None if left is None else Product(left, right)
    channels = part.stop - part.start
    if isinstance(op, Resize):
        return resize((channels, *op.in_shape[1:]), op.scales, op.mode)
    layer = op.of if isinstance(op, Transposed) else op
    if not isinstance(layer, Convolution) or layer.geometry.groups > 1:
        return None
    axes, outputs = layer.geometry.axes, op.out_shape[0]
    if layer is op:
        return Convolution(Geometry(axes, channels, outputs), layer.weight[:, part])
    return Transposed(Convolution(Geometry(axes, outputs, channels), layer.weight[part]))


def _growth(op: TensorOperator, axis: int) -> Fraction:
    """Outputs for one input."""
    grown = Fraction(1)
    for step in steps_of(op):
        if isinstance(step, Sum):
            grown *= _growth(branches_of(step)[0], axis)
        elif not isinstance(step, Scaled):
            own = axes_of(step)[axis]
            grown *= Fraction(own.out_step, own.in_step)
    return grown
