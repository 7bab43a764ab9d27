"""`separate`: ranks with proof, terms that multiply back, certificates, tolerances, refusals and displays."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import convmatrix as cm
from convmatrix.analysis.separability import Certificate
from convmatrix.analysis.separability.nearest import nearest_rational_kernel, simplest_fraction

PIECES, KERNELS = 10, 100
TENTHS = np.outer([0.1, 0.3, 0.7], [0.1, 0.7, 0.3])


def fraction_array(rows: Any) -> np.ndarray:
    rows = [list(row) for row in rows]
    array = np.empty((len(rows), len(rows[0])), dtype=object)
    for r, row in enumerate(rows):
        array[r] = [Fraction(value) for value in row]
    return array


def added_up(answer: cm.Separability) -> np.ndarray:
    """The sum of the terms, in Python's own integers and fractions."""
    total = np.zeros(answer.kernel.shape, dtype=object)
    for scale, column, row in answer.terms:
        total = total + scale * np.outer(column.astype(object), row.astype(object))
    return total


def draw(rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """A random integer or rational kernel up to 9x9, and its rank by construction (checked by SymPy elsewhere)."""
    rows, columns = rng.integers(1, 10, 2).tolist()
    rank = int(rng.integers(0, min(rows, columns) + 1))
    size = int(rng.choice([2, 9, 10**6]))
    left = np.tril(rng.integers(-size, size + 1, (rows, rank)), -1).astype(object) + np.eye(rows, rank, dtype=int)
    right = np.triu(rng.integers(-size, size + 1, (rank, columns)), 1).astype(object) + np.eye(rank, columns, dtype=int)
    kernel = left.dot(right) if rank else np.zeros((rows, columns), dtype=object)
    kernel = kernel[rng.permutation(rows)][:, rng.permutation(columns)]
    if rng.random() < 0.5:
        shares = [
            Fraction(int(n), int(d)) for n, d in zip(rng.integers(1, 9, rows), rng.integers(1, 9, rows), strict=True)
        ]
        kernel = fraction_array(
            [[share * int(value) for value in row] for share, row in zip(shares, kernel, strict=True)]
        )
    return kernel, rank


# -- exact -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", range(PIECES))
def test_random_kernels_of_known_rank(piece: int) -> None:
    rng = np.random.default_rng([1000, piece])
    for _ in range(KERNELS):
        kernel, rank = draw(rng)
        answer = cm.separate(kernel)
        assert (answer.rank, answer.rank_kind, answer.tol) == (rank, "exact", None)
        assert len(answer.terms) == rank
        assert (added_up(answer) == kernel).all()
        for scale, column, row in answer.terms:
            assert scale > 0
            assert math.gcd(*column.tolist()) == math.gcd(*row.tolist()) == 1
            assert next(value for value in column.tolist() if value) > 0
        if rank <= 1:
            assert answer.certificate is None
        else:
            assert answer.certificate is not None
            assert answer.certificate.value == answer.certificate.minor(kernel) != 0
        assert answer.is_separable == (rank <= 1)
        if rank:
            # Independent columns and rows: no fewer terms add up to the kernel.
            _, columns, rows = zip(*answer.terms, strict=True)
            assert sympy.Matrix(columns).rank() == sympy.Matrix(rows).rank() == rank


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=1, max_size=4)
    )
)
def test_small_kernels_against_sympy(rows: list[list[int]]) -> None:
    answer = cm.separate(rows)
    assert answer.rank == sympy.Matrix(rows).rank()
    assert (added_up(answer) == np.array(rows)).all()


