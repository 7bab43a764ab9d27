"""What a layer makes of each frequency: the largest and the smallest singular value of its symbol."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convmatrix.analysis.facts import as_html, as_text, plain
from convmatrix.analysis.spectrum.frequencies import Frequencies, by_group
from convmatrix.analysis.spectrum.numbers import numerical
from convmatrix.analysis.spectrum.structure import stripped
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution

_SIZE = 64
_LISTED = 4096
_EQUAL = 1e-12
"""What rounding makes of equal gains, and of equal distances from 0."""


@dataclass(frozen=True, eq=False)
class FrequencyResponse:
    """The gains of a layer at each frequency of a grid.

    Attributes
    ----------
    op : TensorOperator
        The layer.
    frequencies : tuple of ndarray
        One an axis of space: cycles a position, ascending from -1/2 on, below 1/2.
    gain : ndarray of the grid's shape
        The largest singular value of the symbol `F(f) = sum over taps t of w_t exp(2 pi i f t d)`: how much a wave of
        that frequency grows at most, over the channels that carry it. Of one channel to one, `|F(f)|`.
    least_gain : ndarray of the grid's shape
        The smallest: how much it grows at least; 0 where some channels of it are lost.
    """

    op: TensorOperator
    frequencies: tuple[np.ndarray, ...]
    gain: np.ndarray = field(repr=False)
    least_gain: np.ndarray = field(repr=False)

    @property
    def peak(self) -> tuple[float, ...]:
        """The frequency that grows most, the nearest to 0 of equals; 1/2 for -1/2, which is the same frequency.

        Of a frequency and its mirror image, equals where weights are real, that whose first number but 0 is positive.
        """
        places = np.argwhere(self.gain >= self.gain.max() * (1 - _EQUAL))
        named = np.stack([own[place] for own, place in zip(self.frequencies, places.T, strict=True)], axis=1)
        named[named == -0.5] = 0.5
        size = np.abs(named).sum(axis=1)
        nearest = named[size <= size.min() + _EQUAL]
        first: tuple[float, ...] = max(map(tuple, nearest.tolist()))
        return first

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; gains of up to 4096 frequencies, otherwise None."""
        is_listed = self.gain.size <= _LISTED
        return {
            "frequencies": [plain(own) for own in self.frequencies],
            "peak": list(self.peak),
            "largest": float(self.gain.max()),
            "smallest": float(self.least_gain.min()),
            "gain": plain(self.gain) if is_listed else None,
            "least_gain": plain(self.least_gain) if is_listed else None,
        }

    def _lines(self) -> tuple[str, list[tuple[str, str]]]:
        at = ", ".join(f"{own:.4g}" for own in self.peak)
        head = f"gains from {self.least_gain.min():.4g} to {self.gain.max():.4g}, the largest at {at} cycles a position"
        grid = " x ".join(map(str, self.gain.shape))
        return head, [("operator", f"{self.op.in_shape} -> {self.op.out_shape}"), ("grid", f"{grid} frequencies")]

    def __str__(self) -> str:
        return as_text(*self._lines())

    def _repr_html_(self) -> str:
        return as_html(*self._lines())


def frequency_response(op: TensorOperator, size: Any = None) -> FrequencyResponse:
    """How much a layer lets through of each frequency: the singular values of its symbol.

    The layer's own matrix has these as singular values where it is circular with stride 1 and the grid is its input's.
    With zero padding none of its singular values is above the largest gain of all frequencies, which those of a finite
    grid come near to and may miss; how small they are, no gain tells. A stride is left out: it folds frequencies onto
    each other, which is another question.

    Parameters
    ----------
    op : TensorOperator
        A layer, transposed or not, of numbers and at least one axis of space; a multiple of one, or one between
        permutations.
    size : int or sequence of int, default 64
        Frequencies an axis.

    Returns
    -------
    FrequencyResponse

    Raises
    ------
    ConvMatrixError
        If `op` is no such layer, or holds symbols, NaN or infinity.
    MatrixTooLargeError
        If the grid would not fit.

    Examples
    --------
    >>> import convmatrix as cm
    >>> print(cm.frequency_response(cm.conv("1 2 1", 8), 8))
    gains from 0 to 4, the largest at 0 cycles a position
      operator  (1, 8) -> (1, 6)
      grid      8 frequencies
    >>> cm.frequency_response(cm.conv("-1 0 1", 8), 8).peak
    (0.25,)
    """
    numbers = numerical(op, unread=True)
    own = stripped(numbers.op)
    layer: Any = own.core.of if isinstance(own.core, Transposed) else own.core
    if not isinstance(layer, Convolution) or not layer.geometry.axes:
        raise ConvMatrixError(f"op must be a layer with an axis of space, got {type(op).__name__}")
    axes = layer.geometry.axes
    sizes = arguments.per_axis(_SIZE if size is None else size, "size", len(axes), 1)
    check_size(f"the gains of {math.prod(sizes)} frequencies", 16 * math.prod(sizes))
    weight = by_group(layer.geometry, layer.weight)
    ones, dilations = (1,) * len(axes), tuple(axis.dilation for axis in axes)
    grid = Frequencies(weight, sizes, ones, dilations, (0,) * len(axes))
    places = np.arange(math.prod(sizes))
    gain, least = np.empty(places.size), np.empty(places.size)
    each = max(1, (1 << 22) // max(grid.block_bytes, 1))
    for start in range(0, places.size, each):
        part = slice(start, start + each)
        values = np.linalg.svd(grid.blocks(places[part]), compute_uv=False).reshape(len(places[part]), -1)
        gain[part], least[part] = values.max(axis=1), values.min(axis=1)
    factor = abs(own.factor)
    gains = [numbers.times(np.fft.fftshift(values.reshape(sizes)) * factor) for values in (gain, least)]
    for values in gains:
        values.flags.writeable = False
    return FrequencyResponse(op, tuple(np.fft.fftshift(np.fft.fftfreq(n)) for n in sizes), gains[0], gains[1])
