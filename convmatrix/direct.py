"""A convolution applied without its matrix: windows gathered from the padded input, then one matrix product.

With many channels a window is a column of `c_in * taps` numbers and the product is dense already. With few, `block`
neighbouring outputs of the last axis share one longer window, and a small banded Toeplitz matrix takes it to all of
them at once: more multiplications, far fewer numbers moved. The transpose is each step's adjoint in reverse order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convmatrix.assembly import by_row_channel
from convmatrix.geometry import Axis, Geometry

_EXACT = 2**53
"""Integers below this are exact in float64, where products are fast."""
_CHUNK = 1 << 18
"""Numbers of gathered windows held at once: what the second-level cache takes."""
_BLOCKS = (1, 4, 8, 16, 32, 64)
_OVERHEAD = 40_000
"""Nanoseconds of Python around one product."""


class Direct:
    """One geometry with one weight, applied to tensors `(batch, channels, *spatial)` forwards and backwards."""

    def __init__(self, geometry: Geometry, weight: np.ndarray) -> None:
        self.geometry = geometry
        self.weight = weight
        self._kept: dict[tuple[int, Any], np.ndarray] = {}

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The convolution of each image of the batch."""
        weight, x, restore = self._in_floats(x)
        windows = windows_of(self.geometry, best_block(self.geometry) if _finite_floats(x) else 1)
        dense = self._dense(weight, windows.block)
        out = np.empty((x.shape[0], *self.geometry.out_shape), dtype=np.result_type(weight, x))
        for image, result in zip(x, out, strict=True):
            windows.forward(dense, image, result)
        return out if restore is None else np.rint(out).astype(restore)

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        """Its transpose (not conjugated): windows added up, or convolutions of `y` with the taps turned round."""
        weight, y, restore = self._in_floats(y)
        out = np.empty((y.shape[0], *self.geometry.in_shape), dtype=np.result_type(weight, y))
        windows = windows_of(self.geometry, 1)
        if transpose_by_parts(self.geometry):
            padded = np.zeros((y.shape[0], self.geometry.in_channels, *windows.padded), dtype=out.dtype)
            for where, part in self._parts:
                padded[(slice(None), slice(None), *where)] = part.forward(y)
            for image, result in zip(padded, out, strict=True):
                windows.unpad(image, result)
        else:
            dense = self._dense(weight, 1)
            for image, result in zip(y, out, strict=True):
                windows.backward(dense, image, result)
        return out if restore is None else np.rint(out).astype(restore)

    @cached_property
    def _parts(self) -> list[tuple[tuple[slice, ...], Direct]]:
        """The transpose on the padded input, a convolution with stride 1 for each phase of the strides."""
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
        if largest * self._largest_sum >= _EXACT:
            return self.weight, x.astype(np.int64), None
        return self._float_weight, x.astype(np.float64), np.int64

    @cached_property
    def _largest_sum(self) -> float:
        """No row and no column of the matrix has a larger sum of magnitudes."""
        return float(np.abs(self.weight.astype(np.float64)).sum())

    @cached_property
    def _float_weight(self) -> np.ndarray:
        return self.weight.astype(np.float64)

    def _dense(self, weight: np.ndarray, block: int) -> np.ndarray:
        key = (block, weight.dtype)
        if key not in self._kept:
            self._kept[key] = _banded(self.geometry, weight, block)
        return self._kept[key]


def _finite_floats(x: np.ndarray) -> bool:
    """Whether a shared window may multiply inputs by the zeros of its band, which a NaN would not survive."""
    if x.dtype.kind not in "fc":
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(abs(x.sum()))


@lru_cache(maxsize=1024)
def phase_geometries(geometry: Geometry) -> list[tuple[tuple[slice, ...], tuple[slice, ...], Geometry]]:
    """The transpose as convolutions: `(padded positions written, taps used, geometry)` for each phase of the strides.

    Padded position `i = first + stride*j` is read by output `o = (i - t*dilation)/stride` where that divides, so the
    taps of one phase are every `stride/gcd`-th one and read neighbouring outputs `dilation/gcd` apart, in reverse.
    """
    phases = [list(_axis_phases(axis)) for axis in geometry.axes]
    parts = []
    for combination in itertools.product(*phases):
        where, taps, axes = zip(*combination, strict=True) if combination else ((), (), ())
        parts.append((where, taps, Geometry(axes, geometry.out_channels, geometry.in_channels, geometry.groups)))
    return parts


