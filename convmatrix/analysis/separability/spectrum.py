"""Exact singular values of a rational kernel: the roots of an integer polynomial, in radicals or as algebraic numbers.

With `K = c L R`, c a positive fraction, L and R integer matrices with as many columns and rows as the rank r, the
nonzero eigenvalues of `K K^T` are `c^2` times those of the r x r matrix `(R R^T)(L^T L)`. Small kernels take the
identity for L or R and drop the zeros. The characteristic polynomial is made in integers and split into irreducible
factors. Those of degree 1 and 2 have roots in square roots; the roots of the others are named by their factor and
their place among its roots, all of which are real and positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.separability.roots import Coefficients, Root, ordered_roots

MAX_DEGREE = 20
"""The largest rank whose singular values are exact."""
SMALL_SIZE = 9
"""The smaller of the kernel's sizes up to which it is not reduced to its rank before its eigenvalues are found."""
MAX_BITS = 3000
"""The most bits the characteristic polynomial's constant coefficient may have for that."""

_SMALL_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)
_DIGITS = 40


@dataclass(frozen=True, eq=False)
class ExactSpectrum:
    """The singular values of a rational kernel.

    Attributes
    ----------
    content : Fraction
        What the kernel's integer factors are multiplied by.
    shape : pair of int
    left, right : ndarray
        Integer factors L of shape `(m, k)` and R of shape `(k, n)`, k at least the rank.
    characteristic : tuple of int
        Coefficients, the leading 1 first, of the polynomial whose roots are the nonzero eigenvalues, without content.
    roots : tuple of Root
        Those eigenvalues, the largest first.
    """

    content: Fraction
    shape: tuple[int, int]
    left: np.ndarray
    right: np.ndarray
    characteristic: Coefficients
    roots: tuple[Root, ...]

    @property
    def form(self) -> str:
        """`"radicals"` if every factor has at most degree 2, otherwise `"algebraic numbers"`."""
        return "radicals" if all(len(root.factor) <= 3 for root in self.roots) else "algebraic numbers"

    @cached_property
    def values(self) -> tuple[Any, ...]:
        """All `min(shape)` singular values as SymPy expressions, descending."""
        import sympy

        scale = exact.to_sympy(self.content)
        values = [scale * square_root(root) for root in self.roots for _ in range(root.multiplicity)]
        return (*values, *[sympy.S.Zero] * (min(self.shape) - len(values)))

    @cached_property
    def squares(self) -> tuple[Any, ...]:
        """The squares of `values`."""
        import sympy

        scale = exact.to_sympy(self.content**2)
        values = [scale * as_expression(root) for root in self.roots for _ in range(root.multiplicity)]
        return (*values, *[sympy.S.Zero] * (min(self.shape) - len(values)))

    @cached_property
    def decimals(self) -> tuple[Decimal, ...]:
        """The same values to at least 20 digits."""
        with localcontext() as context:
            context.prec, context.Emax, context.Emin = _DIGITS, 10**9, -(10**9)
            scale = Decimal(self.content.numerator) / Decimal(self.content.denominator)
            values = [scale * root.value.sqrt() for root in self.roots for _ in range(root.multiplicity)]
        return (*values, *[Decimal(0)] * (min(self.shape) - len(values)))


def exact_spectrum(kernel: np.ndarray, terms: Any) -> ExactSpectrum | None:
    """The exact singular values, or None where they would take too long.

    Parameters
    ----------
    kernel : ndarray of shape (m, n)
        Integers or fractions.
    terms : sequence of (scale, column, row)
        Its separable terms, as many as the rank.
    """
    if len(terms) > MAX_DEGREE:
        return None
    content, left, right = _integer_factors(kernel, terms)
    gram_left, gram_right = left.T.dot(left), right.dot(right.T)
    if _bits(gram_left) + _bits(gram_right) > MAX_BITS:
        return None
    # Exactly `rank` eigenvalues are not 0, as the left and right null spaces of K are those of K K^T and K^T K.
    coefficients = characteristic(gram_right.dot(gram_left))[: len(terms) + 1]
    return ExactSpectrum(
        content, (kernel.shape[0], kernel.shape[1]), left, right, coefficients, ordered_roots(_factors(coefficients))
    )


