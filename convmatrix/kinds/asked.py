"""What a build was asked for, kept beside the operator it made: a promise is checked against the question itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import wraps
from itertools import takewhile
from typing import Any

import numpy as np

from convmatrix.kinds.numbers import read_weight
from convmatrix.operators import TensorOperator
from convmatrix.operators.convolution import frozen

_SIZES = ("input_size", "in_shape")
_KEY = "_asked_of_kind"


@dataclass(frozen=True, eq=False)
class Asked:
    """The arguments of one build, safe from later changes.

    Attributes
    ----------
    kind : str
        Whose build it was.
    weights : dict of ndarray
        Read-only copies of what stands before the size in the build's signature, by name.
    options : dict
        The size and everything behind it, defaults too; but no bias, which is no part of a matrix.
    """

    kind: str
    weights: dict[str, np.ndarray]
    options: dict[str, Any]


def recording(build: Callable[..., TensorOperator]) -> Callable[..., TensorOperator]:
    """The build with weights read as arrays, from text too, and its arguments kept on what it returns."""
    signature = inspect.signature(build)
    weights = list(takewhile(lambda name: name not in _SIZES, signature.parameters))

    @wraps(build)
    def recorded(*args: Any, **kwargs: Any) -> TensorOperator:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        arguments |= {name: read_weight(arguments[name], name) for name in weights}
        op = build(**arguments)
        options = {name: deepcopy(value) for name, value in arguments.items() if name not in (*weights, "bias")}
        op.__dict__[_KEY] = Asked(build.__name__, {name: frozen(arguments[name]) for name in weights}, options)
        return op

    return recorded


def asked_of(op: TensorOperator) -> Asked | None:
    """What the build that made this very operator was asked for; None where none did."""
    found: Asked | None = op.__dict__.get(_KEY)
    return found
