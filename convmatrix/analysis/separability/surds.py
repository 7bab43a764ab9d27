"""Numbers `a + b sqrt(d)` with fractions a and b and one d for all of a computation, and elimination among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from convmatrix import exact


@dataclass(frozen=True, slots=True)
class Surd:
    """The number `a + b sqrt(d)`; `b` is 0 wherever d is no positive nonsquare."""

    a: Fraction
    b: Fraction
    d: int

    def __add__(self, other: Surd) -> Surd:
        return Surd(self.a + other.a, self.b + other.b, self.d)

    def __sub__(self, other: Surd) -> Surd:
        return Surd(self.a - other.a, self.b - other.b, self.d)

    def __mul__(self, other: Surd) -> Surd:
        if not self.b and not other.b:
            return Surd(self.a * other.a, self.b, self.d)
        return Surd(self.a * other.a + self.b * other.b * self.d, self.a * other.b + self.b * other.a, self.d)

    def __truediv__(self, other: Surd) -> Surd:
        if not other.b:
            return Surd(self.a / other.a, self.b / other.a, self.d)
        norm = other.a * other.a - other.b * other.b * self.d
        return self * Surd(other.a / norm, -other.b / norm, self.d)

    def __neg__(self) -> Surd:
        return Surd(-self.a, -self.b, self.d)

    def __bool__(self) -> bool:
        return bool(self.a or self.b)

    def is_negative(self) -> bool:
        """Whether the number is below 0, decided exactly."""
        if (self.a < 0) == (self.b < 0) or not self.a or not self.b:
            return self.a < 0 or self.b < 0
        larger = self.a * self.a > self.b * self.b * self.d
        return self.a < 0 if larger else self.b < 0

    def expression(self) -> Any:
        """As a SymPy expression."""
        import sympy

        if not self.b:
            return exact.to_sympy(self.a)
        return exact.to_sympy(self.a) + exact.to_sympy(self.b) * sympy.sqrt(self.d)


Vector = list[Surd]


def inner(left: Sequence[Surd], right: Sequence[Surd]) -> Surd:
    """The sum of products, of at least one."""
    total = left[0] * right[0]
    for x, y in zip(left[1:], right[1:], strict=True):
        total = total + x * y
    return total


def scaled(vector: Vector) -> Vector:
    """The vector times a positive fraction, so that its integers a and b have no common divisor."""
    parts = [part for value in vector for part in (value.a, value.b)]
    common = math.lcm(*(part.denominator for part in parts))
    divisor = math.gcd(*(int(part * common) for part in parts)) or 1
    factor = Fraction(common, divisor)
    return [Surd(value.a * factor, value.b * factor, value.d) for value in vector]


def null_space(matrix: list[Vector]) -> list[Vector]:
    """A basis of the vectors that a square matrix sends to 0, by Gauss and Jordan's elimination."""
    rows, size = [list(row) for row in matrix], len(matrix)
    pivots: list[int] = []
    for column in range(size):
        place = next((r for r in range(len(pivots), size) if rows[r][column]), None)
        if place is None:
            continue
        own = len(pivots)
        rows[own], rows[place] = rows[place], rows[own]
        lead = rows[own][column]
        rows[own] = [value / lead for value in rows[own]]
        for r, row in enumerate(rows):
            if r != own and row[column]:
                factor = row[column]
                rows[r] = [value - factor * above for value, above in zip(row, rows[own], strict=True)]
        pivots.append(column)
    return [_solution(rows, pivots, free) for free in range(size) if free not in pivots]


def _solution(rows: list[Vector], pivots: list[int], free: int) -> Vector:
    d = rows[0][0].d
    zero, one = Surd(Fraction(0), Fraction(0), d), Surd(Fraction(1), Fraction(0), d)
    vector = [zero] * len(rows)
    vector[free] = one
    for row, pivot in zip(rows, pivots, strict=False):
        vector[pivot] = zero - row[free]
    return vector


def orthogonal(vectors: list[Vector]) -> list[Vector]:
    """Gram and Schmidt's vectors, not normalised: roots of sums would leave the field."""
    found: list[Vector] = []
    for vector in vectors:
        rest = list(vector)
        for other in found:
            share = inner(rest, other) / inner(other, other)
            rest = [value - share * part for value, part in zip(rest, other, strict=True)]
        found.append(scaled(rest))
    return found
