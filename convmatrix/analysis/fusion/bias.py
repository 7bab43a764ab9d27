"""The bias of an expression at every output, and how far one value a channel is from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.comparison import as_float, vanishes
from convmatrix.analysis.comparison.entries import is_exact
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.errors import ConvMatrixError
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed, branches_of, layers_of, steps_of
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize


@dataclass(frozen=True, eq=False)
class BiasGap:
    """Two biases side by side: equal within a tolerance, proved so, by how much not (None for symbols), and where."""

    is_equal: bool
    is_exact: bool
    error: float | None
    differs: np.ndarray


def bias_of(op: TensorOperator) -> np.ndarray | None:
    """What the layers add, a tensor of `out_shape`: exact where they are exact, floats in double."""
    averages = any(isinstance(leaf, (AvgPool, Resize)) for leaf in leaves(op))
    bias = _bias(op, averages and _is_exact(op))
    return None if bias is None else exact.as_array(bias, "bias")


def _bias(op: TensorOperator, as_objects: bool) -> np.ndarray | None:
    """The same; integers as objects where an average would make them floats."""
    found = None
    for step in steps_of(op):
        if isinstance(step, Scaled):
            found = None if found is None else step._scale(_roomy(found))
            continue
        if found is not None and found.dtype.kind == "i" and step.dtype == object:
            found = found.astype(object)
        through = None if found is None else step._apply(found[None])[0]
        found = _sum(through, _own_bias(step, as_objects))
    return found


def _own_bias(op: TensorOperator, as_objects: bool) -> np.ndarray | None:
    """The bias of one layer, or of the branches of a sum."""
    if isinstance(op, Sum):
        return reduce(_sum, (_bias(branch, as_objects) for branch in branches_of(op)))
    if op.bias is None:
        return None
    bias = op.bias.astype(object) if as_objects else op.bias
    if bias.dtype.kind in "fc":
        bias = bias.astype(np.result_type(bias, np.float64))
    return np.array(np.broadcast_to(bias, op.out_shape))


def _sum(left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray | None:
    if left is None or right is None:
        return right if left is None else left
    left, right = exact.paired(left, right)
    return _roomy(left) + _roomy(right)


def _roomy(values: np.ndarray) -> np.ndarray:
    """Integers as objects where a sum or a multiple of them might wrap."""
    large = values.dtype.kind == "i" and float(np.abs(values.astype(np.float64)).max(initial=0)) >= 2**31
    return values.astype(object) if large else values


def gap_of(operator: TensorOperator, expression: TensorOperator, tol: float | None) -> BiasGap:
    """The bias of one layer beside that of an expression, position by position."""
    with np.errstate(over="ignore", invalid="ignore"):
        given, wanted = bias_of(operator), bias_of(expression)
    for values in (given, wanted):
        if values is not None and not exact.is_finite(values):
            bad = exact.first_not_finite(values)
            raise ConvMatrixError(f"ops must have biases whose sums a {values.dtype} holds, got {bad}")
    nowhere = np.zeros(expression.out_shape[1:], dtype=bool)
    if given is None or wanted is None:
        return BiasGap(True, True, 0.0, nowhere)
    exactly = _is_exact(operator) and _is_exact(expression)
    given, wanted = exact.paired(given, wanted)
    gap = _roomy(given) - _roomy(wanted)
    if gap.dtype == object:
        return _exact_gap(gap, exactly, 0.0 if tol is None else tol)
    if tol is None:
        eps = float(np.finfo(expression.dtype if expression.dtype.kind in "fc" else np.float64).eps)
        tol = 0.0 if exactly else max(expression.shape) * eps * _magnitude(expression)
    sizes = np.abs(gap)
    error = float(sizes.max(initial=0))
    return BiasGap(error <= tol, exactly and error == 0, error, np.asarray((sizes > tol).any(axis=0)))


def _magnitude(op: TensorOperator) -> float:
    """The largest bias that the magnitudes of weights and biases could give: what rounding is measured by."""
    if isinstance(op, Product):
        inner = _magnitude(op.right)
        return (_gain(op.left) * inner if inner else 0.0) + _magnitude(op.left)
    if isinstance(op, Sum):
        return _magnitude(op.left) + _magnitude(op.right)
    if isinstance(op, Scaled):
        inner = _magnitude(op.of)
        return _factor_size(op) * inner if inner else 0.0
    return 0.0 if op.bias is None else float(_absolute(op.bias).max(initial=0))


def _gain(op: TensorOperator) -> float:
    """At most how many times the largest input the largest output is."""
    if isinstance(op, (Product, Sum)):
        left, right = _gain(op.left), _gain(op.right)
        return left * right if isinstance(op, Product) else left + right
    if isinstance(op, Scaled):
        return _factor_size(op) * _gain(op.of)
    if isinstance(op, Convolution):
        return float(_absolute(op.weight).reshape(len(op.weight), -1).sum(axis=1).max())
    if isinstance(op, Transposed) and isinstance(op.of, Convolution):
        groups, weight = op.of.geometry.groups, _absolute(op.of.weight)
        sums = weight.reshape(groups, -1, *weight.shape[1:]).sum(axis=1)
        return float(sums.reshape(groups, weight.shape[1], -1).sum(axis=2).max())
    return 1.0


def _factor_size(op: Scaled) -> float:
    return float(_absolute(exact.as_array([op.factor], "the factor"))[0])


def _absolute(values: np.ndarray) -> np.ndarray:
    if values.dtype != object:
        return np.abs(values.astype(np.result_type(values, np.float64)))
    return np.array([abs(as_float(value)) for value in values.flat]).reshape(values.shape)


def _exact_gap(gap: np.ndarray, exactly: bool, tol: float) -> BiasGap:
    known: dict[Any, bool] = {}
    for value in gap.flat:
        if value not in known:
            known[value] = vanishes(value)
    differs = np.array([not known[value] for value in gap.flat], dtype=bool).reshape(gap.shape)
    values = {value for value, zero in known.items() if not zero}
    symbolic = any(exact.is_sympy(value) and value.free_symbols for value in values)
    error = None if symbolic else max((abs(as_float(value)) for value in values), default=0.0)
    is_equal = not values or (error is not None and tol > 0 and error <= tol)
    where = np.asarray((differs & (not is_equal)).any(axis=0))
    return BiasGap(is_equal, exactly and not values, error, where)


def _is_exact(op: TensorOperator) -> bool:
    """Whether weights and biases are exact."""
    return is_exact(op) and all(bias.dtype.kind in "iO" for bias in _biases(op))


def _biases(op: TensorOperator) -> list[np.ndarray]:
    return [layer.bias for layer in layers_of(op) if not isinstance(layer, Scaled) and layer.bias is not None]
