"""Figures made from the public API alone: one script each, its picture beside it.

A script has a docstring (the title), `CAPTION`, `SECTION` (of the article, a key of `SECTIONS`), `STEP` (its place
there, 0 by default), `draw()`, which returns a Figure or an animation, and `SVG = True` if a vector drawing is
kept too.
Scripts import each other relatively: an installed package holds them under another name.
"""

from __future__ import annotations

SECTIONS = {
    "1": "Convolution and cross-correlation",
    "2": "Convolution in deep learning",
    "2.1": "One channel",
    "2.2": "Many channels",
    "3": "3-D convolution",
    "4": "1x1 convolution",
    "5": "Convolution arithmetic",
    "6": "Transposed convolution",
    "6.1": "Checkerboards",
    "7": "Dilated convolution",
    "8": "Separable convolution",
    "8.1": "Spatially separable convolution",
    "8.2": "Depthwise separable convolution",
    "9": "Flattened convolution",
    "10": "Grouped convolution",
    "10.1": "Grouped against depthwise convolution",
    "11": "Shuffled grouped convolution",
    "12": "Pointwise grouped convolution",
    "13": "All kinds side by side",
    "14": "The spectrum",
}
"""The sections of the article in its order; the last two are beyond it."""
