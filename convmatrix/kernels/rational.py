"""Families of exact kernels: their parameters go in, integers or fractions come out."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb, factorial, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmatrix import exact
from convmatrix.errors import KernelError
from convmatrix.kernels.arrays import exact_array, outer
from convmatrix.kernels.parameters import choice, size, sizes, whole
from convmatrix.kernels.references import BURT, GONZALEZ
from convmatrix.kernels.registry import named

# The eight neighbours of the centre, clockwise from the upper left.
_RING = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
_COMPASS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
_LINES = ("horizontal", "vertical", "diagonal", "antidiagonal")

_KEYS = "Keys (1981), Cubic convolution interpolation for digital image processing"
_FCN = "Long, Shelhamer & Darrell (2015), Fully convolutional networks for semantic segmentation"


@named("identity", "1 at the centre, 0 elsewhere", GONZALEZ, exact=True, size=sizes("3", odd=True))
def _identity(size: tuple[int, ...]) -> NDArray[Any]:
    taps = np.zeros(size, dtype=np.int64)
    taps[tuple(n // 2 for n in size)] = 1
    return taps


@named("box", "the mean: every tap is 1 / their number; sums to 1", GONZALEZ, exact=True, size=sizes("3"))
def _box(size: tuple[int, ...]) -> NDArray[Any]:
    count = prod(size)
    return np.ones(size, dtype=np.int64) if count == 1 else np.full(size, Fraction(1, count), dtype=object)


@named("box1d", "the running mean: every tap is 1 / size; sums to 1", GONZALEZ, exact=True, size=size("3"))
def _box1d(size: int) -> NDArray[Any]:
    return _box((size,))


@named(
    "binomial",
    "a row of Pascal's triangle an axis, over its sum; sums to 1",
    BURT,
    exact=True,
    size=sizes("3", largest=65),
)
def _binomial(size: tuple[int, ...]) -> NDArray[Any]:
    return outer(*(_binomial1d(n) for n in size))


@named(
    "binomial1d",
    "a row of Pascal's triangle over its sum; sums to 1",
    BURT,
    exact=True,
    size=size("3", largest=257),
)
def _binomial1d(size: int) -> NDArray[Any]:
    return exact_array([Fraction(comb(size - 1, k), 2 ** (size - 1)) for k in range(size)], (size,))


@named(
    "kirsch",
    "compass edge detector: largest where it is brighter on the named side; sums to 0",
    "Kirsch (1971), Computer determination of the constituent structure of biological images",
    exact=True,
    direction=choice("n", _COMPASS),
)
def _kirsch(direction: str) -> NDArray[Any]:
    return _compass((5, 5, 5, -3, -3, -3, -3, -3), direction)


@named(
    "robinson",
    "compass edge detector: positive where it is brighter on the named side (e is sobel_x); sums to 0",
    "Robinson (1977), Edge detection by compass gradient masks",
    exact=True,
    direction=choice("n", _COMPASS),
)
def _robinson(direction: str) -> NDArray[Any]:
    return _compass((1, 2, 1, 0, -1, -2, -1, 0), direction)


def _compass(north: tuple[int, ...], direction: str) -> NDArray[Any]:
    """The ring of a kernel facing north, turned clockwise to the direction; 0 in the middle."""
    turn = _COMPASS.index(direction)
    taps = np.zeros((3, 3), dtype=np.int64)
    for place, (row, column) in enumerate(_RING):
        taps[row, column] = north[place - turn]
    return taps


@named(
    "line",
    "bright lines one pixel wide in the named direction; sums to 0",
    GONZALEZ,
    exact=True,
    direction=choice("horizontal", _LINES),
)
def _line(direction: str) -> NDArray[Any]:
    taps = np.full((3, 3), -1, dtype=np.int64)
    _draw(taps, direction, 2)
    return taps


@named(
    "motion",
    "the mean along a line across the square, as of a camera that moved; sums to 1",
    GONZALEZ,
    exact=True,
    size=size("5", odd=True, largest=1025),
    direction=choice("diagonal", _LINES),
)
def _motion(size: int, direction: str) -> NDArray[Any]:
    taps = np.full((size, size), Fraction(0), dtype=object)
    _draw(taps, direction, Fraction(1, size))
    return exact_array(taps.flat, taps.shape)


def _draw(square: NDArray[Any], direction: str, value: int | Fraction) -> None:
    along = range(len(square))
    middle = [len(square) // 2] * len(square)
    lines = {"horizontal": (middle, along), "vertical": (along, middle), "diagonal": (along, along)}
    square[lines.get(direction, (along, along[::-1]))] = value


@named(
    "nearest",
    "ones: after stride `factor`, every pixel is repeated `factor` times along both axes",
    _FCN,
    exact=True,
    factor=whole("2", 1, 64),
)
def _nearest(factor: int) -> NDArray[Any]:
    return np.ones((factor, factor), dtype=np.int64)


@named(
    "linear1d",
    "the triangle 1 - |t| / factor at half-pixel places, 2 factor - factor % 2 taps: linear upsampling in a transposed "
    "convolution of stride `factor`; every phase sums to 1",
    _FCN,
    exact=True,
    factor=whole("2", 1, 256),
)
def _linear1d(factor: int) -> NDArray[Any]:
    return _upsampling(_triangle, 1, factor)


@named(
    "bilinear",
    "linear1d along both axes: bilinear upsampling in a transposed convolution of stride `factor`; phases sum to 1",
    _FCN,
    exact=True,
    factor=whole("2", 1, 64),
)
def _bilinear(factor: int) -> NDArray[Any]:
    return outer(_linear1d(factor), _linear1d(factor))


@named(
    "cubic1d",
    "Keys' cubic (a = -1/2) at half-pixel places, 4 factor - factor % 2 taps: cubic upsampling in a transposed "
    "convolution of stride `factor`; every phase sums to 1",
    _KEYS,
    exact=True,
    factor=whole("2", 1, 256),
)
def _cubic1d(factor: int) -> NDArray[Any]:
    return _upsampling(_cubic, 2, factor)


@named(
    "bicubic",
    "cubic1d along both axes: bicubic upsampling in a transposed convolution of stride `factor`; phases sum to 1",
    _KEYS,
    exact=True,
    factor=whole("2", 1, 64),
)
def _bicubic(factor: int) -> NDArray[Any]:
    return outer(_cubic1d(factor), _cubic1d(factor))


def half_pixel_places(support: int, factor: int) -> list[Fraction]:
    """Where a function that vanishes outside (-support, support) is sampled to upsample by a factor.

    Output pixel centres lie at half-pixels of the finer grid, as in `align_corners=False`: places differ by
    1/factor, are symmetric about 0, and those where the function is 0 at the ends are left out.
    """
    count = 2 * support * factor - factor % 2
    return [Fraction(2 * i - count + 1, 2 * factor) for i in range(count)]


def _upsampling(weight: Callable[[Fraction], Fraction], support: int, factor: int) -> NDArray[Any]:
    taps = [weight(abs(t)) for t in half_pixel_places(support, factor)]
    return exact_array(taps, (len(taps),))


def _triangle(t: Fraction) -> Fraction:
    return 1 - t


def _cubic(t: Fraction) -> Fraction:
    if t <= 1:
        return (3 * t - 5) * t * t / 2 + 1
    return ((-t + 5) * t - 8) * t / 2 + 2


@named(
    "derivative",
    "central difference stencil of an order of derivative, unit spacing, exact for polynomials up to degree "
    "order + accuracy - 1",
    "Fornberg (1988), Generation of finite difference formulas on arbitrarily spaced grids",
    exact=True,
    order=whole("1", 1, 10),
    accuracy=whole("2", 2, 20, even=True),
)
def _derivative(order: int, accuracy: int) -> NDArray[Any]:
    reach = (order + 1) // 2 + accuracy // 2 - 1
    places = range(-reach, reach + 1)
    moments = [[Fraction(place) ** degree for place in places] for degree in range(len(places))]
    wanted = [Fraction(factorial(order) if degree == order else 0) for degree in range(len(places))]
    return exact_array(exact.solve(moments, wanted), (len(places),))


@named(
    "savitzky_golay",
    "derivative `deriv` (0: the value) at the centre of the least-squares polynomial through `size` points",
    "Savitzky & Golay (1964), Smoothing and differentiation of data by simplified least squares procedures",
    exact=True,
    aliases=("savgol",),
    size=size("5", odd=True, largest=101),
    polyorder=whole("2", 0, 12),
    deriv=whole("0", 0, 12),
)
def _savitzky_golay(size: int, polyorder: int, deriv: int) -> NDArray[Any]:
    if polyorder >= size:
        raise KernelError(f"savitzky_golay polyorder must be below size={size}, got {polyorder}")
    if deriv > polyorder:
        raise KernelError(f"savitzky_golay deriv must be at most polyorder={polyorder}, got {deriv}")
    reach = size // 2
    powers = [[Fraction(place**degree) for place in range(-reach, reach + 1)] for degree in range(polyorder + 1)]
    normal = [[sum(map(Fraction.__mul__, p, q), Fraction(0)) for q in powers] for p in powers]
    wanted = [Fraction(factorial(deriv) if degree == deriv else 0) for degree in range(polyorder + 1)]
    weights = exact.solve(normal, wanted)
    taps = [sum((w * p[i] for w, p in zip(weights, powers, strict=True)), Fraction(0)) for i in range(size)]
    return exact_array(taps, (size,))
