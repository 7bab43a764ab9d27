"""The catalogue: how a kind is entered and found."""

from __future__ import annotations

import difflib
import html
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from convmatrix.errors import ConvMatrixError
from convmatrix.kinds.asked import recording
from convmatrix.kinds.record import Kind
from convmatrix.kinds.structures import Matrix
from convmatrix.operators import TensorOperator

Builder = TypeVar("Builder", bound=Callable[..., TensorOperator])


class UnknownKindError(ConvMatrixError, KeyError):
    """A name that is not in the catalogue."""

    def __str__(self) -> str:
        return str(self.args[0])


class Kinds(Mapping[str, Kind]):
    """All kinds by name, in the article's order; read only. The one there is, is `cm.KINDS`.

    Examples
    --------
    >>> import convmatrix as cm
    >>> cm.KINDS["grouped"].structure
    'C = block_diag(C_1, ..., C_g)'
    >>> all(kind.verify() for kind in cm.KINDS.values())
    True
    """

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def enter(self, kind: Kind) -> None:
        """Add a kind; its place is found from its section, later ones behind earlier ones."""
        if kind.name in self._kinds:
            raise ConvMatrixError(f"name must be new to the catalogue, got {kind.name!r}")
        kinds = [*self._kinds.values(), kind]
        self._kinds = {each.name: each for each in sorted(kinds, key=lambda each: _place(each.section))}

    def __getitem__(self, name: str) -> Kind:
        if name not in self._kinds:
            close = difflib.get_close_matches(str(name), self._kinds, n=3)
            known = f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(self._kinds)}"
            raise UnknownKindError(f"name must be a kind of convolution, got {name!r}: {known}")
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __repr__(self) -> str:
        return f"<Kinds: {', '.join(self._kinds)}>"

    def __str__(self) -> str:
        rows = [(kind.section, kind.name, kind.structure) for kind in self.values()]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        return "\n".join(f"{section:<{widths[0]}}  {name:<{widths[1]}}  {text}" for section, name, text in rows)

    def _repr_html_(self) -> str:
        head = "<tr><th>section</th><th>kind</th><th>matrix</th></tr>"
        rows = [
            f"<tr><td>{kind.section}</td><td>{kind.name}</td><td>{html.escape(kind.structure)}</td></tr>"
            for kind in self.values()
        ]
        return f"<table>{head}{''.join(rows)}</table>"


KINDS = Kinds()


def _place(section: str) -> tuple[int, ...]:
    return tuple(map(int, section.split(".")))


def kind(
    *,
    title: str,
    section: str,
    reference: str,
    structure: str,
    example: Callable[[Callable[..., TensorOperator]], TensorOperator],
    expected: Callable[..., Matrix],
) -> Callable[[Builder], Builder]:
    """Enter the decorated function as the kind of its name; the first line of its docstring is the description.

    Parameters of the function before `input_size` or `in_shape` are weights, which it is given as arrays. `expected`
    takes the same arguments but for a bias, and makes the matrix that `structure` states.
    """

    def enter(build: Builder) -> Builder:
        name, description = build.__name__, (build.__doc__ or "").strip().partition("\n")[0]
        made = recording(build)
        KINDS.enter(Kind(name, title, description, section, reference, structure, made, example, expected))
        return build

    return enter
