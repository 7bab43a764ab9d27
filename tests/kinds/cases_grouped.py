"""Sections 10 to 12."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from cases_separable import apart, depthwise, one_block_a_channel
from kind_cases import C, Case, convolved, per_axis, permuted, shuffled


def one_block_a_group(weight, size, groups, stride=1, padding=0, dilation=1):
    parts = (C(part, size, stride, padding, dilation) for part in np.split(weight, groups))
    return scipy.linalg.block_diag(*parts)


def mixed(weight, places, groups):
    parts = np.split(weight.reshape(weight.shape[:2]), groups)
    return np.kron(scipy.linalg.block_diag(*parts), np.eye(places, dtype=int))


def dealt(channels, places, groups):
    """Channels counted through the groups: the first of each, then the second of each."""
    each = channels // groups
    order = [group * each + place for place in range(each) for group in range(groups)]
    return np.kron(permuted(order), np.eye(places, dtype=int))


class grouped(Case):
    structure = "C = block_diag(C_1, ..., C_g)"

    def draw(d):
        axes, groups = d.count(1, 3), d.count()
        weight = d.integers(groups * d.count(), d.count(), *d.kernel(axes))
        drawn = d.some(
            stride=d.steps(axes), padding=d.padding(axes), dilation=d.dilation(axes), bias=d.bias(len(weight))
        )
        return (weight, d.sizes(axes)), drawn | ({} if groups == 2 and d.one_of(True, False) else {"groups": groups})

    def torch(x, weight, size, groups=2, stride=1, padding=0, dilation=1, bias=None):
        options = {"stride": stride, "padding": padding, "dilation": dilation, "bias": bias}
        return convolved(x, weight, size, groups=groups, **options)

    def formula(weight, size, groups=2, stride=1, padding=0, dilation=1):
        return one_block_a_group(weight, size, groups, stride, padding, dilation)


class shuffled_grouped(Case):
    structure = "C = block_diag(B_1, ..., B_g) (P kron I) block_diag(A_1, ..., A_g), P a permutation"

    def draw(d):
        axes, groups = d.count(1, 2), d.count()
        first = d.integers(groups * d.count(1, 2), d.count(1, 2), *d.kernel(axes))
        second = d.integers(groups * d.count(1, 2), len(first) // groups, *d.kernel(axes))
        drawn = d.some(stride=d.steps(axes), padding=d.padding(axes))
        size = tuple(2 + n for n in d.sizes(axes))
        return (first, second, size), drawn | ({} if groups == 3 and d.one_of(True, False) else {"groups": groups})

    def torch(x, first, second, size, groups=3, stride=1, padding=0):
        between = shuffled(convolved(x, first, size, padding=padding, groups=groups), groups)
        return convolved(between, second, tuple(between.shape[2:]), stride=stride, padding=padding, groups=groups)

    def formula(first, second, size, groups=3, stride=1, padding=0):
        a = one_block_a_group(first, size, groups, padding=padding)
        small = tuple(convolved_size(first, size, padding))
        b = one_block_a_group(second, small, groups, stride, padding)
        return b @ dealt(len(first), int(np.prod(small)), groups) @ a


def convolved_size(weight, size, padding):
    """What a stride-1 layer leaves of each axis: as many rows as its brute-force matrix has there."""
    whole = range(len(size))
    return [len(C(np.ones(weight.shape[2 + a]), size[a], padding=own_axis(padding, a, len(size)))) for a in whole]


def own_axis(padding, axis, axes):
    return padding if isinstance(padding, (int, str)) else [list(padding)[axis]]


class pointwise_grouped(Case):
    structure = "C = block_diag(W_1, ..., W_g) kron I"

    def draw(d):
        axes, groups = d.count(1, 3), d.count()
        weight = d.integers(groups * d.count(), d.count(), *d.one_of((), (1,) * axes))
        drawn = d.some(bias=d.bias(len(weight)))
        return (weight, d.sizes(axes)), drawn | ({} if groups == 2 and d.one_of(True, False) else {"groups": groups})

    def torch(x, weight, size, groups=2, bias=None):
        full = weight.reshape(*weight.shape[:2], *[1] * len(size))
        return convolved(x, full, size, groups=groups, bias=bias)

    def formula(weight, size, groups=2):
        return mixed(weight, int(np.prod(size)), groups)


class shufflenet_unit(Case):
    structure = (
        "C = I + (block_diag(B_j) kron I) block_diag(D_c) (P kron I) (block_diag(A_j) kron I), I at stride 1 only"
    )

    def draw(d):
        axes, groups = d.count(1, 2), d.count()
        inner, channels = groups * d.count(1, 2), groups * d.count(1, 2)
        stride = d.one_of(1, d.steps(axes))
        adds = max(per_axis(stride, axes)) == 1
        reduce, kernels = d.integers(inner, channels // groups), d.integers(inner, *d.one_of((), (1,)), *[3] * axes)
        expand = d.integers(channels if adds else groups * d.count(1, 2), inner // groups)
        options = {"groups": groups} if groups != 3 else {}
        return (reduce, kernels, expand, d.sizes(axes)), options | ({} if stride == 1 else {"stride": stride})

    def torch(x, reduce, kernels, expand, size, groups=3, stride=1):
        inner = shuffled(pointwise_grouped.torch(x, reduce, size, groups), groups)
        middle = depthwise.torch(inner, kernels, size, stride, 1)
        branch = pointwise_grouped.torch(middle, expand, tuple(middle.shape[2:]), groups)
        return branch + x if max(per_axis(stride, len(size))) == 1 else branch

    def formula(reduce, kernels, expand, size, groups=3, stride=1):
        places = int(np.prod(size))
        middle = one_block_a_channel(kernels, size, stride, 1)
        fewer = len(middle) // len(apart(kernels, len(size)))
        branch = (
            mixed(expand, fewer, groups) @ middle @ dealt(len(reduce), places, groups) @ mixed(reduce, places, groups)
        )
        return branch + np.eye(len(branch), dtype=int) if max(per_axis(stride, len(size))) == 1 else branch
