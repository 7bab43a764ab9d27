"""How far apart the inputs are that an output really reads: looked up in the matrix, or in the tables of its axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
from scipy.sparse import csr_array

from convmatrix.analysis.inspection.counting import leaves
from convmatrix.analysis.receptive_field.extents import widest_of, widest_really
from convmatrix.analysis.receptive_field.phases import AxisField, free_outputs, widest_along
from convmatrix.analysis.receptive_field.walking import Fork, Step, hull_at
from convmatrix.operators import TensorOperator

_MOST_ENTRIES = 1 << 21
_MOST_OUTPUTS, _MOST_JOINT = 256, 1024
"""Phases that are looked at in the axes; outputs up to which a sum's axes are looked at together."""


@dataclass(frozen=True, eq=False)
class Interior:
    """The outputs of a stack that no border reaches.

    Attributes
    ----------
    outputs : tuple of ndarray
        Along each axis one of each phase that has any.
    best : list of int or None
        Which of them have the widest field there is, along each axis; None where all whose field is so wide are reached
        by a border.
    """

    outputs: tuple[np.ndarray, ...]
    best: list[int] | None

    @property
    def is_empty(self) -> bool:
        """Whether borders reach every output."""
        return not all(outputs.size for outputs in self.outputs)


def interior_of(steps: Sequence[Step], axes: Sequence[AxisField], out_size: Sequence[int], is_joint: bool) -> Interior:
    """Find it. `is_joint` says that what is read along one axis depends on the place along the others."""
    sizes = [own.size for own in axes]
    free = tuple(free_outputs(steps, axis, own, n) for axis, (own, n) in enumerate(zip(axes, out_size, strict=True)))
    if not all(outputs.size for outputs in free):
        return Interior(free, None)
    if is_joint:
        found = _joint(steps, [outputs.tolist() for outputs in free], False)
        return Interior(free, [0] * len(axes) if found == sizes else None)
    widest = [widest_along(steps, axis, outputs) for axis, outputs in enumerate(free)]
    # What reads nothing along one axis reads nothing.
    reached = all(sizes) and [size for size, _, _ in widest] != sizes
    return Interior(free, None if reached else [place for _, _, place in widest])


def measure(
    ops: Sequence[TensorOperator], steps: Sequence[Step], interior: Interior, is_joint: bool
) -> tuple[tuple[int, ...], str]:
    """The widest extent of what outputs really read along each axis, and where it was looked up.

    Of the outputs in the interior if one of them has the widest field, otherwise of all. The rows of a position, one a
    channel, are taken together. They are rows of the matrix product itself ("matrix") where that is small,
    otherwise of the matrices of its axes ("axes"), of which channels know nothing and, of many outputs, neither do
    branches that the padding leaves nothing to read along another axis.
    """
    out_size, best = ops[-1].out_shape[1:], interior.best
    looked: list[Sequence[int]] = [range(n) for n in out_size]
    if best is not None:
        looked = [outputs.tolist() for outputs in interior.outputs]
    if _is_small(ops, prod(map(len, looked))):
        return _in_matrix(ops, looked), "matrix"
    branches = len(out_size) > 1 and any(isinstance(step, Fork) for step in steps)
    if (is_joint and best is not None) or (branches and best is None and prod(out_size) <= _MOST_JOINT):
        found = _joint(steps, looked, True)
    elif best is None:
        ends = zip(ops[0].in_shape[1:], out_size, strict=True)
        found = [widest_really(steps, axis, *sizes) for axis, sizes in enumerate(ends)]
    else:
        chosen = zip(looked, best, strict=True)
        found = [
            widest_of(steps, axis, [outputs[place], *outputs[:_MOST_OUTPUTS]])
            for axis, (outputs, place) in enumerate(chosen)
        ]
    return tuple(found if all(found) else [0] * len(found)), "axes"


def _joint(steps: Sequence[Step], outputs: Sequence[Sequence[int]], clipped: bool) -> list[int]:
    """The widest extents of all combinations of outputs."""
    hulls = np.array([hull_at(steps, at, clipped) for at in product(*outputs)], dtype=object)
    widths: list[int] = (hulls[:, :, 1] - hulls[:, :, 0]).max(axis=0).tolist()
    return widths


def _is_small(ops: Sequence[TensorOperator], outputs: int) -> bool:
    """Whether the rows of so many outputs, and the matrices they are multiplied with, are few entries."""
    rows = outputs * ops[-1].out_shape[0]
    if rows * max(op.shape[1] for op in ops) > 4 * _MOST_ENTRIES:
        return False
    return sum(leaf.nnz for op in ops for leaf in leaves(op)) <= _MOST_ENTRIES


def _in_matrix(ops: Sequence[TensorOperator], outputs: Sequence[Sequence[int]]) -> tuple[int, ...]:
    channels, *size = ops[-1].out_shape
    places = np.ravel_multi_index(np.meshgrid(*outputs, indexing="ij"), size).reshape(-1)
    rows = (np.arange(channels)[:, None] * prod(size) + places).reshape(-1)
    ones, ends = np.ones(rows.size, dtype=np.float32), np.arange(rows.size + 1)
    pattern = csr_array((ones, rows, ends), shape=(rows.size, ops[-1].shape[0]))
    for op in reversed(ops):
        pattern = pattern @ op._structure()
        # Paths are not counted here, and their number may be beyond any float.
        pattern.data[:] = 1
    entries = pattern.tocoo()
    where = np.unravel_index(entries.col % prod(ops[0].in_shape[1:]), ops[0].in_shape[1:])
    found = []
    for inputs in where:
        low, high = np.full(places.size, np.iinfo(np.int64).max), np.full(places.size, -1)
        np.minimum.at(low, entries.row % places.size, inputs)
        np.maximum.at(high, entries.row % places.size, inputs)
        found.append(int(np.where(high >= 0, high - low + 1, 0).max()))
    return tuple(found)
