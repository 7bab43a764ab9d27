"""Pictures of `remedies`, by what they say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.plots import verdicts

ONES = np.ones((3, 3), dtype=int)


def _found(weight=ONES, size=(6, 6), **options):
    return cm.remedies(cm.conv_transpose(weight, size, **{"stride": 2, **options}))


def _panels(figure):
    return {ax.get_label(): ax for ax in figure.axes}


def _texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def _patches(result):
    panels = _panels(cm.plot(result))
    return {row.name: panels[row.name].images[0].get_array() for row in result}


def test_a_row_for_each_and_three_columns_of_bars(tmp_path):
    result = _found()
    figure = cm.plot(result)
    panels = _panels(figure)
    assert list(panels) == [*(row.name for row in result), "distance", "parameters", "multiplications"]
    assert [bar.get_width() for bar in panels["parameters"].patches] == [row.parameters for row in result]
    assert [bar.get_width() for bar in panels["multiplications"].patches] == [row.multiplications for row in result]
    np.testing.assert_allclose(
        [bar.get_width() for bar in panels["distance"].patches], [row.distance or 0 for row in result]
    )
    assert _texts(panels["multiplications"]) == [f"{row.multiplications:,}" for row in result]
    figure.savefig(tmp_path / "picture.png")


def test_names_and_verdicts_stand_beside_the_patch():
    result = _found()
    panels = _panels(cm.plot(result))
    assert _texts(panels["as it is"])[:2] == ["as it is", "not free: ripple\n133 % of the mean"]
    for row in result:
        assert _texts(panels[row.name])[:2][1].startswith("free" if row.is_free else "not free")


def test_what_is_not_free_is_hatched():
    result = _found()
    panels = _panels(cm.plot(result))
    for label in ("distance", "parameters", "multiplications"):
        hatched = [bool(bar.get_hatch()) for bar in panels[label].patches]
        assert hatched == [not row.is_free for row in result]


def test_the_nearest_is_bold_and_in_the_title():
    result = _found()
    figure = cm.plot(result)
    bold = [name for name, ax in _panels(figure).items() if ax.texts and ax.texts[0].get_weight() == "bold"]
    assert bold == [result.best.name]
    assert f"the nearest is \u201c{result.best.name}\u201d" in figure.texts[0].get_text().replace("\n", " ")
    free = sum(row.is_free for row in result)
    assert figure.texts[0].get_text().startswith(f"{free} of {len(result) - 1} remedies are free")


def test_patches_are_even_where_a_layer_is_free():
    result = _found()
    patches = _patches(result)
    for row in result:
        assert bool(np.ptp(patches[row.name]) == 0) is row.is_free


def test_patches_share_their_grays():
    limits = {ax.images[0].get_clim() for ax in cm.plot(_found()).axes if ax.images}
    assert len(limits) == 1
    (low, high) = limits.pop()
    assert low == -high


def test_a_patch_is_the_ripple_about_its_mean():
    expected = np.tile(np.array([[4, 2], [2, 1]]) / 2.25 - 1, (4, 4))
    np.testing.assert_allclose(_patches(_found())["as it is"], expected)


@pytest.mark.parametrize(
    ("weight", "size", "shape"), [([1, 2, 3], 9, (1, 8)), (np.arange(27).reshape(3, 3, 3), (4, 4, 4), (8, 8))]
)
def test_other_numbers_of_axes(weight, size, shape, tmp_path):
    figure = cm.plot(_found(weight, size))
    assert _panels(figure)["as it is"].images[0].get_array().shape == shape
    figure.savefig(tmp_path / "picture.png")


def test_a_distance_that_is_not_known_is_no_bar():
    result = _found()
    place = [row.name for row in result].index("stride 1")
    panel = _panels(cm.plot(result))["distance"]
    assert _texts(panel)[place] == "another grid"
    assert panel.patches[place].get_width() == 0


VERDICTS = [
    (lambda: _found([1, 2, 1], 5), "free of checkerboards as it is (proved)"),
    (lambda: _found(np.ones(4), 5), "free of checkerboards as it is (within "),
    (lambda: _found("a b c", 5), "as it is, free of checkerboards iff a - b + c = 0"),
]


@pytest.mark.parametrize(("build", "verdict"), VERDICTS, ids=[verdict for _, verdict in VERDICTS])
def test_verdicts(build, verdict):
    assert verdicts.remedies(build()).startswith(verdict)


def test_symbols_have_no_patch(tmp_path):
    figure = cm.plot(_found("a b c", 5))
    panel = _panels(figure)["as it is"]
    assert not panel.images
    assert "symbols" in _texts(panel)
    assert "free if 1\ncondition holds" in _texts(panel)
    assert _texts(_panels(figure)["distance"])[:2] == ["0 %", "symbols"]
    figure.savefig(tmp_path / "picture.png")


def test_what_was_left_out_is_said():
    layer = cm.conv_transpose([1, 2, 3], 9, stride=2)
    result = cm.remedies(cm.conv_transpose([1, 1], layer.out_shape[1:], stride=2) @ layer)
    foot = " ".join(cm.plot(result).texts[1].get_text().split())
    assert all(f"Left out: {note}." in foot for note in result.notes)


def test_given_axes_get_the_distances_alone():
    result = _found()
    _, ax = pyplot.subplots()
    assert cm.plot(result, ax=ax, height=0.3) is ax
    assert {round(bar.get_height(), 6) for bar in ax.patches} == {0.3}
    assert [label.get_text() for label in ax.get_yticklabels()] == [row.name for row in result]
    assert " ".join(ax.get_title().split()) == verdicts.remedies(result)


def test_options_go_to_the_distances_alone():
    panels = _panels(cm.plot(_found(), alpha=0.5))
    assert {bar.get_alpha() for bar in panels["distance"].patches} == {0.5}
    assert {bar.get_alpha() for bar in panels["parameters"].patches} == {None}


def test_an_unknown_option_is_refused():
    with pytest.raises(cm.ConvMatrixError, match=r"foo must be an option .* argument of Axes.barh, .* got 3"):
        cm.plot(_found(), foo=3)
    assert not pyplot.get_fignums()


def test_nothing_is_clipped_and_all_is_readable():
    figure = cm.plot(_found(np.multiply.outer(np.eye(2, dtype=int) + 1, ONES)))
    figure.canvas.draw()
    width, height = figure.get_size_inches() * figure.dpi
    bars = _panels(figure)["distance"].get_window_extent().x0
    for text in [*figure.texts, *(text for ax in figure.axes for text in ax.texts)]:
        left, low, right, high = text.get_window_extent().extents
        assert (left >= 0, low >= 0, right <= width, high <= height) == (True,) * 4
        assert text.get_fontsize() >= 7
    for row in _found():
        assert max(text.get_window_extent().x1 for text in _panels(figure)[row.name].texts) < bars
