"""The figures of sections 7 to 8.2: what they show against NumPy and SciPy, not against their own code."""

import numpy as np
import pytest
from figure_reading import draw, marked, module, numbers, panels, stored
from matplotlib.colors import to_rgb
from scipy import linalg, signal

import convmatrix as cm
from convmatrix.plots import style

pytest.importorskip("figures")

NAMES = {
    "dilation": "7", "receptive_fields": "7", "gridding": "7", "sobel_split": "8.1", "separable_cost": "8.1",
    "ranks": "8.1", "depthwise_separable": "8.2", "depthwise_cost": "8.2",
}  # fmt: skip


def said(figure):
    """What is written on the sheet and above its panels."""
    return [text.get_text() for text in figure.texts] + [ax.get_title() for ax in figure.axes]


def written(ax):
    """Whole numbers in an axes of its own coordinates, by place `(x, y)`."""
    return {
        tuple(float(part) for part in text.get_position()): int(text.get_text())
        for text in ax.texts
        if text.get_text().isdigit()
    }


def points(ax, label):
    """Places of all lines with that label."""
    found = [line.get_xydata() for line in ax.lines if line.get_label() == label]
    return np.concatenate(found) if found else np.zeros((0, 2))


def shown(ax, row, column):
    """The colour of a cell."""
    image = ax.images[0]
    return to_rgb(image.cmap(image.norm(image.get_array()[row, column]))[:3])


def shaken(rates):
    """Paths to each input of a stack of three taps along one axis."""
    counts = np.ones(1, dtype=int)
    for rate in rates:
        taps = np.zeros(2 * rate + 1, dtype=int)
        taps[::rate] = 1
        counts = np.convolve(counts, taps)
    return counts


def dense_of(kernel, size, rate=1):
    """The matrix of a kernel, entry by entry."""
    kernel = np.asarray(kernel)
    rows, columns = (size[axis] - rate * (kernel.shape[axis] - 1) for axis in (0, 1))
    matrix = np.zeros((rows, columns, *size))
    for (i, j), (a, b) in ((o, t) for o in np.ndindex(rows, columns) for t in np.ndindex(kernel.shape)):
        matrix[i, j, i + rate * a, j + rate * b] = kernel[a, b]
    return matrix.reshape(rows * columns, -1)


@pytest.mark.parametrize("name", NAMES)
def test_every_script_is_in_its_section(name):
    script = module(name)
    assert (script.SECTION, bool(script.CAPTION.strip())) == (NAMES[name], True)


def test_no_two_figures_of_a_section_have_one_place():
    from figures import _scripts

    places = [
        (script.section, script.step) for script in _scripts.scripts().values() if script.section in NAMES.values()
    ]
    assert len(places) == len(set(places))


# -- 7 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "rate"), [(0, 1), (1, 2), (2, 4)])
def test_nine_taps_lie_so_far_apart(place, rate):
    ax = panels(draw("dilation"), "input")[place]
    expected = np.full((2 * rate + 3,) * 2, np.nan)
    expected[1::rate, 1::rate][:3, :3] = np.arange(1, 10).reshape(3, 3)
    assert np.array_equal(numbers(ax), expected, equal_nan=True)
    assert marked(ax) == (1, 2 * rate + 2, 1, 2 * rate + 2)
    for row, column in np.argwhere(np.isfinite(expected)):
        assert shown(ax, row, column) == to_rgb(style.tap_colors(9)[int(expected[row, column]) - 1])
    assert shown(ax, 0, 0) == to_rgb(style.PLAIN)
    assert ax.get_title() == f"l = {rate}: 9 taps reach {2 * rate + 1}x{2 * rate + 1}"


@pytest.mark.parametrize(("place", "rate"), [(0, 1), (1, 2), (2, 4)])
def test_dilation_moves_diagonals_apart_and_stores_no_more(place, rate):
    figure = draw("dilation")
    ax = panels(figure, "matrix")[place]
    size = 2 * rate + 3
    expected = dense_of(np.arange(1, 10).reshape(3, 3), (size, size), rate)
    assert np.array_equal(stored(ax), expected != 0)
    assert stored(ax).sum() == 81
    apart = {int(np.diff(np.flatnonzero(row)).min()) for row in expected}
    assert apart == {rate}
    assert ax.get_title() == f"9x{size**2}, 81 entries; neighbouring diagonals {rate} apart"
    (frame,) = [patch for patch in ax.patches if patch.get_label() == "traced row"]
    assert round(frame.get_y() + 0.5) == 4
    read = panels(figure, "input")[place].images[0].get_array()
    assert np.array_equal(np.flatnonzero(read), np.flatnonzero(expected[4]))


