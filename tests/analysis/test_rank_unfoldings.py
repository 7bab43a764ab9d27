"""Ranks of kernels one by one, and of the unfoldings of weights, against their definitions and NumPy's ranks."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from rank_cases import check_profile, measures

import convmatrix as cm
from convmatrix.analysis.ranks.unfolding import unfoldings

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("kernel", [(3,), (3, 3), (2, 5), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("kind", [int, float, complex])
def test_kernels_one_by_one(kernel, kind):
    weight = RNG.integers(-1, 2, (4, 3, *kernel)).astype(kind)
    weight[0, 0] = 0
    found = cm.rank_profile(cm.conv(weight, kernel)).kernels
    assert found.matrix_shape == (kernel[0], math.prod(kernel[1:]))
    assert found.rank_kind == ("exact" if kind is int else "numerical")
    assert found.tol == (None if kind is int else max(found.matrix_shape) * np.finfo(float).eps)
    for place in np.ndindex(4, 3):
        matrix = weight[place].reshape(found.matrix_shape)
        rank = np.linalg.matrix_rank(matrix)
        stable, effective, energy, condition = measures(matrix)
        assert found.rank[place] == rank
        assert found.stable_rank[place] == pytest.approx(stable)
        assert found.effective_rank[place] == pytest.approx(effective, abs=1e-6)
        assert np.allclose(found.energy[place], energy)
        full = rank == min(found.matrix_shape)
        assert found.condition[place] == (pytest.approx(condition) if full else math.inf)
    assert found.counts == {int(rank): int((found.rank == rank).sum()) for rank in np.unique(found.rank)}


def unfolded(weight, groups, rows):
    """The unfolding of a weight with zeros between groups, one entry at a time."""
    c_out, c_in, *kernel = weight.shape
    columns = [axis for axis in range(len(kernel)) if axis not in rows]
    shape = (c_out, *(kernel[a] for a in rows)), (c_in * groups, *(kernel[a] for a in columns))
    matrix = np.zeros((math.prod(shape[0]), math.prod(shape[1])), dtype=weight.dtype)
    for o, i, *tap in itertools.product(*map(range, weight.shape)):
        channel = o // (c_out // groups) * c_in + i
        row = np.ravel_multi_index((o, *(tap[a] for a in rows)), shape[0])
        column = np.ravel_multi_index((channel, *(tap[a] for a in columns)), shape[1])
        matrix[row, column] = weight[(o, i, *tap)]
    return matrix


UNFOLDINGS = {
    0: {"c_out x c_in": ()},
    1: {"c_out x (c_in k)": (), "c_in x (c_out k)": (0,)},
    2: {
        "c_out x (c_in h w)": (),
        "c_in x (c_out h w)": (0, 1),
        "(c_out h) x (c_in w)": (0,),
        "(c_out w) x (c_in h)": (1,),
    },
    3: {
        "c_out x (c_in d h w)": (),
        "c_in x (c_out d h w)": (0, 1, 2),
        "(c_out d) x (c_in h w)": (0,),
        "(c_out h) x (c_in d w)": (1,),
        "(c_out w) x (c_in d h)": (2,),
        "(c_out d h) x (c_in w)": (0, 1),
        "(c_out d w) x (c_in h)": (0, 2),
        "(c_out h w) x (c_in d)": (1, 2),
    },
}


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("axes", UNFOLDINGS)
def test_unfoldings_by_definition(axes, groups):
    kernel = (2, 3, 4)[:axes]
    weight = RNG.integers(-2, 3, (4, 3, *kernel))
    op = cm.conv(weight, kernel, groups=groups)
    assert list(dict(unfoldings(weight, groups))) == list(UNFOLDINGS[axes])
    found = cm.rank_profile(op).unfoldings
    for name, rows in UNFOLDINGS[axes].items():
        matrix = unfolded(weight, groups, rows)
        expected = matrix.T if axes and len(rows) == axes else matrix
        check_profile(found[name], expected, np.linalg.matrix_rank(expected))
        assert found[name].rank_kind == "exact"


def test_the_four_unfoldings_bound_the_norm():
    """Singla and Feizi: the least of their norms times the root of the taps is at least the layer's."""
    for _ in range(10):
        op = cm.conv(RNG.standard_normal((3, 4, 3, 2)), (7, 6), padding=1)
        found = cm.rank_profile(op)
        least = min(profile.values[0] for profile in found.unfoldings.values())
        assert found.operator.values[0] <= math.sqrt(6) * least * (1 + 1e-12)


def test_a_transposed_layer_shares_its_weight():
    weight = RNG.standard_normal((3, 2, 3, 3))
    op = cm.conv_transpose(weight, (4, 4), stride=2)
    found, plain = cm.rank_profile(op), cm.rank_profile(op.T)
    assert found.kernels.rank.shape == (3, 2)
    assert list(found.unfoldings) == list(plain.unfoldings)
    assert found.operator.rank == plain.operator.rank == np.linalg.matrix_rank(op.toarray())


def test_a_product_has_neither_kernels_nor_unfoldings():
    layer = cm.conv([1, 2], 5)
    found = cm.rank_profile(layer.T @ layer)
    assert found.kernels is None
    assert not found.unfoldings
    assert found.profiles == (found.operator,)


WEIGHTS = {
    "text": ("sobel_x", 4, 3),
    "kernel": ([[1, 2], [3, 4]], 4, 2),
    "one axis": ([1, 2, 1], 2, 1),
    "layer of one axis": (np.ones((2, 3, 5)), 2, 1),
    "layer": (np.ones((2, 3, 5, 5)), 4, 5),
    "fractions": ([[Fraction(1, 2), 1], [1, 2]], 4, 2),
    "radicals": ([[sympy.sqrt(2), 1], [2, sympy.sqrt(2)]], 4, 2),
}


@pytest.mark.parametrize(("weight", "count", "least"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_alone(weight, count, least):
    found = cm.rank_profile(weight)
    assert found.op is None
    assert found.operator is None
    assert len(found.unfoldings) == count
    assert min(found.kernels.matrix_shape) == least
