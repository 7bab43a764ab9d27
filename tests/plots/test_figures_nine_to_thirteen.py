"""The figures of sections 9 to 13: what their artists say, against SciPy, NumPy and sums done by hand."""

import re

import numpy as np
import pytest
from figure_reading import draw, marked, module, numbers, panels, stored
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from scipy import linalg, signal

import convmatrix as cm

pytest.importorskip("figures")

NAMES = {
    "flattened": ("9", 1), "grouped_blocks": ("10", 1), "grouped_parallel": ("10", 2),
    "depthwise_is_grouped": ("10.1", 1), "shuffle": ("11", 2), "pointwise_grouped": ("12", 1),
    "shufflenet_unit": ("12", 2), "catalogue": ("13", 1), "costs_of_all_kinds": ("13", 2),
}  # fmt: skip


def band(taps, size):
    """The matrix of a cross-correlation along a line, without padding."""
    return np.array([np.r_[np.zeros(o), taps, np.zeros(size - len(taps) - o)] for o in range(size - len(taps) + 1)])


def window_pattern(size=4, taps=3):
    """Where the matrix of a square kernel on a square picture stores entries."""
    return np.kron(band(np.ones(taps), size), band(np.ones(taps), size)) > 0


def pieces(lines):
    """The pieces of an outline, one cell long, each by its ends."""
    return {tuple(sorted(tuple(np.round(end + 0.5).astype(int)) for end in path.vertices)) for path in lines}


def outlines(ax):
    """Of every outline its colour and its pieces."""
    return [
        (to_rgb(lines.get_colors()[0][:3]), pieces(lines.get_paths()))
        for lines in ax.collections
        if lines.get_label() == "mark"
    ]


def perimeter(top, bottom, left, right):
    """The pieces round a rectangle of cells."""
    level = {((x, y), (x + 1, y)) for x in range(left, right) for y in (top, bottom)}
    return level | {((x, y), (x, y + 1)) for x in (left, right) for y in range(top, bottom)}


def diagonal_blocks(groups, shape):
    """Of every block on the diagonal the pieces round it."""
    rows, columns = shape[0] // groups, shape[1] // groups
    return [perimeter(g * rows, (g + 1) * rows, g * columns, (g + 1) * columns) for g in range(groups)]


def color_at(ax, row, column):
    image = ax.images[0]
    return to_rgb(image.cmap(image.norm(image.get_array()[row, column])))


def words(ax):
    """What is written in cells, by (row, column)."""
    found = {tuple(np.round(text.get_position()[::-1]).astype(int)): text.get_text() for text in ax.texts}
    return {place: word for place, word in found.items() if word}


def counts(text):
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)]


def sentences(figure):
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("name", NAMES)
def test_every_script_says_where_it_belongs(name):
    script = module(name)
    assert NAMES[name] == (script.SECTION, script.STEP)
    assert script.CAPTION.strip()


# -- 9: flattened -----------------------------------------------------------------------------------------------------


def test_the_filter_is_the_outer_product_of_the_vectors_drawn():
    figure = draw("flattened")
    channels, column, row = (numbers(panels(figure, name)[0]) for name in ("channels", "column", "row"))
    assert (channels.shape, column.shape, row.shape) == ((1, 3), (3, 1), (1, 3))
    slices = [numbers(ax) for ax in panels(figure, "filter")]
    assert (np.array(slices) == channels.reshape(3, 1, 1) * column * row).all()


def test_the_outlined_weight_is_the_product_of_the_outlined_numbers():
    figure = draw("flattened")
    factors = []
    for name in ("channels", "column", "row"):
        (ax,) = panels(figure, name)
        left, _, top, _ = marked(ax)
        factors.append(int(numbers(ax)[top, left]))
    (ax,) = [ax for ax in panels(figure, "filter") if outlines(ax)]
    left, _, top, _ = marked(ax)
    product = int(numbers(ax)[top, left])
    assert np.prod(factors) == product
    assert f"{product} = " + " \u00b7 ".join(map(str, factors)) in sentences(figure)
    whole = panels(figure, "matrix")[0]
    left, _, top, _ = marked(whole)
    assert numbers(whole)[top, left] == product


