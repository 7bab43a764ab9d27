"""`resize` and `avg_pool`: fixed rational weights, exact inside and floats where numbers are asked for."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array, kron

from convmatrix import exact
from convmatrix.assembly import assemble
from convmatrix.direct import Direct
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Axis, Geometry, arguments
from convmatrix.memory import check_size
from convmatrix.operators import pattern
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.mixing import Mix, mix_of

_MODES = ("nearest", "nearest-exact", "linear")


class _Rational(TensorOperator):
    """Rational entries: exact in `tosympy`, otherwise float64, or in a product the partner's float type."""

    def __init__(self, dtype: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> None:
        if dtype is not None and exact.read_dtype(dtype).kind not in "fc":
            raise ConvMatrixError(f"dtype must be a float type, got {exact.read_dtype(dtype)}")
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

    def __init__(self, geometry: Geometry, counted: tuple[tuple[int, int], ...], dtype: Any) -> None:
        super().__init__(dtype, geometry.in_shape, geometry.out_shape)
        self.geometry = geometry
        self._counted = counted

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
        positions = math.prod(self.out_shape[1:])
        check_size(f"the divisors of an average at {positions} positions", 8 * positions)
        product = np.ones((), dtype=np.int64)
        for axis in range(len(self.geometry.axes)):
            product = np.multiply.outer(product, self.divisors_along(axis))
        return product

    def divisors_along(self, axis: int) -> np.ndarray:
        """The factor of the divisors that one axis of space gives, `(output_size[axis],)`."""
        return _taps_within(self.geometry.axes[axis], *self._counted[axis])

    def along(self, axis: int) -> AvgPool:
        """The mean along one axis of space alone, of one channel."""
        geometry = Geometry((self.geometry.axes[axis],), 1, 1)
        return AvgPool(geometry, (self._counted[axis],), None if self._yields else self.dtype)

    def _map(self, x: np.ndarray, transpose: bool) -> np.ndarray:
        if x.dtype == object:
            inverse = np.frompyfunc(lambda n: Fraction(1, int(n)), 1, 1)(self.divisors)
            total = Direct(self.geometry, self.weight.astype(object))
            return total.adjoint(x * inverse) if transpose else total.forward(x) * inverse
        total = Direct(self.geometry, self.weight.astype(x.dtype))
        divisors = self.divisors.astype(x.real.dtype)
        return total.adjoint(x / divisors) if transpose else total.forward(x) / divisors

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        matrix = assemble(self.geometry, np.ones(self.geometry.weight_shape, dtype=dtype), transpose)
        divisors = np.tile(self.divisors.reshape(-1), self.geometry.out_channels).astype(matrix.data.real.dtype)
        matrix.data /= divisors[matrix.indices] if transpose else np.repeat(divisors, np.diff(matrix.indptr))
        return matrix

    def _structure(self) -> csr_array:
        return assemble(self.geometry, np.ones(self.geometry.weight_shape, dtype=np.float32))

    def _factors(self) -> pattern.Factors | None:
        return pattern.of_geometry(self.geometry)

    def _sympy(self) -> Any:
        import sympy

        structure = self._structure().tocoo()
        divisors = np.tile(self.divisors.reshape(-1), self.geometry.out_channels)[structure.row].tolist()
        entries = zip(structure.row.tolist(), structure.col.tolist(), divisors, strict=True)
        return sympy.SparseMatrix(*self.shape, {(r, c): sympy.Rational(1, n) for r, c, n in entries})

    def _label(self) -> str:
        return self.geometry.describe()


class Resize(_Rational):
    """Nearest or linear interpolation; made by `resize`. Along each axis an output mixes at most two inputs."""

    def __init__(
        self, shape: tuple[int, ...], scales: tuple[Fraction, ...], mode: str, mixes: tuple[Mix, ...], dtype: Any
    ) -> None:
        self.scales, self.mode = scales, mode
        self._mixes = mixes
        super().__init__(dtype, shape, (shape[0], *(mix.sources.size for mix in mixes)))

    @property
    def nnz(self) -> int:
        """Entries that `tosparse` stores."""
        return self.in_shape[0] * math.prod(mix.nnz for mix in self._mixes)

    def along(self, axis: int) -> Resize:
        """The resize of one axis of space alone, of one channel."""
        shape, dtype = (1, self.in_shape[1 + axis]), None if self._yields else self.dtype
        return Resize(shape, (self.scales[axis],), self.mode, (self._mixes[axis],), dtype)

    def _map(self, x: np.ndarray, transpose: bool) -> np.ndarray:
        for axis, (mix, input_size) in enumerate(zip(self._mixes, self.in_shape[1:], strict=True), start=2):
            moved = np.moveaxis(x, axis, 0)
            flat = moved.reshape(moved.shape[0], -1)
            size = input_size if transpose else mix.sources.size
            if x.dtype == object:
                flat = mix.exactly(flat, size, transpose)
            else:
                matrix = mix.matrix(input_size, x.real.dtype)
                flat = (matrix.T if transpose else matrix) @ flat
            x = np.moveaxis(flat.reshape(size, *moved.shape[1:]), 0, axis)
        return np.ascontiguousarray(x)

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        matrix, *factors = self._factors(dtype)
        for factor in factors:
            matrix = csr_array(kron(matrix, factor, format="csr"))
        matrix.sum_duplicates()
        return pattern.with_small_indices(matrix.T.tocsr() if transpose else matrix)

    def _structure(self) -> csr_array:
        return self._csr(np.float32, False)

    def _factors(self, dtype: Any = np.float32) -> pattern.Factors:
        axes = [mix.matrix(size, dtype) for mix, size in zip(self._mixes, self.in_shape[1:], strict=True)]
        return [csr_array(eye_array(self.in_shape[0], dtype=dtype)), *axes]

    def _sympy(self) -> Any:
        import sympy

        entries = [(channel, channel, Fraction(1)) for channel in range(self.in_shape[0])]
        for mix, columns in zip(self._mixes, self.in_shape[1:], strict=True):
            pairs, rows = list(mix.entries()), mix.sources.size
            entries = [(r * rows + o, c * columns + i, v * share) for r, c, v in entries for o, i, share in pairs]
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

    References
    ----------
    PyTorch documentation, `torch.nn.AvgPool2d`. The output size is relationship 7 of Dumoulin, Visin: A guide to
    convolution arithmetic for deep learning, arXiv:1603.07285, for the padded input.

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
            rule = f"padding must be at most half the window's extent {extent}"
            raise ConvMatrixError(f"{rule}, got {max(pads)} on axis {axis}")
    padded = tuple((-before, n + after) for n, (before, after) in zip(size, pairs, strict=True))
    counted = padded if count_include_pad else tuple((0, n) for n in size)
    if ceil_mode:
        pairs = tuple(map(_ceil_pads, size, pairs, kernel, steps, gaps))
    options: dict[str, Any] = {"stride": steps, "padding": pairs, "dilation": gaps, "groups": channels}
    return AvgPool(Geometry.conv(size, kernel, channels, channels, **options), counted, dtype)


def _taps_within(axis: Axis, low: int, high: int) -> np.ndarray:
    """How many taps of each output read positions `[low, high)`, and at least 1, by the ends of that range."""
    starts = np.arange(axis.output_size, dtype=np.int64) * axis.stride - axis.pad_before
    first = -((starts - low) // axis.dilation)
    stop = (high - 1 - starts) // axis.dilation + 1
    return np.maximum(stop.clip(0, axis.kernel_size) - first.clip(0, axis.kernel_size), 1)


def _ceil_pads(n: int, pads: tuple[int, int], kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """The padding with which the size rule rounds up, unless the last window would begin beyond the input."""
    before, after = pads
    surplus = n + before + after - dilation * (kernel - 1) - 1
    steps = -(-surplus // stride)
    if steps * stride >= n + before:
        steps -= 1
    return before, after + max(steps * stride - surplus, 0)


def resize(shape: Any, scale: Any, mode: str = "nearest", dtype: Any = None) -> Resize:
    """Interpolation to `floor(n * scale)` positions an axis, with source step `1/scale`, exactly in fractions.

    PyTorch's `torch.nn.Upsample(scale_factor=scale, mode=mode)` with `align_corners=False`, without its rounding: in
    floats it resizes 100 positions by 0.29 to 28, not 29, and may step over a nearest input. `from_torch` follows it.

    Parameters
    ----------
    shape : tuple of int
        `(channels, *spatial)` of the input.
    scale : int, float, fraction, or a sequence of them, one an axis
        A float is the fraction of denominator up to 10**6 that rounds to it, as 0.29 is 29/100, or else itself.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "trilinear"}
        `floor(o/scale)`, as PyTorch's "nearest"; the nearest to the half-pixel position `(o + 1/2)/scale - 1/2`; linear
        between the two inputs beside that position, clamped at the borders.
    dtype : numpy dtype, optional
        Of the entries; by default float64, yielding to a partner's float type in a product.

    Raises
    ------
    ConvMatrixError
        If the scale leaves no output, the outputs' sources do not fit in memory, or an argument breaks its rule.

    References
    ----------
    PyTorch documentation, `torch.nn.Upsample`.

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
    mode = plain_mode(mode)
    given = _given_scales(scale, len(shape) - 1)
    scales = tuple(_scale(value) for value in given)
    outputs = tuple(math.floor(n * factor) for n, factor in zip(shape[1:], scales, strict=True))
    for axis, (n, value, size) in enumerate(zip(shape[1:], given, outputs, strict=True)):
        if size < 1:
            raise ConvMatrixError(f"scale must leave at least one output, got {value} on axis {axis} of size {n}")
    mixes = (mix_of(n, out, factor, mode) for n, out, factor in zip(shape[1:], outputs, scales, strict=True))
    return Resize(shape, scales, mode, tuple(mixes), dtype)


def plain_mode(mode: Any) -> str:
    """The mode by the name it has here."""
    named = {"bilinear": "linear", "trilinear": "linear"}.get(mode, mode) if isinstance(mode, str) else mode
    return arguments.one_of(named, "mode", _MODES)


def _given_scales(scale: Any, axes: int) -> list[Any]:
    """One scale an axis, from one for all or any sequence of them."""
    if isinstance(scale, str) or not hasattr(scale, "__len__") or getattr(scale, "ndim", 1) == 0:
        return [scale[()] if isinstance(scale, np.ndarray) else scale] * axes
    given = list(scale)
    if len(given) != axes:
        raise ConvMatrixError(f"scale must be one number or one for each of the {axes} axes, got {scale!r}")
    return given


def _scale(value: Any) -> Fraction:
    try:
        factor = Fraction(value.item() if isinstance(value, np.generic) else value)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        factor = Fraction(0)
    if factor <= 0 or isinstance(value, (bool, np.bool_)):
        raise ConvMatrixError(f"scale must be a positive number, got {value!r}")
    return short_fraction(value) if isinstance(value, (float, np.floating)) else factor


def short_fraction(value: float | np.floating[Any]) -> Fraction:
    """The fraction of small denominator that rounds to this float, or its exact value if there is none."""
    short = Fraction(float(value)).limit_denominator(10**6)
    return short if type(value)(float(short)) == value else Fraction(float(value))
