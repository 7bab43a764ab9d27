"""What `checkerboard` found, in words: for terminals, notebooks and JSON."""

from __future__ import annotations

import math
from decimal import Context
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.causes import reasons_of
from convmatrix.analysis.checkerboard.choosing import weighted_layers
from convmatrix.analysis.facts import plain
from convmatrix.analysis.flattening.display import clipped, number_text
from convmatrix.errors import SymbolicError
from convmatrix.operators import TensorOperator

if TYPE_CHECKING:
    from convmatrix.analysis.checkerboard.answer import CheckerboardReport

_SHOWN_GAINS, _SHOWN_CONDITIONS, _SHOWN_PARTS = 12, 6, 3
_DIGITS = 30
_CAUSES = {
    "holes": "phases that no tap reaches",
    "counts": "taps overlap unevenly",
    "weights": "gains are not in proportion to the overlap",
    "bias": "the bias is uneven",
}


def verdict(report: CheckerboardReport) -> str:
    """Free or not, and on what ground, in one line.

    >>> import convmatrix as cm
    >>> verdict(cm.checkerboard(cm.conv_transpose("1 2 1", 8, stride=2)))
    'free of checkerboards (proved): the weights make up for uneven overlap'
    """
    if report.conditions and not report.is_free:
        never = report.conditions == (1,)
        return "not free of checkerboards, whatever the symbols" if never else "free of checkerboards under conditions"
    ground = "proved" if report.is_exact else f"within {max(report.tol, report.bias_tol):.2g}"
    if not report.is_free:
        return f"not free of checkerboards ({ground}): {_reasons(report)}"
    if report.kills_constants:
        left = "0" if report.bias_gain is None else "the bias alone"
        why = ": some phases are reached by no tap" if report.overlap.holes else ""
        return f"free of checkerboards ({ground}), as every constant becomes {left}{why}"
    if report.compensated:
        return f"free of checkerboards ({ground}): the weights make up for uneven overlap"
    return f"free of checkerboards ({ground})"


def rows(report: CheckerboardReport) -> list[tuple[str, str]]:
    """What is known, name by name, as both displays show it."""
    shown = [("operator", f"{report.op.in_shape} -> {report.op.out_shape}"), ("overlap", _overlap(report))]
    shown.append(("period", "x".join(map(str, report.period))))
    if report.dc_gain.size <= _SHOWN_GAINS:
        shown.append(("gains", _phases(report)))
    if report.conditions and report.conditions != (1,):
        equations = [f"{clipped(str(condition))} = 0" for condition in report.conditions[:_SHOWN_CONDITIONS]]
        more = len(report.conditions) - len(equations)
        shown.append(("free if", ", ".join(equations) + (f" and {more} more" if more else "")))
    if not report.gains_are_even and report.amplitude is not None:
        shown.append(("ripple", _ripple(report)))
    if not report.bias_is_even and report.bias_amplitude is not None:
        shown.append(("ripple of the bias", number_text(report.bias_amplitude)))
    if report.frequency is not None:
        shown.append(("frequency", _frequencies(report)))
    shown.append(("border", _border(report)))
    return shown


def as_dict(report: CheckerboardReport) -> dict[str, Any]:
    """Plain JSON types; what is no integer and no finite real float as text."""
    frequencies = report.frequencies
    return {
        "in_shape": list(report.op.in_shape),
        "out_shape": list(report.op.out_shape),
        "is_free": report.is_free,
        "is_exact": report.is_exact,
        "tol": report.tol,
        "bias_tol": report.bias_tol,
        "causes": list(report.causes),
        "compensated": report.compensated,
        "kills_constants": report.kills_constants,
        "border_differs": report.border_differs,
        "period": list(report.period),
        "offset": list(report.offset),
        "dc_gain": plain(report.dc_gain),
        "phase_gain": plain(report.phase_gain),
        "bias_gain": plain(report.bias_gain),
        "amplitude": plain(report.amplitude),
        "relative_amplitude": plain(report.relative_amplitude),
        "bias_amplitude": plain(report.bias_amplitude),
        "channels": None if report.channels is None else list(report.channels),
        "frequency": None if report.frequency is None else [str(part) for part in report.frequency],
        "frequencies": None
        if frequencies is None
        else [{"frequency": [str(part) for part in parts], "magnitude": plain(size)} for parts, size in frequencies],
        "conditions": None if report.conditions is None else [str(condition) for condition in report.conditions],
    }


