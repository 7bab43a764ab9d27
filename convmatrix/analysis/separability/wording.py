"""What `separate` found, in words: for terminals, notebooks and JSON."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.facts import exact_text, plain

if TYPE_CHECKING:
    from convmatrix.analysis.separability.answer import Separability

MAX_SIZE = 20
"""Rows and columns up to which a kernel is written out."""
MAX_TERMS = 9
"""Terms, singular values and ranks that are listed one by one."""
_LONGEST = 72
_LONG_NUMBER = 28


def answer_text(answer: Separability) -> str:
    """The whole answer for a terminal."""
    lines = ["K =", *_kernel_lines(answer.kernel), verdict(answer)]
    if answer.certificate is not None:
        lines.append(f"  since {_clipped(str(answer.certificate), 110)}")
    for title, rows in sections(answer):
        lines += [title, *_table(rows)]
    return "\n".join(lines)


def answer_html(answer: Separability) -> str:
    """The whole answer as an HTML table."""
    parts = [f"<caption>{html.escape(verdict(answer))}</caption>"]
    if max(answer.kernel.shape) <= MAX_SIZE:
        parts.append(_html_rows("K", [[entry_text(value) for value in row] for row in answer.kernel.tolist()]))
    if answer.certificate is not None:
        parts.append(_html_rows("certificate", [[_clipped(str(answer.certificate), 110)]]))
    parts += [_html_rows(title, rows) for title, rows in sections(answer)]
    return f"<table>{''.join(parts)}</table>"


def verdict(answer: Separability) -> str:
    """One sentence: separable or not, the rank, and on what ground.

    >>> import convmatrix as cm
    >>> verdict(cm.separate("1 2; 3 4"))
    'not separable: rank 2, proved'
    """
    if answer.rank_kind == "numerical":
        ground = f"within tolerance {answer.tol:.3g} of the largest singular value"
    elif answer.rank_kind == "generic":
        ground = "generically: for all but special values of the symbols"
        if answer.is_separable:
            ground = "proved, whatever the symbols"
        elif answer.conditions is not None and 1 in answer.conditions:
            ground = "generically, and separable for no values of the symbols"
    else:
        ground = "proved"
    return f"{'separable' if answer.is_separable else 'not separable'}: rank {answer.rank}, {ground}"


def sections(answer: Separability) -> Iterable[tuple[str, list[list[str]]]]:
    """Titles and tables: terms, conditions, singular values, errors of lower ranks, the nearest rational kernel."""
    if answer.rank:
        yield "K = sum of scale * column^T x row" if answer.rank > 1 else "K = scale * column^T x row", _terms(answer)
    if answer.conditions and 1 not in answer.conditions:
        yield "separable if and only if", [[f"{_clipped(str(value))} = 0"] for value in answer.conditions[:MAX_TERMS]]
        ways = [", ".join(f"{symbol} = {value}" for symbol, value in way.items()) for way in answer.solutions or ()]
        if ways:
            more = "" if answer.solutions_complete else ", among others"
            yield f"for instance with{more}", [[_clipped(way)] for way in ways[:MAX_TERMS]]
    yield f"singular values ({answer.form})", _values(answer)
    errors = _errors(answer)
    if errors:
        yield "error of the best approximation", [["rank", "Frobenius", "spectral"], *errors]
    if answer.rank_kind == "numerical" and answer.nearest_rational is not None:
        near = answer.nearest_rational
        yield "nearest rational kernel", [[verdict(near)], *_terms(near)]


def as_dict(answer: Separability) -> dict[str, Any]:
    """Everything as plain JSON types."""
    shown = range(min(answer.kernel.shape) + 1)
    decimals, near = answer._values.decimals, answer.nearest_rational
    numbers = None if decimals is None else [_as_float(value) for value in decimals]
    values = numbers if answer.form == "floats" else answer.singular_values
    return {
        "shape": list(answer.kernel.shape),
        "kernel": plain(answer.kernel),
        "is_separable": answer.is_separable,
        "rank": answer.rank,
        "rank_kind": answer.rank_kind,
        "tol": answer.tol,
        "terms": [_plain_term(term, ("scale", "column", "row")) for term in answer.terms],
        "certificate": None if answer.certificate is None else answer.certificate.to_dict(),
        "conditions": None if answer.conditions is None else [str(value) for value in answer.conditions],
        "solutions": None
        if answer.solutions is None
        else [{str(symbol): str(value) for symbol, value in way.items()} for way in answer.solutions],
        "solutions_complete": answer.solutions_complete,
        "form": answer.form,
        "singular_values": plain(values),
        "singular_values_decimal": numbers,
        "svd": None if answer.svd is None else [_plain_term(term, ("sigma", "u", "v")) for term in answer.svd],
        "characteristic": None if answer.characteristic is None else exact_text(answer.characteristic),
        "errors": None if decimals is None else [_as_float(_norm(decimals[r:])) for r in shown],
        "nearest_rational": None if near is None else near.to_dict(),
    }


def entry_text(value: Any) -> str:
    """One number: exact ones in full where that is no longer than a few words, floats to five digits.

    >>> entry_text(Fraction(1, 16)), entry_text(0.123456789)
    ('1/16', '0.12346')
    """
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.5g}"
    if isinstance(value, (complex, np.complexfloating)):
        return f"{complex(value):.4g}"
    text = exact_text(value)
    if len(text) > _LONG_NUMBER and isinstance(value, (int, Fraction)):
        return f"~{Decimal(value.numerator) / Decimal(value.denominator):.6g}"
    return text


def _plain_term(term: Sequence[Any], names: tuple[str, str, str]) -> dict[str, Any]:
    return {name: plain(part) for name, part in zip(names, term, strict=True)}


def _as_float(value: Any) -> float | str:
    """A number for JSON, which has none beyond a float64: those as text."""
    number = float(value)
    return number if math.isfinite(number) else f"{Decimal(value):.15e}"


def _kernel_lines(kernel: np.ndarray) -> list[str]:
    if max(kernel.shape) > MAX_SIZE:
        return [f"  {kernel.shape[0]} x {kernel.shape[1]} entries"]
    return _table([[entry_text(value) for value in row] for row in kernel.tolist()])


def _terms(answer: Separability) -> list[list[str]]:
    rows = [
        [f"{entry_text(scale)} *", f"{_vector(column)}^T x", _vector(row)]
        for scale, column, row in answer.terms[:MAX_TERMS]
    ]
    return rows + ([[f"and {answer.rank - MAX_TERMS} more"]] if answer.rank > MAX_TERMS else [])


def _vector(vector: np.ndarray) -> str:
    shown = [entry_text(value) for value in vector.tolist()[:MAX_SIZE]]
    return f"[{', '.join([*shown, '...'] if len(vector) > MAX_SIZE else shown)}]"


def _values(answer: Separability) -> list[list[str]]:
    decimals = answer._values.decimals or ()
    # Floats by their decimals: those of an exact kernel may be beyond a float64.
    values = decimals if answer.form == "floats" else answer.singular_values
    if values is None:
        return [["the square roots of the roots of"], [_clipped(str(answer.characteristic))]]
    more = [f"and {len(values) - MAX_TERMS} more"] if len(values) > MAX_TERMS else []
    if answer.form == "floats":
        return [[text] for text in [*map(_decimal, decimals[:MAX_TERMS]), *more]]
    texts = [_clipped(exact_text(value)) for value in values[:MAX_TERMS]]
    width = max(map(len, texts))
    rest = itertools.zip_longest(texts, values[:MAX_TERMS], decimals[:MAX_TERMS])
    lines = [*(f"{text.ljust(width)}  {_equals(value, decimal)}" for text, value, decimal in rest), *more]
    widest = max(map(len, lines))
    return [[line.ljust(widest)] for line in lines]


def _equals(value: Any, decimal: Any) -> str:
    """`= 0.59`, or `= 1.41421...` where that is cut off; nothing for integers and symbols."""
    if decimal is None or value.is_Integer:
        return ""
    text = _decimal(decimal)
    whole = value.is_Rational and Fraction(text) == Fraction(int(value.p), int(value.q))
    return f"= {text}" if whole else f"= {text}..."


def _errors(answer: Separability) -> list[list[str]]:
    """A line for every rank below the kernel's own."""
    decimals, most = answer._values.decimals, min(answer.rank, MAX_TERMS)
    if decimals is not None:
        # Of a numerical rank what is left beyond it is worth a line of its own.
        last = most + (answer.rank_kind == "numerical" and answer.rank < len(decimals))
        return [[str(r), _decimal(_norm(decimals[r:])), _decimal(decimals[r])] for r in range(last)]
    return []


def _norm(values: Sequence[Any]) -> Any:
    """The root of the sum of squares of descending values, without under- or overflow."""
    if not len(values) or not values[0]:
        return 0
    if isinstance(values[0], Decimal):
        return sum((value * value for value in values), Decimal(0)).sqrt()
    return math.hypot(*values)


def _decimal(value: Any) -> str:
    # A Decimal would show the zeros that its arithmetic left behind.
    plainest = value.normalize() if isinstance(value, Decimal) else value
    return f"{plainest:.6g}" if value else "0"


def _clipped(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 4]} ..."


def _table(rows: list[list[str]]) -> list[str]:
    """Columns under each other, right-aligned; a row of one cell stands by itself."""
    full = [row for row in rows if len(row) > 1] or rows
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    lines = []
    for row in rows:
        cells = row if len(row) < len(widths) else [cell.rjust(w) for cell, w in zip(row, widths, strict=True)]
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines


def _html_rows(title: str, rows: list[list[str]]) -> str:
    widest = max(map(len, rows))
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<tr><th colspan="{widest}">{html.escape(title)}</th></tr>{body}'
