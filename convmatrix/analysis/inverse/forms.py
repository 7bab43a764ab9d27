"""An operator as values and orthonormal vectors on either side, all of them, without its matrix where its form allows.

`C = sum over j of values[j] * left_j right_j^H`. Whatever acts on each value alone follows at once: the pseudo-inverse
divides by those that are not 0, Tikhonov's solution multiplies with `s / (s**2 + alpha)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from convmatrix.analysis.inverse.bases import Basis, Columns, Conjugated, Grouped, Outer, Permuted, Turned, Waves
from convmatrix.analysis.inverse.waves import inner_waves, mirrored, turns_of
from convmatrix.analysis.spectrum.frequencies import Frequencies, is_circular
from convmatrix.analysis.spectrum.structure import factors_of, groups_of, stripped
from convmatrix.memory import free_memory
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.parallel import in_order, processors

DIRECT_WORK = 2e9
"""Rows times columns times the smaller, of all matrices together, up to which they are taken apart: two seconds."""
MOST_WORK = 3e10
"""The same where nothing else is allowed."""
_MEMORY = 0.3


@dataclass(frozen=True, eq=False)
class SingularForm:
    """All singular values of an operator but zeros that its shape alone makes, with their vectors.

    Attributes
    ----------
    values : ndarray of shape `(r,)`
        Float64, in no order.
    method : str
        "frequency blocks", "Kronecker product", "permutation" or "dense".
    left, right : Basis
        Of `r` tensors of `out_shape` and of `in_shape`.
    """

    values: np.ndarray
    method: str
    left: Basis
    right: Basis

    @property
    def transposed(self) -> SingularForm:
        """That of the transpose."""
        return replace(self, left=Conjugated(self.right), right=Conjugated(self.left))

    def times(self, factor: complex | float) -> SingularForm:
        """That of a multiple."""
        turn = factor / abs(factor) if factor else 1.0
        left = self.left if turn == 1 else Turned(self.left, turn)
        return replace(self, values=self.values * abs(factor), left=left)

    def between(self, before: tuple[TensorOperator, ...], after: tuple[TensorOperator, ...]) -> SingularForm:
        """That of the operator with permutations on either side of it."""
        back = tuple(step.T for step in reversed(after))
        left = Permuted(self.left, back) if back else self.left
        return replace(self, left=left, right=Permuted(self.right, before) if before else self.right)


def singular_form(op: TensorOperator, most: float = DIRECT_WORK) -> SingularForm | None:
    """The form of an operator in float64 or complex128, or None where that would take more than `most`.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> form = singular_form(cm.conv([1.0, 2.0, 1.0], 4, padding=1, padding_mode="circular"))
    >>> form.method, np.sort(form.values).round(12).tolist()
    ('frequency blocks', [0.0, 2.0, 2.0, 4.0])
    >>> y = np.array([[[1.0, 2.0, 3.0, 4.0]]])
    >>> form.left.tensors(form.left.coefficients(y)).real.round(12).tolist()
    [[[1.0, 2.0, 3.0, 4.0]]]
    """
    if isinstance(op, Transposed):
        found = singular_form(op.of, most)
        return None if found is None else found.transposed
    own = stripped(op)
    if own.core is None:
        plain = Basis(op.out_shape, op.shape[0])
        found = SingularForm(np.ones(plain.size), "permutation", plain, plain)
        return found.between(own.before, ()).times(own.factor)
    inner = singular_form(own.core, most) if isinstance(own.core, Transposed) else _of_core(own.core, most)
    return None if inner is None else inner.times(own.factor).between(own.before, own.after)


def _of_core(op: TensorOperator, most: float) -> SingularForm | None:
    if isinstance(op, Convolution) and op.geometry.axes:
        if _copies(op):
            plain = Basis(op.in_shape, op.shape[1])
            return SingularForm(np.ones(plain.size), "permutation", plain, plain).times(op.weight.item())
        if is_circular(op.geometry):
            return _of_waves(op, most)
    factors = factors_of(op)
    if len(factors) > 1:
        parts = [singular_form(factor.op, most / len(factors)) for factor in factors]
        return _multiplied([part for part in parts if part is not None], [factor.axes for factor in factors])
    if isinstance(op, Convolution) and op.geometry.groups > 1:
        return _of_groups(groups_of(op), most)
    return _dense(op) if _work(op) <= most else None


def _copies(op: Convolution) -> bool:
    """Whether one tap reads every input of one channel along one axis, in their order."""
    if op.weight.size > 1 or len(op.geometry.axes) > 1:
        return False
    axis = op.geometry.axes[0]
    return axis.output_size == axis.input_size and (axis.stride, axis.pad_before) == (1, 0)


def _multiplied(parts: list[SingularForm], axes: list[tuple[int, ...]]) -> SingularForm | None:
    if len(parts) < len(axes):
        return None
    values = reduce(np.multiply.outer, [part.values for part in parts]).reshape(-1)
    left, right = Outer([part.left for part in parts], axes), Outer([part.right for part in parts], axes)
    return SingularForm(values, "Kronecker product", left, right)


def _of_groups(groups: list[Convolution], most: float) -> SingularForm | None:
    if _work(groups[0]) * len(groups) > most:
        return None
    parts = list(in_order(_dense, groups))
    values = np.concatenate([part.values for part in parts])
    return SingularForm(
        values, "dense", Grouped([part.left for part in parts]), Grouped([part.right for part in parts])
    )


def _dense(op: TensorOperator) -> SingularForm:
    left, values, right = np.linalg.svd(op.toarray(), full_matrices=False)
    return SingularForm(values, "dense", Columns(left, op.out_shape), Columns(np.conj(right).T, op.in_shape))


def _work(op: TensorOperator) -> float:
    return float(op.shape[0]) * op.shape[1] * min(op.shape)


def _of_waves(op: Convolution, most: float) -> SingularForm | None:
    """Of a circular layer: the vectors of each block, in waves."""
    frequencies = Frequencies.of(op.geometry, op.weight)
    groups, rows, columns = frequencies.block_shape
    count = min(rows, columns)
    per_place = groups * count * (rows + columns)
    total = math.prod(frequencies.output_sizes)
    if groups * rows * columns * count * total > most or 32 * total * per_place > _MEMORY * free_memory():
        return None
    places = frequencies.places
    values = np.empty((places.size, groups, count))
    left = np.empty((places.size, groups, rows, count), dtype=np.complex128)
    right = np.empty((places.size, groups, columns, count), dtype=np.complex128)

    def solve(chunk: slice) -> None:
        outer, own, inner = np.linalg.svd(frequencies.blocks(places[chunk]), full_matrices=False)
        values[chunk], left[chunk], right[chunk] = own, outer, np.conj(inner).swapaxes(2, 3)

    for _ in in_order(solve, frequencies.chunks(processors())):
        pass
    waves = inner_waves(frequencies)
    turns = turns_of(op.geometry, frequencies)
    right = right.reshape(places.size, groups, waves.shape[1], -1, count) * np.conj(turns)[:, None, :, None, None]
    # The blocks of a frequency and of its negative are conjugates, and so are their vectors.
    pairs = frequencies.multiplicity == 2
    twice = np.concatenate([values, values[pairs]]).reshape(-1)
    left, right = (np.concatenate([own, np.conj(own[pairs])]) for own in (left[:, :, None], right))
    inner_index = np.concatenate([waves, mirrored(waves[pairs], frequencies.sizes)])
    outer_index = np.concatenate([places, mirrored(places[pairs], frequencies.output_sizes)])[:, None]
    sides = Waves(left, outer_index, op.out_shape), Waves(right, inner_index, op.in_shape)
    return SingularForm(twice, "frequency blocks", *sides)
