"""Costs in words: aligned tables, the same in HTML, plain JSON."""

from __future__ import annotations

import html
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from convmatrix.analysis.facts import exact_text, plain
from convmatrix.errors import ConvMatrixError, readable_bytes
from convmatrix.operators.algebra import Sum, Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.channels import Permutation
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

if TYPE_CHECKING:
    from convmatrix.analysis.cost.answer import Cost, CostComparison, CostStage
    from convmatrix.analysis.cost.formulas import CostFormula

_SHOWN = 60
"""Layers that a table shows."""
_LISTED, _WRITTEN = 4096, 100
"""Layers that JSON lists, and up to which it holds the formula."""
_DIGITS = 15
_COUNTS = ("multiplications", "true_multiplications", "additions", "true_additions", "parameters", "biases")


def layer_text(layer: TensorOperator) -> str:
    """A layer in a few words.

    >>> import convmatrix as cm
    >>> layer_text(cm.conv_transpose("1 2 3", 5, stride=2)), layer_text(cm.resize((1, 4), 2))
    ('transposed 3, stride 2', 'nearest resize 2')
    """
    if isinstance(layer, Transposed):
        return f"transposed {layer_text(layer.of)}"
    if isinstance(layer, Convolution):
        described, groups = layer.geometry.describe(), layer.geometry.groups
        return f"{described}, groups {groups}" if groups > 1 else described
    if isinstance(layer, AvgPool):
        return f"average {layer.geometry.describe()}"
    if isinstance(layer, Resize):
        return f"{layer.mode} resize {'x'.join(map(str, layer.scales))}"
    if isinstance(layer, Permutation):
        return layer.name
    return "sum" if isinstance(layer, Sum) else type(layer).__name__


def count_text(count: int) -> str:
    """A count in full with commas up to 15 digits, beyond them by its size.

    >>> count_text(86400), count_text(3 * 10**30)
    ('86,400', '3.000e+30')
    """
    if count < 10**_DIGITS:
        return f"{count:,}"
    # No float holds every integer.
    power = len(exact_text(count)) - 1
    thousandths = round(Fraction(count, 10 ** (power - 3)))
    if thousandths == 10**4:
        thousandths, power = 1000, power + 1
    return f"{thousandths // 1000}.{thousandths % 1000:03d}e+{power}"


def ratio_text(ratio: Fraction) -> str:
    """A share in four digits; small ones in full.

    >>> ratio_text(Fraction(8, 9)), ratio_text(Fraction(1, 2)), ratio_text(Fraction(137, 1152)), ratio_text(Fraction(4))
    ('8/9', '1/2', '0.1189', '4')
    """
    if ratio.denominator < 100 and ratio.numerator < 1000:
        return str(ratio)
    if ratio >= 10**_DIGITS:
        return count_text(int(ratio))
    return f"{float(ratio):.4g}"


def headline(found: Cost) -> str:
    """Multiplications, weights and shapes in one line."""
    true = found.true_multiplications
    said = f"{count_text(found.multiplications)} multiplications"
    said += f" ({count_text(true)} true)" if true != found.multiplications else ""
    return f"{said}, {count_text(found.parameters)} parameters: {found.in_shape} -> {found.out_shape}"


def cost_to_text(found: Cost) -> str:
    """The headline, and a row a layer with their total."""
    shown = found.stages[:_SHOWN]
    lines = _aligned([_STAGE_HEADINGS, *map(_stage_cells, shown), *_total(found)])
    if len(found.stages) > _SHOWN:
        lines.insert(1 + _SHOWN, f"  and {len(found.stages) - _SHOWN} more layers")
    return "\n".join([headline(found), *lines])


def cost_to_html(found: Cost) -> str:
    """The same as a table."""
    rows = [*map(_stage_cells, found.stages[:_SHOWN]), *_total(found)]
    return _html_table(headline(found), _STAGE_HEADINGS, rows)


def cost_to_dict(found: Cost) -> dict[str, Any]:
    """Plain JSON types; the formula of up to 100 layers, rows of up to 4096."""
    few = len(found.stages) <= _WRITTEN
    letters = found.substitutions if few else {}
    return {
        "in_shape": list(found.in_shape),
        "out_shape": list(found.out_shape),
        **{name: plain(getattr(found, name)) for name in _COUNTS},
        "dtype": found.dtype,
        "activation_bytes": plain(found.activation_bytes),
        "formula": str(found.formula) if few else None,
        "formula_parameters": str(found.formula_parameters) if few else None,
        "substitutions": {str(letter): plain(value) for letter, value in letters.items()} if few else None,
        "stages": [stage_to_dict(stage) for stage in found.stages] if len(found.stages) <= _LISTED else None,
    }


