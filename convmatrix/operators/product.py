"""A layer times a tensor, the fastest way: directly, or with its matrix where that is small and pays for itself."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix import exact
from convmatrix.assembly import assemble
from convmatrix.direct import Direct, best_block, direct_cost, phase_geometries
from convmatrix.geometry import Geometry
from convmatrix.memory import check_result, check_size

KEPT_BYTES = 256 * 2**20
"""The most that matrices kept for repeated products take."""
_CHEAP = 1 << 18
"""Entries up to which the matrix is made at the first product: that costs no more than a few products."""


class LayerProduct:
    """One geometry with one weight, times images or columns, forwards or transposed."""

    def __init__(self, geometry: Geometry, weight: np.ndarray) -> None:
        self.geometry, self.weight = geometry, weight
        self._matrices: dict[tuple[Any, bool], csr_array] = {}
        self._products = 0

    def images(self, x: np.ndarray, transpose: bool) -> np.ndarray:
        """`(batch, *in_shape)` to `(batch, *out_shape)`, or back."""
        weight, x, wide = self._paired(x)
        check_result(len(x) * sum(self.geometry.shape) * 8)
        directly = len(x) * self._image_cost(transpose)
        matrix = self._matrix_for(weight, x.dtype, transpose, self._matrix_cost(len(x), 2.0), directly)
        if matrix is None:
            direct = self._direct(weight)
            result = direct.adjoint(x) if transpose else direct.forward(x)
            return exact.as_array(result, "the result") if wide else result
        flat = x.reshape(len(x), math.prod(x.shape[1:]))
        shape = self.geometry.in_shape if transpose else self.geometry.out_shape
        if len(flat) == 1:
            return (matrix @ flat[0]).reshape(1, *shape)
        return np.ascontiguousarray((matrix @ np.ascontiguousarray(flat.T)).T).reshape(len(flat), *shape)

    def columns(self, v: np.ndarray, transpose: bool) -> np.ndarray | None:
        """The matrix or its transpose times `(entries, batch)`; None where columns are better turned into images."""
        weight, v, _ = self._paired(v)
        batch = v.shape[1]
        check_result(batch * sum(self.geometry.shape) * 8)
        if weight.dtype == object or not batch:
            return None
        # To change the layout and back takes a few nanoseconds an entry.
        as_images = batch * (self._image_cost(transpose) + 8 * sum(self.geometry.shape))
        as_columns = self._column_cost(batch, transpose)
        cost = self._matrix_cost(batch, 0.0)
        matrix = self._matrix_for(weight, v.dtype, transpose, cost, min(as_images, as_columns))
        if matrix is not None:
            return matrix @ v
        if as_images < as_columns:
            return None
        direct = self._direct(weight)
        return direct.adjoint_columns(v) if transpose else direct.forward_columns(v)

    def _paired(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
        """Weight and operand ready to be multiplied; as exact objects, and True, where a sum of int64 might wrap."""
        weight, x = exact.paired(self.weight, x)
        if weight.dtype.kind == x.dtype.kind == "i":
            largest = max(-int(x.min(initial=0)), int(x.max(initial=0)))
            if largest * self._own_direct.largest_sum >= 2**63:
                return weight.astype(object), x.astype(object), True
        return weight, x, False

    def __getstate__(self) -> dict[str, Any]:
        return {"geometry": self.geometry, "weight": self.weight}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def _direct(self, weight: np.ndarray) -> Direct:
        return self._own_direct if weight is self.weight else Direct(self.geometry, weight)

    @cached_property
    def _own_direct(self) -> Direct:
        return Direct(self.geometry, self.weight)

    @cached_property
    def _finite(self) -> bool:
        return exact.is_finite(self.weight)

    def _matrix_for(
        self, weight: np.ndarray, x_dtype: Any, transpose: bool, cost: float, otherwise: float
    ) -> csr_array | None:
        """The matrix (or its transpose) to multiply by, where that costs less than `otherwise`."""
        if weight.dtype == object:
            return None
        dtype = np.result_type(weight, x_dtype)
        if not self._finite:
            # An infinite weight times a zero of the padding would be NaN; the matrix stores no padding.
            check_size("the matrix of infinite weights", self._nbytes(dtype, transpose))
            return self._make(dtype, transpose)
        if cost >= otherwise:
            return None
        matrix = self._matrices.get((dtype, transpose))
        return self._keep(dtype, transpose) if matrix is None else matrix

    def _keep(self, dtype: np.dtype[Any], transpose: bool) -> csr_array | None:
        """Make the matrix and keep it: at once if it is small, else at the second product, within `KEPT_BYTES`."""
        self._products += 1
        if self.geometry.nnz > _CHEAP and self._products == 1:
            return None
        taken = sum(m.data.nbytes + m.indices.nbytes + m.indptr.nbytes for m in list(self._matrices.values()))
        if taken + self._nbytes(dtype, transpose) > KEPT_BYTES:
            other = self._matrices.get((dtype, not transpose))
            return None if other is None else other.T
        matrix = self._matrices[dtype, transpose] = self._make(dtype, transpose)
        return matrix

    def _make(self, dtype: np.dtype[Any], transpose: bool) -> csr_array:
        return assemble(self.geometry, exact.as_numbers(self.weight, dtype), transpose)

    def _nbytes(self, dtype: np.dtype[Any], transpose: bool) -> int:
        return self.geometry.nbytes("csc" if transpose else "csr", dtype.itemsize)

    def _matrix_cost(self, batch: int, turn: float) -> float:
        """Estimated nanoseconds of `batch` products with the matrix, `turn` of them an entry to change the layout."""
        if batch == 1:
            return 5000 + 0.6 * self.geometry.nnz
        return 5000 + batch * (0.28 * self.geometry.nnz + turn * sum(self.geometry.shape))

    def _image_cost(self, transpose: bool) -> float:
        """Estimated nanoseconds of one image without the matrix."""
        return direct_cost(self.geometry, best_block(self.geometry)) * (1.3 if transpose else 1.0)

    def _column_cost(self, batch: int, transpose: bool) -> float:
        """Estimated nanoseconds of `batch` columns without the matrix, all at once."""
        parts = [part for _, _, part in phase_geometries(self.geometry)] if transpose else [self.geometry]
        return sum(direct_cost(part, best_block(part, batch), batch) for part in parts)
