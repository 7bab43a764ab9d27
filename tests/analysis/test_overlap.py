"""Overlap maps: against the row sums of the all-ones layers, the article's cases and the definition."""

from __future__ import annotations

import json
import math
import tracemalloc
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from layer_drawing import MODES, expressions, ones_matrix

import convmatrix as cm
from convmatrix.operators.channels import Permutation


def transposed(kernel, size, **options):
    """A transposed layer of one channel; the weight does not matter."""
    axes = len(size) if isinstance(size, tuple) else 1
    return cm.conv_transpose(np.ones((kernel,) * axes), size, **options)


def checked(op):
    """The map of an operator, everything in it compared with the row sums of its all-ones matrix."""
    found, counts = cm.overlap(op), ones_matrix(op).sum(axis=1).reshape(op.out_shape[1:])
    np.testing.assert_array_equal(found.counts, counts)
    assert found.counts.shape == found.output_size
    assert found.counts.dtype == np.min_scalar_type(int(counts.max()))
    assert not found.counts.flags.writeable
    if found.axis_counts is not None:
        np.testing.assert_array_equal(reduce(np.multiply.outer, found.axis_counts), counts)
    outside = np.ones(counts.shape, dtype=bool)
    if found.interior is not None:
        outside[found.interior] = False
        places = np.meshgrid(*(np.arange(part.start, part.stop) for part in found.interior), indexing="ij", sparse=True)
        phases = tuple((p + o) % n for p, o, n in zip(places, found.offset, found.period, strict=True))
        np.testing.assert_array_equal(counts[found.interior], found.phase_counts[phases])
        sides = [(part.start, n - part.stop) for part, n in zip(found.interior, counts.shape, strict=True)]
        assert found.border == tuple(sides)
    ends = counts[outside]
    assert found.border_counts == ((ends.min(), ends.max()) if ends.size else None)
    return found


def consistent(found):
    """What follows from the phase counts."""
    least, most = int(found.phase_counts.min()), int(found.phase_counts.max())
    assert found.phase_counts.shape == found.period
    assert found.is_uniform == (least == most)
    assert found.ratio == (Fraction(most, least) if least else math.inf)
    assert bool(found.holes) == (least == 0)
    assert all(found.phase_counts[phase] == 0 for phase in found.holes)
    assert len(found.holes) == np.count_nonzero(found.phase_counts == 0)


# -- the article and Distill ------------------------------------------------------------------------------------------

SIX = {(1, 2): [2], (1, 3): [3], (2, 2): [1, 1], (2, 4): [2, 2], (2, 3): [2, 1], (2, 5): [3, 2]}


@pytest.mark.parametrize(("steps", "want"), SIX.items(), ids=map(str, SIX))
def test_the_six_cases_of_the_article(steps, want):
    stride, kernel = steps
    found = checked(transposed(kernel, 8, stride=stride))
    assert found.phase_counts.tolist() == want
    assert found.is_uniform == (kernel % stride == 0)
    square = checked(transposed(kernel, (5, 6), stride=stride))
    assert square.phase_counts.tolist() == np.multiply.outer(want, want).tolist()
    assert square.ratio == Fraction(max(want), min(want)) ** 2
    cube = checked(transposed(kernel, (3, 3, 3), stride=stride))
    assert cube.ratio == Fraction(max(want), min(want)) ** 3


def test_size_3_stride_2_is_4_to_1_in_two_dimensions():
    found = cm.overlap(transposed(3, (3, 3), stride=2))
    assert found.ratio == 4
    assert found.counts.tolist()[2] == [2, 2, 4, 2, 4, 2, 2]
    assert found.interior == (slice(1, 6), slice(1, 6))
    assert (found.border, found.border_counts) == (((1, 1), (1, 1)), (1, 2))


