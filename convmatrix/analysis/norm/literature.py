"""Upper bounds of a layer's norm from the literature, each proved here with its rounding, to be compared.

Of a weight `w` of shape `(c_out, c_in, *k)`, with the symbol `F(x) = sum over taps t of w_t exp(i t d x)` and the half
extent `delta = d (k - 1) / 2` an axis: a layer with zero padding, or a circular one with `n/stride` outputs, of any
stride, has at most the norm `sup over x of norm(F(x))`, and none of these is below the layer's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.analysis.norm.certificate import batch_is_proved, rounded_up
from convmatrix.analysis.norm.proving import largest_of_blocks, largest_of_waves, proved_from, rounding
from convmatrix.analysis.norm.spaces import ALL_WAVES, CIRCULAR, EMBEDDED, Space, is_plain, wraps
from convmatrix.analysis.spectrum.frequencies import Frequencies, by_group
from convmatrix.analysis.spectrum.numbers import UNIT, gamma
from convmatrix.operators.convolution import Convolution

_GRAM_STEPS = 4
_GRAM_BYTES = 1 << 28
_GRAM_ROUNDING = 1e-6
"""Relative to the bound: what transforms and products of some hundred thousand terms may lose is far less."""
GRID = 4
"""Waves of a grid, times the kernel's extent."""


@dataclass(frozen=True)
class Named:
    """A bound of the literature: how it is called, where it is from, and how it is computed."""

    name: str
    source: str
    compute: Callable[[Any], float | None]
    is_bound: bool = True


def has_symbol(op: Convolution) -> bool:
    """Whether the supremum of the symbol bounds the norm: along each axis zeros outside, or wrapped round exactly."""
    return all(is_plain(axis) or wraps(axis) for axis in op.geometry.axes)


def sum_of_taps(op: Convolution) -> float:
    """`sum over taps of norm(w_t)`: Young's inequality."""
    return max(math.fsum(_norms(np.moveaxis(own.reshape(*own.shape[:2], -1), 2, 0))) for own in _groups(op)) * _MORE


def magnitudes_of_taps(op: Convolution) -> float:
    """`norm(sum over taps of |w_t|)`."""
    sums = [np.abs(own).reshape(*own.shape[:2], -1).sum(axis=-1) for own in _groups(op)]
    return max(_norms(np.array(sums))) * _MORE


def four_unfoldings(op: Convolution) -> float:
    """`sqrt(taps) min(norm(R), norm(S), norm(T), norm(U))` of the unfoldings by outputs, by inputs, and by an axis."""
    return max(_least_unfolding(own) for own in _groups(op)) * _MORE


def _least_unfolding(weight: np.ndarray) -> float:
    rows, columns, *kernel_size = weight.shape
    unfoldings = [weight.reshape(rows, -1), np.moveaxis(weight, 1, 0).reshape(columns, -1)]
    for axis in range(len(kernel_size)):
        # Outputs with one axis of taps against inputs with the others.
        moved = np.moveaxis(weight, 2 + axis, 1)
        unfoldings.append(moved.reshape(rows * kernel_size[axis], -1))
    norms = [_norms(unfolding[None])[0] for unfolding in unfoldings]
    return math.sqrt(math.prod(kernel_size)) * min(norms)


def grid_with_cosine(op: Convolution) -> float | None:
    """`max over a grid of norm(F) / prod of cos(pi delta / N)`."""
    return _on_grid(op, lambda half, size: 1 / math.cos(math.pi * half / size))


def grid_with_root(op: Convolution) -> float | None:
    """`max over a grid of norm(F) * prod of (1 - 2 delta / N)^(-1/2)`."""
    return _on_grid(op, lambda half, size: (1 - 2 * half / size) ** -0.5)


def frobenius_of_symbol(op: Convolution) -> float | None:
    """`max over a grid of the Frobenius norm of F / prod of cos(pi delta / N)`."""
    frequencies, factor = _grid(op, lambda half, size: 1 / math.cos(math.pi * half / size))
    most = 0.0
    for chunk in frequencies.chunks():
        blocks = frequencies.blocks(frequencies.places[chunk])
        most = max(most, float(np.linalg.norm(blocks.reshape(*blocks.shape[:2], -1), axis=-1).max()))
    return most * factor * (1 + gamma(4 * math.prod(op.weight.shape)) + 64 * UNIT)


def embedding(op: Convolution) -> float | None:
    """The norm of the least circular matrix that the layer's is a part of."""
    ways = tuple(CIRCULAR if wraps(axis) else EMBEDDED for axis in op.geometry.axes)
    # No slack: all waves of the embedding.
    return largest_of_waves(Space(op, ways, (0,) * len(ways), ALL_WAVES))[0]


def gram_iteration(op: Convolution) -> float | None:
    """`norm_inf(sum over lags of |K_4|)^(1/16)`, where `K_0 = w` and `K_(t+1)` is `K_t` correlated with itself."""
    found = [_gram_iteration(own) for own in _groups(op)]
    known = [value for value in found if value is not None]
    return max(known) * (1 + _GRAM_ROUNDING) if len(known) == len(found) else None


