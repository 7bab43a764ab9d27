"""The convolutions that are measured, each as an operator here and as a layer in torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import convmatrix as cm


@dataclass(frozen=True)
class Case:
    """One convolution, or transposed convolution, with random float64 weights none of which is 0."""

    name: str
    input_size: tuple[int, ...]
    weight_shape: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    transposed: bool = False

    @cached_property
    def weight(self) -> np.ndarray:
        """The same numbers in every process."""
        rng = np.random.default_rng(0)
        return np.asarray(rng.uniform(0.5, 1.5, self.weight_shape) * rng.choice([-1.0, 1.0], self.weight_shape))

    @property
    def one_channel(self) -> bool:
        """One channel read and one written."""
        return self.weight_shape[:2] == (1, 1) and self.groups == 1

    @property
    def options(self) -> dict[str, Any]:
        """The arguments that `convmatrix` and torch spell alike."""
        return {name: getattr(self, name) for name in ("stride", "padding", "dilation", "groups")}

    def operator(self) -> Any:
        """A new operator, which keeps nothing of earlier ones."""
        make = cm.conv_transpose if self.transposed else cm.conv
        return make(self.weight, self.input_size, **self.options)


CHANNELS = Case("64->64 3x3, 56^2", (56, 56), (64, 64, 3, 3), padding=1)
STEM = Case("3->64 7x7 /2, 224^2", (224, 224), (64, 3, 7, 7), stride=2, padding=3)
PICTURE = Case("1->1 5x5, 512^2", (512, 512), (1, 1, 5, 5), padding=2)
DEPTHWISE = Case("512 depthwise 3x3, 14^2", (14, 14), (512, 1, 3, 3), padding=1, groups=512)
VOLUME = Case("8->8 3x3x3, 32^3", (32, 32, 32), (8, 8, 3, 3, 3), padding=1)
SIGNAL = Case("1->1 31, 10^6", (10**6,), (1, 1, 31), padding=15)
LARGE = (CHANNELS, STEM)
BUILT = (*LARGE, PICTURE, DEPTHWISE, VOLUME, SIGNAL)

RGB = Case("3->3 3x3, 128^2", (128, 128), (3, 3, 3, 3), padding=1)
DIGIT = Case("1->1 3x3, 28^2", (28, 28), (1, 1, 3, 3), padding=1)
PHOTO = Case("1->1 5x5, 2048^2", (2048, 2048), (1, 1, 5, 5), padding=2)
DILATED = Case("16->16 3x3 dil 2, 64^2", (64, 64), (16, 16, 3, 3), padding=2, dilation=2)
POINTWISE = Case("256->256 1x1, 28^2", (28, 28), (256, 256, 1, 1))
DECODER = Case("64->32 4x4 T/2, 28^2", (28, 28), (64, 32, 4, 4), stride=2, padding=1, transposed=True)
ENLARGED = Case("1->1 3x3 T/2, 256^2", (256, 256), (1, 1, 3, 3), stride=2, padding=1, transposed=True)
APPLIED = (*BUILT, RGB, DIGIT, PHOTO, DILATED, POINTWISE, DECODER, ENLARGED)
APPLIED_QUICK = (CHANNELS, PICTURE, DEPTHWISE, RGB, DIGIT, DECODER, ENLARGED)

FEW = Case("8->8 3x3, 20^2", (20, 20), (8, 8, 3, 3), padding=1)
THIN_STEM = Case("3->16 7x7 /2, 32^2", (32, 32), (16, 3, 7, 7), stride=2, padding=3)
SHORT = Case("1->1 31, 3000", (3000,), (1, 1, 31), padding=15)
PEERS_QUICK = (FEW, THIN_STEM, SHORT)

BY_NAME = {case.name: case for case in (*APPLIED, *PEERS_QUICK)}
