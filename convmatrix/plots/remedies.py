"""The picture of `Remedies`: each one's answer to a constant, whether it is free, how far it is and what it costs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.plots import cells, style, verdicts
from convmatrix.plots.ripple import Ripple

if TYPE_CHECKING:
    from convmatrix.analysis.remedies import Remedies, Remedy

# Inches.
_NAMES, _VERDICTS, _ROW, _PATCH, _TOP = 2.0, 1.4, 0.6, 0.5, 0.8
_BARS, _BETWEEN, _VALUE = 0.85, 0.1, 0.7
_OUTPUTS = 8
_LETTERS = 28
_FREE, _RIPPLES = "#2a6f97", "#d1701f"
_HATCH = "////"
_ROOM_FOR_VALUES = 1.02


def draw_remedies(result: Remedies, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw what `remedies` found, a row for each.

    From the left: a patch of the answer to a constant, far from the borders, in grays about its mean that are the same
    for all rows; whether it is free, or how large its ripple is; bars of its distance from the layer as it is, of its
    parameters and of its multiplications. Bars of those that are not free are hatched; the name of the nearest free
    one is bold.

    Parameters
    ----------
    result : Remedies
        Of any layer.
    ax : matplotlib.axes.Axes, optional
        Draw the distances alone into these axes, the verdict as their title; by default a figure is made.
    **kwargs
        To `Axes.barh` of the distances.

    Returns
    -------
    Figure, or the Axes given

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> figure = cm.plot(cm.remedies(cm.conv_transpose([1, 2, 3], 8, stride=2)))
    >>> [axes.get_label() for axes in figure.axes][-4:]
    ['smoothing', 'distance', 'parameters', 'multiplications']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    rows = result.rows
    if ax is not None:
        _draw_bars(ax, rows, [row.distance for row in rows], _distances(rows), kwargs)
        ax.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=style.SMALL)
        style.title(ax, verdicts.remedies(result))
        return ax
    figure = style.new_figure(9, _TOP + _ROW * len(rows) + 1)
    left = _NAMES + _PATCH + _VERDICTS
    patches = [_patch(row) for row in rows]
    apart = max((float(np.abs(patch).max()) for patch in patches if patch is not None), default=0.0) or 1.0
    for number, (row, patch) in enumerate(zip(rows, patches, strict=True)):
        place = _NAMES, _TOP + number * _ROW + (_ROW - _PATCH) / 2
        panel = style.panel(figure, row.name, *place, _PATCH, _PATCH)
        _draw_patch(panel, patch, min(apart, 1.0))
        _write(panel, row, row is result.best)
    _name_columns(figure.axes[0])
    for label, values, said in _columns(rows):
        panel = style.panel(figure, label, left, _TOP, _BARS, _ROW * len(rows))
        _draw_bars(panel, rows, values, said, kwargs if label == "distance" else {})
        panel.set_title(label, fontsize=style.NORMAL, pad=5)
        left += _BARS + _BETWEEN + _VALUE
    _frame(figure, result)
    return figure


def _columns(rows: tuple[Remedy, ...]) -> list[tuple[str, list[Any], list[str]]]:
    """Name, values and their words, of each column of bars."""
    counted = {"parameters": [row.parameters for row in rows], "multiplications": [row.multiplications for row in rows]}
    return [
        ("distance", [row.distance for row in rows], _distances(rows)),
        *[(label, values, [f"{value:,}" for value in values]) for label, values in counted.items()],
    ]


def _distances(rows: tuple[Remedy, ...]) -> list[str]:
    """Distances in words, or why there is none."""
    return [_missing(rows[0], row) if row.distance is None else f"{cells.short(100 * row.distance)} %" for row in rows]


def _missing(first: Remedy, row: Remedy) -> str:
    if row.out_shape != first.out_shape:
        return "another grid"
    return "symbols" if first.report.conditions is not None else "not measured"


def _patch(row: Remedy) -> np.ndarray | None:
    """The answer to a constant by how far it is from its mean, as a share of that; None of expressions."""
    ripple = Ripple.of(row.report)
    if ripple.is_symbolic:
        return None
    answer = ripple.answer(_OUTPUTS)
    answer = answer[(0,) * max(answer.ndim - 2, 0)]
    shares = cells.scale_of(answer).shares(answer)
    shares = shares[None] if shares.ndim == 1 else shares
    if row.is_free:
        return np.zeros(shares.shape)
    mean = abs(float(shares.mean()))
    return np.asarray((shares - shares.mean()) / (mean if mean > 1e-9 else 1.0))


def _draw_patch(ax: Any, patch: np.ndarray | None, apart: float) -> None:
    if patch is not None:
        ax.imshow(patch, cmap="gray", vmin=-apart, vmax=apart, aspect="auto", interpolation="nearest")
    style.bare(ax)
    for spine in ax.spines.values():
        spine.set(visible=True, color="#8a8a8a", linewidth=0.6)
    if patch is None:
        ax.text(0.5, 0.5, "symbols", ha="center", va="center", fontsize=style.SMALL, transform=ax.transAxes)


def _write(ax: Any, row: Remedy, is_best: bool) -> None:
    """The name at the left of a patch, the verdict at its right."""
    weight = "bold" if is_best else "normal"
    said = textwrap.fill(row.name, _LETTERS)
    for text, side, shift in ((said, 0, -8), (_verdict(row), 1, 8)):
        cells.note(
            ax, text, (side, 0.5), coords="axes fraction", shift=(shift, 0), ha="left" if side else "right",
            va="center", fontsize=style.NORMAL, weight=weight,
        )  # fmt: skip


def _verdict(row: Remedy) -> str:
    report = row.report
    if report.conditions:
        many = len(report.conditions)
        return f"free if {many}\ncondition{' holds' if many == 1 else 's hold'}"
    if row.is_free:
        return "free, but kills\nconstants" if report.kills_constants else "free"
    return f"not free: ripple\n{verdicts.ripple(report)}"


def _name_columns(ax: Any) -> None:
    cells.note(
        ax, "answer to a constant", (0.5, 1), coords="axes fraction", shift=(0, 8), ha="center", va="bottom",
        fontsize=style.NORMAL,
    )  # fmt: skip


def _draw_bars(ax: Any, rows: tuple[Remedy, ...], values: list[Any], said: list[str], given: dict[str, Any]) -> None:
    """A bar a row from the top; hatched where there is a ripple, none where there is no value."""
    lengths = [0.0 if value is None else float(value) for value in values]
    places = np.arange(len(rows))
    free = [row.is_free for row in rows]
    options = {
        "height": 0.55,
        "color": [_FREE if one else "white" for one in free],
        "edgecolor": [_FREE if one else _RIPPLES for one in free],
        "hatch": ["" if one else _HATCH for one in free],
        "linewidth": 1.0,
    }
    style.drawn(ax.barh, places, lengths, options=options, given=given)
    for place, length, text in zip(places.tolist(), lengths, said, strict=True):
        cells.note(ax, text, (length, place), shift=(4, 0), ha="left", va="center", fontsize=style.SMALL)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, _ROOM_FOR_VALUES * max(lengths) or 1)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)


def _frame(figure: Any, result: Remedies) -> None:
    verdict = verdicts.remedies(result)
    if result.best is not None:
        # No line ends within a name.
        verdict = verdict.replace(result.best.name, result.best.name.replace(" ", "\u00a0"))
    title = "\n".join(textwrap.wrap(verdict[:1].upper() + verdict[1:], 84)).replace("\u00a0", " ")
    head = figure.text(0.5, 0.98, title, ha="center", va="top", fontsize=style.LARGE, weight="bold")
    bold = "Bold: the nearest that is free. " if result.best is not None and not result.rows[0].is_free else ""
    notes = [f"{bold}Hatched: not free. Distance: how far the answers to impulses move, as a share of their norm."]
    notes += [f"Left out: {note}." for note in result.notes]
    said = "\n".join(line for note in notes for line in textwrap.wrap(note, 112))
    foot = figure.text(0.5, 0.02, said, ha="center", va="bottom", fontsize=style.NORMAL, color="#404040")
    style.fit(figure, head, foot)
