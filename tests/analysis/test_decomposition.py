"""`decompose`: layers made of known factors are found again, with factors that multiply back to their matrix."""

from __future__ import annotations

import numpy as np
import pytest
from decomposition_cases import CASES, RNG, depthwise_separable, flat, fractions, last_bottleneck, normal, tight, whole

import convmatrix as cm

MODES = ("zeros", "circular", "reflect", "replicate", "symmetric")
DRAWS = {"integers": whole, "fractions": fractions, "floats": normal}
PLACES = {
    "plain": {},
    "strided": {"stride": 2, "padding": 1},
    "dilated": {"dilation": 2, "padding": 2},
    "mixed": {"stride": (2, 1, 3), "dilation": (1, 2, 1), "padding": ((0, 1), (2, 0), (1, 1))},
}

# Every place with integers or floats, every kind of number in a place that is not the plain one.
DRAWN = [
    ("plain", "integers"),
    ("strided", "fractions"),
    ("strided", "floats"),
    ("dilated", "integers"),
    ("mixed", "integers"),
    ("mixed", "floats"),
]


def placed(arguments, axes):
    """The arguments cut to so many axes."""
    return {name: value if isinstance(value, (int, str)) else value[:axes] for name, value in arguments.items()}


def factored(op, structure):
    """The factors multiplied out one by one, as dense matrices."""
    product = structure.factors[0].toarray()
    for factor in structure.factors[1:]:
        product = factor.toarray() @ product
    return product


@pytest.mark.parametrize(("place", "draw"), DRAWN)
@pytest.mark.parametrize("case", CASES)
def test_layers_of_known_factors_are_found(case, place, draw):
    make, options, name, settings = CASES[case]
    weight = make(DRAWS[draw], **options)
    axes = weight.ndim - 2
    layer = cm.conv(weight, (6, 5, 3)[:axes], **placed(PLACES[place], axes))
    found = cm.decompose(layer)
    structure = found[name]
    assert structure.settings == settings
    assert structure.holds
    assert structure.is_exact == (draw != "floats")
    if draw == "fractions":
        x = whole(2, *layer.in_shape)
        assert structure.comparison.is_exact
        assert (run(structure.factors, x) == layer(x)).all()
        return
    product, wanted = factored(layer, structure), layer.toarray()
    if structure.is_exact:
        assert (product == wanted).all()
        assert (structure.error, structure.spectral_error, structure.tol) == (0, 0, None)
    else:
        np.testing.assert_allclose(product, wanted, atol=1e-12 * abs(wanted).max())
        assert structure.relative_error < 1e-14
    assert structure.comparison.is_equal
    assert structure.operator.shape == layer.shape


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", ["depthwise separable, 2-D", "bottleneck, first", "column then row", "flattened, 2-D"])
def test_every_padding_mode_is_exact(case, mode):
    make, options, name, _ = CASES[case]
    layer = cm.conv(make(whole, **options), (6, 5), padding=((2, 1), (1, 2)), stride=(2, 1), padding_mode=mode)
    structure = cm.decompose(layer)[name]
    assert structure.is_exact
    assert (factored(layer, structure) == layer.toarray()).all()


TURNED = {
    "depthwise separable": "blueprint separable",
    "blueprint separable": "depthwise separable",
    "bottleneck, 1x1 last": "bottleneck, 1x1 first",
    "bottleneck, 1x1 first": "bottleneck, 1x1 last",
    "column then row": "row then column",
    "row then column": "column then row",
    "axis 0 then axes 1+2": "axes 1+2 then axis 0",
    "axes 0+1 then axis 2": "axis 2 then axes 0+1",
    "axis 1 then axes 0+2": "axes 0+2 then axis 1",
}


@pytest.mark.parametrize("case", CASES)
def test_transposed_layers_have_the_factors_in_reverse(case):
    make, options, name, _ = CASES[case]
    weight = make(whole, **options)
    axes = weight.ndim - 2
    layer = cm.conv_transpose(
        weight, (3, 4, 2)[:axes], stride=2, padding=1, output_padding=1, bias=whole(weight.shape[1])
    )
    structure = cm.decompose(layer)[TURNED.get(name, name)]
    assert structure.is_exact
    assert (factored(layer, structure) == layer.toarray()).all()
    x = whole(*layer.in_shape)
    assert (run(structure.factors, x) == layer(x) + layer.bias).all()


def run(factors, x):
    """The layers one after the other, each with its bias."""
    for factor in factors:
        x = factor(x) if factor.bias is None else factor(x) + factor.bias
    return x


@pytest.mark.parametrize("kind", ["depthwise separable, 2-D", "bottleneck, last", "column then row", "flattened, 2-D"])
def test_groups_are_decomposed_one_by_one(kind):
    make, options, name, settings = CASES[kind]
    weight = np.concatenate([make(whole, **options) for _ in range(2)])
    layer = cm.conv(weight, (5, 5), groups=2, padding=1, bias=whole(weight.shape[0]))
    structure = cm.decompose(layer)[name]
    assert structure.settings == {**settings, "groups": 2}
    assert structure.is_exact
    assert (factored(layer, structure) == layer.toarray()).all()
    x = whole(*layer.in_shape)
    assert (run(structure.factors, x) == layer(x) + layer.bias).all()


def test_groups_of_unequal_ranks_are_padded():
    weight = np.concatenate([last_bottleneck(whole, rank) for rank in (1, 3)])
    structure = cm.decompose(cm.conv(weight, (5, 5), groups=2))["bottleneck, 1x1 last"]
    assert structure.settings == {"rank": 3, "of": 6, "groups": 2}
    assert structure.is_exact


