"""Which way the singular values of an operator are found: by its structure, by frequencies, densely, or by Lanczos."""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.spectrum import circular
from convmatrix.analysis.spectrum.frequencies import Frequencies, by_group, is_circular
from convmatrix.analysis.spectrum.lanczos import lanczos
from convmatrix.analysis.spectrum.structure import factors_of, groups_of, stripped
from convmatrix.analysis.spectrum.triples import Triples, count_of, multiplied, of_groups, sorted_triples
from convmatrix.errors import MatrixTooLargeError
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.parallel import in_order

DENSE_WORK = 3e10
"""Rows times columns times the smaller of them up to which a matrix is taken apart densely: some ten seconds."""
_SMALL = 2e8
"""The same of matrices of which several are taken apart at a time."""
_LANCZOS = "k must be given for an operator of this size, so that some are found by Lanczos: its dense matrix"
"""What `MatrixTooLargeError` begins with."""


class Search:
    """What is asked for.

    Parameters
    ----------
    k : int or None
        How many; all, if None.
    which : {"largest", "smallest"}
        Which of them.
    vectors : bool
        Whether singular vectors are wanted.
    rng : numpy.random.Generator
        For the start of an iteration.
    """

    def __init__(self, k: int | None, which: str, vectors: bool, rng: np.random.Generator) -> None:
        self.k, self.which, self.vectors, self.rng = k, which, vectors, rng

    def of(self, op: TensorOperator) -> Triples:
        """Those of an operator in float64 or complex128."""
        if isinstance(op, Transposed):
            return self.of(op.of).transposed
        if isinstance(op, Permutation):
            return self._ones(op)
        own = stripped(op)
        if own.core is None:
            return self._ones(op, own.factor)
        if isinstance(own.core, Transposed):
            found = self.of(own.core.of).transposed
        else:
            found = self._of_core(own.core).filled(count_of(own.core), self.k, self.which)
        return found.times(own.factor).between(own.before, own.after)

    def _of_core(self, op: TensorOperator) -> Triples:
        if isinstance(op, Convolution):
            found = self._of_layer(op)
            if found is not None:
                return found
        factors = factors_of(op)
        if len(factors) > 1 and self._suffice([count_of(factor.op) for factor in factors], op):
            parts = [self.of(factor.op) for factor in factors]
            return multiplied(parts, [factor.axes for factor in factors], self.k, self.which)
        return self._of_matrix(op)

    def _of_layer(self, op: Convolution) -> Triples | None:
        """Those of a layer whose values are known by its form."""
        if not op.geometry.axes:
            return self._of_weights(op)
        if op.geometry.kernel_size == (1,) and op.weight.size == 1:
            return self._of_selection(op)
        # An axis of one tap is a factor, whose values need no frequencies.
        has_factor = 1 in op.geometry.kernel_size and (len(op.geometry.axes) > 1 or op.weight.size > 1)
        if is_circular(op.geometry) and not has_factor and self._suffice(_circular_counts(op), op):
            if self.vectors:
                return circular.circular_vectors(op, self.k, self.which)
            return circular.circular_values(Frequencies.of(op.geometry, op.weight)).chosen(self.k, self.which)
        return None

    def _suffice(self, counts: list[int], op: TensorOperator) -> bool:
        """Whether so many values have vectors enough: those of zeros that the shape alone makes have none."""
        if not self.vectors:
            return True
        if self.k is not None and self.which == "largest":
            return self.k <= math.prod(counts)
        return math.prod(counts) == count_of(op)

    def _ones(self, op: TensorOperator, factor: complex | float = 1.0) -> Triples:
        count = op.shape[0] if self.k is None else min(self.k, op.shape[0])
        values, method = np.ones(count), "permutation"
        others = op.shape[0] - count
        if not self.vectors:
            return Triples(values * abs(factor), method, others=others)
        right = np.eye(count, op.shape[1]).reshape(count, *op.in_shape)
        image = op(right) / (abs(factor) or 1.0)
        return Triples(values * abs(factor), method, image, right, others=others)

    def _of_weights(self, op: Convolution) -> Triples:
        """Of a fully connected layer: one small matrix a group."""
        matrices = by_group(op.geometry, op.weight)
        if not self.vectors:
            return sorted_triples(np.linalg.svd(matrices, compute_uv=False), "dense").chosen(self.k, self.which)
        left, values, right = np.linalg.svd(matrices, full_matrices=False)
        parts = [
            Triples(own, "dense", outer.T, np.conj(inner))
            for outer, own, inner in zip(left, values, right, strict=True)
        ]
        return of_groups(parts, self.k, self.which)

    def _of_selection(self, op: Convolution) -> Triples | None:
        """Of one tap along one axis: every column holds that tap as often as its input is read."""
        reads = op.geometry.axes[0].reads()[:, 0]
        counts = np.bincount(reads[reads >= 0], minlength=op.shape[1])
        inputs = np.flatnonzero(counts)
        values = np.sqrt(counts[inputs]) * abs(op.weight.item())
        if not self.vectors:
            return sorted_triples(values, "selection").chosen(self.k, self.which)
        if not self._suffice([inputs.size], op) or not op.weight.item():
            return None
        right = np.zeros((inputs.size, *op.in_shape))
        right[np.arange(inputs.size), 0, inputs] = 1
        return sorted_triples(values, "selection", op(right) / values[:, None, None], right).chosen(self.k, self.which)

    def _of_matrix(self, op: TensorOperator) -> Triples:
        """Of its groups, each for itself, or of all of it, densely or by Lanczos."""
        groups = groups_of(op) if isinstance(op, Convolution) and op.geometry.groups > 1 else []
        if groups and work(groups[0]) * len(groups) <= DENSE_WORK:
            return of_groups(self._each(groups), self.k, self.which)
        if work(op) <= DENSE_WORK:
            return self._dense(op).chosen(self.k, self.which)
        if self.k is None or self.k >= count_of(op) - 1:
            needed = (16 if op.dtype.kind == "c" else 8) * op.shape[0] * op.shape[1]
            limit = int(8 * DENSE_WORK ** (2 / 3))
            raise MatrixTooLargeError(_LANCZOS, needed, limit, "pass k, far below min(op.shape)")
        return lanczos(op, self.k, self.which, self.rng)

    def _each(self, groups: list[Convolution]) -> list[Triples]:
        if work(groups[0]) > _SMALL:
            return [self._dense(op) for op in groups]
        return list(in_order(self._dense, groups))

    def _dense(self, op: TensorOperator) -> Triples:
        matrix = op.toarray()
        if not self.vectors:
            return Triples(np.linalg.svd(matrix, compute_uv=False), "dense")
        left, values, right = np.linalg.svd(matrix, full_matrices=False)
        return Triples(values, "dense", left.T.reshape(-1, *op.out_shape), np.conj(right).reshape(-1, *op.in_shape))


def work(op: TensorOperator) -> float:
    """What a dense decomposition costs: rows times columns times the smaller of them."""
    return float(op.shape[0]) * op.shape[1] * min(op.shape)


def _circular_counts(op: Convolution) -> list[int]:
    groups, rows, columns = Frequencies.of(op.geometry, op.weight).block_shape
    return [math.prod(op.geometry.output_size), groups, min(rows, columns)]
