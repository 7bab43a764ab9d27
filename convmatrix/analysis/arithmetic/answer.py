"""What `solve_size` answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, overload

from convmatrix.analysis.facts import as_html, as_text


@dataclass(frozen=True)
class AxisSolution:
    """One way to the size wanted, on one axis.

    Attributes
    ----------
    stride : int
        Step between outputs.
    padding : tuple of int
        Before and after.
    output_padding : int
        Of a transposed layer; else 0.
    """

    stride: int
    padding: tuple[int, int]
    output_padding: int = 0

    @property
    def is_symmetric(self) -> bool:
        """Whether both sides have the same padding, as PyTorch's layers want it."""
        return self.padding[0] == self.padding[1]


@dataclass(frozen=True, eq=False)
class SizeSolutions(Sequence[tuple[AxisSolution, ...]]):
    """The ways to a size; from `solve_size`. A sequence: of one solution an axis each, the best first; false if empty.

    Attributes
    ----------
    input_size, output_size : tuple of int
        What was asked, one an axis.
    transpose : bool
        Whether the layer is a transposed one.
    per_axis : tuple of tuple of AxisSolution
        At most 100 an axis, symmetric ones first, little padding before much; of open strides the least before more.
    rules : tuple of str
        Which total padding `P` an axis needs.
    reachable : tuple of str
        Which sizes there are instead, an axis.

    Examples
    --------
    >>> import convmatrix as cm
    >>> print(cm.solve_size(5, 3, kernel_size=3, stride=2))
    5 -> 3: stride 2, padding 1
      axis 0    2 <= P <= 3
      also      padding 1+2
    >>> print(cm.solve_size(5, 1, kernel_size=2))
    5 -> 1: no solution
      axis 0    without padding it is 4 already, and padding makes it larger
    """

    input_size: tuple[int, ...]
    output_size: tuple[int, ...]
    transpose: bool
    per_axis: tuple[tuple[AxisSolution, ...], ...]
    rules: tuple[str, ...]
    reachable: tuple[str, ...]

    def __len__(self) -> int:
        return math.prod(len(axis) for axis in self.per_axis)

    def __iter__(self) -> Iterator[tuple[AxisSolution, ...]]:
        return product(*self.per_axis)

    @overload
    def __getitem__(self, index: int) -> tuple[AxisSolution, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[AxisSolution, ...]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"index must be below {len(self)}, got {index}")
        chosen: list[AxisSolution] = []
        for axis in reversed(self.per_axis):
            place, within = divmod(place, len(axis))
            chosen.insert(0, axis[within])
        return tuple(chosen)

    @property
    def best(self) -> tuple[AxisSolution, ...] | None:
        """The first solution, one entry an axis, or None."""
        return self[0] if len(self) else None

    @property
    def options(self) -> dict[str, Any]:
        """The best solution as keywords of `conv` or `conv_transpose`; empty if there is none."""
        if self.best is None:
            return {}
        symmetric = all(axis.is_symmetric for axis in self.best)
        pads: list[Any] = [axis.padding[0] if symmetric else axis.padding for axis in self.best]
        found = {"stride": _shared([axis.stride for axis in self.best])}
        found["padding"] = _shared(pads) if symmetric else pads
        if self.transpose:
            found["output_padding"] = _shared([axis.output_padding for axis in self.best])
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "input_size": list(self.input_size),
            "output_size": list(self.output_size),
            "transpose": self.transpose,
            "options": {name: _listed(value) for name, value in self.options.items()},
            "axes": [
                {
                    "rule": rule,
                    "solutions": [
                        {"stride": a.stride, "padding": list(a.padding), "output_padding": a.output_padding}
                        for a in axis
                    ],
                    "reason": None if axis else reason,
                }
                for axis, rule, reason in zip(self.per_axis, self.rules, self.reachable, strict=True)
            ],
        }

    def _verdict(self) -> str:
        asked = f"{_sizes(self.input_size)} -> {_sizes(self.output_size)}"
        if self.best is None:
            return f"{asked}: no solution"
        return f"{asked}: " + "; ".join(dict.fromkeys(self._said(axis, True) for axis in self.best))

    def _facts(self) -> list[tuple[str, str]]:
        facts = []
        for number, (axis, rule, reason) in enumerate(zip(self.per_axis, self.rules, self.reachable, strict=True)):
            facts.append((f"axis {number}  ", rule if axis else reason))
            others = [self._said(each, each.stride != axis[0].stride) for each in axis[1:5]]
            if len(axis) > 5:
                others.append(f"{len(axis) - 5} more")
            if others:
                facts.append(("also", ", or ".join(others)))
        return facts

    def _said(self, axis: AxisSolution, with_stride: bool) -> str:
        before, after = axis.padding
        parts = [f"stride {axis.stride}"] if with_stride else []
        parts.append(f"padding {before}" if before == after else f"padding {before}+{after}")
        if self.transpose:
            parts.append(f"output_padding {axis.output_padding}")
        return ", ".join(parts)

    def __str__(self) -> str:
        return as_text(self._verdict(), self._facts())

    def _repr_html_(self) -> str:
        return as_html(self._verdict(), self._facts())


def _shared(values: list[Any]) -> Any:
    """One value for all axes where they agree."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def _listed(value: Any) -> Any:
    return [_listed(each) for each in value] if isinstance(value, (tuple, list)) else value


def _sizes(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))
