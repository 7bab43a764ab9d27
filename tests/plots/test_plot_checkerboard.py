"""Pictures of `checkerboard`'s answers, by what they say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.plots import ripple, verdicts

ONES = np.ones((3, 3), dtype=int)


def _report(weight, size=(6, 6), **options):
    return cm.checkerboard(cm.conv_transpose(weight, size, **{"stride": 2, **options}))


def _panels(figure):
    return {ax.get_label(): ax for ax in figure.axes}


def _texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def _title(figure):
    return " ".join(figure.texts[0].get_text().split())


def _odd(rng):
    weight = rng.normal(size=(4, 4))
    weight[:2, :2] += 1
    return weight


VERDICTS = [
    (ONES, {}, "Checkerboard: uneven overlap counts; ripple 133 % of the mean, frequency (1/2, 0)"),
    ("1 2 1", {"size": 6}, "Free of checkerboards: its weights make up for uneven counts (proved)"),
    ("1 2 3 4", {"size": 6}, "Checkerboard: even counts, but uneven gains; ripple 40 % of the mean, frequency 1/2"),
    ("1 1", {"size": 6, "stride": 3}, "Checkerboard: phases that are never written; ripple 150 % of the mean,"),
    ("1 -1 0", {"size": 6}, "Checkerboard: uneven overlap counts and gains out of proportion; ripple 2 about a mean"),
    ("1 1", {"size": 6, "stride": 1}, "Free of checkerboards"),
    (np.float32([1, 2, 1]), {"size": 6}, "Free of checkerboards: its weights make up for uneven counts (within "),
    ("a b c", {"size": 6}, "Free of checkerboards iff a - b + c = 0"),
    ("a a", {"size": 6}, "Free of checkerboards whatever the symbols (proved)"),
    ("a a+1", {"size": 6}, "Never free of checkerboards, whatever the symbols (proved)"),
    (
        "1 -1",
        {"size": 6, "dilation": 2},
        "Free of checkerboards, but constants become 0: some phases are never written",
    ),
    ("1 -1 -1 1", {"size": 6}, "Free of checkerboards, but constants become 0 (proved)"),
    ([[[1, -1]]], {"size": 6, "stride": 1, "bias": [2]}, "Free of checkerboards, but constants become the bias"),
]


@pytest.mark.parametrize(("weight", "options", "verdict"), VERDICTS, ids=[verdict for *_, verdict in VERDICTS])
def test_the_title_is_the_verdict(weight, options, verdict, tmp_path):
    figure = cm.plot(_report(weight, **options))
    assert _title(figure).startswith(verdict)
    figure.savefig(tmp_path / "picture.png")


def test_counts_gains_answer_and_spectrum():
    figure = cm.plot(_report(ONES))
    panels = _panels(figure)
    assert list(panels) == ["counts", "gains", "answer", "spectrum"]
    assert _texts(panels["counts"]) == _texts(panels["gains"]) == ["4", "2", "2", "1"]
    assert _texts(panels["spectrum"]) == ["0", "0.75", "0.75", "0.25"]
    assert panels["counts"].get_xlabel() == "uneven, ratio 4"
    assert panels["gains"].get_xlabel() == "uneven, from 1 to 4"
    assert panels["answer"].get_xlabel() == "repeats after 2 x 2"
    assert panels["spectrum"].get_xlabel() == "strongest at (1/2, 0)\ncycles per output"
    assert [label.get_text() for label in panels["spectrum"].get_xticklabels()] == ["0", "1/2"]


def test_the_answer_is_the_gains_tiled():
    report = _report(ONES)
    canvas = _panels(cm.plot(report))["answer"].images[0].get_array()
    np.testing.assert_allclose(canvas * 4, np.tile([[4, 2], [2, 1]], (6, 6)))


def test_the_answer_is_the_layers_own():
    report = _report(np.arange(9).reshape(3, 3), (9, 9), padding=1)
    whole = cm.conv_transpose(np.arange(9).reshape(3, 3), (9, 9), stride=2, padding=1)(np.ones((9, 9), dtype=int))
    tiled = ripple.Ripple.of(report).answer()
    # Phase 0 is position 1: a row and a column of padding come before.
    np.testing.assert_array_equal(tiled[:12, :12], whole[1:13, 1:13])


def test_one_period_and_the_strongest_frequency_are_framed():
    panels = _panels(cm.plot(_report(ONES)))
    (period,) = panels["answer"].patches
    assert (period.get_width(), period.get_height()) == (2, 2)
    (strongest,) = panels["spectrum"].patches
    assert strongest.get_xy() == (-0.5, 0.5)


def test_a_frequency_stands_with_its_negative():
    panels = _panels(cm.plot(_report([5, 1, 1, 1], 6, stride=4)))
    assert [patch.get_xy()[0] for patch in panels["spectrum"].patches] == [0.5, 2.5]


def test_a_free_layer_has_one_gain():
    panels = _panels(cm.plot(_report("1 2 1; 2 4 2; 1 2 1")))
    assert set(_texts(panels["gains"])) == {"4"}
    assert panels["gains"].get_xlabel() == "all 4"
    assert panels["answer"].get_xlabel() == "a constant"
    assert set(_texts(panels["spectrum"])) == {"0"}
    assert not panels["answer"].patches


def test_gains_of_both_signs_have_white_at_zero():
    image = _panels(cm.plot(_report("1 -2 3; 4 -5 6; 7 8 -9")))["gains"].images[0]
    low, high = image.get_clim()
    assert image.get_cmap().name == "RdBu_r"
    assert low == -high


def test_one_axis_has_bars_and_their_mean():
    panels = _panels(cm.plot(_report("1 2 3", 6)))
    bars = [bar.get_height() for bar in panels["answer"].patches]
    np.testing.assert_allclose(np.multiply(bars, 4), [4, 2] * 8)
    assert panels["answer"].lines[0].get_ydata()[0] * 4 == pytest.approx(3)
    assert [label.get_text() for label in panels["answer"].get_yticklabels()] == ["0", "2", "4"]


def test_a_fix_that_kills_constants_says_so():
    panels = _panels(cm.plot(_report([1, 2], 6, stride=3), fix=True))
    assert panels["answer 2"].get_xlabel() == "constants become 0"
    assert [label.get_text() for label in panels["answer 2"].get_yticklabels()] == ["0"]


def test_units_are_said():
    panels = _panels(cm.plot(_report(1e-300 * np.arange(1.0, 10).reshape(3, 3))))
    assert panels["gains"].get_xlabel().endswith("\nin units of 1e-299")
    assert "in units of 1e-" in panels["spectrum"].get_xlabel()


def test_cells_of_an_exact_answer_are_square():
    ax = _panels(cm.plot(_report([[10**30, 1], [3, 4]])))["answer"]
    box = ax.get_window_extent()
    assert box.width == pytest.approx(box.height)


def test_volumes_have_planes_side_by_side(tmp_path):
    figure = cm.plot(_report(np.arange(27).reshape(3, 3, 3), (5, 5, 5)))
    panels = _panels(figure)
    assert panels["counts"].images[0].get_array().shape == (2, 5)
    assert _texts(panels["counts"])[-2:] == ["z0", "z1"]
    assert _texts(panels["spectrum"])[-2:] == ["0", "1/2"]
    assert figure.texts[1].get_text().startswith("Planes of the first axes")
    figure.savefig(tmp_path / "picture.png")


def test_the_pair_with_the_largest_ripple_is_drawn():
    weight = np.ones((3, 2, 4), dtype=int)
    weight[2, 1] = [5, 1, 7, 2]
    panels = _panels(cm.plot(_report(weight, 6)))
    assert panels["gains"].get_title() == "gain of each phase\nchannel 1 from 2"
    assert _texts(panels["gains"]) == ["12", "3"]


def test_symbols_are_shown_without_sizes():
    figure = cm.plot(_report("a b c; d e f; g h i"))
    panels = _panels(figure)
    assert list(panels) == ["counts", "gains"]
    assert _texts(panels["gains"]) == ["a+c+g+i", "b+h", "d+f", "e"]


def test_an_uneven_bias_is_part_of_the_answer():
    layer = cm.conv(np.ones((4, 1, 3), dtype=int), 6, padding=1, bias=[0, 1, 0, 0])
    report = cm.checkerboard(cm.pixel_shuffle(layer.out_shape, 2) @ layer)
    figure = cm.plot(report)
    assert _title(figure).startswith("Checkerboard: an uneven bias; ripple 1 by the bias alone")
    answer = _panels(figure)["answer"]
    assert answer.get_title() == "answer to a constant 1\nwith its bias"
    np.testing.assert_allclose([4 * bar.get_height() for bar in answer.patches], [3, 4] * 8)


def test_long_periods_have_a_colour_bar_and_are_cut(rng):
    figure = cm.plot(_report(rng.normal(size=(30, 30)), (4, 4), stride=30))
    panels = _panels(figure)
    assert panels["gains"].images[0].get_array().shape == (ripple.PHASES, ripple.PHASES)
    assert len(panels["gains"].child_axes) == 1
    assert not _texts(panels["gains"])
    assert f"The first {ripple.PHASES} phases of an axis are drawn." in figure.texts[1].get_text()


def test_an_output_without_interior_is_said():
    figure = cm.plot(_report(np.ones(7, dtype=int), 2))
    assert "all border" in figure.texts[1].get_text()


SCALES = [
    ("1e-300", 1e-300 * np.arange(1.0, 10).reshape(3, 3)),
    ("1e300", 1e300 * np.arange(1.0, 10).reshape(3, 3) / 50),
    ("beyond int64", [[10**30, 1, 2], [3, 4, 5], [6, 7, 8]]),
    ("fractions", [[Fraction(1, 3), Fraction(1, 7)], [Fraction(2, 7), Fraction(5, 3)]]),
    ("float32", np.float32([[0.1, 0.2], [0.3, 0.4]])),
    ("complex", np.array([[1 + 2j, 0], [1, 1j]])),
    ("zeros", np.zeros((3, 3))),
]


@pytest.mark.parametrize("weight", [weight for _, weight in SCALES], ids=[name for name, _ in SCALES])
def test_any_numbers(weight, tmp_path):
    figure = cm.plot(_report(weight))
    assert list(_panels(figure)) == ["counts", "gains", "answer", "spectrum"]
    figure.savefig(tmp_path / "picture.png")


def test_a_small_ripple_shows_in_the_digits():
    gains = _texts(_panels(cm.plot(_report([1.0, 1.001, 1.0, 1.001], 6)))["gains"])
    assert gains[0] != gains[1]


def test_a_fix_adds_a_row(rng):
    panels = _panels(cm.plot(_report(_odd(rng)), fix=True))
    assert list(panels) == [name + end for end in ("", " 2") for name in ("counts", "gains", "answer", "spectrum")]
    assert "as it is" in _texts(panels["counts"])
    assert any(text.startswith("nearest fix:\nweight moved\nby ") for text in _texts(panels["counts 2"]))
    assert len(set(_texts(panels["gains 2"]))) == 1
    assert np.ptp(panels["answer 2"].images[0].get_array()) < 1e-12


def test_a_free_layer_needs_no_fix():
    assert len(cm.plot(_report("1 2 1", 6), fix=True).axes) == 4


def test_a_stack_says_which_layer_is_moved():
    first = cm.conv_transpose([1, 2, 3], 6, stride=2)
    stack = cm.conv_transpose([1, 1], first.out_shape[1:], stride=2) @ first
    panels = _panels(cm.plot(cm.checkerboard(stack), fix=True, factor=0))
    assert panels["gains 2"].get_xlabel().startswith("all ")
    with pytest.raises(cm.ConvMatrixError, match="factor"):
        cm.plot(cm.checkerboard(stack), fix=True)
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize(
    ("weight", "size", "artists"), [(ONES, (6, 6), "images"), ([1, 2, 3], 6, "patches"), ("a b c", 6, "images")]
)
def test_given_axes_get_the_answer_alone(weight, size, artists):
    _, ax = pyplot.subplots()
    report = _report(weight, size)
    assert cm.plot(report, ax=ax) is ax
    assert getattr(ax, artists)
    assert " ".join(ax.get_title().split()) == verdicts.checkerboard(report)
    assert "\n0" not in ax.get_title()


def test_options_go_to_gains_and_answers():
    panels = _panels(cm.plot(_report(ONES), cmap="PuOr"))
    assert {panels[label].images[0].get_cmap().name for label in ("gains", "answer")} == {"PuOr"}
    assert panels["counts"].images[0].get_cmap().name != "PuOr"
    bars = _panels(cm.plot(_report([1, 2, 3], 6), alpha=0.5))["answer"].patches
    assert {bar.get_alpha() for bar in bars} == {0.5}


def test_an_unknown_option_is_refused():
    with pytest.raises(cm.ConvMatrixError, match=r"foo must be an option of the drawing .* got 3"):
        cm.plot(_report(ONES), foo=3)
    assert not pyplot.get_fignums()


def test_what_is_written_is_inside_and_readable(rng):
    figure = cm.plot(_report(_odd(rng)), fix=True)
    figure.canvas.draw()
    width, height = figure.get_size_inches() * figure.dpi
    written = [text for ax in figure.axes for text in (*ax.texts, ax.title, ax.xaxis.label) if text.get_text()]
    for text in (*written, *figure.texts):
        left, low, right, high = text.get_window_extent().extents
        assert left >= 0
        assert right <= width
        assert low >= 0
        assert high <= height
        assert text.get_fontsize() >= 7


# -- pictures --------------------------------------------------------------------------------------------------------


def _picture(rng, *shape):
    return rng.integers(100, 256, size=shape)


def test_an_image_before_and_after(rng):
    x = _picture(rng, 40, 50)
    report = _report(ONES, (40, 50))
    panels = _panels(cm.plot(report, image=x))
    assert list(panels) == [name + end for end in ("", " 2") for name in ("picture", "detail", "spectrum")]
    np.testing.assert_allclose(panels["picture"].images[0].get_array(), report.op(x))
    np.testing.assert_allclose(
        panels["picture 2"].images[0].get_array().astype(float), report.nearest_free()(x).astype(float)
    )
    assert panels["picture"].images[0].get_clim() == panels["picture 2"].images[0].get_clim()


def test_a_detail_is_cut_out_where_it_is_wanted(rng):
    report = _report(ONES, (40, 50))
    x = _picture(rng, 40, 50)
    panels = _panels(cm.plot(report, image=x, detail=(3, 70)))
    np.testing.assert_array_equal(panels["detail"].images[0].get_array(), report.op(x)[3:19, 70:86])
    assert panels["picture"].patches[0].get_xy() == (69.5, 2.5)


def test_the_frequencies_of_the_ripple_are_marked(rng):
    panels = _panels(cm.plot(_report(ONES, (40, 50)), image=_picture(rng, 40, 50)))
    marks = panels["spectrum"].lines[-1]
    found = set(zip(marks.get_xdata().tolist(), marks.get_ydata().tolist(), strict=True))
    assert found == {(x, y) for x in (-0.5, 0, 0.5) for y in (-0.5, 0, 0.5)} - {(0, 0)}


def test_spikes_are_there_before_and_gone_after():
    panels = _panels(cm.plot(_report(ONES, (40, 50)), image=np.full((40, 50), 100)))
    before, after = (panels[f"spectrum{end}"].get_xlabel().split(";\n")[1] for end in ("", " 2"))
    assert float(before.split("up to ")[1].split()[0]) == pytest.approx(33.3, abs=0.5)
    assert after == "at the circles less than 0.01 % of the mean"


SHAPES = [
    ("gray", (1, 1, 3, 3), (8, 9)),
    ("channel first", (2, 1, 3, 3), (2, 8, 9)),
    ("colours last", (3, 3, 3, 3), (8, 9, 3)),
    ("colours first", (3, 3, 3, 3), (3, 8, 9)),
]


@pytest.mark.parametrize(("shape", "image"), [row[1:] for row in SHAPES], ids=[name for name, *_ in SHAPES])
def test_images_of_every_layout(shape, image, rng, tmp_path):
    figure = cm.plot(_report(rng.normal(size=shape), (8, 9)), image=_picture(rng, *image))
    drawn = _panels(figure)["picture"].images[0].get_array()
    assert drawn.shape == ((17, 19, 3) if shape[0] == 3 else (17, 19))
    figure.savefig(tmp_path / "picture.png")


def test_a_free_layer_has_one_row(rng):
    figure = cm.plot(_report("1 2 1; 2 4 2; 1 2 1", (20, 20)), image=_picture(rng, 20, 20))
    assert list(_panels(figure)) == ["picture", "detail", "spectrum"]


def test_a_layer_without_a_fix_is_drawn_as_it_is(rng):
    layer = cm.conv_transpose(ONES, (8, 8), stride=2)
    report, x = cm.checkerboard(layer + 2 * layer), _picture(rng, 8, 8)
    assert list(_panels(cm.plot(report, image=x, fix=False))) == ["picture", "detail", "spectrum"]
    with pytest.raises(cm.ConvMatrixError, match="factor"):
        cm.plot(report, image=x)


NUMBERS = [("complex", np.array([[1j, 2], [3, 1]])), ("fractions", [[Fraction(1, 2), 1], [0, 1]]), ("roots", "sqrt(2)")]


@pytest.mark.parametrize("weight", [weight for _, weight in NUMBERS], ids=[name for name, _ in NUMBERS])
def test_images_through_any_numbers(weight, rng):
    if isinstance(weight, str):
        sympy = pytest.importorskip("sympy")
        weight = [[sympy.sqrt(2), 1 + sympy.I], [0, 3]]
    panels = _panels(cm.plot(_report(weight), image=_picture(rng, 6, 6)))
    assert np.isfinite(panels["picture"].images[0].get_array().astype(float)).all()


def test_a_bias_is_added_and_options_go_to_pictures(rng):
    x = _picture(rng, 20, 20)
    op = cm.conv_transpose(ONES, (20, 20), stride=2, bias=[1000])
    panels = _panels(cm.plot(cm.checkerboard(op), image=x, cmap="magma"))
    np.testing.assert_array_equal(panels["picture"].images[0].get_array(), op(x) + 1000)
    assert panels["detail"].images[0].get_cmap().name == "magma"


WRONG = [
    (ONES, (6, 6), np.ones((6, 7)), r"image must have the shape of the layer's input, \(1, 6, 6\), got \(6, 7\)"),
    (ONES, (6, 6), np.ones((6, 6, 3)), r"image must have the shape .* \(1, 6, 6\), got \(6, 6, 3\)"),
    ([1, 2, 3], 6, np.ones(6), r"image must be given to a layer along two axes, got one from \(1, 6\)"),
    (ONES, (6, 6), np.full((6, 6), np.nan), "image must be finite, got NaN or infinity"),
    ("a b; c d", (6, 6), np.ones((6, 6)), "image must be given to a layer of numbers, got one with symbols"),
]


@pytest.mark.parametrize(("weight", "size", "image", "message"), WRONG, ids=[row[-1] for row in WRONG])
def test_images_that_do_not_fit(weight, size, image, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.plot(_report(weight, size), image=image)
    assert not pyplot.get_fignums()


def test_a_detail_outside_is_refused():
    with pytest.raises(cm.ConvMatrixError, match=r"detail must begin between \(0, 0\) and \(0, 0\), got \(5, 0\)"):
        cm.plot(_report(ONES), image=np.ones((6, 6)), detail=(5, 0))
