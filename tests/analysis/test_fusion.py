"""`fuse` against the layers it replaces: matrices by brute force, PyTorch, and drawn geometries."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix import exact
from convmatrix.analysis.comparison import report as comparison
from convmatrix.analysis.fusion import answer, positions, taps
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution

RNG = np.random.default_rng(7)
A, B = sympy.symbols("a b")
BLUR = cm.conv(np.ones((3, 3), dtype=int), (6, 6), padding=1)


def draw(*shape: int) -> np.ndarray:
    return RNG.integers(-4, 5, shape)


def chained(*ops):
    expression = ops[0]
    for op in ops[1:]:
        expression = op @ expression
    return expression


def layers(*specs, size, channels=None):
    """Layers in sequence, each `(weight, options)`, on an input of `size`."""
    made, now = [], size
    for weight, options in specs:
        made.append(cm.conv(weight, now, **options))
        now = made[-1].out_shape[1:]
    return made


CIRCULAR = {"padding": "same", "padding_mode": "circular"}
EXACT = {
    "column, then row": (layers(([[1], [2], [1]], {}), ([[-1, 0, 1]], {}), size=(6, 6)), (3, 3), 1),
    "depthwise, then pointwise": (
        layers((draw(3, 1, 3, 3), {"padding": 1, "groups": 3}), (draw(5, 3, 1, 1), {}), size=(6, 6)),
        (3, 3),
        1,
    ),
    "depthwise, then depthwise": (
        layers((draw(3, 1, 3, 3), {"groups": 3}), (draw(6, 1, 2, 2), {"groups": 3}), size=(6, 6)),
        (4, 4),
        3,
    ),
    "groups of 4, then of 2": (
        layers((draw(4, 1, 3), {"groups": 4}), (draw(4, 2, 2), {"groups": 2}), size=(8,)),
        (4,),
        2,
    ),
    "strides": (
        layers((draw(2, 1, 3), {"stride": 2, "padding": 1}), (draw(2, 2, 1), {"stride": 3}), size=(14,)),
        (3,),
        1,
    ),
    "strides of wide taps": (layers((draw(3), {"stride": 2}), (draw(3), {"stride": 2}), size=(17,)), (7,), 1),
    "dilations": (layers((draw(3), {"dilation": 2}), (draw(3), {"dilation": 3}), size=(15,)), (11,), 1),
    "a common grid": (layers((draw(3), {"dilation": 2}), (draw(2), {"dilation": 4}), size=(15,)), (5,), 1),
    "three axes": (
        layers((draw(2, 1, 2, 1, 3), {}), (draw(1, 2, 2, 2, 1), {"padding": 0}), size=(4, 4, 5)),
        (3, 2, 3),
        1,
    ),
    "circular": (layers((draw(3), CIRCULAR), (draw(2), CIRCULAR), size=(7,)), (4,), 1),
    "circular past the whole input": (layers((draw(5), CIRCULAR), (draw(5), CIRCULAR), size=(5,)), (9,), 1),
    "1x1 before reflected": (
        layers((draw(2, 2, 1), {}), (draw(2, 2, 3), {"padding": 1, "padding_mode": "reflect"}), size=(6,)),
        (3,),
        1,
    ),
    "1x1 after replicated": (
        layers((draw(3), {"padding": 1, "padding_mode": "replicate"}), ([3], {}), size=(6,)),
        (3,),
        1,
    ),
    "padding cut away": (layers((draw(3), {"padding": 2}), (draw(3), {}), size=(6,)), (5,), 1),
    "fully connected": (layers((draw(4, 3), {}), (draw(2, 4), {}), size=()), (), 1),
    "shuffled": (
        [cm.conv(draw(4, 2, 3), 7, groups=2), cm.channel_shuffle((4, 5), 2), cm.conv(draw(4, 2, 2), 5, groups=2)],
        (4,),
        1,
    ),
    "shuffled and back": ([cm.channel_shuffle((6, 5), 2), cm.channel_shuffle((6, 5), 3)], (1,), 6),
    "identity": ([cm.identity((3, 4))], (1,), 3),
    "average, then layer": ([cm.avg_pool((2, 9), 3), cm.conv(draw(2, 2, 2), 3)], (6,), 1),
    "padded average": ([cm.avg_pool((2, 8), 3, padding=1)], (3,), 2),
    "transposed, stride 1": ([cm.conv_transpose(draw(2, 3, 3), 5), cm.conv(draw(1, 3, 2), 7)], (4,), 1),
    "transposed, cropped": ([cm.conv_transpose(draw(1, 1, 3), 6, padding=2)], (3,), 1),
    "transposed twice": (
        [cm.conv_transpose(draw(2, 3, 3), 4, stride=2), cm.conv_transpose(draw(3, 1, 2), 9, stride=2)],
        (6,),
        1,
    ),
    "transposed, in groups": ([cm.conv_transpose(draw(4, 1, 3), 5, stride=2, groups=4)], (3,), 4),
}  # fmt: skip


def assert_is_the_layers(found, expression):
    """The operator's matrix and bias, exactly, and everything said about them."""
    assert found.is_exact
    assert found.is_equal
    assert np.array_equal(exactly(found.operator), exactly(expression))
    assert (found.reason, found.where, found.bias_error) == ("", "nowhere", 0.0)
    assert found.interior == tuple(slice(0, n) for n in expression.out_shape[1:])
    assert not found.differs.any()


