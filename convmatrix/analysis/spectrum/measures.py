"""Numbers that say how singular values fall off: stable and effective rank, energy, condition; of many at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def effective_ranks(values: np.ndarray) -> np.ndarray:
    """Of singular values along the last axis.

    Examples
    --------
    >>> effective_ranks(np.array([[2.0, 2.0, 2.0], [5.0, 0.0, 0.0], [0.0, 0.0, 0.0]])).round(12).tolist()
    [3.0, 1.0, 0.0]
    """
    # Relative to the largest: their sum may leave the range of floats.
    largest = values[..., :1]
    sizes = np.divide(values, largest, out=np.zeros_like(values), where=largest > 0)
    total = sizes.sum(axis=-1, keepdims=True)
    shares = np.divide(sizes, total, out=np.zeros_like(values), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.where(total[..., 0] > 0, np.exp(-(shares * logs).sum(axis=-1)), 0.0)


def energy_curves(values: np.ndarray) -> np.ndarray:
    """Cumulative shares of the squares of singular values along the last axis.

    Examples
    --------
    >>> energy_curves(np.array([4.0, 3.0, 0.0])).tolist()
    [0.64, 1.0, 1.0]
    """
    # Relative to the largest, whose square may leave the range of floats.
    largest = values[..., :1]
    sums = np.cumsum(np.divide(values, largest, out=np.zeros_like(values), where=largest > 0) ** 2, axis=-1)
    return np.divide(sums, sums[..., -1:], out=np.ones_like(sums), where=largest > 0)


def stable_ranks(values: np.ndarray) -> np.ndarray:
    """Of singular values along the last axis.

    Examples
    --------
    >>> stable_ranks(np.array([4.0, 2.0, 2.0])).item()
    1.5
    """
    largest = values[..., :1]
    return (np.divide(values, largest, out=np.zeros_like(values), where=largest > 0) ** 2).sum(axis=-1)


def conditions(values: np.ndarray, is_full: Any) -> np.ndarray:
    """Largest over smallest along the last axis; inf where the rank is not full."""
    smallest = values[..., -1]
    usable = np.logical_and(is_full, smallest > 0)
    found = np.full(smallest.shape, math.inf)
    return np.divide(values[..., 0], smallest, out=found, where=usable)