def _axis_phases(axis: Axis) -> Iterator[tuple[slice, slice, Axis]]:
    padded = (axis.output_size - 1) * axis.stride + axis.extent
    common = math.gcd(axis.dilation, axis.stride)
    every, gap = axis.stride // common, axis.dilation // common
    for tap in range(min(every, axis.kernel_size)):
        first = tap * axis.dilation % axis.stride
        taps = len(range(tap, axis.kernel_size, every))
        count = len(range(first, padded, axis.stride))
        # The last of these taps reads `shift` outputs back, so the padding before makes up for it.
        shift = (tap * axis.dilation - first) // axis.stride
        before = (taps - 1) * gap + shift
        after = count - 1 + (taps - 1) * gap + 1 - axis.output_size - before
        last = tap + (taps - 1) * every
        turned = slice(last, tap - 1 if tap else None, -every)
        yield slice(first, None, axis.stride), turned, Axis(axis.output_size, taps, count, 1, gap, before, after)


@lru_cache(maxsize=1024)
def transpose_by_parts(geometry: Geometry) -> bool:
    """Whether the transpose is faster as convolutions than by adding up windows; the latter moves c_in * taps."""
    if not geometry.axes:
        return False
    moved = geometry.in_channels * math.prod((*geometry.kernel_size, *geometry.output_size))
    width = geometry.out_channels // geometry.groups
    summed = _OVERHEAD + moved * (1.2 + 12.0 / geometry.output_size[-1]) + 2 * moved * width / _speed(width)
    return sum(direct_cost(part, best_block(part)) for _, _, part in phase_geometries(geometry)) < summed


@lru_cache(maxsize=1024)
def best_block(geometry: Geometry) -> int:
    """How many neighbouring outputs share one window: the least estimated time."""
    return min(_BLOCKS, key=lambda block: direct_cost(geometry, block)) if geometry.axes else 1


