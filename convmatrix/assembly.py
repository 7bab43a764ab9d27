"""Geometry and weight to canonical CSR, written straight into the final arrays: no COO, no sort, no mask.

Fix an output position on every axis but the last. The rows of the whole last axis then form one contiguous *line* of
the matrix, and lines whose outer positions lie in the same run of their axes differ only by a shift of their columns.
So one template line a combination of runs is made, and one broadcast writes it everywhere it belongs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import AxisTable, Geometry, Segment, axis_table
from convmatrix.geometry.layer import index_itemsize
from convmatrix.parallel import processors

_TEMPLATE = 1 << 16
"""Entries of a template line: large enough to hide the loop, small enough for the second-level cache."""
_PARALLEL = 1 << 21
"""Entries from which a second thread pays."""
_CACHED = 1 << 15
"""Entries up to which a pattern is kept for the next weight of the same geometry."""


def assemble(geometry: Geometry, weight: np.ndarray, transpose: bool = False) -> csr_array:
    """The matrix of a convolution, or of its transpose, in canonical CSR.

    Parameters
    ----------
    geometry : Geometry
        Of the convolution, also where its transpose is asked for.
    weight : ndarray of shape `geometry.weight_shape`
        Of a dtype that SciPy stores; the entries keep it.
    transpose : bool
        Write the transpose, just as directly.

    Returns
    -------
    csr_array of shape `geometry.shape` (or its reverse)
        Entry formula, one axis and one channel: `C[o, i] = sum of weight[t] over taps t that read input i`.
        Indices are sorted and distinct, int32 where they fit and int64 where they must; the pattern depends on
        the geometry alone, so taps of value 0 are stored and padding never is.

    Examples
    --------
    >>> import numpy as np
    >>> from convmatrix.assembly import assemble
    >>> from convmatrix.geometry import Geometry
    >>> assemble(Geometry.conv((4,), (3,), padding=1), np.array([[[1, 2, 3]]])).toarray()
    array([[2, 3, 0, 0],
           [1, 2, 3, 0],
           [0, 1, 2, 3],
           [0, 0, 1, 2]])
    """
    weight = np.ascontiguousarray(by_row_channel(geometry, weight, transpose))
    tables = tuple([axis_table(axis, transpose) for axis in geometry.axes])
    weight = _with_merged_taps(weight, tables)
    rows, columns = geometry.shape[::-1] if transpose else geometry.shape
    if geometry.nnz <= _CACHED:
        indptr, indices, taps = labelled_pattern(geometry, transpose)
        parts = (weight.reshape(-1)[taps], indices.copy(), indptr.copy())
    else:
        parts = _Assembly(tables, weight, geometry.groups, (rows, columns)).build()
    matrix = csr_array(parts, shape=(rows, columns))
    matrix.has_canonical_format = True
    return matrix


@lru_cache(maxsize=64)
def labelled_pattern(geometry: Geometry, transpose: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`(indptr, indices, labels)` of the matrix: each entry's place in the raveled row-oriented weight."""
    pattern = _build_labels(geometry, transpose)
    for part in pattern:
        part.flags.writeable = False
    return pattern


