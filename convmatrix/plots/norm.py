"""Pictures of a norm: the enclosure as a band, and every bound beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convmatrix.plots import style
from convmatrix.plots.spectrum import name_axes

if TYPE_CHECKING:
    from convmatrix.analysis.norm.answer import Enclosure
    from convmatrix.analysis.norm.table import NormBounds

_BOUND, _GUESS, _BAND = "#2a6f97", "#bd1f01", "#ffd38a"
_FAR = 12.0
"""Times the norm beyond which a bound is written at the edge instead of being drawn to scale."""


def draw_enclosure(result: Enclosure, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw the two numbers as a band, and above it the bounds that were proved on the way.

    Parameters
    ----------
    result : Enclosure
        Of any operator.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes; by default a figure is made.
    **kwargs
        To `Axes.plot` of the bounds.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If an argument is unknown to `Axes.plot`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> import convmatrix as cm
    >>> from convmatrix.plots.norm import draw_enclosure
    >>> figure = draw_enclosure(cm.spectral_norm(cm.conv("1 2 1", 8, padding=1)))
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['own matrix', 'magnitudes']
    >>> plt.close(figure)
    """
    rows = [(bound.name, bound.value, True, "") for bound in sorted(result.bounds, key=lambda bound: bound.value)]
    head = f"norm between {result.lower:.6g} and {result.upper:.6g}"
    return _draw(result, rows, head, ax, kwargs)


def draw_bounds(result: NormBounds, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw every bound beside the norm itself: how far above it each is, and how long it took.

    What is no bound is drawn as a cross, in another colour.

    Parameters
    ----------
    result : NormBounds
        Of any operator.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes; by default a figure is made.
    **kwargs
        To `Axes.plot` of the bounds.

    Returns
    -------
    Figure, or the Axes given

    Raises
    ------
    ConvMatrixError
        If an argument is unknown to `Axes.plot`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> import convmatrix as cm
    >>> from convmatrix.plots.norm import draw_bounds
    >>> figure = draw_bounds(cm.norm_bounds(cm.conv("1 2 1", 8, padding=1)))
    >>> len(figure.axes[0].get_yticklabels())
    14
    >>> plt.close(figure)
    """
    rows = [(row.name, row.value, row.is_bound, _took(row.seconds)) for row in result.rows]
    head = f"the norm is between {result.norm.lower:.6g} and {result.norm.upper:.6g}"
    return _draw(result.norm, rows, head, ax, kwargs)


def _took(seconds: float) -> str:
    """A time in milliseconds or seconds.

    >>> _took(0.01234), _took(2.5)
    ('12.3 ms', '2.5 s')
    """
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _draw(norm: Enclosure, rows: list[tuple[str, float, bool, str]], head: str, ax: Any, given: dict[str, Any]) -> Any:
    figure = None
    if ax is None:
        figure = style.new_figure(7.5, 4)
        ax = style.panel(figure, "bounds", 2.3, 0.6, 4.0, max(0.26 * len(rows), 0.6))
    # Where nothing but 0 is attained, there is no multiple of it.
    unit = norm.lower or norm.upper or 1.0
    ax.axvspan(
        norm.lower / unit, max(norm.upper / unit, norm.lower / unit + 1e-3), color=_BAND, label="the norm", zorder=0
    )
    values = [value / unit for _, value, _, _ in rows]
    end = 1.06 * max([value for value in values if 0 < value <= _FAR], default=1.2)
    for place, ((_, _, is_bound, took), value) in enumerate(zip(rows, values, strict=True)):
        look = {"marker": "o" if is_bound else "X", "markersize": 6, "linestyle": "none",
                "color": _BOUND if is_bound else _GUESS, "label": "bound" if is_bound else "no bound"}  # fmt: skip
        at = min(value, end)
        if is_bound:
            ax.plot([1 if norm.lower else 0, at], [place, place], color=_BOUND, linewidth=1.0, alpha=0.6)
        if value <= end:
            style.drawn(ax.plot, [at], [place], options=look, given=given)
        near = f"{100 * (value - 1):+.3g} %" if norm.lower else f"{value * unit:.3g}"
        far = f"\u2192 {value:.3g} times" if value > end else near
        said = f"{far}{'' if is_bound else ', no bound'}{f', {took}' if took else ''}"
        ax.annotate(said, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=style.SMALL,
                    annotation_clip=False, clip_on=False,)  # fmt: skip
    ax.set_yticks(range(len(rows)), [name for name, _, _, _ in rows], fontsize=style.SMALL)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    start = min([0.95, *values])
    ax.set_xlim(start - 0.03 * (end - start), end)
    attained = "as a multiple of what the norm certainly attains"
    name_axes(ax, attained if norm.lower else f"as a multiple of {unit:.3g}: nothing above 0 is attained", "")
    if figure is None:
        return ax
    style.fit(figure, figure.text(0.5, 0, head, ha="center", va="top", fontsize=style.LARGE, weight="bold"))
    return figure
