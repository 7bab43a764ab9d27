"""Answers to impulses: the columns of the explicit matrix, whatever the layers, and no larger than they are."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from remedy_cases import Op, complexes, floats, fractions, ints

import convmatrix as cm
from convmatrix.analysis.phases import interior
from convmatrix.analysis.remedies import impulses
from convmatrix.analysis.remedies.distance import relative_distance
from convmatrix.analysis.remedies.impulses import Answer, aligned, impulse_answers


def behind(first: Op, make: Any) -> Op:
    return make(first.out_shape) @ first


def layers(numbers: Any) -> dict[str, Op]:
    up = cm.conv_transpose(numbers(4, 1, 3), 12, stride=2, dilation=2, groups=2, padding=1)
    flat = cm.conv_transpose(numbers(2, 4, 2, 3), (8, 9), stride=(2, 3), padding=((1, 0), (2, 1)))
    return {
        "groups and dilation": up,
        "two axes": flat,
        "taps that are not read": cm.conv(numbers(2, 2, 2), 41, stride=5),
        "sum": Fraction(2, 3) * up + cm.conv_transpose(numbers(4, 2, 5), 12, stride=2, padding=1),
        "multiple": 3 * up,
        "average": behind(up, lambda shape: cm.avg_pool(shape, 3, stride=1)),
        "transposed average": cm.avg_pool((2, 33), 3, stride=2).T,
        "linear": behind(cm.resize((1, 16), Fraction(3, 2), "linear"), lambda s: cm.conv(numbers(2, 1, 3), s[1:])),
        "shuffle": behind(flat, lambda shape: cm.pixel_shuffle(shape, 2)),
        "shuffle back": behind(
            cm.conv(numbers(1, 1, 3, 4), (16, 16), padding=1, stride=1),
            lambda shape: cm.pixel_shuffle((6, shape[1] // 2, shape[2] // 3), (2, 3)).T,
        ),
    }


NAMES = tuple(layers(ints))


@pytest.mark.parametrize("numbers", [ints, fractions, floats, complexes], ids=lambda numbers: numbers.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_they_are_columns_of_the_matrix(name: str, numbers: Any) -> None:
    op = layers(numbers)[name]
    kind = complex if numbers is complexes else float
    matrix = op.toarray(dtype=kind).reshape(*op.out_shape, *op.in_shape)
    turns = interior(op.T).period
    found = impulse_answers(op, np.eye(op.in_shape[0], dtype=int), turns)
    values = (found.values.astype(object) * found.scale if found.scale != 1 else found.values).astype(kind)
    middle = [n // 2 // turn for n, turn in zip(op.in_shape[1:], turns, strict=True)]
    steps = [
        axis_out * turn // axis_in for (axis_out, axis_in), turn in zip(map(tuple, growths(op)), turns, strict=True)
    ]
    for number, place in enumerate(np.ndindex(*turns)):
        at = tuple(m * turn + p for m, turn, p in zip(middle, turns, place, strict=True))
        for channel in range(op.in_shape[0]):
            column = matrix[(..., channel, *at)]
            seen = np.zeros_like(column)
            low = [start + m * step for start, m, step in zip(found.start, middle, steps, strict=True)]
            inside = [slice(a, a + n) for a, n in zip(low, found.values.shape[2:], strict=True)]
            assert all(a.start >= 0 for a in inside)
            seen[(slice(None), *inside)] = values[:, number * op.in_shape[0] + channel]
            np.testing.assert_allclose(seen, column, rtol=1e-12, atol=1e-12)


def growths(op: Op) -> list[tuple[int, int]]:
    """Outputs and inputs after which an operator repeats, an axis."""
    return list(zip(interior(op).period, interior(op.T).period, strict=True))


def test_windows_that_do_not_meet_are_aligned() -> None:
    one = Answer((2,), np.array([[[1, 2]]]), Fraction(1, 2))
    other = Answer((-1,), np.array([[[3]]]), Fraction(1, 3))
    left, right, scale = aligned(one, other)
    assert (left * scale).tolist() == [[[0, 0, 0, Fraction(1, 2), 1]]]
    assert (right * scale).tolist() == [[[1, 0, 0, 0, 0]]]


def test_sums_beyond_int64_are_exact() -> None:
    op = cm.conv_transpose([2**40, 2**40 + 1], 6, stride=2)
    twice = cm.conv_transpose([2**40 - 1, 3], op.out_shape[1:], stride=2) @ op
    found = impulse_answers(twice, np.ones((1, 1), dtype=int), (1,))
    assert found.values[0, 0].tolist()[0] * found.scale == 2**40 * (2**40 - 1)


def test_a_long_kernel_takes_memory_in_proportion() -> None:
    op = cm.conv_transpose(np.ones(6000, dtype=np.int64), 900, stride=7)
    even = cm.conv_transpose(np.ones(6000, dtype=np.int64) * 2, 900, stride=7)
    tracemalloc.start()
    assert relative_distance(op, even) == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_what_would_take_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    op = cm.conv_transpose([1, 2, 3], 8, stride=2)
    monkeypatch.setattr(impulses, "_MOST_PRODUCTS", 2)
    found = cm.remedies(op)
    assert found["smoothing"].is_free
    assert found["smoothing"].distance is None
    assert (
        "the distance of smoothing: op must take at most 2 products for its answers to impulses, got 3" in found.notes
    )
    with pytest.raises(cm.ConvMatrixError, match=r"op must take at most 2 products for its answers to impulses, got 3"):
        relative_distance(op, op)
