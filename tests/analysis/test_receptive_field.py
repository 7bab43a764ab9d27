"""Receptive fields: the recurrences, the windows of every output and the inputs left out, against the matrix itself."""

from __future__ import annotations

import copy
import html
import json
import pickle
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_drawing import MODES, drawn_expression, drawn_layer, ones_matrix

import convmatrix as cm
from convmatrix.analysis.receptive_field import ReceptiveField, receptive_field


def line(n, kernel=3, **options):
    return cm.conv(np.ones(kernel, int), n, **options)


def stack(n, *layers):
    """Layers by their kernel sizes and options, in the order they are applied."""
    ops = []
    for kernel, options in layers:
        ops.append(line(n, kernel, **options))
        n = ops[-1].out_shape[1]
    return ops


def dilated(*dilations, n=200, kernel=3, axes=1):
    weight = np.ones((kernel,) * axes, int)
    return [cm.conv(weight, (n,) * axes, dilation=d, padding="same") for d in dilations]


# -- tables -----------------------------------------------------------------------------------------------------------

CHAINS = {
    "one layer": ([(3, {})], 3, 1, 0),
    "padded": ([(3, {"padding": 1})], 3, 1, -1),
    "dilations 1 2 4": ([(3, {"dilation": d}) for d in (1, 2, 4)], 15, 1, 0),
    "strided": ([(3, {"stride": 2, "padding": 1})] * 2, 7, 4, -3),
    "seven and pool": ([(7, {"stride": 2, "padding": 3}), (3, {"stride": 2, "padding": 1})], 11, 4, -5),
    "stride beyond the kernel": ([(1, {"stride": 2}), (3, {})], 5, 2, 0),
}


@pytest.mark.parametrize(("layers", "size", "jump", "start"), CHAINS.values(), ids=CHAINS)
def test_the_recurrences_of_a_chain(layers, size, jump, start):
    found = receptive_field(stack(64, *layers))
    assert (found.size, found.jump, found.start, found.empirical) == ((size,), (jump,), (start,), (size,))
    for output in range(found.out_shape[1]):
        assert found.window(output, clipped=False) == (slice(start + output * jump, start + output * jump + size),)


def test_a_dilated_stack_sees_3_7_15():
    found = receptive_field(dilated(1, 2, 4, axes=2, n=32))
    assert [stage.size for stage in found.stages] == [(3, 3), (7, 7), (15, 15)]
    assert [stage.empirical for stage in found.stages] == [(3, 3), (7, 7), (15, 15)]
    assert not found.has_gaps


def test_a_transposed_layer_moves_by_the_inverse_of_its_stride():
    found = receptive_field(cm.conv_transpose([1, 1, 1], 6, stride=2))
    assert (found.size, found.jump, found.period, found.start) == ((2,), (Fraction(1, 2),), (2,), (-1,))
    windows = [found.window(o, clipped=False)[0] for o in range(4)]
    assert [(part.start, part.stop) for part in windows] == [(-1, 1), (0, 1), (0, 2), (1, 2)]


JUMPS = {
    "resize": (lambda: cm.resize((1, 6), Fraction(3, 2), "linear"), Fraction(2, 3), 2),
    "nearest": (lambda: cm.resize((1, 6), 3), Fraction(1, 3), 1),
    "pixel shuffle": (lambda: cm.pixel_shuffle((2, 6), 2), Fraction(1, 2), 1),
    "pixel unshuffle": (lambda: cm.pixel_shuffle((2, 6), 2).T, 2, 2),
    "average": (lambda: cm.avg_pool((1, 8), 2), 2, 2),
    "up and down": (lambda: line(12, 3, stride=2) @ cm.resize((1, 6), 2), 1, 2),
    "identity": (lambda: cm.identity((2, 6)), 1, 1),
}


@pytest.mark.parametrize(("make", "jump", "size"), JUMPS.values(), ids=JUMPS)
def test_jump_and_size_of_other_layers(make, jump, size):
    found = receptive_field(make())
    assert (found.jump, found.size, found.empirical) == ((jump,), (size,), (size,))


