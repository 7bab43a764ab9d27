"""`inspect` over all kinds of operators, its bounds, and its displays."""

from __future__ import annotations

import json
import time
from fractions import Fraction

import numpy as np
import pytest
import sympy
from html_reading import cells_of
from hypothesis import given, settings
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix.analysis.inspection import conditioning, counting
from convmatrix.analysis.inspection import report as inspection

BLOCK = "block Toeplitz with Toeplitz blocks"
DIAGONAL, SAME = "block diagonal", "symmetric"
SQUARE = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]
RNG = np.random.default_rng(0)


def circular(**options):
    return {"padding": "same", "padding_mode": "circular", **options}


def normal(*shape):
    return RNG.standard_normal(shape)


RING = {"Toeplitz", BLOCK, "circulant", "block circulant"}
A, B = sympy.symbols("a b")
X = sympy.Symbol("x", real=True)
OPERATORS = {
    "valid, 1-D": (cm.conv([1, 2, 3], 6), {"Toeplitz", BLOCK}),
    "zeros, 2-D": (cm.conv(SQUARE, (5, 5), padding=1), {BLOCK}),
    "zeros, 3-D": (cm.conv(normal(2, 2, 2, 2, 2), (3, 3, 3)), {BLOCK}),
    "circular, 1-D": (cm.conv([1, 2, 3], 6, **circular()), RING),
    "circular, 2-D": (cm.conv(SQUARE, (4, 5), **circular()), {BLOCK, "doubly block circulant"}),
    "circular, 3-D": (cm.conv(normal(1, 1, 2, 2, 2), (3, 3, 4), **circular()), {BLOCK, "3-fold block circulant"}),
    "circular, channels": (cm.conv(normal(2, 3, 3, 3), (4, 4), **circular()), {BLOCK, "doubly block circulant"}),
    "reflect": (cm.conv([1, 2, 3], 6, padding=1, padding_mode="reflect"), set()),
    "replicate": (cm.conv([1, 2, 3], 6, padding=1, padding_mode="replicate"), set()),
    "symmetric": (cm.conv([[1, 2, 3]], (2, 6), padding=(0, 1), padding_mode="symmetric"), {DIAGONAL}),
    "strided": (cm.conv([1, 2, 3], 9, stride=2), set()),
    "strided, apart": (cm.conv([1, 2], 8, stride=2), {DIAGONAL}),
    "transposed": (cm.conv_transpose(SQUARE, (3, 3), stride=2, padding=1), set()),
    "transposed, stride 1": (cm.conv_transpose(SQUARE, (2, 2)), {BLOCK}),
    "dilated": (cm.conv([1, 2, 3], 9, dilation=2), {"Toeplitz", BLOCK}),
    "grouped": (cm.conv(normal(4, 2, 3, 3), (4, 4), padding=1, groups=2), {BLOCK, DIAGONAL}),
    "pointwise": (cm.conv(normal(3, 2, 1, 1), (3, 3)), {BLOCK, "doubly block circulant"}),
    "symmetric kernel": (cm.conv([1, 2, 1], 6, padding=1), {"Toeplitz", BLOCK, SAME}),
    "identity": (
        cm.identity((2, 3)),
        RING | {DIAGONAL, "permutation", SAME},
    ),
    "channel shuffle": (cm.channel_shuffle((6, 2), 2), {BLOCK, "block circulant", DIAGONAL, "permutation"}),
    "pixel shuffle": (cm.pixel_shuffle((4, 2, 2), 2), {DIAGONAL, "permutation"}),
    "nearest": (cm.resize((1, 4), 2), {DIAGONAL}),
    "linear": (cm.resize((1, 4), 2, "linear"), set()),
    "average": (cm.avg_pool((1, 6), 3, stride=1), {"Toeplitz", BLOCK}),
    "average, padded, counted": (cm.avg_pool((1, 6), 3, stride=1, padding=1, count_include_pad=False), set()),
    "C.T @ C": (cm.conv(SQUARE, (5, 5)).T @ cm.conv(SQUARE, (5, 5)), {SAME}),
    "sum": (cm.conv([1, 2, 1], 5, padding=1) + cm.identity((1, 5)), {"Toeplitz", BLOCK, SAME}),
    "symbols": (cm.conv([A, B, A], 5, padding=1), {"Toeplitz", BLOCK, SAME}),
    "fractions": (cm.conv([Fraction(1, 3), Fraction(1, 6)], 5, **circular()), RING),
    "tap of 0": (cm.conv([0, 1, 0], 5, padding=1), RING | {DIAGONAL, "permutation", SAME}),
    "Hermitian": (cm.conv([-1j, 2, 1j], 5, padding=1), {"Toeplitz", BLOCK}),
    "fully connected": (cm.conv(normal(2, 3), ()), set()),
}


