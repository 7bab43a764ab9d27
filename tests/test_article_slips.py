"""Where the article slips: what it says is shown wrong, and the right value right. docs/article.md lists these."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import sympy

import convmatrix as cm

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "article.md"


def places(op):
    """Positions per axis that the kernel stands at."""
    return op.out_shape[1:]


def test_slip_2_2_positions_of_the_filter():
    op = cm.conv(np.ones((1, 3, 3, 3)), (5, 5))
    assert places(op) == (3, 3) != (5, 5)


def test_slip_3_the_third_axis_is_not_the_channels():
    """A layer on volumes adds up over all its channels, and moves along none of them."""
    op = cm.conv(np.ones((2, 4, 3, 3, 3), dtype=int), (5, 6, 7))
    assert (op.in_shape, op.out_shape) == ((4, 5, 6, 7), (2, 3, 4, 5))
    assert (op(np.ones(op.in_shape, dtype=int)) == 4 * 27).all()


def test_slip_5_same_padding_keeps_the_size_at_stride_1_only():
    sizes = [cm.conv(np.ones(3), 7, padding="same", stride=stride).out_shape[1] for stride in (1, 2, 3)]
    assert sizes == [7, 4, 3] == [-(-7 // stride) for stride in (1, 2, 3)]


def test_slip_6_padding_of_two_belongs_to_the_convolution_that_replaces_it():
    kernel = np.arange(1, 10).reshape(3, 3)
    assert cm.conv_transpose(kernel, (2, 2), padding=0).out_shape == (1, 4, 4)
    framed = cm.conv(np.flip(kernel), (2, 2), padding=2)
    assert (framed.toarray() == cm.conv_transpose(kernel, (2, 2)).toarray()).all()
    with pytest.raises(cm.ConvMatrixError):
        cm.conv_transpose(kernel, (2, 2), padding=2)


def test_slip_6_gaps_in_the_input_are_stride_2():
    kernel = np.arange(1, 10).reshape(3, 3)
    assert places(cm.conv_transpose(kernel, (2, 2), stride=1)) == (4, 4)
    strided = cm.conv_transpose(kernel, (2, 2), stride=2)
    assert places(strided) == (5, 5)
    gapped = np.zeros((9, 4), dtype=int)
    gapped[[0, 2, 6, 8], range(4)] = 1
    assert (strided.toarray() == cm.conv(np.flip(kernel), (3, 3), padding=2).toarray() @ gapped).all()


def test_slip_6_the_transpose_is_no_inverse():
    op = cm.conv([[0, 1, 2], [2, 2, 0], [0, 1, 2]], (4, 4))
    gram = (op.T @ op).toarray()
    assert gram.shape == (16, 16)
    assert (gram != np.eye(16)).any()
    # At most 4 of 16 directions survive, so that no other weight would help.
    assert np.linalg.matrix_rank(gram) == 4
    x = np.arange(16).reshape(4, 4)
    assert op.T(op(x)).shape == x.shape
    assert (op.T(op(x)) != x).any()


def test_slip_6_1_even_counts_are_neither_enough_nor_needed():
    even, uneven = (cm.conv_transpose(taps, 8, stride=2) for taps in ([1, 2, 3, 5], [1, 2, 1]))
    assert (cm.overlap(even).is_uniform, cm.checkerboard(even).is_free) == (True, False)
    assert (cm.overlap(uneven).is_uniform, cm.checkerboard(uneven).is_free) == (False, True)
    assert len(set(even(np.ones(8, dtype=int))[4:-4].tolist())) == 2
    assert len(set(uneven(np.ones(8, dtype=int))[1:-1].tolist())) == 1


def test_slip_6_1_with_a_dilation_the_rule_fails_for_counts_too():
    op = cm.conv_transpose([1, 1, 1, 1], 8, stride=2, dilation=2)
    assert cm.overlap(op).phase_counts.tolist() == [4, 0]
    assert not op(np.ones(8, dtype=int))[1::2].any()


def fields(*rates):
    layers = [cm.conv(np.ones((3, 3)), (31, 31), dilation=rate, padding=rate) for rate in rates]
    return [stage.size[0] for stage in cm.receptive_field(layers).stages]


def test_slip_7_the_third_rate_is_4():
    assert fields(1, 2, 4) == [3, 7, 15]
    assert fields(1, 2, 3) == [3, 7, 13]


def test_slip_7_fields_are_those_of_the_stack():
    """One layer of rate 2 or 4 sees 5 and 9; only behind the others it sees 7 and 15."""
    assert [fields(rate) for rate in (1, 2, 4)] == [[3], [5], [9]]


def test_slip_7_nine_dots_are_the_taps():
    """The nine inputs that one output reads, and no output of 3x3."""
    op = cm.conv(np.ones((3, 3)), (31, 31), dilation=2, padding=2)
    assert places(op) == (31, 31)
    assert op.tosparse()[[15 * 31 + 15]].nnz == 9


def both(size, taps):
    dense = cm.conv(np.ones((taps, taps)), (size, size))
    split = cm.KINDS["spatially_separable"].build([1] * taps, [1] * taps, (size, size))
    return cm.cost(dense).multiplications, cm.cost(split).multiplications


def test_slip_8_1_n_minus_2_holds_for_three_taps_only():
    for size, taps in [(5, 3), (9, 3), (9, 5), (12, 7)]:
        said = (size - 2) ** 2 * taps**2, (2 * size - 2) * (size - 2) * taps
        right = (size - taps + 1) ** 2 * taps**2, (2 * size - taps + 1) * (size - taps + 1) * taps
        assert both(size, taps) == right
        assert (both(size, taps) == said) is (taps == 3)


def test_slip_8_1_the_row_scans_3_by_3_positions():
    row, column = cm.conv([[-1, 0, 1]], (3, 5)), cm.conv([[1], [2], [1]], (5, 5))
    assert (places(column), places(row)) == ((3, 5), (3, 3))
    assert cm.cost(row).multiplications == 9 * 3 != 3 * 5 * 3


def test_slip_8_1_small_pictures_cost_more():
    """A column and a row of three save from N = 5 on."""
    ratios = {size: both(size, 3) for size in (3, 4, 5)}
    assert ratios == {3: (9, 12), 4: (36, 36), 5: (81, 72)}


def test_slip_8_2_sizes_of_the_kernels():
    op = cm.KINDS["depthwise_separable"].build(np.ones((3, 1, 3, 3)), np.ones((128, 3)), (7, 7))
    depthwise, pointwise = (stage.multiplications for stage in cm.cost(op).stages)
    assert depthwise == 3 * (3 * 3 * 1) * 25 != 3 * (3 * 3 * 3) * 25
    assert pointwise == 128 * (1 * 1 * 3) * 25 != 128 * (3 * 3 * 3) * 25


def test_slip_8_2_as_many_filters_as_the_square_of_the_kernel():
    """With Nc = 10 h the ratio is still twice its limit and more at h = 11; what it takes is Nc >> h^2."""
    formula = cm.cost_formula("depthwise_separable")
    excess = {(h, nc): formula.at(h=h, Nc=nc).ratio * h**2 for h, nc in [(11, 110), (11, 121), (11, 12100)]}
    assert list(excess.values()) == [sympy.Rational(21, 10), 2, sympy.Rational(101, 100)]


def test_slip_9_the_outer_product():
    """Three layers of one axis each are one filter of all 27 products; a cross product of vectors has 3 numbers."""
    vectors = [1, 2, 3], [1, 3, 1], [2, 1, 2]
    layer = cm.KINDS["flattened"].build(*vectors, (4, 5))
    read = layer.toarray()[0].reshape(layer.in_shape)
    filter_ = read[:, :3, :3]
    assert np.count_nonzero(read) == filter_.size == 27
    assert filter_.tolist() == [[[a * b * c for c in vectors[2]] for b in vectors[1]] for a in vectors[0]]
    assert cm.flatten(filter_).is_rank_one
    assert np.cross(np.cross(vectors[0], vectors[1]), vectors[2]).size == 3 != filter_.size


def test_slip_10_three_channels_make_no_two_groups():
    channels = [cm.conv(np.ones((128, each, 3, 3)), (7, 7), groups=2).in_shape[0] for each in (1, 2)]
    assert channels == [2, 4]
    with pytest.raises(cm.ConvMatrixError, match="groups must divide out_channels 128, got 3"):
        cm.conv(np.ones((128, 1, 3, 3)), (7, 7), groups=3)


def meetings(channels, groups):
    """Which groups of inputs reach which groups of outputs of a shuffled pair."""
    weight = np.ones((channels, channels // groups, 1), dtype=int)
    matrix = cm.KINDS["shuffled_grouped"].build(weight, weight, 1, groups=groups).toarray()
    each = channels // groups
    return matrix.reshape(groups, each, groups, each).any(axis=(1, 3))


def test_slip_11_a_shuffle_needs_as_many_channels_a_group_as_groups():
    for groups, each in itertools.product(range(1, 6), range(1, 8)):
        assert meetings(each * groups, groups).all() == (each >= groups)
    assert meetings(6, 3).sum() == 6


def claims():
    """Files and tests that the page's table points to."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))


def test_the_page_points_to_tests_that_are_there():
    assert claims()
    for file, name in claims():
        assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"


def test_the_page_names_every_slip():
    own = set(re.findall(r"^def (test_slip_\w+)", Path(__file__).read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert own == {name for _, name in claims() if name.startswith("test_slip")}


def test_the_pages_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", PAGE.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (PAGE.parent / target).exists(), target
