"""The formulas by kind: multiplications, what they are measured by, and in which letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MEANINGS = {
    "N": "the input is N x N",
    "m": "the kernel is m x m",
    "H": "height of the input",
    "W": "width of the input",
    "D": "channels of the input",
    "Nc": "filters, the channels of the output",
    "h": "height of the kernel",
    "w": "width of the kernel",
    "g": "groups",
    "s": "stride, or how many times larger the output is",
    "d": "dilation",
    "Din": "channels of the input",
    "Dmid": "channels between the two layers",
    "Dout": "channels of the output",
    "c": "channels of the input and of the output",
    "k": "the kernel before the shuffle is k x k",
}


@dataclass(frozen=True)
class Draft:
    """What a formula is made of.

    Attributes
    ----------
    description, baseline_name : str
        What is measured, and by what.
    multiplications, baseline : SymPy expressions
        Usual convention.
    letters : mapping
        From symbols to their meanings.
    to_infinity : tuple of symbols
        Those whose limits are worth knowing.
    cases : tuple of pairs
        A description and the ratio in that case.
    """

    description: str
    baseline_name: str
    multiplications: Any
    baseline: Any
    letters: Mapping[Any, str]
    to_infinity: tuple[Any, ...] = ()
    cases: tuple[tuple[str, Any], ...] = ()


DRAFTS: dict[str, Callable[[], Draft]] = {}
"""Kinds that have a formula, in the order of the article."""


def _draft(make: Callable[[], Draft]) -> Callable[[], Draft]:
    DRAFTS[make.__name__] = make
    return make


def _letters(names: str, **meanings: str) -> tuple[list[Any], dict[Any, str]]:
    """Symbols for sizes, and what they mean."""
    import sympy

    symbols = [sympy.Symbol(name, positive=True, integer=True) for name in names.split()]
    return symbols, {symbol: meanings.get(symbol.name, MEANINGS[symbol.name]) for symbol in symbols}


@_draft
def conv2d() -> Draft:
    """Weights that are shared, against a weight for each pair of positions."""
    (N, m), letters = _letters("N m")
    outputs = (N - m + 1) ** 2
    what = "one m x m kernel over an N x N picture"
    return Draft(what, "fully connected", m**2 * outputs, N**2 * outputs, letters, (N,))


@_draft
def pointwise() -> Draft:
    """One tap, against h x h of them."""
    (H, W, D, Nc, h), letters = _letters("H W D Nc h", h="the dense kernel is h x h")
    what = "a 1x1 convolution, against an h x h one with as many outputs"
    return Draft(what, "h x h convolution", H * W * D * Nc, H * W * D * Nc * h**2, letters, (h,))


@_draft
def strided() -> Draft:
    """Every s-th output, against all of them."""
    import sympy

    (N, m, s), letters = _letters("N m s", s="stride")
    outputs = sympy.floor((N - m) / s) + 1
    what = "stride s, against stride 1 with the outputs between thrown away"
    return Draft(what, "stride 1", m**2 * outputs**2, m**2 * (N - m + 1) ** 2, letters, (N,))


@_draft
def transposed() -> Draft:
    """The transposed layer as it is, against a convolution of its input with zeros between."""
    (N, m, s, D, Nc), letters = _letters("N m s D Nc", s="stride")
    stretched = D * Nc * m**2 * (s * (N - 1) + m) ** 2
    what = "a transposed convolution, against a convolution over its input with s - 1 zeros between"
    return Draft(what, "convolution with zeros between", D * Nc * m**2 * N**2, stretched, letters, (N,))


@_draft
def resize_conv() -> Draft:
    """Enlarged first: every product is at the larger size."""
    (N, m, s, D, Nc), letters = _letters("N m s D Nc")
    enlarged = D * Nc * m**2 * (s * N) ** 2
    what = "nearest resize by s, then an m x m convolution, against a transposed one of stride s"
    return Draft(what, "transposed convolution", enlarged, D * Nc * m**2 * N**2, letters)


@_draft
def sub_pixel() -> Draft:
    """Convolved at the smaller size, to s*s times the channels."""
    (N, m, k, s, D, Nc), letters = _letters("N m k s D Nc", m="the kernel behind the resize is m x m")
    small, large = k**2 * N**2 * D * (Nc * s**2), m**2 * (s * N) ** 2 * D * Nc
    cases = (("ratio, the same kernel (m = k)", (m, k)), ("ratio, the same field (m = s*k)", (m, s * k)))
    return Draft(
        "a k x k convolution and a pixel shuffle by s, against resize by s and an m x m convolution",
        "resize-convolution",
        small,
        large,
        letters,
        cases=tuple((said, (small / large).subs(*change)) for said, change in cases),
    )


@_draft
def dilated() -> Draft:
    """Taps spread by d, against a kernel that fills the same field."""
    (N, m, d), letters = _letters("N m d")
    extent = d * (m - 1) + 1
    outputs = (N - extent + 1) ** 2
    what = "m x m taps with dilation d, against the kernel of their whole field"
    same = (("ratio, m x m taps side by side, as many outputs", m / m),)
    return Draft(what, "kernel of the whole field", m**2 * outputs, extent**2 * outputs, letters, (d, m), same)


@_draft
def spatially_separable() -> Draft:
    """A column, then a row."""
    (N, m), letters = _letters("N m")
    outputs = N - m + 1
    what = "an m x 1 convolution, then a 1 x m one, over an N x N picture"
    split = N * m * outputs + m * outputs**2
    return Draft(what, "m x m convolution", split, m**2 * outputs**2, letters, (N,))


@_draft
def depthwise() -> Draft:
    """Each channel by itself."""
    (H, W, D, h), letters = _letters("H W D h", h="the kernel is h x h")
    outputs = (H - h + 1) * (W - h + 1)
    what = "one h x h kernel a channel, against D filters that read all channels"
    return Draft(what, "dense convolution", D * h**2 * outputs, D**2 * h**2 * outputs, letters, (D,))


@_draft
def depthwise_separable() -> Draft:
    """Each channel by itself, then all channels at each position."""
    (H, W, D, h, Nc), letters = _letters("H W D h Nc", h="the kernel is h x h")
    outputs = (H - h + 1) * (W - h + 1)
    split, dense = (h**2 + Nc) * D * outputs, Nc * h**2 * D * outputs
    what = "h x h kernels a channel, then a 1x1 convolution"
    return Draft(what, "dense convolution", split, dense, letters, (Nc, h))


@_draft
def flattened() -> Draft:
    """Along the channels, then a column, then a row."""
    (N, m, D, Nc), letters = _letters("N m D Nc")
    outputs = N - m + 1
    split = Nc * (D * N**2 + m * outputs * N + m * outputs**2)
    what = "along the channels, then m x 1, then 1 x m, the last two a channel each"
    return Draft(what, "m x m convolution", split, Nc * D * m**2 * outputs**2, letters, (N,))


@_draft
def grouped() -> Draft:
    """Filters that read one group of channels each."""
    (H, W, h, w, Din, Dout, g), letters = _letters("H W h w Din Dout g")
    dense = h * w * Din * Dout * (H - h + 1) * (W - w + 1)
    cases = (("ratio, two groups (g = 2)", (1 / g).subs(g, 2)), ("ratio, g = Din", (1 / g).subs(g, Din)))
    return Draft("a convolution in g groups", "one group", dense / g, dense, letters, (g,), cases)


@_draft
def shuffled_grouped() -> Draft:
    """Two grouped layers; the shuffle between them costs nothing."""
    (H, W, h, w, Din, Dmid, Dout, g), letters = _letters("H W h w Din Dmid Dout g")
    dense = H * W * h * w * Dmid * (Din + Dout)
    what = "two convolutions in g groups that keep H x W, their channels shuffled between"
    return Draft(what, "one group", dense / g, dense, letters, (g,))


@_draft
def pointwise_grouped() -> Draft:
    """A 1x1 convolution in groups."""
    (H, W, Din, Dout, g), letters = _letters("H W Din Dout g")
    dense = H * W * Din * Dout
    return Draft("a 1x1 convolution in g groups", "one group", dense / g, dense, letters, (g,))


@_draft
def shufflenet_unit() -> Draft:
    """Zhang et al., ShuffleNet, arXiv:1707.01083, section 3.2."""
    (h, w, c, m, g), letters = _letters(
        "h w c m g", h="height of the picture", w="width of the picture", m="channels of the bottleneck"
    )
    unit, resnet, resnext = (
        h * w * (2 * c * m / g + 9 * m),
        h * w * (2 * c * m + 9 * m**2),
        h * w * (2 * c * m + 9 * m**2 / g),
    )
    return Draft(
        "1x1 in g groups, shuffle, 3x3 depthwise, 1x1 in g groups (ShuffleNet's unit)",
        "ResNet's bottleneck",
        unit,
        resnet,
        letters,
        (c,),
        (("ratio to ResNeXt's bottleneck", unit / resnext), ("ratio, m = c/4", (unit / resnet).subs(m, c / 4))),
    )
