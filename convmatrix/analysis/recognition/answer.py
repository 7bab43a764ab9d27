"""Is this matrix a convolution? Its geometry and weight, or those of the nearest convolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix import exact
from convmatrix.analysis.facts import as_html, as_text
from convmatrix.analysis.recognition.axis_search import AxisFit, search
from convmatrix.analysis.recognition.entries import Entries, read_entries, vanishes
from convmatrix.analysis.recognition.projection import Nearest, default_limits, nearest
from convmatrix.analysis.recognition.weights import exact_weight, group_weight
from convmatrix.assembly import exact_entries
from convmatrix.errors import ConvMatrixError, SymbolicError
from convmatrix.geometry import PADDING_MODES, Geometry, arguments
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution, conv, conv_transpose

_ROUNDING = 8


@dataclass(frozen=True, eq=False)
class Recognition:
    """What `recognise` found.

    Attributes
    ----------
    is_convolution : bool
        Whether the operator's matrix equals the one given: integers and exact values by `==`, floats within
        `(taps + 8) * eps` times the sum of the magnitudes of the weights that meet in an entry.
    operator : Convolution or Transposed
        The convolution with that matrix, or the nearest one: `conv(...)`, or `conv_transpose(...)` if `transposed`.
    transposed : bool
        Whether the operator is a transposed convolution.
    distance, relative_distance : float
        Frobenius norm of the difference, and its share of the norm of the matrix given (0 for a matrix of zeros).
    notes : tuple of str
        What else is to be known about the answer.
    """

    is_convolution: bool
    operator: Convolution | Transposed
    transposed: bool
    distance: float
    relative_distance: float
    notes: tuple[str, ...] = ()

    @property
    def geometry(self) -> Geometry:
        """The operator's geometry; of a transposed one that of the convolution it is the transpose of."""
        return self.operator.geometry

    @property
    def weight(self) -> np.ndarray:
        """`(c_out, c_in/groups, *kernel_size)`; transposed `(c_in, c_out/groups, *kernel_size)`."""
        return np.asarray(self.operator.weight)

    @property
    def groups(self) -> int:
        """Blocks of channels that never meet, as many as possible."""
        return self.geometry.groups

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """Taps an axis."""
        return self.geometry.kernel_size

    @property
    def stride(self) -> tuple[int, ...]:
        """Steps between outputs, one an axis."""
        return tuple(axis.stride for axis in self.geometry.axes)

    @property
    def dilation(self) -> tuple[int, ...]:
        """Steps between taps, one an axis."""
        return tuple(axis.dilation for axis in self.geometry.axes)

    @property
    def padding(self) -> tuple[tuple[int, int], ...]:
        """`(before, after)` an axis, the least that gives this matrix."""
        return tuple((axis.pad_before, axis.pad_after) for axis in self.geometry.axes)

    @property
    def output_padding(self) -> tuple[int, ...]:
        """Positions more at the end of a transposed convolution's output; 0 otherwise."""
        extra = [axis.padded_size - (axis.output_size - 1) * axis.stride - axis.extent for axis in self.geometry.axes]
        return tuple(extra) if self.transposed else (0,) * len(extra)

    @property
    def padding_mode(self) -> str:
        """One of the five modes, the same on every axis."""
        return self.geometry.axes[0].padding_mode if self.geometry.axes else "zeros"

    @property
    def taps(self) -> int:
        """Numbers in the weight."""
        return int(self.weight.size)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; exact fractions, symbols and complex numbers as text."""
        return {
            "is_convolution": self.is_convolution,
            "transposed": self.transposed,
            "in_shape": list(self.operator.in_shape),
            "out_shape": list(self.operator.out_shape),
            "kernel_size": list(self.kernel_size),
            "stride": list(self.stride),
            "dilation": list(self.dilation),
            "padding": [list(pair) for pair in self.padding],
            "output_padding": list(self.output_padding),
            "padding_mode": self.padding_mode,
            "groups": self.groups,
            "taps": self.taps,
            "weight": _plain(self.weight.tolist()),
            "distance": self.distance,
            "relative_distance": self.relative_distance,
            "notes": list(self.notes),
        }

    def _rows(self) -> dict[str, str]:
        """The facts as they are shown, name by name."""
        rows = {
            "kernel": _sizes(self.kernel_size) or "fully connected",
            "channels": f"{self.operator.in_shape[0]} -> {self.operator.out_shape[0]}, groups {self.groups}",
            "stride": _sizes(self.stride),
            "padding": "x".join(f"{before}:{after}" for before, after in self.padding),
            "output padding": _sizes(self.output_padding) if self.transposed else "",
            "dilation": _sizes(self.dilation),
            "padding mode": self.padding_mode if self.geometry.axes else "",
            "taps": str(self.taps),
            "distance": f"{self.distance:.6g} (relative {self.relative_distance:.3g})",
        }
        return {name: value for name, value in rows.items() if value}

    def _headline(self) -> str:
        kind = "transposed convolution" if self.transposed else "convolution"
        return f"a {kind}" if self.is_convolution else f"not a convolution; the nearest {kind}"

    def __str__(self) -> str:
        shapes = f"{self.operator.in_shape} -> {self.operator.out_shape}"
        return as_text(f"{self._headline()}: {shapes}", self._facts())

    def _repr_html_(self) -> str:
        return as_html(self._headline(), self._facts())

    def _facts(self) -> list[tuple[str, str]]:
        return [*self._rows().items(), *(("note", note) for note in self.notes)]


def recognise(
    matrix: Any, in_shape: Any, out_shape: Any, *, kernel_size: Any = None, padding_mode: str | None = None
) -> Recognition:
    """Whether a matrix is a convolution: its geometry and weight, or the nearest convolution and the distance.

    The matrix maps tensors of `in_shape` to tensors of `out_shape`, flattened row-major. With `T_t` the 0/1 matrix of
    tap `t`, the convolutions of one geometry are the span of the `T_t`, and the nearest is the orthogonal projection::

        weight = inverse of [<T_s, T_t>] applied to [<T_t, matrix>]

    which, where no two taps meet in one entry, is the mean along each tap's diagonal. Of the exact answers the one of
    fewest taps is taken, then of the smallest dilation, then zeros before the other padding modes, then the smallest
    stride and padding. A transposed convolution is the answer where it has fewer taps than any other, or is nearer.

    Parameters
    ----------
    matrix : array-like, sparse array or TensorOperator
        `(prod(out_shape), prod(in_shape))`; numbers, fractions or SymPy expressions.
    in_shape, out_shape : tuple of int
        `(channels, *spatial)`, of equally many axes.
    kernel_size : int or sequence of int, optional
        The most taps an axis. By default as many as the input has positions (at least 5) for exact answers, and more
        under zero padding if some tap is seen twice (with taps enough every matrix is a convolution); for the nearest
        convolution half the input, or what the fullest row shows, or 4, whichever is largest.
    padding_mode : str, optional
        The only one to consider, of `"zeros"`, `"circular"`, `"reflect"`, `"replicate"`, `"symmetric"`; by default all.
        Transposed convolutions have zeros.

    Returns
    -------
    Recognition

    Raises
    ------
    ConvMatrixError
        If shapes do not fit, an entry is NaN or infinite, or an argument breaks its rule.
    SymbolicError
        If a matrix of symbols is no convolution: it has no nearest one.

    Notes
    -----
    A matrix is exactly a convolution if and only if it is one along each axis by itself, so the exact search takes the
    axes one after the other: under zero and circular padding the smallest kernel of each stride and dilation is read
    off the entries; under the others, where taps can meet, all geometries are tried up to 16 inputs an axis (dilations
    up to about twice the input), beyond that those that rows away from the borders show. The answer is checked on the
    matrix.

    The nearest convolution ranks the geometries of each axis by what they can hold of the matrix and projects on their
    combinations in that order, at most 64 a padding mode, then improves the best axis by axis. With one axis that is
    the best of all geometries up to 16 inputs, and of dilation up to 8 and padding below the kernel's extent beyond.
    The time is dominated by the dense inner products of one axis's (output, input) pairs.

    References
    ----------
    Golub & Van Loan, Matrix Computations, chapter 5 (least squares, orthogonal projections).

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = cm.recognise([[1, 2, 0, 0], [0, 0, 1, 2]], (1, 4), (1, 2))
    >>> found.is_convolution, found.stride, found.weight.tolist()
    (True, (2,), [[[1, 2]]])
    >>> print(cm.recognise(cm.identity((2, 3)), (2, 3), (2, 3)))
    a convolution: (2, 3) -> (2, 3)
      kernel         1
      channels       2 -> 2, groups 2
      stride         1
      padding        0:0
      dilation       1
      padding mode   zeros
      taps           2
      distance       0 (relative 0)

    Noise of 1 on an entry of the second row moves its tap by the mean, and most of it is the distance:

    >>> noisy = cm.recognise([[1, 2, 0, 0], [0, 1, 3, 0], [0, 0, 1, 2]], (1, 4), (1, 3), kernel_size=2)
    >>> noisy.is_convolution, noisy.weight.round(3).tolist(), round(noisy.distance, 3)
    (False, [[[1.0, 2.333]]], 0.816)
    """
    in_shape, out_shape = arguments.tensor_shape(in_shape, "in_shape"), arguments.tensor_shape(out_shape, "out_shape")
    if len(in_shape) != len(out_shape):
        raise ConvMatrixError(f"in_shape and out_shape must have equally many axes, got {in_shape} and {out_shape}")
    axes = len(in_shape) - 1
    limits = None if kernel_size is None else arguments.per_axis(kernel_size, "kernel_size", axes, 1)
    if padding_mode is not None:
        arguments.one_of(padding_mode, "padding_mode", PADDING_MODES)
    modes = PADDING_MODES if padding_mode is None else (padding_mode,)
    entries = read_entries(matrix, in_shape, out_shape)
    return _exact_answer(entries, modes, limits) or _nearest_answer(entries, modes, limits)


def _exact_answer(entries: Entries, modes: Sequence[str], limits: Sequence[int] | None) -> Recognition | None:
    """The convolution the matrix is, or the transposed one if that has fewer taps; None if it is neither."""
    direct = _exact_search(entries, modes, limits, False)
    if "zeros" not in modes:
        return direct
    turned = entries.transposed()
    if direct is not None:
        fewest = math.prod(turned.view(axis).fewest_taps for axis in turned.axes)
        if math.prod(direct.kernel_size) <= fewest:
            return direct
    other = _exact_search(turned, ("zeros",), limits, True)
    return other if direct is None or (other is not None and other.taps < direct.taps) else direct


def _exact_search(
    entries: Entries, modes: Sequence[str], limits: Sequence[int] | None, transposed: bool
) -> Recognition | None:
    """The smallest geometry whose matrix equals the entries, checked on the matrix."""
    views = [entries.view(axis) for axis in entries.axes]
    fewest = math.prod(view.fewest_taps for view in views)
    answers: list[tuple[tuple[int, ...], str, tuple[AxisFit, ...]]] = []
    for rank, mode in enumerate(modes):
        fits = []
        for axis, view in enumerate(views):
            fit = search(view, mode, None if limits is None else limits[axis], transposed)
            if fit is None:
                break
            fits.append(fit)
        if len(fits) < len(views):
            continue
        taps, dilation = math.prod(fit.kernel_size for fit in fits), math.prod(fit.dilation for fit in fits)
        answers.append(((taps, dilation, rank), mode, tuple(fits)))
        if taps == fewest and dilation == 1:
            break
    groups = entries.groups()
    for _, mode, chosen in sorted(answers):
        axes = [
            fit.axis(entries.in_shape[axis + 1], entries.out_shape[axis + 1], mode) for axis, fit in enumerate(chosen)
        ]
        operator = _build(entries, chosen, mode, group_weight(exact_weight(entries, axes), groups), groups, transposed)
        if _is_equal(entries, operator.T if transposed else operator):
            distance = _distance(entries, operator.T if transposed else operator)
            notes = ("taps that no entry shows are 0",) if _has_unread_taps(operator.geometry) else ()
            return Recognition(True, operator, transposed, distance, _relative(distance, entries), notes)
    return None


def _build(
    entries: Entries, fits: Sequence[AxisFit], mode: str, weight: np.ndarray, groups: int, transposed: bool
) -> Any:
    """The operator; `entries` are those of the convolution, also where its transpose is meant."""
    sizes = zip(fits, entries.in_shape[1:], entries.out_shape[1:], strict=True)
    surplus = [fit.surplus(inputs, outputs) for fit, inputs, outputs in sizes]
    common: dict[str, Any] = {
        "stride": tuple(fit.stride for fit in fits),
        "dilation": tuple(fit.dilation for fit in fits),
        "padding": tuple((fit.pad_before, max(over, 0)) for fit, over in zip(fits, surplus, strict=True)),
        "groups": groups,
    }
    if transposed:
        extra = tuple(max(-over, 0) for over in surplus)
        return conv_transpose(weight, entries.out_shape[1:], output_padding=extra, **common)
    return conv(weight, entries.in_shape[1:], padding_mode=mode, **common)


def _is_equal(entries: Entries, operator: Any) -> bool:
    """Whether the convolution's matrix is the one given."""
    if entries.matrix is None or operator.dtype == object:
        return _is_equal_exactly(entries, operator)
    gap = csr_array(abs(operator.tosparse() - entries.matrix))
    gap.eliminate_zeros()
    if not gap.nnz or gap.dtype.kind in "iu":
        return not gap.nnz
    merged = Convolution(operator.geometry, np.abs(operator.weight)).tosparse()
    share = (math.prod(operator.geometry.kernel_size) + _ROUNDING) * float(np.finfo(gap.dtype).eps)
    return bool((gap - share * merged).max() <= 0)


