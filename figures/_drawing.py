"""One script's picture as files: PNG, or GIF of an animation, and SVG where it is wanted. The same bytes every time."""

from __future__ import annotations

import gc
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl

from ._scripts import Script, read

DPI = 100
LARGEST_SVG = 100_000
"""Bytes beyond which a vector drawing is not kept."""
_SALT = "convmatrix"


def files(name: str) -> dict[str, bytes]:
    """What the script of that name draws, by suffix."""
    return rendered(read(name))


def rendered(script: Script) -> dict[str, bytes]:
    """The files of one script, whatever the settings of its user are."""
    if "matplotlib.pyplot" not in sys.modules:
        # No screen is needed; a backend already chosen is left alone.
        mpl.use("agg")
    from matplotlib import pyplot, style

    before = set(pyplot.get_fignums())
    try:
        with style.context("default"), mpl.rc_context({"svg.hashsalt": _SALT}):
            return _written(script.draw(), script.svg)
    finally:
        for number in set(pyplot.get_fignums()) - before:
            pyplot.close(number)
        # Figures refer to themselves, and a hundred of them are large.
        gc.collect()


def _written(drawn: Any, svg: bool) -> dict[str, bytes]:
    if isinstance(drawn, bytes):
        return {".png": drawn}
    if hasattr(drawn, "new_frame_seq"):
        return {".gif": _gif(drawn)}
    figure = drawn if hasattr(drawn, "savefig") else drawn.get_figure()
    made = {".png": _saved(figure, "png", {"Software": None})}
    if svg:
        vector = _saved(figure, "svg", {"Date": None, "Creator": None})
        if len(vector) <= LARGEST_SVG:
            made[".svg"] = vector
    return made


def _saved(figure: Any, form: str, metadata: dict[str, Any]) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=form, dpi=DPI, metadata=metadata)
    return buffer.getvalue()


def _gif(animation: Any) -> bytes:
    """All pictures of an animation; a picture that stays is stored once."""
    canvas = animation._fig.canvas
    # Writing draws every picture itself; that it is drawn for a screen too would double the time.
    canvas.draw_idle = lambda *_: None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "animation.gif"
        animation.save(path, writer="pillow", dpi=DPI)
        return path.read_bytes()
