"""Overlap counts as cells: shaded from 0, numbered, hatched where no input reaches; and what they say in words."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.overlap.wording import count_text
from convmatrix.plots import style, wording

if TYPE_CHECKING:
    from convmatrix.analysis.overlap import OverlapMap

LEAST_TEXT = 7.0
"""Points below which a number would not be read on paper, and is not written."""
TIMES = "\u00d7"
HOLE = "0: no input reaches (hatched)"
HATCH = "////"
INTERIOR_LINE = {"color": style.INK, "linewidth": 1.4}
_HATCH_INK = "#7a7a7a"
_LETTERS = 5
"""Digits of a count that is written in full."""
_FLOAT = 2**1000
_FEW_STAGES = 12
"""Layers up to which the ratio after each is told."""


@dataclass(frozen=True)
class Shades:
    """The one colour scale of all counts of a picture, 0 at one end and `most` at the other; the user's arguments."""

    most: Any
    given: dict[str, Any]

    def heights(self, counts: np.ndarray) -> np.ndarray:
        """Counts as floats; as shares of the largest where no float holds them."""
        if self.most < _FLOAT:
            return counts.astype(np.float64)
        return np.array([count / self.most for count in counts.reshape(-1).tolist()]).reshape(counts.shape)

    @property
    def top(self) -> float:
        """The height of the largest."""
        return float(self.most) if self.most < _FLOAT else 1.0

    def draw(self, ax: Any, counts: np.ndarray, extent: tuple[float, float, float, float]) -> Any:
        """Cells of a two-dimensional array within `extent` (left, right, bottom, top): the image."""
        options = {"cmap": "viridis_r", "vmin": 0, "vmax": max(self.top, 1.0), "interpolation": "nearest"}
        if "norm" in self.given:
            del options["vmin"], options["vmax"]
        options |= {"aspect": "auto", "extent": extent}
        return style.drawn(ax.imshow, self.heights(counts), options=options, given=self.given)


def color_of(image: Any, height: float) -> Any:
    """The colour that an image gives a count."""
    return image.cmap(image.norm(height))[:3]


def label(count: Any) -> str:
    """A count as short text.

    >>> label(12), label(10**7), label(123 * 10**398)
    ('12', '1e7', '1.2e400')
    """
    return count_text(int(count), _LETTERS)


def readable(labels: Sequence[str], width: float, height: float) -> float | None:
    """The size at which all labels fit cells of so many points, or None where they would be too small on paper."""
    size = style.common_size(labels, width, height)
    return size if size is not None and size >= LEAST_TEXT else None


def number_cells(
    ax: Any, image: Any, shades: Shades, counts: np.ndarray, places: np.ndarray, size: float, *, bold: bool = False
) -> None:
    """Write each count at its place `(n, 2)`, in the ink that is read on its colour."""
    for count, height, (x, y) in zip(counts.tolist(), shades.heights(counts).tolist(), places.tolist(), strict=True):
        ink = style.ink_on(color_of(image, height)) if count else style.INK
        # A 0 stands on white, clear of its hatching.
        clear = None if count else {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
        weight = "bold" if bold else "normal"
        at = {"ha": "center", "va": "center", "clip_on": True}
        ax.text(x, y, label(count), fontsize=size, color=ink, weight=weight, bbox=clear, **at)


def hatch_holes(ax: Any, boxes: Sequence[tuple[float, float, float, float]]) -> None:
    """White, hatched cells `(left, right, bottom, top)` over those that no input reaches."""
    if not boxes:
        return
    from matplotlib.collections import PolyCollection

    corners = [[(left, low), (right, low), (right, high), (left, high)] for left, right, low, high in boxes]
    cells = PolyCollection(corners, facecolor="white", edgecolor=_HATCH_INK, hatch=HATCH, linewidth=0.5, label="holes")
    ax.add_collection(cells, autolim=False)


def verdict(result: OverlapMap) -> str:
    """Even or not, in words: the counts of the phases and their ratio.

    >>> import convmatrix as cm
    >>> verdict(cm.overlap(cm.conv_transpose("1 2 3", 4, stride=2)))
    'uneven, 1 to 2 (2:1)'
    """
    phases = np.asarray(result.phase_counts)
    least, most = int(phases.min()), int(phases.max())
    if not least:
        share = f"{phases.size - np.count_nonzero(phases):,} of {phases.size:,} phases get nothing"
        return f"holes, {share}" + (f", the others {_span(phases)}" if most else "")
    if result.is_uniform:
        return f"even, {label(most)} everywhere"
    return f"uneven, {label(least)} to {label(most)} ({_ratio(result)})"


def _span(phases: np.ndarray) -> str:
    written = [int(count) for count in phases.reshape(-1).tolist() if count]
    least, most = min(written), max(written)
    return label(most) if least == most else f"{label(least)} to {label(most)}"


def _ratio(result: OverlapMap) -> str:
    """The ratio of the extremes, and how the axes make it up where each has its own."""
    whole = as_ratio(result.ratio)
    own = axis_ratios(result)
    if own is None or len([ratio for ratio in own if ratio != 1]) < 2:
        return whole
    return f"{whole} = {f' {TIMES} '.join(map(as_ratio, own))}"


def as_ratio(ratio: Any) -> str:
    """A fraction as a proportion.

    >>> as_ratio(Fraction(3, 2))
    '3:2'
    """
    ratio = Fraction(ratio)
    return f"{label(ratio.numerator)}:{label(ratio.denominator)}"


def axis_ratios(result: OverlapMap) -> list[Fraction] | None:
    """The ratio of the extremes along each axis, where the counts are an outer product without holes."""
    if result.axis_counts is None or result.ratio == math.inf:
        return None
    phases = np.asarray(result.phase_counts)
    lines = [np.moveaxis(phases, axis, 0).reshape(phases.shape[axis], -1)[:, 0] for axis in range(phases.ndim)]
    return [Fraction(int(line.max()), int(line.min())) for line in lines]


def spoken(result: OverlapMap) -> tuple[str, str]:
    """The title of a picture: what was counted; whether it is even, and where that holds."""
    stages = result.stages
    layer = f"{len(stages)} layers"
    if len(stages) == 1:
        layer = wording.describe(result.op)
        layer = layer[:1].upper() + layer[1:]
    said = f"{verdict(result)}, {_where(result)}"
    if 1 < len(stages) <= _FEW_STAGES:
        ratios = ["a hole" if stage.ratio == math.inf else as_ratio(stage.ratio) for stage in stages]
        said += f"; after each layer {', '.join(ratios)}" if set(ratios) != {"1:1"} else ""
    return layer, said


def _where(result: OverlapMap) -> str:
    """Where the phase counts are met: in the interior, if it holds every phase."""
    if result.interior is None:
        return "far from any border; no output is interior"
    whole = all(own.stop - own.start >= n for own, n in zip(result.interior, result.period, strict=True))
    return "in the interior" if whole else "far from any border; the interior is shorter than one period"


def in_lines(sentence: str, letters: int) -> str:
    r"""A sentence in as few lines of at most so many letters as it takes, all about as long; ratios are not torn.

    >>> in_lines("four five six seven", 16)
    'four five\nsix seven'
    """
    whole = re.sub(r" ([=\u00d7]) ", "\u00a0\\1\u00a0", sentence)
    lines = textwrap.wrap(whole, letters)
    while len(lines) > 1:
        letters -= 1
        shorter = textwrap.wrap(whole, letters, break_long_words=False)
        if len(shorter) > len(lines) or max(map(len, shorter)) > letters:
            break
        lines = shorter
    return "\n".join(lines).replace("\u00a0", " ")
