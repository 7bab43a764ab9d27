"""One axis against the window slid by hand, and every size rule of Dumoulin & Visin."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix.geometry import PADDING_MODES, Axis, Geometry, axis_table


def conv_axis(i: int, k: int, s: int = 1, padding: object = 0, d: int = 1) -> Axis:
    """The axis `cm.conv` would use."""
    return Geometry.conv((i,), (k,), stride=s, padding=padding, dilation=d).axes[0]


def transposed_axis(i: int, k: int, s: int = 1, p: int = 0, a: int = 0, d: int = 1) -> Axis:
    """The axis behind a transposed convolution of `i` inputs, on the larger grid."""
    return Geometry.transposed((i,), (k,), stride=s, padding=p, output_padding=a, dilation=d).axes[0]


# Each rule: the letters it speaks of, the cases it covers, the output it promises, and the axis it is about.
# Numbers are those of "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
SIZES, KERNELS, STRIDES, PADS, GAPS = range(1, 9), range(1, 6), range(1, 4), range(4), range(1, 4)

FORWARD: dict[str, tuple[Callable[..., bool], Callable[..., int], Callable[..., Axis]]] = {
    "1 unit stride, no padding": (
        lambda i, k, s, p, d: (s, p, d) == (1, 0, 1),
        lambda i, k, s, p, d: i - k + 1,
        lambda i, k, s, p, d: conv_axis(i, k),
    ),
    "2 unit stride": (
        lambda i, k, s, p, d: (s, d) == (1, 1),
        lambda i, k, s, p, d: i - k + 2 * p + 1,
        lambda i, k, s, p, d: conv_axis(i, k, padding=p),
    ),
    "3 half padding, odd kernel": (
        lambda i, k, s, p, d: (s, d) == (1, 1) and k % 2 == 1 and p == k // 2,
        lambda i, k, s, p, d: i,
        lambda i, k, s, p, d: conv_axis(i, k, padding="same"),
    ),
    "4 full padding": (
        lambda i, k, s, p, d: (s, d) == (1, 1) and p == k - 1,
        lambda i, k, s, p, d: i + (k - 1),
        lambda i, k, s, p, d: conv_axis(i, k, padding="full"),
    ),
    "5 no padding": (
        lambda i, k, s, p, d: (p, d) == (0, 1),
        lambda i, k, s, p, d: (i - k) // s + 1,
        lambda i, k, s, p, d: conv_axis(i, k, s, "valid"),
    ),
    "6 any stride and padding": (
        lambda i, k, s, p, d: d == 1,
        lambda i, k, s, p, d: (i + 2 * p - k) // s + 1,
        lambda i, k, s, p, d: conv_axis(i, k, s, p),
    ),
    "7 pooling": (
        lambda i, k, s, p, d: (p, d) == (0, 1),
        lambda i, k, s, p, d: (i - k) // s + 1,
        lambda i, k, s, p, d: cm.avg_pool((1, i), k, stride=s).geometry.axes[0],
    ),
    "15 dilation": (
        lambda i, k, s, p, d: True,
        lambda i, k, s, p, d: (i + 2 * p - k - (k - 1) * (d - 1)) // s + 1,
        lambda i, k, s, p, d: conv_axis(i, k, s, p, d),
    ),
}

# Of a transposed convolution, `i` is the size before and the answer the size after; `a` counts the rows that the
# stride skips, so that the larger grid is found again: a = (i + 2p - k) mod s.
TRANSPOSED: dict[str, tuple[Callable[..., bool], Callable[..., int]]] = {
    "8 of 1": (lambda i, k, s, p, a: (s, p, a) == (1, 0, 0), lambda i, k, s, p, a: i + (k - 1)),
    "9 of 2": (lambda i, k, s, p, a: (s, a) == (1, 0), lambda i, k, s, p, a: i + (k - 1) - 2 * p),
    "10 of 3": (lambda i, k, s, p, a: (s, a) == (1, 0) and k == 2 * p + 1, lambda i, k, s, p, a: i),
    "11 of 4": (lambda i, k, s, p, a: (s, a) == (1, 0) and p == k - 1, lambda i, k, s, p, a: i - (k - 1)),
    "12 of 5": (lambda i, k, s, p, a: (p, a) == (0, 0), lambda i, k, s, p, a: s * (i - 1) + k),
    "13 of 6, exact": (lambda i, k, s, p, a: a == 0, lambda i, k, s, p, a: s * (i - 1) + k - 2 * p),
    "14 of 6": (lambda i, k, s, p, a: a < s, lambda i, k, s, p, a: s * (i - 1) + a + k - 2 * p),
}


@pytest.mark.parametrize("rule", FORWARD)
def test_size_rules_of_convolution(rule: str) -> None:
    covers, promised, axis = FORWARD[rule]
    cases = [case for case in itertools.product(SIZES, KERNELS, STRIDES, PADS, GAPS) if covers(*case)]
    fits = [case for case in cases if promised(*case) >= 1]
    assert len(fits) >= 5
    for i, k, s, p, d in fits:
        made = axis(i, k, s, p, d)
        assert made.output_size == promised(i, k, s, p, d) == len(oracles.reads(i, k, s, (p, p), d))
        op = cm.conv(np.arange(1, k + 1), i, stride=s, padding=(p,), dilation=d)
        assert op.tosparse().shape == (made.output_size, i)


@pytest.mark.parametrize("rule", TRANSPOSED)
def test_size_rules_of_transposed_convolution(rule: str) -> None:
    covers, promised = TRANSPOSED[rule]
    cases = [case for case in itertools.product(SIZES, KERNELS, STRIDES, PADS, range(3)) if covers(*case)]
    fits = [case for case in cases if promised(*case) >= 1]
    assert len(fits) >= 5
    for i, k, s, p, a in fits:
        larger = promised(i, k, s, p, a)
        axis = transposed_axis(i, k, s, p, a)
        assert (axis.input_size, axis.output_size) == (larger, i)
        op = cm.conv_transpose(np.arange(1, k + 1), i, stride=s, padding=p, output_padding=a)
        assert op.tosparse().shape == (larger, i)
        forward = cm.conv(np.arange(1, k + 1), larger, stride=s, padding=p)
        assert forward.out_shape == (1, i)
        assert (larger + 2 * p - k) % s == a
        assert np.array_equal(op.toarray(), forward.toarray().T)


@pytest.mark.parametrize("rule", ["a layer that does not fit", "a crop of everything"])
def test_sizes_below_one_are_refused(rule: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match="output size must be at least 1, got 0 on axis 0"):
        conv_axis(2, 3) if rule.startswith("a layer") else transposed_axis(1, 2, p=1)


@given(
    st.integers(1, 9), st.integers(1, 6), st.integers(1, 4), st.integers(1, 3), st.integers(0, 7), st.integers(0, 7),
    st.sampled_from(oracles.PADDING_MODES),
)  # fmt: skip
def test_the_table_is_the_window_slid_by_hand(i: int, k: int, s: int, d: int, b: int, a: int, mode: str) -> None:
    if mode == "reflect":
        b, a = min(b, i - 1), min(a, i - 1)
    expected = oracles.reads(i, k, s, (b, a), d, mode)
    if not expected:
        return
    axis = Axis(i, k, len(expected), s, d, b, a, mode)
    assert axis.reads().tolist() == expected
    assert (axis.extent, axis.padded_size, axis.size_rule) == (d * (k - 1) + 1, i + a + b, len(expected))
    assert axis.nnz == sum(len(set(row) - {-1}) for row in expected)
    low, high = axis.interior
    inside = [o * s - b >= 0 and o * s - b + axis.extent <= i for o in range(len(expected))]
    assert inside == [low <= o < high for o in range(len(expected))]


@pytest.mark.parametrize("mode", [mode for mode in PADDING_MODES if mode != "zeros"])
def test_pads_of_many_input_lengths(mode: str) -> None:
    pads = (4, 4) if mode == "reflect" else (13, 17)
    expected = oracles.padded_positions(5, pads, mode).tolist()
    axis = Axis(5, 1, 5 + sum(pads), 1, 1, *pads, mode)
    assert axis.reads().ravel().tolist() == expected


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_an_axis_of_size_one(mode: str) -> None:
    pad = 0 if mode == "reflect" else 2
    axis = Axis(1, 1, 1 + 2 * pad, 1, 1, pad, pad, mode)
    assert axis.reads().ravel().tolist() == oracles.padded_positions(1, (pad, pad), mode).tolist()


def test_fewer_outputs_than_the_rule_gives() -> None:
    axis = Axis(input_size=7, kernel_size=2, output_size=2, stride=1, dilation=3)
    assert axis.size_rule == 4
    assert axis.reads().tolist() == [[0, 3], [1, 4]]
    assert (axis.interior, axis.nnz) == ((0, 2), 4)


def test_negative_pads_cut_the_input() -> None:
    axis = Axis(6, 2, 2, 1, 1, -1, -2)
    assert axis.reads().tolist() == oracles.reads(6, 2, 1, (-1, -2))


def test_an_axis_is_a_value() -> None:
    axis, twin = Axis(5, 3, 3), Axis(5, 3, 3)
    assert axis == twin
    assert len({axis, twin}) == 1
    with pytest.raises(AttributeError):
        axis.stride = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ({"input_size": 5, "kernel_size": 3, "output_size": 4}, "what the size rule gives, 3 (input 5"),
        ({"input_size": 5, "kernel_size": 3, "output_size": 0}, "output size must be between 1 and"),
        ({"input_size": 2, "kernel_size": 3, "output_size": 1}, "kernel 3, dilation 1, stride 1), got 1"),
        (
            {"input_size": 3, "kernel_size": 1, "output_size": 6, "pad_before": 3, "padding_mode": "reflect"},
            "padding must be below the input size for padding_mode 'reflect', got 3 on an axis of size 3",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_axis_that_cannot_be(axis: dict[str, int], message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=re.escape(message)):
        Axis(**axis)  # type: ignore[arg-type]


INVALID = {
    "stride 0": ({"stride": 0}, "stride must be at least 1, got 0"),
    "kernel 0": ({"kernel_size": 0}, "kernel_size must be at least 1, got 0"),
    "float size": ({"input_size": 5.0}, "input_size must be an integer of at least 1, got 5.0"),
    "dilation -1": ({"dilation": -1}, "dilation must be at least 1, got -1"),
    "mode": ({"padding_mode": "wrap"}, "padding_mode must be one of 'zeros'.*got 'wrap'"),
}


@pytest.mark.parametrize(("changes", "message"), INVALID.values(), ids=INVALID)
def test_an_axis_is_validated_by_itself(changes, message):
    arguments = {"input_size": 5, "kernel_size": 3, "output_size": 3, **changes}
    with pytest.raises(cm.ConvMatrixError, match=message):
        Axis(**arguments)


@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate", "symmetric"])
def test_wide_borders_are_counted_as_they_are_stored(mode):
    axis = Geometry.conv((50,), (3,), padding=((40, 33),), stride=2, padding_mode=mode).axes[0]
    assert axis.nnz == sum(len(set(row)) for row in axis.reads().tolist())
    assert axis_table(axis).nnz == axis_table(axis, True).nnz == axis.nnz


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("seed", range(20))
def test_taps_that_read_an_input_are_those_of_the_table(mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, taps, stride, dilation = (int(rng.integers(1, most)) for most in (7, 7, 5, 4))
    pads = tuple(int(pad) for pad in rng.integers(dilation * (taps - 1) // 2, dilation * taps + 1, 2))
    if mode == "reflect":
        size = max(pads) + 1
    axis = Geometry.conv((size,), (taps,), stride=stride, padding=(pads,), dilation=dilation, padding_mode=mode).axes[0]
    assert (axis.tap_is_read == (axis.reads() >= 0).any(axis=0)).all()
