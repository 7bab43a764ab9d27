"""A circular convolution, frequency by frequency: small blocks whose singular values are those of its matrix.

On `n` inputs with stride `s`, `m = n/s` outputs: the waves of the frequencies `q, q + m, ..., q + (s-1) m` all come out
as the wave `q`, so the matrix is, in the basis of waves, made of one block of `c_out x (s c_in)` a frequency `q < m`::

    B_q = s**(-1/2) [W(q) W(q + m) ... W(q + (s-1) m)],    W(f) = sum over taps t of w_t exp(2 pi i f t d / n)

and in several axes the same of each (Sedghi, Gupta, Long, arXiv:1805.10408; strided: Senderovich et al., NeurIPS 2022).
Dilation and taps beyond the input need nothing more: exponents are taken modulo `n`.

A wave may also change its sign from one end of the input to the other: then the frequencies lie half way between, and
the matrix is circular but for a sign where it wraps round (`halves`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convmatrix.geometry import Axis, Geometry

CHUNK_BYTES = 1 << 20
"""Of blocks made at a time: what the cache of a processor takes."""
_LEAST = 8
"""Blocks at a time, at least: the weight is run through once for all of them, and NumPy decomposes a single one without
letting other threads run."""


@dataclass(frozen=True, eq=False)
class Frequencies:
    """The blocks of a circular convolution.

    Attributes
    ----------
    weight : ndarray of shape `(groups, c_out, c_in, *kernel_size)`
        Float64 or complex128; `c_out` and `c_in` of one group.
    sizes, strides, dilations : tuple of int
        One an axis; strides divide sizes.
    halves : tuple of int
        1 for axes along which waves change their sign where they wrap round, 0 for the others.
    """

    weight: np.ndarray
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    halves: tuple[int, ...]

    @classmethod
    def of(cls, geometry: Geometry, weight: np.ndarray) -> Frequencies:
        """Of a layer that `is_circular`; taps that read one input are added up, as in its matrix: they may cancel."""
        axes = geometry.axes
        return cls(
            _wrapped(by_group(geometry, weight), axes),
            geometry.input_size,
            tuple(axis.stride for axis in axes),
            tuple(axis.dilation for axis in axes),
            (0,) * len(axes),
        )

    @property
    def output_sizes(self) -> tuple[int, ...]:
        """Frequencies an axis that have a block of their own."""
        return tuple(n // s for n, s in zip(self.sizes, self.strides, strict=True))

    @property
    def block_shape(self) -> tuple[int, int, int]:
        """Groups, and rows and columns of each block."""
        groups, rows, columns = self.weight.shape[:3]
        return groups, rows, columns * math.prod(self.strides)

    @property
    def block_bytes(self) -> int:
        """Of the blocks of one frequency."""
        return 16 * math.prod(self.block_shape)

    @cached_property
    def _kept(self) -> tuple[np.ndarray, np.ndarray]:
        count = math.prod(self.output_sizes)
        places = np.arange(count)
        if self.weight.dtype.kind == "c":
            return places, np.ones(count, dtype=np.int64)
        index = _unravelled(places, self.output_sizes)
        sizes, halves = (np.array(part, dtype=np.int64)[:, None] for part in (self.output_sizes, self.halves))
        mirrored = np.ravel_multi_index(tuple((-index - halves) % sizes), self.output_sizes) if self.sizes else places
        keep = places <= mirrored
        return places[keep], np.where(places == mirrored, 1, 2)[keep]

    @property
    def places(self) -> np.ndarray:
        """Flat frequencies to be looked at: of a real weight one of each pair `q, -q`, whose blocks are conjugates."""
        return self._kept[0]

    @property
    def multiplicity(self) -> np.ndarray:
        """How many frequencies each of `places` stands for."""
        return self._kept[1]

    @cached_property
    def _taps(self) -> np.ndarray:
        """The place of each tap on every axis, dilated: `(axes, taps)`."""
        kernel_size = self.weight.shape[3:]
        taps = np.indices(kernel_size).reshape(len(kernel_size), math.prod(kernel_size))
        return taps * np.array(self.dilations, dtype=np.int64)[:, None]

    @cached_property
    def _matrix(self) -> np.ndarray:
        """The weights of each tap in a row: `(taps, groups * c_out * c_in)`."""
        taps = math.prod(self.weight.shape[3:])
        return np.ascontiguousarray(self.weight.reshape(-1, taps).T)

    def chunks(self, least: int = 1) -> list[slice]:
        """`places` cut into parts whose blocks take about `CHUNK_BYTES`, but for each of `least` workers."""
        waves = 16 * math.prod(self.weight.shape[3:]) * math.prod(self.strides)
        each = max(_LEAST, CHUNK_BYTES // max(self.block_bytes, waves))
        each = min(each, max(2, -(-self.places.size // least)))
        return [slice(start, start + each) for start in range(0, self.places.size, each)]

    def aliases(self, places: np.ndarray) -> np.ndarray:
        """Doubled frequencies `2 q + half` that come out as each of `places`: `(axes, len(places), prod(strides))`."""
        index = _unravelled(places, self.output_sizes)[..., None]
        folds = np.indices(self.strides).reshape(len(self.strides), 1, math.prod(self.strides))
        sizes, halves = (np.array(part, dtype=np.int64)[:, None, None] for part in (self.output_sizes, self.halves))
        return 2 * (index + folds * sizes) + halves

    def blocks(self, places: np.ndarray) -> np.ndarray:
        """The blocks of some frequencies: `(len(places), *block_shape)`, complex.

        Columns are ordered by alias and then by channel. The shift of the taps by the padding is left out, which
        multiplies each by a number of size 1.
        """
        doubled = self.aliases(places).reshape(len(self.sizes), len(places) * math.prod(self.strides))
        waves = np.ones((doubled.shape[1], self._taps.shape[1]), dtype=np.complex128)
        for size, own, taps in zip(self.sizes, doubled, self._taps, strict=True):
            # Exponents are whole, so that no wave is less exact than its table.
            waves *= _roots(2 * size)[(own[:, None] * taps) % (2 * size)]
        made = np.empty((doubled.shape[1], self._matrix.shape[1]), dtype=np.complex128)
        if self.weight.dtype.kind == "c":
            np.matmul(waves, self._matrix, out=made)
        else:
            made.real, made.imag = waves.real @ self._matrix, waves.imag @ self._matrix
        groups, rows, columns = self.weight.shape[:3]
        folds = math.prod(self.strides)
        if folds > 1:
            made *= 1 / math.sqrt(folds)
        blocks = made.reshape(len(places), folds, groups, rows, columns)
        return blocks.transpose(0, 2, 3, 1, 4).reshape(len(places), *self.block_shape)


def is_circular(geometry: Geometry) -> bool:
    """Whether the matrix is circular: every axis wraps round and has exactly one output each `stride` inputs."""
    return all(
        axis.padding_mode == "circular" and axis.output_size * axis.stride == axis.input_size for axis in geometry.axes
    )


def by_group(geometry: Geometry, weight: np.ndarray) -> np.ndarray:
    """`(groups, c_out/groups, c_in/groups, *kernel_size)`."""
    return weight.reshape(geometry.groups, -1, *weight.shape[1:])


def reduced(frequencies: Frequencies) -> tuple[Frequencies, int]:
    """The same blocks, each once, and how often each is repeated: a dilated layer reads interleaved grids.

    With `g = gcd(d, n)` the inputs fall into `g` grids that never meet, and `g/gcd(s, g)` of them are read, alike.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv([1.0, 2.0], 12, dilation=3, padding=((1, 2),), padding_mode="circular")
    >>> small, times = reduced(Frequencies.of(layer.geometry, layer.weight))
    >>> small.sizes, small.dilations, times
    ((4,), (1,), 3)
    """
    sizes, strides, dilations, times = [], [], [], 1
    for n, s, d in zip(frequencies.sizes, frequencies.strides, frequencies.dilations, strict=True):
        grids = math.gcd(n, d)
        common = math.gcd(s, grids)
        sizes.append(n // grids)
        strides.append(s // common)
        dilations.append(d // grids)
        times *= grids // common
    return Frequencies(frequencies.weight, tuple(sizes), tuple(strides), tuple(dilations), frequencies.halves), times


def _wrapped(weight: np.ndarray, axes: Sequence[Axis]) -> np.ndarray:
    """Weights whose taps all read different inputs of a circular axis."""
    for place, axis in enumerate(axes, start=3):
        count = axis.input_size // math.gcd(axis.input_size, axis.dilation)
        if axis.kernel_size > count:
            turns = -(-axis.kernel_size // count)
            rows = np.zeros((turns * count, *np.moveaxis(weight, place, 0).shape[1:]), dtype=weight.dtype)
            rows[: axis.kernel_size] = np.moveaxis(weight, place, 0)
            weight = np.moveaxis(rows.reshape(turns, count, *rows.shape[1:]).sum(axis=0), 0, place)
    return weight


def _unravelled(places: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Flat places as one row an axis, none where there are no axes."""
    if not sizes:
        return np.zeros((0, places.size), dtype=np.int64)
    return np.array(np.unravel_index(places, sizes), dtype=np.int64)


def _roots(count: int) -> np.ndarray:
    """All powers of the first `count`-th root of 1, to less than 8 roundings; 1, i, -1 and -i exactly."""
    places = np.arange(count)
    # By the nearest quarter turn, so that the angle is small.
    quarters, rest = np.divmod(8 * places + count, 2 * count)
    angle = (rest - count) * (math.pi / (4 * count))
    small = np.cos(angle) + 1j * np.sin(angle)
    return small * np.array([1, 1j, -1, -1j])[quarters % 4]
