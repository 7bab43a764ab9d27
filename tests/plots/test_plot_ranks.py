"""Pictures of ranks and null spaces: what their artists show against NumPy."""

from __future__ import annotations

import figure_audit
import numpy as np
import pytest
from matplotlib import pyplot

import convmatrix as cm
from convmatrix.analysis.ranks import killed

RNG = np.random.default_rng(0)
AROUND = {"padding": 1, "padding_mode": "circular"}
WEIGHT = RNG.standard_normal((6, 4, 3, 3))
WEIGHT[5] = WEIGHT[4]
INTEGERS = RNG.integers(-2, 3, (4, 4, 3, 3))
SOBEL = cm.conv("sobel_x", (8, 8), **AROUND)
PROFILES = {
    "floats": cm.rank_profile(cm.conv(WEIGHT, (8, 8), **AROUND)),
    "exact": cm.rank_profile(SOBEL),
    "weight": cm.rank_profile(INTEGERS),
    "one axis": cm.rank_profile(cm.conv("1 2 1", 9)),
    "three axes": cm.rank_profile(cm.conv(RNG.standard_normal((2, 2, 2, 2, 2)), (3, 3, 3))),
    "no layer": cm.rank_profile(cm.avg_pool((2, 6, 6), 2)),
    "zero": cm.rank_profile(cm.conv([0.0, 0.0], 5)),
    "too large": cm.rank_profile(cm.conv(RNG.standard_normal((16, 16, 3, 3)), (40, 40), padding=1), exact=False),
}
NULLS = {
    "lines": cm.null_space(cm.conv("box:size=4", (16, 16), padding=((1, 2), (1, 2)), padding_mode="circular")),
    "one axis": cm.null_space(cm.conv("1 0 -1", 12, **AROUND)),
    "reflect": cm.null_space(cm.conv("sobel_x", (6, 6), padding=1, padding_mode="reflect")),
    "volume": cm.null_space(cm.conv(np.ones((2, 2, 2), dtype=int), (4, 4, 4), padding=((0, 1),) * 3,
                                    padding_mode="circular")),
    "nothing": cm.null_space(cm.conv("1 5 1", 6, padding=1)),
}  # fmt: skip


def draw(result):
    figure = cm.plot(result)
    figure.canvas.draw()
    return figure


def panel(figure, label):
    (found,) = [ax for ax in figure.axes if ax.get_label() == label]
    return found


@pytest.mark.parametrize("name", PROFILES)
def test_pictures_of_ranks_are_legible(name):
    assert not figure_audit.problems(draw(PROFILES[name]))


@pytest.mark.parametrize("name", NULLS)
def test_pictures_of_null_spaces_are_legible(name):
    assert not figure_audit.problems(draw(NULLS[name]))


@pytest.mark.parametrize(
    "result", [PROFILES["floats"], NULLS["lines"], NULLS["one axis"]], ids=["ranks", "map", "stems"]
)
def test_into_axes_of_others(result):
    figure, ax = pyplot.subplots()
    assert cm.plot(result, ax=ax) is ax
    assert figure.axes == [ax]
    with pytest.raises(cm.ConvMatrixError, match="colour must be an option of the drawing or an argument of Axes"):
        cm.plot(result, colour="red")


def test_every_matrix_has_its_curves_and_says_its_rank():
    figure, result = draw(PROFILES["floats"]), PROFILES["floats"]
    values, energy = panel(figure, "values"), panel(figure, "energy")
    shown = {line.get_label().split(": ")[0]: line for line in values.lines if not line.get_label().startswith("_")}
    assert list(shown) == [profile.name for profile in result.profiles]
    for profile in result.profiles:
        line = shown[profile.name]
        assert line.get_label() == f"{profile.name}: {profile.rank_text}"
        expected = profile.values / profile.values[0]
        assert np.allclose(line.get_ydata(), np.maximum(expected, 1e-17), rtol=1e-6)
        assert np.allclose(line.get_xdata(), np.arange(1, len(expected) + 1) / len(expected))
    for line, profile in zip(energy.lines, result.profiles, strict=True):
        squares = np.cumsum(profile.values**2)
        assert np.allclose(line.get_ydata(), squares / squares[-1])
    assert len({(line.get_linestyle(), line.get_marker()) for line in energy.lines}) == len(energy.lines)


def test_the_tolerance_is_drawn_where_the_rank_is_numerical():
    tolerances = {}
    for name in ("floats", "exact"):
        lines = panel(draw(PROFILES[name]), "values").lines
        tolerances[name] = [line.get_ydata()[0] for line in lines if line.get_label() == "_tolerance"]
    assert tolerances == {"floats": [PROFILES["floats"].operator.tol], "exact": []}


