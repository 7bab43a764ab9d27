"""What a layer costs in the usual convention: multiplications and parameters."""

from __future__ import annotations

import math

from convmatrix.analysis.inspection.counting import leaves
from convmatrix.errors import ConvMatrixError
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize


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
    return sum(_of_leaf(leaf) for leaf in leaves(_checked(op)))


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
    return sum(leaf.weight.size for leaf in leaves(_checked(op)) if isinstance(leaf, Convolution))


def _checked(op: TensorOperator) -> TensorOperator:
    if not isinstance(op, TensorOperator):
        raise ConvMatrixError(f"op must be a TensorOperator, such as conv(...) makes, got {type(op).__name__}")
    return op


def _of_leaf(leaf: TensorOperator) -> int:
    if isinstance(leaf, Convolution):
        return math.prod(leaf.geometry.output_size) * int(leaf.weight.size)
    if isinstance(leaf, Permutation):
        return 0
    if isinstance(leaf, AvgPool):
        return math.prod(leaf.out_shape)
    if isinstance(leaf, Resize) and leaf.mode != "linear":
        return 0
    return leaf.nnz
