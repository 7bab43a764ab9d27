"""`remedies`: every way out of a checkerboard that a layer has, built, judged and measured."""

from __future__ import annotations

import math

from convmatrix.analysis.checkerboard import CheckerboardReport
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.analysis.phases import check_layers, interior
from convmatrix.analysis.remedies import drafts, stacks, subpixel, transposed
from convmatrix.analysis.remedies.answer import Remedies, Remedy
from convmatrix.analysis.remedies.distance import distance_by_taps, relative_distance
from convmatrix.analysis.remedies.drafts import Draft, Proposals
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Transposed
from convmatrix.operators.convolution import Convolution

MAX_PHASES, MAX_TAPS, MAX_LAYERS = 1_000, 100_000, 100
"""Phases, taps of a kernel, and layers up to which remedies are compared."""


def remedies(op: TensorOperator, tol: float | None = None) -> Remedies:
    """The ways to be free of a checkerboard, each built as an operator and judged as the layer itself is.

    Of a transposed convolution, or the gradient `C.T` of a strided one:

    ======================  =================================================================================
    nearest free            the free weight nearest to the layer's own
    kernel size K           taps of 0 added, so that the stride divides the kernel size: often not enough
    ..., nearest free       and then the nearest free weight of that size
    stride 1                the same weight without enlargement
    resize nearest, linear  interpolation, then a convolution of the same kernel turned round / prod(stride)
    ICNR                    the sub-kernels of all phases replaced by their mean
    smoothing               a fixed mean over one repetition of the phases, behind the layer
    ======================  =================================================================================

    Of a convolution before a pixel shuffle: the same without a kernel size and a stride. Of a stack: the nearest free
    weight of each layer, and smoothing. Biases are kept. A way that a layer has not is left out, with the reason in
    `notes`.

    Parameters
    ----------
    op : TensorOperator
        A layer, or layers composed with `@`, which keep channels apart from space.
    tol : float, optional
        The absolute tolerance of every verdict; see `checkerboard`.

    Returns
    -------
    Remedies
        The layer as it is, and then a row for each way.

    Raises
    ------
    ConvMatrixError
        If `op` is no such operator, a weight is NaN or infinite, `tol` is below 0, or the layer has more than 1,000
        phases or a kernel of more than 100,000 taps, or there are more than 100 layers, whose ways out would take
        minutes to compare.

    Notes
    -----
    An enlargement repeats each input `prod(stride)` times where the layer reads it once: that the turned kernel is
    divided by this number keeps the mean gain. A framework's layer of the row's `setting` is given that weight.

    `distance` compares the answers to one impulse in each input channel, far from the borders: the Frobenius norm of
    their change over that of the layer's own. Where interpolation can be aligned in two ways, the nearer is taken.

    References
    ----------
    Odena, Dumoulin, Olah: Deconvolution and checkerboard artifacts, Distill, 2016 (kernel size, stride 1, resize).
    Aitken et al.: Checkerboard artifact free sub-pixel convolution, arXiv:1707.02937 (ICNR).
    Sugawara, Shiota, Kiya: Super-resolution using convolutional neural networks without any checkerboard artifacts,
    arXiv:1806.02658 (smoothing).

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = cm.remedies(cm.conv_transpose([1, 2, 3], 8, stride=2))
    >>> [row.name for row in found if row.is_free]
    ['nearest free', 'kernel size 4, nearest free', 'stride 1', 'resize nearest', 'resize linear', 'ICNR', 'smoothing']
    >>> found["kernel size 4, nearest free"].operator.weight.tolist()
    [[[Fraction(1, 2), Fraction(5, 2), Fraction(5, 2), Fraction(1, 2)]]]
    >>> found.best.name
    'kernel size 4, nearest free'
    """
    _check_work(check_layers(op))
    report = drafts.judged(op, tol)
    rows, notes = [_as_it_is(op, report)], []
    for proposal in _proposals(op, report, tol):
        if isinstance(proposal, str):
            notes.append(proposal)
            continue
        row, note = _row(op, proposal, tol)
        rows += [] if row is None else [row]
        notes += [note] if note else []
    return Remedies(op, tuple(rows), tuple(notes))


def _check_work(op: TensorOperator) -> None:
    """Refuse what would take minutes; an operator of one phase has nothing to compare."""
    layers = sum(1 for _ in leaves(op))
    if layers > MAX_LAYERS:
        raise ConvMatrixError(
            f"op must be made of at most {MAX_LAYERS} layers for its remedies to be compared, got {layers:,}"
        )
    phases = math.prod(interior(op).period)
    taps = max(
        (math.prod(leaf.geometry.kernel_size) for leaf in leaves(op) if isinstance(leaf, Convolution)), default=0
    )
    if phases > 1 and (phases > MAX_PHASES or taps > MAX_TAPS):
        raise ConvMatrixError(
            f"op must have at most {MAX_PHASES:,} phases and {MAX_TAPS:,} taps for its remedies to be compared, "
            f"got {phases:,} and {taps:,}"
        )


def _proposals(op: TensorOperator, report: CheckerboardReport, tol: float | None) -> Proposals:
    """The ways this kind of operator has."""
    if all(n == 1 for n in report.overlap.period):
        yield "every other way: each output is made as its neighbours are, so there is nothing to remedy"
        return
    factors = subpixel.factors_of(op)
    if factors is not None:
        assert isinstance(op, Product)
        yield from subpixel.proposals(op, factors, report)
    elif transposed.is_one(op):
        assert isinstance(op, Transposed)
        yield from transposed.proposals(op, report, tol)
    else:
        yield from stacks.proposals(op, report)


def _as_it_is(op: TensorOperator, report: CheckerboardReport) -> Remedy:
    return Remedy("as it is", "the layer itself", op, report, 0.0, 0.0, {})


def _row(op: TensorOperator, draft: Draft, tol: float | None) -> tuple[Remedy | None, str]:
    """The nearest of the operators that a draft leaves open, judged; and what could not be said of it."""
    note, nearest, distance = "", draft.operators[0], None
    try:
        measured = list(zip(_distances(op, draft), draft.operators, strict=True))
        known = [(value, operator) for value, operator in measured if value is not None]
        if known:
            distance, nearest = min(known, key=lambda pair: pair[0])
    except ConvMatrixError as error:
        note = f"the distance of {draft.name}: {error}"
    try:
        report = drafts.judged(nearest, tol) if draft.report is None else draft.report
    except ConvMatrixError as error:
        return None, f"{draft.name}: {error}"
    values = draft.name, draft.description, nearest, report, distance, draft.weight_distance, draft.setting
    return Remedy(*values), note


def _distances(op: TensorOperator, draft: Draft) -> list[float | None]:
    """How far each of the operators of a draft is from the layer."""
    if not draft.units:
        return [relative_distance(op, operator) for operator in draft.operators]
    assert isinstance(op, Transposed)
    unit, *others = draft.units
    return [distance_by_taps(op.weight, unit, other) for other in others]
