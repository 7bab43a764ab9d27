"""Pictures of `flatten`'s answers, by what they say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.plots import flattening as drawing

ONE = "1 2; 3 6 | 2 4; 6 12"
TWO = "1 2; 3 4 | 5 6; 7 8"


def _panels(figure):
    return {ax.get_label(): ax for ax in figure.axes}


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def _title(figure):
    return " ".join(figure.texts[0].get_text().split())


VERDICTS = [
    (ONE, "Multilinear rank (1, 1, 1): an outer product of vectors (proved)"),
    ("0 0; 0 0 | 0 0; 0 0", "Multilinear rank (0, 0, 0): an outer product of vectors (proved, the zero filter)"),
    (TWO, "Multilinear rank (2, 2, 2): no outer product of vectors (proved by the minor"),
    ("a b; c d | 0 0; 0 0", "Generic multilinear rank (1, 2, 2): an outer product of vectors iff a*d - b*c = 0"),
    (np.ones((2, 3, 3)), "Numerical multilinear rank (1, 1, 1) at tol"),
    (np.float32([[[1, 2], [3, 4]], [[0, 1], [1, 0]]]), "Numerical multilinear rank (2, 2, 2) at tol"),
]


@pytest.mark.parametrize(("filter", "verdict"), VERDICTS, ids=[verdict[:50] for _, verdict in VERDICTS])
def test_the_title_is_the_verdict(filter, verdict, tmp_path):
    figure = cm.plot(cm.flatten(filter))
    assert verdict in _title(figure)
    figure.savefig(tmp_path / "picture.png")


def test_an_outer_product_is_shown_with_its_vectors():
    panels = _panels(cm.plot(cm.flatten(ONE)))
    assert list(panels) == ["filter", "factor 0", "factor 1", "factor 2", "singular values", "key"]
    assert [_texts(panels[f"factor {axis}"])[:2] for axis in range(3)] == [["1", "2"], ["1", "3"], ["1", "2"]]
    assert panels["factor 0"].get_title(loc="left") == "filter = v0 \u2297 v1 \u2297 v2"
    assert panels["filter"].images[0].get_array().shape == (2, 5)


def test_the_nearest_product_has_a_residual_with_error_and_bound():
    result = cm.flatten(TWO)
    panels = _panels(cm.plot(result))
    said = _texts(panels["residual"])[-1]
    assert "residual\nerror 1.28" in said
    assert "every one has 1.26\nor more" in said
    parts = [panels[label].images[0].get_array() for label in ("filter", "nearest", "residual")]
    np.testing.assert_allclose(parts[0], parts[1] + parts[2], atol=1e-12)
    assert panels["factor 0"].get_title(loc="left").startswith("nearest = ")
    assert {panels["factor 1"].images[0].get_array().max(), panels["factor 2"].images[0].get_array().max()} == {1}


def test_unfoldings_have_marks_of_their_own():
    panels = _panels(cm.plot(cm.flatten(TWO)))
    lines = {line.get_label(): line for line in panels["singular values"].lines}
    marks = [lines[f"axis {axis}: rank 2 of 2"].get_marker() for axis in range(3)]
    assert len(set(marks)) == 3
    named = [text.get_text() for text in panels["key"].get_legend().get_texts()]
    assert named == [f"axis {axis}: rank 2 of 2" for axis in range(3)]


def test_the_tolerance_is_named():
    panels = _panels(cm.plot(cm.flatten(np.multiply.outer([0.1, 0.2], np.outer([0.3, 0.7], [0.6, 0.9])))))
    assert any(text.get_text().startswith("tol ") for text in panels["key"].get_legend().get_texts())


def test_symbols_have_conditions_and_no_sizes():
    figure = cm.plot(cm.flatten("a b; c d | e f; g h"))
    assert list(_panels(figure)) == ["filter"]
    assert _texts(figure.axes[0])[:8] == list("abefcdgh")
    assert "more" in _title(figure)
    assert figure.texts[1].get_text().startswith("solved by ")


def test_deep_filters_are_cut(rng):
    figure = cm.plot(cm.flatten(rng.normal(size=(40, 3, 3))))
    width = _panels(figure)["filter"].images[0].get_array().shape[1]
    assert width == drawing.SLICES * 4 - 1
    assert figure.texts[1].get_text() == f"The first {drawing.SLICES} of 40 slices are drawn."


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3, 3), (2, 2, 2, 2, 2), (1, 1, 1), (3, 1, 5)], ids=str)
def test_other_numbers_of_axes(shape, rng, tmp_path):
    figure = cm.plot(cm.flatten(rng.integers(-3, 4, size=shape)))
    assert f"factor {len(shape) - 1}" in _panels(figure)
    figure.savefig(tmp_path / "picture.png")


@pytest.mark.parametrize("scale", [1e-300, 1e300], ids="{:g}".format)
def test_any_scale(scale, rng, tmp_path):
    figure = cm.plot(cm.flatten(scale * rng.normal(size=(2, 3, 3))))
    assert "in units of 1e" in _texts(_panels(figure)["filter"])[-3]
    figure.savefig(tmp_path / "picture.png")


def test_given_axes_get_the_slices():
    _, ax = pyplot.subplots()
    assert cm.plot(cm.flatten(ONE), ax=ax, cmap="PuOr") is ax
    assert ax.images[0].get_cmap().name == "PuOr"
    assert ax.get_title().startswith("multilinear rank (1, 1, 1)")


def test_a_batch_is_counted(rng):
    mixed = np.concatenate([np.ones((3, 2, 3, 3)), rng.normal(size=(5, 2, 3, 3))])
    figure = cm.plot(cm.flatten(mixed, batch_axes=1))
    assert _title(figure).startswith("3 of 8 filters are outer products of vectors (numerical rank")
    ranks, _ = figure.axes
    assert [bar.get_height() for bar in ranks.patches] == [3, 5]
    assert [tick.get_text() for tick in ranks.get_xticklabels()] == ["1\u00b71\u00b71", "2\u00b73\u00b73"]
    _, ax = pyplot.subplots()
    assert cm.plot(cm.flatten(mixed, batch_axes=1), ax=ax) is ax


def test_complex_filters_say_what_is_coloured(rng):
    filter_ = rng.standard_normal((2, 2, 2)) * (1 + 1j)
    assert any("by their magnitudes" in text.get_text() for text in cm.plot(cm.flatten(filter_)).texts)
