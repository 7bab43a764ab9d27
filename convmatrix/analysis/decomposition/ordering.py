"""Channels in another order: what stands before and after a grouped convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from convmatrix.operators.channels import ChannelOrder, Permutation, channel_shuffle


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
