"""The nearest convolution: every geometry of each axis ranked by what it can hold of the matrix, then joined.

The projections of two axes commute, so what all axes hold together is at most what each holds alone: combinations are
tried in the order of what the axes leave, `TRIALS` of them, and the best is then improved one axis at a time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convmatrix.analysis.recognition.axis_search import (
    SMALL,
    AxisFit,
    all_reads,
    family_strides,
    indexed,
    is_legal,
    with_legal_size,
)
from convmatrix.analysis.recognition.entries import Entries
from convmatrix.analysis.recognition.weights import held_root, projected_weight
from convmatrix.geometry import Axis

TRIALS = 64
"""Combinations of the axes' geometries projected on exactly, a padding mode; of very large matrices 8."""
KEPT = 24
"""Geometries an axis kept for the combinations."""
_BATCH = 1000
WIDTH = 400
_HOPEFUL = 4
_LARGE = 1 << 21
_EFFORT = 1 << 24


@dataclass(frozen=True, eq=False)
class Nearest:
    """A geometry, the projection's weight `(c_out, c_in, *kernel_size)`, and the squared norm of the projection."""

    fits: tuple[AxisFit, ...]
    mode: str
    weight: np.ndarray
    energy: float


def nearest(entries: Entries, modes: Sequence[str], limits: Sequence[int], transposed: bool = False) -> Nearest | None:
    """The best geometry under the limits of taps an axis; None if none has these sizes."""
    roots = [entries.root(axis, WIDTH) for axis in entries.axes]
    total = max(entries.norm**2, np.finfo(float).tiny)
    best: Nearest | None = None
    for mode in modes:
        ranked = []
        for axis in entries.axes:
            sizes = entries.in_shape[axis + 1], entries.out_shape[axis + 1]
            # A sketch's energies are estimates, which must not rule anything out.
            floor = 0.0 if best is None or math.prod(sizes) > WIDTH else best.energy
            ranked.append(_ranked(roots[axis], *sizes, mode, limits[axis], transposed, floor))
        found = _joined(entries, ranked, mode, total, transposed)
        # What leaves far more than the best so far is not worth improving.
        if found is not None and (best is None or total - found.energy <= _HOPEFUL * (total - best.energy)):
            found = _climbed(entries, found, limits, total, transposed)
        best = _better(best, found, total)
    return best