def _is_equal_exactly(entries: Entries, operator: Any) -> bool:
    rows, columns, values = exact_entries(operator.geometry, operator.weight)
    width = operator.shape[1]
    left = dict(zip((entries.flat_rows() * width + entries.flat_columns()).tolist(), entries.values, strict=True))
    for place, value in zip((np.asarray(rows) * width + columns).tolist(), values, strict=True):
        if not vanishes(exact.as_scalar(value) - left.pop(place, 0)):
            return False
    return not left


def _has_unread_taps(geometry: Geometry) -> bool:
    """Whether a tap reads nothing but padding."""
    return any((axis.reads() < 0).all(axis=0).any() for axis in geometry.axes)


def _nearest_answer(entries: Entries, modes: Sequence[str], limits: Sequence[int] | None) -> Recognition:
    if exact.is_symbolic(entries.values):
        raise SymbolicError(
            f"matrix must be numeric for the nearest convolution, got symbols in a {math.prod(entries.out_shape)} x "
            f"{math.prod(entries.in_shape)} matrix that is none exactly"
        )
    answers = []
    for transposed in (False, True) if "zeros" in modes else (False,):
        oriented = entries.transposed() if transposed else entries
        most = default_limits(oriented) if limits is None else limits
        found = nearest(oriented, ("zeros",) if transposed else modes, most, transposed)
        if found is not None:
            answers.append(_as_recognition(oriented, found, transposed))
    if not answers:
        raise ConvMatrixError(
            f"kernel_size must leave some convolution from {entries.in_shape} to {entries.out_shape}, got {limits}"
        )
    # A transposed one must be clearly nearer to be the answer.
    return min(answers, key=lambda answer: answer.distance * (1 + 1e-9 * answer.transposed))


