"""Operators made of operators: transposes, products, sums and multiples. Their matrices are those of their parts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import pattern
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.composite import Composite, Stored


class Transposed(TensorOperator):
    """The transpose of an operator; `of` is that operator. Leaves lend it their geometry and weight."""

    def __init__(self, of: TensorOperator, bias: np.ndarray | None = None) -> None:
        super().__init__(of.dtype, of.out_shape, of.in_shape)
        self.of = of
        self._yields = of._yields
        self._bias = bias

    def _transpose(self) -> TensorOperator:
        return self.of

    @property
    def bias(self) -> np.ndarray | None:
        """What the transposed layer adds, or None."""
        return self._bias

    @property
    def nnz(self) -> int:
        """Entries that `tosparse` stores."""
        return self.of.nnz

    @property
    def geometry(self) -> Any:
        """The geometry of the convolution this is the transpose of, whose input is this one's output."""
        return self.of.geometry

    @property
    def weight(self) -> Any:
        """The weight, of the shape PyTorch gives a transposed layer: `(c_in, c_out/groups, *kernel_size)`."""
        return self.of.weight

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return self.of._apply_transpose(x)

    def _apply_transpose(self, y: np.ndarray) -> np.ndarray:
        return self.of._apply(y)

    def _apply_columns(self, v: np.ndarray, transpose: bool = False) -> np.ndarray:
        return self.of._apply_columns(v, not transpose)

    def _other_way(self, method: str, transpose: bool = False) -> Callable[[np.ndarray], np.ndarray]:
        return self.of._other_way(method, not transpose)

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        return self.of._csr(dtype, not transpose)

    def _structure(self) -> csr_array:
        structure = self.of._structure().T.tocsr()
        structure.sort_indices()
        return structure

    def _factors(self) -> pattern.Factors | None:
        factors = self.of._factors()
        return None if factors is None else [factor.T.tocsr() for factor in factors]

    def _sympy(self) -> Any:
        return self.of._sympy().T

    def _conjugated(self) -> TensorOperator:
        return self.of._conjugated().T

    def _is_exact(self) -> bool:
        return self.of._is_exact()

    def _refuse_numbers(self) -> None:
        self.of._refuse_numbers()

    def _label(self) -> str:
        return f"of {type(self.of).__name__} {self.of._label()}".rstrip()


class Product(Composite):
    """`left @ right`: right is applied first."""

    def __init__(self, left: TensorOperator, right: TensorOperator) -> None:
        if left.in_shape != right.out_shape:
            raise ConvMatrixError(f"A @ B needs A.in_shape == B.out_shape, got {left.in_shape} and {right.out_shape}")
        dtype, self._yields = common_dtype(left, right)
        super().__init__(dtype, right.in_shape, left.out_shape)
        self.left, self.right = left, right

    @property
    def parts(self) -> tuple[TensorOperator, ...]:
        """What it is made of."""
        return self.left, self.right

    def _of_transposes(self, left: TensorOperator, right: TensorOperator) -> TensorOperator:
        return Product(right, left)

    def _of_conjugates(self, left: TensorOperator, right: TensorOperator) -> TensorOperator:
        return Product(left, right)

    def _of_factors(self, left: pattern.Factors | None, right: pattern.Factors | None) -> pattern.Factors | None:
        return pattern.product(left, right)

    def _of_counts(self, left: Stored, right: Stored) -> Stored:
        """Pairs joined by some path, counted without holding them all."""
        factors = pattern.product(left.factors, right.factors)
        if factors is not None:
            return Stored(self, pattern.count(factors), factors)
        if self._nnz is not None:
            return Stored(self, self._nnz)
        sides = left.structure(), right.structure()
        return Stored(self, pattern.count_product(*sides), sides=sides)

    def _of_matrices(self, left: csr_array, right: csr_array, stored: Stored) -> csr_array:
        if left.dtype.kind in "iu":
            longest = int(np.diff(left.indptr).max(initial=0))
            pattern.check_integers(longest * pattern.largest(left) * pattern.largest(right))
        product = left @ right
        # SciPy drops sums that happen to be 0; the pattern is to be the geometry's alone.
        if product.nnz != stored.nnz:
            return pattern.merged([product, (stored.structure() * 0).astype(product.dtype)])
        product.sort_indices()
        return pattern.with_small_indices(product)

    def _of_structures(self, left: csr_array, right: csr_array) -> csr_array:
        return pattern.joined(left, right)

    def _of_sympy(self, left: Any, right: Any) -> Any:
        return left * right

    def _label(self) -> str:
        return f"{type(self.left).__name__} @ {type(self.right).__name__}"


