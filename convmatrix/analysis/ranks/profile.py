"""What is said of the rank of one matrix: exact or numerical or between bounds, and how its energy is spread."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix.analysis.facts import plain
from convmatrix.analysis.spectrum.measures import effective_ranks, energy_curves

_LISTED = 4096


@dataclass(frozen=True, eq=False)
class Profile:
    """The rank of a matrix, and measures of how far it is from being of a lower one.

    Attributes
    ----------
    name : str
        Which matrix: "operator", or an unfolding such as "c_out x (c_in h w)".
    shape : tuple of int
        Rows and columns.
    rank : int or None
        None where it is only known to be within `bounds`, or not at all.
    rank_kind : {"exact", "numerical", "interval", "not computed"}
        Proved; the number of singular values above `tol` times the largest; None with proved bounds; or None, of floats
        with too many singular values.
    tol : float or None
        Where the rank is numerical.
    bounds : tuple of int, or None
        Proved bounds of the rank, equal for an exact one; None for floats, whose rank depends on `tol`.
    proof : str
        What proves the bounds; empty where there are none.
    stable_rank : float or None
        The squared Frobenius norm over the squared largest singular value; the middle of `stable_bounds`. 0 of zeros.
    stable_bounds : tuple of float, or None
        Between which it certainly is, but for rounding.
    scaled : ndarray or None
        All `min(shape)` singular values over `2**exponent`, as computed, descending, read-only; None where they are too
        many.
    exponent : int
    condition : float or None
        Largest over smallest singular value; inf where the rank is below `min(shape)`.
    notes : tuple of str
        What is missing, and why.
    """

    name: str
    shape: tuple[int, int]
    rank: int | None
    rank_kind: str
    tol: float | None
    bounds: tuple[int, int] | None
    proof: str
    stable_rank: float | None
    stable_bounds: tuple[float, float] | None
    scaled: np.ndarray | None = field(default=None, repr=False)
    exponent: int = 0
    condition: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_full(self) -> bool | None:
        """Whether the rank is `min(shape)`; None where that is open."""
        if self.rank is not None:
            return self.rank == min(self.shape)
        return False if self.bounds is not None and self.bounds[1] < min(self.shape) else None

    @cached_property
    def values(self) -> np.ndarray | None:
        """The singular values themselves; None where there are too many, or one is beyond the range of floats."""
        return None if self.scaled is None else in_floats(self.scaled, self.exponent)

    @cached_property
    def effective_rank(self) -> float | None:
        """The exponential of the entropy of the singular values over their sum (Roy, Vetterli 2007); 0 of zeros."""
        return None if self.scaled is None else float(effective_ranks(self.scaled))

    @cached_property
    def energy(self) -> np.ndarray | None:
        """The share of the squares that the first r singular values have, for r from 1; 1 of zeros."""
        return None if self.scaled is None else energy_curves(self.scaled)

    def rank_for(self, share: float) -> int | None:
        """The least rank whose best approximation keeps this share of the energy."""
        if self.energy is None:
            return None
        return int(np.searchsorted(self.energy, share - 1e-15)) + 1 if share > 0 else 0

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; of values and energy the first 4096."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "rank": self.rank,
            "rank_kind": self.rank_kind,
            "tol": plain(self.tol),
            "bounds": plain(self.bounds),
            "proof": self.proof,
            "stable_rank": plain(self.stable_rank),
            "stable_bounds": plain(self.stable_bounds),
            "effective_rank": plain(self.effective_rank),
            "condition": plain(self.condition),
            "energy": None if self.energy is None else plain(self.energy[:_LISTED]),
            "values": None if self.values is None else plain(self.values[:_LISTED]),
            "notes": list(self.notes),
        }

    @property
    def rank_text(self) -> str:
        """The rank in words, with what it rests on."""
        most = min(self.shape)
        if self.rank_kind == "interval" and self.bounds is not None:
            return f"between {self.bounds[0]} and {self.bounds[1]} of {most}"
        if self.rank is None:
            return f"not computed, of {most}"
        kind = "exact" if self.rank_kind == "exact" else f"numerical, tol {self.tol:.2g}"
        return f"{self.rank} of {most}, {kind}"

    @property
    def measures_text(self) -> str:
        """The other measures in words."""
        found = [("stable", self.stable_rank), ("effective", self.effective_rank), ("condition", self.condition)]
        return ", ".join(f"{name} {value:.4g}" for name, value in found if value is not None)


def in_floats(scaled: np.ndarray, exponent: int) -> np.ndarray | None:
    """`scaled * 2**exponent`; None where that leaves the range of floats above.

    Examples
    --------
    >>> in_floats(np.array([0.5, 0.25]), 3), in_floats(np.array([0.5]), 5000)
    (array([4., 2.]), None)
    """
    with np.errstate(over="ignore", under="ignore"):
        values = np.ldexp(scaled, exponent)
    values.flags.writeable = False
    return values if np.isfinite(values).all() else None
