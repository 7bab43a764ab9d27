"""Which outputs each input reaches, in one dimension: a coloured fan an input, layer under layer, the counts below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.inspection.counting import leaves
from convmatrix.analysis.phases import axes_of, steps_of
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool
from convmatrix.plots import counts as cells
from convmatrix.plots import style

if TYPE_CHECKING:
    from convmatrix.analysis.overlap import OverlapMap

WIDEST = 44
"""Positions of a level up to which each is drawn; beyond, the counts alone are."""
LAYERS = 5
_BOLD = 2.0
"""Points by which a bold number is wider."""
_LIGHT = 0.33
"""Opacity of a fan: where fans meet it is darker."""
# Heights in the units of the vertical axis.
CELL, FAN, FOOT = 0.34, 0.8, 0.5
_INSET = 0.06
"""Share of a cell kept free at both sides of a fan, so that neighbours are told apart."""


@dataclass(frozen=True)
class Level:
    """A row of cells: cell `i` is `width` wide around `first + i * width`."""

    first: float
    width: float
    size: int

    @property
    def centres(self) -> np.ndarray:
        """The middles of all cells."""
        return self.first + self.width * np.arange(self.size)

    @property
    def ends(self) -> tuple[float, float]:
        """The left edge of the first cell and the right edge of the last."""
        return self.first - self.width / 2, self.first + self.width * (self.size - 0.5)


def layers_of(op: TensorOperator) -> list[TensorOperator]:
    """The layers of a product, first applied first."""
    return [step for step in steps_of(op) if not isinstance(step, Scaled)]


def fits(result: OverlapMap) -> bool:
    """Whether every level is short enough for each position to be drawn."""
    layers = layers_of(result.op)
    if len(layers) > LAYERS:
        return False
    return max(max(leaf.in_shape[1], leaf.out_shape[1]) for leaf in leaves(result.op)) <= WIDEST


def reached(op: TensorOperator) -> np.ndarray:
    """Which output (row) reads which input (column) of a one-dimensional operator, channels taken together.

    Examples
    --------
    >>> import convmatrix as cm
    >>> reached(cm.conv_transpose("1 2 3", 2, stride=2)).astype(int).T
    array([[1, 1, 1, 0, 0],
           [0, 0, 1, 1, 1]])
    """
    if isinstance(op, Product):
        return reached(op.left) @ reached(op.right)
    if isinstance(op, Sum):
        return reached(op.left) | reached(op.right)
    if isinstance(op, Scaled):
        return reached(op.of)
    if isinstance(op, Transposed):
        return reached(op.of).T
    table = np.zeros((op.out_shape[1], op.in_shape[1]), dtype=bool)
    if isinstance(op, (Convolution, AvgPool)):
        reads = op.geometry.axes[0].reads()
        outputs, taps = np.nonzero(reads >= 0)
        table[outputs, reads[outputs, taps]] = True
    else:
        entries = op._structure().tocoo()
        table[entries.row % table.shape[0], entries.col % table.shape[1]] = True
    return table


def levels_of(layers: Sequence[TensorOperator], tables: Sequence[np.ndarray]) -> list[Level]:
    """Where each level's cells stand, inputs first: every one in the middle of the outputs that it reaches."""
    level = Level(0.0, 1.0, tables[-1].shape[0])
    levels = [level]
    for layer, table in zip(reversed(layers), reversed(tables), strict=True):
        step = float(_outputs_per_input(layer))
        inputs = np.flatnonzero(table.any(axis=0))
        first = table.argmax(axis=0)[inputs]
        last = table.shape[0] - 1 - table[::-1].argmax(axis=0)[inputs]
        start = float(np.median((first + last) / 2 - step * inputs)) if inputs.size else 0.0
        level = Level(level.first + level.width * start, level.width * step, table.shape[1])
        levels.append(level)
    return levels[::-1]