class Sum(Composite):
    """`left + right`, of equal shapes: parallel branches."""

    def __init__(self, left: TensorOperator, right: TensorOperator) -> None:
        if (left.in_shape, left.out_shape) != (right.in_shape, right.out_shape):
            raise ConvMatrixError(
                f"A + B needs equal shapes, got {left.in_shape} -> {left.out_shape} "
                f"and {right.in_shape} -> {right.out_shape}"
            )
        dtype, self._yields = common_dtype(left, right)
        # The entries of two permutations add up, which int8 would not bear many times.
        super().__init__(np.dtype(np.int64) if dtype.kind == "i" else dtype, left.in_shape, left.out_shape)
        self.left, self.right = left, right

    @property
    def parts(self) -> tuple[TensorOperator, ...]:
        """What it is made of."""
        return self.left, self.right

    def _of_transposes(self, left: TensorOperator, right: TensorOperator) -> TensorOperator:
        return Sum(left, right)

    _of_conjugates = _of_transposes

    def _of_factors(self, left: pattern.Factors | None, right: pattern.Factors | None) -> None:
        return None

    def _of_counts(self, left: Stored, right: Stored) -> Stored:
        """The entries of either branch."""
        if self._nnz is not None:
            return Stored(self, self._nnz)
        both = self._of_structures(left.structure(), right.structure())
        return Stored(self, int(both.nnz), matrix=both)

    def _of_matrices(self, left: csr_array, right: csr_array, stored: Stored) -> csr_array:
        pattern.check_integers(pattern.largest(left) + pattern.largest(right) if left.dtype.kind in "iu" else 0)
        return pattern.merged([left, right])

    def _of_structures(self, left: csr_array, right: csr_array) -> csr_array:
        structure = pattern.merged([left, right])
        structure.data[:] = 1
        return structure

    def _of_sympy(self, left: Any, right: Any) -> Any:
        return left + right

    def _label(self) -> str:
        return f"{type(self.left).__name__} + {type(self.right).__name__}"


class Scaled(Composite):
    """`factor * of`, the factor a number or a SymPy expression."""

    def __init__(self, factor: Any, of: TensorOperator) -> None:
        self.factor = int(factor) if isinstance(factor, np.integer) else factor
        self.of = of
        self._yields = of._yields if isinstance(factor, (int, float)) else 0
        super().__init__(_scaled_dtype(factor, of), of.in_shape, of.out_shape)

    @property
    def parts(self) -> tuple[TensorOperator, ...]:
        """What it is made of."""
        return (self.of,)

    def _of_transposes(self, of: TensorOperator) -> TensorOperator:
        return Scaled(self.factor, of)

    def _of_conjugates(self, of: TensorOperator) -> TensorOperator:
        return Scaled(np.conj(self.factor), of)

    def _of_factors(self, of: pattern.Factors | None) -> pattern.Factors | None:
        return of

    def _of_counts(self, of: Stored) -> Stored:
        return of

    def _scale(self, values: np.ndarray) -> np.ndarray:
        if isinstance(self.factor, (int, float, complex, np.number)) and values.dtype != object:
            return values * self.factor
        factor, values = exact.paired(exact.as_array([self.factor], "the factor"), values)
        return values * factor[0]

    def _of_matrices(self, of: csr_array, stored: Stored) -> csr_array:
        factor = exact.as_numbers(exact.as_array([self.factor], "the factor"), of.dtype, "factor")[0]
        pattern.check_integers(pattern.largest(of) * abs(int(factor)) if of.dtype.kind in "iu" else 0)
        of.data *= factor
        return of

    def _of_structures(self, of: csr_array) -> csr_array:
        return of

    def _of_sympy(self, of: Any) -> Any:
        return of * exact.to_sympy(self.factor)

    def _is_rational(self) -> bool:
        return not isinstance(self.factor, (float, complex, np.inexact)) and not exact.is_sympy(self.factor)

    def _label(self) -> str:
        return f"{self.factor} * {type(self.of).__name__}"


