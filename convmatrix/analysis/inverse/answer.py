"""What `deconvolve` answers."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convmatrix.analysis.facts import as_html, as_text, plain
from convmatrix.analysis.inverse.reading import Asked, Batch, in_floats
from convmatrix.analysis.inverse.solving import Solved, solved, tolerance_of
from convmatrix.analysis.spectrum.numbers import numerical
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.operators import TensorOperator

_AS_LONG = 0.02
"""By how much a residual and the noise may differ in length."""
_NAMES = {"transpose": "the transpose", "least_squares": "least squares", "tikhonov": "Tikhonov"}


@dataclass(frozen=True, eq=False)
class Deconvolution:
    """An input for a given output; NumPy takes it as the array `x`.

    Attributes
    ----------
    op : TensorOperator
        The operator.
    x : ndarray of shape `(*batch, *in_shape)`
        Float64 or complex128; plain pictures where `y` was one.
    method : str
        "transpose", "least_squares" or "tikhonov".
    solver : str
        "frequency blocks", "Kronecker product", "permutation", "dense", "LSQR", or "none" for the transpose.
    residual, relative_residual : float, or ndarray of the batch's shape
        `|op(x) + bias - y|`, and by `|y - bias|`; 0 where both are 0.
    iterations : int
        Of LSQR, 0 for a direct solution.
    converged : bool
        Whether LSQR met its tolerance, for all of the batch, and `alpha` its rule.
    alpha : float or None
        What Tikhonov's solution was regularised with.
    rule : str or None
        How `alpha` came about: "given", "cross-validation" or "discrepancy".
    rule_met : bool or None
        Of "discrepancy": whether `residual` is as long as the noise, within 2 %, or longer with `alpha` 0. Of
        "cross-validation": whether `alpha` makes it least, within 5 %, with the trace as estimated, of all down to a
        hundredth of it. None where nothing was chosen.
    condition : float or None
        Largest by smallest singular value of `op`, infinite if that is 0 to rounding; None where it is not known.
    """

    op: TensorOperator
    x: np.ndarray = field(repr=False)
    method: str
    solver: str
    residual: Any
    relative_residual: Any
    iterations: int
    converged: bool
    alpha: float | None
    rule: str | None
    rule_met: bool | None
    condition: float | None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.x, dtype=dtype) if copy or dtype is not None else self.x

    def to_dict(self) -> dict[str, Any]:
        """Everything but `x` as plain JSON types."""
        return {
            "method": self.method,
            "solver": self.solver,
            "shape": list(self.x.shape),
            "residual": plain(self.residual),
            "relative_residual": plain(self.relative_residual),
            "iterations": self.iterations,
            "converged": self.converged,
            "alpha": plain(self.alpha),
            "rule": self.rule,
            "rule_met": self.rule_met,
            "condition": plain(self.condition),
        }

    def _lines(self) -> tuple[str, list[tuple[str, str]]]:
        how = "" if self.solver == "none" else f", by {self.solver}"
        head = f"{_NAMES[self.method]}{how}: {_share(self.relative_residual)}"
        if not self.converged:
            head += f", NOT CONVERGED after {self.iterations} steps"
        facts = [("operator", f"{self.op.in_shape} -> {self.op.out_shape}"), ("x", str(self.x.shape))]
        if self.alpha is not None:
            missed = ": RULE NOT MET" if self.rule_met is False else ""
            facts.append(("alpha", f"{self.alpha:.6g}, {self.rule}{missed}"))
        if self.condition is not None:
            facts.append(("condition", f"{self.condition:.6g}"))
        if self.iterations:
            facts.append(("steps", str(self.iterations)))
        return head, facts

    def __str__(self) -> str:
        return as_text(*self._lines())

    def _repr_html_(self) -> str:
        return as_html(*self._lines())


def deconvolve(
    op: TensorOperator,
    y: Any,
    method: str = "least_squares",
    *,
    alpha: float | None = None,
    noise: float | None = None,
    solver: str = "auto",
    tol: float | None = None,
    max_iterations: int | None = None,
    x0: Any = None,
    rng: Any = None,
) -> Deconvolution:
    """An input `x` for which `op(x)` is `y`, or as near to it as can be: what a transposed convolution is not.

    =================  ====================================================  ===============================
    method             `x`                                                   solves
    =================  ====================================================  ===============================
    "transpose"        `C^H y`, the transposed convolution, for comparison   nothing: the shape comes back
    "least_squares"    `C^+ y`, the pseudo-inverse applied                   min `|C x - y|`, the shortest x
    "tikhonov"         `(C^H C + alpha I)^-1 C^H y`                          min `|C x - y|^2 + alpha |x|^2`
    =================  ====================================================  ===============================

    A bias of `op` is subtracted from `y` first. All singular values and vectors are known, and the solution is exact
    to rounding, for circular layers with `n/stride` outputs an axis (frequency by frequency), for Kronecker products
    (1x1 layers, separable kernels, averages, resizes), permutations, all of these transposed, and matrices small enough
    to be taken apart. Any other operator is only applied, by LSQR (Paige and Saunders).

    Parameters
    ----------
    op : TensorOperator
        Of numbers; exact ones are taken as floats.
    y : array-like of shape `(*batch, *out_shape)`
        Real or complex; or plain pictures where `op` takes them.
    method : {"least_squares", "tikhonov", "transpose"}, default "least_squares"
        What to solve.
    alpha : float, optional
        Of Tikhonov's method. By default one for the whole batch that makes the generalised cross-validation
        `|C x - y|^2 / trace(I - C (C^H C + alpha I)^-1 C^H)^2` least. The trace is known from all singular values, if
        need be of the matrix; where that is too large it is estimated from random signs, in 2**14 / outputs vectors,
        and at least one.
    noise : float, optional
        Standard deviation of the noise in each number of `y`: `alpha` is then such that `|C x - y|` is the noise's
        length (the discrepancy principle), and 0 where even the least residual is longer, as far as the solver sees.
    solver : {"auto", "direct", "lsqr"}, default "auto"
        "lsqr" iterates in any case, "direct" in none, whatever a matrix takes. "auto" alone for the transpose.
    tol : float, optional
        Of a direct solution: singular values of at most this part of the largest count as 0, by default
        `max(op.shape)` roundings of doubles, or 8 of coarser weights. Of LSQR: it stops where the slope is at most
        `tol * |C| |C x - y|`, or `|C x - y|` at most `tol * |y|`, by default 1e-12, and at least the rounding of a
        product with `C`. Not for the transpose.
    max_iterations : int, optional
        Steps of LSQR, by default `4 * min(op.shape)` and at most 5000. `converged` says whether they sufficed. The
        choice of `alpha` takes up to the default, too. Not for the transpose.
    x0 : array-like of shape `(*batch, *in_shape)` or `in_shape`, optional
        Where to start: of several least squares solutions the one nearest to `x0` is found, and Tikhonov's method
        keeps `x` near it, by `alpha |x - x0|^2`. By default 0.
    rng : optional
        For the random signs: what `numpy.random.default_rng` takes, by default 0, so that answers repeat.

    Returns
    -------
    Deconvolution
        `numpy.asarray` of it is `x`.

    Raises
    ------
    ConvMatrixError
        If `op` or `y` holds symbols, NaN or infinity, a shape does not fit, an argument breaks its rule or is not one
        of the method's, `noise` is at least the root mean square of `y`, `rng` is nothing that `default_rng` takes,
        "direct" would take too long, or `x` is beyond the range of floats.

    References
    ----------
    Paige, Saunders: LSQR, ACM TOMS 8, 1982. Golub, Heath, Wahba: Generalized cross-validation as a method for choosing
    a good ridge parameter, Technometrics 21, 1979; for large problems Golub, von Matt, J. Comput. Graph. Stat. 6, 1997.
    Morozov: On the solution of functional equations by the method of regularization, 1966 (discrepancy).

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> blur = cm.conv([1, 3, 1], 6, padding=1, padding_mode="circular")
    >>> x = np.array([0, 0, 5, 5, 1, 0])
    >>> blur.T(blur(x)).tolist()
    [6, 35, 86, 91, 46, 11]
    >>> found = cm.deconvolve(blur, blur(x))
    >>> (np.asarray(found).round(9) + 0.0).tolist()
    [0.0, 0.0, 5.0, 5.0, 1.0, 0.0]
    >>> print(cm.deconvolve(blur, blur(x), "tikhonov", alpha=1.0))
    Tikhonov, by frequency blocks: residual 0.0572 of y
      operator   (1, 6) -> (1, 6)
      x          (6,)
      alpha      1, given
      condition  5
    """
    numbers = numerical(op)
    asked = Asked.read(method, solver, alpha, noise, tol, max_iterations)
    generator = arguments.generator(rng)
    rows = in_floats(y, "y")
    batch = Batch.of(rows, "y", op.out_shape, op)
    rows = rows.reshape(batch.count, *op.out_shape)
    if op.bias is not None:
        rows = rows - in_floats(op.bias, "bias")
    start = _start(x0, op, batch, asked)
    problem = _Scaled(numbers.op, numbers.exponent, rows)
    return problem.answer(op, batch, asked, start, generator)


class _Scaled:
    """The problem in numbers near 1: `op` and `rows` without their powers of two."""

    def __init__(self, op: TensorOperator, exponent: int, rows: np.ndarray) -> None:
        self.op, self.exponent = op, exponent
        largest = max(float(np.abs(part).max(initial=0)) for part in (rows.real, rows.imag))
        self.own = int(np.frexp(largest)[1])
        self.rows = _shifted(rows, -self.own)

    def answer(
        self, op: TensorOperator, batch: Batch, asked: Asked, start: np.ndarray | None, rng: np.random.Generator
    ) -> Deconvolution:
        """Solved, and brought back."""
        back = self.own - self.exponent if asked.method != "transpose" else self.own + self.exponent
        rows = self.rows
        if start is not None:
            start = _shifted(start, -back)
            rows = rows - self.op(start)
        scaled = self._scaled(asked)
        self._check_noise(asked, scaled, rows)
        found = solved(self.op, rows, scaled, tolerance_of(op), rng)
        x = found.x if start is None else found.x + start
        # Of the transpose x is 2**(2 exponent) times what would solve in these numbers.
        image = self.op(x if asked.method != "transpose" else _shifted(x, 2 * self.exponent))
        left, given = _lengths(image - self.rows), _lengths(self.rows)
        relative = left / np.where(given > 0, given, 1.0)
        x = batch.folded(_shifted(x, back, "x"))
        x.flags.writeable = False
        rule, rule_met = _rule(scaled, found, left, rows.size)
        return Deconvolution(
            op,
            x,
            asked.method,
            found.solver,
            _as_given(_shifted(left, self.own), batch),
            _as_given(relative, batch),
            found.iterations,
            found.converged and rule_met is not False,
            asked.alpha if found.alpha is None or asked.alpha is not None else self._brought_back(found.alpha),
            rule,
            rule_met,
            found.condition,
        )

    def _scaled(self, asked: Asked) -> Asked:
        alpha = None if asked.alpha is None else _near(asked.alpha, -2 * self.exponent)
        noise = None if asked.noise is None else _near(asked.noise, -self.own)
        return Asked(asked.method, asked.solver, alpha, noise, asked.tol, asked.most)

    def _brought_back(self, alpha: float) -> float:
        return _near(alpha, 2 * self.exponent)

    def _check_noise(self, asked: Asked, scaled: Asked, rows: np.ndarray) -> None:
        """Noise that explains all of `y` leaves nothing to find."""
        mean = float(np.sqrt(np.mean(np.abs(rows) ** 2))) if rows.size else math.inf
        if scaled.noise is not None and scaled.noise >= mean * (1 - 1e-9):
            raise ConvMatrixError(
                f"noise must be below the root mean square of y, {_near(mean, self.own):.6g}, got {asked.noise!r}"
            )


def _rule(asked: Asked, found: Solved, left: np.ndarray, entries: int) -> tuple[str | None, bool | None]:
    """How `alpha` came about, and whether the residuals `left` are what they are to be by that."""
    if found.alpha is None:
        return None, None
    if asked.alpha is not None:
        return "given", None
    if asked.noise is None:
        return "cross-validation", found.is_settled
    length, target = float(np.linalg.norm(left)), asked.noise * math.sqrt(entries)
    is_least = found.alpha == 0 and found.is_settled and length >= target
    return "discrepancy", is_least or abs(length - target) <= _AS_LONG * target


def _start(x0: Any, op: TensorOperator, batch: Batch, asked: Asked) -> np.ndarray | None:
    if x0 is None:
        return None
    if asked.method == "transpose":
        raise ConvMatrixError("x0 must be None for method 'transpose', which starts from nowhere, got an array")
    start = in_floats(x0, "x0")
    own = Batch.of(start, "x0", op.in_shape, op)
    if own.shape not in ((), batch.shape):
        raise ConvMatrixError(f"x0 must have the batch axes of y, {batch.shape}, or none, got {own.shape}")
    start = start.reshape(own.count, *op.in_shape)
    return np.broadcast_to(start, (batch.count, *op.in_shape))


def _shifted(values: np.ndarray, power: int, name: str = "") -> np.ndarray:
    """`2**power` times the values; what is named must be within the range of floats."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        real = np.ldexp(values.real, power)
        found = real + 1j * np.ldexp(values.imag, power) if values.dtype.kind == "c" else real
    if name and not np.isfinite(found).all():
        raise ConvMatrixError(f"{name} must be within the range of floats, got numbers of 2**{power}")
    return np.asarray(found)


def _near(value: float, power: int) -> float:
    """`2**power` times a number, or the largest float."""
    with np.errstate(over="ignore", under="ignore"):
        return min(float(np.ldexp(value, power)), sys.float_info.max)


def _lengths(tensors: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(tensors.reshape(len(tensors), math.prod(tensors.shape[1:])), axis=1))


def _as_given(values: np.ndarray, batch: Batch) -> Any:
    if not batch.shape:
        return float(values[0])
    found = values.reshape(batch.shape)
    found.flags.writeable = False
    return found


def _share(values: Any) -> str:
    """One relative residual, or the least and the largest."""
    if not np.size(values):
        return "an empty batch"
    low, high = np.min(values), np.max(values)
    return f"residual {low:.3g} of y" if low == high else f"residual {low:.3g} to {high:.3g} of y"
