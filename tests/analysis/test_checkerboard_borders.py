"""`checkerboard` on what is added and on what lies outside the interior: biases and borders."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

import convmatrix as cm
from convmatrix.analysis.checkerboard import borders

HALF = Fraction(1, 2)
HUGE = 10**30
A = sympy.Symbol("a")


def up(weight, size=9, **options):
    return cm.conv_transpose(weight, size, **{"stride": 2, **options})


# -- bias --------------------------------------------------------------------------------------------------------------


def test_one_bias_a_channel_is_even():
    report = cm.checkerboard(up("1 2 1", bias=[7]))
    assert (report.is_free, report.bias_amplitude, report.bias_gain.tolist()) == (True, 0, [[7]])
    assert cm.checkerboard(up("1 2 1"), bias=[3]).bias_gain.tolist() == [[3]]
    assert cm.checkerboard(up("1 2 1")).bias_gain is None


def test_a_bias_before_an_uneven_layer_ripples():
    stack = up("1 1 1", 9) @ cm.conv("1", 9, bias=[4])
    report = cm.checkerboard(stack)
    assert (report.bias_amplitude, report.causes[:2]) == (4, ("counts", "bias"))
    assert cm.checkerboard(stack, bias=[0]).causes[:1] == ("counts",)
    assert cm.checkerboard(stack, bias=[0]).bias_is_even


def test_the_uneven_bias_of_sub_pixel_convolution():
    conv = cm.conv(np.ones((4, 1, 3), dtype=int), 6, padding=1, bias=[1, 1, 2, 5])
    report = cm.checkerboard(cm.pixel_shuffle((4, 6), 2) @ conv)
    assert report.gains_are_even
    assert (report.is_free, report.bias_is_even, report.bias_amplitude) == (False, False, 3)
    assert (report.period, report.channels, report.frequency) == ((2,), (1, None), (HALF,))
    assert report.causes == ("bias", "border")
    assert report.spectrum.tolist() == [0, 1.5]
    assert "the bias is uneven" in str(report)
    assert "ripple of the bias  3" in str(report)


def test_float_biases_are_even_within_their_own_tolerance():
    stack = up(np.float64([0.1, 0.1, 0.2, 0.2]), 9) @ cm.conv([1.0], 9, bias=[1e12 / 3])
    report = cm.checkerboard(stack)
    assert report.is_free
    assert report.bias_tol > 1e-6 > report.tol
    assert not cm.checkerboard(stack, bias=[[1e-3, 0] * 10]).is_free


def test_a_bias_by_position():
    op = up("1 2 1")
    sizes = op.out_shape[1:]
    even = cm.checkerboard(op, bias=np.zeros(sizes, dtype=int))
    assert (even.is_free, even.period, even.bias_gain.shape) == (True, (1,), (1, 1))
    wave = np.arange(sizes[0]) % 2
    waved = cm.checkerboard(op, bias=wave)
    assert (waved.is_free, waved.period, waved.bias_amplitude, waved.cause) == (False, (2,), 1, "bias")
    assert waved.bias_gain[(5 + waved.offset[0]) % 2, 0] == 1
    assert waved.dc_gain.reshape(-1).tolist() == [2, 2]
    slope = cm.checkerboard(op, bias=np.arange(sizes[0]))
    low, high = slope.overlap.interior[0].start, slope.overlap.interior[0].stop
    assert (slope.bias_amplitude, slope.bias_gain.shape) == (high - low - 1, (high - low, 1))
    assert slope.bias_gain[(low + slope.overlap.offset[0]) % (high - low), 0] == low
    edge = np.zeros(sizes, dtype=int)
    edge[0] = 1
    at_edge = cm.checkerboard(op, bias=edge)
    assert (at_edge.is_free, at_edge.causes) == (True, ("border",))


def test_a_bias_that_evens_nothing_out():
    op = up("1 1 1")
    gains = op(np.ones(9, dtype=int))
    assert not cm.checkerboard(op, bias=2 - gains).is_free


BAD_BIAS = {
    "length": ([1, 2, 3], "bias must have one value for each of the 2 output channels, or broadcast to .2, 8., got"),
    "axes": (np.zeros((1, 2, 8)), r"got shape \(1, 2, 8\)"),
    "nan": ([math.nan, 0], "bias must be finite, got nan"),
    "text": (["a", "b"], "bias must be made of numbers or SymPy expressions, got text 'a'"),
    "too large": ([1.7e308, -1.7e308], "bias must have sums that a float64 holds"),
}


@pytest.mark.parametrize(("bias", "message"), BAD_BIAS.values(), ids=BAD_BIAS)
def test_bad_biases(bias, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.checkerboard(cm.conv_transpose(np.ones((1, 2, 2), dtype=int), 4, stride=2), bias=bias)


# -- border ------------------------------------------------------------------------------------------------------------

BORDERS = {
    "none": (up("1 1"), False),
    "cropped": (up("1 2 1", padding=1), False),
    "uncropped": (up("1 2 1"), True),
    "zeros": (cm.conv("1 2 1", 9, padding=1), True),
    "zeros that do no harm": (cm.conv("0 2 0", 9, padding=1), False),
    "circular": (cm.conv("1 2 1", 9, padding=1, padding_mode="circular"), False),
    "reflected": (cm.conv("1 2 1", 9, padding=1, padding_mode="reflect"), False),
    "clamped interpolation": (cm.resize((1, 9), 2, "linear"), False),
    "its gradient": (cm.resize((1, 9), 2, "linear").T, False),
    "the gradient of an average": (cm.avg_pool((1, 9), 3, stride=1, padding=1, count_include_pad=False).T, True),
    "one channel of two": (cm.conv(np.array([[[0, 1, 0], [1, 0, 0]]]), 9, padding=1), True),
    "floats": (cm.conv([1.0, 2.0, 1.0], 9, padding=1), True),
    "huge": (cm.conv([HUGE, 1, 1], 9, padding=1), True),
    "symbols": (cm.conv([A, 1, 1], 9, padding=1), True),
    "no interior": (cm.conv("1 1 1 1 1", 3, padding=2), True),
    "resized and convolved, large": (cm.conv("1 2 1", 1500, padding=1) @ cm.resize((1, 1000), 1.5, "linear"), True),
    "resized, then reflected": (
        cm.conv("1 2 1", 2000, padding=1, padding_mode="reflect") @ cm.resize((1, 1000), 2), False),
    "shuffled, large": (cm.pixel_shuffle((2, 10**5), 2) @ cm.conv([[[0, 1, 0]]] * 2, 10**5, padding=1), False),
    "unshuffled, large": (
        cm.conv([[[1, 1, 1]] * 2], 10**5, padding=1) @ cm.pixel_shuffle((2, 10**5), 2).T, True),
    "a long line": (cm.conv("1 2 1", 10**6, padding=1), True),
    "overflow on the way": (
        cm.conv([[[0] * 3]], 9) @ cm.conv([[[2**62, 2**62, 2**62]]], 9, padding=1), False),
}  # fmt: skip


@pytest.mark.parametrize(("op", "differs"), BORDERS.values(), ids=BORDERS)
def test_the_border(op, differs):
    report = cm.checkerboard(op)
    assert report.border_differs is differs
    assert ("border" in report.causes) is differs
    assert str(report)


def test_what_is_too_large_is_not_tried(monkeypatch):
    monkeypatch.setattr(borders, "MOST_WORK", 10)
    report = cm.checkerboard(cm.conv("1 2 1", 9, padding=1))
    assert report.border_differs is None
    assert report.causes == ()
    assert "was not tried" in str(report)
    assert report.to_dict()["border_differs"] is None


@pytest.mark.parametrize("name", [name for name in BORDERS if BORDERS[name][0].shape[1] < 5000])
def test_a_smaller_input_shows_the_same_border(name, monkeypatch):
    monkeypatch.setattr(borders, "smaller_pair", lambda left, right: None)
    op, differs = BORDERS[name]
    assert cm.checkerboard(op).border_differs is differs


def test_a_border_that_shows_in_the_first_channels_is_believed(monkeypatch):
    op = cm.conv(np.ones((1, 4, 3), dtype=int), 9, padding=1)
    monkeypatch.setattr(borders, "MOST_WORK", 200)
    assert cm.checkerboard(op).border_differs is True