def test_unevenness_compounds_in_a_stack():
    first = transposed(3, 6, stride=2)
    second = transposed(3, 13, stride=2)
    found = checked(second @ first)
    assert [stage.op.out_shape for stage in found.stages] == [(1, 13), (1, 27)]
    assert [stage.ratio for stage in found.stages] == [2, 3]
    assert found.stages[-1] is found
    assert found.phase_counts.tolist() == [3, 2, 3, 1]
    square = checked(transposed(3, (9, 9), stride=2) @ transposed(3, (4, 4), stride=2))
    assert [stage.ratio for stage in square.stages] == [4, 9]
    assert len(cm.overlap(2 * found.op).stages) == 2
    assert cm.overlap(first).stages[0].op is first


# -- equal to the all-ones operator -----------------------------------------------------------------------------------

LAYERS = {
    "transposed": (transposed(3, (4, 5), stride=2, padding=1, output_padding=1), None),
    "dilated": (transposed(3, 7, stride=3, dilation=2), None),
    "pairs": (transposed(4, 6, stride=2, padding=[(0, 2)]), None),
    "gradient": (cm.conv(np.ones((3, 3)), (8, 9), stride=2, padding=1).T, None),
    "convolution": (cm.conv(np.ones((3, 2)), (6, 7), padding=1), None),
    "average": (cm.avg_pool((1, 9, 8), 3, stride=2, padding=1), cm.conv(np.ones((3, 3)), (9, 8), stride=2, padding=1)),
    "average rounded up": (cm.avg_pool((1, 8), 3, stride=2, ceil_mode=True),
                           cm.conv(np.ones(3), 8, stride=2, padding=[(0, 1)])),
    "resize": (cm.resize((1, 4, 4), 2), None),
    "resize then convolution": (cm.conv(np.ones((3, 3)), (8, 8), padding=1) @ cm.resize((1, 4, 4), 2), None),
    "sub-pixel": (cm.pixel_shuffle((4, 5, 5), 2) @ cm.conv(np.ones((4, 3, 3, 3)), (5, 5), padding=1),
                  cm.resize((1, 5, 5), 2) @ cm.conv(np.ones((3, 3)), (5, 5), padding=1)),
    "unshuffle": (cm.pixel_shuffle((4, 3, 3), 2).T, cm.conv(np.ones((2, 2)), (6, 6), stride=2)),
    "stack": (transposed(3, (9, 9), stride=2) @ transposed(3, (4, 4), stride=2), None),
    "sum": (transposed(3, (4, 4), stride=2) + transposed(3, (4, 4), stride=2), None),
    "multiple": (Fraction(1, 3) * transposed(3, 4, stride=2), transposed(3, 4, stride=2)),
}  # fmt: skip


@pytest.mark.parametrize(("op", "ones"), LAYERS.values(), ids=LAYERS)
def test_counts_are_the_row_sums_of_the_all_ones_operator(op, ones):
    found = checked(op)
    sums = (op if ones is None else ones).tosparse().sum(axis=1)
    np.testing.assert_array_equal(found.counts.reshape(-1), sums)
    consistent(found)


@pytest.mark.parametrize("name", ["transposed", "dilated", "pairs", "gradient", "convolution", "resize"])
def test_where_no_taps_merge_they_are_the_entries_of_a_row(name):
    op, _ = LAYERS[name]
    np.testing.assert_array_equal(cm.overlap(op).counts.reshape(-1), np.diff(op.tosparse().indptr))


def test_nan_and_infinite_weights_are_counted_like_any():
    for weight in ([np.nan, 1.0, np.inf], [sympy.nan, 1, sympy.oo]):
        assert np.array_equal(cm.overlap(cm.conv_transpose(weight, 4, stride=2)).counts, [1, 1, 2, 1, 2, 1, 2, 1, 1])


def test_weights_and_channels_do_not_count(rng):
    weight = rng.standard_normal((4, 6, 3, 3)).astype(np.float32)
    many = cm.overlap(cm.conv_transpose(weight, (4, 4), stride=2, groups=2))
    np.testing.assert_array_equal(many.counts, cm.overlap(transposed(3, (4, 4), stride=2)).counts)
    symbols = cm.overlap(cm.conv_transpose([sympy.Symbol("a"), Fraction(1, 3), 0], 4, stride=2))
    assert symbols.phase_counts.tolist() == [2, 1]


