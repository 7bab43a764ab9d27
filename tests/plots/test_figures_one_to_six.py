"""The figures of sections 1 to 6.1: their numbers against the operators, their colours, and whether they are read."""

from itertools import combinations

import matplotlib
import numpy as np
import pytest
from figure_reading import draw, marked, module, numbers, panels, stored
from matplotlib.colors import to_rgb
from matplotlib.patches import Polygon
from scipy import signal

import convmatrix as cm
from convmatrix.plots import style

pytest.importorskip("figures")

NAMES = (
    "turning_the_kernel", "one_channel", "channels", "volume", "pointwise", "fully_connected", "arithmetic",
    "transpose_is_no_inverse", "transposed_stride", "overlap_cases_1d", "overlap_cases_2d",
)  # fmt: skip
RELAID = (
    "overlap_stacks", "padding_modes", "groups", "remedies", "sliding_window", "separability",
    "checkerboard_photograph",
)  # fmt: skip


def _written(figure):
    """Every text that is seen, with its box; labels of ticks beyond an axis are not."""
    found = []
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_text().strip() and text.get_visible():
            found.append((text, text.get_window_extent()))
    hidden = set()
    for ax in figure.findobj(matplotlib.axes.Axes):
        for axis in (ax.xaxis, ax.yaxis):
            seen = {id(tick.label1) for tick in axis._update_ticks()} if ax.axison else set()
            hidden |= {id(label) for label in axis.get_ticklabels() if id(label) not in seen}
    return [(text, box) for text, box in found if id(text) not in hidden]


