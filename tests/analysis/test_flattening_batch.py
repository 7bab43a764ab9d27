"""`flatten` of many filters: the same answers as one by one."""

from __future__ import annotations

import json
import math
from functools import reduce
from typing import Any

import numpy as np
import pytest

import convmatrix as cm


def mixed(dtype: Any = np.float64) -> np.ndarray:
    """Filters of rank 0, 1, 2 and more."""
    rng = np.random.default_rng(21)
    ones = [outer(*(rng.standard_normal(size) for size in (12, 3, 3))) for _ in range(3)]
    any_rank = rng.standard_normal((12, 3, 3))
    return np.stack([np.zeros((12, 3, 3)), ones[0], ones[0] + ones[1], any_rank, ones[2] * 1e-9]).astype(dtype)


def outer(*vectors: np.ndarray) -> np.ndarray:
    return np.asarray(reduce(np.multiply.outer, vectors))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128], ids=lambda dtype: dtype.__name__)
def test_the_batch_answers_as_each_filter_does(dtype: Any) -> None:
    weight = mixed(dtype)
    batch = cm.flatten(weight, batch_axes=1)
    assert batch.multilinear_rank.tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2], [9, 3, 3], [1, 1, 1]]
    assert batch.is_rank_one.tolist() == [True, True, False, False, True]
    assert (batch.shape, len(batch), batch.rank_kind) == ((5,), 5, "numerical")
    for index, own in enumerate(batch):
        alone = cm.flatten(weight[index])
        assert own.multilinear_rank == alone.multilinear_rank == tuple(batch[index].multilinear_rank)
        assert own.tol == alone.tol == batch.tol
        size = float(np.linalg.norm(weight[index])) or 1.0
        assert batch.error[index] == pytest.approx(alone.error, rel=1e-9, abs=1e-12 * size)
        assert batch.error_bound[index] == pytest.approx(alone.error_bound, rel=1e-9, abs=1e-12 * size)
        assert batch.scale[index] == pytest.approx(alone.scale, rel=1e-9)
        np.testing.assert_allclose(batch.approximate()[index], alone.approximate(), atol=2e-6 * size)
        assert (batch.error_bound <= batch.error).all()


def test_the_factors_are_made_when_asked_for_and_handed_on() -> None:
    batch = cm.flatten(mixed(), batch_axes=1)
    assert "_nearest" not in vars(batch)
    assert [factor.shape for factor in batch.factors] == [(5, 12), (5, 3), (5, 3)]
    assert "_nearest" in vars(batch)
    assert batch[3].error == batch.error[3]
    assert all((own == of_all[3]).all() for own, of_all in zip(batch[3].factors, batch.factors, strict=True))
    with pytest.raises(ValueError, match="read-only"):
        batch.scale[0] = 1


def test_several_batch_axes() -> None:
    weight = np.random.default_rng(22).standard_normal((2, 3, 4, 3, 3))
    batch = cm.flatten(weight, batch_axes=2)
    assert (batch.shape, len(batch), batch.multilinear_rank.shape) == ((2, 3), 2, (2, 3, 3))
    assert batch[1, 2].error == pytest.approx(cm.flatten(weight[1, 2]).error, rel=1e-12)
    assert batch[-1, 0].filter.tolist() == weight[1, 0].tolist()
    assert batch.approximate().shape == weight.shape


def test_a_part_of_the_batch_is_a_batch() -> None:
    batch = cm.flatten(np.random.default_rng(24).standard_normal((2, 3, 4, 3, 3)), batch_axes=2)
    for index in (0, slice(1), (..., 1), (slice(None), [0, 2])):
        part = batch[index]
        assert part.filters.tolist() == batch.filters[index if index != (..., 1) else (slice(None), 1)].tolist()
        assert part.error_bound.tolist() == batch.error_bound[index].tolist()
        assert part.multilinear_rank.shape == (*part.shape, 3)
    assert [own.shape for own in batch] == [(3,), (3,)]


def test_an_index_out_of_range() -> None:
    with pytest.raises(IndexError):
        cm.flatten(np.ones((2, 2, 2)), batch_axes=1)[2]
    with pytest.raises(IndexError):
        cm.flatten(np.ones((2, 2, 2)), batch_axes=1)[0, 0]


def test_exact_filters_keep_their_proofs() -> None:
    weight = np.array([[[1, 2], [2, 4]], [[1, 2], [2, 5]], [[0, 0], [0, 0]]])
    batch = cm.flatten(weight, batch_axes=1)
    assert batch.rank_kind == "exact"
    assert batch.tol is None
    assert batch.multilinear_rank.tolist() == [[1, 1], [2, 2], [0, 0]]
    assert batch.error_bound[[0, 2]].tolist() == [0, 0]
    assert batch[1].certificate.value == 1
    assert batch[0].factors[0].tolist() == [1, 2]
    assert float(batch[1].error) == pytest.approx(batch.error[1], rel=1e-12)
    fractions = cm.flatten("1/2 1/4; 1 1/2 | 1 1; 1 2", batch_axes=1)
    assert fractions.is_rank_one.tolist() == [True, False]


def test_exact_filters_with_a_tolerance_have_a_numerical_rank() -> None:
    weight = np.array([[[1000, 0], [0, 1]], [[1, 0], [0, 1]]])
    batch = cm.flatten(weight, 0.01, batch_axes=1)
    assert (batch.rank_kind, batch.tol, batch.is_rank_one.tolist()) == ("numerical", 0.01, [True, False])
    assert batch[0].error == pytest.approx(1.0)


def test_exact_filters_beyond_floats_are_refused() -> None:
    with pytest.raises(cm.ConvMatrixError, match="filter entries must fit a float64, got about 1e400"):
        cm.flatten([[[10**400, 1], [1, 1]]], batch_axes=1)


def test_ranks_against_plain_unfoldings() -> None:
    """The long axis is cut to a triangle first; the numbers must be those of the whole unfoldings."""
    weight = np.random.default_rng(23).standard_normal((6, 40, 3, 2)) * np.logspace(-200, 200, 6)[:, None, None, None]
    batch = cm.flatten(weight, batch_axes=1)
    for index, own in enumerate(weight):
        tails = []
        for mode in range(3):
            values = np.linalg.svd(np.moveaxis(own, mode, 0).reshape(own.shape[mode], -1), compute_uv=False)
            tails.append(float(values[1] * np.linalg.norm(values[1:] / values[1])))
        assert batch.error_bound[index] == pytest.approx(max(tails), rel=1e-9)
    assert batch.multilinear_rank.tolist() == [[6, 3, 2]] * 6


def test_displays() -> None:
    batch = cm.flatten(mixed(), batch_axes=1)
    assert str(batch).splitlines()[0] == "3 of 5 filters of rank 1 (relative tolerance 8e-15)"
    assert "2 of 1, 1, 1" in str(batch)
    assert batch._repr_html_().startswith("<table><caption>3 of 5 filters")
    found = json.loads(json.dumps(batch.to_dict(), allow_nan=False))
    assert found["is_rank_one"] == [True, True, False, False, True]
    assert math.prod(found["filter_shape"]) == 108
    many = cm.flatten(np.stack([np.eye(9)[:, :1] * 0 + np.diag(np.arange(9.0) < n) for n in range(9)]), batch_axes=1)
    assert "and 3 others" in str(many)
    assert str(cm.flatten(np.ones((2, 2, 2), int), batch_axes=1)).startswith("2 of 2 filters of rank 1 (proved)")
