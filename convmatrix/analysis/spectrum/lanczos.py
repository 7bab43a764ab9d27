"""Some singular values of an operator too large for a dense matrix: Lanczos on `A^H A`, then polished on `A` itself.

Squaring loses half the digits of small values; so the vectors alone are kept, and the values are those of `A` on their
span (Rayleigh and Ritz), which are off by the square of what the vectors are off, relative to the largest. An iteration
can miss a value, with the smallest residual: see `Triples.is_sure`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh, lsqr

from convmatrix.analysis.spectrum.inverses import Inverses
from convmatrix.analysis.spectrum.triples import Triples
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator
from convmatrix.parallel import single_threaded_algebra

METHOD = "Lanczos"
_SOLVED_ENTRIES = 4_000_000
"""Entries of a matrix up to which values are sought with the factors of a sparse inverse."""
_ROUNDS = 20
_RESTARTS = 20
"""Of an iteration without an inverse, before one with an inverse is begun."""
_LEVELS = (1e-10, 1e-6, 1e-2)
"""Shares of the norm: values up to a thousand times each are told apart by the inverse that is moved by it."""
_FAR = 1e-2
"""Of the norm: values above are told apart by an inverse of `A^H A`."""
_ZERO = 1e-12
"""Of the norm: a value whose left vector any null vector may be."""
_SETTLED = 1e-14


def lanczos(op: TensorOperator, k: int, which: str, rng: np.random.Generator) -> Triples:
    """The `k` largest or smallest singular values with their vectors.

    Parameters
    ----------
    op : TensorOperator
        In float64 or complex128.
    k : int
        Below `min(op.shape) - 1`.
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
    return _Iteration(op, which, rng).triples(k)


