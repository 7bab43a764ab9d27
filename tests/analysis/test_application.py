"""A layer applied to a picture: the check finds agreement where there is, and its absence."""

from __future__ import annotations

import json

import numpy as np
import pytest

import convmatrix as cm
from convmatrix.analysis import application, reference
from convmatrix.analysis.application import apply_to_picture, gray
from convmatrix.analysis.reference import LayerArguments, by_scipy, by_torch

CONVOLUTIONS = [
    {},
    {"stride": 2, "padding": 1},
    {"padding": ((0, 2), (1, 0)), "dilation": 2},
    {"padding": "same", "stride": (3, 2)},
    {"padding": "same_lower", "dilation": (1, 2)},
    {"padding": "full"},
    {"padding": "valid", "stride": 4},
    {"padding": 3, "padding_mode": "circular"},
    {"padding": (2, 4), "padding_mode": "reflect", "stride": 2},
    {"padding": 3, "padding_mode": "replicate"},
    {"padding": 3, "padding_mode": "symmetric"},
    {"padding": 40, "padding_mode": "circular"},
    {"padding": 40, "padding_mode": "symmetric"},
]
TRANSPOSED = [
    {},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"dilation": 3, "output_padding": 2, "padding": ((0, 1), (2, 0))},
    {"stride": (3, 2), "output_padding": (2, 0)},
    {"stride": 5},
]
SHAPES = [(3, 3), (2, 4), (1, 1, 3, 2), (4, 3, 2, 3), (6, 1, 3, 3)]


def name(options):
    return " ".join(f"{key}={value}" for key, value in options.items()) or "plain"


def applied(weight, size, options, rng, transpose=False):
    groups = 3 if weight.shape[:2] == (6, 1) else 1
    if transpose and weight.ndim == 4:
        # The same layers read backwards: 3 channels in, so that the picture's colours fit.
        groups, weight = 1, weight.swapaxes(0, 1) if weight.shape[1] == 3 else weight[:1]
    build = cm.conv_transpose if transpose else cm.conv
    op = build(weight, size, groups=groups, **options)
    picture = rng.integers(0, 256, size=op.in_shape, dtype=np.uint8)
    return apply_to_picture(op, picture, weight, LayerArguments(transpose=transpose, groups=groups, **options))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("options", CONVOLUTIONS, ids=name)
def test_integers_agree_to_the_last_bit(rng, options, shape):
    result = applied(rng.integers(-4, 5, size=shape), (17, 14), options, rng)
    assert result.is_exact
    assert result.tolerance == 0
    assert [c.difference for c in result.comparisons] == [0.0] * len(result.comparisons)
    assert result.is_equal
    check_patch(result)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("options", TRANSPOSED, ids=name)
def test_transposed_integers_agree_to_the_last_bit(rng, options, shape):
    result = applied(rng.integers(-4, 5, size=shape), (13, 16), options, rng, transpose=True)
    assert [c.difference for c in result.comparisons] == [0.0] * len(result.comparisons)
    check_patch(result)


def check_patch(result):
    """The patch is a part of the whole and its own small operator makes its result."""
    patch = result.patch
    if patch is None:
        return
    (down, right), (low, far) = patch.pixels_at, patch.result_at
    height, width = patch.pixels.shape[1:]
    np.testing.assert_array_equal(patch.pixels, result.picture[:, down : down + height, right : right + width])
    rows, columns = patch.result.shape[1:]
    np.testing.assert_array_equal(patch.result, result.result[:, low : low + rows, far : far + columns])
    np.testing.assert_array_equal(patch.operator(patch.pixels.astype(int)), patch.result)


@pytest.mark.parametrize("transpose", [False, True])
def test_there_is_a_patch_in_a_photograph(rng, transpose):
    weight = rng.integers(-4, 5, size=(3, 3))
    patch = applied(weight, (60, 50), {"stride": 2, "padding": 1}, rng, transpose).patch
    assert patch is not None
    assert patch.pixels.shape == ((1, 4, 4) if transpose else (1, 7, 7))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_agree_within_the_tolerance(rng, dtype):
    weight = rng.normal(size=(2, 3, 5, 5)).astype(dtype)
    result = applied(weight, (20, 20), {"padding": 2}, rng)
    assert not result.is_exact
    sums = np.abs(weight.astype(float)).sum(axis=(1, 2, 3)).max()
    assert result.tolerance == pytest.approx(1e-12 * sums * result.picture.max())
    assert result.is_equal


def test_fractions_are_compared_as_floats(rng):
    result = applied(cm.kernel("gaussian3"), (9, 9), {}, rng)
    assert not result.is_exact
    assert result.is_equal


