"""A dilated kernel reads with gaps: nine taps see five by five inputs."""

from __future__ import annotations

from matplotlib.animation import FuncAnimation
from numpy import arange

import convmatrix as cm

SECTION = "7"
STEP = 2
CAPTION = (
    "The taps of a 3x3 kernel with dilation 2 lie two inputs apart. In the matrix each row still has nine entries, as "
    "many as without dilation, and they reach five lines of the input instead of three."
)


def draw() -> FuncAnimation:
    return cm.animate(cm.conv("0 1 2; 2 2 0; 0 1 2", (7, 7), dilation=2), x=arange(3, 346, 7).reshape(7, 7) % 10)
