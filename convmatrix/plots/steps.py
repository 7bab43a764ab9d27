"""What an animation shows, step by step: the lit row or column, the window, the values. Computed first, drawn after."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.operators.base import TensorOperator
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool
from convmatrix.plots import style, wording
from convmatrix.plots.entries import Entries, Leaf, leaf_of

DOT, DOTS = "\u00b7", "\u2026"
_LONGEST = 200
"""Letters of a sum beyond which its middle is left out."""


@dataclass(frozen=True)
class Margins:
    """Padding drawn round a tensor: before and after, one pair an axis of space."""

    shape: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]

    @property
    def padded(self) -> tuple[int, ...]:
        """The tensor's shape with them."""
        return (self.shape[0], *[n + sum(pads) for n, pads in zip(self.shape[1:], self.pads, strict=True)])

    def inside(self) -> np.ndarray:
        """Flat places, among the padded cells, of the tensor's own positions in their order."""
        index = np.indices(self.shape).reshape(len(self.shape), -1)
        shifts = np.array([0, *[before for before, _ in self.pads]])[:, None]
        return np.ravel_multi_index(tuple(index + shifts), self.padded)


@dataclass(frozen=True)
class Step:
    """One picture of the animation.

    Attributes
    ----------
    line : int
        The row of the matrix that is lit, or the column.
    entries : ndarray of int
        Those of the stored entries that lie on it.
    window : dict
        From cells of the padded side under the kernel to the class of their tap.
    values : tuple
        The outputs so far, None where nothing has been written yet.
    sentence : str
        The arithmetic in one line.
    """

    line: int
    entries: np.ndarray
    window: dict[int, int]
    values: tuple[Any, ...]
    sentence: str


@dataclass(frozen=True)
class Steps:
    """All of them. `by` is "output" (rows are lit) or "input" (columns); the window lies on the other side."""

    op: TensorOperator
    entries: Entries
    by: str
    x: tuple[Any, ...]
    margins: Margins
    copies: dict[int, int]
    """From padded cells that repeat an input to that input; padding of zeros repeats none."""
    steps: tuple[Step, ...]

    @property
    def is_by_output(self) -> bool:
        """Whether one output after the other is gathered."""
        return self.by == "output"


def default_by(op: TensorOperator) -> str:
    """A transposed layer is read by the input that is spread, everything else by the output that is gathered."""
    leaf = leaf_of(op)
    return "input" if leaf is not None and leaf.transposed else "output"


def steps_of(op: TensorOperator, entries: Entries, x: np.ndarray, by: str) -> Steps:
    """The steps of one operator on one input of its shape."""
    leaf = leaf_of(op)
    shape = op.in_shape if by == "output" else op.out_shape
    # The kernel slides over the side that the layer reads, and only there has padding a place.
    slides = leaf is not None and leaf.transposed == (by == "input")
    margins = _margins(leaf, shape) if leaf is not None and slides else Margins(shape, ((0, 0),) * (len(shape) - 1))
    values = tuple(x.reshape(-1).tolist())
    written = _gathered(op, x) if by == "output" else _spread(op, entries, values)
    lines = entries.rows if by == "output" else entries.columns
    steps = []
    for line, so_far in enumerate(written):
        places = _in_order(op, entries, np.flatnonzero(lines == line), by)
        inside = margins.inside()
        window = _outside(leaf, entries, margins, line) if leaf is not None and slides else {}
        across = entries.columns if by == "output" else entries.rows
        classes = entries.classes if entries.classes is not None else np.zeros(len(entries.rows), dtype=np.int64)
        window |= {int(inside[across[place]]): int(classes[place]) for place in places}
        said = _sentence(op, entries, values, so_far, line, places, by)
        steps.append(Step(line, places, window, so_far, said))
    copies = _copies(leaf, margins) if leaf is not None and slides else {}
    return Steps(op, entries, by, values, margins, copies, tuple(steps))


def _in_order(op: TensorOperator, entries: Entries, places: np.ndarray, by: str) -> np.ndarray:
    """The entries of a line channel by channel, and in one by their taps, however a border moves them."""
    across, shape = (entries.columns, op.in_shape) if by == "output" else (entries.rows, op.out_shape)
    if entries.classes is None:
        return places[np.argsort(across[places])]
    channels = across[places] // math.prod(shape[1:])
    return places[np.lexsort((across[places], entries.classes[places], channels))]


def _margins(leaf: Leaf, shape: tuple[int, ...]) -> Margins:
    return Margins(shape, tuple((max(a.pad_before, 0), max(a.pad_after, 0)) for a in leaf.geometry.axes))


def _gathered(op: TensorOperator, x: np.ndarray) -> list[tuple[Any, ...]]:
    """After step n the first n + 1 outputs are there."""
    whole = op(x).reshape(-1).tolist()
    return [(*whole[: n + 1], *[None] * (len(whole) - n - 1)) for n in range(len(whole))]


