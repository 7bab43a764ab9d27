"""The exact rank of an operator of integers and fractions, by its structure as far as that goes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np

from convmatrix.analysis.ranks.cyclotomic import block_ranks, within_reach
from convmatrix.analysis.ranks.echelon import echelon_bounds
from convmatrix.analysis.ranks.integers import integer_matrix, whole
from convmatrix.analysis.ranks.splitting import groups_apart, independent_channels, kronecker_parts
from convmatrix.analysis.spectrum.frequencies import is_circular
from convmatrix.errors import MatrixTooLargeError
from convmatrix.exact.bounded import RankBounds, sparse_rank
from convmatrix.exact.sparse import IntegerMatrix
from convmatrix.geometry import Geometry
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Scaled, Transposed, steps_of
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

WORK = 1e10
"""Multiplications of an elimination, and of a proof, that are done without being asked for: some ten seconds."""
UNKNOWN = "nothing but the shape is known"


def exact_rank(op: TensorOperator, work: float = WORK) -> RankBounds:
    """The rank of an operator that `is_exact`, or bounds of it that are proved.

    Taken apart are permutations and multiples, groups (ranks add up), channels that are combinations of others, and
    Kronecker factors (ranks multiply). What is left is a circular layer, whose blocks have their ranks by frequency; or
    an echelon form shows the rank; or it is that of a sparse matrix.

    Parameters
    ----------
    op : TensorOperator
        Of integers and fractions.
    work : float, default 1e10
        The most multiplications for each elimination and each proof.

    Examples
    --------
    >>> import convmatrix as cm
    >>> exact_rank(cm.conv("1 2 1; 2 4 2; 1 2 1", (64, 64), padding=1, padding_mode="circular"))
    RankBounds(lower=3969, upper=3969, proof='Kronecker product: frequency by frequency')
    >>> exact_rank(cm.conv("0 1 0; 1 -4 1; 0 1 0", (64, 64), padding=1, padding_mode="reflect"))
    RankBounds(lower=4095, upper=4095, proof='as many exact null vectors')
    """
    layers = core_layers(op)
    if layers is None:
        return RankBounds(0, 0, "a factor of 0")
    if not layers:
        return RankBounds(op.shape[0], op.shape[0], "permutation")
    if len(layers) == 1:
        return _of_layer(layers[0], work)
    bounds = _of_sequence(layers, work)
    return bounds if bounds.is_exact else intersected(bounds, _of_matrix(in_sequence(layers), work, bounds.upper))


def core_layers(op: TensorOperator) -> list[TensorOperator] | None:
    """What a product applies one after the other, without multiples, and without permutations at its ends.

    None if a multiple is 0. Its rank is that of the product of these; none are left of a permutation.
    """
    steps = steps_of(op)
    if any(isinstance(step, Scaled) and step.factor == 0 for step in steps):
        return None
    layers = [step for step in steps if not isinstance(step, Scaled)]
    inner = [place for place, layer in enumerate(layers) if not _permutes(layer)]
    return layers[inner[0] : inner[-1] + 1] if inner else []


def in_sequence(layers: Sequence[TensorOperator]) -> TensorOperator:
    """The product of layers of which the first is applied first."""
    return reduce(lambda done, layer: Product(layer, done), layers)


def intersected(one: RankBounds, other: RankBounds) -> RankBounds:
    """Both bounds together, with the proof of the narrower one.

    Examples
    --------
    >>> intersected(RankBounds(2, 9, "one"), RankBounds(3, 4, "the other"))
    RankBounds(lower=3, upper=4, proof='the other')
    """
    narrower = min(one, other, key=lambda bounds: bounds.upper - bounds.lower)
    return RankBounds(max(one.lower, other.lower), min(one.upper, other.upper), narrower.proof)


def _permutes(layer: TensorOperator) -> bool:
    return isinstance(layer.of if isinstance(layer, Transposed) else layer, Permutation)


def _of_layer(layer: TensorOperator, work: float) -> RankBounds:
    if isinstance(layer, Transposed):
        return _of_layer(layer.of, work)
    if isinstance(layer, Permutation):
        return RankBounds(layer.shape[0], layer.shape[0], "permutation")
    if isinstance(layer, (Convolution, AvgPool)):
        # An average is a sum with rows divided by numbers that are not 0.
        return _of_groups(layer.geometry, whole(layer.weight), work)
    if isinstance(layer, Resize) and layer.in_shape[1:] and layer.in_shape != (1, layer.in_shape[-1]):
        parts = [_of_layer(layer.along(axis), work) for axis in range(len(layer.in_shape) - 1)]
        return _multiplied([RankBounds(layer.in_shape[0], layer.in_shape[0], "identity"), *parts])
    return _of_matrix(layer, work)


def _of_groups(geometry: Geometry, weight: np.ndarray, work: float) -> RankBounds:
    if not weight.any():
        return RankBounds(0, 0, "zeros")
    known: dict[object, RankBounds] = {}
    parts = []
    for own, part in groups_apart(geometry, weight):
        key = tuple(part.flat) if part.dtype == object else part.tobytes()
        if key not in known:
            known[key] = _of_group(own, part, work)
        parts.append(known[key])
    lower, upper = sum(part.lower for part in parts), sum(part.upper for part in parts)
    return RankBounds(lower, upper, _named([part.proof for part in parts]))


def _of_group(geometry: Geometry, weight: np.ndarray, work: float) -> RankBounds:
    if not weight.any():
        return RankBounds(0, 0, "zeros")
    if not geometry.axes:
        return sparse_rank(IntegerMatrix.of(weight), work)
    smaller, kept, _ = independent_channels(geometry, weight, work)
    parts = kronecker_parts(smaller, kept)
    if len(parts) == 1:
        return _of_part(smaller, kept, work)
    return _multiplied([_of_part(own, part, work) for own, part, _ in parts])


def _of_part(geometry: Geometry, weight: np.ndarray, work: float) -> RankBounds:
    """Of a layer of one group that is no Kronecker product."""
    if not geometry.axes:
        return sparse_rank(IntegerMatrix.of(weight), work)
    bounds = echelon_bounds(geometry, weight)
    if not bounds.is_exact and is_circular(geometry) and within_reach(geometry):
        ranks = block_ranks(geometry, weight, work)
        bounds = intersected(bounds, RankBounds(ranks.lower, ranks.upper, "frequency by frequency"))
    if not bounds.is_exact:
        bounds = intersected(bounds, _of_matrix(Convolution(geometry, weight), work))
    return bounds


def _of_sequence(layers: Sequence[TensorOperator], work: float) -> RankBounds:
    """What the ranks of layers say of that of their product: no more than the least, no less than Sylvester allows."""
    parts = [_of_layer(layer, work) for layer in layers]
    lost = sum(layer.shape[0] for layer in layers[:-1])
    lower = sum(part.lower for part in parts) - lost
    return RankBounds(max(lower, 0), min(part.upper for part in parts), "Sylvester's inequality")


def _of_matrix(op: TensorOperator, work: float, upper: int | None = None) -> RankBounds:
    most = min(op.shape) if upper is None else upper
    try:
        return sparse_rank(integer_matrix(op), work, most)
    except MatrixTooLargeError:
        return RankBounds(0, most, UNKNOWN)


def _multiplied(parts: Sequence[RankBounds]) -> RankBounds:
    """Of a Kronecker product."""
    return RankBounds(
        math.prod(part.lower for part in parts),
        math.prod(part.upper for part in parts),
        "Kronecker product: " + _named([part.proof for part in parts]),
    )


def _named(proofs: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(proofs))
