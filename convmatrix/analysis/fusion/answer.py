"""Layers in sequence or in parallel as one convolution: which one, and where on the matrix it differs, if it does."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.comparison import Comparison, affordable_pair, compare
from convmatrix.analysis.comparison.entries import is_exact
from convmatrix.analysis.comparison.rebuilding import output_periods, smaller_pair
from convmatrix.analysis.cost import multiplications, parameters
from convmatrix.analysis.facts import as_html, as_text
from convmatrix.analysis.fusion.bias import bias_of, gap_of
from convmatrix.analysis.fusion.borders import border_of, stretched
from convmatrix.analysis.fusion.causes import causes, in_words, layers
from convmatrix.analysis.fusion.forms import form_of
from convmatrix.analysis.fusion.positions import differing_outputs
from convmatrix.analysis.fusion.taps import NotOneConvolution, TapForm
from convmatrix.analysis.inspection.counting import leaves
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError
from convmatrix.operators.algebra import Product, Transposed
from convmatrix.operators.base import TensorOperator
from convmatrix.operators.convolution import Convolution

_ENTRIES = "every entry of both matrices"
_SMALLER = "every entry of both matrices on a smaller input"
_POSITIONS = "the matrices are too large; the positions that taps read were compared, for any weights"


@dataclass(frozen=True, eq=False)
class Fusion:
    """What `fuse` found.

    Attributes
    ----------
    operator : Convolution, Transposed or None
        The one convolution (or transposed convolution), with `weight` and `bias`; None with a `reason`.
    is_exact : bool
        Proved: every entry of the two matrices agrees by `==`, and so does the bias at every position.
    is_equal : bool
        The same within `tol`: what floats can show.
    reason : str
        Why there is no operator, or why it could not be compared; empty otherwise.
    comparison : Comparison or None
        Of the operator's matrix with the expression's.
    proof : str
        What was looked at: every entry of both matrices; every entry of those on a smaller input; or, where these are
        too large too, the positions that taps read, which make the matrices equal for any weights. Empty if nothing.
    where : str
        Which output positions differ, in words.
    why : str
        What the layers do there that the one convolution does not; empty where nothing differs or no reason is known.
    differs : ndarray of bool or None
        The same as a mask of the spatial output shape; where a smaller input was compared, that mask widened.
    interior : tuple of slice or None
        One an output axis: a box in which nothing differs; None if there is none, or nothing to compare.
    bias_error : float or None
        The largest difference between the operator's bias and the true one, 0 without biases; None for symbols.
    multiplications, parameters : tuple of int
        Before and after; after is 0 without an operator.
    expression : TensorOperator
        What was to be fused, as one operator.
    """

    operator: Convolution | Transposed | None
    is_exact: bool
    is_equal: bool
    reason: str
    comparison: Comparison | None
    proof: str
    where: str
    why: str
    differs: np.ndarray | None
    interior: tuple[slice, ...] | None
    bias_error: float | None
    multiplications: tuple[int, int]
    parameters: tuple[int, int]
    expression: TensorOperator = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; exact fractions, symbols and complex numbers as text."""
        found = self.operator
        geometry = None if found is None else found.geometry
        return {
            "is_exact": self.is_exact,
            "is_equal": self.is_equal,
            "reason": self.reason,
            "in_shape": list(self.expression.in_shape),
            "out_shape": list(self.expression.out_shape),
            "transposed": isinstance(found, Transposed),
            "geometry": None if geometry is None else geometry.describe(),
            "padding_mode": geometry.axes[0].padding_mode if geometry is not None and geometry.axes else None,
            "groups": None if geometry is None else geometry.groups,
            "weight": None if found is None else _plain(found.weight.tolist()),
            "bias": None if found is None or found.bias is None else _plain(found.bias.reshape(-1).tolist()),
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "proof": self.proof,
            "where": self.where,
            "why": self.why,
            "differs": None if self.differs is None else self.differs.tolist(),
            "interior": None if self.interior is None else [[box.start, box.stop] for box in self.interior],
            "bias_error": "inf" if self.bias_error == math.inf else self.bias_error,
            "multiplications": list(self.multiplications),
            "parameters": list(self.parameters),
        }

    def _headline(self) -> str:
        if self.operator is None:
            return "not one convolution"
        kind = "transposed convolution" if isinstance(self.operator, Transposed) else "convolution"
        if self.differs is None:
            return f"one {kind}, not compared"
        if self.is_equal:
            return f"one {kind}" + (", proved" if self.is_exact else "")
        return f"one {kind} except {'at the border' if self.interior is not None else 'everywhere'}"

    def _rows(self) -> dict[str, str]:
        """The facts as both displays show them."""
        rows = {"layers": in_words(self.expression), "reason": self.reason}
        if self.operator is not None:
            geometry = self.operator.geometry
            rows["result"] = geometry.describe() + (f", groups {geometry.groups}" if geometry.groups > 1 else "")
            rows["channels"] = f"{self.operator.in_shape[0]} -> {self.operator.out_shape[0]}"
            rows["matrix"] = self.proof if self.comparison is None else str(self.comparison)
            rows["differs"] = self.where if self.differs is not None and not self.is_equal else ""
            rows["because"] = self.why
            if self.differs is not None and self.bias_error != 0:
                by = "symbols" if self.bias_error is None else f"at most {self.bias_error:.3g}"
                rows["bias"] = f"differs by {by}"
        before, after = self.multiplications, self.parameters
        rows["multiplications"] = _before_after(*before, self.operator is None)
        rows["parameters"] = _before_after(*after, self.operator is None)
        return {name: value for name, value in rows.items() if value}

    def __repr__(self) -> str:
        verdict = "proved" if self.is_exact else "equal within tol" if self.is_equal else self.where or self.reason
        return f"Fusion({self.operator!r}, {verdict})"

    def __str__(self) -> str:
        shapes = f"{self.expression.in_shape} -> {self.expression.out_shape}"
        return as_text(f"{self._headline()}: {shapes}", list(self._rows().items()))

    def _repr_html_(self) -> str:
        return as_html(self._headline(), list(self._rows().items()))


