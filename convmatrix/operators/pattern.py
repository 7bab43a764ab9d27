"""Where a matrix stores entries, whatever their values: as Kronecker factors where it has them, else written out.

The pattern of a convolution is one small pattern for the channels and one an axis, multiplied out; so is that of a
product of convolutions. Entries can then be counted without the pattern, however large it is.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from scipy.sparse import block_diag, coo_array, csr_array, kron

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis, Geometry, axis_table
from convmatrix.geometry.layer import index_itemsize

Factors = list[csr_array]
_AT_ONCE = 1 << 24
_AFFORDABLE = 10**8


def of_geometry(geometry: Geometry) -> Factors | None:
    """The factors of a convolution: channels, then axes; None where one of them is itself large."""
    sizes = [geometry.out_channels * geometry.in_channels // geometry.groups, *(axis.nnz for axis in geometry.axes)]
    if max(sizes) > _AFFORDABLE // 10:
        return None
    block = np.ones((geometry.out_channels // geometry.groups, geometry.in_channels // geometry.groups), np.float32)
    return [csr_array(block_diag([block] * geometry.groups, format="csr")), *map(_of_axis, geometry.axes)]


def _of_axis(axis: Axis) -> csr_array:
    rows, columns, _ = axis_table(axis).triples()
    ones = np.ones(rows.size, dtype=np.float32)
    return csr_array((ones, (rows, columns)), shape=(axis.output_size, axis.input_size))


def product(left: Factors | None, right: Factors | None) -> Factors | None:
    """The factors of a product, where both sides have them axis by axis and multiplying them is affordable."""
    if left is None or right is None or len(left) != len(right):
        return None
    if any(a.shape[1] != b.shape[0] for a, b in zip(left, right, strict=True)):
        return None
    if sum(a.nnz * b.nnz / a.shape[1] for a, b in zip(left, right, strict=True)) > _AFFORDABLE:
        return None
    return [a @ b for a, b in zip(left, right, strict=True)]


def written_out(factors: Factors) -> csr_array:
    """The pattern that the factors multiply out to."""
    structure = factors[0]
    for factor in factors[1:]:
        structure = csr_array(kron(structure, factor, format="csr"))
    structure.sort_indices()
    return csr_array((np.ones(structure.nnz, np.float32), structure.indices, structure.indptr), shape=structure.shape)


def joined(left: csr_array, right: csr_array) -> csr_array:
    """The pattern of a product of two matrices."""
    structure = left @ right
    structure.data[:] = 1
    structure.sort_indices()
    return structure


def count(factors: Factors) -> int:
    """Entries of the pattern that the factors multiply out to."""
    return math.prod(int(factor.nnz) for factor in factors)


def count_product(left: csr_array, right: csr_array) -> int:
    """Entries of a product of two patterns written out, without holding more than a part of it."""
    met = np.diff(right.indptr).astype(np.int64)[left.indices]
    before = np.concatenate([[0], np.cumsum(met)])[left.indptr]
    cuts = np.searchsorted(before, np.arange(_AT_ONCE, int(before[-1]) + _AT_ONCE, _AT_ONCE))
    starts = np.unique(np.concatenate([[0], np.minimum(cuts, left.shape[0]), [left.shape[0]]]))
    return sum(int((left[a:b] @ right).nnz) for a, b in pairwise(starts.tolist()))


def merged(parts: list[csr_array]) -> csr_array:
    """The sum of matrices on the union of their patterns, which keeps its entries where they cancel."""
    dtype = np.result_type(*[part.dtype for part in parts])
    total = sum(int(part.nnz) for part in parts)
    index = np.int32 if index_itemsize(total, *parts[0].shape) == 4 else np.int64
    rows = [np.repeat(np.arange(part.shape[0], dtype=index), np.diff(part.indptr)) for part in parts]
    columns = [part.indices.astype(index, copy=False) for part in parts]
    data = np.concatenate([part.data for part in parts]).astype(dtype, copy=False)
    joined = coo_array((data, (np.concatenate(rows), np.concatenate(columns))), shape=parts[0].shape).tocsr()
    joined.sum_duplicates()
    return joined


def largest(matrix: csr_array) -> int:
    """The largest magnitude among integer entries."""
    return max(-int(matrix.data.min(initial=0)), int(matrix.data.max(initial=0)))


def check_integers(bound: int) -> None:
    """Refuse integer entries that might wrap: their magnitude is at most `bound`."""
    if bound >= 2**63:
        raise ConvMatrixError(
            f"integer entries must stay below 2**63, got a bound of about {float(bound):.3g}: pass dtype=float, or use "
            "tosympy() for the exact matrix"
        )


def with_small_indices(matrix: csr_array) -> csr_array:
    """The matrix with int32 indices where they fit, int64 where they must, as every matrix here has."""
    index = np.int32 if index_itemsize(int(matrix.nnz), *matrix.shape) == 4 else np.int64
    if matrix.indices.dtype == index and matrix.indptr.dtype == index:
        return matrix
    parts = (matrix.data, matrix.indices.astype(index), matrix.indptr.astype(index))
    result = csr_array(parts, shape=matrix.shape)
    result.has_canonical_format = matrix.has_canonical_format
    return result
