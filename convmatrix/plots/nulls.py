"""The picture of a `NullSpace`: the frequencies that are lost, and some of the tensors that are sent to 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.plots import style
from convmatrix.plots.spectrum import name_axes

if TYPE_CHECKING:
    from convmatrix.analysis.ranks.nullspace import NullSpace

_SHOWN = 3
_SIDE = 1.7
"""Inches of the map and of each tensor."""
_MOST = 512
"""Positions an axis up to which tensors of the basis are shown."""


def draw_null_space(result: NullSpace, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw the share of the null space at each frequency, low ones in the middle, and beside it some tensors.

    Parameters
    ----------
    result : NullSpace
        Of an operator with at least one axis of space.
    ax : matplotlib.axes.Axes, optional
        Draw the frequencies alone into these axes. By default a figure is made.
    **kwargs
        To `Axes.imshow` of the frequencies, or `Axes.vlines` of one axis.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If the operator has no axis of space, or an argument is unknown to the artist.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> import convmatrix as cm
    >>> from convmatrix.plots.nulls import draw_null_space
    >>> op = cm.conv("1 1; 1 1", (8, 8), padding=((0, 1), (0, 1)), padding_mode="circular")
    >>> figure = draw_null_space(cm.null_space(op))
    >>> print(figure.texts[0].get_text())
    null space of dimension 15 of 64, exact
    >>> plt.close(figure)
    """
    if len(result.op.in_shape) < 2:
        raise ConvMatrixError(f"result must be of an operator with an axis of space, got {result.op.in_shape}")
    if ax is not None:
        _draw_frequencies(ax, result, kwargs)
        return ax
    figure = style.new_figure(9, 3)
    _draw_frequencies(style.panel(figure, "frequencies", 0.7, 0.7, _SIDE, _SIDE), result, kwargs)
    for number, tensor in enumerate(_tensors(result)):
        left = 1.7 + _SIDE + (_SIDE + 0.15) * number
        _draw_tensor(style.panel(figure, f"null {number}", left, 0.7, _SIDE, _SIDE), tensor, number)
    kind = "exact" if result.kind == "exact" else f"numerical, tol {result.tol:.2g}"
    said = f"null space of dimension {result.dimension:,} of {result.op.shape[1]:,}, {kind}"
    style.fit(figure, figure.text(0.5, 0, said, ha="center", va="top", fontsize=style.LARGE, weight="bold"))
    return figure


def _tensors(result: NullSpace) -> list[np.ndarray]:
    """Some tensors of the null space, of the channel that holds most of each."""
    if not result.dimension or max(result.op.in_shape[1:]) > _MOST:
        return []
    try:
        examples = result.examples(_SHOWN)
    except ConvMatrixError:
        return []
    found = []
    for tensor in examples:
        numbers = np.real(_in_floats(tensor))
        sizes = (np.abs(numbers) ** 2).sum(axis=tuple(range(1, numbers.ndim)))
        shown = numbers[int(np.argmax(sizes))]
        while shown.ndim > 2:
            shown = shown[len(shown) // 2]
        found.append(shown)
    return found


def _in_floats(tensor: np.ndarray) -> np.ndarray:
    """A tensor in floats, integers as shares of the largest, which may be beyond them."""
    if tensor.dtype != object:
        return tensor
    most = max(map(abs, tensor.flat)) or 1
    return np.array([value / most for value in tensor.flat]).reshape(tensor.shape)


def _draw_frequencies(ax: Any, result: NullSpace, given: dict[str, Any]) -> None:
    spectrum = np.fft.fftshift(np.asarray(result.spectrum, dtype=float))
    frequencies = [np.fft.fftshift(np.fft.fftfreq(n)) for n in spectrum.shape]
    if spectrum.ndim == 1:
        options = {"color": "#2a6f97", "linewidth": 1.4, "label": "share"}
        style.drawn(ax.vlines, frequencies[0], 0.0, spectrum, options=options, given=given)
        ax.set(xlim=(-0.53, 0.53), ylim=(0, 1.1 * (spectrum.max() or 1)))
        name_axes(ax, "cycles a position", "share of the null space")
        _count_in_integers(ax.yaxis, float(spectrum.max()))
    else:
        while spectrum.ndim > 2:
            spectrum = spectrum.sum(axis=0)
        steps = [1 / n for n in spectrum.shape]
        down, across = frequencies[-2:]
        extent = (across[0] - steps[1] / 2, across[-1] + steps[1] / 2, down[-1] + steps[0] / 2, down[0] - steps[0] / 2)
        options = {
            "cmap": "viridis",
            "vmin": 0,
            "vmax": float(spectrum.max()) or 1.0,
            "extent": extent,
            "aspect": "auto",
        }
        image = style.drawn(ax.imshow, spectrum, options=options, given=given)
        bar = ax.inset_axes((1.04, 0, 0.045, 1), label="share")
        ax.get_figure(root=False).colorbar(image, cax=bar)
        bar.tick_params(labelsize=style.SMALL, length=2)
        bar.set_ylabel("share of the null space", fontsize=style.SMALL)
        _count_in_integers(bar.yaxis, image.get_clim()[1])
        name_axes(ax, "cycles a column", "cycles a row")
    ax.set_title(f"what is lost: adds up to {result.dimension:,}", fontsize=style.NORMAL)


def _count_in_integers(axis: Any, most: float) -> None:
    """Whole null vectors at each frequency, where there are any."""
    from matplotlib.ticker import MaxNLocator

    if most > 1 - 1e-9:
        axis.set_major_locator(MaxNLocator(5, integer=True))


def _draw_tensor(ax: Any, tensor: np.ndarray, number: int) -> None:
    most = float(np.abs(tensor).max()) or 1.0
    if tensor.ndim == 1:
        ax.plot(
            np.arange(len(tensor)), tensor, color="#2a6f97", linewidth=1.2, marker="o", markersize=2.5, label="null"
        )
        ax.axhline(0, color="#8a8a8a", linewidth=0.6)
        ax.set_ylim(-1.15 * most, 1.15 * most)
        ax.set_xticks([])
        ax.set_yticks([])
    else:
        ax.imshow(tensor, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
        style.bare(ax)
    ax.set_title(f"C x = 0: x {number + 1}", fontsize=style.NORMAL)
