"""Kernels sampled from a formula, in float64."""

from __future__ import annotations

from math import ceil, fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmatrix.errors import KernelError
from convmatrix.kernels.arrays import outer
from convmatrix.kernels.parameters import MAX_SIZE, choice, optional, positive, real, size, sizes, whole
from convmatrix.kernels.rational import half_pixel_places
from convmatrix.kernels.registry import named

Floats = NDArray[np.floating[Any]]

_GAUSS = "scipy.ndimage.gaussian_filter: the same samples, and with size=auto the same truncation at 4 sigma"
_MARR = "Marr & Hildreth (1980), Theory of edge detection"
_DUCHON = "Duchon (1979), Lanczos filtering in one and two dimensions"

_PLAIN_WINDOWS = (
    "barthann", "bartlett", "blackman", "blackmanharris", "bohman", "boxcar", "cosine", "flattop", "hamming", "hann",
    "lanczos", "nuttall", "parzen", "taylor", "triang", "tukey",
)  # fmt: skip
_SHAPED_WINDOWS = ("chebwin", "dpss", "gaussian", "general_hamming", "kaiser", "tukey")


@named(
    "gaussian",
    "exp(-r^2 / (2 sigma^2)), separable; sums to 1",
    _GAUSS,
    exact=False,
    size=optional(sizes("5")),
    sigma=positive("1"),
)
def _gaussian(size: tuple[int, ...] | None, sigma: float) -> Floats:
    each = size or (_reach("gaussian", sigma),) * 2
    return outer(*(_bell(n, sigma) for n in each))


@named(
    "gaussian1d",
    "exp(-t^2 / (2 sigma^2)); sums to 1",
    _GAUSS,
    exact=False,
    size=optional(size("5")),
    sigma=positive("1"),
)
def _gaussian1d(size: int | None, sigma: float) -> Floats:
    return _bell(size or _reach("gaussian1d", sigma), sigma)


def _reach(name: str, sigma: float) -> int:
    """Taps to four standard deviations, SciPy's default."""
    taps = 2 * int(4 * sigma + 0.5) + 1
    if taps > MAX_SIZE:
        raise KernelError(f"{name} size must be at most {MAX_SIZE}, got size=auto with sigma={sigma:g}")
    return taps


def _places(taps: int) -> Floats:
    return np.arange(taps, dtype=np.float64) - (taps - 1) / 2


def _bell(taps: int, sigma: float) -> Floats:
    places = _places(taps)
    # Relative to the largest, so that an even size with a tiny sigma does not underflow everywhere.
    exponent = -0.5 * (places / sigma) ** 2
    bell = np.exp(exponent - exponent.max())
    return np.asarray(bell / bell.sum())


@named(
    "laplacian_of_gaussian",
    "(r^2 - 2 sigma^2) / sigma^4 times the Gaussian, minus its mean; negative at the centre, sums to 0",
    _MARR,
    exact=False,
    aliases=("log",),
    size=optional(sizes("9", odd=True)),
    sigma=positive("1"),
)
def _laplacian_of_gaussian(size: tuple[int, ...] | None, sigma: float) -> Floats:
    each = size or (_reach("laplacian_of_gaussian", sigma),) * 2
    axes = np.meshgrid(*map(_places, each), indexing="ij", sparse=True)
    squared: Any = sum(axis**2 for axis in axes)
    curved = _gaussian(each, sigma) * (squared / sigma**2 - len(each)) / sigma**2
    return np.asarray(curved - curved.mean())


@named(
    "difference_of_gaussians",
    "a Gaussian of sigma minus one of ratio * sigma; positive at the centre, sums to 0",
    _MARR,
    exact=False,
    aliases=("dog",),
    size=optional(sizes("13", odd=True)),
    sigma=positive("1"),
    ratio=positive("1.6", above=1),
)
def _difference_of_gaussians(size: tuple[int, ...] | None, sigma: float, ratio: float) -> Floats:
    each = size or (_reach("difference_of_gaussians", sigma * ratio),) * 2
    return np.asarray(_gaussian(each, sigma) - _gaussian(each, sigma * ratio))


@named(
    "gabor",
    "exp(-(u^2 + gamma^2 v^2) / (2 sigma^2)) cos(2 pi u / wavelength + psi), u = x cos(theta) + y sin(theta), "
    "v = y cos(theta) - x sin(theta), x to the right, y down, angles in degrees; not normalised",
    "Daugman (1985), Uncertainty relation for resolution in space, spatial frequency, and orientation",
    exact=False,
    size=sizes("9", odd=True),
    sigma=positive("2"),
    theta=real("0"),
    wavelength=positive("4"),
    psi=real("0"),
    gamma=positive("1"),
)
def _gabor(size: tuple[int, ...], sigma: float, theta: float, wavelength: float, psi: float, gamma: float) -> Floats:
    if len(size) != 2:
        raise KernelError(f"gabor size must have at most two parts, got {'x'.join(map(str, size))}")
    y, x = np.meshgrid(*map(_places, size), indexing="ij", sparse=True)
    turn = np.deg2rad(theta)
    u = x * np.cos(turn) + y * np.sin(turn)
    v = y * np.cos(turn) - x * np.sin(turn)
    bell = np.exp(-0.5 * ((u / sigma) ** 2 + (gamma * v / sigma) ** 2))
    return np.asarray(bell * np.cos(2 * np.pi * u / wavelength + np.deg2rad(psi)))


