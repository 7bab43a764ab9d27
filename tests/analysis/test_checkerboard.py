"""`checkerboard`: what it says of known cases, exactly and in floats, with frequencies and symbols."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

import convmatrix as cm
from convmatrix.analysis.checkerboard import rounding, spectrum, wording

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
HUGE = 10**30
A, B, C, D = sympy.symbols("a b c d")


def up(weight, size=9, **options):
    return cm.conv_transpose(weight, size, **{"stride": 2, **options})


# name: operator, free, gains of all phases, amplitude, causes without the border
CASES = {
    "even counts, random weights": (up("3 -1 4 1"), False, [7, 0], 7, ("weights",)),
    "uneven counts, box": (up("1 1 1"), False, [2, 1], 1, ("counts",)),
    "uneven counts, both": (up("1 2 3"), False, [4, 2], 2, ("counts",)),
    "uneven counts and weights": (up("1 5 3"), False, [4, 5], 1, ("counts", "weights")),
    "uneven counts compensated": (up("1 2 1"), True, [2], 0, ()),
    "even and free": (up("1 3 3 1"), True, [4], 0, ()),
    "k < s": (up("1 1", stride=3), False, [1, 1, 0], 1, ("holes",)),
    "k < s, and weights": (up("1 2", stride=3), False, [1, 2, 0], 2, ("holes", "weights")),
    "gcd(d, s) > 1": (up("1 2 1", dilation=2), False, [4, 0], 4, ("holes",)),
    "holes, counts": (up("1 1 1", stride=4, dilation=2), False, [2, 0, 1, 0], 2, ("holes", "counts")),
    "a free hole": (up("1 -2 1", dilation=2), True, [0], 0, ()),
    "dilated": (up("1 2 1", dilation=3), True, [2], 0, ()),
    "padding moves phases": (up("1 1 1", padding=1), False, [2, 1], 1, ("counts",)),
    "stride 1": (up("5 -1 7", stride=1), True, [11], 0, ()),
    "a plain convolution": (cm.conv("5 -1 7", 9), True, [11], 0, ()),
    "beyond int64": (up([HUGE, 1, 2]), False, [HUGE + 2, 1], HUGE + 1, ("counts", "weights")),
    "near the end of int64": (up([2**62, -(2**62), 2**62 - 1, -(2**62)]), False, [2**63 - 1, -(2**63)], 2**64 - 1,
                              ("weights",)),
    "fractions": (up([THIRD, HALF, THIRD]), False, [2 * THIRD, HALF], Fraction(1, 6), ("counts", "weights")),
    "scaled": (up("1 1 1") * THIRD, False, [2 * THIRD, THIRD], THIRD, ("counts",)),
    "radicals": (up([sympy.sqrt(2), 2, sympy.sqrt(2)]), False, [2 * sympy.sqrt(2), 2], 2 * sympy.sqrt(2) - 2,
                 ("counts", "weights")),
    "radicals that agree": (up([sympy.sqrt(2), sympy.sqrt(8), sympy.sqrt(2)]), True, [2 * sympy.sqrt(2)], 0, ()),
    "imaginary": (up([sympy.I, 1]), False, [sympy.I, 1], sympy.sqrt(2), ("weights",)),
    "circular gradient": (cm.conv("1 2 3", 8, stride=2, padding=1, padding_mode="circular").T, False, [4, 2], 2,
                          ("counts",)),
    "resize 3/2 linear, then difference": (cm.conv("1 -1", 12) @ cm.resize((1, 8), 1.5, "linear"), True, [0], 0, ()),
    "down 3 after up 2, even": (cm.conv("1 1", 18, stride=3) @ up("1 0"), True, [1], 0, ()),
    "down 3 after up 2": (cm.conv("1 2", 18, stride=3) @ up("1 0"), False, [1, 2], 1, ("weights",)),
    "up 2 after up 3": (up("1 1", 27) @ up("1 1 1", 9, stride=3), True, [1], 0, ()),
    "a sum that evens out": (up("1 1 1") + up("0 1 0"), True, [2], 0, ()),
    "average after": (cm.avg_pool((1, 18), 2, stride=1) @ up("1 3"), True, [2], 0, ()),
}  # fmt: skip


@pytest.mark.parametrize(("op", "free", "gains", "amplitude", "causes"), CASES.values(), ids=CASES)
def test_exact_verdicts(op, free, gains, amplitude, causes):
    report = cm.checkerboard(op)
    assert report.is_exact
    assert (report.tol, report.is_free) == (0, free)
    found = report.dc_gain.reshape(-1).tolist()
    turned = [found[n:] + found[:n] for n in range(len(found))]
    assert gains in turned
    assert found == gains or any(report.overlap.offset)
    assert sympy.simplify(report.amplitude - amplitude) == 0
    assert tuple(cause for cause in report.causes if cause != "border") == causes
    assert (report.channels is None) == (report.frequency is None) == free
    assert report.compensated == (free and not report.overlap.is_uniform)
    json.dumps(report.to_dict())


def test_verdicts_in_words():
    texts = {name: str(cm.checkerboard(CASES[name][0])) for name in CASES}
    assert "not free of checkerboards (proved): taps overlap unevenly\n" in texts["uneven counts, box"]
    assert "ripple     1, 2/3 of the largest mean gain" in texts["uneven counts, box"]
    assert "frequency  1/2 cycles an output" in texts["uneven counts, box"]
    assert texts["uneven counts compensated"].startswith(
        "free of checkerboards (proved): the weights make up for uneven overlap"
    )
    assert ": gains differ though the overlap is even\n" in texts["even counts, random weights"]
    both = ": taps overlap unevenly, gains are not in proportion to the overlap\n"
    assert both in texts["uneven counts and weights"]
    assert "border     1 before and 1 after; a constant comes out differently there" in texts["uneven counts, box"]
    assert "even, 2 at every output" in texts["even counts, random weights"]
    assert "phases that no tap reaches" in texts["k < s"]
    assert "every constant becomes 0: some phases are reached by no tap" in texts["a free hole"]
    assert texts["stride 1"].startswith("free of checkerboards (proved)\n")


def test_holes_are_free_with_gain_0_alone():
    assert cm.checkerboard(up("1 -2 1", dilation=2)).kills_constants
    assert not cm.checkerboard(up("1 2 1")).kills_constants
    assert not cm.checkerboard(up("1 2 1", dilation=2)).kills_constants


def test_a_random_kernel_of_4_with_stride_2_is_not_free(rng):
    report = cm.checkerboard(cm.conv_transpose(rng.standard_normal((4, 4)), (8, 8), stride=2))
    assert report.overlap.is_uniform
    assert (report.is_free, report.is_exact, report.period, report.cause) == (False, False, (2, 2), "weights")
    gains = report.dc_gain[..., 0, 0]
    assert report.amplitude == pytest.approx(gains.max() - gains.min())
    assert report.relative_amplitude == pytest.approx(report.amplitude / abs(gains.mean()))


def test_symbols_give_conditions():
    report = cm.checkerboard(up("a b c d"))
    assert [sympy.expand(found) for found in report.conditions] == [A + C - B - D]
    assert (report.is_free, report.amplitude, report.relative_amplitude) == (False, None, None)
    assert (report.frequency, report.frequencies, report.spectrum) == (None, None, None)
    assert str(report).startswith("free of checkerboards under conditions")
    assert "a - b + c - d = 0" in str(report)
    assert report.to_dict()["conditions"] == ["a - b + c - d"]
    json.dumps(report.to_dict())


CONDITIONS = {
    "always": (up([A, A]), ()),
    "never": (up([A, A + 1]), (1,)),
    "a hole": (up([A, B], stride=3), (A, B)),
    "once": (cm.conv_transpose([[A, B], [A, B]], (4, 4), stride=(1, 2)), (2 * A - 2 * B,)),
    "the bias": (cm.pixel_shuffle((2, 5), 2) @ cm.conv([[[1]], [[1]]], 5, bias=[A, B]), (A - B,)),
    "rational functions": (up([(A**2 - 1) / (A - 1), A + 1]), ()),
    "beside floats": (up([1.5, 1.0], 18) @ up([A, A]), (A / 2,)),
    "numbers alone": (up("1 2"), None),
}


@pytest.mark.parametrize(("op", "conditions"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions(op, conditions):
    report = cm.checkerboard(op)
    assert report.conditions == conditions
    if conditions is not None:
        assert report.is_free == (conditions == ())
        assert report.is_exact
        assert str(report)
        json.dumps(report.to_dict())


def test_substitutions_that_meet_the_conditions_are_free(rng):
    weight = np.array(sympy.symbols("w0:24")).reshape(2, 2, 6)
    conditions = cm.checkerboard(up(weight, stride=3)).conditions
    solution = sympy.solve(conditions, dict=True)[0]
    values = {symbol: int(rng.integers(-5, 6)) for symbol in weight.flat}
    solved = [sympy.sympify(w).subs(solution).subs(values) for w in weight.flat]
    assert cm.checkerboard(up(np.array(solved).reshape(weight.shape), stride=3)).is_free


FREQUENCIES = {
    "alternating": (up("1 1 1"), (HALF,)),
    "thirds": (up("1 2 4", stride=3), (THIRD,)),
    "period 2 within 4": (up("1 2 1 2", stride=4), (HALF,)),
    "one axis": (cm.conv_transpose([[1, 2], [1, 2]], (5, 5), stride=2), (0, HALF)),
    "both axes": (cm.conv_transpose([[1, 0], [0, 1]], (5, 5), stride=2), (HALF, HALF)),
    "diagonal": (cm.conv_transpose([[1, 0, 0], [0, 0, 1], [0, 1, 0]], (5, 5), stride=3), (THIRD, THIRD)),
    "other diagonal": (cm.conv_transpose(np.eye(3, dtype=int), (5, 5), stride=3), (THIRD, -THIRD)),
    "the first of equals": (cm.conv_transpose([[4, 2], [2, 1]], (5, 5), stride=2), (HALF, 0)),
}


@pytest.mark.parametrize(("op", "frequency"), FREQUENCIES.values(), ids=FREQUENCIES)
def test_the_frequency_of_the_ripple(op, frequency):
    report = cm.checkerboard(op)
    assert report.frequency == frequency == report.frequencies[0][0]
    assert all(isinstance(part, Fraction) for part in report.frequency)
    gains = np.asarray(report.phase_gain[..., 0, 0], dtype=float)
    magnitudes = np.abs(np.fft.fftn(gains)) / gains.size
    magnitudes.flat[0] = 0
    assert report.spectrum == pytest.approx(magnitudes, abs=1e-12)
    index = tuple(int(part * n) % n for part, n in zip(frequency, gains.shape, strict=True))
    assert magnitudes[index] == pytest.approx(magnitudes.max())


def test_a_complex_ripple_tells_a_frequency_from_its_negative():
    turn = np.exp(2j * np.pi * np.arange(3) / 3)
    report = cm.checkerboard(up(turn, stride=3))
    assert report.frequencies == (((THIRD,), pytest.approx(1)),)
    assert cm.checkerboard(up(turn.conj(), stride=3)).frequency == (-THIRD,)
    assert report.amplitude == pytest.approx(math.sqrt(3))
    assert report.relative_amplitude == math.inf


def test_the_spectrum_is_that_of_the_largest_pair():
    weight = np.array([[[1, 1]], [[1, 3]]])
    report = cm.checkerboard(up(weight))
    assert (report.channels, report.amplitude, report.relative_amplitude) == ((0, 1), 2, 1)
    assert report.spectrum.tolist() == [0, 1]
    assert "of channel 1 in channel 0" in str(report)
    assert cm.checkerboard(up("1 2 1")).spectrum.tolist() == [0, 0]
    assert cm.checkerboard(up("1 2 1")).frequencies == ()


def free_weight(dtype, scale=1.0):
    rng = np.random.default_rng(5)
    weight = rng.standard_normal((3, 2, 4, 4)) + (1j * rng.standard_normal((3, 2, 4, 4)) if dtype == "complex64" else 0)
    for phase in np.ndindex(2, 2):
        own = (..., slice(phase[0], None, 2), slice(phase[1], None, 2))
        weight[own] -= weight[own].mean(axis=(-1, -2), keepdims=True)
    return ((weight + 0.3) * scale).astype(dtype)


@pytest.mark.parametrize("scale", [1.0, 1e-37, 1e35, 1e-300, 1e300])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_floats_within_their_tolerance(dtype, scale):
    if dtype != "float64" and not 1e-38 < scale < 1e38:
        scale = 7.0
    weight = free_weight(dtype, scale)
    report = cm.checkerboard(cm.conv_transpose(weight, (6, 6), stride=2))
    assert (report.is_free, report.is_exact, report.period) == (True, False, (1, 1))
    assert 0 < report.amplitude <= report.tol < 1e-4 * scale
    assert report.relative_amplitude < 1e-4
    assert report.dc_gain.reshape(-1) == pytest.approx(np.full(6, 1.2 * scale), rel=1e-5)
    weight[1, 1, 0, 0] += weight.dtype.type(1e-3 * scale)
    worse = cm.checkerboard(cm.conv_transpose(weight, (6, 6), stride=2))
    assert (worse.is_free, worse.channels) == (False, (1, 1))
    assert worse.amplitude == pytest.approx(1e-3 * scale, rel=0.01)
    assert "within" in str(worse)
    assert max(worse.frequencies, key=lambda pair: pair[1])[1] == pytest.approx(0.25e-3 * scale, rel=0.01)


def test_the_tolerance_is_taps_times_eps_times_the_largest_sum():
    weight = free_weight("float32")
    layer = cm.conv_transpose(weight, (6, 6), stride=2)
    largest = np.abs(weight.astype(float)).reshape(3, 2, 2, 2, 2, 2).sum(axis=(2, 4)).max()
    eps = float(np.finfo(np.float32).eps)
    assert cm.checkerboard(layer).tol == pytest.approx(3 * 4 * eps * largest)
    assert rounding.terms(layer) == 12
    after = cm.conv(np.ones((1, 2, 3, 3)), layer.out_shape[1:])
    assert rounding.terms(after @ layer) == 12 + 18
    assert rounding.terms(2 * layer + layer) == 25


def test_a_tolerance_is_absolute():
    assert not cm.checkerboard(up([1.0, 1.25])).is_free
    assert cm.checkerboard(up([1.0, 1.25]), tol=0.25).is_free
    assert cm.checkerboard(up([1.0, 1.25]), tol=0.25).dc_gain.reshape(-1).tolist() == [1.125]
    assert not cm.checkerboard(up([1.0, 1.25]), tol=0.125).is_free
    exact = cm.checkerboard(up("4 5"), tol=1)
    assert (exact.is_free, exact.is_exact, exact.dc_gain.item()) == (True, False, Fraction(9, 2))
    assert cm.checkerboard(up("4 5"), tol=0).is_exact


def test_periods_and_freedom_agree_within_a_tolerance():
    # Every axis alone is within the tolerance, both together are not.
    gains = np.array([[0.0, 1.0], [1.0, 2.0]]).reshape(2, 2)
    report = cm.checkerboard(cm.conv_transpose(gains, (5, 5), stride=2), tol=1.5)
    assert report.is_free == (report.period == (1, 1)) is False


BAD_TOL = {
    "negative": (-1, "tol must be at least 0, got -1"),
    "nan": (math.nan, "tol must be at least 0, got nan"),
    "infinite": (math.inf, "tol must be finite, got inf"),
    "bool": (True, "tol must be a number of at least 0, got True"),
    "text": ("small", "tol must be a number of at least 0, got 'small'"),
}


@pytest.mark.parametrize(("tol", "message"), BAD_TOL.values(), ids=BAD_TOL)
def test_bad_tolerances(tol, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.checkerboard(up("1 2"), tol=tol)


REFUSED = {
    "nan": (up([1.0, math.nan]), "op must have finite weights, got nan"),
    "infinite": (up([1.0, math.inf]), "op must have finite weights, got inf"),
    "bias": (up([1.0, 2.0], bias=[math.nan]), "op must have finite biases, got nan"),
    "factor": (math.inf * up([1.0, 2.0]), "op must have finite factors, got inf"),
    "zoo": (up([sympy.zoo, A]), "op must have finite weights, got zoo"),
    "float in an expression": (up([A * 0.5, A]), "op must have weights without floats in expressions, got"),
    "overflow": (up([1e308, 1.0], 18) @ up([1e308, 1.0]), "op must have gains that a float64 holds, got inf"),
    "difference": (up([1.7e308, -1.7e308]), "op must have gains that a float64 holds, got inf"),
    "underflow": (up([1e-200, 1e-200], 18) @ up([1e-200, 1.0]), None),
    "lost on the way": (up([1e300, 2e300], 36) @ up([1e-200, 2e-200], 18) @ up([1e-200, 1e-200]),
                        "op must have gains of at least 1e-290 where .* are multiplied, got some of about 1e-400"),
    "lost by a factor": (0.5 * up([1e-320, 2e-320]), "op must have gains of at least 1e-290 where float layers and"),
    "tiny branches": (up([1e-300, 2e-300]) + 2 * up([1e-300, 2e-300]), None),
    "a tiny branch beside another": (up([1e-200, 1.0]) * 1e-200 + up([1.0, 2.0]), None),
    "tiny, then whole numbers": (up("1 2", 18) @ up([1e-320, 2e-320]), None),
    "lost": (
        up([1e-200, 2e-200], 18) @ up([1e-200, 1e-200]),
        "op must have gains of at least 1e-290 where float layers",
    ),
    "no operator": ("conv", "op must be a TensorOperator, such as conv"),
    "no space": (cm.conv([[1, 2]], ()), "op must map tensors"),
}  # fmt: skip


@pytest.mark.parametrize(("op", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(op, message):
    if message is None:
        assert not cm.checkerboard(op).is_free
        return
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.checkerboard(op)


def test_symbols_take_no_tolerance():
    with pytest.raises(cm.SymbolicError, match="tol must not be given with symbols or radicals"):
        cm.checkerboard(up("a b"), tol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_below_the_normal_range_are_free_when_made_so(rng, dtype):
    weight = (rng.standard_normal((2, 2, 4)) * 4 * float(np.finfo(dtype).tiny)).astype(dtype)
    report = cm.checkerboard(up(weight))
    assert not report.is_free
    assert cm.checkerboard(report.nearest_free()).is_free


def test_a_mean_within_the_tolerance_is_not_0():
    assert cm.checkerboard(up([0.0, 0.5]), tol=0.25).relative_amplitude == 2
    assert cm.checkerboard(up("0 1"), tol=0.75).relative_amplitude == 2
    assert cm.checkerboard(up([0.1 + 0.2, -0.3])).relative_amplitude == math.inf


@pytest.mark.parametrize("unit", [Fraction(1, 10**400), 10**400, sympy.sqrt(2) / 10**400], ids=["tiny", "huge", "root"])
def test_exact_ripples_beyond_floats_have_frequencies(unit):
    report = cm.checkerboard(up([unit, 2 * unit, 7 * unit, unit], stride=4))
    assert (report.frequency, [found for found, _ in report.frequencies]) == (
        (Fraction(1, 4),),
        [(Fraction(1, 4),), (HALF,)],
    )
    assert all(size > 0 for _, size in report.frequencies)
    assert cm.checkerboard(up([unit, unit**2])).frequency == (HALF,)


KILLED = {
    "zeros": (up("0 0 0"), "0\n"),
    "each phase": (up("1 -1 -1 1"), "0\n"),
    "symbols": (up([A, 0, -A]), "0\n"),
    "floats within tol": (up([0.1, 0.1, 0.2, 0.2, -0.3, -0.3]), "0\n"),
    "no enlargement": (cm.conv("1 -2 1", 6), "0\n"),
    "beside a hole": (up("1 -2 1", dilation=2), "0: some phases are reached by no tap\n"),
    "with a bias": (cm.conv_transpose([[[1, -1]]], 6, stride=1, bias=[3]), "the bias alone\n"),
}


@pytest.mark.parametrize(("op", "left"), KILLED.values(), ids=KILLED)
def test_constants_that_become_0_are_named(op, left):
    report = cm.checkerboard(op)
    assert report.kills_constants
    assert f", as every constant becomes {left}" in str(report)
    assert report.to_dict()["kills_constants"]


KEPT = {
    "uneven": up("1 -1 1"),
    "compensated symbols": up([A, 2 * A, A]),
    "gains of one sign": up([1e-12, 1e-12]),
    "one of two channels": cm.conv_transpose([[[1, -1]], [[0, 1]]], 6),
}


@pytest.mark.parametrize("op", KEPT.values(), ids=KEPT)
def test_constants_that_stay_are_not_said_to_become_0(op):
    report = cm.checkerboard(op)
    assert not report.kills_constants
    assert "becomes 0" not in str(report)


def test_the_nearest_free_weight_of_a_stack_may_make_constants_0():
    first = cm.conv_transpose("1 2 3", 6, stride=2)
    second = cm.conv_transpose("3 1 2", first.out_shape[1:], stride=2)
    report = cm.checkerboard(second @ first)
    for factor, wanted in ((0, [-1, 0, 1]), (1, [0, 0, 0])):
        fixed = report.nearest_free(factor)
        found = fixed.left if factor else fixed.right
        assert found.weight.reshape(-1).tolist() == wanted
        assert cm.checkerboard(fixed).kills_constants


BESIDE = {
    "floats": lambda rng: rng.standard_normal((3, 2, 6)),
    "complex": lambda rng: rng.standard_normal((3, 2, 6)) + 1j * rng.standard_normal((3, 2, 6)),
    "integers": lambda rng: rng.integers(-9, 10, (3, 2, 6)),
    "large integers": lambda rng: rng.integers(-(2**62), 2**62, (3, 2, 6)),
}


@pytest.mark.parametrize("name", BESIDE)
def test_amplitude_and_mean_beside_every_pair_on_its_own(rng, name):
    weight = BESIDE[name](rng)
    report = cm.checkerboard(up(weight, stride=3))
    gains = weight.astype(object).reshape(3, 2, 2, 3).sum(axis=2).reshape(-1, 3).tolist()
    spreads = [max(abs(one - other) for one in own for other in own) for own in gains]
    means = [abs(Fraction(sum(own), 3)) if report.is_exact else abs(sum(own) / 3) for own in gains]
    assert report.amplitude == (max(spreads) if report.is_exact else pytest.approx(max(spreads)))
    assert float(report.relative_amplitude) == pytest.approx(float(max(spreads) / max(means)))
    given, output = divmod(max(range(6), key=spreads.__getitem__), 2)
    assert report.channels == (output, given)


def test_a_stack_of_zeros_is_no_underflow():
    report = cm.checkerboard(up([0.0, 0.0], 18) @ up([1.0, 2.0]))
    assert (report.is_free, report.amplitude, report.relative_amplitude) == (True, 0, 0)


def test_the_nearest_free_weight_and_its_distance():
    report = cm.checkerboard(up("1 1 1"))
    assert report.nearest_free() is report.nearest_free()
    assert cm.checkerboard(report.nearest_free()).is_free
    assert report.squared_distance() == Fraction(1, 3)
    assert report.distance() == pytest.approx(math.sqrt(1 / 3))
    assert cm.checkerboard(up("1 2 1")).distance() == 0


def test_the_layer_of_a_stack_that_changes():
    first, second = up("1 1 1"), up("1 2 2", 19)
    report = cm.checkerboard(second @ first)
    for number, layer in enumerate((first, second)):
        assert cm.checkerboard(report.nearest_free(number)).is_free
        assert report.distance(number) == report.distance(layer) > 0
    with pytest.raises(cm.ConvMatrixError, match="factor must"):
        report.nearest_free()
    with pytest.raises(cm.ConvMatrixError, match="factor must"):
        report.nearest_free(True)
    with pytest.raises(cm.ConvMatrixError, match="factor must"):
        report.nearest_free([1])


@pytest.mark.parametrize("scale", [1e-250, 1.0, 1e250])
def test_distances_of_any_scale(scale):
    assert cm.checkerboard(up(np.array([1.0, 1, 1]) * scale)).distance() == pytest.approx(scale * math.sqrt(1 / 3))
    assert cm.checkerboard(up("1 1 1") * Fraction(1, 3)).distance() == pytest.approx(math.sqrt(1 / 3))


def test_a_distance_of_symbols():
    report = cm.checkerboard(up("a b"))
    assert sympy.expand(report.squared_distance().subs({A: 3, B: 1})) == 2
    with pytest.raises(cm.SymbolicError, match="distance must be one of numbers, got"):
        report.distance()


def test_what_is_free_within_a_tolerance_stays():
    op = up([1.0, 1.25])
    assert cm.checkerboard(op, tol=0.5).nearest_free() is op
    assert cm.checkerboard(op).nearest_free() is not op


def test_offsets_and_phases_are_those_of_the_output():
    op = up("1 2 4", padding=1)
    report, answer = cm.checkerboard(op), op(np.ones(9, dtype=int))
    inside = np.arange(answer.size)[report.overlap.interior]
    assert [report.dc_gain[(o + report.offset[0]) % 2, 0, 0] for o in inside] == answer[inside].tolist()
    assert report.offset == (1,)


def test_results_are_read_only():
    report = cm.checkerboard(up("1 1 1", bias=[1]))
    for values in (report.dc_gain, report.phase_gain, report.bias_gain):
        with pytest.raises(ValueError, match="read-only"):
            values[...] = 0


def test_displays():
    report = cm.checkerboard(up("1 1 1"))
    assert repr(report) == "CheckerboardReport(not free of checkerboards (proved): taps overlap unevenly)"
    assert report._repr_html_().startswith("<table><caption>not free")
    found = report.to_dict()
    assert found["causes"] == ["counts", "border"]
    assert found["frequencies"] == [{"frequency": ["1/2"], "magnitude": 0.5}]
    assert (found["relative_amplitude"], found["dc_gain"]) == ("2/3", [[[2]], [[1]]])
    assert "around a mean gain of 0" in str(cm.checkerboard(up("1 -1")))
    assert "; also (0, 1/2), (1/2, 1/2)" in str(
        cm.checkerboard(cm.conv_transpose([[4, 2], [2, 1]], 2 * (5,), stride=2))
    )
    many = cm.checkerboard(up(np.array(sympy.symbols("w0:40")).reshape(2, 2, 10), stride=5))
    assert "and 10 more" in str(many)
    assert "whatever the symbols" in str(cm.checkerboard(up([A, A + 1])))
    assert "it reaches all outputs" in str(cm.checkerboard(cm.conv("1 1 1 1 1", 3, padding=2)))


def test_a_period_of_many_phases_is_summed_up():
    text = str(cm.checkerboard(up(np.arange(100), stride=100)))
    assert "gains  " not in text
    assert text.count(", ...") == 1


@pytest.mark.parametrize(("value", "root"), [(4, 2.0), (Fraction(1, 4), 0.5), (10**400, 1e200), (2.25, 1.5), (0, 0.0),
                                             (sympy.Integer(2), math.sqrt(2))])  # fmt: skip
def test_square_roots(value, root):
    assert wording.square_root(value) == root


@pytest.mark.parametrize(
    "scale", [1e-300, 1.0, 1e300, 10**400, Fraction(1, 10**400)], ids=lambda scale: f"{scale!s:.8}"
)
def test_spectra_of_any_scale(scale):
    values = np.array([1 * scale, 3 * scale], dtype=float if isinstance(scale, float) else object)
    found = spectrum.components(values, 1)
    wanted = float(scale) if scale != 10**400 else math.inf
    assert found.tolist() == [0, pytest.approx(wanted, rel=1e-12, abs=5e-324)]
    listed = spectrum.listed(*spectrum.shares(values, 1), is_real=True)
    assert listed == (((HALF,), found[1]),)
    assert found[1] > 0
