"""What operators made of operators have in common: everything is put together from their leaves, however deep.

Python allows about a thousand calls within calls, and a deep network has more layers. So no method here calls itself
on a part: parts are visited from a list of what is left to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from convmatrix.geometry.layer import sparse_nbytes
from convmatrix.memory import check_size
from convmatrix.operators import pattern
from convmatrix.operators.base import TensorOperator


@dataclass(eq=False)
class Stored:
    """Where a part stores entries: how many, as Kronecker factors if it has them, as a matrix once that is made.

    Attributes
    ----------
    op : TensorOperator
        The part.
    nnz : int
        Its stored entries.
    factors : list of csr_array, or None
        Whose Kronecker product its pattern is.
    sides : pair of csr_array, or None
        Whose product its pattern is.
    matrix : csr_array or None
        Its pattern.
    """

    op: TensorOperator
    nnz: int
    factors: pattern.Factors | None = None
    sides: tuple[csr_array, csr_array] | None = None
    matrix: csr_array | None = None

    def structure(self) -> csr_array:
        """The pattern, refused before it is made if it would not fit."""
        if self.matrix is None:
            needed = sparse_nbytes(self.nnz, self.op.shape, "csr", 4)
            check_size(f"the pattern of {self.op!r}", needed)
            if self.sides is not None:
                self.matrix = pattern.joined(*self.sides)
            else:
                self.matrix = self.op._structure() if self.factors is None else pattern.written_out(self.factors)
        return self.matrix


class Composite(TensorOperator):
    """A product, sum or multiple. Each kind says in `_of_...` what becomes of what its parts have."""

    _nnz: int | None = None

    @property
    def parts(self) -> tuple[TensorOperator, ...]:
        """The operators it is made of."""
        raise NotImplementedError

    def folded(self, of_leaf: Callable[[TensorOperator], Any], of_parts: Callable[..., Any]) -> Any:
        """`of_parts(part, *values)` of every composite from the leaves up, whose values are `of_leaf(leaf)`."""
        todo: list[tuple[TensorOperator, bool]] = [(self, False)]
        done: list[Any] = []
        while todo:
            part, is_visited = todo.pop()
            if not isinstance(part, Composite):
                done.append(of_leaf(part))
            elif is_visited:
                first = len(done) - len(part.parts)
                values = done[first:]
                done[first:] = [of_parts(part, *(values[::-1] if _is_turned(part) else values))]
            else:
                # A long chain comes before the leaf beside it, so that few values wait for theirs.
                order = part.parts if _is_turned(part) else part.parts[::-1]
                todo += [(part, True), *((own, False) for own in order)]
        return done[0]

    # -- put together from the parts ----------------------------------------------------------------------------------

    def _transpose(self) -> TensorOperator:
        result: TensorOperator = self.folded(lambda leaf: leaf.T, lambda part, *own: part._of_transposes(*own))
        return result

    def _conjugated(self) -> TensorOperator:
        result: TensorOperator = self.folded(
            lambda leaf: leaf._conjugated(), lambda part, *own: part._of_conjugates(*own)
        )
        return result

    def _factors(self) -> pattern.Factors | None:
        return self.folded(lambda leaf: leaf._factors(), lambda part, *own: part._of_factors(*own))

    def _structure(self) -> csr_array:
        return self.folded(lambda leaf: leaf._structure(), lambda part, *own: part._of_structures(*own))

    def _sympy(self) -> Any:
        return self.folded(lambda leaf: leaf._sympy(), lambda part, *own: part._of_sympy(*own))

    @property
    def nnz(self) -> int:
        """Entries that `tosparse` stores, counted without making the matrix."""
        if self._nnz is None:
            self.folded(_stored, _counted)
        assert self._nnz is not None
        return self._nnz

    def _csr(self, dtype: Any, transpose: bool) -> csr_array:
        if transpose:
            return self.T._csr(dtype, False)

        def together(part: Any, *own: tuple[csr_array, Stored]) -> tuple[csr_array, Stored]:
            stored = _counted(part, *(known for _, known in own))
            return part._of_matrices(*(matrix for matrix, _ in own), stored), stored

        matrix, _ = self.folded(lambda leaf: (leaf._csr(dtype, False), _stored(leaf)), together)
        return matrix

    # -- applied step by step -----------------------------------------------------------------------------------------

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return self._through(x, "_apply", False)

    def _apply_transpose(self, y: np.ndarray) -> np.ndarray:
        return self._through(y, "_apply_transpose", True)

    def _apply_columns(self, v: np.ndarray, transpose: bool = False) -> np.ndarray:
        return self._through(v, "_apply_columns", transpose, transpose)

    def _through(self, x: np.ndarray, name: str, transpose: bool, *given: bool) -> np.ndarray:
        """What the method of that name makes of `x`, one step after the other."""
        from convmatrix.operators.algebra import Scaled, branches_of, steps_of

        for step in steps_of(self, transpose):
            if isinstance(step, Scaled):
                x = step._scale(x)
            else:
                x = reduce(np.add, (getattr(branch, name)(x, *given) for branch in branches_of(step)))
        return x

    @cached_property
    def bias(self) -> np.ndarray | None:
        """What the layers add together: each one's own bias, through all layers after it; or None."""
        from convmatrix.operators.algebra import Scaled, steps_of

        found = None
        for step in steps_of(self):
            if isinstance(step, Scaled):
                found = None if found is None else step._scale(found)
                continue
            own = _bias_of(step)
            if found is not None:
                found = step(np.broadcast_to(found, step.in_shape))
            found = own if found is None else found if own is None else found + own
        return found

    def _is_exact(self) -> bool:
        return bool(self.folded(lambda leaf: leaf._is_exact(), lambda part, *own: part._is_rational() and all(own)))

    def _is_rational(self) -> bool:
        """Whether what it adds to its parts is no float."""
        return True


def _is_turned(part: Composite) -> bool:
    """Whether the second part of two goes first, being a chain where the first is a leaf."""
    first, *rest = part.parts
    return bool(rest) and not isinstance(first, Composite)


def _stored(leaf: TensorOperator) -> Stored:
    return Stored(leaf, leaf.nnz, leaf._factors())


def _counted(part: Any, *own: Stored) -> Stored:
    stored: Stored = part._of_counts(*own)
    part._nnz = stored.nnz
    return stored


def _bias_of(step: TensorOperator) -> np.ndarray | None:
    """The bias of a layer; of a sum that of its branches together."""
    from convmatrix.operators.algebra import branches_of

    biases = [branch.bias for branch in branches_of(step)]
    known = [bias for bias in biases if bias is not None]
    return reduce(np.add, known) if known else None
