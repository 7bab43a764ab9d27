"""The sheet of all kinds, and one kind: panels, colours, titles."""

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb

import convmatrix as cm
from convmatrix.plots import style


def test_the_sheet_has_a_matrix_of_each_kind_in_order():
    figure = cm.plot(cm.KINDS)
    assert [ax.get_label() for ax in figure.axes] == list(cm.KINDS)
    for ax, kind in zip(figure.axes, cm.KINDS.values(), strict=True):
        rows, columns = kind.example().shape
        assert ax.get_title() == f"{kind.section}  {kind.name}"
        assert ax.get_xlabel().split(",")[0] == f"{rows} x {columns}"
        image = np.asarray(ax.images[0].get_array())
        if max(rows, columns) <= 200:
            assert image.shape[:2] == (rows, columns)
            stored = (image != 1).any(axis=2)
            assert int(stored.sum()) == kind.example().nnz


def test_equal_values_have_equal_colours_and_zero_weights_are_faint():
    figure = cm.plot(cm.KINDS)
    panels = {ax.get_label(): np.asarray(ax.images[0].get_array()) for ax in figure.axes}
    image, matrix = panels["conv2d"], cm.KINDS["conv2d"].example().toarray()
    for value in (1, 2):
        assert len(np.unique(image[matrix == value], axis=0)) == 1
    assert (image == to_rgb(style.FAINT)).all(axis=2).sum() == 3 * 9


def test_of_a_large_matrix_the_first_channels_are_black():
    figure = cm.plot(cm.KINDS)
    (ax,) = (ax for ax in figure.axes if ax.get_label() == "depthwise_separable")
    image = np.asarray(ax.images[0].get_array())
    matrix = cm.KINDS["depthwise_separable"].example().toarray()
    assert ax.get_xlabel() == "3200 x 147, here 125 x 147"
    assert ((image == to_rgb(style.INK)).all(axis=2) == (matrix[:125] != 0)).all()
    assert ((image == 1).all(axis=2) == (matrix[:125] == 0)).all()


@pytest.mark.parametrize(("name", "across", "down"), [("depthwise", 25, 9), ("conv1d", 8, 6), ("conv2d", 0, 0)])
def test_lines_part_the_channels(name, across, down):
    figure = cm.plot(cm.KINDS)
    (ax,) = (ax for ax in figure.axes if ax.get_label() == name)
    rows, columns = cm.KINDS[name].example().shape
    places = [[tuple(path.vertices[0]) for path in lines.get_paths()] for lines in ax.collections]
    upright = [(at - 0.5, -0.5) for at in range(across, columns, across)] if across else []
    level = [(-0.5, at - 0.5) for at in range(down, rows, down)] if down else []
    assert [found for found in places if found] == [lines for lines in (upright, level) if lines]


def test_small_cells_are_whole_pixels():
    """Cells of one and a half pixels are drawn unlike: those of 100 columns alone."""
    figure = cm.plot(cm.KINDS)
    for ax in figure.axes:
        box, image = ax.get_window_extent(), np.asarray(ax.images[0].get_array())
        for length, count in ((box.width, image.shape[1]), (box.height, image.shape[0])):
            cell = length / count
            assert cell == pytest.approx(round(cell), abs=1e-6) or count <= 6 or count == 100


def test_texts_neither_overlap_nor_leave_the_sheet():
    figure = cm.plot(cm.KINDS)
    figure.canvas.draw()
    written = [text for ax in figure.axes for text in (ax.title, ax.xaxis.label)] + figure.texts
    boxes = [text.get_window_extent() for text in written]
    whole = figure.bbox
    for place, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= whole.x1
        assert box.y1 <= whole.y1
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


@pytest.mark.parametrize("name", ["conv1d", "pointwise", "depthwise_separable", "shufflenet_unit"])
def test_one_kind_is_its_example_with_the_formula_above(name):
    figure = cm.plot(cm.KINDS[name])
    kind = cm.KINDS[name]
    head = next(text for text in figure.texts if kind.structure in text.get_text())
    figure.canvas.draw()
    others = [text for text in figure.texts if text is not head and text.get_text()]
    assert not any(head.get_window_extent().overlaps(text.get_window_extent()) for text in others)
    box = head.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1


def test_into_given_axes():
    _, ax = pyplot.subplots()
    assert cm.plot(cm.KINDS["grouped"], ax=ax) is ax
    assert "block_diag" in ax.get_title()
    rule = f"ax must be left out for a sheet of {len(cm.KINDS)} matrices, got Axes"
    with pytest.raises(cm.ConvMatrixError, match=rule):
        cm.plot(cm.KINDS, ax=ax)
