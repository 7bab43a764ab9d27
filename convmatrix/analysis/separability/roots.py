"""The roots of a polynomial whose roots all are real and positive: approximated, isolated with proof, put in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, getcontext, localcontext
from itertools import pairwise

from convmatrix.errors import ConvMatrixError

Coefficients = tuple[int, ...]

_START = 50
_DOUBLINGS = 9
_STEPS = 500
_LARGEST_EXPONENT = 10**9


@dataclass(frozen=True)
class Root:
    """One root of an irreducible integer polynomial.

    Attributes
    ----------
    factor : tuple of int
        Coefficients of the polynomial, the leading one first.
    index : int
        Its place among the factor's roots, the smallest first.
    multiplicity : int
    value : Decimal
        To at least 25 digits; no two roots that were ordered together agree in them.
    """

    factor: Coefficients
    index: int
    multiplicity: int
    value: Decimal


def ordered_roots(factors: Sequence[tuple[Coefficients, int]]) -> tuple[Root, ...]:
    """The roots of distinct irreducible factors, given with multiplicities, the largest first.

    Every factor must have real positive roots only. Approximations are Laguerre's, which from above converge to the
    largest root without passing it; they count once the exact polynomial changes its sign around each, in intervals
    that do not meet, and otherwise are made anew with twice the digits.

    References
    ----------
    Ralston, Rabinowitz: A First Course in Numerical Analysis, section 8.9 (Laguerre's method for real roots).

    Examples
    --------
    >>> [round(root.value, 6) for root in ordered_roots([((1, -20, 4), 1)])]
    [Decimal('19.797959'), Decimal('0.202041')]
    """
    digits = _START + max((len(str(abs(c))) for factor, _ in factors for c in factor), default=0) // 4
    for _ in range(_DOUBLINGS):
        with localcontext() as context:
            context.prec, context.Emax, context.Emin = digits, _LARGEST_EXPONENT, -_LARGEST_EXPONENT
            found = _isolated(factors, Decimal(10) ** -(digits // 2))
        if found is not None:
            return found
        digits *= 2
    raise ConvMatrixError(f"the characteristic polynomial's roots must differ within {digits} digits, got closer ones")


def _isolated(factors: Sequence[tuple[Coefficients, int]], width: Decimal) -> tuple[Root, ...] | None:
    """The roots in order, each proved to lie within its own relative `width`; None if that fails."""
    roots: list[Root] = []
    for factor, multiplicity in factors:
        values = sorted(_approximations(factor), reverse=True)
        for place, value in enumerate(values):
            if not _changes_sign(factor, value * (1 - width), value * (1 + width)):
                return None
            roots.append(Root(factor, len(values) - 1 - place, multiplicity, value))
    roots.sort(key=lambda root: root.value, reverse=True)
    for larger, smaller in pairwise(roots):
        if larger.value * (1 - width) <= smaller.value * (1 + width):
            return None
    return tuple(roots)


def _approximations(factor: Coefficients) -> list[Decimal]:
    """All roots, each divided out before the next and then improved on the factor itself."""
    close = Decimal(10) ** -(getcontext().prec // 3)  # a step this small trebles its digits
    whole = [Decimal(c) for c in factor]
    rest, values = whole, []
    while len(rest) > 2:
        # The sum of positive roots is at least the largest.
        value = _largest(rest, -rest[1] / rest[0], close)
        values.append(value)
        quotient = [rest[0]]
        for c in rest[1:-1]:
            quotient.append(c + value * quotient[-1])
        rest = quotient
    values.append(-rest[1] / rest[0])
    return [_improved(whole, value) for value in values]


def _largest(polynomial: Sequence[Decimal], start: Decimal, close: Decimal) -> Decimal:
    """Laguerre's method from above."""
    degree, x = len(polynomial) - 1, start
    for _ in range(_STEPS):
        value, slope, bend = _derivatives(polynomial, x)
        if value * polynomial[0] <= 0:
            return x
        g = slope / value
        h = g * g - 2 * bend / value
        under = (degree - 1) * (degree * h - g * g)
        step = g + max(under, Decimal(0)).sqrt()
        if not step:
            return x
        following = x - degree / step
        if not 0 < following < x:
            return x
        if x - following <= close * x:
            return following
        x = following
    return x


def _improved(polynomial: Sequence[Decimal], x: Decimal) -> Decimal:
    for _ in range(2):
        value, slope, _ = _derivatives(polynomial, x)
        if slope:
            x -= value / slope
    return x


def _derivatives(polynomial: Sequence[Decimal], x: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """The value, the slope and half the second derivative, by Horner's rule."""
    value, slope, bend = Decimal(0), Decimal(0), Decimal(0)
    for c in polynomial:
        bend = bend * x + slope
        slope = slope * x + value
        value = value * x + c
    return value, slope, bend


def _changes_sign(factor: Coefficients, low: Decimal, high: Decimal) -> bool:
    """Whether the exact values at both ends have opposite signs."""
    if not (low.is_finite() and high.is_finite() and 0 < low < high):
        return False
    return _exact_value(factor, low) * _exact_value(factor, high) < 0


def _exact_value(factor: Coefficients, x: Decimal) -> int:
    """The polynomial at x, times a positive power of x's denominator."""
    above, below = x.as_integer_ratio()
    value, power = 0, 1
    for c in factor:
        value = value * above + c * power
        power *= below
    return value
