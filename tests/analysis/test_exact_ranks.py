"""Exact ranks of operators against FLINT and SymPy, by every way there is to them; and where proofs are refused."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from layer_drawing import drawn_expression
from rank_cases import drawn_circular, integers_of, rank_of

import convmatrix as cm
from convmatrix.analysis.ranks import cyclotomic, splitting
from convmatrix.analysis.ranks.cyclotomic import block_ranks, orbits
from convmatrix.analysis.ranks.echelon import echelon_bounds
from convmatrix.analysis.ranks.exactly import exact_rank, intersected
from convmatrix.analysis.ranks.integers import exactly, integer_matrix, is_exact, whole
from convmatrix.analysis.ranks.splitting import independent_channels, kronecker_parts
from convmatrix.errors import ConvMatrixError
from convmatrix.exact import bounded, lifting
from convmatrix.exact.batched import primes_with_roots
from convmatrix.exact.bounded import RankBounds
from convmatrix.exact.modular import primes

FIRST = next(primes())
RNG = np.random.default_rng(7)
SQUARE = RNG.integers(-3, 4, (4, 4, 3, 3))


def drawn(*shape, largest=3):
    return RNG.integers(-largest, largest + 1, shape)


# -- hundreds drawn at random -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_expressions_drawn_at_random(seed):
    rng = np.random.default_rng(seed)
    count = 0
    while count < 60:
        op = drawn_expression(rng)
        if op is None or max(op.shape) > 250:
            continue
        op = op * Fraction(2, 3) if rng.random() < 0.3 else op.T if rng.random() < 0.3 else op
        expected = rank_of(integers_of(op))
        found = exact_rank(op)
        assert (found.lower, found.upper) == (expected, expected), op
        for work in (0.0, 1e4):
            narrow = exact_rank(op, work)
            assert narrow.lower <= expected <= narrow.upper <= min(op.shape), op
        count += 1


@pytest.mark.parametrize("seed", range(4))
def test_circular_layers_drawn_at_random(seed):
    rng = np.random.default_rng(seed)
    layers = [op for op in (drawn_circular(rng) for _ in range(100)) if op is not None]
    assert len(layers) > 50
    for op in layers:
        expected = rank_of(op.toarray())
        assert exact_rank(op)[:2] == (expected, expected), op
        if op.geometry.groups == 1:
            ranks = block_ranks(op.geometry, op.weight)
            assert ranks.exact.all()
            assert ranks.lower == ranks.upper == expected


# -- each way by name -------------------------------------------------------------------------------------------------

PAD = {"padding": 1}
CIRCULAR = {"padding": 1, "padding_mode": "circular"}
EQUAL = SQUARE[[0, 1, 1, 3]]
SILENT = SQUARE * np.array([1, 0, 1, 1])[:, None, None, None]
DEAF = SQUARE * np.array([1, 1, 0, 1])[:, None, None]
WAYS = {
    "permutation": (cm.channel_shuffle((6, 4), 2) @ cm.identity((6, 4)), "permutation"),
    "a factor of 0": (0 * cm.conv([1, 2], 5), "a factor of 0"),
    "zeros": (cm.conv([0, 0], 5), "zeros"),
    "two equal output channels": (cm.conv(EQUAL, (8, 8), **PAD), "full modulo a prime"),
    "a silent output channel": (cm.conv(SILENT, (8, 8), **PAD), "full modulo a prime"),
    "a channel that is not read": (cm.conv(DEAF, (8, 8), **PAD), "full modulo a prime"),
    "separable": (cm.conv("sobel_x", (6, 8), **CIRCULAR), "Kronecker product: frequency by frequency"),
    "mirrored, separable": (
        cm.conv("sobel_x", (20, 30), padding=1, padding_mode="reflect"),
        "Kronecker product: elimination",
    ),
    "pointwise": (cm.conv(drawn(4, 6, 1, 1), (5, 5)), "Kronecker product: elimination, echelon form"),
    "fully connected": (cm.conv(drawn(30, 40) % 2, ()), "full modulo a prime"),
    "valid": (cm.conv(SQUARE, (8, 8)), "echelon form"),
    "strided": (cm.conv(SQUARE, (8, 8), stride=2, **PAD), "echelon form"),
    "circular": (cm.conv("0 1 0; 1 -4 1; 0 1 0", (8, 8), **CIRCULAR), "frequency by frequency"),
    "mirrored": (
        cm.conv("0 1 0; 1 -4 1; 0 1 0", (8, 8), padding=1, padding_mode="reflect"),
        "as many exact null vectors",
    ),
    "average": (cm.avg_pool((2, 8, 8), 3, stride=1, padding=1), None),
    "resize": (cm.resize((3, 6, 6), 2, "linear"), "Kronecker product: identity, elimination"),
    "resize of one axis": (cm.resize((1, 40), Fraction(1, 2)), None),
    "bottleneck": (cm.conv(drawn(4, 1, 3, 3), (6, 6), **PAD) @ cm.conv(drawn(1, 4, 3, 3), (6, 6), **PAD), None),
    "Gram": (cm.conv(SQUARE[:2], (6, 6)).T @ cm.conv(SQUARE[:2], (6, 6)), None),
    "sum": (cm.conv(SQUARE, (6, 6), **PAD) - cm.identity((4, 6, 6)), None),
    "average in a product": (cm.conv("1 -2 1", 9, **PAD) @ cm.avg_pool((1, 9), 3, stride=1, padding=1), None),
    "average in a sum": (cm.avg_pool((1, 30), 3, stride=1, padding=1) - cm.identity((1, 30)), None),
    "beyond int64": (cm.conv([[10**30, 1], [1, 10**30]], (6, 6)), "echelon form"),
    "beyond int64, padded": (cm.conv([10**30, -2 * 10**30, 10**30], 30, padding=1, padding_mode="symmetric"), None),
    "beyond int64 in a product": (cm.conv([2**40, 1], 9) @ cm.conv([2**40, -1], 10), None),
    "merged taps beyond int64": (cm.conv([2**62, 2**62, -(2**62)], 5, padding=2, padding_mode="replicate"), None),
    "fractions": (cm.conv([Fraction(1, 3), Fraction(-1, 3)], 30, **CIRCULAR), None),
    "depthwise, alike": (cm.conv(np.tile(SQUARE[:1, :1], (5, 1, 1, 1)), (8, 8), groups=5, **PAD), None),
    "one tap": (cm.conv([[[0, 3, 0]]], 7, padding=1, padding_mode="reflect", stride=2), None),
    "axes of one position": (cm.conv(drawn(2, 2, 1, 3, 1), (1, 9, 1), padding=(0, 1, 0)), None),
}


@pytest.mark.parametrize(("op", "proof"), WAYS.values(), ids=WAYS)
def test_each_way(op, proof):
    expected = rank_of(integers_of(op))
    found = exact_rank(op)
    assert found[:2] == (expected, expected)
    assert proof is None or found.proof == proof
    transposed = exact_rank(op.T)
    assert transposed[:2] == (expected, expected)


LARGE = {
    "16 channels": (cm.conv(drawn(16, 16, 3, 3), (16, 16), **PAD), 4096),
    "two equal channels of 16": (cm.conv(drawn(16, 16, 3, 3)[[0, *range(15)]], (16, 16), **PAD), 4096 - 256),
    "one channel": (cm.conv(drawn(3, 3), (64, 64), **PAD), 4096),
    "Sobel, mirrored": (cm.conv("sobel_x", (64, 64), padding=1, padding_mode="reflect"), 63 * 62),
    "Laplacian, mirrored": (cm.conv("0 1 0; 1 -4 1; 0 1 0", (64, 64), padding=1, padding_mode="reflect"), 4095),
    "neighbours on a grid": (cm.conv("0 1 0; 1 0 1; 0 1 0", (64, 64), **PAD), 4096 - 64),
    "Laplacian, circular": (cm.conv("0 1 0; 1 -4 1; 0 1 0", (512, 512), **CIRCULAR), 512**2 - 1),
    "64 channels, circular": (cm.conv(drawn(64, 64, 3, 3), (32, 32), **CIRCULAR), 65536),
    "64 channels, valid": (cm.conv(drawn(64, 64, 3, 3), (56, 56)), 64 * 54**2),
}


@pytest.mark.parametrize(("op", "rank"), LARGE.values(), ids=LARGE)
def test_large_ones(op, rank):
    """Ranks known by construction: eigenvalues of paths, grids and circles, and generic weights that are regular."""
    assert exact_rank(op)[:2] == (rank, rank)


# -- honesty ----------------------------------------------------------------------------------------------------------


def test_a_huge_layer_has_proved_bounds_at_once():
    found = exact_rank(cm.conv(drawn(64, 64, 3, 3), (56, 56), **PAD))
    assert (found.lower, found.upper) == (64 * 55**2, 64 * 56**2)


def test_a_huge_product_has_its_layers_bounds():
    first, last = cm.conv(drawn(8, 256, 3, 3), (60, 60)), cm.conv(drawn(256, 8, 3, 3), (58, 58))
    found = exact_rank(last @ first)
    # Of the first layer every row is independent; of the last its echelon form shows all but the border's columns.
    assert (found.lower, found.upper) == (8 * 56**2, 8 * 58**2)


MISLED = {
    "all divisible": cm.conv(FIRST * SQUARE, (6, 6), **PAD),
    "one channel divisible": cm.conv(SQUARE * np.array([1, FIRST, 1, 1])[:, None, None, None], (6, 6), **PAD),
    "a centre divisible": cm.conv(
        np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]) + FIRST * np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        (8, 8),
        padding=1,
        padding_mode="reflect",
    ),
    "circular, mean divisible": cm.conv([1, FIRST - 2, 1], 30, **CIRCULAR),
    "product": cm.conv([FIRST, 1], 40, padding=((1, 0),)) @ cm.conv([FIRST, 2], 40, padding=((1, 0),)),
}


@pytest.mark.parametrize("op", MISLED.values(), ids=MISLED)
def test_a_prime_that_misleads_is_never_believed(op):
    expected = rank_of(op.toarray().astype(object) if op.dtype != object else integers_of(op))
    assert expected == min(op.shape)
    assert exact_rank(op)[:2] == (expected, expected)
    for work in (0.0, 1e5, 1e7):
        found = exact_rank(op, work)
        assert found.lower <= expected <= found.upper


SPLIT = 2**31 - 1
OUTER_MODULO = {
    "a kernel": cm.conv([[1, 1], [1, SPLIT + 1]], (4, 4), padding=((0, 1), (0, 1)), padding_mode="circular"),
    "signs": cm.conv([[1, -1], [-1, SPLIT + 1]], (6, 6), padding=((0, 1), (0, 1)), padding_mode="symmetric"),
    "channels": cm.conv([[[1, 1]], [[1, SPLIT + 1]]], 8, padding=((0, 1),), padding_mode="circular"),
    "the largest": cm.conv([[1, 1], [2**63 - 1, 2**62]], (4, 4), padding=((0, 1), (0, 1)), padding_mode="circular"),
    "beyond int64": cm.conv([[1, 1], [1, 10**20 * SPLIT + 1]], (5, 4), padding=1, padding_mode="reflect"),
    "far from 0": cm.conv([[2**40, 2**41], [3 * 2**40, 3 * 2**41 + SPLIT]], (4, 4), padding=1),
}


@pytest.mark.parametrize("op", OUTER_MODULO.values(), ids=OUTER_MODULO)
def test_an_outer_product_modulo_one_prime_is_none(op):
    expected = rank_of(integers_of(op))
    assert exact_rank(op)[:2] == (expected, expected)
    assert cm.null_space(op).dimension == cm.null_space(op, exact=True).dimension == op.shape[1] - expected
    floats = cm.conv(op.weight.astype(float), op.in_shape[1:], padding=1, padding_mode="circular")
    assert cm.rank_profile(floats, exact=True).operator.rank == rank_of(integers_of(exactly(floats)))


def test_large_outer_products_are_still_split():
    op = cm.conv([[own * 10**20 * other for other in (2**33, 3)] for own in (2**31, 1, -5)], (6, 6))
    assert [axes for _, _, axes in kronecker_parts(op.geometry, op.weight)] == [(1,), (2,)]


@pytest.mark.parametrize(("axes", "order"), [(1, 1), (2, 4)], ids=["one axis", "two axes"])
def test_the_least_integer_bounds_its_minors(axes, order):
    """Taps that add up to a multiple of the first prime tried, and one whose magnitude is no int64."""
    prime, _ = next(primes_with_roots(order))
    rest = [-prime] if axes == 1 else [-prime, 2 * prime]
    taps = np.array([-(2**63), 2**63 - sum(map(abs, rest)), *rest])
    weight = taps.reshape((2, 2) if axes == 2 else (3,))
    assert weight.dtype == np.int64
    op = cm.conv(weight, (4,) * axes, padding=((1, 0),) * 2 if axes == 2 else 1, padding_mode="circular")
    expected = rank_of(integers_of(op))
    assert expected == 4**axes
    assert block_ranks(op.geometry, op.weight).lower == expected
    assert exact_rank(op)[:2] == (expected, expected)
    assert cm.null_space(op).dimension == 0


def test_with_small_primes_everything_is_still_right(monkeypatch):
    """Modulo 3, 5 and 7 most of these ranks are too small."""

    def small(order=None):
        step = 1 if order is None else order
        first = [p for p in range(3, 200) if sympy.isprime(p) and (p - 1) % step == 0]
        return first if order is None else [(p, _root(order, p)) for p in first]

    for module in (bounded, lifting, splitting):
        monkeypatch.setattr(module, "primes", lambda: itertools.chain(small(), primes()))
    original = cyclotomic.primes_with_roots
    monkeypatch.setattr(cyclotomic, "primes_with_roots", lambda n: itertools.chain(small(n), original(n)))
    rng = np.random.default_rng(11)
    misled = 0
    for _ in range(60):
        op = drawn_circular(rng, lambda weight: weight * int(rng.choice([1, 3, 5, 7])) + 2 * (weight == 1))
        if op is None:
            continue
        expected = rank_of(op.toarray())
        assert exact_rank(op)[:2] == (expected, expected)
        plain = cm.conv(op.weight, op.in_shape[1:], padding=2, groups=op.geometry.groups)
        assert exact_rank(plain)[:2] == (rank_of(plain.toarray()),) * 2
        misled += len(lifting.pivots_modulo(op.toarray(), 3)[0]) < expected
    assert misled > 5


def _root(order, prime):
    return next(r for r in range(1, prime) if sympy.n_order(r, prime) == order)


def test_blocks_beyond_the_work_are_bounds():
    op = cm.conv("0 1 0; 1 -4 1; 0 1 0", (8, 8), **CIRCULAR)
    bare = block_ranks(op.geometry, op.weight, 0.0)
    assert (bare.lower, bare.upper) == (0, 64)
    # Enough for one image of each, not for all conjugates of those that are not full.
    each = cyclotomic._Images((8, 8), (1, 1), (1, 1), op.weight).work
    some = block_ranks(op.geometry, op.weight, each * len(orbits((8, 8))[1]))
    assert (some.lower, some.upper) == (63, 64)
    assert not some.exact[0, 0]
    assert some.exact.sum() == 63


def test_primes_that_run_out_leave_bounds(monkeypatch):
    monkeypatch.setattr(cyclotomic, "primes_with_roots", lambda _: iter([(17, 2)]))
    op = cm.conv([10**6, -(10**6)], 8, padding=((0, 1),), padding_mode="circular")
    found = block_ranks(op.geometry, op.weight)
    assert (found.lower, found.upper) == (7, 8)


# -- the parts --------------------------------------------------------------------------------------------------------


def test_one_axis_by_the_orders_of_its_frequencies():
    """Against FLINT: dilations, groups of channels, kernels beyond the input, and products of cyclotomic factors."""
    rng, deficient = np.random.default_rng(23), 0
    factors = [[1, -1], [1, 1], [1, 1, 1], [1, 0, 1], [1, -1, 1], [1, 0, -1, 0, 1], [2, 1], [FIRST, 0, -FIRST]]
    for _ in range(120):
        size, dilation = int(rng.integers(1, 40)), int(rng.integers(1, 7))
        channels = rng.integers(1, 4, 2)
        kernel = np.ones(1, dtype=int)
        for number in rng.integers(0, len(factors), rng.integers(0, 3)):
            kernel = np.convolve(kernel, factors[number])
        weight = np.einsum("oi,k->oik", rng.integers(-2, 3, channels), kernel)
        if rng.random() < 0.5:
            weight[0] = np.einsum("i,k->ik", rng.integers(-2, 3, channels[1]), rng.integers(-2, 3, len(kernel)))
        pads = (len(kernel) - 1) * dilation
        if pads > size or not weight.any():
            continue
        op = cm.conv(weight, size, padding=((pads, 0),), dilation=dilation, padding_mode="circular")
        expected = rank_of(op.toarray())
        found = block_ranks(op.geometry, op.weight)
        assert (found.lower, found.upper) == (expected, expected), op
        blocks = np.fft.fft(_wrapped(weight, size, dilation), axis=2).transpose(2, 0, 1)
        if np.abs(weight).max() < 1000:
            assert np.array_equal(np.linalg.matrix_rank(blocks, tol=1e-7), found.ranks)
        deficient += expected < min(op.shape)
    assert deficient > 20


def _wrapped(weight, size, dilation):
    total = np.zeros((*weight.shape[:2], size))
    for tap in range(weight.shape[2]):
        total[:, :, tap * dilation % size] += weight[:, :, tap]
    return total


ENDLESS = {
    # Modulo none of the primes in use is there a root of unity of order 2**22.
    "second differences": ([1, -2, 1], 2**22, 1),
    "a cube's corners": ([1, 0, 0, -1], 3 * 2**20, 3),
    "a binomial": ([1, 2, 1], 5_000_000, 1),
    "an odd circle": ([1, 1], 4_194_301, 0),
    "regular": ([1, 3, 1], 2**22, 0),
}


@pytest.mark.parametrize(("weight", "size", "dimension"), ENDLESS.values(), ids=ENDLESS)
def test_one_axis_of_any_size(weight, size, dimension):
    op = cm.conv(weight, size, padding=((0, len(weight) - 1),), padding_mode="circular")
    assert exact_rank(op)[:2] == (size - dimension,) * 2
    found = cm.null_space(op)
    assert (found.dimension, found.kind) == (dimension, "exact")


@pytest.mark.parametrize("work", [0.0, 1.0, 20.0, 200.0, 2000.0])
def test_one_axis_beyond_the_work_is_bounds(work):
    op = cm.conv([[[1, 1, 1], [2, 2, 2]], [[1, 0, -1], [2, 0, -2]]], 12, **CIRCULAR)
    found, expected = block_ranks(op.geometry, op.weight, work), rank_of(op.toarray())
    assert found.lower <= expected <= found.upper
    assert (found.lower == found.upper) == bool(found.exact.all())


def test_orbits_are_kept_for_few_grids_and_cannot_be_changed():
    labels, members = orbits((6,))
    assert not labels.flags.writeable
    assert not any(own.flags.writeable for own in members)
    assert orbits.cache_parameters()["maxsize"] <= 2


@pytest.mark.parametrize("sizes", [(1,), (12,), (7,), (4, 6), (3, 5), (2, 2, 3), ()], ids=str)
def test_orbits_are_those_of_the_units(sizes):
    labels, members = orbits(sizes)
    common = math.lcm(*sizes)
    units = [u for u in range(1, common + 1) if math.gcd(u, common) == 1]
    expected = {
        frozenset(tuple(u * q % n for q, n in zip(index, sizes, strict=True)) for u in units)
        for index in itertools.product(*map(range, sizes))
    }
    assert {
        frozenset(zip(*np.unravel_index(own, sizes), strict=True)) if sizes else frozenset([()]) for own in members
    } == {frozenset(tuple(map(int, index)) for index in own) for own in expected}
    assert all((labels[own] == label).all() for label, own in enumerate(members))


def test_kronecker_parts_multiply_back():
    for _ in range(40):
        axes = int(RNG.integers(1, 4))
        kernel = RNG.integers(1, 4, axes)
        weight = drawn(2, 3, *kernel)
        if RNG.random() < 0.7:
            weight = np.einsum("oi,...->oi...", drawn(2, 3), drawn(*kernel))
        if not weight.any():
            continue
        op = cm.conv(weight, tuple(int(k) + 2 for k in kernel))
        parts = kronecker_parts(op.geometry, op.weight)
        assert sorted(axis for _, _, own in parts for axis in own) in (list(range(1 + axes)), list(range(1, 1 + axes)))
        sizes = (2 * 3, *kernel)
        total = np.ones(())
        for _, values, own in parts:
            total = np.multiply.outer(total, values.reshape([sizes[axis] for axis in own]))
        order = np.argsort([axis for _, _, own in parts for axis in own])
        total = total.transpose(order).reshape(weight.shape)
        assert (np.linalg.matrix_rank(np.stack([total.ravel(), weight.ravel()]).astype(float))) == 1


def test_a_channel_that_is_a_combination_is_left_out():
    weight = drawn(5, 4, 3)
    weight[4] = 2 * weight[0] - 3 * weight[1]
    weight[:, 3] = weight[:, 0] + weight[:, 1]
    op = cm.conv(weight, 9)
    own, smaller, _ = independent_channels(op.geometry, weight, 1e9)
    assert smaller.shape == (4, 3, 3)
    assert (own.out_channels, own.in_channels) == (4, 3)


@pytest.mark.parametrize("padding_mode", ["zeros", "circular", "reflect", "replicate", "symmetric"])
def test_echelon_bounds_hold(padding_mode):
    tight = 0
    for _ in range(60):
        steps = zip(("stride", "padding", "dilation"), RNG.integers((1, 0, 1), (4, 3, 3)).tolist(), strict=True)
        weight = drawn(*RNG.integers(1, 4, 2), *RNG.integers(1, 4, 2)) * (RNG.random() < 0.95)
        try:
            op = cm.conv(weight, RNG.integers(3, 8, 2), padding_mode=padding_mode, **dict(steps))
        except ConvMatrixError:
            continue
        if not weight.any():
            continue
        found, rank = echelon_bounds(op.geometry, op.weight), rank_of(op.toarray())
        assert found.lower <= rank <= found.upper
        tight += found.is_exact
    assert tight > 3


EXACT = {
    "integers": (cm.conv([1, 2], 4), True),
    "fractions": (cm.conv([Fraction(1, 3), 2], 4), True),
    "floats": (cm.conv([1.0, 2], 4), False),
    "complex": (cm.conv([1j, 2], 4), False),
    "symbols": (cm.conv("a b", 4), False),
    "radicals": (cm.conv([sympy.sqrt(2), 1], 4), False),
    "float factor": (0.5 * cm.conv([1, 2], 4), False),
    "average": (cm.avg_pool((1, 4), 2) @ cm.conv([1, 2], 5), True),
    "bias of floats": (cm.conv([1, 2], 4, bias=[0.5]), True),
}


@pytest.mark.parametrize(("op", "verdict"), EXACT.values(), ids=EXACT)
def test_what_is_exact(op, verdict):
    assert is_exact(op) == verdict


def test_floats_as_the_fractions_they_are():
    weight = np.array([[0.1, 0.3], [0.2, 0.7]])
    op = 0.5 * (cm.conv(weight, (4, 5)) @ cm.identity((1, 4, 5))) + cm.conv(weight, (4, 5))
    found = exactly(op)
    assert is_exact(found)
    assert np.array_equal(found.toarray(dtype=float), op.toarray())


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(("weight", "rank"), [([[0.1, 0.3], [0.2, 0.6]], 1), ([[0.1, 0.3], [0.3, 0.9]], 2)], ids=str)
def test_fractions_decide_what_no_tolerance_would(weight, rank, kind):
    array = np.array(weight, dtype=kind)
    entries = [sympy.Rational(*float(value).as_integer_ratio()) for value in array.flat]
    assert sympy.Matrix(2, 2, entries).rank() == rank
    assert exact_rank(exactly(cm.conv(array, ())))[:2] == (rank, rank)


@pytest.mark.parametrize("weight", [[1j, 1], [sympy.sqrt(2), 1]], ids=str)
def test_numbers_that_are_not_rational_have_no_exact_rank(weight):
    with pytest.raises(ConvMatrixError, match="op must have weights that are rational numbers for an exact rank, got"):
        exactly(cm.conv(weight, 4))


def test_integer_matrices_are_multiples():
    for op, _ in WAYS.values():
        found, expected = integer_matrix(op).toarray().astype(object), integers_of(op)
        place = next(iter(np.argwhere(expected).tolist()), None)
        if place is None:
            assert not found.any()
        else:
            assert np.array_equal(found * expected[tuple(place)], expected * found[tuple(place)])


def test_whole_weights_have_no_common_divisor():
    assert whole(np.array([4, -6])).tolist() == [2, -3]
    assert whole(np.array([Fraction(4, 3), Fraction(2)], dtype=object)).tolist() == [2, 3]
    assert whole(np.zeros(2, dtype=np.int64)).tolist() == [0, 0]
    assert whole(np.array([10**30, 2 * 10**30], dtype=object)).dtype == np.int64


def test_bounds_are_intersected():
    assert intersected(RankBounds(1, 5, "a"), RankBounds(3, 9, "b")) == RankBounds(3, 5, "a")
