"""The numbers of the worked examples, and how a weight is read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments

ARTICLE = ((0, 1, 2), (2, 2, 0), (0, 1, 2))
"""The kernel of the article's section 2.1."""


def integers(*shape: int) -> np.ndarray:
    """Small integers without a pattern, so that equality is exact: int64 from 1 to 9, neighbours unlike.

    >>> integers(2, 3)
    array([[4, 2, 9],
           [7, 5, 3]])
    """
    return ((np.arange(math.prod(shape)) * 7 + 3) % 9 + 1).reshape(shape)


def read_weight(given: Any, name: str) -> np.ndarray:
    """An array of numbers from any array-like, or from text as `convmatrix.kernel` reads it.

    >>> read_weight("1 2; 3 4", "weight").tolist()
    [[1, 2], [3, 4]]
    """
    if isinstance(given, str):
        from convmatrix.kernels import kernel

        return kernel(given)
    if not isinstance(given, np.ndarray) or 0 not in given.strides:
        return exact.as_array(given, name)
    # Of a broadcast array no more than stands in memory is converted.
    held = given[tuple(slice(1) if step == 0 else slice(None) for step in given.strides)]
    return np.broadcast_to(exact.as_array(held, name), given.shape)


def with_channels(weight: np.ndarray, axes: int) -> np.ndarray:
    """An array with channel axes; a bare kernel is one channel to one channel."""
    return weight.reshape(1, 1, *weight.shape) if weight.ndim == axes else weight


def sizes_on(axes: int, input_size: Any) -> tuple[int, ...]:
    """Spatial sizes of a kind that has so many axes, or a refusal of others."""
    sizes = arguments.sizes(input_size, "input_size")
    if len(sizes) != axes:
        raise ConvMatrixError(f"input_size must have {axes} ax{'i' if axes == 1 else 'e'}s, got {sizes}")
    return sizes
