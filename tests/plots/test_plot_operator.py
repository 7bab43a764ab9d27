"""Pictures of operators, by their artists: which cell has which colour, what is written, what is traced."""

from fractions import Fraction

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.plots import style

LETTERS = "a b c; d e f; g h i"
SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]


def _weight(*shape):
    return np.arange(np.prod(shape)).reshape(shape) - 4


OPERATORS = {
    "the article's 4 x 16": lambda: cm.conv(LETTERS, (4, 4)),
    "its transpose": lambda: cm.conv(LETTERS, (4, 4)).T,
    "padded": lambda: cm.conv(SOBEL, (8, 8), padding=1),
    "channels": lambda: cm.conv(_weight(3, 2, 3, 3), (6, 6), padding=1),
    "strided": lambda: cm.conv(SOBEL, (8, 8), stride=2, padding=1),
    "dilated": lambda: cm.conv(SOBEL, (8, 8), dilation=2),
    "circular": lambda: cm.conv(SOBEL, (5, 5), padding=1, padding_mode="circular"),
    "reflect": lambda: cm.conv(LETTERS, (4, 4), padding=1, padding_mode="reflect"),
    "grouped": lambda: cm.conv(_weight(4, 2, 3, 3), (4, 4), groups=2),
    "1-D": lambda: cm.conv([1, 2, 1], 9),
    "1-D, long": lambda: cm.conv([1, 2, 1], 400),
    "1-D, channels": lambda: cm.conv(_weight(2, 3, 3), 9),
    "3-D": lambda: cm.conv(_weight(2, 2, 2), (3, 3, 3)),
    "3-D, channels": lambda: cm.conv(_weight(2, 2, 2, 2, 2), (3, 3, 3)),
    "4-D": lambda: cm.conv(_weight(2, 1, 2, 1), (2, 2, 2, 2)),
    "fully connected": lambda: cm.conv(_weight(3, 5), ()),
    "fully connected, wide": lambda: cm.conv(_weight(3, 400), ()),
    "fully connected, symbols": lambda: cm.conv(cm.kernel("a b; c d"), ()),
    "pointwise": lambda: cm.conv(_weight(3, 2, 1, 1), (3, 3)),
    "transposed, stride 2": lambda: cm.conv_transpose(LETTERS, (3, 3), stride=2),
    "fractions": lambda: cm.conv([Fraction(1, 3), Fraction(2, 3)], 4),
    "complex": lambda: cm.conv([1 + 1j, 2], 4),
    "nan": lambda: cm.conv([np.nan, 2.0], 4),
    "zero": lambda: cm.conv([0.0, 0.0], 4),
    "one entry": lambda: cm.conv([3], 1),
    "only padding": lambda: cm.conv([1, 2], 1, stride=3, padding=2),
    "many taps": lambda: cm.conv(_weight(5, 5), (9, 9)),
    "average pooling": lambda: cm.avg_pool((2, 4, 4), 2),
    "resize": lambda: cm.resize((1, 3, 3), 2, "linear"),
    "channel shuffle": lambda: cm.channel_shuffle((6, 2), 2),
    "pixel shuffle": lambda: cm.pixel_shuffle((4, 2, 2), 2),
    "multiple": lambda: 3 * cm.conv([1, 2], 4),
    "multiple, transposed": lambda: (-cm.conv("a b", 4)).T,
    "product": lambda: cm.conv(_weight(2, 2, 3, 3), (4, 4)) @ cm.channel_shuffle((2, 4, 4), 2),
    "product of symbols": lambda: cm.conv("a b", 4) @ cm.conv("c d", 5),
    "product of fractions": lambda: cm.conv([Fraction(1, 3), 1], 4) @ cm.conv([1, Fraction(1, 2)], 5),
    "sum": lambda: cm.conv([1, 2, 1], 5, padding=1) + cm.identity((1, 5)),
}
LARGE = {
    "one channel, 447 x 447": lambda: cm.conv(SOBEL, (447, 447), padding=1),
    "64 channels, 56 x 56": lambda: cm.conv(np.ones((64, 64, 3, 3)), (56, 56), padding=1),
    "transposed": lambda: cm.conv_transpose(np.ones((4, 2, 3, 3)), (40, 40), stride=2),
    "symbols": lambda: cm.conv(LETTERS, (40, 40)),
    "product": lambda: cm.conv(SOBEL, (30, 30), padding=1) @ cm.conv(SOBEL, (30, 30), padding=1),
    "permutation": lambda: cm.pixel_shuffle((16, 20, 20), 2),
    "fully connected": lambda: cm.conv(np.ones((10, 784)), ()),
}


def _cases(table):
    return [pytest.param(build, id=name) for name, build in table.items()]