def fuse(*ops: TensorOperator, tol: float | None = None) -> Fusion:
    """The one convolution that layers in sequence or in parallel amount to, where there is one.

    Output `o` of a layer of stride `s1` reads position `o*s1 - p1 + t1*d1` of its input; with a second one behind it::

        o*s1*s2 - (p1 + s1*p2) + (t1*d1 + s1*t2*d2)

    so the fused layer has stride `s1*s2`, padding `p1 + s1*p2`, and on the common grid of its taps the weight
    `sum over t1, t2 of W2[t2] @ W1[t1]`, a product of channel matrices. Branches that are added need equal strides and
    lie on the common grid of their taps. Borders may spoil it: a later layer pads with zeros where the fused one reads
    values of the first. So the answer is compared with the layers, entry by entry of both matrices.

    Parameters
    ----------
    *ops : TensorOperator
        Layers in sequence, the first applied first; or one expression of `@`, `+`, `-`, multiples and `.T`. Made of
        convolutions, transposed ones, identities, channel shuffles and average pools.
    tol : float, optional
        The absolute difference that entries may have and count as equal; see `compare`.

    Returns
    -------
    Fusion
        `operator` is None, with a `reason`, where no convolution has such taps: a pixel shuffle, a resize, branches of
        different strides, a strided layer before a transposed one. Exact weights stay exact.

    Raises
    ------
    ConvMatrixError
        If there is nothing to fuse, something is no TensorOperator, shapes do not chain, a weight is NaN or infinite,
        or `tol` is below 0.

    References
    ----------
    Ding et al.: RepVGG: Making VGG-style ConvNets Great Again, arXiv:2101.03697 (3x3 + 1x1 + identity).

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> column, row = cm.conv([[1], [2], [1]], (6, 6)), cm.conv([[-1, 0, 1]], (4, 6))
    >>> sobel = cm.fuse(column, row)
    >>> sobel.is_exact, sobel.operator.weight[0, 0].tolist()
    (True, [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])

    Two padded layers are one everywhere but at the border, where the second pads with zeros:

    >>> blur = cm.conv(np.ones((3, 3), dtype=int), (6, 6), padding=1)
    >>> print(cm.fuse(blur, blur))
    one convolution except at the border: (1, 6, 6) -> (1, 6, 6)
      layers           [3x3, padding 1] -> [3x3, padding 1]
      result           5x5, padding 2
      channels         1 -> 1
      matrix           different in 20 of 36 outputs by at most 5 (Frobenius 20.9, spectral 9.17), on inputs of 6x6
      differs          the outermost 1 position at every side of both axes: 20 of 36 output positions
      because          layer 2 pads with zeros where the one convolution reads what layer 1 would make there
      multiplications  648 before, 900 after
      parameters       18 before, 25 after
    """
    expression = _expression(ops)
    _check_finite(expression)
    costs = multiplications(expression), parameters(expression)
    try:
        operators, reason = _candidates(expression), ""
    except NotOneConvolution as why:
        operators, reason = [], str(why)
    if not operators:
        empty = (costs[0], 0), (costs[1], 0)
        return Fusion(None, False, False, reason, None, "", "", "", None, None, None, *empty, expression)
    found: dict[str, Any] | None = None
    for operator in operators:
        judged = _judged(operator, expression, tol)
        if found is None or _rank(judged) < _rank(found):
            found = judged
        if judged["is_equal"]:
            break
    assert found is not None
    chosen = found["operator"]
    cause = "" if found["is_equal"] or found["differs"] is None else causes(expression, isinstance(chosen, Transposed))
    return Fusion(
        **found,
        why=cause,
        multiplications=(costs[0], multiplications(chosen)),
        parameters=(costs[1], parameters(chosen)),
        expression=expression,
    )


