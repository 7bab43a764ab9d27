"""Counts along one axis added up over its taps: over each by itself, or over all of a long kernel at once."""

from __future__ import annotations

import numpy as np

from convmatrix.geometry import Axis
from convmatrix.memory import check_size

_FEW_TAPS = 64
"""Taps up to which each is added up by itself."""


def gathered(axis: Axis, counts: np.ndarray) -> np.ndarray:
    """What the outputs of an axis read, added up over the taps: `(output_size, ...)`.

    Examples
    --------
    >>> import numpy as np
    >>> from convmatrix.geometry import Axis
    >>> gathered(Axis(input_size=4, kernel_size=2, output_size=3), np.array([1, 2, 3, 4]))
    array([3, 5, 7])
    """
    starts = np.arange(axis.output_size, dtype=np.int64) * axis.stride
    if axis.kernel_size > _FEW_TAPS:
        reads = axis.source(np.arange(_padded(axis, counts), dtype=np.int64) - axis.pad_before)
        padded = zeros(reads.size, counts)
        padded[reads >= 0] = counts[reads[reads >= 0]]
        running = _running(padded, axis.dilation)
        total = running[starts + axis.extent - 1]
        behind = starts >= axis.dilation
        total[behind] -= running[starts[behind] - axis.dilation]
        return total
    total = zeros(axis.output_size, counts)
    for tap in range(axis.kernel_size):
        reads = axis.source(starts - axis.pad_before + tap * axis.dilation)
        inside = np.flatnonzero(reads >= 0)
        total[inside] += counts[reads[inside]]
    return total


def scattered(axis: Axis, counts: np.ndarray) -> np.ndarray:
    """What the outputs of an axis hand back to the inputs they read, added up over the taps: `(input_size, ...)`.

    Examples
    --------
    >>> import numpy as np
    >>> from convmatrix.geometry import Axis
    >>> scattered(Axis(input_size=4, kernel_size=2, output_size=3), np.array([1, 2, 3]))
    array([1, 3, 5, 3])
    """
    total = zeros(axis.input_size, counts)
    if axis.kernel_size > _FEW_TAPS:
        padded = handed_back(axis, counts)
        reads = axis.source(np.arange(len(padded), dtype=np.int64) - axis.pad_before)
        np.add.at(total, reads[reads >= 0], padded[reads >= 0])
        return total
    starts = np.arange(axis.output_size, dtype=np.int64) * axis.stride - axis.pad_before
    for tap in range(axis.kernel_size):
        reads = axis.source(starts + tap * axis.dilation)
        inside = np.flatnonzero(reads >= 0)
        np.add.at(total, reads[inside], counts[inside])
    return total


def handed_back(axis: Axis, counts: np.ndarray) -> np.ndarray:
    """The same before any border rule: entry `i` is what position `i - pad_before` gets.

    Examples
    --------
    >>> import numpy as np
    >>> from convmatrix.geometry import Axis
    >>> handed_back(Axis(input_size=3, kernel_size=3, output_size=2, stride=2, pad_before=1, pad_after=1), np.ones(2))
    array([1., 1., 2., 1., 1.])
    """
    padded = zeros(_padded(axis, counts), counts)
    padded[np.arange(axis.output_size, dtype=np.int64) * axis.stride] = counts
    running, beyond = _running(padded, axis.dilation), axis.kernel_size * axis.dilation
    if beyond < len(running):
        running[beyond:] = running[beyond:] - running[:-beyond]
    return running


def zeros(size: int, like: np.ndarray) -> np.ndarray:
    """Counts of 0 at so many positions, of the kind and the other axes of `like`."""
    return np.zeros((size, *like.shape[1:]), dtype=like.dtype)


def _padded(axis: Axis, counts: np.ndarray) -> int:
    """The positions from the first that an axis reads to the last, if their counts fit into memory."""
    size = (axis.output_size - 1) * axis.stride + axis.extent
    check_size(f"the counts of {size} positions", 40 * size * (counts.size // max(len(counts), 1)))
    return size


def _running(counts: np.ndarray, step: int) -> np.ndarray:
    """The sum of each entry and those `step`, `2*step`, ... before it; an int64 may wrap, and differences are right."""
    turns = -(-len(counts) // step)
    if turns == 1:
        return counts.copy()
    whole = zeros(turns * step, counts)
    whole[: len(counts)] = counts
    summed = whole.reshape(turns, step, *counts.shape[1:]).cumsum(axis=0)
    return summed.reshape(whole.shape)[: len(counts)]
