"""What a layer makes of a picture, as it is and with the nearest free weight: whole, in detail, and its spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.evenness import has_symbols
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator
from convmatrix.plots import cells, ripple, style

if TYPE_CHECKING:
    from convmatrix.analysis.checkerboard import CheckerboardReport

# Inches.
_LEFT, _ROOM, _GAP, _BETWEEN = 0.9, 2.5, 0.3, 0.6
_DETAIL = (16, 9, 60)
"""Outputs of the detail along an axis: at least, the part of the picture, at most."""
_CUT = (0.5, 99.5)
"""Percentiles of the picture that are black and white."""
_DECADES = 6
_BEYOND = 0.08
"""By how many cycles the spectrum goes on beyond 1/2, so that marks at its edge are whole."""
_MARK = "#ffa90e"
_MARKED = 24
"""Frequencies that are marked; of more, the strongest."""
_FEW = 1e-4


def draw_filtered(
    result: CheckerboardReport,
    after: TensorOperator | None,
    image: Any,
    detail: tuple[int, int] | None,
    given: dict[str, Any],
) -> Any:
    """Draw what the layer makes of `image` and, below, what it does `after` it was mended.

    Returns
    -------
    Figure

    Raises
    ------
    ConvMatrixError
        If the image has another shape than the layer's input, or the layer has symbols.
    """
    x = _input(result.op, image)
    operators = {"as it is": result.op} if after is None else {"as it is": result.op, "nearest fix": after}
    answers = {name: _answer(op, x, result) for name, op in operators.items()}
    last = list(answers.values())[-1]
    low, high = (float(value) for value in np.percentile(last, _CUT))
    view = _View(result, low, high if high > low else low + 1, _window(last.shape[:2], detail), given)
    figure = style.new_figure(14, 8)
    top = 0.7
    for name, answer in answers.items():
        top = _draw_row(figure, view, name, answer, top)
    return figure


@dataclass(frozen=True, eq=False)
class _View:
    """What both rows share: what is black and what white, and which part is enlarged."""

    report: CheckerboardReport
    low: float
    high: float
    window: tuple[int, int, int]
    given: dict[str, Any]


def _input(op: TensorOperator, image: Any) -> np.ndarray:
    """The picture as the layer's input."""
    array = exact.as_numbers(exact.as_array(image, "image"), float, "image").astype(np.float64)
    if len(op.in_shape) != 3:
        raise ConvMatrixError(f"image must be given to a layer along two axes, got one from {op.in_shape}")
    channels, height, width = op.in_shape
    if channels == 1 and array.shape == (height, width):
        array = array[None]
    elif channels == 3 and array.shape == (height, width, 3) != op.in_shape:
        array = array.transpose(2, 0, 1)
    if array.shape != op.in_shape:
        raise ConvMatrixError(f"image must have the shape of the layer's input, {op.in_shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ConvMatrixError("image must be finite, got NaN or infinity")
    return array


def _answer(op: TensorOperator, x: np.ndarray, result: CheckerboardReport) -> np.ndarray:
    """The output as a picture `(h, w)` of the channel with the largest ripple, or `(h, w, 3)` of colours."""
    if result.conditions is not None or has_symbols(np.asarray(result.phase_gain)):
        raise ConvMatrixError("image must be given to a layer of numbers, got one with symbols")
    answer = op(x)
    answer = answer if op.bias is None else answer + op.bias
    numbers = np.asarray(answer)
    if numbers.dtype == object:
        real = all(getattr(value, "is_real", True) for value in numbers.flat)
        numbers = exact.as_numbers(numbers, float if real else complex, "the answer")
    numbers = np.abs(numbers) if numbers.dtype.kind == "c" else numbers.astype(np.float64)
    if len(numbers) == len(x) == 3:
        return np.asarray(numbers.transpose(1, 2, 0))
    return np.asarray(numbers[result.channels[0] if result.channels else 0])


def _window(size: tuple[int, ...], detail: tuple[int, int] | None) -> tuple[int, int, int]:
    """First row and column of the detail, and how many of each it has."""
    side = min(max(min(size) // _DETAIL[1], _DETAIL[0]), _DETAIL[2], *size)
    if detail is None:
        return (size[0] - side) // 2, (size[1] - side) // 2, side
    rows, columns = (n - side for n in size)
    if not (0 <= detail[0] <= rows and 0 <= detail[1] <= columns):
        raise ConvMatrixError(f"detail must begin between (0, 0) and {(rows, columns)}, got {tuple(detail)}")
    return int(detail[0]), int(detail[1]), side


def _draw_row(figure: Any, view: _View, name: str, answer: np.ndarray, top: float) -> float:
    height, width = answer.shape[:2]
    scale = min(_ROOM / height, 1.25 * _ROOM / width)
    wide, tall = width * scale, height * scale
    suffix = "" if name == "as it is" else " 2"
    whole = style.panel(figure, f"picture{suffix}", _LEFT, top, wide, tall)
    left = _LEFT + wide + _GAP
    part = style.panel(figure, f"detail{suffix}", left, top, tall, tall)
    spectrum = style.panel(figure, f"spectrum{suffix}", left + tall + 2.2 * _GAP, top, tall, tall)
    first, second, side = view.window
    _picture(whole, answer, view)
    _picture(part, answer[first : first + side, second : second + side], view)
    ripple.frame_cells(whole, (first, second), answer.shape, (side, side))
    for spine in part.spines.values():
        spine.set(visible=True, color=ripple.FRAME, linewidth=2)
    share = _draw_spectrum(spectrum, answer, view.report)
    _say(whole, part, spectrum, name, (height, width), side)
    if share is not None:
        spectrum.set_xlabel(f"cycles per output;\nat the circles {share}", fontsize=style.SMALL)
    return top + tall + _BETWEEN + 0.25


def _say(whole: Any, part: Any, spectrum: Any, name: str, size: tuple[int, int], side: int) -> None:
    """The row's name at its left, the panels' above them."""
    cells.note(
        whole, name, (0, 0.5), coords="axes fraction", shift=(-8, 0), ha="right", va="center",
        fontsize=style.NORMAL, weight="bold", rotation=90,
    )  # fmt: skip
    whole.set_title(f"output, {size[0]} x {size[1]}", fontsize=style.NORMAL, pad=5)
    part.set_title(f"its {side} x {side} framed", fontsize=style.NORMAL, pad=5)
    spectrum.set_title("log spectrum", fontsize=style.NORMAL, pad=5)


def _picture(ax: Any, answer: np.ndarray, view: _View) -> None:
    options: dict[str, Any] = {"cmap": "gray", "vmin": view.low, "vmax": view.high, "aspect": "auto"}
    shown = answer
    if answer.ndim == 3:
        shown = np.clip((answer - view.low) / (view.high - view.low), 0, 1)
    style.drawn(ax.imshow, shown, options=ripple.painted(options, {}), given=view.given)
    style.bare(ax)


def _draw_spectrum(ax: Any, answer: np.ndarray, result: CheckerboardReport) -> str | None:
    """Magnitudes over frequency, those of the ripple in circles; returns how strong they are beside the mean."""
    plane = answer.mean(axis=2) if answer.ndim == 3 else answer
    taper = np.multiply.outer(*(np.hanning(n + 2)[1:-1] for n in plane.shape))
    taper /= taper.sum()
    mean = float((plane * taper).sum())
    tapered = (plane - mean) * taper
    found = np.abs(np.fft.fftshift(np.fft.fft2(tapered)))
    margins = [int(_BEYOND * n) for n in plane.shape]
    extended = np.pad(found, [(margin, margin) for margin in margins], mode="wrap")
    top = float(extended.max()) or 1.0
    shares = np.log10(np.maximum(extended / top, 10.0**-_DECADES))
    ends = [(-0.5 - m / n - 0.5 / n, 0.5 + m / n - 0.5 / n) for m, n in zip(margins, plane.shape, strict=True)]
    extent = (*ends[1], ends[0][1], ends[0][0])
    ax.imshow(shares, cmap="viridis", vmin=-_DECADES, vmax=0, extent=extent, aspect="auto", interpolation="antialiased")
    ax.set_xticks([-0.5, 0, 0.5], ["\u22121/2", "0", "1/2"])
    ax.set_yticks([-0.5, 0, 0.5], ["\u22121/2", "0", "1/2"])
    ax.tick_params(labelsize=style.SMALL, length=2, pad=2)
    marks = _marks(result)
    if not marks:
        return None
    down, right = np.array(marks, dtype=float).T
    ring = {"linestyle": "none", "marker": "o", "markersize": 11, "markerfacecolor": "none", "label": "ripple"}
    ax.plot(right, down, color="black", markeredgewidth=2.6, **ring)
    ax.plot(right, down, color=_MARK, markeredgewidth=1.4, **ring)
    return _strength(tapered, marks, mean)


def _marks(result: CheckerboardReport) -> list[tuple[Fraction, Fraction]]:
    """The ripple's frequencies and their conjugates, at both edges where they stand at an edge."""
    marks: dict[tuple[Fraction, Fraction], None] = {}
    for found, _ in (result.frequencies or ())[:_MARKED]:
        for sign in (1, -1):
            down, right = (_both(sign * Fraction(part)) for part in found)
            marks.update({(y, x): None for y in down for x in right})
    return list(marks)


def _both(part: Fraction) -> tuple[Fraction, ...]:
    """A frequency between -1/2 and 1/2, at both ends if it is one of them."""
    part = part % 1
    half = Fraction(1, 2)
    return (-half, half) if part == half else (part if part < half else part - 1,)


def _strength(tapered: np.ndarray, marks: list[tuple[Fraction, Fraction]], mean: float) -> str:
    """The largest component at exactly the marks, as a share of the mean brightness."""
    waves = [
        [np.exp(-2j * np.pi * float(part) * np.arange(n)) for part, n in zip(mark, tapered.shape, strict=True)]
        for mark in marks
    ]
    largest = max(abs(complex(down @ tapered @ right)) for down, right in waves)
    if not mean:
        return f"up to {cells.short(largest)}"
    share = largest / abs(mean)
    return f"up to {cells.short(100 * share)} % of the mean" if share >= _FEW else "less than 0.01 % of the mean"
