"""Sections 1 to 3."""

from __future__ import annotations

import numpy as np
from kind_cases import C, Case, T, by_entry, channelled, convolved, each_pair, kron, pairs, per_axis, shape_of


def drawn_layer(d, axes, channels, **more):
    """A weight on some axes, bare or with channels, its size, and options."""
    outer, inner = (d.count(), d.count()) if channels else (1, 1)
    kernel = d.kernel(axes)
    weight = d.integers(outer, inner, *kernel) if channels else d.integers(*kernel)
    options = d.some(padding=d.padding(axes), bias=d.bias(outer), **{name: draw(axes) for name, draw in more.items()})
    return (weight, d.sizes(axes)), options


class cross_correlation(Case):
    structure = "C[o, i] = w[i - o + p], p the padding before: Toeplitz on every axis, the taps along each row"

    def draw(d):
        return drawn_layer(d, d.count(1, 2), d.one_of(True, False))

    def torch(x, weight, size, padding=0, bias=None):
        return convolved(x, weight, size, padding=padding, bias=bias)

    def formula(weight, size, padding=0):
        w = channelled(weight, len(size))
        p = pairs(padding, size, w.shape[2:])
        before = np.array([pair[0] for pair in p])
        outputs = [n + sum(own) - k + 1 for n, own, k in zip(size, p, w.shape[2:], strict=True)]
        return each_pair(w, lambda kernel: by_entry(kernel, size, outputs, lambda o, i: i - o + before))


class convolution(Case):
    structure = (
        "C[o, i] = w[o - i + k - 1 - p], with full padding w[o - i]: Toeplitz on every axis, the taps down each column"
    )

    draw = cross_correlation.draw

    def torch(x, weight, size, padding="full", bias=None):
        turned = np.flip(weight, tuple(range(-len(size), 0)))
        return convolved(x, turned, size, padding=padding, bias=bias)

    def formula(weight, size, padding="full"):
        w = channelled(weight, len(size))
        p = pairs(padding, size, w.shape[2:])
        k, before = np.array(w.shape[2:]), np.array([pair[0] for pair in p])
        outputs = [n + sum(own) - taps + 1 for n, own, taps in zip(size, p, k, strict=True)]

        def tap(o, i):
            return o - i if padding == "full" else o - i + k - 1 - before

        return each_pair(w, lambda kernel: by_entry(kernel, size, outputs, tap))


def _sum_of_shifts(weight, size, stride, padding, dilation, rest):
    """The sum over the first axis of `shift kron (what the rest of the kernel makes)`."""
    pads = pairs(padding, size, weight.shape[2:], stride, dilation)
    s, d = per_axis(stride, len(size)), per_axis(dilation, len(size))

    def block(kernel):
        units = np.eye(len(kernel), dtype=int)
        shifts = [T(unit, size[0], pads[0], d[0], s[0]) for unit in units]
        return sum(kron(shift, rest(own, pads[1:], d[1:], s[1:])) for shift, own in zip(shifts, kernel, strict=True))

    return each_pair(weight, block)


class conv2d(Case):
    structure = (
        "C = [sum over rows r of shift_r kron T(w[o, c, r])]: block Toeplitz with Toeplitz blocks, "
        "every s-th row at stride s"
    )

    def draw(d):
        return drawn_layer(d, 2, d.one_of(True, False), stride=d.steps, dilation=d.dilation)

    def torch(x, weight, size, stride=1, padding=0, dilation=1, bias=None):
        return convolved(x, weight, size, stride=stride, padding=padding, dilation=dilation, bias=bias)

    def formula(weight, size, stride=1, padding=0, dilation=1):
        def row(kernel, pads, d, s):
            return T(kernel, size[1], pads[0], d[0], s[0])

        return _sum_of_shifts(channelled(weight, 2), size, stride, padding, dilation, row)


class multichannel(Case):
    structure = "C = [C(w[o, c])]: a block for every output and input channel, the matrix of its kernel"

    def draw(d):
        return drawn_layer(d, d.count(1, 3), True, stride=d.steps, dilation=d.dilation)

    torch = conv2d.torch

    def formula(weight, size, stride=1, padding=0, dilation=1):
        return each_pair(weight, lambda kernel: C(kernel, size, stride, padding, dilation))


class conv1d(Case):
    structure = "C = [T(w[o, c])]: a banded Toeplitz block for every pair of channels, every s-th row at stride s"

    def draw(d):
        (weight, size), options = drawn_layer(d, 1, d.one_of(True, False), stride=d.steps, dilation=d.dilation)
        return (weight, d.one_of(size, size[0])), options

    torch = conv2d.torch

    def formula(weight, size, stride=1, padding=0, dilation=1):
        (n,), w = shape_of(size), channelled(weight, 1)
        (p,) = pairs(padding, size, w.shape[2:], stride, dilation)
        return each_pair(w, lambda taps: T(taps, n, p, per_axis(dilation, 1)[0], per_axis(stride, 1)[0]))


class conv3d(Case):
    structure = (
        "C = [sum over depths z of shift_z kron C(w[o, c, z])]: Toeplitz in blocks on three levels, "
        "every s-th row at stride s"
    )

    def draw(d):
        return drawn_layer(d, 3, d.one_of(True, False), stride=d.steps, dilation=d.dilation)

    torch = conv2d.torch

    def formula(weight, size, stride=1, padding=0, dilation=1):
        def slice_(kernel, pads, d, s):
            return C(kernel, size[1:], s, pads, d)

        return _sum_of_shifts(channelled(weight, 3), size, stride, padding, dilation, slice_)
