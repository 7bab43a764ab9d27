"""Every Python block and every command with its output, in README and docs, is run as it stands."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import matplotlib as mpl
import pytest

from convmatrix.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(language: str) -> list[tuple[str, str]]:
    """Fenced blocks of one language, each with an id of its page and place."""
    found = []
    for page in PAGES:
        texts = re.findall(
            rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
        )
        found += [(f"{page.name}-{number}", text) for number, text in enumerate(texts)]
    return found


def sessions(consoles: list[tuple[str, str]]) -> list[tuple[str, str, str, int]]:
    """Commands `$ convmatrix ...`, the output shown below each, and the exit code: 0, or what `$ echo $?` shows."""
    found: list[tuple[str, str, str, int]] = []
    for name, text in consoles:
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command == "echo $?":
                found[-1] = (*found[-1][:3], int(output))
            elif command.startswith("convmatrix"):
                found.append((f"{name}-{command[:40]}", command, output, 0))
    return found


PYTHON, COMMANDS = blocks("python"), sessions(blocks("console"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that an example writes land in a folder of its own."""
    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.mark.parametrize("text", [text for _, text in PYTHON], ids=[name for name, _ in PYTHON])
def test_python_block(text: str) -> None:
    for optional in ("torch", "tensorly"):
        if f"import {optional}" in text or f"from {optional}" in text:
            pytest.importorskip(optional)
    if ">>>" not in text:
        exec(compile(text, "<block>", "exec"), {"__name__": "__block__"})
        return
    examples = doctest.DocTestParser().get_doctest(text, {}, "block", None, 0)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    messages: list[str] = []
    runner.run(examples, out=messages.append)
    assert not runner.failures, "".join(messages)


@pytest.mark.parametrize(("command", "output", "code"), [own[1:] for own in COMMANDS], ids=[own[0] for own in COMMANDS])
def test_command_prints_what_is_shown(command: str, output: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(command)[1:]) == code
    printed = capsys.readouterr().out
    if output.strip():
        assert doctest.OutputChecker().check_output(output, printed, FLAGS), printed


def test_exit_codes_are_read_from_the_page() -> None:
    page = "$ convmatrix a --check\nno\n$ echo $?\n1\n$ convmatrix b\n$ ls\n"
    assert [own[1:] for own in sessions([("p", page)])] == [
        ("convmatrix a --check", "no\n", 1),
        ("convmatrix b", "", 0),
    ]


def test_there_is_something_to_test() -> None:
    assert PYTHON
    assert COMMANDS
