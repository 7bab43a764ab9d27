"""A layer's matrix applied to a photograph, and the proof that it does what others' convolutions do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.reference import LayerArguments, by_scipy, by_torch, load
from convmatrix.direct import Direct
from convmatrix.errors import ConvMatrixError, readable_bytes
from convmatrix.geometry import Axis
from convmatrix.operators import TensorOperator, conv, conv_transpose

TOLERANCE = 1e-12
"""Largest difference of float results, relative to the largest sum of magnitudes an output could have."""
_EXACT_FLOATS, _EXACT_INTEGERS = 2**53, 2**63
_LARGEST = 1e300
"""Results up to which differences, and what is drawn, stay finite too."""
_PATCH, _OUTPUTS = 8, 3
"""Pixels a side of the patch that is shown number by number, and its fewest outputs a side."""


@dataclass(frozen=True)
class Comparison:
    """One other way to the result.

    Attributes
    ----------
    name : str
        Which.
    difference : float
        Largest absolute difference from the matrix's result; inf if the shapes differ.
    seconds : float
        What it took.
    """

    name: str
    difference: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Patch:
    """A few pixels of the photograph, all of whose outputs are known without the rest.

    Attributes
    ----------
    operator : TensorOperator
        The layer on these pixels alone, without padding: its matrix is small.
    pixels, result : ndarray, shapes (c_in, h, w) and (c_out, h', w')
        What goes in and comes out; both are parts of the whole.
    pixels_at, result_at : tuple of int
        Row and column of their first entries in the whole.
    """

    operator: TensorOperator
    pixels: np.ndarray
    result: np.ndarray
    pixels_at: tuple[int, int]
    result_at: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Application:
    """What a layer's matrix made of a photograph; from `apply_to_picture`.

    Attributes
    ----------
    operator : TensorOperator
        The layer.
    picture, result : ndarray, shapes `operator.in_shape` and `operator.out_shape`
        Before and after; the result is `matrix @ picture.ravel()`.
    nnz, nbytes : int
        Entries and bytes of the matrix that was built.
    build_seconds, apply_seconds : float
        To build it and to multiply by it.
    comparisons : tuple of Comparison
        The operator without its matrix, SciPy, and PyTorch where it is installed.
    is_exact : bool
        Whether everything was integers, below 2**63, so that nothing but a difference of 0 is accepted.
    tolerance : float
        The largest difference accepted.
    patch : Patch or None
        A small part to look at; None where the kernel spans more than the photograph's middle.
    """

    operator: TensorOperator
    picture: np.ndarray
    result: np.ndarray
    nnz: int
    nbytes: int
    build_seconds: float
    apply_seconds: float
    comparisons: tuple[Comparison, ...]
    is_exact: bool
    tolerance: float
    patch: Patch | None

    @property
    def is_equal(self) -> bool:
        """Whether all ways agree."""
        return all(comparison.difference <= self.tolerance for comparison in self.comparisons)

    @property
    def verdict(self) -> str:
        """The answer in words."""
        if not self.is_equal:
            return f"DIFFERENT: a difference of at most {self.tolerance:.3g} was demanded"
        return "equal, to the last bit" if self.is_exact else f"equal, within {self.tolerance:.1e}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without the pictures."""
        ways = [{"name": c.name, "largest_difference": _finite(c.difference), "seconds": c.seconds}
                for c in self.comparisons]  # fmt: skip
        return {
            "in_shape": list(self.picture.shape),
            "out_shape": list(self.result.shape),
            "matrix_shape": list(self.operator.shape),
            "nnz": self.nnz,
            "nbytes": self.nbytes,
            "build_seconds": self.build_seconds,
            "apply_seconds": self.apply_seconds,
            "smallest": self.result.min().item(),
            "largest": self.result.max().item(),
            "comparisons": ways,
            "is_exact": self.is_exact,
            "tolerance": self.tolerance,
            "is_equal": self.is_equal,
        }

    def __str__(self) -> str:
        rows, columns = self.operator.shape
        lines = [
            f"matrix C       {rows:,} x {columns:,}, {self.nnz:,} entries, {readable_bytes(self.nbytes)}, "
            f"built in {_milliseconds(self.build_seconds)}",
            f"result C @ x   {_milliseconds(self.apply_seconds)}, values from {self.result.min():.6g} "
            f"to {self.result.max():.6g}",
            "compared with",
        ]
        width = max(len(comparison.name) for comparison in self.comparisons)
        lines += [
            f"  {c.name:<{width}}  largest difference {c.difference:.3g}  ({_milliseconds(c.seconds)})"
            for c in self.comparisons
        ]
        return "\n".join([*lines, f"verdict        {self.verdict}"])


