"""Groups of channels found by `decompose`, in order and out of order."""

from __future__ import annotations

import numpy as np
import pytest

import convmatrix as cm
from convmatrix.analysis import cost
from convmatrix.analysis.comparison import compare
from convmatrix.analysis.comparison.rebuilding import smaller_pair
from convmatrix.operators.channels import ChannelOrder

RNG = np.random.default_rng(3)


def whole(*shape):
    return RNG.integers(1, 6, shape) * RNG.choice([-1, 1], shape)


def spread(weight, groups):
    """The weight of a grouped layer with its zeros."""
    outputs, inputs = weight.shape[0] // groups, weight.shape[1]
    dense = np.zeros((weight.shape[0], inputs * groups, *weight.shape[2:]), weight.dtype)
    for group in range(groups):
        rows, columns = slice(group * outputs, (group + 1) * outputs), slice(group * inputs, (group + 1) * inputs)
        dense[rows, columns] = weight[rows]
    return dense


IN, OUT = RNG.permutation(8), RNG.permutation(12)
SHUFFLE = np.arange(12).reshape(4, 3).T.ravel()
# Groups, weight of one group's channels, order of inputs and of outputs; the name and the orders that are answered.
LAYERS = {
    "natural": (4, (12, 2, 3), None, None, "grouped", None, None),
    "depthwise": (8, (16, 1, 3), None, None, "depthwise", None, None),
    "outputs shuffled": (4, (12, 2, 3), None, SHUFFLE, "shuffled grouped", None, "channel_shuffle(4)"),
    "both out of order": (4, (12, 2, 3), IN, OUT, "shuffled grouped", list, list),
    "depthwise out of order": (8, (8, 1, 3), IN, None, "shuffled depthwise", None, list),
    "2-D": (2, (6, 3, 3, 2), None, None, "grouped", None, None),
}


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_groups_are_found(layer, dtype, transposed):
    groups, shape, inputs, outputs, name, input_order, output_order = layer
    dense = spread(whole(*shape), groups)
    dense = dense if inputs is None else dense[:, inputs]
    dense = (dense if outputs is None else dense[outputs]).astype(dtype)
    if transposed:
        op = cm.conv_transpose(dense, (4, 3)[: dense.ndim - 2], stride=2, bias=whole(dense.shape[1]))
    else:
        op = cm.conv(dense, (7, 6)[: dense.ndim - 2], stride=2, padding=1, bias=whole(dense.shape[0]))
    found = cm.decompose(op)
    if not transposed or dense.shape[0] == dense.shape[1]:
        assert name in found
    structure = next(one for one in found if "grouped" in one.name or "depthwise" in one.name.split()[-1:])
    assert structure.settings["groups"] == groups
    assert structure.is_exact == (dtype == np.int64)
    assert structure.error == 0
    assert (structure.operator.toarray() == op.toarray()).all()
    assert structure.multiplications[0] == groups * structure.multiplications[1]
    x = whole(*op.in_shape)
    y = x
    for factor in structure.factors:
        y = factor(y) if factor.bias is None else factor(y) + factor.bias
    assert (y == op(x) + op.bias).all()
    if not transposed:
        for key, wanted in (("input_order", input_order), ("output_order", output_order)):
            given = structure.settings.get(key)
            assert isinstance(given, list) if wanted is list else given == wanted


def test_small_kernels_between_groups_are_left_out_within_a_tolerance():
    dense = spread(whole(6, 3, 3).astype(float), 2)
    dense += 1e-7 * RNG.uniform(-1, 1, dense.shape)
    assert "grouped" in cm.decompose(dense).absent
    structure = cm.decompose(dense, 1e-5)["grouped"]
    assert structure.holds
    assert 0 < structure.relative_error < 1e-6
    assert structure.comparison.is_equal


def test_unequal_blocks_are_said():
    dense = np.zeros((6, 6, 3), dtype=int)
    dense[:4, :4], dense[4:, 4:] = whole(4, 4, 3), whole(2, 2, 3)
    found = cm.decompose(dense)
    assert found.absent["grouped"] == "the 2 blocks of channels fit no equal groups"
    assert "4->4, 2->2" in found.notes[0]


def test_a_grouped_layer_may_have_more_groups():
    dense = spread(whole(8, 2, 3), 4)
    two = np.concatenate([dense[:4, :4], dense[4:, 4:]])
    structure = cm.decompose(cm.conv(two, 6, groups=2))["grouped"]
    assert structure.settings == {"groups": 4}
    assert structure.is_exact
    assert "grouped" not in cm.decompose(cm.conv(two[:, :2], 6, groups=4))


def test_the_channel_order_is_a_free_permutation():
    order = ChannelOrder((5, 2, 3), RNG.permutation(5))
    x = whole(2, 5, 2, 3)
    assert (order.T(order(x)) == x).all()
    assert (order.toarray() @ x[0].ravel() == order(x)[0].ravel()).all()
    assert (np.array(order.tosympy().tolist(), dtype=int) == order.toarray()).all()
    assert cost.multiplications(order) == 0
    assert (order @ cm.conv(whole(5, 1, 1, 1), (2, 3))).nnz == 30


@pytest.mark.parametrize("sources", [[0, 0, 1], [0, 1], [1, 2, 3], [-1, 0, 1]], ids=str)
def test_an_order_takes_every_channel_once(sources):
    with pytest.raises(cm.ConvMatrixError, match=r"sources must be every channel from 0 to 2 once, got \["):
        ChannelOrder((3, 2), sources)


def test_a_channel_order_is_rebuilt_on_a_smaller_input():
    sources = [2, 0, 3, 1]
    layer = cm.conv(whole(3, 4, 3), 1001, padding=1)
    product = layer @ ChannelOrder(layer.in_shape, sources)
    equal = cm.conv(layer.weight[:, np.argsort(sources)], 1001, padding=1)
    small = smaller_pair(product, equal)
    assert small is not None
    assert small[0].in_shape[1] < 20
    assert (small[0].toarray() == small[1].toarray()).all()
    assert compare(product, equal).is_exact
