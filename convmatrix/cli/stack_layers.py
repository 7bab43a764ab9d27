"""The layers that may be typed: what each name stands for, which options it takes, and how it is built."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix.cli.parser import integer, padding, per_axis
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Geometry, arguments
from convmatrix.operators import TensorOperator, avg_pool, channel_shuffle, identity, pixel_shuffle, resize
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution

MAX_LAYERS = 10_000
"""Layers up to which a stack is built."""
_LARGEST_SCALE, _LONG = 10**18, re.compile("[eE][+-]?[0-9]{4,}|[0-9]{1000,}")
_SCALE_RULE = "must be a fraction of numbers of at most 18 digits"


@dataclass(frozen=True)
class Layer:
    """One word: `options` hold what was typed, its value among them under the name of what it is."""

    place: str
    name: str
    options: dict[str, Any]
    times: int = 1


def along(layer: Layer, name: str, axis: int, default: int = 1) -> Any:
    """An option's number for one axis."""
    value = layer.options.get(name, default)
    return value[axis] if isinstance(value, tuple) else value


def _extent(layer: Layer, axis: int) -> int:
    return int(along(layer, "dilation", axis) * (along(layer, "kernel_size", axis) - 1) + 1)


def _stride(layer: Layer, axis: int) -> int:
    pools = layer.name == "avg_pool" and "stride" not in layer.options
    return int(along(layer, "kernel_size" if pools else "stride", axis))


def _widest_pad(layer: Layer, axis: int) -> int:
    pad = layer.options.get("padding", 0)
    if isinstance(pad, str):
        return _extent(layer, axis)
    pad = pad[axis] if isinstance(pad, tuple) else pad
    return max(pad) if isinstance(pad, tuple) else pad


def _conv_inputs(layer: Layer, outputs: int, axis: int) -> int:
    # A reflected border must be shorter than the input.
    least = _widest_pad(layer, axis) + 1 if layer.options.get("padding_mode") == "reflect" else 1
    return max((outputs - 1) * _stride(layer, axis) + _extent(layer, axis), least)


