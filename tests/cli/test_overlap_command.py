"""`convmatrix overlap`: what it says of sizes and of weights, what it checks, and the weights it writes."""

from __future__ import annotations

import json
import re
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cli_running import Terminal

import convmatrix as cm
from convmatrix.cli import main
from convmatrix.cli.overlap_command import COMMAND


@pytest.fixture
def weights(folder, rng):
    """Weights of transposed layers and of convolutions, and files that hold none."""
    np.save("decoder.npy", rng.normal(size=(3, 2, 4, 4)).astype(np.float32))
    np.save("double.npy", rng.normal(size=(2, 3, 3, 3)))
    np.save("line.npy", rng.normal(size=(3, 2, 5)))
    np.save("complex.npy", rng.normal(size=5) + 1j * rng.normal(size=5))
    np.save("shuffled.npy", rng.normal(size=(8, 3, 3, 3)))
    np.save("nan.npy", np.array([1.0, np.nan, 0]))
    np.savez("two.npz", first=rng.normal(size=(1, 1, 3)), second=rng.normal(size=(2, 1, 3)))
    Path("broken.npy").write_bytes(b"nothing of the kind")
    Path("exact.csv").write_text("1/2,1/3,1\n1,2,3\n0,1,1/7\n")
    return folder


def layer(kernel, size, **options):
    return cm.conv_transpose(kernel, size, **options)


SIZES = [
    (["3", "--stride", "2"], np.ones(3, int), 4, {"stride": 2}),
    (["3", "--stride", "2", "--dims", "2"], np.ones((3, 3), int), (4, 4), {"stride": 2}),
    (["3x4", "--stride", "2x1"], np.ones((3, 4), int), (4, 5), {"stride": (2, 1)}),
    (["3", "--stride", "2", "--dims", "3"], np.ones((3, 3, 3), int), (4, 4, 4), {"stride": 2}),
    (["3", "--stride", "2", "--input-size", "6x5"], np.ones((3, 3), int), (6, 5), {"stride": 2}),
    (["3", "--stride", "2", "--input-size", "6", "--dims", "2"], np.ones((3, 3), int), (6, 6), {"stride": 2}),
    (["2", "--stride", "3"], np.ones(2, int), 4, {"stride": 3}),
    (["3", "--stride", "2", "--dilation", "2"], np.ones(3, int), 4, {"stride": 2, "dilation": 2}),
    (["9", "--stride", "2", "--padding", "1:2"], np.ones(9, int), 7, {"stride": 2, "padding": [(1, 2)]}),
    (["3", "--stride", "2", "--output-padding", "1"], np.ones(3, int), 4, {"stride": 2, "output_padding": 1}),
]


@pytest.mark.parametrize(("words", "kernel", "size", "options"), SIZES, ids=[" ".join(words) for words, *_ in SIZES])
def test_a_size_is_answered_in_the_library_s_words(run, words, kernel, size, options):
    ran = run("overlap", *words)
    op = layer(kernel, size, **options)
    assert (ran.code, ran.err) == (0, "")
    said = "no checkerboard" if cm.checkerboard(op).is_free else "a checkerboard"
    size_text = "x".join(map(str, kernel.shape))
    assert ran.out.startswith(f"kernel size {size_text}, every weight 1, transposed layer: {said}\n")
    assert repr(op) in ran.out
    assert str(cm.overlap(op)) in ran.out
    assert str(cm.checkerboard(op)) in ran.out
    assert ("since --input-size was not given" in ran.out) == ("--input-size" not in words)


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_the_size_chosen_shows_every_phase(run, size, padding, dilation, stride):
    words = ["--stride", str(stride), "--dilation", str(dilation), "--padding", str(padding)]
    document = json.loads(run("overlap", str(size), *words, "--json").out)
    op = layer(np.ones(size, int), document["input_size"], stride=stride, dilation=dilation, padding=padding)
    (interior,) = cm.overlap(op).interior
    assert interior.stop - interior.start >= 2 * stride