def square_root(value: Any) -> float:
    """The root of an exact or inexact number, whose square may be beyond the range of floats.

    >>> square_root(Fraction(9, 4)), square_root(10**400)
    (1.5, 1e+200)
    """
    if isinstance(value, (int, Fraction)):
        context = Context(prec=_DIGITS, Emax=10**15, Emin=-(10**15))
        parts = (context.create_decimal(part) for part in (value.numerator, value.denominator))
        return float(context.sqrt(context.divide(*parts)))
    if exact.is_sympy(value):
        if value.free_symbols:
            raise SymbolicError(f"distance must be one of numbers, got {clipped(str(value))} for its square")
        return float(value**0.5)
    return math.sqrt(value)


def length_of_change(before: TensorOperator, after: TensorOperator) -> float:
    """The Frobenius norm of what two expressions of the same layers differ by, of any scale."""
    pairs = zip(weighted_layers(before), weighted_layers(after), strict=True)
    moved = [(new.weight - old.weight).reshape(-1) for old, new in pairs if new is not old]
    gaps = np.abs(np.concatenate([np.zeros(1), *moved])).astype(np.float64)
    largest = float(gaps.max())
    return largest * float(np.linalg.norm(gaps / largest)) if largest else 0.0


def _reasons(report: CheckerboardReport) -> str:
    found = reasons_of(report)
    if found[:1] == ("weights",) and report.overlap.is_uniform:
        return ", ".join(["gains differ though the overlap is even", *(_CAUSES[cause] for cause in found[1:])])
    return ", ".join(_CAUSES[cause] for cause in found)


def _overlap(report: CheckerboardReport) -> str:
    counts = report.overlap.phase_counts
    if report.overlap.is_uniform:
        return f"even, {counts.flat[0]} at every output"
    holes = len(report.overlap.holes)
    if holes:
        return f"uneven, up to {counts.max()}, and 0 in {holes} of {counts.size} phases"
    return f"uneven, {counts.min()} to {counts.max()}"


def _phases(report: CheckerboardReport) -> str:
    """All gains of a small operator, channel pair by channel pair."""
    outputs, inputs = report.dc_gain.shape[-2:]
    texts = []
    for output, of in np.ndindex(outputs, inputs):
        values = ", ".join(clipped(number_text(value)) for value in report.dc_gain[..., output, of].reshape(-1))
        texts.append(values if outputs == inputs == 1 else f"{of} -> {output}: {values}")
    return "; ".join(texts)


def _ripple(report: CheckerboardReport) -> str:
    text = number_text(report.amplitude)
    if report.channels is not None and report.dc_gain.shape[-2:] != (1, 1):
        text += f", of channel {report.channels[1]} in channel {report.channels[0]}"
    if report.relative_amplitude is None:
        return text
    if report.relative_amplitude == math.inf:
        return f"{text}, around a mean gain of 0"
    return f"{text}, {number_text(report.relative_amplitude)} of the largest mean gain"


def _frequencies(report: CheckerboardReport) -> str:
    assert report.frequency is not None
    text = f"{_cycles(report.frequency)} cycles an output"
    others = [parts for parts, _ in report.frequencies or () if parts != report.frequency]
    if others:
        more = ", ".join(map(_cycles, others[:_SHOWN_PARTS])) + (", ..." if len(others) > _SHOWN_PARTS else "")
        text += f"; also {more}"
    return text


def _cycles(frequency: tuple[Fraction, ...]) -> str:
    return str(frequency[0]) if len(frequency) == 1 else f"({', '.join(map(str, frequency))})"


def _border(report: CheckerboardReport) -> str:
    if report.overlap.interior is None:
        return "everywhere: it reaches all outputs, and the phases are those of a larger input"
    if not any(map(any, report.overlap.border)):
        return "none"
    sides = [f"{before} before and {after} after" for before, after in report.overlap.border]
    text = f"{sides[0]} along each axis" if len(sides) > 1 == len(set(sides)) else ", ".join(sides)
    if report.border_differs is None:
        return f"{text}; what becomes of a constant there was not tried, as the layers are too large"
    return (
        f"{text}; a constant comes out {'differently there' if report.border_differs else 'there as in the interior'}"
    )
