"""The structures of a layer: each with its factors as operators, its error and what it saves."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from convmatrix.analysis.comparison import Comparison
from convmatrix.errors import ConvMatrixError
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.convolution import Convolution

_SHOWN = 60


@dataclass(frozen=True, eq=False)
class Structure:
    """One way to write a layer as a product of smaller ones.

    Attributes
    ----------
    name : str
        "grouped", "depthwise separable", "column then row", ...; see `decompose`.
    settings : dict
        What the structure is made with: `groups`, `multiplier`, `rank` and `of` (the largest rank such a layer can
        have), `input_order` and `output_order` of the channels (None the natural one, `"channel_shuffle(g)"`, or the
        list of the channels).
    factors : tuple of TensorOperator
        The layers, the first applied first; the last convolution among them has the layer's bias.
    operator : TensorOperator
        Their product.
    holds : bool
        Equal to the layer: exactly, or within the tolerance.
    is_exact : bool
        Proved: the weight is of integers or fractions, so are the factors, which multiply back to it, and every entry
        of the matrices is the same wherever they were compared (`comparison`).
    tol : float or None
        The relative tolerance of the rank or of what counts as 0; None where nothing was rounded.
    comparison : Comparison or None
        Of the product's matrix with the layer's: where those are too large on a smaller input, and None where even
        the smallest is too large.
    error, relative_error : float
        Frobenius norm of the difference of the matrices, and its share of the layer's.
    spectral_error : float
        Largest singular value of that difference; of a large matrix from below, to about 1 %, and found on a smaller
        input (`spectral_size`).
    spectral_size : tuple of int
        The spatial input size on which `spectral_error` was found.
    weight_error : float
        Frobenius norm of the difference of the weights: where a rank is too small the least any layer of that structure
        can have, the root of the sum of the squares of the singular values left out (Eckart and Young).
    multiplications, parameters : tuple of int
        Before and after, in the usual convention: output positions times weight entries, and weight entries.
    """

    name: str
    settings: dict[str, Any]
    factors: tuple[TensorOperator, ...]
    operator: TensorOperator
    holds: bool
    is_exact: bool
    tol: float | None
    comparison: Comparison | None
    error: float
    relative_error: float
    spectral_error: float
    spectral_size: tuple[int, ...]
    weight_error: float
    multiplications: tuple[int, int]
    parameters: tuple[int, int]

    @property
    def saves(self) -> bool:
        """Whether the factors together need fewer multiplications than the layer."""
        return self.multiplications[1] < self.multiplications[0]

    @property
    def verdict(self) -> str:
        """How it holds: "exactly", "within 1e-06", or "approximately"."""
        if self.is_exact:
            return "exactly"
        if not self.holds:
            return "approximately"
        return "by its zeros" if self.tol is None else f"within {self.tol:.2g}"

    def to_dict(self) -> dict[str, Any]:
        """Everything but the factors' numbers as plain JSON types; infinite errors as "inf"."""
        errors = ("error", "relative_error", "spectral_error", "weight_error")
        compared = self.comparison
        return {
            "name": self.name,
            "settings": dict(self.settings),
            "factors": [_factor_facts(factor) for factor in self.factors],
            "holds": self.holds,
            "is_exact": self.is_exact,
            "tol": self.tol,
            **{name: _finite(getattr(self, name)) for name in errors},
            "spectral_size": list(self.spectral_size),
            "comparison": None if compared is None else _without_rows(compared.to_dict()),
            "multiplications": list(self.multiplications),
            "parameters": list(self.parameters),
            "saves": self.saves,
        }

    def _settings_text(self) -> str:
        shown = {name: value for name, value in self.settings.items() if name != "of" and value is not None}
        texts = []
        for name, value in shown.items():
            text = str(value) if len(str(value)) <= _SHOWN else f"{str(value)[:_SHOWN]}...]"
            of = f" of {self.settings['of']}" if name in ("rank", "multiplier") and "of" in self.settings else ""
            texts.append(f"{name.replace('_', ' ')} {text}{of}")
        return ", ".join(texts)

    def _cells(self) -> list[str]:
        return [
            self.name,
            self._settings_text(),
            self.verdict,
            f"{self.error:.3g} ({self.relative_error:.2g})",
            f"{self.spectral_error:.3g}",
            f"{self.multiplications[0]:,} -> {self.multiplications[1]:,}",
            f"{self.parameters[0]:,} -> {self.parameters[1]:,}",
            "yes" if self.saves else "no",
        ]

    def __repr__(self) -> str:
        return f"Structure({self.name}, {self.verdict}, factors {self.factors})"

    def __str__(self) -> str:
        lines = [f"{self.name}: {self._settings_text()}" if self.settings else self.name]
        lines += [f"  {number}. {factor!r}" for number, factor in enumerate(self.factors, 1)]
        norms = f"{self.error:.3g} Frobenius (relative {self.relative_error:.2g}), {self.spectral_error:.3g} spectral"
        rows = {
            "holds": self.verdict,
            "compared": "matrices too large" if self.comparison is None else str(self.comparison),
            "error": norms,
            "multiplications": f"{self.multiplications[0]:,} -> {self.multiplications[1]:,}",
            "parameters": f"{self.parameters[0]:,} -> {self.parameters[1]:,}",
        }
        return "\n".join([*lines, *(f"  {name:<17}{value}" for name, value in rows.items())])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


