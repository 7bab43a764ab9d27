"""The picture of a `Flattening`: the filter's slices, its vectors, the nearest outer product, what is left over."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.plots import cells, style, verdicts
from convmatrix.plots.singular import floor_of
from convmatrix.plots.spread import draw_spread

if TYPE_CHECKING:
    from convmatrix.analysis.flattening import Flattening, FlatteningBatch

SLICES = 12
"""Slices that are drawn; of more, the first."""
# Inches.
_WIDE, _TALL, _CELL, _LEAST_CELL = 6.6, 1.5, 0.42, 0.02
_STRIP, _LINE, _LEFT = 0.24, 0.62, 1.5
_LETTER = 0.075
_INK = ("#2a6f97", "#bd1f01", "#717581", "#832db6", "#a96b59")
_MARKERS = "osD^v"


def draw_flattening(result: Flattening, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw what `flatten` found.

    The slices of the filter along its first axis, the vector of each axis, and, where the filter is no outer product,
    the nearest one found and the residual, slice under slice on one colour scale; then the singular values of the
    filter's unfoldings. A filter with symbols shows its expressions and conditions instead.

    Parameters
    ----------
    result : Flattening
        Of any filter.
    ax : matplotlib.axes.Axes, optional
        Draw the slices alone into these axes, the verdict as their title; by default a figure is made.
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
    >>> figure = cm.plot(cm.flatten("1 2; 3 6 | 2 4; 6 12"))
    >>> [axes.get_label() for axes in figure.axes]
    ['filter', 'factor 0', 'factor 1', 'factor 2', 'singular values', 'key']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    whole = np.asarray(result.filter)
    shown = _slices(whole)
    canvas = cells.side_by_side(shown)
    if ax is not None:
        cells.draw_cells(ax, canvas, cells.scale_of(shown), {"aspect": "equal", **kwargs})
        style.title(ax, verdicts.flattening(result))
        return ax
    panels = {"filter": shown}
    symbolic = result.conditions is not None
    if not symbolic and not result.is_rank_one:
        nearest = np.asarray(result.approximate())
        panels |= {"nearest": _slices(nearest), "residual": _slices(_less(whole, nearest))}
    figure = style.new_figure(2, 2)
    width, height = _canvas_size(whole, canvas)
    figure.set_size_inches(_LEFT + max(width, 4.2) + 0.6, 9)
    end = _draw_slices(figure, result, panels, (width, height), kwargs)
    if result.factors is not None:
        end = _draw_factors(figure, result, end, kwargs)
    if not symbolic:
        _draw_unfoldings(figure, result, whole, end)
    _frame(figure, result, len(shown), len(whole), max(width, 4.2))
    return figure


def _slices(array: np.ndarray) -> np.ndarray:
    return array[None] if array.ndim == 2 else array[:SLICES]


def _less(whole: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """The residual, exact where both are."""
    if whole.dtype.kind in "iu" and nearest.dtype == object:
        whole = whole.astype(object)
    return np.asarray(whole - nearest)


def _canvas_size(whole: np.ndarray, canvas: np.ndarray) -> tuple[float, float]:
    """Width and height in inches of all slices side by side."""
    rows, columns = canvas.shape
    cell = max(min(_WIDE / columns, _TALL * (1 + 0.5 * max(0, whole.ndim - 3)) / rows, _CELL), _LEAST_CELL)
    width = cell
    if whole.dtype == object:
        letters = max(map(len, cells.Scale(1).labels(whole[:SLICES])), default=1)
        width = max(cell, min(_LETTER * letters + 0.08, _WIDE / columns))
    return width * columns, cell * rows


def _draw_slices(
    figure: Any, result: Flattening, panels: dict[str, np.ndarray], size: tuple[float, float], kwargs: dict[str, Any]
) -> float:
    """Filter, nearest outer product and residual under each other; returns where the next panel may begin."""
    scale = cells.scale_with_labels(*panels.values())
    top = 0.3
    names = {"filter": f"filter\n{'x'.join(map(str, np.shape(result.filter)))}{scale.unit}", **_captions(result)}
    for label, planes in panels.items():
        ax = style.panel(figure, label, _LEFT, top, *size)
        image, labelled = cells.draw_cells(ax, cells.side_by_side(planes), scale, kwargs)
        _name_left(ax, names[label])
        if label == "filter" and planes.ndim == 3 and planes.shape[0] > 1:
            _number_slices(ax, planes.shape)
        if label == "filter" and not labelled and result.conditions is None:
            cells.explain_colors(figure, image, ax.inset_axes((1 + 0.08 / size[0], 0, 0.1 / size[0], 1)), scale)
        top += size[1] + 0.25
    return top + 0.05


def _captions(result: Flattening) -> dict[str, str]:
    if result.is_rank_one or result.conditions is not None:
        return {}
    share = f"{100 * float(result.error / _norm(np.asarray(result.filter))):.3g} % of the norm"
    bound = "none is nearer" if result.is_best else f"every one has {cells.short(result.error_bound)}\nor more"
    residual = f"residual\nerror {cells.short(result.error)}\n{share}\n{bound}"
    return {"nearest": "nearest outer\nproduct found", "residual": residual}


def _norm(whole: np.ndarray) -> Any:
    """The Frobenius norm, summed in units in which no square overflows or vanishes."""
    scale = cells.scale_of(whole)
    return float(scale.ceiling) * float(np.linalg.norm(scale.shares(whole)))


def _name_left(ax: Any, said: str) -> None:
    cells.note(
        ax, said, (0, 0.5), coords="axes fraction", shift=(-8, 0), ha="right", va="center", fontsize=style.NORMAL
    )


def _number_slices(ax: Any, shape: tuple[int, ...]) -> None:
    """Names of the slices above them."""
    step = shape[-1] + 1
    points = style.cell_points(ax, 1, shape[0] * step)[0] * step
    every = max(1, math.ceil(20 / points))
    for number in range(0, shape[0], every):
        cells.note(
            ax,
            f"c{number}",
            (number * step + (shape[-1] - 1) / 2, 1),
            coords=("data", "axes fraction"),
            shift=(0, 2),
            ha="center",
            va="bottom",
            fontsize=style.SMALL,
        )


def _draw_factors(figure: Any, result: Flattening, top: float, kwargs: dict[str, Any]) -> float:
    """The vector of each axis as a strip, the number in front of them at the left."""
    own = {name: value for name, value in kwargs.items() if name not in ("norm", "vmin", "vmax")}
    size, vectors = _readable(result)
    product = " \u2297 ".join(f"v{axis}" for axis in range(len(vectors)))
    scale = cells.label(size)
    for axis, factor in enumerate(vectors):
        vector = factor[None, :]
        letters = max(map(len, cells.scale_with_labels(vector).labels(vector)))
        cell = min(max(_CELL, _LETTER * letters), _WIDE / vector.size)
        ax = style.panel(figure, f"factor {axis}", _LEFT, top, cell * vector.size, _STRIP)
        cells.draw_cells(ax, vector, cells.scale_with_labels(vector), own)
        _name_left(ax, f"v{axis}")
        if axis == 0:
            of = "filter" if result.is_rank_one else "nearest"
            said = f"{of} = {product}" if scale == "1" else f"{of} = {scale} \u00b7 {product}"
            ax.set_title(said, fontsize=style.NORMAL, pad=4, loc="left")
        top += _STRIP + 0.1
    return top + 0.35


def _readable(result: Flattening) -> tuple[Any, list[np.ndarray]]:
    """Scale and vectors; those of an exact filter's approximation, whose integers are long, with 1 as largest entry."""
    vectors = [np.asarray(factor) for factor in result.factors or ()]
    if result.is_rank_one or result.rank_kind == "numerical":
        return result.scale, vectors
    size = result.scale
    for number, vector in enumerate(vectors):
        scale = cells.scale_of(vector)
        vectors[number] = scale.values(vector)
        size = size * scale.ceiling
    return float(size), vectors


