"""The main job of the command line: the matrix of a Sobel filter on a photograph, and the proof."""

from __future__ import annotations

import tempfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from convmatrix.cli import main

SECTION = "2.1"
STEP = 3
CAPTION = (
    "Above: the photograph as a vector, the 304,980 x 307,200 matrix, and their product. Below: one patch of eight by "
    "eight pixels with its numbers, the same layer's 36 x 64 matrix on it, and the numbers that come out."
)


def draw() -> bytes:
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        path = Path(folder) / "sobel.png"
        if main(["inspect", "sobel_x", "--image", "--plot", str(path)]):
            raise RuntimeError("the matrix and the independent implementations differ")
        return path.read_bytes()
