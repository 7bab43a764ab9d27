"""Pictures of `overlap`'s answers, by what they say: ribbons, bars, maps, slices."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import PolyCollection
from matplotlib.patches import PathPatch, Rectangle

import convmatrix as cm
from convmatrix.plots import counts as cells
from convmatrix.plots import overlap_maps, profile, ribbons


def _up(size, inputs, **settings):
    return cm.conv_transpose(np.ones(size, dtype=int), inputs, **settings)


def _stack(size, layers, inputs):
    whole = _up(size, inputs, stride=2)
    for _ in range(layers - 1):
        whole = _up(size, whole.out_shape[1], stride=2) @ whole
    return whole


def _panels(figure):
    return {ax.get_label(): ax for ax in figure.axes}


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def _fans(ax):
    return [patch for patch in ax.patches if isinstance(patch, PathPatch) and patch.get_label().startswith("fan")]


def _holes(ax):
    return [cell for part in ax.collections if isinstance(part, PolyCollection) and part.get_hatch() for cell in
            part.get_paths()]  # fmt: skip


def _outline(ax):
    return [line.get_xydata() for line in ax.lines if line.get_label() == "interior"]


ARTICLE = [
    (1, 2, [1, 2, 2, 2, 1], "even, 2 everywhere"),
    (1, 3, [1, 2, 3, 3, 2, 1], "even, 3 everywhere"),
    (2, 2, [1, 1, 1, 1, 1, 1, 1, 1], "even, 1 everywhere"),
    (2, 4, [1, 1, 2, 2, 2, 2, 2, 2, 1, 1], "even, 2 everywhere"),
    (2, 3, [1, 1, 2, 1, 2, 1, 2, 1, 1], "uneven, 1 to 2 (2:1)"),
    (2, 5, [1, 1, 2, 2, 3, 2, 3, 2, 2, 1, 1], "uneven, 2 to 3 (3:2)"),
]


@pytest.mark.parametrize(("stride", "size", "counts", "said"), ARTICLE, ids=[f"s{s}k{k}" for s, k, *_ in ARTICLE])
def test_ribbons_of_the_article(stride, size, counts, said):
    figure = cm.plot(cm.overlap(_up(size, 4, stride=stride)))
    (ax,) = figure.axes
    assert ax.get_label() == "ribbons"
    assert figure.texts[0].get_text().split("\n")[1].startswith(said)
    assert _texts(ax) == [*map(str, counts), "interior"]
    (image,) = ax.images
    assert image.get_array().tolist() == [counts]
    assert (image.norm.vmin, image.norm.vmax) == (0, max(counts))
    assert len(_fans(ax)) == len([patch for patch in ax.patches if isinstance(patch, Rectangle)]) == 4
    assert len({patch.get_facecolor() for patch in _fans(ax)}) == 4
    assert [label.get_text() for label in ax.get_yticklabels()] == ["inputs", "outputs"]


def test_a_fan_ends_at_the_outputs_its_taps_write():
    ax = cm.plot(cm.overlap(_up(3, 3, stride=2, padding=1))).axes[0]
    ends = [fan.get_path().vertices[3:5, 0] for fan in _fans(ax)]
    np.testing.assert_allclose(ends, [[-0.5, 1.5], [0.5, 3.5], [2.5, 4.5]], atol=0.1)
    (bracket,) = _outline(ax)
    np.testing.assert_allclose((bracket[0, 0], bracket[-1, 0]), [-0.5, 4.5], atol=0.1)


def test_inputs_stand_above_the_middle_of_their_outputs():
    layers = [_up(4, 3, stride=2)]
    upper, lower = ribbons.levels_of(layers, [ribbons.reached(layers[0])])
    np.testing.assert_array_equal(upper.centres, [1.5, 3.5, 5.5])
    assert (upper.width, upper.ends) == (2, (0.5, 6.5))
    np.testing.assert_array_equal(lower.centres, np.arange(8))


def test_a_dilated_kernel_has_a_strip_a_tap_and_holes_are_hatched():
    figure = cm.plot(cm.overlap(_up(3, 4, stride=2, dilation=2)))
    ax = figure.axes[0]
    starts = [np.count_nonzero(fan.get_path().codes == fan.get_path().MOVETO) for fan in _fans(ax)]
    assert starts == [3] * 4
    assert _texts(ax)[:11] == ["1", "0", "2", "0", "3", "0", "3", "0", "2", "0", "1"]
    assert len(_holes(ax)) == 5
    assert "holes, 1 of 2 phases get nothing" in figure.texts[0].get_text()


REACHED = [
    ("convolution", cm.conv([1, 2], 4, stride=2), [[1, 1, 0, 0], [0, 0, 1, 1]]),
    ("circular", cm.conv([1, 2], 3, padding=[(0, 1)], padding_mode="circular"),
     [[1, 1, 0], [0, 1, 1], [1, 0, 1]]),
    ("channels", cm.conv(np.ones((2, 3, 1)), 2), [[1, 0], [0, 1]]),
    ("shuffle", cm.pixel_shuffle((2, 2), 2), [[1, 0], [1, 0], [0, 1], [0, 1]]),
    ("average", cm.avg_pool((1, 4), 2), [[1, 1, 0, 0], [0, 0, 1, 1]]),
    ("resize", cm.resize((1, 2), 2, "linear"), [[1, 0], [1, 1], [1, 1], [0, 1]]),
    ("sum", cm.conv([1, 2], 3, padding=[(1, 0)]) + 2 * cm.identity((1, 3)), [[1, 0, 0], [1, 1, 0], [0, 1, 1]]),
    ("product", cm.conv([1, 2], 2) @ cm.conv([1, 2], 3), [[1, 1, 1]]),
]  # fmt: skip


@pytest.mark.parametrize(("op", "table"), [row[1:] for row in REACHED], ids=[row[0] for row in REACHED])
def test_which_outputs_an_input_reaches(op, table):
    np.testing.assert_array_equal(ribbons.reached(op).astype(int), table)


def test_a_stack_has_a_row_a_layer_and_says_how_unevenness_compounds():
    figure = cm.plot(cm.overlap(_stack(3, 3, 3)))
    (ax,) = figure.axes
    assert [image.get_array().size for image in ax.images] == [7, 15, 31]
    assert ax.images[1].get_array().tolist() == [[1, 1, 2, 1, 3, 2, 3, 1, 3, 2, 3, 1, 2, 1, 1]]
    assert {image.norm.vmax for image in ax.images} == {5}
    assert len(_fans(ax)) == 3 + 7 + 15
    assert [label.get_text() for label in ax.get_yticklabels()] == ["inputs", "layer 1", "layer 2", "outputs"]
    assert figure.texts[0].get_text() == (
        "3 layers\nuneven, 1 to 5 (5:1), in the interior; after each layer 2:1, 3:1, 5:1"
    )
    assert "after each" not in cm.plot(cm.overlap(_stack(4, 2, 4))).texts[0].get_text()


def test_of_very_many_layers_only_the_last_is_told():
    deep = cm.conv([1, 1], 1100)
    for _ in range(1080):
        deep = cm.conv([1, 1], deep.out_shape[1]) @ deep
    assert cells.spoken(cm.overlap(deep)) == ("1081 layers", "even, 2.6e325 everywhere, in the interior")
    assert list(_panels(cm.plot(cm.overlap(deep)))) == ["counts"]


def test_branches_with_a_long_middle_are_bars():
    wide = cm.conv([1], 90, stride=30) @ _up(30, 3, stride=30)
    assert list(_panels(cm.plot(cm.overlap(wide + cm.identity((1, 3)))))) == ["counts"]


def test_fans_below_a_layer_have_the_colours_of_its_counts():
    ax = cm.plot(cm.overlap(_stack(3, 2, 4))).axes[0]
    image = ax.images[0]
    for fan, count in zip(_fans(ax)[4:], image.get_array()[0].tolist(), strict=True):
        assert fan.get_facecolor()[:3] == pytest.approx(cells.color_of(image, count))


def test_branches_added_up_are_one_layer():
    result = cm.overlap(cm.conv([1, 2, 1], 6, padding=1) + cm.identity((1, 6)))
    ax = cm.plot(result).axes[0]
    assert _texts(ax) == ["3", "4", "4", "4", "4", "3", "interior"]


@pytest.mark.parametrize(
    ("op", "shown"),
    [(_up(5, 500, stride=2, padding=1), 42), (_stack(3, 2, 30), 42), (_up(2, 45, stride=1), 42)],
    ids=["long", "long stack", "a little too long"],
)
def test_long_axes_are_bars_at_both_ends_and_in_the_middle(op, shown):
    result = cm.overlap(op)
    ax = _panels(cm.plot(result))["counts"]
    bars = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    counts, third = result.counts, shown // 3
    heights = [bar.get_height() for bar in bars]
    assert len(heights) == shown
    assert heights[:third] == counts[:third].tolist()
    assert heights[-third:] == counts[-third:].tolist()
    assert _texts(ax).count("\u22ef") == 2
    assert [text for text in _texts(ax) if text != "\u22ef"] == [str(int(height)) for height in heights]
    ticks = [int(label.get_text()) for label in ax.get_xticklabels()]
    assert ticks[0] == 0
    assert ticks[-1] >= len(counts) - 3
    assert ax.get_xlabel() == "output position (interior underlined)"


def test_many_layers_and_counts_without_room_have_a_scale():
    op = cm.conv(np.ones(9, dtype=int), 30, padding=4)
    result = cm.overlap(op @ op @ op @ op @ op @ op @ op @ op)
    ax = _panels(cm.plot(result))["counts"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", cells.label(int(result.counts.max()))]
    assert not _texts(ax)
    assert not _outline(ax)
    assert ax.get_xlabel() == "output position (none is interior)"


def test_positions_far_out_are_named_once_a_window():
    _, ax = pyplot.subplots(figsize=(4, 2))
    cm.plot(cm.overlap(_up(3, 200_000, stride=2)), ax=ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "199,993", "399,987"]


def test_narrow_axes_get_bars():
    _, ax = pyplot.subplots(figsize=(1.5, 1.5))
    assert cm.plot(cm.overlap(_up(3, 9, stride=2)), ax=ax) is ax
    assert not _fans(ax)
    assert len([patch for patch in ax.patches if isinstance(patch, Rectangle)]) == 19


def test_a_map_is_the_product_of_the_bars_at_its_edges():
    figure = cm.plot(cm.overlap(_up((3, 3), (4, 5), stride=2)))
    (ax,) = figure.axes
    across, down = ax.child_axes
    wide = [patch.get_height() for patch in across.patches]
    tall = [patch.get_width() for patch in down.patches]
    assert wide == [1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1]
    assert tall == [1, 1, 2, 1, 2, 1, 2, 1, 1]
    np.testing.assert_array_equal(ax.images[0].get_array(), np.multiply.outer(tall, wide))
    assert _texts(ax) == [str(int(n)) for n in np.multiply.outer(tall, wide).reshape(-1)]
    assert (_texts(across), _texts(down)) == ([str(int(n)) for n in wide], [str(int(n)) for n in tall])
    assert all(text.get_fontsize() >= cells.LEAST_TEXT for text in ax.texts)
    said = figure.texts[0].get_text()
    assert said.startswith("3x3 transposed convolution, stride 2\nuneven, 1 to 4 (4:1 = 2:1 \u00d7 2:1),")
    assert ax.get_xlabel().split("\n") == [
        "output position x",
        "interior outlined",
        "a cell is the product of its two bars",
    ]


def test_the_interior_of_a_map_is_outlined():
    ax = cm.plot(cm.overlap(_up((3, 4), (4, 5), stride=2))).axes[0]
    points = np.concatenate(_outline(ax))
    # x runs along the second axis: 12 outputs with 2 of border, y along the first: 9 with 1.
    assert (points.min(axis=0).tolist(), points.max(axis=0).tolist()) == ([1.5, 0.5], [9.5, 7.5])
    assert len(_outline(ax)) == 4


def test_holes_of_a_map_are_hatched():
    figure = cm.plot(cm.overlap(_up((2, 2), (3, 3), stride=3)))
    ax = figure.axes[0]
    assert len(_holes(ax)) == int((ax.images[0].get_array() == 0).sum()) == 28
    assert cells.HOLE in ax.get_xlabel()
    assert "holes, 5 of 9 phases get nothing, the others 1," in figure.texts[0].get_text().replace("\n", " ")


def test_of_a_large_map_a_corner_is_drawn():
    result = cm.overlap(_up((5, 3), (3000, 3000), stride=(3, 2)))
    ax = cm.plot(result).axes[0]
    assert ax.images[0].get_array().shape == (20, 20)
    assert "the first 20x20 of 9,002x6,001 outputs" in ax.get_xlabel()
    assert "counts" not in vars(result)
    # Where the interior goes on beyond the window there is no line.
    assert len(_outline(ax)) == 2
    assert max(line.max() for line in _outline(ax)) == 19.5


def test_of_a_wide_border_its_end_is_drawn():
    ax = cm.plot(cm.overlap(_up((60, 60), (300, 300), stride=4))).axes[0]
    assert ax.images[0].get_array().shape == (40, 40)
    assert "40x40 of 1,256x1,256 outputs" in ax.get_xlabel().split("\n")
    ticks = [int(label.get_text()) for label in ax.get_yticklabels()]
    assert (ticks[0], ticks[-1]) == (36, 74)
    # The interior begins at output 56.
    assert min(line[:, 1].min() for line in _outline(ax)) == 56 - 36 - 0.5


def test_numbers_without_room_become_a_colour_bar():
    ax = cm.plot(cm.overlap(_up((19, 19), (15, 15)))).axes[0]
    assert not _texts(ax)
    bars = {panel.get_label(): panel for panel in ax.child_axes}
    assert [label.get_text() for label in bars["colours"].get_yticklabels()] == ["0", "225"]
    assert "no output is interior" in ax.get_xlabel()


def test_a_sum_without_axes_is_the_map_alone():
    op = _up((3, 3), (5, 5), padding=1) + cm.identity((1, 5, 5))
    result = cm.overlap(op)
    assert result.axis_counts is None
    ax = cm.plot(result).axes[0]
    assert not ax.child_axes
    np.testing.assert_array_equal(ax.images[0].get_array(), result.counts)
    assert "product" not in ax.get_xlabel()


def test_of_a_volume_the_middle_slices_are_drawn():
    result = cm.overlap(_up((3, 4, 3), (4, 4, 5), stride=2))
    panels = _panels(cm.plot(result))
    assert list(panels) == ["slice z = 4", "slice y = 5", "slice x = 5"]
    counts = result.counts
    for panel, plane in zip(panels.values(), (counts[4], counts[:, 5], counts[:, :, 5]), strict=True):
        np.testing.assert_array_equal(panel.images[0].get_array(), plane)
        assert panel.images[0].norm.vmax == 8
    assert panels["slice z = 4"].get_title() == "z = 4 (count 2)"
    assert panels["slice x = 5"].get_title() == "x = 5 (count 1)"
    assert panels["slice y = 5"].get_ylabel() == "output position z"


def test_four_axes_are_drawn_in_the_middle_of_the_first():
    result = cm.overlap(_up((2, 2, 2, 2), (3, 3, 3, 3)))
    panels = _panels(cm.plot(result))
    np.testing.assert_array_equal(panels["slice n1 = 2"].images[0].get_array(), result.counts[2, 2])


@pytest.mark.parametrize(
    "op",
    [_up(3, 4, stride=2), _up(3, 90, stride=2), _up((3, 3), (4, 4), stride=2), _up((3, 3, 3), (4, 4, 4), stride=2)],
    ids=["ribbons", "bars", "map", "slices"],
)
class TestEveryKind:
    def test_given_axes(self, op, tmp_path):
        figure, ax = pyplot.subplots()
        assert cm.plot(cm.overlap(op), ax=ax) is ax
        assert ax.get_title().startswith(("3-tap transposed", "3x3"))
        assert "uneven, 1 to " in ax.get_title()
        assert figure.axes == [ax]
        figure.savefig(tmp_path / "picture.png")

    def test_options_go_to_the_cells(self, op):
        for ax in cm.plot(cm.overlap(op), cmap="cividis_r", vmax=9).axes:
            assert {image.get_cmap().name for image in ax.images} == {"cividis_r"}
            assert {image.norm.vmax for image in ax.images} == {9}

    def test_a_norm_of_the_users_own(self, op):
        from matplotlib.colors import Normalize

        norm = Normalize(0, 20)
        assert all(image.norm is norm for ax in cm.plot(cm.overlap(op), norm=norm).axes for image in ax.images)

    def test_unknown_options_are_refused(self, op):
        with pytest.raises(cm.ConvMatrixError, match=r"foo must be an option .* Axes.imshow, .* got 3"):
            cm.plot(cm.overlap(op), foo=3)
        assert not pyplot.get_fignums()

    def test_nothing_is_clipped(self, op):
        figure = cm.plot(cm.overlap(op))
        figure.canvas.draw()
        box = figure.get_tightbbox().extents
        assert (box >= 0).all()
        assert (box[2:] <= figure.get_size_inches()).all()


@pytest.mark.parametrize(
    ("op", "said"),
    [
        (_up(3, 2, stride=3), "even, 1 everywhere, in the interior"),
        (_up(9, 2), "even, 9 everywhere, far from any border; no output is interior"),
        (_up(5, 2, stride=2), "uneven, 2 to 3 (3:2), far from any border; the interior is shorter than one period"),
        (_up(1, 1, stride=2), "holes, 1 of 2 phases get nothing, the others 1, far from any border; "
         "the interior is shorter than one period"),
        (_up(1, 4, stride=2), "holes, 1 of 2 phases get nothing, the others 1, in the interior"),
    ],
    ids=["even", "no interior", "short interior", "one period is missing", "holes"],
)  # fmt: skip
def test_the_verdict_says_where_it_holds(op, said):
    assert cells.spoken(cm.overlap(op))[1] == said


HUGE = 7**500


def test_counts_beyond_floats_are_shares_of_the_largest():
    shades = cells.Shades(HUGE, {})
    np.testing.assert_array_equal(shades.heights(np.array([0, HUGE // 2, HUGE], dtype=object)), [0, 0.5, 1])
    assert shades.top == 1
    _, ax = pyplot.subplots()
    vector = np.array([HUGE // 2, HUGE, HUGE], dtype=object)
    profile.draw_profile(ax, vector, shades, interior=slice(1, 3), name="x", ylabel="y")
    assert [patch.get_height() for patch in ax.patches] == [0.5, 1, 1]
    assert _texts(ax) == [cells.label(HUGE // 2), *[cells.label(HUGE)] * 2]


LABELS = [(0, "0"), (99_999, "99999"), (10**5, "1e5"), (10**5 - 1 + 10**9, "1e9"), (125 * 10**7, "1.2e9"),
          (99_999_999, "1e8"), (2**4000, "1.3e1204"), (10**5000, "1e5000")]  # fmt: skip


@pytest.mark.parametrize(("count", "said"), LABELS, ids=[said for _, said in LABELS])
def test_counts_as_short_text(count, said):
    assert cells.label(count) == said


def test_ratios_of_axes():
    assert cells.axis_ratios(cm.overlap(_up((3, 4, 5), (5, 5, 5), stride=2))) == [2, 1, Fraction(3, 2)]
    assert cells.axis_ratios(cm.overlap(_up((1, 3), (5, 5), stride=2))) is None


def test_the_largest_count_needs_no_map():
    result = cm.overlap(_up((3, 3), (2000, 2000), stride=2))
    assert overlap_maps.largest(result) == 4
    assert "counts" not in vars(result)


@pytest.mark.parametrize("size", [43, 100, 101, 5000])
@pytest.mark.parametrize("middle", [None, 0, 42, 10_000])
def test_windows_are_apart_and_inside(size, middle):
    first, second, third = profile.windows(size, middle=middle)
    assert first.start == 0
    assert third.stop == size
    assert first.stop <= second.start
    assert second.stop <= third.start
    assert len(first) == len(second) == len(third) == 14


def test_symbols_have_counts_too():
    ax = cm.plot(cm.overlap(cm.conv_transpose("a b c", 4, stride=2))).axes[0]
    assert _texts(ax)[:3] == ["1", "1", "2"]


def test_a_period_longer_than_the_window_is_shown_from_its_beginning():
    figure = cm.plot(cm.overlap(_up((3, 3), (4, 4), stride=300)))
    image = _panels(figure)["map"].images[0]
    assert image.get_array().shape == (40, 40)
    pyplot.close(figure)
