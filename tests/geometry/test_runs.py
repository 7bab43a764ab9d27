"""The compact table of an axis, forwards and transposed, against its rows written out."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmatrix.geometry import Axis, AxisTable, axis_table

Entries = dict[tuple[int, int], tuple[int, ...]]


def entries(table: AxisTable) -> Entries:
    """The taps behind every stored (row, column), merged ones spelt out."""
    rows, columns, taps = table.triples()
    spelt = [
        (tap,) if tap < table.kernel_size else table.merged[tap - table.kernel_size] for tap in taps.tolist()
    ]  # fmt: skip
    places = list(zip(rows.tolist(), columns.tolist(), strict=True))
    assert places == sorted(set(places)), "rows in order, columns ascending and distinct"
    return dict(zip(places, spelt, strict=True))


def by_hand(reads: list[list[int]]) -> Entries:
    """The same from the window slid by hand."""
    taps: dict[tuple[int, int], list[int]] = defaultdict(list)
    for output, row in enumerate(reads):
        for tap, source in enumerate(row):
            if source >= 0:
                taps[output, source].append(tap)
    return {place: tuple(found) for place, found in taps.items()}


axes = st.tuples(
    st.integers(1, 24), st.integers(1, 6), st.integers(1, 5), st.integers(1, 3), st.integers(0, 9), st.integers(0, 9),
    st.sampled_from(oracles.PADDING_MODES), st.integers(0, 2),
)  # fmt: skip


@given(axes)
def test_both_readings_hold_the_same_entries(drawn: tuple[int, int, int, int, int, int, str, int]) -> None:
    i, k, s, d, before, after, mode, dropped = drawn
    if mode == "reflect":
        before, after = min(before, i - 1), min(after, i - 1)
    reads = oracles.reads(i, k, s, (before, after), d, mode)
    reads = reads[: max(len(reads) - dropped, 1)]
    if not reads:
        return
    axis = Axis(i, k, len(reads), s, d, before, after, mode)
    forward, backward = axis_table(axis), axis_table(axis, transpose=True)
    expected = by_hand(reads)
    assert entries(forward) == expected
    assert entries(backward) == dict(sorted(((column, row), taps) for (row, column), taps in expected.items()))
    assert forward.nnz == backward.nnz == axis.nnz == len(expected)
    assert (forward.rows, forward.columns, backward.rows, backward.columns) == (len(reads), i, i, len(reads))


@given(axes)
def test_segments_cover_the_rows_in_order(drawn: tuple[int, int, int, int, int, int, str, int]) -> None:
    i, k, s, d, before, after, mode, _ = drawn
    if mode == "reflect":
        before, after = min(before, i - 1), min(after, i - 1)
    reads = oracles.reads(i, k, s, (before, after), d, mode)
    if not reads:
        return
    table = axis_table(Axis(i, k, len(reads), s, d, before, after, mode), transpose=True)
    covered = [row for segment in table.segments for row in range(segment.first, segment.first + segment.rows)]
    assert covered == list(range(i))
    for segment in table.segments:
        assert segment.lengths.size == segment.period
        assert segment.columns.size == segment.taps.size == segment.starts[-1] == segment.lengths.sum()
        assert segment.row(segment.period - 1).stop == segment.columns.size


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("mode", oracles.PADDING_MODES)
def test_a_long_axis_is_a_few_segments(mode: str, stride: int) -> None:
    n = 3_000
    axis = Axis(n, 5, (n - 1) // stride + 1, stride, 1, 2, 2, mode)
    assert len(axis_table(axis).segments) <= 5
    assert len(axis_table(axis, transpose=True).segments) <= 8


def test_taps_that_meet_are_merged_once() -> None:
    table = axis_table(Axis(2, 3, 2, 1, 1, 1, 1, "circular"))
    assert table.merged == ((0, 2),)
    assert entries(table) == {(0, 0): (1,), (0, 1): (0, 2), (1, 0): (0, 2), (1, 1): (1,)}


def test_tables_are_kept() -> None:
    assert axis_table(Axis(9, 3, 7)) is axis_table(Axis(9, 3, 7))
    assert np.array_equal(axis_table(Axis(9, 3, 7)).starts, np.arange(0, 22, 3))
