"""The solution of a deconvolution in numbers near 1: by all singular values where they are known, else by LSQR."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from convmatrix.analysis.inverse.bidiagonal import lsqr
from convmatrix.analysis.inverse.choosing import LSQR_TOL, chosen_by_steps, default_steps, spread_over
from convmatrix.analysis.inverse.forms import DIRECT_WORK, MOST_WORK, SingularForm, singular_form
from convmatrix.analysis.inverse.reading import Asked
from convmatrix.analysis.rounding import eps_of
from convmatrix.analysis.spectrum.triples import count_of
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator

_ROUNDINGS = 8
"""Of the weights, which move singular values by about one of them."""


@dataclass(frozen=True, eq=False)
class Solved:
    """Tensors, and how they were found.

    Attributes
    ----------
    x : ndarray of shape `(batch, *in_shape)`
        Solutions.
    alpha : float or None
        What regularised them.
    solver : str
        "frequency blocks", "Kronecker product", "permutation", "dense", "LSQR", or "none" for the transpose.
    iterations : int
        Of LSQR.
    converged : bool
        Whether LSQR met its tolerance for each of them.
    is_settled : bool
        Whether `alpha` is certain, where it was chosen.
    condition : float or None
        Largest by smallest singular value, infinite if that is 0 to rounding.
    """

    x: np.ndarray
    alpha: float | None
    solver: str
    iterations: int = 0
    converged: bool = True
    is_settled: bool = True
    condition: float | None = None


def solved(op: TensorOperator, rows: np.ndarray, asked: Asked, tol: float, rng: np.random.Generator) -> Solved:
    """The solutions for `rows`, `(batch, *out_shape)`, of an operator in float64 or complex128.

    Parameters
    ----------
    op : TensorOperator
        The operator.
    rows : ndarray of shape `(batch, *out_shape)`
        The right sides.
    asked : Asked
        How to solve.
    tol : float
        Up to what part of the largest a singular value is 0, unless that was asked for.
    rng : numpy.random.Generator
        For random signs.

    Raises
    ------
    ConvMatrixError
        If a direct solution is asked for that would take too long.
    """
    if asked.method == "transpose":
        return Solved(op.H(rows), None, "none")
    form = None if asked.solver == "lsqr" else singular_form(op, DIRECT_WORK if asked.solver == "auto" else MOST_WORK)
    if form is not None:
        return _directly(op, form, rows, asked, tol)
    if asked.solver == "direct":
        raise ConvMatrixError(
            "solver must be 'auto' or 'lsqr' for an operator of this size without a form that gives its singular "
            f"vectors, got 'direct' for {op!r}"
        )
    return _by_steps(op, rows, asked, rng)


def tolerance_of(op: TensorOperator) -> float:
    """Up to what part of the largest a singular value is 0: roundings of the decomposition, or of coarser weights."""
    return max(max(op.shape) * float(np.finfo(np.float64).eps), _ROUNDINGS * eps_of(op))


def _directly(op: TensorOperator, form: SingularForm, rows: np.ndarray, asked: Asked, tol: float) -> Solved:
    tol = tol if asked.tol is None else asked.tol
    coefficients = form.left.coefficients(rows)
    largest = form.values.max(initial=0.0)
    kept = form.values > tol * largest
    alpha = asked.alpha
    if asked.method == "tikhonov" and alpha is None:
        alpha = spread_over(form, kept, rows, coefficients).chosen(asked.noise, rows.size)
    values = np.where(kept, form.values, 1.0)
    factors = np.where(kept, values / (values**2 + (alpha or 0.0)), 0.0)
    x = form.right.tensors(coefficients * factors)
    is_singular = form.values.size < count_of(op) or not kept.all()
    condition = math.inf if is_singular else float(largest / form.values.min())
    is_real = op.dtype.kind != "c" and rows.dtype.kind != "c"
    return Solved(x.real if is_real else x, alpha, form.method, condition=condition)


def _by_steps(op: TensorOperator, rows: np.ndarray, asked: Asked, rng: np.random.Generator) -> Solved:
    alpha, is_settled = asked.alpha, True
    if asked.method == "tikhonov" and alpha is None:
        alpha, is_settled = chosen_by_steps(op, rows, asked.noise, rng)
    tol = LSQR_TOL if asked.tol is None else asked.tol
    found = lsqr(op, rows, alpha or 0.0, tol, asked.most or default_steps(op))
    return Solved(found.x, alpha, "LSQR", found.iterations, bool(found.converged.all()), is_settled)
