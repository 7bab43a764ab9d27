"""What every figure keeps: narrow enough, its texts large enough, inside, not over each other, not cut off."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from PIL import Image

DPI = 100
WIDEST = 9.0
"""Inches; a page shows it in 6.5."""
LEAST = 7.0
"""Points of the smallest letter, in formulas too."""
_PIXEL = 1.0
_SLACK = 0.01


@dataclass(frozen=True)
class Written:
    """A text as it was drawn: the corners of its box in pixels, and what it is cut off by, if by anything."""

    text: str
    size: float
    corners: np.ndarray
    clip: np.ndarray | None

    @property
    def low(self) -> np.ndarray:
        return self.corners.min(axis=0)

    @property
    def high(self) -> np.ndarray:
        return self.corners.max(axis=0)


def problems(drawn: Any, allowed: frozenset[tuple[str, str]] = frozenset()) -> list[str]:
    """Everything that is wrong with a Figure, an animation (three of its pictures) or a PNG.

    `allowed` holds pairs of texts that may lie over each other.
    """
    if isinstance(drawn, bytes):
        return _of_png(drawn)
    if not hasattr(drawn, "new_frame_seq"):
        return of_figure(drawn, allowed)
    frames = list(drawn.new_frame_seq())
    # What is never shown is not complained of.
    drawn._draw_was_started = True
    found: list[str] = []
    for frame in (frames[0], frames[len(frames) // 2], frames[-1]):
        drawn._func(frame)
        found += [f"frame {frame}: {problem}" for problem in of_figure(drawn._fig, allowed)]
    return found


def of_figure(figure: Any, allowed: frozenset[tuple[str, str]] = frozenset()) -> list[str]:
    """Everything that is wrong with one Figure."""
    figure.set_dpi(DPI)
    wide = figure.get_size_inches()[0]
    found = [f"{wide:.2f} inches wide, more than {WIDEST:g}"] if wide > WIDEST + _SLACK else []
    texts = written_on(figure)
    whole = np.array(figure.bbox.size)
    for each in texts:
        if each.size < LEAST - _SLACK:
            found.append(f"{_short(each)} has {each.size:.2f} points")
        if (each.low < -_PIXEL).any() or (each.high > whole + _PIXEL).any():
            found.append(f"{_short(each)} leaves the picture")
        elif each.clip is not None and _is_cut(each):
            found.append(f"{_short(each)} is cut off by its axes")
    for one, other in _near_pairs(texts):
        if (one.text, other.text) not in allowed and (other.text, one.text) not in allowed and _overlap(one, other):
            found.append(f"{_short(one)} lies over {_short(other)}")
    return found


def written_on(figure: Any) -> list[Written]:
    """Every text that drawing the figure draws, and no other."""
    with _recorded() as seen:
        figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    found = []
    for text in {id(text): text for text in seen}.values():
        corners = _corners(text, renderer)
        clip = _clip(text)
        if clip is not None and ((corners.max(axis=0) < clip[0]).any() or (corners.min(axis=0) > clip[1]).any()):
            continue
        found.append(Written(text.get_text(), smallest_letter(text), corners, clip))
    return found


@contextmanager
def _recorded() -> Iterator[list[Any]]:
    """Texts as they are drawn; ticks that are out of view, and what is hidden, are not."""
    seen: list[Any] = []
    plain = Text.draw

    def draw(text: Any, renderer: Any, *args: Any, **options: Any) -> Any:
        if text.get_visible() and text.get_text().strip() and text.get_alpha() != 0:
            seen.append(text)
        return plain(text, renderer, *args, **options)

    Text.draw = draw  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Text.draw = plain  # type: ignore[method-assign]


def _corners(text: Any, renderer: Any) -> np.ndarray:
    """Of the box round a text, turned as the text is."""
    box = Text.get_window_extent(text, renderer)
    angle = text.get_rotation()
    if angle % 90 == 0:
        half, middle, turn = np.array([box.width, box.height]) / 2, np.array([box.x0, box.y0]), np.eye(2)
    else:
        text.set_rotation(0)
        plain = Text.get_window_extent(text, renderer)
        text.set_rotation(angle)
        half, middle = np.array([plain.width, plain.height]) / 2, np.array([box.x0, box.y0])
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turn = np.array([[cos, sin], [-sin, cos]])
    middle = middle + np.array([box.width, box.height]) / 2
    return (np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half) @ turn + middle


def _clip(text: Any) -> np.ndarray | None:
    """Low and high corner of what the text is cut off by."""
    if not text.get_clip_on() or text.get_clip_box() is None:
        return None
    box = text.get_clip_box()
    return np.array([[box.x0, box.y0], [box.x1, box.y1]])


def _is_cut(each: Written) -> bool:
    assert each.clip is not None
    return bool((each.low < each.clip[0] - _PIXEL).any() or (each.high > each.clip[1] + _PIXEL).any())


def smallest_letter(text: Any) -> float:
    """Its size in points; of a formula that of its smallest index."""
    label, size = text.get_text(), float(text.get_fontsize())
    if label.replace(r"\$", "").count("$") < 2 or not text.get_parse_math():
        return size
    parsed = MathTextParser("path").parse(label, 72, text.get_fontproperties())
    return min([float(glyph[1]) for glyph in parsed.glyphs], default=size)


def _near_pairs(texts: list[Written]) -> Iterator[tuple[Written, Written]]:
    """Pairs whose upright boxes meet, found from left to right."""
    ordered = sorted(texts, key=lambda each: each.low[0])
    for place, one in enumerate(ordered):
        right = itertools.takewhile(lambda other, edge=one.high[0]: other.low[0] < edge, ordered[place + 1 :])
        yield from ((one, other) for other in right)


def _overlap(one: Written, other: Written) -> bool:
    """Whether two boxes share more than a pixel's breadth: no side of either lies between them."""
    for sides in (one.corners, other.corners):
        for edge in (sides[1] - sides[0], sides[3] - sides[0]):
            length = np.hypot(*edge)
            if not length:
                continue
            first, second = one.corners @ edge / length, other.corners @ edge / length
            if min(first.max(), second.max()) - max(first.min(), second.min()) <= _PIXEL:
                return False
    return True


def _short(each: Written) -> str:
    label = " ".join(each.text.split())
    x, y = np.round((each.low + each.high) / 2).astype(int)
    return f"{label[:30]!r} at ({x}, {y})"


def _of_png(drawn: bytes) -> list[str]:
    """Of pixels only the width is known; how many there are an inch the file says."""
    with Image.open(BytesIO(drawn)) as picture:
        wide = picture.width / float(picture.info.get("dpi", (DPI, DPI))[0])
    return [f"{wide:.2f} inches wide, more than {WIDEST:g}"] if wide > WIDEST + _SLACK else []
