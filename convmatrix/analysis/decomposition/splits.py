"""Layers of few channels in the middle: each is one unfolding of the weight, of low rank.

Write the weight as `W[o, i, t, s]` with the taps `s` of the axes that the first factor reads and `t` those of the
second. A product through R channels is `W[(o, t), (i, s)] = sum over r of A[(o, t), r] B[r, (i, s)]`, a matrix of rank
at most R. Depthwise separable layers have one such matrix an input channel, `W[o, t]`, and blueprint separable ones one
an output channel, `W[t, i]`. The layers of `groups` groups have one a group.

References
----------
Jaderberg, Vedaldi, Zisserman: Speeding up convolutional neural networks with low rank expansions (2014).
Haase, Amthor: Rethinking depthwise separable convolutions, CVPR 2020 (the blueprint order).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np

from convmatrix.analysis.decomposition.lowrank import LowRank, Rule, double, low_rank
from convmatrix.analysis.decomposition.parts import Absent, Candidate, Part
from convmatrix.geometry import Geometry
from convmatrix.operators.convolution import Convolution

TOO_LARGE = (
    "{}: factored numerically, because integers and fractions of this size take too long to factor exactly; "
    "its ranks are numerical ones at the tolerance of float64"
)


def splits(conv: Convolution, rule: Rule) -> list[Candidate | Absent]:
    """Every structure of this kind that says something about a layer of these sizes."""
    found: list[Candidate | Absent | None] = [_depthwise_separable(conv, rule), _blueprint_separable(conv, rule)]
    found += [_split(conv, rule, name, first) for name, first in first_axes(conv.geometry)]
    return [answer for answer in found if answer is not None]


def largest_rank(conv: Convolution) -> int:
    """The largest rank any of these structures can have, at least 1."""
    geometry = conv.geometry
    outputs, inputs, *kernel = grouped(conv).shape[1:]
    sides = [(outputs, math.prod(kernel)), (math.prod(kernel), inputs)]
    for _, first in first_axes(geometry):
        taps = math.prod(kernel[axis] for axis in first)
        sides.append((outputs * math.prod(kernel) // taps, inputs * taps))
    return max(min(pair) for pair in sides)


def grouped(conv: Convolution) -> np.ndarray:
    """The weight as `(groups, c_out/groups, c_in/groups, *kernel_size)`."""
    weight, groups = np.asarray(conv.weight), conv.geometry.groups
    return weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])


def first_axes(geometry: Geometry) -> list[tuple[str, tuple[int, ...]]]:
    """The ways to share the axes among two factors: a name, and the axes that the first one reads.

    An axis of one tap goes with the first factor that reads any axis, where its stride saves most.
    """
    axes = range(len(geometry.axes))
    wide = [axis for axis in axes if geometry.kernel_size[axis] > 1]
    single = [axis for axis in axes if axis not in wide]
    if not wide:
        return [("bottleneck", tuple(axes))]
    ways: list[tuple[str, tuple[int, ...]]] = [("bottleneck, 1x1 first", ()), ("bottleneck, 1x1 last", tuple(axes))]
    for count in range(1, len(wide)):
        for chosen in itertools.combinations(wide, count):
            rest = tuple(axis for axis in wide if axis not in chosen)
            name = f"{_axis_names(chosen, len(axes))} then {_axis_names(rest, len(axes))}"
            ways.append((name, tuple(sorted((*chosen, *single)))))
    return ways


def _axis_names(chosen: tuple[int, ...], count: int) -> str:
    if count == 2:
        return "column" if chosen == (0,) else "row"
    return ("axis " if len(chosen) == 1 else "axes ") + "+".join(map(str, chosen))


def _split(conv: Convolution, rule: Rule, name: str, first: tuple[int, ...]) -> Candidate | Absent | None:
    weight, groups = grouped(conv), conv.geometry.groups
    outputs, inputs, *kernel = weight.shape[1:]
    second = tuple(axis for axis in range(len(kernel)) if axis not in first)
    order = (0, 1, *(3 + axis for axis in second), 2, *(3 + axis for axis in first))
    moved = weight.transpose(order)
    rows = outputs * math.prod(kernel[axis] for axis in second)
    stack = np.ascontiguousarray(moved).reshape(groups, rows, -1)
    if min(stack.shape[1:]) == 1 and not (first and second):
        return None
    found = low_rank(stack, rule)
    if found.left is None or found.right is None:
        return Absent(name, _full(found))
    rank = found.left.shape[2]
    wide, thin = _kernel(kernel, second), _kernel(kernel, first)
    after = np.moveaxis(found.left.reshape(groups, outputs, -1, rank), 3, 2).reshape(groups * outputs, rank, *wide)
    before = found.right.reshape(groups * rank, inputs, *thin)
    parts = (Part(before, first, groups), Part(after, second, groups))
    settings = {"rank": found.rank, "of": found.full, **({"groups": groups} if groups > 1 else {})}
    back = np.argsort(order)
    approximation = None if found.is_exact else _multiplied(found).reshape(moved.shape).transpose(back)
    return _candidate(conv, name, settings, parts, found, approximation)


def _depthwise_separable(conv: Convolution, rule: Rule) -> Candidate | Absent | None:
    """Each input channel by itself, `multiplier` filters each, then 1x1."""
    weight, geometry, name = grouped(conv), conv.geometry, "depthwise separable"
    groups, outputs, inputs, *kernel = weight.shape
    taps = math.prod(kernel)
    if inputs == 1 or min(outputs, taps) == 1:
        return None
    stack = np.ascontiguousarray(weight.swapaxes(1, 2)).reshape(groups * inputs, outputs, taps)
    found = low_rank(stack, rule)
    if found.left is None or found.right is None:
        return Absent(name, _full(found))
    rank = found.left.shape[2]
    depthwise = Part(found.right.reshape(-1, 1, *kernel), tuple(range(len(kernel))), geometry.in_channels)
    mixed = found.left.reshape(groups, inputs, outputs, rank).swapaxes(1, 2)
    pointwise = Part(mixed.reshape(groups * outputs, inputs * rank, *[1] * len(kernel)), (), groups)
    settings = {"multiplier": found.rank, "of": found.full, **({"groups": groups} if groups > 1 else {})}
    approximation = None
    if not found.is_exact:
        approximation = _multiplied(found).reshape(groups, inputs, outputs, *kernel).swapaxes(1, 2)
    return _candidate(conv, name, settings, (depthwise, pointwise), found, approximation)


def _blueprint_separable(conv: Convolution, rule: Rule) -> Candidate | Absent | None:
    """1x1 to `multiplier` channels for each output channel, which are then filtered and added up."""
    weight, geometry, name = grouped(conv), conv.geometry, "blueprint separable"
    groups, outputs, inputs, *kernel = weight.shape
    taps = math.prod(kernel)
    if outputs == 1 or min(inputs, taps) == 1:
        return None
    found = low_rank(weight.reshape(groups * outputs, inputs, taps).swapaxes(1, 2), rule)
    if found.left is None or found.right is None:
        return Absent(name, _full(found))
    rank = found.left.shape[2]
    pointwise = Part(found.right.reshape(-1, inputs, *[1] * len(kernel)), (), groups)
    filters = found.left.swapaxes(1, 2).reshape(-1, rank, *kernel)
    depthwise = Part(filters, tuple(range(len(kernel))), geometry.out_channels)
    settings = {"multiplier": found.rank, "of": found.full, **({"groups": groups} if groups > 1 else {})}
    approximation = None if found.is_exact else _multiplied(found).swapaxes(1, 2).reshape(weight.shape)
    return _candidate(conv, name, settings, (pointwise, depthwise), found, approximation)


def _candidate(
    conv: Convolution,
    name: str,
    settings: dict[str, Any],
    parts: tuple[Part, Part],
    found: LowRank,
    approximation: np.ndarray | None,
) -> Candidate:
    answer = Candidate(name, settings, parts, is_exact=found.is_exact, holds=found.holds, tol=found.tol)
    if approximation is not None:
        answer = dataclasses.replace(answer, approximation=approximation.reshape(conv.weight.shape))
    return dataclasses.replace(answer, notes=(TOO_LARGE.format(name),)) if found.too_large else answer


def _multiplied(found: LowRank) -> np.ndarray:
    """What the factors multiply out to, as they are, rounded to their own type."""
    assert found.left is not None
    assert found.right is not None
    return double(found.left) @ double(found.right)


def _kernel(kernel: list[int], axes: tuple[int, ...]) -> list[int]:
    return [size if axis in axes else 1 for axis, size in enumerate(kernel)]


def _full(found: LowRank) -> str:
    kind = "proved" if found.is_exact else f"numerical, tolerance {found.tol:.2g}"
    return f"rank {found.rank} of {found.full} ({kind})" + ("" if found.rank == found.full else ", which saves nothing")
