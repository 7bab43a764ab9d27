"""Channels in another order: what stands before and after a grouped convolution."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array

from convmatrix.geometry.layer import index_itemsize
from convmatrix.operators import pattern
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation, channel_shuffle


class ChannelOrder(Permutation):
    """Output channel `c` is input channel `sources[c]`; space stays.

    Parameters
    ----------
    shape : tuple of int
        `(channels, *spatial)`.
    sources : ndarray of int, shape (channels,)
        A permutation of the channels.

    Examples
    --------
    >>> import numpy as np
    >>> from convmatrix.analysis.decomposition.ordering import ChannelOrder
    >>> order = ChannelOrder((3,), np.array([2, 0, 1]))
    >>> order(np.array([10, 11, 12])), order.T(order(np.array([10, 11, 12])))
    (array([12, 10, 11]), array([10, 11, 12]))
    """

    def __init__(self, shape: tuple[int, ...], sources: np.ndarray) -> None:
        # No split of the axes says which channel goes where.
        super().__init__("channel order", shape, shape, (), ())
        self.sources = np.array(sources, dtype=np.int64)
        self.sources.flags.writeable = False

    def _transpose(self) -> TensorOperator:
        return ChannelOrder(self.in_shape, np.argsort(self.sources))

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return x[:, self.sources]

    @cached_property
    def _sources(self) -> np.ndarray:
        """Which input entry each output entry is."""
        index = np.int32 if index_itemsize(self.shape[0], *self.shape) == 4 else np.int64
        places = np.arange(self.shape[1], dtype=index).reshape(self.in_shape[0], math.prod(self.in_shape[1:]))
        return places[self.sources].reshape(-1)

    def _factors(self) -> pattern.Factors | None:
        size = self.sources.size
        channels = csr_array((np.ones(size, np.float32), self.sources, np.arange(size + 1)), shape=(size, size))
        return [channels, *(csr_array(eye_array(n, dtype=np.float32)) for n in self.in_shape[1:])]


def shuffled(channels: int, groups: int) -> np.ndarray:
    """Where the channels of `channel_shuffle` come from."""
    return np.arange(channels).reshape(groups, channels // groups).T.reshape(-1)


def reordering(shape: tuple[int, ...], sources: np.ndarray) -> Permutation | None:
    """The operator of that order: none for the natural one, a channel shuffle where it is one."""
    channels = shape[0]
    if (sources == np.arange(channels)).all():
        return None
    for groups in shuffle_counts(channels):
        if (sources == shuffled(channels, groups)).all():
            return channel_shuffle(shape, groups)
    return ChannelOrder(shape, sources)


def shuffle_counts(channels: int) -> list[int]:
    """The numbers of groups whose shuffle moves something."""
    return [groups for groups in range(2, channels) if channels % groups == 0]


def describe(sources: np.ndarray) -> Any:
    """How settings name an order: None, `channel_shuffle(g)`, or the list of the channels."""
    channels = sources.size
    if (sources == np.arange(channels)).all():
        return None
    for groups in shuffle_counts(channels):
        if (sources == shuffled(channels, groups)).all():
            return f"channel_shuffle({groups})"
    return sources.tolist()
