"""What one layer costs, by the usual convention and truly: products, sums, weights, biases."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from convmatrix.analysis.cost import lattice
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis, Geometry
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.mixing import Mix
from convmatrix.operators.resampling import AvgPool, Resize


@dataclass(frozen=True)
class Counts:
    """The arithmetic of one layer, biases left aside."""

    multiplications: int = 0
    true_multiplications: int = 0
    additions: int = 0
    true_additions: int = 0
    written: int = 0
    """Outputs that a product reaches."""


def multiplications(op: TensorOperator) -> int:
    """Multiplications of one application, counted as papers do: output positions times weight entries.

    A convolution costs `prod(output_size) * weight.size`, taps that fall into the padding included; its transpose
    costs the same; a product or sum costs what its parts cost together. Permutations are free, and so is a multiple,
    which belongs into the weight. An average costs one multiplication an output, a linear interpolation one an entry
    of its matrix, a nearest one none; any other operator one an entry.

    Parameters
    ----------
    op : TensorOperator
        A layer, or a product, sum, multiple or transpose of layers.

    Returns
    -------
    int

    Raises
    ------
    ConvMatrixError
        If `op` is no TensorOperator.

    Examples
    --------
    A 5x5 picture under a 3x3 kernel: 9 positions times 9 taps, or a column of 3 and then a row of 3:

    >>> import numpy as np
    >>> import convmatrix as cm
    >>> multiplications(cm.conv(np.ones((3, 3)), (5, 5)))
    81
    >>> multiplications(cm.conv([[1, 2, 1]], (3, 5)) @ cm.conv([[1], [0], [1]], (5, 5)))
    72
    """
    return sum(map(_usual, leaves(checked(op))))


def parameters(op: TensorOperator) -> int:
    """Weight entries of all the layers an operator is made of, biases not counted.

    Parameters
    ----------
    op : TensorOperator
        A layer, or a product, sum, multiple or transpose of layers; a layer that stands in it twice counts twice.

    Returns
    -------
    int

    Raises
    ------
    ConvMatrixError
        If `op` is no TensorOperator.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> parameters(cm.conv(np.ones((128, 3, 3, 3)), (7, 7)))
    3456
    """
    return sum(map(weights_of, leaves(checked(op))))


def checked(op: object) -> TensorOperator:
    """`op`, if it is an operator."""
    if not isinstance(op, TensorOperator):
        raise ConvMatrixError(f"op must be a TensorOperator, such as conv(...) makes, got {type(op).__name__}")
    return op


def weights_of(leaf: TensorOperator) -> int:
    """Weight entries of one layer."""
    layer = leaf.of if isinstance(leaf, Transposed) else leaf
    return layer.weight.size if isinstance(layer, Convolution) else 0


def counts_of(layer: TensorOperator) -> Counts:
    """The arithmetic of one layer, or of the transpose of one."""
    leaf, transposed = (layer.of, True) if isinstance(layer, Transposed) else (layer, False)
    if isinstance(leaf, Convolution):
        return _of_taps(leaf.geometry, transposed)
    if isinstance(leaf, AvgPool):
        # Its products are with 1; what is multiplied are the sums, or what is spread.
        taps, products = _of_taps(leaf.geometry, transposed), _usual(leaf)
        return Counts(products, products, taps.additions, taps.true_additions, taps.written)
    if isinstance(leaf, Permutation):
        return Counts(written=leaf.shape[0])
    if isinstance(leaf, Resize) and transposed:
        written = leaf.in_shape[0] * math.prod(map(_mixed_inputs, leaf._mixes))
    else:
        written = min(layer.shape[0], leaf.nnz)
    products, sums = _usual(leaf), leaf.nnz - written
    return Counts(products, products, sums, sums, written)


def _usual(leaf: TensorOperator) -> int:
    """Multiplications of a layer that is no transpose, which its transpose costs as well."""
    if isinstance(leaf, Convolution):
        return math.prod(leaf.geometry.output_size) * int(leaf.weight.size)
    if isinstance(leaf, Permutation):
        return 0
    if isinstance(leaf, AvgPool):
        return math.prod(leaf.out_shape)
    if isinstance(leaf, Resize) and leaf.mode != "linear":
        return 0
    return leaf.nnz


def _of_taps(geometry: Geometry, transposed: bool) -> Counts:
    """Products of taps with inputs, and the sums of those that meet in an output."""
    pairs = geometry.out_channels * (geometry.in_channels // geometry.groups)
    usual = pairs * math.prod(axis.output_size * axis.kernel_size for axis in geometry.axes)
    true = pairs * _along(lattice.real_reads, geometry.axes)
    if transposed:
        channels = geometry.in_channels
        all_written = channels * _along(lattice.spread_positions, geometry.axes)
        written = channels * _along(lattice.read_inputs, geometry.axes)
    else:
        all_written = math.prod(geometry.out_shape)
        written = geometry.out_channels * _along(lattice.reached_outputs, geometry.axes)
    return Counts(usual, true, usual - all_written, true - written, written)


def _along(count: Callable[[Axis], int], axes: Iterable[Axis]) -> int:
    return math.prod(map(count, axes))


def _mixed_inputs(mix: Mix) -> int:
    """Inputs of a resized axis that some output reads."""
    sources, shares = mix.sources, mix.shares
    return int(np.unique(np.concatenate([sources, sources[np.flatnonzero(shares)] + 1])).size)
