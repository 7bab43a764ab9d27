"""The figures of the spectrum: what they show against NumPy's transforms and decompositions."""

import numpy as np
import pytest
from figure_reading import draw, module

import convmatrix as cm

pytest.importorskip("figures")


def _line(ax, start):
    (found,) = [line for line in ax.lines if line.get_label().startswith(start)]
    return found


def test_each_map_is_the_transform_of_its_kernel():
    figure, own = draw("frequency_responses"), module("frequency_responses")
    panels = {ax.get_label(): ax for ax in figure.axes}
    for name in own.KERNELS:
        kernel = np.asarray(cm.kernel(name), dtype=float)
        expected = np.fft.fftshift(np.abs(np.fft.fft2(kernel, (own.GRID, own.GRID))))
        shown = panels[name].images[0]
        assert np.allclose(shown.get_array(), expected)
        assert shown.norm.vmax == pytest.approx(expected.max())
        assert f"gain up to {expected.max():.3g}" in panels[name].get_title()
        peak = _line(panels[name], "peak")
        frequency = np.fft.fftshift(np.fft.fftfreq(own.GRID))
        row, column = (np.argmin(np.abs(frequency - at[0])) for at in (peak.get_ydata(), peak.get_xdata()))
        assert expected[row, column] == pytest.approx(expected.max())


def test_what_the_words_say_of_the_kernels():
    own = module("frequency_responses")
    gain = {name: cm.frequency_response(cm.conv(name, (16, 16)), 64).gain for name in own.KERNELS}
    middle, corner, right = (32, 32), (0, 0), (32, 48)
    assert gain["gaussian5"][middle] == gain["gaussian5"].max()
    assert gain["laplacian4"][middle] < 1e-12
    assert gain["sharpen"][corner] == gain["sharpen"].max() > gain["sharpen"][middle]
    assert gain["sobel_x"][right] == pytest.approx(gain["sobel_x"].max())
    assert np.abs(gain["sobel_x"][:, 32]).max() < 1e-12
    assert np.abs(gain["box:size=4"][:, [0, 16, 48]]).max() < 1e-12
    assert np.allclose(np.diag(gain["motion"][:, ::-1])[:-1], np.diag(gain["motion"][:, ::-1])[0], atol=2)


def test_both_spectra_and_both_gaps_are_true():
    figure, own = draw("spectrum_gap"), module("spectrum_gap")
    values, gap = figure.axes
    for label, options in (("circular", own.AROUND), ("zero padding", {"padding": 1})):
        matrix = cm.conv(own.WEIGHT, (12, 12), **options).toarray()
        assert np.allclose(_line(values, label).get_ydata(), np.linalg.svd(matrix, compute_uv=False))
    same, embedding = _line(gap, own.SAME).get_ydata(), _line(gap, own.EMBEDDING).get_ydata()
    for place, size in enumerate(own.SIZES):
        norms = [
            np.linalg.norm(cm.conv("laplacian4", (n, n), padding=1, padding_mode=mode).toarray(), 2)
            for n, mode in ((size, "zeros"), (size, "circular"), (size + 1, "circular"))
        ]
        assert same[place] == pytest.approx(100 * (norms[1] / norms[0] - 1), abs=1e-4)
        assert embedding[place] == pytest.approx(100 * (norms[2] / norms[0] - 1), abs=1e-4)
    odd = np.array(own.SIZES) % 2 == 1
    assert (same[odd] < 0).all()
    assert (same[~odd] > 0).all()
    assert (embedding > -1e-9).all()


def test_every_bound_is_above_the_norm():
    ax = draw("norm_bounds").axes[0]
    true = np.sqrt(np.linalg.eigvalsh(_gram(module("norm_bounds").WEIGHT))[-1])
    lower = cm.spectral_norm(cm.conv(module("norm_bounds").WEIGHT, (16, 16), padding=1)).lower
    marks = [line for line in ax.lines if line.get_label() in ("bound", "no bound")]
    for mark in marks:
        assert mark.get_label() == "no bound" or mark.get_xdata()[0] * lower >= true * (1 - 1e-9)
    assert not [text for text in ax.texts if text.get_text().endswith(("ms", " s"))]


def _gram(weight):
    matrix = cm.conv(weight, (16, 16), padding=1).tosparse()
    return (matrix.T @ matrix).toarray()


def test_layers_of_the_network_are_compared_with_circular_borders():
    (ax,), own = draw("layer_spectra").axes, module("layer_spectra")
    assert [line.get_label() for line in ax.lines] == own.NAMES
    for line, layer in zip(ax.lines, own.digits.networks()[1].layers, strict=True):
        circular = own.circular(layer)
        assert circular.out_shape == layer.out_shape
        expected = cm.singular_values(circular).values
        assert np.allclose(line.get_ydata(), np.maximum(expected / expected[0], np.finfo(float).eps))


def test_the_lost_frequencies_of_a_box():
    figure = draw("null_space")
    (ax,) = [own for own in figure.axes if own.get_label() == "frequencies"]
    lost = np.abs(np.fft.fftshift(np.fft.fft2(np.ones((4, 4)), (16, 16)))) < 1e-9
    assert lost.sum() == 87
    assert ((np.asarray(ax.images[0].get_array()) > 0.5) == lost).all()


def test_two_equal_filters_cost_one_unfolding_its_rank():
    figure = draw("rank_profile")
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert any(label.startswith("c_out x (c_in h w): 5 of 6") for label in labels)
    assert any(label.startswith("operator: 256 of 256") for label in labels)
    assert [bar.get_height() for bar in figure.axes[2].patches] == [0, 0, 0, 24]
