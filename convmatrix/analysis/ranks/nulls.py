"""`null_space`: the dimension by proof or by singular values, and the way to a basis."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from convmatrix.analysis.ranks.bases import chosen, integer_vectors, ways
from convmatrix.analysis.ranks.exactly import WORK, core_layers, exact_rank, in_sequence
from convmatrix.analysis.ranks.integers import exactly, is_exact
from convmatrix.analysis.ranks.killed import Killed, exact_block_ranks, numerical_block_ranks
from convmatrix.analysis.ranks.nullspace import NullSpace
from convmatrix.analysis.ranks.tolerance import ZEROS, count_above, is_zero, values_and_tol
from convmatrix.analysis.rounding import eps_of
from convmatrix.analysis.separability.arguments import check_tol
from convmatrix.analysis.spectrum.frequencies import is_circular
from convmatrix.analysis.spectrum.numbers import numerical
from convmatrix.analysis.spectrum.solving import DENSE_WORK
from convmatrix.analysis.spectrum.structure import Stripped, stripped
from convmatrix.errors import ConvMatrixError
from convmatrix.memory import check_size
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution


class _Known(NamedTuple):
    """The rank, of what kind it is, its tolerance, its proof, and what is to be said of it."""

    rank: int
    kind: str
    tol: float | None
    proof: str
    note: str


def null_space(op: TensorOperator, tol: Any = None, *, exact: bool = False) -> NullSpace:
    """The tensors that an operator sends to 0: how many, which, and at which frequencies.

    Of integers and fractions the dimension is exact where `rank_profile` proves the rank; where that has only bounds,
    it is numerical and a note says so, or it is refused. Of a circular layer with `n/stride` outputs an axis it says
    which frequencies are killed and the channel vectors at each, without a matrix, and exactly so of integers: of one
    axis without stride of any size, of others of up to four million outputs a channel. Of any operator it says how the
    null space is spread over frequencies. That of the transpose, `null_space(op.T)`, is the left one: what no output
    can be.

    Parameters
    ----------
    op : TensorOperator
        Of numbers.
    tol : float, optional
        Singular values up to `tol` times the largest count as 0; default `max(op.shape) * eps` of the weight's type, or
        what rounding may leave of taps that cancel, where that is more: the result's `tol` says it. With it the
        dimension of an exact operator is numerical too, unless it is 0 altogether.
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
        If `op` holds symbols, NaN or infinity, `tol` is negative, `exact` meets a `tol` or numbers that are no
        rational ones, or an operator without structure is too large for its singular values and for integers.
    MatrixTooLargeError
        If the vectors asked for with `exact` do not fit in memory.

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
    floats, given = numerical(op).op, own_tol
    if exact:
        return _of_integers(op, exactly(op))
    rational = op if given is None and is_exact(op) else None
    own = stripped(floats)
    if not own.factor:
        return NullSpace(
            op, op.shape[1], "exact", None, "a factor of 0", "everything", False, lambda at: _units(op, at)
        )
    layer = own.core.of if isinstance(own.core, Transposed) else own.core
    if isinstance(layer, Convolution) and layer.geometry.axes and is_circular(layer.geometry):
        return _of_circular(op, own, layer, rational, given)
    if is_zero(floats):
        return NullSpace(op, op.shape[1], "exact", None, ZEROS, "everything", False, lambda at: _units(op, at))
    return _of_others(op, own, floats, rational, given)


def _of_integers(op: TensorOperator, rational: TensorOperator) -> NullSpace:
    check_size("the integer null vectors", 8 * op.shape[1] * max(op.shape[1] - op.shape[0], 1))
    vectors = integer_vectors(rational)
    proof = "as many exact null vectors and a rank modulo a prime"
    return NullSpace(
        op, len(vectors), "exact", None, proof, "integer vectors", True, lambda places: chosen(vectors, places)
    )


