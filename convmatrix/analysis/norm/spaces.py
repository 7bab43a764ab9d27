"""Which larger, circular matrix a layer's is a part of, axis by axis, and the blocks that one falls into.

Along an axis a layer is taken in one of three ways:

- as it is, all its positions together (`OWN`): always possible;
- as a wave, where its own matrix is circular (`CIRCULAR`);
- as a part of a circular matrix on `N` positions, of which its rows and columns are some (`EMBEDDED`): where it reads
  nothing but its input and zeros. The part has at most the norm of the whole. `N` is the least that keeps what wraps
  round away from the input. The waves of the larger grid may change their sign where it wraps round, which is another
  matrix with the same part; where `N` would be large, fewer waves than it has bound all of them.

Fewer waves: a function `u^H F(w) v` of exponential type `delta` (half the kernel's extent) falls from its largest value
no faster than `cos(delta x)` (Duffin, Schaeffer 1938; for polynomials Ehlich, Zeller 1964), so `N` equally spaced waves
see at least `cos(pi delta / N)` of the largest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convmatrix.analysis.norm.gram import Meetings
from convmatrix.analysis.spectrum.frequencies import Frequencies, by_group
from convmatrix.geometry import Axis
from convmatrix.operators.convolution import Convolution

OWN, CIRCULAR, EMBEDDED = "own", "circular", "embedded"
ALL_WAVES = 1e-15
"""A slack with which no embedded axis gets fewer waves than it has."""


def is_plain(axis: Axis) -> bool:
    """Whether an axis reads nothing but its input and zeros."""
    if axis.padding_mode == "zeros":
        return True
    last = (axis.output_size - 1) * axis.stride + axis.extent - 1 - axis.pad_before
    return axis.pad_before <= 0 and last < axis.input_size


def wraps(axis: Axis) -> bool:
    """Whether an axis is circular by itself, with one output each `stride` inputs."""
    return axis.padding_mode == "circular" and axis.output_size * axis.stride == axis.input_size


def embedding_size(axis: Axis) -> int:
    """Positions of the least circular axis that this one is a part of.

    Examples
    --------
    >>> import convmatrix as cm
    >>> embedding_size(cm.conv([1, 2, 1], 8, padding=1).geometry.axes[0])
    9
    """
    last = (axis.output_size - 1) * axis.stride + axis.extent - 1 - axis.pad_before
    least = max(axis.input_size + max(axis.pad_before, 0), last + 1, axis.output_size * axis.stride)
    return -(-least // axis.stride) * axis.stride


def waves_within(axis: Axis, slack: float) -> tuple[int, float]:
    """How many waves bound an embedded axis within a factor of `1 + slack`, and the factor by which they may miss it.

    The factor is 1 where they are all waves of the least embedding.
    """
    whole = embedding_size(axis)
    half = (axis.extent - 1) / 2
    if half == 0:
        return whole, 1.0
    angle = math.acos(1 / (1 + slack))
    if angle * whole <= math.pi * half:
        return whole, 1.0
    few = math.ceil(math.pi * half / angle)
    few = -(-few // axis.stride) * axis.stride
    if few >= whole:
        return whole, 1.0
    # 1e-12 for the rounding of the cosine, which is never that large.
    return few, (1 + 1e-12) / math.cos(math.pi * half / few)


@dataclass(frozen=True, eq=False)
class Space:
    """A layer taken so along each axis.

    Attributes
    ----------
    op : Convolution
        In float64 or complex128.
    ways : tuple of str
        `OWN`, `CIRCULAR` or `EMBEDDED`, one an axis.
    halves : tuple of int
        1 for embedded axes whose waves change their sign where they wrap round.
    slack : float
        How much fewer waves may lose along each embedded axis.
    """

    op: Convolution
    ways: tuple[str, ...]
    halves: tuple[int, ...]
    slack: float

    @property
    def is_exact(self) -> bool:
        """Whether the norm of the blocks is the layer's own."""
        return EMBEDDED not in self.ways

    @property
    def own_axes(self) -> tuple[int, ...]:
        """Axes taken as they are."""
        return tuple(a for a, way in enumerate(self.ways) if way == OWN)

    @property
    def wave_axes(self) -> tuple[int, ...]:
        """The others."""
        return tuple(a for a, way in enumerate(self.ways) if way != OWN)

    @cached_property
    def _waves(self) -> tuple[tuple[int, float], ...]:
        axes = self.op.geometry.axes
        return tuple(
            (axes[a].input_size, 1.0) if self.ways[a] == CIRCULAR else waves_within(axes[a], self.slack)
            for a in self.wave_axes
        )

    @property
    def loss(self) -> float:
        """The norm is at most this times that of the blocks."""
        return math.prod(factor for _, factor in self._waves)

    @cached_property
    def frequencies(self) -> Frequencies:
        """The blocks of all wave axes; taps along own axes are counted as input channels, after these."""
        geometry = self.op.geometry
        weight = by_group(geometry, self.op.weight)
        order = (0, 1, 2, *(3 + a for a in self.own_axes), *(3 + a for a in self.wave_axes))
        moved = weight.transpose(order)
        kept = moved.shape[3 + len(self.own_axes) :]
        moved = moved.reshape(*moved.shape[:2], -1, *kept)
        axes = [geometry.axes[a] for a in self.wave_axes]
        return Frequencies(
            np.ascontiguousarray(moved),
            tuple(size for size, _ in self._waves),
            tuple(axis.stride for axis in axes),
            tuple(axis.dilation for axis in axes),
            tuple(self.halves[a] for a in self.wave_axes),
        )

    @cached_property
    def meetings(self) -> Meetings:
        """The table of the own axes."""
        return Meetings(tuple(self.op.geometry.axes[a] for a in self.own_axes))

    @property
    def channels(self) -> tuple[int, int]:
        """Output channels of a group, and input channels times aliases of the waves."""
        groups = self.op.geometry.groups
        folds = math.prod(self.op.geometry.axes[a].stride for a in self.wave_axes)
        return self.op.geometry.out_channels // groups, self.op.geometry.in_channels // groups * folds

    @property
    def by_rows(self) -> bool:
        """Whether the rows of a block are fewer than its columns."""
        rows, columns = self.channels
        return rows * self.meetings.outputs <= columns * self.meetings.inputs

    @property
    def size(self) -> int:
        """Rows of the Gram matrix of a block."""
        rows, columns = self.channels
        return rows * self.meetings.outputs if self.by_rows else columns * self.meetings.inputs

    @property
    def work(self) -> float:
        """Multiplications that proving a bound for all blocks takes, about."""
        rows, columns = self.channels
        taps = self.meetings.taps
        multiply = taps * taps * rows * columns * (rows if self.by_rows else columns)
        places = self.meetings.inputs if self.by_rows else self.meetings.outputs
        add = places * taps * taps * (rows if self.by_rows else columns) ** 2
        each = (multiply + 4.0 * add + self.size**3 / 3) * (4 if self.is_complex else 1)
        return each * self.frequencies.places.size * self.op.geometry.groups

    @property
    def is_complex(self) -> bool:
        """Whether blocks are."""
        return bool(self.wave_axes) or self.op.dtype.kind == "c"

    @property
    def block_bytes(self) -> int:
        """Of the Gram matrix of one block."""
        return (16 if self.is_complex else 8) * self.size**2

    def weights(self, places: np.ndarray) -> np.ndarray:
        """Of some frequencies the weight along the own axes: `(len(places), groups, c_out, c_in, taps)`."""
        blocks = self.frequencies.blocks(places)
        count, groups, rows, _ = blocks.shape
        own, taps = self.op.geometry.in_channels // self.op.geometry.groups, self.meetings.taps
        parts = blocks.reshape(count, groups, rows, -1, own, taps)
        found = parts.reshape(count, groups, rows, -1, taps)
        return found if self.is_complex else found.real


def spaces_of(op: Convolution, slack: float, halves: tuple[int, ...]) -> Iterator[Space]:
    """The ways to take a layer, from as many waves as possible to none.

    Where axes are embedded, `halves` says which waves first; then come the others, and then fewer embedded axes.
    """
    axes = op.geometry.axes
    best = tuple(CIRCULAR if wraps(axis) else EMBEDDED if is_plain(axis) else OWN for axis in axes)
    embedded = [a for a, way in enumerate(best) if way == EMBEDDED]
    for kept in range(len(embedded), -1, -1):
        for chosen in _subsets(embedded, kept):
            ways = tuple(OWN if way == EMBEDDED and a not in chosen else way for a, way in enumerate(best))
            turned = tuple(half if a in chosen else 0 for a, half in enumerate(halves))
            yield Space(op, ways, turned, slack)


def _subsets(items: list[int], count: int) -> Iterator[tuple[int, ...]]:
    from itertools import combinations

    return combinations(items, count)
