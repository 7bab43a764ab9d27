"""A matrix as its nonzero entries in tensor coordinates: what every axis shows of it, and its products with taps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array, issparse

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis
from convmatrix.memory import check_size
from convmatrix.operators.base import TensorOperator

_SEED = 20240607
_ALIKE = 1e-11
_ROUNDED = 64


@dataclass(frozen=True, eq=False)
class AxisView:
    """One axis of a matrix, everything else folded by a random functional: linear, so sums of taps stay sums.

    `values[o, i]` is that functional of all entries that join output o to input i, `scale` the same of the magnitudes,
    `nonzero` where there is any entry at all; `alike_within` is the relative rounding allowed.
    """

    values: np.ndarray
    scale: np.ndarray
    nonzero: np.ndarray
    alike_within: float = _ALIKE

    @property
    def outputs(self) -> int:
        """Output positions."""
        return int(self.values.shape[0])

    @property
    def inputs(self) -> int:
        """Input positions."""
        return int(self.values.shape[1])

    @cached_property
    def fewest_taps(self) -> int:
        """No kernel can have fewer taps than the fullest row has inputs."""
        return max(int(self.nonzero.sum(axis=1).max()), 1)

    def alike(self, here: Any, there: Any) -> bool:
        """Whether two parts of the table agree, supports exactly and values up to rounding."""
        if not np.array_equal(self.nonzero[here], self.nonzero[there]):
            return False
        gap = np.abs(self.values[here] - self.values[there])
        return bool((gap <= self.alike_within * (self.scale[here] + self.scale[there])).all())

    @cached_property
    def has_equal_row_sums(self) -> bool:
        """Whether every output sums to the same: so it is where each tap of each output reads the input itself."""
        sums = self.values.sum(axis=1)
        allowed = self.alike_within * self.scale.sum(axis=1)
        return bool((np.abs(sums - sums[0]) <= allowed + allowed[0]).all())


@dataclass(frozen=True, eq=False)
class Entries:
    """The nonzero entries of a matrix between tensors.

    `outputs` and `inputs` are tensor coordinates `(1 + axes, entries)`; `numbers` are the values as floats, symbols
    replaced by random ones; `matrix` is SciPy's, None for exact values.
    """

    values: np.ndarray
    numbers: np.ndarray
    outputs: np.ndarray
    inputs: np.ndarray
    out_shape: tuple[int, ...]
    in_shape: tuple[int, ...]
    matrix: csr_array | None

    @property
    def axes(self) -> range:
        """The spatial axes, from 0."""
        return range(len(self.in_shape) - 1)

    @property
    def norm(self) -> float:
        """The Frobenius norm."""
        return float(np.linalg.norm(self.numbers))

    def transposed(self) -> Entries:
        """The entries of the transpose."""
        matrix = None if self.matrix is None else csr_array(self.matrix.T)
        return Entries(self.values, self.numbers, self.inputs, self.outputs, self.in_shape, self.out_shape, matrix)

    def flat_rows(self) -> np.ndarray:
        """The row of each entry."""
        return np.asarray(np.ravel_multi_index(tuple(self.outputs), self.out_shape))

    def flat_columns(self) -> np.ndarray:
        """The column of each entry."""
        return np.asarray(np.ravel_multi_index(tuple(self.inputs), self.in_shape))

    def groups(self) -> int:
        """The largest number of channel groups that never meet."""
        out_channels, in_channels = self.out_shape[0], self.in_shape[0]
        joined = np.unique(self.outputs[0] * in_channels + self.inputs[0])
        writes, reads = joined // in_channels, joined % in_channels
        for groups in range(math.gcd(out_channels, in_channels), 1, -1):
            if np.array_equal(writes // (out_channels // groups), reads // (in_channels // groups)):
                return groups
        return 1

    def pairs(self, axis: int) -> np.ndarray:
        """For each entry, which (output, input) pair of one spatial axis it belongs to, as one number."""
        return np.asarray(self.outputs[axis + 1] * self.in_shape[axis + 1] + self.inputs[axis + 1])

    def view(self, axis: int) -> AxisView:
        """One axis, the others and the channels folded; the functional is random but always the same."""
        shape = (self.out_shape[axis + 1], self.in_shape[axis + 1])
        check_size(f"the {shape[0]} x {shape[1]} table of axis {axis}", 40 * shape[0] * shape[1], None)
        rng = np.random.default_rng(_SEED)
        factor = np.ones(self.numbers.size)
        for coordinates, sizes in ((self.outputs, self.out_shape), (self.inputs, self.in_shape)):
            for dimension, size in enumerate(sizes):
                if dimension != axis + 1:
                    factor *= (rng.uniform(0.5, 1.5, size) * rng.choice([-1.0, 1.0], size))[coordinates[dimension]]
        where, folded = self.pairs(axis), self.numbers * factor
        values = _binned(where, folded, math.prod(shape)).reshape(shape)
        scale = _binned(where, np.abs(folded), math.prod(shape)).reshape(shape)
        nonzero = np.zeros(math.prod(shape), dtype=bool)
        nonzero[where] = True
        eps = float(np.finfo(self.values.dtype).eps) if self.values.dtype.kind in "fc" else 0.0
        return AxisView(values, scale, nonzero.reshape(shape), max(_ALIKE, _ROUNDED * eps))

    def root(self, axis: int, width: int) -> np.ndarray:
        """A matrix of one row a pair of the axis with the inner products of the pairs' entries: their Gram's root.

        Beyond `width` pairs it is a random sketch of as many columns, whose inner products are right on average.
        """
        size = self.out_shape[axis + 1] * self.in_shape[axis + 1]
        others = [part for part in range(len(self.in_shape)) if part != axis + 1]
        sizes = [self.out_shape[part] for part in others] + [self.in_shape[part] for part in others]
        coordinates = [self.outputs[part] for part in others] + [self.inputs[part] for part in others]
        rest = np.ravel_multi_index(tuple(coordinates), sizes) if sizes else np.zeros(self.numbers.size, int)
        distinct, rest = np.unique(rest, return_inverse=True)
        flat = coo_array((self.numbers, (self.pairs(axis), rest)), shape=(size, max(distinct.size, 1))).tocsr()
        if flat.shape[1] <= min(size, width):
            return np.asarray(flat.toarray())
        if size > width:
            sketch = np.random.default_rng(_SEED).standard_normal((flat.shape[1], 24)) / math.sqrt(24)
            return np.asarray(flat @ sketch)
        gram = (flat @ flat.conj().T).toarray()
        strength, directions = np.linalg.eigh(gram)
        return np.asarray(directions * np.sqrt(np.maximum(strength, 0)))

    def contract(self, axes: Sequence[Axis | None]) -> np.ndarray:
        """Inner products of the matrix with each tap of each pair of channels: `(c_out, c_in, *kernel_size)`.

        An axis that is None keeps its (output, input) pairs in place of taps.
        """
        where, numbers = self.outputs[0] * self.in_shape[0] + self.inputs[0], self.numbers
        chosen = np.arange(numbers.size)
        shape = [self.out_shape[0], self.in_shape[0]]
        for number, axis in enumerate(axes):
            pairs = self.pairs(number)[chosen]
            if axis is None:
                shape.append(self.out_shape[number + 1] * self.in_shape[number + 1])
                where = where * shape[-1] + pairs
                continue
            starts, taps = _taps_of_pairs(axis)
            counts = starts[pairs + 1] - starts[pairs]
            begins = np.repeat(starts[pairs] - np.cumsum(counts) + counts, counts)
            where = np.repeat(where, counts) * axis.kernel_size + taps[begins + np.arange(begins.size)]
            chosen = np.repeat(chosen, counts)
            shape.append(axis.kernel_size)
        return _binned(where, numbers[chosen], math.prod(shape)).reshape(shape)

    def gather(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """The entries at chosen (outputs, inputs) of each axis, for all channels: `(c_out, c_in, *chosen)`."""
        rank = len(pairs) + 2
        rows = _along(np.arange(self.out_shape[0]), 0, rank)
        columns = _along(np.arange(self.in_shape[0]), 1, rank)
        for axis, (outputs, inputs) in enumerate(pairs):
            rows = rows * self.out_shape[axis + 1] + _along(outputs, axis + 2, rank)
            columns = columns * self.in_shape[axis + 1] + _along(inputs, axis + 2, rank)
        wanted = rows * math.prod(self.in_shape) + columns
        present = self.flat_rows() * math.prod(self.in_shape) + self.flat_columns()
        order = np.argsort(present, kind="stable")
        place = np.searchsorted(present, wanted.ravel(), sorter=order)
        found = np.flatnonzero(place < present.size)
        found = found[present[order[place[found]]] == wanted.ravel()[found]]
        result = np.zeros(wanted.size, dtype=self.values.dtype)
        result[found] = self.values[order[place[found]]]
        return result.reshape(wanted.shape)


def read_entries(matrix: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> Entries:
    """The nonzero entries of anything that is a matrix."""
    if isinstance(matrix, TensorOperator):
        matrix = matrix.toarray() if matrix.dtype == object else matrix.tosparse()
    if issparse(matrix):
        sparse = csr_array(matrix, copy=True)
        sparse = csr_array((exact.as_array(sparse.data, "matrix"), sparse.indices, sparse.indptr), shape=sparse.shape)
        sparse.sum_duplicates()
    else:
        dense = exact.as_array(matrix, "matrix")
        sparse = csr_array(dense) if dense.ndim == 2 and dense.dtype != object else None
    shape = sparse.shape if sparse is not None else dense.shape
    expected = (math.prod(out_shape), math.prod(in_shape))
    if tuple(shape) != expected:
        raise ConvMatrixError(
            f"matrix must have the shape {expected} for in_shape {in_shape} and out_shape {out_shape}, "
            f"got {tuple(shape)}"
        )
    if sparse is None:
        rows, columns, values = _nonzero_exact(dense)
    else:
        if not exact.is_finite(sparse.data):
            count = int(np.count_nonzero(~np.isfinite(sparse.data)))
            raise ConvMatrixError(f"matrix must be finite, got {count} entries that are NaN or infinite")
        sparse.eliminate_zeros()
        rows, columns, values = np.repeat(np.arange(shape[0]), np.diff(sparse.indptr)), sparse.indices, sparse.data
    outputs = np.array(np.unravel_index(rows, out_shape), dtype=np.int64)
    inputs = np.array(np.unravel_index(columns, in_shape), dtype=np.int64)
    return Entries(values, _numbers(values), outputs, inputs, out_shape, in_shape, sparse)


def gram(axis: Axis) -> np.ndarray:
    """Inner products of an axis's taps: how many (output, input) pairs two of them share."""
    reads = axis.reads()
    shared = (reads[:, :, None] == reads[:, None, :]) & (reads[:, :, None] >= 0)
    return np.asarray(shared.sum(axis=0), dtype=float)


