"""A receptive field in words: for terminals, notebooks and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from convmatrix.analysis.facts import plain

if TYPE_CHECKING:
    from convmatrix.analysis.receptive_field.answer import ReceptiveField

_SHOWN_STAGES, _SHOWN_BRANCHES = 12, 8
_LISTED, _LISTED_STAGES = 4096, 100


def by_axis(numbers: Sequence[Any]) -> str:
    """Numbers an axis each, joined by x; once where they are equal to one of one axis.

    >>> by_axis((3,)), by_axis((3, 5))
    ('3', '3 x 5')
    """
    return " x ".join("none" if number is None else str(number) for number in numbers)


def headline(found: ReceptiveField) -> str:
    """The size and its gaps in one line."""
    whole = prod(found.size)
    if not whole:
        return "no input is read"
    wide = f"{by_axis(found.size)} inputs" + (" wide" if len(found.size) == 1 else "")
    if not found.has_gaps:
        return f"{wide}, all of them read" if whole > 1 else f"{by_axis(found.size)} input, and it is read"
    whole = prod(found.coverage_shape)
    gaps = whole - found.read_count
    return f"{wide}, {found.read_count:,} of them read: {gaps:,} gap{'' if gaps == 1 else 's'}"


def rows(found: ReceptiveField) -> list[tuple[str, str]]:
    """The facts, name by name, as both displays show them."""
    shown = [("input", f"{found.in_shape} -> {found.out_shape}"), ("jump", by_axis(found.jump))]
    if any(period > 1 for period in found.period):
        shown.append(("phases", f"{by_axis(found.period)}, the widest counts"))
    shown.append(("start", by_axis(found.start)))
    if len(found.stages) > 1:
        shown.append(("stages", _stages(found)))
    if found.branches:
        listed = [by_axis(branch.size) for branch in found.branches[:_SHOWN_BRANCHES]]
        more = len(found.branches) - len(listed)
        shown.append(("branches", ", ".join(listed) + (f" and {more} more" if more else "")))
    shown.append(("empirical", by_axis(found.empirical) + _borders(found)))
    unread, total = found.unread_count, prod(found.in_shape[1:])
    left = f"{unread:,} of {total:,} inputs are never read" if unread else "no input is left unread"
    shown.append(("unread", left))
    return shown


def _borders(found: ReceptiveField) -> str:
    """Why the measured size need not be the size."""
    if found.has_interior:
        return ""
    return f", borders reach every output{'' if found._interior.is_empty else ' whose field is the widest'}"


def _stages(found: ReceptiveField) -> str:
    """The sizes after the first and the last layers."""
    stages = found.stages
    if len(stages) <= _SHOWN_STAGES:
        return ", ".join(by_axis(stage.size) for stage in stages)
    half = _SHOWN_STAGES // 2
    ends = [", ".join(by_axis(stage.size) for stage in part) for part in (stages[:half], stages[-half:])]
    return f"{ends[0]}, ... ({len(stages)} layers) ..., {ends[1]}"


def as_dict(found: ReceptiveField) -> dict[str, Any]:
    """Everything as plain JSON types."""
    few_unread = prod(found.in_shape[1:]) <= _LISTED
    return {
        "in_shape": list(found.in_shape),
        "out_shape": list(found.out_shape),
        "size": plain(found.size),
        "jump": plain(found.jump),
        "start": plain(found.start),
        "period": plain(found.period),
        "empirical": list(found.empirical),
        "measured_in": found.measured_in,
        "has_interior": found.has_interior,
        "density": plain(found.density),
        "has_gaps": found.has_gaps,
        "coverage": plain(found.coverage()) if prod(found.size) <= _LISTED else None,
        "unread_count": plain(found.unread_count),
        "unread": found.unread.tolist() if few_unread else None,
        "stages": _listed_stages(found),
        "branches": [_short(branch) for branch in found.branches],
    }


def _listed_stages(found: ReceptiveField) -> list[dict[str, Any]] | None:
    return [_short(stage) for stage in found.stages] if len(found.stages) <= _LISTED_STAGES else None


def _short(found: ReceptiveField) -> dict[str, Any]:
    return {
        "out_shape": list(found.out_shape),
        "size": plain(found.size),
        "jump": plain(found.jump),
        "start": plain(found.start),
        "density": plain(found.density),
    }