def _build_labels(geometry: Geometry, transpose: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    tables = tuple([axis_table(axis, transpose) for axis in geometry.axes])
    shape = _weight_shape(geometry, tables, transpose)
    labels = np.arange(math.prod(shape), dtype=np.int32 if math.prod(shape) < 2**31 else np.int64).reshape(shape)
    size = geometry.shape[::-1] if transpose else geometry.shape
    data, indices, indptr = _Assembly(tables, labels, geometry.groups, size).build()
    return indptr, indices, data


def exact_entries(geometry: Geometry, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """Row, column and value of every entry of the convolution, for values that SciPy cannot hold."""
    pattern = labelled_pattern if geometry.nnz <= _CACHED else _build_labels
    indptr, indices, labels = pattern(geometry, False)
    tables = tuple([axis_table(axis) for axis in geometry.axes])
    # Sums of merged taps may leave an int64, and of floats they are rounded.
    weight = exact.as_exact(weight) if any(table.merged for table in tables) else weight
    values = _with_merged_taps(weight, tables).reshape(-1)
    rows = np.repeat(np.arange(geometry.shape[0]), np.diff(indptr))
    return rows, indices, values[labels].tolist()


def by_row_channel(geometry: Geometry, weight: np.ndarray, transpose: bool) -> np.ndarray:
    """The weight with the channel of the matrix's rows first and, within the group, that of its columns second."""
    if not transpose:
        return weight
    outer, inner, *taps = weight.shape
    split = weight.reshape(geometry.groups, outer // geometry.groups, inner, *taps)
    return split.swapaxes(1, 2).reshape(geometry.groups * inner, outer // geometry.groups, *taps)


def _weight_shape(geometry: Geometry, tables: tuple[AxisTable, ...], transpose: bool) -> tuple[int, ...]:
    rows, columns = (geometry.out_channels, geometry.in_channels)[:: -1 if transpose else 1]
    return (rows, columns // geometry.groups, *(table.kernel_size + len(table.merged) for table in tables))


def _with_merged_taps(weight: np.ndarray, tables: tuple[AxisTable, ...]) -> np.ndarray:
    """The weight with, behind each axis's taps, the sums of taps that meet in one entry."""
    for axis, table in enumerate(tables, start=2):
        if table.merged:
            if weight.dtype.kind == "i" and float(np.abs(weight.astype(np.float64)).sum()) >= 2.0**63:
                raise ConvMatrixError(
                    "integer weights that meet in one entry must sum to less than 2**63: pass dtype=float, or use "
                    "tosympy() for the exact matrix"
                )
            sums = [weight.take(list(taps), axis=axis).sum(axis=axis, keepdims=True) for taps in table.merged]
            weight = np.concatenate([weight, *sums], axis=axis)
    return weight


@dataclass(frozen=True)
class _Run:
    """Rows of an outer axis that share their taps: `first, first + step, ...`, `count` of them."""

    first: int
    step: int
    count: int
    columns: np.ndarray
    column_step: int
    taps: np.ndarray


@dataclass(frozen=True)
class _Piece:
    """Part of a line: `repeats` copies of a template, each `column_step` further on."""

    offset: int
    repeats: int
    column_step: int
    columns: np.ndarray
    data: np.ndarray


class _Assembly:
    """One matrix under construction."""

    def __init__(self, tables: tuple[AxisTable, ...], weight: np.ndarray, groups: int, shape: tuple[int, int]) -> None:
        self.tables, self.weight, self.groups, self.shape = tables, weight, groups, shape
        self.channels, self.per_group = weight.shape[:2]
        self.block = self.per_group * math.prod([table.nnz for table in tables])
        self.nnz = self.channels * self.block
        self.index_dtype = np.int32 if index_itemsize(self.nnz, *shape) == 4 else np.int64
        self.column_strides = [math.prod([t.columns for t in tables[a + 1 :]]) for a in range(len(tables))]
        self.plane = math.prod([table.columns for table in tables])
        self.indices = np.empty(self.nnz, dtype=self.index_dtype)
        self.data = np.empty(self.nnz, dtype=weight.dtype)

    def build(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The arrays `(data, indices, indptr)`."""
        workers = min(processors(), 4) if self.nnz >= _PARALLEL else 1
        if workers == 1:
            self._fill(0, 1)
        else:
            with ThreadPoolExecutor(workers) as pool:
                for done in [pool.submit(self._fill, worker, workers) for worker in range(workers)]:
                    done.result()
        return self.data, self.indices, self._indptr()

    def _indptr(self) -> np.ndarray:
        lengths = np.array([self.per_group], dtype=np.int64)
        for table in self.tables:
            lengths = np.multiply.outer(lengths, np.diff(table.starts)).reshape(-1)
        indptr = np.zeros(self.shape[0] + 1, dtype=self.index_dtype)
        ends = indptr[1:].reshape(self.channels, lengths.size)
        np.cumsum(lengths, out=ends[0])
        if self.channels > 1:
            np.add(ends[0], np.arange(1, self.channels, dtype=self.index_dtype)[:, None] * self.block, out=ends[1:])
        return indptr

    def _fill(self, worker: int, workers: int) -> None:
        """Write this worker's share: some of the channels, or of every run where there are too few channels."""
        by_channel = self.channels >= workers
        channels = _share(self.channels, worker, workers) if by_channel else slice(0, self.channels)
        share = (0, 1) if by_channel else (worker, workers)
        weight = self.weight[channels]
        alike = by_channel and self.groups == 1 and weight.shape[0] > 1
        for runs in self._combinations():
            columns, taps = self._outer_template(runs, weight)
            start, steps, base = self._line_starts(runs)
            for piece in self._pieces(columns, taps):
                counts = (*[run.count for run in runs], piece.repeats, piece.columns.size)
                strides = (*steps, piece.columns.size, 1)
                offset = start + piece.offset
                part = _split(counts, *share)
                self._write_data(channels, piece, offset, counts, strides, part)
                self._write_indices(channels, piece, offset, counts, strides, part, base, alike)
        if alike:
            blocks = self.indices.reshape(self.channels, self.block)[channels]
            blocks[1:] = blocks[0]

    def _write_data(
        self,
        channels: slice,
        piece: _Piece,
        offset: int,
        counts: tuple[int, ...],
        strides: tuple[int, ...],
        part: tuple[slice, ...],
    ) -> None:
        view = self._view(self.data, channels, offset, counts, strides)[(slice(None), *part)]
        view[...] = piece.data[(slice(None), *(None,) * (len(counts) - 1), slice(None))]

    def _write_indices(
        self,
        channels: slice,
        piece: _Piece,
        offset: int,
        counts: tuple[int, ...],
        strides: tuple[int, ...],
        part: tuple[slice, ...],
        base: np.ndarray,
        alike: bool,
    ) -> None:
        """Columns of one channel where all are alike, and then copied; of every channel where groups shift them."""
        shifts = np.add.outer(base, np.arange(piece.repeats, dtype=np.int64) * piece.column_step)[part[:-1]]
        wanted = slice(channels.start, channels.start + 1) if alike else channels
        per_channel = self.channels // self.groups
        if self.groups > 1:
            group = np.arange(wanted.start, wanted.stop) // per_channel * (self.per_group * self.plane)
            shifts = np.add.outer(group, shifts)
        else:
            shifts = shifts[None]
        view = self._view(self.indices, wanted, offset, counts, strides)[(slice(None), *part)]
        np.add(shifts[..., None].astype(self.index_dtype), piece.columns, out=view)

    def _view(
        self, array: np.ndarray, channels: slice, offset: int, counts: tuple[int, ...], strides: tuple[int, ...]
    ) -> np.ndarray:
        size = array.itemsize
        return np.ndarray(
            (channels.stop - channels.start, *counts),
            array.dtype,
            array,
            size * (channels.start * self.block + offset),
            (size * self.block, *[size * stride for stride in strides]),
        )

    def _combinations(self) -> Iterator[tuple[_Run, ...]]:
        outer = [[run for segment in table.segments for run in _runs(segment)] for table in self.tables[:-1]]
        return itertools.product(*outer)

    def _outer_template(self, runs: tuple[_Run, ...], weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column offsets `(M,)` and weights `(channels, M, last taps)` of one position on all axes but the last."""
        columns = np.arange(self.per_group, dtype=np.int64) * self.plane
        for axis, run in enumerate(runs):
            columns = np.add.outer(columns, run.columns * self.column_strides[axis]).reshape(-1)
            first, last = (int(run.taps[0]), int(run.taps[-1])) if run.taps.size else (0, -1)
            plain = last - first + 1 == run.taps.size and bool(np.all(np.diff(run.taps) == 1))
            weight = weight[(slice(None),) * (2 + axis) + (slice(first, last + 1) if plain else run.taps,)]
        last_taps = weight.shape[-1] if self.tables else 1
        return columns, np.ascontiguousarray(weight).reshape(weight.shape[0], columns.size, last_taps)

    def _line_starts(self, runs: tuple[_Run, ...]) -> tuple[int, tuple[int, ...], np.ndarray]:
        """Where the first line begins, the steps to the next ones, and the column shift of each line."""
        start, steps, base = 0, [], np.zeros((), dtype=np.int64)
        lengths = self.per_group
        for axis, run in enumerate(runs):
            inner = lengths * math.prod([table.nnz for table in self.tables[axis + 1 :]])
            starts = self.tables[axis].starts
            start += inner * int(starts[run.first])
            stop = run.first + run.step if run.first + run.step < starts.size else run.first
            # A step along this axis passes whole rows of it, so its lines are counted with their own lengths.
            steps.append(inner * int(starts[stop] - starts[run.first]))
            base = np.add.outer(base, np.arange(run.count) * (run.column_step * self.column_strides[axis]))
            lengths *= run.columns.size
        return start, tuple(steps), base

    def _pieces(self, columns: np.ndarray, taps: np.ndarray) -> Iterator[_Piece]:
        """The line of the last axis, whole if it is short, else cut into repeated blocks."""
        if not self.tables:
            yield _Piece(0, 1, 0, columns.astype(self.index_dtype), taps[:, :, 0])
            return
        offset, whole = 0, []
        short = columns.size * self.tables[-1].nnz <= _TEMPLATE
        for segment in self.tables[-1].segments:
            pattern_columns, pattern_data = self._pattern(segment, columns, taps)
            size = pattern_columns.size
            per_block = segment.count if short else max(1, min(segment.count, _TEMPLATE // max(4 * size, 1)))
            done = 0
            for repeats, length in ((segment.count // per_block, per_block), (1, segment.count % per_block)):
                if repeats * length and size:
                    block = _repeat(pattern_columns, pattern_data, length, segment.column_step)
                    step = length * segment.column_step
                    shifted = block[0] + done * segment.column_step
                    piece = _Piece(offset + done * size, repeats, step, shifted.astype(self.index_dtype), block[1])
                    whole.append(piece)
                done += repeats * length
            offset += segment.count * size
        if short and whole:
            joined = [
                np.concatenate(parts, axis=-1) for parts in zip(*((p.columns, p.data) for p in whole), strict=True)
            ]
            yield _Piece(0, 1, 0, joined[0], joined[1])
        else:
            yield from whole

    def _pattern(self, segment: Segment, columns: np.ndarray, taps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns and data of one pattern of the last axis, row after row, each row's outer positions first."""
        last = segment.columns * self.column_strides[-1]
        if columns.size == 1:
            return columns[0] + last, taps[:, 0, segment.taps]
        if segment.period == 1:
            all_taps = segment.taps.size == taps.shape[2] and bool(np.all(np.diff(segment.taps) == 1))
            chosen = taps if all_taps else taps[:, :, segment.taps]
            return np.add.outer(columns, last).reshape(-1), chosen.reshape(taps.shape[0], -1)
        parts = [segment.row(phase) for phase in range(segment.period)]
        return (
            np.concatenate([np.add.outer(columns, last[part]).reshape(-1) for part in parts]),
            np.concatenate([taps[:, :, segment.taps[part]].reshape(taps.shape[0], -1) for part in parts], axis=1),
        )


def _runs(segment: Segment) -> Iterator[_Run]:
    for phase in range(segment.period):
        part = segment.row(phase)
        if part.stop > part.start:
            yield _Run(
                segment.first + phase,
                segment.period,
                segment.count,
                segment.columns[part],
                segment.column_step,
                segment.taps[part],
            )


def _repeat(columns: np.ndarray, data: np.ndarray, times: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """A pattern written `times` times, its columns moved by `step` each time."""
    if times == 1:
        return columns, data
    repeated = np.empty((data.shape[0], times, data.shape[1]), dtype=data.dtype)
    repeated[...] = data[:, None, :]
    return np.add.outer(np.arange(times) * step, columns).reshape(-1), repeated.reshape(data.shape[0], -1)


def _share(total: int, worker: int, workers: int) -> slice:
    return slice(total * worker // workers, total * (worker + 1) // workers)


def _split(counts: tuple[int, ...], worker: int, workers: int) -> tuple[slice, ...]:
    """The worker's part of a block: a share of its longest outer side."""
    longest = max(range(len(counts) - 1), key=lambda side: counts[side])
    return tuple([_share(n, worker, workers) if side == longest else slice(0, n) for side, n in enumerate(counts)])
