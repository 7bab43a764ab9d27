"""From the command line's words to one layer: its kernel, its input size, its operator."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.cli import text
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.kernels import kernel
from convmatrix.kernels.files import is_file_name
from convmatrix.operators import TensorOperator, conv, conv_transpose

_LEAST = 4
"""Inputs an axis where no size was given; a 3x3 kernel then has the 4 x 16 matrix of textbooks."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A kernel with the geometry it was given.

    Attributes
    ----------
    text : str
        The kernel as typed.
    weight : ndarray
        The kernel or the weight, before `flip`.
    input_size : tuple of int
        One size an axis.
    size_given : bool
        Whether the user asked for that size.
    options : dict
        The arguments of `conv` or `conv_transpose` besides weight, size and `flip`.
    transpose, flip : bool
        As typed.
    """

    text: str
    weight: np.ndarray
    input_size: tuple[int, ...]
    size_given: bool
    options: dict[str, Any]
    transpose: bool
    flip: bool

    @property
    def applied(self) -> np.ndarray:
        """The weight as it is applied: turned round where `flip` was asked."""
        axes = len(self.input_size)
        return np.flip(self.weight, axis=tuple(range(self.weight.ndim - axes, self.weight.ndim)))

    def operator(self, weight: Any = None) -> TensorOperator:
        """The layer's operator, or that of another weight in the same geometry."""
        if weight is None:
            weight = self.applied if self.flip else self.weight
        return (conv_transpose if self.transpose else conv)(weight, self.input_size, **self.options)

    def described(self) -> dict[str, Any]:
        """Kernel and size for a JSON document."""
        return {
            "kernel": {"text": self.text, "shape": list(self.weight.shape), "dtype": str(self.weight.dtype)},
            "input_size": list(self.input_size),
            "transpose": self.transpose,
            "flip": self.flip,
        }

    def heading(self) -> list[str]:
        """Kernel, operator and size as lines of text."""
        lines = [f"kernel {self.text.strip()} ({text.sizes(self.weight.shape)})", f"operator {self.operator()!r}"]
        if not self.size_given:
            lines.append(f"input size {text.sizes(self.input_size)}, since --input-size was not given")
        return lines

    def pattern(self) -> np.ndarray:
        """Where the dense matrix stores an entry, zeros of the kernel included; for small matrices."""
        return np.asarray(self.operator(np.ones(self.weight.shape, dtype=np.int64)).toarray() != 0)


def read_layer(
    given: argparse.Namespace, default_size: tuple[int, ...] | None = None, *, axes: int | None = None
) -> Layer:
    """The layer that the parsed arguments ask for.

    Without `--input-size` it is placed on `default_size`, such as that of a photograph; without that it is
    `max(4, dilation*(k - 1) + 1 + stride)` an axis, which makes two outputs of a long kernel, and 2 an axis for a
    transposed layer. `axes` is how many axes of space the kernel is declared to have; by default what the array most
    likely means.

    Raises
    ------
    ConvMatrixError
        If the kernel cannot be read or the options do not go together.
    """
    weight = exact.as_array(kernel(given.kernel))
    options = {name: getattr(given, name) for name in ("stride", "padding", "dilation", "groups")}
    if given.transpose:
        if given.padding_mode != "zeros":
            raise ConvMatrixError(f"--padding-mode must be zeros with --transpose, got {given.padding_mode!r}")
        options["output_padding"] = 0 if given.output_padding is None else given.output_padding
    else:
        if given.output_padding is not None:
            raise ConvMatrixError(f"--output-padding must come with --transpose, got {given.output_padding} without it")
        options["padding_mode"] = given.padding_mode
    axes = _axes(weight, given) if axes is None else axes
    size = given.input_size
    if size is None:
        size = default_size if default_size is not None else _default_size(weight.shape[-axes:], options, given)
    elif len(size) == 1:
        size *= axes
    return Layer(given.kernel, weight, tuple(size), given.input_size is not None, options, given.transpose, given.flip)


def _axes(weight: np.ndarray, given: argparse.Namespace) -> int:
    """Axes of space: as many as sizes; where one size or none was given, what the array most likely means."""
    if given.input_size is not None and len(given.input_size) > 1:
        return len(given.input_size)
    if weight.ndim <= 2 or (weight.ndim == 3 and not is_file_name(given.kernel)):
        return weight.ndim
    return weight.ndim - 2


def _default_size(kernel_size: tuple[int, ...], options: dict[str, Any], given: argparse.Namespace) -> tuple[int, ...]:
    axes = len(kernel_size)
    if given.transpose:
        return (2,) * axes
    strides = arguments.per_axis(given.stride, "stride", axes, 1)
    dilations = arguments.per_axis(given.dilation, "dilation", axes, 1)
    pads = [(0, 0)] * axes if isinstance(given.padding, str) else arguments.padding_pairs(given.padding, axes)
    # A reflected border must be shorter than the input.
    borders = [max(pair) + 1 if options.get("padding_mode") == "reflect" else 0 for pair in pads]
    return tuple(
        max(_LEAST, d * (k - 1) + 1 + s, border)
        for k, s, d, border in zip(kernel_size, strides, dilations, borders, strict=True)
    )
