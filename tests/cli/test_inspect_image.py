"""`convmatrix inspect --image`: the photograph, the check, the picture."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from cli_running import write_photograph
from PIL import Image
from scipy.sparse import load_npz

import convmatrix as cm
from convmatrix.analysis.application import gray
from convmatrix.cli.photograph import PICTURE
from convmatrix.plots.photograph import read_photograph, sample_photograph


@pytest.fixture
def photograph(folder, rng):
    return write_photograph(folder, rng)


GEOMETRIES = [
    "article --padding 0:2x1:0 --dilation 2 --flip",
    "article --padding same_lower --stride 3x2",
    "article --transpose --dilation 3 --output-padding 2 --padding 0:1x2:0 --flip",
    "gaussian3 --padding 2 --padding-mode symmetric --stride 2",
]


@pytest.mark.parametrize("words", GEOMETRIES)
def test_small_photograph(run, photograph, words):
    kernel, *options = words.split()
    ran = run("inspect", kernel, *options, "--image", photograph, "--plot", "p.png", "--json")
    assert ran.code == 0, ran.err
    application = json.loads(ran.out)["application"]
    assert application["is_equal"]
    assert [way["name"] for way in application["comparisons"]][:2] == ["the operator without its matrix", "SciPy"]
    assert application["is_exact"] == (not kernel.startswith("gaussian"))
    if application["is_exact"]:
        assert {way["largest_difference"] for way in application["comparisons"]} == {0.0}


def test_text_reports_every_way(run, photograph):
    ran = run("inspect", "sobel_x", "--image", photograph)
    assert ran.code == 0
    assert "photograph     small.png, 18x22, gray" in ran.out
    assert "matrix C       320 x 396, 2,880 entries" in ran.out
    assert re.search(r"SciPy +largest difference 0 ", ran.out)
    assert ran.out.endswith("verdict        equal, to the last bit\n")


def test_picture_has_a_name_of_its_own(run, photograph, folder):
    ran = run("inspect", "sobel_x", "--image", photograph)
    assert ran.err == f"wrote {PICTURE}\n"
    assert sorted(path.name for path in folder.iterdir()) == sorted([PICTURE, photograph])
    with Image.open(PICTURE) as picture:
        assert picture.width > 1000


def test_matrix_file_has_the_photograph_s_size(run, photograph):
    assert run("inspect", "sobel_x", "--image", photograph, "-o", "m.npz").code == 0
    result = load_npz("m.npz") @ gray(read_photograph_of(photograph)).astype(int).ravel()
    expected = cm.conv("sobel_x", (18, 22))(gray(read_photograph_of(photograph)))
    np.testing.assert_array_equal(result.reshape(16, 20), expected)


def read_photograph_of(name):
    from pathlib import Path

    return read_photograph(Path(name))


@pytest.mark.parametrize("groups", [1, 3])
def test_three_colours(run, photograph, rng, groups):
    np.save("w.npy", rng.integers(-3, 4, size=(6, 3 // groups, 3, 3)))
    ran = run("inspect", "w.npy", "--groups", str(groups), "--image", photograph, "--padding", "1", "--json")
    application = json.loads(ran.out)["application"]
    assert application["in_shape"] == [3, 18, 22]
    assert application["out_shape"] == [6, 18, 22]
    assert application["is_equal"]


def test_three_colours_transposed(run, photograph, rng):
    np.save("w.npy", rng.normal(size=(3, 2, 4, 4)))
    ran = run("inspect", "w.npy", "--transpose", "--stride", "2", "--image", photograph, "--json")
    assert json.loads(ran.out)["application"]["is_equal"]


def test_matplotlib_brings_the_default(run):
    ran = run("inspect", "sobel_x", "--image", "--input-size", "40x50", "--json")
    document = json.loads(ran.out)
    assert document["photograph"] == "matplotlib's sample grace_hopper.jpg"
    assert document["application"]["in_shape"] == [1, 40, 50]
    assert read_photograph(sample_photograph()).shape == (600, 512, 3)


def test_a_wrong_matrix_is_found(run, photograph, monkeypatch):
    real = cm.operators.convolution.Convolution.tosparse

    def wrong(self, *arguments, **options):
        matrix = real(self, *arguments, **options)
        matrix.data[7] += 1
        return matrix

    monkeypatch.setattr(cm.operators.convolution.Convolution, "tosparse", wrong)
    ran = run("inspect", "sobel_x", "--image", photograph)
    assert ran.code == 1
    assert "verdict        DIFFERENT" in ran.out


REFUSED = [
    (["sobel_x", "--image", "missing.png"], "photograph must be a file that exists, got 'missing.png'"),
    (["sobel_x", "--image", "text.png"], "photograph must be an intact picture file, got 'text.png': no picture"),
    (["sobel_x", "--image", "empty.png"], "photograph must be an intact picture file"),
    (["sobel_x", "--image", "cut.png"], "photograph must be an intact picture file, got 'cut.png'"),
    (["sobel_x", "--image", "deep.png"], "photograph must have 8 bits a channel, got mode I"),
    (["sobel_x", "--image", "."], "photograph must be a file that exists"),
    (["1 2 1", "--image", "small.png"], r"KERNEL must have two axes for --image .* got shape \(3,\)"),
    (["a b; c d", "--image", "small.png"], "weight must be numeric"),
    (["five.npy", "--image", "small.png"], r"KERNEL must read 1 channel \(gray\) or 3 .* got 5"),
    (["complex.npy", "--image", "small.png"], "weight must be real for a picture, got dtype complex128"),
    (
        ["sobel_x", "--image", "small.png", "--input-size", "19x22"],
        "--input-size must be at most the photograph's 18x22",
    ),
    (["sobel_x", "--image", "small.png", "--plot", "small.png"], "--plot must not be a file that is read"),
    (["box:size=99", "--image", "small.png"], "output size must be at least 1"),
    (
        ["1e308 1e308; 1e308 1e308", "--image", "small.png", "--json"],
        r"weight must keep the results below 1e\+300 to be finite, got inf",
    ),
    (["many.npy", "--image"], "the matrix must fit into memory"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_bad_input_is_one_line_and_leaves_nothing(run, photograph, folder, words, message):
    (folder / "text.png").write_text("no picture")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / photograph).read_bytes()[:300])
    Image.fromarray(np.zeros((4, 4), dtype=np.uint16)).save(folder / "deep.png")
    np.save(folder / "five.npy", np.ones((1, 5, 3, 3)))
    np.save(folder / "complex.npy", np.ones((3, 3), dtype=complex))
    np.save(folder / "many.npy", np.ones((5000, 3, 3, 3), dtype=np.float32))
    before = sorted(folder.iterdir())
    ran = run("inspect", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert re.search(message, ran.err)
    assert sorted(folder.iterdir()) == before