def steps_of(op: TensorOperator, transpose: bool = False) -> list[TensorOperator]:
    """What a product applies one after the other, first first: layers, sums, and multiples for their factor alone.

    With `transpose` the order in which the transposes of these are applied.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv([1, 2], 4)
    >>> [type(step).__name__ for step in steps_of(layer.T @ (2 * layer))]
    ['Convolution', 'Scaled', 'Transposed']
    """
    steps, todo = [], [op]
    while todo:
        part = todo.pop()
        if isinstance(part, Product):
            todo += part.parts if transpose else part.parts[::-1]
        else:
            steps.append(part)
            todo += part.parts if isinstance(part, Scaled) else ()
    return steps[::-1]


def layers_of(op: TensorOperator) -> Iterator[TensorOperator]:
    """The layers of an operator from the left, transposed ones whole, and its multiples for their factors alone.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv([1, 2], 4)
    >>> [type(part).__name__ for part in layers_of(layer.T @ (2 * layer))]
    ['Transposed', 'Scaled', 'Convolution']
    """
    todo = [op]
    while todo:
        part = todo.pop()
        if not isinstance(part, (Product, Sum)):
            yield part
        todo += part.parts[::-1] if isinstance(part, Composite) else ()


def branches_of(op: TensorOperator) -> list[TensorOperator]:
    """What a sum adds up, from the left, sums of sums taken apart; anything else is its one branch."""
    branches: list[TensorOperator] = []
    todo = [op]
    while todo:
        part = todo.pop()
        if isinstance(part, Sum):
            todo += part.parts[::-1]
        else:
            branches.append(part)
    return branches


def common_dtype(left: TensorOperator, right: TensorOperator) -> tuple[np.dtype[Any], int]:
    """The dtype of a product or sum, and how far it yields in turn."""
    yields = min(left._yields, right._yields)
    firm = [part.dtype for part in (left, right) if part._yields == yields]
    dtype = np.result_type(*firm)
    # An average or interpolation of integers is none; beside exact values it stays exact.
    if 1 in (left._yields, right._yields) and dtype.kind in "iu":
        dtype = np.dtype(np.float64)
    return dtype, yields


def power(base: TensorOperator, n: Any) -> TensorOperator:
    """`base` applied `n` times."""
    try:
        times = operator.index(n)
    except TypeError:
        times = -1
    if times < 0 or base.in_shape != base.out_shape:
        raise ConvMatrixError(
            f"A ** n needs an integer n of at least 0 and equal shapes, "
            f"got n = {n!r}, {base.in_shape} -> {base.out_shape}"
        )
    if times == 0:
        from convmatrix.operators.channels import identity

        return identity(base.in_shape)
    result = base
    for _ in range(times - 1):
        result = Product(base, result)
    return result


def _scaled_dtype(factor: Any, of: TensorOperator) -> np.dtype[Any]:
    array = exact.as_array([factor], "the factor")
    if of.dtype == object or exact.is_symbolic(array):
        return np.dtype(object) if array.dtype.kind in "iO" or exact.is_symbolic(array) else array.dtype
    if array.dtype == object:
        return np.dtype(object) if of.dtype.kind in "iu" else of.dtype
    # A fraction that is whole is an integer here.
    factor = int(factor) if isinstance(factor, Fraction) else factor
    return np.result_type(np.int64 if of.dtype.kind in "iu" else of.dtype, factor)
