"""What the pages prove about checkerboards, spectra and separability, against computations from the definitions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

import convmatrix as cm


def phase_gains(weight, stride, dilation):
    """The sum of the taps of each phase, from the definition."""
    taps = range(len(weight))
    return [sum(int(weight[t]) for t in taps if dilation * t % stride == phase) for phase in range(stride)]


def test_checkerboards_free_if_and_only_if_gains_are_equal(rng):
    """And then, and only then, a constant comes out constant in the interior."""
    answers = []
    for size, stride, dilation in itertools.product(range(1, 6), (1, 2, 3), (1, 2, 3)):
        for _ in range(6):
            weight = rng.integers(-1, 2, size)
            op = cm.conv_transpose(weight, 14, stride=stride, dilation=dilation)
            report, gains = cm.checkerboard(op), phase_gains(weight, stride, dilation)
            inner = op(np.ones(14, dtype=int))[cm.overlap(op).interior]
            assert report.is_exact
            assert report.is_free is (len(set(gains)) == 1) is bool((inner == inner[0]).all())
            assert report.amplitude == max(gains) - min(gains)
            answers.append((report.is_free, stride > 1))
    assert len(set(answers)) == 3


def test_checkerboards_every_pair_of_channels_counts():
    weight = np.ones((2, 2, 2), dtype=int)
    assert cm.checkerboard(cm.conv_transpose(weight, 6, stride=2)).is_free
    weight[1, 0] = [0, 2]
    report = cm.checkerboard(cm.conv_transpose(weight, 6, stride=2))
    assert not report.is_free
    assert report.dc_gain.tolist() == [[[1, 0], [1, 1]], [[1, 2], [1, 1]]]


def test_checkerboards_phases_that_are_never_written():
    for size, stride, dilation in itertools.product(range(1, 7), range(1, 5), range(1, 5)):
        found = cm.overlap(cm.conv_transpose(np.ones(size, dtype=int), 30, stride=stride, dilation=dilation))
        never = {f for f in range(stride) if f not in {dilation * t % stride for t in range(size)}}
        assert {phase for (phase,) in found.holes} == never
        if math.gcd(stride, dilation) > 1 or size < stride:
            assert never
            assert math.isinf(found.ratio)


def test_checkerboards_beside_a_hole_a_free_weight_kills_constants():
    report = cm.checkerboard(cm.conv_transpose([2, -3, 1], 12, stride=2, dilation=2))
    assert (report.is_free, report.kills_constants) == (True, True)
    assert not cm.checkerboard(cm.conv_transpose([2, -3, 2], 12, stride=2, dilation=2)).is_free


def projected(weight, stride, dilation):
    """The nearest weight whose reached gains are equal, or 0 beside a hole: a projection by its normal equations."""
    taps = len(weight)
    sums = [[int(dilation * t % stride == phase) for t in range(taps)] for phase in range(stride)]
    reached = sympy.Matrix([row for row in sums if any(row)])
    rules = reached if reached.rows < stride else reached[1:, :] - sympy.ones(stride - 1, 1) * reached[0, :]
    w = sympy.Matrix([int(tap) for tap in weight])
    return list(w - rules.T * (rules * rules.T).inv() * rules * w) if rules.rows else list(w)


def test_checkerboards_nearest_free_weight(rng):
    for size, stride, dilation in itertools.product(range(2, 7), (1, 2, 3), (1, 2)):
        weight = rng.integers(-9, 10, size)
        fixed = cm.checkerboard(cm.conv_transpose(weight, 14, stride=stride, dilation=dilation)).nearest_free()
        gains, phases = phase_gains(weight, stride, dilation), [dilation * t % stride for t in range(size)]
        counts = [phases.count(phase) for phase in range(stride)]
        mean = Fraction(0)
        if all(counts):
            shares = [Fraction(1, count) for count in counts]
            mean = sum(gain * share for gain, share in zip(gains, shares, strict=True)) / sum(shares)
        formula = [int(tap) + (mean - gains[f]) / counts[f] for tap, f in zip(weight, phases, strict=True)]
        found = [Fraction(str(tap)) for tap in fixed.weight.ravel()]
        assert found == formula == [Fraction(str(tap)) for tap in projected(weight, stride, dilation)]


def test_checkerboards_a_period_that_is_not_the_stride():
    enlarged = cm.conv_transpose([1, 2], 24, stride=2)
    fewer = cm.conv([1], enlarged.out_shape[1:], stride=3) @ enlarged
    assert cm.checkerboard(fewer).period == (2,)
    inner = fewer(np.ones(24, dtype=int))[cm.overlap(fewer).interior]
    assert (inner[:-1] != inner[1:]).all()
    back = cm.resize((1, 24), Fraction(3, 2), "nearest").T
    assert cm.checkerboard(back).period == (2,)
    assert back(np.ones(36, dtype=int)).tolist() == [2, 1] * 12


def transfer(weight, size, dilation):
    """`W(q)` for every frequency of the grid: `(*size, c_out, c_in)`."""
    axes, wide = len(size), np.zeros((*size, *weight.shape[:2]))
    for tap in np.ndindex(weight.shape[2:]):
        wide[tuple(dilation * t % n for t, n in zip(tap, size, strict=True))] += weight[(..., *tap)]
    return np.fft.fftn(wide, axes=range(axes))


def spectrum(weight, size, stride, dilation):
    """The singular values of `prod(s)^(-1/2) [W(q + (n/s) a)]`, all frequencies together, descending."""
    blocks, axes = transfer(weight, size, dilation), len(size)
    coarse = [n // stride for n in size]
    values = []
    for q in np.ndindex(*coarse):
        aliases = [range(place, n, step) for place, n, step in zip(q, size, coarse, strict=True)]
        row = np.concatenate([blocks[place] for place in itertools.product(*aliases)], axis=1) / stride ** (axes / 2)
        values.append(np.linalg.svd(row, compute_uv=False))
    return np.sort(np.concatenate(values))[::-1]


CIRCULAR = [
    ((8,), 3, 1, 1, (1, 1)), ((8,), 3, 1, 2, (3, 2)), ((9,), 3, 3, 1, (2, 2)), ((8,), 5, 4, 2, (1, 3)),
    ((6, 4), 3, 1, 1, (2, 3)), ((6, 4), 3, 2, 1, (3, 2)), ((4, 4), 2, 2, 3, (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize("case", CIRCULAR, ids=str)
def test_circular_spectrum(case, rng):
    """Exact as soon as the output has n/s positions an axis, whatever the padding is that makes it so."""
    size, k, stride, dilation, channels = case
    weight = rng.integers(-9, 10, (*channels, *(k,) * len(size)))
    extent = dilation * (k - 1)
    for total in range(max(0, extent + 1 - stride), extent + 1):
        pads = [(total // 2, total - total // 2)] * len(size)
        if max(max(pads)) > min(size):
            continue
        op = cm.conv(weight, size, stride=stride, dilation=dilation, padding=pads, padding_mode="circular")
        assert op.out_shape[1:] == tuple(n // stride for n in size)
        dense = np.linalg.svd(op.toarray().astype(float), compute_uv=False)
        np.testing.assert_allclose(spectrum(weight, size, stride, dilation), dense, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("padding", "rows"), [(0, 6), (1, 8), (2, 10)])
def test_circular_spectrum_is_false_where_rows_are_missing_or_repeated(padding, rows):
    weight = np.array([[[1, 2, 3]]])
    op = cm.conv(weight, (8,), padding=padding, padding_mode="circular")
    assert op.out_shape == (1, rows)
    true, formula = np.linalg.norm(op.toarray().astype(float), 2), spectrum(weight, (8,), 1, 1)[0]
    assert formula == pytest.approx(6)
    # Fewer rows can only be less, and repeated ones only more.
    assert np.sign(round(true - formula, 9)) == {0: -1, 1: 0, 2: 1}[padding]


@pytest.mark.parametrize("size", [(5,), (4, 3)], ids=str)
@pytest.mark.parametrize("dilation", [1, 2])
def test_zero_padding_is_bounded_by_the_larger_circulant(size, dilation, rng):
    for _ in range(5):
        weight = rng.integers(-9, 10, (2, 3, *(3,) * len(size)))
        op = cm.conv(weight, size, padding="same", dilation=dilation)
        true = np.linalg.norm(op.toarray().astype(float), 2)
        larger = tuple(n + dilation * 2 for n in size)
        assert true <= spectrum(weight, larger, 1, dilation)[0] * (1 + 1e-12)
        x = rng.normal(size=op.shape[1])
        assert np.linalg.norm(op @ x) <= true * np.linalg.norm(x) * (1 + 1e-12)


def test_zero_padding_is_not_bounded_by_the_circulant_of_its_size():
    weight = np.array([[[1, 0, -1]]])
    zeros = cm.conv(weight, (2,), padding=1)
    assert zeros.toarray().tolist() == [[0, -1], [1, 0]]
    assert (np.linalg.norm(zeros.toarray(), 2), spectrum(weight, (2,), 1, 1)[0]) == (1, 0)


def minors(kernel):
    """All determinants of two rows and two columns."""
    rows, columns = (itertools.combinations(range(size), 2) for size in kernel.shape)
    for (a, b), (c, d) in itertools.product(rows, list(columns)):
        yield int(kernel[a, c] * kernel[b, d] - kernel[a, d] * kernel[b, c])


def test_separable_if_and_only_if_all_minors_vanish(rng):
    kernels = [rng.integers(-2, 3, (3, 4)) for _ in range(20)]
    kernels += [np.outer(rng.integers(-5, 6, 3), rng.integers(-5, 6, 4)) for _ in range(20)]
    verdicts = set()
    for kernel in kernels:
        found = cm.separate(kernel)
        assert found.is_separable is not any(minors(kernel))
        assert found.rank == sympy.Matrix(kernel.tolist()).rank()
        if found.is_separable and kernel.any():
            r, c = np.argwhere(kernel)[0]
            assert (kernel * kernel[r, c] == np.outer(kernel[:, c], kernel[r])).all()
        if not found.is_separable:
            (a, b), (c, d) = found.certificate.rows, found.certificate.columns
            assert found.certificate.value == kernel[a, c] * kernel[b, d] - kernel[a, d] * kernel[b, c] != 0
        verdicts.add(found.is_separable)
    assert verdicts == {True, False}


def test_best_approximation_is_what_the_singular_values_leave(rng):
    kernel = rng.normal(size=(5, 4))
    found, values = cm.separate(kernel), np.linalg.svd(kernel, compute_uv=False)
    for rank in range(5):
        left = np.linalg.norm(kernel - found.approximate(rank))
        assert left == pytest.approx(found.error(rank)) == pytest.approx(np.linalg.norm(values[rank:]), abs=1e-12)
