"""Whether a Gram matrix is the identity, decided exactly where an operator's numbers are exact."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.analysis.orthogonality.lags import gram_blocks, meetings
from convmatrix.analysis.rounding import numbers_of
from convmatrix.analysis.spectrum.structure import stripped
from convmatrix.geometry import Geometry
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Scaled, Transposed, steps_of
from convmatrix.operators.convolution import Convolution

_LISTED = 20_000
"""Entries of an explicit matrix that is multiplied with itself exactly: some seconds."""
_PRODUCTS = 3_000_000
"""Products of Python's own numbers: as long."""


def exactly_orthogonal(op: TensorOperator, by_rows: bool) -> bool | None:
    """Whether `C C^H` (`by_rows`) or `C^H C` is the identity; None where floats leave that open, or it takes too long.

    Examples
    --------
    >>> import convmatrix as cm
    >>> exactly_orthogonal(cm.conv("3/5 4/5", 4, stride=2), True), exactly_orthogonal(cm.conv("1 1", 4), True)
    (True, False)
    """
    if not _is_exact(op):
        return None
    own = stripped(op)
    factor: Any = 1
    for step in steps_of(op):
        if isinstance(step, Scaled):
            factor = factor * step.factor
    if own.core is None:
        return _equal(factor * np.conj(factor), 1)
    layer, flipped = (own.core.of, True) if isinstance(own.core, Transposed) else (own.core, False)
    if not isinstance(layer, Convolution):
        return _listed(op, by_rows)
    weight, factors = exact.paired(layer.weight, exact.as_array([factor], "the factor"))
    weight = weight.astype(object) * factors.astype(object)[0]
    return _by_lags(layer.geometry, weight, by_rows != flipped)


def _is_exact(op: TensorOperator) -> bool:
    own = all(values.dtype.kind in "iO" for values, name in numbers_of(op) if name != "biases")
    return own and all(leaf.dtype.kind in "iO" or leaf._yields for leaf in leaves(op))


def _by_lags(geometry: Geometry, weight: np.ndarray, by_rows: bool) -> bool | None:
    target: Any = 1
    if not exact.is_symbolic(weight):
        # Rational weights over one denominator are integers.
        common = math.lcm(*(Fraction(value).denominator for value in weight.flat))
        whole = [int(value * common) for value in weight.flat]
        largest = max(map(abs, whole))
        pairs = math.prod(int(meetings(axis, by_rows).pairs.sum(axis=(1, 2)).max()) or 1 for axis in geometry.axes)
        small = max(largest**2 * pairs * max(weight.shape[:2]), common**2) < 2**62
        numbers = np.empty(len(whole), dtype=np.int64 if small else object)
        numbers[:] = whole
        weight, target = numbers.reshape(weight.shape), common**2
    if weight.dtype == object and _cost(geometry, weight, by_rows) > _PRODUCTS:
        return None
    for blocks in gram_blocks(geometry, weight, by_rows):
        values, identity = blocks.values, np.broadcast_to(blocks.identity, blocks.values.shape)
        if weight.dtype != object:
            if (values != identity * target).any():
                return False
        elif not all(_equal(value, target * int(one)) for value, one in zip(values.flat, identity.flat, strict=True)):
            return False
    return True


def _cost(geometry: Geometry, weight: np.ndarray, by_rows: bool) -> int:
    groups = geometry.groups
    channels, summed = geometry.out_channels // groups, geometry.in_channels // groups
    if not by_rows:
        channels, summed = summed, channels
    taps = math.prod(geometry.kernel_size) ** 2
    ways = max((len(meetings(axis, by_rows).counts) for axis in geometry.axes), default=1)
    return groups * channels**2 * taps * (summed + ways)


def _listed(op: TensorOperator, by_rows: bool) -> bool | None:
    """On the explicit matrix."""
    if op.nnz > _LISTED:
        return None
    matrix = op.tosympy()
    gram = matrix * matrix.H if by_rows else matrix.H * matrix
    size = gram.shape[0]
    entries = gram.todok()
    return len([place for place in entries if place[0] == place[1]]) == size and all(
        _equal(value, int(row == column)) for (row, column), value in entries.items()
    )


def _equal(value: Any, number: int) -> bool:
    """Whether an exact number is that integer, whatever form it comes in."""
    if not exact.is_sympy(value):
        return bool(value == number)
    import sympy

    difference = sympy.expand(value - number)
    return bool(difference == 0 or difference.equals(0))
