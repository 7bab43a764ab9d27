"""A kernel as a picture: its taps coloured by value, with their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.plots import style

_NUMBERED = 300


def draw_kernel(kernel: Any, *, ax: Any = None, title: str = "", **kwargs: Any) -> Any:
    """Draw a numeric kernel of one, two or three axes; planes of a volume stand side by side.

    Parameters
    ----------
    kernel : array-like
        Integers, fractions or floats.
    ax : Axes, optional
        By default a figure is made.
    title : str
        Above it.
    **kwargs
        For `imshow`.

    Returns
    -------
    Axes

    Raises
    ------
    ConvMatrixError
        If the kernel has more than three axes or is not numeric.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = draw_kernel([[0, 1], [-1, 0]], title="roberts_y")
    >>> ax.get_title()
    'roberts_y'
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    array = exact.as_array(kernel, "kernel")
    if array.ndim > 3:
        raise ConvMatrixError(f"kernel must have at most 3 axes to be drawn, got shape {array.shape}")
    values = exact.as_numbers(array, float, "kernel").astype(np.float64)
    planes = values.reshape((-1, *values.shape[-2:])) if values.ndim > 1 else values.reshape(1, 1, -1)
    labels = array.reshape(planes.shape)
    count, height, width = planes.shape
    canvas = np.full((height, count * (width + 1) - 1), np.nan)
    texts = []
    for number, (plane, entries) in enumerate(zip(planes, labels, strict=True)):
        left = number * (width + 1)
        canvas[:, left : left + width] = plane
        texts += [(row, left + column, style.number(entries[row, column])) for row, column in np.ndindex(plane.shape)]
    if ax is None:
        scale = min(0.75, 9 / canvas.shape[1], 7 / height)
        figure = style.new_figure(max(canvas.shape[1] * scale, 2.2) + 1.7, max(height * scale, 0.6) + 0.9)
        wide, tall = figure.get_size_inches()
        # Room above for the title and at the right for the numbers of the scale.
        ax = figure.add_axes((0.15 / wide, 0.2 / tall, 1 - 0.85 / wide, 1 - 0.65 / tall))
    ceiling = float(np.abs(values).max()) or 1.0
    options = {"cmap": "RdBu_r", "vmin": -ceiling, "vmax": ceiling}
    picture = style.drawn(ax.imshow, canvas, options=options, given=kwargs)
    ax.get_figure().colorbar(picture, ax=ax, fraction=0.06, pad=0.03).ax.tick_params(labelsize=style.NORMAL)
    ax.set_title(title, fontsize=style.LARGE)
    style.bare(ax)
    if len(texts) <= _NUMBERED:
        size = style.common_size([text for *_, text in texts], *style.cell_points(ax, *canvas.shape))
        for row, column, text in texts if size is not None else []:
            ink = style.ink_on(picture.cmap(picture.norm(canvas[row, column]))[:3])
            ax.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)
    return ax
