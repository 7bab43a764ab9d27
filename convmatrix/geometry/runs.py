"""One axis's table as a few periodic runs of rows, read forwards or transposed.

A table of a million rows is mostly one row, shifted. Kept as runs it costs nothing to hold, and a run of rows is one
strided block of the final matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from convmatrix.geometry.axis import Axis

_KEPT = 1 << 15
"""Positions up to which a table is kept for the next layer with the same axis."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Neighbouring rows `first .. first + period*count`: a pattern of `period` rows, repeated with its columns shifted.

    `columns` and `taps` are those of the first pattern, row after row, `lengths` entries each; every further pattern
    adds `column_step` to the columns and keeps the taps.
    """

    first: int
    period: int
    count: int
    lengths: np.ndarray
    columns: np.ndarray
    column_step: int
    taps: np.ndarray

    @property
    def rows(self) -> int:
        """How many rows the segment covers."""
        return self.period * self.count

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each row of the pattern begins in `columns`, and the end of the last."""
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def row(self, phase: int) -> slice:
        """The place of the pattern's row `phase` in `columns` and `taps`."""
        return slice(int(self.starts[phase]), int(self.starts[phase + 1]))


@dataclass(frozen=True, eq=False)
class AxisTable:
    """All rows of one axis, columns ascending and distinct in each.

    `merged[j]` lists the taps whose sum is tap number `kernel_size + j`: where the border rule lets several taps of one
    output read one input, their weights add up in one entry.
    """

    rows: int
    columns: int
    kernel_size: int
    segments: tuple[Segment, ...]
    merged: tuple[tuple[int, ...], ...] = field(default=())

    @cached_property
    def starts(self) -> np.ndarray:
        """Entries stored before each row, and in all: `(rows + 1,)`."""
        starts = np.zeros(self.rows + 1, dtype=np.int64)
        for segment in self.segments:
            stop = segment.first + segment.rows
            starts[segment.first + 1 : stop + 1] = np.tile(segment.lengths, segment.count)
        return np.cumsum(starts, out=starts)

    @property
    def nnz(self) -> int:
        """Entries stored in all rows."""
        return int(self.starts[-1])

    def triples(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row, column and tap of every entry, row after row."""
        columns, taps = [], []
        for segment in self.segments:
            shifts = np.arange(segment.count, dtype=np.int64)[:, None] * segment.column_step
            columns.append((segment.columns + shifts).ravel())
            taps.append(np.tile(segment.taps, segment.count))
        rows = np.repeat(np.arange(self.rows), np.diff(self.starts))
        return rows, np.concatenate(columns), np.concatenate(taps)


def axis_table(axis: Axis, transpose: bool = False) -> AxisTable:
    """The table of `axis`: a row an output, or with `transpose` a row an input and the outputs that read it."""
    return (_kept_table if axis.input_size + axis.output_size <= _KEPT else _make_table)(axis, transpose)


@lru_cache(maxsize=256)
def _kept_table(axis: Axis, transpose: bool) -> AxisTable:
    return _make_table(axis, transpose)


def _make_table(axis: Axis, transpose: bool) -> AxisTable:
    low, high = axis.interior
    merges: dict[tuple[int, ...], int] = {}
    border = _zero_border if axis.padding_mode == "zeros" else _read_border
    segments = border(axis, 0, low, merges)
    if high > low:
        taps = np.arange(axis.kernel_size, dtype=np.int64)
        reads = axis.positions(np.array([low]))[0]
        segments.append(Segment(low, 1, high - low, np.array([taps.size]), reads, axis.stride, taps))
    segments += border(axis, high, axis.output_size, merges)
    table = AxisTable(axis.output_size, axis.input_size, axis.kernel_size, tuple(segments), tuple(merges))
    return _transpose(table, axis) if transpose else table


def _zero_border(axis: Axis, start: int, stop: int, merges: dict[tuple[int, ...], int]) -> list[Segment]:
    """Border rows under zero padding: the taps that read the input form a range, and equal ranges one segment."""
    if start == stop:
        return []
    outputs = np.arange(start, stop, dtype=np.int64)
    offsets = axis.pad_before - outputs * axis.stride
    first = np.clip(-(-offsets // axis.dilation), 0, axis.kernel_size)
    last = np.clip((axis.input_size - 1 + offsets) // axis.dilation + 1, first, axis.kernel_size)
    changes = np.flatnonzero((np.diff(first) != 0) | (np.diff(last) != 0)) + 1
    segments = []
    for begin, end in zip([0, *changes.tolist()], [*changes.tolist(), stop - start], strict=True):
        taps = np.arange(first[begin], last[begin], dtype=np.int64)
        reads = taps * axis.dilation - offsets[begin]
        segments.append(Segment(start + begin, 1, end - begin, np.array([taps.size]), reads, axis.stride, taps))
    return segments


def _read_border(axis: Axis, start: int, stop: int, merges: dict[tuple[int, ...], int]) -> list[Segment]:
    """Border rows that read the input itself: columns sorted, taps that meet in one column merged. One segment."""
    if start == stop:
        return []
    reads = axis.source(axis.positions(np.arange(start, stop, dtype=np.int64)))
    order = np.argsort(reads, axis=1, kind="stable")
    reads = np.take_along_axis(reads, order, axis=1)
    begins = np.ones(reads.shape, dtype=bool)
    np.not_equal(reads[:, 1:], reads[:, :-1], out=begins[:, 1:])
    taps = order.copy()
    # Rows in which taps meet come in few kinds: which taps, in which order, meet where.
    meeting = np.flatnonzero(~begins.all(axis=1))
    if meeting.size:
        kinds, kind_of = np.unique(np.hstack([order[meeting], begins[meeting]]), axis=0, return_inverse=True)
        for number, kind in enumerate(kinds):
            merged = _merged_taps(kind[: axis.kernel_size].tolist(), kind[axis.kernel_size :], axis.kernel_size, merges)
            taps[meeting[kind_of.reshape(-1) == number]] = merged
    lengths = np.count_nonzero(begins, axis=1)
    return [Segment(start, stop - start, 1, lengths, reads[begins], 0, taps[begins])]


def _merged_taps(
    order: list[int], begins: np.ndarray, kernel_size: int, merges: dict[tuple[int, ...], int]
) -> np.ndarray:
    """The tap stored at each beginning of a run: the only one of the run, or the number of their sum."""
    taps = np.array(order, dtype=np.int64)
    starts = np.flatnonzero(begins).tolist()
    for begin, end in zip(starts, [*starts[1:], kernel_size], strict=True):
        if end - begin > 1:
            taps[begin] = kernel_size + merges.setdefault(tuple(order[begin:end]), len(merges))
    return taps


def _transpose(table: AxisTable, axis: Axis) -> AxisTable:
    """Rows become the inputs. Away from the borders their pattern has the period of the stride."""
    low, high = axis.interior
    main = next((s for s in table.segments if s.first == low and s.count == high - low and high > low), None)
    zones = _periodic_zones(table, axis, main) if main is not None else []
    regular = np.zeros(axis.input_size, dtype=bool)
    for start, stop in zones:
        regular[start:stop] = True
    segments = _irregular_segments(table, ~regular)
    for start, stop in zones:
        assert main is not None
        segments += _periodic_segments(axis, main, start, stop)
    segments.sort(key=lambda segment: segment.first)
    return AxisTable(axis.input_size, axis.output_size, axis.kernel_size, tuple(segments), table.merged)


def _periodic_zones(table: AxisTable, axis: Axis, main: Segment) -> list[tuple[int, int]]:
    """Ranges of inputs that only the interior reads, with every tap it can; whole multiples of the stride long."""
    start = int(main.columns[-1])
    stop = int(main.columns[0]) + axis.stride * (main.count - 1) + 1
    if stop - start < axis.stride:
        return []
    others = [segment for segment in table.segments if segment is not main]
    touched = np.unique(np.concatenate([_all_columns(segment) for segment in others])) if others else np.array([], int)
    touched = touched[(touched >= start) & (touched < stop)]
    zones = []
    for begin, end in zip([start, *(touched + 1).tolist()], [*touched.tolist(), stop], strict=True):
        length = (end - begin) // axis.stride * axis.stride
        if length > 0:
            zones.append((begin, begin + length))
    return zones


def _all_columns(segment: Segment) -> np.ndarray:
    shifts = np.arange(segment.count, dtype=np.int64)[:, None] * segment.column_step
    return (segment.columns + shifts).ravel()


def _periodic_segments(axis: Axis, main: Segment, start: int, stop: int) -> list[Segment]:
    """One segment of period `stride`: input i is read through tap t by output (i - read of t)/stride."""
    outputs, taps, lengths = [], [], []
    for phase in range(axis.stride):
        steps = start + phase - main.columns
        chosen = np.flatnonzero(steps % axis.stride == 0)[::-1]
        outputs.append(main.first + steps[chosen] // axis.stride)
        taps.append(chosen)
        lengths.append(chosen.size)
    count = (stop - start) // axis.stride
    return [Segment(start, axis.stride, count, np.array(lengths), np.concatenate(outputs), 1, np.concatenate(taps))]


def _irregular_segments(table: AxisTable, wanted: np.ndarray) -> list[Segment]:
    """The remaining inputs, each run of neighbours one segment, from the entries written out."""
    if not wanted.any():
        return []
    outputs, inputs, taps = _entries_of(table, wanted)
    order = np.lexsort((outputs, inputs))
    outputs, inputs, taps = outputs[order], inputs[order], taps[order]
    edges = np.flatnonzero(np.diff(np.r_[False, wanted, False].astype(np.int8)))
    segments = []
    for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        begin, end = np.searchsorted(inputs, [first, stop])
        lengths = np.bincount(inputs[begin:end] - first, minlength=stop - first)
        segments.append(Segment(first, stop - first, 1, lengths, outputs[begin:end], 0, taps[begin:end]))
    return segments


def _entries_of(table: AxisTable, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and tap of the entries in the wanted columns, without writing out the other ones."""
    parts = []
    for segment in table.segments:
        pattern_rows = np.repeat(np.arange(segment.period), segment.lengths)
        for entry, (column, tap) in enumerate(zip(segment.columns.tolist(), segment.taps.tolist(), strict=True)):
            repeats = np.arange(segment.count, dtype=np.int64)
            columns = column + repeats * segment.column_step
            hit = wanted[columns]
            rows = segment.first + pattern_rows[entry] + repeats[hit] * segment.period
            parts.append((rows, columns[hit], np.full(rows.size, tap, dtype=np.int64)))
    if not parts:
        return (np.array([], dtype=np.int64),) * 3
    rows, columns, taps = (np.concatenate(column) for column in zip(*parts, strict=True))
    return rows, columns, taps