def test_a_depthwise_layer_may_be_separable_in_space():
    layer = cm.conv(flat(whole, (4, 1, 3, 3)), (6, 6), groups=4, padding=1)
    structure = cm.decompose(layer)["column then row"]
    assert structure.settings == {"rank": 1, "of": 3, "groups": 4}
    assert [factor.geometry.groups for factor in structure.factors] == [4, 4]
    assert structure.is_exact


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("shape", [(5, 4, 3), (6, 5, 3, 3), (4, 3, 2, 3, 2), (4, 4, 1, 1)], ids=str)
def test_generic_layers_have_no_structure(shape, dtype):
    weight = (100 * normal(*shape)).astype(dtype)
    if dtype == np.complex128:
        weight = weight + 1j * normal(*shape)
    found = cm.decompose(weight)
    assert found.structures == ()
    assert found.best is None
    assert {"grouped"} & set(found.absent) or shape[:2] != (4, 4)
    assert all("rank" in reason or reason == "all channels meet" for reason in found.absent.values())


NOISE = {
    "above rounding": (1e-6, None, False),
    "within the tolerance": (1e-6, 1e-3, True),
    "above it": (1e-2, 1e-5, False),
}


@pytest.mark.parametrize(("size", "tol", "is_found"), NOISE.values(), ids=NOISE)
@pytest.mark.parametrize("case", CASES)
def test_noise(case, size, tol, is_found):
    make, options, name, _ = CASES[case]
    weight = make(normal, **options)
    weight = weight + size * abs(weight).max() * RNG.uniform(-1, 1, weight.shape)
    found = cm.decompose(weight, tol, input_size=tight(weight))
    assert (name in found) == is_found
    if is_found:
        structure = found[name]
        assert structure.holds
        assert not structure.is_exact
        assert structure.tol == tol
        assert structure.comparison.is_equal
        assert 0 < structure.relative_error < 1e-3


def test_integers_within_a_tolerance_are_approximated():
    weight = 1000 * last_bottleneck(whole) + whole(6, 4, 3, 3)
    assert "bottleneck, 1x1 last" not in cm.decompose(weight)
    structure = cm.decompose(weight, 0.05)["bottleneck, 1x1 last"]
    assert structure.settings == {"rank": 2, "of": 6}
    assert structure.holds
    assert not structure.is_exact
    assert structure.error > 0


@pytest.mark.parametrize("kind", ["int", "float"])
def test_a_rank_asked_for_gives_the_best_approximations(kind):
    weight = whole(6, 5, 3, 3) if kind == "int" else normal(6, 5, 3, 3)
    found = cm.decompose(weight, rank=2)
    errors = [structure.error for structure in found]
    assert errors == sorted(errors)
    unfoldings = {
        "bottleneck, 1x1 last": weight.reshape(6, -1),
        "bottleneck, 1x1 first": np.moveaxis(weight, 1, 0).reshape(5, -1),
        "column then row": weight.transpose(0, 3, 1, 2).reshape(18, 15),
        "row then column": weight.transpose(0, 2, 1, 3).reshape(18, 15),
    }
    for name, matrix in unfoldings.items():
        values = np.linalg.svd(matrix.astype(float), compute_uv=False)
        structure = found[name]
        assert not structure.holds
        assert structure.verdict == "approximately"
        assert structure.weight_error == pytest.approx(np.linalg.norm(values[2:]))
    assert {"depthwise separable", "blueprint separable"} <= set(found.names)
    assert found.best is None


@pytest.mark.parametrize("rank", [2, 3])
def test_a_rank_that_suffices_holds(rank):
    structure = cm.decompose(last_bottleneck(whole), rank=rank)["bottleneck, 1x1 last"]
    assert structure.settings["rank"] == 2
    assert structure.is_exact


ERRORS = {
    "stride": {"stride": 2, "padding": 1},
    "replicate": {"padding": 3, "padding_mode": "replicate"},
    "reflect": {"padding": 2, "padding_mode": "reflect", "stride": (1, 2)},
}


@pytest.mark.parametrize("arguments", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("transposed", [False, True])
def test_errors_are_those_of_the_matrix(arguments, transposed):
    weight = normal(4, 3, 3, 3)
    if transposed:
        layer = cm.conv_transpose(weight, (4, 3), stride=2, padding=1)
    else:
        layer = cm.conv(weight, (5, 6), **arguments)
    wanted = layer.toarray()
    for structure in cm.decompose(layer, rank=1):
        gap = structure.operator.toarray() - wanted
        assert structure.error == pytest.approx(np.linalg.norm(gap))
        assert structure.relative_error == pytest.approx(np.linalg.norm(gap) / np.linalg.norm(wanted))
        assert structure.spectral_error == pytest.approx(np.linalg.norm(gap, 2), rel=1e-2)
        assert structure.spectral_size == layer.in_shape[1:]
        assert structure.comparison.frobenius == pytest.approx(structure.error)


def test_costs_are_counted_in_the_usual_convention():
    layer = cm.conv(depthwise_separable(whole, outputs=8, inputs=4), (7, 7))
    best = cm.decompose(layer).best
    assert best.name == "depthwise separable"
    assert best.multiplications == (8 * 4 * 9 * 25, 4 * 9 * 25 + 8 * 4 * 25)
    assert best.parameters == (8 * 4 * 9, 4 * 9 + 8 * 4)
    assert best.saves


def test_what_saves_nothing_is_listed_and_not_the_best():
    found = cm.decompose(last_bottleneck(whole, rank=5, outputs=6, inputs=1, kernel=(3, 3)))
    assert not found["bottleneck, 1x1 last"].saves
    assert found["bottleneck, 1x1 last"].holds
    assert found.best is None
