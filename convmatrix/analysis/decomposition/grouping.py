"""Blocks of channels that never meet: grouped and depthwise layers, also with their channels out of order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from convmatrix import exact
from convmatrix.analysis.decomposition.lowrank import Rule, default_tol, double, scaling, shifted
from convmatrix.analysis.decomposition.ordering import describe, shuffle_counts, shuffled
from convmatrix.analysis.decomposition.parts import Absent, Candidate, Order, Part
from convmatrix.operators.convolution import Convolution


@dataclass(frozen=True, eq=False)
class Meetings:
    """Which output channels read which input channels, and the blocks that follow: channels of a block only meet there.

    `tol` is the relative size up to which a kernel counts as 0; None for exact weights, compared with 0 itself.
    """

    outputs: np.ndarray
    inputs: np.ndarray
    block_of_output: np.ndarray
    block_of_input: np.ndarray
    blocks: int
    tol: float | None


def groupings(conv: Convolution, rule: Rule) -> tuple[list[Candidate | Absent], tuple[str, ...]]:
    """The layer in more groups than it is written in: in its own order of channels, and in another; and notes."""
    geometry = conv.geometry
    most = math.gcd(geometry.in_channels, geometry.out_channels)
    counts = [g for g in range(most, geometry.groups, -1) if most % g == 0]
    if not counts:
        return [], ()
    met = meetings(conv, rule)
    answers: list[Candidate | Absent] = []
    natural = next((g for g in counts if _is_natural(conv, met, g)), None)
    if natural is not None:
        orders = np.arange(geometry.in_channels), np.arange(geometry.out_channels)
        answers.append(_candidate(conv, met, natural, *orders))
    for groups in [g for g in counts if g > (natural or 1)]:
        bins = _packed(conv, met, groups)
        if bins is not None:
            answers.append(_candidate(conv, met, groups, *_orders(conv, *bins, groups)))
            break
    if answers:
        return answers, ()
    return [Absent("grouped", _why_not(met))], _unequal(met)


def meetings(conv: Convolution, rule: Rule) -> Meetings:
    """The graph of kernels that are not 0, as pairs of channels, and its connected components."""
    from scipy.sparse.csgraph import connected_components

    geometry = conv.geometry
    weight = np.asarray(conv.weight).reshape(*conv.weight.shape[:2], -1)
    if weight.dtype.kind in "iO" and rule.tol is None:
        tol, joined = None, (weight != 0).any(axis=2)
    else:
        sides = (weight.shape[0], weight.shape[1] * weight.shape[2])
        numbers = exact.as_numbers(weight, np.float64) if weight.dtype.kind in "iO" else double(weight)
        tol = default_tol(sides, weight.dtype) if rule.tol is None else rule.tol
        sizes = np.linalg.norm(shifted(numbers, -scaling(numbers)), axis=2)
        joined = sizes > tol * sizes.max()
    outputs, inputs = np.nonzero(joined)
    per_group = geometry.out_channels // geometry.groups, geometry.in_channels // geometry.groups
    inputs = inputs + outputs // per_group[0] * per_group[1]
    count = geometry.out_channels + geometry.in_channels
    graph = coo_array((np.ones(outputs.size), (outputs, geometry.out_channels + inputs)), shape=(count, count))
    blocks, labels = connected_components(graph.tocsr(), directed=False)
    first, second = labels[: geometry.out_channels], labels[geometry.out_channels :]
    return Meetings(outputs, inputs, first, second, int(blocks), tol)


def _is_natural(conv: Convolution, met: Meetings, groups: int) -> bool:
    outputs, inputs = conv.geometry.out_channels // groups, conv.geometry.in_channels // groups
    return bool((met.outputs // outputs == met.inputs // inputs).all())


def _packed(conv: Convolution, met: Meetings, groups: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The group of every output and of every input channel, the blocks packed largest first, or None.

    Channels that meet none fill up what is left. First fit may miss a packing of unequal blocks that exists.
    """
    room = np.tile([conv.geometry.out_channels // groups, conv.geometry.in_channels // groups], (groups, 1))
    sizes = np.stack([
        np.bincount(met.block_of_output, minlength=met.blocks),
        np.bincount(met.block_of_input, minlength=met.blocks),
    ], axis=1)  # fmt: skip
    if (sizes > room[0]).any():
        return None
    places = np.full(met.blocks, -1)
    for block in np.lexsort((np.arange(met.blocks), -sizes.sum(axis=1))):
        fitting = np.flatnonzero((room >= sizes[block]).all(axis=1))
        if not fitting.size:
            return None
        places[block] = fitting[0]
        room[fitting[0]] -= sizes[block]
    return places[met.block_of_output], places[met.block_of_input]


def _orders(
    conv: Convolution, of_output: np.ndarray, of_input: np.ndarray, groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """The channel read at each place of the grouped layer, and the place each output channel comes from.

    Any order within a group will do, and any order of the groups: the natural one or a channel shuffle if possible.
    """
    inputs = _input_order(of_input, groups)
    ranks = np.empty(groups, dtype=np.int64)
    ranks[of_input[inputs].reshape(groups, -1)[:, 0]] = np.arange(groups)
    wanted, width = ranks[of_output], conv.geometry.out_channels // groups
    for sources in _candidates(wanted.size):
        if (sources // width == wanted).all():
            return inputs, sources
    return inputs, np.argsort(np.argsort(wanted, kind="stable"), kind="stable")


def _input_order(group_of: np.ndarray, groups: int) -> np.ndarray:
    for sources in _candidates(group_of.size):
        seen = group_of[sources].reshape(groups, -1)
        if (seen == seen[:, :1]).all():
            return sources
    # Groups in the order of their first channels.
    first = np.array([np.argmax(group_of == group) for group in range(groups)])
    return np.lexsort((np.arange(group_of.size), first[group_of]))


def _candidates(channels: int) -> list[np.ndarray]:
    return [np.arange(channels), *(shuffled(channels, groups) for groups in shuffle_counts(channels))]


def _candidate(conv: Convolution, met: Meetings, groups: int, inputs: np.ndarray, outputs: np.ndarray) -> Candidate:
    """The grouped layer between its two orders: `inputs[place]` a channel, `outputs[channel]` a place."""
    geometry, weight = conv.geometry, np.asarray(conv.weight)
    kept_out, kept_in = geometry.out_channels // groups, geometry.in_channels // groups
    rows = np.argsort(outputs).reshape(groups, kept_out, 1)
    columns = inputs.reshape(groups, 1, kept_in)
    width = geometry.in_channels // geometry.groups
    own = rows // (geometry.out_channels // geometry.groups) == columns // width
    taken = weight[rows, columns % width]
    taken[~own] = 0
    within = taken.reshape(groups * kept_out, kept_in, *weight.shape[2:])
    parts = (Order(inputs), Part(within, tuple(range(len(geometry.axes))), groups), Order(outputs))
    depthwise = groups == geometry.in_channels
    is_natural = (inputs == np.arange(inputs.size)).all() and (outputs == np.arange(outputs.size)).all()
    name = ("" if is_natural else "shuffled ") + ("depthwise" if depthwise else "grouped")
    settings: dict[str, Any] = {"groups": groups, **({"multiplier": kept_out} if depthwise else {})}
    if not is_natural:
        settings |= {"input_order": describe(inputs), "output_order": describe(outputs)}
    left = _left_out(conv, met, groups, inputs, outputs)
    is_exact = weight.dtype.kind in "iO" and left is None
    return Candidate(name, settings, parts, left, is_exact, tol=met.tol)


def _left_out(
    conv: Convolution, met: Meetings, groups: int, inputs: np.ndarray, outputs: np.ndarray
) -> np.ndarray | None:
    """The weight without the kernels that count as 0 between groups, None if those are 0."""
    if met.tol is None:
        return None
    geometry, weight = conv.geometry, np.asarray(conv.weight)
    place = np.empty_like(inputs)
    place[inputs] = np.arange(inputs.size)
    width = geometry.in_channels // geometry.groups
    channel = np.arange(geometry.out_channels)[:, None]
    read = channel // (geometry.out_channels // geometry.groups) * width + np.arange(width)
    same = outputs[:, None] // (geometry.out_channels // groups) == place[read] // (geometry.in_channels // groups)
    kept = np.where(same.reshape(*same.shape, *[1] * (weight.ndim - 2)), weight, 0)
    return None if (kept == weight).all() else kept


def _why_not(met: Meetings) -> str:
    return "all channels meet" if met.blocks == 1 else f"the {met.blocks} blocks of channels fit no equal groups"


def _unequal(met: Meetings) -> tuple[str, ...]:
    """What is to be said of blocks that no equal groups hold."""
    if met.blocks == 1:
        return ()
    sizes = [
        f"{np.count_nonzero(met.block_of_input == block)}->{np.count_nonzero(met.block_of_output == block)}"
        for block in range(min(met.blocks, 8))
    ]
    more = ", ..." if met.blocks > 8 else ""
    return (
        f"block diagonal up to a permutation: the channels fall into {met.blocks} blocks that never meet "
        f"({', '.join(sizes)}{more}), which no equal groups hold",
    )
