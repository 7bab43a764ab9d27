"""Every spelling of a layer's arguments, and the message for every one that is none."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import convmatrix as cm
from convmatrix.geometry import Geometry, arguments

SPELLINGS: list[tuple[Any, int, tuple[tuple[int, int], ...]]] = [
    (0, 1, ((0, 0),)),
    (2, 2, ((2, 2), (2, 2))),
    (np.int64(1), 2, ((1, 1), (1, 1))),
    ((1, 2), 2, ((1, 1), (2, 2))),
    ([1, 2, 3], 3, ((1, 1), (2, 2), (3, 3))),
    (np.array([1, 2]), 2, ((1, 1), (2, 2))),
    ([(1, 2)], 1, ((1, 2),)),
    ([(0, 1), (2, 0)], 2, ((0, 1), (2, 0))),
    ([[0, 1], 3], 2, ((0, 1), (3, 3))),
    (np.array([[0, 1], [2, 3]]), 2, ((0, 1), (2, 3))),
    ((), 0, ()),
    (3, 0, ()),
]


@pytest.mark.parametrize(("spelt", "axes", "pairs"), SPELLINGS, ids=lambda value: repr(value))
def test_padding_spelt(spelt: Any, axes: int, pairs: tuple[tuple[int, int], ...]) -> None:
    assert arguments.padding_pairs(spelt, axes) == pairs


@pytest.mark.parametrize("k", range(1, 6))
@pytest.mark.parametrize("s", range(1, 4))
@pytest.mark.parametrize("d", range(1, 3))
def test_padding_by_name(k: int, s: int, d: int) -> None:
    """`valid` adds nothing; `full` lets every tap overhang; the `same` ones give ceil(i/s) outputs."""
    extent = d * (k - 1) + 1
    for i in range(max(extent, 1), 12):
        assert arguments.named_padding("valid", i, extent, s) == (0, 0)
        assert arguments.named_padding("full", i, extent, s) == (extent - 1, extent - 1)
        before, after = arguments.named_padding("same", i, extent, s)
        assert arguments.named_padding("same_lower", i, extent, s) == (after, before)
        assert 0 <= after - before <= 1
        assert Geometry.conv((i,), (k,), stride=s, dilation=d, padding="same").output_size == (-(-i // s),)
        if s == 1:
            assert before + after == extent - 1
            full = Geometry.conv((i,), (k,), stride=s, dilation=d, padding="full")
            assert full.output_size == (i + extent - 1,)


@pytest.mark.parametrize(
    ("value", "axes", "expected"),
    [
        (2, 3, (2, 2, 2)),
        (np.int8(2), 2, (2, 2)),
        ((1, 2), 2, (1, 2)),
        ([3], 1, (3,)),
        (np.array([1, 2]), 2, (1, 2)),
        (5, 0, ()),
    ],
    ids=repr,
)
def test_one_integer_an_axis(value: Any, axes: int, expected: tuple[int, ...]) -> None:
    assert arguments.per_axis(value, "stride", axes, 1) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(5, (5,)), ((5,), (5,)), ([2, 3], (2, 3)), (np.array([4, 4]), (4, 4)), ((), ())], ids=repr
)
def test_sizes(value: Any, expected: tuple[int, ...]) -> None:
    assert arguments.sizes(value) == expected


K3, K33, W = [1, 2, 1], np.ones((3, 3), int), np.ones((4, 2, 3), int)

# What was typed, and the part of the message that tells the user what to change.
BAD_CONV: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((K3, (5, 5)), {}, "weight must have 2 axes (a kernel) or 4 (channels and kernel)"),
    ((K33, 5), {}, "for an input_size of 1 axes, got shape (3, 3)"),
    ((np.ones((2, 2, 2, 2, 2)), (5, 5)), {}, "got shape (2, 2, 2, 2, 2)"),
    (([], 5), {}, "weight must have no axis of length 0, got shape (1, 1, 0)"),
    ((np.ones((2, 0, 3)), 5), {}, "weight must have no axis of length 0, got shape (2, 0, 3)"),
    (([[1, 2], [3]], (5, 5)), {}, "weight must be a rectangular array of numbers"),
    ((["a", "b"], 5), {}, "weight must be made of numbers or SymPy expressions, got text"),
    (([None, 1], 5), {}, "weight must be made of numbers or SymPy expressions, got None"),
    ((np.array(["2020-01-01"], dtype="datetime64[D]"), 5), {}, "got dtype datetime64[D]"),
    ((np.array([object()]), 5), {}, "weight must be made of numbers or SymPy expressions, got <object"),
    ((K3, 0), {}, "input_size must be at least 1, got 0"),
    ((K3, -5), {}, "input_size must be at least 1, got -5"),
    ((K3, 5.0), {}, "input_size must be an integer of at least 1, got 5.0"),
    ((K3, True), {}, "input_size must be an integer of at least 1, got True"),
    ((K33, (5, 0)), {}, "input_size must be at least 1, got 0 on axis 1"),
    ((K33, (5, "5")), {}, "input_size must be an integer of at least 1, got '5' on axis 1"),
    ((K3, 5), {"stride": 0}, "stride must be at least 1, got 0 on axis 0"),
    ((K33, (5, 5)), {"stride": (1, 0)}, "stride must be at least 1, got 0 on axis 1"),
    ((K3, 5), {"stride": True}, "stride must be an integer of at least 1, got True"),
    ((K3, 5), {"stride": 1.5}, "stride must be an integer of at least 1, got 1.5"),
    ((K3, 5), {"stride": None}, "stride must be an integer of at least 1, got None"),
    ((K33, (5, 5)), {"stride": (1, 1, 1)}, "stride must be one integer or one for each of the 2 axes, got (1, 1, 1)"),
    ((K3, 5), {"dilation": 0}, "dilation must be at least 1, got 0 on axis 0"),
    ((K3, 5), {"dilation": [1, 2]}, "dilation must be one integer or one for each of the 1 axes, got [1, 2]"),
    ((K3, 5), {"padding": -1}, "padding must be at least 0 on every side, got -1"),
    ((K33, (5, 5)), {"padding": (0, -1)}, "padding must be at least 0 on every side, got -1 on axis 1"),
    ((K3, 5), {"padding": [(0, -2)]}, "padding must be at least 0 on every side, got -2 on axis 0"),
    ((K3, 5), {"padding": 1.0}, "padding must be made of integers, got 1.0"),
    ((K3, 5), {"padding": False}, "padding must be made of integers, got False"),
    ((K3, 5), {"padding": None}, "padding must be made of integers, got None"),
    ((K33, (5, 5)), {"padding": [1]}, "for 2 axes, got [1]"),
    ((K33, (5, 5)), {"padding": [(1, 2, 3), 0]}, "one (before, after) pair an axis, got (1, 2, 3) on axis 0"),
    ((K3, 5), {"padding": "SAME"}, "padding must be one of 'valid', 'full', 'same', 'same_lower', got 'SAME'"),
    ((K3, 5), {"padding": ["same"]}, "padding must be made of integers, got 'same' on axis 0"),
    ((K3, 5), {"padding_mode": "wrap"}, "padding_mode must be one of 'zeros', 'circular', 'reflect'"),
    ((K3, 5), {"padding_mode": None}, "'symmetric', got None"),
    ((K3, 5), {"padding": 5, "padding_mode": "reflect"}, "padding must be below the input size for padding_mode"),
    ((K3, 2), {}, "output size must be at least 1, got 0 on axis 0"),
    ((K33, (5, 2)), {}, "output size must be at least 1, got 0 on axis 1"),
    ((K3, 4), {"dilation": 2}, "output size must be at least 1, got 0 on axis 0"),
    ((W, 5), {"groups": 3}, "groups must divide out_channels 4, got 3"),
    ((W, 5), {"groups": 0}, "groups must be at least 1, got 0"),
    ((W, 5), {"groups": 2.0}, "groups must be an integer of at least 1, got 2.0"),
    ((W, 5), {"groups": True}, "groups must be an integer of at least 1, got True"),
    ((W, 5), {"bias": [1, 2]}, "bias must have one value for each of the 4 output channels, got (2,)"),
    ((W, 5), {"bias": 1}, "bias must have one value for each of the 4 output channels, got ()"),
    ((W, 5), {"bias": [[1, 2, 3, 4]]}, "bias must have one value for each of the 4 output channels, got (1, 4)"),
    ((W, 5), {"bias": "abcd"}, "bias must be made of numbers or SymPy expressions, got text"),
]

BAD_TRANSPOSE: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((K3, 5), {"stride": 0}, "stride must be at least 1, got 0 on axis 0"),
    ((K3, 5), {"padding": "same"}, "padding must be an int, one int an axis or one (before, after) pair an axis"),
    ((K3, 5), {"padding": -1}, "padding must be at least 0 on every side, got -1"),
    ((K3, 1), {"padding": 2}, "output size must be at least 1, got -1 on axis 0: padding 2+2 crops all of it"),
    ((K3, 5), {"output_padding": 1}, "output_padding must be below max(stride, dilation) = 1, got 1 on axis 0"),
    ((K3, 5), {"output_padding": 3, "stride": 2, "dilation": 3}, "below max(stride, dilation) = 3, got 3 on axis 0"),
    ((K33, (5, 5)), {"output_padding": (0, 2), "stride": 2}, "max(stride, dilation) = 2, got 2 on axis 1"),
    ((K3, 5), {"output_padding": -1}, "output_padding must be at least 0, got -1"),
    ((K3, 5), {"output_padding": "1"}, "output_padding must be an integer of at least 0, got '1'"),
    ((W, 5), {"groups": 3}, "_channels 4, got 3"),
    ((W, 5), {"bias": [1]}, "bias must have one value for each of the 2 output channels, got (1,)"),
    ((K33, 5), {}, "weight must have 1 axes (a kernel) or 3 (channels and kernel)"),
]

BAD_OTHER: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("identity", ((),), {}, "shape must be (channels, *spatial), got ()"),
    ("identity", ((2, 0),), {}, "shape must be at least 1, got 0 on axis 1"),
    ("identity", ((2, 2),), {"dtype": "float16"}, "dtype must be one that scipy.sparse holds"),
    ("channel_shuffle", ((6, 2), 4), {}, "groups must divide the 6 channels, got 4"),
    ("channel_shuffle", ((6, 2), 0), {}, "groups must be at least 1, got 0"),
    ("pixel_shuffle", ((6, 2, 2), 2), {}, "channels divisible by 4, the product of the factors, got 6"),
    ("pixel_shuffle", ((4, 2, 2), 0), {}, "factor must be at least 1, got 0"),
    ("pixel_shuffle", ((4, 2, 2), (2, 2, 2)), {}, "factor must be one integer or one for each of the 2 axes"),
    ("resize", ((1, 4), 0), {}, "scale must be a positive number, got 0"),
    ("resize", ((1, 4), -2), {}, "scale must be a positive number, got -2"),
    ("resize", ((1, 4), "2x"), {}, "scale must be a positive number, got '2x'"),
    ("resize", ((1, 4), True), {}, "scale must be a positive number, got True"),
    ("resize", ((1, 4), float("nan")), {}, "scale must be a positive number, got nan"),
    ("resize", ((1, 4), float("inf")), {}, "scale must be a positive number, got inf"),
    ("resize", ((1, 4), [2, 2]), {}, "scale must be one number or one for each of the 1 axes, got [2, 2]"),
    ("resize", ((1, 4), 0.1), {}, "scale must leave at least one output, got 0.1 on axis 0 of size 4"),
    ("resize", ((1, 4), 2, "cubic"), {}, "mode must be one of 'nearest', 'nearest-exact', 'linear', got 'cubic'"),
    ("resize", ((1, 4), 2, None), {}, "got None"),
    ("resize", ((1, 4), 2), {"dtype": int}, "dtype must be a float type, got int64"),
    ("avg_pool", ((1, 4), 0), {}, "kernel_size must be at least 1, got 0"),
    ("avg_pool", ((1, 4), 5), {}, "output size must be at least 1"),
    ("avg_pool", ((1, 4), 2), {"padding": 2}, "padding must be at most half the window's extent 2, got 2 on axis 0"),
    ("avg_pool", ((1, 4), 2), {"stride": 0}, "stride must be at least 1, got 0 on axis 0"),
    ("avg_pool", ((1, 4, 4), (2, 2, 2)), {}, "kernel_size must be one integer or one for each of the 2 axes"),
]


@pytest.mark.parametrize(("given", "options", "message"), BAD_CONV, ids=[case[2] for case in BAD_CONV])
def test_conv_says_what_is_wrong(given: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=re.escape(message)):
        cm.conv(*given, **options)


@pytest.mark.parametrize(("given", "options", "message"), BAD_TRANSPOSE, ids=[case[2] for case in BAD_TRANSPOSE])
def test_conv_transpose_says_what_is_wrong(given: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=re.escape(message)):
        cm.conv_transpose(*given, **options)


@pytest.mark.parametrize(
    ("maker", "given", "options", "message"), BAD_OTHER, ids=[f"{case[0]}: {case[3]}" for case in BAD_OTHER]
)
def test_other_leaves_say_what_is_wrong(
    maker: str, given: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(cm.ConvMatrixError, match=re.escape(message)):
        getattr(cm, maker)(*given, **options)


def test_errors_show_one_traceback() -> None:
    """No error of the interpreter is shown before the one that explains."""
    with pytest.raises(cm.ConvMatrixError) as caught:
        cm.conv([1], 5, stride=1.5)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
