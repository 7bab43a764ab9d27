"""What `null_space` answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np

from convmatrix.analysis.facts import as_html, as_text, plain
from convmatrix.analysis.ranks.killed import Frequency, Killed, KilledFrequency
from convmatrix.errors import ConvMatrixError
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator

_SHOWN = 8
_LISTED = 4096


@dataclass(frozen=True, eq=False)
class NullSpace:
    """The tensors that an operator sends to 0. Basis, frequencies and spectrum are computed when first asked for.

    Attributes
    ----------
    op : TensorOperator
        The operator.
    dimension : int
        How many of them are independent: columns less the rank.
    kind : {"exact", "numerical"}
        Whether the dimension is proved.
    tol : float or None
        Relative to the largest singular value, where it is numerical.
    proof : str
        What proves the dimension; empty where nothing does.
    method : str
        How a basis is found: "frequency blocks", "Kronecker product", "dense", "integer vectors", "everything" (of the
        zero operator), or "none" where it is too large for one.
    is_integer : bool
        Whether the basis is of integers, verified, and not orthonormal.
    note : str
        Of integers and fractions whose dimension no proof was found of: what is proved. Empty otherwise.
    """

    op: TensorOperator
    dimension: int
    kind: str
    tol: float | None
    proof: str
    method: str
    is_integer: bool
    _make: Callable[[np.ndarray | None], np.ndarray] = field(repr=False)
    _killed: Killed | None = field(default=None, repr=False)
    _examples: Callable[[int], np.ndarray] | None = field(default=None, repr=False)
    note: str = ""

    @cached_property
    def basis(self) -> np.ndarray:
        """Tensors `(dimension, *op.in_shape)`, read-only: orthonormal floats, or primitive integers.

        Raises
        ------
        MatrixTooLargeError
            If they do not fit in memory.
        """
        check_size(
            f"a basis of dimension {self.dimension}",
            24 * self.dimension * self.op.shape[1],
            way_round="the dimension is known without it",
        )
        found = self._make(None)
        found.flags.writeable = False
        return found

    def examples(self, count: int) -> np.ndarray:
        """Up to `count` tensors of the null space, without a basis of it all: `(count, *op.in_shape)`.

        They are orthonormal, or primitive integers. Of a circular layer they are waves of frequencies as far apart as
        there are, the lowest first; of other operators some of the basis.

        Parameters
        ----------
        count : int
            At least 1; of a smaller dimension there are as many as that.

        Raises
        ------
        ConvMatrixError
            If `count` is below 1 or no integer.
        MatrixTooLargeError
            If they do not fit in memory.

        Examples
        --------
        >>> import convmatrix as cm
        >>> box = cm.conv("1 1 1 1", 4096, padding=((1, 2),), padding_mode="circular")
        >>> found = cm.null_space(box).examples(2)
        >>> found.shape, float(abs(box(found)).max()) < 1e-12
        ((2, 1, 4096), True)
        """
        if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
            raise ConvMatrixError(f"count must be an integer of at least 1, got {count!r}")
        count = min(int(count), self.dimension)
        check_size(f"{count} null vectors", 24 * count * self.op.shape[1])
        if self._examples is not None:
            return self._examples(count)
        places = np.unique(np.linspace(0, self.dimension - 1, count).round().astype(np.int64))
        return self.basis[places] if "basis" in vars(self) else self._make(places)

    @cached_property
    def frequencies(self) -> tuple[KilledFrequency, ...] | None:
        """Of a circular layer or its transpose: exactly which frequencies have null vectors; else None."""
        return None if self._killed is None else self._killed.frequencies

    @cached_property
    def spectrum(self) -> np.ndarray:
        """The share of the null space at each frequency, of the spatial input shape: it sums up to the dimension.

        The squared discrete Fourier transforms of an orthonormal basis, added up over it and the channels.
        """
        if self._killed is not None:
            return self._killed.spectrum
        axes = tuple(range(2, self.basis.ndim))
        total = np.zeros(self.op.in_shape[1:])
        if not self.dimension:
            return total
        waves = np.fft.fftn(self._orthonormal(), axes=axes, norm="ortho") if axes else self._orthonormal()
        return np.asarray((np.abs(waves) ** 2).sum(axis=(0, 1)))

    @cached_property
    def residual(self) -> float:
        """The largest entry that the operator makes of the basis; of integers 0."""
        if not self.dimension:
            return 0.0
        image = self.op(self.basis.astype(object) if self.is_integer else self.basis)
        return float(abs(image).max())

    def _orthonormal(self) -> np.ndarray:
        if not self.is_integer:
            return self.basis
        from convmatrix.analysis.ranks.bases import orthonormal

        return orthonormal(self.basis)

    def to_dict(self) -> dict[str, Any]:
        """All but the vectors as plain JSON types; of the frequencies the first 4096."""
        listed = None
        if self._killed is not None:
            listed = [
                {"frequency": plain(aliases[0]), "multiplicity": count, "aliases": plain(aliases)}
                for aliases, count in self._killed.listed(_LISTED)
            ]
        return {
            "dimension": self.dimension,
            "of": self.op.shape[1],
            "kind": self.kind,
            "tol": plain(self.tol),
            "proof": self.proof,
            "method": self.method,
            "is_integer": self.is_integer,
            "note": self.note,
            "frequencies": listed,
        }

    def _lines(self) -> tuple[str, list[tuple[str, str]]]:
        kind = "exact" if self.kind == "exact" else f"numerical, tol {self.tol:.2g}"
        head = f"null space of dimension {self.dimension} of {self.op.shape[1]}, {kind}"
        facts = [("operator", f"{self.op.in_shape} -> {self.op.out_shape}")]
        if self.proof:
            facts.append(("proof", self.proof))
        if self.note:
            facts.append(("note", self.note))
        if self.dimension:
            facts.append(("basis", self.method + (", primitive integers" if self.is_integer else "")))
        if self.dimension and self._killed is not None:
            shown = [_named(aliases[0], count) for aliases, count in self._killed.listed(_SHOWN)]
            count = np.count_nonzero(self._killed.multiplicities)
            more = f", ... ({count} of them)" if count > _SHOWN else ""
            facts.append(("frequencies", ", ".join(shown) + more))
        return head, facts

    def __str__(self) -> str:
        return as_text(*self._lines())

    def _repr_html_(self) -> str:
        return as_html(*self._lines())


def _named(frequency: Frequency, multiplicity: int) -> str:
    times = "" if multiplicity == 1 else f" {multiplicity} times"
    return f"({', '.join(map(str, frequency))}){times}"
