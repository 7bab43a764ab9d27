"""What the matrix of an operator is like: its size, the structure it is verified to have, its rank and condition."""

from __future__ import annotations

import dataclasses
import html
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.inspection import structure
from convmatrix.analysis.inspection.conditioning import Conditioning, conditioning
from convmatrix.analysis.inspection.counting import count_entries, leaves
from convmatrix.analysis.inspection.entries import Entries, explicit_entries
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError, readable_bytes
from convmatrix.geometry.layer import sparse_nbytes
from convmatrix.memory import check_size
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator

VERIFIED_ENTRIES = 20_000_000
"""Stored entries up to which the matrix is made and its structure verified without being asked: a few seconds."""
EXACT_ENTRIES = 300_000
"""The same for exact fractions and symbols, which are compared one by one: a few seconds."""


@dataclass(frozen=True)
class Inspection:
    """What `inspect` found. A verdict is True or False where it was verified on the matrix, and None where it was not.

    Attributes
    ----------
    in_shape, out_shape : tuple of int
        Tensor shapes `(channels, *spatial)`.
    shape : tuple of int
        Rows and columns of the matrix.
    dtype : str
        Of the entries; "object" for exact fractions and symbols.
    nnz : int or None
        Entries that `tosparse` stores, stored zeros included; None if counting them would take too long.
    density : float or None
        `nnz / (rows * columns)`.
    nbytes : int or None
        Bytes of the matrix as `tosparse` makes it (CSR); exact entries are counted as float64.
    bandwidth : tuple of int or None
        Lower and upper: the largest `i - j` and `j - i` of a nonzero entry, at least 0.
    rank : int or None
    rank_kind : {"exact", "numerical", "not computed"}
        Integers and fractions have an exact rank; of floats it is the number of singular values above `rank_tol` times
        the largest.
    rank_tol : float or None
        `max(shape) * eps` of the entries' float type where the rank is numerical.
    condition : float or None
        Largest over smallest of the `min(shape)` singular values; inf where the rank is below `min(shape)`.
    is_toeplitz : bool or None
        `A[i, j]` depends on `i - j` only, of the whole matrix, which may be rectangular.
    is_block_toeplitz : bool or None
        The entry between output `(co, o1, ..., oD)` and input `(ci, i1, ..., iD)` depends on
        `(co, ci, i1-o1, ..., iD-oD)` only: block Toeplitz with Toeplitz blocks within every pair of channels. A stride
        breaks it; then see `step`. False without an axis of space.
    step : tuple of pairs or None
        The smallest `(outputs, inputs)` of each axis by which the entries may be moved unchanged: `(1, 1)` for a
        Toeplitz axis, `(1, s)` for a stride s, `(s, 1)` for a transposed one; None if there is none.
    is_circulant : bool or None
        Square, and `A[i, j]` depends on `(j - i) mod n` only.
    is_doubly_block_circulant : bool or None
        Equal spatial sizes, and the entry depends on `co`, `ci` and `(i - o) mod n` of each axis only: circulant blocks
        for one axis, doubly block circulant for two, N-fold for N.
    is_block_diagonal : bool or None
        More than one block.
    blocks : int or None
        Diagonal blocks of the finest cut into contiguous ranges of rows and columns.
    is_permutation : bool or None
        Square, with exactly one nonzero entry, a 1, in every row and column.
    is_symmetric, is_hermitian : bool or None
        `A` equals its transpose, its conjugate transpose; the same for real entries.
    tol : float or None
        By how much entries may differ and count as equal, relative to the largest magnitude: 0 except for float
        products and sums, whose entries carry rounding errors (`max(shape) * eps`). None if nothing was verified.
    notes : tuple of str
        What was not computed, why, and what to do.
    """

    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    shape: tuple[int, int]
    dtype: str
    nnz: int | None
    density: float | None
    nbytes: int | None
    bandwidth: tuple[int, int] | None = None
    rank: int | None = None
    rank_kind: str = "not computed"
    rank_tol: float | None = None
    condition: float | None = None
    is_toeplitz: bool | None = None
    is_block_toeplitz: bool | None = None
    step: tuple[tuple[int, int], ...] | None = None
    is_circulant: bool | None = None
    is_doubly_block_circulant: bool | None = None
    is_block_diagonal: bool | None = None
    blocks: int | None = None
    is_permutation: bool | None = None
    is_symmetric: bool | None = None
    is_hermitian: bool | None = None
    tol: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def structures(self) -> tuple[str, ...]:
        """The names of the structures found."""
        return tuple(name for name, verdict in self._verdicts() if verdict)

    def _verdicts(self) -> list[tuple[str, bool | None]]:
        axes = len(self.in_shape) - 1
        folds = {1: "block circulant", 2: "doubly block circulant"}
        return [
            ("Toeplitz", self.is_toeplitz),
            ("block Toeplitz with Toeplitz blocks", self.is_block_toeplitz),
            ("circulant", self.is_circulant),
            (folds.get(axes, f"{axes}-fold block circulant"), self.is_doubly_block_circulant),
            ("block diagonal", self.is_block_diagonal),
            ("permutation", self.is_permutation),
            ("symmetric", self.is_symmetric),
            ("Hermitian", self.is_hermitian),
        ]

    def to_dict(self) -> dict[str, Any]:
        """The fields and `structures` as plain JSON types: tuples as lists, an infinite condition as "inf"."""
        fields = {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}
        return {**fields, "structures": list(self.structures)}

    def __str__(self) -> str:
        groups = self._groups()
        width = max(len(label) for _, rows in groups for label, _ in rows)
        lines = []
        for title, rows in groups:
            lines += [title, *(f"  {label:<{width}}  {value}" for label, value in rows)]
        if self.notes:
            lines += ["Notes", *(f"  {note}" for note in self.notes)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        cells = []
        for title, rows in self._groups():
            cells.append(f'<tr><th colspan="2">{title}</th></tr>')
            cells += [f"<tr><td>{html.escape(label)}</td><td>{html.escape(value)}</td></tr>" for label, value in rows]
        cells += [f'<tr><td colspan="2">{html.escape(note)}</td></tr>' for note in self.notes]
        return f"<table>{''.join(cells)}</table>"

    def _groups(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Titles with their labelled values, as both displays show them."""
        unknown = "not counted" if self.nnz is None else "not verified"
        storage = [
            ("dtype", self.dtype),
            ("entries", unknown if self.nnz is None else f"{self.nnz:,}"),
            ("density", unknown if self.density is None else f"{self.density:.3g}"),
            ("bytes (CSR)", unknown if self.nbytes is None else readable_bytes(self.nbytes)),
            ("bandwidth", "not verified" if self.bandwidth is None else "{} below, {} above".format(*self.bandwidth)),
        ]
        shape = [
            ("input", str(self.in_shape)),
            ("output", str(self.out_shape)),
            ("matrix", f"{self.shape[0]:,} x {self.shape[1]:,}"),
        ]
        return [
            ("Shape", shape),
            ("Storage", storage),
            ("Structure", self._verdict_rows()),
            ("Rank", self._rank_rows()),
        ]

    def _verdict_rows(self) -> list[tuple[str, str]]:
        said = {True: "yes", False: "no", None: "not verified"}
        rows = [(name, said[verdict]) for name, verdict in self._verdicts()]
        if self.is_block_diagonal:
            rows[4] = (rows[4][0], f"yes, {self.blocks:,} blocks")
        if self.step is not None and not self.is_block_toeplitz:
            steps = " x ".join(f"{outputs}:{inputs}" for outputs, inputs in self.step)
            rows.insert(2, ("repeats by outputs:inputs", steps))
        if self.tol:
            rows.append(("equal within", f"{self.tol:.2g} of the largest entry"))
        return rows

    def _rank_rows(self) -> list[tuple[str, str]]:
        rank = self.rank_kind
        if self.rank is not None:
            tolerance = "" if self.rank_tol is None else f", tolerance {self.rank_tol:.2g}"
            rank = f"{self.rank:,} of {min(self.shape):,} ({self.rank_kind}{tolerance})"
        return [("rank", rank), ("condition", "not computed" if self.condition is None else f"{self.condition:.6g}")]


def inspect(op: TensorOperator, *, max_bytes: float | None = None) -> Inspection:
    """Shape, storage, structure, rank and condition of an operator's matrix.

    Shape and storage are known for any size at once. Everything else is read off the explicit matrix, never off the
    operator's arguments, and is None, with a note that says why, where the matrix is too large.

    Parameters
    ----------
    op : TensorOperator
        Any: a convolution, a transpose, a product, with numbers or with exact entries and symbols.
    max_bytes : int, optional
        The most the explicit matrix may take; verifying needs up to about twice as much beside it. By default
        80 % of the free memory, and no more than 20 million entries (300,000 exact ones).

    Returns
    -------
    Inspection
        Rank and condition come from a dense singular value decomposition of at most 1500 x 1500 entries, the rank of
        integers and fractions from exact elimination.

    Raises
    ------
    ConvMatrixError
        If `op` is no TensorOperator, or holds NaN or infinite entries.

    References
    ----------
    Gray (2006), Toeplitz and Circulant Matrices: A Review. Davis (1979), Circulant Matrices, for those of blocks.

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = cm.inspect(cm.conv([1, 2, 3], 5, padding="same", padding_mode="circular"))
    >>> found.structures
    ('Toeplitz', 'block Toeplitz with Toeplitz blocks', 'circulant', 'block circulant')
    >>> found.rank, found.rank_kind, found.nbytes
    (5, 'exact', 204)
    >>> print(cm.inspect(cm.conv([[0, 1, 2], [2, 2, 0], [0, 1, 2]], (5, 5), stride=2)))
    Shape
      input                                (1, 5, 5)
      output                               (1, 2, 2)
      matrix                               4 x 25
    Storage
      dtype                                int64
      entries                              36
      density                              0.36
      bytes (CSR)                          452 bytes
      bandwidth                            0 below, 21 above
    Structure
      Toeplitz                             no
      block Toeplitz with Toeplitz blocks  no
      repeats by outputs:inputs            1:2 x 1:2
      circulant                            no
      doubly block circulant               no
      block diagonal                       no
      permutation                          no
      symmetric                            no
      Hermitian                            no
    Rank
      rank                                 4 of 4 (exact)
      condition                            1.33012
    """
    if not isinstance(op, TensorOperator):
        raise ConvMatrixError(f"op must be a TensorOperator, such as conv(...) makes, got {type(op).__name__}")
    check_size("nothing", 0, max_bytes)
    _check_finite_parts(op)
    count = count_entries(op)
    rows, columns = op.shape
    itemsize = 8 if op.dtype == object else op.dtype.itemsize
    found = Inspection(
        in_shape=op.in_shape,
        out_shape=op.out_shape,
        shape=(rows, columns),
        dtype=str(op.dtype),
        nnz=count,
        density=None if count is None else float(Fraction(count, rows * columns)),
        nbytes=None if count is None else sparse_nbytes(count, op.shape, "csr", itemsize),
    )
    refusal = _refusal(op, found, max_bytes)
    if refusal:
        return dataclasses.replace(found, notes=(refusal,))
    return _verified(found, op, max_bytes)


def _refusal(op: TensorOperator, found: Inspection, max_bytes: float | None) -> str | None:
    """Why the matrix is not to be made, or None."""
    smaller = "inspect the same weights on a smaller input_size"
    if found.nnz is None or found.nbytes is None:
        return f"Nothing was counted or verified, because the pattern of this product or sum is too large: {smaller}."
    needed, limit = found.nbytes, VERIFIED_ENTRIES
    if op.dtype == object:
        needed, limit = found.nnz * exact.SYMPY_ENTRY_BYTES, EXACT_ENTRIES
    why = f"Structure, bandwidth and rank were not computed, because the matrix would take {readable_bytes(needed)}"
    try:
        check_size("the matrix", needed, max_bytes)
    except MatrixTooLargeError as error:
        return f"{why}, more than the {readable_bytes(error.limit)} allowed: {smaller}, or pass a larger max_bytes."
    if max_bytes is None and found.nnz > limit:
        more = f"more than {limit:,} entries"
        return f"{why} and has {more}: {smaller}, or pass max_bytes={needed} to verify it all the same."
    return None


def _verified(found: Inspection, op: TensorOperator, max_bytes: float | None) -> Inspection:
    """The inspection with everything that is read off the explicit matrix."""
    entries = explicit_entries(op)
    relative = max(op.shape) * float(np.finfo(op.dtype).eps) if op.dtype.kind in "fc" and _is_rounded(op) else 0.0
    largest = float(np.abs(entries.matrix.data).max(initial=0)) if relative else 0.0
    tol = relative * largest
    matrix = structure.nonzeros(entries.matrix, tol)
    shapes = op.in_shape, op.out_shape
    blocks = structure.count_blocks(matrix)
    step = structure.find_step(matrix, *shapes, tol)
    is_permutation = structure.is_permutation(matrix, tol)
    is_symmetric = structure.is_symmetric(matrix, tol)
    is_hermitian, complaint = _hermitian(entries, is_symmetric, tol)
    numbers = conditioning(entries, is_permutation, max_bytes)
    return dataclasses.replace(
        found,
        bandwidth=structure.bandwidth(matrix),
        is_toeplitz=structure.is_toeplitz(matrix, tol),
        is_block_toeplitz=step is not None and all(pair == (1, 1) for pair in step),
        step=step,
        is_circulant=structure.is_circulant(matrix, tol),
        is_doubly_block_circulant=structure.is_block_circulant(matrix, *shapes, tol),
        is_block_diagonal=blocks > 1,
        blocks=blocks,
        is_permutation=is_permutation,
        is_symmetric=is_symmetric,
        is_hermitian=is_hermitian,
        tol=relative,
        notes=tuple(note for note in (complaint, *numbers.notes) if note),
        **_rank_fields(numbers),
    )


def _rank_fields(numbers: Conditioning) -> dict[str, Any]:
    return {name: getattr(numbers, name) for name in ("rank", "rank_kind", "rank_tol", "condition")}


def _hermitian(entries: Entries, is_symmetric: bool, tol: float) -> tuple[bool | None, str]:
    """Whether the matrix is Hermitian, or why that is open."""
    if entries.values is None:
        return is_symmetric if entries.matrix.dtype.kind != "c" else structure.is_hermitian(entries.matrix, tol), ""
    conjugated, is_open = entries.conjugated()
    is_hermitian = structure.transposes_to(entries.matrix, conjugated)
    # Conjugation keeps what is not zero, so the places alone may settle it.
    if is_hermitian or not is_open or not structure.is_symmetric(entries.matrix.sign()):
        return is_hermitian, ""
    return None, "Hermitian was not verified, because it is not known which symbols are real: pass Symbol(real=True)."


def _is_rounded(op: TensorOperator) -> bool:
    """Whether entries are sums that rounding may have made unequal; a leaf only copies its weight."""
    if isinstance(op, (Product, Sum)):
        return True
    return isinstance(op, (Transposed, Scaled)) and _is_rounded(op.of)


def _check_finite_parts(op: TensorOperator) -> None:
    """Refuse NaN and infinities before anything is made: they sit in the weights."""
    for leaf in leaves(op):
        weight = getattr(leaf, "weight", None)
        if weight is not None and not exact.is_finite(weight):
            bad = exact.first_not_finite(weight)
            raise ConvMatrixError(f"op must have finite entries to be inspected, got a weight with {bad}")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return "inf" if isinstance(value, float) and math.isinf(value) else value
