"""`TensorOperator`: a linear map between tensors, with its matrix in every form and the matrix never needed."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array, issparse
from scipy.sparse.linalg import LinearOperator

from convmatrix import exact
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError, SymbolicError
from convmatrix.geometry.arguments import one_of
from convmatrix.geometry.layer import index_itemsize, sparse_nbytes
from convmatrix.memory import check_size
from convmatrix.operators.pattern import Factors

_DRAWN, _WITHOUT_MATRIX = 20, MatrixTooLargeError.WITHOUT_MATRIX
_TURNED = 1 << 11
"""Rows of a matrix turned into images at once: what the cache takes."""


class TensorOperator(LinearOperator):  # type: ignore[misc]
    """A linear map from tensors of `in_shape` to tensors of `out_shape`, both `(channels, *spatial)` without batch.

    It is a `scipy.sparse.linalg.LinearOperator`, so `svds`, `lsqr`, `cg` take it as it is, and PyLops through
    `pylops.aslinearoperator`. Tensors are flattened row-major (C order): `shape` is
    `(prod(out_shape), prod(in_shape))`.

    Floats may differ in their last bits between the direct way, a kept matrix and `method="fft"`; integer values never
    do between the first two.

    Attributes
    ----------
    in_shape, out_shape : tuple of int
        Tensor shapes.
    shape : tuple of int
        Rows and columns of the matrix.
    dtype : numpy.dtype
        Of the entries; `object` for exact fractions and symbols.
    bias : ndarray or None
        What the layer adds, shaped to broadcast over an output tensor: the layer is `op(x) + op.bias`. Never part of
        the matrix.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> op = cm.conv([1, 2, 1], 5, padding=1)
    >>> op.shape, op.in_shape, op.out_shape, op.nnz
    ((5, 5), (1, 5), (1, 5), 13)
    >>> op @ np.array([0, 0, 1, 0, 0])
    array([0, 1, 2, 1, 0])
    >>> (op.T @ op).toarray()[0]
    array([5, 4, 1, 0, 0])
    """

    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    # 0: the dtype is the user's. 1, 2: it yields to a partner's; rational entries (1) still make integers floats.
    _yields: int = 0

    def __init__(self, dtype: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> None:
        super().__init__(dtype, (math.prod(out_shape), math.prod(in_shape)))
        self.in_shape, self.out_shape = tuple(in_shape), tuple(out_shape)

    # -- what a new operator supplies ---------------------------------------------------------------------------------

    def _apply(self, x: np.ndarray) -> np.ndarray:
        """`(batch, *in_shape)` to `(batch, *out_shape)`."""
        raise NotImplementedError

    def _apply_transpose(self, y: np.ndarray) -> np.ndarray:
        """`(batch, *out_shape)` to `(batch, *in_shape)`, by the transpose."""
        raise NotImplementedError

    def _apply_columns(self, v: np.ndarray, transpose: bool = False) -> np.ndarray:
        """`(columns, batch)` to `(rows, batch)`, or back by the transpose; here turned into images and back."""
        shape = self.out_shape if transpose else self.in_shape
        images = np.empty((v.shape[1], v.shape[0]), dtype=v.dtype)
        for start in range(0, v.shape[0], _TURNED):
            images[:, start : start + _TURNED] = v[start : start + _TURNED].T
        apply = self._apply_transpose if transpose else self._apply
        return apply(images.reshape(v.shape[1], *shape)).reshape(v.shape[1], self.shape[1 if transpose else 0]).T

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        """The matrix, or its transpose, in canonical CSR and the given numeric dtype."""
        raise NotImplementedError

    def _structure(self) -> csr_array:
        """The matrix with a positive float32 wherever an entry is stored."""
        raise NotImplementedError

    def _factors(self) -> Factors | None:
        """The structure as Kronecker factors, channels first and then axes, if it has them."""
        return None

    def _sympy(self) -> Any:
        """The exact matrix as a SymPy `SparseMatrix`."""
        raise NotImplementedError

    @property
    def nnz(self) -> int:
        """Entries that `tosparse` stores."""
        raise NotImplementedError

    def _conjugated(self) -> TensorOperator:
        """The operator with conjugated entries."""
        return self

    @property
    def bias(self) -> np.ndarray | None:
        """What the layer adds to `op(x)`, or None."""
        return None

    # -- applying -----------------------------------------------------------------------------------------------------

    def __call__(self, x: Any, method: str = "auto") -> np.ndarray:
        """Apply to a tensor `(*batch, *in_shape)`, without the matrix.

        An operator of one channel on both sides also takes a plain `(*batch, *spatial)` picture and returns a plain
        one. The bias is not added.

        Parameters
        ----------
        x : array-like
            The tensor.
        method : {"auto", "fft"}, default "auto"
            The fastest direct way, exact on integer-valued data; or, for a convolution of numbers and its transpose,
            the Fourier transform, faster for large kernels, whose rounding reaches every output.

        Raises
        ------
        ConvMatrixError
            If `x` does not end in `in_shape`, or the method is not one of this operator's.
        """
        apply = self._apply if method == "auto" else self._other_way(method)
        x = self._operand(x, "x")
        shape = self.in_shape
        if x.shape[max(x.ndim - len(shape), 0) :] == shape:
            batch, out_shape = x.shape[: x.ndim - len(shape)], self.out_shape
        elif self._takes_pictures() and x.ndim >= len(shape) - 1 and x.shape[x.ndim - len(shape) + 1 :] == shape[1:]:
            batch, out_shape = x.shape[: x.ndim - len(shape) + 1], self.out_shape[1:]
        else:
            raise ConvMatrixError(f"x must have the shape {shape}, after any batch axes, got {x.shape}")
        return apply(x.reshape(math.prod(batch), *shape)).reshape(*batch, *out_shape)

    def _other_way(self, method: str, transpose: bool = False) -> Callable[[np.ndarray], np.ndarray]:
        """What `method` names besides the direct way: nothing, for most operators."""
        raise ConvMatrixError(f"method must be 'auto', or 'fft' for a convolution of numbers, got {method!r}")

    def _operand(self, given: Any, name: str) -> np.ndarray:
        """What the user gave as an array; integers as objects, if they were, where a part might make them floats."""
        x = exact.as_array(given, name)
        was_object = isinstance(given, np.ndarray) and given.dtype == object
        stays = self.dtype == object or (was_object and self.dtype.kind == "f" and self._is_exact())
        return x.astype(object) if stays and x.dtype.kind == "i" else x

    def _is_exact(self) -> bool:
        """Whether no entry is a float of the user's."""
        return self.dtype.kind in "iO" or self._yields > 0

    def _takes_pictures(self) -> bool:
        return self.in_shape[0] == 1 == self.out_shape[0] and len(self.in_shape) > 1

    def _times(self, v: Any) -> np.ndarray:
        """The matrix times a vector `(n,)` or a matrix `(n, batch)`."""
        v = self._operand(v, "the vector")
        if v.ndim not in (1, 2) or v.shape[0] != self.shape[1]:
            raise ConvMatrixError(
                f"the vector must have length {self.shape[1]} (in_shape {self.in_shape}), or be a matrix of that many "
                f"rows, got shape {v.shape}"
            )
        if v.ndim == 1:
            return self._apply(v.reshape(1, *self.in_shape)).reshape(-1)
        return self._apply_columns(v)

    def matvec(self, x: Any) -> np.ndarray:
        """`A @ x` for a flat vector, and as `matmat` for `(n, batch)`; SciPy's names."""
        return self._times(x)

    def rmatvec(self, x: Any) -> np.ndarray:
        """`A.H @ x` for a flat vector, and as `rmatmat` for `(m, batch)`; SciPy's names."""
        return self.H._times(x)

    _matvec = _matmat = matmat = matvec
    _rmatvec = _rmatmat = rmatmat = rmatvec

    # -- the matrix ---------------------------------------------------------------------------------------------------

    def tosparse(self, format: str = "csr", dtype: Any = None, max_bytes: float | None = None) -> Any:
        """The explicit matrix as a canonical SciPy sparse array: indices sorted and distinct.

        The pattern is the geometry's alone: a tap of value 0 is stored, padding never is.

        Parameters
        ----------
        format : {"csr", "csc", "coo"}
            Of a convolution all three are written directly; for other formats call SciPy on the result.
        dtype : numpy dtype, optional
            Of the entries, by default the operator's own. Exact fractions need `dtype=float`. float16 and bfloat16
            weights have become float32 before, which SciPy can hold.
        max_bytes : int, optional
            The most it may take, by default 80 % of the free memory.

        Raises
        ------
        SymbolicError
            If entries are symbols, or fractions and no `dtype` is given.
        MatrixTooLargeError
            If it would not fit; nothing is allocated then.

        Examples
        --------
        >>> import convmatrix as cm
        >>> cm.conv([1, 2, 3], 4).tosparse().toarray()
        array([[1, 2, 3, 0],
               [0, 1, 2, 3]])
        """
        one_of(format, "format", ("csr", "csc", "coo"))
        dtype = self._number_dtype(dtype)
        check_size(
            f"the {self.shape[0]} x {self.shape[1]} matrix", self.nbytes(format, dtype), max_bytes, _WITHOUT_MATRIX
        )
        if format == "csr":
            return self._csr(dtype, False)
        if format == "csc":
            transposed = self._csr(dtype, True)
            columns = csc_array((transposed.data, transposed.indices, transposed.indptr), shape=self.shape)
            columns.has_canonical_format = True
            return columns
        matrix = self._csr(dtype, False)
        index = np.int32 if index_itemsize(matrix.nnz, *self.shape) == 4 else np.int64
        rows = np.repeat(np.arange(self.shape[0], dtype=index), np.diff(matrix.indptr))
        triples = coo_array((matrix.data, (rows, matrix.indices)), shape=self.shape)
        triples.has_canonical_format = True
        return triples

    def toarray(self, dtype: Any = None, max_bytes: float | None = None) -> np.ndarray:
        """The dense matrix; of exact operators an object array of exact entries unless a `dtype` is given."""
        rows, columns = self.shape
        if self.dtype == object and dtype is None:
            check_size("the dense exact matrix", rows * columns * 8 + self.nnz * 64, max_bytes, _WITHOUT_MATRIX)
            return exact.as_array(np.array(self._sympy().tolist(), dtype=object).reshape(self.shape), "the matrix")
        dtype = self._number_dtype(dtype)
        needed = rows * columns * np.dtype(dtype).itemsize
        check_size("the dense matrix", needed + self.nbytes("csr", dtype), max_bytes, _WITHOUT_MATRIX)
        return self._csr(dtype, False).toarray()

    def tosympy(self, max_bytes: float | None = None) -> Any:
        """The exact matrix as a fresh SymPy `SparseMatrix`; a float weight as the dyadic rational it is.

        Examples
        --------
        >>> import convmatrix as cm
        >>> cm.conv("a b", 3).tosympy()
        Matrix([
        [a, b, 0],
        [0, a, b]])
        """
        check_size("the SymPy matrix", self.nnz * exact.SYMPY_ENTRY_BYTES, max_bytes, _WITHOUT_MATRIX)
        return self._sympy()

    def nbytes(self, format: str = "csr", dtype: Any = None) -> int:
        """Bytes that `tosparse(format, dtype)` will take; exact operators are counted as float64."""
        entries = self.dtype if dtype is None else exact.read_dtype(dtype)
        return sparse_nbytes(self.nnz, self.shape, format, 8 if entries.kind == "O" else entries.itemsize)

    def _number_dtype(self, dtype: Any) -> np.dtype[Any]:
        """The dtype of the matrix asked for; entries that SciPy cannot hold are refused here or by the leaf."""
        if dtype is not None:
            return exact.as_numbers(np.zeros(0, self.dtype), dtype, "operator").dtype
        if self.dtype == object:
            self._refuse_numbers()
        return self.dtype

    def _refuse_numbers(self) -> None:
        raise SymbolicError("the operator holds exact entries, which SciPy cannot: pass dtype=float, or use tosympy()")

    # -- algebra ------------------------------------------------------------------------------------------------------

    @property
    def T(self) -> TensorOperator:
        """The transpose: shapes change places, nothing is computed."""
        return self._transpose()

    @property
    def H(self) -> TensorOperator:
        """The conjugate transpose."""
        return (self if self.dtype.kind in "iuf" else self._conjugated()).T

    def _transpose(self) -> TensorOperator:
        from convmatrix.operators.algebra import Transposed

        return Transposed(self)

    def _adjoint(self) -> TensorOperator:
        return self.H

    def __matmul__(self, other: Any) -> Any:
        """Compose with an operator (`A @ B` applies B first), or apply to a vector or matrix."""
        if isinstance(other, TensorOperator):
            from convmatrix.operators.algebra import Product

            return Product(self, other)
        if isinstance(other, LinearOperator):
            return super().dot(other)
        if issparse(other):
            return self.tosparse() @ other
        return self._times(other)

    def __rmatmul__(self, other: Any) -> Any:
        if issparse(other):
            return other @ self.tosparse()
        operand = other if isinstance(other, np.ndarray) else exact.as_array(other, "the vector")
        return self.T._times(operand.T).T

    def dot(self, x: Any) -> Any:
        """`op @ x`, or `c * op` for a number: SciPy's name."""
        return self * x if _is_scalar(x) else self @ x

    def __mul__(self, other: Any) -> Any:
        if not _is_scalar(other):
            return self @ other
        from convmatrix.operators.algebra import Scaled

        return Scaled(exact.as_scalar(other), self)

    def __rmul__(self, other: Any) -> Any:
        return self * other if _is_scalar(other) else other @ self

    def __truediv__(self, other: Any) -> Any:
        """`A / c`; exact operators stay exact, integer ones become float as in NumPy."""
        if not _is_scalar(other):
            return NotImplemented
        divisor = exact.as_scalar(other)
        if not exact.is_sympy(divisor) and divisor == 0:
            raise ConvMatrixError("an operator cannot be divided by 0")
        if isinstance(divisor, int) and self.dtype == object:
            divisor = Fraction(divisor)
        return self * (1 / divisor)

    def __neg__(self) -> TensorOperator:
        return self * -1

    def __add__(self, other: Any) -> Any:
        if isinstance(other, TensorOperator):
            from convmatrix.operators.algebra import Sum

            return Sum(self, other)
        return super().__add__(other)

    def __sub__(self, other: Any) -> Any:
        return self + (-other) if isinstance(other, LinearOperator) else NotImplemented

    def __pow__(self, n: Any) -> TensorOperator:
        """The operator applied `n` times; `A ** 0` is the identity."""
        from convmatrix.operators.algebra import power

        return power(self, n)

    # -- display ------------------------------------------------------------------------------------------------------

    def _label(self) -> str:
        """What stands between the name and the shapes in the short form."""
        return ""

    def __repr__(self) -> str:
        rows, columns = self.shape
        label = f" {self._label()}" if self._label() else ""
        shapes = f"{self.in_shape} -> {self.out_shape}, {rows} x {columns} matrix"
        return f"<{type(self).__name__}{label}: {shapes}, {self.dtype}>"

    def _is_drawn(self) -> bool:
        """Whether the matrix is small and exact enough to be read as mathematics."""
        return self.dtype.kind in "iO" and max(self.shape) <= _DRAWN

    def _repr_latex_(self) -> str | None:
        if not self._is_drawn():
            return None
        import sympy

        return f"$\\displaystyle {sympy.latex(self._sympy())}$"

    def _repr_html_(self) -> str | None:
        if self._is_drawn():
            return None
        kind, size = f"{type(self).__name__} {self._label()}", f"{self.shape[0]} x {self.shape[1]}"
        rows = {"operator": kind, "input": self.in_shape, "output": self.out_shape, "matrix": size, "dtype": self.dtype}
        cells = [f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>" for name, value in rows.items()]
        return f"<table>{''.join(cells)}</table>"


def _is_scalar(value: Any) -> bool:
    return isinstance(value, Fraction) or np.isscalar(value) or exact.is_sympy(value) or np.ndim(value) == 0
