"""What `clip_spectrum` answers."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from functools import reduce
from numbers import Real
from typing import Any

import numpy as np

from convmatrix.analysis.clipping.torus import Torus, as_circular
from convmatrix.analysis.facts import as_html, as_text, plain
from convmatrix.analysis.spectrum.numbers import Numerical, numerical
from convmatrix.analysis.spectrum.structure import stripped
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Geometry, arguments
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product, Transposed
from convmatrix.operators.convolution import Convolution

_COPIES = 6
"""Of the weight on the whole input, in complex numbers, that exist at a time."""


@dataclass(frozen=True, eq=False)
class ClippedSpectrum:
    """A circular layer with no singular value above a norm.

    Attributes
    ----------
    op : TensorOperator
        The layer.
    norm : float
        What was asked for.
    full : TensorOperator
        The nearest operator of norm at most `norm`, whose matrix is that of `op` with every singular value above `norm`
        replaced by it: to rounding, of about `norm` times that of doubles. Its weight is as large as the input, of
        float64 or complex128.
    cropped : TensorOperator
        `op` with another weight of the same size: that of `full` where `op` has taps. Its norm may exceed `norm`.
    largest, full_norm, cropped_norm : float
        The largest singular values of `op`, `full` and `cropped`, to rounding.
    clipped, count : int
        How many of the singular values of `op` were above `norm`, and how many there are.
    full_distance, cropped_distance : float
        Euclidean lengths of the change of the weight; of the matrix they are the root of the number of output positions
        (of the convolution, if `op` is a transposed one) times that. Of taps that wrap round to one place their sum
        counts.
    rounds : int
        How often the cropped weight was clipped again.
    shrunk : float
        What it was multiplied with at last, so that its norm is at most `norm`; 1 where no rounds were asked for.
    """

    op: TensorOperator
    norm: float
    full: TensorOperator = field(repr=False)
    cropped: TensorOperator = field(repr=False)
    largest: float
    full_norm: float
    cropped_norm: float
    clipped: int
    count: int
    full_distance: float
    cropped_distance: float
    rounds: int
    shrunk: float

    def to_dict(self) -> dict[str, Any]:
        """Everything but the operators as plain JSON types."""
        names = (
            "norm", "largest", "full_norm", "cropped_norm", "clipped", "count", "full_distance", "cropped_distance",
            "rounds", "shrunk",
        )  # fmt: skip
        return {name: plain(getattr(self, name)) for name in names}

    def _lines(self) -> tuple[str, list[tuple[str, str]]]:
        head = (
            f"{self.clipped} of {self.count} singular values clipped from up to {self.largest:.6g} to {self.norm:.6g}"
        )
        again = f", after {self.rounds} more rounds" if self.rounds else ""
        facts = [
            ("operator", f"{self.op.in_shape} -> {self.op.out_shape}"),
            ("full kernel", f"norm {self.full_norm:.6g}, the weight moved by {self.full_distance:.6g}"),
            ("own kernel", f"norm {self.cropped_norm:.6g}, the weight moved by {self.cropped_distance:.6g}{again}"),
        ]
        return head, facts

    def __str__(self) -> str:
        return as_text(*self._lines())

    def _repr_html_(self) -> str:
        return as_html(*self._lines())


def clip_spectrum(op: TensorOperator, norm: float, *, rounds: int = 0, tol: float = 1e-3) -> ClippedSpectrum:
    """The nearest circular layer of norm at most `norm`: Sedghi's projection, as a weight.

    Frequency by frequency, the singular values above `norm` are set to it, and nothing else is changed. What comes back
    is a circular convolution again, with as many taps as there are inputs. Cut to the layer's own taps it is what
    Sedghi et al. train with; its norm is then above `norm` by some percent. With `rounds` that weight is clipped and
    cut again, by Dykstra's rule, which approaches the nearest weight of this size whose norm is at most `norm`; and at
    last multiplied with what is missing.

    Parameters
    ----------
    op : TensorOperator
        A circular layer with `n/stride` outputs an axis, of any stride, dilation and groups, or one that reads no
        padding at all (1x1, or windows side by side); transposed, times a number, and between permutations such as
        a pixel shuffle, too. Real or complex; exact numbers are taken as floats.
    norm : float
        Above 0.
    rounds : int, default 0
        How often the cropped weight is clipped again, at most.
    tol : float, default 1e-3
        Where the cropped weight's norm is above `norm` by at most this share, no more rounds are made.

    Returns
    -------
    ClippedSpectrum
        Biases are kept.

    Raises
    ------
    ConvMatrixError
        If `op` is not circular, holds symbols, NaN or infinity, or `norm`, `rounds` or `tol` breaks its rule.
    MatrixTooLargeError
        If a weight as large as the input does not fit.

    References
    ----------
    Sedghi, Gupta, Long: The singular values of convolutional layers, ICLR 2019, arXiv:1805.10408, section 4. Boyle,
    Dykstra: A method for finding projections onto the intersection of convex sets in Hilbert spaces, 1986.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> layer = cm.conv("1 2 1", 6, padding=1, padding_mode="circular")
    >>> found = cm.clip_spectrum(layer, 3)
    >>> print(found)
    1 of 6 singular values clipped from up to 4 to 3
      operator     (1, 6) -> (1, 6)
      full kernel  norm 3, the weight moved by 0.408248
      own kernel   norm 3.5, the weight moved by 0.288675
    >>> (6 * found.full.weight).round(9).tolist(), found.full.geometry.describe()
    ([[[-1.0, 5.0, 11.0, 5.0, -1.0, -1.0]]], '6, padding 2:3, circular')
    >>> values = np.linalg.svd(found.full.toarray(), compute_uv=False)
    >>> (values.round(9) + 0.0).tolist()
    [3.0, 3.0, 3.0, 1.0, 1.0, 0.0]
    >>> again = cm.clip_spectrum(layer, 3, rounds=100)
    >>> again.cropped_norm, again.cropped.weight.round(2).tolist()
    (3.0, [[[0.67, 1.67, 0.67]]])
    """
    numbers = numerical(op)
    norm = _positive(norm, "norm")
    rounds = arguments.integer(rounds, "rounds", 0)
    tol = _positive(tol, "tol")
    layer, geometry, factor = _circular_layer(op, numbers)
    size = math.prod(geometry.weight_shape[:2]) * math.prod(geometry.input_size)
    check_size("weights as large as the input", 16 * _COPIES * size)
    return _Clipping(op, layer, geometry, layer.weight * factor, numbers.exponent).answer(norm, rounds, tol)


class _Clipping:
    """The layer that is clipped, in numbers near 1, `weight` times `2**exponent`."""

    def __init__(
        self, op: TensorOperator, layer: Convolution, geometry: Geometry, weight: np.ndarray, exponent: int
    ) -> None:
        self.op, self.layer, self.weight, self.exponent = op, layer, weight, exponent
        self.torus = Torus(geometry, weight.dtype.kind == "c")

    def answer(self, norm: float, rounds: int, tol: float) -> ClippedSpectrum:
        """Clip and crop, and again."""
        with np.errstate(over="ignore"):
            bound = float(np.ldexp(norm, -self.exponent))
        torus = self.torus
        start = torus.wrapped(self.weight)
        scaled = Numerical(self.op, self.exponent).times
        before = torus.values(start)
        largest = scaled(before.max())
        full = torus.clipped(start, bound)
        cut, made = torus.cut(full), 0
        own, dual, shrunk = float(torus.values(cut).max()), start - full, 1.0
        while made < rounds and own > bound * (1 + tol):
            # The layers of this size are a linear space, which needs no correction of its own.
            moved = torus.clipped(cut + dual, bound)
            dual, cut, made = cut + dual - moved, torus.cut(moved), made + 1
            own = float(torus.values(cut).max())
        if rounds and own > bound:
            shrunk = bound / own
            cut, own = cut * shrunk, bound
        cropped = torus.cropped(cut, self.weight)
        return ClippedSpectrum(
            self.op,
            norm,
            self._operator(torus.full_geometry, torus.unrolled(full)),
            self._operator(self.layer.geometry, cropped),
            largest,
            scaled(torus.values(full).max()),
            scaled(own),
            int((before > bound).sum()),
            min(self.op.shape),
            scaled(np.linalg.norm(full - start)),
            scaled(np.linalg.norm(cut - start)),
            made,
            shrunk,
        )

    def _operator(self, geometry: Geometry, weight: np.ndarray) -> TensorOperator:
        """The operator with another layer in the place of the one there is."""
        weight = np.ldexp(weight.real, self.exponent) + (
            1j * np.ldexp(weight.imag, self.exponent) if weight.dtype.kind == "c" else 0.0
        )
        weight.flags.writeable = False
        own = stripped(self.op)
        bias = self.op.bias
        if isinstance(own.core, Transposed):
            made: TensorOperator = Transposed(Convolution(geometry, weight), bias)
        else:
            made = Convolution(geometry, weight, bias)
        if not own.before and not own.after:
            return made
        steps = [*own.before, made, *own.after]
        return reduce(lambda done, step: Product(step, done), steps[1:], steps[0])


def _circular_layer(op: TensorOperator, numbers: Numerical) -> tuple[Convolution, Geometry, complex | float]:
    """The layer whose weight is to be changed, its geometry as a circular one, and what it is multiplied with."""
    own = stripped(numbers.op)
    layer = own.core.of if isinstance(own.core, Transposed) else own.core
    geometry = as_circular(layer.geometry) if isinstance(layer, Convolution) else None
    if isinstance(layer, Convolution) and geometry is not None:
        return layer, geometry, own.factor
    raise ConvMatrixError(
        "op must be one circular layer with n/stride outputs an axis (padding_mode='circular', padding='same', and "
        f"a stride that divides the input size), or its transpose, got {op!r}: for another border rule clip the "
        "circular layer of the same weight, or divide op by spectral_norm(op).upper / norm"
    )


def _positive(value: Any, name: str) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 < value <= sys.float_info.max:
        raise ConvMatrixError(f"{name} must be a number above 0, got {value!r}")
    return float(value)
