"""Which outputs of a layer the layers after it compare with each other: the rows that have to vanish."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from convmatrix import exact
from convmatrix.analysis.checkerboard.evenness import tiled
from convmatrix.analysis.phases import respond
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, steps_of
from convmatrix.operators.channels import Permutation

MOST_ENTRIES = 1 << 23
"""Entries of a dense matrix of conditions at most; one of floats is decomposed in some ten seconds then."""


@dataclass(frozen=True, eq=False)
class Component:
    """Output channels that are compared with each other and with no others.

    Attributes
    ----------
    outputs : ndarray of int, shape (n,)
        Output channels of the layer.
    phases : int
        Its output phases.
    period : tuple of int
        Of the answer of the whole, an axis.
    first, second : ndarray of int, shape (rows,)
        Which entries of that answer, flat from `(*period, c_out)`, are compared, their difference being a row.
    members : tuple of two ndarrays of int, or None
        Phases and places in `outputs` of what simply has to be equal: nothing but moves after the layer.
    general : ndarray of shape (rows, phases, n), or None
        The rows otherwise, of natural size 1 for floats.
    scales : ndarray of shape (rows,), or None
        What the rows were divided by: the size of floats, or the multiple after the moves.
    """

    outputs: np.ndarray
    phases: int
    period: tuple[int, ...]
    first: np.ndarray
    second: np.ndarray
    members: tuple[np.ndarray, np.ndarray] | None = None
    general: np.ndarray | None = None
    scales: np.ndarray | None = None

    @cached_property
    def rows(self) -> np.ndarray:
        """What has to vanish, `(rows, phases, n)`."""
        if self.general is not None:
            return self.general
        assert self.members is not None
        phases, places = self.members
        rows = np.zeros((len(phases) - 1, self.phases, len(self.outputs)), dtype=np.int64)
        order = np.arange(len(rows))
        rows[order, phases[1:], places[1:]] = 1
        rows[:, phases[0], places[0]] = -1
        return rows.astype(object)

    def differences(self, answer: np.ndarray) -> np.ndarray:
        """The same comparisons of an answer of the whole, `(*its period, c_out)`, as `rows` would make them."""
        longer = tuple(map(math.lcm, self.period, answer.shape))
        answer = tiled(answer, longer)[tuple(slice(size) for size in self.period)].reshape(-1)
        rows = answer[self.second] - answer[self.first]
        if self.scales is None:
            return rows
        if rows.dtype.kind in "iO" and self.scales.dtype == object:
            return rows * np.array([Fraction(1) / scale for scale in self.scales], dtype=object)
        floats = [values if values.dtype.kind in "fc" else values.astype(np.float64) for values in (rows, self.scales)]
        return floats[0] / floats[1]


def components(
    after: TensorOperator | None, phases: tuple[int, ...], channels: int, most_phases: int, number: Any = np.int64
) -> list[Component]:
    """The components of a layer of `channels` outputs in so many phases an axis, `after` being applied to it.

    `number` is the type to reckon in, which exact layers keep exact.

    Raises
    ------
    ConvMatrixError
        If the conditions would be too many; `most_phases` of the whole are reckoned with.
    """
    if (found_moves := _moves(after)) is not None:
        moves, multiple = found_moves
        labels = np.arange(math.prod(phases) * channels, dtype=np.int64).reshape(*phases, channels, 1)
        for move in moves:
            labels = respond(move, labels)
        found = _of_labels(labels[..., 0], math.prod(phases), channels, multiple)
        if found is not None:
            return found
    assert after is not None
    return list(_of_answer(after, phases, channels, most_phases, number))


def check_entries(what: str, count: int) -> None:
    """Refuse a dense matrix that is too large.

    Raises
    ------
    ConvMatrixError
    """
    if count > MOST_ENTRIES:
        raise ConvMatrixError(
            f"op must give {what} of at most {MOST_ENTRIES} entries for the layer that changes, got {count}"
        )


def _moves(after: TensorOperator | None) -> tuple[list[TensorOperator], Any] | None:
    """Permutations in the order they are applied and what multiplies them; None if anything else is among them."""
    moves: list[TensorOperator] = []
    multiple: Any = 1
    for step in [] if after is None else steps_of(after):
        if isinstance(step, Permutation):
            moves.append(step)
        elif isinstance(step, Scaled) and not exact.is_sympy(step.factor) and step.factor != 0:
            multiple = multiple * step.factor
        else:
            return None
    return moves, multiple


def _of_labels(labels: np.ndarray, phases: int, channels: int, multiple: Any) -> list[Component] | None:
    """One component an output channel of the whole; None where two of them share channels of the layer."""
    found, taken = [], np.zeros(channels, dtype=np.int64)
    period, outputs_of_whole = labels.shape[:-1], labels.shape[-1]
    for channel, column in enumerate(labels.reshape(-1, outputs_of_whole).T):
        members, at = np.unique(column, return_index=True)
        places = at * outputs_of_whole + channel
        phase, channel_of = np.divmod(members, channels)
        outputs, place = np.unique(channel_of, return_inverse=True)
        taken[outputs] += 1
        first = np.full(len(places) - 1, places[0])
        scales = None if isinstance(multiple, int) and multiple == 1 else np.full(len(first), multiple)
        if scales is not None and isinstance(multiple, (int, Fraction)):
            scales = scales.astype(object)
        found.append(Component(outputs, phases, period, first, places[1:], (phase, place), scales=scales))
    return found if (taken == 1).all() else None


def _of_answer(
    after: TensorOperator, phases: tuple[int, ...], channels: int, most_phases: int, number: Any
) -> Iterator[Component]:
    """The components read off what `after` makes of every phase and channel."""
    count = math.prod(phases)
    check_entries("answers", count * channels * most_phases * after.out_shape[0])
    basis = np.eye(count * channels, dtype=number).reshape(*phases, channels, -1)
    answer = respond(after, basis)
    outputs = answer.shape[-2]
    period = answer.shape[:-2]
    answer = answer.reshape(-1, outputs, count, channels)
    scales = None
    if answer.dtype.kind in "fc":
        # Every output channel of the whole is a condition of its own, whatever its scale.
        largest = np.abs(answer).max(axis=(0, 2, 3))
        largest[largest == 0] = 1
        answer, scales = answer / largest[:, None, None], np.tile(largest, len(answer) - 1)
    else:
        answer = answer.astype(object)
    rows = (answer[1:] - answer[:1]).reshape(-1, count, channels)
    second = np.arange(outputs, outputs * len(answer))
    touched = (rows != 0).any(axis=1)
    links = csr_array(touched.astype(np.int64))
    parts, label = connected_components(links.T @ links, directed=False)
    for one in range(parts):
        own = np.flatnonzero(label == one)
        at = np.flatnonzero(touched[:, own].any(axis=1))
        if at.size:
            own_scales = None if scales is None else scales[at]
            yield Component(
                own, count, period, second[at] % outputs, second[at], general=rows[at][:, :, own], scales=own_scales
            )
