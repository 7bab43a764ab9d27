"""How a layer of integers comes apart exactly: Kronecker factors, and channels that are combinations of others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from convmatrix.analysis.ranks.integers import whole
from convmatrix.exact.bounded import sparse_rank
from convmatrix.exact.modular import pivots_modulo, primes
from convmatrix.exact.sparse import IntegerMatrix
from convmatrix.geometry import Geometry

Part = tuple[Geometry, np.ndarray, tuple[int, ...]]
"""A layer of integers of one group, and the axes of the whole's tensors that it acts on, channels being axis 0."""
_PRIME = 2**31 - 1


def kronecker_parts(geometry: Geometry, weight: np.ndarray) -> list[Part]:
    """The layers of one group whose Kronecker product a multiple of a layer is, as many as there are.

    Axes 0 and `1 + a` stand for the channels and for the axis `a` of space; a weight is the outer product of smaller
    ones exactly if an unfolding has rank 1.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv("sobel_x", (5, 6))
    >>> [(own.shape, weight.tolist(), axes) for own, weight, axes in kronecker_parts(layer.geometry, layer.weight)]
    [((3, 5), [[[-1, -2, -1]]], (1,)), ((4, 6), [[[-1, 0, 1]]], (2,))]
    """
    sizes = (weight.shape[0] * weight.shape[1], *weight.shape[2:])
    parts = []
    for axes, values in _apart(whole(weight).reshape(sizes), tuple(range(len(sizes)))):
        if axes == (0,) and weight.shape[:2] == (1, 1) and len(sizes) > 1:
            continue
        channels = weight.shape[:2] if 0 in axes else (1, 1)
        space = tuple(geometry.axes[axis - 1] for axis in axes if axis)
        own = Geometry(space, channels[1], channels[0])
        parts.append((own, values.reshape(own.weight_shape), axes))
    return parts


def groups_apart(geometry: Geometry, weight: np.ndarray) -> Iterator[tuple[Geometry, np.ndarray]]:
    """Each group as a layer of its own."""
    groups = geometry.groups
    own = Geometry(geometry.axes, geometry.in_channels // groups, geometry.out_channels // groups)
    for part in weight.reshape(groups, *own.weight_shape):
        yield own, whole(part)


def independent_channels(geometry: Geometry, weight: np.ndarray, work: float) -> Part:
    """The layer of one group without the channels, read or written, that are combinations of others; of equal rank.

    The axes with it are all of them. Where that they are combinations cannot be proved within `work` multiplications,
    nothing is left out.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv([[[1, 2]], [[2, 4]], [[0, 1]]], 5)
    >>> independent_channels(layer.geometry, layer.weight, 1e6)[1].tolist()
    [[[1, 2]], [[0, 1]]]
    """
    for axis in (0, 1):
        rows = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
        kept = _independent_rows(rows, work)
        weight = np.take(weight, kept, axis=axis)
    own = Geometry(geometry.axes, weight.shape[1], weight.shape[0])
    return own, whole(weight), tuple(range(1 + len(geometry.axes)))


def _independent_rows(rows: np.ndarray, work: float) -> np.ndarray:
    """Rows that all are combinations of, in ascending order."""
    every = np.arange(len(rows))
    found = np.sort(pivots_modulo(rows, next(primes()))[0])
    if len(found) == len(rows):
        return every
    bounds = sparse_rank(IntegerMatrix.of(rows), work)
    return found if bounds.upper == len(found) else every


def _apart(tensor: np.ndarray, axes: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """The finest factors of a tensor that is not 0, with their axes."""
    count = tensor.ndim
    for size in range(1, count):
        for chosen in itertools.combinations(range(count), size):
            if 0 not in chosen:
                continue
            others = tuple(axis for axis in range(count) if axis not in chosen)
            found = _outer(tensor, chosen, others)
            if found is not None:
                for own, places in zip(found, (chosen, others), strict=True):
                    yield from _apart(own, tuple(axes[place] for place in places))
                return
    yield axes, tensor


def _outer(tensor: np.ndarray, rows: tuple[int, ...], columns: tuple[int, ...]) -> tuple[np.ndarray, ...] | None:
    """Primitive tensors of some axes and of the others that a multiple of this one is the outer product of."""
    shapes = [tuple(tensor.shape[axis] for axis in axes) for axes in (rows, columns)]
    matrix = tensor.transpose(*rows, *columns).reshape(math.prod(shapes[0]), math.prod(shapes[1]))
    r, c = np.argwhere(matrix)[0]
    if (_bordered((matrix % _PRIME).astype(np.int64), r, c) % _PRIME).any():
        return None
    # What holds modulo a prime need not hold.
    if _bordered(matrix if _squares_fit(matrix) else matrix.astype(object), r, c).any():
        return None
    return whole(matrix[:, c]).reshape(shapes[0]), whole(matrix[r]).reshape(shapes[1])


def _bordered(matrix: np.ndarray, r: int, c: int) -> np.ndarray:
    """All minors of size 2 with the entry at `r, c`, which are 0 if the matrix is an outer product."""
    return np.asarray(matrix * matrix[r, c] - np.multiply.outer(matrix[:, c], matrix[r]))


def _squares_fit(matrix: np.ndarray) -> bool:
    """Whether differences of products of two entries fit an int64."""
    return matrix.dtype != object and max(-int(matrix.min()), int(matrix.max())) < 2**30