def test_the_ratio_of_the_first_picture_on_checkerboards(run):
    document = json.loads(run("overlap", "3", "--stride", "2", "--dims", "2", "--json").out)
    assert document["has_checkerboard"] is True
    assert document["overlap"]["ratio"] in (4, "4")


WEIGHTS = [
    (["1 2 1", "--stride", "2"], cm.kernel("1 2 1"), 4, {"stride": 2}),
    (["1 2 3 4", "--stride", "2"], cm.kernel("1 2 3 4"), 4, {"stride": 2}),
    (["-1 2 3", "--stride", "2"], cm.kernel("-1 2 3"), 4, {"stride": 2}),
    (["0.1 0.2; 0.3 0.4", "--stride", "2"], cm.kernel("0.1 0.2; 0.3 0.4"), (4, 4), {"stride": 2}),
    (["sobel_x", "--stride", "2"], cm.kernel("sobel_x"), (4, 4), {"stride": 2}),
    (["1 2 | 3 4", "--stride", "2"], cm.kernel("1 2 | 3 4"), (4, 4, 4), {"stride": 2}),
    (
        ["1 2; 3 4 | 5 6; 7 8", "--dims", "3", "--stride", "2"],
        cm.kernel("1 2; 3 4 | 5 6; 7 8"),
        (4,) * 3,
        {"stride": 2},
    ),
    (["1 2 3 | 3 4 5", "--dims", "1", "--stride", "2"], cm.kernel("1 2 3 | 3 4 5"), 4, {"stride": 2}),
    (["a b c d", "--stride", "2"], cm.kernel("a b c d"), 4, {"stride": 2}),
]


@pytest.mark.parametrize(("words", "kernel", "size", "options"), WEIGHTS, ids=[" ".join(case[0]) for case in WEIGHTS])
def test_a_weight_is_answered_in_the_library_s_words(run, words, kernel, size, options):
    ran = run("overlap", *words)
    op = layer(kernel, size, **options)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"weight {words[0]} (")
    assert str(cm.overlap(op)) in ran.out
    assert str(cm.checkerboard(op)) in ran.out


FILES = [
    ("decoder.npy", ["--stride", "2", "--padding", "1"], (4, 4), {"stride": 2, "padding": 1}, "3x2x4x4, float32"),
    ("double.npy", ["--stride", "2", "--groups", "2"], (4, 4), {"stride": 2, "groups": 2}, "2x3x3x3, float64"),
    ("line.npy", ["--stride", "3"], 4, {"stride": 3}, "3x2x5, float64"),
    ("two.npz:first", ["--stride", "2"], 4, {"stride": 2}, "1x1x3, float64"),
    ("exact.csv", ["--stride", "2"], (4, 4), {"stride": 2}, "3x3, exact"),
    ("complex.npy", ["--stride", "2"], 4, {"stride": 2}, "5, complex128"),
]


@pytest.mark.parametrize(("file", "words", "size", "options", "numbers"), FILES, ids=[case[0] for case in FILES])
def test_files(run, weights, file, words, size, options, numbers):
    ran = run("overlap", file, *words)
    op = layer(cm.kernel(file), size, **options)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"weight {file} ({numbers}), transposed layer: a checkerboard\n")
    assert str(cm.checkerboard(op)) in ran.out
    assert "nearest weight without a checkerboard: distance" in ran.out


def test_the_gradient_of_a_strided_layer_is_the_same_command(run, weights):
    options = {"stride": 2, "padding": 1}
    strided = cm.conv(cm.kernel("decoder.npy"), (8, 8), **options)
    out = run("overlap", "decoder.npy", "--stride", "2", "--padding", "1").out
    assert str(cm.checkerboard(strided.T)) in out


def test_pixel_shuffle(run, weights):
    out = run("overlap", "shuffled.npy", "--pixel-shuffle", "2", "--padding", "1").out
    convolution = cm.conv(cm.kernel("shuffled.npy"), (4, 4), padding=1)
    op = cm.pixel_shuffle(convolution.out_shape, 2) @ convolution
    what = "convolution and pixel shuffle by 2x2"
    assert out.startswith(f"weight shuffled.npy (8x3x3x3, float64), {what}: a checkerboard\n")
    assert str(cm.checkerboard(op)) in out


