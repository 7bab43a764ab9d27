"""A convolution applied without its matrix: every way of doing it gives the product with the matrix."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_assembly import random_layers

import convmatrix as cm
from convmatrix import direct, windows
from convmatrix.direct import Direct
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators import product

WAYS: dict[str, dict[str, Any]] = {
    "as it chooses": {},
    "one output a window, windows added up": {
        "best_block": lambda g, columns=0: 1,
        "transpose_by_parts": lambda g: False,
    },
    "one output a window, by phases": {
        "best_block": lambda g, columns=0: 1,
        "transpose_by_parts": lambda g: bool(g.axes),
    },
    "four outputs a window": {"best_block": lambda g, columns=0: 4, "transpose_by_parts": lambda g: bool(g.axes)},
    "blocks beyond the output": {"best_block": lambda g, columns=0: 64, "transpose_by_parts": lambda g: bool(g.axes)},
    "one row at a time": {"_CHUNK": 1, "best_block": lambda g, columns=0: 1, "transpose_by_parts": lambda g: False},
    "one row of blocks at a time": {
        "_CHUNK": 1,
        "best_block": lambda g, columns=0: 4,
        "transpose_by_parts": lambda g: True,
    },
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One way to apply, forced."""
    for name, value in WAYS[request.param].items():
        monkeypatch.setattr(windows if name == "_CHUNK" else direct, name, value)
    return str(request.param)


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64", "complex128", "object"])
def test_every_way_equals_the_matrix(way: str, dtype: str, rng: np.random.Generator) -> None:
    for layer in random_layers(36, seed=3):
        geometry, op = layer.geometry, layer.operator
        by = Direct(geometry, layer.weight.astype(dtype))
        x = rng.integers(-50, 50, (2, *geometry.in_shape))
        y = rng.integers(-50, 50, (2, *geometry.out_shape))
        matrix = op.tosparse()
        ahead, back = by.forward(x.astype(dtype)), by.adjoint(y.astype(dtype))
        assert ahead.dtype == back.dtype == np.dtype(dtype)
        assert np.array_equal(ahead.reshape(2, -1).T, matrix @ x.reshape(2, -1).T), layer
        assert np.array_equal(back.reshape(2, -1).T, matrix.T @ y.reshape(2, -1).T), layer


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64", "complex128", "object"])
def test_columns_at_once_equal_the_matrix(way: str, dtype: str, rng: np.random.Generator) -> None:
    for layer in random_layers(36, seed=4):
        matrix = layer.operator.tosparse()
        by = Direct(layer.geometry, layer.weight.astype(dtype))
        v = rng.integers(-50, 50, (matrix.shape[1], 3))
        u = rng.integers(-50, 50, (matrix.shape[0], 3))
        ahead, back = by.forward_columns(v.astype(dtype)), by.adjoint_columns(u.astype(dtype))
        assert ahead.dtype == back.dtype == np.dtype(dtype)
        assert np.array_equal(ahead, matrix @ v), layer
        assert np.array_equal(back, matrix.T @ u), layer


