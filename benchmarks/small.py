"""What a short session pays: small matrices in a warm process, and the import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import convmatrix as cm
from benchmarks.cases import DIGIT
from benchmarks.common import ROOT, Row, Settings, Target, race
from benchmarks.peers import coordinates

_IMPORT = """
import sys, time, numpy, scipy.sparse.linalg
start = time.perf_counter()
import convmatrix
print(time.perf_counter() - start)
assert not {"sympy", "matplotlib"} & set(sys.modules)
"""


def run(settings: Settings) -> Iterator[Row]:
    """All rows of this section."""
    yield from small_matrix(settings.repeats)
    seconds = min(_import_seconds() for _ in range(settings.repeats))
    yield Row("import convmatrix", "above NumPy and SciPy", seconds, target=Target(0.1, "value"))


def small_matrix(repeats: int) -> Iterator[Row]:
    """`conv` and `tosparse` of one channel, forwards and transposed, and the masked COO of it."""
    weight = DIGIT.weight[0, 0]
    times = race(
        {
            "conv + tosparse": lambda: cm.conv(weight, (28, 28), padding=1).tosparse(),
            "conv + T.tosparse": lambda: cm.conv(weight, (28, 28), padding=1).T.tosparse(),
            "conv_transpose + tosparse": lambda: cm.conv_transpose(weight, (28, 28), padding=1).tosparse(),
            "COO": lambda: coordinates(DIGIT),
        },
        repeats,
    )
    for name, seconds in times.best.items():
        if name != "COO":
            yield Row(
                DIGIT.name, name, seconds, "COO", times.best["COO"], Target(150e-6, "value"), foreign=times.foreign
            )


def _import_seconds() -> float:
    command = [sys.executable, "-c", _IMPORT]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
