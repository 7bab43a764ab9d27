"""`overlap`: how many inputs reach each output of an operator."""

from __future__ import annotations

from convmatrix.analysis.overlap.answer import OverlapMap
from convmatrix.analysis.phases import check_layers
from convmatrix.operators import TensorOperator


def overlap(op: TensorOperator) -> OverlapMap:
    """How many inputs reach each output position: where it is uneven, equal weights draw a checkerboard.

    A count is the number of (tap, input position) paths to an output position, channels and weights left aside. Along
    an axis of a transposed convolution, far from its borders, phase `f` (output position plus padding, modulo the
    stride `s`) is reached by::

        count of the taps t < k with d*t = f (mod s)

    and the counts of several axes multiply. Those of a stack are the products of its layers' all-ones maps, and so
    compound. They equal the row sums of the same operator with all-ones one-channel weights.

    Parameters
    ----------
    op : TensorOperator
        Convolutions, transposed ones, average pools, resizes, pixel and channel shuffles, and their transposes,
        products, sums and multiples, on tensors `(channels, *spatial)`. The gradient of a strided layer is its `.T`.

    Returns
    -------
    OverlapMap
        Everything in it is computed when it is first asked for, from one vector an axis and never from the matrix.
        NaN and infinite weights, which other analyses refuse, are taken: no weight is looked at.

    Raises
    ------
    ConvMatrixError
        If `op` is no TensorOperator, has no axis of space, or a layer mixes channels with space.

    References
    ----------
    Odena, Dumoulin, Olah: Deconvolution and checkerboard artifacts, Distill (2016), doi:10.23915/distill.00003.

    Examples
    --------
    A kernel of 3 with stride 2 in two dimensions, Distill's 4 to 1:

    >>> import numpy as np
    >>> import convmatrix as cm
    >>> found = cm.overlap(cm.conv_transpose(np.ones((3, 3)), (3, 3), stride=2))
    >>> found.counts
    array([[1, 1, 2, 1, 2, 1, 1],
           [1, 1, 2, 1, 2, 1, 1],
           [2, 2, 4, 2, 4, 2, 2],
           [1, 1, 2, 1, 2, 1, 1],
           [2, 2, 4, 2, 4, 2, 2],
           [1, 1, 2, 1, 2, 1, 1],
           [1, 1, 2, 1, 2, 1, 1]], dtype=uint8)
    >>> found.phase_counts
    array([[4, 2],
           [2, 1]])
    >>> print(found)
    uneven, 4 to 1: 1 to 4 paths to an output of the interior
      output     (1, 3, 3) -> (1, 7, 7)
      by phase   4 2
                 2 1
      interior   1:6, 1:6
      border     1 to 2 paths
    """
    return OverlapMap(check_layers(op))
