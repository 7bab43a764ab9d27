"""Kernels of symbols and algebraic numbers: generic rank, separable terms, the certificate, when they are separable."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.analysis.separability import polynomials
from convmatrix.analysis.separability.certificate import Certificate
from convmatrix.analysis.separability.conditions import (
    condition_expressions,
    minors,
    reduced_conditions,
    solve_conditions,
)
from convmatrix.analysis.separability.entries import PolynomialKernel, Term, read_entries
from convmatrix.errors import ConvMatrixError
from convmatrix.exact.modular import rank_modulo

_PRIME = 8388593
"""The largest prime below 2**23."""
_WORK = 300_000
"""Products of two terms that one elimination may take: about a second."""


@dataclass(frozen=True, eq=False)
class SymbolicAnswer:
    """What is known of a kernel of symbols or algebraic numbers.

    Attributes
    ----------
    rank : int
        Exact; with symbols the generic one, which all but special values of them give.
    terms : tuple of (scale, column, row)
        `rank` of them, whose `scale * outer(column, row)` add up to the kernel: SymPy expressions in object arrays.
    certificate : Certificate or None
        A 2x2 minor that is not identically 0, a constant one if there is any; None up to rank 1.
    conditions : tuple or None
        Polynomials that all must be 0 for the kernel to be separable; `()` always, `(1,)` never; None without symbols.
    solutions : tuple of dict or None
        Symbols to expressions with which the kernel is separable, wherever these do not divide by 0.
    solutions_complete : bool
        Whether every separable choice is in one of the solutions, unless it makes 0 what they divide by. False where a
        condition was linear in no symbol, or the cases were too many.
    has_symbols : bool
    """

    rank: int
    terms: tuple[Term, ...]
    certificate: Certificate | None
    conditions: tuple[Any, ...] | None
    solutions: tuple[dict[Any, Any], ...] | None
    solutions_complete: bool
    has_symbols: bool


def symbolic_answer(kernel: np.ndarray) -> SymbolicAnswer:
    """Generic rank, terms, certificate, conditions and solutions of a kernel of SymPy expressions.

    Symbols stand for independent real numbers, and denominators are taken not to be 0. The rank is proved from both
    sides: below by the rank at a point modulo a prime, above by the shape or by the terms, which leave nothing.

    Parameters
    ----------
    kernel : ndarray of shape (m, n), dtype object
        Rational functions of symbols whose coefficients are algebraic numbers; pi or E, one of them, may occur.

    Returns
    -------
    SymbolicAnswer

    Raises
    ------
    ConvMatrixError
        If an entry is anything else, or the kernel too large: more than `conditions.MAX_MINORS` minors with symbols,
        entries of more than `entries.MAX_TERMS` terms, algebraic numbers of a degree beyond `entries.MAX_FIELD`.

    Examples
    --------
    >>> from convmatrix.kernels import kernel
    >>> answer = symbolic_answer(kernel("a b; c d"))
    >>> answer.rank, answer.conditions, answer.solutions
    (2, (a*d - b*c,), ({d: b*c/a},))
    """
    read = read_entries(kernel)
    terms = tuple(separable_terms(read))
    rank = len(terms)
    has_symbols = bool(read.symbols)
    if rank <= 1:
        always: tuple[Any, Any] = ((), ({},)) if has_symbols else (None, None)
        return SymbolicAnswer(rank, terms, None, *always, True, has_symbols)
    if not has_symbols:
        return SymbolicAnswer(rank, terms, _first_certificate(read), None, None, True, False)
    found = minors(read)
    conditions = reduced_conditions(read, found)
    solutions, complete = solve_conditions(read, conditions)
    return SymbolicAnswer(
        rank,
        terms,
        _certificate(read, found),
        condition_expressions(read, conditions),
        tuple(solutions),
        complete,
        True,
    )


def _first_certificate(kernel: PolynomialKernel) -> Certificate:
    """A nonzero minor of numbers: one through the first entry that is not 0."""
    k, (rows, columns) = kernel.matrix, kernel.shape
    r, c = next((r, c) for r in range(rows) for c in range(columns) if k[r][c])
    for i in range(rows):
        for j in range(columns):
            r0, r1, c0, c1 = min(r, i), max(r, i), min(c, j), max(c, j)
            value = k[r0][c0] * k[r1][c1] - k[r0][c1] * k[r1][c0]
            if r != i and c != j and value:
                return _as_certificate(kernel, ((r0, r1), (c0, c1)), value)
    raise AssertionError("a kernel of rank 2 has a minor that is not 0")


def _certificate(kernel: PolynomialKernel, found: Sequence[tuple[Any, Any]]) -> Certificate:
    """The simplest minor; a constant one has degree 0 and comes first."""
    return _as_certificate(kernel, *min(found, key=lambda pair: (*polynomials.simplicity(pair[1])[:3], pair[0])))


def _as_certificate(kernel: PolynomialKernel, place: Any, value: Any) -> Certificate:
    expression = kernel.expression(value, kernel.denominator**2)
    if expression.is_Rational:
        expression = int(expression) if expression.is_Integer else polynomials.as_fraction(expression)
    rows, columns = place
    return Certificate(rows, columns, expression)


# -- terms ------------------------------------------------------------------------------------------------------------


def separable_terms(kernel: PolynomialKernel) -> list[Term]:
    """Separable terms, as many as the rank, which they prove."""
    rows, columns = kernel.shape
    ring = kernel.ring
    if min(rows, columns) > 1 and _lower_bound(kernel) == min(rows, columns):
        return [kernel.term(*_unit_term(kernel, k), ring.one) for k in range(min(rows, columns))]
    rest, before, terms, work = kernel.matrix, ring.one, [], 0
    while (place := _pivot(rest)) is not None:
        r, c = place
        pivot, column, row = rest[r][c], [line[c] for line in rest], rest[r]
        terms.append(kernel.term(column, row, before * pivot))
        work += sum(len(pivot) * len(v) for line in rest for v in line) + sum(map(len, column)) * sum(map(len, row))
        if work > _WORK:
            raise ConvMatrixError(
                f"kernel must have entries simple enough to be eliminated with {_WORK} products of terms, got {rows}x"
                f"{columns} entries of up to {max(len(v) for line in kernel.matrix for v in line)} terms"
            )
        # Bareiss: what remains are minors over the last pivot, so the division leaves no remainder.
        rest = [
            [polynomials.exact_quotient(v * pivot - own * w, before) for v, w in zip(line, row, strict=True)]
            for line, own in zip(rest, column, strict=True)
        ]
        before = pivot
    return terms


def _lower_bound(kernel: PolynomialKernel) -> int:
    """The rank where the generators take random values."""
    draw = random.Random(2019)
    point = [draw.randrange(2, _PRIME) for _ in kernel.ring.gens]
    domain = kernel.ring.domain
    if domain.is_QQ:
        bottoms = [value.denominator for line in kernel.matrix for entry in line for value in entry.values()]
        if any(bottom % _PRIME == 0 for bottom in bottoms):
            return 0
        values = [[polynomials.evaluated(entry, point, _PRIME) for entry in line] for line in kernel.matrix]
        return rank_modulo(np.array(values, dtype=np.int64), _PRIME)
    from sympy.polys.matrices import DomainMatrix

    small = [domain.convert(value % 997 + 2) for value in point]
    values = [
        [entry.evaluate(list(zip(kernel.ring.gens, small, strict=True))) for entry in line] for line in kernel.matrix
    ]
    return int(DomainMatrix(values, kernel.shape, domain).rank())


def _unit_term(kernel: PolynomialKernel, number: int) -> tuple[list[Any], list[Any]]:
    """Of a kernel of full rank: one row of it, or one column if these are fewer, and the unit vector of its place."""
    rows, columns = kernel.shape
    unit = [kernel.ring.one if k == number else kernel.ring.zero for k in range(min(rows, columns))]
    if rows <= columns:
        return unit, kernel.matrix[number]
    return [line[number] for line in kernel.matrix], unit


def _pivot(rest: Sequence[Sequence[Any]]) -> tuple[int, int] | None:
    """The simplest entry that is not 0; of equally simple ones the first."""
    places = [
        (*polynomials.simplicity(value)[:2], polynomials.height(value), r, c)
        for r, line in enumerate(rest)
        for c, value in enumerate(line)
        if value
    ]
    return min(places)[3:] if places else None
