"""Parameters of named kernels: what each accepts, and how its text is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any

from convmatrix.errors import KernelError
from convmatrix.kernels.literal import parse_number

MAX_SIZE = 4097
MAX_CELLS = MAX_SIZE**2

_SIZES = re.compile(r"[0-9]{1,9}(?:[xX][0-9]{1,9}){0,2}")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a named kernel.

    Attributes
    ----------
    default : str
        Its default, written as the user would write it.
    rule : str
        What it must be, to follow "must be" in a message.
    read : callable
        From text to value; a `ValueError` means the rule is broken.
    """

    default: str
    rule: str
    read: Callable[[str], Any]


def sizes(default: str, *, odd: bool = False, largest: int = MAX_SIZE) -> Parameter:
    """Taps an axis: `5` is 5x5, `5x3` and `3x3x3` are themselves.

    >>> sizes("3").read("5"), sizes("3").read("5x3")
    ((5, 5), (5, 3))
    """

    def read(text: str) -> tuple[int, ...]:
        if not _SIZES.fullmatch(text):
            raise ValueError(text)
        found = [int(part) for part in text.lower().split("x")]
        each = tuple(found * 2 if len(found) == 1 else found)
        if any(_is_bad_size(n, odd, largest) for n in each) or prod(each) > MAX_CELLS:
            raise ValueError(text)
        return each

    odd_rule = "odd " if odd else ""
    return Parameter(default, f"{odd_rule}sizes from 1 to {largest}, written 5, 5x3 or 3x3x3", read)


def size(default: str, *, odd: bool = False, largest: int = MAX_SIZE) -> Parameter:
    """Taps along the one axis of a 1-D kernel, or along the side of a square one.

    >>> size("3", odd=True).read("5")
    5
    """

    def read(text: str) -> int:
        found = _whole(text)
        if _is_bad_size(found, odd, largest):
            raise ValueError(text)
        return found

    return Parameter(default, f"{'an odd' if odd else 'a whole'} number from 1 to {largest}", read)


def whole(default: str, low: int, high: int, *, even: bool = False) -> Parameter:
    """An integer between two bounds, both included.

    >>> whole("2", 1, 9).rule
    'a whole number from 1 to 9'
    """

    def read(text: str) -> int:
        found = _whole(text)
        if not low <= found <= high or (even and found % 2):
            raise ValueError(text)
        return found

    return Parameter(default, f"{'an even' if even else 'a whole'} number from {low} to {high}", read)


def positive(default: str, *, above: int = 0) -> Parameter:
    """A float greater than `above`; fractions and decimals are read alike.

    >>> positive("1").read("1/2")
    0.5
    """

    def read(text: str) -> float:
        found = _float(text)
        if found <= above:
            raise ValueError(text)
        return found

    return Parameter(default, f"a finite number greater than {above}", read)


def real(default: str) -> Parameter:
    """Any finite float.

    >>> real("0").read("-45")
    -45.0
    """
    return Parameter(default, "a finite number", _float)


def choice(default: str, names: tuple[str, ...]) -> Parameter:
    """One word of a list.

    >>> choice("n", ("n", "e")).rule
    'one of n, e'
    """

    def read(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(text)
        return text.lower()

    return Parameter(default, f"one of {', '.join(names)}", read)


def optional(parameter: Parameter, word: str = "auto") -> Parameter:
    """The same parameter, with a word that leaves the value (then `None`) to the kernel; the word is the default.

    >>> optional(size("3")).read("auto") is None
    True
    """
    return Parameter(word, f"{parameter.rule}, or {word}", lambda text: None if text == word else parameter.read(text))


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        raise ValueError(text)
    return int(text)


def _float(text: str) -> float:
    try:
        found = float(parse_number(text))
    except (KernelError, OverflowError) as error:
        raise ValueError(text) from error
    if not isfinite(found):
        raise ValueError(text)
    return found


def _is_bad_size(n: int, odd: bool, largest: int) -> bool:
    return not 1 <= n <= largest or (odd and n % 2 == 0)
