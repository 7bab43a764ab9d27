"""With symbols: the equations under which all phases agree."""

from __future__ import annotations

from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.evenness import has_symbols, in_classes
from convmatrix.analysis.comparison import vanishes

Conditions = tuple[Any, ...]


def conditions_of(*answers: np.ndarray | None, axes: int) -> Conditions | None:
    """SymPy expressions that must all be 0 for every answer `(*period, ...)` to be even; None without symbols.

    `()` where they always are, `(1,)` where they never can be.

    Examples
    --------
    >>> import convmatrix as cm
    >>> from convmatrix.analysis.phases import respond
    >>> conditions_of(respond(cm.conv_transpose("a b c d", 4, stride=2)), axes=1)
    (a - b + c - d,)
    """
    given = [values for values in answers if values is not None]
    if not any(map(has_symbols, given)):
        return None
    found: dict[Any, None] = {}
    for values in given:
        for column in in_classes(values, (1,) * axes).T:
            for gap in _gaps(column):
                if not exact.is_sympy(gap) or not gap.free_symbols:
                    return (_one(),)
                if -gap not in found:
                    found[gap] = None
    return tuple(found)


def _gaps(column: np.ndarray) -> list[Any]:
    """What must vanish for the entries to agree; with a 0 among them, the others themselves."""
    import sympy

    distinct = list(dict.fromkeys(sympy.expand(exact.to_sympy(value)) for value in column))
    zero = next((value for value in distinct if vanishes(value)), None)
    first = distinct[0] if zero is None else zero
    gaps = (first - value if zero is None else value for value in distinct if value is not first)
    return [sympy.expand(gap) for gap in gaps if not vanishes(gap)]


def _one() -> Any:
    import sympy

    return sympy.Integer(1)
