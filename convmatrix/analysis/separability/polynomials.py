"""Polynomials as the analysis of symbols needs them: common factors, irreducible factors, exact division.

All of it in bounded time: what would take SymPy long is left undone, which costs beauty and never truth.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

GCD_VARIABLES, GCD_TERMS = 6, 200
"""The most variables and terms of polynomials whose common factor is computed in full."""
FACTOR_VARIABLES, FACTOR_TERMS, FACTOR_DEGREE = 5, 40, 10
"""The same for factors of polynomials that are linear in none of their variables."""
FACTOR_BITS = 1000
"""The most bits of a coefficient for that: beyond, the search for a prime to lift from takes seconds and minutes."""
_ALGEBRAIC = 4
"""By how much all of these are smaller over a field of algebraic numbers."""
_PRIME = 2**61 - 1


def variables(polynomial: Any) -> set[int]:
    """The places of the generators that occur."""
    return {place for power in polynomial for place, exponent in enumerate(power) if exponent}


def exact_quotient(polynomial: Any, divisor: Any) -> Any:
    """The quotient by a polynomial known to divide."""
    if divisor.is_ground:
        return polynomial.quo_ground(divisor.LC) if divisor != 1 else polynomial
    if len(divisor) == 1:
        ((down, value),) = divisor.items()
        moved = {
            tuple(a - b for a, b in zip(power, down, strict=True)): own / value for power, own in polynomial.items()
        }
        return polynomial.ring.from_dict(moved)
    return polynomial.exquo(divisor)


def divides(divisor: Any, polynomial: Any) -> bool:
    """Whether there is no remainder."""
    return divisor.is_ground or not polynomial.rem(divisor)


def normalised(polynomial: Any) -> Any:
    """The same up to a constant: primitive integers with a positive leading one, or a leading 1 beside radicals."""
    first = polynomial.LC
    monic = polynomial.quo_ground(first)
    return monic if first == 1 and polynomial.is_ground else monic.quo_ground(_rational_content([monic]))


def content(vector: Sequence[Any]) -> Any:
    """The number by which polynomials are divided to have coprime integer coefficients, the first one positive.

    Beside algebraic numbers that are not rational multiples of one another only what is rational is taken out.
    """
    domain = vector[0].ring.domain
    first = next(polynomial.LC for polynomial in vector if polynomial)
    ratios = [polynomial.quo_ground(first) for polynomial in vector]
    if all(_rational(value, domain) is not None for ratio in ratios for value in ratio.values()):
        return first * _rational_content(ratios)
    number = _rational_content(vector)
    return -number if domain.to_sympy(first).is_negative else number


def _rational_content(vector: Sequence[Any]) -> Any:
    """The positive rational whose quotient has coprime integers, of algebraic numbers all their digits."""
    domain = vector[0].ring.domain
    values = [value for polynomial in vector for value in polynomial.values()]
    digits = values if domain.is_QQ else [digit for value in values for digit in value.to_list() if digit]
    top = math.gcd(*(int(digit.numerator) for digit in digits))
    bottom = math.lcm(*(int(digit.denominator) for digit in digits))
    return domain.convert(top) / domain.convert(bottom)


def height(polynomial: Any) -> int:
    """The size of the coefficients: digits of the rationals they are made of, many for radicals."""
    rational = polynomial.ring.domain.is_QQ
    digits = [digit for value in polynomial.values() for digit in ([value] if rational else value.to_list())]
    sizes = sum(int(digit.numerator).bit_length() + int(digit.denominator).bit_length() for digit in digits)
    return sizes + 64 * (len(digits) - len(polynomial))


def most_bits(polynomial: Any) -> int:
    """The bits of the largest numerator or denominator among the coefficients, of radicals among their digits."""
    rational = polynomial.ring.domain.is_QQ
    digits = [digit for value in polynomial.values() for digit in ([value] if rational else value.to_list())]
    return max((max(abs(int(d.numerator)), int(d.denominator)).bit_length() for d in digits), default=0)


def _rational(value: Any, domain: Any) -> Any:
    """The rational a coefficient is, or None."""
    if domain.is_QQ:
        return value
    digits = value.to_list()
    return digits[0] if len(digits) == 1 else (domain.dom.zero if not digits else None)


def monomial_part(polynomials: Iterable[Any]) -> tuple[int, ...]:
    """Exponents of the largest monomial that divides all of them."""
    powers = [power for polynomial in polynomials for power in polynomial]
    return tuple(map(min, zip(*powers, strict=True)))


def common_factor(vector: Sequence[Any]) -> Any:
    """The greatest common divisor up to a constant, or the part of it that is found in bounded time."""
    return _common_factor(vector)[0]


def _common_factor(vector: Sequence[Any]) -> tuple[Any, bool]:
    """A common divisor, and whether it is the greatest."""
    parts = [polynomial for polynomial in vector if polynomial]
    ring = vector[0].ring
    monomial = ring.from_dict({monomial_part(parts): ring.domain.one})
    if len(parts) == 1:
        return parts[0], True
    bare = sorted({normalised(_without_monomial(polynomial)) for polynomial in parts}, key=len)
    if len(bare) == 1:
        return monomial * bare[0], True
    shared = set.intersection(*(variables(polynomial) for polynomial in bare))
    if not shared or len(bare[0]) == 1 or all(_is_free_of(bare, place) for place in shared):
        return monomial, True
    found = _greatest(bare)
    return (monomial, False) if found is None else (monomial * found, True)


def _without_monomial(polynomial: Any) -> Any:
    down = monomial_part([polynomial])
    if not any(down):
        return polynomial
    return polynomial.ring.from_dict({
        tuple(a - b for a, b in zip(power, down, strict=True)): value for power, value in polynomial.items()
    })  # fmt: skip


def _is_free_of(vector: Sequence[Any], place: int) -> bool:
    """Whether a common divisor is proved to have degree 0 in one generator, by its image at a point modulo a prime."""
    ring = vector[0].ring
    if not ring.domain.is_QQ:
        return False
    draw = random.Random(place)
    point = [draw.randrange(1, _PRIME) for _ in ring.gens]
    images = [_image(polynomial, point, place) for polynomial in vector]
    # One leading coefficient that survives keeps the degree of every divisor.
    if not any(image[-1] for image in images):
        return False
    result: list[int] = []
    for image in images:
        result = _modular_gcd(result, image)
        if len(result) == 1:
            return True
    return False


def evaluated(polynomial: Any, point: Sequence[int], prime: int) -> int:
    """The value of a polynomial of rational coefficients at a point, modulo a prime."""
    total = 0
    for power, value in polynomial.items():
        term = int(value.numerator) * pow(int(value.denominator), -1, prime)
        for base, exponent in zip(point, power, strict=True):
            if exponent:
                term = term * pow(base, exponent, prime) % prime
        total += term
    return total % prime


def _image(polynomial: Any, point: list[int], place: int) -> list[int]:
    """Coefficients, ascending, of the polynomial in one generator with the others at a point."""
    parts: dict[int, dict[Any, Any]] = {}
    for power, value in polynomial.items():
        rest = (*power[:place], 0, *power[place + 1 :])
        parts.setdefault(power[place], {})[rest] = value
    ring = polynomial.ring
    image = [0] * (max(parts) + 1)
    for exponent, part in parts.items():
        image[exponent] = evaluated(ring.from_dict(part), point, _PRIME)
    return image


def _modular_gcd(left: list[int], right: list[int]) -> list[int]:
    """Greatest common divisor of two polynomials in one variable modulo the prime; an empty list is 0."""
    left, right = _trimmed(left), _trimmed(right)
    while right:
        inverse = pow(right[-1], -1, _PRIME)
        while len(left) >= len(right):
            factor = left[-1] * inverse
            shift = len(left) - len(right)
            for at, value in enumerate(right):
                left[shift + at] = (left[shift + at] - factor * value) % _PRIME
            left = _trimmed(left)
        left, right = right, left
    return left


def _trimmed(values: list[int]) -> list[int]:
    values = list(values)
    while values and not values[-1]:
        values.pop()
    return values


def _within(vector: Sequence[Any], most_variables: int, most_terms: int) -> list[int] | None:
    """The places that occur, or None beyond the bounds."""
    places = sorted(set().union(*(variables(polynomial) for polynomial in vector)))
    share = 1 if vector[0].ring.domain.is_QQ else _ALGEBRAIC
    fits = len(places) * share <= most_variables and sum(map(len, vector)) * share <= most_terms
    return places if fits else None


def _greatest(vector: Sequence[Any]) -> Any | None:
    """SymPy's greatest common divisor, in a ring of the variables that occur; None where that could take long."""
    from sympy.polys.polyerrors import HeuristicGCDFailed

    places = _within(vector, GCD_VARIABLES, GCD_TERMS)
    if places is None:
        return None
    small = [_restricted(polynomial, places) for polynomial in vector]
    result = small[0]
    try:
        for polynomial in small[1:]:
            result = result.gcd(polynomial)
    except HeuristicGCDFailed:
        return None
    return normalised(_extended(result, places, vector[0].ring))


