"""`nearest_free`: the weight of one layer moved as little as possible, until no constant draws a checkerboard."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.arrivals import arrivals
from convmatrix.analysis.checkerboard.choosing import Place, place_of, replaced, weighted_layers
from convmatrix.analysis.checkerboard.coupling import components
from convmatrix.analysis.checkerboard.moving import Conditions
from convmatrix.analysis.checkerboard.spaces import solved
from convmatrix.analysis.comparison.entries import is_exact
from convmatrix.analysis.phases import check_layers, interior, response_of_bias
from convmatrix.analysis.rounding import eps_of
from convmatrix.errors import ConvMatrixError, SymbolicError
from convmatrix.operators import TensorOperator

__all__ = ["NearestFree", "nearest_free", "weighted_layers"]

_EPS = float(np.finfo(np.float64).eps)


class NearestFree(NamedTuple):
    """An operator free of checkerboards, and how far the weight of one of its layers had to move for that.

    Attributes
    ----------
    operator : TensorOperator
        The same expression with another weight, and where that was needed another bias, in one layer; the very same
        object where nothing had to change.
    squared_distance : int, Fraction, SymPy expression or float
        The sum of the squares of what was added to the weight; exact for exact weights. The bias is not counted.
    """

    operator: TensorOperator
    squared_distance: Any

    @property
    def distance(self) -> float:
        """The Frobenius norm of what was added to the weight."""
        if exact.is_sympy(self.squared_distance):
            return float(self.squared_distance**0.5)
        return math.sqrt(self.squared_distance)


def nearest_free(
    op: TensorOperator,
    factor: int | TensorOperator | None = None,
    tol: float | None = None,
    *,
    is_uneven: bool = False,
) -> NearestFree:
    """The expression free of checkerboards whose one layer has the nearest weight, in the Frobenius norm.

    That an expression answers every constant with a constant is a linear condition on the weight of each of its layers,
    the others being fixed, and what is found is the orthogonal projection onto the weights that meet it. Of one
    transposed layer that is, for every pair of channels and every tap `t` that reaches phase `f`, `N_f` of them with
    the sum `g_f`::

        w_t  becomes  w_t + (mean - g_f)/N_f,    mean = sum(g_f/N_f) / sum(1/N_f)

    and the mean is 0 where some phase is reached by no tap.

    Parameters
    ----------
    op : TensorOperator
        A layer, or a product of layers, with whatever else before and after the one that changes.
    factor : int or TensorOperator, optional
        The layer that may change: its number among the layers with a weight, 0 applied first, or the layer itself.
        Needed where there are several.
    tol : float, optional
        As in `checkerboard`: what is free within it is returned as it is.
    is_uneven : bool, default False
        The gains are known not to be even, and need not be computed again for that.

    Returns
    -------
    NearestFree
        Exact weights, symbols among them, stay exact (integers become fractions where they must); floats keep their
        type, exact weights between layers of floats become floats. A bias moves, in the layer that may change alone and
        as little as possible, where the weight cannot make the bias of the whole even: behind a pixel shuffle.

    Raises
    ------
    ConvMatrixError
        If `factor` names no layer of a product or is needed; if the bias cannot be made even by that layer; if the
        conditions are too many for a dense matrix.
    SymbolicError
        If other layers than the one that changes hold symbols.

    Examples
    --------
    >>> import convmatrix as cm
    >>> fixed = nearest_free(cm.conv_transpose("1 1 1", 8, stride=2))
    >>> print(*fixed.operator.weight.reshape(-1), fixed.squared_distance)
    2/3 4/3 2/3 1/3
    """
    from convmatrix.analysis.checkerboard.verdict import checkerboard

    check_layers(op)
    place = place_of(op, factor)
    if not is_uneven and checkerboard(op, tol).is_free:
        return NearestFree(op, 0 if _is_exact(place.layer.weight) else 0.0)
    for cutoff, is_cleaned, times in _attempts(op):
        fixed, moved = _moved(op, place, cutoff, is_cleaned, times)
        report = checkerboard(fixed, tol)
        gains_even, bias_even = report.gains_are_even, report.bias_is_even
        # Twice, as what the first step leaves is rounding of the old bias, which may be large beside the new one.
        for _ in range(2):
            if gains_even and not bias_even:
                fixed = _with_even_bias(fixed, place, cutoff, is_cleaned)
                bias_even = checkerboard(fixed, tol).bias_is_even
        if gains_even and bias_even:
            return NearestFree(fixed, _squares(moved))
    if gains_even:
        raise ConvMatrixError(
            "op must have a bias that the chosen layer can make even, got one that its own bias "
            f"{'cannot mend' if place.layer.bias is not None else 'would have to mend, and it has none'}"
        )
    raise ConvMatrixError(
        f"op must have a weight near by that is free within tol, got a ripple of {report.amplitude} after rounding: "
        f"pass a tol of more than {report.tol}"
    )


def _moved(
    op: TensorOperator, place: Place, cutoff: float, is_cleaned: bool, times: int
) -> tuple[TensorOperator, np.ndarray]:
    """The expression with the weight projected so many times, and what was added to it."""
    given = place.weight
    conditions = _conditions(op, place, cutoff)
    if conditions.is_exact:
        weight = exact.as_array(_simplified(given.astype(object) - conditions.part(given.astype(object))))
        return replaced(op, place.path, place.with_weight(weight)), weight.astype(object) - given.astype(object)
    dtype = given.dtype if given.dtype.kind in "fc" else np.dtype(np.float64)
    start = exact.as_numbers(given, np.result_type(dtype, np.float64))
    # A power of two is taken out of the weight, so that no square or sum leaves the range of floats.
    scale = 2.0 ** max(-1000, min(1000, math.frexp(float(np.abs(start).max()))[1] - 1))
    weight = start / scale
    for _ in range(times):
        weight = weight - conditions.part(weight, scale)
    if is_cleaned:
        weight[np.abs(weight) <= weight.size * _EPS] = 0
    with np.errstate(over="ignore", under="ignore"):
        weight = (weight * scale).astype(dtype)
    return replaced(op, place.path, place.with_weight(weight)), weight - start


def _conditions(op: TensorOperator, place: Place, cutoff: float) -> Conditions:
    """What the weight of the layer has to meet."""
    number = np.int64 if is_exact(op) or exact.is_symbolic(place.layer.weight) else np.float64
    arriving = arrivals(place, cutoff > _EPS, number)
    channels = place.layer.out_shape[0]
    most = math.prod(interior(op).period)
    found = components(place.after, arriving.out_periods, channels, most, number)
    others = [arriving.signals, *(one.rows for one in found if one.members is None)]
    symbolic = exact.is_symbolic(place.layer.weight)
    if any(map(exact.is_symbolic, others)) or (arriving.bias is not None and exact.is_symbolic(arriving.bias)):
        raise SymbolicError("op must have symbols in the layer that changes alone, got some in the layers around it")
    if symbolic and not all(map(_is_exact, others)):
        raise SymbolicError("op must have exact layers around one with symbols, got floats: give them as fractions")
    return Conditions(place.layer, arriving, found, _after_weight(place), cutoff)


def _after_weight(place: Place) -> np.ndarray | None:
    """What the bias of the layer and those after it add to each phase of the whole, `(*period, c_out)`."""
    own = None if place.layer.bias is None else response_of_bias(place.layer)
    if place.after is None:
        return None if own is None else own[..., 0]
    bare = place.with_weight(np.zeros_like(place.weight))
    found = response_of_bias(place.after @ bare)
    return None if found is None else found[..., 0]


def _with_even_bias(op: TensorOperator, place: Place, cutoff: float, is_cleaned: bool) -> TensorOperator:
    """The expression with the bias of the layer moved as little as makes the bias of the whole even, if it can."""
    current = Place(_layer_at(op, place.path), place.before, place.after, place.path)
    bias, answer = current.layer.bias, response_of_bias(op)
    if bias is None or answer is None:
        return op
    parts = _conditions(op, place, cutoff).parts
    conditions = [(one.outputs, one.rows.sum(axis=1), one.differences(answer[..., 0])) for one in parts]
    exactly = all(_is_exact(values) for _, slopes, ripple in conditions for values in (bias, slopes, ripple))
    kind = np.dtype(bias.dtype if bias.dtype.kind in "fc" else np.float64)
    moved = bias.reshape(-1).astype(object) if exactly else _as_double(bias.reshape(-1)).copy()
    largest = 0.0 if exactly else float(np.abs(_as_double(place.layer.bias)).max())
    for outputs, slopes, ripple in conditions:
        ripple = ripple.reshape(-1, 1)
        if exactly:
            slopes, ripple = slopes.astype(object), ripple.astype(object)
        else:
            slopes, ripple = _as_double(slopes), _as_double(ripple)
            if kind.kind == "f" and "c" in (slopes.dtype.kind, ripple.dtype.kind):
                slopes, ripple = (np.concatenate([part.real, part.imag]) for part in (slopes, ripple))
        moved[outputs] -= solved(slopes, ripple, cutoff)[:, 0]
    if is_cleaned and not exactly:
        moved[np.abs(moved) <= 64 * moved.size * _EPS * largest] = 0
    moved = exact.as_array(_simplified(moved)) if exactly else moved.astype(kind)
    return replaced(op, place.path, current.with_bias(moved))


def _layer_at(op: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        op = getattr(op, name)
    return op


def _attempts(op: TensorOperator) -> Iterator[tuple[float, bool, int]]:
    """From which relative size on a condition of floats is one, whether entries that are rounding become 0, how often.

    First by the precision of the weights, so that as few conditions as the prover asks for are met; zeros where the
    nearest weight is 0, beside which all rounding is large; twice where what is left is small beside what was taken.
    """
    eps = 8 * eps_of(op)
    yield eps, False, 1
    for cutoff in (eps, _EPS):
        yield cutoff, False, 2
        yield cutoff, True, 2


def _simplified(values: np.ndarray) -> np.ndarray:
    if not exact.is_symbolic(values):
        return values
    import sympy

    result = np.empty(values.shape, dtype=object)
    result.reshape(-1)[:] = [sympy.expand(exact.to_sympy(value)) for value in values.flat]
    return result


def _squares(moved: np.ndarray) -> Any:
    """The sum of the squared magnitudes; exact ones exactly."""
    if moved.dtype != object:
        with np.errstate(over="ignore", under="ignore"):
            return float((np.abs(moved) ** 2).sum())
    if exact.is_symbolic(moved):
        import sympy

        return sympy.Add(*(sympy.expand(sympy.Abs(sympy.expand(value)) ** 2) for value in moved.flat))
    total = sum((Fraction(value) ** 2 for value in moved.flat), Fraction(0))
    return total.numerator if total.denominator == 1 else total


def _as_double(values: np.ndarray) -> np.ndarray:
    return exact.as_numbers(values, np.complex128 if values.dtype.kind == "c" else np.float64)


def _is_exact(values: np.ndarray) -> bool:
    return values.dtype.kind in "iO"
