"""A layer's geometry: shapes, announced entries and bytes, and the width of an index."""

from __future__ import annotations

import itertools
import math

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix.geometry import Geometry
from convmatrix.geometry.layer import index_itemsize, sparse_nbytes

FORMATS = ("csr", "csc", "coo")


@st.composite
def layers(draw: st.DrawFn) -> tuple[Geometry, tuple[object, ...]]:
    """A geometry of 1 to 4 axes, and the arguments with which the twin makes it."""
    axes = draw(st.integers(1, 4))
    largest = {1: 12, 2: 6, 3: 4, 4: 3}[axes]

    def per_axis(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=axes, max_size=axes))

    size, kernel, stride, dilation = per_axis(1, largest), per_axis(1, 3), per_axis(1, 3), per_axis(1, 2)
    mode = draw(st.sampled_from(oracles.PADDING_MODES))
    sides = list(zip(per_axis(0, 3), per_axis(0, 3), strict=True))
    if mode == "reflect":
        sides = [(min(b, n - 1), min(a, n - 1)) for (b, a), n in zip(sides, size, strict=True)]
    pads = [
        (b, a if b + a + n > d * (k - 1) else (d * (k - 1) if mode != "reflect" else a))
        for (b, a), n, k, d in zip(sides, size, kernel, dilation, strict=True)
    ]
    kernel = [k if n + b + a > d * (k - 1) else 1 for (b, a), n, k, d in zip(pads, size, kernel, dilation, strict=True)]
    groups = draw(st.integers(1, 2))
    c_in, c_out = draw(st.integers(1, 2)) * groups, draw(st.integers(1, 2)) * groups
    options = {"stride": stride, "padding": pads, "dilation": dilation, "groups": groups, "padding_mode": mode}
    geometry = Geometry.conv(size, kernel, c_in, c_out, **options)  # type: ignore[arg-type]
    weight = np.ones((c_out, c_in // groups, *kernel), dtype=np.int64)
    return geometry, (weight, size, stride, pads, dilation, groups, mode)


@given(layers())
def test_shapes_and_entries_of_any_layer(drawn: tuple[Geometry, tuple[object, ...]]) -> None:
    geometry, arguments = drawn
    weight = arguments[0]
    assert isinstance(weight, np.ndarray)
    assert geometry.weight_shape == weight.shape
    assert geometry.output_size == oracles.output_size(weight.shape[2:], *arguments[1:5])  # type: ignore[arg-type]
    assert geometry.in_shape == (geometry.in_channels, *geometry.input_size)
    assert geometry.out_shape == (geometry.out_channels, *geometry.output_size)
    assert geometry.shape == (math.prod(geometry.out_shape), math.prod(geometry.in_shape))
    assert geometry.nnz == oracles.stored(*arguments)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("dtype", ["int64", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("transposed", [False, True], ids=["conv", "transpose"])
def test_bytes_are_known_before(format: str, dtype: str, transposed: bool) -> None:
    op: cm.TensorOperator = cm.conv(np.ones((4, 1, 3, 2), dtype=dtype), (5, 4), stride=2, padding=1, groups=2)
    op = op.T if transposed else op
    matrix = op.tosparse(format)
    assert matrix.format == format
    assert op.nbytes(format) == oracles.sparse_bytes(matrix)
    assert op.nbytes(format) == sparse_nbytes(op.nnz, op.shape, format, np.dtype(dtype).itemsize)
    assert op.nnz == matrix.nnz


def test_geometry_announces_the_bytes_of_a_convolution() -> None:
    op = cm.conv(np.ones((3, 2, 3), np.float32), 9, padding=1)
    for format in FORMATS:
        assert op.geometry.nbytes(format, itemsize=4) == oracles.sparse_bytes(op.tosparse(format))


def test_formats_others_than_three_are_refused() -> None:
    with pytest.raises(cm.ConvMatrixError, match="format must be one of 'csr', 'csc', 'coo', got 'bsr'"):
        Geometry.conv((5,), (3,)).nbytes("bsr")


LAST = 2**31 - 1


@pytest.mark.parametrize(
    ("nnz", "rows", "columns", "bytes_an_index"),
    [(LAST, 5, 5, 4), (LAST + 1, 5, 5, 8), (0, LAST, LAST, 4), (0, LAST + 1, 1, 8), (0, 1, LAST + 1, 8)],
)
def test_indices_are_as_narrow_as_they_can_be(nnz: int, rows: int, columns: int, bytes_an_index: int) -> None:
    assert index_itemsize(nnz, rows, columns) == bytes_an_index


@pytest.mark.parametrize(
    ("size", "kernel", "channels", "bytes_an_index"),
    [
        ((LAST,), (1,), 1, 4),
        ((LAST + 1,), (1,), 1, 8),
        ((1024, 1024), (3, 3), 15, 4),
        ((1024, 1024), (3, 3), 16, 8),
        ((224, 224), (7, 7), 64, 8),
    ],
)
def test_wide_indices_are_decided_without_the_matrix(
    size: tuple[int, ...], kernel: tuple[int, ...], channels: int, bytes_an_index: int
) -> None:
    geometry = Geometry.conv(size, kernel, channels, channels)
    assert geometry.index_itemsize() == bytes_an_index
    narrow = max(geometry.nnz, *geometry.shape) <= LAST
    assert narrow == (bytes_an_index == 4)
    rows = geometry.shape[0] + 1
    assert geometry.nbytes("csr", 8) == geometry.nnz * (8 + bytes_an_index) + rows * bytes_an_index


def test_transposed_layers_hold_the_larger_grid() -> None:
    geometry = Geometry.transposed((2, 2), (3, 3), 4, 6, stride=2, groups=2)
    assert (geometry.in_shape, geometry.out_shape) == ((6, 5, 5), (4, 2, 2))
    assert geometry.weight_shape == (4, 3, 3, 3)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [2, 3, 4])
def test_output_padding_from_stride_to_dilation(stride: int, dilation: int) -> None:
    """The size rule would give more rows than there are inputs; only the first ones are meant."""
    for extra, size, taps in itertools.product(range(dilation), (1, 3), (1, 2, 3)):
        op = cm.conv_transpose(np.arange(1, taps + 1), size, stride=stride, dilation=dilation, output_padding=extra)
        axis = op.geometry.axes[0]
        assert axis.output_size == size <= axis.size_rule
        larger = (size - 1) * stride + dilation * (taps - 1) + extra + 1
        assert op.out_shape == (1, larger)
        expected = np.zeros((larger, size), dtype=np.int64)
        for column, tap in itertools.product(range(size), range(taps)):
            expected[column * stride + tap * dilation, column] = tap + 1
        assert np.array_equal(op.toarray(), expected)


def test_a_fully_connected_layer_has_no_axes() -> None:
    geometry = Geometry.conv((), (), 3, 2)
    assert (geometry.shape, geometry.nnz, geometry.in_shape, geometry.out_shape) == ((2, 3), 6, (3,), (2,))


def test_a_geometry_is_a_value() -> None:
    one, two = (Geometry.conv((5, 5), (3, 3), padding=spelt) for spelt in (1, "same"))
    assert one == two
    assert hash(one) == hash(two)
    with pytest.raises(AttributeError):
        one.groups = 2  # type: ignore[misc]


def test_groups_divide_both_sides() -> None:
    with pytest.raises(cm.ConvMatrixError, match="groups must divide in_channels 3, got 2"):
        Geometry.conv((5,), (3,), 3, 4, groups=2)
