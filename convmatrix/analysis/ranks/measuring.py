"""The profile of one operator: its rank, exact where its numbers are, and its singular values where affordable."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from convmatrix.analysis.norm.answer import spectral_norm
from convmatrix.analysis.ranks.exactly import exact_rank
from convmatrix.analysis.ranks.frobenius import frobenius
from convmatrix.analysis.ranks.integers import exactly
from convmatrix.analysis.ranks.profile import Profile
from convmatrix.analysis.ranks.tolerance import ZEROS, count_above, is_zero, values_and_tol
from convmatrix.analysis.spectrum.measures import conditions, stable_ranks
from convmatrix.analysis.spectrum.numbers import numerical
from convmatrix.exact.bounded import RankBounds
from convmatrix.operators import TensorOperator

_TOO_MANY = (
    "There are too many singular values to find them all, so that the effective rank, the energy and the condition "
    "are not known: singular_values(op, k) finds some."
)
_NO_RANK = "Without them there is no numerical rank: exact=True finds the exact one of floats as they are."
_NO_NORM = "The stable rank is not known, because the squares of the entries of this product or sum are too many."


class Settings(NamedTuple):
    """How ranks are to be found.

    Attributes
    ----------
    tol : float or None
        Relative to the largest singular value, as it was given.
    eps : float
        Of the type of the weight.
    is_exact : bool or None
        Whether ranks are exact; None where those of zeros are.
    work : float
        The most multiplications of an elimination or a proof.
    width : float
        Of the enclosure of the norm where it is needed.
    """

    tol: float | None
    eps: float
    is_exact: bool | None
    work: float
    width: float

    def tol_for(self, shape: tuple[int, ...]) -> float:
        """The tolerance for a matrix of this shape whose entries are as they were given."""
        return max(shape) * self.eps if self.tol is None else self.tol


def profile_of(op: TensorOperator, name: str, settings: Settings) -> Profile:
    """The profile of an operator, whatever its numbers are."""
    numbers = numerical(op)
    values, tol = values_and_tol(numbers.op, settings.tol, settings.eps)
    bounds = _bounds(op, numbers.op, settings)
    rank, kind, notes = None, "not computed", []
    if values is not None:
        rank, kind = count_above(values, tol), "numerical"
    if bounds is not None:
        rank, kind, note = _with_proof(rank, bounds, settings.work)
        notes += [note] if note else []
    stable = _stable_bounds(numbers.op, values, settings.width)
    notes += [_TOO_MANY] if values is None else []
    notes += [_NO_RANK] if rank is None and bounds is None else []
    notes += [_NO_NORM] if stable is None else []
    return Profile(
        name=name,
        shape=op.shape,
        rank=rank,
        rank_kind=kind,
        tol=tol if kind == "numerical" else None,
        bounds=None if bounds is None else (bounds.lower, bounds.upper),
        proof="" if bounds is None else bounds.proof,
        stable_rank=None if stable is None else stable[0] + (stable[1] - stable[0]) / 2,
        stable_bounds=stable,
        scaled=values,
        exponent=numbers.exponent,
        condition=_condition(op, rank, bounds, values),
        notes=tuple(notes),
    )


def _bounds(op: TensorOperator, floats: TensorOperator, settings: Settings) -> RankBounds | None:
    if settings.is_exact:
        return exact_rank(exactly(op), settings.work)
    return RankBounds(0, 0, ZEROS) if settings.is_exact is None and is_zero(floats) else None


def _with_proof(rank: int | None, bounds: RankBounds, work: float) -> tuple[int | None, str, str]:
    """The rank, of what kind it is, and what is to be said of it, from a numerical one and proved bounds."""
    if bounds.is_exact:
        return bounds.lower, "exact", ""
    note = f"The exact rank was not found; it is proved to be between {bounds.lower} and {bounds.upper}"
    note += "." if math.isinf(work) else ": pass exact=True to wait for it."
    if rank is None:
        return None, "interval", note
    return min(max(rank, bounds.lower), bounds.upper), "numerical", note


def _condition(
    op: TensorOperator, rank: int | None, bounds: RankBounds | None, values: np.ndarray | None
) -> float | None:
    most = min(op.shape)
    if (bounds is not None and bounds.upper < most) or (rank is not None and rank < most):
        return float("inf")
    return None if values is None else float(conditions(values, True))


def _stable_bounds(op: TensorOperator, values: np.ndarray | None, width: float) -> tuple[float, float] | None:
    if values is not None:
        found = float(stable_ranks(values))
        return found, found
    norm = frobenius(op)
    if norm is None:
        return None
    enclosure = spectral_norm(op, width)
    if not enclosure.upper:
        return 0.0, 0.0
    upper = (norm / enclosure.lower) ** 2 if enclosure.lower else float(min(op.shape))
    return max((norm / enclosure.upper) ** 2, 1.0), min(upper, float(min(op.shape)))
