"""Overlap maps of very deep stacks, long kernels and large steps: counted, or refused before anything is made."""

from __future__ import annotations

import copy
import json
import pickle
from fractions import Fraction

import numpy as np
import pytest
from layer_drawing import MODES

import convmatrix as cm
from convmatrix import memory
from convmatrix.analysis import phases
from convmatrix.analysis.phases import sums
from convmatrix.geometry import Axis
from convmatrix.operators.channels import Permutation

DEEP = 2000


def chain(layers, extra=0):
    """Convolutions by (1, 1) in a row: every layer doubles what is there."""
    op = cm.conv([1, 1], layers + 20, bias=[1])
    for _ in range(layers - 1):
        op = cm.conv([1, 1], op.out_shape[1], bias=[1]) @ op
    return op


def test_a_deep_stack_is_counted():
    deep = chain(DEEP)
    found = cm.overlap(deep)
    assert set(found.counts.tolist()) == {2**DEEP}
    assert (found.interior, found.ratio, len(found.stages)) == ((slice(0, 20),), 1, DEEP)
    assert str(found).startswith("even: 1.1e602 paths to an output of the interior")
    assert phases.respond(deep).tolist() == [[[2**DEEP]]]
    assert phases.response_of_bias(deep).tolist() == [[[2**DEEP - 1]]]
    assert phases.respond(deep, magnitudes=True).tolist() == [[[2**DEEP]]]


def test_the_borders_of_a_deep_stack_are_counted():
    wide = cm.conv([1, 1, 1], 3 * 400, padding=1) ** 400
    found = cm.overlap(wide)
    line = np.ones(3 * 400, dtype=object)
    for _ in range(400):
        padded = np.concatenate([[0], line, [0]])
        line = padded[:-2] + padded[1:-1] + padded[2:]
    assert found.counts.tolist() == line.tolist()
    assert found.border_counts == (line[0], max(line[:400]))


def test_the_stages_of_a_deep_stack_are_not_listed():
    assert len(cm.overlap(chain(100)).to_dict()["stages"]) == 100
    plain = json.loads(json.dumps(cm.overlap(chain(101)).to_dict()))
    assert (plain["stages"], plain["ratio"]) == (None, 1)


def test_many_branches_and_many_multiples():
    layer = cm.conv([1, 2, 1], 8, padding=1)
    total = multiple = layer
    for _ in range(DEEP):
        total, multiple = total + layer, Fraction(1, 2) * multiple
    assert cm.overlap(total).counts.tolist() == [2 * (DEEP + 1), *[3 * (DEEP + 1)] * 6, 2 * (DEEP + 1)]
    assert phases.respond(total).tolist() == [[[4 * (DEEP + 1)]]]
    assert cm.overlap(multiple).phase_counts.tolist() == [3]
    assert phases.respond(multiple).tolist() == [[[Fraction(4, 2**DEEP)]]]
    residual = cm.identity((1, 8))
    for _ in range(400):
        residual = (cm.identity((1, 8)) + cm.conv([3], 8)) @ residual
    assert set(cm.overlap(residual).counts.tolist()) == {2**400}


def test_sums_in_sums_are_followed_so_far():
    layer = cm.conv([1], 8)
    nested = layer
    for _ in range(100):
        nested = layer @ (nested + layer)
    assert set(cm.overlap(nested).counts.tolist()) == {101}
    with pytest.raises(cm.ConvMatrixError, match="op must hold sums within sums at most 100 deep, got more"):
        cm.overlap(layer @ (nested + layer))


def test_counts_of_thousands_of_digits_are_shown_by_their_size():
    deep = cm.conv(np.ones((50, 50, 50)), (3, 3, 3), padding=[(24, 25)] * 3, padding_mode="circular") ** 900
    assert str(cm.overlap(deep)).startswith("even: 1.7e4587 paths to an output of the interior\n")
    ratio = cm.overlap(
        cm.conv_transpose(np.ones(3), 4, stride=2) + 0 * cm.conv_transpose(np.ones(3), 4, stride=2)
    ).ratio
    assert ratio == 2


# -- long kernels -----------------------------------------------------------------------------------------------------

