"""Which waves on the input of a circular layer come out as one wave, and which is whose mirror image."""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.spectrum.frequencies import Frequencies
from convmatrix.geometry import Geometry


def inner_waves(frequencies: Frequencies) -> np.ndarray:
    """Of each of `frequencies.places` the flat waves on the input that come out as it: `(places, folds)`.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv([1.0, 2.0], 6, stride=2, padding_mode="circular")
    >>> inner_waves(Frequencies.of(layer.geometry, layer.weight)).tolist()
    [[0, 3], [1, 4]]
    """
    doubled = frequencies.aliases(frequencies.places)
    if not frequencies.sizes:
        return np.zeros((1, 1), dtype=np.int64)
    return np.asarray(np.ravel_multi_index(tuple(doubled // 2), frequencies.sizes))


def turns_of(geometry: Geometry, frequencies: Frequencies) -> np.ndarray:
    """What the padding turns these by, `(places, folds)`, which the blocks of frequencies leave out."""
    doubled = frequencies.aliases(frequencies.places)
    turns = np.ones(doubled.shape[1:], dtype=np.complex128)
    for axis, own in zip(geometry.axes, doubled, strict=True):
        turns *= np.exp(-1j * math.pi * ((own * axis.pad_before) % (2 * axis.input_size)) / axis.input_size)
    return turns


def mirrored(flat: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """The negatives of flat frequencies.

    >>> mirrored(np.array([0, 1, 5]), (2, 3)).tolist()
    [0, 2, 4]
    """
    if not sizes:
        return flat
    # Raveled, because NumPy 2.4 takes a single column of more than 8192 wrongly apart.
    index = np.unravel_index(flat.reshape(-1), sizes)
    found = np.ravel_multi_index(tuple(-own % size for own, size in zip(index, sizes, strict=True)), sizes)
    return np.asarray(found).reshape(flat.shape)
