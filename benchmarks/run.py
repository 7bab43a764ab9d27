"""What the command line does: sections run one after the other, tables, verdicts, JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.common import Gauge, Row, Settings, table
from benchmarks.layers import has_torch

_ABOUT = "What is claimed to be fast, measured as ratios in one run."
SECTIONS = ("small", "symbolic", "separability", "overlap", "build", "apply", "spectrum", "survey", "equality")


def main(arguments: list[str] | None = None) -> int:
    """Run the named sections, or all; the exit code says only whether they ran, not whether targets are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=_ABOUT)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="smaller peers, fewer cases: about two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--repeats", type=int, default=7, help="interleaved rounds at least (default 7)")
    parser.add_argument("--seed", type=int, default=0, help="of the random layers of equality (default 0)")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in SECTIONS]:
        parser.error(f"NAME must be one of {', '.join(SECTIONS)}, got {', '.join(unknown)}")
    if given.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {given.repeats}")
    if has_torch():
        import torch

        torch.set_num_threads(1)
    settings = Settings(given.quick, given.repeats, given.seed)
    machine = {name: _version(name) for name in ("numpy", "scipy", "sympy", "torch", "python-flint")}
    machine |= {"python": platform.python_version(), "cores": str(os.cpu_count())}
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    results = {name: _section(name, settings) for name in given.names or SECTIONS}
    rows = [row for section in results.values() for row in section]
    judged = [row for row in rows if row.met is not None]
    print(f"\n{sum(bool(row.met) for row in judged)} of {len(judged)} targets met")
    for row in judged:
        if not row.met:
            print(f"  not met: {row.case}, {row.what} against {row.against or 'the limit'}")
    if given.json:
        document = {name: [row.to_dict() for row in section] for name, section in results.items()}
        given.json.write_text(json.dumps({"schema_version": 1, "machine": machine, "sections": document}, indent=1))
    return 0


def _section(name: str, settings: Settings) -> list[Row]:
    started = time.perf_counter()
    with Gauge() as gauge:
        rows: list[Row] = []
        for row in import_module(f"benchmarks.{name}").run(settings):
            rows.append(row)
            if sys.stderr.isatty():
                print(f"\r{name}: {len(rows)} rows", end="", file=sys.stderr, flush=True)
    foreign = "unknown" if gauge.foreign is None else f"{gauge.foreign:.2f} cores"
    print(
        f"\n{name}: {time.perf_counter() - started:.0f} s, other processes used {foreign}\n\n{table(rows)}", flush=True
    )
    return rows


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
