"""Multiplications and parameters in the usual convention, against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

import convmatrix as cm
from convmatrix.analysis.cost import multiplications, parameters


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, dtype=int)


DENSE = cm.conv(ones(128, 3, 3, 3), (7, 7))
DEPTHWISE, POINTWISE = cm.conv(ones(3, 1, 3, 3), (7, 7), groups=3), cm.conv(ones(128, 3, 1, 1), (5, 5))
SQUARE = cm.conv(ones(3, 3), (5, 5), padding=1)
CASES = {
    "the article's 3x3x3": (DENSE, 86_400, 3_456),
    "depthwise, then pointwise": (POINTWISE @ DEPTHWISE, 675 + 9_600, 27 + 384),
    "padding counts": (SQUARE, 225, 9),
    "stride": (cm.conv(ones(3, 3), (5, 5), stride=2), 36, 9),
    "transpose": (SQUARE.T, 225, 9),
    "transposed layer": (cm.conv_transpose(ones(2, 4, 3), 5, stride=2), 5 * 24, 24),
    "sum": (SQUARE + cm.conv(ones(1, 1), (5, 5)) + cm.identity((1, 5, 5)), 250, 10),
    "multiple": (3 * SQUARE, 225, 9),
    "twice the same": (SQUARE @ SQUARE, 450, 18),
    "permutations": (cm.channel_shuffle((4, 3), 2) @ cm.identity((4, 3)), 0, 0),
    "average": (cm.avg_pool((2, 8), 2), 8, 0),
    "nearest": (cm.resize((1, 4), 2), 0, 0),
    "linear": (cm.resize((1, 2), 2, "linear"), 6, 0),
    "fully connected": (cm.conv(ones(2, 3), ()), 6, 6),
}


@pytest.mark.parametrize(("op", "products", "weights"), CASES.values(), ids=CASES)
def test_counts(op, products, weights):
    assert (multiplications(op), parameters(op)) == (products, weights)


@pytest.mark.parametrize("count", [multiplications, parameters])
def test_only_operators(count):
    with pytest.raises(cm.ConvMatrixError, match=r"op must be a TensorOperator, such as .* makes, got int"):
        count(3)
