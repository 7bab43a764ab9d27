"""The picture of a `FrequencyResponse`: a curve of one axis, a map of two, of more the slice through the peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.plots import style
from convmatrix.plots.spectrum import name_axes, unit_of

if TYPE_CHECKING:
    from convmatrix.analysis.spectrum.response import FrequencyResponse

_TICKS = (-0.5, -0.25, 0, 0.25, 0.5)


def draw_response(result: FrequencyResponse, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw the gain at each frequency, low ones in the middle, with the peak marked.

    Parameters
    ----------
    result : FrequencyResponse
        Of one or two axes; of more the last two are drawn, at the peak's place on those before, which the title names.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes; by default a figure is made.
    **kwargs
        To `Axes.imshow` of a map, or `Axes.plot` of a curve.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If an argument is unknown to the artist.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> import convmatrix as cm
    >>> from convmatrix.plots.response import draw_response
    >>> figure = draw_response(cm.frequency_response(cm.conv("1 2 1; 2 4 2; 1 2 1", (8, 8)), 9))
    >>> figure.axes[0].images[0].get_array().shape
    (9, 9)
    >>> plt.close(figure)
    """
    figure = None
    if ax is None:
        figure = style.new_figure(5, 4)
        ax = style.panel(figure, "response", 0.8, 0.6, 3.2, 3.2 if result.gain.ndim > 1 else 2.4)
    draw = _draw_curve if result.gain.ndim == 1 else _draw_map
    draw(ax, result, kwargs)
    if figure is None:
        return ax
    at = ", ".join(f"{own:.3g}" for own in result.peak)
    said = f"gain up to {result.gain.max():.4g}, at {at} cycles a position"
    style.fit(figure, figure.text(0.5, 0, said, ha="center", va="top", fontsize=style.LARGE, weight="bold"))
    return figure


def _draw_curve(ax: Any, result: FrequencyResponse, given: dict[str, Any]) -> None:
    (across,) = result.frequencies
    options = {"color": "#2a6f97", "linewidth": 1.6, "label": "largest gain"}
    unit, named = unit_of(result.gain)
    gain, least = result.gain / unit, result.least_gain / unit
    style.drawn(ax.plot, across, gain, options=options, given=given)
    if not np.allclose(gain, least):
        ax.plot(across, least, color="#ffa90e", linewidth=1.4, linestyle="--", label="smallest gain")
        ax.legend(fontsize=style.SMALL, frameon=False)
    (place,) = _peak_place(result)
    ax.plot([across[place]], [gain[place]], "o", color="#bd1f01", markersize=5, label="peak", clip_on=False)
    ax.set(xlim=(-0.5, 0.5), ylim=(0, 1.08 * (gain.max() or 1)), xticks=_TICKS)
    name_axes(ax, "cycles a position", f"gain{named}")


def _peak_place(result: FrequencyResponse) -> tuple[int, ...]:
    """The peak's place on the grid, on which 1/2 is -1/2."""
    pairs = zip(result.frequencies, result.peak, strict=True)
    return tuple(int(np.argmin(np.abs((own - at + 0.5) % 1 - 0.5))) for own, at in pairs)


def _draw_map(ax: Any, result: FrequencyResponse, given: dict[str, Any]) -> None:
    unit, named = unit_of(result.gain)
    *before, row, column = _peak_place(result)
    gain = result.gain[tuple(before)] / unit
    if before:
        at = ", ".join(f"{own:.3g}" for own in result.peak[:-2])
        style.title(ax, f"the slice at {at} along the other {'axis' if len(before) == 1 else 'axes'}")
    down, across = result.frequencies[-2:]
    steps = [own[1] - own[0] if len(own) > 1 else 1.0 for own in (down, across)]
    extent = (across[0] - steps[1] / 2, across[-1] + steps[1] / 2, down[-1] + steps[0] / 2, down[0] - steps[0] / 2)
    options = {"cmap": "viridis", "vmin": 0, "vmax": float(gain.max()) or 1.0, "extent": extent, "aspect": "auto"}
    image = style.drawn(ax.imshow, gain, options=options, given=given)
    ax.plot([across[column]], [down[row]], "o", markersize=7, markerfacecolor="none", markeredgecolor="#bd1f01",
            markeredgewidth=1.8, label="peak", clip_on=False)  # fmt: skip
    ticks = [tick for tick in _TICKS if tick > -0.5 - 1e-9]
    ax.set(xticks=ticks, yticks=ticks)
    name_axes(ax, "cycles a column", "cycles a row")
    bar = ax.inset_axes((1.04, 0, 0.045, 1), label="gain")
    ax.get_figure(root=False).colorbar(image, cax=bar)
    bar.tick_params(labelsize=style.SMALL, length=2)
    bar.set_ylabel(f"gain{named}", fontsize=style.SMALL)
