"""Pictures of spectra, responses and norms: what their artists show against NumPy."""

from __future__ import annotations

import figure_audit
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb

import convmatrix as cm

RNG = np.random.default_rng(0)
WEIGHT = RNG.standard_normal((3, 3, 3, 3))
AROUND = {"padding": 1, "padding_mode": "circular"}
LAYER = cm.conv(WEIGHT, (6, 6), **AROUND)
BLUR = cm.conv("gaussian5", (8, 8), padding=2, padding_mode="circular")
RESULTS = {
    "all values": cm.singular_values(LAYER),
    "deficient": cm.singular_values(BLUR),
    "largest": cm.singular_values(LAYER, 7),
    "smallest": cm.singular_values(LAYER, 7, which="smallest"),
    "of zero": cm.singular_values(cm.conv([0.0, 0.0], 4)),
    "spectra": cm.compare_spectra({"random": LAYER, "blur": BLUR, "1x1": cm.conv(WEIGHT[..., :1, :1], (6, 6))}),
    "twelve spectra": cm.compare_spectra([cm.conv(RNG.standard_normal(3), 9) for _ in range(12)]),
    "curve": cm.frequency_response(cm.conv(WEIGHT[..., 0], 9)),
    "map": cm.frequency_response(cm.conv("sobel_x", (9, 9)), 33),
    "slice": cm.frequency_response(cm.conv(np.ones((2, 2, 2)), (4, 4, 4)), 8),
    "slice off the middle": cm.frequency_response(
        cm.conv(np.ones((3, 2, 2)) * np.array([1, -2, 1]).reshape(3, 1, 1), (4, 4, 4)), 8
    ),
    "huge values": cm.singular_values(cm.conv([1.7e308, 0], 8)),
    "least values": cm.singular_values(cm.conv([5e-324, 5e-324], 8)),
    "huge gains": cm.frequency_response(cm.conv([1.7e308, 0], 8)),
    "huge map": cm.frequency_response(cm.conv([[1.7e308, 0]], (2, 8)), 8),
    "huge spectra": cm.compare_spectra([cm.conv([1.7e308, 0], 8)]),
    "huge norm": cm.norm_bounds(cm.conv([2e307, 1e306], 8)),
    "norm 0": cm.norm_bounds(cm.conv([0.0, 0.0], 8)),
    "norm": cm.spectral_norm(cm.conv(WEIGHT, (9, 9), padding=1)),
    "bounds": cm.norm_bounds(cm.conv(WEIGHT, (9, 9), padding=1)),
    "bounds of a permutation": cm.norm_bounds(cm.identity((2, 3))),
}


def draw(name, **options):
    figure = cm.plot(RESULTS[name], **options)
    figure.canvas.draw()
    return figure


def line(ax, label):
    (found,) = [own for own in ax.lines if own.get_label() == label]
    return found


@pytest.mark.parametrize("name", RESULTS)
def test_every_picture_is_legible(name):
    assert not figure_audit.problems(draw(name))


@pytest.mark.parametrize("name", RESULTS)
def test_every_picture_fits_into_axes_of_others(name):
    figure, ax = pyplot.subplots()
    assert cm.plot(RESULTS[name], ax=ax) is ax
    assert len(figure.axes) == 1


@pytest.mark.parametrize("name", ["all values", "spectra", "curve", "map", "norm"])
def test_an_argument_nobody_knows_is_refused(name):
    with pytest.raises(cm.ConvMatrixError, match="colour must be an option of the drawing or an argument of Axes"):
        draw(name, colour="red")
    assert not pyplot.get_fignums()


def test_values_are_drawn_in_their_order_with_the_tolerance_and_the_rank():
    values = np.linalg.svd(BLUR.toarray(float), compute_uv=False)
    figure = draw("deficient")
    ax, energy = figure.axes
    assert ax.get_yscale() == "log"
    drawn, tolerance = line(ax, "values"), line(ax, "tolerance")
    assert (drawn.get_xdata() == np.arange(1, 65)).all()
    tol = 64 * np.finfo(float).eps * values[0]
    assert np.allclose(tolerance.get_ydata(), tol)
    above = values > tol
    assert np.allclose(drawn.get_ydata()[above], values[above])
    assert (drawn.get_ydata()[~above] < tol).all()
    assert ax.get_title() == f"rank {np.linalg.matrix_rank(BLUR.toarray(float))} of 64 at this tolerance"
    shares = np.cumsum(values**2) / (values**2).sum()
    assert np.allclose(line(energy, "energy").get_ydata(), shares)
    for label, share in (("90%", 0.9), ("99%", 0.99)):
        number = int(line(energy, label).get_xdata()[0])
        assert shares[number - 1] >= share > shares[number - 2]


