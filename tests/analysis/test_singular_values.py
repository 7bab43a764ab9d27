"""Singular values against dense decompositions, by every way in which they are found."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from operator_drawing import dense, drawn_operator

import convmatrix as cm
from convmatrix.analysis.spectrum import lanczos, solving
from convmatrix.analysis.spectrum.frequencies import Frequencies
from convmatrix.operators.base import TensorOperator

ATOL = 1e-10


def reference(op):
    return np.linalg.svd(dense(op), compute_uv=False)


def assert_are_triples(op, found, expected):
    """Values as expected, orthonormal vectors, and each right one taken to its left one; real for a real operator."""
    matrix, k = dense(op), len(expected)
    top = max(float(expected.max(initial=0)), float(np.abs(matrix).max()), 1e-300)
    assert found.left.shape == (k, *op.out_shape)
    assert found.right.shape == (k, *op.in_shape)
    left, right = found.left.reshape(k, -1), found.right.reshape(k, -1)
    assert np.allclose(found.values, expected, rtol=0, atol=ATOL * top)
    assert np.allclose(matrix @ right.T, (found.values[:, None] * left).T, rtol=0, atol=ATOL * top)
    assert np.allclose(np.conj(right) @ right.T, np.eye(k), rtol=0, atol=1e-9)
    above = found.values > 1e-9 * top
    assert np.allclose(np.conj(left[above]) @ left[above].T, np.eye(above.sum()), rtol=0, atol=1e-6)
    assert matrix.dtype.kind == "c" or found.left.dtype.kind == found.right.dtype.kind == "f"


# -- 500 operators ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", range(50))
def test_drawn_operators_against_a_dense_decomposition(batch):
    for seed in range(10 * batch, 10 * batch + 10):
        op = drawn_operator(seed)
        expected = reference(op)
        found = cm.singular_values(op)
        assert len(found) == min(op.shape) == found.count
        assert np.allclose(found.values, expected, rtol=0, atol=ATOL * max(expected[0], 1e-300)), (seed, op)
        assert (np.diff(found.values) <= 0).all()


@pytest.mark.parametrize("which", ["largest", "smallest"])
@pytest.mark.parametrize("batch", range(10))
def test_some_of_drawn_operators_with_their_vectors(batch, which):
    for seed in range(1000 + 10 * batch, 1010 + 10 * batch):
        op = drawn_operator(seed, 40_000)
        expected = reference(op)
        k = 1 + seed % len(expected)
        expected = expected[:k] if which == "largest" else expected[len(expected) - k :]
        assert np.allclose(
            cm.singular_values(op, k, which=which).values, expected, rtol=0, atol=ATOL * max(reference(op)[0], 1e-300)
        )
        assert_are_triples(op, cm.singular_values(op, k, which=which, vectors=True), expected)


@pytest.mark.parametrize("seed", range(40))
def test_all_with_vectors_put_the_matrix_together_again(seed):
    op = drawn_operator(2000 + seed, 20_000)
    found = cm.singular_values(op, vectors=True)
    left, right = found.left.reshape(len(found), -1), found.right.reshape(len(found), -1)
    assert np.allclose(left.T @ np.diag(found.values) @ np.conj(right), dense(op), rtol=0, atol=1e-9)


# -- which way --------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
WEIGHT = RNG.standard_normal((3, 2, 3, 3))
CIRCULAR = {"padding": 1, "padding_mode": "circular"}
WAYS = {
    "circular": (cm.conv(WEIGHT, (6, 8), **CIRCULAR), "frequency blocks"),
    "circular, strided": (cm.conv(WEIGHT, (6, 8), stride=2, **CIRCULAR), "frequency blocks"),
    "circular, not one output a stride": (cm.conv(WEIGHT, (6, 8), padding=2, padding_mode="circular"), "dense"),
    "circular, stride does not divide": (cm.conv(WEIGHT, (7, 7), stride=2, **CIRCULAR), "dense"),
    "circular, transposed": (cm.conv(WEIGHT, (6, 8), stride=2, **CIRCULAR).T, "frequency blocks"),
    "circular, a multiple": (-3 * cm.conv(WEIGHT, (6, 8), **CIRCULAR), "frequency blocks"),
    "circular, then a shuffle": (
        cm.channel_shuffle((3, 6, 8), 3) @ cm.conv(WEIGHT, (6, 8), **CIRCULAR), "frequency blocks",
    ),
    "1x1": (cm.conv(WEIGHT[..., :1, :1], (6, 8)), "Kronecker product"),
    "1x1, strided": (cm.conv(WEIGHT[..., :1, :1], (6, 8), stride=2), "Kronecker product"),
    "1x1, circular": (cm.conv(WEIGHT[..., :1, :1], (6, 8), padding_mode="circular"), "Kronecker product"),
    "3x1, circular": (cm.conv(WEIGHT[..., :1], (6, 8), padding=(1, 0), padding_mode="circular"), "Kronecker product"),
    "1x1, padded by its edge": (
        cm.conv(WEIGHT[..., :1, :1], (6, 8), padding=2, padding_mode="replicate"), "Kronecker product",
    ),
    "separable": (cm.conv("gaussian5", (9, 8), padding=2, padding_mode="reflect"), "Kronecker product"),
    "average": (cm.avg_pool((3, 6, 8), 2), "Kronecker product"),
    "resize": (cm.resize((3, 6, 8), 2, "linear"), "Kronecker product"),
    "identity": (cm.identity((3, 6)), "permutation"),
    "pixel shuffle": (cm.pixel_shuffle((4, 3, 3), 2), "permutation"),
    "fully connected": (cm.conv(RNG.standard_normal((5, 7)), ()), "dense"),
    "zeros": (cm.conv(WEIGHT, (6, 8), padding=1), "dense"),
    "groups": (cm.conv(RNG.standard_normal((6, 2, 3)), 9, groups=3), "dense"),
    "a product": (cm.conv(WEIGHT[:2], (4, 4)) @ cm.conv(WEIGHT[:2], (6, 6)), "dense"),
    "one tap on a line": (cm.conv([3.0], 5, padding=2), "selection"),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_structure_is_used_where_there_is_any(name):
    op, method = WAYS[name]
    found = cm.singular_values(op)
    assert found.method == method
    assert found.is_sure
    assert np.allclose(found.values, reference(op), rtol=0, atol=1e-12 * found.largest)


@pytest.mark.parametrize("name", ["circular", "circular, strided", "1x1", "separable", "resize", "identity"])
def test_structure_needs_no_matrix(name, monkeypatch):
    op, _ = WAYS[name]
    expected = reference(op)
    own = TensorOperator.toarray

    def refused(self, *given, **named):
        assert self.shape[0] * self.shape[1] < op.shape[0] * op.shape[1] / 4
        return own(self, *given, **named)

    monkeypatch.setattr(TensorOperator, "toarray", refused)
    monkeypatch.setattr(TensorOperator, "tosparse", refused)
    assert np.allclose(cm.singular_values(op).values, expected)


def test_the_formula_of_the_paper_on_a_larger_layer():
    weight = np.random.default_rng(1).standard_normal((16, 16, 3, 3))
    op = cm.conv(weight, (32, 32), padding=1, padding_mode="circular")
    plain = np.linalg.svd(np.moveaxis(np.fft.fft2(weight, (32, 32)), (0, 1), (2, 3)), compute_uv=False)
    assert np.allclose(cm.singular_values(op).values, np.sort(plain, axis=None)[::-1], rtol=0, atol=1e-12 * plain.max())


def test_of_a_real_weight_half_of_the_frequencies_are_looked_at():
    op = cm.conv(np.ones((1, 1, 3, 3)), (32, 32), padding=1, padding_mode="circular")
    frequencies = Frequencies.of(op.geometry, op.weight)
    assert frequencies.places.size == 514
    assert frequencies.multiplicity.sum() == 1024
    complex_ = Frequencies.of(op.geometry, op.weight * 1j)
    assert complex_.places.size == 1024


@pytest.mark.parametrize("halves", [(0, 0), (1, 0), (0, 1), (1, 1)], ids=str)
def test_waves_that_change_their_sign_where_they_wrap_round(halves):
    """Against the matrix with that sign, put together entry by entry."""
    weight = np.random.default_rng(2).standard_normal((1, 2, 3, 3, 2))
    frequencies = Frequencies(weight, (4, 6), (2, 3), (1, 2), halves)
    matrix = np.zeros((2, 2, 2, 3, 4, 6))
    found = frequencies.blocks(frequencies.places)
    values = np.repeat(np.linalg.svd(found[:, 0], compute_uv=False), frequencies.multiplicity, axis=0)
    for y, x, i, j in np.ndindex(2, 2, 3, 2):
        (turns_y, place_y), (turns_x, place_x) = divmod(2 * y + i, 4), divmod(3 * x + 2 * j, 6)
        sign = (-1) ** (turns_y * halves[0] + turns_x * halves[1])
        matrix[:, y, x, :, place_y, place_x] += sign * weight[0, :, :, i, j]
    expected = np.linalg.svd(matrix.reshape(8, 72), compute_uv=False)
    assert np.allclose(np.sort(values, axis=None)[::-1], expected)


# -- Lanczos ----------------------------------------------------------------------------------------------------------

IRREGULAR = {
    "tall": cm.conv(WEIGHT, (6, 7), padding=2, padding_mode="reflect"),
    "wide": cm.conv(WEIGHT, (9, 9), stride=2),
    "complex": cm.conv(WEIGHT * (1 + 2j) + RNG.standard_normal(WEIGHT.shape), (6, 7), padding=1),
    "product": cm.conv(WEIGHT[:2], (6, 6), padding=1) @ cm.conv(WEIGHT[:2], (6, 6), padding=1),
    "deficient": cm.conv("1 0 -1; 2 1 -2; 1 0 -1", (9, 9), padding=1, padding_mode="symmetric"),
}


TWIN_ROWS, TWIN_COLUMNS = RNG.standard_normal((8, 9, 3)), RNG.standard_normal((9, 8, 3))
TWIN_ROWS[1], TWIN_COLUMNS[:, 1] = TWIN_ROWS[0], TWIN_COLUMNS[:, 0]
REFLECTED = {"padding": 1, "padding_mode": "reflect"}
DEFICIENT = {
    "wide": cm.conv(TWIN_ROWS, 30, **REFLECTED),
    "tall": cm.conv(TWIN_COLUMNS, 30, **REFLECTED),
    "square": cm.conv("laplacian4", (16, 16), **REFLECTED),
    "square, transposed": cm.conv("laplacian4", (16, 16), **REFLECTED).T,
    "complex": cm.conv(TWIN_ROWS * (1 + 2j), 30, **REFLECTED),
    "nearly": cm.conv("gaussian5", (14, 14), padding=2) - cm.conv([[1]], (14, 14)),
    "zero": cm.conv("1 2 3", 40) - cm.conv("1 2 3", 40),
}


# What is nearly singular has its smallest values from an inverse alone.
ENDS = [
    (name, which, way)
    for name in DEFICIENT
    for which in ("largest", "smallest")
    for way in ("inverse", "none")
    if (name, which, way) != ("nearly", "smallest", "none")
]


@pytest.mark.parametrize(("name", "which", "way"), ENDS, ids=["-".join(own) for own in ENDS])
def test_vectors_of_lanczos_fit_on_both_sides(name, which, way, monkeypatch):
    """Of a value near 0 the image of the right vector says nothing about the left one."""
    entries = lanczos._SOLVED_ENTRIES if way == "inverse" else 0
    monkeypatch.setattr(solving, "DENSE_WORK", 0)
    monkeypatch.setattr(lanczos, "_SOLVED_ENTRIES", entries)
    op, k = DEFICIENT[name], 4
    matrix, expected = dense(op), reference(op)
    found = cm.singular_values(op, k, which=which, vectors=True)
    left, right = found.left.reshape(k, -1).T, found.right.reshape(k, -1).T
    near = {"rtol": 0, "atol": ATOL * max(expected[0], 1e-300)}
    assert np.allclose(found.values, expected[:k] if which == "largest" else expected[-k:], **near)
    assert np.allclose(matrix @ right, left * found.values, **near)
    assert np.allclose(np.conj(matrix.T) @ left, right * found.values, **near)
    for side in (left, right):
        assert np.allclose(np.conj(side.T) @ side, np.eye(k), rtol=0, atol=1e-12)


def test_ends_of_long_spectra_are_told_apart(monkeypatch):
    """Two cosines bound the values of `1 2 1`: those at the end lie 1e-6 apart, relatively."""
    n = 3000
    found = cm.singular_values(cm.conv([1.0, 2, 1], n + 500, padding=1), 3)
    exact_ones = 2 + 2 * np.cos(np.pi * np.arange(1, 4) / (n + 501))
    assert np.allclose(found.values, exact_ones, rtol=0, atol=1e-13 * 4)


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize("factor", [1, 1j], ids=["real", "complex"])
def test_nearly_all_are_no_matter_of_lanczos(factor, missing, monkeypatch):
    monkeypatch.setattr(solving, "DENSE_WORK", 0)
    op = cm.conv(WEIGHT[0, 0] * factor, (5, 5), padding=1)
    with pytest.raises(cm.MatrixTooLargeError, match="k must be given"):
        cm.singular_values(op, 25 - missing)
    assert np.allclose(cm.singular_values(op, 23).values, reference(op)[:23], rtol=0, atol=ATOL)


# -- numbers that meet ------------------------------------------------------------------------------------------------

UNREAD = np.array([[1e5, 1e-12], [3e-12, 5e-12]])
THIRDS = np.outer([3, 4, -7 + 2.0**-40], [0.3, 0.7])
MEETING = {
    "the largest tap reads padding alone": cm.conv(UNREAD, (1, 1), padding=((1, 0), (1, 0))),
    "the largest taps read padding alone": cm.conv(UNREAD, (1, 3), padding=((1, 0), (0, 0))),
    "beyond floats beside what is read": cm.conv([[[1e300, 3e-300]]], 1, padding=((1, 0),)),
    "taps cancel under circular borders": cm.conv([1.0, 2.0, -3 + 2.0**-40], 1, padding=1, padding_mode="circular"),
    "taps of a factor cancel": cm.conv(THIRDS, (1, 5), padding=((1, 1), (0, 1)), padding_mode="replicate"),
    "exact weights, nearly equal": cm.conv([2**60 + 1, 1], 6) - cm.conv([2**60, 1], 6),
    "the same of transposes": cm.conv_transpose([2**60 + 1, 1], 6) - 1 * cm.conv_transpose([2**60, 1], 6),
}


@pytest.mark.parametrize("name", MEETING)
def test_small_values_beside_large_weights(name):
    op = MEETING[name]
    expected = np.linalg.svd(op.toarray().astype(float), compute_uv=False)
    assert np.allclose(cm.singular_values(op).values, expected, rtol=0, atol=1e-3 * expected[0])
    if name.startswith(("the", "exact")):
        assert np.allclose(cm.singular_values(op).values, expected, rtol=0, atol=ATOL * expected[0])


@pytest.mark.parametrize("which", ["largest", "smallest"])
@pytest.mark.parametrize("name", IRREGULAR)
def test_lanczos_where_a_matrix_would_be_too_large(name, which, monkeypatch):
    monkeypatch.setattr(solving, "DENSE_WORK", 0)
    op, expected = IRREGULAR[name], reference(IRREGULAR[name])
    found = cm.singular_values(op, 5, which=which, vectors=True)
    assert (found.method, found.is_sure) == ("Lanczos", False)
    assert_are_triples(op, found, expected[:5] if which == "largest" else expected[-5:])


def test_small_values_without_a_factorisation(monkeypatch):
    monkeypatch.setattr(solving, "DENSE_WORK", 0)
    monkeypatch.setattr(lanczos, "_SOLVED_ENTRIES", 0)
    op = IRREGULAR["tall"]
    found = cm.singular_values(op, 2, which="smallest")
    assert np.allclose(found.values, reference(op)[-2:], rtol=0, atol=ATOL)


def test_values_that_occur_several_times_are_found_several_times(monkeypatch):
    """One vector of each is all that an iteration from one start can see."""
    monkeypatch.setattr(solving, "DENSE_WORK", 0)
    same = np.tile(WEIGHT[:1, :1], (4, 1, 1, 1))
    op = cm.conv(same, (6, 6), padding=1, groups=4)
    assert np.allclose(cm.singular_values(op, 6).values, reference(op)[:6], rtol=0, atol=ATOL)


def test_all_of_a_large_matrix_without_structure_are_refused():
    op = cm.conv(np.random.default_rng(0).standard_normal((16, 16, 3, 3)), (64, 64), padding=1)
    with pytest.raises(cm.MatrixTooLargeError, match=r"k must be given .* pass k, far below min\(op.shape\)"):
        cm.singular_values(op)


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e300, 1e-300, 1.0], ids=str)
def test_neither_huge_nor_tiny_weights_leave_the_range_of_floats(size):
    op = cm.conv(size * WEIGHT, (5, 5), padding=1)
    expected = size * np.linalg.svd(dense(cm.conv(WEIGHT, (5, 5), padding=1)), compute_uv=False)
    assert np.allclose(cm.singular_values(op).values / size, expected / size, rtol=1e-12)
    assert math.isclose(cm.singular_values(op @ cm.identity(op.in_shape), 1)[0], expected[0], rel_tol=1e-12)


@pytest.mark.parametrize(
    "weight", [[Fraction(1, 3), Fraction(2, 7)], [sympy.sqrt(2), 1], [2**70, 3], [sympy.I, 2], [True, False]], ids=str
)
def test_exact_numbers_are_taken_as_floats(weight):
    numbers = np.array([complex(value) for value in weight])
    op, plain = cm.conv(np.array(weight, dtype=object), 6), cm.conv(numbers, 6)
    assert np.allclose(cm.singular_values(op).values, reference(plain), rtol=1e-14)


def test_values_beyond_floats_are_refused():
    op = cm.conv(np.array([10**400, 1], dtype=object), 4)
    with pytest.raises(cm.ConvMatrixError, match="op must have singular values that a float holds"):
        cm.singular_values(op)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cm.singular_values(cm.conv([np.nan, 1], 4)), "op must have finite weights, got nan"),
        (lambda: cm.singular_values(cm.conv([np.inf, 1], 4)), "op must have finite weights, got inf"),
        (lambda: cm.singular_values(cm.conv("a b", 4)), "op must have weights without symbols, got a: insert numbers"),
        (lambda: cm.singular_values(np.eye(3)), "op must be a TensorOperator, got ndarray"),
        (lambda: cm.singular_values(cm.identity((3,)), 0), "k must be at least 1, got 0"),
        (lambda: cm.singular_values(cm.identity((3,)), 4), r"k must be at most min\(op.shape\) = 3, got 4"),
        (lambda: cm.singular_values(cm.identity((3,)), 1.5), "k must be an integer of at least 1, got 1.5"),
        (lambda: cm.singular_values(cm.identity((3,)), 1, which="middle"), "which must be one of"),
        (
            lambda: cm.singular_values(cm.identity((3,)), rng="x"),
            "rng must be what numpy.random.default_rng takes, got 'x'",
        ),
        (
            lambda: cm.singular_values(cm.identity((3,)), rng=-1),
            "rng must be what numpy.random.default_rng takes, got -1",
        ),
    ],
    ids=["nan", "inf", "symbols", "array", "k 0", "k 4", "k 1.5", "which", "rng x", "rng -1"],
)
def test_what_is_refused(call, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        call()


# -- the result -------------------------------------------------------------------------------------------------------


def test_the_result_is_an_array_and_says_what_it_is():
    op = cm.conv("1 2 1", 8, padding=1, padding_mode="circular")
    found = cm.singular_values(op)
    assert np.asarray(found) is found.values
    assert not found.values.flags.writeable
    assert (len(found), found[0], list(found)[:1]) == (8, 4.0, [4.0])
    assert (found.largest, round(found.smallest, 12)) == (4.0, 0.0)
    assert np.array(found, dtype=np.float32).dtype == np.float32
    data = json.loads(json.dumps(found.to_dict()))
    assert (data["method"], data["count"], data["which"], len(data["values"])) == ("frequency blocks", 8, "all", 8)
    assert str(found).startswith("all 8 singular values, by frequency blocks\n")
    assert "<caption>the 2 smallest of 8 singular values" in cm.singular_values(op, 2, which="smallest")._repr_html_()


def test_answers_repeat(monkeypatch):
    monkeypatch.setattr(solving, "DENSE_WORK", 0)
    first, second = (cm.singular_values(IRREGULAR["tall"], 3).values for _ in range(2))
    assert (first == second).all()
