"""The sliding window, the row of the matrix it is, and the output filling up: as an animation."""

from __future__ import annotations

import math
import operator
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.operators.base import TensorOperator
from convmatrix.plots import style, wording
from convmatrix.plots.board import LEAST, Board, board_size, pale
from convmatrix.plots.entries import check_color, default_color, entries_of
from convmatrix.plots.matrix import cell_size, draw_cells, paint
from convmatrix.plots.mosaic import Mosaic, draw_grid
from convmatrix.plots.steps import Margins, Step, Steps, default_by, kernel_shape, steps_of, tap_values

FRAMES, SIDE = 100, 150
"""Steps that are animated at most, and rows or columns of the matrix."""
_WIDTH, _MOST_WIDTH = 8.6, 9.0
"""Inches for all panels, and for the whole with what is written round them."""
_LETTERS = 104
_SHORT = 1.5
"""Inches of a matrix below which it has no room for long names."""
_FADED = 0.22
_LEAST_CELL = 0.06


def animate_operator(
    op: TensorOperator, *, x: Any, by: str | None, interval: float, hold: int, color: str | None
) -> Any:
    """`convmatrix.plots.animate`, whose arguments are explained there."""
    from matplotlib.animation import FuncAnimation

    by = _checked(op, by, interval, hold, color)
    tensor = _input(op, x)
    entries = entries_of(op)
    known = entries.numbers()
    if known is not None and not np.isfinite(known).all():
        raise ConvMatrixError("op must be finite to be animated, got NaN or infinity")
    chosen = default_color(entries) if color is None else color
    check_color(chosen, entries)
    stage = _staged(steps_of(op, entries, tensor, by), chosen)
    count = len(stage.steps.steps)
    # One picture kept for several frames is written once, and shown for longer.
    frames = [*range(count), *[count - 1] * hold]
    stage.show(0)
    return FuncAnimation(stage.figure, stage.show, frames=frames, interval=interval, blit=False, repeat=True)


def _staged(steps: Steps, color: str) -> _Stage:
    """The figure, drawn again with a smaller matrix where names of lines make it too wide."""
    from matplotlib import pyplot

    stage = _Stage(steps, color, _WIDTH)
    excess = stage.figure.get_size_inches()[0] - _MOST_WIDTH
    if excess > 0:
        pyplot.close(stage.figure)
        stage = _Stage(steps, color, _WIDTH - excess - 0.02)
    return stage


def _checked(op: Any, by: str | None, interval: Any, hold: Any, color: str | None) -> str:
    """Refuse what cannot be animated, and say by which side the steps go."""
    if not isinstance(op, TensorOperator):
        raise ConvMatrixError(f"op must be an operator, got {type(op).__name__}")
    if by not in (None, "output", "input"):
        raise ConvMatrixError(f"by must be one of 'output', 'input', got {by!r}")
    if color not in (None, "tap", "value"):
        raise ConvMatrixError(f"color must be one of 'tap', 'value', got {color!r}")
    try:
        fine = not isinstance(interval, bool) and math.isfinite(interval) and interval > 0
    except TypeError:
        fine = False
    if not fine:
        raise ConvMatrixError(f"interval must be a positive number of milliseconds, got {interval!r}")
    try:
        number = -1 if isinstance(hold, bool) else operator.index(hold)
    except TypeError:
        number = -1
    if number < 0:
        raise ConvMatrixError(f"hold must be an integer of at least 0, got {hold!r}")
    rows, columns = op.shape
    if max(rows, columns) > SIDE:
        raise ConvMatrixError(
            f"op must have at most {SIDE} rows and columns to be animated, got a matrix of {rows} x {columns}"
        )
    chosen = by or default_by(op)
    steps = rows if chosen == "output" else columns
    if steps > FRAMES:
        raise ConvMatrixError(
            f"op must have at most {FRAMES} {'rows' if chosen == 'output' else 'columns'} to be animated by its "
            f"{chosen}, got {steps}"
        )
    return chosen


