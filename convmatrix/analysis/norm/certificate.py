"""Proofs that no singular value of a matrix exceeds a number, by Cholesky factors, with all rounding counted.

If the floating-point factorisation of a Hermitian `A` of size `N` runs to its end, its factors multiply to `A + E` with
`|E| <= gamma_{N+1} |L| |L^H|`, so that `A` is positive semidefinite but for `gamma_{N+1} trace(A)` (Higham, Accuracy
and Stability of Numerical Algorithms, theorem 10.3; Rump, Verification of positive definiteness, BIT 46, 2006). Taken
of `mu^2 I - C^H C`, this bounds the largest singular value of `C`. The order of the sums does not matter, so neither do
blocks nor threads.
"""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.norm.underflow import TINY
from convmatrix.analysis.spectrum.numbers import UNIT, gamma

_COMPLEX = 4
"""Roundings of a complex operation for one of a real one."""
_BLOCK = 1024
"""Rows and columns that are factorised at a time."""


def shift_for(
    target: float, size: int, spread: float, terms: float, is_complex: bool, bandwidth: int | None = None
) -> float:
    """The `mu^2` whose `mu^2 I - gram`, if its factorisation succeeds, proves `norm <= target`; negative if none does.

    Parameters
    ----------
    target : float
        What is to be proved of the largest singular value.
    size : int
        Rows of the Gram matrix.
    spread : float
        A bound on the norm of the magnitudes of the products that were added up, `| |B|^H |B| |`: of a matrix `B` that
        was multiplied out, the trace of its Gram matrix as computed.
    terms : float
        Products that each entry of it adds up.
    is_complex : bool
        Whether it is complex.
    bandwidth : int, optional
        Diagonals below the main one that hold all of it, by default as many as there are.
    """
    if not target > 0:
        return -1.0
    each = _COMPLEX if is_complex else 1
    rounded = 2 * gamma(each * (terms + 2)) * spread
    below = size - 1 if bandwidth is None else bandwidth
    # |L| |L^H| has 2 below + 1 diagonals of at most mu^2, and each of its entries adds up at most below + 1 products.
    margin = 1 + 2 * min(size, 2 * below + 1) * gamma(each * (below + 5))
    lost = 8 * each * size * (size + terms) * TINY * max(1.0, target)
    return (target * target * (1 - 8 * UNIT) - rounded - lost) / margin * (1 - 8 * UNIT)


def batch_is_proved(blocks: np.ndarray, target: float) -> bool:
    """Whether all matrices `(..., rows, columns)` are proved to have no singular value above `target`."""
    rows, columns = blocks.shape[-2:]
    adjoint = np.conj(np.swapaxes(blocks, -1, -2))
    grams = blocks @ adjoint if rows <= columns else adjoint @ blocks
    size = min(rows, columns)
    diagonals = np.einsum("...ii->...i", grams)
    traces = diagonals.real.sum(axis=-1)
    shift = shift_for(target, size, float(traces.max(initial=0)), max(rows, columns), blocks.dtype.kind == "c")
    if not shift > 0:
        return False
    np.negative(grams, out=grams)
    diagonals += shift
    if size == 1:
        return bool((diagonals.real > 0).all())
    try:
        np.linalg.cholesky(grams)
    except np.linalg.LinAlgError:
        return False
    return True


def gram_is_proved(gram: np.ndarray, target: float, terms: float, spread: float) -> tuple[bool, np.ndarray | None]:
    """Whether the matrix behind one large Gram matrix, which is overwritten, has no singular value above `target`.

    Parameters
    ----------
    gram : ndarray of shape `(size, size)`
        As computed.
    target, terms, spread
        See `shift_for`.

    Returns
    -------
    bool
        Whether that is proved.
    ndarray or None
        If not, a vector `z` with `z^H gram z` about `target^2 z^H z` or more, where the factorisation shows one.
    """
    size = len(gram)
    diagonal = gram.reshape(-1)[:: size + 1]
    shift = shift_for(target, size, spread, terms, gram.dtype.kind == "c")
    if not shift > 0:
        return False, None
    np.negative(gram, out=gram)
    diagonal += shift
    failed = _factorised(gram)
    return (True, None) if failed is None else (False, _witness(gram, failed))


def _factorised(matrix: np.ndarray) -> int | None:
    """The Cholesky factor of a Hermitian matrix in its lower triangle, in place; None, or the row that stops it.

    By columns of blocks, and within the rows that are not 0 before: the factor is 0 left of the first entry of a row.
    LAPACK's own, of more than some 16,000 rows, ends in a segmentation fault in some builds.
    """
    from scipy.linalg import get_blas_funcs, get_lapack_funcs

    size = len(matrix)
    (factorise,) = get_lapack_funcs(("potrf",), (matrix,))
    (divide,) = get_blas_funcs(("trsm",), (matrix,))
    turned = 2 if matrix.dtype.kind == "c" else 1
    first = _first_entries(matrix)
    for start in range(0, size, _BLOCK):
        stop = min(start + _BLOCK, size)
        low, last = int(first[start:stop].min()), int(np.searchsorted(first, stop))
        if low < start:
            before = np.conj(matrix[start:stop, low:start]).T
            matrix[start:last, start:stop] -= matrix[start:last, low:start] @ before
        factor, failed = factorise(np.asfortranarray(matrix[start:stop, start:stop]), lower=1, overwrite_a=1, clean=1)
        matrix[start:stop, start:stop] = factor
        if failed:
            return start + failed - 1
        if last > stop:
            matrix[stop:last, start:stop] = divide(
                1.0, factor, matrix[stop:last, start:stop], side=1, lower=1, trans_a=turned
            )
    return None


def _first_entries(matrix: np.ndarray) -> np.ndarray:
    """Of every row a column before which it, and all rows below it, are 0: ascending."""
    first = np.array([int(np.argmax(row != 0)) if row.any() else number for number, row in enumerate(matrix)])
    return np.minimum.accumulate(np.minimum(first, np.arange(len(matrix)))[::-1])[::-1]


def _witness(factor: np.ndarray, row: int) -> np.ndarray:
    """A vector that shows that the leading minor with one more row is not positive, from the factor of those before."""
    from scipy.linalg import solve_triangular

    witness = np.zeros(len(factor), dtype=factor.dtype)
    witness[row] = 1
    if row:
        own = np.conj(factor[row, :row])
        witness[:row] = -solve_triangular(factor[:row, :row], own, lower=True, trans=2)
    return witness


def rounded_up(value: float, times: int = 4) -> float:
    """A float not below `value` times a few roundings."""
    return math.nextafter(value * (1 + times * UNIT), math.inf) if value > 0 else value


def rounded_down(value: float, times: int = 4) -> float:
    """A float not above it."""
    return max(math.nextafter(value * (1 - times * UNIT), -math.inf), 0.0)