EXACT: list[tuple[str, Any, int, Any]] = [
    ("sobel", "sobel_x", 1, (1, [1, 2, 1], [-1, 0, 1])),
    ("gaussian", "gaussian3", 1, (Fraction(1, 16), [1, 2, 1], [1, 2, 1])),
    ("decimal-text", "0.01 0.07 0.03; 0.03 0.21 0.09; 0.07 0.49 0.21", 1, (Fraction(1, 100), [1, 3, 7], [1, 7, 3])),
    ("one-entry", [[-5]], 1, (5, [1], [-1])),
    ("one-row", [[0, -2, 4]], 1, (2, [1], [0, -1, 2])),
    ("one-column", [[0], [-2], [4]], 1, (2, [0, 1, -2], [-1])),
    ("booleans", [[True, False], [True, False]], 1, (1, [1, 1], [1, 0])),
    ("decimals", [[Decimal("0.1"), Decimal("0.2")]], 1, (Fraction(1, 10), [1], [1, 2])),
    ("sympy-numbers", [[sympy.Rational(1, 2), 1]], 1, (Fraction(1, 2), [1], [1, 2])),
    ("uint8", np.array([[200, 100]], dtype=np.uint8), 1, (100, [1], [2, 1])),
    ("uint64", np.array([[2**64 - 1, 0]], dtype=np.uint64), 1, (2**64 - 1, [1], [1, 0])),
    ("huge", [[10**40, 2 * 10**40], [3 * 10**40, 6 * 10**40]], 1, (10**40, [1, 3], [1, 2])),
    ("zeros", np.zeros((3, 2), dtype=int), 0, None),
    ("dyadic", fraction_array(TENTHS.tolist()), 3, None),
    ("wraps-int64", [[2**62, 2**62], [2**62, 2**62 - 1]], 2, None),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "rank", "first"), [row[1:] for row in EXACT], ids=[row[0] for row in EXACT])
def test_exact_kernels(kernel: Any, rank: int, first: Any) -> None:
    answer = cm.separate(kernel)
    assert (answer.rank, answer.rank_kind, answer.is_separable) == (rank, "exact", rank <= 1)
    assert not answer.kernel.flags.writeable
    assert answer.nearest_rational is answer.conditions is answer.solutions is None
    if first is not None:
        scale, column, row = answer.terms[0]
        assert (scale, column.tolist(), row.tolist()) == first
    if answer.certificate is not None:
        assert answer.certificate.minor(answer.kernel) == answer.certificate.value != 0


def test_the_terms_of_the_laplacian_are_readable() -> None:
    terms = [(scale, column.tolist(), row.tolist()) for scale, column, row in cm.separate("laplacian4").terms]
    assert terms == [(1, [1, -4, 1], [0, 1, 0]), (1, [0, 1, 0], [1, 0, 1])]


@pytest.mark.parametrize("name", cm.kernel_names())
def test_every_named_kernel_has_a_verdict(name: str) -> None:
    kernel = cm.kernel(name)
    if kernel.ndim != 2:
        with pytest.raises(cm.ConvMatrixError, match="kernel must have"):
            cm.separate(name)
        return
    answer = cm.separate(name)
    assert answer.rank_kind == ("numerical" if kernel.dtype.kind == "f" else "exact")
    assert answer.rank == np.linalg.matrix_rank(kernel.astype(float))
    assert np.allclose(added_up(answer).astype(float), kernel.astype(float), rtol=1e-12, atol=1e-12)
    values = np.array([float(value) for value in answer.singular_values])
    assert np.allclose(values, np.linalg.svd(kernel.astype(float), compute_uv=False), rtol=1e-9, atol=1e-12)
    json.dumps(answer.to_dict(), allow_nan=False)


# -- certificates ----------------------------------------------------------------------------------------------------


def test_a_certificate_recomputes_its_minor_without_wrapping() -> None:
    certificate = Certificate((0, 1), (0, 1), -(2**62))
    assert certificate.minor(np.array([[2**62, 2**62], [2**62, 2**62 - 1]])) == -(2**62)
    assert certificate.to_dict() == {"rows": [0, 1], "columns": [0, 1], "value": -(2**62), "mode": None}
    assert str(Certificate((0, 1), (0, 2), 3, 1)) == "K_(1)[0,0] K_(1)[1,2] - K_(1)[0,2] K_(1)[1,0] = 3"
    assert Certificate((0, 1), (0, 1), Fraction(1, 2)).to_dict()["value"] == "1/2"
    assert Certificate((0, 1), (0, 1), Fraction(4, 2)).to_dict()["value"] == 2


