"""PyTorch modules, read by their attributes; torch itself is never imported."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.memory import check_size
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation, channel_shuffle, identity, pixel_shuffle
from convmatrix.operators.convolution import conv, conv_transpose
from convmatrix.operators.mixing import Mix, mix_of
from convmatrix.operators.resampling import Resize, avg_pool, plain_mode, short_fraction

_SMALL_PLANE = 128
"""Rows and columns of a plane, together, up to which PyTorch resizes it by another kernel."""


def from_torch(module: Any, input_size: Any) -> TensorOperator:
    """A PyTorch module as an operator: `from_torch(m, size)(x)` plus its bias equals `m(x)` up to rounding.

    An Upsample has `floor(n * scale_factor)` outputs an axis in float64, and the nearest inputs that PyTorch's own
    arithmetic finds for a contiguous tensor on the CPU, as observed with PyTorch 2.13; its linear shares are exact
    ones, which PyTorch rounds. Where float32 and float64 tensors read different inputs the module is refused.

    Parameters
    ----------
    module : torch.nn.Module
        Conv1d-3d, ConvTranspose1d-3d, AvgPool1d-3d, PixelShuffle, ChannelShuffle, Upsample, Linear, Identity, Flatten,
        or a Sequential of these. Read by its attributes, so torch need not be importable here.
    input_size : int or sequence of int
        Spatial sizes of the input. Modules without channels of their own map one channel (PixelShuffle the fewest it
        takes), or as many as the next layer of their Sequential reads. A Linear reads the last axis; by itself it takes
        `()` or its number of features.

    Returns
    -------
    TensorOperator
        The linear part, with `.bias` shaped so that `op(x) + op.bias` is the layer. The bias of a Sequential is a
        tensor of its `out_shape`: what the inner biases become at its output.

    Raises
    ------
    ConvMatrixError
        For a module that is not linear or not known, sizes that do not fit, or an Upsample whose nearest inputs depend
        on the type of the tensor.

    Examples
    --------
    A stand-in with a module's attributes shows what is read:

    >>> import numpy as np
    >>> import convmatrix as cm
    >>> class Conv1d:
    ...     weight, bias = np.array([[[1.0, 2.0]]]), np.array([0.5])
    ...     stride, padding, dilation, groups, padding_mode = (2,), (0,), (1,), 1, "zeros"
    >>> op = cm.from_torch(Conv1d(), 4)
    >>> op([[1, 0, 0, 1]]) + op.bias
    array([[1.5, 2.5]])
    """
    layers = _flat(module)
    size = arguments.sizes(input_size)
    if not layers:
        raise ConvMatrixError("module must hold at least one layer, got an empty Sequential")
    if _kind(layers[0]) == "Linear":
        size = () if size in ((), (layers[0].in_features,)) else size
    shape = (_channels(layers, size), *size)
    operator: TensorOperator | None = None
    for layer in layers:
        step = _READERS[_kind(layer)](layer, shape)
        operator = step if operator is None else step @ operator
        shape = operator.out_shape
    assert operator is not None
    return operator


def _flat(module: Any) -> list[Any]:
    """The layers of nested Sequentials, in order."""
    if any(base.__name__ == "Sequential" for base in type(module).__mro__):
        return [layer for child in module for layer in _flat(child)]
    _kind(module)
    return [module]


def _kind(module: Any) -> str:
    for base in type(module).__mro__:
        if base.__name__ in _READERS:
            return base.__name__
    raise ConvMatrixError(
        f"module must be one of {', '.join(_READERS)} or a Sequential of these, got {type(module).__name__}"
    )


def _channels(layers: list[Any], size: tuple[int, ...]) -> int:
    """Channels the first layer reads: what the first layer with channels of its own asks for, else as few as fit."""
    factor, multiple = 1, 1
    for layer in layers:
        kind = _kind(layer)
        if hasattr(layer, "in_channels"):
            return int(layer.in_channels) * factor
        if kind == "Linear" and not size:
            return int(layer.in_features)
        if kind in ("Linear", "Flatten"):
            break
        if kind == "PixelShuffle":
            factor *= int(layer.upscale_factor) ** len(size)
        if kind == "ChannelShuffle":
            multiple = math.lcm(multiple, int(layer.groups) * factor)
    return math.lcm(factor, multiple)


def _expect(layer: Any, shape: tuple[int, ...], channels: int, axes: int) -> None:
    if len(shape) != axes + 1:
        raise ConvMatrixError(f"input_size must have {axes} axes for {type(layer).__name__}, got {shape[1:]}")
    if shape[0] != channels:
        raise ConvMatrixError(f"{type(layer).__name__} reads {channels} channels, got {shape[0]} from the layer before")


def _bias(layer: Any) -> Any:
    return None if layer.bias is None else exact.as_array(layer.bias, "bias")


def _shared(layer: Any) -> dict[str, Any]:
    """The arguments that convolutions and transposed ones have in common."""
    names = ("stride", "padding", "dilation", "groups")
    return {**{name: getattr(layer, name) for name in names}, "bias": _bias(layer)}


def _conv(layer: Any, shape: tuple[int, ...]) -> TensorOperator:
    weight = exact.as_array(layer.weight)
    _expect(layer, shape, weight.shape[1] * layer.groups, weight.ndim - 2)
    return conv(weight, shape[1:], padding_mode=layer.padding_mode, **_shared(layer))


def _conv_transpose(layer: Any, shape: tuple[int, ...]) -> TensorOperator:
    weight = exact.as_array(layer.weight)
    _expect(layer, shape, weight.shape[0], weight.ndim - 2)
    return conv_transpose(weight, shape[1:], output_padding=layer.output_padding, **_shared(layer))


def _avg_pool(layer: Any, shape: tuple[int, ...]) -> TensorOperator:
    _expect(layer, shape, shape[0], int(_kind(layer)[-2]))
    if getattr(layer, "divisor_override", None) is not None:
        raise ConvMatrixError(f"divisor_override must be None, got {layer.divisor_override!r}")
    axes = len(shape) - 1
    return avg_pool(
        shape,
        _of_axes(layer.kernel_size, axes),
        stride=_of_axes(layer.stride, axes),
        padding=_of_axes(layer.padding, axes),
        ceil_mode=layer.ceil_mode,
        count_include_pad=layer.count_include_pad,
    )


def _of_axes(value: Any, axes: int) -> Any:
    """AvgPool1d keeps one-element tuples, AvgPool2d bare integers."""
    return value if isinstance(value, int) else arguments.per_axis(tuple(value), "the module's argument", axes, 0)


def _upsample(layer: Any, shape: tuple[int, ...]) -> TensorOperator:
    if layer.align_corners:
        raise ConvMatrixError("align_corners must be False, got True")
    mode, axes = plain_mode(layer.mode), len(shape) - 1
    factors: list[float | None] = [None] * axes
    if layer.scale_factor is None:
        outputs = arguments.per_axis(layer.size, "size", axes, 1)
    else:
        floats = _scale_factors(layer.scale_factor, axes)
        outputs = tuple(math.floor(n * factor) for n, factor in zip(shape[1:], floats, strict=True))
        if min(outputs, default=1) < 1:
            raise ConvMatrixError(f"scale_factor must leave at least one output, got {floats} for {shape[1:]}")
        if not getattr(layer, "recompute_scale_factor", None):
            factors = [*floats]
    # Small planes have a kernel of their own, in float32 alone and with the sources of factors 1 and 2 as they should.
    small_plane = axes == 2 and sum(outputs) <= _SMALL_PLANE
    mixes, scales = [], []
    for axis, (n, out, factor) in enumerate(zip(shape[1:], outputs, factors, strict=True)):
        scales.append(Fraction(out, n) if factor is None else short_fraction(factor))
        if (mode == "linear" or (mode == "nearest" and small_plane)) and out == n:
            mixes.append(mix_of(n, n, Fraction(1), "nearest"))
        elif mode == "linear" or (mode == "nearest" and small_plane and out == 2 * n):
            mixes.append(mix_of(n, out, Fraction(2) if mode == "nearest" else scales[-1], mode))
        else:
            mixes.append(Mix.of_nearest(_nearest_sources(n, out, factor, mode, small_plane, axis)))
    return Resize(shape, tuple(scales), mode, tuple(mixes), None)


def _scale_factors(given: Any, axes: int) -> list[float]:
    """One float an axis, as PyTorch computes with them."""
    factors = [float(factor) for factor in (given if isinstance(given, (list, tuple)) else [given] * axes)]
    if len(factors) != axes or not all(math.isfinite(factor) and factor > 0 for factor in factors):
        raise ConvMatrixError(f"scale_factor must be a positive number or one for each of {axes} axes, got {given!r}")
    return factors


def _nearest_sources(
    n: int, out: int, factor: float | None, mode: str, small_plane: bool, axis: int
) -> np.ndarray[Any, Any]:
    """The input each output reads, in PyTorch's floating-point arithmetic, which can step over an integer."""
    check_size(f"the sources of an Upsample to {out} positions", 64 * out)
    step = n / out if factor is None else 1 / factor
    single = np.float32(n) / np.float32(out) if factor is None else np.float32(step)
    order = np.arange(out)
    half = np.float32(0.5)
    if mode == "nearest":
        places = [order.astype(np.float32) * single, order * step]
    elif small_plane:
        places = [(order + 0.5) * np.float64(single)]
    else:
        middles = order.astype(np.float32) + half
        # A compiler may fuse the product and the difference into one rounding.
        singles = [middles * single - half, (middles * np.float64(single) - 0.5).astype(np.float32)]
        places = [np.maximum(place, 0).astype(np.float64) + 0.5 for place in (*singles, (order + 0.5) * step - 0.5)]
    found = [np.minimum(np.floor(place.astype(np.float32)).astype(np.int64), n - 1) for place in places]
    sources = found[0]
    for other in found[1:] if not small_plane else []:
        if not np.array_equal(sources, other):
            first = int(np.flatnonzero(sources != other)[0])
            raise ConvMatrixError(
                f"{'size' if factor is None else 'scale_factor'} must give sources that PyTorch's rounding leaves "
                f"alone, got {out if factor is None else factor} for {n} positions on axis {axis}: in mode '{mode}' "
                f"output {first} reads input {sources[first]} or {other[first]}, by the type of the input"
            )
    return sources


