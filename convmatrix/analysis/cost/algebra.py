"""The multiplications and weights of layers as SymPy expressions in the letters of their sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from convmatrix.analysis.cost.counting import multiplications
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

_AXES = "zyx"


@dataclass(frozen=True)
class LayerAlgebra:
    """One layer's formulas.

    Attributes
    ----------
    layer : TensorOperator
        A leaf or the transpose of one.
    index : str
        What its letters end in: the number of the layer among several, nothing for one alone.
    """

    layer: TensorOperator
    index: str = ""

    @cached_property
    def formulas(self) -> tuple[Any, Any, dict[Any, int]]:
        """Multiplications, weights, and the number that each letter stands for."""
        import sympy

        leaf, transposed = (self.layer.of, True) if isinstance(self.layer, Transposed) else (self.layer, False)
        values: dict[Any, int] = {}
        if isinstance(leaf, Convolution):
            return (*self._of_convolution(leaf.geometry, transposed, values), values)
        if isinstance(leaf, AvgPool):
            positions = [self._positions(axis, name, transposed, values) for axis, name in self._named(leaf.geometry)]
            return self._letter("c", leaf.in_shape[0], values) * _power(positions, leaf.geometry), sympy.S.Zero, values
        if isinstance(leaf, Permutation) or (isinstance(leaf, Resize) and leaf.mode != "linear"):
            return sympy.S.Zero, sympy.S.Zero, values
        return self._letter("e", multiplications(leaf), values), sympy.S.Zero, values

    def _of_convolution(self, geometry: Geometry, transposed: bool, values: dict[Any, int]) -> tuple[Any, Any]:
        channels = (geometry.out_channels, geometry.in_channels)
        inner, outer = channels if transposed else channels[::-1]
        pairs = self._letter("c_in", inner, values) * self._letter("c_out", outer, values)
        pairs /= self._letter("g", geometry.groups, values)
        named = self._named(geometry)
        taps = [self._letter("k", axis.kernel_size, values, name) for axis, name in named]
        positions = [self._positions(axis, name, transposed, values) for axis, name in named]
        return pairs * _power(taps, geometry) * _power(positions, geometry), pairs * _power(taps, geometry)

    def _positions(self, axis: Axis, name: str, transposed: bool, values: dict[Any, int]) -> Any:
        """Positions at which an axis of the kernel is applied: the size rule, or the inputs of a transposed layer."""
        import sympy

        if transposed:
            return self._letter("i", axis.output_size, values, name)
        if axis.output_size != axis.size_rule:
            return self._letter("o", axis.output_size, values, name)
        i, k = self._letter("i", axis.input_size, values, name), self._letter("k", axis.kernel_size, values, name)
        s, d = self._letter("s", axis.stride, values, name), self._letter("d", axis.dilation, values, name)
        if axis.pad_before == axis.pad_after:
            padding = 2 * self._letter("p", axis.pad_before, values, name)
        else:
            padding = self._letter("p_before", axis.pad_before, values, name)
            padding += self._letter("p_after", axis.pad_after, values, name)
        return sympy.floor((i + padding - d * (k - 1) - 1) / s) + 1

    def _named(self, geometry: Geometry) -> list[tuple[Axis, str]]:
        """Axes with what their letters are told apart by; one for all where all are alike."""
        if len(set(geometry.axes)) <= 1:
            return [(axis, "") for axis in geometry.axes[:1]]
        count = len(geometry.axes)
        names = _AXES[-count:] if count <= len(_AXES) else [f"n{axis}" for axis in range(count)]
        return list(zip(geometry.axes, names, strict=True))

    def _letter(self, name: str, value: int, values: dict[Any, int], axis: str = "") -> Any:
        import sympy

        end = self.index + axis
        letter = sympy.Symbol(f"{name}_{end}" if end else name, integer=True, **_sign(name, value))
        values[letter] = value
        return letter


def formulas_of(layers: Sequence[TensorOperator]) -> tuple[Any, Any, dict[Any, int]]:
    """Multiplications and weights of all layers together, their letters numbered from 1 where there are several."""
    import sympy

    found = [
        LayerAlgebra(layer, str(place) if len(layers) > 1 else "").formulas for place, layer in enumerate(layers, 1)
    ]
    values = {letter: value for _, _, own in found for letter, value in own.items()}
    return sympy.Add(*[products for products, _, _ in found]), sympy.Add(*[own for _, own, _ in found]), values


def _power(factors: list[Any], geometry: Geometry) -> Any:
    """One factor an axis multiplied, or the power of the one for all axes that are alike."""
    return factors[0] ** len(geometry.axes) if len(factors) == 1 else math.prod(factors)


def _sign(name: str, value: int) -> dict[str, bool]:
    if not name.startswith("p"):
        return {"positive": True}
    return {"nonnegative": True} if value >= 0 else {}
