"""The picture of a `CheckerboardReport`: counts and gains by phase, the answer to a constant, the ripple's spectrum."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.inspection.counting import leaves
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.plots import cells, ripple, style, verdicts
from convmatrix.plots.filtered import draw_filtered
from convmatrix.plots.ripple import Ripple

if TYPE_CHECKING:
    from convmatrix.analysis.checkerboard import CheckerboardReport

# Inches.
_LEFT, _ROOM, _WIDEST, _CELL, _LEAST_CELL = 1.0, 1.75, 3.2, 0.55, 0.03
_LETTER, _GAP, _LEAST, _BELOW, _BAR = 0.075, 0.45, 1.35, 0.9, 0.45
_NUMBERED, _READ = (8, 11), 0.37
"""Rows and columns up to which cells have room for numbers, and the width of such a cell."""
_BARS = (2.6, 1.3)
_FILL = "#2a6f97"
_BAR_OUTPUTS = 16


def draw_checkerboard(
    result: CheckerboardReport,
    *,
    ax: Any = None,
    image: Any = None,
    fix: bool | None = None,
    factor: Any = None,
    detail: tuple[int, int] | None = None,
    **kwargs: Any,
) -> Any:
    """Draw what `checkerboard` found.

    From the left: how many paths reach each phase; the gain of each phase, of the channel pair with the largest ripple;
    the answer to a constant 1, tiled from these gains and coloured like them, one period framed; the spectrum of the
    ripple, its strongest component framed. A layer with symbols shows its expressions instead.

    Parameters
    ----------
    result : CheckerboardReport
        Of any operator.
    ax : matplotlib.axes.Axes, optional
        Draw the answer to a constant alone into these axes, the verdict as their title; by default a figure is made.
    image : array-like of shape `(h, w)`, `(c_in, h, w)` or `(h, w, 3)`, optional
        Draw what the layer, along two axes, makes of this picture instead, which has the layer's input size: as it is
        and with the nearest free weight, a detail of each and its spectrum, the ripple's frequencies in circles.
    fix : bool, optional
        Whether a second row shows the layer with the nearest free weight; by default of an image only.
    factor : int or TensorOperator, optional
        Which layer's weight is moved; needed where several have one.
    detail : (int, int), optional
        First row and column of the detail of an image; by default in the middle.
    **kwargs
        To `Axes.imshow` of the gains and answers, `Axes.bar` of the answers along one axis, or `Axes.imshow` of the
        pictures.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If `image` has another shape than the layer's input, or there is no nearest free weight: `factor` is needed or
        wrong, or the layer has none.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> figure = cm.plot(cm.checkerboard(cm.conv_transpose("1 1 1", 5, stride=2)))
    >>> [axes.get_label() for axes in figure.axes]
    ['counts', 'gains', 'answer', 'spectrum']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    if ax is not None:
        return _draw_alone(ax, result, kwargs)
    if image is not None:
        mended = None if fix is False or result.is_free else result.nearest_free(factor)
        figure = draw_filtered(result, mended, image, detail, kwargs)
        _frame(figure, result, [])
        return figure
    first = Ripple.of(result)
    rows = [("", first)]
    if fix and not result.is_free and not first.is_symbolic:
        after = _fixed(result, factor)
        rows = [("as it is", first), (_moved(result, factor), Ripple.of(after))]
    figure = style.new_figure(14, 4 * len(rows))
    paint = _Paint.of(first, [row for _, row in rows], kwargs)
    top = 0.6
    for number, (name, row) in enumerate(rows):
        top = _draw_row(figure, row, paint, top, f" {number + 1}" if number else "", name)
    _frame(figure, result, _notes(first))
    return figure


