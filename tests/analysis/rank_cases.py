"""What the tests of ranks and null spaces share: circular layers drawn at random, exact matrices and their ranks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sympy import ZZ
from sympy.polys.matrices import DomainMatrix

import convmatrix as cm


def integers_of(op):
    """A multiple of the matrix in Python integers, by SymPy's word for the entries."""
    entries = op.tosympy().todok()
    common = math.lcm(*(int(value.q) for value in entries.values()))
    matrix = np.zeros(op.shape, dtype=object)
    for (row, column), value in entries.items():
        matrix[row, column] = int(value * common)
    return matrix


def rank_of(matrix):
    """Of integers, by FLINT where it is installed, else by SymPy."""
    rows = [[int(value) for value in row] for row in matrix.tolist()]
    if not matrix.size:
        return 0
    try:
        from flint import fmpz_mat
    except ImportError:
        return int(DomainMatrix([[ZZ(value) for value in row] for row in rows], matrix.shape, ZZ).rank())
    return int(fmpz_mat(rows).rank())


def drawn_circular(rng, numbers=None):
    """A circular layer with `n/stride` outputs and small integer weights, often singular; None where none was drawn.

    `numbers` makes other weights of these.
    """
    axes = int(rng.integers(1, 4))
    stride = [int(s) for s in rng.integers(1, 3, axes)]
    outputs = [int(m) for m in rng.integers(1, {1: 9, 2: 5, 3: 3}[axes], axes)]
    size = [s * m for s, m in zip(stride, outputs, strict=True)]
    kernel, dilation = ([int(v) for v in rng.integers(1, most, axes)] for most in (4, 3))
    groups, (c_out, c_in) = int(rng.integers(1, 3)), rng.integers(1, 3, 2)
    weight = rng.integers(-1, 2, (int(c_out) * groups, int(c_in), *kernel))
    if rng.random() < 0.4:
        # Kernels without mean kill the constant.
        weight = weight - weight.sum(axis=tuple(range(2, 2 + axes)), keepdims=True) * _first(kernel)
    padding = []
    for k, s, d in zip(kernel, stride, dilation, strict=True):
        total = d * (k - 1) + 1 - s
        if total < 0:
            return None
        before = int(rng.integers(0, total + 1))
        padding.append((before, total - before))
    options = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
    weight = weight if numbers is None else numbers(weight)
    return cm.conv(weight, size, padding_mode="circular", **options)


def _first(kernel):
    only = np.zeros(math.prod(kernel), dtype=np.int64)
    only[0] = 1
    return only.reshape(kernel)


def measures(matrix):
    """Stable rank, effective rank, energy and condition from NumPy's singular values."""
    values = np.linalg.svd(matrix.astype(complex), compute_uv=False)
    if not values.any():
        return 0.0, 0.0, np.ones(values.shape), math.inf
    shares = values / values.sum()
    shares = shares[shares > 0]
    energy = np.cumsum(values**2) / (values**2).sum()
    condition = values[0] / values[-1] if values[-1] else math.inf
    return (values**2).sum() / values[0] ** 2, math.exp(-(shares * np.log(shares)).sum()), energy, condition


def check_profile(profile, matrix, rank):
    stable, effective, energy, condition = measures(matrix)
    assert profile.shape == matrix.shape
    assert profile.rank == rank
    assert profile.is_full == (rank == min(matrix.shape))
    assert profile.stable_rank == pytest.approx(stable, rel=1e-9)
    assert profile.effective_rank == pytest.approx(effective, rel=1e-6)
    assert np.allclose(profile.energy, energy, rtol=1e-9, atol=1e-12)
    if rank < min(matrix.shape):
        assert profile.condition == math.inf
    else:
        assert profile.condition == pytest.approx(condition, rel=1e-5)
