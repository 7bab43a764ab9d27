"""`convmatrix separability`: what it prints, what it checks, and the files it writes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_running import Terminal

import convmatrix as cm
from convmatrix.cli import main
from convmatrix.cli.separability_command import COMMAND

LAPLACIAN = "0 1 0; 1 -4 1; 0 1 0"
ONE = "1 2; 3 6 | 2 4; 6 12"
TWO = "1 2; 3 4 | 5 6; 7 8"


@pytest.fixture
def layers(folder, rng):
    """Weights of layers: of outer products, of no structure, of volumes, of one axis."""
    parts = (rng.integers(1, 5, size) for size in ((4, 3), (4, 3), (4, 3)))
    np.save("products.npy", np.einsum("oi,oh,ow->oihw", *parts))
    np.save("free.npy", rng.normal(size=(4, 3, 3, 3)))
    np.save("volume.npy", np.ones((2, 2, 3, 3, 3)))
    np.save("line.npy", rng.normal(size=(4, 2, 3)))
    np.save("vector.npy", np.ones(3))
    np.save("nan.npy", np.array([[1.0, np.nan], [0, 1]]))
    return folder


KERNELS = [
    ("sobel_x", "kernel sobel_x (3x3, integers)"),
    ("-1 0 1; -2 0 2; -1 0 1", "kernel -1 0 1; -2 0 2; -1 0 1 (3x3, integers)"),
    ("0.1 0.2; 0.2 0.4", "kernel 0.1 0.2; 0.2 0.4 (2x2, exact)"),
    ("a b; c d", "kernel a b; c d (2x2, exact)"),
    ("mexican_hat", "kernel mexican_hat ("),
]


@pytest.mark.parametrize(("kernel", "headline"), KERNELS, ids=[kernel for kernel, _ in KERNELS])
def test_a_kernel_is_answered_in_the_library_s_words(run, kernel, headline):
    ran = run("separability", kernel)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(headline)
    assert str(cm.separate(kernel)) in ran.out


def test_symbols_have_a_condition_and_a_solution(run):
    out = run("separability", "a b; c d").out
    assert "a*d - b*c = 0" in out
    assert "d = b*c/a" in out


@pytest.mark.parametrize("filter", [ONE, TWO], ids=["of rank one", "not"])
def test_three_axes_are_a_filter(run, filter):
    ran = run("separability", filter)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"filter {filter} (2x2x2, integers)\n\n{cm.flatten(filter)}")


@pytest.mark.parametrize("words", [[], ["--as", "layer"]], ids=["four axes", "declared"])
def test_four_axes_are_a_layer(run, layers, words):
    ran = run("separability", "products.npy", *words)
    assert (ran.code, ran.err) == (0, "")
    layer = cm.conv(np.load("products.npy"), (6, 6))
    assert ran.out == "\n\n".join([
        "layer products.npy (4x3x3x3, integers)",
        str(cm.decompose(layer)),
        "12 of 12 2-D kernels are separable\n4 of 4 filters are outer products\n",
    ])  # fmt: skip


def test_a_weight_stands_where_decompose_puts_it(run, layers):
    assert str(cm.decompose("products.npy")) in run("separability", "products.npy").out
    assert str(cm.decompose("line.npy")) in run("separability", "line.npy", "--as", "layer").out
    roomier = cm.conv(np.load("products.npy"), (12, 14), dilation=2, padding=((1, 1), (2, 0)))
    ran = run("separability", "products.npy", "--dilation", "2", "--padding", "1:1x2:0")
    assert str(cm.decompose(roomier)) in ran.out


def test_a_literal_declared_a_layer_has_one_axis_of_space(run):
    weight = np.array([[[1, 2], [2, 4]], [[3, 6], [6, 12]]])
    for words, size in ([], 4), (["--input-size", "9"], 9):
        ran = run("separability", "1 2; 2 4 | 3 6; 6 12", "--as", "layer", *words)
        assert (ran.code, ran.err) == (0, "")
        assert str(cm.decompose(weight, input_size=size)) in ran.out
    ran = run("separability", "1 2; 2 4 | 3 6; 6 12", "--as", "layer", "--input-size", "5x5")
    assert ran.code == 2
    assert "for an input_size of 2 axes, got shape (2, 2, 2)" in ran.err


def test_volumes_are_counted_too(run, layers):
    out = run("separability", "volume.npy").out
    assert out.endswith("4 of 4 3-D kernels are outer products\n2 of 2 filters are outer products\n")


GEOMETRIES = [
    ("--input-size 9x8 --stride 2x1 --padding 1", lambda w: cm.conv(w, (9, 8), stride=(2, 1), padding=1)),
    ("--dilation 2", lambda w: cm.conv(w, (10, 10), dilation=2)),
    ("--padding 3 --padding-mode reflect", lambda w: cm.conv(w, (12, 12), padding=3, padding_mode="reflect")),
    ("--input-size 5 --transpose --stride 2", lambda w: cm.conv_transpose(w, (5, 5), stride=2)),
    ("--input-size 5 --flip", lambda w: cm.conv(w, (5, 5), flip=True)),
    ("--groups 2 --input-size 5", lambda w: cm.conv(w, (5, 5), groups=2)),
]


@pytest.mark.parametrize(("options", "build"), GEOMETRIES, ids=[options for options, _ in GEOMETRIES])
def test_geometry_of_a_layer(run, layers, options, build):
    ran = run("separability", "products.npy", *options.split())
    assert (ran.code, ran.err) == (0, "")
    assert str(cm.decompose(build(np.load("products.npy")))) in ran.out


AS = [
    ("1 2 1; 2 4 2 | 1 2 1; 3 6 3", "layer", (), "(2, 6) -> (2, 4)"),
    ("1 2 1; 2 4 2 | 1 2 1; 3 6 3", "layer", ("--padding", "1:0"), "(2, 8) -> (2, 7)"),
    ("line.npy", "layer", (), "(2, 6) -> (4, 4)"),
    ("line.npy", "filter", (), "numerical"),
    ("products.npy", "filter", (), "4x3x3x3"),
    ("1 2; 2 4", "filter", (), "multilinear rank  (1, 1)"),
]


@pytest.mark.parametrize(("array", "kind", "more", "said"), AS, ids=[f"{row[0]} as {row[1]} {row[2]}" for row in AS])
def test_what_the_array_is_may_be_said(run, layers, array, kind, more, said):
    ran = run("separability", array, "--as", kind, *more)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{kind} {array}")
    assert said in ran.out


CHECKS = [
    (["sobel_x"], 0),
    ([LAPLACIAN], 1),
    (["0 0; 0 0"], 0),
    (["a b; c d"], 1),
    (["a 2*a; b 2*b"], 0),
    ([LAPLACIAN, "--tol", "0.5"], 0),
    ([ONE], 0),
    ([TWO], 1),
    (["products.npy"], 0),
    (["free.npy"], 1),
    (["free.npy", "--rank", "1"], 1),
]


@pytest.mark.parametrize(("words", "code"), CHECKS, ids=[" ".join(words) for words, _ in CHECKS])
def test_check_is_the_exit_code_and_changes_nothing_else(run, layers, words, code):
    plain, checked = run("separability", *words), run("separability", *words, "--check")
    assert (plain.code, checked.code) == (0, code)
    assert plain.out == checked.out


def test_the_best_approximation_has_error_entries_and_terms(run):
    said = run("separability", "2 0; 0 1", "--rank", "1").out.partition("best approximation of rank")[2]
    assert said == " 1: error 1 (Frobenius), 44.72 % of the norm\n  2  0\n  0  0\n  2 * [1, 0]^T x [1, 0]\n"


def test_exact_errors_have_their_decimals(run):
    assert "error -2 + sqrt(6) = 0.44949 (Frobenius)" in run("separability", LAPLACIAN, "--rank", "1").out


def test_the_full_rank_repeats_the_exact_terms(run):
    said = run("separability", LAPLACIAN, "--rank", "2").out.partition("best approximation")[2]
    assert "error 0 (Frobenius), 0 % of the norm" in said
    assert "1 * [1, -4, 1]^T x [0, 1, 0]" in said


def test_long_vectors_are_not_written(run):
    assert "[25 numbers]^T x [25 numbers]" in run("separability", "disk:radius=12", "--rank", "1").out


def test_the_best_outer_product_has_error_and_bound(run):
    said = run("separability", TWO, "--rank", "1").out.partition("best outer product found")[2]
    assert said.startswith(": error 1.27976 (Frobenius), no outer product below sqrt(")
    assert len(said.splitlines()) == 6


def test_a_rank_of_a_layer_is_the_library_s(run, layers):
    out = run("separability", "free.npy", "--rank", "2").out
    assert str(cm.decompose(cm.conv(np.load("free.npy"), (6, 6)), rank=2)) in out


def test_a_tolerance_asks_for_the_numerical_rank(run):
    out = run("separability", LAPLACIAN, "--tol", "0.5").out
    assert str(cm.separate(LAPLACIAN, 0.5)) in out


def test_json_of_a_kernel(run):
    document = json.loads(run("separability", LAPLACIAN, "--rank", "1", "--json").out)
    assert (document["schema_version"], document["command"], document["kind"]) == (1, "separability", "kernel")
    assert document["is_separable"] is False
    assert document["separability"] == json.loads(json.dumps(cm.separate(LAPLACIAN).to_dict()))
    assert document["approximation"]["error"] == "-2 + sqrt(6)"
    assert document["approximation"]["relative_error"] == pytest.approx((6**0.5 - 2) / 20**0.5)
    assert document["files"] == {}


def test_json_of_a_filter(run):
    document = json.loads(run("separability", TWO, "--json").out)
    assert document["kind"] == "filter"
    assert document["flattening"] == json.loads(json.dumps(cm.flatten(TWO).to_dict()))


def test_json_of_a_layer(run, layers):
    document = json.loads(run("separability", "products.npy", "--json").out)
    layer = cm.conv(np.load("products.npy"), (6, 6))
    assert document["decomposition"] == json.loads(json.dumps(cm.decompose(layer).to_dict()))
    assert document["counts"]["2-D kernels are separable"] == {"separable": 12, "of": 12}


def test_a_kernel_too_large_for_json(run):
    ran = run("separability", "box:size=101x100", "--tol", "1e-9", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["kernel"]["entries"] is None
    assert ran.err.startswith("entries are null: ")


@pytest.mark.parametrize("kernel", ["gaussian5", "a b; c d", ONE], ids=str)
def test_latex(run, kernel):
    ran = run("separability", kernel, "--latex")
    result = cm.flatten(kernel) if "|" in kernel else cm.separate(kernel)
    assert (ran.code, ran.out) == (0, result.to_latex() + "\n")


PICTURES = [("sobel_x", ".png", b"\x89PNG"), (ONE, ".svg", b"<?xml"), ("products.npy", ".pdf", b"%PDF")]


@pytest.mark.parametrize(("array", "suffix", "start"), PICTURES, ids=[array for array, *_ in PICTURES])
def test_pictures(run, layers, array, suffix, start):
    ran = run("separability", array, "--plot", f"p{suffix}", "--json")
    assert (ran.code, ran.err) == (0, f"wrote p{suffix}\n")
    assert Path(f"p{suffix}").read_bytes().startswith(start)
    assert json.loads(ran.out)["files"] == {"plot": f"p{suffix}"}


REFUSED = [
    (["1 2 1"], r"KERNEL must have at least 2 axes to be split, got shape \(3,\)"),
    (["vector.npy"], r"KERNEL must have at least 2 axes to be split, got shape \(3,\)"),
    (["vector.npy", "--as", "filter"], "KERNEL must have at least 2 axes to be split"),
    (["1 2; 3"], "kernel rows must all be as long as the first"),
    (["zzz"], "kernel name must be .*'zzz'"),
    (["missing.npy"], "kernel file must exist"),
    (["nan.npy"], "kernel file must hold finite numbers"),
    (["products.npy", "--as", "kernel"], r"KERNEL must have 2 axes to be taken as a kernel, got shape \(4, 3, 3, 3\)"),
    (["sobel_x", "--as", "layer"], r"KERNEL must have 3 to 5 axes to be taken as a layer, got shape \(3, 3\)"),
    (["sobel_x", "--as", "matrix"], "--as: invalid choice: 'matrix'"),
    (["sobel_x", "--stride", "2"], r"--stride must come with a layer .* got 2 with a kernel of shape \(3, 3\)"),
    (["sobel_x", "--input-size", "5"], r"--input-size must come with a layer .* got \(5,\) with a kernel"),
    ([ONE, "--padding-mode", "circular"], "--padding-mode must come with a layer .* got 'circular' with a filter"),
    ([ONE, "--transpose"], "--transpose must come with a layer .* got it with a filter"),
    ([ONE, "--output-padding", "1"], "--output-padding must come with a layer .* got 1 with a filter"),
    (["sobel_x", "--rank", "0"], r"--rank must be 1 to 3 for a kernel of shape \(3, 3\), got 0"),
    (["sobel_x", "--rank", "4"], r"--rank must be 1 to 3 for a kernel of shape \(3, 3\), got 4"),
    (["sobel_x", "--rank", "1.5"], "--rank: must be an integer, got '1.5'"),
    ([ONE, "--rank", "2"], r"--rank must be 1 for a filter of shape \(2, 2, 2\), got 2"),
    (["products.npy", "--rank", "0"], "--rank must be at least 1 for a layer"),
    (["a b; c d", "--rank", "1"], "--rank must be for a kernel of numbers, got 1 for one with symbols"),
    (["a b; c d | 1 2; 3 4", "--rank", "1"], "--rank must be for a filter of numbers, got 1 for one with symbols"),
    (["1e400 1; 1 1", "--rank", "1"], "--rank must be for entries that fit a float64, got 1 for larger ones"),
    (["sobel_x", "--tol", "-1"], "--tol: must be a finite number of at least 0, got -1"),
    (["sobel_x", "--tol", "nan"], "--tol: must be a finite number of at least 0, got nan"),
    (["sobel_x", "--tol", "inf"], "--tol: must be a finite number of at least 0, got inf"),
    (["sobel_x", "--tol", "small"], "--tol: must be a number, got 'small'"),
    (["a b; c d", "--tol", "1e-3"], "tol must .*symbols"),
    (["sobel_x", "--latex", "--json"], "--latex must come without --json, got both"),
    (["sobel_x", "--latex", "--rank", "1"], "--latex must be for a kernel or a filter without --rank, got --rank 1"),
    (["products.npy", "--latex"], "--latex must be for a kernel or a filter without --rank, got a layer"),
    (["sobel_x", "--plot", "p.gif"], "--plot must end in .png, .svg, .pdf, got 'p.gif'"),
    (["sobel_x", "-o", "m.npz"], "unrecognized arguments: -o m.npz"),
    (["products.npy", "--groups", "3"], "groups must divide"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_bad_input_is_one_line_and_leaves_nothing(run, layers, words, message):
    before = sorted(layers.iterdir())
    ran = run("separability", *words)
    assert (ran.code, ran.out) == (2, "")
    assert re.match("convmatrix( separability)?: error: ", ran.err)
    assert ran.err.count("\n") == 1
    assert re.search(message, ran.err)
    assert sorted(layers.iterdir()) == before


def test_infinity_is_no_json(run, layers, monkeypatch):
    monkeypatch.setattr("convmatrix.cli.text.entries", lambda array: float("inf"))
    ran = run("separability", "sobel_x", "--json", "--plot", "p.png")
    assert (ran.code, ran.out) == (2, "")
    assert "--json must be of finite numbers, got NaN or infinity" in ran.err
    assert not Path("p.png").exists()


def test_progress_on_a_terminal_only(run, monkeypatch):
    assert run("separability", "sobel_x").err == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["separability", "sobel_x"]) == 0
    assert terminal.written.startswith("separating the kernel ...")
    assert terminal.written.endswith("\r")


def test_the_exit_codes_are_in_the_help():
    assert "1 with --check: not separable" in COMMAND.epilog
