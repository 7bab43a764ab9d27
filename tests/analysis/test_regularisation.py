"""How `deconvolve` chooses `alpha` without singular values, and stops, against those of the dense matrix."""

import math
from itertools import pairwise

import numpy as np
import pytest

import convmatrix as cm
from convmatrix.analysis.inverse.bidiagonal import bidiagonalised, lsqr
from convmatrix.analysis.inverse.measures import Form, Measure

CHOOSING = "convmatrix.analysis.inverse.choosing"


def _blurred(seed, noise):
    """A random kernel, whose singular values often reach far below the noise, a part of the blurred picture."""
    rng = np.random.default_rng(seed)
    op = cm.conv(rng.standard_normal((4, 4)), (10, 10), padding="same", padding_mode="reflect")
    x = np.cumsum(rng.standard_normal((10, 10)), axis=-1)
    clean = op(x)
    return op, x, clean + noise * clean.std() * rng.standard_normal(clean.shape), noise * float(clean.std())


def _disc(size, radius, noise):
    reach = int(radius)
    disc = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1]) < radius
    op = cm.conv(disc / disc.sum(), (size, size), padding="same", padding_mode="reflect")
    rng = np.random.default_rng(0)
    x = 100 + np.cumsum(rng.standard_normal((size, size)), axis=1)
    return op, x, op(x) + noise * rng.standard_normal((size, size))


def _tall(noise):
    """More outputs than inputs: no x explains the noise."""
    op = cm.conv(np.random.default_rng(1).standard_normal((3, 1, 3)), 12, padding=1)
    rng = np.random.default_rng(2)
    y = op(rng.standard_normal((1, 12))) + noise * rng.standard_normal(op.out_shape)
    return op, y, float(np.sqrt(np.linalg.lstsq(op.toarray(), y.ravel(), rcond=None)[1][0]))


# -- the discrepancy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 4, 33, 40, 59])
@pytest.mark.parametrize("noise", [1e-2, 1e-3, 1e-5])
def test_steps_meet_the_noise_where_singular_values_lie_below_it(seed, noise):
    op, x, y, noise = _blurred(seed, noise)
    direct, steps = (cm.deconvolve(op, y, "tikhonov", noise=noise, solver=solver) for solver in ("direct", "lsqr"))
    assert steps.residual == pytest.approx(10 * noise, rel=1e-5)
    assert steps.alpha == pytest.approx(direct.alpha, rel=1e-3)
    assert np.linalg.norm(steps.x - x) == pytest.approx(np.linalg.norm(direct.x - x), rel=1e-2)
    assert (steps.converged, steps.rule_met, steps.rule) == (True, True, "discrepancy")


@pytest.mark.parametrize(("radius", "noise"), [(2.5, 0.003), (4.5, 0.01)])
def test_a_picture_whose_vectors_are_too_many_to_keep(radius, noise):
    op, _, y = _disc(36, radius, noise)
    found = cm.deconvolve(op, y, "tikhonov", noise=noise, solver="lsqr")
    assert found.residual == pytest.approx(36 * noise, rel=1e-3)
    assert found.rule_met
    assert found.alpha > 0


@pytest.mark.parametrize("solver", ["direct", "lsqr"])
@pytest.mark.parametrize("share", [0.5, 0.999, 1.001, 1.5])
def test_no_regularisation_only_where_the_least_residual_is_longer(solver, share):
    op, y, least = _tall(0.3)
    noise = share * least / math.sqrt(y.size)
    found = cm.deconvolve(op, y, "tikhonov", noise=noise, solver=solver)
    assert (found.alpha == 0) is (share < 1)
    assert found.residual == pytest.approx(max(share, 1) * least, rel=1e-6)
    assert (found.rule_met, found.converged) == (True, True)
    assert "NOT" not in str(found)


def test_the_least_residual_is_recognised_before_all_steps_are_made(monkeypatch):
    """By its slope: the vectors are not kept, so that the form never ends by itself."""
    monkeypatch.setattr("convmatrix.analysis.inverse.bidiagonal._HELD_ENTRIES", 0)
    op, y, least = _tall(0.3)
    found = cm.deconvolve(op, y, "tikhonov", noise=0.5 * least / math.sqrt(y.size), solver="lsqr")
    assert (found.alpha, found.rule_met) == (0, True)
    assert found.residual == pytest.approx(least)


