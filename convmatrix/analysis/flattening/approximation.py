"""The rank-1 filter nearest to a given one, with its error: in floats for whole batches, and exactly."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.flattening import rational
from convmatrix.analysis.flattening.nearest import nearest_rank_one
from convmatrix.analysis.flattening.unfolding import error_bounds, largest_side, scaled, spectra, unfold
from convmatrix.analysis.separability.spectrum import exact_spectrum
from convmatrix.errors import ConvMatrixError

EXACT_SIDE = 9
"""The largest shorter side of an unfolding whose singular values are asked for exactly."""
EXACT_ENTRIES = 1000
"""Entries with radicals up to which the exact error is written out."""
_FAINT, _FLOAT_SLACK = Decimal("1e-20"), 1e-15


@dataclass(frozen=True, eq=False)
class Approximation:
    """`scale * outer(*factors)` and how far it is from the filter.

    Attributes
    ----------
    scale : float or Fraction
        At least 0; of a batch an array of them.
    factors : tuple of ndarray
        One vector an axis; of a batch `(*batch, axis)`.
    given_error : float, SymPy expression or None
        The Frobenius norm of the difference.
    squared : Fraction
        Its square, where that is what is known.
    """

    scale: Any
    factors: tuple[np.ndarray, ...]
    given_error: Any = None
    squared: Fraction = Fraction(0)

    @cached_property
    def error(self) -> Any:
        """The Frobenius norm of the difference; SymPy's root of a square that is known."""
        if self.given_error is not None:
            return self.given_error
        import sympy

        return sympy.sqrt(exact.to_sympy(self.squared))


def of_floats(filters: np.ndarray, axes: int) -> Approximation:
    """Of filters in floats, over the batch in front: unit vectors, and the norm of what they leave, entry by entry.

    Examples
    --------
    >>> found = of_floats(np.array([[[3.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]]), 3)
    >>> found.scale, found.error
    (3.0, 1.0)
    """
    batch = filters.shape[: filters.ndim - axes]
    small, exponents = scaled(filters, axes)
    scale, factors = nearest_rank_one(small.reshape(math.prod(batch), *small.shape[len(batch) :]))
    shaped = tuple(own.reshape(*batch, own.shape[-1]) for own in factors)
    error = np.linalg.norm((small - product(scale.reshape(batch), shaped)).reshape(*batch, -1), axis=-1)
    scale, error = _fitting(scale.reshape(batch), exponents), _fitting(error, exponents)
    return Approximation(scale, shaped, error) if batch else Approximation(float(scale), shaped, float(error))


def as_floats(filters: np.ndarray) -> np.ndarray:
    """Filters of numbers in floats.

    Raises
    ------
    ConvMatrixError
        If an entry is beyond a float.
    """
    if filters.dtype.kind in "fc":
        return filters
    return exact.as_numbers(filters, np.float64, "filter")


def product(scale: np.ndarray, factors: tuple[np.ndarray, ...]) -> np.ndarray:
    """`scale` times the outer product of the factors, over a batch in front."""
    axes = len(factors)
    result = np.asarray(scale)[(..., *(None,) * axes)]
    for axis, factor in enumerate(factors):
        result = result * factor[(..., *(None,) * axis, slice(None), *(None,) * (axes - axis - 1))]
    return result


def ranks_and_bounds(filters: np.ndarray, axes: int, tol: float) -> tuple[np.ndarray, np.ndarray]:
    """Numerical multilinear ranks `(*batch, axes)` and lower bounds of the rank-1 error `(*batch,)`."""
    small, exponents = scaled(filters, axes)
    values = spectra(small, axes)
    ranks = np.stack([(own > tol * own[..., :1]).sum(axis=-1) for own in values], axis=-1)
    bounds = _grown(error_bounds(values, largest_side(filters.shape[filters.ndim - axes :])), exponents)
    return ranks, np.minimum(bounds, sys.float_info.max)


def of_rationals(filter: np.ndarray) -> Approximation:
    """Of a filter of integers and fractions: whole vectors, and the exact error of just these."""
    scale, factors, squared = rational.nearest_in_whole_numbers(filter)
    return Approximation(scale, factors, squared=squared)


def of_numbers(filter: np.ndarray) -> Approximation:
    """Of a filter of SymPy numbers: whole vectors near those of its floats, and the exact error of just these.

    Of complex numbers, and of more than `EXACT_ENTRIES`, all is in floats.
    """
    import sympy

    if not all(value.is_real for value in filter.flat) or filter.size > EXACT_ENTRIES:
        kind = np.float64 if all(value.is_real for value in filter.flat) else np.complex128
        return of_floats(exact.as_numbers(filter, kind, "filter"), filter.ndim)
    floats = exact.as_exact(exact.as_numbers(filter, np.float64, "filter"))
    scale, factors, _ = rational.nearest_in_whole_numbers(floats)
    near = rational.outer(scale, factors)
    rest = [value - exact.to_sympy(own) for value, own in zip(filter.flat, near.flat, strict=True)]
    return Approximation(scale, factors, sympy.sqrt(sympy.expand(sympy.Add(*(value**2 for value in rest)))))


def exact_bound(filter: np.ndarray) -> tuple[Any, str]:
    """The lower bound of the rank-1 error of rationals, and its form: that of the singular values it is made of.

    The largest, over the unfoldings, of `sqrt(|filter|^2 - sigma_1^2)`. Where an unfolding has more than `EXACT_SIDE`
    rows and columns it is a float, with what it may be rounded by taken off.
    """
    import sympy

    if not any(filter.flat):
        return exact.to_sympy(0), "radicals"
    found = []
    for mode in range(filter.ndim):
        matrix = unfold(filter, mode, filter.ndim)
        own = exact_spectrum(matrix, exact.separable_terms(matrix)) if min(matrix.shape) <= EXACT_SIDE else None
        if own is None:
            return float_bound(filter), "floats"
        found.append(own)
    rests = [_length(own.decimals[1:]) for own in found]
    most = max(range(len(found)), key=lambda mode: rests[mode])
    if rests[most] < _FAINT * found[most].decimals[0]:
        # The digits of such a difference would take long to come by.
        return float(rests[most]) * (1 - _FLOAT_SLACK), "floats"
    squared = exact.to_sympy(rational.squared_norm(filter))
    return sympy.sqrt(sympy.expand(squared - found[most].squares[0])), found[most].form


def _length(values: Sequence[Decimal]) -> Decimal:
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 30, 10**9, -(10**9)
        return sum((value * value for value in values), Decimal(0)).sqrt()


def float_bound(filter: np.ndarray) -> float:
    """The same in floats, of a filter of rationals."""
    small, largest = rational.as_floats(filter)
    bound = float(error_bounds(spectra(small, small.ndim), largest_side(small.shape)))
    try:
        return float(Fraction(bound) * largest)
    except OverflowError:
        return sys.float_info.max


def number_bound(filter: np.ndarray) -> float:
    """The same in floats, of a filter of SymPy numbers, whose own rounding is within what is taken off."""
    return float(ranks_and_bounds(exact.as_numbers(filter, np.complex128, "filter"), filter.ndim, 0.0)[1])


def _grown(values: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(values, exponents))


def _fitting(values: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """The same, refused where it is more than a float holds."""
    full = _grown(values, exponents)
    if not np.isfinite(full).all():
        power = math.floor((float(np.log2(values.max())) + int(exponents.max())) * math.log10(2))
        raise ConvMatrixError(f"filter must have a norm that fits a float64, got one of about 1e{power}")
    return full
