"""One way to be free as it is proposed: what it does, and the operators that would do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convmatrix.analysis.checkerboard import CheckerboardReport, checkerboard
from convmatrix.analysis.remedies.averages import divided
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators import TensorOperator, conv
from convmatrix.operators.algebra import Product, Transposed
from convmatrix.operators.convolution import Convolution

Proposals = Iterator["Draft | str"]
"""Drafts, and a sentence for each one that there is not."""


@dataclass(frozen=True)
class Draft:
    """A row before it is judged.

    Attributes
    ----------
    name, description : str
        As the table shows them.
    operators : tuple of TensorOperator
        Of equal merit otherwise: the one nearest to the layer is taken.
    setting : dict
        What a framework's layer is told.
    weight_distance : float or None
        How far the weight moved.
    report : CheckerboardReport or None
        Where the operator is judged already.
    units : tuple of TensorOperator
        The layer and each of the operators with a channel for each tap (see `distance_by_taps`), where that is cheaper.
    """

    name: str
    description: str
    operators: tuple[TensorOperator, ...]
    setting: dict[str, Any] = field(default_factory=dict)
    weight_distance: float | None = None
    report: CheckerboardReport | None = None
    units: tuple[TensorOperator, ...] = ()


def unless_refused(name: str, make: Callable[..., Draft], *given: Any) -> Draft | str:
    """The draft `make(*given)`, or why it cannot be made."""
    try:
        return make(*given)
    except ConvMatrixError as why:
        return f"{name}: {why}"


def nearest_free(report: CheckerboardReport, name: str, setting: dict[str, Any], factor: int | None = None) -> Draft:
    """The same layers with the nearest free weight."""
    moved_by_symbols = bool(getattr(report.squared_distance(factor), "free_symbols", ()))
    return Draft(
        name,
        "the free weight nearest to the layer's own",
        (report.nearest_free(factor),),
        setting,
        None if moved_by_symbols else report.distance(factor),
    )


def smoothing(op: TensorOperator, report: CheckerboardReport) -> Draft:
    """A fixed mean over one repetition of the phases behind the layer, channel by channel, of the same output size."""
    period, (channels, *size) = report.overlap.period, op.out_shape
    ones = np.ones((channels, 1, *period), dtype=_filter_dtype(op, report))
    weight = divided(ones, int(np.prod(period)))
    bias, body = (op.bias, Transposed(op.of)) if isinstance(op, Transposed) else (None, op)
    # A mean of constants is that constant: behind the filter it is not darkened at the border.
    bias = None if bias is None else bias.reshape(-1)
    operators = []
    for floor in (True, False):
        pads = [((n - 1) // 2, n // 2) if floor else (n // 2, (n - 1) // 2) for n in period]
        operators.append(Product(conv(weight, size, padding=pads, groups=channels, bias=bias), body))
    both = operators if any(n % 2 == 0 for n in period) else operators[:1]
    text = f"a fixed mean over {sizes_text(period)} outputs behind it, channel by channel"
    return Draft("smoothing", text, tuple(both), {"kernel_size": period, "groups": channels}, 0.0)


def judged(op: TensorOperator, tol: float | None) -> CheckerboardReport:
    """The verdict every row has."""
    return checkerboard(op, tol)


def centred_conv(
    weight: np.ndarray,
    axes: tuple[Axis, ...],
    bias: np.ndarray | None,
    groups: int,
) -> Convolution:
    """A convolution whose axes are known, so that pads may be negative and no size is left to a rule."""
    geometry = Geometry(axes, weight.shape[1] * groups, weight.shape[0], groups)
    weight.flags.writeable = False
    return Convolution(geometry, weight, bias)


def filling_axis(input_size: int, output_size: int, before: int, kernel: tuple[int, int], mode: str) -> Axis:
    """An axis of stride 1 with so many outputs; `kernel` is its taps and dilation."""
    taps, dilation = kernel
    after = output_size - input_size - before + dilation * (taps - 1)
    # Only wrapping goes on for ever, and mirrors know no negative pads.
    kept = mode if mode == "circular" and input_size == output_size else "zeros"
    return Axis(input_size, taps, output_size, 1, dilation, before, after, kept)


def sizes_text(sizes: tuple[int, ...]) -> str:
    """`4` for equal sizes, else `4x6`."""
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))


def _filter_dtype(op: TensorOperator, report: CheckerboardReport) -> Any:
    # The gains tell: a bias of floats makes no weight inexact.
    if report.phase_gain.dtype.kind in "iO":
        return np.int64
    return np.zeros(0, op.dtype).real.dtype if op.dtype.kind in "fc" else np.float64
