"""The article's last number: ShuffleNet's 40 to 140 MFLOPs against AlexNet's 720, computed from the layers."""

from __future__ import annotations

from fractions import Fraction

import pytest

import convmatrix as cm
from convmatrix.analysis.cost import blank_conv, compare_costs, cost


def alexnet():
    """Convolutions and fully connected layers of the network in two groups; 3x3 max-pools of stride 2 between."""
    return [
        blank_conv((3, 227, 227), 96, 11, stride=4, bias=True),
        blank_conv((96, 27, 27), 256, 5, padding=2, groups=2, bias=True),
        blank_conv((256, 13, 13), 384, 3, padding=1, bias=True),
        blank_conv((384, 13, 13), 384, 3, padding=1, groups=2, bias=True),
        blank_conv((384, 13, 13), 256, 3, padding=1, groups=2, bias=True),
        blank_conv((256, 6, 6), 4096, 6, bias=True),
        blank_conv((4096, 1, 1), 4096, 1, bias=True),
        blank_conv((4096, 1, 1), 1000, 1, bias=True),
    ]


def unit(shape, channels, groups, stride, first_groups):
    """ShuffleNet's unit: with stride 2 its output is joined to an average of its input, so it makes fewer channels."""
    made = channels - shape[0] if stride == 2 else channels
    inner = blank_conv(shape, channels // 4, 1, groups=first_groups)
    shuffle = cm.channel_shuffle(inner.out_shape, first_groups)
    middle = blank_conv(inner.out_shape, channels // 4, 3, groups=channels // 4, stride=stride, padding=1)
    outer = blank_conv(middle.out_shape, made, 1, groups=groups)
    branch = outer @ middle @ shuffle @ inner
    return [branch] if stride == 2 else [branch + cm.identity(shape)]


def shufflenet(groups=3, channels=(240, 480, 960), repeats=(4, 8, 4), stem=24):
    """Table 1 of the paper at scale 1: a stem and its max-pool, three stages, a global average, a classifier."""
    layers = [blank_conv((3, 224, 224), stem, 3, stride=2, padding=1)]
    shape = (stem, 56, 56)
    for stage, (width, count) in enumerate(zip(channels, repeats, strict=True)):
        for place in range(count):
            # The first unit reads the stem's channels, too few for groups.
            first = 1 if stage == place == 0 else groups
            layers += unit(shape, width, groups, 1 if place else 2, first)
            size = layers[-1].out_shape[1:]
            shape = (width, *size)
    return [*layers, blank_conv((shape[0], 1, 1), 1000, 1, bias=True)]


def test_alexnet():
    found = cost(alexnet())
    by_layer = [105_415_200, 223_948_800, 149_520_384, 112_140_288, 74_760_192, 37_748_736, 16_777_216, 4_096_000]
    assert [stage.multiplications for stage in found.stages] == by_layer
    assert found.multiplications == sum(by_layer) == 724_406_816
    assert found.parameters + found.biases == 60_965_224


TABLE = [(1, (144, 288, 576), 143), (2, (200, 400, 800), 140), (3, (240, 480, 960), 137), (4, (272, 544, 1088), 133),
         (8, (384, 768, 1536), 137)]  # fmt: skip


@pytest.mark.parametrize(("groups", "channels", "millions"), TABLE, ids=[f"{row[0]} groups" for row in TABLE])
def test_the_complexities_of_its_table(groups, channels, millions):
    """Table 1 of the paper, in millions: the convolutions, without the classifier's one or two."""
    layers = shufflenet(groups, channels)
    assert round(cost(layers[:-1]).multiplications / 1e6) == millions
    assert cost(layers).multiplications - cost(layers[:-1]).multiplications == 1000 * channels[-1]


def test_shufflenet():
    layers = shufflenet()
    assert [layer.out_shape for layer in layers[1:3]] == [(216, 28, 28), (240, 28, 28)]
    assert [layer.out_shape for layer in (layers[4], layers[12], layers[16])] == [
        (240, 28, 28), (480, 14, 14), (960, 7, 7),
    ]  # fmt: skip
    assert cost(layers).multiplications == 137_460_672


def test_such_networks_take_no_memory():
    weights = [layer.weight for layer in alexnet()]
    assert sum(weight.base.nbytes for weight in weights) == 4 * len(weights)


WIDTHS = [(Fraction(1, 2), 24, 42), (Fraction(1, 2), 12, 37), (Fraction(1, 4), 24, 18), (Fraction(1, 4), 6, 11)]


@pytest.mark.parametrize(("width", "stem", "millions"), WIDTHS, ids=[f"{row[0]}, stem {row[1]}" for row in WIDTHS])
def test_other_widths(width, stem, millions):
    """Three groups, all filters scaled or all but the stem's; with the classifier or without, that is under a half."""
    layers = shufflenet(3, [int(own * width) for own in (240, 480, 960)], stem=stem)
    assert round(cost(layers[:-1]).multiplications / 1e6) == millions
    assert cost(layers[-1]).multiplications < 500_000


def test_the_article_s_40_to_140():
    """Table 2 of the paper has 140, 38 and 13 million at full, half and a quarter of the width, whatever the groups.

    40 is half the width, all filters halved; a quarter lies below the article's range, in our count at 11, not 13.
    """
    full = [cost(shufflenet(groups, channels)[:-1]).multiplications / 1e6 for groups, channels, _ in TABLE]
    assert (round(min(full)), round(max(full))) == (133, 143)
    half = [
        cost(shufflenet(groups, channels, stem=12)[:-1]).multiplications / 1e6
        for groups, channels in ((1, (72, 144, 288)), (3, (120, 240, 480)))
    ]
    assert [round(own, 1) for own in half] == [38.2, 37.1]
    assert {round(own, -1) for own in half} == {40}
    assert round(full[2], -1) == 140


def test_the_two_beside_each_other():
    found = compare_costs({"AlexNet": alexnet(), "ShuffleNet": shufflenet()})
    assert round(found["ShuffleNet"].cost.multiplications / 1e6) == 137
    assert round(found["AlexNet"].cost.multiplications / 1e6) == 724
    assert round(float(1 / found.ratio("ShuffleNet")), 1) == 5.3
    assert len(found.notes) == 1