def _restricted(polynomial: Any, places: Sequence[int]) -> Any:
    from sympy.polys.rings import PolyRing

    own = polynomial.ring
    ring = PolyRing([own.symbols[place] for place in places], own.domain, own.order)
    return ring.from_dict({tuple(power[place] for place in places): value for power, value in polynomial.items()})


def _extended(polynomial: Any, places: Sequence[int], ring: Any) -> Any:
    terms = {}
    for power, value in polynomial.items():
        full = [0] * ring.ngens
        for place, exponent in zip(places, power, strict=True):
            full[place] = exponent
        terms[tuple(full)] = value
    return ring.from_dict(terms)


def coefficients(polynomial: Any, place: int) -> dict[int, Any]:
    """The polynomial by powers of one generator: its coefficients, polynomials in the others."""
    parts: dict[int, dict[Any, Any]] = {}
    for power, value in polynomial.items():
        parts.setdefault(power[place], {})[(*power[:place], 0, *power[place + 1 :])] = value
    return {exponent: polynomial.ring.from_dict(part) for exponent, part in parts.items()}


def factors(polynomial: Any) -> tuple[Any, list[tuple[Any, int]]]:
    """A constant, and normalised factors with their multiplicities, irreducible as far as bounded time allows.

    A polynomial that is linear in a variable, with coefficients without common factor, is irreducible.
    """
    ring = polynomial.ring
    down = monomial_part([polynomial])
    found = {ring.gens[place]: exponent for place, exponent in enumerate(down) if exponent}
    rest = _without_monomial(polynomial)
    while not rest.is_ground:
        place = _linear_place(rest)
        if place is None:
            for part, count in _split(rest):
                found[part] = found.get(part, 0) + count
            break
        shared = _common_factor(list(coefficients(rest, place).values()))[0]
        part = normalised(exact_quotient(rest, shared))
        found[part] = found.get(part, 0) + 1
        rest = normalised(shared)
    # The leading coefficient of a product is the product of theirs.
    leading = math.prod((part.LC**count for part, count in found.items()), start=ring.domain.one)
    return polynomial.LC / leading, sorted(found.items(), key=lambda pair: simplicity(pair[0]))


