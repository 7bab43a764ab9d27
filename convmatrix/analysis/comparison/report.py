"""Are two operators the same matrix? Entry by entry: exactly for exact entries, within a tolerance for floats."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import svds

from convmatrix import exact
from convmatrix.analysis.comparison.entries import ExactEntries, exact_entries, is_exact, symbols_of
from convmatrix.analysis.comparison.rebuilding import smaller_pair
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError
from convmatrix.operators import pattern
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator

MOST_ENTRIES = 5_000_000
"""Entries of each matrix up to which both are written out: a second or two."""
MOST_EXACT_ENTRIES = 300_000
"""The same for fractions, symbols and integers that int64 does not hold."""
_DENSE = 400
_ENTRY_BYTES = 12
_MOST_OPERATIONS = 2_000


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` found, on the explicit matrices.

    Attributes
    ----------
    is_equal : bool
        Every entry agrees: by `==` where `is_exact`, otherwise within `tol`.
    is_exact : bool
        Both operators hold exact entries and every one agrees by `==`: a proof.
    tol : float
        The absolute difference an entry may have, 0 where exact entries were compared without one.
    max_error, frobenius, spectral : float or None
        Of the difference: the largest magnitude, the Frobenius norm, the largest singular value (computed in
        floats); None where it holds symbols.
    rows : ndarray of int
        The flat output rows in which an entry differs.
    checked_size : tuple of int
        The spatial input size of the matrices compared.
    input_size : tuple of int
        That of the operators; where `checked_size` is smaller, the same layers were compared on the smaller input.
    out_shape : tuple of int
        The tensor shape that `rows` counts, of the matrices compared.
    """

    is_equal: bool
    is_exact: bool
    tol: float
    max_error: float | None
    frobenius: float | None
    spectral: float | None
    rows: np.ndarray
    checked_size: tuple[int, ...]
    input_size: tuple[int, ...]
    out_shape: tuple[int, ...]

    @property
    def is_own_size(self) -> bool:
        """Whether the operators' own matrices were compared, not those on a smaller input."""
        return self.checked_size == self.input_size

    def differing(self) -> np.ndarray:
        """A boolean tensor of `out_shape`: which outputs differ."""
        mask = np.zeros(math.prod(self.out_shape), dtype=bool)
        mask[self.rows] = True
        return mask.reshape(self.out_shape)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; numbers beyond the range of floats as "inf"."""
        errors = {name: getattr(self, name) for name in ("max_error", "frobenius", "spectral")}
        return {
            "is_equal": self.is_equal,
            "is_exact": self.is_exact,
            "tol": self.tol,
            **{name: "inf" if value == math.inf else value for name, value in errors.items()},
            "rows": self.rows.tolist(),
            "checked_size": list(self.checked_size),
            "input_size": list(self.input_size),
            "out_shape": list(self.out_shape),
        }

    def _where_checked(self) -> str:
        size = "x".join(map(str, self.checked_size)) or "one position"
        return f"on inputs of {size}" + ("" if self.is_own_size else ", the same layers on a smaller input")

    def __repr__(self) -> str:
        verdict = "equal" if self.is_equal else f"different in {self.rows.size} rows"
        return f"Comparison({verdict}, {'exactly' if self.is_exact else f'tol {self.tol:.2g}'})"

    def __str__(self) -> str:
        if self.is_exact:
            return f"equal, every entry exactly, {self._where_checked()}"
        if self.is_equal:
            return f"equal within {self.tol:.3g}, largest difference {self.max_error:.3g}, {self._where_checked()}"
        count = f"{self.rows.size:,} of {math.prod(self.out_shape):,} outputs"
        if self.max_error is None:
            return f"different in {count}, by symbols, {self._where_checked()}"
        return (
            f"different in {count} by at most {self.max_error:.3g} (Frobenius {self.frobenius:.3g}, "
            f"spectral {self.spectral:.3g}), {self._where_checked()}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(str(self))}</p>"


def compare(actual: TensorOperator, wanted: TensorOperator, tol: float | None = None) -> Comparison:
    """Compare two operators of equal shapes on their explicit matrices.

    Integers, fractions and SymPy expressions are compared by `==`, expressions after expanding and cancelling their
    difference; averages count as the fractions they are. Otherwise both matrices are made in double precision, and
    entries agree within `tol`. Where a matrix would exceed 5 million entries (300,000 exact ones), both operators are
    built again from their layers on a smaller input of the same geometry: every stride ends as before, both borders
    and a period between them are there. Equality there speaks for the larger input because a layer's matrix repeats
    between its borders; the entries of the larger matrices themselves were not looked at, and `checked_size` says so.

    Parameters
    ----------
    actual, wanted : TensorOperator
        Of equal `in_shape` and `out_shape`.
    tol : float, optional
        The absolute difference an entry may have. By default 0 for exact entries, and `max(shape) * eps` times the
        largest magnitude for floats, eps that of the coarsest float type of the two.

    Returns
    -------
    Comparison

    Raises
    ------
    ConvMatrixError
        If the shapes differ, an entry is NaN or infinite, or `tol` is below 0.
    MatrixTooLargeError
        If the matrices are too large and the operators cannot be built on a smaller input.

    Examples
    --------
    >>> import convmatrix as cm
    >>> from convmatrix.analysis.comparison import compare
    >>> first, second = cm.conv([1, 1], 6), cm.conv([1, 1], 5)
    >>> print(compare(cm.conv([1, 2, 1], 6), second @ first))
    equal, every entry exactly, on inputs of 6
    >>> print(compare(cm.conv([1, 2, 2], 6), second @ first))
    different in 4 of 4 outputs by at most 1 (Frobenius 2, spectral 1), on inputs of 6
    """
    for name, op in (("actual", actual), ("wanted", wanted)):
        if not isinstance(op, TensorOperator):
            raise ConvMatrixError(f"{name} must be a TensorOperator, such as conv(...) makes, got {type(op).__name__}")
    if (actual.in_shape, actual.out_shape) != (wanted.in_shape, wanted.out_shape):
        raise ConvMatrixError(
            f"actual and wanted must have equal shapes, got {actual.in_shape} -> {actual.out_shape} and "
            f"{wanted.in_shape} -> {wanted.out_shape}"
        )
    if tol is not None and (isinstance(tol, bool) or not isinstance(tol, Real) or not 0 <= tol < math.inf):
        raise ConvMatrixError(f"tol must be a number of at least 0, got {tol!r}")
    allowed = None if tol is None else float(tol)
    pair = affordable_pair(actual, wanted)
    try:
        found = _compared(*pair, allowed)
    except MatrixTooLargeError:
        # A product of exact entries may take more than its result.
        smaller = smaller_pair(*pair)
        if smaller is None:
            raise
        pair, found = smaller, _compared(*smaller, allowed)
    sizes: dict[str, Any] = {
        "checked_size": pair[0].in_shape[1:],
        "input_size": actual.in_shape[1:],
        "out_shape": pair[0].out_shape,
    }
    return Comparison(**found, **sizes)


def affordable_pair(actual: TensorOperator, wanted: TensorOperator) -> tuple[TensorOperator, TensorOperator]:
    """The operators, or the same layers on a smaller input, small enough to be written out."""
    limit = MOST_EXACT_ENTRIES if object in (actual.dtype, wanted.dtype) else MOST_ENTRIES
    needed = max(entry_bound(actual), entry_bound(wanted))
    if needed <= limit:
        return actual, wanted
    smaller = smaller_pair(actual, wanted)
    if smaller is not None:
        needed = max(map(entry_bound, smaller))
        if needed <= limit:
            return smaller
    what = f"the matrix of {actual.in_shape} -> {actual.out_shape}, which is to be compared,"
    needed, limit = needed * _ENTRY_BYTES, limit * _ENTRY_BYTES
    raise MatrixTooLargeError(
        what, needed, limit, "compare the same layers with a smaller input_size or fewer channels"
    )


def entry_bound(op: TensorOperator) -> int:
    """At least as many as the entries of the matrix, and of every part of it; nothing is made for it.

    Examples
    --------
    >>> import convmatrix as cm
    >>> C = cm.conv([1, 2, 1], 100, padding=1)
    >>> entry_bound(C + cm.identity((1, 100))), entry_bound(C @ C)
    (398, 494)
    """
    return max(*_part_bounds(op), 0)


def _part_bounds(op: TensorOperator) -> list[int]:
    """Of the operator, and behind it of its parts."""
    if isinstance(op, Transposed | Scaled):
        return _part_bounds(op.of)
    if isinstance(op, Sum | Product):
        parts = [_part_bounds(op.left), _part_bounds(op.right)]
        own = parts[0][0] + parts[1][0] if isinstance(op, Sum) else _product_bound(op)
        return [min(own, op.shape[0] * op.shape[1]), *parts[0], *parts[1]]
    return [op.nnz]


def _product_bound(op: Product) -> int:
    """Products of sums are sums of products, each of which has a pattern of its own."""
    terms = _pattern_terms(op)
    if terms is None:
        return op.shape[0] * op.shape[1]
    return sum(map(pattern.count, terms))


def _pattern_terms(op: TensorOperator, most: int = 64) -> list[pattern.Factors] | None:
    """The patterns of the terms that a product of sums is, as factors; None if one has none or there are many."""
    if isinstance(op, Scaled):
        return _pattern_terms(op.of)
    if isinstance(op, Transposed):
        terms = _pattern_terms(op.of)
        return None if terms is None else [[factor.T.tocsr() for factor in term] for term in terms]
    if isinstance(op, Sum | Product):
        left, right = _pattern_terms(op.left), _pattern_terms(op.right)
        if left is None or right is None:
            return None
        if isinstance(op, Sum):
            return left + right
        joined = [pattern.product(a, b) for a in left for b in right] if len(left) * len(right) <= most else [None]
        found = [term for term in joined if term is not None]
        return found if len(found) == len(joined) else None
    factors = op._factors()
    return None if factors is None else [factors]


def _compared(actual: TensorOperator, wanted: TensorOperator, tol: float | None) -> dict[str, Any]:
    both_exact = is_exact(actual) and is_exact(wanted)
    if both_exact:
        gap = _integer_gap(actual, wanted)
        return _judged(gap, 0.0 if tol is None else tol, True) if gap is not None else _exact_gap(actual, wanted, tol)
    if symbols_of(actual) or symbols_of(wanted):
        return _exact_gap(actual, wanted, tol, False)
    matrices = [_in_double(actual, "actual"), _in_double(wanted, "wanted")]
    if tol is None:
        largest = max(float(np.abs(matrix.data).max(initial=0)) for matrix in matrices)
        tol = max(actual.shape) * max(_eps(actual), _eps(wanted)) * largest
    with np.errstate(over="ignore"):
        gap = csr_array(matrices[0] - matrices[1])
    return _judged(gap, tol, False)


def _integer_gap(actual: TensorOperator, wanted: TensorOperator) -> csr_array | None:
    """The difference of two integer matrices in int64, or None where they are none or it might wrap."""
    if actual.dtype.kind not in "iu" or wanted.dtype.kind not in "iu":
        return None
    try:
        matrices = [op.tosparse(dtype=np.int64) for op in (actual, wanted)]
        pattern.check_integers(sum(map(pattern.largest, matrices)))
    except MatrixTooLargeError:
        raise
    except ConvMatrixError:
        return None
    return csr_array(matrices[0] - matrices[1])


def _in_double(op: TensorOperator, name: str) -> csr_array:
    matrix = op.tosparse(dtype=np.complex128 if op.dtype.kind == "c" else np.float64)
    if not np.isfinite(matrix.data).all():
        bad = matrix.data[~np.isfinite(matrix.data)][0]
        raise ConvMatrixError(f"{name} must have finite entries to be compared, got {bad}")
    return matrix


def _eps(op: TensorOperator) -> float:
    return float(np.finfo(op.dtype if op.dtype.kind in "fc" else np.float64).eps)


def _exact_gap(
    actual: TensorOperator, wanted: TensorOperator, tol: float | None, both_exact: bool = True
) -> dict[str, Any]:
    """The comparison of objects: what does not vanish is what differs."""
    gap = exact_entries(actual).plus(exact_entries(wanted).scaled(-1))
    known: dict[Any, bool] = {}
    for value in gap.values.tolist():
        if value not in known:
            known[value] = vanishes(value)
    kept = np.array([not known[value] for value in gap.values.tolist()], dtype=bool)
    rest = ExactEntries(gap.places[kept], gap.values[kept], gap.shape)
    numbers = _numbers(rest.values)
    if numbers is not None:
        matrix = coo_array((numbers, (rest.rows, rest.columns)), shape=rest.shape).tocsr()
        return _judged(matrix, 0.0 if tol is None else tol, both_exact, proved=not kept.any())
    rows = np.unique(rest.rows)
    errors = dict.fromkeys(("max_error", "frobenius", "spectral"))
    return {"is_equal": False, "is_exact": False, "tol": tol or 0.0, "rows": rows, **errors}


def vanishes(value: Any) -> bool:
    """Whether an exact value is 0; of expressions too large to be cancelled only what expanding shows.

    Examples
    --------
    >>> import sympy
    >>> a, b = sympy.symbols("a b")
    >>> vanishes((a**2 - b**2) / (a - b) - a - b), vanishes(a - b)
    (True, False)
    """
    if not exact.is_sympy(value):
        return bool(value == 0)
    import sympy

    expanded = sympy.expand(value)
    if expanded.is_Rational or expanded.is_Symbol or expanded.count_ops() > _MOST_OPERATIONS:
        return bool(expanded == 0)
    whole = all(power.exp.is_Integer and power.exp > 0 for power in expanded.atoms(sympy.Pow))
    return bool(expanded == 0) if whole else bool(sympy.expand(sympy.cancel(sympy.together(expanded))) == 0)


def _numbers(values: np.ndarray) -> np.ndarray | None:
    """Exact values as floats, infinite beyond their range; None where one is symbolic."""
    if any(exact.is_sympy(value) and value.free_symbols for value in values):
        return None
    numbers = [as_float(value) for value in values]
    return np.array(numbers, dtype=complex if any(isinstance(n, complex) for n in numbers) else float)


def as_float(value: Any) -> float | complex:
    """An exact number as a float, infinite beyond their range."""
    if exact.is_sympy(value):
        number = complex(value.evalf(17))
        return number if number.imag else number.real
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _judged(gap: csr_array, tol: float, both_exact: bool, proved: bool | None = None) -> dict[str, Any]:
    """What a difference of numbers says; `proved` where its entries were rounded on the way here."""
    gap = csr_array(gap)
    magnitudes = np.abs(gap.data.astype(np.float64)) if gap.dtype.kind in "iu" else np.abs(gap.data)
    rows = np.repeat(np.arange(gap.shape[0]), np.diff(gap.indptr))
    is_zero = not magnitudes.any() if proved is None else proved
    differs = magnitudes > tol if proved is None or tol else np.ones(magnitudes.size, dtype=bool)
    return {
        "is_equal": not differs.any(),
        "is_exact": both_exact and is_zero,
        "tol": tol,
        "max_error": float(magnitudes.max(initial=0)),
        "frobenius": _scaled_norm(magnitudes),
        "spectral": spectral_norm_of(gap),
        "rows": np.unique(rows[differs]),
    }


def _scaled_norm(magnitudes: np.ndarray) -> float:
    """The Euclidean norm, of the tiniest and hugest entries too."""
    largest = float(magnitudes.max(initial=0))
    return largest if largest in (0.0, math.inf) else float(np.linalg.norm(magnitudes / largest)) * largest


def spectral_norm_of(matrix: csr_array) -> float:
    """The largest singular value of a sparse matrix, in floats: dense if it is small, else by Lanczos iteration."""
    matrix = csr_array(matrix, copy=True)
    matrix.eliminate_zeros()
    largest = float(np.abs(matrix.data).max(initial=0))
    if largest in (0.0, math.inf):
        return largest
    rows, columns = np.flatnonzero(np.diff(matrix.indptr)), np.flatnonzero(np.bincount(matrix.indices))
    part = (matrix.astype(np.result_type(matrix.dtype, np.float64)) / largest)[rows][:, columns]
    if min(part.shape) <= _DENSE and part.shape[0] * part.shape[1] <= 10 * _DENSE**2:
        return float(np.linalg.norm(part.toarray(), 2)) * largest
    start = np.random.default_rng(0).standard_normal(min(part.shape))
    return float(svds(part, k=1, v0=start, return_singular_vectors=False, tol=1e-7)[0]) * largest
