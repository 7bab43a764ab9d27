"""`convmatrix cost`: layers, stacks, kernels, comparisons, formulas."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli_running import runner

import convmatrix as cm
from convmatrix.cli.cost_command import COMMAND


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return runner(capsys)


ARTICLE = ("--input-size", "7x7", "--channels", "3")


def test_the_articles_layer(run):
    ran = run("cost", "3:channels=128", *ARTICLE)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == "86,400 multiplications, 3,456 parameters: (3, 7, 7) -> (128, 5, 5)"


def test_a_stack_and_what_it_replaces(run):
    ran = run("cost", "3:channels=128", *ARTICLE, "--against", "3:groups=3 1:channels=128")
    assert ran.code == 0
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[2][:3] == ["3:channels=128", "86,400", "1"]
    assert rows[3][:4] == ["3:groups=3", "1:channels=128", "10,275", "0.1189"]


LAYERS = {
    "geometry options": (("3", "--stride", "2", "--padding", "1"), (1, 8, 8), 16 * 9, (1, 4, 4)),
    "pairs": (("3:stride=2", "--padding", "0:1x0:1"), (1, 8, 8), 16 * 9, (1, 4, 4)),
    "one axis": (("3", "--dims", "1"), (1, 8), 18, (1, 6)),
    "padding by name": (("3", "--padding", "same"), (1, 8, 8), 64 * 9, (1, 8, 8)),
    "two sizes": (("3x1", "1x3"), (1, 8, 8), 6 * 8 * 3 + 36 * 3, (1, 6, 6)),
    "transposed": (("conv_transpose:3,stride=2,padding=1,output_padding=1",), (1, 8, 8), 64 * 9, (1, 16, 16)),
    "transposed option": (("3:channels=2", "--transpose"), (1, 8, 8), 64 * 18, (2, 10, 10)),
    "transposed options": (("3", "--transpose", "--output-padding", "1", "--stride", "2"), (1, 8, 8), 576, (1, 18, 18)),
    "groups": (("3:channels=4", "3:groups=4,padding=same"), (1, 8, 8), 36 * 36 + 36 * 36, (4, 6, 6)),
    "circular": (("3:padding=1", "--padding-mode", "circular"), (1, 8, 8), 576, (1, 8, 8)),
    "dilated": (("3:dilation=2",), (1, 8, 8), 144, (1, 4, 4)),
    "pool and shuffle": (("avg_pool:2", "3:channels=4", "pixel_shuffle:2"), (1, 8, 8), 16 + 4 * 36, (1, 4, 4)),
    "branches": (("begin", "3:padding=1", "+", "identity", "end"), (1, 8, 8), 576, (1, 8, 8)),
}


@pytest.mark.parametrize(("words", "shape", "products", "out_shape"), LAYERS.values(), ids=LAYERS)
def test_layers(run, words, shape, products, out_shape):
    size = "x".join(map(str, shape[1:]))
    document = json.loads(run("cost", *words, "--input-size", size, "--json").out)
    assert document["in_shape"] == list(shape)
    assert document["cost"]["multiplications"] == products
    assert document["cost"]["out_shape"] == list(out_shape)


def test_a_kernel(run):
    assert run("cost", "sobel_x", "--input-size", "5x5").out.startswith("81 multiplications, 9 parameters")
    assert run("cost", "-1 0 1", "--input-size", "5").out.startswith("9 multiplications, 3 parameters")
    np.save("layer.npy", np.ones((128, 3, 3, 3)))
    assert run("cost", "layer.npy", "--input-size", "7x7").out.startswith("86,400 multiplications")
    compared = run("cost", "sobel_x", "--input-size", "5x5", "--against", "3x1 1x3")
    assert "8/9" in compared.out


def test_identity_is_the_layer_and_with_a_size_the_kernel(run):
    assert run("cost", "identity", "--input-size", "5x5").out.startswith("0 multiplications, 0 parameters")
    assert run("cost", "identity:times=2", "--channels", "3").code == 0
    assert run("cost", "identity:size=3", "--input-size", "5x5").out.startswith("81 multiplications, 9 parameters")


def test_sizes_of_many_digits(run):
    for size in (1000, 10**17):
        ran = run("cost", str(size), "--input-size", str(size), "--json")
        assert json.loads(ran.out)["cost"]["multiplications"] == size


def test_sizes_that_are_not_given(run):
    assert run("cost", "3").out.startswith("input size 6, since --input-size was not given\n12 mult")
    assert run("cost", "sobel_x").out.startswith("input size 4x4, since --input-size was not given\n36 mult")


def test_the_formula_of_a_kind(run):
    ran = run("cost", "--kind", "spatially_separable")
    assert ran.code == 0
    assert "limit N -> oo" in ran.out
    assert "2/m" in ran.out
    document = json.loads(run("cost", "--kind", "spatially_separable", "--at", "N=5,m=3", "--json").out)
    assert (document["schema_version"], document["command"]) == (1, "cost")
    assert document["formula"]["ratio"] == "8/9"


def test_json_of_a_comparison(run):
    document = json.loads(run("cost", "3", "--input-size", "8x8", "--against", "3:dilation=2", "--json").out)
    assert document["comparison"]["rows"][1]["ratios"]["multiplications"] == "4/9"
    assert document["files"] == {}


@pytest.mark.parametrize(
    "words",
    [("3", "1"), ("3", "--against", "1"), ("--kind", "depthwise_separable")],
    ids=["stack", "comparison", "formula"],
)
def test_pictures(run, tmp_path, words):
    ran = run("cost", *words, "--plot", "cost.png")
    assert (ran.code, ran.err) == (0, "wrote cost.png\n")
    assert (tmp_path / "cost.png").stat().st_size > 5000


def test_large_layers(run):
    ran = run("cost", "3:channels=1024", "--channels", "1024", "--input-size", "100000x100000", "--padding", "1")
    assert ran.code == 0
    assert "9.437e+16 multiplications" in ran.out


REFUSED = {
    "nothing": ((), "LAYER must be a size with options or a kernel, or --kind be given, got neither"),
    "kind and layer": (("3", "--kind", "grouped"), "--kind must come without layers, got '3'"),
    "kind": (("--kind", "circulant"), "kind must be one of .*, got 'circulant'"),
    "at alone": (("3", "--at", "N=5"), "--at must come with --kind, got 'N=5' alone"),
    "at": (("--kind", "grouped", "--at", "g"), "--at must be letters with integers, as in N=5,m=3, got 'g'"),
    "at, letter": (("--kind", "grouped", "--at", "q=3"), "letter must be one of .*, got 'q'"),
    "option": (("3:strides=2",), "LAYER 1 '3:strides=2' must have options of .*, got 'strides=2'"),
    "twice": (("3:stride=2", "--stride", "2"), "must give stride once, got it twice"),
    "stack": (("3", "3", "--stride", "2"), "--stride must come with one layer, got 2: write it as in 3:stride=2"),
    "kernel in a stack": (("3", "sobel_x"), "LAYER 2 'sobel_x' must be a size such as 3 or 3x5, or one of .*"),
    "unknown kernel": (("sobell",), "sobell"),
    "too large": (("9", "--input-size", "4"), "LAYER 1 '9': output size must be at least 1, got -4 on axis 0"),
    "groups": (("3", "3:groups=2"), "groups must divide in_channels 1, got 2"),
    "channels": (("3", "--channels", "0"), "--channels must be at least 1, got 0"),
    "kernel's channels": (("sobel_x", "--channels", "3"), "--channels must come with sizes, got 3 with a kernel"),
    "dims": (("3", "--dims", "0"), "--dims must be at least 1, got 0"),
    "dims and sizes": (("3", "--dims", "3", "--input-size", "4x4"), "must have one number an axis"),
    "flip": (("3", "--flip"), "--flip must come with a kernel, got it with a size"),
    "transposed pool": (("avg_pool:2", "--transpose"), "--transpose must come with a size, got LAYER 1 'avg_pool:2'"),
    "option of another layer": (
        ("3", "--output-padding", "1"),
        "--output-padding must come with conv_transpose, got LAYER 1 '3', which is conv",
    ),
    "typed option of another layer": (
        ("3:padding_mode=circular", "--transpose"),
        "padding_mode= must come with conv, depthwise, got LAYER 1 '3:padding_mode=circular', which is conv_transpose",
    ),
    "stride": (("3", "--stride", "2x0"), r"--stride must be at least 1, got \(2, 0\)"),
    "one layer's groups": (("3", "--groups", "2"), "error: LAYER 1 '3': groups must divide in_channels 1, got 2"),
    "a stack's usual stride": (("3", "3", "--stride", "1"), "--stride must come with one layer, got 2"),
    "long size": (
        ("1" + 18 * "0",),
        "LAYER 1 '1000000000000000000': kernel_size must have at most 18 digits, got '1000",
    ),
    "kernel's axes": (("sobel_x", "--dims", "3"), "--dims must be 2, the axes of 'sobel_x', got 3"),
    "kernel's one axis": (("1 2 3", "--dims", "2"), "--dims must be 1, the axes of '1 2 3', got 2"),
    "kind and stride": (
        ("--kind", "grouped", "--stride", "-4"),
        "--kind must come without options of layers, got --str",
    ),
    "kind and usual padding": (("--kind", "grouped", "--padding", "0"), "without options of layers, got --padding"),
    "kind and channels": (("--kind", "grouped", "--channels", "1"), "without options of layers, got --channels"),
    "kind and dtype": (("--kind", "grouped", "--dtype", "zz"), "without options of layers, got --dtype"),
    "kind and size": (("--kind", "grouped", "--input-size", "5x5"), "without options of layers, got --input-size"),
    "kind and dims": (("--kind", "grouped", "--dims", "2"), "without options of layers, got --dims"),
    "kind and flip": (("--kind", "grouped", "--flip"), "without options of layers, got --flip"),
    "kind and transpose": (("--kind", "grouped", "--transpose"), "without options of layers, got --transpose"),
    "letter twice": (("--kind", "grouped", "--at", "g=2,g=3"), "--at must give g once, got it twice in 'g=2,g=3'"),
    "no such layer": (("--kind", "spatially_separable", "--at", "N=2,m=3", "--json"), "m must be at most N"),
    "against": (("3", "--against", " "), "--against must be one or more layers in quotes, got ' '"),
    "against, quotes": (("3", "--against", "'3"), "--against must be one or more layers in quotes"),
    "against itself": (("3", "--against", "3"), "--against must be another stack each time, got '3' twice"),
    "dtype": (("3", "--dtype", "float33"), "dtype must be one that NumPy knows, got 'float33'"),
    "plot": (("3", "--plot", "cost.gif"), "--plot must end in .png, .svg, .pdf, got 'cost.gif'"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(run, words, said):
    ran = run("cost", *words)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    with pytest.raises(cm.ConvMatrixError, match=said):
        raise cm.ConvMatrixError(ran.err)


def test_the_examples_of_its_help_work(run):
    import shlex

    lines = [line.strip() for line in COMMAND.epilog.splitlines() if line.strip().startswith("convmatrix ")]
    assert len(lines) == 6
    for line in lines:
        assert run(*shlex.split(line)[1:]).code == 0
