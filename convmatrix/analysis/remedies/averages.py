"""Means and shares of weights that stay exact where the weights are, and the sub-pixel weight made of means."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments


def icnr(weight: Any, factor: Any) -> np.ndarray:
    """The nearest sub-pixel weight in which all kernels that a pixel shuffle interleaves are equal.

    With `R = prod(factor)`, output channels `c*R` to `c*R + R - 1` become the `R` positions of one pixel of channel
    `c`; each of their kernels is replaced by the mean of them all::

        new[c*R + f] = (weight[c*R] + ... + weight[c*R + R - 1]) / R

    A constant then stays one, and the layer is the mean kernel followed by a nearest enlargement. This is what ICNR
    begins its training with; to draw such a weight, repeat one of `c` channels `R` times along the first axis.

    Parameters
    ----------
    weight : array-like of shape `(c*R, c_in/groups, *kernel_size)`
        Of the convolution before the pixel shuffle, as PyTorch has it.
    factor : int or sequence of int
        The enlargement of each axis.

    Returns
    -------
    ndarray of the same shape
        Floats keep their type; integers and fractions stay exact.

    Raises
    ------
    ConvMatrixError
        If the weight has no kernel axes, `factor` is not one positive integer an axis, or `R` does not divide the
        output channels.

    References
    ----------
    Aitken et al.: Checkerboard artifact free sub-pixel convolution, arXiv:1707.02937.

    Examples
    --------
    >>> icnr([[[1, 2]], [[3, 6]]], 2).tolist()
    [[[2, 4]], [[2, 4]]]
    """
    array = exact.as_array(weight)
    if array.ndim < 3:
        raise ConvMatrixError(
            f"weight must have the shape (c_out, c_in/groups, *kernel_size) with one or more kernel axes, "
            f"got shape {array.shape}"
        )
    together = math.prod(arguments.per_axis(factor, "factor", array.ndim - 2, 1))
    if array.shape[0] % together:
        raise ConvMatrixError(
            f"factor must have a product that divides the {array.shape[0]} output channels, got {factor!r}"
        )
    return repeated(group_means(array, together), together)


def group_means(array: np.ndarray, together: int) -> np.ndarray:
    """The mean of each `together` entries in a row along the first axis."""
    return mean(array.reshape(-1, together, *array.shape[1:]), 1)


def repeated(array: np.ndarray, times: int) -> np.ndarray:
    """Each entry of the first axis so many times in a row."""
    return np.repeat(array, times, axis=0)


def mean(array: np.ndarray, axis: int) -> np.ndarray:
    """The mean along an axis: exact for exact entries, without overflow for floats."""
    if array.dtype.kind in "fc":
        wide = array.astype(np.result_type(array.dtype, np.float64))
        _, exponent = np.frexp(np.abs(wide).max(initial=0.0))
        # A power of two rounds nothing, and the sum of what is left fits.
        unit = math.ldexp(1.0, int(np.clip(exponent, -1000, 1000)))
        return ((wide / unit).mean(axis=axis) * unit).astype(array.dtype)
    return divided(np.asarray(array.astype(object).sum(axis=axis), dtype=object), array.shape[axis])


def divided(array: np.ndarray, whole: int) -> np.ndarray:
    """A share `1/whole` of every entry; floats keep their type."""
    if array.dtype.kind in "fc":
        return array / whole
    share = exact.to_sympy(Fraction(1, whole)) if exact.is_symbolic(array) else Fraction(1, whole)
    return exact.as_array(array.astype(object) * share)
