"""Which outputs no border reaches, and what is measured of them: against the definition, position by position."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
from endless_reading import Endless, widths
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_drawing import MODES, drawn_expression, drawn_layer, ones_matrix

import convmatrix as cm
from convmatrix.analysis.receptive_field import measured, receptive_field
from convmatrix.analysis.receptive_field.extents import widest_really
from convmatrix.analysis.receptive_field.free import free_along
from convmatrix.analysis.receptive_field.walking import tree_of


def line(n, kernel=3, **options):
    return cm.conv(np.ones(kernel, int), n, **options)


def causal_stack(layers, n):
    return [line(n, 2, dilation=2**j, padding=[(2**j, 0)]) for j in range(layers)]


# -- the definition ---------------------------------------------------------------------------------------------------


def expected(found):
    """Size, empirical and has_interior of a small stack, with the outputs that are free along each axis."""
    op, sizes = found.op, found.out_shape[1:]
    endless, axes = Endless(op), range(len(sizes))
    # Where fields repeat, those of one repetition are all there are, whether or not so many outputs exist.
    looked = [
        n if jump is None else max(n, period) for n, jump, period in zip(sizes, found.jump, found.period, strict=True)
    ]
    fields = {at: widths(endless.reads(at)) for at in product(*map(range, looked))}
    size = tuple(max((field[axis] for field in fields.values() if field), default=0) for axis in axes)
    free = [[place for place in range(n) if endless.is_free(axis, place)] for axis, n in enumerate(sizes)]
    shown = [fields[at] or (0,) * len(sizes) for at in product(*free)]
    has_interior = bool(shown) and tuple(max(field[axis] for field in shown) for axis in axes) == size
    rows = np.asarray(ones_matrix(op)).reshape(*sizes, *op.in_shape[1:])
    read = [
        widths(list(zip(*np.nonzero(rows[at]), strict=True)))
        for at in product(*(free if has_interior else map(range, sizes)))
    ]
    empirical = tuple(max((int(one[axis]) for one in read if one), default=0) for axis in axes)
    return size, empirical, has_interior, free


def check(ops):
    """What is found is what the definition says; of a matrix whose channels stay apart, at most."""
    found = receptive_field(ops)
    size, empirical, has_interior, free = expected(found)
    assert (found.size, found.has_interior) == (size, has_interior)
    assert found.empirical == empirical or (found.measured_in == "matrix" and found.empirical <= empirical)
    for axis, places in enumerate(free):
        assert free_along(found._steps, axis, found.out_shape[1 + axis]).points().tolist() == places
    assert ("borders reach every output" in str(found)) is not has_interior
    assert ("whose field is the widest" in str(found)) is (all(free) and not has_interior)


# -- what was found wrong ---------------------------------------------------------------------------------------------


def test_a_causal_stack_whose_middle_is_clipped_has_outputs_that_are_free():
    found = receptive_field(causal_stack(13, 10_000))
    assert (found.size, found.empirical, found.has_interior) == ((8192,), (8192,), True)
    short = receptive_field(causal_stack(5, 40))
    assert free_along(short._steps, 0, 40).points().tolist() == list(range(31, 40))
    assert (short.size, short.empirical, short.has_interior) == ((32,), (32,), True)


def test_the_outputs_behind_a_wide_circular_border_are_free():
    op = line(20, 5, padding=[(16, 0)], padding_mode="circular")
    found = receptive_field(op)
    assert free_along(found._steps, 0, 32).points().tolist() == list(range(16, 32))
    assert (found.size, found.empirical, found.has_interior) == ((5,), (5,), True)


def test_an_interior_shows_the_widest_phase():
    """Its one free output is of the phase whose field is 3, not 4."""
    ops = [line(3, padding=1), cm.conv_transpose([1, 1, 1], 3, stride=2)]
    found = receptive_field(ops)
    assert free_along(found._steps, 0, 7).points().tolist() == [3]
    assert (found.size, found.empirical, found.has_interior) == ((4,), (3,), False)
    assert "empirical  3, borders reach every output whose field is the widest" in str(found)


def test_borders_that_fold_make_fields_wider():
    found = receptive_field(line(9, 3, padding=9, stride=9, padding_mode="circular"))
    assert (found.size, found.empirical, found.has_interior) == ((3,), (3,), True)
    wrapped = receptive_field([line(9, 3, padding=1, padding_mode="circular"), line(9, 1, stride=9)])
    assert (wrapped.size, wrapped.empirical, wrapped.has_interior) == ((3,), (9,), False)
    assert "empirical  9, borders reach every output\n" in str(wrapped)
    assert "clipped" not in str(wrapped)


def test_every_axis_must_have_free_outputs():
    found = receptive_field(cm.conv(np.ones((3, 9), int), (9, 6), padding=(1, 4)))
    assert (found.size, found.empirical, found.has_interior) == ((3, 9), (3, 6), False)


holed = cm.conv_transpose(np.ones((1, 3), int), (3, 3), stride=2) @ cm.conv(
    np.ones((1, 3), int), (3, 3), padding=(0, 1)
)
one = np.ones((1, 1), int)
above, below = (cm.conv(one, (4, 9), padding=pads) for pads in (((8, 0), (2, 0)), ((0, 8), (0, 2))))
CASES = {
    "causal": causal_stack(4, 24),
    "causal, strided": [line(30, 3, padding=[(4, 0)], stride=2), line(16, 2, padding=[(1, 0)])],
    "only the first": [line(12, 5, padding=[(0, 4)]), line(12, 5, padding=[(0, 4)])],
    "wide border": [line(6, 3, padding=[(7, 0)], padding_mode="symmetric"), line(11, 2)],
    "folded back": line(7, 4, stride=2, padding=[(3, 4)], padding_mode="reflect").T,
    "replicated and clamped": [line(9, 4, dilation=2, padding=[(5, 0)], padding_mode="replicate"), line(8, 2)],
    "resize": [cm.resize((1, 7), 3, "linear"), line(21, 3, padding=[(2, 0)])],
    "resize back": [cm.resize((1, 7), 3, "linear").T @ line(21, 3, padding=1)],
    "holes": [cm.conv_transpose([1], 6, stride=3, padding=1), line(14, 1, stride=2)],
    "holes that are free at the end": [cm.conv_transpose([1, 1], 6, stride=4), line(22, 1)],
    "branches": [line(20, 3, padding=[(2, 0)]) + line(20, 7, padding=[(0, 6)])],
    "branches that drift": line(9, 1, stride=2) + line(9, 5),
    "unshuffled": [line(13, 2), cm.pixel_shuffle((2, 6), 2).T, cm.conv(np.ones((1, 2, 3), int), 6, padding=1)],
    "ceil": cm.avg_pool((1, 10), 3, stride=2, padding=1, ceil_mode=True),
    "two axes, one clipped": cm.conv(np.ones((3, 5), int), (9, 4), padding=[(2, 0), (0, 4)]),
    "a part of the phases": cm.conv_transpose([1] * 6, 2, stride=5, padding=[(3, 4)]),
    "resize, clipped": [cm.resize((1, 5), 2, "linear"), line(10, 5, dilation=4, padding=8, stride=2)],
    "holes along one axis, clipped along the other": [holed + holed],
    "branches that meet nowhere": [above + below],
    "no phase of the widest": cm.conv_transpose([1] * 5, 1, stride=4, padding=1),
}


@pytest.mark.parametrize("ops", CASES.values(), ids=CASES)
def test_free_outputs_are_what_the_definition_says(ops):
    check(ops)


@pytest.mark.parametrize("ops", CASES.values(), ids=CASES)
def test_the_axes_say_the_same_as_the_matrix(ops, monkeypatch):
    monkeypatch.setattr(measured, "_MOST_ENTRIES", 0)
    assert receptive_field(ops).measured_in == "axes"
    check(ops)


# -- at random --------------------------------------------------------------------------------------------------------


def drawn_causal(rng, shape):
    """One layer with all of its padding, of some kind, before; or None."""
    kernel, dilation = (int(n) for n in rng.integers(1, 4, 2))
    pad, stride = int(rng.integers(0, 3)) * dilation * (kernel - 1), int(rng.choice([1, 1, 1, 2, 3]))
    options = {"dilation": dilation, "stride": stride, "padding": [(pad, 0)], "padding_mode": str(rng.choice(MODES))}
    try:
        return cm.conv(np.ones((1, shape[0], kernel), int), shape[1:], **options)
    except cm.ConvMatrixError:
        return None


def drawn_part(rng, shape):
    return drawn_causal(rng, shape) if rng.random() < 0.6 else drawn_layer(rng, shape)


def drawn_stack(rng):
    """One to four layers on a line, now and then two branches side by side."""
    shape, ops = (1, int(rng.integers(5, 60))), []
    for _ in range(int(rng.integers(1, 5))):
        layer = drawn_part(rng, shape)
        if layer is not None and rng.random() < 0.2:
            others = (drawn_part(rng, shape) for _ in range(20))
            layer += next((one for one in others if one is not None and one.out_shape == layer.out_shape), layer)
        if layer is not None and layer.out_shape[1] < 200:
            ops.append(layer)
            shape = layer.out_shape
    return ops


def is_small(ops):
    found = receptive_field(ops)
    return max(map(prod, (found.out_shape[1:], found.in_shape[1:], found.period))) <= 400


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=400)
def test_random_stacks(seed, in_axes):
    ops = drawn_stack(np.random.default_rng(seed))
    with pytest.MonkeyPatch.context() as patch:
        if in_axes:
            patch.setattr(measured, "_MOST_ENTRIES", 0)
        if ops and is_small(ops):
            check(ops)


@given(st.integers(0, 10**6))
@settings(max_examples=100)
def test_random_expressions_in_one_axis_and_two(seed):
    op = drawn_expression(np.random.default_rng(seed))
    if op is not None and is_small([op]):
        check(op)


@pytest.mark.parametrize("mode", MODES)
def test_every_border_rule_and_its_transpose(mode):
    op = line(9, 4, stride=2, padding=[(3, 4)], padding_mode=mode)
    for layer in (op, op.T, op.T @ op, op @ op.T):
        check(layer)


# -- long axes --------------------------------------------------------------------------------------------------------


def test_long_axes_are_found_without_their_positions():
    found = receptive_field([line(10**8, 3, padding=[(10**6, 0)], stride=2), line(50_500_000 - 1, 1, padding=10)])
    assert (found.size, found.empirical, found.has_interior, found.measured_in) == ((3,), (3,), True, "axes")
    free = free_along(found._steps, 0, found.out_shape[1])
    assert (free.starts.tolist(), free.stops.tolist()) == ([500_010], [50_500_009])


def test_of_a_long_axis_without_interior_every_output_is_measured():
    """The widest are near the ends: what the middle reads is five inputs 4,000 apart."""
    far = 400_000
    op = line(10**6, 5, padding=2 * far, dilation=far)
    found = receptive_field(op)
    assert (found.size, found.has_interior, found.measured_in) == ((4 * far + 1,), False, "axes")
    assert found.empirical == (2 * far + 1,)


def test_of_the_longest_axes_the_ends_and_the_middle_are_measured(monkeypatch):
    from convmatrix.analysis.receptive_field import extents

    steps = tree_of([line(200, 3, padding=60, dilation=60, padding_mode="circular")] * 2)
    every = widest_really(steps, 0, 200, 200)
    monkeypatch.setattr(extents, "_MOST_READS", 0)
    assert widest_really(steps, 0, 200, 200) == every
    monkeypatch.setattr(extents, "_SAMPLED", 1)
    assert widest_really(steps, 0, 200, 200) <= every


def test_all_phases_are_looked_at_in_the_axes(monkeypatch):
    looked = []
    monkeypatch.setattr(measured, "_MOST_ENTRIES", 0)
    monkeypatch.setattr(measured, "widest_of", lambda steps, axis, outputs: looked.append(outputs) or 1)
    _ = receptive_field([cm.conv_transpose([1] * 5, 40, stride=5), cm.conv_transpose([1] * 7, 200, stride=7)]).empirical
    assert {place % 35 for place in looked[0]} == set(range(35))


def test_the_middle_of_the_widest_phase_may_lie_before_it():
    found = receptive_field(cm.conv_transpose([1] * 5, 2, stride=4, padding=[(1, 2)]))
    assert (found.size, found.period, found.out_shape) == ((2,), (4,), (1, 6))
    assert found.window() == (slice(0, 2),)


def test_many_branches_are_looked_at_position_by_position():
    """A sum of 20 branches after another has too many boxes to be joined, and a field that is soon drawn."""
    weight = np.ones((3, 3), int)
    branches = [cm.conv(weight, (60, 60), padding=d, dilation=d) for d in range(1, 21)]
    total = sum(branches[1:], branches[0])
    found = receptive_field([total, total])
    taps = {(d * y, d * x) for d in range(1, 21) for y in (-1, 0, 1) for x in (-1, 0, 1)}
    assert found.read_count == len({(a + c, b + d) for a, b in taps for c, d in taps})
    assert found.size == (81, 81)