def _outputs_per_input(op: TensorOperator) -> Fraction:
    """By how many outputs the next input's are further on."""
    if isinstance(op, Product):
        return _outputs_per_input(op.left) * _outputs_per_input(op.right)
    if isinstance(op, Sum):
        return _outputs_per_input(op.left)
    if isinstance(op, Scaled):
        return _outputs_per_input(op.of)
    (axis,) = axes_of(op)
    return Fraction(axis.out_step, axis.in_step)


def span_of(result: OverlapMap) -> float:
    """The width of the picture in cells of its finest level."""
    levels = _levels(result)
    return _width(levels) / min(level.width for level in levels)


def height_of(result: OverlapMap) -> float:
    """The height of the picture in the units of its vertical axis."""
    layers = len(result.stages)
    return (layers + 1) * CELL + layers * FAN + FOOT


def text_of(result: OverlapMap, ax: Any) -> float | None:
    """The size at which the counts are written in `ax`, or None where they would not be read."""
    levels = _levels(result)
    points, _ = style.cell_points(ax, 1, _width(levels))
    tall = style.cell_points(ax, height_of(result), 1)[1] * CELL
    sizes = [
        cells.readable([cells.label(n) for n in np.asarray(stage.counts).tolist()], points * level.width - _BOLD, tall)
        for level, stage in zip(levels[1:], result.stages, strict=True)
    ]
    return None if None in sizes else min(size for size in sizes if size is not None)


def draw_ribbons(ax: Any, result: OverlapMap, shades: cells.Shades, size: float | None) -> None:
    """Draw inputs, fans and outputs of each layer into `ax`, top down; the interior bracketed below."""
    layers = layers_of(result.op)
    tables = [reached(layer) for layer in layers]
    levels = levels_of(layers, tables)
    colors = [fan_color(number) for number in range(levels[0].size)]
    _draw_inputs(ax, levels[0], colors)
    for place, (stage, table) in enumerate(zip(result.stages, tables, strict=True)):
        top = place * (CELL + FAN) + CELL
        _draw_fans(ax, levels[place : place + 2], table, top, colors)
        image = _draw_counts(ax, levels[place + 1], stage, shades, top + FAN, size)
        # A fan has the colour of its cell: below a layer that of the count.
        colors = [cells.color_of(image, height) for height in shades.heights(np.asarray(stage.counts)).tolist()]
    low, high = min(level.ends[0] for level in levels), max(level.ends[1] for level in levels)
    ax.set_xlim(low - 0.15, high + 0.15)
    bottom = height_of(result) - FOOT
    ax.set_ylim(bottom + FOOT, -0.04)
    _bracket(ax, result, levels[-1], bottom)
    style.bare(ax)
    rows = [place * (CELL + FAN) + CELL / 2 for place in range(len(levels))]
    names = ["inputs", *[f"layer {number}" for number in range(1, len(layers))], "outputs"]
    ax.set_yticks(rows, names, fontsize=style.SMALL)
    ax.tick_params(axis="y", length=0, pad=2)


def _levels(result: OverlapMap) -> list[Level]:
    layers = layers_of(result.op)
    return levels_of(layers, [reached(layer) for layer in layers])


def _width(levels: Sequence[Level]) -> float:
    return max(level.ends[1] for level in levels) - min(level.ends[0] for level in levels) + 0.3


def fan_color(number: int) -> Any:
    """The colour of an input and its fan."""
    return style.tap_colors(style.CATEGORIES)[number % style.CATEGORIES]


def _draw_inputs(ax: Any, level: Level, colors: Sequence[Any]) -> None:
    from matplotlib.patches import Rectangle

    inset = _INSET * min(level.width, 1)
    for centre, color in zip(level.centres, colors, strict=True):
        own = {"facecolor": color, "edgecolor": style.INK, "linewidth": 0.6, "label": "input cell"}
        ax.add_patch(Rectangle((centre - level.width / 2 + inset / 2, 0), level.width - inset, CELL, **own))


