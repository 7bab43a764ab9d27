"""Layers of PyTorch as operators: `op(x) + op.bias` is what the module does."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import oracles
import pytest

import convmatrix as cm

torch = pytest.importorskip("torch")
nn = torch.nn


def integers(module: Any, dtype: Any = torch.float64) -> Any:
    """The module with small integers for weights, so that float64 is exact."""
    generator = torch.Generator().manual_seed(5)
    module = module.to(dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-9, 10, parameter.shape, generator=generator))
    return module.eval()


def layer(op: cm.TensorOperator, x: np.ndarray) -> np.ndarray:
    answer = op(x)
    return answer if op.bias is None else answer + op.bias


def compare(module: Any, size: Any, exactly: bool = True) -> cm.TensorOperator:
    """The operator of a module, after it has been shown to do what the module does on a batch of two."""
    op = cm.from_torch(module, size)
    x = np.random.default_rng(3).integers(-9, 10, (2, *op.in_shape)).astype(float)
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    assert expected.shape[1:] == op.out_shape
    if exactly:
        assert np.array_equal(layer(op, x), expected)
    else:
        np.testing.assert_allclose(layer(op, x), expected, rtol=1e-12, atol=1e-12)
    return op


EXACT: dict[str, tuple[Callable[[], Any], Any]] = {
    "Conv1d": (lambda: nn.Conv1d(3, 4, 3), 9),
    "Conv1d without bias": (lambda: nn.Conv1d(3, 4, 3, bias=False), (9,)),
    "Conv2d": (lambda: nn.Conv2d(3, 4, 3, stride=2, padding=1), (7, 6)),
    "Conv2d uneven": (lambda: nn.Conv2d(2, 4, (3, 2), stride=(1, 2), padding=(0, 1), dilation=(2, 1)), (7, 6)),
    "Conv2d grouped": (lambda: nn.Conv2d(4, 6, 3, groups=2), (5, 5)),
    "Conv2d depthwise": (lambda: nn.Conv2d(4, 8, 3, groups=4, padding=1), (5, 5)),
    "Conv3d": (lambda: nn.Conv3d(2, 2, (2, 3, 1), padding=(1, 0, 1)), (3, 4, 2)),
    "Conv1d same": (lambda: nn.Conv1d(2, 3, 4, padding="same", dilation=2), 9),
    "Conv2d same": (lambda: nn.Conv2d(2, 3, (3, 4), padding="same"), (6, 5)),
    "Conv2d valid": (lambda: nn.Conv2d(2, 3, 3, padding="valid"), (6, 5)),
    **{
        f"Conv{axes}d {mode}": (
            partial((nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1], 2, 2, 3, padding=2, stride=2, padding_mode=mode),
            (5, 4, 3)[:axes],
        )
        for axes in (1, 2, 3)
        for mode in ("zeros", "circular", "reflect", "replicate")
    },
    **{
        f"Conv2d same {mode}": (
            partial(nn.Conv2d, 1, 2, (4, 3), padding="same", padding_mode=mode),
            (6, 5),
        )
        for mode in ("circular", "reflect", "replicate")
    },
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(3, 2, 4, stride=2, padding=1), 5),
    "ConvTranspose1d extended": (lambda: nn.ConvTranspose1d(2, 2, 3, stride=3, output_padding=2), 4),
    "ConvTranspose1d beyond the stride": (lambda: nn.ConvTranspose1d(2, 2, 2, dilation=3, output_padding=2), 4),
    "ConvTranspose2d": (
        lambda: nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), groups=2),
        (3, 4),
    ),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 1, 2, stride=2, bias=False), (2, 1, 3)),
    "AvgPool1d by powers of two": (lambda: nn.AvgPool1d(4, 2), 9),
    "AvgPool2d by powers of two": (lambda: nn.AvgPool2d(2), (4, 6)),
    "AvgPool3d by powers of two": (lambda: nn.AvgPool3d((2, 1, 2)), (4, 2, 2)),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), (2, 3)),
    "Upsample nearest": (lambda: nn.Upsample(scale_factor=2), (3, 4)),
    "Upsample nearest to a size": (lambda: nn.Upsample(size=(5, 3)), (3, 4)),
    "Upsample nearest-exact": (lambda: nn.Upsample(scale_factor=1.5, mode="nearest-exact"), (4, 6)),
    "Upsample linear": (lambda: nn.Upsample(scale_factor=2, mode="linear"), 5),
    "Upsample bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (3, 4)),
    "Upsample trilinear": (lambda: nn.Upsample(scale_factor=2, mode="trilinear"), (2, 3, 2)),
    "Linear on ()": (lambda: nn.Linear(5, 3), ()),
    "Linear on its features": (lambda: nn.Linear(5, 3), 5),
    "Linear on the last axis": (lambda: nn.Linear(5, 3), (4, 5)),
    "Linear without bias": (lambda: nn.Linear(5, 3, bias=False), (4, 5)),
    "Identity": (lambda: nn.Identity(), (3, 4)),
    "Flatten": (lambda: nn.Flatten(), (3, 4)),
    "Sequential of one": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3)), 6),
    "Sequential with biases": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3, padding=1), nn.Conv1d(3, 1, 2)), 6),
    "Sequential, only the first with a bias": (
        lambda: nn.Sequential(nn.Conv1d(2, 3, 3, padding=1), nn.Conv1d(3, 1, 2, bias=False)),
        6,
    ),
    "ShuffleNet's unit": (
        lambda: nn.Sequential(
            nn.Conv2d(6, 6, 1, groups=3),
            nn.ChannelShuffle(3),
            nn.Conv2d(6, 6, 3, padding=1, groups=6),
            nn.Conv2d(6, 6, 1, groups=3),
        ),
        (4, 3),
    ),
    "Sub-pixel": (lambda: nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.PixelShuffle(2), nn.Conv2d(2, 1, 1)), (3, 3)),
    "Resize and convolve": (
        lambda: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(3, 2, 3, padding=1)),
        (3, 4),
    ),
    "Nested": (
        lambda: nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.Identity()),
            nn.AvgPool2d(2),
            nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(8, 3))),
        ),
        (6, 6),
    ),
    "Encoder and decoder": (
        lambda: nn.Sequential(
            nn.Conv1d(1, 4, 4, stride=2, padding=1),
            nn.ConvTranspose1d(4, 1, 4, stride=2, padding=1),
        ),
        8,
    ),
    "Shuffle first": (lambda: nn.Sequential(nn.ChannelShuffle(2), nn.Conv1d(4, 2, 1)), 3),
    "Pixels first": (lambda: nn.Sequential(nn.PixelShuffle(2), nn.Conv2d(3, 2, 1)), (2, 2)),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("name", EXACT)
def test_integer_modules_exactly(name: str) -> None:
    maker, size = EXACT[name]
    op = compare(integers(maker()), size)
    oracles.assert_canonical(op.tosparse())
    oracles.assert_same(op.tosparse().toarray(), oracles.by_unit_vectors(op))


ROUNDED: dict[str, tuple[Callable[[], Any], Any]] = {
    "Conv2d": (lambda: nn.Conv2d(3, 4, 3, padding=1).double(), (5, 6)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(3, 4, 3, stride=2).double(), (5, 6)),
    "AvgPool1d": (lambda: nn.AvgPool1d(3, 2, 1, ceil_mode=True), 8),
    "AvgPool2d": (lambda: nn.AvgPool2d((3, 2), (2, 1), (1, 0), count_include_pad=False), (6, 5)),
    "AvgPool3d": (lambda: nn.AvgPool3d(3, 2, 1, True), (6, 5, 4)),
    "Upsample to a size": (lambda: nn.Upsample(size=7, mode="linear"), 5),
    "Upsample down": (lambda: nn.Upsample(size=(2, 9), mode="bilinear"), (5, 4)),
    "Upsample by thirds": (lambda: nn.Upsample(scale_factor=(3, 1.5), mode="bilinear"), (5, 4)),
    "Linear": (lambda: nn.Linear(7, 2).double(), (3, 7)),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_modules_to_rounding(name: str) -> None:
    maker, size = ROUNDED[name]
    torch.manual_seed(1)
    compare(maker(), size, exactly=False)


FACTORS = [0.1, 0.29, 0.57, 0.7, 0.9, 1.01, 1.05, 1.1, 1.3, 1.4, 1.7, 2.0, 2.06, 2.3, 2.5, 3.3, 1 / 3, 2 / 3, 1.2345678]
MODES = [("nearest",) * 3, ("nearest-exact",) * 3, ("linear", "bilinear", "trilinear")]


def upsample_draws(axes: int, mode: str) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """Sizes up to 60 with factors, recomputed factors and sizes, as PyTorch takes them."""
    rng = np.random.default_rng(axes)
    top = (60, 60, 12)[axes - 1]
    for number in range(150):
        size = tuple(rng.integers(1, top + 1, axes).tolist())
        factors = tuple(rng.choice(FACTORS, axes).tolist())
        if number % 3 == 0:
            yield nn.Upsample(size=tuple(rng.integers(1, top + 1, axes).tolist()), mode=mode), size
        elif all(math.floor(n * factor) for n, factor in zip(size, factors, strict=True)):
            yield nn.Upsample(scale_factor=factors, mode=mode, recompute_scale_factor=number % 6 == 1 or None), size


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("modes", MODES, ids=[modes[0] for modes in MODES])
def test_upsample_reads_the_inputs_of_torch(modes: tuple[str, ...], axes: int) -> None:
    """Equal in float32 and float64, or refused because these two differ in PyTorch itself; rarely."""
    drawn = refused = 0
    for module, size in upsample_draws(axes, modes[axes - 1]):
        drawn += 1
        try:
            op = cm.from_torch(module, size)
        except cm.ConvMatrixError as error:
            assert "PyTorch's rounding" in str(error)  # noqa: PT017
            refused += 1
            continue
        x = np.random.default_rng(drawn).integers(-99, 100, (1, 1, *size)).astype(float)
        for dtype in (np.float32, np.float64):
            expected = module(torch.from_numpy(x.astype(dtype))).numpy()
            tolerance = 0 if "nearest" in modes[0] else 99 * {np.float32: 1e-5, np.float64: 1e-11}[dtype]
            np.testing.assert_allclose(op(x.astype(dtype)), expected, rtol=0, atol=tolerance)
    assert drawn > 90
    assert refused <= drawn // 15


UPSAMPLED: list[tuple[dict[str, Any], Any, tuple[int, ...]]] = [
    ({"scale_factor": 0.29}, 100, (28,)),
    ({"scale_factor": 1.01}, 60, (60,)),
    ({"scale_factor": 1.01, "mode": "linear"}, 60, (60,)),
    ({"scale_factor": (1.01, 2.06)}, (60, 10), (60, 20)),
    ({"scale_factor": (1.01, 2.06)}, (60, 40), (60, 82)),
    ({"scale_factor": 2.06}, 15, (30,)),
]


@pytest.mark.parametrize(("options", "size", "out"), UPSAMPLED, ids=str)
def test_upsample_at_the_edges_of_its_rules(options: dict[str, Any], size: Any, out: tuple[int, ...]) -> None:
    """Outputs of the floor of floats, and sizes kept or doubled, where some of PyTorch's kernels copy."""
    assert compare(nn.Upsample(**options), size).out_shape[1:] == out


