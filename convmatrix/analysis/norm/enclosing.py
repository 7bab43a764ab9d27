"""The norm between two numbers: the lower one attained, the upper one proved, until they are near enough.

An iteration that settles proves nothing about what it has not seen. So it only proposes: its vector proves the lower
end, and the upper end is a proof about all vectors at once. If that fails and is about the operator itself, it shows a
vector that does better, and the iteration goes on from there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convmatrix.analysis.norm.attaining import Attained
from convmatrix.analysis.norm.certificate import rounded_up
from convmatrix.analysis.norm.own import OwnGram, own_gram
from convmatrix.analysis.norm.perron import bound_of_magnitudes
from convmatrix.analysis.norm.underflow import underflow
from convmatrix.analysis.spectrum.numbers import growth
from convmatrix.analysis.spectrum.solving import work
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Sum, branches_of, steps_of

DENSE = 3e7
"""Rows times columns times the smaller of them up to which a matrix is simply taken apart."""
TRIES = 12


@dataclass(frozen=True)
class Bound:
    """An upper bound of the norm.

    Attributes
    ----------
    name : str
        What it is.
    value : float
        The bound, rounding included.
    seconds : float
        What it took.
    """

    name: str
    value: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Enclosed:
    """A norm between two numbers, with a vector for the lower one and the bounds that were proved."""

    lower: float
    upper: float
    vector: np.ndarray
    bounds: tuple[Bound, ...]


class Enclosing:
    """The norm of one operator, approached from both sides.

    Parameters
    ----------
    op : TensorOperator
        In float64 or complex128: no multiple, and no transposed layer.
    width : float
        How far apart the ends may be, relative to the lower one.
    rng : numpy.random.Generator
        For the start of Lanczos.
    """

    def __init__(self, op: TensorOperator, width: float, rng: np.random.Generator) -> None:
        self.op, self.width, self.rng = op, width, rng
        self.attained = Attained(op)
        self.bounds: list[Bound] = []
        self.upper = math.inf

    def enclose(self) -> Enclosed:
        """Tightened until the ends are near enough, or nothing is left to try."""
        asked = self.width
        for step in self._steps():
            step()
            if self._is_reached:
                break
        # What could not be proved so near may be provable a little further away.
        while not self._is_reached and 2 * self.width < min(self.upper / (self.attained.value or self.upper) - 1, 1):
            self.width *= 10
            for step in self._wider_steps():
                step()
                if self._is_reached:
                    break
        self.width = asked
        return Enclosed(self.attained.value, self.upper, self.attained.vector, tuple(self.bounds))

    @property
    def _is_reached(self) -> bool:
        # A bound that was proved for the target is that target rounded up.
        return self.upper <= self.target * (1 + 1e-12)

    @property
    def target(self) -> float:
        """What is to be proved now."""
        return self.attained.value * (1 + self.width)

    def bounded(self, name: str, value: float, started: float) -> None:
        """Note a bound that was proved."""
        self.bounds.append(Bound(name, value, time.perf_counter() - started))
        self.upper = min(self.upper, value)

    def own_bound(self) -> float | None:
        """What is proved of the operator's own matrix, whatever other ways there are; None if that is nothing."""
        for step in (self._by_magnitudes, self._densely if work(self.op) <= DENSE else self.search, self._own_matrix):
            step()
        proved = [bound.value for bound in self.bounds if bound.name == "own matrix"]
        while not proved and self.width < 1:
            self.width *= 10
            self._own_matrix()
            proved = [bound.value for bound in self.bounds if bound.name == "own matrix"]
        return min(proved, default=None)

    def _steps(self) -> Iterator[Callable[[], None]]:
        yield self._by_magnitudes
        if work(self.op) <= DENSE:
            yield self._densely
            return
        yield from self._further_steps()

    def _further_steps(self) -> Iterator[Callable[[], None]]:
        yield self.search
        yield self._own_matrix
        yield self._by_parts

    def _wider_steps(self) -> Iterator[Callable[[], None]]:
        """What may prove a wider target where a narrower one could not be proved."""
        if work(self.op) > DENSE:
            yield self._own_matrix

    def search(self, start: np.ndarray | None = None) -> None:
        """For a vector that is near enough to the bound there is, or that no more is to be won from."""
        tol = self.width / (3 if start is None else 30)
        self.attained.search(self.upper / (1 + self.width), tol, self.rng, start)

    def _by_magnitudes(self) -> None:
        started = time.perf_counter()
        value = bound_of_magnitudes(self.op)
        # What rounding may make of the entries of the own matrix.
        self._lost = growth(self.op) * value + underflow(self.op).absolute
        self.bounded("magnitudes", value, started)

    def _densely(self) -> None:
        """A small matrix: its first right vector, and a proof as little above what that attains as is possible."""
        started = time.perf_counter()
        self.attained.offer(np.conj(np.linalg.svd(self.op.toarray(), full_matrices=False)[2][0]))
        for digits in range(13, 0, -1):
            target = self.attained.value * (1 + 10.0**-digits)
            if self._own_proof(target)[0]:
                self.bounded("own matrix", rounded_up(target), started)
                return

    def _own_matrix(self) -> None:
        """A proof about the operator's own Gram matrix; where it fails, a better vector and another try."""
        started = time.perf_counter()
        if self._own is None:
            return
        for _ in range(TRIES):
            target = self.target
            holds, witness = self._own_proof(target)
            if holds:
                self.bounded("own matrix", rounded_up(target), started)
                return
            if witness is None or not self.improve(witness, self._own.by_rows):
                return

    @cached_property
    def _own(self) -> OwnGram | None:
        return own_gram(self.op)

    def _own_proof(self, target: float) -> tuple[bool, np.ndarray | None]:
        return (False, None) if self._own is None else self._own.proved(target - self._lost, self.attained.value)

    def improve(self, witness: np.ndarray, by_rows: bool) -> bool:
        """Go on from a vector of the rows, or of the columns, that a failed proof showed."""
        before = self.attained.value
        vector = self.op.H @ witness if by_rows else witness
        self.attained.offer(vector)
        # Not from the best vector: what Lanczos has settled on, it would settle on again.
        self.search(vector)
        return self.attained.value > before

    def _by_parts(self) -> None:
        """Products of norms, and sums of norms."""
        from convmatrix.analysis.norm.whole import enclosed

        started = time.perf_counter()
        if isinstance(self.op, (Product, Sum)):
            is_product = isinstance(self.op, Product)
            parts = steps_of(self.op) if is_product else branches_of(self.op)
            uppers = [enclosed(part, self.width, self.rng).upper for part in parts]
            value = math.prod(uppers) if is_product else math.fsum(uppers)
            name = "product of the layers' norms" if is_product else "sum of the branches' norms"
            self.bounded(name, rounded_up(value, 4 * len(uppers)), started)