def _expression(ops: tuple[TensorOperator, ...]) -> TensorOperator:
    """The layers as one operator."""
    if not ops:
        raise ConvMatrixError("ops must be at least one TensorOperator, got none")
    for number, op in enumerate(ops):
        if not isinstance(op, TensorOperator):
            raise ConvMatrixError(f"ops must be TensorOperators, got {type(op).__name__} at position {number}")
    for number, (first, second) in enumerate(pairwise(ops)):
        if first.out_shape != second.in_shape:
            raise ConvMatrixError(
                f"ops must chain, got {first.out_shape} from position {number} and "
                f"{second.in_shape} at position {number + 1}"
            )
    return reduce(lambda done, op: Product(op, done), ops)


def _check_finite(expression: TensorOperator) -> None:
    """Weights and biases alone: what they multiply to is asked of the fused ones."""
    # A transposed layer has a bias of its own, the convolution within it the weight.
    for part in (*leaves(expression), *layers(expression)):
        for values in (getattr(part, "weight", None), part.bias):
            if values is not None and not exact.is_finite(values):
                bad = exact.first_not_finite(values)
                raise ConvMatrixError(f"ops must have finite weights and biases to be fused, got {bad}")


def _candidates(expression: TensorOperator) -> list[Convolution | Transposed]:
    """One convolution for each padding mode in question, or their transposes."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            form = form_of(expression)
    except NotOneConvolution as why:
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                form = form_of(expression.T)
        except NotOneConvolution:
            raise why from None
        bias = _middle(bias_of(expression))
        return [Transposed(operator, bias) for operator in _operators(form, expression, None)]
    return list(_operators(form, expression, form.bias))


def _operators(form: TapForm, expression: TensorOperator, bias: np.ndarray | None) -> list[Convolution]:
    """The form under each padding mode in question."""
    operators, refused = [], None
    for mode in form.candidates():
        try:
            operators.append(form.operator(mode, expression.dtype, bias))
        except NotOneConvolution as why:
            refused = why
    if not operators and refused is not None:
        raise refused
    return operators


def _middle(bias: np.ndarray | None) -> np.ndarray | None:
    """The bias at the middle output, as the one value a channel that a layer has."""
    if bias is None:
        return None
    middle = bias[(slice(None), *(slice(n // 2, n // 2 + 1) for n in bias.shape[1:]))].copy()
    middle.flags.writeable = False
    return middle


def _judged(operator: Any, expression: TensorOperator, tol: float | None) -> dict[str, Any]:
    """One candidate beside the expression: the matrix, or where it is too large the taps, then the bias."""
    size, periods = expression.out_shape[1:], output_periods(expression)
    comparison, proof = None, _ENTRIES
    try:
        comparison = compare(operator, expression, tol)
        differs = stretched(np.asarray(comparison.differing().any(axis=0)), size, periods)
        is_equal, proved = comparison.is_equal, comparison.is_exact
        proof = _ENTRIES if comparison.is_own_size else _SMALLER
        pair = affordable_pair(operator, expression)
    except MatrixTooLargeError as error:
        pair, proof = smaller_pair(operator, expression) or (operator, expression), _POSITIONS
        masks = [differing_outputs(operator, expression, axis) for axis in range(len(size))]
        if any(mask is None for mask in masks):
            return _unknown(operator, f"not compared: {error}")
        lines = zip(masks, size, periods, strict=True)
        differs = _joined([stretched(mask, (n,), (period,)) for mask, n, period in lines if mask is not None])
        is_equal = not differs.any()
        proved = is_equal and is_exact(operator) and is_exact(expression)
    bias = gap_of(*pair, tol)
    border = border_of(differs | stretched(bias.differs, size, periods))
    return {
        "operator": operator,
        "is_exact": proved and bias.is_exact,
        "is_equal": is_equal and bias.is_equal,
        "reason": "",
        "comparison": comparison,
        "proof": proof,
        "where": border.describe(),
        "differs": border.differs,
        "interior": border.interior,
        "bias_error": bias.error,
    }


def _joined(masks: list[np.ndarray]) -> np.ndarray:
    """The positions that lie in a mask along any axis."""
    whole = np.zeros(tuple(mask.size for mask in masks), dtype=bool)
    for axis, mask in enumerate(masks):
        whole |= mask.reshape([-1 if a == axis else 1 for a in range(len(masks))])
    return whole


def _unknown(operator: Any, reason: str) -> dict[str, Any]:
    return {
        "operator": operator,
        "is_exact": False,
        "is_equal": False,
        "reason": reason,
        "comparison": None,
        "proof": "",
        "where": "not compared",
        "differs": None,
        "interior": None,
        "bias_error": None,
    }


def _rank(judged: dict[str, Any]) -> tuple[Any, ...]:
    """Better candidates first: equal ones, then those that differ at fewer positions, then by less."""
    comparison, differs = judged["comparison"], judged["differs"]
    if differs is None:
        return (2, 0, 0.0)
    size = 0.0 if comparison is None else comparison.frobenius or 0.0
    return (not judged["is_equal"], int(np.count_nonzero(differs)), size)


def _before_after(before: int, after: int, alone: bool) -> str:
    return f"{before:,}" if alone else f"{before:,} before, {after:,} after"


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if isinstance(value, (int, float)) else str(value)
