"""Animations: the artists of every frame against the matrix and the operator."""

from __future__ import annotations

from fractions import Fraction

import figure_audit
import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

import convmatrix as cm
from convmatrix.errors import ConvMatrixError

ARTICLE = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
KERNEL = "0 1 2; 2 2 0; 0 1 2"
PLAIN = (0xEF / 255,) * 3
DARK = (0x1A / 255,) * 3


def ramp(*shape):
    return np.arange(np.prod(shape)).reshape(shape) % 5 - 1


OPERATORS = {
    "plain": lambda: cm.conv(KERNEL, (5, 5)),
    "stride, padding": lambda: cm.conv(KERNEL, (5, 5), stride=2, padding=1),
    "one-sided padding": lambda: cm.conv(KERNEL, (4, 5), padding=((0, 2), (1, 0))),
    "dilation": lambda: cm.conv("1 2; 3 4", (5, 6), dilation=(2, 3)),
    "1-D": lambda: cm.conv("1 2 3", 7, padding=1),
    "3-D": lambda: cm.conv(ramp(2, 2, 2), (3, 3, 3), padding=(0, 0, 1)),
    "channels": lambda: cm.conv(ramp(2, 2, 3, 3), (4, 4), padding=(1, 0)),
    "groups": lambda: cm.conv(ramp(4, 1, 3), 5, padding=1, groups=2),
    "pointwise": lambda: cm.conv(ramp(2, 3, 1, 1), (2, 3), padding=1),
    "circular": lambda: cm.conv("1 2 3", 6, padding=1, padding_mode="circular"),
    "reflect": lambda: cm.conv(KERNEL, (3, 3), padding=1, padding_mode="reflect"),
    "replicate": lambda: cm.conv("1 2 3", 5, padding=2, padding_mode="replicate"),
    "transposed": lambda: cm.conv_transpose("1 2 3; 4 5 6; 7 8 9", (2, 2), stride=2),
    "transposed, cut": lambda: cm.conv_transpose("1 2 1; 2 4 2; 1 2 1", (3, 3), stride=2, padding=1, output_padding=1),
    "transposed with holes": lambda: cm.conv_transpose("1 2", 3, stride=3, output_padding=1),
    "transposed channels": lambda: cm.conv_transpose(ramp(2, 3, 2), 3, stride=2),
    "fractions": lambda: cm.conv([Fraction(1, 3), Fraction(1, 2)], 4),
    "pool": lambda: cm.avg_pool((1, 4, 4), 2),
    "product": lambda: cm.conv("1 1", 6) @ cm.conv("1 2 1", 8),
    "sum": lambda: cm.conv("1 2 1", 5, padding=1) + cm.identity((1, 5)),
    "shuffle": lambda: cm.channel_shuffle((4, 3), 2),
    "one entry": lambda: cm.conv("3", 1),
    "two rows": lambda: cm.conv("a b", 3),
    "one row": lambda: cm.conv(ramp(1, 1, 4, 4), (4, 4)),
    "many cells": lambda: cm.conv(ramp(1, 2, 3, 3), (7, 7)),
    "multiple": lambda: 2 * cm.conv("1 2", 4),
}  # fmt: skip
CASES = [(name, by) for name in OPERATORS for by in ("output", "input")]
every_case = pytest.mark.parametrize(("name", "by"), CASES, ids=[f"{name}-by {by}" for name, by in CASES])


@pytest.fixture
def animate():
    """Animations that are read and never shown."""

    def make(op, **options):
        animation = cm.animate(op, **options)
        animation._draw_was_started = True
        return animation

    return make


def panel(animation, name):
    return next(ax for ax in animation._fig.axes if ax.get_label() == name)


def frame(animation, number):
    animation._func(number)
    return animation._fig


def named(ax, label):
    return next(artist for artist in ax.get_children() if artist.get_label() == label)


def colored(ax):
    """Cells of a panel that are neither white, nor plain, nor faint for their padding."""
    data = named(ax, "cells").get_array()
    saturated = np.ptp(data, axis=2) > 0.26
    return {(int(row), int(column)) for row, column in zip(*np.nonzero(saturated), strict=True)}


def dark(ax):
    data = named(ax, "cells").get_array()
    return {tuple(map(int, place)) for place in np.argwhere(np.isclose(data, DARK).all(axis=2))}


