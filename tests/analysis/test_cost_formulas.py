"""Formulas in the article's letters, against the cost of operators that are built."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy

import convmatrix as cm
from convmatrix.analysis.cost import blank_conv, cost, cost_formula
from convmatrix.analysis.cost.table import DRAFTS


def _stack(*layers):
    """Layers applied one after the other, each made from the shape before it."""
    whole = None
    for make in layers:
        layer = make(whole.out_shape) if whole is not None else make(None)
        whole = layer if whole is None else layer @ whole
    return whole


def _conv(out, kernel, shape=None, **options):
    return lambda before: blank_conv(shape if before is None else before, out, kernel, **options)


def _grid(**values):
    return [dict(zip(values, point, strict=True)) for point in zip(*values.values(), strict=True)]


NM = _grid(N=(5, 8, 12, 9), m=(3, 3, 5, 1))


def conv2d(N, m):
    # The dense layer has a weight for each pair of an output and an input position.
    return blank_conv((1, N, N), 1, m), blank_conv((N * N,), (N - m + 1) ** 2, ())


def pointwise(H, W, D, Nc, h):
    return blank_conv((D, H, W), Nc, 1), blank_conv((D, H, W), Nc, h, padding="same")


def strided(N, m, s):
    return blank_conv((1, N, N), 1, m, stride=s), blank_conv((1, N, N), 1, m)


def transposed(N, m, s, D, Nc):
    own = cm.conv_transpose(np.ones((D, Nc, m, m)), (N, N), stride=s)
    return own, blank_conv((D, s * (N - 1) + 1, s * (N - 1) + 1), Nc, m, padding="full")


def resize_conv(N, m, s, D, Nc):
    enlarge = cm.resize((D, N, N), s)
    return blank_conv(enlarge.out_shape, Nc, m, padding="same") @ enlarge, cm.conv_transpose(
        np.ones((D, Nc, m, m)), (N, N), stride=s
    )


def sub_pixel(N, m, k, s, D, Nc):
    low = blank_conv((D, N, N), Nc * s * s, k, padding="same")
    return cm.pixel_shuffle(low.out_shape, s) @ low, resize_conv(N, m, s, D, Nc)[0]


def dilated(N, m, d):
    return blank_conv((1, N, N), 1, m, dilation=d), blank_conv((1, N, N), 1, d * (m - 1) + 1)


def spatially_separable(N, m):
    return _stack(_conv(1, (m, 1), (1, N, N)), _conv(1, (1, m))), blank_conv((1, N, N), 1, m)


def depthwise(H, W, D, h):
    return blank_conv((D, H, W), D, h, groups=D), blank_conv((D, H, W), D, h)


def depthwise_separable(H, W, D, h, Nc):
    return _stack(_conv(D, h, (D, H, W), groups=D), _conv(Nc, 1)), blank_conv((D, H, W), Nc, h)


def flattened(N, m, D, Nc):
    own = _stack(_conv(Nc, 1, (D, N, N)), _conv(Nc, (m, 1), groups=Nc), _conv(Nc, (1, m), groups=Nc))
    return own, blank_conv((D, N, N), Nc, m)


def grouped(H, W, h, w, Din, Dout, g):
    return blank_conv((Din, H, W), Dout, (h, w), groups=g), blank_conv((Din, H, W), Dout, (h, w))


def shuffled_grouped(H, W, h, w, Din, Dmid, Dout, g):
    same = {"padding": "same"}
    own = _stack(
        _conv(Dmid, (h, w), (Din, H, W), groups=g, **same),
        lambda shape: cm.channel_shuffle(shape, g),
        _conv(Dout, (h, w), groups=g, **same),
    )
    return own, _stack(_conv(Dmid, (h, w), (Din, H, W), **same), _conv(Dout, (h, w), **same))


def pointwise_grouped(H, W, Din, Dout, g):
    return blank_conv((Din, H, W), Dout, 1, groups=g), blank_conv((Din, H, W), Dout, 1)


def shufflenet_unit(h, w, c, m, g):
    own = _stack(
        _conv(m, 1, (c, h, w), groups=g),
        lambda shape: cm.channel_shuffle(shape, g),
        _conv(m, 3, groups=m, padding=1),
        _conv(c, 1, groups=g),
    )
    return own + cm.identity((c, h, w)), bottleneck(h, w, c, m, 1)


def bottleneck(h, w, c, m, g):
    """ResNet's, and ResNeXt's with g groups in its 3x3 convolution."""
    return _stack(_conv(m, 1, (c, h, w)), _conv(m, 3, groups=g, padding=1), _conv(c, 1))


BUILT = {
    conv2d: NM,
    pointwise: _grid(H=(5, 7), W=(6, 7), D=(3, 4), Nc=(8, 2), h=(3, 5)),
    strided: _grid(N=(7, 8, 9, 5), m=(3, 3, 2, 5), s=(2, 2, 3, 4)),
    transposed: _grid(N=(3, 4, 5), m=(3, 4, 2), s=(2, 2, 3), D=(1, 2, 3), Nc=(2, 1, 3)),
    resize_conv: _grid(N=(3, 4), m=(3, 5), s=(2, 3), D=(2, 1), Nc=(1, 3)),
    sub_pixel: _grid(N=(3, 4), m=(3, 4), k=(3, 2), s=(2, 2), D=(2, 1), Nc=(1, 3)),
    dilated: _grid(N=(9, 12, 15), m=(3, 2, 3), d=(1, 5, 4)),
    spatially_separable: NM,
    depthwise: _grid(H=(7, 5), W=(7, 8), D=(3, 8), h=(3, 5)),
    depthwise_separable: _grid(H=(7, 9, 12), W=(7, 8, 10), D=(3, 1, 16), h=(3, 5, 3), Nc=(128, 7, 32)),
    flattened: _grid(N=(7, 9), m=(3, 5), D=(3, 4), Nc=(8, 2)),
    grouped: _grid(H=(7, 5), W=(7, 6), h=(3, 1), w=(3, 5), Din=(4, 6), Dout=(8, 9), g=(2, 3)),
    shuffled_grouped: _grid(H=(7,), W=(6,), h=(3,), w=(2,), Din=(6,), Dmid=(12,), Dout=(9,), g=(3,)),
    pointwise_grouped: _grid(H=(7, 4), W=(6, 4), Din=(6, 8), Dout=(9, 8), g=(3, 4)),
    shufflenet_unit: _grid(h=(28, 7), w=(28, 9), c=(240, 16), m=(60, 8), g=(3, 4)),
}
POINTS = [(build, sizes) for build, grid in BUILT.items() for sizes in grid]


@pytest.mark.parametrize(("build", "sizes"), POINTS, ids=[f"{build.__name__} {sizes}" for build, sizes in POINTS])
def test_formulas_are_the_costs_of_what_is_built(build, sizes):
    found = cost_formula(build.__name__)
    own, baseline = map(cost, build(**sizes))
    there = found.at(**sizes)
    assert (there.multiplications, there.baseline) == (own.multiplications, baseline.multiplications)
    assert there.ratio == sympy.Rational(own.multiplications, baseline.multiplications)
    assert sympy.simplify(found.ratio - found.multiplications / found.baseline) == 0
    assert not there.letters


@pytest.mark.parametrize("build", BUILT, ids=lambda build: build.__name__)
def test_sizes_have_a_cost_where_their_layers_exist(build):
    rng = np.random.default_rng(7)
    letters = [str(letter) for letter in cost_formula(build.__name__).letters]
    for _ in range(60):
        sizes = {name: int(rng.integers(1, 7)) for name in letters}
        try:
            expected = [cost(op).multiplications for op in build(**sizes)]
        except cm.ConvMatrixError:
            with pytest.raises(cm.ConvMatrixError, match=r" must (divide|be at most) .*, got \d+ with .* = \d+"):
                cost_formula(build.__name__).at(**sizes)
            continue
        there = cost_formula(build.__name__).at(**sizes)
        assert [there.multiplications, there.baseline] == expected, sizes


def _ones(*shape):
    return np.ones(shape, dtype=int)


# The same layers as the catalogue builds them.
KINDS = {
    "conv2d": lambda build, N, m: build(_ones(m, m), (N, N)),
    "pointwise": lambda build, H, W, D, Nc, h: build(_ones(Nc, D, 1, 1), (H, W)),
    "strided": lambda build, N, m, s: build(_ones(m, m), (N, N), stride=s),
    "transposed": lambda build, N, m, s, D, Nc: build(_ones(D, Nc, m, m), (N, N), stride=s),
    "resize_conv": lambda build, N, m, s, D, Nc: build(_ones(Nc, D, m, m), (N, N), scale=s),
    "sub_pixel": lambda build, N, m, k, s, D, Nc: build(_ones(Nc * s * s, D, k, k), (N, N), factor=s),
    "dilated": lambda build, N, m, d: build(_ones(m, m), (N, N), dilation=d),
    "spatially_separable": lambda build, N, m: build(_ones(m), _ones(m), (N, N)),
    "depthwise": lambda build, H, W, D, h: build(_ones(D, 1, h, h), (H, W)),
    "depthwise_separable": lambda build, H, W, D, h, Nc: build(_ones(D, 1, h, h), _ones(Nc, D, 1, 1), (H, W)),
    "flattened": lambda build, N, m, D, Nc: build(_ones(Nc, D), _ones(Nc, m), _ones(Nc, m), (N, N)),
    "grouped": lambda build, H, W, h, w, Din, Dout, g: build(_ones(Dout, Din // g, h, w), (H, W), groups=g),
    "shuffled_grouped": lambda build, H, W, h, w, Din, Dmid, Dout, g: build(
        _ones(Dmid, Din // g, h, w), _ones(Dout, Dmid // g, h, w), (H, W), groups=g, padding="same"
    ),
    "pointwise_grouped": lambda build, H, W, Din, Dout, g: build(_ones(Dout, Din // g, 1, 1), (H, W), groups=g),
    "shufflenet_unit": lambda build, h, w, c, m, g: build(
        _ones(m, c // g, 1, 1), _ones(m, 1, 3, 3), _ones(c, m // g, 1, 1), (h, w), groups=g
    ),
}


@pytest.mark.parametrize(("build", "sizes"), POINTS, ids=[f"{build.__name__} {sizes}" for build, sizes in POINTS])
def test_formulas_are_the_costs_of_the_catalogue(build, sizes):
    name = build.__name__
    op = KINDS[name](cm.KINDS[name].build, **sizes)
    assert cost(op).multiplications == cost_formula(name).at(**sizes).multiplications


EXAMPLES = {"spatially_separable": (72, 6), "depthwise_separable": (10_275, 411), "conv2d": (81, 9)}


@pytest.mark.parametrize(("kind", "counts"), EXAMPLES.items(), ids=EXAMPLES)
def test_examples_of_the_catalogue_are_the_articles(kind, counts):
    found = cost(cm.KINDS[kind].example())
    assert (found.multiplications, found.parameters) == counts


@pytest.mark.parametrize("kind", cm.KINDS)
def test_every_kind_has_a_cost_and_its_formula(kind):
    found = cost(cm.KINDS[kind].example())
    assert found.formula.subs(found.substitutions) == found.multiplications >= found.true_multiplications > 0


def test_all_formulas_are_checked():
    assert list(KINDS) == list(DRAFTS)
    assert [build.__name__ for build in BUILT] == list(DRAFTS)


def test_formulas_stand_in_the_order_of_the_catalogue():
    assert [kind for kind in cm.KINDS if kind in DRAFTS] == list(DRAFTS)


def _symbols(names):
    return sympy.symbols(names, positive=True, integer=True)


def test_the_article_on_spatial_separation():
    N, m = _symbols("N m")
    found = cost_formula("spatially_separable")
    assert sympy.simplify(found.ratio - (2 * N - m + 1) / (m * (N - m + 1))) == 0
    ((said, symbol, limit),) = found.limits
    assert (said, symbol, limit) == ("N -> oo", N, 2 / m)
    assert [limit.subs(m, size) for size in (3, 5, 7)] == [sympy.Rational(2, size) for size in (3, 5, 7)]
    assert (found.at(N=5, m=3).multiplications, found.at(N=5, m=3).baseline) == (72, 81)
    assert str(found.ratio) == "(2*N - m + 1)/(m*(N - m + 1))"


def test_the_article_on_depthwise_separation():
    h, filters = _symbols("h Nc")
    found = cost_formula("depthwise_separable")
    assert found.ratio == 1 / filters + 1 / h**2
    limits = {said: limit for said, _, limit in found.limits}
    assert limits == {"Nc -> oo": 1 / h**2, "h -> oo": 1 / filters}
    assert [limits["Nc -> oo"].subs(h, size) for size in (3, 5)] == [sympy.Rational(1, 9), sympy.Rational(1, 25)]
    there = found.at(H=7, W=7, D=3, h=3, Nc=128)
    assert (there.multiplications, there.baseline) == (10_275, 86_400)
    assert there.ratio == sympy.Rational(137, 1152)


def test_the_article_on_groups():
    two = cost_formula("grouped").at(g=2)
    assert two.ratio == sympy.Rational(1, 2)
    dense, halves = cost(blank_conv((4, 7, 7), 8, 3)), cost(blank_conv((4, 7, 7), 8, 3, groups=2))
    assert 2 * halves.parameters == dense.parameters == 3 * 3 * 4 * 8
    assert 2 * halves.multiplications == dense.multiplications


@pytest.mark.parametrize("sizes", BUILT[shufflenet_unit], ids=str)
def test_the_unit_of_shufflenet(sizes):
    """Section 3.2 of its paper: hw(2cm/g + 9m), against hw(2cm + 9m^2) and hw(2cm + 9m^2/g)."""
    h, w, c, m, g = (sizes[name] for name in "hwcmg")
    unit, resnet = map(cost, shufflenet_unit(**sizes))
    resnext = cost(bottleneck(h, w, c, m, g))
    assert unit.multiplications == h * w * (2 * c * m // g + 9 * m)
    assert resnet.multiplications == h * w * (2 * c * m + 9 * m * m)
    assert resnext.multiplications == h * w * (2 * c * m + 9 * m * m // g)
    cases = dict(cost_formula("shufflenet_unit").at(**sizes).cases)
    assert cases["ratio to ResNeXt's bottleneck"] == sympy.Rational(unit.multiplications, resnext.multiplications)


def test_cases_are_the_ratios_they_say():
    m, s, k, c = _symbols("m s k c")
    sub = cost_formula("sub_pixel")
    assert [case for _, case in sub.cases] == [sub.ratio.subs(m, k), sub.ratio.subs(m, s * k)] == [1, 1 / s**2]
    assert [case for _, case in cost_formula("dilated").cases] == [1]
    unit = cost_formula("shufflenet_unit")
    assert sympy.simplify(dict(unit.cases)["ratio, m = c/4"] - unit.ratio.subs(m, c / 4)) == 0
    assert dict(cost_formula("grouped").cases)["ratio, two groups (g = 2)"] == sympy.Rational(1, 2)


def test_dilation_costs_what_dense_taps_cost():
    sizes = [(9, 1), (11, 2), (15, 4)]
    counts = {cost(blank_conv((1, n, n), 1, 3, dilation=d)).multiplications for n, d in sizes}
    assert counts == {9 * 49}


LIMITS = {
    "conv2d": ["0"],
    "strided": ["s**(-2)"],
    "transposed": ["s**(-2)"],
    "dilated": ["0", "d**(-2)"],
    "flattened": ["(D + 2*m)/(D*m**2)"],
    "shufflenet_unit": ["1/g"],
    "resize_conv": [],
}


@pytest.mark.parametrize(("kind", "limits"), LIMITS.items(), ids=LIMITS)
def test_limits(kind, limits):
    assert [str(limit) for _, _, limit in cost_formula(kind).limits] == limits


PARTS = {
    "a constant": ("spatially_separable", {"m": 1}, [("N -> oo", "2")]),
    "one of two": ("dilated", {"d": 1}, [("m -> oo", "1")]),
    "none is left": ("spatially_separable", {"N": 5}, []),
    "groups of so many channels": ("grouped", {"Din": 6}, []),
    "a field in so large a picture": ("dilated", {"N": 9}, []),
    "channels in so many groups": ("shufflenet_unit", {"g": 3}, [("c -> oo", "1/3")]),
}


@pytest.mark.parametrize(("kind", "sizes", "limits"), PARTS.values(), ids=PARTS)
def test_limits_where_some_letters_have_numbers(kind, sizes, limits):
    assert [(said, str(limit)) for said, _, limit in cost_formula(kind).at(**sizes).limits] == limits


@pytest.mark.parametrize("kind", DRAFTS)
def test_limits_are_approached(kind):
    """Each limit is where the ratio goes: a large number is near it."""
    found = cost_formula(kind)
    for _, symbol, limit in found.limits:
        others = {letter: 2 + place for place, letter in enumerate(found.letters) if letter != symbol}
        there = sympy.Rational(found.ratio.subs({**others, symbol: 10**9}))
        assert abs(there - limit.subs(others)) < Fraction(1, 10**6)


def test_a_part_of_the_letters():
    found = cost_formula("spatially_separable").at(m=3)
    assert str(found.ratio) == "2*(N - 1)/(3*(N - 2))"
    assert [letter.name for letter in found.letters] == ["N"]
    assert [limit for _, _, limit in found.limits] == [sympy.Rational(2, 3)]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: cost_formula("circulant"), "kind must be one of 'conv2d', .*, got 'circulant'"),
        (lambda: cost_formula(3), "kind must be one of .*, got 3"),
        (lambda: cost_formula("grouped").at(q=3), "letter must be one of 'H', .*, got 'q'"),
        (lambda: cost_formula("grouped").at(g=0), "g must be at least 1, got 0"),
        (lambda: cost_formula("grouped").at(g=1.5), "g must be an integer of at least 1, got 1.5"),
        (
            lambda: cost_formula("spatially_separable").at(N=1, m=4),
            "m must be at most N, as a kernel fits into its picture, got 4 with N = 1",
        ),
        (lambda: cost_formula("spatially_separable").at(m=3).at(N=2), "m must be at most N, .*, got 3 with N = 2"),
        (
            lambda: cost_formula("dilated").at(N=6, m=3, d=3),
            r"d\*\(m - 1\) \+ 1 must be at most N, .* got 7 with N = 6",
        ),
        (
            lambda: cost_formula("grouped").at(H=7, W=7, h=3, w=3, Din=3, Dout=128, g=2),
            "g must divide Din, got 2 with Din = 3",
        ),
    ],
    ids=["no formula", "no name", "letter", "zero", "float", "kernel", "one by one", "dilated kernel", "groups"],
)
def test_what_is_refused(ask, said):
    with pytest.raises(cm.ConvMatrixError, match=said):
        ask()


def test_how_it_is_shown():
    found = cost_formula("depthwise_separable")
    lines = str(found).splitlines()
    assert lines[0].startswith("depthwise_separable: h x h kernels a channel")
    assert [line.split("  ")[1] for line in lines[1:6]] == [
        "multiplications", "dense convolution", "ratio", "limit Nc -> oo", "limit h -> oo",
    ]  # fmt: skip
    assert "<td>h**(-2) + 1/Nc</td>" in found._repr_html_()
    assert found._repr_latex_() == r"$\displaystyle \frac{1}{h^{2}} + \frac{1}{Nc}$"
    assert repr(found) == "CostFormula(depthwise_separable, ratio h**(-2) + 1/Nc)"


def test_plain_json():
    document = cost_formula("spatially_separable").to_dict()
    assert document["limits"] == [{"description": "N -> oo", "symbol": "N", "limit": "2/m"}]
    assert document["letters"]["m"] == "the kernel is m x m"
    assert document["baseline_name"] == "m x m convolution"
