"""What `flatten` found of one filter."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.facts import as_html, as_text
from convmatrix.analysis.flattening import approximation, display, rational, symbols
from convmatrix.analysis.flattening.approximation import Approximation
from convmatrix.analysis.flattening.unfolding import unfold
from convmatrix.analysis.separability.certificate import Certificate
from convmatrix.errors import SymbolicError

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Flattening:
    """Whether a filter is an outer product of vectors, one an axis, and the nearest such product.

    Proved are, of an exact filter: the ranks, the factors of a filter of rank 1, the certificate, the conditions, the
    error of the very factors that are given, and that no rank-1 filter comes nearer than `error_bound`. Not proved is
    that no other rank-1 filter comes nearer than `error`, except where `is_best`: to find the nearest is NP-hard.

    Attributes
    ----------
    filter : ndarray
        The filter, read-only.
    multilinear_rank : tuple of int
        The rank of every unfolding: axis `mode` as rows, the other axes, in order and row-major, as columns.
    rank_kind : {"exact", "numerical", "generic"}
        Of integers, fractions and algebraic numbers; of floats, and where a `tol` was given; of symbols, where special
        values may give less.
    tol : float or None
        Of a numerical rank: singular values up to `tol` times the largest of their unfolding count as 0.
    certificate : Certificate or None
        A 2x2 minor that is not 0 of the unfolding of its `mode`; None for floats and for rank 1.
    conditions : tuple of SymPy expressions or None
        What must be 0 for the filter to be of rank 1: `()` nothing, `(1,)` never; None without symbols.
    solutions : tuple of dict or None
        Symbols to expressions that meet the conditions, wherever these do not divide by 0; None without symbols.
    solutions_complete : bool or None
        Whether, beside values that make 0 what they divide by, there are no other solutions; None without symbols.

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = cm.flatten("1 2; 2 4 | 3 6; 6 12")
    >>> found.is_rank_one, found.scale, [factor.tolist() for factor in found.factors]
    (True, Fraction(1, 1), [[1, 3], [1, 2], [1, 2]])
    """

    filter: np.ndarray
    multilinear_rank: tuple[int, ...]
    rank_kind: str
    tol: float | None = None
    certificate: Certificate | None = None
    conditions: tuple[Any, ...] | None = None
    solutions: tuple[dict[Any, Any], ...] | None = None
    solutions_complete: bool | None = None
    _known: Approximation | None = field(default=None, repr=False)
    _bound: float | None = field(default=None, repr=False)

    @property
    def is_rank_one(self) -> bool:
        """Whether no unfolding has a rank above 1; so the zero filter is."""
        return max(self.multilinear_rank) <= 1

    @property
    def scale(self) -> Any:
        """The number before the outer product, at least 0 where it is a number; None if symbols leave it open.

        Of rationals a `Fraction`.
        """
        return None if self._nearest is None else self._nearest.scale

    @property
    def factors(self) -> tuple[np.ndarray, ...] | None:
        """The vectors of the filter itself, if it is of rank 1, or of the nearest rank-1 filter found.

        Of rationals primitive integer vectors; all but the last begin with a positive entry. Of floats unit vectors;
        all but the last are positive at their largest entry. None if symbols leave them open.
        """
        return None if self._nearest is None else self._nearest.factors

    @property
    def error(self) -> Any:
        """Frobenius norm of the filter less `scale * outer(*factors)`; of exact filters an exact SymPy number.

        Of floats, and of complex SymPy numbers of a higher rank, a float; None where symbols leave it open.
        """
        return None if self._nearest is None else self._nearest.error

    @property
    def error_bound(self) -> Any:
        """The Frobenius error that no rank-1 filter goes below; a SymPy number, or a float where `bound_form` says so.

        The largest, over the unfoldings, of `sqrt(sigma_2^2 + sigma_3^2 + ...)`; in floats, less what rounding may have
        added.
        """
        return self._bounded[0]

    @property
    def bound_form(self) -> str | None:
        """Of the bound: "radicals", "algebraic numbers" or "floats"; None with symbols."""
        return self._bounded[1]

    @cached_property
    def is_best(self) -> bool:
        """Whether no other rank-1 filter is nearer, because `error` is `error_bound` (in floats, to rounding).

        False means that it is not known.
        """
        if self.error is None or self.error_bound is None:
            return False
        if self.rank_kind == "numerical":
            size = float(np.hypot(self.error, self.scale))
            return bool(self.error - self.error_bound <= (self._slack + _ROUNDING) * size)
        return bool(self.error == self.error_bound)

    @property
    def _slack(self) -> float:
        return self.tol or 0.0

    @cached_property
    def _nearest(self) -> Approximation | None:
        if self._known is not None:
            return self._known
        if self.rank_kind == "numerical":
            return approximation.of_floats(approximation.as_floats(self.filter), self.filter.ndim)
        if not exact.is_symbolic(self.filter):
            return approximation.of_rationals(self.filter)
        if self.is_rank_one:
            return Approximation(*symbols.symbolic_factors(self.filter))
        return approximation.of_numbers(self.filter) if self.conditions is None else None

    @cached_property
    def _bounded(self) -> tuple[Any, str | None]:
        if self._bound is not None:
            return self._bound, "floats"
        if self.rank_kind != "numerical" and self.is_rank_one:
            return exact.to_sympy(0), "radicals"
        if not exact.is_symbolic(self.filter):
            return approximation.exact_bound(self.filter)
        return (approximation.number_bound(self.filter), "floats") if self.conditions is None else (None, None)

    def unfolding(self, mode: int) -> np.ndarray:
        """The matrix of a mode, in which `certificate.minor` finds its entries.

        >>> import convmatrix as cm
        >>> found = cm.flatten("1 0; 0 0 | 0 0; 0 1")
        >>> print(found.certificate)
        K_(0)[0,0] K_(0)[1,3] - K_(0)[0,3] K_(0)[1,0] = 1
        >>> found.certificate.minor(found.unfolding(0))
        1
        """
        return unfold(self.filter, mode, self.filter.ndim)

    def approximate(self) -> np.ndarray:
        """`scale * outer(*factors)`, of the filter's shape.

        Raises
        ------
        SymbolicError
            If symbols leave the factors open.
        """
        if self._nearest is None:
            raise SymbolicError(
                f"filter must be of rank 1 whatever the symbols, or without them, to be approximated, "
                f"got the conditions {display.conditions(self)}"
            )
        scale, factors = self._nearest.scale, self._nearest.factors
        if isinstance(scale, (float, np.floating)):
            near = approximation.product(np.asarray(scale), factors)
            return near.astype(self.filter.dtype) if self.filter.dtype.kind in "fc" else near
        return exact.as_array(rational.outer(scale, factors))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; fractions, symbols and complex numbers as text."""
        return display.to_dict(self)

    def to_latex(self) -> str:
        """The outer product, or the nearest one with its error, or the conditions, as LaTeX without delimiters."""
        return display.to_latex(self)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.filter.shape))
        return f"Flattening({size} filter, multilinear rank {self.multilinear_rank}, {self.rank_kind})"

    def __str__(self) -> str:
        return as_text(display.headline(self), display.rows(self))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"

    def _repr_html_(self) -> str:
        return as_html(display.headline(self), display.rows(self))


def exact_flattening(filter: np.ndarray, ranks: tuple[int, ...] | None = None) -> Flattening:
    """The flattening of a filter of integers and fractions; `ranks` where they are known."""
    factors = rational.rank_one_factors(filter)
    if factors is None:
        ranks = rational.multilinear_rank(filter) if ranks is None else ranks
        return Flattening(filter, ranks, "exact", certificate=rational.certificate(filter))
    scale, vectors = factors
    return Flattening(filter, (int(scale > 0),) * filter.ndim, "exact", _known=Approximation(scale, vectors))


def symbolic_flattening(filter: np.ndarray) -> Flattening:
    """The flattening of a filter with symbols or radicals."""
    found = symbols.symbolic_flattening(filter)
    kind = "exact" if found.conditions is None else "generic"
    return Flattening(
        filter,
        found.multilinear_rank,
        kind,
        certificate=found.certificate,
        conditions=found.conditions,
        solutions=found.solutions,
        solutions_complete=found.solutions_complete,
    )
