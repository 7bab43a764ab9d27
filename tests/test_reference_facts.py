"""The article's facts, a test a section: each through the public API, beside an independent computation."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
from numpy.lib.stride_tricks import sliding_window_view
from scipy import signal

import convmatrix as cm

ARTICLE = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]


def slid(x, kernel):
    """One filter over a tensor, all axes slid over: products of every window, added up."""
    windows = sliding_window_view(x, kernel.shape)
    return np.einsum(windows, [*range(2 * x.ndim)], kernel, [*range(x.ndim, 2 * x.ndim)], [*range(x.ndim)])


def same(op, matrix):
    """Whether an operator's matrix is that one, entry by entry."""
    found = op.tosparse().toarray()
    return found.shape == matrix.shape and bool((found == matrix).all())


def by_channel(op):
    """How many entries of the matrix join each output channel to each input channel."""
    matrix = op.tosparse().toarray() != 0
    return matrix.reshape(op.out_shape[0], -1, op.in_shape[0], matrix.shape[1] // op.in_shape[0]).sum(axis=(1, 3))


@pytest.mark.parametrize("mode", ["full", "valid", "same"])
@pytest.mark.parametrize("shape", [(9,), (6, 7)], ids=str)
def test_section_1_convolution_turns_the_kernel(shape, mode, rng):
    x, kernel = rng.integers(-9, 10, shape), rng.integers(-9, 10, (3,) * len(shape))
    build = {name: cm.KINDS[name].build for name in ("cross_correlation", "convolution")}
    correlated, convolved = (build[name](kernel, shape, padding=mode) for name in build)
    assert (correlated(x) == signal.correlate(x, kernel, mode, method="direct")).all()
    assert (convolved(x) == signal.convolve(x, kernel, mode, method="direct")).all()
    assert same(convolved, build["cross_correlation"](np.flip(kernel), shape, padding=mode).toarray())


def test_section_2_1_one_channel():
    x = np.array([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
    op = cm.KINDS["conv2d"].build(ARTICLE, (5, 5), stride=1, padding=0)
    assert op.tosparse().shape == (9, 25)
    assert op(x).tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
    assert (op(x) == slid(x, np.array(ARTICLE))).all()


@pytest.mark.parametrize("filters", [1, 2, 7])
def test_section_2_2_many_channels(filters, rng):
    x, weight = rng.integers(-9, 10, (3, 5, 5)), rng.integers(-9, 10, (filters, 3, 3, 3))
    op = cm.KINDS["multichannel"].build(weight, (5, 5))
    assert op.out_shape == (filters, 3, 3)
    for out, filter_ in zip(op(x), weight, strict=True):
        assert (out == sum(slid(x[c], filter_[c]) for c in range(3))).all()
        # The same filter as a volume that is as deep as the input, and so has one place along the depth.
        assert (out == slid(x, filter_)[0]).all()


def test_section_3_three_axes(rng):
    x, kernel = rng.integers(-9, 10, (6, 7, 8)), rng.integers(-9, 10, (2, 3, 3))
    op = cm.KINDS["conv3d"].build(kernel, x.shape)
    assert op.out_shape == (1, 5, 5, 6)
    assert (op(x) == slid(x, kernel)).all()
    flat = cm.KINDS["conv3d"].build(rng.integers(1, 9, (6, 3, 3)), x.shape)
    assert flat.out_shape[1] == 1


def test_section_4_pointwise_is_a_kronecker_product(rng):
    weight = rng.integers(-9, 10, (5, 3))
    op = cm.KINDS["pointwise"].build(weight, (4, 6))
    assert (op.in_shape, op.out_shape) == ((3, 4, 6), (5, 4, 6))
    assert same(op, np.kron(weight, np.eye(24, dtype=int)))


def test_section_4_fully_connected_is_a_kernel_that_covers_the_input(rng):
    matrix = rng.integers(-9, 10, (5, 3 * 4 * 2))
    op = cm.KINDS["fully_connected"].build(matrix, (3, 4, 2))
    assert op.weight.shape == (5, 3, 4, 2)
    assert same(op, matrix)


GRID = list(itertools.product(range(1, 9), range(1, 5), range(1, 4), range(3)))


def test_section_5_output_size():
    for i, k, s, p in GRID:
        if i + 2 * p >= k:
            places = [start for start in range(0, i + 2 * p, s) if start + k <= i + 2 * p]
            found = cm.conv(np.ones(k), i, stride=s, padding=p).out_shape[1]
            assert found == (i + 2 * p - k) // s + 1 == len(places)


IMPLIED = {3: lambda k: k // 2, 4: lambda k: k - 1, 10: lambda k: k // 2, 11: lambda k: k - 1}
LETTERS = {"i": range(2, 7), "k": range(1, 5), "s": range(1, 4), "p": range(3), "d": range(1, 4), "a": range(3)}


def counted(transposed, i, k, s=1, p=0, d=1, a=0):
    """An output size by counting windows that fit; of a transposed layer by laying it out on the stretched input."""
    if transposed:
        stretched = np.zeros(i * s)[: (i - 1) * s + 1]
        return len(np.convolve(stretched, np.ones(k))) - 2 * p + a
    return sum(start % s == 0 and start + d * (k - 1) < i + 2 * p for start in range(i + 2 * p))


@pytest.mark.parametrize("relationship", cm.RELATIONSHIPS, ids=lambda each: str(each.number))
def test_section_5_relationship(relationship, rng):
    """Of the cases it is about, 40 drawn at random: its formula, a count and the layer agree."""
    names = relationship.letters
    transposed = relationship.number in range(8, 15)
    shown = 0
    for case in rng.permutation(list(itertools.product(*(LETTERS[name] for name in names)))).tolist():
        values = dict(zip(names, case, strict=True))
        sizes = dict(values)
        if relationship.number in IMPLIED:
            sizes["p"] = IMPLIED[relationship.number](values["k"])
        if counted(transposed, **sizes) < 1 or not relationship.applies(**values):
            continue
        assert relationship.size(**values) == counted(transposed, **sizes)
        assert relationship.operator(**values).out_shape[1] == relationship.size(**values)
        assert relationship.holds(**values)
        shown += 1
        if shown == 40:
            break
    assert shown >= 10


def test_section_5_which_padding_gives_a_size():
    for i, k, s, p in GRID:
        if i + 2 * p >= k:
            wanted = (i + 2 * p - k) // s + 1
            totals = {total for total in range(20) if i + total >= k and (i + total - k) // s + 1 == wanted}
            found = cm.solve_size(i, wanted, kernel_size=k, stride=s)
            assert {sum(solution[0].padding) for solution in found} == totals


def test_section_6_transposed_matrix(rng):
    kernel = rng.integers(-9, 10, (3, 3))
    convolution = cm.conv(kernel, (4, 4))
    assert convolution.tosparse().shape == (4, 16)
    transposed = cm.KINDS["transposed"].build(kernel, (2, 2))
    assert transposed.out_shape == (1, 4, 4)
    assert same(transposed, convolution.toarray().T)
    # The direct way: the kernel turned round, over the input in a frame of two zeros.
    x = rng.integers(-9, 10, (2, 2))
    assert (transposed(x) == slid(np.pad(x, 2), np.flip(kernel))).all()
    assert cm.KINDS["transposed"].build(kernel, (2, 2), stride=2).out_shape == (1, 5, 5)


def test_section_6_output_padding_restores_the_shape():
    for i, k, s, before, after, d in itertools.product(range(5, 9), (1, 2, 3), (1, 2, 3), (0, 1), (0, 1), (1, 2)):
        taps, geometry = np.arange(1, k + 1), {"stride": s, "padding": [(before, after)], "dilation": d}
        convolution = cm.conv(taps, i, **geometry)
        rule = (i + before + after - d * (k - 1) - 1) % s
        for extra in range(s):
            transposed = cm.conv_transpose(taps, convolution.out_shape[1], output_padding=extra, **geometry)
            assert same(transposed, convolution.toarray().T) is (extra == rule)


def test_section_6_frameworks(rng):
    torch = pytest.importorskip("torch")
    for i, k, s, p, d in itertools.product((5, 6, 7), (2, 3), (1, 2, 3), (0, 1), (1, 2)):
        weight = rng.integers(-9, 10, (2, 3, k, k))
        convolution = cm.conv(weight, (i, i), stride=s, padding=p, dilation=d)
        y = rng.integers(-9, 10, convolution.out_shape)
        extra = (i + 2 * p - d * (k - 1) - 1) % s
        theirs = torch.nn.functional.conv_transpose2d(
            torch.tensor(y[None]).double(), torch.tensor(weight).double(), stride=s, padding=p, output_padding=extra,
            dilation=d,
        )  # fmt: skip
        assert (convolution.T(y) == theirs[0].numpy()).all()


@pytest.mark.parametrize(
    ("stride", "size", "counts"),
    [(1, 2, [2]), (1, 3, [3]), (2, 2, [1, 1]), (2, 4, [2, 2]), (2, 3, [2, 1]), (2, 5, [3, 2])],
    ids=str,
)
def test_section_6_1_counts(stride, size, counts):
    line = cm.overlap(cm.conv_transpose(np.ones(size, dtype=int), 8, stride=stride))
    assert line.phase_counts.tolist() == counts
    assert line.is_uniform is (len(set(counts)) == 1)
    assert line.counts.tolist() == cm.conv_transpose(np.ones(size, dtype=int), 8, stride=stride)(np.ones(8)).tolist()
    plane = cm.overlap(cm.conv_transpose(np.ones((size, size), dtype=int), (8, 8), stride=stride))
    assert (plane.phase_counts == np.outer(counts, counts)).all()
    assert plane.ratio == line.ratio**2 == Fraction(max(counts), min(counts)) ** 2


def test_section_6_1_count_of_a_phase():
    for size, stride, dilation in itertools.product(range(1, 8), range(1, 6), range(1, 5)):
        found = cm.overlap(cm.conv_transpose(np.ones(size, dtype=int), 30, stride=stride, dilation=dilation))
        taps = [[t for t in range(size) if dilation * t % stride == phase] for phase in range(stride)]
        assert found.phase_counts.tolist() == [len(reached) for reached in taps]


def test_section_6_1_remedies():
    """Whatever the weight: sizes that the stride divides have even counts, the other two are free of checkerboards."""
    for stride, times in itertools.product(range(1, 5), range(1, 4)):
        assert cm.overlap(cm.conv_transpose(np.ones(stride * times), 12, stride=stride)).is_uniform
    weight = sympy.symbols("a b c")
    assert cm.checkerboard(cm.conv_transpose(weight, 8, stride=1)).is_free
    for mode in ("nearest", "linear"):
        larger = cm.resize((1, 6), 2, mode)
        assert cm.checkerboard(cm.conv(weight, 12, padding=1) @ larger).is_free
    assert not cm.checkerboard(cm.conv_transpose(weight, 8, stride=2)).is_free


def test_section_7_dilated(rng):
    spread = np.zeros((5, 5), dtype=int)
    spread[::2, ::2] = ARTICLE
    dilated, x = cm.KINDS["dilated"].build(ARTICLE, (9, 9), dilation=2), rng.integers(-9, 10, (9, 9))
    assert same(dilated, cm.conv(spread, (9, 9)).toarray())
    assert (dilated(x) == slid(x, spread)).all()
    layers = [cm.conv(np.ones((3, 3), dtype=int), (31, 31), dilation=rate, padding=rate) for rate in (1, 2, 4)]
    field = cm.receptive_field(layers)
    assert [stage.size for stage in field.stages] == [(3, 3), (7, 7), (15, 15)]
    row = (layers[2] @ layers[1] @ layers[0]).tosparse()[[15 * 31 + 15]].toarray().reshape(31, 31)
    read = np.argwhere(row)
    assert (np.ptp(read, axis=0) + 1).tolist() == [15, 15]
    assert {(cm.cost(layer).multiplications, cm.cost(layer).parameters) for layer in layers} == {(31 * 31 * 9, 9)}


def test_section_8_1_sobel():
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    (scale, column, row), *others = cm.separate(kernel).terms
    assert (scale, list(column), list(row), others) == (1, [1, 2, 1], [-1, 0, 1], [])
    assert (np.outer([1, 2, 1], [-1, 0, 1]) == kernel).all()
    dense, split = cm.conv(kernel, (5, 5)), cm.KINDS["spatially_separable"].build([1, 2, 1], [-1, 0, 1], (5, 5))
    assert same(split, dense.toarray())
    assert (cm.cost(dense).parameters, cm.cost(split).parameters) == (9, 6)
    assert cm.cost(dense).multiplications == dense.nnz == 81
    assert [stage.multiplications for stage in cm.cost(split).stages] == [45, 27]


def test_section_8_1_ratio():
    formula = cm.cost_formula("spatially_separable")
    n, m = (next(letter for letter in formula.letters if letter.name == name) for name in "Nm")
    assert sympy.simplify(formula.ratio - (2 * n - m + 1) / (m * (n - m + 1))) == 0
    assert [limit for _, _, limit in formula.limits] == [2 / m]
    for size, taps in [(5, 3), (9, 5), (12, 7), (8, 2)]:
        split = cm.KINDS["spatially_separable"].build([1] * taps, [1] * taps, (size, size))
        dense = cm.conv(np.ones((taps, taps)), (size, size))
        ratio = Fraction(cm.cost(split).multiplications, cm.cost(dense).multiplications)
        assert ratio == Fraction(2 * size - taps + 1, taps * (size - taps + 1))


def test_section_8_2_depthwise_separable(rng):
    depthwise, pointwise = rng.integers(-9, 10, (3, 1, 3, 3)), rng.integers(-9, 10, (128, 3))
    weight = pointwise[:, :, None, None] * depthwise[:, 0]
    dense, split = cm.conv(weight, (7, 7)), cm.KINDS["depthwise_separable"].build(depthwise, pointwise, (7, 7))
    assert dense.out_shape == split.out_shape == (128, 5, 5)
    x = rng.integers(-9, 10, (3, 7, 7))
    assert (split(x) == dense(x)).all()
    assert cm.cost(dense).multiplications == 86_400 == 128 * 25 * 27
    assert [stage.multiplications for stage in cm.cost(split).stages] == [675, 9_600]
    assert cm.cost(split).multiplications == 10_275
    ratio = cm.cost_formula("depthwise_separable").at(Nc=128, h=3).ratio
    assert ratio == sympy.Rational(10_275, 86_400) == sympy.Rational(1, 128) + sympy.Rational(1, 9)


def test_section_9_flattened(rng):
    vectors = [rng.integers(1, 10, size) for size in (3, 4, 5)]
    filter_ = np.einsum("c,i,j->cij", *vectors)
    found = cm.flatten(filter_)
    assert (found.is_rank_one, found.multilinear_rank) == (True, (1, 1, 1))
    layer = cm.KINDS["flattened"].build(*([vector] for vector in vectors), (7, 8))
    x = rng.integers(-9, 10, (3, 7, 8))
    assert (layer(x) == cm.conv(filter_[None], (7, 8))(x)).all()
    filter_[0, 0, 0] += 1
    other = cm.flatten(filter_)
    unfolded = [np.moveaxis(filter_, mode, 0).reshape(filter_.shape[mode], -1).tolist() for mode in range(3)]
    assert other.multilinear_rank == tuple(sympy.Matrix(matrix).rank() for matrix in unfolded) != (1, 1, 1)
    assert not other.is_rank_one


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_section_10_grouped(groups, rng):
    weight = rng.integers(1, 10, (12, 6 // groups, 3, 2))
    op = cm.KINDS["grouped"].build(weight, (5, 5), groups=groups)
    blocks = np.kron(np.eye(groups, dtype=bool), np.ones((12 // groups, 6 // groups), dtype=bool))
    assert ((by_channel(op) > 0) == blocks).all()
    assert cm.cost(op).parameters == weight.size == 3 * 2 * 6 * 12 // groups


def test_section_10_as_many_groups_as_channels(rng):
    weight = rng.integers(1, 10, (6, 1, 3, 2))
    grouped = cm.KINDS["grouped"].build(weight, (5, 5), groups=6)
    assert same(grouped, cm.KINDS["depthwise"].build(weight, (5, 5)).toarray())
    x = rng.integers(-9, 10, (6, 5, 5))
    assert (grouped(x) == [slid(picture, kernel) for picture, kernel in zip(x, weight[:, 0], strict=True)]).all()


def test_section_10_correlation_in_blocks(rng):
    first, second = (cm.conv(rng.integers(-9, 10, (8, 2, 3, 3)), (6, 6), groups=4, padding=1) for _ in range(2))
    found = cm.filter_correlation(first, second)
    blocks = np.kron(np.eye(4, dtype=bool), np.ones((2, 2), dtype=bool))
    assert (np.asarray(found.matrix, dtype=float)[~blocks] == 0).all()
    assert found.block_share(4) == 1


def test_section_11_shuffle(rng):
    shuffle = cm.channel_shuffle((9, 4, 4), 3)
    matrix = shuffle.toarray()
    assert (matrix.sum(axis=0) == 1).all()
    assert (matrix.sum(axis=1) == 1).all()
    assert shuffle(np.repeat(np.arange(9), 16).reshape(9, 4, 4))[:, 0, 0].tolist() == [0, 3, 6, 1, 4, 7, 2, 5, 8]
    weights = rng.integers(1, 10, (2, 9, 3, 3, 3))
    first, second = (cm.conv(weight, (4, 4), groups=3, padding=1) for weight in weights)
    apart = np.kron(np.eye(3, dtype=bool), np.ones((3, 3), dtype=bool))
    assert ((by_channel(second @ first) > 0) == apart).all()
    assert (by_channel(cm.KINDS["shuffled_grouped"].build(*weights, (4, 4), groups=3, padding=1)) > 0).all()


def test_section_12_pointwise_grouped(rng):
    weight = rng.integers(1, 10, (6, 2))
    op = cm.KINDS["pointwise_grouped"].build(weight, (3, 4), groups=3)
    mixing = np.zeros((6, 6), dtype=int)
    for group in range(3):
        mixing[2 * group : 2 * group + 2, 2 * group : 2 * group + 2] = weight[2 * group : 2 * group + 2]
    assert same(op, np.kron(mixing, np.eye(12, dtype=int)))
    dense = cm.KINDS["pointwise"].build(mixing, (3, 4))
    saved = cm.compare_costs({"dense": dense, "grouped": op})
    assert saved.ratio("grouped") == saved.ratio("grouped", "parameters") == Fraction(1, 3)
    # Every output reads the channels of its own group alone.
    assert (by_channel(op) == 12 * np.kron(np.eye(3, dtype=int), np.ones((2, 2), dtype=int))).all()
