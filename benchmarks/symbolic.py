"""The exact matrix of a kernel of symbols, 1024 x 1156, and its transpose."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sympy

import convmatrix as cm
from benchmarks.common import Row, Settings, Target, race


def run(settings: Settings) -> Iterator[Row]:
    """All rows of this section."""
    yield from symbolic(settings.repeats, 34)


def symbolic(repeats: int, size: int) -> Iterator[Row]:
    """`tosympy` of a 3x3 kernel on a square picture, both ways, and SymPy's own way to multiply it out."""
    kernel = np.array(sympy.symbols("a:i")).reshape(3, 3)
    operator = cm.conv(kernel, (size, size))
    times = race({"tosympy": operator.tosympy, "T.tosympy": operator.T.tosympy}, repeats)
    name = f"{operator.shape[0]} x {operator.shape[1]} of symbols"
    for what, seconds in times.best.items():
        yield Row(name, what, seconds, target=Target(0.05, "value"), foreign=times.foreign)