def _axes(figure, label):
    return next(ax for ax in figure.axes if ax.get_label() == label)


def _texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


@pytest.mark.parametrize("build", [*_cases(OPERATORS), *_cases(LARGE)])
def test_every_operator_is_drawn_and_written_without_a_warning(build, tmp_path):
    figure = cm.plot(build())
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "picture.png", dpi=50)


@pytest.mark.parametrize("build", _cases(OPERATORS))
def test_the_image_stores_exactly_the_pattern(build):
    op = build()
    data = _axes(cm.plot(op), "matrix").images[0].get_array()
    stored = op._structure().toarray() > 0
    assert data.shape == op.shape
    entries = ~np.ma.getmaskarray(data)
    # NaN entries are stored and have no colour by value.
    assert np.array_equal(entries, stored)


def test_cells_are_coloured_by_tap():
    data = _axes(cm.plot(cm.conv(LETTERS, (4, 4))), "matrix").images[0].get_array().filled(-1)
    first = [0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, -1, -1, -1, -1]
    assert data.tolist() == [np.roll(first, shift).tolist() for shift in (0, 1, 4, 5)]


def test_the_colour_of_a_tap_is_the_same_in_every_channel():
    weight = _weight(3, 2, 3, 3)
    data = _axes(cm.plot(cm.conv(weight, (4, 4), padding=1)), "matrix").images[0].get_array().filled(-1)
    blocks = data.reshape(3, 16, 2, 16)
    assert all(np.array_equal(blocks[0, :, 0], blocks[o, :, i]) for o in range(3) for i in range(2))


def test_a_transpose_has_the_transposed_colours():
    op = cm.conv(LETTERS, (4, 4), padding=1, padding_mode="reflect")
    images = [_axes(cm.plot(each), "matrix").images[0].get_array().filled(-1) for each in (op, op.T)]
    assert np.array_equal(images[0].T, images[1])


def test_each_cell_carries_its_symbol():
    ax = _axes(cm.plot(cm.conv(LETTERS, (4, 4))), "matrix")
    labels = [text for text in ax.texts if text.get_text()]
    written = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in labels}
    matrix = cm.conv(LETTERS, (4, 4)).tosympy().todok()
    assert written == {place: str(value) for place, value in matrix.items()}


def test_taps_that_meet_are_hatched_and_named_by_their_sum():
    figure = cm.plot(cm.conv("a b c", 4, padding=1, padding_mode="reflect"))
    ax = _axes(figure, "matrix")
    assert ax.images[0].get_array().filled(-1).tolist() == [
        [1, 3, -1, -1],
        [0, 1, 2, -1],
        [-1, 0, 1, 2],
        [-1, -1, 3, 1],
    ]
    assert _texts(ax).count("a+c") == 2
    hatched = [part for part in ax.collections if part.get_label() == "taps that meet"]
    assert [part.get_hatch() for part in hatched] == ["////"]
    assert any("taps that meet" in text for text in _texts(_axes(figure, "taps")))


def test_products_are_coloured_by_value_about_zero():
    image = _axes(cm.plot(cm.conv([1, -3], 4) @ cm.conv([1, 1], 5)), "matrix").images[0]
    assert image.get_array().filled(0).tolist() == [[1, -2, -3, 0, 0], [0, 1, -2, -3, 0], [0, 0, 1, -2, -3]]
    assert (image.norm.vmin, image.norm.vmax) == (-3, 3)


def test_color_value_of_a_layer():
    figure = cm.plot(cm.conv([1.5, -2], 3), color="value")
    assert _axes(figure, "matrix").images[0].get_array().filled(0).tolist() == [[1.5, -2, 0], [0, 1.5, -2]]
    assert _axes(figure, "taps").get_xlabel() == "value of the entry"


def test_axes_and_blocks_are_named_in_tensor_terms():
    ax = _axes(cm.plot(cm.conv(_weight(1, 2, 3, 3), (5, 5))), "matrix")
    assert ax.get_xlabel().replace("\n", " ") == "input position, flattened (c, y, x)"
    assert ax.get_ylabel().replace("\n", " ") == "output position, flattened (c, y, x)"
    assert [text.get_text() for text in ax.get_xticklabels()] == [f"c{c}, y{y}" for c in range(2) for y in range(5)]
    assert ax.get_xticks().tolist() == [2.0 + 5 * line for line in range(10)]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["y0", "y1", "y2"]


