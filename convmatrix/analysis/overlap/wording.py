"""An overlap map in words: for terminals, notebooks and JSON."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from convmatrix.analysis.facts import plain

if TYPE_CHECKING:
    from convmatrix.analysis.overlap.answer import OverlapMap

_SHOWN_COLUMNS, _SHOWN_HOLES = 12, 6
_LISTED, _LISTED_STAGES = 4096, 100
_COUNTED_ENDS = 1 << 22


def evenness(found: OverlapMap) -> str:
    """Even or not, and by how much.

    >>> import convmatrix as cm
    >>> evenness(cm.overlap(cm.conv_transpose("1 1 1", 4, stride=2)))
    'uneven, 2 to 1'
    """
    if not found.phase_counts.any():
        return "never written"
    if found._hole_count:
        return "uneven, with holes"
    return "even" if found.is_uniform else f"uneven, {ratio_text(found.ratio)}"


def headline(found: OverlapMap) -> str:
    """Even or not, and the counts of the interior, in one line."""
    paths = _span(int(found.phase_counts.min()), int(found.phase_counts.max()))
    where = "of the interior" if found.interior is not None else "far from the borders"
    return f"{evenness(found)}: {paths} path{'' if paths == '1' else 's'} to an output {where}"


def rows(found: OverlapMap) -> list[tuple[str, str]]:
    """The facts, name by name, as both displays show them."""
    shown = [("output", f"{found.op.in_shape} -> {found.op.out_shape}")]
    if found.phase_counts.size > 1:
        shown += [("by phase" if number == 0 else "", line) for number, line in enumerate(_phases(found))]
    offset = tuple(own % period for own, period in zip(found.offset, found.period, strict=True))
    if any(offset):
        shown.append(("phase", f"(output position + {_by_axis(offset)}) mod {_by_axis(found.period)}"))
    if found._hole_count:
        listed = ", ".join(map(_by_axis, found._first_holes(_SHOWN_HOLES)))
        more = found._hole_count - _SHOWN_HOLES
        shown.append(("holes", f"phase {listed}{f' and {more} more' if more > 0 else ''}"))
    box = found.interior
    inside = "none" if box is None else ", ".join(f"{part.start}:{part.stop}" for part in box)
    shown.append(("interior", inside))
    ends = _ends(found)
    return shown + ([("border", ends)] if ends else [])


def as_dict(found: OverlapMap) -> dict[str, Any]:
    """Everything as plain JSON types."""
    box, few = found.interior, math.prod(found.output_size) <= _LISTED
    vectors = found.axis_counts if max(found.output_size) <= _LISTED else None
    formula, formula_ratio = found.formula, found.formula_ratio
    return {
        "in_shape": list(found.op.in_shape),
        "out_shape": list(found.op.out_shape),
        "output_size": list(found.output_size),
        "is_uniform": found.is_uniform,
        "ratio": plain(found.ratio),
        "period": list(found.period),
        "offset": list(found.offset),
        "phase_counts": found.phase_counts.tolist() if found.phase_counts.size <= _LISTED else None,
        "holes": [list(phase) for phase in found._first_holes(_LISTED)],
        "interior": None if box is None else [[part.start, part.stop] for part in box],
        "border": [list(pair) for pair in found.border],
        "border_counts": None if found.border_counts is None else list(found.border_counts),
        "axis_counts": None if vectors is None else [vector.tolist() for vector in vectors],
        "counts": found.counts.tolist() if few else None,
        "stages": _stages(found),
        "formula": None if formula is None else str(formula),
        "formula_ratio": None if formula_ratio is None else str(formula_ratio),
    }


def _stages(found: OverlapMap) -> list[dict[str, Any]] | None:
    """The ratio after each layer, each of which goes through all layers before it; None for a very deep stack."""
    if len(found.stages) > _LISTED_STAGES:
        return None
    return [{"out_shape": list(stage.op.out_shape), "ratio": plain(stage.ratio)} for stage in found.stages]


def ratio_text(ratio: Fraction | float) -> str:
    """A ratio as people say it.

    >>> ratio_text(Fraction(4)), ratio_text(Fraction(3, 2)), ratio_text(math.inf)
    ('4 to 1', '3 to 2', 'infinite')
    """
    return (
        f"{count_text(ratio.numerator)} to {count_text(ratio.denominator)}"
        if isinstance(ratio, Fraction)
        else "infinite"
    )


def count_text(count: int, digits: int = 18) -> str:
    """A count in full up to so many digits, beyond them by its size.

    >>> count_text(12), count_text(10**7, 5), count_text(123 * 10**398)
    ('12', '1e7', '1.2e400')
    """
    if count < 10**digits:
        return str(count)
    # Python refuses to write integers of thousands of digits.
    power = int((count.bit_length() - 1) * math.log10(2))
    power += count >= 10 ** (power + 1)
    tenths = round(Fraction(count, 10 ** (power - 1)))
    if tenths == 100:
        tenths, power = 10, power + 1
    return f"{tenths / 10:g}e{power}"


def _span(least: int, most: int) -> str:
    return count_text(least) if least == most else f"{count_text(least)} to {count_text(most)}"


def _by_axis(numbers: tuple[int, ...]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else str(numbers)


def _phases(found: OverlapMap) -> list[str]:
    """The phase counts of one or two axes in full if they are few, otherwise their smallest and largest."""
    counts = found.phase_counts
    if counts.ndim > 2 or max(counts.shape) > _SHOWN_COLUMNS:
        least, most = np.unravel_index(counts.argmin(), counts.shape), np.unravel_index(counts.argmax(), counts.shape)
        places = [_by_axis(tuple(map(int, place))) for place in (most, least)]
        return [f"{' x '.join(map(str, counts.shape))}: most at {places[0]}, least at {places[1]}"]
    table = [[count_text(count) for count in line] for line in counts.reshape(-1, counts.shape[-1]).tolist()]
    width = max(len(cell) for line in table for cell in line)
    return [" ".join(cell.rjust(width) for cell in line) for line in table]


def _ends(found: OverlapMap) -> str:
    # A sum that is no outer product has no other way than to count everywhere.
    many = math.prod(found.output_size) > _COUNTED_ENDS
    if found.interior is None or (found._axes is None and many) or found.border_counts is None:
        return ""
    paths = _span(*found.border_counts)
    return f"{paths} path{'' if paths == '1' else 's'}"
