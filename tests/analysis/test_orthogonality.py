"""`orthogonality_defect` against Gram matrices, singular values and minimisers of NumPy and SciPy."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from layer_drawing import expressions
from scipy.linalg import hadamard
from scipy.optimize import minimize_scalar

import convmatrix as cm
from convmatrix.analysis.orthogonality.lags import meetings
from convmatrix.geometry import Axis
from convmatrix.operators.channels import ChannelOrder

MODES = ("zeros", "circular", "reflect", "replicate", "symmetric")


def _gram(op):
    matrix = op.toarray(dtype=complex if op.dtype.kind in "cO" and _is_complex(op) else float)
    return matrix @ matrix.conj().T if op.shape[0] < op.shape[1] else matrix.conj().T @ matrix


def _is_complex(op):
    return op.dtype.kind == "c" or any(entry.as_real_imag()[1] for entry in op.tosympy().todok().values())


def _check(op):
    """Every number of the answer, from the matrix."""
    found = cm.orthogonality_defect(op)
    gram = _gram(op)
    off = gram - np.eye(len(gram))
    wide = op.shape[0] < op.shape[1]
    close = {"rel": 1e-9, "abs": 1e-12 * (1 + np.abs(gram).max()) * len(gram)}
    assert found.side == ("rows" if wide else "columns")
    assert found.frobenius == pytest.approx(np.linalg.norm(off), **close)
    assert found.relative == pytest.approx(np.linalg.norm(off) / math.sqrt(len(gram)), **close)
    assert found.largest == pytest.approx(np.abs(off).max(), **close)
    assert found.spectral == pytest.approx(np.linalg.norm(off, 2), **close)
    if found.per_channel is not None:
        channels = (op.out_shape if wide else op.in_shape)[0]
        expected = np.linalg.norm(off.reshape(channels, -1), axis=1)
        np.testing.assert_allclose(found.per_channel, expected, rtol=1e-9, atol=close["abs"])
    assert found.scaled_frobenius == pytest.approx(
        np.linalg.norm(found.scale**2 * gram - np.eye(len(gram))), rel=1e-9, abs=1e-9
    )
    return found, gram


# -- against the Gram matrix ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(120))
def test_drawn_layers_of_every_border(seed):
    rng = np.random.default_rng(seed)
    while True:
        axes = int(rng.integers(1, 4))
        sizes = rng.integers(1, {1: 60, 2: 10, 3: 5}[axes], axes).tolist()
        kernel, strides, dilations = (rng.integers(1, high, axes).tolist() for high in (5, 4, 3))
        groups = int(rng.integers(1, 3))
        channels = groups * rng.integers(1, 4, 2)
        weight = rng.standard_normal((channels[0], channels[1] // groups, *kernel))
        if seed % 3 == 0:
            weight = weight + 1j * rng.standard_normal(weight.shape)
        pads = [tuple(pair) for pair in rng.integers(0, 4, (axes, 2)).tolist()]
        try:
            op = cm.conv(weight, sizes, stride=strides, dilation=dilations, padding=pads, padding_mode=MODES[seed % 5],
                         groups=groups)  # fmt: skip
        except cm.ConvMatrixError:
            continue
        if max(op.shape) < 400:
            break
    _check(op)
    _check(op.T)
    _check(cm.channel_shuffle(op.out_shape, groups) @ (-0.3 * op))


@given(expressions())
def test_drawn_expressions(op):
    if max(op.shape) < 300:
        _check(op)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (3, 2), (1, 3)])
@pytest.mark.parametrize("size", [97, 150, 151, 152])
def test_a_long_axis_is_known_from_short_ones(size, stride, dilation, mode):
    rng = np.random.default_rng(size)
    op = cm.conv(rng.standard_normal((2, 1, 3)), size, stride=stride, dilation=dilation, padding=((2, 1),),
                 padding_mode=mode)  # fmt: skip
    found, _ = _check(op)
    assert found.kind == "numerical"
    _check(op.T)


@pytest.mark.parametrize("by_rows", [True, False], ids=["rows", "columns"])
def test_every_pair_of_positions_is_counted(by_rows):
    axis = Axis(300, 3, 150, stride=2, pad_before=1, pad_after=1, padding_mode="reflect")
    found = meetings(axis, by_rows)
    assert found.counts[found.same].sum() == (150 if by_rows else 300)
    matrix = cm.conv(np.ones(3, dtype=int), 300, stride=2, padding=1, padding_mode="reflect").toarray()
    gram = matrix @ matrix.T if by_rows else matrix.T @ matrix
    assert (found.pairs.sum(axis=(1, 2)) * found.counts).sum() == gram.sum()


def test_the_input_size_costs_nothing():
    small, large = (
        cm.orthogonality_defect(cm.conv("1 2 1 -1", n, padding=1, stride=2, padding_mode="symmetric").T).frobenius
        for n in (101, 1_000_001)
    )
    step = cm.orthogonality_defect(cm.conv("1 2 1 -1", 103, padding=1, stride=2, padding_mode="symmetric").T).frobenius
    assert large**2 == pytest.approx(small**2 + (step**2 - small**2) * (1_000_001 - 101) / 2, rel=1e-9)


@pytest.mark.parametrize(
    "op",
    [cm.avg_pool((3, 5, 6), 3, padding=1, count_include_pad=False), cm.resize((2, 3, 4), 2, "linear"),
     cm.resize((2, 6, 4), Fraction(1, 2), "nearest"), cm.resize((2, 3, 4), 3, "linear").T],
    ids=["average", "linear", "smaller", "transposed"],
)  # fmt: skip
def test_averages_and_resizes_axis_by_axis(op):
    _check(op)


@pytest.mark.parametrize("scale", [0.01, 1, 70])
def test_the_best_scale(scale):
    op = scale * cm.conv(np.random.default_rng(1).standard_normal((3, 2, 3)), 9, padding=1)
    gram = _gram(op)
    found = cm.orthogonality_defect(op)
    best = minimize_scalar(
        lambda c: np.linalg.norm(c**2 * gram - np.eye(len(gram))), bounds=(0, 1 / scale), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    assert found.scale == pytest.approx(best.x, rel=1e-6)
    assert found.scaled_frobenius == pytest.approx(best.fun, rel=1e-9)
    again = cm.orthogonality_defect(found.scale * op)
    assert again.scale == pytest.approx(1)
    assert again.frobenius == pytest.approx(found.scaled_frobenius)


def test_nothing_is_as_far_as_the_identity():
    found = cm.orthogonality_defect(cm.conv(np.zeros((2, 1, 3)), 6))
    assert (found.scale, found.frobenius, found.scaled_frobenius) == (1, math.sqrt(6), math.sqrt(6))
    assert (found.spectral, found.is_orthogonal) == (1, False)


# -- channels ---------------------------------------------------------------------------------------------------------


def test_channels_keep_their_names_through_permutations():
    weight = np.random.default_rng(0).standard_normal((6, 2, 3))
    layer = cm.conv(weight, 5)
    plain = cm.orthogonality_defect(layer.T).per_channel
    order = ChannelOrder(layer.in_shape, [1, 0])
    np.testing.assert_allclose(cm.orthogonality_defect(order.T @ layer.T).per_channel, plain[::-1])
    _check(layer @ order)
    _check(cm.channel_shuffle((6, 3), 2) @ layer)
    shuffled = cm.pixel_shuffle((4, 3, 3), 2) @ cm.conv(np.random.default_rng(1).standard_normal((4, 5, 2, 2)), (4, 4))
    found, _ = _check(shuffled)
    assert found.side == "rows"
    assert found.per_channel.shape == (1,)


def test_channels_that_are_mixed_up_have_no_defect_of_their_own():
    shuffle = cm.pixel_shuffle((4, 2, 2), 2)
    layer = cm.conv(np.random.default_rng(0).standard_normal((3, 1, 2, 2)), (4, 4)) @ shuffle
    found, _ = _check(layer)
    assert found.per_channel is None
    assert found.to_dict()["per_channel"] is None
    back = cm.conv(np.random.default_rng(0).standard_normal((9, 4, 1, 1)), (2, 2)) @ shuffle.T
    found, _ = _check(back)
    assert found.per_channel.shape == (1,)


# -- orthogonal ones --------------------------------------------------------------------------------------------------


def _centred(matrix, kernel=(3, 3)):
    weight = np.zeros((*matrix.shape, *kernel), dtype=matrix.dtype)
    weight[(..., *(k // 2 for k in kernel))] = matrix
    return weight


def _rotation(count, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((count, count)))[0]


def _haar(levels):
    wave = np.array([[1, 1], [1, -1]], dtype=object) / sympy.sqrt(2)
    return wave if levels == 1 else np.einsum("ai,bj->abij", wave, wave).reshape(4, 1, 2, 2)


HALF = Fraction(1, 2)
ORTHOGONAL = {
    "identity": (cm.identity((2, 5)), "exact"),
    "channel shuffle": (cm.channel_shuffle((6, 4), 2), "exact"),
    "pixel shuffle": (cm.pixel_shuffle((4, 3, 3), 2), "exact"),
    "minus": (-1 * cm.pixel_shuffle((4, 3, 3), 2), "exact"),
    "imaginary": (sympy.I * cm.channel_shuffle((6, 4), 2), "exact"),
    "shift": (cm.conv([0, 0, 1], 7, padding=1, padding_mode="circular"), "exact"),
    "delta, Hadamard": (cm.conv(_centred(hadamard(4).astype(object) * HALF), (5, 6), padding=1), "exact"),
    "delta, wide": (cm.conv(_centred(hadamard(4).astype(object) * HALF)[:2], (5, 6), padding=1), "exact"),
    "delta, rotated": (cm.conv(_centred(_rotation(5)), (8, 8), padding=1), "numerical"),
    "delta, float32": (cm.conv(_centred(_rotation(64).astype(np.float32)), (8, 8), padding=1), "numerical"),
    "Pythagoras": (cm.conv("3/5 4/5", 8, stride=2), "exact"),
    "Haar": (cm.conv(_haar(1)[:, None], 8, stride=2), "exact"),
    "Haar, circular": (cm.conv(_haar(1)[:, None], 8, stride=2, padding=((1, 0),), padding_mode="circular")
                       @ cm.conv([0, 1], 8, padding=((0, 1),), padding_mode="circular"), "exact"),
    "Haar in 2-D": (cm.conv(_haar(2), (4, 6), stride=2), "exact"),
    "Haar back": (cm.conv(_haar(2), (4, 6), stride=2).T, "exact"),
    "Haar in floats": (cm.conv(_haar(2).astype(float), (4, 6), stride=2), "numerical"),
    "patches": (cm.conv(_rotation(12).reshape(12, 3, 2, 2), (6, 8), stride=2), "numerical"),
    "patches, transposed": (cm.conv_transpose(_rotation(12).reshape(12, 3, 2, 2), (3, 4), stride=2), "numerical"),
    "nearest, halved": (HALF * cm.resize((2, 3, 3), 2), "exact"),
    "average, doubled": (2 * cm.avg_pool((2, 4, 6), 2), "exact"),
    "Daubechies": (cm.conv(np.array([[[1 + 3**0.5, 3 + 3**0.5, 3 - 3**0.5, 1 - 3**0.5]],
                                     [[1 - 3**0.5, -3 + 3**0.5, 3 + 3**0.5, -1 - 3**0.5]]]) / 32**0.5,
                           12, stride=2, padding=((0, 2),), padding_mode="circular"), "numerical"),
    "groups": (cm.conv(np.concatenate([_rotation(4, 1), _rotation(4, 2)])[..., None], 5, groups=2), "numerical"),
    "product": (cm.conv(_haar(1)[:, None], 8, stride=2).T @ cm.conv(_haar(1)[:, None], 8, stride=2), "exact"),
}  # fmt: skip


@pytest.mark.parametrize(("op", "kind"), ORTHOGONAL.values(), ids=ORTHOGONAL)
def test_orthogonal_operators(op, kind):
    gram = _gram(op)
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)
    found = cm.orthogonality_defect(op)
    assert (found.is_orthogonal, found.kind) == (True, kind)
    assert found.spectral < 1e-5
    assert found.scale == pytest.approx(1, abs=1e-6)
    if kind == "exact":
        assert (found.frobenius, found.largest, found.spectral, found.scale, found.tol) == (0, 0, 0, 1, None)
        if found.per_channel is not None:
            assert not found.per_channel.any()
    assert "C C^H = I" in str(found) or "C^H C = I" in str(found)


@pytest.mark.parametrize(("op", "kind"), ORTHOGONAL.values(), ids=ORTHOGONAL)
def test_a_little_off_is_not_orthogonal(op, kind):
    factor = Fraction(10**6 + 1, 10**6) if kind == "exact" else 1.001
    found = cm.orthogonality_defect(factor * op)
    assert (found.is_orthogonal, found.kind) == (False, kind)
    assert found.spectral == pytest.approx(float(factor) ** 2 - 1, rel=1e-3)


TINY = Fraction(1, 10**30)
NEARLY = {
    "rational": [[Fraction(3, 5) + TINY, Fraction(4, 5)]],
    "irrational": [[sympy.sqrt(2) / 2, sympy.sqrt(2) / 2 + TINY]],
    "beyond int64": [[10**12, 1]],
}


@pytest.mark.parametrize("weight", NEARLY.values(), ids=NEARLY)
def test_exact_weights_are_decided_beyond_any_float(weight):
    found = cm.orthogonality_defect(cm.conv(np.array(weight, dtype=object)[None], 8, stride=2))
    assert (found.is_orthogonal, found.kind) == (False, "exact")


def test_large_integers_do_not_wrap():
    """A Pythagorean pair, whose squares are far beyond int64."""
    a, b, c = 1, 0, 1
    for _ in range(20):
        a, b, c = 3 * a - 4 * b, 4 * a + 3 * b, 5 * c
    assert a * a + b * b == c * c > 2**63
    op = cm.conv([[Fraction(a, c), Fraction(b, c)]], (1, 8), stride=(1, 2))
    assert cm.orthogonality_defect(op).is_orthogonal
    wrong = cm.conv([[Fraction(a, c), Fraction(b + 1, c)]], (1, 8), stride=(1, 2))
    assert not cm.orthogonality_defect(wrong).is_orthogonal


def test_borders_decide_too():
    """One tap of 1 at the side: a shift, which drops what leaves the input."""
    found = cm.orthogonality_defect(cm.conv([0, 0, 1], 7, padding=1))
    assert (found.is_orthogonal, found.spectral, found.frobenius) == (False, 1, 1)
    assert cm.orthogonality_defect(cm.conv([0, 0, 1], 7)).is_orthogonal


def test_tol_widens_what_counts():
    op = cm.conv(_centred(_rotation(4) * 1.01), (6, 6), padding=1)
    assert not cm.orthogonality_defect(op).is_orthogonal
    found = cm.orthogonality_defect(op, tol=0.03)
    assert (found.is_orthogonal, found.tol) == (True, 0.03)
    exact = cm.conv([Fraction(101, 100)], 4)
    assert not cm.orthogonality_defect(exact, tol=0.03).is_orthogonal


def test_exact_weights_that_take_too_long_are_judged_in_floats():
    many = cm.conv(np.full((40, 40, 3, 3), sympy.sqrt(2)), (6, 6))
    assert cm.orthogonality_defect(many).kind == "numerical"


def _small():
    rng = np.random.default_rng(3)
    layer = cm.conv(rng.standard_normal((2, 3, 3)), 8, padding=1)
    return {
        "layer": layer,
        "transposed": layer.T,
        "complex, groups": cm.conv(rng.standard_normal((4, 1, 3)) + 1j, 8, groups=2),
        "average": cm.avg_pool((2, 4, 6), 2),
        "shuffle": cm.channel_shuffle((4, 3), 2),
        "product": cm.conv(rng.standard_normal((2, 2, 3)), 8) @ layer,
    }


@pytest.mark.parametrize("power", [-1000, -560, -282, -270, -201, -60, 60, 265, 500])
@pytest.mark.parametrize("op", _small().values(), ids=_small())
def test_numbers_at_the_ends_of_the_range(op, power):
    """Multiples by powers of two: the best scale takes them back, to the last digit."""
    found, base = (cm.orthogonality_defect(own) for own in (2.0**power * op, op))
    assert found.scale == math.ldexp(base.scale, -power)
    assert found.scaled_frobenius == base.scaled_frobenius
    size = min(op.shape)
    if power < 0:
        for value, expected in ((found.frobenius, math.sqrt(size)), (found.largest, 1), (found.spectral, 1)):
            assert value == pytest.approx(expected)
        np.testing.assert_allclose((found.per_channel**2).sum(), size)
    else:
        gram = _gram(op)
        factor = 4.0**power
        assert found.frobenius / factor == pytest.approx(np.linalg.norm(gram))
        assert found.largest / factor == pytest.approx(np.abs(gram).max())
        assert found.spectral / factor == pytest.approx(np.linalg.norm(gram, 2))
        np.testing.assert_allclose(np.linalg.norm(found.per_channel / factor), np.linalg.norm(gram))


def test_small_weights_are_scaled_as_they_are():
    base = cm.orthogonality_defect(cm.conv(np.array([1.0, 2.0, 1.0]), 8))
    for small in (1e-81, 1e-85, 1e-100, 1e-160, 1e-170, 1e-300):
        found = cm.orthogonality_defect(cm.conv(np.array([1.0, 2.0, 1.0]) * small, 8))
        assert found.scale * small == pytest.approx(base.scale)
        assert found.scaled_frobenius == pytest.approx(base.scaled_frobenius)
    assert cm.orthogonality_defect(cm.conv(np.zeros(3), 8)).scale == 1


# -- too many singular values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "op",
    [cm.conv(np.random.default_rng(0).standard_normal((2, 2, 3, 3)), (5, 6), padding=1),
     cm.conv(0.02 * np.random.default_rng(1).standard_normal((2, 3, 3)), 12, padding=1),
     cm.conv(np.random.default_rng(2).standard_normal((3, 2, 4)) / 3, 14, stride=2, padding=1, padding_mode="reflect")],
    ids=["large", "small", "strided"],
)  # fmt: skip
def test_the_spectral_defect_is_enclosed_where_values_are_too_many(op, monkeypatch):
    true = np.abs(np.linalg.svd(op.toarray(), compute_uv=False) ** 2 - 1).max()
    monkeypatch.setattr("convmatrix.analysis.spectrum.solving.DENSE_WORK", 10)
    found = cm.orthogonality_defect(op)
    assert found.spectral is None
    assert found.lower <= true <= found.upper
    assert found.upper < 1.2 * true + 0.2
    assert f"{found.lower:.6g} to {found.upper:.6g}" in str(found)
    assert found.to_dict()["spectral"] is None


def test_lanczos_that_does_not_settle_is_done_without(monkeypatch):
    op = cm.conv(np.random.default_rng(0).standard_normal((2, 2, 3, 3)) / 30, (5, 6), padding=1)
    monkeypatch.setattr("convmatrix.analysis.spectrum.solving.DENSE_WORK", 10)
    tight = cm.orthogonality_defect(op)
    monkeypatch.setattr("convmatrix.analysis.orthogonality.answer._FACTORED_ENTRIES", 0)
    loose = cm.orthogonality_defect(op)
    assert loose.lower <= tight.lower <= tight.upper <= loose.upper


def test_a_large_layer_is_enclosed():
    rng = np.random.default_rng(0)
    op = cm.conv(rng.standard_normal((8, 8, 3, 3)) / 9, (64, 64), padding=1)
    found = cm.orthogonality_defect(op)
    assert found.spectral is None
    circular = cm.orthogonality_defect(cm.conv(op.weight, (64, 64), padding=1, padding_mode="circular"))
    assert found.lower <= circular.spectral * 1.05
    assert circular.spectral * 0.9 <= found.upper


# -- what comes out, and what is refused ------------------------------------------------------------------------------


def test_a_result_is_shown_and_written():
    found = cm.orthogonality_defect(cm.conv([[[1, 1]], [[1, -1]]], 8, stride=2))
    said = found.to_dict()
    assert json.loads(json.dumps(said)) == said
    assert said["is_orthogonal"] is False
    assert said["spectral"] == pytest.approx(1)
    assert "<caption>not orthogonal, exact" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.per_channel[0] = 1


BAD = {
    "no operator": (np.eye(3), {}, "op must be a TensorOperator, got ndarray"),
    "symbols": (cm.conv("a b", 6), {}, "op must have weights without symbols, got a"),
    "NaN": (cm.conv([1, np.nan], 6), {}, "op must have finite weights, got nan"),
    "tol": (cm.conv([1, 2], 6), {"tol": -1}, "tol must be a number of at least 0, got -1"),
    "tol NaN": (cm.conv([1, 2], 6), {"tol": np.nan}, "tol must be a number of at least 0, got nan"),
    "rng": (cm.conv([1, 2], 6), {"rng": "x"}, "rng must be what numpy.random.default_rng takes, got 'x'"),
    "negative rng": (cm.conv([1, 2], 6), {"rng": -1}, "rng must be what numpy.random.default_rng takes, got -1"),
    "denormal": (
        cm.conv([1e-320], 6),
        {},
        "op must have a best scale within the range of floats, got numbers of about 2",
    ),
    "huge": (cm.conv([1e200], 6), {}, "op must have a Gram matrix within the range of floats, got numbers of about 2"),
}


@pytest.mark.parametrize(("op", "options", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_error(op, options, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.orthogonality_defect(op, **options)


def test_a_gram_matrix_that_does_not_fit_is_refused():
    layer = cm.conv(np.ones((8, 8, 3, 3)), (4096, 4096), padding=1)
    with pytest.raises(cm.MatrixTooLargeError, match="the Gram matrix would take"):
        cm.orthogonality_defect(layer @ layer)
