"""When is a kernel of symbols separable? The 2x2 minors as reduced equations, and their solutions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from convmatrix.analysis.separability import polynomials
from convmatrix.analysis.separability.entries import PolynomialKernel
from convmatrix.errors import ConvMatrixError

MAX_MINORS = 3000
"""2x2 minors that are looked at one by one: 10x10 has 2025."""
MAX_PRODUCTS = 200_000
"""Products of two terms that all minors together may take."""
SOLVED_CONDITIONS = 500
"""Conditions beyond which no solutions are looked for."""
MAX_BRANCHES = 64
"""Cases that are followed before the search for solutions is given up."""
_LONGEST = 60

Place = tuple[tuple[int, int], tuple[int, int]]
Condition = frozenset[Any]
"""Irreducible factors, one of which must be 0."""
_IMPOSSIBLE: Condition = frozenset()


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


@dataclass(eq=False)
class Reducer:
    """Equations brought to their irreducible factors, without those that cannot vanish."""

    kernel: PolynomialKernel
    nonzero: frozenset[Any] = frozenset()
    known: dict[Any, Condition] = field(default_factory=dict)

    def condition(self, polynomial: Any) -> Condition:
        """The factors of a polynomial that may vanish; none if it never does."""
        if polynomial not in self.known:
            _, parts = polynomials.factors(polynomial)
            self.known[polynomial] = frozenset(part for part, _ in parts if not self._never_vanishes(part))
        return self.known[polynomial]

    def _never_vanishes(self, polynomial: Any) -> bool:
        """Whether it is a number, a factor of the denominator, or a sum of terms of one sign of which one is not 0."""
        if polynomial in self.nonzero:
            return True
        places = self.kernel.constant_places()
        if all(places[place] for place in polynomials.variables(polynomial)) and len(polynomial) == 1:
            return True
        if all(self.kernel.names[place] not in self.kernel.symbols for place in polynomials.variables(polynomial)):
            return True
        return self.is_definite(polynomial) and any(
            all(places[place] for place, exponent in enumerate(power) if exponent) for power in polynomial
        )

    def is_definite(self, polynomial: Any) -> bool:
        """Whether all of its terms have one sign for real symbols: even powers, or symbols declared not negative."""
        if not polynomial.ring.domain.is_QQ or len({value > 0 for value in polynomial.values()}) > 1:
            return False
        positive = [name.is_nonnegative for name in self.kernel.names]
        return all(exponent % 2 == 0 or positive[place] for power in polynomial for place, exponent in enumerate(power))


def reducer(kernel: PolynomialKernel) -> Reducer:
    """A reducer that takes the denominators of the kernel not to vanish."""
    _, parts = polynomials.factors(kernel.denominator)
    return Reducer(kernel, frozenset(part for part, _ in parts))


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
        rest = [_substituted_condition(c, place, value, one, reduce) for c in conditions if c != chosen]
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
    solved = _linear(part, symbols) if len(part) <= 2 else None
    if solved is None or not solved[2].is_ground:
        return None
    place, numerator, denominator = solved
    return place, numerator.quo_ground(denominator.LC)


def _linear(part: Any, symbols: int) -> tuple[int, Any, Any] | None:
    """`(generator, numerator, denominator)` of a solution for one of the first `symbols` generators, of degree 1.

    Of the symbols with a constant coefficient the last one met reading the kernel, else the last with any.
    """
    linear = []
    for place in polynomials.variables(part) & set(range(symbols)):
        by_power = polynomials.coefficients(part, place)
        if max(by_power) == 1:
            linear.append((not by_power[1].is_ground, -place, by_power))
    if not linear:
        return None
    _, place, by_power = min(linear, key=lambda entry: entry[:2])
    return -place, -by_power.get(0, part.ring.zero), by_power[1]


def substituted(polynomial: Any, place: int, numerator: Any, denominator: Any) -> Any:
    """The polynomial at `generator = numerator / denominator`, multiplied by the denominator's power that clears it."""
    by_power = polynomials.coefficients(polynomial, place)
    top = max(by_power)
    _check_work(polynomial.ring, len(polynomial), *[max(len(numerator), len(denominator))] * top)
    result = polynomial.ring.zero
    for power, value in by_power.items():
        result = result + value * _power(numerator, power) * _power(denominator, top - power)
    return result


class _TooLongError(Exception):
    """A product that would take too long; the case it belongs to is given up."""


def _check_work(ring: Any, *lengths: int) -> None:
    """Refuse a product of polynomials of so many terms; radicals are dearer."""
    if math.prod(lengths) * (1 if ring.domain.is_QQ else 20) > _LONGEST**2:
        raise _TooLongError


def _power(polynomial: Any, exponent: int) -> Any:
    """SymPy refuses the power 0 of the zero polynomial."""
    return polynomial**exponent if exponent else polynomial.ring.one


def _substituted_condition(
    condition: Condition, place: int, numerator: Any, denominator: Any, reduce: Reducer
) -> Condition | None:
    """The condition after a substitution; None if it holds."""
    parts: set[Any] = set()
    for part in condition:
        if place not in polynomials.variables(part):
            parts.add(part)
            continue
        value = substituted(part, place, numerator, denominator)
        if not value:
            return None
        parts |= reduce.condition(value) if len(value) <= _LONGEST else {value}
    return frozenset(parts)