@lru_cache(maxsize=4096)
def direct_cost(geometry: Geometry, block: int) -> float:
    """Estimated nanoseconds of one product in float64 on one thread; the constants are fitted to measurements."""
    per_group = geometry.out_channels // geometry.groups
    if not geometry.axes:
        return _OVERHEAD + 0.3 * geometry.nnz
    *outer, last = geometry.axes
    window = math.prod(axis.kernel_size for axis in outer) * geometry.in_channels * _window_size(last, block)
    positions = math.prod(axis.output_size for axis in outer) * -(-last.output_size // block)
    moved = window * positions
    if block == 1:
        gather = 0.3 + 6.0 / last.output_size + (0.5 if last.stride > 1 else 0.0)
    else:
        gather = 0.4 + 8.0 / _window_size(last, block)
    width = per_group * block
    return _OVERHEAD + 400 * geometry.groups + moved * gather + 2 * moved * width / _speed(width)


def _speed(width: int) -> float:
    """Floating-point operations a nanosecond of a product that many columns wide."""
    return 45 * min(1.0, (width / 12) ** 0.7)


def _window_size(last: Axis, block: int) -> int:
    """Length of the window that `block` outputs of the last axis share."""
    return last.kernel_size if block == 1 else (block - 1) * last.stride + last.extent


def _banded(geometry: Geometry, weight: np.ndarray, block: int) -> np.ndarray:
    """`(groups, c_out/groups, window)` for block 1, else `(groups, window, c_out/groups * block)`."""
    groups, per_group = geometry.groups, geometry.out_channels // geometry.groups
    if block == 1:
        return np.ascontiguousarray(weight).reshape(groups, per_group, -1)
    last = geometry.axes[-1]
    lead = weight.reshape(groups, per_group, -1, last.kernel_size)
    dense = np.zeros((groups, lead.shape[2], _window_size(last, block), per_group, block), dtype=weight.dtype)
    for tap in range(last.kernel_size):
        for output in range(block):
            dense[:, :, output * last.stride + tap * last.dilation, :, output] = lead[..., tap].swapaxes(1, 2)
    return dense.reshape(groups, -1, per_group * block)


def _overlap(axis: Axis, size: int) -> tuple[slice, slice]:
    """Where the input lies within the padded positions `0..size`: the part of it, and its place there."""
    first = max(-axis.pad_before, 0)
    kept = max(min(axis.input_size - first, size - max(axis.pad_before, 0)), 0)
    place = min(max(axis.pad_before, 0), size)
    return slice(first, first + kept), slice(place, place + kept)


@lru_cache(maxsize=256)
def windows_of(geometry: Geometry, block: int) -> _Windows:
    """The windows of a geometry, laid out once."""
    return _Windows(geometry, block)


class _Windows:
    """Where the windows of `block` outputs lie in the padded input, and the way back."""

    def __init__(self, geometry: Geometry, block: int) -> None:
        self.geometry, self.block = geometry, block
        self.groups = geometry.groups
        self.axes = geometry.axes
        self.taps = list(geometry.kernel_size)
        self.steps = [axis.stride for axis in self.axes]
        self.gaps = [axis.dilation for axis in self.axes]
        self.positions = list(geometry.output_size)
        self.padded = [(axis.output_size - 1) * axis.stride + axis.extent for axis in self.axes]
        if block > 1:
            last = self.axes[-1]
            self.taps[-1], self.gaps[-1] = _window_size(last, block), 1
            self.steps[-1] = block * last.stride
            self.positions[-1] = -(-last.output_size // block)
            self.padded[-1] = (self.positions[-1] - 1 - (-self.taps[-1] // self.steps[-1])) * self.steps[-1]
        self.window = geometry.in_channels // self.groups * math.prod(self.taps)
        self.indices = [
            axis.source(np.arange(size) - axis.pad_before) if axis.padding_mode != "zeros" else None
            for axis, size in zip(self.axes, self.padded, strict=True)
        ]

    def forward(self, dense: np.ndarray, image: np.ndarray, result: np.ndarray) -> None:
        """Write the convolution of one image into `result`."""
        padded = self.pad(image)
        for rows in self._chunks():
            windows = self._gather(padded, rows)
            if self.block == 1:
                part = self._flat_rows(result, rows)
                np.matmul(dense, windows.reshape(self.groups, self.window, -1), out=part)
            else:
                self._unblock(np.matmul(windows.reshape(self.groups, -1, self.window), dense), result, rows)

    def backward(self, dense: np.ndarray, image: np.ndarray, result: np.ndarray) -> None:
        """Write the transpose applied to one image into `result`; for windows of one output each."""
        padded = np.zeros((self.geometry.in_channels, *self.padded), dtype=result.dtype)
        for rows in self._chunks():
            spread = np.matmul(dense.swapaxes(1, 2), self._flat_rows(image, rows))
            self._spread(padded, spread.reshape(self.geometry.in_channels, *self.taps, *self._counts(rows)), rows)
        self.unpad(padded, result)

    def _counts(self, rows: slice) -> list[int]:
        """Positions on each axis within the rows."""
        return [rows.stop - rows.start, *self.positions[1:]] if self.axes else []

    def _chunks(self) -> Iterator[slice]:
        """The first axis in runs whose windows fit the cache."""
        if not self.axes:
            yield slice(0, 1)
            return
        per_row = self.groups * self.window * math.prod(self.positions[1:])
        size = max(1, _CHUNK // max(per_row, 1))
        for start in range(0, self.positions[0], size):
            yield slice(start, min(start + size, self.positions[0]))

    def _flat_rows(self, tensor: np.ndarray, rows: slice) -> np.ndarray:
        """Rows of an output tensor as `(groups, channels, positions)`, a view."""
        per_row = math.prod(self.positions[1:])
        flat = tensor.reshape(self.groups, -1, math.prod(self.positions))
        return flat[:, :, rows.start * per_row : rows.stop * per_row]

    def pad(self, image: np.ndarray) -> np.ndarray:
        """The image as the windows need it: cropped or padded on each axis by its border rule."""
        for number, (axis, size, index) in enumerate(zip(self.axes, self.padded, self.indices, strict=True), start=1):
            if index is not None:
                image = image.take(index, axis=number)
            elif axis.pad_before or size != image.shape[number]:
                inside, outside = _overlap(axis, size)
                wider = np.zeros((*image.shape[:number], size, *image.shape[number + 1 :]), dtype=image.dtype)
                head = (slice(None),) * number
                wider[(*head, outside)] = image[(*head, inside)]
                image = wider
        return image

    def unpad(self, padded: np.ndarray, result: np.ndarray) -> None:
        """The adjoint of the padding: what was repeated is added up, what was cropped is zero."""
        for number, (axis, index) in enumerate(zip(self.axes, self.indices, strict=True), start=1):
            head = (slice(None),) * number
            inside, outside = _overlap(axis, padded.shape[number])
            if index is None and inside == slice(0, axis.input_size):
                padded = padded[(*head, outside)]
                continue
            narrow = np.zeros((*padded.shape[:number], axis.input_size, *padded.shape[number + 1 :]), padded.dtype)
            narrow[(*head, inside)] = padded[(*head, outside)]
            if index is not None:
                for position in (*range(outside.start), *range(outside.stop, index.size)):
                    narrow[(*head, index[position])] += padded[(*head, position)]
            padded = narrow
        result[...] = padded

    def _gather(self, padded: np.ndarray, rows: slice) -> np.ndarray:
        """The windows: for block 1 `(channels, taps, positions)`, else `(groups, positions, channels, taps)`."""
        channel, *strides = padded.strides
        per_group = self.geometry.in_channels // self.groups
        base = padded[:, rows.start * self.steps[0] :] if self.axes else padded
        moves = [stride * step for stride, step in zip(strides, self.steps, strict=True)]
        reads = [stride * gap for stride, gap in zip(strides, self.gaps, strict=True)]
        counts = self._counts(rows)
        if self.block == 1:
            shape, steps = (per_group * self.groups, *self.taps, *counts), (channel, *reads, *moves)
        else:
            shape = (self.groups, *counts, per_group, *self.taps)
            steps = (per_group * channel, *moves, channel, *reads)
        return as_strided(base, shape, steps, writeable=False)

    def _unblock(self, product: np.ndarray, result: np.ndarray, rows: slice) -> None:
        """`(groups, positions, c_out/groups * block)` into the result, the surplus of the last block dropped."""
        counts = self._counts(rows)
        blocks = product.reshape(self.groups, *counts, -1, self.block)
        blocks = np.moveaxis(blocks, -2, 1).reshape(-1, *counts[:-1], counts[-1] * self.block)
        target = result[:, self._block_rows(rows)]
        target[...] = blocks[..., : target.shape[-1]]

    def _block_rows(self, rows: slice) -> slice:
        """The outputs on the first axis behind some rows of positions."""
        return slice(rows.start * self.block, rows.stop * self.block) if len(self.axes) == 1 else rows

    def _spread(self, padded: np.ndarray, spread: np.ndarray, rows: slice) -> None:
        """Add `(channels, taps, positions)` where the windows were read."""
        counts = self._counts(rows)
        firsts = [rows.start * self.steps[0], *[0] * (len(self.axes) - 1)] if self.axes else []
        for taps in itertools.product(*map(range, self.taps)):
            where = [slice(None)]
            for first, tap, gap, step, count in zip(firsts, taps, self.gaps, self.steps, counts, strict=True):
                start = first + tap * gap
                where.append(slice(start, start + (count - 1) * step + 1, step))
            read: Any = (slice(None), *taps)
            padded[tuple(where)] += spread[read]