@pytest.mark.parametrize("block", [1, 4, 8, 64])
def test_long_rows_in_blocks(block: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "best_block", lambda geometry, columns=0: block)
    for stride, dilation, groups in itertools.product((1, 2, 3), (1, 2), (1, 2)):
        weight = rng.integers(-9, 9, (4, 4 // groups, 2, 5)).astype(float)
        op = cm.conv(weight, (5, 77), stride=stride, dilation=dilation, groups=groups, padding=(1, 4))
        x = rng.integers(-9, 9, (3, *op.in_shape)).astype(float)
        expected = (op.tosparse() @ x.reshape(3, -1).T).T.reshape(3, *op.out_shape)
        assert np.array_equal(Direct(op.geometry, op.weight).forward(x), expected)


def test_a_row_larger_than_the_cache(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_CHUNK", 64)
    op = cm.conv(rng.integers(-9, 9, (3, 2, 3, 3)), (9, 40), padding=1)
    x = rng.integers(-9, 9, (1, *op.in_shape))
    assert np.array_equal(Direct(op.geometry, op.weight).forward(x).ravel(), op.tosparse() @ x.ravel())


INPUTS: dict[str, Callable[[], np.ndarray]] = {
    "int8": lambda: np.arange(-3, 4).astype(np.int8),
    "uint8": lambda: np.arange(250, 257).astype(np.uint8),
    "bool": lambda: np.arange(7) % 2 == 0,
    "float32": lambda: np.arange(7, dtype=np.float32),
}


@pytest.mark.parametrize("weight", ["int64", "float32", "float64"])
@pytest.mark.parametrize("kind", INPUTS)
def test_types_meet_as_in_numpy(weight: str, kind: str) -> None:
    x = cm.conv([1], 7)(INPUTS[kind]())
    op = cm.conv(np.array([1, 2, 3], weight), 7)
    assert (op @ x).dtype == np.result_type(op.dtype, x)
    assert np.array_equal(op @ x, op.toarray() @ x)


def test_large_integers_are_not_rounded() -> None:
    """Beyond 2**53 a sum in floats would lose its last digits; int64 keeps them."""
    weight, x = np.array([[[2**40 + 1, 1, -1]]]), np.array([[[3, 2**20 + 1, 5, 7]]])
    by = Direct(Geometry.conv((4,), (3,)), weight)
    expected = [[[3 * (2**40 + 1) + 2**20 + 1 - 5, (2**20 + 1) * (2**40 + 1) + 5 - 7]]]
    assert by.forward(x).tolist() == expected
    assert by.forward(x).dtype == np.int64
    assert cm.conv(weight, 4)(x).tolist() == expected


def test_the_least_integer_is_large_too() -> None:
    x = np.array([[[-(2**62), 2**62, 1]]])
    assert Direct(Geometry.conv((3,), (2,)), np.array([[[1, 1]]])).forward(x).tolist() == [[[0, 2**62 + 1]]]


NOT_A_NUMBER = [float("nan"), float("inf"), -float("inf"), complex(float("nan"), 0)]


@pytest.mark.parametrize("value", NOT_A_NUMBER, ids=repr)
@pytest.mark.parametrize("weight", ["int64", "float64"])
def test_a_nan_reaches_only_the_outputs_that_read_it(way: str, value: complex, weight: str) -> None:
    """Also where neighbouring outputs share a window whose band is zero for some of them."""
    op = cm.conv(np.array([[[1, 2, 3], [4, 5, 6]]], weight), (30,), padding=1)
    x = np.ones(op.in_shape, dtype=complex if isinstance(value, complex) else float)
    x[1, 11] = value
    reads = op.toarray()[:, 30 + 11] != 0
    with np.errstate(invalid="ignore"):
        for answer in (Direct(op.geometry, op.weight).forward(x[None]).ravel(), op @ x.ravel(), op(x).ravel()):
            assert np.array_equal(~np.isfinite(answer), reads)
            assert np.array_equal(answer[~reads], (op @ np.ones(op.shape[1]))[~reads])
    y = np.ones(op.out_shape, dtype=x.dtype)
    y[0, 17] = value
    read_back = op.toarray()[17] != 0
    with np.errstate(invalid="ignore"):
        for answer in (Direct(op.geometry, op.weight).adjoint(y[None]).ravel(), op.T @ y.ravel()):
            assert np.array_equal(~np.isfinite(answer), read_back)


def test_sums_that_overflow_are_not_taken_for_nan() -> None:
    """Every input is finite though their sum is not: the answer is the matrix's."""
    op = cm.conv([1.0, -1.0], 40)
    x = np.full(40, 1e308)
    assert np.array_equal(op @ x, np.zeros(39))
    assert np.array_equal(Direct(op.geometry, op.weight).forward(x.reshape(1, 1, 40)).ravel(), np.zeros(39))


@pytest.mark.parametrize("transposed", [False, True], ids=["forward", "transpose"])
def test_infinite_weights_are_carried(transposed: bool) -> None:
    """They meet the zeros of the input, and are NaN there; never those of the padding."""
    op: cm.TensorOperator = cm.conv([np.inf, 1.0, 2.0], 5, padding=1)
    op = op.T if transposed else op
    x = np.array([1.0, 2, 0, 4, 5])
    with np.errstate(invalid="ignore"):
        expected = op.tosparse() @ x
        for _ in range(3):
            np.testing.assert_array_equal(op @ x, expected)
        np.testing.assert_array_equal(op(x[None]).ravel(), expected)
    assert np.isnan(expected).sum() == 1
    assert np.isfinite(expected).sum() == 1


def test_no_noise_of_a_fourier_transform(way: str) -> None:
    """A response is zero exactly where the matrix has no entry."""
    x = np.zeros((1, 1, 64))
    x[0, 0, 20] = 1
    answer = Direct(Geometry.conv((64,), (5,), padding=2), np.full((1, 1, 5), 0.1)).forward(x)
    assert np.count_nonzero(answer) == 5


@pytest.fixture(params=["matrix at once", "matrix at the second product", "never a matrix"])
def policy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `op @ x` keeps between products."""
    kept, cheap = {"matrix at once": (2**28, 2**40), "matrix at the second product": (2**28, 0)}.get(
        request.param, (0, 0)
    )
    monkeypatch.setattr(product, "KEPT_BYTES", kept)
    monkeypatch.setattr(product, "_CHEAP", cheap)
    return str(request.param)


def test_kept_matrix_or_none_the_answer_is_one(policy: str, rng: np.random.Generator) -> None:
    for layer in random_layers(24, seed=9):
        op = layer.operator
        matrix = op.tosparse()
        for batch in (None, 1, 3):
            shape = (op.shape[1],) if batch is None else (op.shape[1], batch)
            x = rng.integers(-9, 9, shape)
            y = rng.integers(-9, 9, (op.shape[0], *shape[1:]))
            for kind in (np.int64, np.float64):
                for _ in range(2):
                    assert np.array_equal(op @ x.astype(kind), matrix @ x)
                    assert np.array_equal(op.T @ y.astype(kind), matrix.T @ y)


def test_phases_of_the_transpose_cover_every_tap_once() -> None:
    for stride, dilation, taps in itertools.product(range(1, 5), range(1, 5), range(1, 6)):
        extent = dilation * (taps - 1) + 1
        geometry = Geometry((Axis(extent + 3 * stride, taps, 4, stride, dilation),), 1, 1)
        used = [tap for _, (part,), _ in direct.phase_geometries(geometry) for tap in range(taps)[part]]
        assert sorted(used) == list(range(taps))