@pytest.mark.parametrize("words", [["3"], ["3", "--dims", "2"], ["3x2", "--stride", "2", "--padding", "same_lower"]])
def test_the_counts_of_a_pixel_shuffle_are_even(run, words):
    ran = run("overlap", *words, "--pixel-shuffle", "2", "--check", "--json")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert document["layer"] == f"convolution and pixel shuffle by {'x'.join('2' for _ in document['kernel_size'])}"
    assert document["has_checkerboard"] is False


def test_a_pixel_shuffle_of_groups_draws_by_its_ones(run):
    """Its counts are even, but each phase listens to some of the channels only."""
    words = ["3", "--pixel-shuffle", "2", "--dims", "2", "--groups", "2"]
    ran = run("overlap", *words, "--check")
    assert ran.code == 1
    assert ran.out.splitlines()[0].endswith(": a checkerboard")
    assert "even: 9 paths" in ran.out
    assert json.loads(run("overlap", *words, "--json").out)["has_checkerboard"] is True


ANSWERS = [
    ("1 2 1", "no checkerboard"),
    ("1 2 2", "a checkerboard"),
    ("a b a", "a checkerboard, unless conditions hold"),
    ("a 1 -a", "a checkerboard"),
    ("a 2*a a", "no checkerboard"),
]


@pytest.mark.parametrize(("kernel", "answer"), ANSWERS, ids=[kernel for kernel, _ in ANSWERS])
def test_the_first_line_is_the_answer(run, kernel, answer):
    first = run("overlap", kernel, "--stride", "2").out.splitlines()[0]
    assert first.startswith(f"weight {kernel} (")
    assert first.endswith(f"), transposed layer: {answer}")


CHECKS = [
    (["3", "--stride", "2"], 1),
    (["4", "--stride", "2"], 0),
    (["3", "--stride", "2", "--dims", "3"], 1),
    (["4", "--stride", "2", "--dilation", "2"], 1),
    (["2", "--stride", "3"], 1),
    (["3"], 0),
    (["1 2 1", "--stride", "2"], 0),
    (["1 2 2", "--stride", "2"], 1),
    (["1 2 3 4", "--stride", "2"], 1),
    (["a b a", "--stride", "2"], 1),
    (["a 2*a a", "--stride", "2"], 0),
    (["decoder.npy", "--stride", "2"], 1),
    (["decoder.npy", "--stride", "1"], 0),
    (["decoder.npy", "--stride", "2", "--tol", "1e9"], 0),
    (["shuffled.npy", "--pixel-shuffle", "2"], 1),
]


@pytest.mark.parametrize(("words", "code"), CHECKS, ids=[" ".join(words) for words, _ in CHECKS])
def test_check_says_no_by_the_exit_code(run, weights, words, code):
    assert run("overlap", *words, "--check").code == code
    assert run("overlap", *words).code == 0


FIXES = [
    ("decoder.npy", ["--stride", "2", "--padding", "1"], "fixed.npy", np.float32),
    ("double.npy", ["--stride", "2"], "fixed.npz", np.float64),
    ("double.npy", ["--stride", "2", "--groups", "2"], "fixed.npy", np.float64),
    ("double.npy", ["--stride", "2"], "fixed.txt", np.float64),
    ("line.npy", ["--stride", "3", "--dims", "1"], "fixed.csv", np.float64),
    ("complex.npy", ["--stride", "2"], "fixed.npy", np.complex128),
    ("shuffled.npy", ["--pixel-shuffle", "2"], "fixed.NPY", np.float64),
    ("exact.csv", ["--stride", "2"], "fixed.csv", object),
    ("exact.csv", ["--stride", "2"], "fixed.txt", object),
    ("1 2 3 4", ["--stride", "2"], "fixed.txt", object),
    ("1 2 3 5", ["--stride", "2"], "fixed.csv", object),
    ("1 2 1", ["--stride", "2"], "fixed.npy", np.int64),
    ("1 2 4;", ["--stride", "1x2"], "fixed.csv", np.int64),
    ("[[[[1/2, 1, 1], [1, 5, 2]]]]", ["--stride", "2x1"], "fixed.csv", object),
    ("[[[1, 2, 4]], [[1, 3, 3]]]", ["--stride", "2", "--dims", "1"], "fixed.txt", object),
    ("a b c d", ["--stride", "2"], "fixed.csv", object),
    ("1 2 3", ["--stride", "2", "--dilation", "2"], "fixed.txt", None),
]