def test_entries_of_every_rate_are_as_wide():
    widths = {round(ax.get_window_extent().width / stored(ax).shape[1], 6) for ax in panels(draw("dilation"), "matrix")}
    assert len(widths) == 1


STACKS = {"receptive_fields": ((1, 2, 4), (1, 1, 1)), "gridding": ((2, 2, 2), (1, 2, 3))}
CASES = [(name, place, rates) for name, stacks in STACKS.items() for place, rates in enumerate(stacks)]


@pytest.mark.parametrize(("name", "place", "rates"), CASES)
def test_paths_of_a_stack(name, place, rates):
    figure, counts = draw(name), shaken(rates)
    first = (31 - counts.size) // 2
    line, plane = panels(figure, "threads")[place], panels(figure, "plane")[place]
    assert written(line) == {(first + x, 0): count for x, count in enumerate(counts.tolist()) if count}
    whole = np.outer(counts, counts)
    assert written(plane) == {
        (first + x, first + y): int(whole[y, x]) for y, x in np.ndindex(whole.shape) if whole[y, x]
    }


@pytest.mark.parametrize(("name", "place", "rates"), CASES)
def test_fields_grow_layer_by_layer(name, place, rates):
    figure = draw(name)
    sizes = (1 + 2 * np.cumsum(rates)).tolist()
    line, plane = panels(figure, "threads")[place], panels(figure, "plane")[place]
    seen = [text.get_text() for text in line.texts if text.get_text().startswith("sees")]
    assert seen == [f"sees {size}" for size in sizes]
    assert [text.get_text() for text in line.get_yticklabels()] == ["input", *(f"l = {rate}" for rate in rates)]
    frames = {patch.get_label(): patch for patch in plane.patches if patch.get_label().startswith("stage")}
    for number, size in enumerate(sizes, 1):
        frame = frames[f"stage {number}"]
        assert (frame.get_width(), frame.get_height()) == (size, size)
        assert frame.get_x() + size / 2 == frame.get_y() + size / 2 == 15


def test_a_layer_costs_the_same_at_every_rate():
    heads = [text.get_text() for text in draw("receptive_fields").texts]
    each = f"{31 * 31 * 9:,} multiplications a layer"
    assert heads == [f"rates 1, 2, 4: fields 3, 7, 15; {each}", f"rates 1, 1, 1: fields 3, 5, 7; {each}"]


def test_inputs_of_both_stacks_are_drawn_to_one_scale():
    figure = draw("receptive_fields")
    middles = set()
    for label, extra in (("threads", 2), ("plane", 0)):
        boxes = [ax.get_window_extent() for ax in panels(figure, label)]
        sides = [box.width / (size + extra) for box, size in zip(boxes, (15, 7), strict=True)]
        assert sides[0] == pytest.approx(sides[1])
        middles.add(round(boxes[0].x0 + boxes[0].width / 2 - boxes[1].x0 - boxes[1].width / 2, 3))
    assert middles == {0}


@pytest.mark.parametrize(("place", "rates", "read"), [(0, (2, 2, 2), 49), (1, (1, 2, 3), 169)])
def test_what_gridding_leaves_out_is_hatched(place, rates, read):
    figure = draw("gridding")
    ax = panels(figure, "plane")[place]
    counts = np.outer(shaken(rates), shaken(rates))
    assert (counts.size, np.count_nonzero(counts)) == (169, read)
    holes = [path for each in ax.collections if each.get_label() == "holes" for path in each.get_paths()]
    centres = {tuple((path.vertices[:4].mean(axis=0) - 9).round(6)) for path in holes}
    assert centres == {(x, y) for y, x in np.argwhere(counts == 0)}
    head, verdict = ax.get_title().split("\n")
    assert head == f"rates {', '.join(map(str, rates))}: common divisor {np.gcd.reduce(rates)}"
    assert verdict == ("reads ALL 169 of 169 inputs" if read == 169 else "GRIDDING: reads 49 of 169 inputs")


# -- 8.1 --------------------------------------------------------------------------------------------------------------

COLUMN, ROW = np.array([1, 2, 1]), np.array([-1, 0, 1])


