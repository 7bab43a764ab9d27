"""Is it separable: ranks and verdicts, whole answers, kernels that stop SymPy's SVD, whole layers, large ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
import sympy
from sympy import ZZ
from sympy.core.cache import clear_cache
from sympy.polys.matrices import DomainMatrix

import convmatrix as cm
from benchmarks.common import Competitor, Gauge, Row, Settings, Target, child, race
from convmatrix import exact
from convmatrix.exact.elimination import flint_matrix

STUBBORN = {
    "emboss": "emboss",
    "LoG 5x5": "0 0 -1 0 0; 0 -1 -2 -1 0; -1 -2 16 -2 -1; 0 -1 -2 -1 0; 0 0 -1 0 0",
    "symbols 2x2": "a b; c d",
    "symbols 3x3": "a b c; d e f; g h i",
}
"""Kernels for which SymPy's singular value decomposition gives nothing within 45 seconds, or takes half a minute."""
LARGE = ("100 x 196", "784 x 1024", "783 of 784 x 784")
_LAYER = "512 filters 256 x 3 x 3"
_FIELDS = ("rank", "terms", "certificate", "conditions", "solutions", "is_separable", "form", "singular_values", "svd",
           "characteristic", "nearest_rational")  # fmt: skip


def run(settings: Settings) -> Iterator[Row]:
    """All rows of this section."""
    yield from verdicts(settings.repeats, 20)
    yield from whole_answers(60 if settings.quick else 300, 7)
    yield from stubborn(settings.repeats, 2.0 if settings.quick else 45.0)
    yield from layers(settings.repeats, layer())
    yield from layer_memory()
    yield from large_ranks(settings.repeats, LARGE[:1] if settings.quick else LARGE, 45.0)


def verdicts(repeats: int, count: int) -> Iterator[Row]:
    """Rank and verdict of generic integer kernels, an average of `count`, beside both ranks of SymPy."""
    rng = np.random.default_rng(0)
    kernels = [rng.integers(-9, 10, (7, 7)) for _ in range(count)]
    matrices = [sympy.Matrix(kernel.tolist()) for kernel in kernels]
    times = race(
        {
            "exact.rank": lambda: [exact.rank(kernel) for kernel in kernels],
            "separate": lambda: [cm.separate(kernel).is_separable for kernel in kernels],
            "Matrix.rank": lambda: [matrix.rank() for matrix in matrices],
            "DomainMatrix.rank": lambda: [_domain_matrix(kernel).rank() for kernel in kernels],
        },
        repeats,
        may_leave=["Matrix.rank"],
    )
    each = {name: seconds / count for name, seconds in times.best.items()}
    for ours in ("exact.rank", "separate"):
        for peer in ("Matrix.rank", "DomainMatrix.rank"):
            target = Target(5, at_least=True) if peer == "Matrix.rank" else None
            yield Row("integers 7x7", peer, each[peer], ours, each[ours], target, foreign=times.foreign)


