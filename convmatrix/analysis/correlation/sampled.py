"""The moments of responses to given inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.correlation.moments import Moments, check_finite, largest_part, times_power
from convmatrix.analysis.correlation.pairing import Pairing
from convmatrix.errors import ConvMatrixError, SymbolicError
from convmatrix.memory import check_result
from convmatrix.operators import TensorOperator

_ROUNDING = 8
"""Units in the last place of the largest response, within which it counts as constant."""

Activation = Callable[[np.ndarray], Any] | None


def read_inputs(inputs: Any, first: TensorOperator) -> np.ndarray:
    """`(n, *in_shape)` from any batch axes.

    Raises
    ------
    ConvMatrixError
        If they do not end in the first layer's `in_shape`, or are not finite.
    """
    values = exact.as_array(inputs, "inputs")
    shape = first.in_shape
    if values.shape[max(values.ndim - len(shape), 0) :] != shape:
        raise ConvMatrixError(f"inputs must have the shape {shape}, after any batch axes, got {values.shape}")
    if exact.is_symbolic(values):
        raise SymbolicError("inputs must be numbers, got SymPy expressions")
    if values.dtype != object:
        check_finite(values, "inputs")
    return values.reshape(math.prod(values.shape[: values.ndim - len(shape)]), *shape)


def sampled_moments(
    first: TensorOperator, second: TensorOperator, pairing: Pairing, inputs: np.ndarray, activation: Activation
) -> Moments:
    """In double precision, over all inputs and paired positions; the mean of every filter is taken off.

    Raises
    ------
    ConvMatrixError
        If there are fewer than two responses, one is not finite, or the activation changes their shape.
    """
    if len(inputs) * pairing.outputs.size < 2:
        raise ConvMatrixError(
            f"inputs must give at least 2 responses of a filter, got {len(inputs)} inputs with "
            f"{pairing.outputs.size} positions each"
        )
    check_result(16 * len(inputs) * (math.prod(first.out_shape) + math.prod(second.out_shape)))
    passed = _response(first, inputs, activation, "first")
    lower, silent_first = _centred(passed, pairing.inputs, "first")
    upper, silent_second = _centred(_response(second, passed, activation, "second"), pairing.outputs, "second")
    second, first = ((np.abs(own) ** 2).sum(axis=1) for own in (upper, lower))
    second[silent_second] = first[silent_first] = 0
    return Moments(upper @ lower.conj().T, second, first, False)


def _response(op: TensorOperator, x: np.ndarray, activation: Activation, name: str) -> np.ndarray:
    """What the layer passes on: `activation(op(x) + bias)`."""
    values = op(x)
    if op.bias is not None:
        values = values + op.bias
    if activation is not None:
        given = exact.as_array(activation(values), "activation")
        if given.shape != values.shape:
            raise ConvMatrixError(f"activation must keep the shape {values.shape}, got {given.shape}")
        values = given
    if values.dtype == object and exact.is_symbolic(values):
        raise SymbolicError(f"{name} must have weights that are numbers, got SymPy expressions: substitute values")
    if values.dtype != object:
        check_finite(values, f"the responses of {name}")
    return values


def _centred(responses: np.ndarray, places: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Each filter's responses as one row at size 1, its mean taken off; and which filters never change."""
    flat = responses.reshape(*responses.shape[:2], math.prod(responses.shape[2:]))[:, :, places]
    rows = np.swapaxes(flat, 0, 1).reshape(responses.shape[1], -1)
    eps = float(np.finfo(rows.dtype).eps) if rows.dtype.kind in "fc" else float(np.finfo(np.float64).eps)
    rows = exact.as_numbers(rows, np.complex128 if rows.dtype.kind == "c" else np.float64, f"responses of {name}")
    exponents = np.frexp(largest_part(rows).max(axis=1))[1]
    rows = times_power(rows, -exponents[:, None])
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows, np.sqrt((np.abs(rows) ** 2).mean(axis=1)) <= _ROUNDING * eps