@named(
    "disk",
    "area of each pixel inside a circle, over the circle's area: defocus blur; sums to 1",
    "the point spread function of a defocused lens in geometric optics; areas integrated in closed form",
    exact=False,
    aliases=("pillbox",),
    radius=positive("3"),
)
def _disk(radius: float) -> Floats:
    reach = max(ceil(radius - 0.5), 0) if radius < MAX_SIZE else MAX_SIZE
    if 2 * reach + 1 > MAX_SIZE:
        raise KernelError(f"disk radius must be at most {MAX_SIZE / 2}, got {radius:g}")
    # In units of the radius, which may be tiny.
    corners = (np.arange(2 * reach + 2) - reach - 0.5) / radius
    area = _corner_area(corners[:, None], corners[None, :])
    inside = np.diff(np.diff(area, axis=0), axis=1)
    # One quadrant is mirrored, so that rounding cannot spoil the symmetry.
    quadrant = np.maximum(inside + inside.T, 0)[reach:, reach:]
    mirror = np.abs(np.arange(2 * reach + 1) - reach)
    taps = quadrant[np.ix_(mirror, mirror)]
    return np.asarray(taps / taps.sum())


def _corner_area(a: Floats, b: Floats) -> Floats:
    """Signed area of the unit disk inside the rectangle between (0, 0) and (a, b)."""
    sign = np.sign(a) * np.sign(b)
    a, b = np.minimum(np.abs(a), 1), np.minimum(np.abs(b), 1)
    # Left of this abscissa the rectangle's top is inside the circle, right of it the circle is the lid.
    turn = np.minimum(np.sqrt(1 - b * b), a)
    return np.asarray(sign * (b * turn + _lid(a) - _lid(turn)))


def _lid(x: Floats) -> Floats:
    return np.asarray((x * np.sqrt(1 - x * x) + np.arcsin(x)) / 2)


@named(
    "lanczos1d",
    "sinc(t) sinc(t / a) at half-pixel places, 2 a factor - factor % 2 taps: Lanczos upsampling in a transposed "
    "convolution of stride `factor`; every phase is divided by its sum, as image resizers do",
    _DUCHON,
    exact=False,
    a=whole("3", 1, 16),
    factor=whole("2", 1, 64),
)
def _lanczos1d(a: int, factor: int) -> Floats:
    places = np.array([float(t) for t in half_pixel_places(a, factor)])
    taps = np.sinc(places) * np.sinc(places / a)
    # Rounding leaves 1e-17 where sinc is 0, and plain sums of mirrored phases differ in their last digit.
    taps[(places % 1 == 0) & (places != 0)] = 0
    for phase in range(factor):
        taps[phase::factor] /= fsum(taps[phase::factor])
    return np.asarray(taps)


@named(
    "lanczos",
    "lanczos1d along both axes; every phase sums to 1",
    _DUCHON,
    exact=False,
    a=whole("3", 1, 16),
    factor=whole("2", 1, 64),
)
def _lanczos(a: int, factor: int) -> Floats:
    return outer(_lanczos1d(a, factor), _lanczos1d(a, factor))


@named(
    "window",
    "a symmetric window of scipy.signal, over its sum; `shape` is kaiser's beta, tukey's alpha, gaussian's standard "
    "deviation, chebwin's attenuation, dpss's half bandwidth, general_hamming's alpha; sums to 1",
    "Harris (1978), On the use of windows for harmonic analysis with the discrete Fourier transform",
    exact=False,
    name=choice("hann", tuple(sorted({*_PLAIN_WINDOWS, *_SHAPED_WINDOWS}))),
    size=size("9"),
    shape=optional(real("0"), "none"),
)
def _window(name: str, size: int, shape: float | None) -> Floats:
    if shape is None and name not in _PLAIN_WINDOWS:
        raise KernelError(f"window shape must be given for {name}, as in window:name={name},size={size},shape=2")
    if shape is not None and name not in _SHAPED_WINDOWS:
        raise KernelError(f"window shape must be none for {name}, got {shape:g}")
    from scipy.signal import get_window  # slow to load, and no other kernel needs it

    try:
        taps = np.asarray(get_window(name if shape is None else (name, shape), size, fftbins=False), dtype=np.float64)
    except ValueError as error:
        raise KernelError(f"window shape and size must suit {name}, got shape={shape}, size={size}: {error}") from error
    if abs(taps.sum()) < np.finfo(np.float64).eps:
        raise KernelError(f"window size must leave {name} a sum other than 0, got {size}")
    return np.asarray(taps / taps.sum())