GRIDS = {
    "2 2 2": ((2, 2, 2), 13, Fraction(49, 169), [1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1]),
    "1 2 5": ((1, 2, 5), 17, Fraction(1), None),
    "1 2 9": ((1, 2, 9), 25, Fraction(441, 625), None),
    "3": ((3,), 7, Fraction(9, 49), [1, 0, 0, 1, 0, 0, 1]),
}


@pytest.mark.parametrize(("dilations", "size", "density", "paths"), GRIDS.values(), ids=GRIDS)
def test_gridding(dilations, size, density, paths):
    found = receptive_field(dilated(*dilations, axes=2, n=64))
    assert found.size == (size, size)
    assert (found.density, found.has_gaps) == (density, density < 1)
    counts = found.coverage()
    assert np.count_nonzero(counts) == found.read_count == density * size**2
    assert counts.sum() == 9 ** len(dilations)
    if paths is not None:
        assert counts.tolist() == np.multiply.outer(paths, paths).tolist()


UNREAD = {
    "1x1 with stride 2": ([line(9, 1, stride=2)], [1, 3, 5, 7]),
    "dilation = stride": ([line(12, 2, stride=3, dilation=3)], [1, 2, 4, 5, 7, 8, 10, 11]),
    "a rest": ([line(10, 3, stride=4)], [3, 7, 8, 9]),
    "all": ([line(9, 3, stride=2)], []),
    "the longer branch": ([line(9, 1, stride=2) + line(9, 3, stride=2, padding=1)], []),
    "a hole": ([cm.conv_transpose([1], 4, stride=2), line(7, 1, stride=2)], []),
    "only holes": ([cm.conv_transpose([1], 4, stride=2, padding=1), line(5, 1, stride=2)], [0, 1, 2, 3]),
}


@pytest.mark.parametrize(("ops", "places"), UNREAD.values(), ids=UNREAD)
def test_inputs_that_no_output_reads(ops, places):
    found = receptive_field(ops)
    assert np.flatnonzero(found.unread).tolist() == places
    assert found.unread_count == len(places)
    assert found.unread.dtype == bool
    assert not found.unread.flags.writeable


def test_branches_are_united():
    op = line(20, 1) + line(20, 3, padding=1) + line(20, 3, padding=3, dilation=3)
    found = receptive_field(op)
    assert [branch.size for branch in found.branches] == [(1,), (3,), (7,)]
    assert (found.size, found.density) == ((7,), Fraction(5, 7))
    assert found.coverage().tolist() == [1, 0, 1, 3, 1, 0, 1]
    assert receptive_field([op, line(20)]).branches == ()


def test_branches_that_step_differently_have_no_jump():
    op = line(3, 1, stride=2) + line(3, 2)
    found = receptive_field(op)
    assert (found.jump, found.start, found.size) == ((None,), (0,), (2,))
    assert found.window(1) == (slice(1, 3),)


def test_branches_with_holes_meet_only_where_both_write():
    """One branch writes odd rows and reads one column, the other even rows and reads four, so that none reads five."""
    odd = cm.conv_transpose(
        np.ones((1, 1), int), (4, 7), stride=(2, 1), padding=[(1, 0), (0, 3)], output_padding=(1, 0)
    )
    even = cm.conv_transpose(np.ones((1, 4), int), (4, 7), stride=(2, 1), padding=[(0, 0), (6, 0)])
    assert odd.out_shape == even.out_shape == (1, 7, 4)
    found = receptive_field(odd + even)
    assert (found.size, found.start, found.coverage_shape) == ((1, 4), (0, 0), (1, 4))
    assert found.coverage().tolist() == [[1, 1, 1, 1]]
    check_against_matrix(odd + even)


def test_circular_windows_wrap():
    found = receptive_field(line(8, 3, padding=1, padding_mode="circular"))
    assert found.window(0, clipped=False) == (slice(-1, 2),)
    assert found.window(0) == (slice(0, 8),)
    assert found.coverage(0).tolist() == [1, 1, 0, 0, 0, 0, 0, 1]
    wide = receptive_field(line(3, 7, padding=3, padding_mode="circular"))
    assert (wide.size, wide.window(1), wide.coverage(1).tolist()) == ((7,), (slice(0, 3),), [2, 3, 2])