def _transposed_inputs(layer: Layer, outputs: int, axis: int) -> int:
    reach = outputs + _extent(layer, axis) + 2 * _widest_pad(layer, axis)
    return -(-reach // _stride(layer, axis)) + 1


def _ones(geometry: Geometry) -> Convolution:
    """All weights are views of one number, however many channels there are."""
    return Convolution(geometry, np.broadcast_to(np.int64(1), geometry.weight_shape))


def _kernel(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    return arguments.per_axis(layer.options["kernel_size"], "kernel_size", len(shape) - 1, 1)


def _conv(layer: Layer, shape: tuple[int, ...]) -> TensorOperator:
    options = {k: v for k, v in layer.options.items() if k not in ("kernel_size", "channels")}
    if layer.name == "depthwise":
        options["groups"] = shape[0]
    channels = arguments.integer(layer.options.get("channels", shape[0]), "channels", 1)
    make = Geometry.transposed if layer.name == "conv_transpose" else Geometry.conv
    made = _ones(make(shape[1:], _kernel(layer, shape), shape[0], channels, **options))
    return Transposed(made) if layer.name == "conv_transpose" else made


def _unshuffled(layer: Layer, shape: tuple[int, ...]) -> TensorOperator:
    factors = arguments.per_axis(layer.options["factor"], "factor", len(shape) - 1, 1)
    for axis, (size, factor) in enumerate(zip(shape[1:], factors, strict=True)):
        if size % factor:
            raise ConvMatrixError(f"factor must divide the input size {size}, got {factor} on axis {axis}")
    smaller = [size // factor for size, factor in zip(shape[1:], factors, strict=True)]
    return pixel_shuffle((shape[0] * math.prod(factors), *smaller), factors).T


def _pooled(layer: Layer, shape: tuple[int, ...]) -> TensorOperator:
    return avg_pool(shape, **layer.options)


@dataclass(frozen=True)
class Kind:
    """What a name stands for: its value and options, how it is built, the inputs it needs, its rates up and down."""

    build: Callable[[Layer, tuple[int, ...]], TensorOperator]
    value: str | None = None
    options: tuple[str, ...] = ()
    inputs: Callable[[Layer, int, int], int] = lambda layer, outputs, axis: outputs
    rates: Callable[[Layer, int], tuple[Fraction | int, int]] = lambda layer, axis: (1, 1)


def _resize_rates(layer: Layer, axis: int) -> tuple[int, int]:
    scale = Fraction(along(layer, "scale", axis))
    return scale.numerator, scale.denominator


_STEPS = ("stride", "padding", "dilation")
KINDS = {
    "conv": Kind(
        _conv,
        "kernel_size",
        (*_STEPS, "groups", "channels", "padding_mode"),
        _conv_inputs,
        lambda layer, axis: (1, _stride(layer, axis)),
    ),
    "conv_transpose": Kind(
        _conv,
        "kernel_size",
        (*_STEPS, "output_padding", "groups", "channels"),
        _transposed_inputs,
        lambda layer, axis: (_stride(layer, axis), 1),
    ),
    "depthwise": Kind(
        _conv,
        "kernel_size",
        (*_STEPS, "channels", "padding_mode"),
        _conv_inputs,
        lambda layer, axis: (1, _stride(layer, axis)),
    ),
    "avg_pool": Kind(_pooled, "kernel_size", _STEPS, _conv_inputs, lambda layer, axis: (1, _stride(layer, axis))),
    "resize": Kind(
        lambda layer, shape: resize(shape, **layer.options),
        "scale",
        ("mode",),
        lambda layer, outputs, axis: math.ceil(outputs / Fraction(along(layer, "scale", axis))) + 2,
        _resize_rates,
    ),
    "pixel_shuffle": Kind(
        lambda layer, shape: pixel_shuffle(shape, **layer.options),
        "factor",
        (),
        lambda layer, outputs, axis: -(-outputs // along(layer, "factor", axis)),
        lambda layer, axis: (along(layer, "factor", axis), 1),
    ),
    "pixel_unshuffle": Kind(
        _unshuffled,
        "factor",
        (),
        lambda layer, outputs, axis: outputs * along(layer, "factor", axis),
        lambda layer, axis: (1, along(layer, "factor", axis)),
    ),
    "channel_shuffle": Kind(lambda layer, shape: channel_shuffle(shape, **layer.options), "groups"),
    "identity": Kind(lambda layer, shape: identity(shape)),
}


def build_along(layer: Layer, axis: int, shape: tuple[int, ...]) -> TensorOperator:
    """A layer of one channel on `shape`, `(1, size)`, that reads along its axis what this one does along `axis`."""
    options = {k: v[axis : axis + 1] if isinstance(v, tuple) else v for k, v in layer.options.items()}
    if layer.name == "pixel_shuffle":
        return resize(shape, options["factor"])
    if layer.name == "pixel_unshuffle":
        _unshuffled(Layer(layer.place, layer.name, options), shape)
        return avg_pool(shape, options["factor"])
    if layer.name == "channel_shuffle":
        return identity(shape)
    kept = {k: v for k, v in options.items() if k not in ("groups", "channels")}
    return KINDS[layer.name].build(Layer(layer.place, layer.name, kept), shape)


def _times(text: str) -> int:
    times = integer(text)
    if not 1 <= times <= MAX_LAYERS:
        raise argparse.ArgumentTypeError(f"must be from 1 to {MAX_LAYERS:,}, got {times}")
    return times


def _positive(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same reader, of numbers of at least 1."""

    def checked(text: str) -> Any:
        value = read(text)
        if min(value if isinstance(value, tuple) else (value,)) < 1:
            raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
        return value

    return checked


def _scale(text: str) -> Any:
    """`2`, `3/2`, `1.5`, or one an axis joined by x."""
    if _LONG.search(text):
        # A power of ten of so many digits would take minutes.
        raise argparse.ArgumentTypeError(f"{_SCALE_RULE}, got {text!r}")
    try:
        scales = tuple(Fraction(part) for part in text.lower().split("x"))
    except (ValueError, ZeroDivisionError):
        scales = (Fraction(0),)
    if min(scales) <= 0:
        raise argparse.ArgumentTypeError(f"must be as in 2, 3/2, 1.5 or 2x3/2, got {text!r}")
    if max(max(scale.numerator, scale.denominator) for scale in scales) >= _LARGEST_SCALE:
        raise argparse.ArgumentTypeError(f"{_SCALE_RULE}, got {text!r}")
    return scales[0] if len(scales) == 1 else scales


READERS: dict[str, Callable[[str], Any]] = {
    "kernel_size": _positive(per_axis),
    "stride": _positive(per_axis),
    "dilation": _positive(per_axis),
    "output_padding": per_axis,
    "factor": _positive(per_axis),
    "padding": padding,
    "groups": _positive(integer),
    "channels": _positive(integer),
    "scale": _scale,
    "mode": str,
    "padding_mode": str,
    "times": _times,
}