@dataclass(frozen=True, eq=False)
class _Paint:
    """The scale and colours that gains and answers share, with the user's arguments."""

    scale: cells.Scale
    base: dict[str, Any]
    given: dict[str, Any]

    @classmethod
    def of(cls, first: Ripple, rows: list[Ripple], given: dict[str, Any]) -> _Paint:
        if first.is_symbolic:
            return cls(cells.Scale(1), {"cmap": "Greys", "vmin": 0, "vmax": 1}, given)
        answers = [row.answer() for row in rows]
        scale = ripple.scale_of(first, *answers)
        shown = [ripple.first_phases(first.gains), *answers]
        shares = np.concatenate([scale.shares(part).reshape(-1) for part in shown])
        return cls(scale, ripple.colors(shares, first.report.is_free), given)

    def cells(self) -> dict[str, Any]:
        return ripple.painted(self.base, self.given)


def _fixed(result: CheckerboardReport, factor: Any) -> CheckerboardReport:
    from convmatrix.analysis.checkerboard import checkerboard

    return checkerboard(result.nearest_free(factor))


def _moved(result: CheckerboardReport, factor: Any) -> str:
    """What the nearest free weight is called, with how far it is."""
    found = [leaf.of if isinstance(leaf, Transposed) else leaf for leaf in leaves(result.op)]
    weights = [np.asarray(layer.weight) for layer in found if isinstance(layer, Convolution)]
    distance = result.distance(factor)
    if len(weights) != 1:
        return f"nearest fix:\nweight moved\nby {cells.short(distance)}"
    scale = cells.scale_of(weights[0])
    norm = float(scale.ceiling) * float(np.linalg.norm(scale.shares(weights[0])))
    return f"nearest fix:\nweight moved\nby {cells.short(100 * float(distance) / (norm or 1.0))} %"


def _draw_row(figure: Any, row: Ripple, paint: _Paint, top: float, suffix: str, name: str) -> float:
    """The panels of one report from the left; returns where the next row may begin."""
    parts = [("counts", row.counts), ("gains", row.gains)]
    sizes = [_size(ripple.first_phases(part)) for _, part in parts]
    if not row.is_symbolic:
        answer = row.answer()
        wide = _BARS if answer.ndim == 1 else _size(paint.scale.shares(answer))
        parts += [("answer", answer), ("spectrum", row.spectrum())]
        sizes += [wide, _size(ripple.first_phases(parts[-1][1]))]
    tall = max(height for _, height in sizes)
    left = _LEFT
    for (label, part), (width, height) in zip(parts, sizes, strict=True):
        ax = style.panel(figure, label + suffix, left, top + (tall - height) / 2, width, height)
        _DRAW[label](ax, row, part, paint)
        left += max(width, _LEAST) + (_GAP if not ax.child_axes else _GAP + _BAR)
    if name:
        first = next(ax for ax in figure.axes if ax.get_label() == "counts" + suffix)
        cells.note(
            first, name, (0, 0.5), coords="axes fraction", shift=(-24, 0), ha="right", va="center",
            fontsize=style.NORMAL, weight="bold",
        )  # fmt: skip
    return top + tall + _BELOW


def _size(part: np.ndarray) -> tuple[float, float]:
    """Width and height in inches of an array by phase."""
    flat = part[None] if part.ndim == 1 else part
    rows, columns = flat.shape if flat.ndim == 2 else cells.side_by_side(flat).shape
    cell = max(min(_ROOM / rows, _WIDEST / columns, _CELL), _LEAST_CELL)
    if rows <= _NUMBERED[0] and columns <= _NUMBERED[1]:
        cell = max(cell, _READ)
    width = cell
    if part.dtype == object:
        letters = max(map(len, cells.scale_with_labels(part).labels(part)), default=1)
        width = max(cell, min(_LETTER * letters + 0.1, _WIDEST / columns))
    return width * columns, cell * rows


def _draw_counts(ax: Any, row: Ripple, counts: np.ndarray, paint: _Paint) -> None:
    """Own colours, since these are no gains."""
    ripple.draw_phases(ax, counts, cells.scale_with_labels(counts), {"cmap": "viridis_r", "vmin": 0, "vmax": 1})
    overlap = row.report.overlap
    said = "even" if overlap.is_uniform else f"uneven, ratio {overlap.ratio}"
    _name(ax, "overlap counts", "holes: no tap arrives" if overlap.holes else said)