@dataclass(frozen=True, eq=False)
class _Case:
    """A branch of the search: equations still to be solved, symbols already solved for, and what is not 0."""

    conditions: tuple[Condition, ...]
    solved: tuple[tuple[int, Any, Any], ...] = ()
    nonzero: frozenset[Any] = frozenset()


def solve_conditions(kernel: PolynomialKernel, conditions: Sequence[Condition]) -> tuple[list[dict[Any, Any]], bool]:
    """Solutions, symbols to expressions, and whether none was given up.

    The factors of the simplest condition are taken one after the other, each solved for a symbol it is linear in.
    What is divided by is taken not to vanish.
    """
    if not conditions:
        return [{}], True
    if len(conditions) > SOLVED_CONDITIONS:
        return [], False
    reduce = reducer(kernel)
    waiting, done, complete, followed = [_Case(tuple(conditions), nonzero=reduce.nonzero)], [], True, 0
    while waiting:
        case = waiting.pop(0)
        if not case.conditions:
            try:
                done += [case] if _is_separable(kernel, case) else []
            except _TooLongError:
                complete = False
            continue
        if not case.conditions[0]:
            continue
        followed += 1
        if followed > MAX_BRANCHES * 2 or len(waiting) + len(done) > MAX_BRANCHES:
            complete = False
            break
        earlier: frozenset[Any] = frozenset()
        for part in sorted(case.conditions[0], key=polynomials.simplicity):
            # Where an earlier factor is 0 too, the case is one of that factor's.
            try:
                nexts = _cases_of(_without(case, earlier), part, reduce)
            except _TooLongError:
                nexts = None
            complete &= nexts is not None
            waiting += [other for other in nexts or [] if other is not None]
            earlier |= {part}
    general = [case for case in done if not any(other is not case and _covers(other, case, done) for other in done)]
    return [_as_dict(kernel, case) for case in general], complete


def _without(case: _Case, vanished: frozenset[Any]) -> _Case:
    """The case with some factors taken not to be 0."""
    if not vanished:
        return case
    return _Case(minimal(c - vanished for c in case.conditions), case.solved, case.nonzero | vanished)


def _cases_of(case: _Case, part: Any, reduce: Reducer) -> list[_Case | None] | None:
    """The case with one factor put to 0; None if it is linear in no symbol."""
    rest = [condition for condition in case.conditions if part not in condition]
    if reduce.is_definite(part) and len(part) > 1:
        # A sum of terms of one sign is 0 only where each of them is.
        ring = part.ring
        rest += [reduce.condition(ring.from_dict({power: ring.domain.one})) - case.nonzero for power in part]
        return [_Case(minimal(rest), case.solved, case.nonzero)]
    solved = _linear(part, len(reduce.kernel.symbols))
    return None if solved is None else [_narrowed(_Case(tuple(rest), case.solved, case.nonzero), solved, reduce)]


def _narrowed(case: _Case, solved: tuple[int, Any, Any], reduce: Reducer) -> _Case | None:
    """The case with a symbol solved for put in everywhere; None if something that may not vanish does."""
    place, numerator, denominator = solved
    nonzero = {factor for factor, _ in polynomials.factors(denominator)[1]}
    for part in case.nonzero:
        value = substituted(part, place, numerator, denominator) if place in polynomials.variables(part) else part
        if not value:
            return None
        nonzero |= {factor for factor, _ in polynomials.factors(value)[1]}
    earlier = []
    for other, top, bottom in case.solved:
        new_top, new_bottom = _put_in(top, bottom, place, numerator, denominator)
        if not new_bottom:
            return None
        earlier.append((other, new_top, new_bottom))
    conditions = []
    for condition in case.conditions:
        changed = _substituted_condition(condition, place, numerator, denominator, reduce)
        if changed is not None:
            conditions.append(changed - nonzero)
    return _Case(minimal(conditions), (*earlier, solved), frozenset(nonzero))


def _put_in(top: Any, bottom: Any, place: int, numerator: Any, denominator: Any) -> tuple[Any, Any]:
    """The fraction `top / bottom` after a substitution, without common factors."""
    degrees = [max(polynomials.coefficients(part, place), default=0) for part in (top, bottom)]
    new_top, new_bottom = (substituted(part, place, numerator, denominator) if part else part for part in (top, bottom))
    new_top, new_bottom = new_top * _power(denominator, degrees[1]), new_bottom * _power(denominator, degrees[0])
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
        _check_work(top.ring, *map(len, (value, top, left_below, right_below)))
        _check_work(top.ring, *map(len, (left, right, below, bottom)))
        if value * top * left_below * right_below != left * right * below * bottom:
            return False
    return True


def _covers(general: _Case, special: _Case, done: Sequence[_Case]) -> bool:
    """Whether every point of one solution lies in another; of two equal ones the first covers."""
    for place, top, bottom in general.solved:
        ring = top.ring
        equation = (ring.gens[place] * bottom - top, ring.one)
        below = (bottom, ring.one)
        for step in special.solved:
            equation, below = _put_in(*equation, *step), _put_in(*below, *step)
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