_TITLES = ("structure", "settings", "holds", "error (relative)", "spectral", "multiplications", "parameters", "saves")


@dataclass(frozen=True, eq=False)
class Decomposition:
    """What `decompose` found.

    `decomposition[name]` is one structure; iterating goes through them, the cheapest first, or of a rank that was asked
    for the one of least error first.

    Attributes
    ----------
    layer : Convolution or Transposed
        The layer looked at.
    structures : tuple of Structure
        Those that hold, whether they save anything or not; with `rank` those of that rank too.
    absent : dict
        The structures the layer does not have, by name, and why: mostly the rank, which is the largest possible.
    rank : int or None
        The rank that was asked for.
    notes : tuple of str
        What else is to be known.
    """

    layer: Convolution | Transposed
    structures: tuple[Structure, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    rank: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Structure | None:
        """The structure of fewest multiplications among those that hold and save some; None if none does."""
        kept = [one for one in self.structures if one.holds and one.saves]
        return min(kept, key=lambda one: (one.multiplications[1], one.parameters[1])) if kept else None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the structures."""
        return tuple(one.name for one in self.structures)

    def __getitem__(self, name: str) -> Structure:
        for one in self.structures:
            if one.name == name:
                return one
        listed = ", ".join(map(repr, self.names)) or "none: the layer has no structure"
        why = f": {self.absent[name]}" if isinstance(name, str) and name in self.absent else ""
        raise ConvMatrixError(f"name must be that of a structure found ({listed}), got {name!r}{why}")

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __len__(self) -> int:
        return len(self.structures)

    def __iter__(self) -> Any:
        return iter(self.structures)

    def to_dict(self) -> dict[str, Any]:
        """The structures and why others are absent as plain JSON types, without the factors' numbers."""
        return {
            "layer": _factor_facts(self.layer),
            "rank": self.rank,
            "structures": [one.to_dict() for one in self.structures],
            "best": None if self.best is None else self.best.name,
            "absent": dict(self.absent),
            "notes": list(self.notes),
        }

    def _best_text(self) -> str:
        best = self.best
        if best is None:
            return "no structure that holds saves multiplications"
        share = best.multiplications[1] / best.multiplications[0]
        return f"best: {best.name}, {share:.3g} of the multiplications"

    def __repr__(self) -> str:
        return f"Decomposition({self.layer!r}, structures {list(self.names)})"

    def __str__(self) -> str:
        lines = [repr(self.layer)]
        if self.structures:
            table = [list(_TITLES), *(one._cells() for one in self.structures)]
            widths = [max(len(row[column]) for row in table) for column in range(len(_TITLES))]
            lines += [
                "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
                for row in table
            ]
        lines.append(self._best_text())
        lines += [f"not {name}: {reason}" for name, reason in self.absent.items()]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{title}</th>" for title in _TITLES)
        rows = [
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in one._cells()) + "</tr>"
            for one in self.structures
        ]
        rest = [self._best_text(), *(f"not {name}: {why}" for name, why in self.absent.items()), *self.notes]
        below = "".join(f'<tr><td colspan="{len(_TITLES)}">{html.escape(text)}</td></tr>' for text in rest)
        caption = html.escape(repr(self.layer))
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{''.join(rows)}{below}</table>"


def _factor_facts(factor: TensorOperator) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "operator": repr(factor),
        "in_shape": list(factor.in_shape),
        "out_shape": list(factor.out_shape),
    }
    weight = getattr(factor, "weight", None) if isinstance(factor, (Convolution, Transposed)) else None
    if isinstance(factor, Transposed) and not isinstance(factor.of, Convolution):
        weight = None
    return facts if weight is None else {**facts, "weight_shape": list(weight.shape), "groups": factor.geometry.groups}


def _without_rows(compared: dict[str, Any]) -> dict[str, Any]:
    """The rows that differ, which may be millions, as their number."""
    return {**{name: value for name, value in compared.items() if name != "rows"}, "rows": len(compared["rows"])}


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else "inf"
