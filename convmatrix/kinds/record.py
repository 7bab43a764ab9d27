"""What is known of one kind of convolution."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scipy.sparse import csr_array

from convmatrix.errors import ConvMatrixError
from convmatrix.operators import TensorOperator


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of convolution: how it is built, and which matrix that makes. From `cm.KINDS`.

    Attributes
    ----------
    name : str
        Its key in `cm.KINDS`.
    title, description : str
        A few words, and what it does.
    section : str
        Where the article has it, such as "8.1".
    reference : str
        The paper it comes from.
    structure : str
        What its matrix is, as a formula.
    build : callable
        Makes the operator; arguments as in PyTorch.

    Examples
    --------
    >>> import convmatrix as cm
    >>> kind = cm.KINDS["pointwise"]
    >>> kind.structure
    'C = W kron I'
    >>> kind.example().shape
    (18, 36)
    >>> kind.verify()
    True
    """

    name: str
    title: str
    description: str
    section: str
    reference: str
    structure: str
    build: Callable[..., TensorOperator]
    _example: Callable[[Callable[..., TensorOperator]], TensorOperator] = field(repr=False)
    _expected: Callable[[TensorOperator], csr_array] = field(repr=False)

    def example(self) -> TensorOperator:
        """The worked example, with the article's numbers where it has any and integer weights.

        Returns
        -------
        TensorOperator
        """
        return self._example(self.build)

    def expected(self, op: TensorOperator | None = None) -> csr_array:
        """The matrix that `structure` promises, put together by SciPy without the operator's own matrix.

        Parameters
        ----------
        op : TensorOperator, optional
            What `build` returned; by default the example.

        Returns
        -------
        csr_array
            Of the shape `op.shape`.

        Raises
        ------
        ConvMatrixError
            If `op` is not made of the layers that `build` puts together.
        """
        op = self.example() if op is None else op
        try:
            return self._expected(op)
        except (AttributeError, TypeError, ValueError, IndexError) as error:
            raise ConvMatrixError(f"op must be what KINDS[{self.name!r}].build makes, got {op!r}") from error

    def verify(self, op: TensorOperator | None = None) -> bool:
        """Whether the operator's matrix is the one that `structure` promises, entry for entry.

        Parameters
        ----------
        op : TensorOperator, optional
            What `build` returned, with numbers for weights; by default the example.

        Returns
        -------
        bool

        Raises
        ------
        ConvMatrixError
            If `op` is not made of the layers that `build` puts together, or if its weights are symbols.
        """
        op = self.example() if op is None else op
        promised, made = self.expected(op), op.tosparse()
        return promised.shape == made.shape and (promised != made).nnz == 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: the record, the example's shapes, and whether its structure holds."""
        op = self.example()
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "section": self.section,
            "reference": self.reference,
            "structure": self.structure,
            "verified": self.verify(op),
            "example": {
                "in_shape": list(op.in_shape),
                "out_shape": list(op.out_shape),
                "shape": list(op.shape),
                "nnz": op.nnz,
            },
        }

    def facts(self) -> list[tuple[str, str]]:
        """Names and values, as `str` shows them."""
        op = self.example()
        verified = "verified on the example" if self.verify(op) else "does NOT hold on the example"
        return [
            ("what", self.description),
            ("matrix", f"{self.structure} ({verified})"),
            ("example", f"{op.in_shape} -> {op.out_shape}, {op.shape[0]} x {op.shape[1]} matrix, {op.nnz} entries"),
            ("section", self.section),
            ("source", self.reference),
        ]

    def __str__(self) -> str:
        return "\n".join([f"{self.name}: {self.title}", *(f"  {name:<7}  {value}" for name, value in self.facts())])

    def _repr_html_(self) -> str:
        cells = [f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in self.facts()]
        caption = html.escape(f"{self.name}: {self.title}")
        return f"<table><caption>{caption}</caption>{''.join(cells)}</table>"
