"""`null_space`: the dimension by proof or by singular values, and the way to a basis."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from convmatrix.analysis.ranks.bases import integer_vectors, ways
from convmatrix.analysis.ranks.exactly import WORK, core_layers, exact_rank, in_sequence
from convmatrix.analysis.ranks.integers import exactly, is_exact
from convmatrix.analysis.ranks.killed import Killed, exact_block_ranks, numerical_block_ranks
from convmatrix.analysis.ranks.measuring import all_values, count_above
from convmatrix.analysis.ranks.nullspace import NullSpace
from convmatrix.analysis.rounding import eps_of
from convmatrix.analysis.separability.arguments import check_tol
from convmatrix.analysis.spectrum.frequencies import is_circular
from convmatrix.analysis.spectrum.numbers import numerical
from convmatrix.analysis.spectrum.solving import DENSE_WORK
from convmatrix.analysis.spectrum.structure import Stripped, stripped
from convmatrix.errors import ConvMatrixError, MatrixTooLargeError
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution


class _Known(NamedTuple):
    """The rank, of what kind it is, its tolerance and its proof."""

    rank: int
    kind: str
    tol: float | None
    proof: str


def null_space(op: TensorOperator, tol: Any = None, *, exact: bool = False) -> NullSpace:
    """The tensors that an operator sends to 0: how many, which, and at which frequencies.

    Of integers and fractions the dimension is exact, as `rank_profile` proves it. Of a circular layer with `n/stride`
    outputs an axis, of any size, it says exactly which frequencies are killed and the channel vectors at each; of any
    operator, how the null space is spread over frequencies. That of the transpose, `null_space(op.T)`, is the left one:
    what no output can be.

    Parameters
    ----------
    op : TensorOperator
        Of numbers.
    tol : float, optional
        Singular values up to `tol` times the largest count as 0; default `max(op.shape) * eps` of the weight's type.
        With it the dimension of an exact operator is numerical too.
    exact : bool, default False
        Whether the basis is to be of primitive integers that the operator is verified to send to 0, each the only one
        that is not 0 at some entry; floats are taken as the binary fractions that they are. By default it is
        orthonormal, in floats.

    Returns
    -------
    NullSpace
        Its `basis` is computed when first asked for.

    Raises
    ------
    ConvMatrixError
        If `op` holds symbols, NaN or infinity, `tol` is negative, or `exact` meets a `tol` or numbers that are no
        rational ones.
    MatrixTooLargeError
        If an operator without structure is too large for its singular values and for integers.

    References
    ----------
    Sedghi, Gupta, Long: The singular values of convolutional layers, arXiv:1805.10408. Dixon (1982), Exact solution of
    linear equations using p-adic expansions.

    Examples
    --------
    >>> import convmatrix as cm
    >>> layer = cm.conv("1 2 1; 2 4 2; 1 2 1", (4, 4), padding=1, padding_mode="circular")
    >>> print(cm.null_space(layer))
    null space of dimension 7 of 16, exact
      operator     (1, 4, 4) -> (1, 4, 4)
      proof        frequency by frequency
      basis        frequency blocks
      frequencies  (0, 1/2), (1/4, 1/2), (1/2, 0), (1/2, 1/4), (1/2, 1/2), (1/2, 3/4), (3/4, 1/2)
    >>> cm.null_space(cm.conv("1 2 1", 4, padding=1, padding_mode="circular"), exact=True).basis.tolist()
    [[[1, -1, 1, -1]]]
    >>> cm.null_space(cm.conv("1 -2 1", 6, padding=1, padding_mode="symmetric")).spectrum.round(12).tolist()
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    own_tol = check_tol(tol)
    if not isinstance(exact, (bool, np.bool_)):
        raise ConvMatrixError(f"exact must be True or False, got {exact!r}")
    if exact and own_tol is not None:
        raise ConvMatrixError(f"tol must not be given with exact=True, got {tol}")
    floats = numerical(op).op
    rational = exactly(op) if exact else op if own_tol is None and is_exact(op) else None
    if exact:
        return _of_integers(op, exactly(op))
    own = stripped(floats)
    own_tol = max(op.shape) * eps_of(op) if own_tol is None else own_tol
    if not own.factor:
        return NullSpace(op, op.shape[1], "exact", None, "a factor of 0", "everything", False, lambda: _units(op))
    layer = own.core.of if isinstance(own.core, Transposed) else own.core
    if isinstance(layer, Convolution) and layer.geometry.axes and is_circular(layer.geometry):
        return _of_circular(op, own, layer, rational, own_tol)
    known = _rank_of(op, floats, rational, own_tol)
    dimension = op.shape[1] - known.rank
    if own.core is None or not dimension:
        empty = np.zeros((0, *op.in_shape), dtype=np.complex128 if floats.dtype.kind == "c" else np.float64)
        return NullSpace(op, dimension, known.kind, known.tol, known.proof, "dense", False, lambda: empty)
    found = ways(own.core, _core_of(rational), known.rank, WORK)

    def make() -> np.ndarray:
        for way in found:
            try:
                return _through(way.make(), own)
            except ConvMatrixError as error:
                failure = error
        raise failure if found else _too_large(op)

    method = found[0].name if found else "none"
    return NullSpace(op, dimension, known.kind, known.tol, known.proof, method, False, make)


