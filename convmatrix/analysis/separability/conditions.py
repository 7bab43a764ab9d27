"""When is a kernel of symbols separable? The 2x2 minors as reduced equations, and their solutions."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from convmatrix.analysis.separability import polynomials
from convmatrix.analysis.separability.entries import PolynomialKernel
from convmatrix.analysis.separability.equations import (
    Condition,
    Reducer,
    TooLongError,
    check_work,
    linear_solution,
    power_of,
    reducer,
    substituted,
    substituted_condition,
)
from convmatrix.errors import ConvMatrixError

MAX_MINORS = 3000
"""2x2 minors that are looked at one by one: 10x10 has 2025."""
MAX_PRODUCTS = 200_000
"""Products of two terms that all minors together may take."""
SOLVED_CONDITIONS = 500
"""Conditions beyond which no solutions are looked for."""
MAX_BRANCHES = 64
"""Cases that are followed before the search for solutions is given up."""

Place = tuple[tuple[int, int], tuple[int, int]]


def minors(kernel: PolynomialKernel) -> list[tuple[Place, Any]]:
    """Every 2x2 minor of the numerators that is not the zero polynomial, with its rows and columns.

    Raises
    ------
    ConvMatrixError
        If there are more than `MAX_MINORS`, or they take more than `MAX_PRODUCTS`.
    """
    rows, columns = kernel.shape
    count = rows * (rows - 1) * columns * (columns - 1) // 4
    if count > MAX_MINORS:
        raise ConvMatrixError(
            f"kernel must have at most {MAX_MINORS} minors of 2x2 to be decided for symbols, "
            f"got {count} of a {rows}x{columns} one"
        )
    found, k, work = [], kernel.matrix, 0
    for r0, r1 in itertools.combinations(range(rows), 2):
        for c0, c1 in itertools.combinations(range(columns), 2):
            work += len(k[r0][c0]) * len(k[r1][c1]) + len(k[r0][c1]) * len(k[r1][c0])
            if work > MAX_PRODUCTS:
                longest = max(len(value) for line in k for value in line)
                raise ConvMatrixError(
                    f"kernel must have entries simple enough for {MAX_PRODUCTS} products of terms to make all minors, "
                    f"got {rows}x{columns} entries of up to {longest} terms"
                )
            value = k[r0][c0] * k[r1][c1] - k[r0][c1] * k[r1][c0]
            if value:
                found.append((((r0, r1), (c0, c1)), value))
    return found


def reduced_conditions(kernel: PolynomialKernel, found: Sequence[tuple[Place, Any]]) -> tuple[Condition, ...]:
    """The conditions under which all minors vanish, simplest first; `()` always, one empty condition never.

    With an entry that never vanishes, the minors through it suffice. A condition whose factors include all those of
    another follows from it. A condition that says that one symbol is a multiple of another, or 0, is put into the rest.
    """
    reduce = reducer(kernel)
    pivot = _sure_entry(kernel, reduce)
    if pivot is not None:
        r, c = pivot
        found = [(place, value) for place, value in found if r in place[0] and c in place[1]]
    conditions = minimal(reduce.condition(value) for _, value in found)
    used: set[Condition] = set()
    while conditions and conditions[0]:
        step = next(
            ((c, s) for c in conditions if c not in used and (s := _plain_solution(c, len(kernel.symbols)))), None
        )
        if step is None:
            break
        chosen, (place, value) = step
        used.add(chosen)
        one = kernel.ring.one
        try:
            rest = [substituted_condition(c, place, value, one, reduce) for c in conditions if c != chosen]
        except TooLongError:
            continue
        conditions = minimal([chosen, *(c for c in rest if c is not None)])
    return conditions


def _sure_entry(kernel: PolynomialKernel, reduce: Reducer) -> tuple[int, int] | None:
    """The place of the simplest entry that never vanishes."""
    sure = [
        (polynomials.simplicity(value), r, c)
        for r, line in enumerate(kernel.matrix)
        for c, value in enumerate(line)
        if value and not reduce.condition(value)
    ]
    return min(sure)[1:] if sure else None


def minimal(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """The conditions of which no other is a part, simplest first."""
    kept: list[Condition] = []
    for condition in sorted(set(conditions), key=len):
        if not any(other <= condition for other in kept):
            kept.append(condition)
    return tuple(sorted(kept, key=_order))


def _order(condition: Condition) -> tuple[Any, ...]:
    keys = sorted(polynomials.simplicity(part) for part in condition)
    return len(keys), sum(key[0] for key in keys), keys


def _plain_solution(condition: Condition, symbols: int) -> tuple[int, Any] | None:
    """`(generator, value)` if the condition is a single binomial or symbol, linear with a constant coefficient."""
    if len(condition) != 1:
        return None
    (part,) = condition
    solved = linear_solution(part, symbols) if len(part) <= 2 else None
    if solved is None or not solved[2].is_ground:
        return None
    place, numerator, denominator = solved
    return place, numerator.quo_ground(denominator.LC)


@dataclass(frozen=True, eq=False)
class _Case:
    """A branch of the search.

    Attributes
    ----------
    conditions : tuple of Condition
        The equations still to be solved.
    solved : tuple of (generator, numerator, denominator)
        The symbols solved for.
    nonzero : frozenset
        What is not 0 here.
    divided : tuple of (factor, _Case)
        What was taken not to vanish in order to divide by it, each with the case in which it does.
    """

    conditions: tuple[Condition, ...]
    solved: tuple[tuple[int, Any, Any], ...] = ()
    nonzero: frozenset[Any] = frozenset()
    divided: tuple[tuple[Any, _Case], ...] = ()


def solve_conditions(kernel: PolynomialKernel, conditions: Sequence[Condition]) -> tuple[list[dict[Any, Any]], bool]:
    """Solutions, symbols to expressions, and whether none was given up.

    The factors of the simplest condition are taken one after the other, each solved for a symbol it is linear in.
    What is divided by is taken not to vanish. Where no solution shows that division, because it was cancelled or the
    case came to nothing, the case in which the divisor does vanish is followed too.
    """
    if not conditions:
        return [{}], True
    if len(conditions) > SOLVED_CONDITIONS:
        return [], False
    search = _Search(kernel, reducer(kernel))
    waiting = [_Case(tuple(conditions), nonzero=search.reduce.nonzero)]
    while waiting:
        search.follow(waiting)
        waiting = search.reopened()
    return [_as_dict(kernel, case) for case in search.general()], search.complete


@dataclass(eq=False)
class _Search:
    """The cases that were solved, those that came to nothing, and whether none was given up."""

    kernel: PolynomialKernel
    reduce: Reducer
    done: list[_Case] = field(default_factory=list)
    ended: list[_Case] = field(default_factory=list)
    complete: bool = True
    followed: int = 0
    known: set[int] = field(default_factory=set)

    def follow(self, waiting: list[_Case]) -> None:
        """Follow the cases to their ends, or until they are too many."""
        while waiting:
            case = waiting.pop(0)
            if not case.conditions:
                self._finish(case)
                continue
            if not case.conditions[0]:
                self.ended.append(case)
                continue
            self.followed += 1
            if self.followed > MAX_BRANCHES * 2 or len(waiting) + len(self.done) > MAX_BRANCHES:
                self.complete = False
                return
            earlier: frozenset[Any] = frozenset()
            for part in sorted(case.conditions[0], key=polynomials.simplicity):
                # Where an earlier factor is 0 too, the case is one of that factor's.
                try:
                    nexts = _cases_of(_without(case, earlier), part, self.reduce)
                except TooLongError:
                    nexts = None
                self.complete &= nexts is not None
                waiting += nexts or []
                earlier |= {part}

    def _finish(self, case: _Case) -> None:
        try:
            (self.done if _is_separable(self.kernel, case) else self.ended).append(case)
        except TooLongError:
            self.complete = False

    def general(self) -> list[_Case]:
        """The solved cases that are no part of another one."""
        return [
            case
            for case in self.done
            if not any(other is not case and _covers(other, case, self.done) for other in self.done)
        ]

    def reopened(self) -> list[_Case]:
        """The cases, not followed yet, in which something vanishes that was divided by and that no solution shows."""
        if not self.complete:
            return []
        shown = [below for case in self.general() for below in _denominators(case)]
        found = []
        for factor, other in [pair for case in (*self.done, *self.ended) for pair in case.divided]:
            if id(other) not in self.known and not any(polynomials.divides(factor, below) for below in shown):
                self.known.add(id(other))
                found.append(other)
        return found


def _denominators(case: _Case) -> Iterator[Any]:
    """What the solution of a case visibly divides by."""
    for _, top, bottom in case.solved:
        yield polynomials.exact_quotient(bottom, polynomials.common_factor([bottom, top]))


def _without(case: _Case, vanished: frozenset[Any]) -> _Case:
    """The case with some factors taken not to be 0."""
    if not vanished:
        return case
    conditions = minimal(c - vanished for c in case.conditions)
    return replace(case, conditions=conditions, nonzero=case.nonzero | vanished)


def _cases_of(case: _Case, part: Any, reduce: Reducer) -> list[_Case] | None:
    """The case with one factor put to 0; None if it is linear in no symbol."""
    rest = [condition for condition in case.conditions if part not in condition]
    if reduce.is_definite(part) and len(part) > 1:
        # A sum of terms of one sign is 0 only where each of them is.
        ring = part.ring
        rest += [reduce.condition(ring.from_dict({power: ring.domain.one})) - case.nonzero for power in part]
        return [replace(case, conditions=minimal(rest))]
    solved = linear_solution(part, len(reduce.kernel.symbols))
    if solved is None:
        return None
    divided = case.divided
    for factor in sorted(reduce.condition(solved[2]) - case.nonzero, key=polynomials.simplicity):
        both = minimal([frozenset({factor}), frozenset({part}), *rest])
        divided = (*divided, (factor, replace(case, conditions=both)))
    return [_narrowed(replace(case, conditions=tuple(rest), divided=divided), solved, reduce)]


def _narrowed(case: _Case, solved: tuple[int, Any, Any], reduce: Reducer) -> _Case:
    """The case with a symbol solved for put in everywhere; an impossible one if something vanishes that may not."""
    place, numerator, denominator = solved
    impossible = replace(case, conditions=(frozenset(),))
    nonzero = {factor for factor, _ in polynomials.factors(denominator)[1]}
    for part in case.nonzero:
        value = substituted(part, place, numerator, denominator) if place in polynomials.variables(part) else part
        if not value:
            return impossible
        nonzero |= {factor for factor, _ in polynomials.factors(value)[1]}
    earlier = []
    for other, top, bottom in case.solved:
        new_top, new_bottom = _put_in(top, bottom, place, numerator, denominator)
        if not new_bottom:
            return impossible
        earlier.append((other, new_top, new_bottom))
    conditions = []
    for condition in case.conditions:
        changed = substituted_condition(condition, place, numerator, denominator, reduce)
        if changed is not None:
            conditions.append(changed - nonzero)
    return replace(case, conditions=minimal(conditions), solved=(*earlier, solved), nonzero=frozenset(nonzero))


def _put_in(top: Any, bottom: Any, place: int, numerator: Any, denominator: Any) -> tuple[Any, Any]:
    """The fraction `top / bottom` after a substitution, without common factors."""
    degrees = [max(polynomials.coefficients(part, place), default=0) for part in (top, bottom)]
    new_top, new_bottom = (substituted(part, place, numerator, denominator) if part else part for part in (top, bottom))
    new_top, new_bottom = new_top * power_of(denominator, degrees[1]), new_bottom * power_of(denominator, degrees[0])
    if not new_top or not new_bottom:
        return new_top, new_bottom and new_bottom.ring.one
    common = polynomials.common_factor([new_top, new_bottom])
    return polynomials.exact_quotient(new_top, common), polynomials.exact_quotient(new_bottom, common)


def _is_separable(kernel: PolynomialKernel, case: _Case) -> bool:
    """Whether the kernel with the solution put in has rank at most 1, by the minors through one entry that is not 0."""
    entries = {}
    for r, line in enumerate(kernel.matrix):
        for c, value in enumerate(line):
            fraction = (value, kernel.ring.one)
            for place, numerator, denominator in case.solved:
                fraction = _put_in(*fraction, place, numerator, denominator)
            entries[r, c] = fraction
    pivot = next((place for place, (top, _) in entries.items() if top), None)
    if pivot is None:
        return True
    r, c = pivot
    top, bottom = entries[pivot]
    for (i, j), (value, below) in entries.items():
        (left, left_below), (right, right_below) = entries[i, c], entries[r, j]
        check_work(top.ring, *map(len, (value, top, left_below, right_below)))
        check_work(top.ring, *map(len, (left, right, below, bottom)))
        if value * top * left_below * right_below != left * right * below * bottom:
            return False
    return True


def _covers(general: _Case, special: _Case, done: Sequence[_Case]) -> bool:
    """Whether every point of one solution lies in another, as far as that is seen; of two equal ones the first."""
    for place, top, bottom in general.solved:
        ring = top.ring
        equation = (ring.gens[place] * bottom - top, ring.one)
        below = (bottom, ring.one)
        try:
            for step in special.solved:
                equation, below = _put_in(*equation, *step), _put_in(*below, *step)
        except TooLongError:
            return False
        if equation[0] or not below[0]:
            return False
    return len(general.solved) < len(special.solved) or done.index(general) < done.index(special)


def _as_dict(kernel: PolynomialKernel, case: _Case) -> dict[Any, Any]:
    return {
        kernel.names[place]: kernel.expression(top, bottom)
        for place, top, bottom in sorted(case.solved, key=lambda s: s[0])
    }


def condition_expressions(kernel: PolynomialKernel, conditions: Sequence[Condition]) -> tuple[Any, ...]:
    """The conditions as SymPy expressions that must be 0, products of their factors; `(1,)` if one never is."""
    import sympy

    if any(not condition for condition in conditions):
        return (sympy.Integer(1),)
    return tuple(
        polynomials.product_expression(
            [(part, 1) for part in sorted(condition, key=polynomials.simplicity)], kernel.names
        )
        for condition in conditions
    )
