"""What `TensorOperator` does for every operator: pictures, errors, formats, display."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import oracles
import pytest
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import convmatrix as cm

SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]


def test_plain_pictures_in_and_out() -> None:
    op = cm.conv(SOBEL, (4, 5))
    picture = np.arange(20).reshape(4, 5)
    assert op(picture).shape == (2, 3)
    assert op(picture[None]).shape == (1, 2, 3)
    assert op(np.stack([picture] * 6)).shape == (6, 2, 3)
    assert op(np.stack([picture] * 6)[:, None]).shape == (6, 1, 2, 3)
    assert op(picture.tolist()).tolist() == op(picture).tolist()
    assert np.array_equal(op(picture).ravel(), op @ picture.ravel())


def test_a_picture_of_one_row_is_a_tensor() -> None:
    """Where both readings fit, the tensor's wins: `(1, 4)` is one channel of 4."""
    op = cm.conv([1, 1], 4)
    assert op(np.ones((1, 4))).shape == (1, 3)
    assert op(np.ones(4)).shape == (3,)
    assert op(np.ones((7, 1, 4))).shape == (7, 1, 3)
    assert op(np.ones((7, 4))).shape == (7, 3)


@pytest.mark.parametrize("shape", [(), (4,), (5, 4), (2, 4, 5, 1), (1, 5, 4), (20,)], ids=repr)
def test_tensors_of_other_shapes(shape: tuple[int, ...]) -> None:
    op = cm.conv(SOBEL, (4, 5))
    message = re.escape(f"x must have the shape (1, 4, 5), after any batch axes, got {shape}")
    with pytest.raises(cm.ConvMatrixError, match=message):
        op(np.zeros(shape))


def test_several_channels_take_no_plain_picture() -> None:
    with pytest.raises(cm.ConvMatrixError, match=re.escape("x must have the shape (2, 4)")):
        cm.conv(np.ones((1, 2, 3)), 4)(np.zeros(4))


@pytest.mark.parametrize(
    "x", [[[1, 2], [3]], "text", [None] * 20, np.array(["a"] * 20)], ids=["ragged", "text", "none", "strings"]
)
def test_inputs_that_are_no_numbers(x: Any) -> None:
    op = cm.conv(SOBEL, (4, 5))
    with pytest.raises(cm.ConvMatrixError, match="x must be"):
        op(x)
    with pytest.raises(cm.ConvMatrixError, match="the vector must be"):
        op @ x


def test_a_wrong_length_names_both() -> None:
    with pytest.raises(
        cm.ConvMatrixError,
        match=re.escape("the vector must have length 20 (in_shape (1, 4, 5)), or be a matrix of that many rows, got"),
    ):
        cm.conv(SOBEL, (4, 5)) @ np.zeros(6)


@pytest.mark.parametrize("format", ["CSR", "bsr", "dense", None, 3], ids=repr)
def test_formats_nobody_knows(format: Any) -> None:
    message = re.escape(f"format must be one of 'csr', 'csc', 'coo', got {format!r}")
    for ask in (cm.conv([1, 2], 5).tosparse, cm.conv([1, 2], 5).nbytes):
        with pytest.raises(cm.ConvMatrixError, match=message):
            ask(format)


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        ("int64", "dtype must keep the kind of number"),
        ("float16", "dtype must be one that scipy.sparse holds"),
        ("bool", "dtype must be one that scipy.sparse holds"),
        (object, "dtype must be one that scipy.sparse holds"),
    ],
    ids=repr,
)
def test_dtypes_that_cannot_be(dtype: Any, message: str) -> None:
    for ask in (cm.conv([1.5, 2], 5).tosparse, cm.conv([1.5, 2], 5).toarray):
        with pytest.raises(cm.ConvMatrixError, match=message):
            ask(dtype=dtype)


