"""A weight that a broadcast repeats stands in memory once, and its layer is that of the array written out."""

from __future__ import annotations

import numpy as np
import oracles
import pytest

import convmatrix as cm


@pytest.mark.parametrize("dtype", ["int64", "float32", "complex128"])
@pytest.mark.parametrize("held", [(1, 1, 1, 1), (4, 1, 1, 3), (1, 2, 3, 1)], ids=str)
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"groups": 2}, {"flip": True}], ids=str)
def test_the_layer_is_the_same(options, held, dtype, rng):
    weight = np.broadcast_to(rng.integers(1, 9, held).astype(dtype), (4, 2, 3, 3))
    op, whole = cm.conv(weight, (6, 7), **options), cm.conv(np.array(weight), (6, 7), **options)
    x, y = rng.integers(-9, 10, (3, *op.in_shape)), rng.integers(-9, 10, (3, *op.out_shape))
    for one, other, given in ((op, whole, x), (op.T, whole.T, y), (op.H, whole.H, y)):
        assert (one.tosparse() != other.tosparse()).nnz == 0
        oracles.assert_same(one(given), other(given))
        columns = given.reshape(3, -1).T
        oracles.assert_same(one @ columns, other @ columns)
    np.testing.assert_allclose(op(x, method="fft"), whole(x, method="fft"), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("held", [(1, 1, 1, 1), (4, 1, 1, 3)], ids=str)
def test_it_is_held_once_and_safe_from_changes(held, rng):
    once = rng.integers(1, 9, held)
    op = cm.conv(np.broadcast_to(once, (4, 2, 3, 3)), (6, 7))
    assert op.weight.base.size == once.size
    assert not op.weight.flags.writeable
    before = op.toarray()
    once[:] = 0
    assert np.array_equal(op.toarray(), before)


def test_a_layer_of_gigabytes_takes_none():
    op = cm.conv(np.broadcast_to(1.0, (10**5, 10**5, 3, 3)), (8, 8))
    assert (op.weight.size, op.weight.base.size) == (9 * 10**10, 1)
    assert cm.cost(op).parameters == 9 * 10**10