def test_the_matrix_of_the_filter_is_the_product_of_the_three_matrices():
    figure = draw("flattened")
    whole, across, down, mixed = (np.nan_to_num(numbers(ax)) for ax in panels(figure, "matrix"))
    v_channels, v_column, v_row = (numbers(panels(figure, name)[0]).ravel() for name in ("channels", "column", "row"))
    assert (mixed == np.kron(v_channels, np.eye(16))).all()
    assert (down == np.kron(band(v_column, 4), np.eye(4))).all()
    assert (across == np.kron(np.eye(2), band(v_row, 4))).all()
    assert (whole == across @ down @ mixed).all()
    weight = np.array([numbers(ax) for ax in panels(figure, "filter")])
    x = np.random.default_rng(0).integers(-9, 10, (3, 4, 4))
    assert (whole @ x.ravel() == signal.correlate(x, weight, "valid").ravel()).all()
    boxes = [ax.get_position() for ax in panels(figure, "matrix")[1:]]
    assert boxes[0].x1 < boxes[1].x0 < boxes[1].x1 < boxes[2].x0


def test_matrices_have_the_colours_of_their_vectors():
    figure = draw("flattened")
    matrices = dict(zip(("row", "column", "channels"), panels(figure, "matrix")[1:], strict=True))
    firsts = {
        "channels": [(0, 0), (0, 16), (0, 32)],
        "column": [(0, 0), (0, 4), (0, 8)],
        "row": [(0, 0), (0, 1), (0, 2)],
    }
    seen = set()
    for name, ax in matrices.items():
        (vector,) = panels(figure, name)
        places = [(0, k) if vector.images[0].get_array().shape[0] == 1 else (k, 0) for k in range(3)]
        taken = [color_at(vector, *place) for place in places]
        assert taken == [color_at(ax, *place) for place in firsts[name]]
        seen |= set(taken)
    assert len(seen) == 9


def test_what_flattening_saves():
    figure = draw("flattened")
    whole, *parts = panels(figure, "matrix")
    said = [counts(text) for text in sentences(figure) if text.startswith("the ")]
    assert said == [[3, 3, 3, 9, 27], [sum(stored(ax).sum() for ax in parts), stored(whole).sum()]]


# -- 10: grouped ------------------------------------------------------------------------------------------------------