@pytest.mark.parametrize(
    ("build", "title"),
    [
        (lambda: cm.conv(SOBEL, (8, 8), stride=2, padding=1),
         "3x3 convolution, stride 2, padding 1: 16 x 64 matrix, 121 entries stored"),
        (lambda: cm.conv_transpose(SOBEL, (3, 3)), "3x3 transposed convolution: 25 x 9 matrix, 81 entries stored"),
        (lambda: cm.conv([1, 2], 40), "2-tap convolution: 39 x 40 matrix, 78 entries stored"),
        (lambda: cm.conv(np.ones((20, 30)), ()), "Fully connected layer: 20 x 30 matrix, 600 entries stored"),
        (lambda: cm.avg_pool((1, 16), 4), "4-tap average pooling, stride 4: 4 x 16 matrix, 16 entries stored"),
        (
            lambda: cm.avg_pool((1, 16), 4).T,
            "Transpose of 4-tap average pooling, stride 4: 16 x 4 matrix, 16 entries stored",
        ),
        (lambda: cm.resize((1, 16), 2), "Nearest resize by 2: 32 x 16 matrix, 32 entries stored"),
        (lambda: 2 * cm.identity((1, 20)), "2 * (identity): 20 x 20 matrix, 20 entries stored"),
        (lambda: cm.conv([1, 2], 40) @ cm.identity((1, 40)),
         "2-tap convolution @ identity: 39 x 40 matrix, 78 entries stored"),
        (lambda: cm.identity((1, 20)) + 2 * cm.identity((1, 20)),
         "Identity + (2 * (identity)): 20 x 20 matrix, 20 entries stored"),
    ],
)  # fmt: skip
def test_title(build, title):
    figure = cm.plot(build())
    assert " ".join(figure.texts[0].get_text().split()) == title


@pytest.mark.parametrize(
    ("trace", "row"), [(0, 0), (3, 3), ((0, 1, 0), 2), ([0, 0, 1], 1), (np.int64(2), 2), ((np.int32(0), 1, 1), 3)]
)
def test_the_traced_row_is_framed_and_its_window_marked(trace, row):
    op = cm.conv(LETTERS, (4, 4))
    figure = cm.plot(op, trace=trace)
    (frame,) = _axes(figure, "matrix").patches
    assert frame.get_label() == "traced row"
    assert frame.get_y() < row < frame.get_y() + frame.get_height()
    window = _axes(figure, "input").images[0].get_array().reshape(-1).filled(-1)
    assert np.flatnonzero(window > 0).tolist() == op._structure()[[row]].indices.tolist()
    assert _texts(_axes(figure, "input")) == list("abcdefghi")
    assert np.flatnonzero(_axes(figure, "output").images[0].get_array().reshape(-1) > 0).tolist() == [row]
    assert figure.texts[-1].get_text().startswith(f"Framed: row {row}, output y at (c0, y{row // 2}, x{row % 2})")


def test_the_window_has_the_colours_of_its_row():
    figure = cm.plot(cm.conv(LETTERS, (5, 5)))
    colors = _axes(figure, "input").images[0].cmap.colors[1:]
    assert [matplotlib.colors.to_hex(color) for color in colors] == style.tap_colors(9)


def test_by_default_a_full_row_in_the_middle_is_traced():
    figure = cm.plot(cm.conv(SOBEL, (7, 7), padding=1))
    assert "(c0, y3, x3), reads the 9 inputs" in figure.texts[-1].get_text()


def test_without_trace_nothing_is_framed():
    figure = cm.plot(cm.conv(LETTERS, (4, 4)), trace=False)
    assert not _axes(figure, "matrix").patches
    assert len(figure.texts) == 1
    assert _axes(figure, "input").images[0].get_array().max() == 0


def test_channels_and_slices_are_tiles_of_their_own():
    figure = cm.plot(cm.conv(_weight(1, 2, 2, 2, 2), (3, 2, 2)), trace=False)
    data = _axes(figure, "input").images[0].get_array()
    # Two channels of three slices of 2 x 2, one cell apart.
    assert data.shape == (5, 8)
    assert data.count() == 24
    assert {"c0", "c1", "z0", "z1", "z2"} <= set(_texts(_axes(figure, "input")))


def test_a_long_line_is_cut_to_the_surroundings_of_the_window():
    ax = _axes(cm.plot(cm.conv([1, 2, 1], 400), trace=300), "input")
    low, high = ax.get_xlim()
    assert low < 300 < 302 < high
    assert high - low == 16
    assert "a part of it" in ax.get_title()


def test_the_key_shows_the_kernel():
    figure = cm.plot(cm.conv(SOBEL, (9, 9)))
    key = _axes(figure, "taps")
    assert key.get_title() == "kernel"
    assert _texts(key) == ["-1", "0", "1", "-2", "0", "2", "-1", "0", "1"]


def test_the_key_names_taps_where_channels_differ():
    key = _axes(cm.plot(cm.conv(_weight(2, 1, 2, 2), (5, 5))), "taps")
    assert key.get_title() == "tap (row, column)"
    assert _texts(key) == ["0,0", "0,1", "1,0", "1,1"]


