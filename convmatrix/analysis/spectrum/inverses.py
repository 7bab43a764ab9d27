"""Inverses that bring the ends of a spectrum to its front: what an iteration finds last, it finds first in them.

Two of them. `A^H A`, moved by a number just beyond its largest or smallest eigenvalue, tells those apart that are near
each other beside the whole spectrum, as on long inputs. Near 0 squares lose half the digits; there it is
`[[a I, A], [A^H, -a I]]`, which holds `A` itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property

import numpy as np
from scipy.sparse import block_array, csc_array, eye_array
from scipy.sparse.linalg import SuperLU, splu

from convmatrix.operators import TensorOperator

Vectors = np.ndarray
_ROUNDS = 14
_STEPS = 8
_NEAREST = 1e-9
"""Of the largest: as near to the end of the spectrum as a shift is brought."""
_SETTLED = 1e-12


class Inverses:
    """Of an operator with no fewer rows than columns, whose matrix and whose factors fit."""

    def __init__(self, op: TensorOperator) -> None:
        self._matrix = csc_array(op.tosparse())
        self.augmented = cache(self._augmented)
        self.beyond = cache(self._beyond)

    @cached_property
    def _gram(self) -> csc_array:
        return csc_array(self._matrix.conj().T @ self._matrix)

    @cached_property
    def top(self) -> float:
        """An upper bound on the norm."""
        sizes = abs(self._matrix)
        return float(np.sqrt(sizes.sum(axis=0).max(initial=0) * sizes.sum(axis=1).max(initial=0)))

    def _augmented(self, a: float) -> tuple[Callable[[Vectors], Vectors], Callable[[Vectors], Vectors]]:
        """`b` to `a^2 (A^H A + a^2)^-1 b`, which is 1 far below `a` and 0 far above; and to `A (A^H A + a^2)^-1 b`."""
        rows, columns = self._matrix.shape
        blocks = [[a * eye_array(rows), self._matrix], [self._matrix.conj().T, -a * eye_array(columns)]]
        factors = splu(csc_array(block_array(blocks)))

        def solved(b: Vectors) -> Vectors:
            zeros = np.zeros((rows, *b.shape[1:]), dtype=b.dtype)
            return np.asarray(factors.solve(np.concatenate([zeros, b]).astype(self._matrix.dtype)))

        return lambda b: -a * solved(b)[rows:], lambda b: solved(b)[:rows]

    def _beyond(self, sign: int) -> Callable[[Vectors], Vectors] | None:
        """The inverse of `shift - sign A^H A`, the shift just above the largest eigenvalue of `sign A^H A`.

        None if there is none: for the smallest, where those are too near 0.
        """
        bound = self.top**2
        shift = 1.0001 * bound if sign > 0 else 0.0
        factors = self._definite(shift, sign)
        if factors is None:
            return None
        vector = np.random.default_rng(0).standard_normal(self._gram.shape[0]).astype(self._gram.dtype)
        for _ in range(_ROUNDS):
            for _ in range(_STEPS):
                vector = factors.solve(vector)
                vector /= np.linalg.norm(vector)
            reached = sign * float(np.vdot(vector, self._gram @ vector).real)
            if shift - reached <= _NEAREST * bound:
                break
            for share in (0.05, 0.2, 0.5):
                nearer = reached + share * (shift - reached)
                found = self._definite(nearer, sign)
                if found is not None:
                    factors, shift = found, nearer
                    break
            else:
                break
        return factors.solve

    def _definite(self, shift: float, sign: int) -> SuperLU | None:
        """Factors of `shift - sign A^H A`; None where that is not positive definite."""
        moved = csc_array(shift * eye_array(self._gram.shape[0]) - sign * self._gram)
        try:
            factors = splu(moved, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        except RuntimeError:
            return None
        pivots = factors.U.diagonal().real
        is_definite = (factors.perm_r == factors.perm_c).all() and (pivots > _SETTLED * self.top**2).all()
        return factors if is_definite else None
