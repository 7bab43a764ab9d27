"""The picture of a `Fusion`: the layers' kernels, the fused one, and the output positions where they differ."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.plots import cells, style, wording

if TYPE_CHECKING:
    from convmatrix.analysis.fusion import Fusion

CHANNELS = 4
"""Channels on each side of which kernels are drawn; of more, the first."""
LAYERS = 6
"""Layers that are drawn; of more, the first."""
# Inches.
_ROOM, _CELL, _GAP = 2.1, 0.36, 0.75
_MAP, _MAP_CELL = 2.4, 0.3
_LETTER, _WIDEST = 0.075, 4.2
_SAME, _DIFFERS = "#dce6ec", "#d1701f"


def draw_fusion(result: Fusion, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw what `fuse` found.

    The kernels of the layers in the order in which they are applied, an output channel a row and an input channel a
    column of kernels, then those of the one convolution; below, the output positions, hatched where the two differ.

    Parameters
    ----------
    result : Fusion
        Of any layers.
    ax : matplotlib.axes.Axes, optional
        Draw the kernels of the one convolution alone into these axes, or, where there is none, the reason.
    **kwargs
        To `Axes.imshow` of every panel of kernels.

    Returns
    -------
    Figure, or the Axes given

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> figure = cm.plot(cm.fuse(cm.conv([[1], [2], [1]], (5, 5)), cm.conv([[-1, 0, 1]], (3, 5))))
    >>> [axes.get_label() for axes in figure.axes]
    ['layer 1', 'layer 2', 'fused', 'positions']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    if ax is not None:
        return _draw_alone(result, ax, kwargs)
    figure = style.new_figure(2, 2)
    figure.set_size_inches(12, 8)
    left, lowest = 0.6, 0.0
    drawn = [(sign, f"layer {number}", leaf) for number, (sign, leaf) in enumerate(_leaves(result.expression), start=1)]
    hidden = len(drawn) - LAYERS
    drawn = drawn[:LAYERS]
    if result.operator is not None:
        drawn.append((_relation(result), "fused", result.operator))
    for sign, label, op in drawn:
        planes = _planes(op)
        width, height = _size(planes)
        panel = style.panel(figure, label, left, 0.9, width, height)
        _draw_kernels(panel, planes, op, label, kwargs)
        _write_before(panel, sign)
        left += max(width, 1.35) + _GAP
        lowest = max(lowest, height)
    if result.differs is not None:
        _draw_positions(figure, result, 0.6, 0.9 + lowest + 0.95)
    _frame(figure, result, left, [_hidden(hidden), _reason(result)])
    return figure


def _hidden(layers: int) -> str:
    return "" if layers <= 0 else f"{layers} more layer{' is' if layers == 1 else 's are'} not drawn."


def _reason(result: Fusion) -> str:
    return f"{result.why[:1].upper()}{result.why[1:]}." if result.why else ""


def _leaves(op: Any) -> list[tuple[str, Any]]:
    """The layers, first applied first, each with the sign in front of it: an arrow in sequence, a plus in parallel."""
    if isinstance(op, Product):
        return [*_leaves(op.right), *_signed("\u2192", _leaves(op.left))]
    if isinstance(op, Sum):
        return [*_leaves(op.left), *_signed("+", _leaves(op.right))]
    return [("", op)]


def _signed(sign: str, leaves: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(sign, leaves[0][1]), *leaves[1:]]


def _relation(result: Fusion) -> str:
    return "=" if result.is_equal else "\u2248"


def _weight(op: Any) -> np.ndarray | None:
    """The weight of a layer or of a multiple of one; None of a permutation and the like."""
    if isinstance(op, Scaled):
        weight = _weight(op.of)
        return None if weight is None else np.asarray(weight * op.factor)
    layer = op.of if isinstance(op, Transposed) else op
    return np.asarray(layer.weight) if isinstance(layer, Convolution) else None


def _planes(op: Any) -> np.ndarray | None:
    """Kernels as `(rows, columns, height, width)`: the weight's first axis down, its second (and slices) across."""
    weight = _weight(op)
    if weight is None:
        return None
    weight = weight[:CHANNELS, :CHANNELS]
    taps = weight.shape[2:]
    height, width = (1, taps[0]) if len(taps) == 1 else taps[-2:] if taps else (1, 1)
    return weight.reshape((weight.shape[0], weight.shape[1] * math.prod(taps[:-2]), height, width))


def _size(planes: np.ndarray | None) -> tuple[float, float]:
    if planes is None:
        return 0.9, 0.5
    down, across, height, width = planes.shape
    gap = _gap(planes)
    rows, columns = down * (height + gap) - gap, across * (width + gap) - gap
    cell = min(_ROOM / rows, _ROOM / columns, _CELL)
    wide = cell
    if planes.dtype == object:
        # Expressions need wider cells than numbers.
        letters = max(map(len, cells.Scale(1).labels(planes)), default=1)
        wide = max(cell, min(_LETTER * letters + 0.1, _WIDEST / columns))
    return columns * wide, rows * cell


def _gap(planes: np.ndarray) -> int:
    """Empty cells between kernels; none where each is one tap, so that the weight is a matrix."""
    return 0 if planes.shape[-2:] == (1, 1) else 1


