"""Norms against exact matrices in fifty digits: both ends, no rounding allowed, where floats cancel and underflow."""

from __future__ import annotations

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import convmatrix as cm
from convmatrix.analysis.norm import certificate, enclosing, own, underflow, written
from convmatrix.analysis.norm.gram import Meetings, gram

RNG = np.random.default_rng(20)


def exact_norm(op):
    """The largest singular value of the matrix that the floats are, to fifty digits."""
    with mpmath.workdps(60):
        rows = [[mpmath.mpf(int(value.p)) / int(value.q) for value in row] for row in op.tosympy().tolist()]
        return max(mpmath.svd_r(mpmath.matrix(rows), compute_uv=False))


def assert_certain(op, found):
    true = exact_norm(op)
    assert mpmath.mpf(found.lower) <= true <= mpmath.mpf(found.upper)
    for bound in found.bounds:
        assert true <= mpmath.mpf(bound.value), bound


def diagonal(*entries):
    return cm.conv(np.diag(entries)[:, :, None], (3,))


REPEATED = {"padding": 1, "padding_mode": "replicate"}
LONG = RNG.standard_normal(3)
CANCELLING = {
    "branches": cm.conv([1e15, 1.0, 1.0], 6) - cm.conv([1e15, 0.0, 0.0], 6),
    "branches of integers": cm.conv([10**15, 1, 1], 6) - cm.conv([10**15, 0, 0], 6),
    "beyond floats": cm.conv([2**60 + 1, 1], 6) - cm.conv([2**60, 1], 6),
    "last digits": cm.conv(LONG * (1 + 2.0**-50), 20) - cm.conv(LONG, 20),
    "taps to rounding": cm.conv([0.1, 0.2, -0.3], 1, **REPEATED),
    "large taps": cm.conv([1e15, 1.0, -1e15], 1, **REPEATED),
    "symmetric": cm.conv([1e15, 1.0, -1e15], 2, padding=1, padding_mode="symmetric"),
    "nothing is left": cm.conv([1.0, 2.0], 5) - cm.conv([1.0, 2.0], 5),
    "product": cm.conv(np.array([[[1.0], [1.0]]]), 4) @ cm.conv(np.array([[[1e15], [1.0]], [[-1e15], [1.0]]]), 4),
}
TINY = {
    "one is read": cm.conv([1.0, 1e-200, 1.0], 1, padding=1),
    "product": diagonal(1.0, 1e-200) @ diagonal(1e-200, 1.0),
    "branches": cm.conv([1.0, 1e-200], 4) - cm.conv([1.0, 0.0], 4),
    "denormal": cm.conv([1.0, 5e-324, 1.0], 1, padding=1),
    "few huge": cm.conv([[1e5, 1e-12], [3e-12, 5e-12]], (1, 1), padding=((1, 0), (1, 0))),
}


@pytest.mark.parametrize("width", [0.01, 1e-6, 1e-10], ids=str)
@pytest.mark.parametrize("name", [*CANCELLING, *(f"tiny: {name}" for name in TINY)])
def test_what_is_left_of_floats_is_enclosed_and_reached(name, width):
    op = TINY[name[6:]] if name.startswith("tiny: ") else CANCELLING[name]
    found = cm.spectral_norm(op, width)
    assert_certain(op, found)
    assert found.reached


@pytest.mark.parametrize("name", [*CANCELLING, *(f"tiny: {name}" for name in TINY)])
def test_no_row_of_the_table_is_below(name):
    op = TINY[name[6:]] if name.startswith("tiny: ") else CANCELLING[name]
    true = exact_norm(op)
    for row in cm.norm_bounds(op).rows:
        assert not row.is_bound or true <= mpmath.mpf(row.value), row


