"""`convmatrix rank` in this process."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli_running import runner

import convmatrix as cm

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