def _of_integers(op: TensorOperator, rational: TensorOperator) -> NullSpace:
    check_size("the integer null vectors", 8 * op.shape[1] * max(op.shape[1] - op.shape[0], 1))
    vectors = integer_vectors(rational)
    proof = "as many exact null vectors and a rank modulo a prime"
    return NullSpace(op, len(vectors), "exact", None, proof, "integer vectors", True, lambda: vectors)


def _of_circular(
    op: TensorOperator, own: Stripped, layer: Convolution, rational: TensorOperator | None, tol: float
) -> NullSpace:
    ranks, kind = None, "exact"
    if rational is not None:
        core = _core_of(rational)
        weights = core.of if isinstance(core, Transposed) else core
        assert isinstance(weights, Convolution)
        ranks = exact_block_ranks(weights, WORK)
    if ranks is None:
        ranks, kind = numerical_block_ranks(layer, tol), "numerical"
    killed = Killed(layer, isinstance(own.core, Transposed), ranks)
    return NullSpace(
        op,
        killed.dimension,
        kind,
        None if kind == "exact" else tol,
        "frequency by frequency" if kind == "exact" else "",
        "frequency blocks",
        False,
        lambda: _through(killed.tensors(), own),
        # Beyond a permutation its frequencies are not those of the input.
        killed if not own.before else None,
    )


def _rank_of(op: TensorOperator, floats: TensorOperator, rational: TensorOperator | None, tol: float) -> _Known:
    if rational is not None:
        bounds = exact_rank(rational)
        if bounds.is_exact:
            return _Known(bounds.lower, "exact", None, bounds.proof)
    values = all_values(floats)
    if values is None:
        raise _too_large(op)
    return _Known(count_above(floats, values, tol), "numerical", tol, "")


def _core_of(rational: TensorOperator | None) -> Any:
    """What is left of an exact operator without multiples and permutations at its ends."""
    if rational is None:
        return None
    layers = core_layers(rational)
    assert layers
    return in_sequence(layers)


def _through(basis: np.ndarray, own: Stripped) -> np.ndarray:
    """Null vectors of the core as those of the whole."""
    for step in reversed(own.before):
        basis = step.T(basis)
    return basis


def _units(op: TensorOperator) -> np.ndarray:
    return np.eye(op.shape[1]).reshape(-1, *op.in_shape)


def _too_large(op: TensorOperator) -> MatrixTooLargeError:
    limit = int(8 * DENSE_WORK ** (2 / 3))
    needed = max(8 * op.shape[1] * max(op.shape), limit + 1)
    what = "op must be smaller, or have some structure, for its null space to be found: its singular vectors"
    return MatrixTooLargeError(what, needed, limit, "use a smaller input, or exact=True")
