"""What `cost` and `compare_costs` answer: a row a layer, a row an operator."""

from __future__ import annotations

import operator as indexing
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from convmatrix.analysis.cost import wording
from convmatrix.analysis.cost.algebra import formulas_of
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry.arguments import one_of
from convmatrix.operators import TensorOperator

QUANTITIES = (
    "multiplications",
    "true_multiplications",
    "additions",
    "true_additions",
    "parameters",
    "biases",
    "activation_bytes",
)
"""What two costs are compared by."""


@dataclass(frozen=True, eq=False)
class CostStage:
    """What one layer costs, or the sum that joins branches.

    Attributes
    ----------
    name : str
        The layer in a few words.
    in_shape, out_shape : tuple of int
        Its tensors.
    multiplications, true_multiplications, additions, true_additions, parameters, biases : int
        As in `Cost`.
    activation_bytes : int
        Of its output; 0 of an identity, which is its input.
    layer : TensorOperator
        The layer.
    """

    name: str
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    multiplications: int
    true_multiplications: int
    additions: int
    true_additions: int
    parameters: int
    biases: int
    activation_bytes: int
    layer: TensorOperator = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return wording.stage_to_dict(self)


@dataclass(frozen=True, eq=False)
class Cost:
    """What an operator costs, exactly, in Python integers.

    Attributes
    ----------
    in_shape, out_shape : tuple of int
        Its tensors.
    dtype : str
        Of the activations.
    stages : tuple of CostStage
        The layers in the order they are applied; a sum comes after its branches.
    input_bytes : int
        Of the tensors read that no layer here wrote: the input, and what comes from steps between layers of a list.
    """

    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    dtype: str
    stages: tuple[CostStage, ...]
    input_bytes: int

    @cached_property
    def multiplications(self) -> int:
        """By the usual convention: every position of the output times every weight, zeros of the padding included."""
        return sum(stage.multiplications for stage in self.stages)

    @cached_property
    def true_multiplications(self) -> int:
        """Of weights with real inputs alone."""
        return sum(stage.true_multiplications for stage in self.stages)

    @cached_property
    def additions(self) -> int:
        """By the usual convention: an output of `n` products takes `n - 1`, its bias one more."""
        return sum(stage.additions for stage in self.stages)

    @cached_property
    def true_additions(self) -> int:
        """Of the products counted by `true_multiplications`, and of biases with them."""
        return sum(stage.true_additions for stage in self.stages)

    @cached_property
    def parameters(self) -> int:
        """Weight entries, biases not counted."""
        return sum(stage.parameters for stage in self.stages)

    @cached_property
    def biases(self) -> int:
        """Bias entries."""
        return sum(stage.biases for stage in self.stages)

    @cached_property
    def activation_bytes(self) -> int:
        """Bytes of the input and of every layer's output, in `dtype`."""
        return self.input_bytes + sum(stage.activation_bytes for stage in self.stages)

    @property
    def formula(self) -> Any:
        """The multiplications in SymPy: `formula.subs(substitutions) == multiplications`.

        In letters c_in, c_out, g, i, k, s, p, d (p_before and p_after where they differ), with the size rule written
        out; where axes differ the letters end in z, y, x, and of several layers in the layer's number. `c` are the
        channels of an average, `e` the entries of a linear interpolation, `o` an output size that no rule gives.
        """
        return self._algebra[0]

    @property
    def formula_parameters(self) -> Any:
        """The weight entries in SymPy, in the same letters."""
        return self._algebra[1]

    @property
    def substitutions(self) -> dict[Any, int]:
        """What each letter of the formulas stands for."""
        return dict(self._algebra[2])

    @cached_property
    def _algebra(self) -> tuple[Any, Any, dict[Any, int]]:
        return formulas_of([stage.layer for stage in self.stages if stage.multiplications])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; formulas as text."""
        return wording.cost_to_dict(self)

    def __str__(self) -> str:
        return wording.cost_to_text(self)

    def __repr__(self) -> str:
        return f"Cost({wording.headline(self)})"

    def _repr_html_(self) -> str:
        return wording.cost_to_html(self)

    def _repr_latex_(self) -> str | None:
        if len(self.stages) != 1:
            return None
        import sympy

        return rf"$\displaystyle {sympy.latex(self.formula)}$"


@dataclass(frozen=True, eq=False)
class CostRow:
    """One of several operators that are compared."""

    name: str
    cost: Cost


@dataclass(frozen=True, eq=False)
class CostComparison:
    """What several operators cost, beside each other.

    It is a sequence of rows, which are also found by name: `found["depthwise separable"]`.

    Attributes
    ----------
    rows : tuple of CostRow
        In the order given.
    baseline : str
        The name of the row that the others are measured by.
    notes : tuple of str
        Which rows map other shapes than the baseline.
    """

    rows: tuple[CostRow, ...]
    baseline: str
    notes: tuple[str, ...] = ()

    def ratio(self, name: str, quantity: str = "multiplications", *, baseline: str | None = None) -> Fraction:
        """What a row costs as a share of the baseline, exactly.

        Parameters
        ----------
        name : str
            Of the row.
        quantity : str, default "multiplications"
            One of `multiplications`, `true_multiplications`, `additions`, `true_additions`, `parameters`, `biases`,
            `activation_bytes`.
        baseline : str, optional
            Another row to measure by.

        Returns
        -------
        Fraction

        Raises
        ------
        ConvMatrixError
            If there is no such row or quantity, or the baseline has none of it.
        """
        one_of(quantity, "quantity", QUANTITIES)
        by = self.baseline if baseline is None else one_of(baseline, "baseline", [row.name for row in self.rows])
        whole = getattr(self[by].cost, quantity)
        if not whole:
            raise ConvMatrixError(f"baseline must have {quantity.replace('_', ' ')}, got {by!r}, which has none")
        return Fraction(getattr(self[name].cost, quantity), whole)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[CostRow]:
        return iter(self.rows)

    def __getitem__(self, key: str | int) -> CostRow:
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
        """Plain JSON types; ratios as text such as "8/9"."""
        return wording.comparison_to_dict(self)

    def __str__(self) -> str:
        return wording.comparison_to_text(self)

    def __repr__(self) -> str:
        return f"CostComparison({', '.join(row.name for row in self.rows)})"

    def _repr_html_(self) -> str:
        return wording.comparison_to_html(self)
