"""What `flatten` found of many filters at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix.analysis.facts import as_html, as_text, plain
from convmatrix.analysis.flattening import approximation, display
from convmatrix.analysis.flattening.answer import Flattening, exact_flattening
from convmatrix.analysis.flattening.approximation import Approximation

_SHOWN_RANKS = 6


@dataclass(frozen=True, eq=False)
class FlatteningBatch:
    """Which of many filters are outer products of vectors, and the nearest such product of each.

    Ranks are those of `Flattening`, proved where the filters are exact. Everything else is in floats here; `batch[i]`
    is the `Flattening` of one filter, with exact factors, error and bound where the filter is exact.

    Attributes
    ----------
    filters : ndarray of shape (*batch, *axes)
        The filters, read-only.
    multilinear_rank : ndarray of int, shape (*batch, number of axes)
        The rank of every unfolding of every filter.
    rank_kind : {"exact", "numerical"}
    tol : float or None
        Of numerical ranks, as in `Flattening`.
    error_bound : ndarray of shape (*batch,)
        The Frobenius error that no rank-1 filter goes below, less what rounding may have added.

    Examples
    --------
    >>> import convmatrix as cm
    >>> batch = cm.flatten([[[1, 2], [2, 4]], [[1, 2], [2, 5]]], batch_axes=1)
    >>> batch.is_rank_one.tolist(), batch.multilinear_rank.tolist()
    ([True, False], [[1, 1], [2, 2]])
    >>> len(batch), batch[1].certificate.value
    (2, 1)
    """

    filters: np.ndarray
    multilinear_rank: np.ndarray
    rank_kind: str
    tol: float | None
    error_bound: np.ndarray = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the batch."""
        return self.multilinear_rank.shape[:-1]

    @property
    def axes(self) -> int:
        """Of one filter."""
        return int(self.multilinear_rank.shape[-1])

    @property
    def is_rank_one(self) -> np.ndarray:
        """Whether no unfolding has a rank above 1, shape `(*batch,)`."""
        return np.asarray(self.multilinear_rank.max(axis=-1) <= 1)

    @cached_property
    def _nearest(self) -> Approximation:
        found = approximation.of_floats(approximation.as_floats(self.filters), self.axes)
        for part in (found.scale, found.error, *found.factors):
            part.setflags(write=False)
        return found

    @property
    def scale(self) -> np.ndarray:
        """The number before the outer product, shape `(*batch,)`; made when first asked for, like factors and error."""
        return np.asarray(self._nearest.scale)

    @property
    def factors(self) -> tuple[np.ndarray, ...]:
        """Unit vectors, one array of shape `(*batch, axis)` an axis; signs as in `Flattening`."""
        return self._nearest.factors

    @property
    def error(self) -> np.ndarray:
        """Frobenius norm of each filter less `scale * outer(*factors)`, shape `(*batch,)`."""
        return np.asarray(self._nearest.error)

    def approximate(self) -> np.ndarray:
        """`scale * outer(*factors)` of every filter, shape `(*batch, *axes)`."""
        return approximation.product(self.scale, self.factors)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Flattening | FlatteningBatch:
        # By the places of whole filters, so that an ellipsis stops where the batch does.
        places = np.arange(self.is_rank_one.size).reshape(self.shape)[index]
        if np.ndim(places) == 0:
            return self._one(np.unravel_index(int(places), self.shape))
        parts = [part.reshape(-1, *part.shape[len(self.shape) :])[places] for part in self._parts()]
        for part in parts:
            part.setflags(write=False)
        filters, ranks, bounds = parts
        return FlatteningBatch(filters, ranks, self.rank_kind, self.tol, bounds)

    def __iter__(self) -> Iterator[Flattening | FlatteningBatch]:
        return (self[place] for place in range(len(self)))

    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.filters, self.multilinear_rank, self.error_bound

    def _one(self, place: tuple[Any, ...]) -> Flattening:
        filter, ranks = self.filters[place], tuple(self.multilinear_rank[place].tolist())
        if self.rank_kind == "exact":
            return exact_flattening(filter, ranks)
        known = self.__dict__.get("_nearest")
        if known is not None:
            known = Approximation(
                float(known.scale[place]), tuple(own[place] for own in known.factors), float(known.error[place])
            )
        return Flattening(filter, ranks, self.rank_kind, self.tol, _known=known, _bound=float(self.error_bound[place]))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the filters as plain JSON types."""
        return {
            "shape": list(self.shape),
            "filter_shape": list(self.filters.shape[len(self.shape) :]),
            "multilinear_rank": self.multilinear_rank.tolist(),
            "is_rank_one": self.is_rank_one.tolist(),
            "rank_kind": self.rank_kind,
            "tol": self.tol,
            "scale": plain(self.scale),
            "factors": plain(self.factors),
            "error": plain(self.error),
            "error_bound": plain(self.error_bound),
        }

    def _rows(self) -> list[tuple[str, str]]:
        counts = Counter(map(tuple, self.multilinear_rank.reshape(-1, self.axes).tolist())).most_common()
        shown = [f"{count} of {', '.join(map(str, ranks))}" for ranks, count in counts[:_SHOWN_RANKS]]
        more = len(counts) - _SHOWN_RANKS
        rows = [
            (
                "filters",
                f"{'x'.join(map(str, self.shape))} of {'x'.join(map(str, self.filters.shape[len(self.shape) :]))}",
            ),
            ("multilinear ranks", "; ".join(shown) + (f"; and {more} others" if more > 0 else "")),
        ]
        least, largest = float(self.error_bound.min()), float(self.error_bound.max())
        return [*rows, ("no error below", f"{display.number_text(least)} to {display.number_text(largest)}")]

    def _headline(self) -> str:
        kind = "proved" if self.rank_kind == "exact" else f"relative tolerance {self.tol:.2g}"
        return f"{int(self.is_rank_one.sum())} of {self.is_rank_one.size} filters of rank 1 ({kind})"

    def __repr__(self) -> str:
        size = "x".join(map(str, self.filters.shape[len(self.shape) :]))
        return f"FlatteningBatch({self.shape} filters of {size}, {int(self.is_rank_one.sum())} of rank 1)"

    def __str__(self) -> str:
        return as_text(self._headline(), self._rows())

    def _repr_html_(self) -> str:
        return as_html(self._headline(), self._rows())
