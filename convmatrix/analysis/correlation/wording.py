"""A correlation of filters in words: for terminals, notebooks and JSON."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from convmatrix.analysis.facts import plain

if TYPE_CHECKING:
    from convmatrix.analysis.correlation.answer import FilterCorrelation

_LISTED = 1 << 14
_SHOWN_GROUPS, _SHOWN_PAIRS, _SHOWN_SILENT = 5, 3, 12


def headline(found: FilterCorrelation) -> str:
    """What was compared, over what, in one line."""
    second, first = found.matrix.shape
    return f"{second} filters of the second layer by {first} of the first, over {source(found)}"


def source(found: FilterCorrelation) -> str:
    """What the responses are responses to."""
    places = f"{found.positions} position{'' if found.positions == 1 else 's'}"
    if found.samples is None:
        return f"white noise{'' if found.squared is None else ' (exact)'} at {places}"
    return f"{found.samples} input{'' if found.samples == 1 else 's'} at {places}"


def shown_groups(found: FilterCorrelation) -> list[int]:
    """The fewest groups, above one, whose blocks fit: both layers have a multiple of as many filters."""
    both = math.gcd(*found.matrix.shape)
    return [groups for groups in range(2, both + 1) if both % groups == 0][:_SHOWN_GROUPS]


def share_text(share: Any) -> str:
    """A share to three digits, or as the fraction it is where that is short.

    >>> share_text(Fraction(1, 2)), share_text(1.0), share_text(0.77777)
    ('1/2', '1', '0.778')
    """
    return str(share) if isinstance(share, Fraction) and share.denominator < 100 else f"{float(share):.3g}"


def rows(found: FilterCorrelation) -> list[tuple[str, str]]:
    """The facts, name by name, as both displays show them."""
    pairs = [pair for pair in found.strongest(_SHOWN_PAIRS) if pair[2]]
    shown = [("strongest", "\n".join(f"{_coefficient(r)}  filter {j} with {i}" for j, i, r in pairs))] if pairs else []
    shares = [
        f"{share_text(found.block_share(groups))} in {groups} blocks (chance {share_text(Fraction(1, groups))})"
        for groups in shown_groups(found)
    ]
    if shares:
        shown.append(("in blocks", "\n".join(shares)))
    for name, own in zip(("second", "first"), found.silent, strict=True):
        if own:
            more = f" and {len(own) - _SHOWN_SILENT} more" if len(own) > _SHOWN_SILENT else ""
            shown.append((f"silent, {name}", f"filter {', '.join(map(str, own[:_SHOWN_SILENT]))}{more}"))
    return shown


def as_dict(found: FilterCorrelation) -> dict[str, Any]:
    """Everything as plain JSON types."""
    few = found.matrix.size <= _LISTED
    return {
        "shape": list(found.matrix.shape),
        "samples": found.samples,
        "positions": found.positions,
        "matrix": plain(found.matrix) if few else None,
        "squared": plain(found.squared) if few and found.squared is not None else None,
        "silent": {"second": list(found.silent[0]), "first": list(found.silent[1])},
        "strongest": plain(found.strongest()),
        "block_share": {str(groups): plain(found.block_share(groups)) for groups in shown_groups(found)},
    }


def _coefficient(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, complex) else f"{value:+.3f}"
