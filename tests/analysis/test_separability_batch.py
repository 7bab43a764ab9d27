"""Many kernels at once answer as each of them alone."""

from __future__ import annotations

import json
import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import convmatrix as cm
from convmatrix.analysis.separability import batch as batches


def mixed(rng: np.random.Generator, *shape: int, size: int = 4) -> np.ndarray:
    """Integer kernels of every rank."""
    kernels = np.zeros(shape, dtype=np.int64)
    for index in np.ndindex(*shape[:-2]):
        rank = int(rng.integers(0, min(shape[-2:]) + 1))
        kernels[index] = rng.integers(-size, size + 1, (shape[-2], rank)) @ rng.integers(
            -size, size + 1, (rank, shape[-1])
        )
    return kernels


STACKS: list[tuple[str, Any, int]] = [
    ("float32", np.float32, 2),
    ("float64", np.float64, 1),
    ("float16", np.float16, 1),
    ("complex64", np.complex64, 2),
    ("int64", np.int64, 2),
    ("int8", np.int8, 1),
]


@pytest.mark.parametrize(("dtype", "axes"), [row[1:] for row in STACKS], ids=[row[0] for row in STACKS])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 5), (5, 2), (1, 4), (1, 1)], ids=str)
def test_a_batch_agrees_with_its_kernels(
    dtype: Any, axes: int, kernel: tuple[int, int], rng: np.random.Generator
) -> None:
    stack = mixed(rng, *(4, 5)[:axes], *kernel, size=2).astype(dtype)
    batch = cm.separate(stack, batch_axes=axes)
    assert isinstance(batch, cm.SeparabilityBatch)
    assert (batch.shape, batch.size, len(batch)) == (
        stack.shape[:axes],
        int(np.prod(stack.shape[:axes])),
        stack.shape[0],
    )
    assert batch.rank_kind == ("exact" if np.dtype(dtype).kind == "i" else "numerical")
    for index in np.ndindex(*batch.shape):
        alone = cm.separate(stack[index])
        one = batch[index]
        assert isinstance(one, cm.Separability)
        assert one.rank == alone.rank == batch.rank[index]
        assert one.tol == alone.tol == batch.tol
        assert batch.is_separable[index] == alone.is_separable
        values = np.array([float(value) for value in alone.singular_values])
        assert np.allclose(batch.singular_values[index], values, atol=1e-12)
        for r in range(min(kernel) + 1):
            assert np.allclose(batch.error(r)[index], float(alone.error(r)), atol=1e-9)
            assert np.allclose(batch.error(r, "spectral")[index], float(alone.error(r, "spectral")), atol=1e-9)
    for r in range(min(kernel) + 1):
        best = batch.approximate(r)
        assert np.allclose(np.linalg.norm(stack - best, axis=(-2, -1)), batch.error(r), atol=1e-4)
    json.dumps(batch.to_dict(), allow_nan=False)


@pytest.mark.parametrize("size", [2, 127, 2**15, 2**31, 2**40, 2**61], ids=lambda size: f"2**{size.bit_length() - 1}")
def test_integer_ranks_are_proved_at_every_size(size: int, rng: np.random.Generator) -> None:
    stack = rng.integers(-size, size + 1, (30, 4, 4))
    stack[::3, 3] = stack[::3, 0]
    stack[::5, 2] = stack[::5, 1]
    stack[::7, 1:] = 0
    stack[11] = 0
    batch = cm.separate(stack, batch_axes=1)
    assert batch.rank.tolist() == [cm.separate(kernel).rank for kernel in stack]


def test_a_determinant_that_a_prime_divides() -> None:
    prime = 2**31 - 1
    stack = np.array(
        [[[prime, 0], [0, 1]], [[1, 2], [3, 6 + prime]], [[prime, 0], [0, prime]], [[prime, prime], [prime, prime]]]
    )
    assert cm.separate(stack, batch_axes=1).rank.tolist() == [2, 2, 2, 1]
    wraps = np.array([[[2**62, 2**62], [2**62, 2**62 - 1]], [[2**62, 2**62], [2**62, 2**62]]])
    assert cm.separate(wraps, batch_axes=1).rank.tolist() == [2, 1]


def test_fractions_and_huge_integers() -> None:
    stack = np.array([[[Fraction(1, 3), Fraction(2, 3)], [1, 2]], [[10**30, 1], [1, 0]]], dtype=object)
    batch = cm.separate(stack, batch_axes=1)
    assert batch.rank.tolist() == [1, 2]
    assert batch.rank_kind == "exact"
    assert batch.singular_values[0, 1] == 0
    assert np.isclose(batch.singular_values[1, 0], 1e30)
    assert batch.approximate(1).dtype == np.float64


