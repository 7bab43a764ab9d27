"""Sparse matrices of integers of any size, and their exact products.

SciPy's sparse arrays hold no Python integers. So a matrix is kept in limbs, `sum of parts[j] * 2**(30 j)`, all of one
pattern: of small entries that is one int64 array, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import block_array, coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from convmatrix.exact.modular import residues

_LIMB = 30
_MASK = (1 << _LIMB) - 1
_INT_BITS = 62
_LEAST = -(2**63)


@dataclass(frozen=True, eq=False)
class IntegerMatrix:
    """A sparse matrix of integers.

    Attributes
    ----------
    parts : tuple of csr_array of int64
        The limbs, the lowest first, below `2**30` in size and of their entry's sign; at least one.
    """

    parts: tuple[csr_array, ...]

    @classmethod
    def of(cls, matrix: Any) -> IntegerMatrix:
        """Of a SciPy sparse array or a dense array, of integers; a dense one may hold Python's own.

        Examples
        --------
        >>> IntegerMatrix.of(np.array([[10**30, 0], [0, 1]], dtype=object)).toarray().tolist()
        [[1000000000000000000000000000000, 0], [0, 1]]
        """
        if isinstance(matrix, np.ndarray):
            rows, columns = np.nonzero(matrix)
            return cls.of_entries(rows, columns, matrix[rows, columns], matrix.shape)
        found = csr_array(matrix)
        found.sum_duplicates()
        found.eliminate_zeros()
        return cls._of_pattern(found.indptr, found.indices, found.data, found.shape)

    @classmethod
    def of_entries(
        cls, rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]
    ) -> IntegerMatrix:
        """Of distinct places and what is there, Python integers too."""
        kept = values != 0
        order = coo_array((1 + np.arange(np.count_nonzero(kept)), (rows[kept], columns[kept])), shape=shape).tocsr()
        order.sort_indices()
        return cls._of_pattern(order.indptr, order.indices, values[kept][order.data - 1], shape)

    @classmethod
    def _of_pattern(
        cls, indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, shape: tuple[int, int]
    ) -> IntegerMatrix:
        is_wide = values.dtype == np.uint64 or (values.size and int(values.min()) == _LEAST)
        values = values.astype(object if is_wide or values.dtype == object else np.int64)
        signs, sizes, limbs = np.sign(values).astype(np.int64), np.abs(values), []
        while int(sizes.max(initial=0)) > _MASK:
            limbs.append(signs * (sizes & _MASK).astype(np.int64))
            sizes = sizes >> _LIMB
        limbs.append(signs * sizes.astype(np.int64))
        return cls(tuple(csr_array((own, indices, indptr), shape=shape) for own in limbs))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.parts[0].shape

    @property
    def nnz(self) -> int:
        """Places that hold an entry."""
        return int(self.parts[0].nnz)

    @property
    def indptr(self) -> np.ndarray:
        """Where each row begins."""
        return self.parts[0].indptr

    @property
    def indices(self) -> np.ndarray:
        """The columns of the entries, sorted within a row."""
        return self.parts[0].indices

    @cached_property
    def T(self) -> IntegerMatrix:
        """The transpose."""
        turned = []
        for part in self.parts:
            own = part.T.tocsr()
            own.sort_indices()
            turned.append(own)
        return IntegerMatrix(tuple(turned))

    def toarray(self) -> np.ndarray:
        """The dense matrix, of int64 where its entries are small, else of Python integers."""
        if len(self.parts) == 1:
            return self.parts[0].toarray()
        return sum(part.toarray().astype(object) << (_LIMB * j) for j, part in enumerate(self.parts))

    def residues(self, prime: int) -> np.ndarray:
        """Its entries as balanced residues in float64."""
        total = np.zeros(self.nnz, dtype=np.int64)
        for j, part in enumerate(self.parts):
            total = (total + part.data % prime * pow(2, _LIMB * j, prime)) % prime
        return residues(total, prime)

    def chosen(self, rows: np.ndarray, columns: np.ndarray) -> IntegerMatrix:
        """The matrix of some rows and columns, in that order."""
        picked = []
        for part in self.parts:
            own = part[rows][:, columns]
            own.sort_indices()
            picked.append(own)
        return IntegerMatrix(tuple(picked))

    @cached_property
    def _longest(self) -> list[int]:
        """The largest sum of magnitudes of a row, limb by limb."""
        return [int(abs(part).sum(axis=1).max(initial=0)) if part.nnz else 0 for part in self.parts]

    @property
    def longest(self) -> int:
        """A bound on the sum of magnitudes of a row."""
        return sum(own << (_LIMB * j) for j, own in enumerate(self._longest))

    def times(self, vectors: np.ndarray) -> np.ndarray:
        """The exact product with a matrix `(n, count)` of integers, of int64 where it is sure to fit.

        Examples
        --------
        >>> IntegerMatrix.of(np.array([[2**62, 1]])).times(np.array([[4], [1]])).tolist()
        [[18446744073709551617]]
        """
        largest = max(-int(vectors.min(initial=0)), int(vectors.max(initial=0)))
        # The longest row may be of zeros: then the product fits, and the vectors may not.
        if len(self.parts) == 1 and (max(self._longest[0], 1) * largest).bit_length() < _INT_BITS:
            return self.parts[0] @ vectors.astype(np.int64)
        total = np.zeros((self.shape[0], vectors.shape[1]), dtype=object)
        bits = _INT_BITS - 1 - max(self._longest).bit_length()
        for i, limb in enumerate(_limbs(vectors, bits)):
            for j, part in enumerate(self.parts):
                total = total + ((part @ limb).astype(object) << (bits * i + _LIMB * j))
        return total

    def kills(self, vectors: np.ndarray) -> np.ndarray:
        """Whether the product with each column is 0, exactly."""
        return np.asarray(~self.times(vectors).astype(bool).any(axis=0))

    def lengths(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds, in logarithms to base 2, on the lengths of rows and of columns; -inf of zeros.

        To some digits what they are where entries are below `2**30`, at most twice that elsewhere.
        """
        exponents = np.full(self.nnz, -np.inf)
        for j, part in enumerate(self.parts):
            filled = part.data != 0
            # What the lower limbs add is less than 1.
            own = np.abs(part.data[filled].astype(np.float64)) + (len(self.parts) > 1)
            exponents[filled] = np.log2(own) + _LIMB * j
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))
        return _log_lengths(exponents, rows, self.shape[0]), _log_lengths(exponents, self.indices, self.shape[1])

    def components(self) -> Iterator[tuple[IntegerMatrix, np.ndarray, np.ndarray]]:
        """Blocks that no entry joins, with their rows and columns; rows and columns of zeros are in none.

        Examples
        --------
        >>> for block, rows, columns in IntegerMatrix.of(np.array([[0, 2, 0], [3, 0, 0]])).components():
        ...     print(block.toarray(), rows, columns)
        [[3]] [1] [0]
        [[2]] [0] [1]
        """
        rows, columns = self.shape
        pattern = csr_array((np.ones(self.nnz, dtype=np.int8), self.indices, self.indptr), shape=self.shape)
        graph = block_array([[None, pattern], [pattern.T, None]], format="csr")
        count, labels = connected_components(graph, directed=False)
        if count == 1:
            yield self, np.arange(rows), np.arange(columns)
            return
        row_order, column_order = (np.argsort(own, kind="stable") for own in (labels[:rows], labels[rows:]))
        row_ends, column_ends = (np.cumsum(np.bincount(own, minlength=count)) for own in (labels[:rows], labels[rows:]))
        inner = np.empty(columns, dtype=np.int64)
        inner[column_order] = np.arange(columns)
        sorted_parts = [part[row_order] for part in self.parts]
        starts = np.unique(labels[rows:], return_index=True)
        for label in starts[0][np.argsort(starts[1])].tolist():
            own_rows = slice(row_ends[label - 1] if label else 0, row_ends[label])
            own_columns = slice(column_ends[label - 1] if label else 0, column_ends[label])
            if own_rows.start == own_rows.stop:
                continue
            yield (
                IntegerMatrix(tuple(_block(part, own_rows, own_columns, inner) for part in sorted_parts)),
                row_order[own_rows],
                column_order[own_columns],
            )

    def key(self) -> tuple[Any, ...]:
        """What equal matrices have in common."""
        return self.shape, self.indptr.tobytes(), self.indices.tobytes(), *(part.data.tobytes() for part in self.parts)


