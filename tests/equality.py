"""One random convolution, drawn and checked: matrix, matrix-free and framework agree to the last bit.

Weights and inputs are small integers, so that every sum is exact in float64 and nothing has to be compared with a
tolerance. PyTorch is the reference where it is installed; a NumPy sum over windows always is.

>>> import numpy as np
>>> check(draw(np.random.default_rng(0)))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

import convmatrix as cm
from convmatrix.direct import Direct

_NUMPY_MODES = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}
_MODES = ("zeros", "circular", "reflect", "replicate", "symmetric")


@dataclass(frozen=True)
class Configuration:
    """A layer and its input: everything `check` needs, and a `repr` that can be pasted."""

    transposed: bool
    input_size: tuple[int, ...]
    weight: np.ndarray = field(repr=False)
    arguments: dict[str, Any]
    batch: int
    seed: int

    @property
    def operator(self) -> Any:
        """The operator of this layer."""
        return (cm.conv_transpose if self.transposed else cm.conv)(self.weight, self.input_size, **self.arguments)


def draw(rng: np.random.Generator) -> Configuration:
    """A random layer of 1 to 3 axes: groups, strides, dilations, every padding mode, and transposed ones."""
    axes = int(rng.integers(1, 4))
    groups = int(rng.integers(1, 4))
    largest = {1: 6, 2: 4, 3: 3}[axes]
    kernel = rng.integers(1, largest, axes)
    stride, dilation = rng.integers(1, 4, axes), rng.integers(1, 4, axes)
    pads = rng.integers(0, 5, (axes, 2))
    size = rng.integers(1, {1: 20, 2: 9, 3: 6}[axes], axes)
    transposed = bool(rng.integers(3) == 0)
    channels = rng.integers(1, 4, 2)
    outer, inner = (int(channels[0]) * groups, int(channels[1]))
    weight = rng.integers(-9, 10, (outer, inner, *kernel))
    arguments: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups}
    if transposed:
        pads = np.minimum(pads, ((size - 1) * stride + dilation * (kernel - 1))[:, None] // 2)
        arguments["output_padding"] = rng.integers(0, np.maximum(stride, dilation))
    else:
        mode = str(rng.choice(_MODES))
        pads, size = _fitting(mode, pads, size, dilation * (kernel - 1) + 1)
        arguments["padding_mode"] = mode
    arguments["padding"] = [tuple(map(int, pair)) for pair in pads]
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in arguments.items()}
    size_tuple = tuple(int(n) for n in size)
    return Configuration(transposed, size_tuple, weight, plain, int(rng.integers(1, 3)), int(rng.integers(2**31)))


def _fitting(mode: str, pads: np.ndarray, size: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sizes at which a window fits, with pads no larger than the frameworks take in this mode."""
    most: Any = {"zeros": 99, "replicate": 99, "reflect": size - 1, "circular": size, "symmetric": size}[mode]
    pads = np.minimum(pads, np.broadcast_to(most, size.shape)[:, None])
    return pads, np.maximum(size, extent - pads.sum(axis=1))


def check(configuration: Configuration) -> None:
    """Raise `AssertionError` unless all ways to apply the layer, and its transpose, agree exactly."""
    rng = np.random.default_rng(configuration.seed)
    op = configuration.operator
    x = rng.integers(-99, 100, (configuration.batch, *op.in_shape))
    y = rng.integers(-99, 100, op.out_shape)
    matrix, turned = op.tosparse(), configuration.transposed
    expected = windows(configuration, x)
    answers = {
        "matrix": (matrix @ x.reshape(len(x), -1).T).T.reshape(len(x), *op.out_shape),
        "op(x)": op(x),
        "op @ x": np.stack([op @ image.ravel() for image in x]).reshape(len(x), *op.out_shape),
        "direct": _direct(op, x, turned),
        "direct, float": _direct(op, x.astype(np.float64), turned),
    }
    if _torch() is not None:
        answers["torch"] = torch_answer(configuration, x)
    for name, answer in answers.items():
        assert np.array_equal(answer, expected), f"{name} differs for {configuration}"
    back = matrix.T @ y.ravel()
    transposes = {"op.T @ y": op.T @ y.ravel(), "direct adjoint": _direct(op, y[None], not turned).ravel()}
    for name, answer in transposes.items():
        assert np.array_equal(answer, back), f"{name} differs for {configuration}"


def _direct(op: Any, x: np.ndarray, adjoint: bool) -> np.ndarray:
    """The way without a matrix, which a small operator would not choose by itself."""
    direct = Direct(op.geometry, op.weight)
    return direct.adjoint(x) if adjoint else direct.forward(x)


