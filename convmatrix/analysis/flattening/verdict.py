"""Is a filter an outer product of vectors, one an axis? `flatten` for one filter and for many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.flattening import rational
from convmatrix.analysis.flattening.answer import Flattening, exact_flattening, symbolic_flattening
from convmatrix.analysis.flattening.approximation import as_floats, ranks_and_bounds
from convmatrix.analysis.flattening.batch import FlatteningBatch
from convmatrix.analysis.flattening.unfolding import largest_side
from convmatrix.analysis.separability.arguments import as_filter, check_for_symbols, check_tol
from convmatrix.analysis.separability.numerical import default_tol, entry_type


def flatten(filter: Any, tol: float | None = None, *, batch_axes: int = 0) -> Flattening | FlatteningBatch:
    """Whether a filter is an outer product of vectors, one an axis, so that its layer can be flattened.

    A filter `K` of d axes is `scale * v_1 x v_2 x ... x v_d` if and only if its multilinear rank is `(1, ..., 1)` (or
    it is 0): every unfolding, axis m as rows and the others as columns, has rank 1. Then

        K[c, y, x] = scale * v_1[c] * v_2[y] * v_3[x]

    and the convolution is one of 1x1 taps over the channels, one vertical and one horizontal, `c + y + x` weights in
    place of `c * y * x`.

    Parameters
    ----------
    filter : array-like, str or path-like, shape (channels, *kernel_size) or any of at least 2 axes
        Integers, fractions, SymPy numbers and symbols are taken exactly; floats numerically, complex ones too. Text and
        paths are read by `kernel`. With 2 axes the verdict is that of `separate`.
    tol : float, optional
        Singular values up to `tol` times the largest of their unfolding count as 0. By default the longest side of any
        unfolding times the eps of the filter's float type; exact filters get the exact rank, and with a `tol` the
        numerical one.
    batch_axes : int, default 0
        How many axes in front count filters: 1 for the weight `(c_out, c_in, *kernel_size)` of a layer.

    Returns
    -------
    Flattening, or FlatteningBatch with `batch_axes`

    Raises
    ------
    ConvMatrixError
        If the filter has fewer than 2 axes, is ragged, empty or not finite, mixes SymPy expressions with floats, holds
        expressions that cannot be decided, or an argument breaks its rule.
    SymbolicError
        If symbols or radicals come with a `tol` or in a batch.

    Notes
    -----
    The nearest filter of rank 1 is found by a higher-order power iteration from many starts; its error is exact or
    computed from the entries, but that there is no nearer one is proved only where error and `error_bound` agree: the
    problem is NP-hard. Singular values are computed in double precision after dividing by a power of 2, so scaling a
    filter changes no verdict.

    References
    ----------
    De Lathauwer, De Moor, Vandewalle (2000): A multilinear singular value decomposition. SIAM J. Matrix Anal. Appl.
    21(4) (unfoldings, multilinear rank, the error of truncation); On the best rank-1 and rank-(R1, ..., RN)
    approximation of higher-order tensors, same issue. Hillar, Lim (2013): Most tensor problems are NP-hard. J. ACM
    60(6). Jin, Dundar, Culurciello (2015): Flattened convolutional neural networks for feedforward acceleration.

    Examples
    --------
    >>> import convmatrix as cm
    >>> print(cm.flatten("1 2; 2 4 | 3 6; 6 12"))
    of rank 1 (proved): an outer product of 3 vectors
      filter            2x2x2, integers
      multilinear rank  (1, 1, 1), exact
      scale             1
      factor 0          [1, 3]
      factor 1          [1, 2]
      factor 2          [1, 2]
    >>> print(cm.flatten("3 0; 0 0 | 0 0; 0 1"))
    not of rank 1 (proved): no outer product of 3 vectors
      filter            2x2x2, integers
      multilinear rank  (2, 2, 2), exact
      certificate       K_(0)[0,0] K_(0)[1,3] - K_(0)[0,3] K_(0)[1,0] = 3
      nearest scale     3
      nearest factor 0  [1, 0]
      nearest factor 1  [1, 0]
      nearest factor 2  [1, 0]
      error             1
      no error below    1, so none is nearer

    Symbols get conditions:

    >>> found = cm.flatten("1 a; 2 4 | 3 6; 6 b")
    >>> found.conditions, found.solutions
    ((a - 2, b - 12), ({a: 2, b: 12},))

    A layer's filters at once:

    >>> import numpy as np
    >>> weight = np.random.default_rng(0).standard_normal((8, 16, 3, 3))
    >>> print(cm.flatten(weight, batch_axes=1))
    0 of 8 filters of rank 1 (relative tolerance 1.1e-14)
      filters            8 of 16x3x3
      multilinear ranks  8 of 9, 3, 3
      no error below     ... to ...
    """
    whole = as_filter(filter, "filter", batch_axes)
    relative = check_tol(tol)
    check_for_symbols(whole, tol, batch_axes, "flatten the filters")
    if exact.is_symbolic(whole):
        return symbolic_flattening(whole)
    shape = whole.shape[batch_axes:]
    if relative is None and whole.dtype.kind in "fc":
        relative = default_tol((largest_side(shape),), entry_type(filter, whole))
    if relative is None:
        return _exact_batch(whole, batch_axes) if batch_axes else exact_flattening(whole)
    ranks, bounds = ranks_and_bounds(as_floats(whole), len(shape), relative)
    if batch_axes:
        return _batch(whole, ranks, "numerical", relative, bounds)
    return Flattening(whole, tuple(ranks.tolist()), "numerical", relative, _bound=float(bounds))


def _exact_batch(whole: np.ndarray, batch_axes: int) -> FlatteningBatch:
    batch, shape = whole.shape[:batch_axes], whole.shape[batch_axes:]
    _, bounds = ranks_and_bounds(as_floats(whole), len(shape), 0.0)
    one_by_one = [_exact_ranks(own) for own in whole.reshape(math.prod(batch), *shape)]
    ranks = np.array(one_by_one, dtype=np.int64).reshape(*batch, len(shape))
    return _batch(whole, ranks, "exact", None, np.where(ranks.max(axis=-1) <= 1, 0.0, bounds))


def _exact_ranks(own: np.ndarray) -> tuple[int, ...]:
    factors = rational.rank_one_factors(own)
    return rational.multilinear_rank(own) if factors is None else (int(factors[0] > 0),) * own.ndim


def _batch(whole: np.ndarray, ranks: np.ndarray, kind: str, tol: float | None, bounds: np.ndarray) -> FlatteningBatch:
    ranks.setflags(write=False)
    bounds.setflags(write=False)
    return FlatteningBatch(whole, ranks, kind, tol, bounds)