def _along(values: np.ndarray, dimension: int, rank: int) -> np.ndarray:
    return np.asarray(values, dtype=np.int64).reshape([-1 if part == dimension else 1 for part in range(rank)])


def _binned(where: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    if values.dtype.kind == "c":
        return _binned(where, values.real, size) + 1j * _binned(where, values.imag, size)
    return np.bincount(where, weights=values, minlength=size)


def _taps_of_pairs(axis: Axis) -> tuple[np.ndarray, np.ndarray]:
    """The taps that read each (output, input) pair, pair after pair, with where each pair's begin."""
    reads = axis.reads()
    outputs, taps = np.nonzero(reads >= 0)
    pairs = outputs * axis.input_size + reads[outputs, taps]
    counts = np.bincount(pairs, minlength=axis.output_size * axis.input_size)
    return np.concatenate([[0], np.cumsum(counts)]), taps[np.argsort(pairs, kind="stable")]


def _nonzero_exact(dense: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    flat = dense.ravel()
    places = np.array([place for place, entry in enumerate(flat) if not vanishes(entry)], dtype=np.int64)
    values = flat[places] if places.size else np.zeros(0, dtype=object)
    return places // dense.shape[1], places % dense.shape[1], values


def vanishes(entry: Any) -> bool:
    """Whether an exact entry is 0, after expanding it."""
    return bool(entry.expand() == 0) if exact.is_sympy(entry) else bool(entry == 0)


def _numbers(values: np.ndarray) -> np.ndarray:
    if values.dtype != object:
        return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
    if not exact.is_symbolic(values):
        return exact.as_numbers(values, float, "matrix")
    rng = np.random.default_rng(_SEED)
    symbols = sorted({s for entry in values if exact.is_sympy(entry) for s in entry.free_symbols}, key=str)
    places = {symbol: float(rng.uniform(1, 2)) for symbol in symbols}
    known = {entry: complex(exact.to_sympy(entry).evalf(30, subs=places)) for entry in set(values.tolist())}
    numbers = np.array([known[entry] for entry in values.tolist()])
    return numbers if numbers.imag.any() else numbers.real
