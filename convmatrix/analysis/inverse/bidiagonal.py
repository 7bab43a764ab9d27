"""Least squares without a matrix: Golub's and Kahan's bidiagonal form, LSQR on it, and what it says of every alpha.

Several right sides go through the operator together, each with numbers of its own, so that none is solved less well
for the company it has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convmatrix.analysis.spectrum.numbers import UNIT, products
from convmatrix.operators import TensorOperator

_HELD_ENTRIES, _HELD_WORK = 1 << 25, 2e9
"""Numbers of all vectors that are kept to make others orthogonal to, and products that this takes: two seconds."""
_LEAST_ROUNDINGS = 8


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the bidiagonal form: `alpha` on its diagonal, `beta` below, and the next right vectors."""

    alpha: np.ndarray
    beta: np.ndarray
    right: np.ndarray


def bidiagonalised(op: TensorOperator, rows: np.ndarray) -> Iterator[Step]:
    """The steps of Golub and Kahan from each of `rows`, `(batch, *out_shape)`.

    The first has the lengths of `rows` as its `beta`; each `alpha` is the length of the right vector it comes with. A
    length that is rounding alone is 0, and so is all that follows it: the form is complete. Where all vectors can be
    kept, each is made orthogonal to all before it, and the form is complete after at most `min(op.shape)` steps; else
    rounding brings some directions back again and again, and it takes more steps to say as much.
    """
    adjoint, rounding = op.H, rounding_of(op)
    entries = rows.size // op.shape[0] * max(op.shape)
    lefts, rights = (_Held.of(min(op.shape) + 1, entries) for _ in range(2))
    beta, left = _unit(rows.astype(np.complex128) if op.dtype.kind == "c" else rows)
    alpha, right = _unit(adjoint(left))
    norm = alpha
    while True:
        yield Step(alpha, beta, right)
        lefts.keep(left)
        rights.keep(right)
        beta, left = _unit(lefts.rid(op(right) - _along(alpha, left) * left), rounding * norm)
        norm = np.maximum(norm, np.hypot(alpha, beta))
        alpha, right = _unit(rights.rid(adjoint(left) - _along(beta, right) * right), rounding * norm)
        norm = np.maximum(norm, alpha)


def rounding_of(op: TensorOperator) -> float:
    """What part of the norm a product with the operator is off by, at most."""
    return max(_LEAST_ROUNDINGS, products(op)) * UNIT


class _Held:
    """The vectors so far, to make others orthogonal to; none, where `count` of them are too many."""

    def __init__(self, count: int) -> None:
        self.room, self.number = count, 0
        self.vectors = np.empty((0, 0, 0))

    @classmethod
    def of(cls, count: int, entries: int) -> _Held:
        """For `count` steps of `entries` numbers each, if that is affordable."""
        fits = count * entries <= _HELD_ENTRIES and float(count) ** 2 * entries <= _HELD_WORK
        return cls(count if fits else 0)

    def keep(self, tensors: np.ndarray) -> None:
        """One more of each of the batch."""
        if self.number == self.room:
            return
        flat = tensors.reshape(len(tensors), math.prod(tensors.shape[1:]))
        if not self.number:
            self.vectors = np.empty((len(flat), self.room, flat.shape[1]), dtype=flat.dtype)
        self.vectors[:, self.number] = flat
        self.number += 1

    def rid(self, tensors: np.ndarray) -> np.ndarray:
        """The tensors without their parts along what is kept; twice, for what rounding leaves the first time."""
        if not self.number:
            return tensors
        vectors = self.vectors[:, : self.number]
        flat = tensors.reshape(len(tensors), vectors.shape[2], 1)
        for _ in range(2):
            along = np.conj(vectors @ np.conj(flat)).swapaxes(1, 2)
            flat = flat - (along @ vectors).swapaxes(1, 2)
        return flat.reshape(tensors.shape)


@dataclass(frozen=True, eq=False)
class Iterated:
    """What LSQR found: tensors, the most steps one took, and which of them met the tolerance."""

    x: np.ndarray
    iterations: int
    converged: np.ndarray


def lsqr(op: TensorOperator, rows: np.ndarray, alpha: float, tol: float, most: int) -> Iterated:
    """The least `|C x - y|^2 + alpha |x|^2` for each `y` of `rows`, and of several such `x` the shortest.

    Stops for a `y` where `|C^H r - alpha x| <= tol * |C| * |r|`, or `|r| <= tol * |y|`, both as the recurrence has
    them, `|C|` from below, and `r` with `sqrt(alpha) x` below it. A `tol` below the rounding of a product is taken as
    that: further steps would go along what rounding has made up.

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
    tol = max(tol, rounding_of(op))
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


def _unit(vectors: np.ndarray, least: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Lengths, and the vectors divided by them; both are 0 up to the `least` length."""
    lengths = np.linalg.norm(vectors.reshape(len(vectors), math.prod(vectors.shape[1:])), axis=1)
    is_made_up = (lengths <= least) & (lengths > 0)
    if is_made_up.any():
        lengths = np.where(is_made_up, 0.0, lengths)
        vectors = np.where(_along(is_made_up, vectors), 0, vectors)
    return lengths, vectors / _along(np.where(lengths > 0, lengths, 1.0), vectors)


def _along(numbers: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return numbers.reshape(-1, *[1] * (vectors.ndim - 1))


def _ratio(above: np.ndarray | float, below: np.ndarray) -> np.ndarray:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0)
