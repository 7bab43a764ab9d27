"""Averages and interpolation, exact inside, against their formulas and PyTorch."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import oracles
import pytest
import sympy

import convmatrix as cm

HALF = Fraction(1, 2)


def test_averages_are_exact() -> None:
    matrix = cm.avg_pool((1, 4), 3, stride=1).tosympy()
    assert matrix.tolist() == [[Fraction(1, 3)] * 3 + [0], [0] + [Fraction(1, 3)] * 3]


def average_by_hand(n: int, k: int, s: int, p: int, ceil_mode: bool, count_include_pad: bool) -> list[list[Fraction]]:
    """PyTorch's rule for one axis, window by window."""
    steps = (n + 2 * p - k) / s
    outputs = (math.ceil(steps) if ceil_mode else math.floor(steps)) + 1
    if ceil_mode and (outputs - 1) * s >= n + p:
        outputs -= 1
    rows = []
    for o in range(outputs):
        start, stop = o * s - p, min(o * s - p + k, n + p)
        inside = range(max(start, 0), min(stop, n))
        divisor = stop - start if count_include_pad else len(inside)
        rows.append([Fraction(1, divisor) if i in inside else Fraction(0) for i in range(n)])
    return rows


@pytest.mark.parametrize("ceil_mode", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("count_include_pad", [False, True], ids=["inside", "padded"])
def test_average_by_hand(ceil_mode: bool, count_include_pad: bool) -> None:
    for n, k, s, p in itertools.product(range(1, 9), range(1, 5), range(1, 5), range(3)):
        if 2 * p > k or n + 2 * p < k:
            continue
        op = cm.avg_pool((1, n), k, stride=s, padding=p, ceil_mode=ceil_mode, count_include_pad=count_include_pad)
        expected = average_by_hand(n, k, s, p, ceil_mode, count_include_pad)
        assert [[Fraction(int(e.p), int(e.q)) for e in row] for row in op.tosympy().tolist()] == expected, (n, k, s, p)
        np.testing.assert_array_equal(op.toarray(), np.array(expected, dtype=float))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("ceil_mode", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("count_include_pad", [False, True], ids=["inside", "padded"])
def test_average_of_torch(axes: int, ceil_mode: bool, count_include_pad: bool) -> None:
    torch = pytest.importorskip("torch")
    layer = (torch.nn.AvgPool1d, torch.nn.AvgPool2d, torch.nn.AvgPool3d)[axes - 1]
    rng = np.random.default_rng(axes)
    for _ in range(25):
        size, kernel = rng.integers(1, 8, axes), rng.integers(1, 4, axes)
        pads, steps = rng.integers(0, kernel // 2 + 1), rng.integers(1, 4, axes)
        size = np.maximum(size, kernel)
        given: list[Any] = [values.tolist() for values in (kernel, steps, pads)]
        x = rng.integers(-99, 99, (2, 3, *size)).astype(float)
        options = {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
        expected = layer(given[0], given[1], given[2], **options)(torch.from_numpy(x)).numpy()
        op = cm.avg_pool((3, *size.tolist()), given[0], stride=given[1], padding=given[2], **options)
        np.testing.assert_allclose(op(x), expected, rtol=1e-13)


def test_averages_with_gaps_and_uneven_pads() -> None:
    op = cm.avg_pool((1, 5), 2, stride=1, dilation=2, padding=[(1, 0)])
    assert op.tosympy().tolist() == [
        [0, HALF, 0, 0, 0], [HALF, 0, HALF, 0, 0], [0, HALF, 0, HALF, 0], [0, 0, HALF, 0, HALF],
    ]  # fmt: skip


@pytest.mark.parametrize("ceil_mode", [0, 1])
@pytest.mark.parametrize("count_include_pad", [0, 1])
def test_average_of_onnx(ceil_mode: int, count_include_pad: int) -> None:
    pytest.importorskip("onnx")
    x = (np.arange(56) % 13).reshape(1, 2, 4, 7).astype(np.float32)
    expected = oracles.run_onnx(
        "AveragePool", {"x": x}, kernel_shape=[3, 2], strides=[2, 3], pads=[1, 1, 1, 1],
        ceil_mode=ceil_mode, count_include_pad=count_include_pad,
    )  # fmt: skip
    op = cm.avg_pool(
        (2, 4, 7),
        (3, 2),
        stride=(2, 3),
        padding=1,
        ceil_mode=bool(ceil_mode),
        count_include_pad=bool(count_include_pad),
    )
    np.testing.assert_allclose(op(x), expected, rtol=1e-6)


def resized_by_hand(n: int, scale: Fraction, mode: str) -> list[list[Fraction]]:
    """Row by row from the definition, in fractions."""
    rows = []
    for o in range(math.floor(n * scale)):
        row = [Fraction(0)] * n
        if mode == "linear":
            place = max((o + HALF) / scale - HALF, Fraction(0))
            low = min(math.floor(place), n - 1)
            row[low] += 1 - (place - low)
            row[min(low + 1, n - 1)] += place - low
        else:
            shift = HALF if mode == "nearest-exact" else 0
            row[min(math.floor((o + shift) / scale), n - 1)] = Fraction(1)
        rows.append(row)
    return rows


SCALES = [1, 2, 3, Fraction(3, 2), Fraction(2, 3), Fraction(1, 2), Fraction(7, 5), 0.75]


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear"])
@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_resize_by_hand(mode: str, scale: Any) -> None:
    for n in range(2, 8):
        op = cm.resize((1, n), scale, mode)
        expected = resized_by_hand(n, Fraction(scale), mode)
        got = [[Fraction(int(e.p), int(e.q)) for e in row] for row in op.tosympy().tolist()]
        assert got == expected
        assert op.nnz == sum(entry != 0 for row in expected for entry in row)
        np.testing.assert_array_equal(op.toarray(), np.array(expected, dtype=float))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_resize_of_torch(mode: str, axes: int) -> None:
    torch = pytest.importorskip("torch")
    theirs = {"linear": ("linear", "bilinear", "trilinear")[axes - 1]}.get(mode, mode)
    rng = np.random.default_rng(axes)
    for scale in (2, 3, 0.5, 1.5, 0.75):
        x = rng.integers(-99, 99, (2, 2, *rng.integers(2, 7, axes))).astype(float)
        layer = torch.nn.Upsample(scale_factor=scale, mode=theirs)
        expected = layer(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(cm.resize(x.shape[1:], scale, theirs)(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_resize_of_onnx(factor: int, mode: str) -> None:
    pytest.importorskip("onnx")
    x = (np.arange(12) * 5 % 7).reshape(1, 1, 3, 4).astype(np.float32)
    where = {"nearest": "asymmetric", "linear": "half_pixel"}[mode]
    expected = oracles.run_onnx(
        "Resize",
        {"x": x, "": np.zeros(0, np.float32), "scales": np.array([1, 1, factor, factor], np.float32)},
        mode=mode, coordinate_transformation_mode=where, nearest_mode="floor",
    )  # fmt: skip
    np.testing.assert_allclose(cm.resize((1, 3, 4), factor, mode)(x), expected, rtol=1e-6)


@pytest.mark.parametrize(("name", "mode"), [("bilinear", "linear"), ("trilinear", "linear")])
def test_names_of_one_mode(name: str, mode: str) -> None:
    shape = (1, 3, 2)
    assert np.array_equal(cm.resize(shape, 2, name).toarray(), cm.resize(shape, 2, mode).toarray())


def test_a_scale_an_axis() -> None:
    op = cm.resize((2, 4, 3), (0.5, 2))
    assert op.out_shape == (2, 2, 6)
    assert np.array_equal(op.toarray(), np.kron(np.eye(2), np.kron(
        cm.resize((1, 4), 0.5).toarray(), cm.resize((1, 3), 2).toarray()
    )))  # fmt: skip


MAKERS: dict[str, Callable[[Any], Any]] = {
    "average": lambda dtype: cm.avg_pool((1, 6), 3, dtype=dtype),
    "resize": lambda dtype: cm.resize((1, 6), 2, "linear", dtype=dtype),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("dtype", [None, "float32", "float64", "complex64"], ids=repr)
@pytest.mark.parametrize("x", ["int8", "float32", "float64", "complex64"])
def test_dtypes(maker: str, dtype: Any, x: str) -> None:
    """Without a dtype they take on the input's; with one they keep it, as in NumPy. Integers count as int64."""
    op = MAKERS[maker](dtype)
    assert op.dtype == op.tosparse().dtype == np.dtype(dtype or "float64")
    wanted = np.result_type("int64" if x == "int8" else x, op.dtype)
    if dtype is None and np.dtype(x).kind in "fc":
        wanted = np.dtype(x)
    assert (op @ np.ones(6, x)).dtype == wanted
    assert (op.T @ np.ones(op.shape[0], x)).dtype == wanted


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("dtype", ["int64", "float16", "bool", "U3"])
def test_dtypes_that_cannot_be(maker: str, dtype: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match="dtype must be"):
        MAKERS[maker](dtype)


@pytest.mark.parametrize("maker", MAKERS)
def test_exact_inputs_stay_exact(maker: str) -> None:
    op = MAKERS[maker](None)
    x = np.array([Fraction(n, 7) for n in range(6)], dtype=object)
    expected = [
        sum(Fraction(int(e.p), int(e.q)) * v for e, v in zip(row, x, strict=True)) for row in op.tosympy().tolist()
    ]
    assert (op @ x).tolist() == expected
    y = np.array([Fraction(n, 3) for n in range(op.shape[0])], dtype=object)
    columns = op.T.tosympy().tolist()
    assert (op.T @ y).tolist() == [
        sum(Fraction(int(e.p), int(e.q)) * v for e, v in zip(row, y, strict=True)) for row in columns
    ]


def test_what_is_averaged() -> None:
    op = cm.avg_pool((2, 4, 4), 2)
    assert op.weight.shape == (2, 1, 2, 2)
    assert op.geometry.groups == 2
    assert op.divisors.tolist() == [[4, 4], [4, 4]]
    assert cm.resize((1, 4), 1.5).scales == (Fraction(3, 2),)
    oracles.assert_canonical(op.tosparse())


SEQUENCES: dict[str, Any] = {
    "list": [0.5, 2],
    "array": np.array([0.5, 2.0]),
    "float32": np.array([0.5, 2.0], dtype=np.float32),
    "range": range(1, 3),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_any_sequence_of_scales(name: str) -> None:
    given = SEQUENCES[name]
    assert cm.resize((1, 4, 3), given).scales == tuple(Fraction(float(value)) for value in given)
    assert cm.resize((1, 4, 3), np.array(2)).scales == (2, 2)


@pytest.mark.parametrize(
    ("scale", "read"),
    [(0.29, Fraction(29, 100)), (np.float32(0.1), Fraction(1, 10)), (1 / 3, Fraction(1, 3)), ("3/2", Fraction(3, 2))],
    ids=str,
)
def test_how_a_scale_is_read(scale: Any, read: Fraction) -> None:
    assert cm.resize((1, 100), scale).scales == (read,)
    assert cm.resize((1, 100), scale).out_shape == (1, math.floor(100 * read))


def test_a_float_of_no_small_denominator_is_itself() -> None:
    value = 1.2345678912345
    op = cm.resize((1, 5), value, "linear")
    assert op.scales == (Fraction(value),)
    exact = [[Fraction(int(e.p), int(e.q)) for e in row] for row in op.tosympy().tolist()]
    assert exact == resized_by_hand(5, Fraction(value), "linear")
    assert np.array_equal(op.toarray(), np.array(exact, dtype=float))


BAD_SCALES: list[tuple[Any, str]] = [
    (0, "scale must be a positive number, got 0"),
    (-1.5, "scale must be a positive number, got -1.5"),
    (True, "scale must be a positive number, got True"),
    (float("nan"), "scale must be a positive number, got nan"),
    (float("inf"), "scale must be a positive number, got inf"),
    ("a", "scale must be a positive number, got 'a'"),
    (1e-9, "scale must leave at least one output, got 1e-09 on axis 0 of size 6"),
    (0.1, "scale must leave at least one output, got 0.1 on axis 0 of size 6"),
    ([2, 2], "scale must be one number or one for each of the 1 axes, got [2, 2]"),
    (np.array([2, 2]), "scale must be one number or one for each of the 1 axes, got array([2, 2])"),
    (10**15, "the sources of a resize to 6000000000000000 positions would take"),
]


@pytest.mark.parametrize(("scale", "message"), BAD_SCALES, ids=[str(case[0]) for case in BAD_SCALES])
def test_scales_that_cannot_be(scale: Any, message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=re.escape(message)):
        cm.resize((1, 6), scale)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear"])
def test_long_axes_are_resized_in_integers(mode: str) -> None:
    op = cm.resize((1, 10**6), Fraction(3, 2), mode)
    assert op.out_shape == (1, 1500000)
    y = op(np.arange(10**6, dtype=float))
    for o in (0, 1, 700001, 1499998, 1499999):
        place = max((o + (0 if mode == "nearest" else HALF)) / Fraction(3, 2) - (HALF if mode == "linear" else 0), 0)
        assert y[o] == pytest.approx(float(min(place, 10**6 - 1)) if mode == "linear" else math.floor(place), rel=1e-15)


def test_averages_of_long_axes_cost_nothing_until_they_are_taken() -> None:
    op = cm.avg_pool((1, 10**14), 2)
    assert op.shape == (5 * 10**13, 10**14)
    assert op.nnz == 10**14
    with pytest.raises(cm.MatrixTooLargeError, match="the divisors of an average at 50000000000000 positions"):
        _ = op.divisors


EXACT = {
    "a pool": lambda: cm.avg_pool((1, 6), 3, stride=1),
    "a transposed pool": lambda: cm.avg_pool((1, 8), 3, stride=1).T,
    "a resize": lambda: cm.resize((1, 6), Fraction(3, 2), "linear"),
    "behind a convolution": lambda: cm.avg_pool((1, 6), 2) @ cm.conv([1, -3], 7),
    "before a convolution": lambda: cm.conv([1, -3], 3) @ cm.avg_pool((1, 6), 2),
    "branches": lambda: cm.avg_pool((1, 6), 3, stride=1, padding=1) + cm.identity((1, 6)),
    "a share": lambda: Fraction(1, 7) * cm.avg_pool((1, 6), 3),
}


@pytest.mark.parametrize("make", EXACT.values(), ids=EXACT)
def test_integers_that_are_objects_stay_exact(make: Callable[[], Any]) -> None:
    op = make()
    wanted = [Fraction(int(row.p), int(row.q)) for row in op.tosympy() * sympy.Matrix(range(1, op.shape[1] + 1))]
    x = np.arange(1, op.shape[1] + 1).astype(object)
    for found in (op @ x, op(x), (op @ np.stack([x, x], axis=1))[:, 0], x @ op.T):
        assert found.tolist() == wanted
        assert all(isinstance(value, (int, Fraction)) for value in found.flat)
    assert (op @ np.arange(1, op.shape[1] + 1)).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda dtype: dtype.__name__)
def test_beside_floats_integers_are_floats(dtype: Any) -> None:
    op = cm.avg_pool((1, 6), 2) @ cm.conv(np.array([1, 2], dtype=dtype), 7)
    assert (op @ np.arange(7).astype(object)).dtype.kind == "f"
    assert (0.5 * cm.avg_pool((1, 6), 2) @ np.arange(6).astype(object)).dtype.kind == "f"
    assert (cm.avg_pool((1, 6), 2, dtype=dtype) @ np.arange(6).astype(object)).dtype.kind == "f"