def _input(op: TensorOperator, x: Any) -> np.ndarray:
    """The input as a tensor; by default digits without a pattern."""
    if x is None:
        return (np.arange(op.shape[1]) * 7 + 3).reshape(op.in_shape) % 10
    array = exact.as_array(x, "x")
    if array.shape == op.in_shape[1:] and op.in_shape[0] == 1:
        array = array[None]
    if array.shape != op.in_shape:
        raise ConvMatrixError(f"x must have shape {op.in_shape}, one input without a batch, got {array.shape}")
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        raise ConvMatrixError("x must be finite to be animated, got NaN or infinity")
    return array


@dataclass(frozen=True)
class _Sizes:
    """Layouts and sizes in inches of the two tensors, the matrix and the kernel."""

    boards: tuple[Mosaic, Mosaic]
    input: tuple[float, float]
    output: tuple[float, float]
    matrix: tuple[float, float]
    kernel: tuple[float, float]
    stacked: bool
    ticks: float = 0.8
    gap: float = 0.55
    top: float = 0.8

    @classmethod
    def of(
        cls, op: TensorOperator, sides: tuple[Margins, Margins], kernel: tuple[int, ...] | None, width: float
    ) -> _Sizes:
        """Signals lie above each other beside the matrix, pictures on both of its sides."""
        stacked = len(op.in_shape) < 3 and len(op.out_shape) < 3
        room = (3.3, 1.7) if stacked else (2.25, 3.3)
        (first, read), (second, written) = (board_size(side, room) for side in sides)
        for mosaic, name in ((first, "input"), (second, "output")):
            if mosaic.fit(room) < _LEAST_CELL:
                raise ConvMatrixError(
                    f"op must have an {name} whose cells can be told apart when it is animated, got one of "
                    f"{' x '.join(map(str, mosaic.size))} cells with its padding"
                )
        key = board_size(Margins(kernel, ((0, 0),) * (len(kernel) - 1)), (1.4, 1.2))[1] if kernel else (0.0, 0.0)
        # The kernel lies below the lower of the two.
        left, right = (
            (read[0], max(written[0], key[0])) if written[1] <= read[1] else (max(read[0], key[0]), written[0])
        )
        taken = max(read[0], written[0], key[0]) + 0.9 if stacked else max(left, 0.6) + right + 0.85
        cell = cell_size(op.shape, (min(width - taken - 0.8, width - 3.4), 3.6))
        return cls((first, second), read, written, (op.shape[1] * cell[0], op.shape[0] * cell[1]), key, stacked)

    def places(self) -> dict[str, tuple[float, float, float, float]]:
        """Left, top, width and height of each panel."""
        places = {"input": (0.4, self.top, *self.input)}
        if self.stacked:
            column = max(self.input[0], self.output[0])
            matrix = 0.4 + column + self.ticks
            below = self.top + self.input[1] + 0.75
            places["output"] = (0.4, below, *self.output)
            places["kernel"] = (0.4, below + self.output[1] + 0.75, *self.kernel)
        else:
            matrix = 0.4 + max(self.input[0], 0.6) + self.ticks
            right = matrix + self.matrix[0] + self.gap
            places["output"] = (right, self.top, *self.output)
            left, tall = (right, self.output[1]) if self.output[1] <= self.input[1] else (0.4, self.input[1])
            places["kernel"] = (left, self.top + tall + 0.55, *self.kernel)
        places["matrix"] = (matrix, self.top, *self.matrix)
        return places