def characteristic(matrix: np.ndarray) -> Coefficients:
    """The characteristic polynomial of a square matrix of Python integers, the leading 1 first.

    Faddeev and Le Verrier's recurrence; its divisions leave no remainder.

    >>> characteristic(np.array([[2, 1], [1, 2]], dtype=object))
    (1, -4, 3)
    """
    size = len(matrix)
    identity = np.array([[int(r == c) for c in range(size)] for r in range(size)], dtype=object).reshape(size, size)
    coefficients, power = [1], identity
    for step in range(1, size + 1):
        product = matrix.dot(power)
        coefficients.append(-sum(product.diagonal().tolist()) // step)
        power = product + coefficients[-1] * identity
    return tuple(int(c) for c in coefficients)


def as_expression(root: Root) -> Any:
    """The root as a SymPy expression."""
    import sympy

    if len(root.factor) == 2:
        return sympy.Rational(-root.factor[1], root.factor[0])
    if len(root.factor) == 3:
        a, b, d = quadratic_root(root)
        return exact.to_sympy(a) + exact.to_sympy(b) * sympy.sqrt(d)
    share, named = _named_root(root)
    return share * named


def square_root(root: Root) -> Any:
    """Its square root, nested roots taken apart where two plain ones do."""
    import sympy

    if len(root.factor) == 2:
        return sympy.sqrt(as_expression(root))
    if len(root.factor) == 3:
        return surd_root(*quadratic_root(root))
    share, named = _named_root(root)
    return sympy.sqrt(share) * sympy.Pow(named, sympy.S.Half, evaluate=False)


def _named_root(root: Root) -> tuple[Any, Any]:
    """A positive rational number and the `CRootOf` it multiplies.

    SymPy factors the polynomial anew for each root asked of it, so only the first is asked for.
    """
    share, first = _first_root(root.factor)
    return share, first.func._new(first.poly, root.index)


@lru_cache(maxsize=64)
def _first_root(factor: Coefficients) -> tuple[Any, Any]:
    import sympy

    polynomial = sympy.Poly(list(factor), sympy.Symbol("lambda"), domain=sympy.ZZ)
    return sympy.CRootOf(polynomial, 0, radicals=False).as_coeff_Mul()


def quadratic_root(root: Root) -> tuple[Fraction, Fraction, int]:
    """`(a, b, d)` with the root `a + b sqrt(d)`."""
    lead, middle, last = root.factor
    outside, inside = without_squares(middle * middle - 4 * lead * last)
    sign = 1 if root.index else -1
    return Fraction(-middle, 2 * lead), Fraction(sign * outside, 2 * abs(lead)), inside


def surd_root(a: Fraction, b: Fraction, d: int) -> Any:
    """`sqrt(a + b sqrt(d))` of a positive number, as `sqrt(p) + sqrt(q)` where p and q are rational.

    >>> surd_root(Fraction(10), Fraction(4), 6)
    2 + sqrt(6)
    """
    import sympy

    if not b:
        return sympy.sqrt(exact.to_sympy(a))
    middle = rational_root(a * a - b * b * d)
    if middle is None:
        return sympy.sqrt(exact.to_sympy(a) + exact.to_sympy(b) * sympy.sqrt(d))
    first, second = (sympy.sqrt(exact.to_sympy(part)) for part in ((a + middle) / 2, (a - middle) / 2))
    return first + second if b > 0 else first - second


def rational_root(value: Fraction) -> Fraction | None:
    """The square root of a fraction, if that is one."""
    if value < 0:
        return None
    above, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
    root = Fraction(above, below)
    return root if root * root == value else None


def without_squares(number: int) -> tuple[int, int]:
    """`(k, d)` with `number == k^2 d`, squares of small primes and a whole square taken out of d.

    >>> without_squares(72), without_squares(9)
    ((6, 2), (3, 1))
    """
    outside = 1
    for prime in _SMALL_PRIMES:
        while number % (prime * prime) == 0:
            number //= prime * prime
            outside *= prime
    root = math.isqrt(number)
    return (outside * root, 1) if root * root == number else (outside, number)


def _integer_factors(kernel: np.ndarray, terms: Any) -> tuple[Fraction, np.ndarray, np.ndarray]:
    """`(content, L, R)` with `kernel == content * L @ R`, the kernel itself one of them where its rank is full."""
    content, flat = exact.primitive(kernel.ravel().tolist())
    whole = np.array([int(value) for value in flat], dtype=object).reshape(kernel.shape)
    rows, columns = kernel.shape
    if min(rows, columns) <= max(len(terms), SMALL_SIZE):
        # The kernel's own entries are smaller than those of its terms.
        return (content, _identity(rows), whole) if rows <= columns else (content, whole, _identity(columns))
    common = math.lcm(*(scale.denominator for scale, _, _ in terms)) if terms else 1
    shares = [int(scale * common) for scale, _, _ in terms]
    divisor = math.gcd(*shares) or 1
    left, right = np.empty((rows, len(terms)), dtype=object), np.empty((len(terms), columns), dtype=object)
    for place, (share, (_, column, row)) in enumerate(zip(shares, terms, strict=True)):
        left[:, place] = [int(value) for value in column]
        right[place] = [int(value) * (share // divisor) for value in row]
    return Fraction(divisor, common), left, right


def _identity(size: int) -> np.ndarray:
    return np.array([[int(r == c) for c in range(size)] for r in range(size)], dtype=object)


def _bits(gram: np.ndarray) -> int:
    """By Hadamard's inequality no minor of a Gram matrix has more bits than its diagonal together."""
    return sum(int(value).bit_length() for value in gram.diagonal().tolist())


def _factors(coefficients: Coefficients) -> list[tuple[Coefficients, int]]:
    """The irreducible factors over the rationals, with multiplicities."""
    if len(coefficients) <= 2:
        return [(coefficients, 1)] if len(coefficients) == 2 else []
    import sympy

    polynomial = sympy.Poly(list(coefficients), sympy.Symbol("lambda"), domain=sympy.ZZ)
    return [
        (tuple(int(c) for c in factor.all_coeffs()), multiplicity)
        for factor, multiplicity in polynomial.factor_list()[1]
    ]