@pytest.mark.parametrize(("kernel", "words", "file", "dtype"), FIXES, ids=[f"{k}-{f}" for k, _, f, _ in FIXES])
def test_a_fixed_weight_is_read_again_and_free(run, weights, kernel, words, file, dtype):
    ran = run("overlap", kernel, *words, "--fix", "-o", file)
    assert ran.code == 0
    assert ran.err == f"wrote {file}\n"
    fixed = cm.kernel(file)
    assert fixed.shape == cm.kernel(kernel).shape
    assert dtype is None or fixed.dtype == dtype
    again = run("overlap", file, *words, "--check", "--json")
    assert (again.code, again.err) == (0, "")
    assert json.loads(again.out)["checkerboard"]["is_free"] is True


def test_the_file_holds_the_nearest_free_weight(run, weights):
    run("overlap", "double.npy", "--stride", "2", "--fix", "-o", "fixed.npy")
    op = layer(cm.kernel("double.npy"), (4, 4), stride=2)
    np.testing.assert_array_equal(np.load("fixed.npy"), cm.checkerboard(op).nearest_free().weight)


def test_text_files_keep_every_digit(run, weights):
    for file in ("fixed.npy", "fixed.txt"):
        run("overlap", "double.npy", "--stride", "2", "--fix", "-o", file)
    np.testing.assert_array_equal(cm.kernel("fixed.txt"), cm.kernel("fixed.npy"))


def test_fractions_become_floats_with_a_remark(run):
    ran = run("overlap", "1 2 3 5", "--stride", "2", "--fix", "-o", "fixed.npy")
    assert ran.err == "fractions are written as float64; .csv and .txt keep them exact\nwrote fixed.npy\n"
    assert np.load("fixed.npy").tolist() == [1.75, 1.25, 3.75, 4.25]
    run("overlap", "1 2 3 5", "--stride", "2", "--fix", "-o", "fixed.csv")
    assert Path("fixed.csv").read_text() == "7/4,5/4,15/4,17/4\n"
    assert cm.kernel("fixed.csv").tolist() == [Fraction(7, 4), Fraction(5, 4), Fraction(15, 4), Fraction(17, 4)]


def test_how_far_the_nearest_free_weight_is(run):
    said = run("overlap", "1 2 3 5", "--stride", "2").out
    # Each tap moves by 3/4, of a norm of the square root of 39.
    assert "nearest weight without a checkerboard: distance 1.5 (Frobenius), 24.02 % of the norm of the weight" in said
    assert "nearest weight" not in run("overlap", "1 2 1", "--stride", "2").out
    near = json.loads(run("overlap", "1 2 3 5", "--stride", "2", "--json").out)["nearest_free"]
    assert near["entries"] == ["7/4", "5/4", "15/4", "17/4"]
    assert (near["distance"], near["relative_distance"]) == (pytest.approx(1.5), pytest.approx(1.5 / 39**0.5))


def test_the_distance_of_symbols_is_an_expression(run):
    said = run("overlap", "a b a", "--stride", "2").out
    assert "nearest weight without a checkerboard: distance sqrt(3)*Abs(2*a/3 - b/3) (Frobenius)\n" in said