@pytest.mark.parametrize("transpose", [False, True], ids=["forwards", "transposed"])
@pytest.mark.parametrize("mode", MODES)
def test_every_border_rule(mode, transpose):
    for size, stride, pads in ((8, 2, (1, 1)), (9, 2, (2, 1)), (7, 1, (3, 0)), (12, 3, (2, 4))):
        op = cm.conv(np.ones((3, 2)), (size, size), stride=stride, padding=[pads, pads], padding_mode=mode)
        consistent(checked(op.T if transpose else op))


@settings(max_examples=120)
@given(expressions())
def test_any_expression(op):
    found = checked(op)
    consistent(found)
    assert [stage.op.out_shape for stage in found.stages][-1] == op.out_shape
    json.dumps(found.to_dict())
    assert str(found)


# -- holes ------------------------------------------------------------------------------------------------------------

HOLES = {
    "the stride is larger than the kernel": ({"kernel": 2, "stride": 3}, [1, 1, 0], ((2,),)),
    "dilation and stride have a factor in common": ({"kernel": 3, "stride": 2, "dilation": 2}, [3, 0], ((1,),)),
    "both": ({"kernel": 1, "stride": 4, "dilation": 2}, [1, 0, 0, 0], ((1,), (2,), (3,))),
    "a factor in common that is not the stride": (
        {"kernel": 4, "stride": 4, "dilation": 6},
        [2, 0, 2, 0],
        ((1,), (3,)),
    ),
}


@pytest.mark.parametrize(("layer", "counts", "holes"), HOLES.values(), ids=HOLES)
def test_holes(layer, counts, holes):
    found = checked(transposed(size=9, **layer))
    assert (found.phase_counts.tolist(), found.holes, found.ratio) == (counts, holes, math.inf)
    assert not found.is_uniform
    assert str(found).startswith("uneven, with holes: 0 to ")
    assert f"holes     phase {', '.join(str(phase) for (phase,) in holes)}" in str(found)


def test_an_output_that_nothing_reaches_at_all():
    up = transposed(1, 5, stride=2)
    found = checked(cm.conv([1], 9, stride=2, padding=1) @ up)
    assert (found.phase_counts.tolist(), found.is_uniform, found.ratio) == ([0], True, math.inf)
    assert str(found).startswith("never written: 0 paths")


# -- large maps -------------------------------------------------------------------------------------------------------


def test_a_map_is_small_until_it_is_asked_for():
    op = cm.conv_transpose(np.ones((3, 3, 3)), (500, 500, 500), stride=2)
    tracemalloc.start()
    found = cm.overlap(op)
    assert (found.ratio, found.interior, found.border_counts) == (8, (slice(1, 1000),) * 3, (1, 4))
    assert "uneven, 8 to 1" in str(found)
    assert found.to_dict()["counts"] is None
    assert [vector.size for vector in found.axis_counts] == [1001] * 3
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


def test_an_axis_of_a_million_million_positions():
    found = cm.overlap(transposed(3, 10**12, stride=2) @ cm.conv([1, 1], 10**12 + 1))
    assert found.phase_counts.tolist() == [4, 2]
    assert (found.ratio, found.border_counts, found.border) == (2, (2, 2), ((1, 1),))
    plain = json.loads(json.dumps(found.to_dict()))
    assert (plain["counts"], plain["axis_counts"]) == (None, None)
    for lazy in ("counts", "axis_counts"):
        with pytest.raises(cm.MatrixTooLargeError, match=r"would take .* more than the .* allowed"):
            getattr(found, lazy)


@pytest.mark.parametrize("size", [(1, 1), (2, 700), (700, 2), (40, 40), (3, 3, 300), (20, 1, 30)], ids=str)
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (5, 3), (1, 1), (2, 5)], ids=str)
def test_every_way_of_writing_a_map(kernel, stride, size):
    found = cm.overlap(transposed(kernel, size, stride=stride))
    want = reduce(np.multiply.outer, [
        np.convolve(np.repeat(np.ones(n, int), stride) * (np.arange(n * stride) % stride == 0), np.ones(kernel, int))
        [: (n - 1) * stride + kernel]
        for n in size
    ])  # fmt: skip
    np.testing.assert_array_equal(found.counts, want)


