"""How each output along a resized axis mixes inputs: one, or two in linear interpolation, in exact shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix.memory import check_size


@dataclass(frozen=True, eq=False)
class Mix:
    """One axis of a resize: output `o` is `shares[o]/whole` of input `sources[o] + 1`, the rest of `sources[o]`."""

    sources: np.ndarray
    shares: np.ndarray
    whole: int

    @classmethod
    def of_nearest(cls, sources: np.ndarray) -> Mix:
        """Each output reads one input."""
        return cls(sources, np.broadcast_to(np.int64(0), sources.shape), 1)

    @cached_property
    def nnz(self) -> int:
        """Pairs of an output and an input it reads."""
        return self.sources.size + int(np.count_nonzero(self.shares))

    def matrix(self, input_size: int, dtype: Any) -> csr_array:
        """The axis as a matrix."""
        both = np.flatnonzero(self.shares)
        lengths = np.ones(self.sources.size, dtype=np.int64)
        lengths[both] = 2
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        second = indptr[both] + 1
        indices, shares = np.repeat(self.sources, lengths), np.repeat(self.whole - self.shares, lengths)
        indices[second] += 1
        shares[second] = self.shares[both]
        return csr_array(((shares / self.whole).astype(dtype), indices, indptr), shape=(self.sources.size, input_size))

    def entries(self) -> Iterator[tuple[int, int, Fraction]]:
        """Output, input and share."""
        for output, (source, share) in enumerate(zip(self.sources.tolist(), self.shares.tolist(), strict=True)):
            yield output, source, Fraction(self.whole - share, self.whole)
            if share:
                yield output, source + 1, Fraction(share, self.whole)

    def exactly(self, flat: np.ndarray, size: int, transpose: bool) -> np.ndarray:
        """The axis, or its transpose, applied to the rows of an object array."""
        mixed = np.zeros((size, flat.shape[1]), dtype=object)
        for output, source, share in self.entries():
            row, column = (source, output) if transpose else (output, source)
            mixed[row] += share * flat[column]
        return mixed


def mix_of(n: int, outputs: int, scale: Fraction, mode: str) -> Mix:
    """The mix of each output for the source step `1/scale`, in integers: positions are multiples of `1/(2*scale)`."""
    up, down = scale.numerator, scale.denominator
    # Below 2**53 int64 is safe, and a quotient of two such numbers is the float nearest to the share.
    small = (2 * outputs + 1) * down + 2 * up * (n + 1) < 2**53
    check_size(f"the sources of a resize to {outputs} positions", (64 if small else 256) * outputs)
    order = np.arange(outputs, dtype=np.int64).astype(np.int64 if small else object)
    if mode != "linear":
        places = order * down // up if mode == "nearest" else (2 * order + 1) * down // (2 * up)
        return Mix.of_nearest(np.minimum(places, n - 1).astype(np.int64))
    places = np.maximum((2 * order + 1) * down - up, 0)
    sources = np.minimum(places // (2 * up), n - 1)
    shares = np.where(sources < n - 1, places - sources * (2 * up), 0)
    return Mix(sources.astype(np.int64), shares, 2 * up)
