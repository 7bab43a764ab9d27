"""Where words and panels of a picture stand, what is written where room is short, and unknown arguments."""

from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.plots import style

LETTERS = "a b c; d e f; g h i"


def _axes(figure, label):
    return next(ax for ax in figure.axes if ax.get_label() == label)


def _texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def _extent(artist):
    return artist.get_window_extent().extents


def _apart(one, other):
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@pytest.mark.parametrize(
    "build",
    [
        lambda: cm.conv(np.ones((2, 2, 2, 2)), (3, 3, 3, 3)),
        lambda: cm.conv_transpose(np.ones(600), 1),
        lambda: cm.conv(LETTERS, (6, 6), stride=2, padding=1),
        lambda: cm.conv(LETTERS, (5, 5), padding=1, padding_mode="replicate"),
    ],
    ids=["4-D, names turned", "600 x 1", "9 x 36", "25 x 25, sums numbered"],
)
def test_what_is_written_round_the_panels_is_inside_and_apart(build):
    figure = cm.plot(build())
    figure.canvas.draw()
    matrix = _axes(figure, "matrix")
    around = [*figure.texts, matrix.xaxis.label, matrix.yaxis.label]
    around += [_axes(figure, side).title for side in ("input", "output", "taps")]
    boxes = [_extent(text) for text in around]
    boxes += [_extent(text) for text in matrix.get_xticklabels()]
    assert all(_apart(one, other) for place, one in enumerate(boxes[:7]) for other in boxes[place + 1 :])
    width, height = figure.get_size_inches() * figure.dpi
    assert all(box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height for box in boxes)


def test_a_key_is_beside_the_output_of_a_flat_matrix_and_below_that_of_others():
    for build, beside in (
        (lambda: cm.conv(LETTERS, (6, 6), stride=2, padding=1), True),
        (lambda: cm.conv(LETTERS, (5, 5), padding=1), False),
    ):
        figure = cm.plot(build())
        output, key = (_axes(figure, label).get_position() for label in ("output", "taps"))
        assert bool(key.x0 > output.x1) is beside


def test_sums_are_read_without_their_hatching():
    ax = _axes(cm.plot(cm.conv("a b c d e", 8, padding=2, padding_mode="replicate")), "matrix")
    sums = [text for text in ax.texts if "+" in text.get_text()]
    assert [text.get_text() for text in sums] == ["a+b\n+c", "a+b", "d+e", "c+d\n+e"]
    assert all(text.get_fontsize() >= 7 for text in sums)
    assert {matplotlib.colors.to_hex(text.get_bbox_patch().get_facecolor()) for text in sums} == {style.MERGED}


def test_sums_too_long_for_their_cells_are_numbered_in_the_key():
    figure = cm.plot(cm.conv(LETTERS, (5, 5), padding=1, padding_mode="replicate"))
    written = _texts(_axes(figure, "matrix"))
    notes = dict(line.split(": ") for text in _texts(_axes(figure, "taps"))[10:] for line in text.split("\n"))
    assert set(written) == {*"abcdefghi", *notes}
    assert (notes["1"], notes["16"], len(notes)) == ("a+b+d+e", "e+f+h+i", 16)


def test_no_sums_are_numbered_without_a_key():
    figure = cm.plot(cm.conv(LETTERS, (5, 5), padding=1, padding_mode="replicate"), legend=False)
    assert set(_texts(_axes(figure, "matrix"))) == set("abcdefghi")


@pytest.mark.parametrize("rows", [2, 3, 4])
def test_labels_of_a_flat_colour_bar_are_apart(rows):
    figure, axes = pyplot.subplots(rows, 2, layout="constrained")
    ax = cm.plot(cm.conv(np.arange(81).reshape(9, 9), (9, 9)), ax=axes[0, 0])
    figure.canvas.draw()
    boxes = [_extent(text) for text in ax.child_axes[0].get_yticklabels()]
    assert len(boxes) > 1
    assert all(_apart(one, other) for one, other in pairwise(boxes))


@pytest.mark.parametrize(("name", "value"), [("foo", 3), ("X", None)])
@pytest.mark.parametrize("build", [lambda: cm.conv(LETTERS, (4, 4)), lambda: cm.conv(LETTERS, (40, 40))])
def test_an_unknown_argument_is_refused_and_no_figure_is_left(build, name, value):
    rule = rf"{name} must be an option of the drawing or an argument of Axes.imshow, .* got {value}"
    with pytest.raises(cm.ConvMatrixError, match=rule):
        cm.plot(build(), **{name: value})
    assert not pyplot.get_fignums()


def test_errors_that_are_not_about_arguments_pass():
    with pytest.raises(ValueError, match="no_such_map"):
        cm.plot(cm.conv([1, 2], 4), cmap="no_such_map")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: cm.plot(cm.inspect(cm.conv([1, 2], 4)), foo=3),
        lambda: cm.plot(cm.recognise(cm.conv([1, 2], 4).tosparse(), (1, 4), (1, 3)), foo=3),
    ],
    ids=["Inspection", "Recognition"],
)
def test_an_unknown_argument_of_a_result_is_refused(draw):
    with pytest.raises(cm.ConvMatrixError, match=r"foo must be an option of the drawing .* got 3"):
        draw()


def test_labels_of_neighbours_are_not_read_as_one():
    _, ax = pyplot.subplots()
    cm.plot(cm.conv(np.ones((9, 9)), (9, 9)), ax=ax)
    assert not _texts(ax)
    assert len(ax.child_axes) == 1


def test_the_colour_bar_of_a_thin_matrix_is_wide_enough():
    _, ax = pyplot.subplots(figsize=(2, 3))
    cm.plot(cm.conv(np.ones((9, 9)), (9, 9)).T, ax=ax)
    (bar,) = ax.child_axes
    assert bar.get_position().x0 >= 0
    ax.get_figure().canvas.draw()
    assert bar.get_window_extent().width * 72 / ax.get_figure().dpi >= 6.9
