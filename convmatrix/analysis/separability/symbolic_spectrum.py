"""Singular values of kernels of symbols and algebraic numbers, in closed form where there is one of bounded size.

A kernel falls into blocks of rows and columns that never meet in a nonzero entry; its singular values are theirs. Those
of a block of rank 2 are the roots of a quadratic equation: with t the sum of its squared entries and d the sum of its
squared 2x2 minors (Cauchy and Binet), `sigma**2 = (t +- sqrt(t**2 - 4 d)) / 2`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from convmatrix.analysis.separability import polynomials
from convmatrix.analysis.separability.entries import PolynomialKernel, Term, read_entries
from convmatrix.analysis.separability.equations import reducer
from convmatrix.analysis.separability.symbolic import separable_terms
from convmatrix.analysis.separability.symbolic_blocks import (
    PRODUCTS,
    blocks,
    orthogonal_terms,
    rank_one,
    rational_squares,
    traces,
)

FACTOR_TERMS, FACTOR_SYMBOLS = 150, 4
"""Terms and symbols of a characteristic polynomial up to which it is factored."""
CHARACTERISTIC_MINORS, CHARACTERISTIC_TERMS = 2000, 10_000
"""Minors, and terms of all of them, up to which the characteristic polynomial is written down."""
_NUMBER_DEGREE = 24
"""Degree of the rational polynomial up to which algebraic singular values are given as its roots."""
_MOST_DIGITS = 3000

Triple = tuple[Any, np.ndarray, np.ndarray]


def symbolic_singular_values(kernel: np.ndarray, rank: int, terms: Sequence[Term] = ()) -> tuple[Any, ...] | None:
    """All `min(shape)` singular values as SymPy expressions, zeros last; None where no closed form is at hand.

    Parameters
    ----------
    kernel : ndarray of shape (m, n), dtype object
        SymPy expressions.
    rank : int
        As `symbolic_answer` gives it.
    terms : sequence, optional
        The terms of that answer, which a kernel of rank 1 needs no more than these.

    Returns
    -------
    tuple or None
        Descending where that can be decided: always for numbers, and within a block of rank 2.

    Examples
    --------
    >>> from convmatrix.kernels import kernel
    >>> symbolic_singular_values(kernel("a 0; 0 b"), 2)
    (Abs(a), Abs(b))
    """
    import sympy

    zeros = (sympy.Integer(0),) * (min(kernel.shape) - rank)
    if rank <= 1 and terms:
        return (rank_one(*terms[0])[0], *zeros)
    found: list[Any] = []
    read = read_entries(kernel)
    for block, _, _ in blocks(read):
        values = _block_values(block)
        if values is None:
            return None
        found += values
    return (*_descending(found, read), *zeros)


def symbolic_svd(kernel: np.ndarray, rank: int, terms: Sequence[Term] = ()) -> tuple[Triple, ...] | None:
    """`rank` triples `(sigma, u, v)` with `K == sum of sigma * outer(u, conj(v))`; None where they are unreadable.

    There is one for blocks of rank 1, and of rank 2 whose squared singular values need no root.
    """
    if rank <= 1:
        return tuple(rank_one(*term) for term in terms)
    read = read_entries(kernel)
    found: list[Triple] = []
    for block, rows, columns in blocks(read):
        orthogonal = orthogonal_terms(block)
        if orthogonal is None:
            return None
        for term in orthogonal:
            sigma, u, v = rank_one(*term)
            found.append((sigma, _placed(u, rows, kernel.shape[0]), _placed(v, columns, kernel.shape[1])))
    if read.symbols:
        return tuple(found)
    return tuple(sorted(found, key=lambda triple: -digits(triple[0])))


def is_descending(kernel: np.ndarray, rank: int) -> bool:
    """Whether the singular values, and the triples of the decomposition, are known to be in descending order.

    Of two that are polynomials, such as `Abs(a + b)` and `Abs(a - b)`, either may be the larger, and so may those of
    two blocks.
    """
    read = read_entries(kernel)
    if rank <= 1 or not read.symbols:
        return True
    parts = [block for block, _, _ in blocks(read)]
    sums = traces(parts[0]) if rank == 2 and len(parts) == 1 else None
    if sums is None:
        return False
    squares = rational_squares(*sums)
    return squares is None or not (gap := squares[0] - squares[1]) or (reducer(read).is_definite(gap) and gap.LC > 0)


def symbolic_characteristic(kernel: np.ndarray, variable: Any = None) -> Any | None:
    """`det(variable * 1 - K K^H)`, its coefficients as sums of squared minors; None beyond a bounded size.

    Parameters
    ----------
    kernel : ndarray of shape (m, n), dtype object
        SymPy expressions.
    variable : Symbol, optional
        By default `lambda`, or `lambda_`, `lambda__` ... where the kernel has that symbol.
    """
    import sympy

    read = read_entries(kernel)
    name = "lambda"
    while any(str(symbol) == name for symbol in read.symbols):
        name += "_"
    x = sympy.Symbol(name) if variable is None else variable
    result, m = x ** read.shape[0], read.shape[0]
    levels = _minor_levels(read)
    if levels is None:
        return None
    for k, level in enumerate(levels, start=1):
        if not read.ring.domain.is_QQ and sum(len(value) ** 2 for value in level) > 2000:
            return None
        total = _sum_of_squares(read, level)
        result += (-1) ** k * total / read.expression(read.denominator) ** (2 * k) * x ** (m - k)
    return result


def _minor_levels(kernel: PolynomialKernel) -> list[list[Any]] | None:
    """The nonzero k x k minors of the numerators, k = 1, 2, ... up to the rank, by expansion along the last row."""
    rows, columns = kernel.shape
    level = {((r,), (c,)): v for r, line in enumerate(kernel.matrix) for c, v in enumerate(line) if v}
    levels, terms, work = [], 0, 0
    while level:
        levels.append(list(level.values()))
        terms += sum(map(len, level.values()))
        if terms > CHARACTERISTIC_TERMS or sum(map(len, levels)) > CHARACTERISTIC_MINORS:
            return None
        bigger: dict[Any, Any] = {}
        for (above, across), minor in level.items():
            for r, c in itertools.product(range(above[-1] + 1, rows), set(range(columns)) - set(across)):
                if not (entry := kernel.matrix[r][c]):
                    continue
                place = (*above, r), tuple(sorted((*across, c)))
                sign = (-1) ** (len(above) + place[1].index(c))
                work += len(minor) * len(entry)
                if work > PRODUCTS or len(bigger) > CHARACTERISTIC_MINORS:
                    return None
                bigger[place] = bigger.get(place, kernel.ring.zero) + sign * minor * entry
        level = {place: value for place, value in bigger.items() if value}
    return levels


def _sum_of_squares(kernel: PolynomialKernel, values: Sequence[Any]) -> Any:
    """The sum of the squared magnitudes as an expression, every square left as one where there are symbols."""
    import sympy

    if not kernel.symbols or not kernel.ring.domain.is_QQ:
        total = sum((value * kernel.conjugate(value) for value in values), kernel.ring.zero)
        return kernel.expression(total)
    signed = [value if value.LC > 0 else -value for value in values]
    return sympy.Add(*((kernel.factored(v) if len(v) <= 4 else kernel.expression(v)) ** 2 for v in signed))


def _block_values(block: PolynomialKernel) -> list[Any] | None:
    """The singular values of one block that are not 0."""
    terms = separable_terms(block)
    if len(terms) == 1:
        return [rank_one(*terms[0])[0]]
    if len(terms) == 2:
        return _pair_of_values(block)
    return _factored_values(block, len(terms))


def _pair_of_values(block: PolynomialKernel) -> list[Any] | None:
    """The singular values of a block of rank 2, the larger first."""
    import sympy

    sums = traces(block)
    if sums is None:
        return None
    t, d = sums
    below = _magnitude(block, block.denominator)
    squares = rational_squares(t, d)
    if squares is not None:
        values = [_root(block, square) / below for square in squares]
        return values if block.symbols else _descending(values, block)
    if block.symbols:
        trace, product = block.expression(t), block.factored(d) if block.is_real else block.expression(d)
        half, inner = trace / 2, sympy.sqrt(trace**2 - 4 * product) / 2
    else:
        half, inner = block.expression(t) / 2, sympy.sqrt(block.expression((t**2 - 4 * d).quo_ground(t.ring.domain(4))))
    return [sympy.sqrt(half + sign * inner) / below for sign in (1, -1)]


def _root(block: PolynomialKernel, square: Any) -> Any:
    """The square root of a polynomial that is never negative, with whatever is a square taken out."""
    import sympy

    root, rest = polynomials.square_split(square)
    return _magnitude(block, root) * sympy.sqrt(block.expression(rest))


def _magnitude(block: PolynomialKernel, polynomial: Any) -> Any:
    import sympy

    return sympy.Mul(*(sympy.Abs(part) for part in sympy.Mul.make_args(block.factored(polynomial))))


def _descending(values: list[Any], kernel: PolynomialKernel) -> list[Any]:
    """Numbers in descending order; symbols in the order they came."""
    return values if kernel.symbols else sorted(values, key=lambda value: -digits(value))


def digits(value: Any) -> Any:
    """A number to 30 digits, also where nearly all of them cancel on the way."""
    return value.evalf(30, maxn=_MOST_DIGITS)


def _placed(vector: np.ndarray, places: Sequence[int], size: int) -> np.ndarray:
    import sympy

    result = np.full(size, sympy.Integer(0), dtype=object)
    result[list(places)] = vector
    return result


# -- rank 3 and more --------------------------------------------------------------------------------------------------


def _factored_values(block: PolynomialKernel, rank: int) -> list[Any] | None:
    """Roots of the characteristic polynomial's factors of degree at most 2, or as algebraic numbers without symbols."""
    parts = _characteristic_factors(block, rank)
    if parts is None:
        return None
    below, found = _magnitude(block, block.denominator), []
    for coefficients, count in parts:
        values = _roots_of(block, coefficients)
        if values is None:
            return None
        found += [value / below for value in values for _ in range(count)]
    return found


