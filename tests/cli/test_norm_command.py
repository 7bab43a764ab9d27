"""`convmatrix norm` in this process."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli_running import runner

import convmatrix as cm

WORDS = ("norm", "1 2 1; 2 4 2; 1 2 1", "--input-size", "8x8", "--padding", "1")
TRUE = float(np.linalg.svd(cm.conv("1 2 1; 2 4 2; 1 2 1", (8, 8), padding=1).toarray(), compute_uv=False)[0])


@pytest.fixture
def run(capsys):
    return runner(capsys)


def test_the_norm_as_text(run):
    ran = run(*WORDS)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "kernel 1 2 1; 2 4 2; 1 2 1 (3x3)"
    assert "norm between 15.0" in lines[3]


def test_the_norm_as_json(run):
    document = json.loads(run(*WORDS, "--json", "--width", "1e-6").out)
    assert document["command"] == "norm"
    assert document["norm"]["lower"] <= TRUE <= document["norm"]["upper"]
    assert document["norm"]["width"] <= 1e-6
    assert document["norm"]["reached"] is True
    assert document["files"] == {}


def test_the_table_of_bounds(run):
    ran = run(*WORDS, "--bounds")
    assert "PyTorch's spectral_norm" in ran.out
    assert "circular embedding" in ran.out
    document = json.loads(run(*WORDS, "--bounds", "--json").out)
    assert {row["name"] for row in document["bounds"]} == {row.name for row in cm.norm_bounds(_op()).rows}


def _op():
    return cm.conv("1 2 1; 2 4 2; 1 2 1", (8, 8), padding=1)


@pytest.mark.parametrize("more", [(), ("--bounds",), ("--width", "1e-3")], ids=" ".join)
@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        ("16", "proved"),
        (f"{TRUE * (1 + 1e-3):.12g}", "proved"),
        (f"{TRUE * (1 + 1e-8):.12g}", "proved"),
        ("15", "false"),
        (f"{TRUE * (1 - 1e-8):.12g}", "false"),
    ],
)
def test_check(run, limit, verdict, more):
    """However near to the norm the limit is: enclosures are made narrower until it is outside."""
    ran = run(*WORDS, *more, "--check", limit)
    assert ran.code == (0 if verdict == "proved" else 1)
    assert ran.out.splitlines()[-1] == f"at most {limit}: {verdict}"
    document = json.loads(run(*WORDS, *more, "--check", limit, "--json").out)
    assert document["check"] == {"at_most": float(limit), "is_proved": verdict == "proved", "verdict": verdict}
    norm = document["norm"]
    assert norm["upper"] <= float(limit) if verdict == "proved" else norm["lower"] > float(limit)


def test_a_limit_that_is_the_norm_is_not_decided(run):
    """The one is within the roundings of the other."""
    ran = run("norm", "1", "--input-size", "8", "--check", "1")
    assert (ran.code, ran.out.splitlines()[-1]) == (1, "at most 1: not proved")
    document = json.loads(run("norm", "1", "--input-size", "8", "--check", "1", "--json").out)
    assert document["check"] == {"at_most": 1.0, "is_proved": False, "verdict": "not proved"}
    assert document["norm"]["lower"] <= 1 < document["norm"]["upper"]


def test_the_table_and_the_norm_are_of_one_enclosure(run, monkeypatch):
    from convmatrix.analysis.norm import table

    calls, own = [], table.spectral_norm

    def counted(*given, **named):
        calls.append(given)
        return own(*given, **named)

    monkeypatch.setattr(table, "spectral_norm", counted)
    monkeypatch.setattr("convmatrix.analysis.norm.answer.spectral_norm", counted)
    document = json.loads(run(*WORDS, "--bounds", "--width", "1e-4", "--json").out)
    assert len(calls) == 1
    assert document["norm"]["width"] <= 1e-4


@pytest.mark.parametrize("more", [(), ("--bounds",)], ids=["norm", "bounds"])
def test_plot(run, tmp_path, more):
    path = tmp_path / "norm.png"
    ran = run(*WORDS, *more, "--plot", str(path))
    assert ran.code == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert ran.err == f"wrote {path}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--transpose", "--stride", "2"),
        ("--padding-mode", "reflect"),
        ("--dilation", "2", "--padding", "2"),
        ("--flip",),
    ],
    ids=" ".join,
)
def test_geometry(run, words):
    document = json.loads(run(*WORDS, *words, "--json").out)
    kernel, size = "1 2 1; 2 4 2; 1 2 1", (8, 8)
    op = {
        "--transpose": lambda: cm.conv_transpose(kernel, size, stride=2, padding=1),
        "--padding-mode": lambda: cm.conv(kernel, size, padding=1, padding_mode="reflect"),
        "--dilation": lambda: cm.conv(kernel, size, padding=2, dilation=2),
        "--flip": lambda: cm.conv(kernel, size, padding=1, flip=True),
    }[words[0]]()
    true = np.linalg.svd(op.toarray(), compute_uv=False)[0]
    assert document["norm"]["lower"] <= true * (1 + 1e-12)
    assert true * (1 - 1e-12) <= document["norm"]["upper"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("norm", "a b; c d"), "op must have weights without symbols, got a: insert numbers"),
        (("norm", "sobel_x", "--width", "0"), "width must be a number above 0, got 0.0"),
        (("norm", "sobel_x", "--width", "-1"), "argument --width: must be a finite number of at least 0, got -1"),
        (("norm", "sobel_x", "--width", "one"), "argument --width: must be a number, got 'one'"),
        (("norm", "sobel_x", "--plot", "norm.gif"), "--plot must end in .png, .svg, .pdf"),
        (("norm", "sobel_x", "--input-size", "2x2"), "output size must be at least 1"),
        (("norm", "nosuch"), "nosuch"),
        (("norm",), "the following arguments are required: KERNEL"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line(run, words, message):
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