def apply_to_picture(op: TensorOperator, picture: Any, weight: Any, layer: LayerArguments) -> Application:
    """Build the matrix of a 2-D layer, apply it to a picture, and compare with independent implementations.

    Parameters
    ----------
    op : TensorOperator
        The layer, on inputs of the picture's shape.
    picture : array-like, shape `op.in_shape`
        The photograph, integers from 0 to 255 in every channel.
    weight : array-like, shape (h, w) or with two axes of channels before
        The weight that `op` was made of, as it is applied.
    layer : LayerArguments
        The other arguments `op` was made of. SciPy and PyTorch are given these, never `op.geometry`.

    Returns
    -------
    Application

    Raises
    ------
    ConvMatrixError
        If the weight is complex, symbolic, not finite or so large that results are, or the picture does not fit.
    MatrixTooLargeError
        If the matrix does not fit into memory; nothing is computed then.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> from convmatrix.analysis.application import apply_to_picture
    >>> from convmatrix.analysis.reference import LayerArguments
    >>> sobel = cm.kernel("sobel_x")
    >>> op = cm.conv(sobel, (5, 5))
    >>> applied = apply_to_picture(op, np.arange(25).reshape(1, 5, 5), sobel, LayerArguments())
    >>> applied.is_equal, applied.result[0, 0].tolist()
    (True, [8, 8, 8])
    """
    picture, weight = np.asarray(picture), _numbers(weight)
    if picture.shape != op.in_shape:
        raise ConvMatrixError(f"picture must have the shape {op.in_shape}, got {picture.shape}")
    dtype = float if op.dtype == object else None
    largest_sum = _largest_sum(weight, layer) * max(float(np.abs(picture.astype(np.float64)).max(initial=0)), 1.0)
    if not largest_sum <= _LARGEST:
        raise ConvMatrixError(f"weight must keep the results below {_LARGEST:g} to be finite, got {largest_sum:.3g}")
    is_exact = weight.dtype.kind == "i" and picture.dtype.kind in "iu" and largest_sum < _EXACT_INTEGERS
    x = picture.astype(np.int64 if is_exact else np.float64)
    matrix, build_seconds = _timed(lambda: op.tosparse(dtype=dtype))
    flat, apply_seconds = _timed(lambda: matrix @ x.ravel())
    result = flat.reshape(op.out_shape)
    ways: list[tuple[str, Callable[[], np.ndarray | None]]] = [
        ("the operator without its matrix", lambda: _without_matrix(op, x, layer.transpose)),
        ("SciPy", lambda: by_scipy(x, weight, layer)),
    ]
    if not is_exact or largest_sum < _EXACT_FLOATS:
        ways.append(("PyTorch", lambda: by_torch(x, weight, layer)))
    load()
    comparisons = []
    for name, way in ways:
        other, seconds = _timed(way)
        if other is not None:
            comparisons.append(Comparison(name, _difference(result, other), seconds))
    return Application(
        operator=op,
        picture=picture,
        result=result,
        nnz=int(matrix.nnz),
        nbytes=matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes,
        build_seconds=build_seconds,
        apply_seconds=apply_seconds,
        comparisons=tuple(comparisons),
        is_exact=is_exact,
        tolerance=0.0 if is_exact else TOLERANCE * largest_sum,
        patch=_patch(op, x, result, weight, layer),
    )