def _as_recognition(entries: Entries, found: Nearest, transposed: bool) -> Recognition:
    groups = entries.groups()
    weight = group_weight(found.weight, groups)
    trials = [weight]
    if entries.values.dtype.kind == "i":
        # Means of equal integers are those integers, whatever the solution rounded.
        whole = np.rint(weight)
        trials.append(np.where(np.abs(weight - whole) <= 1e-9 * (1 + np.abs(whole)), whole, weight))
    operators = [_build(entries, found.fits, found.mode, trial, groups, transposed) for trial in trials]
    measured = [(_distance(entries, operator.T if transposed else operator), operator) for operator in operators]
    distance, operator = min(reversed(measured), key=lambda pair: pair[0])
    return Recognition(False, operator, transposed, distance, _relative(distance, entries))


def _distance(entries: Entries, operator: Any) -> float:
    """Frobenius norm of the difference, by the entries themselves."""
    given = csr_array((entries.numbers, (entries.flat_rows(), entries.flat_columns())), shape=operator.shape)
    if exact.is_symbolic(operator.weight) or exact.is_symbolic(entries.values):
        return 0.0
    numeric = operator.tosparse(dtype=np.result_type(given.dtype, np.float64))
    return float(np.linalg.norm((numeric - given).data))


def _relative(distance: float, entries: Entries) -> float:
    return distance / entries.norm if entries.norm else 0.0


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if isinstance(value, (int, float)) else str(value)


def _sizes(values: Sequence[int]) -> str:
    return "x".join(map(str, values))
