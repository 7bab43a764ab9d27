"""An operator's own matrix with exact entries: where sums of floats cancel, the norm is of what is left of them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from convmatrix import exact
from convmatrix.analysis.spectrum.numbers import is_complex, products
from convmatrix.geometry import Geometry
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Product
from convmatrix.operators.composite import Composite
from convmatrix.operators.convolution import Convolution

_MOST_ENTRIES = 1 << 20
"""Of the matrix, zeros included."""
_MOST_PRODUCTS = 3e5
"""Of exact numbers: some seconds."""
_COMPLEX = 30
"""How much longer one of complex numbers takes."""


def written_out(op: TensorOperator) -> Convolution | None:
    """The 1x1 layer whose weight is the matrix of an operator, to the last bit; None if that is beyond some seconds.

    Its floats count as the binary fractions that they are.

    Examples
    --------
    >>> import convmatrix as cm
    >>> written_out(cm.conv([1e16, 1.0, -1e16], (1,), padding=1, padding_mode="replicate")).weight.tolist()
    [[1]]
    """
    if math.prod(op.shape) > _MOST_ENTRIES or _work(op) > _MOST_PRODUCTS:
        return None
    weight = np.zeros(op.shape, dtype=object)
    for place, value in op.tosympy().todok().items():
        weight[place] = Fraction(int(value.p), int(value.q)) if value.is_Rational else value
    return Convolution(Geometry((), op.shape[1], op.shape[0]), exact.as_array(weight))


def _work(op: TensorOperator) -> float:
    """Products and sums of exact numbers."""

    def of_parts(part: Composite, *own: float) -> float:
        each = min(map(products, part.parts)) if isinstance(part, Product) else 1
        return sum(own) + part.nnz * each

    found: float = op.folded(lambda leaf: leaf.nnz, of_parts) if isinstance(op, Composite) else op.nnz
    return _COMPLEX * found if is_complex(op) else found
