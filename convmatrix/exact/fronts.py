"""Elimination of a sparse matrix modulo a prime, by a dense front that moves along it.

Rows are sorted by their first column. Columns are eliminated from left to right, some at a time: only the rows that
have begun take part, up to the last column that one of them reaches. So a matrix with a band costs its width twice a
column, not its size twice. Within the front everything is as in `modular`: balanced residues in float64 whose products
stay exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from convmatrix.exact.modular import inverse_modulo, product, reduced
from convmatrix.exact.sparse import IntegerMatrix
from convmatrix.parallel import in_order, single_threaded_algebra

_PANEL = 64
"""Columns eliminated before the rest of the front is updated; below 256, so that one product is exact."""
_LEAF = 8
"""Columns of a panel eliminated one by one."""
_ROWS = 256
"""Rows updated at a time: what the cache takes."""
_PARALLEL = 3e7
"""Multiplications from which a second thread pays."""
_OVERHEAD = 50_000
"""What a column costs besides, in multiplications."""


@dataclass(frozen=True, eq=False)
class Order:
    """In which order rows and columns are eliminated.

    Attributes
    ----------
    rows, columns : ndarray of int
        The first to be taken first.
    work : float
        About how many multiplications that takes.
    front : int
        About the most rows of the front.
    nbytes : int
        About what the panels take, and the front itself.
    """

    rows: np.ndarray
    columns: np.ndarray
    work: float
    front: int
    nbytes: int


@dataclass(frozen=True, eq=False)
class Panel:
    """What was done with some columns.

    Attributes
    ----------
    start : int
        The first of them, in the order of the elimination.
    rows : ndarray of int
        The rows of the front, those of the pivots first, in the matrix's own order.
    pivots : ndarray of int
        The columns of the pivots, counted from `start`.
    lower : ndarray of shape `(len(rows), len(pivots))`, of float32
        How often each pivot's row was taken from each row below it.
    upper : ndarray of shape `(len(pivots), width)`, of float32
        The pivots' rows, from `start` on.
    prime : int
    """

    start: int
    rows: np.ndarray
    pivots: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    prime: int

    @cached_property
    def _inverses(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the square part of the multipliers with ones on the diagonal, and of the pivots' own columns."""
        count = len(self.pivots)
        lower = np.tril(self.lower[:count].astype(np.float64), -1) + np.eye(count)
        own = np.triu(self.upper[:, self.pivots].astype(np.float64))
        return inverse_modulo(lower, self.prime), inverse_modulo(own, self.prime)

    def forward(self, right: np.ndarray) -> None:
        """The same done to right sides `(m, count)`, in place."""
        count = len(self.pivots)
        top = product(self._inverses[0], right[self.rows[:count]], self.prime)
        right[self.rows[:count]] = top
        below = self.rows[count:]
        right[below] = reduced(right[below] - self.lower[count:].astype(np.float64) @ top, self.prime)

    def backward(self, right: np.ndarray, found: np.ndarray) -> None:
        """The unknowns of the pivots, where all later ones are known, into `found` of shape `(n, count)`."""
        window = found[self.start : self.start + self.upper.shape[1]]
        known = product(self.upper.astype(np.float64), window, self.prime)
        rest = reduced(right[self.rows[: len(self.pivots)]] - known, self.prime)
        window[self.pivots] = product(self._inverses[1], rest, self.prime)


@dataclass(frozen=True, eq=False)
class Eliminated:
    """A matrix in echelon form modulo a prime.

    Attributes
    ----------
    prime : int
    shape : tuple of int
        Of the matrix.
    rows, columns : ndarray of int
        Those of the pivots: the square matrix they make is regular modulo the prime, and so is it.
    free : ndarray of int
        The other columns.
    """

    prime: int
    shape: tuple[int, int]
    rows: np.ndarray
    columns: np.ndarray
    free: np.ndarray
    _order: np.ndarray = field(repr=False)
    _panels: tuple[Panel, ...] = field(repr=False)

    @property
    def rank(self) -> int:
        """Modulo the prime: a lower bound of the rank."""
        return len(self.rows)

    @property
    def work(self) -> float:
        """Multiplications to solve for one right side."""
        return float(sum(panel.lower.size + panel.upper.size for panel in self._panels))

    def null_vectors(self) -> np.ndarray:
        """Modulo the prime, `(n, len(free))`: for each free column the one that is 1 there and 0 at the others."""
        found = np.zeros((self.shape[1], len(self.free)))
        place = np.empty(self.shape[1], dtype=np.int64)
        place[self._order] = np.arange(self.shape[1])
        found[place[self.free], np.arange(len(self.free))] = 1
        self._backward(np.zeros((self.shape[0], len(self.free))), found)
        return found[place]

    def solve(self, right: np.ndarray) -> np.ndarray:
        """The unknowns `(n, count)`, 0 at the free columns, of the pivots' equations with right sides `(m, count)`."""
        right, found = right.copy(), np.zeros((self.shape[1], right.shape[1]))
        with single_threaded_algebra():
            for panel in self._panels:
                panel.forward(right)
        self._backward(right, found)
        unknowns = np.empty_like(found)
        unknowns[self._order] = found
        return unknowns

    def _backward(self, right: np.ndarray, found: np.ndarray) -> None:
        with single_threaded_algebra():
            for panel in reversed(self._panels):
                panel.backward(right, found)


