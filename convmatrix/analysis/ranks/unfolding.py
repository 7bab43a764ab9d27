"""The weight of a layer as matrices: the axes of space go with the output channels or with the input channels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from convmatrix.geometry import Geometry
from convmatrix.operators import TensorOperator
from convmatrix.operators.convolution import Convolution

_LETTERS = {1: ("k",), 2: ("h", "w"), 3: ("d", "h", "w")}


def unfoldings(weight: np.ndarray, groups: int = 1) -> Iterator[tuple[str, TensorOperator]]:
    """All unfoldings of a weight `(c_out, c_in/groups, *kernel_size)`, by name, as layers without space.

    Each axis of space goes to the rows, with the output channels, or to the columns: `2**D` of them; of two axes the
    four whose norms bound the layer's (Singla, Feizi: Fantastic four, ICLR 2021). Of groups the matrix is block
    diagonal.

    Examples
    --------
    >>> for name, op in unfoldings(np.ones((4, 2, 3, 5))):
    ...     print(name, op.shape)
    c_out x (c_in h w) (4, 30)
    c_in x (c_out h w) (2, 60)
    (c_out h) x (c_in w) (12, 10)
    (c_out w) x (c_in h) (20, 6)
    """
    axes = weight.ndim - 2
    letters = _LETTERS.get(axes, tuple(f"k{axis + 1}" for axis in range(axes)))
    everything = tuple(range(axes))
    choices = [chosen for size in range(axes + 1) for chosen in itertools.combinations(everything, size)]
    order = [(), *([everything] if axes else []), *(chosen for chosen in choices if 0 < len(chosen) < axes)]
    for chosen in order:
        others = tuple(axis for axis in everything if axis not in chosen)
        own = _unfolded(weight, groups, chosen, others)
        rows, columns = (_label(end, part, letters) for end, part in (("c_out", chosen), ("c_in", others)))
        if axes and chosen == everything:
            yield f"{columns} x {rows}", own.T
        else:
            yield f"{rows} x {columns}", own


def _unfolded(weight: np.ndarray, groups: int, rows: tuple[int, ...], columns: tuple[int, ...]) -> Convolution:
    order = (0, *(2 + axis for axis in rows), 1, *(2 + axis for axis in columns))
    sizes = weight.shape[2:]
    shape = weight.shape[0] * math.prod(sizes[a] for a in rows), weight.shape[1] * math.prod(sizes[a] for a in columns)
    matrix = np.ascontiguousarray(weight.transpose(order).reshape(shape))
    return Convolution(Geometry((), shape[1] * groups, shape[0], groups), matrix)


def _label(channels: str, axes: tuple[int, ...], letters: tuple[str, ...]) -> str:
    return f"({' '.join([channels, *(letters[axis] for axis in axes)])})" if axes else channels