# -- floats ----------------------------------------------------------------------------------------------------------


def test_a_float_outer_product_has_rank_one_within_its_tolerance() -> None:
    answer = cm.separate(TENTHS)
    assert (answer.rank, answer.rank_kind, answer.tol) == (1, "numerical", 3 * np.finfo(float).eps)
    assert answer.certificate is None
    assert sympy.Matrix(TENTHS.tolist()).rank() == 2  # which is why floats are not left to it
    assert cm.separate(TENTHS, tol=0).rank > 1
    assert cm.separate(np.zeros((2, 3))).rank == 0


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1, 1e9, 1e300])
@pytest.mark.parametrize("name", ["sobel_x", "laplacian4", "emboss", "mexican_hat", "gaussian", "disk"])
def test_no_scale_changes_a_verdict(name: str, scale: float) -> None:
    kernel = cm.kernel(name).astype(float)
    known, answer = cm.separate(kernel), cm.separate(kernel * scale)
    assert answer.rank == known.rank
    assert np.allclose(answer.singular_values / scale, known.singular_values, rtol=1e-12, atol=1e-12 * known.error(0))
    assert np.allclose(answer.approximate(1) / scale, known.approximate(1), rtol=1e-9, atol=1e-12)
    exact = [
        cm.separate([[Fraction(v) * Fraction(s) for v in row] for row in kernel.tolist()]).rank for s in (1, scale)
    ]
    assert exact[0] == exact[1]


@pytest.mark.parametrize("name", ["sobel_x", "laplacian4", "emboss", "mexican_hat"])
def test_the_smallest_floats_have_their_rank(name: str) -> None:
    kernel = cm.kernel(name)
    assert cm.separate(kernel * 5e-324).rank == cm.separate(kernel).rank


TYPES: list[tuple[str, Any, float]] = [
    ("float64", np.float64, 2.0**-52),
    ("float32", np.float32, 2.0**-23),
    ("float16", np.float16, 2.0**-10),
    ("longdouble", np.longdouble, 2.0**-52),
    ("complex64", np.complex64, 2.0**-23),
    ("complex128", np.complex128, 2.0**-52),
    ("big-endian", ">f4", 2.0**-23),
]


@pytest.mark.parametrize(("dtype", "eps"), [row[1:] for row in TYPES], ids=[row[0] for row in TYPES])
def test_the_tolerance_is_that_of_the_float_type(dtype: Any, eps: float) -> None:
    answer = cm.separate(TENTHS.astype(dtype))
    assert answer.tol == 3 * eps
    assert answer.rank == 1
    assert answer.approximate(1).dtype == answer.kernel.dtype


def test_bfloat16_of_torch() -> None:
    torch = pytest.importorskip("torch")
    answer = cm.separate(torch.tensor(TENTHS, dtype=torch.bfloat16, requires_grad=True))
    assert (answer.tol, answer.rank) == (3 * 2.0**-7, 1)


@pytest.mark.parametrize("kind", ["strided", "fortran", "read-only", "reversed"])
def test_any_memory_layout(kind: str) -> None:
    base = np.arange(48.0).reshape(6, 8) % 7
    kernel = {
        "strided": base[::2, ::3],
        "fortran": np.asfortranarray(base),
        "read-only": base,
        "reversed": base[::-1, ::-1],
    }[kind]
    kernel.setflags(write=False)
    answer = cm.separate(kernel)
    assert answer.rank == np.linalg.matrix_rank(kernel)
    complex_answer = cm.separate((kernel + 1j * kernel)[:, ::2])
    assert complex_answer.rank == np.linalg.matrix_rank(kernel[:, ::2])


def test_the_sign_of_float_terms_is_fixed(rng: np.random.Generator) -> None:
    for kernel in (rng.standard_normal((4, 5)), rng.standard_normal((4, 5)) + 1j * rng.standard_normal((4, 5))):
        answer = cm.separate(kernel)
        for scale, column, row in answer.terms:
            lead = column[np.argmax(np.abs(column))]
            assert lead.real > 0
            assert abs(lead.imag) < 1e-14
            assert scale > 0
            assert np.isclose(np.linalg.norm(column), 1)
            assert np.isclose(np.linalg.norm(row), 1)
        assert np.allclose(sum(s * np.outer(u, v.conj()) for s, u, v in answer.svd or ()), kernel)
        assert np.allclose(sum(s * np.outer(c, r) for s, c, r in answer.terms), kernel)


