"""What every operator owes: one table of operators, one list of promises, each checked on each."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import oracles
import pytest
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator, cg, lsqr, svds

import convmatrix as cm
from convmatrix.operators.channels import ChannelOrder


def W(*shape: int, dtype: Any = np.int64) -> np.ndarray:
    """A weight of small integers without a pattern, some of them zero."""
    numbers = (np.arange(int(np.prod(shape))) * 7 + 3) % 11 - 5
    weight = numbers.reshape(shape).astype(dtype)
    return weight * (1 + 2j) if np.dtype(dtype).kind == "c" else weight


def third(*shape: int) -> Any:
    """The same as exact thirds."""
    return np.array([Fraction(int(value), 3) for value in W(*shape).flat], dtype=object).reshape(shape)


def symbols(*shape: int) -> Any:
    """A weight of symbols."""
    import sympy

    return np.array(sympy.symbols(f"w:{int(np.prod(shape))}"), dtype=object).reshape(shape)


OPERATORS: dict[str, Callable[[], Any]] = {
    "conv 1-D": lambda: cm.conv(W(3), 7),
    "conv 1-D channels": lambda: cm.conv(W(4, 3, 2), 6, stride=2, padding=1),
    "conv 2-D": lambda: cm.conv(W(3, 2), (4, 5), padding=(1, 0)),
    "conv 2-D channels": lambda: cm.conv(W(3, 2, 3, 3), (5, 4), padding="same", bias=[1, 2, 3]),
    "conv 2-D groups": lambda: cm.conv(W(4, 2, 3, 1), (4, 3), groups=2, dilation=(1, 2), padding=1),
    "conv 2-D depthwise": lambda: cm.conv(W(6, 1, 2, 2), (3, 3), groups=3, stride=2, padding=1),
    "conv 3-D": lambda: cm.conv(W(2, 1, 2, 2, 2), (3, 2, 3), padding=[(0, 1), (1, 0), 0]),
    "conv 4-D": lambda: cm.conv(W(2, 1, 2, 2, 1, 2), (2, 3, 1, 2)),
    "conv fully connected": lambda: cm.conv(W(3, 4), ()),
    "conv full flip": lambda: cm.conv(W(3, 2), (3, 3), padding="full", flip=True),
    "conv kernel beyond the input": lambda: cm.conv(W(7), 3, padding=3),
    "conv rows of nothing": lambda: cm.conv(W(1), 2, padding=3, stride=2),
    "conv circular": lambda: cm.conv(W(2, 2, 3), 4, padding="same", padding_mode="circular"),
    "conv reflect": lambda: cm.conv(W(2, 2, 3, 3), (3, 4), padding=2, padding_mode="reflect", stride=(1, 2)),
    "conv replicate": lambda: cm.conv(W(5), 3, padding=(4,), padding_mode="replicate"),
    "conv symmetric": lambda: cm.conv(W(2, 1, 3, 3), (2, 2), padding=[(3, 2), 1], padding_mode="symmetric"),
    "conv float32": lambda: cm.conv(W(2, 2, 3, dtype="f4"), 6),
    "conv float64": lambda: cm.conv(W(3, 3, dtype=float) / 2, (4, 4)),
    "conv complex64": lambda: cm.conv(W(2, 2, 3, dtype="c8"), 5, padding=1),
    "conv complex128": lambda: cm.conv(W(2, 3, dtype=complex), (4, 4), padding="full", padding_mode="circular"),
    "conv fractions": lambda: cm.conv(third(2, 1, 3), 4, padding=1),
    "conv symbols": lambda: cm.conv(symbols(2, 1, 2), 3, padding=1, padding_mode="circular"),
    "transpose 1-D": lambda: cm.conv_transpose(W(3), 4, stride=2, output_padding=1),
    "transpose 2-D": lambda: cm.conv_transpose(W(4, 2, 3, 2), (3, 3), stride=2, padding=[(0, 1), 1], groups=2),
    "transpose dilated": lambda: cm.conv_transpose(W(2, 3, 2), 3, dilation=3, output_padding=2, bias=[1, 2, 3]),
    "transpose 3-D": lambda: cm.conv_transpose(W(1, 2, 2, 1, 2), (2, 2, 2), stride=(2, 1, 3)),
    "transpose complex": lambda: cm.conv_transpose(W(2, 2, 2, dtype=complex), 3, stride=2),
    "transpose of circular": lambda: cm.conv(W(3, 3), (4, 4), padding="same", padding_mode="circular").T,
    "identity": lambda: cm.identity((2, 3)),
    "identity of floats": lambda: cm.identity((2, 3), dtype=float),
    "channel shuffle": lambda: cm.channel_shuffle((6, 2), 3),
    "channel order": lambda: ChannelOrder((5, 2, 3), [3, 0, 4, 2, 1]),
    "pixel shuffle": lambda: cm.pixel_shuffle((8, 2, 3), 2),
    "pixel shuffle uneven": lambda: cm.pixel_shuffle((6, 2, 1), (3, 2)),
    "inverse pixel shuffle": lambda: cm.pixel_shuffle((4, 2, 2), 2).T,
    "resize nearest": lambda: cm.resize((2, 3, 4), 2),
    "resize nearest down": lambda: cm.resize((1, 7), Fraction(2, 3)),
    "resize nearest-exact": lambda: cm.resize((1, 5, 3), (1.5, 2), "nearest-exact"),
    "resize linear": lambda: cm.resize((2, 4), 2, "linear"),
    "resize bilinear": lambda: cm.resize((1, 3, 5), (2, Fraction(3, 5)), "bilinear"),
    "resize trilinear float32": lambda: cm.resize((1, 2, 2, 3), 2, "trilinear", dtype="f4"),
    "average": lambda: cm.avg_pool((2, 4, 5), 2),
    "average padded": lambda: cm.avg_pool((1, 5, 5), 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    "average dilated": lambda: cm.avg_pool((1, 7), 2, stride=1, dilation=3),
    "transpose of average": lambda: cm.avg_pool((1, 5), 2, stride=1).T,
    "product": lambda: cm.conv(W(2, 3, 2), 4) @ cm.conv(W(3, 1, 2), 5),
    "product with its transpose": lambda: cm.conv(W(3), 6).T @ cm.conv(W(3), 6),
    "product of three": lambda: cm.conv(W(3, 2, 1), 6) @ cm.resize((2, 3), 2) @ cm.conv(W(2, 1, 2), 4),
    "product shuffled": lambda: (
        cm.conv(W(4, 2, 3), 4, groups=2) @ cm.channel_shuffle((4, 4), 2) @ cm.conv(W(4, 1, 1), 4, groups=2)
    ),
    "product of permutations": lambda: cm.channel_shuffle((6, 2), 3) @ cm.channel_shuffle((6, 2), 2),
    "product that cancels": lambda: cm.conv([1, 1], 3) @ cm.conv([1, -1], 4),
    "product complex": lambda: cm.conv(W(3, dtype=complex), 4) @ cm.conv(W(2, dtype=complex), 5),
    "product of fractions": lambda: cm.conv(third(2), 4) @ cm.conv(W(2), 5),
    "product of average and fractions": lambda: cm.avg_pool((1, 4), 2) @ cm.conv(third(2), 5),
    "sum": lambda: cm.conv(W(3), 5, padding=1) + cm.conv(W(5), 5, padding=2),
    "sum that cancels": lambda: cm.conv(W(3), 5) - cm.conv(W(3), 5),
    "sum of permutations": lambda: cm.identity((6, 2)) + cm.channel_shuffle((6, 2), 2),
    "sum of biases": lambda: cm.conv(W(2, 1, 1), 3, bias=[1, 2]) + cm.conv(W(2, 1, 1), 3, bias=[3, 4]),
    "difference of resizes": lambda: cm.resize((1, 4), 2) - cm.resize((1, 4), 2, "linear"),
    "scaled": lambda: 3 * cm.conv(W(3), 5),
    "scaled by a fraction": lambda: Fraction(1, 3) * cm.conv(W(3), 5),
    "scaled by a float": lambda: cm.conv(W(3), 5) * 0.5,
    "scaled by a complex number": lambda: (1 + 2j) * cm.conv(W(3), 5),
    "scaled permutation": lambda: 200 * cm.identity((2, 2)),
    "scaled by a symbol": lambda: symbols(1)[0] * cm.conv(W(2), 3),
    "divided": lambda: cm.conv(W(3), 5) / 4,
    "negated": lambda: -cm.conv(W(2, 2, 2), 4),
    "power": lambda: cm.conv(W(3), 5, padding=1) ** 3,
    "power 0": lambda: cm.conv(W(3), 5, padding=1) ** 0,
    "transpose of a product": lambda: (cm.conv(W(2, 3, 2), 4) @ cm.conv(W(3, 1, 2), 5)).T,
    "transpose of a sum": lambda: (cm.conv(W(3), 5, padding=1) + cm.identity((1, 5))).T,
    "conjugate transpose": lambda: cm.conv(W(2, 2, 3, dtype=complex), 5).H,
    "conjugate transpose of a product": lambda: ((2 + 1j) * cm.conv(W(2, dtype=complex), 5) @ cm.identity((1, 5))).H,
}  # fmt: skip


# Every kind of the catalogue, two of them smaller than their examples.
OPERATORS |= {f"kind {kind.name}": kind.example for kind in cm.KINDS.values()}
OPERATORS |= {
    "kind depthwise_separable": lambda: cm.KINDS["depthwise_separable"].build(W(3, 1, 3, 3), W(4, 3), (5, 4)),
    "kind shufflenet_unit": lambda: cm.KINDS["shufflenet_unit"].build(W(3, 2), W(3, 1, 3, 3), W(6, 1), (3, 2)),
}


@cache
def made(name: str) -> cm.TensorOperator:
    op: cm.TensorOperator = OPERATORS[name]()
    return op


@cache
def matrix_of(name: str) -> np.ndarray:
    """The oracle: what the operator does to each unit vector."""
    return oracles.by_unit_vectors(made(name))


def is_exact(op: cm.TensorOperator) -> bool:
    return bool(op.dtype == object)


def integers(shape: tuple[int, ...], seed: int, op: cm.TensorOperator) -> np.ndarray:
    """A tensor of integers, complex ones for a complex operator."""
    rng = np.random.default_rng(seed)
    real = rng.integers(-20, 20, shape)
    return real + 1j * rng.integers(-20, 20, shape) if op.dtype.kind == "c" else real


def simplified(matrix: Any) -> Any:
    import sympy

    return np.array([sympy.expand(entry) for entry in np.asarray(matrix, dtype=object).flat], dtype=object)


every = pytest.mark.parametrize("name", OPERATORS)
numeric = pytest.mark.parametrize("name", [name for name in OPERATORS if not is_exact(made(name))])


@every
def test_shapes_say_what_is_mapped(name: str) -> None:
    op = made(name)
    assert op.shape == (int(np.prod(op.out_shape)), int(np.prod(op.in_shape)))
    assert (op.T.in_shape, op.T.out_shape, op.T.shape) == (op.out_shape, op.in_shape, op.shape[::-1])
    assert isinstance(op, LinearOperator)
    assert isinstance(op, cm.TensorOperator)
    for part in (f"{op.in_shape} -> {op.out_shape}", f"{op.shape[0]} x {op.shape[1]} matrix", str(op.dtype)):
        assert part in repr(op)


@every
def test_dense_matrix_is_what_it_does(name: str) -> None:
    dense, expected = made(name).toarray(), matrix_of(name)
    assert dense.dtype == made(name).dtype
    if is_exact(made(name)):
        assert np.array_equal(simplified(dense), simplified(expected))
    else:
        oracles.assert_same(dense, expected)


@numeric
@pytest.mark.parametrize("format", ["csr", "csc", "coo"])
def test_sparse_matrix_is_canonical_and_as_announced(name: str, format: str) -> None:
    op = made(name)
    matrix = op.tosparse(format)
    oracles.assert_canonical(matrix)
    oracles.assert_same(matrix.toarray(), op.toarray())
    assert matrix.dtype == op.dtype
    assert matrix.format == format
    assert matrix.nnz == op.nnz
    assert oracles.sparse_bytes(matrix) == op.nbytes(format)


@numeric
def test_transpose_is_the_transpose(name: str) -> None:
    op = made(name)
    across = op.T.tosparse()
    oracles.assert_canonical(across)
    assert across.nnz == op.T.nnz == op.nnz
    expected = csr_array(op.tosparse().T)
    expected.sort_indices()
    assert np.array_equal(across.indptr, expected.indptr)
    assert np.array_equal(across.indices, expected.indices)
    oracles.assert_same(across.data, expected.data)
    oracles.assert_same(op.T.T.toarray(), op.toarray())


@numeric
def test_conjugate_transpose(name: str) -> None:
    op = made(name)
    oracles.assert_same(op.H.toarray(), op.toarray().conj().T)
    oracles.assert_same(op.T.H.toarray(), op.toarray().conj())


@every
def test_dot_test(name: str) -> None:
    """<A x, y> is <x, A.H y>: exactly on integers."""
    op = made(name)
    x, y = integers((op.shape[1],), 1, op), integers((op.shape[0],), 2, op)
    if is_exact(op):
        left, right = ((op @ x) * y).sum(), (x * (op.T @ y)).sum()
        assert simplified([left]) == simplified([right])
    else:
        oracles.assert_same(np.vdot(y, op @ x), np.vdot(op.H @ y, x))


@every
@pytest.mark.parametrize("axes", [0, 1, 2])
def test_tensors_with_batch_axes(name: str, axes: int) -> None:
    op = made(name)
    batch = (2, 3)[:axes]
    x = integers((*batch, *op.in_shape), 3 + axes, op)
    answer = op(x)
    assert answer.shape == (*batch, *op.out_shape)
    expected = np.stack([matrix_of(name) @ image for image in x.reshape(-1, op.shape[1])]).reshape(answer.shape)
    assert_equal(op, answer, expected)


@every
def test_empty_batches(name: str) -> None:
    op = made(name)
    assert op(np.zeros((0, *op.in_shape))).shape == (0, *op.out_shape)
    assert (op @ np.zeros((op.shape[1], 0))).shape == (op.shape[0], 0)


@every
def test_vectors_and_matrices(name: str) -> None:
    op = made(name)
    X, Y = integers((op.shape[1], 3), 5, op), integers((op.shape[0], 2), 6, op)
    dense = matrix_of(name)
    assert_equal(op, op @ X, dense @ X)
    assert_equal(op, op @ X[:, 0], dense @ X[:, 0])
    assert_equal(op, op.T @ Y, dense.T @ Y)
    assert_equal(op, op.matvec(X[:, 0]), dense @ X[:, 0])
    assert_equal(op, op.matmat(X), dense @ X)
    assert_equal(op, op.dot(X), dense @ X)
    assert_equal(op, op * X, dense @ X)
    assert_equal(op, Y.T @ op, Y.T @ dense)
    assert_equal(op, Y[:, 0] @ op, Y[:, 0] @ dense)
    if not is_exact(op):
        assert_equal(op, op.rmatvec(Y[:, 0]), dense.conj().T @ Y[:, 0])
        assert_equal(op, op.rmatmat(Y), dense.conj().T @ Y)


def assert_equal(op: cm.TensorOperator, answer: Any, expected: Any) -> None:
    if is_exact(op):
        assert np.shape(answer) == np.shape(expected)
        assert np.array_equal(simplified(answer), simplified(expected))
    else:
        oracles.assert_same(answer, expected)


@every
@pytest.mark.parametrize("order", ["C", "F", "reversed", "every other"])
def test_inputs_in_any_memory_order_stay_as_they_were(name: str, order: str) -> None:
    op = made(name)
    x = integers((op.shape[1], 2), 8, op)
    given = {
        "C": x,
        "F": np.asfortranarray(x),
        "reversed": np.ascontiguousarray(x[::-1])[::-1],
        "every other": np.repeat(x, 2, axis=1)[:, ::2],
    }[order]
    given.setflags(write=False)
    answer = op @ given
    assert_equal(op, answer, matrix_of(name) @ x)
    assert np.array_equal(given, x)
    assert not np.shares_memory(answer, given)


@every
def test_exact_matrix(name: str) -> None:
    import sympy

    op = made(name)
    matrix = op.tosympy()
    assert isinstance(matrix, sympy.SparseMatrix)
    assert not isinstance(matrix, sympy.ImmutableMatrix)
    assert matrix.shape == op.shape
    assert not matrix.has(sympy.Float)
    if is_exact(op):
        assert np.array_equal(simplified(matrix.tolist()), simplified(op.toarray().tolist()))
    else:
        oracles.assert_same(np.array(matrix.tolist(), dtype=complex), op.toarray().astype(complex))
    assert matrix is not op.tosympy()
    across = op.T.tosympy()
    assert across.shape == matrix.T.shape
    assert np.array_equal(simplified(across.tolist()), simplified(matrix.T.tolist()))


@numeric
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_nan_reaches_only_what_reads_it(name: str, value: float) -> None:
    op = made(name)
    column = op.shape[1] // 2
    x = np.ones(op.shape[1])
    x[column] = value
    reached = np.zeros(op.shape[0], dtype=bool)
    structure = op.tosparse("csc")
    reached[structure.indices[structure.indptr[column] : structure.indptr[column + 1]]] = True
    with np.errstate(invalid="ignore", over="ignore"):
        for answer in (op @ x, op(x.reshape(op.in_shape)).ravel(), (op @ np.stack([x, x], axis=1))[:, 1]):
            assert not np.isnan(answer[~reached]).any()
            assert np.isfinite(answer[~reached]).all()


@every
@pytest.mark.parametrize("difference", [-1, 1])
def test_wrong_lengths_are_refused(name: str, difference: int) -> None:
    op = made(name)
    for vector in (np.zeros(op.shape[1] + difference), np.zeros((op.shape[1] + difference, 2))):
        with pytest.raises(cm.ConvMatrixError, match=f"the vector must have length {op.shape[1]} "):
            op @ vector
    with pytest.raises(cm.ConvMatrixError, match="the vector must have length"):
        op.T @ np.zeros(op.shape[0] + difference)
    with pytest.raises(cm.ConvMatrixError, match="the vector must have length"):
        op @ np.zeros((op.shape[1], 1, 1))
    wrong = (*op.in_shape[:-1], op.in_shape[-1] + 7)
    with pytest.raises(cm.ConvMatrixError, match=r"x must have the shape .* after any batch axes, got "):
        op(np.zeros(wrong))


@numeric
def test_known_to_scipy(name: str) -> None:
    op = made(name)
    assert aslinearoperator(op) is op
    dense = op.toarray().astype(complex if op.dtype.kind == "c" else float)
    y = integers((op.shape[0],), 4, op).astype(dense.dtype)
    if min(op.shape) > 2 and dense.any():
        floats = 1.0 * op if op.dtype.kind == "i" else op
        start = np.cos(np.arange(min(op.shape)))
        largest = svds(floats, k=1, v0=start, return_singular_vectors=False)
        tolerance = 1e-3 if dense.itemsize < 8 or op.dtype in (np.float32, np.complex64) else 1e-7
        np.testing.assert_allclose(largest, np.linalg.norm(dense, 2), rtol=tolerance, atol=1e-12)
    if op.dtype.kind != "c":
        solution = lsqr(op, y, atol=1e-13, btol=1e-13, iter_lim=2000)[0]
        expected = np.linalg.lstsq(dense, y, rcond=None)[0]
        tolerance = 1e-4 if op.dtype == np.float32 else 1e-6
        np.testing.assert_allclose(dense @ solution, dense @ expected, atol=tolerance * max(1, abs(y).max()))


@numeric
def test_normal_equations(name: str) -> None:
    """`A.H @ A + I` is positive definite, and `cg` solves it."""
    op = made(name)
    normal = op.H @ op + cm.identity(op.in_shape)
    y = integers((op.shape[1],), 9, op).astype(complex if op.dtype.kind == "c" else float)
    x, failed = cg(normal, y, rtol=1e-8 if op.dtype.itemsize >= 8 else 1e-4)
    assert not failed
    np.testing.assert_allclose(normal.toarray() @ x, y, atol=1e-3 * max(1, abs(y).max()))


@numeric
def test_known_to_pylops(name: str) -> None:
    pylops = pytest.importorskip("pylops")
    op = made(name)
    wrapped = pylops.aslinearoperator(op)
    x, y = integers((op.shape[1],), 1, op), integers((op.shape[0],), 2, op)
    oracles.assert_same(wrapped.matvec(x), op @ x)
    oracles.assert_same(wrapped.rmatvec(y), op.H @ y)


@pytest.mark.parametrize("name", [name for name in OPERATORS if is_exact(made(name))])
def test_exact_operators_refuse_scipy(name: str) -> None:
    import sympy

    op = made(name)
    with pytest.raises(cm.SymbolicError, match=r"use tosympy\(\)"):
        op.tosparse()
    symbolic = any(entry.free_symbols for entry in op.tosympy().values())
    if symbolic:
        with pytest.raises(cm.SymbolicError, match=r"use tosympy\(\) for the exact matrix"):
            op.tosparse(dtype=float)
    else:
        floats = op.tosparse(dtype=float)
        oracles.assert_canonical(floats)
        assert floats.nnz == op.nnz
        expected = np.array(sympy.Matrix(op.tosympy()).evalf().tolist(), dtype=float)
        np.testing.assert_allclose(floats.toarray(), expected, rtol=1e-15)


def test_the_table_has_every_leaf() -> None:
    """A new public constructor has to join the suite."""
    import ast
    import inspect

    source = ast.parse(inspect.getsource(inspect.getmodule(made)))  # type: ignore[arg-type]
    used = {node.attr for node in ast.walk(source) if isinstance(node, ast.Attribute)}
    from convmatrix import operators

    assert set(operators.__all__) - {"TensorOperator"} <= used