def cell_texts(ax):
    """What upright texts say, by cell."""
    upright = [text for text in ax.texts if text.get_text()[:1] not in "cz" and text.get_style() == "normal"]
    return {tuple(round(place + 0.1) for place in text.get_position()[::-1]): text.get_text() for text in upright}


@every_case
def test_the_lit_line_is_that_of_the_matrix(name, by, animate):
    op = OPERATORS[name]()
    animation, matrix = animate(op, by=by), op._structure().toarray()
    ax = panel(animation, "matrix")
    count = op.shape[0] if by == "output" else op.shape[1]
    for number in range(count):
        frame(animation, number)
        alpha = ax.images[0].get_alpha()
        lit = alpha[number] if by == "output" else alpha[:, number]
        assert (lit == 1).all()
        assert (alpha == 1).sum() == lit.size
        box = named(ax, "lit row" if by == "output" else "lit column")
        along = box.get_y() if by == "output" else box.get_x()
        assert along == number - 0.5
    shown = ax.images[0].get_array()
    assert ((~np.ma.getmaskarray(shown)) >= (matrix != 0)).all()


@every_case
def test_the_cells_lit_are_those_of_the_line(name, by, animate):
    """In a plain picture without padding: a cell of the tensor has the place of its flat position."""
    op = OPERATORS[name]()
    window, point = ("input", "output") if by == "output" else ("output", "input")
    animation = animate(op, by=by)
    pattern = op._structure().toarray() != 0
    lines = pattern if by == "output" else pattern.T
    for number, line in enumerate(lines):
        frame(animation, number)
        board = _inside(animation, op, window)
        data = named(panel(animation, window), "cells").get_array()
        lit = [not np.allclose(data[place], PLAIN, atol=1e-6) and not np.allclose(data[place], 1) for place in board]
        assert lit == line.tolist()
        marked = dark(panel(animation, point))
        assert marked == {_inside(animation, op, point)[number]}