@pytest.mark.parametrize(("dtype", "held"), [("float16", "float32"), ("bfloat16", "float32"), ("float32", "float32")])
def test_half_precision_is_held_as_float32(dtype: str, held: str) -> None:
    module = nn.Conv1d(2, 3, 3).to(getattr(torch, dtype))
    op = cm.from_torch(module, 6)
    assert op.dtype == op.tosparse().dtype == np.dtype(held)
    assert op.bias is not None
    assert op.bias.dtype == np.dtype(held)
    x = np.random.default_rng(0).standard_normal((1, 2, 6)).astype(np.float32)
    with torch.no_grad():
        expected = module.float()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(layer(op, x), expected, rtol=1e-5, atol=1e-6)


def test_modules_in_training_are_read() -> None:
    module = nn.Conv1d(1, 1, 2)
    assert module.weight.requires_grad
    assert np.array_equal(cm.from_torch(module, 4).weight, module.weight.detach().numpy())


def test_the_operator_of_a_module_is_a_value() -> None:
    """A later training step does not reach into a matrix already handed out."""
    module = integers(nn.Conv1d(1, 1, 2))
    op = cm.from_torch(module, 4)
    matrix, before = op.tosparse(), op.toarray()
    with torch.no_grad():
        module.weight.mul_(2)
    assert np.array_equal(matrix.toarray(), before)