def test_a_tolerance_makes_an_exact_kernel_numerical() -> None:
    kernel = [[10**400, 10**400], [10**400, 10**400 + 1]]
    assert cm.separate(kernel).rank == 2
    nearly = [[10**30, 10**30], [10**30, 10**30 + 1]]
    answer = cm.separate(nearly, tol=1e-12)
    assert (answer.rank, answer.rank_kind, answer.tol) == (1, "numerical", 1e-12)
    assert answer.nearest_rational is None
    assert answer.approximate(1).dtype == np.float64
    tiny = [[Fraction(1, 10**320), 0], [0, Fraction(1, 10**320)]]
    assert cm.separate(tiny, tol=1e-9).rank == 2
    with pytest.raises(cm.ConvMatrixError, match="largest singular value must fit a float64, got about 1e400"):
        cm.separate(kernel, tol=0.1)


def test_what_overflows_is_refused() -> None:
    with pytest.raises(cm.ConvMatrixError, match="largest singular value must fit a float64, got about 1e308"):
        cm.separate(np.full((2, 2), 1.7e308))
    answer = cm.separate(np.eye(4) * 1.7e308)
    assert answer.rank == 4
    with pytest.raises(cm.ConvMatrixError, match="error must fit a float64"):
        answer.error(0)


# -- the nearest rational kernel -------------------------------------------------------------------------------------

RATIONAL: list[tuple[str, Any, float | None, int, Any]] = [
    ("tenths", TENTHS, None, 1, Fraction(1, 100)),
    ("integers", [[1.0, 2.0], [3.0, 4.0]], None, 2, None),
    ("thirds", np.full((3, 3), 1 / 9), None, 1, Fraction(1, 9)),
    ("tiny-sobel", np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) * 1e-9, None, 1, Fraction(1, 10**9)),
    ("huge-sobel", np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) * 1e200, None, 1, None),
    ("multiple-of-pi", np.array([[1, 2], [2, 5]]) * math.pi, None, 2, None),
    ("coarse", [[0.333, 0.667]], 0.01, 1, Fraction(1, 3)),
    ("zeros", np.zeros((2, 2)), None, 0, None),
    ("float32-tenths", TENTHS.astype(np.float32), None, 1, Fraction(1, 100)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kernel", "tol", "rank", "scale"), [row[1:] for row in RATIONAL], ids=[row[0] for row in RATIONAL]
)
def test_nearest_rational_kernels(kernel: Any, tol: float | None, rank: int, scale: Any) -> None:
    answer = cm.separate(kernel, tol)
    near = answer.nearest_rational
    assert near is not None
    assert answer.tol is not None
    assert (near.rank, near.rank_kind) == (rank, "exact")
    assert near.terms[0][0] == scale if scale is not None else True
    window = Fraction(answer.tol) * max(Fraction(abs(float(value))) for value in answer.kernel.flat)
    for new, old in zip(near.kernel.ravel().tolist(), answer.kernel.ravel().tolist(), strict=True):
        assert abs(Fraction(new) - Fraction(old)) <= window


def test_kernels_that_are_near_no_simple_rational_one(rng: np.random.Generator) -> None:
    assert cm.separate(rng.standard_normal((3, 3))).nearest_rational is None
    assert cm.separate(np.exp(-np.arange(9.0).reshape(3, 3))).nearest_rational is None
    assert cm.separate(np.array([[1.0, 1j]])).nearest_rational is None
    assert nearest_rational_kernel(np.ones((100, 100)), 1e-9) is None


