"""The profile of one operator: its rank, exact where its numbers are, and its singular values where affordable."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from convmatrix.analysis.norm.answer import spectral_norm
from convmatrix.analysis.ranks.exactly import exact_rank
from convmatrix.analysis.ranks.frobenius import frobenius
from convmatrix.analysis.ranks.integers import exactly
from convmatrix.analysis.ranks.killed import rounding_of
from convmatrix.analysis.ranks.profile import Profile
from convmatrix.analysis.spectrum.answer import singular_values
from convmatrix.analysis.spectrum.measures import conditions, stable_ranks
from convmatrix.analysis.spectrum.numbers import numerical
from convmatrix.analysis.spectrum.structure import stripped
from convmatrix.errors import MatrixTooLargeError
from convmatrix.exact.bounded import RankBounds
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution

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
        Relative to the largest singular value; by default `max(shape) * eps`.
    eps : float
        Of the type of the weight.
    is_exact : bool
        Whether ranks are exact.
    work : float
        The most multiplications of an elimination or a proof.
    width : float
        Of the enclosure of the norm where it is needed.
    """

    tol: float | None
    eps: float
    is_exact: bool
    work: float
    width: float

    def tol_for(self, shape: tuple[int, ...]) -> float:
        """The tolerance for a matrix of this shape."""
        return max(shape) * self.eps if self.tol is None else self.tol


def profile_of(op: TensorOperator, name: str, settings: Settings) -> Profile:
    """The profile of an operator, whatever its numbers are."""
    numbers = numerical(op)
    values, notes = all_values(numbers.op), []
    bounds = exact_rank(exactly(op), settings.work) if settings.is_exact else None
    tol: float | None = settings.tol_for(op.shape)
    assert tol is not None
    rank, kind = None, "not computed"
    if values is not None:
        rank, kind = count_above(numbers.op, values, tol), "numerical"
    if bounds is not None:
        rank, kind, note = _with_proof(rank, bounds, settings.work)
        notes += [note] if note else []
    if kind != "numerical":
        tol = None
    stable = _stable_bounds(numbers.op, values, settings.width)
    notes += [_TOO_MANY] if values is None else []
    notes += [_NO_RANK] if rank is None and bounds is None else []
    notes += [_NO_NORM] if stable is None else []
    return Profile(
        name=name,
        shape=op.shape,
        rank=rank,
        rank_kind=kind,
        tol=tol,
        bounds=None if bounds is None else (bounds.lower, bounds.upper),
        proof="" if bounds is None else bounds.proof,
        stable_rank=None if stable is None else stable[0] + (stable[1] - stable[0]) / 2,
        stable_bounds=stable,
        scaled=values,
        exponent=numbers.exponent,
        condition=_condition(op, rank, bounds, values),
        notes=tuple(notes),
    )


def all_values(op: TensorOperator) -> np.ndarray | None:
    """All singular values of an operator in floats, zeros where they are but rounding; None where they are too many."""
    try:
        values = singular_values(op).values
    except MatrixTooLargeError:
        return None
    return np.zeros_like(values) if values[0] <= _rounding(op) else values


def count_above(op: TensorOperator, values: np.ndarray, tol: float) -> int:
    """How many descending singular values are above `tol` times the largest, and above the rounding of a layer's."""
    return int(np.count_nonzero(values > max(tol * values[0], _rounding(op))))


def _rounding(op: TensorOperator) -> float:
    """What rounding may leave of the blocks of a layer whose taps cancel; 0 of products and sums."""
    own = stripped(op)
    core = own.core.of if isinstance(own.core, Transposed) else own.core
    return rounding_of(core) * abs(own.factor) if isinstance(core, Convolution) else 0.0


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
