"""What an operator is made of whose singular values are known once those of its parts are: factors, groups, multiples.

Permutations at either end change no singular value, a multiple multiplies them, a transpose keeps them. Where an axis
of a layer's weight is a factor of its own (one tap, or taps in the same proportion everywhere), the matrix is a
Kronecker product of a smaller layer and that axis, and the singular values are all products of theirs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np

from convmatrix.analysis.spectrum.numbers import UNIT
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators import TensorOperator, identity
from convmatrix.operators.algebra import Product, Scaled, Transposed, steps_of
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

_LOST = 1e-11
"""What may be left out of a matrix, as a share of its largest singular value."""


@dataclass(frozen=True, eq=False)
class Stripped:
    """`op = factor * after @ core @ before`; `core` is None where nothing but permutations is left.

    Attributes
    ----------
    core : TensorOperator or None
        What the singular values depend on.
    factor : float or complex
        The product of all multiples.
    before, after : tuple of Permutation
        Applied before and after the core, the first first.
    """

    core: TensorOperator | None
    factor: complex | float
    before: tuple[TensorOperator, ...]
    after: tuple[TensorOperator, ...]


def stripped(op: TensorOperator) -> Stripped:
    """Take multiples out, and permutations from both ends.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv([1.0, 2.0], 4)
    >>> found = stripped(cm.identity((1, 3)) @ (3.0 * layer))
    >>> found.core is layer, found.factor, len(found.after)
    (True, 3.0, 1)
    """
    steps = steps_of(op)
    factor = math.prod((step.factor for step in steps if isinstance(step, Scaled)), start=1.0)
    layers = [step for step in steps if not isinstance(step, Scaled)]
    inner = [place for place, layer in enumerate(layers) if not _permutes(layer)]
    if not inner:
        return Stripped(None, factor, tuple(layers), ())
    first, last = inner[0], inner[-1] + 1
    core = reduce(lambda done, layer: Product(layer, done), layers[first:last])
    return Stripped(core, factor, tuple(layers[:first]), tuple(layers[last:]))


def _permutes(layer: TensorOperator) -> bool:
    return isinstance(layer.of if isinstance(layer, Transposed) else layer, Permutation)


@dataclass(frozen=True, eq=False)
class Factor:
    """One of the operators whose Kronecker product an operator is, and the axes of the tensors that it acts on.

    Its own tensors have one channel where channel 0 is not among `axes`.
    """

    op: TensorOperator
    axes: tuple[int, ...]


def factors_of(op: TensorOperator) -> tuple[Factor, ...]:
    """The factors of a convolution, an average or a resize; the operator itself where it has none.

    Examples
    --------
    >>> import convmatrix as cm
    >>> for factor in factors_of(cm.conv([[1.0, 2.0], [3.0, 6.0]], (4, 5))):
    ...     print(factor.axes, factor.op.shape)
    (0,) (1, 1)
    (1,) (3, 4)
    (2,) (4, 5)
    """
    if isinstance(op, (AvgPool, Resize)) and (len(op.in_shape) > 2 or op.in_shape[0] > 1):
        axes = [Factor(op.along(axis), (1 + axis,)) for axis in range(len(op.in_shape) - 1)]
        return (Factor(identity((op.in_shape[0],)), (0,)), *axes)
    if isinstance(op, Convolution):
        return _factors_of_layer(op)
    return (Factor(op, tuple(range(len(op.in_shape)))),)


def _factors_of_layer(op: Convolution) -> tuple[Factor, ...]:
    whole = Factor(op, tuple(range(1 + len(op.geometry.axes))))
    rest, taps = _split(op, False)
    factors = _parts(op, rest, taps)
    if not _loses_nothing(op, rest, taps, factors):
        rest, taps = _split(op, True)
        factors = _parts(op, rest, taps)
    # A single axis of a single channel has no smaller part.
    return (whole,) if not taps or (len(op.geometry.axes) == 1 and rest.size == 1) else factors


def _parts(op: Convolution, rest: np.ndarray, taps: dict[int, np.ndarray]) -> tuple[Factor, ...]:
    geometry = op.geometry
    kept = [a for a in range(len(geometry.axes)) if a not in taps]
    smaller = Geometry(
        tuple(geometry.axes[a] for a in kept), geometry.in_channels, geometry.out_channels, geometry.groups
    )
    alone = [Factor(Convolution(_alone(geometry, a), own[None, None]), (1 + a,)) for a, own in sorted(taps.items())]
    return (Factor(Convolution(smaller, rest), (0, *(1 + a for a in kept))), *alone)


def _split(op: Convolution, exactly: bool) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """The weight without the axes that are factors of it, and the taps of each of those; to rounding or exactly."""
    rest, taps = op.geometry.only_read(op.weight), {}
    for a in reversed(range(len(op.geometry.axes))):
        found = _taken_apart(rest, 2 + a, exactly)
        if found is not None:
            taps[a], rest = found
    return rest, taps


def _taken_apart(weight: np.ndarray, axis: int, exactly: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """Taps and the weight without that axis, whose product the weight is; None if it is none.

    To the last digits of the largest, or `exactly`: then all weights but those of one tap are 0.
    """
    rows = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
    row, column = np.unravel_index(np.argmax(np.abs(rows)), rows.shape)
    others = weight.shape[:axis] + weight.shape[axis + 1 :]
    largest = rows[row, column]
    if largest == 0:
        return None
    taps = rows[:, column] / largest
    allowed = 0.0 if exactly else 8 * UNIT * abs(largest)
    if (exactly and np.count_nonzero(taps) > 1) or np.abs(rows - np.outer(taps, rows[row])).max() > allowed:
        return None
    return taps, rows[row].reshape(others)


def _loses_nothing(op: Convolution, rest: np.ndarray, taps: dict[int, np.ndarray], factors: tuple[Factor, ...]) -> bool:
    """Whether what the product leaves out of the weight is shown small beside the norm of the matrix.

    Where weights meet in one entry they may cancel, and leave less than the rounding of the largest.
    """
    geometry = op.geometry
    product = rest
    for a, own in sorted(taps.items()):
        product = np.expand_dims(product, 2 + a) * own.reshape(-1, *(1,) * (product.ndim - 2 - a))
    lost = np.abs(geometry.only_read(op.weight) - product) + 2 * len(taps) * UNIT * np.abs(product)
    # One tap's part of the matrix is its channels' part times zeros and ones, at most one of these a row.
    each = np.linalg.norm(lost.reshape(*lost.shape[:2], -1), axis=(0, 1))
    met = math.prod(map(_most_by_tap, geometry.axes))
    least = math.prod(_at_least(factor.op) for factor in factors)
    return float(each.sum()) * math.sqrt(met) <= _LOST * least


def _most_by_tap(axis: Axis) -> int:
    """How often one tap reads one input, at most."""
    if axis.padding_mode == "zeros":
        return 1
    return max(int(np.bincount(own).max()) for own in axis.reads().T)


def _at_least(op: TensorOperator) -> float:
    """A lower bound on the norm, of the size of the root mean square of the singular values."""
    tried = np.random.default_rng(0).standard_normal(op.in_shape)
    return float(np.linalg.norm(op(tried)) / np.linalg.norm(tried))


def _alone(geometry: Geometry, axis: int) -> Geometry:
    return Geometry((geometry.axes[axis],), 1, 1)


def groups_of(op: Convolution) -> list[Convolution]:
    """The layers that the groups are, each by itself.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> groups_of(cm.conv(np.ones((4, 1, 3)), 5, groups=2))
    [<Convolution 3: (1, 5) -> (2, 3), 6 x 5 matrix, float64>, <Convolution 3: (1, 5) -> (2, 3), 6 x 5 matrix, float64>]
    """
    geometry = op.geometry
    groups = geometry.groups
    own = Geometry(geometry.axes, geometry.in_channels // groups, geometry.out_channels // groups)
    return [Convolution(own, weight) for weight in op.weight.reshape(groups, -1, *op.weight.shape[1:])]
