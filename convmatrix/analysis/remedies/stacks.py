"""The ways out for anything else: stacks of layers, resizes, averages."""

from __future__ import annotations

from convmatrix.analysis.checkerboard import CheckerboardReport
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.analysis.remedies import drafts
from convmatrix.analysis.remedies.drafts import Proposals, unless_refused
from convmatrix.operators import TensorOperator
from convmatrix.operators.convolution import Convolution


def proposals(op: TensorOperator, report: CheckerboardReport) -> Proposals:
    """The nearest free weight of one layer after another, in the order they are applied, and smoothing."""
    weighted = sum(1 for leaf in leaves(op) if isinstance(leaf, Convolution))
    for layer in range(weighted):
        name = "nearest free" if weighted == 1 else f"nearest free of layer {layer}"
        yield unless_refused(name, drafts.nearest_free, report, name, {"layer": layer}, layer)
    if not weighted:
        yield "nearest free: no layer has a weight"
    yield unless_refused("smoothing", drafts.smoothing, op, report)
