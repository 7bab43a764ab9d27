"""`null_space` against exact ranks, against matrices made entry by entry, and against what frequencies mean."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from html_reading import cells_of
from layer_drawing import drawn_expression
from rank_cases import drawn_circular, integers_of, rank_of

import convmatrix as cm
from convmatrix.analysis.ranks import bases, cyclotomic, killed, nulls
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError
from convmatrix.exact.bounded import RankBounds

RNG = np.random.default_rng(5)
CIRCULAR = {"padding": 1, "padding_mode": "circular"}
LAPLACE = "0 1 0; 1 -4 1; 0 1 0"


def dense(op):
    return op.toarray(dtype=complex if op.dtype.kind == "c" else float)


def check_basis(found, op):
    """Orthonormal, killed, and spread over frequencies as said; real of real operators."""
    matrix, count = dense(op), found.dimension
    basis = found.basis
    assert basis.shape == (count, *op.in_shape)
    assert not basis.flags.writeable
    assert basis.dtype.kind == ("c" if matrix.dtype.kind == "c" else "f")
    flat = basis.reshape(count, op.shape[1])
    assert np.allclose(flat @ flat.conj().T, np.eye(count), atol=1e-9)
    assert np.abs(matrix @ flat.T).max(initial=0) <= 1e-9 * max(np.abs(matrix).max(), 1)
    assert found.residual <= 1e-9 * max(np.abs(matrix).max(), 1)
    check_spectrum(found.spectrum, basis)


def check_spectrum(spectrum, basis):
    axes = tuple(range(2, basis.ndim))
    assert spectrum.shape == basis.shape[2:]
    assert spectrum.sum() == pytest.approx(len(basis), abs=1e-8)
    if len(basis):
        waves = np.fft.fftn(basis, axes=axes) if axes else basis
        expected = (np.abs(waves) ** 2).sum(axis=(0, 1)) / math.prod(basis.shape[2:])
        assert np.allclose(spectrum, expected, atol=1e-8)


def check_integers(found, op):
    matrix, count = integers_of(op), found.dimension
    flat = found.basis.reshape(count, op.shape[1]).astype(object)
    assert found.basis.dtype.kind in "iO"
    assert not (matrix @ flat.T).any()
    assert found.residual == 0
    assert rank_of(flat) == count
    assert all(np.gcd.reduce(vector) == 1 for vector in flat)
    assert found.spectrum.sum() == pytest.approx(count, abs=1e-7)


# -- hundreds drawn at random -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_expressions_drawn_at_random(seed):
    rng = np.random.default_rng(seed)
    count = 0
    while count < 40:
        op = drawn_expression(rng)
        if op is None or max(op.shape) > 150:
            continue
        expected = op.shape[1] - rank_of(integers_of(op))
        found = cm.null_space(op)
        assert (found.dimension, found.kind, found.tol) == (expected, "exact", None)
        check_basis(found, op)
        floats = cm.null_space(0.3 * op)
        assert (floats.dimension, floats.kind, floats.proof) == (expected, "numerical", "")
        check_basis(floats, 0.3 * op)
        check_basis(cm.null_space(op.T), op.T)
        integers = cm.null_space(op, exact=True)
        assert (integers.dimension, integers.is_integer, integers.method) == (expected, True, "integer vectors")
        check_integers(integers, op)
        count += 1


KINDS = {
    "integers": lambda weight: weight,
    "fractions": lambda weight: weight * Fraction(1, 3),
    "floats": lambda weight: weight * 0.7,
    "complex": lambda weight: weight * (0.6 + 0.8j),
}


@pytest.mark.parametrize("kind", KINDS)
def test_circular_layers_drawn_at_random(kind):
    rng = np.random.default_rng(17)
    layers = [pair for pair in (_with_integers(rng, KINDS[kind]) for _ in range(60)) if pair is not None]
    assert len(layers) > 25
    seen = set()
    for op, rank in layers:
        for own in (op, op.T):
            found = cm.null_space(own)
            assert found.method == "frequency blocks"
            assert found.kind == ("exact" if kind in ("integers", "fractions") else "numerical")
            assert found.dimension == own.shape[1] - rank
            check_basis(found, own)
            check_frequencies(found, own)
            seen |= {(own.shape == op.shape, len(frequency.aliases)) for frequency in found.frequencies}
    assert {(True, 1), (True, 2), (False, 1)} <= seen


def _with_integers(rng, numbers):
    op = drawn_circular(rng)
    if op is None or not op.weight.any():
        return None
    axes = op.geometry.axes
    options = {
        "stride": [axis.stride for axis in axes],
        "dilation": [axis.dilation for axis in axes],
        "padding": [(axis.pad_before, axis.pad_after) for axis in axes],
        "groups": op.geometry.groups,
    }
    other = cm.conv(numbers(op.weight), op.in_shape[1:], padding_mode="circular", **options)
    return other, rank_of(op.toarray())


def check_frequencies(found, op):
    """Each vector, written out as the waves it stands for, is killed; together they are the null space."""
    matrix, size = dense(op), op.in_shape[1:]
    tensors, spectrum = [], np.zeros(size)
    for own in found.frequencies:
        assert own.frequency == own.aliases[0]
        assert own.vectors.shape == (own.multiplicity, len(own.aliases), op.in_shape[0])
        for vector in own.vectors:
            tensors.append(
                sum(
                    amplitude[:, None] * wave(frequency, size).ravel()
                    for amplitude, frequency in zip(vector, own.aliases, strict=True)
                ).ravel()
            )
            for amplitude, frequency in zip(vector, own.aliases, strict=True):
                place = tuple(int(q * n) for q, n in zip(frequency, size, strict=True))
                spectrum[place] += (np.abs(amplitude) ** 2).sum()
    assert len(tensors) == found.dimension
    assert [own.frequency for own in found.frequencies] == sorted(own.frequency for own in found.frequencies)
    assert np.allclose(spectrum, found.spectrum, atol=1e-9)
    if tensors:
        stacked = np.stack(tensors)
        assert np.abs(matrix @ stacked.T).max() <= 1e-8 * max(np.abs(matrix).max(), 1)
        assert np.allclose(stacked @ stacked.conj().T, math.prod(size) * np.eye(len(tensors)), atol=1e-8)
    listed = found.to_dict()["frequencies"]
    assert [(own["multiplicity"], len(own["aliases"])) for own in listed] == [
        (own.multiplicity, len(own.aliases)) for own in found.frequencies
    ]
    assert [Fraction(*map(int, str(part).split("/"))) for own in listed for part in own["frequency"]] == [
        part for own in found.frequencies for part in own.frequency
    ]


def wave(frequency, size):
    """`exp(2 pi i f . position)` on a grid."""
    places = np.indices(size)
    return np.exp(
        2j * np.pi * sum(float(q) * place for q, place in zip(frequency, places, strict=True)) + 0 * places.sum(0)
    )


# -- known ones -------------------------------------------------------------------------------------------------------


def test_a_binomial_kills_the_highest_frequency_alone():
    found = cm.null_space(cm.conv("1 2 1; 2 4 2; 1 2 1", (8, 6), **CIRCULAR))
    half = Fraction(1, 2)
    assert {own.frequency for own in found.frequencies} == {
        (Fraction(q, 8), Fraction(r, 6)) for q in range(8) for r in range(6) if half in (Fraction(q, 8), Fraction(r, 6))
    }
    assert all(own.multiplicity == 1 for own in found.frequencies)


def test_a_large_circular_layer_needs_no_matrix():
    found = cm.null_space(cm.conv(LAPLACE, (512, 512), **CIRCULAR))
    assert (found.dimension, found.kind) == (1, "exact")
    assert found.frequencies[0].frequency == (0, 0)
    assert np.allclose(np.abs(found.basis), 1 / 512)
    assert found.spectrum[0, 0] == pytest.approx(1)


def test_channels_that_cancel_at_one_frequency():
    weight = RNG.integers(-5, 6, (6, 6, 3, 3))
    # At frequency 0 the sums of taps are a matrix of rank 1.
    weight[:, :, 1, 1] -= weight.sum(axis=(2, 3)) - np.outer(np.arange(1, 7), np.ones(6, dtype=int))
    found = cm.null_space(cm.conv(weight, (12, 12), **CIRCULAR))
    assert [(own.frequency, own.multiplicity) for own in found.frequencies] == [((0, 0), 5)]
    sums = weight.sum(axis=(2, 3))
    assert np.abs(sums @ found.frequencies[0].vectors[:, 0].T).max() < 1e-12


def test_the_dimension_is_known_where_no_basis_would_fit():
    found = cm.null_space(cm.conv(RNG.integers(-3, 4, (8, 64, 3, 3)), (64, 64), **CIRCULAR))
    assert found.dimension == 56 * 64**2
    with pytest.raises(
        MatrixTooLargeError, match=f"a basis of dimension {56 * 64**2} would take .* is known without it"
    ):
        found.basis  # noqa: B018


def test_a_mirrored_laplacian_kills_constants():
    found = cm.null_space(cm.conv(LAPLACE, (64, 64), padding=1, padding_mode="reflect"))
    assert (found.dimension, found.kind, found.method) == (1, "exact", "integer vectors")
    assert np.allclose(np.abs(found.basis), 1 / 64)
    integers = cm.null_space(cm.conv(LAPLACE, (64, 64), padding=1, padding_mode="reflect"), exact=True)
    assert (integers.basis == 1).all()
    assert integers.spectrum[0, 0] == pytest.approx(1)


def test_a_grid_of_neighbours_has_as_many_as_its_side():
    """Eigenvalues `2 cos(pi i/(n + 1)) + 2 cos(pi j/(n + 1))` are 0 where `i + j = n + 1`."""
    op = cm.conv("0 1 0; 1 0 1; 0 1 0", (64, 64), padding=1)
    found = cm.null_space(op, exact=True)
    assert found.dimension == 64
    assert found.residual == 0
    floats = cm.null_space(op)
    assert floats.dimension == 64
    assert floats.residual < 1e-12


WAYS = {
    "Kronecker product": cm.conv("sobel_x", (20, 20), padding=1, padding_mode="reflect"),
    "Kronecker product of a transpose": cm.conv("sobel_x", (20, 20), padding=1, padding_mode="reflect").T,
    "average": cm.avg_pool((2, 6, 6), 2),
    "average, back": cm.avg_pool((1, 7), 3, stride=1, padding=1, count_include_pad=False).T,
    "resize, back": cm.resize((2, 4, 4), 2, "linear").T,
    "shuffled": cm.conv(RNG.integers(-2, 3, (2, 4, 3)), 6, **CIRCULAR) @ cm.channel_shuffle((4, 6), 2),
    "between permutations": cm.pixel_shuffle((4, 3, 3), 2)
    @ cm.conv(RNG.integers(-2, 3, (4, 4, 1, 1)), (3, 3))
    @ cm.pixel_shuffle((4, 3, 3), 2).T,
    "permutation": cm.channel_shuffle((4, 3), 2),
    "a factor of 0": 0 * cm.conv([1, 2], 5),
    "zeros": cm.conv([[[0, 0]] * 2], 5),
    "fully connected": cm.conv(RNG.integers(-2, 3, (3, 5)), ()),
    "fully connected, grouped": cm.conv(RNG.integers(-2, 3, (4, 3)), (), groups=2),
    "imaginary": cm.conv([1j, 2, 1j], 6, padding=1),
    "regular": cm.conv([1, 3, 1], 6, padding=1),
    "radicals": cm.conv([sympy.sqrt(2), -sympy.sqrt(2)], 6, padding=((0, 1),), padding_mode="circular"),
    "beyond floats": cm.conv([10**400, -(10**400)], 6, padding=((0, 1),), padding_mode="symmetric"),
}


@pytest.mark.parametrize("op", WAYS.values(), ids=WAYS)
def test_each_way(op):
    found = cm.null_space(op)
    if op.dtype != object:
        assert found.dimension == op.shape[1] - np.linalg.matrix_rank(dense(op))
        check_basis(found, op)
    else:
        assert found.dimension == 1
        assert np.allclose(np.abs(found.basis), 1 / math.sqrt(6))


def test_the_frequencies_behind_a_permutation_are_not_the_inputs():
    found = cm.null_space(WAYS["shuffled"])
    assert found.method == "frequency blocks"
    assert found.frequencies is None
    after = cm.null_space(cm.channel_shuffle((2, 6), 2) @ cm.conv(RNG.integers(-2, 3, (2, 4, 3)), 6, **CIRCULAR))
    assert after.frequencies is not None


@pytest.mark.parametrize(("tol", "dimension"), [(None, 0), (1e-3, 1), (0.1, 2), (2.0, 3)])
def test_a_tolerance(tol, dimension):
    weight = np.diag([1.0, 0.01, 1e-5])
    found = cm.null_space(cm.conv(weight, ()), tol)
    assert (found.dimension, found.tol) == (dimension, 3 * np.finfo(float).eps if tol is None else tol)
    waves = cm.conv([0.5, 0.5 - 1e-6], 8, padding=((0, 1),), padding_mode="circular")
    assert cm.null_space(waves, tol).dimension == (0 if tol is None else 1 if tol < 0.3 else 8)
    if tol is not None:
        exact = cm.null_space(cm.conv(np.diag([10**5, 10**3, 1]), ()), tol)
        assert (exact.dimension, exact.kind) == (dimension, "numerical")


def test_a_tolerance_that_is_given_is_applied_as_it_is():
    op = cm.conv(np.diag([1, 1e-16]), ())
    assert [cm.null_space(op, tol).dimension for tol in (0, 1e-17, 1e-15)] == [0, 0, 1]
    assert cm.null_space(op, 0).tol == 0
    wide = cm.null_space(cm.conv(np.diag([1.0] * 499 + [1e-12]), ()))
    assert (wide.dimension, wide.tol) == (0, 500 * np.finfo(float).eps)


@pytest.mark.parametrize("residue", [0.0, 1e-12, 1e-3])
def test_taps_that_cancel_raise_the_default_tolerance_that_is_stated(residue):
    op = cm.conv([0.1, 0.2, -0.3 + residue], 8, dilation=8, padding=((16, 0),), padding_mode="circular")
    found = cm.null_space(op)
    values = cm.singular_values(op).values
    assert found.dimension == np.count_nonzero(values <= found.tol * values[0]) == (0 if residue else 8)
    assert (found.tol > 8 * np.finfo(float).eps) == (residue < 1e-1)
    assert cm.null_space(op, 0).dimension == 0


@pytest.mark.parametrize("dtype", [float, int, complex])
@pytest.mark.parametrize("options", [CIRCULAR, {"padding": 1}, {"padding": 1, "padding_mode": "reflect"}], ids=str)
def test_zeros_are_exact_whatever_they_are_made_of(dtype, options):
    op = cm.conv(np.zeros((2, 3, 3, 3), dtype=dtype), (4, 4), **options)
    for tol in (None, 0.1):
        found = cm.null_space(op, tol)
        assert (found.dimension, found.kind, found.tol, found.proof) == (48, "exact", None, "zeros")
    check_basis(found, op)
    profile = cm.rank_profile(op).operator
    assert (profile.rank, profile.rank_kind, profile.proof) == (0, "exact", "zeros")


def test_floats_as_the_fractions_they_are():
    op = cm.conv([[0.1, 0.3], [0.2, 0.6]], ())
    found = cm.null_space(op, exact=True)
    ratio = Fraction(0.3) / Fraction(0.1)
    assert found.basis.tolist() == [[ratio.numerator, -ratio.denominator]]


# -- where it is too much ---------------------------------------------------------------------------------------------


def test_integers_give_way_to_a_dense_decomposition(monkeypatch):
    monkeypatch.setattr(bases, "INTEGERS_FIRST", 0)
    op = cm.conv(RNG.integers(-3, 4, (2, 4, 3)), 8, padding=1)
    assert cm.null_space(op).method == "integer vectors"
    check_basis(cm.null_space(op), op)
    monkeypatch.setattr(nulls, "WORK", 1.0)
    monkeypatch.setattr(nulls, "exact_rank", lambda op: type("Known", (), {"is_exact": True, "lower": 16, "proof": ""}))
    check_basis(cm.null_space(op), op)


def test_blocks_that_cannot_be_proved_are_numerical(monkeypatch):
    monkeypatch.setattr(nulls, "WORK", 0.0)
    op = cm.conv(LAPLACE, (6, 6), **CIRCULAR)
    found = cm.null_space(op)
    assert (found.dimension, found.kind, found.tol) == (1, "numerical", 36 * np.finfo(float).eps)
    check_basis(found, op)
    monkeypatch.setattr(cyclotomic, "MOST_PLACES", 10)
    found = cm.null_space(op)
    assert found.kind == "numerical"
    assert "exact=True waits for one" in str(found)
    assert found.to_dict()["note"] == found.note


def test_a_rank_between_bounds_is_numerical_and_says_what_is_proved(monkeypatch):
    monkeypatch.setattr(nulls, "exact_rank", lambda op: RankBounds(5, 6, ""))
    found = cm.null_space(cm.conv([1, 2, 1], 8, padding=1))
    assert (found.dimension, found.kind) == (2, "numerical")
    assert found.note.startswith(
        "no proof of the dimension was found in some seconds; it is proved to be between 2 and"
    )


def test_a_dimension_without_a_basis(monkeypatch):
    monkeypatch.setattr(bases, "DENSE_WORK", 1.0)
    found = cm.null_space(cm.conv(RNG.standard_normal((8, 1, 3, 3)), (6, 6), padding=1).T)
    assert (found.dimension, found.method) == (7 * 36, "none")
    message = "op must be smaller, or have some structure, for a basis of its null space, got 36 x 288 entries whose"
    with pytest.raises(ConvMatrixError, match=message):
        found.basis  # noqa: B018


def test_a_large_operator_of_floats_is_refused():
    op = cm.conv(RNG.standard_normal((3, 3)), (64, 64), padding=1)
    with pytest.raises(
        ConvMatrixError, match=r"got 4096 x 4096 entries whose .*: of floats exact=True takes them as frac"
    ):
        cm.null_space(op)
    assert cm.null_space(op, exact=True).dimension == 0


def test_a_large_operator_of_integers_is_not_sent_where_it_has_been():
    op = cm.conv("1 0 2; 3 1 5; 1 1 7", (300, 300), padding=1, padding_mode="reflect")
    with pytest.raises(
        ConvMatrixError, match=r"got 90000 x 90000 .*: its dimension is proved to be between 0 and"
    ) as own:
        cm.null_space(op)
    assert "exact=True" not in str(own.value)


# -- some tensors without the basis -----------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("op", [op for op in WAYS.values() if op.dtype.kind in "if"], ids=str)
def test_examples_are_in_the_null_space(op, exact):
    found = cm.null_space(op, exact=exact)
    for count in (1, 3, 1000):
        tensors = found.examples(count)
        flat = tensors.reshape(len(tensors), op.shape[1]).astype(object if exact else float)
        assert len(flat) == min(count, found.dimension)
        assert np.abs(dense(op) @ flat.T.astype(float)).max(initial=0) < 1e-9
        if not exact:
            assert np.allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-9)
    found.basis  # noqa: B018
    assert len(found.examples(2)) == min(2, found.dimension)


@pytest.mark.parametrize("kind", ["integers", "complex"])
def test_examples_of_circular_layers_drawn_at_random(kind):
    rng = np.random.default_rng(29)
    layers = [pair[0] for pair in (_with_integers(rng, KINDS[kind]) for _ in range(40)) if pair is not None]
    for op in layers:
        for own in (op, op.T):
            found = cm.null_space(own)
            tensors = found.examples(4)
            assert len(tensors) == min(4, found.dimension)
            assert tensors.dtype.kind == ("c" if kind == "complex" else "f")
            flat = tensors.reshape(len(tensors), own.shape[1])
            assert np.allclose(flat @ flat.conj().T, np.eye(len(flat)), atol=1e-9)
            assert np.abs(dense(own) @ flat.T).max(initial=0) <= 1e-9 * max(np.abs(dense(own)).max(), 1)


def test_examples_are_of_frequencies_far_apart_and_need_no_basis(monkeypatch):
    def refuse(*_):
        raise AssertionError("the whole basis was made")

    monkeypatch.setattr(killed.Killed, "tensors", refuse)
    op = cm.conv("sobel_x", (512, 512), **CIRCULAR)
    tensors = cm.null_space(op).examples(3)
    assert tensors.shape == (3, 1, 512, 512)
    peaks = np.abs(np.fft.fft2(tensors[:, 0]))
    assert len(set(peaks.reshape(3, -1).argmax(axis=1).tolist())) == 3
    assert peaks[0].argmax() == 0


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None])
def test_examples_are_counted(count):
    with pytest.raises(ConvMatrixError, match=f"count must be an integer of at least 1, got {count}"):
        cm.null_space(cm.conv([1, 1], 4)).examples(count)


# -- the display and what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("op", [op for op in WAYS.values() if op.dtype.kind == "i"], ids=str)
def test_the_displays(op, exact):
    found = cm.null_space(op, exact=exact)
    document = found.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert str(found).startswith(f"null space of dimension {found.dimension} of {op.shape[1]}, exact\n")
    assert f"{op.in_shape} -> {op.out_shape}" in cells_of(found._repr_html_())


def test_many_frequencies_are_counted():
    text = str(cm.null_space(cm.conv(RNG.integers(-3, 4, (1, 3, 3)), 40, **CIRCULAR)))
    assert "(0) 2 times, (1/40) 2 times" in text
    assert "... (40 of them)" in text


REFUSED = {
    "an array": (lambda: cm.null_space(np.eye(3)), "op must be a TensorOperator, got ndarray"),
    "NaN": (lambda: cm.null_space(cm.conv([1.0, math.nan], 4)), "op must have finite weights, got nan"),
    "symbols": (lambda: cm.null_space(cm.conv("a b", 4)), "op must have weights without symbols, got a"),
    "tol": (lambda: cm.null_space(cm.conv([1.0], 4), -1), "tol must be at least 0, got -1"),
    "tol and exact": (lambda: cm.null_space(cm.conv([1], 4), 0.1, exact=True), "tol must not be given with exact=True"),
    "exact": (lambda: cm.null_space(cm.conv([1], 4), exact=None), "exact must be True or False, got None"),
    "complex": (lambda: cm.null_space(cm.conv([1j], 4), exact=True), "weights that are rational numbers .*, got 1j"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(call, message):
    with pytest.raises(ConvMatrixError, match=message):
        call()


def test_the_result_is_frozen():
    with pytest.raises(AttributeError):
        cm.null_space(cm.conv([1, 1], 4)).dimension = 3
