"""The same layers on a smaller input: what is too large to be written out is looked at where it fits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from convmatrix.analysis.phases.reading import shuffle_of
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import ChannelOrder, Permutation, pixel_shuffle
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.mixing import mix_of
from convmatrix.operators.resampling import AvgPool, Resize, resize

Change = tuple[int, ...]


def smaller_pair(left: TensorOperator, right: TensorOperator) -> tuple[TensorOperator, TensorOperator] | None:
    """Two operators of equal shapes, both on the smallest input that shows both borders and a period between them.

    The size of an axis changes by a multiple of what every stride needs to fit as before, so the last windows end as
    far from the border as they did. None where no axis becomes smaller, or a part cannot be made at another size.

    Examples
    --------
    >>> import convmatrix as cm
    >>> C = cm.conv([1, 2, 1], 1001, stride=2, padding=1)
    >>> [op.in_shape for op in smaller_pair(C, C)]
    [(1, 11), (1, 11)]
    """
    change = tuple(_change(size, axis, (left, right)) for axis, size in enumerate(left.in_shape[1:]))
    if not any(change):
        return None
    built = [_rebuilt(op, change) for op in (left, right)]
    if built[0] is None or built[1] is None or built[0].out_shape != built[1].out_shape:
        return None
    return built[0], built[1]


def output_periods(op: TensorOperator) -> tuple[int, ...]:
    """After how many outputs along each axis the entries repeat, one step of the inputs further, between the borders.

    Examples
    --------
    >>> import convmatrix as cm
    >>> output_periods(cm.conv([1, 2], 9)), output_periods(cm.conv_transpose([1, 2], 9, stride=3))
    ((1,), (3,))
    """
    return tuple(int(_period((op,), axis) * _growth(op, axis)) for axis in range(len(op.in_shape) - 1))


def _period(ops: tuple[TensorOperator, ...], axis: int) -> int:
    """The fewest inputs that are whole steps of every layer."""
    parts = [part for op in ops for part in _parts(op, axis, Fraction(1))]
    grids = [(ratio.denominator, (ratio * growth).denominator) for growth, ratio in parts]
    return math.lcm(*(denominator for pair in grids for denominator in pair))


def _change(size: int, axis: int, ops: tuple[TensorOperator, TensorOperator]) -> int:
    """By how much the axis of the input changes: 0, or down to twice what the kernels reach and a period more."""
    period = _period(ops, axis)
    reach = max(Fraction(1), *(_reach(op, axis, Fraction(1)) for op in ops))
    least = 2 * math.ceil(reach) + period
    smaller = least + (size - least) % period
    return min(smaller - size, 0)


def _reach(op: TensorOperator, axis: int, ratio: Fraction) -> Fraction:
    """Over how many positions of the expression's input a border is felt, `ratio` positions here for one there."""
    if isinstance(op, Product):
        return _reach(op.right, axis, ratio) + _reach(op.left, axis, ratio * _growth(op.right, axis))
    if isinstance(op, Sum):
        return max(_reach(op.left, axis, ratio), _reach(op.right, axis, ratio))
    if isinstance(op, Scaled):
        return _reach(op.of, axis, ratio)
    if isinstance(op, Transposed):
        return _reach(op.of, axis, ratio * _growth(op, axis))
    if isinstance(op, (Convolution, AvgPool)):
        own = op.geometry.axes[axis]
        return (max(own.extent - 1, own.pad_before, own.pad_after) + own.stride) / ratio
    if isinstance(op, Resize):
        # Two inputs are mixed, and the last output may lie a step and a half from the border.
        return (2 + 2 / op.scales[axis]) / ratio
    return Fraction(0)