def test_no_key_without_a_legend():
    assert [ax.get_label() for ax in cm.plot(cm.conv(SOBEL, (5, 5)), legend=False).axes] == [
        "input",
        "matrix",
        "output",
    ]


def test_many_taps_take_a_sequential_map():
    colors = style.tap_colors(25)
    assert len({tuple(color) for color in colors}) == 25
    lightness = [0.299 * red + 0.587 * green + 0.114 * blue for red, green, blue, _ in colors]
    assert lightness == sorted(lightness)


def test_only_the_matrix_is_drawn_into_given_axes():
    figure, (left, right) = pyplot.subplots(1, 2)
    assert cm.plot(cm.conv(SOBEL, (12, 12)), ax=left) is left
    assert isinstance(left, Axes)
    assert figure.axes[:2] == [left, right]
    assert not right.has_data()
    assert not left.patches
    assert "3x3 convolution" in left.get_title()


def test_given_axes_have_a_colour_bar_where_labels_do_not_fit():
    _, (roomy, narrow) = pyplot.subplots(1, 2)
    cm.plot(cm.conv("a b", 4), ax=roomy)
    cm.plot(cm.conv(np.ones((5, 5)), (20, 20)), ax=narrow, trace=(0, 8, 8))
    assert not roomy.child_axes
    assert [bar.get_ylabel() for bar in narrow.child_axes] == ["tap (row, column)"]
    assert narrow.child_axes[0].get_yticklabels()[0].get_text() == "(0, 0)"
    assert [frame.get_label() for frame in narrow.patches] == ["traced row"]


@pytest.mark.parametrize("build", [_cases(OPERATORS)[0], _cases(LARGE)[3]])
def test_further_arguments_reach_the_image(build):
    op = build()
    image = _axes(cm.plot(op, alpha=0.25, zorder=0.5), "matrix").images[0]
    assert (image.get_alpha(), image.get_zorder()) == (0.25, 0.5)


def test_a_norm_and_map_of_the_user_are_taken():
    norm = matplotlib.colors.Normalize(-7, 7)
    image = _axes(cm.plot(cm.conv([1, -2], 4), color="value", norm=norm, cmap="PuOr"), "matrix").images[0]
    assert image.norm is norm
    assert image.cmap.name == "PuOr"


@pytest.mark.parametrize("trace", [4, -1, (0, 2, 0), (0, 0), (0, 0, -1), 1.5, "middle", True, (0, 0.5, 0)], ids=repr)
def test_a_trace_outside_the_output_is_refused(trace):
    with pytest.raises(
        cm.ConvMatrixError, match=r"trace must be a row below 4 or an index into the output \(1, 2, 2\)"
    ):
        cm.plot(cm.conv(LETTERS, (4, 4)), trace=trace)


@pytest.mark.parametrize(
    ("build", "color", "message"),
    [
        (lambda: cm.conv([1, 2], 4), "weight", "color must be one of 'tap', 'value', got 'weight'"),
        (lambda: cm.conv("a b", 4), "value", "color must be 'tap' for symbolic entries, got 'value'"),
        (lambda: cm.conv([1, 2], 4) @ cm.conv([1, 3], 5), "tap",
         "color must be 'value' for a matrix that is not one layer's, whose taps are not known, got 'tap'"),
    ],
)  # fmt: skip
def test_a_colouring_the_operator_does_not_have_is_refused(build, color, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.plot(build(), color=color)


@pytest.mark.parametrize("thing", [3, "sobel_x", np.eye(3), None], ids=lambda thing: type(thing).__name__)
def test_what_cannot_be_drawn_is_refused_with_a_list_of_what_can(thing):
    kinds = "TensorOperator, Inspection, Recognition"
    message = rf"x must be something that can be drawn \({kinds}.*\), got {type(thing).__name__}"
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.plot(thing)


def test_entries_beyond_a_float_are_refused() -> None:
    with pytest.raises(cm.ConvMatrixError, match="entries must fit a float64 to be drawn"):
        cm.plot(cm.conv([10**400, 1], 5) @ cm.conv([1, 1], 6))


@pytest.mark.parametrize("aspect", ["auto", 2.0])
def test_the_shape_of_cells_is_the_user_s(aspect):
    figure, ax = pyplot.subplots(figsize=(6, 2))
    cm.plot(cm.conv("1 2 3", 12), ax=ax, aspect=aspect)
    figure.canvas.draw()
    assert ax.get_aspect() == aspect
    assert any(text.get_text() for text in ax.texts) == (aspect == "auto")
    assert cm.plot(cm.conv("1 2 3", 12), aspect=aspect).axes[1].get_aspect() == aspect
