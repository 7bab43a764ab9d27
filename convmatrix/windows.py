"""Windows of the padded input that neighbouring outputs share: gathered, multiplied, and put back where they belong."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convmatrix.geometry import Axis, Geometry

_CHUNK = 1 << 18
"""Numbers of gathered windows held at once: what the second-level cache takes."""


def window_size(last: Axis, block: int) -> int:
    """Length of the window that `block` outputs of the last axis share."""
    return last.kernel_size if block == 1 else (block - 1) * last.stride + last.extent


def banded(geometry: Geometry, weight: np.ndarray, block: int) -> np.ndarray:
    """`(groups, c_out/groups, window)` for block 1, else `(groups, window, c_out/groups * block)`."""
    groups, per_group = geometry.groups, geometry.out_channels // geometry.groups
    if block == 1:
        return np.ascontiguousarray(weight).reshape(groups, per_group, -1)
    last = geometry.axes[-1]
    lead = weight.reshape(groups, per_group, -1, last.kernel_size)
    dense = np.zeros((groups, lead.shape[2], window_size(last, block), per_group, block), dtype=weight.dtype)
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


class Windows:
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
            self.taps[-1], self.gaps[-1] = window_size(last, block), 1
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

    def forward_columns(self, dense: np.ndarray, columns: np.ndarray, result: np.ndarray) -> None:
        """Write the convolution of `(channels, *spatial, batch)` into `result`, the batch innermost throughout."""
        padded = self.pad(columns)
        batch = columns.shape[-1]
        matrices = dense[:, None] if self.block == 1 else dense.swapaxes(1, 2)[:, None]
        for rows in self._chunks(batch):
            windows = self._gather(padded, rows, batch).reshape(self.groups, -1, self.window, batch)
            self._unblock(np.matmul(matrices, windows), result, rows, batch)

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

    def _chunks(self, batch: int = 1) -> Iterator[slice]:
        """The first axis in runs whose windows fit the cache."""
        if not self.axes:
            yield slice(0, 1)
            return
        per_row = self.groups * self.window * math.prod(self.positions[1:])
        size = max(1, _CHUNK // max(per_row * batch, 1))
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

    def _gather(self, padded: np.ndarray, rows: slice, batch: int = 0) -> np.ndarray:
        """The windows: for block 1 `(channels, taps, positions)`, else `(groups, positions, channels, taps)`.

        Of columns always the latter, with the batch behind.
        """
        channel, *strides = padded.strides[: 1 + len(self.axes)]
        per_group = self.geometry.in_channels // self.groups
        base = padded[:, rows.start * self.steps[0] :] if self.axes else padded
        moves = [stride * step for stride, step in zip(strides, self.steps, strict=True)]
        reads = [stride * gap for stride, gap in zip(strides, self.gaps, strict=True)]
        counts = self._counts(rows)
        if self.block == 1 and not batch:
            shape, steps = (per_group * self.groups, *self.taps, *counts), (channel, *reads, *moves)
        else:
            lanes = ((batch,), (padded.itemsize,)) if batch else ((), ())
            shape = (self.groups, *counts, per_group, *self.taps, *lanes[0])
            steps = (per_group * channel, *moves, channel, *reads, *lanes[1])
        return as_strided(base, shape, steps, writeable=False)

    def _unblock(self, product: np.ndarray, result: np.ndarray, rows: slice, batch: int = 0) -> None:
        """`(groups, positions, c_out/groups * block)` into the result, the surplus of the last block dropped."""
        counts = self._counts(rows) or [1]
        lanes = (batch,) if batch else ()
        blocks = product.reshape(self.groups, *counts, -1, self.block, *lanes)
        blocks = np.moveaxis(blocks, 1 + len(counts), 1)
        blocks = blocks.reshape(result.shape[0], *counts[:-1], counts[-1] * self.block, *lanes)
        if not self.axes:
            result[...] = blocks[:, 0]
            return
        target = result[:, self._block_rows(rows)]
        target[...] = blocks[(*(slice(None),) * len(counts), slice(0, target.shape[len(counts)]))]

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
