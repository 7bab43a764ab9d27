"""The catalogue and its records: names, structures, refusals, and what each kind is known for."""

from __future__ import annotations

import copy
import json
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.signal

import convmatrix as cm
from convmatrix.kinds.numbers import ARTICLE, integers
from convmatrix.kinds.registry import Kinds

every = pytest.mark.parametrize("name", cm.KINDS)


def build(name: str, *arguments: Any, **options: Any) -> cm.TensorOperator:
    return cm.KINDS[name].build(*arguments, **options)


# -- records -----------------------------------------------------------------------------------------------------------


def test_the_catalogue_is_the_article_in_its_order() -> None:
    sections = [tuple(map(int, kind.section.split("."))) for kind in cm.KINDS.values()]
    assert sections == sorted(sections)
    assert {section[0] for section in sections} == set(range(1, 13))


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


@every
def test_copies_and_pickles_are_the_record_itself(name: str) -> None:
    kind = cm.KINDS[name]
    for other in (copy.copy(kind), copy.deepcopy(kind), pickle.loads(pickle.dumps(kind))):
        assert other is kind
    op = kind.example()
    for again in (copy.deepcopy(op), pickle.loads(pickle.dumps(op))):
        assert kind.verify(again)


def test_the_catalogue_can_be_pickled() -> None:
    assert list(pickle.loads(pickle.dumps(cm.KINDS)).items()) == list(cm.KINDS.items())


def test_examples_are_the_article_s() -> None:
    assert np.array_equal(cm.KINDS["conv2d"].example().weight, [[ARTICLE]])
    shapes = {name: (cm.KINDS[name].example().in_shape, cm.KINDS[name].example().out_shape) for name in cm.KINDS}
    assert shapes["conv2d"] == ((1, 5, 5), (1, 3, 3))
    assert shapes["multichannel"] == ((3, 5, 5), (1, 3, 3))
    assert shapes["transposed"] == ((1, 2, 2), (1, 4, 4))
    assert shapes["depthwise_separable"] == ((3, 7, 7), (128, 5, 5))
    sobel = cm.conv("sobel_x", (5, 5)).tosparse()
    assert (cm.KINDS["spatially_separable"].example().tosparse() != sobel).nnz == 0


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


# -- what verify says --------------------------------------------------------------------------------------------------


@every
def test_a_structure_that_does_not_hold_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op = cm.KINDS[name].example()
    wrong = op.tosparse().copy()
    wrong.data[0] += 1
    monkeypatch.setattr(op, "tosparse", lambda: wrong)
    assert not cm.KINDS[name].verify(op)


def test_a_structure_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(cm.KINDS["grouped"]), "verify", lambda *_: False)
    assert "does NOT hold on the example" in str(cm.KINDS["grouped"])


def test_what_another_made_is_refused() -> None:
    """A cross-correlation is a convolution by the turned kernel: whose kernel it was, the matrix does not tell."""
    correlated = build("cross_correlation", [1, 2, 3], 4, padding="full")
    kernel = cm.conv([[1, 2], [3, 4]], (3, 3)) @ cm.conv([[1, 2], [3, 4]], (4, 4))
    for name, op in [
        ("convolution", correlated),
        ("circulant", cm.conv(integers(3, 3), (5, 5), padding=1)),
        ("depthwise_separable", cm.conv([1, 2], 5)),
        ("sub_pixel", kernel),
        ("grouped", 2 * cm.KINDS["grouped"].example()),
        ("grouped", 3),
    ]:
        for ask in (cm.KINDS[name].verify, cm.KINDS[name].expected):
            with pytest.raises(cm.ConvMatrixError, match=rf"op must be what KINDS\['{name}'\].build makes, got "):
                ask(op)


