"""Least squares without a matrix: Golub's and Kahan's bidiagonal form, LSQR on it, and what it says of every alpha.

Several right sides go through the operator together, each with numbers of its own, so that none is solved less well
for the company it has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convmatrix.operators import TensorOperator


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the bidiagonal form: `alpha` on its diagonal, `beta` below, and the next right vectors."""

    alpha: np.ndarray
    beta: np.ndarray
    right: np.ndarray


def bidiagonalised(op: TensorOperator, rows: np.ndarray) -> Iterator[Step]:
    """The steps of Golub and Kahan from each of `rows`, `(batch, *out_shape)`.

    The first has the lengths of `rows` as its `beta`; each `alpha` is the length of the right vector it comes with.
    """
    adjoint = op.H
    beta, left = _unit(rows)
    alpha, right = _unit(adjoint(left))
    while True:
        yield Step(alpha, beta, right)
        beta, left = _unit(op(right) - _along(alpha, left) * left)
        alpha, right = _unit(adjoint(left) - _along(beta, right) * right)


@dataclass(frozen=True, eq=False)
class Iterated:
    """What LSQR found: tensors, the most steps one took, and which of them met the tolerance."""

    x: np.ndarray
    iterations: int
    converged: np.ndarray


def lsqr(op: TensorOperator, rows: np.ndarray, alpha: float, tol: float, most: int) -> Iterated:
    """The least `|C x - y|^2 + alpha |x|^2` for each `y` of `rows`, and of several such `x` the shortest.

    Stops for a `y` where `|C^H r - alpha x| <= tol * |C| * |r|`, or `|r| <= tol * |y|`, both as the recurrence has
    them, `|C|` from below, and `r` with `sqrt(alpha) x` below it.

    Parameters
    ----------
    op : TensorOperator
        In float64 or complex128.
    rows : ndarray of shape `(batch, *out_shape)`
        The right sides.
    alpha, tol : float
        At least 0.
    most : int
        Steps.

    References
    ----------
    Paige, Saunders: LSQR, an algorithm for sparse linear equations and sparse least squares, ACM TOMS 8, 1982.
    """
    damp = float(np.sqrt(alpha))
    steps = bidiagonalised(op, rows)
    first = next(steps)
    x = np.zeros_like(first.right)
    along, state = first.right, _Rotations(first, damp)
    converged = state.is_solved(tol)
    iterations = 0
    for step in steps:
        if converged.all() or iterations == most:
            break
        iterations += 1
        forwards, back = state.turn(step)
        # What is solved stays as it is: further digits would be of rounding alone.
        x = x + _along(np.where(converged, 0.0, forwards), x) * along
        along = step.right - _along(back, along) * along
        converged = converged | state.is_solved(tol)
    return Iterated(x, iterations, converged)


class _Rotations:
    """The plane rotations that LSQR turns the bidiagonal form into a triangle with, one right side an entry."""

    def __init__(self, first: Step, damp: float) -> None:
        self.damp = damp
        self.start, self.rest, self.diagonal = first.beta, first.beta, first.alpha
        self.lost = np.zeros_like(first.beta)
        self.norm = first.alpha
        self.gradient = first.alpha * first.beta
        self._alpha = first.alpha

    def turn(self, step: Step) -> tuple[np.ndarray, np.ndarray]:
        """How far to go along the direction there is, and how much of it to take off the next."""
        self.norm = np.maximum(self.norm, np.hypot(self._alpha, step.beta))
        self._alpha = step.alpha
        damped = np.hypot(self.diagonal, self.damp)
        self.lost = np.hypot(self.lost, _ratio(self.damp, damped) * self.rest)
        rest = _ratio(self.diagonal, damped) * self.rest
        length = np.hypot(damped, step.beta)
        cosine, sine = _ratio(damped, length), _ratio(step.beta, length)
        self.diagonal = -cosine * step.alpha
        self.rest = sine * rest
        self.gradient = step.alpha * np.abs(sine * cosine * rest)
        return _ratio(cosine * rest, length), _ratio(sine * step.alpha, length)

    def is_solved(self, tol: float) -> np.ndarray:
        """Whether what is left, or its slope, is small enough."""
        left = np.hypot(self.rest, self.lost)
        norm = np.hypot(self.norm, self.damp)
        return (self.gradient <= tol * norm * left) | (left <= tol * self.start)


def _unit(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths, and the vectors divided by them; those of length 0 stay."""
    lengths = np.linalg.norm(vectors.reshape(len(vectors), math.prod(vectors.shape[1:])), axis=1)
    return lengths, vectors / _along(np.where(lengths > 0, lengths, 1.0), vectors)


def _along(numbers: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return numbers.reshape(-1, *[1] * (vectors.ndim - 1))


def _ratio(above: np.ndarray | float, below: np.ndarray) -> np.ndarray:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0)
