"""The layers with a weight that an expression is made of, and what stands before and after the one to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

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
    """

    layer: Any
    before: TensorOperator | None
    after: TensorOperator | None
    path: tuple[str, ...]

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
    return tuple(spot.op for spot in _spots(check_layers(op)))


def place_of(op: TensorOperator, factor: int | TensorOperator | None) -> Place:
    """The layer that `factor` names: a number, the layer itself, or None where there is one only."""
    spots = list(_spots(op))
    if not spots:
        raise ConvMatrixError(f"op must have a layer with a weight that can change, got {op!r}")
    if isinstance(factor, TensorOperator):
        found = [spot for spot in spots if spot.op is factor]
        if not found:
            raise ConvMatrixError(f"factor must be one of the {len(spots)} layers of op with a weight, got {factor!r}")
        if len(found) > 1:
            raise ConvMatrixError(
                f"factor must name one layer, got one that stands in op {len(found)} times: give its number"
            )
        spot = found[0]
    else:
        spot = spots[_number(factor, len(spots))]
    if spot.is_summed:
        raise ConvMatrixError(f"factor must not be a layer in a branch of a sum, got {spot.op!r}")
    return _place_at(spot)


def replaced(op: TensorOperator, path: tuple[str, ...], layer: TensorOperator) -> TensorOperator:
    """The expression with the layer at the end of `path` exchanged."""
    above: list[Any] = []
    for name in path:
        above.append(op)
        op = getattr(op, name)
    for part, name in zip(above[::-1], path[::-1], strict=True):
        if name == "of":
            layer = Scaled(part.factor, layer)
        else:
            layer = Product(layer, part.right) if name == "left" else Product(part.left, layer)
    return layer


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


class _Spot(NamedTuple):
    """A part of an expression: which attribute of the spot above it holds it."""

    op: Any
    above: _Spot | None = None
    name: str = ""
    is_summed: bool = False


def _spots(op: TensorOperator) -> Iterator[_Spot]:
    """The layers with a weight, in the order they are applied; of a sum the left branch first."""
    todo = [_Spot(op)]
    while todo:
        spot = todo.pop()
        part = spot.op
        if isinstance(part, Product):
            todo += [_Spot(part.left, spot, "left", spot.is_summed), _Spot(part.right, spot, "right", spot.is_summed)]
        elif isinstance(part, Scaled):
            todo.append(_Spot(part.of, spot, "of", spot.is_summed))
        elif isinstance(part, Sum):
            todo += [_Spot(part.right, spot, "right", True), _Spot(part.left, spot, "left", True)]
        elif isinstance(part.of if isinstance(part, Transposed) else part, Convolution):
            yield spot


def _place_at(spot: _Spot) -> Place:
    """What stands before and after a layer is found on the way up from it, the nearest first."""
    before: list[TensorOperator] = []
    after: list[TensorOperator] = []
    path, layer = [], spot.op
    while spot.above is not None:
        path.append(spot.name)
        above = spot.above.op
        if isinstance(above, Scaled):
            after.append(Scaled(above.factor, identity(above.out_shape)))
        elif spot.name == "right":
            after.append(above.left)
        else:
            before.append(above.right)
        spot = spot.above
    return Place(layer, _composed(before[::-1]), _composed(after), tuple(path[::-1]))


def _composed(parts: list[TensorOperator]) -> TensorOperator | None:
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
