"""One axis: output position o reads, through tap t, input position `o*stride + t*dilation - pad_before`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments

PADDING_MODES = ("zeros", "circular", "reflect", "replicate", "symmetric")
"""What a position outside the input reads: nothing, the input wrapped round, mirrored without and with its edge
repeated (`reflect`, `symmetric`), or the nearest edge (`replicate`)."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The geometry of one axis, validated once.

    Parameters
    ----------
    input_size, kernel_size, output_size : int
        Positions of the input, taps of the kernel, positions of the output; each at least 1. `output_size` is at most
        `size_rule`: a transposed convolution may mean only the first rows.
    stride, dilation : int
        Steps between outputs and between taps, in input positions; at least 1.
    pad_before, pad_after : int
        Positions added on each side; negative ones are cut away.
    padding_mode : str
        One of `PADDING_MODES`. `reflect` needs both pads below `input_size`, as in PyTorch; the others take any.

    Raises
    ------
    ConvMatrixError
        If a size is below 1, a reflected pad is too large, or `output_size` exceeds the size rule.

    Examples
    --------
    >>> from convmatrix.geometry import Axis
    >>> axis = Axis(input_size=5, kernel_size=3, output_size=3, stride=2, pad_before=1, pad_after=1)
    >>> axis.reads()
    array([[-1,  0,  1],
           [ 1,  2,  3],
           [ 3,  4, -1]])
    """

    input_size: int
    kernel_size: int
    output_size: int
    stride: int = 1
    dilation: int = 1
    pad_before: int = 0
    pad_after: int = 0
    padding_mode: str = "zeros"

    def __post_init__(self) -> None:
        for name in ("input_size", "kernel_size", "stride", "dilation"):
            arguments.integer(getattr(self, name), name, 1)
        arguments.one_of(self.padding_mode, "padding_mode", PADDING_MODES)
        if self.output_size < 1 or self.output_size > self.size_rule:
            raise ConvMatrixError(
                f"output size must be between 1 and what the size rule gives, {self.size_rule} "
                f"(input {self.input_size}, padding {self.pad_before}+{self.pad_after}, kernel {self.kernel_size}, "
                f"dilation {self.dilation}, stride {self.stride}), got {self.output_size}"
            )
        if self.padding_mode == "reflect" and max(self.pad_before, self.pad_after) >= self.input_size:
            raise ConvMatrixError(
                f"padding must be below the input size for padding_mode 'reflect', "
                f"got {max(self.pad_before, self.pad_after)} on an axis of size {self.input_size}"
            )

    @property
    def extent(self) -> int:
        """Input positions from the first tap to the last: `dilation*(kernel_size - 1) + 1`."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def padded_size(self) -> int:
        """Positions of the padded input."""
        return self.input_size + self.pad_before + self.pad_after

    @property
    def size_rule(self) -> int:
        """`floor((padded_size - extent)/stride) + 1`, relationship 15 of Dumoulin & Visin; 0 if the kernel is larger.

        Dumoulin, Visin: A guide to convolution arithmetic for deep learning, arXiv:1603.07285.
        """
        return max((self.padded_size - self.extent) // self.stride + 1, 0)

    @property
    def interior(self) -> tuple[int, int]:
        """The outputs `[low, high)` all of whose taps read the input itself; empty as `(low, low)`."""
        low = max(0, min(-(-self.pad_before // self.stride), self.output_size))
        high = (self.input_size - self.extent + self.pad_before) // self.stride + 1
        return low, max(low, min(high, self.output_size))

    @property
    def nnz(self) -> int:
        """Pairs (output, input) that some tap joins: the entries this axis stores."""
        return _stored_entries(self)

    @property
    def tap_is_read(self) -> np.ndarray:
        """Whether each tap reads an input at some output, `(kernel_size,)`: in padding of zeros some may never do."""
        if self.padding_mode != "zeros":
            return np.ones(self.kernel_size, dtype=bool)
        first, stop = _outputs_of_taps(self)
        return stop > first

    def positions(self, outputs: np.ndarray) -> np.ndarray:
        """What each tap of each output reads, `(len(outputs), kernel_size)`, before any border rule."""
        taps = np.arange(self.kernel_size, dtype=np.int64) * self.dilation - self.pad_before
        return outputs[:, None] * self.stride + taps

    def source(self, positions: np.ndarray) -> np.ndarray:
        """The input position behind each position, by the padding mode; -1 where that is padding of zeros."""
        size = self.input_size
        inside = (positions >= 0) & (positions < size)
        if self.padding_mode == "zeros":
            return np.where(inside, positions, -1)
        if self.padding_mode == "circular":
            return positions % size
        if self.padding_mode == "replicate":
            return positions.clip(0, size - 1)
        if self.padding_mode == "reflect":
            period = max(2 * size - 2, 1)
            folded = positions % period
            return np.minimum(folded, period - folded) if size > 1 else folded
        folded = positions % (2 * size)
        return np.minimum(folded, 2 * size - 1 - folded)

    def reads(self) -> np.ndarray:
        """The table itself, `(output_size, kernel_size)`: the input each tap reads, -1 for a zero of the padding."""
        return self.source(self.positions(np.arange(self.output_size)))


@lru_cache(maxsize=1024)
def _stored_entries(axis: Axis) -> int:
    if axis.padding_mode != "zeros":
        low, high = axis.interior
        return (high - low) * axis.kernel_size + _distinct_reads(axis, 0, low) + _distinct_reads(axis, high)
    first, stop = _outputs_of_taps(axis)
    return int(np.maximum(stop - first, 0).sum())


def _outputs_of_taps(axis: Axis) -> tuple[np.ndarray, np.ndarray]:
    """The outputs `[first, stop)` at which each tap reads the input itself; none where `stop <= first`."""
    offsets = axis.pad_before - axis.dilation * np.arange(axis.kernel_size, dtype=np.int64)
    first = np.maximum(-(-offsets // axis.stride), 0)
    stop = np.minimum((axis.input_size - 1 + offsets) // axis.stride + 1, axis.output_size)
    return first, stop


def _distinct_reads(axis: Axis, start: int, stop: int | None = None) -> int:
    """Inputs read by the outputs from `start` to `stop`, each once an output, however many these are."""
    stop = axis.output_size if stop is None else stop
    if axis.padding_mode == "replicate":
        # Far outside every tap reads the same edge.
        first = min(max(start, (axis.pad_before - axis.extent + 1) // axis.stride), stop)
        last = max(first, min(stop, (axis.pad_before + axis.input_size - 1) // axis.stride + 1))
        return (first - start) + (stop - last) + int(_distinct_by_row(axis, first, last).sum())
    period = {"circular": axis.input_size, "reflect": 2 * axis.input_size - 2}.get(
        axis.padding_mode, 2 * axis.input_size
    )
    cycle = max(period, 1) // math.gcd(max(period, 1), axis.stride)
    counts = _distinct_by_row(axis, start, min(stop, start + cycle))
    cycles, rest = divmod(stop - start, max(len(counts), 1))
    return cycles * int(counts.sum()) + int(counts[:rest].sum())


def _distinct_by_row(axis: Axis, start: int, stop: int) -> np.ndarray:
    """Distinct inputs that each output reads, a part of the outputs at a time."""
    part = max(1, (1 << 22) // axis.kernel_size)
    counts = [np.zeros(0, dtype=np.int64)]
    for first in range(start, stop, part):
        reads = axis.source(axis.positions(np.arange(first, min(first + part, stop))))
        reads.sort(axis=1)
        counts.append(1 + np.count_nonzero(np.diff(reads, axis=1), axis=1))
    return np.concatenate(counts)