def _draw_gains(ax: Any, row: Ripple, gains: np.ndarray, paint: _Paint) -> None:
    ripple.draw_phases(ax, gains, paint.scale, {**paint.cells()})
    pairs = np.shape(row.report.phase_gain)[-2:]
    output, given = row.channels
    which = "" if pairs == (1, 1) else f"\nchannel {output} from {given}"
    _name(ax, f"gain of each phase{which}", _said_of_gains(row, paint.scale))


def _said_of_gains(row: Ripple, scale: cells.Scale) -> str:
    unit = f"\n{scale.unit.strip()}" if scale.unit else ""
    if row.is_symbolic:
        return ""
    if row.gains.dtype.kind == "c":
        return f"coloured by magnitude{unit}"
    shares = scale.shares(row.gains).reshape(-1)
    low, high = scale.labels(row.gains.reshape(-1)[[shares.argmin(), shares.argmax()]])
    return f"all {high}{unit}" if low == high or row.report.is_free else f"uneven, from {low} to {high}{unit}"


def _draw_answer(ax: Any, row: Ripple, answer: np.ndarray, paint: _Paint) -> None:
    if answer.ndim == 1:
        _draw_bars(ax, row, paint)
    else:
        shares = paint.scale.shares(answer)
        canvas = shares if answer.ndim == 2 else cells.side_by_side(shares)
        _draw_picture(ax, row, canvas, {"aspect": "auto", **paint.cells()})
    bias = "" if row.bias is None else "\nwith its bias"
    _name(ax, f"answer to a constant 1{bias}", _said_of_answer(row))


def _said_of_answer(row: Ripple) -> str:
    period = row.report.period
    if max(period) == 1:
        return "a constant" if row.gains.reshape(-1)[0] or row.bias is not None else "constants become 0"
    return f"repeats after {' x '.join(map(str, period))}"


def _draw_picture(ax: Any, row: Ripple, canvas: np.ndarray, given: dict[str, Any]) -> Any:
    image = style.drawn(ax.imshow, canvas, options={"interpolation": "nearest"}, given=given)
    style.bare(ax)
    down, across = (1, *row.report.period)[-2:]
    if row.gains.ndim == 2 and max(down, across) > 1:
        ripple.frame_cells(ax, (0, 0), canvas.shape, (down, across))
    for spine in ax.spines.values() if row.gains.ndim == 2 else ():
        spine.set(visible=True, color="#8a8a8a", linewidth=0.6)
    return image


def _draw_bars(ax: Any, row: Ripple, paint: _Paint) -> None:
    """The answer along one axis, output by output, its mean as a line."""
    answer = row.answer(_BAR_OUTPUTS)
    heights = paint.scale.shares(answer)
    places = np.arange(len(heights))
    style.drawn(ax.bar, places, heights, options={"color": _FILL, "width": 0.8}, given=paint.given)
    ax.axhline(float(heights.mean()), color=ripple.FRAME, linewidth=1.0, linestyle="--")
    ax.axhline(0, color="#8a8a8a", linewidth=0.7)
    low, high = min(float(paint.base["vmin"]), 0), max(float(paint.base["vmax"]), 0)
    if paint.base["cmap"] == "gray":
        low, high = min(heights.min(), low, 0), max(heights.max(), 0, min(high, 1.0))
    ax.set_ylim(1.1 * low, 1.1 * high or 1)
    marks = sorted({int(heights.argmin()), int(heights.argmax())}, key=lambda place: heights[place])
    if heights[marks[-1]] - heights[marks[0]] < 0.12:
        marks = marks[-1:]
    labels = paint.scale.labels(answer[marks])
    named = {0.0: "0", **dict(zip(heights[marks].tolist(), labels, strict=True))}
    ax.set_yticks(list(named), list(named.values()))
    ax.set_xticks(places[:: style.nice_step(len(places) / 8)])
    ax.tick_params(labelsize=style.SMALL, length=2, pad=2)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _draw_spectrum(ax: Any, row: Ripple, spectrum: np.ndarray, paint: _Paint) -> None:
    result = row.report
    unit = ripple.draw_frequencies(ax, spectrum)
    found = result.frequency
    if found is None:
        _name(ax, "spectrum of the ripple", "no ripple" if result.is_free else "")
        return
    signs = (1, -1) if row.gains.dtype.kind != "c" else (1,)
    places = {tuple(int(s * part * n) % n for part, n in zip(found, spectrum.shape, strict=True)) for s in signs}
    for index in sorted(places):
        if max(index) < ripple.PHASES:
            ripple.frame_cells(ax, index, ripple.first_phases(spectrum).shape)
    _name(ax, "spectrum of the ripple", f"strongest at {verdicts.frequency(found)}\ncycles per output{unit}")


