"""Filters of symbols and algebraic numbers: generic multilinear rank, and when they are outer products of vectors."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.flattening.unfolding import unfold
from convmatrix.analysis.separability import conditions, polynomials, symbolic
from convmatrix.analysis.separability.certificate import Certificate
from convmatrix.analysis.separability.entries import PolynomialKernel, read_entries
from convmatrix.errors import ConvMatrixError, SymbolicError


@dataclass(frozen=True, eq=False)
class SymbolicFlattening:
    """What is known of a filter of symbols or algebraic numbers.

    Attributes
    ----------
    multilinear_rank : tuple of int
        Exact; with symbols the generic one.
    certificate : Certificate or None
        A minor of an unfolding that is not identically 0, of a constant value if one of the simplest is; None if all
        ranks are at most 1.
    conditions, solutions, solutions_complete
        As in `SymbolicAnswer`, for all unfoldings to have rank at most 1.
    """

    multilinear_rank: tuple[int, ...]
    certificate: Certificate | None
    conditions: tuple[Any, ...] | None
    solutions: tuple[dict[Any, Any], ...] | None
    solutions_complete: bool | None


@contextmanager
def _said_of_filters() -> Iterator[None]:
    """What is refused of an unfolding, in words about the filter."""
    try:
        yield
    except ConvMatrixError as error:
        if type(error) not in (ConvMatrixError, SymbolicError) or not str(error).startswith("kernel"):
            raise
        said = "filter" + str(error).removeprefix("kernel")
        if said.endswith(" one"):
            said = said.removesuffix("one") + "unfolding"
        raise type(error)(said) from None


@_said_of_filters()
def symbolic_flattening(filter: np.ndarray) -> SymbolicFlattening:
    """Ranks of all unfoldings, and the conditions under which they are at most 1.

    Raises
    ------
    ConvMatrixError
        If an entry is no rational function of symbols with algebraic coefficients, or the filter is too large.

    Examples
    --------
    >>> from convmatrix.kernels import kernel
    >>> found = symbolic_flattening(kernel("1 a; 2 4 | 3 6; 6 b"))
    >>> found.multilinear_rank, found.conditions, found.solutions
    ((2, 2, 2), (a - 2, b - 12), ({a: 2, b: 12},))
    """
    kernels = unfoldings(filter)
    ranks = tuple(len(symbolic.separable_terms(kernel)) for kernel in kernels)
    has_symbols = bool(kernels[0].symbols)
    if max(ranks) <= 1:
        return SymbolicFlattening(ranks, None, *(((), ({},), True) if has_symbols else (None, None, None)))
    if not has_symbols:
        mode = next(mode for mode, rank in enumerate(ranks) if rank > 1)
        place, value = next(_minors_through_one_entry(kernels[mode]))
        return SymbolicFlattening(ranks, _as_certificate(kernels[mode], mode, place, value), None, None, None)
    needed = _enough(kernels)
    minors = {mode: conditions.minors(kernels[mode]) for mode in needed}
    together = conditions.minimal(
        condition for mode in needed for condition in conditions.reduced_conditions(kernels[mode], minors[mode])
    )
    solutions, complete = conditions.solve_conditions(kernels[0], together)
    expressions = conditions.condition_expressions(kernels[0], together)
    return SymbolicFlattening(ranks, _certificate(kernels, minors), expressions, tuple(solutions), complete)


def unfoldings(filter: np.ndarray) -> list[PolynomialKernel]:
    """Every unfolding over one ring and one denominator."""
    first = read_entries(unfold(filter, 0, filter.ndim))
    numerators = np.empty((len(first.matrix), len(first.matrix[0])), dtype=object)
    for row, line in enumerate(first.matrix):
        for column, value in enumerate(line):
            numerators[row, column] = value
    whole = numerators.reshape(filter.shape)
    return [dataclasses.replace(first, matrix=unfold(whole, mode, filter.ndim).tolist()) for mode in range(filter.ndim)]


def _enough(kernels: Sequence[PolynomialKernel]) -> list[int]:
    """All modes but the one of the most minors: if all other unfoldings have rank 1, so has that one."""
    sizes = [rows * (rows - 1) * columns * (columns - 1) for rows, columns in (kernel.shape for kernel in kernels)]
    dropped = max(range(len(sizes)), key=lambda mode: (sizes[mode], mode))
    return [mode for mode in range(len(sizes)) if mode != dropped]


def _certificate(kernels: Sequence[PolynomialKernel], minors: dict[int, list[Any]]) -> Certificate:
    """The simplest minor of each unfolding; a constant one before all others."""
    found = []
    for mode, own in minors.items():
        if own:
            place, value = min(own, key=lambda pair: (*polynomials.simplicity(pair[1])[:3], pair[0]))
            found.append((not value.is_ground, _as_certificate(kernels[mode], mode, place, value)))
    return min(found, key=lambda pair: pair[0])[1]


def _as_certificate(kernel: PolynomialKernel, mode: int, place: conditions.Place, value: Any) -> Certificate:
    expression = kernel.expression(value, kernel.denominator**2)
    rows, columns = place
    return Certificate(rows, columns, exact.as_scalar(expression), mode)


def _minors_through_one_entry(kernel: PolynomialKernel) -> Iterator[tuple[conditions.Place, Any]]:
    """Those that are not 0 through the first entry that is not 0; there are some unless the rank is 1."""
    matrix, (rows, columns) = kernel.matrix, kernel.shape
    r, c = next((r, c) for r in range(rows) for c in range(columns) if matrix[r][c])
    for i, j in itertools.product(range(rows), range(columns)):
        if i != r and j != c:
            (r0, r1), (c0, c1) = sorted((r, i)), sorted((c, j))
            value = matrix[r0][c0] * matrix[r1][c1] - matrix[r0][c1] * matrix[r1][c0]
            if value:
                yield ((r0, r1), (c0, c1)), value


@_said_of_filters()
def symbolic_factors(filter: np.ndarray) -> tuple[Any, tuple[np.ndarray, ...]]:
    """`(scale, vectors)` of a filter whose unfoldings all have rank at most 1, one axis taken off after the other.

    Examples
    --------
    >>> from convmatrix.kernels import kernel
    >>> symbolic_factors(kernel("a*c a*d; 2*a*c 2*a*d | b*c b*d; 2*b*c 2*b*d"))
    (1, (array([a, b], dtype=object), array([1, 2], dtype=object), array([c, d], dtype=object)))
    """
    import sympy

    scale, rest, vectors = sympy.Integer(1), filter, []
    while rest.ndim > 1:
        terms = symbolic.separable_terms(read_entries(rest.reshape(rest.shape[0], -1)))
        if not terms:
            zero = tuple(np.eye(1, size, dtype=np.int64)[0].astype(object) for size in filter.shape)
            return sympy.Integer(0), zero
        own, column, row = terms[0]
        scale, rest = scale * own, row.reshape(rest.shape[1:])
        vectors.append(column)
    return scale, (*vectors, rest)