@pytest.mark.parametrize("dtype", ["int8", "int32", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("format", ["csr", "csc", "coo"])
def test_a_dtype_asked_for(dtype: str, format: str) -> None:
    op = cm.conv([1, 2, 3], 6)
    matrix = op.tosparse(format, dtype=dtype)
    assert matrix.dtype == np.dtype(dtype)
    assert np.array_equal(matrix.toarray(), op.toarray())
    assert oracles.sparse_bytes(matrix) == op.nbytes(format, dtype)
    assert op.toarray(dtype).dtype == np.dtype(dtype)
    oracles.assert_canonical(matrix)


def test_entries_that_would_not_fit_the_dtype() -> None:
    with pytest.raises(cm.ConvMatrixError, match="dtype must hold every entry of the weight, got int8"):
        cm.conv([1, 300], 5).tosparse(dtype="int8")


def test_operators_of_scipy_compose() -> None:
    op = cm.conv([1.0, 2], 4)
    other = aslinearoperator(np.arange(12.0).reshape(4, 3))
    product = op @ other
    assert isinstance(product, LinearOperator)
    assert not isinstance(product, cm.TensorOperator)
    assert np.array_equal(product @ np.eye(3), op.toarray() @ np.arange(12.0).reshape(4, 3))
    left = aslinearoperator(np.ones((2, 3))) @ op
    assert np.array_equal(left @ np.eye(4), np.ones((2, 3)) @ op.toarray())
    total = op + aslinearoperator(np.ones((3, 4)))
    assert np.array_equal(total @ np.eye(4), op.toarray() + 1)


@pytest.mark.parametrize("sparse", [csr_array, coo_array], ids=lambda kind: kind.__name__)
def test_sparse_matrices_meet_the_matrix(sparse: Callable[[Any], Any]) -> None:
    op = cm.conv([1, 2], 4)
    right, left = sparse(np.arange(8).reshape(4, 2)), sparse(np.arange(6).reshape(2, 3))
    assert np.array_equal((op @ right).toarray(), op.toarray() @ right.toarray())
    assert np.array_equal((left @ op).toarray(), left.toarray() @ op.toarray())


def test_adjoint_and_transpose_by_their_names() -> None:
    op = cm.conv(np.array([1 + 1j, 2]), 4)
    assert np.array_equal(op.transpose().toarray(), op.toarray().T)
    assert np.array_equal(op.adjoint().toarray(), op.toarray().conj().T)


def test_a_real_operator_is_its_own_conjugate() -> None:
    op = cm.conv([1, 2], 4)
    assert np.array_equal(op.H.toarray(), op.toarray().T)
    assert op.T.T is op


REPRS: list[tuple[Callable[[], Any], str]] = [
    (lambda: cm.conv(SOBEL, (5, 5)), "<Convolution 3x3: (1, 5, 5) -> (1, 3, 3), 9 x 25 matrix, int64>"),
    (
        lambda: cm.conv(np.ones((4, 1, 3)), 9, stride=2, padding=[(0, 1)], dilation=2, groups=2),
        "<Convolution 3, stride 2, padding 0:1, dilation 2, groups 2: (2, 9) -> (4, 3), 12 x 18 matrix, float64>",
    ),
    (
        lambda: cm.conv(SOBEL, (5, 4), stride=(2, 1), padding=1, padding_mode="circular"),
        "<Convolution 3x3, stride 2x1, padding 1, circular: (1, 5, 4) -> (1, 3, 4), 12 x 20 matrix, int64>",
    ),
    (lambda: cm.conv(np.ones((2, 3)), ()), "<Convolution fully connected: (3,) -> (2,), 2 x 3 matrix, float64>"),
    (lambda: cm.conv([1, 2], 4).T, "<Transposed of Convolution 2: (1, 3) -> (1, 4), 4 x 3 matrix, int64>"),
    (lambda: cm.identity((2, 2)), "<Permutation identity: (2, 2) -> (2, 2), 4 x 4 matrix, int8>"),
    (lambda: cm.resize((1, 4), 1.5), "<Resize nearest 3/2: (1, 4) -> (1, 6), 6 x 4 matrix, float64>"),
    (lambda: cm.avg_pool((1, 4, 4), 2), "<AvgPool 2x2, stride 2: (1, 4, 4) -> (1, 2, 2), 4 x 16 matrix, float64>"),
    (
        lambda: cm.conv([1, 2], 3) @ cm.conv([1, 2], 4),
        "<Product Convolution @ Convolution: (1, 4) -> (1, 2), 2 x 4 matrix, int64>",
    ),
    (lambda: 2 * cm.conv([1, 2], 4), "<Scaled 2 * Convolution: (1, 4) -> (1, 3), 3 x 4 matrix, int64>"),
    (
        lambda: cm.identity((1, 4)) + cm.identity((1, 4)),
        "<Sum Permutation + Permutation: (1, 4) -> (1, 4), 4 x 4 matrix, int64>",
    ),
]


@pytest.mark.parametrize(("maker", "text"), REPRS, ids=[case[1] for case in REPRS])
def test_short_form(maker: Callable[[], Any], text: str) -> None:
    assert repr(maker()) == text


def test_the_short_form_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    op = cm.conv(np.ones((512, 512, 3, 3), np.float32), (512, 512), padding=1)
    monkeypatch.setattr(type(op), "_csr", lambda *_: pytest.fail("built"))
    assert "134217728 x 134217728" in repr(op)
    html = op._repr_html_()
    assert html is not None
    assert "134217728 x 134217728" in html
    assert op._repr_latex_() is None


def test_small_exact_matrices_are_mathematics() -> None:
    op = cm.conv([1, Fraction(1, 2)], 3)
    assert op._repr_html_() is None
    latex = op._repr_latex_()
    assert latex is not None
    assert latex.startswith("$\\displaystyle \\left[\\begin{matrix}1 & \\frac{1}{2} & 0\\\\0 & 1 & \\frac{1}{2}")


@pytest.mark.parametrize(("size", "drawn"), [(20, True), (21, False)])
def test_larger_matrices_are_summarised(size: int, drawn: bool) -> None:
    op = cm.conv([1], size)
    assert (op._repr_latex_() is not None) == drawn
    html = op._repr_html_()
    assert (html is None) == drawn
    if html is not None:
        assert "<td>21 x 21</td>" in html
        assert "<th>input</th><td>(1, 21)</td>" in html


def test_float_matrices_are_summarised() -> None:
    assert cm.conv([0.5], 4)._repr_latex_() is None
    assert "float64" in str(cm.conv([0.5], 4)._repr_html_())


@pytest.mark.parametrize("name", ["in_shape", "shape"])
def test_shapes_are_plain_tuples_of_ints(name: str) -> None:
    op = cm.conv(np.ones((2, 2, 3, 3)), np.array([5, 5]), stride=np.int64(2), padding=np.array([1, 1]))
    assert all(type(n) is int for n in (*getattr(op, name), *op.out_shape))


@pytest.mark.parametrize("kind", ["int8", "float32", "complex64"])
def test_plain_results_of_products(kind: str) -> None:
    """Arrays of NumPy, contiguous or not, and never matrices."""
    op = cm.conv(np.array([1, 2], kind), 5)
    for answer in (op @ np.ones(5), op(np.ones((2, 1, 5))), op @ np.ones((5, 2))):
        assert type(answer) is np.ndarray


def test_the_summary_is_escaped() -> None:
    import sympy

    html = (sympy.Symbol("<b>") * cm.conv(np.ones((1, 1, 3)), 40))._repr_html_()
    assert html is not None
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def test_sizes_beyond_any_index_are_refused() -> None:
    with pytest.raises(cm.ConvMatrixError, match=r"fewer than 2\*\*63 rows and columns"):
        cm.conv([1], 2**63)


def test_results_beyond_the_memory_are_refused() -> None:
    with pytest.raises(cm.MatrixTooLargeError, match=r"the product would take .* smaller inputs"):
        cm.conv([1, 2, 3], 10, padding=10**12) @ np.ones(10)


UNKNOWN_DTYPES = {
    "tosparse": lambda: cm.conv([1, 2], 4).tosparse(dtype="junk"),
    "nbytes": lambda: cm.conv([1, 2], 4).nbytes(dtype="junk"),
    "toarray": lambda: cm.conv([1, 2], 4).toarray(dtype="junk"),
    "identity": lambda: cm.identity((1, 4), dtype="junk"),
    "resize": lambda: cm.resize((1, 4), 2, dtype="junk"),
}


@pytest.mark.parametrize("make", UNKNOWN_DTYPES.values(), ids=UNKNOWN_DTYPES)
def test_unknown_dtypes_are_named(make: Callable[[], Any]) -> None:
    with pytest.raises(cm.ConvMatrixError, match="dtype must be one that NumPy knows, got 'junk'"):
        make()