def test_a_tolerance_far_below_is_said_and_not_drawn():
    ax = draw("all values").axes[0]
    assert [own.get_label() for own in ax.lines] == ["values"]
    assert any("all far above the tolerance" in text.get_text() for text in ax.texts)


@pytest.mark.parametrize(("name", "first"), [("largest", 1), ("smallest", 102)])
def test_some_values_stand_in_their_places(name, first):
    (ax,) = draw(name).axes
    assert (line(ax, "values").get_xdata() == np.arange(first, first + 7)).all()


def test_spectra_are_told_apart_without_colours():
    (ax,) = draw("spectra").axes
    assert [own.get_label() for own in ax.lines] == ["random", "blur", "1x1"]
    assert len({(own.get_linestyle(), own.get_marker()) for own in ax.lines}) == 3
    for own, row in zip(ax.lines, RESULTS["spectra"], strict=True):
        assert np.isclose(own.get_ydata()[0], 1)
        assert np.isclose(own.get_xdata()[-1], 1)
        assert len(own.get_xdata()) == len(row.values)
    names = {text.get_text(): text.get_window_extent().y0 for text in ax.texts}
    assert names["1x1"] > names["random"] > names["blur"]


def test_the_response_shows_gains_and_the_peak():
    ax = draw("map").axes[0]
    (image,) = ax.images
    expected = np.fft.fftshift(np.abs(np.fft.fft2(np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]), (33, 33))))
    assert np.allclose(image.get_array(), expected)
    peak = line(ax, "peak")
    assert abs(peak.get_xdata()[0]) == pytest.approx(0.25, abs=0.02)
    assert peak.get_ydata()[0] == 0
    assert not peak.get_clip_on()  # whole in a corner too
    curve = draw("curve").axes[0]
    assert {own.get_label() for own in curve.lines} == {"largest gain", "smallest gain", "peak"}


def test_of_a_volume_the_slice_through_the_peak_is_drawn():
    figure = draw("slice off the middle")
    result, ax = RESULTS["slice off the middle"], figure.axes[0]
    assert result.peak == (0.5, 0, 0)
    assert np.allclose(ax.images[0].get_array(), result.gain[0])
    assert ax.images[0].get_array().max() == result.gain.max()
    assert ax.get_title() == "the slice at 0.5 along the other axis"
    assert [line(ax, "peak").get_xdata()[0], line(ax, "peak").get_ydata()[0]] == [0, 0]


@pytest.mark.parametrize(("name", "unit"), [("huge values", "1e308"), ("least values", "1e-307")])
def test_values_at_the_end_of_floats_are_drawn_in_a_unit(name, unit):
    ax = draw(name).axes[0]
    assert np.allclose(line(ax, "values").get_ydata() * float(unit), RESULTS[name].values, rtol=1e-12, atol=5e-324)
    assert ax.get_ylabel() == f"singular value, in {unit}"


def test_bounds_stand_above_the_norm_and_guesses_are_crosses():
    ax = draw("bounds").axes[0]
    result = RESULTS["bounds"]
    assert [label.get_text() for label in ax.get_yticklabels()] == [row.name for row in result.rows]
    marks = [own for own in ax.lines if own.get_label() in ("bound", "no bound")]
    assert {own.get_marker() for own in marks if own.get_label() == "no bound"} == {"X"}
    assert len({to_rgb(own.get_color()) for own in marks}) == 2
    for own in marks:
        row = result.rows[int(own.get_ydata()[0])]
        assert np.isclose(own.get_xdata()[0], row.value / result.norm.lower)
        assert row.is_bound == (own.get_label() == "bound")
    start, end = ax.get_xlim()
    assert min(own.get_xdata()[0] for own in marks) > start + 0.02 * (end - start)  # no mark is cut by the frame
    assert sum("no bound" in text.get_text() for text in ax.texts) == 2
    assert "norm is between" in ax.figure.texts[0].get_text()
