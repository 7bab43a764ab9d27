"""A survey of all 53 convolutions of ResNet-50's shapes: every singular value, and a certain norm, of each.

Random weights; circular borders for the values, zero padding for the norms, as in the network. Sizes that a stride does
not divide do not occur. The plain method (one full transform, one decomposition a frequency) is measured on some
frequencies of each layer and multiplied up: on all it would take the better part of an hour.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import convmatrix as cm
from benchmarks.common import Row, Settings

_SAMPLED = 3
WIDTH = 0.01


@dataclass(frozen=True)
class Shape:
    """One convolution of the network: channels, kernel, stride, and the size of its input."""

    inputs: int
    outputs: int
    kernel: int
    stride: int
    size: int

    @property
    def name(self) -> str:
        """In short."""
        step = f" /{self.stride}" if self.stride > 1 else ""
        return f"{self.inputs}->{self.outputs} {self.kernel}x{self.kernel}{step} on {self.size}x{self.size}"


def resnet50() -> list[Shape]:
    """All convolutions of ResNet-50 on 224x224 in their order (He et al., arXiv:1512.03385; strides in the 3x3)."""
    shapes = [Shape(3, 64, 7, 2, 224)]
    inputs, size = 64, 56
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            step = stride if block == 0 else 1
            shapes += [Shape(inputs, width, 1, 1, size), Shape(width, width, 3, step, size)]
            shapes += [Shape(width, 4 * width, 1, 1, size // step)]
            if block == 0:
                shapes.append(Shape(inputs, 4 * width, 1, step, size))
            inputs, size = 4 * width, size // step
    return shapes


def run(settings: Settings) -> Iterator[Row]:
    """One row a layer, and the totals; of a few layers only where it is to be quick."""
    shapes = resnet50()
    shapes = shapes[:2] if settings.quick else shapes
    ours = plain = bound = 0.0
    reached = 0
    for number, shape in enumerate(shapes, start=1):
        _say(f"{number}/{len(shapes)} {shape.name}")
        weight = np.random.default_rng(number).standard_normal(
            (shape.outputs, shape.inputs, shape.kernel, shape.kernel)
        )
        circular, seconds = _timed_values(shape, weight)
        guessed = _plain_seconds(shape, weight)
        norm, took = _timed_norm(shape, weight)
        ours, plain, bound = ours + seconds, plain + guessed, bound + took
        reached += norm.reached
        note = {"norm": took}
        yield Row(shape.name, f"{len(circular)} values", seconds, "plain, estimated", guessed, others=note)
    _say("")
    yield Row(f"{len(shapes)} layers", "all values", ours, "plain, estimated", plain)
    yield Row(f"{len(shapes)} layers", f"norms to 1 %, {reached} reached", bound)


def _timed_values(shape: Shape, weight: np.ndarray) -> tuple[cm.SingularValues, float]:
    start = time.perf_counter()
    pad = shape.kernel // 2
    op = cm.conv(weight, (shape.size,) * 2, stride=shape.stride, padding=pad, padding_mode="circular")
    return cm.singular_values(op), time.perf_counter() - start


def _timed_norm(shape: Shape, weight: np.ndarray) -> tuple[cm.Enclosure, float]:
    start = time.perf_counter()
    op = cm.conv(weight, (shape.size,) * 2, stride=shape.stride, padding=shape.kernel // 2)
    return cm.spectral_norm(op, WIDTH), time.perf_counter() - start


def _plain_seconds(shape: Shape, weight: np.ndarray) -> float:
    """One transform on the input's grid, and a decomposition of each output frequency's block, from a few of them."""
    start = time.perf_counter()
    symbols = np.fft.fft2(weight, (shape.size,) * 2, axes=(2, 3))
    transformed = time.perf_counter() - start
    step, outputs = shape.stride, (shape.size // shape.stride) ** 2
    each = shape.size // step
    start = time.perf_counter()
    sampled = min(_SAMPLED, outputs) if weight.size > 1e6 else min(64, outputs)
    for number in range(sampled):
        aliases = symbols[:, :, number % each :: each, 0::each].reshape(shape.outputs, -1)
        np.linalg.svd(aliases, compute_uv=False)
    return transformed + (time.perf_counter() - start) * outputs / sampled


def _say(what: str) -> None:
    """Progress, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)
