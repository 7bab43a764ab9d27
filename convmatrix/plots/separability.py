"""The picture of a `Separability`: kernel, separable terms, the nearest kernels of lower rank, singular values."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.plots import cells, style, verdicts
from convmatrix.plots.singular import draw_singular_values
from convmatrix.plots.spread import draw_spread

if TYPE_CHECKING:
    from convmatrix.analysis.separability import Separability, SeparabilityBatch

TERMS = 3
"""Terms that are drawn; of more, their number is said."""
# Inches.
_ROOM, _CELL, _LEAST_CELL = 1.63, 0.45, 0.11
_STRIPS, _GAP = (0.2, 0.4), 0.07
_SINGULAR = 1.63
_LETTER = 0.075
"""Width of a letter of an expression in a cell."""
_WIDEST = 1.25
_SIGN = 14
"""Letters of the number in front of a term, beyond which it is written smaller."""


def draw_separability(result: Separability, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw what `separate` found.

    Above, the kernel and its first three terms: the number in front, the column at the left, the row above, their
    product between them. Below, the singular values, and under each term the nearest kernel of that rank (in the
    Frobenius norm) with its error. Kernel, products and nearest kernels share one colour scale with 0 in its middle; a
    column or row is coloured by its own largest entry. A kernel with symbols shows its expressions, its conditions and
    solutions instead of sizes.

    Parameters
    ----------
    result : Separability
        Of any kernel.
    ax : matplotlib.axes.Axes, optional
        Draw the kernel alone into these axes, the verdict as their title; by default a figure is made.
    **kwargs
        To `Axes.imshow` of every panel of cells.

    Returns
    -------
    Figure, or the Axes given

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> figure = cm.plot(cm.separate("sobel_x"))
    >>> [axes.get_label() for axes in figure.axes]
    ['kernel', 'column 1', 'row 1', 'term 1', 'singular values', 'rank 1']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    kernel = np.asarray(result.kernel)
    if ax is not None:
        cells.draw_cells(ax, kernel, cells.scale_of(kernel), {"aspect": "equal", **kwargs})
        style.title(ax, verdicts.separability(result))
        return ax
    symbolic = result.conditions is not None
    terms = [_Term(*term) for term in result.terms[:TERMS]]
    nearest = [] if symbolic else _nearest(result, len(terms))
    products = [term.product() for term in terms]
    sheet = _Sheet.of(kernel, terms, products)
    figure = style.new_figure(2, 2)
    figure.set_size_inches(sheet.width(len(terms)), sheet.height(not symbolic))
    # Terms may be larger than their sum; they end in the darkest colour, and the kernel is seen.
    scale = cells.scale_with_labels(kernel, *nearest)
    size = sheet.text_size(scale, [kernel, *products])
    panel = sheet.panel(figure, "kernel", 0, 0)
    image, labelled = cells.draw_cells(panel, kernel, scale, kwargs, size=size)
    panel.set_title(f"kernel, {kernel.shape[0]}x{kernel.shape[1]}{scale.unit}", fontsize=style.NORMAL, pad=4)
    for number, (term, product) in enumerate(zip(terms, products, strict=True), start=1):
        _draw_term(figure, sheet, number, term, product, scale, size, kwargs)
    _close_sum(figure, result, len(terms))
    if not symbolic:
        _draw_sizes(figure, sheet, result, nearest, scale, kwargs)
    if not labelled and not symbolic:
        last = figure.axes[-1] if terms else panel
        cells.explain_colors(figure, image, last.inset_axes(sheet.bar), scale)
    beyond = scale if not symbolic and size is None and _leave(scale, products) else None
    _frame(figure, sheet, result, len(terms), labelled, beyond)
    return figure


def _leave(scale: cells.Scale, products: list[np.ndarray]) -> bool:
    """Whether a term goes clearly beyond the colours of its sum."""
    return any(bool((np.abs(scale.shares(product)) > 1.001).any()) for product in products)


def _nearest(result: Separability, most: int) -> list[np.ndarray]:
    """The nearest kernels of rank 1 to `most`; none where their entries fit no float, in which they are computed."""
    try:
        return [np.asarray(result.approximate(rank)) for rank in range(1, most + 1)]
    except ConvMatrixError:
        return []


def _singular_values(result: Separability) -> Any:
    """As far as there are any: some of very large entries are in floats, which do not hold them."""
    try:
        return result.singular_values
    except ConvMatrixError:
        return None


@dataclass(frozen=True, eq=False)
class _Term:
    scale: Any
    column: np.ndarray
    row: np.ndarray

    def product(self) -> np.ndarray:
        """`scale * column row^T`, exact for exact numbers of any size."""
        if self.column.dtype.kind in "fc":
            return np.asarray(self.scale * np.outer(self.column, self.row))
        whole = self.column.astype(object)[:, None] * self.row.astype(object)[None, :] * self.scale
        return np.asarray(whole)


@dataclass(frozen=True)
class _Sheet:
    """Where the panels stand, in inches: a column of panels for the kernel, one for each term."""

    wide: float
    tall: float
    rows: int
    columns: int
    strip: float
    sign: float

    @classmethod
    def of(cls, kernel: np.ndarray, terms: list[_Term], products: list[np.ndarray]) -> _Sheet:
        """Cells as large as fits the room, wide enough for expressions; strips and gaps wide enough for numbers."""
        rows, columns = kernel.shape
        cell = min(_ROOM / rows, _ROOM / columns, _CELL)
        width = max(cell, min(_ROOM / columns, _LEAST_CELL))
        height = max(cell, min(_ROOM / rows, _LEAST_CELL))
        if kernel.dtype == object and columns <= 6:
            letters = max(len(said) for array in (kernel, *products) for said in cells.Scale(1).labels(array))
            width = max(width, min(_LETTER * letters + 0.1, _WIDEST))
        strip = [len(said) for term in terms for said in cells.scale_with_labels(term.column).labels(term.column)]
        signs = max((len(cells.label(term.scale)) for term in terms), default=1)
        least, most = _STRIPS
        thick = min(max(0.075 * max(strip, default=1), least), most) if rows <= 12 else least
        return cls(width * columns, height * rows, rows, columns, thick, 0.2 + 0.1 * min(signs, _SIGN))

    @property
    def block(self) -> float:
        """Width of a term with its strip."""
        return self.strip + _GAP + max(self.wide, 1.2)

    @property
    def first(self) -> float:
        """Width of the kernel's column of panels."""
        return max(self.wide, _SINGULAR)

    @property
    def below(self) -> float:
        """Where the second line of panels begins."""
        return self.top + max(self.tall, 0.4) + 0.5

    @property
    def bar(self) -> tuple[float, float, float, float]:
        """The place of the colour bar beside a panel, as shares of it: high enough for its three numbers."""
        tall = max(1.0, 0.6 / self.tall)
        return 1 + 0.1 / self.wide, (1 - tall) / 2, 0.1 / self.wide, tall

    @property
    def top(self) -> float:
        """Where kernel and products begin."""
        return 0.3 + self.strip + _GAP

    def left(self, place: int) -> float:
        """Left edge of the kernel (0), or of a term's product."""
        if place == 0:
            return 0.6 + (self.first - self.wide) / 2
        return 0.6 + self.first + self.sign + (place - 1) * (self.block + self.sign) + self.strip + _GAP

    def width(self, terms: int) -> float:
        return self.left(terms) + self.block + 0.6

    def height(self, with_sizes: bool) -> float:
        return self.below + (max(self.tall, 1.2) + 0.5 if with_sizes else 0.3)

    def panel(self, figure: Any, label: str, place: int, line: int) -> Any:
        """A panel of the kernel's shape in a column, on the first or second line."""
        top = self.below if line else self.top
        return style.panel(figure, label, self.left(place), top, self.wide, self.tall)

    def text_size(self, scale: cells.Scale, arrays: list[np.ndarray]) -> float | None:
        """One size for the numbers in all of these, or None where the longest cannot be read."""
        if self.rows * self.columns > cells.NUMBERED:
            return None
        said = [text for array in arrays for text in scale.labels(array)]
        return style.common_size(said, 72 * self.wide / self.columns, 72 * self.tall / self.rows)