@given(st.fractions(-5, 5, max_denominator=50), st.fractions(0, 1, max_denominator=50))
def test_the_simplest_fraction_against_all(low: Fraction, width: Fraction) -> None:
    found = simplest_fraction(low, low + width)
    assert low <= found <= low + width
    for denominator in range(1, found.denominator):
        assert math.ceil(low * denominator) > (low + width) * denominator
    first, last = math.ceil(low * found.denominator), math.floor((low + width) * found.denominator)
    assert abs(found) == min(abs(Fraction(n, found.denominator)) for n in range(first, last + 1))


# -- refusals --------------------------------------------------------------------------------------------------------

a = sympy.Symbol("a")
REFUSALS: list[tuple[str, Any, dict[str, Any], str]] = [
    ("ragged", [[1, 2], [3]], {}, "kernel must be a rectangular array"),
    ("empty", [], {}, r"kernel must .* got shape \(0,\)"),
    ("no-columns", np.zeros((2, 0)), {}, r"kernel must not be empty, got shape \(2, 0\)"),
    ("number", 5, {}, r"kernel must have at least 2 axes, got shape \(\)"),
    ("vector", [1, 2, 1], {}, r"kernel must have at least 2 axes, got shape \(3,\)"),
    ("filter", np.ones((2, 3, 3)), {}, r"kernel must have 2 axes, got shape \(2, 3, 3\): flatten .* batch_axes=1"),
    ("nan", [[1.0, math.nan]], {}, r"kernel must be finite, got nan at \(0, 1\)"),
    ("inf", [[1.0], [-math.inf]], {}, r"kernel must be finite, got -inf at \(1, 0\)"),
    ("complex-nan", [[complex(0, math.nan)]], {}, "kernel must be finite"),
    ("sympy-nan", [[sympy.nan, 1]], {}, "kernel must be finite, got nan"),
    ("sympy-infinity", [[a, sympy.oo]], {}, "kernel must be finite, got oo"),
    ("symbols-and-floats", [[a, 0.5]], {}, "kernel must not mix SymPy expressions with floats, got 0.5"),
    ("symbols-and-numpy-floats", [[a, np.float32(0.5)]], {}, "kernel must not mix SymPy expressions with floats"),
    ("floats-in-expressions", [[0.5 * a, 1]], {}, "kernel must not mix SymPy expressions with floats, got 0.5"),
    ("floats-deep-in-expressions", [[(1 + 0.25 * a) ** 2, 1]], {}, "kernel must not mix SymPy expressions with floats"),
    ("sympy-floats-and-symbols", [[sympy.Float(2), a]], {}, "kernel must not mix SymPy expressions with floats"),
    ("radicals-and-floats", [[sympy.sqrt(2), 0.5]], {}, "kernel must not mix SymPy expressions with floats"),
    ("text-in-lists", [["1", "2"]], {}, "kernel must be made of numbers or SymPy expressions, got text '1'"),
    ("objects", [[None, 1]], {}, "kernel must be made of numbers or SymPy expressions, got None"),
    ("unknown-name", "sobelx", {}, "kernel name must be one"),
    ("no-kernel", "1 2; 3", {}, "kernel"),
    ("no-file", Path("missing.npy"), {}, "kernel file must exist"),
    ("negative-tol", "sobel_x", {"tol": -1}, "tol must be at least 0, got -1"),
    ("nan-tol", "sobel_x", {"tol": math.nan}, "tol must be at least 0, got nan"),
    ("infinite-tol", "sobel_x", {"tol": math.inf}, "tol must be finite, got inf"),
    ("text-tol", "sobel_x", {"tol": "1e-3"}, "tol must be a number of at least 0, got '1e-3'"),
    ("boolean-tol", "sobel_x", {"tol": True}, "tol must be a number of at least 0, got True"),
    ("tol-with-symbols", "a b; c d", {"tol": 1e-3}, "tol must not be given with symbols or radicals.*, got 0.001"),
    ("batch-of-symbols", [[[a, 1]]], {"batch_axes": 1}, "batch_axes must be 0 with symbols or radicals, got 1"),
    ("negative-batch", "sobel_x", {"batch_axes": -1}, "batch_axes must be at least 0, got -1"),
    ("float-batch", "sobel_x", {"batch_axes": 1.0}, "batch_axes must be an integer of at least 0, got 1.0"),
    ("boolean-batch", "sobel_x", {"batch_axes": True}, "batch_axes must be an integer of at least 0, got True"),
    ("batch-too-large", "sobel_x", {"batch_axes": 1}, r"kernel must have at least 2 axes beside the 1 of batch_axes"),
    ("batch-too-small", np.ones((2, 2, 3, 3)), {"batch_axes": 1}, "kernel must have 2 axes beside the 1 of batch_axes"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kernel", "arguments", "message"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_bad_input_gets_one_clear_error(kernel: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.separate(kernel, **arguments)


@pytest.mark.parametrize(("r", "norm", "message"), [
    (-1, "fro", "r must be at least 0, got -1"),
    (4, "fro", "r must be at most 3, the smaller of the kernel's sizes, got 4"),
    (1.5, "fro", "r must be an integer of at least 0, got 1.5"),
    (1, "nuc", "norm must be 'fro', 'spectral' or 2, got 'nuc'"),
    (1, True, "norm must be 'fro', 'spectral' or 2, got True"),
    (1, 1, "norm must be 'fro', 'spectral' or 2, got 1"),
])  # fmt: skip
@pytest.mark.parametrize("kernel", ["sobel_x", "gaussian:size=3", "p 0 0; 0 1 0; 0 0 1"])
def test_bad_ranks_and_norms(kernel: str, r: Any, norm: Any, message: str) -> None:
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.separate(kernel).error(r, norm)


# -- symbols: the whole answer ---------------------------------------------------------------------------------------


def test_symbols() -> None:
    answer = cm.separate("a b; c d")
    assert (answer.rank, answer.rank_kind, answer.is_separable, answer.tol) == (2, "generic", False, None)
    assert [str(value) for value in answer.conditions or ()] == ["a*d - b*c"]
    assert answer.solutions_complete
    assert answer.error(2) == 0
    assert answer.error(0) == sympy.sqrt(sum(value**2 for value in sympy.symbols("a b c d")))
    numbers = {"a": 1, "b": 2, "c": 3, "d": 5}
    known = np.linalg.svd(np.array([[1.0, 2], [3, 5]]), compute_uv=False)
    assert np.allclose([float(value.subs(numbers)) for value in answer.singular_values], known)
    assert math.isclose(float(answer.error(1).subs(numbers)), known[1])
    assert (answer.approximate(0) == 0).all()
    assert (answer.approximate(2) == answer.kernel).all()
    json.dumps(answer.to_dict(), allow_nan=False)
    with pytest.raises(cm.SymbolicError, match="put numbers for the symbols"):
        cm.separate("a 0; 0 b").error(1)
    with pytest.raises(
        cm.SymbolicError, match="r must be 0 or at least the rank where no decomposition is known, got 1"
    ):
        answer.approximate(1)


def test_radicals_are_exact() -> None:
    root = sympy.sqrt(2)
    answer = cm.separate([[root, 2], [1, root]])
    assert (answer.rank, answer.rank_kind, answer.conditions) == (1, "exact", None)
    answer = cm.separate([[root, 1], [1, root]])
    assert (answer.rank, answer.rank_kind) == (2, "exact")
    assert np.allclose(
        [float(value) for value in answer.singular_values], np.linalg.svd([[2**0.5, 1], [1, 2**0.5]], compute_uv=False)
    )
    best = np.array([[complex(value) for value in row] for row in answer.approximate(1).tolist()])
    assert np.isclose(np.linalg.norm(best - [[2**0.5, 1], [1, 2**0.5]]), float(answer.error(1)))


# -- displays --------------------------------------------------------------------------------------------------------

LAPLACIAN = """K =
  0   1  0
  1  -4  1
  0   1  0
not separable: rank 2, proved
  since K[0,0] K[1,1] - K[0,1] K[1,0] = -1
K = sum of scale * column^T x row
  1 *  [1, -4, 1]^T x  [0, 1, 0]
  1 *   [0, 1, 0]^T x  [1, 0, 1]
singular values (radicals)
  2 + sqrt(6)   = 4.44949...
  -2 + sqrt(6)  = 0.449490...
  0
error of the best approximation
  rank  Frobenius  spectral
     0    4.47214   4.44949
     1   0.449490  0.449490"""


def test_the_terminal_shows_mathematics() -> None:
    assert str(cm.separate("laplacian4")) == LAPLACIAN
    assert repr(cm.separate("laplacian4")) == "Separability(3x3 kernel, rank 2, exact)"


VERDICTS: list[tuple[str, Any, str]] = [
    ("zeros", [[0, 0]], "separable: rank 0, proved"),
    ("float", TENTHS, "separable: rank 1, within tolerance 6.66e-16 of the largest singular value"),
    ("float-nearby", TENTHS, "nearest rational kernel\n  separable: rank 1, proved\n  1/100 *"),
    ("generic", "a b; c d", "not separable: rank 2, generically: for all but special values of the symbols"),
    ("condition", "a b; c d", "separable if and only if\n  a*d - b*c = 0\nfor instance with\n  d = b*c/a"),
    ("always", "a b; a b", "separable: rank 1, proved, whatever the symbols"),
    ("never", "1 a; -a 1", "not separable: rank 2, generically, and separable for no values of the symbols"),
    ("large", np.ones((30, 30), dtype=int), "K =\n  30 x 30 entries\nseparable: rank 1, proved"),
    ("many", np.eye(12, dtype=int), "and 3 more"),
    ("huge", [[10**60, 0], [0, 1]], "~1.00000e+60"),
    ("algebraic", "emboss", "singular values (algebraic numbers)\n  sqrt(CRootOf("),
    ("rational-value", "0.6 0; 0 0.25", "3/5  = 0.6\n  1/4  = 0.25"),
]


@pytest.mark.parametrize(("kernel", "text"), [row[1:] for row in VERDICTS], ids=[row[0] for row in VERDICTS])
def test_every_kind_of_answer_is_shown(kernel: Any, text: str) -> None:
    answer = cm.separate(kernel)
    assert text in str(answer)
    page = answer._repr_html_()
    assert page.startswith("<table><caption>")
    assert page.count("<tr>") == page.count("</tr>")
    assert json.loads(json.dumps(answer.to_dict(), allow_nan=False))["rank"] == answer.rank


def test_latex() -> None:
    assert cm.separate("1/2 1; 1 2").to_latex() == (
        r"\begin{bmatrix}\frac{1}{2} & 1\\1 & 2\end{bmatrix} = \frac{1}{2} \begin{bmatrix}1\\2\end{bmatrix} "
        r"\begin{bmatrix}1 & 2\end{bmatrix}"
    )
    assert r"\approx" in cm.separate(TENTHS).to_latex()
    assert cm.separate([[0]]).to_latex() == r"\begin{bmatrix}0\end{bmatrix} = 0"
    assert r"1 \cdot 10^{-9}" in cm.separate([[1e-9]]).to_latex()
    assert cm.separate("sobel_x")._repr_latex_() == rf"$\displaystyle {cm.separate('sobel_x').to_latex()}$"
    assert cm.separate(np.ones((30, 30), dtype=int))._repr_latex_() is None
    assert "i" in cm.separate([[1j]]).to_latex()


def test_the_document_holds_everything() -> None:
    found = cm.separate("laplacian4").to_dict()
    assert found["kernel"] == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    assert found["terms"][0] == {"scale": 1, "column": [1, -4, 1], "row": [0, 1, 0]}
    assert found["singular_values"] == ["2 + sqrt(6)", "-2 + sqrt(6)", "0"]
    assert np.allclose(found["errors"], [20**0.5, 6**0.5 - 2, 0, 0])
    assert found["characteristic"] == "lambda**3 - 20*lambda**2 + 4*lambda"
    huge = cm.separate([[10**400, 0], [0, 1]]).to_dict()
    assert huge["singular_values_decimal"][0] == "1.000000000000000e+400"
    nearby = cm.separate(TENTHS).to_dict()["nearest_rational"]
    assert (nearby["rank"], nearby["kernel"][0][0]) == (1, "1/100")