def _inside(animation, op, side):
    """Where each position of a tensor is drawn, worked out anew from the padding and the size of the picture."""
    shape = op.in_shape if side == "input" else op.out_shape
    ax = panel(animation, side)
    before, after = _pads(animation, op, side)
    padded = [n + b + a for n, b, a in zip(shape[1:], before, after, strict=True)]
    height, width = (1, 1) if not padded else (1, padded[0]) if len(padded) == 1 else padded[-2:]
    if not padded:
        height = shape[0]
    columns = (named(ax, "cells").get_array().shape[1] + 1) // (width + 1)
    places = []
    for index in np.ndindex(*shape):
        at = [i + b for i, b in zip(index[1:], before, strict=True)]
        row, column = (0, 0) if not at else (0, at[0]) if len(at) == 1 else at[-2:]
        tile = index[0]
        for i, n in zip(at[:-2], padded[:-2], strict=True):
            tile = tile * n + i
        places.append((tile // columns * (height + 1) + row, tile % columns * (width + 1) + column))
    return places


def _pads(animation, op, side):
    geometry = getattr(op, "geometry", None)
    nothing = [0] * (len(op.in_shape if side == "input" else op.out_shape) - 1)
    title = panel(animation, side).get_title()
    if geometry is None or "dashed" not in title:
        return nothing, nothing
    axes = geometry.axes
    return [max(a.pad_before, 0) for a in axes], [max(a.pad_after, 0) for a in axes]


@every_case
def test_the_last_frame_shows_the_output(name, by, animate):
    op = OPERATORS[name]()
    x = (np.arange(op.shape[1]) * 3 % 7).reshape(op.in_shape)
    animation = animate(op, x=x, by=by)
    frame(animation, (op.shape[0] if by == "output" else op.shape[1]) - 1)
    texts = cell_texts(panel(animation, "output"))
    expected = np.asarray(op(x)).reshape(-1)
    for value, place in zip(expected, _inside(animation, op, "output"), strict=True):
        if place in texts and name != "two rows":
            assert float(Fraction(texts[place])) == pytest.approx(float(value), rel=0.03)
    inputs = cell_texts(panel(animation, "input"))
    for value, place in zip(x.reshape(-1), _inside(animation, op, "input"), strict=True):
        assert not inputs or inputs[place] == str(value)


def test_outputs_fill_up_one_by_one(animate):
    op = cm.conv(KERNEL, (5, 5))
    animation = animate(op, x=ARTICLE)
    expected = [12, 12, 17, 10, 17, 19, 9, 6, 14]
    for number in (0, 4, 8, 4):
        frame(animation, number)
        shown = cell_texts(panel(animation, "output"))
        assert [int(shown[divmod(place, 3)]) for place in range(number + 1)] == expected[: number + 1]
        assert len(shown) == number + 1


def test_inputs_add_up_one_by_one(animate):
    op = cm.conv_transpose("1 2 3", 3, stride=2)
    x = [1, 10, 100]
    animation, matrix = animate(op, x=x), op.toarray()
    for number in (2, 0, 1):
        frame(animation, number)
        sums = matrix[:, : number + 1] @ x[: number + 1]
        reached = matrix[:, : number + 1].any(axis=1)
        shown = cell_texts(panel(animation, "output"))
        assert shown == {(0, place): str(sums[place]) for place in np.flatnonzero(reached)}


@pytest.mark.parametrize(
    ("op", "x", "number", "said"),
    [
        (cm.conv(KERNEL, (5, 5)), ARTICLE, 4,
         "row 4, output (y1, x1):  0·0 + 1·1 + 2·3 + 2·1 + 2·2 + 0·2 + 0·0 + 1·0 + 2·2 = 17"),
        (cm.conv("1 -1", 3), [1, -2, 3], 1, "row 1, output (x1):  1·(-2) + (-1)·3 = -5"),
        (cm.conv("1 2 3", 4, padding=1, padding_mode="circular"), [1, 2, 3, 4], 0,
         "row 0, output (x0):  1·4 + 2·1 + 3·2 = 12"),
        (cm.conv("1 2", 2, padding=2), [1, 1], 0, "row 0, output (x0):  only padding is read = 0"),
        (cm.conv_transpose("1 2 3", 2, stride=2), [4, 5], 1,
         "column 1, input (x1) = 5:  adds 1·5, 2·5, 3·5 to 3 outputs"),
        (cm.conv("7", 3, stride=2), [4, 5, 6], 0, "row 0, output (x0):  7·4 = 28"),
        (cm.conv("a b", 3), [4, 5, 6], 1, "row 1, output (x1):  a·5 + b·6 = 5a+6b"),
        (cm.conv(np.ones((1, 2, 1)), 2), [[1, 2], [3, 4]], 0, "row 0, output (x0):  1·1 + 1·3 = 4"),
        (cm.conv(np.ones((2, 1, 1)), 2), [1, 2], 3, "row 3, output (c1, x1):  1·2 = 2"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)  # fmt: skip
def test_the_arithmetic_of_a_frame(op, x, number, said, animate):
    figure = frame(animate(op, x=x), number)
    text = next(text for text in figure.texts if text.get_label() == "arithmetic")
    assert text.get_text() == said


def test_an_input_that_nobody_reads(animate):
    figure = frame(animate(cm.conv("7", 3, stride=2), x=[4, 5, 6], by="input"), 1)
    assert figure.texts[-1].get_text() == "column 1, input (x1) = 5:  reaches no output"


def test_long_sums_are_cut_in_their_middle(animate):
    figure = frame(animate(cm.conv(ramp(1, 4, 3, 3), (3, 3))), 0)
    said = figure.texts[-1].get_text()
    assert "(36 terms)" in said
    assert max(map(len, said.split("\n"))) <= 104


def test_taps_in_the_padding_are_faint_and_outlined(animate):
    animation = animate(cm.conv(KERNEL, (5, 5), stride=2, padding=1), x=ARTICLE)
    ax = panel(animation, "input")
    frame(animation, 0)
    assert colored(ax) <= {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert named(ax, "padding").get_linestyle() != [(0, None)]
    sides = np.concatenate(named(ax, "window").get_segments())
    assert sides.min(axis=0).tolist() == [-0.5, -0.5]
    assert sides.max(axis=0).tolist() == [2.5, 2.5]
    weights = {text.get_text() for text in ax.texts if text.get_style() == "italic"} - {""}
    assert weights == {"2", "0", "1"}


@pytest.mark.parametrize(
    ("mode", "shown"),
    [("circular", ["4", "1"]), ("reflect", ["2", "3"]), ("replicate", ["1", "4"]), ("zeros", [None, None])],
)
def test_padding_shows_what_it_repeats(mode, shown, animate):
    animation = animate(cm.conv("1 2 3", 4, padding=1, padding_mode=mode), x=[1, 2, 3, 4])
    texts = cell_texts(panel(animation, "input"))
    assert [texts.get((0, 0)), texts.get((0, 5))] == shown


def test_a_transposed_layer_goes_by_its_input(animate):
    assert named(panel(animate(cm.conv_transpose("1 2", 3)), "matrix"), "lit column").get_height() == 4
    assert named(panel(animate(cm.conv("1 2", 3)), "matrix"), "lit row").get_width() == 3


def test_frames_do_not_depend_on_those_before(animate):
    first, second = (animate(cm.conv(KERNEL, (5, 5)), x=ARTICLE) for _ in range(2))
    for number in (7, 2):
        frame(first, number)
    frame(second, 2)
    pictures = []
    for animation in (first, second):
        animation._fig.canvas.draw()
        pictures.append(np.asarray(animation._fig.canvas.buffer_rgba()))
    assert np.array_equal(*pictures)


def test_artists_are_made_once(animate):
    animation = animate(cm.conv(KERNEL, (5, 5)), x=ARTICLE)
    artists = set(map(id, animation._fig.findobj()))
    changed = animation._func(3)
    assert set(map(id, animation._fig.findobj())) == artists
    assert all(id(artist) in artists for artist in changed)


def test_the_last_frame_is_held(animate, tmp_path):
    animation = animate(cm.conv("1 2", 4), hold=2, interval=100)
    assert list(animation.new_frame_seq()) == [0, 1, 2, 2, 2]
    animation.save(tmp_path / "one.gif", writer="pillow")
    with Image.open(tmp_path / "one.gif") as picture:
        assert picture.n_frames == 3
        picture.seek(2)
        assert picture.info["duration"] == 300


@every_case
def test_every_animation_is_legible(name, by):
    assert not figure_audit.problems(cm.animate(OPERATORS[name](), by=by))


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (lambda: np.eye(3), {}, "op must be an operator, got ndarray"),
        (lambda: cm.conv("1 2", 300), {},
         "op must have at most 150 rows and columns to be animated, got a matrix of 299 x 300"),
        (lambda: cm.conv("1 2", 120), {}, "op must have at most 100 rows to be animated by its output, got 119"),
        (lambda: cm.conv("1 2", 120, stride=2), {"by": "input"},
         "at most 100 columns to be animated by its input, got 120"),
        (lambda: cm.conv("1 2", 140, stride=2), {}, "op must have an input whose cells can be told apart"),
        (lambda: cm.conv("1 2", 4), {"by": "row"}, "by must be one of 'output', 'input', got 'row'"),
        (lambda: cm.conv("1 2", 4), {"color": "red"}, "color must be one of 'tap', 'value', got 'red'"),
        (lambda: cm.conv("a b", 4), {"color": "value"}, "color must be 'tap' for symbolic entries"),
        (lambda: cm.conv("1 2", 4), {"x": [1, 2]},
         r"x must have shape \(1, 4\), one input without a batch, got \(2,\)"),
        (lambda: cm.conv("1 2", 4), {"x": [1, 2, np.nan, 4]}, "x must be finite to be animated, got NaN or infinity"),
        (lambda: cm.conv([1, np.inf], 4), {}, "op must be finite to be animated, got NaN or infinity"),
        (lambda: cm.conv("1 2", 4), {"interval": 0}, "interval must be a positive number of milliseconds, got 0"),
        (lambda: cm.conv("1 2", 4), {"interval": "fast"},
         "interval must be a positive number of milliseconds, got 'fast'"),
        (lambda: cm.conv("1 2", 4), {"interval": np.inf},
         "interval must be a positive number of milliseconds, got inf"),
        (lambda: cm.conv("1 2", 4), {"hold": -1}, "hold must be an integer of at least 0, got -1"),
        (lambda: cm.conv("1 2", 4), {"hold": 1.5}, "hold must be an integer of at least 0, got 1.5"),
        (lambda: cm.conv("1 2", 4), {"hold": True}, "hold must be an integer of at least 0, got True"),
    ],
    ids=lambda value: value[:34] if isinstance(value, str) else "",
)  # fmt: skip
def test_refusals(make, options, said):
    with pytest.raises(ConvMatrixError, match=said):
        cm.animate(make(), **options)
    assert not pyplot.get_fignums()