def _roots_of(block: PolynomialKernel, coefficients: dict[int, Any]) -> list[Any] | None:
    """Square roots of the roots of one factor, coefficients by power."""
    import sympy

    ring, degree = block.ring, max(coefficients)
    if degree > 2:
        return None if block.symbols else _algebraic_roots(block, coefficients)
    lead, constant = coefficients[degree], coefficients.get(0, ring.zero)
    if not lead.is_ground:
        return None
    if degree == 1:
        return [_root(block, (-constant).quo_ground(lead.LC))]
    t, d = (-coefficients.get(1, ring.zero)).quo_ground(lead.LC), constant.quo_ground(lead.LC)
    inner = _root(block, t**2 - 4 * d) if block.symbols else sympy.sqrt(block.expression(t**2 - 4 * d))
    return [sympy.sqrt(block.expression(t) / 2 + sign * inner / 2) for sign in (1, -1)]


def _characteristic_factors(block: PolynomialKernel, rank: int) -> list[tuple[dict[int, Any], int]] | None:
    """Factors of the characteristic polynomial of the smaller Gram matrix, without its zeros."""
    import sympy
    from sympy.polys.matrices import DomainMatrix
    from sympy.polys.rings import PolyRing

    entries = [value for line in block.matrix for value in line]
    if len(block.symbols) > FACTOR_SYMBOLS or sum(map(len, entries)) > 2 * len(entries):
        return None
    k = block.matrix if block.shape[0] <= block.shape[1] else [list(line) for line in zip(*block.matrix, strict=True)]
    zero = block.ring.zero
    gram = [[sum((a * block.conjugate(b) for a, b in zip(x, y, strict=True)), zero) for y in k] for x in k]
    size = len(gram)
    values = DomainMatrix(gram, (size, size), block.ring.to_domain()).charpoly()[: rank + 1]
    if sum(map(len, values)) > FACTOR_TERMS or any(value.degree(g) > 12 for value in values for g in block.ring.gens):
        return None
    domain = block.ring.domain
    names = [sympy.Dummy("x"), *block.ring.symbols] if block.symbols else [sympy.Dummy("x")]
    ring = PolyRing(names, domain, sympy.lex)
    terms = {}
    for power, value in enumerate(reversed(values)):
        for exponents, number in value.items():
            terms[(power, *exponents) if block.symbols else (power,)] = number
    if not domain.is_QQ and rank * domain.mod.degree() > _NUMBER_DEGREE:
        return None
    whole = ring.from_dict(terms)
    if polynomials.most_bits(whole) > polynomials.FACTOR_BITS:
        return None
    _, parts = whole.factor_list()
    return [(_by_power(part, block), count) for part, count in parts if max(p[0] for p in part)]


