"""The program as a whole: help, versions, exit codes, pipes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cli_running import Terminal

import convmatrix
from convmatrix import cli
from convmatrix.cli import COMMANDS, main
from convmatrix.cli.parser import guard, input_size, padding, per_axis

# The package as it is imported here, installed or not.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(convmatrix.__file__).parents[1])}
PROGRAM = [sys.executable, "-m", "convmatrix"]


def in_a_process(*words, **variables):
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, timeout=120, env={**ENVIRONMENT, **variables}
    )


def test_alone_it_prints_its_help(run):
    ran = run()
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("usage: convmatrix")
    for command in COMMANDS:
        assert command.name in ran.out


def test_version(run):
    assert run("--version").out == f"convmatrix {convmatrix.__version__}\n"


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_help_of_a_command_has_an_example(run, name):
    ran = run(name, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"  convmatrix {name}" in ran.out.partition("examples:")[2]


def examples():
    texts = [cli._EPILOG, *(command.epilog for command in COMMANDS)]
    lines = [line.strip() for text in texts for line in text.splitlines() if line.startswith("  convmatrix ")]
    return sorted(set(lines))


@pytest.mark.parametrize("line", examples())
def test_examples_work_as_typed(run, line):
    ran = run(*shlex.split(line)[1:])
    assert ran.code == 0, ran.err
    assert ran.out


USAGE = [
    (["foo"], r"^convmatrix: error: argument COMMAND: invalid choice: 'foo'"),
    (["inspect"], r"^convmatrix inspect: error: the following arguments are required: KERNEL$"),
    (["inspect", "--image", "sobel_x"], r"required: KERNEL \(KERNEL comes first: --image takes the word after it"),
    (["inspect", "-a"], r"required: KERNEL \(a kernel that is one symbol with a minus sign comes last, .* -- -a\)$"),
    (["inspect", "sobel_x", "--stride"], r"argument --stride: expected one argument"),
    (["inspect", "sobel_x", "--strid", "2"], r"unrecognized arguments: --strid 2"),
    (["inspect", "sobel_x", "--stride", "two"], r"--stride: must be an integer, or one an axis as in 2x1, got 'two'"),
    (["inspect", "sobel_x", "--input-size", "5y5"], r"--input-size: must be integers joined by x, .* got '5y5'"),
    (["inspect", "sobel_x", "--padding", "1:2:3"], r"--padding: must be as in 1, 1x2, 0:1x0:1, or one of .*'1:2:3'"),
    (["inspect", "sobel_x", "--groups", "1x1"], r"--groups: must be an integer, got '1x1'"),
    (["inspect", "sobel_x", "--padding-mode", "wrap"], r"--padding-mode: invalid choice: 'wrap'"),
]


@pytest.mark.parametrize(("words", "message"), USAGE, ids=[" ".join(words) for words, _ in USAGE])
def test_bad_usage_is_one_line(run, words, message):
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert re.search(message, ran.err.rstrip("\n"))


GUARDED = [
    ("-1 0 1; -2 0 2", True),
    ("-1,0,1;-2,0,2", True),
    ("-.5 1", True),
    ("-(a+b) c", True),
    ("-a b; c d", True),
    ("-o b; c d", True),
    ("-1", True),
    ("-o", False),
    ("-h", False),
    ("-oout.npz", False),
    ("-omy matrix.npz", False),
    ("--json", False),
    ("sobel_x", False),
]


@pytest.mark.parametrize(("word", "guarded"), GUARDED, ids=[word for word, _ in GUARDED])
def test_words_that_begin_with_a_minus_sign(word, guarded):
    assert guard([word]) == [f" {word}" if guarded else word]


def test_words_behind_two_dashes_are_left_alone():
    assert guard(["--", "-1 2"]) == ["--", "-1 2"]


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (per_axis, "2", 2),
        (per_axis, "2x1", (2, 1)),
        (per_axis, " -2X1", (-2, 1)),
        (input_size, "28x28", (28, 28)),
        (input_size, "100", (100,)),
        (padding, "1", 1),
        (padding, "1x2", (1, 2)),
        (padding, "0:1x0:1", ((0, 1), (0, 1))),
        (padding, "3:4", ((3, 4),)),
        (padding, "same_lower", "same_lower"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_geometry_as_typed(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
        (MemoryError(), 2, "convmatrix kernels: error: not enough memory\n"),
        (OSError(28, "No space left on device"), 2, "convmatrix kernels: error: [Errno 28] No space left on device\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_ends_a_run(run, monkeypatch, raised, code, line):
    def fail(names):
        raise raised

    monkeypatch.setattr("convmatrix.cli.kernels_command.kernel_names", lambda: fail(()))
    ran = run("kernels")
    assert (ran.code, ran.out, ran.err) == (code, "", line)


def test_python_m_is_the_same(run):
    process = in_a_process("inspect", "sobel_x")
    ran = run("inspect", "sobel_x")
    assert (process.returncode, process.stdout, process.stderr) == (ran.code, ran.out, ran.err)


def test_reader_that_closes_early():
    process = subprocess.Popen([*PROGRAM, "kernels"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), err) == (141, b"")


def test_bad_input_in_a_process():
    process = in_a_process("inspect", "sobelx")
    assert (process.returncode, process.stdout) == (2, "")
    assert re.fullmatch(r"convmatrix inspect: error: .*'sobelx'; did you mean sobel_x.*\n", process.stderr)


def test_text_that_the_terminal_cannot_write(folder):
    process = in_a_process("inspect", "ä b", PYTHONIOENCODING="ascii")
    assert process.returncode == 0
    assert r"\xe4" in process.stdout


def test_main_reads_the_process_words(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["convmatrix", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("convmatrix ")


def test_progress_on_a_terminal_only(run, monkeypatch):
    assert run("inspect", "1 2 1").err == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert run("inspect", "1 2 1").code == 0
    assert terminal.written.startswith("inspecting the matrix ...")
    assert terminal.written.endswith("\r")


@pytest.mark.parametrize("words", [["--version"], ["separability", "--help"], ["separability", "sobel_x"]])
def test_a_command_loads_only_what_it_needs(words):
    # A process of its own: modules stay loaded.
    program = (
        "import sys; from convmatrix.cli import main; main(sys.argv[1:]); "
        "print(*(name for name in sys.modules if name.count('.') < 3), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    unwanted = {"matplotlib", "scipy.optimize", "scipy.signal", "scipy.stats", "convmatrix.plots"}
    unwanted |= {f"convmatrix.analysis.{name}" for name in ("decomposition", "flattening", "fusion", "inspection")}
    if words[-1] != "sobel_x":
        unwanted |= {"sympy", "convmatrix.analysis.separability"}
    assert not loaded & unwanted