def exactly(op):
    return np.array(op.tosympy().tolist(), dtype=object)


@pytest.mark.parametrize(("ops", "kernel_size", "groups"), EXACT.values(), ids=EXACT)
def test_one_convolution_exactly(ops, kernel_size, groups):
    expression = chained(*ops)
    found = cm.fuse(*ops)
    assert_is_the_layers(found, expression)
    assert found.operator.geometry.kernel_size == kernel_size
    assert found.operator.geometry.groups == groups


SUMS = {
    "RepVGG": lambda: (
        cm.conv(draw(3, 3, 3, 3), (5, 6), padding=1) + cm.conv(draw(3, 3, 1, 1), (5, 6)) + cm.identity((3, 5, 6))
    ),
    "dilations 1 and 2": lambda: cm.conv(draw(3), 9, padding=1) + cm.conv(draw(3), 9, padding=2, dilation=2),
    "dilations 2 and 4": lambda: (
        cm.conv(draw(3), 9, padding=2, dilation=2) + cm.conv(draw(3), 9, padding=4, dilation=4)
    ),
    "shifted": lambda: cm.conv(draw(3), 9, padding=((2, 0),)) - cm.conv(draw(2), 9, padding=((0, 1),)),
    "strided with a 1x1": lambda: cm.conv(draw(4, 2, 3), 9, stride=2, padding=1) + cm.conv(draw(4, 2, 1), 9, stride=2),
    "multiples": lambda: 3 * cm.conv(draw(3), 7) - cm.conv(draw(3), 7) / 2 * 4,
    "other strides, one output": lambda: cm.conv(draw(4), 4, stride=2) + cm.conv(draw(4), 4, stride=3),
    "a transpose": lambda: (cm.conv(draw(2, 3, 3), 7, padding=1) + cm.conv(draw(2, 3, 1), 7)).T,
    "strided transposes": lambda: (
        cm.conv_transpose(draw(2, 3, 3), 4, stride=2, padding=1) + cm.conv_transpose(draw(2, 3, 1), 4, stride=2)
    ),
    "a difference of equals": lambda: BLUR - BLUR,
    "grouped and dense": lambda: cm.conv(draw(4, 2, 3), 6, padding=1, groups=2) + cm.conv(draw(4, 4, 1), 6),
    "inside a product": lambda: (
        cm.conv(draw(2, 2, 2), 5) @ (cm.conv(draw(2, 2, 3), 7) + cm.conv(draw(2, 2, 2), 7, dilation=2))
    ),
}  # fmt: skip


@pytest.mark.parametrize("build", SUMS.values(), ids=SUMS)
def test_branches(build):
    expression = build()
    found = cm.fuse(expression)
    if found.operator.dtype.kind in "iO":
        assert_is_the_layers(found, expression)
    else:
        assert found.is_equal


def test_the_transpose_of_a_fusion_is_the_fusion_of_the_transpose():
    op = cm.conv(draw(3, 2, 3), 9, stride=2) + cm.conv(draw(3, 2, 1), 7, stride=2).T.T @ cm.conv(draw(2, 2, 3), 9)
    straight, turned = cm.fuse(op), cm.fuse(op.T)
    assert isinstance(straight.operator, Convolution)
    assert isinstance(turned.operator, Transposed)
    np.testing.assert_array_equal(turned.operator.toarray(), straight.operator.T.toarray())
    assert turned.is_exact


