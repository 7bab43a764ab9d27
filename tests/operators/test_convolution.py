"""`conv` and `conv_transpose`: the article's matrix, spellings, frameworks and signal libraries, exact and symbolic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import oracles
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.signal

import convmatrix as cm

sympy = pytest.importorskip("sympy")


def image(*shape: int) -> np.ndarray:
    return (np.arange(int(np.prod(shape))) * 13 + 5).reshape(shape) % 17 - 8


def taps(*shape: int) -> np.ndarray:
    return (np.arange(int(np.prod(shape))) * 5 + 1).reshape(shape) % 9 - 3


def test_the_matrix_of_the_article() -> None:
    """A 3x3 kernel on a 4x4 input: C is 4x16, and its transpose takes 2x2 to 4x4."""
    w = sympy.symbols("w:3:3")
    C = cm.conv(np.array(w, dtype=object).reshape(3, 3), (4, 4))
    w00, w01, w02, w10, w11, w12, w20, w21, w22 = w
    o = 0
    literal = [
        [w00, w01, w02, o, w10, w11, w12, o, w20, w21, w22, o, o, o, o, o],
        [o, w00, w01, w02, o, w10, w11, w12, o, w20, w21, w22, o, o, o, o],
        [o, o, o, o, w00, w01, w02, o, w10, w11, w12, o, w20, w21, w22, o],
        [o, o, o, o, o, w00, w01, w02, o, w10, w11, w12, o, w20, w21, w22],
    ]
    assert C.tosympy() == sympy.Matrix(literal)
    assert C.T.tosympy() == sympy.Matrix(literal).T
    assert (C.shape, C.T.out_shape, C.nnz) == ((4, 16), (1, 4, 4), 36)
    x = sympy.Matrix(sympy.symbols("x:16"))
    assert (C @ np.array(x, dtype=object).ravel()).tolist() == list(sympy.Matrix(literal) * x)


def test_the_example_of_the_article() -> None:
    C = cm.conv([[0, 1, 2], [2, 2, 0], [0, 1, 2]], (5, 5))
    assert C.out_shape == (1, 3, 3)
    picture = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
    assert C(picture).tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]


def test_the_matrix_prints_as_mathematics() -> None:
    op = cm.conv(list(sympy.symbols("a b")), 3)
    latex = "\\left[\\begin{matrix}a & b & 0\\\\0 & a & b\\end{matrix}\\right]"
    assert sympy.latex(op.tosympy()) == latex
    assert op._repr_latex_() == f"$\\displaystyle {latex}$"


def test_symbols_by_name() -> None:
    assert cm.conv("a b; c d", (2, 2)).tosympy() == sympy.Matrix([sympy.symbols("a b c d")])


def test_symbols_refuse_numbers_and_say_which() -> None:
    op = cm.conv("a b", 4)
    message = r"must be numeric for a SciPy matrix, got the symbols a, b: use tosympy\(\) for the exact matrix"
    for ask in (op.tosparse, op.T.tosparse, lambda: op.tosparse(dtype=float), lambda: op.toarray(dtype=float)):
        with pytest.raises(cm.SymbolicError, match=message):
            ask()


def test_fractions_need_a_dtype() -> None:
    op = cm.conv([Fraction(1, 3), Fraction(2, 3)], 3)
    with pytest.raises(cm.SymbolicError, match="exact fractions, which SciPy cannot: pass dtype=float"):
        op.tosparse()
    assert op.tosparse(dtype=float).toarray().tolist() == [[1 / 3, 2 / 3, 0], [0, 1 / 3, 2 / 3]]
    assert op.tosympy() == sympy.Matrix([[1, 2, 0], [0, 1, 2]]) / 3
    assert (op @ [1, 1, 1]).tolist() == [1, 1]
    assert [type(value) for value in op @ [Fraction(1, 2), 1, 0]] == [Fraction, Fraction]


def test_floats_are_the_dyadic_rationals_they_are() -> None:
    op = cm.conv(np.array([0.1, 0.5]), 2)
    assert op.tosympy() == sympy.Matrix([[sympy.Rational(3602879701896397, 2**55), sympy.Rational(1, 2)]])
    assert cm.conv(np.array([0.5 + 1j]), 1).tosympy()[0, 0] == sympy.Rational(1, 2) + sympy.I


def test_merged_symbols_are_added() -> None:
    matrix = cm.conv("a b c", 2, padding=1, padding_mode="circular").tosympy()
    a, b, c = sympy.symbols("a b c")
    assert matrix == sympy.Matrix([[b, a + c], [a + c, b]])


def test_a_large_symbolic_matrix() -> None:
    op = cm.conv(np.array(sympy.symbols("w:25"), dtype=object).reshape(5, 5), (34, 34), padding=[(0, 2), (0, 2)])
    matrix = op.tosympy()
    assert matrix.shape == op.shape == (1024, 1156)
    assert len(matrix.todok()) == op.nnz
    assert op.T.tosympy().shape == (1156, 1024)


SPELLINGS: list[tuple[Any, tuple[int, ...], dict[str, Any]]] = [
    ([1, 2, 1], (5,), {}),
    ("1 2 1", (5,), {}),
    ((1, 2, 1), (5,), {"stride": (1,)}),
    (np.array([1, 2, 1]), (5,), {"padding": "valid"}),
    (np.array([[[1, 2, 1]]]), (5,), {"padding": [(0, 0)]}),
    ([[[1, 2, 1]]], (5,), {"dilation": [1]}),
    ([Fraction(1), Fraction(2), Fraction(1)], (5,), {"groups": 1}),
    ([sympy.Integer(1), 2, 1], (5,), {"padding_mode": "zeros"}),
    (np.array([1, 2, 1], np.uint8), (5,), {"flip": True}),
]


@pytest.mark.parametrize(("weight", "size", "options"), SPELLINGS, ids=lambda value: repr(value)[:40])
def test_spellings_of_one_layer(weight: Any, size: tuple[int, ...], options: dict[str, Any]) -> None:
    op = cm.conv(weight, size, **options)
    assert op.toarray().tolist() == [[1, 2, 1, 0, 0], [0, 1, 2, 1, 0], [0, 0, 1, 2, 1]]
    assert (op.in_shape, op.out_shape) == ((1, 5), (1, 3))


def test_a_kernel_and_a_size_of_one_axis() -> None:
    assert cm.conv([1, 2, 1], 5).in_shape == cm.conv([1, 2, 1], [5]).in_shape == (1, 5)


def test_weights_are_those_applied() -> None:
    op = cm.conv(taps(2, 3), (4, 4), flip=True)
    assert op.weight.tolist() == taps(2, 3)[::-1, ::-1].reshape(1, 1, 2, 3).tolist()
    assert cm.conv_transpose(taps(2, 3, 2), 4).weight.shape == (2, 3, 2)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_flip_turns_every_axis(axes: int) -> None:
    weight = taps(2, 2, *[3, 2, 3][:axes])
    turned = weight[(slice(None), slice(None), *[slice(None, None, -1)] * axes)]
    size = (5, 4, 3)[:axes]
    assert np.array_equal(cm.conv(weight, size, flip=True).toarray(), cm.conv(turned, size).toarray())


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, [(2, 0)]], ids=repr)
def test_a_transposed_convolution_is_the_transpose(groups: int, stride: int, dilation: int, padding: Any) -> None:
    """Entry for entry: of the convolution on the larger grid."""
    weight = taps(4, 3, 3)
    for extra in range(max(stride, dilation)):
        options = {"stride": stride, "dilation": dilation, "groups": groups, "padding": padding}
        D = cm.conv_transpose(weight, 5, output_padding=extra, **options)
        if extra < stride:
            C = cm.conv(weight, D.out_shape[1:], **options)
            assert C.geometry == D.geometry
            assert (D.tosparse() != C.tosparse().T).nnz == 0
        assert np.array_equal(D.toarray(), D.T.toarray().T)


def test_a_transposed_convolution_restores_the_shape_only() -> None:
    C = cm.conv([1, 2, 1], 6, stride=2, padding=1)
    assert (C.T @ C).out_shape == C.in_shape
    assert not np.array_equal((C.T @ C).toarray(), np.eye(6))


BIASES: list[tuple[Any, str]] = [
    ([1, 2], "int64"),
    (np.array([1, 2], np.float32), "float32"),
    ((1.5, 2), "float64"),
    ([Fraction(1, 2), 1], "object"),
    (sympy.symbols("p q"), "object"),
]


@pytest.mark.parametrize(("bias", "dtype"), BIASES, ids=repr)
def test_a_bias_is_one_value_an_output_channel(bias: Any, dtype: str) -> None:
    for op in (
        cm.conv(taps(2, 3, 2, 2), (4, 4), bias=bias),
        cm.conv_transpose(taps(3, 2, 2, 2), (4, 4), bias=bias),
    ):
        assert op.bias is not None
        assert op.bias.shape == (2, 1, 1)
        assert op.bias.dtype == np.dtype(dtype)
        assert not (op @ np.zeros(op.shape[1], dtype=int)).any()
    assert cm.conv([1], 3).bias is None


# -- signal libraries -------------------------------------------------------------------------------------------------

BOUNDARIES = {"fill": "zeros", "wrap": "circular", "symm": "symmetric"}
FILTER_MODES = {
    "constant": "zeros", "wrap": "circular", "mirror": "reflect", "reflect": "symmetric", "nearest": "replicate",
}  # fmt: skip
PAD = {"full": "full", "same": "same_lower", "valid": "valid"}


@pytest.mark.parametrize("mode", PAD)
@pytest.mark.parametrize("n", [5, 6])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_numpy_and_scipy_in_1d(mode: str, n: int, k: int) -> None:
    x, w = image(n), taps(k)
    turned = cm.conv(w, n, padding=PAD[mode], flip=True) @ x
    straight = cm.conv(w, n, padding=PAD[mode]) @ x
    assert np.array_equal(turned, np.convolve(x, w, mode))  # type: ignore[call-overload]
    assert np.array_equal(straight, np.correlate(x, w, mode))  # type: ignore[call-overload]
    assert np.array_equal(turned, scipy.signal.convolve(x, w, mode, method="direct"))
    assert np.array_equal(straight, scipy.signal.correlate(x, w, mode, method="direct"))


@pytest.mark.parametrize("mode", PAD)
@pytest.mark.parametrize("shape", [(2, 1), (3, 4), (2, 4)], ids=repr)
def test_scipy_in_3d(mode: str, shape: tuple[int, int]) -> None:
    x, w = image(3, 5, 4), taps(2, *shape)
    op = cm.conv(w, x.shape, padding=PAD[mode], flip=True)
    assert np.array_equal(op(x), scipy.signal.convolve(x, w, mode, method="direct"))


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("mode", PAD)
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4), (1, 5), (4, 1)], ids=repr)
def test_scipy_in_2d(mode: str, boundary: str, kernel: tuple[int, int]) -> None:
    x, w = image(6, 7), taps(*kernel)
    # For even kernels `correlate2d` has its odd pad after, unlike `correlate`.
    turned = cm.conv(w, x.shape, padding=PAD[mode], padding_mode=BOUNDARIES[boundary], flip=True)
    straight = cm.conv(w, x.shape, padding=mode, padding_mode=BOUNDARIES[boundary])
    assert np.array_equal(turned(x), scipy.signal.convolve2d(x, w, mode, boundary))
    assert np.array_equal(straight(x), scipy.signal.correlate2d(x, w, mode, boundary))


@pytest.mark.parametrize("mode", FILTER_MODES)
@pytest.mark.parametrize("kernel", [(3,), (4,), (3, 5), (2, 3), (3, 2, 1)], ids=repr)
def test_ndimage(mode: str, kernel: tuple[int, ...]) -> None:
    x, w = image(*(5, 6, 4)[: len(kernel)]), taps(*kernel)
    mine = FILTER_MODES[mode]
    straight = cm.conv(w, x.shape, padding="same_lower", padding_mode=mine)
    assert np.array_equal(straight(x), scipy.ndimage.correlate(x, w, mode=mode))
    turned = cm.conv(w, x.shape, padding="same", padding_mode=mine, flip=True)
    assert np.array_equal(turned(x), scipy.ndimage.convolve(x, w, mode=mode))


@pytest.mark.parametrize("mode", FILTER_MODES)
@pytest.mark.parametrize(("k", "origin"), [(3, -1), (3, 1), (4, -2), (4, 1), (5, 2), (2, -1)])
def test_ndimage_origins(mode: str, k: int, origin: int) -> None:
    """An origin moves the kernel: so many more positions before, so many fewer after."""
    x, w = image(7), taps(k)
    before = k // 2 + origin
    op = cm.conv(w, 7, padding=[(before, k - 1 - before)], padding_mode=FILTER_MODES[mode])
    assert np.array_equal(op @ x, scipy.ndimage.correlate1d(x, w, mode=mode, origin=origin))


@pytest.mark.parametrize("mode", PAD)
@pytest.mark.parametrize(("n", "k"), [(5, 3), (6, 4), (4, 1), (5, 5)])
def test_matrices_of_scipy_linalg(mode: str, n: int, k: int) -> None:
    w = taps(k)
    op = cm.conv(w, n, padding=PAD[mode], flip=True)
    assert np.array_equal(op.toarray(), scipy.linalg.convolution_matrix(w, n, mode))


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (3, 5), (5, 2), (1, 3), (3, 1)])
def test_toeplitz_matrices(rows: int, columns: int) -> None:
    """Any Toeplitz matrix is one convolution: its first column read upwards, then its first row."""
    column, row = taps(rows), image(columns)
    row[0] = column[0]
    op = cm.conv(np.r_[column[::-1], row[1:]], columns, padding=[(rows - 1, rows - 1)])
    assert np.array_equal(op.toarray(), scipy.linalg.toeplitz(column, row))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_circulant_matrices(n: int) -> None:
    op = cm.conv(taps(n), n, padding=[(n - 1, 0)], padding_mode="circular", flip=True)
    assert np.array_equal(op.toarray(), scipy.linalg.circulant(taps(n)))


# -- the ONNX reference evaluator -------------------------------------------------------------------------------------


def floats(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)


@pytest.mark.parametrize("auto_pad", ["VALID", "SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4)], ids=repr)
def test_onnx_conv_auto_pad(auto_pad: str, stride: int, kernel: tuple[int, int]) -> None:
    pytest.importorskip("onnx")
    x, w = image(1, 2, 7, 6), taps(3, 2, *kernel)
    padding = {"VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}[auto_pad]
    op = cm.conv(w, x.shape[2:], stride=stride, padding=padding)
    expected = oracles.run_onnx("Conv", {"x": floats(x), "w": floats(w)}, auto_pad=auto_pad, strides=[stride, stride])
    assert np.array_equal(op(x), expected)


@pytest.mark.parametrize(
    ("pads", "strides", "dilations", "group"),
    [([0, 0, 0, 0], [1, 1], [1, 1], 1), ([1, 0, 2, 3], [2, 1], [1, 2], 2), ([0, 2, 1, 0], [3, 2], [2, 1], 1)],
)
def test_onnx_conv_pads(pads: list[int], strides: list[int], dilations: list[int], group: int) -> None:
    """ONNX lists all pads before, then all pads after."""
    pytest.importorskip("onnx")
    x, w = image(2, 4, 7, 6), taps(2, 4 // group, 3, 2)
    pairs = list(zip(pads[:2], pads[2:], strict=True))
    op = cm.conv(w, x.shape[2:], stride=strides, padding=pairs, dilation=dilations, groups=group)
    expected = oracles.run_onnx(
        "Conv", {"x": floats(x), "w": floats(w)}, pads=pads, strides=strides, dilations=dilations, group=group
    )
    assert np.array_equal(op(x), expected)


@pytest.mark.parametrize(
    ("pads", "strides", "extra", "dilations"),
    [
        ([0, 0, 0, 0], [1, 1], [0, 0], [1, 1]),
        ([1, 0, 2, 1], [2, 3], [1, 2], [1, 1]),
        ([0, 1, 0, 1], [2, 2], [0, 1], [2, 1]),
    ],
)
def test_onnx_conv_transpose(pads: list[int], strides: list[int], extra: list[int], dilations: list[int]) -> None:
    pytest.importorskip("onnx")
    x, w = image(1, 4, 4, 3), taps(4, 2, 3, 2)
    pairs = list(zip(pads[:2], pads[2:], strict=True))
    op = cm.conv_transpose(w, x.shape[2:], stride=strides, padding=pairs, output_padding=extra, dilation=dilations)
    expected = oracles.run_onnx(
        "ConvTranspose",
        {"x": floats(x), "w": floats(w)},
        pads=pads, strides=strides, output_padding=extra, dilations=dilations,
    )  # fmt: skip
    assert np.array_equal(op(x), expected)


def test_the_callers_weight_and_bias_are_copied() -> None:
    weight, bias = np.ones((1, 1, 2)), np.ones(1)
    op = cm.conv(weight, 4, bias=bias)
    before = op @ np.arange(4.0)
    weight[:], bias[:] = 5, 5
    assert np.array_equal(op @ np.arange(4.0), before)
    assert np.array_equal(op.tosparse() @ np.arange(4.0), before)
    assert op.bias is not None
    assert op.bias.ravel().tolist() == [1.0]
    with pytest.raises(ValueError, match="read-only"):
        op.weight[0, 0, 0] = 7


def test_a_returned_matrix_is_the_callers_to_change() -> None:
    op = cm.conv([1, 2, 3], 5)
    for _ in range(2):
        matrix = op.tosparse()
        assert matrix.toarray().tolist() == [[1, 2, 3, 0, 0], [0, 1, 2, 3, 0], [0, 0, 1, 2, 3]]
        matrix.data[:] = 9
        matrix.indices[:] = 0


LARGE = 2**40


def test_integer_products_beyond_int64_stay_exact() -> None:
    op = cm.conv([LARGE, LARGE], 3)
    assert (op @ np.full(3, LARGE)).tolist() == [2 * LARGE**2] * 2
    assert (op @ np.full((3, 2), LARGE)).tolist() == [[2 * LARGE**2] * 2] * 2
    assert (op.T @ np.full(2, LARGE)).tolist() == [LARGE**2, 2 * LARGE**2, LARGE**2]
    assert (op @ np.ones(3, dtype=int)).dtype == np.int64


WRAPPING = {
    "product": lambda: (cm.conv([LARGE], 3) @ cm.conv([LARGE], 3)).toarray(),
    "merged taps": lambda: cm.conv([2**62, 2**62], 3, padding=1, padding_mode="replicate").tosparse(),
    "multiple": lambda: (4 * cm.conv([2**62, 1], 3)).tosparse(),
    "sum": lambda: (cm.conv([2**62], 3) + cm.conv([2**62], 3)).tosparse(),
}


@pytest.mark.parametrize("make", WRAPPING.values(), ids=WRAPPING)
def test_integer_entries_never_wrap(make) -> None:
    with pytest.raises(cm.ConvMatrixError, match=r"2\*\*63.*pass dtype=float, or use tosympy"):
        make()


def test_pickled_without_the_kept_matrix() -> None:
    import pickle

    op = cm.conv(np.arange(9.0).reshape(3, 3), (40, 40), padding=1)
    small = len(pickle.dumps(op))
    x = np.arange(1600.0)
    before = [op @ x for _ in range(3)][-1]
    assert len(pickle.dumps(op)) < small + 200
    assert np.array_equal(pickle.loads(pickle.dumps(op)) @ x, before)


def test_large_layers_leave_nothing_behind_in_the_caches() -> None:
    from convmatrix.geometry import runs

    before = runs._kept_table.cache_info().currsize
    cm.conv([1, 2, 3], 100_003, padding=1, padding_mode="circular").tosparse()
    assert runs._kept_table.cache_info().currsize == before


@pytest.mark.parametrize("mode", ["replicate", "symmetric", "circular"])
def test_floats_that_meet_in_one_entry_are_added_exactly(mode):
    weight = np.array([[[1e16, 1.0, -1e16], [0.1, 0.2, -0.3]]])
    matrix = cm.conv(weight, 1, padding=1, padding_mode=mode).tosympy()
    assert [Fraction(int(value.p), int(value.q)) for value in matrix] == [
        sum(map(Fraction, taps)) for taps in weight[0].tolist()
    ]
    assert all(matrix)
