"""The matrix of an operator with exact entries, where SciPy cannot hold them: integers of any size, fractions, symbols.

Products are expanded into their terms and added up place by place, in Python's own numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import assembly, exact
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.errors import MatrixTooLargeError
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed, layers_of
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.composite import Composite
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool, Resize

MOST_TERMS = 2_000_000
"""Products of two entries up to which a product of exact matrices is expanded, some seconds; of symbols a tenth."""
_TERM_BYTES = 100


@dataclass(frozen=True, eq=False)
class ExactEntries:
    """Entries by place, sorted: `places` is `row * columns + column`, each once; `values` the objects there."""

    places: np.ndarray
    values: np.ndarray
    shape: tuple[int, int]

    @property
    def rows(self) -> np.ndarray:
        """The row of each entry."""
        return self.places // self.shape[1]

    @property
    def columns(self) -> np.ndarray:
        """The column of each entry."""
        return self.places % self.shape[1]

    def transposed(self) -> ExactEntries:
        """The transpose."""
        return _merged(self.columns * self.shape[0] + self.rows, self.values, self.shape[::-1])

    def plus(self, other: ExactEntries) -> ExactEntries:
        """The sum of two matrices."""
        places = np.concatenate([self.places, other.places])
        return _merged(places, np.concatenate([self.values, other.values]), self.shape)

    def scaled(self, factor: Any) -> ExactEntries:
        """A multiple."""
        return ExactEntries(self.places, _mapped(lambda value: factor * value, self.values), self.shape)

    def times(self, other: ExactEntries) -> ExactEntries:
        """The product `self @ other`."""
        starts = np.searchsorted(other.rows, np.arange(other.shape[0] + 1))
        met = np.diff(starts)[self.columns]
        total = int(met.sum())
        most = MOST_TERMS // (10 if exact.is_symbolic(self.values) or exact.is_symbolic(other.values) else 1)
        if total > most:
            needed, limit = total * _TERM_BYTES, most * _TERM_BYTES
            raise MatrixTooLargeError("the exact product", needed, limit, "use a smaller input_size or fewer channels")
        left = np.repeat(np.arange(self.places.size), met)
        before = np.cumsum(met) - met
        right = np.repeat(starts[self.columns] - before, met) + np.arange(total)
        places = self.rows[left] * other.shape[1] + other.columns[right]
        return _merged(places, self.values[left] * other.values[right], (self.shape[0], other.shape[1]))


def is_exact(op: TensorOperator) -> bool:
    """Whether every entry is an integer, fraction or SymPy expression without floats, averages included.

    Examples
    --------
    >>> import convmatrix as cm
    >>> is_exact(cm.conv([1, 2], 4)), is_exact(cm.conv([1.0, 2.0], 4)), is_exact(cm.avg_pool((1, 4), 2))
    (True, False, True)
    """
    return all(map(_is_exact_layer, layers_of(op)))


def _is_exact_layer(op: TensorOperator) -> bool:
    """Whether a layer is exact, or the factor of a multiple."""
    if isinstance(op, Scaled):
        return _is_exact_value(op.factor)
    while isinstance(op, Transposed):
        op = op.of
    if isinstance(op, Composite):
        return is_exact(op)
    if isinstance(op, (AvgPool, Resize)):
        return op._yields > 0
    if op.dtype == object and isinstance(op, Convolution):
        return all(map(_is_exact_value, op.weight.flat))
    return op.dtype.kind in "iO"


def exact_entries(op: TensorOperator) -> ExactEntries:
    """The exact matrix; floats as the dyadic rationals they are.

    Raises
    ------
    MatrixTooLargeError
        If a product has too many terms.

    Examples
    --------
    >>> import convmatrix as cm
    >>> C = cm.conv([10**12, 1], 2)
    >>> exact_entries(C.T @ C).values.tolist()
    [1000000000000000000000000, 1000000000000, 1000000000000, 1]
    """
    if isinstance(op, Product):
        return exact_entries(op.left).times(exact_entries(op.right))
    if isinstance(op, Sum):
        return exact_entries(op.left).plus(exact_entries(op.right))
    if isinstance(op, Transposed):
        return exact_entries(op.of).transposed()
    if isinstance(op, Scaled):
        return exact_entries(op.of).scaled(exact.as_exact(exact.as_array([op.factor], "the factor"))[0])
    if isinstance(op, Convolution):
        weight = exact.as_exact(op.weight)
        rows, columns, values = assembly.exact_entries(op.geometry, weight)
        return _merged(np.asarray(rows) * op.shape[1] + columns, _objects(values), op.shape)
    found = op.tosympy().todok()
    places = np.array([row * op.shape[1] + column for row, column in found], dtype=np.int64)
    return _merged(places, _objects([_plain(value) for value in found.values()]), op.shape)


def symbols_of(op: TensorOperator) -> bool:
    """Whether a weight or factor holds a SymPy expression that is no rational number."""
    if isinstance(op, Scaled):
        return exact.is_sympy(op.factor) or symbols_of(op.of)
    if isinstance(op, (Product, Sum)):
        return symbols_of(op.left) or symbols_of(op.right)
    if isinstance(op, Transposed):
        return symbols_of(op.of)
    return any(isinstance(leaf, Convolution) and exact.is_symbolic(leaf.weight) for leaf in leaves(op))


def _merged(places: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> ExactEntries:
    """Entries sorted by place, those of one place added up."""
    order = np.argsort(places, kind="stable")
    places, values = places[order], values[order]
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    if starts.size < places.size:
        values = np.add.reduceat(values, starts)
    return ExactEntries(places[starts], values, shape)


def _mapped(function: Callable[[Any], Any], values: np.ndarray) -> np.ndarray:
    known: dict[Any, Any] = {}
    return _objects([known[v] if v in known else known.setdefault(v, function(v)) for v in values.tolist()])


def _objects(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _plain(value: Any) -> Any:
    """A SymPy rational as Python's own number, which is far quicker."""
    if not value.is_Rational:
        return value
    return int(value.p) if value.q == 1 else Fraction(int(value.p), int(value.q))


def _is_exact_value(value: Any) -> bool:
    if exact.is_sympy(value):
        import sympy

        return not value.has(sympy.Float)
    return isinstance(value, (int, Fraction, np.integer))
