"""The blocks of a kernel of symbols, and what is known of each without a root: traces, rational squares, vectors."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from convmatrix.analysis.separability import polynomials
from convmatrix.analysis.separability.entries import PolynomialKernel, Term
from convmatrix.analysis.separability.symbolic import separable_terms

ROOT_TERMS = 60
"""Terms of t and d up to which the square root of t**2 - 4 d is looked for."""
PRODUCTS = 40_000
"""Products of two terms that the sum of the squared minors may take."""


def blocks(kernel: PolynomialKernel) -> Iterator[tuple[PolynomialKernel, list[int], list[int]]]:
    """The parts that share no row and no column, with the places of their rows and columns."""
    left = {r: {c for c, value in enumerate(line) if value} for r, line in enumerate(kernel.matrix)}
    while left:
        first = min(left)
        rows, columns = {first}, set(left.pop(first))
        while touching := [r for r, own in left.items() if own & columns]:
            for r in touching:
                columns |= left.pop(r)
                rows.add(r)
        if columns:
            across = sorted(columns)
            part = [[kernel.matrix[r][c] for c in across] for r in sorted(rows)]
            yield dataclasses.replace(kernel, matrix=part), sorted(rows), across


def traces(block: PolynomialKernel) -> tuple[Any, Any] | None:
    """The sums of the squared magnitudes of the numerators and of their 2x2 minors, in bounded time."""
    k, (rows, columns), ring = block.matrix, block.shape, block.ring
    first = sum((value * block.conjugate(value) for line in k for value in line), ring.zero)
    second, work = ring.zero, 0
    for r0, r1 in itertools.combinations(range(rows), 2):
        for c0, c1 in itertools.combinations(range(columns), 2):
            minor = k[r0][c0] * k[r1][c1] - k[r0][c1] * k[r1][c0]
            work += len(minor) ** 2 * (1 if ring.domain.is_QQ else 20)
            if work > PRODUCTS:
                return None
            second = second + minor * block.conjugate(minor)
    return first, second


def rational_squares(t: Any, d: Any) -> tuple[Any, Any] | None:
    """The two roots of `x**2 - t x + d` where they are polynomials."""
    if len(t) > ROOT_TERMS or len(d) > ROOT_TERMS:
        return None
    discriminant = t**2 - 4 * d
    if not discriminant:
        return t.quo_ground(t.ring.domain(2)), t.quo_ground(t.ring.domain(2))
    root = polynomials.square_root(discriminant)
    if root is None:
        return None
    half = t.ring.domain(2)
    return (t + root).quo_ground(half), (t - root).quo_ground(half)


def rank_one(scale: Any, column: np.ndarray, row: np.ndarray) -> Term:
    """`sigma, u, v` of one separable term."""
    import sympy

    down, across = _length(column), _length(row)
    number, rest = scale.as_content_primitive()
    size = number * sympy.Mul(*(sympy.Abs(part) for part in sympy.Mul.make_args(rest)))
    phase = rest * number / size if scale.is_number else sympy.sign(rest)
    conjugates = np.array([sympy.conjugate(value) if value.is_number else value for value in row], dtype=object)
    return size * down * across, phase * column / down, conjugates / across


def _length(vector: np.ndarray) -> Any:
    import sympy

    parts = [sympy.Abs(value) ** 2 if value.is_number else value**2 for value in vector]
    return sympy.sqrt(sympy.Add(*parts))


def orthogonal_terms(block: PolynomialKernel) -> list[Term] | None:
    """Terms whose columns are orthogonal, and whose rows are too."""
    terms = separable_terms(block)
    if len(terms) == 1:
        return terms
    if len(terms) > 2 or not block.is_real:
        return None
    sums = traces(block)
    squares = None if sums is None else rational_squares(*sums)
    if squares is None:
        return None
    if squares[0] == squares[1]:
        # Both singular values are equal: of two rows, or columns, unit vectors are as good as any.
        return terms if min(block.shape) == 2 else None
    return [_projected(block, other) for other in (squares[1], squares[0])]


def _projected(block: PolynomialKernel, other: Any) -> Term:
    """The singular term of one squared value: `u u^T K / u^T u`, u a column of `(K K^T - other) K`."""
    k, zero = block.matrix, block.ring.zero
    gram = [[sum((a * b for a, b in zip(x, y, strict=True)), zero) for y in k] for x in k]
    for r, line in enumerate(gram):
        line[r] = line[r] - other
    candidates = []
    for column in zip(*k, strict=True):
        image = [sum((a * b for a, b in zip(line, column, strict=True)), zero) for line in gram]
        if any(image):
            candidates.append(polynomials.without_common_factor(image)[1])
    u = min(candidates, key=lambda vector: (sum(map(len, vector)), max(polynomials.height(v) for v in vector if v)))
    row = [sum((a * b for a, b in zip(u, column, strict=True)), zero) for column in zip(*k, strict=True)]
    return block.term(u, row, sum((value * value for value in u), zero))
