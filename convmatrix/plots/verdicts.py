"""The verdicts of analyses in words, for the titles of pictures."""

from __future__ import annotations

import math
from typing import Any

from convmatrix.plots import cells

SHOWN = 3
"""Conditions and solutions that are written out; of more, their number."""
_LONGEST = 90
"""Letters of a formula that a title holds."""


def separability(result: Any) -> str:
    """What `separate` found, with what proves it.

    >>> import convmatrix as cm
    >>> separability(cm.separate("sobel_x"))
    'rank 1: separable (proved)'
    """
    if result.rank_kind == "numerical":
        verdict = "separable" if result.is_separable else "not separable"
        return f"numerical rank {result.rank} at tol {result.tol:.2g}: {verdict}"
    if result.conditions is not None:
        return f"generic rank {result.rank}: {_under(result, 'separable')}"
    if result.is_separable:
        return f"rank {result.rank}: separable (proved{', the zero kernel' if result.rank == 0 else ''})"
    return f"rank {result.rank}: not separable (proved{_minor(result)})"


def flattening(result: Any) -> str:
    """What `flatten` found, with what proves it.

    >>> import convmatrix as cm
    >>> flattening(cm.flatten("1 2; 3 6 | 2 4; 6 12"))
    'multilinear rank (1, 1, 1): an outer product of vectors (proved)'
    """
    ranks = f"multilinear rank {tuple(int(rank) for rank in result.multilinear_rank)}"
    if result.rank_kind == "numerical":
        verdict = "an outer product of vectors" if result.is_rank_one else "no outer product of vectors"
        return f"numerical {ranks} at tol {result.tol:.2g}: {verdict}"
    if result.conditions is not None:
        return f"generic {ranks}: {_under(result, 'an outer product of vectors')}"
    if result.is_rank_one:
        zero = ", the zero filter" if max(result.multilinear_rank) == 0 else ""
        return f"{ranks}: an outer product of vectors (proved{zero})"
    return f"{ranks}: no outer product of vectors (proved{_minor(result)})"


def solutions(result: Any) -> list[str]:
    """The solutions of the conditions, as lines."""
    said = [", ".join(f"{symbol} = {value}" for symbol, value in found.items()) for found in result.solutions or ()]
    lines = [f"solved by {line}" for line in said[:SHOWN]]
    return [*lines, f"and {len(said) - SHOWN} more solutions"] if len(said) > SHOWN else lines


def checkerboard(result: Any) -> str:
    """What `checkerboard` found: free or not, and why.

    >>> import convmatrix as cm
    >>> checkerboard(cm.checkerboard(cm.conv_transpose("1 2 1", 5, stride=2)))
    'free of checkerboards: its weights make up for uneven counts (proved)'
    """
    if result.conditions is not None:
        return _free_if(result.conditions)
    if result.is_free:
        return f"free of checkerboards{_how_free(result)} ({_proof(result)})"
    causes = {
        "holes": "phases that are never written",
        "counts": "" if "holes" in result.causes else "uneven overlap counts",
        "weights": "uneven gains" if result.overlap.is_uniform else "gains out of proportion",
        "bias": "an uneven bias",
    }
    said = [causes[cause] for cause in result.causes if causes.get(cause)]
    if result.causes[:1] == ("weights",) and result.overlap.is_uniform:
        said[0] = "even counts, but uneven gains"
    where = "" if result.frequency is None else f", frequency {frequency(result.frequency)}"
    return f"checkerboard: {' and '.join(said[:2])}; ripple {ripple(result)}{where}"


def remedies(result: Any) -> str:
    """How many ways out are free, and which of them is nearest.

    >>> import convmatrix as cm
    >>> remedies(cm.remedies(cm.conv_transpose([1, 2, 1], 5, stride=2)))
    'free of checkerboards as it is (proved)'
    """
    first, *ways = result.rows
    if first.is_free:
        return f"free of checkerboards as it is ({_proof(first.report)})"
    if first.report.conditions is not None:
        return f"as it is, {_free_if(first.report.conditions)}"
    free, best = sum(row.is_free for row in ways), result.best
    counted = f"{free} of {len(ways)} remedies {'is' if free == 1 else 'are'} free of checkerboards"
    if best is None:
        return counted
    killing = any(row.is_free and row.report.kills_constants for row in ways)
    kept = " that keeps constants" if killing and not best.report.kills_constants else ""
    return f"{counted}; the nearest{kept} is \u201c{best.name}\u201d, {cells.short(100 * best.distance)} % away"


def ripple(result: Any) -> str:
    """How large the ripple of a report is, in words."""
    if result.gains_are_even:
        return f"{cells.short(result.bias_amplitude)} by the bias alone"
    share = result.relative_amplitude
    if share == math.inf:
        return f"{cells.short(result.amplitude)} about a mean of 0"
    if share >= 2:
        return f"{cells.short(float(share))} times the mean"
    return f"{cells.short(100 * float(share))} % of the mean"


def frequency(found: tuple[Any, ...]) -> str:
    """Cycles per output of each axis: `1/2`, or `(1/2, 0)` of two."""
    return f"({', '.join(map(str, found))})" if len(found) > 1 else str(found[0])


def _free_if(conditions: tuple[Any, ...]) -> str:
    if not conditions:
        return "free of checkerboards whatever the symbols (proved)"
    if len(conditions) == 1 and conditions[0] == 1:
        return "never free of checkerboards, whatever the symbols (proved)"
    shown = [f"{condition} = 0" for condition in conditions[:SHOWN] if len(str(condition)) <= _LONGEST]
    more = len(conditions) - len(shown)
    if not shown:
        return f"free of checkerboards iff {more} polynomial{'s are' if more > 1 else ' is'} 0"
    return f"free of checkerboards iff {', '.join(shown)}{f' and {more} more' if more else ''}"


def _how_free(result: Any) -> str:
    """What else is to be said of a free layer."""
    if result.kills_constants:
        left = "0" if result.bias_gain is None else "the bias"
        return f", but constants become {left}{': some phases are never written' if result.overlap.holes else ''}"
    if result.compensated:
        return ": its weights make up for uneven counts"
    return ", though its edges differ" if "border" in result.causes else ""


def _proof(result: Any) -> str:
    return "proved" if result.is_exact else f"within {cells.short(max(result.tol, result.bias_tol))}"


def _under(result: Any, verdict: str) -> str:
    """The verdict on symbols: always, never, or under which conditions."""
    conditions = result.conditions
    if not conditions:
        return f"{verdict} whatever the symbols (proved)"
    if len(conditions) == 1 and conditions[0] == 1:
        return f"never {verdict} (proved{_minor(result)})"
    shown = [f"{condition} = 0" for condition in conditions[:SHOWN] if len(str(condition)) <= _LONGEST]
    more = len(conditions) - len(shown)
    if not shown:
        return f"{verdict} iff {more} polynomial{'s are' if more > 1 else ' is'} 0"
    return f"{verdict} iff {', '.join(shown)}{f' and {more} more' if more else ''}"


def _minor(result: Any) -> str:
    found = result.certificate
    if found is None:
        return ""
    # Python refuses to write integers of thousands of digits.
    if not (isinstance(found.value, int) and found.value.bit_length() > 4 * _LONGEST) and len(str(found)) <= _LONGEST:
        return f" by the minor {found}"
    unfolding = "" if found.mode is None else f" of unfolding {found.mode}"
    return f" by the minor{unfolding} in rows {found.rows} and columns {found.columns}, which is not 0"
