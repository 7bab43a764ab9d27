"""Each verdict against its definition on the dense matrix, and against one changed entry."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

import convmatrix as cm
from convmatrix.analysis.inspection import structure


def places(shape):
    return list(itertools.product(*map(range, shape)))


def by_definition(dense, in_shape, out_shape, key):
    """Whether the entry depends on `key(output, input)` alone."""
    seen = {}
    for row, output in enumerate(places(out_shape)):
        for column, source in enumerate(places(in_shape)):
            if seen.setdefault(key(output, source), dense[row, column]) != dense[row, column]:
                return False
    return True


def toeplitz_key(output, source):
    return output[0], source[0], *(i - o for o, i in zip(output[1:], source[1:], strict=True))


def circulant_key(sizes):
    def key(output, source):
        moves = ((i - o) % n for o, i, n in zip(output[1:], source[1:], sizes, strict=True))
        return output[0], source[0], *moves

    return key


def holds_step(dense, in_shape, out_shape, axis, step):
    """Whether a step changes nothing, and how many nonzero entries it moves."""
    tensor = dense.reshape(*out_shape, *in_shape)
    output, source = np.moveaxis(tensor, axis, 0), len(out_shape) + axis
    outputs, inputs = step
    output = np.moveaxis(output, source, 1)
    rows, columns = output.shape[:2]
    if outputs >= rows or inputs >= columns:
        return True, 0
    before = output[: rows - outputs, : columns - inputs]
    return bool((before == output[outputs:, inputs:]).all()), np.count_nonzero(before)


def step_by_definition(dense, in_shape, out_shape):
    steps = []
    for axis in range(1, len(in_shape)):
        if holds_step(dense, in_shape, out_shape, axis, (1, 1))[0]:
            steps.append((1, 1))
            continue
        pairs = [pair for s in range(2, 9) for pair in ((1, s), (s, 1))]
        found = [pair for pair in pairs if all(holds_step(dense, in_shape, out_shape, axis, pair))]
        if not found:
            return None
        steps.append(found[0])
    return tuple(steps)


def blocks_by_definition(dense):
    filled = np.flatnonzero(dense.any(axis=1))
    cuts = 0
    for row in filled[1:]:
        cuts += any(not dense[:row, c:].any() and not dense[row:, :c].any() for c in range(dense.shape[1] + 1))
    return cuts + 1


@st.composite
def matrices(draw):
    """A matrix with tensor shapes: of random entries, or of one of the structures, perhaps with one entry changed."""
    axes = draw(st.integers(1, 2))
    sizes = st.tuples(*[st.integers(1, 4)] * axes)
    out_shape = (draw(st.integers(1, 2)), *draw(sizes))
    in_shape = (draw(st.integers(1, 2)), *(out_shape[1:] if draw(st.booleans()) else draw(sizes)))
    kind = draw(st.sampled_from(["random", "toeplitz", "circulant", "step", "diagonal", "shift"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    keys = {
        "random": lambda o, i: (o, i),
        "toeplitz": toeplitz_key,
        "circulant": circulant_key(in_shape[1:]),
        "step": lambda o, i: (o[0], i[0], *(b - 2 * a for a, b in zip(o[1:], i[1:], strict=True))),
        "diagonal": lambda o, i: o if o == i else None,
        "shift": lambda o, i: np.ravel_multi_index(o, out_shape) - np.ravel_multi_index(i, in_shape),
    }
    table = {None: 0}
    dense = np.zeros((math.prod(out_shape), math.prod(in_shape)), dtype=np.int64)
    for row, output in enumerate(places(out_shape)):
        for column, source in enumerate(places(in_shape)):
            dense[row, column] = table.setdefault(keys[kind](output, source), rng.choice([0, 0, 1, 2]))
    if draw(st.booleans()):
        dense[rng.integers(dense.shape[0]), rng.integers(dense.shape[1])] += 1
    return dense, in_shape, out_shape


def stored(dense, zeros=()):
    """The matrix in CSR, with some of its zeros stored too."""
    rows, columns = np.nonzero(dense)
    extra = [(r, c) for r, c in zeros if dense[r, c] == 0]
    rows = np.r_[rows, np.array([r for r, _ in extra], dtype=int)]
    columns = np.r_[columns, np.array([c for _, c in extra], dtype=int)]
    return coo_array((dense[rows, columns], (rows, columns)), shape=dense.shape).tocsr()


def is_block_toeplitz(matrix, in_shape, out_shape, tol=0.0):
    """As `inspect` concludes it."""
    step = structure.find_step(matrix, in_shape, out_shape, tol)
    return step is not None and all(pair == (1, 1) for pair in step)


@settings(max_examples=150, deadline=None)
@given(matrices())
def test_verdicts_equal_their_definitions_on_the_dense_matrix(drawn):
    dense, in_shape, out_shape = drawn
    rows, columns = dense.shape
    matrix = stored(dense, [(0, 0), (rows - 1, 0), (rows - 1, columns - 1)])
    flat = (1, columns), (1, rows)
    assert structure.is_toeplitz(matrix) == by_definition(dense, *flat, toeplitz_key)
    assert is_block_toeplitz(matrix, in_shape, out_shape) == by_definition(dense, in_shape, out_shape, toeplitz_key)
    assert structure.is_circulant(matrix) == (
        rows == columns and by_definition(dense, *flat, circulant_key((columns,)))
    )
    assert structure.is_block_circulant(matrix, in_shape, out_shape) == (
        in_shape[1:] == out_shape[1:] and by_definition(dense, in_shape, out_shape, circulant_key(in_shape[1:]))
    )
    assert structure.find_step(matrix, in_shape, out_shape) == step_by_definition(dense, in_shape, out_shape)
    assert structure.is_symmetric(matrix) == (rows == columns and (dense == dense.T).all())
    assert structure.is_permutation(matrix) == (
        rows == columns
        and bool((np.sort(dense, axis=1)[:, -1] == 1).all())
        and np.abs(dense).sum() == rows
        and bool((dense.sum(axis=0) == 1).all())
    )
    assert structure.count_blocks(matrix) == blocks_by_definition(dense)
    filled_rows, filled_columns = np.nonzero(dense)
    assert structure.bandwidth(matrix) == (
        max((filled_rows - filled_columns).max(initial=0), 0),
        max((filled_columns - filled_rows).max(initial=0), 0),
    )


CIRCULAR = {"padding": "same", "padding_mode": "circular"}
VERDICTS = {
    "toeplitz": (lambda m, i, o, tol=0.0: structure.is_toeplitz(m, tol), cm.conv([1, 2, 3], 6)),
    "block toeplitz": (is_block_toeplitz, cm.conv([[1, 2], [3, 4]], (4, 5))),
    "circulant": (lambda m, i, o, tol=0.0: structure.is_circulant(m, tol), cm.conv([1, 2, 3], 6, **CIRCULAR)),
    "block circulant": (structure.is_block_circulant, cm.conv([[1, 2], [3, 4]], (4, 5), **CIRCULAR)),
    "block diagonal": (
        lambda m, i, o, tol=0.0: structure.count_blocks(m, tol) == 2,
        cm.conv(np.ones((4, 1, 3)), 5, padding=1, groups=2) @ cm.conv(np.ones((2, 1, 1)), 5, groups=2),
    ),
    "permutation": (lambda m, i, o, tol=0.0: structure.is_permutation(m, tol), cm.pixel_shuffle((4, 2, 3), 2)),
    "symmetric": (lambda m, i, o, tol=0.0: structure.is_symmetric(m, tol), cm.conv([2, 1, 2], 6, padding=1)),
    "hermitian": (lambda m, i, o, tol=0.0: structure.is_hermitian(m, tol), cm.conv([-2j, 1, 2j], 6, padding=1)),
    "strided": (
        lambda m, i, o, tol=0.0: structure.find_step(m, i, o, tol) == ((1, 2), (1, 3)),
        cm.conv([[1, 2, 3], [4, 5, 6]], (8, 10), stride=(2, 3), padding=1),
    ),
}
EACH_VERDICT = pytest.mark.parametrize(("verdict", "op"), VERDICTS.values(), ids=VERDICTS)


@EACH_VERDICT
def test_one_changed_entry_turns_the_verdict(verdict, op):
    matrix = op.tosparse()
    shapes = op.in_shape, op.out_shape
    assert verdict(matrix, *shapes)
    changed = matrix.toarray()
    # On an inner diagonal, and outside the blocks of a block diagonal matrix.
    changed[1, -2] += 7
    assert not verdict(csr_array(changed), *shapes)


@pytest.mark.parametrize("name", [name for name in VERDICTS if name != "block diagonal"])
def test_one_dropped_entry_turns_the_verdict(name):
    verdict, op = VERDICTS[name]
    matrix = op.tosparse()
    middle = matrix.indptr[matrix.shape[0] // 2]
    changed = matrix.copy()
    changed.data[middle] = 0
    fewer = structure.nonzeros(changed)
    assert fewer.nnz == matrix.nnz - 1
    assert not verdict(changed, op.in_shape, op.out_shape)
    assert not verdict(fewer, op.in_shape, op.out_shape)


@EACH_VERDICT
def test_tolerance_forgives_rounding_and_no_more(verdict, op):
    dense = op.toarray().astype(complex if op.dtype.kind == "c" else float)
    dense += 1e-14 * np.random.default_rng(0).standard_normal(dense.shape)
    noisy = csr_array(dense)
    assert verdict(noisy, op.in_shape, op.out_shape, 1e-12)
    assert not verdict(noisy, op.in_shape, op.out_shape)


@pytest.mark.parametrize("make", [scipy.linalg.toeplitz, scipy.linalg.circulant, scipy.linalg.hankel])
@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_against_scipys_special_matrices(make, n):
    matrix = csr_array(make(np.arange(1.0, n + 1)))
    assert structure.is_toeplitz(matrix) == (make is not scipy.linalg.hankel or n == 1)
    assert (
        structure.is_circulant(matrix)
        == ({scipy.linalg.circulant: True, scipy.linalg.toeplitz: n <= 2, scipy.linalg.hankel: n == 1}[make])
    )
    assert structure.is_symmetric(matrix) == (make is not scipy.linalg.circulant or n <= 2)


STEPS = {
    "stride 3": (cm.conv([1, 2, 3], 12, stride=3, padding=1), ((1, 3),)),
    "transposed stride 2": (cm.conv_transpose([1, 2, 3], 5, stride=2, padding=1), ((2, 1),)),
    "nearest, twice": (cm.resize((1, 8), 2), ((2, 1),)),
    "nearest, by 3/2": (cm.resize((1, 8), 1.5), None),
    "reflect": (cm.conv([1, 2, 3], 8, padding=1, padding_mode="reflect"), None),
    "one axis of two": (cm.conv([[1, 2], [3, 4]], (7, 7), stride=(1, 2)), ((1, 1), (1, 2))),
    "stride 20": (cm.conv([1, 2, 3], 100, stride=20), ((1, 20),)),
    "no axes": (cm.conv([[1, 2], [3, 4]], ()), None),
}


@pytest.mark.parametrize(("op", "step"), STEPS.values(), ids=STEPS)
def test_step(op, step):
    assert structure.find_step(op.tosparse(), op.in_shape, op.out_shape) == step


def test_block_structures_need_axes():
    matrix = csr_array(np.eye(3))
    assert not is_block_toeplitz(matrix, (3,), (3,))
    assert not structure.is_block_circulant(matrix, (3,), (3,))
    assert not is_block_toeplitz(matrix, (3, 1), (3,))


def test_nonzeros_copies_only_where_it_drops():
    full = csr_array(np.array([[1, 2], [0, 3]]))
    assert structure.nonzeros(full) is full
    repeated = csr_array((np.array([1.0, -1.0, 2.0]), np.array([0, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    assert structure.nonzeros(repeated).nnz == 1
    assert repeated.nnz == 3


def test_zero_matrix():
    zero = csr_array((3, 3), dtype=float)
    assert structure.bandwidth(zero) == (0, 0)
    assert structure.count_blocks(zero) == 1
    assert structure.is_toeplitz(zero)
    assert structure.is_circulant(zero)
    assert not structure.is_permutation(zero)
