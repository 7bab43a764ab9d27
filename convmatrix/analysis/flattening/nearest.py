"""The nearest rank-1 filter: a higher-order power iteration from several starts, for a whole batch at once.

The nearest rank-1 filter of a given direction `u_1 x ... x u_d` of unit vectors is its multiple by
`sigma = |<filter, u_1 x ... x u_d>|`, and leaves `sqrt(|filter|^2 - sigma^2)`; so `sigma` is to be made large. With all
vectors but one fixed, the best one is the filter summed against the others: doing so in turn never lowers `sigma`.
To find the largest of all is NP-hard in general, so what is found is the best of the starts, not proved to be the best.
"""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.flattening.unfolding import compressed, unfold

_RANDOM_STARTS, _SEED = 12, 2000
_TOGETHER = 1 << 21
"""Entries of the filters that are worked on at one time."""
_WORK = 1e9
"""Multiplications, about, they may take before only the best start of each filter goes on."""
_LEAST_SWEEPS, _MOST_SWEEPS, _LAST_SWEEPS = 12, 100, 2000
_CLOSE, _SETTLED = 1e-6, 1e-13
"""How little the vectors move when it is enough: `sigma` lacks the square of that."""

Vectors = list[np.ndarray]


def nearest_rank_one(filters: np.ndarray) -> tuple[np.ndarray, Vectors]:
    """The best rank-1 approximations found of a batch of filters.

    Parameters
    ----------
    filters : ndarray of shape (batch, *axes), float64 or complex128
        Magnitudes at most about 1; see `scaled`.

    Returns
    -------
    scale : ndarray of shape (batch,)
        At least 0; 0 only for a filter of zeros.
    factors : list of ndarray of shape (batch, axis)
        Unit vectors, one an axis. All but the last are positive at their entry of largest magnitude.

    Notes
    -----
    The starts: the leading left singular vectors of all unfoldings (the truncated higher-order SVD); of each mode the
    leading right singular vector, folded and split again; the entry of largest magnitude; and random vectors of a fixed
    seed. No answer is worse than any of them.

    References
    ----------
    De Lathauwer, De Moor, Vandewalle (2000): On the best rank-1 and rank-(R1, ..., RN) approximation of higher-order
    tensors. SIAM J. Matrix Anal. Appl. 21(4). Hillar, Lim (2013): Most tensor problems are NP-hard. J. ACM 60(6).

    Examples
    --------
    >>> scale, factors = nearest_rank_one(np.array([[[[1.0, 2.0], [2.0, 4.0]]]]))
    >>> scale.round(12), [factor.round(3).tolist() for factor in factors]
    (array([5.]), [[[1.0]], [[0.447, 0.894]], [[0.447, 0.894]]])
    """
    entries = max(math.prod(filters.shape[1:]), 1)
    step = max(_TOGETHER // entries, 1)
    parts = [_answer(filters[first : first + step]) for first in range(0, filters.shape[0], step)]
    return np.concatenate([scale for scale, _ in parts]), [
        np.concatenate(own) for own in zip(*(f for _, f in parts), strict=True)
    ]


def _answer(filters: np.ndarray) -> tuple[np.ndarray, Vectors]:
    axes = filters.ndim - 1
    small = compressed(filters, axes)
    vectors = _improved(small, _starts(small))
    cut = [mode for mode in range(axes) if small.shape[mode + 1] != filters.shape[mode + 1]]
    for mode in cut:
        first = np.zeros((filters.shape[0], 1, filters.shape[mode + 1]), filters.dtype)
        first[..., 0] = 1
        vectors[mode] = _unit(_without(filters, vectors, mode), first)
    return _signed(filters, vectors)


def _improved(small: np.ndarray, vectors: Vectors) -> Vectors:
    """The starts improved together, then the best of each filter by itself; vectors are `(batch, starts, axis)`."""
    cost = 2 * len(vectors) * small.size * vectors[0].shape[1]
    vectors = _sweeps(small, vectors, int(min(max(_WORK / cost, _LEAST_SWEEPS), _MOST_SWEEPS)), _CLOSE)
    best = np.abs(_products(small, vectors)).argmax(axis=1)[:, None, None]
    return _sweeps(small, [np.take_along_axis(own, best, axis=1) for own in vectors], _LAST_SWEEPS, _SETTLED)


def _sweeps(small: np.ndarray, vectors: Vectors, most: int, settled: float) -> Vectors:
    """Every vector replaced by the best one for the others, in turn, until none moves by more than `settled`."""
    vectors = [own.copy() for own in vectors]
    going = np.arange(small.shape[0])
    for _ in range(most):
        current, part = small[going], [own[going] for own in vectors]
        moved = np.zeros(going.size)
        for mode, own in enumerate(part):
            part[mode] = _unit(_without(current, part, mode), own)
            moved = np.maximum(moved, np.abs(part[mode] - own).max(axis=(1, 2)))
            vectors[mode][going] = part[mode]
        going = going[moved > settled]
        if not going.size:
            break
    return vectors


def _without(filters: np.ndarray, vectors: Vectors, mode: int) -> np.ndarray:
    """The filter summed against the conjugates of all vectors but one: `(batch, starts, axis)`."""
    batch = filters.shape[0]
    starts = vectors[0].shape[1]
    rest: np.ndarray | None = None
    for axis in range(len(vectors) - 1, mode, -1):
        against = vectors[axis].conj()
        if rest is None:
            rest = np.swapaxes(filters.reshape(batch, -1, against.shape[2]) @ np.swapaxes(against, 1, 2), 1, 2)
        else:
            rest = np.einsum("bsrn,bsn->bsr", rest.reshape(batch, starts, -1, against.shape[2]), against)
    for axis in range(mode):
        against = vectors[axis].conj()
        if rest is None:
            rest = against @ filters.reshape(batch, against.shape[2], -1)
        else:
            rest = np.einsum("bsnr,bsn->bsr", rest.reshape(batch, starts, against.shape[2], -1), against)
    assert rest is not None
    return rest


def _products(filters: np.ndarray, vectors: Vectors) -> np.ndarray:
    """`<filter, u_1 x ... x u_d>` of every start: `(batch, starts)`."""
    last = len(vectors) - 1
    return np.asarray((_without(filters, vectors, last) * vectors[last].conj()).sum(axis=-1))


def _unit(vectors: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Vectors at length 1, those of zeros replaced by the others."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(lengths > 0, vectors / np.where(lengths > 0, lengths, 1), otherwise)


def _starts(small: np.ndarray) -> Vectors:
    """Unit vectors to start from, `(batch, starts, axis)`, one array an axis."""
    axes = small.ndim - 1
    split = [np.linalg.svd(unfold(small, mode, axes), full_matrices=False) for mode in range(axes)]
    leading = [left[:, :, 0] for left, _, _ in split]
    found = [leading, _at_largest(small)]
    for mode, (left, _, right) in enumerate(split):
        shape = [size for axis, size in enumerate(small.shape[1:]) if axis != mode]
        others = _split(right[:, 0].reshape(small.shape[0], *shape))
        found.append([*others[:mode], left[:, :, 0], *others[mode:]])
    rng = np.random.default_rng(_SEED)
    for _ in range(_RANDOM_STARTS):
        drawn = [rng.standard_normal((size,)) for size in small.shape[1:]]
        found.append([np.broadcast_to(own / np.linalg.norm(own), (small.shape[0], own.size)) for own in drawn])
    return [np.stack([start[mode] for start in found], axis=1).astype(small.dtype) for mode in range(axes)]


def _split(filters: np.ndarray) -> Vectors:
    """A rank-1 approximation by taking off one axis after the other."""
    if filters.ndim == 2:
        return [_unit(filters, np.eye(1, filters.shape[1]))]
    left, _, right = np.linalg.svd(unfold(filters, 0, filters.ndim - 1), full_matrices=False)
    return [left[:, :, 0], *_split(right[:, 0].reshape(filters.shape[0], *filters.shape[2:]))]


def _at_largest(small: np.ndarray) -> Vectors:
    """The unit vectors of the entry of largest magnitude, whose `sigma` is that magnitude and so not 0."""
    flat = np.abs(small).reshape(small.shape[0], -1).argmax(axis=1)
    places = np.unravel_index(flat, small.shape[1:])
    return [np.eye(size)[np.asarray(place)] for size, place in zip(small.shape[1:], places, strict=True)]


def _signed(filters: np.ndarray, vectors: Vectors) -> tuple[np.ndarray, Vectors]:
    """Scales of at least 0, and signs (of complex vectors phases) that do not depend on the way there."""
    *first, _ = (own[:, 0] for own in vectors)
    for mode, own in enumerate(first):
        sizes = np.abs(own)
        # Of entries as large as the largest but for rounding, the first.
        place = (sizes >= (1 - 1e-9) * sizes.max(axis=1, keepdims=True)).argmax(axis=1)[:, None]
        lead = np.take_along_axis(own, place, axis=1)
        first[mode] = own * (lead.conj() / np.abs(lead))
        np.put_along_axis(first[mode], place, np.abs(lead), axis=1)
    reached = _without(filters, [*(own[:, None] for own in first), vectors[-1]], len(first))[:, 0]
    return np.linalg.norm(reached, axis=1), [*first, _unit(reached, np.eye(1, reached.shape[1]))]