WIDTHS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@pytest.mark.parametrize(("layers", "width"), [(2, 1), (3, 2), (8, 4), (16, 8)], ids=str)
def test_counts_come_in_the_smallest_type_that_holds_them(layers, width):
    found = cm.overlap(cm.conv([1] * 15, 5, padding=7, padding_mode="circular") ** layers)
    assert found.counts.dtype == WIDTHS[width]
    assert set(found.counts.tolist()) == {15**layers}


@pytest.mark.parametrize("layers", [16, 40])
def test_counts_beyond_every_type(layers):
    deep = cm.conv([1] * 16, 5, padding=[(7, 8)], padding_mode="circular") ** layers
    found = cm.overlap(deep)
    assert found.counts.dtype == object
    assert set(found.counts.tolist()) == {16**layers}
    assert (found.ratio, found.border_counts) == (1, None)
    square = cm.conv(np.ones((4, 4)), (5, 6), padding=[(1, 2), (1, 2)], padding_mode="circular") ** layers
    assert set(cm.overlap(square).counts.reshape(-1).tolist()) == {16**layers}
    both = cm.overlap(square + cm.identity((1, 5, 6)))
    assert set(both.counts.reshape(-1).tolist()) == {16**layers + 1}
    assert both.phase_counts.tolist() == [[16**layers + 1]]
    json.dumps(both.to_dict())


# -- sums, sizes, displays --------------------------------------------------------------------------------------------


def test_a_sum_that_is_no_outer_product():
    found = checked(
        transposed(3, (4, 4), stride=2)
        + cm.resize((1, 5, 5), Fraction(9, 5)) @ cm.conv([[1]], (4, 4), padding=[(0, 1)] * 2)
    )
    assert found.axis_counts is None
    assert found.to_dict()["axis_counts"] is None
    consistent(found)


def test_without_an_interior():
    found = checked(transposed(7, 2, stride=2))
    assert (found.interior, found.phase_counts.tolist()) == (None, [4, 3])
    assert found.border == ((9, 0),)
    assert str(found) == "\n".join([
        "uneven, 4 to 3: 3 to 4 paths to an output far from the borders",
        "  output    (1, 2) -> (1, 9)",
        "  by phase  4 3",
        "  interior  none",
    ])  # fmt: skip


TEXTS = {
    "even": (transposed(4, 4, stride=2, padding=1), """\
even: 2 paths to an output of the interior
  output    (1, 4) -> (1, 8)
  by phase  2 2
  phase     (output position + 1) mod 2
  interior  1:7
  border    1 path"""),
    "one path": (cm.resize((1, 4), 2), """\
even: 1 path to an output of the interior
  output    (1, 4) -> (1, 8)
  by phase  1 1
  interior  0:8"""),
    "three axes": (transposed(3, (2, 3, 4), stride=2), """\
uneven, 8 to 1: 1 to 8 paths to an output of the interior
  output    (1, 2, 3, 4) -> (1, 5, 7, 9)
  by phase  2 x 2 x 2: most at (0, 0, 0), least at (1, 1, 1)
  interior  1:4, 1:6, 1:8
  border    1 to 4 paths"""),
    "many holes": (transposed(1, 3, stride=9), """\
uneven, with holes: 0 to 1 paths to an output of the interior
  output    (1, 3) -> (1, 19)
  by phase  1 0 0 0 0 0 0 0 0
  holes     phase 1, 2, 3, 4, 5, 6 and 2 more
  interior  0:19"""),
}  # fmt: skip


@pytest.mark.parametrize(("op", "text"), TEXTS.values(), ids=TEXTS)
def test_texts(op, text):
    found = cm.overlap(op)
    assert str(found) == text
    headline, *rest = text.splitlines()
    page = found._repr_html_()
    assert page.startswith(f"<table><caption>{headline}</caption>")
    assert page.count("<tr>") == len(rest)
    assert repr(found) == f"OverlapMap({op.in_shape} -> {op.out_shape}, {headline.split(':')[0]})"


