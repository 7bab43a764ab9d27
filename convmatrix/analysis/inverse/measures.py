"""How right sides are spread over the squares of singular values: known, or enclosed by a bidiagonal form.

Integrals of `(alpha / (s**2 + alpha))**power` over masses on the squares `s**2` are all that a rule for `alpha` asks
for. The bidiagonal form `B` that starts from a vector gives them as `(alpha (B B^T + alpha I)^-1)**power` at its first
entry. With as many columns as rows that is a rule of Gauss, from below; without the last column, which makes it
singular, one of Gauss and Radau, from above (Golub, Meurant: Matrices, moments and quadrature, 1994).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

_ROOM = 1 << 21
"""Numbers of the pivots of one form that exist at a time."""


class Integrals(Protocol):
    """Masses on squares of singular values, of which the largest is about `top`."""

    @property
    def top(self) -> float: ...

    def left(self, alpha: Any, power: int) -> Any:
        """The integral of `(alpha / (square + alpha))**power`, for one `alpha` or an array of them."""


@dataclass(frozen=True, eq=False)
class Measure:
    """Masses that are known."""

    squares: np.ndarray
    masses: np.ndarray

    @property
    def top(self) -> float:
        """The largest square."""
        return float(self.squares.max(initial=0.0))

    def left(self, alpha: Any, power: int) -> Any:
        """The integral of `(alpha / (square + alpha))**power`, for one `alpha` or an array of them."""
        if isinstance(alpha, np.ndarray):
            return np.array([self.left(float(one), power) for one in alpha])
        return float((self.masses * (alpha / (self.squares + alpha)) ** power).sum())


class Form:
    """The bidiagonal forms of a batch, as far as they are known: squares of `alpha` on the diagonal, of `beta` below.

    Examples
    --------
    The values 3 and 1, with masses 1 and 4, and a mass of 9 beyond the operator's range:

    >>> form = Form()
    >>> form.add(np.sqrt([13 / 14]), np.sqrt([14.0]))
    >>> exact = Measure(np.array([9.0, 1, 0]), np.array([1.0, 4, 9])).left(0.5, 2)
    >>> form.left(0.5, 2, above=False) < exact < form.left(0.5, 2, above=True)
    True
    """

    def __init__(self) -> None:
        self.diagonal: list[np.ndarray] = []
        self.below: list[np.ndarray] = []

    def add(self, alpha: np.ndarray, beta: np.ndarray) -> None:
        """One step more, of each of the batch."""
        self.diagonal.append(alpha**2)
        self.below.append(beta**2)

    @property
    def is_complete(self) -> bool:
        """Whether all forms have ended, and both integrals are one."""
        return not self.diagonal[-1].any()

    @property
    def top(self) -> float:
        """The largest square of a singular value of the forms, or up to four times that."""
        alphas, betas = (max((own.max(initial=0.0) for own in side), default=0.0) for side in self._sides)
        return float((math.sqrt(alphas) + math.sqrt(betas)) ** 2)

    def left(self, alpha: Any, power: int, *, above: bool) -> Any:
        """A bound of the integral of `(alpha / (square + alpha))**power`, for one `alpha` or an array of them."""
        alphas = np.atleast_1d(np.asarray(alpha, dtype=np.float64))
        each = max(1, _ROOM // (len(self.diagonal) * max(1, self.below[0].size)))
        found = np.concatenate(
            [self._left(alphas[first : first + each], power, above) for first in range(0, alphas.size, each)]
        )
        return found if isinstance(alpha, np.ndarray) else float(found[0])

    def slope(self, alpha: float) -> float:
        """`|C^H r - alpha x|` for the Tikhonov solutions in the space of all steps but the last, and their `r`."""
        *_, last = self._parts(np.array([[alpha]]), True)
        return float(np.linalg.norm(np.sqrt(self.diagonal[-1] * self.below[0]) * last))

    @property
    def _sides(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return self.diagonal, self.below[1:]

    def _left(self, alphas: np.ndarray, power: int, above: bool) -> np.ndarray:
        parts = self._parts(alphas[:, None], above)
        first = next(parts)
        if power == 2:
            first = first**2
            for part in parts:
                first += part**2
        return np.asarray((self.below[0] * first).sum(axis=1))

    def _parts(self, alpha: np.ndarray, above: bool) -> Iterator[np.ndarray]:
        """The sizes of the entries of `alpha (B B^T + alpha I)^-1 e_1`, one after the other: `(alphas, batch)`."""
        # Pivots of B B^T + alpha I from the bottom, by alpha, without ever forming it: sums of positive numbers, and
        # products. Nothing cancels, however small alpha is.
        size, right = len(self.diagonal), np.ones((1, 1))
        lefts, rights = [right] * size, [right] * size
        for place in range(size - 1, -1, -1):
            square = np.zeros(1) if above and place == size - 1 else self.diagonal[place]
            rights[place] = right
            lefts[place] = left = 1 + square / (alpha * right)
            right = 1 + self.below[place] / (alpha * left)
        part = 1 / lefts[0]
        yield part
        for place in range(1, size):
            across = np.sqrt(self.diagonal[place - 1] * self.below[place])
            part = part * (across / (alpha * rights[place - 1])) / lefts[place]
            yield part


@dataclass(frozen=True, eq=False)
class Bound:
    """The integrals of forms, from above or from below."""

    form: Form
    above: bool

    @property
    def top(self) -> float:
        """The largest square, or up to four times that."""
        return self.form.top

    def left(self, alpha: Any, power: int) -> Any:
        """A bound of the integral of `(alpha / (square + alpha))**power`, for one `alpha` or an array of them."""
        return self.form.left(alpha, power, above=self.above)
