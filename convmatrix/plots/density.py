"""Large matrices as a density: stored entries counted per bin, from the geometry, without the matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array, kron

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators.algebra import Product, Scaled, Sum
from convmatrix.operators.base import TensorOperator
from convmatrix.plots import style, wording
from convmatrix.plots.entries import leaf_of
from convmatrix.plots.matrix import draw_lines, frame_row, name_positions

BINS = 400
"""Bins a side: about one a pixel."""
_AT_ONCE = 1 << 20
"""Entries held at a time."""
_MOST = 10**8
"""Entries beyond which counting takes more than some ten seconds."""
_ROOM = 4.6


def draw_density(
    op: TensorOperator, *, ax: Any = None, row: int | None = None, legend: bool = True, **kwargs: Any
) -> Any:
    """Draw the share of stored entries in each bin of the matrix, in `ax` or in a new figure, which is returned."""
    counts, (tall, wide) = density(op)
    rows, columns = op.shape
    figure = None
    if ax is None:
        width, height = _sides(op, counts.shape)
        figure = style.new_figure(width + 2.4, height + 1.7)
        ax = style.panel(figure, "matrix", 1.2, 0.7, width, height)
    heights = np.diff(np.append(np.arange(0, rows, tall), rows))
    widths = np.diff(np.append(np.arange(0, columns, wide), columns))
    shares = np.ma.masked_equal(counts / np.multiply.outer(heights, widths), 0)
    from matplotlib.colors import LogNorm

    largest = float(shares.max()) if shares.count() else 1.0
    least = float(shares.min()) if shares.count() else 1.0
    options = {
        "cmap": "viridis_r",
        "extent": (-0.5, counts.shape[1] * wide - 0.5, counts.shape[0] * tall - 0.5, -0.5),
        "interpolation": "nearest",
        "aspect": "auto" if figure is not None or not 1 / 3 < rows / columns < 3 else "equal",
    }
    if not {"vmin", "vmax", "norm"} & set(kwargs):
        options["norm"] = LogNorm(min(least, largest / 10), largest)
    image = style.drawn(ax.imshow, shares, options=options, given=kwargs)
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)
    _explain(ax, op, image, int(counts.sum()), (tall, wide), legend, 1.03 if row is None else 1.08)
    if row is not None:
        frame_row(ax, op, row)
    if figure is not None:
        style.fit(figure)
    return ax if figure is None else figure


def _sides(op: TensorOperator, bins: tuple[int, ...]) -> tuple[float, float]:
    """Width and height of the picture in inches: about in proportion, and whole hundredths a bin, which are pixels."""
    rows, columns = op.shape
    scale = _ROOM / max(rows, columns)
    sides = []
    for length, count in ((columns, bins[1]), (rows, bins[0])):
        wanted = max(length * scale, 1.7)
        sides.append(max(round(100 * wanted / count), 1) * count / 100 if count <= 150 * wanted else wanted)
    return sides[0], sides[1]


def _explain(
    ax: Any, op: TensorOperator, image: Any, entries: int, bins: tuple[int, int], legend: bool, at: float
) -> None:
    """Lines, labels, title, and what a pixel is."""
    draw_lines(ax, op, style.cell_points(ax, *op.shape), channels_only=True)
    name_positions(ax, op)
    letters = int(style.cell_points(ax, 1, 1)[0] / (0.5 * style.NORMAL))
    ax.set_title(f"{wording.title(op, entries, max(letters, 54))}\n(density of its entries)", fontsize=style.NORMAL)
    if not legend:
        return
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator

    bar = ax.get_figure(root=False).colorbar(image, cax=ax.inset_axes((at, 0, 0.035, 1)))
    bar.ax.tick_params(labelsize=style.SMALL)
    if isinstance(image.norm, LogNorm):
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_major_formatter("{x:.2g}")
        bar.minorticks_off()
    bar.set_label(f"share of entries stored per pixel\n({bins[0]:,} x {bins[1]:,} entries)", fontsize=style.NORMAL)


def density(op: TensorOperator, bins: int = BINS) -> tuple[np.ndarray, tuple[int, int]]:
    """Stored entries per bin, and the height and width of a bin.

    Bins hold whole lines of the tensors where lines are shorter than bins, so that counts are exact and even.

    Raises
    ------
    ConvMatrixError
        If there are too many entries to count.

    Examples
    --------
    >>> import convmatrix as cm
    >>> density(cm.conv([1, 2, 3], 6), bins=3)
    (array([[3, 3, 0],
           [0, 3, 3]]), (2, 2))
    """
    leaf = leaf_of(op)
    if leaf is None:
        return _counted(op, bins)
    tall, wide = _bin_size(leaf.geometry.out_shape, bins), _bin_size(leaf.geometry.in_shape, bins)
    counts = _leaf_counts(leaf.geometry, tall, wide)
    return (counts.T, (wide, tall)) if leaf.transposed else (counts, (tall, wide))


def _bin_size(shape: tuple[int, ...], bins: int) -> int:
    """Positions a bin: whole lines or planes where these are shorter, and whole bins a channel if that can be."""
    size = -(-math.prod(shape) // bins)
    axis = next(axis for axis in range(1, len(shape) + 1) if math.prod(shape[axis:]) <= size)
    unit = math.prod(shape[axis:])
    count = max(1, round(size / unit))
    channel = math.prod(shape[1:]) // unit
    if shape[0] == 1:
        return unit * count
    # Bins that straddle channels would draw a pattern of their own over that of the matrix.
    even = [c for c in range(-(-3 * count // 4), min(2 * count, channel) + 1) if channel % c == 0]
    return unit * min(even, key=lambda c: abs(c - count), default=count)


def _leaf_counts(geometry: Geometry, tall: int, wide: int) -> np.ndarray:
    """Counts of a layer. Where a pair of inner axes lies within bins, it is one entry with a weight.

    The pattern is block diagonal over groups, dense over the channels of one, a Kronecker product over the axes.
    """
    kept, weight = list(geometry.axes), 1
    while kept and not (tall % kept_size(geometry.axes, len(kept) - 1, "output_size") or
                        wide % kept_size(geometry.axes, len(kept) - 1, "input_size")):  # fmt: skip
        weight *= kept.pop().nnz
    unit = [kept_size(geometry.axes, len(kept), side) for side in ("output_size", "input_size")]
    stored = geometry.groups * math.prod([axis.nnz for axis in kept])
    _check(stored)
    sides = []
    for channels, sizes, step, inner in (
        (geometry.out_channels, [a.output_size for a in kept], tall, unit[0]),
        (geometry.in_channels, [a.input_size for a in kept], wide, unit[1]),
    ):
        plane = math.prod(sizes)
        positions = np.arange(channels * plane, dtype=np.int64)
        group, place = positions // (channels // geometry.groups * plane), positions % plane
        bin_of = positions * inner // step
        shape = (int(bin_of[-1]) + 1, geometry.groups * plane)
        sides.append(csr_array((np.ones(positions.size), (bin_of, group * plane + place)), shape=shape))
    left, right = sides[0].tocsc(), sides[1].T.tocsr()
    counts = np.zeros((left.shape[0], right.shape[1]))
    for rows, part in _pattern_parts(geometry.groups, kept):
        counts += (left[:, rows] @ (part @ right)).toarray()
    result: np.ndarray = np.rint(counts * weight).astype(np.int64)
    return result


def kept_size(axes: tuple[Axis, ...], first: int, side: str) -> int:
    """Positions on the axes from `first` on."""
    return math.prod([getattr(axis, side) for axis in axes[first:]])


def _pattern_parts(groups: int, axes: list[Axis]) -> Iterator[tuple[np.ndarray, csr_array]]:
    """The spatial pattern, once a group, in parts of bounded size: the rows of each part and the part."""
    if not axes:
        yield np.arange(groups), csr_array(eye_array(groups))
        return
    first, *others = axes
    inner = csr_array(np.ones((1, 1)))
    for axis in others:
        inner = csr_array(kron(inner, _axis_pattern(axis, 0, axis.output_size), format="csr"))
    chunk = max(1, _AT_ONCE // max(first.kernel_size * inner.nnz, 1))
    plane = first.output_size * inner.shape[0]
    columns = first.input_size * inner.shape[1]
    for start in range(0, first.output_size, chunk):
        stop = min(start + chunk, first.output_size)
        part = csr_array(kron(_axis_pattern(first, start, stop), inner, format="csr"))
        for group in range(groups):
            moved = csr_array(
                (part.data, part.indices + group * columns, part.indptr), shape=(part.shape[0], groups * columns)
            )
            yield np.arange(group * plane + start * inner.shape[0], group * plane + stop * inner.shape[0]), moved


def _axis_pattern(axis: Axis, start: int, stop: int) -> csr_array:
    """Ones where outputs `start .. stop` of one axis read its inputs."""
    reads = axis.source(axis.positions(np.arange(start, stop, dtype=np.int64)))
    rows, taps = np.nonzero(reads >= 0)
    pattern = csr_array((np.ones(rows.size), (rows, reads[rows, taps])), shape=(stop - start, axis.input_size))
    pattern.sum_duplicates()
    pattern.data[:] = 1
    return pattern


def _counted(op: TensorOperator, bins: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Counts of any other operator, from the pattern of its matrix; of a product in parts."""
    _check(_paths(op))
    tall, wide = _bin_size(op.out_shape, bins), _bin_size(op.in_shape, bins)
    counts = np.zeros((-(-op.shape[0] // tall), -(-op.shape[1] // wide)), dtype=np.int64)
    for start, part in _structure_parts(op):
        rows = np.repeat(np.arange(part.shape[0]) + start, np.diff(part.indptr)) // tall
        flat = rows * counts.shape[1] + part.indices // wide
        counts += np.bincount(flat, minlength=counts.size).reshape(counts.shape)
    return counts, (tall, wide)


def _structure_parts(op: TensorOperator) -> Iterator[tuple[int, csr_array]]:
    if not isinstance(op, Product):
        yield 0, op._structure()
        return
    left, right = op.left._structure(), op.right._structure()
    chunk = max(1, int(_AT_ONCE * op.shape[0] / max(_paths(op), 1)))
    for start in range(0, op.shape[0], chunk):
        yield start, left[start : start + chunk] @ right


def _paths(op: TensorOperator) -> int:
    """About how many steps the pattern of an operator takes."""
    if isinstance(op, Product):
        left, right = _paths(op.left), _paths(op.right)
        return max(left, right, left * right // math.prod(op.right.out_shape))
    if isinstance(op, Sum):
        return _paths(op.left) + _paths(op.right)
    if isinstance(op, Scaled):
        return _paths(op.of)
    return op.nnz


def _check(entries: int) -> None:
    if entries > _MOST:
        raise ConvMatrixError(
            f"x must have at most {_MOST:,} entries to be counted for a picture, got {entries:,}; "
            f"draw a smaller input, or the factors of a product each by itself"
        )
