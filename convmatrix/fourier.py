"""A convolution applied through the Fourier transform: for large kernels, and only where it is asked for.

Its rounding reaches every output, so integers do not stay exact and one NaN spreads over the whole channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convmatrix.geometry import Geometry
from convmatrix.windows import Windows


def forward(geometry: Geometry, weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The convolution of `(batch, c_in, *input_size)`: products of spectra on the padded grid, then every stride-th."""
    plan = _Plan(geometry, weight, x)
    padded = np.stack([plan.windows.pad(image) for image in x.astype(plan.dtype, copy=False)])
    spectrum = plan.transform(padded.reshape(len(x), geometry.groups, -1, *plan.windows.padded))
    # Correlation multiplies by the spectrum of the taps at the negative frequency.
    product = np.einsum("bgi...,goi...->bgo...", spectrum, np.conj(plan.transform(np.conj(plan.taps))))
    result = plan.back(product).reshape(len(x), geometry.out_channels, *plan.size)
    return np.ascontiguousarray(result[(slice(None), slice(None), *plan.outputs)])


def adjoint(geometry: Geometry, weight: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Its transpose applied to `(batch, c_out, *output_size)`: the outputs spread out, convolved, and unpadded."""
    plan = _Plan(geometry, weight, y)
    spread = np.zeros((len(y), geometry.out_channels, *plan.size), dtype=plan.dtype)
    spread[(slice(None), slice(None), *plan.outputs)] = y
    spectrum = plan.transform(spread.reshape(len(y), geometry.groups, -1, *plan.size))
    product = np.einsum("bgo...,goi...->bgi...", spectrum, plan.transform(plan.taps))
    padded = plan.back(product).reshape(len(y), geometry.in_channels, *plan.size)
    result = np.empty((len(y), *geometry.in_shape), dtype=plan.dtype)
    for image, out in zip(padded, result, strict=True):
        plan.windows.unpad(image[(slice(None), *(slice(0, size) for size in plan.windows.padded))], out)
    return result


class _Plan:
    """The sizes and the taps of one product, laid out on the grid of the transform."""

    def __init__(self, geometry: Geometry, weight: np.ndarray, x: np.ndarray) -> None:
        from scipy import fft

        self.fft = fft
        self.windows = Windows(geometry, 1)
        self.dtype = np.result_type(weight, x, np.float32)
        self.real = self.dtype.kind == "f"
        self.size = [fft.next_fast_len(size, real=self.real) for size in self.windows.padded]
        self.axes = tuple(range(3, 3 + len(self.size)))
        axes = geometry.axes
        self.outputs = [slice(0, (a.output_size - 1) * a.stride + 1, a.stride) for a in axes]
        self.taps = np.zeros((*weight.shape[:2], *(axis.extent for axis in axes)), dtype=self.dtype)
        self.taps[(slice(None), slice(None), *(slice(None, None, axis.dilation) for axis in axes))] = weight
        self.taps = self.taps.reshape(geometry.groups, -1, *self.taps.shape[1:])

    def transform(self, values: np.ndarray) -> np.ndarray:
        """The spectrum over the spatial axes."""
        if not self.axes:
            return values
        return (
            self.fft.rfftn(values, self.size, self.axes) if self.real else self.fft.fftn(values, self.size, self.axes)
        )

    def back(self, spectrum: np.ndarray) -> Any:
        """From the spectrum to the grid."""
        if not self.axes:
            return spectrum
        return (
            self.fft.irfftn(spectrum, self.size, self.axes)
            if self.real
            else self.fft.ifftn(spectrum, self.size, self.axes)
        )
