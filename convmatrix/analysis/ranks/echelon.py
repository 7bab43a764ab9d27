"""What is known of a layer's rank at a glance: the rows and columns it uses, and an echelon form in its own matrix.

Order outputs and inputs from one corner of space to the other. Of the taps that are not 0 the first in that order
reads, in every output's rows, the first inputs; a later output's first inputs come later. So the outputs whose first
tap reads a real input make an echelon form of blocks, one tap's channels each: the rank is at least their number times
the rank of that tap. For zero padding an output counts wherever that tap reads, for other paddings where all of its
taps read the input itself.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from convmatrix.exact.bounded import RankBounds
from convmatrix.exact.modular import primes, rank_modulo
from convmatrix.geometry import Axis, Geometry

ECHELON = "echelon form"


def echelon_bounds(geometry: Geometry, weight: np.ndarray) -> RankBounds:
    """Bounds of the rank of a layer of integers of one group, without its matrix.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv([[1, 2], [3, 4]], (500, 500))
    >>> echelon_bounds(layer.geometry, layer.weight)
    RankBounds(lower=249001, upper=249001, proof='echelon form')
    """
    used = [_used(axis) for axis in geometry.axes]
    rows, columns = (math.prod(own) for own in zip((1, 1), *used, strict=True))
    upper = min(rows * geometry.out_channels, columns * geometry.in_channels)
    ranks: dict[tuple[int, ...], int] = {}
    lower = 0
    for tap in _first_taps(weight):
        outputs = math.prod(_outputs(axis, place) for axis, place in zip(geometry.axes, tap, strict=True))
        if outputs * min(weight.shape[:2]) <= lower:
            continue
        if tap not in ranks:
            ranks[tap] = rank_modulo(np.moveaxis(weight, (0, 1), (-2, -1))[tap], next(primes()))
        lower = max(lower, outputs * ranks[tap])
    return RankBounds(lower, upper, ECHELON)


def _used(axis: Axis) -> tuple[int, int]:
    """How many outputs read something, and how many inputs are read."""
    reads = axis.reads()
    read = np.zeros(axis.input_size, dtype=bool)
    read[reads[reads >= 0]] = True
    return int((reads >= 0).any(axis=1).sum()), int(read.sum())


def _first_taps(weight: np.ndarray) -> Iterator[tuple[int, ...]]:
    """The first tap that is not 0 in each order of the axes and from each corner."""
    taps = np.argwhere(weight.astype(bool).any(axis=(0, 1)))
    axes = taps.shape[1]
    found = set()
    for order in itertools.permutations(range(axes)):
        for signs in itertools.product((1, -1), repeat=axes):
            keys = [signs[axis] * taps[:, axis] for axis in reversed(order)]
            found.add(tuple(taps[np.lexsort(keys)[0]].tolist()) if axes else ())
    yield from sorted(found)


def _outputs(axis: Axis, tap: int) -> int:
    """The outputs of an axis that count: whose tap reads the input, or of whom all taps do."""
    if axis.padding_mode == "zeros":
        return int((axis.reads()[:, tap] >= 0).sum())
    low, high = axis.interior
    return high - low