def test_a_discrepancy_that_steps_do_not_reach_is_reported(monkeypatch):
    op, _, y, noise = _blurred(4, 1e-3)
    monkeypatch.setattr(f"{CHOOSING}.MOST_STEPS", 10)
    found = cm.deconvolve(op, y, "tikhonov", noise=noise, solver="lsqr")
    assert found.residual > 1.1 * 10 * noise
    assert (found.rule_met, found.converged) == (False, False)
    assert ", discrepancy: RULE NOT MET" in str(found)
    assert found.to_dict()["rule_met"] is False


def test_a_discrepancy_is_read_from_the_residual_itself():
    op, _, y, noise = _blurred(4, 1e-3)
    found = cm.deconvolve(op, y, "tikhonov", noise=noise, solver="lsqr", max_iterations=5)
    assert found.alpha > 0
    assert found.residual > 1.1 * 10 * noise
    assert (found.rule_met, found.converged) == (False, False)
    assert cm.deconvolve(op, y, "tikhonov", alpha=found.alpha).rule_met is None


def test_values_that_count_as_0_leave_their_part_of_the_residual():
    op, _, y, _ = _blurred(4, 1e-2)
    left, values, _ = np.linalg.svd(op.toarray())
    parts = left.T @ y.ravel()
    least = np.linalg.norm(parts[values <= 0.2 * values[0]])
    for share in (0.9, 1.2):
        found = cm.deconvolve(op, y, "tikhonov", noise=share * least / 10, tol=0.2)
        assert found.residual == pytest.approx(max(share, 1) * least)
        assert (found.rule_met, found.alpha == 0) == (True, share < 1)


# -- cross-validation -------------------------------------------------------------------------------------------------


def _validation(op, y):
    """As a function of alpha."""
    left, values, _ = np.linalg.svd(op.toarray())
    parts = left.T @ y.ravel()

    def error(alpha):
        shares = alpha / (values**2 + alpha)
        return ((shares * parts) ** 2).sum() / shares.sum() ** 2

    return error


@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize("seed", [12, 17, 18, 21, 33])
def test_steps_find_the_least_cross_validation(seed, noise):
    op, x, y, _ = _blurred(seed, noise)
    direct, steps = (cm.deconvolve(op, y, "tikhonov", solver=solver) for solver in ("direct", "lsqr"))
    top = np.linalg.norm(op.toarray(), 2) ** 2
    error = _validation(op, y)
    best = min(error(alpha) for alpha in top * np.exp(np.linspace(-58, 2, 241)))
    assert error(steps.alpha) <= 1.06 * best
    assert np.linalg.norm(steps.x - x) <= 1.1 * np.linalg.norm(direct.x - x) + 1e-8 * np.linalg.norm(x)
    assert (steps.rule_met, steps.converged) == (True, True)


@pytest.mark.parametrize("seed", [48, 192, 226, 283, 284])
def test_a_valley_at_small_alpha_is_not_overlooked(seed):
    """Cross-validation has another one, some decades above and up to 600 times as high."""
    rng = np.random.default_rng(seed)
    op = cm.conv(rng.standard_normal((2, 2, 3, 3)), (8, 8), padding=1, padding_mode="reflect")
    clean = op(np.cumsum(rng.standard_normal(op.in_shape), axis=-1))
    y = clean + clean.std() * 10.0 ** rng.uniform(-4, -0.3) * rng.standard_normal(clean.shape)
    direct, steps = (cm.deconvolve(op, y, "tikhonov", solver=solver) for solver in ("direct", "lsqr"))
    error = _validation(op, y)
    assert error(steps.alpha) <= 1.06 * error(direct.alpha)
    assert steps.rule_met


def test_a_small_matrix_leaves_nothing_to_chance():
    op, _, y, _ = _blurred(0, 1e-2)
    assert len({cm.deconvolve(op, y, "tikhonov", solver="lsqr", rng=rng).alpha for rng in range(3)}) == 1


def test_cross_validation_that_is_not_settled_is_reported(monkeypatch):
    op, _, y, _ = _blurred(33, 0.0)
    monkeypatch.setattr(f"{CHOOSING}.MOST_STEPS", 30)
    found = cm.deconvolve(op, y, "tikhonov", solver="lsqr")
    assert (found.rule_met, found.converged) == (False, False)
    assert ", cross-validation: RULE NOT MET" in str(found)


