"""The ranks of the kernels of a layer, one for each output and input channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix.analysis.facts import plain
from convmatrix.analysis.ranks.profile import in_floats
from convmatrix.analysis.spectrum.measures import conditions, effective_ranks, energy_curves, stable_ranks


@dataclass(frozen=True, eq=False)
class KernelRanks:
    """Ranks of kernels as matrices, of each pair of channels that meet.

    A kernel of two axes is a matrix; of one axis it is a column, whose rank is 1 unless it is 0; of three and more its
    first axis makes the rows, the others the columns (`flatten` has all of its multilinear ranks).

    Attributes
    ----------
    matrix_shape : tuple of int
        Rows and columns of each.
    rank : ndarray of int of shape `(c_out, c_in/groups)`
        Of a transposed layer, as its weight, `(c_in, c_out/groups)`.
    rank_kind : {"exact", "numerical"}
    tol : float or None
        Relative to each kernel's own largest singular value, where ranks are numerical.
    scaled : ndarray of shape `(c_out, c_in/groups, min(matrix_shape))`
        Singular values over `2**exponent`, descending.
    exponent : int
    """

    matrix_shape: tuple[int, int]
    rank: np.ndarray
    rank_kind: str
    tol: float | None
    scaled: np.ndarray = field(repr=False)
    exponent: int

    @cached_property
    def values(self) -> np.ndarray | None:
        """The singular values themselves, of the shape of `scaled`; None where one is beyond the range of floats."""
        return in_floats(self.scaled, self.exponent)

    @cached_property
    def stable_rank(self) -> np.ndarray:
        """Squared Frobenius norm over squared largest singular value, of the shape of `rank`."""
        return np.asarray(stable_ranks(self.scaled))

    @cached_property
    def effective_rank(self) -> np.ndarray:
        """Exponential of the entropy of the singular values, of the shape of `rank`."""
        return effective_ranks(self.scaled)

    @cached_property
    def energy(self) -> np.ndarray:
        """Cumulative shares of the squared singular values, of the shape of `scaled`."""
        return energy_curves(self.scaled)

    @cached_property
    def condition(self) -> np.ndarray:
        """Largest over smallest singular value, inf below full rank, of the shape of `rank`."""
        return conditions(self.scaled, self.rank == min(self.matrix_shape))

    @property
    def counts(self) -> dict[int, int]:
        """How many kernels have each rank that occurs."""
        found, counts = np.unique(self.rank, return_counts=True)
        return dict(zip(found.tolist(), counts.tolist(), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types, of the measures their means."""
        finite = self.condition[np.isfinite(self.condition)]
        return {
            "matrix_shape": list(self.matrix_shape),
            "count": int(self.rank.size),
            "rank": self.rank.tolist(),
            "rank_kind": self.rank_kind,
            "tol": plain(self.tol),
            "counts": {str(rank): count for rank, count in self.counts.items()},
            "mean_stable_rank": float(self.stable_rank.mean()),
            "mean_effective_rank": float(self.effective_rank.mean()),
            "mean_energy": plain(self.energy.reshape(-1, self.energy.shape[-1]).mean(axis=0)),
            "largest_finite_condition": plain(float(finite.max())) if finite.size else None,
        }

    @property
    def rank_text(self) -> str:
        """The ranks in words."""
        kind = "exact" if self.rank_kind == "exact" else f"numerical, tol {self.tol:.2g}"
        counts = ", ".join(f"{count} of rank {rank}" for rank, count in self.counts.items())
        return f"{counts}, {kind}"
