"""Why a border spoils a fusion: each reason on layers made for it."""

from __future__ import annotations

import numpy as np
import pytest

import convmatrix as cm

BLUR = cm.conv(np.ones((3, 3), dtype=int), (6, 6), padding=1)
BIASED_1X1 = cm.conv([[[[2]]]], (5, 5), bias=[3])
REASONS = {
    "zeros twice": (
        (BLUR, BLUR),
        "layer 2 pads with zeros where the one convolution reads what layer 1 would make there",
    ),
    "zeros behind two": (
        (cm.conv([1, 2], 7), cm.conv([1, 2], 6), cm.conv([1, 2, 3], 5, padding=((0, 1),))),
        "layer 3 pads with zeros where the one convolution reads what layers 1 to 2 would make there",
    ),
    "a multiple": (
        (3 * BLUR, BLUR),
        "layer 2 pads with zeros where the one convolution reads what layer 1 would make there",
    ),
    "a bias": (
        (BIASED_1X1, cm.conv(np.ones((3, 3), int), (5, 5), padding=1)),
        "layer 2 pads with zeros, to which layer 1 adds no bias",
    ),
    "another mode": (
        (cm.conv([1, 2], 7), cm.conv([1, 2, 3], 6, padding=1, padding_mode="reflect")),
        "layer 2 pads (reflect) what layer 1 made, and the one convolution what layer 1 reads",
    ),
    "two modes in parallel": (
        (cm.conv([1, 2, 3], 7, padding=1) + cm.conv([1, 2, 3], 7, padding="same", padding_mode="circular"),),
        "the branches pad in different modes (circular, zeros) and one convolution in one",
    ),
    "an average of fewer": (
        (cm.avg_pool((1, 6), 3, padding=1, count_include_pad=False),),
        "layer 1 averages over fewer entries at the border",
    ),
    "a crop": (
        (cm.conv_transpose([1, 2, 3], 5, stride=2, padding=1), cm.conv_transpose([1, 2, 3], 9, stride=2)),
        "layer 1 crops outputs that the one transposed convolution passes on to layer 2",
    ),
    "a crop of a multiple": (
        (2 * cm.conv_transpose([1, 2, 3], 5, stride=2, padding=1), cm.conv_transpose([1, 2, 3], 9, stride=2)),
        "layer 1 crops outputs that the one transposed convolution passes on to layer 2",
    ),
    "a bias through phases": (
        (cm.conv_transpose([1, 2, 3], 5, stride=2, bias=[5]), cm.conv_transpose([1, 2, 3], 11, stride=2)),
        "the bias of an earlier layer meets other taps of the later ones at every phase and at the border",
    ),
}


@pytest.mark.parametrize(("ops", "why"), REASONS.values(), ids=REASONS)
def test_why_a_border_differs(ops, why):
    found = cm.fuse(*ops)
    assert not found.is_equal
    assert found.why == found.to_dict()["why"] == why
    assert why in str(found)


def test_no_reason_where_nothing_differs():
    assert cm.fuse(cm.conv([1, 2], 6), cm.conv([1, 2], 5)).why == ""
    assert "because" not in str(cm.fuse(BLUR))
