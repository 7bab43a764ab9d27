"""How much to regularise: generalised cross-validation, or the discrepancy from a known noise.

Both ask only how the right side is spread over the singular values. With `C = U S V^H` Tikhonov's residual is
`sum of (alpha / (s_j**2 + alpha))**2 |u_j^H y|**2` and what is left of `y`'s freedom `sum of alpha / (s_j**2 + alpha)`:
integrals over two measures on the squares `s_j**2`, the masses `|u_j^H y|**2` of the one and 1 each of the other.
Where singular values are not known, the bidiagonal forms that start from `y` and from random signs
enclose these integrals, ever more tightly the more steps are made (Golub, von Matt 1997; random signs: Girard 1989).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from convmatrix.analysis.inverse.bidiagonal import bidiagonalised
from convmatrix.analysis.inverse.forms import DIRECT_WORK, SingularForm
from convmatrix.analysis.inverse.measures import Bound, Form, Integrals, Measure
from convmatrix.operators import TensorOperator

LSQR_TOL = 1e-12
MOST_STEPS = 5000
_GRID = 120
_SPAN = 60.0
"""Natural logarithms below the largest square, down to which `alpha` is sought: 26 decades, the range of rounding."""
_FIRST, _MORE = 16, 1.5
"""Steps before the first look at a form, and how many times as many before each further one."""
_NARROW = 1e-6
"""Between what the discrepancy's squared residual is enclosed by."""
_LOW, _BELOW, _SMALL = 0.05, 5.0, 512
"""How far cross-validation may be above its least, and down to how many natural logarithms below `alpha` that has to be
certain; of operators with so few rows or columns, whose forms end soon, everywhere."""
_SIGNS = 1 << 14
"""Random signs in all, at least: the trace is off by one part in their number's root, or more at small `alpha`."""
_TRACE_ENTRIES = 10_000_000
"""Of a matrix whose singular values are computed for the trace."""


@dataclass(frozen=True, eq=False)
class Spread:
    """How right sides are spread over the squares of singular values, and how many dimensions are, or a multiple."""

    rows: Integrals
    freedom: Integrals

    def chosen(self, noise: float | None, entries: int) -> float:
        """The `alpha` of the discrepancy for a `noise` in each of `entries` numbers, without one that of GCV."""
        return self.by_validation() if noise is None else by_discrepancy(self.rows, noise**2 * entries)

    def error(self, alpha: Any) -> Any:
        """`residual / freedom**2`."""
        return self.rows.left(alpha, 2) / self.freedom.left(alpha, 1) ** 2

    def by_validation(self) -> float:
        """Where that is least: generalised cross-validation."""
        grid = _grid(self.rows)
        best = float(grid[np.argmin(self.error(np.exp(grid)))])
        width = float(grid[1] - grid[0])
        found = minimize_scalar(
            lambda at: self.error(math.exp(at)), bounds=(best - width, best + width), method="bounded",
            options={"xatol": 1e-4},
        )  # fmt: skip
        return math.exp(float(found.x))


def by_discrepancy(rows: Integrals, target: float) -> float:
    """Where the residual is `target`, which is below the mass of all rows; 0 where it never is so little."""

    def excess(at: float) -> float:
        return rows.left(math.exp(at), 2) - target

    low = high = _logarithm(rows.top)
    low -= _SPAN
    if excess(low) >= 0:
        return 0.0
    while excess(high) < 0:
        high += 5
    return math.exp(float(brentq(excess, low, high, xtol=1e-6)))


def spread_over(form: SingularForm, kept: np.ndarray, rows: np.ndarray, coefficients: np.ndarray) -> Spread:
    """Over the singular values themselves, with what lies beyond all of them at 0.

    Parameters
    ----------
    form : SingularForm
        Of the operator.
    kept : ndarray of shape `(r,)`
        Which of its values are not 0.
    rows : ndarray of shape `(batch, *out_shape)`
        The right sides.
    coefficients : ndarray of shape `(batch, r)`
        Theirs, of the form's left vectors.
    """
    beyond = rows - form.left.tensors(coefficients) if form.values.size < math.prod(form.left.shape) else 0.0
    squares = np.append(np.where(kept, form.values, 0.0) ** 2, 0.0)
    masses = np.append((np.abs(coefficients) ** 2).sum(axis=0), np.sum(np.abs(beyond) ** 2))
    missing = math.prod(form.left.shape) - form.values.size
    freedom = np.append(np.ones(form.values.size), missing)
    return Spread(Measure(squares, masses), Measure(squares, freedom))


