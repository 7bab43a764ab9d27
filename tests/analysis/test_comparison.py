"""`compare` against dense matrices, exactly and in floats, at every scale, and on smaller inputs."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

import convmatrix as cm
from convmatrix.analysis.comparison import compare, rebuilding
from convmatrix.analysis.comparison import entries as exact_entries
from convmatrix.analysis.comparison import report as comparison
from convmatrix.operators.channels import Permutation
from convmatrix.operators.mixing import Mix
from convmatrix.operators.resampling import Resize

X = sympy.Symbol("x")
HUGE = 10**12
FIRST, SECOND = cm.conv([1, 1], 6), cm.conv([1, 1], 5)

EQUAL = {
    "integers": (cm.conv([1, 2, 1], 6), SECOND @ FIRST),
    "zeros of the pattern": (cm.conv([0, 1, 0], 5, padding=1), cm.identity((1, 5))),
    "beyond int64": (cm.conv([HUGE**2, 2 * HUGE, 1], 6), cm.conv([HUGE, 1], 5) @ cm.conv([HUGE, 1], 6)),
    "fractions": (cm.conv([Fraction(1, 6)] * 2, 4), cm.conv([Fraction(1, 2)] * 2, 4) * Fraction(1, 3)),
    "averages": (cm.avg_pool((1, 6), 3), cm.conv([Fraction(1, 3)] * 3, 6, stride=3)),
    "average of integers": (cm.avg_pool((1, 5), 2, stride=1) @ FIRST, cm.conv([Fraction(1, 2), 1, Fraction(1, 2)], 6)),
    "symbols": (cm.conv([X**2 - 1], 3), cm.conv([X - 1], 3) @ cm.conv([X + 1], 3)),
    "rational functions": (cm.conv([(X**2 - 1) / (X - 1)], 3), cm.conv([X + 1], 3)),
    "radicals": (cm.conv([sympy.sqrt(6)], 3), cm.conv([sympy.sqrt(2)], 3) @ cm.conv([sympy.sqrt(3)], 3)),
    "a transpose": (FIRST.T @ SECOND.T, (SECOND @ FIRST).T),
    "sums that cancel": (FIRST - FIRST, 0 * FIRST),
    "nothing but channels": (cm.conv([[1, 2]], ()), cm.conv([[1, 2]], ())),
}  # fmt: skip


@pytest.mark.parametrize(("actual", "wanted"), EQUAL.values(), ids=EQUAL)
def test_equal_exactly(actual, wanted):
    found = compare(actual, wanted)
    assert (found.is_equal, found.is_exact, found.tol, found.is_own_size) == (True, True, 0.0, True)
    assert (found.max_error, found.frobenius, found.spectral, found.rows.size) == (0.0, 0.0, 0.0, 0)
    assert "equal, every entry exactly" in str(found)


FLOATS = {
    "doubles": (np.float64, 1.0),
    "single": (np.float32, 1.0),
    "complex": (np.complex128, 1.0),
    "tiny": (np.float64, 1e-300),
    "huge": (np.float64, 1e300),
}


@pytest.mark.parametrize(("dtype", "scale"), FLOATS.values(), ids=FLOATS)
def test_floats_are_equal_within_a_tolerance_and_never_exact(dtype, scale, rng):
    a, b = (rng.standard_normal(3).astype(dtype) for _ in range(2))
    both = cm.conv((np.convolve(a, b) * scale).astype(dtype), 9)
    found = compare(both, (cm.conv(a, 7) @ cm.conv(b, 9)) * dtype(scale))
    assert found.is_equal
    assert not found.is_exact
    assert found.max_error <= found.tol < 1e-4 * scale
    worse = compare(cm.conv(both.weight * dtype(1.001), 9), both)
    assert not worse.is_equal
    assert worse.rows.size == 5
    assert 0 < worse.max_error <= worse.spectral <= worse.frobenius < math.inf


def test_equal_floats_are_not_exact():
    assert str(compare(cm.conv([1.0], 3), cm.conv([1], 3))).startswith("equal within 6.66e-16, largest difference 0")
    assert not compare(cm.conv([1.0], 3), cm.conv([1], 3)).is_exact


def test_norms_and_rows_are_those_of_the_dense_difference(rng):
    a, b = (cm.conv(rng.integers(-3, 4, (2, 3, 3, 3)), (5, 6), padding=p) for p in (1, 1))
    gap = a.toarray() - b.toarray()
    found = compare(a, b)
    assert found.max_error == np.abs(gap).max()
    assert found.frobenius == pytest.approx(np.linalg.norm(gap))
    assert found.spectral == pytest.approx(np.linalg.norm(gap, 2))
    np.testing.assert_array_equal(found.rows, np.flatnonzero(gap.any(axis=1)))
    np.testing.assert_array_equal(found.differing().reshape(-1), gap.any(axis=1))


def test_spectral_norm_by_lanczos(rng, monkeypatch):
    monkeypatch.setattr(comparison, "_DENSE", 10)
    matrix = cm.conv(rng.standard_normal((2, 2, 3, 3)), (8, 8), padding=1)
    assert comparison.spectral_norm_of(matrix.tosparse()) == pytest.approx(np.linalg.norm(matrix.toarray(), 2))


def test_a_wider_tolerance():
    close = compare(cm.conv([1.0, 1.001], 5), cm.conv([1, 1], 5), tol=0.01)
    assert (close.is_equal, close.is_exact, close.rows.size) == (True, False, 0)
    apart = compare(cm.conv([1, 3], 5), cm.conv([1, 1], 5), tol=2)
    assert (apart.is_equal, apart.is_exact, apart.max_error) == (True, False, 2.0)
    thirds = compare(cm.conv([Fraction(1, 3)], 5), cm.conv([Fraction(1, 2)], 5), tol=0.2)
    assert (thirds.is_equal, thirds.is_exact) == (True, False)


def test_differences_too_small_for_a_float_still_differ():
    tiny = Fraction(1, 10**400)
    found = compare(cm.conv([tiny], 3), cm.conv([2 * tiny], 3))
    assert (found.is_equal, found.is_exact, found.rows.tolist()) == (False, False, [0, 1, 2])


def test_differences_too_large_for_a_float():
    found = compare(cm.conv([10**400], 2), cm.conv([1], 2))
    assert (found.max_error, found.to_dict()["max_error"]) == (math.inf, "inf")


def test_symbols_that_differ():
    found = compare(cm.conv([X, 1], 3), cm.conv([1, 1], 3))
    assert (found.is_equal, found.max_error, found.frobenius, found.spectral) == (False, None, None, None)
    assert str(found) == "different in 2 of 2 outputs, by symbols, on inputs of 3"


def test_symbols_beside_floats():
    assert compare(cm.conv([X, 1], 3), cm.conv([X, 1], 3) * 1.0).is_exact is False


def small_limit(monkeypatch, entries):
    monkeypatch.setattr(comparison, "MOST_ENTRIES", entries)
    monkeypatch.setattr(comparison, "MOST_EXACT_ENTRIES", entries)


LARGE = {
    "same": (cm.conv([1, 2, 1], 401, padding=1), 7),
    "stride": (cm.conv([1, 2, 1], 401, stride=3, padding=1), 14),
    "product": (cm.conv([1, 2], 201, dilation=2) @ cm.conv([1, 2, 1], 401, stride=2, padding=1), None),
    "transposed": (cm.conv_transpose([1, 2, 1], 401, stride=2), None),
    "average": (cm.avg_pool((1, 400), 3, stride=2, padding=1), None),
    "shuffle": (cm.channel_shuffle((4, 401), 2) + 2 * cm.identity((4, 401)), None),
    "nearest resize": (cm.resize((1, 401), 2), None),
    "linear resize": (cm.resize((2, 400), 1.5, "linear"), None),
    "its transpose": (cm.resize((2, 400), 1.5, "linear").T, None),
    "resize and convolution": (
        cm.conv([1, 2, 1], 601, padding=1, stride=2) @ cm.resize((1, 401), 1.5, "nearest-exact"),
        None,
    ),
    "pixel shuffle": (cm.pixel_shuffle((2, 400), 2) @ cm.conv(np.arange(6).reshape(2, 1, 3), 400, padding=1), None),
    "its inverse": (cm.conv(np.arange(6).reshape(1, 2, 3), 300, padding=1) @ cm.pixel_shuffle((2, 300), 2).T, None),
}


@pytest.mark.parametrize(("op", "size"), LARGE.values(), ids=LARGE)
def test_large_matrices_are_compared_on_a_smaller_input(op, size, monkeypatch):
    small_limit(monkeypatch, 200)
    found = compare(op, op)
    assert found.is_exact
    assert not found.is_own_size
    assert found.input_size == op.in_shape[1:] != found.checked_size
    assert size is None or found.checked_size == (size,)
    assert "the same layers on a smaller input" in str(found)
    smaller = rebuilding.smaller_pair(op, op)[0]
    matrix, own = smaller.toarray(), op.toarray()
    # Both corners are those of the large matrix.
    rows, columns = matrix.shape[0] // (2 * op.out_shape[0]), matrix.shape[1] // (2 * op.in_shape[0])
    np.testing.assert_array_equal(matrix[:rows, :columns], own[:rows, :columns])
    np.testing.assert_array_equal(matrix[-rows:, -columns:], own[-rows:, -columns:])


def test_what_cannot_be_made_smaller_is_refused(monkeypatch):
    small_limit(monkeypatch, 10)
    with pytest.raises(cm.MatrixTooLargeError, match=r"the matrix of \(1, 99\) -> \(1, 198\), which is"):
        compare(cm.resize((1, 99), 2), cm.resize((1, 99), 2))
    with pytest.raises(cm.MatrixTooLargeError, match="fewer channels"):
        compare(cm.conv(np.ones((9, 9, 1)), 99), cm.conv(np.ones((9, 9, 1)), 99))


def test_other_sources_and_orders_are_not_made_smaller():
    ideal = cm.resize((1, 400), 2)
    sources = ideal._mixes[0].sources.copy()
    sources[400] += 1
    rounded = Resize((1, 400), ideal.scales, "nearest", (Mix.of_nearest(sources),), None)
    space_first = Permutation("other order", (4, 400), (2, 800), (2, 2, 400), (1, 2, 0))
    for op in (rounded, space_first):
        assert rebuilding.smaller_pair(op, op) is None


def test_a_product_of_too_many_terms(monkeypatch):
    monkeypatch.setattr(exact_entries, "MOST_TERMS", 3)
    with pytest.raises(cm.MatrixTooLargeError, match=r"the exact product would take 1.6 kB, more than the 300 bytes"):
        compare(cm.conv([HUGE, 1], 5) @ cm.conv([HUGE, 1], 6), cm.conv([1, 1, 1], 6))


def test_bounds_of_entries_hold(rng):
    a, b = cm.conv(rng.integers(1, 4, (2, 2, 3)), 9, padding=1), cm.identity((2, 9))
    for op in (a, a @ a, (a + b) @ a, 2 * (a - b).T, a @ cm.resize((2, 3), 3), cm.pixel_shuffle((2, 9), 2) @ a):
        assert comparison.entry_bound(op) >= op.nnz


ERRORS = {
    "no operator": (lambda: compare(FIRST, 3), "wanted must be a TensorOperator, such as .* makes, got int"),
    "other shapes": (
        lambda: compare(FIRST, SECOND),
        r"equal shapes, got \(1, 6\) -> \(1, 5\) and \(1, 5\) -> \(1, 4\)",
    ),
    "tol": (lambda: compare(FIRST, FIRST, tol=-1), "tol must be a number of at least 0, got -1"),
    "tol of text": (lambda: compare(FIRST, FIRST, tol="small"), "tol must be a number of at least 0, got 'small'"),
    "NaN": (
        lambda: compare(cm.conv([math.nan], 3), cm.conv([1], 3)),
        "actual must have finite entries to be compared, got nan",
    ),
}


@pytest.mark.parametrize(("call", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(call, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        call()


@pytest.mark.parametrize("wanted", [SECOND @ FIRST, cm.conv([1, 2, 2], 6), cm.conv([X, 1, 1], 6)], ids=str)
def test_displays(wanted):
    found = compare(cm.conv([1, 2, 1], 6), wanted)
    assert json.loads(json.dumps(found.to_dict()))["is_exact"] == found.is_exact
    assert found._repr_html_().startswith("<p>")


def test_a_product_of_too_many_terms_on_a_smaller_input(monkeypatch):
    monkeypatch.setattr(exact_entries, "MOST_TERMS", 200)
    found = compare(cm.conv([HUGE, 1], 99) @ cm.conv([HUGE, 1], 100), cm.conv([HUGE**2, 2 * HUGE, 1], 100))
    assert (found.is_exact, found.input_size, found.checked_size) == (True, (100,), (9,))
