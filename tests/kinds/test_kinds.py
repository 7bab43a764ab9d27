"""The catalogue: every kind against torch or SciPy, every structure against the matrix."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import oracles
import pytest
import scipy.linalg
import scipy.signal

import convmatrix as cm
from convmatrix.kinds.numbers import ARTICLE, integers
from convmatrix.kinds.registry import Kinds

NAMES = (
    "cross_correlation", "convolution", "conv2d", "multichannel", "conv1d", "conv3d", "pointwise", "fully_connected",
    "strided", "padded", "circulant", "transposed", "resize_conv", "sub_pixel", "dilated", "spatially_separable",
    "depthwise", "depthwise_separable", "flattened", "grouped", "shuffled_grouped", "pointwise_grouped",
    "shufflenet_unit",
)  # fmt: skip

every = pytest.mark.parametrize("name", cm.KINDS)


def build(name: str, *arguments: Any, **options: Any) -> cm.TensorOperator:
    return cm.KINDS[name].build(*arguments, **options)


# A second build of each kind, with other arguments than its example's.
OTHERS: dict[str, Any] = {
    "cross_correlation": lambda: build("cross_correlation", integers(2, 3), (4, 5), padding=1),
    "convolution": lambda: build("convolution", integers(3, 2), (4, 4)),
    "conv2d": lambda: build("conv2d", integers(2, 3), (6, 7), stride=(2, 1), padding=1, dilation=(1, 2)),
    "multichannel": lambda: build("multichannel", integers(4, 2, 2, 3), (5, 4), padding=1, stride=2),
    "conv1d": lambda: build("conv1d", integers(3, 2, 4), 12, stride=3, padding=2, dilation=2),
    "conv3d": lambda: build("conv3d", integers(2, 2, 2, 1, 3), (3, 4, 5), padding=(0, 1, 1)),
    "pointwise": lambda: build("pointwise", integers(3, 5, 1), 4),
    "fully_connected": lambda: build("fully_connected", integers(3, 8), (8,)),
    "strided": lambda: build("strided", integers(2, 2, 3), 9, stride=3, padding=1),
    "padded": lambda: build("padded", integers(2, 3), (3, 4), padding=[(0, 2), (1, 0)]),
    "circulant": lambda: build("circulant", integers(2, 3, 4), 5, dilation=2),
    "transposed": lambda: build(
        "transposed", integers(4, 1, 3), 4, stride=2, padding=1, output_padding=1, groups=2
    ),
    "resize_conv": lambda: build("resize_conv", integers(2, 3, 3), 4, scale=3),
    "sub_pixel": lambda: build("sub_pixel", integers(12, 2, 1, 3), (2, 3), factor=(3, 2)),
    "dilated": lambda: build("dilated", integers(2, 1, 3), 12, dilation=3, stride=2, padding=2),
    "spatially_separable": lambda: build(
        "spatially_separable", [1, 4, 6, 4, 1], [2, 5], (7, 6), stride=(2, 1), padding=[(1, 2), (0, 1)]
    ),
    "depthwise": lambda: build("depthwise", integers(3, 2, 2), (4, 5), stride=2, padding=1),
    "depthwise_separable": lambda: build(
        "depthwise_separable", integers(2, 1, 3), integers(5, 2, 1), 8, stride=2, padding=1
    ),
    "flattened": lambda: build("flattened", [1, 2], [3, 4, 5], [6, 7], (4, 4), padding=1),
    "grouped": lambda: build("grouped", integers(6, 1, 2), 5, groups=3, padding=1),
    "shuffled_grouped": lambda: build("shuffled_grouped", integers(4, 3, 1), integers(2, 2, 3), 6, groups=2, stride=2),
    "pointwise_grouped": lambda: build("pointwise_grouped", integers(4, 3, 1, 1), (2, 2)),
    "shufflenet_unit": lambda: build(
        "shufflenet_unit", integers(4, 3), integers(4, 1, 3, 3), integers(8, 2), (5, 5), groups=2, stride=2
    ),
}  # fmt: skip


def test_the_catalogue_is_the_article_in_its_order() -> None:
    assert tuple(cm.KINDS) == NAMES
    assert set(OTHERS) == set(NAMES)
    sections = [tuple(map(int, kind.section.split("."))) for kind in cm.KINDS.values()]
    assert sections == sorted(sections)
    assert {section[0] for section in sections} == set(range(1, 13))


@every
def test_the_structure_holds_on_the_example_and_elsewhere(name: str) -> None:
    kind = cm.KINDS[name]
    assert kind.verify()
    assert kind.verify(OTHERS[name]())
    assert kind.expected().shape == kind.example().shape


@every
def test_a_structure_that_does_not_hold_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op = cm.KINDS[name].example()
    wrong = op.tosparse().copy()
    wrong.data[0] += 1
    monkeypatch.setattr(op, "tosparse", lambda: wrong)
    assert not cm.KINDS[name].verify(op)


def test_another_kind_s_operator_does_not_pass() -> None:
    assert not cm.KINDS["circulant"].verify(cm.conv(integers(3, 3), (5, 5), padding=1))
    with pytest.raises(cm.ConvMatrixError, match=r"op must be what KINDS\['depthwise_separable'\].build makes, got "):
        cm.KINDS["depthwise_separable"].verify(cm.conv([1, 2], 5))


@every
def test_records_say_what_they_are(name: str) -> None:
    kind = cm.KINDS[name]
    assert kind.name == name == kind.build.__name__
    for words in (kind.title, kind.description, kind.reference, kind.structure):
        assert len(words) > 3
    record = json.loads(json.dumps(kind.to_dict()))
    assert record["verified"] is True
    assert record["example"]["shape"] == list(kind.example().shape)
    assert str(kind).startswith(f"{name}: ")
    assert "verified on the example" in str(kind)
    assert name in kind._repr_html_()
    assert name in str(cm.KINDS)
    assert name in cm.KINDS._repr_html_()
    assert name in repr(cm.KINDS)


def test_a_structure_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(cm.KINDS["grouped"]), "verify", lambda *_: False)
    assert "does NOT hold on the example" in str(cm.KINDS["grouped"])


def test_unknown_names() -> None:
    with pytest.raises(cm.ConvMatrixError, match=r"got 'depthwize': did you mean depthwise"):
        cm.KINDS["depthwize"]
    with pytest.raises(KeyError, match=r"name must be a kind of convolution, got 'xyz': known are cross_correlation, "):
        cm.KINDS["xyz"]
    assert "xyz" not in cm.KINDS
    assert cm.KINDS.get("xyz") is None


def test_a_name_is_entered_once() -> None:
    kinds = Kinds()
    kinds.enter(cm.KINDS["grouped"])
    with pytest.raises(cm.ConvMatrixError, match="name must be new to the catalogue, got 'grouped'"):
        kinds.enter(cm.KINDS["grouped"])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: build("pointwise", integers(2, 2, 3, 3), (4, 4)), r"weight must have the shape \(c_out, c_in\) or "),
        (lambda: build("fully_connected", integers(2, 7), (2, 3)), r"\(c_out, 6\) for in_shape \(2, 3\), got \(2, 7\)"),
        (lambda: build("depthwise", integers(2, 2, 3, 3), (4, 4)), r"\(channels, 1, \*kernel\) on 2 axes, got "),
        (lambda: build("spatially_separable", [[1]], [1], (3, 3)), r"column must be one line .* got shape \(1, 1\)"),
        (lambda: build("spatially_separable", [1], [[1]], (3, 3)), r"row must be one line .* got shape \(1, 1\)"),
        (lambda: build("flattened", [[1], [2]], [[1]], [[1]], (3, 3)), "vertical must have one line a filter, 2 as in"),
        (lambda: build("sub_pixel", integers(3, 1, 3, 3), (4, 4)), r"multiple of 4 output channels for factor 2, got "),
        (lambda: build("resize_conv", integers(3), (4, 4)), r"weight must have 2 axes, or 4, got shape \(3,\)"),
        (lambda: build("grouped", integers(3, 1, 3), 4), "groups"),
    ],
    ids=lambda value: "" if callable(value) else str(value)[:24],
)
def test_what_is_not_of_the_kind_is_refused(made: Any, message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=message):
        made()


# What each example is, said by torch.
def functional() -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    F = torch.nn.functional

    def tensor(array: Any) -> Any:
        return torch.from_numpy(np.array(array, dtype=float))

    def bare(kernel: Any) -> Any:
        return tensor(kernel)[None, None]

    a = integers
    return {
        "cross_correlation": lambda x: F.conv1d(x, bare([1, 2, 3])),
        "convolution": lambda x: F.conv1d(x, bare([3, 2, 1]), padding=2),
        "conv2d": lambda x: F.conv2d(x, bare(ARTICLE)),
        "multichannel": lambda x: F.conv2d(x, tensor(a(1, 3, 3, 3))),
        "conv1d": lambda x: F.conv1d(x, tensor(a(2, 2, 3))),
        "conv3d": lambda x: F.conv3d(x, bare(a(2, 3, 3))),
        "pointwise": lambda x: torch.einsum("oc,bchw->bohw", tensor(a(2, 4)), x),
        "fully_connected": lambda x: F.linear(x.flatten(1), tensor(a(4, 18))),
        "strided": lambda x: F.conv2d(x, bare(a(3, 3)), stride=2),
        "padded": lambda x: F.conv2d(x, bare(a(3, 3)), padding=1),
        "circulant": lambda x: F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), bare(a(3, 3))),
        "transposed": lambda x: F.conv_transpose2d(x, bare(a(3, 3))),
        "resize_conv": lambda x: F.conv2d(F.interpolate(x, scale_factor=2), bare(a(3, 3)), padding=1),
        "sub_pixel": lambda x: F.pixel_shuffle(F.conv2d(x, tensor(a(4, 1, 3, 3)), padding=1), 2),
        "dilated": lambda x: F.conv2d(x, bare(a(3, 3)), dilation=2),
        "spatially_separable": lambda x: F.conv2d(x, bare([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])),
        "depthwise": lambda x: F.conv2d(x, tensor(a(3, 1, 3, 3)), groups=3),
        "depthwise_separable": lambda x: F.conv2d(
            F.conv2d(x, tensor(a(3, 1, 3, 3)), groups=3), tensor(a(128, 3))[..., None, None]
        ),
        "flattened": lambda x: F.conv2d(
            x, torch.einsum("fc,fy,fx->fcyx", tensor(a(2, 3)), tensor(a(2, 3) - 4), tensor(a(2, 3)[::-1]))
        ),
        "grouped": lambda x: F.conv2d(x, tensor(a(4, 2, 3, 3)), groups=2),
        "shuffled_grouped": lambda x: F.conv2d(
            F.channel_shuffle(F.conv2d(x, tensor(a(9, 3, 3, 3)), groups=3, padding=1), 3),
            tensor(a(9, 3, 3, 3)), groups=3, padding=1,
        ),
        "pointwise_grouped": lambda x: F.conv2d(x, tensor(a(6, 2))[..., None, None], groups=3),
        "shufflenet_unit": lambda x: x + F.conv2d(
            F.conv2d(
                F.channel_shuffle(F.conv2d(x, tensor(a(6, 4))[..., None, None], groups=3), 3),
                tensor(a(6, 1, 3, 3)), padding=1, groups=6,
            ),
            tensor(a(12, 2))[..., None, None], groups=3,
        ),
    }  # fmt: skip


@every
def test_examples_against_torch(name: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    op = cm.KINDS[name].example()
    x = rng.integers(-9, 10, (2, *op.in_shape))
    expected = functional()[name](torch.from_numpy(x.astype(float))).numpy()
    assert np.array_equal(op(x).reshape(expected.shape), expected)
    assert np.array_equal((op.tosparse() @ x.reshape(2, -1).T).T, expected.reshape(2, -1))


@pytest.mark.parametrize("name", ["cross_correlation", "convolution"])
def test_the_two_first_kinds_against_scipy(name: str, rng: np.random.Generator) -> None:
    x = rng.integers(-9, 10, cm.KINDS[name].example().in_shape[1:])
    mode, function = (
        ("valid", scipy.signal.correlate) if name == "cross_correlation" else ("full", scipy.signal.convolve)
    )
    assert np.array_equal(cm.KINDS[name].example()(x), function(x, [1, 2, 3], mode, "direct"))


def test_convolution_is_scipy_s_convolution_matrix() -> None:
    expected = scipy.linalg.convolution_matrix([1, 2, 3], 4, mode="full")
    assert np.array_equal(cm.KINDS["convolution"].example().toarray(), expected)


def test_a_kernel_that_covers_its_input_is_the_fully_connected_layer() -> None:
    weight = integers(4, 2, 3, 3)
    layer = build("fully_connected", weight.reshape(4, -1), (2, 3, 3))
    assert np.array_equal(cm.conv(weight, (3, 3)).toarray(), layer.toarray())
    assert layer.out_shape == (4, 1, 1)


def test_circulant_is_diagonalised_by_the_dft() -> None:
    op = build("circulant", [2, 5, 1], 6)
    dft = scipy.linalg.dft(6)
    diagonal = dft @ op.toarray() @ np.linalg.inv(dft)
    assert np.allclose(diagonal, np.diag(np.diag(diagonal)))
    assert np.array_equal(op.toarray(), scipy.linalg.circulant(op.toarray()[:, 0]))


def test_groups_only_meet_through_the_shuffle() -> None:
    shuffled = cm.KINDS["shuffled_grouped"].example()
    apart = cm.conv(integers(9, 3, 3, 3), (4, 4), groups=3, padding=1) @ cm.conv(
        integers(9, 3, 3, 3), (4, 4), groups=3, padding=1
    )
    blocks = [abs(op.toarray()).reshape(9, 16, 9, 16).sum((1, 3)) > 0 for op in (shuffled, apart)]
    assert blocks[0].all()
    assert np.array_equal(blocks[1], np.kron(np.eye(3, dtype=bool), np.ones((3, 3), dtype=bool)))


@every
def test_the_other_builds_are_what_they_do(name: str) -> None:
    op = OTHERS[name]()
    oracles.assert_same(op.toarray(), oracles.by_unit_vectors(op))
