"""The fifteen relationships of convolution arithmetic, each a formula, its condition and the operator that shows it.

V. Dumoulin, F. Visin: A guide to convolution arithmetic for deep learning, 2016, arXiv:1603.07285.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.kinds.numbers import integers
from convmatrix.operators import TensorOperator, avg_pool, conv, conv_transpose

LETTERS = {
    "i": "input size",
    "k": "kernel size",
    "s": "stride",
    "p": "padding on each side",
    "d": "dilation",
    "a": "output padding",
}
_LEAST = {"i": 1, "k": 1, "s": 1, "p": 0, "d": 1, "a": 0}
_NAMES = {"s": "stride", "p": "padding", "d": "dilation", "a": "output_padding"}
_PADDINGS: dict[str, Callable[[int], int]] = {"half": lambda k: k // 2, "full": lambda k: k - 1}


@dataclass(frozen=True, eq=False)
class Relationship:
    """One relationship between the sizes of a layer's input and output, along one axis.

    Attributes
    ----------
    number : int
        In the numbering of Dumoulin and Visin.
    title, statement : str
        Which layers, and what holds for them.
    letters : str
        The letters it is about: `i` input size, `k` kernel size, `s` stride, `p` padding on each side, `d` dilation,
        `a` output padding; of a transposed layer all are its own, in PyTorch's sense.
    family : {"convolution", "pooling", "transposed"}
        What kind of layer.

    Examples
    --------
    >>> import convmatrix as cm
    >>> six = cm.RELATIONSHIPS[5]
    >>> print(six)
    6. zero padding, any stride: o = floor((i - k + 2*p)/s) + 1
    >>> six.size(i=5, k=3, s=2, p=1)
    3
    >>> six.holds(i=5, k=3, s=2, p=1)
    True
    """

    number: int
    title: str
    statement: str
    letters: str
    family: str
    _size: Callable[[SimpleNamespace], Any] = field(repr=False)
    _condition: Callable[[SimpleNamespace], Any] = field(repr=False)
    _padding: str = field(default="", repr=False)

    @cached_property
    def output_size(self) -> Any:
        """The output size as a SymPy expression in the letters."""
        return self._size(_symbols())

    @cached_property
    def condition(self) -> Any:
        """When the relationship holds, as a SymPy relation in the letters."""
        return self._condition(_symbols())

    def size(self, **values: int) -> int:
        """The output size that the formula gives.

        Parameters
        ----------
        **values
            An integer for each of the letters.

        Returns
        -------
        int

        Raises
        ------
        ConvMatrixError
            If a letter is missing, unknown or too small.
        """
        return int(_at(self.output_size, self._checked(values)))

    def applies(self, **values: int) -> bool:
        """Whether the condition is met by these values; arguments and errors as for `size`."""
        return bool(_at(self.condition, self._checked(values)))

    def operator(self, *, axes: int = 1, **values: int) -> TensorOperator:
        """The layer that the relationship speaks of, with integer weights, on so many axes alike.

        Raises
        ------
        ConvMatrixError
            If a letter is missing, unknown or too small, `axes` is below 1, or if there is no such layer.
        """
        self._checked(values)
        axes = arguments.integer(axes, "axes", 1)
        i, k = (values["i"],) * axes, values["k"]
        options: dict[str, Any] = {name: values[letter] for letter, name in _NAMES.items() if letter in values}
        if self._padding:
            options["padding"] = _PADDINGS[self._padding](k)
        if self.family == "pooling":
            return avg_pool((1, *i), k, **options)
        weight = integers(*(k,) * axes)
        return conv_transpose(weight, i, **options) if self.family == "transposed" else conv(weight, i, **options)

    def equivalent(self, *, axes: int = 1, **values: int) -> TensorOperator | None:
        """The direct convolution that a transposed layer equals, or None of other layers.

        The input is stretched by `s - 1` zeros between its entries and padded by `k - p - 1` on each side and `a` more
        behind; over it slides the turned kernel, with stride 1.

        Raises
        ------
        ConvMatrixError
            As `operator`; and if `p` is `k` or more, where the padding would be negative.
        """
        self._checked(values)
        axes = arguments.integer(axes, "axes", 1)
        if self.family != "transposed":
            return None
        k, padding = values["k"], values.get("p", 0)
        if self._padding:
            padding = _PADDINGS[self._padding](k)
        if padding > k - 1:
            raise ConvMatrixError(f"p must be below k for the direct convolution, got {padding} with k = {k}")
        one = np.ones((1,) * axes, dtype=np.int64)
        stretched = conv_transpose(one, (values["i"],) * axes, stride=values.get("s", 1))
        pads = [(k - padding - 1, k - padding - 1 + values.get("a", 0))] * axes
        return conv(integers(*(k,) * axes), stretched.out_shape[1:], padding=pads, flip=True) @ stretched

    def holds(self, *, axes: int = 1, **values: int) -> bool:
        """Whether it is so: the layer is built, and its matrix compared.

        The output size must be what the formula gives, on every axis; a transposed layer's matrix must moreover be that
        of the direct convolution on the stretched input, entry for entry.

        Parameters
        ----------
        axes : int, default 1
            Spatial axes of the layer, all alike.
        **values
            An integer for each of the letters; they need not meet the condition.

        Returns
        -------
        bool

        Raises
        ------
        ConvMatrixError
            As `operator` and `equivalent`.
        """
        op = self.operator(axes=axes, **values)
        size = self.size(**values)
        if op.out_shape[1:] != (size,) * axes or op.tosparse().shape[0] != size**axes:
            return False
        other = self.equivalent(axes=axes, **values)
        return other is None or (other.shape == op.shape and (other.tosparse() != op.tosparse()).nnz == 0)

    def _checked(self, values: Mapping[str, int]) -> dict[str, int]:
        if set(values) != set(self.letters):
            wanted, got = ", ".join(self.letters), ", ".join(sorted(values)) or "none"
            raise ConvMatrixError(f"relationship {self.number} must be given {wanted}, got {got}")
        return {letter: arguments.integer(value, letter, _LEAST[letter]) for letter, value in values.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, formulas as text."""
        return {
            "number": self.number,
            "title": self.title,
            "statement": self.statement,
            "family": self.family,
            "letters": {letter: LETTERS[letter] for letter in self.letters},
            "condition": str(self.condition),
            "output_size": str(self.output_size),
        }

    def __str__(self) -> str:
        return f"{self.number}. {self.title}: o = {self.output_size}"

    def _repr_latex_(self) -> str:
        import sympy

        return f"$\\displaystyle o = {sympy.latex(self.output_size)}$"

    def _repr_html_(self) -> str:
        facts = {"statement": self.statement, "output size": self.output_size, "condition": self.condition}
        cells = [f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>" for name, value in facts.items()]
        return f"<table><caption>{self.number}. {html.escape(self.title)}</caption>{''.join(cells)}</table>"


def _at(formula: Any, values: Mapping[str, int]) -> Any:
    return formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols})


def _symbols() -> SimpleNamespace:
    import sympy

    positive = {letter: sympy.Symbol(letter, integer=True, positive=True) for letter in "iksd"}
    others = {letter: sympy.Symbol(letter, integer=True, nonnegative=True) for letter in "pa"}
    return SimpleNamespace(**positive, **others, floor=sympy.floor, both=sympy.And, odd=lambda n: sympy.Eq(n % 2, 1))


def always(_: SimpleNamespace) -> Any:
    """The condition that any values meet."""
    import sympy

    return sympy.true
