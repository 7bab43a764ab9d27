"""The table of bounds: each is one, against dense decompositions, and what is none is said to be none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from operator_drawing import dense, drawn_operator

import convmatrix as cm

LAYER = cm.conv(np.random.default_rng(0).standard_normal((8, 8, 3, 3)), (16, 16), padding=1)
OF_LAYERS = {
    "sum of the taps' norms", "magnitudes of the taps", "four unfoldings", "Frobenius norm of the symbol",
    "symbol on a grid, by a root", "symbol on a grid, by a cosine", "Gram iteration", "circular embedding",
}  # fmt: skip
OF_ANY = {"Frobenius norm", "rows and columns", "magnitudes", "own matrix"}
GUESSES = {"circular of the same size", "reshaped weight"}


@pytest.mark.parametrize("batch", range(12))
def test_no_bound_is_below_the_norm(batch):
    for seed in range(10 * batch, 10 * batch + 10):
        op = drawn_operator(9000 + seed, 60_000)
        true = float(np.linalg.svd(dense(op), compute_uv=False)[0])
        for row in cm.norm_bounds(op).rows:
            assert not row.is_bound or true * (1 - 1e-13) <= row.value, (seed, op, row)
            assert row.is_bound == (row.name not in GUESSES)


def test_all_bounds_of_a_layer_and_how_tight_they_are():
    found = cm.norm_bounds(LAYER)
    rows = {row.name: row for row in found.rows}
    assert set(rows) == OF_LAYERS | OF_ANY | GUESSES
    assert found.excess(rows["own matrix"]) < 1e-5 + found.norm.width
    assert found.excess(rows["circular embedding"]) < 0.02
    assert rows["symbol on a grid, by a cosine"].value < rows["symbol on a grid, by a root"].value
    assert rows["reshaped weight"].value < 0.7 * found.norm.lower
    bounds = [row.value for row in found.rows if row.is_bound]
    assert bounds == sorted(bounds)
    assert all(row.seconds > 0 for row in found.rows)


def test_bounds_by_the_symbol_are_not_given_where_they_are_false():
    for mode in ("reflect", "replicate", "symmetric"):
        op = cm.conv(LAYER.weight, (8, 8), padding=1, padding_mode=mode)
        assert {row.name for row in cm.norm_bounds(op).rows} == OF_ANY | GUESSES
    rows_repeat = cm.conv("1 2 1", 8, padding=2, padding_mode="circular")
    assert not OF_LAYERS & {row.name for row in cm.norm_bounds(rows_repeat).rows}


@pytest.mark.parametrize(
    ("op", "names"),
    [
        (cm.identity((2, 3)), set()),
        (LAYER @ LAYER, OF_ANY - {"own matrix"}),
        (cm.conv_transpose(LAYER.weight, (4, 4), stride=2, output_padding=1), OF_LAYERS | OF_ANY | GUESSES),
    ],
    ids=["permutation", "product", "transposed"],
)
def test_rows_of_other_operators(op, names):
    found = {row.name for row in cm.norm_bounds(op).rows}
    assert names <= found <= names | {"own matrix"} | GUESSES


def test_multiples_multiply_every_row():
    once, twice = (cm.norm_bounds(op).rows for op in (LAYER, -2 * LAYER))
    for row, other in zip(once, twice, strict=True):
        assert np.isclose(2 * row.value, other.value, rtol=1e-5)


def test_the_table_is_printed():
    found = cm.norm_bounds(cm.conv("1 2 1", 8, padding=1))
    lines = str(found).splitlines()
    assert lines[0].startswith("norm between 3.87939 and 3.87939, (1, 8) -> (1, 8)")
    assert lines[1].split() == ["bound", "value", "above", "ms", "source"]
    assert any("no bound" in line and "PyTorch" in line for line in lines)
    data = json.loads(json.dumps(found.to_dict()))
    assert {"name", "value", "excess", "seconds", "source", "is_bound"} == set(data["rows"][0])
    assert "<caption>norm between" in found._repr_html_()


def test_some_bounds_alone():
    found = cm.norm_bounds(LAYER, ["circular embedding", "reshaped weight"])
    assert [row.name for row in found.rows] == ["circular embedding", "reshaped weight"]
    assert cm.norm_bounds(cm.identity((3,)), ["Gram iteration"]).rows == ()
    with pytest.raises(cm.ConvMatrixError, match=r"name must be one of .*'Gram iteration'.*, got 'Gershgorin'"):
        cm.norm_bounds(LAYER, ["Gershgorin"])