def test_kernels_are_counted_by_rank():
    ax = panel(draw(PROFILES["weight"]), "kernels")
    heights = [round(bar.get_height()) for bar in ax.patches]
    ranks = np.linalg.matrix_rank(INTEGERS.astype(float))
    assert heights == [int((ranks == rank).sum()) for rank in range(4)]
    assert [ax.get_label() for ax in draw(PROFILES["no layer"]).axes] == ["values", "energy"]


def test_what_has_no_values_is_said():
    figure = draw(PROFILES["too large"])
    labels = [line.get_label() for line in panel(figure, "values").lines]
    assert any("operator: not computed, of 25600 (values not computed)" in label for label in labels)


def test_lost_frequencies_are_where_the_transform_is_0():
    figure = draw(NULLS["lines"])
    shown = panel(figure, "frequencies").images[0].get_array()
    symbol = np.fft.fftshift(np.fft.fft2(np.ones((4, 4)), (16, 16)))
    assert ((np.asarray(shown) > 0.5) == (np.abs(symbol) < 1e-12)).all()
    assert np.isclose(shown.sum(), NULLS["lines"].dimension)
    assert figure.texts[0].get_text() == f"null space of dimension {NULLS['lines'].dimension} of 256, exact"


def test_tensors_that_are_sent_to_0():
    figure = draw(NULLS["lines"])
    op = NULLS["lines"].op
    for number in range(3):
        tensor = np.asarray(panel(figure, f"null {number}").images[0].get_array())
        assert np.abs(op(tensor).astype(float)).max() < 1e-12
    assert [ax.get_label() for ax in draw(NULLS["nothing"]).axes] == ["frequencies"]


def test_an_operator_without_space_has_no_frequencies():
    with pytest.raises(cm.ConvMatrixError, match="result must be of an operator with an axis of space"):
        cm.plot(cm.null_space(cm.conv(np.array([[1, 1]]), ())))


def test_each_tolerance_that_decides_is_drawn():
    figure, result = draw(PROFILES["floats"]), PROFILES["floats"]
    ax = panel(figure, "values")
    own = {line.get_label(): line for line in ax.lines if line.get_label().startswith("_tolerance of")}
    expected = {f"_tolerance of {name}": p.tol for name, p in result.unfoldings.items() if p.rank < min(p.shape)}
    assert {label: line.get_ydata()[0] for label, line in own.items()} == expected
    assert len(expected) == 1
    (shown,) = own.values()
    (curve,) = [line for line in ax.lines if line.get_label().startswith("c_out x (c_in h w): 5 of 6")]
    assert shown.get_color() == curve.get_color()
    assert curve.get_ydata()[-1] < shown.get_ydata()[0] < curve.get_ydata()[-2]
    assert [text.get_text() for text in ax.texts] == ["the operator's tolerance", "its tolerance"]


def test_many_tolerances_have_one_name():
    weight = np.zeros((3, 3, 3, 3))
    weight[0, 0] = 0.3
    figure = draw(cm.rank_profile(weight))
    assert [text.get_text() for text in panel(figure, "values").texts] == ["their tolerances"]
    assert not figure_audit.problems(figure)


def test_shares_are_named_and_counted_in_whole_vectors():
    figure = draw(NULLS["lines"])
    (bar,) = panel(figure, "frequencies").child_axes
    assert bar.get_ylabel() == "share of the null space"
    assert [round(tick, 9) for tick in bar.get_yticks()] == [0, 1]
    ticks = panel(draw(NULLS["one axis"]), "frequencies").get_yticks()
    assert np.array_equal(ticks, np.round(ticks))


def test_the_tensors_are_of_different_frequencies_and_need_no_basis(monkeypatch):
    def refuse(*_):
        raise AssertionError("the whole basis was made")

    monkeypatch.setattr(killed.Killed, "tensors", refuse)
    figure = draw(cm.null_space(cm.conv("sobel_x", (512, 512), **AROUND)))
    shown = [np.asarray(panel(figure, f"null {number}").images[0].get_array()) for number in range(3)]
    peaks = {int(np.abs(np.fft.rfft2(tensor)).argmax()) for tensor in shown}
    assert len(peaks) == 3


@pytest.mark.parametrize("large", [10**40, 10**400])
def test_integers_beyond_floats_are_drawn_as_shares(large):
    figure = draw(cm.null_space(cm.conv([1, large], 6), exact=True))
    (line, *_) = panel(figure, "null 0").lines
    assert np.allclose(np.abs(line.get_ydata()), [1, *[0] * 5])
