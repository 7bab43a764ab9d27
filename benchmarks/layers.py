"""Other ways to apply the same layer to a tensor `(batch, channels, *spatial)` of float64, on one thread."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from benchmarks.cases import Case

Layer = Callable[[np.ndarray], np.ndarray]
_UNFOLDED = 1 << 25
"""Numbers of windows gathered at once: a batch that has more is taken image by image."""
_CSR_BYTES = 2e9


def has_torch() -> bool:
    """Whether torch is there to compare with."""
    return importlib.util.find_spec("torch") is not None


def ways(case: Case) -> dict[str, Layer]:
    """Every other way to apply this case, by name."""
    found: dict[str, Layer] = {}
    if has_torch():
        found["torch"] = torch_layer(case)
        if len(case.input_size) < 3:
            found["unfold"] = torch_unfold(case)
    if "unfold" not in found and not case.transposed:
        found["unfold"] = numpy_unfold(case)
    if case.one_channel and not case.transposed and case.stride == case.dilation == 1:
        found["ndimage"] = correlate(case)
    if case.operator().nbytes() < _CSR_BYTES:
        found["CSR"] = matrix_layer(case)
    return found


def matrix_layer(case: Case) -> Layer:
    """The kept matrix; a batch becomes columns and comes back."""
    operator = case.operator()
    matrix, out_shape = operator.tosparse(), operator.out_shape

    def apply(x: np.ndarray) -> np.ndarray:
        if len(x) == 1:
            return np.asarray(matrix @ x.reshape(-1)).reshape(1, *out_shape)
        columns = np.ascontiguousarray(x.reshape(len(x), -1).T)
        return np.ascontiguousarray((matrix @ columns).T).reshape(len(x), *out_shape)

    apply.matrix = matrix  # type: ignore[attr-defined]
    return apply


def torch_layer(case: Case) -> Layer:
    """Torch's own convolution."""
    import torch

    name = f"conv{'_transpose' if case.transposed else ''}{len(case.input_size)}d"
    function, weight = getattr(torch.nn.functional, name), torch.from_numpy(case.weight)

    def apply(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(function(torch.from_numpy(x), weight, **case.options).numpy())

    return apply


def torch_unfold(case: Case) -> Layer:
    """`F.unfold` and one matrix product, or one matrix product and `F.fold`; a signal is a picture one pixel high."""
    import torch

    flat = len(case.input_size) == 1
    spec = {name: (0 if name == "padding" else 1, getattr(case, name)) if flat else getattr(case, name) for name in
            ("stride", "padding", "dilation")}  # fmt: skip
    spec["kernel_size"] = (1, case.weight_shape[2]) if flat else case.weight_shape[2:]
    out_shape = case.operator().out_shape
    weight = torch.from_numpy(case.weight).reshape(case.groups, case.weight_shape[0] // case.groups, -1)

    def forward(x: Any) -> Any:
        windows = torch.nn.functional.unfold(x.unsqueeze(2) if flat else x, **spec)
        grouped = windows.reshape(len(x), case.groups, -1, windows.shape[-1])
        return torch.matmul(weight, grouped).reshape(len(x), *out_shape)

    def backward(x: Any) -> Any:
        windows = torch.matmul(weight.mT, x.reshape(len(x), case.groups, -1, math.prod(x.shape[2:])))
        spread = windows.reshape(len(x), -1, windows.shape[-1])
        return torch.nn.functional.fold(spread, out_shape[1:], **spec)

    numbers = math.prod(case.weight_shape[1:]) * case.groups * math.prod(case.operator().geometry.output_size)

    def apply(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return _in_portions(lambda part: (backward if case.transposed else forward)(torch.from_numpy(part)).numpy(),
                                x, numbers)  # fmt: skip

    return apply


def numpy_unfold(case: Case) -> Layer:
    """Windows gathered with NumPy and one matrix product, for any number of axes; not of transposed layers."""
    axes = len(case.input_size)
    taps = case.weight_shape[2:]
    extents = [case.dilation * (k - 1) + 1 for k in taps]
    weight = case.weight.reshape(case.groups, case.weight_shape[0] // case.groups, -1)
    pads = [(0, 0), (0, 0), *[(case.padding, case.padding)] * axes]

    def whole(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x, pads) if case.padding else x
        views = np.lib.stride_tricks.sliding_window_view(padded, extents, axis=tuple(range(2, 2 + axes)))
        views = views[
            (
                slice(None),
                slice(None),
                *[slice(None, None, case.stride)] * axes,
                *[slice(None, None, case.dilation)] * axes,
            )
        ]
        counts = views.shape[2 : 2 + axes]
        order = (0, 1, *range(2 + axes, 2 + 2 * axes), *range(2, 2 + axes))
        columns = views.transpose(order).reshape(len(x), case.groups, -1, math.prod(counts))
        return np.asarray(weight @ columns).reshape(len(x), -1, *counts)

    numbers = math.prod(case.weight_shape[1:]) * case.groups * math.prod(case.operator().geometry.output_size)
    return lambda x: _in_portions(whole, x, numbers)


def _in_portions(layer: Layer, x: np.ndarray, numbers: int) -> np.ndarray:
    """A batch at once where its windows fit, else image by image, which is then the faster way."""
    if len(x) * numbers <= _UNFOLDED or len(x) == 1:
        return layer(x)
    return np.concatenate([layer(image[None]) for image in x])


def correlate(case: Case) -> Layer:
    """`scipy.ndimage.correlate`, along one axis its faster `correlate1d`; one channel, same size."""
    kernel = case.weight[0, 0]
    one = ndimage.correlate1d if kernel.ndim == 1 else ndimage.correlate

    def apply(x: np.ndarray) -> np.ndarray:
        out = np.empty_like(x)
        for image, result in zip(x, out, strict=True):
            one(image[0], kernel, output=result[0], mode="constant")
        return out

    return apply
