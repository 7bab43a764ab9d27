"""`filter_correlation`: which filters of a layer go together with which of the layer before."""

from __future__ import annotations

from typing import Any

from convmatrix.analysis.correlation.answer import FilterCorrelation, frozen
from convmatrix.analysis.correlation.noise import noise_moments
from convmatrix.analysis.correlation.pairing import Pairing
from convmatrix.analysis.correlation.sampled import Activation, read_inputs, sampled_moments
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator


def filter_correlation(
    first: TensorOperator, second: TensorOperator, inputs: Any = None, *, activation: Activation = None
) -> FilterCorrelation:
    """The correlation between what the filters of a layer respond and what those of the layer before it respond.

    With `u = f(first(x) + bias)` and `v = f(second(u) + bias)`, and `c(o)` the position of `u` in the middle of the
    window that position `o` of `v` reads, filter `j` of the second layer and filter `i` of the first have::

        r[j, i] = cov(v[j, o], u[i, c(o)]) / sqrt(var(v[j, o]) * var(u[i, c(o)]))

    where covariance and variances are over all inputs `x` and all positions `o` together. A middle between two
    positions is the one before; positions `o` whose middle lies in the padding are left out.

    Without inputs, `x` is white noise (every entry of mean 0 and variance 1, independent of the others), `f` is the
    identity and biases are left out. The covariance is then known from the matrices `A` and `B A` alone, and exact for
    exact weights::

        cov = 1/positions * sum over o of (B A)[(j, o), :] . A[(i, c(o)), :]

    Parameters
    ----------
    first, second : TensorOperator
        Adjacent layers, or stacks of linear layers: what the first returns is what the second takes.
    inputs : array-like of shape (*batch, *first.in_shape), optional
        Over which responses are compared; by default white noise, all of it.
    activation : callable, optional
        `f`, applied to the response of either layer as an array; by default the identity. It needs inputs.

    Returns
    -------
    FilterCorrelation

    Raises
    ------
    ConvMatrixError
        If the layers do not fit together, mix channels with space otherwise than by a shuffle, or have weights or
        inputs that are NaN or infinite; if the activation comes without inputs.
    SymbolicError
        If a weight is a SymPy expression.
    MatrixTooLargeError
        If the matrices, or the responses, would not fit in memory.

    References
    ----------
    Ioannou, Robertson, Cipolla, Criminisi: Deep Roots: Improving CNN efficiency with hierarchical filter groups,
    CVPR (2017), arXiv:1605.06489.

    Examples
    --------
    A grouped layer behind filters that have nothing in common: blocks, and nothing beside them.

    >>> import numpy as np
    >>> import convmatrix as cm
    >>> first = cm.conv(np.eye(4, dtype=int)[:, None], 8)
    >>> second = cm.conv([[[1], [1]], [[1], [-1]], [[0], [1]], [[3], [4]]], 5, groups=2)
    >>> found = cm.filter_correlation(first, second)
    >>> found.matrix.round(2)
    array([[ 0.71,  0.71,  0.  ,  0.  ],
           [ 0.71, -0.71,  0.  ,  0.  ],
           [ 0.  ,  0.  ,  0.  ,  1.  ],
           [ 0.  ,  0.  ,  0.6 ,  0.8 ]])
    >>> print(found)
    4 filters of the second layer by 4 of the first, over white noise (exact) at 5 positions
      strongest  +1.000  filter 2 with 3
                 +0.800  filter 3 with 3
                 +0.707  filter 0 with 0
      in blocks  1 in 2 blocks (chance 1/2)
                 0.41 in 4 blocks (chance 1/4)
    """
    for op, name in ((first, "first"), (second, "second")):
        if not isinstance(op, TensorOperator):
            raise ConvMatrixError(f"{name} must be a TensorOperator, such as conv(...) makes, got {type(op).__name__}")
    if first.out_shape != second.in_shape:
        raise ConvMatrixError(f"second must take what first returns, {first.out_shape}, got {second.in_shape}")
    if activation is not None and not callable(activation):
        raise ConvMatrixError(f"activation must be a function of an array, got {activation!r}")
    pairing = Pairing.of(second)
    if inputs is None:
        if activation is not None:
            raise ConvMatrixError(
                f"activation must come with inputs, white noise through it has no formula, got {activation!r}"
            )
        moments, samples = noise_moments(first, second, pairing), None
    else:
        x = read_inputs(inputs, first)
        moments, samples = sampled_moments(first, second, pairing, x, activation), len(x)
    squares = moments.squares()
    return FilterCorrelation(
        frozen(moments.coefficients()),
        None if squares is None else frozen(squares),
        moments.silent,
        pairing.outputs.size,
        samples,
    )
