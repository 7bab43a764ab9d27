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


def sessions() -> list[tuple[str, str, str]]:
    """Commands `$ convmatrix ...` of console blocks, with the output shown below each."""
    found = []
    for name, text in blocks("console"):
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command.startswith("convmatrix"):
                found.append((f"{name}-{command[:40]}", command, output))
    return found


PYTHON, COMMANDS = blocks("python"), sessions()


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


@pytest.mark.parametrize(
    ("command", "output"),
    [(command, output) for _, command, output in COMMANDS],
    ids=[name for name, _, _ in COMMANDS],
)
def test_command_prints_what_is_shown(command: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(shlex.split(command)[1:])
    printed = capsys.readouterr().out
    if output.strip():
        assert doctest.OutputChecker().check_output(output, printed, FLAGS), printed


def test_there_is_something_to_test() -> None:
    assert PYTHON
    assert COMMANDS
