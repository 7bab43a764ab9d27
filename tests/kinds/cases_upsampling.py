"""Section 6."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from kind_cases import C, Case, channelled, convolved, kron, pairs, per_axis, permuted, tensor


class transposed(Case):
    structure = "D = C^T: the transpose of the convolution that goes the other way"

    def draw(d):
        axes, groups = d.count(1, 3), d.count(1, 2)
        inner, outer, kernel = groups * d.count(1, 2), d.count(1, 2), tuple(d.count(2, 3) for _ in range(axes))
        stride, dilation = tuple(d.count() for _ in kernel), tuple(d.count(1, 2) for _ in kernel)
        extra = tuple(d.count(0, max(both) - 1) for both in zip(stride, dilation, strict=True))
        options = {"stride": stride, "dilation": dilation, "output_padding": extra, "groups": groups}
        options = {name: own for name, own in options.items() if np.any(np.array(own) != (name != "output_padding"))}
        # Crops by other than one number an axis are not torch's.
        options |= d.some(padding=d.one_of(1, tuple(d.count(0, 1) for _ in kernel)), bias=d.bias(outer * groups))
        return (d.integers(inner, outer, *kernel), tuple(d.count(2, 4) for _ in kernel)), options

    def torch(x, weight, size, stride=1, padding=0, output_padding=0, dilation=1, groups=1, bias=None):
        from torch.nn import functional as F

        axes = len(size)
        layer = getattr(F, f"conv_transpose{axes}d")
        pads = per_axis(padding, axes)
        return layer(x, tensor(channelled(weight, axes)), tensor(bias), stride, pads, output_padding, groups, dilation)

    def formula(weight, size, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
        axes, w = len(size), channelled(weight, len(size))
        s, d, extra = (per_axis(own, axes) for own in (stride, dilation, output_padding))
        pads = pairs(padding, size, w.shape[2:])
        larger = tuple(
            (n - 1) * s[a] - sum(pads[a]) + d[a] * (w.shape[2 + a] - 1) + 1 + extra[a] for a, n in enumerate(size)
        )
        # Where the output padding reaches another row, only as many as the input has are meant.
        spans = [d[a] * (w.shape[2 + a] - 1) + 1 for a in range(axes)]
        rows = [(larger[a] + sum(pads[a]) - spans[a]) // s[a] + 1 for a in range(axes)]
        kept = [np.eye(count, dtype=int)[:n] for count, n in zip(rows, size, strict=True)]
        return (kron(np.eye(len(w), dtype=int), *kept) @ C(w, larger, stride, pads, dilation, groups)).T


class resize_conv(Case):
    structure = "C = C(w) (I kron R_1 kron R_2), R[o, i] the share of input i in position o of the enlarged axis"

    def draw(d):
        axes, outer, inner = d.count(1, 2), d.count(), d.count()
        kernel = d.kernel(axes)
        weight = d.one_of(d.integers(outer, inner, *kernel), d.integers(*kernel))
        scales = (2, 3, Fraction(3, 2), Fraction(5, 4))
        scale = d.one_of(d.one_of(*scales), tuple(d.one_of(*scales) for _ in kernel))
        mode = d.one_of("nearest", "nearest-exact", "linear", "bilinear" if axes == 2 else "linear")
        options = d.some(scale=scale, mode=mode, padding=d.padding(axes))
        return (weight, d.sizes(axes)), options | d.some(bias=d.bias(len(weight) if weight.ndim > axes else 1))

    def torch(x, weight, size, scale=2, mode="nearest", padding="same", bias=None):
        from torch.nn import functional as F

        scales = [float(own) for own in (scale if isinstance(scale, tuple) else (scale,) * len(size))]
        mode = "bilinear" if mode == "linear" and len(size) == 2 else mode
        larger = F.interpolate(x, scale_factor=scales, mode=mode)
        return convolved(larger, weight, tuple(larger.shape[2:]), padding=padding, bias=bias)

    def formula(weight, size, scale=2, mode="nearest", padding="same"):
        """Shares by the definition: a copy of one input, or what is left of its distance."""
        w, shares = channelled(weight, len(size)), []
        for n, own in zip(size, scale if isinstance(scale, tuple) else (scale,) * len(size), strict=True):
            middles = (np.arange(n * own // 1) + 0.5) / float(own) - 0.5
            if "linear" in mode:
                shares.append(np.maximum(1 - abs(np.clip(middles, 0, n - 1)[:, None] - np.arange(n)), 0))
            else:
                at = [(o / own if mode == "nearest" else (o + Fraction(1, 2)) / own) // 1 for o in range(len(middles))]
                shares.append(np.eye(n)[[int(place) for place in at]])
        enlarged = kron(np.eye(w.shape[1]), *shares)
        return C(w, tuple(map(len, shares)), padding=padding) @ enlarged


class sub_pixel(Case):
    structure = "C = P C(w), P the permutation that lays the channels of a position side by side"

    def draw(d):
        axes = d.count(1, 2)
        factor = d.one_of(d.count(), tuple(d.count() for _ in range(axes)))
        factors = per_axis(factor, axes)
        outer = d.count(1, 2) * int(np.prod(factors))
        weight = d.integers(outer, d.count(), *d.kernel(axes))
        options = d.some(padding=d.padding(axes), bias=d.bias(outer))
        return (weight, d.sizes(axes)), options | ({} if factor == 2 else {"factor": factor})

    def arranged(values, factors):
        """`out[c, h*f1 + i, w*f2 + j] = values[(c*f1 + i)*f2 + j, h, w]`, entry by entry, of `(channels, *space)`."""
        channels, *space = values.shape
        made = np.empty((channels // int(np.prod(factors)), *np.multiply(space, factors)), dtype=values.dtype)
        for c, *at in np.ndindex(*made.shape):
            place = [p // f for p, f in zip(at, factors, strict=True)]
            for p, f in zip(at, factors, strict=True):
                c = c * f + p % f
            made[(c // int(np.prod(factors)), *at)] = values[(c, *place)]
        return made

    def torch(x, weight, size, factor=2, padding="same", bias=None):
        answers = convolved(x, weight, size, padding=padding, bias=bias).numpy()
        return tensor([sub_pixel.arranged(own, per_axis(factor, len(size))) for own in answers])

    def formula(weight, size, factor=2, padding="same"):
        pads = pairs(padding, size, weight.shape[2:])
        small = [n + sum(p) - k + 1 for n, p, k in zip(size, pads, weight.shape[2:], strict=True)]
        order = np.arange(len(weight) * int(np.prod(small))).reshape(len(weight), *small)
        return permuted(sub_pixel.arranged(order, per_axis(factor, len(size)))) @ C(weight, size, padding=padding)