def order_of(matrix: IntegerMatrix) -> Order:
    """The cheaper of two: as the columns are, or by Cuthill and McKee's.

    Examples
    --------
    >>> order_of(IntegerMatrix.of(np.array([[0, 1], [1, 1]]))).rows.tolist()
    [1, 0]
    """
    rows, columns = matrix.shape
    natural = _ordered(matrix, np.arange(columns))
    if natural.front <= 2 * _PANEL:
        return natural
    pattern = csr_array((np.ones(matrix.nnz, dtype=np.int8), matrix.indices, matrix.indptr), shape=matrix.shape)
    graph = block_array([[None, pattern], [pattern.T, None]], format="csr")
    order = np.asarray(reverse_cuthill_mckee(graph, symmetric_mode=True), dtype=np.int64)
    return min(natural, _ordered(matrix, order[order >= rows] - rows), key=lambda own: own.work)


def eliminated(matrix: IntegerMatrix, prime: int, order: Order | None = None, keep: bool = True) -> Eliminated:
    """Bring a matrix to echelon form modulo a prime.

    Parameters
    ----------
    matrix : IntegerMatrix
        Of shape `(m, n)`.
    prime : int
        Below `2**23`.
    order : Order, optional
        By default `order_of(matrix)`.
    keep : bool, default True
        Whether systems are to be solved with it; without, only the rank and the pivots are known.

    Raises
    ------
    MatrixTooLargeError
        If that would not fit in memory.

    Examples
    --------
    >>> found = eliminated(IntegerMatrix.of(np.array([[1, 2], [2, 4]])), 101)
    >>> found.rank, found.free.tolist(), found.null_vectors().tolist()
    (1, [1], [[-2.0], [1.0]])
    """
    order = order_of(matrix) if order is None else order
    with single_threaded_algebra():
        panels = list(_panels(matrix, prime, order, keep))
    rows = [panel.rows[: len(panel.pivots)] for panel in panels]
    places = [panel.start + panel.pivots for panel in panels]
    none = np.zeros(0, dtype=np.int64)
    columns = order.columns[np.concatenate([none, *places])]
    free = np.setdiff1d(np.arange(matrix.shape[1]), columns)
    return Eliminated(
        prime, matrix.shape, np.concatenate([none, *rows]), columns, free, order.columns, tuple(panels if keep else ())
    )


def _ordered(matrix: IntegerMatrix, columns: np.ndarray) -> Order:
    """Columns as given, rows by their first and last one, and what that costs."""
    first, last = _ends(matrix, columns)
    begun = np.flatnonzero(last >= 0)
    rows = begun[np.lexsort((last[begun], first[begun]))]
    starts = np.arange(0, matrix.shape[1], _PANEL)
    stops = np.minimum(starts + _PANEL, matrix.shape[1])
    entered = np.searchsorted(first[rows], stops)
    reach = np.maximum(np.maximum.accumulate(np.append(-1, last[rows]))[entered] + 1, stops)
    fronts, done = np.zeros(len(starts)), 0
    for number, (count, width) in enumerate(zip(entered.tolist(), (stops - starts).tolist(), strict=True)):
        fronts[number] = count - done
        done = min(count, done + width)
    work = float((fronts * (stops - starts) * (reach - starts)).sum()) + _OVERHEAD * matrix.shape[1]
    kept = 4 * ((stops - starts) * (fronts + reach - starts)).sum() + 24 * (fronts * (reach - starts)).max(initial=0)
    return Order(rows, columns, work, int(fronts.max(initial=0)), int(kept))


