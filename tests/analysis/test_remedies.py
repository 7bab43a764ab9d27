"""The ways out of a checkerboard: each row against PyTorch, the explicit matrix and the definition, none assumed."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from remedy_cases import NUMBERS, OPERATORS, TRANSPOSED, Op, answers, floats, found_of, ints, ripple, transposed

import convmatrix as cm
from convmatrix.analysis.cost import multiplications, parameters
from convmatrix.analysis.phases import interior, respond
from convmatrix.analysis.remedies import Remedy
from convmatrix.analysis.remedies.distance import relative_distance
from convmatrix.operators.algebra import Product, Transposed

every_operator = pytest.mark.parametrize("name", OPERATORS)


@every_operator
def test_freedom_of_every_row_is_that_of_its_answer_to_constants(name: str) -> None:
    op = OPERATORS[name]
    # What is 0 but for rounding is measured by the layer itself.
    largest = max(float(np.abs(values).max()) for values in answers(op))
    bound = (1e-5 if op.dtype == np.float32 else 1e-12) * largest
    for row in found_of(name):
        found = answers(row.operator)
        assert row.is_free == all(ripple(values) <= bound for values in found), row.name


@every_operator
def test_rows_keep_grid_channels_and_exactness(name: str) -> None:
    op, found = OPERATORS[name], found_of(name)
    exact = respond(op).dtype.kind in "iO"
    for row in found:
        assert row.operator.in_shape == op.in_shape
        assert row.out_shape[0] == op.out_shape[0]
        assert row.out_shape == op.out_shape or row.name == "stride 1"
        assert (respond(row.operator).dtype.kind in "iO") == exact, row.name
        if op.dtype.kind in "fc" and "resize" not in name:
            assert row.operator.dtype == op.dtype, row.name
        assert (row.operator.bias is None) == (op.bias is None)
        assert row.multiplications == multiplications(row.operator)
        assert row.parameters == parameters(row.operator)


@every_operator
def test_only_what_can_be_uneven_stays_so(name: str) -> None:
    """Of all rows but these every one is free by what it is."""
    may_ripple = {"as it is", *(row.name for row in found_of(name) if row.name.startswith("kernel size"))}
    may_ripple -= {row.name for row in found_of(name) if row.name.endswith("nearest free")}
    for row in found_of(name):
        assert row.is_free or row.name in may_ripple, row.name


def impulses(op: Op, turns: tuple[int, ...]) -> np.ndarray:
    """Columns of the explicit matrix: impulses in the middle of the input, at each place of a repetition."""
    kind = complex if op.dtype.kind == "c" else float
    matrix = op.toarray(dtype=kind).reshape(op.shape[0], *op.in_shape)
    places = [
        range(n // 2 // turn * turn, n // 2 // turn * turn + turn)
        for n, turn in zip(op.in_shape[1:], turns, strict=True)
    ]
    return np.stack([matrix[(..., *place)] for place in itertools.product(*places)])


@every_operator
def test_distances_against_the_explicit_matrix(name: str) -> None:
    op = OPERATORS[name]
    turns = interior(op.T).period
    before = impulses(op, turns)
    for row in found_of(name):
        if row.out_shape != op.out_shape:
            assert row.distance is None
            continue
        expected = np.linalg.norm(impulses(row.operator, turns) - before) / np.linalg.norm(before)
        assert row.distance == pytest.approx(expected, rel=1e-5 if op.dtype == np.float32 else 1e-9, abs=1e-12), (
            row.name
        )


@pytest.mark.parametrize("case", TRANSPOSED, ids=lambda case: f"{case[0]} {case[2]}")
@pytest.mark.parametrize("numbers", NUMBERS, ids=lambda numbers: numbers.__name__)
def test_rows_of_a_transposed_layer(case: Any, numbers: Any) -> None:
    op = transposed(case, numbers)
    found = cm.remedies(op)
    strides = [axis.stride for axis in op.geometry.axes]
    kernel, whole = (
        op.geometry.kernel_size,
        [-(-k // s) * s for k, s in zip(op.geometry.kernel_size, strides, strict=True)],
    )
    size = str(whole[0]) if len(set(whole)) == 1 else "x".join(map(str, whole))
    longer = [] if tuple(whole) == kernel else [f"kernel size {size}", f"kernel size {size}, nearest free"]
    divides = any(math.gcd(axis.stride, axis.dilation) > 1 for axis in op.geometry.axes)
    others = ["stride 1", "resize nearest", "resize linear", *([] if divides else ["ICNR"]), "smoothing"]
    assert [row.name for row in found] == ["as it is", "nearest free", *longer, *others]
    assert any(note.startswith("ICNR: dilation") for note in found.notes) == divides
    assert any("divides the kernel size already" in note for note in found.notes) == (not longer)
    for row in found:
        if row.name.startswith("kernel size") or row.name == "ICNR":
            assert row.operator.weight.shape == (*op.weight.shape[:2], *whole)
    if longer:
        same = found[longer[0]]
        kind = complex if op.dtype.kind == "c" else float
        assert np.array_equal(same.operator.toarray(kind), op.toarray(kind))
        assert same.distance == same.weight_distance == 0
        assert found[longer[1]].distance <= found["nearest free"].distance * (1 + 1e-12)


@pytest.mark.parametrize("case", TRANSPOSED, ids=lambda case: f"{case[0]} {case[2]}")
def test_resize_keeps_the_mean_gain(case: Any) -> None:
    op = transposed(case, ints)
    found, axes = cm.remedies(op), tuple(range(len(op.out_shape) - 1))
    gains = respond(op).astype(object)
    mean = gains.sum(axis=axes) * Fraction(1, math.prod(gains.shape[: len(axes)]))
    for mode in ("nearest", "linear"):
        own = respond(found[f"resize {mode}"].operator)
        assert all(np.array_equal(own[place], mean) for place in np.ndindex(own.shape[: len(axes)]))


@pytest.mark.parametrize("case", TRANSPOSED, ids=lambda case: f"{case[0]} {case[2]}")
def test_the_mean_sub_kernel_is_the_nearest(case: Any) -> None:
    """All sub-kernels equal, and the change stands upright on every weight like that."""
    op = transposed(case, ints)
    found = cm.remedies(op)
    if any(math.gcd(axis.stride, axis.dilation) > 1 for axis in op.geometry.axes):
        with pytest.raises(cm.ConvMatrixError, match="got 'ICNR'"):
            found["ICNR"]
        return
    row = found["ICNR"]
    strides = [axis.stride for axis in op.geometry.axes]
    padded = np.zeros_like(row.operator.weight)
    padded[tuple(map(slice, op.weight.shape))] = op.weight
    blocks = [
        row.operator.weight[(..., *(slice(f, None, s) for f, s in zip(place, strides, strict=True)))]
        for place in np.ndindex(*strides)
    ]
    old = [
        padded[(..., *(slice(f, None, s) for f, s in zip(place, strides, strict=True)))]
        for place in np.ndindex(*strides)
    ]
    assert all(np.array_equal(block, blocks[0]) for block in blocks)
    assert not np.any(sum(old) - sum(blocks))
    squared = ((row.operator.weight - padded) ** 2).sum()
    assert row.weight_distance == pytest.approx(math.sqrt(squared))


# -- PyTorch ----------------------------------------------------------------------------------------------------------


def in_torch(row: Remedy) -> Callable[[np.ndarray], np.ndarray]:
    """The row's layers written down in PyTorch, from its weights and pads alone."""
    torch = pytest.importorskip("torch")

    def run(op: Op, x: Any) -> Any:
        if isinstance(op, Product):
            return run(op.left, run(op.right, x))
        if hasattr(op, "scales"):
            mode = "linear" if op.mode == "linear" else op.mode
            names = {"linear": ("linear", "bilinear", "trilinear")[x.ndim - 3]}
            return torch.nn.functional.interpolate(x, size=op.out_shape[1:], mode=names.get(mode, mode))
        if not hasattr(op, "weight"):
            return torch.nn.functional.pixel_shuffle(x, op.out_shape[1] // op.in_shape[1])
        weight = torch.from_numpy(np.array(op.weight, dtype=float))
        axes = len(op.in_shape) - 1
        own, dims = op.geometry.axes, f"{axes}d"
        strides, dilation = tuple(a.stride for a in own), tuple(a.dilation for a in own)
        options = {"stride": strides, "dilation": dilation, "groups": op.geometry.groups}
        if isinstance(op, Transposed):
            full = getattr(torch.nn.functional, f"conv_transpose{dims}")(x, weight, **options)
            pads = [(-a.pad_before, a.input_size - n + a.pad_before) for a, n in zip(own, full.shape[2:], strict=True)]
            y = torch.nn.functional.pad(full, [side for pair in pads[::-1] for side in pair])
        else:
            x = torch.nn.functional.pad(x, [side for a in own[::-1] for side in (a.pad_before, a.pad_after)])
            y = getattr(torch.nn.functional, f"conv{dims}")(x, weight, **options)
        if op.bias is not None:
            y = y + torch.from_numpy(np.array(op.bias, dtype=float))
        return y

    return lambda x: run(row.operator, torch.from_numpy(x)[None])[0].numpy()


IN_TORCH = [
    *(name for name, op in OPERATORS.items() if name.startswith("transposed") and op.dtype.kind != "c"),
    "gradient zeros", "sub-pixel, even kernel", "sub-pixel, groups", "two layers", "conv behind",
]  # fmt: skip


@pytest.mark.parametrize("name", IN_TORCH)
def test_every_row_in_torch(name: str, rng: np.random.Generator) -> None:
    for row in found_of(name):
        op, layers = row.operator, in_torch(row)
        single = op.dtype == np.float32
        bias = 0 if op.bias is None else op.bias.astype(float)
        x = rng.normal(size=op.in_shape)
        assert layers(x) == pytest.approx(
            op(x).astype(float) + bias, rel=1e-4 if single else 1e-9, abs=1e-5 if single else 1e-9
        )
        inside = interior(op).slices
        assert inside is not None
        nothing = layers(np.zeros(op.in_shape))[(slice(None), *inside)]
        for channel in range(op.in_shape[0]):
            constant = np.zeros(op.in_shape)
            constant[channel] = 1
            seen = layers(constant)[(slice(None), *inside)] - nothing
            if row.is_free:
                assert ripple(seen) <= (1e-5 if single else 1e-10) * max(1.0, float(np.abs(seen).max())), row.name
        if row.is_free:
            assert ripple(nothing) <= (1e-5 if single else 1e-10) * max(1.0, float(np.abs(nothing).max()))


# -- stacks and layers without checkerboards --------------------------------------------------------------------------


def test_rows_of_a_stack() -> None:
    found = found_of("two layers")
    assert [row.name for row in found] == [
        "as it is",
        "nearest free of layer 0",
        "nearest free of layer 1",
        "smoothing",
    ]
    op = OPERATORS["two layers"]
    assert isinstance(op, Product)
    # Layers are counted as they are applied, and only the one named changes.
    assert np.array_equal(found["nearest free of layer 0"].operator.left.weight, op.left.weight)
    assert np.array_equal(found["nearest free of layer 1"].operator.right.weight, op.right.weight)


def test_a_period_of_more_than_one_input() -> None:
    op = OPERATORS["down 2, up 3"]
    assert interior(op.T).period == (2,)
    assert found_of("down 2, up 3")["smoothing"].setting["kernel_size"] == interior(op).period


@pytest.mark.parametrize(
    "op",
    [
        cm.conv([1, 2, 3], 9),
        cm.conv(floats(2, 2, 3, 3), (9, 9), stride=2),
        cm.conv_transpose([1, 2, 3], 9),
        cm.identity((2, 5)),
    ],
    ids=repr,
)
def test_nothing_to_remedy(op: Op) -> None:
    found = cm.remedies(op)
    assert [row.name for row in found] == ["as it is"]
    assert found.best is found[0]
    assert "nothing to remedy" in found.notes[0]
    assert str(found).startswith("free as it is")


def test_layers_without_weights() -> None:
    found = cm.remedies(cm.avg_pool((2, 12), 3, stride=2).T)
    assert [row.name for row in found] == ["as it is", "smoothing"]
    assert [row.is_free for row in found] == [False, True]
    assert found.notes == ("nearest free: no layer has a weight",)


def test_a_bias_is_not_darkened_by_smoothing() -> None:
    found = cm.remedies(cm.conv_transpose(ints(1, 2, 3, 3), (5, 5), stride=2, bias=[3, -2]))
    bias = np.broadcast_to(found["smoothing"].operator.bias, found.op.out_shape)
    assert np.array_equal(bias, np.broadcast_to(found.op.bias, found.op.out_shape))


def test_smoothing_makes_the_interior_of_a_nearest_enlargement() -> None:
    found = cm.remedies(cm.conv_transpose(ints(2, 2, 5), 9, stride=3))
    assert relative_distance(found["smoothing"].operator, found["resize nearest"].operator) == 0


# -- the result -------------------------------------------------------------------------------------------------------


def test_best_is_the_nearest_free_row() -> None:
    for name in OPERATORS:
        found = found_of(name)
        free = [row for row in found if row.is_free and row.distance is not None]
        keeping = [row for row in free if not row.report.kills_constants]
        assert found.best is not None
        assert found.best.distance == min(row.distance for row in keeping or free)


def test_rows_by_name_and_place() -> None:
    found = found_of("two layers")
    assert len(found) == len(list(found)) == len(found.rows)
    assert found["smoothing"] is found[-1] is found[np.int64(len(found) - 1)]
    with pytest.raises(
        cm.ConvMatrixError, match=r"name must be one of 'as it is', 'nearest free of layer 0', .*, got 'soap'"
    ):
        found["soap"]
    with pytest.raises(cm.ConvMatrixError, match=r"name must be a row's name or its place, got 1\.5"):
        found[1.5]  # type: ignore[index]
    with pytest.raises(IndexError):
        found[9]


@every_operator
def test_displays(name: str) -> None:
    found = found_of(name)
    text, page, plain = str(found), found._repr_html_(), json.loads(json.dumps(found.to_dict(), allow_nan=False))
    for row in found:
        assert any(line.strip().startswith(row.name) for line in text.splitlines())
        assert f">{row.name}</th>" in page
    assert [row["name"] for row in plain["rows"]] == [row.name for row in found]
    assert [row["is_free"] for row in plain["rows"]] == [row.is_free for row in found]
    assert plain["rows"][0] == found[0].to_dict()
    for note in found.notes:
        assert note in text
    table = text.splitlines()[1 : len(found) + 2]
    assert len({len(line) for line in table}) == 1


def test_a_row_that_kills_constants_says_so() -> None:
    found = cm.remedies(cm.conv_transpose([1, 2], 8, stride=3))
    assert found["nearest free"].to_dict()["kills_constants"]
    assert "kills constants" in str(found)
    assert not found["kernel size 3, nearest free"].to_dict()["kills_constants"]


FIRST = cm.conv_transpose("1 2 3", 6, stride=2)
KILLING = {
    "a stack": (cm.conv_transpose("3 1 2", FIRST.out_shape[1:], stride=2) @ FIRST, "smoothing", "3 of 3", 2),
    "holes": (cm.conv_transpose([100, -99], 6, stride=2, dilation=2), "resize nearest", "5 of 5", 1),
}


@pytest.mark.parametrize(("op", "best", "free", "killing"), KILLING.values(), ids=KILLING)
def test_best_keeps_constants_where_it_can(op: Op, best: str, free: str, killing: int) -> None:
    found = cm.remedies(op)
    assert found.best is not None
    assert (found.best.name, found.best.report.kills_constants) == (best, False)
    assert sum(row.is_free and row.report.kills_constants for row in found) == killing
    assert str(found).startswith(
        f"{free} ways are free ({killing} of them by making every constant 0), "
        f"the nearest that keeps constants is {best!r}: "
    )


def test_where_every_way_kills_constants_best_is_the_nearest() -> None:
    found = cm.remedies(cm.conv_transpose([1, -1, 2, -2], 8, stride=2))
    assert found.best is not None
    assert found.best.report.kills_constants
    assert found.best.distance == min(row.distance for row in found.rows[1:] if row.distance is not None)
    assert "(6 of them by making every constant 0), the nearest is 'resize nearest': " in str(found)


@pytest.mark.parametrize(
    "options", [{"stride": 2}, {"stride": 3, "dilation": 2, "padding": 2}, {"groups": 2, "stride": 2}], ids=str
)
def test_the_short_way_to_a_distance_is_the_long_one(options: dict[str, Any]) -> None:
    op = cm.conv_transpose(floats(6, 4, 3), 15, **options)
    assert op.weight.size > op.geometry.kernel_size[0] ** 2
    for row in cm.remedies(op):
        if row.distance is not None:
            assert row.distance == pytest.approx(relative_distance(op, row.operator), rel=1e-12, abs=1e-14)


def test_what_would_take_minutes_is_refused() -> None:
    with pytest.raises(cm.ConvMatrixError, match=r"op must have at most 1,000 phases and .*, got 1,024 and 9"):
        cm.remedies(cm.conv_transpose(np.ones((3, 3)), (4, 4), stride=32))
    with pytest.raises(cm.ConvMatrixError, match=r"and 100,000 taps for its remedies .*, got 2 and 100,001"):
        cm.remedies(cm.conv_transpose(np.ones(100_001), 4, stride=2))
