"""How a flattening is shown: as text, in notebooks, as JSON."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.facts import plain

if TYPE_CHECKING:
    from convmatrix.analysis.flattening.answer import Flattening

_SHOWN_ENTRIES, _SHOWN_CONDITIONS, _SHOWN_LETTERS = 12, 6, 80
_DIGITS = 6


def headline(found: Flattening) -> str:
    """The verdict in one line.

    >>> import convmatrix as cm
    >>> headline(cm.flatten("1 2; 3 4 | 2 4; 6 8"))
    'not of rank 1 (proved): no outer product of 3 vectors'
    """
    product = f"an outer product of {found.filter.ndim} vectors"
    if found.rank_kind == "numerical":
        within = f"(relative tolerance {found.tol:.2g})"
        return f"of rank 1 {within}: {product}" if found.is_rank_one else f"not of rank 1 {within}: no{product[2:]}"
    if found.is_rank_one:
        zero = ", the zero filter" if not max(found.multilinear_rank) else ""
        return f"of rank {max(found.multilinear_rank)} (proved): {product}{zero}"
    if found.conditions and found.conditions != (1,):
        return f"of rank 1 under conditions (proved): {product} where they hold"
    return f"not of rank 1 (proved): no{product[2:]}"


def rows(found: Flattening) -> list[tuple[str, str]]:
    """What is known, name by name, as both displays show it."""
    ranks = ", ".join(map(str, found.multilinear_rank))
    shown = [
        ("filter", f"{'x'.join(map(str, found.filter.shape))}, {_kind(found.filter)}"),
        ("multilinear rank", f"({ranks}), {found.rank_kind}"),
    ]
    if found.certificate is not None:
        shown.append(("certificate", clipped(str(found.certificate))))
    if found.conditions:
        shown.append(("rank 1 if", conditions(found)))
    for number, solution in enumerate(found.solutions or ()):
        if solution and number < _SHOWN_CONDITIONS:
            shown.append(("solution", clipped(", ".join(f"{symbol} = {value}" for symbol, value in solution.items()))))
    if found.factors is not None:
        names = "factor" if found.is_rank_one else "nearest factor"
        shown.append(("scale" if found.is_rank_one else "nearest scale", number_text(found.scale)))
        shown += [(f"{names} {axis}", vector_text(factor)) for axis, factor in enumerate(found.factors)]
    return shown + _error_rows(found)


def _error_rows(found: Flattening) -> list[tuple[str, str]]:
    if found.factors is None or (found.is_rank_one and found.rank_kind != "numerical"):
        return []
    best = ", so none is nearer" if found.is_best else ""
    return [("error", number_text(found.error)), ("no error below", number_text(found.error_bound) + best)]


def to_dict(found: Flattening) -> dict[str, Any]:
    """Plain JSON types."""
    return {
        "filter": plain(found.filter),
        "multilinear_rank": list(found.multilinear_rank),
        "is_rank_one": found.is_rank_one,
        "rank_kind": found.rank_kind,
        "tol": found.tol,
        "scale": plain(found.scale),
        "factors": plain(found.factors),
        "error": plain(found.error),
        "error_bound": plain(found.error_bound),
        "bound_form": found.bound_form,
        "is_best": found.is_best,
        "certificate": None if found.certificate is None else found.certificate.to_dict(),
        "conditions": None if found.conditions is None else [str(condition) for condition in found.conditions],
        "solutions": None
        if found.solutions is None
        else [{str(symbol): str(value) for symbol, value in solution.items()} for solution in found.solutions],
        "solutions_complete": found.solutions_complete,
    }


def to_latex(found: Flattening) -> str:
    """The filter as an outer product of columns."""
    if found.factors is None:
        import sympy

        if found.conditions == (1,):
            return r"\operatorname{rank} K > 1"
        equations = [rf"{sympy.latex(condition)} = 0" for condition in (found.conditions or ())[:_SHOWN_CONDITIONS]]
        more = [r"\ldots"] if len(found.conditions or ()) > len(equations) else []
        return r"\operatorname{rank} K \le 1 \iff " + r",\; ".join(equations + more)
    scale = "" if found.scale == 1 else number_latex(found.scale) + r"\,"
    product = r" \otimes ".join(vector_latex(factor) for factor in found.factors)
    relation = "=" if found.is_rank_one and found.rank_kind != "numerical" else r"\approx"
    shown = rf"K {relation} {scale}{product}"
    if found.is_rank_one:
        return shown
    return rf"{shown}, \quad \lVert \text{{rest}} \rVert_F = {number_latex(found.error)}"


def conditions(found: Flattening) -> str:
    """The conditions as equations, the first of many."""
    own = found.conditions or ()
    if own == (1,):
        return "never"
    shown = ", ".join(f"{clipped(str(condition))} = 0" for condition in own[:_SHOWN_CONDITIONS])
    more = len(own) - _SHOWN_CONDITIONS
    return f"{shown} and {more} more" if more > 0 else shown


def number_text(value: Any) -> str:
    """Exact numbers as they are, with their value where that is not plain to see; floats to a few digits.

    >>> number_text(0.1234567891), number_text(Fraction(1, 16))
    ('0.123457', '1/16')
    """
    if isinstance(value, (int, Fraction)):
        text = str(value)
        return text if len(text) <= _SHOWN_LETTERS // 2 else f"about {_rounded(value)}"
    if isinstance(value, (float, complex, np.number)):
        return f"{value:.{_DIGITS}g}"
    text = str(value)
    if value.is_Rational or value.free_symbols:
        return clipped(text)
    near = f"{value.evalf(_DIGITS)}"
    return f"{text} = about {near}" if len(text) <= _SHOWN_LETTERS // 2 else f"about {near}"


def _rounded(value: int | Fraction) -> str:
    """A few digits of an exact number, of any magnitude."""
    context = Context(prec=_DIGITS, Emax=10**9, Emin=-(10**9))
    return f"{context.divide(Decimal(value.numerator), Decimal(value.denominator)):g}"


def vector_text(vector: np.ndarray) -> str:
    """The entries, of many the first."""
    shown = ""
    for value in vector:
        text = number_text(value) if vector.dtype.kind in "fc" else str(value)
        if len(shown) + len(text) > _SHOWN_LETTERS:
            return f"[{shown}, ...]" if shown else f"[{clipped(text)}, ...]"
        shown = f"{shown}, {text}" if shown else text
    return f"[{shown}]"


def number_latex(value: Any) -> str:
    """An exact number as it is, a long one and a float to a few digits."""
    if isinstance(value, (int, np.integer, Fraction)) and len(str(value)) <= _SHOWN_LETTERS // 2:
        top, bottom = value.numerator, value.denominator
        return str(top) if bottom == 1 else rf"\tfrac{{{top}}}{{{bottom}}}"
    if isinstance(value, (int, float, complex, np.number, Fraction)):
        text = _rounded(value) if isinstance(value, (int, Fraction)) else f"{value:.{_DIGITS}g}"
        text = text.replace("j", r"\mathrm{i}")
        head, mark, power = text.partition("e")
        return rf"{head} \cdot 10^{{{int(power)}}}" if mark and "i" not in power else text
    import sympy

    if len(str(value)) > _SHOWN_LETTERS // 2 and not value.free_symbols:
        return str(sympy.latex(value.evalf(_DIGITS)))
    return str(sympy.latex(value))


def vector_latex(vector: np.ndarray) -> str:
    """A column, of many entries the first and the last."""
    entries = [number_latex(value) for value in vector]
    if len(entries) > _SHOWN_ENTRIES:
        entries = [*entries[: _SHOWN_ENTRIES - 2], r"\vdots", entries[-1]]
    return r"\begin{pmatrix}" + r" \\ ".join(entries) + r"\end{pmatrix}"


def clipped(text: str) -> str:
    """The text, its middle left out if it is long."""
    if len(text) <= _SHOWN_LETTERS:
        return text
    return f"{text[: _SHOWN_LETTERS * 2 // 3]} ... {text[-_SHOWN_LETTERS // 4 :]}"


def _kind(filter: np.ndarray) -> str:
    if filter.dtype.kind in "fc":
        return str(filter.dtype)
    kinds = {type(value) for value in filter.flat}
    if filter.dtype.kind == "i" or kinds == {int}:
        return "integers"
    if kinds <= {int, Fraction}:
        return "fractions"
    return "symbols" if any(getattr(value, "free_symbols", ()) for value in filter.flat) else "SymPy numbers"