@pytest.mark.parametrize(("op", "names"), OPERATORS.values(), ids=OPERATORS)
def test_structures(op, names):
    found = cm.inspect(op)
    # The two names of symmetry are tested below.
    assert set(found.structures) - {"Hermitian"} == names
    assert all(verdict is not None for name, verdict in found._verdicts() if name != "Hermitian")


@pytest.mark.parametrize("op", [op for op, _ in OPERATORS.values()], ids=OPERATORS)
def test_sizes_are_those_of_the_matrix(op):
    found = cm.inspect(op)
    assert (found.in_shape, found.out_shape, found.shape) == (op.in_shape, op.out_shape, op.shape)
    assert found.dtype == str(op.dtype)
    exact = op.dtype == object
    if not (exact and op.tosympy().free_symbols):
        matrix = op.tosparse(dtype=float if exact else None)
        assert found.nnz == matrix.nnz
        assert found.nbytes == op.nbytes("csr")
        assert found.density == matrix.nnz / np.prod(matrix.shape)


@pytest.mark.parametrize("op", [op for op, _ in OPERATORS.values()], ids=OPERATORS)
def test_round_trip_through_json(op):
    found = cm.inspect(op)
    document = found.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["structures"] == list(found.structures)
    assert document["shape"] == list(op.shape)


@pytest.mark.parametrize("op", [op for op, names in OPERATORS.values() if op.dtype != object])
def test_rank_and_condition_equal_numpys(op):
    found, dense = cm.inspect(op), op.toarray().astype(complex)
    assert found.rank == np.linalg.matrix_rank(dense)
    assert found.rank_kind == ("exact" if op.dtype.kind == "i" else "numerical")
    assert (found.rank_tol is None) == (found.rank_kind == "exact")
    if found.rank == min(op.shape):
        assert found.condition == pytest.approx(np.linalg.cond(dense), rel=1e-6)
    else:
        assert found.condition == np.inf


def test_blocks_of_a_grouped_layer_are_its_groups():
    found = cm.inspect(cm.conv(normal(8, 2, 3, 3), (4, 4), padding=1, groups=4))
    assert found.is_block_diagonal
    assert found.blocks == 4


HERMITIAN = {
    "complex, Hermitian": (cm.conv([-1j, 2, 1j], 5, padding=1), False, True),
    "complex, symmetric": (cm.conv([1j, 2, 1j], 5, padding=1), True, False),
    "real": (cm.conv([1.0, 2, 1], 5, padding=1), True, True),
    "real symbol": (cm.conv([X, 1, X], 5, padding=1), True, True),
    "imaginary": (cm.conv([-sympy.I * X, 1, sympy.I * X], 5, padding=1), False, True),
    "free symbol": (cm.conv([A, 1, A], 5, padding=1), True, None),
    "free symbol, not square": (cm.conv([A, 1, A], 5), False, False),
}


@pytest.mark.parametrize(("op", "is_symmetric", "is_hermitian"), HERMITIAN.values(), ids=HERMITIAN)
def test_symmetric_and_hermitian_are_told_apart(op, is_symmetric, is_hermitian):
    found = cm.inspect(op)
    assert (found.is_symmetric, found.is_hermitian) == (is_symmetric, is_hermitian)
    assert any("real" in note for note in found.notes) == (is_hermitian is None)


def test_rounding_in_a_float_product_is_forgiven_and_said():
    op = cm.conv(normal(2, 2, 3, 3), (7, 6), **circular())
    found = cm.inspect(op.T @ op)
    assert found.is_doubly_block_circulant
    assert found.is_symmetric
    assert found.tol == 84 * np.finfo(float).eps
    assert "of the largest entry" in str(found)
    assert cm.inspect(op).tol == 0


def test_equal_expressions_are_recognised_in_exact_products():
    a = sympy.Symbol("a")
    op = cm.conv([a + 1, a - 1], 6, **circular())
    found = cm.inspect(op @ op)
    assert found.is_circulant
    # (1 + a)(1 - a) and 1 - a**2 are one value written twice.
    first = cm.conv([(1 + a) * (1 - a), 1], 3, **circular())
    second = cm.conv([1 - a**2, 1], 3, **circular())
    assert cm.inspect(first - second).structures[-1] in ("symmetric", "Hermitian")
    assert cm.inspect(first - second).bandwidth == (0, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(1, 4), st.integers(1, 2), st.integers(0, 3), st.integers(0, 999))
def test_exact_ranks_equal_sympys(size, taps, stride, padding, seed):
    rng = np.random.default_rng(seed)
    if size + 2 * padding < taps:
        return
    op = cm.conv(rng.integers(-1, 2, taps), size, stride=stride, padding=padding)
    scaled = cm.conv(op.weight[0, 0], size, stride=stride, padding=padding) * Fraction(1, 3)
    for found in (cm.inspect(op), cm.inspect(scaled)):
        assert (found.rank, found.rank_kind, found.rank_tol) == (op.tosympy().rank(), "exact", None)