def _linear(layer: Any, shape: tuple[int, ...]) -> TensorOperator:
    """A fully connected layer on the last axis: that axis becomes the channels of a 1x1 convolution, and goes back."""
    weight = exact.as_array(layer.weight)
    if shape[-1] != weight.shape[1]:
        raise ConvMatrixError(f"Linear reads {weight.shape[1]} features on the last axis, got {shape[-1]}")
    rest = shape[:-1]
    axes = len(rest)
    dense = conv(
        weight.reshape(*weight.shape, *[1] * axes),
        rest,
        bias=None if layer.bias is None else exact.as_array(layer.bias, "bias"),
    )
    if not axes:
        return dense
    first = Permutation("last axis first", shape, (shape[-1], *rest), shape, (axes, *range(axes)))
    out = (*rest, weight.shape[0])
    back = Permutation("last axis first", out, (weight.shape[0], *rest), out, (axes, *range(axes))).T
    return back @ (dense @ first)


def _flatten(layer: Any, shape: tuple[int, ...]) -> TensorOperator:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise ConvMatrixError(
            f"Flatten must flatten all axes, got start_dim {layer.start_dim}, end_dim {layer.end_dim}"
        )
    return Permutation("flatten", shape, (math.prod(shape),), shape, tuple(range(len(shape))))


_READERS: dict[str, Callable[[Any, tuple[int, ...]], TensorOperator]] = {
    "Conv1d": _conv,
    "Conv2d": _conv,
    "Conv3d": _conv,
    "ConvTranspose1d": _conv_transpose,
    "ConvTranspose2d": _conv_transpose,
    "ConvTranspose3d": _conv_transpose,
    "AvgPool1d": _avg_pool,
    "AvgPool2d": _avg_pool,
    "AvgPool3d": _avg_pool,
    "PixelShuffle": lambda layer, shape: pixel_shuffle(shape, layer.upscale_factor),
    "ChannelShuffle": lambda layer, shape: channel_shuffle(shape, layer.groups),
    "Upsample": _upsample,
    "Linear": _linear,
    "Flatten": _flatten,
    "Identity": lambda layer, shape: identity(shape),
}
