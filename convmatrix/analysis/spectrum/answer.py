"""What `singular_values` answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convmatrix.analysis.facts import as_html, as_text, plain
from convmatrix.analysis.spectrum.numbers import Numerical, numerical
from convmatrix.analysis.spectrum.solving import Search
from convmatrix.analysis.spectrum.triples import count_of
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import arguments
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator

_LISTED = 4096


@dataclass(frozen=True, eq=False)
class SingularValues:
    """Singular values of an operator; NumPy takes it as the array of them.

    Attributes
    ----------
    op : TensorOperator
        The operator.
    values : ndarray of shape `(k,)`
        Float64, descending, zeros included.
    method : str
        "frequency blocks", "Kronecker product", "permutation", "selection", "dense" or "Lanczos".
    which : str
        "all", "largest" or "smallest".
    is_sure : bool
        Whether none can have been missed; an iteration may miss some, whatever its residuals.
    left, right : ndarray of shape `(k, *out_shape)` and `(k, *in_shape)`, or None
        Singular vectors as tensors, orthonormal, where they were asked for: `op(right[i]) = values[i] * left[i]`, and
        the same of `op.H` the other way round.
    """

    op: TensorOperator
    values: np.ndarray
    method: str
    which: str
    is_sure: bool
    left: np.ndarray | None = field(default=None, repr=False)
    right: np.ndarray | None = field(default=None, repr=False)

    @cached_property
    def count(self) -> int:
        """How many the operator has: `min(op.shape)`."""
        return count_of(self.op)

    @property
    def largest(self) -> float:
        """The first of them."""
        return float(self.values[0])

    @property
    def smallest(self) -> float:
        """The last of them."""
        return float(self.values[-1])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype) if copy or dtype is not None else self.values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: Any) -> Any:
        return self.values[place]

    def __iter__(self) -> Iterator[float]:
        return iter(self.values.tolist())

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; of the values the first 4096."""
        return {
            "count": self.count,
            "which": self.which,
            "method": self.method,
            "is_sure": self.is_sure,
            "largest": self.largest,
            "smallest": self.smallest,
            "values": plain(self.values[:_LISTED]),
        }

    def _lines(self) -> tuple[str, list[tuple[str, str]]]:
        asked = "all" if self.which == "all" else f"the {len(self.values)} {self.which} of"
        sure = "" if self.is_sure else ", which may have missed some"
        head = f"{asked} {self.count} singular values, by {self.method}{sure}"
        first = ", ".join(f"{value:.6g}" for value in self.values[:6].tolist())
        more = ", ..." if len(self.values) > 6 else ""
        facts = [("operator", f"{self.op.in_shape} -> {self.op.out_shape}"), ("values", first + more)]
        if self.which == "all":
            facts.append(("smallest", f"{self.smallest:.6g}"))
        return head, facts

    def __str__(self) -> str:
        return as_text(*self._lines())

    def _repr_html_(self) -> str:
        return as_html(*self._lines())


def singular_values(
    op: TensorOperator, k: int | None = None, *, which: str = "largest", vectors: bool = False, rng: Any = None
) -> SingularValues:
    """All singular values of an operator, or the `k` largest or smallest.

    Exactly (to rounding) and without the matrix for

    - circular layers with `n/stride` outputs an axis, of any stride, dilation, groups and number of axes, real or
      complex: frequency by frequency;
    - layers, averages and resizes whose matrix is a Kronecker product, 1x1 layers and separable kernels among them;
    - permutations, and all of these transposed, multiplied, and between permutations.

    Anything else is taken apart densely, group by group, where that takes some seconds; beyond, `k` must be given, and
    those are found by Lanczos. `method` of the result says which.

    Values are right to 1e-10 of the largest. Exact weights are rounded to floats first, once sums of layers of one
    geometry are added up; sums of others, and products, are those of rounded layers.

    Parameters
    ----------
    op : TensorOperator
        Of numbers.
    k : int, optional
        How many; by default all `min(op.shape)` of them.
    which : {"largest", "smallest"}, default "largest"
        Which `k`.
    vectors : bool, default False
        Whether to return singular vectors too, as tensors.
    rng : optional
        For the start of Lanczos: what `numpy.random.default_rng` takes, by default 0, so that answers repeat.

    Returns
    -------
    SingularValues
        `numpy.asarray` of it is the array of values, descending.

    Raises
    ------
    ConvMatrixError
        If `op` holds symbols, NaN or infinity, `k` is not between 1 and `min(op.shape)`, `rng` is nothing
        that NumPy takes, or Lanczos does not settle.
    MatrixTooLargeError
        If all are asked for of an operator that has no structure and is too large for a dense matrix.

    References
    ----------
    Sedghi, Gupta, Long: The singular values of convolutional layers, arXiv:1805.10408. Senderovich, Bulatova, Obukhov,
    Rakhuba: Towards practical control of singular values of convolutional layers, NeurIPS 2022 (strided).

    Examples
    --------
    >>> import numpy as np
    >>> import convmatrix as cm
    >>> found = cm.singular_values(cm.conv("1 2 1", 4, padding=1, padding_mode="circular"))
    >>> print(found)
    all 4 singular values, by frequency blocks
      operator  (1, 4) -> (1, 4)
      values    4, 2, 2, 0
      smallest  0
    >>> np.asarray(cm.singular_values(cm.conv(np.eye(2)[..., None] * [[[3]], [[5]]], 4))).tolist()
    [5.0, 5.0, 5.0, 5.0, 3.0, 3.0, 3.0, 3.0]
    >>> cm.singular_values(cm.conv(np.ones((3, 3)), (64, 64), padding=1), k=1).values.round(4).tolist()
    [8.986]
    """
    numbers = numerical(op)
    count = count_of(op)
    if k is not None:
        k = arguments.integer(k, "k", 1)
        if k > count:
            raise ConvMatrixError(f"k must be at most min(op.shape) = {count}, got {k}")
    arguments.one_of(which, "which", ("largest", "smallest"))
    each = 8 + (16 * sum(op.shape) if vectors else 0)
    generator = arguments.generator(rng)
    check_size(f"{k or count} singular values", each * (k or count), way_round="ask for fewer: k=...")
    return _answer(op, numbers, Search(k, which, vectors, generator))


def _answer(op: TensorOperator, numbers: Numerical, search: Search) -> SingularValues:
    found = search.of(numbers.op)
    values = numbers.times(found.values)
    for array in (values, found.left, found.right):
        if array is not None:
            array.flags.writeable = False
    which = "all" if search.k is None else search.which
    return SingularValues(op, values, found.method, which, found.is_sure, found.left, found.right)