@pytest.mark.parametrize(
    ("mode", "paths"),
    [("zeros", [1, 1]), ("reflect", [1, 2]), ("replicate", [2, 1]), ("symmetric", [2, 1])],
)
def test_borders_clip_fold_and_clamp(mode, paths):
    found = receptive_field(line(8, 3, padding=1, padding_mode=mode))
    assert found.coverage(0).tolist() == paths
    assert found.window(0) == (slice(0, 2),)


def test_groups_keep_the_channels_of_a_shuffle_apart():
    op = cm.pixel_shuffle((2, 6), 2) @ cm.pixel_shuffle((2, 6), 2).T
    found = receptive_field(op)
    assert (found.size, found.empirical, found.measured_in) == ((2,), (1,), "matrix")


def test_a_field_wider_than_the_input_is_clipped_everywhere():
    found = receptive_field(dilated(1, 2, 4, n=6))
    assert (found.size, found.has_interior, found.empirical) == ((15,), False, (6,))
    assert "empirical  6, borders reach every output" in str(found)


# -- against the matrix -----------------------------------------------------------------------------------------------


def true_windows(op):
    """Of each output position the paths from every input, an array of the input's spatial shape."""
    matrix = np.asarray(ones_matrix(op))
    return matrix.reshape(*op.out_shape[1:], *op.in_shape[1:])


def hull(counts):
    """From the first to behind the last position of what is not 0."""
    found = []
    for axis in range(counts.ndim):
        others = tuple(other for other in range(counts.ndim) if other != axis)
        places = np.flatnonzero(counts.any(axis=others))
        found.append(slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 0))
    return tuple(found)


def check_against_matrix(op):
    found, windows = receptive_field(op), true_windows(op)
    for at in product(*map(range, op.out_shape[1:])):
        box = hull(windows[at])
        assert found.window(at) == box
        assert np.array_equal(found.coverage(at), windows[at][box])
    assert np.array_equal(found.unread, ~windows.any(axis=tuple(range(len(op.out_shape) - 1))))
    assert found.unread_count == np.count_nonzero(found.unread)


@given(st.integers(0, 10**6))
@settings(max_examples=150)
def test_every_window_is_what_the_matrix_reads(seed):
    op = drawn_expression(np.random.default_rng(seed))
    if op is not None and prod(op.out_shape[1:]) <= 150 and prod(op.in_shape[1:]) <= 200:
        check_against_matrix(op)


LAYERS = ("conv", "transposed", "resize", "average", "channel shuffle", "pixel shuffle", "identity")


def mixed_stack(seed):
    """Two or three layers on a long line, whose outputs in the middle no border reaches."""
    rng = np.random.default_rng(seed)
    shape, ops = (int(rng.integers(1, 3)), 60), []
    for _ in range(int(rng.integers(1, 4))):
        layer = drawn_layer(rng, shape, str(rng.choice(LAYERS)))
        if layer is not None:
            ops.append(layer)
            shape = layer.out_shape
    return ops


@given(st.integers(0, 10**6))
@settings(max_examples=150)
def test_theory_is_what_is_measured(seed):
    ops = mixed_stack(seed)
    if not ops:
        return
    found = receptive_field(ops)
    for stage in found.stages:
        if stage.has_interior:
            assert stage.empirical == stage.size


@given(st.integers(0, 10**6))
@settings(max_examples=100)
def test_the_endless_field_repeats(seed):
    ops = mixed_stack(seed)
    if not ops:
        return
    found = receptive_field(ops)
    period, jump = found.period[0], found.jump[0]
    outputs = range(min(2 * period, found.out_shape[1]))
    windows = [found.window(o, clipped=False)[0] for o in outputs]
    assert found.start[0] == (windows[0].start if windows[0].stop > windows[0].start else None)
    for output in outputs[period:]:
        before, after = windows[output - period], windows[output]
        if before.stop > before.start:
            assert (after.start, after.stop) == (before.start + jump * period, before.stop + jump * period)
    assert found.size[0] >= max(part.stop - part.start for part in windows)
    assert found.coverage().shape == found.size


