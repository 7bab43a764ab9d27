"""Overlap and checkerboards: counts at memory's speed, verdicts beside running the layers, the nearest free weight."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise, product
from typing import Any

import numpy as np

import convmatrix as cm
from benchmarks.common import Competitor, Row, Settings, Target, race
from benchmarks.layers import has_torch

GRIDS = ((4096, 4096), (512, 512, 512))
"""Outputs of size 3, stride 2 whose counts are written."""
LAYERS = {"64->64 4x4 T/2": (64, 64), "256->128 4x4 T/2": (256, 128), "512->512 4x4 T/2": (512, 512)}
"""Channels of transposed layers, size 4, stride 2, padding 1, float32."""
DECODER = (128, 64, 32, 3)
"""Channels of a decoder of such layers, one after the other."""
_TAPS, _STRIDE = 4, 2
_JUDGED_ROUNDS = 7
_HANDED_OUT_AGAIN = 32 << 20
"""Bytes below which malloc may hand out again what was given back."""
_MMAP_THRESHOLD = -3
"""glibc's number of the size from which malloc maps memory instead of keeping it (mallopt(3))."""


def run(settings: Settings) -> Iterator[Row]:
    """All rows of this section."""
    for size in GRIDS:
        yield from against_fill(size, settings.repeats, Target(1.5))
    yield from against_others((512, 512) if settings.quick else (2048, 2048), settings.repeats)
    names = list(LAYERS)[:2] if settings.quick else list(LAYERS)
    yield from verdicts({name: LAYERS[name] for name in names}, settings.repeats)
    yield from fixes({name: LAYERS[name] for name in names}, settings.repeats)
    yield from stack(DECODER, settings.repeats)


def against_fill(size: tuple[int, ...], repeats: int, target: Target | None) -> Iterator[Row]:
    """The whole map of counts, beside as many bytes that are written once: of fresh memory, and of memory used before.

    malloc hands out again what was given back, up to a size: such memory is warm, its pages are there already, and a
    fill need not even read it. So small maps are made twice, once with malloc told to fetch every array anew.
    """
    op = enlarging(size)
    nbytes, dtype = cm.overlap(op).counts.nbytes, cm.overlap(op).counts.dtype
    name = f"3 T/2, {'x'.join(map(str, size))}"
    ways: dict[str, Callable[[], Any]] = {"counts": lambda: cm.overlap(op).counts, "fill": lambda: _fill(nbytes)}
    what = f"counts, {dtype}"
    with fresh_memory():
        # The ratio is judged, and a few rounds do not find the least of either in a short run.
        times = race(ways, max(repeats, _JUDGED_ROUNDS))
    yield Row(
        name, what, times.best["counts"], "fill of fresh memory", times.best["fill"], target, foreign=times.foreign
    )
    if nbytes < _HANDED_OUT_AGAIN:
        times = race(ways, repeats)
        yield Row(name, what, times.best["counts"], "fill of used memory", times.best["fill"], foreign=times.foreign)


@contextmanager
def fresh_memory() -> Iterator[None]:
    """Within it every array of a megabyte or more gets memory of its own from the system, where malloc is glibc's."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(library, "mallopt"):
        yield
        return
    library.mallopt(_MMAP_THRESHOLD, 1 << 20)
    library.malloc_trim(0)
    try:
        yield
    finally:
        library.mallopt(_MMAP_THRESHOLD, _HANDED_OUT_AGAIN)


def against_others(size: tuple[int, ...], repeats: int) -> Iterator[Row]:
    """The same map by the row sums of the matrix, by SciPy's convolution of the ones set apart, by adding up slices."""
    op = enlarging(size)
    ways = counting(op)
    times = race(ways, repeats, may_leave=[name for name in ways if name != "counts"])
    name = f"3 T/2, {'x'.join(map(str, size))}"
    for way in list(ways)[1:]:
        yield Row(name, way, times.best[way], "counts", times.best["counts"], foreign=times.foreign)


def verdicts(layers: dict[str, tuple[int, int]], repeats: int) -> Iterator[Row]:
    """The verdict on a layer, beside torch running it on a constant in each channel and looking at the result."""
    for name, channels in layers.items():
        op = layer(*channels)
        ways: dict[str, Callable[..., Any]] = {"checkerboard": lambda op=op: cm.checkerboard(op).is_free}
        if has_torch():
            ways["torch"] = torch_looking([np.asarray(op.weight)])
        yield _verdict(name, ways, repeats)


def fixes(layers: dict[str, tuple[int, int]], repeats: int) -> Iterator[Row]:
    """The nearest free weight, beside NumPy's least squares on the conditions."""
    for name, channels in layers.items():
        op = layer(*channels)
        # The report is made anew, so that nothing it keeps helps.
        ours = Competitor(lambda report: report.nearest_free(), lambda op=op: cm.checkerboard(op))
        times = race({"ours": ours, "lstsq": lambda op=op: least_squares(np.asarray(op.weight))}, repeats)
        yield Row(name, "nearest_free", times.best["ours"], "lstsq", times.best["lstsq"], foreign=times.foreign)


