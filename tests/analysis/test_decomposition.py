"""`decompose`: layers made of known factors are found again, with factors that multiply back to their matrix."""

from __future__ import annotations

import json
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest
import sympy

import convmatrix as cm
from convmatrix.analysis.comparison import compare
from convmatrix.analysis.decomposition import lowrank, measure, search

RNG = np.random.default_rng(7)
MODES = ("zeros", "circular", "reflect", "replicate", "symmetric")


def whole(*shape):
    """Small integers, none of them 0, so that ranks are what the shapes say."""
    return RNG.integers(1, 6, shape) * RNG.choice([-1, 1], shape)


def normal(*shape):
    return RNG.standard_normal(shape)


def fractions(*shape):
    drawn = np.empty(shape, dtype=object)
    drawn.reshape(-1)[:] = [Fraction(int(n), int(d)) for n, d in zip(whole(drawn.size), whole(drawn.size), strict=True)]
    return drawn


def depthwise_separable(draw, kernel=(3, 3), multiplier=1, outputs=6, inputs=3):
    pairs = draw(inputs, outputs, multiplier), draw(inputs, multiplier, int(np.prod(kernel)))
    return (pairs[0] @ pairs[1]).reshape(inputs, outputs, *kernel).swapaxes(0, 1)


def blueprint_separable(draw, kernel=(3, 3), multiplier=1, outputs=4, inputs=5):
    pairs = draw(outputs, inputs, multiplier), draw(outputs, multiplier, int(np.prod(kernel)))
    return (pairs[0] @ pairs[1]).reshape(outputs, inputs, *kernel)


def last_bottleneck(draw, rank=2, outputs=6, inputs=4, kernel=(3, 3)):
    return (draw(outputs, rank) @ draw(rank, inputs * int(np.prod(kernel)))).reshape(outputs, inputs, *kernel)


def first_bottleneck(draw, rank=2, outputs=4, inputs=6, kernel=(3, 3)):
    return np.moveaxis(last_bottleneck(draw, rank, inputs, outputs, kernel), 0, 1)


def column_then_row(draw, rank=2, outputs=4, inputs=3):
    product = draw(outputs * 3, rank) @ draw(rank, inputs * 3)
    return product.reshape(outputs, 3, inputs, 3).transpose(0, 2, 3, 1)


def row_then_column(draw, rank=2):
    return column_then_row(draw, rank).swapaxes(2, 3)


def flat(draw, shape=(5, 4, 3, 3)):
    return np.array([outer(*(draw(size) for size in shape[1:])) for _ in range(shape[0])])


def outer(*vectors):
    result = np.array(1, dtype=vectors[0].dtype)
    for vector in vectors:
        result = np.multiply.outer(result, vector)
    return result


