"""What `spectral_norm` answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from convmatrix.analysis.facts import as_html, as_text, plain
from convmatrix.analysis.norm.enclosing import Bound
from convmatrix.analysis.norm.whole import enclosed
from convmatrix.analysis.norm.written import written_out
from convmatrix.analysis.spectrum.numbers import numerical
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.operators import TensorOperator

_INNER = 0.99
"""Of the width, so that what is put together of parts is not a rounding too wide."""

_CANCELLED = 1e-9
"""A width that is missed by more is not missed for the rounding of a proof."""


@dataclass(frozen=True, eq=False)
class Enclosure:
    """A norm between two numbers, both certain, rounding included.

    Attributes
    ----------
    op : TensorOperator
        The operator.
    lower, upper : float
        The norm is at least and at most this.
    vector : ndarray of shape `op.in_shape`
        Of length 1; `op(vector)` has the length `lower`, up to rounding, which `lower` is less by.
    bounds : tuple of Bound
        The upper bounds that were proved on the way: name, value, seconds.
    asked : float
        The width that was asked for.
    """

    op: TensorOperator
    lower: float
    upper: float
    vector: np.ndarray = field(repr=False)
    bounds: tuple[Bound, ...] = field(repr=False)
    asked: float

    @property
    def width(self) -> float:
        """How far the ends are apart, relative to the lower one; 0 if both are 0."""
        if self.upper == self.lower:
            return 0.0
        return self.upper / self.lower - 1 if self.lower else math.inf

    @property
    def reached(self) -> bool:
        """Whether the ends are as near as was asked."""
        return self.upper <= self.lower * (1 + self.asked)

    @property
    def value(self) -> float:
        """The middle of the two."""
        return self.lower + (self.upper - self.lower) / 2

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper

    def to_dict(self) -> dict[str, Any]:
        """Everything but the vector as plain JSON types."""
        return {
            "lower": plain(self.lower),
            "upper": plain(self.upper),
            "width": plain(self.width),
            "asked": self.asked,
            "reached": self.reached,
            "bounds": [
                {"name": bound.name, "value": plain(bound.value), "seconds": bound.seconds} for bound in self.bounds
            ],
        }

    def _lines(self) -> tuple[str, list[tuple[str, str]]]:
        # As many digits as tell the ends apart.
        digits = 6 if self.width > 1e-4 or not self.width else min(12, 3 - math.floor(math.log10(self.width)))
        head = f"norm between {self.lower:.{digits}g} and {self.upper:.{digits}g}, {self.width:.2g} apart"
        if not self.reached:
            head += f": the width of {self.asked:g} was not reached"
        best = min(self.bounds, key=lambda bound: bound.value, default=None)
        facts = [("operator", f"{self.op.in_shape} -> {self.op.out_shape}")]
        if best is not None:
            facts.append(("proved by", best.name))
        return head, facts

    def __str__(self) -> str:
        return as_text(*self._lines())

    def _repr_html_(self) -> str:
        return as_html(*self._lines())


def spectral_norm(op: TensorOperator, width: float = 0.01, *, rng: Any = None) -> Enclosure:
    """The largest singular value of an operator, as two numbers between which it certainly is.

    The lower one is attained: a vector is returned that the operator stretches by it. The upper one is proved for all
    vectors. Both count every rounding, those of the proof included, and rest on IEEE arithmetic and sines right to 8
    roundings.

    Proofs are Cholesky factors of `mu^2 I - B^H B` for all blocks `B` of

    - the matrix in waves, of a circular layer with `n/stride` outputs an axis;
    - a circular matrix that the layer's is a part of, for zero padding: with as few waves as the width allows, with
      waves that change their sign where they wrap round, or along some axes only;
    - the operator's own matrix, for all else, and where those are too far away.

    Before, an operator is taken apart into factors (1x1 layers, separable kernels), and magnitudes are tried, which
    bound any operator and often suffice where no entry is negative. Where taps or branches cancel but for their last
    digits, a small operator's entries are added up exactly. An operator beyond some minutes or the memory that is free
    gets the best bound found, and `reached` is False; so does a width that rounding lets nobody prove, from about 1e-9
    for dense matrices of a few thousand rows.

    Parameters
    ----------
    op : TensorOperator
        Of numbers; any.
    width : float, default 0.01
        How far apart the ends may be, relative to the lower one.
    rng : optional
        For the start of Lanczos: what `numpy.random.default_rng` takes, by default 0, so that answers repeat.

    Returns
    -------
    Enclosure

    Raises
    ------
    ConvMatrixError
        If `op` holds symbols, NaN or infinity, `width` is not above 0, `rng` is nothing that NumPy takes, or the norm
        is no float.

    References
    ----------
    Rump: Verification of positive definiteness, BIT 46, 2006. Sedghi, Gupta, Long, arXiv:1805.10408. Duffin, Schaeffer:
    Some properties of functions of exponential type, 1938.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> weight = np.random.default_rng(0).standard_normal((8, 8, 3, 3))
    >>> found = cm.spectral_norm(cm.conv(weight, (16, 16), padding=1))
    >>> found.reached, found.width <= 0.01
    (True, True)
    >>> round(float(np.linalg.norm(cm.conv(weight, (16, 16), padding=1)(found.vector))), 2)
    16.91
    >>> cm.spectral_norm(cm.identity((3, 4))).upper < 1 + 1e-9
    True
    """
    if isinstance(width, bool) or not isinstance(width, Real) or not 0 < width < math.inf:
        raise ConvMatrixError(f"width must be a number above 0, got {width!r}")
    generator = arguments.generator(rng)
    found = _enclosed(op, op, float(width), generator)
    if not found.reached and found.width > _CANCELLED:
        matrix = written_out(op)
        exactly = found if matrix is None else _enclosed(op, matrix, float(width), generator)
        if exactly.width < found.width:
            return exactly
    return found


def _enclosed(op: TensorOperator, taken: TensorOperator, width: float, rng: np.random.Generator) -> Enclosure:
    """The norm of `op`, by way of an operator with the same matrix."""
    numbers = numerical(taken)
    found = enclosed(numbers.op, _INNER * width, rng)
    upper = max(found.upper, found.lower)
    bounds = tuple(Bound(bound.name, numbers.times(bound.value), bound.seconds) for bound in found.bounds)
    vector = found.vector.reshape(op.in_shape)
    vector.flags.writeable = False
    return Enclosure(op, numbers.times(found.lower), numbers.times(upper), vector, bounds, width)
