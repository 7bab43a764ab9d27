"""The stored entries of a small matrix, each with its value and the tap it comes from. Computed first, drawn after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.assembly import exact_entries, labelled_pattern
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Geometry, axis_table
from convmatrix.operators.algebra import Scaled, Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.convolution import Convolution
from convmatrix.operators.resampling import AvgPool
from convmatrix.plots.style import number

_SYMBOLIC = 20_000
"""Stored entries up to which the expressions of a symbolic product are worked out for a picture."""


@dataclass(frozen=True)
class Leaf:
    """The layer inside an operator: `factor * layer`, or that transposed."""

    layer: Convolution | AvgPool
    transposed: bool
    factor: Any

    @property
    def geometry(self) -> Geometry:
        """Of the convolution, also where its transpose is drawn."""
        return self.layer.geometry


@dataclass(frozen=True)
class Entries:
    """Every stored entry of a matrix.

    `classes` numbers what colours tell apart, from 0; those from `plain` on are entries in which several taps meet.
    `names` has a name a class, `meaning` says what they name ("tap", "weight" or "entry"). `classes` is None where
    only values are known.
    """

    rows: np.ndarray
    columns: np.ndarray
    values: list[Any]
    classes: np.ndarray | None = None
    names: tuple[str, ...] = ()
    plain: int = 0
    meaning: str = "tap"

    def numbers(self) -> np.ndarray | None:
        """The values as floats, magnitudes where they are complex; None where they are symbols."""
        try:
            return np.array([abs(v) if isinstance(v, complex) else float(v) for v in self.values], dtype=float)
        except TypeError:
            return None
        except OverflowError:
            raise ConvMatrixError("entries must fit a float64 to be drawn, got one that is larger") from None


def leaf_of(op: TensorOperator) -> Leaf | None:
    """The layer an operator is, up to a transpose and a factor; None of products, sums and the rest."""
    if isinstance(op, (Convolution, AvgPool)):
        return Leaf(op, False, 1)
    if not isinstance(op, (Scaled, Transposed)):
        return None
    inner = leaf_of(op.of)
    if inner is None:
        return None
    if isinstance(op, Transposed):
        return Leaf(inner.layer, not inner.transposed, inner.factor)
    return Leaf(inner.layer, inner.transposed, inner.factor * op.factor)


def entries_of(op: TensorOperator) -> Entries:
    """The stored entries, with taps where the operator has them."""
    leaf = leaf_of(op)
    return _matrix_entries(op) if leaf is None else _leaf_entries(leaf)


def tap_table(geometry: Geometry) -> tuple[np.ndarray, int, tuple[str, ...]]:
    """For each stored entry its class; how many classes are single taps; and the classes' names.

    The taps of a kernel are numbered in its order. Sums of taps that meet in one entry follow.
    """
    tables = [axis_table(axis) for axis in geometry.axes]
    labels = labelled_pattern(geometry)[2]
    extended = tuple([table.kernel_size + len(table.merged) for table in tables])
    taps = labels % math.prod(extended)
    where = np.unravel_index(taps, extended) if extended else ()
    single = np.ones(taps.shape, dtype=bool)
    for places, table in zip(where, tables, strict=True):
        single &= places < table.kernel_size
    classes = np.zeros(taps.shape, dtype=np.int64)
    if single.any() and extended:
        classes[single] = np.ravel_multi_index(tuple(p[single] for p in where), geometry.kernel_size)
    plain = math.prod(geometry.kernel_size)
    merged, numbers = np.unique(taps[~single], return_inverse=True)
    classes[~single] = plain + numbers
    names = [_tap_name(tuple(index), tables) for index in np.ndindex(*geometry.kernel_size)]
    names += [_tap_name(tuple(int(i) for i in np.unravel_index(tap, extended)), tables) for tap in merged]
    return classes, plain, tuple(names)


def default_color(entries: Entries) -> str:
    """By tap where there are several of them; else by value, unless that too is one or a symbol."""
    known = entries.numbers()
    if entries.classes is None or known is None:
        return "value" if known is not None else "tap"
    return "tap" if entries.meaning == "tap" or np.unique(known).size < 2 else "value"


def check_color(color: Any, entries: Entries) -> None:
    """Refuse a colouring that this operator does not have."""
    if color not in ("tap", "value"):
        raise ConvMatrixError(f"color must be one of 'tap', 'value', got {color!r}")
    if color == "tap" and entries.classes is None:
        raise ConvMatrixError(
            "color must be 'value' for a matrix that is not one layer's, whose taps are not known, got 'tap'"
        )
    if color == "value" and entries.numbers() is None:
        raise ConvMatrixError("color must be 'tap' for symbolic entries, got 'value'")


def _leaf_entries(leaf: Leaf) -> Entries:
    layer, geometry = leaf.layer, leaf.geometry
    rows, columns, values = exact_entries(geometry, layer.weight)
    if isinstance(layer, AvgPool):
        divisors = np.tile(layer.divisors.reshape(-1), geometry.out_channels)[rows].tolist()
        values = [Fraction(int(count), int(n)) for count, n in zip(values, divisors, strict=True)]
    if not (isinstance(leaf.factor, int) and leaf.factor == 1):
        values = [_times(leaf.factor, value) for value in values]
    classes, plain, names = tap_table(geometry)
    meaning = "tap"
    if plain == 1 and len(names) == 1 and layer.weight.size > 1:
        # A kernel of one tap: what differs is the pair of channels.
        classes = labelled_pattern(geometry)[2]
        pairs = np.ndindex(*geometry.weight_shape[:2])
        plain, meaning, names = layer.weight.size, "weight", tuple(f"({o}, {i})" for o, i in pairs)
    if leaf.transposed:
        rows, columns = columns, rows
    return Entries(rows, columns, values, classes.astype(np.int64), names, plain, meaning)


def _matrix_entries(op: TensorOperator) -> Entries:
    """Entries of a matrix that is not one layer's: values; where there is one value, or symbols, these are classes."""
    if op.dtype != object:
        matrix = op.tosparse("coo")
        entries = Entries(matrix.row, matrix.col, matrix.data.tolist())
    else:
        structure = op._structure().tocoo()
        if structure.nnz > _SYMBOLIC:
            stored = np.zeros(structure.nnz, dtype=np.int64)
            return Entries(structure.row, structure.col, [1] * structure.nnz, stored, ("stored",), 1, "entry")
        known = op.tosympy().todok()
        places = zip(structure.row.tolist(), structure.col.tolist(), strict=True)
        entries = Entries(structure.row, structure.col, [_plain(known.get(place, 0)) for place in places])
    if len(set(entries.values)) > 1 and entries.numbers() is not None:
        return entries
    distinct = {value: place for place, value in enumerate(dict.fromkeys(entries.values))}
    classes = np.array([distinct[value] for value in entries.values], dtype=np.int64)
    names = tuple(number(value) for value in distinct)
    return Entries(entries.rows, entries.columns, entries.values, classes, names, len(names), "entry")


def _plain(value: Any) -> Any:
    """A SymPy rational as a fraction, so that it prints and compares as one."""
    if exact.is_sympy(value) and value.is_Rational:
        return int(value) if value.is_Integer else Fraction(int(value.p), int(value.q))
    return value


def _times(factor: Any, value: Any) -> Any:
    if exact.is_sympy(factor) or exact.is_sympy(value):
        return exact.to_sympy(factor) * exact.to_sympy(value)
    return factor * value


def _tap_name(index: tuple[int, ...], tables: list[Any]) -> str:
    """`(0, 2)`, or `(0, 0+2)` where taps 0 and 2 of the last axis meet."""
    parts = []
    for place, table in zip(index, tables, strict=True):
        if place < table.kernel_size:
            parts.append(str(place))
        else:
            parts.append("+".join(map(str, table.merged[place - table.kernel_size])))
    return f"({', '.join(parts)})"
