"""Pictures of receptive fields, by their artists: cells and numbers, gaps, frames of the stages, threads."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.patches import Rectangle

import convmatrix as cm
from convmatrix.analysis.receptive_field import receptive_field
from convmatrix.analysis.receptive_field.threads import frame_of, levels_of
from convmatrix.plots.receptive_field import draw_receptive_field


def dilated(*dilations, n=64, axes=2):
    return receptive_field(
        [cm.conv(np.ones((3,) * axes, int), (n,) * axes, dilation=d, padding="same") for d in dilations]
    )


def panels(figure):
    return {ax.get_label(): ax for ax in figure.axes}


def holes(ax):
    return sum(
        len(part.get_paths()) for part in ax.collections if isinstance(part, PolyCollection) and part.get_hatch()
    )


def numbers(ax):
    return [text.get_text() for text in ax.texts if text.get_text().isdigit()]


def frames(ax):
    found = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_label().startswith("stage")]
    return sorted((int(patch.get_label().split()[1]), patch.get_width(), patch.get_height()) for patch in found)


TITLES = {
    "2 2 2": ((2, 2, 2), 120, "field of 13 x 13 inputs: 49 read, 120 gaps (hatched)"),
    "1 2 4": ((1, 2, 4), 0, "field of 15 x 15 inputs: all read, no gaps"),
}


@pytest.mark.parametrize(("dilations", "gaps", "said"), TITLES.values(), ids=TITLES)
def test_a_map_shows_its_gaps_and_counts_them(dilations, gaps, said):
    found = dilated(*dilations)
    figure = draw_receptive_field(found)
    ax = panels(figure)["field"]
    assert " ".join(figure.texts[0].get_text().split()) == said
    assert holes(ax) == gaps
    counts = found.coverage()
    assert sorted(numbers(ax)) == sorted(str(count) for count in counts[counts > 0].tolist())
    assert np.array_equal(np.asarray(ax.images[0].get_array()), counts)


def test_the_stages_are_nested_frames_with_their_sizes():
    figure = draw_receptive_field(dilated(1, 2, 4))
    ax = panels(figure)["field"]
    assert frames(ax) == [(1, 3, 3), (2, 7, 7), (3, 15, 15)]
    said = [text.get_text() for text in ax.texts if "after layer" in text.get_text()]
    assert said == ["15\u00d715 after layer 3, the last", "7\u00d77 after layer 2", "3\u00d73 after layer 1"]
    styles = {patch.get_linestyle() for patch in ax.patches if isinstance(patch, Rectangle)}
    assert len(styles) == 3


def test_of_many_stages_a_few_are_framed():
    ax = panels(draw_receptive_field(dilated(*[1] * 20, n=80)))["field"]
    found = frames(ax)
    assert len(found) == 6
    assert found[0] == (1, 3, 3)
    assert found[-1] == (20, 41, 41)


def test_positions_are_those_of_the_input():
    found = dilated(1, 2)
    ax = panels(draw_receptive_field(found))["field"]
    rows, columns = found.window(clipped=False)
    assert ax.get_xlim() == (columns.start - 0.5, columns.stop - 0.5)
    assert ax.get_ylim() == (rows.stop - 0.5, rows.start - 0.5)


def test_inputs_that_are_never_read_are_a_map_beside():
    found = receptive_field([cm.conv(np.ones((1, 1), int), (8, 8), stride=2)])
    ax = panels(draw_receptive_field(found))["unread"]
    assert np.array_equal(np.asarray(ax.images[0].get_array()), found.unread)
    crosses = [part for part in ax.collections if isinstance(part, PathCollection)]
    assert len(crosses[0].get_offsets()) == found.unread_count == 48
    assert "48 of 64 inputs are never read" in " ".join(ax.get_title().split())
    assert "unread" not in panels(draw_receptive_field(dilated(1)))


def test_a_wide_map_has_a_colour_bar_in_place_of_numbers():
    figure = draw_receptive_field(dilated(*[1] * 30, n=100))
    ax = panels(figure)["field"]
    assert numbers(ax) == []
    assert [child.get_label() for child in ax.child_axes] == ["paths"]


def test_of_a_very_wide_map_the_middle_is_drawn():
    found = receptive_field(cm.conv(np.broadcast_to(1, (501, 3)), (600, 10)))
    ax = panels(draw_receptive_field(found))["field"]
    assert ax.images[0].get_array().shape == (400, 3)


def test_a_volume_is_drawn_by_its_middle_slice():
    figure = draw_receptive_field(dilated(1, 1, n=12, axes=3))
    ax = panels(figure)["field"]
    assert ax.images[0].get_array().shape == (5, 5)
    assert "5 x 5 x 5 inputs" in " ".join(figure.texts[0].get_text().split())


# -- threads ----------------------------------------------------------------------------------------------------------


def threads(ax):
    return {part.get_label(): part.get_segments() for part in ax.collections if isinstance(part, LineCollection)
            and part.get_label().startswith("threads")}  # fmt: skip


def test_threads_run_from_the_output_to_every_input_it_reads():
    found = dilated(2, 2, 2, axes=1)
    figure = draw_receptive_field(found)
    ax = panels(figure)["threads"]
    assert {name: len(lines) for name, lines in threads(ax).items()} == {
        "threads 1": 15,
        "threads 2": 9,
        "threads 3": 3,
    }
    feet = {round(float(line[1][0])) for line in threads(ax)["threads 1"]}
    start = found.window(clipped=False)[0].start
    assert feet == set((np.flatnonzero(found.coverage()) + start).tolist())
    assert holes(ax) == 6
    assert numbers(ax) == ["1", "3", "6", "7", "6", "3", "1"]
    assert [text.get_text() for text in ax.texts if text.get_text().startswith("sees")] == [
        "sees 5",
        "sees 9",
        "sees 13",
    ]


def test_levels_name_their_layers():
    layers = [cm.conv("1 1 1", 40, stride=2, padding=1), cm.avg_pool((1, 20), 2), cm.resize((1, 10), 2, "linear")]
    layers.append(cm.conv_transpose("1 1", 20, stride=2) + cm.conv_transpose("1 2", 20, stride=2))
    ax = panels(draw_receptive_field(receptive_field(layers)))["threads"]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["input", "1: kernel 3, stride 2, padding 1", "2: average 2, stride 2", "3: resize linear 2",
                     "4: sum of branches"]  # fmt: skip


def test_a_position_stands_above_the_middle_of_what_it_reads():
    found = receptive_field([cm.conv("1 1 1", 40, stride=2, padding=1), cm.conv_transpose("1 1 1 1", 20, stride=2)])
    levels = levels_of(found, 1000)
    assert [(str(level.slope), str(level.offset)) for level in levels] == [("1", "0"), ("2", "0"), ("1", "-3/2")]
    assert levels_of(found, 3) is None


@pytest.mark.parametrize("count", [9, 13], ids=["too wide", "too deep"])
def test_what_is_too_much_for_threads_is_a_strip(count):
    found = dilated(*([2**k for k in range(count)] if count == 9 else [1] * count), n=2000, axes=1)
    ax = panels(draw_receptive_field(found))["threads"]
    assert threads(ax) == {}
    assert ax.images[0].get_array().shape == (1, found.size[0])


def test_frames_lie_on_the_way_to_the_output():
    found = dilated(1, 2, 4)
    assert frame_of(found, 3) == tuple((part.start, part.stop) for part in found.window(clipped=False))
    inner, outer = frame_of(found, 1), frame_of(found, 2)
    assert all(low[0] > high[0] and low[1] < high[1] for low, high in zip(inner, outer, strict=True))


# -- into axes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_it_is_drawn_into_axes(axes):
    _, ax = pyplot.subplots()
    assert draw_receptive_field(dilated(2, 2, n=12, axes=axes), ax=ax) is ax
    said = ax.get_title().replace("\n", " ")
    assert "gaps (hatched)" in said
    assert ("framed: 5" in said) == (axes > 1)
    assert not any("after layer" in text.get_text() for text in ax.texts)
    assert len(ax.images) == 1


def test_arguments_go_to_the_image():
    figure = draw_receptive_field(dilated(1, 2), cmap="magma")
    assert panels(figure)["field"].images[0].get_cmap().name == "magma"
    with pytest.raises(
        cm.ConvMatrixError, match=r"foo must be an option of the drawing or an argument of Axes\.imshow"
    ):
        draw_receptive_field(dilated(1), foo=1)


def test_nothing_read_is_said():
    found = receptive_field([cm.conv_transpose([1], 4, stride=2, padding=1), cm.conv([1], 5, stride=2)])
    assert draw_receptive_field(found).texts[0].get_text() == "no input is read"


def test_nothing_overlaps_or_leaves_the_picture():
    for found in (dilated(1, 2, 4), dilated(2, 2, 2), dilated(*[1] * 20, n=80), dilated(2, 2, 2, axes=1)):
        figure = draw_receptive_field(found)
        figure.canvas.draw()
        ax, whole = figure.axes[0], figure.bbox
        boxes = [text.get_window_extent() for text in (*ax.texts, *figure.texts, ax.xaxis.label) if text.get_text()]
        assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 <= whole.y1 for box in boxes)
        for number, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[number + 1 :])
