"""What a correlation of filters says of itself: shares, blocks, orders, displays."""

from __future__ import annotations

import json

import numpy as np
import pytest

import convmatrix as cm


@pytest.fixture
def found(rng):
    first = cm.conv(rng.normal(size=(4, 2, 3)), 8)
    return cm.filter_correlation(first, cm.conv(rng.normal(size=(6, 4, 3)), 6))


def test_block_share_by_hand(found):
    squares = found.matrix**2
    expected = (squares[:3, :2].sum() + squares[3:, 2:].sum()) / squares.sum()
    assert found.block_share(2) == pytest.approx(expected, rel=1e-14)
    assert found.block_share(1) == 1


@pytest.mark.parametrize("groups", [2, 3, 6])
def test_rounding_makes_no_share_above_1(groups, rng):
    """Where all lies in the blocks: added up block by block and in one go, some of these shares are above 1."""
    raised = 0
    for _ in range(40):
        first = cm.conv(np.eye(12) * rng.normal(size=(12, 1)), ())
        found = cm.filter_correlation(first, cm.conv(rng.normal(size=(12, 12 // groups)), (), groups=groups))
        assert found.squared is None
        assert found.block_share(groups) == 1
        assert found.block_share(1) == 1
        squares = np.abs(found.matrix) ** 2
        raised += sum(squares[block].sum() for block in found.blocks(groups)) / squares.sum() > 1
    assert raised


def test_strongest_is_sorted(found):
    pairs = found.strongest(5)
    assert len(pairs) == 5
    assert [found.matrix[j, i] for j, i, _ in pairs] == [r for *_, r in pairs]
    sizes = [abs(r) for *_, r in pairs]
    assert sizes == sorted(np.abs(found.matrix).reshape(-1), reverse=True)[:5]
    assert found.strongest(0) == ()
    assert len(found.strongest(100)) == 24


def test_order_finds_blocks_that_are_hidden(rng):
    first = cm.conv(np.eye(6, dtype=int)[rng.permutation(6)], ())
    blocks = np.kron(np.eye(2, dtype=int), rng.integers(1, 5, size=(4, 3)))
    hidden = cm.filter_correlation(first, cm.conv(blocks[rng.permutation(8)][:, rng.permutation(6)], ()))
    assert hidden.block_share(2) < 1
    shown = hidden.reordered(*hidden.order)
    assert shown.block_share(2) == 1
    assert (shown.matrix == hidden.matrix[np.ix_(*hidden.order)]).all()


def test_silent_filters_come_last():
    first = cm.conv([[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]], ())
    found = cm.filter_correlation(first, cm.conv([[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 2], [0, 0, 2, 1]], ()))
    second, inner = found.order
    assert (second[-1], inner[-1]) == (0, 1)
    assert found.reordered(second, inner).silent == ((3,), (3,))


def test_the_arrays_are_read_only(found):
    for array in (found.matrix, *found.order, found.reordered(*found.order).matrix):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_displays(found):
    assert str(found).startswith("6 filters of the second layer by 4 of the first, over white noise at 4 positions")
    assert "in 2 blocks (chance 1/2)" in str(found)
    assert repr(found) == "FilterCorrelation(6 x 4 filters)"
    assert found._repr_html_().count("<tr>") == 2


def test_to_dict(found):
    known = json.loads(json.dumps(found.to_dict()))
    assert (known["shape"], known["samples"], known["positions"]) == ([6, 4], None, 4)
    np.testing.assert_array_equal(known["matrix"], found.matrix)
    assert known["squared"] is None
    assert known["block_share"] == {"2": found.block_share(2)}
    exactly = cm.filter_correlation(cm.conv(np.eye(2, dtype=int), ()), cm.conv([[3, 4], [1, -1]], ())).to_dict()
    assert exactly["squared"] == [["9/25", "16/25"], ["1/2", "1/2"]]


def test_one_input_and_plain_lists():
    found = cm.filter_correlation(cm.conv("1 0 -1", 6), cm.conv("1 1", 4), [[[1, 2, 4, 8, 16, 32]]])
    assert (found.samples, found.positions) == (1, 3)
    below, above = np.array([3, 6, 12]), np.array([9, 18, 36])
    assert found.matrix[0, 0] == pytest.approx(np.corrcoef(above, below)[0, 1], rel=1e-14)
