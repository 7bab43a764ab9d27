"""The weight behind a matrix whose geometry is known: exactly, or as the orthogonal projection."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from convmatrix import exact
from convmatrix.analysis.recognition.entries import Entries, gram
from convmatrix.geometry import Axis


def exact_weight(entries: Entries, axes: Sequence[Axis]) -> np.ndarray:
    """The weight `(c_out, c_in, *kernel_size)` of a matrix that is such a convolution, read off its entries.

    Where every tap is seen alone somewhere its entry is taken as it stands; taps seen only in sums are solved for in
    fractions, and those the matrix does not determine are 0.
    """
    solutions = [_solution(axis) for axis in axes]
    weight = entries.gather([(outputs, inputs) for outputs, inputs, _ in solutions])
    for number, (_, _, inverse) in enumerate(solutions):
        weight = _applied(inverse, weight, number + 2)
    return np.ascontiguousarray(exact.as_array(weight))


def projected_weight(entries: Entries, axes: Sequence[Axis]) -> tuple[np.ndarray, float]:
    """The weight of the nearest matrix of this geometry, and that matrix's squared norm.

    The taps of several axes are Kronecker products, so their Gram matrix is one too and is inverted axis by axis.
    """
    products = entries.contract(axes)
    weight = products
    for number, axis in enumerate(axes):
        inverse = np.linalg.pinv(gram(axis), rcond=1e-10, hermitian=True)
        weight = np.moveaxis(np.tensordot(inverse, weight, axes=(1, number + 2)), 0, number + 2)
    return np.ascontiguousarray(weight), float(np.vdot(weight, products).real)


def held_root(entries: Entries, axes: Sequence[Axis | None]) -> np.ndarray:
    """One row a pair of the axis that is None: the root of their Gram matrix, projected on the other axes."""
    root = entries.contract(axes)
    for number, axis in enumerate(axes):
        if axis is None:
            kept = number + 2
            continue
        strength, directions = np.linalg.eigh(gram(axis))
        safe = np.where(strength > 1e-10 * strength[-1], strength, np.inf)
        root = np.moveaxis(np.tensordot((directions / np.sqrt(safe)).T, root, axes=(1, number + 2)), 0, number + 2)
    return np.ascontiguousarray(np.moveaxis(root, kept, 0).reshape(root.shape[kept], -1))


def group_weight(weight: np.ndarray, groups: int) -> np.ndarray:
    """`(c_out, c_in, ...)` without the blocks between groups: `(c_out, c_in/groups, ...)`."""
    if groups == 1:
        return weight
    out_channels, in_channels = weight.shape[:2]
    size = in_channels // groups
    first = np.arange(out_channels) // (out_channels // groups) * size
    return np.ascontiguousarray(weight[np.arange(out_channels)[:, None], first[:, None] + np.arange(size)])


def _solution(axis: Axis) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (outputs, inputs) whose entries determine the taps, and the rational matrix that does it.

    The entry of a pair is the sum of the taps that read it. Independent pairs are chosen by elimination, those of the
    fewest taps first.
    """
    reads = axis.reads()
    sums: dict[tuple[int, ...], tuple[int, int]] = {}
    for output, row in enumerate(reads.tolist()):
        taps: dict[int, list[int]] = {}
        for tap, source in enumerate(row):
            if source >= 0:
                taps.setdefault(source, []).append(tap)
        for source, together in taps.items():
            sums.setdefault(tuple(together), (output, source))
    count = axis.kernel_size
    pivots: dict[int, dict[int, Fraction]] = {}
    chosen: list[tuple[int, ...]] = []
    for group in sorted(sums, key=lambda group: (len(group), group)):
        row_left = _reduced({tap: Fraction(1) for tap in group}, pivots)
        if row_left:
            lead = min(row_left)
            pivots[lead] = {tap: value / row_left[lead] for tap, value in row_left.items()}
            chosen.append(group)
    kept = sorted(pivots)
    square = [[Fraction(int(tap in group)) for tap in kept] for group in chosen]
    inverse = np.full((count, max(len(chosen), 1)), Fraction(0), dtype=object)
    for tap, row_of in zip(kept, exact.inverse(square), strict=True):
        inverse[tap] = row_of
    pairs = [sums[group] for group in chosen] or [(0, 0)]
    outputs, inputs = (np.array(part, dtype=np.int64) for part in zip(*pairs, strict=True))
    return outputs, inputs, inverse


def _reduced(row: dict[int, Fraction], pivots: dict[int, dict[int, Fraction]]) -> dict[int, Fraction]:
    """The row minus multiples of the pivot rows; empty if it depends on them."""
    while True:
        lead = min((tap for tap in row if tap in pivots), default=None)
        if lead is None:
            return row
        factor = row[lead]
        for tap, value in pivots[lead].items():
            left = row.get(tap, Fraction(0)) - factor * value
            if left:
                row[tap] = left
            else:
                row.pop(tap, None)


def _applied(inverse: np.ndarray, weight: np.ndarray, dimension: int) -> np.ndarray:
    """The rational matrix applied along one dimension; single entries are only moved and keep value and type."""
    if all(entry in (0, 1) for entry in inverse.flat) and (inverse.sum(axis=1) <= 1).all():
        marks = inverse.astype(np.int8)
        moved = np.take(weight, marks.argmax(axis=1), axis=dimension)
        moved[(slice(None),) * dimension + (~marks.any(axis=1),)] = 0
        return moved
    if weight.dtype.kind in "fc":
        factor = inverse.astype(weight.dtype)
    else:
        factor, weight = exact.paired(inverse, weight)
    return np.moveaxis(np.tensordot(factor, weight, axes=(1, dimension)), 0, dimension)
