"""The curves of a cost formula's ratio: which letter runs, which is told apart, and where each curve goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry.arguments import integer, one_of

if TYPE_CHECKING:
    from convmatrix.analysis.cost import CostFormula

_POINTS = 40


@dataclass(frozen=True)
class Curve:
    """One curve: its name, the letter's numbers, the ratios there, and what they tend to."""

    name: str
    at: list[int]
    ratios: list[float]
    limit: Any


def curves_of(
    result: CostFormula, across: str | None, sizes: dict[Any, Any], defaults: Any
) -> tuple[Any, list[Curve], dict[str, int]]:
    """The letter that runs, its curves, and the numbers of the letters that stay.

    Raises
    ------
    ConvMatrixError
        If a letter is unknown, a number is none, or several letters have several numbers.
    """
    named = {symbol.name: symbol for symbol in result.letters if symbol in result.ratio.free_symbols}
    if not named:
        raise ConvMatrixError(f"ratio must have a letter to be drawn against, got {result.ratio}")
    for name in sizes:
        one_of(str(name), "letter", tuple(named))
    given = {str(name): value for name, value in sizes.items()}
    letter = _running(result, named, across, given)
    others = [name for name in named if named[name] != letter]
    several = [name for name, value in given.items() if not isinstance(value, int)]
    if len(several) > 1:
        raise ConvMatrixError(f"sizes must hold several numbers for one letter at most, got {', '.join(several)}")
    free = [name for name in others if name not in given]
    split = several[0] if several else _told_apart(free)
    fixed = {name: integer(given.get(name, defaults.value(name)), name, 1) for name in others if name != split}
    family = [] if split is None else list(given.get(split, defaults.family(split)))
    numbers = [{}] if split is None else [{split: integer(value, split, 1)} for value in family]
    curves = [_curve(result, letter, {**fixed, **own}, own, defaults) for own in numbers]
    return letter, curves, fixed


def _running(result: CostFormula, named: dict[str, Any], across: str | None, given: dict[str, Any]) -> Any:
    if across is not None:
        return named[one_of(across, "across", tuple(named))]
    growing = [symbol.name for _, symbol, _ in result.limits if symbol.name in named]
    return named[next(name for name in (*growing, *named) if name not in given or len(named) == 1)]


def _told_apart(names: list[str]) -> str | None:
    """The letter that makes curves: a kernel, groups or a stride before channels."""
    return min(names, key=lambda name: (name not in "mhgsdk", names.index(name)), default=None)


def _curve(result: CostFormula, letter: Any, numbers: dict[str, int], own: dict[str, int], defaults: Any) -> Curve:
    values = {symbol: numbers[symbol.name] for symbol in result.letters if symbol.name in numbers}
    ratio = result.ratio.subs(values)
    least = max(numbers.get("m", 1), 1) if letter.name in ("N", "H", "W") else 1
    places = _spaced(least, max(defaults.last(letter.name), 2 * least))
    known = [(place, ratio.subs(letter, place)) for place in places]
    shown = [(place, float(value)) for place, value in known if value.is_finite]
    growing = [limit for _, symbol, limit in result.limits if symbol == letter]
    limit = growing[0].subs(values) if growing else None
    name = ", ".join(f"{name} = {value}" for name, value in own.items())
    return Curve(name, [place for place, _ in shown], [value for _, value in shown], limit)


def _spaced(first: int, last: int) -> list[int]:
    """At most 40 integers, denser where they are small.

    >>> _spaced(1, 5), _spaced(1, 1024)[-3:]
    ([1, 2, 3, 4, 5], [718, 857, 1024])
    """
    if last - first < _POINTS:
        return list(range(first, last + 1))
    steps = [first * (last / first) ** (number / (_POINTS - 1)) for number in range(_POINTS)]
    return sorted({round(step) for step in steps})
