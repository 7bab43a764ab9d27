"""`resize` and `avg_pool`: fixed rational weights, exact inside and floats where numbers are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array, kron

from convmatrix import exact
from convmatrix.assembly import assemble
from convmatrix.direct import Direct
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Geometry, arguments
from convmatrix.operators import pattern
from convmatrix.operators.base import TensorOperator

_MODES = ("nearest", "nearest-exact", "linear")


class _Rational(TensorOperator):
    """Rational entries: exact in `tosympy`, otherwise float64, or in a product the partner's float type."""

    def __init__(self, dtype: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> None:
        if dtype is not None and np.dtype(dtype).kind not in "fc":
            raise ConvMatrixError(f"dtype must be a float type, got {np.dtype(dtype)}")
        checked = np.float64 if dtype is None else exact.as_numbers(np.zeros(0), dtype, "operator").dtype
        super().__init__(checked, in_shape, out_shape)
        self._yields = 1 if dtype is None else 0

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return self._map(self._in_dtype(x), False)

    def _apply_transpose(self, y: np.ndarray) -> np.ndarray:
        return self._map(self._in_dtype(y), True)

    def _in_dtype(self, x: np.ndarray) -> np.ndarray:
        if x.dtype == object or (self._yields and x.dtype.kind in "fc"):
            return x
        return x.astype(np.result_type(x, self.dtype))

    def _map(self, x: np.ndarray, transpose: bool) -> np.ndarray:
        raise NotImplementedError


class AvgPool(_Rational):
    """The mean of a window; made by `avg_pool`. Its `geometry` is that of the sum it divides."""

    def __init__(self, geometry: Geometry, counts: tuple[np.ndarray, ...], dtype: Any) -> None:
        super().__init__(dtype, geometry.in_shape, geometry.out_shape)
        self.geometry = geometry
        self._counts = counts

    @property
    def weight(self) -> np.ndarray:
        """The ones that are summed, `(channels, 1, *kernel_size)`; each output is then divided by its count."""
        return np.ones(self.geometry.weight_shape, dtype=np.int64)

    @property
    def nnz(self) -> int:
        """Entries that `tosparse` stores."""
        return self.geometry.nnz

    @cached_property
    def divisors(self) -> np.ndarray:
        """What each output position is divided by, of the spatial output shape."""
        product = np.ones((), dtype=np.int64)
        for counts in self._counts:
            product = np.multiply.outer(product, counts)
        return product

    def _map(self, x: np.ndarray, transpose: bool) -> np.ndarray:
        if x.dtype == object:
            ones, inverse = (
                self.weight.astype(object),
                np.frompyfunc(lambda n: Fraction(1, int(n)), 1, 1)(self.divisors),
            )
            total = Direct(self.geometry, ones)
            return total.adjoint(x * inverse) if transpose else total.forward(x) * inverse
        total = Direct(self.geometry, self.weight.astype(x.dtype))
        divisors = self.divisors.astype(x.real.dtype)
        return total.adjoint(x / divisors) if transpose else total.forward(x) / divisors

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        matrix = assemble(self.geometry, np.ones(self.geometry.weight_shape, dtype=dtype), transpose)
        divisors = np.tile(self.divisors.reshape(-1), self.geometry.out_channels)
        if transpose:
            matrix.data /= divisors.astype(matrix.data.real.dtype)[matrix.indices]
        else:
            matrix.data /= np.repeat(divisors, np.diff(matrix.indptr)).astype(matrix.data.real.dtype)
        return matrix

    def _structure(self) -> csr_array:
        return assemble(self.geometry, np.ones(self.geometry.weight_shape, dtype=np.float32))

    def _factors(self) -> pattern.Factors | None:
        return pattern.of_geometry(self.geometry)

    def _sympy(self) -> Any:
        import sympy

        structure = self._structure()
        lengths = np.diff(structure.indptr)
        rows = np.repeat(np.arange(self.shape[0]), lengths).tolist()
        divisors = np.repeat(np.tile(self.divisors.reshape(-1), self.geometry.out_channels), lengths).tolist()
        entries = zip(rows, structure.indices.tolist(), divisors, strict=True)
        return sympy.SparseMatrix(*self.shape, {(r, c): sympy.Rational(1, n) for r, c, n in entries})

    def _label(self) -> str:
        return self.geometry.describe()


class Resize(_Rational):
    """Nearest or linear interpolation; made by `resize`. Along each axis an output mixes at most two inputs."""

    def __init__(self, shape: tuple[int, ...], scales: tuple[Fraction, ...], mode: str, dtype: Any) -> None:
        self.scales, self.mode = scales, mode
        self._axes = [_MIXES[mode](n, scale) for n, scale in zip(shape[1:], scales, strict=True)]
        super().__init__(dtype, shape, (shape[0], *(len(sources) for sources, _ in self._axes)))

    @property
    def nnz(self) -> int:
        """Entries that `tosparse` stores."""
        return self.in_shape[0] * math.prod(sum(map(len, sources)) for sources, _ in self._axes)

    def _map(self, x: np.ndarray, transpose: bool) -> np.ndarray:
        for axis, (sources, shares) in enumerate(self._axes, start=2):
            moved = np.moveaxis(x, axis, 0)
            flat = moved.reshape(moved.shape[0], -1)
            size = self.in_shape[axis - 1] if transpose else len(sources)
            if x.dtype == object:
                mixed = _mix_exactly(sources, shares, flat, size, transpose)
            else:
                matrix = _axis_matrix(sources, shares, self.in_shape[axis - 1], x.real.dtype)
                mixed = (matrix.T if transpose else matrix) @ flat
            x = np.moveaxis(mixed.reshape(size, *moved.shape[1:]), 0, axis)
        return np.ascontiguousarray(x)

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        matrix = self._kron(dtype)
        return matrix.T.tocsr() if transpose else matrix

    def _kron(self, dtype: Any) -> csr_array:
        matrix = csr_array(eye_array(self.in_shape[0], dtype=dtype))
        for (sources, shares), size in zip(self._axes, self.in_shape[1:], strict=True):
            matrix = csr_array(kron(matrix, _axis_matrix(sources, shares, size, dtype), format="csr"))
        matrix.sum_duplicates()
        return pattern.with_small_indices(matrix)

    def _structure(self) -> csr_array:
        return self._kron(np.float32)

    def _factors(self) -> pattern.Factors | None:
        mixes = zip(self._axes, self.in_shape[1:], strict=True)
        channels = csr_array(eye_array(self.in_shape[0], dtype=np.float32))
        return [channels, *(_axis_matrix(sources, shares, size, np.float32) for (sources, shares), size in mixes)]

    def _sympy(self) -> Any:
        import sympy

        entries = [(channel, channel, Fraction(1)) for channel in range(self.in_shape[0])]
        for (sources, shares), size in zip(self._axes, self.in_shape[1:], strict=True):
            mixes = [(o, i, s) for o, row in enumerate(sources) for i, s in zip(row, shares[o], strict=True)]
            entries = [(r * len(sources) + o, c * size + i, v * s) for r, c, v in entries for o, i, s in mixes]
        return sympy.SparseMatrix(*self.shape, {(r, c): exact.to_sympy(value) for r, c, value in entries})

    def _label(self) -> str:
        return f"{self.mode} {'x'.join(map(str, self.scales))}"


def avg_pool(
    shape: Any,
    kernel_size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    dtype: Any = None,
) -> AvgPool:
    """The mean over windows, each channel by itself: a depthwise convolution of ones, each row divided by its count.

    Parameters
    ----------
    shape : tuple of int
        `(channels, *spatial)` of the input.
    kernel_size : int or sequence of int
        Window sizes.
    stride : int or sequence of int, default `kernel_size`
        Steps between windows.
    padding : int or sequence, default 0
        An int, one int an axis or `(before, after)` pairs, at most half the window's extent on each side.
    dilation : int or sequence of int, default 1
        Steps within the window.
    ceil_mode : bool, default False
        Round the output size up; the last window must still begin inside the input or the padding before it.
    count_include_pad : bool, default True
        Divide by the window's positions in the padded input, as PyTorch does, or by those in the input itself.
    dtype : numpy dtype, optional
        Of the entries; by default float64, yielding to a partner's float type in a product.

    Raises
    ------
    ConvMatrixError
        If an argument breaks its rule.

    Examples
    --------
    >>> import convmatrix as cm
    >>> cm.avg_pool((1, 4), 2).toarray()
    array([[0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0.5, 0.5]])
    >>> cm.avg_pool((1, 3), 3, stride=1, padding=1, count_include_pad=False).tosympy()
    Matrix([
    [1/2, 1/2,   0],
    [1/3, 1/3, 1/3],
    [  0, 1/2, 1/2]])
    """
    channels, *size = arguments.tensor_shape(shape)
    axes = len(size)
    kernel = arguments.per_axis(kernel_size, "kernel_size", axes, 1)
    pairs = arguments.padding_pairs(padding, axes)
    steps = kernel if stride is None else arguments.per_axis(stride, "stride", axes, 1)
    gaps = arguments.per_axis(dilation, "dilation", axes, 1)
    for axis, pads in enumerate(pairs):
        extent = gaps[axis] * (kernel[axis] - 1) + 1
        if 2 * max(pads) > extent:
            raise ConvMatrixError(
                f"padding must be at most half the window's extent {extent}, got {max(pads)} on axis {axis}"
            )
    counted = [
        (-before, n + after) if count_include_pad else (0, n) for n, (before, after) in zip(size, pairs, strict=True)
    ]
    if ceil_mode:
        pairs = tuple(
            _ceil_pads(n, pads, k, s, d) for n, pads, k, s, d in zip(size, pairs, kernel, steps, gaps, strict=True)
        )
    geometry = Geometry.conv(
        size, kernel, channels, channels, stride=steps, padding=pairs, dilation=gaps, groups=channels
    )
    counts = []
    for table, (low, high) in zip(geometry.axes, counted, strict=True):
        positions = table.positions(np.arange(table.output_size))
        counts.append(np.maximum(((positions >= low) & (positions < high)).sum(axis=1), 1))
    return AvgPool(geometry, tuple(counts), dtype)


def _ceil_pads(n: int, pads: tuple[int, int], kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """The padding with which the size rule rounds up, unless the last window would begin beyond the input."""
    before, after = pads
    surplus = n + before + after - dilation * (kernel - 1) - 1
    steps = -(-surplus // stride)
    if steps * stride >= n + before:
        steps -= 1
    return before, after + max(steps * stride - surplus, 0)


def resize(shape: Any, scale: Any, mode: str = "nearest", dtype: Any = None) -> Resize:
    """Interpolation to `floor(n * scale)` positions an axis, with source step `1/scale`.

    PyTorch's `Upsample(scale_factor=scale, mode=mode)` with `align_corners=False`.

    Parameters
    ----------
    shape : tuple of int
        `(channels, *spatial)` of the input.
    scale : int, float, fraction, or one an axis
        Floats are read as the fraction of small denominator they print as: 1.5 is 3/2.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "trilinear"}
        `floor(o/scale)`, as PyTorch's "nearest"; the nearest to the half-pixel position `(o + 1/2)/scale - 1/2`; linear
        between the two inputs beside that position, clamped at the borders.
    dtype : numpy dtype, optional
        Of the entries; by default float64, yielding to a partner's float type in a product.

    Raises
    ------
    ConvMatrixError
        If the scale leaves no output or an argument breaks its rule.

    Examples
    --------
    >>> import convmatrix as cm
    >>> cm.resize((1, 2), 2, "linear").tosympy()
    Matrix([
    [  1,   0],
    [3/4, 1/4],
    [1/4, 3/4],
    [  0,   1]])
    """
    shape = arguments.tensor_shape(shape)
    mode = {"bilinear": "linear", "trilinear": "linear"}.get(mode, mode) if isinstance(mode, str) else mode
    arguments.one_of(mode, "mode", _MODES)
    given = list(scale) if isinstance(scale, (list, tuple)) else [scale] * (len(shape) - 1)
    if len(given) != len(shape) - 1:
        raise ConvMatrixError(f"scale must be one number or one for each of the {len(shape) - 1} axes, got {scale!r}")
    scales = tuple(_scale(value) for value in given)
    for axis, (n, factor) in enumerate(zip(shape[1:], scales, strict=True)):
        if math.floor(n * factor) < 1:
            raise ConvMatrixError(f"scale must leave at least one output, got {factor} on axis {axis} of size {n}")
    return Resize(shape, scales, mode, dtype)


_Mix = tuple[list[list[int]], list[list[Fraction]]]


def _nearest(n: int, scale: Fraction) -> _Mix:
    outputs = range(math.floor(n * scale))
    return [[min(math.floor(o / scale), n - 1)] for o in outputs], [[Fraction(1)] for _ in outputs]


def _nearest_exact(n: int, scale: Fraction) -> _Mix:
    outputs = range(math.floor(n * scale))
    return [[min(math.floor((o + Fraction(1, 2)) / scale), n - 1)] for o in outputs], [[Fraction(1)] for _ in outputs]


def _linear(n: int, scale: Fraction) -> _Mix:
    sources, shares = [], []
    for o in range(math.floor(n * scale)):
        position = max((o + Fraction(1, 2)) / scale - Fraction(1, 2), Fraction(0))
        low = min(math.floor(position), n - 1)
        beyond = position - low
        both = low < n - 1 and beyond > 0
        sources.append([low, low + 1] if both else [low])
        shares.append([1 - beyond, beyond] if both else [Fraction(1)])
    return sources, shares


_MIXES: dict[str, Callable[[int, Fraction], _Mix]] = {
    "nearest": _nearest,
    "nearest-exact": _nearest_exact,
    "linear": _linear,
}


def _scale(value: Any) -> Fraction:
    try:
        if isinstance(value, bool):
            raise TypeError
        factor = Fraction(value.item() if isinstance(value, np.generic) else value)
    except (TypeError, ValueError, OverflowError):
        raise ConvMatrixError(f"scale must be a positive number, got {value!r}") from None
    if isinstance(value, (float, np.floating)):
        factor = factor.limit_denominator(10**6)
    if factor <= 0:
        raise ConvMatrixError(f"scale must be a positive number, got {value!r}")
    return factor


def _axis_matrix(sources: list[list[int]], shares: list[list[Fraction]], size: int, dtype: Any) -> csr_array:
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in sources])])
    data = np.array([float(share) for row in shares for share in row]).astype(dtype)
    return csr_array((data, np.array([i for row in sources for i in row]), indptr), shape=(len(sources), size))


def _mix_exactly(
    sources: list[list[int]], shares: list[list[Fraction]], flat: np.ndarray, size: int, transpose: bool
) -> np.ndarray:
    mixed = np.zeros((size, flat.shape[1]), dtype=object)
    for output, (row, parts) in enumerate(zip(sources, shares, strict=True)):
        for source, share in zip(row, parts, strict=True):
            factor = exact.paired(np.array([share], dtype=object), flat)[0][0]
            if transpose:
                mixed[source] += factor * flat[output]
            else:
                mixed[output] += factor * flat[source]
    return mixed