REASONS = {
    "pixel shuffle": ([cm.pixel_shuffle((4, 3, 3), 2)], "a pixel shuffle moves entries between channels and positions"),
    "resize": ([cm.resize((1, 4), 2)], "a resize reads other taps at every phase of its outputs"),
    "its transpose": ([cm.resize((1, 4), 2).T], "the transpose of Resize is not made of convolutions"),
    "down and up": (
        [cm.conv(draw(3), 9, stride=2), cm.conv_transpose(draw(3), 4, stride=2)],
        "a transposed convolution of stride 2 reads other taps at every phase of its outputs",
    ),
    "strides": (
        [cm.conv([1, 2, 1], 9, stride=2) + cm.conv(draw(6), 9)],
        "the branches step by 2 and by 1 inputs on axis 0, and one convolution has one stride",
    ),
}


@pytest.mark.parametrize(("ops", "reason"), REASONS.values(), ids=REASONS)
def test_what_is_not_one_convolution(ops, reason):
    found = cm.fuse(*ops)
    assert found.operator is None
    assert reason in found.reason
    assert (found.is_exact, found.is_equal, found.where) == (False, False, "")
    assert found.comparison is found.differs is found.interior is None
    assert str(found).startswith("not one convolution: ")
    assert found.parameters[1] == 0


# -- borders ----------------------------------------------------------------------------------------------------------


def test_padding_twice_differs_at_the_border():
    found = cm.fuse(BLUR, BLUR)
    gap = found.operator.toarray() - (BLUR @ BLUR).toarray()
    by_force = gap.any(axis=1).reshape(6, 6)
    np.testing.assert_array_equal(found.differs, by_force)
    assert (found.is_exact, found.is_equal, by_force.sum()) == (False, False, 20)
    assert found.interior == (slice(1, 5), slice(1, 5))
    assert found.where == "the outermost 1 position at every side of both axes: 20 of 36 output positions"
    assert found.comparison.max_error == np.abs(gap).max()
    assert found.comparison.frobenius == pytest.approx(np.linalg.norm(gap))
    assert found.comparison.spectral == pytest.approx(np.linalg.norm(gap, 2))
    assert found.multiplications == (648, 900)
    assert found.parameters == (18, 25)