@pytest.mark.parametrize("name", [*NAMES, *RELAID])
def test_every_figure_is_read_on_a_page(name):
    figure = draw(name)
    wide, tall = figure.get_size_inches()
    assert wide <= 9
    written = _written(figure)
    assert min(text.get_fontsize() for text, _ in written) >= 7
    right, top = wide * figure.dpi + 0.5, tall * figure.dpi + 0.5
    outside = [
        text.get_text()
        for text, box in written
        if not (box.x0 > -1 and box.y0 > -1 and box.x1 < right and box.y1 < top)
    ]
    assert not outside
    meet = [
        (one.get_text(), other.get_text())
        for (one, a), (other, b) in combinations(written, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1.5
    ]
    assert not meet


@pytest.mark.parametrize("name", NAMES)
def test_every_script_says_where_it_belongs(name):
    script = module(name)
    assert script.CAPTION.strip()
    assert float(script.SECTION) <= 6.1
    assert isinstance(script.STEP, int)


def test_an_impulse_comes_out_as_the_kernel_of_a_convolution_and_turned_of_a_correlation():
    figure, script = draw("turning_the_kernel"), module("turning_the_kernel")
    correlated, convolved = map(numbers, panels(figure, "output"))
    assert (correlated == signal.correlate(script.IMPULSE, script.KERNEL, "valid")).all()
    assert (convolved == signal.convolve(script.IMPULSE, script.KERNEL, "valid")).all()
    assert (convolved == script.KERNEL).all()
    assert (correlated == script.KERNEL[::-1, ::-1]).all()
    for flip, ax in zip((False, True), panels(figure, "matrix"), strict=True):
        matrix = cm.conv(script.KERNEL, (5, 5), flip=flip).toarray()
        assert (np.nan_to_num(numbers(ax)) == matrix).all()
        assert marked(ax) == (12, 13, 0, 9)


def test_a_tap_keeps_its_colour_when_the_kernel_is_turned():
    figure = draw("turning_the_kernel")
    colors = dict(zip(range(1, 10), style.tap_colors(9), strict=True))
    for ax in (*panels(figure, "kernel"), *panels(figure, "turned"), *panels(figure, "matrix")):
        image = ax.images[0]
        values = image.get_array()
        for (row, column), number in np.ndenumerate(numbers(ax)):
            if np.isfinite(number):
                assert to_rgb(image.cmap(image.norm(values[row, column]))) == to_rgb(colors[int(number)])


def test_one_window_of_one_channel_is_one_row():
    figure, script = draw("one_channel"), module("one_channel")
    C = cm.conv(script.KERNEL, (5, 5))
    y = C(script.INPUT)
    panel = {ax.get_label(): ax for ax in figure.axes}
    assert (numbers(panel["output y, 3x3"]) == y).all()
    assert (numbers(panel["output y"]).ravel() == y.ravel()).all()
    assert (numbers(panel["input x, flattened"]).ravel() == script.INPUT.ravel()).all()
    assert (np.nan_to_num(numbers(panel["matrix"])) == C.toarray()).all()
    assert stored(panel["matrix"]).sum() == C.nnz == 81
    assert marked(panel["input x, 5x5"]) == (1, 4, 1, 4)
    assert marked(panel["output y"]) == (0, 1, script.ROW, script.ROW + 1)
    (frame,) = [patch for patch in panel["matrix"].patches if patch.get_label() == "traced row"]
    assert round(frame.get_y() + 0.5) == script.ROW


def test_the_window_is_written_out():
    figure, script = draw("one_channel"), module("one_channel")
    (sum_,) = [text.get_text() for text in figure.texts if "\u00b7" in text.get_text()]
    said, products = sum_.split(" = ")
    pairs = [part.strip().split("\u00b7") for part in products.replace("\n", " ").split("+")]
    assert len(pairs) == 9
    assert sum(int(x) * int(w) for x, w in pairs) == int(said) == cm.conv(script.KERNEL, (5, 5))(script.INPUT)[1, 1]


def test_a_column_above_the_matrix_stands_over_its_column():
    panel = {ax.get_label(): ax for ax in draw("one_channel").axes}
    above, below = (panel[name].get_position() for name in ("input x, flattened", "matrix"))
    assert (above.x0, above.x1) == pytest.approx((below.x0, below.x1))


def test_answers_of_the_channels_add_up():
    figure, script = draw("channels"), module("channels")
    C = cm.conv(script.WEIGHT, (5, 5))
    parts = [numbers(ax) for ax in panels(figure, "answer")]
    (whole,) = map(numbers, panels(figure, "sum"))
    assert len(parts) == 3
    assert (sum(parts) == whole).all()
    assert (whole == C(script.INPUT)[0]).all()
    for channel, ax in enumerate(panels(figure, "filter 0")):
        assert (numbers(ax) == script.WEIGHT[0, channel]).all()


def test_three_blocks_stand_side_by_side_below_their_channels():
    figure = draw("channels")
    (matrix,) = panels(figure, "matrix")
    blocks, one = stored(matrix), cm.conv(np.ones((3, 3)), (5, 5)).toarray() > 0
    assert blocks.shape == (18, 75)
    assert (blocks == np.kron(np.ones((2, 3)), one)).all()
    ends = matrix.get_window_extent()
    for channel, ax in enumerate(panels(figure, "input")):
        box = ax.get_window_extent()
        assert (box.x0 + box.x1) / 2 == pytest.approx(ends.x0 + (channel + 0.5) * ends.width / 3, abs=0.5)


def test_the_filter_is_shallower_than_the_volume():
    figure, script = draw("volume"), module("volume")
    assert all(small < large for small, large in zip(script.FILTER.shape, script.VOLUME, strict=True))
    (volume,), (output,), (matrix,) = (panels(figure, start) for start in ("volume", "output", "matrix"))
    cubes = [[p.get_label() for p in ax.patches if isinstance(p, Polygon)] for ax in (volume, output)]
    assert [(seen.count("whole"), seen.count("marked")) for seen in cubes] == [(3 * 16, 3 * 4), (3 * 9, 3)]
    C = cm.conv(script.FILTER, script.VOLUME)
    assert C.out_shape == (1, 3, 3, 3)
    assert (stored(matrix) == (C.tosparse().toarray() != 0)).all()
    arrows = [text.get_text() for text in volume.texts if text.get_text()]
    assert arrows == ["x", "y", "z"]


def test_the_matrix_of_a_volume_nests_its_diagonals():
    script = module("volume")
    blocks = cm.conv(script.FILTER, script.VOLUME).toarray().reshape(3, 9, 4, 16).swapaxes(1, 2)
    for plane, other in np.ndindex(3, 4):
        first = blocks[0, other - plane] if other >= plane else np.zeros((9, 16))
        assert (blocks[plane, other] == first).all()
    lines = blocks[0, 0].reshape(3, 3, 4, 4).swapaxes(1, 2)
    assert all((lines[i, j] == lines[0, j - i]).all() for i in range(3) for j in range(i, 4))


def test_a_pointwise_matrix_is_a_kronecker_product():
    figure, script = draw("pointwise"), module("pointwise")
    identity, product = panels(figure, "matrix")
    (weights,) = panels(figure, "W")
    assert (np.nan_to_num(numbers(identity)) == np.eye(9)).all()
    assert (np.nan_to_num(numbers(product)) == np.kron(script.W, np.eye(9))).all()
    image, key = product.images[0], weights.images[0]
    for row, column in np.ndindex(script.W.shape):
        value = image.get_array()[9 * row, 9 * column]
        assert image.cmap(image.norm(value)) == key.cmap(key.norm(key.get_array()[row, column]))


def test_kernels_that_cover_the_input_are_rows_of_a_full_matrix():
    figure, script = draw("fully_connected"), module("fully_connected")
    full, sliding = panels(figure, "matrix")
    assert stored(full).all()
    assert (numbers(full) == script.WEIGHT.reshape(3, 16)).all()
    assert (numbers(full) == [numbers(ax).ravel() for ax in panels(figure, "kernel")]).all()
    C = cm.conv(script.WEIGHT, (5, 5))
    assert C.out_shape == (3, 2, 2)
    assert (np.nan_to_num(numbers(sliding)) == C.toarray()).all()


def test_every_dot_of_the_arithmetic_is_an_output():
    figure, script = draw("arithmetic"), module("arithmetic")
    said = [text.get_text() for text in figure.texts]
    assert [number for number, _ in script.CASES] == [1, 2, 3, 4, 5, 6, 6, 7]
    for place, (number, sizes) in enumerate(script.CASES):
        before, after = figure.axes[2 * place : 2 * place + 2]
        i, k, s = sizes["i"], sizes["k"], sizes.get("s", 1)
        p = {3: k // 2, 4: k - 1}.get(number, sizes.get("p", 0))
        o = (i + 2 * p - k) // s + 1
        assert before.images[0].get_array().shape == (i + 2 * p,) * 2
        assert stored(before).sum() == i * i
        assert after.images[0].get_array().shape == (o, o)
        assert len(before.lines) == o
        assert all(len(line.get_xdata()) == o for line in before.lines)
        assert marked(before) == (0, k, 0, k)
        assert said[3 * place + 2].endswith(f"o = {o}")
        assert said[3 * place].startswith(f"{number}. {cm.RELATIONSHIPS[number - 1].title}")


def test_with_a_stride_two_inputs_can_have_one_output_size():
    sizes = [sizes for number, sizes in module("arithmetic").CASES if number == 6]
    ops = [cm.RELATIONSHIPS[5].operator(axes=2, **given) for given in sizes]
    assert ops[0].out_shape == ops[1].out_shape
    assert ops[0].in_shape != ops[1].in_shape


def test_the_transpose_returns_neither_input_nor_answer():
    figure, script = draw("transpose_is_no_inverse"), module("transpose_is_no_inverse")
    C = cm.conv(script.KERNEL, (4, 4))
    dense, y = C.toarray(), C(script.X)
    panel = {ax.get_label(): numbers(ax) for ax in figure.axes if ax.get_label() != "matrix"}
    back, again = panel["C\u1d40 y: not x"], panel["C C\u1d40 y: not y"]
    assert (back == (dense.T @ y.ravel()).reshape(4, 4)).all()
    assert back.shape == script.X.shape
    assert (back != script.X).any()
    assert (again == C(back)).all()
    assert (again != y).all()
    solved = np.linalg.lstsq(dense, y.ravel())[0].reshape(4, 4)
    assert panel["C\u207a y: not x"] == pytest.approx(solved, abs=0.051)
    assert np.abs(solved - script.X).max() > 1
    assert panel["C C\u207a y: y again"] == pytest.approx(y)


def test_neither_product_is_the_identity():
    figure, script = draw("transpose_is_no_inverse"), module("transpose_is_no_inverse")
    dense = cm.conv(script.KERNEL, (4, 4)).toarray()
    identity, gram, projection = panels(figure, "matrix")
    assert (np.nan_to_num(numbers(identity)) == np.eye(16)).all()
    assert (np.nan_to_num(numbers(gram)) == dense.T @ dense).all()
    shown = projection.images[0].get_array()
    assert np.allclose(shown, np.linalg.pinv(dense) @ dense)
    assert [np.linalg.matrix_rank(each) for each in (dense.T @ dense, shown)] == [4, 4]


@pytest.mark.parametrize(("place", "stride", "size"), [(0, 1, 4), (1, 2, 5)])
def test_stretching_and_transposing_give_one_result(place, stride, size):
    figure, script = draw("transposed_stride"), module("transposed_stride")
    op = cm.conv_transpose(script.KERNEL, (2, 2), stride=stride)
    stretched, turned, output, matrix = (
        panels(figure, start)[place] for start in ("x with", "turned", "output", "matrix")
    )
    values, kernel = np.nan_to_num(numbers(stretched)), numbers(turned)
    assert stored(stretched).sum() == script.X.size
    assert (kernel == script.KERNEL[::-1, ::-1]).all()
    y = numbers(output)
    assert y.shape == (size, size)
    assert (y == signal.correlate(values, kernel, "valid")).all()
    assert (y == op(script.X)).all()
    assert (np.nan_to_num(numbers(matrix)) == op.toarray()).all()
    (frame,) = [patch for patch in matrix.patches if patch.get_label() == "traced row"]
    left, right, top, bottom = marked(stretched)
    assert (right - left, bottom - top) == (3, 3)
    assert marked(output) == (left, left + 1, top, top + 1)
    assert round(frame.get_y() + 0.5) == top * size + left


CASES = {(1, 2): True, (1, 3): True, (2, 2): True, (2, 4): True, (2, 3): False, (2, 5): False}


def _case(ax):
    words = ax.get_title().split("\n")[0].replace(",", "").replace("x", " ").split()
    return int(words[1]), int(words[-1])


def test_the_six_cases_in_one_dimension():
    axes = draw("overlap_cases_1d").axes
    assert {_case(ax): "UNEVEN" not in ax.get_title() for ax in axes} == CASES
    for ax in axes:
        stride, size = _case(ax)
        written = [int(text.get_text()) for text in ax.texts if text.get_text().isdigit()]
        inputs = sum(patch.get_label() == "input cell" for patch in ax.patches)
        whole = cm.conv_transpose(np.ones(size, dtype=int), inputs, stride=stride)
        assert written == whole.toarray().sum(axis=1).tolist()
        inside = written[size - 1 : 1 - size]
        assert (len(set(inside)) == 1) is CASES[stride, size]


def test_in_two_dimensions_unevenness_is_squared():
    axes = [ax for ax in draw("overlap_cases_2d").axes if ax.get_title()]
    assert {_case(ax): "UNEVEN" not in ax.get_title() for ax in axes} == CASES
    for ax in axes:
        stride, size = _case(ax)
        counts = numbers(ax)
        inputs = (len(counts) - size) // stride + 1
        line = cm.conv_transpose(np.ones(size, dtype=int), inputs, stride=stride).toarray().sum(axis=1)
        assert (counts == np.outer(line, line)).all()
        most, least = (int(value) for value in (max(line[size - 1 : 1 - size]), min(line[size - 1 : 1 - size])))
        said = f"{most**2} everywhere" if most == least else f"{most**2}:{least**2} = ({most}:{least})\u00b2"
        assert said in ax.get_title()


def test_only_the_transpose_multiplies_no_zeros():
    script = module("transposed_stride")
    for stride, products in ((1, 9 * 16), (2, 9 * 25)):
        op = cm.conv_transpose(script.KERNEL, (2, 2), stride=stride)
        assert op.nnz == 9 * script.X.size < products


def test_unevenness_compounds_and_evenness_stays():
    figure, script = draw("overlap_stacks"), module("overlap_stacks")
    for ax, size in zip(figure.axes, script.SIZES, strict=True):
        whole = script.stack(size, script.LAYERS, script.INPUTS)
        written = [int(text.get_text()) for text in ax.texts if text.get_text().isdigit()]
        counts = whole.toarray().sum(axis=1).tolist()
        assert written[-len(counts) :] == counts
    uneven, even = (cm.overlap(script.stack(size, 3, 3)) for size in script.SIZES)
    assert [(stage.ratio, stage.period) for stage in uneven.stages] == [(2, (2,)), (3, (4,)), (5, (8,))]
    assert [set(stage.phase_counts.tolist()) for stage in even.stages] == [{2}, {4}, {8}]


def test_padding_modes_differ_in_the_first_and_last_rows():
    figure, script = draw("padding_modes"), module("padding_modes")
    matrices = [stored(ax) for ax in figure.axes if ax.images]
    assert len(matrices) == len(script.MODES)
    assert all((matrix[2:-2] == matrices[0][2:-2]).all() for matrix in matrices)


def test_a_flat_matrix_has_the_page_to_itself():
    panel = {ax.get_label(): ax.get_position() for ax in draw("sliding_window").axes}
    assert panel["matrix"].y1 < min(panel[name].y0 for name in ("input", "output", "taps"))
    assert panel["matrix"].width > 0.85
