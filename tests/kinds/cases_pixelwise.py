"""Section 4."""

from __future__ import annotations

import numpy as np
from kind_cases import Case, tensor


class pointwise(Case):
    structure = "C = W kron I"

    def draw(d):
        axes, outer, inner = d.count(0, 3), d.count(), d.count()
        weight = d.integers(outer, inner, *d.one_of((), (1,) * axes))
        return (weight, d.sizes(axes)), d.some(bias=d.bias(outer))

    def torch(x, weight, size, bias=None):
        import torch

        mixed = torch.einsum("oc,bc...->bo...", tensor(weight.reshape(weight.shape[:2])), x)
        return mixed if bias is None else mixed + tensor(bias).reshape(-1, *[1] * len(size))

    def formula(weight, size):
        return np.kron(weight.reshape(weight.shape[:2]), np.eye(int(np.prod(size)), dtype=int))


class fully_connected(Case):
    structure = "C = W: dense, one row an output"

    def draw(d):
        shape, outer = (d.count(), *(d.count(1, 4) for _ in range(d.count(0, 3)))), d.count()
        return (d.integers(outer, int(np.prod(shape))), shape), d.some(bias=d.bias(outer))

    def torch(x, weight, shape, bias=None):
        from torch.nn import functional as F

        return F.linear(x.flatten(1), tensor(weight), tensor(bias)).reshape(len(x), -1, *[1] * (len(shape) - 1))

    def formula(weight, shape):
        return weight
