"""An operator in float64 or complex128, in magnitudes, and how far rounding takes its products from the true ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from convmatrix import exact
from convmatrix.analysis.rounding import check_finite, numbers_of
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed, layers_of
from convmatrix.operators.composite import Composite
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

UNIT = 2.0**-53
"""The largest relative error of one rounded operation."""
_COMPLEX = 4
"""Roundings of a complex product and sum, where a real one has one."""


class Numerical(NamedTuple):
    """An operator in float64 or complex128 whose numbers are near 1, and the power of two that this took out.

    The operator meant is `2**exponent * op`: neither squares nor products of layers leave the range of floats.
    """

    op: TensorOperator
    exponent: int

    def times(self, values: Any) -> Any:
        """Singular values, or a norm, of the operator meant.

        Raises
        ------
        ConvMatrixError
            If one is beyond the range of floats.
        """
        with np.errstate(over="ignore", under="ignore"):
            found = np.ldexp(values, self.exponent)
        if not np.isfinite(found).all():
            raise ConvMatrixError(f"op must have singular values that a float holds, got some near 2**{self.exponent}")
        return found if isinstance(values, np.ndarray) else float(found)


def numerical(op: Any, unread: bool = False) -> Numerical:
    """An operator in numbers that a decomposition takes, whatever it held.

    Taps that read nothing but padding are 0 in it, unless `unread` ones are wanted: they are in no entry of the matrix.

    Raises
    ------
    ConvMatrixError
        If `op` is no operator, or holds symbols, NaN or infinity.

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = numerical(cm.conv("1/3 4", 4))
    >>> found.op.weight, found.exponent
    (array([[[0.04166667, 0.5       ]]]), 3)
    """
    if not isinstance(op, TensorOperator):
        raise ConvMatrixError(f"op must be a TensorOperator, got {type(op).__name__}")
    check_finite(op)
    for values, name in numbers_of(op):
        if name != "biases":
            _check_symbols(values, name)
    op = _summed(op)
    of_leaf = partial(_of_leaf, unread=unread)
    return op.folded(of_leaf, _of_parts) if isinstance(op, Composite) else of_leaf(op)


def magnitudes(op: TensorOperator) -> TensorOperator:
    """The operator with the magnitude of every number in place of the number: a bound, entry by entry."""
    return _with_numbers(op, np.abs)


def patterned(op: TensorOperator) -> TensorOperator:
    """The operator with 1 in place of every number that is not 0: nothing cancels in it, and nothing underflows."""
    return _with_numbers(op, lambda values: np.not_equal(values, 0).astype(np.float64))


def _with_numbers(op: TensorOperator, of_numbers: Callable[[Any], Any]) -> TensorOperator:
    def of_leaf(leaf: TensorOperator) -> TensorOperator:
        if isinstance(leaf, Transposed):
            return Transposed(of_leaf(leaf.of))
        return Convolution(leaf.geometry, of_numbers(leaf.weight)) if isinstance(leaf, Convolution) else leaf

    def of_parts(part: Composite, *own: TensorOperator) -> TensorOperator:
        if isinstance(part, Scaled):
            return Scaled(float(of_numbers(part.factor)), own[0])
        return Product(*own) if isinstance(part, Product) else Sum(*own)

    found: TensorOperator = op.folded(of_leaf, of_parts) if isinstance(op, Composite) else of_leaf(op)
    return found


def products(op: TensorOperator) -> int:
    """A bound on the roundings that one entry of `op @ x` goes through, of all layers one after the other.

    Examples
    --------
    >>> import convmatrix as cm
    >>> products(cm.conv([1, 2, 3], 5)), products(cm.conv([1, 2, 3], 5).T @ cm.conv([1, 2, 3], 5))
    (5, 10)
    """
    return sum(map(_products_of, layers_of(op)))


def growth(op: TensorOperator) -> float:
    """`gamma` with `|fl(op @ x) - op @ x| <= gamma * (|op| @ |x|)`, the rounding of the weights to floats included.

    Whatever the order of the sums is: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.
    """
    return gamma((_COMPLEX if is_complex(op) else 1) * (products(op) + 2))


def gamma(count: float) -> float:
    """The relative error of `count` roundings: `count u / (1 - count u)`."""
    return count * UNIT / (1 - count * UNIT) if count * UNIT < 1 else math.inf


def is_complex(op: TensorOperator) -> bool:
    """Whether some number is complex."""
    return op.dtype.kind == "c"


def is_nonnegative(op: TensorOperator) -> bool:
    """Whether no number of any layer or multiple is negative or complex."""
    return op.dtype.kind != "c" and all((values >= 0).all() for values, name in numbers_of(op) if name != "biases")


def _products_of(layer: TensorOperator) -> int:
    if isinstance(layer, Scaled):
        return 2
    own, transposed = (layer.of, True) if isinstance(layer, Transposed) else (layer, False)
    if isinstance(own, Resize):
        return _most_mixed(own, transposed) + 2
    if not isinstance(own, (Convolution, AvgPool)):
        return 1
    geometry = own.geometry
    channels = (geometry.out_channels if transposed else geometry.in_channels) // geometry.groups
    taps = math.prod(_most_reads(axis) if transposed else axis.kernel_size for axis in geometry.axes)
    return channels * taps + (4 if isinstance(own, AvgPool) else 2)


def _most_reads(axis: Axis) -> int:
    """How often the input that is read most is read."""
    reads = axis.reads()
    return int(np.bincount(reads[reads >= 0], minlength=1).max())


def _most_mixed(op: Resize, transposed: bool) -> int:
    counts = [np.diff((factor.T.tocsr() if transposed else factor).indptr).max() for factor in op._factors()[1:]]
    return int(math.prod(int(count) for count in counts))


def _check_symbols(values: np.ndarray, name: str) -> None:
    for value in values.flat if values.dtype == object else ():
        if exact.is_sympy(value) and value.free_symbols:
            raise ConvMatrixError(f"op must have {name} without symbols, got {value}: insert numbers")


def _summed(op: TensorOperator) -> TensorOperator:
    """The operator with sums of exact layers of one geometry added up exactly: floats would lose a small difference."""

    def of_parts(part: Composite, *own: TensorOperator) -> TensorOperator:
        if isinstance(part, Sum):
            (left, turned), (right, other) = map(_exact_layer, own)
            if left is not None and right is not None and (left.geometry, turned) == (right.geometry, other):
                layer = Convolution(left.geometry, left.weight + right.weight)
                return Transposed(layer) if turned else layer
        if all(new is old for new, old in zip(own, part.parts, strict=True)):
            return part
        return Scaled(part.factor, own[0]) if isinstance(part, Scaled) else type(part)(*own)

    return op.folded(lambda leaf: leaf, of_parts) if isinstance(op, Composite) else op


def _exact_layer(op: TensorOperator) -> tuple[Convolution | None, bool]:
    """A multiple of a layer as a layer, in exact numbers, and whether its transpose is meant; None if it is none."""
    factor: Any = 1
    while isinstance(op, Scaled):
        factor, op = op.factor * factor, op.of
    turned = isinstance(op, Transposed)
    layer = op.of if isinstance(op, Transposed) else op
    if (
        not isinstance(layer, Convolution)
        or layer.dtype.kind in "fc"
        or isinstance(factor, (float, complex, np.inexact))
    ):
        return None, turned
    weight = exact.as_array(layer.weight.astype(object) * factor)
    return Convolution(layer.geometry, weight.astype(object)), turned


def _of_leaf(leaf: TensorOperator, unread: bool) -> Numerical:
    if isinstance(leaf, Transposed):
        op, exponent = _of_leaf(leaf.of, unread)
        return Numerical(Transposed(op), exponent)
    if not isinstance(leaf, Convolution):
        return Numerical(leaf, 0)
    weight, exponent = _in_floats(leaf.weight if unread else leaf.geometry.only_read(leaf.weight))
    return Numerical(Convolution(leaf.geometry, weight), exponent)


def _of_parts(part: Composite, *own: Numerical) -> Numerical:
    if isinstance(part, Scaled):
        factor, exponent = _in_floats(exact.as_array([part.factor], "the factor"))
        return Numerical(Scaled(factor[0], own[0].op), own[0].exponent + exponent)
    left, right = own
    if isinstance(part, Product):
        return Numerical(Product(left.op, right.op), left.exponent + right.exponent)
    exponent = max(left.exponent, right.exponent)
    branches = [op if own == exponent else Scaled(math.ldexp(1.0, own - exponent), op) for op, own in (left, right)]
    return Numerical(Sum(*branches), exponent)


def _in_floats(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Values of which the largest is between a half and 1, and the power of two to multiply them by."""
    if values.dtype == object:
        return _exact_in_floats(values)
    numbers = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
    largest = max(float(np.abs(part).max(initial=0)) for part in (numbers.real, numbers.imag))
    exponent = math.frexp(largest)[1]
    if numbers.dtype.kind == "c":
        return np.ldexp(numbers.real, -exponent) + 1j * np.ldexp(numbers.imag, -exponent), exponent
    return np.ldexp(numbers, -exponent), exponent


def _exact_in_floats(values: np.ndarray) -> tuple[np.ndarray, int]:
    """The same of exact values, which may be beyond the range of floats: as shares of the largest."""
    distinct = {value: _as_fractions(value) for value in set(values.flat)}
    sizes = [abs(part) for parts in distinct.values() for part in parts if part]
    exponent = max((size.numerator.bit_length() - size.denominator.bit_length() + 1 for size in sizes), default=0)
    unit = Fraction(2) ** -exponent
    shares = {value: complex(*(float(part * unit) for part in parts)) for value, parts in distinct.items()}
    numbers = np.array([shares[value] for value in values.flat]).reshape(values.shape)
    return (numbers if numbers.imag.any() else numbers.real.copy()), exponent


def _as_fractions(value: Any) -> tuple[Fraction, Fraction]:
    """Real and imaginary part, to twenty digits where they are irrational."""
    if not exact.is_sympy(value):
        return Fraction(value), Fraction(0)
    real, imaginary = value.as_real_imag()
    return _fraction(real), _fraction(imaginary)


def _fraction(value: Any) -> Fraction:
    import sympy

    number = value if value.is_Rational else sympy.Rational(sympy.N(value, 20))
    return Fraction(int(number.p), int(number.q))