def test_groups_leave_blocks_on_the_diagonal():
    figure = draw("grouped_blocks")
    for ax, groups in zip(panels(figure, "matrix"), (1, 2, 4, 8), strict=True):
        channels = np.kron(np.eye(groups), np.ones((8 // groups, 8 // groups))) > 0
        assert (stored(ax) == np.kron(channels, window_pattern())).all()
        ((_, drawn),) = outlines(ax)
        assert drawn == set().union(*diagonal_blocks(groups, (32, 128)))


def test_every_doubling_of_groups_halves_weights_and_multiplications():
    figure = draw("grouped_blocks")
    matrices = panels(figure, "matrix")
    said = [text for text in sentences(figure) if "weights" in text]
    heads = [text for text in sentences(figure) if "outputs read" in text]
    for place, groups in enumerate((1, 2, 4, 8)):
        weights, multiplications = counts(said[place])[:2]
        assert (weights, multiplications) == (3 * 3 * 8 * 8 // groups, stored(matrices[place]).sum())
        assert said[place].endswith(f": 1/{groups} of a dense layer") is (groups > 1)
        assert counts(heads[place]) == [groups, 8 // groups]
        whole, left = panels(figure, "bar")[place].patches
        assert (whole.get_width(), left.get_width()) == (1, 1 / groups)
    assert "depthwise" in heads[3]


def _device(figure, number):
    """Inputs, kernels by filter, and outputs of one device, as they are written."""
    box = panels(figure, "device")[number].get_position()
    inside = [ax for ax in figure.axes if ax.images and box.contains(*ax.get_position().min)]
    grouped = {
        name: [numbers(ax) for ax in inside if ax.get_label().startswith(name)] for name in ("inp", "fil", "out")
    }
    return np.array(grouped["inp"]), np.array(grouped["fil"]).reshape(2, 2, 2, 2), np.array(grouped["out"])


def test_each_device_convolves_its_own_channels():
    figure, script = draw("grouped_parallel"), module("grouped_parallel")
    for number in range(2):
        x, weight, y = _device(figure, number)
        own = slice(2 * number, 2 * number + 2)
        assert (x == script.INPUT[own]).all()
        assert (weight == script.WEIGHT[own]).all()
        sums = [sum(signal.correlate(a, w, "valid") for a, w in zip(x, filter_, strict=True)) for filter_ in weight]
        assert (y == np.array(sums)).all()


def test_outputs_of_the_devices_behind_each_other_are_the_layer_s():
    figure = draw("grouped_parallel")
    panel = {ax.get_label(): ax for ax in figure.axes}
    outputs = np.concatenate([_device(figure, number)[2] for number in range(2)])
    assert (numbers(panel["output y"]).ravel() == outputs.ravel()).all()
    matrix = np.nan_to_num(numbers(panel["matrix"]))
    assert (matrix @ numbers(panel["input x, flattened"]).ravel() == outputs.ravel()).all()
    blocks = []
    for number in range(2):
        _, weight, _ = _device(figure, number)
        parts = [
            [sum(np.kron(band(e, 3), band(row, 3)) for e, row in zip(np.eye(2), k, strict=True)) for k in f]
            for f in weight
        ]
        blocks.append(np.block(parts))
    assert (matrix == linalg.block_diag(*blocks)).all()


def test_devices_are_outlined_in_the_matrix_and_what_they_never_read_is_empty():
    figure = draw("grouped_parallel")
    (matrix,), devices = panels(figure, "matrix"), panels(figure, "device")
    frames = [to_rgb(ax.spines["left"].get_edgecolor()) for ax in devices]
    assert outlines(matrix) == list(zip(frames, diagonal_blocks(2, (16, 36)), strict=True))
    texts = [text for text in figure.texts if "never reads" in text.get_text()]
    assert [text.get_text()[:8] for text in texts] == ["device A", "device B"]
    for number, text in enumerate(texts):
        at = text.get_window_extent()
        corners = matrix.transData.inverted().transform([(at.x0, at.y1), (at.x1, at.y0)])
        (left, top), (right, bottom) = np.floor(corners + 0.5).astype(int)
        rows, columns = slice(8 * number, 8 * number + 8), slice(18 - 18 * number, 36 - 18 * number)
        assert rows.start <= top < bottom < rows.stop
        assert columns.start <= left < right < columns.stop
        assert not stored(matrix)[rows, columns].any()


def test_depthwise_grows_by_filters_and_mixes_by_a_1x1_alone():
    figure = draw("depthwise_is_grouped")
    depthwise, grouped, separable = panels(figure, "matrix")
    one = window_pattern()
    assert (stored(depthwise) == np.kron(np.eye(3), one)).all()
    assert (stored(grouped) == np.kron(np.repeat(np.eye(3), 2, axis=0), one)).all()
    assert (stored(separable) == np.kron(np.ones((6, 3)), one)).all()
    for ax, rows in ((depthwise, 12), (grouped, 24)):
        ((_, drawn),) = outlines(ax)
        assert drawn == set().union(*diagonal_blocks(3, (rows, 48)))
    assert not outlines(separable)
    said = [counts(text) for text in sentences(figure) if "weights" in text]
    assert said == [[27, stored(depthwise).sum()], [54, stored(grouped).sum()], [27 + 6 * 3, 27 * 4 + 6 * 3 * 4]]


# -- 11: shuffled -----------------------------------------------------------------------------------------------------

DEALT = np.arange(9).reshape(3, 3).T.ravel()
"""A channel shuffle of nine in three groups: written in rows, read in columns."""


def test_lines_lead_from_each_channel_to_where_the_shuffle_puts_it():
    figure = draw("shuffle")
    (ax,) = panels(figure, "lines")
    squares = {}
    for patch in ax.patches:
        if patch.get_label():
            x, y = np.array(patch.get_xy()) + 0.4
            squares[round(x, 3), round(y, 3)] = (patch.get_label(), to_rgb(patch.get_facecolor()))
    above = [squares[place] for place in sorted(squares) if place[1] == 0]
    below = [squares[place] for place in sorted(squares) if place[1] > 0]
    names = [f"{letter}{number}" for letter in "ABC" for number in range(3)]
    assert [name for name, _ in above] == names
    assert [name for name, _ in below] == [names[channel] for channel in DEALT]
    assert len(ax.lines) == 9
    for line in ax.lines:
        x = np.round(line.get_xdata(), 3)
        start = squares[x[0], 0.0]
        (end,) = [square for place, square in squares.items() if place[0] == x[-1] and place[1] > 0]
        assert start == end
        assert to_rgb(line.get_color()) == start[1]
    assert len({color for _, color in above}) == 3


def test_frames_hold_one_channel_of_every_group():
    (ax,) = panels(draw("shuffle"), "lines")
    frames = [patch for patch in ax.patches if isinstance(patch, Rectangle) and not patch.get_fill()]
    named = [patch for patch in ax.patches if patch.get_label()]
    held = []
    for frame in frames:
        box = frame.get_bbox()
        inside = [p.get_label() for p in named if box.contains(*p.get_bbox().min) and box.contains(*p.get_bbox().max)]
        held.append(sorted(set(inside)))
    assert held == [["A0", "B0", "C0"], ["A1", "B1", "C1"], ["A2", "B2", "C2"]]


def test_the_shuffle_is_a_permutation_matrix():
    (ax,) = panels(draw("shuffle"), "its matrix")
    assert (stored(ax) == np.eye(9)[DEALT]).all()
    assert words(ax) == dict.fromkeys(enumerate(DEALT), "1")
    across, down = ([label.get_text() for label in labels] for labels in (ax.get_xticklabels(), ax.get_yticklabels()))
    assert down == [across[channel] for channel in DEALT]


def test_a_shuffle_lets_all_groups_meet_if_these_have_enough_channels():
    figure = draw("shuffle")
    reach = [ax for ax in figure.axes if ax.get_xlabel() == "inputs"]
    heads = [text for text in sentences(figure) if "every output sees" in text]
    for ax, head, channels, shuffled in zip(reach, heads, (9, 9, 6), (False, True, True), strict=True):
        each = channels // 3
        grouped = linalg.block_diag(*[np.ones((each, each))] * 3)
        order = np.arange(channels).reshape(3, each).T.ravel() if shuffled else np.arange(channels)
        reached = grouped @ np.eye(channels)[order] @ grouped > 0
        assert (stored(ax) == reached).all()
        assert words(ax) == {(int(r), int(c)): "ABC"[c // each] for r, c in np.argwhere(reached)}
        seen = {len({column // each for column in np.flatnonzero(row)}) for row in reached}
        assert {counts(head)[0]} == seen
        for row, column in np.argwhere(reached):
            assert color_at(ax, row, column) == color_at(reach[0], 3 * (column // each), 3 * (column // each))
    assert [counts(head)[0] for head in heads] == [1, 3, 2]


# -- 12: pointwise grouped --------------------------------------------------------------------------------------------


def test_a_grouped_pointwise_matrix_is_a_kronecker_product_of_blocks():
    figure = draw("pointwise_grouped")
    blocks = linalg.block_diag(*np.arange(1, 13).reshape(3, 2, 2))
    (small,) = panels(figure, "W")
    identity, whole = panels(figure, "matrix")
    assert words(small) == {(int(r), int(c)): str(blocks[r, c]) for r, c in np.argwhere(blocks)}
    assert (stored(small) == (blocks != 0)).all()
    assert (np.nan_to_num(numbers(identity)) == np.eye(4)).all()
    assert (np.nan_to_num(numbers(whole)) == np.kron(blocks, np.eye(4))).all()
    seen = set()
    for row, column in np.argwhere(blocks):
        assert color_at(whole, 4 * row, 4 * column) == color_at(small, row, column)
        seen.add((row // 2, color_at(small, row, column)))
    assert len(seen) == len({color for _, color in seen}) == 3


def test_g_groups_leave_the_g_th_part():
    (ax,) = panels(draw("pointwise_grouped"), "bars")
    groups = [int(label.get_text().removeprefix("g = ")) for label in ax.get_yticklabels()]
    assert groups == [1, 2, 3, 6]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([1 / g for g in groups])
    assert [counts(text.get_text()) for text in ax.texts] == [[36 // g, 4 * 36 // g] for g in groups]


def test_bars_of_the_units_are_the_paper_s_formula():
    (ax,) = panels(draw("shufflenet_unit"), "bars")
    rows = [label.get_text() for label in ax.get_yticklabels()]
    assert rows == ["ResNet", "g = 1", "g = 2", "g = 3", "g = 4", "g = 8"]
    c, m = 384, 96
    whole = 2 * c * m + 9 * m * m
    assert len(ax.patches) == 3 * len(rows)
    for place, name in enumerate(rows):
        bars = ax.patches[3 * place : 3 * place + 3]
        groups, middle = (1, 9 * m * m) if name == "ResNet" else (int(name[4:]), 9 * m)
        expected = [100 * part / whole for part in (c * m / groups, middle, c * m / groups)]
        assert [bar.get_width() for bar in bars] == pytest.approx(expected)
        assert [bar.get_x() for bar in bars] == pytest.approx([0, expected[0], expected[0] + expected[1]])
        assert [bar.get_y() + bar.get_height() / 2 for bar in bars] == pytest.approx([place] * 3)
        assert len({bar.get_hatch() for bar in bars}) == 3
        written = [text.get_text() for text in ax.texts if round(text.get_position()[1]) == place]
        assert written[-1] == f"{sum(expected):.1f} %"
        assert set(written[:-1]) <= {f"{share:.1f} %" for share in expected}


def test_layers_of_both_units_and_what_they_cost():
    figure = draw("shufflenet_unit")
    (ax,) = panels(figure, "boxes")
    texts = [text.get_text() for text in ax.texts]
    pixels, c, m, g = 28 * 28, 384, 96, 3
    parts = {"ResNet": (c * m, 9 * m * m, c * m), "ShuffleNet": (c * m // g, 9 * m, c * m // g)}
    heads = [text for text in texts if "multiplications" in text]
    for (name, layers), head in zip(parts.items(), heads, strict=True):
        assert head.startswith(name)
        assert f"{pixels * sum(layers) / 1e6:.1f} million" in head
    written = [text for text in texts if text.endswith("million") or text == "none"]
    million = [f"{pixels * layer / 1e6:.1f} million" for layers in parts.values() for layer in layers]
    assert written == [*million[:4], "none", *million[4:]]
    arrows = [text.split("\n")[1] for text in texts if "\u2192" in text]
    steps = [(c, m), (m, m), (m, c), (c, m), (m, m), (m, m), (m, c)]
    assert arrows == [f"{a} \u2192 {b} channels" for a, b in steps]


def test_layers_have_the_look_of_their_bars():
    figure = draw("shufflenet_unit")
    (boxes,), (bars,) = panels(figure, "boxes"), panels(figure, "bars")
    looks = [(to_rgb(patch.get_facecolor()), patch.get_hatch()) for patch in bars.patches[:3]]
    drawn = [(to_rgb(patch.get_facecolor()), patch.get_hatch()) for patch in boxes.patches]
    assert drawn[:3] == looks
    assert [drawn[place] for place in (3, 5, 6)] == looks
    assert drawn[4] not in looks


# -- 13: all kinds ----------------------------------------------------------------------------------------------------


def test_the_catalogue_shows_where_every_kind_stores_entries():
    figure = draw("catalogue")
    assert [ax.get_label() for ax in figure.axes] == list(cm.KINDS)
    for ax, kind in zip(figure.axes, cm.KINDS.values(), strict=True):
        image = np.asarray(ax.images[0].get_array())
        rows, columns = image.shape[:2]
        promised = kind.expected().toarray()
        shown = (image != 1).any(axis=2)
        assert shown[promised[:rows, :columns] != 0].all()
        if promised.shape == (rows, columns):
            assert shown.sum() == kind.example().nnz
        assert ax.get_xlabel().startswith(f"{promised.shape[0]} x {promised.shape[1]}")


COSTS = {
    "fully_connected": (25088**2, 25088**2),
    "multichannel": (9 * 32 * 32 * 784, 9 * 32 * 32),
    "sub_pixel": (9 * 32 * 128 * 196, 9 * 32 * 128),
    "spatially_separable": (6 * 32 * 32 * 784, 6 * 32 * 32),
    "shuffled_grouped": (2 * 9 * 32 * 8 * 784, 2 * 9 * 32 * 8),
    "conv1d": (3 * 32 * 32 * 784, 3 * 32 * 32),
    "strided": (9 * 32 * 32 * 196, 9 * 32 * 32),
    "grouped": (9 * 32 * 8 * 784, 9 * 32 * 8),
    "depthwise_separable": ((9 * 32 + 32 * 32) * 784, 9 * 32 + 32 * 32),
    "flattened": ((32 * 32 + 6 * 32) * 784, 32 * 32 + 6 * 32),
    "pointwise": (32 * 32 * 784, 32 * 32),
    "conv3d": (27 * 32 * 784, 27),
    "depthwise": (9 * 32 * 784, 9 * 32),
    "pointwise_grouped": (32 * 8 * 784, 32 * 8),
    "shufflenet_unit": ((2 * 32 * 8 // 4 + 9 * 8) * 784, 2 * 32 * 8 // 4 + 9 * 8),
}
COSTS |= dict.fromkeys(
    ("cross_correlation", "convolution", "conv2d", "padded", "circulant", "dilated", "resize_conv"),
    COSTS["multichannel"],
)
COSTS["transposed"] = COSTS["strided"]


@pytest.mark.parametrize("quantity", ["multiplications", "parameters"])
def test_dots_stand_at_the_costs(quantity):
    figure = draw("costs_of_all_kinds")
    (ax,) = panels(figure, quantity)
    dots = {line.get_label(): line for line in ax.lines if line.get_marker() == "o"}
    assert set(dots) == set(COSTS) <= set(cm.KINDS)
    assert ax.get_xscale() == "log"
    place = 0 if quantity == "multiplications" else 1
    for name, line in dots.items():
        assert line.get_xdata()[0] == COSTS[name][place]
    (baseline,) = [line for line in ax.lines if line.get_label() == "baseline"]
    assert baseline.get_xdata()[0] == COSTS["multichannel"][place]
    written = {round(text.xy[1]): text.get_text() for text in ax.texts}
    for line in dots.values():
        value = int(line.get_xdata()[0])
        assert written[int(line.get_ydata()[0])].split(" ")[0] == f"{value:,}"


def test_kinds_stand_in_the_order_of_their_costs_beside_their_names():
    figure = draw("costs_of_all_kinds")
    left, right = panels(figure, "multiplications")[0], panels(figure, "parameters")[0]
    names = [label.get_text().split(" (")[0] for label in left.get_yticklabels()]
    order = [COSTS[name][0] for name in names]
    assert order == sorted(order, reverse=True)
    for ax in (left, right):
        at = {line.get_label(): int(line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o"}
        assert [at[name] for name in names] == list(range(len(names)))
    shares = {round(text.xy[1]): text.get_text() for text in left.texts if "%" in text.get_text()}
    for place, name in enumerate(names):
        share = 100 * COSTS[name][0] / COSTS["multichannel"][0]
        assert (place in shares) == (share < 100)
        if place in shares:
            assert shares[place].endswith(f"({share:.2g} %)")


def test_rings_are_kinds_between_pictures_of_two_sizes():
    figure, script = draw("costs_of_all_kinds"), module("costs_of_all_kinds")
    rings = {"strided", "transposed", "resize_conv", "sub_pixel"}
    for ax in figure.axes:
        dots = [line for line in ax.lines if line.get_marker() == "o"]
        assert {line.get_label() for line in dots if to_rgb(line.get_markerfacecolor()) == (1, 1, 1)} == rings
    layers = script.layers()
    assert all({layers[name].shape[0], layers[name].shape[1]} == {32 * 784, 32 * 196} for name in rings)
    assert all(layers[name].shape == (32 * 784, 32 * 784) for name in set(layers) - rings)


def test_the_layer_is_of_its_kind():
    """As many layers of the same sorts as the worked example has."""
    layers = module("costs_of_all_kinds").layers()
    for name in set(layers) - {"fully_connected", "spatially_separable"}:
        kinds_own = cm.KINDS[name].example()
        assert type(layers[name]).__name__ == type(kinds_own).__name__
        stages = [[stage.multiplications > 0 for stage in cm.cost(op).stages] for op in (layers[name], kinds_own)]
        assert stages[0] == stages[1]
