"""Pictures: `plot` draws an operator's matrix or the result of an analysis. The only place that imports matplotlib."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from convmatrix.errors import ConvMatrixError

__all__ = ["animate", "plot"]

# What can be drawn: (module, class) -> (module of plots, function). A new analysis adds one line; nothing is loaded
# before it is drawn.
_DRAWINGS: dict[tuple[str, str], tuple[str, str]] = {
    ("convmatrix.operators.base", "TensorOperator"): ("operator", "draw_operator"),
    ("convmatrix.analysis.inspection.report", "Inspection"): ("inspection", "draw_inspection"),
    ("convmatrix.analysis.recognition.answer", "Recognition"): ("recognition", "draw_recognition"),
    ("convmatrix.analysis.separability.answer", "Separability"): ("separability", "draw_separability"),
    ("convmatrix.analysis.separability.batch", "SeparabilityBatch"): ("separability", "draw_separability_batch"),
    ("convmatrix.analysis.flattening.answer", "Flattening"): ("flattening", "draw_flattening"),
    ("convmatrix.analysis.flattening.batch", "FlatteningBatch"): ("flattening", "draw_flattening_batch"),
    ("convmatrix.analysis.decomposition.answer", "Decomposition"): ("decomposition", "draw_decomposition"),
    ("convmatrix.analysis.fusion.answer", "Fusion"): ("fusion", "draw_fusion"),
    ("convmatrix.analysis.overlap.answer", "OverlapMap"): ("overlap", "draw_overlap"),
    ("convmatrix.analysis.checkerboard.answer", "CheckerboardReport"): ("checkerboard", "draw_checkerboard"),
    ("convmatrix.analysis.remedies.answer", "Remedies"): ("remedies", "draw_remedies"),
    ("convmatrix.kinds.record", "Kind"): ("kinds", "draw_kind"),
    ("convmatrix.kinds.registry", "Kinds"): ("kinds", "draw_kinds"),
    ("convmatrix.analysis.receptive_field.answer", "ReceptiveField"): ("receptive_field", "draw_receptive_field"),
    ("convmatrix.analysis.cost.answer", "Cost"): ("cost", "draw_cost"),
    ("convmatrix.analysis.cost.answer", "CostComparison"): ("cost", "draw_costs"),
    ("convmatrix.analysis.cost.formulas", "CostFormula"): ("cost", "draw_cost_formula"),
    ("convmatrix.analysis.correlation.answer", "FilterCorrelation"): ("correlation", "draw_correlation"),
    ("convmatrix.analysis.spectrum.answer", "SingularValues"): ("spectrum", "draw_singular_values"),
    ("convmatrix.analysis.spectrum.comparison", "SpectrumComparison"): ("spectrum", "draw_comparison"),
    ("convmatrix.analysis.spectrum.response", "FrequencyResponse"): ("response", "draw_response"),
    ("convmatrix.analysis.norm.answer", "Enclosure"): ("norm", "draw_enclosure"),
    ("convmatrix.analysis.norm.table", "NormBounds"): ("norm", "draw_bounds"),
    ("convmatrix.analysis.ranks.answer", "RankProfile"): ("ranks", "draw_rank_profile"),
    ("convmatrix.analysis.ranks.nullspace", "NullSpace"): ("nulls", "draw_null_space"),
    ("convmatrix.analysis.arithmetic.answer", "SizeSolutions"): ("sizes", "draw_sizes"),
}


def plot(x: Any, *, ax: Any = None, **kwargs: Any) -> Any:
    """Draw an operator's matrix, or the result of an analysis.

    An operator is drawn with each cell coloured by the tap stored there, the input and output grids beside it and one
    row traced back to the window it reads. A matrix of more than 600 rows or columns becomes a density picture, made
    from the geometry and without the matrix.

    Parameters
    ----------
    x : TensorOperator, or what an analysis returned
        What is drawn.
    ax : matplotlib.axes.Axes, optional
        Draw into these axes: of an operator its matrix alone, of a kernel, filter or fused layer the kernel alone, of a
        decomposition the costs, of a batch the ranks. By default a figure is made; it is never shown.
    **kwargs
        Options of the drawing, the rest to its main artist. Of an operator: `trace`, the output position traced, a
        flat row or an index `(channel, *spatial)`, by default one in the middle, `False` for none; `color`, "tap" or
        "value"; `legend`, whether colours are explained; `imshow`'s own arguments.

    Returns
    -------
    Axes if `ax` was given, else Figure

    Raises
    ------
    ConvMatrixError
        If `x` is nothing that can be drawn, if an option is unknown or breaks its rule, or if the pattern of
        a product is too large to be counted.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import convmatrix as cm
    >>> figure = cm.plot(cm.conv("a b c; d e f; g h i", (4, 4)))
    >>> [axes.get_label() for axes in figure.axes]
    ['input', 'matrix', 'output', 'taps']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    for kind in type(x).__mro__:
        found = _DRAWINGS.get((kind.__module__, kind.__qualname__))
        if found is not None:
            module, function = found
            draw = getattr(import_module(f"convmatrix.plots.{module}"), function)
            return draw(x, ax=ax, **kwargs) if ax is not None else _in_new_figure(draw, x, kwargs)
    drawable = ", ".join(name for _, name in _DRAWINGS)
    raise ConvMatrixError(f"x must be something that can be drawn ({drawable}), got {type(x).__name__}")


