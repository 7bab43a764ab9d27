"""Permutations of a tensor's entries: identity, channels in another order, channel shuffle, pixel shuffle."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.geometry.layer import index_itemsize
from convmatrix.operators import pattern
from convmatrix.operators.base import TensorOperator


class Permutation(TensorOperator):
    """Each output entry is one input entry: the tensor seen with other axes, reordered, and seen again.

    Parameters
    ----------
    split : tuple of int
        The input's axes, split further.
    order : tuple of int
        The order of those axes in the output.
    """

    def __init__(
        self,
        name: str,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        split: tuple[int, ...],
        order: tuple[int, ...],
        dtype: Any = None,
    ) -> None:
        super().__init__(_entry_dtype(dtype, np.int8), in_shape, out_shape)
        self._yields = 2 if dtype is None else 0
        self.name, self._split, self._order = name, split, order
        self._asked = dtype

    def _transpose(self) -> TensorOperator:
        split = tuple(self._split[axis] for axis in self._order)
        order = tuple(int(axis) for axis in np.argsort(self._order))
        return Permutation(f"inverse {self.name}", self.out_shape, self.in_shape, split, order, self._asked)

    @property
    def nnz(self) -> int:
        """Entries that `tosparse` stores: one a row."""
        return self.shape[0]

    def _apply(self, x: np.ndarray) -> np.ndarray:
        axes = (0, *(axis + 1 for axis in self._order))
        moved = x.reshape(len(x), *self._split).transpose(axes).reshape(len(x), *self.out_shape)
        if moved.dtype == object or self._yields:
            return moved.copy() if np.shares_memory(moved, x) else moved
        return moved.astype(np.result_type(moved, self.dtype))

    def _apply_transpose(self, y: np.ndarray) -> np.ndarray:
        return self.T._apply(y)

    @cached_property
    def _sources(self) -> np.ndarray:
        """Which input entry each output entry is."""
        index = np.int32 if index_itemsize(self.shape[0], *self.shape) == 4 else np.int64
        return np.arange(self.shape[1], dtype=index).reshape(self._split).transpose(self._order).reshape(-1)

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        if transpose:
            return self.T._csr(dtype, False)
        indptr = np.arange(self.shape[0] + 1, dtype=self._sources.dtype)
        matrix = csr_array((np.ones(self.shape[0], dtype=dtype), self._sources.copy(), indptr), shape=self.shape)
        matrix.has_canonical_format = True
        return matrix

    def _structure(self) -> csr_array:
        return self._csr(np.float32, False)

    def _factors(self) -> pattern.Factors | None:
        # Only the channels may be reordered; the axes of space stay, behind those the channels are split into.
        space = self.in_shape[1:]
        lead = len(self._split) - len(space)
        stays = self._order[lead:] == tuple(range(lead, len(self._split)))
        if self.out_shape[1:] != space or self._split[lead:] != space or not stays:
            return None
        sources = np.arange(self.in_shape[0]).reshape(self._split[:lead]).transpose(self._order[:lead]).reshape(-1)
        channels = csr_array((np.ones(sources.size, np.float32), sources, np.arange(sources.size + 1)))
        return [channels, *(csr_array(eye_array(n, dtype=np.float32)) for n in self.in_shape[1:])]

    def _sympy(self) -> Any:
        import sympy

        return sympy.SparseMatrix(
            *self.shape, {(row, column): sympy.Integer(1) for row, column in enumerate(self._sources.tolist())}
        )

    def _label(self) -> str:
        return self.name


class ChannelOrder(Permutation):
    """Output channel `c` is input channel `sources[c]`; space stays.

    Parameters
    ----------
    shape : tuple of int
        `(channels, *spatial)`.
    sources : sequence of int, length channels
        Every channel once.

    Raises
    ------
    ConvMatrixError
        If a channel is missing, repeated or unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from convmatrix.operators.channels import ChannelOrder
    >>> order = ChannelOrder((3,), np.array([2, 0, 1]))
    >>> order(np.array([10, 11, 12])), order.T(order(np.array([10, 11, 12])))
    (array([12, 10, 11]), array([10, 11, 12]))
    """

    def __init__(self, shape: tuple[int, ...], sources: Any) -> None:
        # No split of the axes says which channel goes where.
        super().__init__("channel order", shape, shape, (), ())
        self.sources = np.array(sources, dtype=np.int64)
        if not np.array_equal(np.sort(self.sources), np.arange(shape[0])):
            raise ConvMatrixError(f"sources must be every channel from 0 to {shape[0] - 1} once, got {sources}")
        self.sources.flags.writeable = False

    def _transpose(self) -> TensorOperator:
        return ChannelOrder(self.in_shape, np.argsort(self.sources))

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return x[:, self.sources]

    @cached_property
    def _sources(self) -> np.ndarray:
        """Which input entry each output entry is."""
        index = np.int32 if index_itemsize(self.shape[0], *self.shape) == 4 else np.int64
        places = np.arange(self.shape[1], dtype=index).reshape(self.in_shape[0], math.prod(self.in_shape[1:]))
        return places[self.sources].reshape(-1)

    def _factors(self) -> pattern.Factors | None:
        size = self.sources.size
        channels = csr_array((np.ones(size, np.float32), self.sources, np.arange(size + 1)), shape=(size, size))
        return [channels, *(csr_array(eye_array(n, dtype=np.float32)) for n in self.in_shape[1:])]


def identity(shape: Any, dtype: Any = None) -> Permutation:
    """The identity on tensors of `shape`.

    Parameters
    ----------
    shape : tuple of int
        `(channels, *spatial)`.
    dtype : numpy dtype, optional
        Of the entries; by default int8, which never widens a product.

    Examples
    --------
    >>> import convmatrix as cm
    >>> cm.identity((2, 2)).toarray().tolist()
    [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    """
    shape = arguments.tensor_shape(shape)
    return Permutation("identity", shape, shape, shape, tuple(range(len(shape))), dtype)


def channel_shuffle(shape: Any, groups: int, dtype: Any = None) -> Permutation:
    """Interleave the channels of `groups` groups: output channel `j*groups + g` is channel `j` of group `g`.

    Between two grouped convolutions it lets groups meet. PyTorch's order (`torch.nn.ChannelShuffle`).

    Parameters
    ----------
    shape : tuple of int
        `(channels, *spatial)`, channels divisible by `groups`.
    groups : int
        Groups to interleave.
    dtype : numpy dtype, optional
        Of the entries; by default int8, which never widens a product.

    References
    ----------
    Zhang et al.: ShuffleNet, arXiv:1707.01083.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> cm.channel_shuffle((6,), 2)(np.arange(6))
    array([0, 3, 1, 4, 2, 5])
    """
    shape = arguments.tensor_shape(shape)
    groups = arguments.integer(groups, "groups", 1)
    if shape[0] % groups:
        raise ConvMatrixError(f"groups must divide the {shape[0]} channels, got {groups}")
    split = (groups, shape[0] // groups, *shape[1:])
    return Permutation("channel shuffle", shape, shape, split, (1, 0, *range(2, len(split))), dtype)


def pixel_shuffle(shape: Any, factor: Any, dtype: Any = None) -> Permutation:
    """Rearrange channels into space: `(c * prod(factor), *n)` to `(c, *n * factor)`, sub-pixel convolution's last step.

    Output `(c, y, x)` is input channel `c*r*r + (y mod r)*r + (x mod r)` at `(y // r, x // r)`: PyTorch's order, for
    any number of axes.

    Parameters
    ----------
    shape : tuple of int
        `(channels, *spatial)`, channels divisible by the product of the factors.
    factor : int or sequence of int
        Enlargement of each axis.
    dtype : numpy dtype, optional
        Of the entries; by default int8, which never widens a product.

    References
    ----------
    Shi et al.: Real-time single image and video super-resolution, arXiv:1609.05158.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> cm.pixel_shuffle((4, 1, 2), 2)(np.arange(8).reshape(4, 1, 2))
    array([[[0, 2, 1, 3],
            [4, 6, 5, 7]]])
    """
    channels, *size = arguments.tensor_shape(shape)
    factors = arguments.per_axis(factor, "factor", len(size), 1)
    if channels % math.prod(factors):
        raise ConvMatrixError(
            f"shape must have channels divisible by {math.prod(factors)}, the product of the factors, got {channels}"
        )
    axes = len(size)
    split = (channels // math.prod(factors), *factors, *size)
    order = (0, *(axis for a in range(axes) for axis in (1 + axes + a, 1 + a)))
    out_shape = (split[0], *(n * f for n, f in zip(size, factors, strict=True)))
    return Permutation("pixel shuffle", (channels, *size), out_shape, split, order, dtype)


def _entry_dtype(dtype: Any, default: Any) -> np.dtype[Any]:
    return np.dtype(default) if dtype is None else exact.as_numbers(np.zeros(0, np.int8), dtype, "operator").dtype
