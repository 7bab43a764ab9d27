"""An operator taken apart into what is done one after the other: layers, and the sums that join branches."""

from __future__ import annotations

from collections.abc import Iterator

from convmatrix.analysis.phases import branches_of
from convmatrix.operators.algebra import Product, Scaled, Sum, Transposed
from convmatrix.operators.base import TensorOperator


def steps_in_order(op: TensorOperator) -> Iterator[TensorOperator]:
    """The layers in the order they are applied; a sum comes after its branches. Multiples are left out.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv([1, 2], 4, padding="same")
    >>> [type(step).__name__ for step in steps_in_order(layer @ (2 * layer + cm.identity((1, 4))).T)]
    ['Transposed', 'Permutation', 'Sum', 'Convolution']
    """
    # A sum that was met once has its branches done when it is met again.
    todo: list[tuple[TensorOperator, bool]] = [(op, False)]
    while todo:
        part, joined = todo.pop()
        if isinstance(part, Transposed) and isinstance(part.of, (Product, Sum, Scaled, Transposed)):
            todo.append((part.of.T, False))
        elif isinstance(part, Product):
            todo += [(part.left, False), (part.right, False)]
        elif isinstance(part, Scaled):
            todo.append((part.of, False))
        elif isinstance(part, Sum) and not joined:
            todo += [(part, True), *[(branch, False) for branch in reversed(branches_of(part))]]
        else:
            yield part
