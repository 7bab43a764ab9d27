"""The picture of what `solve_size` found, by what it says: bars, the numbers at their ends, the reason for none."""

from __future__ import annotations

import figure_audit
import pytest
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.plots.sizes import draw_sizes

DOWN = cm.solve_size(5, 3, kernel_size=3, stride=2)
UP = cm.solve_size(7, 14, kernel_size=3, stride=2, transpose=True)
MANY = cm.solve_size(10**9, 11, kernel_size=3, stride=10**8)


def _spans(container):
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in container]


def _names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def test_padding_stands_on_both_sides_and_the_best_at_the_top():
    figure = cm.plot(DOWN)
    (ax,) = figure.axes
    (bars,) = ax.containers
    assert _spans(bars) == [(-1, 1), (-1, 2)]
    assert _names(ax) == ["stride 2, padding 1", "stride 2, padding 1+2"]
    assert _texts(ax) == ["1", "1", "1", "2"]
    assert figure.texts[0].get_text() == "5 -> 3: stride 2, padding 1"
    low, high = ax.get_ylim()
    assert low > high


def test_output_padding_is_hatched_behind():
    (ax,) = cm.plot(UP).axes
    cropped, added = ax.containers
    assert _spans(cropped) == [(-1, 1), (0, 1)]
    assert _spans(added) == [(1, 2)]
    assert added[0].get_hatch()
    assert _texts(ax) == ["1", "1 + 1", "0", "1"]
    assert "hatched" in ax.get_xlabel()


def test_of_many_solutions_the_first_are_drawn_and_the_rest_counted():
    (ax,) = cm.plot(MANY).axes
    assert len(ax.containers[0]) == 12
    assert ax.get_xlabel() == "padding before | behind; 88 more solutions"


def test_axes_that_are_answered_differently_have_a_panel_each():
    figure = cm.plot(cm.solve_size((5, 5, 9), (3, 3, 5), kernel_size=3, stride=2))
    assert [ax.get_label() for ax in figure.axes] == ["axis 0"]
    figure = cm.plot(cm.solve_size((224, 28), (7, 14), kernel_size=7, stride=(40, 2)))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["axis 0", "axis 1"]


def test_without_a_solution_the_reason_is_written():
    figure = cm.plot(cm.solve_size(5, 1, kernel_size=2))
    assert not figure.axes[0].containers
    (said,) = _texts(figure.axes[0])
    assert " ".join(said.split()) == "no solution: without padding it is 4 already, and padding makes it larger"


def test_one_axis_goes_into_given_axes_with_arguments_passed_on():
    found = cm.solve_size((5, 28), (3, 14), kernel_size=(3, 7), stride=2)
    _, ax = pyplot.subplots()
    assert cm.plot(found, ax=ax, axis=1, alpha=0.5) is ax
    assert _names(ax) == ["stride 2, padding 3", "stride 2, padding 2+3"]
    assert ax.containers[0][0].get_alpha() == 0.5
    assert ax.get_title().startswith("5x28 -> 3x14")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axis": 1}, "axis must be below 1, got 1"),
        ({"axis": -1}, "axis must be at least 0, got -1"),
        ({"colour": "red"}, "colour must be an option of the drawing or an argument of Axes.barh"),
    ],
    ids=str,
)
def test_what_is_refused(options, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        draw_sizes(DOWN, **options)


AUDITED = {
    "convolution": DOWN,
    "transposed": UP,
    "many": MANY,
    "open strides": cm.solve_size(224, 7, kernel_size=32, stride=None),
    "none": cm.solve_size((5, 5), (3, 1), kernel_size=3, stride=2),
    "nothing to pad": cm.solve_size((5, 5), (5, 5), kernel_size=1),
}


@pytest.mark.parametrize("found", AUDITED.values(), ids=AUDITED)
def test_texts_are_large_enough_and_apart(found):
    assert not figure_audit.problems(cm.plot(found))
