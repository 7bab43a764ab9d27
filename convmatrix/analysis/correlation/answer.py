"""What `filter_correlation` answers about two layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix.analysis.correlation.ordering import spectral_order
from convmatrix.analysis.facts import as_html, as_text
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry.arguments import integer


@dataclass(frozen=True, eq=False)
class FilterCorrelation:
    """How the filters of two adjacent layers go together. The arrays are read-only.

    Attributes
    ----------
    matrix : ndarray of shape (filters of the second layer, filters of the first)
        Correlation coefficients, from -1 to 1 with their signs; complex where responses are. 0 beside a filter whose
        response never changes.
    squared : ndarray of Fraction of the same shape, or None
        Their squares, exact, for white noise through layers of exact weights.
    silent : pair of tuples of int
        The filters of the second layer and of the first whose response never changes.
    positions : int
        Positions of the second layer's output that are paired with one of the first's.
    samples : int or None
        Inputs; None for white noise, all of it.
    """

    matrix: np.ndarray
    squared: np.ndarray | None
    silent: tuple[tuple[int, ...], tuple[int, ...]]
    positions: int
    samples: int | None

    def block_share(self, groups: int) -> Any:
        """The share of the squared correlation that lies within the diagonal blocks of so many groups.

        Without any structure it is `1/groups`, the share of the entries that lie there; it is 1 where filters of
        different groups do not go together at all, and 0 where no filters do.

        Parameters
        ----------
        groups : int
            Divides the number of filters of both layers.

        Returns
        -------
        float, or Fraction where `squared` is known

        Raises
        ------
        ConvMatrixError
            If groups breaks its rule.

        Examples
        --------
        >>> import numpy as np
        >>> import convmatrix as cm
        >>> first, second = cm.conv(np.eye(4, dtype=int), ()), cm.conv(np.ones((4, 2), dtype=int), (), groups=2)
        >>> found = cm.filter_correlation(first, second)
        >>> found.block_share(2), found.block_share(4)
        (Fraction(1, 1), Fraction(1, 2))
        """
        within = np.zeros(self.matrix.shape, dtype=bool)
        for block in self.blocks(groups):
            within[block] = True
        # As a part of itself and the rest it is at most 1, since rounding turns no order round.
        inside, rest = self._squares[within].sum(), self._squares[~within].sum()
        exactly = self.squared is not None
        if not inside + rest:
            return Fraction(0) if exactly else 0.0
        return Fraction(inside) / Fraction(inside + rest) if exactly else float(inside / (inside + rest))

    def blocks(self, groups: int) -> list[tuple[slice, slice]]:
        """The diagonal blocks of so many groups: slices of `matrix`.

        Parameters
        ----------
        groups : int
            Divides the number of filters of both layers.

        Returns
        -------
        list of pairs of slice

        Raises
        ------
        ConvMatrixError
            If groups breaks its rule.

        Examples
        --------
        >>> import numpy as np
        >>> import convmatrix as cm
        >>> found = cm.filter_correlation(cm.conv(np.eye(2, dtype=int), ()), cm.conv(np.ones((4, 2), dtype=int), ()))
        >>> found.blocks(2)
        [(slice(0, 2, None), slice(0, 1, None)), (slice(2, 4, None), slice(1, 2, None))]
        """
        count = integer(groups, "groups", 1)
        if any(size % count for size in self.matrix.shape):
            raise ConvMatrixError(f"groups must divide the {_sizes(self.matrix)} filters, got {count}")
        height, width = (size // count for size in self.matrix.shape)
        return [
            (slice(own * height, (own + 1) * height), slice(own * width, (own + 1) * width)) for own in range(count)
        ]

    def strongest(self, count: int = 10) -> tuple[tuple[int, int, Any], ...]:
        """The pairs that go together most: (filter of the second, filter of the first, coefficient), strongest first.

        Parameters
        ----------
        count : int, default 10
            How many; fewer where there are fewer.

        Raises
        ------
        ConvMatrixError
            If count breaks its rule.
        """
        most = integer(count, "count", 0)
        order = np.argsort(-np.abs(self.matrix).reshape(-1), kind="stable")[:most]
        rows, columns = np.unravel_index(order, self.matrix.shape)
        values = self.matrix[rows, columns].tolist()
        return tuple(zip(rows.tolist(), columns.tolist(), values, strict=True))

    @cached_property
    def order(self) -> tuple[np.ndarray, np.ndarray]:
        """An order of the filters of the second layer and of the first that brings those together that go together.

        `matrix[np.ix_(*order)]` shows blocks where there are any, as far as one reordering can: the filters are sorted
        by the second singular vectors of the squared coefficients, each divided by the roots of the sums of its row and
        of its column. Silent filters come last.

        References
        ----------
        Dhillon: Co-clustering documents and words using bipartite spectral graph partitioning, KDD (2001).
        """
        return spectral_order(np.abs(self.matrix) ** 2)

    def reordered(self, second: Sequence[int] | np.ndarray, first: Sequence[int] | np.ndarray) -> FilterCorrelation:
        """The same with the filters of both layers in another order, `order` for instance.

        Parameters
        ----------
        second, first : sequence of int
            Every filter of the second layer, and of the first, once.

        Raises
        ------
        ConvMatrixError
            If a filter is missing, repeated or unknown.
        """
        names = ("second", "first")
        orders = [_order(given, *own) for given, *own in zip((second, first), names, self.matrix.shape, strict=True)]
        cells = np.ix_(*orders)
        silent = [
            tuple(np.flatnonzero(np.isin(order, own)).tolist()) for order, own in zip(orders, self.silent, strict=True)
        ]
        squared = None if self.squared is None else frozen(self.squared[cells])
        return FilterCorrelation(
            frozen(self.matrix[cells]), squared, (silent[0], silent[1]), self.positions, self.samples
        )

    @cached_property
    def _squares(self) -> np.ndarray:
        return np.abs(self.matrix) ** 2 if self.squared is None else self.squared

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; of a matrix of more than 16384 coefficients the strongest alone."""
        from convmatrix.analysis.correlation.wording import as_dict

        return as_dict(self)

    def __str__(self) -> str:
        from convmatrix.analysis.correlation.wording import headline, rows

        return as_text(headline(self), rows(self))

    def __repr__(self) -> str:
        return f"FilterCorrelation({_sizes(self.matrix)} filters)"

    def _repr_html_(self) -> str:
        from convmatrix.analysis.correlation.wording import headline, rows

        return as_html(headline(self), rows(self))


def frozen(array: np.ndarray) -> np.ndarray:
    """The array, read-only."""
    array.flags.writeable = False
    return array


def _order(given: Any, name: str, size: int) -> np.ndarray:
    """Every filter once, or a refusal."""
    try:
        order = np.asarray(given)
    except ValueError:  # ragged
        order = np.zeros(0)
    if order.dtype.kind not in "iu" or order.ndim != 1 or not np.array_equal(np.sort(order), np.arange(size)):
        said = given.tolist() if isinstance(given, np.ndarray) else given
        raise ConvMatrixError(f"{name} must be every filter from 0 to {size - 1} once, got {said}")
    return order


def _sizes(matrix: np.ndarray) -> str:
    return f"{matrix.shape[0]} x {matrix.shape[1]}"