class _Stage:
    """The figure with its artists; `show` changes them to those of one step, whichever was shown before."""

    def __init__(self, steps: Steps, color: str, width: float) -> None:
        from matplotlib.patches import Rectangle

        op, entries = steps.op, steps.entries
        self.steps = steps
        plain = {side: Margins(shape, ((0, 0),) * (len(shape) - 1)) for side, shape in _shapes(op).items()}
        self.window, self.point = ("input", "output") if steps.is_by_output else ("output", "input")
        sides = plain | {self.window: steps.margins}
        sizes = _Sizes.of(op, (sides["input"], sides["output"]), kernel_shape(op), width)
        self.figure = style.new_figure(9, 6)
        axes = {name: style.panel(self.figure, name, *place) for name, place in sizes.places().items() if place[2]}
        texts = {"input": [style.number(v) for v in steps.x], "output": _written(steps)}
        self.boards = {
            side: Board(axes[side], sides[side], mosaic, texts[side])
            for side, mosaic in zip(("input", "output"), sizes.boards, strict=True)
        }
        self.matrix = axes["matrix"]
        cell = (sizes.matrix[0] / op.shape[1], sizes.matrix[1] / op.shape[0])
        self.image, _ = draw_cells(self.matrix, op, entries, color, cell[1] / cell[0], {})
        self._keep_legible()
        size = (op.shape[1], 1) if steps.is_by_output else (1, op.shape[0])
        self.frame = Rectangle((-0.5, -0.5), *size, fill=False, edgecolor=style.INK, linewidth=1.6, zorder=5)
        self.frame.set_label("lit row" if steps.is_by_output else "lit column")
        self.frame.set_clip_on(False)
        self.matrix.add_patch(self.frame)
        self.colors = paint(entries, color).colors()
        merged = [style.MERGED] * (len(entries.names) - entries.plain)
        self.taps = [*style.tap_colors(entries.plain), *merged] if color == "tap" else []
        if "kernel" in axes:
            _draw_kernel(axes["kernel"], steps, self.taps[: entries.plain])
        self._name(axes)
        self._write_around()

    def _keep_legible(self) -> None:
        """Entries too small to be read stay colours; which text is on which line."""
        written = [text for text in self.matrix.texts if text.get_text()]
        for text in written:
            if text.get_fontsize() < LEAST:
                text.remove()
        along = 1 if self.steps.is_by_output else 0
        self.labels: dict[int, list[tuple[Any, Any]]] = {}
        for text in self.matrix.texts:
            line = round(text.get_position()[along])
            self.labels.setdefault(line, []).append((text, text.get_color()))
            text.set_color("#555555")
            if text.get_bbox_patch() is not None:
                text.set_bbox(None)

    def _name(self, axes: dict[str, Any]) -> None:
        for side, shape in _shapes(self.steps.op).items():
            name = f"{side} {' x '.join(map(str, shape[1:] if shape[0] == 1 and len(shape) > 1 else shape))}"
            if side == self.window and any(map(sum, self.steps.margins.pads)):
                name += "\ndashed: " + ("padding" if self.steps.is_by_output else "cut away")
            tiled = (shape[0] > 1 and len(shape) > 2) or len(shape) > 3
            axes[side].set_title(name, fontsize=style.NORMAL, pad=15 if tiled else 6)
        what = "one row an output" if self.steps.is_by_output else "one column an input"
        rows, columns = self.steps.op.shape
        wide, tall = (points / 72 for points in style.cell_points(self.matrix, 1, 1))
        joint = ":\n" if wide < _SHORT else ": "
        self.matrix.set_title(f"matrix {rows} x {columns}{joint}{what}", fontsize=style.NORMAL)
        for axis, side, length in ((self.matrix.xaxis, "input", wide), (self.matrix.yaxis, "output", tall)):
            if length < _SHORT:
                axis.set_label_text(side)

    def _write_around(self) -> None:
        """The kind of layer above, and below room for the longest sentence."""
        self.said = [textwrap.fill(step.sentence, _LETTERS) for step in self.steps.steps]
        lines = max(text.count("\n") for text in self.said)
        self.said = [text + "\n" * (lines - text.count("\n")) for text in self.said]
        kind = wording.describe(self.steps.op)
        above = "\n".join(textwrap.wrap(f"{kind[:1].upper()}{kind[1:]}", 95))
        head = self.figure.text(0.5, 1, above, ha="center", va="top", fontsize=style.LARGE)
        longest = max(self.said, key=lambda text: max(map(len, text.split("\n"))))
        self.sentence = self.figure.text(0.5, 0, longest, ha="center", va="bottom", fontsize=style.NORMAL + 0.5)
        self.sentence.set_label("arithmetic")
        style.fit(self.figure, head, self.sentence)

    def show(self, number: int) -> list[Any]:
        """Turn the artists to one step; returns those that changed."""
        step = self.steps.steps[number]
        changed = [*self._show_window(step), *self._show_point(step), *self._light(step)]
        self.sentence.set_text(self.said[number])
        return [*changed, self.sentence]

    def _show_window(self, step: Step) -> list[Any]:
        """The side that the kernel lies on: its values, and the taps in their colours."""
        steps, board = self.steps, self.boards[self.window]
        values = steps.x if steps.is_by_output else step.values
        texts = {int(cell): style.number(v) for cell, v in zip(board.inside, values, strict=True) if v is not None}
        colors: dict[int, Any] = dict.fromkeys(texts, style.PLAIN)
        texts |= {cell: style.number(steps.x[source]) for cell, source in steps.copies.items()}
        across = steps.entries.columns if steps.is_by_output else steps.entries.rows
        weights = {}
        for cell, tap in step.window.items():
            colors[cell] = pale(self.taps[tap]) if self.taps else style.FAINT
        for place in step.entries:
            cell = int(board.inside[across[place]])
            colors[cell] = self.colors[place]
            weights[cell] = style.number(steps.entries.values[place])
        return board.show(colors, texts, list(step.window), weights)

    def _show_point(self, step: Step) -> list[Any]:
        """The side with the one cell that the step is about."""
        steps, board = self.steps, self.boards[self.point]
        values = step.values if steps.is_by_output else steps.x
        texts = {int(cell): style.number(v) for cell, v in zip(board.inside, values, strict=True) if v is not None}
        colors: dict[int, Any] = dict.fromkeys(texts, style.PLAIN)
        cell = int(board.inside[step.line])
        colors[cell] = style.INK
        return board.show(colors, texts, [cell], {})

    def _light(self, step: Step) -> list[Any]:
        """One row or column in full colour, framed, the others faded."""
        alpha = np.full(self.steps.op.shape, _FADED)
        line = np.s_[step.line] if self.steps.is_by_output else np.s_[:, step.line]
        alpha[line] = 1
        self.image.set_alpha(alpha)
        for number, texts in self.labels.items():
            for text, ink in texts:
                text.set_color(ink if number == step.line else "#555555")
        at = step.line - 0.5
        self.frame.set_xy((-0.5, at) if self.steps.is_by_output else (at, -0.5))
        return [self.image, self.frame, *self.matrix.texts]


def _shapes(op: TensorOperator) -> dict[str, tuple[int, ...]]:
    return {"input": op.in_shape, "output": op.out_shape}


def _written(steps: Steps) -> list[str]:
    """Everything that will ever stand in the output."""
    return [style.number(value) for step in steps.steps for value in step.values if value is not None]


def _draw_kernel(ax: Any, steps: Steps, colors: list[Any]) -> None:
    """The taps in their colours with their weights, where channels share them; else their colours alone."""
    shape = kernel_shape(steps.op)
    assert shape is not None
    count, values = math.prod(shape), tap_values(steps.entries)
    labels = ["" if value is None else style.number(value) for value in values or [None] * count]
    room = (1.4, 1.2)
    fills = colors if len(colors) == count else [style.FAINT] * count
    draw_grid(ax, Mosaic.of(shape, room), shape, np.arange(count), fills, labels, room)
    for text in [text for text in ax.texts if text.get_fontsize() < LEAST]:
        text.remove()
    ax.set_title("kernel" if values else "taps", fontsize=style.NORMAL, pad=14 if len(shape) > 3 else 6)
