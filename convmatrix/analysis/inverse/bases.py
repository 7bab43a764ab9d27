"""Orthonormal vectors that are applied without being listed: waves, products, groups, the columns of a matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convmatrix.operators import TensorOperator


class Basis:
    """`r` orthonormal tensors of one shape, of whose sums this knows coefficients and tensors; here the unit tensors.

    Parameters
    ----------
    shape : tuple of int
        Of each tensor.
    size : int
        How many they are.
    """

    def __init__(self, shape: tuple[int, ...], size: int) -> None:
        self.shape, self.size = shape, size

    def coefficients(self, tensors: np.ndarray) -> np.ndarray:
        """Inner products with each, conjugated: `(batch, *shape)` to `(batch, r)`."""
        return tensors.reshape(len(tensors), self.size)

    def tensors(self, coefficients: np.ndarray) -> np.ndarray:
        """Sums of them: `(batch, r)` to `(batch, *shape)`."""
        return coefficients.reshape(len(coefficients), *self.shape)


class Columns(Basis):
    """The columns of a matrix."""

    def __init__(self, matrix: np.ndarray, shape: tuple[int, ...]) -> None:
        super().__init__(shape, matrix.shape[1])
        self.matrix = matrix

    def coefficients(self, tensors: np.ndarray) -> np.ndarray:
        return tensors.reshape(len(tensors), len(self.matrix)) @ np.conj(self.matrix)

    def tensors(self, coefficients: np.ndarray) -> np.ndarray:
        return (coefficients @ self.matrix.T).reshape(len(coefficients), *self.shape)


class Turned(Basis):
    """All of them times one number of size 1."""

    def __init__(self, of: Basis, turn: complex) -> None:
        super().__init__(of.shape, of.size)
        self.of, self.turn = of, turn

    def coefficients(self, tensors: np.ndarray) -> np.ndarray:
        return self.of.coefficients(tensors) * np.conj(self.turn)

    def tensors(self, coefficients: np.ndarray) -> np.ndarray:
        return self.of.tensors(coefficients * self.turn)


class Conjugated(Basis):
    """The conjugates of them."""

    def __init__(self, of: Basis) -> None:
        super().__init__(of.shape, of.size)
        self.of = of

    def coefficients(self, tensors: np.ndarray) -> np.ndarray:
        return np.conj(self.of.coefficients(np.conj(tensors)))

    def tensors(self, coefficients: np.ndarray) -> np.ndarray:
        return np.conj(self.of.tensors(np.conj(coefficients)))


class Permuted(Basis):
    """Tensors that some permutations, the first first, turn into those of another basis."""

    def __init__(self, of: Basis, steps: Sequence[TensorOperator]) -> None:
        super().__init__(steps[0].in_shape if steps else of.shape, of.size)
        self.of, self.steps = of, steps

    def coefficients(self, tensors: np.ndarray) -> np.ndarray:
        for step in self.steps:
            tensors = step(tensors)
        return self.of.coefficients(tensors)

    def tensors(self, coefficients: np.ndarray) -> np.ndarray:
        found = self.of.tensors(coefficients)
        for step in reversed(self.steps):
            found = step.T(found)
        return found


class Grouped(Basis):
    """Each group of channels has a basis of its own; 0 in all other channels."""

    def __init__(self, parts: Sequence[Basis]) -> None:
        channels, *space = parts[0].shape
        super().__init__((channels * len(parts), *space), sum(part.size for part in parts))
        self.parts = parts

    def coefficients(self, tensors: np.ndarray) -> np.ndarray:
        own = np.split(tensors, len(self.parts), axis=1)
        return np.concatenate([part.coefficients(each) for part, each in zip(self.parts, own, strict=True)], axis=1)

    def tensors(self, coefficients: np.ndarray) -> np.ndarray:
        own = np.split(coefficients, np.cumsum([part.size for part in self.parts])[:-1], axis=1)
        return np.concatenate([part.tensors(each) for part, each in zip(self.parts, own, strict=True)], axis=1)


class Outer(Basis):
    """Outer products: every product of one vector of each part.

    Parameters
    ----------
    parts : sequence of Basis
        Those of spatial axes alone with one channel.
    axes : sequence of tuple of int
        The axes of the whole that each part has.
    """

    def __init__(self, parts: Sequence[Basis], axes: Sequence[tuple[int, ...]]) -> None:
        lengths = {
            place: length
            for part, places in zip(parts, axes, strict=True)
            for place, length in zip(places, part.shape if 0 in places else part.shape[1:], strict=True)
        }
        super().__init__(tuple(lengths[place] for place in sorted(lengths)), math.prod(part.size for part in parts))
        self.parts, self._order = parts, [place for places in axes for place in places]

    def coefficients(self, tensors: np.ndarray) -> np.ndarray:
        rows = len(tensors)
        found = tensors.transpose(0, *(1 + place for place in self._order))
        found = found.reshape(rows, *(math.prod(part.shape) for part in self.parts))
        for number, part in enumerate(self.parts, start=1):
            along = np.moveaxis(found, number, -1)
            own = part.coefficients(along.reshape(-1, *part.shape))
            found = np.moveaxis(own.reshape(*along.shape[:-1], part.size), -1, number)
        return found.reshape(rows, self.size)

    def tensors(self, coefficients: np.ndarray) -> np.ndarray:
        rows = len(coefficients)
        found = coefficients.reshape(rows, *(part.size for part in self.parts))
        for number, part in enumerate(self.parts, start=1):
            along = np.moveaxis(found, number, -1)
            own = part.tensors(along.reshape(-1, part.size))
            found = np.moveaxis(own.reshape(*along.shape[:-1], math.prod(part.shape)), -1, number)
        found = found.reshape(rows, *(self.shape[place] for place in self._order))
        return found.transpose(0, *(1 + int(place) for place in np.argsort(self._order)))


class Waves(Basis):
    """Sums of a few waves each: frequency by frequency, the columns of a small matrix of wave and channel.

    Parameters
    ----------
    vectors : ndarray of shape `(places, groups, waves, channels, count)`
        Orthonormal columns of each place and group, in the waves of the place and the channels of the group.
    index : ndarray of shape `(places, waves)`
        Which wave of the grid each is; every one once.
    shape : tuple of int
        `(groups * channels, *grid)`.
    """

    def __init__(self, vectors: np.ndarray, index: np.ndarray, shape: tuple[int, ...]) -> None:
        places, groups, _, _, count = vectors.shape
        super().__init__(shape, places * groups * count)
        self.vectors, self.index = vectors, index

    def coefficients(self, tensors: np.ndarray) -> np.ndarray:
        places, groups, waves, channels, _ = self.vectors.shape
        rows = len(tensors)
        found = np.fft.fftn(tensors, axes=self._space, norm="ortho")
        found = found.reshape(rows, groups, channels, math.prod(self.shape[1:]))
        found = found[..., self.index].transpose(3, 1, 4, 2, 0).reshape(places, groups, waves * channels, rows)
        own = np.conj(self._matrices.swapaxes(2, 3)) @ found
        return own.reshape(self.size, rows).T

    def tensors(self, coefficients: np.ndarray) -> np.ndarray:
        places, groups, waves, channels, count = self.vectors.shape
        rows = len(coefficients)
        own = self._matrices @ coefficients.T.reshape(places, groups, count, rows)
        found = np.empty((rows, groups, channels, math.prod(self.shape[1:])), dtype=np.complex128)
        found[..., self.index] = own.reshape(places, groups, waves, channels, rows).transpose(4, 1, 3, 0, 2)
        return np.fft.ifftn(found.reshape(rows, *self.shape), axes=self._space, norm="ortho")

    @property
    def _matrices(self) -> np.ndarray:
        places, groups, waves, channels, count = self.vectors.shape
        return self.vectors.reshape(places, groups, waves * channels, count)

    @property
    def _space(self) -> tuple[int, ...]:
        return tuple(range(2, 1 + len(self.shape)))
