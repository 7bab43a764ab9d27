"""`deconvolve` against pseudo-inverses, ridge solutions and LSQR of NumPy and SciPy."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from layer_drawing import expressions
from scipy.optimize import brentq, minimize_scalar
from scipy.sparse.linalg import lsqr

import convmatrix as cm
from convmatrix.analysis.inverse.bidiagonal import lsqr as own_lsqr

MODES = ("zeros", "circular", "reflect", "replicate", "symmetric")


def _normal(seed, *shape, dtype=float):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    return values + 1j * rng.standard_normal(shape) if dtype is complex else values.astype(dtype)


def _operators():
    layer = cm.conv(_normal(1, 3, 2, 2, 2), (4, 5), padding=1, padding_mode="reflect")
    return {
        "circular": cm.conv(_normal(2, 2, 2, 3, 3), (4, 6), padding=1, padding_mode="circular"),
        "circular, singular": cm.conv([1, 2, 1], 8, padding=1, padding_mode="circular"),
        "circular, stride 2": cm.conv(_normal(3, 3, 2, 3), 8, stride=2, padding=((1, 0),), padding_mode="circular"),
        "circular, 3-D, dilated": cm.conv(
            _normal(4, 1, 2, 2, 1, 2), (4, 3, 4), dilation=(2, 1, 3), padding="same", padding_mode="circular"
        ),
        "circular, complex groups": cm.conv(
            _normal(5, 4, 1, 3, dtype=complex), 6, groups=2, padding=1, padding_mode="circular"
        ),
        "circular, transposed": cm.conv(
            _normal(6, 3, 2, 3, dtype=complex), 8, stride=2, padding=((2, 0),), padding_mode="circular"
        ).T,
        "separable": cm.conv(np.outer([1, 2, 1], [1, 3, 5]), (6, 5), padding=1),
        "separable, mirrored": cm.conv(np.outer([1, 3, 1], [1, 4, 1]), (5, 6), padding=1, padding_mode="symmetric"),
        "1x1": cm.conv(_normal(7, 2, 3, 1, 1), (3, 4)),
        "average": cm.avg_pool((2, 4, 5), 3, padding=1),
        "enlarged": cm.resize((2, 3, 4), 2, "linear"),
        "dense": layer,
        "groups": cm.conv(_normal(8, 4, 1, 2), 6, groups=2),
        "fully connected": cm.conv(_normal(9, 5, 3), ()),
        "transposed": cm.conv_transpose(_normal(10, 3, 2, 2, 2), (3, 4), stride=2),
        "permutation": cm.pixel_shuffle((4, 2, 3), 2),
        "between permutations": cm.pixel_shuffle((4, 3, 3), 2) @ cm.conv(_normal(11, 4, 2, 2, 2), (4, 4)),
        "multiple": -2j * cm.channel_shuffle((4, 3), 2) @ cm.conv(_normal(12, 4, 2, 1), 3),
        "product": cm.conv(_normal(13, 2, 3, 2, 2), (5, 6)) @ layer,
        "sum": layer + 2 * layer,
        "float32": cm.conv(_normal(14, 2, 2, 3, dtype=np.float32), 7, padding=1),
        "zero": cm.conv(np.zeros((2, 1, 3)), 5),
    }


OPERATORS = _operators()
every_operator = pytest.mark.parametrize("op", OPERATORS.values(), ids=OPERATORS)
SOLVERS = {"circular": "frequency blocks", "separable": "Kronecker product", "1x1": "Kronecker product",
           "permutation": "permutation", "dense": "dense", "fully connected": "dense", "average": "Kronecker product",
           "circular, transposed": "frequency blocks", "enlarged": "Kronecker product", "groups": "dense"}  # fmt: skip


def _matrix(op):
    return op.toarray(dtype=complex if op.dtype.kind == "c" else float)


def _outputs(op, *batch, seed=0):
    return _normal(seed, *batch, *op.out_shape, dtype=complex if op.dtype.kind == "c" else float)


def _columns(tensors, count):
    return np.asarray(tensors).reshape(count, -1).T


def _ridge(matrix, y, alpha):
    gram = matrix.conj().T @ matrix + alpha * np.eye(matrix.shape[1])
    return np.linalg.solve(gram, matrix.conj().T @ y)


# -- the three methods ------------------------------------------------------------------------------------------------


@every_operator
@pytest.mark.parametrize("solver", ["auto", "lsqr"])
def test_least_squares_is_the_pseudo_inverse_applied(op, solver):
    y = _outputs(op, 3)
    found = cm.deconvolve(op, y, solver=solver)
    expected = np.linalg.pinv(_matrix(op), rcond=1e-12) @ _columns(y, 3)
    assert found.converged
    assert found.x.shape == (3, *op.in_shape)
    np.testing.assert_allclose(_columns(found.x, 3), expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max())


@every_operator
@pytest.mark.parametrize("solver", ["auto", "lsqr"])
@pytest.mark.parametrize("alpha", [0.5, Fraction(3, 100)])
def test_tikhonov_is_ridge_regression(op, solver, alpha):
    y = _outputs(op, 2)
    found = cm.deconvolve(op, y, "tikhonov", alpha=alpha, solver=solver)
    expected = _ridge(_matrix(op), _columns(y, 2), float(alpha))
    np.testing.assert_allclose(_columns(found.x, 2), expected, rtol=1e-8, atol=1e-9)
    assert (found.alpha, found.rule) == (float(alpha), "given")


@every_operator
def test_the_transpose_is_the_transposed_convolution(op):
    y = _outputs(op, 2)
    found = cm.deconvolve(op, y, "transpose")
    np.testing.assert_allclose(_columns(found.x, 2), _matrix(op).conj().T @ _columns(y, 2), atol=1e-12)
    assert (found.solver, found.condition, found.iterations) == ("none", None, 0)


@every_operator
@pytest.mark.parametrize("method", ["transpose", "least_squares", "tikhonov"])
def test_residuals_are_those_of_the_matrix(op, method):
    y = _outputs(op, 2, 1)
    found = cm.deconvolve(op, y, method)
    left = _matrix(op) @ _columns(found.x, 2) - _columns(y, 2)
    np.testing.assert_allclose(found.residual.ravel(), np.linalg.norm(left, axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        found.relative_residual, found.residual / np.linalg.norm(_columns(y, 2), axis=0).reshape(2, 1)
    )
    assert found.residual.shape == (2, 1)


@every_operator
def test_condition_is_that_of_all_singular_values(op):
    values = np.linalg.svd(_matrix(op), compute_uv=False)
    found = cm.deconvolve(op, _outputs(op))
    if found.solver != "LSQR":
        expected = values[0] / values[-1] if values[-1] > 1e-12 * values[0] else np.inf
        assert found.condition == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("name", "solver"), SOLVERS.items(), ids=SOLVERS)
def test_the_form_of_an_operator_chooses_the_solver(name, solver):
    op = OPERATORS[name]
    assert cm.deconvolve(op, _outputs(op)).solver == solver


@given(expressions())
def test_drawn_expressions(op):
    y = _outputs(op, 2, seed=op.shape[0])
    matrix = op.toarray(dtype=float)
    expected = np.linalg.pinv(matrix, rcond=1e-11) @ _columns(y - _bias(op), 2)
    found = cm.deconvolve(op, y, tol=1e-11)
    np.testing.assert_allclose(_columns(found.x, 2), expected, rtol=1e-5, atol=1e-6 * (1e-9 + np.abs(expected).max()))


def _bias(op):
    return 0 if op.bias is None else op.bias


@pytest.mark.parametrize("seed", range(60))
def test_drawn_layers_of_every_border(seed):
    rng = np.random.default_rng(seed)
    axes = int(rng.integers(1, 4))
    sizes, kernel, strides = (rng.integers(low, high, axes).tolist() for low, high in ((4, 7), (1, 4), (1, 3)))
    groups = int(rng.integers(1, 3))
    channels = groups * rng.integers(1, 3, 2)
    weight = rng.standard_normal((channels[0], channels[1] // groups, *kernel))
    op = cm.conv(
        weight + (1j * rng.standard_normal(weight.shape) if seed % 3 == 0 else 0), sizes, stride=strides, padding=1,
        padding_mode=MODES[seed % 5], groups=groups, bias=rng.standard_normal(channels[0]),
    )  # fmt: skip
    matrix, y = op.toarray(), rng.standard_normal((2, *op.out_shape))
    right = _columns(y - op.bias, 2)
    np.testing.assert_allclose(
        _columns(cm.deconvolve(op, y).x, 2), np.linalg.pinv(matrix, rcond=1e-12) @ right, rtol=1e-7, atol=1e-8
    )
    for solver in ("auto", "lsqr"):
        found = cm.deconvolve(op, y, "tikhonov", alpha=0.1, solver=solver)
        np.testing.assert_allclose(_columns(found.x, 2), _ridge(matrix, right, 0.1), rtol=1e-8, atol=1e-9)


# -- what goes in -----------------------------------------------------------------------------------------------------


def test_a_bias_is_subtracted_first():
    plain = cm.conv([[[1, 3, 1]], [[2, 0, 1]]], 6)
    op = cm.conv(plain.weight, 6, bias=[5, Fraction(-1, 2)])
    x = np.arange(6.0)[None]
    found = cm.deconvolve(op, op(x) + op.bias.astype(float))
    np.testing.assert_allclose(found.x, cm.deconvolve(plain, plain(x)).x, atol=1e-12)
    assert found.residual < 1e-12


@pytest.mark.parametrize("batch", [(), (2,), (2, 3), (0,)], ids=str)
def test_pictures_and_tensors_come_back_as_they_came(batch):
    op = cm.conv("1 5 1; 0 1 0; 0 0 1", (5, 6), padding=1, padding_mode="circular")
    picture = _normal(3, *batch, 5, 6)
    found = cm.deconvolve(op, op(picture))
    assert found.x.shape == picture.shape
    np.testing.assert_allclose(np.asarray(found), picture, atol=1e-12)
    tensor = picture.reshape(*batch, 1, 5, 6)
    np.testing.assert_array_equal(cm.deconvolve(op, op(tensor)).x, found.x.reshape(tensor.shape))
    assert np.shape(found.residual) == batch
    assert (type(found.residual) is float) is (batch == ())


def test_a_batch_is_solved_as_each_by_itself():
    op = OPERATORS["product"]
    y = _outputs(op, 4) * 10.0 ** np.array([0, -6, 3, -2])[:, None, None, None]
    whole = cm.deconvolve(op, y, "tikhonov", alpha=1.0, solver="lsqr")
    for own, right in zip(whole.x, y, strict=True):
        alone = cm.deconvolve(op, right, "tikhonov", alpha=1.0, solver="lsqr").x
        np.testing.assert_allclose(own, alone, rtol=1e-9, atol=1e-9 * np.abs(alone).max())


@pytest.mark.parametrize(
    "y",
    [[Fraction(1, 3), 2, Fraction(5, 7), 0], [1, 2, 3, 4], np.float32([0.5, 1, 2, 3]), [1j, 2, 0, 1 - 1j],
     [sympy.sqrt(2), 1, sympy.Rational(1, 3), sympy.I]],
    ids=["fractions", "integers", "float32", "complex", "SymPy"],
)  # fmt: skip
@pytest.mark.parametrize(
    "weight", [[Fraction(1, 3), 2], [sympy.sqrt(3), 1], np.float32([1, 3])], ids=["fractions", "SymPy", "float32"]
)
def test_numbers_of_every_kind_are_taken_as_floats(weight, y):
    op = cm.conv(weight, 4, padding=((0, 1),), padding_mode="circular")
    matrix = op.toarray(dtype=float)
    found = cm.deconvolve(op, y).x
    right = np.array([complex(value) for value in y])
    np.testing.assert_allclose(found, np.linalg.solve(matrix, right), atol=1e-7)
    assert found.dtype == (np.complex128 if right.imag.any() else np.float64)


@pytest.mark.parametrize("solver", ["auto", "lsqr"])
@pytest.mark.parametrize("power", [-300, -160, 160, 300])
def test_numbers_at_the_ends_of_the_range(power, solver):
    base = cm.conv(_normal(1, 2, 2, 3), 6, padding=1, padding_mode="circular")
    op = cm.conv(base.weight * 10.0**power, 6, padding=1, padding_mode="circular")
    y = _outputs(op)
    found = cm.deconvolve(op, y, solver=solver)
    np.testing.assert_allclose(found.x * 10.0**power, cm.deconvolve(base, y).x, rtol=1e-9)
    tiny = cm.deconvolve(op, y * 10.0 ** min(power, 0), solver=solver)
    np.testing.assert_allclose(tiny.x * 10.0 ** max(power, 0), cm.deconvolve(base, y).x, rtol=1e-9)


def test_exact_weights_beyond_floats():
    op = cm.conv([10**400, 3 * 10**400], 4, padding=((0, 1),), padding_mode="circular")
    small = cm.conv([1, 3], 4, padding=((0, 1),), padding_mode="circular")
    np.testing.assert_allclose(
        cm.deconvolve(op, np.array([1, 2, 3, 4]) * 1e200).x, cm.deconvolve(small, [1, 2, 3, 4]).x * 1e-200, rtol=1e-12
    )


@pytest.mark.parametrize("solver", ["auto", "lsqr"])
def test_no_signal_is_no_input(solver):
    op = OPERATORS["dense"]
    for method in ("least_squares", "tikhonov"):
        found = cm.deconvolve(op, np.zeros(op.out_shape), method, solver=solver)
        assert not found.x.any()
        assert (found.residual, found.relative_residual, found.converged) == (0, 0, True)


# -- where to start ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["direct", "lsqr"])
@pytest.mark.parametrize("name", ["circular, singular", "circular, stride 2", "dense", "1x1"])
def test_of_several_solutions_the_one_nearest_to_the_start(name, solver):
    op = OPERATORS[name]
    matrix, y, start = _matrix(op), _outputs(op, 2), _normal(5, 2, *op.in_shape)
    inverse = np.linalg.pinv(matrix, rcond=1e-12)
    first = _columns(start, 2)
    found = cm.deconvolve(op, y, x0=start, solver=solver)
    np.testing.assert_allclose(
        _columns(found.x, 2), first + inverse @ (_columns(y, 2) - matrix @ first), rtol=1e-8, atol=1e-9
    )
    near = cm.deconvolve(op, y, "tikhonov", alpha=0.7, x0=start[0], solver=solver)
    one = first[:, :1]
    np.testing.assert_allclose(
        _columns(near.x, 2), one + _ridge(matrix, _columns(y, 2) - matrix @ one, 0.7), rtol=1e-8, atol=1e-9
    )


def test_a_picture_starts_from_a_picture():
    op = cm.conv("1 2 1; 0 1 0; 0 0 1", (5, 6))
    start = _normal(2, 5, 6)
    found = cm.deconvolve(op, _normal(1, 3, 3, 4), x0=start)
    assert found.x.shape == (3, 5, 6)
    assert np.linalg.norm(op(start)) > 1


# -- how much to regularise -------------------------------------------------------------------------------------------


def _validation(matrix, y, alpha):
    # I - C (C^H C + alpha I)^-1 C^H is alpha (C C^H + alpha I)^-1, and alpha itself is of no matter.
    inverse = np.linalg.inv(matrix @ matrix.conj().T + alpha * np.eye(len(matrix)))
    return np.linalg.norm(inverse @ y) ** 2 / np.trace(inverse).real ** 2


def _noisy(op, noise, seed=0):
    x = np.cumsum(_normal(seed, *op.in_shape), axis=-1)
    clean = op(x)
    return clean + noise * _normal(seed + 1, *op.out_shape)


GCV = ("circular", "circular, stride 2", "circular, complex groups", "separable", "transposed", "dense", "groups")


@pytest.mark.parametrize("name", GCV)
def test_cross_validation_is_least_there(name):
    op = OPERATORS[name]
    y = _noisy(op, 0.5)
    found = cm.deconvolve(op, y, "tikhonov")
    matrix, right = _matrix(op), y.ravel()
    grid = np.geomspace(1e-10, 1e4, 57)
    best = min(_validation(matrix, right, alpha) for alpha in grid)
    assert _validation(matrix, right, found.alpha) <= best * (1 + 1e-9)
    polished = minimize_scalar(
        lambda at: _validation(matrix, right, np.exp(at)), bounds=np.log(found.alpha) + np.array([-1, 1]),
        method="bounded", options={"xatol": 1e-6},
    )  # fmt: skip
    assert polished.fun >= _validation(matrix, right, found.alpha) * (1 - 1e-6)
    assert found.rule == "cross-validation"


@pytest.mark.parametrize("solver", ["direct", "lsqr"])
@pytest.mark.parametrize("name", GCV)
def test_discrepancy_leaves_a_residual_as_long_as_the_noise(name, solver):
    op = OPERATORS[name]
    y = np.array([_noisy(op, 0.5), _noisy(op, 0.5, 7)])
    matrix, right, noise = _matrix(op), _columns(y, 2), 0.8
    least = np.linalg.norm(right - matrix @ np.linalg.pinv(matrix) @ right)
    found = cm.deconvolve(op, y, "tikhonov", noise=noise, solver=solver)
    target = noise * np.sqrt(y.size)
    assert least < target
    assert np.linalg.norm(found.residual) == pytest.approx(target, rel=1e-5)

    def excess(at):
        return np.linalg.norm(matrix @ _ridge(matrix, right, np.exp(at)) - right) - target

    assert found.alpha == pytest.approx(np.exp(brentq(excess, -30, 20)), rel=1e-4)
    assert found.rule == "discrepancy"


def test_noise_below_the_least_residual_asks_for_no_regularisation():
    op = OPERATORS["transposed"]
    y = _outputs(op)
    found = cm.deconvolve(op, y, "tikhonov", noise=1e-3)
    assert found.alpha == 0
    np.testing.assert_allclose(found.x, cm.deconvolve(op, y).x, atol=1e-12)


def test_noise_far_below_y_takes_many_steps_to_be_met():
    """After a few steps more than the noise is left, whatever alpha is."""
    disc = np.hypot(*np.mgrid[-2:3, -2:3]) < 2.5
    op = cm.conv(disc / disc.sum(), (30, 32))
    y = op(100 + np.cumsum(_normal(0, 30, 32), axis=1)) + 0.01 * _normal(1, 26, 28)
    found = cm.deconvolve(op, y, "tikhonov", noise=0.01, solver="lsqr")
    assert found.residual == pytest.approx(0.01 * math.sqrt(y.size), rel=1e-3)
    assert found.alpha == pytest.approx(cm.deconvolve(op, y, "tikhonov", noise=0.01, solver="direct").alpha, rel=0.01)


@pytest.mark.parametrize("complex_", [False, True], ids=["real", "complex"])
def test_random_signs_estimate_the_trace(complex_):
    weight = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256 * (1 if not complex_ else np.exp(0.3j))
    op = cm.conv(weight, (40, 50), padding=2, padding_mode="reflect")
    y = op(np.cumsum(_normal(0, 40, 50), axis=1)) + 0.05 * _normal(1, 40, 50)
    exact, estimated = (cm.deconvolve(op, y, "tikhonov", solver=solver) for solver in ("direct", "lsqr"))
    assert estimated.alpha == pytest.approx(exact.alpha, rel=0.15)
    assert np.linalg.norm(estimated.x - exact.x) < 0.03 * np.linalg.norm(exact.x)
    assert cm.deconvolve(op, y, "tikhonov", solver="lsqr").alpha == estimated.alpha
    assert cm.deconvolve(op, y, "tikhonov", solver="lsqr", rng=1).alpha != estimated.alpha


# -- how far to go ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("name", ["circular", "dense", "product", "groups"])
def test_every_step_of_lsqr_is_scipys(name, steps, alpha):
    op = OPERATORS[name]
    y = _outputs(op, 2)
    found = own_lsqr(op, y, alpha, 0.0, steps)
    for own, right in zip(found.x, y, strict=True):
        peer = lsqr(op, right.ravel(), damp=np.sqrt(alpha), atol=0, btol=0, conlim=0, iter_lim=steps)[0]
        np.testing.assert_allclose(own.ravel(), peer, rtol=1e-9, atol=1e-12)
    assert found.iterations == steps


def test_too_few_steps_are_said_so():
    op = OPERATORS["product"]
    found = cm.deconvolve(op, _outputs(op), solver="lsqr", max_iterations=3)
    assert (found.converged, found.iterations) == (False, 3)
    assert "NOT CONVERGED after 3 steps" in str(found)
    assert (
        cm.deconvolve(op, _outputs(op), solver="lsqr", tol=1e-2).iterations
        < cm.deconvolve(op, _outputs(op), solver="lsqr").iterations
    )


def test_small_singular_values_are_left_out_by_tol():
    op = cm.conv([1, 1.9, 1], 12, padding=1, padding_mode="circular")
    y = _outputs(op)
    for tol in (1e-3, 0.3, 0.6):
        expected = np.linalg.pinv(op.toarray(), rcond=tol) @ y.ravel()
        np.testing.assert_allclose(cm.deconvolve(op, y, tol=tol).x.ravel(), expected, atol=1e-12)
    assert cm.deconvolve(op, y, tol=0.3).condition == np.inf


def test_rounded_weights_do_not_hide_that_an_operator_is_singular():
    exact = cm.conv(np.array([0.1, 0.7, 0.1, -0.9]), 8, padding=((1, 2),), padding_mode="circular")
    rounded = cm.conv(exact.weight.astype(np.float32), 8, padding=((1, 2),), padding_mode="circular")
    y = _outputs(exact)
    found = cm.deconvolve(rounded, y)
    assert found.condition == np.inf
    np.testing.assert_allclose(found.x, cm.deconvolve(exact, y).x, rtol=1e-5)


@pytest.mark.parametrize("size", [(128, 140), (131, 129)], ids=str)
def test_a_large_circular_picture_is_divided_in_waves(size):
    weight, y = _normal(0, 3, 3), _normal(1, *size)
    kernel = np.zeros(size)
    kernel[:3, :3] = weight
    gain = np.conj(np.fft.fft2(np.roll(kernel, (-1, -1), (0, 1))))
    op = cm.conv(weight, size, padding=1, padding_mode="circular")
    found = cm.deconvolve(op, y, "tikhonov", alpha=0.3)
    expected = np.fft.ifft2(np.conj(gain) / (np.abs(gain) ** 2 + 0.3) * np.fft.fft2(y)).real
    np.testing.assert_allclose(found.x, expected, atol=1e-12)
    assert found.condition == pytest.approx(np.abs(gain).max() / np.abs(gain).min())


def test_a_large_operator_is_only_applied():
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((4, 4, 3, 3))
    weight[..., 1, 1] += 12 * np.eye(4)
    op = cm.conv(weight, (40, 40), padding=1)
    x = rng.standard_normal(op.in_shape)
    found = cm.deconvolve(op, op(x))
    assert (found.solver, found.converged, found.condition) == ("LSQR", True, None)
    np.testing.assert_allclose(found.x, x, rtol=1e-6, atol=1e-8)


# -- what comes out ---------------------------------------------------------------------------------------------------


def test_a_result_is_shown_and_written():
    op = cm.conv("1 3 1", 6, padding=1, padding_mode="circular")
    found = cm.deconvolve(op, np.arange(6.0), "tikhonov", alpha=2)
    said = found.to_dict()
    assert json.loads(json.dumps(said)) == said
    assert said["solver"] == "frequency blocks"
    assert said["alpha"] == 2
    assert said["shape"] == [6]
    assert "Tikhonov, by frequency blocks: residual" in str(found)
    assert "<caption>Tikhonov" in found._repr_html_()
    batch = cm.deconvolve(op, np.stack([np.arange(6.0), np.ones(6)]), "transpose")
    assert " to " in str(batch).splitlines()[0]
    assert "the transpose: residual" in str(batch)
    assert np.array(found, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        found.x[0] = 1


LAYER = cm.conv("1 3 1", 6, padding=1, padding_mode="circular")
Y = np.arange(6.0)
RULE = "must be a number of at least 0 and finite, got"
BAD = {
    "no operator": ((np.eye(3), Y), {}, "op must be a TensorOperator, got ndarray"),
    "symbols": ((cm.conv("a b", 6), Y), {}, "op must have weights without symbols, got a"),
    "NaN weight": ((cm.conv([1, np.nan], 6), Y), {}, "op must have finite weights, got nan"),
    "shape": ((LAYER, np.ones(5)), {}, r"y must have the shape \(1, 6\), after any batch axes, got \(5,\)"),
    "NaN": ((LAYER, [1, 2, 3, np.nan, 5, 6]), {}, "y must be finite, got nan"),
    "infinity": ((LAYER, [1, 2, 3, np.inf, 5, 6]), {}, "y must be finite, got inf"),
    "symbolic y": ((LAYER, [sympy.Symbol("a")] * 6), {}, "y must be made of numbers, got a"),
    "huge y": ((LAYER, [10**400] * 6), {}, "y must be within the range of floats, got a larger number"),
    "method": ((LAYER, Y, "wiener"), {}, "method must be one of 'transpose', 'least_squares', 'tikhonov', got 'w"),
    "solver": ((LAYER, Y), {"solver": "cg"}, "solver must be one of 'auto', 'direct', 'lsqr', got 'cg'"),
    "negative alpha": ((LAYER, Y, "tikhonov"), {"alpha": -1}, f"alpha {RULE} -1"),
    "alpha NaN": ((LAYER, Y, "tikhonov"), {"alpha": np.nan}, f"alpha {RULE} nan"),
    "alpha True": ((LAYER, Y, "tikhonov"), {"alpha": True}, f"alpha {RULE} True"),
    "alpha elsewhere": ((LAYER, Y), {"alpha": 1}, "alpha must be None but for method 'tikhonov', got 1 with 'least_"),
    "noise elsewhere": ((LAYER, Y, "transpose"), {"noise": 1}, "noise must be None but for method 'tikhonov', got 1"),
    "both": ((LAYER, Y, "tikhonov"), {"alpha": 1, "noise": 2}, "noise must be None where alpha is given, got noise 2"),
    "no noise": ((LAYER, Y, "tikhonov"), {"noise": 0}, "noise must be a number above 0 and finite, got 0"),
    "all noise": ((LAYER, Y, "tikhonov"), {"noise": 9}, "noise must be below the root mean square of y, 3.0276"),
    "tol": ((LAYER, Y), {"tol": 1}, "tol must be a number of at least 0 and below 1, got 1"),
    "steps": ((LAYER, Y), {"max_iterations": 0}, "max_iterations must be at least 1, got 0"),
    "start": ((LAYER, Y), {"x0": np.ones(5)}, r"x0 must have the shape \(1, 6\), after any batch axes, got \(5,\)"),
    "batch": ((LAYER, Y), {"x0": np.ones((2, 6))}, r"x0 must have the batch axes of y, \(\), or none, got \(2,\)"),
    "start NaN": ((LAYER, Y), {"x0": [np.nan] * 6}, "x0 must be finite, got nan"),
    "transposed": ((LAYER, Y, "transpose"), {"x0": Y}, "x0 must be None for method 'transpose', which starts from"),
    "idle solver": ((LAYER, Y, "transpose"), {"solver": "lsqr"},
                    "solver must be 'auto' for method 'transpose', which solves nothing, got 'lsqr'"),
    "idle tol": ((LAYER, Y, "transpose"), {"tol": 0.1}, "tol must be None for method 'transpose', .*got 0.1"),
    "idle steps": ((LAYER, Y, "transpose"), {"max_iterations": 9},
                   "max_iterations must be None for method 'transpose', .*got 9"),
    "rng": ((LAYER, Y), {"rng": "x"}, "rng must be what numpy.random.default_rng takes, got 'x'"),
    "negative rng": ((LAYER, Y, "tikhonov"), {"rng": -1}, "rng must be what numpy.random.default_rng takes, got -1"),
    "beyond": ((1e-300 * LAYER, Y * 1e300), {}, "x must be within the range of floats, got numbers of 2"),
    "too large": (
        (cm.conv(_normal(0, 8, 8, 3, 3), (64, 64)), np.ones((8, 62, 62))), {"solver": "direct"},
        "solver must be 'auto' or 'lsqr' for an operator of this size without a form",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "options", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_error(given, options, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.deconvolve(*given, **options)
