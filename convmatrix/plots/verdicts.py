"""The verdicts of analyses of separability in words, for the titles of pictures."""

from __future__ import annotations

from typing import Any

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