def gray(pixels: np.ndarray) -> np.ndarray:
    """Brightness of 8-bit red, green and blue, 8-bit again: `(299 R + 587 G + 114 B)/1000`, rounded.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width, 3)
        A photograph.

    Returns
    -------
    ndarray of uint8, shape (height, width)

    References
    ----------
    The weights are luma's in Recommendation ITU-R BT.601-7.

    Examples
    --------
    >>> import numpy as np
    >>> gray(np.array([[[255, 255, 255], [255, 0, 0]]], dtype=np.uint8)).tolist()
    [[255, 76]]
    """
    weighted = pixels.astype(np.int64) @ np.array([299, 587, 114])
    return np.asarray((weighted + 500) // 1000, dtype=np.uint8)


def _without_matrix(op: Any, x: np.ndarray, transpose: bool) -> np.ndarray:
    """`op(x)` by the direct way always: an operator may keep its matrix, and that would prove nothing."""
    direct = Direct(op.geometry, exact.as_numbers(op.weight, float if op.dtype == object else None))
    return np.asarray((direct.adjoint if transpose else direct.forward)(x[None])[0])


def _largest_sum(weight: np.ndarray, layer: LayerArguments) -> float:
    """No row of the matrix has a larger sum of magnitudes."""
    with np.errstate(over="ignore"):
        return _sum_of_magnitudes(np.abs(weight.astype(np.float64)).sum(axis=(2, 3)), layer)


def _sum_of_magnitudes(sums: np.ndarray, layer: LayerArguments) -> float:
    if not layer.transpose:
        return float(sums.sum(axis=1).max())
    inputs, outputs = sums.shape
    return float(sums.reshape(layer.groups, inputs // layer.groups, outputs).sum(axis=1).max())


def _numbers(weight: Any) -> np.ndarray:
    """The weight with channels, in the numbers it is compared in."""
    array = exact.as_array(weight)
    array = exact.as_numbers(array, float if array.dtype == object else None)
    if array.dtype.kind == "c":
        raise ConvMatrixError(f"weight must be real for a picture, got dtype {array.dtype}")
    if not exact.is_finite(array):
        raise ConvMatrixError("weight must be finite for a picture, got NaN or infinity")
    return array.reshape((1,) * (4 - array.ndim) + array.shape)


def _patch(op: Any, x: np.ndarray, result: np.ndarray, weight: np.ndarray, layer: LayerArguments) -> Patch | None:
    """The patch where the result changes most, in its middle, where no border is near."""
    axes = op.geometry.axes
    peak = _strongest(result[0])
    read, written = [slice(None)], [slice(None)]
    for number, axis in enumerate(axes):
        window = (_window_transposed if layer.transpose else _window)(axis, peak[number])
        limits = (x.shape[1 + number], result.shape[1 + number])
        if any(part.start < 0 or part.stop > limit for part, limit in zip(window, limits, strict=True)):
            return None
        read.append(window[0])
        written.append(window[1])
    pixels, part = x[tuple(read)], result[tuple(written)]
    options: dict[str, Any] = {
        "stride": tuple(axis.stride for axis in axes),
        "dilation": tuple(axis.dilation for axis in axes),
        "groups": layer.groups,
    }
    if layer.transpose:
        # A crop by the kernel's span leaves the outputs that all their inputs reach.
        spans = tuple(axis.extent - 1 for axis in axes)
        small: TensorOperator = conv_transpose(weight, pixels.shape[1:], padding=spans, **options)
    else:
        small = conv(weight, pixels.shape[1:], **options)
    return Patch(small, pixels, part, (read[1].start, read[2].start), (written[1].start, written[2].start))


def _strongest(plane: np.ndarray) -> tuple[int, int]:
    """Where the middle of a result changes most from one position to the next."""
    strength = np.zeros(plane.shape)
    strength[1:] += np.abs(np.diff(plane, axis=0))
    strength[:, 1:] += np.abs(np.diff(plane, axis=1))
    low = [n // 4 for n in plane.shape]
    middle = strength[tuple(slice(a, max(3 * n // 4, a + 1)) for a, n in zip(low, plane.shape, strict=True))]
    row, column = divmod(int(middle.argmax()), middle.shape[1])
    return low[0] + row, low[1] + column


def _window(axis: Axis, place: int) -> tuple[slice, slice]:
    """Inputs and outputs of a patch along one axis, its outputs around `place`."""
    length = max((_PATCH - axis.extent) // axis.stride + 1, _OUTPUTS)
    first = place - length // 2
    reads = axis.positions(np.arange(first, first + length))
    return slice(int(reads.min()), int(reads.max()) + 1), slice(first, first + length)


def _window_transposed(axis: Axis, place: int) -> tuple[slice, slice]:
    """The same for a transposed layer, whose inputs are the axis's outputs: the results that need no other inputs."""
    count = max(_PATCH if axis.stride == 1 else _PATCH // 2, (axis.extent - 1) // axis.stride + 2)
    firsts = axis.positions(np.arange(axis.output_size))[:, 0]
    start = int(np.searchsorted(firsts, place, side="right")) - 1 - count // 2
    reads = axis.positions(np.arange(start, start + count))
    return slice(start, start + count), slice(int(reads[0].max()), int(reads[-1].min()) + 1)


def _difference(result: np.ndarray, other: np.ndarray) -> float:
    if result.shape != other.shape:
        return float("inf")
    return float(np.abs(result - other).max(initial=0))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    value = work()
    return value, time.perf_counter() - start


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
