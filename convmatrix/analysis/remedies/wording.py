"""How remedies are shown: an aligned table, the same in HTML, plain JSON."""

from __future__ import annotations

import html
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.facts import plain

if TYPE_CHECKING:
    from convmatrix.analysis.remedies.answer import Remedies, Remedy

HEADINGS = ("remedy", "free", "ripple", "distance", "parameters", "multiplications", "output")
_LONGEST = 16


def cells(row: Remedy) -> list[str]:
    """One row, as both displays show it."""
    kills = row.is_free and row.report.kills_constants
    return [
        row.name,
        "kills constants" if kills else "yes" if row.is_free else "no",
        number_text(row.relative_amplitude),
        number_text(row.distance),
        f"{row.parameters:,}",
        f"{row.multiplications:,}",
        "x".join(map(str, row.out_shape)),
    ]


def to_text(found: Remedies) -> str:
    """The table, the nearest way, and what was left out."""
    table = [list(HEADINGS), *map(cells, found.rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [headline(found)]
    for row in table:
        # Words to the left, numbers to the right.
        words = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  " + "  ".join([*words, *numbers]).rstrip())
    return "\n".join([*lines, *(f"  left out: {note}" for note in found.notes)])


def headline(found: Remedies) -> str:
    """What the table says first."""
    shapes = f"{found.op.in_shape} -> {found.op.out_shape}"
    free, best = [row for row in found.rows if row.is_free], found.best
    if found.rows[0].is_free:
        return f"free as it is: {shapes}"
    ways = f"{len(free)} of {len(found.rows) - 1} ways are free"
    killing = sum(row.report.kills_constants for row in free)
    ways += f" ({killing} of them by making every constant 0)" if killing else ""
    if best is None:
        return f"{ways}: {shapes}"
    nearest = "the nearest that keeps constants" if killing and not best.report.kills_constants else "the nearest"
    return f"{ways}, {nearest} is {best.name!r}: {shapes}"


def to_html(found: Remedies) -> str:
    """The same as a table, the descriptions where the mouse stands."""
    head = "".join(f"<th>{name}</th>" for name in HEADINGS)
    body = []
    for row in found.rows:
        name, *rest = map(html.escape, cells(row))
        first = f'<th title="{html.escape(row.description)}">{name}</th>'
        body.append(f"<tr>{first}{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>")
    notes = "".join(f"<p>left out: {html.escape(note)}</p>" for note in found.notes)
    caption = f"<caption>{html.escape(headline(found))}</caption>"
    return f"<table>{caption}<tr>{head}</tr>{''.join(body)}</table>{notes}"


def to_dict(found: Remedies) -> dict[str, Any]:
    """Plain JSON types."""
    best = found.best
    return {
        "in_shape": list(found.op.in_shape),
        "out_shape": list(found.op.out_shape),
        "rows": [row_to_dict(row) for row in found.rows],
        "best": None if best is None else best.name,
        "notes": list(found.notes),
    }


def row_to_dict(row: Remedy) -> dict[str, Any]:
    """One row as plain JSON types, its verdict's main numbers with it."""
    return {
        "name": row.name,
        "description": row.description,
        "is_free": row.is_free,
        "kills_constants": bool(row.report.kills_constants),
        "amplitude": plain(row.report.amplitude),
        "relative_amplitude": plain(row.relative_amplitude),
        "distance": plain(row.distance),
        "weight_distance": plain(row.weight_distance),
        "multiplications": row.multiplications,
        "parameters": row.parameters,
        "out_shape": list(row.out_shape),
        "setting": plain(row.setting),
    }


def number_text(value: Any) -> str:
    """A number in few digits; exact ones in full where that is short; a dash for one that is not known.

    >>> number_text(Fraction(1, 3)), number_text(0.123456), number_text(float("inf"))
    ('1/3', '0.1235', 'inf')
    """
    if value is None:
        return "-"
    if isinstance(value, (int, Fraction)):
        text = str(value)
        return text if len(text) <= _LONGEST // 2 else _about(Fraction(value))
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.4g}"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def _about(value: Fraction) -> str:
    try:
        return f"{float(value):.4g}"
    except OverflowError:
        return f"1e{len(str(abs(value.numerator))) - len(str(value.denominator))}"
