"""The layers with a weight that an expression is made of, and what stands before and after the one to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from convmatrix.analysis.phases import check_layers
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry.arguments import integer
from convmatrix.operators import TensorOperator, identity
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.convolution import Convolution


@dataclass(frozen=True, eq=False)
class Place:
    """One layer with a weight, and where it stands in an expression.

    Attributes
    ----------
    layer : Convolution or Transposed
        The layer.
    before, after : TensorOperator or None
        What is applied before and after it; None where that is nothing.
    path : tuple of str
        The attributes that lead to it from the whole expression.
    is_summed : bool
        It belongs to a branch of a sum; `before` and `after` are those of the branch then.
    """

    layer: Any
    before: TensorOperator | None
    after: TensorOperator | None
    path: tuple[str, ...]
    is_summed: bool

    @property
    def weight(self) -> np.ndarray:
        """The weight as `(groups, out, in, taps)` of what is applied."""
        groups, weight = self.layer.geometry.groups, self.layer.weight
        split = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
        split = split.swapaxes(1, 2) if isinstance(self.layer, Transposed) else split
        return split.reshape(*split.shape[:3], -1)

    def with_weight(self, weight: np.ndarray) -> TensorOperator:
        """The layer with another weight `(groups, out, in, taps)` and the same bias."""
        if isinstance(self.layer, Transposed):
            weight = weight.swapaxes(1, 2)
        return _rebuilt(self.layer, weight.reshape(self.layer.weight.shape), self.layer.bias)

    def with_bias(self, bias: np.ndarray) -> TensorOperator:
        """The layer with another bias `(c_out,)`."""
        return _rebuilt(self.layer, self.layer.weight, bias.reshape(self.layer.bias.shape))


def weighted_layers(op: TensorOperator) -> tuple[TensorOperator, ...]:
    """The convolutions and transposed convolutions of an expression, in the order they are applied.

    Parameters
    ----------
    op : TensorOperator
        Of a sum, the left branch comes first; a layer that stands in it twice is there twice.

    Returns
    -------
    tuple of TensorOperator
        Number `i` is what `factor=i` means.

    Raises
    ------
    ConvMatrixError
        If `op` is no operator of layers that keep channels apart from space.

    Examples
    --------
    >>> import convmatrix as cm
    >>> inner = cm.conv("1 2", 4)
    >>> [layer is inner for layer in weighted_layers(cm.conv_transpose("1 2 3", 3, stride=2) @ inner)]
    [True, False]
    """
    return tuple(place.layer for place in _places(check_layers(op)))


def place_of(op: TensorOperator, factor: int | TensorOperator | None) -> Place:
    """The layer that `factor` names: a number, the layer itself, or None where there is one only."""
    places = list(_places(op))
    if not places:
        raise ConvMatrixError(f"op must have a layer with a weight that can change, got {op!r}")
    if isinstance(factor, TensorOperator):
        found = [place for place in places if place.layer is factor]
        if not found:
            raise ConvMatrixError(f"factor must be one of the {len(places)} layers of op with a weight, got {factor!r}")
        if len(found) > 1:
            raise ConvMatrixError(
                f"factor must name one layer, got one that stands in op {len(found)} times: give its number"
            )
        place = found[0]
    else:
        place = places[_number(factor, len(places))]
    if place.is_summed:
        raise ConvMatrixError(f"factor must not be a layer in a branch of a sum, got {place.layer!r}")
    return place


def replaced(op: TensorOperator, path: tuple[str, ...], layer: TensorOperator) -> TensorOperator:
    """The expression with the layer at the end of `path` exchanged."""
    if not path:
        return layer
    if isinstance(op, Scaled):
        return Scaled(op.factor, replaced(op.of, path[1:], layer))
    assert isinstance(op, Product)
    if path[0] == "left":
        return Product(replaced(op.left, path[1:], layer), op.right)
    return Product(op.left, replaced(op.right, path[1:], layer))


def _number(factor: Any, count: int) -> int:
    if factor is None:
        if count > 1:
            raise ConvMatrixError(
                f"factor must say which of the {count} layers with a weight may change (0 is applied first), got None"
            )
        return 0
    number = integer(factor, "factor", 0)
    if number >= count:
        raise ConvMatrixError(f"factor must be below {count}, the number of layers with a weight, got {number}")
    return number


def _places(op: TensorOperator) -> Iterator[Place]:
    yield from _found(op, (), (), (), False)


def _found(
    op: TensorOperator,
    before: tuple[TensorOperator, ...],
    after: tuple[TensorOperator, ...],
    path: tuple[str, ...],
    is_summed: bool,
) -> Iterator[Place]:
    """The places in `op`; what is applied before and after it is given in the order of application."""
    if isinstance(op, Product):
        yield from _found(op.right, before, (op.left, *after), (*path, "right"), is_summed)
        yield from _found(op.left, (*before, op.right), after, (*path, "left"), is_summed)
    elif isinstance(op, Scaled):
        multiple = Scaled(op.factor, identity(op.out_shape))
        yield from _found(op.of, before, (multiple, *after), (*path, "of"), is_summed)
    elif isinstance(op, Sum):
        yield from _found(op.left, before, after, (*path, "left"), True)
        yield from _found(op.right, before, after, (*path, "right"), True)
    elif isinstance(op.of if isinstance(op, Transposed) else op, Convolution):
        yield Place(op, _composed(before), _composed(after), path, is_summed)


def _composed(parts: tuple[TensorOperator, ...]) -> TensorOperator | None:
    return reduce(lambda inner, outer: Product(outer, inner), parts) if parts else None


def _rebuilt(layer: Any, weight: np.ndarray, bias: np.ndarray | None) -> TensorOperator:
    """A layer of the same geometry; its arrays are its own."""
    weight = np.array(weight, order="C")
    weight.flags.writeable = False
    if bias is not None:
        bias = np.array(bias, order="C")
        bias.flags.writeable = False
    if isinstance(layer, Transposed):
        return Transposed(Convolution(layer.geometry, weight), bias)
    return Convolution(layer.geometry, weight, bias)
