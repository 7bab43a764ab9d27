"""`rank_profile` against NumPy's decompositions and exact ranks, and what it says where it cannot know."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from html_reading import cells_of
from layer_drawing import drawn_expression
from rank_cases import check_profile, drawn_circular, integers_of, rank_of

import convmatrix as cm
from convmatrix.analysis.ranks import answer
from convmatrix.analysis.ranks.frobenius import frobenius
from convmatrix.analysis.spectrum.numbers import numerical
from convmatrix.errors import ConvMatrixError

RNG = np.random.default_rng(3)
EPS = np.finfo(float).eps


# -- whole operators --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_operators_drawn_at_random(seed):
    rng = np.random.default_rng(seed)
    count = 0
    while count < 40:
        op = drawn_expression(rng)
        if op is None or max(op.shape) > 150:
            continue
        matrix = op.toarray(dtype=float)
        rank = rank_of(integers_of(op))
        found = cm.rank_profile(op).operator
        check_profile(found, matrix, rank)
        assert (found.rank_kind, found.tol, found.bounds) == ("exact", None, (rank, rank))
        floats = cm.rank_profile(op, exact=False).operator
        assert (floats.rank_kind, floats.bounds, floats.proof) == ("numerical", None, "")
        assert floats.tol == max(op.shape) * EPS
        check_profile(floats, matrix, rank)
        count += 1


def test_circular_layers_drawn_at_random(rng):
    layers = [drawn_circular(rng, numbers) for numbers in (None, lambda w: w * 0.7, lambda w: w * (0.6 + 0.8j)) * 30]
    for op in filter(None, layers):
        profile = cm.rank_profile(op).operator
        exact = cm.rank_profile(cm.conv(_integers(op.weight), op.in_shape[1:], **_options(op))).operator
        check_profile(profile, op.toarray(), exact.rank)


def _integers(weight):
    return (
        np.rint((weight / (0.6 + 0.8j if weight.dtype.kind == "c" else 0.7)).real).astype(int)
        if (weight.dtype.kind != "i")
        else weight
    )


def _options(op):
    axes = op.geometry.axes
    return {
        "stride": [axis.stride for axis in axes],
        "dilation": [axis.dilation for axis in axes],
        "padding": [(axis.pad_before, axis.pad_after) for axis in axes],
        "groups": op.geometry.groups,
        "padding_mode": "circular",
    }


TOLERANCES = [(None, 3), (1e-3, 2), (0.1, 1), (0, 3), (2.0, 0)]


@pytest.mark.parametrize(("tol", "rank"), TOLERANCES, ids=str)
def test_ranks_at_a_tolerance(tol, rank):
    weight = np.diag([1.0, 0.01, 1e-5])
    assert cm.rank_profile(cm.conv(weight, ()), tol).operator.rank == rank
    exact = cm.rank_profile(cm.conv(np.diag([100000, 1000, 1]), ()), tol).operator
    assert (exact.rank, exact.rank_kind) == (rank, "exact" if tol is None else "numerical")


def test_the_tolerance_that_is_stated_is_the_one_applied():
    found = cm.rank_profile(cm.conv(np.diag([1.0] * 1999 + [1e-12]), ())).operator
    assert (found.rank, found.tol) == (2000, 2000 * EPS)
    assert found.condition == pytest.approx(1e12)
    assert cm.rank_profile(cm.conv(np.diag([1, 1e-16]), ()), 0).operator.rank == 2
    for residue in (1e-12, 1e-3, 1.0):
        op = cm.conv([0.1, 0.2, -0.3 + residue], 1, padding=1, padding_mode="circular")
        profile = cm.rank_profile(op).operator
        assert profile.rank == np.count_nonzero(profile.scaled > profile.tol * profile.scaled[0]) == 1
        assert (profile.tol > EPS) == (residue < 0.1)
    noise = cm.conv([0.1, 0.2, -0.3], 1, padding=1, padding_mode="circular")
    assert cm.rank_profile(noise, 0).operator.rank == 1


def test_the_rank_of_a_type_is_judged_by_its_precision():
    column, row = RNG.standard_normal((2, 8)).astype(np.float32)
    weight = np.outer(column, row).astype(np.float32)
    unfolded = cm.rank_profile(weight).unfoldings["(c_out h) x (c_in w)"]
    for found in (unfolded, cm.rank_profile(cm.conv(weight, ())).operator):
        assert (found.rank, found.tol) == (1, 8 * np.finfo(np.float32).eps)
    half = cm.rank_profile(weight.astype(np.float16))
    assert half.kernels.tol == 8 * 2.0**-10
    assert half.kernels.rank.item() == 1


def test_floats_taken_as_fractions():
    op = cm.conv([[0.1, 0.3], [0.3, 0.9]], ())
    assert cm.rank_profile(op, 1e-3).operator.rank == 1
    found = cm.rank_profile(op, exact=True)
    assert (found.operator.rank, found.operator.rank_kind) == (2, "exact")
    assert {profile.rank_kind for profile in found.profiles} == {"exact"}
    padded = cm.rank_profile(cm.conv(RNG.standard_normal((2, 2, 3, 3)), (4, 4), padding=1), exact=True)
    assert (padded.operator.rank, padded.kernels.rank_kind) == (32, "exact")


SCALES = {"tiny": 1e-200, "huge": 1e200, "below floats": Fraction(1, 10**400), "beyond floats": 10**400}


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_measures_do_not_depend_on_the_scale(scale):
    weight = np.array([[1, 2, 0], [0, 1, 3], [4, 0, 1]])
    plain = cm.rank_profile(cm.conv(weight, (4, 5)), exact=False)
    found = cm.rank_profile(cm.conv([[value * scale for value in row] for row in weight.tolist()], (4, 5)))
    assert found.operator.rank == 6
    for name in ("stable_rank", "effective_rank", "condition"):
        assert getattr(found.operator, name) == pytest.approx(getattr(plain.operator, name))
        assert getattr(found.kernels, name) == pytest.approx(getattr(plain.kernels, name))
    assert (found.operator.values is None) == (found.kernels.values is None) == (scale == 10**400)
    if isinstance(scale, float):
        assert np.allclose(found.operator.values / scale, plain.operator.values)


def test_taps_that_cancel_leave_no_rank():
    for weight in ([0.1, 0.2, -0.3], [0.1j, 0.2j, -0.3j]):
        op = cm.conv(weight, 1, padding=1, padding_mode="circular")
        found = cm.rank_profile(op).operator
        assert (found.rank, found.rank_kind) == (0, "numerical")


@pytest.mark.parametrize("weight", [np.zeros((2, 2, 3)), np.zeros((2, 2, 3), dtype=int)], ids=["floats", "integers"])
def test_zeros(weight):
    found = cm.rank_profile(cm.conv(weight, 5))
    for profile in found.profiles:
        assert (profile.rank, profile.stable_rank, profile.effective_rank, profile.condition) == (0, 0, 0, math.inf)
        assert (profile.energy == 1).all()
        assert (profile.rank_kind, profile.tol, profile.bounds) == ("exact", None, (0, 0))
    assert (found.kernels.rank.any(), found.kernels.rank_kind) == (False, "exact")
    asked = cm.rank_profile(cm.conv(weight, 5), exact=False).operator
    assert (asked.rank, asked.rank_kind) == (0, "numerical")


# -- too large for all singular values --------------------------------------------------------------------------------


def test_a_large_operator_has_its_rank_and_its_stable_rank():
    op = cm.conv(RNG.integers(-3, 4, (16, 16, 3, 3)), (16, 16), padding=1)
    found = cm.rank_profile(op).operator
    assert (found.rank, found.rank_kind, found.proof) == (4096, "exact", "full modulo a prime")
    assert (found.values, found.effective_rank, found.energy, found.condition) == (None, None, None, None)
    assert found.rank_for(0.5) is None
    largest = cm.singular_values(op, 1).largest
    expected = (op.tosparse().data.astype(float) ** 2).sum() / largest**2
    low, high = found.stable_bounds
    assert low <= expected <= high <= low * 1.03
    assert found.stable_rank == pytest.approx((low + high) / 2)
    assert any("singular_values(op, k)" in note for note in found.notes)


def test_a_large_singular_operator_has_an_infinite_condition():
    op = cm.conv("0 1 0; 1 -4 1; 0 1 0", (64, 64), padding=1, padding_mode="reflect")
    found = cm.rank_profile(op).operator
    assert (found.rank, found.condition, found.values) == (4095, math.inf, None)


def test_a_large_operator_of_floats_has_no_rank_but_can_be_asked_for_it():
    op = cm.conv(RNG.standard_normal((3, 3)), (64, 64), padding=1)
    found = cm.rank_profile(op).operator
    assert found.rank_kind == "not computed"
    assert found.rank is found.tol is found.bounds is found.is_full is None
    assert "not computed, of 4096" in found.rank_text
    assert cm.rank_profile(op, exact=True).operator.rank == 4096


def test_an_interval_says_so():
    op = cm.conv(RNG.integers(-3, 4, (32, 32, 3, 3)), (48, 48), padding=1)
    found = cm.rank_profile(op, width=0.5).operator
    assert (found.rank, found.rank_kind, found.tol) == (None, "interval", None)
    assert found.bounds == (32 * 47**2, 32 * 48**2)
    assert found.rank_text == f"between {32 * 47**2} and {32 * 48**2} of {32 * 48**2}"
    assert any("exact=True" in note for note in found.notes)
    assert (found.is_full, found.condition) == (None, None)


def test_a_proof_that_takes_too_long_leaves_a_numerical_rank_within_bounds(monkeypatch):
    monkeypatch.setattr(answer, "WORK", 1e4)
    layer = cm.conv(RNG.integers(-3, 4, (1, 4, 3)), 30, padding=1)
    found = cm.rank_profile(layer.T @ layer).operator
    assert (found.rank, found.rank_kind) == (30, "numerical")
    assert found.tol == 120 * EPS
    assert found.bounds[0] <= 30 <= found.bounds[1]
    assert any("proved to be between" in note for note in found.notes)


# -- the parts, the display, and what is refused ----------------------------------------------------------------------


def test_frobenius_norms_without_matrices():
    for seed in range(120):
        op = drawn_expression(np.random.default_rng(seed))
        if op is None:
            continue
        numbers = numerical(op).op
        assert frobenius(numbers) == pytest.approx(np.linalg.norm(numbers.toarray()), rel=1e-12)
    huge = cm.conv(np.ones((64, 64, 3, 3)), (4096, 4096), padding=1)
    assert frobenius(huge) == pytest.approx(64 * (3 * 4096 - 2), rel=1e-12)
    assert frobenius(huge @ huge) is None


def test_the_least_rank_that_keeps_a_share():
    found = cm.rank_profile(cm.conv(np.diag([4.0, 3.0, 0.0]), ())).operator
    assert [found.rank_for(share) for share in (0, 0.5, 0.64, 0.65, 1)] == [0, 1, 1, 2, 2]


SHOWN = {
    "layer": cm.conv(RNG.integers(-2, 3, (2, 2, 3, 3)), (5, 5), padding=1),
    "floats": cm.conv([0.5, 1.0], 6),
    "product": cm.conv([1, 2], 6) @ cm.identity((1, 6)),
    "large": cm.conv("0 1 0; 1 -4 1; 0 1 0", (64, 64), padding=1, padding_mode="reflect"),
    "zeros": cm.conv([0, 0], 4),
}


@pytest.mark.parametrize("op", SHOWN.values(), ids=SHOWN)
def test_the_displays(op):
    found = cm.rank_profile(op)
    document = found.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    text = str(found)
    assert text.startswith(f"ranks of {op.in_shape} -> {op.out_shape}\n")
    assert "operator" in text
    assert found.operator.rank_text in text
    assert set(found.unfoldings) <= set(cells_of(found._repr_html_()))


REFUSED = {
    "NaN": (lambda: cm.rank_profile(cm.conv([1.0, math.nan], 4)), "op must have finite weights, got nan"),
    "NaN in a weight": (lambda: cm.rank_profile([1.0, math.inf]), "weight must be finite, got inf"),
    "symbols": (lambda: cm.rank_profile("a b"), "op must have weights without symbols, got a: insert numbers"),
    "no axis": (
        lambda: cm.rank_profile(3.0),
        r"weight must have at least one axis and none of length 0, got shape \(\)",
    ),
    "empty": (lambda: cm.rank_profile(np.zeros((0, 3))), r"none of length 0, got shape \(0, 3\)"),
    "tol": (lambda: cm.rank_profile([1.0], -1), "tol must be at least 0, got -1"),
    "tol and exact": (lambda: cm.rank_profile([1], 0.1, exact=True), "tol must not be given with exact=True, got 0.1"),
    "exact": (lambda: cm.rank_profile([1], exact="yes"), "exact must be True, False or None, got 'yes'"),
    "width": (lambda: cm.rank_profile([1], width=0), "width must be a number above 0, got 0"),
    "complex": (lambda: cm.rank_profile([1j], exact=True), r"weights that are rational numbers .*, got 1j"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(call, message):
    with pytest.raises(ConvMatrixError, match=message):
        call()


def test_the_result_is_frozen():
    with pytest.raises(AttributeError):
        cm.rank_profile([1, 2]).kernels = None
