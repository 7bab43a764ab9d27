"""`recognise`: every convolution comes back as itself, and everything else with its orthogonal projection."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sympy

import convmatrix as cm
from convmatrix.geometry import PADDING_MODES

EXACT = 500
PIECES = 10
TRANSPOSED = 60
NOISY = 100


def draw(rng: np.random.Generator, largest: dict[int, int], axes: int) -> tuple[cm.TensorOperator, str]:
    """A random convolution of small integer weight, and how it was made."""
    while True:
        size = [int(rng.integers(1, largest[axes] + 1)) for _ in range(axes)]
        kernel = [int(rng.integers(1, 5 if axes < 3 else 4)) for _ in range(axes)]
        groups = int(rng.integers(1, 3))
        channels = groups * int(rng.integers(1, 3)), int(rng.integers(1, 3))
        arguments: dict[str, Any] = {
            "stride": rng.integers(1, 4, axes).tolist(),
            "dilation": rng.integers(1, 4, axes).tolist(),
            "padding": rng.integers(0, 4, (axes, 2)).tolist(),
            "groups": groups,
            "padding_mode": str(rng.choice(PADDING_MODES)),
        }
        weight = rng.integers(-4, 5, (*channels, *kernel))
        try:
            operator = cm.conv(weight, size, **arguments)
        except cm.ConvMatrixError:
            continue
        if math.prod(operator.shape) <= 90_000:
            return operator, f"cm.conv({weight.tolist()}, {size}, **{arguments})"


def draw_transposed(rng: np.random.Generator) -> tuple[cm.TensorOperator, str]:
    while True:
        axes = int(rng.integers(1, 3))
        size, kernel = rng.integers(1, 5, axes).tolist(), rng.integers(1, 5, axes).tolist()
        groups = int(rng.integers(1, 3))
        arguments = {
            "stride": rng.integers(1, 4, axes).tolist(),
            "dilation": rng.integers(1, 3, axes).tolist(),
            "padding": rng.integers(0, 3, (axes, 2)).tolist(),
            "output_padding": rng.integers(0, 3, axes).tolist(),
            "groups": groups,
        }
        weight = rng.integers(-4, 5, (groups * int(rng.integers(1, 3)), int(rng.integers(1, 3)), *kernel))
        try:
            return cm.conv_transpose(
                weight, size, **arguments
            ), f"cm.conv_transpose({weight.tolist()}, {size}, **{arguments})"
        except cm.ConvMatrixError:
            continue


def difference(found: cm.Recognition, matrix: Any) -> Any:
    """Entries that differ; exact, since the small integers and their fractions are exact in float64."""
    return (found.operator.tosparse(dtype=float) != scipy.sparse.csr_array(matrix)).nnz


# -- what is a convolution comes back ---------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", range(PIECES))
def test_random_convolutions_come_back_equal_with_no_more_taps(piece: int) -> None:
    rng = np.random.default_rng([500, piece])
    for _ in range(EXACT // PIECES):
        operator, made = draw(rng, {1: 9, 2: 6, 3: 4}, int(rng.integers(1, 4)))
        matrix = operator.tosparse()
        found = cm.recognise(matrix, operator.in_shape, operator.out_shape)
        assert found.is_convolution, made
        assert found.distance == 0, made
        assert difference(found, matrix) == 0, made
        assert found.taps <= operator.weight.size, made


def test_random_transposed_convolutions_come_back_equal_with_no_more_taps() -> None:
    rng = np.random.default_rng(60)
    for _ in range(TRANSPOSED):
        operator, made = draw_transposed(rng)
        matrix = operator.tosparse()
        found = cm.recognise(matrix, operator.in_shape, operator.out_shape)
        assert found.is_convolution, made
        assert difference(found, matrix) == 0, made
        assert found.taps <= operator.weight.size, made


LAYERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": (lambda w: cm.conv(w, (6, 7)), {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}),
    "stride": (lambda w: cm.conv(w, (7, 9), stride=(2, 3)), {"stride": (2, 3)}),
    "dilation": (lambda w: cm.conv(w, (9, 8), dilation=(2, 1)), {"dilation": (2, 1)}),
    "padding": (lambda w: cm.conv(w, (6, 6), padding=[(1, 2), (0, 1)]), {"padding": ((1, 2), (0, 1))}),
    "circular": (lambda w: cm.conv(w, (5, 6), padding=1, padding_mode="circular"), {"padding_mode": "circular"}),
    "reflect": (lambda w: cm.conv(w, (5, 6), padding=1, padding_mode="reflect"), {"padding_mode": "reflect"}),
    "replicate": (lambda w: cm.conv(w, (5, 6), padding=2, padding_mode="replicate"), {"padding_mode": "replicate"}),
    "symmetric": (lambda w: cm.conv(w, (5, 6), padding=2, padding_mode="symmetric"), {"padding_mode": "symmetric"}),
    "wide reflect": (lambda w: cm.conv(w, (20, 18), padding=1, padding_mode="reflect"), {"padding_mode": "reflect"}),
    "transposed": (
        lambda w: cm.conv_transpose(w, (4, 5), stride=2, padding=1),
        {"transposed": True, "stride": (2, 2), "output_padding": (0, 0)},
    ),
}
DTYPES = (np.int64, np.float32, np.float64, np.complex128)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_come_back_as_they_were_made(name: str, dtype: Any) -> None:
    build, expected = LAYERS[name]
    weight = (np.random.default_rng(3).standard_normal((2, 3, 3, 3)) * 9).astype(dtype)
    operator = build(weight)
    found = cm.recognise(operator, operator.in_shape, operator.out_shape)
    assert found.is_convolution
    assert {key: getattr(found, key) for key in expected} == expected
    assert found.weight.dtype == dtype
    np.testing.assert_allclose(found.weight, weight, rtol=1e-4 if dtype == np.float32 else 1e-11)
    if name not in ("reflect", "replicate", "symmetric", "wide reflect"):
        np.testing.assert_array_equal(found.weight, weight)


FORMS = {
    "lists": lambda op: op.toarray().tolist(),
    "dense": lambda op: op.toarray(),
    "csr": lambda op: op.tosparse(),
    "coo matrix": lambda op: scipy.sparse.coo_matrix(op.toarray()),
    "operator": lambda op: op,
    "product": lambda op: op @ cm.identity(op.in_shape),
    "int8": lambda op: op.toarray().astype(np.int8),
    "sympy": lambda op: op.tosympy(),
}


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_a_matrix_is_taken(form: str) -> None:
    operator = cm.conv([[1, 2], [3, 4]], (3, 4), padding=1)
    found = cm.recognise(FORMS[form](operator), (1, 3, 4), (1, 4, 5))
    assert found.is_convolution
    assert found.weight.tolist() == [[[[1, 2], [3, 4]]]]


def test_the_matrix_given_is_left_as_it_is() -> None:
    given = scipy.sparse.csr_array((np.array([2, 0, 1, 2]), np.array([1, 3, 0, 1]), np.array([0, 2, 4])), shape=(2, 4))
    before = given.data.copy(), given.indices.copy(), given.indptr.copy()
    cm.recognise(given, (1, 4), (1, 2))
    for old, new in zip(before, (given.data, given.indices, given.indptr), strict=True):
        np.testing.assert_array_equal(old, new)


KINDS: dict[str, tuple[Any, tuple[int, ...], bool]] = {
    "identity": (cm.identity((3, 4)), (1,), False),
    "channel_shuffle": (cm.channel_shuffle((6, 3), 2), (1,), False),
    "pixel_shuffle": (cm.pixel_shuffle((4, 3, 3), 2), (2, 2), True),
    "avg_pool": (cm.avg_pool((2, 6, 6), 2), (2, 2), False),
    "nearest resize": (cm.resize((1, 4), 3), (3,), True),
    "fully connected": (cm.conv(np.arange(12).reshape(3, 4), ()), (), False),
}


@pytest.mark.parametrize("name", KINDS)
def test_other_operators_are_convolutions_too(name: str) -> None:
    operator, kernel_size, transposed = KINDS[name]
    found = cm.recognise(operator, operator.in_shape, operator.out_shape)
    assert (found.is_convolution, found.kernel_size, found.transposed) == (True, kernel_size, transposed)


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_a_matrix_of_zeros_is_one_tap_of_zero(mode: str) -> None:
    found = cm.recognise(np.zeros((6, 4)), (2, 2), (2, 3), padding_mode=mode)
    assert (found.is_convolution, found.padding_mode, found.kernel_size, found.groups) == (True, mode, (1,), 2)
    assert found.relative_distance == 0
    assert not found.weight.any()


def test_symbols_and_fractions_come_back_exactly() -> None:
    a, b, c = sympy.symbols("a b c")
    operator = cm.conv("a b c", 4, padding=1, padding_mode="replicate")
    found = cm.recognise(operator.tosympy(), (1, 4), (1, 4))
    assert found.padding_mode == "replicate"
    assert sympy.expand(sympy.Matrix(found.weight.ravel()) - sympy.Matrix([a, b, c])).is_zero_matrix
    thirds = cm.conv("1/3 1/5", 4, padding=1, padding_mode="circular")
    again = cm.recognise(thirds, (1, 4), (1, 5))
    assert again.is_convolution
    assert again.weight.ravel().tolist() == thirds.weight.ravel().tolist()


def test_a_dense_circulant_matrix_is_a_convolution_of_full_width() -> None:
    matrix = cm.conv(np.random.default_rng(0).standard_normal(24), 24, padding=[(0, 23)], padding_mode="circular")
    found = cm.recognise(matrix, (1, 24), (1, 24))
    assert (found.is_convolution, found.padding_mode, found.kernel_size) == (True, "circular", (24,))


def test_groups_leave_out_the_blocks_between_them() -> None:
    operator = cm.conv(np.ones((4, 1, 3), int), 6, groups=4)
    found = cm.recognise(operator, operator.in_shape, operator.out_shape)
    assert (found.groups, found.taps) == (4, 12)


# -- what is none comes back as its projection ------------------------------------------------------------------------


@pytest.mark.parametrize("piece", range(4))
def test_noise_on_one_entry_is_reported_as_no_more_than_it_is(piece: int) -> None:
    rng = np.random.default_rng([100, piece])
    for _ in range(NOISY // 4):
        operator, made = draw(rng, {1: 8, 2: 5, 3: 3}, int(rng.choice([1, 2, 3], p=[0.5, 0.4, 0.1])))
        matrix = operator.toarray().astype(float)
        size = float(rng.choice([-1e-6, 0.01, -1, 7, 1000]))
        place = int(rng.integers(matrix.shape[0])), int(rng.integers(matrix.shape[1]))
        matrix[place] += size
        found = cm.recognise(matrix, operator.in_shape, operator.out_shape)
        assert found.distance <= abs(size) * (1 + 1e-12), (made, place, size)
        np.testing.assert_allclose(
            np.linalg.norm(found.operator.toarray() - matrix), found.distance, rtol=1e-9, atol=1e-14
        )


def test_noise_on_a_transposed_convolution_is_reported_as_no_more_than_it_is() -> None:
    rng = np.random.default_rng(1)
    for _ in range(NOISY // 4):
        operator, made = draw_transposed(rng)
        matrix = operator.toarray().astype(float)
        size = float(rng.choice([0.01, 1, 7]))
        place = int(rng.integers(matrix.shape[0])), int(rng.integers(matrix.shape[1]))
        matrix[place] += size
        found = cm.recognise(matrix, operator.in_shape, operator.out_shape)
        assert found.distance <= size * (1 + 1e-12), (made, place, size)


def test_noise_where_no_tap_reads_is_all_of_the_distance() -> None:
    matrix = cm.conv([1, 2, 1], 8, padding=1).toarray()
    matrix[3, 7] += 2
    found = cm.recognise(matrix, (1, 8), (1, 8), kernel_size=3)
    assert not found.is_convolution
    assert found.distance == 2
    assert found.weight.ravel().tolist() == [1, 2, 1]


PROJECTED = {f"{mode} {axes}-D": (mode, axes) for mode, axes in itertools.product(PADDING_MODES, (1, 2))}


@pytest.mark.parametrize("name", PROJECTED)
def test_the_residual_is_orthogonal_to_every_tap(name: str) -> None:
    mode, axes = PROJECTED[name]
    in_shape, out_shape = (2, *(5, 4)[:axes]), (1, *(6, 4)[:axes])
    matrix = np.random.default_rng(5).standard_normal((math.prod(out_shape), math.prod(in_shape)))
    found = cm.recognise(matrix, in_shape, out_shape, padding_mode=mode, kernel_size=2)
    assert not found.is_convolution
    operator = found.operator.T if found.transposed else found.operator
    target = matrix.T if found.transposed else matrix
    columns = []
    for place in np.ndindex(found.weight.shape):
        unit = np.zeros(found.weight.shape)
        unit[place] = 1
        arguments = {key: getattr(found, key) for key in ("stride", "dilation", "padding")}
        if found.transposed:
            arguments["output_padding"] = found.output_padding
            tap = cm.conv_transpose(unit, in_shape[1:], **arguments).T
        else:
            tap = cm.conv(unit, in_shape[1:], padding_mode=mode, **arguments)
        columns.append(tap.toarray().ravel())
    basis = np.array(columns).T
    residual = operator.toarray().ravel() - target.ravel()
    np.testing.assert_allclose(basis.T @ residual, 0, atol=1e-12)
    best = basis @ np.linalg.lstsq(basis, target.ravel(), rcond=None)[0]
    np.testing.assert_allclose(operator.toarray().ravel(), best, atol=1e-12)
    np.testing.assert_allclose(found.distance, np.linalg.norm(residual), rtol=1e-12)
    np.testing.assert_allclose(found.relative_distance, found.distance / np.linalg.norm(matrix), rtol=1e-12)


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_no_geometry_of_two_taps_is_nearer(mode: str) -> None:
    matrix = np.random.default_rng(8).standard_normal((4, 5))
    found = cm.recognise(matrix, (1, 5), (1, 4), padding_mode=mode, kernel_size=2)
    for stride, dilation, before in itertools.product(range(1, 4), range(1, 4), range(4)):
        for after in range(4):
            try:
                taps = [
                    cm.conv(unit, 5, stride=stride, dilation=dilation, padding=[(before, after)], padding_mode=mode)
                    for unit in ([1, 0], [0, 1])
                ]
            except cm.ConvMatrixError:
                continue
            if taps[0].out_shape != (1, 4):
                continue
            basis = np.array([tap.toarray().ravel() for tap in taps], dtype=float).T
            fitted = basis @ np.linalg.lstsq(basis, matrix.ravel(), rcond=None)[0]
            assert found.distance <= np.linalg.norm(fitted - matrix.ravel()) * (1 + 1e-12)


def test_limits_bind_the_exact_answer_too() -> None:
    operator = cm.conv([1, 2, 3, 2, 1], 9)
    assert cm.recognise(operator, (1, 9), (1, 5)).kernel_size == (5,)
    limited = cm.recognise(operator, (1, 9), (1, 5), kernel_size=3)
    assert not limited.is_convolution
    assert limited.kernel_size <= (3,)
    other = cm.recognise(operator, (1, 9), (1, 5), padding_mode="circular", kernel_size=(5,))
    assert other.padding_mode == "circular"


# -- the record and the errors ----------------------------------------------------------------------------------------


def test_the_record_says_what_was_found() -> None:
    found = cm.recognise(cm.conv([[1, 2], [3, 4]], (4, 4), stride=2), (1, 4, 4), (1, 2, 2))
    text, page, record = str(found), found._repr_html_(), json.loads(json.dumps(found.to_dict()))
    assert text.startswith("a convolution: (1, 4, 4) -> (1, 2, 2)")
    assert "stride        2x2" in text
    assert page.startswith("<table>")
    assert "2x2" in page
    assert record["weight"] == [[[[1, 2], [3, 4]]]]
    assert (record["stride"], record["padding"], record["distance"]) == ([2, 2], [[0, 0], [0, 0]], 0.0)
    assert found.geometry == found.operator.geometry
    with pytest.raises(AttributeError):
        found.distance = 1.0  # type: ignore[misc]


def test_the_record_of_the_nearest_says_so() -> None:
    found = cm.recognise([[1, 2, 0], [0, 1, 3]], (1, 3), (1, 2), kernel_size=2)
    assert str(found).startswith("not a convolution; the nearest convolution")
    fractions = cm.recognise(cm.conv("1/3 a", 3), (1, 3), (1, 2)).to_dict()
    assert json.loads(json.dumps(fractions))["weight"] == [[["1/3", "a"]]]


ERRORS: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "shape": ((np.ones((3, 4)), (1, 5), (1, 3)), {}, r"matrix must have the shape \(3, 5\).*got \(3, 4\)"),
    "vector": (([1, 2, 3], (1, 3), (1, 1)), {}, r"matrix must have the shape \(1, 3\).*got \(3,\)"),
    "axes": ((np.ones((3, 4)), (1, 4), (1, 3, 1)), {}, r"equally many axes, got \(1, 4\) and \(1, 3, 1\)"),
    "in_shape": ((np.ones((3, 4)), (0, 4), (1, 3)), {}, "in_shape must be at least 1, got 0"),
    "out_shape": ((np.ones((3, 4)), (1, 4), ()), {}, r"out_shape must be \(channels, \*spatial\), got \(\)"),
    "nan": (([[1.0, np.nan]], (1, 2), (1, 1)), {}, "matrix must be finite, got 1 entries that are NaN or infinite"),
    "infinite": ((scipy.sparse.csr_array([[np.inf, np.inf]]), (1, 2), (1, 1)), {}, "must be finite, got 2 entries"),
    "kernel_size": ((np.ones((3, 4)), (1, 4), (1, 3)), {"kernel_size": 0}, "kernel_size must be at least 1, got 0"),
    "padding_mode": (
        (np.ones((3, 4)), (1, 4), (1, 3)),
        {"padding_mode": "wrap"},
        "padding_mode must be one of.*'wrap'",
    ),
    "ragged": (([[1, 2], [3]], (1, 2), (1, 2)), {}, "matrix must be a rectangular array"),
    "text": (([["x", "y"]], (1, 2), (1, 1)), {}, "matrix must be made of numbers"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_bad_input_is_one_clear_error(name: str) -> None:
    positional, keywords, message = ERRORS[name]
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.recognise(*positional, **keywords)


def test_symbols_have_no_nearest_convolution() -> None:
    with pytest.raises(
        cm.SymbolicError, match="matrix must be numeric for the nearest convolution, got symbols in a 3 x 3"
    ):
        cm.recognise(sympy.Matrix(3, 3, sympy.symbols("a:9")), (1, 3), (1, 3))


def test_limits_that_leave_nothing_are_an_error() -> None:
    with pytest.raises(cm.ConvMatrixError, match="kernel_size must leave some convolution"):
        cm.recognise(np.arange(12.0).reshape(12, 1), (1, 1), (1, 12), kernel_size=1, padding_mode="reflect")


def test_entries_beyond_floats_are_refused():
    with pytest.raises(cm.ConvMatrixError, match="matrix entries must fit a float64, got about 1e400"):
        cm.recognise([[10**400, 1]], (1, 2), (1, 1))
