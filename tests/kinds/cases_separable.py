"""Sections 8 and 9."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from cases_plain import conv2d
from kind_cases import C, Case, convolved, kron, pairs, per_axis


def apart(weight, axes):
    """A weight `(channels, 1, *kernel)` from any of its spellings."""
    return weight.reshape(-1, 1, *weight.shape[weight.ndim - axes :])


def one_block_a_channel(weight, size, stride=1, padding=0, dilation=1):
    return scipy.linalg.block_diag(*(C(own[0], size, stride, padding, dilation) for own in apart(weight, len(size))))


class spatially_separable(Case):
    structure = "C = C(column) kron C(row) = (I kron C(row)) (C(column) kron I)"

    def draw(d):
        column, row = d.integers(*d.kernel(1)), d.integers(*d.kernel(1))
        return (column, row, d.sizes(2)), d.some(stride=d.steps(2), padding=d.padding(2))

    def torch(x, column, row, size, stride=1, padding=0):
        return convolved(x, np.outer(column, row), size, stride=stride, padding=padding)

    def formula(column, row, size, stride=1, padding=0):
        s, p = per_axis(stride, 2), pairs(padding, size, (len(column), len(row)), stride)
        down, across = C(column, size[0], s[0], p[:1]), C(row, size[1], s[1], p[1:])
        whole = kron(down, across)
        first = kron(down, np.eye(size[1], dtype=int))
        assert np.array_equal(whole, kron(np.eye(len(down), dtype=int), across) @ first)
        return whole


class depthwise(Case):
    structure = "C = block_diag(C(w_1), ..., C(w_c)): one block a channel"

    def draw(d):
        axes, channels = d.count(1, 3), d.count(1, 4)
        kernel = d.kernel(axes)
        weight = d.one_of(d.integers(channels, 1, *kernel), d.integers(channels, *kernel), d.integers(*kernel))
        channels = len(apart(weight, axes))
        drawn = d.some(stride=d.steps(axes), padding=d.padding(axes), dilation=d.dilation(axes), bias=d.bias(channels))
        return (weight, d.sizes(axes)), drawn

    def torch(x, weight, size, stride=1, padding=0, dilation=1, bias=None):
        w = apart(weight, len(size))
        options = {"stride": stride, "padding": padding, "dilation": dilation, "bias": bias}
        return convolved(x, w, size, groups=len(w), **options)

    formula = one_block_a_channel


class depthwise_separable(Case):
    structure = "C = (W kron I) block_diag(C(w_1), ..., C(w_c))"

    def draw(d):
        axes, channels, outer = d.count(1, 2), d.count(1, 4), d.count(1, 4)
        kernels = d.integers(channels, *d.one_of((), (1,)), *d.kernel(axes))
        mixing = d.integers(outer, channels, *d.one_of((), (1,) * axes))
        return (kernels, mixing, d.sizes(axes)), d.some(stride=d.steps(axes), padding=d.padding(axes))

    def torch(x, kernels, mixing, size, stride=1, padding=0):
        between = depthwise.torch(x, kernels, size, stride, padding)
        return convolved(between, mixing.reshape(*mixing.shape[:2], *[1] * len(size)), tuple(between.shape[2:]))

    def formula(kernels, mixing, size, stride=1, padding=0):
        each = one_block_a_channel(kernels, size, stride, padding)
        places = len(each) // len(apart(kernels, len(size)))
        return np.kron(mixing.reshape(mixing.shape[:2]), np.eye(places, dtype=int)) @ each


class flattened(Case):
    structure = "a row of blocks a filter: channels^T kron C(column) kron C(row)"

    def draw(d):
        filters = d.count()
        parts = [d.integers(filters, d.count()) for _ in range(3)]
        parts = [part[0] for part in parts] if filters == 1 else parts
        return (*parts, d.sizes(2)), d.some(padding=d.padding(2))

    def torch(x, lateral, vertical, horizontal, size, padding=0):
        parts = map(np.atleast_2d, (lateral, vertical, horizontal))
        return conv2d.torch(x, np.einsum("fc,fy,fx->fcyx", *parts), size, padding=padding)

    def formula(lateral, vertical, horizontal, size, padding=0):
        parts = list(map(np.atleast_2d, (lateral, vertical, horizontal)))
        p = pairs(padding, size, (parts[1].shape[1], parts[2].shape[1]))
        filters = zip(*parts, strict=True)
        return np.vstack([kron(c, C(v, size[0], padding=p[:1]), C(h, size[1], padding=p[1:])) for c, v, h in filters])