def default_limits(entries: Entries) -> list[int]:
    """Half the input an axis, but what one row shows of the kernel, and never fewer than 4."""
    limits = []
    for axis in entries.axes:
        n = entries.in_shape[axis + 1]
        joined = np.unique(entries.pairs(axis))
        fullest = int(np.bincount(joined // n).max(initial=1))
        limits.append(max((n + 1) // 2, fullest, 4))
    return limits


def _joined(
    entries: Entries, ranked: list[list[tuple[float, AxisFit]]], mode: str, total: float, transposed: bool
) -> Nearest | None:
    """The best combination of the axes' geometries, tried in the order of their bounds."""
    tried = []
    for choice in itertools.product(*ranked):
        # The squared distances of the axes alone: their largest bounds the distance below, their sum above.
        left = [max(total - energy, 0.0) / total for energy, _ in choice]
        tried.append((round(sum(left), 12), round(max(left, default=0.0), 12), tuple(fit for _, fit in choice)))
    tried.sort(key=lambda trial: (trial[0], math.prod(fit.kernel_size for fit in trial[2]), trial[2]))
    best: Nearest | None = None
    trials = max(8, min(TRIALS, _EFFORT // max(entries.numbers.size, 1)))
    for _, least, fits in tried[:trials]:
        if best is None or 1 - best.energy / total >= least - 1e-12:
            best = _better(best, _projected(entries, fits, mode, transposed), total)
    return best


def _climbed(entries: Entries, found: Nearest, limits: Sequence[int], total: float, transposed: bool) -> Nearest:
    """The same improved axis by axis: each takes the geometry that holds the most of what the others leave it."""
    axes = len(found.fits)
    for step in range(2 * axes if axes > 1 else 0):
        axis = step % axes
        sizes = entries.in_shape[axis + 1], entries.out_shape[axis + 1]
        others = [None if other == axis else part for other, part in enumerate(_axes(entries, found.fits, found.mode))]
        shape = [part.kernel_size if part is not None else math.prod(sizes) for part in others]
        if math.prod(shape) * entries.in_shape[0] * entries.out_shape[0] > _LARGE:
            continue
        root = held_root(entries, others)
        for _, fit in _ranked(root, *sizes, found.mode, limits[axis], transposed, found.energy)[:2]:
            fits = (*found.fits[:axis], fit, *found.fits[axis + 1 :])
            found = _better(found, _projected(entries, fits, found.mode, transposed), total) or found
    return found


def _axes(entries: Entries, fits: Sequence[AxisFit], mode: str) -> list[Axis]:
    sizes = zip(fits, entries.in_shape[1:], entries.out_shape[1:], strict=True)
    return [fit.axis(inputs, outputs, mode) for fit, inputs, outputs in sizes]


def _projected(entries: Entries, fits: tuple[AxisFit, ...], mode: str, transposed: bool) -> Nearest:
    weight, energy = projected_weight(entries, _axes(entries, fits, mode))
    return _trimmed(Nearest(fits, mode, weight, energy), entries, transposed)


def _better(old: Nearest | None, new: Nearest | None, total: float) -> Nearest | None:
    """The one that holds more; of equals the one of fewer taps, then the earlier."""
    if old is None or new is None:
        return new if old is None else old
    held = round(old.energy / total, 12), -old.weight.size
    return new if (round(new.energy / total, 12), -new.weight.size) > held else old


def _trimmed(found: Nearest, entries: Entries, transposed: bool) -> Nearest:
    """Without taps of value 0 at the ends, as far as the sizes allow."""
    fits, weight = list(found.fits), found.weight
    negligible = 1e-12 * float(np.abs(weight).max(initial=0))
    for axis, fit in enumerate(fits):
        sizes = entries.in_shape[axis + 1], entries.out_shape[axis + 1]
        lead = (slice(None),) * (axis + 2)
        for first in (False, True):
            while fit.kernel_size > 1:
                before = fit.pad_before - first * fit.dilation
                less = AxisFit(fit.kernel_size - 1, fit.dilation, fit.stride, before)
                end = np.abs(weight[(*lead, 0 if first else -1)]).max(initial=0)
                if end > negligible or not is_legal(less, *sizes, found.mode, transposed):
                    break
                fit, weight = less, weight[(*lead, slice(1, None) if first else slice(None, -1))]
        fits[axis] = fit
    return Nearest(tuple(fits), found.mode, np.ascontiguousarray(weight), found.energy)


def _ranked(
    root: np.ndarray, inputs: int, outputs: int, mode: str, most: int, transposed: bool, floor: float = 0.0
) -> list[tuple[float, AxisFit]]:
    """The `KEPT` geometries of one axis that hold the most, at least `floor`, with how much."""
    table = root.reshape(outputs, inputs, -1)
    strides = []
    for stride in _strides(inputs, outputs, mode):
        reads = all_reads(inputs, outputs, stride, mode)
        seen = np.where(reads[:, :, None] >= 0, table[np.arange(outputs)[:, None], reads], 0).sum(axis=0)
        products = (seen @ seen.conj().T).real
        bound = float((_inverse(inputs, outputs, stride, mode) * products).sum())
        strides.append((bound, stride, products))
    strides.sort(key=lambda entry: (-entry[0], entry[1]))
    found: list[tuple[float, AxisFit]] = []
    for bound, stride, products in strides:
        # Taps at all places of the stride hold no less than any choice of them.
        if bound * (1 + 1e-9) < (found[-1][0] if len(found) == KEPT else floor):
            break
        shared = _shared(inputs, outputs, stride, mode)
        fits, index, mask = indexed(inputs, outputs, stride, mode, most)
        energies, order = _energies(products, shared, index, mask, mode)
        for energy, place in zip(energies.tolist(), order.tolist(), strict=True):
            fit = with_legal_size(fits[place], inputs, outputs, mode, transposed)
            if fit is not None and energy * (1 + 1e-9) >= floor:
                found.append((energy, fit))
        unit = max((energy for energy, _ in found), default=0.0) * 1e-12 or 1.0
        found.sort(key=lambda pair: (-round(pair[0] / unit), pair[1]))
        del found[KEPT:]
    return found


def _energies(
    products: np.ndarray, shared: np.ndarray, index: np.ndarray, mask: np.ndarray, mode: str
) -> tuple[np.ndarray, np.ndarray]:
    """What the fits of a stride hold, best first, with their numbers; of very many the likely ones."""
    counts = np.diag(shared)
    alone = np.divide(np.diag(products), counts, out=np.zeros(len(counts)), where=counts > 0)
    energies = (alone[index] * mask).sum(axis=1)
    order = np.argsort(-energies, kind="stable")[:_BATCH]
    if mode in ("zeros", "circular"):
        return energies[order], order
    return _merged_energies(products, shared, index[order], mask[order]), order


def _merged_energies(products: np.ndarray, shared: np.ndarray, index: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What taps that share entries hold together: their inner products against the inverse of their Gram matrix."""
    pairs = index[:, :, None], index[:, None, :]
    gram = shared[pairs] * (mask[:, :, None] & mask[:, None, :])
    return np.asarray((np.linalg.pinv(gram, rcond=1e-10, hermitian=True) * products[pairs]).sum(axis=(1, 2)))


def _strides(inputs: int, outputs: int, mode: str) -> list[int]:
    """All on a small axis, else those whose windows stay within twice the input."""
    strides = family_strides(inputs, outputs, mode)
    return strides if inputs <= SMALL else [s for s in strides if (outputs - 1) * s <= 2 * inputs]


@lru_cache(maxsize=256)
def _shared(inputs: int, outputs: int, stride: int, mode: str) -> np.ndarray:
    """The Gram matrix of the taps at all places of this stride."""
    reads = all_reads(inputs, outputs, stride, mode)
    shared = np.zeros((reads.shape[1],) * 2)
    for row in reads:
        shared += (row[:, None] == row) & (row >= 0)
    return shared


@lru_cache(maxsize=256)
def _inverse(inputs: int, outputs: int, stride: int, mode: str) -> np.ndarray:
    """The inverse of that matrix, on what the taps span."""
    return np.asarray(np.linalg.pinv(_shared(inputs, outputs, stride, mode), rcond=1e-10, hermitian=True))
