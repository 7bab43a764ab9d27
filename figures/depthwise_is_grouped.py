"""Depthwise is grouped with as many groups as channels; more filters a group make more channels, and mix none."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import convmatrix as cm

from ._groups import channels_alone, name_channels
from ._sheet import TITLE, Sheet, outline

SECTION = "10.1"
STEP = 1
SVG = True
CAPTION = (
    "Three channels of 4x4, kernels 3x3, three groups. One filter a group is the depthwise convolution: a block of the "
    "matrix for each channel (outlined), and three channels stay three. Two filters a group make six outputs, and the "
    "blocks twice as tall, but each output still reads one channel. A depthwise separable convolution makes six of "
    "three by a 1x1 layer behind the depthwise one: only so do all channels mix, and here with fewer weights."
)
CHANNELS, SIZE = 3, (4, 4)
WIDE, TALL = 0.05, 0.1
"""Inches: a cell."""


def draw() -> Figure:
    one = np.ones((CHANNELS, 1, 3, 3), dtype=int)
    depthwise = cm.KINDS["depthwise"].build(one, SIZE)
    grouped = cm.KINDS["grouped"].build(np.repeat(one, 2, axis=0), SIZE, groups=CHANNELS)
    mixing = np.ones((2 * CHANNELS, CHANNELS), dtype=int)
    separable = cm.KINDS["depthwise_separable"].build(one, mixing, SIZE)
    sheet = Sheet(9, 4.1)
    for place, (title, said, op) in enumerate(
        (
            ("depthwise", "3 groups of 1 filter", depthwise),
            ("more outputs, none mixed", "3 groups of 2 filters", grouped),
            ("all channels mixed", "depthwise, then 1x1", separable),
        )
    ):
        left, top = 0.5 + 3 * place, 0.9
        middle = left + op.shape[1] * WIDE / 2
        sheet.say(title, middle, top - 0.52, weight="bold", fontsize=TITLE)
        sheet.say(said, middle, top - 0.22)
        # As one convolution it has taps to be coloured.
        ax = sheet.matrix(cm.fuse(op).operator if op is separable else op, left, top, cell=(WIDE, TALL))
        ax.set(xlabel="", ylabel="")
        channels_alone(ax)
        name_channels(ax, op)
        if op is not separable:
            outline(ax, _blocks(op) > 0, op.shape)
        found = cm.cost(op)
        said = f"{found.parameters} weights, {found.multiplications} multiplications"
        sheet.say(said, middle, top + op.shape[0] * TALL + 0.42)
    return sheet.figure


def _blocks(op: cm.TensorOperator) -> np.ndarray:
    """Ones where a group's outputs meet its inputs."""
    rows, columns = op.shape
    return np.kron(np.eye(CHANNELS), np.ones((rows // CHANNELS, columns // CHANNELS)))
