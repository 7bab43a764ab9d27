"""`C^H C` or `C C^H` of a layer, whichever is smaller, put together from products of its taps: never through `C`.

Two taps meet where some output reads through both: the block of `C^H C` at two input positions is the sum of
`w_t^H w_u` over the outputs that read the one through tap `t` and the other through `u`. There are as many products as
pairs of taps, and everything else is adding them up in their places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convmatrix.geometry import Axis


@dataclass(frozen=True, eq=False)
class Meetings:
    """Which outputs read which inputs through which taps, over several axes: the table that a Gram matrix is made of.

    Attributes
    ----------
    axes : tuple of Axis
        The axes, of any border rule.
    """

    axes: tuple[Axis, ...]

    @property
    def inputs(self) -> int:
        """Input positions."""
        return math.prod(axis.input_size for axis in self.axes)

    @property
    def outputs(self) -> int:
        """Output positions."""
        return math.prod(axis.output_size for axis in self.axes)

    @property
    def taps(self) -> int:
        """Taps of the kernel."""
        return math.prod(axis.kernel_size for axis in self.axes)

    @cached_property
    def table(self) -> np.ndarray:
        """`(outputs, taps)`: the input read, flat, or -1."""
        found = np.zeros((1, 1), dtype=np.int64)
        for axis in self.axes:
            reads = axis.reads()
            inside = (found[:, None, :, None] >= 0) & (reads[None, :, None, :] >= 0)
            both = found[:, None, :, None] * axis.input_size + reads[None, :, None, :]
            found = np.where(inside, both, -1).reshape(len(found) * len(reads), -1)
        return found

    @cached_property
    def by_input(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each input that is read, the outputs that read it and the taps through which they do."""
        outputs, taps = np.nonzero(self.table >= 0)
        inputs = self.table[outputs, taps]
        order = np.argsort(inputs, kind="stable")
        starts = np.flatnonzero(np.diff(inputs[order], prepend=-1))
        return list(zip(np.split(outputs[order], starts[1:]), np.split(taps[order], starts[1:]), strict=True))

    @cached_property
    def by_output(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each output the inputs that it reads and the taps through which it does."""
        return [(row[row >= 0], np.flatnonzero(row >= 0)) for row in self.table]

    @cached_property
    def counts(self) -> np.ndarray:
        """`(taps,)`: how many outputs read one input through a tap, at the most; more than 1 where borders repeat."""
        outputs, taps = np.nonzero(self.table >= 0)
        places, counts = np.unique(self.table[outputs, taps] * self.taps + taps, return_counts=True)
        found = np.zeros(self.taps, dtype=np.int64)
        np.maximum.at(found, places % self.taps, counts)
        return found

    @cached_property
    def merged(self) -> int:
        """The most taps through which one output reads one input."""
        outputs, taps = np.nonzero(self.table >= 0)
        return int(np.unique(outputs * self.inputs + self.table[outputs, taps], return_counts=True)[1].max(initial=1))

    def terms(self, channels: int, by_rows: bool) -> int:
        """Roundings of an entry of the Gram matrix: sums over channels, and of the pairs of taps that meet there."""
        reads = self.taps if by_rows else int(self.counts.sum())
        return channels + reads * self.merged

    def spread(self, weight: np.ndarray) -> float:
        """A bound on the norm of the Gram matrix with magnitudes everywhere, by Schur's test."""
        sizes = np.abs(weight)
        rows = sizes.sum(axis=(1, 2)).max(initial=0)
        columns = (sizes.sum(axis=0) @ self.counts).max(initial=0)
        return float(rows * columns) * (1 + 1e-6)


def gram(meetings: Meetings, weight: np.ndarray, by_rows: bool) -> np.ndarray:
    """`C C^H` (`by_rows`) or `C^H C`, with positions before channels.

    Parameters
    ----------
    meetings : Meetings
        The table of the axes.
    weight : ndarray of shape `(c_out, c_in, taps)`
        One group.
    by_rows : bool
        Whether the rows of the matrix are multiplied with each other, rather than its columns.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> layer = cm.conv([[[1.0, 2.0]]], 3)
    >>> gram(Meetings(layer.geometry.axes), layer.weight, True)
    array([[5., 2.],
           [2., 5.]])
    """
    rows, columns, taps = weight.shape
    if by_rows:
        stacked = np.ascontiguousarray(weight.transpose(2, 0, 1)).reshape(taps * rows, columns)
        products, channels, places = stacked @ np.conj(stacked).T, rows, meetings.by_input
        size = meetings.outputs
    else:
        stacked = np.ascontiguousarray(weight.transpose(0, 2, 1)).reshape(rows, taps * columns)
        products, channels, places = np.conj(stacked).T @ stacked, columns, meetings.by_output
        size = meetings.inputs
    products = products.reshape(taps, channels, taps, channels)
    total = np.zeros((size, channels, size, channels), dtype=products.dtype)
    for positions, own in places:
        _add(total, positions, products, own)
    return total.reshape(size * channels, size * channels)


def _add(total: np.ndarray, positions: np.ndarray, products: np.ndarray, taps: np.ndarray) -> None:
    """Add the products of some taps in the places of their positions, which may be named twice."""
    if total.shape[1] == 1:
        flat, own = total[:, 0, :, 0], products[:, 0, :, 0]
        np.add.at(flat, np.ix_(positions, positions), own[np.ix_(taps, taps)])
        return
    for place, tap in zip(positions.tolist(), taps.tolist(), strict=True):
        for other, second in zip(positions.tolist(), taps.tolist(), strict=True):
            total[place, :, other] += products[tap, :, second]
