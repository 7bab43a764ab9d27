"""Running the command in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from convmatrix.cli import main


@dataclass(frozen=True)
class Ran:
    """What a run left: its exit code and its two streams."""

    code: int
    out: str
    err: str


class Terminal:
    """A stream that says it is a terminal, and keeps what is written."""

    def __init__(self) -> None:
        self.written = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.written += text

    def flush(self) -> None:
        pass


def runner(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """A function that runs `convmatrix` with the words it is given."""
    matplotlib.use("agg")

    def run(*words: str) -> Ran:
        code = main(list(words))
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


def write_photograph(folder: Path, rng: np.random.Generator) -> str:
    """A small coloured picture in the folder; its name."""
    Image.fromarray(rng.integers(0, 256, size=(18, 22, 3), dtype=np.uint8)).save(folder / "small.png")
    return "small.png"