@pytest.mark.parametrize(
    ("name", "kernel", "size"),
    [
        ("cross_correlation", (3,), (6,)),
        ("cross_correlation", (2, 3), (5, 6)),
        ("convolution", (3,), (6,)),
        ("convolution", (2, 3), (5, 6)),
        ("conv1d", (3,), (7,)),
        ("conv2d", (2, 2), (7, 7)),
        ("conv3d", (2, 2, 2), (4, 5, 4)),
        ("circulant", (3,), (6,)),
        ("circulant", (3, 2), (5, 4)),
    ],
    ids=str,
)
def test_the_words_are_what_inspect_sees(name: str, kernel: tuple[int, ...], size: tuple[int, ...]) -> None:
    kind, axes = cm.KINDS[name], len(size)
    seen = cm.inspect(build(name, integers(*kernel), size))
    if name == "circulant":
        assert "circulant" in kind.structure
        assert seen.is_circulant if axes == 1 else seen.is_doubly_block_circulant
    else:
        assert "Toeplitz" in kind.structure
        assert seen.is_toeplitz if axes == 1 else seen.is_block_toeplitz


@pytest.mark.parametrize(("name", "axes"), [("conv1d", 1), ("conv2d", 2), ("conv3d", 3)])
def test_of_a_strided_layer_the_words_are_about_rows(name: str, axes: int) -> None:
    """With stride 2 it is not Toeplitz, and nobody says so."""
    kind, kernel, size = cm.KINDS[name], integers(*[2] * axes), (5,) * axes
    whole, strided = kind.build(kernel, size), kind.build(kernel, size, stride=2)
    assert kind.structure.endswith("every s-th row at stride s")
    seen = cm.inspect(strided)
    assert not seen.is_toeplitz
    assert not seen.is_block_toeplitz
    kept = np.arange(4**axes).reshape([4] * axes)[(slice(None, None, 2),) * axes].ravel()
    assert np.array_equal(strided.toarray(), whole.toarray()[kept])
    assert kind.verify(strided)


def test_floats_that_are_added_up_in_another_order_agree(rng: np.random.Generator) -> None:
    weights = rng.normal(size=(2, 9, 3, 3, 3))
    op = build("shuffled_grouped", *weights, (4, 4), padding=1)
    kind = cm.KINDS["shuffled_grouped"]
    assert kind.verify(op)
    assert (kind.expected(op) != op.tosparse()).nnz > 0
    # An entry off by a hundred times its rounding is not in order.
    wrong = op.tosparse()
    wrong.data[np.argmax(abs(wrong.data))] *= 1 + 1e-12
    op.tosparse = lambda: wrong
    assert not kind.verify(op)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear"])
@pytest.mark.parametrize("scale", [2, Fraction(3, 2), 0.75, (3, 1)], ids=str)
def test_resize_conv_is_verified_at_any_scale(scale: Any, mode: str) -> None:
    for weight in (integers(3, 3), integers(3, 3) / 7, [[Fraction(1, 3), 1], [2, Fraction(1, 7)]]):
        assert cm.KINDS["resize_conv"].verify(build("resize_conv", weight, (4, 4), scale=scale, mode=mode))


def test_weights_that_are_not_finite_are_refused() -> None:
    op = build("spatially_separable", [1.0, 2.0], [np.nan, 1.0], (3, 3))
    with pytest.raises(cm.ConvMatrixError, match="row must be finite, got nan"):
        cm.KINDS["spatially_separable"].verify(op)


def test_what_cannot_be_compared_is_refused_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convmatrix.memory.free_memory", lambda: 10**8)
    one = np.broadcast_to(1.0, (2000, 2000))
    op = build("fully_connected", one, 2000)
    with pytest.raises(cm.MatrixTooLargeError, match="the comparison of the 2000 x 2000 matrix with the one promised"):
        cm.KINDS["fully_connected"].verify(op)
    with pytest.raises(cm.MatrixTooLargeError, match="use a smaller input, or free some memory"):
        cm.KINDS["fully_connected"].expected(op)
    exact = build("pointwise", [[Fraction(1, 3)]], (40, 40))
    with pytest.raises(cm.MatrixTooLargeError, match="the comparison of the 1600 x 1600 matrix"):
        cm.KINDS["pointwise"].verify(exact)


def test_what_was_asked_for_is_kept_from_changes() -> None:
    weight, padding = np.array([1.0, 2.0, 3.0]), [(1, 0)]
    op = build("cross_correlation", weight, 5, padding=padding)
    weight[:] = 0
    padding[0] = (2, 2)
    assert cm.KINDS["cross_correlation"].verify(op)


