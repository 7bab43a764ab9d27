"""Operators made of operators: transposes, products, sums and multiples. Their matrices are those of their parts."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry.layer import sparse_nbytes
from convmatrix.memory import check_size
from convmatrix.operators import pattern
from convmatrix.operators.base import TensorOperator


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

    def _refuse_numbers(self) -> None:
        self.of._refuse_numbers()

    def _label(self) -> str:
        return f"of {type(self.of).__name__} {self.of._label()}".rstrip()


class Product(TensorOperator):
    """`left @ right`: right is applied first."""

    def __init__(self, left: TensorOperator, right: TensorOperator) -> None:
        if left.in_shape != right.out_shape:
            raise ConvMatrixError(f"A @ B needs A.in_shape == B.out_shape, got {left.in_shape} and {right.out_shape}")
        dtype, self._yields = common_dtype(left, right)
        super().__init__(dtype, right.in_shape, left.out_shape)
        self.left, self.right = left, right

    def _transpose(self) -> TensorOperator:
        return Product(self.right.T, self.left.T)

    @cached_property
    def bias(self) -> np.ndarray | None:
        """What the two layers add together: `left(right.bias) + left.bias`, a tensor of `out_shape`, or None."""
        if self.right.bias is None:
            return self.left.bias
        inner = np.broadcast_to(self.right.bias, self.right.out_shape)
        outer = self.left(inner)
        return outer if self.left.bias is None else outer + self.left.bias

    @cached_property
    def nnz(self) -> int:
        """Entries that `tosparse` stores: pairs joined by some path, counted without holding them all."""
        factors = self._factors()
        if factors is not None:
            return pattern.count(factors)
        return pattern.count_product(_affordable_structure(self.left), _affordable_structure(self.right))

    def _factors(self) -> pattern.Factors | None:
        return pattern.product(self.left._factors(), self.right._factors())

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return self.left._apply(self.right._apply(x))

    def _apply_transpose(self, y: np.ndarray) -> np.ndarray:
        return self.right._apply_transpose(self.left._apply_transpose(y))

    def _apply_columns(self, v: np.ndarray, transpose: bool = False) -> np.ndarray:
        first, second = (self.left, self.right) if transpose else (self.right, self.left)
        return second._apply_columns(first._apply_columns(v, transpose), transpose)

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        if transpose:
            return self.T._csr(dtype, False)
        left, right = self.left._csr(dtype, False), self.right._csr(dtype, False)
        if np.dtype(dtype).kind in "iu":
            longest = int(np.diff(left.indptr).max(initial=0))
            pattern.check_integers(longest * pattern.largest(left) * pattern.largest(right))
        product = left @ right
        # SciPy drops sums that happen to be 0; the pattern is to be the geometry's alone.
        if product.nnz != self.nnz:
            return pattern.merged([product, (self._structure() * 0).astype(dtype)])
        product.sort_indices()
        return pattern.with_small_indices(product)

    def _structure(self) -> csr_array:
        structure = self.left._structure() @ self.right._structure()
        structure.data[:] = 1
        structure.sort_indices()
        return structure

    def _sympy(self) -> Any:
        return self.left._sympy() * self.right._sympy()

    def _conjugated(self) -> TensorOperator:
        return Product(self.left._conjugated(), self.right._conjugated())

    def _label(self) -> str:
        return f"{type(self.left).__name__} @ {type(self.right).__name__}"


class Sum(TensorOperator):
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

    def _transpose(self) -> TensorOperator:
        return Sum(self.left.T, self.right.T)

    @property
    def bias(self) -> np.ndarray | None:
        """The biases of the branches added up, or None."""
        if self.left.bias is None or self.right.bias is None:
            return self.right.bias if self.left.bias is None else self.left.bias
        return self.left.bias + self.right.bias

    @cached_property
    def nnz(self) -> int:
        """Entries that `tosparse` stores: those of either branch."""
        return int(pattern.merged([_affordable_structure(self.left), _affordable_structure(self.right)]).nnz)

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return self.left._apply(x) + self.right._apply(x)

    def _apply_transpose(self, y: np.ndarray) -> np.ndarray:
        return self.left._apply_transpose(y) + self.right._apply_transpose(y)

    def _apply_columns(self, v: np.ndarray, transpose: bool = False) -> np.ndarray:
        return self.left._apply_columns(v, transpose) + self.right._apply_columns(v, transpose)

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        parts = [self.left._csr(dtype, transpose), self.right._csr(dtype, transpose)]
        pattern.check_integers(sum(map(pattern.largest, parts)) if np.dtype(dtype).kind in "iu" else 0)
        return pattern.merged(parts)

    def _structure(self) -> csr_array:
        structure = pattern.merged([self.left._structure(), self.right._structure()])
        structure.data[:] = 1
        return structure

    def _sympy(self) -> Any:
        return self.left._sympy() + self.right._sympy()

    def _conjugated(self) -> TensorOperator:
        return Sum(self.left._conjugated(), self.right._conjugated())

    def _label(self) -> str:
        return f"{type(self.left).__name__} + {type(self.right).__name__}"


class Scaled(TensorOperator):
    """`factor * of`, the factor a number or a SymPy expression."""

    def __init__(self, factor: Any, of: TensorOperator) -> None:
        self.factor = int(factor) if isinstance(factor, np.integer) else factor
        self.of = of
        self._yields = of._yields if isinstance(factor, (int, float)) else 0
        super().__init__(_scaled_dtype(factor, of), of.in_shape, of.out_shape)

    def _transpose(self) -> TensorOperator:
        return Scaled(self.factor, self.of.T)

    @property
    def bias(self) -> np.ndarray | None:
        """`factor * of.bias`, or None."""
        return None if self.of.bias is None else self._scale(self.of.bias)

    @property
    def nnz(self) -> int:
        """Entries that `tosparse` stores."""
        return self.of.nnz

    def _scale(self, values: np.ndarray) -> np.ndarray:
        if isinstance(self.factor, (int, float, complex, np.number)) and values.dtype != object:
            return values * self.factor
        factor, values = exact.paired(exact.as_array([self.factor], "the factor"), values)
        return values * factor[0]

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return self._scale(self.of._apply(x))

    def _apply_transpose(self, y: np.ndarray) -> np.ndarray:
        return self._scale(self.of._apply_transpose(y))

    def _apply_columns(self, v: np.ndarray, transpose: bool = False) -> np.ndarray:
        return self._scale(self.of._apply_columns(v, transpose))

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        factor = exact.as_numbers(exact.as_array([self.factor], "the factor"), dtype, "factor")[0]
        matrix = self.of._csr(dtype, transpose)
        pattern.check_integers(pattern.largest(matrix) * abs(int(factor)) if matrix.dtype.kind in "iu" else 0)
        matrix.data *= factor
        return matrix

    def _structure(self) -> csr_array:
        return self.of._structure()

    def _factors(self) -> pattern.Factors | None:
        return self.of._factors()

    def _sympy(self) -> Any:
        return self.of._sympy() * exact.to_sympy(self.factor)

    def _conjugated(self) -> TensorOperator:
        return Scaled(np.conj(self.factor), self.of._conjugated())

    def _label(self) -> str:
        return f"{self.factor} * {type(self.of).__name__}"


def _affordable_structure(part: TensorOperator) -> csr_array:
    """The pattern of a part, refused before it is made if it would not fit."""
    check_size(f"the pattern of {part!r}", sparse_nbytes(part.nnz, part.shape, "csr", 4), None)
    return part._structure()


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
