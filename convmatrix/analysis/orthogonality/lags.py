"""The Gram matrix of a layer as what it is made of: few different blocks, and how often each occurs.

`C^H C` at input positions `i` and `j` is the sum of `w_t^H w_u` over the outputs that read `i` through tap `t` and `j`
through `u`, and `C C^H` at two outputs the sum of `w_t w_u^H` over the inputs that both read. Away from the borders
which taps meet depends on the lag `j - i` alone (and on `i` modulo the stride): the "self-convolution" of Wang et al.,
Orthogonal Convolutional Neural Networks, arXiv:1911.12207, which is to be 1 at lag 0 and 0 at all others. At a border
some taps have nothing to meet, and these sets make further blocks. So nothing here grows with the input.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from convmatrix.analysis.spectrum.frequencies import by_group
from convmatrix.geometry import Axis, Geometry

CHUNK_BYTES = 1 << 26
_ROOM = 4
"""Times the reach of a border, beyond which an axis is long enough to be known from two shorter ones."""


@dataclass(frozen=True, eq=False)
class Meetings:
    """Along one axis: the different ways in which the taps of two positions meet.

    Attributes
    ----------
    pairs : ndarray of shape `(ways, k, k)`
        How often tap `t` of the first position meets tap `u` of the second, as integers.
    counts : ndarray of shape `(ways,)`
        How many pairs of positions meet in each way.
    same : ndarray of shape `(ways,)`
        Whether these are a position with itself. One that meets nothing is there too, with itself.
    """

    pairs: np.ndarray
    counts: np.ndarray
    same: np.ndarray


@dataclass(frozen=True, eq=False)
class Blocks:
    """Some rows of the different blocks of a Gram matrix.

    Attributes
    ----------
    values : ndarray of shape `(rows, channels, ways)`
        Of some channels of one group with all of that group.
    first : int
        The channel, within the group, of the first row.
    start : int
        The same within the layer.
    counts, same : ndarray of shape `(ways,)`
        How often each occurs, and whether on the diagonal.
    """

    values: np.ndarray
    first: int
    start: int
    counts: np.ndarray
    same: np.ndarray

    @property
    def identity(self) -> np.ndarray:
        """The same rows of the identity, as integers; to be broadcast."""
        rows, channels, _ = self.values.shape
        return np.eye(rows, channels, self.first, dtype=np.int64)[..., None] * self.same


def gram_blocks(geometry: Geometry, weight: np.ndarray, by_rows: bool) -> Iterator[Blocks]:
    """The different blocks of `C C^H` (`by_rows`) or `C^H C`, a few rows at a time; exactly, for exact weights.

    Parameters
    ----------
    geometry : Geometry
        Of a layer with any border rule.
    weight : ndarray of shape `(c_out, c_in/groups, *kernel_size)`
        Numbers; integers must be small enough not to wrap.
    by_rows : bool
        Whether the rows of the matrix are multiplied with each other, rather than its columns.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv([1, 2, 3], 1000)
    >>> (blocks,) = gram_blocks(layer.geometry, layer.weight, True)
    >>> sorted(zip(blocks.values.ravel().tolist(), blocks.counts.tolist()))
    [(3, 996.0), (3, 996.0), (8, 997.0), (8, 997.0), (14, 998.0)]
    """
    ways = [meetings(axis, by_rows) for axis in geometry.axes]
    counts, same = np.ones(1, dtype=object), np.ones(1, dtype=bool)
    for own in ways:
        counts = np.multiply.outer(counts, own.counts.astype(object)).reshape(-1)
        same = np.logical_and.outer(same, own.same).reshape(-1)
    counts = counts.astype(np.float64)
    for group, own_weight in enumerate(by_group(geometry, weight)):
        taps = own_weight.reshape(*own_weight.shape[:2], -1)
        # One matrix a channel of the Gram matrix: taps times what is summed over.
        sides = taps.transpose(0, 2, 1) if by_rows else np.conj(taps.transpose(1, 2, 0))
        channels = len(sides)
        each = max(1, CHUNK_BYTES // (16 * channels * max(taps.shape[2] ** 2, counts.size)))
        for first in range(0, channels, each):
            values = _contracted(sides[first : first + each], sides, ways, geometry.kernel_size)
            yield Blocks(values, first, group * channels + first, counts, same)


def _contracted(some: np.ndarray, every: np.ndarray, ways: list[Meetings], kernel_size: tuple[int, ...]) -> np.ndarray:
    """Products of the taps of some channels and all, summed over the pairs of taps of every way to meet."""
    shape = (len(some), len(every), -1)
    products = np.tensordot(some, np.conj(every), axes=(2, 2))
    products = products.reshape(len(some), *kernel_size, len(every), *kernel_size)
    axes = len(kernel_size)
    order = [0, 1 + axes]
    for axis in range(axes):
        order += [1 + axis, 2 + axes + axis]
    found = products.transpose(order).reshape(len(some), len(every), *(k * k for k in kernel_size))
    for own in ways:
        # The next axis of taps is the third; its ways go to the end.
        found = np.tensordot(found, own.pairs.reshape(len(own.pairs), -1), axes=(2, 1))
    return np.asarray(found.reshape(shape))


@lru_cache(maxsize=256)
def meetings(axis: Axis, by_rows: bool) -> Meetings:
    """The ways in which taps meet along an axis, between outputs (`by_rows`) or between inputs.

    Examples
    --------
    >>> from convmatrix.geometry import Axis
    >>> found = meetings(Axis(input_size=100, kernel_size=2, output_size=99), False)
    >>> for pairs, count, same in zip(found.pairs.tolist(), found.counts.tolist(), found.same.tolist()):
    ...     print(pairs, count, same)
    [[1, 0], [0, 0]] 1 True
    [[0, 1], [0, 0]] 99 False
    [[0, 0], [1, 0]] 99 False
    [[1, 0], [0, 1]] 98 True
    [[0, 0], [0, 1]] 1 True
    """
    reach = axis.pad_before + axis.pad_after + 2 * axis.extent + 2 * axis.stride
    more = min(axis.input_size - _ROOM * reach, (axis.output_size - _ROOM * reach) * axis.stride) // axis.stride
    if more <= 1:
        return _as_arrays(_ways(axis, by_rows), axis.kernel_size)
    # In the middle every output more brings the same meetings once more.
    short = replace(axis, input_size=axis.input_size - more * axis.stride, output_size=axis.output_size - more)
    longer = replace(short, input_size=short.input_size + axis.stride, output_size=short.output_size + 1)
    some, others = _ways(short, by_rows), _ways(longer, by_rows)
    return _as_arrays({way: count + more * (others[way] - count) for way, count in some.items()}, axis.kernel_size)


_Way = tuple[bool, bytes]


def _ways(axis: Axis, by_rows: bool) -> dict[_Way, int]:
    """How many pairs of positions meet in each way: by whether they are one, and by the pairs of taps that meet."""
    reads = axis.reads()
    outputs, taps = np.nonzero(reads >= 0)
    inputs = reads[outputs, taps]
    # What is shared, and what meets there.
    shared, met, size = (inputs, outputs, axis.output_size) if by_rows else (outputs, inputs, axis.input_size)
    order = np.argsort(shared, kind="stable")
    ends = np.flatnonzero(np.diff(shared[order])) + 1
    # An axis may read nothing but padding.
    keys, pairs = [order[:0]], [order[:0]]
    for own in np.split(order, ends) if order.size else ():
        keys.append((met[own][:, None] * size + met[own]).reshape(-1))
        pairs.append((taps[own][:, None] * axis.kernel_size + taps[own]).reshape(-1))
    key, pair = np.concatenate(keys), np.concatenate(pairs)
    order = np.lexsort((pair, key))
    key, pair = key[order], pair[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    found: dict[_Way, int] = defaultdict(int)
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), key.size], strict=bool(key.size)):
        first, second = divmod(int(key[start]), size)
        found[first == second, pair[start:stop].tobytes()] += 1
    unread = size - np.unique(met).size
    if unread:
        found[True, b""] = unread
    return found


def _as_arrays(ways: dict[_Way, int], k: int) -> Meetings:
    pairs = np.zeros((len(ways), k * k), dtype=np.int64)
    for number, (_, own) in enumerate(ways):
        np.add.at(pairs[number], np.frombuffer(own, dtype=np.int64), 1)
    counts = np.array(list(ways.values()), dtype=np.int64)
    return Meetings(pairs.reshape(-1, k, k), counts, np.array([same for same, _ in ways], dtype=bool))