def test_sobel_is_a_column_times_a_row():
    figure = draw("sobel_split")
    x = module("sobel_split").X
    panel = {ax.get_label(): ax for ax in figure.axes if ax.get_label()}
    assert np.array_equal(numbers(panel["input x, 5x5"]), x)
    assert np.array_equal(numbers(panel["column"]), COLUMN[:, None])
    assert np.array_equal(numbers(panel["row"]), ROW[None])
    between = signal.correlate(x, COLUMN[:, None], "valid")
    assert np.array_equal(numbers(panel["between, 3x5"]), between)
    column, row, kernel = (numbers(ax) for ax in figure.axes if not ax.get_label())
    assert np.array_equal(kernel, column @ row)
    assert np.array_equal(kernel, [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    y = numbers(panel["output y, 3x3"])
    assert np.array_equal(y, signal.correlate(between, ROW[None], "valid"))
    assert np.array_equal(y, signal.correlate(x, kernel, "valid"))


def test_sobel_s_matrix_is_a_product():
    figure = draw("sobel_split")
    downwards, across, whole, column, row = (np.nan_to_num(numbers(ax)) for ax in panels(figure, "matrix"))
    bands = [np.array([np.pad(taps, (at, 2 - at)) for at in range(3)]) for taps in (COLUMN, ROW)]
    assert np.array_equal(column, bands[0])
    assert np.array_equal(row, bands[1])
    assert np.array_equal(downwards, np.kron(bands[0], np.eye(5)))
    assert np.array_equal(across, np.kron(np.eye(3), bands[1]))
    assert np.array_equal(whole, across @ downwards)
    assert np.array_equal(whole, np.kron(*bands))
    assert np.array_equal(whole, dense_of(np.outer(COLUMN, ROW), (5, 5)))


def test_sobel_s_entries_are_its_multiplications():
    figure = draw("sobel_split")
    counts = [int(stored(ax).sum()) for ax in panels(figure, "matrix")[:3]]
    assert counts == [45, 27, 81]
    for ax, count in zip(panels(figure, "matrix"), counts, strict=False):
        assert ax.get_title().endswith(f"{stored(ax).shape[0]}x{stored(ax).shape[1]}: {count} entries")
    assert "column, then row: 45 + 27 = 72 multiplications" in said(figure)
    assert "at once: 81 multiplications" in said(figure)


@pytest.mark.parametrize("name", ["sobel_split", "depthwise_separable"])
def test_a_product_stands_below_the_one_factor_and_beside_the_other(name):
    figure = draw(name)
    above, beside, whole = panels(figure, "matrix")[:3]
    places = [ax.get_position() for ax in (above, beside, whole)]
    assert (places[0].x0, places[0].x1) == pytest.approx((places[2].x0, places[2].x1))
    assert (places[1].y0, places[1].y1) == pytest.approx((places[2].y0, places[2].y1))
    assert places[0].y0 > places[2].y1
    assert places[1].x1 < places[2].x0
    rows = [
        round(patch.get_y() + 0.5)
        for ax in (beside, whole)
        for patch in ax.patches
        if patch.get_label() == "traced row"
    ]
    assert rows == [module(name).ROW] * 2


def ratio(n, m):
    """Products of a column and a row of m taps over those of m x m, counted window by window."""
    outputs = n - m + 1
    return (n * outputs * m + outputs * outputs * m) / (outputs * outputs * m * m)


def test_shares_of_a_split_kernel():
    figure = draw("separable_cost")
    (curves,) = panels(figure, "curves")
    for m in (3, 5, 7):
        curve, counted = points(curves, f"m = {m}"), points(curves, f"counted, m = {m}")
        for line in (curve, counted):
            assert line[:, 1] == pytest.approx([ratio(n, m) for n in line[:, 0]])
        assert curve[0, 0] == counted[0, 0] == m
        assert curve[-1, 0] >= 100
        assert len(counted) >= 6
    limits = points(curves, "limit")[::2, 1]
    assert limits == pytest.approx([2 / 3, 2 / 5, 2 / 7])
    ends = [text.get_text().split(" ", 1)[1] for text in curves.texts if "limit" in text.get_text()]
    assert ends == ["m = 3: limit 2/3", "m = 5: limit 2/5", "m = 7: limit 2/7"]


def test_where_splitting_costs_more():
    figure, script = draw("separable_cost"), module("separable_cost")
    (curves,), ax = panels(figure, "curves"), figure.axes[1]
    (zone,) = [patch for patch in curves.patches if patch.get_label() == "costs more"]
    assert zone.get_y() == 1
    assert zone.get_y() + zone.get_height() == pytest.approx(curves.get_ylim()[1])
    expected = [[ratio(n, m) if n >= m else np.nan for n in script.PICTURES] for m in script.KERNELS]
    assert np.array_equal(numbers(ax), np.round(100 * np.array(expected)), equal_nan=True)
    assert np.array_equal(stored(ax), np.isfinite(expected))
    hatched = [patch.get_xy() for patch in ax.patches if patch.get_hatch()]
    assert {(round(y + 0.5), round(x + 0.5)) for x, y in hatched} == set(map(tuple, np.argwhere(np.isnan(expected))))
    (lines,) = [lines for lines in ax.collections if lines.get_label() == "mark"]
    drawn = sorted(path.vertices.tolist() for path in lines.get_paths())
    assert drawn == sorted(style.cell_outline(np.array(expected) > 1).tolist())
    assert [text.get_text() for text in ax.get_xticklabels()] == [str(n) for n in script.PICTURES]
    assert [text.get_text() for text in ax.get_yticklabels()] == [f"m = {m}" for m in script.KERNELS]
    assert [text.get_text() for text in figure.axes[2].texts] == ["1", "2/3", "2/5", "2/7", "2/11"]


RANKS = {
    "sobel_x": 1, "gaussian5": 1, "laplacian4": 2, "article": 2, "unsharp": 2,
    "emboss": 3, "mexican_hat": 3, "disk": 4, "motion": 5, "random": 5,
}  # fmt: skip


@pytest.mark.parametrize("name", RANKS)
def test_ranks_and_singular_values(name):
    figure, script = draw("ranks"), module("ranks")
    taps = script.RANDOM if name == "random" else cm.kernel(name).astype(float)
    (picture,), (stems,) = panels(figure, f"kernel {name}"), panels(figure, f"values {name}")
    assert picture.get_title() == f"{name}, {taps.shape[0]}x{taps.shape[1]}"
    inside = numbers(picture)
    if name != "disk":
        assert inside / np.abs(inside).max() == pytest.approx(taps / np.abs(taps).max())
    values = linalg.svdvals(taps)
    counted, zero = points(stems, "counted"), points(stems, "zero")
    assert len(counted) == RANKS[name] == np.linalg.matrix_rank(taps)
    assert len(counted) + len(zero) == min(taps.shape)
    assert [*counted[:, 1], *zero[:, 1]] == pytest.approx(values / values[0], abs=1e-12)


def test_a_rank_stands_below_its_kernel():
    figure = draw("ranks")
    names = list(RANKS)
    labels = [text for text in figure.texts if text.get_text().startswith("rank")]
    verdicts = [text for text in figure.texts if "weights for" in text.get_text()]
    assert len(labels) == len(verdicts) == len(RANKS)
    for text, verdict, name in zip(labels, verdicts, names, strict=True):
        (picture,) = panels(figure, f"kernel {name}")
        box = picture.get_position()
        assert text.get_position()[0] == verdict.get_position()[0] == pytest.approx((box.x0 + box.x1) / 2)
        assert text.get_position()[1] < box.y0
        assert text.get_text() == f"rank {RANKS[name]}"
        taps = int(picture.get_title().split("x")[-1])
        proof = "numerically" if name == "disk" else "proved"
        separable = "separable" if RANKS[name] == 1 else "not separable"
        weights = f"{2 * taps * RANKS[name]} weights for {taps**2}"
        assert verdict.get_text() == f"{separable}, {proof}\n{weights}"


def test_unsharp_alone_saves_weights_without_being_separable():
    lines = [text.get_text().split("\n") for text in draw("ranks").texts if "weights for" in text.get_text()]
    saving = [name for name, (verdict, weights) in zip(RANKS, lines, strict=True)
              if verdict.startswith("not") and int(weights.split()[0]) < int(weights.split()[-1])]  # fmt: skip
    assert saving == ["unsharp"]


def test_all_singular_values_are_on_one_scale():
    axes = panels(draw("ranks"), "values")
    assert len({(ax.get_xlim(), ax.get_ylim(), ax.get_yscale()) for ax in axes}) == 1


# -- 8.2 --------------------------------------------------------------------------------------------------------------


def test_a_kernel_a_channel_and_then_a_mixture():
    figure, script = draw("depthwise_separable"), module("depthwise_separable")
    channels, kernels, between, outputs = (
        np.stack([numbers(ax) for ax in panels(figure, start)]) for start in ("channel", "kernel", "between", "output")
    )
    assert np.array_equal(channels, script.INPUT)
    own = [signal.correlate(x, kernel, "valid") for x, kernel in zip(channels, kernels, strict=True)]
    assert np.array_equal(between, own)
    (mixing,) = (numbers(ax) for ax in panels(figure, "W"))
    assert mixing.shape == (4, 3)
    assert np.array_equal(outputs, np.einsum("oc,cyx->oyx", mixing, between))


def test_depthwise_blocks_times_the_mixture_look_dense():
    figure, script = draw("depthwise_separable"), module("depthwise_separable")
    blocks, mixing, whole = panels(figure, "matrix")
    kernels = script.KERNELS[:, 0]
    diagonal = linalg.block_diag(*[dense_of(kernel, (4, 4)) for kernel in kernels])
    assert np.array_equal(np.nan_to_num(numbers(blocks)), diagonal)
    assert np.array_equal(np.nan_to_num(numbers(mixing)), np.kron(script.W, np.eye(4)))
    dense = np.vstack([np.hstack([w * dense_of(k, (4, 4)) for w, k in zip(row, kernels, strict=True)])
                       for row in script.W])  # fmt: skip
    assert np.array_equal(np.nan_to_num(numbers(whole)), dense)
    counts = [int(stored(ax).sum()) for ax in (blocks, mixing, whole)]
    assert counts == [3 * 4 * 9, 4 * 3 * 4, 4 * 4 * 27]
    assert f"as matrices: {counts[0]} + {counts[1]} = {counts[0] + counts[1]} entries for {counts[2]}" in said(figure)
    assert f"1. one kernel a channel: {counts[0]} multiplications" in said(figure)
    assert f"2. 1x1 mixes channels: {counts[1]} multiplications" in said(figure)
    for ax, count in zip((blocks, mixing, whole), counts, strict=True):
        assert f"{stored(ax).shape[0]}x{stored(ax).shape[1]}: {count} entries" in ax.get_title()


def test_a_mixing_weight_has_the_colour_of_its_entries():
    figure = draw("depthwise_separable")
    (weights,), matrix = panels(figure, "W"), panels(figure, "matrix")[1]
    for row, column in np.ndindex(4, 3):
        assert shown(weights, row, column) == shown(matrix, 4 * row, 4 * column)


def test_the_article_s_layer_in_bars():
    figure = draw("depthwise_cost")
    (ax,) = panels(figure, "bars")
    first, second, dense = 5 * 5 * 3 * 9, 5 * 5 * 3 * 128, 5 * 5 * 27 * 128
    bars = [(patch.get_width(), round(patch.get_y() + patch.get_height() / 2)) for patch in ax.patches]
    assert bars == [(dense, 0), (first + second, 1), (first, 1)]
    assert ax.get_xscale() == "linear"
    assert ax.get_title() == "675 + 9,600 = 10,275 multiplications for 86,400"
    notes = [text.get_text() for text in ax.texts]
    assert "675: 3 kernels 3x3" in notes
    assert "9,600: 128 filters 1x1" in notes
    assert any("10,275" in note and "11.9 %" in note for note in notes)


def test_the_share_of_a_depthwise_separable_layer_ends_at_one_over_h_squared():
    (ax,) = panels(draw("depthwise_cost"), "curves")
    for h in (3, 5, 7):
        for label in (f"h = {h}", f"counted, h = {h}"):
            line = points(ax, label)
            products = (h * h + line[:, 0]) / (h * h * line[:, 0])
            assert line[:, 1] == pytest.approx(products)
            assert (line[0, 0], line[-1, 0]) == (1, 1024)
        ((filters, share),) = points(ax, f"Nc = h^2, h = {h}")
        assert filters == h * h
        assert share == pytest.approx(2 / h**2)
    assert points(ax, "limit")[::2, 1] == pytest.approx([1 / 9, 1 / 25, 1 / 49])
    ((filters, share),) = points(ax, "the article's")
    assert filters == 128
    assert share == pytest.approx(10275 / 86400)
    assert "the article's: 11.9 %" in [text.get_text() for text in ax.texts]
    ends = {text.get_text().split(" ", 1)[1]: text.xy[1] for text in ax.texts if ": limit" in text.get_text()}
    assert ends == pytest.approx({"h = 3: limit 1/9": 1 / 9, "h = 5: limit 1/25": 1 / 25, "h = 7: limit 1/49": 1 / 49})
