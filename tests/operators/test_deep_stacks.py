"""Stacks of more layers than Python nests calls: applied, turned round, counted, written out, described."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest

import convmatrix as cm
from convmatrix.analysis.inspection.counting import count_entries
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product
from convmatrix.plots.wording import describe

DEEP, SIZE = 3000, 6
STEP = cm.conv([1, 1], SIZE, padding_mode="circular", padding=[(0, 1)], bias=[1])
"""Every layer adds to each position its neighbour, and 1."""
SPARSE = cm.conv([[[0, 1]]], SIZE, padding_mode="circular", padding=[(0, 1)], bias=[1])
"""Every layer moves each position by one."""


def in_order(layers: list[TensorOperator]) -> TensorOperator:
    """`((last @ ...) @ second) @ first`: the nesting is on the left."""
    return reduce(lambda outer, inner: Product(outer, inner), layers[::-1])


def in_turn(layers: list[TensorOperator]) -> TensorOperator:
    """`last @ (... @ (second @ first))`: the nesting is on the right."""
    return reduce(lambda inner, outer: Product(outer, inner), layers)


def halved(layers: list[TensorOperator]) -> TensorOperator:
    """Both, and no deeper than the logarithm."""
    if len(layers) == 1:
        return layers[0]
    middle = len(layers) // 2
    return Product(halved(layers[middle:]), halved(layers[:middle]))


NESTED = pytest.mark.parametrize("nest", [in_order, in_turn, halved], ids=lambda nest: nest.__name__)


@NESTED
def test_a_deep_stack_is_applied(nest: Any) -> None:
    deep = nest([SPARSE] * DEEP)
    x = np.arange(SIZE)
    assert (deep @ x).tolist() == np.roll(x, -DEEP).tolist()
    assert deep(x).tolist() == np.roll(x, -DEEP).tolist()
    assert (deep @ np.stack([x, 2 * x], axis=1)).T.tolist() == [(deep @ x).tolist(), (2 * np.roll(x, -DEEP)).tolist()]
    assert (deep.T @ x).tolist() == np.roll(x, DEEP).tolist()
    assert deep.rmatvec(x).tolist() == (deep.H @ x).tolist() == (deep.T @ x).tolist()
    assert deep._apply_transpose(x.reshape(1, 1, -1)).tolist() == [[np.roll(x, DEEP).tolist()]]


@NESTED
def test_a_deep_stack_has_a_bias_a_transpose_and_a_name(nest: Any) -> None:
    deep = nest([SPARSE] * DEEP)
    assert np.broadcast_to(deep.bias, deep.out_shape).tolist() == [[DEEP] * SIZE]
    assert deep.T.T.shape == deep.shape
    assert repr(deep).startswith("<Product ")
    assert "Product" in str(deep._repr_html_() or deep._label() + "Product")
    words = describe(deep)
    assert (words.count(" @ "), "(3,000 in all)" in words) == (12, True)


@NESTED
def test_a_deep_stack_is_counted_and_written_out(nest: Any) -> None:
    assert count_entries(nest([STEP] * DEEP)) == SIZE * SIZE
    deep = nest([SPARSE] * 300)
    assert deep.nnz == SIZE * SIZE
    wanted = np.roll(np.eye(SIZE, dtype=int), 300, axis=1)
    np.testing.assert_array_equal(deep.toarray(), wanted)
    np.testing.assert_array_equal(deep.T.toarray(), wanted.T)
    assert deep.tosparse().nnz == SIZE * SIZE


def test_deep_sums_and_multiples() -> None:
    total: Any = SPARSE
    multiple: Any = SPARSE
    for _ in range(DEEP - 1):
        total, multiple = total + SPARSE, -1 * multiple
    x = np.arange(SIZE)
    assert (total @ x).tolist() == (DEEP * np.roll(x, -1)).tolist()
    assert (multiple.T @ x).tolist() == (-np.roll(x, 1)).tolist()
    assert np.broadcast_to(total.bias, total.out_shape).tolist() == [[DEEP] * SIZE]
    assert np.broadcast_to(multiple.bias, total.out_shape).tolist() == [[-1] * SIZE]
    assert (total.nnz, multiple.nnz, count_entries(total.T)) == (SPARSE.nnz,) * 3
    assert total.tosparse().sum() == DEEP * SIZE
    assert multiple.tosparse().sum() == -SIZE
    assert describe(multiple) == "2,999 factors * (2-tap convolution, padding 0:1, circular)"
    assert describe(total).count(" + ") == 12


def test_a_deep_stack_without_kronecker_factors_is_counted() -> None:
    mixed = cm.pixel_shuffle((2, SIZE // 2), 2).T
    stack: Any = cm.identity((1, SIZE))
    for _ in range(1100):
        stack = mixed.T @ (mixed @ (SPARSE @ stack))
    assert stack._factors() is None
    assert stack.nnz == stack.T.nnz == SIZE * SIZE
    assert (stack @ np.arange(SIZE)).tolist() == np.roll(np.arange(SIZE), -1100).tolist()


def test_a_deep_stack_is_judged() -> None:
    deep = in_turn([SPARSE] * DEEP)
    assert set(cm.overlap(deep).counts.tolist()) == {2**DEEP}
    up = cm.conv_transpose("1 2 4", SIZE, stride=2)
    report = cm.checkerboard(up @ deep)
    assert (report.is_free, report.dc_gain.reshape(-1).tolist()) == (False, [5, 2])
    assert "not free" in str(report)
    fixed = report.nearest_free(DEEP)
    assert cm.checkerboard(fixed).is_free
    assert fixed.left.weight.tolist() == cm.checkerboard(up).nearest_free().weight.tolist()
    floats = cm.checkerboard(
        up @ in_order([cm.conv([0.0, 1.0], SIZE, padding_mode="circular", padding=[(0, 1)])] * DEEP)
    )
    assert (floats.is_free, floats.is_exact) == (False, False)
    with pytest.raises(cm.ConvMatrixError, match=r"at most 100 layers for its remedies .* got 3,001"):
        cm.remedies(up @ deep)


def test_entries_that_cancel_stay_in_the_pattern_of_a_product() -> None:
    op = cm.conv([1, -1], 5) @ cm.conv([1, 1], 6)
    matrix = op.tosparse()
    assert (matrix.nnz, np.count_nonzero(matrix.data == 0)) == (op.nnz, 4)
    shuffled = cm.pixel_shuffle((2, 3), 2) @ (cm.conv(np.array([[[1, -1]], [[1, 1]]]), 4) @ cm.conv([1, 1], 5))
    assert shuffled.tosparse().nnz == shuffled.nnz
