"""What a weight has to give up so that the rows compared after its layer vanish."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.checkerboard.arrivals import Arrivals
from convmatrix.analysis.checkerboard.coupling import Component, check_entries
from convmatrix.analysis.checkerboard.spaces import (
    Differences,
    Everything,
    Space,
    annihilator,
    rows_space,
    solved,
    whole_rows,
)


@dataclass(frozen=True, eq=False)
class Conditions:
    """The conditions on the weight of one layer, everything around it fixed.

    Attributes
    ----------
    layer : Convolution or Transposed
    arriving : Arrivals
    parts : list of Component
    constant : ndarray of shape (*period, c_out), or None
        The part of the bias of the whole that the weight has no share in.
    cutoff : float
        Relative size up to which a condition of floats is rounding.
    """

    layer: Any
    arriving: Arrivals
    parts: list[Component]
    constant: np.ndarray | None
    cutoff: float
    _spaces: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def is_exact(self) -> bool:
        """Whether every number is."""
        arrays = [self.layer.weight, self.arriving.signals, *(one.rows for one in self.parts if one.members is None)]
        arrays += [values for values in (self.arriving.bias, self.constant if self._meets_bias else None)
                   if values is not None]  # fmt: skip
        return all(values.dtype.kind in "iO" for values in arrays)

    def part(self, weight: np.ndarray, scale: float = 1.0) -> np.ndarray:
        """What has to be taken from a weight `(groups, out, in, taps)` that was divided by `scale`."""
        flat = weight.reshape(-1, *weight.shape[2:])
        taken = np.zeros_like(flat)
        batches: dict[Any, list[Component]] = {}
        for one in self.parts:
            if not len(one.rows if one.members is None else one.members[0][1:]):
                continue
            groups = one.outputs // weight.shape[1]
            bias, target = self._bias_of(one)
            if target is None and self.arriving.is_constant and (groups == groups[0]).all():
                group = 0 if self._brings_everything(bias) else int(groups[0])
                batches.setdefault((_alike(one), group, bias), []).append(one)
            else:
                taken[one.outputs] = self._by_entries(one, groups, bias, target, flat[one.outputs], scale)
        for (_, group, bias), same in batches.items():
            outputs = np.stack([one.outputs for one in same])
            taken[outputs] = self._by_gains(same[0], group, bias, flat[outputs])
        return taken.reshape(weight.shape)

    # -- the bias that arrives ----------------------------------------------------------------------------------------

    @property
    def _meets_bias(self) -> bool:
        """Whether the weight has a share in the bias of the whole."""
        return self.arriving.bias is not None and bool((self.arriving.bias != 0).any())

    def _bias_of(self, one: Component) -> tuple[bool, np.ndarray | None]:
        """Whether what becomes of the arriving bias must be even as well, and what it must be if not 0."""
        if not self._meets_bias or (one.phases == 1 and self.layer.bias is not None):
            # One value a channel: the layer's own bias undoes whatever the weight makes of it.
            return False, None
        target = np.zeros(len(one.rows), dtype=object)
        if self.constant is not None:
            target = one.differences(self.constant)
        own = self.layer.bias is not None and not self._vanishes(one.rows.sum(axis=1), 1.0)
        size = 1.0 if self.constant is None or self.is_exact else float(np.abs(self.constant).max())
        if one.scales is not None:
            size /= float(np.abs(one.scales).min())
        if not own and self._vanishes(target, size):
            return True, None
        return True, target

    def _vanishes(self, values: np.ndarray, size: float) -> bool:
        if values.dtype.kind in "iO":
            return not (values != 0).any()
        return bool((np.abs(values) <= 64 * self.cutoff * size).all())

    # -- projections --------------------------------------------------------------------------------------------------

    def _by_gains(self, one: Component, group: int, bias: bool, weight: np.ndarray) -> np.ndarray:
        """Where everything arrives in one phase only the sums of the taps that reach a phase matter.

        `weight` is `(components, outputs, in, taps)`, the components being like `one`.
        """
        batch, outputs, inputs, taps = weight.shape
        if outputs == 1 and one.members is not None and self._brings_everything(bias) and weight.dtype.kind in "fc":
            return weight @ self._between_taps(one).T
        seen = self._narrowed(group, bias).part(weight.transpose(2, 1, 0, 3).reshape(inputs, -1))
        seen = seen.reshape(inputs, outputs, batch, taps)
        phase_of_tap = self.arriving.phase_of_tap
        counts = np.bincount(phase_of_tap, minlength=one.phases)
        gains = np.stack([seen[..., phase_of_tap == phase].sum(axis=-1) for phase in range(one.phases)])
        gains = gains.transpose(0, 2, 1, 3).reshape(one.phases, outputs, -1)
        if one.members is None:
            space = self._kept(one, "gains", lambda: self._rows_space(
                one.rows.reshape(len(one.rows), -1), np.repeat(counts, outputs)
            ))  # fmt: skip
            moves = space.part(gains.reshape(one.phases * outputs, -1)).reshape(gains.shape)
        else:
            moves = np.zeros_like(gains)
            phases, _ = one.members
            moves[one.members] = Differences(tuple(counts[phases].tolist())).part(gains[one.members])
        return moves.reshape(one.phases, outputs, inputs, batch)[phase_of_tap].transpose(3, 1, 2, 0)

    def _between_taps(self, one: Component) -> np.ndarray:
        """What one tap gives up for another, `(taps, taps)`, where each pair of channels is moved by itself."""
        assert one.members is not None
        phases, _ = one.members
        reaches = (self.arriving.phase_of_tap == phases[:, None]).astype(np.float64)
        counts = reaches.sum(axis=1).astype(np.int64).tolist()
        return reaches.T @ Differences(tuple(counts)).part(np.eye(len(phases))) @ reaches

    def _by_entries(
        self,
        one: Component,
        groups: np.ndarray,
        bias: bool,
        target: np.ndarray | None,
        weight: np.ndarray,
        scale: float,
    ) -> np.ndarray:
        """The conditions written out, an entry of the weight a column; `weight` is `(outputs, in, taps)`."""
        values = weight.reshape(-1, 1)
        if target is None:
            space = self._kept(one, (tuple(groups.tolist()), bias), lambda: self._written_out(one, groups, bias))
            return space.part(values).reshape(weight.shape)
        matrix, right = self._with_target(one, groups, target)
        right = right / scale if right.dtype != object else right
        gap = matrix @ values - right.reshape(-1, 1)
        if weight.dtype.kind == "f" and gap.dtype.kind == "c":
            matrix, gap = (np.concatenate([part.real, part.imag]) for part in (matrix, gap))
        return solved(matrix, gap, self.cutoff).reshape(weight.shape)

    def _written_out(self, one: Component, groups: np.ndarray, bias: bool) -> Space:
        signals = self._signals(bias)
        if self.is_exact:
            signals = whole_rows(signals.reshape(-1, signals.shape[-1]).T).T.reshape(signals.shape)
        check_entries("conditions", len(one.rows) * signals.shape[-1] * one.outputs.size * self._entries)
        return self._rows_space(self._matrix(self._reduced(one), groups, signals), None)

    def _with_target(self, one: Component, groups: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The conditions of the signals, and below them those of the bias as far as no own bias meets them."""
        assert self.arriving.bias is not None
        signals, arriving = self._numbers(self.arriving.signals), self._numbers(self.arriving.bias)
        check_entries("conditions", len(one.rows) * (1 + signals.shape[-1]) * one.outputs.size * self._entries)
        rows, target = self._numbers(one.rows), self._numbers(target)
        if self.layer.bias is not None:
            free = annihilator(rows.sum(axis=1), self.cutoff)
            rows, target = np.tensordot(free, rows, 1), free @ target
        above = self._matrix(self._reduced(one), groups, signals)
        below = self._matrix(rows, groups, arriving)
        zeros = np.zeros(len(above), dtype=target.dtype)
        divisor = self.arriving.bias_scale
        return np.concatenate([above, below]), np.concatenate([zeros, -target if divisor == 1 else -target / divisor])

    def _matrix(self, rows: np.ndarray, groups: np.ndarray, signals: np.ndarray) -> np.ndarray:
        """`rows`, `(rows, phases, outputs)`, by columns of the signals, over the entries `(outputs, in, taps)`."""
        reads = self.arriving.reads
        blocks = []
        if rows.dtype.kind in "iO" and _may_wrap(rows, signals):
            rows, signals = rows.astype(object), signals.astype(object)
        for place, group in enumerate(groups):
            read = signals[:, group][reads]
            read = np.where((reads >= 0)[:, :, None, None], read, 0)
            blocks.append(np.tensordot(rows[:, :, place], read, 1).transpose(0, 3, 2, 1))
        return np.stack(blocks, axis=2).reshape(len(rows) * signals.shape[-1], -1)

    def _reduced(self, one: Component) -> np.ndarray:
        """The rows of a component, no more than are independent."""
        rows = self._numbers(one.rows)
        flat = rows.reshape(len(rows), -1)
        if self.is_exact:
            flat = whole_rows(flat if one.members is not None else exact.rank_factors(flat)[1])
        elif len(flat) > flat.shape[1]:
            flat = np.asarray(np.linalg.qr(flat, mode="r"))
        return flat.reshape(-1, *rows.shape[1:])

    def _narrowed(self, group: int, bias: bool) -> Space:
        """What a group of inputs can bring."""
        if self._brings_everything(bias):
            return Everything()
        signals = self._signals(bias)[0, group]
        return self._kept(None, (group, bias), lambda: self._rows_space(signals.T, None))

    def _brings_everything(self, bias: bool) -> bool:
        return self._is_first and not bias

    @cached_property
    def _is_first(self) -> bool:
        signals = self.arriving.signals
        own = signals.reshape(-1, signals.shape[-1])
        return self.arriving.is_constant and len(own) == own.shape[1] and bool((own == np.eye(len(own))).all())

    def _signals(self, bias: bool) -> np.ndarray:
        signals = self._numbers(self.arriving.signals)
        if not bias or self.arriving.bias is None:
            return signals
        return np.concatenate([signals, self._numbers(self.arriving.bias)], axis=-1)

    def _rows_space(self, conditions: np.ndarray, counts: np.ndarray | None) -> Space:
        counts = np.ones(conditions.shape[1], dtype=np.int64) if counts is None else counts
        is_real = self.layer.weight.dtype.kind != "c"
        return rows_space(self._numbers(conditions), counts, self.cutoff, is_real)

    def _numbers(self, values: np.ndarray) -> np.ndarray:
        """Exact objects where everything is exact, floats otherwise."""
        if self.is_exact:
            return values.astype(object)
        return values if values.dtype.kind in "fc" else exact.as_numbers(values, np.float64)

    def _kept(self, one: Component | None, key: Any, make: Callable[[], Space]) -> Space:
        """A space, made once for all components that compare alike."""
        alike = None if one is None else _alike(one)
        found = self._spaces.get((alike, key))
        return self._spaces.setdefault((alike, key), make()) if found is None else found

    @property
    def _entries(self) -> int:
        """Entries of the weight of one output channel."""
        weight = self.layer.weight
        return int(self.arriving.signals.shape[2] * math.prod(weight.shape[2:]))


def _alike(one: Component) -> Any:
    """Equal for components that make the same comparisons of channels of their own."""
    if one.members is None:
        return id(one)
    return (one.phases, one.outputs.size, *(member.tobytes() for member in one.members))


def _may_wrap(rows: np.ndarray, signals: np.ndarray) -> bool:
    """Whether sums of their products might leave int64."""
    if object in (rows.dtype, signals.dtype):
        return True
    largest = [max(-int(values.min(initial=0)), int(values.max(initial=0))) for values in (rows, signals)]
    return math.prod(largest) * rows.shape[1] >= 2**62