def _draw_fans(ax: Any, levels: Sequence[Level], table: np.ndarray, top: float, colors: Sequence[Any]) -> None:
    """A patch an input: one ribbon from its cell to each run of neighbouring outputs that it reaches."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    upper, lower = levels
    for number in range(table.shape[1]):
        runs = _runs(table[:, number])
        if not runs:
            continue
        parts = [_ribbon(upper, number, lower, run, top) for run in runs]
        path = Path(np.concatenate([vertices for vertices, _ in parts]), np.concatenate([codes for _, codes in parts]))
        look = {"facecolor": (colors[number], _LIGHT), "edgecolor": (colors[number], 0.9), "linewidth": 0.7}
        ax.add_patch(PathPatch(path, label=f"fan {number}", **look))


def _runs(outputs: np.ndarray) -> list[tuple[int, int]]:
    """First and last of every run of neighbouring True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], outputs.astype(np.int8), [0]])))
    return [(int(start), int(stop) - 1) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _ribbon(
    upper: Level, number: int, lower: Level, run: tuple[int, int], top: float
) -> tuple[np.ndarray, list[np.uint8]]:
    """The outline of a ribbon with bent sides, as vertices and codes of a path."""
    from matplotlib.path import Path

    inset = _INSET * min(upper.width, lower.width)
    centre, half = upper.first + number * upper.width, upper.width / 2 - inset
    left = lower.first + run[0] * lower.width - lower.width / 2 + inset
    right = lower.first + run[1] * lower.width + lower.width / 2 - inset
    middle, bottom = top + FAN / 2, top + FAN
    vertices = [
        (centre - half, top), (centre - half, middle), (left, middle), (left, bottom), (right, bottom),
        (right, middle), (centre + half, middle), (centre + half, top), (centre - half, top),
    ]  # fmt: skip
    bend = [Path.CURVE4] * 3
    return np.array(vertices), [Path.MOVETO, *bend, Path.LINETO, *bend, Path.CLOSEPOLY]


def _draw_counts(ax: Any, level: Level, stage: OverlapMap, shades: cells.Shades, top: float, size: float | None) -> Any:
    """A row of cells shaded and numbered by count: its image."""
    counts = np.asarray(stage.counts)
    image = shades.draw(ax, counts[None], (*level.ends, top + CELL, top))
    edges = level.first + level.width * (np.arange(level.size + 1) - 0.5)
    empty = np.flatnonzero(counts == 0)
    cells.hatch_holes(ax, [(edges[place], edges[place + 1], top + CELL, top) for place in empty])
    ax.vlines(edges[1:-1], top, top + CELL, color="white", linewidth=1.2)
    ax.hlines([top, top + CELL], *level.ends, color=style.INK, linewidth=0.6)
    ax.vlines(level.ends, top, top + CELL, color=style.INK, linewidth=0.6)
    if size is not None:
        places = np.column_stack([level.centres, np.full(level.size, top + CELL / 2)])
        cells.number_cells(ax, image, shades, counts, places, size, bold=True)
    return image


def _bracket(ax: Any, result: OverlapMap, level: Level, top: float) -> None:
    """A bracket under the outputs that no border reaches."""
    y, centre = top + 0.3 * FOOT, (level.ends[0] + level.ends[1]) / 2
    if result.interior is not None:
        (own,) = result.interior
        low, high = (level.first + level.width * (place - 0.5) for place in (own.start, own.stop))
        low, high, centre = low + 0.06, high - 0.06, (low + high) / 2
        ends = [top + 0.1 * FOOT, y, y, top + 0.1 * FOOT]
        ax.plot([low, low, high, high], ends, label="interior", **cells.INTERIOR_LINE)
    said = "interior" if result.interior is not None else "no output is interior"
    ax.text(centre, y + 0.08 * FOOT, said, ha="center", va="top", fontsize=style.SMALL, color=style.INK)
