"""How much to regularise: generalised cross-validation, or the discrepancy from a known noise.

Both ask only how the right side is spread over the singular values. With `C = U S V^H` Tikhonov's residual is
`sum of (alpha / (s_j**2 + alpha))**2 |u_j^H y|**2` and what is left of `y`'s freedom `sum of alpha / (s_j**2 + alpha)`:
integrals over two measures on the squares `s_j**2`, the masses `|u_j^H y|**2` of the one and 1 each of the other.
Where singular values are not known, the bidiagonal forms that start from `y` and from random signs give a few squares
and masses with the same integrals (Golub, von Matt 1997; random signs: Girard 1989).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import brentq, minimize_scalar

from convmatrix.analysis.inverse.bidiagonal import bidiagonalised
from convmatrix.analysis.inverse.forms import SingularForm
from convmatrix.operators import TensorOperator

_GRID = 120
_SPAN = 60.0
"""Natural logarithms below the largest square, down to which `alpha` is sought: 26 decades, the range of rounding."""
_STEADY = 0.01
_FIRST, _MOST_STEPS = 16, 512
_SIGNS, _PROBES = 2048, 16
"""Random signs in all, at least, and vectors of them, at most: the trace is off by one part in their number's root."""


@dataclass(frozen=True, eq=False)
class Measure:
    """Masses on squares of singular values."""

    squares: np.ndarray
    masses: np.ndarray

    def left(self, alpha: float, power: int) -> float:
        """The integral of `(alpha / (square + alpha))**power`."""
        return float((self.masses * (alpha / (self.squares + alpha)) ** power).sum())


@dataclass(frozen=True, eq=False)
class Spread:
    """How right sides are spread over the squares of singular values, and how many dimensions are, or a multiple."""

    rows: Measure
    freedom: Measure

    def chosen(self, noise: float | None, entries: int) -> float:
        """The `alpha` of the discrepancy for a `noise` in each of `entries` numbers, without one that of GCV."""
        return self.by_validation() if noise is None else self.by_discrepancy(noise**2 * entries)

    def by_validation(self) -> float:
        """Where `residual / freedom**2` is least: generalised cross-validation."""
        top = math.log(self.rows.squares.max(initial=0.0) or 1.0)

        def error(at: float) -> float:
            alpha = math.exp(at)
            return self.rows.left(alpha, 2) / self.freedom.left(alpha, 1) ** 2

        grid = np.linspace(top - _SPAN, top + 3, _GRID)
        best = float(grid[np.argmin([error(at) for at in grid.tolist()])])
        width = float(grid[1] - grid[0])
        found = minimize_scalar(error, bounds=(best - width, best + width), method="bounded", options={"xatol": 1e-4})
        return math.exp(float(found.x))

    def by_discrepancy(self, target: float) -> float:
        """Where the residual is `target`, which is below the mass of all rows; 0 where it never is so little."""
        top = math.log(self.rows.squares.max(initial=0.0) or 1.0)

        def excess(at: float) -> float:
            return self.rows.left(math.exp(at), 2) - target

        if excess(top - _SPAN) >= 0:
            return 0.0
        high = top
        while excess(high) < 0:
            high += 5
        return math.exp(float(brentq(excess, top - _SPAN, high, xtol=1e-6)))


def spread_over(form: SingularForm, rows: np.ndarray, coefficients: np.ndarray) -> Spread:
    """Over the singular values themselves, with what lies beyond all of them at 0.

    Parameters
    ----------
    form : SingularForm
        Of the operator.
    rows : ndarray of shape `(batch, *out_shape)`
        The right sides.
    coefficients : ndarray of shape `(batch, r)`
        Theirs, of the form's left vectors.
    """
    beyond = rows - form.left.tensors(coefficients) if form.values.size < math.prod(form.left.shape) else 0.0
    squares = np.append(form.values**2, 0.0)
    masses = np.append((np.abs(coefficients) ** 2).sum(axis=0), np.sum(np.abs(beyond) ** 2))
    missing = math.prod(form.left.shape) - form.values.size
    freedom = np.append(np.ones(form.values.size), missing)
    return Spread(Measure(squares, masses), Measure(squares, freedom))


def chosen_by_steps(op: TensorOperator, rows: np.ndarray, noise: float | None, rng: np.random.Generator) -> float:
    """The `alpha` for an operator whose singular values are not known, once more steps hardly move it.

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
    probes = min(_PROBES, -(-_SIGNS // op.shape[0]))
    signs = rng.choice((-1.0, 1.0), size=(probes, *op.out_shape))
    # All of a batch as one long vector, whose form has the integrals of them all.
    both = zip(bidiagonalised(op, rows[None]), bidiagonalised(op, signs[None]), strict=False)
    alphas, betas = np.empty((2, _MOST_STEPS + 1)), np.empty((2, _MOST_STEPS + 1))
    found, looked = 0.0, _FIRST
    for number, steps in enumerate(both):
        for side, step in enumerate(steps):
            alphas[side, number], betas[side, number] = step.alpha[0], step.beta[0]
        if number < min(looked, *op.shape):
            continue
        own, freedom = (_measure(alphas[side, :number], betas[side, : number + 1]) for side in (0, 1))
        before, found = found, Spread(own, freedom).chosen(noise, rows.size)
        # Too few steps may leave more than the noise, and ask for no alpha at all.
        if (found > 0 and abs(found - before) <= _STEADY * found) or looked >= min(_MOST_STEPS, *op.shape):
            break
        looked *= 2
    return found


def _measure(alphas: np.ndarray, betas: np.ndarray) -> Measure:
    """Squares and masses of a bidiagonal form: of `alphas` on the diagonal, and `betas` from above it downwards."""
    # The singular values are the eigenvalues, of either sign, of the tridiagonal matrix of these in turn: as exact as a
    # decomposition of the form itself, and in far less time.
    beside = np.empty(2 * len(alphas))
    beside[0::2], beside[1::2] = alphas, betas[1:]
    values, vectors = eigh_tridiagonal(np.zeros(len(beside) + 1), beside)
    return Measure(values**2, (betas[0] * vectors[0]) ** 2)
