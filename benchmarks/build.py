"""Building the matrix: against filling as many bytes of fresh memory, against its peers, and its peak memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.cases import BUILT, LARGE, PEERS_QUICK, Case
from benchmarks.common import Row, Settings, Target, child, race
from benchmarks.peers import peers_of

_FILL = Target(1.3)
_PEER = Target(20, at_least=True)
_PEAK = Target(1.1)
_LIMIT = 120.0


def run(settings: Settings) -> Iterator[Row]:
    """All rows of this section, one case after the other."""
    for case in BUILT:
        yield from against_fill(case, settings.repeats, _FILL if case in LARGE else None)
    for case in LARGE if settings.quick else BUILT:
        yield from peak_memory(case)
    for case in PEERS_QUICK if settings.quick else BUILT:
        yield from against_peers(case, settings.repeats, _PEER if case in LARGE else None)


def against_fill(case: Case, repeats: int, target: Target | None = None) -> Iterator[Row]:
    """`tosparse` and `T.tosparse`, each with fresh memory, and one thread filling as many bytes."""
    operator = case.operator()
    size = operator.nbytes() // 8
    times = race({"csr": operator.tosparse, "T": operator.T.tosparse, "fill": lambda: _fill(size)}, repeats)
    for way, label in (("csr", "build"), ("T", "build transpose")):
        yield Row(case.name, label, times.best[way], "fill", times.best["fill"], target, foreign=times.foreign)


def _fill(size: int) -> np.ndarray:
    array = np.empty(size)
    array.fill(1.0)
    return array


def peak_memory(case: Case) -> Iterator[Row]:
    """How far the process grows, by the bytes of the matrix; of matrices that are large beside NumPy's own noise."""
    if case.operator().nbytes() < 1 << 26:
        return
    for way in ("csr", "transposed"):
        found = child("peak", way, case.name)
        label = "peak memory" + (" transpose" if way == "transposed" else "")
        yield Row(case.name, label, found["peak"], "matrix", found["bytes"], _PEAK, unit="B")


def against_peers(case: Case, repeats: int, target: Target | None = None) -> Iterator[Row]:
    """Each peer in a process of its own, within limits of time and memory, by the minimum of this package."""
    tosparse = case.operator().tosparse
    ours = race({"ours": tosparse}, repeats).best["ours"]
    found: dict[str, dict[str, Any]] = {}
    for name in peers_of(case):
        found[name] = child("peer", name, case.name, str(_LIMIT), limit=2 * _LIMIT)
        # What else the machine does may change meanwhile: both sides get their best moment.
        ours = min(ours, race({"ours": tosparse}, repeats).best["ours"])
    for name, result in found.items():
        yield Row(case.name, name, result.get("seconds"), "build", ours, note=result.get("failed", ""))
    yield _best(case, found, ours, target)


def _best(case: Case, found: dict[str, dict[str, Any]], ours: float, target: Target | None) -> Row:
    seconds: Sequence[float] = [result["seconds"] for result in found.values() if "seconds" in result]
    return Row(case.name, "best peer", min(seconds, default=None), "build", ours, target)
