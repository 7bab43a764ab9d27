"""A proof about an operator's own matrix, put together as it is: `C^H C` or `C C^H`, dense or as a band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_solve_banded, get_lapack_funcs
from scipy.sparse import csr_array

from convmatrix.analysis.norm.certificate import gram_is_proved, shift_for
from convmatrix.analysis.spectrum.numbers import is_complex
from convmatrix.memory import free_memory
from convmatrix.operators import TensorOperator

MOST_WORK = 2e13
"""Multiplications that a proof may take: some minutes."""
MEMORY = 0.7
"""Of what is free, that a proof may take."""
_SPARSE_WORK = 1e9
"""Products of entries that are added up one by one."""
_FEW = 0.1
"""Share of entries up to which a matrix is multiplied as a sparse one."""
_SMALL = 1500
"""Rows up to which no band is looked for."""
_BAND_RATE = 5.0
"""How much longer a multiplication within a band takes than one of large blocks."""


@dataclass(frozen=True, eq=False)
class OwnGram:
    """The smaller Gram matrix of an operator.

    Attributes
    ----------
    gram : csr_array or ndarray
        Sparse, with its rows in `order`, where it is to be taken as a band.
    by_rows : bool
        Whether the rows of the matrix are multiplied with each other, rather than its columns.
    spread : float
        A bound on the norm of the Gram matrix of the magnitudes of the entries.
    terms : int
        Products that each entry adds up.
    order : ndarray or None
        Which row stands where in the band; None where the matrix is dense.
    bandwidth : int or None
        Diagonals below the main one.
    """

    gram: csr_array | np.ndarray
    by_rows: bool
    spread: float
    terms: int
    order: np.ndarray | None = None
    bandwidth: int | None = None

    def proved(self, goal: float, attained: float) -> tuple[bool, np.ndarray | None]:
        """Whether the matrix, as computed, has no singular value above `goal`; if not, perhaps a vector that says why.

        It is known to have one of `attained`.
        """
        size, kind = self.gram.shape[0], self.gram.dtype.kind
        shift = shift_for(goal, size, self.spread, self.terms, kind == "c", self.bandwidth)
        if not shift > attained**2:
            return False, None
        if isinstance(self.gram, np.ndarray):
            return gram_is_proved(self.gram.copy(), goal, self.terms, self.spread)
        return self._banded(self.gram, shift)

    def _banded(self, gram: csr_array, shift: float) -> tuple[bool, np.ndarray | None]:
        assert self.bandwidth is not None
        lower = gram.tocoo()
        kept = lower.row >= lower.col
        below, columns = (lower.row - lower.col)[kept], lower.col[kept]
        band = np.zeros((self.bandwidth + 1, gram.shape[0]), dtype=gram.dtype, order="F")
        band[below, columns] = -lower.data[kept]
        band[0] += shift
        (factorise,) = get_lapack_funcs(("pbtrf",), (band,))
        _, failed = factorise(band, lower=1)
        if not failed:
            return True, None
        return False, self._witness(band, factorise, failed - 1)

    def _witness(self, band: np.ndarray, factorise: Callable[..., Any], row: int) -> np.ndarray:
        """A vector that shows that the leading minor with this row is not positive, from the factor of those before."""
        assert self.order is not None
        found = np.zeros(band.shape[1], dtype=band.dtype)
        found[row] = 1
        if row:
            first = max(0, row - band.shape[0] + 1)
            beside = np.zeros(row, dtype=band.dtype)
            # The row left of the diagonal, conjugated: the column above it.
            beside[first:] = np.conj(band[row - np.arange(first, row), np.arange(first, row)])
            factor, _ = factorise(band[:, :row], lower=1)
            found[:row] = -cho_solve_banded((factor, True), beside)
        turned = np.zeros_like(found)
        turned[self.order] = found
        return turned


def own_gram(op: TensorOperator) -> OwnGram | None:
    """That of an operator in float64 or complex128; None if it, or what it is proved by, is beyond what is affordable.

    Examples
    --------
    >>> import convmatrix as cm
    >>> own_gram(cm.conv([1.0, 2.0], 4)).gram
    array([[5., 2., 0.],
           [2., 5., 2.],
           [0., 2., 5.]])
    """
    rows, columns = op.shape
    size, each = min(op.shape), 16 if is_complex(op) else 8
    is_dense_affordable = size**3 / 3 <= MOST_WORK and 2 * each * size**2 <= MEMORY * free_memory()
    added = float(op.nnz) ** 2 / max(op.shape)
    is_sparse = op.nnz <= _FEW * rows * columns and added <= min(_SPARSE_WORK, MEMORY * free_memory() / (2 * each))
    if not (is_dense_affordable or is_sparse) or op.nbytes("csr", op.dtype) > MEMORY * free_memory():
        return None
    matrix = op.tosparse()
    by_rows = rows <= columns
    terms, spread = _summed(matrix, by_rows)
    if not is_sparse:
        whole = matrix.toarray()
        return OwnGram(_multiplied(whole, np.conj(whole).T, by_rows), by_rows, spread, terms)
    gram = csr_array(_multiplied(matrix, csr_array(matrix.conj().T), by_rows))
    order, bandwidth = _narrowed(gram) if size > _SMALL else (None, size)
    band_work = _BAND_RATE * size * float(bandwidth) ** 2
    is_band = order is not None and band_work <= min(MOST_WORK, size**3 / 3 if is_dense_affordable else MOST_WORK)
    if is_band and 3 * each * size * (bandwidth + 1) <= MEMORY * free_memory():
        return OwnGram(gram[order][:, order], by_rows, spread, terms, order, bandwidth)
    return OwnGram(gram.toarray(), by_rows, spread, terms) if is_dense_affordable else None


def _multiplied(matrix: np.ndarray, adjoint: np.ndarray, by_rows: bool) -> np.ndarray:
    return matrix @ adjoint if by_rows else adjoint @ matrix


def _summed(matrix: csr_array, by_rows: bool) -> tuple[int, float]:
    """Products that an entry of the Gram matrix adds up, and a bound on the norm of that of the magnitudes."""
    sizes = abs(matrix)
    rows, columns = sizes.sum(axis=1), sizes.sum(axis=0)
    counts = np.diff(matrix.indptr) if by_rows else np.bincount(matrix.indices, minlength=1)
    by_schur = float(rows.max(initial=0)) * float(columns.max(initial=0)) * (1 + 1e-6)
    by_squares = float((sizes.data**2).sum()) * (1 + 1e-6)
    return int(counts.max(initial=1)), min(by_schur, by_squares)


def _narrowed(gram: csr_array) -> tuple[np.ndarray, int]:
    """An order of the rows in which few diagonals hold all entries, and how many below the main one."""
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    natural = np.arange(gram.shape[0])
    turned = reverse_cuthill_mckee(gram, symmetric_mode=True)
    return min(((order, _bandwidth(gram, order)) for order in (natural, turned)), key=lambda found: found[1])


def _bandwidth(gram: csr_array, order: np.ndarray) -> int:
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    rows = np.repeat(place, np.diff(gram.indptr))
    return int(np.abs(rows - place[gram.indices]).max(initial=0))