def chosen_by_steps(
    op: TensorOperator, rows: np.ndarray, noise: float | None, rng: np.random.Generator
) -> tuple[float, bool]:
    """The `alpha` for an operator whose singular values are not known, and whether that is certain.

    Parameters
    ----------
    op : TensorOperator
        In float64 or complex128.
    rows : ndarray of shape `(batch, *out_shape)`
        The right sides.
    noise : float or None
        In each number of `rows`, for the discrepancy; None for generalised cross-validation.
    rng : numpy.random.Generator
        For the signs.
    """
    if noise is None:
        depth = _SPAN if min(op.shape) <= _SMALL else _BELOW
        return _by_validation(_growing(op, rows), _freedom(op, rng), depth)
    return _by_discrepancy(_growing(op, rows), noise**2 * rows.size)


def default_steps(op: TensorOperator) -> int:
    """After how many steps an iteration is given up."""
    return min(4 * min(op.shape), MOST_STEPS)


class _Look(NamedTuple):
    """Integrals from below and from above, after some steps."""

    below: Bound | Measure
    above: Bound | Measure
    is_complete: bool
    is_last: bool


def _growing(op: TensorOperator, rows: np.ndarray) -> Iterator[_Look]:
    """Those of the bidiagonal forms of some tensors, after ever more steps."""
    form, looked, most = Form(), _FIRST, default_steps(op)
    for number, step in enumerate(bidiagonalised(op, rows)):
        form.add(step.alpha, step.beta)
        is_last = form.is_complete or number >= most
        if number >= looked or is_last:
            looked = int(_MORE * looked)
            yield _Look(Bound(form, False), Bound(form, True), form.is_complete, is_last)
        if is_last:
            break


def _freedom(op: TensorOperator, rng: np.random.Generator) -> Iterator[_Look]:
    """Those of the trace, or a multiple: of all singular values of a small matrix, else of random signs."""
    rows, columns = op.shape
    if float(rows) * columns * min(op.shape) <= DIRECT_WORK and rows * columns <= _TRACE_ENTRIES:
        squares = np.zeros(rows)
        squares[: min(op.shape)] = np.linalg.svd(op.toarray(), compute_uv=False) ** 2
        known = Measure(squares, np.ones(rows))
        return iter([_Look(known, known, True, True)])
    signs = rng.choice((-1.0, 1.0), size=(-(-_SIGNS // rows), *op.out_shape))
    return _growing(op, signs)


def _by_discrepancy(looks: Iterator[_Look], target: float) -> tuple[float, bool]:
    alpha = 0.0
    for look in looks:
        alpha = by_discrepancy(look.above, target)
        # More than the target may be left because more steps are to come. Not if the least residual is reached.
        is_certain = look.below.left(alpha, 2) >= target * (1 - _NARROW) if alpha > 0 else _is_least(look)
        if is_certain:
            return alpha, True
    return alpha, False


def _is_least(look: _Look) -> bool:
    """Whether no step makes the residual shorter, by what LSQR stops at."""
    if look.is_complete or isinstance(look.above, Measure):
        return True
    least, top = math.exp(_logarithm(look.above.top) - _SPAN), look.above.top
    return look.above.form.slope(least) <= LSQR_TOL * math.sqrt(top * look.above.left(least, 2))


def _by_validation(all_rows: Iterator[_Look], all_freedom: Iterator[_Look], depth: float) -> tuple[float, bool]:
    rows, freedom = next(all_rows), next(all_freedom)
    found = 0.0
    while True:
        # Where the bounds are far apart, at small alpha, the upper one is high: what is not known is not chosen.
        most, least = Spread(rows.above, freedom.below), Spread(rows.below, freedom.above)
        before, found = found, most.by_validation()
        grid = _grid(most.rows)
        errors = least.error(np.exp(grid[grid >= math.log(found) - depth]))
        error = most.error(found)
        is_steady = before > 0 and most.error(before) <= error * (1 + _LOW)
        if (rows.is_complete and freedom.is_complete) or (is_steady and error <= errors.min() * (1 + _LOW)):
            return found, True
        if rows.is_last and freedom.is_last:
            return found, False
        rows, freedom = next(all_rows, rows), next(all_freedom, freedom)


def _grid(rows: Integrals) -> np.ndarray:
    """Logarithms of `alpha`."""
    top = _logarithm(rows.top)
    return np.linspace(top - _SPAN, top + 3, _GRID)


def _logarithm(top: float) -> float:
    return math.log(top or 1.0)
