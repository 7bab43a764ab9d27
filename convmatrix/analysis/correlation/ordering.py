"""An order of rows and columns that brings the large entries of a matrix together."""

from __future__ import annotations

import numpy as np


def spectral_order(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns sorted by the second singular vectors of the matrix divided by the roots of its sums.

    Rows and columns of zeros come last; signs are such that the first row stays in the upper half.

    >>> rows, columns = spectral_order(np.array([[1.0, 0, 0.1], [0, 1.0, 0], [0.9, 0, 0.2]]))
    >>> rows.tolist(), columns.tolist()
    ([0, 2, 1], [0, 2, 1])
    """
    rows, columns = (np.flatnonzero(weights.sum(axis=axis) > 0) for axis in (1, 0))
    kept = weights[np.ix_(rows, columns)]
    if min(kept.shape) < 2:
        return _with_rest(rows, weights.shape[0]), _with_rest(columns, weights.shape[1])
    down, across = np.sqrt(kept.sum(axis=1)), np.sqrt(kept.sum(axis=0))
    left, _, right = np.linalg.svd(kept / down[:, None] / across, full_matrices=False)
    places = left[:, 1] / down, right[1] / across
    sign = -1 if places[0][0] > 0 else 1
    orders = [np.argsort(sign * np.round(place, 12), kind="stable") for place in places]
    return _with_rest(rows[orders[0]], weights.shape[0]), _with_rest(columns[orders[1]], weights.shape[1])


def _with_rest(order: np.ndarray, size: int) -> np.ndarray:
    """The order, and behind it what it leaves out; read-only."""
    whole = np.concatenate([order, np.setdiff1d(np.arange(size), order)])
    whole.flags.writeable = False
    return whole
