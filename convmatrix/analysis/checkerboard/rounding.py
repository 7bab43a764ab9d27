"""What floats can show: the rounding of a sum of gains, and weights that no sum is made of."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.evenness import as_real
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.analysis.phases import axes_of, respond
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Sum, Transposed, branches_of, layers_of, steps_of
from convmatrix.operators.convolution import Convolution

_SMALLEST = 1e-290
_FEWEST_BITS = math.log2(_SMALLEST)


def check_finite(op: TensorOperator) -> None:
    """Refuse NaN and infinity in weights, biases and factors of any layer.

    Raises
    ------
    ConvMatrixError
    """
    for values, name in _numbers(op):
        if not exact.is_finite(values):
            raise ConvMatrixError(f"op must have finite {name}, got {exact.first_not_finite(values)}")
        if exact.is_symbolic(values):
            _check_expressions(values, name)


def default_tol(op: TensorOperator, largest: float) -> float:
    """`taps * eps * largest`: what rounding the weights and adding up their products may make of equal gains.

    Weights below the normal range of their type are rounded to more than `eps` of their own: to its smallest number.
    """
    return terms(op) * max(eps_of(op) * largest, _smallest_of(op) if largest else 0.0)


def terms(op: TensorOperator) -> int:
    """The most products of a weight and an input that one output adds up; the layers of a stack added.

    Examples
    --------
    >>> import convmatrix as cm
    >>> terms(cm.conv_transpose("1 2 3", 4, stride=2)), terms(cm.conv("1 2", 6) @ cm.conv_transpose("1 2 3", 4))
    (2, 5)
    """
    return sum(map(_terms_of, layers_of(op)))


def _terms_of(op: TensorOperator) -> int:
    if isinstance(op, Scaled):
        return 1
    taps = math.prod(int(axis.phase_counts.max()) for axis in axes_of(op))
    layer = op.of if isinstance(op, Transposed) else op
    return taps * (op.in_shape[0] // layer.geometry.groups) if isinstance(layer, Convolution) else taps


def eps_of(op: TensorOperator) -> float:
    """The coarsest precision among the float weights, biases and factors."""
    return max(float(np.finfo(kind).eps) for kind in _float_types(op))


def _smallest_of(op: TensorOperator) -> float:
    return max(float(np.finfo(kind).smallest_subnormal) for kind in _float_types(op))


def _float_types(op: TensorOperator) -> list[np.dtype[Any]]:
    kinds = [values.dtype for values, _ in _numbers(op) if values.dtype.kind in "fc"]
    kinds += [leaf.dtype for leaf in leaves(op) if leaf.dtype.kind in "fc" and not leaf._yields]
    return [np.dtype(np.float64), *kinds]


def fits_int64(op: TensorOperator) -> bool:
    """Whether no sum on the way from a constant 1 to the answer can leave int64; of integer weights."""
    bits = 0
    for values, _ in _numbers(op):
        bits += int(np.abs(values.astype(object)).sum()).bit_length() + 1
    return bits < 62


def check_range(op: TensorOperator, largest: float) -> None:
    """Refuse gains of floats that do not fit a float64, or that products of tiny weights have rounded away.

    Raises
    ------
    ConvMatrixError
    """
    if not math.isfinite(largest):
        raise ConvMatrixError(f"op must have gains that a float64 holds, got {largest}")
    bits = _sizes(op, _Sizes(0.0, math.inf, True)).fewest
    if bits < _FEWEST_BITS:
        raise ConvMatrixError(
            f"op must have gains of at least {_SMALLEST:g} where float layers and factors are multiplied, got some of "
            f"about 1e{math.floor(bits * math.log10(2))}"
        )


class _Sizes(NamedTuple):
    """Binary logarithms of a signal: of its largest, and of the least that floats were multiplied to on the way."""

    largest: float
    fewest: float
    is_whole: bool

    def times(self, size: float, is_whole: bool) -> _Sizes:
        """What a layer or a factor makes of it; whole numbers times floats lose nothing, nor do zeros."""
        largest = self.largest + size
        rounds = not (self.is_whole or is_whole or largest == -math.inf)
        return _Sizes(largest, min(self.fewest, largest) if rounds else self.fewest, self.is_whole and is_whole)


def _sizes(op: TensorOperator, arriving: _Sizes) -> _Sizes:
    for step in steps_of(op):
        arriving = _size_after(step, arriving)
    return arriving


def _size_after(step: TensorOperator, arriving: _Sizes) -> _Sizes:
    if isinstance(step, Sum):
        # What the smaller branches lose is nothing beside the largest.
        branches = [_sizes(branch, arriving) for branch in branches_of(step)]
        return max(branches)._replace(is_whole=all(branch.is_whole for branch in branches))
    if isinstance(step, Scaled):
        factor = exact.as_array([step.factor], "the factor")
        return arriving.times(_log(factor), factor.dtype.kind == "i")
    layer = step.of if isinstance(step, Transposed) else step
    return arriving.times(_log(layer.weight) if isinstance(layer, Convolution) else 0.0, step.dtype.kind == "i")


def _log(values: np.ndarray) -> float:
    largest = largest_of(values)
    return math.log2(largest) if largest else -math.inf


def largest_of_bias(op: TensorOperator) -> float:
    """The largest bias that the magnitudes of weights and biases could add up to."""
    found = _magnitudes_of_bias(op)
    return 0.0 if found is None else largest_of(found)


def largest_of(values: np.ndarray) -> float:
    """The largest magnitude, as a float."""
    if values.dtype == object:
        return max(map(as_real, values.flat), default=0.0)
    return float(np.abs(values.astype(np.result_type(values, np.float64))).max(initial=0))


def _magnitudes_of_bias(op: TensorOperator) -> np.ndarray | None:
    found = None
    for step in steps_of(op):
        if isinstance(step, Scaled):
            size = largest_of(exact.as_array([step.factor], "the factor"))
            found = None if found is None else found * size
            continue
        through = None if found is None else respond(step, found, magnitudes=True)
        found = _upper(through, _magnitudes_of_own(step))
    return found


def _magnitudes_of_own(op: TensorOperator) -> np.ndarray | None:
    """Of the bias of a layer; of a sum those of its branches together."""
    if isinstance(op, Sum):
        return reduce(_upper, map(_magnitudes_of_bias, branches_of(op)))
    if op.bias is None:
        return None
    flat = np.array([largest_of(value) for value in op.bias.reshape(-1, 1)])
    return flat.reshape(*[1] * (len(op.out_shape) - 1), -1, 1)


def _upper(left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray | None:
    """A bound on the sum: of every channel the largest of its phases."""
    if left is None or right is None:
        return right if left is None else left
    axes = tuple(range(left.ndim - 2))
    return np.asarray(left.max(axis=axes, keepdims=True) + right.max(axis=axes, keepdims=True), dtype=np.float64)


def _numbers(op: TensorOperator) -> list[tuple[np.ndarray, str]]:
    """Everything of the user's: weights, biases and factors, with what they are called."""
    return [pair for layer in layers_of(op) for pair in _numbers_of(layer)]


def _numbers_of(op: TensorOperator) -> list[tuple[np.ndarray, str]]:
    if isinstance(op, Scaled):
        return [(exact.as_array([op.factor], "the factor"), "factors")]
    layer: Any = op.of if isinstance(op, Transposed) else op
    own = [] if op.bias is None else [(op.bias, "biases")]
    return [*own, (layer.weight, "weights")] if isinstance(layer, Convolution) else own


def _check_expressions(values: np.ndarray, name: str) -> None:
    import sympy

    for value in values.flat:
        if value.has(sympy.Float):
            raise ConvMatrixError(f"op must have {name} without floats in expressions, got {value}: use fractions")
