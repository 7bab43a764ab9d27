"""Pictures of correlations of filters, and the two figures of trained networks, by what they say."""

from __future__ import annotations

from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection

import convmatrix as cm


def _found(second=8, first=8, groups=1):
    weight = np.arange(1, 1 + second * first // groups).reshape(second, -1) ** 2
    return cm.filter_correlation(cm.conv(np.eye(first, dtype=int), ()), cm.conv(weight, (), groups=groups))


def _frames(ax):
    return [lines for lines in ax.collections if isinstance(lines, LineCollection) and lines.get_label() == "blocks"]


def test_cells_are_magnitudes_and_numbers_carry_signs():
    first = cm.conv(np.eye(2, dtype=int), ())
    found = cm.filter_correlation(first, cm.conv([[3, -4], [1, 0]], ()))
    ax = cm.plot(found).axes[0]
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0.6, 0.8], [1, 0]])
    assert ax.images[0].get_clim() == (0, 1)
    assert [text.get_text() for text in ax.texts] == ["0.6", "-0.8", "1", "0"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("filter of the first layer", "filter of the second layer")


@pytest.mark.parametrize("groups", [2, 4, 8])
def test_blocks_are_outlined_where_they_are(groups):
    found = _found(16, 8, groups)
    ax = cm.plot(found, groups=groups).axes[0]
    dark, light = _frames(ax)
    corners = [path.vertices for path in light.get_paths()]
    assert len(corners) == len(dark.get_paths()) == groups
    for block, vertices in zip(found.blocks(groups), corners, strict=True):
        rows, columns = block
        assert vertices.min(axis=0).tolist() == [columns.start - 0.5, rows.start - 0.5]
        assert vertices.max(axis=0).tolist() == [columns.stop - 0.5, rows.stop - 0.5]
    where = {2: "50 %", 4: "25 %", 8: "12 %"}[groups]
    assert ax.get_title() == f"in the {groups} blocks: 100 % (chance {where})"


def test_one_group_has_no_outline():
    ax = cm.plot(_found(), groups=1).axes[0]
    assert not _frames(ax)
    assert ax.get_title() == "in the one block: 100 % (chance 100 %)"


def test_silent_filters_are_hatched():
    first = cm.conv([[1, 0], [0, 0], [0, 1]], ())
    ax = cm.plot(cm.filter_correlation(first, cm.conv([[1, 1, 0], [0, 1, 0], [1, 0, 1]], ()))).axes[0]
    assert [(patch.get_xy(), patch.get_hatch()) for patch in ax.patches] == [
        ((-0.5, 0.5), "////"),
        ((0.5, -0.5), "////"),
    ]
    # No number stands where there is no coefficient.
    assert len(ax.texts) == 4


def test_large_matrices_have_no_numbers():
    ax = cm.plot(_found(32, 32)).axes[0]
    assert not ax.texts
    assert [int(tick) for tick in ax.get_xticks()][:3] == [0, 5, 10]


def test_given_axes_are_filled_and_returned():
    figure, ax = pyplot.subplots()
    assert cm.plot(_found(), ax=ax, colorbar=False) is ax
    assert ax.get_title() == ""
    assert not ax.child_axes
    assert figure.axes == [ax]
    cm.plot(_found(), ax=ax, cmap="magma", vmax=0.5)
    assert ax.images[-1].get_cmap().name == "magma"
    assert ax.images[-1].get_clim() == (0, 0.5)
    cm.plot(_found(), ax=ax, norm=matplotlib.colors.LogNorm(0.01, 1))
    assert isinstance(ax.images[-1].norm, matplotlib.colors.LogNorm)


def test_complex_coefficients_are_drawn_by_their_magnitudes():
    first = cm.conv(np.eye(2, dtype=complex), ())
    found = cm.filter_correlation(first, cm.conv([[3j, 4], [1, -1j]], ()))
    ax = cm.plot(found).axes[0]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.6, 0.8], [0.5**0.5, 0.5**0.5]])
    assert not ax.texts


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"groups": 3}, "groups must divide the 8 x 8 filters, got 3"),
        ({"groups": 0}, "groups must be at least 1, got 0"),
        ({"foo": 1}, r"foo must be an option of the drawing or an argument of Axes.imshow, .* got 1"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_refusals(options, rule):
    with pytest.raises(cm.ConvMatrixError, match=rule):
        cm.plot(_found(), **options)
    assert not pyplot.get_fignums()


# -- the figures of the trained networks -------------------------------------------------------------------------------


def _drawn(name):
    script = pytest.importorskip(f"figures.{name}")
    figure = script.draw()
    figure.canvas.draw()
    return figure


def _texts(figure):
    """Everything written, with its box in pixels and its size on a page 6.5 inches wide."""
    shrunk = min(6.5 / figure.get_figwidth(), 1)
    found = []
    for ax in figure.axes:
        labels = [*ax.get_xticklabels(), *ax.get_yticklabels(), ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
        if ax.get_legend() is not None:
            labels += ax.get_legend().get_texts()
        found += [label for label in labels if label.get_text() and label.get_visible()]
    return [(text.get_text(), text.get_window_extent().extents, shrunk * text.get_fontsize()) for text in found]


@pytest.mark.parametrize("name", ["filter_correlation", "singular_value_decay"])
def test_what_is_written_is_large_enough_inside_and_apart(name):
    figure = _drawn(name)
    width, height = figure.get_size_inches() * figure.dpi
    texts = _texts(figure)
    assert figure.get_figwidth() <= 9
    assert min(size for *_, size in texts) >= 5
    for said, (left, low, right, high), _ in texts:
        assert left >= 0 <= low, said
        assert right <= width, said
        assert high <= height, said
    for (said, one, _), (also, other, _) in combinations(texts, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (said, also)


def test_the_figure_of_groups_shows_blocks_beyond_chance():
    figure = _drawn("filter_correlation")
    panels = figure.axes[:5]
    assert [len(_frames(ax)[0].get_paths()) if _frames(ax) else 1 for ax in panels] == [1, 2, 4, 8, 16]
    lines = {line.get_label(): np.asarray(line.get_ydata()) for line in figure.axes[5].lines}
    assert (lines["trained in groups"] > lines["chance"] + 0.25).all()
    # Groups alone do most of it; training adds to it where there are many.
    random = lines["in groups, random weights"]
    assert (random > lines["chance"] + 0.2).all()
    assert (lines["trained in groups"] > random)[1:].all()
    assert (np.abs(lines["trained dense"] - lines["chance"]) < 0.03).all()
    for groups, ax, share in zip((2, 4, 8, 16), panels[1:], lines["trained in groups"], strict=True):
        cells = np.asarray(ax.images[0].get_array()) ** 2
        size = len(cells) // groups
        inside = sum(cells[at : at + size, at : at + size].sum() for at in range(0, len(cells), size))
        assert inside / cells.sum() == pytest.approx(share, rel=1e-12)
        assert f"{share:.0%} in the blocks" in ax.get_title()


def test_the_figure_of_ranks_shows_that_rank_one_is_not_enough():
    kernels, filters, accuracy = _drawn("singular_value_decay").axes
    assert [text.get_text() for text in kernels.get_legend().get_texts()] == [
        "separable", "layer 1a", "layer 2a", "layer 3a", "random",
    ]  # fmt: skip
    separable = next(line for line in filters.lines if line.get_label() == "separable")
    assert np.asarray(separable.get_ydata()).tolist() == [1, *[0] * 8]
    # Faster than random ones, though not much: what the caption says of the last layer, and of filters.
    for ax, bounds in ((kernels, (0.8, 0.95)), (filters, (0.5, 0.8))):
        lines = {box.get_label(): box.lines[0].get_ydata() for box in ax.containers}
        shares = np.asarray(lines["layer 3a"][1:]) / np.asarray(lines["random"][1:])
        assert (bounds[0] < shares).all()
        assert (shares < bounds[1]).all()
    shares = {line.get_label(): np.asarray(line.get_ydata()) for line in accuracy.lines}
    assert shares["3x3 kernels"][0] < 0.5 < 0.9 < shares["3x3 kernels"][1] < shares["3x3 kernels"][2]
    assert shares["filters by taps"][0] < 0.5 < 0.9 < shares["filters by taps"][-1]