# -- weights -----------------------------------------------------------------------------------------------------------

TEXTS: list[tuple[str, tuple[Any, ...], tuple[Any, ...]]] = [
    ("conv2d", ("1 2; 3 4", (4, 4)), ([[1, 2], [3, 4]], (4, 4))),
    ("transposed", ("1 2; 3 4", (4, 4)), ([[1, 2], [3, 4]], (4, 4))),
    ("depthwise", ("sobel_x", (4, 4)), (cm.kernel("sobel_x"), (4, 4))),
    ("depthwise", ("1 2; 3 4 | 5 6; 7 8", (4, 4)), (integers(2, 2, 2) * 0 + np.arange(1, 9).reshape(2, 2, 2), (4, 4))),
    ("pointwise", ("1 2; 3 4; 5 6", (2, 2)), ([[1, 2], [3, 4], [5, 6]], (2, 2))),
    ("pointwise_grouped", ("1 2; 3 4", (2, 2)), ([[1, 2], [3, 4]], (2, 2))),
    ("resize_conv", ("1 2 1", 4), ([1, 2, 1], 4)),
    ("spatially_separable", ("1 2 1", "-1 0 1", (4, 4)), ([1, 2, 1], [-1, 0, 1], (4, 4))),
    ("flattened", ("1 2", "3 4", "5 6", (4, 4)), ([1, 2], [3, 4], [5, 6], (4, 4))),
    ("fully_connected", ("1 2; 3 4", 2), ([[1, 2], [3, 4]], 2)),
    ("depthwise_separable", ("1 2; 3 4", "1; 2", (3, 3)), ([[1, 2], [3, 4]], [[1], [2]], (3, 3))),
]


@pytest.mark.parametrize(("name", "text", "numbers"), TEXTS, ids=[f"{name} {text[0]}" for name, text, _ in TEXTS])
def test_text_is_read_as_kernels(name: str, text: tuple[Any, ...], numbers: tuple[Any, ...]) -> None:
    op = build(name, *text)
    assert (op.tosparse() != build(name, *numbers).tosparse()).nnz == 0
    assert cm.KINDS[name].verify(op)


def test_text_of_files_has_channels(tmp_path: Any) -> None:
    weight = integers(4, 1, 3, 3)
    np.save(tmp_path / "w.npy", weight)
    for name in ("depthwise", "sub_pixel", "multichannel"):
        op = build(name, str(tmp_path / "w.npy"), (5, 5))
        assert (op.tosparse() != build(name, weight, (5, 5)).tosparse()).nnz == 0
    # What was read once is not read again.
    (tmp_path / "w.npy").unlink()
    assert cm.KINDS["multichannel"].verify(op)