def test_irrational_numbers_have_a_numerical_rank():
    found = cm.inspect(cm.conv([sympy.sqrt(2), 1], 4))
    assert (found.rank, found.rank_kind) == (3, "numerical")
    assert cm.inspect(cm.conv([sympy.sqrt(2), sympy.I * sympy.sqrt(3)], 4)).rank == 3


def test_the_rank_of_float32_is_judged_by_its_own_precision():
    column, row = normal(8).astype(np.float32), normal(8).astype(np.float32)
    found = cm.inspect(cm.conv(np.outer(column, row).astype(np.float32), ()))
    assert (found.rank, found.condition) == (1, np.inf)
    assert found.rank_tol == 8 * np.finfo(np.float32).eps


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_rank_and_condition_do_not_depend_on_the_scale(scale):
    found = cm.inspect(cm.conv(scale * np.array([1.0, 3.0]), 4))
    assert found.rank == 3
    assert found.condition == pytest.approx(cm.inspect(cm.conv([1.0, 3.0], 4)).condition)


def test_the_zero_operator():
    found = cm.inspect(cm.conv([0.0, 0.0], 4))
    assert (found.rank, found.condition, found.bandwidth) == (0, np.inf, (0, 0))
    assert found.to_dict()["condition"] == "inf"


def test_an_exact_rank_that_takes_too_long_is_replaced_and_said(monkeypatch):
    monkeypatch.setattr(conditioning, "ELIMINATION_WORK", 1.0)
    found = cm.inspect(cm.conv([1, -2, 1], 40, **circular()))
    assert (found.rank, found.rank_kind, found.condition) == (39, "numerical", np.inf)
    assert any("proved to be at least 39" in note for note in found.notes)


@pytest.mark.parametrize("size", [50, 600])
def test_a_deficient_rank_is_proved_at_any_affordable_size(size):
    found = cm.inspect(cm.conv([1, -2, 1], size, **circular()))
    assert (found.rank, found.rank_kind, found.condition) == (size - 1, "exact", np.inf)
    assert not any("proved" in note for note in found.notes)


def test_symbols_have_no_rank_and_that_is_said():
    found = cm.inspect(cm.conv([A, B], 4))
    assert (found.rank, found.rank_kind, found.condition) == (None, "not computed", None)
    assert any("entries are symbols" in note for note in found.notes)


def test_a_large_permutation_has_its_rank_and_condition():
    found = cm.inspect(cm.identity((4, 100, 100)))
    assert (found.rank, found.rank_kind, found.condition) == (40000, "exact", 1.0)


def test_beyond_the_dense_bound_the_structure_is_still_verified():
    found = cm.inspect(cm.conv(normal(3, 3), (50, 50)))
    assert found.is_block_toeplitz
    assert found.rank_kind == "not computed"
    assert any("1500 x 1500" in note and "svds" in note for note in found.notes)


HUGE = cm.conv(np.ones((64, 64, 3, 3)), (4096, 4096), padding=1)
GRAM = HUGE.T @ HUGE


@pytest.mark.parametrize("op", [HUGE, HUGE.T, GRAM, 2 * HUGE], ids=repr)
def test_an_operator_of_terabytes_is_answered_at_once(op):
    start = time.perf_counter()
    found = cm.inspect(op)
    assert time.perf_counter() - start < 1
    one_axis = 5 * 4096 - 6 if op is GRAM else 3 * 4096 - 2
    assert found.nnz == 64 * 64 * one_axis**2
    assert found.density == pytest.approx(found.nnz / (64 * 4096**2) ** 2)
    assert found.nbytes > 9e12
    assert found.structures == ()
    assert found.is_toeplitz is None
    assert found.bandwidth is None
    assert "smaller input_size" in found.notes[0]
    assert "not verified" in str(found)


def test_a_product_without_a_cheap_count_says_so():
    mixed = HUGE @ cm.pixel_shuffle((256, 2048, 2048), 2)
    found = cm.inspect(mixed)
    assert (found.nnz, found.density, found.nbytes) == (None, None, None)
    assert "too large" in found.notes[0]
    assert "not counted" in str(found)


def test_above_the_entry_bound_nothing_is_made_unless_max_bytes_allows(monkeypatch):
    monkeypatch.setattr(inspection, "VERIFIED_ENTRIES", 10)
    op = cm.conv([1, 2, 3], 8)
    found = cm.inspect(op)
    assert found.is_toeplitz is None
    assert f"pass max_bytes={op.nbytes()}" in found.notes[0]
    assert cm.inspect(op, max_bytes=op.nbytes()).is_toeplitz


