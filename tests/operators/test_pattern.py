"""Patterns as Kronecker factors, and entries counted from them."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from scipy.sparse import kron

import convmatrix as cm
from convmatrix.operators import pattern


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape)


FACTORED = {
    "conv": lambda: cm.conv(ones(4, 2, 3, 2), (5, 6), stride=2, padding=1, groups=2),
    "circular": lambda: cm.conv(ones(3, 3), (4, 5), padding=2, padding_mode="circular"),
    "transposed": lambda: cm.conv_transpose(ones(2, 3, 3), 4, stride=2),
    "stack": lambda: cm.conv(ones(3, 2, 3), 4, stride=2) @ cm.conv(ones(2, 4, 2), 9, stride=2, groups=2),
    "multiple": lambda: (3 * cm.conv(ones(2, 4, 3), 9, padding=2, groups=2)).T @ cm.conv(ones(2, 1, 3), 9, padding=2),
    "reflect": lambda: cm.conv(ones(3, 3), (6, 7)) @ cm.conv(ones(3, 3), (6, 7), padding=1, padding_mode="reflect"),
    "average": lambda: cm.avg_pool((2, 5, 5), 2) @ cm.conv(ones(2, 1, 2, 2), (6, 6)),
    "linear resize": lambda: cm.resize((2, 3, 4), 1.5, "linear"),
    "resized and averaged": lambda: cm.avg_pool((1, 6, 9), 2) @ cm.resize((1, 4, 6), 1.5, "linear"),
    "channel shuffle": lambda: cm.channel_shuffle((6, 2, 3), 3),
    "grouped, shuffled, grouped": lambda: (
        cm.conv(ones(4, 2, 3), 5, padding=1, groups=2)
        @ cm.channel_shuffle((4, 5), 2)
        @ cm.conv(ones(4, 2, 3), 5, padding=1, groups=2)
    ),
    "identity": lambda: cm.identity((2, 3, 2)),
    "fully connected": lambda: cm.conv(ones(3, 5), ()),
}
WRITTEN_OUT = {
    "pixel shuffle": lambda: cm.pixel_shuffle((4, 2, 3), 2),
    "convolved and shuffled": lambda: cm.pixel_shuffle((4, 3), 2) @ cm.conv(ones(4, 1, 3), 3, padding=1),
    "sum": lambda: cm.conv([1, 2, 1], 5, padding=1) + cm.conv([1, 2], 5, padding="same"),
    "entries that cancel": lambda: cm.conv([1, -1], 5) @ (cm.conv([1, 1], 6) - cm.conv([1, 1], 6)),
}


@pytest.mark.parametrize("make", FACTORED.values(), ids=FACTORED)
def test_factors_multiply_out_to_the_structure(make):
    op = make()
    factors = op._factors()
    whole = reduce(lambda a, b: kron(a, b, format="csr"), factors)
    assert np.array_equal(whole.toarray() > 0, op._structure().toarray() > 0)
    assert pattern.count(factors) == op.nnz == op.tosparse().nnz


@pytest.mark.parametrize("make", WRITTEN_OUT.values(), ids=WRITTEN_OUT)
def test_other_patterns_are_written_out_and_counted(make):
    op = make()
    assert op._factors() is None
    assert op.nnz == op.tosparse().nnz


def test_a_product_is_counted_in_parts(monkeypatch):
    op = cm.pixel_shuffle((4, 3, 3), 2) @ cm.conv(ones(4, 2, 3, 3), (3, 3), padding=1)
    monkeypatch.setattr(pattern, "_AT_ONCE", 7)
    assert pattern.count_product(op.left._structure(), op.right._structure()) == op.tosparse().nnz


def test_rows_without_entries_are_counted_as_empty():
    op = cm.pixel_shuffle((2, 9), 2) @ cm.conv(ones(2, 1, 1), 3, padding=3)
    assert op.nnz == op.tosparse().nnz == 6


def test_a_product_of_terabytes_is_counted_at_once():
    huge = cm.conv(np.ones((64, 64, 3, 3)), (4096, 4096), padding=1)
    assert (huge.T @ huge).nnz == 64 * 64 * (5 * 4096 - 6) ** 2
    with pytest.raises(cm.MatrixTooLargeError, match="the pattern of <Convolution 3x3"):
        _ = (huge + huge).nnz


@pytest.mark.parametrize("make", [*FACTORED.values(), *WRITTEN_OUT.values()], ids=[*FACTORED, *WRITTEN_OUT])
@pytest.mark.parametrize("format", ["csr", "csc", "coo"])
def test_bytes_are_those_announced(make, format):
    op = make()
    matrix = op.tosparse(format)
    indices = matrix.coords if format == "coo" else (matrix.indices, matrix.indptr)
    assert op.nbytes(format) == matrix.data.nbytes + sum(part.nbytes for part in indices)