@pytest.mark.parametrize("mode", MODES)
def test_every_border_rule_and_its_transpose(mode):
    op = line(7, 4, stride=2, padding=[(3, 4)], padding_mode=mode)
    for layer in (op, op.T, op.T @ op, op @ op.T):
        check_against_matrix(layer)


def test_residual_blocks_against_the_matrix():
    block = line(16, 3, padding=1) @ line(16, 3, padding=1) + cm.identity((1, 16))
    found = receptive_field([block, block])
    assert (found.size, found.empirical, [stage.size for stage in found.stages]) == ((9,), (9,), [(5,), (9,)])
    check_against_matrix(block @ block)


def test_unlike_dilations_in_two_dimensions_are_no_box():
    branches = [cm.conv(np.ones((3, 3), int), (14, 14), padding=d, dilation=d) for d in (1, 2, 3)]
    op = branches[0] + branches[1] + branches[2]
    found = receptive_field(op)
    assert (found.size, found.read_count, found.density) == ((7, 7), 25, Fraction(25, 49))
    check_against_matrix(op)


def test_more_boxes_than_are_looked_at_are_counted_one_by_one(monkeypatch):
    from convmatrix.analysis.receptive_field import walking

    monkeypatch.setattr(walking, "_MOST_BOXES", 1)
    branches = [cm.conv(np.ones((3, 3), int), (9, 8), padding=d, dilation=d) for d in (1, 2, 3)]
    op = branches[0] + branches[1] + branches[2]
    check_against_matrix(op)
    found = receptive_field(op)
    assert (found.size, found.read_count, found.density) == ((7, 7), 25, Fraction(25, 49))


# -- extremes ---------------------------------------------------------------------------------------------------------


def wide_op(n, kernel=3, axes=2, **options):
    return cm.conv(np.ones((kernel,) * axes, int), (n,) * axes, **options)


def test_a_huge_input_needs_no_array():
    layers = [wide_op(10**6, padding=1)] * 300
    found = receptive_field(layers)
    assert (found.size, found.empirical, found.measured_in) == ((601, 601), (601, 601), "axes")
    assert (found.unread_count, found.has_gaps) == (0, False)
    assert found.window((0, 500_000)) == (slice(0, 301), slice(499_700, 500_301))
    with pytest.raises(cm.MatrixTooLargeError, match="the map of 1000000 x 1000000 inputs would take"):
        _ = found.unread
    assert "(1, 1000000, 1000000)" in str(found)


def test_a_thousand_layers():
    found = receptive_field([line(4001)] + [line(4001 - 2 * number) for number in range(1, 1000)])
    assert (found.size, found.start, found.has_gaps, found.unread_count) == ((2001,), (0,), False, 0)
    assert len(found.stages) == 1000
    product_of_all = found.op
    assert receptive_field(product_of_all).size == (2001,)


def test_fields_beyond_int64():
    found = receptive_field([line(1, 3, stride=2, padding=1)] * 80)
    assert (found.size, found.jump, found.start) == ((2**81 - 1,), (2**80,), (1 - 2**80,))
    assert (found.window(0), found.density) == ((slice(0, 1),), 1)
    assert found.to_dict()["size"] == [2**81 - 1]
    with pytest.raises(cm.MatrixTooLargeError, match="the paths from"):
        found.coverage()


def test_paths_beyond_int64():
    counts = receptive_field([line(400, 3, padding=1)] * 50).coverage()
    assert counts.sum() == 3**50
    assert counts.dtype == object
    square = receptive_field([wide_op(200, padding=1)] * 25).coverage()
    assert square.sum() == 9**25


def test_weights_do_not_matter():
    for weight in ("a b c", [Fraction(1, 3), 0, 1], [1e300, 0.0, 1e-300], [1j, 0, 1], [0, 0, 0]):
        assert receptive_field(cm.conv(weight, 8)).size == (3,)