@pytest.mark.parametrize("is_large", [False, True], ids=["as they are", "as if they were large"])
@pytest.mark.parametrize("seed", range(40))
def test_drawn_rows_of_floats_are_enclosed_to_the_last_digit(seed, is_large, monkeypatch):
    if is_large:
        monkeypatch.setattr(enclosing, "DENSE", 0)
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((int(rng.integers(1, 3)), int(rng.integers(1, 3)), int(rng.integers(1, 5))))
    if seed % 2:
        weight -= weight.mean(axis=-1, keepdims=True)
    mode = ("zeros", "circular", "reflect", "replicate", "symmetric")[seed % 5]
    size = int(rng.integers(2, 7))
    op = cm.conv(weight, size, padding=min(size - 1, weight.shape[-1] // 2), padding_mode=mode)
    for width in (0.01, 1e-8, 1e-13):
        assert_certain(op, cm.spectral_norm(op, width))


@pytest.mark.parametrize("mode", ["replicate", "symmetric"])
def test_taps_that_cancel_at_a_border_do_not_fool_their_gram_matrix(mode, monkeypatch):
    """Their products cancel in floats to less than the square of what is left of the taps."""
    monkeypatch.setattr(enclosing, "DENSE", 0)
    rng = np.random.default_rng(0)
    for _ in range(60):
        taps = 1e9 * rng.standard_normal((2, 1, 3))
        taps[:, :, 2] = 30 - taps[:, :, 0] - taps[:, :, 1]
        taps[1] = [[0.0, 1.0, 0.0]]
        op = cm.conv(taps, 1, padding=1, padding_mode=mode, groups=2)
        true = abs(sum(map(Fraction, taps[0, 0].tolist())))
        found = cm.spectral_norm(op, 1e-6)
        assert Fraction(found.lower) <= true <= Fraction(found.upper)
        assert found.reached


@pytest.mark.parametrize("padding_mode", ["replicate", "symmetric", "zeros", "circular"])
@pytest.mark.parametrize("by_rows", [False, True], ids=["columns", "rows"])
def test_a_gram_matrix_of_taps_is_off_by_no_more_than_is_counted(padding_mode, by_rows):
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((2, 3, 5)) * 10.0 ** rng.integers(-6, 7, (2, 3, 5))
    layer = cm.conv(weight, 4, padding=2, padding_mode=padding_mode)
    meetings = Meetings(layer.geometry.axes)
    computed = gram(meetings, weight, by_rows)
    exact = np.array(layer.tosympy().tolist(), dtype=object).reshape(2, 4, 3, 4)
    # Positions before channels, as the table has them.
    exact = exact.transpose(1, 0, 3, 2).reshape(8, 12)
    true = exact @ exact.T if by_rows else exact.T @ exact
    off = np.array([[float(abs(Fraction(c) - Fraction(int(t.p), int(t.q)))) for c, t in zip(*rows, strict=True)]
                    for rows in zip(computed.tolist(), true, strict=True)])  # fmt: skip
    allowed = 2 * (meetings.terms(3 if by_rows else 2, by_rows) + 2) * 2.0**-53 * meetings.spread(weight)
    assert np.linalg.norm(off, 2) <= allowed


# -- own matrices -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [0.0, -1.0, -1e300])
def test_nothing_is_proved_of_a_target_that_is_not_above_0(target):
    assert certificate.gram_is_proved(np.zeros((2, 2)), target, 1, 0.0) == (False, None)
    assert not certificate.batch_is_proved(np.zeros((1, 2, 2)), target)
    assert own.own_gram(cm.conv([1.0, 2.0], 4)).proved(target, 0.0) == (False, None)


BANDS = {
    "1-D": cm.conv(RNG.standard_normal(5), 60, padding=2, padding_mode="reflect"),
    "rows": cm.conv(RNG.standard_normal((2, 3, 3)), 20, padding=1, stride=2),
    "2-D": cm.conv(RNG.standard_normal((2, 2, 3, 3)), (6, 9), padding=1, padding_mode="symmetric"),
    "wrapped": cm.conv(RNG.standard_normal(3), 40, padding=1, padding_mode="circular"),
    "complex": cm.conv(RNG.standard_normal(4) + 1j * RNG.standard_normal(4), 50, padding=1, padding_mode="replicate"),
    "product": cm.conv(RNG.standard_normal(3), 30) @ cm.conv(RNG.standard_normal(3), 32),
    "one diagonal": cm.conv(np.array([[[2.0]]]), 9),
}


@pytest.mark.parametrize("name", BANDS)
def test_a_band_proves_what_is_true_and_nothing_else(name, monkeypatch):
    for known, value in (("_SMALL", 0), ("_FEW", 1.0), ("_BAND_RATE", 0.0)):
        monkeypatch.setattr(own, known, value)
    op = BANDS[name]
    matrix = op.toarray()
    true = float(np.linalg.svd(matrix, compute_uv=False)[0])
    taken = own.own_gram(op)
    assert taken.order is not None
    squared = matrix @ np.conj(matrix).T if taken.by_rows else np.conj(matrix).T @ matrix
    assert taken.proved(true * (1 + 1e-11), true * (1 - 1e-12)) == (True, None)
    for share in (1 - 1e-9, 0.9, 0.5):
        holds, witness = taken.proved(true * share, 0.0)
        assert not holds
        quotient = np.vdot(witness, squared @ witness).real / np.vdot(witness, witness).real
        assert quotient >= (true * share) ** 2 * (1 - 1e-6)
    # So near to what is attained that rounding decides: not even tried.
    assert taken.proved(true, true) == (False, None)


def test_long_and_large_layers_are_proved_as_bands():
    long = cm.conv(RNG.standard_normal(5), 30_000, padding=2, padding_mode="reflect")
    found = cm.spectral_norm(long, 1e-6)
    assert found.reached
    assert min(found.bounds, key=lambda bound: bound.value).name == "own matrix"
    picture = cm.conv("emboss", (96, 96), padding=1)
    assert cm.spectral_norm(picture, 1e-6).reached


def test_a_narrower_width_is_never_worse():
    op = cm.conv(np.random.default_rng(0).standard_normal((4, 4, 3, 3)), (12, 12), padding=1)
    widths = [cm.spectral_norm(op, width).width for width in (1e-2, 1e-6, 1e-9, 1e-12, 1e-15, 1e-300)]
    assert all(narrow <= wide for wide, narrow in itertools.pairwise(widths))
    assert widths[-1] < 1e-9


def test_a_width_beyond_rounding_is_said_not_to_be_reached():
    found = cm.spectral_norm(cm.conv("emboss", (24, 24)), 1e-16)
    assert not found.reached
    assert found.width < 1e-10


def test_a_permutation_of_any_size_has_a_vector_for_it():
    assert cm.spectral_norm(cm.identity((1, 600, 600)), 1e-12).reached


# -- underflow and exact entries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TINY)
def test_what_underflow_may_take_covers_what_it_takes(name):
    op = TINY[name]
    lost = underflow.underflow(op)
    assert exact_norm(op) <= mpmath.mpf(lost.most)
    vector = np.random.default_rng(0).standard_normal(op.shape[1])
    vector /= np.linalg.norm(vector)
    true = op.tosympy() * cm.conv(vector[:, None], ()).tosympy()
    off = [mpmath.mpf(float(c)) - mpmath.mpf(int(t.p)) / int(t.q) for c, t in zip(op @ vector, true, strict=True)]
    relative = 1e-14 * lost.most
    assert mpmath.norm(mpmath.matrix(off)) <= relative + lost.absolute


def test_an_operator_without_an_entry_has_nothing_to_lose():
    assert underflow.underflow(cm.conv([0.0, 0.0], 4)) == (0.0, 0.0)
    assert underflow.underflow(cm.conv([1.0], 4) @ cm.conv([0.0], 4)).most == 0


def test_only_small_matrices_are_written_out():
    assert written.written_out(cm.conv(np.ones((8, 8, 3, 3)), (40, 40), padding=1)) is None
    assert written.written_out(cm.conv(np.ones((2, 2, 3)), 2000)) is None
    op = cm.conv([1j, 1.0], 3)
    assert np.allclose(written.written_out(op).weight.astype(complex), op.toarray())


@pytest.mark.parametrize("rng", ["x", -1, 0.5], ids=str)
@pytest.mark.parametrize("function", [cm.spectral_norm, cm.norm_bounds], ids=["norm", "bounds"])
def test_a_start_that_is_none(function, rng):
    with pytest.raises(cm.ConvMatrixError, match=r"rng must be what numpy.random.default_rng takes, got"):
        function(cm.identity((3,)), rng=rng)


# -- the table --------------------------------------------------------------------------------------------------------


def test_one_name_is_a_row_and_the_width_is_that_of_the_norm():
    found = cm.norm_bounds(cm.conv("1 2 1", 9, padding=1), "own matrix", 1e-8)
    assert [row.name for row in found.rows] == ["own matrix"]
    assert found.norm.asked == 1e-8


@pytest.mark.parametrize("names", [3, 1.5, True], ids=str)
def test_names_that_are_none(names):
    with pytest.raises(cm.ConvMatrixError, match=f"names must be names of bounds, got {names}"):
        cm.norm_bounds(cm.identity((3,)), names)


def test_a_guess_is_about_the_weight_as_it_is_also_where_it_is_not_read():
    op = cm.conv([3.0, 1.0, 4.0], 1, padding=1)
    guesses = {row.name: row.value for row in cm.norm_bounds(op).rows if not row.is_bound}
    assert np.isclose(guesses["reshaped weight"], np.sqrt(26))
    assert np.isclose(guesses["circular of the same size"], 8)
    assert np.isclose(cm.spectral_norm(op).upper, 1)


def test_a_loose_bound_beyond_floats_says_nothing_and_the_others_stay():
    found = cm.norm_bounds(cm.conv([8e307, 1e307], 8))
    assert found.norm.reached
    assert np.isinf({row.name: row.value for row in found.rows}["Frobenius norm"])
    assert np.isfinite(found.rows[0].value)
    assert "inf" in str(found)
    assert len(cm.plot(found).axes[0].get_yticklabels()) == len(found.rows)
