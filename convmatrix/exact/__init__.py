"""Exact numbers and exact elimination: arrays of integers, fractions and SymPy expressions, and proofs about them."""

from __future__ import annotations

from convmatrix.exact.clearing import primitive
from convmatrix.exact.elimination import nonzero_minor, rank, rank_factors, separable_terms
from convmatrix.exact.lifting import integer_rank
from convmatrix.exact.numbers import (
    SYMPY_ENTRY_BYTES,
    as_array,
    as_exact,
    as_numbers,
    as_scalar,
    first_not_finite,
    is_finite,
    is_symbolic,
    is_sympy,
    paired,
    read_dtype,
    to_sympy,
)
from convmatrix.exact.systems import inverse, solve

__all__ = [
    "SYMPY_ENTRY_BYTES",
    "as_array",
    "as_exact",
    "as_numbers",
    "as_scalar",
    "first_not_finite",
    "integer_rank",
    "inverse",
    "is_finite",
    "is_symbolic",
    "is_sympy",
    "nonzero_minor",
    "paired",
    "primitive",
    "rank",
    "rank_factors",
    "read_dtype",
    "separable_terms",
    "solve",
    "to_sympy",
]