def test_a_distance_beyond_floats(run):
    words = ["1e400 2e400 3e400 5e400", "--stride", "2"]
    assert "distance beyond a float64 (Frobenius), 24.02 % of the norm of the weight" in run("overlap", *words).out
    near = json.loads(run("overlap", *words, "--json").out)["nearest_free"]
    assert near["distance"] is None
    assert near["squared_distance"] == str(9 * 10**800 // 4)


def test_a_weight_of_zeros_has_no_share(run, folder):
    np.save("zeros.npy", np.zeros((1, 1, 3)))
    ran = run("overlap", "zeros.npy", "--stride", "2", "--fix", "-o", "fixed.npy")
    assert "distance 0 (Frobenius)\n" in ran.out
    np.testing.assert_array_equal(np.load("fixed.npy"), np.zeros((1, 1, 3)))


@pytest.mark.parametrize("scale", ["1e-300", "1e300"])
def test_distances_of_tiny_and_huge_weights(run, folder, scale):
    np.save("scaled.npy", np.array([1.0, 2.0, 3.0, 5.0]) * float(scale))
    near = json.loads(run("overlap", "scaled.npy", "--stride", "2", "--json").out)["nearest_free"]
    assert near["distance"] == pytest.approx(1.5 * float(scale))
    assert near["relative_distance"] == pytest.approx(1.5 / 39**0.5)


def test_a_table_of_remedies(run):
    options = ["3", "--stride", "2", "--dims", "2"]
    op = layer(np.ones((3, 3), int), (4, 4), stride=2)
    assert str(cm.remedies(op)) in run("overlap", *options, "--remedies").out
    document = json.loads(run("overlap", *options, "--remedies", "--json").out)
    assert document["remedies"] == json.loads(json.dumps(cm.remedies(op).to_dict()))
    assert json.loads(run("overlap", *options, "--json").out)["remedies"] is None


def test_json_of_a_size(run):
    document = json.loads(run("overlap", "3", "--stride", "2", "--json").out)
    op = layer(np.ones(3, int), 4, stride=2)
    assert (document["schema_version"], document["command"]) == (1, "overlap")
    assert document["kernel"] == {"text": "3", "is_size": True, "shape": [3], "dtype": "int64", "entries": [1, 1, 1]}
    assert (document["layer"], document["kernel_size"], document["input_size"]) == ("transposed layer", [3], [4])
    assert document["overlap"] == json.loads(json.dumps(cm.overlap(op).to_dict()))
    assert document["checkerboard"] == json.loads(json.dumps(cm.checkerboard(op).to_dict()))
    assert (document["nearest_free"], document["files"]) == (None, {})


def test_json_of_symbols(run):
    document = json.loads(run("overlap", "a b c d", "--stride", "2", "--json").out)
    assert document["kernel"]["entries"] == ["a", "b", "c", "d"]
    assert (document["nearest_free"]["distance"], document["nearest_free"]["relative_distance"]) == (None, None)
    assert document["nearest_free"]["squared_distance"] == str(
        cm.checkerboard(layer("a b c d", 4, stride=2)).squared_distance()
    )


def test_a_weight_too_large_for_json(run, folder):
    np.save("large.npy", np.ones((101, 100, 1)))
    ran = run("overlap", "large.npy", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["kernel"]["entries"] is None
    assert ran.err.startswith("entries are null: ")


PICTURES = [("3", ".png", b"\x89PNG"), ("1 2 3 4", ".svg", b"<?xml"), ("decoder.npy", ".pdf", b"%PDF")]


@pytest.mark.parametrize(("kernel", "suffix", "start"), PICTURES, ids=[kernel for kernel, *_ in PICTURES])
def test_pictures(run, weights, kernel, suffix, start):
    ran = run("overlap", kernel, "--stride", "2", "--plot", f"p{suffix}", "--json")
    assert (ran.code, ran.err) == (0, f"wrote p{suffix}\n")
    assert Path(f"p{suffix}").read_bytes().startswith(start)
    assert json.loads(ran.out)["files"] == {"plot": f"p{suffix}"}


def test_a_picture_and_a_weight_at_once(run, weights):
    ran = run("overlap", "1 2 4", "--stride", "2", "--fix", "-o", "fixed.csv", "--plot", "p.png", "--json")
    assert ran.err == "wrote fixed.csv\nwrote p.png\n"
    assert json.loads(ran.out)["files"] == {"output": "fixed.csv", "plot": "p.png"}


REFUSED = [
    (["0"], "KERNEL must be at least 1 on every axis as a size, got 0"),
    (["3x0"], "KERNEL must be at least 1 on every axis as a size, got 3x0"),
    (["-1"], "KERNEL must be at least 1 on every axis as a size, got -1"),
    (["1001x1000"], "KERNEL must have at most 1,000,000 taps as a size, got 1001x1000"),
    (["three"], "kernel name must be one that kernel_names() lists, got the unknown name 'three'"),
    (["3x"], "kernel literal must separate its cells by blanks or commas and write products with *, got 'x' at"),
    (["3", "--stride", "0"], "stride must be at least 1, got 0 on axis 0"),
    (["1 2 1", "--stride", "0"], "stride must be at least 1, got 0 on axis 0"),
    (["3", "--stride", "2x2"], "stride must be one integer or one for each of the 1 axes, got (2, 2)"),
    (["3", "--stride", "1000000007"], "stride must make at most 100,000 phases, got 1000000007"),
    (["3x3", "--pixel-shuffle", "1000"], "--pixel-shuffle must make at most 100,000 phases, got 1000x1000"),
    (["3", "--dilation", "999999999999999", "--stride", "3"], "the layer must fit into memory, got "),
    (["3", "--dilation", "0"], "dilation must be at least 1, got 0 on axis 0"),
    (["3", "--stride", "2", "--output-padding", "2"], "output_padding must be below max(stride, dilation) = 2, got 2"),
    (["3", "--padding", "-1"], "padding must be at least 0 on every side, got -1"),
    (
        ["3", "--padding", "same"],
        "padding must be an int, one int an axis or one (before, after) pair an axis, got 'same'",
    ),
    (["3", "--input-size", "2", "--padding", "9"], "output size must be at least 1, got -14 on axis 0"),
    (["3", "--dims", "0"], "--dims must be at least 1, got 0"),
    (["sobel_x", "--dims", "0"], "--dims must be at least 1, got 0"),
    (["3x4", "--dims", "2"], "--dims must come with a KERNEL size of one number, got 2 with 3x4"),
    (["3x4", "--input-size", "5x5x5"], "--input-size must have one size or 2 for KERNEL 3x4, got 5x5x5"),
    (["3", "--dims", "1", "--input-size", "5x5"], "--input-size must have one size for KERNEL 3, got 5x5"),
    (["3", "--groups", "2"], "groups must divide in_channels 1, got 2"),
    (["line.npy", "--groups", "2"], "groups must divide in_channels 3, got 2"),
    (["1 2 1", "--dims", "2"], "KERNEL must have 2 axes, or 4 with channels, for --dims 2, got shape (3,)"),
    (
        ["decoder.npy", "--dims", "3"],
        "KERNEL must have 3 axes, or 5 with channels, for --dims 3, got shape (3, 2, 4, 4)",
    ),
    (
        ["line.npy", "--input-size", "5x5"],
        "KERNEL must have 2 axes, or 4 with channels, for --input-size 5x5, got shape",
    ),
    (["sobel_x", "--dims", "2", "--input-size", "5x5x5"], "--input-size must have one size or 2 for --dims, got 5x5x5"),
    (["nan.npy"], "kernel file must hold finite numbers, got nan at index (1,) in 'nan.npy'"),
    (["missing.npy"], "kernel file must exist, got 'missing.npy'"),
    (["broken.npy"], "kernel file must be an intact NumPy file; pickled ones are never loaded, got 'broken.npy'"),
    (["two.npz"], "kernel file must hold one array, or one called weight or kernel (pick with file.npz:name), got"),
    (["3", "--pixel-shuffle", "0"], "--pixel-shuffle must be at least 1, got 0 on axis 0"),
    (["3", "--pixel-shuffle", "2x2"], "--pixel-shuffle must be one integer or one for each of the 1 axes, got (2, 2)"),
    (
        ["sobel_x", "--pixel-shuffle", "2"],
        "KERNEL must write a multiple of 4 channels for --pixel-shuffle 2x2, got 1 (shape",
    ),
    (
        ["line.npy", "--pixel-shuffle", "2"],
        "KERNEL must write a multiple of 2 channels for --pixel-shuffle 2, got 3 (shape",
    ),
    (
        ["3", "--pixel-shuffle", "2", "--output-padding", "1"],
        "--output-padding must come without --pixel-shuffle, got 1 with it",
    ),
    (["3", "--tol", "0.1"], "--tol must come with a weight, got 0.1 with the size 3"),
    (["line.npy", "--tol", "-1"], "argument --tol: must be a finite number of at least 0, got -1"),
    (["line.npy", "--tol", "some"], "argument --tol: must be a number, got 'some'"),
    (["3", "--fix", "-o", "f.npy"], "--fix must come with a weight, got the size 3"),
    (
        ["3", "--stride", "300", "--dims", "2", "--remedies"],
        "op must have at most 1,000 phases and 100,000 taps for its remedies to be compared, got 90,000 and 9",
    ),
    (["line.npy", "--fix"], "--fix must come with -o FILE, got it alone"),
    (["line.npy", "-o", "f.npy"], "-o must come with --fix, got 'f.npy' alone"),
    (["line.npy", "--fix", "-o", "f.mtx"], "-o must end in .npy, .npz, .csv, .txt, got 'f.mtx'"),
    (["line.npy", "--fix", "-o", "line.npy"], "-o must not be a file that is read, got 'line.npy'"),
    (["two.npz:first", "--fix", "-o", "two.npz"], "-o must not be a file that is read, got 'two.npz'"),
    (["line.npy", "--fix", "-o", "no/f.npy"], "-o must be in a folder that exists, got 'no/f.npy'"),
    (["a b c", "--fix", "-o", "f.npy"], "-o must end in .csv, .txt for a weight with symbols, got .npy"),
    (
        ["a*a b c", "--stride", "2", "--fix", "-o", "f.csv"],
        "-o must be for a weight that a literal can hold, got one where",
    ),
    (["complex.npy", "--fix", "-o", "f.csv"], "-o must end in .npy, .npz for a complex weight, got .csv"),
    (["decoder.npy", "--fix", "-o", "f.txt"], "-o must end in .npy, .npz for a float32 weight, got .txt"),
    (
        ["1e400 2e400 1 1", "--stride", "2", "--fix", "-o", "f.npy"],
        "weight entries must fit a float64, got about 1e400",
    ),
    (["3", "--plot", "p.gif"], "--plot must end in .png, .svg, .pdf, got 'p.gif'"),
    (["3", "--transpose"], "unrecognized arguments: --transpose"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_bad_input_is_one_line_and_leaves_nothing(run, weights, words, message):
    before = {path.name: path.read_bytes() for path in weights.iterdir()}
    ran = run("overlap", *words)
    assert (ran.code, ran.out) == (2, "")
    assert re.match("convmatrix( overlap)?: error: ", ran.err)
    assert ran.err.count("\n") == 1
    assert message in ran.err
    assert {path.name: path.read_bytes() for path in weights.iterdir()} == before


def test_infinity_is_no_json_and_nothing_is_written(run, weights, monkeypatch):
    monkeypatch.setattr("convmatrix.cli.text.entries", lambda array: float("inf"))
    ran = run("overlap", "1 2 4", "--stride", "2", "--json", "--plot", "p.png", "--fix", "-o", "f.npy")
    assert (ran.code, ran.out) == (2, "")
    assert "--json must be of finite numbers, got NaN or infinity" in ran.err
    assert not Path("p.png").exists()
    assert not Path("f.npy").exists()


def test_progress_on_a_terminal_only(run, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["overlap", "3"]) == 0
    assert terminal.written.startswith("looking at the layer ...")
    assert terminal.written.endswith("\r")


def test_the_layer_and_the_exit_codes_are_in_the_help():
    assert "always the transposed" in COMMAND.description
    assert "1 with --check: a checkerboard" in COMMAND.epilog
