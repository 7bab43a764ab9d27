"""`decompose`: every structure looked for, made into operators and measured."""

from __future__ import annotations

import dataclasses
import math
from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis import cost
from convmatrix.analysis.comparison import Comparison, compare
from convmatrix.analysis.decomposition import measure, parts
from convmatrix.analysis.decomposition.answer import Decomposition, Structure
from convmatrix.analysis.decomposition.flattened import flattened
from convmatrix.analysis.decomposition.grouping import groupings
from convmatrix.analysis.decomposition.lowrank import Rule, default_tol, double, scaling, shifted
from convmatrix.analysis.decomposition.parts import Absent, Candidate, Part
from convmatrix.analysis.decomposition.reading import Subject, subject, tolerance
from convmatrix.analysis.decomposition.splits import largest_rank, splits
from convmatrix.analysis.decomposition.turning import turned
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError
from convmatrix.geometry import arguments
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.convolution import Convolution

COMPARED, EXACT_COMPARED = 1_500_000, 20_000
"""Entries of the layer's matrix, of numbers and of Python objects, up to which the product's is compared with it."""
WORK, EXACT_WORK = 1e8, 1e5
"""Products of two entries that may take."""


def decompose(
    layer: Any, tol: float | None = None, *, input_size: Any = None, rank: int | None = None
) -> Decomposition:
    """Which structure a layer has, exactly or within a tolerance, with the factors as operators.

    Each structure below is a condition on the weight `W[o, i, t]` (output and input channel, taps), here for one group;
    a layer of several has it in each group. Where the condition holds, the product of the factors is the layer, for
    every stride, dilation, padding and padding mode, because each axis is read by one factor alone, in the layer's way;
    that is checked on the matrices all the same. The factors of a transposed layer are the transposes of those of its
    convolution, in reverse order.

    ==========================  =======================================================================================
    name                        condition, and the factors in the order they are applied
    ==========================  =======================================================================================
    grouped, depthwise          `W[o, i] = 0` between groups of channels (as many as there are input channels);
                                "shuffled ..." if the channels have to be put in order before or after
    depthwise separable         `W[:, i]` of rank `multiplier` for every i: depthwise, then 1x1
    blueprint separable         `W[o]` of rank `multiplier` for every o: 1x1, then a filter an output channel
    bottleneck, 1x1 first       rank of `W[(o, t), i]`: 1x1, then the whole kernel
    bottleneck, 1x1 last        rank of `W[o, (i, t)]`: the whole kernel, then 1x1
    column then row             rank of `W[(o, t1), (i, t0)]`; and row then column
    axis 0 then axes 1+2, ...   the same for three axes, shared among two factors in every way
    flattened                   `W[o] = a x b x c` for every o: 1x1, then depthwise one axis after the other
    ==========================  =======================================================================================

    Parameters
    ----------
    layer : Convolution, Transposed, array-like, str or path
        A layer as `conv` or `conv_transpose` makes it, or a weight `(c_out, c_in, *kernel)` of at least 3 axes, or what
        `kernel` reads as one.
    tol : float, optional
        Singular values up to `tol` times the largest of their unfolding count as 0, and kernels between groups up to
        `tol` times the largest. By default exact for integers and fractions, and `max(shape) * eps` of the entries'
        type for floats. With a `tol`, integers and fractions may be approximated too.
    input_size : int or sequence of int, optional
        Where to place a weight; by default `max(4, 2*k)` an axis.
    rank : int, optional
        Instead of the least rank that holds, the best approximation of this rank (or multiplier) in the Frobenius norm
        of the weight, by the truncated singular value decomposition, so that errors at equal rank can be compared.

    Returns
    -------
    Decomposition
        Its structures, each with factors, product, comparison, errors, multiplications and parameters.

    Raises
    ------
    ConvMatrixError
        If the layer is no convolution or weight of numbers, or an argument breaks its rule.
    SymbolicError
        If the weight holds symbols.

    Notes
    -----
    Ranks of integers and fractions are proved by elimination up to some billions of multiplications an unfolding;
    beyond that they are numerical, and a note says so. Large unfoldings whose exact factors would have no fewer entries
    than they themselves are not factored. Matrices of more than 1.5 million entries (20,000 exact ones) are compared on
    a smaller input.

    References
    ----------
    Jaderberg, Vedaldi, Zisserman: Speeding up convolutional neural networks with low rank expansions (2014). Jin,
    Dundar, Culurciello: Flattened convolutional neural networks, arXiv:1412.5474. Howard et al.: MobileNets,
    arXiv:1704.04861. Haase, Amthor: Rethinking depthwise separable convolutions, CVPR 2020. Eckart, Young: The
    approximation of one matrix by another of lower rank (1936).

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> spatial, mixing = np.array([[1, 2, 1], [0, 3, 1]]), np.array([[1, 2], [0, 1], [3, 1], [1, 1]])
    >>> weight = np.einsum("oi,it->oit", mixing, spatial)
    >>> found = cm.decompose(cm.conv(weight, 16, padding=1, stride=2))
    >>> found.best.name, found.best.settings, found.best.is_exact
    ('depthwise separable', {'multiplier': 1, 'of': 3}, True)
    >>> found.best.multiplications, [factor.weight.shape for factor in found.best.factors]
    ((192, 112), [(2, 1, 3), (4, 2, 1)])
    """
    tol = tolerance(tol)
    given = subject(layer, input_size)
    rule = Rule(tol, _checked_rank(rank, given.conv))
    grouped, notes = groupings(given.conv, rule)
    found = [*grouped, *splits(given.conv, rule), flattened(given.conv, rule)]
    if given.transposed:
        found = [None if one is None else turned(one, given.layer.in_shape[0]) for one in found]
    absent = {one.name: one.reason for one in found if isinstance(one, Absent)}
    kept = [one for one in found if isinstance(one, Candidate)]
    is_rounded = any(one.approximation is not None for one in kept)
    norm = measure.frobenius(given.conv.geometry, _in_floats(given.conv.weight)) if is_rounded else 0.0
    structures = [_structure(given, one, norm) for one in kept]
    if rank is None:
        structures.sort(key=lambda one: (one.multiplications[1], one.parameters[1]))
    else:
        structures.sort(key=lambda one: (one.error if one.error > 0 else -1.0, one.multiplications[1]))
    extra = tuple(note for one in kept for note in one.notes)
    return Decomposition(given.layer, tuple(structures), absent, rule.rank, (*notes, *extra))


