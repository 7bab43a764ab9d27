"""The smallest kernel of one axis that explains a matrix exactly, for each padding mode.

A matrix is a convolution if and only if it is one along every axis by itself: the span of products of taps is the
intersection of the spans axis by axis. So each axis is searched alone, on its `AxisView`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convmatrix.analysis.recognition.entries import AxisView
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis

SMALL = 16
"""Inputs an axis up to which every geometry is tried under the modes whose taps can meet in one input."""
WIDE = 5
"""Taps a kernel may have on an input shorter than that, without further evidence."""
_SOLVED = 1e-9
_FAR = 8


@dataclass(frozen=True, order=True, slots=True)
class AxisFit:
    """The geometry of one axis, in the order of preference: fewest taps, smallest dilation, stride, padding."""

    kernel_size: int
    dilation: int
    stride: int
    pad_before: int

    @property
    def extent(self) -> int:
        """Positions from the first tap to the last."""
        return (self.kernel_size - 1) * self.dilation + 1

    def surplus(self, inputs: int, outputs: int) -> int:
        """Positions the last window reaches beyond the input; below 0 where inputs are left over."""
        return (outputs - 1) * self.stride + self.extent - self.pad_before - inputs

    def axis(self, inputs: int, outputs: int, mode: str) -> Axis:
        """The axis itself, with the least padding after it."""
        after = max(self.surplus(inputs, outputs), 0)
        return Axis(
            inputs, self.kernel_size, outputs, self.stride, self.dilation, self.pad_before, after, padding_mode=mode
        )


def taps_needed(inputs: int, outputs: int, stride: int, dilation: int, pad_before: int, transposed: bool) -> int:
    """Taps without which the size rule would give more outputs; a transposed layer may leave more inputs over."""
    slack = max(stride, dilation) if transposed else stride
    missing = inputs + pad_before - (outputs - 1) * stride - slack
    return max(-(-missing // dilation), 0) + 1


def search(view: AxisView, mode: str, limit: int | None, transposed: bool = False) -> AxisFit | None:
    """The smallest geometry of an axis under one padding mode, or None."""
    if mode == "zeros":
        return _zeros(view, limit, transposed)
    if not view.has_equal_row_sums:
        return None
    if mode == "circular":
        return _circular(view, limit)
    return _merging(view, mode, view_limit(view, limit))


def view_limit(view: AxisView, limit: int | None) -> int:
    """The most taps looked for: what was asked, else the input's size or a few."""
    return max(view.inputs, WIDE) if limit is None else limit


# -- zeros: each tap is one diagonal of slope `stride`, and no two share an entry -------------------------------------


def _zeros(view: AxisView, limit: int | None, transposed: bool) -> AxisFit | None:
    rows, columns = np.nonzero(view.nonzero)
    if not rows.size:
        rows = columns = np.zeros(1, dtype=np.int64)
    fits = []
    most = view_limit(view, limit)
    for stride in range(1, 2 * view.inputs + 9):
        if stride >= view.inputs and rows.size > most:
            break
        if not _slides(view, stride):
            continue
        offsets = np.unique(columns - rows * stride)
        shared = limit is None and offsets.size < rows.size
        for fit in _spreads(offsets, stride, view.inputs, view.outputs, transposed):
            # Given taps enough every matrix is a convolution: a long kernel counts only if some tap is seen twice.
            if shared or fit.kernel_size <= most:
                fits.append(fit)
    return min(fits, default=None)


def _slides(view: AxisView, stride: int) -> bool:
    """Whether every row is the one above moved by `stride`, as far as both are seen."""
    if view.outputs == 1 or stride >= view.inputs:
        return True
    row = int(view.nonzero[:-1].sum(axis=1).argmax())
    stop = view.inputs - stride
    ends = (row, slice(None, stop)), (row + 1, slice(stride, None))
    if not view.alike(*ends):
        return False
    return view.alike((slice(None, -1), slice(None, stop)), (slice(1, None), slice(stride, None)))


