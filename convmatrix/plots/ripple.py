"""What a constant becomes: the gains of each phase as cells, the answer tiled from them, the ripple's spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.evenness import has_symbols
from convmatrix.analysis.checkerboard.spectrum import components
from convmatrix.plots import cells, style

if TYPE_CHECKING:
    from convmatrix.analysis.checkerboard import CheckerboardReport

PHASES = 24
"""Phases of an axis that are drawn; of more, the first."""
POSITIONS = 12
"""Outputs of an axis of an answer, at least; whole periods of them."""
_MOST = 96
"""Outputs of an axis of an answer at most, whole periods or not."""
FRAME = "#e0007a"
_FLAT = 0.5
"""Half the range of colours, as a share of the largest entry, where all entries are one number."""
_MOST_DECIMALS = 6
_LEAST_TEXT = 7.0
_LABELS = 8
"""Ticks of an axis of phases."""


@dataclass(frozen=True, eq=False)
class Ripple:
    """One channel pair of a report: the gains, and the bias of the output channel, by phase."""

    report: CheckerboardReport
    channels: tuple[int, int]
    counts: np.ndarray
    gains: np.ndarray
    bias: np.ndarray | None

    @classmethod
    def of(cls, report: CheckerboardReport) -> Ripple:
        """The pair with the largest ripple; of a free layer the first."""
        output, given = report.channels or (0, 0)
        bias = None if report.bias_gain is None else np.asarray(report.bias_gain)[..., output]
        gains = np.asarray(report.phase_gain)[..., output, given or 0]
        return cls(report, (output, given or 0), np.asarray(report.overlap.phase_counts), gains, bias)

    @property
    def is_symbolic(self) -> bool:
        """Whether there are expressions, of which no picture can be made."""
        parts = [self.gains] if self.bias is None else [self.gains, self.bias]
        return self.report.conditions is not None or any(map(has_symbols, parts))

    @property
    def is_cut(self) -> bool:
        """Whether phases are left out."""
        return any(size > PHASES for size in self.gains.shape)

    def answer(self, least: int = POSITIONS) -> np.ndarray:
        """The answer to a constant 1 in the input channel, from phase 0, whole periods up to `least` outputs or more.

        Of three axes and more, the last two; of the others each phase once.
        """
        shape = self.gains.shape
        early = max(len(shape) - 2, 0)
        sizes = [n if axis < early else max(2, math.ceil(least / n)) * n for axis, n in enumerate(shape)]
        sizes = [min(size, _MOST) for size in sizes]
        total = self.gains[_around(sizes, shape)]
        if self.bias is not None:
            total, bias = exact.paired(total, self.bias[_around(sizes, self.bias.shape)])
            total = total + bias
        return np.asarray(total)

    def spectrum(self) -> np.ndarray:
        """The magnitude of each component of this pair's ripple, or of the bias where the gains are even."""
        rippling = self.bias if self.report.gains_are_even and self.bias is not None else self.gains
        if self.report.is_free:
            # Nothing but rounding is left.
            return np.zeros(rippling.shape)
        return np.nan_to_num(components(rippling, rippling.ndim), posinf=np.finfo(float).max)


def first_phases(array: np.ndarray) -> np.ndarray:
    """As many phases as are drawn."""
    return array[(slice(PHASES),) * array.ndim]


def _around(sizes: list[int], periods: tuple[int, ...]) -> Any:
    return np.ix_(*(np.arange(size) % period for size, period in zip(sizes, periods, strict=True)))


def scale_of(ripple: Ripple, *others: np.ndarray) -> cells.Scale:
    """The scale of the gains and of what stands beside them, with the digits in which a small ripple shows."""
    shown = first_phases(ripple.gains)
    scale = cells.scale_with_labels(shown, *others)
    if scale.decimals is None or ripple.is_symbolic:
        return scale
    shares = scale.shares(shown)
    apart = float(shares.max() - shares.min())
    if not apart or ripple.report.is_free:
        return scale
    ceiling = Fraction(scale.ceiling) / Fraction(10) ** (scale.power or 0)
    digits = math.ceil(-math.log10(apart * float(ceiling))) + 1
    return replace(scale, decimals=min(max(scale.decimals, digits), _MOST_DECIMALS))