def stage_to_dict(stage: CostStage) -> dict[str, Any]:
    """One layer as plain JSON types."""
    return {
        "name": stage.name,
        "in_shape": list(stage.in_shape),
        "out_shape": list(stage.out_shape),
        **{name: plain(getattr(stage, name)) for name in _COUNTS},
        "activation_bytes": plain(stage.activation_bytes),
    }


def comparison_to_text(found: CostComparison) -> str:
    """The table, and where shapes differ."""
    rows = [_row_cells(found, row.name) for row in found.rows]
    lines = _aligned([_ROW_HEADINGS, *rows])
    return "\n".join([comparison_headline(found), *lines, *(f"  note: {note}" for note in found.notes)])


def comparison_headline(found: CostComparison) -> str:
    """What the table is about."""
    base = found[found.baseline].cost
    return f"multiplications as shares of {found.baseline!r}, {base.in_shape} -> {base.out_shape}"


def comparison_to_html(found: CostComparison) -> str:
    """The same as a table."""
    rows = [_row_cells(found, row.name) for row in found.rows]
    notes = "".join(f"<p>note: {html.escape(note)}</p>" for note in found.notes)
    return _html_table(comparison_headline(found), _ROW_HEADINGS, rows) + notes


def comparison_to_dict(found: CostComparison) -> dict[str, Any]:
    """Plain JSON types."""
    rows = []
    for row in found.rows:
        ratios = {name: _ratio(found, row.name, name) for name in ("multiplications", "parameters")}
        written = {name: None if ratio is None else exact_text(ratio) for name, ratio in ratios.items()}
        rows.append({"name": row.name, "ratios": written, **cost_to_dict(row.cost)})
    return {"baseline": found.baseline, "rows": rows, "notes": list(found.notes)}


def formula_to_text(found: CostFormula) -> str:
    """The formulas, their limits, and what the letters mean."""
    letters = [f"{letter}: {meaning}" for letter, meaning in found.letters.items()]
    facts = [*formula_facts(found), ("letters", "\n".join(letters))]
    width = max(len(name) for name, _ in facts)
    below = "\n" + " " * (width + 4)
    lines = [f"  {name:<{width}}  " + value.replace("\n", below) for name, value in facts]
    return "\n".join([f"{found.kind}: {found.description}", *lines])


def formula_facts(found: CostFormula) -> list[tuple[str, str]]:
    """Names and formulas, as all displays show them."""
    return [
        ("multiplications", str(found.multiplications)),
        (found.baseline_name, str(found.baseline)),
        ("ratio", str(found.ratio)),
        *[(f"limit {description}", str(limit)) for description, _, limit in found.limits],
        *[(description, str(case)) for description, case in found.cases],
    ]


def formula_to_dict(found: CostFormula) -> dict[str, Any]:
    """Plain JSON types."""
    return {
        "kind": found.kind,
        "description": found.description,
        "letters": {str(letter): meaning for letter, meaning in found.letters.items()},
        "multiplications": str(found.multiplications),
        "baseline_name": found.baseline_name,
        "baseline": str(found.baseline),
        "ratio": str(found.ratio),
        "limits": [
            {"description": description, "symbol": str(symbol), "limit": str(limit)}
            for description, symbol, limit in found.limits
        ],
        "cases": [{"description": description, "ratio": str(case)} for description, case in found.cases],
    }


def _ratio(found: CostComparison, name: str, quantity: str) -> Fraction | None:
    try:
        return found.ratio(name, quantity)
    except ConvMatrixError:
        return None


_STAGE_HEADINGS = ("layer", "output", "multiplications", "true", "additions", "parameters", "activations")
_ROW_HEADINGS = ("", "multiplications", "ratio", "true", "additions", "parameters", "activations")


def _stage_cells(stage: Any) -> tuple[str, ...]:
    return (stage.name, "x".join(map(str, stage.out_shape)), *_numbers(stage))


def _numbers(counted: Any) -> tuple[str, ...]:
    """The cells that a layer and a whole have in common."""
    weights = count_text(counted.parameters) + (f" + {count_text(counted.biases)}" if counted.biases else "")
    return (
        count_text(counted.multiplications),
        count_text(counted.true_multiplications),
        count_text(counted.additions),
        weights,
        readable_bytes(counted.activation_bytes),
    )


def _total(found: Cost) -> list[tuple[str, ...]]:
    return [("all, with the input", "", *_numbers(found))]


def _row_cells(found: CostComparison, name: str) -> tuple[str, ...]:
    ratio = _ratio(found, name, "multiplications")
    first, *rest = _numbers(found[name].cost)
    return (name, first, "-" if ratio is None else ratio_text(ratio), *rest)


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Rows under their headings: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *rest in table:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def _html_table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in headings)
    body = []
    for first, *rest in rows:
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in rest)
        body.append(f"<tr><th>{html.escape(first)}</th>{cells}</tr>")
    return f"<table><caption>{html.escape(caption)}</caption><tr>{head}</tr>{''.join(body)}</table>"