def test_as_json():
    plain = json.loads(json.dumps(cm.overlap(transposed(5, 3, stride=2, padding=1)).to_dict()))
    assert plain == {
        "in_shape": [1, 3], "out_shape": [1, 7], "output_size": [7],
        "is_uniform": False, "ratio": "3/2", "period": [2], "offset": [1], "phase_counts": [3, 2], "holes": [],
        "interior": [[2, 5]], "border": [[2, 2]], "border_counts": [1, 2],
        "axis_counts": [[1, 2, 2, 3, 2, 2, 1]], "counts": [1, 2, 2, 3, 2, 2, 1],
        "stages": [{"out_shape": [1, 7], "ratio": "3/2"}],
        "formula": plain["formula"],
        "formula_ratio": "Piecewise((ceiling(k/s)/floor(k/s), (k >= s) & Eq(gcd(d, s), 1)), (oo, True))",
    }  # fmt: skip
    assert plain["formula"].startswith("Piecewise((ceiling(")
    assert cm.overlap(transposed(3, 4, stride=2)).to_dict()["ratio"] == 2
    assert cm.overlap(cm.identity((1, 5))).to_dict()["formula_ratio"] is None
    assert cm.overlap(transposed(1, 4, stride=2)).to_dict()["ratio"] == "inf"


# -- errors -----------------------------------------------------------------------------------------------------------

FLATTEN = Permutation("flatten", (1, 2, 2), (4, 1, 1), (1, 2, 2), (0, 1, 2))
ERRORS = {
    "no operator": (lambda: cm.overlap(np.ones(3)), "op must be a TensorOperator, such as conv.* makes, got ndarray"),
    "no axis of space": (
        lambda: cm.overlap(cm.conv([[1, 2]], ())),
        r"op must map tensors \(channels, \*spatial\) with one or more axes of space, got \(2,\) -> \(1,\)",
    ),
    "an axis more": (
        lambda: cm.overlap(Permutation("flatten", (1, 2, 2), (4,), (1, 2, 2), (0, 1, 2))),
        r"with one or more axes of space, got \(1, 2, 2\) -> \(4,\)",
    ),
    "positions out of order": (
        lambda: cm.overlap(Permutation("turn", (2, 4), (2, 4), (2, 2, 2), (0, 2, 1))),
        "op must keep channels apart from space in every layer, got ",
    ),
    "within a stack": (
        lambda: cm.overlap(FLATTEN.T @ FLATTEN),
        "op must keep channels apart from space in every layer, got ",
    ),
    "stride 0": (lambda: cm.overlap(transposed(3, 4, stride=0)), "stride must be at least 1, got 0"),
    "output_padding": (
        lambda: cm.overlap(transposed(3, 4, stride=2, output_padding=2)),
        r"output_padding must be below max\(stride, dilation\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(call, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        call()


def test_layers_read_from_torch():
    torch = pytest.importorskip("torch")
    found = cm.overlap(cm.from_torch(torch.nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1), (4, 4)))
    assert found.ratio == 4
    mixed = torch.nn.Sequential(torch.nn.Conv1d(1, 1, 3), torch.nn.Flatten(), torch.nn.Linear(4, 2))
    with pytest.raises(cm.ConvMatrixError, match="op must"):
        cm.overlap(cm.from_torch(mixed, 6))


def test_millions_of_holes_are_counted_and_only_the_first_named():
    found = cm.overlap(cm.conv_transpose([[1]], (2, 2), stride=1500))
    assert "holes     phase (0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6) and 2249993 more" in str(found)
    plain = found.to_dict()
    assert (len(plain["holes"]), plain["phase_counts"]) == (4096, None)


def test_a_border_that_is_none_needs_no_counting():
    circle = cm.conv([1, 2, 3], 2 * 10**7, stride=2, padding=1, padding_mode="circular").T
    found = cm.overlap(circle)
    assert (found.border_counts, found.interior, found.phase_counts.tolist()) == (None, (slice(0, 2 * 10**7),), [2, 1])
