"""`solve_size` against a search through all layers."""

from __future__ import annotations

import itertools
import json

import pytest

import convmatrix as cm

AXES = list(itertools.product(range(1, 8), range(1, 8), range(1, 5), range(1, 4), range(1, 3)))


def size_down(i: int, k: int, s: int, d: int, pads: tuple[int, int]) -> int:
    """By counting the places of the window."""
    return len(range(0, i + sum(pads) - d * (k - 1), s))


def size_up(i: int, k: int, s: int, d: int, pads: tuple[int, int], extra: int) -> int:
    """The last position that any copy of the kernel writes, cropped."""
    return max(o * s + t * d for o in range(i) for t in range(k)) + 1 + extra - sum(pads)


def test_convolutions_get_every_padding_there_is() -> None:
    for i, o, k, s, d in AXES:
        found = cm.solve_size(i, o, kernel_size=k, stride=s, dilation=d)
        expected = {P for P in range(60) if size_down(i, k, s, d, (P, 0)) == o}
        assert {sum(each.padding) for (each,) in found} >= {P for P in expected if P % 2}
        assert {sum(each.padding) for (each,) in found} == expected
        assert all(abs(each.padding[0] - each.padding[1]) <= 1 for (each,) in found)
        sides = [each.is_symmetric for (each,) in found]
        assert sides == sorted(sides, reverse=True)


def test_transposed_layers_get_every_padding_and_output_padding_there_is() -> None:
    for i, o, k, s, d in AXES:
        found = cm.solve_size(i, o, kernel_size=k, stride=s, dilation=d, transpose=True)
        expected = {
            (P, a) for P in range(60) for a in range(max(s, d)) if size_up(i, k, s, d, (P, 0), a) == o
        }  # fmt: skip
        assert {(sum(each.padding), each.output_padding) for (each,) in found} == expected
        if found:
            op = cm.conv_transpose([1] * k, i, dilation=d, **found.options)
            assert op.out_shape == (1, o)


@pytest.mark.parametrize("transpose", [False, True])
def test_given_paddings_are_kept(transpose: bool) -> None:
    for i, o, k, s, d in AXES[::5]:
        for pads in ((0, 0), (1, 1), (0, 1), (2, 0)):
            found = cm.solve_size(i, o, kernel_size=k, stride=s, dilation=d, padding=[pads], transpose=transpose)
            assert all(each.padding == pads for (each,) in found)
            extras = range(max(s, d)) if transpose else (0,)
            sizes = [size_up(i, k, s, d, pads, a) if transpose else size_down(i, k, s, d, pads) for a in extras]
            assert len(found) == sizes.count(o)


def test_given_output_padding_is_kept() -> None:
    found = cm.solve_size(4, 9, kernel_size=3, stride=2, output_padding=0, transpose=True)
    assert [each for (each,) in found] == [cm.solve_size(4, 9, kernel_size=3, stride=2, transpose=True)[0][0]]
    assert not cm.solve_size(4, 10, kernel_size=3, stride=2, output_padding=0, transpose=True)


@pytest.mark.parametrize(
    ("i", "o", "options", "expected"),
    [
        (224, 112, {"kernel_size": 7, "stride": 2}, {"stride": 2, "padding": 3}),
        (28, 28, {"kernel_size": 5}, {"stride": 1, "padding": 2}),
        (28, 28, {"kernel_size": 4}, {"stride": 1, "padding": [(1, 2)]}),
        ((5, 6), (5, 6), {"kernel_size": (3, 2)}, {"stride": 1, "padding": [(1, 1), (0, 1)]}),
        ((9, 9), (5, 3), {"kernel_size": 3, "stride": (2, 3)}, {"stride": (2, 3), "padding": (1, 0)}),
        (7, 14, {"kernel_size": 4, "stride": 2, "transpose": True}, {"stride": 2, "padding": 1, "output_padding": 0}),
        (10**12, 10**12, {"kernel_size": 3}, {"stride": 1, "padding": 1}),
    ],
    ids=str,
)
def test_the_best_is_what_one_would_type(i, o, options, expected) -> None:
    found = cm.solve_size(i, o, **options)
    assert found.options == expected
    assert found.best == found[0] == next(iter(found))


def test_open_strides() -> None:
    found = cm.solve_size(224, 7, kernel_size=32, stride=None)
    assert {each.stride for (each,) in found} == {s for s in range(1, 300) for P in range(63)
                                                  if size_down(224, 32, s, 1, (P, 0)) == 7}  # fmt: skip
    for (each,) in found:
        assert size_down(224, 32, each.stride, 1, each.padding) == 7
    assert cm.solve_size(9, 1, kernel_size=3, stride=None).options["stride"] >= 7
    assert cm.solve_size(9, 3, kernel_size=1, stride=None, padding=0).options == {"stride": 3, "padding": 0}


