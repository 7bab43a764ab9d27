"""Several operators beside each other: exact shares, notes, tables."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import convmatrix as cm
from convmatrix.analysis.cost import blank_conv, compare_costs
from convmatrix.analysis.cost.wording import ratio_text

DENSE = blank_conv((3, 7, 7), 128, 3)
SPLIT = blank_conv((3, 5, 5), 128, 1) @ blank_conv((3, 7, 7), 3, 3, groups=3)
ROWS = {"dense": DENSE, "separable": SPLIT}


def test_exact_shares():
    found = compare_costs(ROWS)
    assert found.baseline == "dense"
    assert found.ratio("separable") == Fraction(137, 1152)
    assert found.ratio("separable", "parameters") == Fraction(411, 3456)
    assert found.ratio("dense") == 1
    assert found.ratio("dense", baseline="separable") == Fraction(1152, 137)
    assert compare_costs(ROWS, baseline="separable").ratio("dense") == Fraction(1152, 137)


def test_rows_by_name_and_place():
    found = compare_costs(ROWS)
    assert [row.name for row in found] == ["dense", "separable"]
    assert found["separable"] is found[1] is found[np.int64(1)]
    assert len(found) == 2
    with pytest.raises(IndexError):
        found[2]


def test_a_sequence_takes_the_names_of_its_layers():
    found = compare_costs([DENSE, SPLIT, DENSE, [SPLIT, SPLIT]])
    assert [row.name for row in found] == ["3x3 (1)", "2 layers", "3x3 (3)", "4 layers"]


def test_other_shapes_are_told():
    found = compare_costs({"dense": DENSE, "smaller": blank_conv((3, 7, 7), 8, 3)})
    (note,) = found.notes
    assert note == "'smaller' maps (3, 7, 7) -> (8, 5, 5), not (3, 7, 7) -> (128, 5, 5)"
    assert f"note: {note}" in str(found)
    assert "note:" in found._repr_html_()
    assert not compare_costs(ROWS).notes


def test_how_it_is_shown():
    found = compare_costs({**ROWS, "nothing": cm.identity((3, 7, 7))})
    lines = str(found).splitlines()
    assert lines[0] == "multiplications as shares of 'dense', (3, 7, 7) -> (128, 5, 5)"
    assert [line.split()[:3] for line in lines[2:5]] == [
        ["dense", "86,400", "1"],
        ["separable", "10,275", "0.1189"],
        ["nothing", "0", "0"],
    ]
    assert len({len(line) for line in lines[1:5]}) == 1
    assert "<td>0.1189</td>" in found._repr_html_()
    assert repr(found) == "CostComparison(dense, separable, nothing)"


def test_a_baseline_without_products():
    found = compare_costs({"nothing": cm.identity((3, 7, 7)), "dense": DENSE})
    assert str(found).splitlines()[3].split()[:3] == ["dense", "86,400", "-"]
    assert found.to_dict()["rows"][1]["ratios"] == {"multiplications": None, "parameters": None}
    with pytest.raises(cm.ConvMatrixError, match="baseline must have multiplications, got 'nothing', which has none"):
        found.ratio("dense")


def test_plain_json():
    document = compare_costs(ROWS).to_dict()
    assert document["baseline"] == "dense"
    assert document["rows"][1]["ratios"]["multiplications"] == "137/1152"
    assert document["rows"][1]["multiplications"] == 10_275


RATIOS = {"8/9": Fraction(8, 9), "4": Fraction(4), "0.1189": Fraction(137, 1152), "1.000e+20": Fraction(10**20),
          "1e-30": Fraction(1, 10**30)}  # fmt: skip


@pytest.mark.parametrize(("said", "ratio"), RATIOS.items(), ids=RATIOS)
def test_shares_as_text(said, ratio):
    assert ratio_text(ratio) == said


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: compare_costs({}), "ops must be at least one operator, got none"),
        (lambda: compare_costs([]), "ops must be at least one operator, got none"),
        (lambda: compare_costs(DENSE), "ops must be a mapping of names to operators, or a sequence, got Convolution"),
        (lambda: compare_costs(3), "ops must be a mapping of names to operators, or a sequence, got int"),
        (lambda: compare_costs({"a": 3}), "op must be a TensorOperator, such as .* makes, got int"),
        (lambda: compare_costs(ROWS, baseline="b"), "baseline must be one of 'dense', 'separable', got 'b'"),
        (lambda: compare_costs(ROWS, baseline=1), "baseline must be one of 'dense', 'separable', got 1"),
        (
            lambda: compare_costs(ROWS).ratio("dense", baseline=0),
            "baseline must be one of 'dense', 'separable', got 0",
        ),
        (lambda: compare_costs(ROWS).ratio("b"), "name must be one of 'dense', 'separable', got 'b'"),
        (lambda: compare_costs(ROWS).ratio("dense", "flops"), "quantity must be one of 'multiplications', .* 'flops'"),
        (lambda: compare_costs(ROWS)[1.5], "name must be a row's name or its place, got 1.5"),
    ],
    ids=[
        "empty",
        "empty list",
        "one",
        "number",
        "no operator",
        "baseline",
        "place",
        "ratio",
        "row",
        "quantity",
        "no place",
    ],
)
def test_what_is_refused(ask, said):
    with pytest.raises(cm.ConvMatrixError, match=said):
        ask()
