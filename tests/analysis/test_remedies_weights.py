"""Remedies in every kind of number, sub-pixel weights and ICNR by its definition, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from remedy_cases import NUMBERS, OPERATORS, found_of, ints

import convmatrix as cm
from convmatrix.analysis.remedies.distance import ratio_of_roots, root, sum_of_squares
from convmatrix.operators.algebra import Product

# -- sub-pixel --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", NUMBERS, ids=lambda numbers: numbers.__name__)
@pytest.mark.parametrize(
    ("shape", "factor"),
    [((6, 2, 3), 3), ((6, 2, 3, 3), (2, 3)), ((16, 1, 2, 3, 1), 2), ((9, 2, 3, 3), (1, 3)), ((3, 1, 2), 1)],
    ids=str,
)
def test_icnr_by_its_definition(shape: tuple[int, ...], factor: Any, numbers: Any) -> None:
    weight = numbers(*shape)
    made = cm.icnr(weight, factor)
    axes = len(shape) - 2
    factors = (factor,) * axes if isinstance(factor, int) else factor
    together = math.prod(factors)
    assert made.shape == weight.shape
    assert weight.dtype.kind not in "fc" or made.dtype == weight.dtype
    for channel in range(shape[0] // together):
        own = slice(channel * together, (channel + 1) * together)
        total = (
            sum(weight[own].astype(object)) * Fraction(1, together)
            if weight.dtype.kind in "iO"
            else weight[own].mean(axis=0)
        )
        for kernel in made[own]:
            if weight.dtype.kind in "iO":
                assert np.array_equal(kernel, total)
            else:
                assert np.allclose(kernel, total, rtol=1e-6)
                assert np.array_equal(kernel, made[own][0])
    again = cm.icnr(made, factor)
    assert np.allclose(again, made, rtol=1e-6) if weight.dtype.kind in "fc" else np.array_equal(again, made)


def test_icnr_is_the_mean_kernel_enlarged() -> None:
    weight = ints(8, 3, 3, 3)
    layer = cm.conv(cm.icnr(weight, 2), (6, 5), padding=1)
    mean = cm.conv(weight.reshape(2, 4, 3, 3, 3).sum(axis=1).astype(object) * Fraction(1, 4), (6, 5), padding=1)
    shuffled = cm.pixel_shuffle(layer.out_shape, 2) @ layer
    assert shuffled.tosympy() == (cm.resize(mean.out_shape, 2) @ mean).tosympy()


@pytest.mark.parametrize("value", [1e300, 1e-300, 5e-324, 1.7e308, 0.0])
def test_icnr_at_the_ends_of_the_floats(value: float) -> None:
    assert np.array_equal(cm.icnr(np.full((4, 1, 2), value), 2), np.full((4, 1, 2), value))


def test_icnr_of_huge_integers_and_symbols() -> None:
    assert cm.icnr([[[10**30]], [[10**30 + 2]]], 2).reshape(-1).tolist() == [10**30 + 1] * 2
    a, b = sympy.symbols("a b")
    assert all(sympy.expand(value - (a + b) / 2) == 0 for value in cm.icnr([[[a]], [[b]]], 2).flat)


@pytest.mark.parametrize("name", ["sub-pixel 1-D", "sub-pixel, even kernel", "sub-pixel, groups"])
def test_rows_of_a_sub_pixel_layer(name: str) -> None:
    op, found = OPERATORS[name], found_of(name)
    assert isinstance(op, Product)
    factor = tuple(b // a for a, b in zip(op.right.out_shape[1:], op.out_shape[1:], strict=True))
    assert [row.name for row in found] == [
        "as it is",
        "nearest free",
        "resize nearest",
        "resize linear",
        "ICNR",
        "smoothing",
    ]
    row = found["ICNR"]
    assert np.array_equal(row.operator.right.weight, cm.icnr(op.right.weight, factor))
    assert found["nearest free"].distance <= row.distance * (1 + 1e-12)
    assert row.distance == pytest.approx(row.weight_distance / np.linalg.norm(op.right.weight.astype(float)))
    small = found["resize nearest"]
    assert small.parameters * math.prod(factor) == found["as it is"].parameters


@pytest.mark.parametrize(
    ("name", "left_out"),
    [("sub-pixel, groups across", "do not fall into 4 groups"), ("sub-pixel, stride", "a stride of its own")],
    ids=lambda text: text,
)
def test_what_a_sub_pixel_layer_has_not(name: str, left_out: str) -> None:
    found = found_of(name)
    assert any(left_out in note for note in found.notes)
    assert not any(row.name.startswith("resize") for row in found)


# -- numbers of every kind --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-300, 1e300, Fraction(1, 10**400), 10**400], ids=str)
def test_scales(scale: Any) -> None:
    weight = [[[value * scale for value in (1, 2, 4)]]]
    plain, scaled = (
        cm.remedies(cm.conv_transpose([[[1, 2, 4]]], 8, stride=2)),
        cm.remedies(cm.conv_transpose(weight, 8, stride=2)),
    )
    assert len(scaled) + len(scaled.notes) == len(plain)
    for row in plain:
        if any(note.startswith(f"{row.name}: ") for note in scaled.notes):
            assert scale == 1e-300  # Products of floats so small are refused, with the reason.
            continue
        other = scaled[row.name]
        assert row.is_free == other.is_free
        assert (row.distance is None) == (other.distance is None)
        if row.distance is not None:
            assert other.distance == pytest.approx(row.distance, rel=1e-12, abs=1e-14)
    str(scaled)
    json.dumps(scaled.to_dict(), allow_nan=False)


def test_symbols() -> None:
    found = cm.remedies(cm.conv_transpose("a b c", 8, stride=2))
    assert [row.is_free for row in found] == [row.name not in ("as it is", "kernel size 4") for row in found]
    assert all(row.distance is None for row in found if row.is_free)
    assert found.best is None
    json.dumps(found.to_dict(), allow_nan=False)
    assert "ways are free: (1, 8)" in str(found)


def test_radicals_have_distances() -> None:
    root_of_two = sympy.sqrt(2)
    found = cm.remedies(cm.conv_transpose([root_of_two, 1, root_of_two], 8, stride=2))
    near = cm.remedies(cm.conv_transpose([2**0.5, 1.0, 2**0.5], 8, stride=2))
    for row, other in zip(found, near, strict=True):
        assert row.distance == pytest.approx(other.distance)


def test_a_zero_weight() -> None:
    found = cm.remedies(cm.conv_transpose([0, 0, 0], 8, stride=2))
    assert all(row.is_free for row in found)
    assert all(row.distance in (0.0, None) for row in found)


@pytest.mark.parametrize(
    "square",
    [0, 4, Fraction(1, 9), Fraction(7, 10**700), Fraction(2) ** 1500, 10**5000],
    ids=lambda value: f"{float(value.numerator.bit_length()):g} bits",
)
def test_roots_beyond_floats(square: Any) -> None:
    expected = sympy.sqrt(sympy.Rational(square)).evalf(20)
    assert root(square) == (pytest.approx(float(expected), rel=1e-14) if expected < sympy.Float("1e300") else math.inf)


def test_ratios() -> None:
    assert ratio_of_roots([0], [0]) == 0
    assert ratio_of_roots([1], [0]) == math.inf
    assert ratio_of_roots([(1.0,)], [(0.0,)]) == math.inf
    assert ratio_of_roots([None], [1]) is None
    assert sum_of_squares(np.array([1e300, 1e300])) == (pytest.approx(1e300 * math.sqrt(2)),)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cm.remedies(3), "op must be a TensorOperator, such as conv.* makes, got int"),
        (lambda: cm.remedies(cm.conv(np.ones((2, 2)), ())), "op must map tensors"),
        (lambda: cm.remedies(cm.conv_transpose([1.0, np.nan], 5, stride=2)), "nan"),
        (lambda: cm.remedies(cm.conv_transpose([1.0, 2.0], 5, stride=2), tol=-1), "tol must be at least 0, got -1"),
        (lambda: cm.icnr([1, 2], 2), r"weight must have the shape .*, got shape \(2,\)"),
        (lambda: cm.icnr(np.ones((6, 1, 3, 3)), 2), "factor must have a product that divides the 6 .*, got 2"),
        (lambda: cm.icnr(np.ones((6, 1, 3, 3)), (2,)), r"factor must be one integer or one for each of the 2 axes"),
        (lambda: cm.icnr(np.ones((6, 1, 3, 3)), 0), "factor must be at least 1, got 0"),
        (lambda: cm.icnr(np.ones((6, 1, 3, 3)), 1.5), "factor must be an integer of at least 1, got 1.5"),
        (lambda: cm.icnr("text", 2), "weight must be made of numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_errors(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=message):
        call()
