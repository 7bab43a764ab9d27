"""Some singular values of an operator too large for a dense matrix: Lanczos on `A^H A`, then polished on `A` itself.

Squaring loses half the digits of small values; so the vectors alone are kept, and the values are those of `A` on their
span (Rayleigh and Ritz), which are off by the square of what the vectors are off, relative to the largest. An iteration
can miss a value, with the smallest residual: see `Triples.is_sure`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array, eye_array
from scipy.sparse.linalg import LinearOperator, eigsh, splu

from convmatrix.analysis.spectrum.triples import Triples
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator

METHOD = "Lanczos"
_SOLVED_ENTRIES = 4_000_000
"""Entries of a matrix up to which small values are sought with the factors of a sparse `A^H A`."""
_SHIFT = 1e-13
_ROUNDS = 20


def lanczos(op: TensorOperator, k: int, which: str, rng: np.random.Generator) -> Triples:
    """The `k` largest or smallest singular values with their vectors.

    Parameters
    ----------
    op : TensorOperator
        In float64 or complex128.
    k : int
        Below `min(op.shape)`.
    which : {"largest", "smallest"}
        Which of them.
    rng : numpy.random.Generator
        For the start.

    Raises
    ------
    ConvMatrixError
        If the iteration does not settle.
    """
    if op.shape[0] < op.shape[1]:
        return lanczos(op.H, k, which, rng).adjoint
    basis = _right_vectors(op, k, which, rng, None)
    for _ in range(_ROUNDS if which == "largest" else 0):
        more = _missed(op, basis, k, rng)
        if more is None:
            break
        basis = more
    return _on_span(op, basis, k, which)


def _right_vectors(
    op: TensorOperator, k: int, which: str, rng: np.random.Generator, without: np.ndarray | None
) -> np.ndarray:
    """Orthonormal columns near the right singular vectors sought; `without` are columns to stay away from."""
    count = op.shape[1]
    start = rng.standard_normal(count)
    if without is not None:
        start = start - without @ (np.conj(without).T @ start)
    options: dict[str, Any] = {"k": k, "v0": start, "ncv": min(count, max(2 * k + 10, 30))}
    if which == "smallest":
        options |= {"sigma": 0.0, "OPinv": _inverse(op)} if op.nnz <= _SOLVED_ENTRIES else {"which": "SA"}
    try:
        _, vectors = eigsh(_gram(op, without), **options)
    except Exception as error:
        if "converge" not in str(error):
            raise
        raise ConvMatrixError(
            f"k must be a number of singular values that Lanczos settles on, got {k} of {op!r}"
        ) from error
    return np.linalg.qr(vectors)[0]


def _gram(op: TensorOperator, without: np.ndarray | None) -> LinearOperator:
    adjoint = op.H

    def apply(v: np.ndarray) -> np.ndarray:
        squared = adjoint @ (op @ v)
        return squared if without is None else squared - without @ (np.conj(without).T @ squared)

    return LinearOperator((op.shape[1],) * 2, matvec=apply, dtype=op.dtype)


def _inverse(op: TensorOperator) -> LinearOperator:
    """The inverse of `A^H A`, a little moved so that it has one; whose largest eigenvalues are the smallest sought."""
    matrix = csc_array(op.tosparse())
    gram = csc_array(matrix.conj().T @ matrix)
    shift = _SHIFT * float(abs(gram).sum(axis=0).max())
    factors = splu(csc_array(gram + shift * eye_array(gram.shape[0])))
    return LinearOperator(gram.shape, matvec=factors.solve, dtype=gram.dtype)


def _missed(op: TensorOperator, basis: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray | None:
    """A larger basis, if away from this one there is a vector that a larger value belongs to than to one of these."""
    if basis.shape[1] + 1 >= op.shape[1]:
        return None
    least = np.sort(np.linalg.svd(op @ basis, compute_uv=False))[::-1][:k][-1]
    other = _right_vectors(op, 1, "largest", rng, basis)
    if np.linalg.norm(op @ other) <= least * (1 + 1e-9):
        return None
    return np.linalg.qr(np.concatenate([basis, other], axis=1))[0]


def _on_span(op: TensorOperator, basis: np.ndarray, k: int, which: str) -> Triples:
    left, values, right = np.linalg.svd(op @ basis, full_matrices=False)
    vectors = (basis @ np.conj(right).T).T.reshape(-1, *op.in_shape)
    found = Triples(values, METHOD, left.T.reshape(-1, *op.out_shape), vectors, False)
    return found.chosen(k, which)
