"""Named kernels against independent makers: SciPy, published tables, and their own definitions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import ndimage, signal

from convmatrix.kernels import kernel

PICTURE = np.random.default_rng(7).integers(-50, 50, size=(9, 11))


def correlate(name: str) -> np.ndarray:
    return ndimage.correlate(PICTURE, kernel(name), mode="mirror")


FILTERS = {
    "sobel_x": ndimage.sobel(PICTURE, axis=1, mode="mirror"),
    "sobel_y": ndimage.sobel(PICTURE, axis=0, mode="mirror"),
    "prewitt_x": ndimage.prewitt(PICTURE, axis=1, mode="mirror"),
    "prewitt_y": ndimage.prewitt(PICTURE, axis=0, mode="mirror"),
    "laplacian4": ndimage.laplace(PICTURE, mode="mirror"),
    "identity": PICTURE,
    "sharpen": PICTURE - ndimage.laplace(PICTURE, mode="mirror"),
}


@pytest.mark.parametrize(("name", "expected"), FILTERS.items(), ids=FILTERS)
def test_filters_are_scipys(name: str, expected: np.ndarray) -> None:
    assert np.array_equal(correlate(name), expected)


def test_laplacian3d_is_scipys() -> None:
    volume = PICTURE[:, :, None] * np.arange(5) ** 2
    expected = ndimage.laplace(volume, mode="mirror")
    assert np.array_equal(ndimage.correlate(volume, kernel("laplacian3d"), mode="mirror"), expected)


@pytest.mark.parametrize("name", ["sobel", "sobel5", "prewitt", "scharr", "central_difference"])
def test_gradients_are_positive_towards_brightness(name: str) -> None:
    across, down = kernel(f"{name}_x"), kernel(f"{name}_y")
    assert np.array_equal(across.T, down)
    ramp = np.arange(across.shape[1])
    assert (across * ramp).sum() > 0
    assert (across.T * ramp).sum() == 0


SEPARABLE = {
    "sobel5_x": np.outer([1, 4, 6, 4, 1], [-1, -2, 0, 2, 1]),
    "scharr_x": np.outer([3, 10, 3], [-1, 0, 1]),
    "gaussian3": np.outer([1, 2, 1], [1, 2, 1]) * Fraction(1, 16),
    "gaussian5": np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) * Fraction(1, 256),
    "binomial:size=3x2": np.outer([1, 2, 1], [1, 1]) * Fraction(1, 8),
    "box:size=3x2": np.full((3, 2), Fraction(1, 6)),
    "box1d:size=4": np.full(4, Fraction(1, 4)),
    "bilinear:factor=2": np.outer([1, 3, 3, 1], [1, 3, 3, 1]) * Fraction(1, 16),
    "linear1d:factor=3": np.array([1, 2, 3, 2, 1]) * Fraction(1, 3),
    "article": np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]]),
    "roberts_x": np.array([[1, 0], [0, -1]]),
    "roberts_y": np.array([[0, 1], [-1, 0]]),
    "kirsch:direction=ne": np.array([[-3, 5, 5], [-3, 0, 5], [-3, -3, -3]]),
    "kirsch:direction=nw": np.array([[5, 5, -3], [5, 0, -3], [-3, -3, -3]]),
    "line": np.array([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]]),
    "line:direction=antidiagonal": np.array([[-1, -1, 2], [-1, 2, -1], [2, -1, -1]]),
    "motion:size=3": np.eye(3, dtype=int) * Fraction(1, 3),
    "motion:size=3,direction=vertical": np.array([[0, 1, 0]] * 3) * Fraction(1, 3),
    "nearest:factor=3": np.ones((3, 3), dtype=int),
}


@pytest.mark.parametrize(("name", "expected"), SEPARABLE.items(), ids=SEPARABLE)
def test_exact_entries(name: str, expected: np.ndarray) -> None:
    assert kernel(name).tolist() == expected.tolist()


def test_relations_between_names() -> None:
    one = kernel("identity")
    assert np.array_equal(kernel("edge"), -kernel("laplacian8"))
    assert np.array_equal(kernel("sharpen"), one - kernel("laplacian4"))
    assert np.array_equal(kernel("laplacian9") * 6, 3 * kernel("laplacian4") + kernel("laplacian8"))
    assert np.array_equal(kernel("unsharp"), 2 * kernel("identity:size=5") - kernel("gaussian5"))
    assert np.array_equal(kernel("binomial:size=5"), kernel("gaussian5"))
    assert np.array_equal(kernel("robinson:direction=e"), kernel("sobel_x"))
    assert np.array_equal(kernel("robinson:direction=s"), kernel("sobel_y"))


@pytest.mark.parametrize("name", ["kirsch", "robinson"])
@pytest.mark.parametrize(("direction", "turned"), [("n", "e"), ("ne", "se"), ("e", "s"), ("sw", "nw"), ("w", "n")])
def test_compass_turns_with_the_picture(name: str, direction: str, turned: str) -> None:
    quarter = np.rot90(kernel(f"{name}:direction={direction}"), -1)
    assert np.array_equal(quarter, kernel(f"{name}:direction={turned}"))


# Fornberg (1988), table 1.
STENCILS = {
    (1, 2): "-1/2 0 1/2",
    (1, 4): "1/12 -2/3 0 2/3 -1/12",
    (1, 6): "-1/60 3/20 -3/4 0 3/4 -3/20 1/60",
    (2, 2): "1 -2 1",
    (2, 4): "-1/12 4/3 -5/2 4/3 -1/12",
    (3, 2): "-1/2 1 0 -1 1/2",
    (4, 2): "1 -4 6 -4 1",
    (4, 4): "-1/6 2 -13/2 28/3 -13/2 2 -1/6",
}


@pytest.mark.parametrize(("wanted", "expected"), STENCILS.items(), ids=[f"order{o}-accuracy{a}" for o, a in STENCILS])
def test_derivative_stencils(wanted: tuple[int, int], expected: str) -> None:
    order, accuracy = wanted
    assert kernel(f"derivative:order={order},accuracy={accuracy}").tolist() == kernel(expected).tolist()


@pytest.mark.parametrize(("order", "accuracy"), [(1, 20), (5, 4), (10, 20)])
def test_derivative_is_exact_on_polynomials(order: int, accuracy: int) -> None:
    taps = kernel(f"derivative:order={order},accuracy={accuracy}")
    places = range(-(len(taps) // 2), len(taps) // 2 + 1)
    for degree in range(order + accuracy):
        answer = sum(tap * place**degree for tap, place in zip(taps.tolist(), places, strict=True))
        assert answer == (math.factorial(order) if degree == order else 0)


@pytest.mark.parametrize(
    ("size", "polyorder", "deriv"), [(5, 2, 0), (7, 3, 1), (9, 4, 2), (5, 0, 0), (1, 0, 0), (11, 5, 3)]
)
def test_savitzky_golay_is_scipys(size: int, polyorder: int, deriv: int) -> None:
    taps = kernel(f"savitzky_golay:size={size},polyorder={polyorder},deriv={deriv}")
    expected = signal.savgol_coeffs(size, polyorder, deriv=deriv, use="dot")
    assert taps.astype(float) == pytest.approx(expected, abs=1e-12)


def test_savitzky_golay_table() -> None:
    assert (kernel("savgol") * 35).tolist() == [-3, 12, 17, 12, -3]


@pytest.mark.parametrize("sigma", ["0.5", "1", "7/4"])
def test_gaussian_is_scipys_impulse_response(sigma: str) -> None:
    taps = kernel(f"gaussian:sigma={sigma}")
    impulse = np.zeros(taps.shape)
    impulse[len(taps) // 2, len(taps) // 2] = 1
    assert taps == pytest.approx(ndimage.gaussian_filter(impulse, float(Fraction(sigma))), abs=1e-15)
    assert kernel(f"gaussian1d:sigma={sigma}") == pytest.approx(taps.sum(axis=0), abs=1e-15)


def test_laplacian_of_gaussian_by_its_formula() -> None:
    taps = kernel("log:size=7x5,sigma=1.25")
    places = [(y, x) for y in range(-3, 4) for x in range(-2, 3)]
    bell = [math.exp(-(y * y + x * x) / 2 / 1.25**2) for y, x in places]
    curved = [b / sum(bell) * (y * y + x * x - 2 * 1.25**2) / 1.25**4 for b, (y, x) in zip(bell, places, strict=True)]
    expected = np.array(curved).reshape(7, 5) - sum(curved) / 35
    assert taps == pytest.approx(expected, abs=1e-15)
    assert taps[3, 2] < 0


def test_laplacian_of_gaussian_is_near_scipys() -> None:
    impulse = np.zeros((33, 33))
    impulse[16, 16] = 1
    expected = ndimage.gaussian_laplace(impulse, 4)
    assert kernel("log:sigma=4") == pytest.approx(expected, abs=0.01 * abs(expected).max())


def test_difference_of_gaussians_by_its_parts() -> None:
    taps = kernel("dog:size=9,sigma=1,ratio=2")
    assert taps == pytest.approx(kernel("gaussian:size=9,sigma=1") - kernel("gaussian:size=9,sigma=2"))
    assert taps[4, 4] > 0


def test_gabor_by_its_formula() -> None:
    taps = kernel("gabor:size=5x7,sigma=1.5,theta=30,wavelength=3,psi=45,gamma=1/2")
    turn = math.pi / 6
    for (row, column), tap in np.ndenumerate(taps):
        y, x = row - 2, column - 3
        u, v = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
        wave = math.cos(2 * math.pi * u / 3 + math.pi / 4)
        assert tap == pytest.approx(math.exp(-(u * u + v * v / 4) / 2 / 1.5**2) * wave, abs=1e-15)


@pytest.mark.parametrize("radius", ["0.6", "1", "2.5", "3.3"])
def test_disk_is_the_area_covered(radius: str) -> None:
    taps = kernel(f"disk:radius={radius}")
    reach, fine = len(taps) // 2, 200
    points = (np.arange(len(taps) * fine) + 0.5) / fine - reach - 0.5
    inside = points[:, None] ** 2 + points[None, :] ** 2 <= float(radius) ** 2
    covered = inside.reshape(len(taps), fine, len(taps), fine).mean(axis=(1, 3))
    assert taps == pytest.approx(covered / (math.pi * float(radius) ** 2), abs=2e-3)
    assert np.array_equal(taps, taps.T)
    if radius == "1":
        assert taps[1, 1] == pytest.approx(1 / math.pi)


def test_disk_within_one_pixel() -> None:
    assert kernel("disk:radius=1/4").tolist() == [[1.0]]


UPSAMPLERS = [f"{name}:factor={factor}" for name in ("linear1d", "cubic1d", "lanczos1d") for factor in (1, 2, 3, 4)]


@pytest.mark.parametrize("text", UPSAMPLERS)
def test_every_phase_of_an_upsampler_sums_to_one(text: str) -> None:
    taps, factor = kernel(text), int(text[-1])
    gains = [sum(taps[phase::factor].tolist()) for phase in range(factor)]
    assert gains == pytest.approx([1] * factor, abs=1e-15) if text.startswith("lanczos") else gains == [1] * factor
    assert np.array_equal(taps, taps[::-1])


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
@pytest.mark.parametrize(("name", "degree"), [("linear1d", 1), ("cubic1d", 2)])
def test_upsampling_a_polynomial_is_exact_inside(name: str, degree: int, factor: int) -> None:
    taps = kernel(f"{name}:factor={factor}").astype(float)
    places = np.arange(16.0)
    holes = np.zeros(16 * factor)
    holes[::factor] = places**degree
    found = np.convolve(holes, taps)
    # Output n lies at input place (n + 1/2) / factor - 1/2 once the kernel's own centre is taken off.
    at = (np.arange(len(found)) - (len(taps) - 1) / 2) / factor
    inside = (at > 3) & (at < 12)
    assert found[inside] == pytest.approx(at[inside] ** degree, rel=1e-12)


def test_lanczos_by_its_formula() -> None:
    taps = kernel("lanczos1d:a=2,factor=2")
    raw = [np.sinc(t) * np.sinc(t / 2) for t in (-1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 1.75)]
    expected = np.array(raw)
    expected[::2] /= expected[::2].sum()
    expected[1::2] /= expected[1::2].sum()
    assert taps == pytest.approx(expected, abs=1e-15)
    assert kernel("lanczos:a=2,factor=2") == pytest.approx(np.outer(taps, taps))


WINDOWS = ["hann", "hamming", "blackman", "bartlett", "flattop", "parzen", "triang", "boxcar", "nuttall", "taylor"]


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("size", [5, 8])
def test_windows_are_scipys_over_their_sum(name: str, size: int) -> None:
    expected = getattr(signal.windows, name)(size, sym=True)
    assert kernel(f"window:name={name},size={size}") == pytest.approx(expected / expected.sum(), abs=1e-15)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("kaiser", 8.6), ("tukey", 0.25), ("gaussian", 1.5), ("chebwin", 60), ("dpss", 2.5), ("general_hamming", 0.6)],
)
def test_shaped_windows_are_scipys(name: str, shape: float) -> None:
    expected = getattr(signal.windows, name)(9, shape, sym=True)
    assert kernel(f"window:name={name},shape={shape}") == pytest.approx(expected / expected.sum(), abs=1e-15)