def _spread(op: TensorOperator, entries: Entries, x: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """After step n what the first n + 1 inputs have added to each output."""
    sums: list[Any] = [None] * op.shape[0]
    after = []
    for column, value in enumerate(x):
        for place in np.flatnonzero(entries.columns == column):
            row, term = entries.rows[place], entries.values[place] * value
            sums[row] = term if sums[row] is None else sums[row] + term
        after.append(tuple(sums))
    # An output that no input reaches is 0 in the end.
    after[-1] = tuple(0 if value is None else value for value in sums)
    return after


def _outside(leaf: Leaf, entries: Entries, margins: Margins, line: int) -> dict[int, int]:
    """The taps of one row of the layer that lie in its padding, with their classes."""
    geometry = leaf.geometry
    channel, *place = (int(i) for i in np.unravel_index(line, geometry.out_shape))
    taps = [axis.positions(np.array([o]))[0] for axis, o in zip(geometry.axes, place, strict=True)]
    per_group = geometry.weight_shape[1]
    first = channel // (geometry.weight_shape[0] // geometry.groups) * per_group
    found: dict[int, int] = {}
    for number, tap in enumerate(itertools.product(*[range(len(each)) for each in taps])):
        at = [int(each[t]) for each, t in zip(taps, tap, strict=True)]
        if all(0 <= p < n for p, n in zip(at, margins.shape[1:], strict=True)):
            continue
        cell = [p + before for p, (before, _) in zip(at, margins.pads, strict=True)]
        if not all(0 <= p < n for p, n in zip(cell, margins.padded[1:], strict=True)):
            continue
        for local in range(per_group):
            flat = int(np.ravel_multi_index((first + local, *cell), margins.padded))
            found[flat] = number if entries.meaning == "tap" else channel * per_group + local
    return found


def _copies(leaf: Leaf, margins: Margins) -> dict[int, int]:
    """What each cell of the padding repeats."""
    axes, padded = leaf.geometry.axes, margins.padded
    # Padding of zeros is one for all axes: a cell outside on any of them is empty.
    sources = [
        axis.source(np.arange(-before, n - before))
        for axis, n, (before, _) in zip(axes, padded[1:], margins.pads, strict=True)
    ]
    own = set(margins.inside().tolist())
    copies = {}
    for flat in range(math.prod(padded)):
        channel, *cell = (int(i) for i in np.unravel_index(flat, padded))
        at = [int(source[c]) for source, c in zip(sources, cell, strict=True)]
        if flat not in own and min(at, default=0) >= 0:
            copies[flat] = int(np.ravel_multi_index((channel, *at), margins.shape))
    return copies


def _sentence(
    op: TensorOperator,
    entries: Entries,
    x: tuple[Any, ...],
    values: tuple[Any, ...],
    line: int,
    places: np.ndarray,
    by: str,
) -> str:
    """The arithmetic of a step: a row times the input, or a column times its one input."""
    if by == "output":
        terms = [_term(entries.values[place], x[entries.columns[place]]) for place in places]
        gathered = _joined(terms, " + ") if terms else "only padding is read"
        return f"row {line}, {_where('output', op.out_shape, line)}:  {gathered} = {style.number(values[line])}"
    terms = [_term(entries.values[place], x[line]) for place in places]
    head = f"column {line}, {_where('input', op.in_shape, line)} = {style.number(x[line])}:  "
    if not terms:
        return f"{head}reaches no output"
    return f"{head}adds {_joined(terms, ', ')} to {len(terms)} output{'s' * (len(terms) > 1)}"


def _where(side: str, shape: tuple[int, ...], flat: int) -> str:
    index = tuple(int(i) for i in np.unravel_index(flat, shape))
    text = wording.index_text(shape, index)
    return f"{side} ({text.removeprefix('c0, ') if shape[0] == 1 else text})"


def _term(weight: Any, value: Any) -> str:
    return DOT.join(_factor(style.number(each)) for each in (weight, value))


def _factor(text: str) -> str:
    """In brackets where a sign would be misread."""
    return f"({text})" if any(sign in text.removeprefix("(") for sign in "+-/") else text


def _joined(terms: list[str], joint: str) -> str:
    whole = joint.join(terms)
    if len(whole) <= _LONGEST:
        return whole
    kept = 1
    while len(joint.join(terms[: kept + 1])) < _LONGEST - 30:
        kept += 1
    return joint.join([*terms[:kept], f"{DOTS} ({len(terms)} terms) {DOTS}", terms[-1]])


def tap_values(entries: Entries) -> list[Any] | None:
    """The weight of each single tap, None where a tap has several, or none of them is known."""
    if entries.classes is None or entries.meaning != "tap":
        return None
    found: list[Any] = [None] * entries.plain
    for number, value in zip(entries.classes.tolist(), entries.values, strict=True):
        if number < entries.plain:
            if found[number] is not None and found[number] != value:
                return None
            found[number] = value
    return found


def kernel_shape(op: TensorOperator) -> tuple[int, ...] | None:
    """The kernel of a layer as a tensor of one channel; None of other operators."""
    leaf = leaf_of(op)
    if leaf is None or not isinstance(leaf.layer, (Convolution, AvgPool)):
        return None
    return (1, *leaf.geometry.kernel_size)
