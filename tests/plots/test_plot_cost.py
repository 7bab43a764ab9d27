"""Pictures of costs, by what they say: lengths of bars, counts at their ends, curves and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.analysis.cost import blank_conv, compare_costs, cost, cost_formula
from convmatrix.analysis.cost.table import DRAFTS
from convmatrix.plots.cost import draw_cost, draw_cost_formula, draw_costs

PADDED = blank_conv((3, 8, 8), 4, 3, padding=1)
DENSE = blank_conv((3, 7, 7), 128, 3)
SPLIT = blank_conv((3, 5, 5), 128, 1) @ blank_conv((3, 7, 7), 3, 3, groups=3)


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def _names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def _widths(container):
    return [bar.get_width() for bar in container]


def test_layers_with_both_counts():
    shuffled = cm.channel_shuffle((4, 8, 8), 2) @ PADDED
    figure = cm.plot(cost(blank_conv((4, 8, 8), 2, 1) @ shuffled))
    (ax,) = figure.axes
    usual, true = ax.containers
    assert _widths(usual) == [6912, 512]
    assert _widths(true) == [12 * 22 * 22, 512]
    assert _texts(ax) == ["6,912 (5,808 true)", "512"]
    assert _names(ax) == ["3x3, padding 1\n4x8x8", "1x1\n2x8x8"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["usual", "true"]
    assert figure.texts[0].get_text() == "7,424 multiplications, 6,320 true"
    low, high = ax.get_ylim()
    assert low > high


def test_many_layers_are_cut_and_said_so():
    figure = cm.plot(cost([PADDED] * 40))
    assert len(_names(figure.axes[0])) == 30
    assert "the first 30 of 40 layers" in figure.texts[0].get_text().replace("\n", " ")


def test_a_layer_without_products():
    ax = cm.plot(cost(cm.identity((2, 4)))).axes[0]
    assert _texts(ax) == ["0"]


def test_rows_and_their_shares():
    figure = cm.plot(compare_costs({"dense": DENSE, "separable": SPLIT}))
    (ax,) = figure.axes
    (bars,) = ax.containers
    assert _widths(bars) == [86_400, 10_275]
    assert [bool(bar.get_hatch()) for bar in bars] == [True, False]
    assert _texts(ax) == ["86,400", "10,275  = 137/1152 (11.9 %)"]
    assert _names(ax) == ["dense", "separable"]
    assert ax.get_xscale() == "linear"
    (line,) = ax.lines
    assert line.get_xdata()[0] == 86_400
    assert figure.texts[0].get_text() == "Multiplications, and their share of \u201cdense\u201d"


def test_other_quantities():
    figure = draw_costs(compare_costs({"dense": DENSE, "separable": SPLIT}), quantity="parameters")
    assert _widths(figure.axes[0].containers[0]) == [3456, 411]
    assert figure.axes[0].get_xlabel() == "parameters"


def test_large_differences_are_logarithmic_and_said_so():
    ax = cm.plot(
        compare_costs({"dense": DENSE, "one": blank_conv((3, 7, 7), 1, 1), "none": cm.identity((3, 7, 7))})
    ).axes[0]
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "multiplications, logarithmic"
    assert _texts(ax)[2] == "0  = 0 (0 %)"


def test_a_baseline_without_products():
    ax = cm.plot(compare_costs({"none": cm.identity((3, 7, 7)), "dense": DENSE})).axes[0]
    assert _texts(ax) == ["0", "86,400"]
    assert not ax.lines


def test_counts_beyond_floats_are_drawn():
    (ax,) = cm.plot(cost([blank_conv((2**11, 2**16, 2**16), 2**11, 2**15, padding=2**14)])).axes
    assert "e+25" in _texts(ax)[0]


def test_curves_go_to_their_limits():
    ax = cm.plot(cost_formula("spatially_separable")).axes[0]
    curves = [line for line in ax.lines if line.get_label() != "limit"]
    limits = [line.get_ydata()[0] for line in ax.lines if line.get_label() == "limit"]
    assert [curve.get_label() for curve in curves] == ["m = 3", "m = 5", "m = 7"]
    np.testing.assert_allclose(limits, [2 / 3, 2 / 5, 2 / 7])
    for curve, m, limit in zip(curves, (3, 5, 7), limits, strict=True):
        at, ratios = curve.get_data()
        np.testing.assert_allclose(ratios, (2 * at - m + 1) / (m * (at - m + 1)))
        assert (at[0], at[-1]) == (m, 100)
        assert 0 < ratios[-1] - limit < 0.03
    assert len({curve.get_marker() for curve in curves}) == 3
    assert _texts(ax) == ["\u25cf m = 3: limit 2/3", "\u25a0 m = 5: limit 2/5", "\u25c6 m = 7: limit 2/7"]
    assert ax.get_xlabel() == "N: the input is N x N"


def test_against_the_kernel():
    figure = draw_cost_formula(cost_formula("spatially_separable"), across="m", sizes={"N": 50})
    (curve,) = figure.axes[0].lines
    at, ratios = curve.get_data()
    np.testing.assert_allclose(ratios, (101 - at) / (at * (51 - at)))
    assert "at N = 50" in figure.texts[0].get_text()


def test_curves_that_are_asked_for():
    figure = draw_cost_formula(cost_formula("depthwise_separable"), sizes={"h": [3, 9]})
    ax = figure.axes[0]
    assert [line.get_label() for line in ax.lines] == ["h = 3", "limit", "h = 9", "limit"]
    assert ax.get_xscale() == "log"


@pytest.mark.parametrize("kind", DRAFTS)
def test_every_formula_is_drawn_without_overlaps(kind):
    figure = cm.plot(cost_formula(kind))
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
    whole = figure.bbox
    assert all(box.x1 <= whole.x1 and box.y0 >= whole.y0 for box in boxes)


@pytest.mark.parametrize(
    ("draw", "result", "containers"),
    [
        (draw_cost, cost(PADDED), 2),
        (draw_costs, compare_costs([PADDED, PADDED]), 1),
        (draw_cost_formula, cost_formula("pointwise"), 0),
    ],
    ids=["cost", "costs", "formula"],
)
def test_into_axes_that_are_given(draw, result, containers):
    _, ax = pyplot.subplots()
    assert draw(result, ax=ax) is ax
    assert len(ax.containers) == containers
    assert ax.get_title()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: cm.plot(cost(PADDED), tint=3), "tint must be an option of the drawing or an argument of Axes.barh"),
        (lambda: cm.plot(compare_costs([PADDED]), quantity="flops"), "quantity must be one of .*, got 'flops'"),
        (lambda: cm.plot(cost_formula("grouped"), across="h"), "across must be one of 'g', got 'h'"),
        (lambda: cm.plot(cost_formula("grouped"), sizes={"q": 1}), "letter must be one of 'g', got 'q'"),
        (lambda: cm.plot(cost_formula("pointwise").at(h=3)), "ratio must have a letter to be drawn against, got 1/9"),
        (
            lambda: cm.plot(cost_formula("flattened"), sizes={"m": [3, 5], "D": [1, 2]}),
            "sizes must hold several numbers for one letter at most, got m, D",
        ),
        (lambda: cm.plot(cost_formula("flattened"), sizes={"m": 0}), "m must be at least 1, got 0"),
    ],
    ids=["option", "quantity", "across", "letter", "no letter", "two families", "zero"],
)
def test_what_is_refused(ask, said):
    with pytest.raises(cm.ConvMatrixError, match=said):
        ask()
