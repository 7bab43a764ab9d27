"""A photograph enlarged by a transposed layer, before and after the smallest change that is free of checkerboards."""

from __future__ import annotations

from matplotlib.figure import Figure

import convmatrix as cm
from convmatrix.analysis.application import gray
from convmatrix.plots.photograph import read_photograph, sample_photograph

SECTION = "6.1"
STEP = 5
CAPTION = (
    "Averaged over 2 x 2 pixels and enlarged again by a Gaussian 3x3 kernel with stride 2. Its weights soften the "
    "overlap of 4 to 1 and do not undo it: a grid of dots lies over the picture, and its spectrum has a bright spot in "
    "each circle. The nearest free weight moves each tap a little, and both are gone."
)


def draw() -> Figure:
    photograph = gray(read_photograph(sample_photograph()))
    reduce = cm.avg_pool((1, *photograph.shape), 2)
    kernel = cm.kernel("gaussian:size=3,sigma=1")
    enlarge = cm.conv_transpose(kernel, reduce.out_shape[1:], stride=2, padding=1, output_padding=1)
    return cm.plot(cm.checkerboard(enlarge), image=reduce(photograph[None])[0], detail=(150, 190))