def colors(shares: np.ndarray, is_flat: bool) -> dict[str, Any]:
    """How shares of a ceiling are coloured: white at 0 where there are both signs, else from the least to the most."""
    low, high = float(shares.min()), float(shares.max())
    if is_flat or low == high:
        return {"cmap": "gray", "vmin": low - _FLAT, "vmax": high + _FLAT}
    if low < 0 < high:
        return {"cmap": "RdBu_r", "vmin": -max(high, -low), "vmax": max(high, -low)}
    return {"cmap": "gray", "vmin": low, "vmax": high}


def painted(base: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The user's arguments of `imshow` before ours; a norm of theirs goes without our limits."""
    if "norm" in given:
        base = {name: value for name, value in base.items() if name not in ("vmin", "vmax")}
    return {**base, **given}


def draw_phases(ax: Any, phases: np.ndarray, scale: cells.Scale, given: dict[str, Any]) -> None:
    """An array by phase as numbered cells, the phases along the edges; of three axes, plane beside plane."""
    phases = first_phases(phases)
    _draw(ax, phases, scale, given)
    if phases.ndim > 2:
        _name_planes(ax, [f"z{number}" for number in range(phases.shape[-3])], phases.shape)
    else:
        _ticks(ax, [range(size) for size in phases.shape])


def draw_frequencies(ax: Any, spectrum: np.ndarray) -> str:
    """The spectrum of a ripple as numbered cells, the frequencies along the edges; returns the unit to be said."""
    names = [[str(Fraction(place, size)) for place in range(size)][:PHASES] for size in spectrum.shape]
    spectrum = first_phases(spectrum)
    scale = cells.scale_with_labels(spectrum)
    _draw(ax, spectrum, scale, {"cmap": "viridis", "vmin": 0, "vmax": 1})
    if spectrum.ndim > 2:
        _name_planes(ax, names[-3], spectrum.shape)
    else:
        _ticks(ax, names)
    return f"\n{scale.unit.strip()}" if scale.unit else ""


def _draw(ax: Any, array: np.ndarray, scale: cells.Scale, given: dict[str, Any]) -> None:
    """Numbered cells, or a colour bar where the numbers would not be read."""
    flat = array[None] if array.ndim == 1 else array
    canvas = flat if flat.ndim == 2 else cells.side_by_side(flat)
    image, is_labelled = cells.draw_cells(ax, canvas, scale, given)
    if is_labelled and ax.texts[0].get_fontsize() >= _LEAST_TEXT:
        return
    for text in list(ax.texts):
        text.remove()
    bar = ax.get_figure().colorbar(image, cax=ax.inset_axes((1.03, 0, 0.05, 1)))
    ends = [image.norm.vmin, image.norm.vmax]
    bar.set_ticks(ends, labels=[cells.short(Fraction(end) * Fraction(scale.ceiling)) for end in ends])
    bar.ax.tick_params(labelsize=style.SMALL, length=2)


def frame_cells(ax: Any, index: tuple[int, ...], shape: tuple[int, ...], size: tuple[int, int] = (1, 1)) -> None:
    """A frame round some cells of an array drawn plane beside plane, `index` the first of them."""
    from matplotlib.patches import Rectangle

    row, column = (0, *index)[-2:]
    if len(index) > 2:
        column += index[-3] * (shape[-1] + 1)
        row += sum(index[:-3]) * (shape[-2] + 1)
    height, width = size
    kept = {"fill": False, "edgecolor": FRAME, "linewidth": 2.0, "clip_on": False, "zorder": 4}
    ax.add_patch(Rectangle((column - 0.5, row - 0.5), width, height, **kept))


def _ticks(ax: Any, names: list[Any]) -> None:
    for axis, own in zip((ax.xaxis, ax.yaxis), reversed(names), strict=False):
        step = style.nice_step(len(own) / _LABELS)
        places = range(0, len(own), step)
        axis.set_ticks(list(places), [str(own[place]) for place in places])
    ax.tick_params(labelsize=style.SMALL, length=0, pad=3)


def _name_planes(ax: Any, names: list[str], shape: tuple[int, ...]) -> None:
    step = shape[-1] + 1
    for number, name in enumerate(names):
        at = (number * step + (shape[-1] - 1) / 2, 0)
        cells.note(ax, name, at, coords=("data", "axes fraction"), shift=(0, -3), ha="center", va="top")
