"""`checkerboard`: the gains of all phases side by side, and what they say."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard import evenness
from convmatrix.analysis.checkerboard.answer import CheckerboardReport
from convmatrix.analysis.checkerboard.conditions import conditions_of
from convmatrix.analysis.checkerboard.given_bias import Bias, bias_of_report
from convmatrix.analysis.checkerboard.rounding import check_range, default_tol, largest_of, largest_of_bias
from convmatrix.analysis.comparison import as_float
from convmatrix.analysis.comparison.entries import is_exact
from convmatrix.analysis.overlap import overlap
from convmatrix.analysis.phases import check_layers, interior, respond
from convmatrix.analysis.rounding import check_finite, eps_of, terms
from convmatrix.analysis.separability.arguments import check_for_symbols, check_tol
from convmatrix.errors import ConvMatrixError
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator


def checkerboard(op: TensorOperator, tol: float | None = None, bias: Any = None) -> CheckerboardReport:
    """Whether an operator turns every constant into a constant, and if not, what it draws instead.

    Far from the borders the answer to a constant 1 in input channel `i` repeats; phase `f` of output channel `o` is the
    gain::

        g_f[o, i] = sum of w[o, i, t] over the taps t with d t = f (mod s)

    of a transposed layer of stride `s` and dilation `d`, and what the layers of a stack make of that one after another.
    There are no checkerboards if and only if, for every pair of channels, all gains are equal: the number of taps that
    overlap has no say in it, though uneven counts call for special weights and phases that are never reached for gains
    of 0. Asked of the operator as it is, so of a strided layer's gradient by `checkerboard(C.T)`, of sub-pixel
    convolution by `checkerboard(pixel_shuffle(...) @ C)`, of a stack by the product of its layers.

    Parameters
    ----------
    op : TensorOperator
        Convolutions, transposed ones, averages, resizes, shuffles, their products, sums and multiples.
    tol : float, optional
        The absolute difference of two gains that counts as none. By default exact weights are compared by `==`, floats
        within `taps * eps * largest`: the most products one output adds up (those of a stack's layers added), the
        precision of the weights' own type, and the largest sum of magnitudes of one output.
    bias : array-like, optional
        Instead of the layers' own biases: one value an output channel, or what broadcasts to `op.out_shape`, which is
        uneven where it varies inside the interior. A bias must be even as well.

    Returns
    -------
    CheckerboardReport

    Raises
    ------
    ConvMatrixError
        If `op` is no operator, mixes channels with space otherwise than by a shuffle, or has NaN or infinite weights;
        if gains leave the range of a float64; if `tol` is negative or no number; if `bias` has another shape.
    SymbolicError
        If a `tol` comes with symbols.

    References
    ----------
    Odena, Dumoulin, Olah: Deconvolution and checkerboard artifacts, Distill (2016).
    Sugawara, Shiota, Kiya: Super-resolution using convolutional neural networks without any checkerboard artifacts,
    arXiv:1806.02658.

    Examples
    --------
    A kernel of 3 with stride 2 is uneven, but `[1, 2, 1]` makes up for it; one of 4 is even, and need not be free:

    >>> import convmatrix as cm
    >>> report = cm.checkerboard(cm.conv_transpose("1 1 1", 8, stride=2))
    >>> report.is_free, report.dc_gain.reshape(-1).tolist(), report.amplitude, report.causes
    (False, [2, 1], 1, ('counts', 'border'))
    >>> cm.checkerboard(cm.conv_transpose("1 2 1", 8, stride=2)).compensated
    True
    >>> cm.checkerboard(cm.conv_transpose("1 2 3 5", 8, stride=2)).cause
    'weights'

    With symbols the answer is the condition:

    >>> cm.checkerboard(cm.conv_transpose("a b c d", 8, stride=2)).conditions
    (a - b + c - d,)
    """
    check_layers(op)
    allowed = check_tol(tol)
    check_finite(op)
    place, axes = interior(op), len(op.out_shape) - 1
    gains, rounding = _gains(op, allowed)
    own_tol = rounding if allowed is None else allowed
    own_bias = bias_of_report(op, place, bias)
    bias_tol, exact_bias = _judged_bias(op, own_bias, bias is not None, allowed)
    if own_bias is not None:
        check_for_symbols(own_bias.phases, tol, 0, "")
    gains = evenness.shifted(gains, place.offset)
    period = evenness.least_period(gains, axes, own_tol)
    bias_gain = None if own_bias is None else own_bias.phases
    bias_period = (1,) * axes if bias_gain is None else evenness.least_period(bias_gain, axes, bias_tol)
    joint = tuple(map(math.lcm, period, bias_period))
    check_size(f"the gains of {math.prod(joint)} phases", 8 * math.prod(joint) * op.out_shape[0] * op.in_shape[0])
    even, even_bias = math.prod(period) == 1, math.prod(bias_period) == 1
    return CheckerboardReport(
        op=op,
        overlap=overlap(op),
        period=joint,
        offset=tuple(offset % size for offset, size in zip(place.offset, joint, strict=True)),
        dc_gain=_frozen(evenness.tiled(evenness.merged(gains, period, own_tol), joint)),
        phase_gain=_frozen(gains),
        bias_gain=None if bias_gain is None else _frozen(bias_gain),
        is_exact=gains.dtype.kind not in "fc" and not own_tol and exact_bias,
        tol=own_tol,
        bias_tol=bias_tol,
        gains_are_even=even,
        bias_is_even=even_bias,
        **_ripple(gains, axes, even, rounding),
        **_bias_ripple(bias_gain, axes),
        channels=_channels(gains, even, bias_gain, even_bias, axes),
        conditions=conditions_of(gains, bias_gain, axes=axes),
        _bias=own_bias,
        _asked_tol=allowed,
    )


def _gains(op: TensorOperator, allowed: float | None) -> tuple[np.ndarray, float]:
    """The gains by position, and what rounding may make of them: 0 for exact ones, which are no floats."""
    with np.errstate(over="ignore", invalid="ignore"):
        gains = respond(op)
    check_for_symbols(gains, allowed, 0, "")
    if exact.is_symbolic(gains) or is_exact(op):
        return gains, 0.0
    if gains.dtype.kind not in "fc":
        gains = np.array([as_float(value) for value in gains.flat]).reshape(gains.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        largest = largest_of(respond(op, magnitudes=True))
    check_range(op, 2 * largest)
    return gains, default_tol(op, largest)


def _judged_bias(op: TensorOperator, bias: Bias | None, given: bool, allowed: float | None) -> tuple[float, bool]:
    """The tolerance of the bias, and whether it is compared by `==`."""
    if bias is None or bias.phases.dtype.kind not in "fc":
        return allowed or 0.0, not allowed
    with np.errstate(over="ignore", invalid="ignore"):
        largest = largest_of(bias.phases) if given else largest_of_bias(op)
    if not math.isfinite(2 * largest) or not exact.is_finite(bias.phases):
        raise ConvMatrixError(f"bias must have sums that a float64 holds, got {largest}")
    return terms(op) * eps_of(op) * largest if allowed is None else allowed, False


def _ripple(gains: np.ndarray, axes: int, even: bool, rounding: float) -> dict[str, Any]:
    """The amplitude over all channel pairs, as it is and by the largest mean."""
    members = evenness.in_classes(gains, (1,) * axes)
    amplitude = evenness.largest(evenness.spread(members))
    if amplitude is None:
        return {"amplitude": None, "relative_amplitude": None}
    if amplitude == 0:
        return {"amplitude": amplitude, "relative_amplitude": 0}
    average = evenness.largest_mean(members)
    if average is None:
        return {"amplitude": amplitude, "relative_amplitude": None}
    if average <= rounding:
        return {"amplitude": amplitude, "relative_amplitude": 0.0 if even else math.inf}
    return {"amplitude": amplitude, "relative_amplitude": _quotient(amplitude, average)}


def _bias_ripple(bias: np.ndarray | None, axes: int) -> dict[str, Any]:
    if bias is None:
        return {"bias_amplitude": 0}
    return {"bias_amplitude": evenness.largest(evenness.spread(evenness.in_classes(bias, (1,) * axes)))}


def _quotient(amplitude: Any, average: Any) -> Any:
    if isinstance(amplitude, (int, Fraction)) and isinstance(average, (int, Fraction)):
        return Fraction(amplitude) / Fraction(average)
    if exact.is_sympy(amplitude) or exact.is_sympy(average):
        import sympy

        return sympy.radsimp(exact.to_sympy(amplitude) / exact.to_sympy(average))
    return amplitude / average


def _channels(
    gains: np.ndarray, even: bool, bias: np.ndarray | None, even_bias: bool, axes: int
) -> tuple[int, int | None] | None:
    """Where the largest ripple is; with symbols, the first that is not identically even."""
    if not even:
        place = _place_of_largest(evenness.spread(evenness.in_classes(gains, (1,) * axes)))
        return divmod(place, gains.shape[-1])
    if not even_bias and bias is not None:
        return _place_of_largest(evenness.spread(evenness.in_classes(bias, (1,) * axes))), None
    return None


def _place_of_largest(spreads: np.ndarray) -> int:
    if spreads.dtype != object:
        return int(spreads.argmax())
    listed = spreads.tolist()
    open_at = next((place for place, value in enumerate(listed) if value is None), None)
    return max(range(len(listed)), key=lambda place: evenness.in_order(listed[place])) if open_at is None else open_at


def _frozen(values: np.ndarray) -> np.ndarray:
    own = np.array(values)
    own.flags.writeable = False
    return own
