"""What `decompose` takes, refuses, says and does with extreme numbers and sizes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sympy
from decomposition_cases import CASES, depthwise_separable, last_bottleneck, normal, tight, whole
from html_reading import cells_of

import convmatrix as cm
from convmatrix.analysis.comparison import compare
from convmatrix.analysis.decomposition import lowrank, measure, search

SCALES = {"tiny": 1e-300, "huge": 1e300, "below": 1e-9}


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize("case", CASES)
def test_scale_changes_no_verdict(case, scale):
    make, options, name, settings = CASES[case]
    weight = make(normal, **options)
    weight = weight / abs(weight).max() * scale
    found = cm.decompose(weight, input_size=tight(weight))
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


@pytest.mark.parametrize("rank", [None, 1])
@pytest.mark.parametrize("case", CASES)
def test_displays(case, rank):
    make, options, _, _ = CASES[case]
    weight = make(normal, **options)
    found = cm.decompose(weight, rank=rank, input_size=tight(weight))
    document = found.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [one["name"] for one in document["structures"]] == list(found.names)
    for text in (str(found), found._repr_html_()):
        assert all(other in text for other in found.names)
    for page in (found, *found):
        assert cells_of(page._repr_html_())
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
    monkeypatch.setattr(search, "COMPARED", 1000)
    monkeypatch.setattr(measure, "APPLIED", 1000)
    layer = cm.conv(last_bottleneck(whole), (12, 16), padding=1, stride=2)
    structure = cm.decompose(layer)["bottleneck, 1x1 last"]
    assert structure.is_exact
    assert structure.comparison.input_size == (12, 16)
    assert structure.comparison.checked_size != (12, 16)
    assert not structure.comparison.is_own_size
    assert compare(structure.operator, layer).is_exact
    approximate = cm.decompose(layer, rank=1)["bottleneck, 1x1 last"]
    assert approximate.spectral_size != (12, 16)
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
    layer = cm.conv(weight, (4, 5, 3)[:axes], stride=2, padding=1, bias=normal(weight.shape[0]))
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
