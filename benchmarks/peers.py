"""Other ways to build the same matrix, written as a competent user of NumPy, SciPy or torch would."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable

import numpy as np
from scipy import sparse

from benchmarks.cases import Case
from benchmarks.layers import has_torch

_CHUNK = 1 << 20
"""Numbers that one batch of one-hot images may give: measured to be its fastest, fresh memory costs less."""
_PATIENCE = 10.0
"""Seconds after which the one-hot way is stopped where its rate says that it cannot end in time."""


class TooSlow(Exception):
    """Stopped early; the message says how long it would have taken."""


def coordinates(case: Case, limit: float = math.inf) -> sparse.csr_array:
    """Every (output, tap) pair as one COO entry, padding masked away, then `tocsr`."""
    taps_shape = case.weight_shape[2:]
    axes = len(taps_shape)
    row, column, inside = np.zeros((), np.int32), np.zeros((), np.int32), np.ones((), bool)
    for axis, (positions, taps) in enumerate(zip(case.input_size, taps_shape, strict=True)):
        outputs, source = _source(case, positions, taps)
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = source.shape
        row = row * outputs + np.arange(outputs, dtype=np.int32).reshape([-1, *[1] * (2 * axes - axis - 1)])
        column = column * positions + source.reshape(shape)
        inside = inside & ((source >= 0) & (source < positions)).reshape(shape)
    row, column = np.broadcast_to(row, inside.shape)[inside], column[inside]
    tap = np.broadcast_to(np.arange(math.prod(taps_shape)).reshape(taps_shape), inside.shape)[inside]
    rows, columns = _planes(case)
    c_out, per_group = case.weight_shape[:2]
    out_channel = np.arange(c_out, dtype=np.int32)[:, None, None]
    in_channel = out_channel // (c_out // case.groups) * per_group + np.arange(per_group, dtype=np.int32)[:, None]
    size = (c_out, per_group, row.size)
    entries = case.weight.reshape(c_out, per_group, -1)[:, :, tap]
    places = [
        np.broadcast_to(place, size).ravel() for place in (row + out_channel * rows, column + in_channel * columns)
    ]
    return sparse.coo_array((entries.ravel(), tuple(places)), shape=_matrix_shape(case)).tocsr()


def kronecker(case: Case, limit: float = math.inf) -> sparse.csr_array:
    """The sum over taps of kron(channels, selection of axis 0, selection of axis 1, ...), summed pairwise."""
    per_group, *taps_shape = case.weight_shape[1:]
    selections = [_selections(case, *pair) for pair in zip(case.input_size, taps_shape, strict=True)]
    terms = []
    flat = case.weight.reshape(case.groups, -1, per_group, math.prod(taps_shape))
    for number, tap in enumerate(itertools.product(*map(range, taps_shape))):
        term = sparse.block_diag(list(flat[..., number]), format="csr")
        for chosen, index in zip(selections, tap, strict=True):
            term = sparse.kron(term, chosen[index], format="csr")
        terms.append(sparse.csr_array(term))
    while len(terms) > 1:
        terms = [terms[i] + terms[i + 1] if i + 1 < len(terms) else terms[i] for i in range(0, len(terms), 2)]
    return terms[0]


def one_hot(case: Case, limit: float = math.inf) -> sparse.csr_array:
    """Torch's own convolution of the identity, in batches that fit the memory."""
    import torch

    apply = getattr(torch.nn.functional, f"conv{len(case.input_size)}d")
    weight = torch.from_numpy(case.weight)
    rows, columns = _matrix_shape(case)
    batch = max(1, min(columns, _CHUNK // rows))
    parts, started = [], time.perf_counter()
    for first in range(0, columns, batch):
        count = min(batch, columns - first)
        images = torch.zeros((count, columns), dtype=torch.float64)
        images[torch.arange(count), first + torch.arange(count)] = 1
        with torch.no_grad():
            answers = apply(images.reshape(count, -1, *case.input_size), weight, **case.options)
        parts.append(sparse.csr_array(answers.reshape(count, rows).numpy()))
        elapsed = time.perf_counter() - started
        expected = elapsed * columns / (first + count)
        if elapsed > _PATIENCE and expected > limit:
            raise TooSlow(f"> {limit:.0f} s (rate: {expected:.0f} s)")
    return sparse.vstack(parts, format="csr").T.tocsr()


def diagonals(case: Case, limit: float = math.inf) -> sparse.csr_array:
    """SciPy's banded builder: one channel, one axis, stride 1."""
    outputs, _ = _source(case, case.input_size[0], case.weight_shape[2])
    size = case.input_size[0]
    offsets = [tap * case.dilation - case.padding for tap in range(case.weight_shape[2])]
    bands = [np.full(min(outputs, size), value) for value in case.weight[0, 0]]
    bands = [b[: min(outputs + min(o, 0), size - max(o, 0))] for b, o in zip(bands, offsets, strict=True)]
    return sparse.diags_array(bands, offsets=offsets, shape=(outputs, size), format="csr")


PEERS: dict[str, Callable[..., sparse.csr_array]] = {
    "COO": coordinates,
    "Kronecker": kronecker,
    "one-hot": one_hot,
    "diags_array": diagonals,
}


def peers_of(case: Case) -> list[str]:
    """Those that can build this one."""
    banded = case.one_channel and len(case.input_size) == 1 and case.stride == 1
    able = {"diags_array": banded, "one-hot": has_torch()}
    return [name for name in PEERS if able.get(name, True)]


def _source(case: Case, size: int, taps: int) -> tuple[int, np.ndarray]:
    """How many outputs an axis has, and which input each reads through each tap, padding included."""
    outputs = (size + 2 * case.padding - case.dilation * (taps - 1) - 1) // case.stride + 1
    positions = np.arange(outputs, dtype=np.int32)[:, None] * case.stride - case.padding
    return outputs, positions + np.arange(taps, dtype=np.int32) * case.dilation


def _planes(case: Case) -> tuple[int, int]:
    """Output and input positions of one channel."""
    pairs = zip(case.input_size, case.weight_shape[2:], strict=True)
    return math.prod(_source(case, size, taps)[0] for size, taps in pairs), math.prod(case.input_size)


def _matrix_shape(case: Case) -> tuple[int, int]:
    rows, columns = _planes(case)
    return case.weight_shape[0] * rows, case.weight_shape[1] * case.groups * columns


def _selections(case: Case, size: int, taps: int) -> list[sparse.csr_array]:
    """For each tap of one axis the 0-1 matrix that picks what it reads."""
    outputs, source = _source(case, size, taps)
    chosen = []
    for tap in range(taps):
        inside = np.flatnonzero((source[:, tap] >= 0) & (source[:, tap] < size))
        places = (inside, source[inside, tap])
        chosen.append(sparse.csr_array((np.ones(inside.size), places), shape=(outputs, size)))
    return chosen
