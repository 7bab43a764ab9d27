"""How many entries the matrix of an operator stores, also where its pattern is too large to be made."""

from __future__ import annotations

from collections.abc import Iterator

from convmatrix.errors import MatrixTooLargeError
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator


def leaves(op: TensorOperator) -> Iterator[TensorOperator]:
    """The operators that a product, sum, multiple or transpose is made of, from the left.

    Examples
    --------
    >>> import convmatrix as cm
    >>> C = cm.conv([1, 2], 4)
    >>> len(list(leaves(C.T @ C + 2 * cm.identity((1, 4)))))
    3
    """
    left_to_visit = [op]
    while left_to_visit:
        part = left_to_visit.pop()
        if isinstance(part, (Product, Sum)):
            left_to_visit += [part.right, part.left]
        elif isinstance(part, (Transposed, Scaled)):
            left_to_visit.append(part.of)
        else:
            yield part


def count_entries(op: TensorOperator) -> int | None:
    """The entries that `op.tosparse()` stores, or None where their pattern is too large to be counted.

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> C = cm.conv(np.ones((64, 64, 3, 3)), (4096, 4096), padding=1)
    >>> count_entries(C.T @ C)
    1716980432896
    """
    try:
        return op.nnz
    except MatrixTooLargeError:
        return None
