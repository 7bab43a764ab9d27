"""`convmatrix overlap`: from the words typed to the layer that is asked about."""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.cli import text
from convmatrix.cli.layer import read_layer
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.kernels import kernel
from convmatrix.kernels.files import is_file_name
from convmatrix.operators import TensorOperator, conv, conv_transpose, pixel_shuffle

MAX_TAPS = 1_000_000
"""Taps up to which a size is taken for a kernel."""
MAX_PHASES = 100_000
"""Output phases up to which a layer is looked at: each has its gains."""
_LEAST = 4
_SIZE = re.compile(r"[+-]?[0-9]{1,18}(?:[xX][+-]?[0-9]{1,18})*")


@dataclass(frozen=True, eq=False)
class Asked:
    """The layer that is asked about.

    Attributes
    ----------
    text : str
        The kernel or the size as typed.
    is_size : bool
        Whether KERNEL was a size: then every weight is 1.
    weight : ndarray
        The weight, or the bare kernel.
    kernel_size, input_size : tuple of int
        One an axis.
    size_given : bool
        Whether the user asked for that input size.
    factors : tuple of int or None
        Of the pixel shuffle behind the convolution; None for a transposed layer.
    op : TensorOperator
        The layer.
    """

    text: str
    is_size: bool
    weight: np.ndarray
    kernel_size: tuple[int, ...]
    input_size: tuple[int, ...]
    size_given: bool
    factors: tuple[int, ...] | None
    op: TensorOperator

    @property
    def phases(self) -> tuple[int, ...]:
        """One number an axis: factors of the shuffle, or strides."""
        if self.factors is not None:
            return self.factors
        return tuple(axis.stride for axis in self.op.geometry.axes)

    @property
    def kind(self) -> str:
        """What the layer is."""
        if self.factors is None:
            return "transposed layer"
        return f"convolution and pixel shuffle by {text.sizes(self.factors)}"

    @property
    def title(self) -> str:
        """The kernel in one line."""
        if self.is_size:
            return f"kernel size {text.sizes(self.kernel_size)}, every weight 1"
        numbers = {"O": "exact", "i": "integers"}.get(self.weight.dtype.kind, str(self.weight.dtype))
        return f"weight {self.text} ({text.sizes(self.weight.shape)}, {numbers})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; a weight of many entries without them."""
        return {
            "kernel": {
                "text": self.text,
                "is_size": self.is_size,
                "shape": list(self.weight.shape),
                "dtype": str(self.weight.dtype),
                "entries": text.entries(self.weight),
            },
            "layer": self.kind,
            "kernel_size": list(self.kernel_size),
            "input_size": list(self.input_size),
            "in_shape": list(self.op.in_shape),
            "out_shape": list(self.op.out_shape),
        }


def read_asked(given: argparse.Namespace) -> Asked:
    """The layer that the parsed arguments ask for.

    Without `--input-size` it is placed on as many positions as show each output phase at least twice where no border
    reaches: of a transposed layer `ceil((extent + padding) / stride) + 1`, of a convolution `extent + stride`, and 4 at
    the least.

    Raises
    ------
    ConvMatrixError
        If the kernel cannot be read or the options do not go together.
    """
    word = given.kernel.strip()
    given.transpose, given.padding_mode, given.flip = given.pixel_shuffle is None, "zeros", False
    if not given.transpose and given.output_padding is not None:
        raise ConvMatrixError(f"--output-padding must come without --pixel-shuffle, got {given.output_padding} with it")
    if given.dims is not None and given.dims < 1:
        raise ConvMatrixError(f"--dims must be at least 1, got {given.dims}")
    if _SIZE.fullmatch(word):
        return _sized(word, given)
    weight = exact.as_array(kernel(given.kernel))
    axes = _axes_of(weight, given)
    size = weight.shape[weight.ndim - axes :]
    factors = _factors(given, axes)
    if factors is not None:
        channels = weight.shape[0] if weight.ndim > axes else 1
        if channels % math.prod(factors):
            raise ConvMatrixError(
                f"KERNEL must write a multiple of {math.prod(factors)} channels for --pixel-shuffle "
                f"{text.sizes(factors)}, got {channels} (shape {weight.shape})"
            )
    layer = read_layer(given, _default_size(size, given), axes=axes)
    op = _shuffled(layer.operator(), factors)
    return Asked(word, False, weight, size, layer.input_size, layer.size_given, factors, op)