def _linear_place(polynomial: Any) -> int | None:
    degrees = list(map(max, zip(*polynomial, strict=True)))
    return next((place for place, degree in enumerate(degrees) if degree == 1), None)


def _split(polynomial: Any) -> list[tuple[Any, int]]:
    places = _within([polynomial], FACTOR_VARIABLES, FACTOR_TERMS)
    degree = max(map(sum, polynomial))
    if places is None or degree > FACTOR_DEGREE or most_bits(polynomial) > FACTOR_BITS:
        return [(normalised(polynomial), 1)]
    _, parts = _restricted(polynomial, places).factor_list()
    return [(normalised(_extended(part, places, polynomial.ring)), count) for part, count in parts]


def simplicity(polynomial: Any) -> tuple[Any, ...]:
    """A key by which simpler polynomials, and then those met earlier, come first."""
    powers = list(polynomial)
    return (
        max(map(sum, powers)),
        len(powers),
        max(sum(map(bool, p)) for p in powers),
        tuple(-e for e in polynomial.LM),
        str(polynomial),
    )


def product_expression(parts: Iterable[tuple[Any, int]], names: Sequence[Any]) -> Any:
    """Factors and multiplicities as one SymPy product."""
    import sympy

    return sympy.Mul(*(part.as_expr(*names) ** count for part, count in parts))


def square_split(polynomial: Any) -> tuple[Any, Any]:
    """`(root, rest)` with `polynomial == root**2 * rest`, the root as large as the factors found allow."""
    constant, parts = factors(polynomial)
    ring = polynomial.ring
    root = math.prod((part ** (count // 2) for part, count in parts), start=ring.one)
    rest = math.prod((part ** (count % 2) for part, count in parts), start=ring.one)
    return root, rest * constant


def as_fraction(number: Any) -> Fraction:
    """A SymPy rational as Python's."""
    return Fraction(int(number.p), int(number.q))


def square_root(polynomial: Any) -> Any | None:
    """The polynomial whose square it is, or None."""
    from sympy import sqrt

    root, rest = square_split(polynomial)
    if not rest.is_ground:
        return None
    number = sqrt(polynomial.ring.domain.to_sympy(rest.LC))
    return root * polynomial.ring.domain.from_sympy(number) if number.is_Rational else None


def without_common_factor(vector: Sequence[Any]) -> tuple[Any, list[Any]]:
    """What the polynomials of a vector have in common, a number included, and the vector without it."""
    common = common_factor(vector)
    bare = [exact_quotient(value, common) for value in vector]
    number = content(bare)
    return common * number, [value.quo_ground(number) for value in bare]
