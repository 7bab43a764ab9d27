"""`separate`: from whatever was given to its rank, proved or within a tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np

from convmatrix import exact
from convmatrix.analysis.separability import numerical
from convmatrix.analysis.separability.answer import Separability
from convmatrix.analysis.separability.arguments import as_filter, check_for_symbols, check_tol
from convmatrix.analysis.separability.batch import SeparabilityBatch, separate_batch
from convmatrix.analysis.separability.certificate import Certificate
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry.arguments import integer


def separate(kernel: Any, tol: Any = None, *, batch_axes: int = 0) -> Separability | SeparabilityBatch:
    """Whether a kernel is separable: its rank, the separable terms it is a sum of, and how far from lower ranks it is.

    A kernel K of shape `(kh, kw)` is separable if it is `scale * outer(column, row)`, so that a convolution with it is
    one with a column and one with a row; that is if its rank is at most 1. In general::

        K = sum over i < rank of scale_i * outer(column_i, row_i)

    Parameters
    ----------
    kernel : array-like of shape (kh, kw), str or path-like
        Integers of any size, fractions, SymPy numbers and symbols are exact; floats are not. Text and paths are read by
        `convmatrix.kernel`, where decimals are exact too. With `batch_axes`, kernels of one size in an array of shape
        `(*batch, kh, kw)`, such as a layer's weight with `batch_axes=2`.
    tol : float, optional
        The rank counts the singular values above `tol` times the largest; default for floats `max(kh, kw) * eps` of
        their type. For integers and fractions the default is the exact rank; with a `tol` they are treated as floats.
        Not for symbols.
    batch_axes : int, default 0
        Axes in front that count kernels.

    Returns
    -------
    Separability, or SeparabilityBatch with batch_axes of at least 1

    Raises
    ------
    ConvMatrixError
        If the kernel is ragged, empty, not finite, no kernel's text, has not two axes beside `batch_axes`, or mixes
        SymPy expressions with floats; if `tol` is negative or no number; if a singular value does not fit a float64
        where floats are asked for.
    SymbolicError
        If a `tol` or `batch_axes` comes with symbols.

    See Also
    --------
    flatten : the same question for filters of three and more axes.

    Notes
    -----
    Exact ranks are proved by elimination in rational arithmetic; of rank 2 and more the answer holds a nonzero 2x2
    minor as a certificate. Everything about singular values is computed when it is first asked for. No tolerance turns
    a float kernel into an exact one: its `nearest_rational` is a separate question, answered separately.

    References
    ----------
    Golub, Van Loan: Matrix Computations, sections 2.4 and 5.4 (best approximation, numerical rank).

    Examples
    --------
    >>> import convmatrix as cm
    >>> answer = cm.separate("sobel_x")
    >>> answer.is_separable, answer.rank_kind
    (True, 'exact')
    >>> scale, column, row = answer.terms[0]
    >>> scale, column.tolist(), row.tolist()
    (Fraction(1, 1), [1, 2, 1], [-1, 0, 1])

    The Laplacian is not, and a minor proves it:

    >>> answer = cm.separate("0 1 0; 1 -4 1; 0 1 0")
    >>> answer.rank, str(answer.certificate)
    (2, 'K[0,0] K[1,1] - K[0,1] K[1,0] = -1')
    >>> answer.singular_values
    (2 + sqrt(6), -2 + sqrt(6), 0)

    A float kernel has a numerical rank, at a stated tolerance:

    >>> import numpy as np
    >>> answer = cm.separate(np.outer([0.1, 0.3, 0.7], [0.1, 0.7, 0.3]))
    >>> answer.rank, answer.rank_kind, answer.tol
    (1, 'numerical', 6.661338147750939e-16)
    """
    batch_axes = integer(batch_axes, "batch_axes", 0)
    array = as_filter(kernel, "kernel", batch_axes)
    if array.ndim != batch_axes + 2:
        more = array.ndim - 2
        raise ConvMatrixError(
            f"kernel must have 2 axes{f' beside the {batch_axes} of batch_axes' if batch_axes else ''}, got shape "
            f"{array.shape}: flatten takes filters of more axes, batch_axes={more} makes kernels of the last 2"
        )
    own_tol = check_tol(tol)
    check_for_symbols(array, tol, batch_axes, "separate the kernels")
    if own_tol is None and array.dtype.kind in "fc":
        own_tol = numerical.default_tol(array.shape, numerical.entry_type(kernel, array))
    return separate_batch(array, own_tol) if batch_axes else separate_array(array, own_tol)


def separate_array(kernel: np.ndarray, tol: float | None) -> Separability:
    """The answer about one kernel that was checked already: numerical with a tolerance, exact or generic without."""
    if exact.is_symbolic(kernel):
        return _symbolic(kernel)
    return _rational(kernel) if tol is None else _numerical(kernel, tol)


def _rational(kernel: np.ndarray) -> Separability:
    terms = tuple(exact.separable_terms(kernel))
    certificate = None
    if len(terms) > 1:
        minor = exact.nonzero_minor(kernel)
        certificate = None if minor is None else Certificate(*minor)
    return Separability(kernel, len(terms), "exact", None, terms, certificate)


def _numerical(kernel: np.ndarray, tol: float) -> Separability:
    relative, triples = numerical.decomposition(kernel)
    rank = int(numerical.count_above(relative, tol))
    return Separability(kernel, rank, "numerical", tol, tuple(triples[:rank]))


def _symbolic(kernel: np.ndarray) -> Separability:
    from convmatrix.analysis.separability.symbolic import symbolic_answer

    found = symbolic_answer(kernel)
    return Separability(
        kernel,
        found.rank,
        "generic" if found.has_symbols else "exact",
        None,
        found.terms,
        found.certificate,
        found.conditions,
        found.solutions,
        found.solutions_complete if found.has_symbols else None,
    )