LONG = [(40, 65, 1, 1, 70, 70), (90, 70, 3, 2, 60, 90), (200, 80, 2, 3, 60, 20), (30, 66, 4, 5, 200, 190)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("steps", LONG, ids=str)
def test_a_long_kernel_is_added_up_at_once(steps, mode, rng):
    size, kernel, stride, dilation, before, after = steps
    if mode == "reflect":
        size += 200
    rows = (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
    axis = Axis(size, kernel, rows, stride, dilation, before, after, mode)
    table = np.zeros((rows, size), dtype=int)
    for row, reads in enumerate(axis.reads()):
        np.add.at(table[row], reads[reads >= 0], 1)
    inputs, outputs = rng.integers(0, 9, (size, 2)), rng.integers(0, 9, (rows, 2))
    np.testing.assert_array_equal(sums.gathered(axis, inputs), table @ inputs)
    np.testing.assert_array_equal(sums.scattered(axis, outputs), table.T @ outputs)
    layer = cm.conv(np.ones(kernel), size, stride=stride, dilation=dilation, padding=[(before, after)],
                    padding_mode=mode)  # fmt: skip
    for op, want in ((layer, table.sum(axis=1)), (layer.T, table.sum(axis=0))):
        np.testing.assert_array_equal(cm.overlap(op).counts, want)
        assert cm.overlap(op).border_counts is None or cm.overlap(op).border_counts[1] <= want.max()


def test_a_stack_with_a_long_kernel_is_counted_whole_and_without_its_table():
    op = cm.conv_transpose(np.ones(5000), 3000, stride=3) @ cm.conv(np.ones(3), 3000, padding=1)
    assert phases.axis_paths_at(op, 0, np.arange(5000)) is None
    first = np.convolve(np.ones(3000, dtype=int), np.ones(3, dtype=int), "same")
    spread = np.zeros(8998, dtype=int)
    spread[::3] = first
    np.testing.assert_array_equal(cm.overlap(op).counts, np.convolve(spread, np.ones(5000, dtype=int)))


FAR = [(2, 10**5 + 3, 10**17 + 1), (3, 2**33 + 1, 2**31 + 11), (4, 6 * 10**9, 4 * 10**9), (2, 10**9, 10**17 + 1)]


@pytest.mark.parametrize("steps", FAR, ids=str)
def test_single_positions_of_enormous_steps(steps):
    kernel, stride, dilation = steps
    op = cm.conv_transpose([1] * kernel, 10, stride=stride, dilation=dilation)
    reached = [row * stride + tap * dilation for row in range(10) for tap in range(kernel)]
    asked = sorted({*reached, *(place + 1 for place in reached[:-1]), 0, stride - 1})
    want = [reached.count(place) for place in asked]
    assert phases.axis_paths_at(op, 0, np.array(asked)).tolist() == want


# -- refused ----------------------------------------------------------------------------------------------------------

TOO_LARGE = {
    "phases of an axis": (lambda: cm.conv_transpose([1, 1], 4, stride=10**8), "the counts of 100000000 phases"),
    "phases": (lambda: cm.conv_transpose(np.ones((2, 2)), (2, 2), stride=10**5), "the counts of 10000000000 phases"),
    "mirrored": (
        lambda: cm.conv([1, 1, 1], 10**11, stride=2, padding=1, padding_mode="reflect").T,
        "the interior of an axis of 100000000000 positions",
    ),
}


@pytest.mark.parametrize(("build", "message"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_too_large_is_refused_at_once(build, message, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2**30)
    with pytest.raises(cm.MatrixTooLargeError, match=message):
        str(cm.overlap(build()))


# -- copies, displays, layers -----------------------------------------------------------------------------------------

COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda found: pickle.loads(pickle.dumps(found))}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_answers_the_same_and_is_read_only(copied):
    found = cm.overlap(cm.conv_transpose([1, 2, 3], 4, stride=2))
    text = str(found), found.counts.tolist(), len(found.stages)
    again = copied(found)
    assert (str(again), again.counts.tolist(), len(again.stages)) == text
    assert not again.counts.flags.writeable
    assert not again.phase_counts.flags.writeable


def test_a_phase_is_told_by_the_smallest_offset():
    first = cm.conv([1, 1, 1], 9, padding=[(1, 1)])
    whole = cm.overlap(cm.conv_transpose([1] * 4, 9, stride=3) @ first)
    assert (whole.offset, "mod 3" in str(whole)) == ((-3,), False)
    cropped = cm.overlap(cm.conv_transpose([1] * 4, 9, stride=3, padding=4))
    assert cropped.offset == (4,)
    assert "phase     (output position + 1) mod 3" in str(cropped)


def test_the_closed_form_of_an_undilated_layer_is_written_short():
    plain = cm.overlap(cm.conv_transpose([1, 2, 3], 4, stride=2))._repr_latex_()
    assert plain.startswith(r"$\displaystyle N_f = \left\lceil{\frac{k - \left(f \bmod s\right)}{s}}\right\rceil")
    assert r"\gcd" in cm.overlap(cm.conv_transpose([1, 2, 3], 4, stride=2, dilation=2))._repr_latex_()
    assert cm.overlap(cm.conv([1, 2, 3], 4))._repr_latex_() == r"$\displaystyle N_f = k$"


@pytest.mark.parametrize("order", [(1, 0), (0, 1)], ids=str)
def test_a_permutation_of_space_has_no_axes(order):
    shape = (3, 4) if order == (1, 0) else (4, 3)
    mixed = Permutation("mix", (3, 4), (3, 4), shape, order)
    assert mixed._factors() is None
    with pytest.raises(cm.ConvMatrixError, match="op must keep channels apart from space in every layer, got "):
        cm.overlap(mixed)
