"""The numbers of the worked examples: small integers without a pattern, so that equality is exact."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

ARTICLE = ((0, 1, 2), (2, 2, 0), (0, 1, 2))
"""The kernel of the article's section 2.1."""


def integers(*shape: int) -> np.ndarray:
    """An int64 array of that shape with entries from 1 to 9, neighbours unlike.

    >>> integers(2, 3)
    array([[4, 2, 9],
           [7, 5, 3]])
    """
    return ((np.arange(math.prod(shape)) * 7 + 3) % 9 + 1).reshape(shape)


def as_weight(weight: Any, axes: int) -> np.ndarray:
    """An array with channel axes; a bare kernel is one channel to one channel."""
    from convmatrix import exact

    array = exact.as_array(weight)
    return array.reshape(1, 1, *array.shape) if array.ndim == axes else array
