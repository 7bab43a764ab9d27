"""`nearest_free` of layers with a bias: made even behind a pixel shuffle, moved as little as that takes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import convmatrix as cm
from convmatrix import ConvMatrixError
from convmatrix.analysis.checkerboard.fixing import nearest_free


def test_an_uneven_bias_behind_a_pixel_shuffle_becomes_its_mean() -> None:
    layer = cm.conv(np.ones((4, 1, 1, 1), dtype=int), (3, 3), bias=[1, 2, 3, 6])
    fixed = nearest_free(cm.pixel_shuffle(layer.out_shape, 2) @ layer)
    assert fixed.operator.right.bias.reshape(-1).tolist() == [3, 3, 3, 3]
    assert fixed.squared_distance == 0


def test_a_multiple_of_an_uneven_bias() -> None:
    layer = cm.conv(np.ones((4, 1, 1, 1), dtype=int), (3, 3), bias=[1, 2, 3, 6])
    for factor in (2, Fraction(-1, 3), 0.5):
        fixed = nearest_free(factor * (cm.pixel_shuffle(layer.out_shape, 2) @ layer)).operator
        assert fixed.of.right.bias.reshape(-1).tolist() == pytest.approx([3, 3, 3, 3])


def test_a_bias_of_another_layer_is_not_moved() -> None:
    inner = cm.conv(np.ones((1, 1, 1, 1), dtype=int), (3, 3))
    layer = cm.conv(np.ones((4, 1, 1, 1), dtype=int), (3, 3), bias=[1, 2, 3, 6])
    op = cm.pixel_shuffle(layer.out_shape, 2) @ layer @ inner
    with pytest.raises(ConvMatrixError, match="make even, got one that its own bias would have to mend, and it has"):
        nearest_free(op, 0)
    after = cm.conv_transpose([1, 1, 1, 1], 4, stride=2, bias=[0])
    shuffled = cm.pixel_shuffle((2, 4), 2) @ cm.conv(np.ones((2, 1, 1), dtype=int), 4, bias=[1, 2]) @ cm.conv("1", 4)
    assert nearest_free(after @ cm.conv("1 1", 5), 0).squared_distance == 0
    with pytest.raises(ConvMatrixError, match="layer can make even"):
        nearest_free(shuffled, 0)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("dtype", "scale"), [("f8", 1e-300), ("f8", 1), ("f8", 1e300), ("f4", 1e-30), ("f4", 1e30)])
def test_a_bias_of_floats_is_made_even_at_any_scale(dtype: str, scale: float, groups: int) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        weight, bias = ((rng.normal(size=shape) * scale).astype(dtype) for shape in ((8, 4 // groups, 3, 3), (8,)))
        layer = cm.conv(weight, (6, 6), bias=bias, groups=groups)
        fixed = cm.checkerboard(cm.pixel_shuffle(layer.out_shape, 2) @ layer).nearest_free()
        assert cm.checkerboard(fixed).is_free
        moved: Any = fixed.right.bias.reshape(2, 4)
        np.testing.assert_allclose(moved / scale, np.repeat(bias.reshape(2, 4).mean(1)[:, None] / scale, 4, 1), 1e-5)