def _draw_term(
    figure: Any, sheet: _Sheet, number: int, term: _Term, product: np.ndarray, scale: cells.Scale,
    size: float | None, kwargs: dict[str, Any],
) -> None:  # fmt: skip
    """The column at the left, the row above, their product between them."""
    left = sheet.left(number)
    own = {name: value for name, value in kwargs.items() if name not in ("norm", "vmin", "vmax")}
    column = style.panel(figure, f"column {number}", left - sheet.strip - _GAP, sheet.top, sheet.strip, sheet.tall)
    row = style.panel(figure, f"row {number}", left, sheet.top - sheet.strip - _GAP, sheet.wide, sheet.strip)
    for ax, vector in ((column, term.column[:, None]), (row, term.row[None, :])):
        cells.draw_cells(ax, vector, cells.scale_with_labels(vector), own, size=size)
    panel = sheet.panel(figure, f"term {number}", number, 0)
    cells.draw_cells(panel, product, scale, kwargs, size=size)
    factor = cells.label(term.scale)
    sign = "=" if number == 1 else "+"
    said = sign if factor == "1" else f"{sign} {factor} \u00b7"
    _write_left(column, said)


def _write_left(ax: Any, said: str) -> None:
    """A sign and the number in front of a term, smaller where it is long."""
    room = min(1.0, (_SIGN + 4) / len(said))
    cells.note(
        ax, said, (0, 0.5), coords="axes fraction", shift=(-5, 0), ha="right", va="center", fontsize=style.LARGE * room
    )


