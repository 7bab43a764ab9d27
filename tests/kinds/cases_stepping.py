"""Sections 5 and 7."""

from __future__ import annotations

import numpy as np
from cases_plain import conv2d, drawn_layer
from kind_cases import C, Case, channelled, convolved, each_pair, kron, pairs, per_axis


class strided(Case):
    structure = "C = S C_1: every s-th row of the matrix of stride 1"

    def draw(d):
        return drawn_layer(d, d.count(1, 2), d.one_of(True, False), stride=d.steps)

    def torch(x, weight, size, stride=2, padding=0, bias=None):
        return convolved(x, weight, size, stride=stride, padding=padding, bias=bias)

    def formula(weight, size, stride=2, padding=0):
        w = channelled(weight, len(size))
        pads = pairs(padding, size, w.shape[2:], stride)
        rows = [np.eye(n + sum(p) - k + 1, dtype=int) for n, p, k in zip(size, pads, w.shape[2:], strict=True)]
        kept = [all_[::s] for all_, s in zip(rows, per_axis(stride, len(size)), strict=True)]
        return kron(np.eye(len(w), dtype=int), *kept) @ C(w, size, padding=pads)


class padded(Case):
    structure = "C = C_valid E: the matrix of the padded input without the columns of the padding"

    draw = strided.draw

    def torch(x, weight, size, padding="same", stride=1, bias=None):
        return convolved(x, weight, size, stride=stride, padding=padding, bias=bias)

    def formula(weight, size, padding="same", stride=1):
        w = channelled(weight, len(size))
        pads = pairs(padding, size, w.shape[2:], stride)
        frames = [np.pad(np.eye(n, dtype=int), (p, (0, 0))) for n, p in zip(size, pads, strict=True)]
        larger = tuple(n + sum(p) for n, p in zip(size, pads, strict=True))
        return C(w, larger, stride) @ kron(np.eye(w.shape[1], dtype=int), *frames)


class circulant(Case):
    structure = (
        "C = sum over taps t of w[t] P^(l t1 - p1) kron P^(l t2 - p2), P the cyclic shift: doubly block circulant"
    )

    def draw(d):
        axes = d.count(1, 3)
        outer, inner = d.count(), d.count()
        weight = d.one_of(d.integers(outer, inner, *d.kernel(axes)), d.integers(*d.kernel(axes)))
        return (weight, d.sizes(axes)), d.some(
            dilation=d.dilation(axes), bias=d.bias(len(weight) if weight.ndim > axes else 1)
        )

    def torch(x, weight, size, dilation=1, bias=None):
        return convolved(x, weight, size, padding="same", dilation=dilation, bias=bias, mode="circular")

    def formula(weight, size, dilation=1):
        w, steps = channelled(weight, len(size)), per_axis(dilation, len(size))
        before = [p for p, _ in pairs("same", size, w.shape[2:], 1, dilation)]

        def power(n, exponent):
            return np.roll(np.eye(n, dtype=int), exponent, axis=1)

        def block(kernel):
            return sum(
                value * kron(*(power(n, s * t - p) for n, s, t, p in zip(size, steps, tap, before, strict=True)))
                for tap, value in np.ndenumerate(kernel)
            )

        return each_pair(w, block)


class dilated(Case):
    structure = "C(w, l) = C(w with l - 1 zeros between its taps): the taps l columns apart"

    def draw(d):
        return drawn_layer(d, d.count(1, 2), d.one_of(True, False), stride=d.steps, dilation=d.dilation)

    def torch(x, weight, size, dilation=2, stride=1, padding=0, bias=None):
        return conv2d.torch(x, weight, size, stride, padding, dilation, bias)

    def formula(weight, size, dilation=2, stride=1, padding=0):
        w, steps = channelled(weight, len(size)), per_axis(dilation, len(size))
        wide = np.zeros((*w.shape[:2], *(s * (k - 1) + 1 for s, k in zip(steps, w.shape[2:], strict=True))), w.dtype)
        wide[(..., *(slice(None, None, s) for s in steps))] = w
        return C(wide, size, stride, padding)
