"""Layers for their cost alone: a geometry, and weights that take no memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Geometry, arguments
from convmatrix.operators.convolution import Convolution


def blank_conv(
    in_shape: Any, out_channels: int, kernel_size: Any, *, groups: int = 1, bias: bool = False, **options: Any
) -> Convolution:
    """A convolution whose weights are all 1 and stand in memory once: for the cost of layers of any size.

    Parameters
    ----------
    in_shape : tuple of int
        `(channels, *spatial)` of the input, such as the `out_shape` of the layer before.
    out_channels : int
        Channels written.
    kernel_size : int or sequence of int
        Taps an axis.
    groups : int, default 1
        Blocks of channels that never meet.
    bias : bool, default False
        Whether there is one, of zeros.
    **options
        `stride`, `padding`, `dilation`, `padding_mode` as of `convmatrix.conv`.

    Returns
    -------
    Convolution
        It may be applied, and its matrix made, where there is room for that.

    Raises
    ------
    ConvMatrixError
        If an argument breaks its rule.

    Examples
    --------
    AlexNet's first fully connected layer, of 37,748,736 weights:

    >>> layer = blank_conv((256, 6, 6), 4096, 6)
    >>> layer.weight.size, layer.weight.base.size
    (37748736, 1)
    """
    channels, *size = arguments.tensor_shape(in_shape, "in_shape")
    outputs = arguments.integer(out_channels, "out_channels", 1)
    taps = arguments.per_axis(kernel_size, "kernel_size", len(size), 1)
    unknown = sorted(set(options) - {"stride", "padding", "dilation", "padding_mode"})
    if unknown:
        raise ConvMatrixError(f"options must be stride, padding, dilation or padding_mode, got {unknown[0]}")
    geometry = Geometry.conv(size, taps, channels, outputs, groups=groups, **options)
    if math.prod(geometry.weight_shape) >= 2**60:
        raise ConvMatrixError(f"weight must have fewer than 2**60 entries, got shape {geometry.weight_shape}")
    weight = np.broadcast_to(np.ones(1, dtype=np.float32), geometry.weight_shape)
    zeros = np.broadcast_to(np.zeros(1, dtype=np.float32), (outputs, *[1] * len(size))) if bias else None
    return Convolution(geometry, weight, zeros)