def _close_sum(figure: Any, result: Separability, drawn: int) -> None:
    """What follows the last term: nothing, more terms, or that there is none."""
    last = figure.axes[-1]
    options = {"coords": "axes fraction", "va": "center", "ha": "left"}
    if drawn == 0:
        cells.note(last, "= 0", (1, 0.5), shift=(10, 0), fontsize=1.15 * style.LARGE, **options)
    elif result.rank > drawn:
        more = result.rank - drawn
        said = f"+ {more} more\n   term{'s' if more > 1 else ''}"
        cells.note(last, said, (1, 0.5), shift=(6, 0), fontsize=style.NORMAL, **options)


def _draw_sizes(
    figure: Any, sheet: _Sheet, result: Separability, nearest: list[np.ndarray], scale: cells.Scale,
    kwargs: dict[str, Any],
) -> None:  # fmt: skip
    """The second line: singular values, and the nearest kernel of each rank with its error."""
    values = _singular_values(result)
    if values is not None:
        height = max(sheet.tall, 1.2)
        ax = style.panel(figure, "singular values", 0.6, sheet.below, sheet.first, height)
        draw_singular_values(ax, values, result.rank, result.tol)
    size = sheet.text_size(scale, nearest) if nearest else None
    whole = result.error(0) if nearest else 0
    for rank, kernel in enumerate(nearest, start=1):
        ax = sheet.panel(figure, f"rank {rank}", rank, 1)
        cells.draw_cells(ax, kernel, scale, kwargs, size=size)
        ax.set_title(f"nearest of rank {rank}", fontsize=style.NORMAL, pad=4, y=1)
        ax.set_xlabel(_error(result.error(rank), whole), fontsize=style.NORMAL, labelpad=5)


def _error(error: Any, whole: Any) -> str:
    """The Frobenius error, and its share of the kernel's norm."""
    if error == 0:
        return "error 0"
    share = float(error / whole) if whole != 0 else 0.0
    shown = f"{100 * share:.3g} %" if share > 1e-4 else f"a share of {share:.1e}"
    return f"error {cells.short(error)} (Frobenius),\n{shown} of the kernel's norm"


def _frame(
    figure: Any, sheet: _Sheet, result: Separability, terms: int, labelled: bool, beyond: cells.Scale | None
) -> None:
    """Verdict above, what else is to be read below; the figure takes the size of it all."""
    letters = max(int(sheet.width(terms) * 11), 44)
    title = "\n".join(textwrap.wrap(verdicts.separability(result), letters))
    title = title[:1].upper() + title[1:]
    head = figure.text(0.5, 0.98, title, ha="center", va="top", fontsize=style.LARGE, weight="bold")
    lines = verdicts.solutions(result)
    if terms and not labelled and result.conditions is None:
        lines = ["Each strip is coloured by its own largest entry."]
    if beyond is not None:
        lines.append(f"Entries of terms beyond \u00b1{cells.label(beyond.ceiling)} have the darkest colours too.")
    if np.iscomplexobj(result.kernel):
        lines.append(cells.COMPLEX)
    wrapped = [part for line in lines for part in textwrap.wrap(line, int(1.25 * letters))]
    foot = figure.text(0.5, 0.02, "\n".join(wrapped), ha="center", va="bottom", fontsize=style.NORMAL, color="#404040")
    style.fit(figure, head, foot if wrapped else None)


def draw_separability_batch(result: SeparabilityBatch, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw how many kernels of a stack have which rank, and how far they are from separable.

    Parameters
    ----------
    result : SeparabilityBatch
        Of any number of kernels.
    ax : matplotlib.axes.Axes, optional
        Draw the bars of the ranks alone into these axes; by default a figure, the errors beside them.
    **kwargs
        To `Axes.bar` of the ranks.

    Returns
    -------
    Figure, or the Axes given
    """
    ranks = np.asarray(result.rank).reshape(-1)
    most = min(np.asarray(result.kernels).shape[-2:])
    names = [str(rank) for rank in range(most + 1)]
    counts = np.bincount(ranks, minlength=most + 1)
    kind = result.rank_kind
    tol = "" if result.tol is None else f" at tol {np.max(result.tol):.2g}"
    separable = int((ranks <= 1).sum())
    title = f"{separable:,} of {ranks.size:,} kernels are separable ({kind} rank{tol})"
    return draw_spread(
        ax, title, (names, counts, f"{kind} rank"), (np.asarray(result.error(1)), np.asarray(result.error(0))), kwargs
    )
