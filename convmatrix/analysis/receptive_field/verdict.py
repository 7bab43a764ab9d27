"""`receptive_field`: which inputs an output of a stack reads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.phases import check_layers
from convmatrix.analysis.receptive_field.answer import ReceptiveField, flat_layers
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Transposed, layers_of
from convmatrix.operators.convolution import Convolution


def receptive_field(ops: TensorOperator | Sequence[TensorOperator]) -> ReceptiveField:
    """Which inputs an output reads: size, jump and start per axis, its gaps, and the inputs that no output reads.

    Along an axis, layer after layer::

        size  = size + (extent - 1) * jump       extent = dilation * (kernel - 1) + 1
        start = start - padding * jump
        jump  = jump * stride

    from size 1, jump 1 and start 0 at the input, so that output `o` reads from input `start + o * jump` on, `size`
    inputs at most. A layer that enlarges (a transposed convolution, a resize, a pixel shuffle) divides the jump instead
    of multiplying it; there an output's field depends on its phase, the recurrence is carried on for each phase, and
    `size` is the largest over the phases. Of a sum of branches it is the hull of their union. Channels are left aside:
    the field is what the rows of an output position, one a channel, read together if every layer mixes its channels.
    Weights do not matter, and a weight of 0 reads as well; but NaN and infinity are no weights.

    Parameters
    ----------
    ops : TensorOperator or sequence of TensorOperator
        A layer, product, sum, transpose or multiple; or several, in the order they are applied. Convolutions,
        transposed ones, average pools, resizes, pixel and channel shuffles on tensors `(channels, *spatial)`.

    Returns
    -------
    ReceptiveField
        Everything in it is computed when it is first asked for. No array as large as the input is made unless
        `coverage` or `unread` is asked for.

    Raises
    ------
    ConvMatrixError
        If `ops` is no operator or sequence of them, their shapes do not fit, a layer mixes channels with space, or a
        weight or factor is NaN or infinite, also as a SymPy number.

    References
    ----------
    Araujo, Norris, Sim: Computing receptive fields of convolutional neural networks, Distill (2019),
    doi:10.23915/distill.00021. Gaps: Wang et al.: Understanding convolution for semantic segmentation, WACV (2018),
    arXiv:1702.08502.

    Examples
    --------
    Dilations 1, 2, 4 see 3, 7, 15 at the cost of three layers of 3:

    >>> import convmatrix as cm
    >>> layers = [cm.conv([1, 1, 1], n, dilation=d) for n, d in ((32, 1), (30, 2), (26, 4))]
    >>> found = cm.receptive_field(layers)
    >>> [stage.size for stage in found.stages], found.jump, found.has_gaps
    ([(3,), (7,), (15,)], (1,), False)

    Dilations 2, 2, 2 are a grid, of which half the inputs are never seen by an output:

    >>> found = cm.receptive_field([cm.conv([1, 1, 1], 32, padding=2, dilation=2)] * 3)
    >>> found.coverage()
    array([1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1])
    >>> print(found)
    13 inputs wide, 7 of them read: 6 gaps
      input      (1, 32) -> (1, 32)
      jump       1
      start      -6
      stages     5, 9, 13
      empirical  13
      unread     no input is left unread
    """
    given = [ops] if isinstance(ops, TensorOperator) else _listed(ops)
    for op in given:
        check_layers(op)
        _check_finite(op)
    for number, (inner, outer) in enumerate(pairwise(given), 1):
        if inner.out_shape != outer.in_shape:
            raise ConvMatrixError(
                f"ops must fit in the order they are applied, got {inner.out_shape} out of operator {number} "
                f"and {outer.in_shape} into operator {number + 1}"
            )
    return ReceptiveField(flat_layers(given))


def _check_finite(op: TensorOperator) -> None:
    for layer in layers_of(op):
        if isinstance(layer, Scaled):
            numbers, name = exact.as_array([layer.factor], "the factor"), "factors"
        else:
            own = layer.of if isinstance(layer, Transposed) else layer
            numbers, name = own.weight if isinstance(own, Convolution) else np.zeros(0), "weights"
        if not exact.is_finite(numbers):
            raise ConvMatrixError(f"op must have finite {name}, got {exact.first_not_finite(numbers)}")


def _listed(ops: Any) -> list[TensorOperator]:
    rule = "ops must be a TensorOperator or a sequence of them in the order they are applied"
    if isinstance(ops, str) or not hasattr(ops, "__iter__"):
        raise ConvMatrixError(f"{rule}, got {type(ops).__name__}")
    given = list(ops)
    if not given:
        raise ConvMatrixError(f"{rule}, got none")
    return given