def test_a_broadcast_weight_takes_no_memory() -> None:
    """The article's comparison: 25,088 outputs of 25,088 inputs would take 5 GB, and half as much as int32."""
    for one in (1.0, np.int32(1)):
        op = build("fully_connected", np.broadcast_to(one, (25088, 25088)), (32, 28, 28))
        assert (op.weight.size, op.weight.base.size) == (25088**2, 1)
        assert cm.cost(op).multiplications == 25088**2
    with pytest.raises(cm.MatrixTooLargeError):
        op.tosparse(max_bytes=1 << 30)
    rows = build("fully_connected", np.broadcast_to(np.arange(6), (3, 6)), (2, 3))
    assert np.array_equal(rows.toarray(), [range(6)] * 3)
    assert cm.KINDS["fully_connected"].verify(rows)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: build("pointwise", integers(2, 2, 3, 3), (4, 4)), r"weight must have the shape \(c_out, c_in\) or "),
        (lambda: build("fully_connected", integers(2, 7), (2, 3)), r"\(c_out, 6\) for in_shape \(2, 3\), got \(2, 7\)"),
        (lambda: build("fully_connected", integers(2, 7), ()), r"in_shape must be \(channels, \*spatial\), got \(\)"),
        (lambda: build("depthwise", integers(2, 2, 3, 3), (4, 4)), r"\(channels, 1, \*kernel\) on 2 axes, got "),
        (lambda: build("spatially_separable", [[1]], [1], (3, 3)), r"column must be one line .* got shape \(1, 1\)"),
        (lambda: build("spatially_separable", [1], [[1]], (3, 3)), r"row must be one line .* got shape \(1, 1\)"),
        (lambda: build("spatially_separable", [1], ["a"], (3, 3)), r"row must be made of numbers or SymPy .* text 'a'"),
        (lambda: build("flattened", [[1], [2]], [[1]], [[1]], (3, 3)), "vertical must have one line a filter, 2 as in"),
        (lambda: build("sub_pixel", integers(3, 1, 3, 3), (4, 4)), r"multiple of 4 output channels for factor 2, got "),
        (lambda: build("resize_conv", integers(3), (4, 4)), r"weight must have 2 axes, or 4, got shape \(3,\)"),
        (lambda: build("sub_pixel", "1 2", 4), r"multiple of 2 output channels for factor 2, got shape \(1, 1, 2\)"),
        (lambda: build("pointwise", "sobelx", 4), r"kernel name must be one that kernel_names\(\) lists, got the "),
        (lambda: build("grouped", integers(3, 1, 3), 4), "groups"),
        (lambda: build("conv1d", integers(2, 2), (4, 4)), r"input_size must have 1 axis, got \(4, 4\)"),
        (lambda: build("conv2d", integers(2), 4), r"input_size must have 2 axes, got \(4,\)"),
        (lambda: build("conv2d", integers(2, 2, 2), (4, 4, 4)), r"input_size must have 2 axes, got \(4, 4, 4\)"),
        (lambda: build("conv3d", integers(2), 4), r"input_size must have 3 axes, got \(4,\)"),
        (lambda: build("spatially_separable", [1], [1], 4), r"input_size must have 2 axes, got \(4,\)"),
        (lambda: build("flattened", [1], [1], [1], 4), r"input_size must have 2 axes, got \(4,\)"),
        (
            lambda: build("depthwise_separable", integers(2, 2, 3, 3), integers(2, 2), (4, 4)),
            r"depthwise_weight must have the shape \(channels, 1, \*kernel\) on 2 axes, got \(2, 2, 3, 3\)",
        ),
        (
            lambda: build("depthwise_separable", integers(2, 3, 3), integers(2, 2, 3), (4, 4)),
            r"pointwise_weight must have the shape \(c_out, channels\) or kernel size 1, got \(2, 2, 3\)",
        ),
        (
            lambda: build("shufflenet_unit", integers(6, 4), integers(6, 1, 3, 3), integers(9, 2), (4, 4)),
            r"expand must bring back what stride 1 adds, \(12, 4, 4\) -> \(12, 4, 4\), got \(9, 4, 4\)",
        ),
        (
            lambda: build("shufflenet_unit", integers(6, 4), integers(6, 1, 3, 3), integers(12, 2, 3), (4, 4)),
            r"expand must have the shape \(c_out, c_in/groups\) or kernel size 1, got \(12, 2, 3\)",
        ),
    ],
    ids=lambda value: "" if callable(value) else str(value)[:24],
)
def test_what_is_not_of_the_kind_is_refused(made: Any, message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=message):
        made()


def test_depthwise_has_a_kernel_a_channel() -> None:
    assert build("depthwise", integers(6, 1, 3, 3), (5, 5)).in_shape == (6, 5, 5)


# -- what each kind is known for ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("stride", [1, (1, 1), 2, (1, 2), 3], ids=str)
@pytest.mark.parametrize("size", [(1, 1), (4, 4)], ids=str)
def test_the_unit_adds_its_input_at_stride_1_and_only_there(stride: Any, size: tuple[int, ...]) -> None:
    """On one pixel the shapes would fit at every stride."""
    parts = integers(6, 4), integers(6, 1, 3, 3), integers(12, 2)
    op = build("shufflenet_unit", *parts, size, stride=stride)
    zeroed = build("shufflenet_unit", *parts[:2], 0 * parts[2], size, stride=stride)
    shortcut = zeroed.toarray()
    adds = stride in (1, (1, 1))
    assert np.array_equal(shortcut, np.eye(*shortcut.shape) if adds else np.zeros(shortcut.shape))
    assert cm.KINDS["shufflenet_unit"].verify(op)