class _Iteration:
    def __init__(self, op: TensorOperator, which: str, rng: np.random.Generator) -> None:
        self.op, self.which, self.rng, self.adjoint = op, which, rng, op.H
        self.inverses = Inverses(op) if op.nnz <= _SOLVED_ENTRIES else None

    def triples(self, k: int) -> Triples:
        basis = self._vectors(np.zeros((self.op.shape[1], 0)), k)
        for _ in range(_ROUNDS):
            more = self._missed(basis, k)
            if more is None:
                break
            basis = more
        right, values = self._sorted(basis, k)
        left, right = self._both_sides(right, values)
        inner, values, outer = np.linalg.svd(np.conj(left).T @ (self.op @ right))
        left, right = left @ inner, right @ np.conj(outer).T
        return Triples(
            values, METHOD, left.T.reshape(-1, *self.op.out_shape), right.T.reshape(-1, *self.op.in_shape), False
        )

    def _sorted(self, basis: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The right vectors in the span of a basis that are sought, and their values."""
        _, values, right = np.linalg.svd(self.op @ basis, full_matrices=False)
        part = slice(0, k) if self.which == "largest" else slice(len(values) - k, len(values))
        return basis @ np.conj(right[part]).T, values[part]

    def _missed(self, basis: np.ndarray, k: int) -> np.ndarray | None:
        """A larger basis, if away from this one there is a vector that should be among those sought."""
        if basis.shape[1] + 2 >= self.op.shape[1]:
            return None
        _, values = self._sorted(basis, k)
        other = self._vectors(basis, 1)
        length = float(np.linalg.norm(self.op @ other))
        near = 1e-9 * max(float(values[0]), length)
        is_further = length > values[-1] + near if self.which == "largest" else length < values[0] - near
        return np.linalg.qr(np.concatenate([basis, other], axis=1))[0] if is_further else None

    # -- right vectors ------------------------------------------------------------------------------------------------

    def _vectors(self, without: np.ndarray, k: int) -> np.ndarray:
        """Orthonormal columns near the right singular vectors sought, away from the columns of `without`."""
        if not self._size:
            found = self.rng.standard_normal((self.op.shape[1], k))
        else:
            found = self._smallest(without, k) if self.which == "smallest" else self._largest(without, k)
        return np.linalg.qr(_away(found, without))[0]

    def _largest(self, without: np.ndarray, k: int) -> np.ndarray:
        restarts = None if self.inverses is None else _RESTARTS
        try:
            return self._front(self._squared, without, k, maxiter=restarts)
        except ArpackError as error:
            inverse = self.inverses.beyond(1) if self.inverses is not None else None
            if inverse is None:
                raise self._unsettled(k) from error
        return self._settled(inverse, without, k)

    def _smallest(self, without: np.ndarray, k: int) -> np.ndarray:
        if self.inverses is None:
            # Of what is away from `without` alone: that has the eigenvalue 0 here.
            above = 1.1 * self._size**2
            return self._settled(lambda v: above * v - self._squared(v), without, k)
        inverse = self.inverses.beyond(-1)
        if inverse is not None:
            found = self._settled(inverse, without, k)
            if np.linalg.norm(self.op @ found, axis=0).min() >= _FAR * self.inverses.top:
                return found
        known = without
        for level in _LEVELS:
            wanted = k + without.shape[1] - known.shape[1]
            filtered, _ = self.inverses.augmented(level * self.inverses.top)
            if level == _LEVELS[-1]:
                found = self._settled(filtered, known, wanted)
            else:
                try:
                    found = self._front(filtered, known, wanted, maxiter=_RESTARTS, tol=1e-12)
                except ArpackNoConvergence as error:
                    found = np.reshape(error.eigenvectors, (self.op.shape[1], -1))
                found = np.linalg.qr(_away(found, known))[0]
                _, values, right = np.linalg.svd(self.op @ found, full_matrices=False)
                found = found @ np.conj(right[values <= 1e3 * level * self.inverses.top]).T
            known = np.concatenate([known, found], axis=1)
            if known.shape[1] >= k + without.shape[1]:
                break
        return known[:, without.shape[1] :]

    def _squared(self, v: np.ndarray) -> np.ndarray:
        return np.asarray(self.adjoint @ (self.op @ v))

    def _settled(self, apply: Callable[[np.ndarray], np.ndarray], without: np.ndarray, k: int) -> np.ndarray:
        try:
            return self._front(apply, without, k)
        except ArpackError as error:
            raise self._unsettled(k) from error

    def _unsettled(self, k: int) -> ConvMatrixError:
        return ConvMatrixError(f"k must be a number of singular values that Lanczos settles on, got {k} of {self.op!r}")

    def _front(
        self, apply: Callable[[np.ndarray], np.ndarray], without: np.ndarray, k: int, **options: Any
    ) -> np.ndarray:
        """Vectors of the `k` largest eigenvalues of `apply` between projections away from `without`."""
        count = self.op.shape[1]
        start = _away(self.rng.standard_normal(count), without)
        if not np.any(apply(start)):
            # All eigenvalues are 0, which ARPACK refuses.
            return np.linalg.qr(_away(self.rng.standard_normal((count, k)), without))[0]

        def between(v: np.ndarray) -> np.ndarray:
            return _away(apply(_away(v, without)), without)

        matrix = LinearOperator((count, count), matvec=between, dtype=self.op.dtype)
        options = {"which": "LM", "k": k, "v0": start, "ncv": min(count, max(2 * k + 10, 30)), **options}
        # Threads that wait for each other take longer than steps of an iteration.
        with single_threaded_algebra():
            return np.asarray(eigsh(matrix, **options)[1])

    # -- left vectors -------------------------------------------------------------------------------------------------

    def _both_sides(self, right: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bases of the left and the right vectors.

        `A v` is far from the left vector of a small value, relatively: it is freed of what `A^H` takes out of the span
        of the right ones. Of a value of 0 any vector may be begun with.
        """
        top = self._size
        image = self.op @ right
        zeros = values <= _ZERO * top
        image[:, zeros] = self.rng.standard_normal((self.op.shape[0], int(zeros.sum())))
        # The largest first: a part of theirs in a small one's is larger than all of it.
        left = np.linalg.qr(image / (np.linalg.norm(image, axis=0) + (top == 0)))[0]
        for _ in range(6):
            taken = self.adjoint @ left
            rest = taken - right @ (np.conj(right).T @ taken)
            if np.linalg.norm(rest, axis=0).max(initial=0) <= _SETTLED * top:
                break
            left = np.linalg.qr(left - self._reached_by(rest, top))[0]
        return left, right

    def _reached_by(self, rest: np.ndarray, top: float) -> np.ndarray:
        """The shortest `d` with `A^H d = rest`."""
        if self.inverses is not None:
            return self.inverses.augmented(_LEVELS[0] * top)[1](rest)
        return np.stack([lsqr(self.adjoint, own, atol=1e-14, btol=1e-14)[0] for own in rest.T], axis=1)

    @cached_property
    def _size(self) -> float:
        """The norm, about."""
        if self.inverses is not None:
            return self.inverses.top
        vector = self.rng.standard_normal(self.op.shape[1])
        for _ in range(20):
            vector = self._squared(vector)
            vector = vector / (np.linalg.norm(vector) or 1.0)
        return float(np.linalg.norm(self.op @ vector))


def _away(vectors: np.ndarray, without: np.ndarray) -> np.ndarray:
    return vectors - without @ (np.conj(without).T @ vectors) if without.shape[1] else vectors
