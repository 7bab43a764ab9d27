"""The spectra of several layers side by side: how fast each falls off, and what that says of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.analysis.facts import plain
from convmatrix.analysis.spectrum.answer import SingularValues, singular_values
from convmatrix.analysis.spectrum.measures import conditions, effective_ranks, energy_curves, stable_ranks
from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator


@dataclass(frozen=True, eq=False)
class SpectrumRow:
    """One of several operators: its name and all its singular values."""

    name: str
    values: SingularValues

    @property
    def stable_rank(self) -> float:
        """The sum of squares over the square of the largest; 0 of the zero operator."""
        return float(stable_ranks(self.values.values))

    @property
    def effective_rank(self) -> float:
        """The exponential of the entropy of the values as shares of their sum (Roy & Vetterli 2007)."""
        return float(effective_ranks(self.values.values))

    def rank(self, tol: float | None = None) -> int:
        """Values above `tol` times the largest, by default `max(shape) * eps`."""
        own = max(self.values.op.shape) * float(np.finfo(np.float64).eps) if tol is None else tol
        return int(np.count_nonzero(self.values.values > own * self.values.largest))

    def energy(self) -> np.ndarray:
        """What share of the sum of squares the first 1, 2, ... values have; 1 at the end."""
        return energy_curves(self.values.values)

    @property
    def condition(self) -> float:
        """The largest by the smallest value; `inf` where that is 0 to rounding."""
        return float(conditions(self.values.values, self.rank() == len(self.values)))


@dataclass(frozen=True, eq=False)
class SpectrumComparison:
    """Several spectra, in the order given; a sequence of rows."""

    rows: tuple[SpectrumRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[SpectrumRow]:
        return iter(self.rows)

    def __getitem__(self, place: int) -> SpectrumRow:
        return self.rows[place]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"rows": [dict(zip(("name", *_COLUMNS), map(plain, row), strict=True)) for row in self._numbers()]}

    def _numbers(self) -> list[tuple[Any, ...]]:
        return [
            (
                row.name,
                len(row.values),
                row.values.largest,
                row.rank(),
                row.stable_rank,
                row.effective_rank,
                row.condition,
                row.values.method,
            )
            for row in self.rows
        ]

    def __str__(self) -> str:
        said = [("", *(name.replace("_", " ") for name in _COLUMNS))]
        said += [
            tuple(f"{part:.4g}" if isinstance(part, float) else str(part) for part in row) for row in self._numbers()
        ]
        widths = [max(map(len, column)) for column in zip(*said, strict=True)]
        lines = []
        for name, *cells in said:
            padded = [f"{cell:>{width}}" for cell, width in zip(cells[:-1], widths[1:-1], strict=True)]
            lines.append("  ".join([f"{name:<{widths[0]}}", *padded, cells[-1]]))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{self}</pre>"


_COLUMNS = ("count", "norm", "rank", "stable_rank", "effective_rank", "condition", "method")


def compare_spectra(ops: Mapping[str, TensorOperator] | Iterable[TensorOperator]) -> SpectrumComparison:
    """All singular values of several operators, to be compared: norm, rank, stable and effective rank, condition.

    `cm.plot` of the result draws their values, each as a share of its largest, against the share of their number, so
    that layers of different sizes lie over each other.

    Parameters
    ----------
    ops : mapping of names to operators, or sequence of operators
        Such as the layers of a network; without names they are numbered from 1.

    Returns
    -------
    SpectrumComparison

    Raises
    ------
    ConvMatrixError
        If there are none, or one is refused by `singular_values`.

    Examples
    --------
    >>> import convmatrix as cm
    >>> around = {"padding": 1, "padding_mode": "circular"}
    >>> print(cm.compare_spectra({"blur": cm.conv("1 2 1", 8, **around), "edge": cm.conv("-1 0 1", 8, **around)}))
          count  norm  rank  stable rank  effective rank  condition  method
    blur      8     4     7            3           5.858        inf  frequency blocks
    edge      8     2     6            4           5.915        inf  frequency blocks
    """
    named = ops if isinstance(ops, Mapping) else {f"layer {n}": op for n, op in enumerate(_listed(ops), start=1)}
    if not named:
        raise ConvMatrixError("ops must hold at least one operator, got none")
    return SpectrumComparison(tuple(SpectrumRow(str(name), singular_values(op)) for name, op in named.items()))


def _listed(ops: Any) -> list[Any]:
    if isinstance(ops, (str, TensorOperator)) or not hasattr(ops, "__iter__"):
        raise ConvMatrixError(f"ops must be a mapping or a sequence of operators, got {type(ops).__name__}")
    return list(ops)
