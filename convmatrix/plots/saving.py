"""Figures to files, without a window."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import IO, Any

_DOTS = 160


def save(draw: Callable[[], Any], file: IO[bytes], suffix: str) -> None:
    """Draw and write one picture, then forget it.

    Parameters
    ----------
    draw : callable
        Returns a Figure or Axes.
    file : binary file
        Where the picture goes.
    suffix : {".png", ".svg", ".pdf"}
        Its format.
    """
    import matplotlib

    if "matplotlib.pyplot" not in sys.modules:
        # No screen is needed for a file; a backend already chosen by a caller is left alone.
        matplotlib.use("agg")
    from matplotlib import pyplot

    drawn = draw()
    figure = drawn if hasattr(drawn, "savefig") else drawn.get_figure()
    try:
        # No date inside: the same command writes the same file.
        stamps: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        figure.savefig(file, format=suffix[1:], dpi=_DOTS, metadata=stamps.get(suffix))
    finally:
        pyplot.close(figure)
