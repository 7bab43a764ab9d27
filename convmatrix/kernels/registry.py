"""The register of named kernels: how one is entered, described, found and built."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmatrix.errors import KernelError
from convmatrix.kernels.arrays import clip
from convmatrix.kernels.parameters import Parameter

Builder = Callable[..., NDArray[Any]]

_NAMED = re.compile(r"(?P<name>[^\W\d]\w*)\s*(?::(?P<parameters>.*))?", re.DOTALL)


@dataclass(frozen=True)
class KernelParameter:
    """One parameter of a named kernel, as a user sees it.

    Attributes
    ----------
    name : str
        What stands before the `=`.
    default : str
        The value taken when it is left out, as it would be written.
    rule : str
        What it must be.
    """

    name: str
    default: str
    rule: str


@dataclass(frozen=True)
class KernelInfo:
    """What a kernel's name stands for; from `kernel_info`.

    Attributes
    ----------
    name : str
        The name, without parameters.
    description : str
        One line: the formula, or what the kernel responds to.
    parameters : tuple of KernelParameter
        In the order they are documented; empty for a fixed kernel.
    reference : str
        Where it comes from.
    exact : bool
        Integers or fractions if true; sampled in float64 otherwise.
    aliases : tuple of str
        Other names of the same kernel.
    """

    name: str
    description: str
    parameters: tuple[KernelParameter, ...]
    reference: str
    exact: bool
    aliases: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """The name with every parameter at its default, ready to be typed."""
        given = ",".join(f"{p.name}={p.default}" for p in self.parameters)
        return f"{self.name}:{given}" if given else self.name

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, the usage line included."""
        plain = asdict(self)
        plain["parameters"] = [asdict(p) for p in self.parameters]
        return {**plain, "aliases": list(self.aliases), "usage": self.usage}

    def __str__(self) -> str:
        """One line of usage, then one line for each thing known."""
        lines = [self.usage, f"  {self.description}", f"  {'exact' if self.exact else 'sampled, float64'}"]
        lines += [f"  {p.name}: {p.rule}; default {p.default}" for p in self.parameters]
        if self.aliases:
            lines.append(f"  also called {', '.join(self.aliases)}")
        return "\n".join([*lines, f"  {self.reference}"])


@dataclass(frozen=True)
class _Entry:
    info: KernelInfo
    parameters: dict[str, Parameter]
    build: Builder


_ENTRIES: dict[str, _Entry] = {}
_ALIASES: dict[str, str] = {}


def named(
    name: str,
    description: str,
    reference: str,
    /,
    *,
    exact: bool,
    aliases: tuple[str, ...] = (),
    **parameters: Parameter,
) -> Callable[[Builder], Builder]:
    """Decorate a builder to enter it under a name; its arguments are the parameters, by keyword.

    Parameters
    ----------
    name, description, reference, exact, aliases
        As in `KernelInfo`.
    **parameters : Parameter
        What each argument of the builder accepts.

    Returns
    -------
    callable
        The decorator; it returns the builder unchanged.
    """
    shown = tuple(KernelParameter(key, p.default, p.rule) for key, p in parameters.items())

    def enter(build: Builder) -> Builder:
        _ENTRIES[name] = _Entry(KernelInfo(name, description, shown, reference, exact, aliases), parameters, build)
        _ALIASES.update(dict.fromkeys(aliases, name))
        return build

    return enter


def is_named(text: str) -> bool:
    """Whether the text has the form of a name: one bare word, or a word and a colon.

    >>> is_named("sobel_x"), is_named("gaussian:size=5"), is_named("a b")
    (True, True, False)
    """
    return _NAMED.fullmatch(text.strip()) is not None


def build_named(text: str) -> NDArray[Any]:
    """Build `name` or `name:key=value,...`; the text must satisfy `is_named`.

    Parameters
    ----------
    text : str
        The name and its parameters; blanks around either do not matter.

    Returns
    -------
    ndarray
        A fresh array: int64, `fractions.Fraction` or float64, every entry finite.

    Raises
    ------
    KernelError
        For an unknown name or parameter, a value its rule forbids, or values that together give no finite kernel.
    """
    match = _NAMED.fullmatch(text.strip())
    if match is None:
        raise KernelError(f"kernel name must be a word, with parameters after a colon, got {clip(text)}")
    entry = _find(match["name"])
    values = _read_parameters(entry, match["parameters"])
    # A tiny sigma overflows on the way to a harmless 0; what is not harmless is caught below.
    with np.errstate(all="ignore"):
        array = entry.build(**values)
    if array.dtype != object and not np.isfinite(array).all():
        raise KernelError(f"kernel parameters must be moderate enough for finite entries, got {clip(text)}")
    return array


def kernel_names() -> list[str]:
    """Every name `kernel` knows, sorted; aliases are not repeated.

    Returns
    -------
    list of str
        The names, without parameters.

    See Also
    --------
    kernel_info : what one of them is.

    Examples
    --------
    >>> import convmatrix as cm
    >>> [name for name in cm.kernel_names() if name.startswith("sobel")]
    ['sobel5_x', 'sobel5_y', 'sobel_x', 'sobel_y']
    """
    return sorted(_ENTRIES)


def kernel_info(name: str) -> KernelInfo:
    """Describe a named kernel.

    Parameters
    ----------
    name : str
        A name of `kernel_names()`, or an alias; no parameters.

    Returns
    -------
    KernelInfo
        Description, parameters with defaults, reference, and whether the kernel is exact.

    Raises
    ------
    KernelError
        If there is no such name; the message lists those close to it.

    Examples
    --------
    >>> from convmatrix.kernels import kernel_info
    >>> kernel_info("box").usage
    'box:size=3'
    >>> print(kernel_info("roberts_x"))
    roberts_x
      brightness difference along the main diagonal
      exact
      Roberts (1965), Machine perception of three-dimensional solids
    """
    return _find(name.strip()).info


def _find(name: str) -> _Entry:
    key = name.lower()
    entry = _ENTRIES.get(_ALIASES.get(key, key))
    if entry is None:
        # Comparing with a text of a million letters helps nobody.
        close = difflib.get_close_matches(key, [*_ENTRIES, *_ALIASES], n=3) if len(key) < 100 else []
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise KernelError(f"kernel name must be one that kernel_names() lists, got the unknown name {clip(name)}{hint}")
    return entry


def _read_parameters(entry: _Entry, text: str | None) -> dict[str, Any]:
    name = entry.info.name
    given = {key: p.default for key, p in entry.parameters.items()}
    seen: set[str] = set()
    for part in [] if text is None else text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key and equals and value):
            raise KernelError(f"{name} parameters must be written name=value,name=value, got {clip(part)}")
        if key not in given:
            takes = ", ".join(given) or "none"
            raise KernelError(f"{name} parameters must be among those it takes ({takes}), got {clip(key)}")
        if key in seen:
            raise KernelError(f"{name} parameters must each be given once, got {key} twice")
        seen.add(key)
        given[key] = value
    return {key: _read_value(f"{name} {key}", entry.parameters[key], value) for key, value in given.items()}


def _read_value(what: str, parameter: Parameter, text: str) -> Any:
    try:
        return parameter.read(text)
    except ValueError:
        raise KernelError(f"{what} must be {parameter.rule}, got {clip(text)}") from None
