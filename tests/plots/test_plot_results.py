"""Pictures of results, by what they say."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.plots.recognition import draw_recognition

SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def _found(op, distance=0.0, transposed=False, notes=()):
    """A recognition, with the fields that are drawn."""
    return SimpleNamespace(
        is_convolution=not distance,
        operator=op,
        geometry=op.geometry,
        weight=op.weight,
        groups=op.geometry.groups,
        transposed=transposed,
        taps=op.weight.size,
        distance=distance,
        relative_distance=distance / 10,
        notes=notes,
    )


def test_an_inspection_is_a_table_with_marks():
    op = cm.conv(SOBEL, (5, 5), padding=1, padding_mode="circular")
    (ax,) = cm.plot(cm.inspect(op)).axes
    said = _texts(ax)
    assert {"(1, 5, 5)", "25 x 25", "int64", "225"} <= set(said)
    marks = {point.get_label(): (point.get_marker(), point.get_fillstyle()) for point in ax.lines}
    assert marks["doubly block circulant: yes"] == ("s", "full")
    assert marks["permutation: no"] == ("s", "none")


def test_an_inspection_that_verified_nothing_says_so():
    found = cm.inspect(cm.conv(np.ones((64, 64, 3, 3)), (512, 512), padding=1))
    (ax,) = cm.plot(found).axes
    assert any(point.get_label() == "Toeplitz: not verified" for point in ax.lines)
    assert " ".join(found.notes)[:40] in " ".join(_texts(ax))


def test_an_inspection_in_given_axes_passes_arguments_on():
    _, ax = pyplot.subplots()
    assert cm.plot(cm.inspect(cm.identity((1, 3))), ax=ax, fontsize=4) is ax
    assert {text.get_fontsize() for text in ax.texts} <= {4.0, 3.6}


@pytest.mark.parametrize(
    ("op", "shape"),
    [
        (cm.conv(SOBEL, (8, 8)), (3, 3)),
        (cm.conv(np.ones((3, 2, 3, 3)), (8, 8)), (11, 7)),
        (cm.conv(np.ones((2, 3, 5)), 9), (3, 17)),
        (cm.conv(np.ones((2, 2, 2, 3, 3)), (4, 4, 4)), (7, 15)),
        (cm.conv(np.ones((4, 5)), ()), (4, 5)),
        (cm.conv("a b; c d", (4, 4)), (2, 2)),
        (cm.conv([1j, 2], 4), (1, 2)),
        (cm.conv(np.zeros((1, 1, 2)), 4), (1, 2)),
    ],
    ids=repr,
)
def test_a_recognised_weight_is_a_heatmap_with_numbers(op, shape, tmp_path):
    figure = draw_recognition(_found(op))
    weight, verdict = figure.axes
    image = weight.images[0]
    assert image.get_array().shape == shape
    assert image.get_array().count() == op.weight.size
    assert image.norm.vmin == -image.norm.vmax
    assert len(weight.texts) == op.weight.size
    assert _texts(verdict)[0] == "A convolution"
    figure.savefig(tmp_path / "picture.png")


def test_a_large_weight_has_a_colour_bar_and_no_numbers():
    weight, verdict = draw_recognition(_found(cm.conv(np.ones((64, 64, 3, 3)), (8, 8)))).axes
    assert not weight.texts
    assert len(weight.child_axes) == 1
    assert weight.get_ylabel() == "output channel (the first 16)"
    assert "36,864" in _texts(verdict)


def test_the_nearest_convolution_says_its_distance():
    op = cm.conv(np.ones((4, 1, 3)), 9, stride=2, groups=2)
    weight, verdict = draw_recognition(_found(op, 3.25, notes=("Searched kernels up to 3.",))).axes
    said = " ".join(_texts(verdict))
    assert "No convolution; the nearest convolution is at distance 3.25" in said
    assert "3.25 (Frobenius)" in said
    assert "0.325 of the matrix" in said
    assert "Searched kernels up to 3." in said
    assert weight.get_xlabel() == "input channel of its group"


def test_a_transposed_weight_has_its_inputs_first():
    op = cm.conv_transpose(np.ones((2, 3, 2)), 4)
    weight, verdict = draw_recognition(_found(op, transposed=True)).axes
    assert (weight.get_ylabel(), weight.get_xlabel()) == ("input channel", "output channel")
    assert _texts(verdict)[0] == "A transposed convolution"


def test_a_recognition_in_given_axes():
    _, ax = pyplot.subplots()
    assert draw_recognition(_found(cm.conv(SOBEL, (8, 8)), 2.0), ax=ax, alpha=0.5) is ax
    assert ax.images[0].get_alpha() == 0.5
    assert " ".join(ax.get_title().split()) == "No convolution; the nearest convolution is at distance 2"


def test_what_recognise_finds_is_drawn():
    weight = [[1, 2], [3, 4]]
    op = cm.conv(weight, (6, 6), padding=1)
    figure = cm.plot(cm.recognise(op.toarray(), op.in_shape, op.out_shape))
    assert np.array_equal(figure.axes[0].images[0].get_array(), weight)