def _draw_unfoldings(figure: Any, result: Flattening, whole: np.ndarray, top: float) -> None:
    """The singular values of the unfolding along each axis, as shares of the largest."""
    ax = style.panel(figure, "singular values", _LEFT, top, 3.4, 1.5)
    ranks = [int(rank) for rank in result.multilinear_rank]
    spectra = [_spectrum(whole, axis, None if result.tol is not None else ranks[axis]) for axis in range(whole.ndim)]
    floor = floor_of(np.concatenate(spectra), result.tol)
    for axis, (values, rank) in enumerate(zip(spectra, ranks, strict=True)):
        places = np.arange(1, len(values) + 1) + 0.12 * (axis - (len(spectra) - 1) / 2)
        color, marker = _INK[axis % len(_INK)], _MARKERS[axis % len(_MARKERS)]
        heights = np.maximum(values, floor or 0.0)
        ax.plot(places, heights, color=color, linewidth=0.8, alpha=0.6)
        name = f"axis {axis}: rank {rank} of {len(values)}"
        for part, fill, label in ((slice(0, rank), color, name), (slice(rank, None), "white", None)):
            points = {"marker": marker, "markersize": 5, "linestyle": "none", "color": color, "markerfacecolor": fill}
            ax.plot(places[part], heights[part], clip_on=False, zorder=3, label=label, **points)
    if floor is not None:
        ax.set_yscale("log")
        ax.set_ylim(floor, floor**-0.1)
    else:
        ax.set_ylim(-0.04, 1.1)
    if result.tol and floor is not None:
        ax.axhline(result.tol, color="#bd1f01", linewidth=1, linestyle="--", label=f"tol {result.tol:.1e}")
    _finish(ax, max(map(len, spectra)))
    _explain_marks(style.panel(figure, "key", _LEFT + 3.5, top, 1.6, 1.5), ax)


