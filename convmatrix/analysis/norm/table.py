"""Every bound of a norm that is known for an operator, side by side: how tight each is, and how long it takes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from convmatrix.analysis.facts import as_html, as_text, plain
from convmatrix.analysis.norm.answer import Enclosure, spectral_norm
from convmatrix.analysis.norm.certificate import rounded_up
from convmatrix.analysis.norm.enclosing import Enclosing
from convmatrix.analysis.norm.literature import Named, bounds_of_layers, has_symbol, usual_guesses
from convmatrix.analysis.norm.perron import bound_of_magnitudes, is_zero
from convmatrix.analysis.norm.underflow import length, underflow
from convmatrix.analysis.spectrum.numbers import UNIT, Numerical, growth, magnitudes, numerical
from convmatrix.analysis.spectrum.solving import work
from convmatrix.analysis.spectrum.structure import stripped
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry.arguments import one_of
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution

_ENTRIES = 2e7
"""Stored entries up to which a matrix is made for its Frobenius norm."""
_OWN_WORK = 1e11
"""Multiplications that a proof about the own matrix may take in a table."""
_OWN_WIDTH = 1e-6


@dataclass(frozen=True)
class NormBound:
    """One row of the table.

    Attributes
    ----------
    name : str
        What it is.
    value : float
        Its value.
    seconds : float
        What it took.
    source : str
        Where it is from.
    is_bound : bool
        Whether the norm is certainly at most that; some guesses that are in use are not.
    """

    name: str
    value: float
    seconds: float
    source: str
    is_bound: bool = True


@dataclass(frozen=True, eq=False)
class NormBounds:
    """The table of bounds of one operator, the tightest first.

    Attributes
    ----------
    op : TensorOperator
        The operator.
    norm : Enclosure
        Its norm, to 1 % unless another width was asked for.
    rows : tuple of NormBound
        Bounds, ascending, and then what is no bound.
    """

    op: TensorOperator
    norm: Enclosure
    rows: tuple[NormBound, ...] = field(repr=False)

    def excess(self, row: NormBound) -> float:
        """By which share a bound is above what the norm certainly attains; negative for a guess below it."""
        return row.value / self.norm.lower - 1 if self.norm.lower else (math.inf if row.value else 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types."""
        rows = [
            {
                "name": row.name,
                "value": plain(row.value),
                "excess": plain(self.excess(row)),
                "seconds": row.seconds,
                "source": row.source,
                "is_bound": row.is_bound,
            }
            for row in self.rows
        ]
        return {"norm": self.norm.to_dict(), "rows": rows}

    def _table(self) -> list[tuple[str, ...]]:
        lines: list[tuple[str, ...]] = [("bound", "value", "above", "ms", "source")]
        for row in self.rows:
            above = f"{100 * self.excess(row):+.2f} %" if row.is_bound else "no bound"
            lines.append((row.name, f"{row.value:.6g}", above, f"{1000 * row.seconds:.1f}", row.source))
        return lines

    def __str__(self) -> str:
        lines = self._table()
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        head = (
            f"norm between {self.norm.lower:.6g} and {self.norm.upper:.6g}, {self.op.in_shape} -> {self.op.out_shape}"
        )
        body = [
            f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {above:>{widths[2]}}  {took:>{widths[3]}}  {source}".rstrip()
            for name, value, above, took, source in lines
        ]
        return "\n".join([head, *body])

    def _repr_html_(self) -> str:
        facts = [(name, f"{value} ({above}), {source}") for name, value, above, _, source in self._table()[1:]]
        return as_html(as_text(f"norm between {self.norm.lower:.6g} and {self.norm.upper:.6g}", []), facts)