def whole_answers(count: int, largest: int) -> Iterator[Row]:
    """Everything `separate` says of integer kernels up to a size: the slowest of `count`, each at best of two."""
    rng = np.random.default_rng(1)
    kernels = [rng.integers(-9, 10, tuple(rng.integers(2, largest + 1, 2))) for _ in range(count - count // 3)]
    # The largest squares are the slowest, and every third is one.
    kernels += [rng.integers(-9, 10, (largest, largest)) for _ in range(count // 3)]
    with Gauge() as gauge:
        slowest = max(race({"": _answering(kernel)}, 1).best[""] for kernel in kernels)
    what = f"whole answer, slowest of {count}"
    yield Row(f"integers to {largest}x{largest}", what, slowest, target=Target(0.2, "value"), foreign=gauge.foreign)


def stubborn(repeats: int, limit: float) -> Iterator[Row]:
    """The whole answer of kernels that are simple to write down, beside SymPy's decomposition within a limit."""
    for name, text in STUBBORN.items():
        times = race({"ours": _answering(cm.kernel(text))}, repeats)
        found = child("decompose", name, str(limit), limit=limit + 60)
        yield Row(name, "whole answer", times.best["ours"], target=Target(2.0, "value"), foreign=times.foreign)
        yield Row(name, "SymPy's SVD", found.get("seconds"), "ours", times.best["ours"], note=found.get("failed", ""))


def layer() -> np.ndarray:
    """The weight of a layer of 256 channels to 512, as frameworks keep it."""
    return np.random.default_rng(2).standard_normal((512, 256, 3, 3)).astype(np.float32)


def layers(repeats: int, weight: np.ndarray) -> Iterator[Row]:
    """Every kernel and every filter of a layer in one call, beside NumPy's singular values of the same matrices."""
    double = weight.astype(np.float64)
    unfolded = [_unfolded(double, axis) for axis in range(1, 4)]
    ways: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
        ("separate", lambda: cm.separate(weight, batch_axes=2), lambda: np.linalg.svd(double, compute_uv=False)),
        ("flatten", lambda: cm.flatten(weight, batch_axes=1),
         lambda: [np.linalg.svd(matrices, compute_uv=False) for matrices in unfolded]),
    ]  # fmt: skip
    for name, ours, theirs in ways:
        times = race({"ours": ours, "svd": theirs}, repeats)
        yield Row(
            _LAYER, name, times.best["ours"], "batched SVD", times.best["svd"], Target(1.2), foreign=times.foreign
        )


def layer_memory() -> Iterator[Row]:
    """How far the process grows, by the bytes of the weight."""
    for name in ("separate", "flatten"):
        found = child("layer", name)
        peak, weight = found.get("peak"), found.get("bytes")
        yield Row(_LAYER, f"peak memory {name}", peak, "weight", weight, note=found.get("failed", ""), unit="B")


def large_ranks(repeats: int, names: Iterable[str], limit: float) -> Iterator[Row]:
    """The proved rank of explicit matrices, beside FLINT's and SymPy's own in processes of their own."""
    for name in names:
        matrix = large_matrix(name)
        times = race({"ours": lambda matrix=matrix: exact.rank(matrix)}, repeats)
        ours = times.best["ours"]
        yield Row(name, "exact.rank", ours, foreign=times.foreign)
        for peer in ("FLINT", "DomainMatrix.rank"):
            if peer == "FLINT" and flint_matrix() is None:
                yield Row(name, peer, None, "exact.rank", ours, note="not installed")
                continue
            found = child("rank", peer, name, limit=limit)
            yield Row(name, peer, found.get("seconds"), "exact.rank", ours, note=found.get("failed", ""))


@cache
def large_matrix(name: str) -> np.ndarray:
    """Convolutions of integers as matrices: two of full rank, and a circular Laplacian, which is not."""
    if name == LARGE[-1]:
        return np.asarray(cm.conv("laplacian4", (28, 28), padding=1, padding_mode="circular").toarray())
    kernel = np.random.default_rng(3).integers(-9, 10, (5, 5))
    return np.asarray(cm.conv(kernel, {LARGE[0]: (14, 14), LARGE[1]: (32, 32)}[name]).toarray())


def peer_rank(peer: str, matrix: np.ndarray) -> int:
    """The rank as others compute it."""
    if peer == "FLINT":
        return int(flint_matrix()(matrix.tolist()).rank())
    return int(_domain_matrix(matrix).rank())


def _domain_matrix(matrix: np.ndarray) -> DomainMatrix:
    return DomainMatrix([[ZZ(value) for value in row] for row in matrix.tolist()], matrix.shape, ZZ)


def _answering(kernel: np.ndarray) -> Competitor:
    """Everything about a kernel, from the beginning: neither the answer's values nor SymPy's are kept."""

    def whole(_: None) -> Any:
        answer = cm.separate(kernel)
        return [getattr(answer, field) for field in _FIELDS], answer.to_dict(), str(answer)

    return Competitor(whole, clear_cache)


def _unfolded(weight: np.ndarray, axis: int) -> np.ndarray:
    """Filters as matrices with one axis as rows, ready for a decomposition."""
    moved = np.moveaxis(weight, axis, 1)
    return np.ascontiguousarray(moved.reshape(*moved.shape[:2], -1))
