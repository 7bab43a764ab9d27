"""`convmatrix rank` in this process."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli_running import runner

import convmatrix as cm
from convmatrix.analysis import ranks

AROUND = ("--input-size", "8x8", "--padding", "1", "--padding-mode", "circular")
SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
RANK = np.linalg.matrix_rank(cm.conv(SOBEL, (8, 8), padding=1, padding_mode="circular").toarray())


@pytest.fixture
def run(capsys):
    return runner(capsys)


def test_ranks_as_text(run):
    ran = run("rank", "sobel_x", *AROUND)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("kernel sobel_x (3x3)\noperator <Convolution 3x3, padding 1, circular")
    assert f"{RANK} of 64, exact" in ran.out


def test_ranks_as_json(run):
    document = json.loads(run("rank", "sobel_x", *AROUND, "--json").out)
    assert document["command"] == "rank"
    assert document["ranks"]["operator"]["rank"] == RANK
    assert document["ranks"]["operator"]["rank_kind"] == "exact"
    assert document["ranks"]["kernels"]["counts"] == {"1": 1}
    assert document["files"] == {}
    assert "null_space" not in document


def test_the_null_space(run):
    assert f"null space of dimension {64 - RANK} of 64, exact" in run("rank", "sobel_x", *AROUND, "--null").out
    document = json.loads(run("rank", "sobel_x", *AROUND, "--null", "--json").out)
    assert document["null_space"]["dimension"] == 64 - RANK
    lost = {tuple(own["frequency"]) for own in document["null_space"]["frequencies"]}
    symbol = np.fft.fft2(SOBEL, (8, 8))
    assert len(lost) == np.count_nonzero(np.abs(symbol) < 1e-12)


def test_a_tolerance_asks_for_numerical_ranks(run):
    document = json.loads(run("rank", "gaussian5", *AROUND, "--padding", "2", "--tol", "0.1", "--json").out)
    values = cm.singular_values(cm.conv("gaussian5", (8, 8), padding=2, padding_mode="circular")).values
    assert document["ranks"]["operator"]["rank"] == np.count_nonzero(values > 0.1 * values[0])
    assert document["ranks"]["operator"]["rank_kind"] == "numerical"


def test_exact_takes_floats_as_fractions(run, folder):
    np.save("weight.npy", np.array([[0.5, 0.25], [0.25, 0.125]]))
    words = ("rank", "weight.npy", "--input-size", "6x6", "--json")
    kinds = [json.loads(run(*words, *more).out)["ranks"]["operator"]["rank_kind"] for more in ((), ("--exact",))]
    assert kinds == ["numerical", "exact"]


def test_the_null_space_of_floats_as_fractions(run, folder):
    weight = np.array([[0.1, -0.1], [-0.1, 0.1 + 2.0**-56]])
    np.save("weight.npy", weight)
    for borders, proof in (("circular", "frequency by frequency"), ("reflect", None)):
        words = (
            "rank",
            "weight.npy",
            "--input-size",
            "6x6",
            "--padding",
            "0:1x0:1",
            "--padding-mode",
            borders,
            "--null",
        )
        op = cm.conv(weight, (6, 6), padding=((0, 1), (0, 1)), padding_mode=borders)
        document = json.loads(run(*words, "--exact", "--json").out)["null_space"]
        assert (document["kind"], document["dimension"]) == ("exact", cm.null_space(op, exact=True).dimension)
        assert proof is None or document["proof"] == proof
        assert json.loads(run(*words, "--json").out)["null_space"]["kind"] == "numerical"


def test_exact_waits_for_the_null_space(run, monkeypatch):
    def refuse(op, tol=None, *, exact=False):
        if not exact:
            raise cm.ConvMatrixError("op must be smaller")
        return original(op, exact=True)

    original = ranks.null_space
    monkeypatch.setattr(ranks, "null_space", refuse)
    words = ("rank", "sobel_x", "--input-size", "6x6", "--padding", "1", "--padding-mode", "reflect", "--null")
    assert "null space of dimension 16 of 36, exact" in run(*words, "--exact").out
    ran = run(*words)
    assert (ran.code, ran.err) == (2, "convmatrix rank: error: op must be smaller\n")


@pytest.mark.parametrize("more", [(), ("--json",), ("--plot", "lost.png")], ids=["text", "json", "plot"])
def test_ranks_are_printed_where_the_null_space_is_out_of_reach(run, folder, more):
    words = ("rank", "1 0 2; 3 1 5; 1 1 7", "--input-size", "300x300", "--padding", "1", "--padding-mode", "reflect")
    ran = run(*words, "--null", *more)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "op must be smaller, or have some structure, for its null space, got 90000 x 90000 entries" in ran.err
    assert "-o" not in ran.err
    if more == ("--json",):
        document = json.loads(ran.out)
        assert document["ranks"]["operator"]["bounds"][1] == 90000
        assert document["null_space"] is None
    else:
        assert "of 90000 (echelon form)" in ran.out
    assert not list(folder.iterdir())


def test_what_is_too_large_is_said_without_options_the_command_lacks(run, monkeypatch):
    def refuse(*_, **__):
        raise cm.MatrixTooLargeError("the matrix of integers", 10**12, 10**9)

    monkeypatch.setattr(ranks, "rank_profile", refuse)
    ran = run("rank", "sobel_x", *AROUND)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "convmatrix rank: error: the matrix of integers would take 1.0 TB, more than the 1.0 GB allowed\n"
    )


@pytest.mark.parametrize(("kernel", "code"), [("sobel_x", 1), ("0 1 0; 1 5 1; 0 1 0", 0)])
def test_check(run, kernel, code):
    assert run("rank", kernel, *AROUND, "--check").code == code
    document = json.loads(run("rank", kernel, *AROUND, "--check", "--json").out)
    assert document["check"] == {"is_full": code == 0}


@pytest.mark.parametrize("more", [(), ("--null",)], ids=["ranks", "null"])
def test_plot(run, tmp_path, more):
    path = tmp_path / "rank.png"
    ran = run("rank", "sobel_x", *AROUND, *more, "--plot", str(path))
    assert (ran.code, ran.err) == (0, f"wrote {path}\n")
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rank", "a b; c d"), "symbols, got a"),
        (("rank", "sobel_x", "--exact", "--tol", "1e-3"), "--exact must come without --tol, got both (--tol 0.001)"),
        (("rank", "sobel_x", "--tol", "-1"), "argument --tol: must be a finite number of at least 0, got -1"),
        (("rank", "sobel_x", "--plot", "rank.gif"), "--plot must end in .png, .svg, .pdf"),
        (("rank",), "the following arguments are required: KERNEL"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line(run, words, message):
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