def _spectrum(whole: np.ndarray, axis: int, rank: int | None) -> np.ndarray:
    """Singular values of an unfolding relative to the largest, in floats, for the eye; 0 beyond a proved rank."""
    shares = cells.scale_of(whole).values(whole)
    unfolding = np.moveaxis(shares, axis, 0).reshape(whole.shape[axis], -1)
    values = np.asarray(np.linalg.svd(unfolding, compute_uv=False))
    values[rank if rank is not None else len(values) :] = 0
    return values / (values[0] or 1.0)


def _finish(ax: Any, count: int) -> None:
    ax.set_title("singular values of the unfoldings", fontsize=style.NORMAL, pad=4, loc="left")
    ax.set_ylabel("share of the largest", fontsize=style.SMALL, labelpad=2)
    if count <= 12:
        ax.set_xticks(range(1, count + 1))
    ax.set_xlim(0.5, count + 0.5)
    ax.tick_params(labelsize=style.SMALL, length=2, pad=2)
    ax.minorticks_off()
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _explain_marks(key: Any, ax: Any) -> None:
    """The marks of the axes, in a panel of their own, whose place the figure reckons with."""
    style.bare(key)
    marks, names = ax.get_legend_handles_labels()
    key.legend(marks, names, fontsize=style.SMALL, frameon=False, loc="upper left", borderaxespad=0)


def _frame(figure: Any, result: Flattening, drawn: int, slices: int, width: float) -> None:
    letters = max(int((width + _LEFT) * 12), 44)
    title = verdicts.flattening(result)
    title = "\n".join(textwrap.wrap(title[:1].upper() + title[1:], letters))
    head = figure.text(0.5, 0.98, title, ha="center", va="top", fontsize=style.LARGE, weight="bold")
    lines = verdicts.solutions(result)
    if drawn < slices:
        lines.append(f"The first {drawn} of {slices} slices are drawn.")
    if np.iscomplexobj(result.filter):
        lines.append(cells.COMPLEX)
    wrapped = [part for line in lines for part in textwrap.wrap(line, int(1.25 * letters))]
    foot = figure.text(0.5, 0.02, "\n".join(wrapped), ha="center", va="bottom", fontsize=style.NORMAL, color="#404040")
    style.fit(figure, head, foot if wrapped else None)


def draw_flattening_batch(result: FlatteningBatch, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw how many filters of a stack have which multilinear rank, and how far they are from an outer product.

    Parameters
    ----------
    result : FlatteningBatch
        Of any number of filters.
    ax : matplotlib.axes.Axes, optional
        Draw the bars of the ranks alone into these axes; by default a figure, the errors beside them.
    **kwargs
        To `Axes.bar` of the ranks.

    Returns
    -------
    Figure, or the Axes given
    """
    filters = np.asarray(result.filters)
    axes = np.asarray(result.multilinear_rank).shape[-1]
    ranks = np.asarray(result.multilinear_rank).reshape(-1, axes)
    distinct, counts = np.unique(ranks, axis=0, return_counts=True)
    names = ["\u00b7".join(map(str, rank)) for rank in distinct.tolist()]
    flat = filters.reshape((len(ranks), -1))
    norms = np.array([float(_norm(one)) for one in flat])
    one = int(np.asarray(result.is_rank_one).sum())
    tol = "" if result.tol is None else f", tol {np.max(result.tol):.2g}"
    title = f"{one:,} of {len(ranks):,} filters are outer products of vectors ({result.rank_kind} rank{tol})"
    errors = np.asarray(result.error).astype(float).reshape(-1)
    return draw_spread(ax, title, (names, counts, "multilinear rank"), (errors, norms), kwargs)