def _checked_rank(rank: Any, conv: Convolution) -> int | None:
    if rank is None:
        return None
    rank, most = arguments.integer(rank, "rank", 1), largest_rank(conv)
    if rank > most:
        raise ConvMatrixError(f"rank must be at most {most}, the largest any unfolding of the weight has, got {rank}")
    return rank


def _structure(given: Subject, one: Candidate, norm: float) -> Structure:
    """The candidate as operators, compared with the layer and measured."""
    geometry = given.conv.geometry
    factors = parts.operators(one.parts, geometry, given.transposed, given.layer.bias)
    operator = parts.product(factors)
    compared = _compared(given, one)
    error = weight_error = spectral = 0.0
    size = given.layer.in_shape[1:]
    if one.approximation is not None:
        gap, power = _gap(given.conv.weight, one.approximation)
        error = measure.scaled_back(measure.frobenius(geometry, gap), power)
        weight_error = measure.scaled_back(float(np.linalg.norm(gap)), power)
        spectral, size = _spectral(given, gap, power)
    return Structure(
        name=one.name,
        settings=one.settings,
        factors=factors,
        operator=operator,
        holds=one.holds,
        is_exact=one.is_exact and (compared is None or compared.is_exact),
        tol=one.tol,
        comparison=compared,
        error=error,
        relative_error=error / norm if norm else 0.0,
        spectral_error=spectral,
        spectral_size=size,
        weight_error=weight_error,
        multiplications=(cost.multiplications(given.layer), cost.multiplications(operator)),
        parameters=(cost.parameters(given.layer), cost.parameters(operator)),
    )


def _gap(weight: np.ndarray, approximation: np.ndarray) -> tuple[np.ndarray, int]:
    """The difference of two weights in double precision, divided by a power of two that keeps its squares in range."""
    weight = _in_floats(weight)
    power = scaling(weight)
    gap = shifted(double(weight), -power) - shifted(double(approximation), -power)
    return gap, power


def _spectral(given: Subject, gap: np.ndarray, power: int) -> tuple[float, tuple[int, ...]]:
    """The spectral norm of the difference's matrix, and the layer's input size there."""
    value, geometry = measure.spectral(given.conv.geometry, gap)
    size = geometry.output_size if given.transposed else geometry.input_size
    return measure.scaled_back(value, power), size


def _in_floats(weight: np.ndarray) -> np.ndarray:
    """Exact weights in double precision: only norms are taken of them."""
    return exact.as_numbers(weight, np.float64) if weight.dtype.kind in "iO" else weight


def _compared(given: Subject, one: Candidate) -> Comparison | None:
    """The product's matrix against the layer's, on the largest input on which that takes no more than a second."""
    conv, geometry = given.conv, given.conv.geometry
    is_object = np.dtype(object) in (conv.dtype, *(part.weight.dtype for part in one.parts if isinstance(part, Part)))
    entries, work = (EXACT_COMPARED, EXACT_WORK) if is_object else (COMPARED, WORK)
    while True:
        geometry = measure.shrunk(geometry, entries)
        wanted = Convolution(geometry, conv.weight)
        layer = Transposed(wanted) if given.transposed else wanted
        factors = parts.operators(one.parts, geometry, given.transposed, None)
        if geometry.nnz <= entries and _multiplying_out(factors) <= work:
            with suppress(MatrixTooLargeError):
                found = compare(parts.product(factors), layer, _allowed(conv, one))
                return dataclasses.replace(found, input_size=given.layer.in_shape[1:])
        smaller = measure.shrunk(geometry, geometry.nnz // 2)
        if smaller == geometry:
            return None
        geometry = smaller


def _multiplying_out(factors: tuple[TensorOperator, ...]) -> float:
    """Products of two entries, about, that it takes to multiply the factors' sparse matrices."""
    entries, total = float(factors[0].nnz), 0.0
    for before, factor in pairwise(factors):
        products = factor.nnz * entries / before.shape[0]
        total += products
        entries = min(products, float(factor.shape[0] * factors[0].shape[1]))
    return total


def _allowed(conv: Convolution, one: Candidate) -> float | None:
    """By how much entries may differ where the structure holds within a tolerance."""
    if one.tol is None or not one.holds or one.is_exact:
        return None
    weight = _in_floats(conv.weight)
    power = scaling(weight)
    taps = 1 if all(axis.padding_mode == "zeros" for axis in conv.geometry.axes) else math.prod(weight.shape[2:])
    tol = max(one.tol, default_tol((weight.shape[0], weight[0].size), weight.dtype))
    size = float(np.linalg.norm(shifted(double(weight), -power)))
    return measure.scaled_back((weight.ndim + 1) * tol * size * taps, power)
