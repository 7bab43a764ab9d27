"""What is known of one kind of convolution."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix.errors import ConvMatrixError
from convmatrix.kinds.agreement import agrees, check_room
from convmatrix.kinds.asked import Asked, asked_of
from convmatrix.kinds.structures import Matrix
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
        Makes the operator; arguments as in PyTorch, weights also as text that `convmatrix.kernel` reads.

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
    _expected: Callable[..., Matrix] = field(repr=False)

    def example(self) -> TensorOperator:
        """The worked example, with the article's numbers where it has any and integer weights.

        Returns
        -------
        TensorOperator
        """
        return self._example(self.build)

    def expected(self, op: TensorOperator | None = None) -> csr_array | np.ndarray:
        """The matrix that `structure` promises, put together by SciPy from what `build` was asked for.

        Nothing is read off the operator: neither a weight nor a size, a stride or a padding.

        Parameters
        ----------
        op : TensorOperator, optional
            What `build` returned; by default the example.

        Returns
        -------
        csr_array, or for fractions and symbols ndarray of objects
            Of the shape `op.shape`, if the build keeps its promise.

        Raises
        ------
        ConvMatrixError
            If this kind's `build` did not make `op`.
        MatrixTooLargeError
            If the matrix and its parts would not fit.

        Examples
        --------
        >>> import convmatrix as cm
        >>> kind = cm.KINDS["strided"]
        >>> kind.expected(kind.build("1 2", 5, stride=2)).toarray()
        array([[1, 2, 0, 0, 0],
               [0, 0, 1, 2, 0]])
        """
        op = self.example() if op is None else op
        asked = self._asked(op)
        check_room(op)
        return self._expected(**asked.weights, **asked.options)

    def verify(self, op: TensorOperator | None = None) -> bool:
        """Whether the operator's matrix is the one that `structure` promises for the arguments of its build.

        Integers, fractions and symbols are compared by `==`. Floats may be added up in another order: an entry may
        differ by `(n + 4) * eps` times the sum of its products' magnitudes, `n` the number of weights of one filter.

        Parameters
        ----------
        op : TensorOperator, optional
            What `build` returned; by default the example.

        Returns
        -------
        bool

        Raises
        ------
        ConvMatrixError
            If this kind's `build` did not make `op`, or if a weight is NaN or infinite.
        MatrixTooLargeError
            If the matrices that are compared, of exact weights dense ones, would not fit.

        Examples
        --------
        >>> import convmatrix as cm
        >>> kind = cm.KINDS["spatially_separable"]
        >>> kind.verify(kind.build("1/3 1", "a b", (4, 4), stride=(2, 1)))
        True
        >>> kind.verify(cm.conv("sobel_x", (4, 4)))
        Traceback (most recent call last):
        ...
        convmatrix.errors.ConvMatrixError: op must be what KINDS['spatially_separable'].build makes, got ...
        """
        op = self.example() if op is None else op
        asked = self._asked(op)
        return agrees(op, lambda weights: self._expected(**weights, **asked.options), asked.weights)

    def _asked(self, op: TensorOperator) -> Asked:
        asked = asked_of(op) if isinstance(op, TensorOperator) else None
        if asked is None or asked.kind != self.name:
            raise ConvMatrixError(f"op must be what KINDS[{self.name!r}].build makes, got {op!r}")
        return asked

    def __reduce__(self) -> tuple[Callable[[str], Kind], tuple[str]]:
        """Copies and pickles are the catalogue's own record: there is one of each name."""
        return _in_catalogue, (self.name,)

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


def _in_catalogue(name: str) -> Kind:
    from convmatrix.kinds.registry import KINDS

    return KINDS[name]
