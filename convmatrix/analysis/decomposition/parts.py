"""Factors as small weights that each read some of the axes, and the operators made of them.

Along each axis a layer reads by a table of its own, so which factor reads an axis does not matter, as long as one does:
that one takes the layer's stride, dilation, padding and padding mode there, the others nothing. The product then equals
the layer for every padding mode, with the weights' contraction over the channels between them as its weight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from convmatrix.analysis.decomposition.ordering import reordering
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution


@dataclass(frozen=True, eq=False)
class Part:
    """One convolution of a product: `weight` of shape `(c_out, c_in/groups, *kernel)`, 1 on axes it does not read."""

    weight: np.ndarray
    axes: tuple[int, ...]
    groups: int = 1


@dataclass(frozen=True, eq=False)
class Order:
    """Channels reordered: output channel `c` is input channel `sources[c]`."""

    sources: np.ndarray


@dataclass(frozen=True, eq=False)
class Candidate:
    """A structure before it is made into operators and measured.

    `approximation` is the weight its parts multiply out to, None where that is proved to be the layer's own; `tol` the
    relative tolerance within which it holds, None where it is proved.
    """

    name: str
    settings: dict[str, Any]
    parts: tuple[Part | Order, ...]
    approximation: np.ndarray | None = None
    is_exact: bool = False
    holds: bool = True
    tol: float | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Absent:
    """A structure that the layer does not have, or that would say nothing about it, and why."""

    name: str
    reason: str


def operators(
    parts: tuple[Part | Order, ...], geometry: Geometry, transposed: bool, bias: np.ndarray | None
) -> tuple[TensorOperator, ...]:
    """The parts as operators, the first applied first; those of a transposed layer turned round one by one."""
    size, made = list(geometry.input_size), []
    channels = geometry.in_channels
    for part in parts:
        if isinstance(part, Order):
            order = reordering((channels, *size), part.sources)
            made += [] if order is None else [order]
            continue
        axes = tuple(
            axis if number in part.axes else Axis(size[number], 1, size[number], padding_mode=axis.padding_mode)
            for number, axis in enumerate(geometry.axes)
        )
        layer = Geometry(axes, part.weight.shape[1] * part.groups, part.weight.shape[0], part.groups)
        made.append(Convolution(layer, _frozen(part.weight)))
        channels, size = layer.out_channels, list(layer.output_size)
    factors = [factor.T for factor in reversed(made)] if transposed else made
    return _with_bias(factors, bias)


def product(factors: tuple[TensorOperator, ...]) -> TensorOperator:
    """The factors multiplied, the first applied first."""
    return reduce(lambda before, factor: factor @ before, factors)


def _with_bias(factors: list[TensorOperator], bias: np.ndarray | None) -> tuple[TensorOperator, ...]:
    """The bias given to the last convolution, in the order its channels have there."""
    if bias is None:
        return tuple(factors)
    last = len(factors) - 1
    if isinstance(factors[last], Permutation):
        channels = bias.shape[0]
        order, last = factors[last], last - 1
        moved = np.zeros((channels, *order.in_shape[1:]), dtype=bias.dtype) + bias
        bias = order.T(moved)[(slice(None), *[slice(0, 1)] * (bias.ndim - 1))]
    leaf = factors[last]
    if isinstance(leaf, Transposed):
        factors[last] = Transposed(leaf.of, _frozen(bias))
    elif isinstance(leaf, Convolution):
        factors[last] = Convolution(leaf.geometry, leaf.weight, _frozen(bias))
    return tuple(factors)


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = np.array(array, order="C")
    copy.flags.writeable = False
    return copy
