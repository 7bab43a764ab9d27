"""The entries of an operator as a sparse matrix that can be compared: numbers, or labels of exact values."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.operators.base import TensorOperator

_UNLIMITED = float("inf")
"""The callers have asked for the size before."""


@dataclass(frozen=True, eq=False)
class Entries:
    """The matrix of an operator, or of labels that stand for its exact values.

    Attributes
    ----------
    matrix : csr_array
        The numbers themselves; where `values` is given, labels: equal labels for equal values, 1 for the value 1, none
        for 0.
    values : tuple or None
        The exact value of each label; position 0 is the value 0.
    """

    matrix: csr_array
    values: tuple[Any, ...] | None = None

    def fractions(self) -> tuple[Fraction, ...] | None:
        """The exact values as fractions, or None if one is no rational number."""
        if self.values is None or not all(value.is_Rational for value in self.values):
            return None
        return tuple(Fraction(int(value.p), int(value.q)) for value in self.values)

    def conjugated(self) -> tuple[csr_array, bool]:
        """The labels of the conjugated values, -1 for one that occurs nowhere, and whether symbols leave some open."""
        import sympy

        values = self.values or ()
        labels = {value: label for label, value in enumerate(values)}
        conjugates = [_settled(value.conjugate()) for value in values]
        table = np.array([labels.get(value, -1) for value in conjugates])
        parts = (table[self.matrix.data], self.matrix.indices, self.matrix.indptr)
        return csr_array(parts, shape=self.matrix.shape), any(value.has(sympy.conjugate) for value in conjugates)


def explicit_entries(op: TensorOperator) -> Entries:
    """The matrix of an operator with numbers, the labels of one with exact entries.

    Raises
    ------
    ConvMatrixError
        If an entry is NaN or infinite.
    """
    if op.dtype == object:
        found = _labelled(op.tosympy(max_bytes=_UNLIMITED).todok(), op.shape)
        values = np.array(found.values, dtype=object)
    else:
        found = Entries(op.tosparse(max_bytes=_UNLIMITED))
        values = found.matrix.data
    if not exact.is_finite(values):
        raise ConvMatrixError(f"op must have finite entries to be inspected, got {exact.first_not_finite(values)}")
    return found


def _labelled(entries: dict[tuple[int, int], Any], shape: tuple[int, int]) -> Entries:
    """Equal values under one label; different expressions of one value are brought together first."""
    import sympy

    labels = {sympy.S.Zero: 0, sympy.S.One: 1}
    known: dict[Any, int] = {}
    data = np.empty(len(entries), dtype=np.int64)
    for place, value in enumerate(entries.values()):
        label = known.get(value)
        if label is None:
            label = known[value] = labels.setdefault(_settled(value), len(labels))
        data[place] = label
    places = np.array(list(entries), dtype=np.int64).reshape(-1, 2)
    matrix = coo_array((data, (places[:, 0], places[:, 1])), shape=shape).tocsr()
    matrix.sum_duplicates()
    return Entries(matrix, tuple(labels))


def _settled(value: Any) -> Any:
    """A form in which equal values are equal: polynomials expanded, anything else simplified as far as SymPy can."""
    import sympy

    if value.is_Rational or value.is_Symbol:
        return value
    expanded = sympy.expand(value)
    powers = expanded.atoms(sympy.Pow)
    plain = all(power.base.is_Symbol and power.exp.is_Integer and power.exp > 0 for power in powers)
    return expanded if plain and not expanded.atoms(sympy.Function) else sympy.simplify(expanded)