def _gram_iteration(weight: np.ndarray) -> float | None:
    _, columns, *kernel_size = weight.shape
    sizes = [2**_GRAM_STEPS * (size - 1) + 1 for size in kernel_size]
    if 16 * math.prod(sizes) * columns**2 > _GRAM_BYTES:
        return None
    axes = tuple(range(2, weight.ndim))
    spectrum = np.moveaxis(np.fft.fftn(weight, sizes, axes), (0, 1), (-2, -1))
    logarithm = 0.0
    for step in range(_GRAM_STEPS):
        spectrum = np.conj(np.swapaxes(spectrum, -1, -2)) @ spectrum
        # Scaled, so that a power of sixteen stays within floats; the factor is counted by its logarithm.
        scale = float(np.abs(spectrum).max())
        if scale == 0:
            return 0.0
        spectrum = spectrum / scale
        logarithm += math.log(scale) / 2 ** (step + 1)
    # One row of channels at a time: transforms of the axes in front would stride through all of memory.
    rows = np.moveaxis(spectrum, -2, 0)
    sums = [np.abs(np.fft.ifftn(np.moveaxis(row, -1, 0), axes=tuple(range(1, len(sizes) + 1)))).sum() for row in rows]
    return math.exp(logarithm + math.log(float(max(sums))) / 2**_GRAM_STEPS)


def same_size(op: Convolution) -> float | None:
    """The norm of the circular layer on the same input, as transforms of that size give it."""
    axes = op.geometry.axes
    if any(axis.input_size % axis.stride for axis in axes):
        return None
    frequencies = Frequencies(
        by_group(op.geometry, op.weight), op.geometry.input_size, tuple(axis.stride for axis in axes),
        tuple(axis.dilation for axis in axes), (0,) * len(axes),
    )  # fmt: skip
    most = 0.0
    for chunk in frequencies.chunks():
        blocks = frequencies.blocks(frequencies.places[chunk])
        most = max(most, float(np.linalg.svd(blocks, compute_uv=False).max()))
    return most


def reshaped(op: Convolution) -> float | None:
    """The norm of the weight as a matrix of `c_out` rows."""
    return float(np.linalg.svd(op.weight.reshape(len(op.weight), -1), compute_uv=False)[0])


_MORE = 1 + 1e-10
"""For the rounding of sums and of decompositions of at most some thousand rows."""


def _groups(op: Convolution) -> np.ndarray:
    return by_group(op.geometry, op.weight)


def _norms(matrices: np.ndarray) -> list[float]:
    """The norms of matrices, rounded up to what is proved."""
    values = np.linalg.svd(matrices, compute_uv=False)[:, 0]
    return [_proved(matrix, float(value)) for matrix, value in zip(matrices, values, strict=True)]


def _proved(matrix: np.ndarray, value: float) -> float:
    for digits in range(13, 0, -1):
        if value and batch_is_proved(matrix[None], value * (1 + 10.0**-digits)):
            return value * (1 + 10.0**-digits)
    return rounded_up(float(np.abs(matrix).sum()), matrix.size)


def _grid(op: Convolution, correction: Callable[[float, int], float]) -> tuple[Frequencies, float]:
    """Waves on a grid of some times the kernel's extent, and the correction for those between."""
    axes, factor, sizes = op.geometry.axes, 1.0, []
    for axis in axes:
        size = -(-GRID * axis.extent // axis.stride) * axis.stride
        sizes.append(size)
        factor *= correction((axis.extent - 1) / 2, size) * (1 + 1e-12)
    strides, dilations = tuple(axis.stride for axis in axes), tuple(axis.dilation for axis in axes)
    weight = by_group(op.geometry, op.weight)
    return Frequencies(weight, tuple(sizes), strides, dilations, (0,) * len(axes)), factor


def _on_grid(op: Convolution, correction: Callable[[float, int], float]) -> float:
    frequencies, factor = _grid(op, correction)
    space = Space(op, (EMBEDDED,) * len(op.geometry.axes), frequencies.halves, ALL_WAVES)
    most = 0.0
    for chunk in frequencies.chunks():
        blocks = frequencies.blocks(frequencies.places[chunk])
        most = max(most, proved_from(blocks, float(largest_of_blocks(blocks).max())))
    return rounded_up((most + rounding(space)) * factor, 16)


def bounds_of_layers() -> Iterator[Named]:
    """Those of layers whose symbol bounds them, in the order of the table."""
    yield Named("sum of the taps' norms", "Young's inequality", sum_of_taps)
    yield Named("magnitudes of the taps", "Schur's test", magnitudes_of_taps)
    yield Named("four unfoldings", "Singla & Feizi 2021", four_unfoldings)
    yield Named("Frobenius norm of the symbol", "Araujo et al. 2021, arXiv:2006.08391", frobenius_of_symbol)
    yield Named("symbol on a grid, by a root", "Pfister & Bresler 2018, arXiv:1802.09588", grid_with_root)
    yield Named("symbol on a grid, by a cosine", "Ehlich & Zeller 1964", grid_with_cosine)
    yield Named("Gram iteration", "Delattre et al. 2024, arXiv:2402.00240", gram_iteration)
    yield Named("circular embedding", "a part of a circulant", embedding)


def usual_guesses() -> Iterator[Named]:
    """What is often taken for the norm, and bounds it neither from above nor from below."""
    yield Named("circular of the same size", "Sedghi et al. 2018, arXiv:1805.10408", same_size, False)
    yield Named("reshaped weight", "PyTorch's spectral_norm", reshaped, False)