def _block(part: csr_array, rows: slice, columns: slice, inner: np.ndarray) -> csr_array:
    """Some consecutive rows, whose columns are all among some consecutive places `inner[column]`."""
    starts = part.indptr[rows.start : rows.stop + 1]
    own = slice(starts[0], starts[-1])
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    block = csr_array((part.data[own], inner[part.indices[own]] - columns.start, starts - starts[0]), shape=shape)
    block.sort_indices()
    return block


def _limbs(vectors: np.ndarray, bits: int) -> Iterator[np.ndarray]:
    """Integers in limbs of so many bits, the lowest first."""
    mask = (1 << bits) - 1
    while max(-int(vectors.min(initial=0)), int(vectors.max(initial=0))) > mask:
        yield (vectors & mask).astype(np.int64)
        vectors = vectors >> bits
    yield vectors.astype(np.int64)


def _log_lengths(exponents: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    """Logarithms of the lengths of vectors whose entries are known by theirs, each belonging to one of `count`."""
    largest = np.full(count, -np.inf)
    np.maximum.at(largest, places, exponents)
    # Relative to the largest, so that nothing leaves the range of floats.
    sums = np.bincount(places, weights=np.exp2(2 * (exponents - largest[places])), minlength=count)
    with np.errstate(divide="ignore"):
        return largest + np.log2(sums) / 2