def _by_power(part: Any, block: PolynomialKernel) -> dict[int, Any]:
    """A factor as polynomials of the block's ring, by the power of the variable."""
    found: dict[int, dict[Any, Any]] = {}
    for exponents, number in part.items():
        rest = exponents[1:] if block.symbols else (0,) * block.ring.ngens
        found.setdefault(exponents[0], {})[rest] = number
    return {power: block.ring.from_dict(terms) for power, terms in found.items()}


def _algebraic_roots(block: PolynomialKernel, coefficients: dict[int, Any]) -> list[Any] | None:
    """Square roots of the real roots of a factor over a field of numbers, as roots of a rational polynomial.

    Its norm is rational and has them among its roots; which ones they are is seen from their digits.
    """
    import sympy

    domain = block.ring.domain
    if any(name in block.names for name in (sympy.pi, sympy.E)):
        return None
    x = sympy.Dummy("x")
    polynomial = sympy.Poly({(power,): value.LC for power, value in coefficients.items()}, x, domain=domain)
    rational = polynomial if domain.is_QQ else polynomial.norm()
    candidates = [
        root for part, _ in rational.factor_list()[1] for root in sympy.Poly(part, x).real_roots(radicals=False)
    ]
    numbers = [root.evalf(60) for root in candidates]
    found = []
    try:
        roots = sympy.Poly(polynomial.as_expr().evalf(80), x).nroots(n=50, maxsteps=200)
    except sympy.polys.polytools.NoConvergence:
        return None
    for root in roots:
        near = sorted(range(len(numbers)), key=lambda i: abs(numbers[i] - root))
        if len(near) > 1 and abs(numbers[near[1]] - root) < sympy.Float("1e-30"):
            return None
        found.append(sympy.sqrt(candidates[near[0]]))
    return found