def test_result_is_the_matrix_times_the_picture(rng):
    op = cm.conv("article", (6, 7), padding=1)
    picture = rng.integers(0, 256, size=op.in_shape, dtype=np.uint8)
    result = apply_to_picture(op, picture, cm.kernel("article"), LayerArguments(padding=1))
    matrix = op.tosparse()
    np.testing.assert_array_equal(result.result.ravel(), matrix @ picture.astype(int).ravel())
    assert (result.nnz, result.nbytes) == (op.nnz, op.nbytes())
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert document["matrix_shape"] == [42, 42]
    assert document["is_equal"]
    assert "matrix C       42 x 42, " in str(result)
    assert str(result).endswith("equal, to the last bit")


def test_another_s_result_is_not_accepted(rng, monkeypatch):
    monkeypatch.setattr(application, "by_scipy", lambda x, weight, layer: by_scipy(x, weight, layer) + 1)
    result = applied(cm.kernel("article"), (8, 8), {}, rng)
    assert not result.is_equal
    assert result.verdict == "DIFFERENT: a difference of at most 0 was demanded"


def test_another_shape_is_not_accepted(rng, monkeypatch):
    monkeypatch.setattr(application, "by_scipy", lambda x, weight, layer: by_scipy(x, weight, layer)[:, 1:])
    result = applied(cm.kernel("article"), (8, 8), {}, rng)
    assert not result.is_equal
    assert result.to_dict()["comparisons"][1]["largest_difference"] is None


def test_without_torch_the_others_remain(rng, monkeypatch):
    monkeypatch.setattr(reference.importlib.util, "find_spec", lambda name: None)
    result = applied(cm.kernel("article"), (8, 8), {}, rng)
    assert [c.name for c in result.comparisons] == ["the operator without its matrix", "SciPy"]
    assert result.is_equal


def test_torch_is_asked_where_it_is_installed(rng):
    pytest.importorskip("torch")
    result = applied(cm.kernel("article"), (8, 8), {}, rng)
    assert [c.name for c in result.comparisons][-1] == "PyTorch"


def test_torch_has_no_symmetric_border():
    weight = np.ones((1, 1, 3, 3))
    assert by_torch(np.ones((1, 5, 5)), weight, LayerArguments(padding=1, padding_mode="symmetric")) is None


REFUSED = [
    (np.full((2, 2), np.nan), (1, 5, 5), "weight must be finite for a picture, got NaN or infinity"),
    (np.ones((2, 2), dtype=complex), (1, 5, 5), "weight must be real for a picture, got dtype complex128"),
    (np.ones((2, 2)), (1, 5, 6), r"picture must have the shape \(1, 5, 5\), got \(1, 5, 6\)"),
]


@pytest.mark.parametrize(("weight", "shape", "message"), REFUSED, ids=[m[:30] for *_, m in REFUSED])
def test_refusals(weight, shape, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        apply_to_picture(cm.conv(weight, (5, 5)), np.zeros(shape, dtype=np.uint8), weight, LayerArguments())


def test_symbols_are_refused():
    op = cm.conv("a b; c d", (5, 5))
    with pytest.raises(cm.SymbolicError, match="the symbols a, b, c, d"):
        apply_to_picture(op, np.zeros((1, 5, 5), dtype=np.uint8), cm.kernel("a b; c d"), LayerArguments())


def test_gray_is_rounded_and_keeps_grays():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    np.testing.assert_array_equal(gray(ramp)[:, 0], np.arange(256))
    pixels = np.random.default_rng(0).integers(0, 256, size=(9, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(gray(pixels), np.floor(pixels @ [0.299, 0.587, 0.114] + 0.5))


@pytest.mark.parametrize("weight", [1e308, 1e299])
def test_results_that_are_not_finite_are_refused(weight):
    weight = np.full((2, 2), weight)
    with pytest.raises(cm.ConvMatrixError, match=r"weight must keep the results below 1e\+300 to be finite, got "):
        apply_to_picture(cm.conv(weight, (5, 5)), np.full((1, 5, 5), 255, dtype=np.uint8), weight, LayerArguments())


def test_integers_that_would_wrap_are_compared_as_floats():
    weight = np.full((2, 2), 2**60)
    result = apply_to_picture(
        cm.conv(weight, (5, 5)), np.full((1, 5, 5), 255, dtype=np.uint8), weight, LayerArguments()
    )
    assert not result.is_exact
    assert result.is_equal
    assert result.result.min() == 4 * 255 * 2.0**60


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize(
    "options", [{"dilation": 3, "stride": 2, "padding": ((1, 4), (3, 0))}, {"stride": 4}], ids=name
)
def test_patches_of_steps_and_borders(rng, options, transpose):
    result = applied(rng.integers(-4, 5, size=(3, 2)), (50, 60), options, rng, transpose)
    assert result.patch is not None
    check_patch(result)