WORDS = {
    "one side": (
        layers(([1, 2, 3], {"padding": ((1, 0),)}), ([1, 2, 3], {"padding": ((2, 0),)}), size=(9,)),
        "the first 2 positions of axis 0: 2 of 8 output positions",
    ),
    "two axes, each its own": (
        layers((draw(3, 3) + 9, {"padding": 1}), (draw(1, 5) + 9, {"padding": (0, 2)}), size=(7, 8)),
        "the first 2 and last 2 positions of axis 1: 28 of 56 output positions",
    ),
    "everywhere": (
        layers(([1, 2, 3], {"padding": 1}), ([1, 2, 3, 4, 5], {"padding": 2}), size=(3,)),
        "3 of 3 output positions",
    ),
    "zeros behind a transposed layer": (
        [cm.conv(abs(draw(2, 1, 3)) + 1, 6), cm.conv_transpose(abs(draw(2, 1, 2)) + 1, 4)],
        "the outermost 1 position at every side of the axis: 2 of 5 output positions",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ops", "words"), WORDS.values(), ids=WORDS)
def test_where_in_words(ops, words):
    found = cm.fuse(*ops)
    assert found.where == words
    assert words in str(found)


def test_a_bias_before_a_padded_layer_differs_at_the_border():
    first = cm.conv(draw(2, 1, 1, 1), (5, 5), bias=[3, -2])
    second = cm.conv(np.abs(draw(1, 2, 3, 3)) + 1, (5, 5), padding=1, bias=[10])
    expression = second @ first
    found = cm.fuse(first, second)
    gap = np.abs(np.broadcast_to(found.operator.bias, (1, 5, 5)) - expression.bias)
    assert found.comparison.is_exact
    assert (found.is_exact, found.is_equal) == (False, False)
    assert found.bias_error == gap.max() > 0
    np.testing.assert_array_equal(found.differs, (gap > 0).any(axis=0))
    assert found.interior == (slice(1, 4), slice(1, 4))
    assert f"bias             differs by at most {gap.max():.3g}" in str(found)


BIASED = {
    "sequence": (cm.conv(draw(3, 2, 3), 9, bias=[1, 2, 3]), cm.conv(draw(2, 3, 2), 7, stride=2, bias=[4, 5])),
    "only the first": (cm.conv(draw(3, 2, 3), 9, bias=[1, 2, 3]), cm.conv(draw(2, 3, 2), 7)),
    "groups": (cm.conv(draw(4, 1, 3), 9, groups=2, bias=[1, 2, 3, 4]), cm.conv(draw(4, 2, 2), 7, groups=2)),
    "circular": (cm.conv(draw(3), 7, bias=[5], **CIRCULAR), cm.conv(draw(3), 7, bias=[2], **CIRCULAR)),
    "fractions": (cm.conv(draw(3), 7, bias=[Fraction(1, 3)]), cm.avg_pool((1, 5), 2), cm.conv(draw(2), 2, bias=[1])),
    "symbols": (cm.conv(draw(3), 7, bias=[A]), cm.conv([B, 1], 5, bias=[2])),
    "large": (cm.conv([10**10, 1], 7, bias=[10**15]), cm.conv([10**10, 1], 6, bias=[10**18])),
    "transposed": (cm.conv_transpose(draw(2, 3, 1), 5, bias=[1, 2, 3]), cm.conv(draw(1, 3, 2), 5)),
    "transposed, strided": (cm.conv_transpose(draw(2, 3, 3), 5, stride=2, bias=[1, 2, 3]),),
    "branches": (cm.conv(draw(3), 7, bias=[5]) * 2 - cm.conv(draw(3), 7, bias=[2]),),
    "average": (cm.conv(draw(3), 8, bias=[5]), cm.avg_pool((1, 6), 3)),
}


@pytest.mark.parametrize("ops", BIASED.values(), ids=BIASED)
def test_biases(ops):
    found, expression = cm.fuse(*ops), chained(*ops)
    assert found.is_exact
    wanted = np.broadcast_to(expression.bias, expression.out_shape)
    given_ = np.broadcast_to(found.operator.bias, expression.out_shape)
    if any(exact.is_sympy(value) for value in wanted.flat):
        assert all(sympy.expand(a - b) == 0 for a, b in zip(given_.flat, wanted.flat, strict=True))
    else:
        np.testing.assert_allclose(given_.astype(float), wanted.astype(float), rtol=1e-15)


def test_biases_that_cancel_are_measured_by_what_cancelled():
    first = cm.conv([[[1 / 3]], [[1 / 3]]], 7, bias=[1 / 3, 2 / 7])
    second = cm.conv([[[0.7, 0.1], [-14 / 15, 0]]], 7)
    found = cm.fuse(first, second)
    assert found.is_equal
    assert found.bias_error < 1e-16


def test_float_biases_beside_symbols():
    layer, symbols = cm.conv([1, 2], 7, bias=[0.1]), cm.conv([A, 1], 7)
    for expression in (symbols + layer, A * cm.conv([1, 2], 7) + layer, cm.conv([B], 6, bias=[0.1]) @ symbols):
        found = cm.fuse(expression)
        assert (found.is_equal, found.is_exact, found.bias_error) == (True, False, 0.0)


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_kinds_of_numbers():
    huge = cm.fuse(cm.conv([10**12, 1], 5), cm.conv([10**12, 1], 4))
    assert (huge.operator.weight[0, 0].tolist(), huge.is_exact) == ([10**24, 2 * 10**12, 1], True)
    thirds = cm.fuse(cm.conv([Fraction(1, 3), 1], 5), cm.conv([3, 3], 4))
    assert (thirds.operator.weight.tolist(), thirds.is_exact) == ([[[1, 4, 3]]], True)
    letters = cm.fuse(cm.conv([A, 1], 5), cm.conv([A, -1], 4))
    assert (letters.operator.weight[0, 0].tolist(), letters.is_exact) == ([A**2, 0, -1], True)
    single = cm.fuse(cm.conv(np.float32([0.1, 1]), 5), cm.conv(np.float32([0.1, 1]), 4))
    assert (single.operator.dtype, single.is_equal, single.is_exact) == (np.float32, True, False)
    mixed = cm.fuse(cm.conv([0.5, 1], 5), cm.conv([Fraction(1, 3), 1], 4))
    assert (mixed.operator.dtype, mixed.is_equal, mixed.is_exact) == (np.float64, True, False)
    complex_ = cm.fuse(cm.conv([1j, 1], 5), cm.conv([1j, 1], 4))
    assert (complex_.operator.weight[0, 0].tolist(), complex_.is_equal) == ([-1, 2j, 1], True)
    pool = cm.fuse(cm.avg_pool((1, 6), 3))
    assert pool.operator.weight[0, 0].tolist() == [Fraction(1, 3)] * 3


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_any_scale(scale, rng):
    a, b = rng.standard_normal((2, 3)) * scale
    found = cm.fuse(cm.conv(a, 8), cm.conv(b, 6))
    assert found.is_equal
    np.testing.assert_allclose(found.operator.weight[0, 0] / scale**2, np.convolve(a / scale, b / scale), rtol=1e-12)


def test_inputs_are_left_alone(rng):
    weight = np.asfortranarray(rng.integers(-3, 4, (4, 4, 3, 3)))[::2, ::2]
    weight.flags.writeable = False
    first, second = cm.conv(weight, (6, 6)), cm.conv(weight, (4, 4))
    found = cm.fuse(first, second)
    assert found.is_exact
    assert not found.operator.weight.flags.writeable


def test_a_tolerance_of_ones_own():
    rounded = cm.conv([0.3, 0.7], 5) + cm.conv([1e-9, 0.0], 5)
    assert cm.fuse(rounded, tol=1e-6).comparison.tol == 1e-6


# -- large layers -----------------------------------------------------------------------------------------------------


def test_large_layers_are_compared_on_a_smaller_input(monkeypatch):
    monkeypatch.setattr(comparison, "MOST_ENTRIES", 5000)
    blur = cm.conv(np.ones((3, 3), dtype=int), (40, 41), padding=1)
    found = cm.fuse(blur, blur)
    assert found.comparison.input_size == (40, 41) != found.comparison.checked_size
    assert found.proof == "every entry of both matrices on a smaller input"
    assert found.interior == (slice(1, 39), slice(1, 40))
    np.testing.assert_array_equal(
        found.differs, (found.operator.tosparse() != (blur @ blur).tosparse()).sum(axis=1).reshape(40, 41) > 0
    )


WIDE = {
    "exact": (lambda: [cm.conv(draw(8, 8, 3), 9), cm.conv(draw(8, 8, 3), 7)], True),
    "1x1 + identity": (lambda: [cm.conv(draw(8, 8, 3), 9, padding=1) + cm.identity((8, 9))], True),
    "border": (lambda: [cm.conv(draw(8, 8, 3), 9, padding=1)] * 2, False),
    "transposed": (lambda: [cm.conv_transpose(draw(8, 8, 3), 9, stride=2)], True),
    "average": (lambda: [cm.avg_pool((8, 9), 3), cm.conv(draw(8, 8, 2), 3)], True),
    "shuffle": (lambda: [cm.channel_shuffle((8, 9), 2), cm.conv(draw(8, 8, 3), 9)], True),
    "circular": (lambda: [cm.conv(draw(8, 8, 3), 9, **CIRCULAR)] * 2, True),
}


@pytest.mark.parametrize(("build", "is_exact"), WIDE.values(), ids=WIDE)
def test_layers_of_many_channels_are_proved_by_the_positions_of_their_taps(build, is_exact, monkeypatch):
    ops = build()
    expression = chained(*ops)
    monkeypatch.setattr(answer, "compare", too_large)
    found = cm.fuse(*ops)
    assert found.proof.startswith("the matrices are too large; the positions that taps read were compared")
    assert (found.comparison, found.is_exact, found.is_equal) == (None, is_exact, is_exact)
    gap = exactly(found.operator) != exactly(expression)
    np.testing.assert_array_equal(found.differs, gap.any(axis=1).reshape(expression.out_shape).any(axis=0))
    json.dumps(found.to_dict())
    assert "for any weights" in str(found)


def too_large(*_):
    raise cm.MatrixTooLargeError("the matrix", 2, 1)


def test_too_many_choices_of_taps_are_not_compared(monkeypatch):
    monkeypatch.setattr(answer, "compare", too_large)
    monkeypatch.setattr(positions, "_MOST_CHOICES", 3)
    found = cm.fuse(cm.conv([1, 2, 3], 9))
    assert (found.is_exact, found.where, found.differs) == (False, "not compared", None)
    assert found.reason.startswith("not compared: the matrix would take 2 bytes")
    assert str(found).startswith("one convolution, not compared")


# -- errors and displays ----------------------------------------------------------------------------------------------

ERRORS = {
    "nothing": (lambda: cm.fuse(), "ops must be at least one TensorOperator, got none"),
    "no operator": (lambda: cm.fuse(BLUR, 3), "ops must be TensorOperators, got int at position 1"),
    "shapes": (
        lambda: cm.fuse(BLUR, BLUR, cm.conv([1], 3)),
        r"ops must chain, got \(1, 6, 6\) from position 1 and \(1, 3\) at position 2",
    ),
    "tol": (lambda: cm.fuse(BLUR, tol=-1), "tol must be a number of at least 0, got -1"),
    "NaN": (lambda: cm.fuse(cm.conv([math.nan], 3)), "ops must have finite weights and biases to be fused, got nan"),
    "SymPy's NaN": (lambda: cm.fuse(cm.conv([1, sympy.nan], 3)), "ops must have finite weights and biases .* got nan"),
    "SymPy's infinite factor": (lambda: cm.fuse(sympy.oo * cm.conv([1, 2], 3)), "whose products are finite, got oo"),
    "infinite bias": (lambda: cm.fuse(cm.conv([1], 3, bias=[math.inf])), "biases to be fused, got inf"),
    "NaN in a transposed layer's bias": (
        lambda: cm.fuse(cm.conv_transpose([1.0, 2.0], 3, stride=2, bias=[math.nan])),
        "ops must have finite weights and biases to be fused, got nan",
    ),
    "overflow of a bias": (
        lambda: cm.fuse(cm.conv([1.0], 3, bias=[1e308]), cm.conv([-10.0, 10.0], 3, padding=1)),
        "ops must have biases whose sums a float64 holds, got inf",
    ),
    "overflow": (
        lambda: cm.fuse(cm.conv([1e300], 3), cm.conv([1e300], 3)),
        "ops must have weights whose products a float64 holds, got inf",
    ),
    "overflow of singles": (
        lambda: cm.fuse(cm.conv(np.float32([1e30]), 3), cm.conv(np.float32([1e30]), 3)),
        "ops must have weights whose products a float32 holds, got inf",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(call, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        call()


def test_exact_work_is_bounded(monkeypatch):
    monkeypatch.setattr(taps, "_MOST_EXACT_PRODUCTS", 30)
    with pytest.raises(cm.ConvMatrixError, match="exact weights must need at most 3 products to be fused, got 4"):
        cm.fuse(cm.conv([A, 1], 5), cm.conv([A, 1], 4))


DISPLAYED = {
    "exact": [BLUR],
    "border": [BLUR, BLUR],
    "none": [cm.pixel_shuffle((4, 3), 4)],
    "symbols": [cm.conv([A, B, 1], 5, padding=1, bias=[A])] * 2,
    "transposed": [cm.conv_transpose([1, 2], 3, stride=2)],
    "fully connected": [cm.conv([[1, 2]], ())],
}


@pytest.mark.parametrize("ops", DISPLAYED.values(), ids=DISPLAYED)
def test_displays(ops):
    found = cm.fuse(*ops)
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["is_exact"] == found.is_exact
    assert plain["multiplications"] == list(found.multiplications)
    assert found._repr_html_().startswith("<table><caption>")
    assert f"parameters       {found.parameters[0]}" in str(found)


# -- against others ---------------------------------------------------------------------------------------------------

TORCH = [
    {"axes": 1, "strides": (2, 1), "pads": (1, 0), "dilations": (2, 1), "groups": (1, 1)},
    {"axes": 1, "strides": (1, 3), "pads": (2, 0), "dilations": (1, 2), "groups": (2, 2)},
    {"axes": 2, "strides": (1, 1), "pads": (1, 0), "dilations": (1, 1), "groups": (4, 1)},
    {"axes": 2, "strides": (2, 2), "pads": (0, 0), "dilations": (1, 2), "groups": (2, 1)},
    {"axes": 3, "strides": (1, 2), "pads": (1, 0), "dilations": (1, 1), "groups": (1, 2)},
]


@pytest.mark.parametrize(
    "case",
    TORCH,
    ids=str,
)
def test_pytorch_runs_both_layers_and_the_one(case, rng):
    torch = pytest.importorskip("torch")
    axes, size = case["axes"], (13, 12, 11)[: case["axes"]]
    layer = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)[axes - 1]
    x = rng.integers(-4, 5, (4, *size)).astype(float)
    value, ops, now = torch.from_numpy(x)[None], [], size
    for stride, pad, dilation, groups in zip(
        *(case[name] for name in ("strides", "pads", "dilations", "groups")), strict=True
    ):
        weight, bias = (
            rng.integers(-4, 5, (4, 4 // groups, *[3] * axes)).astype(float),
            rng.integers(-4, 5, 4).astype(float),
        )
        options = {"stride": stride, "padding": pad, "dilation": dilation, "groups": groups}
        value = layer(value, torch.from_numpy(weight), torch.from_numpy(bias), **options)
        ops.append(cm.conv(weight, now, bias=bias, **options))
        now = ops[-1].out_shape[1:]
    found = cm.fuse(*ops)
    assert found.is_equal
    one = found.operator
    pads = [(axis.pad_before, axis.pad_after) for axis in one.geometry.axes]
    padded = torch.from_numpy(np.pad(x, [(0, 0), *pads]))[None]
    steps = {
        "stride": one.geometry.axes[0].stride,
        "dilation": one.geometry.axes[0].dilation,
        "groups": one.geometry.groups,
    }
    at_once = layer(padded, torch.from_numpy(one.weight.copy()), torch.from_numpy(one.bias.reshape(-1).copy()), **steps)
    np.testing.assert_array_equal(at_once.numpy(), value.numpy())
    np.testing.assert_array_equal((one(x) + one.bias)[None], value.numpy())


MODES = ("zeros", "circular", "reflect", "replicate", "symmetric")


@st.composite
def small_layer(draw_, shape):
    """A small convolution, transposed convolution or average on tensors of a shape."""
    channels, size = shape
    kind = draw_(st.sampled_from(["conv", "conv", "conv", "transposed", "average", "shuffle"]))
    taps_, stride, dilation = draw_(st.integers(1, 3)), draw_(st.integers(1, 2)), draw_(st.integers(1, 2))
    values = st.integers(-3, 3)
    groups = draw_(st.sampled_from([g for g in (1, 2) if channels % g == 0]))
    bias = draw_(st.none() | st.lists(values, min_size=2, max_size=2))
    if kind == "shuffle":
        return cm.channel_shuffle(shape, groups)
    if kind == "average":
        return cm.avg_pool(shape, min(size, 2), stride=stride)
    if kind == "transposed":
        weight = np.array(
            draw_(st.lists(values, min_size=2 * channels * taps_ // groups, max_size=2 * channels * taps_ // groups))
        )
        weight = weight.reshape(channels, 2 // groups, taps_)
        return cm.conv_transpose(weight, size, stride=stride, dilation=dilation, groups=groups, bias=bias)
    weight = np.array(
        draw_(st.lists(values, min_size=2 * channels * taps_ // groups, max_size=2 * channels * taps_ // groups))
    )
    pads = (draw_(st.tuples(st.integers(0, 2), st.integers(0, 2))),)
    mode = draw_(st.sampled_from(MODES))
    options = {"stride": stride, "dilation": dilation, "groups": groups, "padding": pads, "padding_mode": mode}
    try:
        return cm.conv(weight.reshape(2, channels // groups, taps_), size, bias=bias, **options)
    except cm.ConvMatrixError:
        assume(False)


@given(st.data())
def test_never_a_false_claim(data):
    shape, ops = (data.draw(st.integers(1, 2)), data.draw(st.integers(1, 8))), []
    for _ in range(data.draw(st.integers(1, 3))):
        ops.append(data.draw(small_layer(shape)))
        shape = ops[-1].out_shape
    expression = chained(*ops)
    found = cm.fuse(*ops)
    if found.operator is None:
        assert found.reason
        return
    matrices_agree = np.array_equal(exactly(found.operator), exactly(expression))
    gap = 0 if expression.bias is None else np.asarray(found.operator.bias - expression.bias, dtype=float)
    assert found.comparison.is_exact == matrices_agree
    assert found.is_exact == (matrices_agree and np.abs(gap).max() < 1e-9)
