"""How everything here is measured: interleaved rounds, their minima, and what else the machine was doing meanwhile."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_SHORT = 1e-3
"""Seconds one timing should last: shorter calls are repeated within it."""
_LONG = 0.2
"""Seconds that one timing need not be repeated after."""
_LOST = 3.0
"""A competitor this many times slower than the fastest leaves after two rounds, or one long call."""


@dataclass(frozen=True)
class Settings:
    """What the command line asked for."""

    quick: bool = False
    repeats: int = 7
    seed: int = 0


@dataclass(frozen=True)
class Target:
    """A bound on a row's ratio, on its value, or on its excess over the reference; seconds for the latter two."""

    limit: float
    of: str = "ratio"
    at_least: bool = False

    def is_met(self, row: Row) -> bool | None:
        """Whether the row keeps the bound; None where it was not measured."""
        if row.value is None or (self.of != "value" and row.reference is None):
            return None
        excess = row.value - row.reference if row.reference is not None else math.nan
        measured = {"ratio": row.ratio, "value": row.value, "excess": excess}[self.of]
        assert measured is not None
        return measured >= self.limit if self.at_least else measured <= self.limit

    def text(self, unit: str) -> str:
        """The bound as the table shows it."""
        limit = f"{self.limit:g}" if self.of == "ratio" else quantity(self.limit, unit)
        return f"{'>=' if self.at_least else '<='} {'+' if self.of == 'excess' else ''}{limit}"


@dataclass(frozen=True)
class Row:
    """One line of a table: a measured value, what it is compared with, and the bound on that."""

    case: str
    what: str
    value: float | None
    against: str = ""
    reference: float | None = None
    target: Target | None = None
    note: str = ""
    unit: str = "s"
    foreign: float | None = None
    others: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Value by reference."""
        return self.value / self.reference if self.value is not None and self.reference else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        return self.target.is_met(self) if self.target else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the ratio and the verdict."""
        return {
            **asdict(self),
            "target": self.target.text(self.unit) if self.target else "",
            "ratio": self.ratio,
            "met": self.met,
        }


class Gauge:
    """Cores that other processes kept busy while a block ran; None where the system does not say."""

    def __enter__(self) -> Gauge:
        self._start = (time.perf_counter(), _machine_seconds(), _own_seconds())
        self.foreign: float | None = None
        return self

    def __exit__(self, *_: object) -> None:
        clock, machine, own = self._start
        elapsed, now = time.perf_counter() - clock, _machine_seconds()
        # The machine counts in hundredths of a second: a shorter block says nothing.
        if machine is not None and now is not None and elapsed > 0.2:
            self.foreign = max(0.0, (now - machine - (_own_seconds() - own)) / elapsed)


def _machine_seconds() -> float | None:
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@dataclass(frozen=True)
class Competitor:
    """One way to do the work; where `prepare` is given, it makes afresh, untimed, what each call takes."""

    run: Callable[..., Any]
    prepare: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Race:
    """The least seconds of each competitor, and the cores that others used meanwhile."""

    best: dict[str, float]
    foreign: float | None


def race(
    competitors: Mapping[str, Callable[..., Any] | Competitor], repeats: int, may_leave: Collection[str] = ()
) -> Race:
    """Minima of at least `repeats` interleaved rounds; short ones, which are cheap, get up to three times as many.

    Of `may_leave`, who is far behind the fastest leaves early, with the minimum of fewer rounds.
    """
    entries = {n: c if isinstance(c, Competitor) else Competitor(c) for n, c in competitors.items()}
    with Gauge() as gauge:
        loops, best = {}, {}
        for name, entry in entries.items():
            # The first call of all is for the caches.
            once = _timed(entry, 1)
            best[name] = once if once > _LONG else _timed(entry, 1)
            loops[name] = 1 if entry.prepare else max(1, math.ceil(_SHORT / max(best[name], 1e-7)))
        started, number = time.perf_counter(), 0
        while number < repeats or (number < 3 * repeats and time.perf_counter() - started < _LONG):
            for name in [n for n in entries if n not in may_leave or not _is_lost(best[n], min(best.values()), number)]:
                best[name] = min(best[name], _timed(entries[name], loops[name]))
            number += 1
    return Race(best, gauge.foreign)


def _is_lost(seconds: float, fastest: float, rounds: int) -> bool:
    return seconds > _LOST * fastest and (rounds >= 2 or seconds > _LONG)


def _timed(entry: Competitor, loops: int) -> float:
    """Seconds of one call; the last result outlives the clock, so giving its memory back is not timed."""
    given = () if entry.prepare is None else (entry.prepare(),)
    start = time.perf_counter()
    for _ in range(loops - 1):
        entry.run(*given)
    kept = entry.run(*given)
    seconds = (time.perf_counter() - start) / loops
    del kept
    return seconds


def child(*arguments: str, limit: float = 120.0) -> dict[str, Any]:
    """What `python -m benchmarks.child` printed, or `{"failed": why}`."""
    command = [sys.executable, "-m", "benchmarks.child", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"> {limit:.0f} s"}
    if done.returncode:
        killed = done.returncode < 0
        return {"failed": "out of memory" if killed else done.stderr.strip().rsplit("\n", 1)[-1]}
    return dict(json.loads(done.stdout))


def quantity(value: float | None, unit: str = "s") -> str:
    """Seconds, bytes or a plain number to three digits in a readable unit."""
    if value is None or not math.isfinite(value):
        return "-"
    scales = {
        "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")),
        "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")),
    }.get(unit, ((1.0, unit),))
    factor, name = next((pair for pair in scales if abs(value) >= pair[0]), scales[-1])
    digits = ".0f" if not unit or value >= 1000 * factor else ".3g"
    return f"{value / factor:{digits}} {name}".strip()


_HEADS = ("case", "what", "measured", "against", "that", "ratio", "target", "met", "foreign", "others")


def table(rows: Sequence[Row]) -> str:
    """The rows, aligned; `foreign` is how many cores others used meanwhile."""
    lines = [_HEADS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.case,
        row.what,
        row.note or quantity(row.value, row.unit),
        row.against,
        quantity(row.reference, row.unit) if row.reference is not None else "",
        f"{row.ratio:.2f}" if row.ratio is not None else "",
        row.target.text(row.unit) if row.target else "",
        {True: "yes", False: "NO", None: ""}[row.met],
        f"{row.foreign:.2f}" if row.foreign is not None else "",
        ", ".join(f"{name} {quantity(seconds)}" for name, seconds in row.others.items()),
    )
