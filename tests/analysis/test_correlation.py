"""The correlation of filters of adjacent layers: known answers, brute force, samples, exactness and refusals."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
import sympy

import convmatrix as cm
from convmatrix.analysis.correlation.pairing import Pairing
from convmatrix.operators import TensorOperator

HALF = Fraction(1, 2)


def _integers(rng, *shape):
    return rng.integers(-4, 5, size=shape)


def _brute_force(first, second, pairing):
    """Coefficients by covariances of single responses, one pair of filters after another."""
    inner = first.toarray(dtype=float).reshape(first.out_shape[0], -1, first.shape[1])
    outer = (second.toarray(dtype=float) @ first.toarray(dtype=float)).reshape(second.out_shape[0], -1, first.shape[1])
    found = np.zeros((second.out_shape[0], first.out_shape[0]))
    for j, i in np.ndindex(found.shape):
        pairs = [(outer[j, o], inner[i, c]) for o, c in zip(pairing.outputs, pairing.inputs, strict=True)]
        cross, above, below = (sum(f(v, u) for v, u in pairs) for f in (np.dot, lambda v, u: v @ v, lambda v, u: u @ u))
        found[j, i] = cross / np.sqrt(above * below) if above * below else 0
    return found


# -- known answers -----------------------------------------------------------------------------------------------------


def test_a_second_layer_that_changes_nothing_gives_ones_on_the_diagonal():
    # Three filters that read different inputs: orthogonal at every position.
    first = cm.conv(np.diag([2, -3, 5])[:, :, None], 6)
    found = cm.filter_correlation(first, cm.identity((3, 6)))
    assert found.squared.tolist() == np.eye(3, dtype=int).tolist()
    assert found.matrix.tolist() == np.eye(3).tolist()
    assert (found.positions, found.samples, found.silent) == (6, None, ((), ()))


def test_orthogonal_filters_are_not_correlated_at_all():
    first = cm.conv([[[1, 1, 1, 1]], [[1, 1, -1, -1]], [[1, -1, -1, 1]], [[1, -1, 1, -1]]], 4)
    found = cm.filter_correlation(first, cm.conv(np.eye(4, dtype=int)[:, :, None] * [[[-7]], [[1]], [[2]], [[3]]], 1))
    assert found.matrix.tolist() == np.diag([-1.0, 1, 1, 1]).tolist()


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
def test_independent_groups_give_blocks_and_nothing_beside_them(groups, rng):
    first = cm.conv(np.eye(8, dtype=int)[:, :, None, None] * 3, (5, 5))
    second = cm.conv(rng.integers(1, 5, size=(16, 8 // groups, 3, 3)), (5, 5), padding=1, groups=groups)
    found = cm.filter_correlation(first, second)
    assert found.block_share(groups) == 1
    beside = found.matrix.copy()
    for block in found.blocks(groups):
        assert (found.matrix[block] != 0).all()
        beside[block] = 0
    assert not beside.any()


def test_the_squares_are_the_fractions_they_are():
    first = cm.conv(np.eye(2, dtype=int), ())
    found = cm.filter_correlation(first, cm.conv([[3, 4], [1, -1]], ()))
    assert found.squared.tolist() == [[Fraction(9, 25), Fraction(16, 25)], [HALF, HALF]]
    assert found.matrix.tolist() == [[0.6, 0.8], [np.sqrt(0.5), -np.sqrt(0.5)]]


# -- brute force and samples -------------------------------------------------------------------------------------------

STACKS = {
    "1-D": lambda draw: (cm.conv(draw(3, 2, 3), 7), cm.conv(draw(2, 3, 2), 5)),
    "2-D, padded": lambda draw: (
        cm.conv(draw(4, 1, 3, 3), (5, 4), padding=1),
        cm.conv(draw(3, 4, 3, 3), (5, 4), padding=1),
    ),
    "strided, grouped": lambda draw: (
        cm.conv(draw(4, 2, 3), 9, padding=1),
        cm.conv(draw(4, 2, 3), 9, stride=2, padding=1, groups=2),
    ),
    "dilated, circular": lambda draw: (
        cm.conv(draw(2, 2, 2), 7, padding=[(0, 1)], padding_mode="circular"),
        cm.conv(draw(2, 2, 3), 7, dilation=2, padding=2, padding_mode="circular"),
    ),
    "full padding": lambda draw: (cm.conv(draw(2, 1, 2), 4), cm.conv(draw(2, 2, 5), 3, padding="full")),
    "transposed": lambda draw: (cm.conv(draw(3, 1, 3), 6), cm.conv_transpose(draw(3, 2, 3), 4, stride=2, padding=1)),
    "a stack, a shuffle": lambda draw: (
        cm.channel_shuffle((4, 6), 2) @ cm.conv(draw(4, 1, 3), 8),
        cm.conv(draw(2, 2, 1), 6) @ cm.conv(draw(2, 4, 3), 6, padding=1),
    ),
    "a sum": lambda draw: (
        cm.conv(draw(2, 1, 3), 6, padding=1),
        cm.identity((2, 6)) + cm.conv(draw(2, 2, 3), 6, padding=1),
    ),
    "no space": lambda draw: (cm.conv(draw(3, 4), ()), cm.conv(draw(2, 3), ())),
    "3-D": lambda draw: (cm.conv(draw(2, 1, 2, 2, 2), (3, 3, 3)), cm.conv(draw(2, 2, 1, 2, 1), (2, 2, 2))),
}
every_stack = pytest.mark.parametrize("build", STACKS.values(), ids=STACKS.keys())


@every_stack
def test_against_brute_force(build, rng):
    first, second = build(lambda *shape: _integers(rng, *shape))
    found = cm.filter_correlation(first, second)
    np.testing.assert_allclose(found.matrix, _brute_force(first, second, Pairing.of(second)), atol=1e-14)
    np.testing.assert_allclose(found.squared.astype(float), found.matrix**2, atol=1e-15)


@every_stack
def test_floats_and_fractions_agree_with_integers(build, rng):
    first, second = build(lambda *shape: _integers(rng, *shape))
    exactly = cm.filter_correlation(first, second)
    of_fractions = cm.filter_correlation(first * HALF, second * Fraction(1, 3))
    assert (of_fractions.squared == exactly.squared).all()
    assert (of_fractions.matrix == exactly.matrix).all()
    for floats in ((1.0 * first, second), (first * HALF, second * 0.3), ((first * HALF) * 0.3, second)):
        found = cm.filter_correlation(*floats)
        assert found.squared is None
        np.testing.assert_allclose(found.matrix, exactly.matrix, atol=1e-14)


@every_stack
def test_a_large_sample_of_noise_comes_near(build, rng):
    first, second = build(lambda *shape: rng.normal(size=shape))
    inputs = rng.normal(size=(4000, *first.in_shape))
    sampled = cm.filter_correlation(first, second, inputs)
    assert sampled.samples == 4000
    assert np.abs(sampled.matrix - cm.filter_correlation(first, second).matrix).max() < 0.08


@every_stack
def test_samples_against_corrcoef(build, rng):
    first, second = build(lambda *shape: rng.normal(size=shape))
    inputs = rng.normal(1.0, 2.0, size=(50, *first.in_shape))
    pairing = Pairing.of(second)
    below = np.tanh(first(inputs))
    above = np.tanh(second(below))
    rows = [
        np.moveaxis(own.reshape(*own.shape[:2], -1)[:, :, places], 1, 0).reshape(own.shape[1], -1)
        for own, places in ((above, pairing.outputs), (below, pairing.inputs))
    ]
    expected = np.corrcoef(*rows)[: len(rows[0]), len(rows[0]) :]
    found = cm.filter_correlation(first, second, inputs, activation=np.tanh)
    np.testing.assert_allclose(found.matrix, expected, atol=1e-12)


def test_biases_are_added_before_the_activation(rng):
    weights = rng.normal(size=(3, 1, 3)), rng.normal(size=(2, 3, 3))
    biases = rng.normal(size=3), rng.normal(size=2)
    inputs = rng.normal(size=(20, 1, 8))
    layers = [cm.conv(weight, size, bias=bias) for weight, size, bias in zip(weights, (8, 6), biases, strict=True)]
    below = np.maximum(cm.conv(weights[0], 8)(inputs) + biases[0][:, None], 0)
    above = np.maximum(cm.conv(weights[1], 6)(below) + biases[1][:, None], 0)
    expected = np.corrcoef(above.swapaxes(0, 1).reshape(2, -1), below[:, :, 1:-1].swapaxes(0, 1).reshape(3, -1))[:2, 2:]
    found = cm.filter_correlation(*layers, inputs, activation=lambda x: np.maximum(x, 0))
    np.testing.assert_allclose(found.matrix, expected, atol=1e-12)
    # Without inputs they are left out.
    assert (cm.filter_correlation(*layers).matrix == cm.filter_correlation(*(1 * own for own in layers)).matrix).all()


# -- which positions are paired ----------------------------------------------------------------------------------------

PAIRS = [
    (lambda: cm.conv("1 2 3", 5), [(0, 1), (1, 2), (2, 3)]),
    (lambda: cm.conv("1 2 3", 3, padding=1), [(0, 0), (1, 1), (2, 2)]),
    (lambda: cm.conv("1 2", 4), [(0, 0), (1, 1), (2, 2)]),
    (lambda: cm.conv("1 2 3", 2, padding=2), [(1, 0), (2, 1)]),
    (lambda: cm.conv("1 2 3", 7, stride=2, dilation=2), [(0, 2), (1, 4)]),
    (lambda: cm.conv_transpose("1 2 3", 3, stride=2, padding=1), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)]),
    (lambda: cm.conv_transpose("1 2", 2, stride=2), [(0, 0), (1, 0), (2, 1), (3, 1)]),
    (lambda: cm.avg_pool((1, 4), 2), [(0, 0), (1, 2)]),
    (lambda: cm.resize((1, 2), 2, "nearest"), [(0, 0), (1, 0), (2, 1), (3, 1)]),
    (lambda: cm.resize((1, 3), 2, "linear"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]),
    (lambda: cm.pixel_shuffle((2, 2), 2), [(0, 0), (1, 0), (2, 1), (3, 1)]),
    (lambda: cm.pixel_shuffle((2, 2), 2).T, [(0, 0), (1, 2)]),
    (lambda: cm.conv("1 2 3", 3) @ (3 * cm.conv("1 2 3", 5)), [(0, 2)]),
    (lambda: cm.conv("1 2 3", 5, padding=1) + cm.identity((1, 5)), [(n, n) for n in range(5)]),
    (lambda: cm.conv("1 2 3; 4 5 6", (3, 3)), [(0, 1), (1, 4)]),
]


@pytest.mark.parametrize(("build", "pairs"), PAIRS, ids=[repr(build())[1:48] for build, _ in PAIRS])
def test_the_middle_of_the_window(build, pairs):
    pairing = Pairing.of(build())
    assert list(zip(pairing.outputs.tolist(), pairing.inputs.tolist(), strict=True)) == pairs


# -- numbers of all sizes and kinds ------------------------------------------------------------------------------------


def test_integers_beyond_int64_stay_exact():
    huge = 10**30
    first = cm.conv(np.array([[huge, 0], [0, huge + 1]], dtype=object), ())
    found = cm.filter_correlation(first, cm.conv(np.array([[3 * (huge + 1), 4 * huge]], dtype=object), ()))
    assert found.squared.tolist() == [[Fraction(9, 25), Fraction(16, 25)]]
    large = cm.filter_correlation(cm.conv([[2**40, 0], [0, 2**40]], ()), cm.conv([[3 * 2**30, -4 * 2**30]], ()))
    assert large.squared.tolist() == [[Fraction(9, 25), Fraction(16, 25)]]
    assert large.matrix.tolist() == [[0.6, -0.8]]
    # The product of the matrices would not fit an int64 either.
    wide = cm.filter_correlation(cm.conv([[2**62, 0], [0, 2**62]], ()), cm.conv([[3 * 2**60, 2**62]], ()))
    assert wide.squared.tolist() == [[Fraction(9, 25), Fraction(16, 25)]]


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300], ids=str)
@pytest.mark.parametrize("which", [0, 1], ids=["first", "second"])
def test_scales_of_floats_do_not_matter(scale, which, rng):
    weights = [rng.normal(size=(3, 2, 3)), rng.normal(size=(2, 3, 3))]
    expected = cm.filter_correlation(cm.conv(weights[0], 8), cm.conv(weights[1], 6)).matrix
    weights[which] = weights[which] * scale
    found = cm.filter_correlation(cm.conv(weights[0], 8), cm.conv(weights[1], 6))
    np.testing.assert_allclose(found.matrix, expected, atol=1e-12)
    inputs = rng.normal(size=(10, 2, 8))
    if which == 0:
        layers = cm.conv(weights[0], 8), cm.conv(weights[1], 6)
        usual = cm.conv(weights[0] / scale, 8), cm.conv(weights[1], 6)
        np.testing.assert_allclose(
            cm.filter_correlation(*layers, inputs).matrix, cm.filter_correlation(*usual, inputs).matrix, atol=1e-12
        )


def test_filters_of_very_different_scales():
    first = cm.conv(np.diag([1e-300, 1e300]), ())
    found = cm.filter_correlation(first, cm.conv([[1e300, 1e-300], [1.0, 0.0]], ()))
    np.testing.assert_allclose(found.matrix, [[np.sqrt(0.5), np.sqrt(0.5)], [1, 0]], atol=1e-15)


def test_float32_is_computed_in_double_precision(rng):
    weights = rng.normal(size=(3, 2, 3)).astype(np.float32), rng.normal(size=(2, 3, 3)).astype(np.float32)
    single = cm.filter_correlation(cm.conv(weights[0], 8), cm.conv(weights[1], 6))
    double = cm.filter_correlation(cm.conv(weights[0].astype(float), 8), cm.conv(weights[1].astype(float), 6))
    assert single.matrix.dtype == np.float64
    assert (single.matrix == double.matrix).all()


def test_complex_weights(rng):
    weights = [rng.normal(size=shape) + 1j * rng.normal(size=shape) for shape in ((3, 2, 3), (2, 3, 3))]
    first, second = cm.conv(weights[0], 8), cm.conv(weights[1], 6)
    found = cm.filter_correlation(first, second)
    noise = rng.normal(size=(4000, 2, 8))
    sampled = cm.filter_correlation(first, second, noise)
    assert found.matrix.dtype == np.complex128
    assert np.abs(found.matrix - sampled.matrix).max() < 0.05
    assert str(found)
    assert json.dumps(found.to_dict())


# -- filters that say nothing ------------------------------------------------------------------------------------------


def test_silent_filters_are_named_and_have_no_correlation():
    first = cm.conv([[[1, 2]], [[0, 0]], [[1, 2]]], 5)
    second = cm.conv([[[1], [1], [0]], [[1], [5], [-1]], [[0], [1], [0]]], 4)
    found = cm.filter_correlation(first, second)
    assert found.silent == ((1, 2), (1,))
    assert found.matrix.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]
    # In floats a remainder of rounding counts as nothing.
    floats = cm.filter_correlation(
        cm.conv([[[0.1, 0.7]], [[0.3, 2.1]]], 5), cm.conv([[[3.0], [-1.0]], [[1.0], [1.0]]], 4)
    )
    assert floats.silent == ((0,), ())


def test_constant_responses_are_silent(rng):
    first = cm.conv(rng.normal(size=(3, 1, 3)), 6, bias=[0, -100, 3])
    second = cm.conv(rng.normal(size=(2, 3, 1)), 4, bias=[50, 50])
    found = cm.filter_correlation(first, second, rng.normal(size=(9, 1, 6)), activation=lambda x: np.maximum(x, 0))
    assert found.silent == ((), (1,))
    assert not found.matrix[:, 1].any()
    assert np.isfinite(found.matrix).all()


def test_nothing_but_silence():
    found = cm.filter_correlation(cm.conv([[[0]], [[0]]], 4), cm.conv([[[1], [2]], [[3], [4]]], 4))
    assert found.block_share(2) == 0
    assert "silent, first   filter 0, 1" in str(found)


# -- refusals ----------------------------------------------------------------------------------------------------------

A, B = cm.conv(np.ones((2, 1, 3)), 8), cm.conv(np.ones((2, 2, 3)), 6)
C = np.ones((4, 2, 3))


class Opaque(TensorOperator):
    """An operator of which nothing but shapes is known."""


REFUSED = {
    r"first must be a TensorOperator, such as conv\(...\) makes, got int": lambda: cm.filter_correlation(3, B),
    r"second must be a TensorOperator, such as conv\(...\) makes, got list": lambda: cm.filter_correlation(A, [1]),
    r"second must take what first returns, \(2, 6\), got \(1, 8\)": lambda: cm.filter_correlation(A, A),
    "activation must be a function of an array, got 'relu'": lambda: cm.filter_correlation(A, B, activation="relu"),
    "activation must come with inputs, white noise through it has no formula, got": lambda: cm.filter_correlation(
        A, B, activation=np.tanh
    ),
    r"activation must keep the shape \(5, 2, 6\), got \(5, 2\)": lambda: cm.filter_correlation(
        A, B, np.ones((5, 1, 8)), activation=lambda x: x.mean(axis=-1)
    ),
    r"inputs must have the shape \(1, 8\), after any batch axes, got \(3, 1, 7\)": lambda: cm.filter_correlation(
        A, B, np.ones((3, 1, 7))
    ),
    "inputs must be finite, got nan": lambda: cm.filter_correlation(A, B, np.full((3, 1, 8), np.nan)),
    "inputs must be numbers, got SymPy expressions": lambda: cm.filter_correlation(
        A, B, np.full((3, 1, 8), sympy.Symbol("t"))
    ),
    "inputs must give at least 2 responses of a filter, got 0 inputs with 4 positions each": (
        lambda: cm.filter_correlation(A, B, np.ones((0, 1, 8)))
    ),
    "the responses of first must be finite, got inf": lambda: cm.filter_correlation(
        A, B, np.ones((3, 1, 8)), activation=lambda x: np.full(x.shape, np.inf)
    ),
    "the weights of first must be finite, got nan": lambda: cm.filter_correlation(np.nan * A, B),
    "the weights of second must be finite, got inf": lambda: cm.filter_correlation(A, np.inf * B),
    "first must have weights that are numbers, got SymPy expressions": lambda: cm.filter_correlation(
        cm.conv("a b", 4), cm.conv("1 2", 3)
    ),
    "second must have weights that are numbers, got SymPy expressions": lambda: cm.filter_correlation(
        cm.conv("1 2", 4), cm.conv("a b", 3)
    ),
    "first must have weights that are numbers, got SymPy expressions: substitute": lambda: cm.filter_correlation(
        cm.conv("a b", 4), cm.conv("1 2", 3), np.arange(8).reshape(2, 1, 4)
    ),
    r"second must keep the number of axes of space, got \(2, 6\) -> \(3,\)": lambda: cm.filter_correlation(
        A, Opaque(float, (2, 6), (3,))
    ),
    "second must read around positions of its input, got": lambda: cm.filter_correlation(
        cm.conv("1", 1), cm.conv("1 2 3", 1, padding=[(0, 2)])
    ),
    "op must be made of convolutions, averages, resizes and shuffles, got": lambda: cm.filter_correlation(
        A, Opaque(float, (2, 6), (2, 6))
    ),
    "groups must divide the 2 x 2 filters, got 3": lambda: cm.filter_correlation(A, B).block_share(3),
    "groups must be at least 1, got -2": lambda: cm.filter_correlation(A, B).block_share(-2),
    "groups must divide the 4 x 2 filters, got 3": lambda: cm.filter_correlation(A, cm.conv(C, 6)).blocks(3),
    "groups must be at least 1, got -1": lambda: cm.filter_correlation(A, B).blocks(-1),
    "groups must be at least 1, got 0": lambda: cm.filter_correlation(A, B).blocks(0),
    "count must be an integer of at least 0, got 1.5": lambda: cm.filter_correlation(A, B).strongest(1.5),
    r"second must be every filter from 0 to 1 once, got \[0, 0\]": lambda: cm.filter_correlation(A, B).reordered(
        [0, 0], [0, 1]
    ),
    "second must be every filter from 0 to 1 once, got None": lambda: cm.filter_correlation(A, B).reordered(None, None),
    r"second must be every filter from 0 to 1 once, got \[\[0\], \[1, 2\]\]": lambda: cm.filter_correlation(
        A, B
    ).reordered([[0], [1, 2]], [0, 1]),
    r"first must be every filter from 0 to 1 once, got \[\[0, 1\]\]": lambda: cm.filter_correlation(A, B).reordered(
        [0, 1], np.array([[0, 1]])
    ),
    r"first must be every filter from 0 to 1 once, got \[0\]": lambda: cm.filter_correlation(A, B).reordered(
        [0, 1], [0]
    ),
}


@pytest.mark.parametrize(("rule", "ask"), REFUSED.items(), ids=[rule[:50] for rule in REFUSED])
def test_refusals(rule, ask):
    with pytest.raises(cm.ConvMatrixError, match=rule):
        ask()


def test_what_does_not_fit_is_refused_beforehand(monkeypatch):
    monkeypatch.setattr("convmatrix.memory.free_memory", lambda: 1 << 20)
    large = cm.conv(np.ones((64, 64, 3, 3)), (32, 32), padding=1)
    with pytest.raises(cm.MatrixTooLargeError):
        cm.filter_correlation(large, large)
    with pytest.raises(cm.MatrixTooLargeError, match="apply the operator to fewer or smaller inputs"):
        cm.filter_correlation(large, large, np.ones((90, 64, 32, 32), dtype=np.float32))