def animate(
    op: Any,
    *,
    x: Any = None,
    by: str | None = None,
    interval: float = 800,
    hold: int = 3,
    color: str | None = None,
) -> Any:
    """Animate an operator: the window slides over the input, the output fills up, the matrix's row is lit.

    By the output, a step gathers one output: its window on the input with the taps in their colours, its row of the
    matrix, and its sum in one line. By the input, a step spreads one input over the outputs, lights its column, and the
    outputs add up. A transposed layer is shown by the input, as it is usually explained, all else by the output; the
    same layer the other way round shows that gathering with rows and spreading with columns are one matrix product.
    Cells of the padding are dashed; those of a circular or mirrored border show the input that they repeat.

    Parameters
    ----------
    op : TensorOperator
        Any with numbers or symbols as entries, of at most 150 rows and columns and 100 steps; one, two or more axes,
        channels as tiles.
    x : array-like of shape `op.in_shape`, or `op.in_shape[1:]` of one channel
        The input; by default digits without a pattern.
    by : {"output", "input"}, optional
        Whether the steps are rows or columns.
    interval : float, default 800
        Milliseconds a step.
    hold : int, default 3
        How many steps longer the last one is shown.
    color : {"tap", "value"}, optional
        As in `plot`.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        Never shown; `.save("name.gif", writer="pillow")` writes it, `.to_jshtml()` is for a notebook.

    Raises
    ------
    ConvMatrixError
        If `op` is no operator or too large, `x` has another shape or is not finite, or an option breaks its rule.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> import convmatrix as cm
    >>> animation = cm.animate(cm.conv("1 2 1", 5), x=[0, 1, 3, 1, 0])
    >>> animation.to_jshtml().count("frames[") > 0
    True
    >>> plt.gcf().texts[-1].get_text()
    'row 2, output (x2):  1\u00b73 + 2\u00b71 + 1\u00b70 = 5'
    >>> plt.close("all")
    """
    from convmatrix.plots.animation import animate_operator

    return animate_operator(op, x=x, by=by, interval=interval, hold=hold, color=color)


def _in_new_figure(draw: Any, x: Any, kwargs: dict[str, Any]) -> Any:
    """A drawing of its own; nothing half drawn is left open when it is refused."""
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    try:
        return draw(x, ax=None, **kwargs)
    except ConvMatrixError:
        for number in set(pyplot.get_fignums()) - set(before):
            pyplot.close(number)
        raise
