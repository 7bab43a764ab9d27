"""`nearest_free`: free by the prover, and the least-squares projection that brute force finds."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import convmatrix as cm
from convmatrix import ConvMatrixError, exact
from convmatrix.analysis.checkerboard import choosing, coupling, spaces
from convmatrix.analysis.checkerboard.fixing import NearestFree, nearest_free, weighted_layers
from convmatrix.analysis.phases import respond, response_of_bias
from convmatrix.errors import SymbolicError
from convmatrix.operators.algebra import Product, Scaled

Builder = Callable[..., Any]
"""From a weight and a bias to the layer, the geometry being fixed."""


# -- the oracle -------------------------------------------------------------------------------------------------------


def differences(values: np.ndarray) -> np.ndarray:
    """Every phase minus the first, flat; of gains as of biases, floats."""
    flat = values.reshape(-1, *values.shape[-2:]).astype(complex)
    return (flat[1:] - flat[:1]).reshape(-1)


def bias_of(op: Any, period: tuple[int, ...]) -> np.ndarray:
    found = response_of_bias(op)
    if found is None:
        return np.zeros(0)
    repeats = [long // short for long, short in zip(period, found.shape, strict=False)]
    return differences(np.tile(found, (*repeats, 1, 1)))


def brute_force(build: Callable[[np.ndarray, Any], Any], weight: np.ndarray, bias: Any) -> tuple[np.ndarray, float]:
    """The nearest weight for which some bias of the layer makes everything even, by a matrix of all basis weights.

    And by how much everything fails to be even with it.

    `build(weight, bias)` is the whole expression; no bias of the layer where `bias` is None.
    """
    shape, size = weight.shape, weight.size
    basis = np.eye(size).reshape(size, *shape)
    period = respond(build(weight, bias)).shape[:-2]
    rows = np.stack([differences(respond(build(one, bias))) for one in basis], axis=1)
    start = bias_of(build(np.zeros(shape), bias), period)
    of_weight = np.stack([bias_of(build(one, bias), period) - start for one in basis], axis=1)
    target = -start
    if bias is not None:
        units = np.eye(len(bias))
        nothing = np.zeros(shape)
        zero = bias_of(build(nothing, 0 * units[0]), period)
        of_bias = np.stack([bias_of(build(nothing, one), period) - zero for one in units], axis=1)
        keep = np.eye(len(start)) - of_bias @ np.linalg.pinv(of_bias, rcond=1e-11)
        of_weight, target = keep @ of_weight, keep @ target
    matrix = np.concatenate([rows, of_weight])
    right = np.concatenate([np.zeros(len(rows)), target])
    matrix[np.abs(matrix) < 1e-12 * max(1.0, float(np.abs(matrix).max(initial=0)))] = 0
    flat = weight.astype(complex if weight.dtype.kind == "c" else float).reshape(-1)
    gap = matrix @ flat - right
    if flat.dtype.kind == "f":
        matrix, gap = np.concatenate([matrix.real, matrix.imag]), np.concatenate([gap.real, gap.imag])
    moved = np.linalg.lstsq(matrix, gap, rcond=1e-11)[0]
    return (flat - moved).reshape(shape), float(np.abs(gap - matrix @ moved).max(initial=0))


def assert_nearest(op: Any, number: int, build: Callable[[np.ndarray, Any], Any]) -> NearestFree | None:
    """Free by the prover, at the projection, as far as it says, and moved no more by another fix.

    None where no weight and no bias of that layer can do it, which is then said.
    """
    layer = weighted_layers(op)[number]
    bias = None if layer.bias is None else layer.bias.reshape(-1)
    expected, gap = brute_force(build, layer.weight, bias)
    if gap > 1e-6:
        with pytest.raises(ConvMatrixError, match="op must have a bias that the chosen layer can make even"):
            nearest_free(op, number)
        return None
    fixed = nearest_free(op, number)
    assert cm.checkerboard(fixed.operator).is_free
    found = weighted_layers(fixed.operator)[number]
    numbers = found.weight.astype(expected.dtype)
    scale = max(1.0, float(np.abs(expected).max()), float(np.abs(layer.weight.astype(expected.dtype)).max()))
    rough = 1e-3 if found.weight.dtype.itemsize == 4 and found.weight.dtype.kind == "f" else 1e-8
    np.testing.assert_allclose(numbers, expected, atol=rough * scale, rtol=0)
    moved = np.abs(numbers - layer.weight.astype(expected.dtype))
    assert float(fixed.squared_distance) == pytest.approx(float((moved**2).sum()), rel=1e-3, abs=rough * scale**2)
    again = nearest_free(fixed.operator, number)
    assert again.operator is fixed.operator
    assert again.squared_distance == 0
    if layer.weight.dtype.kind == "i" and isinstance(fixed.squared_distance, (int, Fraction)):
        gains = respond(fixed.operator).reshape(-1, op.out_shape[0] * op.in_shape[0])
        assert (gains == gains[0]).all()
    return fixed


# -- what is drawn ----------------------------------------------------------------------------------------------------


class Draw:
    """Random layers by a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def numbers(self, shape: Any, kind: str) -> np.ndarray:
        if kind == "int":
            return self.rng.integers(-4, 5, shape)
        if kind == "fraction":
            entries = [Fraction(self.number(-6, 6), self.number(1, 5)) for _ in range(int(np.prod(shape)))]
            return np.array(entries, dtype=object).reshape(shape)
        if kind == "complex":
            return self.rng.normal(size=shape) + 1j * self.rng.normal(size=shape)
        values = self.rng.normal(size=shape)
        return values.astype(np.float32) if kind == "float32" else values

    def transposed(
        self, channels: int, axes: int, kind: str, biased: bool = False, largest: bool = True
    ) -> tuple[Builder, Any, Any]:
        """A builder of a transposed layer from its input size, a weight and a bias."""
        groups = channels if self.rng.random() < 0.25 else 1
        outputs, most = self.number(1, 2), 3 if axes == 3 or not largest else 5
        kernel = tuple(self.number(1, most) for _ in range(axes))
        stride = tuple(self.number(1, 3 if largest else 2) for _ in range(axes))
        dilation = tuple(self.number(1, 3) for _ in range(axes))
        weight = self.numbers((channels, outputs, *kernel), kind)
        bias = self.numbers(outputs * groups, kind) if biased else None

        def build(size: tuple[int, ...], weight: Any, bias: Any) -> Any:
            return cm.conv_transpose(weight, size, stride=stride, dilation=dilation, groups=groups, bias=bias)

        return build, weight, bias

    def forward(self, channels: int, axes: int, kind: str, outputs: int, biased: bool) -> tuple[Builder, Any, Any]:
        """A convolution, of stride 1 or 2."""
        groups = 2 if channels % 2 == 0 and outputs % 2 == 0 and self.rng.random() < 0.5 else 1
        kernel = tuple(self.number(1, 3) for _ in range(axes))
        stride = self.number(1, 2)
        weight = self.numbers((outputs, channels // groups, *kernel), kind)
        bias = self.numbers(outputs, kind) if biased else None

        def build(size: tuple[int, ...], weight: Any, bias: Any) -> Any:
            return cm.conv(weight, size, stride=stride, padding=2, groups=groups, bias=bias)

        return build, weight, bias


def single(seed: int, kind: str) -> tuple[Any, Callable[[np.ndarray, Any], Any]]:
    draw = Draw(seed)
    axes = draw.number(1, 3)
    build, weight, bias = draw.transposed(draw.number(1, 3), axes, kind, biased=draw.rng.random() < 0.3)
    size = (4,) * axes
    return build(size, weight, bias), lambda weight, bias: build(size, weight, bias)


def stack(seed: int, kind: str) -> tuple[Any, list[Callable[[np.ndarray, Any], Any]]]:
    """Two or three layers with a weight, others between them, and for each of the former the whole with another one."""
    draw = Draw(seed)
    axes, channels = draw.number(1, 2), draw.number(1, 2)
    shape: tuple[int, ...] = (channels, *(6,) * axes)
    layers: list[Any] = []
    for _ in range(draw.number(2, 3) if axes == 1 else 2):
        biased = draw.rng.random() < 0.4
        choice = draw.number(0, 4)
        if choice < 3:
            build, weight, bias = draw.transposed(shape[0], axes, kind, biased, largest=axes == 1)
        else:
            outputs = 2**axes if choice == 4 else draw.number(1, 3)
            build, weight, bias = draw.forward(shape[0], axes, kind, outputs, biased)
        layer = build(shape[1:], weight, bias)
        layers.append((layer, shape[1:], build))
        shape = layer.out_shape
        between = draw.number(0, 5)
        if choice == 4 and between < 4:
            layers.append((cm.pixel_shuffle(shape, 2), None, None))
        elif between == 4:
            layers.append((cm.resize(shape, Fraction(3, 2), "linear"), None, None))
        elif between == 5 and min(shape[1:]) > 3:
            layers.append((cm.avg_pool(shape, 2, stride=1), None, None))
        shape = layers[-1][0].out_shape
    layers.append((Scaled(2, cm.identity(shape)), None, None))

    def whole(changed: int, weight: Any, bias: Any) -> Any:
        result = None
        for place, (layer, size, build) in enumerate(layers):
            own = build(size, weight, bias) if place == changed else layer
            result = own if result is None else Product(own, result)
        return result

    with_weight = [place for place, (_, size, _) in enumerate(layers) if size is not None]
    builders = [lambda weight, bias, at=place: whole(at, weight, bias) for place in with_weight]
    return whole(-1, None, None), builders


KINDS = ("int", "fraction", "float64", "float32", "complex")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", range(4))
def test_a_random_layer_is_projected(kind: str, block: int) -> None:
    for seed in range(15):
        op, build = single(1000 * block + seed, kind)
        assert_nearest(op, 0, build)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", range(3))
def test_a_random_stack_is_projected_in_each_of_its_layers(kind: str, block: int) -> None:
    for seed in range(8):
        op, builders = stack(500 * block + seed, kind)
        for number, build in enumerate(builders):
            fixed = assert_nearest(op, number, build)
            assert fixed is None or fixed.operator.out_shape == op.out_shape


# -- what is known ----------------------------------------------------------------------------------------------------


def test_the_closed_form_of_one_axis() -> None:
    fixed = nearest_free(cm.conv_transpose("1 1 1", 8, stride=2))
    assert fixed.operator.weight.reshape(-1).tolist() == [Fraction(2, 3), Fraction(4, 3), Fraction(2, 3)]
    assert fixed.squared_distance == Fraction(1, 3)
    assert tuple(fixed) == (fixed.operator, fixed.squared_distance)
    assert fixed.distance == pytest.approx(3**-0.5)


def test_weights_that_stay_whole_stay_integers() -> None:
    fixed = nearest_free(cm.conv_transpose([3, 1, 1, 3], 5, stride=2) @ cm.conv([2, -2], 6), 0)
    assert fixed.operator.right.weight.dtype == np.int64
    assert nearest_free(cm.conv_transpose([4, 1, 1, 0], 8, stride=2)).operator.weight.dtype == np.int64


HOLES = {"k2 s3": ([3, 4], 3, 1), "k3 s2 d2": ([1, 2, 3], 2, 2), "k4 s4 d2": ([1, 2, 3, 4], 4, 2)}


@pytest.mark.parametrize(("kernel", "stride", "dilation"), HOLES.values(), ids=HOLES)
def test_beside_holes_all_gains_become_0(kernel: list[int], stride: int, dilation: int) -> None:
    fixed = nearest_free(cm.conv_transpose(kernel, 9, stride=stride, dilation=dilation))
    assert not respond(fixed.operator).any()
    assert cm.checkerboard(fixed.operator).is_free


@pytest.mark.parametrize("seed", range(6))
def test_no_free_weight_is_nearer(seed: int) -> None:
    """The move is orthogonal to every difference of free weights."""
    op, builders = stack(seed, "int")
    rng = np.random.default_rng(seed)
    for number, build in enumerate(builders):
        layer = weighted_layers(op)[number]
        bare = build(layer.weight, None)
        if response_of_bias(bare) is not None:
            continue
        moved = _numbers(weighted_layers(nearest_free(bare, number).operator)[number].weight - layer.weight)
        other = nearest_free(build(rng.integers(-9, 10, layer.weight.shape), None), number)
        assert (moved * _numbers(weighted_layers(other.operator)[number].weight)).sum() == 0


def _numbers(values: np.ndarray) -> np.ndarray:
    return values.astype(object)


def test_symbols_become_identically_free() -> None:
    a, b, c, d = sympy.symbols("a b c d", real=True)
    fixed = nearest_free(cm.conv_transpose("a b c d", 8, stride=2))
    gains = respond(fixed.operator).reshape(-1)
    assert sympy.expand(gains[0] - gains[1]) == 0
    real = nearest_free(cm.conv_transpose([a, b, c, d], 8, stride=2))
    assert sympy.expand(real.squared_distance - (a - b + c - d) ** 2 / 4) == 0


def test_symbols_in_one_layer_of_a_stack() -> None:
    inner = cm.conv_transpose("1 2 3", 6, stride=2)
    op = cm.conv_transpose("a b c", inner.out_shape[1:], stride=2) @ inner
    gains = respond(nearest_free(op, 1).operator).reshape(-1)
    assert all(sympy.expand(gain - gains[0]) == 0 for gain in gains)
    with pytest.raises(SymbolicError, match="symbols in the layer that changes alone, got some in the layers around"):
        nearest_free(op, 0)


def test_symbols_beside_floats_are_refused() -> None:
    inner = cm.conv_transpose([1.0, 2.0, 3.0], 6, stride=2)
    op = cm.conv_transpose("a b c", inner.out_shape[1:], stride=2) @ inner
    with pytest.raises(SymbolicError, match="exact layers around one with symbols, got floats"):
        nearest_free(op, 1)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_any_scale(scale: float, rng: np.random.Generator) -> None:
    weight = rng.normal(size=(2, 2, 3, 4))
    plain = nearest_free(cm.conv_transpose(weight, (5, 5), stride=2)).operator.weight
    scaled = nearest_free(cm.conv_transpose(weight * scale, (5, 5), stride=2)).operator
    assert cm.checkerboard(scaled).is_free
    np.testing.assert_allclose(scaled.weight / scale, plain, rtol=1e-12, atol=1e-13)


def test_huge_integers_stay_exact() -> None:
    op = cm.conv_transpose([10**40 + 1, 10**39, 7], 6, stride=2)
    gains = respond(nearest_free(op).operator).reshape(-1)
    assert gains[0] == gains[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_floats_keep_their_type(dtype: Any, rng: np.random.Generator) -> None:
    op = cm.conv_transpose(rng.normal(size=(3, 2, 3, 3)).astype(dtype), (5, 5), stride=2)
    assert nearest_free(op).operator.weight.dtype == dtype


def test_a_large_stride_has_the_closed_form_too() -> None:
    kernel = np.arange(48 * 48).reshape(48, 48) % 7
    fixed = nearest_free(cm.conv_transpose(kernel, (3, 3), stride=24)).operator
    assert len(set(respond(fixed).reshape(-1).tolist())) == 1


# -- requests that cannot be met --------------------------------------------------------------------------------------


def chain() -> Any:
    inner = cm.conv_transpose("1 2 3", 4, stride=2)
    return cm.conv_transpose("3 2 2", inner.out_shape[1:], stride=2) @ inner


def repeated() -> Any:
    layer = cm.conv("1 2 3", 6, padding=1)
    return layer @ layer


BAD: dict[str, tuple[Callable[[], Any], Any, str]] = {
    "missing": (chain, None, r"factor must say which of the 2 layers with a weight may change .*, got None"),
    "too large": (chain, 2, "factor must be below 2, the number of layers with a weight, got 2"),
    "negative": (chain, -1, "factor must be at least 0, got -1"),
    "no number": (chain, "0", "factor must be an integer of at least 0, got '0'"),
    "boolean": (chain, True, "factor must be an integer of at least 0, got True"),
    "a stranger": (chain, cm.conv("1 2", 3), "factor must be one of the 2 layers of op with a weight, got <Conv"),
    "twice": (repeated, weighted_layers(repeated())[0], "factor must be one of the 2 layers of op"),
    "in a sum": (lambda: chain() + chain(), 1, "factor must not be a layer in a branch of a sum, got <Transposed"),
    "no weight": (lambda: cm.resize((1, 4), 2, "linear"), None, "op must have a layer with a weight that can change"),
    "no operator": (lambda: 3, None, "op must be a TensorOperator, such as conv.* makes, got int"),
    "nan": (lambda: cm.conv_transpose([1.0, np.nan], 3), None, "finite weights, got nan"),
    "tol": (chain, 0, "tol must be at least 0, got -1"),
}


@pytest.mark.parametrize(("build", "factor", "message"), BAD.values(), ids=BAD)
def test_errors(build: Callable[[], Any], factor: Any, message: str) -> None:
    with pytest.raises(ConvMatrixError, match=message):
        nearest_free(build(), factor, tol=-1 if message.startswith("tol") else None)


def test_a_layer_that_stands_twice_needs_a_number() -> None:
    layer = cm.conv("1 2 3", 6, padding=1)
    op = cm.conv_transpose("3 2 2", 6, stride=2) @ (layer @ layer)
    with pytest.raises(ConvMatrixError, match="factor must name one layer, got one that stands in op 2 times"):
        nearest_free(op, layer)
    assert nearest_free(op, 2).squared_distance > 0


def test_a_layer_is_named_by_itself() -> None:
    op = chain()
    assert nearest_free(op, weighted_layers(op)[1]).squared_distance == nearest_free(op, 1).squared_distance


def test_weighted_layers_come_in_the_order_of_application() -> None:
    first, second, third = cm.conv("1 2", 6), cm.conv("3 4", 6).T, cm.conv("5 6", 6)
    op = 2 * (third @ (second @ first)) + 0 * cm.conv("1 2", 6)
    assert [layer.weight.reshape(-1).tolist() for layer in weighted_layers(op)] == [[1, 2], [3, 4], [5, 6], [1, 2]]


def test_too_many_conditions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coupling, "MOST_ENTRIES", 5)
    with pytest.raises(ConvMatrixError, match=r"op must give (answers|conditions) of at most 5 entries for the layer"):
        nearest_free(chain(), 0)
    with pytest.raises(ConvMatrixError, match="op must give conditions of at most 5 entries for the layer"):
        nearest_free(chain(), 1)


def test_too_large_exact_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spaces, "MOST_EXACT", 1)
    op = cm.conv_transpose("1 2 3 4 5 6 7 8 9", chain().out_shape[1:], stride=2) @ chain()
    with pytest.raises(ConvMatrixError, match="at most 1 independent conditions on an exact weight, got"):
        nearest_free(op, 2)


def test_a_multiple_and_its_place_are_kept() -> None:
    op = 3 * chain()
    fixed = nearest_free(op, 0).operator
    assert isinstance(fixed, Scaled)
    assert fixed.factor == 3
    assert choosing.place_of(op, 0).path == ("of", "right")
    assert nearest_free(0 * chain(), 0).squared_distance == 0
    assert exact.is_finite(fixed.of.right.weight)
