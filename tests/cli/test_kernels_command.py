"""`convmatrix kernels`: the list, and one kernel."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import convmatrix as cm


def test_list_names_them_all(run):
    ran = run("kernels")
    assert (ran.code, ran.err) == (0, "")
    names = [line.split()[0] for line in ran.out.splitlines() if re.search(r" (exact|sampled) ", line)]
    assert names == cm.kernel_names()
    assert re.search(r"^sobel_x +3x3 +exact ", ran.out, re.MULTILINE)


def test_lines_are_cut_on_a_terminal(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setattr("convmatrix.cli.kernels_command.sys.stdout.isatty", lambda: True, raising=False)
    lines = run("kernels").out.splitlines()[:-2]
    assert max(map(len, lines)) <= 70
    assert any(line.endswith("...") for line in lines)


def test_list_as_json(run):
    document = json.loads(run("kernels", "--json").out)
    assert document["schema_version"] == 1
    assert [record["name"] for record in document["kernels"]] == cm.kernel_names()
    shapes = {record["name"]: tuple(record["shape"]) for record in document["kernels"]}
    assert all(cm.kernel(name).shape == shape for name, shape in shapes.items())


def test_one_kernel_with_its_fractions(run):
    ran = run("kernels", "gaussian3")
    assert ran.code == 0
    assert ran.out.endswith("gaussian3 (3x3, sum 1)\n  1/16  1/8  1/16\n   1/8  1/4   1/8\n  1/16  1/8  1/16\n")


def test_one_kernel_as_json(run):
    document = json.loads(run("kernels", "gaussian:size=3,sigma=1/2", "--json").out)
    assert document["schema_version"] == 1
    assert document["kernel"]["name"] == "gaussian"
    np.testing.assert_array_equal(document["kernel"]["entries"], cm.kernel("gaussian:size=3,sigma=1/2"))


@pytest.mark.parametrize("name", ["sobel_x", "gaussian1d", "laplacian3d", "laplacian9", "disk:radius=12"])
def test_picture(run, folder, name):
    ran = run("kernels", name, "--plot", "k.png")
    assert (ran.code, ran.err) == (0, "wrote k.png\n")
    assert (folder / "k.png").read_bytes().startswith(b"\x89PNG")


REFUSED = [
    (["zzz"], "kernel name must be .*'zzz'"),
    (["sobelx"], "did you mean sobel_x"),
    (["1 2; 3 4"], "kernel name must be"),
    (["-1 2; 3 4"], "kernel name must be"),
    (["gaussian:sigma=-1"], "gaussian sigma must be a finite number greater than 0"),
    (["sobel_x", "--plot", "k.gif"], "--plot must end in .png, .svg, .pdf, got 'k.gif'"),
    (["--plot", "k.png"], "--plot must come with the NAME of a kernel, got 'k.png' alone"),
    (["sobel_x", "-o", "k.npy"], "unrecognized arguments: -o k.npy"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_bad_input(run, folder, words, message):
    ran = run("kernels", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert re.search(message, ran.err)
    assert list(folder.iterdir()) == []


def test_many_entries_are_left_out_of_json(run):
    ran = run("kernels", "box:size=101x100", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["kernel"]["entries"] is None
    assert ran.err == "entries are null: JSON holds those of kernels of at most 10,000, got 10,100\n"
