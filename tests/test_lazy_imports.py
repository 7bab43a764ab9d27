"""What is loaded when: the everyday path costs NumPy and SciPy's sparse arrays, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import convmatrix

HEAVY = ("sympy", "matplotlib", "torch", "onnx", "scipy.signal", "scipy.ndimage", "PIL", "pylops")

# What a user does, and the first of the heavy modules it may load.
STEPS: list[tuple[str, str, tuple[str, ...]]] = [
    ("import", "", ()),
    ("conv", "cm.conv([1, 2, 1], 8).tosparse()", ()),
    ("apply", "cm.conv([1, 2, 1], 8) @ np.ones(8)", ()),
    ("transpose", "cm.conv_transpose([1.0, 2.0], 8, stride=2).T(np.ones((1, 16)))", ()),
    ("algebra", "A = cm.conv([1, 2, 1], 8, padding=1); ((A @ A + 2 * A).T / 3).tosparse()", ()),
    ("resampling", "cm.avg_pool((1, 8), 2).tosparse(); cm.resize((1, 8), 2, 'linear') @ np.ones(8)", ()),
    ("permutations", "cm.pixel_shuffle((4, 2, 2), 2).tosparse(); cm.channel_shuffle((4, 2), 2).T.tosparse()", ()),
    ("fractions", "from fractions import Fraction; cm.conv([Fraction(1, 3), 1], 8) @ np.arange(8)", ()),
    ("errors", "try: cm.conv([1], 0)\nexcept cm.ConvMatrixError: pass", ()),
    ("named kernel", "cm.kernel('sobel_x'); cm.conv('sobel_x', (8, 8)).tosparse()", ()),
    ("typed kernel", "cm.kernel('1 2; 3 4')", ()),
    ("short form", "repr(cm.conv([1, 2, 1], 8))", ()),
    ("symbols", "cm.conv('a b', 8).tosympy()", ("sympy",)),
]


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """The heavy modules in memory after each step, all of them in one fresh interpreter."""
    program = ["import json, sys", "import numpy as np", "import convmatrix as cm", "after = {}"]
    for name, code, _ in STEPS:
        program += [code, f"after[{name!r}] = [m for m in {HEAVY} if m in sys.modules]"]
    environment = {**os.environ, "PYTHONPATH": str(Path(convmatrix.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*program, "print(json.dumps(after))"])],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(("name", "may"), [(name, may) for name, _, may in STEPS], ids=[step[0] for step in STEPS])
def test_what_a_step_loads(name: str, may: tuple[str, ...], loaded: dict[str, list[str]]) -> None:
    assert set(loaded[name]) <= set(may)
