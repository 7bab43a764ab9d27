"""Permutations of tensors, against indices written out."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import oracles
import pytest

import convmatrix as cm


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (2, 1, 3), (1, 2, 2, 2)], ids=repr)
def test_the_identity(shape: tuple[int, ...]) -> None:
    op = cm.identity(shape)
    assert (op.in_shape, op.out_shape, op.dtype) == (shape, shape, np.int8)
    assert np.array_equal(op.toarray(), np.eye(op.shape[0]))
    x = np.arange(op.shape[0]).reshape(shape)
    assert np.array_equal(op(x), x)
    assert not np.shares_memory(op(x), x)


def test_one_number_is_channels_alone() -> None:
    assert cm.identity(3).in_shape == (3,)


@pytest.mark.parametrize(("channels", "groups"), [(6, 1), (6, 2), (6, 3), (6, 6), (8, 4), (1, 1)])
@pytest.mark.parametrize("size", [(), (2,), (2, 3)], ids=repr)
def test_channel_shuffle(channels: int, groups: int, size: tuple[int, ...]) -> None:
    """Output channel `j * groups + g` is channel `j` of group `g`."""
    op = cm.channel_shuffle((channels, *size), groups)
    x = np.arange(op.shape[1]).reshape(op.in_shape)
    per_group = channels // groups
    for g, j in itertools.product(range(groups), range(per_group)):
        assert np.array_equal(op(x)[j * groups + g], x[g * per_group + j])
    assert np.array_equal(op.T(op(x)), x)


@pytest.mark.parametrize(("channels", "groups"), [(6, 2), (6, 3), (8, 4)])
def test_channel_shuffle_of_torch(channels: int, groups: int) -> None:
    torch = pytest.importorskip("torch")
    x = np.arange(channels * 6.0).reshape(1, channels, 2, 3)
    expected = torch.nn.ChannelShuffle(groups)(torch.from_numpy(x)).numpy()
    assert np.array_equal(cm.channel_shuffle((channels, 2, 3), groups)(x), expected)


@pytest.mark.parametrize(
    ("shape", "factor"),
    [((4, 2, 3), 2), ((8, 1, 1), 2), ((9, 2, 2), 3), ((6, 2, 3), (3, 2)), ((6, 4), 3), ((8, 2, 1, 3), 2), ((3, 2), 1)],
    ids=repr,
)
def test_pixel_shuffle(shape: tuple[int, ...], factor: Any) -> None:
    """Channel `c * prod(r) + offset` at `p` goes to channel `c` at `p * r + offset`."""
    op = cm.pixel_shuffle(shape, factor)
    factors = (factor,) * (len(shape) - 1) if isinstance(factor, int) else factor
    x = np.arange(op.shape[1]).reshape(shape)
    out = op(x)
    assert out.shape == (shape[0] // int(np.prod(factors)), *(n * r for n, r in zip(shape[1:], factors, strict=True)))
    for place in np.ndindex(*out.shape):
        offset = [p % r for p, r in zip(place[1:], factors, strict=True)]
        channel = place[0] * int(np.prod(factors)) + int(np.ravel_multi_index(offset, factors))
        where = [p // r for p, r in zip(place[1:], factors, strict=True)]
        assert out[place] == x[(channel, *where)]


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixel_shuffle_of_torch(factor: int) -> None:
    torch = pytest.importorskip("torch")
    x = np.arange(2.0 * factor**2 * 2 * 2 * 3).reshape(2, 2 * factor**2, 2, 3)
    op = cm.pixel_shuffle(x.shape[1:], factor)
    expected = torch.nn.PixelShuffle(factor)(torch.from_numpy(x)).numpy()
    assert np.array_equal(op(x), expected)
    assert np.array_equal(op.T(expected), torch.nn.PixelUnshuffle(factor)(torch.from_numpy(expected)).numpy())


@pytest.mark.parametrize("dtype", [None, "int64", "float32", "complex128"], ids=repr)
def test_dtypes_of_permutations(dtype: Any) -> None:
    """By default int8, which never widens what it permutes; a dtype asked for is kept."""
    for op in (cm.identity((4, 2), dtype), cm.channel_shuffle((4, 2), 2, dtype), cm.pixel_shuffle((4, 2), 2, dtype)):
        assert op.dtype == op.T.dtype == op.tosparse().dtype == np.dtype(dtype or "int8")
        x = np.ones(op.shape[1], np.float32)
        assert (op @ x).dtype == (np.float32 if dtype is None else np.result_type(np.float32, dtype))


def test_integers_far_beyond_int8_are_permuted() -> None:
    assert (cm.channel_shuffle((4,), 2) @ np.array([1000, 2000, 3000, 4000])).tolist() == [1000, 3000, 2000, 4000]


@pytest.mark.parametrize("op", [cm.channel_shuffle((6, 2), 3), cm.pixel_shuffle((8, 2, 2), 2)], ids=repr)
def test_a_permutation_is_orthogonal(op: cm.TensorOperator) -> None:
    assert np.array_equal((op.T @ op).toarray(), np.eye(op.shape[0]))
    matrix = op.tosparse()
    oracles.assert_canonical(matrix)
    assert matrix.sum(axis=0).tolist() == matrix.sum(axis=1).tolist() == [1] * op.shape[0]


def test_shuffles_between_grouped_layers_let_groups_meet() -> None:
    """Without the shuffle the product is block diagonal; with it every input reaches every output."""
    first, second = (cm.conv(np.ones((4, 2, 1)), 3, groups=2) for _ in range(2))
    alone = second @ first
    mixed = second @ cm.channel_shuffle((4, 3), 2) @ first
    assert alone.nnz == 2 * 2 * 2 * 3
    assert mixed.nnz == 4 * 4 * 3