_DRAW = {"counts": _draw_counts, "gains": _draw_gains, "answer": _draw_answer, "spectrum": _draw_spectrum}


def _name(ax: Any, title: str, below: str) -> None:
    ax.set_title(title, fontsize=style.NORMAL, pad=5)
    # Names of planes stand where those of phases would.
    named = any(text.get_text() and text.get_verticalalignment() == "top" for text in ax.texts)
    ax.set_xlabel(below, fontsize=style.SMALL, labelpad=14 if named else 4)


def _draw_alone(ax: Any, result: CheckerboardReport, kwargs: dict[str, Any]) -> Any:
    row = Ripple.of(result)
    paint = _Paint.of(row, [row], kwargs)
    if row.is_symbolic:
        ripple.draw_phases(ax, row.gains, paint.scale, {"aspect": "equal", **paint.cells()})
    elif row.gains.ndim == 1:
        _draw_bars(ax, row, paint)
    else:
        shares = paint.scale.shares(row.answer())
        canvas = shares if shares.ndim == 2 else cells.side_by_side(shares)
        _draw_picture(ax, row, canvas, {"aspect": "equal", **paint.cells()})
    style.title(ax, _unbroken(verdicts.checkerboard(result), result))
    return ax


def _notes(row: Ripple) -> list[str]:
    result = row.report
    notes = []
    if row.is_symbolic:
        hidden = (result.conditions or ())[verdicts.SHOWN :]
        return [f"{condition} = 0" for condition in hidden[: verdicts.SHOWN]]
    if row.is_cut:
        notes.append(f"The first {ripple.PHASES} phases of an axis are drawn.")
    if row.gains.ndim > 2:
        notes.append("Planes of the first axes stand side by side.")
    if row.report.overlap.interior is None:
        notes.append("This output is all border; shown is what an endless one would be.")
    return notes


def _frame(figure: Any, result: CheckerboardReport, notes: list[str]) -> None:
    right = max(ax.get_position().x1 for ax in figure.axes) * figure.get_size_inches()[0]
    letters = max(int(10.5 * right), 64)
    verdict = _unbroken(verdicts.checkerboard(result), result)
    title = "\n".join(textwrap.wrap(verdict[:1].upper() + verdict[1:], letters))
    head = figure.text(0.5, 0.98, title, ha="center", va="top", fontsize=style.LARGE, weight="bold")
    said = "\n".join(line for note in notes for line in textwrap.wrap(note, int(1.25 * letters)))
    foot = None
    if said:
        foot = figure.text(0.5, 0.02, said, ha="center", va="bottom", fontsize=style.NORMAL, color="#404040")
    style.fit(figure, head, foot)


def _unbroken(verdict: str, result: CheckerboardReport) -> str:
    """No line ends within an equation or a frequency."""
    whole = [f"{condition} = 0" for condition in (result.conditions or ())[: verdicts.SHOWN]]
    if result.frequency is not None:
        whole.append(f"frequency {verdicts.frequency(result.frequency)}")
    for said in whole:
        verdict = verdict.replace(said, said.replace(" ", "\u00a0"))
    return verdict