def _of_circular(
    op: TensorOperator, own: Stripped, layer: Convolution, rational: TensorOperator | None, given: float | None
) -> NullSpace:
    ranks, kind, tol, note = None, "exact", None, ""
    if not layer.weight.any():
        ranks = np.zeros((math.prod(layer.geometry.output_size), layer.geometry.groups), dtype=np.int64)
    elif rational is not None:
        core = _core_of(rational)
        weights = core.of if isinstance(core, Transposed) else core
        assert isinstance(weights, Convolution)
        ranks = exact_block_ranks(weights, WORK)
        note = "" if ranks is not None else _note("")
    if ranks is None:
        ranks, tol = numerical_block_ranks(layer, given, eps_of(op))
        kind = "numerical"
    killed = Killed(layer, isinstance(own.core, Transposed), ranks)
    return NullSpace(
        op,
        killed.dimension,
        kind,
        tol,
        "" if tol is not None else ZEROS if not layer.weight.any() else "frequency by frequency",
        "frequency blocks",
        False,
        lambda places: _through(chosen(killed.tensors(), places), own),
        # Beyond a permutation its frequencies are not those of the input.
        killed if not own.before else None,
        lambda count: _through(killed.examples(count), own),
        note,
    )


def _of_others(
    op: TensorOperator, own: Stripped, floats: TensorOperator, rational: TensorOperator | None, given: float | None
) -> NullSpace:
    known = _rank_of(op, floats, rational, given)
    dimension = op.shape[1] - known.rank
    found = ways(own.core, _core_of(rational), known.rank, WORK) if own.core is not None and dimension else []

    def make(places: np.ndarray | None) -> np.ndarray:
        if own.core is None or not dimension:
            return np.zeros((0, *op.in_shape), dtype=np.complex128 if floats.dtype.kind == "c" else np.float64)
        failure = _out_of_reach(op, "a basis of its null space")
        for way in found:
            try:
                return _through(way.make(places), own)
            except ConvMatrixError as error:
                failure = error
        raise failure

    method = found[0].name if found else "none" if dimension else "dense"
    return NullSpace(op, dimension, known.kind, known.tol, known.proof, method, False, make, note=known.note)


def _rank_of(
    op: TensorOperator, floats: TensorOperator, rational: TensorOperator | None, given: float | None
) -> _Known:
    bounds = None if rational is None else exact_rank(rational)
    if bounds is not None and bounds.is_exact:
        return _Known(bounds.lower, "exact", None, bounds.proof, "")
    columns = op.shape[1]
    proved = "" if bounds is None else f"between {columns - bounds.upper} and {columns - bounds.lower}"
    values, tol = values_and_tol(floats, given, eps_of(op))
    if values is None:
        raise _out_of_reach(op, "its null space", proved)
    rank = count_above(values, tol)
    if bounds is None:
        return _Known(rank, "numerical", tol, "", "")
    return _Known(min(max(rank, bounds.lower), bounds.upper), "numerical", tol, "", _note(proved))


def _note(proved: str) -> str:
    """What is said of integers whose dimension is numerical."""
    known = f"; it is proved to be {proved}" if proved else ""
    return f"no proof of the dimension was found in some seconds{known}: exact=True waits for one"


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


def _units(op: TensorOperator, places: np.ndarray | None) -> np.ndarray:
    numbers = np.arange(op.shape[1]) if places is None else places
    found = np.zeros((numbers.size, op.shape[1]), dtype=np.complex128 if op.dtype.kind == "c" else np.float64)
    found[np.arange(numbers.size), numbers] = 1
    return found.reshape(-1, *op.in_shape)


def _out_of_reach(op: TensorOperator, wanted: str, proved: str = "") -> ConvMatrixError:
    """The refusal of an operator without structure whose singular vectors would take too long."""
    known = f"its dimension is proved to be {proved}" if proved else "of floats exact=True takes them as fractions"
    advice = "" if is_exact(op) and not proved else f": {known}"
    rows, columns = op.shape
    return ConvMatrixError(
        f"op must be smaller, or have some structure, for {wanted}, got {rows} x {columns} entries whose singular "
        f"vectors would take more than {DENSE_WORK:.0e} multiplications{advice}"
    )
