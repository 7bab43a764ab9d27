"""The figures of singular values and what follows from them: their pictures against SciPy and dense matrices."""

from importlib import import_module

import figure_audit
import numpy as np
import pytest
from scipy.ndimage import correlate1d
from scipy.optimize import minimize_scalar

pytest.importorskip("figures")

MODULE = import_module("figures.deconvolution")
SIZE = 256


@pytest.fixture(scope="module")
def drawn():
    figure = MODULE.draw()
    figure.set_dpi(figure_audit.DPI)
    return figure


@pytest.fixture(scope="module")
def along():
    """The blur along one axis as a matrix, from SciPy, which calls this border "reflect"."""
    taps = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)
    return correlate1d(np.eye(SIZE), taps / taps.sum(), axis=0, mode="reflect")


def _pixels(drawn, label):
    (ax,) = [ax for ax in drawn.axes if ax.get_label() == label]
    return np.asarray(ax.images[0].get_array())


def _said(drawn):
    return [text.get_text() for text in drawn.texts]


X, Y, BACK, LEAST, SHARP = "x", "y = C x", "C\u1d40 y", "C\u207a y", "(C\u1d40C + \u03b1I)\u207b\u00b9 C\u1d40 y"


def test_the_figure_is_read_on_a_page(drawn):
    assert not figure_audit.problems(drawn)
    assert MODULE.SECTION == "6"
    assert MODULE.STEP == 5


def test_the_blur_is_scipys(drawn, along):
    x = MODULE.photograph()
    assert x.shape == (SIZE, SIZE)
    assert np.array_equal(_pixels(drawn, X), x)
    y = _pixels(drawn, Y)
    assert np.array_equal(y, np.rint(y))
    np.testing.assert_allclose(y, along @ x @ along.T, atol=0.5 + 1e-9)


def test_the_transpose_and_the_inverse_are_those_of_the_matrix(drawn, along):
    y = _pixels(drawn, Y)
    np.testing.assert_allclose(_pixels(drawn, BACK), along.T @ y @ along, atol=1e-9)
    solved = np.linalg.solve(along, np.linalg.solve(along, y).T).T
    least = _pixels(drawn, LEAST)
    assert np.linalg.norm(least - solved) < 1e-5 * np.linalg.norm(solved)


def test_tikhonov_is_the_ridge_solution_of_least_cross_validation(drawn, along):
    y = _pixels(drawn, Y)
    left, values, right = np.linalg.svd(along)
    products = np.multiply.outer(values, values)
    coefficients = left.T @ y @ left

    def error(at):
        share = np.exp(at) / (products**2 + np.exp(at))
        return (share**2 * coefficients**2).sum() / share.sum() ** 2

    best = minimize_scalar(error, bounds=np.log([1e-6, 1e-2]), method="bounded", options={"xatol": 1e-6})
    sharp = right.T @ (coefficients * products / (products**2 + np.exp(best.x))) @ right
    np.testing.assert_allclose(_pixels(drawn, SHARP), sharp, atol=1e-2)


def test_the_numbers_below_are_root_mean_squares(drawn):
    x, said = MODULE.photograph(), _said(drawn)
    off = {label: np.sqrt(np.mean((_pixels(drawn, label) - x) ** 2)) for label in (Y, BACK, LEAST, SHARP)}
    for label in (Y, BACK, SHARP):
        assert f"{off[label]:.1f} grey levels off" in said
    assert sum(text.endswith("grey levels off") for text in said) == 4
    (large,) = [text for text in said if "," in text and text.endswith("levels off")]
    assert float(large.split()[0].replace(",", "")) == pytest.approx(off[LEAST], rel=0.05)


def test_what_the_picture_is_to_show(drawn):
    """The transpose is further off than the blurred picture, least squares beyond measure, Tikhonov half as far."""
    x = MODULE.photograph()
    blurred, back, least, sharp = (np.linalg.norm(_pixels(drawn, label) - x) for label in (Y, BACK, LEAST, SHARP))
    assert sharp < blurred / 2 < blurred < back
    assert least > 1e4 * blurred


def test_the_curves_are_the_factors(drawn, along):
    (ax,) = [ax for ax in drawn.axes if ax.get_label() == "factors"]
    least, tikhonov, transpose = ax.lines
    s = least.get_xdata()
    np.testing.assert_allclose(least.get_ydata(), 1 / s)
    np.testing.assert_allclose(transpose.get_ydata(), s)
    peak = s[np.argmax(tikhonov.get_ydata())]
    np.testing.assert_allclose(tikhonov.get_ydata(), s / (s**2 + peak**2), rtol=0.1)
    values = np.linalg.svd(along, compute_uv=False)
    assert s[-1] == pytest.approx(values[0] ** 2)
    assert s[0] == pytest.approx(values[-1] ** 2, rel=1e-4)
    assert len({(line.get_linestyle(), line.get_color()) for line in ax.lines}) == 3
