"""The Gram matrix of an operator less the identity, in numbers: lag by lag, axis by axis, or as a sparse matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array, kron

from convmatrix.analysis.orthogonality.lags import gram_blocks
from convmatrix.analysis.spectrum.structure import stripped
from convmatrix.geometry import Geometry
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

_ENTRY_BYTES = 24
"""Of a sparse entry and what is made of it on the way."""


@dataclass(frozen=True, eq=False)
class GramFacts:
    """What is asked of a Gram matrix `G` of `size` rows beside `unit` times the identity.

    Attributes
    ----------
    size : int
        Rows.
    trace, squares : float
        The sum of its diagonal, and of the squared magnitudes of all its entries.
    largest : float
        The largest magnitude in `G - unit I`.
    channels : ndarray or None
        The sum of the squared magnitudes in the rows of `G - unit I` of each channel; None where channels are mixed up.
    lost : float
        That of all rows.
    """

    size: int
    trace: float
    squares: float
    largest: float
    channels: np.ndarray | None
    lost: float


def gram_facts(op: TensorOperator, by_rows: bool, scale: float = 1.0, unit: float = 1.0) -> GramFacts:
    """Those of `C C^H` (`by_rows`) or `C^H C`, of `scale` times the operator, beside `unit` times the identity.

    Raises
    ------
    MatrixTooLargeError
        If the operator has no form that spares its Gram matrix, which does not fit.
    """
    own = stripped(op)
    factor = abs(own.factor) * scale
    if own.core is None:
        return _of_permutation(op.out_shape if by_rows else op.in_shape, factor**2, unit)
    layer, flipped = (own.core.of, True) if isinstance(own.core, Transposed) else (own.core, False)
    if isinstance(layer, Convolution):
        found = _by_lags(layer.geometry, layer.weight * factor, by_rows != flipped, unit)
    elif isinstance(layer, (AvgPool, Resize)):
        found = _by_axes(layer, factor, by_rows != flipped, unit)
    else:
        return _of_gram(_sparse_gram(op, by_rows) * scale**2, (op.out_shape if by_rows else op.in_shape)[0], unit)
    return _renamed(found, op, own.after if by_rows else own.before, by_rows)


def _of_permutation(shape: tuple[int, ...], square: float, unit: float) -> GramFacts:
    """Of a multiple of one, whose Gram matrix is `square` times the identity."""
    size = math.prod(shape)
    lost = float((square - unit) ** 2)
    channels = np.full(shape[0], lost * (size // shape[0]))
    return GramFacts(size, size * square, size * square**2, abs(square - unit), channels, size * lost)


def _by_lags(geometry: Geometry, weight: np.ndarray, by_rows: bool, unit: float) -> GramFacts:
    channels = np.zeros(geometry.out_channels if by_rows else geometry.in_channels)
    trace = squares = largest = 0.0
    for blocks in gram_blocks(geometry, weight, by_rows):
        off = np.abs(blocks.values - unit * blocks.identity)
        channels[blocks.start : blocks.start + len(off)] += (off**2 @ blocks.counts).sum(axis=1)
        largest = max(largest, float(off.max()))
        squares += float((np.abs(blocks.values) ** 2 @ blocks.counts).sum())
        trace += float(((blocks.values * blocks.identity).real @ blocks.counts).sum())
    return GramFacts(geometry.shape[0 if by_rows else 1], trace, squares, largest, channels, float(channels.sum()))


def _by_axes(op: AvgPool | Resize, factor: float, by_rows: bool, unit: float) -> GramFacts:
    """Of a Kronecker product over the axes, the same in every channel."""
    grams = [_sparse_gram(op.along(axis), by_rows) for axis in range(len(op.in_shape) - 1)]
    check_size("the Gram matrix of one channel", _ENTRY_BYTES * math.prod(gram.nnz for gram in grams))
    whole = reduce(lambda done, gram: kron(done, gram, format="csr"), grams)
    found = _of_gram(csr_array(whole) * factor**2, 1, unit)
    channels = op.in_shape[0]
    return GramFacts(
        found.size * channels,
        found.trace * channels,
        found.squares * channels,
        found.largest,
        np.full(channels, found.lost),
        found.lost * channels,
    )


def _sparse_gram(op: TensorOperator, by_rows: bool) -> Any:
    check_size("the Gram matrix", _ENTRY_BYTES * (op @ op.T if by_rows else op.T @ op).nnz)
    matrix = op.tosparse(dtype=np.complex128 if op.dtype.kind == "c" else np.float64)
    side = matrix if by_rows else csr_array(matrix.conj().T)
    return csr_array(side @ side.conj().T)


def _of_gram(gram: Any, channels: int, unit: float) -> GramFacts:
    off = csr_array(gram - unit * eye_array(gram.shape[0]))
    by_row = np.asarray((abs(off) ** 2).sum(axis=1)).reshape(channels, -1).sum(axis=1)
    largest = float(np.abs(off.data).max(initial=0.0))
    squares = float((np.abs(gram.data) ** 2).sum())
    return GramFacts(gram.shape[0], float(gram.diagonal().real.sum()), squares, largest, by_row, float(by_row.sum()))


def _renamed(found: GramFacts, op: TensorOperator, steps: tuple[TensorOperator, ...], by_rows: bool) -> GramFacts:
    """With the channels of `op`, where permutations lie between them and those of the layer."""
    if not steps or found.channels is None:
        return found
    shape = op.out_shape if by_rows else op.in_shape
    names = np.broadcast_to(np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)), shape)
    for step in reversed(steps) if by_rows else steps:
        names = (step.T if by_rows else step)(names)
    names = names.reshape(len(found.channels), -1)
    if (names != names[:, :1]).any():
        return replace(found, channels=None)
    channels = np.zeros(shape[0])
    np.add.at(channels, names[:, 0], found.channels)
    return replace(found, channels=channels)
