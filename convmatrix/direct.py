"""A convolution applied without its matrix: windows gathered from the padded input, then one matrix product.

With many channels a window is a column of `c_in * taps` numbers and the product is dense already. With few, `block`
neighbouring outputs of the last axis share one longer window, and a small banded Toeplitz matrix takes it to all of
them at once: more multiplications, far fewer numbers moved. The transpose is each step's adjoint in reverse order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np

from convmatrix.assembly import by_row_channel
from convmatrix.geometry import Axis, Geometry
from convmatrix.windows import Windows, banded, window_size

_EXACT = 2**53
"""Integers below this are exact in float64, where products are fast."""
_BLOCKS = (1, 4, 8, 16, 32, 64)
_NARROW = 25
"""Floating-point operations a nanosecond of the many small products that columns take."""
_OVERHEAD = 40_000
"""Nanoseconds of Python around one product."""


class Direct:
    """One geometry with one weight, applied forwards and backwards.

    To images, tensors `(batch, channels, *spatial)`, one after the other; or to columns `(entries, batch)`, as a matrix
    is, all at once and without turning them into images first.
    """

    def __init__(self, geometry: Geometry, weight: np.ndarray) -> None:
        self.geometry = geometry
        self.weight = weight
        self._kept: dict[tuple[int, Any], np.ndarray] = {}
        self._layouts: dict[int, Windows] = {}

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The convolution of each image of the batch."""
        weight, x, restore = self._in_floats(x)
        windows = self._windows(best_block(self.geometry) if _finite_floats(x) else 1)
        dense = self._dense(weight, windows.block)
        out = np.empty((x.shape[0], *self.geometry.out_shape), dtype=np.result_type(weight, x))
        for image, result in zip(x, out, strict=True):
            windows.forward(dense, image, result)
        return out if restore is None else np.rint(out).astype(restore)

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        """Its transpose (not conjugated): windows added up, or convolutions of `y` with the taps turned round."""
        weight, y, restore = self._in_floats(y)
        out = np.zeros((y.shape[0], *self.geometry.in_shape), dtype=np.result_type(weight, y))
        windows = self._windows(1)
        by_parts = transpose_by_parts(self.geometry)
        for image, result in zip(y, out, strict=True):
            if by_parts:
                self._by_parts(result, partial(_one_image, image))
            else:
                windows.backward(self._dense(weight, 1), image, result)
        return out if restore is None else np.rint(out).astype(restore)

    def forward_columns(self, v: np.ndarray) -> np.ndarray:
        """The convolution of each column of `(c_in * inputs, batch)`."""
        weight, v, restore = self._in_floats(v)
        batch = v.shape[1]
        windows = self._windows(best_block(self.geometry, batch) if _finite_floats(v) else 1)
        out = np.empty((*self.geometry.out_shape, batch), dtype=np.result_type(weight, v))
        windows.forward_columns(self._dense(weight, windows.block), v.reshape(*self.geometry.in_shape, batch), out)
        out = out.reshape(self.geometry.shape[0], batch)
        return out if restore is None else np.rint(out).astype(restore)

    def adjoint_columns(self, v: np.ndarray) -> np.ndarray:
        """The transpose applied to each column of `(c_out * outputs, batch)`, by parts."""
        weight, v, restore = self._in_floats(v)
        out = np.zeros((*self.geometry.in_shape, v.shape[1]), dtype=np.result_type(weight, v))

        def columns_of(part: Direct) -> np.ndarray:
            return part.forward_columns(v).reshape(*part.geometry.out_shape, v.shape[1])

        self._by_parts(out, columns_of)
        out = out.reshape(self.geometry.shape[1], v.shape[1])
        return out if restore is None else np.rint(out).astype(restore)

    def _by_parts(self, result: np.ndarray, apply: Callable[[Direct], np.ndarray]) -> None:
        """Write the transpose into `result`, phase by phase, on the padded input where its border is read."""
        windows = self._windows(1)
        padded = result
        if not _zero_padded(self.geometry):
            padded = np.zeros(
                (result.shape[0], *windows.padded, *result.shape[1 + len(windows.padded) :]), result.dtype
            )
        for where, part in self._parts:
            padded[(slice(None), *where)] = apply(part)
        if padded is not result:
            windows.unpad(padded, result)

    @cached_property
    def _parts(self) -> list[tuple[tuple[slice, ...], Direct]]:
        """The transpose, a convolution with stride 1 for each phase of the strides."""
        weight = by_row_channel(self.geometry, self.weight, True)
        parts = []
        for where, taps, geometry in phase_geometries(self.geometry):
            parts.append((where, Direct(geometry, np.ascontiguousarray(weight[(slice(None), slice(None), *taps)]))))
        return parts

    def _in_floats(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
        """Integers as float64 where every sum stays exact there, since only floats have a fast product."""
        if self.weight.dtype.kind != "i" or x.dtype.kind not in "iub":
            return self.weight, x, None
        largest = max(-int(x.min(initial=0)), int(x.max(initial=0)))
        if largest * self.largest_sum >= _EXACT:
            return self.weight, x.astype(np.int64), None
        return self._float_weight, x.astype(np.float64), np.int64

    @cached_property
    def largest_sum(self) -> float:
        """No row and no column of the matrix has a larger sum of magnitudes."""
        return float(np.abs(self.weight.astype(np.float64)).sum())

    @cached_property
    def _float_weight(self) -> np.ndarray:
        return self.weight.astype(np.float64)

    def _windows(self, block: int) -> Windows:
        if block not in self._layouts:
            self._layouts[block] = Windows(self.geometry, block)
        return self._layouts[block]

    def _dense(self, weight: np.ndarray, block: int) -> np.ndarray:
        key = (block, weight.dtype)
        if key not in self._kept:
            self._kept[key] = banded(self.geometry, weight, block)
        return self._kept[key]


def _one_image(image: np.ndarray, part: Direct) -> np.ndarray:
    return part.forward(image[None])[0]


def _finite_floats(x: np.ndarray) -> bool:
    """Whether a shared window may multiply inputs by the zeros of its band, which a NaN would not survive."""
    if x.dtype.kind not in "fc":
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(abs(x.sum()))


def _zero_padded(geometry: Geometry) -> bool:
    return all(axis.padding_mode == "zeros" for axis in geometry.axes)


@lru_cache(maxsize=1024)
def phase_geometries(geometry: Geometry) -> list[tuple[tuple[slice, ...], tuple[slice, ...], Geometry]]:
    """The transpose as convolutions: `(inputs written, taps used, geometry)` for each phase of the strides.

    Padded position `q` is read by output `o = (q - t*dilation)/stride` where that divides, so the taps of one phase are
    every `stride/gcd`-th one and read neighbouring outputs `dilation/gcd` apart, in reverse. Under zero padding the
    inputs themselves are written, under other borders the padded positions.
    """
    phases = [list(_axis_phases(axis)) for axis in geometry.axes]
    parts = []
    for combination in itertools.product(*phases):
        where, taps, axes = zip(*combination, strict=True) if combination else ((), (), ())
        parts.append((where, taps, Geometry(axes, geometry.out_channels, geometry.in_channels, geometry.groups)))
    return parts


def _axis_phases(axis: Axis) -> Iterator[tuple[slice, slice, Axis]]:
    offset, size = axis.pad_before, axis.input_size
    if axis.padding_mode != "zeros":
        offset, size = 0, (axis.output_size - 1) * axis.stride + axis.extent
    common = math.gcd(axis.dilation, axis.stride)
    every, gap = axis.stride // common, axis.dilation // common
    for tap in range(min(every, axis.kernel_size)):
        first = (tap * axis.dilation - offset) % axis.stride
        count = len(range(first, size, axis.stride))
        if not count:
            continue
        taps = len(range(tap, axis.kernel_size, every))
        # The last of these taps reads the earliest output, which the padding before makes up for.
        before = (taps - 1) * gap - (first + offset - tap * axis.dilation) // axis.stride
        after = count - 1 + (taps - 1) * gap + 1 - axis.output_size - before
        last = tap + (taps - 1) * every
        turned = slice(last, tap - 1 if tap else None, -every)
        yield slice(first, size, axis.stride), turned, Axis(axis.output_size, taps, count, 1, gap, before, after)


@lru_cache(maxsize=1024)
def transpose_by_parts(geometry: Geometry) -> bool:
    """Whether the transpose is faster as convolutions than by adding up windows; the latter moves c_in * taps."""
    if not geometry.axes:
        return False
    moved = geometry.in_channels * math.prod((*geometry.kernel_size, *geometry.output_size))
    width = geometry.out_channels // geometry.groups
    summed = _OVERHEAD + moved * (1.2 + 20.0 / geometry.output_size[-1]) + 2 * moved * width / _speed(width)
    return sum(direct_cost(part, best_block(part)) for _, _, part in phase_geometries(geometry)) < summed


@lru_cache(maxsize=1024)
def best_block(geometry: Geometry, columns: int = 0) -> int:
    """How many neighbouring outputs share one window: the least estimated time."""
    return min(_BLOCKS, key=lambda block: direct_cost(geometry, block, columns)) if geometry.axes else 1


@lru_cache(maxsize=4096)
def direct_cost(geometry: Geometry, block: int, columns: int = 0) -> float:
    """Estimated nanoseconds of one image, or of so many columns at once, in float64 on one thread.

    The constants are fitted to measurements.
    """
    per_group = geometry.out_channels // geometry.groups
    if not geometry.axes:
        return _OVERHEAD + 0.3 * geometry.nnz * max(columns, 1)
    *outer, last = geometry.axes
    window = math.prod(axis.kernel_size for axis in outer) * geometry.in_channels * window_size(last, block)
    positions = math.prod(axis.output_size for axis in outer) * -(-last.output_size // block)
    moved, width = window * positions, per_group * block
    if columns:
        gather = 0.35 if outer or geometry.in_channels > geometry.groups or block == 1 else 0.0
        products = 120 * positions * geometry.groups
        return _OVERHEAD + products + columns * moved * (gather + 2 * width / _NARROW)
    if block == 1:
        gather = 0.3 + 6.0 / last.output_size + (0.5 if last.stride > 1 else 0.0)
    else:
        gather = 0.4 + 8.0 / window_size(last, block)
    return _OVERHEAD + 400 * geometry.groups + moved * gather + 2 * moved * width / _speed(width)


def _speed(width: int) -> float:
    """Floating-point operations a nanosecond of a product that many columns wide."""
    return 45 * min(1.0, (width / 12) ** 0.7)