def windows(configuration: Configuration, x: np.ndarray) -> np.ndarray:
    """The layer in NumPy alone: taps summed one by one over the padded input, or scattered from the small one."""
    return _scattered(configuration, x) if configuration.transposed else _gathered(configuration, x)


def _gathered(configuration: Configuration, x: np.ndarray) -> np.ndarray:
    weight, given = configuration.weight, configuration.arguments
    mode = given["padding_mode"]
    padded = np.pad(x, [(0, 0), (0, 0), *given["padding"]], mode=_NUMPY_MODES.get(mode, mode))
    groups, kernel = given["groups"], weight.shape[2:]
    counts = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(padded.shape[2:], kernel, given["stride"], given["dilation"], strict=True)
    ]
    split = padded.reshape(len(x), groups, -1, *padded.shape[2:])
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    total = np.zeros((len(x), groups, grouped.shape[1], *counts), dtype=np.int64)
    for tap in np.ndindex(*kernel):
        where = _steps(tap, counts, given)
        total += np.einsum("goc,bgc...->bgo...", grouped[(Ellipsis, *tap)], split[(Ellipsis, *where)])
    return total.reshape(len(x), -1, *counts)


def _scattered(configuration: Configuration, x: np.ndarray) -> np.ndarray:
    weight, given = configuration.weight, configuration.arguments
    groups, kernel = given["groups"], weight.shape[2:]
    split = x.reshape(len(x), groups, -1, *x.shape[2:])
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    full = [
        (n - 1) * s + d * (k - 1) + 1 + extra
        for n, k, s, d, extra in zip(
            x.shape[2:], kernel, given["stride"], given["dilation"], given["output_padding"], strict=True
        )
    ]
    total = np.zeros((len(x), groups, weight.shape[1], *full), dtype=np.int64)
    for tap in np.ndindex(*kernel):
        where = _steps(tap, x.shape[2:], given)
        total[(Ellipsis, *where)] += np.einsum("gio,bgi...->bgo...", grouped[(Ellipsis, *tap)], split)
    crop: list[Any] = [slice(before, n - after) for n, (before, after) in zip(full, given["padding"], strict=True)]
    return total.reshape(len(x), -1, *full)[(Ellipsis, *crop)]


def _steps(tap: tuple[int, ...], counts: Any, given: dict[str, Any]) -> list[Any]:
    return [
        slice(t * d, t * d + (n - 1) * s + 1, s)
        for t, n, s, d in zip(tap, counts, given["stride"], given["dilation"], strict=True)
    ]


@cache
def _torch() -> Any:
    try:
        import torch
    except ImportError:
        return None
    # Waking a second thread costs more than any of these layers.
    torch.set_num_threads(1)
    return torch


def torch_answer(configuration: Configuration, x: np.ndarray) -> np.ndarray:
    """The same layer in PyTorch, in float64."""
    torch = _torch()
    functional = torch.nn.functional
    given, axes = configuration.arguments, len(configuration.input_size)
    weight = torch.from_numpy(configuration.weight.astype(np.float64))
    pairs = given["padding"]
    if configuration.transposed:
        layer = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[axes - 1]
        signal = torch.from_numpy(x.astype(np.float64))
        # Its padding is one number an axis: the smaller one, and the rest is cut off afterwards.
        common = [min(pair) for pair in pairs]
        extra, names = given["output_padding"], ("stride", "dilation", "groups")
        whole = layer(
            signal, weight, padding=common, output_padding=extra, **{name: given[name] for name in names}
        ).numpy()
        cut: list[Any] = [
            slice(b - c, n - (a - c)) for n, c, (b, a) in zip(whole.shape[2:], common, pairs, strict=True)
        ]
        return np.asarray(whole[(Ellipsis, *cut)])
    layer = (functional.conv1d, functional.conv2d, functional.conv3d)[axes - 1]
    mode = given["padding_mode"]
    if mode == "symmetric":
        signal = torch.from_numpy(np.pad(x.astype(np.float64), [(0, 0), (0, 0), *pairs], mode="symmetric"))
    else:
        flat = [side for pair in reversed(pairs) for side in pair]
        signal = functional.pad(
            torch.from_numpy(x.astype(np.float64)), flat, mode="constant" if mode == "zeros" else mode
        )
    names = ("stride", "dilation", "groups")
    return np.asarray(layer(signal, weight, **{name: given[name] for name in names}).numpy())
