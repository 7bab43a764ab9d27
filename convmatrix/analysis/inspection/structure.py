"""Which structure a matrix has, verified entry by entry on the sparse matrix itself.

Every function takes a SciPy sparse matrix and, where tensors matter, `in_shape` and `out_shape`, both
`(channels, *spatial)`; rows and columns are flattened row-major. Stored zeros count as zeros, and so do entries of at
most `tol` in magnitude; two entries are equal if they differ by at most `tol` (absolute, 0 for exact equality).

Shift structures are verified without sorting: moving every entry by the same rows and columns keeps row-major order, so
the entries that can move and the entries that can have been moved to must be the same list.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.sparse import csr_array

_LARGEST_STEP = 32


def nonzeros(matrix: Any, tol: float = 0.0) -> csr_array:
    """The matrix in canonical CSR without its zeros; the very same object where nothing is to be dropped.

    Parameters
    ----------
    matrix : SciPy sparse array or matrix
        Of any format.
    tol : float, default 0
        Entries of at most this magnitude are dropped.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> nonzeros(csr_array((np.array([1, 0, 2]), np.array([0, 1, 1]), np.array([0, 2, 3])))).nnz
    2
    """
    csr = matrix if isinstance(matrix, csr_array) else csr_array(matrix)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    kept = csr.data != 0 if tol == 0 else np.abs(csr.data) > tol
    if kept.all():
        return csr
    before = np.concatenate([[0], np.cumsum(kept)])[csr.indptr].astype(csr.indptr.dtype)
    reduced = csr_array((csr.data[kept], csr.indices[kept], before), shape=csr.shape)
    reduced.has_canonical_format = True
    return reduced


def bandwidth(matrix: Any, tol: float = 0.0) -> tuple[int, int]:
    """The lower and upper bandwidth: the largest `i - j` and the largest `j - i` with `A[i, j] != 0`, at least 0.

    Examples
    --------
    >>> import convmatrix as cm
    >>> bandwidth(cm.conv([1, 2, 1], 5).tosparse())
    (0, 2)
    """
    rows, first, last = _row_ends(nonzeros(matrix, tol))
    if not rows.size:
        return 0, 0
    return max(int((rows - first).max()), 0), max(int((last - rows).max()), 0)


def is_toeplitz(matrix: Any, tol: float = 0.0) -> bool:
    """Whether `A[i, j]` depends on `i - j` only; the matrix may be rectangular.

    Examples
    --------
    >>> import convmatrix as cm
    >>> is_toeplitz(cm.conv([1, 2, 1], 5).tosparse()), is_toeplitz(cm.conv([1, 2, 1], 5, stride=2).tosparse())
    (True, False)
    """
    rows, columns = matrix.shape
    return _keeps_shift(nonzeros(matrix, tol), (1, columns), (1, rows), 1, (1, 1), tol)


def find_step(
    matrix: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...], tol: float = 0.0
) -> tuple[tuple[int, int], ...] | None:
    """The smallest step of each axis under which the matrix stays the same, as pairs `(outputs, inputs)`.

    A step `(p, q)` holds on an axis if an entry does not change when its output moves by `p` and its input by `q`
    positions there, wherever both stay inside. `(1, 1)` on every axis is block Toeplitz with Toeplitz blocks, `(1, s)`
    a stride, `(s, 1)` a transposed stride; no other steps are looked for.

    Returns
    -------
    tuple of pairs, one an axis, or None
        None if some axis has no such step with `s` up to 32. A step other than `(1, 1)` must move at least one nonzero
        entry. Of several the smallest `s` wins, and the stride before the transposed one.

    Examples
    --------
    >>> import convmatrix as cm
    >>> op = cm.conv([1, 2, 1], 9, stride=2)
    >>> find_step(op.tosparse(), op.in_shape, op.out_shape), find_step(op.T.tosparse(), op.out_shape, op.in_shape)
    (((1, 2),), ((2, 1),))
    """
    if not _share_axes(in_shape, out_shape):
        return None
    pruned = nonzeros(matrix, tol)
    steps = []
    for axis in range(1, len(in_shape)):
        step = _axis_step(pruned, in_shape, out_shape, axis, tol)
        if step is None:
            return None
        steps.append(step)
    return tuple(steps)


def is_circulant(matrix: Any, tol: float = 0.0) -> bool:
    """Whether the matrix is square, `n x n`, and `A[i, j]` depends on `(j - i) mod n` only.

    Examples
    --------
    >>> import convmatrix as cm
    >>> is_circulant(cm.conv([1, 2, 3], 5, padding="same", padding_mode="circular").tosparse())
    True
    """
    rows, columns = matrix.shape
    return is_block_circulant(matrix, (1, columns), (1, rows), tol)


def is_block_circulant(matrix: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...], tol: float = 0.0) -> bool:
    """Whether every pair of channels is N-fold block circulant, N its axes: circulant, doubly block circulant, ...

    Input and output have the same spatial sizes `n1, ..., nD`, and the entry between output `(co, o1, ..., oD)` and
    input `(ci, i1, ..., iD)` depends on `co`, `ci` and `(i1-o1) mod n1, ..., (iD-oD) mod nD` only. False without axes.

    Examples
    --------
    >>> import convmatrix as cm
    >>> op = cm.conv([[1, 2], [3, 4]], (3, 4), padding="same", padding_mode="circular")
    >>> is_block_circulant(op.tosparse(), op.in_shape, op.out_shape), is_circulant(op.tosparse())
    (True, False)
    """
    sizes = in_shape[1:]
    if not sizes or sizes != out_shape[1:]:
        return False
    pruned = nonzeros(matrix, tol)
    lengths = np.diff(pruned.indptr).reshape(out_shape[0], -1)
    if (lengths != lengths[:, :1]).any():
        return False
    turned = csr_array((pruned.data.copy(), _turned_columns(pruned, in_shape, out_shape), pruned.indptr), pruned.shape)
    turned.sort_indices()
    positions = lengths.shape[1]
    for start, length in zip(turned.indptr[:-1:positions], lengths[:, 0], strict=True):
        block = slice(start, start + positions * length)
        columns, values = (part[block].reshape(positions, -1) for part in (turned.indices, turned.data))
        if (columns != columns[0]).any() or not _close(values, values[0], tol):
            return False
    return True


def count_blocks(matrix: Any, tol: float = 0.0) -> int:
    """How many diagonal blocks the matrix falls into: the finest cut into contiguous ranges of rows and columns.

    All nonzero entries lie in blocks `rows r..r' x columns c..c'` that follow one another; each block holds at least
    one nonzero entry, and rows and columns of zeros belong to a neighbour. More than 1 means block diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> count_blocks(cm.conv(np.ones((4, 2, 3)), 6, groups=2).tosparse())
    2
    """
    _, first, last = _row_ends(nonzeros(matrix, tol))
    if not first.size:
        return 1
    reached = np.maximum.accumulate(last)[:-1]
    ahead = np.minimum.accumulate(first[::-1])[::-1][1:]
    return 1 + int(np.count_nonzero(reached < ahead))


def is_permutation(matrix: Any, tol: float = 0.0) -> bool:
    """Whether the matrix is square with exactly one nonzero entry, a 1, in every row and every column.

    Examples
    --------
    >>> import convmatrix as cm
    >>> is_permutation(cm.pixel_shuffle((4, 2, 2), 2).tosparse())
    True
    """
    rows, columns = matrix.shape
    pruned = nonzeros(matrix, tol)
    if rows != columns or pruned.nnz != rows or not _close(pruned.data, np.ones(1, pruned.data.dtype), tol):
        return False
    return bool((np.diff(pruned.indptr) == 1).all() and (np.bincount(pruned.indices, minlength=rows) == 1).all())


def is_symmetric(matrix: Any, tol: float = 0.0) -> bool:
    """Whether `A` equals its transpose.

    Examples
    --------
    >>> import convmatrix as cm
    >>> op = cm.conv([1, 2, 3], 5)
    >>> is_symmetric((op.T @ op).tosparse())
    True
    """
    pruned = nonzeros(matrix, tol)
    return transposes_to(pruned, pruned, tol)


def is_hermitian(matrix: Any, tol: float = 0.0) -> bool:
    """Whether `A` equals its conjugate transpose; of real matrices the same as `is_symmetric`.

    Examples
    --------
    >>> import convmatrix as cm
    >>> op = cm.conv([-1j, 2, 1j], 5, padding=1)
    >>> is_hermitian(op.tosparse()), is_symmetric(op.tosparse())
    (True, False)
    """
    pruned = nonzeros(matrix, tol)
    return transposes_to(pruned, pruned.conj(), tol)


def transposes_to(matrix: Any, other: Any, tol: float = 0.0) -> bool:
    """Whether the transpose of `other` equals `matrix`, entry for entry."""
    left, right = nonzeros(matrix, tol), nonzeros(other, tol)
    if left.shape != right.shape[::-1] or bandwidth(left) != bandwidth(right)[::-1]:
        return False
    right = right.T.tocsr()
    if not np.array_equal(left.indptr, right.indptr):
        return False
    right.sort_indices()
    return np.array_equal(left.indices, right.indices) and _close(left.data, right.data, tol)


def _keeps_shift(
    matrix: csr_array,
    in_shape: tuple[int, ...],
    out_shape: tuple[int, ...],
    axis: int,
    step: tuple[int, int],
    tol: float,
    joins: bool = False,
) -> bool:
    """Whether no entry changes when output and input move by `step` on the axis; `joins`: and some entry does move."""
    outputs, inputs = step
    lengths = np.diff(matrix.indptr)
    row_place, column_place = _places(out_shape, axis), _places(in_shape, axis)
    here = np.repeat(row_place < out_shape[axis] - outputs, lengths)
    here &= (column_place < in_shape[axis] - inputs)[matrix.indices]
    there = np.repeat(row_place >= outputs, lengths)
    there &= (column_place >= inputs)[matrix.indices]
    moved = np.count_nonzero(here)
    if moved != np.count_nonzero(there) or (joins and not moved):
        return False
    by_columns = matrix.indices.dtype.type(inputs * math.prod(in_shape[axis + 1 :]))
    if not np.array_equal(matrix.indices[here] + by_columns, matrix.indices[there]):
        return False
    rows = np.repeat(np.arange(matrix.shape[0], dtype=matrix.indptr.dtype), lengths)
    by_rows = rows.dtype.type(outputs * math.prod(out_shape[axis + 1 :]))
    return np.array_equal(rows[here] + by_rows, rows[there]) and _close(matrix.data[here], matrix.data[there], tol)


def _axis_step(
    matrix: csr_array, in_shape: tuple[int, ...], out_shape: tuple[int, ...], axis: int, tol: float
) -> tuple[int, int] | None:
    """The smallest step of one axis; candidates are tried on one line of outputs before they are on the matrix."""
    if _keeps_shift(matrix, in_shape, out_shape, axis, (1, 1), tol):
        return 1, 1
    middle = [0, *(size // 2 for size in out_shape[1:])]
    places: list[Any] = [np.array([place]) for place in middle]
    places[axis] = np.arange(out_shape[axis])
    line = matrix[np.ravel_multi_index(tuple(np.broadcast_arrays(*places)), out_shape)]
    line_shape = tuple(out_shape[axis] if a == axis else 1 for a in range(len(out_shape)))
    for step in _steps(out_shape[axis], in_shape[axis]):
        if not _keeps_shift(line, in_shape, line_shape, axis, step, tol):
            continue
        if _keeps_shift(matrix, in_shape, out_shape, axis, step, tol, joins=True):
            return step
    return None


def _steps(outputs: int, inputs: int) -> list[tuple[int, int]]:
    """Steps that fit an axis, the smallest first."""
    pairs = [pair for s in range(2, _LARGEST_STEP + 1) for pair in ((1, s), (s, 1))]
    return [(p, q) for p, q in pairs if p < outputs and q < inputs]


def _turned_columns(matrix: csr_array, in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> np.ndarray:
    """Each entry's column seen from its row's own position, with the axes closed to rings."""
    lengths = np.diff(matrix.indptr)
    turned = (np.arange(matrix.shape[1]) // math.prod(in_shape[1:])).astype(matrix.indices.dtype)[matrix.indices]
    for axis in range(1, len(in_shape)):
        size = in_shape[axis]
        columns = _places(in_shape, axis).astype(matrix.indices.dtype)
        rows = _places(out_shape, axis).astype(matrix.indices.dtype)
        difference = columns[matrix.indices]
        difference -= np.repeat(rows, lengths)
        difference[difference < 0] += size
        turned *= size
        turned += difference
    return turned


def _places(shape: tuple[int, ...], axis: int) -> np.ndarray:
    """The position on one axis of every flat index of a tensor."""
    return np.arange(math.prod(shape)) // math.prod(shape[axis + 1 :]) % shape[axis]


def _share_axes(in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> bool:
    return len(in_shape) == len(out_shape) > 1


def _row_ends(matrix: csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows that hold anything, with the first and last column of each."""
    rows = np.flatnonzero(np.diff(matrix.indptr))
    return rows, matrix.indices[matrix.indptr[rows]], matrix.indices[matrix.indptr[rows + 1] - 1]


def _close(left: np.ndarray, right: np.ndarray, tol: float) -> bool:
    if tol == 0:
        return bool((left == right).all())
    with np.errstate(over="ignore"):
        return bool((np.abs(left - right) <= tol).all())
