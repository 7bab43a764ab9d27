"""Phases of drawn layers and stacks: gains, paths and interiors, against the operators themselves and loops."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from layer_drawing import KINDS, MODES, drawn_layer, expressions, ones_matrix

import convmatrix as cm
from convmatrix.analysis import phases
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed


def in_every_channel(op):
    """What a constant 1 in one input channel after another becomes: `(c_in, c_out, *out)`, in exact numbers."""
    channels = op.in_shape[0]
    constants = np.full((channels, *op.in_shape), Fraction(0), dtype=object)
    for channel in range(channels):
        constants[channel, channel] = Fraction(1)
    return op._apply(constants)


def at_phases(values, inside):
    """Values by phase, `(*period, ...)`, at every position of the interior."""
    places = (
        np.arange(low, high) % period
        for (low, high), period in zip(inside.ranges, values.shape[: len(inside.ranges)], strict=True)
    )
    return values[np.ix_(*places)]


def check(op):
    """Gains, bias and paths of an expression against what it does to constants."""
    inside, gains = phases.interior(op), phases.respond(op)
    assert gains.shape == (*inside.period, op.out_shape[0], op.in_shape[0])
    counts = ones_matrix(op).sum(axis=1).reshape(op.out_shape[1:])
    np.testing.assert_array_equal(phases.paths(op), counts)
    by_phase = phases.phase_paths(op)
    assert by_phase.shape == inside.period
    if inside.slices is None:
        return
    np.testing.assert_array_equal(counts[inside.slices], at_phases(by_phase, inside))
    got = in_every_channel(op)[(slice(None), slice(None), *inside.slices)]
    assert (np.moveaxis(at_phases(gains, inside), [-1, -2], [0, 1]) == got).all()
    check_bias(op, inside)


def check_bias(op, inside):
    answer = phases.response_of_bias(op)
    if op.bias is None:
        assert answer is None
        return
    whole = np.broadcast_to(op.bias, op.out_shape)[(slice(None), *inside.slices)]
    got = np.moveaxis(at_phases(answer, inside)[..., 0], -1, 0)
    np.testing.assert_allclose(whole.astype(float), got.astype(float), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_one_layer(kind, rng):
    done = 0
    while done < 25:
        axes = 1 + done % 2
        op = drawn_layer(rng, (int(rng.integers(1, 4)), *(int(n) for n in rng.integers(3, 10, axes))), kind)
        if op is not None:
            check(op)
            done += 1


@settings(max_examples=100)
@given(expressions())
def test_expressions(op):
    check(op)


@settings(max_examples=15)
@given(expressions(axes=3))
def test_expressions_of_three_axes(op):
    if np.prod(op.out_shape[1:]) * np.prod(op.in_shape[1:]) < 10**5:
        check(op)


@given(expressions())
def test_paths_of_chosen_positions_are_those_of_all(op):
    vectors = phases.axis_paths(op)
    for axis, size in enumerate(op.out_shape[1:]):
        chosen = np.arange(size)[:: -1 if axis else 2]
        found = phases.axis_paths_at(op, axis, chosen)
        if found is not None:
            assert vectors is not None
            np.testing.assert_array_equal(found, vectors[axis][chosen])


def listed(op):
    """Whether an expression has no sum and no layer whose transpose folds a border back or interpolates."""
    if isinstance(op, (Product, Sum)):
        return isinstance(op, Product) and listed(op.left) and listed(op.right)
    if isinstance(op, Scaled):
        return listed(op.of)
    if not isinstance(op, Transposed):
        return True
    return hasattr(op.of, "geometry") and all(axis.padding_mode == "zeros" for axis in op.geometry.axes)


@given(expressions())
def test_single_positions_are_counted_wherever_that_is_possible(op):
    assert (phases.axis_paths_at(op, 0, np.zeros(0, dtype=np.int64)) is not None) == listed(op)


@given(expressions())
def test_magnitudes_bound_the_gains(op):
    gains, bound = phases.respond(op), phases.respond(op, magnitudes=True)
    assert (np.abs(gains) <= bound).all()
    ones = phases.respond(op, np.full((1,) * (len(op.out_shape) - 1) + (op.in_shape[0], 1), -1))
    assert (ones[..., 0] == -gains.sum(axis=-1)).all()


# -- interiors --------------------------------------------------------------------------------------------------------

GEOMETRIES = [(n, k, s, d, p) for n in (5, 9) for k in (1, 2, 3) for s in (1, 2, 3) for d in (1, 2) for p in (0, 1, 2)]


@pytest.mark.parametrize(("n", "k", "s", "d", "p"), GEOMETRIES, ids=str)
def test_interior_of_a_convolution_is_what_no_border_reaches(n, k, s, d, p):
    if d * (k - 1) >= n + 2 * p:
        return
    inside = [
        o for o in range((n + 2 * p - d * (k - 1) - 1) // s + 1) if all(0 <= o * s + t * d - p < n for t in range(k))
    ]
    op = cm.conv(np.ones(k), n, stride=s, dilation=d, padding=p)
    ((low, high),) = phases.interior(op).ranges
    assert list(range(low, high)) == inside


@pytest.mark.parametrize(("n", "k", "s", "d", "p"), GEOMETRIES, ids=str)
def test_interior_of_a_transposed_layer_has_all_paths_of_an_endless_one(n, k, s, d, p):
    try:
        op = cm.conv_transpose(np.ones(k), n, stride=s, dilation=d, padding=p)
    except cm.ConvMatrixError:
        return
    found = phases.interior(op)
    size, endless = op.out_shape[1], range(-40, 60)
    inside = [m for m in range(size) if all(0 <= i < n for i in endless for t in range(k) if i * s + t * d - p == m)]
    runs = [list(run) for whole, run in itertools.groupby(range(size), lambda m: m in inside) if whole]
    ((low, high),) = found.ranges
    assert list(range(low, high)) == max(runs, key=len, default=[])
    assert (found.period, found.offset) == ((s,), (p,))


@pytest.mark.parametrize("mode", MODES)
def test_a_border_that_continues_a_constant_is_none(mode):
    op = cm.conv([1, 2, 3], 8, padding=1, padding_mode=mode)
    assert phases.interior(op).ranges == (((1, 7),) if mode == "zeros" else ((0, 8),))


def test_a_circle_closes_only_after_whole_periods():
    up = cm.conv_transpose([1, 2, 3], 6, stride=2, padding=1, output_padding=1)
    circle = cm.conv([1, 2, 3], 12, stride=2, padding=1, padding_mode="circular")
    assert phases.interior(circle.T).ranges == ((0, 12),)
    assert phases.interior(circle.T @ circle @ up).slices is not None
    odd = cm.conv([1, 2, 3], 9, stride=2, padding=1, padding_mode="circular")
    ((low, high),) = phases.interior(odd.T).ranges
    assert (low, high) != (0, 9)


def test_without_an_interior():
    inside = phases.interior(cm.conv([1, 2, 3], 2, padding=2))
    assert inside.slices is None
    assert phases.phase_paths(cm.conv([1, 2, 3], 2, padding=2)).tolist() == [3]


# -- numbers ----------------------------------------------------------------------------------------------------------

A, B = sympy.symbols("a b")
WEIGHTS = {
    "integers": ([1, 2, 3], [4, 2]),
    "beyond int64": ([2**70, 1, -(2**70)], [0, 1]),
    "sums beyond int64": ([2**62, 1, 2**62], [2**63, 1]),
    "fractions": ([Fraction(1, 3), 1, Fraction(2, 3)], [1, 1]),
    "symbols": ([A, B, -A], [0, B]),
    "floats": ([0.5, 1.5, 0.25], [0.75, 1.5]),
    "tiny and huge": ([1e300, 1e-300, 1e300], [2e300, 1e-300]),
    "single precision": (np.float32([0.5, 1, 0.25]), [0.75, 1]),
    "complex": ([1j, 2, 1], [1 + 1j, 2]),
}


@pytest.mark.parametrize(("weight", "want"), WEIGHTS.values(), ids=WEIGHTS)
def test_gains_keep_their_kind_of_number(weight, want):
    gains = phases.respond(cm.conv_transpose(weight, 4, stride=2)).reshape(-1)
    assert gains.tolist() == want
    assert gains.dtype.kind in "ifcO"


def test_gains_of_deep_stacks_do_not_wrap():
    op = cm.conv_transpose([3, 3, 3], 4, stride=2)
    for _ in range(60):
        op = cm.conv([2**3], op.out_shape[1]) @ op
    assert phases.respond(op).reshape(-1).tolist() == [6 * 2**180, 3 * 2**180]


def test_paths_of_deep_stacks_do_not_wrap():
    op = cm.conv([1] * 7, 9, padding=3, padding_mode="circular")
    deep = op**30
    assert set(phases.axis_paths(deep)[0].tolist()) == {7**30}
    square = cm.conv(np.ones((7, 7)), (9, 9), padding=3, padding_mode="circular") ** 12
    assert set(phases.paths(square).reshape(-1).tolist()) == {49**12}
    assert phases.phase_paths(square).tolist() == [[49**12]]
    both = square + cm.identity((1, 9, 9))
    assert set(phases.paths(both).reshape(-1).tolist()) == {49**12 + 1}


def test_branches_that_differ_along_one_axis_are_one_outer_product():
    one, other = cm.conv(np.ones((3, 3)), (5, 6), padding=1), cm.conv(np.ones((1, 3)), (5, 6), padding=(0, 1))
    vectors = phases.axis_paths(one + other)
    np.testing.assert_array_equal(np.multiply.outer(*vectors), ones_matrix(one + other).sum(axis=1).reshape(5, 6))
    assert phases.axis_paths(one + cm.identity((1, 5, 6))) is None


def test_branches_of_unequal_periods_repeat_after_both():
    up = cm.conv_transpose([1, 1, 1], 6, stride=2, padding=1, output_padding=1)
    triple = cm.resize((1, 4), 3) @ cm.avg_pool((1, 12), 3) @ up
    assert phases.interior(up + triple).period == (6,)
    check(up + triple)


# -- errors -----------------------------------------------------------------------------------------------------------

ERRORS = {
    "no operator": (lambda: phases.check_layers(3), "op must be a TensorOperator, such as conv.* makes, got int"),
    "no axis": (
        lambda: phases.check_layers(cm.conv([[1, 2]], ())),
        r"op must map tensors \(channels, \*spatial\) with one or more axes of space, got \(2,\) -> \(1,\)",
    ),
    "an axis comes in": (
        lambda: phases.check_layers(flattened()),
        r"op must map tensors \(channels, \*spatial\) with one or more axes of space, got \(1, 2, 2\) -> \(4,\)",
    ),
    "channels mixed with space": (
        lambda: (
            phases.check_layers(flattened().T @ cm.conv([[2]], ()).T @ cm.conv([[2]], ()) @ flattened())
            if False
            else phases.check_layers(flattened().T @ flattened())
        ),
        "op must keep channels apart from space in every layer, got ",
    ),
    "a scale of too many phases": (
        lambda: phases.interior(cm.resize((1, 2**21), Fraction(2**21 + 1, 2**21))),
        "scale must be a fraction of numbers up to 1048576, so that its phases can be told apart, got 2097153/2097152",
    ),
}


def flattened():
    """A picture as a vector of channels."""
    from convmatrix.operators.channels import Permutation

    return Permutation("flatten", (1, 2, 2), (4,), (1, 2, 2), (0, 1, 2))


@pytest.mark.parametrize(("call", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(call, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        call()


def test_an_axis_too_long_to_count_is_refused():
    with pytest.raises(cm.MatrixTooLargeError, match=r"the counts of an axis of \d+ positions would take"):
        phases.axis_paths(cm.conv_transpose([1, 1, 1], 10**15, stride=2))


def test_more_phases_than_can_be_told_apart_are_refused() -> None:
    op = cm.conv_transpose("1 2 3", 2, stride=2**23)
    with pytest.raises(cm.ConvMatrixError, match=r"op must repeat after at most 4194304 outputs .*, got 8388608"):
        phases.respond(op)


def test_gains_beyond_memory_are_refused() -> None:
    op = cm.conv_transpose(np.ones((1024, 1024, 1)), 2, stride=2**20)
    with pytest.raises(cm.MatrixTooLargeError, match="the gains of 1048576 phases would take"):
        phases.respond(op)


def test_a_resized_constant_is_followed_once_and_not_in_every_phase() -> None:
    op = cm.conv(np.arange(64 * 64).reshape(1, 64, 64), 1280) @ cm.resize((64, 80), 16, "linear")
    answer = phases.respond(op)
    assert answer.shape == (16, 1, 64)
    np.testing.assert_array_equal(answer[3, 0], np.arange(64 * 64).reshape(64, 64).sum(axis=1))