def test_exact_entries_have_their_own_bound(monkeypatch):
    monkeypatch.setattr(inspection, "EXACT_ENTRIES", 10)
    assert "more than 10 entries" in cm.inspect(cm.conv([A, B, A], 8)).notes[0]


def test_max_bytes_below_the_matrix_is_respected():
    found = cm.inspect(cm.conv([1, 2, 3], 8), max_bytes=10)
    assert found.rank_kind == "not computed"
    assert "more than the 10 bytes allowed" in found.notes[0]


def test_max_bytes_below_the_dense_matrix_leaves_the_rank_out():
    op = cm.conv([1.0, 2, 3], 200)
    found = cm.inspect(op, max_bytes=op.nbytes())
    assert found.is_toeplitz
    assert "exceeds max_bytes" in found.notes[0]


def test_entries_of_a_sum_are_counted_where_affordable():
    op = cm.conv([1, 2, 1], 5, padding=1) + cm.conv([1, 2], 5, padding="same")
    assert counting.count_entries(op) == op.tosparse().nnz
    assert cm.inspect(HUGE + HUGE).nnz is None


REFUSED = {
    "NaN": (lambda: cm.conv([1, np.nan], 4), r"op must have finite entries to be inspected, got a weight with nan"),
    "SymPy's NaN": (
        lambda: cm.conv([1, sympy.nan], 4),
        r"op must have finite entries to be inspected, got a weight with nan",
    ),
    "SymPy's infinity": (lambda: cm.conv([1, sympy.oo], 4).T, r"to be inspected, got a weight with oo"),
    "infinity in an expression": (lambda: cm.conv([1, sympy.Symbol("a") - sympy.oo], 4), r"got a weight with a - oo"),
    "SymPy's infinite factor": (lambda: sympy.oo * cm.conv([1, 2], 4), r"finite entries to be inspected, got oo"),
    "infinite, in a product": (lambda: cm.conv([np.inf], 4).T @ cm.identity((1, 4)), r"got a weight with inf"),
    "infinite factor": (lambda: np.inf * cm.conv([1.0], 4), r"op must have finite entries to be inspected, got inf"),
    "an array": (lambda: np.eye(3), r"op must be a TensorOperator, such as conv\(...\) makes, got ndarray"),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(make, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.inspect(make())


@pytest.mark.parametrize("max_bytes", [-1, "1 GB", True], ids=repr)
def test_max_bytes_must_be_a_number(max_bytes):
    with pytest.raises(cm.ConvMatrixError, match="max_bytes must be a number of bytes of at least 0"):
        cm.inspect(HUGE, max_bytes=max_bytes)


def test_text_is_aligned_in_four_groups():
    text = str(cm.inspect(cm.conv(normal(4, 2, 3, 3), (5, 5), stride=2, padding=1, groups=2)))
    lines = text.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["Shape", "Storage", "Structure", "Rank"]
    column = lines[1].index("(4, 5, 5)")
    assert all(line[column - 1] == " " != line[column] for line in lines if line.startswith(" "))
    assert "yes, 2 blocks" in text
    assert "1:2 x 1:2" in text


def test_html_is_well_formed_and_says_the_same():
    found = cm.inspect(HUGE)
    assert {"Shape", "618,273,980,416", "not verified", *found.notes} <= set(cells_of(found._repr_html_()))


def test_the_result_is_frozen():
    found = cm.inspect(cm.identity((1, 3)))
    with pytest.raises(AttributeError):
        found.rank = 5


LARGE = {
    "integers": ([10**400, 1], (4, "exact")),
    "fractions": ([Fraction(10**400, 3), 1], (4, "exact")),
    "tiny": ([Fraction(1, 10**400), Fraction(2, 10**400)], (4, "exact")),
    "tiny radicals": (
        [sympy.sqrt(2) / sympy.Integer(10) ** 400, 2 * sympy.sqrt(2) / sympy.Integer(10) ** 400],
        (4, "numerical"),
    ),
    "radicals": ([sympy.sqrt(2) * 10**400, 1], (4, "numerical")),
}


@pytest.mark.parametrize(("weight", "rank"), LARGE.values(), ids=LARGE)
def test_exact_entries_beyond_floats_are_scaled(weight, rank):
    found = cm.inspect(cm.conv(weight, 5))
    assert (found.rank, found.rank_kind) == rank
    assert found.condition == pytest.approx(
        1 if abs(weight[0]) > 1 else cm.inspect(cm.conv([1, 2], 5)).condition, rel=1e-9
    )


def test_complex_entries_at_the_limit_are_scaled():
    found = cm.inspect(cm.conv(np.array([1.7e308 + 1.7e308j]), 3))
    assert (found.rank, found.condition) == (3, pytest.approx(1))
