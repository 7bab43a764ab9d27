"""The matrix, written directly, against the matrix added up product by product; through every path of the writer."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import oracles
import pytest

import convmatrix as cm
from convmatrix import assembly
from convmatrix.geometry import Geometry, axis_table


@dataclass(frozen=True)
class Layer:
    """A geometry as the oracle takes it, with a weight."""

    weight: np.ndarray
    size: tuple[int, ...]
    stride: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int
    mode: str

    @property
    def arguments(self) -> tuple[Any, ...]:
        return (self.weight, self.size, self.stride, self.pads, self.dilation, self.groups, self.mode)

    @property
    def operator(self) -> Any:
        return cm.conv(
            self.weight, self.size, stride=self.stride, padding=self.pads, dilation=self.dilation,
            groups=self.groups, padding_mode=self.mode,
        )  # fmt: skip

    @property
    def geometry(self) -> Geometry:
        return self.operator.geometry  # type: ignore[no-any-return]


def random_layers(count: int, seed: int, axes: tuple[int, ...] = (1, 2, 3, 4)) -> Iterator[Layer]:
    """Small layers of every kind: kernels beyond the input, strides beyond the kernel, axes of size 1."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        dims = axes[number % len(axes)]
        mode = oracles.PADDING_MODES[int(rng.integers(5))]
        size = rng.integers(1, {1: 12, 2: 7, 3: 4, 4: 3}[dims], dims)
        kernel = rng.integers(1, 5 if dims < 3 else 3, dims)
        stride, dilation = rng.integers(1, 5, dims), rng.integers(1, 3, dims)
        pads = rng.integers(0, 4, (dims, 2))
        if mode == "reflect":
            pads = np.minimum(pads, size[:, None] - 1)
        kernel = np.minimum(kernel, (size + pads.sum(axis=1) - 1) // dilation + 1)
        groups = int(rng.integers(1, 3))
        weight = rng.integers(-9, 10, (groups * int(rng.integers(1, 3)), int(rng.integers(1, 3)), *kernel))
        plain = [tuple(values.tolist()) for values in (size, stride, dilation)]
        pairs = tuple((int(before), int(after)) for before, after in pads)
        yield Layer(weight, plain[0], plain[1], pairs, plain[2], groups, mode)


PATHS: dict[str, dict[str, Any]] = {
    "kept patterns": {},
    "no kept patterns": {"_CACHED": 0},
    "two threads": {"_CACHED": 0, "_PARALLEL": 1, "processors": lambda: 2},
    "four threads": {"_CACHED": 0, "_PARALLEL": 1, "processors": lambda: 7},
    "short templates": {"_CACHED": 0, "_TEMPLATE": 1},
    "templates of a few rows": {"_CACHED": 0, "_TEMPLATE": 40},
    "short templates, two threads": {"_CACHED": 0, "_TEMPLATE": 8, "_PARALLEL": 1, "processors": lambda: 2},
}


@pytest.mark.parametrize("path", PATHS)
def test_every_path_writes_the_matrix_of_the_definition(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PATHS[path].items():
        monkeypatch.setattr(assembly, name, value)
    for layer in random_layers(60, seed=len(path)):
        expected = oracles.dense(*layer.arguments)
        for transpose, dense in ((False, expected), (True, expected.T)):
            matrix = assembly.assemble(layer.geometry, layer.weight, transpose)
            oracles.assert_canonical(matrix)
            assert np.array_equal(matrix.toarray(), dense), layer
            assert matrix.nnz == layer.geometry.nnz


@pytest.mark.parametrize("path", PATHS)
def test_long_axes_too(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long enough for the runs between the borders, where one template serves many lines."""
    for name, value in PATHS[path].items():
        monkeypatch.setattr(assembly, name, value)
    for mode, stride, dilation in itertools.product(oracles.PADDING_MODES, (1, 2, 3), (1, 2)):
        layer = Layer(np.arange(1, 11).reshape(1, 2, 5), (60,), (stride,), ((5, 4),), (dilation,), 1, mode)
        expected = oracles.dense(*layer.arguments)
        assert np.array_equal(assembly.assemble(layer.geometry, layer.weight).toarray(), expected)
        assert np.array_equal(assembly.assemble(layer.geometry, layer.weight, True).toarray(), expected.T)


SPECIAL: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "kernel beyond the input": ((2,), (9,), {"padding": 4}),
    "kernel beyond the input in 2-D": ((2, 3), (5, 7), {"padding": [(2, 2), (3, 2)]}),
    "kernel beyond the input, full": ((3,), (8,), {"padding": "full"}),
    "kernel beyond the input, circular": ((3,), (8,), {"padding": "full", "padding_mode": "circular"}),
    "stride beyond the kernel": ((11,), (2,), {"stride": 5}),
    "stride beyond the input": ((3, 3), (1, 1), {"stride": 7}),
    "an axis of size 1": ((1, 6), (1, 3), {}),
    "all axes of size 1": ((1, 1, 1), (3, 3, 3), {"padding": 1}),
    "an axis of size 1, circular": ((1,), (3,), {"padding": 2, "padding_mode": "circular"}),
    "an axis of size 1, replicate": ((1, 2), (3, 2), {"padding": [1, 1], "padding_mode": "replicate"}),
    "an axis of size 1, symmetric": ((1,), (3,), {"padding": 3, "padding_mode": "symmetric"}),
    "padding beyond the kernel": ((3,), (2,), {"padding": 6}),
    "rows that read nothing": ((2,), (1,), {"padding": 3, "stride": 2}),
    "one side only": ((5, 4), (3, 2), {"padding": [(2, 0), (0, 1)]}),
    "dilation beyond the input": ((3,), (2,), {"dilation": 5, "padding": (5,)}),
    "4-D": ((2, 3, 2, 2), (2, 2, 1, 2), {"padding": 1, "stride": (1, 2, 1, 2)}),
    "5-D": ((2, 1, 2, 2, 2), (2, 1, 1, 2, 2), {"padding": [1, 0, 0, 1, 0]}),
    "6-D": ((2, 2, 1, 1, 2, 2), (2, 1, 1, 1, 2, 1), {}),
    "no axes": ((), (), {}),
}


@pytest.mark.parametrize("case", SPECIAL)
@pytest.mark.parametrize("transpose", [False, True], ids=["matrix", "transpose"])
def test_special_geometries(case: str, transpose: bool) -> None:
    size, kernel, options = SPECIAL[case]
    weight = np.arange(1, 1 + 4 * math.prod(kernel)).reshape(2, 2, *kernel)
    op = cm.conv(weight, size, **options)
    axes = op.geometry.axes
    expected = oracles.dense(
        weight,
        size,
        [axis.stride for axis in axes],
        [(axis.pad_before, axis.pad_after) for axis in axes],
        [axis.dilation for axis in axes],
        1,
        options.get("padding_mode", "zeros"),
    )
    matrix = (op.T if transpose else op).tosparse()
    oracles.assert_canonical(matrix)
    assert np.array_equal(matrix.toarray(), expected.T if transpose else expected)


def test_zeros_of_the_weight_are_stored() -> None:
    """The pattern is the geometry's alone."""
    for layer in random_layers(12, seed=5):
        full, empty = (assembly.assemble(layer.geometry, fill(layer.weight)) for fill in (np.ones_like, np.zeros_like))
        assert np.array_equal(full.indices, empty.indices)
        assert np.array_equal(full.indptr, empty.indptr)
        assert empty.nnz == oracles.stored(*layer.arguments)
        assert not empty.data.any()


@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate", "symmetric"])
def test_repeated_reads_are_added_up(mode: str) -> None:
    """Three taps on two inputs cannot make more than two entries in a row."""
    matrix = cm.conv([1, 10, 100], 2, padding=1, padding_mode=mode).tosparse()
    oracles.assert_canonical(matrix)
    assert matrix.sum(axis=1).tolist() == [111, 111]
    assert matrix.nnz == 4
    cancelled = cm.conv([1, 5, -1], 2, padding=1, padding_mode="circular").tosparse()
    assert cancelled.nnz == 4
    assert cancelled.toarray().tolist() == [[5, 0], [0, 5]]


@pytest.mark.parametrize("transpose", [False, True], ids=["matrix", "transpose"])
@pytest.mark.parametrize("cached", [0, 1 << 15], ids=["written", "kept"])
def test_wide_indices_are_written_where_they_must(
    transpose: bool, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if int32 ended at 100: the same matrix, with int64 throughout."""
    narrow = lambda nnz, rows, columns: 4 if max(nnz, rows, columns) < 100 else 8  # noqa: E731
    monkeypatch.setattr(assembly, "index_itemsize", narrow)
    monkeypatch.setattr(assembly, "_CACHED", cached)
    assembly.labelled_pattern.cache_clear()
    try:
        weight = np.arange(1, 37).reshape(2, 2, 3, 3)
        geometry = Geometry.conv((6, 5), (3, 3), 2, 2, padding=1)
        matrix = assembly.assemble(geometry, weight, transpose)
        assert {matrix.indices.dtype, matrix.indptr.dtype} == {np.dtype(np.int64)}
        expected = oracles.dense(weight, (6, 5), (1, 1), ((1, 1), (1, 1)), (1, 1))
        assert np.array_equal(matrix.toarray(), expected.T if transpose else expected)
        small = assembly.assemble(Geometry.conv((5,), (3,)), np.ones((1, 1, 3)))
        assert {small.indices.dtype, small.indptr.dtype} == {np.dtype(np.int32)}
    finally:
        assembly.labelled_pattern.cache_clear()


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("mode", oracles.PADDING_MODES)
def test_entries_keep_their_dtype(dtype: str, mode: str) -> None:
    weight = np.array([[[1, 2, 3]]]).astype(dtype)
    for matrix in (
        cm.conv(weight, 4, padding=1, padding_mode=mode).tosparse(),
        cm.conv(weight, 4, padding=1, padding_mode=mode).T.tosparse("coo"),
    ):
        assert matrix.dtype == np.dtype(dtype)


def test_matrices_share_no_memory() -> None:
    """A kept pattern stays as it was, whatever is done to a matrix made from it."""
    op = cm.conv([1, 2, 3], 6, padding=1)
    first = op.tosparse()
    expected = first.toarray()
    first.data[:], first.indices[:], first.indptr[:] = 9, 0, 0
    assert np.array_equal(op.tosparse().toarray(), expected)
    assert op.weight.ravel().tolist() == [1, 2, 3]


def test_exact_entries_are_those_of_the_matrix() -> None:
    for layer in random_layers(16, seed=11):
        rows, columns, values = assembly.exact_entries(layer.geometry, layer.weight.astype(object))
        dense = np.zeros(layer.geometry.shape, dtype=np.int64)
        dense[rows, columns] = values
        assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == layer.geometry.nnz
        assert np.array_equal(dense, oracles.dense(*layer.arguments))


def test_merged_taps_are_known_before() -> None:
    assert axis_table(Geometry.conv((3,), (5,), padding=2, padding_mode="circular").axes[0]).merged


def test_the_announced_peak_is_the_matrix(rng: np.random.Generator) -> None:
    """Nothing of the matrix's size is held beside it while it is written."""
    import tracemalloc

    weight = rng.standard_normal((16, 16, 3, 3))
    op = cm.conv(weight, (28, 28), padding=1)
    tracemalloc.start()
    try:
        matrix = op.tosparse()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 1.1 * oracles.sparse_bytes(matrix)