def split_of_three(draw, first, rank=2, outputs=4, inputs=3):
    """A 2x3x2 kernel whose axes of `first` are read by the first factor."""
    kernel = (2, 3, 2)
    second = [axis for axis in range(3) if axis not in first]
    sizes = [outputs, *(kernel[axis] for axis in second), inputs, *(kernel[axis] for axis in first)]
    rows = int(np.prod(sizes[: 1 + len(second)]))
    product = draw(rows, rank) @ draw(rank, int(np.prod(sizes)) // rows)
    order = np.argsort([0, *(2 + axis for axis in second), 1, *(2 + axis for axis in first)])
    return product.reshape(sizes).transpose(order)


CASES = {
    "depthwise separable, 2-D": (depthwise_separable, {}, "depthwise separable", {"multiplier": 1, "of": 6}),
    "depthwise separable, 1-D": (
        depthwise_separable, {"kernel": (4,), "multiplier": 2}, "depthwise separable", {"multiplier": 2, "of": 4}
    ),
    "depthwise separable, 3-D": (
        depthwise_separable, {"kernel": (2, 3, 2)}, "depthwise separable", {"multiplier": 1, "of": 6}
    ),
    "blueprint separable": (blueprint_separable, {}, "blueprint separable", {"multiplier": 1, "of": 5}),
    "blueprint separable, 1-D": (
        blueprint_separable, {"kernel": (4,), "multiplier": 2}, "blueprint separable", {"multiplier": 2, "of": 4}
    ),
    "bottleneck, last": (last_bottleneck, {}, "bottleneck, 1x1 last", {"rank": 2, "of": 6}),
    "bottleneck, first": (first_bottleneck, {}, "bottleneck, 1x1 first", {"rank": 2, "of": 6}),
    "bottleneck, pointwise": (
        last_bottleneck, {"kernel": (1, 1), "outputs": 5, "inputs": 7}, "bottleneck", {"rank": 2, "of": 5}
    ),
    "column then row": (column_then_row, {}, "column then row", {"rank": 2, "of": 9}),
    "row then column": (row_then_column, {}, "row then column", {"rank": 2, "of": 9}),
    "one kernel": (column_then_row, {"rank": 1, "outputs": 1, "inputs": 1}, "column then row", {"rank": 1, "of": 3}),
    "axis 0 first": (split_of_three, {"first": (0,)}, "axis 0 then axes 1+2", {"rank": 2, "of": 6}),
    "axis 2 last": (split_of_three, {"first": (0, 1)}, "axes 0+1 then axis 2", {"rank": 2, "of": 8}),
    "axis 1 first": (split_of_three, {"first": (1,)}, "axis 1 then axes 0+2", {"rank": 2, "of": 9}),
    "flattened, 2-D": (flat, {}, "flattened", {}),
    "flattened, 1-D": (flat, {"shape": (4, 3, 5)}, "flattened", {}),
    "flattened, 3-D": (flat, {"shape": (3, 2, 2, 3, 2)}, "flattened", {}),
}  # fmt: skip
DRAWS = {"integers": whole, "fractions": fractions, "floats": normal}
PLACES = {
    "plain": {},
    "strided": {"stride": 2, "padding": 1},
    "dilated": {"dilation": 2, "padding": 2},
    "mixed": {"stride": (2, 1, 3), "dilation": (1, 2, 1), "padding": ((0, 1), (2, 0), (1, 1))},
}

# Exact objects are slow: the other places are seen with integers and floats.
DRAWN = [(place, draw) for place in PLACES for draw in DRAWS if draw != "fractions" or place == "strided"]


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
    layer = cm.conv(weight, (6, 7, 5)[:axes], **placed(PLACES[place], axes))
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
    found = cm.decompose(weight, tol)
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


SCALES = {"tiny": 1e-300, "huge": 1e300, "below": 1e-9}


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize("case", CASES)
def test_scale_changes_no_verdict(case, scale):
    make, options, name, settings = CASES[case]
    weight = make(normal, **options)
    weight = weight / abs(weight).max() * scale
    found = cm.decompose(weight)
    assert found[name].settings == settings
    assert found[name].relative_error < 1e-14
    assert "inf" not in json.dumps(found.to_dict())


def test_single_precision_stays_single():
    weight = depthwise_separable(normal).astype(np.float32)
    structure = cm.decompose(weight)["depthwise separable"]
    assert [factor.dtype for factor in structure.factors] == [np.float32, np.float32]
    assert structure.comparison.is_equal


def test_complex_layers():
    weight = last_bottleneck(lambda *shape: normal(*shape) + 1j * normal(*shape))
    structure = cm.decompose(weight)["bottleneck, 1x1 last"]
    assert structure.settings["rank"] == 2
    assert structure.relative_error < 1e-14


def test_integers_beyond_int64_stay_exact():
    weight = last_bottleneck(whole).astype(object) * 10**30
    found = cm.decompose(weight)
    assert found["bottleneck, 1x1 last"].is_exact
    with pytest.raises(cm.ConvMatrixError, match=r"entries must fit a float64, got about -?1e400"):
        cm.decompose(whole(3, 3, 2).astype(object) * 10**400, rank=1)


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_a_layer_of_zeros(dtype):
    found = cm.decompose(np.zeros((4, 6, 3, 3), dtype))
    assert found["bottleneck, 1x1 last"].settings == {"rank": 0, "of": 4}
    assert all(structure.holds and structure.error == 0 for structure in found)


def test_arrays_of_any_layout_are_taken_and_left_alone():
    weight = last_bottleneck(normal)
    turned = np.asfortranarray(weight)
    turned.flags.writeable = False
    before = turned.copy()
    answers = [cm.decompose(form).to_dict()["best"] for form in (weight, turned, weight.tolist())]
    assert answers == ["bottleneck, 1x1 last"] * 3
    assert (turned == before).all()


def test_files_and_operators_are_read(tmp_path):
    weight = last_bottleneck(whole)
    np.save(tmp_path / "layer.npy", weight)
    for path in (tmp_path / "layer.npy", str(tmp_path / "layer.npy")):
        assert cm.decompose(path, input_size=(5, 6)).layer.in_shape == (4, 5, 6)
    assert cm.decompose(weight).layer.in_shape == (4, 6, 6)
    assert cm.decompose(weight[:, :, :1, :1]).layer.in_shape == (4, 4, 4)
    assert cm.decompose(cm.conv(weight[:, :, 0, 0], ()))["bottleneck"].is_exact


WRONG = {
    "kernel": (([[1, 2], [2, 4]],), {}, r"layer must be a weight .* of at least 3 axes .*got shape \(2, 2\)"),
    "vector": (([1, 2],), {}, r"got shape \(2,\): for a kernel of one channel use separate\(kernel\)"),
    "empty": ((np.zeros((2, 0, 3)),), {}, r"layer must have no axis of length 0, got shape \(2, 0, 3\)"),
    "NaN": ((np.full((2, 2, 3), np.nan),), {}, "layer must have a finite weight, got nan"),
    "infinite": ((cm.conv(np.full((2, 2, 3), np.inf), 4),), {}, "layer must have a finite weight, got inf"),
    "text": ((np.array([[["a"]]]),), {}, "layer must be made of numbers or SymPy expressions, got dtype <U1"),
    "product": (
        (cm.conv([1, 2], 4, padding=1) @ cm.conv([1, 2], 5),), {}, "layer must be a convolution .*, got <Product"
    ),
    "permutation": ((cm.identity((2, 4)),), {}, "layer must be a convolution or a transposed one.*<Permutation"),
    "size of an operator": (
        (cm.conv([1, 2], 5),), {"input_size": 5}, "input_size must be None for an operator, which has its own, got 5"
    ),
    "size": ((np.ones((2, 2, 3)),), {"input_size": (4, 4)}, r"input_size must have one entry .* 1 axes .*got \(4, 4\)"),
    "small size": ((np.ones((2, 2, 3)),), {"input_size": 2}, "output size must be at least 1, got 0 on axis 0"),
    "tol": ((np.ones((2, 2, 3)), -1), {}, "tol must be at least 0 and finite, got -1"),
    "tol NaN": ((np.ones((2, 2, 3)), float("nan")), {}, "tol must be at least 0 and finite, got nan"),
    "tol text": ((np.ones((2, 2, 3)), "small"), {}, "tol must be a number of at least 0, got 'small'"),
    "rank 0": ((np.ones((2, 2, 3)),), {"rank": 0}, "rank must be at least 1, got 0"),
    "rank 1.5": ((np.ones((2, 2, 3)),), {"rank": 1.5}, "rank must be an integer of at least 1, got 1.5"),
    "rank": ((np.ones((5, 4, 3)),), {"rank": 6}, "rank must be at most 5, the largest any unfolding .*, got 6"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "options", "message"), WRONG.values(), ids=WRONG)
def test_bad_input_gets_one_clear_error(given, options, message):
    with pytest.raises(cm.ConvMatrixError, match=message):
        cm.decompose(*given, **options)


def test_symbols_are_sent_elsewhere():
    a = sympy.Symbol("a")
    with pytest.raises(cm.SymbolicError, match=r"separate\(kernel\) and flatten\(filter\)"):
        cm.decompose([[[a, 1], [2, 3]]])


def test_unknown_names_say_what_there_is():
    found = cm.decompose(last_bottleneck(whole))
    with pytest.raises(cm.ConvMatrixError, match=r"structure found .*'bottleneck, 1x1 last'.*got 'circulant'"):
        found["circulant"]
    with pytest.raises(cm.ConvMatrixError, match="got 'flattened': filter 0 is not of rank 1"):
        found["flattened"]
    with pytest.raises(cm.ConvMatrixError, match="none: the layer has no structure"):
        cm.decompose(whole(3, 2, 2))["grouped"]


class Reader(HTMLParser):
    """Refuses tags that do not close."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("rank", [None, 1])
@pytest.mark.parametrize("case", CASES)
def test_displays(case, rank):
    make, options, _, _ = CASES[case]
    found = cm.decompose(make(normal, **options), rank=rank)
    document = found.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [one["name"] for one in document["structures"]] == list(found.names)
    for text in (str(found), found._repr_html_()):
        assert all(other in text for other in found.names)
    for page in (found, *found):
        reader = Reader()
        reader.feed(page._repr_html_())
        assert reader.open == []
    for structure in found:
        assert structure.name in str(structure)
        assert str(structure).count("<Convolution") == len(structure.factors)
    assert len(found) == len(list(found))


def test_the_table():
    weight = [[[1, 2, 1], [0, 3, 1]], [[0, 0, 0], [0, 3, 1]], [[3, 6, 3], [0, 3, 1]], [[1, 2, 1], [0, 3, 1]]]
    lines = [line.split("  ") for line in str(cm.decompose(weight)).splitlines()]
    assert [[cell.strip() for cell in line if cell] for line in lines] == [
        ["<Convolution 3: (2, 6) -> (4, 4), 16 x 12 matrix, int64>"],
        [
            "structure", "settings", "holds", "error (relative)", "spectral", "multiplications", "parameters", "saves"
        ],
        ["depthwise separable", "multiplier 1 of 3", "exactly", "0 (0)", "0", "96 -> 56", "24 -> 14", "yes"],
        ["bottleneck, 1x1 last", "rank 2 of 4", "exactly", "0 (0)", "0", "96 -> 80", "24 -> 20", "yes"],
        ["best: depthwise separable, 0.583 of the multiplications"],
        ["not grouped: all channels meet"],
        ["not blueprint separable: rank 2 of 2 (proved)"],
        ["not bottleneck, 1x1 first: rank 2 of 2 (proved)"],
        ["not flattened: filter 0 is not of rank 1 (proved)"],
    ]  # fmt: skip


def test_large_layers_are_compared_on_a_smaller_input(monkeypatch):
    monkeypatch.setattr(search, "COMPARED", 2000)
    monkeypatch.setattr(measure, "APPLIED", 2000)
    layer = cm.conv(last_bottleneck(whole), (30, 40), padding=1, stride=2)
    structure = cm.decompose(layer)["bottleneck, 1x1 last"]
    assert structure.is_exact
    assert structure.comparison.input_size == (30, 40)
    assert structure.comparison.checked_size != (30, 40)
    assert not structure.comparison.is_own_size
    assert compare(structure.operator, layer).is_exact
    approximate = cm.decompose(layer, rank=1)["bottleneck, 1x1 last"]
    assert approximate.spectral_size != (30, 40)
    gap = approximate.operator.toarray() - layer.toarray()
    assert approximate.error == pytest.approx(np.linalg.norm(gap))
    assert 0 < approximate.spectral_error < np.linalg.norm(gap, 2) * (1 + 1e-9)


def test_what_is_too_large_to_multiply_out_is_not_compared(monkeypatch):
    monkeypatch.setattr(search, "WORK", 10)
    structure = cm.decompose(last_bottleneck(whole))["bottleneck, 1x1 last"]
    assert structure.comparison is None
    assert structure.is_exact
    assert "matrices too large" in str(structure)
    assert structure.to_dict()["comparison"] is None


@pytest.mark.parametrize("name", ["EXACT_WORK", "PROOF_WORK"])
def test_what_is_too_large_to_prove_is_said(monkeypatch, name):
    monkeypatch.setattr(lowrank, name, 0)
    found = cm.decompose(last_bottleneck(whole))
    structure = found["bottleneck, 1x1 last"]
    assert structure.settings["rank"] == 2
    assert not structure.is_exact
    assert structure.holds
    assert any("factored numerically" in note for note in found.notes)


def test_large_exact_factors_that_save_nothing_are_not_made(monkeypatch):
    monkeypatch.setattr(lowrank, "UNPAID_WORK", 0)
    found = cm.decompose(last_bottleneck(whole, rank=5, outputs=6, inputs=1))
    assert found.absent["bottleneck, 1x1 last"] == "rank 5 of 6 (proved), which saves nothing"


@pytest.mark.parametrize("shape", [(150, 260), (260, 150)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_unfoldings_are_as_good_as_by_svd(monkeypatch, shape, dtype):
    monkeypatch.setattr(lowrank, "_SMALL", 100)
    matrix = (normal(shape[0], 20) @ normal(20, shape[1])).astype(dtype)
    noise = normal(*shape).astype(dtype)
    for given, rule, rank in (
        (matrix, lowrank.Rule(), 20),
        (matrix + dtype(1e-7) * noise, lowrank.Rule(tol=1e-3), 20),
        (noise, lowrank.Rule(rank=7), 7),
    ):
        found = lowrank.low_rank(given[None], rule)
        values = np.linalg.svd(given.astype(float), compute_uv=False)
        error = np.linalg.norm(found.left[0].astype(float) @ found.right[0].astype(float) - given)
        assert found.rank == rank
        assert error <= np.linalg.norm(values[rank:]) * 1.0001 + 1e-5 * np.finfo(dtype).eps / 1e-7 * values[0]


@pytest.mark.parametrize("case", CASES)
def test_torch_agrees_with_the_factors(case):
    torch = pytest.importorskip("torch")
    make, options, name, _ = CASES[case]
    weight = make(normal, **options)
    axes = weight.ndim - 2
    module = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)[axes - 1]
    layer = cm.conv(weight, (6, 7, 5)[:axes], stride=2, padding=1, bias=normal(weight.shape[0]))
    x = torch.from_numpy(normal(2, *layer.in_shape))
    wanted = module(
        x, torch.from_numpy(weight.copy()), torch.from_numpy(layer.bias.ravel().copy()), stride=2, padding=1
    )
    for factor in cm.decompose(layer)[name].factors:
        geometry = factor.geometry
        x = module(
            x,
            torch.from_numpy(factor.weight.copy()),
            None if factor.bias is None else torch.from_numpy(factor.bias.ravel().copy()),
            stride=[axis.stride for axis in geometry.axes],
            padding=[axis.pad_before for axis in geometry.axes],
            groups=geometry.groups,
        )
    torch.testing.assert_close(x, wanted)
