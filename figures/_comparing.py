"""Pictures kept against pictures drawn: sizes, pixels, frames."""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
from PIL import Image, ImageSequence

TOLERANCE = 0.02
"""Mean difference from the picture kept; fonts and what is installed change a little of the text."""
_MORE_OR_LESS = 0.1
"""Share by which the numbers of shapes in two drawings of one figure may differ."""


def size(png: bytes) -> tuple[int, ...]:
    """Width and height in pixels."""
    with Image.open(BytesIO(png)) as picture:
        return picture.size


def measured(suffix: str, data: bytes) -> dict[str, int]:
    """Pixels and frames of a file; nothing of a vector drawing."""
    if suffix == ".svg":
        return {}
    with Image.open(BytesIO(data)) as picture:
        return {"width": picture.width, "height": picture.height, "frames": getattr(picture, "n_frames", 1)}


def frames(picture: bytes) -> list[np.ndarray]:
    """Red, green and blue of each pixel, from 0 to 1, on white: of every frame."""
    with Image.open(BytesIO(picture)) as opened:
        return [_on_white(frame) for frame in ImageSequence.Iterator(opened)]


def _on_white(frame: Image.Image) -> np.ndarray:
    pixels = np.asarray(frame.convert("RGBA"), dtype=np.float32) / 255
    return pixels[..., :3] * pixels[..., 3:] + 1 - pixels[..., 3:]


def difference(kept: bytes, drawn: bytes) -> float:
    """Mean absolute difference of two pictures as a share of full scale, of animations the largest of three frames.

    Infinite if sizes or numbers of frames differ.
    """
    if size(kept) != size(drawn):
        return float("inf")
    old, new = frames(kept), frames(drawn)
    if len(old) != len(new):
        return float("inf")
    looked_at = {0, len(old) // 2, len(old) - 1}
    return max(float(np.abs(old[place] - new[place]).mean()) for place in looked_at)


def problem(suffix: str, kept: bytes | None, drawn: bytes) -> str | None:
    """What is wrong with a picture kept, or None."""
    if kept is None:
        return "the picture kept is missing"
    if suffix == ".svg":
        return None if _are_alike(kept, drawn) else "not the drawing kept"
    apart = difference(kept, drawn)
    return f"not the picture kept, mean difference {apart:.2%} of full scale" if apart > TOLERANCE else None


def _are_alike(kept: bytes, drawn: bytes) -> bool:
    """Vector drawings of about one size with about as many shapes; their pixels are those of the picture beside."""
    old, new = _measures(kept), _measures(drawn)
    return all(abs(a - b) <= _MORE_OR_LESS * max(a, b) for a, b in zip(old, new, strict=True))


def _measures(svg: bytes) -> tuple[float, ...]:
    text = svg.decode("utf-8", "replace")
    box = re.search(r'viewBox="([-\d. ]+)"', text)
    width, height = (float(part) for part in box[1].split()[2:]) if box else (0.0, 0.0)
    return width, height, float(text.count("<path")), float(text.count("<use"))
