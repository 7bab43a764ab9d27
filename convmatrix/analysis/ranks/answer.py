"""What `rank_profile` answers."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np

from convmatrix import exact as arithmetic
from convmatrix.analysis.facts import as_html, as_text
from convmatrix.analysis.ranks.exactly import WORK
from convmatrix.analysis.ranks.integers import exactly, is_exact
from convmatrix.analysis.ranks.kernels import KernelRanks
from convmatrix.analysis.ranks.measuring import Settings, profile_of
from convmatrix.analysis.ranks.profile import Profile
from convmatrix.analysis.ranks.unfolding import unfoldings
from convmatrix.analysis.rounding import eps_of
from convmatrix.analysis.separability.arguments import check_tol
from convmatrix.analysis.separability.batch import separate_batch
from convmatrix.analysis.separability.numerical import default_tol, entry_type
from convmatrix.analysis.spectrum.numbers import numerical
from convmatrix.errors import ConvMatrixError
from convmatrix.geometry import Geometry
from convmatrix.operators import TensorOperator
from convmatrix.operators.algebra import Transposed
from convmatrix.operators.convolution import Convolution


@dataclass(frozen=True, eq=False)
class RankProfile:
    """The ranks of a layer: of its kernels, of the unfoldings of its weight, and of its whole matrix.

    Attributes
    ----------
    op : TensorOperator or None
        The operator; None where a weight alone was given.
    kernels : KernelRanks or None
        Of each pair of channels; None of operators that are no single layer, or have no axis of space.
    unfoldings : mapping of str to Profile
        By name, such as "c_out x (c_in h w)"; empty of operators that are no single layer.
    operator : Profile or None
        Of the operator's matrix.
    """

    op: TensorOperator | None
    kernels: KernelRanks | None
    unfoldings: Mapping[str, Profile]
    operator: Profile | None

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """Those of the unfoldings and the operator's."""
        return (*self.unfoldings.values(), *([] if self.operator is None else [self.operator]))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types."""
        return {
            "in_shape": None if self.op is None else list(self.op.in_shape),
            "out_shape": None if self.op is None else list(self.op.out_shape),
            "kernels": None if self.kernels is None else self.kernels.to_dict(),
            "unfoldings": {name: profile.to_dict() for name, profile in self.unfoldings.items()},
            "operator": None if self.operator is None else self.operator.to_dict(),
        }

    def _lines(self) -> tuple[str, list[tuple[str, str]]]:
        head = "ranks of a weight" if self.op is None else f"ranks of {self.op.in_shape} -> {self.op.out_shape}"
        facts = []
        if self.kernels is not None:
            means = f"stable {self.kernels.stable_rank.mean():.4g}, effective {self.kernels.effective_rank.mean():.4g}"
            facts.append(("kernels", f"{self.kernels.rank_text}\n{means} in the mean"))
        for profile in self.profiles:
            proof = f" ({profile.proof})" if profile.proof and profile.name == "operator" else ""
            facts.append((profile.name, f"{profile.rank_text}{proof}\n{profile.measures_text}".rstrip()))
            facts += [("", note) for note in profile.notes]
        return head, facts

    def __str__(self) -> str:
        return as_text(*self._lines())

    def _repr_html_(self) -> str:
        return as_html(*self._lines())


def rank_profile(layer: Any, tol: Any = None, *, exact: bool | None = None, width: float = 0.01) -> RankProfile:
    """The ranks of a layer, exact or numerical, and measures of how far it is from being of a lower one.

    Of each matrix: its rank, with its tolerance or its proof; the stable rank `|A|_F^2 / |A|_2^2`; the effective rank,
    the exponential of the entropy of `s / sum(s)`; the energy curve `sum of the first r s^2 / sum(s^2)`; and the
    condition number; s being all singular values. The matrices are the kernels, the unfoldings of the weight (each axis
    of space beside the output or the input channels: two of one axis, four of two, eight of three), and the operator.

    Of integers and fractions ranks are exact, as those of zeros always are. That of the operator is proved by its
    structure; by frequencies, of a circular layer of one axis of any size, and of others of up to four million outputs
    a channel; by an echelon form; or modulo a prime where that is full, and else by as many null vectors, multiplied
    out exactly. Where no proof is found in some seconds, proved bounds are given.

    Parameters
    ----------
    layer : TensorOperator or array-like
        An operator; or a weight `(c_out, c_in, *kernel_size)` of 3 axes or more, a bare kernel of 1 or 2, or text that
        `convmatrix.kernel` reads, of which only the first two are answered.
    tol : float, optional
        Numerical ranks count the singular values above `tol` times the largest; default `max(shape) * eps` of the
        weight's type, or what rounding may leave of taps that cancel, where that is more: the result's `tol` says it.
        With it the ranks of exact numbers are numerical too.
    exact : bool, optional
        By default ranks are exact where all numbers are. True also takes floats as the binary fractions that they are,
        and waits for a proof however long it takes, of matrices of up to 20 million entries; False asks for numerical
        ranks only.
    width : float, default 0.01
        How close the enclosure of the norm is to be from which the stable rank is found of an operator with too many
        singular values.

    Returns
    -------
    RankProfile

    Raises
    ------
    ConvMatrixError
        If the layer holds symbols, NaN or infinity, a weight has no axes or an empty one, `tol` is negative, or
        `exact=True` meets a `tol` or numbers that are no rational ones.

    References
    ----------
    Roy, Vetterli: The effective rank, EUSIPCO 2007. Rudelson, Vershynin: Sampling from large matrices, J. ACM 2007
    (stable rank). Singla, Feizi: Fantastic four, ICLR 2021 (unfoldings).

    Examples
    --------
    >>> import convmatrix as cm
    >>> found = cm.rank_profile(cm.conv("1 2 1; 2 4 2; 1 2 1", (6, 6), padding=1, padding_mode="circular"))
    >>> found.operator.rank, found.operator.rank_kind, found.operator.proof
    (25, 'exact', 'Kronecker product: frequency by frequency')
    >>> found.kernels.rank.item(), round(found.operator.stable_rank, 4), found.operator.rank_for(0.95)
    (1, 5.0625, 15)
    >>> print(cm.rank_profile([[0.5, 1.0], [1.0, 2.0]]))
    ranks of a weight
      kernels               1 of rank 1, numerical, tol 4.4e-16
                            stable 1, effective 1 in the mean
      c_out x (c_in h w)    1 of 1, numerical, tol 8.9e-16
                            stable 1, effective 1, condition 1
      c_in x (c_out h w)    1 of 1, numerical, tol 8.9e-16
                            stable 1, effective 1, condition 1
      (c_out h) x (c_in w)  1 of 2, numerical, tol 4.4e-16
                            stable 1, effective 1, condition inf
      (c_out w) x (c_in h)  1 of 2, numerical, tol 4.4e-16
                            stable 1, effective 1, condition inf
    """
    own_tol = check_tol(tol)
    if exact is not None and not isinstance(exact, (bool, np.bool_)):
        raise ConvMatrixError(f"exact must be True, False or None, got {exact!r}")
    if exact and own_tol is not None:
        raise ConvMatrixError(f"tol must not be given with exact=True, got {tol}")
    if isinstance(width, bool) or not isinstance(width, Real) or not 0 < width < math.inf:
        raise ConvMatrixError(f"width must be a number above 0, got {width!r}")
    op, eps = (layer, None) if isinstance(layer, TensorOperator) else _of_weight(layer)
    numerical(op)
    if exact:
        exactly(op)
    settings = Settings(
        own_tol,
        eps_of(op) if eps is None else eps,
        exact if exact is not None else False if own_tol is not None else is_exact(op) or None,
        math.inf if exact else WORK,
        float(width),
    )
    single = op.of if isinstance(op, Transposed) else op
    kernels, parts = None, {}
    if isinstance(single, Convolution):
        kernels = _kernel_ranks(single, settings) if single.geometry.axes else None
        for name, own in unfoldings(single.weight, single.geometry.groups):
            parts[name] = profile_of(own, name, settings)
    operator = profile_of(op, "operator", settings) if op is layer else None
    return RankProfile(op if op is layer else None, kernels, MappingProxyType(parts), operator)


def _of_weight(values: Any) -> tuple[Convolution, float]:
    """A layer with this weight, on an input as large as the kernel, and the eps of the weight's own type."""
    if isinstance(values, (str, os.PathLike)):
        from convmatrix.kernels import kernel

        values = kernel(values)
    weight = arithmetic.as_array(values)
    if not weight.ndim or 0 in weight.shape:
        raise ConvMatrixError(f"weight must have at least one axis and none of length 0, got shape {weight.shape}")
    if not arithmetic.is_finite(weight):
        raise ConvMatrixError(f"weight must be finite, got {weight[~np.isfinite(weight)][0]}")
    if weight.ndim < 3:
        weight = weight[None, None]
    geometry = Geometry.conv(weight.shape[2:], weight.shape[2:], weight.shape[1], weight.shape[0])
    return Convolution(geometry, weight), default_tol((1,), entry_type(values, weight))


def _kernel_ranks(layer: Convolution, settings: Settings) -> KernelRanks:
    weight = layer.weight
    size = weight.shape[2:]
    shape = (size[0], math.prod(size[1:]))
    numbers = numerical(layer)
    assert isinstance(numbers.op, Convolution)
    values = np.linalg.svd(numbers.op.weight.reshape(*weight.shape[:2], *shape), compute_uv=False)
    if settings.is_exact:
        rational = exactly(layer)
        assert isinstance(rational, Convolution)
        ranks = separate_batch(rational.weight.reshape(*weight.shape[:2], *shape), None).rank
        return KernelRanks(shape, ranks, "exact", None, values, numbers.exponent)
    if settings.is_exact is None and not values.any():
        return KernelRanks(shape, np.zeros(weight.shape[:2], dtype=np.int64), "exact", None, values, numbers.exponent)
    tol = settings.tol_for(shape)
    ranks = (values > tol * values[..., :1]).sum(axis=-1)
    return KernelRanks(shape, ranks, "numerical", tol, values, numbers.exponent)
