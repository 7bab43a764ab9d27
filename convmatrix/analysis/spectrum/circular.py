"""All singular values of a circular layer, frequency by frequency, and singular vectors as sums of waves."""

from __future__ import annotations

import math

import numpy as np

from convmatrix.analysis.spectrum.frequencies import Frequencies, reduced
from convmatrix.analysis.spectrum.triples import Triples, sorted_triples
from convmatrix.operators.convolution import Convolution
from convmatrix.parallel import in_order, processors

METHOD = "frequency blocks"


def circular_values(frequencies: Frequencies) -> Triples:
    """The singular values of all blocks, a few blocks at a time, on all processors."""
    small, times = reduced(frequencies)
    values = block_values(small)
    return sorted_triples(np.repeat(values, small.multiplicity * times, axis=0), METHOD)


def block_values(frequencies: Frequencies) -> np.ndarray:
    """Singular values of each of `frequencies.places`: `(len(places), groups * min(rows, columns))`, unsorted."""
    groups, rows, columns = frequencies.block_shape
    values = np.empty((frequencies.places.size, groups, min(rows, columns)))
    chunks = frequencies.chunks(processors())

    def solve(chunk: slice) -> None:
        blocks = frequencies.blocks(frequencies.places[chunk])
        if min(rows, columns) == 1:
            values[chunk, :, 0] = np.linalg.norm(blocks.reshape(len(blocks), groups, -1), axis=-1)
        else:
            values[chunk] = np.linalg.svd(blocks, compute_uv=False)

    for _ in in_order(solve, chunks):
        pass
    return values.reshape(len(values), -1)


def circular_vectors(op: Convolution, k: int | None, which: str) -> Triples:
    """Values with vectors; real ones for a real weight: a wave and its mirror image make two real waves."""
    frequencies = Frequencies.of(op.geometry, op.weight)
    values = block_values(frequencies)
    numbers = np.arange(len(values))
    if k is not None and k < len(values):
        # Whatever the k-th is, only blocks with one of the k most extreme extremes have values up to it.
        extreme = values.max(axis=1) if which == "largest" else -values.min(axis=1)
        numbers = np.sort(np.argsort(-extreme, kind="stable")[:k])
    found = [vectors_at(op, frequencies, number) for number in numbers.tolist()]
    joined = [np.concatenate([own[side] for own in found]) for side in range(3)]
    return sorted_triples(joined[0], METHOD, joined[1], joined[2]).chosen(k, which)


def vectors_at(op: Convolution, frequencies: Frequencies, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, left and right vectors of one frequency, and of its mirror image."""
    place = frequencies.places[number : number + 1]
    is_pair = bool(frequencies.multiplicity[number] == 2)
    inner, outer, blocks = _waves_and_blocks(op, frequencies, place, op.dtype.kind != "c" and not is_pair)
    left, values, right = np.linalg.svd(blocks, full_matrices=False)
    count = values.shape[1]
    right = np.conj(right).reshape(len(blocks), count, len(inner), -1)
    lefts, rights = [], []
    for group in range(len(blocks)):
        lefts.append(_in_channels(left[group].T[:, None, :], outer, group, op.out_shape))
        rights.append(_in_channels(right[group], inner, group, op.in_shape))
    sides = np.concatenate(lefts), np.concatenate(rights)
    if not is_pair:
        return values.reshape(-1), *sides
    # Half of each wave is its mirror image's: together they have these real waves.
    both = [math.sqrt(2) * np.concatenate([side.real, side.imag]) for side in sides]
    return np.tile(values.reshape(-1), 2), both[0], both[1]


def _in_channels(coefficients: np.ndarray, waves: np.ndarray, group: int, shape: tuple[int, ...]) -> np.ndarray:
    """Tensors from their coefficients `(count, waves, channels of the group)`; 0 in all other channels."""
    count, _, channels = coefficients.shape
    space = waves.reshape(len(waves), -1)
    total = np.zeros((count, shape[0], space.shape[1]), dtype=np.result_type(coefficients, waves))
    total[:, group * channels : (group + 1) * channels] = np.einsum("nwc,wx->ncx", coefficients, space)
    return total.reshape(count, *shape)


def _waves_and_blocks(
    op: Convolution, frequencies: Frequencies, place: np.ndarray, real: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The waves on the input that come out as one wave, that wave, and the layer in these: `(groups, c_out, ...)`.

    With `real`, which asks for a frequency that is its own mirror image, all three are real.
    """
    doubled = frequencies.aliases(place)[:, 0]
    inner = _waves(doubled, frequencies.sizes)
    outer = _waves(doubled[:, :1], frequencies.output_sizes)
    turns = np.ones(doubled.shape[1], dtype=np.complex128)
    for axis, own in zip(op.geometry.axes, doubled, strict=True):
        turns *= np.exp(-1j * math.pi * ((own * axis.pad_before) % (2 * axis.input_size)) / axis.input_size)
    blocks = frequencies.blocks(place)[0]
    groups, rows, _ = blocks.shape
    blocks = blocks.reshape(groups, rows, len(turns), -1) * turns[:, None]
    if real:
        waves = _real_waves(inner, doubled // 2, frequencies.sizes)
        change = np.conj(inner.reshape(len(turns), -1)) @ waves.reshape(len(turns), -1).T
        blocks = np.einsum("grac,ab->grbc", blocks, change).real
        inner, outer = waves, outer.real
    return inner, outer, blocks.reshape(groups, rows, -1)


def _waves(doubled: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Waves of length 1, one each frequency `doubled / 2`, on a grid of `sizes`."""
    waves = np.ones((doubled.shape[1], 1), dtype=np.complex128)
    for own, size in zip(doubled, sizes, strict=True):
        angle = (own[:, None] * np.arange(size)) % (2 * size) * (math.pi / size)
        waves = (waves[:, :, None] * (np.exp(1j * angle) / math.sqrt(size))[:, None, :]).reshape(len(waves), -1)
    return waves.reshape(len(waves), *sizes)


def _real_waves(waves: np.ndarray, index: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Real waves of the same span, where with every frequency its negative is among them."""
    order = {tuple(own): number for number, own in enumerate(index.T.tolist())}
    made = np.empty(waves.shape)
    for own, number in order.items():
        mirror = order[tuple((-place) % size for place, size in zip(own, sizes, strict=True))]
        if mirror == number:
            made[number] = waves[number].real
        elif number < mirror:
            made[number], made[mirror] = math.sqrt(2) * waves[number].real, math.sqrt(2) * waves[number].imag
    return made
