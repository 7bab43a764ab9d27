"""Kernels of symbols and algebraic numbers, read as polynomials over one common denominator."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.analysis.separability import polynomials
from convmatrix.errors import ConvMatrixError

MAX_TERMS = 500
"""Terms an entry may have once multiplied out."""
MAX_DENOMINATOR = 40
"""The same for the common denominator of all entries."""
MAX_DEGREE = 64
"""The largest exponent an entry may show."""
MAX_BITS = 1000
"""The most bits of a number beside symbols."""
MAX_FIELD = 16
"""The largest degree of the field that the algebraic numbers of a kernel generate."""

Term = tuple[Any, np.ndarray, np.ndarray]
_Fraction = tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class PolynomialKernel:
    """A kernel as `matrix / denominator`, both polynomials in the generators of one ring.

    Attributes
    ----------
    ring : sympy PolyRing
        Over the rationals or a field of algebraic numbers, in lexicographic order of the generators.
    names : tuple
        What each generator stands for: symbols in reading order, pi or E, or a placeholder where there is neither.
    symbols : tuple
        The free symbols, in the order they are met reading the kernel row by row.
    matrix : list of lists
        The numerators.
    denominator : PolyElement
        Not the zero polynomial; taken not to vanish.
    conjugate : callable
        The complex conjugate of a polynomial; the identity where all numbers are real.
    is_real : bool
        Whether all numbers are.
    """

    ring: Any
    names: tuple[Any, ...]
    symbols: tuple[Any, ...]
    matrix: list[list[Any]]
    denominator: Any
    conjugate: Callable[[Any], Any]
    is_real: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.matrix), len(self.matrix[0])

    def expression(self, numerator: Any, denominator: Any = None) -> Any:
        """A polynomial, or a quotient of two, as the user writes it."""
        if denominator is None or denominator == 1:
            return numerator.as_expr(*self.names)
        common = polynomials.common_factor([numerator, denominator])
        return polynomials.exact_quotient(numerator, common).as_expr(*self.names) / polynomials.exact_quotient(
            denominator, common
        ).as_expr(*self.names)

    def factored(self, polynomial: Any) -> Any:
        """A polynomial as the product of its factors."""
        constant, factors = polynomials.factors(polynomial)
        return self.ring.domain.to_sympy(constant) * polynomials.product_expression(factors, self.names)

    def term(self, column: Sequence[Any], row: Sequence[Any], divisor: Any) -> Term:
        """`column row^T / (divisor * denominator)`, what the entries of a vector have in common moved to the scale."""
        up, column = polynomials.without_common_factor(column)
        across, row = polynomials.without_common_factor(row)
        numerator, denominator = up * across, divisor * self.denominator
        common = polynomials.common_factor([numerator, denominator])
        numerator, denominator = (polynomials.exact_quotient(part, common) for part in (numerator, denominator))
        if self.ring.domain.to_sympy(numerator.LC / denominator.LC).is_negative:
            numerator, row = -numerator, [-value for value in row]
        scale = self.factored(numerator) / self.factored(denominator)
        return scale, self._vector(column), self._vector(row)

    def _vector(self, values: Sequence[Any]) -> np.ndarray:
        result = np.empty(len(values), dtype=object)
        result[:] = [self.expression(value) for value in values]
        return result

    def constant_places(self) -> list[bool]:
        """Of each generator, whether it is a number that is not 0, or a symbol declared never to be 0."""
        return [name not in self.symbols or name.is_zero is False for name in self.names]


def read_entries(kernel: np.ndarray) -> PolynomialKernel:
    """Read a 2-D object array of SymPy expressions.

    Raises
    ------
    ConvMatrixError
        If an entry is not a rational function of symbols with algebraic coefficients, or is too large to be decided.
    """
    import sympy

    rows = [[sympy.sympify(value) for value in line] for line in kernel.tolist()]
    _check_digits([value for line in rows for value in line])
    symbols = _reading_order([value for line in rows for value in line])
    constants = sorted(
        {number for line in rows for value in line for number in value.atoms(sympy.NumberSymbol)}, key=str
    )
    constants = [number for number in constants if number in (sympy.pi, sympy.E)]
    if len(constants) > 1:
        raise ConvMatrixError("kernel must have at most one of pi and E, whose independence is not proved, got both")
    names = (*symbols, *constants) or (sympy.Dummy("x"),)
    numbers = _Numbers([value for line in rows for value in line])
    ring = sympy.polys.rings.PolyRing(sympy.symbols(f"x0:{len(names)}", cls=sympy.Dummy), numbers.domain, sympy.lex)
    reader = _Reader(ring, dict(zip(names, ring.gens, strict=True)), numbers)
    read = [[reader.fraction(value) for value in line] for line in rows]
    matrix, denominator = _common_denominator(read, ring)
    return PolynomialKernel(ring, names, symbols, matrix, denominator, numbers.conjugate, numbers.is_real)


def _check_digits(values: Sequence[Any]) -> None:
    """Refuse numbers that Python would not write out, as all that is computed from them is to be shown."""
    import sympy

    most = max((max(abs(n.p), n.q).bit_length() for v in values for n in v.atoms(sympy.Rational)), default=0)
    if most > MAX_BITS:
        raise ConvMatrixError(
            f"kernel must have numbers of at most {MAX_BITS} bits beside symbols and radicals, got one of {most}"
        )


def _reading_order(values: Sequence[Any]) -> tuple[Any, ...]:
    found: dict[Any, None] = {}
    for value in values:
        for symbol in sorted(value.free_symbols, key=str):
            if symbol.is_extended_real is False or not hasattr(symbol, "name"):
                raise ConvMatrixError(f"kernel symbols must stand for real numbers, got {symbol}")
            if symbol.is_zero:
                raise ConvMatrixError(f"kernel symbols must not be declared to be zero, got {symbol}: write 0")
            found.setdefault(symbol)
    return tuple(found)


def _refuse(value: Any) -> ConvMatrixError:
    shown = str(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return ConvMatrixError(
        f"kernel entries must be rational functions of symbols with algebraic coefficients, got {shown}"
    )


class _Numbers:
    """The field of the algebraic numbers in some expressions: the rationals, or these with one number adjoined."""

    def __init__(self, values: Sequence[Any]) -> None:
        import sympy

        leaves = {leaf for value in values for leaf in _leaves(value)}
        self.is_real = all(leaf.is_real for leaf in leaves)
        self.domain = sympy.QQ
        self._known: dict[Any, Any] = {}
        self._turned: Any = None
        if leaves:
            _check_degree(leaves)
            self._adjoin(sorted(leaves, key=sympy.default_sort_key))

    def _adjoin(self, leaves: list[Any]) -> None:
        import sympy
        from sympy.polys.numberfields.subfield import primitive_element

        minimal, spans, powers = primitive_element(leaves, ex=True, polys=True)
        root = sum(span * leaf for span, leaf in zip(spans, leaves, strict=True))
        self.domain = sympy.QQ.algebraic_field((minimal, root))
        modulus = self.domain.mod.to_list()
        turned = self.domain.zero
        for leaf, span, power in zip(leaves, spans, powers, strict=True):
            known = self._known[leaf] = self.domain.dtype.from_list(power, modulus, sympy.QQ)
            turned = turned + self.domain.convert(span) * (known if leaf.is_real else -known)
        if not self.is_real:
            self._turned = turned

    def __getitem__(self, leaf: Any) -> Any:
        return self._known[leaf]

    def conjugate(self, polynomial: Any) -> Any:
        """The polynomial with every coefficient conjugated."""
        if self._turned is None:
            return polynomial
        return polynomial.ring.from_dict({power: self._turn(value) for power, value in polynomial.items()})

    def _turn(self, value: Any) -> Any:
        turned = self.domain.zero
        for digit in value.to_list():
            turned = turned * self._turned + self.domain.convert(digit)
        return turned


def _check_degree(leaves: set[Any]) -> None:
    """Refuse a field that would be too large to compute in, before anything is computed."""
    import sympy

    size = 1
    for leaf in leaves:
        if not leaf.is_real and leaf is not sympy.I:
            raise ConvMatrixError(f"kernel must have no complex numbers but those made of I, got {leaf}")
        size *= _degree_bound(leaf)
    if size > MAX_FIELD:
        shown = ", ".join(sorted(map(str, leaves))[:4])
        raise ConvMatrixError(
            f"kernel must have algebraic numbers whose degrees multiply to at most {MAX_FIELD}, got {size} of {shown}"
        )


def _degree_bound(leaf: Any) -> int:
    """A degree that a number does not exceed, read off the way it is written."""
    import sympy

    if isinstance(leaf, sympy.polys.rootoftools.ComplexRootOf):
        return int(leaf.poly.degree())
    if leaf.is_Pow and leaf.base.is_Rational:
        return int(leaf.exp.q)
    if leaf.is_Pow:
        return int(leaf.exp.q) * math.prod(_degree_bound(part) for part in _leaves(leaf.base))
    return 2


def _leaves(value: Any) -> set[Any]:
    """The algebraic numbers an expression is made of, roots of rationals cut into roots of primes."""
    import sympy

    if value is sympy.I or value.is_Rational or value.is_Symbol or value in (sympy.pi, sympy.E):
        return {value} if value is sympy.I else set()
    if isinstance(value, sympy.polys.rootoftools.ComplexRootOf):
        return {value}
    if value is sympy.GoldenRatio:
        return {sympy.sqrt(5)}
    if value.is_Add or value.is_Mul:
        return set().union(*(_leaves(part) for part in value.args))
    if value.is_Pow and value.exp.is_Integer:
        return _leaves(value.base)
    if value.is_Pow and value.exp.is_Rational and value.base.is_number and value.base.is_algebraic:
        return {root for root, _ in _roots(value)}
    raise _refuse(value)


def _roots(power: Any) -> list[tuple[Any, int]]:
    """`(root, exponent)` pairs whose product is `base ** (p/q)`."""
    import sympy

    p, q = int(power.exp.p), int(power.exp.q)
    if not power.base.is_Rational:
        return [(sympy.Pow(power.base, sympy.Rational(1, q)), p)]
    found = [(sympy.Pow(-1, sympy.Rational(1, q)), p)] if power.base < 0 else []
    for number, sign in ((abs(power.base.p), 1), (power.base.q, -1)):
        # Only small primes are looked for; what is left of a large number stays one root.
        parts = sympy.factorint(number, limit=1 << 15, use_rho=False, use_pm1=False, use_ecm=False)
        found += [(sympy.Pow(part, sympy.Rational(1, q)), int(count) * p * sign) for part, count in parts.items()]
    return found


class _Reader:
    """One walk over an expression, to a numerator and a denominator."""

    def __init__(self, ring: Any, generators: dict[Any, Any], numbers: _Numbers) -> None:
        self.ring, self.generators, self.numbers = ring, generators, numbers

    def fraction(self, value: Any) -> _Fraction:
        """Numerator and denominator, without common factors where there is a denominator."""
        numerator, denominator = self._read(value)
        if not denominator.is_ground:
            common = polynomials.common_factor([numerator, denominator])
            numerator = polynomials.exact_quotient(numerator, common)
            denominator = polynomials.exact_quotient(denominator, common)
        if denominator.is_ground:
            return numerator.quo_ground(denominator.LC), self.ring.one
        return numerator, denominator

    def _read(self, value: Any) -> _Fraction:
        import sympy

        ring = self.ring
        if value in self.generators:
            return self.generators[value], ring.one
        if value.is_Rational:
            return ring.ground_new(ring.domain.from_sympy(value)), ring.one
        if value is sympy.GoldenRatio:
            return self._read((1 + sympy.sqrt(5)) / 2)
        if value.is_Add:
            return self._sum([self._read(part) for part in value.args])
        if value.is_Mul:
            result = (ring.one, ring.one)
            for part in value.args:
                result = self._multiply(result, self._read(part))
            return result
        if value.is_Pow and value.exp.is_Integer:
            return self._power(self._read(value.base), int(value.exp))
        if value.is_Pow:
            result = (ring.one, ring.one)
            for root, exponent in _roots(value):
                known = (ring.ground_new(self.numbers[root]), ring.one)
                result = self._multiply(result, self._power(known, exponent))
            return result
        return ring.ground_new(self.numbers[value]), ring.one

    def _sum(self, parts: list[_Fraction]) -> _Fraction:
        numerator, denominator = parts[0]
        for other, own in parts[1:]:
            if own == denominator:
                numerator = numerator + other
            else:
                left, right = self._multiply((numerator, other), (own, denominator))
                numerator, denominator = left + right, self._multiply((denominator, own), (own, own))[0]
        return numerator, denominator

    def _power(self, base: _Fraction, exponent: int) -> _Fraction:
        if exponent < 0:
            if not base[0]:
                raise ConvMatrixError(
                    "kernel entries must not divide by 0, got a denominator that is 0 for every symbol"
                )
            base, exponent = (base[1], base[0]), -exponent
        if exponent > MAX_DEGREE:
            raise ConvMatrixError(f"kernel exponents must be at most {MAX_DEGREE}, got {exponent}")
        result = (self.ring.one, self.ring.one)
        for _ in range(exponent):
            result = self._multiply(result, base)
        return result

    @staticmethod
    def _multiply(left: _Fraction, right: _Fraction) -> _Fraction:
        if any(len(a) * len(b) > MAX_TERMS * 8 for a, b in zip(left, right, strict=True)):
            raise _too_long()
        product = left[0] * right[0], left[1] * right[1]
        if any(len(part) > MAX_TERMS for part in product):
            raise _too_long()
        return product


def _too_long() -> ConvMatrixError:
    return ConvMatrixError(f"kernel entries must have at most {MAX_TERMS} terms when multiplied out, got more")


def _common_denominator(read: list[list[_Fraction]], ring: Any) -> tuple[list[list[Any]], Any]:
    common = ring.one
    for _, denominator in (pair for line in read for pair in line):
        if polynomials.divides(denominator, common):
            continue
        shared = polynomials.common_factor([denominator, common])
        common = common * polynomials.exact_quotient(denominator, shared)
        if len(common) > MAX_DENOMINATOR:
            raise ConvMatrixError(f"kernel must have a common denominator of at most {MAX_DENOMINATOR} terms, got more")
    return [[num * polynomials.exact_quotient(common, den) for num, den in line] for line in read], common
