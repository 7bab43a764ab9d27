"""`convmatrix kinds` in this process."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cli_running import Ran, runner

import convmatrix as cm
from convmatrix.kinds.record import Kind


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    return runner(capsys)


def test_all_kinds(run: Callable[..., Ran]) -> None:
    ran = run("kinds")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(str(cm.KINDS))
    assert f"{len(cm.KINDS)} kinds" in ran.out


@pytest.mark.parametrize("name", cm.KINDS)
def test_one_kind(run: Callable[..., Ran], name: str) -> None:
    ran = run("kinds", name)
    assert (ran.code, ran.out, ran.err) == (0, f"{cm.KINDS[name]}\n", "")


def test_check_verifies_all(run: Callable[..., Ran]) -> None:
    ran = run("kinds", "--check")
    assert ran.code == 0
    assert f"all {len(cm.KINDS)} structures hold" in ran.out


def test_check_can_fail(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kind, "verify", lambda self, _=None: self.name != "grouped")
    ran = run("kinds", "--check")
    assert ran.code == 1
    assert f"1 of {len(cm.KINDS)} structures do not hold: grouped" in ran.out
    ran = run("kinds", "grouped", "--check")
    assert ran.code == 1
    assert ran.out.endswith("\n\nthe structure does not hold on the example\n")
    ran = run("kinds", "pointwise", "--check")
    assert ran.code == 0
    assert ran.out == f"{cm.KINDS['pointwise']}\n\nthe structure holds, entry for entry, on the example\n"


def test_json(run: Callable[..., Ran]) -> None:
    document = json.loads(run("kinds", "--json").out)
    assert document["schema_version"] == 1
    assert [record["name"] for record in document["kinds"]] == list(cm.KINDS)
    (record,) = json.loads(run("kinds", "transposed", "--json").out)["kinds"]
    assert record == cm.KINDS["transposed"].to_dict()


def test_json_names_the_files_written(run: Callable[..., Ran], tmp_path) -> None:
    assert json.loads(run("kinds", "grouped", "--json").out)["files"] == {}
    path = str(tmp_path / "p.svg")
    assert json.loads(run("kinds", "grouped", "--json", "--plot", path).out)["files"] == {"plot": path}


@pytest.mark.parametrize("words", [("kinds",), ("kinds", "pointwise")], ids=len)
def test_plot(run: Callable[..., Ran], tmp_path, words: tuple[str, ...]) -> None:
    path = tmp_path / "picture.png"
    ran = run(*words, "--plot", str(path))
    assert ran.code == 0
    assert ran.err == f"wrote {path}\n"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_unknown_names_and_files_in_one_line(run: Callable[..., Ran]) -> None:
    ran = run("kinds", "depthwize")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "convmatrix kinds: error: name must be a kind of convolution, got 'depthwize': did you mean depthwise?\n"
    )
    assert run("kinds", "--plot", "sheet.txt").code == 2