def test_open_strides_are_those_that_padding_below_the_extent_reaches() -> None:
    for i, o, k, d in itertools.product(range(1, 10), range(2, 7), range(1, 5), range(1, 3)):
        found = [each for (each,) in cm.solve_size(i, o, kernel_size=k, dilation=d, stride=None)]
        most = 2 * d * (k - 1)
        reached = {s: [P for P in range(most + 1) if size_down(i, k, s, d, (P, 0)) == o] for s in range(1, 60)}
        assert {each.stride: sum(each.padding) in reached[each.stride] for each in found} == {
            s: True for s, pads in reached.items() if pads
        }
        # Equal sides first, and of a stride wherever it has any; then the least stride.
        assert [each.is_symmetric for each in found] == sorted((each.is_symmetric for each in found), reverse=True)
        assert all(each.is_symmetric == any(P % 2 == 0 for P in reached[each.stride]) for each in found)
        for same in (True, False):
            strides = [each.stride for each in found if each.is_symmetric is same]
            assert strides == sorted(strides)


def test_open_strides_with_padding_that_is_given() -> None:
    for i, o, k, pads in itertools.product(range(1, 10), range(2, 7), range(1, 5), ((0, 0), (1, 1), (0, 1), (7, 7))):
        found = cm.solve_size(i, o, kernel_size=k, stride=None, padding=[pads])
        assert [each.stride for (each,) in found] == [s for s in range(1, 60) if size_down(i, k, s, 1, pads) == o]
        assert all(each.padding == pads for (each,) in found)
        assert found or "no stride reaches it with padding" in str(found)


def test_equal_sides_come_before_a_smaller_stride() -> None:
    found = cm.solve_size(8, 4, kernel_size=6, stride=None)
    assert found.options == {"stride": 2, "padding": 2}
    assert [(each.stride, each.padding) for (each,) in found] == [(2, (2, 2)), (3, (4, 4)), (4, (5, 5)), (1, (0, 1))]
    assert "axis 0    stride*3 - 2 <= P <= the same + stride - 1" in str(found)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (lambda: cm.solve_size(5, 1, kernel_size=2), "without padding it is 4 already, and padding makes it larger"),
        (lambda: cm.solve_size(5, 9, kernel_size=3, padding=1), "with padding 1 it is 5"),
        (lambda: cm.solve_size(5, 9, kernel_size=3, padding=[(0, 1)]), r"with padding 0+1 it is 4"),
        (lambda: cm.solve_size(2, 9, kernel_size=3, transpose=True), "with padding 0 it is 4, and padding makes it "),
        (lambda: cm.solve_size(2, 9, kernel_size=3, stride=2, transpose=True), "with padding 0 it is 5 to 6, and"),
        (lambda: cm.solve_size(2, 99, kernel_size=1, stride=None), "no stride reaches it with less padding than"),
    ],
    ids=lambda value: "" if callable(value) else value,
)
def test_no_solution_has_a_reason(found, reason: str) -> None:
    answer = found()
    assert not answer
    assert answer.best is None
    assert answer.options == {}
    assert "no solution" in str(answer)
    assert reason in str(answer)
    assert "no solution" in answer._repr_html_()
    assert json.loads(json.dumps(answer.to_dict()))["axes"][0]["reason"] == answer.reachable[0]


def test_a_sequence_of_all_axes_together() -> None:
    found = cm.solve_size((5, 5), (3, 3), kernel_size=3, stride=2)
    assert len(found) == 4 == len(list(found))
    assert [found[place] for place in range(4)] == list(found) == found[:]
    assert found[-1] == list(found)[-1]
    with pytest.raises(IndexError, match="index must be below 4, got 4"):
        found[4]
    assert "also" in str(found)
    assert json.loads(json.dumps(found.to_dict()))["options"] == {"stride": 2, "padding": 1}


def test_many_solutions_are_cut_off() -> None:
    found = cm.solve_size(10**9, 11, kernel_size=3, stride=10**8)
    assert len(found) == 100
    assert "95 more" in str(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 0}, "input_size must be at least 1, got 0"),
        ({"output_size": -1}, "output_size must be at least 1, got -1"),
        ({"input_size": (), "output_size": ()}, "input_size must have one or more axes, got none"),
        ({"transpose": "no"}, "transpose must be True or False, got 'no'"),
        ({"transpose": 1}, "transpose must be True or False, got 1"),
        ({"output_size": (3, 3)}, "output_size must have as many axes as input_size, 1, got 2"),
        ({"kernel_size": 0}, "kernel_size must be at least 1, got 0"),
        ({"stride": 0}, "stride must be at least 1, got 0"),
        ({"dilation": 0}, "dilation must be at least 1, got 0"),
        ({"padding": -1}, "padding must be at least 0"),
        ({"output_padding": 1}, "output_padding must be left out unless transpose=True, got 1"),
        ({"stride": None, "transpose": True}, "stride must be given for a transposed layer, got None"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_questions(options, message: str) -> None:
    given = {"input_size": 5, "output_size": 3, "kernel_size": 3, **options}
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.solve_size(given.pop("input_size"), given.pop("output_size"), **given)