# -- the forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_forms_enclose_every_integral_and_end_at_it(is_complex):
    rng = np.random.default_rng(5)
    weight = rng.standard_normal((2, 2, 3)) + (1j * rng.standard_normal((2, 2, 3)) if is_complex else 0)
    op = cm.conv(weight, 7, padding=1, stride=2)
    rows = rng.standard_normal((3, *op.out_shape))
    left, values, _ = np.linalg.svd(op.toarray())
    masses = (np.abs(left.conj().T @ rows.reshape(3, -1).T) ** 2).sum(axis=1)
    exact = Measure(np.append(values**2, np.zeros(len(left) - values.size)), masses)
    form, alphas = Form(), np.geomspace(1e-20, 1e3, 24)
    for step in bidiagonalised(op, rows):
        form.add(step.alpha, step.beta)
        for power in (1, 2):
            below, above = (form.left(alphas, power, above=above) for above in (False, True))
            true = exact.left(alphas, power)
            assert (below <= true * (1 + 1e-9)).all()
            assert (true <= above * (1 + 1e-9)).all()
            assert form.left(float(alphas[3]), power, above=True) == pytest.approx(above[3], rel=1e-12)
        assert form.top <= 4 * values[0] ** 2 * (1 + 1e-12)
        if form.is_complete:
            break
    assert len(form.diagonal) <= len(left) + 1
    np.testing.assert_allclose(below, true, rtol=1e-8)
    np.testing.assert_allclose(above, true, rtol=1e-8)


def test_many_alphas_go_through_a_form_a_few_at_a_time(monkeypatch):
    op, _, y, _ = _blurred(1, 0.01)
    form = Form()
    for _, step in zip(range(20), bidiagonalised(op, np.stack([y, y[::-1]])[:, None]), strict=False):
        form.add(step.alpha, step.beta)
    alphas = np.geomspace(1e-9, 1, 17)
    at_once = form.left(alphas, 2, above=True)
    monkeypatch.setattr("convmatrix.analysis.inverse.measures._ROOM", 100)
    np.testing.assert_array_equal(form.left(alphas, 2, above=True), at_once)


# -- where LSQR stops -------------------------------------------------------------------------------------------------


SINGULAR = {
    "circular": cm.conv([1.0, 2.0, 1.0], 6, padding=1, padding_mode="circular"),
    "identity": cm.conv([0.0, 1.0, 0.0], 6, padding=1, padding_mode="circular"),
    "Laplacian": cm.conv("laplacian4", (6, 6), padding=1, padding_mode="reflect"),
    "Sobel": cm.conv("sobel_x", (8, 8), padding=1),
    "complex": cm.conv(np.array([1, 1j]), 8, padding=((0, 1),), padding_mode="circular"),
}


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
@pytest.mark.parametrize("tol", [0, 1e-17, 1e-15])
@pytest.mark.parametrize("op", SINGULAR.values(), ids=SINGULAR)
def test_no_tolerance_takes_lsqr_past_the_end(op, tol, kept, monkeypatch):
    if not kept:
        monkeypatch.setattr("convmatrix.analysis.inverse.bidiagonal._HELD_ENTRIES", 0)
    y = np.random.default_rng(1).standard_normal((2, *op.out_shape))
    best = cm.deconvolve(op, y)
    found = cm.deconvolve(op, y, solver="lsqr", tol=tol)
    assert found.converged
    np.testing.assert_allclose(found.x, best.x, atol=1e-11 * np.abs(best.x).max())
    np.testing.assert_allclose(found.residual, best.residual, atol=1e-11)


@pytest.mark.parametrize("op", SINGULAR.values(), ids=SINGULAR)
def test_no_step_makes_it_worse(op):
    rows = np.random.default_rng(1).standard_normal((1, *op.out_shape))
    left = [np.linalg.norm(op(lsqr(op, rows, 0.0, 0.0, steps).x) - rows) for steps in range(1, 100)]
    assert all(after <= before + 1e-12 for before, after in pairwise(left))


@pytest.mark.parametrize("solver", ["auto", "lsqr"])
@pytest.mark.parametrize(
    ("method", "options"),
    [("transpose", {}), ("least_squares", {}), ("tikhonov", {}), ("tikhonov", {"noise": 1}),
     ("tikhonov", {"alpha": 1})],
    ids=str,
)  # fmt: skip
def test_an_empty_batch_says_so(method, options, solver):
    options = options if method == "transpose" else options | {"solver": solver}
    found = cm.deconvolve(cm.conv([1, 3, 1], 6), np.zeros((0, 4)), method, **options)
    assert found.x.shape == (0, 6)
    assert str(found).splitlines()[0].endswith(": an empty batch")
    assert found.converged
