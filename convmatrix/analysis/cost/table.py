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
class Rule:
    """What sizes must obey for the layer to exist.

    Attributes
    ----------
    small, large : SymPy expressions
        As far as numbers are known.
    divides : bool
        Whether `small` must divide `large`, a number of channels; otherwise it must fit into it, a size.
    said : tuple of str
        Both in letters.
    """

    small: Any
    large: Any
    divides: bool
    said: tuple[str, str]

    @classmethod
    def fits(cls, small: Any, large: Any) -> Rule:
        """A kernel that must not exceed the picture."""
        return cls(small, large, False, (str(small), str(large)))

    @classmethod
    def divided(cls, small: Any, large: Any) -> Rule:
        """Groups that must share the channels out."""
        return cls(small, large, True, (str(small), str(large)))

    def subs(self, values: Mapping[Any, Any]) -> Rule:
        """The same with numbers for some letters."""
        return Rule(self.small.subs(values), self.large.subs(values), self.divides, self.said)

    @property
    def is_broken(self) -> bool:
        """Whether the numbers that are known break it."""
        if self.small.free_symbols or self.large.free_symbols:
            return False
        return bool(self.large % self.small if self.divides else self.small > self.large)

    def allows_growth(self, symbol: Any) -> bool:
        """Whether a letter may grow without end, whatever the others are that are not known yet."""
        return bool(self.large.free_symbols) or symbol not in self.small.free_symbols

    def __str__(self) -> str:
        small, large = self.said
        rule = f"divide {large}" if self.divides else f"be at most {large}, as a kernel fits into its picture"
        return f"{small} must {rule}, got {self.small} with {large} = {self.large}"


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
    rules : tuple of Rule
        What the sizes must obey.
    """

    description: str
    baseline_name: str
    multiplications: Any
    baseline: Any
    letters: Mapping[Any, str]
    to_infinity: tuple[Any, ...] = ()
    cases: tuple[tuple[str, Any], ...] = ()
    rules: tuple[Rule, ...] = ()


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


def _fitting(*pairs: tuple[Any, Any]) -> tuple[Rule, ...]:
    """Kernels within pictures."""
    return tuple(Rule.fits(small, large) for small, large in pairs)


def _shared(groups: Any, *channels: Any) -> tuple[Rule, ...]:
    """Channels that groups share."""
    return tuple(Rule.divided(groups, count) for count in channels)


@_draft
def conv2d() -> Draft:
    """Weights that are shared, against a weight for each pair of positions."""
    (N, m), letters = _letters("N m")
    outputs = (N - m + 1) ** 2
    what = "one m x m kernel over an N x N picture"
    return Draft(what, "fully connected", m**2 * outputs, N**2 * outputs, letters, (N,), rules=_fitting((m, N)))


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
    dense = m**2 * (N - m + 1) ** 2
    return Draft(what, "stride 1", m**2 * outputs**2, dense, letters, (N,), rules=_fitting((m, N)))


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
    whole = extent**2 * outputs
    rules = _fitting((extent, N))
    return Draft(what, "kernel of the whole field", m**2 * outputs, whole, letters, (d, m), same, rules)


@_draft
def spatially_separable() -> Draft:
    """A column, then a row."""
    (N, m), letters = _letters("N m")
    outputs = N - m + 1
    what = "an m x 1 convolution, then a 1 x m one, over an N x N picture"
    split = N * m * outputs + m * outputs**2
    return Draft(what, "m x m convolution", split, m**2 * outputs**2, letters, (N,), rules=_fitting((m, N)))


@_draft
def depthwise() -> Draft:
    """Each channel by itself."""
    (H, W, D, h), letters = _letters("H W D h", h="the kernel is h x h")
    outputs = (H - h + 1) * (W - h + 1)
    what = "one h x h kernel a channel, against D filters that read all channels"
    split, dense = D * h**2 * outputs, D**2 * h**2 * outputs
    return Draft(what, "dense convolution", split, dense, letters, (D,), rules=_fitting((h, H), (h, W)))


@_draft
def depthwise_separable() -> Draft:
    """Each channel by itself, then all channels at each position."""
    (H, W, D, h, Nc), letters = _letters("H W D h Nc", h="the kernel is h x h")
    outputs = (H - h + 1) * (W - h + 1)
    split, dense = (h**2 + Nc) * D * outputs, Nc * h**2 * D * outputs
    what = "h x h kernels a channel, then a 1x1 convolution"
    return Draft(what, "dense convolution", split, dense, letters, (Nc, h), rules=_fitting((h, H), (h, W)))


@_draft
def flattened() -> Draft:
    """Along the channels, then a column, then a row."""
    (N, m, D, Nc), letters = _letters("N m D Nc")
    outputs = N - m + 1
    split = Nc * (D * N**2 + m * outputs * N + m * outputs**2)
    what = "along the channels, then m x 1, then 1 x m, the last two a channel each"
    dense = Nc * D * m**2 * outputs**2
    return Draft(what, "m x m convolution", split, dense, letters, (N,), rules=_fitting((m, N)))


@_draft
def grouped() -> Draft:
    """Filters that read one group of channels each."""
    (H, W, h, w, Din, Dout, g), letters = _letters("H W h w Din Dout g")
    dense = h * w * Din * Dout * (H - h + 1) * (W - w + 1)
    cases = (("ratio, two groups (g = 2)", (1 / g).subs(g, 2)), ("ratio, g = Din", (1 / g).subs(g, Din)))
    rules = (*_fitting((h, H), (w, W)), *_shared(g, Din, Dout))
    return Draft("a convolution in g groups", "one group", dense / g, dense, letters, (g,), cases, rules)


@_draft
def shuffled_grouped() -> Draft:
    """Two grouped layers; the shuffle between them costs nothing."""
    (H, W, h, w, Din, Dmid, Dout, g), letters = _letters("H W h w Din Dmid Dout g")
    dense = H * W * h * w * Dmid * (Din + Dout)
    what = "two convolutions in g groups that keep H x W, their channels shuffled between"
    return Draft(what, "one group", dense / g, dense, letters, (g,), rules=_shared(g, Din, Dmid, Dout))


@_draft
def pointwise_grouped() -> Draft:
    """A 1x1 convolution in groups."""
    (H, W, Din, Dout, g), letters = _letters("H W Din Dout g")
    dense = H * W * Din * Dout
    what = "a 1x1 convolution in g groups"
    return Draft(what, "one group", dense / g, dense, letters, (g,), rules=_shared(g, Din, Dout))


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
        _shared(g, c, m),
    )
