"""Gains at each frequency against Fourier transforms, and spectra side by side."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import convmatrix as cm

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [8, 9, (6, 5)], ids=str)
def test_gains_of_one_channel_are_the_magnitude_of_the_transform(size):
    kernel = RNG.standard_normal((3, 4))
    found = cm.frequency_response(cm.conv(kernel, (9, 9), stride=2, padding=1), size)
    grid = (size, size) if isinstance(size, int) else size
    # Correlation: the transform of the kernel turned round, of which the magnitude is the same.
    expected = np.fft.fftshift(np.abs(np.fft.fft2(kernel, grid)))
    assert np.allclose(found.gain, expected)
    assert np.allclose(found.least_gain, expected)
    for own, n in zip(found.frequencies, grid, strict=True):
        assert np.allclose(own, np.fft.fftshift(np.fft.fftfreq(n)))


@pytest.mark.parametrize("groups", [1, 2])
def test_gains_of_channels_are_singular_values(groups):
    weight = RNG.standard_normal((4, 4 // groups, 3, 2))
    op = cm.conv(weight, (7, 7), groups=groups, dilation=2)
    found = cm.frequency_response(op, (5, 6))
    whole = np.zeros((4, 4, 5, 4))
    for group in range(groups):
        rows = slice(group * 4 // groups, (group + 1) * 4 // groups)
        whole[rows, rows, ::2, ::2] = weight[rows]
    symbols = np.zeros((5, 6, 4, 4), dtype=complex)
    for (y, x), (i, j) in [((y, x), (i, j)) for y in range(5) for x in range(6) for i in range(5) for j in range(4)]:
        symbols[y, x] += whole[:, :, i, j] * np.exp(2j * np.pi * (y * i / 5 + x * j / 6))
    values = np.linalg.svd(symbols, compute_uv=False)
    assert np.allclose(found.gain, np.fft.fftshift(values.max(axis=-1)))
    assert np.allclose(found.least_gain, np.fft.fftshift(values.min(axis=-1)))


def test_gains_are_the_values_of_the_circular_layer_on_its_grid():
    weight = RNG.standard_normal((3, 2, 3, 3))
    op = cm.conv(weight, (6, 6), padding=1, padding_mode="circular")
    found = cm.frequency_response(op, 6)
    assert math.isclose(found.gain.max(), cm.singular_values(op)[0], rel_tol=1e-12)
    assert math.isclose(found.least_gain.min(), cm.singular_values(op).smallest, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("op", "peak"),
    [
        (cm.conv("1 2 1", 8), (0.0,)),
        (cm.conv("1 -2 1", 8), (0.5,)),
        (-2 * cm.conv("-1 0 1", 8), (0.25,)),
        (cm.conv_transpose("1 -1; 1 -1", (4, 4), stride=2), (0.0, 0.5)),
        (cm.channel_shuffle((2, 8), 2) @ cm.conv(np.ones((2, 1, 3)), 10), (0.0,)),
    ],
    ids=["low", "high", "middle", "transposed", "shuffled"],
)
def test_peak(op, peak):
    found = cm.frequency_response(op, 16)
    assert found.peak == peak
    assert math.isclose(cm.frequency_response(2 * op, 16).gain.max(), 2 * found.gain.max())


ROWS, COLUMNS = np.mgrid[-4:5, -4:5]
WAVES = np.exp(-(ROWS**2 + COLUMNS**2) / 8)
VOLUME = np.mgrid[-2:3, -2:3, -2:3]
PEAKS = {
    "down to the left": (WAVES * np.cos(2 * np.pi * (ROWS - COLUMNS) / 8), (0.125, -0.125)),
    "down to the right": (WAVES * np.cos(2 * np.pi * (ROWS + COLUMNS) / 8), (0.125, 0.125)),
    "in a volume": (
        np.cos(2 * np.pi * (VOLUME[0] * 0.25 - VOLUME[1] * 0.125)) * np.exp(-(VOLUME**2).sum(axis=0) / 6),
        (0.25, -0.125, 0.0),
    ),
    "diagonal, highest": (np.array([[0, 1, -1], [1, -2, 1], [-1, 1, 0]]), (0.5, 0.5)),
    "complex": (np.array([1, 1j]), (-0.25,)),
    "complex, a wave": (np.exp(2j * np.pi * 0.1875 * np.arange(9)), (-0.1875,)),
}


@pytest.mark.parametrize("name", PEAKS)
def test_the_gain_at_the_peak_is_the_largest(name):
    kernel, peak = PEAKS[name]
    found = cm.frequency_response(cm.conv(kernel, (12,) * kernel.ndim), 16)
    assert found.peak == peak
    phases = sum(own * taps for own, taps in zip(found.peak, np.indices(kernel.shape), strict=True))
    there = abs((kernel * np.exp(2j * np.pi * phases)).sum())
    assert math.isclose(there, found.gain.max(), rel_tol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_of_mirror_images_the_peak_is_the_first(seed):
    kernel = np.random.default_rng(seed).standard_normal((3, 3, 2)[: 1 + seed % 3])
    found = cm.frequency_response(cm.conv(kernel, (6,) * kernel.ndim), 9)
    phases = sum(own * taps for own, taps in zip(found.peak, np.indices(kernel.shape), strict=True))
    assert math.isclose(abs((kernel * np.exp(2j * np.pi * phases)).sum()), found.gain.max(), rel_tol=1e-9)
    assert next((own for own in found.peak if own), 1) > 0


def test_gains_are_of_all_taps_whether_an_input_lets_them_read_or_not():
    found = cm.frequency_response(cm.conv([1.0, 5.0], 1, padding=((0, 1),)), 8)
    assert np.allclose(found.gain, np.fft.fftshift(np.abs(np.fft.fft([1.0, 5.0], 8))))


def test_measures_of_values_near_the_end_of_floats():
    (row,) = cm.compare_spectra([cm.conv([1.7e308, 0], 8)])
    assert (row.effective_rank, row.stable_rank) == (pytest.approx(7), pytest.approx(7))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: cm.frequency_response(cm.identity((1, 4))),
            "op must be a layer with an axis of space, got Permutation",
        ),
        (lambda: cm.frequency_response(cm.conv([[1.0]], ())), "op must be a layer with an axis of space, got"),
        (lambda: cm.frequency_response(cm.conv("1 2", 4) @ cm.conv("1 2", 5)), "op must be a layer"),
        (lambda: cm.frequency_response(cm.conv("a b", 4)), "op must have weights without symbols, got a"),
        (lambda: cm.frequency_response(cm.conv([np.nan], 4)), "op must have finite weights, got nan"),
        (lambda: cm.frequency_response(cm.conv("1 2", 4), 0), "size must be at least 1"),
        (lambda: cm.compare_spectra([]), "ops must hold at least one operator, got none"),
        (
            lambda: cm.compare_spectra(cm.conv("1 2", 4)),
            "ops must be a mapping or a sequence of operators, got Convolution",
        ),
        (lambda: cm.compare_spectra([3]), "op must be a TensorOperator, got int"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        call()


def test_the_response_says_what_it_is():
    found = cm.frequency_response(cm.conv("1 2 1; 2 4 2; 1 2 1", (8, 8)), 8)
    data = json.loads(json.dumps(found.to_dict()))
    assert data["largest"] == 16
    assert data["peak"] == [0, 0]
    assert np.allclose(data["gain"], found.gain)
    assert json.loads(json.dumps(cm.frequency_response(found.op, 65).to_dict()))["gain"] is None
    assert str(found).startswith("gains from 0 to 16, the largest at 0, 0 cycles a position")
    assert "<th>grid</th>" in found._repr_html_()


AROUND = {"padding": 1, "padding_mode": "circular"}


def test_spectra_side_by_side():
    layers = {"blur": cm.conv("1 2 1", 8, **AROUND), "wide": cm.conv(RNG.standard_normal((2, 3, 3)), 9)}
    found = cm.compare_spectra(layers)
    assert [row.name for row in found] == list(layers)
    assert len(found) == 2
    for row, op in zip(found, layers.values(), strict=True):
        values = np.linalg.svd(op.toarray(), compute_uv=False)
        assert math.isclose(row.stable_rank, (values**2).sum() / values[0] ** 2)
        shares = values / values.sum()
        entropy = -sum(share * math.log(share) for share in shares if share > 1e-15)
        assert math.isclose(row.effective_rank, math.exp(entropy), rel_tol=1e-9)
        assert row.rank() == np.linalg.matrix_rank(op.toarray())
        assert np.allclose(row.energy(), np.cumsum(values**2) / (values**2).sum())
    assert found[0].condition == math.inf
    assert math.isclose(found[1].condition, np.linalg.cond(layers["wide"].toarray()))
    assert found[0].rank(0.5) == 3


def test_spectra_without_names_and_of_nothing():
    found = cm.compare_spectra([cm.conv([0.0], 4), cm.identity((3,))])
    assert [row.name for row in found] == ["layer 1", "layer 2"]
    zero, one = found
    assert (zero.stable_rank, zero.effective_rank, zero.rank(), zero.condition) == (0, 0, 0, math.inf)
    assert (one.stable_rank, one.rank(), one.condition) == (3, 3, 1)
    data = json.loads(json.dumps(found.to_dict()))
    assert data["rows"][0]["condition"] == "inf"
    assert "effective rank" in str(found)
    assert found._repr_html_().startswith("<pre>")
