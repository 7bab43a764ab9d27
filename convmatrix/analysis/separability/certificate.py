"""The 2x2 minor that proves a kernel is not separable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix.analysis.facts import exact_text, plain


@dataclass(frozen=True)
class Certificate:
    """A 2x2 minor that is not 0: whoever can multiply can check that the rank is at least 2.

    Attributes
    ----------
    rows, columns : pair of int
        Where the minor stands, each pair ascending.
    value : int, Fraction or SymPy expression
        `K[r0, c0] * K[r1, c1] - K[r0, c1] * K[r1, c0]`, never 0.
    mode : int or None
        Of a filter, the unfolding whose minor it is: axis `mode` as rows and the other axes, in order and row-major, as
        columns. None for a kernel.

    Examples
    --------
    >>> certificate = Certificate((0, 1), (0, 1), -2)
    >>> print(certificate)
    K[0,0] K[1,1] - K[0,1] K[1,0] = -2
    >>> certificate.minor([[1, 2], [3, 4]])
    -2
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    value: Any
    mode: int | None = None

    def minor(self, matrix: Any) -> Any:
        """The same minor of a 2-D array (of the unfolding, where there is a `mode`), computed afresh.

        Entries are multiplied as Python's own integers, which never wrap.
        """
        entries = np.asarray(matrix)
        a, b, c, d = (
            value.item() if isinstance(value, np.generic) else value
            for value in (entries[row, column] for row in self.rows for column in self.columns)
        )
        value = a * d - b * c
        return value.expand() if hasattr(value, "expand") else value

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; the value as text unless it is an integer."""
        return {
            "rows": list(self.rows),
            "columns": list(self.columns),
            "value": plain(self.value),
            "mode": self.mode,
        }

    def __str__(self) -> str:
        name = "K" if self.mode is None else f"K_({self.mode})"
        (r0, r1), (c0, c1) = self.rows, self.columns
        return f"{name}[{r0},{c0}] {name}[{r1},{c1}] - {name}[{r0},{c1}] {name}[{r1},{c0}] = {exact_text(self.value)}"
