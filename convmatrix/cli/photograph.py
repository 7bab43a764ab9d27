"""`inspect --image`: the photograph, the layer's matrix applied to it, the check and the picture."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convmatrix.cli.layer import Layer, read_layer
from convmatrix.cli.output import working
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator

if TYPE_CHECKING:
    from convmatrix.analysis.application import Application

PICTURE = "convmatrix-photograph.png"
"""Where the picture goes when `--plot` names no file."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph and where it comes from."""

    source: str
    pixels: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def shown_to(self, channels: int, size: tuple[int, ...]) -> np.ndarray:
        """The middle of the photograph in that size: gray for one channel, colours for three."""
        from convmatrix.analysis.application import gray

        (height, width), (rows, columns) = self.size, size
        if rows > height or columns > width:
            raise ConvMatrixError(
                f"--input-size must be at most the photograph's {height}x{width} with --image, got {rows}x{columns}"
            )
        top, left = (height - rows) // 2, (width - columns) // 2
        middle = self.pixels[top : top + rows, left : left + columns]
        return gray(middle)[None] if channels == 1 else middle.transpose(2, 0, 1)


def load(name: str) -> Photograph:
    """The photograph of a file; of no name, matplotlib's."""
    from convmatrix.plots.photograph import SAMPLE, read_photograph, sample_photograph

    if name:
        return Photograph(name, read_photograph(Path(name)))
    return Photograph(f"matplotlib's sample {SAMPLE}", read_photograph(sample_photograph()))


def read_photographed_layer(given: argparse.Namespace, photograph: Photograph) -> Layer:
    """The layer, for a picture with one or three channels."""
    layer = read_layer(given, photograph.size)
    if len(layer.input_size) != 2 or layer.weight.ndim not in (2, 4):
        raise ConvMatrixError(
            f"KERNEL must have two axes for --image (a row is written '1 2 1;'), got shape {layer.weight.shape}"
        )
    return layer


def apply(op: TensorOperator, layer: Layer, photograph: Photograph) -> Application:
    """Apply the layer's matrix to the photograph and compare."""
    from convmatrix.analysis.application import apply_to_picture
    from convmatrix.analysis.reference import LayerArguments

    channels = op.in_shape[0]
    if channels not in (1, 3):
        raise ConvMatrixError(f"KERNEL must read 1 channel (gray) or 3 (colours) with --image, got {channels}")
    arguments = LayerArguments(transpose=layer.transpose, **layer.options)
    picture = photograph.shown_to(channels, layer.input_size)
    rows, columns = op.shape
    with working(f"building the {rows} x {columns} matrix and comparing"):
        return apply_to_picture(op, picture, layer.applied if layer.flip else layer.weight, arguments)