def _spreads(offsets: np.ndarray, stride: int, inputs: int, outputs: int, transposed: bool) -> Iterator[AxisFit]:
    """The fits whose taps include these offsets, one a dilation; zero taps stand in for negative padding."""
    low, high = int(offsets[0]), int(offsets[-1])
    gap = int(np.gcd.reduce(offsets - low))
    for dilation in _divisors(gap) if gap else _lone_dilations(low, stride, inputs, outputs):
        leading = -(-max(low, 0) // dilation)
        before = leading * dilation - low
        taps = (high - low) // dilation + 1 + leading
        needed = taps_needed(inputs, outputs, stride, dilation, before, transposed)
        yield AxisFit(max(taps, needed), dilation, stride, before)


def _divisors(number: int) -> list[int]:
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


def _lone_dilations(low: int, stride: int, inputs: int, outputs: int) -> list[int]:
    """Dilations worth trying where one tap is seen: they only place taps of value 0."""
    missing = inputs - low - outputs * stride
    choices = range(1, inputs + 1) if inputs <= SMALL else (1, low, missing)
    return sorted({1, *(d for d in (*choices, low, missing) if d >= 1)})


# -- circular: the same round a ring, so a row is the one above rolled ------------------------------------------------


def _circular(view: AxisView, limit: int | None) -> AxisFit | None:
    n, outputs = view.inputs, view.outputs
    most = n if limit is None else min(limit, n)
    strides = [stride for stride in range(1, n + 1) if _rolls(view, stride)]
    support = np.flatnonzero(view.nonzero[0])
    if not support.size:
        support = np.zeros(1, dtype=np.int64)
    fits = []
    for dilation in range(1, n + 1):
        for taps, first in _arcs(support, dilation, n):
            if taps > most:
                continue
            before = -first % n
            extent = (taps - 1) * dilation + 1
            least = -(-(n + before + 1 - extent) // outputs)
            for stride in strides:
                # Whole turns more in the stride read the same inputs; of one output the stride says nothing.
                step = 1 if outputs == 1 else n
                stride += max(-(-(least - stride) // step), 0) * step
                fits.append(AxisFit(taps, dilation, stride, before))
    return min(fits, default=None)


def _rolls(view: AxisView, stride: int) -> bool:
    if view.outputs == 1:
        return stride == 1
    shifted = (np.arange(view.inputs) + stride) % view.inputs
    here, there = np.s_[0, :], (1, shifted)
    if not view.alike(here, there):
        return False
    return view.alike(np.s_[:-1, :], (np.arange(1, view.outputs)[:, None], shifted[None, :]))


def _arcs(support: np.ndarray, dilation: int, n: int) -> list[tuple[int, int]]:
    """(taps, first position) of the shortest walks of step `dilation` round a ring of n that visit the support."""
    common = math.gcd(dilation, n)
    if ((support - support[0]) % common).any():
        return []
    length = n // common
    inverse = pow(dilation // common, -1, length) if length > 1 else 0
    steps = np.unique((support - support[0]) // common * inverse % length)
    gaps = np.diff(np.r_[steps, steps[0] + length])
    widest = int(gaps.max())
    starts = steps[(np.flatnonzero(gaps == widest) + 1) % steps.size]
    return [(length - widest + 1, int(support[0] + start * dilation) % n) for start in starts.tolist()]


# -- reflect, replicate, symmetric: taps meet in one entry and add up -------------------------------------------------


def _merging(view: AxisView, mode: str, most: int) -> AxisFit | None:
    if view.inputs <= SMALL:
        candidates: Iterable[AxisFit] = _all_fits(view, mode, most)
    else:
        candidates = sorted(set(_interior_fits(view, mode, most)))
    for fit in candidates:
        if _explains(view, fit, mode):
            return fit
    return None


def _all_fits(view: AxisView, mode: str, most: int) -> Iterator[AxisFit]:
    """Every geometry that could cover the nonzero entries, in the order of preference."""
    walks_of = []
    for stride in family_strides(view.inputs, view.outputs, mode):
        if _explains_at_best(view, stride, mode):
            fits, index, mask = indexed(view.inputs, view.outputs, stride, mode, most)
            if fits:
                reads = all_reads(view.inputs, view.outputs, stride, mode)
                walks_of += list(zip(_covering_taps(view, reads, index, mask).tolist(), fits, strict=True))
    for taps in range(view.fewest_taps, most + 1):
        able = [walk for least, walk in walks_of if least <= taps <= walk.kernel_size]
        for walk in sorted(able, key=lambda walk: (walk.dilation, walk.stride, walk.pad_before)):
            fit = AxisFit(taps, walk.dilation, walk.stride, walk.pad_before)
            legal = with_legal_size(fit, view.inputs, view.outputs, mode)
            if legal is not None:
                yield legal


def _covering_taps(view: AxisView, reads: np.ndarray, index: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """For each walk, the taps after which every nonzero entry has been read; more than there are if never."""
    walks, longest = index.shape
    reached = np.full((walks, *view.nonzero.shape), longest + 1)
    for tap in range(longest - 1, -1, -1):
        chosen = np.flatnonzero(mask[:, tap])[:, None]
        reached[chosen, np.arange(view.outputs), reads[:, index[chosen[:, 0], tap]].T] = tap + 1
    return np.asarray(reached[:, view.nonzero].max(axis=1, initial=1))


def _explains_at_best(view: AxisView, stride: int, mode: str) -> bool:
    """Whether taps at all places of this stride together explain the axis: without that, no choice of them does."""
    reads = all_reads(view.inputs, view.outputs, stride, mode)
    return _residual(view, reads) <= max(_SOLVED, view.alike_within)


def _explains(view: AxisView, fit: AxisFit, mode: str) -> bool:
    return _residual(view, _reads(fit, view.inputs, view.outputs, mode)) <= max(_SOLVED, view.alike_within)


def _residual(view: AxisView, reads: np.ndarray) -> float:
    """What the taps leave of the axis, largest entry relative to the largest of all."""
    rows = np.arange(view.outputs)[:, None]
    shared = (reads[:, :, None] == reads[:, None, :]).sum(axis=0).astype(float)
    seen = view.values[rows, reads].sum(axis=0)
    weights = np.linalg.pinv(shared, rcond=1e-10, hermitian=True) @ seen
    left = view.values.copy()
    np.subtract.at(left, (rows, reads), np.broadcast_to(weights, reads.shape))
    return float(np.abs(left).max() / max(float(view.scale.max()), np.finfo(float).tiny))


def _interior_fits(view: AxisView, mode: str, most: int) -> Iterator[AxisFit]:
    """Fits read off rows that touch no border, whose nonzeros are the taps themselves."""
    rows = np.flatnonzero(view.nonzero.any(axis=1))
    if rows.size < 2:
        return
    first = view.nonzero.argmax(axis=1)
    last = view.inputs - 1 - view.nonzero[:, ::-1].argmax(axis=1)
    moves = np.r_[np.diff(first), np.diff(last)]
    seen, counts = np.unique(moves[moves > 0], return_counts=True)
    for stride, row in itertools.product(seen[np.argsort(-counts)][:4].tolist(), rows.tolist()):
        columns = np.flatnonzero(view.nonzero[row])
        gap = int(np.gcd.reduce(columns - columns[0]))
        before = row * stride - int(columns[0])
        for dilation in _divisors(gap) if gap else [1]:
            taps = (int(columns[-1]) - int(columns[0])) // dilation + 1
            leading = -(min(before, 0) // dilation)
            needed = taps_needed(
                view.inputs, view.outputs, stride, dilation, before + leading * dilation, transposed=False
            )
            fit = AxisFit(max(taps + leading, needed), dilation, stride, before + leading * dilation)
            if view.fewest_taps <= fit.kernel_size <= most and is_legal(fit, view.inputs, view.outputs, mode):
                yield fit


# -- the geometries of one axis, whatever the matrix ------------------------------------------------------------------


def period(inputs: int, mode: str) -> int:
    """After how many positions a mode reads the same again; 0 if never."""
    return {"circular": inputs, "symmetric": 2 * inputs}.get(mode, 0)


def family_strides(inputs: int, outputs: int, mode: str) -> list[int]:
    """Strides that differ in what they read: up to a period, or until no tap reads two outputs' inputs."""
    if outputs == 1:
        return [1]
    if mode == "reflect":
        return list(range(1, max(3 * inputs - 3, 0) // (outputs - 1) + 1))
    return list(range(1, (period(inputs, mode) or inputs + 3) + 1))


def places(inputs: int, outputs: int, stride: int, mode: str) -> tuple[int, int]:
    """The first and last position a tap of the first output can take with a table of its own."""
    span = (outputs - 1) * stride
    if mode == "reflect":
        return 1 - inputs, 2 * inputs - 2 - span
    if period(inputs, mode):
        return 1 - period(inputs, mode), 0
    return (-span - 1, inputs) if mode == "zeros" else (-span, inputs - 1)


def all_reads(inputs: int, outputs: int, stride: int, mode: str) -> np.ndarray:
    """What taps at all these places read, `(outputs, places)`."""
    first, last = places(inputs, outputs, stride, mode)
    after = max((outputs - 1) * stride + last - inputs + 1, 0)
    count = last - first + 1
    return (
        Axis(inputs, count, outputs, stride, 1, -first, after, mode).reads()
        if count > 0
        else np.zeros((outputs, 0), int)
    )


@lru_cache(maxsize=512)
def walks(inputs: int, outputs: int, stride: int, mode: str, most: int) -> tuple[AxisFit, ...]:
    """For each dilation and padding the fit of the most taps, at most `most`: those of fewer are parts of it."""
    span = (outputs - 1) * stride
    ring = period(inputs, mode)
    found = []
    for dilation in range(1, (ring or 2 * inputs + 2) + 1):
        if ring:
            befores = range(ring)
        elif mode == "reflect":
            befores = range(inputs)
        else:
            befores = range(span + min(dilation * most, inputs + dilation) + 1)
        for before in befores:
            taps = most
            if mode == "reflect":
                taps = min(taps, (2 * inputs - 2 - span + before) // dilation + 1)
            elif ring:
                taps = min(taps, ring // math.gcd(ring, dilation))
            else:
                # Beyond the last place of its own a tap adds nothing new.
                taps = min(taps, max(-(-(inputs - 1 + before) // dilation), 0) + 1)
            if taps >= 1:
                found.append(AxisFit(taps, dilation, stride, before))
    return tuple(found)


@lru_cache(maxsize=256)
def indexed(
    inputs: int, outputs: int, stride: int, mode: str, most: int
) -> tuple[tuple[AxisFit, ...], np.ndarray, np.ndarray]:
    """The fits of a stride, and for each the places of its taps, padded to equal length."""
    fits = walks(inputs, outputs, stride, mode, most)
    if inputs > SMALL:
        fits = tuple(fit for fit in fits if fit.dilation <= _FAR and fit.pad_before < fit.extent <= 2 * inputs)
    first, last = places(inputs, outputs, stride, mode)
    taps = np.arange(max((fit.kernel_size for fit in fits), default=0))
    dilations = np.array([fit.dilation for fit in fits], dtype=np.int64)
    befores = np.array([fit.pad_before for fit in fits], dtype=np.int64)
    positions = dilations[:, None] * taps - befores[:, None]
    ring = period(inputs, mode)
    index = (positions - first) % ring if ring else positions.clip(first, last) - first
    return fits, index, taps < np.array([fit.kernel_size for fit in fits])[:, None]


def with_legal_size(fit: AxisFit, inputs: int, outputs: int, mode: str, transposed: bool = False) -> AxisFit | None:
    """The fit with its stride raised by whole periods, where the size rule asks for it; None if it cannot be met."""
    ring = 1 if outputs == 1 else period(inputs, mode)
    if ring:
        least = -(-(inputs + fit.pad_before + 1 - fit.extent) // outputs)
        stride = fit.stride + max(-(-(least - fit.stride) // ring), 0) * ring
        fit = AxisFit(fit.kernel_size, fit.dilation, stride, fit.pad_before)
    return fit if is_legal(fit, inputs, outputs, mode, transposed) else None


def is_legal(fit: AxisFit, inputs: int, outputs: int, mode: str, transposed: bool = False) -> bool:
    """Whether `conv` (or `conv_transpose`) can spell the fit: its size rule gives these outputs."""
    needed = taps_needed(inputs, outputs, fit.stride, fit.dilation, fit.pad_before, transposed)
    if fit.pad_before < 0 or fit.kernel_size < needed:
        return False
    return mode != "reflect" or max(fit.pad_before, fit.surplus(inputs, outputs)) < inputs


def _reads(fit: AxisFit, inputs: int, outputs: int, mode: str) -> np.ndarray:
    """What the fit reads; its size need not be legal yet."""
    try:
        return fit.axis(inputs, outputs, mode).reads()
    except ConvMatrixError:
        return np.zeros((outputs, 0), dtype=np.int64)
