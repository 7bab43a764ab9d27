"""A layer's geometry: one `Axis` a spatial axis, with channels and groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.geometry.axis import PADDING_MODES, Axis

_FORMATS = ("csr", "csc", "coo")


@dataclass(frozen=True)
class Geometry:
    """Everything about a convolution but its numbers: axes, channels, groups; hashable, made once.

    Parameters
    ----------
    axes : tuple of Axis
        One an axis of space; none for a fully connected layer.
    in_channels, out_channels : int
        Channels read and written, both divisible by `groups`.
    groups : int
        Blocks of channels that never meet.

    Examples
    --------
    >>> from convmatrix.geometry import Geometry
    >>> g = Geometry.conv((56, 56), (3, 3), 64, 64, padding=1)
    >>> g.out_shape, g.nnz, g.nbytes("csr", itemsize=8)
    ((64, 56, 56), 112869376, 1355235332)
    """

    axes: tuple[Axis, ...]
    in_channels: int
    out_channels: int
    groups: int = 1

    @classmethod
    def conv(
        cls,
        input_size: Sequence[int],
        kernel_size: Sequence[int],
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
    ) -> Geometry:
        """The geometry of a convolution, from arguments in any of their spellings (see `convmatrix.conv`)."""
        count = len(input_size)
        strides = arguments.per_axis(stride, "stride", count, 1)
        dilations = arguments.per_axis(dilation, "dilation", count, 1)
        arguments.one_of(padding_mode, "padding_mode", PADDING_MODES)
        extents = [d * (k - 1) + 1 for d, k in zip(dilations, kernel_size, strict=True)]
        if isinstance(padding, str):
            arguments.one_of(padding, "padding", arguments.PADDING_NAMES)
            pairs = tuple(
                arguments.named_padding(padding, i, e, s) for i, e, s in zip(input_size, extents, strides, strict=True)
            )
        else:
            pairs = arguments.padding_pairs(padding, count)
        axes = []
        for a in range(count):
            before, after = pairs[a]
            output_size = (input_size[a] + before + after - extents[a]) // strides[a] + 1
            if output_size < 1:
                raise ConvMatrixError(
                    f"output size must be at least 1, got {output_size} on axis {a}: a kernel that spans {extents[a]} "
                    f"does not fit an input of {input_size[a]} with padding {before}+{after}"
                )
            axes.append(
                Axis(input_size[a], kernel_size[a], output_size, strides[a], dilations[a], before, after, padding_mode)
            )
        return cls(tuple(axes), in_channels, out_channels, groups)

    @classmethod
    def transposed(
        cls,
        input_size: Sequence[int],
        kernel_size: Sequence[int],
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Geometry:
        """The geometry of the convolution on the larger grid whose transpose is asked for.

        It maps the transposed layer's output, `(i - 1)*stride - before - after + dilation*(k - 1) + output_padding + 1`
        positions an axis, to its input of `i`; `in_channels` and `out_channels` are the transposed layer's own, so
        they change places here.
        """
        _check_groups(groups, in_channels, out_channels)
        count = len(input_size)
        strides = arguments.per_axis(stride, "stride", count, 1)
        dilations = arguments.per_axis(dilation, "dilation", count, 1)
        extras = arguments.per_axis(output_padding, "output_padding", count, 0)
        pairs = arguments.padding_pairs(padding, count)
        axes = []
        for a in range(count):
            if extras[a] >= max(strides[a], dilations[a]):
                raise ConvMatrixError(
                    f"output_padding must be below max(stride, dilation) = {max(strides[a], dilations[a])}, "
                    f"got {extras[a]} on axis {a}"
                )
            before, after = pairs[a]
            extent = dilations[a] * (kernel_size[a] - 1) + 1
            larger = (input_size[a] - 1) * strides[a] - before - after + extent + extras[a]
            if larger < 1:
                raise ConvMatrixError(
                    f"output size must be at least 1, got {larger} on axis {a}: "
                    f"padding {before}+{after} crops all of it"
                )
            axes.append(Axis(larger, kernel_size[a], input_size[a], strides[a], dilations[a], before, after))
        return cls(tuple(axes), out_channels, in_channels, groups)

    def __post_init__(self) -> None:
        _check_groups(self.groups, self.in_channels, self.out_channels)
        if max(self.shape) >= 2**63:
            raise ConvMatrixError(f"input_size must give fewer than 2**63 rows and columns, got {self.shape}")

    @cached_property
    def input_size(self) -> tuple[int, ...]:
        """Spatial sizes of what is read."""
        return tuple([axis.input_size for axis in self.axes])

    @cached_property
    def kernel_size(self) -> tuple[int, ...]:
        """Taps an axis."""
        return tuple([axis.kernel_size for axis in self.axes])

    @cached_property
    def output_size(self) -> tuple[int, ...]:
        """Spatial sizes of what is written."""
        return tuple([axis.output_size for axis in self.axes])

    @property
    def in_shape(self) -> tuple[int, ...]:
        """`(in_channels, *input_size)`."""
        return (self.in_channels, *self.input_size)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """`(out_channels, *output_size)`."""
        return (self.out_channels, *self.output_size)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """`(out_channels, in_channels/groups, *kernel_size)`."""
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return math.prod(self.out_shape), math.prod(self.in_shape)

    @cached_property
    def nnz(self) -> int:
        """Entries the matrix stores, known before it is built: `c_out * c_in/groups * prod of the axes' nnz`."""
        return math.prod((self.out_channels, self.in_channels // self.groups, *(axis.nnz for axis in self.axes)))

    def only_read(self, weight: np.ndarray) -> np.ndarray:
        """`weight` with 0 for the taps that read nothing but padding, which are in no entry of the matrix.

        The array itself where there are none.

        >>> Geometry.conv((1,), (2,), padding=((1, 0),)).only_read(np.array([[[5, 7]]]))
        array([[[0, 7]]])
        """
        kept = [axis.tap_is_read for axis in self.axes]
        if all(own.all() for own in kept):
            return weight
        is_read = reduce(np.multiply.outer, kept)
        return np.where(is_read, weight, np.zeros((), dtype=weight.dtype))

    def describe(self) -> str:
        """The kernel and what is unusual about the axes, in the command line's spelling.

        >>> Geometry.conv((5, 5), (3, 3), stride=2, padding=((0, 1), (1, 1))).describe()
        '3x3, stride 2, padding 0:1x1'
        """
        parts = ["x".join(map(str, self.kernel_size)) or "fully connected"]
        for name, values, usual in (
            ("stride", [str(axis.stride) for axis in self.axes], "1"),
            ("padding", [_pair(axis.pad_before, axis.pad_after) for axis in self.axes], "0"),
            ("dilation", [str(axis.dilation) for axis in self.axes], "1"),
        ):
            if any(value != usual for value in values):
                parts.append(f"{name} {values[0] if len(set(values)) == 1 else 'x'.join(values)}")
        if self.axes and self.axes[0].padding_mode != "zeros":
            parts.append(self.axes[0].padding_mode)
        return ", ".join(parts)

    def index_itemsize(self) -> int:
        """Bytes of one index: 4 where int32 holds every index and count, else 8."""
        return index_itemsize(self.nnz, *self.shape)

    def nbytes(self, format: str = "csr", itemsize: int = 8) -> int:
        """Bytes of the matrix in `format` ("csr", "csc", "coo") with entries of `itemsize` bytes."""
        return sparse_nbytes(self.nnz, self.shape, format, itemsize)


def _check_groups(groups: int, in_channels: int, out_channels: int) -> None:
    arguments.integer(groups, "groups", 1)
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise ConvMatrixError(f"groups must divide {name} {channels}, got {groups}")


def index_itemsize(nnz: int, rows: int, columns: int) -> int:
    """Bytes an index needs so that every position and count fits."""
    return 4 if max(nnz, rows, columns) <= 2**31 - 1 else 8


def sparse_nbytes(nnz: int, shape: tuple[int, int], format: str, itemsize: int) -> int:
    """Bytes of a sparse matrix of `nnz` entries, as this package stores it."""
    arguments.one_of(format, "format", _FORMATS)
    index = index_itemsize(nnz, *shape)
    if format == "coo":
        return nnz * (itemsize + 2 * index)
    return nnz * (itemsize + index) + index * (shape[0 if format == "csr" else 1] + 1)


def _pair(before: int, after: int) -> str:
    return str(before) if before == after else f"{before}:{after}"
