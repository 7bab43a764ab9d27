"""A circular layer as a weight on the whole input, wrapped round; and that weight, frequency by frequency, clipped."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property

import numpy as np

from convmatrix.analysis.inverse.waves import inner_waves, mirrored
from convmatrix.analysis.spectrum.frequencies import Frequencies, by_group, is_circular
from convmatrix.geometry import Axis, Geometry
from convmatrix.parallel import in_order, processors


class Torus:
    """The grid that a circular layer lives on.

    Weights on it have the shape `(groups, c_out/groups, c_in/groups, *input_size)`; an entry's place is its offset from
    the first tap, modulo the input size.

    Parameters
    ----------
    geometry : Geometry
        A circular one; see `as_circular`.
    is_complex : bool
        Whether weights are.
    """

    def __init__(self, geometry: Geometry, is_complex: bool) -> None:
        self.geometry, self._is_complex = geometry, is_complex
        self.sizes = geometry.input_size
        self.groups = geometry.groups
        places = np.zeros((1,) * len(geometry.axes), dtype=np.int64)
        for number, axis in enumerate(geometry.axes):
            own = np.arange(axis.kernel_size) * axis.dilation % axis.input_size
            places = places * axis.input_size + own.reshape([-1 if a == number else 1 for a in range(len(self.sizes))])
        self._places = places.reshape(-1)
        self._counts = np.bincount(self._places, minlength=math.prod(self.sizes))

    @property
    def full_geometry(self) -> Geometry:
        """Of a layer with a kernel as large as the input, whose middle is where the layer's own kernel is."""
        axes = []
        for axis in self.geometry.axes:
            before = axis.pad_before + (axis.input_size - axis.extent) // 2
            before = min(max(before, 0), axis.input_size - axis.stride)
            n, s = axis.input_size, axis.stride
            axes.append(Axis(n, n, n // s, s, 1, before, n - s - before, "circular"))
        return Geometry(tuple(axes), self.geometry.in_channels, self.geometry.out_channels, self.groups)

    def wrapped(self, weight: np.ndarray) -> np.ndarray:
        """A layer's weight on the torus; taps that meet there are added up."""
        own = by_group(self.geometry, weight)
        found = np.zeros((*own.shape[:3], math.prod(self.sizes)), dtype=own.dtype)
        taps = own.reshape(*own.shape[:3], -1)
        for tap, place in enumerate(self._places.tolist()):
            found[..., place] += taps[..., tap]
        return found.reshape(*own.shape[:3], *self.sizes)

    def cut(self, torus: np.ndarray) -> np.ndarray:
        """The same weight, 0 wherever the layer has no tap."""
        mask = (self._counts > 0).reshape(self.sizes)
        return np.where(mask, torus, 0)

    def cropped(self, torus: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The layer's weight for that on the torus where its taps are; of several at one place each moves as far."""
        change = (torus - self.wrapped(weight)).reshape(*torus.shape[:3], -1)[..., self._places]
        change = change / self._counts[self._places]
        return np.asarray(weight + change.reshape(weight.shape))

    def unrolled(self, torus: np.ndarray) -> np.ndarray:
        """The weight of a layer of `full_geometry`."""
        axes = tuple(range(3, torus.ndim))
        full = self.full_geometry.axes
        shifts = [new.pad_before - own.pad_before for new, own in zip(full, self.geometry.axes, strict=True)]
        rolled = np.roll(torus, shifts, axes) if axes else torus
        return np.ascontiguousarray(rolled).reshape(-1, *rolled.shape[2:])

    def values(self, torus: np.ndarray) -> np.ndarray:
        """All singular values of the layer with that weight, `(frequencies, groups * min(rows, columns))`, unsorted."""
        values, _ = self._taken_apart(torus, math.inf)
        return np.repeat(values, self._frequencies.multiplicity, axis=0)

    def clipped(self, torus: np.ndarray, norm: float) -> np.ndarray:
        """The nearest weight of a layer whose norm is at most `norm`."""
        values, kept = self._taken_apart(torus, norm)
        if not (values > norm).any():
            return torus
        frequencies = self._frequencies
        pairs = frequencies.multiplicity == 2
        kept[..., mirrored(self._waves[pairs], self.sizes)] = np.conj(kept[..., self._waves[pairs]])
        kept = kept.reshape(torus.shape)
        # Not the weight less what is too much: rounding would then be that of the weight, which may be far above norm.
        found = np.fft.fftn(kept, axes=self._space, norm="forward") if self.sizes else kept
        return np.asarray(found if self._is_complex else found.real)

    def _taken_apart(self, torus: np.ndarray, norm: float) -> tuple[np.ndarray, np.ndarray]:
        """Singular values of some frequencies, `(places, groups * count)`, and what is up to `norm` of the waves."""
        folds = self._waves.shape[1]
        groups, rows, columns = self._frequencies.block_shape
        waves = np.fft.ifftn(torus, axes=self._space, norm="forward") if self.sizes else torus
        waves = waves.reshape(*torus.shape[:3], -1)
        values = np.empty((len(self._waves), groups, min(rows, columns)))
        kept = np.zeros(waves.shape if math.isfinite(norm) else 0, dtype=np.complex128)

        def solve(chunk: slice) -> None:
            index = self._waves[chunk]
            blocks = waves[..., index].transpose(3, 0, 1, 4, 2).reshape(len(index), groups, rows, columns)
            values[chunk], clipped = _clipped_blocks(blocks / math.sqrt(folds), norm)
            if kept.size:
                own = clipped.reshape(len(index), groups, rows, folds, -1) * math.sqrt(folds)
                kept[..., index] = own.transpose(1, 2, 4, 0, 3)

        for _ in in_order(solve, self._frequencies.chunks(processors())):
            pass
        return values.reshape(len(values), -1), kept

    @property
    def _space(self) -> tuple[int, ...]:
        return tuple(range(3, 3 + len(self.sizes)))

    @cached_property
    def _frequencies(self) -> Frequencies:
        # Only their places: the blocks of a kernel as large as the input are made by a Fourier transform.
        kernel = np.zeros(self.geometry.weight_shape, dtype=np.complex128 if self._is_complex else np.float64)
        return Frequencies.of(self.geometry, kernel)

    @cached_property
    def _waves(self) -> np.ndarray:
        return inner_waves(self._frequencies)


def as_circular(geometry: Geometry) -> Geometry | None:
    """The same geometry as a circular one, if it is one, or reads no padding and might as well be; else None.

    Examples
    --------
    >>> import convmatrix as cm
    >>> as_circular(cm.conv("1 1", 8, stride=2).geometry).axes[0].padding_mode
    'circular'
    >>> as_circular(cm.conv("1 2 1", 8, padding=1).geometry) is None
    True
    """
    axes = tuple(
        replace(axis, padding_mode="circular") if axis.interior == (0, axis.output_size) else axis
        for axis in geometry.axes
    )
    found = replace(geometry, axes=axes)
    return found if is_circular(found) else None


def _clipped_blocks(blocks: np.ndarray, norm: float) -> tuple[np.ndarray, np.ndarray]:
    """Singular values, and the blocks with each of them at most `norm`, between the same vectors."""
    if min(blocks.shape[2:]) == 1:
        values = np.linalg.norm(blocks.reshape(*blocks.shape[:2], -1), axis=-1)[..., None]
        share = np.minimum(values, norm) / np.where(values > 0, values, 1.0)
        return values, blocks * share[..., None]
    if math.isinf(norm):
        return np.linalg.svd(blocks, compute_uv=False), blocks
    left, values, right = np.linalg.svd(blocks, full_matrices=False)
    if not (values > norm).any():
        return values, blocks
    return values, (left * np.minimum(values, norm)[..., None, :]) @ right