def stack(channels: tuple[int, ...], repeats: int) -> Iterator[Row]:
    """A decoder of several layers as one operator, beside torch running it."""
    op, weights = decoder(channels)
    ways: dict[str, Callable[..., Any]] = {"checkerboard": lambda: cm.checkerboard(op).is_free}
    if has_torch():
        ways["torch"] = torch_looking(weights)
    yield _verdict(f"{'->'.join(map(str, channels))}, each 4x4 T/2", ways, repeats)


def _fill(nbytes: int) -> np.ndarray:
    array = np.empty(nbytes, dtype=np.uint8)
    array.fill(1)
    return array


def _verdict(name: str, ways: dict[str, Callable[..., Any]], repeats: int) -> Row:
    times = race(ways, repeats)
    return Row(name, "verdict", times.best["checkerboard"], "torch on constants" if "torch" in ways else "",
               times.best.get("torch"), foreign=times.foreign)  # fmt: skip


def enlarging(size: tuple[int, ...]) -> Any:
    """The layer of size 3, stride 2, with that (even) output, whose weights are all 1."""
    ones = np.ones((3,) * len(size), dtype=np.int64)
    return cm.conv_transpose(ones, tuple(n // 2 for n in size), stride=2, padding=1, output_padding=1)


def counting(op: Any) -> dict[str, Callable[[], np.ndarray]]:
    """Ways to count what reaches each output of `enlarging`."""
    import scipy.ndimage
    import scipy.signal

    inputs, outputs = op.in_shape[1:], op.out_shape[1:]
    taps = op.weight.shape[2:]

    def apart() -> np.ndarray:
        ones = np.zeros(outputs, dtype=np.uint8)
        ones[tuple(slice(0, None, 2) for _ in outputs)] = 1
        return ones

    def slices() -> np.ndarray:
        whole = np.zeros([2 * n + 2 for n in inputs], dtype=np.uint8)
        for tap in product(*map(range, taps)):
            whole[tuple(slice(t, t + 2 * n, 2) for t, n in zip(tap, inputs, strict=True))] += 1
        return whole[tuple(slice(1, 1 + n) for n in outputs)]

    kernel = np.ones(taps, dtype=np.uint8)
    return {
        "counts": lambda: cm.overlap(op).counts,
        "row sums of the matrix": lambda: np.asarray(op.tosparse().sum(axis=1)).reshape(outputs),
        "scipy.ndimage": lambda: scipy.ndimage.convolve(apart(), kernel, mode="constant"),
        "scipy.signal": lambda: scipy.signal.convolve(apart(), kernel, mode="same", method="direct"),
        "adding slices": slices,
    }


def layer(inputs: int, outputs: int) -> Any:
    """A transposed layer as a decoder has it: size 4, stride 2, padding 1, float32."""
    return cm.conv_transpose(_weight(inputs, outputs, 0), (4, 4), stride=_STRIDE, padding=1)


def decoder(channels: tuple[int, ...]) -> tuple[Any, list[np.ndarray]]:
    """Such layers one after the other, and their weights."""
    weights = [_weight(a, b, number) for number, (a, b) in enumerate(pairwise(channels))]
    size, op = 6, None
    for weight in weights:
        own = cm.conv_transpose(weight, (size, size), stride=_STRIDE, padding=1)
        op, size = own if op is None else own @ op, 2 * size
    return op, weights


def torch_looking(weights: Iterable[np.ndarray]) -> Callable[[], bool]:
    """Run the layers on a constant in each channel, and compare the phases where no border reaches."""
    import torch

    tensors = [torch.tensor(weight) for weight in weights]
    period, size = _STRIDE ** len(tensors), 4 if len(tensors) == 1 else 6
    channels = len(tensors[0])

    def look() -> bool:
        x = torch.eye(channels)[:, :, None, None].expand(channels, channels, size, size).contiguous()
        with torch.no_grad():
            for weight in tensors:
                x = torch.nn.functional.conv_transpose2d(x, weight, stride=_STRIDE, padding=1)
        start = size * period // 2 - period // 2
        middle = x[..., start : start + period, start : start + period]
        spread = middle.amax((-2, -1)) - middle.amin((-2, -1))
        return bool(spread.max() <= 1e-4 * middle.abs().max())

    return look


def least_squares(weight: np.ndarray) -> np.ndarray:
    """The weight of equal gains that is nearest, from the conditions written as a matrix."""
    taps = weight.shape[2:]
    flat = weight.reshape(-1, math.prod(taps)).astype(np.float64).T
    phase = [tuple(t % _STRIDE for t in tap) for tap in product(*map(range, taps))]
    phases = sorted(set(phase))
    gains = np.array([[float(own == each) for own in phase] for each in phases])
    conditions = gains[1:] - gains[0]
    change = np.linalg.lstsq(conditions, -conditions @ flat, rcond=None)[0]
    return (flat + change).T.reshape(weight.shape).astype(weight.dtype)


def _weight(inputs: int, outputs: int, seed: int) -> np.ndarray:
    shape = (inputs, outputs, _TAPS, _TAPS)
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
