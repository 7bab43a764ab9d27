"""The spectrum: all singular values of circular layers, certain norms of zero-padded ones, beside the usual ways."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, svds

import convmatrix as cm
from benchmarks.common import Gauge, Row, Settings, Target, child
from benchmarks.layers import has_torch

SIZE = (32, 32)
WIDTH = 0.01
_RUNS = 5


def run(settings: Settings) -> Iterator[Row]:
    """All rows of this section."""
    yield from circular(64, 2 if settings.quick else _RUNS, Target(0.33))
    if not settings.quick:
        yield from circular(256, _RUNS, Target(0.25))
    yield from norms(16 if settings.quick else 64, 2 if settings.quick else _RUNS, settings.quick)
    yield from memory(64)


def weight_of(channels: int) -> np.ndarray:
    """Of a layer of so many channels to as many, 3x3."""
    return np.random.default_rng(0).standard_normal((channels, channels, 3, 3))


def plain_values(weight: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """All singular values as Sedghi, Gupta and Long have them: one full transform, one batched decomposition."""
    symbols = np.fft.fft2(weight, size, axes=(2, 3)).transpose(2, 3, 0, 1)
    return np.sort(np.linalg.svd(symbols, compute_uv=False), axis=None)[::-1]


def circular(channels: int, runs: int, target: Target) -> Iterator[Row]:
    """All singular values of a circular layer, medians of interleaved runs."""
    weight = weight_of(channels)
    op = cm.conv(weight, SIZE, padding=1, padding_mode="circular")
    case = f"circular {channels}->{channels} 3x3 on 32x32"
    times = medians({"ours": lambda: cm.singular_values(op).values, "plain": lambda: plain_values(weight, SIZE)}, runs)
    ours, plain = times.results["ours"], times.results["plain"]
    yield Row(
        case, f"{ours.size} values", times.seconds["ours"], "FFT, batched SVD", times.seconds["plain"], target,
        foreign=times.foreign,
    )  # fmt: skip
    apart = float(np.abs(ours - plain).max() / plain[0])
    yield Row(case, "largest difference", 1e12 * apart, target=Target(1, "value"), unit="1e-12")


def norms(channels: int, runs: int, quick: bool) -> Iterator[Row]:
    """The norm of a zero-padded layer to a certain 1 %, beside `svds` at 1e-6."""
    weight = weight_of(channels)
    op = cm.conv(weight, SIZE, padding=1)
    case = f"zero-padded {channels}->{channels} 3x3 on 32x32"
    ways: dict[str, Callable[[], Any]] = {"ours": lambda: cm.spectral_norm(op, WIDTH)}
    if has_torch():
        torch_op = torch_operator(weight, SIZE)
        ways["svds on torch"] = lambda: svds(torch_op, k=1, tol=1e-6, return_singular_vectors=False)
    times = medians(ways, runs)
    found = times.results["ours"]
    yield Row(case, "width reached", 100 * found.width, target=Target(100 * WIDTH, "value"), unit="%")
    for name in ways:
        if name != "ours":
            yield Row(
                case, name, times.seconds[name], "certain 1 %", times.seconds["ours"], Target(3, at_least=True),
                foreign=times.foreign,
            )  # fmt: skip
    matrix = op.tosparse()
    start = time.perf_counter()
    value = svds(matrix, k=1, tol=1e-6, return_singular_vectors=False)[0]
    seconds = time.perf_counter() - start
    target = None if quick else Target(30, at_least=True)
    yield Row(case, "svds on CSR", seconds, "certain 1 %", times.seconds["ours"], target)
    yield Row(
        case, "norm by svds, of the upper end", float(100 * value / found.upper), target=Target(100, "value"), unit="%"
    )


def memory(channels: int) -> Iterator[Row]:
    """How far the process grows for all values of a circular layer, by the bytes of the dense matrix."""
    found = child("spectrum", str(channels))
    dense = 8 * (channels * SIZE[0] * SIZE[1]) ** 2
    case = f"circular {channels}->{channels} 3x3 on 32x32"
    peak, note = found.get("peak"), found.get("failed", "")
    yield Row(case, "peak memory", peak, "dense matrix", dense, Target(0.01), note=note, unit="B")


def torch_operator(weight: np.ndarray, size: tuple[int, int]) -> LinearOperator:
    """A zero-padded layer applied by torch, as one would hand it to SciPy."""
    import torch

    taps = torch.from_numpy(weight)
    outputs, inputs = weight.shape[:2]

    def forward(x: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(np.ascontiguousarray(x).reshape(1, inputs, *size))
        return torch.nn.functional.conv2d(image, taps, padding=1).numpy().reshape(-1)

    def adjoint(y: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(np.ascontiguousarray(y).reshape(1, outputs, *size))
        return torch.nn.functional.conv_transpose2d(image, taps, padding=1).numpy().reshape(-1)

    shape = (outputs * size[0] * size[1], inputs * size[0] * size[1])
    return LinearOperator(shape, matvec=forward, rmatvec=adjoint, dtype=np.float64)


class Medians:
    """Seconds and last results of several ways."""

    def __init__(self, seconds: dict[str, float], results: dict[str, Any], foreign: float | None) -> None:
        self.seconds, self.results, self.foreign = seconds, results, foreign


def medians(ways: Mapping[str, Callable[[], Any]], runs: int) -> Medians:
    """Medians of interleaved runs, after one that is not counted."""
    results = {name: way() for name, way in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    with Gauge() as gauge:
        for _ in range(runs):
            for name, way in ways.items():
                start = time.perf_counter()
                results[name] = way()
                times[name].append(time.perf_counter() - start)
    return Medians({name: statistics.median(own) for name, own in times.items()}, results, gauge.foreign)