def norm_bounds(
    op: TensorOperator, names: str | Iterable[str] | None = None, width: float = 0.01, *, rng: Any = None
) -> NormBounds:
    """Every upper bound that is known for the norm of an operator, with its value, its time and its source.

    Of a layer with zero padding, or a circular one, those of the literature, each with its rounding counted; of
    anything else those that hold for every matrix. Two numbers that are often taken for the norm stand below: the norm
    of the circular layer of the same size, and that of the reshaped weight, which PyTorch's `spectral_norm` normalises.
    They are no bounds.

    Parameters
    ----------
    op : TensorOperator
        Of numbers.
    names : str or iterable of str, optional
        Those bounds alone, of what the operator has; by default all.
    width, rng
        For the norm that they are compared with: see `spectral_norm`.

    Returns
    -------
    NormBounds
        Prints as a table, the tightest first.

    Raises
    ------
    ConvMatrixError
        As `spectral_norm`; if a name is unknown.

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = cm.norm_bounds(cm.conv("1 1 1", 16, padding=1))
    >>> {row.name: round(row.value, 4) for row in found.rows if row.name in ("own matrix", "circular embedding")}
    {'own matrix': 2.9659, 'circular embedding': 3.0}
    >>> [row.name for row in found.rows if not row.is_bound]
    ['circular of the same size', 'reshaped weight']
    """
    chosen = _chosen(names)
    norm = spectral_norm(op, width, rng=rng)
    # A guess is about the weight as it is, a bound about what is read of it.
    rows = [*_rows(numerical(op), chosen, True), *_rows(numerical(op, unread=True), chosen, False)]
    ordered = sorted(rows, key=lambda row: (not row.is_bound, row.value if row.is_bound else 0.0))
    return NormBounds(op, norm, tuple(ordered))


def _rows(numbers: Numerical, chosen: tuple[str, ...], is_bound: bool) -> list[NormBound]:
    own = stripped(numbers.op)
    core = own.core.of if isinstance(own.core, Transposed) else own.core
    fitting = [] if core is None else [named for named in _fitting(core) if named.is_bound == is_bound]
    found = [row for named in fitting if named.name in chosen for row in _timed(core, named)]
    return [replace(row, value=_times(numbers, rounded_up(row.value * abs(own.factor)))) for row in found]


def _times(numbers: Numerical, value: float) -> float:
    """A bound that no float holds says nothing, which is no reason to refuse the others."""
    try:
        return float(numbers.times(value))
    except ConvMatrixError:
        return math.inf


def _chosen(names: Any) -> tuple[str, ...]:
    known = tuple(named.name for named in (*_OF_ANY, *bounds_of_layers(), *usual_guesses()))
    if names is None:
        return known
    if not isinstance(names, Iterable):
        raise ConvMatrixError(f"names must be names of bounds, got {names!r}")
    return tuple(one_of(name, "name", known) for name in ((names,) if isinstance(names, str) else names))


def _fitting(op: TensorOperator) -> Iterator[Named]:
    """What bounds an operator of its kind, and what it is often taken for."""
    yield from _OF_ANY
    if isinstance(op, Convolution) and op.geometry.axes:
        yield from bounds_of_layers() if has_symbol(op) else ()
        yield from usual_guesses()


def _timed(op: Any, named: Named) -> Iterator[NormBound]:
    started = time.perf_counter()
    value = named.compute(op)
    if value is not None:
        yield NormBound(named.name, value, time.perf_counter() - started, named.source, named.is_bound)


def _frobenius(op: TensorOperator) -> float | None:
    if op.nnz > _ENTRIES:
        return None
    entries = op.tosparse().data
    # What rounding made of the entries is a share of what was added up in them, which may have cancelled.
    lost = growth(op) * length(magnitudes(op).tosparse().data) + underflow(op).absolute * math.sqrt(entries.size)
    return rounded_up((length(entries) + lost) * (1 + (entries.size + 8) * UNIT), 8) if entries.any() or lost else 0.0


def _rows_and_columns(op: TensorOperator) -> float:
    if is_zero(op):
        return 0.0
    sizes, lost = magnitudes(op), underflow(op).absolute
    columns = float((sizes.T @ np.ones(op.shape[0])).max(initial=0)) + lost * op.shape[0]
    rows = float((sizes @ np.ones(op.shape[1])).max(initial=0)) + lost * op.shape[1]
    return rounded_up(math.sqrt(columns) * math.sqrt(rows) * (1 + growth(op)), 8)


def _own_matrix(op: TensorOperator) -> float | None:
    if work(op) > _OWN_WORK:
        return None
    enclosing = Enclosing(op, _OWN_WIDTH, np.random.default_rng(0))
    return enclosing.own_bound()


_OF_ANY = (
    Named("Frobenius norm", "root of the sum of squares", _frobenius),
    Named("rows and columns", "Schur's test", _rows_and_columns),
    Named("magnitudes", "Collatz & Wielandt", bound_of_magnitudes),
    Named("own matrix", "a Cholesky factor", _own_matrix),
)