def _ends(matrix: IntegerMatrix, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and last place, in the order of the columns, at which each row has an entry; `(n, -1)` if nowhere."""
    place = np.empty(matrix.shape[1], dtype=np.int64)
    place[columns] = np.arange(matrix.shape[1])
    first = np.full(matrix.shape[0], matrix.shape[1], dtype=np.int64)
    last = np.full(matrix.shape[0], -1, dtype=np.int64)
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if filled.size:
        places, starts = place[matrix.indices], matrix.indptr[filled]
        first[filled] = np.minimum.reduceat(places, starts)
        last[filled] = np.maximum.reduceat(places, starts)
    return first, last


def _panels(matrix: IntegerMatrix, prime: int, order: Order, keep: bool) -> Iterator[Panel]:
    """The panels that have pivots, one after the other."""
    columns = matrix.shape[1]
    place = np.empty(columns, dtype=np.int64)
    place[order.columns] = np.arange(columns)
    values = matrix.residues(prime)
    first, last = (own[order.rows] for own in _ends(matrix, order.columns))
    front, rows = np.zeros((0, 0)), np.zeros(0, dtype=np.int64)
    for start in range(0, columns, _PANEL):
        width = min(_PANEL, columns - start)
        begin, stop = np.searchsorted(first, [start, start + width])
        reach = max(int(last[begin:stop].max(initial=0)) + 1 - start, front.shape[1], width)
        rows = np.concatenate([rows, order.rows[begin:stop]])
        grown = np.zeros((len(rows), reach))
        grown[: len(front), : front.shape[1]] = front
        _fill(grown[len(front) :], matrix, order.rows[begin:stop], place, values, start)
        found, lower = _eliminate(grown, rows, width, prime)
        count = len(found)
        if count:
            yield Panel(
                start,
                rows.copy(),
                np.array(found, dtype=np.int64),
                lower[:, :count].astype(np.float32) if keep else lower[:0, :0],
                grown[:count].astype(np.float32) if keep else grown[:0, :0],
                prime,
            )
        front, rows = grown[count:, width:], rows[count:]
        alive = front.any(axis=1)
        if not alive.all():
            front, rows = front[alive], rows[alive]


def _fill(
    front: np.ndarray, matrix: IntegerMatrix, rows: np.ndarray, place: np.ndarray, values: np.ndarray, start: int
) -> None:
    """Write rows of the matrix into a front that begins at a column."""
    lengths = np.diff(matrix.indptr)[rows]
    own = np.repeat(matrix.indptr[:-1][rows] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    front[np.repeat(np.arange(len(rows)), lengths), place[matrix.indices[own]] - start] = values[own]


def _eliminate(front: np.ndarray, rows: np.ndarray, width: int, prime: int) -> tuple[list[int], np.ndarray]:
    """Eliminate the first columns of a front in place; the pivots' columns, and the multipliers of all rows."""
    lower = np.zeros((len(front), width))
    found = _halves(front, lower, rows, 0, (0, width), prime)
    if found and front.shape[1] > width:
        _update(front[:, width:], lower, 0, len(found), prime)
    return found, lower


def _halves(
    front: np.ndarray, lower: np.ndarray, rows: np.ndarray, done: int, part: tuple[int, int], prime: int
) -> list[int]:
    """The same for some columns, with `done` pivots before them: one half, then the other with what that changes."""
    start, stop = part
    if stop - start <= _LEAF:
        return _one_by_one(front, lower, rows, done, part, prime)
    middle = (start + stop) // 2
    found = _halves(front, lower, rows, done, (start, middle), prime)
    if found:
        _update(front[:, middle:stop], lower, done, len(found), prime)
    return found + _halves(front, lower, rows, done + len(found), (middle, stop), prime)


def _one_by_one(
    front: np.ndarray, lower: np.ndarray, rows: np.ndarray, done: int, part: tuple[int, int], prime: int
) -> list[int]:
    found = []
    for column in range(*part):
        candidates = front[done:, column].nonzero()[0]
        if not candidates.size:
            continue
        pivot = done + int(candidates[0])
        if pivot != done:
            for array in (front, lower, rows):
                array[[done, pivot]] = array[[pivot, done]]
        lead = pow(int(front[done, column]), -1, prime)
        factors = reduced(front[done + 1 :, column] * (lead - prime if 2 * lead > prime else lead), prime)
        lower[done + 1 :, done] = factors
        front[done + 1 :, column] = 0
        if column + 1 < part[1]:
            rest = front[done + 1 :, column + 1 : part[1]]
            rest -= factors[:, None] * front[done, column + 1 : part[1]]
            reduced(rest, prime)
        found.append(column)
        done += 1
    return found


def _update(rest: np.ndarray, lower: np.ndarray, done: int, count: int, prime: int) -> None:
    """Further columns of the front after `count` pivots, in place: the pivots' rows, then all below them."""
    for row in range(done + 1, done + count):
        rest[row] = reduced(rest[row] - lower[row, done:row] @ rest[done:row], prime)
    top = np.ascontiguousarray(rest[done : done + count])

    def take_away(start: int) -> None:
        own = rest[start : start + _ROWS]
        own -= lower[start : start + _ROWS, done : done + count] @ top
        reduced(own, prime)

    starts = range(done + count, len(rest), _ROWS)
    for _ in in_order(take_away, starts) if top.size * len(rest) > _PARALLEL else map(take_away, starts):
        pass
