"""Whether an operator's matrix is the one promised: by `==` for exact weights, within a stated rounding for floats."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.sparse import csr_array

from convmatrix import exact
from convmatrix.errors import ConvMatrixError
from convmatrix.kinds.structures import Matrix, dense
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator

Promise = Callable[[Mapping[str, np.ndarray]], Matrix]

_SPARSE, _DENSE = 8, 12
"""How many matrices of the operator's size there are at once: its own, the promised one, its parts, the difference."""
_ROUNDINGS = 4
"""Of one product through all layers, beside those of adding such products up."""


def agrees(op: TensorOperator, promise: Promise, weights: Mapping[str, np.ndarray]) -> bool:
    """Whether `promise(weights)` is the operator's matrix, entry for entry.

    Integers, fractions and symbols are compared by `==`. An entry of floats may differ by `(n + 4) * eps * m`: n is the
    number of weights of one filter, of several layers together, and bounds how many products meet in the entry; m is
    what their magnitudes add up to, and eps the operator's own.

    Raises
    ------
    ConvMatrixError
        If a weight is NaN or infinite.
    MatrixTooLargeError
        If the matrices, of exact weights dense ones, would not fit.
    """
    check_room(op)
    for name, weight in weights.items():
        if not exact.is_finite(weight):
            raise ConvMatrixError(f"{name} must be finite, got {exact.first_not_finite(weight)}")
    if op.dtype == object:
        made = op.toarray().astype(object)
        return _same_objects(made, dense(promise({name: exact.as_exact(own) for name, own in weights.items()})))
    matrix, promised = op.tosparse(), promise(weights)
    if matrix.shape != promised.shape:
        return False
    if op.dtype.kind in "iu":
        return (promised != matrix).nnz == 0
    magnitudes = csr_array(promise({name: np.abs(own) for name, own in weights.items()}))
    terms = sum(own[0].size if own.ndim > 1 else own.size for own in weights.values()) + _ROUNDINGS
    beyond = abs(promised - matrix) - terms * float(np.finfo(op.dtype).eps) * magnitudes
    return not beyond.nnz or float(beyond.max()) <= 0


def check_room(op: TensorOperator) -> None:
    """Refuse a promise that would not fit beside the operator's matrix.

    Raises
    ------
    MatrixTooLargeError
    """
    rows, columns = op.shape
    needed = _DENSE * 8 * rows * columns if op.dtype == object else _SPARSE * op.nbytes()
    check_size(f"the comparison of the {rows} x {columns} matrix with the one promised", needed)


def _same_objects(made: np.ndarray, promised: np.ndarray) -> bool:
    """Numbers by `==`, expressions once they are expanded."""
    if made.shape != promised.shape:
        return False
    return all(_is_zero(own - other) for own, other in zip(made.flat, promised.flat, strict=True) if own != other)


def _is_zero(difference: object) -> bool:
    if not exact.is_sympy(difference):
        return False
    import sympy

    return bool(sympy.expand(difference) == 0)
