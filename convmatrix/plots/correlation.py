"""The picture of a `FilterCorrelation`: a cell a pair of filters, the blocks of groups outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.plots import style

if TYPE_CHECKING:
    from convmatrix.analysis.correlation import FilterCorrelation

_ROOM, _CELL = 4.2, 0.5
"""Inches of a panel, and the most of a cell."""
_NUMBERED = 256
"""Pairs up to which each may carry its coefficient."""
_HALO = 2.2


def draw_correlation(
    result: FilterCorrelation, *, ax: Any = None, groups: int | None = None, colorbar: bool = True, **kwargs: Any
) -> Any:
    """Draw how strongly each filter of a layer goes together with each of the layer before.

    The magnitudes of the coefficients as shades from 0 to 1, with their numbers, signs included, where cells are large
    enough; silent filters are hatched.

    Parameters
    ----------
    result : FilterCorrelation
        Of any two layers.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes; by default a figure is made.
    groups : int, optional
        Outline the diagonal blocks of so many groups, and write what share of the squared correlation lies in them.
    colorbar : bool, default True
        Whether the shades are explained beside the cells.
    **kwargs
        To `Axes.imshow`, `cmap` or `vmax` for instance.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If groups does not divide the filters of both layers, or an argument is unknown to `Axes.imshow`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> first, second = cm.conv(np.eye(4, dtype=int), ()), cm.conv(np.ones((4, 2), dtype=int), (), groups=2)
    >>> figure = cm.plot(cm.filter_correlation(first, second), groups=2)
    >>> figure.axes[0].get_title()
    'in the 2 blocks: 100 % (chance 50 %)'
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    said = None if groups is None else share_said(result, groups)
    if ax is not None:
        _draw(ax, result, groups, colorbar, kwargs)
        if said:
            style.title(ax, said)
        return ax
    height, width = result.matrix.shape
    cell = min(_ROOM / height, _ROOM / width, _CELL)
    figure = style.new_figure(8, 7)
    panel = style.panel(figure, "correlation", 1.0, 1.0, max(width * cell, 0.5), max(height * cell, 0.5))
    _draw(panel, result, groups, colorbar, kwargs)
    if said:
        panel.set_title(said, fontsize=style.NORMAL)
    style.fit(figure)
    return figure


def share_said(result: FilterCorrelation, groups: int) -> str:
    """What share of the squared correlation lies in the blocks, beside what chance gives."""
    where = "in the one block" if groups == 1 else f"in the {groups} blocks"
    return f"{where}: {_percent(float(result.block_share(groups)))} (chance {_percent(1 / groups)})"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"


def _draw(ax: Any, result: FilterCorrelation, groups: int | None, colorbar: bool, given: dict[str, Any]) -> None:
    sizes = np.abs(result.matrix)
    options = {"cmap": "viridis", "vmin": 0.0, "vmax": 1.0, "interpolation": "nearest"}
    if "norm" in given:
        del options["vmin"], options["vmax"]
    image = style.drawn(ax.imshow, sizes, options=options, given=given)
    _hatch_silent(ax, result)
    if groups is not None and groups > 1:
        _outline(ax, result, groups)
    _number(ax, result, image)
    for axis, size in ((ax.yaxis, sizes.shape[0]), (ax.xaxis, sizes.shape[1])):
        points = style.cell_points(ax, *sizes.shape)[0 if axis is ax.xaxis else 1]
        step = style.nice_step(max(2.6 * style.SMALL / points, 1))
        axis.set_ticks(range(0, size, step))
        axis.set_tick_params(labelsize=style.SMALL, length=2, pad=2)
    ax.set_xlabel("filter of the first layer", fontsize=style.NORMAL)
    ax.set_ylabel("filter of the second layer", fontsize=style.NORMAL)
    if colorbar:
        bar = ax.get_figure(root=False).colorbar(image, cax=ax.inset_axes((1.04, 0, 0.045, 1)))
        bar.ax.tick_params(labelsize=style.SMALL, length=2)
        bar.set_label("|correlation|", fontsize=style.NORMAL)


def _outline(ax: Any, result: FilterCorrelation, groups: int) -> None:
    """A frame round each diagonal block, white between two dark lines, so that it is seen on any shade."""
    from matplotlib.collections import LineCollection
    from matplotlib.patheffects import Stroke

    height, width = (size / groups for size in result.matrix.shape)
    corners = [(own * width - 0.5, own * height - 0.5) for own in range(groups)]
    frames = [[(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)] for x, y in corners]
    thick = 1.2 if groups <= 8 else 0.8
    dark = Stroke(linewidth=_HALO * thick, foreground=style.INK)
    for effects, color in (([dark], style.INK), ([], "white")):
        lines = LineCollection(frames, colors=color, linewidths=thick, label="blocks", path_effects=effects)
        # The outer edges of the first and last frame are the edge of the picture.
        lines.set_clip_on(False)
        ax.add_collection(lines, autolim=False)


def _hatch_silent(ax: Any, result: FilterCorrelation) -> None:
    """Rows and columns of filters without a response, which no coefficient belongs to."""
    from matplotlib.patches import Rectangle

    height, width = result.matrix.shape
    options = {"facecolor": style.PLAIN, "edgecolor": "#8a8a8a", "hatch": "////", "linewidth": 0, "label": "silent"}
    for row in result.silent[0]:
        ax.add_patch(Rectangle((-0.5, row - 0.5), width, 1, **options))
    for column in result.silent[1]:
        ax.add_patch(Rectangle((column - 0.5, -0.5), 1, height, **options))


def _number(ax: Any, result: FilterCorrelation, image: Any) -> None:
    """Every coefficient with its sign, where all of them can be read."""
    if result.matrix.size > _NUMBERED:
        return
    labels = [style.number(round(value, 2)) for value in result.matrix.real.reshape(-1).tolist()]
    size = style.common_size(labels, *style.cell_points(ax, *result.matrix.shape))
    if size is None or result.matrix.dtype.kind == "c":
        return
    colors = image.cmap(image.norm(np.abs(result.matrix)))
    for (row, column), label in zip(np.ndindex(result.matrix.shape), labels, strict=True):
        if row not in result.silent[0] and column not in result.silent[1]:
            ink = style.ink_on(colors[row, column, :3])
            ax.text(column, row, label, ha="center", va="center", fontsize=size, color=ink)