def _sized(word: str, given: argparse.Namespace) -> Asked:
    """The layer of that kernel size whose weights are all 1."""
    size = tuple(map(int, word.lower().split("x")))
    if min(size) < 1:
        raise ConvMatrixError(f"KERNEL must be at least 1 on every axis as a size, got {word}")
    if len(size) > 1 and given.dims is not None:
        raise ConvMatrixError(f"--dims must come with a KERNEL size of one number, got {given.dims} with {word}")
    if len(size) == 1:
        size *= given.dims or len(given.input_size or (0,))
    if math.prod(size) > MAX_TAPS:
        raise ConvMatrixError(f"KERNEL must have at most {MAX_TAPS:,} taps as a size, got {text.sizes(size)}")
    axes, factors = len(size), _factors(given, len(size))
    options = {name: getattr(given, name) for name in ("stride", "padding", "dilation", "groups")}
    inputs = given.input_size or _default_size(size, given)
    inputs = inputs * axes if len(inputs) == 1 else inputs
    if len(inputs) != axes:
        raise ConvMatrixError(f"--input-size must have {_sizes(axes)} for KERNEL {word}, got {text.sizes(inputs)}")
    if factors is None:
        weight = np.ones(size, dtype=np.int64)
        op: TensorOperator = conv_transpose(weight, inputs, output_padding=given.output_padding or 0, **options)
    else:
        weight = np.ones((math.prod(factors), 1, *size), dtype=np.int64)
        op = _shuffled(conv(weight, inputs, **options), factors)
    return Asked(word, True, weight, size, inputs, given.input_size is not None, factors, op)


def _factors(given: argparse.Namespace, axes: int) -> tuple[int, ...] | None:
    """Those of the pixel shuffle, or None; and no more phases than can be looked at."""
    shuffled = given.pixel_shuffle is not None
    option, value = ("--pixel-shuffle", given.pixel_shuffle) if shuffled else ("stride", given.stride)
    factors = arguments.per_axis(value, option, axes, 1)
    if math.prod(factors) > MAX_PHASES:
        raise ConvMatrixError(f"{option} must make at most {MAX_PHASES:,} phases, got {text.sizes(factors)}")
    return factors if shuffled else None


def _shuffled(op: TensorOperator, factors: tuple[int, ...] | None) -> TensorOperator:
    return op if factors is None else pixel_shuffle(op.out_shape, factors) @ op


def _axes_of(weight: np.ndarray, given: argparse.Namespace) -> int:
    """How many axes of space the array has: as `--dims` or `--input-size` say, or what it most likely means."""
    sizes = given.input_size or ()
    if given.dims is not None and len(sizes) > 1 and len(sizes) != given.dims:
        raise ConvMatrixError(f"--input-size must have {_sizes(given.dims)} for --dims, got {text.sizes(sizes)}")
    asked = given.dims if given.dims is not None else len(sizes) if len(sizes) > 1 else None
    if asked is not None:
        if weight.ndim not in (asked, asked + 2):
            option = "--dims" if given.dims is not None else "--input-size"
            named = f"{option} {given.dims if given.dims is not None else text.sizes(sizes)}"
            raise ConvMatrixError(
                f"KERNEL must have {asked} axes, or {asked + 2} with channels, for {named}, got shape {weight.shape}"
            )
        return int(asked)
    if weight.ndim <= 2 or (weight.ndim == 3 and not is_file_name(given.kernel)):
        return weight.ndim
    return weight.ndim - 2


def _sizes(count: int) -> str:
    return "one size" if count == 1 else f"one size or {count}"


def _default_size(kernel_size: tuple[int, ...], given: argparse.Namespace) -> tuple[int, ...]:
    axes = len(kernel_size)
    strides = arguments.per_axis(given.stride, "stride", axes, 1)
    dilations = arguments.per_axis(given.dilation, "dilation", axes, 1)
    pads = [(0, 0)] * axes if isinstance(given.padding, str) else arguments.padding_pairs(given.padding, axes)
    extents = [d * (k - 1) + 1 for k, d in zip(kernel_size, dilations, strict=True)]
    if given.pixel_shuffle is not None:
        return tuple(max(_LEAST, extent + stride) for extent, stride in zip(extents, strides, strict=True))
    # A crop takes outputs away at both ends.
    reach = zip(extents, pads, strides, strict=True)
    return tuple(max(_LEAST, -(-(extent + sum(pair)) // stride) + 1) for extent, pair, stride in reach)
