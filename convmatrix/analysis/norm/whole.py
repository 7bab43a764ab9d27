"""The norm of any operator: what does not change it taken off, factors one by one, and the rest enclosed."""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.norm.attaining import Attained
from convmatrix.analysis.norm.certificate import rounded_up
from convmatrix.analysis.norm.enclosing import Bound, Enclosed, Enclosing
from convmatrix.analysis.norm.layers import LayerEnclosing
from convmatrix.analysis.spectrum.numbers import UNIT
from convmatrix.analysis.spectrum.structure import Factor, factors_of, stripped
from convmatrix.analysis.spectrum.triples import outer
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution


def enclosed(op: TensorOperator, width: float, rng: np.random.Generator) -> Enclosed:
    """The norm of an operator in float64 or complex128, whose ends are apart by `width` if that can be reached."""
    own = stripped(op)
    factor = abs(own.factor)
    if own.core is None:
        bounds: tuple[Bound, ...] = (Bound("permutation", 1.0, 0.0),)
        # One entry keeps its length to the last digit, however many there are.
        vector, upper = np.zeros(op.in_shape), 1.0
        vector.reshape(-1)[0] = 1.0
    else:
        core = own.core
        found = enclosed(core.of, width, rng) if isinstance(core, Transposed) else _of_core(core, width, rng)
        bounds, vector, upper = found.bounds, found.vector, found.upper
        if isinstance(core, Transposed):
            vector = np.conj(core.of(vector))
        for step in reversed(own.before):
            vector = step.T(vector)
    attained = Attained(op)
    attained.offer(vector)
    scaled = tuple(Bound(bound.name, rounded_up(bound.value * factor), bound.seconds) for bound in bounds)
    return Enclosed(attained.value, rounded_up(upper * factor), attained.vector, scaled)


def _of_core(op: TensorOperator, width: float, rng: np.random.Generator) -> Enclosed:
    factors = factors_of(op)
    if len(factors) > 1:
        return _of_factors(op, factors, width, rng)
    return (LayerEnclosing if isinstance(op, Convolution) and op.geometry.axes else Enclosing)(op, width, rng).enclose()


def _of_factors(op: TensorOperator, factors: tuple[Factor, ...], width: float, rng: np.random.Generator) -> Enclosed:
    """The norm of a Kronecker product is the product of the norms."""
    each = (1 + width / 2) ** (1 / len(factors)) - 1
    parts = [enclosed(factor.op, each, rng) for factor in factors]
    value = math.prod(part.upper for part in parts)
    if isinstance(op, Convolution):
        # The weight is the product of the factors' but for its last digits.
        lost = 8 * UNIT * float(np.abs(op.weight).max()) * math.prod(op.geometry.kernel_size) * math.sqrt(op.nnz)
        value += lost
    seconds = math.fsum(bound.seconds for part in parts for bound in part.bounds)
    upper = rounded_up(value, 8 * len(parts))
    attained = Attained(op)
    attained.offer(outer([part.vector[None] for part in parts], [factor.axes for factor in factors])[0])
    bound = Bound("Kronecker product of " + " and ".join(sorted(_names(parts))), upper, seconds)
    return Enclosed(attained.value, upper, attained.vector, (bound,))


def _names(parts: list[Enclosed]) -> set[str]:
    return {min(part.bounds, key=lambda bound: bound.value).name for part in parts if part.bounds}
