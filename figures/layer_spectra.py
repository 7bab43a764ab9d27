"""The layers of a trained network side by side: how fast the singular values of each fall off."""

from __future__ import annotations

from matplotlib.figure import Figure

import convmatrix as cm

from .networks import digits

NAMES = [f"layer {name}" for name in digits.NAMES]
SECTION = "14"
STEP = 6
CAPTION = (
    "The seven layers of the network trained on digits without groups, each as its whole matrix on the input it has "
    "there, with circular borders. Values are shares of each layer's largest, against the share of their number. The "
    "first and the last layer keep nearly all directions alike; layers 2a, 3a and 3b concentrate on a few, and where a "
    "curve ends far down, directions are all but lost."
)


def draw() -> Figure:
    layers = map(circular, digits.networks()[1].layers)
    return cm.plot(cm.compare_spectra(dict(zip(NAMES, layers, strict=True))))


def circular(layer: cm.TensorOperator) -> cm.TensorOperator:
    """The layer with borders that wrap round, where all singular values are known frequency by frequency."""
    axis = layer.geometry.axes[0]
    options = {"stride": axis.stride, "padding": axis.pad_before, "padding_mode": "circular"}
    return cm.conv(layer.weight, layer.in_shape[1:], **options)