def _parts(op: TensorOperator, axis: int, ratio: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
    """Of all layers the outputs for one input, and the positions they read for one of the operator's input."""
    if isinstance(op, Product):
        yield from _parts(op.right, axis, ratio)
        yield from _parts(op.left, axis, ratio * _growth(op.right, axis))
    elif isinstance(op, Sum):
        yield from _parts(op.left, axis, ratio)
        yield from _parts(op.right, axis, ratio)
    elif isinstance(op, Scaled):
        yield from _parts(op.of, axis, ratio)
    elif isinstance(op, Transposed):
        for part, share in _parts(op.of, axis, Fraction(1)):
            yield part, share * ratio * _growth(op, axis)
    else:
        yield _growth(op, axis), ratio


def _growth(op: TensorOperator, axis: int) -> Fraction:
    """Outputs for one input, far from the borders."""
    if isinstance(op, Product):
        return _growth(op.left, axis) * _growth(op.right, axis)
    if isinstance(op, Sum):
        return _growth(op.left, axis)
    if isinstance(op, Scaled):
        return _growth(op.of, axis)
    if isinstance(op, Transposed):
        return 1 / _growth(op.of, axis)
    if isinstance(op, Resize):
        return op.scales[axis]
    if isinstance(op, Permutation) and len(op.in_shape) == len(op.out_shape):
        return Fraction(op.out_shape[1 + axis], op.in_shape[1 + axis])
    return Fraction(1, op.geometry.axes[axis].stride) if isinstance(op, (Convolution, AvgPool)) else Fraction(1)


def _rebuilt(op: TensorOperator, change: Change) -> TensorOperator | None:
    """The operator on an input whose axes have changed by so much, or None."""
    if isinstance(op, Product):
        right = _rebuilt(op.right, change)
        left = None if right is None else _rebuilt(op.left, _change_of_output(op.right, right))
        return None if left is None or right is None else Product(left, right)
    if isinstance(op, Sum):
        branches = _rebuilt(op.left, change), _rebuilt(op.right, change)
        return None if branches[0] is None or branches[1] is None else Sum(branches[0], branches[1])
    if isinstance(op, Scaled):
        of = _rebuilt(op.of, change)
        return None if of is None else Scaled(op.factor, of)
    if isinstance(op, Transposed):
        return _rebuilt_transpose(op, change)
    return _rebuilt_leaf(op, change)


def _rebuilt_transpose(op: Transposed, change: Change) -> TensorOperator | None:
    if not isinstance(op.of, (Convolution, AvgPool, Resize)):
        return None
    of = _rebuilt_leaf(op.of, tuple(int(step * _growth(op, axis)) for axis, step in enumerate(change)))
    return None if of is None else Transposed(of, op.bias)


def _rebuilt_leaf(op: TensorOperator, change: Change) -> TensorOperator | None:
    if isinstance(op, ChannelOrder):
        size = tuple(n + step for n, step in zip(op.in_shape[1:], change, strict=True))
        return ChannelOrder((op.in_shape[0], *size), op.sources)
    if type(op) is Permutation:
        axes = len(op.in_shape) - 1
        moved = range(len(op._split) - axes, len(op._split))
        if op.in_shape[1:] != op.out_shape[1:]:
            return _rebuilt_shuffle(op, change)
        if op._order[len(op._split) - axes :] != tuple(moved):
            return None
        size = tuple(n + step for n, step in zip(op.in_shape[1:], change, strict=True))
        split = (*op._split[: len(op._split) - axes], *size)
        shapes = (op.in_shape[0], *size), (op.out_shape[0], *size)
        return Permutation(op.name, *shapes, split, op._order, op._asked)
    if isinstance(op, Resize):
        return _rebuilt_resize(op, change)
    if not isinstance(op, (Convolution, AvgPool)):
        return None
    axes_now = [_changed_axis(axis, step) for axis, step in zip(op.geometry.axes, change, strict=True)]
    geometry = Geometry(tuple(axes_now), op.geometry.in_channels, op.geometry.out_channels, op.geometry.groups)
    if isinstance(op, Convolution):
        return Convolution(geometry, op.weight, op.bias)
    counted = tuple((low, high + step) for (low, high), step in zip(op._counted, change, strict=True))
    return AvgPool(geometry, counted, None if op._yields else op.dtype)


def _rebuilt_shuffle(op: Permutation, change: Change) -> TensorOperator | None:
    """A pixel shuffle, or the inverse of one."""
    try:
        factors, enlarges = shuffle_of(op)
    except ConvMatrixError:
        return None
    dtype = op._asked
    if enlarges:
        size = tuple(n + step for n, step in zip(op.in_shape[1:], change, strict=True))
        return pixel_shuffle((op.in_shape[0], *size), factors, dtype)
    steps = (step // factor for step, factor in zip(change, factors, strict=True))
    size = tuple(n + step for n, step in zip(op.out_shape[1:], steps, strict=True))
    return pixel_shuffle((op.out_shape[0], *size), factors, dtype).T


def _rebuilt_resize(op: Resize, change: Change) -> TensorOperator | None:
    """A resize; None where the sources were rounded as PyTorch does, which another size need not show."""
    for n, own, scale in zip(op.in_shape[1:], op._mixes, op.scales, strict=True):
        ideal = mix_of(n, own.sources.size, scale, op.mode)
        same = np.array_equal(ideal.sources, own.sources) and np.array_equal(ideal.shares, own.shares)
        if math.floor(n * scale) != own.sources.size or not same:
            return None
    size = tuple(n + step for n, step in zip(op.in_shape[1:], change, strict=True))
    return resize((op.in_shape[0], *size), op.scales, op.mode, None if op._yields else op.dtype)


def _changed_axis(axis: Axis, step: int) -> Axis:
    return dataclasses.replace(
        axis, input_size=axis.input_size + step, output_size=axis.output_size + step // axis.stride
    )


def _change_of_output(before: TensorOperator, after: TensorOperator) -> Change:
    return tuple(new - old for new, old in zip(after.out_shape[1:], before.out_shape[1:], strict=True))
