"""Equations between symbols, each a choice of irreducible factors: what cannot vanish, and a symbol put in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from convmatrix.analysis.separability import polynomials
from convmatrix.analysis.separability.entries import PolynomialKernel

_LONGEST = 60

Condition = frozenset[Any]
"""Irreducible factors, one of which must be 0."""


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


def linear_solution(part: Any, symbols: int) -> tuple[int, Any, Any] | None:
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
    check_work(polynomial.ring, len(polynomial), *[max(len(numerator), len(denominator))] * top)
    result = polynomial.ring.zero
    for power, value in by_power.items():
        result = result + value * power_of(numerator, power) * power_of(denominator, top - power)
    return result


class TooLongError(Exception):
    """A product that would take too long; the case it belongs to is given up."""


def check_work(ring: Any, *lengths: int) -> None:
    """Refuse a product of polynomials of so many terms; radicals are dearer."""
    if math.prod(lengths) * (1 if ring.domain.is_QQ else 20) > _LONGEST**2:
        raise TooLongError


def power_of(polynomial: Any, exponent: int) -> Any:
    """SymPy refuses the power 0 of the zero polynomial."""
    return polynomial**exponent if exponent else polynomial.ring.one


def substituted_condition(
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
