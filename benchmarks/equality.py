"""Matrix, matrix-free and framework agree to the last bit, in as many random layers as the claim says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from benchmarks.common import Gauge, Row, Settings, Target
from benchmarks.layers import has_torch

COUNT, COUNT_QUICK = 10_000, 500


def run(settings: Settings) -> Iterator[Row]:
    """All rows of this section."""
    yield from equality(COUNT_QUICK if settings.quick else COUNT, settings.seed)


def equality(count: int, seed: int) -> Iterator[Row]:
    """Draw and check `count` layers, and say what they were; the first that fails raises with its drawing."""
    # Not at the top: the drawings belong to the tests, which an installed copy need not have.
    from tests.equality import check, draw

    rng = np.random.default_rng(seed)
    kinds: Counter[str] = Counter()
    with Gauge() as gauge:
        for _ in range(count):
            layer = draw(rng)
            check(layer)
            mode = "transposed" if layer.transposed else str(layer.arguments["padding_mode"])
            groups = layer.arguments["groups"]
            kinds.update([f"{len(layer.input_size)}-D", f"mode {mode}", f"groups {groups}"])
    against = "NumPy, torch" if has_torch() else "NumPy; torch is not installed"
    target = Target(count, "value", at_least=True)
    yield Row(f"seed {seed}", "all equal", count, against, target=target, unit="", foreign=gauge.foreign)
    for kind, number in sorted(kinds.items()):
        yield Row(f"seed {seed}", kind, number, unit="")
