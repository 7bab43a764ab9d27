"""What `remedies` found: a row for every way out, and the nearest of those that are free."""

from __future__ import annotations

import operator as indexing
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from convmatrix.analysis.checkerboard import CheckerboardReport
from convmatrix.analysis.cost import multiplications, parameters
from convmatrix.analysis.remedies import wording
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator


@dataclass(frozen=True, eq=False)
class Remedy:
    """One way out, as an operator that was judged.

    Attributes
    ----------
    name, description : str
        What it is called, and what it does.
    operator : TensorOperator
        The layer so changed, on the same input.
    report : CheckerboardReport
        Its verdict.
    distance : float or None
        Frobenius norm of the change of the answers to impulses, over that of the layer's own answers; None where the
        outputs are of another grid, or entries are symbols.
    weight_distance : float or None
        Frobenius norm of the change of the weight, taps added counted as 0; None where the weight is another's.
    setting : dict
        What a framework's layer is told: kernel_size, stride, mode, ...
    """

    name: str
    description: str
    operator: TensorOperator = field(repr=False)
    report: CheckerboardReport = field(repr=False)
    distance: float | None
    weight_distance: float | None
    setting: dict[str, Any]

    @property
    def is_free(self) -> bool:
        """Whether a constant stays one."""
        return self.report.is_free

    @property
    def relative_amplitude(self) -> Any:
        """The ripple on a constant, by the largest mean gain."""
        return self.report.relative_amplitude

    @property
    def multiplications(self) -> int:
        """Of one application, in the usual convention."""
        return multiplications(self.operator)

    @property
    def parameters(self) -> int:
        """Weight entries, those of a fixed filter too."""
        return parameters(self.operator)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Channels and sizes of the output."""
        return self.operator.out_shape

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; exact fractions and symbols as text."""
        return wording.row_to_dict(self)


@dataclass(frozen=True, eq=False)
class Remedies:
    """The ways out of a checkerboard, in a table.

    It is a sequence of rows, which are also found by name: `found["resize nearest"]`.

    Attributes
    ----------
    op : TensorOperator
        The layer.
    rows : tuple of Remedy
        The layer as it is first.
    notes : tuple of str
        Which ways this layer has not, and why.
    """

    op: TensorOperator = field(repr=False)
    rows: tuple[Remedy, ...]
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Remedy | None:
        """The free row of the least distance, the first of equals; None where no row is known to be near and free.

        One that makes every constant 0 is taken where there is no other.
        """
        free = [row for row in self.rows if row.is_free and row.distance is not None]
        return min(free, key=lambda row: (row.report.kills_constants, row.distance or 0.0)) if free else None

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Remedy]:
        return iter(self.rows)

    def __getitem__(self, key: str | int) -> Remedy:
        """A row by its name or its place.

        Raises
        ------
        ConvMatrixError
            If no row has that name, or it is neither.
        IndexError
            If there are not so many rows.
        """
        if isinstance(key, str):
            for row in self.rows:
                if row.name == key:
                    return row
            names = ", ".join(repr(row.name) for row in self.rows)
            raise ConvMatrixError(f"name must be one of {names}, got {key!r}")
        try:
            return self.rows[indexing.index(key)]
        except TypeError:
            raise ConvMatrixError(f"name must be a row's name or its place, got {key!r}") from None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; exact fractions and symbols as text."""
        return wording.to_dict(self)

    def __repr__(self) -> str:
        return f"Remedies({wording.headline(self)})"

    def __str__(self) -> str:
        return wording.to_text(self)

    def _repr_html_(self) -> str:
        return wording.to_html(self)
