"""The Fourier way, asked for by name: the same numbers up to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from equality import draw

import convmatrix as cm


def operator_of(rng: np.random.Generator, kind: str) -> cm.TensorOperator:
    """A random layer with weights of one kind."""
    drawn = draw(rng)
    weight = rng.standard_normal(drawn.weight.shape)
    weight = weight + 1j * rng.standard_normal(weight.shape) if kind == "complex" else weight.astype(kind)
    return (cm.conv_transpose if drawn.transposed else cm.conv)(weight, drawn.input_size, **drawn.arguments)


@pytest.mark.parametrize("kind", ["float64", "float32", "complex"])
def test_equals_the_direct_way(kind: str, rng: np.random.Generator) -> None:
    tolerance = 1e-4 if kind == "float32" else 1e-11
    for _ in range(60):
        op = operator_of(rng, kind)
        for side in (op, op.T):
            x = rng.standard_normal((2, *side.in_shape)).astype("float32" if kind == "float32" else "float64")
            answer = side(x, method="fft")
            assert answer.shape == (2, *side.out_shape)
            assert answer.dtype == side(x).dtype
            np.testing.assert_allclose(answer, side(x), atol=tolerance)


def test_integers_become_floats(rng: np.random.Generator) -> None:
    op = cm.conv("sobel_x", (9, 9))
    x = rng.integers(0, 256, (9, 9))
    np.testing.assert_allclose(op(x, method="fft"), op(x), atol=1e-9)
    assert op(x, method="fft").dtype == np.float64


REFUSED = {
    "unknown": lambda: cm.conv([1, 2], 4)(np.ones(4), method="fast"),
    "symbols": lambda: cm.conv("a b", 4)(np.ones(4), method="fft"),
    "permutation": lambda: cm.identity((1, 4))(np.ones(4), method="fft"),
    "product": lambda: (cm.conv([1, 2], 4).T @ cm.conv([1, 2], 4))(np.ones(4), method="fft"),
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_other_methods_are_refused(request_) -> None:
    with pytest.raises(cm.ConvMatrixError, match=r"method must be 'auto', or 'fft' for a convolution of numbers, got"):
        request_()
