"""Pictures of `fuse`'s answers, by what they say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.plots import fusion as drawing


def _panels(figure):
    return {ax.get_label(): ax for ax in figure.axes}


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def _padded():
    blur = cm.conv(np.ones((3, 3), dtype=int), (6, 6), padding=1)
    return cm.fuse(blur, blur)


def _block():
    wide = cm.conv(np.arange(36).reshape(2, 2, 3, 3), (5, 5), padding=1)
    return cm.fuse(wide + 2 * cm.conv(np.ones((2, 2, 1, 1), dtype=int), (5, 5)) + cm.identity((2, 5, 5)))


def test_column_then_row_is_one_kernel():
    figure = cm.plot(cm.fuse(cm.conv([[1], [2], [1]], (5, 5)), cm.conv([[-1, 0, 1]], (3, 5))))
    panels = _panels(figure)
    assert list(panels) == ["layer 1", "layer 2", "fused", "positions"]
    assert figure.texts[0].get_text() == "One convolution, exactly (proved on the matrix)"
    assert _texts(panels["layer 1"]) == ["1", "2", "1", ""]
    assert _texts(panels["layer 2"])[-1] == "\u2192"
    assert _texts(panels["fused"]) == ["-1", "0", "1", "-2", "0", "2", "-1", "0", "1", "="]
    assert panels["positions"].get_title(loc="left") == "output positions: all equal"


def test_positions_that_differ_are_hatched(tmp_path):
    result = _padded()
    figure = cm.plot(result)
    ax = _panels(figure)["positions"]
    np.testing.assert_array_equal(ax.images[0].get_array().astype(bool), result.differs)
    assert any("////" in collection.hatches for collection in ax.collections if hasattr(collection, "hatches"))
    assert ax.get_title(loc="left") == "output positions: 20 of 36 differ (hatched)"
    assert "largest difference of an entry 5" in _texts(ax)[0]
    assert _texts(_panels(figure)["fused"])[-1] == "\u2248"
    figure.savefig(tmp_path / "picture.png")


def test_branches_have_plus_signs():
    panels = _panels(cm.plot(_block()))
    assert [_texts(panels[f"layer {number}"])[-1] for number in (1, 2, 3)] == ["", "+", "+"]
    assert "no weight" in _texts(panels["layer 3"])
    assert _texts(panels["layer 2"])[:4] == ["2", "2", "2", "2"]
    assert _texts(panels["fused"])[-1] == "="


def test_what_is_no_convolution_has_its_reason():
    layer = cm.conv(np.ones((4, 1, 3, 3)), (5, 5))
    figure = cm.plot(cm.fuse(layer, cm.pixel_shuffle(layer.out_shape, 2)))
    assert figure.texts[0].get_text().startswith("Not one convolution: a pixel shuffle")
    assert list(_panels(figure)) == ["layer 1", "layer 2"]


def test_many_channels_and_layers_are_cut(rng):
    layer = cm.conv(rng.normal(size=(8, 8, 3, 3)), (9, 9), padding=1, padding_mode="circular")
    figure = cm.plot(cm.fuse(*[layer] * (drawing.LAYERS + 1)))
    panels = _panels(figure)
    assert f"layer {drawing.LAYERS + 1}" not in panels
    assert "the first 4 drawn" in panels["layer 1"].get_xlabel()
    assert figure.texts[1].get_text() == "1 more layer is not drawn."


SHAPES = [
    (cm.fuse(cm.conv([1, 2, 1], 9), cm.conv([1, -1], 7)), (1, 6)),
    (cm.fuse(cm.conv(np.ones((2, 2, 2)), (4, 4, 4)), cm.conv(np.ones((1, 2, 2)), (3, 3, 3))), (2, 8)),
]


@pytest.mark.parametrize(("result", "shape"), SHAPES, ids=["1-D", "3-D"])
def test_positions_of_other_dimensions(result, shape):
    ax = _panels(cm.plot(result))["positions"]
    assert ax.images[0].get_array().shape == shape


@pytest.mark.parametrize(
    ("result", "images"), [(_padded, 1), (lambda: cm.fuse(cm.pixel_shuffle((4, 2, 2), 2)), 0)], ids=["one", "none"]
)
def test_given_axes_get_the_fused_kernel_or_the_reason(result, images):
    _, ax = pyplot.subplots()
    assert cm.plot(result(), ax=ax) is ax
    assert len(ax.images) == images
    assert ax.get_title()


def test_arguments_go_to_the_kernels():
    panels = _panels(cm.plot(_padded(), cmap="PuOr"))
    assert {panels[label].images[0].get_cmap().name for label in ("layer 1", "fused")} == {"PuOr"}


def test_the_reason_stands_below():
    blur = cm.conv([1, 2, 1], 8, padding=1)
    figure = cm.plot(cm.fuse(blur, blur))
    assert any(text.get_text().startswith("Layer 2 pads with zeros where") for text in figure.texts)
    assert len(cm.plot(cm.fuse(blur)).texts) == 1


def test_slices_of_a_volume_are_parted():
    layer = cm.conv(np.ones((3, 3, 3), dtype=int), (4, 4, 4), padding=1)
    figure = cm.plot(cm.fuse(layer, layer))
    panel = next(axes for axes in figure.axes if axes.get_label() == "positions")
    picture = panel.images[0].get_array()
    assert picture.shape == (4, 4 * 5 - 1)
    assert picture.mask.all(axis=0).nonzero()[0].tolist() == [4, 9, 14]
    assert "56 of 64 differ" in panel.get_title(loc="left")


def test_products_of_symbols_have_room():
    figure = cm.plot(cm.fuse(cm.conv("a b; c d", (6, 6)), cm.conv("x y;", (5, 5))))
    sizes = [text.get_fontsize() for text in _panels(figure)["fused"].texts if "*" in text.get_text()]
    assert len(sizes) == 6
    assert min(sizes) > 7
