"""`conv` and `conv_transpose`: the leaves that carry a geometry and a weight."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix import exact
from convmatrix.assembly import assemble, exact_entries
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Geometry, arguments
from convmatrix.operators import pattern
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.product import LayerProduct


class Convolution(TensorOperator):
    """A convolution in the sense of deep learning (cross-correlation); made by `conv`.

    Attributes
    ----------
    geometry : Geometry
        Sizes, strides, padding: everything but the numbers.
    weight : ndarray of shape `(c_out, c_in/groups, *kernel_size)`
        As it is applied: already turned round where `flip=True` was asked.
    bias : ndarray of shape `(c_out, 1, ..., 1)` or None
        Added by the layer `op(x) + op.bias`, never part of the matrix.
    """

    def __init__(self, geometry: Geometry, weight: np.ndarray, bias: np.ndarray | None = None) -> None:
        super().__init__(weight.dtype, geometry.in_shape, geometry.out_shape)
        self.geometry = geometry
        self.weight = weight
        self._bias = bias
        self._product = LayerProduct(geometry, weight)

    @property
    def bias(self) -> np.ndarray | None:
        """What the layer adds to `op(x)`, or None."""
        return self._bias

    @property
    def nnz(self) -> int:
        """Entries that `tosparse` stores, known before it does."""
        return self.geometry.nnz

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        return assemble(self.geometry, exact.as_numbers(self.weight, dtype), transpose)

    def _structure(self) -> csr_array:
        return assemble(self.geometry, np.ones(self.weight.shape, dtype=np.float32))

    def _factors(self) -> pattern.Factors | None:
        return pattern.of_geometry(self.geometry)

    def _sympy(self) -> Any:
        import sympy

        distinct: dict[Any, Any] = {}
        rows, columns, values = exact_entries(self.geometry, self.weight)
        entries = []
        for value in values:
            key = (type(value), value)
            if key not in distinct:
                distinct[key] = exact.to_sympy(value)
            entries.append(distinct[key])
        places = zip(rows.tolist(), columns.tolist(), strict=True)
        return sympy.SparseMatrix(*self.shape, dict(zip(places, entries, strict=True)))

    def _conjugated(self) -> TensorOperator:
        return Convolution(self.geometry, np.conj(self.weight))

    def _refuse_numbers(self) -> None:
        exact.as_numbers(self.weight, None)

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return self._product.images(x, False)

    def _apply_transpose(self, y: np.ndarray) -> np.ndarray:
        return self._product.images(y, True)

    def _apply_columns(self, v: np.ndarray, transpose: bool = False) -> np.ndarray:
        columns = self._product.columns(v, transpose)
        return super()._apply_columns(v, transpose) if columns is None else columns

    def _other_way(self, method: str, transpose: bool = False) -> Callable[[np.ndarray], np.ndarray]:
        if method != "fft" or self.dtype == object:
            return super()._other_way(method)
        from convmatrix import fourier

        return partial(fourier.adjoint if transpose else fourier.forward, self.geometry, self.weight)

    def _label(self) -> str:
        groups = f", groups {self.geometry.groups}" if self.geometry.groups > 1 else ""
        return self.geometry.describe() + groups


def conv(
    weight: Any,
    input_size: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
    bias: Any = None,
) -> Convolution:
    """A convolution as a linear operator with its explicit sparse matrix.

    Output position `o` reads, through tap `t`, input position `o*stride + t*dilation - pad_before`, so along one axis::

        C[o, i] = sum of weight[t] over the taps t that read input i

    and a kernel `[a, b, c]` on 5 inputs is the banded Toeplitz matrix::

        [a b c . .]
        [. a b c .]
        [. . a b c]

    Over several axes and channels the indices are flattened row-major, `(channels, *spatial)`.

    Parameters
    ----------
    weight : array-like or str
        `(c_out, c_in/groups, *kernel_size)` as in PyTorch, or a bare kernel of as many axes as `input_size` has,
        which is one channel to one channel. NumPy arrays, nested lists, fractions, SymPy numbers and symbols, anything
        with `__array__` or DLPack; a string is read by `convmatrix.kernel`.
    input_size : int or sequence of int
        Spatial sizes of the input, one an axis; `()` for a fully connected layer.
    stride, dilation : int or sequence of int, default 1
        Steps between outputs and between taps.
    padding : int, sequence, or {"valid", "full", "same", "same_lower"}, default 0
        An int, one int an axis, or one `(before, after)` pair an axis. "same" gives `ceil(i/stride)` outputs with the
        odd pad after (PyTorch, TensorFlow), "same_lower" with the odd pad before (SciPy's mode "same").
    groups : int, default 1
        Blocks of channels that never meet.
    padding_mode : {"zeros", "circular", "reflect", "replicate", "symmetric"}, default "zeros"
        The first four as in PyTorch, the last as in NumPy. Inputs read twice have their taps added up in one entry.
    flip : bool, default False
        Turn the taps round: signal processing's convolution instead of cross-correlation.
    bias : array-like of `c_out` values, optional
        Kept as `op.bias`; never part of the matrix.

    Returns
    -------
    Convolution
        With `in_shape = (c_in, *input_size)`.

    Raises
    ------
    ConvMatrixError
        If an argument breaks its rule; the message names it and the value received.

    See Also
    --------
    conv_transpose : the transpose, in the arguments of PyTorch's transposed layers.

    References
    ----------
    Dumoulin, Visin: A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> C = cm.conv([[0, 1, 2], [2, 2, 0], [0, 1, 2]], (5, 5))
    >>> C.shape, C.out_shape, C.nnz
    ((9, 25), (1, 3, 3), 81)
    >>> C(np.arange(25).reshape(5, 5))
    array([[ 62,  72,  82],
           [112, 122, 132],
           [162, 172, 182]])
    >>> cm.conv("1 2 3", 4, padding="same", padding_mode="circular").toarray()
    array([[2, 3, 0, 1],
           [1, 2, 3, 0],
           [0, 1, 2, 3],
           [3, 0, 1, 2]])
    """
    size = arguments.sizes(input_size)
    weight = _as_weight(weight, len(size), groups)
    groups = arguments.integer(groups, "groups", 1)
    geometry = Geometry.conv(
        size,
        weight.shape[2:],
        weight.shape[1] * groups,
        weight.shape[0],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    if flip:
        weight = np.ascontiguousarray(np.flip(weight, axis=tuple(range(2, weight.ndim))))
    return Convolution(geometry, weight, _as_bias(bias, geometry.out_channels, len(size)))


def conv_transpose(
    weight: Any,
    input_size: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    bias: Any = None,
) -> Transposed:
    """A transposed convolution: the transpose of the `conv` on the larger grid, nothing else.

    An axis of `i` inputs gives `(i - 1)*stride - before - after + dilation*(k - 1) + output_padding + 1` outputs, and
    the matrix is `conv(weight, outputs, ...).tosparse().T`, entry for entry. With `[a, b, c]`, stride 2, on 2 inputs::

        [a .]
        [b .]
        [c a]
        [. b]
        [. c]

    Parameters
    ----------
    weight : array-like or str
        `(c_in, c_out/groups, *kernel_size)` as in PyTorch, or a bare kernel.
    input_size : int or sequence of int
        Spatial sizes of the (smaller) input.
    stride, dilation : int or sequence of int, default 1
        Of the convolution that is transposed.
    padding : int or sequence, default 0
        An int, one int an axis or `(before, after)` pairs: a crop of the output.
    output_padding : int or sequence of int, default 0
        Positions more at the end, below `max(stride, dilation)`.
    groups : int, default 1
        Blocks of channels that never meet.
    bias : array-like of `c_out` values, optional
        Kept as `op.bias`; never part of the matrix.

    Returns
    -------
    Transposed
        Its `.T` is the convolution, its `.geometry` that convolution's.

    Raises
    ------
    ConvMatrixError
        If an argument breaks its rule; the message names it and the value received.

    Notes
    -----
    The transpose restores the shape and not the values: `C.T @ C` is not the identity.

    References
    ----------
    Dumoulin, Visin: arXiv:1603.07285, relationships 8 to 14.

    Examples
    --------
    >>> import convmatrix as cm
    >>> D = cm.conv_transpose("1 2 3", 2, stride=2)
    >>> D.toarray()
    array([[1, 0],
           [2, 0],
           [3, 1],
           [0, 2],
           [0, 3]])
    >>> (D.tosparse() != D.T.tosparse().T).nnz
    0
    """
    size = arguments.sizes(input_size)
    weight = _as_weight(weight, len(size), groups)
    groups = arguments.integer(groups, "groups", 1)
    geometry = Geometry.transposed(
        size,
        weight.shape[2:],
        weight.shape[0],
        weight.shape[1] * groups,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
    )
    return Transposed(Convolution(geometry, weight), _as_bias(bias, geometry.in_channels, len(size)))


def _as_weight(weight: Any, axes: int, groups: Any) -> np.ndarray:
    """The weight with channels: a bare kernel becomes one channel to one channel."""
    if isinstance(weight, str):
        from convmatrix.kernels import kernel

        weight = kernel(weight)
    array = exact.as_array(weight)
    if array.ndim not in (axes, axes + 2):
        raise ConvMatrixError(
            f"weight must have {axes} axes (a kernel) or {axes + 2} (channels and kernel) for an input_size of {axes} "
            f"axes, got shape {array.shape}"
        )
    if array.ndim == axes:
        array = array.reshape(1, 1, *array.shape)
    if 0 in array.shape:
        raise ConvMatrixError(f"weight must have no axis of length 0, got shape {array.shape}")
    return frozen(array)


def frozen(array: np.ndarray) -> np.ndarray:
    """A copy that nobody changes: the operator would not notice. What a broadcast repeats, it holds once too.

    >>> frozen(np.broadcast_to(7, (10**9, 10**9))).base.size
    1
    """
    repeated = [size > 1 and step == 0 for size, step in zip(array.shape, array.strides, strict=True)]
    held = np.array(array[tuple(slice(1) if once else slice(None) for once in repeated)], order="C")
    held.flags.writeable = False
    return np.broadcast_to(held, array.shape) if any(repeated) else held


def _as_bias(bias: Any, channels: int, axes: int) -> np.ndarray | None:
    if bias is None:
        return None
    array = exact.as_array(bias, "bias")
    if array.size != channels or array.ndim > 1:
        raise ConvMatrixError(f"bias must have one value for each of the {channels} output channels, got {array.shape}")
    return frozen(array.reshape(channels, *[1] * axes))