def test_classes_of_ones_own() -> None:
    class Mine(nn.Conv1d):  # type: ignore[misc, name-defined]
        """A layer under another name."""

    class Stack(nn.Sequential):  # type: ignore[misc, name-defined]
        """A stack under another name."""

    compare(integers(Stack(Mine(2, 2, 3), nn.Identity())), 6)


BAD: list[tuple[str, Callable[[], Any], Any, str]] = [
    ("ReLU", nn.ReLU, 4, "module must be one of Conv1d"),
    ("ReLU within", lambda: nn.Sequential(nn.Conv1d(1, 1, 1), nn.ReLU()), 4, "or a Sequential of these, got ReLU"),
    ("MaxPool", lambda: nn.MaxPool2d(2), (4, 4), "got MaxPool2d"),
    ("BatchNorm", lambda: nn.BatchNorm2d(2), (4, 4), "got BatchNorm2d"),
    ("no module", lambda: "Conv2d", (4, 4), "got str"),
    ("None", lambda: None, (4, 4), "got NoneType"),
    ("an empty Sequential", nn.Sequential, 4, "module must hold at least one layer, got an empty Sequential"),
    ("one axis of two", lambda: nn.Conv2d(1, 1, 3), 9, "input_size must have 2 axes for Conv2d, got (9,)"),
    (
        "three axes of two",
        lambda: nn.AvgPool2d(2),
        (4, 4, 4),
        "input_size must have 2 axes for AvgPool2d, got (4, 4, 4)",
    ),
    ("transposed", lambda: nn.ConvTranspose1d(1, 1, 3), (3, 3), "input_size must have 1 axes for ConvTranspose1d"),
    ("channels", lambda: nn.Sequential(nn.Conv1d(1, 2, 1), nn.Conv1d(3, 1, 1)), 4, "Conv1d reads 3 channels, got 2"),
    (
        "features",
        lambda: nn.Sequential(nn.Conv1d(1, 2, 1), nn.Linear(3, 1)),
        4,
        "Linear reads 3 features on the last axis, got 4",
    ),
    (
        "align_corners",
        lambda: nn.Upsample(scale_factor=2, mode="linear", align_corners=True),
        4,
        "align_corners must be False",
    ),
    ("bicubic", lambda: nn.Upsample(scale_factor=2, mode="bicubic"), (4, 4), "mode must be one of 'nearest'"),
    (
        "a factor too small",
        lambda: nn.Upsample(scale_factor=0.1),
        4,
        "scale_factor must leave at least one output, got [0.1] for (4,)",
    ),
    ("a factor below 0", lambda: nn.Upsample(scale_factor=-1.0), 4, "scale_factor must be a positive number"),
    (
        "factors of two axes",
        lambda: nn.Upsample(scale_factor=(2.0, 2.0)),
        4,
        "scale_factor must be a positive number or one for each of 1 axes, got (2.0, 2.0)",
    ),
    (
        "a factor whose sources depend on the type",
        lambda: nn.Upsample(scale_factor=2.3),
        53,
        "scale_factor must give sources that PyTorch's rounding leaves alone, got 2.3 for 53 positions on axis 0",
    ),
    (
        "a size too large",
        lambda: nn.Upsample(scale_factor=1e15),
        4,
        "the sources of an Upsample to 4000000000000000 positions would take",
    ),
    ("divisor", lambda: nn.AvgPool2d(2, divisor_override=3), (4, 4), "divisor_override must be None, got 3"),
    ("flatten in part", lambda: nn.Flatten(2), (4, 4), "Flatten must flatten all axes, got start_dim 2, end_dim -1"),
    ("too small", lambda: nn.Conv1d(1, 1, 5), 4, "output size must be at least 1, got 0 on axis 0"),
    ("dilated too far", lambda: nn.Conv1d(1, 1, 3, dilation=4), 8, "output size must be at least 1"),
    (
        "reflect too far",
        lambda: nn.Conv1d(1, 1, 9, padding=4, padding_mode="reflect"),
        4,
        "padding must be below the input size",
    ),
    (
        "groups",
        lambda: nn.Sequential(nn.Conv1d(1, 5, 1), nn.ChannelShuffle(2)),
        4,
        "groups must divide the 5 channels, got 2",
    ),
    (
        "pixels",
        lambda: nn.Sequential(nn.Conv2d(1, 6, 1), nn.PixelShuffle(2)),
        (2, 2),
        "shape must have channels divisible by 4",
    ),
    ("size", lambda: nn.Conv1d(1, 1, 1), "4", "input_size must be an integer of at least 1, got '4'"),
    ("size 0", lambda: nn.Conv1d(1, 1, 1), 0, "input_size must be at least 1, got 0"),
]


@pytest.mark.parametrize(("name", "maker", "size", "message"), BAD, ids=[case[0] for case in BAD])
def test_modules_that_cannot_be_read(name: str, maker: Callable[[], Any], size: Any, message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=re.escape(message)):
        cm.from_torch(maker(), size)


def test_quantities_pytorch_itself_refuses() -> None:
    """A lazy layer has no weight yet."""
    with pytest.raises((cm.ConvMatrixError, ValueError, RuntimeError)):
        cm.from_torch(nn.LazyConv1d(2, 3), 8)
