"""Multiplications, additions and weights against counts by hand, and against the matrices."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import convmatrix as cm
from convmatrix.analysis.cost import blank_conv, cost, multiplications, parameters
from convmatrix.operators.channels import ChannelOrder


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, dtype=int)


DENSE = cm.conv(ones(128, 3, 3, 3), (7, 7))
DEPTHWISE, POINTWISE = cm.conv(ones(3, 1, 3, 3), (7, 7), groups=3), cm.conv(ones(128, 3, 1, 1), (5, 5))
SQUARE = cm.conv(ones(3, 3), (5, 5), padding=1)
CASES = {
    "the article's 3x3x3": (DENSE, 86_400, 3_456),
    "depthwise, then pointwise": (POINTWISE @ DEPTHWISE, 675 + 9_600, 27 + 384),
    "one kernel of 3x3": (cm.conv(ones(3, 3), (5, 5)), 81, 9),
    "column, then row": (cm.conv(ones(1, 3), (3, 5)) @ cm.conv(ones(3, 1), (5, 5)), 45 + 27, 6),
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
    found = cost(op)
    assert (found.multiplications, found.parameters) == (products, weights)
    assert found.formula.subs(found.substitutions) == products
    assert found.formula_parameters.subs(found.substitutions) == weights


@pytest.mark.parametrize("count", [multiplications, parameters, cost])
def test_only_operators(count):
    with pytest.raises(cm.ConvMatrixError, match=r"op must be a TensorOperator, such as .* makes, got int"):
        count(3)


GEOMETRIES = {
    f"{name}, k={k} s={s} d={d}": (k, s, d, options)
    for name, options in {
        "valid": {},
        "padded": {"padding": 3},
        "one-sided": {"padding": ((0, 4), (2, 0))},
        "circular": {"padding": 2, "padding_mode": "circular"},
        "reflect": {"padding": 3, "padding_mode": "reflect"},
    }.items()
    for k in (1, 2, 3)
    for s in (1, 2, 3)
    for d in (1, 2)
}


@pytest.mark.parametrize(("k", "s", "d", "options"), GEOMETRIES.values(), ids=GEOMETRIES)
@pytest.mark.parametrize("groups", [1, 2])
def test_true_counts_are_those_of_the_taps(k, s, d, options, groups):
    """Reads tap by tap: each a product, all but the first of an output an addition."""
    op = cm.conv(ones(4, 6 // groups, k, k), (7, 6), stride=s, dilation=d, groups=groups, **options)
    reads = [axis.reads() for axis in op.geometry.axes]
    real = [int((table >= 0).sum()) for table in reads]
    pairs = 4 * 6 // groups
    assert cost(op).true_multiplications == cost(op.T).true_multiplications == pairs * real[0] * real[1]
    # The pattern's rows that are empty have no products and no sums.
    pattern = op.tosparse()
    filled = [int((np.diff(matrix.indptr) > 0).sum()) for matrix in (pattern, pattern.T.tocsr())]
    assert cost(op).true_additions == pairs * real[0] * real[1] - filled[0]
    assert cost(op.T).true_additions == pairs * real[0] * real[1] - filled[1]
    if options.get("padding_mode") is None:
        assert cost(op).true_multiplications == op.nnz
    for each in (op, op.T):
        found = cost(each)
        assert found.formula.subs(found.substitutions) == found.multiplications == multiplications(each)
        assert found.true_additions <= found.additions


def _uncropped(op):
    """The transposed layer on a grid where nothing is cropped, far from its ends."""
    kernel, geometry = op.geometry.kernel_size, op.geometry
    strides, dilations = [axis.stride for axis in geometry.axes], [axis.dilation for axis in geometry.axes]
    return cm.conv_transpose(np.ones(kernel, dtype=int), geometry.output_size, stride=strides, dilation=dilations)


@pytest.mark.parametrize(("k", "s", "d"), [(3, 2, 1), (3, 1, 2), (2, 3, 1), (4, 2, 2)])
def test_additions_of_a_transposed_layer_before_its_crop(k, s, d):
    op = cm.conv_transpose(ones(k, k), (4, 5), stride=s, dilation=d, padding=1)
    whole = _uncropped(op)
    rows = np.diff(whole.tosparse().indptr)
    assert cost(op).additions == int((rows - 1)[rows > 0].sum()) == cost(whole).true_additions
    assert cost(whole).true_additions == cost(whole).additions


ADDITIONS = {
    "one output of 9 products": (cm.conv(ones(3, 3), (3, 3)), 8, 8),
    "with a bias": (cm.conv(ones(3, 3), (3, 3), bias=[1]), 9, 9),
    "padding": (cm.conv(ones(3), 3, padding=1), 6, 4),
    "outputs in the padding alone": (cm.conv(ones(1), 3, padding=1, bias=[1]), 5, 3),
    "transposed bias": (cm.conv_transpose(ones(3), 4, stride=2, bias=[1]), 3 + 9, 3 + 9),
    "two branches": (cm.conv(ones(1), 5) + cm.identity((1, 5)), 5, 5),
    "three branches": (cm.identity((1, 5)) + cm.identity((1, 5)) + cm.identity((1, 5)), 10, 10),
    "average": (cm.avg_pool((2, 8), 2), 8, 8),
    "padded average": (cm.avg_pool((1, 4), 3, stride=1, padding=1), 8, 6),
    "transposed average": (cm.avg_pool((1, 8), 3, stride=2).T, 2, 2),
    "linear": (cm.resize((1, 2), 2, "linear"), 2, 2),
    "nearest": (cm.resize((1, 2), 2), 0, 0),
    "transposed nearest": (cm.resize((1, 2), 2).T, 2, 2),
    "transposed nearest, smaller": (cm.resize((1, 4), "1/2").T, 0, 0),
    "permutation": (cm.pixel_shuffle((4, 2, 2), 2), 0, 0),
}


@pytest.mark.parametrize(("op", "usual", "true"), ADDITIONS.values(), ids=ADDITIONS)
def test_additions(op, usual, true):
    found = cost(op)
    assert (found.additions, found.true_additions) == (usual, true)


def test_an_unknown_operator_costs_its_entries():
    class Other(cm.TensorOperator):
        def __init__(self):
            super().__init__(float, (1, 4), (1, 2))

        @property
        def nnz(self):
            return 5

    found = cost(Other())
    assert (found.multiplications, found.true_multiplications, found.additions) == (5, 5, 3)
    assert str(found.formula) == "e"
    assert found.stages[0].name == "Other"


def test_stages_in_the_order_they_are_applied():
    inner = cm.conv(ones(4, 1, 3), 8, padding=1)
    shuffled = cm.channel_shuffle((4, 8), 2) @ inner
    found = cost(shuffled + cm.conv(ones(4, 1, 1), 8, bias=[1, 2, 3, 4]))
    names = ["3, padding 1", "channel shuffle", "1", "sum"]
    assert [stage.name for stage in found.stages] == names
    assert [stage.activation_bytes for stage in found.stages] == [128] * 4
    assert found.activation_bytes == 4 * 128 + 32
    assert (found.parameters, found.biases) == (16, 4)
    assert [stage.name for stage in cost((shuffled).T).stages] == ["inverse channel shuffle", "transposed 3, padding 1"]


def test_an_identity_takes_no_memory():
    layer = cm.conv(ones(3), 8, padding=1)
    assert cost(layer + cm.identity((1, 8)), dtype="int8").activation_bytes == 8 + 8 + 8
    assert cost(ChannelOrder((2, 3), [1, 0]), dtype="int8").activation_bytes == 12


def test_a_list_is_layers_with_steps_between():
    first, second = blank_conv((3, 8, 8), 4, 3), blank_conv((4, 3, 3), 2, 3)
    found = cost([first, second], dtype="float16")
    assert (found.in_shape, found.out_shape) == ((3, 8, 8), (2, 1, 1))
    assert found.activation_bytes == 2 * (3 * 64 + 4 * 36 + 4 * 9 + 2)
    assert cost([second @ blank_conv((3, 5, 5), 4, 3)]).multiplications == 9 * 108 + 72


@pytest.mark.parametrize(
    ("op", "options", "said"),
    [
        ([], {}, "op must be at least one operator, got none"),
        ([3], {}, "op must be a TensorOperator, such as .* makes, got int"),
        ({"a": SQUARE}, {}, "op must be an operator or a list of them, got a mapping"),
        ("3x3", {}, "op must be a TensorOperator, such as .* makes, got str"),
        (SQUARE, {"dtype": "float33"}, "dtype must be one that NumPy knows, got 'float33'"),
        (SQUARE, {"dtype": object}, "dtype must be one of numbers, got object"),
    ],
    ids=["empty", "number in a list", "mapping", "text", "dtype", "objects"],
)
def test_what_is_refused(op, options, said):
    with pytest.raises(cm.ConvMatrixError, match=said):
        cost(op, **options)


def test_a_deep_stack_without_recursion():
    layer = cm.conv(ones(3), 8, padding=1)
    stack = layer
    for _ in range(3000):
        stack = layer @ stack
    found = cost(stack)
    assert (len(found.stages), found.multiplications) == (3001, 3001 * 24)
    assert "and 2941 more layers" in str(found)


@pytest.mark.parametrize("size", [10**9, 10**17])
def test_sizes_that_no_memory_holds(size):
    op = cm.conv(ones(3), size, padding=1, stride=2, bias=[1])
    outputs = -(-size // 2)
    found = cost(op)
    assert (found.multiplications, found.true_multiplications) == (3 * outputs, 3 * outputs - 1)
    assert found.true_additions == 3 * outputs - 1
    assert found.formula.subs(found.substitutions) == 3 * outputs
    assert cost(op.T).true_additions == 3 * outputs - 1 - size


def test_counts_beyond_int64():
    op = blank_conv((2**11, 2**16, 2**16), 2**11, 2**15, padding=2**14)
    found = cost(op)
    assert found.multiplications == (2**16 + 1) ** 2 * 2**52
    # An output reads all taps but those that hang over, at most 2**14 of them at each end.
    side = (2**16 + 1) * 2**15 - 2 * sum(range(2**14 + 1))
    assert found.true_multiplications == side**2 * 2**22
    assert found.formula.subs(found.substitutions) == found.multiplications
    assert "e+25" in str(found)


WEIGHTS = {
    "floats of extreme size": np.array([1e-300, 1e300]),
    "complex": np.array([1j, 2]),
    "symbols": "a b",
    "fractions": "1/3 1/16",
    "float32": np.ones(2, np.float32),
    "beyond int64": np.array([2**70, 1], dtype=object),
    "NaN, which costs what a number costs": np.array([np.nan, 1]),
    "infinity of SymPy": [sympy.oo, 1],
}


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_are_not_looked_at(weight):
    found = cost(cm.conv(weight, 5, padding=1))
    assert (found.multiplications, found.true_multiplications, found.additions) == (12, 10, 6)


@pytest.mark.parametrize(
    ("op", "said"),
    [
        (cm.conv(ones(3, 3), (5, 5)), "c_in*c_out*k**2*(floor((-d*(k - 1) + i + 2*p - 1)/s) + 1)**2/g"),
        (cm.conv_transpose(ones(3), 5), "c_in*c_out*i*k/g"),
        (cm.conv_transpose(ones(3, 2), (5, 4)), "c_in*c_out*i_x*i_y*k_x*k_y/g"),
        (cm.avg_pool((2, 8), 2), "c*(floor((-d*(k - 1) + i + 2*p - 1)/s) + 1)"),
        (cm.avg_pool((2, 8), 2).T, "c*i"),
        (cm.resize((1, 2), 2, "linear"), "e"),
        (cm.conv(ones(1), 5) @ cm.conv_transpose(ones(1), 5).T, None),
        (cm.conv_transpose(ones(1), 4, dilation=3, output_padding=2).T, "c_in*c_out*k*o/g"),
    ],
    ids=["square", "transposed", "two axes", "average", "spread average", "linear", "stack", "fewer outputs"],
)
def test_formulas(op, said):
    found = cost(op)
    assert found.formula.subs(found.substitutions) == found.multiplications
    if said is None:
        assert {str(letter) for letter in found.formula.free_symbols} >= {"i_1", "i_2", "c_in_1", "c_out_2"}
    else:
        assert str(found.formula) == said


def test_how_it_is_shown():
    found = cost(POINTWISE @ DEPTHWISE)
    lines = str(found).splitlines()
    assert lines[0] == "10,275 multiplications, 411 parameters: (3, 7, 7) -> (128, 5, 5)"
    assert [line.split()[0] for line in lines[1:]] == ["layer", "3x3,", "1x1", "all,"]
    assert len({len(line) for line in lines[1:]}) == 1
    assert "<td>9,600</td>" in found._repr_html_()
    assert repr(found).startswith("Cost(10,275")
    assert found._repr_latex_() is None
    assert "lfloor" in cost(SQUARE)._repr_latex_()


def test_plain_json():
    document = cost(POINTWISE @ DEPTHWISE).to_dict()
    assert document["multiplications"] == 10_275
    assert [stage["multiplications"] for stage in document["stages"]] == [675, 9_600]
    assert document["substitutions"]["c_out_2"] == 128
    assert cost([SQUARE] * 101).to_dict()["formula"] is None
    assert cost([SQUARE] * 5000).to_dict()["stages"] is None


def test_blank_layers():
    layer = blank_conv((4, 6, 6), 8, 3, groups=2, stride=2, bias=True)
    assert layer.weight.strides == (0, 0, 0, 0)
    np.testing.assert_array_equal(layer.toarray(), cm.conv(np.ones((8, 2, 3, 3)), (6, 6), groups=2, stride=2).toarray())
    assert layer.bias.shape == (8, 1, 1)
    assert blank_conv((4,), 8, ()).out_shape == (8,)


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (((4, 6), 8, 3), {"strides": 2}, "options must be stride, padding, dilation or padding_mode, got strides"),
        (((), 8, 3), {}, r"in_shape must be \(channels, \*spatial\), got \(\)"),
        (((4, 6), 0, 3), {}, "out_channels must be at least 1, got 0"),
        (((4, 6), 8, 0), {}, "kernel_size must be at least 1, got 0"),
        (((2**30, 2**20), 2**20, 2**10), {}, "weight must have fewer than 2\\*\\*60 entries, got shape"),
        (((4, 6), 8, 3), {"groups": 3}, "groups must divide in_channels 4, got 3"),
    ],
    ids=["option", "no channels", "out_channels", "kernel_size", "too many", "groups"],
)
def test_blank_layers_that_are_refused(arguments, options, said):
    with pytest.raises(cm.ConvMatrixError, match=said):
        blank_conv(*arguments, **options)