def test_a_tolerance_makes_integers_numerical() -> None:
    stack = np.array([[[1000, 0], [0, 1]], [[1000, 0], [0, 500]]])
    assert cm.separate(stack, tol=0.01, batch_axes=1).rank.tolist() == [1, 2]
    assert cm.separate(stack, tol=0.01, batch_axes=1).rank_kind == "numerical"
    assert cm.separate(stack, batch_axes=1).rank.tolist() == [2, 2]


def test_each_kernel_has_its_own_scale() -> None:
    sobel = cm.kernel("sobel_x").astype(float)
    scales = np.array([1e-300, 1e-9, 1.0, 1e9, 1e300])
    stack = np.concatenate([scales[:, None, None] * sobel, scales[:, None, None] * cm.kernel("emboss")])
    batch = cm.separate(stack, batch_axes=1)
    assert batch.rank.tolist() == [1] * 5 + [3] * 5
    assert np.allclose(batch.error(0)[:5] / scales, np.sqrt(12))
    assert np.allclose(
        batch.approximate(3) / np.tile(scales, 2)[:, None, None], stack / np.tile(scales, 2)[:, None, None]
    )
    with pytest.raises(cm.ConvMatrixError, match="largest singular value must fit a float64, got about 1e308"):
        cm.separate(np.full((2, 2, 2), 1.7e308), batch_axes=1)


def test_blocks_change_nothing(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    floats, whole = rng.standard_normal((37, 3, 4)), mixed(rng, 37, 3, 4)
    known = [cm.separate(stack, batch_axes=1) for stack in (floats, whole)]
    best = [answer.approximate(1) for answer in known]
    monkeypatch.setattr(batches, "_BLOCK", 50)
    for stack, answer, approximation in zip((floats, whole), known, best, strict=True):
        again = cm.separate(stack, batch_axes=1)
        assert (again.rank == answer.rank).all()
        assert np.allclose(again.singular_values, answer.singular_values)
        assert np.allclose(again.approximate(1), approximation)


def test_it_is_indexed_as_an_array(rng: np.random.Generator) -> None:
    stack = mixed(rng, 3, 4, 2, 2)
    batch = cm.separate(stack, batch_axes=2)
    for index in (0, slice(1), (slice(None), 1), Ellipsis, (Ellipsis, -1), batch.is_separable, [0, 2]):
        part = batch[index]
        assert isinstance(part, cm.SeparabilityBatch)
        assert (part.rank == batch.rank[index]).all()
        assert not part.kernels.flags.writeable
        assert part.kernels.shape == (*part.rank.shape, 2, 2)
    one = batch[-1, 2]
    assert isinstance(one, cm.Separability)
    assert (one.kernel == stack[-1, 2]).all()
    assert [part.rank.tolist() for part in batch] == batch.rank.tolist()
    with pytest.raises(IndexError):
        batch[3]


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(cm.ConvMatrixError, match=r"kernel must not be empty, got shape \(0, 3, 3\)"):
        cm.separate(np.zeros((0, 3, 3)), batch_axes=1)


@pytest.mark.parametrize(("r", "norm", "message"), [(4, "fro", "r must be at most 3"), (1, "nuc", "norm must be")])
def test_bad_ranks_and_norms(r: int, norm: str, message: str, rng: np.random.Generator) -> None:
    batch = cm.separate(rng.standard_normal((2, 3, 3)), batch_axes=1)
    with pytest.raises(cm.ConvMatrixError, match=message):
        batch.error(r, norm)


def test_it_prints_counts() -> None:
    batch = cm.separate(np.stack([cm.kernel("sobel_x"), cm.kernel("emboss")]), batch_axes=1)
    lines = ["2 3x3 kernels, batch shape (2,)", "  separable         1 of 2 (proved)", "  rank 1            1"]
    assert str(batch).splitlines()[:3] == lines
    assert repr(batch) == "SeparabilityBatch(2 3x3 kernels, batch shape (2,), exact)"
    assert batch._repr_html_().count("<tr>") == 3
    assert "numerical, tol 6.66e-16" in str(cm.separate(np.ones((2, 3, 3)), batch_axes=1))


def test_memory_beside_the_batch_is_bounded(rng: np.random.Generator) -> None:
    stack = rng.standard_normal((300_000, 3, 3))
    tracemalloc.start()
    try:
        cm.separate(stack, batch_axes=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The batch's own copy, its values and ranks, and a few blocks of 8 MiB.
    assert peak < 2 * stack.nbytes + 80_000_000