def _draw_kernels(ax: Any, planes: np.ndarray | None, op: Any, label: str, kwargs: dict[str, Any]) -> None:
    """The kernels with what they are above, their channels and largest tap below."""
    said = textwrap.fill(wording.describe(op), 22)
    ax.set_title(f"{label}\n{said}", fontsize=style.NORMAL, pad=4)
    notes = [f"{op.in_shape[0]} \u2192 {op.out_shape[0]} channels"]
    weight = _weight(op)
    if planes is None or weight is None:
        style.bare(ax)
        ax.text(0.5, 0.5, "no weight", ha="center", va="center", fontsize=style.NORMAL, transform=ax.transAxes)
    else:
        scale = cells.scale_with_labels(planes)
        _, labelled = cells.draw_cells(ax, cells.tiled(planes, _gap(planes)), scale, kwargs)
        if max(weight.shape[:2]) > CHANNELS:
            notes.append(f"the first {CHANNELS} drawn")
        if not labelled:
            notes.append(f"darkest \u00b1{cells.label(scale.ceiling)}")
        notes += [scale.unit.strip()] if scale.unit else []
    ax.set_xlabel("\n".join(notes), fontsize=style.SMALL, labelpad=4)


def _write_before(ax: Any, said: str) -> None:
    cells.note(
        ax, said, (0, 0.5), coords="axes fraction", shift=(-16, 0), ha="right", va="center", fontsize=1.6 * style.LARGE
    )


def _draw_positions(figure: Any, result: Fusion, left: float, top: float) -> None:
    """The output positions of a channel: hatched where some channel differs, with a key in words."""
    from matplotlib.colors import ListedColormap

    differs, outside = _differing(result)
    height, width = differs.shape
    room = _MAP if differs.any() else 0.5 * _MAP
    cell = min(room / height, room / width, _MAP_CELL)
    ax = style.panel(figure, "positions", left, top, width * cell, height * cell)
    options = {"cmap": ListedColormap([_SAME, _DIFFERS]), "vmin": 0, "vmax": 1, "aspect": "auto"}
    ax.imshow(np.ma.masked_array(differs.astype(int), outside), interpolation="nearest", **options)
    if differs.any():
        # One hatch over all cells that differ: colour alone would not do.
        fine = np.kron(differs, np.ones((8, 8)))
        box = (-0.5, width - 0.5, -0.5, height - 0.5)
        ax.contourf(fine, levels=[0.5, 1.5], hatches=["////"], colors="none", extent=box)
    ax.set_ylim(height - 0.5, -0.5)
    style.bare(ax)
    if 72 * cell > 4:
        ax.vlines(np.arange(1, width) - 0.5, -0.5, height - 0.5, color="white", linewidth=0.6)
        ax.hlines(np.arange(1, height) - 0.5, -0.5, width - 0.5, color="white", linewidth=0.6)
    count, total = int(differs.sum()), int((~outside).sum())
    where = "all equal" if not count else f"{count:,} of {total:,} differ (hatched)"
    ax.set_title(f"output positions: {where}", fontsize=style.NORMAL, pad=4, loc="left")
    cells.note(
        ax,
        "\n".join(_facts(result)),
        (1, 1),
        coords="axes fraction",
        shift=(14, 0),
        ha="left",
        va="top",
        fontsize=style.NORMAL,
        linespacing=1.5,
    )


def _differing(result: Fusion) -> tuple[np.ndarray, np.ndarray]:
    """The output positions that differ as a picture, and what is none: a column between the slices of a volume."""
    spatial = np.asarray(result.differs)
    slices = spatial.reshape((-1, *spatial.shape[-2:])) if spatial.ndim > 1 else spatial.reshape((1, 1, -1))
    parted = np.pad(slices, ((0, 0), (0, 0), (0, 1)))
    outside = np.zeros(parted.shape, dtype=bool)
    outside[..., -1] = True
    return np.concatenate(list(parted), axis=1)[:, :-1], np.concatenate(list(outside), axis=1)[:, :-1]


def _facts(result: Fusion) -> list[str]:
    comparison = result.comparison
    facts = [
        f"{name} {before:,} \u2192 {after:,}"
        for name, (before, after) in (("multiplications", result.multiplications), ("parameters", result.parameters))
    ]
    if comparison is not None and not comparison.is_equal:
        norms = {
            "largest difference of an entry": comparison.max_error,
            "Frobenius norm of the difference": comparison.frobenius,
            "spectral norm of it": comparison.spectral,
        }
        facts += [f"{name} {cells.short(value)}" for name, value in norms.items() if value is not None]
    if result.bias_error:
        facts.append(f"bias apart by at most {cells.short(result.bias_error)}")
    return facts


def _verdict(result: Fusion) -> str:
    if result.operator is None:
        return f"Not one convolution: {result.reason}"
    if result.is_exact:
        return "One convolution, exactly (proved on the matrix)"
    if result.comparison is None:
        return f"One convolution, {result.reason}"
    if result.is_equal:
        return f"One convolution, within {cells.short(result.comparison.tol)} an entry on the matrix"
    return f"One convolution except at {result.where}"


def _draw_alone(result: Fusion, ax: Any, kwargs: dict[str, Any]) -> Any:
    title = _verdict(result)
    planes = None if result.operator is None else _planes(result.operator)
    if planes is None:
        style.bare(ax)
    else:
        whole = cells.tiled(planes, _gap(planes))
        cells.draw_cells(ax, whole, cells.scale_with_labels(planes), {"aspect": "equal", **kwargs})
    style.title(ax, title)
    return ax


def _frame(figure: Any, result: Fusion, width: float, notes: list[str]) -> None:
    letters = max(int(11 * width), 60)
    title = "\n".join(textwrap.wrap(_verdict(result), letters))
    note = "\n".join(line for said in notes for line in textwrap.wrap(said, int(1.25 * letters)))
    head = figure.text(0.5, 0.98, title, ha="center", va="top", fontsize=style.LARGE, weight="bold")
    foot = figure.text(0.5, 0.02, note, ha="center", va="bottom", fontsize=style.NORMAL) if note else None
    style.fit(figure, head, foot)
