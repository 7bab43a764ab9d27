"""What `orthogonality_defect` answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from convmatrix.analysis.facts import as_html, as_text, plain
from convmatrix.analysis.norm.answer import spectral_norm
from convmatrix.analysis.orthogonality.deciding import exactly_orthogonal
from convmatrix.analysis.orthogonality.measuring import gram_facts
from convmatrix.analysis.rounding import eps_of
from convmatrix.analysis.spectrum.answer import singular_values
from convmatrix.analysis.spectrum.numbers import Numerical, numerical, products
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError
from convmatrix.geometry import arguments
from convmatrix.operators import TensorOperator

_WIDTH = 0.02
"""Of the enclosed norm: the defect's ends are then twice as far apart."""
_LOWEST = -200
"""Exponent of two, below which a Gram matrix is rounded away beside the identity."""
_FACTORED_ENTRIES = 1_000_000
"""Entries of a matrix up to which its smallest singular value is sought where not all are known."""


@dataclass(frozen=True, eq=False)
class OrthogonalityDefect:
    """How far an operator `C` is from an isometry: its Gram matrix `G` beside the identity.

    Attributes
    ----------
    op : TensorOperator
        The operator.
    side : str
        "columns" where `G = C^H C`, which is the identity if `C` keeps all lengths; "rows" where `G = C C^H`, the
        smaller one of a wide matrix, which is the identity if `C^H` keeps all lengths.
    is_orthogonal : bool
        Whether `G` is the identity.
    kind : str
        "exact" where exact weights have decided that, "numerical" where it holds within `tol`, entry by entry.
    tol : float or None
        Of the entries; None if exact.
    lower, upper : float
        The spectral defect, `|G - I|` as a norm, which is the largest `|s**2 - 1|` of all singular values `s`, lies
        between these; they are one number where all singular values are known.
    frobenius : float
        The root of the sum of all squared entries of `G - I`.
    largest : float
        The largest entry of `G - I`.
    per_channel : ndarray or None
        `frobenius` of the rows of `G - I` that belong to each input channel (`side` "columns") or output channel, whose
        squares add up; None where a pixel shuffle spreads channels over others.
    scale : float
        The `c > 0` for which `c * op` is nearest to an isometry, `|c^2 G - I|` least as the root of the sum of squares:
        `c^2 = trace(G) / |G|^2`. 1 if all is 0.
    scaled_frobenius : float
        That least `|c^2 G - I|`.
    """

    op: TensorOperator
    side: str
    is_orthogonal: bool
    kind: str
    tol: float | None
    lower: float
    upper: float
    frobenius: float
    largest: float
    per_channel: np.ndarray | None
    scale: float
    scaled_frobenius: float

    @property
    def spectral(self) -> float | None:
        """The spectral defect, where it is known."""
        return self.upper if self.lower == self.upper else None

    @property
    def relative(self) -> float:
        """`frobenius` by the length of the identity: the root of the mean square of a row's defect."""
        return self.frobenius / math.sqrt(min(self.op.shape))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types."""
        names = ("side", "is_orthogonal", "kind", "tol", "lower", "upper", "spectral", "frobenius", "relative")
        return {
            name: plain(getattr(self, name)) if name != "is_orthogonal" else self.is_orthogonal for name in names
        } | {
            "largest": plain(self.largest),
            "per_channel": plain(self.per_channel),
            "scale": plain(self.scale),
            "scaled_frobenius": plain(self.scaled_frobenius),
        }

    def _lines(self) -> tuple[str, list[tuple[str, str]]]:
        what = "C^H C" if self.side == "columns" else "C C^H"
        within = f" within {self.tol:.2g}" if self.tol is not None else ""
        if self.is_orthogonal:
            head = f"orthogonal {self.side}, {self.kind}: {what} = I{within}"
        else:
            head = f"not orthogonal, {self.kind}: an entry of {what} - I is {self.largest:.4g}"
        spectral = f"{self.upper:.6g}" if self.spectral is not None else f"{self.lower:.6g} to {self.upper:.6g}"
        facts = [
            ("operator", f"{self.op.in_shape} -> {self.op.out_shape}"),
            ("spectral", spectral),
            ("Frobenius", f"{self.frobenius:.6g}, {self.relative:.4g} a row"),
            ("best scale", f"{self.scale:.6g}, which leaves {self.scaled_frobenius:.6g}"),
        ]
        return head, facts

    def __str__(self) -> str:
        return as_text(*self._lines())

    def _repr_html_(self) -> str:
        return as_html(*self._lines())


def orthogonality_defect(op: TensorOperator, tol: float | None = None, *, rng: Any = None) -> OrthogonalityDefect:
    """How far an operator is from an isometry, whose `C^H C` (or `C C^H`, if that is smaller) is the identity.

    The Gram matrix of a layer is never made. It consists of few different blocks, one a lag and a few more at each
    border, and its sums of squares are those of these blocks times how often they occur: the time does not depend on
    the input size. Averages and resizes are taken axis by axis; other operators need their sparse Gram matrix.

    Parameters
    ----------
    op : TensorOperator
        Of numbers.
    tol : float, optional
        By how much the entries of the Gram matrix may be off for `is_orthogonal`, by default the rounding of the
        weights times the products that one entry of `op @ x` adds up, and at least 16. Exact weights need none.
    rng : optional
        For Lanczos, where not all singular values are known: what `numpy.random.default_rng` takes, by default 0.

    Returns
    -------
    OrthogonalityDefect

    Raises
    ------
    ConvMatrixError
        If `op` holds symbols, NaN or infinity, `tol` is negative, `rng` is nothing `default_rng` takes, or the Gram
        matrix or `scale` is beyond the range of floats.
    MatrixTooLargeError
        If `op` is a product or sum whose sparse Gram matrix does not fit.

    Notes
    -----
    Where singular values are too many, the spectral defect is enclosed: from below by the certain lower end of
    `spectral_norm`, the smallest singular value if Lanczos can look for it, and the mean square of a row; from above by
    the upper end of `spectral_norm`, and by the Frobenius defect.

    References
    ----------
    Wang, Chen, Chakraborty, Yu: Orthogonal convolutional neural networks, CVPR 2020, arXiv:1911.12207 (the defect by
    lags, as a loss in training). Xiao et al.: Dynamical isometry and a mean field theory of CNNs, arXiv:1806.05393
    (delta-orthogonal kernels).

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> haar = cm.conv([[[1, 1]], [[1, -1]]], 8, stride=2)
    >>> print(cm.orthogonality_defect(haar))
    not orthogonal, exact: an entry of C^H C - I is 1
      operator    (1, 8) -> (2, 4)
      spectral    1
      Frobenius   2.82843, 1 a row
      best scale  0.707107, which leaves ...
    >>> from sympy import sqrt
    >>> print(cm.orthogonality_defect(haar / sqrt(2)))
    orthogonal columns, exact: C^H C = I
      operator    (1, 8) -> (2, 4)
      spectral    0
      Frobenius   0, 0 a row
      best scale  1, which leaves 0
    """
    numbers = numerical(op)
    if tol is not None and (isinstance(tol, bool) or not isinstance(tol, Real) or not 0 <= tol < math.inf):
        raise ConvMatrixError(f"tol must be a number of at least 0, got {tol!r}")
    by_rows = op.shape[0] < op.shape[1]
    generator = arguments.generator(rng)
    decided = exactly_orthogonal(op, by_rows)
    defect = _Defect.of(numbers, by_rows, bool(decided))
    if decided is None and tol is None:
        tol = max(16, products(numbers.op)) * eps_of(op)
    lower, upper = (0.0, 0.0) if decided else _spectral(op, defect, generator)
    return OrthogonalityDefect(
        op,
        "rows" if by_rows else "columns",
        defect.largest <= float(tol or 0.0) if decided is None else decided,
        "numerical" if decided is None else "exact",
        None if decided is not None else float(tol or 0.0),
        lower,
        upper,
        defect.frobenius,
        defect.largest,
        defect.per_channel,
        defect.scale,
        defect.scaled_frobenius,
    )


class _Defect(NamedTuple):
    """What a Gram matrix says, whatever the size of its numbers."""

    size: int
    frobenius: float
    largest: float
    per_channel: np.ndarray | None
    scale: float = 1.0
    scaled_frobenius: float = 0.0

    @classmethod
    def of(cls, numbers: Numerical, by_rows: bool, is_perfect: bool) -> _Defect:
        """Without the rounding that the floats of exact weights bring in, if all is perfect.

        Raises
        ------
        ConvMatrixError
            If something is beyond the range of floats.
        """
        # The operator in numbers near 1, beside 2**(-2 exponent) times the identity: squares of squares, which these
        # are, stay in range. What is smaller still is 0 beside the identity.
        exponent = max(numbers.exponent, _LOWEST)
        smaller, unit = math.ldexp(1.0, numbers.exponent - exponent), math.ldexp(1.0, -2 * exponent)
        facts = gram_facts(numbers.op, by_rows, smaller, unit)
        if is_perfect:
            return cls(facts.size, 0.0, 0.0, _frozen(None if facts.channels is None else np.zeros_like(facts.channels)))
        with np.errstate(over="ignore"):
            sizes = np.ldexp([math.sqrt(facts.lost), facts.largest], 2 * exponent)
            channels = None if facts.channels is None else np.ldexp(np.sqrt(facts.channels), 2 * exponent)
        frobenius, largest = sizes.tolist()
        own = facts if smaller == 1 else gram_facts(numbers.op, by_rows)
        if not math.isfinite(frobenius):
            raise ConvMatrixError(
                f"op must have a Gram matrix within the range of floats, got numbers of about 2**{2 * numbers.exponent}"
            )
        if own.trace == 0:
            return cls(facts.size, frobenius, largest, _frozen(channels), 1.0, frobenius)
        root = math.sqrt(own.trace / own.squares)
        scaled = gram_facts(numbers.op, by_rows, root)
        scale = _times_power(root, -numbers.exponent)
        return cls(facts.size, frobenius, largest, _frozen(channels), scale, math.sqrt(scaled.lost))


def _times_power(value: float, power: int) -> float:
    try:
        return math.ldexp(value, power)
    except OverflowError:
        raise ConvMatrixError(
            f"op must have a best scale within the range of floats, got numbers of about 2**{-power}"
        ) from None


def _frozen(values: np.ndarray | None) -> np.ndarray | None:
    if values is not None:
        values.flags.writeable = False
    return values


def _spectral(op: TensorOperator, defect: _Defect, rng: Any) -> tuple[float, float]:
    """The largest `|s**2 - 1|`, between two numbers."""
    try:
        values = singular_values(op).values
    except MatrixTooLargeError:
        return _enclosed(op, defect, rng)
    most = float(max(abs(values[0] ** 2 - 1), abs(1 - values[-1] ** 2)))
    return most, most


def _enclosed(op: TensorOperator, defect: _Defect, rng: Any) -> tuple[float, float]:
    norm = spectral_norm(op, _WIDTH, rng=rng)
    lower = max(norm.lower**2 - 1, defect.frobenius / math.sqrt(defect.size))
    if op.nnz <= _FACTORED_ENTRIES:
        try:
            smallest = singular_values(op, 1, which="smallest", rng=rng).smallest
        except ConvMatrixError:
            smallest = 1.0
        lower = max(lower, 1 - smallest**2)
    upper = min(max(norm.upper**2 - 1, 1.0), defect.frobenius)
    return lower, max(lower, upper)
