"""The fifteen relationships over a grid of layers, against the matrices, the counting oracle and torch."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import oracles
import pytest

import convmatrix as cm

RANGES = {"i": range(1, 9), "k": range(1, 6), "s": range(1, 5), "p": range(4), "d": range(1, 4), "a": range(4)}

every = pytest.mark.parametrize("relationship", cm.RELATIONSHIPS, ids=str)


def grid(relationship: cm.Relationship) -> Iterator[dict[str, int]]:
    """All values of the letters in the ranges that meet the condition."""
    for values in itertools.product(*(RANGES[letter] for letter in relationship.letters)):
        named = dict(zip(relationship.letters, values, strict=True))
        if _is_met(relationship.number, **named):
            yield named


def _is_met(number: int, i: int, k: int, s: int = 1, p: int = 0, d: int = 1, a: int = 0) -> bool:
    """The condition once more, in plain Python: SymPy would take minutes."""
    if number in (3, 10):
        return k % 2 == 1
    if number in (4, 8, 12):
        return True
    if number == 11:
        return i >= k
    if number in (9, 13, 14):
        return p < k and a < s and s * (i - 1) + a + k > 2 * p
    return i + 2 * p >= d * (k - 1) + 1


def test_they_are_fifteen_in_their_order() -> None:
    assert [relationship.number for relationship in cm.RELATIONSHIPS] == list(range(1, 16))
    assert isinstance(cm.RELATIONSHIPS, tuple)


@every
def test_each_holds_wherever_its_condition_is_met(relationship: cm.Relationship) -> None:
    met = list(grid(relationship))
    assert len(met) >= 20
    # SymPy is slow: all are checked for few letters, an even sample of them otherwise.
    step = max(1, len(met) // 60)
    for values in met[::step]:
        assert relationship.applies(**values), values
        assert relationship.holds(**values), values


@every
def test_the_matrix_has_the_size_everywhere(relationship: cm.Relationship) -> None:
    import sympy

    letters = sorted(relationship.output_size.free_symbols, key=str)
    formula = sympy.lambdify(letters, relationship.output_size, "math")
    for values in grid(relationship):
        op = relationship.operator(**values)
        assert op.tosparse().shape[0] == formula(*(values[str(letter)] for letter in letters)), values


@every
def test_transposed_layers_are_direct_ones_on_the_stretched_input(relationship: cm.Relationship) -> None:
    for values in grid(relationship):
        other = relationship.equivalent(**values)
        if relationship.family != "transposed":
            assert other is None
        else:
            assert other is not None
            oracles.assert_same(other.tosparse().toarray(), relationship.operator(**values).tosparse().toarray())


@pytest.mark.parametrize("number", [2, 6, 7, 9, 14, 15])
def test_two_axes(number: int) -> None:
    relationship = cm.RELATIONSHIPS[number - 1]
    values = {"i": 5, "k": 3, "s": 2, "p": 1, "d": 2, "a": 1}
    assert relationship.holds(axes=2, **{letter: values[letter] for letter in relationship.letters})


@pytest.mark.parametrize(
    ("number", "values"),
    [
        (3, {"i": 5, "k": 4}),
        (10, {"i": 5, "k": 4}),
        (5, {"i": 2, "k": 3, "s": 1}),
        (11, {"i": 2, "k": 3}),
        (9, {"i": 4, "k": 2, "p": 2}),
        (9, {"i": 1, "k": 3, "p": 2}),
        (9, {"i": 2, "k": 5, "p": 3}),
        (13, {"i": 4, "k": 1, "s": 2, "p": 1}),
        (13, {"i": 1, "k": 4, "s": 3, "p": 2}),
        (14, {"i": 3, "k": 3, "s": 2, "p": 0, "a": 2}),
        (14, {"i": 1, "k": 4, "s": 2, "p": 3, "a": 1}),
        (15, {"i": 2, "k": 3, "s": 1, "p": 1, "d": 2}),
    ],
    ids=lambda value: ",".join(f"{n}={v}" for n, v in value.items()) if isinstance(value, dict) else str(value),
)
def test_conditions_are_needed(number: int, values: dict[str, int]) -> None:
    relationship = cm.RELATIONSHIPS[number - 1]
    assert not relationship.applies(**values)
    if number in (3, 10):
        assert not relationship.holds(**values)
    else:
        with pytest.raises(cm.ConvMatrixError, match="must be"):
            relationship.holds(**values)


def test_what_is_left_over_on_the_way_down_is_the_output_padding() -> None:
    for i, k, s, p in itertools.product(range(1, 9), range(1, 6), range(1, 5), range(4)):
        if i + 2 * p >= k:
            down = cm.conv([1] * k, i, stride=s, padding=p)
            left = (i + 2 * p - k) % s
            found = cm.solve_size(down.out_shape[1], i, kernel_size=k, stride=s, padding=p, transpose=True).best
            assert found is not None
            assert found[0].output_padding == left
            up = cm.conv_transpose([1] * k, down.out_shape[1:], stride=s, padding=p, output_padding=left)
            assert up.shape == down.T.shape


@pytest.mark.parametrize("number", [2, 6, 7, 13, 14, 15])
def test_sizes_against_torch(number: int) -> None:
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    relationship = cm.RELATIONSHIPS[number - 1]
    for values in list(grid(relationship))[::7]:
        x, w = torch.zeros(1, 1, values["i"]), torch.zeros(1, 1, values["k"])
        names = {"s": "stride", "p": "padding", "d": "dilation", "a": "output_padding"}
        options = {name: values[letter] for letter, name in names.items() if letter in values}
        if number == 7:
            there = F.avg_pool1d(x, values["k"], **options)
        else:
            there = (F.conv_transpose1d if relationship.family == "transposed" else F.conv1d)(x, w, **options)
        assert relationship.size(**values) == there.shape[-1]


@every
def test_records_print(relationship: cm.Relationship) -> None:
    record = json.loads(json.dumps(relationship.to_dict()))
    assert set(record["letters"]) == set(relationship.letters)
    assert str(relationship).startswith(f"{relationship.number}. ")
    assert "o = " in str(relationship)
    assert relationship._repr_latex_().startswith("$\\displaystyle o = ")
    assert relationship.statement.split()[0] in relationship._repr_html_()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"i": 5, "k": 3, "s": 2}, "relationship 6 must be given i, k, s, p, got i, k, s"),
        ({"i": 5, "k": 3, "s": 2, "p": 0, "d": 1}, "relationship 6 must be given i, k, s, p, got d, i, k, p, s"),
        ({}, "relationship 6 must be given i, k, s, p, got none"),
        ({"i": 5, "k": 3, "s": 0, "p": 0}, "s must be at least 1, got 0"),
        ({"i": 5, "k": 3, "s": 1, "p": 0.5}, "p must be an integer of at least 0, got 0.5"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_letters(values: dict[str, int], message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.RELATIONSHIPS[5].size(**values)


@pytest.mark.parametrize("number", [2, 9])
@pytest.mark.parametrize(
    ("axes", "message"),
    [(0, "axes must be at least 1, got 0"), (1.5, "axes must be an integer of at least 1, got 1.5")],
    ids=str,
)
def test_axes_are_a_number(number: int, axes: float, message: str) -> None:
    asked = cm.RELATIONSHIPS[number - 1]
    for question in (asked.holds, asked.operator, asked.equivalent):
        with pytest.raises(cm.ConvMatrixError, match=message):
            question(axes=axes, i=5, k=3, p=1)


def test_no_negative_padding() -> None:
    with pytest.raises(cm.ConvMatrixError, match="p must be below k for the direct convolution, got 3 with k = 3"):
        cm.RELATIONSHIPS[8].equivalent(i=9, k=3, p=3)
