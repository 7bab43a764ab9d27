"""Singular values with their vectors as tensors, and how those of parts become those of the whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from convmatrix.operators import TensorOperator


@dataclass(frozen=True, eq=False)
class Triples:
    """Singular values in descending order, with vectors or without.

    Attributes
    ----------
    values : ndarray of shape `(r,)`
        Float64.
    method : str
        How they were found.
    left, right : ndarray of shape `(r, *out_shape)` and `(r, *in_shape)`, or None
        Of length 1, with `op(right[i]) = values[i] * left[i]`.
    is_sure : bool
        Whether none can be missing: they were not searched for, as by Lanczos.
    others : int
        How many more there are that were not chosen.
    """

    values: np.ndarray
    method: str
    left: np.ndarray | None = None
    right: np.ndarray | None = None
    is_sure: bool = True
    others: int = 0

    @property
    def count(self) -> int:
        """How many there are, chosen or not."""
        return len(self.values) + self.others

    @property
    def transposed(self) -> Triples:
        """Those of the transpose."""
        left, right = (None if own is None else np.conj(own) for own in (self.right, self.left))
        return replace(self, left=left, right=right)

    @property
    def adjoint(self) -> Triples:
        """Those of the conjugate transpose."""
        return replace(self, left=self.right, right=self.left)

    def times(self, factor: complex | float) -> Triples:
        """Those of a multiple."""
        turn = factor / abs(factor) if factor else 1.0
        left = None if self.left is None else self.left * turn
        return replace(self, values=self.values * abs(factor), left=left)

    def between(self, before: Sequence[TensorOperator], after: Sequence[TensorOperator]) -> Triples:
        """Those of the operator with permutations on either side of it."""
        left, right = self.left, self.right
        if left is None or right is None:
            return self
        for step in after:
            left = step(left)
        for step in reversed(before):
            right = step.T(right)
        return replace(self, left=left, right=right)

    def chosen(self, k: int | None, which: str) -> Triples:
        """The `k` largest or smallest of them."""
        size = len(self.values)
        if k is None or k >= size:
            return self
        part = slice(0, k) if which == "largest" else slice(size - k, size)
        left, right = (None if own is None else own[part] for own in (self.left, self.right))
        return replace(self, values=self.values[part], left=left, right=right, others=self.others + size - k)

    def filled(self, count: int, k: int | None, which: str) -> Triples:
        """With the zeros that make them `count`, those that a shape makes necessary; and so many chosen again."""
        missing = count - self.count
        if not missing or self.right is not None or (which == "largest" and self.others):
            return replace(self, others=self.others + missing)
        return replace(self, values=np.concatenate([self.values, np.zeros(missing)])).chosen(k, which)


def sorted_triples(
    values: np.ndarray, method: str, left: np.ndarray | None = None, right: np.ndarray | None = None
) -> Triples:
    """In descending order."""
    if left is None or right is None:
        ordered = np.sort(values, axis=None)[::-1]
        return Triples(ordered, method)
    order = np.argsort(-values, kind="stable")
    return Triples(values[order], method, left[order], right[order])


def multiplied(parts: Sequence[Triples], axes: Sequence[tuple[int, ...]], k: int | None, which: str) -> Triples:
    """Those of a Kronecker product: every product of one value of each part.

    Parameters
    ----------
    parts : sequence of Triples
        Of the factors; those of spatial axes alone with one channel.
    axes : sequence of tuple of int
        The axes of the whole that each part acts on.
    k : int or None
        How many are wanted; all, if None.
    which : {"largest", "smallest"}
        Which of them.
    """
    # The largest products are made of the largest factors, the smallest of the smallest.
    count = math.prod(part.count for part in parts)
    parts = [part.chosen(k, which) for part in parts]
    values = parts[0].values
    for part in parts[1:]:
        values = np.multiply.outer(values, part.values)
    shape, flat = values.shape, values.reshape(-1)
    if any(part.right is None for part in parts):
        found = sorted_triples(flat, "Kronecker product").chosen(k, which)
        return replace(found, others=count - len(found.values), is_sure=all(part.is_sure for part in parts))
    order = np.argsort(-flat, kind="stable")
    order = order if k is None else order[:k] if which == "largest" else order[max(order.size - k, 0) :]
    picked = np.unravel_index(order, shape)
    left, right = [
        outer([np.asarray(getattr(part, side))[own] for part, own in zip(parts, picked, strict=True)], axes)
        for side in ("left", "right")
    ]
    sure = all(part.is_sure for part in parts)
    return Triples(flat[order], "Kronecker product", left, right, sure, count - order.size)


def outer(vectors: Sequence[np.ndarray], axes: Sequence[tuple[int, ...]]) -> np.ndarray:
    """The tensors whose factors along `axes` these are, one an entry of the first axis."""
    count = len(vectors[0])
    total = np.ones((count, 1))
    shape: list[int] = []
    for own, places in zip(vectors, axes, strict=True):
        kept = own.shape[1:] if 0 in places else own.shape[2:]
        shape += kept
        total = (total[:, :, None] * own.reshape(count, 1, -1)).reshape(count, -1)
    order = np.argsort([place for places in axes for place in places])
    return total.reshape(count, *shape).transpose(0, *(1 + order))


def of_groups(parts: Sequence[Triples], k: int | None, which: str) -> Triples:
    """Those of a block diagonal matrix: the union, each vector 0 in the channels of the other groups."""
    values = np.concatenate([part.values for part in parts])
    method = parts[0].method
    sure = all(part.is_sure for part in parts)
    if any(part.right is None for part in parts):
        found = sorted_triples(values, method).chosen(k, which)
    else:
        sides = [_apart([np.asarray(getattr(part, side)) for part in parts]) for side in ("left", "right")]
        found = sorted_triples(values, method, *sides).chosen(k, which)
    return replace(found, is_sure=sure)


def _apart(vectors: Sequence[np.ndarray]) -> np.ndarray:
    channels, space = vectors[0].shape[1], vectors[0].shape[2:]
    total = np.zeros((sum(map(len, vectors)), channels * len(vectors), *space), dtype=np.result_type(*vectors))
    start = 0
    for number, own in enumerate(vectors):
        total[start : start + len(own), number * channels : (number + 1) * channels] = own
        start += len(own)
    return total


def count_of(op: TensorOperator) -> int:
    """How many singular values an operator has."""
    return min(math.prod(op.out_shape), math.prod(op.in_shape))