def test_many_phases_are_refused():
    ops = [cm.resize((1, 3), Fraction(1_000_003, 1_000_002)), cm.resize((1, 3), Fraction(1_000_005, 1_000_004))]
    with pytest.raises(cm.ConvMatrixError, match="op must repeat after at most 1048576 outputs an axis, got 1000"):
        _ = receptive_field(ops).size


# -- the result -------------------------------------------------------------------------------------------------------

REFUSED = {
    "NaN": (cm.conv([1.0, np.nan], 5), "op must have finite weights, got nan"),
    "SymPy's NaN": (cm.conv([1, sympy.nan], 5), "op must have finite weights, got nan"),
    "SymPy's infinity": (cm.conv([1, sympy.oo], 5).T, "op must have finite weights, got oo"),
    "infinity in an expression": (cm.conv([1, sympy.Symbol("a") - sympy.oo], 5), "finite weights, got a - oo"),
    "factor": (np.nan * line(5), "op must have finite factors, got nan"),
    "infinity": (cm.conv_transpose([1.0, np.inf], 5), "op must have finite weights, got inf"),
    "no operator": (3, "ops must be a TensorOperator or a sequence of them in the order they are applied, got int"),
    "text": ("3", "ops must be a TensorOperator or a sequence .* got str"),
    "nothing": ([], "ops must be .* got none"),
    "another thing": ([1], "op must be a TensorOperator, .* got int"),
    "wrong order": (
        [line(6), line(6)],
        r"ops must fit in the order they are applied, got \(1, 4\) out of operator 1 and \(1, 6\) into operator 2",
    ),
    "no space": (cm.conv(np.ones((2, 3)), ()), r"op must map tensors .* got \(3,\) -> \(2,\)"),
}


@pytest.mark.parametrize(("ops", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(ops, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        receptive_field(ops)


POSITIONS = {
    "beyond": (6, "position must be below the output size 6, got 6 on axis 0"),
    "negative": (-1, "position must be at least 0, got -1 on axis 0"),
    "of two axes": ((1, 1), "position must be one integer or one for each of the 1 axes"),
    "no integer": (1.5, "position must be an integer"),
}


@pytest.mark.parametrize(("position", "message"), POSITIONS.values(), ids=POSITIONS)
def test_positions_that_are_refused(position, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        receptive_field(line(8)).window(position)


def test_the_result_as_text_html_and_json():
    found = receptive_field(dilated(2, 2, 2, n=64, axes=2))
    assert str(found).startswith("13 x 13 inputs, 49 of them read: 120 gaps\n")
    assert html.escape("13 x 13 inputs") in found._repr_html_()
    assert repr(found) == "ReceptiveField((1, 64, 64) -> (1, 64, 64), size 13 x 13)"
    said = found.to_dict()
    assert json.loads(json.dumps(said)) == said
    assert said["size"] == [13, 13]
    assert said["density"] == "49/169"
    assert [stage["size"] for stage in said["stages"]] == [[5, 5], [9, 9], [13, 13]]


def test_the_result_can_be_copied_and_its_arrays_cannot_be_changed():
    found = receptive_field(line(9))
    for again in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert isinstance(again, ReceptiveField)
        assert again.size == found.size
    with pytest.raises(ValueError, match="read-only"):
        found.coverage()[0] = 1


def test_nothing_is_read_where_all_is_cropped():
    found = receptive_field([cm.conv_transpose([1], 4, stride=2, padding=1), line(5, 1, stride=2)])
    assert str(found).startswith("no input is read")


def test_nothing_read_along_one_axis_is_nothing_read():
    op = [cm.conv_transpose(np.ones((1, 1), int), (4, 4), stride=(2, 1), padding=[(1, 0), (0, 0)])]
    op.append(cm.conv(np.ones((1, 1), int), op[0].out_shape[1:], stride=(2, 1)))
    found = receptive_field(op)
    assert (found.size, found.start, found.empirical, found.density) == ((0, 0), (None, None), (0, 0), 0)
